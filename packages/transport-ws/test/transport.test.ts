import { Crypto, Directory, KeyCustody, Transport, type TransportStatus } from "@tacit/core"
import { FixtureAccount } from "@tacit/core/testing"
import {
  config,
  InvalidAddress,
  layer,
  layerConfig,
  layerGlobal,
  layerNode,
  type TransportOptions
} from "@tacit/transport-ws"
import * as portable from "../src/portable.ts"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import * as FakeRelay from "./FakeRelay.ts"
import { crypto, makePlace, patience } from "./place.ts"

const device = FixtureAccount.makeAccount(crypto, "alice").addDevice()
const fence = { generation: 1, startId: device.startId }
const envelope = (number: number): Uint8Array =>
  FixtureAccount.envelope(device.mailbox, 2, new Uint8Array(80).fill(number))
const requirements = Layer.mergeAll(Layer.succeed(KeyCustody, device.custody), Layer.succeed(Crypto, crypto))

const run = <A>(body: Effect.Effect<A, unknown, Scope.Scope>): Promise<A> => Effect.runPromise(Effect.scoped(body))

/** Transport and directory at an address. */
const at = (url: string, options: Partial<TransportOptions> = {}, make: typeof layer = layer) =>
  Effect.map(
    Layer.build(Layer.provide(Layer.fresh(make({ url, ...patience, ...options })), requirements)),
    (services) => ({ transport: Context.get(services, Transport), directory: Context.get(services, Directory) })
  )

const eventually = (holds: () => boolean): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let i = 0; i < 300; i++) {
      if (holds()) return
      yield* Effect.sleep(10)
    }
    return yield* Effect.die(new Error("did not come to hold"))
  })

describe("addresses", () => {
  const outcome = (options: TransportOptions) =>
    run(
      Effect.map(Effect.result(Layer.build(Layer.provide(layer(options), requirements))), (result) =>
        result._tag === "Success" ? "fine" : result.failure.reason
      )
    )

  it("plain ws is for loopback, unless the application insists", async () => {
    for (const url of ["ws://localhost", "ws://127.0.0.1:1", "ws://[::1]:2/x", "wss://relay.example"]) {
      expect(await outcome({ url })).toBe("fine")
    }
    for (const url of [
      "ws://relay.example",
      "ws://127.0.0.1.example",
      "ws://10.0.0.1",
      "ws://127.0.0.1@relay.example"
    ]) {
      expect(await outcome({ url })).toBe("insecure")
      expect(await outcome({ url, allowInsecure: true })).toBe("fine")
    }
    expect(await outcome({ url: "https://relay.example" })).toBe("scheme")
    expect(await outcome({ url: "relay" })).toBe("not-a-url")
    expect(new InvalidAddress({ reason: "scheme" })._tag).toBe("InvalidAddress")
  })

  it("come from the environment as well", async () => {
    const provider = ConfigProvider.fromUnknown({ TACIT_RELAY: "wss://relay.example", TACIT_RELAY_NAME: "example" })
    expect(await Effect.runPromise(Effect.provide(config, ConfigProvider.layer(provider)))).toEqual({
      url: "wss://relay.example",
      relayName: "example",
      allowInsecure: false
    })
    const built = Layer.build(layerConfig.pipe(Layer.provide([requirements, ConfigProvider.layer(provider)])))
    await run(built)
  })
})

describe("two connections", () => {
  it("nothing asked anonymously ever goes over the device's connection, nor the other way [relay.two.1] [relay.two.3]", () =>
    run(
      Effect.gen(function* () {
        const relay = yield* FakeRelay.make
        const { directory, transport } = yield* at(relay.url)
        yield* directory.register({
          user: "alice",
          password: "x",
          manifest: Uint8Array.of(1),
          certificate: device.certificate,
          mailbox: device.mailbox
        })
        yield* transport.open(fence)
        yield* transport.submit(envelope(1), device.token)
        yield* directory.lookUp("bob")
        // One's own account is asked about on the device's connection, others anonymously.
        yield* directory.manifestsAfter(device.account, 1)
        yield* directory.manifestsAfter(new Uint8Array(32).fill(9), 1)
        yield* directory.bundle(device.account, device.device)
        yield* directory.publishPrekeys(device.prekeys({ oneTime: 1, oneTimeKem: 1 }))
        yield* directory.prekeyStatus
        yield* directory.publishManifest(Uint8Array.of(1), [])
        yield* directory.setDeliveryToken(device.tokenHash)
        yield* transport.acknowledge([1])
        const groups = new Map<number, Set<number>>()
        const asked: Array<readonly [connection: number, other: boolean]> = []
        for (const { connection, frame } of relay.seen) {
          if (frame.type === 18) asked.push([connection, frame.account[0] === 9])
          groups.set(connection, (groups.get(connection) ?? new Set()).add(frame.type))
        }
        const kinds = [...groups.values()].map((types) => [...types].filter((type) => type !== 1).sort((a, b) => a - b))
        expect(kinds.toSorted((a, b) => a[0]! - b[0]!)).toEqual([[3], [5, 7, 8, 9, 17, 18], [10, 12, 14, 18]])
        for (const [connection, other] of asked) expect(groups.get(connection)!.has(14)).toBe(other)
      })
    ))

  it("an unused anonymous connection is let go, and comes back when it is needed", () =>
    run(
      Effect.gen(function* () {
        const relay = yield* FakeRelay.make
        const { transport } = yield* at(relay.url, { idleMs: 60 })
        yield* transport.submit(envelope(1))
        yield* eventually(() => relay.sockets()[0]!.readyState === 3)
        yield* transport.submit(envelope(2))
        expect(relay.sockets()).toHaveLength(2)
      })
    ))
})

