/**
 * The contract of the Slots port as tests, for everybody who writes an adapter.
 *
 * Spec: docs/spec/14-relay.md §14.7; the port is ports/Slots.ts.
 * Brings no test runner along, as testing/TransportContract.ts. Blobs are of the suite's own making: linking is not its business.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Bytes from "../base/Bytes.ts"
import { Crypto } from "../ports/Crypto.ts"
import { Directory } from "../ports/Directory.ts"
import { KeyCustody } from "../ports/KeyCustody.ts"
import { type SlotLine, type SlotPlace, Slots } from "../ports/Slots.ts"
import { Transport } from "../ports/Transport.ts"
import * as FixtureAccount from "./FixtureAccount.ts"
import {
  join as joinUser,
  type MakePlace,
  outcome,
  type RelayContractOptions,
  type RelayPlace,
  testsOn
} from "./RelayPlace.ts"

/** A network whose adapter has slots too. */
export interface SlotsPlace extends RelayPlace {
  readonly layer: Layer.Layer<Transport | Directory | Slots, unknown, KeyCustody | Crypto>
}

/** Registers the suite. A network is made for every test. */
export const slotsContract = (name: string, makePlace: MakePlace<SlotsPlace>, options: RelayContractOptions): void => {
  const { describe, expect } = options
  const { disturbed, on } = testsOn(makePlace, options)

  /** An opening of the adapter for a device, registered or not. */
  const station = (place: SlotsPlace, fixture: FixtureAccount.FixtureDevice) =>
    Effect.gen(function* () {
      const services = yield* Layer.build(
        Layer.fresh(place.layer).pipe(
          Layer.provide(Layer.mergeAll(Layer.succeed(KeyCustody, fixture.custody), Layer.succeed(Crypto, place.crypto)))
        )
      )
      const transport = Context.get(services, Transport)
      return {
        slots: Context.get(services, Slots),
        directory: Context.get(services, Directory),
        open: transport.open({ generation: 1, startId: fixture.startId })
      }
    })

  /** A registered device that is logged in, and one of nobody. */
  const pair = (place: SlotsPlace) =>
    Effect.gen(function* () {
      const alice = yield* joinUser(place, "alice")
      const old = yield* station(place, alice.fixture)
      yield* old.open
      const strange = FixtureAccount.makeAccount(place.crypto, "nobody").addDevice()
      const stranger = yield* station(place, strange)
      return { alice, old: old.slots, stranger: stranger.slots }
    })

  const slot = (number: number, party: number): SlotPlace => ({
    slot: new Uint8Array(16).fill(number),
    party: new Uint8Array(16).fill(party)
  })
  const blob = (number: number, length = 40): Uint8Array => new Uint8Array(length).fill(number)
  const receive = (line: SlotLine, count: number) =>
    Effect.map(Stream.runCollect(Stream.take(line.received, count)), (blobs) =>
      blobs.map((bytes) => [bytes[0], bytes.length])
    )

  describe(`slots contract: ${name}`, () => {
    on("blobs pass both ways in order, whoever came first [relay.slot.1] [relay.slot.3]", function* (place) {
      const { old, stranger } = yield* pair(place)
      const { relay } = yield* old.open(slot(1, 1))
      const a = yield* old.join(slot(1, 1))
      expect([relay.length > 0, a.relay]).toEqual([true, relay])
      yield* a.post(blob(10))
      yield* a.post(blob(11, 65_536))
      const b = yield* stranger.join(slot(1, 2))
      expect(b.relay).toEqual(relay)
      expect(yield* receive(b, 2)).toEqual([
        [10, 40],
        [11, 65_536]
      ])
      yield* b.post(blob(20))
      yield* b.post(blob(21))
      expect(yield* receive(a, 2)).toEqual([
        [20, 40],
        [21, 40]
      ])
      yield* a.post(blob(12))
      expect(yield* receive(b, 1)).toEqual([[12, 40]])
    })

    on("a slot is opened by a device, once, and may be opened again by it [relay.slot.1]", function* (place) {
      const { old, stranger } = yield* pair(place)
      yield* old.open(slot(1, 1))
      yield* old.open(slot(1, 1))
      expect(yield* outcome(old.open(slot(1, 3)))).toEqual("unknown-slot")
      const a = yield* stranger.join(slot(1, 2))
      yield* a.post(blob(1))
      yield* old.open(slot(1, 1))
      const b = yield* old.join(slot(1, 1))
      expect(yield* receive(b, 1)).toEqual([[1, 40]])
    })

    on("what never was, is used, and is over, is answered alike [relay.slot.5]", function* (place) {
      const { old, stranger } = yield* pair(place)
      yield* old.open(slot(1, 1))
      yield* stranger.join(slot(1, 2))
      yield* old.open(slot(2, 1))
      const closing = yield* old.join(slot(2, 1))
      yield* closing.close
      for (const number of [1, 2, 3]) {
        expect(yield* outcome(Effect.scoped(stranger.join(slot(number, 9))))).toEqual("unknown-slot")
      }
      expect(yield* outcome(closing.post(blob(1)))).toEqual("unknown-slot")
      expect(yield* outcome(closing.close)).toEqual("success")
    })

    on("a party that comes back is sent what it lacks, and posts on [relay.slot.2] [relay.slot.3]", function* (place) {
      const { old, stranger } = yield* pair(place)
      yield* old.open(slot(1, 1))
      const a = yield* old.join(slot(1, 1))
      yield* a.post(blob(1))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const b = yield* stranger.join(slot(1, 2))
          expect(yield* receive(b, 1)).toEqual([[1, 40]])
          yield* b.post(blob(2))
        })
      )
      yield* a.post(blob(3))
      const again = yield* stranger.join(slot(1, 2), { posted: 1, received: 1 })
      expect(yield* receive(again, 1)).toEqual([[3, 40]])
      yield* again.post(blob(4))
      expect(yield* receive(a, 2)).toEqual([
        [2, 40],
        [4, 40]
      ])
      // Posting once more what a party that was killed had posted, without knowing.
      const repeating = yield* stranger.join(slot(1, 2), { posted: 1, received: 2 })
      yield* repeating.post(blob(4))
      expect(yield* outcome(repeating.post(blob(5)))).toEqual("success")
      expect(yield* receive(a, 1)).toEqual([[5, 40]])
    })

    on("sixteen blobs of each party, none empty or longer than 64 KiB [relay.slot.2]", function* (place) {
      const { old } = yield* pair(place)
      yield* old.open(slot(1, 1))
      const a = yield* old.join(slot(1, 1))
      expect(yield* outcome(a.post(Bytes.empty))).toEqual("bad-frame")
      expect(yield* outcome(a.post(blob(1, 65_537)))).toEqual("bad-frame")
      for (let i = 0; i < 16; i++) yield* a.post(blob(i))
      expect(yield* outcome(a.post(blob(16)))).toEqual("quota")
    })

    disturbed("a broken connection loses no blob and doubles none [relay.slot.3]", function* (place, faults) {
      const { old, stranger } = yield* pair(place)
      yield* old.open(slot(1, 1))
      const a = yield* old.join(slot(1, 1))
      const b = yield* stranger.join(slot(1, 2))
      yield* a.post(blob(0))
      expect(yield* receive(b, 1)).toEqual([[0, 40]])
      for (let i = 1; i < 6; i++) {
        yield* faults.cut
        yield* Effect.all([a.post(blob(i)), b.post(blob(100 + i))], { concurrency: 2 })
      }
      expect((yield* receive(b, 5)).map(([first]) => first)).toEqual([1, 2, 3, 4, 5])
      expect((yield* receive(a, 5)).map(([first]) => first)).toEqual([101, 102, 103, 104, 105])
    })

    on("an admin device is given passwords for its account, each its own [relay.password.1]", function* (place) {
      const { alice, old } = yield* pair(place)
      const first = yield* old.issuePassword
      const second = yield* old.issuePassword
      expect([first.password === second.password, first.expiresAt > 0]).toEqual([false, true])
      const tablet = alice.account.addDevice()
      const opened = yield* station(place, tablet)
      yield* opened.directory.register(FixtureAccount.registration(alice.account, tablet, "alice", first.password))
      // Devices of a fixture after the first are members.
      yield* opened.open
      expect(yield* outcome(opened.slots.issuePassword)).toEqual("not-admin")
    })
  })
}
