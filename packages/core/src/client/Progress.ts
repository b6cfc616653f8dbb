/**
 * How far this device has received: the last inbox order, and deliveries that are committed but perhaps not acknowledged.
 *
 * Spec: docs/spec/16-state.md §16.1 (`progress/in`), §16.2, rule state.commit.2.
 */
import * as Bytes from "../base/Bytes.ts"
import type { Delivery } from "../ports/Transport.ts"
import type { Work } from "./Conversations.ts"
import type { Opened } from "./Opened.ts"
import * as Records from "./Records.ts"

/** Deliveries remembered as committed but perhaps not acknowledged. */
const remembered = 512

/** The end of an envelope tells it from others: it is a part of an authentication tag. */
export const endOf = ({ envelope }: Delivery): string =>
  Bytes.toHex(envelope.subarray(Math.max(0, envelope.length - 16)))

const padded = (bytes: Uint8Array): Uint8Array =>
  bytes.length === 16 ? bytes : Bytes.concat(bytes, new Uint8Array(16 - bytes.length))

/**
 * Writes down, with a work, the last inbox order given out and what it commits, so that a crash before the acknowledgement raises no
 * alarm and no order is given out twice.
 */
export const put = (opened: Opened, work: Work, order: number, acknowledged: ReadonlyArray<Delivery>): void => {
  const committed = new Map(opened.committed)
  for (const delivery of acknowledged) committed.set(delivery.id, endOf(delivery))
  shorten(committed)
  const record: Records.ProgressIn = {
    version: Records.written,
    order,
    committed: [...committed].map(([id, end]) => ({ id, end: padded(Bytes.fromHex(end)!) }))
  }
  work.batch.put(Records.keys.progressIn, Records.ProgressIn.encode(record), opened.progressInSlot)
  work.batch.applied(() => {
    for (const delivery of acknowledged) opened.committed.set(delivery.id, endOf(delivery))
    shorten(opened.committed)
  })
}

const shorten = (committed: Map<number, string>): void => {
  for (const id of committed.keys()) {
    if (committed.size <= remembered) return
    committed.delete(id)
  }
}
