/**
 * Entry point `@tacit/relay`: the messaging server.
 *
 * Spec: docs/spec/14-relay.md.
 */
export type { RelaySaw, SeenSubmission, SeenTraffic } from "./Observation.ts"
export { config, defaultLimits, type RelayLimits, type RelayOptions, type ServiceOptions } from "./Options.ts"
export { makeRelay, Relay, type RelayHandle } from "./Relay.ts"
export type { ServiceHandle } from "./Service.ts"
export { makeSteward, Steward, type StewardHandle, type StewardOptions } from "./steward/Steward.ts"
export {
  type AccountToken,
  type Issuer,
  parseIssuers,
  userOf as userOfToken,
  verify as verifyAccountToken
} from "./AccountToken.ts"
export * as Entitlements from "./Entitlement.ts"
export { CannotRemove, InvalidUser, RelayError, RemovedUser } from "./RelayError.ts"
export type { ListedDevice, ListedUser, RemovedByAdministrator } from "./Removals.ts"
export { issueInvitation, listUsers, removeUser } from "./Administration.ts"
export { startRelay, startSteward, type RunningRelay, type RunningSteward } from "./Promise.ts"
export { untilSignal } from "./Signal.ts"
