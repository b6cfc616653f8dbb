/** Entries: what is one, its id, its place; places in order. */
import * as Result from "effect/Result"
import fc from "fast-check"
import { expect, it } from "vitest"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Digest from "../../src/history/Digest.ts"
import * as Entry from "../../src/history/Entry.ts"
import { Places } from "../../src/history/Places.ts"
import { crypto, entry, named } from "./support.ts"

it("an entry comes back as it was, and every item of it but the number is in its id [history.entry.1] [history.id.1] [history.id.2]", () => {
  const one = entry(1, { replyTo: named("reply", 16), fallback: "fallback" })
  expect(Result.getOrThrow(Entry.decode(Result.getOrThrow(Entry.encode(one))))).toEqual(one)
  const id = Bytes.toHex(Entry.idOf(crypto, one))
  const others: ReadonlyArray<Partial<Entry.Entry>> = [
    { conversation: named("another", 16) },
    { account: named("another", 32) },
    { device: named("another", 32) },
    { messageId: named("another", 16) },
    { sentAt: 5 },
    { type: 4 },
    { body: Bytes.empty },
    { replyTo: undefined },
    { fallback: undefined },
    { fallback: "" }
  ]
  const ids = others.map((change) => Bytes.toHex(Entry.idOf(crypto, { ...one, ...change })))
  expect(new Set([id, ...ids]).size).toBe(others.length + 1)
  expect(Bytes.toHex(Entry.idOf(crypto, { ...one, number: 99 }))).toBe(id)
})

it("what passes, and bodies that no content has, are no history [history.entry.2]", () => {
  for (const type of [1, 4, 9, 11, 500]) expect(Entry.isKept(type)).toBe(true)
  for (const type of [2, 3, 5, 6, 7, 8, 10]) expect(Entry.isKept(type)).toBe(false)
  const causeOf = (changes: Partial<Entry.Entry>) => {
    const read = Entry.decode(Entry.EntryLayout.encode(entry(1, changes)))
    return Result.isFailure(read) ? read.failure.cause : "none"
  }
  expect(causeOf({ type: 2 })).toBe("decode.value")
  expect(causeOf({ type: 5 })).toBe("decode.value")
  expect(causeOf({ body: Uint8Array.of(0xff) })).toBe("decode.utf8")
  expect(causeOf({ type: 9, body: Uint8Array.of(0x93) })).toBe("decode.truncated")
  expect(causeOf({ type: 4, body: Uint8Array.of(0xff) })).toBe("decode.type")
  expect(causeOf({ type: 77, body: Uint8Array.of(0xff) })).toBe("none")
})

it("places are in the order of time, number, message id [history.order.1]", () => {
  const of = (changes: Partial<Entry.Entry>) => Entry.placeOf(crypto, entry(1, changes))
  const ordered = [
    of({ sentAt: 1, number: 9 }),
    of({ sentAt: 2, number: 1, messageId: new Uint8Array(16).fill(9) }),
    of({ sentAt: 2, number: 2, messageId: new Uint8Array(16).fill(1) }),
    of({ sentAt: 2, number: 2, messageId: new Uint8Array(16).fill(2) }),
    of({ sentAt: 300, number: 0 }),
    of({ sentAt: 2 ** 53 - 1, number: 0 })
  ]
  expect([...ordered].sort(Bytes.compare)).toEqual(ordered)
  const place = of({ sentAt: 2 ** 53 - 1, number: 2 ** 40 + 3 })
  expect(place.length).toBe(Entry.placeBytes)
  expect([Entry.timeOf(place), Entry.numberOf(place)]).toEqual([2 ** 53 - 1, 2 ** 40 + 3])
  expect(Entry.messageOf(place)).toEqual(entry(1).messageId)
})

it("a set of places is sorted whatever came when, and so is its digest [history.digest.1]", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(60), fc.boolean()), { maxLength: 150 }), (changes) => {
      const places = new Places()
      const model = new Map<string, Uint8Array>()
      for (const [n, adds] of changes) {
        const place = Entry.placeOf(crypto, entry(n, { sentAt: n % 7 }))
        if (adds) places.add(place, n)
        else places.remove(place)
        if (adds) model.set(Bytes.toHex(place), place)
        else model.delete(Bytes.toHex(place))
      }
      const sorted = [...model.keys()].sort()
      expect(Array.from({ length: places.size }, (_, i) => Bytes.toHex(places.at(i)))).toEqual(sorted)
      const again = Places.of([...model.values()].map((place) => ({ place, tag: 0 })))
      expect(Digest.ofPlaces(crypto, again.slice(0, again.size))).toEqual(
        Digest.ofPlaces(crypto, places.slice(0, places.size))
      )
      for (const [hex, place] of model) expect([places.has(place), hex.length]).toEqual([true, 96])
    })
  )
})
