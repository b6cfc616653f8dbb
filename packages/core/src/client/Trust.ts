/**
 * Events of trust where they happen: deciding, writing down, holding, warning.
 *
 * Spec: docs/spec/24-trust.md §24.2–24.4, §24.6.
 * Changes works and commits nothing, but for {@link maySend}. What is shown to people is in client/Trusting.ts.
 */
import * as Effect from "effect/Effect"
import * as Bytes from "../base/Bytes.ts"
import type { Cause } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import type { SuiteId } from "../crypto/Suite.ts"
import type * as Content from "../envelope/Content.ts"
import type { Manifest } from "../identity/Manifest.ts"
import { decide, type Remedy, remedyOf, stops, type Verdict } from "../trust/Decide.ts"
import {
  decisionOf,
  decisions,
  type EventName,
  eventOf,
  events,
  type Facts,
  holds,
  stopsReceiving,
  stopsSending
} from "../trust/Event.ts"
import * as Ledger from "../trust/Ledger.ts"
import type { Sender } from "./Api.ts"
import * as Conversations from "./Conversations.ts"
import { type ClientError, TrustRefused } from "./Errors.ts"
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

const bitsOf = ({ approved, pinned, verified, vouched }: Facts): number =>
  (verified ? 1 : 0) + (pinned ? 2 : 0) + (vouched ? 4 : 0) + (approved ? 8 : 0)

/** The own account is followed like a contact, and is none. */
const isOwn = (opened: Opened, { hex }: Pick<Contact, "hex">): boolean => hex === opened.hex.account

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
  if (verdict.decision !== "allow" && event !== "identity-changed")
    warn(opened, work, contact, event, verdict, now, about)
  return verdict
}

