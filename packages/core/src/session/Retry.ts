/**
 * Retry requests: asking for what did not open, and answering within bounds.
 *
 * Spec: docs/spec/08-sessions.md §8.4.
 * Decides; asking and answering are ordinary messages that the caller seals and stores.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Failure from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Stored from "../codec/Stored.ts"
import * as Body from "../envelope/Body.ts"

// ---- The side that asks

/** A digest (16 bytes) that was asked for. */
export interface Asked {
  readonly digest: Uint8Array
  /** When, ms. */
  readonly at: number
}

/** What one device asked of one peer device, oldest first. */
export interface Requests {
  readonly asked: ReadonlyArray<Asked>
  /** When the requests of the last minute were sent, ms. */
  readonly sent: ReadonlyArray<number>
}

/** Nothing asked yet. */
export const noRequests: Requests = { asked: [], sent: [] }

/** Layout of {@link Requests}, for records that hold them. */
export const RequestsLayout = Layout.tuple({
  asked: Layout.list(
    Layout.tuple({ digest: Layout.bytes({ length: Limits.envelopeDigestBytes }), at: Layout.uint() }),
    { max: Limits.maxRetryAsked }
  ),
  sent: Layout.list(Layout.uint(), { max: Limits.retryPerPeerPerMinute })
})

const minute = 60_000

/** Whether a failure is one that its sender can mend by sealing again. Failures to open a retry request's own answer count like any other. */
export const isAskable = (cause: Failure.Cause): boolean => Failure.causes[cause].retry === "request"

/**
 * Whether to ask for these digests now, at most 32. `next` is `undefined` when nothing is to be sent: all were asked for before,
 * or the minute's requests are used up. Otherwise `digests` go into one request.
 */
export const ask = (
  requests: Requests,
  digests: ReadonlyArray<Uint8Array>,
  now: number
): { readonly next: Requests | undefined; readonly digests: ReadonlyArray<Uint8Array> } => {
  const sent = requests.sent.filter((at) => now - at < minute)
  if (sent.length >= Limits.retryPerPeerPerMinute) return { next: undefined, digests: [] }
  const known = new Set(requests.asked.map(({ digest }) => Bytes.toHex(digest)))
  const fresh: Array<Uint8Array> = []
  for (const digest of digests) {
    const name = Bytes.toHex(digest)
    if (known.has(name) || fresh.length === Limits.maxRetryDigests) continue
    known.add(name)
    fresh.push(digest)
  }
  if (fresh.length === 0) return { next: undefined, digests: [] }
  const asked = [...requests.asked, ...fresh.map((digest) => ({ digest, at: now }))]
  return { next: { asked: asked.slice(-Limits.maxRetryAsked), sent: [...sent, now] }, digests: fresh }
}

// ---- The side that answers

/** A message in the log of what was sent to one peer device. */
export interface Logged {
  /** Digest (16 bytes) of the envelope's body. */
  readonly digest: Uint8Array
  /** When it was sealed, ms. */
  readonly at: number
  /** How often its content was sealed again before, in answer to a request. */
  readonly answers: number
  /** Whether a request for this very digest was answered. */
  readonly answered: boolean
  /** The content as it was encoded, with its message id and sequence. */
  readonly content: Uint8Array
}

/** Whether content of a type is put into the log: retry requests are not, so they are never retried (rule session.retry.3). */
export const isLogged = (type: number): boolean => type !== Body.types.retryRequest

/** Whether a log entry is past answering. */
export const isForgotten = (entry: Logged, now: number): boolean => now - entry.at > Limits.retryLogAgeMs

/** How many of the oldest entries to delete after one more was added: those beyond 256. `count` is the number of entries. */
export const excess = (count: number): number => Math.max(0, count - Limits.retryLogMessages)

/**
 * The entry that answers a request for `digest`, `undefined` when there is none to be answered: not in the log, too old, answered
 * before, or sent again too often. `log` is the log of the peer device that asks.
 */
export const answer = (log: ReadonlyArray<Logged>, digest: Uint8Array, now: number): Logged | undefined => {
  const entry = log.find((logged) => Bytes.equal(logged.digest, digest))
  const isAnswerable =
    entry !== undefined && !entry.answered && entry.answers < Limits.maxRetryAnswers && !isForgotten(entry, now)
  return isAnswerable ? entry : undefined
}

/** The entry after it was answered. */
export const afterAnswer = (entry: Logged): Logged => ({ ...entry, answered: true })

/** The entry of a message that answers `entry`, sealed at `now` into an envelope with this body digest. */
export const logAnswer = (entry: Logged, digest: Uint8Array, now: number): Logged => ({
  digest,
  at: now,
  answers: entry.answers + 1,
  answered: false,
  content: entry.content
})

const version = 1

/** Layout of a stored log entry. */
export const Record = Layout.tuple({
  version: Layout.literal(version),
  digest: Layout.bytes({ length: Limits.envelopeDigestBytes }),
  at: Layout.uint(),
  answers: Layout.uint({ max: Limits.maxRetryAnswers }),
  answered: Layout.uint({ max: 1 }),
  content: Layout.bytes({ max: Limits.maxContentBytes })
})

/** The record of a log entry, stored under `sent/<peer device>/<order>`. */
export const encode = ({ answered, answers, at, content, digest }: Logged): Uint8Array =>
  Record.encode({ version, digest, at, answers, answered: answered ? 1 : 0, content })

/** Reads what {@link encode} wrote. */
export const decode = (bytes: Uint8Array): Result.Result<Logged, Stored.Unreadable> =>
  Result.map(Stored.decode(Record, version, bytes), ({ answered, answers, at, content, digest }) => ({
    digest,
    at,
    answers,
    answered: answered === 1,
    content
  }))
