/**
 * What a malformed encoding is called in the failure taxonomy.
 *
 * Spec: docs/spec/07-sequencing.md §7.3.
 * The codec tells a dozen reasons apart; reports know fewer causes.
 */
import * as Result from "effect/Result"
import { type Cause, fail, type Failure } from "../base/Failure.ts"
import type { Layout } from "./Layout.ts"
import type { Reason } from "./Malformed.ts"

/** The cause under which each reason is reported. */
export const causeOf: { readonly [R in Reason]: Cause } = {
  truncated: "decode.truncated",
  trailing: "decode.trailing",
  noncanonical: "decode.noncanonical",
  type: "decode.type",
  depth: "decode.size",
  size: "decode.size",
  count: "decode.size",
  utf8: "decode.utf8",
  "key-order": "decode.noncanonical",
  "duplicate-key": "decode.noncanonical",
  "unknown-critical": "decode.unknown-critical",
  value: "decode.value"
}

/** Decodes with a layout; refuses with the cause of the taxonomy. */
export const decode = <T>(layout: Layout<T>, bytes: Uint8Array): Result.Result<T, Failure> => {
  const decoded = layout.decode(bytes)
  return Result.isSuccess(decoded) ? Result.succeed(decoded.success) : fail(causeOf[decoded.failure.reason])
}
