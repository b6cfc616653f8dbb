/**
 * Where WebSockets come from: the platform's own, the `ws` package on Node, or a test's.
 *
 * Spec: docs/spec/14-relay.md rule relay.frame.1.
 * Names no platform: `layerNode` is in NodeWebSocket.ts.
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"

/** What the transport reads of an event: `data` of a message, `code` of a close. */
export interface WebSocketEvent {
  readonly data?: unknown
  readonly code?: number
}

/** The part of a WebSocket the transport uses; the platform's and `ws`'s fit as they are. */
export interface WebSocketLike {
  binaryType: string
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number
  /** Bytes handed to `send` that have not left yet. */
  readonly bufferedAmount: number
  readonly send: (data: Uint8Array<ArrayBuffer>) => void
  readonly close: (code?: number, reason?: string) => void
  /** Cuts the connection without a closing handshake, where the platform can. */
  readonly terminate?: () => void
  readonly addEventListener: (
    type: "open" | "message" | "close" | "error",
    listener: (event: WebSocketEvent) => void
  ) => void
}

/** Opens a connection; throws for an address it does not like. */
export type OpenWebSocket = (url: string, subprotocol: string) => WebSocketLike

/** Overrides how WebSockets are opened. Absent: `ws` on Node, the global `WebSocket` elsewhere. */
export const WebSocketConstructor = Context.Reference<OpenWebSocket | undefined>(
  "@tacit/transport-ws/WebSocketConstructor",
  { defaultValue: () => undefined }
)

/** The global `WebSocket` of browsers, workers, Deno, Bun and Node. */
export const openGlobal: OpenWebSocket = (url, subprotocol) => {
  const { WebSocket } = globalThis as unknown as {
    readonly WebSocket: new (url: string, subprotocol: string) => WebSocketLike
  }
  return new WebSocket(url, subprotocol)
}

/** Takes the global `WebSocket`, on Node too. */
export const layerGlobal: Layer.Layer<never> = Layer.succeed(WebSocketConstructor, openGlobal)
