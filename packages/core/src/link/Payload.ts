/**
 * What the old device hands over once the challenge succeeded, and whether it fits what was agreed.
 *
 * Spec: docs/spec/19-linking.md §19.6.
 * Vectors: vectors/linking.
 * Does not make certificates or manifests, register anybody, or open what is handed over: the key custody does.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Refusal from "../codec/Refusal.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as HistoryRange from "../envelope/HistoryRange.ts"
import * as Certificate from "../identity/Certificate.ts"
import { type Role, roles } from "../identity/Device.ts"
import * as Manifest from "../identity/Manifest.ts"
import { fail, lift, type LinkFailure } from "./LinkFailure.ts"

/** What a new device needs to be one of the account. */
export interface Payload {
  readonly role: Role
  /** User name at the relay. */
  readonly user: string
  /** The relay's name, as its welcome says it. */
  readonly relay: string
  /** One-time password for registering. */
  readonly password: string
  readonly certificate: Uint8Array
  /** The newest manifest, which lists the new device. */
  readonly manifest: Uint8Array
  /** Alias public key, 32 bytes. */
  readonly alias: Uint8Array
  /** Rendezvous seed, 32 bytes. */
  readonly rendezvousSeed: Uint8Array
  /** The account's secrets as a custody sealed them under the handover key, for an admin; empty otherwise. */
  readonly handover: Uint8Array
  /** The part of its history that the old device gives (rule link.history.1); absent where it gives none. */
  readonly history?: HistoryRange.Range | undefined
}

/** A payload with what its parts say. */
export interface Checked extends Payload {
  readonly certified: Certificate.Certificate
  readonly listed: Manifest.Manifest
}

/** What a payload must fit: the invitation's account and device, and the new device as the transcript holds it. */
export interface Agreed {
  readonly account: Uint8Array
  readonly oldDevice: Uint8Array
  readonly device: Uint8Array
  readonly agreement: Uint8Array
}

const format = 1
const key = Layout.bytes({ length: 32 })

/** The layout of a payload. */
export const Whole = Layout.tuple({
  format: Layout.literal(format),
  role: Layout.uint({ min: 1, max: 3 }),
  user: Layout.text({ min: 1, max: Limits.maxUserNameBytes }),
  relay: Layout.text({ min: 1, max: 255 }),
  password: Layout.text({ min: 1, max: 64 }),
  certificate: Layout.bytes({ max: Limits.maxCertificateBytes }),
  manifest: Layout.bytes({ max: Limits.maxManifestBytes }),
  alias: key,
  rendezvousSeed: key,
  handover: Layout.bytes({ max: Limits.maxHandoverBytes }),
  extensions: Layout.extensions({ history: { key: 3, layout: HistoryRange.RangeLayout } })
})

/** The bytes of a payload. */
export const encode = (payload: Payload): Uint8Array => {
  const { alias, certificate, handover, history, manifest, password, relay, rendezvousSeed, role, user } = payload
  return Whole.encode({
    format,
    role,
    user,
    relay,
    password,
    certificate,
    manifest,
    alias,
    rendezvousSeed,
    handover,
    extensions: { ...(history === undefined ? {} : { history }), unknown: [] }
  })
}

/** Whether a range is one that a payload may carry. */
export const isGiven = (range: HistoryRange.Range): boolean =>
  HistoryRange.RangeLayout.encode(range).length <= Limits.maxUnknownExtensionBytes

/** Reads a payload and holds it against what was agreed (rules link.payload.2 and link.payload.3). */
export const check = (
  crypto: CryptoProvider,
  agreed: Agreed,
  bytes: Uint8Array
): Result.Result<Checked, LinkFailure> => {
  if (bytes.length > Limits.maxLinkPayloadBytes) return fail("decode.size")
  const decoded = lift(Refusal.decode(Whole, bytes))
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const { extensions, format: _, ...rest } = decoded.success
  const { history } = extensions
  // Rule link.history.1: no more than a device that does not know it has to take.
  if (history !== undefined && !isGiven(history)) return fail("decode.size")
  const payload: Payload = { ...rest, role: rest.role as Role, ...(history === undefined ? {} : { history }) }
  const certified = lift(Certificate.verify(crypto, payload.certificate))
  if (Result.isFailure(certified)) return Result.fail(certified.failure)
  const listed = lift(Manifest.verify(crypto, payload.manifest, agreed.account))
  if (Result.isFailure(listed)) return Result.fail(listed.failure)
  const checked = { ...payload, certified: certified.success, listed: listed.success }
  return fits(agreed, checked) ? Result.succeed(checked) : fail("link.payload")
}

const fits = (agreed: Agreed, { certified, handover, listed, role }: Checked): boolean =>
  Bytes.equal(certified.account, agreed.account) &&
  Bytes.equal(certified.device, agreed.device) &&
  Bytes.equal(certified.agreement, agreed.agreement) &&
  certified.role === role &&
  certified.manifestVersion === listed.version &&
  Result.isSuccess(Manifest.admits(listed, certified)) &&
  Manifest.deviceOf(listed, agreed.oldDevice)?.role === roles.admin &&
  handover.length > 0 === (role === roles.admin)
