/** Sessions at the broker that outlive a connection: links that come back to them, and what happens where there is none to come back to. */
import { FixtureAccount } from "@tacit/core/testing"
import { BrokerLink } from "@tacit/transport-mqtt/wire"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { connect as connectRaw, connectAsync } from "mqtt"
import { once } from "node:events"
import { connect as connectSocket, createServer, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import { type BrokerKind, kinds, scoped } from "./Brokers.ts"
import { join, type Member, numberOf, pair, station, submit } from "./Stations.ts"
import { on } from "./place.ts"

const resumeMs = 20_000

const range = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

/** Takes and acknowledges `count` deliveries; all of them, repetitions included. */
const take = (member: Pick<Member, "transport">, count: number): Effect.Effect<ReadonlyArray<number>, unknown> =>
  Effect.map(
    Stream.runCollect(
      member.transport.deliveries.pipe(
        Stream.mapEffect(({ envelope, id }) => Effect.as(member.transport.acknowledge([id]), numberOf(envelope))),
        Stream.take(count)
      )
    ),
    (numbers) => [...numbers]
  )

const eventually = (holds: () => boolean): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    for (let i = 0; i < 1500; i++) {
      if (holds()) return true
      yield* Effect.sleep(20)
    }
    return false
  })

const versions = kinds.flatMap((kind) => [
  [kind, "auto" as const],
  [kind, 4 as const]
]) as ReadonlyArray<readonly [BrokerKind, "auto" | 4]>

