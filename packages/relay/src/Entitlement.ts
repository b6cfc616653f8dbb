/**
 * Who may use a relay, as somebody else knows it: the port, and the adapters that come along.
 *
 * Spec: docs/spec/14-relay.md §14.6, rule relay.entitle.1.
 * Answers a question about one account. What follows from the answer is in Desk.ts.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** Who is asked about: the user name, and the account id as 64 hexadecimal characters. Nothing else is known of anybody. */
export interface Subject {
  readonly user: string
  readonly account: string
}

/** Whether an account may use the relay. `until` is a time in ms up to which the answer holds; the relay asks at least once a minute. */
export interface Verdict {
  readonly entitled: boolean
  readonly until?: number
}

/** Nobody answered, or not what was agreed. */
export class EntitlementError extends Schema.TaggedError<EntitlementError>()("EntitlementError", {
  reason: Schema.Literals(["unreachable", "status", "answer"])
}) {}

/** Port. May be asked at any time, and by several at once. */
export interface Entitlement {
  readonly check: (subject: Subject) => Effect.Effect<Verdict, EntitlementError>
}

/** An entitlement out of a function that returns a promise; a rejection is no answer. */
export const fromFunction = (check: (subject: Subject) => Promise<Verdict>): Entitlement => ({
  check: (subject) =>
    Effect.tryPromise({ try: () => check(subject), catch: () => new EntitlementError({ reason: "unreachable" }) })
})

/**
 * A list that does not change: user names or account ids that are entitled, each until a time in ms, or for good. Everybody else has
 * `otherwise`.
 */
export const fixed = (
  list: ReadonlyMap<string, number | undefined>,
  otherwise: boolean,
  now: () => number = Date.now
): Entitlement => ({
  check: ({ account, user }) =>
    Effect.sync(() => {
      const key = [account, user].find((one) => list.has(one))
      if (key === undefined) return { entitled: otherwise }
      const until = list.get(key)
      if (until === undefined) return { entitled: true }
      return until > now() ? { entitled: true, until } : { entitled: otherwise }
    })
})

/** Longest answer read, bytes. */
const maxAnswerBytes = 4_096

/** Where and how to ask over HTTP. */
export interface HttpOptions {
  /** `https://…`, or `http://` on this machine. */
  readonly url: string
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string | undefined
  /** 5,000 when nothing is said. */
  readonly timeoutMs?: number | undefined
}

/**
 * Asks a service: `POST` of `{"user": …, "account": …}`, answered with status 200 and `{"entitled": true or false}`, with `"until"` in ms
 * since 1970 if the answer holds so long. Follows no redirection.
 */
export const http = ({ timeoutMs = 5_000, token, url }: HttpOptions): Entitlement => ({
  check: (subject) =>
    Effect.gen(function* () {
      const response = yield* Effect.tryPromise({
        try: (signal) =>
          fetch(url, {
            method: "POST",
            redirect: "error",
            headers: {
              "content-type": "application/json",
              ...(token === undefined ? {} : { authorization: `Bearer ${token}` })
            },
            body: JSON.stringify(subject),
            signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
          }),
        catch: () => new EntitlementError({ reason: "unreachable" })
      })
      if (response.status !== 200) return yield* new EntitlementError({ reason: "status" })
      const text = yield* Effect.tryPromise({
        try: () => readBounded(response),
        catch: () => new EntitlementError({ reason: "answer" })
      })
      const verdict = verdictOf(text)
      return verdict ?? (yield* new EntitlementError({ reason: "answer" }))
    })
})

const readBounded = async (response: Response): Promise<string> => {
  const chunks: Array<Uint8Array> = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > maxAnswerBytes) throw new Error("the answer is too long")
    chunks.push(chunk)
  }
  return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks))
}

const verdictOf = (text: string): Verdict | undefined => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const { entitled, until } = (value ?? {}) as { readonly entitled?: unknown; readonly until?: unknown }
  if (typeof entitled !== "boolean") return undefined
  if (until === undefined) return { entitled }
  return Number.isSafeInteger(until) ? { entitled, until: until as number } : undefined
}
