/**
 * The devices of the own account: following its manifest, listing, adding and removing.
 *
 * Spec: docs/spec/04-accounts.md §4.4.
 * What a newer manifest means for sessions and messages is the same for every account and stands in client/Peers.ts.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import type { Cause } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Certificate from "../identity/Certificate.ts"
import type { Role } from "../identity/Device.ts"
import { roles } from "../identity/Device.ts"
import * as Manifest from "../identity/Manifest.ts"
import { TransportError } from "../ports/Transport.ts"
import type * as Api from "./Api.ts"
import { absent } from "./Commit.ts"
import * as Conversations from "./Conversations.ts"
import { CannotRevise, NotAdmin, PeerMisbehaved, type ReviseError, Revoked, UnknownDevice } from "./Errors.ts"
import * as Background from "./internal/background.ts"
import * as Loading from "./Loading.ts"
import type { Contact, Opened } from "./Opened.ts"
import * as Manifests from "./Manifests.ts"
import * as Own from "./Own.ts"
import * as Peers from "./Peers.ts"
import * as Records from "./Records.ts"

// ---- Reading

/**
 * Enters the own account among the contacts, with the newest own manifest that is stored, and reads what else is kept about it. Called once,
 * when the contacts are loaded.
 */
export const load = Effect.fnUntraced(function* (opened: Opened) {
  const { account, hex, self, store } = { ...opened, account: opened.self.account, hex: opened.hex.account }
  const first = yield* Loading.orCorrupt("self", Manifest.verify(opened.crypto, self.manifest, account))
  const known = opened.contacts.get(hex)
  const isNewer = known?.manifest !== undefined && known.manifest.version > first.version
  const manifest = isNewer ? known.manifest! : first
  const own: Contact = {
    account,
    hex,
    record: { version: Records.written, user: undefined, manifest: manifest.bytes, offered: undefined, since: 0 },
    slot: known?.slot ?? absent(),
    manifest
  }
  opened.contacts.set(hex, own)
  opened.manifestVersion = manifest.version
  const removed = yield* store.get(Records.keys.removed)
  if (removed !== undefined) {
    opened.removed = yield* Records.read(Records.Removed, removed.key, removed.value)
    opened.gone.openUnsafe()
  }
  const renewed = yield* store.get(Records.keys.renewed)
  if (renewed !== undefined) {
    opened.renewBefore = (yield* Records.read(Records.Renewed, renewed.key, renewed.value)).before
  }
  const proposal = yield* store.get(Records.keys.proposal)
  if (proposal === undefined) return
  const record = yield* Records.read(Records.Proposal, proposal.key, proposal.value)
  opened.proposal = yield* Loading.orCorrupt("proposal", Manifest.verify(opened.crypto, record.manifest, account))
  opened.proposalSlot.revision = proposal.revision
})

/** The newest own manifest. */
export const newest = (opened: Opened): Manifest.Manifest => opened.contacts.get(opened.hex.account)!.manifest!

const nameOf: Readonly<Record<Role, Api.OwnDevice["role"]>> = {
  [roles.admin]: "admin",
  [roles.member]: "member",
  [roles.replica]: "replica"
}

/** The devices of the own account, as the application sees them. */
export const list = (opened: Opened): Api.OwnDevices => {
  const { devices, revocations, version } = newest(opened)
  const { proposal, removed } = opened
  return {
    version,
    devices: devices.map(({ addedIn, device, role }) => {
      const id = Bytes.toHex(device)
      return { id, role: nameOf[role], addedIn, current: id === opened.hex.device }
    }),
    revoked: revocations.map(({ device, revokedIn }) => ({ id: Bytes.toHex(device), revokedIn })),
    removed: removed === undefined ? undefined : { version: removed.manifest, at: removed.at },
    pending: proposal?.version
  }
}

// ---- Following

/** Follows the own manifest as far as the directory has it (rule manifest.own.1). */
export const refresh = (opened: Opened) => Peers.refresh(opened, opened.hex.account)

