/**
 * F01: the operations of a crypto provider.
 *
 * Spec: docs/spec/01-suites.md.
 * Vectors: vectors/primitives.
 */
import { Suite, type CryptoProvider } from "@tacit/core/hazmat"
import { ok, reject, type Answer, type Operation } from "./outcome.ts"
import { hex, type Input } from "./values.ts"

const give = (out: Uint8Array | undefined): Answer => (out === undefined ? reject() : ok({ out: hex(out) }))
const decide = (accepted: boolean): Answer => (accepted ? ok({ out: "01" }) : reject())

const suiteOf = (input: Input): Suite.SuiteId => {
  const suite = input.number("suite")
  if (!Suite.isSuiteId(suite)) throw new Error("no such suite")
  return suite
}

const iterate = (crypto: CryptoProvider, input: Input): Answer => {
  let k = input.bytes("k")
  let u = input.bytes("u")
  for (let i = 0; i < input.number("count"); i++) {
    const next = crypto.x25519(k, u)
    if (next === undefined) return reject()
    u = k
    k = next
  }
  return give(k)
}

export const operations: { readonly [op: string]: Operation } = {
  sha256: (crypto, input) => give(crypto.sha256(input.bytes("data"))),
  sha512: (crypto, input) => give(crypto.sha512(input.bytes("data"))),
  "hmac-sha256": (crypto, input) => give(crypto.hmacSha256(input.bytes("key"), input.bytes("data"))),
  "hmac-iterate": (crypto, input) => {
    let key = input.bytes("key")
    for (let i = 0; i < input.number("count"); i++) key = crypto.hmacSha256(key, input.bytes("data"))
    return give(key)
  },
  "hkdf-extract": (crypto, input) => give(crypto.hkdfExtract(input.bytes("ikm"), input.bytes("salt"))),
  "hkdf-expand": (crypto, input) =>
    give(crypto.hkdfExpand(input.bytes("prk"), input.bytes("info"), input.number("len"))),
  "hkdf-sha256": (crypto, input) =>
    give(crypto.hkdfSha256(input.bytes("ikm"), input.bytes("salt"), input.bytes("info"), input.number("len"))),
  "x25519-public": (crypto, input) => give(crypto.x25519PublicKey(input.bytes("k"))),
  x25519: (crypto, input) => give(crypto.x25519(input.bytes("k"), input.bytes("u"))),
  "x25519-iterate": iterate,
  "ed25519-public": (crypto, input) => give(crypto.ed25519PublicKey(input.bytes("seed"))),
  "ed25519-sign": (crypto, input) => give(crypto.ed25519Sign(input.bytes("seed"), input.bytes("msg"))),
  "ed25519-verify": (crypto, input) =>
    decide(crypto.ed25519Verify(input.bytes("key"), input.bytes("msg"), input.bytes("sig"))),
  "ml-kem-768-public": (crypto, input) => give(crypto.mlKem768KeyPair(input.bytes("seed")).publicKey),
  "ml-kem-768-check": (crypto, input) => decide(crypto.mlKem768PublicKeyValid(input.bytes("ek"))),
  "ml-kem-768-encaps": (crypto, input) => {
    const made = crypto.mlKem768Encapsulate(input.bytes("ek"), input.bytes("coins"))
    return made === undefined ? reject() : ok({ out: hex(made.ciphertext) + hex(made.sharedSecret) })
  },
  "ml-kem-768-decaps": (crypto, input) => give(crypto.mlKem768Decapsulate(input.bytes("seed"), input.bytes("ct"))),
  "aead-seal": (crypto, input) =>
    give(
      Suite.seal(
        crypto,
        suiteOf(input),
        input.bytes("key"),
        input.bytes("nonce"),
        input.bytes("ad"),
        input.bytes("plaintext")
      )
    ),
  "aead-open": (crypto, input) =>
    give(
      Suite.open(
        crypto,
        suiteOf(input),
        input.bytes("key"),
        input.bytes("nonce"),
        input.bytes("ad"),
        input.bytes("sealed")
      )
    ),
  "aes-cbc-encrypt": (crypto, input) =>
    give(crypto.aesCbcEncrypt(input.bytes("key"), input.bytes("iv"), input.bytes("plaintext"))),
  "aes-cbc-decrypt": (crypto, input) =>
    give(crypto.aesCbcDecrypt(input.bytes("key"), input.bytes("iv"), input.bytes("ciphertext")))
}
