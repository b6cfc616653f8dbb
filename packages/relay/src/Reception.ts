/**
 * Everybody who is connected, whatever carries their frames: decoding, the line to the commit, heartbeats, and the end.
 *
 * Spec: docs/spec/14-relay.md rules relay.frame.2, relay.frame.4, relay.heartbeat.1, relay.shutdown.1.
 * Hands decoded frames on and answers back; decides nothing about them. Opens no sockets.
 */
import { CloseCode, decodeClient, type ClientFrame } from "@tacit/transport-ws/frames"
import * as Result from "effect/Result"
import { Connection, type ConnectionEnvironment, type FrameSocket } from "./Connection.ts"
import type { GroupCommit } from "./GroupCommit.ts"
import { costOf, type Handler, type Outcome, weightOf } from "./Handler.ts"
import type { RelayMetrics } from "./Metrics.ts"
import { frame as refusalFrame, isRefusal, refuse, type Refusal } from "./Refusal.ts"

/** What a carrier tells about one of its connections. */
export interface Guest {
  /** A message of bytes. */
  readonly receive: (bytes: Uint8Array) => void
  /** Anything else that shows life. */
  readonly heard: () => void
  /** It sent what no client sends; it is closed. */
  readonly misbehaved: (reason: string) => void
  /** The carrier found a fault. */
  readonly failed: () => void
  /** The connection is gone. */
  readonly gone: () => void
}

export interface Reception {
  readonly admit: (socket: FrameSocket) => Guest
  readonly connections: () => number
  readonly isFull: () => boolean
  readonly checkHeartbeats: () => void
  /** Answers what is here, tells everybody, and waits a while for them to go. */
  readonly close: () => Promise<void>
}

export interface ReceptionOptions {
  readonly now: () => number
  readonly handler: Handler
  readonly commit: GroupCommit
  readonly metrics: RelayMetrics
  readonly environment: ConnectionEnvironment
}

/** Name of a frame type for metrics, from a closed list. */
const typeNames: { readonly [T in ClientFrame["type"]]: string } = {
  1: "hello",
  3: "register",
  5: "login",
  7: "publish-prekeys",
  8: "publish-manifest",
  9: "set-token",
  10: "look-up",
  12: "fetch-bundle",
  14: "submit",
  17: "acknowledge",
  18: "fetch-manifests",
  19: "ready",
  20: "ping",
  21: "open-slot",
  22: "join-slot",
  23: "post-blob",
  25: "close-slot",
  26: "issue-password",
  30: "fetch-pass",
  32: "present-pass",
  33: "fetch-grant"
}

/** Memory a frame takes beside its bytes while it waits. */
const workBytes = 512

export const makeReception = (options: ReceptionOptions): Reception => {
  const { commit, environment, handler, metrics } = options
  const { limits } = environment
  const connections = new Set<Connection>()
  let closing = false

  const refuseFrame = (connection: Connection, request: number, refusal: Refusal): void => {
    metrics.refusals.add(refusal.code)
    connection.send(refusalFrame(request, refusal))
  }

  const settle = (connection: Connection, request: number, outcome: Outcome | Refusal): void => {
    if (isRefusal(outcome)) return refuseFrame(connection, request, outcome)
    if (outcome.answer !== undefined) connection.send(outcome.answer)
    outcome.after?.()
  }

  /** Everything a client sends goes through the queue, so that answers keep the order of the questions. */
  const enqueue = (
    connection: Connection,
    request: number,
    size: number,
    weight: number,
    run: () => Outcome | Refusal
  ): void => {
    const held = size + workBytes
    connection.enter(held, weight, () =>
      commit.push({
        run,
        committed: (outcome) => {
          settle(connection, request, outcome)
          connection.leave(held, weight)
        },
        failed: () => {
          refuseFrame(connection, request, refuse("internal"))
          connection.leave(held, weight)
          // What it believes about its login may not have been stored.
          handler.forget(connection)
          connection.close(CloseCode.goingAway, "storage failed")
        }
      })
    )
  }

  const receive = (connection: Connection, bytes: Uint8Array): void => {
    connection.heard()
    const decoded = decodeClient(bytes)
    if (Result.isFailure(decoded)) {
      const { failure } = decoded
      if (failure._tag === "UnknownFrame") {
        return enqueue(connection, failure.request, bytes.length, 1, () => refuse("unknown-frame"))
      }
      refuseFrame(connection, 0, refuse("bad-frame"))
      if (connection.isBadFrameTooMany()) close(connection, CloseCode.misbehaved, "bad frames")
      return
    }
    const frame = decoded.success
    const wait = closing ? 0 : connection.work.take(options.now(), costOf(frame))
    enqueue(connection, frame.request, bytes.length, weightOf(frame), () => {
      metrics.frames.add(typeNames[frame.type])
      if (closing) return refuse("going-away")
      return wait > 0 ? refuse("rate-limited", wait) : handler.handle(connection, frame)
    })
  }

  const close = (connection: Connection, code: number, reason: string): void => {
    metrics.closed.add(reason)
    handler.forget(connection)
    connection.close(code, reason)
  }

  return {
    admit: (socket) => {
      const connection = new Connection(socket, environment)
      connections.add(connection)
      metrics.connections.add()
      return {
        receive: (bytes) => {
          if (connection.isOpen) receive(connection, bytes)
        },
        heard: () => connection.heard(),
        misbehaved: (reason) => {
          if (connection.isOpen) close(connection, CloseCode.misbehaved, reason)
        },
        failed: () => metrics.closed.add("protocol error"),
        gone: () => {
          connections.delete(connection)
          connection.ended()
          handler.forget(connection)
        }
      }
    },
    connections: () => connections.size,
    isFull: () => closing || connections.size >= limits.connections,
    checkHeartbeats: () => {
      const now = performance.now()
      for (const connection of connections) if (connection.checkHeartbeat(now)) metrics.closed.add("silent")
    },
    close: async () => {
      // Frames that are here are answered; those still on the way get `going-away`.
      commit.flush()
      closing = true
      for (const connection of connections) {
        connection.send(refusalFrame(0, refuse("going-away", 1_000)))
        close(connection, CloseCode.goingAway, "going away")
      }
      const deadline = performance.now() + limits.shutdownMs
      while (connections.size > 0 && performance.now() < deadline) await sleep(10)
      for (const connection of connections) connection.terminate()
      commit.flush()
    }
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