/** The same, and greets own devices that are new here (rule own.greet.1). */
export const learn = (opened: Opened) => Effect.tap(refresh(opened), () => Effect.sync(() => Own.follow(opened)))

/** The same in the background: what goes wrong is tried again with the next occasion. */
export const follow = (opened: Opened): Effect.Effect<void> => Effect.ignore(learn(opened))

/** Every version of the own manifest as the directory has them (rule manifest.own.3). */
export const versions = Effect.fnUntraced(function* (opened: Opened) {
  const { account } = opened.self
  const answer = yield* Peers.manifestsFrom(opened, account, 0)
  if (answer === undefined) {
    return yield* new TransportError({ operation: "look-up", cause: new Error("no answer in time") })
  }
  const held = newest(opened)
  const read = Manifest.advance(opened.crypto, account, undefined, answer)
  const failure = Result.isFailure(read) ? read.failure.cause : contradicted(held, read.success.passed)
  if (failure !== undefined || Result.isFailure(read)) {
    const cause = failure ?? "lookup.manifest-gap"
    yield* Conversations.withHandle(opened, opened.hex.account, (handle) =>
      Effect.flatMap(Background.now, (now) => {
        const work = new Conversations.Work()
        work.handles.add(handle)
        Manifests.report(opened, work, handle, held, answer, cause, now)
        return Conversations.commitWork(opened, work)
      })
    )
    return yield* new PeerMisbehaved({ user: opened.self.user, failure: cause })
  }
  const { passed } = read.success
  return passed.map((manifest, i): Api.DeviceVersion => {
    const before = passed[i - 1] ?? { ...manifest, devices: [] }
    const { added, removed } = Manifest.difference(before, manifest)
    const { issuedAt, version } = manifest
    return { version, issuedAt, added: added.map(Bytes.toHex), removed: removed.map(Bytes.toHex) }
  })
})

/** What is wrong with a chain that verifies by itself, beside the manifest held. */
const contradicted = (held: Manifest.Manifest, chain: ReadonlyArray<Manifest.Manifest>): Cause | undefined => {
  const same = chain[held.version - 1]
  if (same === undefined) return "fresh.rollback"
  return Bytes.equal(same.hash, held.hash) ? undefined : "auth.fork"
}

// ---- Changing

/** A device to be listed. Its certificate names the version that lists it first: `addedIn` of its entry in the manifest that came of it. */
export interface Addition {
  /** 32 bytes each. */
  readonly device: Uint8Array
  readonly agreement: Uint8Array
  readonly role: Role
}

/** What is to be different in the own manifest. */
export interface Change {
  readonly add: ReadonlyArray<Addition>
  /** Device ids, 32 bytes each. */
  readonly revoke: ReadonlyArray<Uint8Array>
}

/** Manifests that other devices published meanwhile, before a change is given up. */
const mostRebases = 8

/**
 * Brings the own manifest to where it says what `change` wants, and answers the manifest that does (rules manifest.publish.1 and
 * manifest.publish.2). One change at a time. What was begun before is finished first.
 */
export const revise = (opened: Opened, change: Change): Effect.Effect<Manifest.Manifest, ReviseError> =>
  // Uninterrupted: what is signed is published, or stays to be published.
  Effect.uninterruptible(opened.revising.withPermit(Effect.suspend(() => reviseAlone(opened, change))))

const reviseAlone = Effect.fnUntraced(function* (
  opened: Opened,
  change: Change
): Effect.fn.Return<Manifest.Manifest, ReviseError> {
  let wanted = change
  for (let attempt = 0; attempt <= mostRebases; attempt++) {
    if (opened.removed !== undefined) return yield* new Revoked({ version: opened.removed.manifest })
    if (opened.proposal !== undefined) {
      const begun = opened.proposal
      if (!(yield* publish(opened, begun))) wanted = { ...wanted, revoke: [...wanted.revoke, ...revokedBy(begun)] }
      continue
    }
    const reached = yield* Effect.result(inTime(refresh(opened)))
    // Without a connection it is signed for the newest manifest known: from then on nothing is sent to who is to go.
    if (Result.isFailure(reached) && reached.failure._tag !== "TransportError") return yield* reached.failure
    if (opened.removed !== undefined) continue
    const held = newest(opened)
    const statement = next(opened, held, wanted, yield* Background.now)
    if (Result.isFailure(statement)) return yield* statement.failure
    if (statement.success === undefined) return held
    yield* propose(opened, statement.success)
  }
  return yield* new CannotRevise({ reason: "contended" })
})

