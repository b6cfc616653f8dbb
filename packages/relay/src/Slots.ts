/**
 * Slots: places in memory where a device and the one that is to join its account leave sealed blobs for each other.
 *
 * Spec: docs/spec/14-relay.md §14.7 rules relay.slot.1–6.
 * Writes nothing to the database, and does not know what is in a blob. Every change may be repeated.
 */
import { Bytes } from "@tacit/core/hazmat"
import { type Blob, maxBlobs } from "@tacit/transport-ws/frames"
import type { RelayLimits } from "./Options.ts"
import { keyed, window } from "./RateLimit.ts"
import { isRefusal, refuse, type Refusal } from "./Refusal.ts"

/** Whom blobs are pushed to: a connection. */
export interface SlotListener {
  readonly send: (frame: Blob) => void
}

/** One party of a slot. */
interface Party {
  /** The 16 bytes it proves itself with. */
  readonly secret: Uint8Array
  readonly blobs: Array<Uint8Array>
  listener: SlotListener | undefined
  /** Number of the other party's blob that is pushed next. */
  next: number
}

interface Slot {
  readonly id: string
  /** Row of the device that opened it. */
  readonly device: number
  readonly expiresAt: number
  readonly opener: Party
  second: Party | undefined
  gone: boolean
}

/** A connection's place in a slot. */
export interface Seat {
  readonly slot: Slot
  readonly party: Party
}

export interface Slots {
  /** A logged-in device opens a slot. Ids are of 16 bytes. */
  readonly open: (device: number, slot: Uint8Array, party: Uint8Array, now: number) => Refusal | undefined
  /** Takes a place; `listener` is pushed the other party's blobs from number `from` on, at the next `push`. */
  readonly join: (
    slot: Uint8Array,
    party: Uint8Array,
    from: number,
    listener: SlotListener,
    now: number
  ) => Seat | Refusal
  readonly post: (seat: Seat, number: number, blob: Uint8Array, now: number) => Refusal | undefined
  readonly close: (seat: Seat, now: number) => Refusal | undefined
  /** Sends both parties what they have not been sent. */
  readonly push: (seat: Seat) => void
  /** A connection is gone. */
  readonly leave: (seat: Seat, listener: SlotListener) => void
  /** A device was revoked: its slots are gone. */
  readonly dropOf: (device: number) => void
  /** Deletes slots that are too old. */
  readonly expire: (now: number) => void
  readonly count: () => number
}

const gone = (): Refusal => refuse("unknown-slot")
const full = (): Refusal => refuse("quota", 60_000)

export const makeSlots = (limits: RelayLimits): Slots => {
  const slots = new Map<string, Slot>()
  const opened = keyed(() => window({ limit: limits.slotsOpened, windowMs: limits.slotMs }))
  let bytes = 0

  const drop = (slot: Slot): void => {
    slot.gone = true
    slots.delete(slot.id)
    for (const party of [slot.opener, slot.second]) {
      for (const blob of party?.blobs ?? []) bytes -= blob.length
    }
  }

  /** The slot unless it is too old. */
  const find = (id: string, now: number): Slot | undefined => {
    const slot = slots.get(id)
    if (slot === undefined || slot.expiresAt > now) return slot
    drop(slot)
    return undefined
  }

  const expire = (now: number): void => {
    // In the order of opening, which is that of expiring, unless the clock was set.
    for (const slot of slots.values()) if (slot.expiresAt <= now) drop(slot)
  }

  const isServed = ({ slot }: Seat, now: number): boolean => !slot.gone && find(slot.id, now) === slot

  const seatOf = (slot: Slot, secret: Uint8Array): Party | undefined => {
    if (Bytes.constantTimeEqual(slot.opener.secret, secret)) return slot.opener
    slot.second ??= { secret: secret.slice(), blobs: [], listener: undefined, next: 0 }
    return Bytes.constantTimeEqual(slot.second.secret, secret) ? slot.second : undefined
  }

  const pushTo = (party: Party, other: Party | undefined): void => {
    const { listener } = party
    if (listener === undefined || other === undefined) return
    for (; party.next < other.blobs.length; party.next++) {
      listener.send({ type: 24, request: 0, number: party.next, blob: other.blobs[party.next]! })
    }
  }

  return {
    open: (device, slot, party, now) => {
      const id = Bytes.toHex(slot)
      const held = find(id, now)
      if (held !== undefined) {
        const same = held.device === device && Bytes.constantTimeEqual(held.opener.secret, party)
        return same ? undefined : gone()
      }
      const limit = opened.of(String(device))
      const wait = limit.wait(now)
      if (wait > 0) return refuse("rate-limited", wait)
      if (slots.size >= limits.slots) expire(now)
      if (slots.size >= limits.slots) return full()
      limit.add(now)
      slots.set(id, {
        id,
        device,
        expiresAt: now + limits.slotMs,
        opener: { secret: party.slice(), blobs: [], listener: undefined, next: 0 },
        second: undefined,
        gone: false
      })
      return undefined
    },
    join: (slot, secret, from, listener, now) => {
      const held = find(Bytes.toHex(slot), now)
      const party = held === undefined ? undefined : seatOf(held, secret)
      if (held === undefined || party === undefined) return gone()
      party.listener = listener
      party.next = from
      return { slot: held, party }
    },
    post: (seat, number, blob, now) => {
      if (!isServed(seat, now)) return gone()
      const { blobs } = seat.party
      const before = blobs[number]
      if (before !== undefined) return Bytes.equal(before, blob) ? undefined : refuse("bad-frame")
      if (number >= maxBlobs) return refuse("quota")
      if (number !== blobs.length) return refuse("bad-frame")
      if (bytes + blob.length > limits.slotBytes) return full()
      blobs.push(blob.slice())
      bytes += blob.length
      return undefined
    },
    close: (seat, now) => {
      if (!isServed(seat, now)) return gone()
      drop(seat.slot)
      return undefined
    },
    push: ({ slot }) => {
      if (slot.gone) return
      pushTo(slot.opener, slot.second)
      if (slot.second !== undefined) pushTo(slot.second, slot.opener)
    },
    leave: ({ party }, listener) => {
      if (party.listener === listener) party.listener = undefined
    },
    dropOf: (device) => {
      for (const slot of slots.values()) if (slot.device === device) drop(slot)
    },
    expire,
    count: () => slots.size
  }
}

/** Whether joining gave a seat. */
export const isSeat = (outcome: Seat | Refusal): outcome is Seat => !isRefusal(outcome)
