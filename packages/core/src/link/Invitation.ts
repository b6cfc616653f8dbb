/**
 * Invitations: signed, expiring offers to make contact, join a group or link a device.
 *
 * Spec: docs/spec/19-linking.md §19.1.
 * Vectors: vectors/linking.
 * Does not know whether the device that signed belongs to the account it names, nor whether it was used.
 */
import * as Result from "effect/Result"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import { Reader } from "../codec/Reader.ts"
import * as Refusal from "../codec/Refusal.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as X25519 from "../crypto/X25519.ts"
import * as Decision from "./Decision.ts"
import { fail, lift, type LinkFailure } from "./LinkFailure.ts"

/** Numbers of the purposes, as they stand on the wire. */
export const purposes = { contact: 1, group: 2, device: 3 } as const
export type Purpose = (typeof purposes)[keyof typeof purposes]

/** What an invitation says. Keys are 32 bytes, times ms. */
export interface Statement {
  readonly purpose: Purpose
  readonly account: Uint8Array
  /** The device that made it. */
  readonly device: Uint8Array
  /** Where the issuer is reached, 1…255 bytes. */
  readonly relay: string
  readonly issuedAt: number
  readonly expiresAt: number
  readonly singleUse: boolean
  /** At most 512 bytes, by purpose; {@link encodeLink} makes those of a device. */
  readonly details: Uint8Array
}

/** What the invitation of a device says for its purpose. */
export interface Link {
  /** 16 random bytes. */
  readonly slot: Uint8Array
  /** X25519 public key made for this invitation, 32 bytes. */
  readonly ephemeral: Uint8Array
  /** What the old device offers, ascending. */
  readonly offers: ReadonlyArray<Decision.Challenge>
}

/** A signed invitation as it was received. */
export interface Invitation extends Statement {
  /** The whole, as it travels. */
  readonly bytes: Uint8Array
}

/** The invitation of a device. */
export interface LinkInvitation extends Invitation {
  readonly link: Link
}

const format = 1

/** The layout of the signed part. */
export const Body = Layout.tuple({
  format: Layout.literal(format),
  purpose: Layout.uint({ min: 1, max: 3 }),
  account: Layout.bytes({ length: 32 }),
  device: Layout.bytes({ length: 32 }),
  relay: Layout.text({ min: 1, max: Limits.maxRelayAddressBytes }),
  issuedAt: Layout.uint(),
  expiresAt: Layout.uint(),
  uses: Layout.uint({ max: 1 }),
  details: Layout.bytes({ max: Limits.maxInvitationDetailsBytes }),
  extensions: Layout.extensions({})
})

/** The layout of an invitation. */
export const Signed = Layout.tuple({
  body: Layout.bytes({ max: Limits.maxInvitationBodyBytes }),
  signature: Layout.bytes({ length: 64 })
})

/** The layout of the details of a device's invitation. */
export const LinkDetails = Layout.tuple({
  slot: Layout.bytes({ length: 16 }),
  ephemeral: Layout.bytes({ length: 32 }),
  offers: Decision.List
})

/** Details of a device's invitation. */
export const encodeLink = ({ ephemeral, offers, slot }: Link): Uint8Array =>
  LinkDetails.encode({ slot, ephemeral, offers })

/** The signed part of an invitation. What it may not say is a defect. */
export const encodeBody = (statement: Statement): Uint8Array => {
  const { account, details, device, expiresAt, issuedAt, purpose, relay, singleUse } = statement
  const uses = singleUse ? 1 : 0
  return Body.encode({
    format,
    purpose,
    account,
    device,
    relay,
    issuedAt,
    expiresAt,
    uses,
    details,
    extensions: { unknown: [] }
  })
}

/** The bytes the device key signs (rule invitation.sign.1). */
export const signingInput = (body: Uint8Array): Uint8Array => Labels.prefixed(Labels.invitation, body)

/** The bytes of an invitation. */
export const encode = (body: Uint8Array, signature: Uint8Array): Uint8Array => Signed.encode({ body, signature })

/**
 * Reads an invitation for `purpose` and checks form, times, signature and, by `now` (ms), expiry. Fails with `decode.*`,
 * `link.version`, `link.purpose`, `link.invitation` or `link.expired`.
 */
export const verify = (
  crypto: CryptoProvider,
  bytes: Uint8Array,
  purpose: Purpose,
  now: number
): Result.Result<Invitation, LinkFailure> => {
  const read = readSigned(bytes, purpose)
  if (Result.isFailure(read)) return Result.fail(read.failure)
  return authenticate(crypto, read.success, now)
}

/** {@link verify} for the invitation of a device; fails with `auth.low-order` as well. */
export const verifyLink = (
  crypto: CryptoProvider,
  bytes: Uint8Array,
  now: number
): Result.Result<LinkInvitation, LinkFailure> => {
  const read = readSigned(bytes, purposes.device)
  if (Result.isFailure(read)) return Result.fail(read.failure)
  const details = lift(Refusal.decode(LinkDetails, read.success.invitation.details))
  if (Result.isFailure(details)) return Result.fail(details.failure)
  const { ephemeral, offers, slot } = details.success
  if (!Decision.isAscending(offers)) return fail("decode.noncanonical")
  if (X25519.isSmallOrder(ephemeral)) return fail("auth.low-order")
  const link = { slot, ephemeral, offers: offers as ReadonlyArray<Decision.Challenge> }
  return Result.map(authenticate(crypto, read.success, now), (invitation) => ({ ...invitation, link }))
}

/** Whether an invitation serves no longer (rule invitation.expiry.1). */
export const isExpired = (invitation: Pick<Statement, "expiresAt">, now: number): boolean => now >= invitation.expiresAt

interface Read {
  readonly invitation: Invitation
  readonly body: Uint8Array
  readonly signature: Uint8Array
}

const readSigned = (bytes: Uint8Array, purpose: Purpose): Result.Result<Read, LinkFailure> => {
  const signed = lift(Refusal.decode(Signed, bytes))
  if (Result.isFailure(signed)) return Result.fail(signed.failure)
  const { body, signature } = signed.success
  if (isOtherVersion(body)) return fail("link.version")
  const decoded = lift(Refusal.decode(Body, body))
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const { account, details, device, expiresAt, issuedAt, relay, uses } = decoded.success
  const found = decoded.success.purpose as Purpose
  const device3 = found === purposes.device
  const lifetime = device3 ? Limits.maxLinkLifetimeMs : Limits.maxInvitationLifetimeMs
  if (expiresAt <= issuedAt || expiresAt - issuedAt > lifetime || (device3 && uses !== 1)) return fail("decode.value")
  if (found !== purpose) return fail("link.purpose")
  const invitation = {
    purpose: found,
    account,
    device,
    relay,
    issuedAt,
    expiresAt,
    singleUse: uses === 1,
    details,
    bytes: bytes.slice()
  }
  return Result.succeed({ invitation, body, signature })
}

const authenticate = (
  crypto: CryptoProvider,
  { body, invitation, signature }: Read,
  now: number
): Result.Result<Invitation, LinkFailure> => {
  if (!crypto.ed25519Verify(invitation.device, signingInput(body), signature)) return fail("link.invitation")
  return isExpired(invitation, now) ? fail("link.expired") : Result.succeed(invitation)
}

/** Rule invitation.version.1. */
const isOtherVersion = (body: Uint8Array): boolean => {
  const reader = new Reader(body)
  reader.arrayHeader(1, Limits.maxItems)
  const found = reader.uint(0, Limits.maxUint)
  return reader.reason === undefined && found !== format
}
