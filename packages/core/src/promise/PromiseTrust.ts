/**
 * Trust for programs that do not use Effect.
 *
 * Spec: docs/spec/24-trust.md.
 * Each member interprets exactly one Effect of the client service and adds nothing.
 */
import type * as Effect from "effect/Effect"
import type * as Api from "../client/Api.ts"
import type * as TrustApi from "../client/TrustApi.ts"
import type { Policy } from "../trust/Policy.ts"

/** For calls that can be given up. */
interface CallOptions {
  readonly signal?: AbortSignal
}

/** {@link TrustApi.TrustApi} with promises. */
export interface PromiseTrust {
  policy(options?: CallOptions): Promise<Policy>
  setPolicy(policy: Policy | undefined, options?: CallOptions): Promise<void>
  log(options?: CallOptions): Promise<ReadonlyArray<TrustApi.LoggedDecision>>
  dryRun(policy: Policy, options?: CallOptions): Promise<ReadonlyArray<TrustApi.DryRunDifference>>
  holds(options?: CallOptions): Promise<ReadonlyArray<TrustApi.TrustHold>>
  approve(peer: Api.Peer, options?: CallOptions): Promise<void>
  disapprove(peer: Api.Peer, options?: CallOptions): Promise<void>
  safety(peer: Api.Peer, options?: CallOptions): Promise<TrustApi.Safety>
  verify(peer: Api.Peer, evidence: TrustApi.Evidence, options?: CallOptions): Promise<TrustApi.Verified>
  unverify(peer: Api.Peer, options?: CallOptions): Promise<void>
  invite(options: TrustApi.InviteContactOptions & CallOptions): Promise<TrustApi.ContactInvitation>
  meet(invitation: string, options?: CallOptions): Promise<TrustApi.Met>
}

/** The operations, run by `run`. */
export const make = (
  trust: TrustApi.TrustApi,
  run: <A, E>(effect: Effect.Effect<A, E>, call?: CallOptions) => Promise<A>
): PromiseTrust => ({
  policy: (call) => run(trust.policy, call),
  setPolicy: (policy, call) => run(trust.setPolicy(policy), call),
  log: (call) => run(trust.log, call),
  dryRun: (policy, call) => run(trust.dryRun(policy), call),
  holds: (call) => run(trust.holds, call),
  approve: (peer, call) => run(trust.approve(peer), call),
  disapprove: (peer, call) => run(trust.disapprove(peer), call),
  safety: (peer, call) => run(trust.safety(peer), call),
  verify: (peer, evidence, call) => run(trust.verify(peer, evidence), call),
  unverify: (peer, call) => run(trust.unverify(peer), call),
  invite: (options) => run(trust.invite(options), options),
  meet: (invitation, call) => run(trust.meet(invitation), call)
})
