/**
 * The contract of the Store port as tests, for everybody who writes an adapter.
 *
 * Spec: docs/spec/16-state.md §16.1, §16.2; the port is ports/Store.ts.
 * Brings no test runner along: the caller hands in `describe`, `it` and `expect` (vitest's fit as they are). What only a killed
 * process can show (durability against a crash) is for the adapter's own tests.
 *
 * ```ts
 * storeContract("my store", () => ({ layer: MyStore.layer({ path: freshPath() }) }), { describe, it, expect })
 * ```
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { type LeaseLost, Store, type StoredRecord, type StoreError, type Write } from "../ports/Store.ts"
import * as Rules from "../ports/StoreRules.ts"

/** The parts of a test runner the suites need. `expect` compares deeply with `toEqual`. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown
  readonly it: (name: string, body: () => Promise<void>, timeoutMs?: number) => unknown
  readonly expect: (actual: unknown, message?: string) => { readonly toEqual: (expected: unknown) => unknown }
}

/** A place that can hold one store, empty at first. */
export interface StorePlace {
  /** Opens the store of this place. The suite builds it afresh for every opening (`Layer.fresh`). */
  readonly layer: Layer.Layer<Store, StoreError>
  /** Opens it although another handle has it open, taking the lease away. Left out by an adapter that has no lease. */
  readonly takeOver?: Layer.Layer<Store, StoreError>
  /** Whether the place keeps its records when no handle is open (default: it does). */
  readonly volatile?: boolean
  /** Ends the open handle without closing it, as when its process dies. */
  readonly crash?: Effect.Effect<void>
}

export interface StoreContractOptions extends TestRunner {
  /** Longest time one test may take, in ms. Default 20,000. */
  readonly timeoutMs?: number
}

type Handle = Store["Service"]

const bytes = (...values: ReadonlyArray<number>): Uint8Array => Uint8Array.from(values)

const put = (key: string, value: Uint8Array, expected?: number | "absent"): Write =>
  expected === undefined ? { op: "put", key, value } : { op: "put", key, value, expected }

const remove = (key: string, expected?: number): Write =>
  expected === undefined ? { op: "delete", key } : { op: "delete", key, expected }

/** A number as eight digits, so that keys sort like numbers. */
const digits = (n: number): string => n.toString().padStart(8, "0")

