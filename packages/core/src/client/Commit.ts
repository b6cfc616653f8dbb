/**
 * Collects what one operation changes, writes it in one atomic commit, then wipes what it used up.
 *
 * Spec: docs/spec/16-state.md §16.2.
 * The only place that wipes what a step listed as `consumed`, and only after its successor is durable. Does not know what a
 * record means.
 */
import * as Effect from "effect/Effect"
import * as Bytes from "../base/Bytes.ts"
import * as KeyCache from "../crypto/KeyCache.ts"
import { LeaseLost, type Store, type StoreError, type Write } from "../ports/Store.ts"

/** Where a record held in memory stands in the store: the revision it was read or written at, `undefined` when it is absent there. */
export interface Slot {
  revision: number | undefined
}

/** The slot of a record that is not stored yet. */
export const absent = (): Slot => ({ revision: undefined })

interface Change {
  readonly value: Uint8Array | undefined
  readonly slot: Slot | undefined
  /** Compared by the store: a revision, "absent", or `undefined` for no comparison. */
  readonly expected: number | "absent" | undefined
}

/**
 * The changes of one operation, last one per key. With a slot the write is compared with the slot's revision (rule state.commit.3).
 * Nothing outside the batch changes before {@link commit} succeeded.
 */
export class Batch {
  private readonly changes = new Map<string, Change>()
  private readonly used: Array<Uint8Array> = []
  private readonly hooks: Array<() => void> = []

  /** Whether a commit would write nothing. */
  get isEmpty(): boolean {
    return this.changes.size === 0
  }

  /** Writes a record. */
  put(key: string, value: Uint8Array, slot?: Slot): void {
    const before = this.changes.get(key)
    const expected =
      before !== undefined ? before.expected : slot === undefined ? undefined : (slot.revision ?? "absent")
    this.changes.set(key, { value, slot, expected })
  }

  /** Removes a record; one that this very batch put first is simply not written. */
  remove(key: string, slot?: Slot): void {
    const before = this.changes.get(key)
    const expected = before !== undefined ? before.expected : slot?.revision
    if (expected === "absent") this.changes.delete(key)
    else this.changes.set(key, { value: undefined, slot, expected })
  }

  /** What the store would hold under `key` after this batch: bytes, `"removed"`, or `undefined` when the batch does not touch it. */
  peek(key: string): Uint8Array | "removed" | undefined {
    const change = this.changes.get(key)
    return change === undefined ? undefined : (change.value ?? "removed")
  }

  /** Secrets to wipe once the commit succeeded. */
  consume(secrets: ReadonlyArray<Uint8Array>): void {
    for (const secret of secrets) this.used.push(secret)
  }

  /** Runs after the commit succeeded, in the order of registration: this is where memory follows the store. */
  applied(hook: () => void): void {
    this.hooks.push(hook)
  }

  /** The writes as the store takes them. */
  writes(): ReadonlyArray<Write> {
    const writes: Array<Write> = []
    for (const [key, { expected, value }] of this.changes) {
      if (value !== undefined)
        writes.push(expected === undefined ? { op: "put", key, value } : { op: "put", key, value, expected })
      else writes.push(typeof expected === "number" ? { op: "delete", key, expected } : { op: "delete", key })
    }
    return writes
  }

  /** Called once, by {@link commit}. */
  finish(revisions: ReadonlyArray<number>): void {
    let at = 0
    for (const { slot, value } of this.changes.values()) {
      if (value !== undefined) {
        if (slot !== undefined) slot.revision = revisions[at]
        at++
      } else if (slot !== undefined) slot.revision = undefined
    }
    for (const hook of this.hooks) hook()
    KeyCache.forget(this.used)
    Bytes.wipe(...this.used)
  }
}

/**
 * Writes a batch, all or nothing, and brings memory up to it. A conflict means that somebody else writes this store: it is
 * answered like a lost lease, because what this client holds in memory is no longer true.
 */
export const commit = (store: Store["Service"], batch: Batch): Effect.Effect<void, StoreError | LeaseLost> =>
  Effect.uninterruptible(
    Effect.map(
      Effect.catchTag(batch.isEmpty ? Effect.succeed([]) : store.commit(batch.writes()), "Conflict", () =>
        Effect.fail(new LeaseLost())
      ),
      (revisions) => batch.finish(revisions)
    )
  )
