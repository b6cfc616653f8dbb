/**
 * Delivery receipts: sent by themselves, many ids in one.
 *
 * Spec: docs/spec/03-envelopes.md §3.5, rule content.receipt.1; docs/spec/16-state.md §16.1.
 * A receipt that cannot or need not go out yet is owed durably: the record of what is owed is written in the commit that delivers the
 * messages. Reads no receipts: client/Outbox.ts does.
 */
import * as Effect from "effect/Effect"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Conversations from "./Conversations.ts"
import * as Background from "./internal/background.ts"
import type { Device, Handle, Opened } from "./Opened.ts"
import * as Orders from "./Orders.ts"
import * as Settling from "./Settling.ts"
import * as Records from "./Records.ts"
import * as Sealing from "./Sealing.ts"

/** Receipts to one device go out at most this often, ms, unless one is full. The first of a burst goes at once. */
const intervalMs = 50

/** Ids owed to a device that cannot be sent to; beyond that the oldest are forgotten. */
const mostOwed = Limits.maxItems

/** Notes that a message of this device is to be receipted. */
export const owe = (device: Device, message: Uint8Array): void => {
  device.owed.set(Bytes.toHex(message), message)
  if (device.owed.size <= mostOwed) return
  for (const oldest of device.owed.keys()) {
    device.owed.delete(oldest)
    return
  }
}

/**
 * Seals receipts for what is owed, or stores that it is owed and comes back to it. Runs under the lock, as part of the work that
 * delivered the messages; `Orders.reserve` has been called for {@link most} orders.
 */
export const settle = (opened: Opened, work: Sealing.SendWork, handle: Handle, device: Device, now: number): void => {
  const isDue = device.owed.size >= Limits.maxReceiptIds || now - device.receiptAt >= intervalMs
  const key = Records.keys.owed(handle.hex, device.hex)
  if (isDue && Sealing.isReady(opened, work, handle, device.id)) {
    const owed = [...device.owed.values()]
    for (let i = 0; i < owed.length; i += Limits.maxReceiptIds) {
      const messages = owed.slice(i, i + Limits.maxReceiptIds)
      const receipt = Sealing.control(opened, { _tag: "Receipt", state: "delivered", messages }, now)
      Sealing.post(opened, work, handle, device.id, receipt, now)
    }
    device.owed.clear()
    device.receiptAt = now
    if (device.owedSlot.revision !== undefined) work.batch.remove(key, device.owedSlot)
    return
  }
  work.batch.put(
    key,
    Records.Owed.encode({ version: Records.written, messages: [...device.owed.values()] }),
    device.owedSlot
  )
  const waitMs = Math.max(1, device.receiptAt + intervalMs - now)
  work.batch.applied(() => later(opened, handle.hex, device, waitMs))
}

/** Orders that one {@link settle} can take. */
export const most = Math.ceil(mostOwed / Limits.maxReceiptIds)

const timers = new WeakSet<Device>()

/** Comes back to what is owed to a device. One timer for each device at a time. */
const later = (opened: Opened, account: string, device: Device, waitMs: number): void => {
  if (timers.has(device)) return
  timers.add(device)
  opened.spawn(
    Effect.andThen(Effect.sleep(waitMs), () => {
      timers.delete(device)
      return flush(opened, account, device.hex)
    })
  )
}

/** Seals what is owed to a device, if it can be. What cannot waits for the device's next message. */
export const flush = (opened: Opened, account: string, hex: string): Effect.Effect<void> =>
  Background.persist(
    opened,
    Effect.andThen(
      Orders.reserve(opened, most),
      Conversations.withHandle(opened, account, (handle) =>
        Effect.flatMap(Background.now, (now) => {
          const device = handle.devices.get(hex)
          const work = new Sealing.SendWork()
          if (device === undefined || device.owed.size === 0) return Effect.void
          if (!Sealing.isReady(opened, work, handle, device.id)) return Effect.void
          work.handles.add(handle)
          Settling.absorb(opened, work, handle, now)
          device.receiptAt = Math.min(device.receiptAt, now - intervalMs)
          settle(opened, work, handle, device, now)
          return Conversations.commitWork(opened, work)
        })
      )
    )
  )
