/**
 * Opening a client: reading the store, logging in, and keeping what runs in the background going.
 *
 * Spec: docs/spec/16-state.md §16.1; docs/spec/07-sequencing.md §7.2; docs/spec/14-relay.md §14.2.
 * An unreadable record stops the opening before anything is changed (rule state.corrupt.1).
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Bytes from "../base/Bytes.ts"
import type { SuiteId } from "../crypto/Suite.ts"
import * as Manifest from "../identity/Manifest.ts"
import { AttachmentStore } from "../ports/AttachmentStore.ts"
import { Crypto, Entropy } from "../ports/Crypto.ts"
import { Directory } from "../ports/Directory.ts"
import { KeyCustody } from "../ports/KeyCustody.ts"
import { Slots } from "../ports/Slots.ts"
import { Store } from "../ports/Store.ts"
import { Transport } from "../ports/Transport.ts"
import * as FenceStep from "../sequence/Fence.ts"
import * as Policy from "../trust/Policy.ts"
import * as Session from "../session/Session.ts"
import type * as Api from "./Api.ts"
import { Batch, commit } from "./Commit.ts"
import * as Devices from "./Devices.ts"
import * as Identity from "./Identity.ts"
import * as Loading from "./Loading.ts"
import { type ClientError, InvalidPolicy, NotRegistered } from "./Errors.ts"
import * as Fence from "./Fence.ts"
import * as Forgetting from "./Forgetting.ts"
import * as History from "./history/History.ts"
import type { HistoryOptions } from "./history/HistoryApi.ts"
import * as Background from "./internal/background.ts"
import * as Broadcast from "./internal/broadcast.ts"
import * as Notices from "./Notices.ts"
import type { Contact, Opened, Ports, TagEntry } from "./Opened.ts"
import * as Outbox from "./Outbox.ts"
import * as Manifests from "./Manifests.ts"
import * as Receiving from "./Receiving.ts"
import * as Records from "./Records.ts"
import * as Repair from "./Repair.ts"
import * as Retry from "./Retry.ts"
import * as SettingsState from "./SettingsState.ts"
import * as Staying from "./Staying.ts"
import * as Synced from "./Synced.ts"
import * as TrustState from "./TrustState.ts"
import * as Trusting from "./Trusting.ts"
import { whenLocked } from "./vault/Locks.ts"
import { refuseSealed } from "./vault/Sealed.ts"
import { unusable } from "./vault/VaultUnusable.ts"
import * as Waiting from "./Waiting.ts"

/** How a client is opened. */
export interface Options {
  /** Keeps the history (docs/spec/23-history.md): `true`, or how. Without it nothing of it is stored, and own devices are not compared with. */
  readonly history?: boolean | HistoryOptions
  /** Trust policy, before the stored one, while this client is open. Without either the default decides (docs/spec/24-trust.md). */
  readonly policy?: Policy.Policy
  /** Suites to use, in order of preference: [1, 2, 3] when nothing is said. Messages in others are refused. */
  readonly suites?: ReadonlyArray<SuiteId>
}

/** Opens the device of the store in context, and keeps it running until the scope closes. */
export const open = (
  options: Options
): Effect.Effect<
  Opened,
  ClientError | NotRegistered,
  Scope.Scope | Store | Transport | Directory | KeyCustody | Crypto | Entropy