describe("trust", () => {
  it("signs nothing for a relay with another name than the one that is known [relay.login.4]", () =>
    run(
      Effect.gen(function* () {
        const relay = yield* FakeRelay.make
        const { transport } = yield* at(relay.url, { relayName: "relay.example" })
        const refused = yield* Effect.flip(transport.open(fence))
        expect(refused).toMatchObject({ _tag: "Refused", code: "wrong-relay" })
        expect(relay.seen.map(({ frame }) => frame.type)).toEqual([1])
      })
    ))

  it("nor for one that changed its name since [relay.login.4]", () =>
    run(
      Effect.gen(function* () {
        const relay = yield* FakeRelay.make
        const { transport } = yield* at(relay.url)
        yield* transport.open(fence)
        relay.answer = (seen) => FakeRelay.usual(seen, "other")
        relay.sockets()[0]!.terminate()
        const refused = yield* Effect.flip(Stream.runDrain(transport.deliveries))
        expect(refused).toMatchObject({ _tag: "Refused", code: "wrong-relay" })
        expect(relay.seen.filter(({ frame }) => frame.type === 5)).toHaveLength(1)
      })
    ))

  it("comes back after nonsense: frames that do not decode, text, answers of another kind", () =>
    run(
      Effect.gen(function* () {
        const relay = yield* FakeRelay.make
        const { transport } = yield* at(relay.url)
        const nonsense: Array<FakeRelay.Answer> = [Uint8Array.of(0xc1), "text", Uint8Array.of(0x92, 99, 1)]
        relay.answer = (seen) => {
          if (seen.frame.type !== 14) return FakeRelay.usual(seen)
          const next = nonsense.shift()
          if (next !== undefined) return next
          if (relay.sockets().length === 4) return { type: 4, request: seen.frame.request }
          return FakeRelay.usual(seen)
        }
        yield* transport.submit(envelope(1))
        expect(relay.sockets()).toHaveLength(5)
      })
    ))

  it("leaves a relay that delivers more than it was given credit for", () =>
    run(
      Effect.gen(function* () {
        const relay = yield* FakeRelay.make
        const { transport } = yield* at(relay.url, { window: 8 })
        const got: Array<number> = []
        relay.answer = (seen) => {
          if (seen.frame.type === 19 && seen.connection === 1) {
            for (let delivery = 1; delivery <= 20; delivery++) {
              relay.send(1, { type: 16, request: 0, delivery, receivedAt: 1, envelope: envelope(delivery) })
            }
          }
          return FakeRelay.usual(seen)
        }
        yield* transport.open(fence)
        yield* Effect.forkScoped(
          Stream.runForEach(transport.deliveries, ({ id }) =>
            Effect.andThen(
              Effect.sync(() => got.push(id)),
              Effect.sleep(5)
            )
          )
        )
        yield* eventually(() => relay.sockets().length === 2)
        expect(got.length).toBeLessThanOrEqual(9)
      })
    ))
})

