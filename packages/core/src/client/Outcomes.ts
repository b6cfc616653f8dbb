/**
 * What became of a message, device by device.
 *
 * Spec: docs/spec/22-own-devices.md §22.7; docs/spec/16-state.md §16.2, rule state.outbox.1.
 * Reads what client/Outbox.ts keeps; changes nothing but the records of what failed.
 */
import * as Effect from "effect/Effect"
import * as Bytes from "../base/Bytes.ts"
import * as Body from "../envelope/Body.ts"
import type * as Api from "./Api.ts"
import type { Batch } from "./Commit.ts"
import * as Conversations from "./Conversations.ts"
import type { ClientError } from "./Errors.ts"
import * as Loading from "./Loading.ts"
import type { Contact, Device, Entry, Handle, Lane, Opened } from "./Opened.ts"
import * as Records from "./Records.ts"
import { senderOf } from "./Senders.ts"

/** How long it is known that a message failed, ms. */
export const keptMs = 30 * 24 * 60 * 60 * 1000

/** Messages of which it is remembered, while the client is open, that a device has done with them. */
const mostEnded = 4096

/** Remembers the last state of a message of which no record is kept any more. */
export const end = ({ ended }: Opened, device: string, message: string, state: "delivered" | "read"): void => {
  const states = ended.get(message)
  if (states !== undefined) return void states.set(device, state)
  ended.set(message, new Map([[device, state]]))
  for (const oldest of ended.keys()) {
    if (ended.size <= mostEnded) return
    ended.delete(oldest)
  }
}

/** Writes down that a message failed for a device, in the commit that takes it out of the outbox. Of words to own devices nobody asks. */
export const fail = (
  batch: Batch,
  { account, device }: Pick<Lane, "account" | "device">,
  { message, type }: Pick<Entry, "message" | "type">,
  reason: string,
  at: number
): void => {
  if (!Body.isNumbered(type) || type === Body.types.ownDevice) return
  const record = {
    version: Records.written,
    account: Bytes.fromHex(account)!,
    at,
    reason: reason.slice(0, 64)
  } as const
  batch.put(Records.keys.unsent(message, device), Records.Unsent.encode(record))
}

/** Forgets failures that nobody asks for any more. */
export const forget = Effect.fnUntraced(function* (opened: Opened, batch: Batch, now: number) {
  for (const { key, value } of yield* Loading.scanAll(opened.store, "unsent/")) {
    const { at } = yield* Records.read(Records.Unsent, key, value)
    if (now - at > keptMs) batch.remove(key)
  }
})

/** Every device of which something is known, recipients first. `id` is 32 hexadecimal characters. */
export const of = (
  opened: Opened,
  contact: Contact,
  id: string
): Effect.Effect<ReadonlyArray<Api.DeviceOutcome>, ClientError> =>
  Effect.gen(function* () {
    if (Bytes.fromHex(id)?.length !== 16) return []
    const outcomes = new Map<string, Api.DeviceOutcome>()
    for (const account of [contact.hex, opened.hex.account]) {
      const handle = yield* Conversations.get(opened, account)
      for (const device of handle.devices.values()) {
        const state = stateOf(opened, device, id)
        if (state !== undefined) outcomes.set(device.hex, outcome(opened, device, state, undefined))
      }
      for (const lane of opened.lanes.values()) {
        if (lane.account !== account || outcomes.has(lane.device)) continue
        const reason = waitsFor(opened, handle, lane, id)
        if (reason === undefined) continue
        outcomes.set(lane.device, outcome(opened, { account, hex: lane.device }, "queued", reason))
      }
    }
    for (const { key, value } of yield* Loading.scanAll(opened.store, `unsent/${id}/`)) {
      const device = Records.partsOf(key)[2]!
      const record = yield* Records.read(Records.Unsent, key, value)
      if (outcomes.has(device)) continue
      const about = { account: Bytes.toHex(record.account), hex: device }
      outcomes.set(device, outcome(opened, about, "failed", record.reason))
    }
    return [...outcomes.values()].sort((a, b) => Number(a.own) - Number(b.own))
  })

const stateOf = (opened: Opened, device: Device, id: string): Api.OutboxState | undefined =>
  opened.ended.get(id)?.get(device.hex) ?? device.tracked.get(id)?.state

/** What a message that is kept in a lane waits for. */
const waitsFor = (opened: Opened, handle: Handle, lane: Lane, id: string): string | undefined => {
  if (lane.byMessage.has(id) || lane.queue.some(({ message }) => message === id)) return "relay"
  if (!lane.waiting.some(({ message }) => message === id)) return undefined
  const device = handle.devices.get(lane.device)
  if (device === undefined) return "session"
  if (Conversations.isFrozen(opened, device)) return "confirmation"
  return Conversations.activeSession(device)?.session.pending === undefined ? "session" : "answer"
}

const results = { queued: "waiting", sent: "reached", delivered: "reached", read: "reached", failed: "failed" } as const

const outcome = (
  opened: Opened,
  { account, hex }: Pick<Device, "account" | "hex">,
  state: Api.OutboxState,
  reason: string | undefined
): Api.DeviceOutcome => ({
  to: senderOf(opened, account, hex),
  own: account === opened.hex.account,
  result: results[state],
  state,
  reason
})
