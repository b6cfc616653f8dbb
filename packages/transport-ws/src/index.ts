/**
 * Entry point of `@tacit/transport-ws` on Node: the `ws` package unless another constructor is provided.
 *
 * Spec: docs/spec/14-relay.md.
 */
import { makeLayer, makeLayerConfig, type RelayLayer } from "./Layer.ts"
import { openNode } from "./NodeWebSocket.ts"
import type { TransportOptions } from "./Options.ts"

export { type AttachmentOptions, layer as layerAttachments } from "./attachments/HttpStore.ts"
export { type Ports, type RelayLayer, type TransportLayer } from "./Layer.ts"
export { layerNode } from "./NodeWebSocket.ts"
export { config, InvalidAddress, type TransportOptions } from "./Options.ts"
export { layerGlobal, type OpenWebSocket, WebSocketConstructor, type WebSocketLike } from "./WebSocketConstructor.ts"

/** Transport, Directory, Slots and files of the relay at `options.url`. */
export const layer = (options: TransportOptions): RelayLayer => makeLayer(options, openNode)

/** The same, configured from the environment. */
export const layerConfig = makeLayerConfig(openNode)
