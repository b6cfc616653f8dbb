/**
 * Device manifests: the signed, hash-chained list of an account's devices.
 *
 * Spec: docs/spec/04-accounts.md §4.3.
 * Does not fetch, store or publish manifests, and does not decide what a changed one means for sessions.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Refusal from "../codec/Refusal.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import type * as Certificate from "./Certificate.ts"
import type { Role } from "./Device.ts"

/** A device as a manifest lists it. */
export interface ListedDevice {
  readonly device: Uint8Array
  readonly agreement: Uint8Array
  readonly role: Role
  /** The first version that lists it. */
  readonly addedIn: number
}

export interface Revocation {
  readonly device: Uint8Array
  readonly revokedIn: number
}

/** What a manifest says. Devices and revocations are sorted by device id. */
export interface Statement {
  readonly account: Uint8Array
  /** From 1. */
  readonly version: number
  /** Hash of the version before, 32 bytes; empty in version 1. */
  readonly previous: Uint8Array
  /** ms. */
  readonly issuedAt: number
  readonly devices: ReadonlyArray<ListedDevice>
  readonly revocations: ReadonlyArray<Revocation>
}

/** A signed manifest as it was received. */
export interface Manifest extends Statement {
  /** The whole, as it travels. */
  readonly bytes: Uint8Array
  /** The signed part. */
  readonly body: Uint8Array
  readonly signature: Uint8Array
  /** {@link hash} of the body: what the next version carries. */
  readonly hash: Uint8Array
}

const format = 1

/** The layout of the signed part. */
export const Body = Layout.tuple({
  format: Layout.literal(format),
  account: Layout.bytes({ length: 32 }),
  version: Layout.uint({ min: 1 }),
  previous: Layout.bytes({ max: 32 }),
  issuedAt: Layout.uint(),
  devices: Layout.list(
    Layout.tuple({
      device: Layout.bytes({ length: 32 }),
      agreement: Layout.bytes({ length: 32 }),
      role: Layout.uint({ min: 1, max: 3 }),
      addedIn: Layout.uint({ min: 1 })
    }),
    { max: Limits.maxManifestDevices }
  ),
  revocations: Layout.list(Layout.tuple({ device: Layout.bytes({ length: 32 }), revokedIn: Layout.uint({ min: 1 }) }), {
    max: Limits.maxRevocations
  }),
  extensions: Layout.extensions({})
})

/** The layout of a manifest. */
export const Signed = Layout.tuple({
  body: Layout.bytes({ max: Limits.maxManifestBytes }),
  signature: Layout.bytes({ length: 64 })
})

/** The signed part of a manifest with this content. Sorts nothing: what is out of order would be refused by everybody. */
export const encodeBody = (statement: Statement): Uint8Array => {
  const { account, devices, issuedAt, previous, revocations, version } = statement
  return Body.encode({
    format,
    account,
    version,
    previous,
    issuedAt,
    devices,
    revocations,
    extensions: { unknown: [] }
  })
}

/** The bytes the account key signs. */
export const signingInput = (body: Uint8Array): Uint8Array => Labels.prefixed(Labels.deviceManifest, body)

/** The bytes of a manifest. */
export const encode = (body: Uint8Array, signature: Uint8Array): Uint8Array => Signed.encode({ body, signature })

/** Hash (32 bytes) of a manifest's signed part. */
export const hash = (crypto: CryptoProvider, body: Uint8Array): Uint8Array =>
  crypto.sha256(Labels.prefixed(Labels.manifestHash, body))

/**
 * Reads a manifest and checks its form and its signature by the account it names. Fails with `decode.*` or `auth.account`,
 * the latter also when `account` is given and another one is named.
 */
