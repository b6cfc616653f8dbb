/**
 * The order of everything sent: places are taken from a stretch that is reserved in the store, so that none is given out twice.
 *
 * Spec: docs/spec/16-state.md §16.1.
 * Does not know what is sent.
 */
import * as Effect from "effect/Effect"
import { Batch, commit } from "./Commit.ts"
import type { ClientError } from "./Errors.ts"
import type { Opened } from "./Opened.ts"
import * as Records from "./Records.ts"

/** Outbox orders reserved in the store at a time. */
const reservation = 4096

/** Makes sure that `count` orders can be taken without touching the store (call before {@link nextOrder}). */
export const reserve = (opened: Opened, count: number): Effect.Effect<void, ClientError> =>
  opened.order + count <= opened.reserved
    ? Effect.void
    : opened.reserving.withPermit(
        Effect.suspend(() => {
          if (opened.order + count <= opened.reserved) return Effect.void
          const reserved = opened.order + count + reservation
          const batch = new Batch()
          const record = Records.ProgressOut.encode({ version: Records.written, reserved })
          batch.put(Records.keys.progressOut, record, opened.progressOutSlot)
          batch.applied(() => {
            opened.reserved = reserved
          })
          return commit(opened.store, batch)
        })
      )

/** The next place in the order of everything sent. */
export const nextOrder = (opened: Opened): number => opened.order++
