/**
 * `npm run bench` in this folder: all workloads, all contenders, one run, medians of interleaved rounds.
 *
 * Options: `--json` prints one object as the last line; `--quick` fewer rounds; `--only W3` workloads whose name starts so;
 * `--durable` only the durable workload.
 */
import { parseArgs } from "node:util"
import { cpus } from "node:os"
import { randomFillSync } from "node:crypto"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import type { Contender } from "./Contender.ts"
import { durable, type Throughput, type Usage } from "./Durable.ts"
import { effectLayer } from "./EffectLayer.ts"
import { floor } from "./Floor.ts"
import { libsignal, libsignalSealed } from "./peers/libsignal.ts"
import { tsMls } from "./peers/mls.ts"
import { olm } from "./peers/olm.ts"
import { whatsapp } from "./peers/whatsapp.ts"
import { type Aim, judge, markdown, rows } from "./Report.ts"
import { interleave, type Task } from "./Rounds.ts"
import { tacit } from "./Tacit.ts"
import { oneWay, pingPong, reversed, setUp, type Sizes, sizes } from "./Workloads.ts"

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    durable: { type: "boolean", default: false }
  }
})

const crypto = await loadNodeProvider()
const random = (() => {
  const pool = new Uint8Array(8192)
  let at = pool.length
  return (length: number) => {
    if (at + length > pool.length) {
      randomFillSync(pool)
      at = 0
    }
    return pool.slice(at, (at += length))
  }
})()

const subject = tacit(crypto, random)
const peers: ReadonlyArray<Contender> = [libsignal, olm, whatsapp, tsMls]
const all: ReadonlyArray<Contender> = [subject, ...peers]
const ratchets = all.filter((contender) => contender !== tsMls)
const base = floor(crypto, random)
const rounds = options.quick ? 3 : 9

const tasks: ReadonlyArray<Task> = [
  ...[...all, libsignalSealed].map((contender) => setUp(contender, 100)),
  base.setUp(100),
  ...[...ratchets.map((contender) => pingPong(contender, 200)), base.pingPong(200)],
  ...[32, 1024, 65536].flatMap((size) => {
    const count = size > 4096 ? 40 : 400
    return [
      ...all.flatMap((contender) => oneWay(contender, size, contender === tsMls ? 40 : count)),
      ...base.oneWay(size, subject.padded(size), count)
    ]
  }),
  ...[subject, libsignal, whatsapp].map((contender) => reversed(contender, 1000)),
  base.reversed(1000),
  ...effectLayer(crypto, random)
].filter((task) => options.only === undefined || task.workload.startsWith(options.only))

const progress = (line: string) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`)
}

const aims: ReadonlyArray<Aim> = [
  { workload: "W1 set-up", subject: "tacit", against: "floor", atLeast: 0.8 },
  { workload: "W1 set-up", subject: "tacit", against: "libsignal sealed", atLeast: 1 },
  { workload: "W2 ping-pong", subject: "tacit", against: "floor", atLeast: 0.7 },
  { workload: "W2 ping-pong", subject: "tacit", against: "libsignal", atLeast: 1.3 },
  { workload: "W3 seal 32 B", subject: "tacit", against: "olm", atLeast: 1.3 },
  { workload: "W3 open 32 B", subject: "tacit", against: "olm", atLeast: 1.3 },
  { workload: "W3 seal 64 KiB", subject: "tacit", against: "libsignal", atLeast: 1.3 },
  { workload: "W3 open 64 KiB", subject: "tacit", against: "libsignal", atLeast: 1.3 },
  { workload: "W4 reversed 1000", subject: "tacit", against: "libsignal", atLeast: 4 },
  { workload: "Effect layer, one by one", subject: "through Effect", against: "bare steps", atLeast: 1 / 1.15 },
  { workload: "Effect layer, bursts of 16", subject: "through Effect", against: "bare steps", atLeast: 1 / 1.15 }
]

const timings = options.durable ? [] : rows(await interleave(tasks, rounds, progress), "tacit")
const measured: Array<Sizes> = []
if (!options.durable && options.only === undefined) {
  for (const contender of all)
    measured.push(await sizes(contender, contender !== tsMls && contender !== olm, contender === tsMls ? 500 : 1000))
}
// The first is what the aim speaks of; the others say what waiting for every single message costs.
const usages: ReadonlyArray<Usage> = [
  { inFlight: 64, taking: "batches" },
  { inFlight: 64, taking: "one by one" },
  { inFlight: 1, taking: "one by one" }
]
const throughputs: Array<Throughput> = []
if (options.only === undefined || options.durable) {
  for (const usage of usages) {
    const messages = (options.quick ? 1000 : 4000) / (usage.inFlight === 1 ? 8 : 1)
    throughputs.push(await durable(messages, rounds, usage, progress))
  }
}
progress("")

const verdicts = judge(timings, aims)
const contenders = ["tacit", "floor", libsignal.name, libsignalSealed.name, olm.name, whatsapp.name, tsMls.name]
console.log(
  `Node ${process.version}, ${cpus()[0]?.model ?? "unknown processor"}, ${rounds} interleaved rounds, medians.\n`
)
console.log(markdown(timings, measured, verdicts, contenders))
if (throughputs.length > 0) {
  console.log(`\n| W7 durable, messages/s | median of ${rounds} | range |\n| --- | ---: | ---: |`)
  for (const { inFlight, messagesPerSecond, range, taking } of throughputs) {
    const sends = inFlight === 1 ? "one send at a time" : `${inFlight} sends in flight`
    const [slowest, quickest] = range.map(Math.round)
    console.log(
      `| ${sends}, taken ${taking === "batches" ? "in " : ""}${taking} | ${Math.round(messagesPerSecond)} | ${slowest} to ${quickest} |`
    )
  }
}
console.log(`\n${all.map((contender) => `- ${contender.name} ${contender.version}: ${contender.caveat}.`).join("\n")}`)
if (options.json)
  console.log(JSON.stringify({ node: process.version, rounds, timings, sizes: measured, verdicts, throughputs }))
