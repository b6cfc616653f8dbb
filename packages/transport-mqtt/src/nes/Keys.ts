/**
 * The RSA keys of the profile and their files: private in PKCS#1, public in SPKI, both PEM.
 *
 * Spec: docs/spec/15-nes.md §15.1 (rules nes.keys.1–nes.keys.4).
 * The primitives are node:crypto's. Does not choose where files are: the command's settings do.
 */
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto"
import * as Data from "effect/Data"
import * as Result from "effect/Result"

/**
 * A key that is not used. `pem`: no PEM of the expected kind. `kind`: not RSA. `size`: fewer than 1024 or more than 8192 bits.
 * `exponent`: even, below 3 or above 2³² − 1, which would make a check cost what the sender of the key likes.
 */
export class BadKey extends Data.TaggedError("BadKey")<{
  readonly reason: "pem" | "kind" | "size" | "exponent" | "same"
}> {}

/** Smallest and largest modulus accepted, in bits. New keys have at least 2048. */
export const sizes = { least: 1024, leastNew: 2048, most: 8192, usual: 2048 } as const

/** Largest PEM looked at, in characters; that of 8192 bits has about 6,400. */
const maxPem = 16_384

const checked = (key: KeyObject): Result.Result<KeyObject, BadKey> => {
  if (key.asymmetricKeyType !== "rsa") return Result.fail(new BadKey({ reason: "kind" }))
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (bits < sizes.least || bits > sizes.most) return Result.fail(new BadKey({ reason: "size" }))
  const exponent = key.asymmetricKeyDetails?.publicExponent ?? 0n
  if (exponent < 3n || exponent > 0xffff_ffffn || exponent % 2n === 0n) {
    return Result.fail(new BadKey({ reason: "exponent" }))
  }
  return Result.succeed(key)
}

const read = (pem: string, label: string, parse: () => KeyObject): Result.Result<KeyObject, BadKey> => {
  const begin = `-----BEGIN ${label}-----`
  if (pem.length > maxPem || !pem.includes(begin)) return Result.fail(new BadKey({ reason: "pem" }))
  try {
    return checked(parse())
  } catch {
    return Result.fail(new BadKey({ reason: "pem" }))
  }
}

/** Reads `-----BEGIN RSA PRIVATE KEY-----`. */
export const parsePrivate = (pem: string): Result.Result<KeyObject, BadKey> =>
  read(pem, "RSA PRIVATE KEY", () => createPrivateKey({ key: pem, format: "pem" }))

/** Reads `-----BEGIN PUBLIC KEY-----`. A private key where a public one belongs is refused. */
export const parsePublic = (pem: string): Result.Result<KeyObject, BadKey> =>
  pem.includes("PRIVATE KEY")
    ? Result.fail(new BadKey({ reason: "pem" }))
    : read(pem, "PUBLIC KEY", () => createPublicKey({ key: pem, format: "pem" }))

/** The PEM text of a private key, as the files hold it. */
export const privatePem = (key: KeyObject): string => key.export({ type: "pkcs1", format: "pem" }).toString()

/** The PEM text of a public key, or of the public half of a private one. */
export const publicPem = (key: KeyObject): string =>
  (key.type === "private" ? createPublicKey(key) : key).export({ type: "spki", format: "pem" }).toString()

/** Whether two keys are the same one, whatever their PEM looks like. */
export const isSame = (a: KeyObject, b: KeyObject): boolean => publicPem(a) === publicPem(b)

/** Length of the modulus in bytes: of ciphertexts and signatures too. */
export const bytesOf = (key: KeyObject): number => Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8)

/** A new private key with public exponent 65537. `bits` is 2048…8192 and a multiple of 8. */
export const generate = (bits: number = sizes.usual): Promise<KeyObject> =>
  new Promise((resolve, reject) => {
    generateKeyPair("rsa", { modulusLength: bits, publicExponent: 0x10001 }, (error, _publicKey, privateKey) => {
      if (error === null) resolve(privateKey)
      else reject(error)
    })
  })

/** The two public keys of a user. */
export interface PublicKeys {
  /** Seals message keys to the user. */
  readonly message: KeyObject
  /** Verifies what the user signed. */
  readonly sign: KeyObject
}

/** Reads the two public keys of a user, which must differ. */
export const parsePair = (messagePem: string, signPem: string): Result.Result<PublicKeys, BadKey> => {
  const message = parsePublic(messagePem)
  if (Result.isFailure(message)) return Result.fail(message.failure)
  const sign = parsePublic(signPem)
  if (Result.isFailure(sign)) return Result.fail(sign.failure)
  if (isSame(message.success, sign.success)) return Result.fail(new BadKey({ reason: "same" }))
  return Result.succeed({ message: message.success, sign: sign.success })
}
