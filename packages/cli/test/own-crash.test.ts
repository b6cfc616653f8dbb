/**
 * A device that sends as a process of its own, killed without warning again and again, while another device of the same account and a
 * contact are open: whoever gets the message, and the copy, gets it once.
 *
 * Spec: docs/spec/22-own-devices.md §22.3; docs/spec/16-state.md §16.2. TACIT_CRASH_SEED repeats a run, TACIT_CRASH_ROUNDS makes it longer.
 */
import { openClient } from "@tacit/bots"
import { startRelay } from "@tacit/relay"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { further } from "../../../scripts/lib/further-device.ts"
import * as Child from "./crash/Child.ts"
import * as Dice from "./crash/Dice.ts"
import * as Journal from "./crash/Journal.ts"
import { filler } from "./crash/Script.ts"

const seed = Number(process.env.TACIT_CRASH_SEED ?? Math.trunc(Math.random() * 2 ** 31))
const rounds = Number(process.env.TACIT_CRASH_ROUNDS ?? 6)
const folder = mkdtempSync(join(tmpdir(), "tacit-own-crash-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

it(
  `a sender killed at any time loses no copy for its other device and doubles none (seed ${seed}) [own.copy.1] [own.synced.1] [state.commit.1]`,
  { timeout: 60_000 + rounds * 10_000 },
  async () => {
    const dice = Dice.roll(seed)
    const relay = await startRelay({ database: join(folder, "relay.db") })
    const path = (name: string) => join(folder, `${name}.db`)
    const optionsOf = async (user: string, name: string) => ({
      relay: relay.url,
      user,
      path: path(name),
      password: await relay.invite(user)
    })
    const desk = await optionsOf("sender", "desk")
    await (await openClient(desk)).close()
    await further(path("desk"), path("phone"))
    const phone = await openClient(await optionsOf("sender", "phone"))
    const bob = await openClient(await optionsOf("receiver", "receiver"))
    // The first device learns of the second before it writes anything.
    const first = await openClient(desk)
    while ((await first.devices()).devices.length < 2) await sleep(20)
    await first.close()
    const copies: Array<string> = []
    const messages: Array<string> = []
    const following = (async () => {
      for await (const item of phone.synced()) {
        await phone.takeSynced(item)
        if (item.type === "sent" && item.body.type === "text") copies.push(item.body.text.replace(filler, ""))
      }
    })()
    const answering = (async () => {
      for await (const message of bob.messages()) {
        await bob.take(message)
        if (message.body.type !== "text") continue
        messages.push(message.body.text.replace(filler, ""))
        await bob.send({ account: message.from.account }, message.body.text)
      }
    })()
    const stop = join(folder, "stop")
    const journal = join(folder, "journal")
    const start = () =>
      Child.start("sender.ts", [relay.url, "sender", path("desk"), journal, "receiver", stop, desk.password])
    let kills = 0
    for (let round = 0; round < rounds; round++) {
      const child = start()
      await child.line((line) => line === "ready")
      await sleep(dice.whole(50, 900))
      child.kill("SIGKILL")
      kills += (await child.gone) === "SIGKILL" ? 1 : 0
    }
    writeFileSync(stop, "")
    const last = start()
    await last.line((line) => line.startsWith("done"), 60_000)
    expect(await last.gone).toBe(0)
    expect(kills).toBe(rounds)
    const sent = Journal.read(`${journal}.sent`).map(({ text }) => text)
    expect(sent.length).toBeGreaterThan(rounds)
    // A text that was made durable just before a kill may be missing in the journal: its repetition is known by its key.
    const end = Date.now() + 30_000
    while ((copies.length < sent.length || messages.length < sent.length) && Date.now() < end) await sleep(50)
    await sleep(300)
    expect(messages).toEqual(sent)
    expect(copies).toEqual(sent)
    await Promise.all([phone.close(), bob.close()])
    await Promise.allSettled([following, answering])
    await relay.close()
  }
)
