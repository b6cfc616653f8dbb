/**
 * WebSockets of the `ws` package, for Node.
 *
 * Spec: docs/spec/14-relay.md rule relay.frame.1.
 * The only file here that imports `ws`; browsers never load it.
 */
import * as Layer from "effect/Layer"
import { WebSocket } from "ws"
import { maxFrameBytes } from "./Frame.ts"
import { type OpenWebSocket, WebSocketConstructor, type WebSocketLike } from "./WebSocketConstructor.ts"

/** Without compression, and refusing a message longer than a frame before it is read. */
export const openNode: OpenWebSocket = (url, subprotocol) =>
  new WebSocket(url, subprotocol, {
    perMessageDeflate: false,
    maxPayload: maxFrameBytes,
    skipUTF8Validation: true
    // Its listeners are declared one event at a time, which no single signature covers.
  }) as unknown as WebSocketLike

/** Takes `ws`. */
export const layerNode: Layer.Layer<never> = Layer.succeed(WebSocketConstructor, openNode)