> =>
  Effect.gen(function* () {
    const ports: Ports = {
      store: yield* Store,
      transport: yield* Transport,
      directory: yield* Directory,
      custody: yield* KeyCustody,
      crypto: yield* Crypto,
      entropy: yield* Entropy,
      slots: Option.getOrUndefined(yield* Effect.serviceOption(Slots)),
      attachments: Option.getOrUndefined(yield* Effect.serviceOption(AttachmentStore))
    }
    const ward: { opened?: Opened } = {}
    // Closed after the fibers below: nobody works on it any more.
    yield* Effect.addFinalizer(() => Effect.sync(() => ward.opened !== undefined && Forgetting.forget(ward.opened)))
    const fibers = yield* FiberSet.make<void>()
    const run = yield* FiberSet.runtime(fibers)<never>()
    const failed = Deferred.makeUnsafe<never, ClientError>()
    const opened = yield* load(ports, options, failed, (effect) => {
      // A defect behind the application's back ends the client, and shows wherever the application looks next.
      run(
        Effect.andThen(
          Effect.yieldNow,
          Effect.catchCause(effect, (cause) => Effect.asVoid(Deferred.failCause(failed, cause)))
        )
      )
    })
    ward.opened = opened
    const close = Effect.sync(() => {
      opened.warnings.close()
      opened.events.close()
      History.close(opened)
    })
    yield* Effect.addFinalizer(() => close)
    // Rule vault.lock.2: the client is over, and what it holds goes with the vault's keys.
    yield* whenLocked(
      ports.store,
      Effect.gen(function* () {
        yield* Deferred.fail(failed, unusable("get", "locked"))
        yield* FiberSet.clear(fibers)
        yield* close
        Forgetting.forget(opened)
      })
    )
    opened.spawn(Staying.watch(opened))
    opened.spawn(Staying.connect(opened))
    opened.spawn(Receiving.run(opened))
    opened.spawn(Fence.tellAgain(opened))
    opened.spawn(Retry.resume(opened))
    opened.spawn(opened.deliverHeld)
    opened.spawn(Background.persist(opened, Trusting.settle(opened)))
    for (const lane of opened.lanes.values()) {
      Outbox.start(opened, lane)
      Waiting.wake(opened, lane)
    }
    // Devices that were removed just before the client ended.
    for (const account of new Set([...opened.lanes.values()].map((lane) => lane.account))) opened.clear(account)
    return opened
  })

// ---- Reading the store

const load = Effect.fnUntraced(function* (
  ports: Ports,
  options: Options,
  failed: Opened["failed"],
  spawn: Opened["spawn"]
) {
  const { crypto, entropy, store } = ports
  const policy = options.policy === undefined ? undefined : yield* checkedPolicy(options.policy)
  yield* refuseSealed(store)
  const stored = yield* store.get(Records.keys.self)
  if (stored === undefined) return yield* new NotRegistered()
  const before = yield* Records.read(Records.Self, stored.key, stored.value)
  if (before.registered === 0) return yield* new NotRegistered()
  const progressIn = yield* store.get(Records.keys.progressIn)
  const received =
    progressIn === undefined ? undefined : yield* Records.read(Records.ProgressIn, progressIn.key, progressIn.value)
  const progressOut = yield* store.get(Records.keys.progressOut)
  const reserved =
    progressOut === undefined
      ? 1
      : (yield* Records.read(Records.ProgressOut, progressOut.key, progressOut.value)).reserved
  const { account, agreement, device } = before
  const fences = FenceStep.maker(crypto, before.secret)
  const opened: Opened = {
    ...ports,
    suites: options.suites ?? [1, 2, 3],
    // Rule fence.identity.1: a new start, durable below before anything is sent.
    self: { ...before, fence: fences.renew(before.fence, entropy.bytes("device.start", FenceStep.randomBytes)) },
    selfSlot: { revision: stored.revision },
    selfLock: Semaphore.makeUnsafe(1),
    prekeyLock: Semaphore.makeUnsafe(1),
    prekeysUsed: 0,
    identity: { account, device, agreement },
    fences,
    hex: { account: Bytes.toHex(account), device: Bytes.toHex(device) },
    manifestVersion: 0,
    revising: Semaphore.makeUnsafe(1),
    proposal: undefined,
    proposalSlot: { revision: undefined },
    removed: undefined,
    gone: Latch.makeUnsafe(false),
    renewBefore: 0,
    proofs: new Map(),
    dismissed: new Map(),
    missed: new Map(),
    told: new Map(),
    others: undefined,
    greetedBy: undefined,
    contacts: new Map(),
    names: new Map(),
    checked: new Set(),
    handles: new Map(),
    loading: Semaphore.makeUnsafe(1),
    prepared: new Map(),
    tags: new Map(),
    lanes: new Map(),
    ended: new Map(),
    inbox: { cache: new Map(), wake: Latch.makeUnsafe(false), reader: Semaphore.makeUnsafe(1) },
    receiving: Semaphore.makeUnsafe(1),
    synced: { next: 1, waiting: new Set(), wake: Latch.makeUnsafe(false), reader: Semaphore.makeUnsafe(1) },
    received: received?.order ?? 0,
    committed: new Map(received?.committed.map(({ end, id }) => [id, Bytes.toHex(end)])),
    progressInSlot: { revision: progressIn?.revision },
    firstOrder: reserved,
    order: reserved,
    reserved,
    reserving: Semaphore.makeUnsafe(1),
    progressOutSlot: { revision: progressOut?.revision },
    warnings: Broadcast.make<Api.Warning>(),
    events: Broadcast.make<Api.OutboxEvent>(),
    warned: new Set(),
    admitted: Latch.makeUnsafe(false),
    idle: Latch.makeUnsafe(false),
    hurried: 0,
    proven: new Set(),
    asked: new Map(),
    asking: new Map(),
    healing: Semaphore.makeUnsafe(4),
    probedAt: -Infinity,
    restoredAt: -Infinity,
    hurry: Latch.makeUnsafe(false),
    reconnected: Latch.makeUnsafe(false),
    sends: new Map(),
    failed,
    spawn,
    trust: yield* TrustState.load(store, crypto, policy),
    settings: yield* SettingsState.load(store),
    wake: (lane) => Waiting.wake(opened, lane),
    settleIdentity: (pinned) => Effect.ignore(Trusting.settleIdentity(opened, pinned)),
    deliverHeld: Effect.suspend(() => Background.persist(opened, Identity.resume(opened))),
    isBarred: (lane) => Manifests.isGone(opened, lane.account, Bytes.fromHex(lane.device)!),
    resume: () => spawn(Devices.resume(opened)),
    clear: (account) => spawn(Repair.clear(opened, account)),
    repair: (lane, entry, refusal) => Repair.refused(opened, lane, entry, refusal)
  }
  yield* loadContacts(opened)
  yield* Devices.load(opened)
  yield* loadTags(opened)
  yield* Outbox.load(opened)
  yield* Synced.load(opened)
  yield* Notices.load(opened)
  const batch = new Batch()
  batch.put(Records.keys.self, Records.Self.encode(opened.self), opened.selfSlot)
  const { history } = options
  const wanted = history === true ? {} : history === false ? undefined : history
  const kept = wanted === undefined ? undefined : yield* History.load(ports, opened.self, wanted, batch)
  yield* commit(store, batch)
  if (kept !== undefined) History.attach(opened, kept)
  return opened
})

