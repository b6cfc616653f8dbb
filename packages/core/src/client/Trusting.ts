/**
 * Policy, decisions and holds, for the application.
 *
 * Spec: docs/spec/24-trust.md §24.1, §24.3, §24.4.
 * Events are noted where they happen: client/Trust.ts.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { dryRun } from "../trust/Decide.ts"
import { decisionOf, eventOf } from "../trust/Event.ts"
import * as Policy from "../trust/Policy.ts"
import type { Contact as PublicContact } from "./Api.ts"
import { Batch, commit } from "./Commit.ts"
import { type ClientError, InvalidPolicy } from "./Errors.ts"
import * as Identity from "./Identity.ts"
import * as Background from "./internal/background.ts"
import * as Loading from "./Loading.ts"
import * as Meeting from "./Meeting.ts"
import type { Opened } from "./Opened.ts"
import * as Records from "./Records.ts"
import * as Trust from "./Trust.ts"
import type { DryRunDifference, LoggedDecision, TrustApi, TrustHold } from "./TrustApi.ts"
import * as TrustAside from "./TrustAside.ts"
import * as TrustRecords from "./TrustRecords.ts"
import * as TrustState from "./TrustState.ts"
import * as Verifying from "./Verifying.ts"

/** The operations on an opened client. */
export const make = (opened: Opened): TrustApi => {
  const { trust } = opened
  return {
    policy: Effect.sync(() => trust.policy),
    setPolicy: (policy) => setPolicy(opened, policy),
    log: log(opened),
    dryRun: (policy) => Effect.map(log(opened), (entries): ReadonlyArray<DryRunDifference> => dryRun(policy, entries)),
    holds: Effect.sync(() => holds(opened)),
    approve: (peer) =>
      Effect.flatMap(Verifying.find(opened, peer), ({ hex }) =>
        Effect.flatMap(Background.now, (now) => Verifying.change(opened, hex, (record) => approved(record, now)))
      ).pipe(Effect.catchTag("SafetyMismatch", (error) => Effect.die(error))),
    disapprove: (peer) =>
      Effect.flatMap(Verifying.find(opened, peer), ({ hex }) =>
        Verifying.change(opened, hex, (record) => ({ ...record, approvedAt: 0 }))
      ).pipe(Effect.catchTag("SafetyMismatch", (error) => Effect.die(error))),
    safety: (peer) => Verifying.safety(opened, peer),
    verify: (peer, evidence) => Verifying.verify(opened, peer, evidence),
    invite: (options) => Meeting.invite(opened, options),
    meet: (text) => Meeting.meet(opened, text),
    unverify: (peer) => Verifying.unverify(opened, peer)
  }
}

/** Rule trust.effect.2: approval lifts what was held until it came. */
const approved = (record: TrustRecords.Trust, now: number): TrustRecords.Trust => ({
  ...record,
  approvedAt: now,
  holds: record.holds.filter(({ decision }) => decisionOf(decision) !== "ask")
})

const setPolicy = Effect.fnUntraced(function* (opened: Opened, wanted: Policy.Policy | undefined) {
  const { crypto, store, trust } = opened
  const checked = Policy.check(wanted ?? Policy.standard)
  if (Result.isFailure(checked)) return yield* new InvalidPolicy({ problems: checked.failure })
  const policy = checked.success
  const batch = new Batch()
  if (wanted === undefined) batch.remove(Records.keys.trustPolicy, trust.policySlot)
  else {
    const json = Bytes.utf8Encode(Policy.format(policy))
    const record = TrustRecords.StoredPolicy.encode({ version: TrustRecords.written, json })
    batch.put(Records.keys.trustPolicy, record, trust.policySlot)
  }
  batch.applied(() => {
    trust.policy = policy
    trust.digest = TrustRecords.digestOf(crypto, policy)
  })
  yield* commit(store, batch)
  yield* settle(opened)
})

/** What opening a client does: the policy may be another one, and time has passed. */
export const settle = (opened: Opened): Effect.Effect<void, ClientError> =>
  Effect.andThen(reconsiderAll(opened), TrustAside.releaseAll(opened))

/** Asks again about everything that is held. */
const reconsiderAll = (opened: Opened): Effect.Effect<void, ClientError> =>
  Effect.forEach(
    [...opened.trust.entries].filter(([, { record }]) => record.holds.length > 0),
    ([account]) => Verifying.change(opened, account, (record) => record),
    { discard: true }
  )

const nameOf = (opened: Opened, account: string): string | undefined => opened.contacts.get(account)?.record.user

const log = Effect.fnUntraced(function* (opened: Opened) {
  const entries: Array<LoggedDecision> = []
  for (const { key, value } of yield* Loading.scanAll(opened.store, "trust-log/")) {
    const record = yield* Records.read(TrustRecords.Log, key, value)
    const account = Bytes.toHex(record.account)
    entries.push({
      at: record.at,
      event: eventOf(record.event)!,
      user: nameOf(opened, account),
      account,
      device: Bytes.toHex(record.device),
      from: record.from,
      to: record.to,
      facts: {
        verified: (record.facts & 1) > 0,
        pinned: (record.facts & 2) > 0,
        vouched: (record.facts & 4) > 0,
        approved: (record.facts & 8) > 0,
        ageMs: record.ageMs
      },
      decision: decisionOf(record.decision)!,
      rule: record.rule,
      policy: record.name
    })
  }
  return entries
}) as (opened: Opened) => Effect.Effect<ReadonlyArray<LoggedDecision>, ClientError>

const holds = (opened: Opened): ReadonlyArray<TrustHold> =>
  [...opened.trust.entries].flatMap(([account, { record }]) =>
    record.holds.map((hold) => ({
      user: nameOf(opened, account),
      account,
      event: eventOf(hold.event)!,
      device: Bytes.toHex(hold.device),
      decision: decisionOf(hold.decision)!,
      rule: hold.rule,
      at: hold.at
    }))
  )

/** A contact as the application sees it, with what it has earned. */
export const describe = (opened: Opened, contact: Omit<PublicContact, "verified" | "approved">): PublicContact => {
  const { approvedAt, verifiedAt } = TrustState.recordOf(opened.trust, contact.account)
  return { ...contact, verified: verifiedAt > 0, approved: approvedAt > 0 }
}

/** What the policy says about a changed identity is done (rule trust.effect.4). Answers whether it was accepted. */
export const settleIdentity = Effect.fnUntraced(function* (opened: Opened, pinned: string) {
  const contact = opened.contacts.get(pinned)
  const { offered, user } = contact?.record ?? {}
  if (contact === undefined || offered === undefined || user === undefined) return false
  const { decision } = Trust.aboutIdentity(opened, contact, yield* Background.now)
  if (decision !== "allow" && decision !== "warn") return false
  yield* Identity.accept(opened, user, offered)
  return true
})