describe.each(versions)("over %s, protocol %s", { timeout: 90_000 }, (kind, protocol) => {
  it("a broker keeps what is published while a link is away, and brings it when it is back [mqtt.session.1] [mqtt.session.2]", () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const broker = yield* scoped(kind)
          // A way to the broker that can be taken away.
          const open = new Set<Socket>()
          let blocked = false
          const proxy = createServer((client) => {
            if (blocked) return void client.destroy()
            const to = connectSocket(broker.port, "127.0.0.1")
            for (const socket of [client, to]) {
              open.add(socket)
              socket
                .on("error", () => undefined)
                .on("close", () => {
                  client.destroy()
                  to.destroy()
                })
            }
            client.pipe(to)
            to.pipe(client)
          })
          yield* Effect.acquireRelease(
            Effect.promise(async () => {
              proxy.listen(0, "127.0.0.1")
              await once(proxy, "listening")
            }),
            () => Effect.sync(() => proxy.close())
          )
          const { port } = proxy.address() as { readonly port: number }
          const got: Array<string> = []
          const states: Array<boolean> = []
          let lost = 0
          const common = { protocol, timeoutMs: 5_000, keepaliveMs: 20_000 }
          const link = yield* Effect.acquireRelease(
            Effect.promise(() =>
              BrokerLink.connect({
                ...common,
                address: `mqtt://127.0.0.1:${port}`,
                resumeMs,
                orphans: new Set(),
                will: { topic: "x/gone", payload: new Uint8Array(1), retain: false },
                onMessage: (topic, payload) => got.push(`${topic} ${payload[0]}`),
                onLost: () => lost++,
                onAway: (isAway) => states.push(isAway)
              })
            ),
            ({ end }) => Effect.promise(end)
          )
          const wills: Array<string> = []
          const other = yield* Effect.acquireRelease(
            Effect.promise(() =>
              BrokerLink.connect({
                ...common,
                address: `mqtt://127.0.0.1:${broker.port}`,
                onMessage: (topic) => wills.push(topic),
                onLost: () => undefined
              })
            ),
            ({ end }) => Effect.promise(end)
          )
          yield* Effect.promise(() => other.subscribe(["x/gone", "x/up"]))
          yield* Effect.promise(() => link.subscribe(["x/down"]))
          for (let round = 0; round < 2; round++) {
            blocked = true
            for (const socket of open) socket.destroy()
            open.clear()
            expect(yield* eventually(() => states.at(-1) === true)).toBe(true)
            for (let i = 0; i < 10; i++) other.publish("x/down", Uint8Array.of(round * 10 + i))
            // Published by the one that is away: it waits here.
            link.publish("x/up", Uint8Array.of(round))
            yield* Effect.sleep(300)
            blocked = false
            // What was kept may come before the client says that it is back, and again where the cut swallowed a confirmation: frames
            // have numbers, and what comes twice is left out above.
            expect(yield* eventually(() => new Set(got).size === (round + 1) * 10 && states.at(-1) === false)).toBe(
              true
            )
          }
          expect([...new Set(got)]).toEqual(range(20).map((number) => `x/down ${number}`))
          expect(states).toEqual([true, false, true, false])
          expect(yield* eventually(() => wills.filter((topic) => topic === "x/up").length === 2)).toBe(true)
          expect([lost, wills.filter((topic) => topic === "x/gone")]).toEqual([0, []])
        })
      )
    ))

  it("a link that was lost for a while goes on, and every envelope arrives once and in order [mqtt.session.1]", () =>
    on({ kind, client: { protocol, resumeMs, heartbeatMs: 15_000 } }, function* (place) {
      const [alice, bob] = yield* pair(place)
      const statuses: Array<string> = []
      yield* Effect.forkScoped(
        Stream.runForEach(bob.transport.status, (status) => Effect.sync(() => void statuses.push(status._tag)))
      )
      const receiving = yield* Effect.forkScoped(take(bob, 60))
      for (let round = 0; round < 3; round++) {
        const faults = place.faults!
        yield* Effect.forEach(range(10), (number) => submit(alice, bob, round * 20 + number), { discard: true })
        yield* faults.block
        yield* Effect.sleep(400)
        const sending = yield* Effect.forkScoped(
          Effect.forEach(range(10), (number) => submit(alice, bob, round * 20 + 10 + number), { discard: true })
        )
        yield* Effect.sleep(200)
        yield* faults.heal
        yield* Fiber.join(sending)
      }
      expect(yield* Fiber.join(receiving)).toEqual(range(60))
      // The link was never given up: nobody logged in again.
      expect(statuses.filter((status) => status !== "Connected")).toEqual([])
      expect((yield* bob.directory.prekeyStatus).waiting).toBe(0)
    }))

  it("a session that the broker has lost ends the link; everything arrives once all the same [mqtt.session.1] [mqtt.broker.2]", () =>
    on({ kind, client: { protocol, resumeMs } }, function* (place) {
      const [alice, bob] = yield* pair(place)
      const receiving = yield* Effect.forkScoped(take(bob, 40))
      for (let round = 0; round < 2; round++) {
        yield* Effect.forEach(range(10), (number) => submit(alice, bob, round * 20 + number), { discard: true })
        yield* Effect.promise(() => place.broker.restart())
        yield* Effect.forEach(range(10), (number) => submit(alice, bob, round * 20 + 10 + number), { discard: true })
      }
      const got: ReadonlyArray<number> = yield* Fiber.join(receiving)
      expect([...new Set(got)].toSorted((a, b) => a - b)).toEqual(range(40))
      expect((yield* bob.directory.prekeyStatus).waiting).toBe(0)
    }))

  it("a device that is started again gets what came meanwhile once, from its mailbox [mqtt.session.1]", () =>
    on({ kind, client: { protocol, resumeMs } }, function* (place) {
      const alice = yield* join(place, "alice")
      const account = FixtureAccount.makeAccount(place.crypto, "bob")
      const device = account.addDevice()
      const life = <A>(use: (bob: Member) => Effect.Effect<A, unknown, Scope.Scope>) =>
        Effect.scoped(
          Effect.flatMap(station(place, device), (opened) =>
            Effect.gen(function* () {
              const bob = { ...opened, account }
              yield* bob.open
              return yield* use(bob)
            })
          )
        )
      yield* Effect.scoped(
        Effect.flatMap(station(place, device), (bob) =>
          Effect.flatMap(place.invite("bob"), (password) =>
            bob.directory.register(FixtureAccount.registration(account, device, "bob", password))
          )
        )
      )
      yield* life((bob) => bob.directory.setDeliveryToken(device.tokenHash))
      const to = { fixture: device } as Member
      const seen: Array<number> = []
      for (let round = 0; round < 3; round++) {
        yield* Effect.forEach(range(5), (number) => submit(alice, to, round * 5 + number), { discard: true })
        seen.push(...(yield* life((bob) => take(bob, 5))))
      }
      expect(seen).toEqual(range(15))
      expect(yield* life((bob) => Effect.map(bob.directory.prekeyStatus, ({ waiting }) => waiting))).toBe(0)
    }))
})

