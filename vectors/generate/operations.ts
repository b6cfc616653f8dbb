/**
 * What every trace operation takes. The same names are the operations of the primitive vectors.
 *
 * Spec: vectors/README.md (derivation trace).
 */
import type { FieldType, Operation } from "./family.ts"

const out = { out: "bytes" } as const
const take = (input: { readonly [name: string]: FieldType }): Operation => ({ in: input, out })

/** By name. Each gives one byte string, `out`; where it can refuse its input, a case may be invalid. */
export const operations: { readonly [op: string]: Operation } = {
  coin: take({ actor: "text", label: "text", index: "uint", len: "uint" }),
  literal: take({ bytes: "bytes" }),
  utf8: take({ text: "text" }),
  be: take({ value: "uint", len: "uint" }),
  repeat: take({ bytes: "bytes", count: "uint" }),
  concat: take({ parts: "list" }),
  slice: take({ bytes: "bytes", from: "uint", to: "uint" }),
  xor: take({ a: "bytes", b: "bytes" }),
  min: take({ a: "bytes", b: "bytes" }),
  max: take({ a: "bytes", b: "bytes" }),
  label: take({ purpose: "text", parts: "list" }),
  canon: take({ value: "value" }),
  pad: take({ content: "bytes" }),
  sha256: take({ data: "bytes" }),
  sha512: take({ data: "bytes" }),
  "iterate-sha256": take({ data: "bytes", head: "bytes", tail: "bytes", count: "uint" }),
  decimal: take({ bytes: "bytes" }),
  "hmac-sha256": take({ key: "bytes", data: "bytes" }),
  "hmac-iterate": take({ key: "bytes", data: "bytes", count: "uint" }),
  argon2id: take({
    password: "bytes",
    salt: "bytes",
    memory: "uint",
    passes: "uint",
    lanes: "uint",
    len: "uint"
  }),
  "hkdf-extract": take({ salt: "bytes", ikm: "bytes" }),
  "hkdf-expand": take({ prk: "bytes", info: "bytes", len: "uint" }),
  "hkdf-sha256": take({ salt: "bytes", ikm: "bytes", info: "bytes", len: "uint" }),
  "x25519-public": take({ k: "bytes" }),
  x25519: take({ k: "bytes", u: "bytes" }),
  "x25519-iterate": take({ k: "bytes", u: "bytes", count: "uint" }),
  elligator2: take({ field: "bytes" }),
  "ed25519-public": take({ seed: "bytes" }),
  "ed25519-sign": take({ seed: "bytes", msg: "bytes" }),
  "ed25519-verify": take({ key: "bytes", msg: "bytes", sig: "bytes" }),
  "ml-kem-768-public": take({ seed: "bytes" }),
  "ml-kem-768-check": take({ ek: "bytes" }),
  "ml-kem-768-encaps": take({ ek: "bytes", coins: "bytes" }),
  "ml-kem-768-decaps": take({ seed: "bytes", ct: "bytes" }),
  "aead-seal": take({ suite: "uint", key: "bytes", nonce: "bytes", ad: "bytes", plaintext: "bytes" }),
  "aead-open": take({ suite: "uint", key: "bytes", nonce: "bytes", ad: "bytes", sealed: "bytes" }),
  "aes-cbc-encrypt": take({ key: "bytes", iv: "bytes", plaintext: "bytes" }),
  "aes-cbc-decrypt": take({ key: "bytes", iv: "bytes", ciphertext: "bytes" })
}