const log = (
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

const warn = (
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

/** A contact's manifest follows another one. */
export const manifestChanged = (
  opened: Opened,
  work: Conversations.Work,
  contact: Contact,
  before: Manifest,
  after: Manifest,
  now: number
): void => {
  if (before.version === after.version || isOwn(opened, contact)) return
  const versions = { from: before.version, to: after.version }
  const listed = (manifest: Manifest) => new Set(manifest.devices.map(({ device }) => Bytes.toHex(device)))
  const [old, present] = [listed(before), listed(after)]
  for (const { device } of after.devices) {
    if (!old.has(Bytes.toHex(device))) note(opened, work, contact, "device-added", now, { ...versions, device })
  }
  for (const { device } of before.devices) {
    if (!present.has(Bytes.toHex(device))) note(opened, work, contact, "device-removed", now, { ...versions, device })
  }
}

/** Whether a manifest that was refused with this cause is an event. */
export const isEvent = (cause: Cause): boolean => cause === "auth.fork" || cause === "fresh.rollback"

/** A contact's manifest was refused. */
export const manifestRefused = (
  opened: Opened,
  work: Conversations.Work,
  contact: Contact,
  cause: Cause,
  now: number
): void => {
  if (!isEvent(cause) || isOwn(opened, contact)) return
  const about = `${cause} ${contact.hex} ${contact.manifest?.version ?? 0}`
  if (opened.trust.warned.has(about)) return
  opened.trust.warned.add(about)
  note(opened, work, contact, cause === "auth.fork" ? "manifest-forked" : "manifest-rolled-back", now, {
    from: contact.manifest?.version ?? 0
  })
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

// ---- What a contact's state allows

/** The first hold of a contact that stops something. */
const holdThat = (record: TrustRecords.Trust, stopsIt: typeof stopsSending): TrustRecords.Hold | undefined =>
  record.holds.find((hold) => stopsIt(decisionOf(hold.decision) ?? "allow"))

/** Whether anything holds what is sent to a contact, beside the rules about sending itself. */
export const isSendingHeld = (opened: Opened, account: string): boolean =>
  holdThat(TrustState.recordOf(opened.trust, account), stopsSending) !== undefined

/** Whether `sending` or `receiving` is decided otherwise than what was last written down (rule trust.log.1). */
const isNews = (
  opened: Opened,
  record: TrustRecords.Trust,
  event: EventName,
  facts: Facts,
  { decision, rule }: Verdict
): boolean => {
  const last = record.noted.find((one) => one.event === events[event].number)
  return (
    last === undefined ||
    last.decision !== decisions[decision] ||
    last.rule !== rule ||
    last.facts !== bitsOf(facts) ||
    !Bytes.equal(last.policy, opened.trust.digest)
  )
}

/** Writes down a decision about sending or receiving, and warns. */
const noteLevel = (
  opened: Opened,
  work: Conversations.Work,
  contact: Contact,
  event: "sending" | "receiving",
  facts: Facts,
  verdict: Verdict,
  now: number
): void => {
  const { trust } = opened
  const record = TrustState.recordOf(trust, contact.hex, work.batch)
  if (isNews(opened, record, event, facts, verdict)) {
    log(opened, work, contact, event, facts, verdict, now, {})
    const noted: TrustRecords.Noted = {
      event: events[event].number,
      decision: decisions[verdict.decision],
      facts: bitsOf(facts),
      rule: verdict.rule,
      policy: trust.digest
    }
    const others = record.noted.filter((one) => one.event !== noted.event)
    TrustState.put(trust, work.batch, contact.hex, { ...record, noted: [...others, noted] })
  }
  const about = `${event} ${contact.hex} ${verdict.rule}`
  if (verdict.decision === "allow" || trust.warned.has(about)) return
  trust.warned.add(about)
  warn(opened, work, contact, event, verdict, now, {})
}

/** Whether a message of a contact is shown, or set aside. */
export const receives = (opened: Opened, work: Conversations.Work, contact: Contact, now: number): boolean => {
  if (isOwn(opened, contact)) return true
  const record = TrustState.recordOf(opened.trust, contact.hex, work.batch)
  const facts = factsOf(opened, contact, now, true, work.batch)
  const verdict = decide(opened.trust.policy, { event: "receiving", account: contact.hex }, facts)
  noteLevel(opened, work, contact, "receiving", facts, verdict, now)
  return !stops(verdict, facts.approved) && holdThat(record, stopsReceiving) === undefined
}

/** Whether a contact's messages would be shown now. */
export const isHeard = (opened: Opened, contact: Contact, now: number): boolean => {
  const facts = factsOf(opened, contact, now)
  const verdict = decide(opened.trust.policy, { event: "receiving", account: contact.hex }, facts)
  return (
    !stops(verdict, facts.approved) &&
    holdThat(TrustState.recordOf(opened.trust, contact.hex), stopsReceiving) === undefined
  )
}

/** Why the application may not send to a contact, if it may not. */
const hindrance = (opened: Opened, contact: Contact, facts: Facts, verdict: Verdict): TrustRefused | undefined => {
  const { policy } = opened.trust
  const refuse = (event: EventName, { decision, rule }: Verdict, remedy: Remedy) =>
    new TrustRefused({ user: contact.record.user ?? "", account: contact.hex, event, rule, decision, remedy })
  const { hex: account } = contact
  if (stops(verdict, facts.approved)) {
    return refuse("sending", verdict, remedyOf(policy, { event: "sending", account }, facts))
  }
  const hold = holdThat(TrustState.recordOf(opened.trust, account), stopsSending)
  if (hold === undefined) return undefined
  const event = eventOf(hold.event)!
  const decision = decisionOf(hold.decision)!
  const remedy = remedyOf(policy, { event, account }, { ...facts, pinned: hold.pinned === 1 })
  // Whatever else would help: what was asked is answered by an approval.
  const answer = decision === "ask" && remedy === "change-policy" ? "approve" : remedy
  return refuse(event, { decision, rule: hold.rule }, answer)
}

/** Succeeds when the policy lets the application send to a contact (rules trust.effect.3 and trust.effect.5). */
export const maySend = (opened: Opened, contact: Contact): Effect.Effect<void, TrustRefused | ClientError> =>
  Effect.flatMap(Background.now, (now) => {
    const facts = factsOf(opened, contact, now)
    const verdict = decide(opened.trust.policy, { event: "sending", account: contact.hex }, facts)
    const refused = hindrance(opened, contact, facts, verdict)
    const answer: Effect.Effect<void, TrustRefused> = refused === undefined ? Effect.void : Effect.fail(refused)
    const record = TrustState.recordOf(opened.trust, contact.hex)
    if (!isNews(opened, record, "sending", facts, verdict)) return answer
    const write = Conversations.withHandle(opened, contact.hex, (handle) =>
      Effect.suspend(() => {
        const work = new Conversations.Work()
        work.handles.add(handle)
        noteLevel(opened, work, contact, "sending", facts, verdict, now)
        return Conversations.commitWork(opened, work)
      })
    )
    return Effect.andThen(write, answer)
  })

/** Asks again about every hold of a contact, with the facts as they are now (rule trust.effect.2). */
export const reconsider = (opened: Opened, work: Conversations.Work, contact: Contact, now: number): void => {
  const record = TrustState.recordOf(opened.trust, contact.hex, work.batch)
  const next: Array<TrustRecords.Hold> = []
  if (record.holds.length === 0) return
  for (const hold of record.holds) {
    const event = eventOf(hold.event)
    if (event === undefined) continue
    const facts = factsOf(opened, contact, now, hold.pinned === 1, work.batch)
    const verdict = decide(opened.trust.policy, { event, account: contact.hex }, facts)
    if (!stopsSending(verdict.decision) && !stopsReceiving(verdict.decision)) continue
    const { decision, rule } = verdict
    const isSame = decisions[decision] === hold.decision && rule === hold.rule
    next.push(isSame ? hold : { ...hold, decision: decisions[decision], rule })
  }
  if (next.length === record.holds.length && next.every((hold, i) => hold === record.holds[i])) return
  TrustState.put(opened.trust, work.batch, contact.hex, { ...record, holds: next })
}

/**
 * What another own device says about a contact: verified, with its fingerprint of then (rule trust.verify.6). Part of a work that holds
 * the conversation. Answers whether that was news.
 */
export const fromOwnDevice = (
  opened: Opened,
  work: Conversations.Work,
  contact: Contact,
  print: Uint8Array,
  now: number
): boolean => {
  const record = TrustState.recordOf(opened.trust, contact.hex, work.batch)
  if (print.length !== 32 || record.verifiedAt > 0) return false
  const by = TrustRecords.ways["own-device"]
  TrustState.put(opened.trust, work.batch, contact.hex, { ...record, verifiedAt: now, by, print })
  reconsider(opened, work, contact, now)
  return true
}
