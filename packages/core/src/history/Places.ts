/**
 * The places of a history in memory, in order: one packed array of 48 bytes each, and of which conversation they are.
 *
 * Spec: docs/spec/23-history.md §23.1, rule history.order.1.
 * Built from the store when it is first needed. Holds no entries.
 */
import * as Bytes from "../base/Bytes.ts"
import { placeBytes } from "./Entry.ts"

/** A sorted set of places. Adding near the end, where new messages belong, costs little. */
export class Places {
  private bytes = new Uint8Array(placeBytes * 64)
  private tags = new Uint32Array(64)
  /** How many there are. */
  size = 0

  /** The place number `index`, as a view that the next change invalidates. */
  at(index: number): Uint8Array {
    return this.bytes.subarray(index * placeBytes, (index + 1) * placeBytes)
  }

  /** What was given with it. */
  tagAt(index: number): number {
    return this.tags[index]!
  }

  /** How many lie below a bound, bytewise; an empty bound is below everything. */
  below(bound: Uint8Array): number {
    let low = 0
    let high = this.size
    while (low < high) {
      const middle = (low + high) >>> 1
      if (Bytes.compare(this.at(middle), bound) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  has(place: Uint8Array): boolean {
    const at = this.below(place)
    return at < this.size && Bytes.equal(this.at(at), place)
  }

  /** Adds a place; one that is there stays. */
  add(place: Uint8Array, tag = 0): void {
    const at = this.below(place)
    if (at < this.size && Bytes.equal(this.at(at), place)) return
    this.reserve(this.size + 1)
    this.bytes.copyWithin((at + 1) * placeBytes, at * placeBytes, this.size * placeBytes)
    this.tags.copyWithin(at + 1, at, this.size)
    this.bytes.set(place, at * placeBytes)
    this.tags[at] = tag
    this.size++
  }

  remove(place: Uint8Array): void {
    const at = this.below(place)
    if (at >= this.size || !Bytes.equal(this.at(at), place)) return
    this.bytes.copyWithin(at * placeBytes, (at + 1) * placeBytes, this.size * placeBytes)
    this.tags.copyWithin(at, at + 1, this.size)
    this.size--
  }

  /** The places of a range of indices, one after the other, as a view. */
  slice(from: number, to: number): Uint8Array {
    return this.bytes.subarray(from * placeBytes, to * placeBytes)
  }

  /** Of many places in any order at once. */
  static of(items: ReadonlyArray<{ readonly place: Uint8Array; readonly tag: number }>): Places {
    const sorted = [...items].sort((a, b) => Bytes.compare(a.place, b.place))
    const places = new Places()
    places.reserve(sorted.length)
    for (const { place, tag } of sorted) {
      if (places.size > 0 && Bytes.equal(places.at(places.size - 1), place)) continue
      places.bytes.set(place, places.size * placeBytes)
      places.tags[places.size++] = tag
    }
    return places
  }

  private reserve(count: number): void {
    if (count <= this.tags.length) return
    const capacity = Math.max(count, this.tags.length * 2)
    const bytes = new Uint8Array(capacity * placeBytes)
    bytes.set(this.bytes)
    this.bytes = bytes
    const tags = new Uint32Array(capacity)
    tags.set(this.tags)
    this.tags = tags
  }
}
