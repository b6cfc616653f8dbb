/**
 * The contract of the Transport port as tests, for everybody who writes an adapter.
 *
 * Spec: docs/spec/14-relay.md §14.2, §14.4; the port is ports/Transport.ts.
 * Brings no test runner along: the caller hands in `describe`, `it` and `expect` (vitest's fit as they are). What only a killed
 * process can show is for the adapter's own tests.
 *
 * ```ts
 * transportContract("my transport", () => makePlace, { describe, it, expect })
 * ```
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Bytes from "../base/Bytes.ts"
import * as Canonical from "../codec/Canonical.ts"
import type { Delivery } from "../ports/Transport.ts"
import * as FixtureAccount from "./FixtureAccount.ts"
import {
  join,
  joinDevice,
  type MakePlace,
  type Member,
  outcome,
  refusal,
  type RelayContractOptions,
  type RelayPlace,
  type Station,
  station,
  testsOn
} from "./RelayPlace.ts"

const sessionStart = 1
const sessionMessage = 2

/** A body no other number has. */
const body = (number: number, length = 64): Uint8Array => {
  const bytes = new Uint8Array(length).fill(number & 0xff)
  bytes.set(Bytes.be64(number))
  return bytes
}

/** The numbers of {@link body} in deliveries. */
const numbers = (deliveries: ReadonlyArray<Delivery>, mailbox: Uint8Array): ReadonlyArray<number> =>
  deliveries.map(({ envelope }) => {
    const at = envelope.length - 64
    const found = Bytes.readBe32(envelope, at + 4)
    return Bytes.equal(FixtureAccount.envelope(mailbox, sessionMessage, body(found)), envelope) ? found : -1
  })

const range = (from: number, to: number): ReadonlyArray<number> => Array.from({ length: to - from }, (_, i) => from + i)

