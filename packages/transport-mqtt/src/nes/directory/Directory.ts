/**
 * A running directory: HTTP in front, SQLite behind, mail beside.
 *
 * Spec: docs/spec/15-nes.md §15.5.
 * Puts the parts together; each rule is in the part that keeps it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { type AddressInfo, isIPv6 } from "node:net"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Database from "./Database.ts"
import { DirectoryError } from "./DirectoryError.ts"
import { type Call, makeHandler, type Reply } from "./Handler.ts"
import { defaultLimits, type DirectoryOptions } from "./Options.ts"
import { makeUsers } from "./Users.ts"

/** A directory that listens. */
export interface RunningDirectory {
  readonly port: number
  /** `http://host:port`, or the public address if one was given. */
  readonly address: string
  /** Forgets now who was not made active in time; happens by itself every hour. */
  readonly sweep: () => number
  /** Stops accepting, finishes what has begun, closes. */
  readonly close: () => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || /^127\./.test(host)

/** Whom limits count: an IPv4 address, or the network of an IPv6 one, since everybody has 2⁶⁴ of those. */
export const callerOf = (address: string): string => {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, "")
  if (!isIPv6(plain)) return plain
  const [head = "", tail = ""] = plain.split("::")
  const groups = head.split(":").filter((group) => group !== "")
  const rest = tail.split(":").filter((group) => group !== "")
  const missing = plain.includes("::") ? 8 - groups.length - rest.length : 0
  return [...groups, ...Array.from({ length: missing }, () => "0"), ...rest].slice(0, 4).join(":")
}

const addressOf = (request: IncomingMessage, behindProxy: boolean): string => {
  const forwarded = request.headers["x-forwarded-for"]
  const last = (Array.isArray(forwarded) ? forwarded.join(",") : (forwarded ?? "")).split(",").at(-1)?.trim()
  return behindProxy && last !== undefined && last !== "" ? last : (request.socket.remoteAddress ?? "")
}

/** All of a body. Of one that is too large the rest is read and thrown away, so that the answer arrives. */
const readBody = async (request: IncomingMessage, most: number): Promise<Uint8Array> => {
  const chunks: Array<Buffer> = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if (size <= most) chunks.push(chunk)
    size += chunk.length
  }
  return size > most ? new Uint8Array(most + 1) : Buffer.concat(chunks)
}

const reply = (response: ServerResponse, { body, status, type }: Reply): void => {
  response
    .writeHead(status, {
      ...(body === "" ? {} : { "content-type": type }),
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer"
    })
    .end(body)
}

/** Starts a directory; it runs until `close`. Rejects with {@link DirectoryError}. The mailer is closed with it. */
export const startDirectory = async (options: DirectoryOptions): Promise<RunningDirectory> => {
  const limits = { ...defaultLimits, ...options.limits }
  const { behindProxy = false, key, log = () => undefined, mailer, now = Date.now } = options
  const host = options.host ?? (options.public === true ? "0.0.0.0" : "127.0.0.1")
  if (options.public !== true && !isLoopback(host)) throw new DirectoryError({ reason: "not-public" })
  if (options.address !== undefined && !/^https?:\/\/[^\s?#]+[^\s?#/]$/.test(options.address)) {
    throw new DirectoryError({ reason: "address" })
  }
  const db = Database.open(options.database)
  const users = makeUsers(db, limits.activationMs)
  let address = options.address ?? ""
  const handle = makeHandler({ users, key, mailer, address: () => address, limits, now, log })

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const target = request.url ?? "/"
    const origin = "http://directory.invalid"
    const url = new URL(URL.canParse(target, origin) ? target : "/", origin)
    const body = request.method === "POST" ? await readBody(request, limits.bodyBytes) : new Uint8Array()
    const call: Call = {
      method: request.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      body,
      caller: callerOf(addressOf(request, behindProxy))
    }
    reply(response, await handle(call))
  }
  const http = createServer(
    { headersTimeout: 10_000, requestTimeout: 15_000, keepAliveTimeout: 5_000, maxHeaderSize: 8_192 },
    (request, response) => {
      serve(request, response).catch(() => {
        log("a request failed")
        if (!response.headersSent) reply(response, { status: 500, type: "text/plain; charset=utf-8", body: "" })
        else response.destroy()
      })
    }
  )
  http.maxConnections = limits.connections
  http.on("clientError", (_, socket) => socket.destroy())
  const port = await new Promise<number>((resolve, reject) => {
    http.once("error", (cause) => reject(new DirectoryError({ reason: "listen", cause })))
    http.listen(options.port ?? 0, host, () => resolve((http.address() as AddressInfo).port))
  }).catch((error: unknown) => {
    db.close()
    throw error
  })
  if (address === "") address = `http://${host.includes(":") ? `[${host}]` : host}:${port}`

  const sweep = (): number => users.sweep(now())
  sweep()
  const timer = setInterval(() => {
    try {
      sweep()
    } catch {
      log("a sweep failed")
    }
  }, limits.sweepMs)
  timer.unref()

  let closing: Promise<void> | undefined
  const close = (): Promise<void> =>
    (closing ??= (async () => {
      clearInterval(timer)
      const stopped = new Promise<void>((resolve) => http.close(() => resolve()))
      http.closeIdleConnections()
      setTimeout(() => http.closeAllConnections(), 5_000).unref()
      await stopped
      mailer.close()
      db.close()
    })())
  return { port, address, sweep, close, [Symbol.asyncDispose]: close }
}

/** {@link startDirectory} in a scope: closed when the scope closes. */
export const makeDirectory = (
  options: DirectoryOptions
): Effect.Effect<RunningDirectory, DirectoryError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () => startDirectory(options),
      catch: (cause) => (cause instanceof DirectoryError ? cause : new DirectoryError({ reason: "database", cause }))
    }),
    (directory) => Effect.promise(() => directory.close())
  )

/** A running directory as a service. */
export class Directory extends Context.Service<Directory, RunningDirectory>()("@tacit/transport-mqtt/nes/Directory") {
  /** Started when the layer is built, closed when its scope closes. */
  static readonly layer = (options: DirectoryOptions): Layer.Layer<Directory, DirectoryError> =>
    Layer.effect(Directory, makeDirectory(options))
}
