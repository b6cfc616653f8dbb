/**
 * Why a relay refuses: the closed list of codes.
 *
 * Spec: docs/spec/14-relay.md rule relay.error.1.
 * Holds no wording: the relay writes a sentence for people beside each code.
 */

/** Every code, in the order of the spec. */
export const codes = [
  "bad-frame",
  "unknown-frame",
  "too-large",
  "not-logged-in",
  "not-anonymous",
  "bad-password",
  "bad-proof",
  "bad-signature",
  "name-taken",
  "unknown-user",
  "unknown-device",
  "unknown-mailbox",
  "stale-device",
  "stale-state",
  "bad-token",
  "bad-manifest",
  "bad-prekeys",
  "unknown-slot",
  "not-admin",
  "not-entitled",
  "removed-by-relay",
  "quota",
  "rate-limited",
  "going-away",
  "internal"
] as const

/** A code of rule relay.error.1. */
export type ErrorCode = (typeof codes)[number]

const known: ReadonlySet<string> = new Set(codes)

/** Whether a text read from the wire is a code of the list. */
export const isErrorCode = (text: string): text is ErrorCode => known.has(text)
