/**
 * The slots of a relay over plain maps.
 *
 * Spec: docs/spec/14-relay.md §14.7 rules relay.slot.1–6.
 * For tests: takes the time as an argument, and knows no connections: who listens is told by a function.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import type { SlotPlace } from "../ports/Slots.ts"
import { Refused } from "../ports/Transport.ts"

const lifetimeMs = 10 * 60_000
const maxOpened = 8
const maxBlobs = 16
const maxBlobBytes = 65_536

/** One party's blobs, and who is told of the other's. */
export interface Party {
  readonly secret: Uint8Array
  readonly blobs: Array<Uint8Array>
  listen: (number: number, blob: Uint8Array) => void
}

interface Slot {
  readonly device: string
  readonly expires: number
  readonly parties: Array<Party>
  gone: boolean
}

/** A place that was taken. */
export interface Seat {
  readonly slot: Slot
  readonly party: Party
}

const refuse = (code: string, retryAfterMs = 0): Result.Result<never, Refused> =>
  Result.fail(new Refused({ code, explanation: "The slot refuses.", retryAfterMs, detail: Bytes.empty }))

export class MemorySlots {
  private readonly slots = new Map<string, Slot>()
  private readonly opened = new Map<string, Array<number>>()

  /** `device` is the opener's id in hexadecimal. */
  open(device: string, { party, slot }: SlotPlace, now: number): Result.Result<void, Refused> {
    const id = Bytes.toHex(slot)
    const held = this.slots.get(id)
    if (held !== undefined && held.expires > now) {
      const same = held.device === device && Bytes.equal(held.parties[0]!.secret, party)
      return same ? Result.void : refuse("unknown-slot")
    }
    const recent = (this.opened.get(device) ?? []).filter((at) => now - at < lifetimeMs)
    if (recent.length >= maxOpened) return refuse("rate-limited", recent[0]! + lifetimeMs - now)
    this.opened.set(device, [...recent, now])
    const opener: Party = { secret: party.slice(), blobs: [], listen: () => undefined }
    this.slots.set(id, { device, expires: now + lifetimeMs, parties: [opener], gone: false })
    return Result.void
  }

  join({ party, slot }: SlotPlace, from: number, listen: Party["listen"], now: number): Result.Result<Seat, Refused> {
    const held = this.slots.get(Bytes.toHex(slot))
    if (held === undefined || !this.isServed(held, now)) return refuse("unknown-slot")
    let mine = held.parties.find(({ secret }) => Bytes.equal(secret, party))
    if (mine === undefined) {
      if (held.parties.length === 2) return refuse("unknown-slot")
      held.parties.push((mine = { secret: party.slice(), blobs: [], listen }))
    }
    mine.listen = listen
    const other = held.parties.find((one) => one !== mine)
    other?.blobs.slice(from).forEach((blob, i) => listen(from + i, blob.slice()))
    return Result.succeed({ slot: held, party: mine })
  }

  post({ party, slot }: Seat, number: number, blob: Uint8Array, now: number): Result.Result<void, Refused> {
    if (!this.isServed(slot, now)) return refuse("unknown-slot")
    if (blob.length === 0 || blob.length > maxBlobBytes) return refuse("bad-frame")
    const before = party.blobs[number]
    if (before !== undefined) return Bytes.equal(before, blob) ? Result.void : refuse("bad-frame")
    if (number >= maxBlobs) return refuse("quota")
    if (number !== party.blobs.length) return refuse("bad-frame")
    party.blobs.push(blob.slice())
    slot.parties.find((one) => one !== party)?.listen(number, blob.slice())
    return Result.void
  }

  close({ slot }: Seat): void {
    slot.gone = true
  }

  /** A device was revoked. */
  dropOf(device: string): void {
    for (const slot of this.slots.values()) if (slot.device === device) slot.gone = true
  }

  private isServed(slot: Slot, now: number): boolean {
    return !slot.gone && slot.expires > now
  }
}
