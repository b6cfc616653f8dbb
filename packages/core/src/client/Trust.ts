/**
 * Events of trust where they happen: deciding, writing down, holding, warning.
 *
 * Spec: docs/spec/24-trust.md §24.2–24.4, §24.6.
 * Changes works and commits nothing. What follows for sending and receiving is in client/TrustAllows.ts, what is shown to people in
 * client/Trusting.ts.
 */
import * as Effect from "effect/Effect"
import * as Bytes from "../base/Bytes.ts"
import type { Cause } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import type { SuiteId } from "../crypto/Suite.ts"
import type * as Content from "../envelope/Content.ts"
import type { Manifest } from "../identity/Manifest.ts"
import { decide, stops, type Verdict } from "../trust/Decide.ts"
import { decisions, type EventName, events, type Facts, holds, stopsSending } from "../trust/Event.ts"
import * as Ledger from "../trust/Ledger.ts"
import type { Judged, Sender } from "./Api.ts"
import type * as Conversations from "./Conversations.ts"
import { TrustRefused } from "./Errors.ts"
import * as Background from "./internal/background.ts"
import type { Contact, Opened } from "./Opened.ts"
import * as Records from "./Records.ts"
import * as TrustRecords from "./TrustRecords.ts"
import * as TrustState from "./TrustState.ts"
import * as Warnings from "./Warnings.ts"

/** What an event is about beside its contact. */
interface About {
  /** Device id, 32 bytes; none where the event is about the account. */
  readonly device?: Uint8Array
  /** Versions, suites or features before and now. */
  readonly from?: number
  readonly to?: number
  /** Whether the account id was known before a first contact. */
  readonly pinned?: boolean
}

/** The facts about a contact as a work leaves them (rule trust.fact.1). */
export const factsOf = (
  opened: Opened,
  { hex, record }: Pick<Contact, "hex" | "record">,
  now: number,
  pinned = true,
  batch?: Conversations.Work["batch"]
): Facts => {
  const { approvedAt, verifiedAt } = TrustState.recordOf(opened.trust, hex, batch)
  return {
    verified: verifiedAt > 0,
    pinned,
    vouched: record.user !== undefined,
    approved: approvedAt > 0,
    ageMs: Math.max(0, now - record.since)
  }
}

/** Facts as a number of records. */
export const bitsOf = ({ approved, pinned, verified, vouched }: Facts): number =>
  (verified ? 1 : 0) + (pinned ? 2 : 0) + (vouched ? 4 : 0) + (approved ? 8 : 0)

/** The own account is followed like a contact, and is none. */
export const isOwn = (opened: Opened, { hex }: Pick<Contact, "hex">): boolean => hex === opened.hex.account

/** Decides about an event of a contact, and writes down, in the work, what follows. */
const note = (
  opened: Opened,
  work: Conversations.Work,
  contact: Contact,
  event: EventName,
  now: number,
  about: About = {}
): Verdict => {
  const { batch } = work
  const { trust } = opened
  const facts = factsOf(opened, contact, now, about.pinned, batch)
  const verdict = decide(trust.policy, { event, account: contact.hex }, facts)
  log(opened, work, contact, event, facts, verdict, now, about)
  const isCovered = event === "suite-downgraded" && !stops(verdict, facts.approved)
  if (holds(event, verdict.decision) && event !== "identity-changed" && !isCovered) {
    const record = TrustState.recordOf(trust, contact.hex, batch)
    TrustState.put(trust, batch, contact.hex, {
      ...record,
      holds: withHold(record.holds, {
        event: events[event].number,
        device: about.device ?? Bytes.empty,
        from: about.from ?? 0,
        to: about.to ?? 0,
        pinned: facts.pinned ? 1 : 0,
        decision: decisions[verdict.decision],
        rule: verdict.rule,
        at: now
      })
    })
  }
  if (verdict.decision !== "allow" && !elsewhere.has(event)) warn(opened, work, contact, event, verdict, now, about)
  return verdict
}

/** Events that have a warning of their own, which says what was decided: rules manifest.told.1, proof.keep.1, manifest.pin.1 and trust.effect.8. */
const elsewhere: ReadonlySet<EventName> = new Set([
  "identity-changed",
  "device-added",
  "device-removed",
  "manifest-forked",
  "manifest-rolled-back"
])

