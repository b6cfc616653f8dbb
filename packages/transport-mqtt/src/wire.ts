/**
 * Entry point `@tacit/transport-mqtt/wire`: what travels between clients, broker and steward, and the steward's end of it.
 *
 * Spec: docs/spec/18-mqtt.md.
 * Shared by the transport and the steward, and enough to write either in another program.
 */
export * as Address from "./Address.ts"
export * as BrokerLink from "./BrokerLink.ts"
export * as Card from "./Card.ts"
export * as Channel from "./Channel.ts"
export * as Handshake from "./Handshake.ts"
export * as Host from "./Host.ts"
export * as Kept from "./Kept.ts"
export * as Opener from "./Opener.ts"
export * as Topics from "./Topics.ts"
export { Tunnel, type Outlet, type TunnelOptions } from "./Tunnel.ts"
