/** Comparing histories by ranges: whatever two devices have, they come to have the same, within bounds. */
import * as Result from "effect/Result"
import fc from "fast-check"
import { expect, it } from "vitest"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Limits from "../../src/base/Limits.ts"
import * as Digest from "../../src/history/Digest.ts"
import * as Entry from "../../src/history/Entry.ts"
import * as Ranges from "../../src/history/Ranges.ts"
import { crypto, entry, exchange, named, Side } from "./support.ts"

const digest = (side: Side): string => Bytes.toHex(Digest.ofPlaces(crypto, side.places.slice(0, side.places.size)))

it("histories that are equal need one word and an empty answer [history.begin.1] [history.answer.2]", () => {
  const [a, b] = [new Side(), new Side()]
  for (let i = 0; i < 500; i++) {
    a.take(entry(i))
    b.take(entry(499 - i))
  }
  expect(digest(a)).toBe(digest(b))
  const first = a.begin(named("exchange", 16))
  expect(first.length).toBeLessThan(96)
  const answer = b.answer(first)!
  expect(Result.getOrThrow(Ranges.decode(answer))).toMatchObject({ round: 1, ranges: [], asked: [], entries: [] })
  expect(a.answer(answer)).toBeUndefined()
})

it("any two histories become one, in either direction of asking [history.answer.1] [history.fingerprint.1] [history.order.1]", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(400), fc.constantFrom("a", "b", "both"), fc.nat(3)), { maxLength: 400 }),
      (said) => {
        const [a, b] = [new Side(), new Side()]
        for (const [n, who, number] of said) {
          // The same message under several numbers, in runs of one time.
          const one = entry(n, { number, sentAt: 1000 + (n >> 3) })
          if (who !== "b") a.take(one)
          if (who !== "a") b.take(one)
        }
        const all = new Side()
        for (const side of [a, b]) for (const one of side.entries.values()) all.take(one)
        const { longest } = exchange(a, b)
        expect(a.all()).toEqual(all.all())
        expect(b.all()).toEqual(all.all())
        expect(digest(a)).toBe(digest(b))
        expect(longest).toBeLessThanOrEqual(Limits.maxHistoryWordBytes)
      }
    ),
    { numRuns: 100 }
  )
})

it("of two entries that differ in their number only, the higher number is kept on both sides [history.id.2]", () => {
  const [a, b] = [new Side(), new Side()]
  for (const n of [1, 2, 3]) {
    a.take(entry(n))
    b.take(entry(n, { number: n === 2 ? 0 : n + 1000 }))
  }
  exchange(a, b)
  expect([...a.entries.values()].map(({ number }) => number).sort((x, y) => x - y)).toEqual([2, 1001, 1003])
  expect(a.all()).toEqual(b.all())
})

it("one message id with two contents is two entries, on both sides [history.id.1]", () => {
  const [a, b] = [new Side(), new Side()]
  a.take(entry(1))
  b.take(entry(1, { body: Bytes.utf8Encode("another text") }))
  exchange(a, b)
  expect(a.places.size).toBe(2)
  expect(a.all()).toEqual(b.all())
})

it("a device without anything gets everything, word by word, and each word is bounded [history.bound.1] [history.words.1]", () => {
  const [a, b] = [new Side(), new Side()]
  for (let i = 0; i < 3000; i++) a.take(entry(i, { body: named(`body ${i}`, 100).map((byte) => byte & 0x7f) }))
  let exchanges = 0
  while (digest(a) !== digest(b)) {
    const { longest, words } = exchange(b, a, exchanges)
    expect(longest).toBeLessThanOrEqual(Limits.maxHistoryWordBytes)
    expect(words).toBeLessThanOrEqual(Limits.maxHistoryRounds)
    expect(++exchanges).toBeLessThan(8)
  }
})

it("differences in a large history are found in few words", () => {
  const [a, b] = [new Side(), new Side()]
  for (let i = 0; i < 5_000; i++) {
    const one = entry(i)
    if (i % 1249 !== 7) a.take(one)
    if (i % 1801 !== 9) b.take(one)
  }
  const { words } = exchange(a, b)
  expect(digest(a)).toBe(digest(b))
  expect(a.places.size).toBe(5_000)
  expect(words).toBeLessThan(12)
})

it("what was sent before the later beginning is left out [history.keep.2]", () => {
  const [a, b] = [new Side(), new Side()]
  for (let i = 0; i < 100; i++) a.take(entry(i))
  const beginning = 1_700_000_000_050
  let word: Uint8Array | undefined = a.begin(named("exchange", 16), 0)
  for (let at = b; word !== undefined; at = at === a ? b : a) word = at.answer(word, at === b ? beginning : 0)
  expect([...b.entries.values()].map(({ number }) => number).sort((x, y) => x - y)).toEqual(
    Array.from({ length: 50 }, (_, i) => 50 + i)
  )
})

it("words of the last round are not answered [history.bound.1]", () => {
  const side = new Side()
  const word = Result.getOrThrow(Ranges.decode(side.begin(named("exchange", 16))))
  for (const [round, answered] of [
    [62, true],
    [63, false],
    [1000, false]
  ] as const) {
    const answer = side.answer(Ranges.encode({ ...word, round } as Ranges.Word))
    expect(answer !== undefined).toBe(answered)
  }
})

it("ranges that are none are refused [history.range.1]", () => {
  const [p, q] = [Entry.placeOf(crypto, entry(1)), Entry.placeOf(crypto, entry(2))] as const
  const whole: Ranges.Comparing = {
    word: 1,
    exchange: named("exchange", 16),
    round: 0,
    beginning: 0,
    ranges: [],
    asked: [],
    entries: []
  }
  const decode = (range: Ranges.Range) => Ranges.decode(Ranges.encode({ ...whole, ranges: [range] }))
  const fine: ReadonlyArray<Ranges.Range> = [
    { kind: 1, from: p, to: q, fingerprint: named("f", 16) },
    { kind: 1, from: Bytes.empty, to: Bytes.empty, fingerprint: named("f", 16) },
    { kind: 2, from: p, to: Bytes.empty, places: [p, q] },
    { kind: 2, from: Bytes.empty, to: q, places: [p] }
  ]
  for (const range of fine) expect(Result.isSuccess(decode(range))).toBe(true)
  const none: ReadonlyArray<Ranges.Range> = [
    { kind: 1, from: q, to: p, fingerprint: named("f", 16) },
    { kind: 1, from: p, to: p, fingerprint: named("f", 16) },
    { kind: 2, from: p, to: Bytes.empty, places: [q, p] },
    { kind: 2, from: p, to: Bytes.empty, places: [p, p] },
    { kind: 2, from: q, to: Bytes.empty, places: [p] },
    { kind: 2, from: Bytes.empty, to: q, places: [q] }
  ]
  for (const range of none) expect(Result.getFailure(decode(range))).toMatchObject({ value: { cause: "decode.value" } })
})

it("any bytes are read or refused, and what is read encodes to them [history.words.1]", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const read = Ranges.decode(bytes)
      if (Result.isSuccess(read)) expect(Ranges.encode(read.success)).toEqual(bytes)
    })
  )
})
