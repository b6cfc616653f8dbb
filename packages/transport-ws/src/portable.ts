/**
 * Entry point of `@tacit/transport-ws` outside Node: the platform's own WebSocket.
 *
 * Spec: docs/spec/14-relay.md.
 */
import { makeLayer, makeLayerConfig, type TransportLayer } from "./Layer.ts"
import type { TransportOptions } from "./Options.ts"
import { openGlobal } from "./WebSocketConstructor.ts"

export { type TransportLayer } from "./Layer.ts"
export { config, InvalidAddress, type TransportOptions } from "./Options.ts"
export { layerGlobal, type OpenWebSocket, WebSocketConstructor, type WebSocketLike } from "./WebSocketConstructor.ts"

/** Transport, Directory and Slots of the relay at `options.url`. */
export const layer = (options: TransportOptions): TransportLayer => makeLayer(options, openGlobal)

/** The same, configured from the environment. */
export const layerConfig = makeLayerConfig(openGlobal)
