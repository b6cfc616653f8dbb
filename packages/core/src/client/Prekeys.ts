/**
 * Own prekeys: making, publishing, rotating, replenishing and deleting them.
 *
 * Spec: docs/spec/05-agreement.md §5.1; docs/spec/14-relay.md §14.3.
 * A prekey is stored before it is published. One-time prekeys are deleted by whoever accepts the start that names them.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Prekey from "../agreement/Prekey.ts"
import type * as Pqxdh from "../agreement/Pqxdh.ts"
import { type Cause } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import type { Start } from "../envelope/SealedSender.ts"
import type { PrekeyStatus, PublishedKey, PublishedOneTimeKey } from "../ports/Directory.ts"
import type { LeaseLost, StoreError } from "../ports/Store.ts"
import type { Refused, TransportError } from "../ports/Transport.ts"
import { absent, Batch, commit, type Slot } from "./Commit.ts"
import type * as Conversations from "./Conversations.ts"
import * as Loading from "./Loading.ts"
import type { ClientError } from "./Errors.ts"
import * as Background from "./internal/background.ts"
import type { Opened } from "./Opened.ts"
import * as Records from "./Records.ts"

/** Which of our prekeys a start names, with their secrets, and the one-time ones among them. */
export interface Named {
  readonly prekeys: Pqxdh.OwnPrekeys
  /** Keys of records to delete with the commit that stores the session (rule prekey.once.1). */
  readonly consumed: ReadonlyArray<string>
}

/** Finds the prekeys that a start names. Answers the cause when one is missing (rules pqxdh.lookup.1, prekey.once.1). */
export const find = Effect.fnUntraced(function* (opened: Opened, work: Conversations.Work, start: Start) {
  const { next } = opened.self
  const load = Effect.fnUntraced(function* (kind: Records.PrekeyKind, id: number, made: number) {
    const key = Records.keys.prekey(kind, id)
    const isOneTime = kind === "once" || kind === "kem-once"
    const stored = work.batch.peek(key) === "removed" ? undefined : yield* opened.store.get(key)
    if (stored === undefined) {
      const cause: Cause = isOneTime && id < made ? "lookup.prekey-consumed" : "lookup.prekey-unknown"
      return { key, cause }
    }
    const { key: publicKey, secret } = yield* Records.read(Records.Prekey, key, stored.value)
    stored.value.fill(0)
    return { key, prekey: { id, key: publicKey, secret } }
  })
  const signed = yield* load("signed", start.signedPrekeyId, next.signed)
  if (signed.prekey === undefined) return signed.cause
  const kem =
    start.kemOneTime === 1
      ? yield* load("kem-once", start.kemPrekeyId, next.kemOnce)
      : yield* load("kem", start.kemPrekeyId, next.kem)
  if (kem.prekey === undefined) return kem.cause
  const once = start.oneTimePrekeyId === 0 ? undefined : yield* load("once", start.oneTimePrekeyId, next.once)
  if (once !== undefined && once.prekey === undefined) return once.cause
  const consumed: Array<string> = []
  if (start.kemOneTime === 1) consumed.push(kem.key)
  if (once !== undefined) consumed.push(once.key)
  const named: Named = {
    prekeys: { signedPrekey: signed.prekey, kemPrekey: kem.prekey, oneTimePrekey: once?.prekey },
    consumed
  }
  return named
})

/** One-time prekeys may be used up so far before the relay is asked how many are left. */
const usedBeforeAsking = 10

/** Notes that one-time prekeys were used, and tops them up now and then (rule prekey.replenish.1). */
export const afterUse = (opened: Opened, used: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    opened.prekeysUsed += used
    if (opened.prekeysUsed < usedBeforeAsking) return Effect.void
    opened.prekeysUsed = 0
    return Effect.ignore(maintain(opened))
  })

interface Stored {
  readonly kind: Records.PrekeyKind
  readonly id: number
  readonly key: string
  readonly revision: number
  readonly record: Records.Prekey
}

const readAll = Effect.fnUntraced(function* (opened: Opened) {
  const all: Array<Stored> = []
  for (const { key, revision, value } of yield* Loading.scanAll(opened.store, "prekey/")) {
    const [, kind] = Records.partsOf(key)
    const record = yield* Records.read(Records.Prekey, key, value)
    all.push({ kind: kind as Records.PrekeyKind, id: Records.orderOf(key), key, revision, record })
  }
  return all
})

/**
 * Brings what is published up to date: rotates what is due, deletes what is past, tops up what is short. Safe to repeat at any
 * time, and after a crash at any point.
 */
