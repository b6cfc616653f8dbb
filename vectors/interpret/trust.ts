/**
 * F24: trust policies and what they decide.
 *
 * Spec: docs/spec/24-trust.md.
 * Vectors: vectors/trust.
 */
import { TrustDecide, TrustEvent, TrustPolicy } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { ok, reject, type Operation } from "./outcome.ts"
import { hex } from "./values.ts"

export const operations: { readonly [op: string]: Operation } = {
  "trust.policy": (_, input) => {
    const read = TrustPolicy.parse(input.text("policy"))
    return Result.isFailure(read) ? reject("trust.policy") : ok({ name: read.success.name })
  },
  "trust.decide": (_, input) => {
    const read = TrustPolicy.parse(input.text("policy"))
    if (Result.isFailure(read)) return reject("trust.policy")
    const event = TrustEvent.eventNames.find((name) => name === input.text("event"))
    if (event === undefined) throw new Error("no such event")
    const flag = (name: string): boolean => input.json(name) === true
    const { decision, rule } = TrustDecide.decide(
      read.success,
      { event, account: hex(input.bytes("account")) },
      {
        verified: flag("verified"),
        pinned: flag("pinned"),
        vouched: flag("vouched"),
        approved: flag("approved"),
        ageMs: input.number("ageMs")
      }
    )
    return ok({ decision, rule })
  }
}