/** The devices that a manifest revokes and the one before it did not. */
const revokedBy = ({ revocations, version }: Manifest.Manifest): ReadonlyArray<Uint8Array> =>
  revocations.filter(({ revokedIn }) => revokedIn === version).map(({ device }) => device)

/** The next version that says what is wanted; nothing when the one held says it already. */
const next = (
  opened: Opened,
  held: Manifest.Manifest,
  { add, revoke }: Change,
  now: number
): Result.Result<Manifest.Statement | undefined, NotAdmin | UnknownDevice | CannotRevise> => {
  const version = held.version + 1
  if (Manifest.deviceOf(held, opened.self.device)?.role !== roles.admin) return Result.fail(new NotAdmin())
  const added = add.filter(({ device }) => Manifest.deviceOf(held, device) === undefined)
  const revoked = new Set(revoke.filter((device) => !Manifest.isRevoked(held, device)).map(Bytes.toHex))
  for (const device of revoked) {
    if (Manifest.deviceOf(held, Bytes.fromHex(device)!) === undefined) return Result.fail(new UnknownDevice({ device }))
  }
  if (added.length + revoked.size === 0) return Result.succeed(undefined)
  const devices: ReadonlyArray<Manifest.ListedDevice> = [
    ...held.devices.filter(({ device }) => !revoked.has(Bytes.toHex(device))),
    ...added.map((one) => ({ ...one, addedIn: version }))
  ]
  const revocations = [
    ...held.revocations,
    ...[...revoked].map((device) => ({ device: Bytes.fromHex(device)!, revokedIn: version }))
  ]
  if (!devices.some(({ role }) => role === roles.admin)) return Result.fail(new CannotRevise({ reason: "last-admin" }))
  const isFull = devices.length > Limits.maxManifestDevices || revocations.length > Limits.maxRevocations
  if (isFull || added.some(({ device }) => Manifest.isRevoked(held, device))) {
    return Result.fail(new CannotRevise({ reason: "full" }))
  }
  return Result.succeed({
    account: held.account,
    version,
    previous: held.hash,
    issuedAt: now,
    devices: ascending(devices),
    revocations: ascending(revocations)
  })
}

const ascending = <T extends { readonly device: Uint8Array }>(entries: ReadonlyArray<T>): ReadonlyArray<T> =>
  [...entries].sort((a, b) => Bytes.compare(a.device, b.device))

/** Signs a manifest and stores it before anybody sees it; who is to go gets nothing from then on (rule manifest.revoke.2). */
const propose = Effect.fnUntraced(function* (opened: Opened, statement: Manifest.Statement) {
  const { custody, hex } = opened
  const body = Manifest.encodeBody(statement)
  const signature = yield* Effect.catchTag(
    custody.signWithAccount(Manifest.signingInput(body)),
    "CustodyError",
    (error): Effect.Effect<never, ReviseError> =>
      Effect.fail(error.reason === "no-account-key" ? new NotAdmin() : error)
  )
  const bytes = Manifest.encode(body, signature)
  const proposal = yield* Loading.orCorrupt("custody", Manifest.verify(opened.crypto, bytes, statement.account))
  yield* Conversations.withHandle(opened, hex.account, (handle) =>
    Effect.suspend(() => {
      const work = new Conversations.Work()
      work.handles.add(handle)
      const record = Records.Proposal.encode({ version: Records.written, manifest: bytes })
      work.batch.put(Records.keys.proposal, record, opened.proposalSlot)
      Manifests.expel(opened, work, handle, proposal)
      work.batch.applied(() => {
        opened.proposal = proposal
        opened.clear(hex.account)
      })
      return Conversations.commitWork(opened, work)
    })
  )
})

