/**
 * Durable records of one device: bytes by key, with revisions and atomic commits.
 *
 * Spec: docs/spec/16-state.md §16.1, §16.2.
 * Does not know what a record means, and does not seal it.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A stored record. `revision` is a positive integer that changes with every write of the key and is never reused for it. */
export interface StoredRecord {
  readonly key: string
  readonly value: Uint8Array
  readonly revision: number
}

/**
 * One change of a commit. `expected` compares before writing: a revision means "still this one", `"absent"` means "no
 * such key", left out means "whatever is there".
 */
export type Write =
  | { readonly op: "put"; readonly key: string; readonly value: Uint8Array; readonly expected?: number | "absent" }
  | { readonly op: "delete"; readonly key: string; readonly expected?: number }

/** An I/O failure of the storage below. Nothing of the commit was written, or the store must be opened again. */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  operation: Schema.Literals(["open", "get", "scan", "commit", "close"]),
  cause: Schema.Defect()
}) {}

/** A commit was based on a revision that is no longer stored; nothing was written (rule state.commit.3). Load and try again. */
export class Conflict extends Schema.TaggedError<Conflict>()("Conflict", { key: Schema.String }) {}

/** Another process took the store; this handle can write no more (rule state.lease.1). Close it. */
export class LeaseLost extends Schema.TaggedError<LeaseLost>()("LeaseLost", {}) {}

/**
 * Port. Keys are printable ASCII of at most 256 characters, values at most 1 MiB.
 *
 * - `commit` writes all or nothing. It succeeds only when the whole batch is durable against power loss, returns the new
 *   revision of each put, in order, and may be grouped with commits of other fibers. Each key appears at most once.
 * - `get` and `scan` see every commit that succeeded before they were called. Returned bytes belong to the caller.
 * - `scan` yields keys that start with `prefix` in ascending order (by code unit), after `after` if given, at most
 *   `limit` (default 1,000).
 * - An interrupted `commit` either happened whole or not at all.
 */
export class Store extends Context.Service<
  Store,
  {
    readonly get: (key: string) => Effect.Effect<StoredRecord | undefined, StoreError>
    readonly scan: (
      prefix: string,
      options?: { readonly after?: string; readonly limit?: number }
    ) => Effect.Effect<ReadonlyArray<StoredRecord>, StoreError>
    readonly commit: (
      writes: ReadonlyArray<Write>
    ) => Effect.Effect<ReadonlyArray<number>, StoreError | Conflict | LeaseLost>
  }
>()("@tacit/core/Store") {}
