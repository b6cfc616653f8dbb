/**
 * Serves the device page on this machine alone.
 *
 * Spec: none. The threats and what stops them are in docs/guides/devices.md.
 * Every request passes the gate first. Bodies are small JSON objects; answers are never kept by a browser.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import type { Assets } from "./Assets.ts"
import { type Desk, NotDone } from "./Desk.ts"
import * as Gate from "./Gate.ts"
import type { ChallengeView, DeviceView, LoggedIn, Trouble } from "./Wire.ts"

/** A page that is served. */
export interface Page {
  /** What opens it, once: the secret stands in the fragment, which no browser sends. */
  readonly url: string
  readonly port: number
  /** Resolves when it ended by itself, or was asked to. */
  readonly ended: Promise<"idle" | "closed">
  readonly close: () => Promise<void>
}

/** Longest body of a request, in bytes. A code of a new device has 4 KiB at most. */
const maxBody = 8_192

/** What every answer says: nothing from outside, nothing kept, shown in no frame. */
const headers = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
} as const

const denials: Readonly<
  Record<Gate.Denied["error"] | "bad-request" | "not-found", readonly [message: string, next: string]>
> = {
  "wrong-host": ["This page has another address.", "Open the link that the command printed."],
  "wrong-origin": ["Another site asked for this.", "Open the link that the command printed."],
  "not-logged-in": [
    "This page is not logged in.",
    "Start it again with `tacit device page`, and open the link it prints."
  ],
  "used-link": [
    "This link was used already, or is none.",
    "If you did not open it before, end the command with Ctrl-C and look at your devices. Else start it again."
  ],
  "bad-request": ["The request is none that this page makes.", "Reload the page."],
  "not-found": ["There is nothing here.", "Open the link that the command printed."]
}

const troubleOf = (error: keyof typeof denials): Trouble => ({
  error,
  message: denials[error][0],
  next: denials[error][1]
})

const send = (
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  more: Readonly<Record<string, string>> = {}
): void => {
  response.writeHead(status, { ...headers, "content-type": type, ...more }).end(body)
}

const json = (
  response: ServerResponse,
  status: number,
  value: object,
  more: Readonly<Record<string, string>> = {}
): void => send(response, status, "application/json; charset=utf-8", JSON.stringify(value), more)