describe("patience", () => {
  it("pings when nothing comes, and gives a silent relay up [relay.heartbeat.1]", () =>
    run(
      Effect.gen(function* () {
        const relay = yield* FakeRelay.make
        const { transport } = yield* at(relay.url, { heartbeatMs: 60 })
        yield* transport.open(fence)
        yield* Effect.sleep(200)
        // It answered, so the connection stayed.
        expect(relay.seen.filter(({ frame }) => frame.type === 20).length).toBeGreaterThan(1)
        expect(relay.sockets()).toHaveLength(1)
        relay.answer = (seen) => (seen.frame.type === 20 && seen.connection === 1 ? undefined : FakeRelay.usual(seen))
        yield* eventually(() => relay.sockets().length === 2)
      })
    ))

  it("waits out what a rate limit asks, and tells of one that is too long", () =>
    run(
      Effect.gen(function* () {
        const relay = yield* FakeRelay.make
        const { transport } = yield* at(relay.url, { timeoutMs: 1_000 })
        let retryAfterMs = 120
        let times = 0
        relay.answer = (seen) => {
          if (seen.frame.type !== 14) return FakeRelay.usual(seen)
          times++
          if (times === 2) return FakeRelay.usual(seen)
          const { request } = seen.frame
          return { type: 255, request, code: "rate-limited", message: "Wait.", retryAfterMs, detail: new Uint8Array() }
        }
        const before = performance.now()
        yield* transport.submit(envelope(1))
        expect(performance.now() - before).toBeGreaterThanOrEqual(115)
        const [first, second] = relay.seen.filter(({ frame }) => frame.type === 14)
        expect(first!.frame).toMatchObject({ envelope: envelope(1) })
        expect(second!.frame).toMatchObject({ envelope: envelope(1) })
        retryAfterMs = 5_000
        const refused = yield* Effect.flip(transport.submit(envelope(2)))
        expect(refused).toMatchObject({ _tag: "Refused", code: "rate-limited", retryAfterMs: 5_000 })
      })
    ))

  it("an operation ends when its time is over, and may be repeated", () =>
    run(
      Effect.gen(function* () {
        const relay = yield* FakeRelay.make
        const { directory, transport } = yield* at(relay.url, { timeoutMs: 150 })
        relay.answer = (seen) => (seen.frame.type === 1 ? FakeRelay.usual(seen) : undefined)
        expect(yield* Effect.flip(transport.submit(envelope(1)))).toMatchObject({ operation: "submit" })
        expect(yield* Effect.flip(directory.lookUp("bob"))).toMatchObject({ operation: "look-up" })
        // Nobody opened it: there is no connection of the device to acknowledge on.
        expect(yield* Effect.flip(transport.acknowledge([1]))).toMatchObject({
          _tag: "TransportError",
          operation: "acknowledge"
        })
        relay.answer = FakeRelay.usual
        yield* transport.submit(envelope(1))
      })
    ))

  it("has at most so many requests unanswered at a time", () =>
    run(
      Effect.gen(function* () {
        const relay = yield* FakeRelay.make
        const { transport } = yield* at(relay.url, { maxInFlight: 5 })
        const held: Array<FakeRelay.Seen> = []
        relay.answer = (seen) => (seen.frame.type === 14 ? void held.push(seen) : FakeRelay.usual(seen))
        const all = yield* Effect.forkScoped(
          Effect.forEach([...Array(12).keys()], (number) => transport.submit(envelope(number)), {
            concurrency: 12,
            discard: true
          })
        )
        yield* eventually(() => held.length === 5)
        yield* Effect.sleep(50)
        expect(held).toHaveLength(5)
        relay.answer = FakeRelay.usual
        for (const seen of held) relay.send(seen.connection, FakeRelay.usual(seen))
        yield* Fiber.join(all)
      })
    ))

  it("pauses grow between attempts, and status tells of them", () =>
    run(
      Effect.gen(function* () {
        const place = yield* makePlace()
        yield* place.faults!.block
        const { transport } = yield* at(place.url, { backoffMs: 10, maxBackoffMs: 100 })
        const seen: Array<TransportStatus> = []
        yield* Effect.forkScoped(Stream.runForEach(transport.status, (status) => Effect.sync(() => seen.push(status))))
        yield* Effect.forkScoped(Effect.exit(transport.open(fence)))
        yield* Effect.sleep(700)
        const pauses = seen.flatMap((status) =>
          status._tag === "Disconnected" && status.retryInMs > 0 ? [status.retryInMs] : []
        )
        expect(pauses.length).toBeGreaterThan(4)
        expect(pauses[0]).toBeLessThanOrEqual(12)
        expect(pauses.at(-1)).toBeGreaterThanOrEqual(75)
        expect(Math.max(...pauses)).toBeLessThanOrEqual(121)
        const attempts = seen.flatMap((status) => (status._tag === "Connecting" ? [status.attempt] : []))
        expect(attempts.slice(0, 3)).toEqual([1, 2, 3])
      })
    ))
})

