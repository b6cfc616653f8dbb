/**
 * What a contact's trust allows: whether the application may send to it, whether its messages are shown, and what is held until when.
 *
 * Spec: docs/spec/24-trust.md §24.3, rules trust.effect.2 to trust.effect.6; §24.4, rule trust.log.1.
 * Changes works and commits nothing, but for {@link maySend}. Events are noted in client/Trust.ts.
 */
import * as Effect from "effect/Effect"
import * as Bytes from "../base/Bytes.ts"
import { decide, type Remedy, remedyOf, stops, type Verdict } from "../trust/Decide.ts"
import {
  decisionOf,
  decisions,
  type EventName,
  eventOf,
  events,
  type Facts,
  stopsReceiving,
  stopsSending
} from "../trust/Event.ts"
import * as Conversations from "./Conversations.ts"
import { type ClientError, TrustRefused } from "./Errors.ts"
import * as Background from "./internal/background.ts"
import type { Contact, Opened } from "./Opened.ts"
import { bitsOf, factsOf, isOwn, log, warn } from "./Trust.ts"
import type * as TrustRecords from "./TrustRecords.ts"
import * as TrustState from "./TrustState.ts"

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
