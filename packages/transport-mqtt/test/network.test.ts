/** Links over real brokers that restart, stewards that restart, copies, epochs, wills, and either version of MQTT. */
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join as joinPath } from "node:path"
import { Bundle, Bytes } from "@tacit/core/hazmat"
import { FixtureAccount } from "@tacit/core/testing"
import { type OpenOptions, openClient } from "@tacit/bots"
import { makeSteward } from "@tacit/relay"
import { layer } from "@tacit/transport-mqtt"
import { Address, BrokerLink, Card, Handshake, Host, Opener, Topics } from "@tacit/transport-mqtt/wire"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import { kinds, scoped } from "./Brokers.ts"
import { join, type Member, numberOf, outcome, pair, station, submit } from "./Stations.ts"
import { crypto, makePlace, on, patience, root } from "./place.ts"

/** Takes and acknowledges until `count` different numbers came; fails when one comes again that was acknowledged. */
const drain = (member: Member, count: number): Effect.Effect<ReadonlyArray<number>, unknown> => {
  const seen = new Set<number>()
  return member.transport.deliveries.pipe(
    Stream.mapEffect(({ envelope, id }) => {
      seen.add(numberOf(envelope))
      return Effect.as(member.transport.acknowledge([id]), seen.size)
    }),
    Stream.takeUntil((size) => size >= count),
    Stream.runDrain,
    Effect.map(() => [...seen])
  )
}

const range = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

/** Until it holds, or for five seconds. */
const eventually = (holds: Effect.Effect<boolean>): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    for (let i = 0; i < 250; i++) {
      if (yield* holds) return true
      yield* Effect.sleep(20)
    }
    return false
  })

