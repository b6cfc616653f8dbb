/**
 * One message to a peer with many devices: a real client over SQLite, a relay in memory, the peer's devices registered and not there.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { randomBytes } from "node:crypto"
import {
  Client,
  Crypto,
  type CryptoProvider,
  Directory,
  Entropy,
  KeyCustody,
  register,
  Store,
  StoreCustody,
  Transport
} from "@tacit/core"
import { FixtureAccount, MemoryNetwork } from "@tacit/core/testing"
import * as Sqlite from "@tacit/storage/sqlite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { median } from "../Rounds.ts"
import * as Crowd from "./Crowd.ts"

export interface DevicesFigure {
  readonly devices: number
  /** The first message: bundles are fetched and sessions made. ms, once, after a warm-up with another peer; and of the processor. */
  readonly first: number
  readonly firstProcessor: number
  /** A later one: sealed for every device and stored. ms, median; and in time of the processor, mean. */
  readonly later: number
  readonly laterProcessor: number
}

const entropy = Entropy.of({ bytes: (_, length) => new Uint8Array(randomBytes(length)) })

/** A peer whose devices are registered and have published prekeys. */
const peer = (crypto: CryptoProvider, network: MemoryNetwork.MemoryNetwork, user: string, devices: number) =>
  Effect.gen(function* () {
    const account = FixtureAccount.makeAccount(crypto, user)
    const made: Array<FixtureAccount.FixtureDevice> = []
    for (let i = 0; i < devices; i++) {
      const device = account.addDevice()
      made.push(device)
      const password = yield* network.issue(user)
      const work = Effect.gen(function* () {
        const directory = yield* Directory
        const transport = yield* Transport
        yield* directory.register(FixtureAccount.registration(account, device, user, password))
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* transport.open({ generation: 1, startId: device.startId })
            yield* directory.publishPrekeys(device.prekeys({ oneTime: 2, oneTimeKem: 2 }))
            yield* directory.setDeliveryToken(device.tokenHash)
          })
        )
      })
      yield* Effect.provide(work, Layer.provide(network.layer, Layer.succeed(KeyCustody, device.custody)), {
        local: true
      })
    }
    return { account, made }
  })

const measured = (crypto: CryptoProvider, devices: number, sends: number, path: string) =>
  Effect.gen(function* () {
    const network = MemoryNetwork.make({ crypto, seed: devices })
    yield* peer(crypto, network, "strangers", devices)
    yield* peer(crypto, network, "warm", Math.min(devices, 5))
    const { account, made } = yield* peer(crypto, network, "known", devices)
    const base = Layer.mergeAll(Sqlite.layer({ path }), Layer.succeed(Crypto, crypto), Layer.succeed(Entropy, entropy))
    const ports = Layer.provideMerge(network.layer, Layer.provideMerge(Layer.fresh(StoreCustody.layer), base))
    const password = yield* network.issue("alice")
    const work = Effect.gen(function* () {
      yield* register({ user: "alice", password })
      const writes = Crowd.acquainted(crypto, account, made, "known")
      Crowd.check(crypto, writes)
      yield* Store.use((store) => store.commit(writes))
      return yield* Effect.scoped(
        Effect.gen(function* () {
          const client = yield* Effect.map(Layer.build(Client.layer()), (services) => services)
          const { flush, send } = yield* Effect.provide(Client.use(Effect.succeed), Layer.succeedContext(client))
          yield* send("warm", "first")
          yield* flush
          const begin = performance.now()
          const busy = process.cpuUsage()
          const sent = yield* send("strangers", "first")
          const first = performance.now() - begin
          const spent = process.cpuUsage(busy)
          const firstProcessor = (spent.system + spent.user) / 1_000
          if (sent.devices !== devices) throw new Error(`sent to ${sent.devices} devices`)
          yield* flush
          const later: Array<number> = []
          let processor = 0
          for (let i = 0; i < sends + 5; i++) {
            const at = performance.now()
            const cpu = process.cpuUsage()
            yield* send("known", `message ${i}`)
            if (i >= 5) {
              const { system, user } = process.cpuUsage(cpu)
              later.push(performance.now() - at)
              processor += (system + user) / 1_000
            }
            yield* flush
          }
          return { devices, first, firstProcessor, later: median(later), laterProcessor: processor / later.length }
        })
      )
    })
    return yield* Effect.provide(work, ports, { local: true })
  })

/** Figures for each number of devices. */
export const figures = async (
  crypto: CryptoProvider,
  counts: ReadonlyArray<number>,
  sends: number,
  progress: (line: string) => void
): Promise<ReadonlyArray<DevicesFigure>> => {
  const folder = mkdtempSync(join(tmpdir(), "tacit-scale-"))
  try {
    const out: Array<DevicesFigure> = []
    for (const devices of counts) {
      progress(`a peer with ${devices} devices`)
      out.push(await Effect.runPromise(Effect.scoped(measured(crypto, devices, sends, join(folder, `${devices}.db`)))))
    }
    return out
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
