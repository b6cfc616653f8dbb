/**
 * Reading back records this device stored: canonical arrays whose first element is their format version.
 *
 * Spec: docs/spec/16-state.md §16.1, rules state.version.1 and state.corrupt.1.
 * Does not guess: a version it does not know is named as such, everything else that does not decode is corrupt.
 */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import type { Layout } from "./Layout.ts"
import { Reader } from "./Reader.ts"

/** A stored record that cannot be read. Nothing was changed. */
export class Unreadable extends Data.TaggedClass("Unreadable")<{ readonly reason: "corrupt" | "version" }> {}

/** The result of a record that does not decode. */
export const corrupt: Result.Result<never, Unreadable> = Result.fail(new Unreadable({ reason: "corrupt" }))
const unknownVersion: Result.Result<never, Unreadable> = Result.fail(new Unreadable({ reason: "version" }))

/** Decodes a record whose layout is a tuple that begins with `version`. */
export const decode = <T>(layout: Layout<T>, version: number, bytes: Uint8Array): Result.Result<T, Unreadable> => {
  const decoded = layout.decode(bytes)
  if (Result.isSuccess(decoded)) return Result.succeed(decoded.success)
  const reader = new Reader(bytes)
  reader.arrayHeader(1, 0xffff)
  const found = reader.uint(0, Number.MAX_SAFE_INTEGER)
  return reader.reason === undefined && found !== version ? unknownVersion : corrupt
}
