/**
 * Why a frame is dropped, and what is said about one that is shown: two closed lists.
 *
 * Spec: docs/spec/15-nes.md §15.4 (rules nes.refuse.1, nes.warn.1).
 * Only the local user sees them. Nothing is ever sent back for a frame.
 */
import * as Data from "effect/Data"

/** Every cause for which a frame is dropped, in the order of the checks. */
export const causes = [
  "frame-size",
  "frame-json",
  "frame-fields",
  "frame-base64",
  "cipherkey-length",
  "cipherkey-range",
  "ciphertext-length",
  "undecryptable",
  "inner-json",
  "inner-fields",
  "sender-name",
  "unknown-sender",
  "keys-unavailable",
  "signature"
] as const

export type Cause = (typeof causes)[number]

/** A frame that was dropped. Changes nothing else and carries nothing of the frame. */
export class Refusal extends Data.TaggedClass("Refusal")<{ readonly cause: Cause }> {}

/** What each cause means, for people. */
export const explanations: Readonly<Record<Cause, string>> = {
  "frame-size": "it is empty or larger than a frame may be",
  "frame-json": "it is not JSON in UTF-8",
  "frame-fields": "cipherkey, ciphertext and signature are not three texts",
  "frame-base64": "a value is not URL-safe base 64 with padding",
  "cipherkey-length": "the sealed key is not as long as this account's RSA key",
  "cipherkey-range": "the sealed key is not below this account's RSA modulus",
  "ciphertext-length": "the ciphertext is empty or not made of 16-byte blocks",
  undecryptable: "it does not open with this account's key",
  "inner-json": "what was inside is not JSON in UTF-8",
  "inner-fields": "from, to, timestamp and message are not as they must be",
  "sender-name": "the sender's name is none that anybody can have",
  "unknown-sender": "the key service knows no such sender",
  "keys-unavailable": "the sender's keys cannot be had just now, or do not verify",
  signature: "the sender's signature is wrong"
}

/**
 * What a shown message may carry. `wrong-recipient`: it was written to somebody else and sealed anew for us. `replayed`: the very
 * same message was shown before. `stale`: written before this listener began. `future`: written later than now. The profile
 * cannot prevent any of them.
 */
export const warnings = ["wrong-recipient", "replayed", "stale", "future"] as const

export type Warning = (typeof warnings)[number]

/** What each warning means, for people. */
export const warningTexts: Readonly<Record<Warning, string>> = {
  "wrong-recipient": "this was written to somebody else and passed on to you",
  replayed: "this was shown before; somebody sent it again",
  stale: "this was written before you began to listen; it may be an old one sent again",
  future: "this says it was written later than now"
}
