/**
 * Device certificates: the account key's word that a device belongs to it.
 *
 * Spec: docs/spec/04-accounts.md §4.2.
 * Does not know whether the device was revoked since: the manifest says that.
 */
import * as Result from "effect/Result"
import { fail, type Failure } from "../base/Failure.ts"
import * as Layout from "../codec/Layout.ts"
import * as Refusal from "../codec/Refusal.ts"
import * as Ed25519 from "../crypto/Ed25519.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as X25519 from "../crypto/X25519.ts"
import type { DeviceIdentity, Role } from "./Device.ts"

/** What a certificate says. */
export interface Statement extends DeviceIdentity {
  readonly role: Role
  /** The first manifest version that lists the device. */
  readonly manifestVersion: number
}

/** A statement with the account key's signature (64 bytes). */
export interface Certificate extends Statement {
  readonly signature: Uint8Array
}

const version = 1

const body = {
  version: Layout.literal(version),
  account: Layout.bytes({ length: 32 }),
  device: Layout.bytes({ length: 32 }),
  agreement: Layout.bytes({ length: 32 }),
  role: Layout.uint({ min: 1, max: 3 }),
  manifestVersion: Layout.uint({ min: 1 })
}
const Body = Layout.tuple(body)
/** The layout of a certificate. */
export const Signed = Layout.tuple({ ...body, signature: Layout.bytes({ length: 64 }) })

/** First byte of an array of six, which the signed body begins with where the certificate has an array of seven. */
const bodyHeader = 0x96
/** The signature with its header: the end of every certificate. */
const signatureBytes = 66

/** The bytes the account key signs (rule certificate.sign.1). */
export const signingInput = (statement: Statement): Uint8Array =>
  Labels.prefixed(Labels.deviceCertificate, Body.encode({ version, ...pick(statement) }))

/** The bytes of a certificate. */
export const encode = (statement: Statement, signature: Uint8Array): Uint8Array =>
  Signed.encode({ version, ...pick(statement), signature })

/** Reads a certificate without checking it. Fails with `decode.*`. */
export const decode = (bytes: Uint8Array): Result.Result<Certificate, Failure> =>
  Result.map(Refusal.decode(Signed, bytes), (read) => ({
    ...pick({ ...read, role: read.role as Role }),
    signature: read.signature
  }))

/** Reads and checks a certificate. Fails with `decode.*` or `auth.certificate`. */
export const verify = (crypto: CryptoProvider, bytes: Uint8Array): Result.Result<Certificate, Failure> => {
  const decoded = decode(bytes)
  if (Result.isFailure(decoded)) return decoded
  const { account, agreement, device, signature } = decoded.success
  // Rule certificate.check.1: the received bytes are what was signed, one header byte and the signature apart.
  const signed = bytes.slice(0, bytes.length - signatureBytes)
  signed[0] = bodyHeader
  const genuine =
    Ed25519.isPlainPublicKey(device) &&
    !X25519.isSmallOrder(agreement) &&
    crypto.ed25519Verify(account, Labels.prefixed(Labels.deviceCertificate, signed), signature)
  return genuine ? decoded : fail("auth.certificate")
}

const pick = ({ account, agreement, device, manifestVersion, role }: Statement): Statement => ({
  account,
  device,
  agreement,
  role,
  manifestVersion
})
