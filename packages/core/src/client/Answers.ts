/**
 * Receipts, and answers to session starts and resynchronise requests, sealed in the commit that delivers what they answer.
 *
 * Spec: docs/spec/07-sequencing.md §7.2; docs/spec/03-envelopes.md §3.5.
 * Answers to retry requests go out after the commit: client/Retry.ts.
 */
import * as Effect from "effect/Effect"
import * as Conversations from "./Conversations.ts"
import * as Fence from "./Fence.ts"
import type { Delivery } from "../ports/Transport.ts"
import type { Device, Opened } from "./Opened.ts"
import * as Orders from "./Orders.ts"
import * as Receipts from "./Receipts.ts"
import * as Records from "./Records.ts"
import * as Retry from "./Retry.ts"
import * as Sealing from "./Sealing.ts"
import type { Burst } from "./Burst.ts"
import { endOf } from "./Progress.ts"

/**
 * Something is to be sent again after the commit. It stands in the store until that was done: a device that ends in between goes on with it
 * when it is opened again (rule session.retry.5).
 */
export const want = (
  opened: Opened,
  work: Burst,
  { account, hex }: Device,
  delivery: Delivery,
  what: Omit<Records.Wanted, "version">
): void => {
  const key = Records.keys.wanted(account, hex, endOf(delivery))
  work.batch.put(key, Records.Wanted.encode({ version: Records.written, ...what }))
  work.after.push(Retry.serve(opened, key, what))
}

/** Receipts, answers to session starts and to requests, sealed in the commit that delivers what they answer. */
export const settle = Effect.fnUntraced(function* (opened: Opened, work: Burst) {
  yield* Orders.reserve(opened, work.touched.size * (Receipts.most + 2))
  for (const { delivery, device, request } of work.resynchronised) {
    const handle = work.held.get(device.account)!
    const above = Fence.highestOf(request)
    if (Fence.isBehind(opened, handle, device, above)) work.after.push(Fence.detectFromNumbers(opened))
    if (request.answer) {
      yield* Fence.thaw(opened, work, handle, device, request)
      continue
    }
    const { generation, startId } = request
    const body = {
      _tag: "Resynchronise",
      answer: true,
      generation,
      startId,
      received: Fence.received(handle, device)
    } as const
    Sealing.post(opened, work, handle, device.id, Sealing.control(opened, body, work.now), work.now, true)
    want(opened, work, device, delivery, { digests: [], above })
    // What it received must be known to it before it sends again what it did not.
    device.receiptAt = 0
  }
  for (const device of work.touched) {
    const handle = work.held.get(device.account)!
    if (device.owed.size > 0) Receipts.settle(opened, work, handle, device, work.now)
  }
  for (const device of work.answers) {
    if (work.posted.has(device.hex) || Conversations.isFrozen(opened, device)) continue
    const handle = work.held.get(device.account)!
    Sealing.post(
      opened,
      work,
      handle,
      device.id,
      Sealing.control(opened, { _tag: "Acknowledge" }, work.now),
      work.now,
      true
    )
  }
})