export const verify = (
  crypto: CryptoProvider,
  bytes: Uint8Array,
  account?: Uint8Array
): Result.Result<Manifest, Failure> => {
  // Rule manifest.layout.2: before anything of it is looked at.
  if (bytes.length > Limits.maxManifestBytes) return fail("decode.size")
  const signed = Refusal.decode(Signed, bytes)
  if (Result.isFailure(signed)) return Result.fail(signed.failure)
  const { body, signature } = signed.success
  const decoded = Refusal.decode(Body, body)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const { devices, issuedAt, previous, revocations, version } = decoded.success
  const named = decoded.success.account
  // Rule manifest.layout.1 and rule manifest.order.1.
  if (previous.length !== (version === 1 ? 0 : 32)) return fail("decode.value")
  if (!isAscending(devices) || !isAscending(revocations)) return fail("decode.noncanonical")
  if (devices.some(({ addedIn }) => addedIn > version)) return fail("decode.value")
  if (revocations.some(({ device, revokedIn }) => revokedIn > version || find(devices, device) !== undefined)) {
    return fail("decode.value")
  }
  if (account !== undefined && !Bytes.equal(account, named)) return fail("auth.account")
  if (!crypto.ed25519Verify(named, signingInput(body), signature)) return fail("auth.account")
  return Result.succeed({
    account: named,
    version,
    previous,
    issuedAt,
    devices: devices as ReadonlyArray<ListedDevice>,
    revocations,
    bytes: bytes.slice(),
    body,
    signature,
    hash: hash(crypto, body)
  })
}

/**
 * Whether `next` is the version after `held`, or the same one. Fails with `auth.account`, `fresh.rollback`,
 * `lookup.manifest-gap` when versions between are missing, or `auth.fork`; then both manifests together are the proof.
 */
export const follows = (held: Manifest, next: Manifest): Result.Result<void, Failure> => {
  if (!Bytes.equal(held.account, next.account)) return fail("auth.account")
  if (next.version < held.version) return fail("fresh.rollback")
  if (next.version === held.version) return Bytes.equal(next.hash, held.hash) ? Result.void : fail("auth.fork")
  if (next.version > held.version + 1) return fail("lookup.manifest-gap")
  return Bytes.equal(next.previous, held.hash) && keeps(held, next) ? Result.void : fail("auth.fork")
}

/**
 * The newest manifest after checking a directory's answer, oldest first, against the one held. Without one held the answer
 * begins with version 1. Versions before the held one are passed over. Fails as {@link verify} and {@link follows} do.
 */
export const update = (
  crypto: CryptoProvider,
  account: Uint8Array,
  held: Manifest | undefined,
  answer: ReadonlyArray<Uint8Array>
): Result.Result<Manifest, Failure> => Result.map(advance(crypto, account, held, answer), ({ newest }) => newest)

/** How far a directory's answer leads: the newest manifest, and every version after the one held, oldest first. */
export interface Advanced {
  readonly newest: Manifest
  readonly passed: ReadonlyArray<Manifest>
}

/** {@link update}, with the versions between. */
export const advance = (
  crypto: CryptoProvider,
  account: Uint8Array,
  held: Manifest | undefined,
  answer: ReadonlyArray<Uint8Array>
): Result.Result<Advanced, Failure> => {
  let newest = held
  let highest = 0
  const passed: Array<Manifest> = []
  for (const bytes of answer) {
    const verified = verify(crypto, bytes, account)
    if (Result.isFailure(verified)) return Result.fail(verified.failure)
    const next = verified.success
    highest = Math.max(highest, next.version)
    if (newest === undefined) {
      if (next.version !== 1) return fail("lookup.manifest-gap")
    } else {
      if (held !== undefined && newest === held && next.version < held.version) {
        // Rule manifest.fork.2: the version before the one held is the one it carries the hash of.
        if (next.version === held.version - 1 && !Bytes.equal(next.hash, held.previous)) return fail("auth.fork")
        continue
      }
      const followed = follows(newest, next)
      if (Result.isFailure(followed)) return Result.fail(followed.failure)
      if (next.version === newest.version) continue
    }
    newest = next
    passed.push(next)
  }
  if (newest === undefined) return fail("lookup.manifest-gap")
  // Rule manifest.rollback.1: an answer that ends before the version held is an old one.
  return held !== undefined && answer.length > 0 && highest < held.version
    ? fail("fresh.rollback")
    : Result.succeed({ newest, passed })
}

/** Why two manifests of one account cannot stand in one history (rule proof.contradiction.1). */
export type Contradiction = "version" | "previous" | "revocation" | "lost" | "changed" | "backdated"

/**
 * Whether two manifests of one account, the one of the lower version first, cannot both stand in one history; `undefined` when they can. Of
 * consecutive versions this is so exactly when {@link follows} answers `auth.fork`.
 */
