/**
 * Entry point `@tacit/relay`: the messaging server.
 *
 * Spec: docs/spec/14-relay.md.
 */
export type { RelaySaw, SeenSubmission, SeenTraffic } from "./Observation.ts"
export { config, defaultLimits, type RelayLimits, type RelayOptions } from "./Options.ts"
export { makeRelay, Relay, type RelayHandle } from "./Relay.ts"
export { InvalidUser, RelayError } from "./RelayError.ts"
export { issueInvitation } from "./Administration.ts"
export { startRelay, type RunningRelay } from "./Promise.ts"
export { untilSignal } from "./Signal.ts"
