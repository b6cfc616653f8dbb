/**
 * What the profile does with RSA: seal a message key, open one without an oracle, sign and verify with PSS.
 *
 * Spec: docs/spec/15-nes.md §15.3 (rules nes.unwrap.1–nes.unwrap.3, nes.sign.1).
 * Vectors: vectors/nes/data/frames.json.
 * Exponentiation is node:crypto's. The padding of RSAES-PKCS1-v1_5 is taken off here, with implicit rejection: whether it was
 * right shows neither in the result's form nor in branches of this code. JavaScript promises no constant time, so this is as
 * good as the host lets it be.
 */
import {
  constants,
  createHash,
  createHmac,
  privateDecrypt,
  publicEncrypt,
  sign,
  verify,
  type KeyObject
} from "node:crypto"
import * as Result from "effect/Result"
import { bytesOf } from "./Keys.ts"
import { Refusal } from "./Refusal.ts"

/** Bytes of a message key: 32 of AES-256 and 16 of the initial vector. */
export const messageKeyBytes = 48

/** Seals 48 bytes to a recipient's message key: RSAES-PKCS1-v1_5. */
export const wrap = (key: KeyObject, messageKey: Uint8Array): Uint8Array =>
  publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, messageKey)

/** What stands in for the key of a frame that was not sealed rightly: the same 48 bytes for the same frame, unknown to others. */
const substitute = (key: KeyObject, cipherkey: Uint8Array): Uint8Array => {
  const secret = createHash("sha256")
    .update(key.export({ type: "pkcs1", format: "der" }))
    .digest()
  const block = (index: number) => createHmac("sha256", secret).update(cipherkey).update(Uint8Array.of(index)).digest()
  const bytes = Buffer.concat([block(1), block(2)]).subarray(0, messageKeyBytes)
  secret.fill(0)
  return bytes
}

/** 0 for zero, 1 for any other byte. */
const nonZero = (byte: number): number => (-byte >>> 31) & 1

/**
 * Takes the padding off an encoded message of k bytes: `00 02`, k − 51 bytes that are not zero, `00`, 48 bytes. Gives those 48,
 * or the substitute if anything about the padding is wrong, without a branch on it.
 */
const unpad = (encoded: Uint8Array, otherwise: Uint8Array): Uint8Array => {
  const start = encoded.length - messageKeyBytes
  let wrong = nonZero(encoded[0]!) | nonZero(encoded[1]! ^ 2) | nonZero(encoded[start - 1]!)
  for (let i = 2; i < start - 1; i++) wrong |= 1 - nonZero(encoded[i]!)
  const mask = -wrong & 0xff
  const out = new Uint8Array(messageKeyBytes)
  for (let i = 0; i < messageKeyBytes; i++) out[i] = (otherwise[i]! & mask) | (encoded[start + i]! & ~mask & 0xff)
  return out
}

/**
 * Opens a sealed message key with raw RSA. Fails only for what anybody can see: a length that is not the key's, or a number
 * that is not below the modulus. Everything else gives 48 bytes.
 */
export const unwrap = (key: KeyObject, cipherkey: Uint8Array): Result.Result<Uint8Array, Refusal> => {
  if (cipherkey.length !== bytesOf(key)) return Result.fail(new Refusal({ cause: "cipherkey-length" }))
  const otherwise = substitute(key, cipherkey)
  let encoded: Buffer
  try {
    encoded = privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, cipherkey)
  } catch {
    return Result.fail(new Refusal({ cause: "cipherkey-range" }))
  }
  const out = unpad(encoded, otherwise)
  encoded.fill(0)
  return Result.succeed(out)
}

/** Salt of a signature this profile makes: as long as fits, the modulus's bytes − 34 for whole-byte moduli. */
const maximumSalt = constants.RSA_PSS_SALTLEN_MAX_SIGN

/** RSASSA-PSS with SHA-256, MGF1 with SHA-256 and the longest salt. */
export const signPss = (key: KeyObject, message: Uint8Array): Uint8Array =>
  sign("sha256", message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: maximumSalt })

/** Verifies such a signature with a salt of any length. */
export const verifyPss = (key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean =>
  signature.length === bytesOf(key) &&
  verify(
    "sha256",
    message,
    { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO },
    signature
  )
