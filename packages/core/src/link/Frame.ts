/**
 * What the two ends of a linking exchange through a slot, and why a linking ends.
 *
 * Spec: docs/spec/19-linking.md §19.2.
 * Vectors: vectors/linking.
 * Only form: what a frame means in a state is for Offer.ts and Join.ts.
 */
import type * as Result from "effect/Result"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Refusal from "../codec/Refusal.ts"
import * as Decision from "./Decision.ts"
import { lift, type LinkFailure } from "./LinkFailure.ts"

/** Numbers of the reasons for which a linking ends (rule link.abort.1). */
export const reasons = {
  cancelled: 1,
  expired: 2,
  attempts: 3,
  mismatch: 4,
  "no-challenge": 5,
  refused: 6,
  failed: 7
} as const
export type Reason = keyof typeof reasons

const names = new Map<number, Reason>(Object.entries(reasons).map(([name, number]) => [number, name as Reason]))
/** The reason of a number of the layouts below. */
export const reasonOf = (number: number): Reason => names.get(number) ?? "failed"

const key = Layout.bytes({ length: 32 })
const reason = Layout.uint({ min: 1, max: 7 })
/** What a frame of the largest size holds besides its heads. */
const ciphertext = Layout.bytes({ min: Limits.tagBytes, max: Limits.maxLinkFrameBytes - 5 })

const Hello = Layout.tuple({ kind: Layout.literal(1), commitment: key })
const Answer = Layout.tuple({ kind: Layout.literal(2), nonce: key })
const Reveal = Layout.tuple({
  kind: Layout.literal(3),
  nonce: key,
  ephemeral: key,
  device: key,
  agreement: key,
  takes: Decision.List
})
const Sealed = Layout.tuple({ kind: Layout.literal(4), ciphertext })
const Final = Layout.tuple({ kind: Layout.literal(5), ciphertext })
const Abort = Layout.tuple({ kind: Layout.literal(6), reason })

/** The layout of a frame in a slot. */
export const Frame = Layout.oneOf(Hello, Answer, Reveal, Sealed, Final, Abort)
export type Frame = Layout.Type<typeof Frame>
/** What a joiner commits to and reveals. */
export type Reveal = Layout.Type<typeof Reveal>

/** The layout of what a sealed frame holds. */
export const Message = Layout.oneOf(
  Layout.tuple({ kind: Layout.literal(1), signature: Layout.bytes({ length: 64 }) }),
  Layout.tuple({ kind: Layout.literal(2), attempt: Layout.uint({ min: 1, max: Limits.maxPinAttempts }), share: key }),
  Layout.tuple({ kind: Layout.literal(3), share: key, tag: key }),
  Layout.tuple({ kind: Layout.literal(4) }),
  Layout.tuple({ kind: Layout.literal(5), reason })
)
export type Message = Layout.Type<typeof Message>

/** The layout of what a final frame holds. */
export const FinalMessage = Layout.oneOf(
  Layout.tuple({ kind: Layout.literal(1), payload: Layout.bytes({ max: Limits.maxLinkPayloadBytes }) }),
  Layout.tuple({ kind: Layout.literal(2) }),
  Layout.tuple({ kind: Layout.literal(3) }),
  Layout.tuple({ kind: Layout.literal(4), reason })
)
export type FinalMessage = Layout.Type<typeof FinalMessage>

/** Reads a frame. Fails with `decode.*`. */
export const decode = (bytes: Uint8Array): Result.Result<Frame, LinkFailure> => lift(Refusal.decode(Frame, bytes))

/** Reads what a sealed frame holds. Fails with `decode.*`. */
export const decodeMessage = (bytes: Uint8Array): Result.Result<Message, LinkFailure> =>
  lift(Refusal.decode(Message, bytes))

/** Reads what a final frame holds. Fails with `decode.*`. */
export const decodeFinal = (bytes: Uint8Array): Result.Result<FinalMessage, LinkFailure> =>
  lift(Refusal.decode(FinalMessage, bytes))

/** What one step of an end of a linking gives. */
export interface Step<State, Event> {
  readonly next: State
  /** Frames to send through the slot, in this order. */
  readonly out: ReadonlyArray<Uint8Array>
  /** What the application is to show, ask or do, in this order. */
  readonly events: ReadonlyArray<Event>
  /** Secrets that `next` no longer needs: to be wiped once nothing else holds them. */
  readonly consumed: ReadonlyArray<Uint8Array>
}

/** How a linking ended without success. */
export interface Ended {
  readonly reason: Reason
  /** Which end ended it. */
  readonly by: "self" | "other"
}
