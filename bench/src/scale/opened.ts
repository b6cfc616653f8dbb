/**
 * A process that opens one store, says what that cost, and receives: `scale/Sessions.ts` starts it.
 *
 * Words: relay, user, path of the store, messages to receive.
 */
import { openClient } from "@tacit/bots"
import { setTimeout as sleep } from "node:timers/promises"

const [relay = "", user = "", path = "", count = "0"] = process.argv.slice(2)
const memory = () => {
  globalThis.gc?.()
  globalThis.gc?.()
  const { external, heapUsed, rss } = process.memoryUsage()
  return { rss, heap: heapUsed + external }
}
// What the programs themselves take, before anything is read.
const before = memory()
const cpu = process.cpuUsage()
const begin = performance.now()
const client = await openClient({ relay, user, path })
const opened = performance.now() - begin
const { system, user: computing } = process.cpuUsage(cpu)
await sleep(300)
const after = memory()
const messages = client.batches()[Symbol.asyncIterator]()
console.log("open")
// What comes from now on was sent from now on.
const busy = process.cpuUsage()
let received = 0
let first = 0
while (received < Number(count)) {
  const { value } = await messages.next()
  if (received === 0) first = performance.now()
  received += (value as ReadonlyArray<unknown>).length
}
const receiving = performance.now() - first
const spent = process.cpuUsage(busy)
const at = performance.now()
await client.send("bob", "an answer")
const send = performance.now() - at
console.log(
  JSON.stringify({
    opened,
    processor: (system + computing) / 1_000,
    receiving,
    receivingProcessor: spent.system + spent.user,
    send,
    heap: after.heap - before.heap,
    rss: after.rss,
    rssBefore: before.rss
  })
)
await client.close()
process.exit(0)
