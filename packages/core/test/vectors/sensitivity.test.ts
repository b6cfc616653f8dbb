/**
 * The vectors notice what they are there for: providers with one mistake each must fail, and a fault never counts as a refusal.
 *
 * Spec: vectors/README.md; docs/spec/01-suites.md.
 */
import { readFileSync } from "node:fs"
import { nobleProvider } from "@tacit/core/crypto/noble"
import type { CryptoProvider } from "@tacit/core/hazmat"
import { describe, expect, it } from "vitest"
import { runFile, type RunnableFile } from "../../../../vectors/interpret/run.ts"

const read = (path: string): RunnableFile =>
  JSON.parse(readFileSync(new URL(`../../../../vectors/${path}.json`, import.meta.url), "utf8")) as RunnableFile

/** Whether one case passes with a provider. */
const passes = (change: Partial<CryptoProvider>, path: string, id: string): boolean => {
  const file = read(path)
  const outcomes = runFile(
    { ...nobleProvider, ...change },
    { ...file, cases: file.cases.filter((item) => item.id === id) }
  )
  expect(outcomes.length).toBe(1)
  return outcomes[0]!.problem === undefined
}

const noble = nobleProvider
const mistakes: ReadonlyArray<readonly [title: string, change: Partial<CryptoProvider>, path: string, id: string]> = [
  ["takes every signature", { ed25519Verify: () => true }, "primitives/ed25519", "ed25519-s-plus-1-order"],
  ["takes every signature", { ed25519Verify: () => true }, "identity/certificate", "certificate-bad-by-carol"],
  ["takes every signature", { ed25519Verify: () => true }, "agreement/bundle", "bundle-bad-kem-kind"],
  ["takes no signature", { ed25519Verify: () => false }, "primitives/ed25519", "ed25519-genuine"],
  [
    "gives zero for a point of small order",
    { x25519: (secret, key) => noble.x25519(secret, key) ?? new Uint8Array(32) },
    "primitives/x25519",
    "x25519-small-0-0"
  ],
  [
    "gives zero for a point of small order",
    { x25519: (secret, key) => noble.x25519(secret, key) ?? new Uint8Array(32) },
    "ratchet/header-suite-1",
    "ratchet-header-1-turning-key-small-0"
  ],
  [
    "opens what is not authentic",
    { chachaOpen: (key, nonce, ad, sealed) => noble.chachaOpen(key, nonce, ad, sealed) ?? sealed.slice(0, -16) },
    "primitives/chacha20-poly1305",
    "chacha20-poly1305-tag-byte-0"
  ],
  [
    "forgets the associated data",
    {
      chachaSeal: (key, nonce, _, plaintext) => noble.chachaSeal(key, nonce, new Uint8Array(0), plaintext),
      chachaOpen: (key, nonce, _, sealed) => noble.chachaOpen(key, nonce, new Uint8Array(0), sealed)
    },
    "ratchet/suite-1",
    "ratchet-s1-current-prefix-mailbox"
  ],
  [
    "forgets the info of HKDF",
    { hkdfSha256: (ikm, salt, _, length) => noble.hkdfSha256(ikm, salt, new Uint8Array(0), length) },
    "labels/derivations",
    "kdf-root-step-base"
  ],
  [
    "forgets the salt of HKDF",
    { hkdfSha256: (ikm, _, info, length) => noble.hkdfSha256(ikm, new Uint8Array(32), info, length) },
    "labels/derivations",
    "kdf-message-key-1-nonce"
  ],
  ["takes every KEM key", { mlKem768PublicKeyValid: () => true }, "primitives/ml-kem-768", "ml-kem-check-first-q"],
  [
    "fails where ML-KEM rejects implicitly",
    {
      mlKem768Decapsulate: () => {
        throw new Error("not a ciphertext of this key")
      }
    },
    "agreement/sessions-suite-1",
    "session-1-first-inner-ciphertext"
  ],
  ["hashes something else", { sha256: (data) => noble.sha256(data.slice(1)) }, "safety/numbers", "safety-number-base"],
  ["hashes something else", { sha256: (data) => noble.sha256(data.slice(1)) }, "ratchet/bulk", "ratchet-bulk-100"],
  [
    "opens what is not authentic",
    { chachaOpen: (key, nonce, ad, sealed) => noble.chachaOpen(key, nonce, ad, sealed) ?? sealed.slice(0, -16) },
    "agreement/crossing",
    "crossing-bad-late-body"
  ],
  [
    "opens what is not authentic",
    { chachaOpen: (key, nonce, ad, sealed) => noble.chachaOpen(key, nonce, ad, sealed) ?? sealed.slice(0, -16) },
    "attachment/file",
    "attachment-chunk-bit"
  ],
  [
    "hashes pieces as something else",
    {
      sha256Start: () => {
        const hash = noble.sha256Start()
        hash.update(Uint8Array.of(0))
        return hash
      }
    },
    "attachment/file",
    "attachment-seal-small"
  ],
  ["takes every signature", { ed25519Verify: () => true }, "identity/lives", "lives-bad-cross-signed-certificate"],
  ["takes every signature", { ed25519Verify: () => true }, "linking/invitation", "invitation-bad-bit-slot"],
  ["takes every signature", { ed25519Verify: () => true }, "linking/linkings", "linking-bad-ready-signature"],
  [
    "gives zero for a point of small order",
    { x25519: (secret, key) => noble.x25519(secret, key) ?? new Uint8Array(32) },
    "linking/cpace",
    "cpace-bad-responder-0"
  ],
  [
    "opens what is not authentic",
    { chachaOpen: (key, nonce, ad, sealed) => noble.chachaOpen(key, nonce, ad, sealed) ?? sealed.slice(0, -16) },
    "linking/linkings",
    "linking-bad-payload-blind"
  ],
  [
    "hashes something else",
    { sha512: (data) => noble.sha512(data.slice(1)) },
    "linking/cpace",
    "cpace-draft-generator"
  ],
  [
    "stops instead of refusing",
    {
      chachaOpen: (key, nonce, ad, sealed) => {
        const opened = noble.chachaOpen(key, nonce, ad, sealed)
        if (opened === undefined) throw new Error("not authentic")
        return opened
      }
    },
    "primitives/chacha20-poly1305",
    "chacha20-poly1305-tag-byte-0"
  ]
]

describe("the vectors", () => {
  for (const [title, change, path, id] of mistakes) {
    it(`notice in ${path} a provider that ${title}`, () => {
      expect(passes({}, path, id)).toBe(true)
      expect(passes(change, path, id)).toBe(false)
    })
  }

  it("notice an operation that nobody implements", () => {
    const file = read("primitives/hash")
    const [first, ...rest] = file.cases
    const outcomes = runFile(noble, { ...file, cases: [{ ...first!, op: "sha3" }, ...rest] })
    expect(outcomes.filter(({ problem }) => problem !== undefined).length).toBe(1)
  })
})
