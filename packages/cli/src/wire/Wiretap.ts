/**
 * Somebody on the wire: passes TCP connections on to a relay, sees every frame, and can drop, change and add some.
 *
 * Spec: docs/spec/14-relay.md §14.1; docs/threat-model.md.
 * For demonstrations and tests. It knows no keys: all it has are the bytes of plain `ws:` connections, which is what a hostile
 * relay or a broken TLS would give.
 */
import { type ClientFrame, decodeClient, decodeRelay, type RelayFrame } from "@tacit/transport-ws/frames"
import * as Result from "effect/Result"
import { connect, createServer, type AddressInfo, type Socket } from "node:net"
import * as WebSocketFrames from "./WebSocketFrames.ts"

/** `up` is towards the relay. */
export type Direction = "up" | "down"

/** A frame on its way. `connection` counts from 1. */
export interface Sighting {
  readonly connection: number
  readonly direction: Direction
  readonly frame: ClientFrame | RelayFrame
  readonly payload: Uint8Array
}

/** What becomes of a frame: it passes, it vanishes, or other bytes take its place. */
export type Verdict = "pass" | "drop" | Uint8Array

export interface Wiretap {
  /** `ws://127.0.0.1:<port>`: what clients take for the relay. */
  readonly url: string
  readonly port: number
  /** Decides about every frame from now on; the last one set counts. */
  readonly obey: (rule: (sighting: Sighting) => Verdict) => void
  /** Adds a message to a connection, as if its other end had sent it. `false` when the connection is gone. */
  readonly inject: (connection: number, direction: Direction, payload: Uint8Array) => boolean
  /** WebSocket messages that could not be read: compressed, in fragments, or no frame of the protocol. */
  readonly unread: () => number
  readonly close: () => Promise<void>
}

export interface WiretapOptions {
  readonly relayPort: number
  readonly relayHost?: string
  /** 0 or absent: any free port. */
  readonly port?: number
}

interface Line {
  readonly client: Socket
  readonly relay: Socket
}

/** Listens on loopback. */
export const open = (options: WiretapOptions): Promise<Wiretap> => {
  const lines = new Map<number, Line>()
  let rule: (sighting: Sighting) => Verdict = () => "pass"
  let unread = 0
  let count = 0
  const server = createServer({ noDelay: true }, (client) => {
    const connection = ++count
    const relay = connect({ port: options.relayPort, host: options.relayHost ?? "127.0.0.1", noDelay: true })
    lines.set(connection, { client, relay })
    const judge =
      (direction: Direction) =>
      (payload: Uint8Array): Verdict => {
        const frame = Result.getOrUndefined<ClientFrame | RelayFrame, unknown>(
          direction === "up" ? decodeClient(payload) : decodeRelay(payload)
        )
        if (frame === undefined) {
          unread++
          return "pass"
        }
        return rule({ connection, direction, frame, payload })
      }
    const miss = () => void unread++
    client.on("data", passer(relay, judge("up"), miss))
    relay.on("data", passer(client, judge("down"), miss))
    const end = () => {
      lines.delete(connection)
      client.destroy()
      relay.destroy()
    }
    for (const socket of [client, relay]) socket.on("error", end).on("close", end)
  })
  return new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(options.port ?? 0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      resolve({
        url: `ws://127.0.0.1:${port}`,
        port,
        obey: (next) => {
          rule = next
        },
        inject: (connection, direction, payload) => {
          const line = lines.get(connection)
          if (line === undefined) return false
          const up = direction === "up"
          const to = up ? line.relay : line.client
          to.write(WebSocketFrames.write(payload, up))
          return true
        },
        unread: () => unread,
        close: () =>
          new Promise((closed) => {
            for (const { client, relay } of lines.values()) {
              client.destroy()
              relay.destroy()
            }
            server.close(() => closed())
          })
      })
    })
  })
}

const headEnd = Buffer.from("\r\n\r\n")

/** Passes one direction on: the HTTP head as it is, then frame by frame. */
const passer = (to: Socket, judge: (payload: Uint8Array) => Verdict, miss: () => void) => {
  let pending: Buffer = Buffer.alloc(0)
  let inHead = true
  return (chunk: Buffer): void => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    if (inHead) {
      const end = pending.indexOf(headEnd)
      if (end < 0) return
      to.write(pending.subarray(0, end + headEnd.length))
      pending = pending.subarray(end + headEnd.length)
      inHead = false
    }
    for (;;) {
      const frame = WebSocketFrames.read(pending)
      if (frame === undefined) return
      pending = pending.subarray(frame.raw.length)
      const whole = frame.final && !frame.compressed && frame.opcode === WebSocketFrames.binary
      if (!whole && frame.opcode <= WebSocketFrames.binary) miss()
      const verdict = whole ? judge(frame.payload) : "pass"
      if (verdict === "pass") to.write(frame.raw)
      else if (verdict !== "drop") to.write(WebSocketFrames.write(verdict, frame.masked))
    }
  }
}