export const contradiction = (first: Manifest, second: Manifest): Contradiction | undefined => {
  if (Bytes.equal(first.hash, second.hash)) return undefined
  if (first.version === second.version) return "version"
  if (second.version === first.version + 1 && !Bytes.equal(second.previous, first.hash)) return "previous"
  const isDated =
    first.revocations.every(({ device, revokedIn }) => find(second.revocations, device)?.revokedIn === revokedIn) &&
    second.revocations.every(
      ({ device, revokedIn }) => revokedIn > first.version || find(first.revocations, device) !== undefined
    )
  if (!isDated) return "revocation"
  const isLost = first.devices.some(
    ({ device }) => find(second.devices, device) === undefined && find(second.revocations, device) === undefined
  )
  if (isLost) return "lost"
  const isChanged = first.devices.some(({ addedIn, agreement, device }) => {
    const after = find(second.devices, device)
    return after !== undefined && (after.addedIn !== addedIn || !Bytes.equal(after.agreement, agreement))
  })
  if (isChanged) return "changed"
  const isBackdated = second.devices.some(
    ({ addedIn, device }) => addedIn <= first.version && find(first.devices, device) === undefined
  )
  return isBackdated ? "backdated" : undefined
}

/** What a version adds to the devices of the one before and takes from them: device ids of 32 bytes, in the order of the lists. */
export const difference = (
  before: Statement,
  after: Statement
): { readonly added: ReadonlyArray<Uint8Array>; readonly removed: ReadonlyArray<Uint8Array> } => {
  const beyond = (of: Statement, other: Statement) =>
    of.devices.filter(({ device }) => find(other.devices, device) === undefined).map(({ device }) => device)
  return { added: beyond(after, before), removed: beyond(before, after) }
}

/** The entry of a device, if it is listed. */
export const deviceOf = (manifest: Statement, device: Uint8Array): ListedDevice | undefined =>
  find(manifest.devices, device)

/** Whether a manifest has revoked a device (rule manifest.device.1). */
export const isRevoked = (manifest: Statement, device: Uint8Array): boolean =>
  find(manifest.revocations, device) !== undefined

/**
 * Whether a manifest lets the device of a verified certificate take part (rule manifest.device.2). The account is for the caller to
 * compare. Fails with `policy.revoked-device` when the device is revoked, or when the manifest is recent enough to list it and does
 * not list it with this agreement key, role and first version; with `lookup.manifest-gap` when only a later manifest can tell.
 */
export const admits = (manifest: Statement, certificate: Certificate.Statement): Result.Result<void, Failure> => {
  const { agreement, device, manifestVersion, role } = certificate
  if (isRevoked(manifest, device)) return fail("policy.revoked-device")
  if (manifestVersion > manifest.version) return fail("lookup.manifest-gap")
  const listed = deviceOf(manifest, device)
  const same =
    listed !== undefined &&
    Bytes.equal(listed.agreement, agreement) &&
    listed.role === role &&
    listed.addedIn === manifestVersion
  return same ? Result.void : fail("policy.revoked-device")
}

/** Rules manifest.update.1 and manifest.update.2, the hash apart. */
const keeps = (held: Manifest, next: Manifest): boolean =>
  held.devices.every(
    ({ device }) => find(next.devices, device) !== undefined || find(next.revocations, device) !== undefined
  ) &&
  held.revocations.every(({ device, revokedIn }) => find(next.revocations, device)?.revokedIn === revokedIn) &&
  next.revocations.every(
    ({ device, revokedIn }) => find(held.revocations, device) !== undefined || revokedIn === next.version
  ) &&
  next.devices.every((listed) => {
    const before = find(held.devices, listed.device)
    if (before === undefined) return listed.addedIn === next.version
    return before.addedIn === listed.addedIn && Bytes.equal(before.agreement, listed.agreement)
  })

const isAscending = (entries: ReadonlyArray<{ readonly device: Uint8Array }>): boolean =>
  entries.every(({ device }, i) => i === 0 || Bytes.compare(entries[i - 1]!.device, device) < 0)

/** Binary search in entries sorted by device id. */
const find = <T extends { readonly device: Uint8Array }>(
  entries: ReadonlyArray<T>,
  device: Uint8Array
): T | undefined => {
  let low = 0
  let high = entries.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const order = Bytes.compare(entries[middle]!.device, device)
    if (order === 0) return entries[middle]
    if (order < 0) low = middle + 1
    else high = middle - 1
  }
  return undefined
}
