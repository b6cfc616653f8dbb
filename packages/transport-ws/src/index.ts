/**
 * Entry point of `@tacit/transport-ws` on Node: the `ws` package unless another constructor is provided.
 *
 * Spec: docs/spec/14-relay.md.
 */
import { makeLayer, makeLayerConfig, type TransportLayer } from "./Layer.ts"
import { openNode } from "./NodeWebSocket.ts"
import type { TransportOptions } from "./Options.ts"

export { type TransportLayer } from "./Layer.ts"
export { layerNode } from "./NodeWebSocket.ts"
export { config, InvalidAddress, type TransportOptions } from "./Options.ts"
export { layerGlobal, type OpenWebSocket, WebSocketConstructor, type WebSocketLike } from "./WebSocketConstructor.ts"

/** Transport, Directory and Slots of the relay at `options.url`. */
export const layer = (options: TransportOptions): TransportLayer => makeLayer(options, openNode)

/** The same, configured from the environment. */
export const layerConfig = makeLayerConfig(openNode)
