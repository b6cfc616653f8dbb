/**
 * The HTTP of sealed files.
 *
 * Spec: docs/spec/11-attachments.md §11.5.
 * Reads requests and words answers; Keep.ts keeps, Grants.ts lets in. Logs nothing: rule attachment.http.7.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import { pipeline } from "node:stream/promises"
import { Bytes } from "@tacit/core/hazmat"
import { attachmentsPath } from "@tacit/transport-ws/frames"
import type { Counter } from "../Metrics.ts"
import type { AttachmentLimits } from "./AttachmentLimits.ts"
import type { Grants } from "./Grants.ts"
import type { Keep, KeepRefusal, Progress } from "./Keep.ts"

export interface AttachmentHttpOptions {
  readonly keep: Keep
  readonly grants: Grants
  readonly limits: AttachmentLimits
  readonly now: () => number
  /** Storage failed; the client was told to come again. */
  readonly onFailure: (cause: unknown) => void
  readonly metrics: {
    readonly uploadedBytes: Counter
    readonly downloadedBytes: Counter
    readonly completed: Counter
    readonly refusals: Counter
  }
}

/** Answers a request, or says that it is none of its own. */
export type AttachmentHttp = (request: IncomingMessage, response: ServerResponse) => boolean

/** Codes of refusals with their statuses (rule attachment.http.6). */
const statuses = {
  "bad-request": 400,
  grant: 401,
  missing: 404,
  method: 405,
  offset: 409,
  "too-large": 413,
  range: 416,
  mismatch: 422,
  busy: 503,
  quota: 507
} as const
type Code = keyof typeof statuses

/** Seconds to wait, for refusals that pass. */
const waits: Partial<Record<Code, number>> = { busy: 2, quota: 60 }

/** Pages of other origins may use it: nothing here goes by who asks (rule attachment.http.6). */
const cors = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "content-range, retry-after",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff"
}
const preflight = {
  ...cors,
  "access-control-allow-methods": "GET, HEAD, POST, PATCH, PUT, DELETE",
  "access-control-allow-headers":
    "content-type, range, tacit-upload, tacit-grant, tacit-size, tacit-offset, tacit-expires",
  "access-control-max-age": "86400"
}

/** How long a reader may take nothing, ms. */
const silenceMs = 60_000

const bytesOf = (text: string | undefined, length: number): Uint8Array | undefined => {
  const bytes = text === undefined ? undefined : Bytes.fromHex(text)
  return bytes?.length === length ? bytes : undefined
}

const numberOf = (text: string | undefined): number | undefined => {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}

/** `from` and `to` (not included) of a range; `undefined` for none, also for several, which are answered with the whole. */
const rangeOf = (
  header: string | undefined,
  size: number
): { readonly from: number; readonly to: number } | "range" | undefined => {
  const match = /^bytes=(\d{0,16})-(\d{0,16})$/.exec(header ?? "")
  if (match === null || (match[1] === "" && match[2] === "")) return undefined
  if (match[1] === "") {
    const last = Math.min(size, Number(match[2]))
    return last === 0 ? "range" : { from: size - last, to: size }
  }
  const from = Number(match[1])
  const to = match[2] === "" ? size : Math.min(size, Number(match[2]) + 1)
  if (from >= size) return "range"
  return to <= from ? undefined : { from, to }
}

const isRefusal = (outcome: Progress | KeepRefusal): outcome is KeepRefusal => typeof outcome === "string"

