/**
 * Entry point of `@tacit/transport-ws` outside Node: the platform's own WebSocket.
 *
 * Spec: docs/spec/14-relay.md.
 */
import { makeLayer, makeLayerConfig, type RelayLayer } from "./Layer.ts"
import type { TransportOptions } from "./Options.ts"
import { openGlobal } from "./WebSocketConstructor.ts"

export { type AttachmentOptions, layer as layerAttachments } from "./attachments/HttpStore.ts"
export { type Ports, type RelayLayer, type TransportLayer } from "./Layer.ts"
export { config, InvalidAddress, type TransportOptions } from "./Options.ts"
export { layerGlobal, type OpenWebSocket, WebSocketConstructor, type WebSocketLike } from "./WebSocketConstructor.ts"

/** Transport, Directory, Slots and files of the relay at `options.url`. */
export const layer = (options: TransportOptions): RelayLayer => makeLayer(options, openGlobal)

/** The same, configured from the environment. */
export const layerConfig = makeLayerConfig(openGlobal)
