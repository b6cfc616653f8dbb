/**
 * Why a store cannot be used, and what its owner can do about it: the cause inside a `StoreError` of this package.
 *
 * Spec: docs/spec/16-state.md §16.1, §16.2.
 * Carries the path the application gave, and nothing that is kept in the store.
 */
import * as Schema from "effect/Schema"

/**
 * - `in-use`: another process, or another handle of this one, has the store open.
 * - `not-a-store`: the file is something else, or empty. It was not touched.
 * - `newer-version`: a later release wrote it. It was not touched.
 * - `damaged`: the file, or one record of it, is not what was written. Restore a copy; peers will notice and repair.
 * - `replaced`: the file was moved, removed or replaced while the store was open. Nothing was written since.
 * - `failed`: an earlier commit failed in a way that leaves its outcome open. Close the store and open it again.
 * - `closed`: the handle was closed.
 */
export class StoreUnusable extends Schema.TaggedError<StoreUnusable>()("StoreUnusable", {
  reason: Schema.Literals(["in-use", "not-a-store", "newer-version", "damaged", "replaced", "failed", "closed"]),
  path: Schema.String,
  /** One sentence for people: what is the matter and what to do. */
  message: Schema.String
}) {}
