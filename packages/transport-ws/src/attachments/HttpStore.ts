/**
 * The AttachmentStore port over HTTP, as a relay serves it.
 *
 * Spec: docs/spec/11-attachments.md §11.5.
 * Portable: the platform's own `fetch`. Repeats nothing by itself; a request that is silent for too long is given up.
 */
import { AttachmentStore, AttachmentStoreError, UploadGrants, type UploadStart, type Wanted } from "@tacit/core"
import { Bytes } from "@tacit/core/hazmat"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { InvalidAddress, isLoopback } from "../Options.ts"
import { attachmentsPath, path } from "../Frame.ts"

export interface AttachmentOptions {
  /** Address of the relay, `https://…` or `wss://…`, or `http://`, `ws://` on loopback. A path is kept as a prefix of the protocol's own. */
  readonly url: string
  /** Allows plain HTTP to other machines: ids then travel in the clear, and who has one can fetch ciphertext. */
  readonly allowInsecure?: boolean
  /**
   * Further places to fetch from, as references name them; or `anywhere`. Whoever keeps a file learns when and from which network address it is
   * fetched, so a stranger's reference can be a trap. Default: this relay only.
   */
  readonly fetchFrom?: ReadonlyArray<string> | "anywhere"
  /** Silence after which a request is given up, in ms. Default 30,000. */
  readonly silenceMs?: number
}

type Reason = AttachmentStoreError["reason"]

/** An answer whose body is on its way. The clock of silence runs from `listen` to `heard`. */
interface Fetched {
  readonly response: Response
  readonly listen: () => void
  readonly heard: () => void
  readonly abort: () => void
}

const failed = (reason: Reason, retryAfterMs = 0, cause?: unknown): AttachmentStoreError =>
  new AttachmentStoreError({ reason, retryAfterMs, ...(cause === undefined ? {} : { cause }) })

/** The place below which a relay keeps files, out of its address. */
export const placeOf = (
  options: Pick<AttachmentOptions, "allowInsecure" | "url">
): Result.Result<string, InvalidAddress> => {
  if (!URL.canParse(options.url)) return Result.fail(new InvalidAddress({ reason: "not-a-url" }))
  const url = new URL(options.url)
  if (url.protocol === "ws:") url.protocol = "http:"
  if (url.protocol === "wss:") url.protocol = "https:"
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return Result.fail(new InvalidAddress({ reason: "scheme" }))
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname) && options.allowInsecure !== true) {
    return Result.fail(new InvalidAddress({ reason: "insecure" }))
  }
  const prefix = url.pathname.replace(/\/+$/, "")
  url.pathname = (prefix.endsWith(path) ? prefix.slice(0, -path.length) : prefix) + attachmentsPath
  url.hash = ""
  url.search = ""
  return Result.succeed(url.href)
}

/** What a refusal of the relay, or of what is in front of it, means. */
const reasonOf = (status: number): Reason => {
  switch (status) {
    case 401:
    case 403:
      return "grant"
    case 404:
    case 410:
      return "missing"
    case 413:
      return "too-large"
    case 422:
      return "mismatch"
    case 507:
      return "quota"
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      return "busy"
    default:
      return "answer"
  }
}

const waitOf = (response: Response, otherwise: number): number => {
  const seconds = Number(response.headers.get("retry-after") ?? "")
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 86_400) * 1000 : otherwise
}

const refused = (response: Response): AttachmentStoreError => {
  const reason = reasonOf(response.status)
  void response.body?.cancel().catch(() => undefined)
  return failed(reason, reason === "busy" || reason === "quota" ? waitOf(response, 1_000) : 0)
}

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0

/** Grants that could not be had, in the words of the store. */
const ungranted = (error: Effect.Error<ReturnType<UploadGrants["Service"]["issue"]>>): AttachmentStoreError => {
  if (error._tag === "TransportError") return failed("unreachable", 0, error)
  switch (error.code) {
    case "too-large":
    case "quota":
      return failed(error.code, error.retryAfterMs, error)
    case "rate-limited":
    case "internal":
    case "going-away":
      return failed("busy", error.retryAfterMs, error)
    default:
      return failed("grant", error.retryAfterMs, error)
  }
}

/** Nothing that says who asks, nothing kept, and nobody else asked instead. */
const plainRequest = {
  redirect: "error",
  credentials: "omit",
  cache: "no-store",
  referrerPolicy: "no-referrer"
} as const

