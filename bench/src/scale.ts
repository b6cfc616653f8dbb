/**
 * `npm run scale` in this folder: how costs grow with the devices of a peer and with the sessions of a store.
 *
 * Real clients over SQLite on disk, every commit synced. Figures of one run belong together; `--quick` leaves out the largest, `--devices` the
 * sessions, `--json`
 * prints one object as the last line.
 */
import { availableParallelism, cpus, loadavg } from "node:os"
import { parseArgs } from "node:util"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import * as Devices from "./scale/Devices.ts"
import * as Sessions from "./scale/Sessions.ts"

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    devices: { type: "boolean", default: false },
    sends: { type: "string", default: "50" },
    messages: { type: "string", default: "500" },
    runs: { type: "string", default: "3" }
  }
})

const progress = (line: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r${line.padEnd(60)}`)
}
const crypto = await loadNodeProvider()
const loadBefore = loadavg()[0]!
const begin = performance.now()
const devices = await Devices.figures(
  crypto,
  options.quick ? [1, 2, 5, 10] : [1, 2, 5, 10, 20, 50],
  Number(options.sends),
  progress
)
const sessions = await Sessions.figures(
  crypto,
  options.devices ? [] : options.quick ? [1, 10, 100, 1_000] : [1, 10, 100, 1_000, 10_000],
  Number(options.messages),
  Number(options.runs),
  progress
)
progress("")
const seconds = Math.round((performance.now() - begin) / 1_000)
const machine = `Node ${process.version}, ${cpus()[0]?.model.split(" ").slice(0, 2).join(" ")}, ${availableParallelism()} processors`
const load = `${loadBefore.toFixed(1)} to ${loadavg()[0]!.toFixed(1)}`
const ms = (value: number): string => value.toFixed(value < 10 ? 2 : 0)
const mib = (bytes: number): string => (bytes / 1_048_576).toFixed(1)

console.log(`${new Date().toISOString().slice(0, 10)}, ${machine}, load ${load}, ${seconds} s.\n`)
const table = (titles: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): void => {
  for (const cells of [titles, titles.map(() => "---:"), ...rows]) console.log(`| ${cells.join(" | ")} |`)
}
table(
  [
    "devices of the peer",
    "first message, ms",
    "of the processor, ms",
    "by device",
    "later message, ms",
    "of the processor, ms",
    "by device"
  ],
  devices.map(({ devices: count, first, firstProcessor, later, laterProcessor }) => [
    String(count),
    ...[first, firstProcessor, firstProcessor / count, later, laterProcessor, laterProcessor / count].map(ms)
  ])
)
console.log()
table(
  [
    "sessions in the store",
    "start-up, ms",
    "of the processor, ms",
    "heap, MiB",
    "process, MiB",
    "message received, µs",
    "of the processor, µs"
  ],
  sessions.map(({ heap, message, messageProcessor, opened, processor, rss, sessions: count }) => [
    String(count),
    ms(opened),
    ms(processor),
    mib(heap),
    mib(rss),
    message.toFixed(0),
    messageProcessor.toFixed(0)
  ])
)
if (options.json) console.log(JSON.stringify({ machine, load, devices, sessions }))
