/**
 * Entry point `@tacit/transport-ws/carrier`: the transport over anything that carries its frames as a WebSocket would.
 *
 * Spec: docs/spec/14-relay.md rules relay.frame.1–4.
 * For authors of transports: a carrier keeps the order, loses nothing without closing, and tells messages apart.
 */
export { layerOver, type Ports, type TransportLayer } from "./Layer.ts"
export { InvalidAddress, type Patience } from "./Options.ts"
export type { OpenWebSocket, WebSocketEvent, WebSocketLike } from "./WebSocketConstructor.ts"