const judged = (event: EventName, { decision, rule }: Verdict, device?: Uint8Array): Judged => ({
  event,
  device: device === undefined ? "" : Bytes.toHex(device),
  decision,
  rule
})

/** Writes a decision down (rule trust.log.1). */
export const log = (
  opened: Opened,
  { batch }: Conversations.Work,
  { account }: Pick<Contact, "account">,
  event: EventName,
  facts: Facts,
  { decision, rule }: Verdict,
  now: number,
  about: About
): void => {
  const { trust } = opened
  const order = trust.next++
  const entry: TrustRecords.Log = {
    version: TrustRecords.written,
    at: now,
    event: events[event].number,
    account,
    device: about.device ?? Bytes.empty,
    from: about.from ?? 0,
    to: about.to ?? 0,
    facts: bitsOf(facts),
    ageMs: facts.ageMs,
    decision: decisions[decision],
    rule,
    policy: trust.digest,
    name: trust.policy.name
  }
  batch.put(Records.keys.trustLog(order), TrustRecords.Log.encode(entry))
  const oldest = order - Limits.maxTrustLog + 1
  if (oldest <= trust.oldest) return
  for (let old = trust.oldest; old < oldest; old++) batch.remove(Records.keys.trustLog(old))
  batch.applied(() => {
    trust.oldest = Math.max(trust.oldest, oldest)
  })
}

/** Rule trust.effect.2: the same again is one hold; a further one takes the place of the oldest of its event, or else of the oldest. */
const withHold = (
  held: ReadonlyArray<TrustRecords.Hold>,
  hold: TrustRecords.Hold
): ReadonlyArray<TrustRecords.Hold> => {
  const others = held.filter(
    ({ device, event, from, to }) =>
      event !== hold.event || from !== hold.from || to !== hold.to || !Bytes.equal(device, hold.device)
  )
  if (others.length < Limits.maxTrustHolds) return [...others, hold]
  const out = Math.max(
    0,
    others.findIndex(({ event }) => event === hold.event)
  )
  return [...others.filter((_, i) => i !== out), hold]
}

/** Tells of a decision after the commit. */
export const warn = (
  opened: Opened,
  work: Conversations.Work,
  contact: Contact,
  event: EventName,
  { decision, rule }: Verdict,
  now: number,
  about: About
): void => {
  const peer: Sender = {
    user: contact.record.user,
    account: contact.hex,
    device: about.device === undefined ? "" : Bytes.toHex(about.device)
  }
  work.batch.applied(() => opened.warnings.publish(Warnings.trust(peer, event, decision, rule, now)))
}

// ---- Events

/** An account becomes a contact. */
export const firstContact = (opened: Opened, work: Conversations.Work, contact: Contact, now: number): void => {
  if (isOwn(opened, contact)) return
  note(opened, work, contact, "first-contact", now, { pinned: opened.trust.named.has(contact.hex) })
}

/** A contact's manifest follows another one. Answers what was decided. */
export const manifestChanged = (
  opened: Opened,
  work: Conversations.Work,
  contact: Contact,
  before: Manifest,
  after: Manifest,
  now: number
): ReadonlyArray<Judged> => {
  if (before.version === after.version || isOwn(opened, contact)) return []
  const versions = { from: before.version, to: after.version }
  const listed = (manifest: Manifest) => new Set(manifest.devices.map(({ device }) => Bytes.toHex(device)))
  const [old, present] = [listed(before), listed(after)]
  const about = (event: EventName, devices: Manifest["devices"], others: ReadonlySet<string>) =>
    devices
      .filter(({ device }) => !others.has(Bytes.toHex(device)))
      .map(({ device }) => judged(event, note(opened, work, contact, event, now, { ...versions, device }), device))
  return [...about("device-added", after.devices, old), ...about("device-removed", before.devices, present)]
}

/** Whether a manifest that was refused with this cause is an event. */
export const isEvent = (cause: Cause): boolean => cause === "auth.fork" || cause === "fresh.rollback"