/** The store at `place`. `grants` is asked when an upload begins. */
export const make = (
  place: string,
  grants: UploadGrants["Service"],
  { fetchFrom = [], silenceMs = 30_000 }: Pick<AttachmentOptions, "fetchFrom" | "silenceMs"> = {}
): AttachmentStore["Service"] => {
  /** Sends a request. The signal ends it when nothing is heard for too long. */
  const send = (url: string, init: RequestInit): Effect.Effect<Fetched, AttachmentStoreError> =>
    Effect.callback<Fetched, AttachmentStoreError>((resume, signal) => {
      const given = new AbortController()
      const abort = (): void => given.abort()
      let timer = setTimeout(abort, silenceMs)
      const stop = (): void => {
        clearTimeout(timer)
        abort()
      }
      const heard = (): void => clearTimeout(timer)
      const listen = (): void => {
        clearTimeout(timer)
        timer = setTimeout(abort, silenceMs)
      }
      signal.addEventListener("abort", stop, { once: true })
      const answered = async (): Promise<void> => {
        try {
          const response = await fetch(url, { ...init, ...plainRequest, signal: given.signal })
          signal.removeEventListener("abort", stop)
          resume(Effect.succeed({ response, listen, heard, abort: stop }))
        } catch (cause) {
          clearTimeout(timer)
          resume(failed("unreachable", 0, cause))
        }
      }
      void answered()
    })

  /** The JSON of an answer that is one of `good`. */
  const ask = (url: string, init: RequestInit, good: ReadonlyArray<number>) =>
    Effect.flatMap(send(url, init), ({ abort, response }) =>
      Effect.ensuring(
        Effect.suspend(() => {
          if (!good.includes(response.status)) return refused(response)
          return Effect.map(
            Effect.tryPromise({
              try: (): Promise<unknown> => (response.status === 204 ? Promise.resolve({}) : response.json()),
              catch: (cause) => failed("unreachable", 0, cause)
            }),
            (body) => ({
              status: response.status,
              body: (typeof body === "object" && body !== null ? body : {}) as Readonly<Record<string, unknown>>
            })
          )
        }),
        Effect.sync(abort)
      )
    )

  const count = (value: unknown): Effect.Effect<number, AttachmentStoreError> =>
    isCount(value) ? Effect.succeed(value) : failed("answer")

  const begin = ({ expiresAt, known = false, secret, size }: UploadStart) =>
    Effect.gen(function* () {
      const headers = {
        "tacit-upload": Bytes.toHex(secret),
        "tacit-size": String(size),
        ...(expiresAt === undefined ? {} : { "tacit-expires": String(Math.max(0, Math.floor(expiresAt))) })
      }
      const post = (more: Record<string, string>) =>
        ask(place, { method: "POST", headers: { ...headers, ...more } }, [200, 201])
      const granted = Effect.flatMap(Effect.mapError(grants.issue(size), ungranted), ({ grant }) =>
        post({ "tacit-grant": Bytes.toHex(grant) })
      )
      // One that is there already goes on without a grant.
      const { body } = yield* known
        ? Effect.catchIf(
            post({}),
            ({ reason }) => reason === "grant",
            () => granted
          )
        : granted
      return { offset: yield* count(body["offset"]), expiresAt: yield* count(body["expires"]) }
    })

  /** Pieces of a body, as they come. */
  const pieces = async function* ({ abort, heard, listen, response }: Fetched): AsyncGenerator<Uint8Array> {
    const reader = response.body?.getReader()
    try {
      for (;;) {
        listen()
        const next = await reader?.read()
        // Whoever takes the bytes may take time: that is no silence of the store.
        heard()
        if (next === undefined || next.done) return
        yield next.value
      }
    } finally {
      abort()
    }
  }

  const isFetched = (from: string): boolean => from === place || fetchFrom === "anywhere" || fetchFrom.includes(from)

  const read = ({ from, id, place: kept, size, to }: Wanted): Stream.Stream<Uint8Array, AttachmentStoreError> =>
    Stream.unwrap(
      Effect.gen(function* () {
        if (!isFetched(kept)) return yield* failed("place")
        const headers = { range: `bytes=${from}-${to - 1}` }
        const fetched = yield* send(`${kept}/${Bytes.toHex(id)}`, { headers })
        const { abort, response } = fetched
        const told = response.headers.get("content-range")
        if (response.status !== 206) {
          abort()
          // A range that is not in the file: it has another size.
          return yield* response.status === 416 ? failed("answer") : refused(response)
        }
        if (told !== `bytes ${from}-${to - 1}/${size}`) {
          abort()
          return yield* failed("answer")
        }
        let left = to - from
        const counted = Stream.map(
          Stream.fromAsyncIterable(pieces(fetched), (cause) => failed("unreachable", 0, cause)),
          (piece) => {
            left -= piece.length
            return piece
          }
        )
        const end = Stream.unwrap(
          Effect.sync(() => (left === 0 ? Stream.empty : Stream.fail(failed(left > 0 ? "unreachable" : "answer"))))
        )
        return Stream.concat(counted, end)
      })
    )

  return {
    place,
    begin,
    append: (secret, offset, bytes) =>
      Effect.flatMap(
        ask(
          place,
          {
            method: "PATCH",
            headers: {
              "content-type": "application/octet-stream",
              "tacit-upload": Bytes.toHex(secret),
              "tacit-offset": String(offset)
            },
            body: bytes as Uint8Array<ArrayBuffer>
          },
          [200, 409]
        ),
        ({ body }) => count(body["offset"])
      ),
    complete: (secret, id) =>
      Effect.flatMap(
        ask(
          `${place}/${Bytes.toHex(id)}`,
          { method: "PUT", headers: { "tacit-upload": Bytes.toHex(secret) } },
          [200, 409]
        ),
        ({ body, status }) =>
          status === 409 ? failed("missing") : Effect.map(count(body["expires"]), (expiresAt) => ({ expiresAt }))
      ),
    read,
    remove: (secret) =>
      Effect.asVoid(ask(place, { method: "DELETE", headers: { "tacit-upload": Bytes.toHex(secret) } }, [204]))
  }
}

/** The store of the relay at `options.url`, for whatever transport gives the grants. */
export const layer = (options: AttachmentOptions): Layer.Layer<AttachmentStore, InvalidAddress, UploadGrants> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const place = yield* Effect.fromResult(placeOf(options))
      return Context.make(AttachmentStore, make(place, yield* UploadGrants, options))
    })
  )
