import { Crypto, Directory, KeyCustody, Transport } from "@tacit/core"
import { FixtureAccount } from "@tacit/core/testing"
import { layer } from "@tacit/transport-ws"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { freePort } from "../../../scripts/lib/free-port.ts"
import { startChild } from "./ChildRelay.ts"
import { body, crypto } from "./Peer.ts"
import { folder } from "./start.ts"

const numberOf = (envelope: Uint8Array): number => Number(Buffer.from(envelope.slice(-100)).readBigUInt64BE(0))

describe("clients of a relay that is killed and comes back", () => {
  it("lose nothing, and nothing comes again after it was acknowledged [relay.submit.1] [relay.submit.3] [relay.mailbox.1]", async () => {
    const database = join(folder(), "relay.db")
    const port = await freePort()
    let relay = await startChild(database, { port })
    const { url } = relay
    const open = (account: FixtureAccount.FixtureAccount, user: string) =>
      Effect.gen(function* () {
        const device = account.addDevice()
        const services = yield* Layer.build(
          layer({ url, backoffMs: 20, maxBackoffMs: 200 }).pipe(
            Layer.provide(Layer.mergeAll(Layer.succeed(KeyCustody, device.custody), Layer.succeed(Crypto, crypto)))
          )
        )
        const directory = Context.get(services, Directory)
        const transport = Context.get(services, Transport)
        const password = yield* Effect.promise(() => relay.invite(user))
        yield* directory.register(FixtureAccount.registration(account, device, user, password))
        return { device, directory, transport }
      })
    const total = 3_000
    const program = Effect.gen(function* () {
      const alice = yield* open(FixtureAccount.makeAccount(crypto, "alice"), "alice")
      const bob = yield* open(FixtureAccount.makeAccount(crypto, "bob"), "bob")
      yield* bob.transport.open({ generation: 1, startId: bob.device.startId })
      yield* bob.directory.setDeliveryToken(bob.device.tokenHash)
      const acknowledged = new Set<number>()
      const again: Array<number> = []
      const reading = yield* Effect.forkScoped(
        bob.transport.deliveries.pipe(
          Stream.mapEffect((delivery) =>
            Effect.gen(function* () {
              const number = numberOf(delivery.envelope)
              if (acknowledged.has(number)) again.push(number)
              yield* bob.transport.acknowledge([delivery.id])
              acknowledged.add(number)
              return acknowledged.size
            })
          ),
          Stream.takeUntil((size) => size === total),
          Stream.runDrain
        )
      )
      const submitting = yield* Effect.forkScoped(
        Effect.forEach(
          Array.from({ length: total }, (_, i) => FixtureAccount.envelope(bob.device.mailbox, 2, body(i))),
          (envelope) => Effect.andThen(alice.transport.submit(envelope, bob.device.token), Effect.sleep(5)),
          { concurrency: 20, discard: true }
        )
      )
      for (let i = 0; i < 3; i++) {
        yield* Effect.sleep(120)
        yield* Effect.promise(async () => {
          await relay.end("SIGKILL")
          relay = await startChild(database, { port })
        })
      }
      yield* Fiber.join(submitting)
      yield* Fiber.join(reading)
      expect(again).toEqual([])
      expect(acknowledged.size).toBe(total)
    })
    await Effect.runPromise(Effect.scoped(program))
  }, 30_000)
})
