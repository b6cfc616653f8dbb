/** The programs in `examples/` run and say what they promise. */
import { openClient } from "@tacit/bots"
import { startRelay } from "@tacit/relay"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import * as Child from "./crash/Child.ts"

const example = (name: string, env: Record<string, string> = {}) =>
  Child.start(`../../../../examples/${name}`, [], { env })

describe("the examples", { timeout: 30_000 }, () => {
  it("steps: a session, a refusal, an answer", async () => {
    const child = example("steps.ts")
    expect(await child.gone, child.complaints()).toBe(0)
    expect(child.lines.slice(1)).toEqual([
      "bob reads       Hello Bob, nobody else can read this.",
      "a flipped bit   auth.tag",
      "alice reads     Hello Alice!"
    ])
  })

  it("two clients: three there, three back", async () => {
    const child = example("two-clients.ts")
    expect(await child.gone, child.complaints()).toBe(0)
    expect(child.lines.filter((line) => line.startsWith("alice got"))).toEqual([
      "alice got ONE",
      "alice got TWO",
      "alice got THREE"
    ])
  })

  it("a second device: joins, and hears what people write", async () => {
    const child = example("second-device.ts")
    expect(await child.gone, child.complaints()).toBe(0)
    expect(child.lines).toEqual(["helper has a second device, a member", "the second device hears are you there?"])
  })

  it("a file: uploaded once, fetched whole and in part", async () => {
    const child = example("files.ts")
    expect(await child.gone, child.complaints()).toBe(0)
    expect(child.lines).toEqual([
      "alice: 0 of 200840 bytes",
      "alice: 200840 of 200840 bytes",
      'bob: letter.txt, 200000 bytes, begins with "Dear Bob"',
      'bob: 200000 bytes, at 100,000 "Dear Bob,"'
    ])
  })

  it("echo bot over MQTT: says what it is told", async () => {
    const child = example("echo-bot-mqtt.ts")
    expect(await child.gone, child.complaints()).toBe(0)
    expect(child.lines.filter((line) => line.startsWith("the bot says"))).toEqual([
      "the bot says is anybody there?",
      "the bot says thank you"
    ])
  })

  it("echo bot: answers over a relay of its own, and stops in good order", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tacit-example-"))
    const relay = await startRelay({ database: ":memory:" })
    const bot = example("echo-bot.ts", {
      TACIT_RELAY: relay.url,
      TACIT_PASSWORD: await relay.invite("echo"),
      TACIT_STORE: join(folder, "echo.db")
    })
    try {
      await bot.line((line) => line.includes("ready"))
      await using alice = await openClient({
        relay: relay.url,
        user: "alice",
        password: await relay.invite("alice"),
        temporary: true
      })
      await alice.send("echo", "is anybody there?")
      for await (const message of alice.messages()) {
        expect(message.body).toEqual({ type: "text", text: "is anybody there?" })
        break
      }
      bot.kill("SIGTERM")
      expect(await bot.gone, bot.complaints()).toBe(0)
    } finally {
      bot.kill("SIGKILL")
      await relay.close()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
