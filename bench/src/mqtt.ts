/**
 * `npm run mqtt` in this folder: durable delivery through a broker, beside a relay over WebSockets.
 *
 * Two clients and the server in one process, a SQLite file for each of the three, every commit synced, real sockets on loopback. The
 * broker is the embedded one in the same process and, where it is installed, Mosquitto in a process of its own. Throughput is that of
 * texts with many under way; latency is from the call to the receiver's application, one text at a time. Medians of rounds; `--json`
 * prints one object as the last line.
 */
import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type AddressInfo, connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { openClient } from "@tacit/bots"
import { startRelay, startSteward } from "@tacit/relay"
import { startBroker } from "@tacit/transport-mqtt/broker"
import { median } from "./Rounds.ts"

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    passes: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    messages: { type: "string", default: "2000" }
  }
})
const rounds = Number(options.rounds)
const messages = Number(options.messages)
const underWay = 64
const singles = 100

interface Server {
  readonly url: string
  readonly invite: (user: string) => Promise<string>
  readonly close: () => Promise<void>
}

const overWebSocket = (folder: string): Promise<Server> => startRelay({ database: join(folder, "relay.db") })

const behind = async (folder: string, port: number, stop: () => Promise<void>): Promise<Server> => {
  const steward = await startSteward({ database: join(folder, "relay.db"), broker: `mqtt://127.0.0.1:${port}` })
  return {
    url: steward.url,
    invite: steward.invite,
    close: async () => {
      await steward.close()
      await stop()
    }
  }
}

const overEmbedded = async (folder: string): Promise<Server> => {
  const broker = await startBroker()
  return behind(folder, broker.port, broker.close)
}

const binary = ["mosquitto", "/usr/sbin/mosquitto"].find((name) => spawnSync(name, ["-h"]).error === undefined)

const reachable = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" })
    socket.once("connect", () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", () => resolve(false))
  })

const overMosquitto = async (folder: string): Promise<Server> => {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise<void>((resolve) => probe.close(() => resolve()))
  const file = join(folder, "mosquitto.conf")
  writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n`)
  const child = spawn(binary ?? "mosquitto", ["-c", file], { stdio: "ignore" })
  for (let i = 0; i < 200 && !(await reachable(port)); i++) await sleep(25)
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  return behind(folder, port, async () => {
    child.kill()
    await gone
  })
}

interface Measured {
  readonly perSecond: number
  readonly medianMs: number
  readonly slowestOfAHundredMs: number
}

const measure = async (start: (folder: string) => Promise<Server>): Promise<Measured> => {
  const folder = mkdtempSync(join(tmpdir(), "tacit-bench-"))
  const server = await start(folder)
  try {
    const open = async (user: string) =>
      openClient({ relay: server.url, user, password: await server.invite(user), path: join(folder, `${user}.db`) })
    await using bob = await open("bob")
    await using alice = await open("alice")
    const batches = bob.batches()[Symbol.asyncIterator]()
    let taken = 0
    const takeUntil = async (count: number): Promise<void> => {
      while (taken < count) taken += (await batches.next()).value?.length ?? 0
    }
    const conversation = await alice.conversation("bob")
    // The first makes the session and is no part of the measure.
    await conversation.send("first")
    await takeUntil(1)
    await alice.flush()

    const speeds: Array<number> = []
    for (let round = 0; round < rounds; round++) {
      const goal = taken + messages
      const began = performance.now()
      let next = 0
      const sender = async (): Promise<void> => {
        while (next < messages) await conversation.send(`${next++}`.padEnd(32, "."))
      }
      await Promise.all([takeUntil(goal), ...Array.from({ length: underWay }, sender)])
      speeds.push((messages / (performance.now() - began)) * 1000)
    }
    await alice.flush()
    const times: Array<number> = []
    for (let i = 0; i < singles; i++) {
      const goal = taken + 1
      const began = performance.now()
      await conversation.send("one at a time, please wait for it")
      await takeUntil(goal)
      times.push(performance.now() - began)
    }
    const sorted = times.toSorted((a, b) => a - b)
    return { perSecond: median(speeds), medianMs: median(times), slowestOfAHundredMs: sorted.at(-1) ?? 0 }
  } finally {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const contenders: Record<string, (folder: string) => Promise<Server>> = {
  "relay over WebSockets": overWebSocket,
  "steward, embedded broker": overEmbedded,
  ...(binary === undefined ? {} : { "steward, Mosquitto": overMosquitto })
}

// Passes side by side, so that what else runs on the machine meets all of them.
const passes: Record<string, Array<Measured>> = {}
for (let pass = 0; pass < Number(options.passes); pass++) {
  for (const [name, start] of Object.entries(contenders)) (passes[name] ??= []).push(await measure(start))
}
const results = Object.fromEntries(
  Object.entries(passes).map(([name, of]): [string, Measured] => [
    name,
    {
      perSecond: median(of.map(({ perSecond }) => perSecond)),
      medianMs: median(of.map(({ medianMs }) => medianMs)),
      slowestOfAHundredMs: median(of.map(({ slowestOfAHundredMs }) => slowestOfAHundredMs))
    }
  ])
)

for (const [name, { medianMs, perSecond, slowestOfAHundredMs }] of Object.entries(results)) {
  const [speed, time, slowest] = [perSecond.toFixed(0), medianMs.toFixed(1), slowestOfAHundredMs.toFixed(1)]
  console.log(
    `${name.padEnd(26)} ${speed.padStart(6)} messages/s   ${time.padStart(6)} ms, slowest of ${singles} ${slowest} ms`
  )
}
if (options.json) console.log(JSON.stringify(results))
