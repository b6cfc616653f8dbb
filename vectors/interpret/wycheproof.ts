/**
 * Runs Wycheproof's files under our yes or no.
 *
 * Spec: docs/spec/01-suites.md; vectors/wycheproof/README.md.
 * vectors/wycheproof/policy.json says which files, and how cases they leave open are decided.
 */
import type { CryptoProvider } from "@tacit/core/hazmat"
import { hex, unhex } from "./values.ts"

/** A Wycheproof file, as far as it is read here. */
export interface WycheproofFile {
  readonly testGroups: ReadonlyArray<{
    readonly keySize?: number
    readonly ivSize?: number
    readonly tagSize?: number
    readonly publicKey?: { readonly pk: string }
    readonly tests: ReadonlyArray<WycheproofTest>
  }>
}

/** All members are hex texts, except where a number is expected. */
export interface WycheproofTest {
  readonly tcId: number
  readonly result: "valid" | "invalid" | "acceptable"
  readonly size?: number
  readonly [member: string]: unknown
}

/** Which groups of a file count, and what is done with open cases. */
export interface Policy {
  readonly operation: string
  /** Sizes in bits that a group must have. */
  readonly groups?: { readonly keySize?: number; readonly ivSize?: number; readonly tagSize?: number }
  /** Ids of acceptable cases that are accepted; all others are refused. */
  readonly accept: ReadonlyArray<number>
  readonly reject: ReadonlyArray<number>
}

/** What one case gives: whether it was accepted with the published answer. */
type Run = (crypto: CryptoProvider, test: WycheproofTest, key: string) => boolean

const member = (test: WycheproofTest, name: string): Uint8Array => {
  const value = test[name]
  if (typeof value !== "string") throw new Error(`no member ${name}`)
  return unhex(value)
}
const is = (bytes: Uint8Array | undefined, test: WycheproofTest, ...names: ReadonlyArray<string>): boolean =>
  bytes !== undefined && hex(bytes) === names.map((name) => test[name]).join("")

const aead =
  (seal: "chachaSeal" | "aesGcmSeal", open: "chachaOpen" | "aesGcmOpen"): Run =>
  (crypto, test) => {
    const [key, iv, aad, msg] = [member(test, "key"), member(test, "iv"), member(test, "aad"), member(test, "msg")]
    const sealed = unhex(`${String(test["ct"])}${String(test["tag"])}`)
    const opened = crypto[open](key, iv, aad, sealed)
    if (opened === undefined) return false
    return is(opened, test, "msg") && is(crypto[seal](key, iv, aad, msg), test, "ct", "tag")
  }

const runs: { readonly [operation: string]: Run } = {
  x25519: (crypto, test) => is(crypto.x25519(member(test, "private"), member(test, "public")), test, "shared"),
  ed25519: (crypto, test, key) => crypto.ed25519Verify(unhex(key), member(test, "msg"), member(test, "sig")),
  "chacha20-poly1305": aead("chachaSeal", "chachaOpen"),
  "aes-256-gcm": aead("aesGcmSeal", "aesGcmOpen"),
  "hmac-sha256": (crypto, test) => is(crypto.hmacSha256(member(test, "key"), member(test, "msg")), test, "tag"),
  "hkdf-sha256": (crypto, test) => {
    const size = test.size ?? 0
    // Lengths HKDF cannot give are our own caller's mistake, and stop there.
    if (size > 255 * 32) return false
    return is(crypto.hkdfSha256(member(test, "ikm"), member(test, "salt"), member(test, "info"), size), test, "okm")
  },
  "aes-256-cbc": (crypto, test) => {
    const [key, iv] = [member(test, "key"), member(test, "iv")]
    const opened = crypto.aesCbcDecrypt(key, iv, member(test, "ct"))
    return is(opened, test, "msg") && is(crypto.aesCbcEncrypt(key, iv, member(test, "msg")), test, "ct")
  },
  "ml-kem-768-keygen": (crypto, test) => is(crypto.mlKem768KeyPair(member(test, "seed")).publicKey, test, "ek"),
  "ml-kem-768-encaps": (crypto, test) => {
    const made = crypto.mlKem768Encapsulate(member(test, "ek"), member(test, "m"))
    return is(made?.ciphertext, test, "c") && is(made?.sharedSecret, test, "K")
  },
  "ml-kem-768": (crypto, test) => {
    const seed = member(test, "seed")
    if (seed.length !== 64) return false
    const shared = crypto.mlKem768Decapsulate(seed, member(test, "c"))
    return is(shared, test, "K") && is(crypto.mlKem768KeyPair(seed).publicKey, test, "ek")
  }
}

/** The cases that ended otherwise than the policy says, and how many ran. */
export const runWycheproof = (
  crypto: CryptoProvider,
  file: WycheproofFile,
  policy: Policy
): { readonly count: number; readonly wrong: ReadonlyArray<number> } => {
  const run = runs[policy.operation]
  if (run === undefined) throw new Error(`no operation ${policy.operation}`)
  const accept = new Set(policy.accept)
  const reject = new Set(policy.reject)
  const wrong: Array<number> = []
  let count = 0
  for (const group of file.testGroups) {
    const { ivSize, keySize, tagSize } = policy.groups ?? {}
    if (keySize !== undefined && group.keySize !== keySize) continue
    if (ivSize !== undefined && group.ivSize !== ivSize) continue
    if (tagSize !== undefined && group.tagSize !== tagSize) continue
    for (const test of group.tests) {
      count++
      if (test.result === "acceptable" && accept.has(test.tcId) === reject.has(test.tcId))
        throw new Error(`case ${test.tcId} is not decided`)
      const wanted = test.result === "valid" || (test.result === "acceptable" && accept.has(test.tcId))
      if (run(crypto, test, group.publicKey?.pk ?? "") !== wanted) wrong.push(test.tcId)
    }
  }
  return { count, wrong }
}
