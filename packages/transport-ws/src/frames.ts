/**
 * Entry point `@tacit/transport-ws/frames`: what travels between client and relay.
 *
 * Spec: docs/spec/14-relay.md §14.1.
 * Portable, shared by the transport and the relay, and enough to write either in another program.
 */
export * from "./ErrorCode.ts"
export * from "./Frame.ts"
export * as Proof from "./Proof.ts"
