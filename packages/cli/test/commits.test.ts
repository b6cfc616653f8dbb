/**
 * A process killed right before and right after every single commit of a conversation, registration included, and started again.
 *
 * Spec: docs/spec/16-state.md §16.2.
 * By default a sample of the moments, chosen by TACIT_CRASH_SEED; TACIT_CRASH_ALL=1 takes all.
 */
import { createBot, openClient, type PromiseBot } from "@tacit/bots"
import { startRelay, type RunningRelay } from "@tacit/relay"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Child from "./crash/Child.ts"
import * as Dice from "./crash/Dice.ts"
import * as Journal from "./crash/Journal.ts"

const seed = Number(process.env.TACIT_CRASH_SEED ?? Math.trunc(Math.random() * 2 ** 31))
const all = (process.env.TACIT_CRASH_ALL ?? "") !== ""
const sample = 8
const texts = ["text 1", "text 2", "text 3"]
const echoes = texts.map((text) => `echo ${text}`)

let folder = ""
let relay: RunningRelay
let bot: PromiseBot
/** What the answering bot was given, by who asked. */
const heard = new Map<string, Array<string>>()

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tacit-commits-"))
  relay = await startRelay({ database: join(folder, "relay.db") })
  bot = createBot({ relay: relay.url, user: "bot", password: await relay.invite("bot"), path: join(folder, "bot.db") })
  bot.on("text", async (message) => {
    heard.set(message.from.user ?? "", [...(heard.get(message.from.user ?? "") ?? []), message.text])
    await message.reply(`echo ${message.text}`)
  })
  await bot.start()
})
afterAll(async () => {
  await bot.stop()
  await relay.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The moments to try out of `commits` many: all of them, or some. */
const moments = (commits: number): ReadonlyArray<string> => {
  const every = Array.from({ length: commits }, (_, i) => [`before:${i + 1}`, `after:${i + 1}`]).flat()
  if (all) return every
  const dice = Dice.roll(seed)
  const chosen = new Set<string>()
  while (chosen.size < Math.min(sample, every.length)) chosen.add(dice.pick(every))
  return [...chosen]
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Runs `work` for every item, two at a time. */
const each = async (items: ReadonlyArray<string>, work: (item: string) => Promise<void>): Promise<void> => {
  const left = [...items]
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item)
  }
  await Promise.all([worker(), worker()])
}

const nameOf = (role: string, moment: string) => `${role}-${moment.replace(":", "-")}`

const life = async (role: "asks" | "answers", moment: string, now: string, password: string, to = "") => {
  const name = nameOf(role, moment)
  return Child.start("scripted.ts", [
    role,
    now,
    relay.url,
    name,
    join(folder, `${name}.db`),
    join(folder, `${name}.journal`),
    password,
    to
  ])
}

const journalOf = (role: string, moment: string) =>
  Journal.read(join(folder, `${nameOf(role, moment)}.journal`)).map(({ text }) => text)

/** Kills at the moment, runs again to the end; resolves with the number of commits of the last run. Tells of the first life that is ready. */
const killAndResume = async (
  role: "asks" | "answers",
  moment: string,
  to = "",
  ready?: () => void
): Promise<number> => {
  const password = await relay.invite(nameOf(role, moment))
  if (moment !== "never") {
    const first = await life(role, moment, moment, password, to)
    void first.line((line) => line === "ready").then(ready, () => undefined)
    // A moment past the end does not come; that is fine too.
    expect(["SIGKILL", 0], `${moment}: ${first.complaints()}`).toContain(await first.gone)
  }
  const second = await life(role, moment, "never", password, to)
  void second.line((line) => line === "ready").then(ready, () => undefined)
  const said = await second.line((line) => line.startsWith("done "), 30_000)
  expect(await second.gone, second.complaints()).toBe(0)
  return Number(said.slice("done ".length))
}

describe(`killed at a commit (seed ${seed})`, { timeout: all ? 600_000 : 120_000 }, () => {
  it("asks, and every question and answer counts once [state.commit.1] [state.once.1] [state.outbox.2]", async () => {
    const commits = await killAndResume("asks", "never", "bot")
    expect(commits).toBeGreaterThan(5)
    await each(moments(commits), async (moment) => {
      await killAndResume("asks", moment, "bot")
      expect(journalOf("asks", moment), moment).toEqual(echoes)
      expect(heard.get(nameOf("asks", moment)), moment).toEqual(texts)
    })
  })

  it("answers, and every question and answer counts once [state.commit.2] [state.once.1] [state.outbox.2]", async () => {
    // Who asks lives on, and sees exactly one answer to each question.
    await using asker = await openClient({
      relay: relay.url,
      user: "asker",
      password: await relay.invite("asker"),
      path: join(folder, "asker.db")
    })
    const got = new Map<string, Array<string>>()
    const done = new AbortController()
    const listening = (async () => {
      for await (const message of asker.messages({ signal: done.signal })) {
        const name = message.from.user ?? ""
        if (message.body.type === "text") got.set(name, [...(got.get(name) ?? []), message.body.text])
      }
    })()
    const askAll = async (name: string) => void (await (await asker.conversation(name)).sendMany(texts))
    const play = async (moment: string) => {
      const name = nameOf("answers", moment)
      let ask: () => void = () => undefined
      const ready = new Promise<void>((resolve) => {
        ask = resolve
      })
      const [commits] = await Promise.all([
        killAndResume("answers", moment, "", () => ask()),
        // A while for its prekeys to be published.
        ready.then(() => sleep(300)).then(() => askAll(name))
      ])
      expect(journalOf("answers", moment), moment).toEqual(texts)
      for (let i = 0; i < 200 && (got.get(name)?.length ?? 0) < texts.length; i++) {
        await sleep(25)
      }
      expect(got.get(name), moment).toEqual(echoes)
      return commits
    }
    const commits = await play("never")
    expect(commits).toBeGreaterThan(5)
    await each(moments(commits), async (moment) => void (await play(moment)))
    done.abort()
    await Promise.allSettled([listening])
  })
})
