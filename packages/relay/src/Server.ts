/**
 * The listening side: HTTP for health, metrics and sealed files, WebSocket for everything else.
 *
 * Spec: docs/spec/14-relay.md rules relay.frame.1–2, relay.shutdown.1, relay.http.1; docs/spec/11-attachments.md §11.5.
 * Hands messages on; Reception.ts decides what becomes of them.
 */
import { createServer, type IncomingMessage, type Server as HttpServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { Duplex } from "node:stream"
import { maxFrameBytes, path, subprotocol } from "@tacit/transport-ws/frames"
import { WebSocketServer, type RawData, type WebSocket } from "ws"
import type { AttachmentHttp } from "./attachments/AttachmentHttp.ts"
import type { Reception } from "./Reception.ts"
import type { RelayLimits } from "./Options.ts"

export interface Server {
  readonly port: number
  /** Stops accepting, closes what is left of HTTP. The reception has closed its connections before. */
  readonly close: () => Promise<void>
  /** From now on nobody comes in. */
  readonly stopAccepting: () => void
}

export interface ServerOptions {
  readonly host: string
  readonly port: number
  readonly limits: RelayLimits
  readonly reception: Reception
  /** Sealed files, where any are kept. */
  readonly files: AttachmentHttp | undefined
  readonly metricsText: () => string
  readonly isHealthy: () => boolean
}

const bytesOf = (data: RawData): Uint8Array =>
  Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? new Uint8Array(data) : data

/** HTTP connections beside the WebSockets. */
const httpConnections = 256

/** Listens; rejects when the address cannot be had. */
export const listen = (options: ServerOptions): Promise<Server> => {
  const { limits, reception } = options
  let closing = false

  const accept = (socket: WebSocket): void => {
    const guest = reception.admit(socket)
    socket.on("message", (data, isBinary) => {
      if (isBinary) guest.receive(bytesOf(data))
      else guest.misbehaved("text message")
    })
    socket.on("pong", guest.heard)
    socket.on("ping", guest.heard)
    // Broken framing and oversize end in `close` as well; ws has already sent the fitting code.
    socket.on("error", guest.failed)
    socket.on("close", guest.gone)
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
          : closing || reception.isFull()
            ? "503 Service Unavailable"
            : undefined
    socket.on("error", () => socket.destroy())
    if (status === undefined) return webSockets.handleUpgrade(request, socket, head, accept)
    // No timeout of HTTP watches a socket that asked for an upgrade.
    socket.once("finish", () => socket.destroy())
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  }

  const http = createServer(
    // A piece of a file may take a minute: what came of it by then is kept.
    { headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 5_000 },
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
      if (options.files?.(request, response) === true) return
      return answer(404, "text/plain", "")
    }
  )
  http.maxConnections = limits.connections + httpConnections
  http.on("upgrade", upgrade)
  http.on("clientError", (_, socket) => socket.destroy())

  let stopped: Promise<void> | undefined
  const stopAccepting = (): void => {
    closing = true
    stopped ??= new Promise<void>((resolve) => http.close(() => resolve()))
    http.closeIdleConnections()
  }

  return started(http, options).then((port) => ({
    port,
    stopAccepting,
    close: async () => {
      stopAccepting()
      http.closeAllConnections()
      await stopped
    }
  }))
}

const started = (http: HttpServer, { host, port }: ServerOptions): Promise<number> =>
  new Promise((resolve, reject) => {
    http.once("error", reject)
    http.listen(port, host, () => {
      http.off("error", reject)
      resolve((http.address() as AddressInfo).port)
    })
  })