export const makeAttachmentHttp = (options: AttachmentHttpOptions): AttachmentHttp => {
  const { grants, keep, limits, metrics, now } = options
  let transfers = 0

  const json = (response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void => {
    if (response.headersSent || response.destroyed) return
    response.writeHead(status, { ...cors, "content-type": "application/json", ...headers }).end(JSON.stringify(body))
  }
  const refuse = (response: ServerResponse, code: Code, more: object = {}): void => {
    metrics.refusals.add(code)
    const wait = waits[code]
    json(response, statuses[code], { error: code, ...more }, wait === undefined ? {} : { "retry-after": String(wait) })
  }
  /** Runs what moves a body, if another one may. */
  const transfer = async (response: ServerResponse, run: () => Promise<void>): Promise<void> => {
    if (transfers >= limits.transfers) return refuse(response, "busy")
    transfers++
    try {
      await run()
    } finally {
      transfers--
    }
  }

  const begin = async (request: IncomingMessage, response: ServerResponse, secret: Uint8Array): Promise<void> => {
    const size = numberOf(header(request, "tacit-size"))
    if (size === undefined || size === 0) return refuse(response, "bad-request")
    const found = await keep.look(secret)
    if (found !== undefined) {
      if (found.size !== size) return refuse(response, "bad-request")
      return json(response, 200, { offset: found.offset, expires: found.expiresAt })
    }
    const grant = bytesOf(header(request, "tacit-grant"), 16)
    if (grant === undefined || !grants.covers(grant, size, now())) return refuse(response, "grant")
    // Used up before anything is waited for: a grant is for one upload.
    grants.spend(grant)
    const begun = await keep.begin(secret, size, numberOf(header(request, "tacit-expires")))
    if (typeof begun === "string") return refuse(response, begun)
    json(response, 201, { offset: begun.offset, expires: begun.expiresAt })
  }

  const append = (request: IncomingMessage, response: ServerResponse, secret: Uint8Array): Promise<void> =>
    transfer(response, async () => {
      const offset = numberOf(header(request, "tacit-offset"))
      if (offset === undefined) return refuse(response, "bad-request")
      let taken = 0
      const counted = async function* (): AsyncGenerator<Uint8Array> {
        for await (const piece of request) {
          taken += (piece as Buffer).length
          yield piece as Buffer
        }
      }
      const outcome = await keep.append(secret, offset, counted(), () => request.destroy())
      metrics.uploadedBytes.add("", taken)
      if (isRefusal(outcome)) return refuse(response, outcome)
      // Nothing of the body was read where the offset is another.
      if (taken === 0 && outcome.offset !== offset) return refuse(response, "offset", { offset: outcome.offset })
      json(response, 200, { offset: outcome.offset })
    })

  const complete = async (response: ServerResponse, secret: Uint8Array, id: string): Promise<void> => {
    const before = await keep.look(secret)
    const outcome = await keep.complete(secret, id)
    if (isRefusal(outcome)) return refuse(response, outcome)
    if (before !== undefined && outcome.offset < before.size) {
      return refuse(response, "offset", { offset: outcome.offset })
    }
    metrics.completed.add()
    json(response, 200, { expires: outcome.expiresAt })
  }

  const give = (request: IncomingMessage, response: ServerResponse, id: string): Promise<void> =>
    transfer(response, async () => {
      const kept = await keep.find(id)
      if (kept === undefined) return refuse(response, "missing")
      const range = rangeOf(header(request, "range"), kept.size)
      if (range === "range") {
        metrics.refusals.add("range")
        return json(response, 416, { error: "range" }, { "content-range": `bytes */${kept.size}` })
      }
      const { from, to } = range ?? { from: 0, to: kept.size }
      response.writeHead(range === undefined ? 200 : 206, {
        ...cors,
        "content-type": "application/octet-stream",
        "content-length": String(to - from),
        "accept-ranges": "bytes",
        ...(range === undefined ? {} : { "content-range": `bytes ${from}-${to - 1}/${kept.size}` })
      })
      if (request.method === "HEAD") {
        response.end()
        return
      }
      metrics.downloadedBytes.add("", to - from)
      // A reader that takes nothing gives its place to another.
      response.setTimeout(silenceMs, () => response.destroy())
      // A reader that goes away, or a file that is deleted meanwhile, ends the connection: the length tells that it is not all.
      await pipeline(keep.read(kept, from, to), response).catch(() => response.destroy())
    })

  const route = async (request: IncomingMessage, response: ServerResponse, rest: string): Promise<void> => {
    const secret = bytesOf(header(request, "tacit-upload"), 32)
    const id = /^\/([0-9a-f]{64})$/.exec(rest)?.[1]
    if (request.method === "OPTIONS") {
      response.writeHead(204, preflight).end()
      return
    }
    if (rest !== "" && id === undefined) return refuse(response, "missing")
    const what = `${request.method ?? ""} ${id === undefined ? "place" : "file"}`
    if (what === "GET file" || what === "HEAD file") return give(request, response, id!)
    if (!/^(?:(?:POST|PATCH|DELETE) place|PUT file)$/.test(what)) return refuse(response, "method")
    if (secret === undefined) return refuse(response, "bad-request")
    if (what === "POST place") return begin(request, response, secret)
    if (what === "PATCH place") return append(request, response, secret)
    if (what === "PUT file") return complete(response, secret, id!)
    await keep.remove(secret)
    response.writeHead(204, cors).end()
  }

  return (request, response) => {
    const path = (request.url ?? "").split("?")[0]!
    if (path !== attachmentsPath && !path.startsWith(`${attachmentsPath}/`)) return false
    response.on("error", () => response.destroy())
    route(request, response, path.slice(attachmentsPath.length)).catch((cause: unknown) => {
      options.onFailure(cause)
      refuse(response, "busy")
    })
    return true
  }
}

const header = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}