describe("credit", () => {
  it("follows the reader: at most a window is on the way or waiting [relay.mailbox.1]", () =>
    run(
      Effect.gen(function* () {
        const relay = yield* FakeRelay.make
        const { transport } = yield* at(relay.url, { window: 10 })
        let credit = 0
        let delivery = 0
        relay.answer = (seen) => {
          if (seen.frame.type === 19) credit += seen.frame.credit
          return FakeRelay.usual(seen)
        }
        const push = (): void => {
          for (; credit > 0; credit--) {
            delivery++
            relay.send(1, { type: 16, request: 0, delivery, receivedAt: 1, envelope: envelope(delivery & 0xff) })
          }
        }
        yield* transport.open(fence)
        yield* Effect.sleep(50)
        // Nobody reads, so nothing is asked for.
        expect(credit).toBe(0)
        const read = (count: number) => Stream.runDrain(Stream.take(transport.deliveries, count))
        const first = yield* Effect.forkScoped(read(1))
        yield* eventually(() => credit === 10)
        push()
        yield* Fiber.join(first)
        yield* Effect.sleep(50)
        expect([delivery, credit]).toEqual([10, 0])
        yield* read(3)
        yield* Effect.sleep(30)
        expect(credit).toBe(0)
        yield* read(4)
        yield* eventually(() => credit > 0)
        expect(credit).toBeLessThanOrEqual(10)
        push()
        yield* read(delivery - 8)
        expect(delivery).toBeGreaterThan(10)
      })
    ))
})

describe("platforms", () => {
  it("works with the global WebSocket, by the portable entry or by choice", () =>
    run(
      Effect.gen(function* () {
        const place = yield* makePlace()
        for (const make of [
          portable.layer,
          (options: TransportOptions) => Layer.provide(layer(options), layerGlobal),
          (options: TransportOptions) => Layer.provide(portable.layer(options), layerNode)
        ]) {
          const { directory } = yield* at(place.url, {}, make)
          expect(yield* Effect.flip(directory.lookUp("nobody"))).toMatchObject({ code: "unknown-user" })
        }
      })
    ))

  it("carries envelopes over the global WebSocket, through cuts too", () =>
    run(
      Effect.gen(function* () {
        const place = yield* makePlace()
        const { directory, transport } = yield* at(place.url, {}, portable.layer)
        const account = FixtureAccount.makeAccount(crypto, "alice")
        account.addDevice()
        const password = yield* place.invite("alice")
        yield* directory.register(FixtureAccount.registration(account, device, "alice", password))
        yield* transport.open(fence)
        yield* directory.setDeliveryToken(device.tokenHash)
        const done = yield* Deferred.make<void>()
        const seen = new Set<number>()
        yield* Effect.forkScoped(
          Stream.runForEach(transport.deliveries, (delivery) =>
            Effect.gen(function* () {
              seen.add(delivery.envelope.at(-1)!)
              yield* transport.acknowledge([delivery.id])
              if (seen.size === 100) yield* Deferred.succeed(done, undefined)
            })
          )
        )
        const submitting = yield* Effect.forkScoped(
          Effect.forEach([...Array(100).keys()], (number) => transport.submit(envelope(number), device.token), {
            concurrency: 10,
            discard: true
          })
        )
        yield* Effect.sleep(10)
        yield* place.faults!.cut
        yield* Fiber.join(submitting)
        yield* Deferred.await(done)
      })
    ))
})

describe("repeating", () => {
  it("pending submissions go out again with the same bytes, and the relay notices [relay.submit.3]", () =>
    run(
      Effect.gen(function* () {
        const place = yield* makePlace()
        const { directory, transport } = yield* at(place.url)
        const account = FixtureAccount.makeAccount(crypto, "alice")
        account.addDevice()
        yield* directory.register(FixtureAccount.registration(account, device, "alice", yield* place.invite("alice")))
        yield* transport.open(fence)
        yield* directory.setDeliveryToken(device.tokenHash)
        yield* transport.submit(envelope(0), device.token)
        yield* place.faults!.mute
        const submitting = yield* Effect.forkScoped(
          Effect.forEach([1, 2, 3], (number) => transport.submit(envelope(number), device.token), { concurrency: 3 })
        )
        yield* Effect.sleep(100)
        yield* place.faults!.cut
        yield* Fiber.join(submitting)
        const text = yield* place.relay.metrics
        expect(text).toContain("tacit_relay_envelopes_accepted_total 4\n")
        expect(text).toContain("tacit_relay_envelopes_repeated_total 3\n")
      })
    ))
})