/** How long the relay is waited for: to say what is newest, and, with a login that is under way, to be published to; ms. */
const patienceMs = 5000

const inTime = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | TransportError> =>
  Effect.timeoutOrElse(Effect.interruptible(effect), {
    duration: patienceMs,
    orElse: () => Effect.fail(new TransportError({ operation: "publish", cause: new Error("no answer in time") }))
  })

const admitted = (opened: Opened): Effect.Effect<void, TransportError> =>
  inTime(Effect.raceFirst(opened.admitted.await, opened.gone.await))

/** Publishes a proposal. Answers whether it is the account's; if not, another one stands in its place. */
const publish = Effect.fnUntraced(function* (
  opened: Opened,
  proposal: Manifest.Manifest
): Effect.fn.Return<boolean, ReviseError> {
  const published = yield* Effect.result(
    Effect.andThen(admitted(opened), opened.directory.publishManifest(proposal.bytes, []))
  )
  const isRefused = Result.isFailure(published)
  if (isRefused && !(published.failure._tag === "Refused" && published.failure.code === "bad-manifest")) {
    // A relay that does not know this device any more may have a manifest that says so.
    if (published.failure._tag === "Refused") yield* Effect.ignore(refresh(opened))
    if (opened.removed !== undefined) return yield* new Revoked({ version: opened.removed.manifest })
    return yield* published.failure
  }
  if (isRefused) yield* refresh(opened)
  else {
    const follows = Manifest.follows(newest(opened), proposal)
    yield* Peers.refresh(opened, opened.hex.account, Result.isSuccess(follows) ? [proposal.bytes] : undefined)
  }
  if (opened.proposal === undefined) return true
  // Refused, though the directory has nothing newer: nothing more can be done here, and the proposal stays.
  if (isRefused && newest(opened).version < proposal.version) return yield* published.failure
  yield* Conversations.withHandle(opened, opened.hex.account, (handle) =>
    Effect.suspend(() => {
      const work = new Conversations.Work()
      work.handles.add(handle)
      Manifests.settleProposal(opened, work)
      return Conversations.commitWork(opened, work)
    })
  )
  return false
})

/** Finishes a change that a crash or a lost connection cut short. */
export const resume = (opened: Opened): Effect.Effect<void> =>
  Effect.suspend(() =>
    opened.proposal === undefined ? Effect.void : Effect.ignore(revise(opened, { add: [], revoke: [] }))
  )

/** Lists a device, and certifies it for the version that lists it first. Published when it succeeds. */
export const admit = Effect.fnUntraced(function* (
  opened: Opened,
  { agreement, device, role }: Addition
): Effect.fn.Return<{ readonly manifest: Manifest.Manifest; readonly certificate: Uint8Array }, ReviseError> {
  const manifest = yield* revise(opened, { add: [{ device, agreement, role }], revoke: [] })
  const manifestVersion = Manifest.deviceOf(manifest, device)?.addedIn ?? manifest.version
  const statement = { account: opened.self.account, device, agreement, role, manifestVersion }
  const signature = yield* opened.custody.signWithAccount(Certificate.signingInput(statement))
  return { manifest, certificate: Certificate.encode(statement, signature) }
})

/** Removes a device from the account (rule manifest.revoke.1). `device` is its id in hexadecimal. */
export const revoke = Effect.fnUntraced(function* (
  opened: Opened,
  device: string
): Effect.fn.Return<Api.OwnDevices, ReviseError> {
  const id = Bytes.fromHex(device)
  if (id?.length !== 32) return yield* new UnknownDevice({ device })
  yield* revise(opened, { add: [], revoke: [id] })
  return list(opened)
})
