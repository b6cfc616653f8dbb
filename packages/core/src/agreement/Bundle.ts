/**
 * Prekey bundles: everything an initiator needs to start a session with one device.
 *
 * Spec: docs/spec/05-agreement.md §5.1, rules prekey.bundle.1, prekey.check.1 and prekey.check.2.
 * A bundle comes from a directory that is not trusted: only {@link check} makes it usable.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Refusal from "../codec/Refusal.ts"
import * as MlKem from "../crypto/MlKem.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import { isSuiteId, type SuiteId } from "../crypto/Suite.ts"
import * as Certificate from "../identity/Certificate.ts"
import * as Device from "../identity/Device.ts"
import * as Manifest from "../identity/Manifest.ts"
import * as Prekey from "./Prekey.ts"

/** The layout of a bundle. */
export const Frame = Layout.tuple({
  version: Layout.literal(1),
  certificate: Layout.bytes({ max: Limits.maxCertificateBytes }),
  mailbox: Layout.bytes({ length: Limits.mailboxBytes }),
  signedPrekey: Prekey.SignedPrekey,
  kemPrekey: Layout.tuple({
    id: Layout.uint({ min: 1 }),
    oneTime: Layout.uint({ max: 1 }),
    key: Layout.bytes({ length: MlKem.publicKeyBytes }),
    signature: Layout.bytes({ length: 64 })
  }),
  oneTimePrekey: Layout.optional(Prekey.OneTimePrekey),
  suites: Layout.list(Layout.uint({ min: 1 }), { min: 1, max: Limits.maxSuites })
})

/** A bundle as it travels; nothing of it is checked. */
export type Bundle = Omit<Layout.Type<typeof Frame>, "version">

/** A bundle whose certificate and signatures were verified. */
export interface CheckedBundle {
  readonly certificate: Certificate.Certificate
  /** Where the first messages go, 16 bytes. */
  readonly mailbox: Uint8Array
  readonly signedPrekey: Prekey.OneTimePrekey
  readonly kemPrekey: { readonly id: number; readonly oneTime: boolean; readonly key: Uint8Array }
  readonly oneTimePrekey: Prekey.OneTimePrekey | undefined
  /** The suites the device accepts, ascending; may hold numbers this version does not know. */
  readonly suites: ReadonlyArray<number>
}

/** The bytes of a bundle. */
export const encode = (bundle: Bundle): Uint8Array => Frame.encode({ version: 1, ...bundle })

/** Reads a bundle without checking it. Fails with `decode.*`. */
export const decode = (bytes: Uint8Array): Result.Result<Bundle, Failure> => Refusal.decode(Frame, bytes)

/**
 * Reads and checks a bundle of the account one means to reach. Fails with `decode.*`, `auth.certificate`, `auth.account` or
 * `auth.prekey`. Whether the device is the one asked for and one of the account's is for {@link belongs}.
 */
export const check = (
  crypto: CryptoProvider,
  bytes: Uint8Array,
  account: Uint8Array
): Result.Result<CheckedBundle, Failure> => {
  const decoded = decode(bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const { kemPrekey, mailbox, oneTimePrekey, signedPrekey, suites } = decoded.success
  if (suites.some((suite, i) => i > 0 && suite <= suites[i - 1]!)) return fail("decode.noncanonical")
  const verified = Certificate.verify(crypto, decoded.success.certificate)
  if (Result.isFailure(verified)) return Result.fail(verified.failure)
  const certificate = verified.success
  if (!Bytes.equal(certificate.account, account)) return fail("auth.account")
  const oneTime = kemPrekey.oneTime === 1
  const genuine =
    Prekey.verify(crypto, "signed", certificate.device, signedPrekey) &&
    Prekey.verify(crypto, oneTime ? "one-time-kem" : "last-resort-kem", certificate.device, kemPrekey) &&
    (oneTimePrekey === undefined || Prekey.isUsable(oneTimePrekey.key))
  if (!genuine) return fail("auth.prekey")
  return Result.succeed({
    certificate,
    mailbox,
    signedPrekey: { id: signedPrekey.id, key: signedPrekey.key },
    kemPrekey: { id: kemPrekey.id, oneTime, key: kemPrekey.key },
    oneTimePrekey,
    suites
  })
}

/**
 * Whether a checked bundle is that of `device` and `manifest`, the account's newest, lists it as its certificate says: with the same
 * agreement key, and as one that can read (rule prekey.check.2). Fails with `auth.account`.
 */
export const belongs = (
  { certificate }: CheckedBundle,
  device: Uint8Array,
  manifest: Manifest.Statement
): Result.Result<void, Failure> => {
  const listed = Manifest.deviceOf(manifest, device)
  const same =
    listed !== undefined &&
    Bytes.equal(certificate.device, device) &&
    Bytes.equal(certificate.agreement, listed.agreement) &&
    listed.role !== Device.roles.replica &&
    certificate.role !== Device.roles.replica
  return same ? Result.void : fail("auth.account")
}

/** The first of one's own suites, in order of preference, that the device accepts. Fails with `policy.suite`. */
export const chooseSuite = (
  bundle: CheckedBundle,
  preference: ReadonlyArray<SuiteId>
): Result.Result<SuiteId, Failure> => {
  const suite = preference.find((own) => isSuiteId(own) && bundle.suites.includes(own))
  return suite === undefined ? fail("policy.suite") : Result.succeed(suite)
}