/** Registers the suite. A network is made for every test. */
export const transportContract = (name: string, makePlace: MakePlace, options: RelayContractOptions): void => {
  const { describe, expect } = options
  const { disturbed, on } = testsOn(makePlace, options)

  /** The next `count` deliveries. */
  const receive = (member: Station, count: number) => Stream.runCollect(Stream.take(member.transport.deliveries, count))

  /** Receives and acknowledges until `count` different numbers came; answers them in the order of their first coming. */
  const drain = (member: Station, count: number): Effect.Effect<ReadonlyArray<number>, unknown> => {
    const seen: Array<number> = []
    return member.transport.deliveries.pipe(
      Stream.mapEffect((delivery) =>
        Effect.gen(function* () {
          const [number] = numbers([delivery], member.fixture.mailbox)
          if (!seen.includes(number!)) seen.push(number!)
          yield* member.transport.acknowledge([delivery.id])
          return seen.length
        })
      ),
      Stream.takeUntil((length) => length >= count),
      Stream.runDrain,
      Effect.as(seen)
    )
  }

  const message = (to: Station, number: number): Uint8Array =>
    FixtureAccount.envelope(to.fixture.mailbox, sessionMessage, body(number))

  const submit = (from: Station, to: Station, number: number) =>
    from.transport.submit(message(to, number), to.fixture.token)

  const submitAll = (from: Station, to: Station, all: ReadonlyArray<number>, concurrency: number) =>
    Effect.forEach(all, (number) => submit(from, to, number), { concurrency, discard: true })

  /** Alice, and bob who is logged in and has set his token. */
  const pair = (place: RelayPlace): Effect.Effect<readonly [Member, Member], unknown, Scope.Scope> =>
    Effect.gen(function* () {
      const alice = yield* join(place, "alice")
      const bob = yield* join(place, "bob")
      yield* bob.open()
      yield* bob.directory.setDeliveryToken(bob.fixture.tokenHash)
      return [alice, bob] as const
    })

  describe(`transport contract: ${name}`, () => {
    describe("delivery", () => {
      on(
        "brings the same bytes, with a time and an id, in the order they were accepted [relay.mailbox.1]",
        function* (place) {
          const [alice, bob] = yield* pair(place)
          yield* submitAll(alice, bob, range(0, 20), 1)
          const got: ReadonlyArray<Delivery> = yield* receive(bob, 20)
          expect(numbers(got, bob.fixture.mailbox)).toEqual(range(0, 20))
          expect(got.every(({ receivedAt }) => receivedAt > 0)).toEqual(true)
          expect(new Set(got.map(({ id }) => id)).size).toEqual(20)
        }
      )

      on("reaches a device that was offline, and one that waits", function* (place) {
        const [alice, bob] = yield* pair(place)
        const waiting = yield* Effect.forkScoped(receive(bob, 2))
        yield* Effect.sleep(50)
        yield* submitAll(alice, bob, [1, 2], 1)
        const got: ReadonlyArray<Delivery> = yield* Fiber.join(waiting)
        expect(numbers(got, bob.fixture.mailbox)).toEqual([1, 2])
      })

      on("carries hundreds of submissions at a time, each once", function* (place) {
        const [alice, bob] = yield* pair(place)
        const all = range(0, 600)
        const receiving = yield* Effect.forkScoped(drain(bob, all.length))
        yield* submitAll(alice, bob, all, 300)
        const got: ReadonlyArray<number> = yield* Fiber.join(receiving)
        expect([...got].sort((a, b) => a - b)).toEqual(all)
      })

      on(
        "keeps envelopes until they are acknowledged, and gives them again in order [relay.mailbox.1]",
        function* (place) {
          const [alice, bob] = yield* pair(place)
          yield* submitAll(alice, bob, range(0, 8), 1)
          const first: ReadonlyArray<Delivery> = yield* receive(bob, 5)
          yield* bob.transport.acknowledge([first[1]!.id, first[3]!.id])
          const again = yield* station(place, bob.fixture)
          yield* again.open()
          const second: ReadonlyArray<Delivery> = yield* receive(again, 6)
          expect(numbers(second, bob.fixture.mailbox)).toEqual([0, 2, 4, 5, 6, 7])
        }
      )

      on("acknowledging twice, or what never was, is harmless [relay.mailbox.1]", function* (place) {
        const [alice, bob] = yield* pair(place)
        yield* submitAll(alice, bob, [1, 2], 1)
        const got: ReadonlyArray<Delivery> = yield* receive(bob, 2)
        const ids = got.map(({ id }) => id)
        yield* bob.transport.acknowledge(ids)
        yield* bob.transport.acknowledge([...ids, ...ids, 99_999, 0])
        yield* bob.transport.acknowledge([])
        yield* bob.transport.acknowledge(range(1_000, 6_000))
        yield* submit(alice, bob, 3)
        const rest: ReadonlyArray<Delivery> = yield* receive(bob, 1)
        expect(numbers(rest, bob.fixture.mailbox)).toEqual([3])
      })

      on("a stream that was left off goes on where it stopped", function* (place) {
        const [alice, bob] = yield* pair(place)
        yield* submitAll(alice, bob, range(0, 300), 1)
        const got: Array<number> = []
        for (const count of [1, 2, 97, 200]) {
          const some: ReadonlyArray<Delivery> = yield* receive(bob, count)
          got.push(...numbers(some, bob.fixture.mailbox))
          yield* bob.transport.acknowledge(some.map(({ id }) => id))
        }
        expect(got).toEqual(range(0, 300))
      })
    })

    describe("envelopes", () => {
      on("takes the largest envelope, and refuses a longer one [envelope.size.1] [relay.submit.1]", function* (place) {
        const [alice, bob] = yield* pair(place)
        const overhead = FixtureAccount.envelope(bob.fixture.mailbox, 2, new Uint8Array(70_000)).length - 70_000
        const big = FixtureAccount.envelope(bob.fixture.mailbox, 2, body(7, place.maxEnvelopeBytes - overhead))
        expect(big.length).toEqual(place.maxEnvelopeBytes)
        yield* alice.transport.submit(big, bob.fixture.token)
        const [delivery]: ReadonlyArray<Delivery> = yield* receive(bob, 1)
        expect(Bytes.equal(delivery!.envelope, big)).toEqual(true)
        const longer = Bytes.concat(big, Uint8Array.of(0))
        expect(yield* outcome(alice.transport.submit(longer, bob.fixture.token))).toEqual("too-large")
      })

      on("refuses bytes that are no envelope, and other kinds than 1 and 2 [relay.submit.1]", function* (place) {
        const [alice, bob] = yield* pair(place)
        const group = Canonical.encode([1, 3, bob.fixture.mailbox, body(1)])
        for (const bytes of [Uint8Array.of(), Uint8Array.of(1, 2, 3), group, message(bob, 1).slice(0, -1)]) {
          expect(yield* outcome(alice.transport.submit(bytes, bob.fixture.token))).toEqual("bad-frame")
        }
      })

      on("refuses an unknown mailbox [relay.submit.1]", function* (place) {
        const [alice] = yield* pair(place)
        const nowhere = FixtureAccount.envelope(new Uint8Array(16).fill(9), sessionStart, body(1))
        expect(yield* outcome(alice.transport.submit(nowhere))).toEqual("unknown-mailbox")
      })

      on("the same bytes are stored once, also after they were acknowledged [relay.submit.3]", function* (place) {
        const [alice, bob] = yield* pair(place)
        yield* submit(alice, bob, 1)
        yield* submit(alice, bob, 1)
        const [first]: ReadonlyArray<Delivery> = yield* receive(bob, 1)
        yield* bob.transport.acknowledge([first!.id])
        yield* submit(alice, bob, 1)
        yield* submit(alice, bob, 2)
        const next: ReadonlyArray<Delivery> = yield* receive(bob, 1)
        expect(numbers(next, bob.fixture.mailbox)).toEqual([2])
      })
    })

    describe("tokens, rates and quotas", () => {
      on("a session message needs the mailbox's token [relay.submit.2]", function* (place) {
        const alice = yield* join(place, "alice")
        const bob = yield* join(place, "bob")
        yield* bob.open()
        expect(yield* outcome(submit(alice, bob, 1))).toEqual("bad-token")
        yield* bob.directory.setDeliveryToken(bob.fixture.tokenHash)
        expect(yield* outcome(alice.transport.submit(message(bob, 1)))).toEqual("bad-token")
        expect(yield* outcome(alice.transport.submit(message(bob, 1), alice.fixture.token))).toEqual("bad-token")
        expect(yield* outcome(submit(alice, bob, 1))).toEqual("success")
        yield* bob.directory.setDeliveryToken(alice.fixture.tokenHash)
        expect(yield* outcome(submit(alice, bob, 2))).toEqual("bad-token")
        // A repetition of what is stored is accepted whatever the token is now.
        expect(yield* outcome(submit(alice, bob, 1))).toEqual("success")
      })

      on("a session start needs none, and its rate limit is waited out [relay.submit.2]", function* (place) {
        const alice = yield* join(place, "alice")
        const bob = yield* join(place, "bob")
        yield* bob.open()
        const starts = range(0, 132).map((number) =>
          FixtureAccount.envelope(bob.fixture.mailbox, sessionStart, body(number))
        )
        yield* Effect.forEach(starts, (start) => alice.transport.submit(start), { concurrency: 20, discard: true })
        const got: ReadonlyArray<Delivery> = yield* receive(bob, starts.length)
        expect(new Set(got.map(({ id }) => id)).size).toEqual(starts.length)
      })

      on(
        "a full mailbox refuses, and takes again once something was acknowledged [relay.mailbox.2]",
        function* (place) {
          if (place.mailboxEnvelopes === undefined) return
          const [alice, bob] = yield* pair(place)
          yield* submitAll(alice, bob, range(0, place.mailboxEnvelopes), 50)
          expect(yield* outcome(submit(alice, bob, 100_000))).toEqual("quota")
          const [first]: ReadonlyArray<Delivery> = yield* receive(bob, 1)
          yield* bob.transport.acknowledge([first!.id])
          expect(yield* outcome(submit(alice, bob, 100_000))).toEqual("success")
        }
      )
    })

    describe("login", () => {
      on("an unknown device is refused [relay.login.3]", function* (place) {
        const stranger = yield* station(place, FixtureAccount.makeAccount(place.crypto, "stranger").addDevice())
        expect(yield* outcome(stranger.open())).toEqual("unknown-device")
        expect(yield* outcome(receive(stranger, 1))).toEqual("unknown-device")
      })

      on(
        "an older state is refused with the newer one, and may come back with a newer still [relay.login.2]",
        function* (place) {
          const bob = yield* join(place, "bob")
          yield* Effect.scoped(bob.open({ generation: 5 }))
          const copy = yield* station(place, bob.fixture)
          const older = yield* refusal(copy.open({ generation: 4 }))
          expect(older.code).toEqual("stale-state")
          expect(Array.from(older.detail)).toEqual(Array.from(Canonical.encode([5, bob.fixture.startId])))
          const other = new Uint8Array(8).fill(1)
          expect(yield* outcome(copy.open({ generation: 5, startId: other }))).toEqual("stale-state")
          yield* copy.open({ generation: 6, startId: other })
          yield* submitSelf(place, copy)
        }
      )

      on("the same fence logs in again [relay.login.2]", function* (place) {
        const bob = yield* join(place, "bob")
        for (let i = 0; i < 3; i++) yield* Effect.scoped(bob.open({ generation: 2 }))
      })

      on("a second login takes over, and the first ends for good [relay.login.3]", function* (place) {
        const [alice, bob] = yield* pair(place)
        const reading = yield* Effect.forkScoped(outcome(receive(bob, 1)))
        yield* Effect.sleep(50)
        const second = yield* station(place, bob.fixture)
        yield* second.open()
        expect(yield* Fiber.join(reading)).toEqual("replaced")
        const status = yield* Stream.runHead(bob.transport.status)
        expect(status._tag === "Some" && status.value._tag).toEqual("Refused")
        yield* submit(alice, bob, 1)
        const got: ReadonlyArray<Delivery> = yield* receive(second, 1)
        expect(numbers(got, bob.fixture.mailbox)).toEqual([1])
      })

      on(
        "a revoked device is sent away, and its mailbox answers with the manifest [relay.submit.4] [relay.login.3]",
        function* (place) {
          const alice = yield* join(place, "alice")
          const bob = yield* join(place, "bob")
          const tablet = yield* joinDevice(place, bob)
          yield* bob.open()
          yield* tablet.open()
          const reading = yield* Effect.forkScoped(outcome(receive(tablet, 1)))
          yield* Effect.sleep(50)
          const newest = bob.account.revoke(tablet.fixture)
          yield* bob.directory.publishManifest(newest, [])
          expect(yield* Fiber.join(reading)).toEqual("unknown-device")
          const start = FixtureAccount.envelope(tablet.fixture.mailbox, sessionStart, body(1))
          const stale = yield* refusal(alice.transport.submit(start))
          expect(stale.code).toEqual("stale-device")
          expect(Bytes.equal(stale.detail, newest)).toEqual(true)
          expect(yield* outcome((yield* station(place, tablet.fixture)).open())).toEqual("unknown-device")
        }
      )

      on("status tells the way to being connected", function* (place) {
        const bob = yield* join(place, "bob")
        const seen: Array<string> = []
        const connected = yield* Deferred.make<void>()
        yield* Effect.forkScoped(
          Stream.runForEach(bob.transport.status, (status) =>
            Effect.suspend(() => {
              seen.push(status._tag)
              return status._tag === "Connected" ? Deferred.succeed(connected, undefined) : Effect.void
            })
          )
        )
        yield* bob.open()
        yield* Deferred.await(connected)
        expect(seen.at(-1)).toEqual("Connected")
      })
    })

    describe("a bad network", () => {
      disturbed(
        "connections that end while hundreds of submissions are on the way lose and double nothing",
        function* (place, faults) {
          const [alice, bob] = yield* pair(place)
          const all = range(0, 400)
          const receiving = yield* Effect.forkScoped(drain(bob, all.length))
          const cutting = yield* Effect.forkScoped(
            Effect.repeat(Effect.andThen(Effect.sleep(15), faults.cut), { times: 12 })
          )
          yield* submitAll(alice, bob, all, 20)
          yield* Fiber.join(cutting)
          const got: ReadonlyArray<number> = yield* Fiber.join(receiving)
          expect([...got].sort((a, b) => a - b)).toEqual(all)
        }
      )

      disturbed(
        "a submission whose answer is lost is repeated, and stored once [relay.submit.3]",
        function* (place, faults) {
          const [alice, bob] = yield* pair(place)
          yield* submit(alice, bob, 0)
          yield* faults.mute
          const submitting = yield* Effect.forkScoped(submitAll(alice, bob, range(1, 30), 30))
          yield* Effect.sleep(200)
          yield* faults.cut
          yield* Fiber.join(submitting)
          yield* submit(alice, bob, 30)
          const got: ReadonlyArray<number> = yield* drain(bob, 31)
          expect([...got].sort((a, b) => a - b)).toEqual(range(0, 31))
          yield* submit(alice, bob, 31)
          const rest: ReadonlyArray<Delivery> = yield* receive(bob, 1)
          expect(numbers(rest, bob.fixture.mailbox)).toEqual([31])
        }
      )

      disturbed(
        "deliveries that were not acknowledged come again, in order, after a cut [relay.mailbox.1]",
        function* (place, faults) {
          const [alice, bob] = yield* pair(place)
          yield* submitAll(alice, bob, range(0, 10), 1)
          const before: ReadonlyArray<Delivery> = yield* receive(bob, 4)
          yield* bob.transport.acknowledge(before.slice(0, 2).map(({ id }) => id))
          yield* faults.cut
          yield* submit(alice, bob, 10)
          const seen: Array<number> = []
          yield* bob.transport.deliveries.pipe(
            Stream.takeUntil((delivery) => {
              const [number] = numbers([delivery], bob.fixture.mailbox)
              seen.push(number!)
              return number === 10
            }),
            Stream.runDrain
          )
          // Whatever came before the cut was noticed, the last opening brings all of them in order.
          expect(seen.slice(-9)).toEqual(range(2, 11))
        }
      )

      disturbed("operations wait while there is no connection, and go on when there is", function* (place, faults) {
        const [alice, bob] = yield* pair(place)
        yield* faults.block
        const submitting = yield* Effect.forkScoped(submitAll(alice, bob, range(0, 5), 1))
        const looking = yield* Effect.forkScoped(alice.directory.lookUp("bob"))
        yield* Effect.sleep(200)
        yield* faults.heal
        yield* Fiber.join(submitting)
        const entry = yield* Fiber.join(looking)
        expect(Bytes.equal(entry.account, bob.account.account)).toEqual(true)
        const got: ReadonlyArray<number> = yield* drain(bob, 5)
        expect(got).toEqual(range(0, 5))
      })

      disturbed("a slow network keeps order", function* (place, faults) {
        const [alice, bob] = yield* pair(place)
        yield* faults.delay(20)
        const receiving = yield* Effect.forkScoped(drain(bob, 20))
        yield* submitAll(alice, bob, range(0, 20), 1)
        const got: ReadonlyArray<number> = yield* Fiber.join(receiving)
        expect(got).toEqual(range(0, 20))
      })

      disturbed("damage stops nobody: afterwards everything arrives", function* (place, faults) {
        const [alice, bob] = yield* pair(place)
        const garbling = yield* Effect.forkScoped(Effect.exit(submitAll(alice, bob, range(0, 50), 10)))
        yield* faults.garble
        yield* Effect.sleep(300)
        yield* faults.heal
        yield* Fiber.join(garbling)
        yield* submitAll(alice, bob, range(1_000, 1_020), 1)
        const seen: Array<number> = []
        yield* bob.transport.deliveries.pipe(
          Stream.takeUntil((delivery) => {
            const [number] = numbers([delivery], bob.fixture.mailbox)
            if (number! >= 1_000) seen.push(number!)
            return number === 1_019
          }),
          Stream.runDrain
        )
        expect(seen.slice(-20)).toEqual(range(1_000, 1_020))
      })

      disturbed("an interrupted submission either happened or did not, and harms nothing", function* (place, faults) {
        const [alice, bob] = yield* pair(place)
        yield* faults.mute
        for (let number = 0; number < 5; number++) {
          const submitting = yield* Effect.forkScoped(submit(alice, bob, number))
          yield* Effect.sleep(number * 5)
          yield* Fiber.interrupt(submitting)
        }
        yield* faults.heal
        yield* submitAll(alice, bob, range(0, 6), 1)
        const got: ReadonlyArray<number> = yield* drain(bob, 6)
        expect([...got].sort((a, b) => a - b)).toEqual(range(0, 6))
      })
    })
  })

  /** A device sends itself a session start and receives it. */
  const submitSelf = (place: RelayPlace, self: Station) =>
    Effect.gen(function* () {
      const start = FixtureAccount.envelope(self.fixture.mailbox, sessionStart, place.crypto.sha256(body(1)))
      yield* self.transport.submit(start)
      const [delivery] = yield* receive(self, 1)
      expect(Bytes.equal(delivery!.envelope, start)).toEqual(true)
    })
}
