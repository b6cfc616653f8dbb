/**
 * How the relay says no: a code of the closed list, a sentence for people, and what the code carries.
 *
 * Spec: docs/spec/14-relay.md rule relay.error.1.
 * Sentences are constants: nothing a client sent is ever repeated in one.
 */
import type { ErrorCode, RelayFrame } from "@tacit/transport-ws/frames"

/** A refusal as a value; strangers cause them, so they are no `Error`s. */
export interface Refusal {
  readonly _tag: "Refusal"
  readonly code: ErrorCode
  readonly retryAfterMs: number
  readonly detail: Uint8Array
}

const sentences: { readonly [Code in ErrorCode]: string } = {
  "bad-frame": "This frame does not decode. Update the software that sent it.",
  "unknown-frame": "This relay does not know frames of this type. Update the relay or ask for something else.",
  "too-large": "This envelope is larger than the protocol carries. Send long data as an attachment.",
  "not-logged-in": "Log in first.",
  "not-anonymous": "Keep look-ups and submissions on one connection and everything of the device on another.",
  "bad-password":
    "Name and one-time password do not fit together, or the password expired. Ask the administrator for a new one.",
  "bad-proof": "The proof of possession does not verify. Say hello, and sign the challenge of the welcome.",
  "bad-signature": "A signature does not verify. Say hello, and sign the challenge of the welcome.",
  "name-taken": "The name belongs to another account, or the mailbox or device is registered already. Choose another.",
  "unknown-user": "Nobody has this name here. Check the spelling, or ask them for their name.",
  "unknown-device": "This device is not served here: unknown, revoked, or without prekeys. Fetch the newest manifest.",
  "unknown-mailbox": "There is no such mailbox here. Fetch the device's bundle again.",
  "stale-device": "This device was revoked. Use the manifest in the detail.",
  "stale-state":
    "This device has logged in with a later state. It was restored from an old copy: renew the start and resynchronise.",
  "bad-token": "The delivery token is not the mailbox's. Start a new session to learn the present one.",
  "bad-manifest": "The manifest does not decode, does not follow the newest one, or does not list the device.",
  "bad-prekeys":
    "A signature is wrong, an id was used before, or there are too many. The detail names the highest ids.",
  "unknown-slot": "There is no such slot for this party: it never was, is used, or is over. Begin linking again.",
  "not-admin": "Only an admin device of the account may ask for this. Ask on the device that made the account.",
  "not-entitled":
    "This account may not use the relay now: the platform it belongs to says so. What is stored for it is still handed out.",
  "removed-by-relay":
    "The administrator of this relay removed this account or device. The detail says which, and when. Ask the administrator.",
  quota: "There is no more room: the mailbox is full, or the slot. Try again later.",
  "rate-limited": "Too much at once. Wait as long as this answer says.",
  "going-away": "The relay is shutting down. Connect again later.",
  internal: "The relay could not store this. Nothing was changed; try again later."
}

const nothing = new Uint8Array(0)

/** A refusal. `retryAfterMs` 0 means that repeating will not help. */
export const refuse = (code: ErrorCode, retryAfterMs = 0, detail: Uint8Array = nothing): Refusal => ({
  _tag: "Refusal",
  code,
  retryAfterMs: Math.ceil(retryAfterMs),
  detail
})

/** Whether a handler's outcome is a refusal. */
export const isRefusal = (outcome: object | undefined): outcome is Refusal =>
  outcome !== undefined && "_tag" in outcome && outcome._tag === "Refusal"

/** The frame that tells the client. */
export const frame = (request: number, refusal: Refusal): RelayFrame => ({
  type: 255,
  request,
  code: refusal.code,
  message: sentences[refusal.code],
  retryAfterMs: refusal.retryAfterMs,
  detail: refusal.detail
})