export const maintain = (opened: Opened): Effect.Effect<void, ClientError | TransportError | Refused> =>
  opened.prekeyLock.withPermit(
    Effect.gen(function* () {
      const now = yield* Background.now
      yield* forget(opened, yield* readAll(opened), now)
      yield* provide(opened, now, 0)
    })
  )

/** Makes and publishes what is missing. */
const provide = (
  opened: Opened,
  now: number,
  attempt: number
): Effect.Effect<void, ClientError | TransportError | Refused> =>
  Effect.gen(function* () {
    const status = yield* opened.directory.prekeyStatus
    const made = yield* make(opened, yield* readAll(opened), status, now)
    if (made.length === 0) return
    const refusal = yield* publish(opened, made, now)
    if (refusal === undefined) return
    if (attempt > 0) return yield* refusal
    yield* skipIds(opened, refusal.detail)
    yield* provide(opened, now, attempt + 1)
  })

/** Deletes prekeys that were retired long enough ago, and the starts remembered with them (rule session.start.3). */
const forget = Effect.fnUntraced(function* (opened: Opened, stored: ReadonlyArray<Stored>, now: number) {
  const past = stored.filter(({ record }) => record.retiredAt > 0 && Prekey.isForgettable(record.retiredAt, now))
  if (past.length === 0) return
  const batch = new Batch()
  for (const { key, record, revision } of past) {
    batch.remove(key, { revision })
    batch.consume([record.secret])
  }
  const gone = new Set(past.filter(({ kind }) => kind === "signed").map(({ id }) => id))
  for (const { key, value } of yield* Loading.scanAll(opened.store, "seen/")) {
    const { signedPrekey } = yield* Records.read(Records.Seen, key, value)
    if (gone.has(signedPrekey)) batch.remove(key)
  }
  yield* commit(opened.store, batch)
})

/** Makes the prekeys that are missing, durably, and answers everything not published yet. */
const make = Effect.fnUntraced(function* (
  opened: Opened,
  stored: ReadonlyArray<Stored>,
  status: PrekeyStatus,
  now: number
) {
  const { crypto, entropy } = opened
  const current = stored.filter(({ record }) => record.retiredAt === 0)
  const signed = current.filter(({ kind, record }) => kind === "signed" && record.published === 1).at(-1)
  const rotates =
    signed === undefined || signed.id !== status.signedPrekeyId || Prekey.isDue(signed.record.createdAt, now)
  const unpublished = current.filter(({ record }) => record.published === 0)
  const pending = (kind: Records.PrekeyKind): number => unpublished.filter((one) => one.kind === kind).length
  const missing = (kind: "once" | "kem-once", left: number): number =>
    Math.max(0, Prekey.toReplenish(left) - pending(kind))
  const counts = {
    signed: rotates && pending("signed") === 0 ? 1 : 0,
    kem: rotates && pending("kem") === 0 ? 1 : 0,
    once: missing("once", status.oneTime),
    "kem-once": missing("kem-once", status.oneTimeKem)
  } as const satisfies Record<Records.PrekeyKind, number>
  const total = counts.signed + counts.kem + counts.once + counts["kem-once"]
  if (total === 0) return unpublished
  const make = (
    kind: Records.PrekeyKind,
    id: number
  ): { readonly made: Omit<Stored, "revision">; readonly slot: Slot } => {
    const isKem = kind === "kem" || kind === "kem-once"
    const label = { signed: "prekey.signed", kem: "kem.last", once: "prekey.once", "kem-once": "kem.once" }[kind]
    const secret = entropy.bytes(label, isKem ? 64 : 32)
    const key = isKem ? crypto.mlKem768KeyPair(secret).publicKey : crypto.x25519PublicKey(secret)
    const record: Records.Prekey = { version: Records.written, key, secret, createdAt: now, retiredAt: 0, published: 0 }
    return { made: { kind, id, key: Records.keys.prekey(kind, id), record }, slot: absent() }
  }
  const fresh: Array<ReturnType<typeof make>> = []
  yield* updateSelf(opened, (self, batch) => {
    const next = { ...self.next }
    for (let i = 0; i < counts.signed; i++) fresh.push(make("signed", next.signed++))
    for (let i = 0; i < counts.kem; i++) fresh.push(make("kem", next.kem++))
    for (let i = 0; i < counts.once; i++) fresh.push(make("once", next.once++))
    for (let i = 0; i < counts["kem-once"]; i++) fresh.push(make("kem-once", next.kemOnce++))
    for (const { made, slot } of fresh) batch.put(made.key, Records.Prekey.encode(made.record), slot)
    return { ...self, next }
  })
  return [...unpublished, ...fresh.map(({ made, slot }): Stored => ({ ...made, revision: slot.revision ?? 0 }))]
})

