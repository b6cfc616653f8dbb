/**
 * Events of trust, the facts about them, and what may be decided.
 *
 * Spec: docs/spec/24-trust.md §24.2, §24.3.
 * Names and numbers only; decides nothing.
 */

/** Everything that may be decided, with its number in records. */
export const decisions = {
  allow: 1,
  warn: 2,
  "block-sending": 3,
  "block-receiving": 4,
  block: 5,
  ask: 6
} as const
export type Decision = keyof typeof decisions

const all = Object.keys(decisions) as ReadonlyArray<Decision>

/** Every event with its number in records and the decisions that fit it (rule trust.event.1). */
export const events = {
  "first-contact": { number: 1, fits: all },
  "identity-changed": { number: 2, fits: ["allow", "warn", "block", "ask"] },
  "device-added": { number: 3, fits: all },
  "device-removed": { number: 4, fits: all },
  "manifest-forked": { number: 5, fits: all },
  "manifest-rolled-back": { number: 6, fits: all },
  "suite-downgraded": { number: 7, fits: all },
  "feature-downgraded": { number: 8, fits: all },
  sending: { number: 9, fits: ["allow", "warn", "block-sending", "ask"] },
  receiving: { number: 10, fits: ["allow", "warn", "block-receiving", "ask"] }
} as const satisfies Readonly<Record<string, { readonly number: number; readonly fits: ReadonlyArray<Decision> }>>
export type EventName = keyof typeof events

/** Every event, in the order of the spec. */
export const eventNames = Object.keys(events) as ReadonlyArray<EventName>

/** Whether a decision fits an event. */
export const fits = (event: EventName, decision: Decision): boolean => {
  const fitting: ReadonlyArray<Decision> = events[event].fits
  return fitting.includes(decision)
}

/** The event with this number in records. */
export const eventOf = (number: number): EventName | undefined =>
  eventNames.find((name) => events[name].number === number)

/** The decision with this number in records. */
export const decisionOf = (number: number): Decision | undefined => all.find((name) => decisions[name] === number)

/** What happened, and with whom. `account` is 64 lower-case hexadecimal digits. */
export interface Event {
  readonly event: EventName
  readonly account: string
}

/** What is known about the contact before the event (rule trust.fact.1). */
export interface Facts {
  readonly verified: boolean
  readonly pinned: boolean
  readonly vouched: boolean
  /** Approved by hand. The policy's own list is added by the decision. */
  readonly approved: boolean
  /** Since the first contact, ms. */
  readonly ageMs: number
}

/** Facts a rule may ask for. */
export const conditions = ["verified", "pinned", "vouched", "approved", "grace"] as const
export type Condition = (typeof conditions)[number]

/** Whether a decision stops what the application sends to the contact. */
export const stopsSending = (decision: Decision): boolean =>
  decision === "block-sending" || decision === "block" || decision === "ask"

/** Whether a decision sets the contact's messages aside. */
export const stopsReceiving = (decision: Decision): boolean =>
  decision === "block-receiving" || decision === "block" || decision === "ask"

/** Whether a decision that stops something makes a hold (rule trust.effect.3). */
export const holds = (event: EventName, decision: Decision): boolean =>
  event !== "sending" && event !== "receiving" && (stopsSending(decision) || stopsReceiving(decision))