/** The body as a JSON object; nothing when it is none, or does not say that it is short. */
const bodyOf = async (request: IncomingMessage): Promise<Readonly<Record<string, unknown>> | undefined> => {
  const length = Number(request.headers["content-length"] ?? Number.POSITIVE_INFINITY)
  if (!(length <= maxBody) || !/^application\/json(?:;|$)/.test(request.headers["content-type"] ?? "")) return undefined
  const parts: Array<Buffer> = []
  for await (const part of request) parts.push(part as Buffer)
  try {
    const value: unknown = JSON.parse(Buffer.concat(parts).toString("utf8"))
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}

const isRole = (value: unknown): value is DeviceView["role"] =>
  value === "admin" || value === "member" || value === "replica"

const isChallenge = (value: unknown): value is ChallengeView => value === "pin" || value === "code"

type Body = Readonly<Record<string, unknown>>

/** What the page may have done, by path. `undefined` when the body says something else. */
const actions: Readonly<Record<string, (desk: Desk, body: Body) => Promise<void> | undefined>> = {
  // Somebody is there.
  "/api/here": () => Promise.resolve(),
  "/api/refresh": (desk) => desk.refresh(),
  "/api/link": (desk, { challenge, role }) =>
    isRole(role) && isChallenge(challenge) ? desk.link(role, challenge) : undefined,
  "/api/link/code": (desk, { text }) => (typeof text === "string" ? desk.scanned(text) : undefined),
  "/api/link/cancel": (desk) => desk.cancel(),
  "/api/revoke": (desk, { device, version }) =>
    typeof device === "string" && /^[0-9a-f]{64}$/.test(device) && Number.isSafeInteger(version)
      ? desk.revoke(device, version as number)
      : undefined
}

/** Listens on 127.0.0.1 and nowhere else. `port` 0 takes a free one. */
export const serve = async (options: {
  readonly desk: Desk
  readonly assets: Assets
  readonly port: number
  readonly idleMs: number
}): Promise<Page> => {
  const { assets, desk, idleMs } = options
  const files: Readonly<Record<string, readonly [type: string, text: string]>> = {
    "/": ["text/html; charset=utf-8", assets.document],
    "/device.js": ["text/javascript; charset=utf-8", assets.script],
    "/style.css": ["text/css; charset=utf-8", assets.style]
  }
  const http = createServer({
    headersTimeout: 10_000,
    requestTimeout: 10_000,
    keepAliveTimeout: 5_000,
    maxHeaderSize: 16_384
  })
  http.maxConnections = 64
  http.on("clientError", (_, socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject)
    http.listen(options.port, "127.0.0.1", resolve)
  })
  const { port } = http.address() as AddressInfo
  const gate = Gate.make(port)
  let touched = performance.now()
  let end: (how: "idle" | "closed") => void = () => undefined
  const ended = new Promise<"idle" | "closed">((resolve) => (end = resolve))

  const act = async (path: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request)
    if (body === undefined) return json(response, 400, troubleOf("bad-request"), { connection: "close" })
    if (path === "/api/login") {
      const login = gate.logIn(typeof body["token"] === "string" ? body["token"] : "")
      if ("error" in login) return json(response, login.status, troubleOf(login.error))
      touched = performance.now()
      const answer: LoggedIn = { key: login.key }
      return json(response, 200, answer, { "set-cookie": login.cookie })
    }
    touched = performance.now()
    if (path === "/api/close") {
      json(response, 200, {})
      response.once("finish", () => end("closed"))
      return
    }
    const action = actions[path]
    if (action === undefined) return json(response, 404, troubleOf("not-found"))
    const work = action(desk, body)
    if (work === undefined) return json(response, 400, troubleOf("bad-request"))
    await work
    touched = performance.now()
    json(response, 200, await desk.view())
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "" } = request
    const path = (request.url ?? "").split("?")[0]!
    const file = method === "GET" ? files[path] : undefined
    const isOpen = file !== undefined || path === "/api/login"
    const denied = gate.judge({ method, path, headers: request.headers }, !isOpen)
    if (denied !== undefined) return json(response, denied.status, troubleOf(denied.error))
    if (file !== undefined) return send(response, 200, ...file)
    if (method === "POST") return act(path, request, response)
    if (method === "GET" && path === "/api/view") return json(response, 200, await desk.view())
    if (method === "GET" && path === "/api/link/code.svg") {
      const code = desk.code()
      return code === undefined
        ? json(response, 404, troubleOf("not-found"))
        : send(response, 200, "image/svg+xml", code)
    }
    json(response, 404, troubleOf("not-found"))
  }

  http.on("request", (request, response) => {
    answer(request, response).catch((error: unknown) => {
      const trouble = error instanceof NotDone ? error.trouble : { ...troubleOf("bad-request"), error: "Failed" }
      if (response.headersSent) response.destroy()
      else json(response, error instanceof NotDone ? 409 : 500, trouble)
    })
  })
  // A linking that waits for the other device is not idleness: it ends by itself.
  const watch = setInterval(
    () => {
      if (desk.isLinking()) touched = performance.now()
      else if (performance.now() - touched > idleMs) end("idle")
    },
    Math.min(1_000, idleMs / 4)
  )
  return {
    url: `${gate.origin}/#login=${gate.token}`,
    port,
    ended,
    close: async () => {
      clearInterval(watch)
      end("closed")
      await desk.close()
      const stopped = new Promise<void>((resolve) => http.close(() => resolve()))
      http.closeAllConnections()
      await stopped
    }
  }
}
