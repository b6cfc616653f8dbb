/**
 * A bot on two machines: the first device invites, the second joins, and from then on both hear what people write. Here one program
 * is both machines, the operator who compares what they show, and the relay:
 *
 *   node -C @tacit/source examples/second-device.ts
 */
import { createBot, linkAccount, openClient } from "@tacit/bots"
import { startRelay } from "@tacit/relay"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const folder = mkdtempSync(join(tmpdir(), "tacit-second-device-"))
await using relay = await startRelay({ database: ":memory:" })
const account = (name: string) => ({ relay: relay.url, path: join(folder, `${name}.db`), user: "helper" })

// The first machine: a bot as any other, which invites.
const first = createBot({ ...account("first"), password: await relay.invite("helper") })
await first.start()
const offer = await first.invite({ relay: relay.url, challenges: ["fingerprint"] })
let shown = ""
const inviting = (async () => {
  for await (const state of offer.states()) {
    if (state._tag === "CompareDigits") shown = state.digits
    if (state._tag === "CompareDigits") await offer.confirm()
  }
})()

// The second machine: it has the invitation, and nothing else.
const linked = await linkAccount({
  ...account("second"),
  uri: offer.uri,
  challenges: ["fingerprint"],
  confirmDigits: async (digits) => {
    while (shown === "") await new Promise((resolve) => setTimeout(resolve, 10))
    return digits === shown
  }
})
await inviting
console.log(`${linked.user} has a second device, a ${linked.role}`)

// Both are running from here on.
const second = createBot(account("second"))
const heard = new Promise<void>((resolve) => {
  second.on("text", ({ text }) => {
    console.log(`the second device hears ${text}`)
    resolve()
  })
})
await second.start()

await using alice = await openClient({
  relay: relay.url,
  user: "alice",
  password: await relay.invite("alice"),
  temporary: true
})
await alice.send("helper", "are you there?")
await heard
await Promise.all([first.stop(), second.stop()])
rmSync(folder, { recursive: true, force: true })
