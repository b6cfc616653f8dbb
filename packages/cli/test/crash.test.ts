/**
 * Relay, sender and receiver as processes of their own, killed again and again while messages flow.
 *
 * Spec: docs/spec/16-state.md §16.2; docs/spec/14-relay.md §14.4; docs/spec/06-ratchet.md §6.2.
 * TACIT_CRASH_SEED repeats a run, TACIT_CRASH_ROUNDS makes it longer.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { freePort } from "../../../scripts/lib/free-port.ts"
import * as Wiretap from "../src/wire/Wiretap.ts"
import * as Child from "./crash/Child.ts"
import * as Dice from "./crash/Dice.ts"
import * as Journal from "./crash/Journal.ts"
import * as Keystream from "./crash/Keystream.ts"
import { filler } from "./crash/Script.ts"

const seed = Number(process.env.TACIT_CRASH_SEED ?? Math.trunc(Math.random() * 2 ** 31))
const rounds = Number(process.env.TACIT_CRASH_ROUNDS ?? 20)
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

let folder = ""
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tacit-crash-"))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const startRelay = (port: number): Child.Child => {
  const data = join(folder, "relay")
  mkdirSync(data, { recursive: true })
  return Child.start("../../src/main.ts", ["relay", "start", "--port", String(port), "--data", data, "--json"])
}

const invite = async (user: string): Promise<string> => {
  const child = Child.start("../../src/main.ts", ["relay", "invite", user, "--data", join(folder, "relay")])
  return child.line((line) => /^[A-Z2-7]{4}-/.test(line))
}

describe("killed without warning", () => {
  it(
    `loses nothing, doubles nothing, keeps the order and reuses no key (seed ${seed}) [state.commit.1] [state.commit.2] [state.once.1] [state.outbox.2] [relay.submit.1] [relay.mailbox.1] [ratchet.fence.1]`,
    { timeout: 60_000 + rounds * 10_000 },
    async () => {
      const dice = Dice.roll(seed)
      const port = await freePort()
      let relay = startRelay(port)
      await relay.line((line) => line.includes("ready"))
      const tap = await Wiretap.open({ relayPort: port })
      const envelopes: Array<Uint8Array> = []
      tap.obey(({ direction, frame }) => {
        if (direction === "up" && frame.type === 14) envelopes.push(frame.envelope)
        return "pass"
      })
      const stopFile = join(folder, "stop")
      const journal = (name: string) => join(folder, `${name}.journal`)
      const passwords = { sender: await invite("sender"), receiver: await invite("receiver") }
      const lives: Array<Child.Child> = []
      const live = (file: string, ...words: ReadonlyArray<string>): Child.Child => {
        const child = Child.start(file, words)
        lives.push(child)
        return child
      }
      const startReceiver = () =>
        live("receiver.ts", tap.url, "receiver", join(folder, "receiver.db"), journal("receiver"), passwords.receiver)
      const startSender = () =>
        live(
          "sender.ts",
          tap.url,
          "sender",
          join(folder, "sender.db"),
          journal("sender"),
          "receiver",
          stopFile,
          passwords.sender
        )
      let receiver = startReceiver()
      await receiver.line((line) => line === "ready")
      let sender = startSender()
      await sender.line((line) => line === "ready")

      const log: Array<string> = []
      for (let round = 0; round < rounds; round++) {
        await sleep(dice.whole(50, 900))
        const victims = dice.pick([
          ["relay"],
          ["sender"],
          ["receiver"],
          ["sender", "receiver"],
          ["relay", "sender", "receiver"]
        ])
        log.push(victims.join("+"))
        const pause = dice.whole(0, 200)
        if (victims.includes("relay")) {
          relay.kill("SIGKILL")
          await relay.gone
          await sleep(pause)
          relay = startRelay(port)
        }
        if (victims.includes("receiver")) {
          receiver.kill("SIGKILL")
          await receiver.gone
          receiver = startReceiver()
        }
        if (victims.includes("sender")) {
          sender.kill("SIGKILL")
          await sender.gone
          sender = startSender()
        }
      }
      // Time for the last ones to come back, then for what is under way.
      await Promise.all([sender.line((line) => line === "ready"), receiver.line((line) => line === "ready")])
      await sleep(500)
      writeFileSync(stopFile, "stop")
      const said = await sender
        .line((line) => line.startsWith("done "), 45_000)
        .catch((error: unknown) => {
          throw new Error(
            `seed ${seed}, ${log.join(" ")}: ${String(error)}\nreceiver: ${receiver.complaints()}\nrelay: ${relay.complaints()}`
          )
        })
      const count = Number(said.slice("done ".length))
      const numbers = Array.from({ length: count }, (_, i) => String(i + 1))
      const received = Journal.read(journal("receiver")).map(({ text }) => text.replace(filler, ""))
      const answers = Journal.read(journal("sender")).map(({ text }) => text)
      expect(received, `seed ${seed}: what the receiver got`).toEqual(numbers)
      expect(answers, `seed ${seed}: what came back`).toEqual(numbers.map((number) => `echo ${number}`))
      expect(count).toBeGreaterThan(rounds)
      // A crash is no attack: nobody is told of gaps, duplicates or restored copies that were none.
      const warnings = lives.flatMap(({ lines }) => lines.filter((line) => line.startsWith("warning ")))
      expect(warnings, `seed ${seed}: warnings`).toEqual([])

      receiver.kill("SIGTERM")
      relay.kill("SIGTERM")
      expect(await receiver.gone, receiver.complaints()).toBe(0)
      expect(await relay.gone, relay.complaints()).toBe(0)
      await tap.close()

      console.log(`seed ${seed}: ${count} messages there and back, ${rounds} rounds of kills (${log.join(" ")})`)

      // P11: no keystream and no nonce twice, seen from outside.
      const findings = Keystream.examine(envelopes)
      expect(findings.messages).toBeGreaterThan(count)
      expect({ ...findings, starts: 0, messages: 0 }).toEqual({
        starts: 0,
        messages: 0,
        repeatedNonces: 0,
        repeatedEphemerals: 0,
        agreements: 0
      })
      expect(tap.unread()).toBe(0)
    }
  )
})