/** Whether the broker has a session under a name. Asking for it leaves none. */
const hasSession = async (port: number, clientId: string): Promise<boolean> => {
  const settings = { protocolVersion: 4, clean: false, clientId, reconnectPeriod: 0 } as const
  const client = connectRaw(`mqtt://127.0.0.1:${port}`, settings)
  const sessionPresent = await new Promise<boolean>((resolve) =>
    client.once("connect", (acknowledgement) => resolve(acknowledgement.sessionPresent))
  )
  await client.endAsync()
  const clean = await connectAsync(`mqtt://127.0.0.1:${port}`, { ...settings, clean: true }, false)
  await clean.endAsync()
  return sessionPresent
}

describe.each(kinds)("over %s, with 3.1.1", { timeout: 60_000 }, (kind) => {
  it("a session without an end of its own is taken away: by its link, or by the next one [mqtt.session.2]", () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const broker = yield* scoped(kind)
          const orphans = new Set<string>()
          const connect = Effect.promise(() =>
            BrokerLink.connect({
              protocol: 4,
              timeoutMs: 5_000,
              keepaliveMs: 20_000,
              address: `mqtt://127.0.0.1:${broker.port}`,
              resumeMs,
              orphans,
              will: { topic: "x/gone", payload: new Uint8Array(1), retain: false },
              onMessage: () => undefined,
              onLost: () => undefined
            })
          )
          for (const control of [true, false]) {
            const link = yield* connect
            yield* Effect.promise(() => link.subscribe(["x/down"]))
            link.cut()
            expect(orphans.size).toBe(1)
            const [id] = [...orphans]
            // Left alone, it stays.
            if (control) {
              expect(yield* Effect.promise(() => hasSession(broker.port, id!))).toBe(true)
              orphans.clear()
              continue
            }
            const next = yield* connect
            expect(yield* eventually(() => orphans.size === 0)).toBe(true)
            expect(yield* Effect.promise(() => hasSession(broker.port, id!))).toBe(false)
            yield* Effect.promise(next.end)
            expect(orphans.size).toBe(0)
          }
        })
      )
    ))
})

describe.each(kinds)("over %s", { timeout: 60_000 }, (kind) => {
  it("a message is confirmed to the broker when it was handed on, and the next one waits [mqtt.session.3]", () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const broker = yield* scoped(kind)
          const common = {
            protocol: "auto",
            timeoutMs: 5_000,
            keepaliveMs: 20_000,
            address: `mqtt://127.0.0.1:${broker.port}`,
            onLost: () => undefined
          } as const
          const begun: Array<number> = []
          let go: () => void = () => undefined
          const slow = yield* Effect.acquireRelease(
            Effect.promise(() =>
              BrokerLink.connect({
                ...common,
                onMessage: (_, payload) =>
                  new Promise<void>((resolve) => {
                    begun.push(payload[0]!)
                    go = resolve
                  })
              })
            ),
            ({ cut }) => Effect.sync(cut)
          )
          const other = yield* Effect.acquireRelease(
            Effect.promise(() => BrokerLink.connect({ ...common, onMessage: () => undefined })),
            ({ end }) => Effect.promise(end)
          )
          yield* Effect.promise(() => slow.subscribe(["y/down"]))
          for (const number of [1, 2, 3]) other.publish("y/down", Uint8Array.of(number))
          for (const number of [1, 2, 3]) {
            expect(yield* eventually(() => begun.includes(number))).toBe(true)
            yield* Effect.promise(() => sleep(100))
            expect(begun).toEqual(range(number).map((one) => one + 1))
            go()
          }
        })
      )
    ))
})
