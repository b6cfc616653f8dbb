/**
 * Answers of the key service: the compatible one, which signs two keys and nothing else, and the bound one, which also names the
 * user, a time window and the answer before.
 *
 * Spec: docs/spec/15-nes.md §15.6 (rules nes.answer.1–nes.answer.4).
 * Vectors: vectors/nes/data/answers.json.
 * Made by the directory, verified by whoever asks. Knows no HTTP.
 */
import { createHash, type KeyObject } from "node:crypto"
import * as Result from "effect/Result"
import { decodeObject, fromBase64, toBase64 } from "./Frame.ts"
import { rawMember, stringify } from "./GoJson.ts"
import { KeyError } from "./KeySource.ts"
import { parsePair, type PublicKeys } from "./Keys.ts"
import { signPss, verifyPss } from "./Rsa.ts"

/** The format of an answer. */
export type AnswerFormat = "compatible" | "bound"

const boundFormat = "tacit-nes-directory/1"
const recordFormat = "tacit-nes-record/1"

/** How long a bound answer is good for, in ms. */
export const windowMs = 10 * 60 * 1000

/** How far two clocks may lie apart, in ms. */
export const skewMs = 5 * 60 * 1000

/** Two keys in PEM, as they were registered. */
export interface KeyTexts {
  readonly message: string
  readonly sign: string
}

/** One registration of a name: the first has version 1, each later one names the digest of the one before. */
export interface Registration extends KeyTexts {
  readonly username: string
  readonly version: number
  /** Digest of the registration before, or "" for the first. */
  readonly previous: string
}

const utf8 = (text: string): Uint8Array => Buffer.from(text, "utf8")

/** SHA-256 of a registration, in URL-safe base 64. */
export const digestOf = (one: Registration): string =>
  toBase64(
    createHash("sha256")
      .update(
        stringify({
          format: recordFormat,
          username: one.username,
          version: one.version,
          previous: one.previous,
          public_key_message: one.message,
          public_key_sign: one.sign
        })
      )
      .digest()
  )

const body = (response: string, key: KeyObject): string =>
  `{"response":${response},"signature":"${toBase64(signPss(key, utf8(response)))}"}\n`

/** The body of a compatible answer, ending in a line feed. */
export const compatible = (keys: KeyTexts, key: KeyObject): string =>
  body(stringify({ public_key_message: keys.message, public_key_sign: keys.sign }), key)

/** The body of a bound answer, good for ten minutes from `now`. */
export const bound = (one: Registration, now: number, key: KeyObject): string =>
  body(
    stringify({
      format: boundFormat,
      username: one.username,
      version: one.version,
      previous: one.previous,
      public_key_message: one.message,
      public_key_sign: one.sign,
      issued: now,
      expires: now + windowMs
    }),
    key
  )

/** What one keeps of the newest bound answer about a user. */
export interface Seen {
  readonly version: number
  readonly digest: string
}

const fail = (reason: KeyError["reason"]) => Result.fail(new KeyError({ reason }))

/** The member `response`, read, after its received bytes were verified. */
const signedResponse = (
  bytes: Uint8Array,
  key: KeyObject
): Result.Result<Readonly<Record<string, unknown>>, KeyError> => {
  const outer = decodeObject(bytes)
  const raw = outer === undefined ? undefined : rawMember(bytes, "response")
  if (outer === undefined || raw === undefined || typeof outer["signature"] !== "string") return fail("malformed")
  const signature = fromBase64(outer["signature"])
  if (signature === undefined || !verifyPss(key, raw, signature)) return fail("signature")
  const response = decodeObject(raw)
  return response === undefined ? fail("malformed") : Result.succeed(response)
}

const keysIn = (response: Readonly<Record<string, unknown>>): Result.Result<PublicKeys & WithTexts, KeyError> => {
  const { public_key_message: message, public_key_sign: sign } = response
  if (typeof message !== "string" || typeof sign !== "string") return fail("malformed")
  const pair = parsePair(message, sign)
  return Result.isFailure(pair)
    ? Result.fail(new KeyError({ reason: "keys", cause: pair.failure }))
    : Result.succeed({ ...pair.success, texts: { message, sign } })
}

interface WithTexts {
  readonly texts: KeyTexts
}

/** The keys of a compatible answer. Nothing in it says whose keys they are, or of when. */
export const readCompatible = (bytes: Uint8Array, key: KeyObject): Result.Result<PublicKeys, KeyError> => {
  const response = signedResponse(bytes, key)
  if (Result.isFailure(response)) return Result.fail(response.failure)
  // A bound answer is none of these: the same key signs both.
  if ("format" in response.success) return fail("malformed")
  const keys = keysIn(response.success)
  return Result.isFailure(keys)
    ? Result.fail(keys.failure)
    : Result.succeed({ message: keys.success.message, sign: keys.success.sign })
}

/** The keys of a bound answer about `username`, and what to keep of it. `seen` is what was kept of an earlier one. */
export const readBound = (
  bytes: Uint8Array,
  key: KeyObject,
  asked: { readonly username: string; readonly now: number; readonly seen: Seen | undefined }
): Result.Result<{ readonly keys: PublicKeys; readonly seen: Seen }, KeyError> => {
  const answered = signedResponse(bytes, key)
  if (Result.isFailure(answered)) return Result.fail(answered.failure)
  const response = answered.success
  const { expires, issued, previous, username, version } = response
  if (
    response["format"] !== boundFormat ||
    typeof username !== "string" ||
    typeof previous !== "string" ||
    !isWhole(version) ||
    version < 1 ||
    !isWhole(issued) ||
    !isWhole(expires)
  ) {
    return fail("malformed")
  }
  if (username !== asked.username) return fail("other-user")
  if (expires - issued > windowMs || asked.now < issued - skewMs || asked.now > expires + skewMs) return fail("time")
  const keys = keysIn(response)
  if (Result.isFailure(keys)) return Result.fail(keys.failure)
  const digest = digestOf({ username, version, previous, ...keys.success.texts })
  const { seen } = asked
  if (seen !== undefined) {
    if (version < seen.version) return fail("rollback")
    if (version === seen.version && digest !== seen.digest) return fail("fork")
    if (version === seen.version + 1 && previous !== seen.digest) return fail("fork")
  }
  return Result.succeed({
    keys: { message: keys.success.message, sign: keys.success.sign },
    seen: { version, digest }
  })
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value)
