/**
 * The one error of the codec.
 *
 * Spec: docs/spec/02-encoding.md §2.6.
 * A plain tagged value: strangers can provoke it, so it captures no stack and echoes no input.
 */
import * as Data from "effect/Data"

/** Why bytes were refused. Closed; the meaning of each is in the spec. */
export type Reason =
  | "truncated"
  | "trailing"
  | "noncanonical"
  | "type"
  | "depth"
  | "size"
  | "count"
  | "utf8"
  | "key-order"
  | "duplicate-key"
  | "unknown-critical"
  | "value"

/** Every reason, in the order of the spec. */
export const reasons: ReadonlyArray<Reason> = [
  "truncated",
  "trailing",
  "noncanonical",
  "type",
  "depth",
  "size",
  "count",
  "utf8",
  "key-order",
  "duplicate-key",
  "unknown-critical",
  "value"
]

/** Bytes that are not the canonical encoding of an allowed value. Drop them. */
export class Malformed extends Data.TaggedClass("Malformed")<{ readonly reason: Reason }> {}
