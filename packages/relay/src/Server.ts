/**
 * The listening side: HTTP for health and metrics, WebSocket for everything else.
 *
 * Spec: docs/spec/14-relay.md rules relay.frame.1–2, relay.shutdown.1, relay.heartbeat.1, relay.http.1.
 * Hands decoded frames on and answers back; decides nothing about them.
 */
import { createServer, type IncomingMessage, type Server as HttpServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { Duplex } from "node:stream"
import { CloseCode, decodeClient, maxFrameBytes, path, subprotocol, type ClientFrame } from "@tacit/transport-ws/frames"
import * as Result from "effect/Result"
import { WebSocketServer, type RawData, type WebSocket } from "ws"
import { Connection, type ConnectionEnvironment } from "./Connection.ts"
import type { GroupCommit } from "./GroupCommit.ts"
import { costOf, type Handler, type Outcome, weightOf } from "./Handler.ts"
import type { RelayMetrics } from "./Metrics.ts"
import { frame as refusalFrame, isRefusal, refuse, type Refusal } from "./Refusal.ts"

export interface Server {
  readonly port: number
  /** Stops accepting, tells everybody, finishes what has begun, closes. */
  readonly close: () => Promise<void>
  readonly checkHeartbeats: () => void
  readonly connections: () => number
}

export interface ServerOptions {
  readonly host: string
  readonly port: number
  readonly now: () => number
  readonly handler: Handler
  readonly commit: GroupCommit
  readonly metrics: RelayMetrics
  readonly environment: ConnectionEnvironment
  readonly metricsText: () => string
  readonly isHealthy: () => boolean
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
  20: "ping"
}

const bytesOf = (data: RawData): Uint8Array =>
  Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? new Uint8Array(data) : data

/** Memory a frame takes beside its bytes while it waits. */
const workBytes = 512

/** HTTP connections beside the WebSockets. */
const httpConnections = 64

/** Listens; rejects when the address cannot be had. */
export const listen = (options: ServerOptions): Promise<Server> => {
  const { commit, environment, handler, metrics } = options
  const { limits } = environment
  const connections = new Map<Connection, WebSocket>()
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

  const accept = (socket: WebSocket): void => {
    const connection = new Connection(socket, environment)
    connections.set(connection, socket)
    metrics.connections.add()
    socket.on("message", (data, isBinary) => {
      if (!connection.isOpen) return
      if (isBinary) receive(connection, bytesOf(data))
      else close(connection, CloseCode.misbehaved, "text message")
    })
    socket.on("pong", () => connection.heard())
    socket.on("ping", () => connection.heard())
    // Broken framing and oversize end in `close` as well; ws has already sent the fitting code.
    socket.on("error", () => metrics.closed.add("protocol error"))
    socket.on("close", () => {
      connections.delete(connection)
      connection.ended()
      handler.forget(connection)
    })
  }

  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxFrameBytes,
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols: () => subprotocol
  })

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((text) => text.trim())
    const pathname = (request.url ?? "").split("?")[0]
    const status =
      pathname !== path
        ? "404 Not Found"
        : !offered.includes(subprotocol)
          ? "400 Bad Request"
          : closing || connections.size >= limits.connections
            ? "503 Service Unavailable"
            : undefined
    socket.on("error", () => socket.destroy())
    if (status === undefined) return webSockets.handleUpgrade(request, socket, head, accept)
    // No timeout of HTTP watches a socket that asked for an upgrade.
    socket.once("finish", () => socket.destroy())
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  }

  const http = createServer(
    { headersTimeout: 10_000, requestTimeout: 10_000, keepAliveTimeout: 5_000 },
    (request, response) => {
      const answer = (status: number, type: string, body: string): void => {
        response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body)
      }
      const pathname = (request.url ?? "").split("?")[0]
      if (request.method === "GET" && pathname === "/health") {
        const ok = !closing && options.isHealthy()
        return answer(ok ? 200 : 503, "application/json", JSON.stringify({ status: ok ? "ok" : "unavailable" }))
      }
      if (request.method === "GET" && pathname === "/metrics") {
        return answer(200, "text/plain; version=0.0.4; charset=utf-8", options.metricsText())
      }
      return answer(404, "text/plain", "")
    }
  )
  http.maxConnections = limits.connections + httpConnections
  http.on("upgrade", upgrade)
  http.on("clientError", (_, socket) => socket.destroy())

  const closeAll = async (): Promise<void> => {
    // Frames that are here are answered; those still on the way get `going-away`.
    commit.flush()
    closing = true
    const stopped = new Promise<void>((resolve) => http.close(() => resolve()))
    http.closeIdleConnections()
    for (const [connection] of connections) {
      connection.send(refusalFrame(0, refuse("going-away", 1_000)))
      close(connection, CloseCode.goingAway, "going away")
    }
    const deadline = performance.now() + limits.shutdownMs
    while (connections.size > 0 && performance.now() < deadline) await sleep(10)
    for (const [connection] of connections) connection.terminate()
    http.closeAllConnections()
    await stopped
    commit.flush()
  }

  return started(http, options).then((port) => ({
    port,
    close: closeAll,
    connections: () => connections.size,
    checkHeartbeats: () => {
      const now = performance.now()
      for (const [connection] of connections) if (connection.checkHeartbeat(now)) metrics.closed.add("silent")
    }
  }))
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const started = (http: HttpServer, { host, port }: ServerOptions): Promise<number> =>
  new Promise((resolve, reject) => {
    http.once("error", reject)
    http.listen(port, host, () => {
      http.off("error", reject)
      resolve((http.address() as AddressInfo).port)
    })
  })