describe.each(kinds)("over %s", { timeout: 60_000 }, (kind) => {
  it("a broker that is killed and started again loses and doubles nothing [mqtt.broker.2] [mqtt.link.5]", () =>
    on({ kind }, function* (place) {
      const [alice, bob] = yield* pair(place)
      const receiving = yield* Effect.forkScoped(drain(bob, 300))
      const sending = yield* Effect.forkScoped(
        Effect.forEach(range(300), (number) => submit(alice, bob, number), { concurrency: 10, discard: true })
      )
      for (let i = 0; i < 2; i++) {
        yield* Effect.sleep(100)
        yield* Effect.promise(() => place.broker.restart())
      }
      yield* Fiber.join(sending)
      const got: ReadonlyArray<number> = yield* Fiber.join(receiving)
      expect(got.toSorted((a, b) => a - b)).toEqual(range(300))
      const status = yield* bob.directory.prekeyStatus
      expect(status.waiting).toBe(0)
    }))

  it("people who write to each other while the broker restarts read each line once and in order", () =>
    on({ kind }, function* (place) {
      const open = (user: string) =>
        Effect.gen(function* () {
          const options: OpenOptions = {
            relay: place.url,
            user,
            password: yield* place.invite(user),
            temporary: true,
            transport: layer({ url: place.url, ...patience })
          }
          return yield* Effect.acquireRelease(
            Effect.promise(() => openClient(options)),
            (client) => Effect.promise(() => client.close())
          )
        })
      const bob = yield* open("bob")
      const alice = yield* open("alice")
      const lines = range(40).map((number) => `line ${number}`)
      const read = Effect.promise(async () => {
        const texts: Array<string> = []
        for await (const { body } of bob.messages()) {
          if (body.type === "text") texts.push(body.text)
          if (texts.length === lines.length) break
        }
        return texts
      })
      const reading = yield* Effect.forkScoped(read)
      for (const [number, line] of lines.entries()) {
        yield* Effect.promise(() => alice.send("bob", line))
        if (number % 15 === 10) yield* Effect.promise(() => place.broker.restart())
      }
      const texts: ReadonlyArray<string> = yield* Fiber.join(reading)
      expect(texts).toEqual(lines)
    }))

  it("links go on over many epochs, on topics that are not used again [mqtt.topic.2]", () =>
    on({ kind, epochMs: 120 }, function* (place) {
      const [alice, bob] = yield* pair(place)
      const topics: Array<string> = []
      const spy = yield* Effect.acquireRelease(
        Effect.promise(() =>
          BrokerLink.connect({
            address: `mqtt://127.0.0.1:${place.broker.port}`,
            protocol: "auto",
            timeoutMs: 2_000,
            keepaliveMs: 20_000,
            onMessage: (topic) => topics.push(topic),
            onLost: () => undefined
          })
        ),
        (link) => Effect.promise(() => link.end())
      )
      yield* Effect.promise(() => spy.subscribe([`${root}/#`]))
      const receiving = yield* Effect.forkScoped(drain(bob, 60))
      for (const number of range(60)) {
        yield* submit(alice, bob, number)
        yield* Effect.sleep(20)
      }
      const got: ReadonlyArray<number> = yield* Fiber.join(receiving)
      expect(got).toEqual(range(60))
      const runs = topics.filter((topic, i) => topic.includes("/up/") && topic !== topics[i - 1])
      expect(new Set(topics.filter((topic) => topic.includes("/up/"))).size).toBeGreaterThan(15)
      expect(runs.length).toBeGreaterThan(15)
      const before = new Set(topics)
      topics.length = 0
      yield* Effect.sleep(500)
      yield* submit(alice, bob, 99)
      expect(topics.filter((topic) => before.has(topic) && topic.includes("/up/"))).toEqual([])
    }))

  it("copies can be read while the steward is away, and are gone with a revoked device [mqtt.kept.1] [mqtt.kept.2] [mqtt.kept.3]", () =>
    on({ kind, client: { timeoutMs: 700 } }, function* (place) {
      const [alice, bob] = yield* pair(place)
      yield* bob.directory.publishPrekeys(bob.fixture.prekeys({ oneTime: 2, oneTimeKem: 2 }))
      const tablet = yield* station(place, bob.account.addDevice())
      const password = yield* place.invite("bob")
      yield* tablet.directory.register(FixtureAccount.registration(bob.account, tablet.fixture, "bob", password))
      yield* tablet.open
      yield* tablet.directory.publishPrekeys(tablet.fixture.prekeys({ oneTime: 1, oneTimeKem: 1 }))
      yield* bob.directory.publishManifest(bob.account.revoke(tablet.fixture), [])
      expect((yield* bob.directory.prekeyStatus).oneTime).toBe(2)
      yield* Effect.sleep(300)
      yield* place.steward.close
      const { account, device } = bob.fixture
      const bytes = yield* alice.directory.bundle(account, device)
      const bundle = Result.getOrThrow(Bundle.check(crypto, bytes, account))
      expect([bundle.kemPrekey.oneTime, bundle.oneTimePrekey]).toEqual([false, undefined])
      const chain = yield* alice.directory.manifestsAfter(account, 1)
      expect(chain.manifests.map(Bytes.toHex)).toEqual(bob.account.manifests.slice(1).map(Bytes.toHex))
      expect(yield* outcome(alice.directory.bundle(account, tablet.fixture.device))).toBe("TransportError")
      expect(yield* outcome(alice.directory.lookUp("bob"))).toBe("TransportError")
    }))

  it("copies are gone with an account that the administrator removed [mqtt.kept.1] [relay.remove.4]", () =>
    on({ kind, client: { timeoutMs: 700 } }, function* (place) {
      const [alice, bob] = yield* pair(place)
      yield* bob.directory.publishPrekeys(bob.fixture.prekeys({ oneTime: 1, oneTimeKem: 1 }))
      const { account, device } = bob.fixture
      expect((yield* alice.directory.manifestsAfter(account, 0)).manifests.length).toBe(1)
      yield* place.steward.remove("bob")
      const refused = yield* Effect.flip(alice.directory.manifestsAfter(account, 0))
      expect(refused).toMatchObject({ _tag: "Refused", code: "removed-by-relay", retryAfterMs: 0 })
      yield* Effect.sleep(300)
      yield* place.steward.close
      expect(yield* outcome(alice.directory.manifestsAfter(account, 0))).toBe("TransportError")
      expect(yield* outcome(alice.directory.bundle(account, device))).toBe("TransportError")
    }))

  it("a device that vanished is announced by its will, and a steward by its card [mqtt.card.1] [mqtt.card.3] [mqtt.link.5]", () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const broker = yield* scoped(kind)
          const address = Result.getOrThrow(Address.parse(`mqtt://127.0.0.1:${broker.port}/r`))
          const ends: Array<string> = []
          const serve = () =>
            Host.serve({
              crypto,
              address,
              name: "x",
              secretKey: new Uint8Array(32).fill(4),
              maxLinks: 10,
              onLink: (tunnel) => ({
                onFrame: (frame) => tunnel.send(frame),
                onPong: () => undefined,
                onClose: () => ends.push("link")
              })
            })
          const first = yield* Effect.promise(serve)
          const options = { crypto, address, protocol: "auto" as const, timeoutMs: 2_000, keepaliveMs: 20_000 }
          const open = Opener.make(options)
          const opened = (): Promise<ReturnType<typeof open>> =>
            new Promise((resolve, reject) => {
              const socket = open("", "")
              socket.addEventListener("close", ({ code }) => reject(new Error(`closed with ${code}`)))
              socket.addEventListener("message", () => resolve(socket))
              socket.addEventListener("open", () => socket.send(Uint8Array.of(1)))
            })
          const one = yield* Effect.promise(opened)
          expect(first.links()).toBe(1)
          one.terminate?.()
          expect(yield* eventually(Effect.sync(() => first.links() === 0 && ends.length === 1))).toBe(true)
          const two = yield* Effect.promise(opened)
          const closed: Array<number | undefined> = []
          two.addEventListener("close", ({ code }) => closed.push(code))
          yield* Effect.promise(() => first.close())
          expect(yield* eventually(Effect.sync(() => closed.length === 1))).toBe(true)
          expect(closed).toEqual([1006])
          expect(yield* outcome(Effect.tryPromise(opened))).not.toBe("success")
          const next = yield* Effect.promise(serve)
          const three = yield* Effect.promise(opened)
          expect(three.readyState).toBe(1)
          three.close()
          yield* Effect.promise(() => next.close())
        })
      )
    ))
})