/** Registers the suite. `makePlace` is called once for every test. */
export const storeContract = (name: string, makePlace: () => StorePlace, options: StoreContractOptions): void => {
  const { describe, expect, timeoutMs = 20_000 } = options
  const it = (title: string, body: (place: StorePlace) => Effect.Effect<void, unknown>): void => {
    options.it(title, () => Effect.runPromise(Effect.suspend(() => body(makePlace()))), timeoutMs)
  }

  const using = <A, E>(
    layer: Layer.Layer<Store, StoreError>,
    body: (store: Handle) => Effect.Effect<A, E>
  ): Effect.Effect<A, E | StoreError> => Effect.scoped(Effect.provide(Effect.flatMap(Store, body), Layer.fresh(layer)))

  /** A test on one open handle. */
  const on = (title: string, body: (store: Handle) => Generator<Effect.Effect<unknown, unknown>, void, never>): void =>
    it(title, (place) => using(place.layer, (store) => Effect.gen(() => body(store))))

  /** The tag of the error an effect fails with; "success" when it does not, "defect" when it dies. */
  const outcome = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>): Effect.Effect<string> =>
    Effect.map(Effect.exit(effect), (exit) => {
      if (Exit.isSuccess(exit)) return "success"
      if (Cause.hasDies(exit.cause)) return "defect"
      if (Cause.hasInterruptsOnly(exit.cause)) return "interrupted"
      return (Cause.squash(exit.cause) as E)._tag
    })

  /** Commits one put and gives its revision. */
  const putOne = (store: Handle, key: string, value: Uint8Array, expected?: number | "absent") =>
    Effect.map(store.commit([put(key, value, expected)]), (revisions) => revisions[0]!)

  /** A record that must be there. */
  const present = (store: Handle, key: string): Effect.Effect<StoredRecord, StoreError> =>
    Effect.map(store.get(key), (record) => {
      expect(record === undefined, `${key} is missing`).toEqual(false)
      return record!
    })

  const value = (record: StoredRecord | undefined): ReadonlyArray<number> | undefined =>
    record && Array.from(record.value)
  const keys = (records: ReadonlyArray<StoredRecord>): ReadonlyArray<string> => records.map(({ key }) => key)

  describe(`store contract: ${name}`, () => {
    describe("records", () => {
      on("an absent key is undefined and an empty store scans to nothing", function* (store) {
        expect(yield* store.get("nothing")).toEqual(undefined)
        expect(yield* store.scan("")).toEqual([])
      })

      on("gives back key, bytes and the revision the commit returned", function* (store) {
        const revision = yield* putOne(store, "a", bytes(1, 2, 3))
        expect(Number.isSafeInteger(revision) && revision > 0).toEqual(true)
        const record = yield* present(store, "a")
        expect([record.key, value(record), record.revision]).toEqual(["a", [1, 2, 3], revision])
        expect(yield* store.scan("a")).toEqual([record])
      })

      on("keeps an empty value apart from an absent one", function* (store) {
        yield* store.commit([put("empty", bytes())])
        expect(value(yield* store.get("empty"))).toEqual([])
      })

      on("keeps every byte value, and views into larger buffers as what they show", function* (store) {
        const all = Uint8Array.from({ length: 256 }, (_, i) => i)
        yield* store.commit([put("all", all), put("view", all.subarray(200, 203))])
        expect(value(yield* store.get("all"))).toEqual(Array.from(all))
        expect(value(yield* store.get("view"))).toEqual([200, 201, 202])
      })

      on(
        "keys that differ in case or trailing space are different, and every printable character may be in one",
        function* (store) {
          const printable = String.fromCharCode(...Array.from({ length: 95 }, (_, i) => 0x20 + i))
          const names = ["k", "K", "k ", " k", printable]
          yield* store.commit(names.map((key, i) => put(key, bytes(i))))
          for (const [i, key] of names.entries()) expect(value(yield* store.get(key))).toEqual([i])
        }
      )

      on("returned bytes belong to the caller", function* (store) {
        yield* store.commit([put("a", bytes(1, 2, 3))])
        const first = yield* present(store, "a")
        first.value.fill(9)
        const [scanned]: ReadonlyArray<StoredRecord> = yield* store.scan("a")
        scanned!.value.fill(8)
        expect(value(yield* store.get("a"))).toEqual([1, 2, 3])
        expect(
          first.value.byteLength === first.value.buffer.byteLength || first.value.buffer !== scanned!.value.buffer
        ).toEqual(true)
      })

      on("bytes may be wiped as soon as their commit succeeded", function* (store) {
        const secret = bytes(7, 7, 7)
        yield* store.commit([put("a", secret)])
        secret.fill(0)
        expect(value(yield* store.get("a"))).toEqual([7, 7, 7])
      })
    })

    describe("commits", () => {
      on("writes a whole batch, and returns the revisions of its puts in order", function* (store) {
        yield* store.commit([put("old", bytes(0))])
        const revisions: ReadonlyArray<number> = yield* store.commit([
          put("b", bytes(2)),
          remove("old"),
          put("a", bytes(1))
        ])
        expect(revisions.length).toEqual(2)
        const [a, b]: ReadonlyArray<StoredRecord> = yield* store.scan("")
        expect([a!.key, b!.key]).toEqual(["a", "b"])
        expect([b!.revision, a!.revision]).toEqual(revisions)
      })

      on("an empty batch changes nothing and returns nothing", function* (store) {
        expect(yield* store.commit([])).toEqual([])
      })

      on("removing an absent key is no error", function* (store) {
        const revisions = yield* store.commit([remove("nothing"), put("a", bytes(1))])
        expect(revisions).toEqual([(yield* present(store, "a")).revision])
      })

      on("`absent` writes a key that is not there and refuses one that is [state.commit.3]", function* (store) {
        expect(yield* outcome(store.commit([put("a", bytes(1), "absent")]))).toEqual("success")
        expect(yield* outcome(store.commit([put("a", bytes(2), "absent")]))).toEqual("Conflict")
        expect(value(yield* store.get("a"))).toEqual([1])
      })

      on("a stale, wrong or missing revision is a conflict that names the key [state.commit.3]", function* (store) {
        const first = yield* putOne(store, "a", bytes(1))
        const second = yield* putOne(store, "a", bytes(2), first)
        expect(second > first).toEqual(true)
        for (const writes of [
          [put("a", bytes(3), first)],
          [put("a", bytes(3), second + 1)],
          [put("none", bytes(3), first)],
          [remove("a", first)],
          [remove("none", first)]
        ]) {
          const error = yield* Effect.flip(store.commit(writes))
          expect(error._tag === "Conflict" ? error.key : error._tag).toEqual(writes[0]!.key)
        }
        expect(value(yield* store.get("a"))).toEqual([2])
        expect(yield* outcome(store.commit([remove("a", second)]))).toEqual("success")
        expect(yield* store.get("a")).toEqual(undefined)
      })

      on("a conflict anywhere in a batch writes nothing of it [state.commit.3]", function* (store) {
        const stale = (yield* store.commit([put("a", bytes(1)), put("gone", bytes(1))]))[0]!
        yield* store.commit([put("a", bytes(2))])
        const before = yield* store.scan("")
        for (let at = 0; at < 3; at++) {
          const writes = [put("b", bytes(3)), remove("gone")]
          writes.splice(at, 0, put("a", bytes(3), stale))
          expect(yield* outcome(store.commit(writes))).toEqual("Conflict")
          expect(yield* store.scan("")).toEqual(before)
        }
      })

      on("revisions rise and are never used again, not even after a removal", function* (store) {
        const seen = new Set<number>()
        let last = 0
        for (let i = 0; i < 20; i++) {
          const revision = yield* putOne(store, "a", bytes(i))
          expect([revision > last, seen.has(revision)]).toEqual([true, false])
          seen.add(revision)
          last = revision
          if (i % 3 === 0) yield* store.commit([remove("a")])
        }
        // A comparison with a revision of a former life of the key must fail.
        yield* store.commit([remove("a")])
        yield* store.commit([put("a", bytes(99))])
        for (const revision of seen)
          expect(yield* outcome(store.commit([put("a", bytes(0), revision)]))).toEqual("Conflict")
        expect(value(yield* store.get("a"))).toEqual([99])
      })

      on("a key that appears twice in one batch is a defect, and nothing is written", function* (store) {
        for (const writes of [
          [put("a", bytes(1)), put("a", bytes(2))],
          [put("a", bytes(1)), put("b", bytes(1)), remove("a")]
        ]) {
          expect(yield* outcome(store.commit(writes))).toEqual("defect")
        }
        expect(yield* store.scan("")).toEqual([])
      })

      on("keys out of bounds are defects, and nothing is written", function* (store) {
        for (const key of ["", "a".repeat(Rules.maxKeyLength + 1), "tab\t", "nul\0", "é", "\x7f", "a\n", "\u{1F600}"]) {
          expect(yield* outcome(store.commit([put("fine", bytes(1)), put(key, bytes(1))]))).toEqual("defect")
          expect(yield* outcome(store.get(key))).toEqual("defect")
        }
        expect(yield* store.scan("")).toEqual([])
        expect(yield* outcome(store.commit([put("a".repeat(Rules.maxKeyLength), bytes(1))]))).toEqual("success")
      })

      on("takes a value of exactly 1 MiB and refuses a longer one as a defect", function* (store) {
        const big = Uint8Array.from({ length: Rules.maxValueBytes }, (_, i) => i * 31 + (i >> 8))
        yield* store.commit([put("big", big)])
        const record = yield* present(store, "big")
        expect([record.value.length, sum(record.value)]).toEqual([big.length, sum(big)])
        expect(
          yield* outcome(store.commit([put("small", bytes(1)), put("big", new Uint8Array(Rules.maxValueBytes + 1))]))
        ).toEqual("defect")
        expect(keys(yield* store.scan(""))).toEqual(["big"])
        expect(sum((yield* present(store, "big")).value)).toEqual(sum(big))
      })

      on("takes a batch of a thousand writes", function* (store) {
        const revisions: ReadonlyArray<number> = yield* store.commit(
          Array.from({ length: 1_000 }, (_, i) => put(`k/${digits(i)}`, bytes(i & 255)))
        )
        expect(new Set(revisions).size).toEqual(1_000)
        expect((yield* store.scan("k/")).length).toEqual(1_000)
      })
    })

    describe("scans", () => {
      on("yields keys with the prefix only, ascending by code unit", function* (store) {
        const names = ["p/b", "p/B", "p/", "p/a~", "p/a", "p/a/x", "p", "p0", "p.", "q/a", "o~", "P/a", "p/~", "p/ "]
        yield* store.commit(names.map((key) => put(key, bytes(1))))
        expect(keys(yield* store.scan("p/"))).toEqual(names.filter((key) => key.startsWith("p/")).sort())
        expect(keys(yield* store.scan(""))).toEqual([...names].sort())
        expect(keys(yield* store.scan("p/a"))).toEqual(["p/a", "p/a/x", "p/a~"])
        expect(yield* store.scan("p/zzz")).toEqual([])
      })

      on("a prefix that ends in the last printable character has an end", function* (store) {
        yield* store.commit(["a~", "a~~", "a~~~", "a~ ", "b", "a}", "~", "~~"].map((key) => put(key, bytes(1))))
        expect(keys(yield* store.scan("a~"))).toEqual(["a~", "a~ ", "a~~", "a~~~"])
        expect(keys(yield* store.scan("a~~"))).toEqual(["a~~", "a~~~"])
        expect(keys(yield* store.scan("~"))).toEqual(["~", "~~"])
      })

      on("wild cards, quotes and escapes in a prefix mean themselves", function* (store) {
        const names = ["a_b", "axb", "a%b", "a", "a*b", "a?b", "a[b]", "a'b", 'a"b', "a\\b", "a;b", "a--b"]
        yield* store.commit(names.map((key) => put(key, bytes(1))))
        for (const prefix of ["a_", "a%", "a*", "a?", "a[", "a'", 'a"', "a\\", "a;", "a--"]) {
          expect(keys(yield* store.scan(prefix))).toEqual(names.filter((key) => key.startsWith(prefix)))
        }
        expect(yield* store.scan("%")).toEqual([])
        expect(yield* store.scan("_")).toEqual([])
      })

      on("goes on after a key, whether or not that key exists or has the prefix", function* (store) {
        yield* store.commit(["p/1", "p/2", "p/4", "q/1"].map((key) => put(key, bytes(1))))
        expect(keys(yield* store.scan("p/", { after: "p/2" }))).toEqual(["p/4"])
        expect(keys(yield* store.scan("p/", { after: "p/3" }))).toEqual(["p/4"])
        expect(keys(yield* store.scan("p/", { after: "a" }))).toEqual(["p/1", "p/2", "p/4"])
        expect(yield* store.scan("p/", { after: "p/4" })).toEqual([])
        expect(yield* store.scan("p/", { after: "z" })).toEqual([])
      })

      on("stops at the limit, at 1,000 when none is given, and pages cover everything once", function* (store) {
        const names = Array.from({ length: 1_234 }, (_, i) => `p/${digits(i)}`)
        yield* store.commit(names.map((key) => put(key, bytes(1))))
        expect((yield* store.scan("p/")).length).toEqual(Rules.defaultScanLimit)
        expect((yield* store.scan("p/", { limit: 2_000 })).length).toEqual(1_234)
        expect(yield* store.scan("p/", { limit: 0 })).toEqual([])
        const paged: Array<string> = []
        for (;;) {
          const page: ReadonlyArray<StoredRecord> = yield* store.scan(
            "p/",
            paged.length === 0 ? { limit: 100 } : { limit: 100, after: paged.at(-1)! }
          )
          if (page.length === 0) break
          paged.push(...keys(page))
        }
        expect(paged).toEqual(names)
      })

      on("a prefix or limit out of bounds is a defect", function* (store) {
        expect(yield* outcome(store.scan("é"))).toEqual("defect")
        expect(yield* outcome(store.scan("a", { limit: -1 }))).toEqual("defect")
        expect(yield* outcome(store.scan("a", { limit: 1.5 }))).toEqual("defect")
        expect(yield* outcome(store.scan("a", { limit: Number.NaN }))).toEqual("defect")
      })

      on("sees every commit that succeeded before", function* (store) {
        for (let i = 0; i < 50; i++) {
          const [revision] = yield* store.commit([
            put("seen/a", bytes(i)),
            ...(i > 0 ? [remove(`seen/b${i - 1}`)] : []),
            put(`seen/b${i}`, bytes(i))
          ])
          expect((yield* present(store, "seen/a")).revision).toEqual(revision)
          expect(keys(yield* store.scan("seen/"))).toEqual(["seen/a", `seen/b${i}`])
        }
      })
    })

    describe("concurrency", () => {
      on("of 1,000 commits based on one revision exactly one wins [state.commit.3]", function* (store) {
        let revision = yield* putOne(store, "one", bytes(0))
        for (let round = 1; round <= 5; round++) {
          const exits: ReadonlyArray<string> = yield* Effect.all(
            Array.from({ length: 1_000 }, (_, i) =>
              outcome(
                store.commit([put("one", bytes(round, i & 255, i >> 8), revision), put(`mark/${round}/${i}`, bytes(1))])
              )
            ),
            { concurrency: "unbounded" }
          )
          const winners = exits.flatMap((tag, i) => (tag === "success" ? [i] : []))
          expect([winners.length, exits.filter((tag) => tag === "Conflict").length]).toEqual([1, 999])
          const record = yield* present(store, "one")
          expect(value(record)).toEqual([round, winners[0]! & 255, winners[0]! >> 8])
          // The losers left nothing behind either.
          expect(keys(yield* store.scan(`mark/${round}/`))).toEqual([`mark/${round}/${winners[0]}`])
          expect(record.revision > revision).toEqual(true)
          revision = record.revision
        }
      })

      on("read, change, compare and try again loses no update [state.commit.3]", function* (store) {
        yield* store.commit([put("counter", bytes(0, 0))])
        const increment = (): Effect.Effect<unknown, StoreError | LeaseLost> =>
          Effect.flatMap(present(store, "counter"), (record) => {
            const next = record.value[0]! * 256 + record.value[1]! + 1
            const write = store.commit([put("counter", bytes(next >> 8, next & 255), record.revision)])
            return Effect.catchTag(write, "Conflict", increment)
          })
        yield* Effect.all(
          Array.from({ length: 40 }, () => Effect.andThen(increment(), increment())),
          { concurrency: "unbounded" }
        )
        expect(value(yield* store.get("counter"))).toEqual([0, 80])
      })

      on("a commit that conflicts, or is a defect, does not fail the ones beside it", function* (store) {
        yield* store.commit([put("there", bytes(1))])
        const tags: ReadonlyArray<string> = yield* Effect.all(
          Array.from({ length: 300 }, (_, i) => {
            if (i % 3 === 1) return outcome(store.commit([put(`bad/${i}`, bytes(1)), put("there", bytes(2), "absent")]))
            if (i % 3 === 2) return outcome(store.commit([put(`bad/${i}`, bytes(1)), put(`bad/${i}`, bytes(2))]))
            return outcome(store.commit([put(`good/${digits(i)}`, bytes(i & 255))]))
          }),
          { concurrency: "unbounded" }
        )
        expect(tags).toEqual(Array.from({ length: 300 }, (_, i) => ["success", "Conflict", "defect"][i % 3]))
        expect((yield* store.scan("good/")).length).toEqual(100)
        expect(yield* store.scan("bad/")).toEqual([])
      })

      on(
        "commits of one fiber happen in the order in which it made them, and readers see no half of one",
        function* (store) {
          yield* store.commit([put("pair/a", bytes(0)), put("pair/b", bytes(0))])
          const writer = Effect.forEach(
            Array.from({ length: 100 }, (_, i) => i + 1),
            (i) => store.commit([put("pair/a", bytes(i)), put("pair/b", bytes(i))]),
            { discard: true }
          )
          let last = 0
          const reader = Effect.forEach(
            Array.from({ length: 200 }),
            () =>
              Effect.andThen(
                Effect.yieldNow,
                Effect.map(store.scan("pair/"), (records) => {
                  expect(records[0]!.value[0]).toEqual(records[1]!.value[0])
                  expect(records[0]!.value[0]! >= last).toEqual(true)
                  last = records[0]!.value[0]!
                })
              ),
            { discard: true }
          )
          yield* Effect.all([writer, reader], { concurrency: "unbounded" })
          expect(value(yield* store.get("pair/a"))).toEqual([100])
        }
      )

      on("an interrupted commit happened whole or not at all", function* (store) {
        for (let delay = 0; delay < 12; delay++) {
          const fibers = yield* Effect.forEach(
            Array.from({ length: 20 }, (_, i) => i),
            (i) =>
              Effect.forkChild(
                store.commit([
                  put(`cut/${delay}/${i}/a`, bytes(1)),
                  put(`cut/${delay}/${i}/b`, new Uint8Array(3_000)),
                  put(`cut/${delay}/${i}/c`, bytes(3))
                ])
              )
          )
          // From "not begun" over "queued" to "done", a little further each round.
          for (let step = 0; step < delay; step++) yield* step % 4 === 3 ? Effect.sleep(1) : Effect.yieldNow
          yield* Effect.forEach(fibers, Fiber.interrupt, { discard: true })
          for (const [i, fiber] of fibers.entries()) {
            const found = (yield* store.scan(`cut/${delay}/${i}/`)).length
            const exit = yield* Fiber.await(fiber)
            expect(Exit.isSuccess(exit) ? found === 3 : found === 0 || found === 3).toEqual(true)
          }
        }
        expect(yield* outcome(store.commit([put("after", bytes(1))]))).toEqual("success")
      })
    })

    describe("lifetime", () => {
      it("records and revisions outlive the handle", (place) =>
        Effect.gen(function* () {
          if (place.volatile === true) return
          const revisions = yield* using(place.layer, (store) =>
            store.commit([put("a", bytes(1)), put("b", new Uint8Array(100_000).fill(5))])
          )
          yield* using(place.layer, (store) => store.commit([remove("b")]))
          yield* using(place.layer, (store) =>
            Effect.gen(function* () {
              const record = yield* store.get("a")
              expect([value(record), record?.revision]).toEqual([[1], revisions[0]])
              expect(yield* store.get("b")).toEqual(undefined)
              const next = yield* putOne(store, "b", bytes(1))
              expect(revisions.includes(next)).toEqual(false)
              expect(next > revisions[1]!).toEqual(true)
            })
          )
        }))

      it("a closed handle fails with StoreError and writes nothing", (place) =>
        Effect.gen(function* () {
          const store = yield* using(place.layer, (store) => Effect.as(store.commit([put("a", bytes(1))]), store))
          expect(yield* outcome(store.commit([put("a", bytes(2))]))).toEqual("StoreError")
          expect(yield* outcome(store.get("a"))).toEqual("StoreError")
          expect(yield* outcome(store.scan("a"))).toEqual("StoreError")
          if (place.volatile !== true) expect(value(yield* using(place.layer, (again) => again.get("a")))).toEqual([1])
        }))

      it("closing waits for what was committed and answers it", (place) =>
        Effect.gen(function* () {
          if (place.volatile === true) return
          const tags = yield* using(place.layer, (store) =>
            Effect.forEach(
              Array.from({ length: 50 }, (_, i) => i),
              (i) =>
                Effect.forkDetach(outcome(store.commit([put(`k/${digits(i)}`, bytes(1))])), { startImmediately: true })
            )
          )
          const acknowledged = (yield* Effect.forEach(tags, (fiber) => Fiber.join(fiber))).filter(
            (tag) => tag === "success"
          ).length
          const stored = yield* using(place.layer, (store) => store.scan("k/"))
          expect(stored.length >= acknowledged).toEqual(true)
        }))

      it("a crash loses nothing that was acknowledged", (place) =>
        Effect.gen(function* () {
          if (place.crash === undefined) return
          const crash = place.crash
          yield* using(place.layer, (store) =>
            Effect.gen(function* () {
              yield* store.commit([put("a", bytes(1)), put("b", bytes(2))])
              yield* crash
              expect(yield* outcome(store.commit([put("a", bytes(9))]))).toEqual("StoreError")
            })
          )
          expect((yield* using(place.layer, (store) => store.scan(""))).map(value)).toEqual([[1], [2]])
        }))

      it("a second opener takes the lease, and the first one gets LeaseLost for ever [state.lease.1]", (place) =>
        Effect.gen(function* () {
          if (place.takeOver === undefined) return
          const { takeOver } = place
          yield* using(place.layer, (first) =>
            Effect.gen(function* () {
              const [revision] = yield* first.commit([put("a", bytes(1))])
              yield* using(takeOver, (second) =>
                Effect.gen(function* () {
                  expect(value(yield* second.get("a"))).toEqual([1])
                  // The expectation still holds, so only the token stands in the way of a fork.
                  expect(yield* outcome(first.commit([put("a", bytes(9), revision)]))).toEqual("LeaseLost")
                  expect(yield* outcome(second.commit([put("a", bytes(2), revision)]))).toEqual("success")
                  expect(yield* outcome(first.commit([put("c", bytes(9))]))).toEqual("LeaseLost")
                  yield* using(takeOver, (third) =>
                    Effect.gen(function* () {
                      expect(yield* outcome(second.commit([put("b", bytes(9))]))).toEqual("LeaseLost")
                      expect(yield* outcome(third.commit([put("b", bytes(3))]))).toEqual("success")
                      // A later token does not let an older handle in again.
                      expect(yield* outcome(first.commit([put("b", bytes(9))]))).toEqual("LeaseLost")
                    })
                  )
                  expect(yield* outcome(second.commit([put("b", bytes(9))]))).toEqual("LeaseLost")
                })
              )
              expect(yield* outcome(first.commit([put("b", bytes(9))]))).toEqual("LeaseLost")
              expect(yield* outcome(first.commit([]))).toEqual("LeaseLost")
            })
          )
          expect((yield* using(place.layer, (store) => store.scan(""))).map(value)).toEqual([[2], [3]])
        }))
    })
  })
}

/** A position-dependent checksum, to compare large values without printing them. */
const sum = (value: Uint8Array): number => {
  let total = 0
  for (let i = 0; i < value.length; i++) total = (total * 31 + value[i]!) % 1_000_003
  return total
}
