/**
 * From a frame to what is shown: opens, asks for the sender's keys, verifies, and remembers what was shown before.
 *
 * Spec: docs/spec/15-nes.md §15.4 (rules nes.refuse.1–nes.refuse.3, nes.warn.1–nes.warn.3).
 * Vectors: vectors/nes/data/weaknesses.json.
 * Total: whatever bytes arrive, the answer is an event. Knows no broker.
 */
import { createHash, type KeyObject } from "node:crypto"
import * as Result from "effect/Result"
import { decode } from "./Frame.ts"
import { KeyError, type KeySource } from "./KeySource.ts"
import { type Message, open, verifySender } from "./Message.ts"
import { type Cause, type Warning } from "./Refusal.ts"

/** A frame's fate. */
export type Event =
  | { readonly type: "message"; readonly message: Message; readonly warnings: ReadonlyArray<Warning> }
  | { readonly type: "refused"; readonly cause: Cause }

export interface ListenerOptions {
  /** One's own name, in lower case. */
  readonly user: string
  /** One's own private message key. */
  readonly messageKey: KeyObject
  readonly keys: KeySource
  readonly now?: () => number
}

/** How far two clocks may lie apart before a message counts as old or as early, in ms. */
export const clockSkewMs = 5 * 60 * 1000

/** Shown messages remembered, so that a second showing carries a warning. 40 bytes each. */
const maxShown = 65_536

/** Turns frames into events, as long as the process runs. */
export interface Listener {
  readonly receive: (frame: Uint8Array) => Promise<Event>
}

const causeOf = (error: unknown): Cause =>
  error instanceof KeyError && error.reason === "unknown-user" ? "unknown-sender" : "keys-unavailable"

export const makeListener = (options: ListenerOptions): Listener => {
  const { keys, messageKey, now = Date.now, user } = options
  const startedAt = now()
  const shown = new Set<string>()

  /** Whether exactly this signed text was shown before. A new frame around an old message does not hide it. */
  const isShownBefore = (inner: Uint8Array): boolean => {
    const digest = createHash("sha256").update(inner).digest("base64")
    const before = shown.delete(digest)
    shown.add(digest)
    if (shown.size > maxShown) shown.delete(shown.values().next().value!)
    return before
  }

  const warningsOf = (message: Message, inner: Uint8Array): ReadonlyArray<Warning> => {
    const found: Array<Warning> = []
    if (message.to !== user) found.push("wrong-recipient")
    if (isShownBefore(inner)) found.push("replayed")
    if (message.timestamp < startedAt - clockSkewMs) found.push("stale")
    if (message.timestamp > now() + clockSkewMs) found.push("future")
    return found
  }

  return {
    receive: async (bytes) => {
      const frame = decode(bytes)
      if (Result.isFailure(frame)) return { type: "refused", cause: frame.failure.cause }
      const opened = open(messageKey, frame.success)
      if (Result.isFailure(opened)) return { type: "refused", cause: opened.failure.cause }
      const { inner, message } = opened.success
      let signKey: KeyObject
      try {
        signKey = (await keys.keysOf(message.from)).sign
      } catch (error) {
        return { type: "refused", cause: causeOf(error) }
      }
      const verified = verifySender(opened.success, signKey)
      if (Result.isFailure(verified)) return { type: "refused", cause: verified.failure.cause }
      return { type: "message", message: verified.success, warnings: warningsOf(message, inner) }
    }
  }
}