/** A policy that is none is a mistake of the program: what people write goes through `TrustPolicy.parse` first. */
const checkedPolicy = (policy: Policy.Policy): Effect.Effect<Policy.Policy> =>
  Effect.orDie(Effect.mapError(Effect.fromResult(Policy.check(policy)), (problems) => new InvalidPolicy({ problems })))

const loadContacts = Effect.fnUntraced(function* (opened: Opened) {
  for (const { key, revision, value } of yield* Loading.scanAll(opened.store, "contact/")) {
    const record = yield* Records.read(Records.Contact, key, value)
    const hex = Records.partsOf(key)[1]!
    const account = Bytes.fromHex(hex)!
    const manifest =
      record.manifest.length === 0
        ? undefined
        : yield* Loading.orCorrupt("contact", Manifest.verify(opened.crypto, record.manifest, account))
    const contact: Contact = { account, hex, record, slot: { revision }, manifest }
    opened.contacts.set(hex, contact)
    if (record.user !== undefined) opened.names.set(record.user, hex)
  }
})

/** Builds the index of tags. States are read again when their conversation is used. */
const loadTags = Effect.fnUntraced(function* (opened: Opened) {
  const { crypto, store } = opened
  const sessions = new Map<string, TagEntry>()
  for (const { key, value } of yield* Loading.scanAll(store, "session/")) {
    const session = yield* Effect.fromResult(Records.readable(key, Session.decode(crypto, value)))
    value.fill(0)
    const id = Records.partsOf(key)[1]!
    const { account, device } = session.peer
    const entry: TagEntry = { account: Bytes.toHex(account), device: Bytes.toHex(device), session: id }
    sessions.set(id, entry)
    for (const tag of Session.tags(session)) opened.tags.set(Bytes.toHex(tag), entry)
  }
  for (const { key, value } of yield* Loading.scanAll(store, "skipped/")) {
    value.fill(0)
    const [, id, tag] = Records.partsOf(key)
    const entry = sessions.get(id!)
    if (entry !== undefined) opened.tags.set(tag!, entry)
  }
})