/** A contact's manifest was refused. Answers what is decided; it is written down once while the client is open. */
export const manifestRefused = (
  opened: Opened,
  work: Conversations.Work,
  contact: Contact,
  cause: Cause,
  now: number
): ReadonlyArray<Judged> => {
  if (!isEvent(cause) || isOwn(opened, contact)) return []
  const { trust } = opened
  const event = cause === "auth.fork" ? "manifest-forked" : "manifest-rolled-back"
  const from = contact.manifest?.version ?? 0
  const about = `${cause} ${contact.hex} ${from}`
  if (trust.warned.has(about)) {
    const facts = factsOf(opened, contact, now, true, work.batch)
    return [judged(event, decide(trust.policy, { event, account: contact.hex }, facts))]
  }
  trust.warned.add(about)
  return [judged(event, note(opened, work, contact, event, now, { from }))]
}

/** The name of a contact stands for another account. The decision is only written down here; client/Identity.ts acts on it. */
export const identityChanged = (opened: Opened, work: Conversations.Work, contact: Contact, now: number): void =>
  void note(opened, work, contact, "identity-changed", now)

/** What the policy says now about a changed identity that was not accepted. */
export const aboutIdentity = (opened: Opened, contact: Contact, now: number): Verdict =>
  decide(opened.trust.policy, { event: "identity-changed", account: contact.hex }, factsOf(opened, contact, now))

/** Fails when the policy does not let anybody accept a changed identity (rule trust.effect.4). */
export const mayAccept = (opened: Opened, user: string): Effect.Effect<void, TrustRefused> =>
  Effect.flatMap(Background.now, (now) => {
    const contact: Contact | undefined = opened.contacts.get(opened.names.get(user) ?? "")
    if (contact?.record.offered === undefined) return Effect.void
    const { decision, rule } = aboutIdentity(opened, contact, now)
    if (decision !== "block") return Effect.void
    const about = { user, account: contact.hex, event: "identity-changed", rule, decision }
    return Effect.fail(new TrustRefused({ ...about, remedy: "change-policy" }))
  })

/**
 * A session in this suite begins with a device, by us (`ours`) or by it. Answers whether it may; one that the device began has
 * authenticated, and always may (rule trust.ledger.2).
 */
export const session = (
  opened: Opened,
  work: Conversations.Work,
  contact: Contact,
  device: Uint8Array,
  suite: SuiteId,
  now: number,
  ours: boolean
): boolean => {
  const { trust } = opened
  if (isOwn(opened, contact)) return true
  const { ledger } = TrustState.recordOf(trust, contact.hex, work.batch)
  const from = Ledger.downgradeFrom(ledger, device, suite, trust.policy.suites)
  if (from === undefined) return true
  const facts = factsOf(opened, contact, now, true, work.batch)
  const verdict = decide(trust.policy, { event: "suite-downgraded", account: contact.hex }, facts)
  // A session that may not begin is tried again and again: that is one event.
  const told = `suite ${contact.hex} ${Bytes.toHex(device)} ${suite} ${verdict.rule}`
  if (!ours || !trust.warned.has(told))
    note(opened, work, contact, "suite-downgraded", now, { device, from, to: suite })
  if (ours) trust.warned.add(told)
  return !(ours && stopsSending(verdict.decision) && stops(verdict, facts.approved))
}

/** A message of a session opened: the session's suite and, of a numbered message, its features are remembered. */
export const message = (
  opened: Opened,
  work: Conversations.Work,
  contact: Contact,
  device: Uint8Array,
  suite: SuiteId,
  content: Pick<Content.Content, "extensions" | "sequence">,
  now: number
): void => {
  const { trust } = opened
  if (isOwn(opened, contact)) return
  const record = TrustState.recordOf(trust, contact.hex, work.batch)
  const suited = Ledger.withSuite(record.ledger, device, suite, now)
  const shown = content.extensions.lists === undefined ? 0 : Ledger.features.lists
  const { ledger, lost } =
    content.sequence === 0 ? { ledger: suited, lost: 0 } : Ledger.withFeatures(suited, device, shown, now)
  if (ledger !== record.ledger) TrustState.put(trust, work.batch, contact.hex, { ...record, ledger })
  if (lost > 0) note(opened, work, contact, "feature-downgraded", now, { device, from: lost })
}