describe("a steward", { timeout: 60_000 }, () => {
  it("that is started again on its database is the same to clients, and has what was submitted [mqtt.card.2]", async () => {
    const folder = mkdtempSync(joinPath(tmpdir(), "steward-"))
    const database = joinPath(folder, "steward.db")
    try {
      await on({ kind: "aedes", database }, function* (place) {
        const [alice, bob] = yield* pair(place)
        yield* submit(alice, bob, 1)
        yield* place.steward.close
      })
      expect(statSync(`${database}.key`).mode & 0o777).toBe(0o600)
      await on({ kind: "aedes", database }, function* (place) {
        const account = FixtureAccount.makeAccount(crypto, "bob")
        const bob = yield* station(place, account.addDevice())
        yield* bob.open
        const [delivery] = yield* Stream.runCollect(Stream.take(bob.transport.deliveries, 1))
        expect(numberOf(delivery!.envelope)).toBe(1)
      })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it("with another key than the address says is not spoken to [mqtt.card.2] [mqtt.address.1]", () =>
    on({ kind: "aedes" }, function* (place) {
      const other = place.url.replace(/key=.*/, `key=${"ab".repeat(32)}`)
      const stranger = yield* station(
        { ...place, layer: layer({ url: other, ...patience, timeoutMs: 600 }) },
        FixtureAccount.makeAccount(crypto, "x").addDevice()
      )
      expect(yield* outcome(stranger.directory.lookUp("bob"))).toBe("TransportError")
    }))

  it("answers as a relay over 3.1.1 and over 5, with clean sessions under names used once [mqtt.broker.1] [mqtt.steward.1]", async () => {
    for (const kind of kinds) {
      for (const protocol of kind === "aedes" ? ([4] as const) : ([4, 5] as const)) {
        await on({ kind, client: { protocol } }, function* (place) {
          const [alice, bob] = yield* pair(place)
          yield* submit(alice, bob, 1)
          const got: ReadonlyArray<number> = yield* drain(bob, 1)
          expect(got).toEqual([1])
        })
      }
      await Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            const broker = yield* scoped(kind)
            const link = yield* Effect.promise(() =>
              BrokerLink.connect({
                address: `mqtt://127.0.0.1:${broker.port}`,
                protocol: "auto",
                timeoutMs: 2_000,
                keepaliveMs: 20_000,
                onMessage: () => undefined,
                onLost: () => undefined
              })
            )
            expect(link.protocol).toBe(kind === "aedes" ? 4 : 5)
            yield* Effect.promise(() => link.end())
          })
        )
      )
    }
  })

  it("does not start without its broker, and passes over knocks that are none [mqtt.link.3] [mqtt.link.4]", () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const nobody = makeSteward({ database: ":memory:", broker: "mqtt://127.0.0.1:1/x" })
          expect(yield* outcome(nobody)).toBe("RelayError")
          const place = yield* makePlace({ kind: "aedes", limits: { connections: 10 } })
          const link = yield* Effect.promise(() =>
            BrokerLink.connect({
              address: `mqtt://127.0.0.1:${place.broker.port}`,
              protocol: 4,
              timeoutMs: 2_000,
              keepaliveMs: 20_000,
              onMessage: () => undefined,
              onLost: () => undefined
            })
          )
          for (const bytes of [Bytes.empty, Uint8Array.of(1, 2), Card.away, new Uint8Array(70_000).fill(0x93)]) {
            link.publish(Topics.knock(root), bytes)
            link.publish(`${root}/up/${"00".repeat(16)}`, bytes)
            link.publish(`${root}/gone/${"00".repeat(16)}`, bytes)
          }
          // More knocks than links: each was genuine, none was followed up.
          const steward = new Uint8Array(Buffer.from(place.steward.key, "hex"))
          for (let i = 1; i <= 40; i++) {
            const secret = new Uint8Array(32).fill(i)
            const knocking = Handshake.knock(crypto, { steward, secret, gone: secret.slice(0, 16) })
            link.publish(Topics.knock(root), knocking!.message)
          }
          const alice = yield* join(place, "alice")
          yield* alice.open
          yield* Effect.promise(() => link.end())
        })
      )
    ))
})