/** Replaces the device's own record, together with what `change` adds to the batch. */
export const updateSelf = (
  opened: Opened,
  change: (self: Records.Self, batch: Batch) => Records.Self
): Effect.Effect<void, StoreError | LeaseLost> =>
  opened.selfLock.withPermit(
    Effect.suspend(() => {
      const batch = new Batch()
      const self = change(opened.self, batch)
      batch.put(Records.keys.self, Records.Self.encode(self), opened.selfSlot)
      batch.applied(() => {
        opened.self = self
      })
      return commit(opened.store, batch)
    })
  )

/** Publishes prekeys. Answers the refusal when the relay knows their ids already. */
const publish = Effect.fnUntraced(function* (opened: Opened, made: ReadonlyArray<Stored>, now: number) {
  const of = (kind: Records.PrekeyKind) => made.filter((one) => one.kind === kind).sort((a, b) => a.id - b.id)
  const sign = Effect.fnUntraced(function* (kind: Prekey.SignedKind, keys: ReadonlyArray<Stored>) {
    const signed: Array<PublishedKey> = []
    for (const { id, record } of keys) {
      const message = Prekey.signingInput(kind, { id, key: record.key })
      signed.push({ id, key: record.key, signature: yield* opened.custody.signWithDevice(message) })
    }
    return signed
  })
  const oneTime: ReadonlyArray<PublishedOneTimeKey> = of("once").map(({ id, record }) => ({ id, key: record.key }))
  const outcome = yield* Effect.result(
    opened.directory.publishPrekeys({
      // Only the newest counts: an older one that never got out is passed over.
      signed: yield* sign("signed", of("signed").slice(-1)),
      lastResortKem: yield* sign("last-resort-kem", of("kem").slice(-1)),
      oneTime: oneTime.slice(-most),
      oneTimeKem: yield* sign("one-time-kem", of("kem-once").slice(-most))
    })
  )
  let refusal: Refused | undefined
  if (Result.isFailure(outcome)) {
    const { failure } = outcome
    if (failure._tag !== "Refused" || failure.code !== "bad-prekeys") return yield* failure
    refusal = failure
  }
  // Published, or refused because their ids were used before: either way they are never published again. Secrets are kept, for
  // a publication whose answer was lost.
  const batch = new Batch()
  const published = new Set(made)
  for (const { key, kind, record, revision } of made) {
    // The relay's key of this id may be another one of ours, from before a restoration: it is replaced by a third.
    const retiredAt = refusal !== undefined && (kind === "signed" || kind === "kem") ? now : 0
    batch.put(key, Records.Prekey.encode({ ...record, published: 1, retiredAt }), { revision })
  }
  if (refusal === undefined) {
    for (const old of yield* readAll(opened)) {
      const isNew = [...published].some(({ key }) => key === old.key)
      const isReplaced = (old.kind === "signed" || old.kind === "kem") && made.some(({ kind }) => kind === old.kind)
      if (isNew || !isReplaced || old.record.retiredAt > 0) continue
      batch.put(old.key, Records.Prekey.encode({ ...old.record, retiredAt: now }), { revision: old.revision })
    }
  }
  yield* commit(opened.store, batch)
  return refusal
})

/** One publication carries at most this many one-time prekeys of a kind (rule relay.frame.3). */
const most = Limits.oneTimePrekeyTarget * 2

const Highest = Layout.list(Layout.uint(), { min: 4, max: 4 })

/** The relay knows prekeys of this device that the device does not: its state is older. New ids begin above them. */
const skipIds = Effect.fnUntraced(function* (opened: Opened, detail: Uint8Array) {
  const highest = Highest.decode(detail)
  if (Result.isFailure(highest)) return
  const [signed, kem, once, kemOnce] = highest.success as readonly [number, number, number, number]
  const above = (mine: number, theirs: number): number => Math.max(mine, Math.min(theirs, Limits.maxUint - 1) + 1)
  yield* updateSelf(opened, (self) => ({
    ...self,
    next: {
      signed: above(self.next.signed, signed),
      kem: above(self.next.kem, kem),
      once: above(self.next.once, once),
      kemOnce: above(self.next.kemOnce, kemOnce)
    }
  }))
})
