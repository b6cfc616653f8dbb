/** A relay that answers as a test says: for what a real one never does. */
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { decodeClient, encodeRelay, type ClientFrame, type RelayFrame } from "@tacit/transport-ws/frames"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { WebSocketServer, type WebSocket } from "ws"

export interface Seen {
  /** Counts from 1. */
  readonly connection: number
  readonly frame: ClientFrame
}

/** What becomes of a frame: an answer, bytes or text as they are, or nothing. */
export type Answer = RelayFrame | Uint8Array | string | undefined

export interface FakeRelay {
  readonly url: string
  readonly seen: ReadonlyArray<Seen>
  readonly sockets: () => ReadonlyArray<WebSocket>
  readonly send: (connection: number, answer: Answer) => void
  /** Takes over from the default answers. */
  answer: (seen: Seen) => Answer
}

/** The answers of a relay on which everything succeeds. */
export const usual = ({ frame }: Seen, name = "fake"): Answer => {
  const { request } = frame
  switch (frame.type) {
    case 1:
      return { type: 2, request, relay: name, challenge: new Uint8Array(32), now: 1, limits: { unknown: [] } }
    case 5:
    case 7:
      return { type: 6, request, waiting: 0, oneTime: 0, oneTimeKem: 0, signedPrekeyId: 0 }
    case 14:
      return { type: 15, request }
    case 10:
    case 18:
      return { type: 11, request, account: new Uint8Array(32), manifests: [] }
    case 12:
      return { type: 13, request, bundle: Uint8Array.of(1) }
    case 19:
      return undefined
    default:
      return { type: 4, request }
  }
}

export const make = Effect.gen(function* () {
  const server = yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const made = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "tacit.1" })
      await once(made, "listening")
      return made
    }),
    (running) =>
      Effect.sync(() => {
        for (const client of running.clients) client.terminate()
        running.close()
      })
  )
  const seen: Array<Seen> = []
  const sockets: Array<WebSocket> = []
  const relay: FakeRelay = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    sockets: () => sockets,
    answer: usual,
    send: (connection, answer) => {
      if (answer === undefined) return
      const isRaw = typeof answer === "string" || answer instanceof Uint8Array
      sockets[connection - 1]!.send(isRaw ? answer : encodeRelay(answer))
    }
  }
  server.on("connection", (socket) => {
    const connection = sockets.push(socket)
    socket.on("message", (data: Buffer) => {
      const frame = Result.getOrThrow(decodeClient(data))
      seen.push({ connection, frame })
      relay.send(connection, relay.answer({ connection, frame }))
    })
  })
  return relay
}) satisfies Effect.Effect<FakeRelay, never, Scope.Scope>
