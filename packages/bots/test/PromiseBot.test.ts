import {
  Bot,
  type BotOptions,
  createBot,
  echoBot,
  layerOn,
  openClient,
  type PromiseBot,
  type PromiseClient,
  WrongUser
} from "@tacit/bots"
import { Client } from "@tacit/core"
import * as Sqlite from "@tacit/storage/sqlite"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { makeScene, receive, type Scene, textsOf } from "./Scene.ts"

let scene: Scene
const bots: Array<PromiseBot> = []
beforeEach(async () => {
  scene = await makeScene()
})
afterEach(async () => {
  for (const bot of bots.splice(0)) await bot.stop()
  await scene.close()
})

const makeBot = async (options: Partial<BotOptions> = {}): Promise<PromiseBot> => {
  const bot = createBot({ ...(await scene.account("bot")), backoffMs: 10, ...options } as BotOptions)
  bots.push(bot)
  return bot
}

/** Waits until a user has registered. */
const known = async (client: PromiseClient, user: string): Promise<void> => {
  for (let i = 0; i < 20; i++) {
    const found = await client.conversation(user).then(
      () => true,
      () => false
    )
    if (found) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

describe("a bot", () => {
  it("answers texts and application messages, and refers to what it answers", async () => {
    const echo = echoBot(await scene.account("bot"))
    bots.push(echo)
    const self = await echo.start()
    expect(self.user).toBe("bot")
    const alice = await scene.open("alice")
    const first = await alice.send("bot", "hello 🚲")
    await alice.send("bot", {
      type: "application",
      mediaType: "image/png",
      fallback: "a picture",
      data: Uint8Array.of(1, 2)
    })
    const [text, picture] = await receive(alice, 2)
    expect(text).toMatchObject({ body: { type: "text", text: "hello 🚲" }, replyTo: first.id, from: self })
    expect(picture?.body).toEqual({
      type: "application",
      mediaType: "image/png",
      fallback: "a picture",
      data: Uint8Array.of(1, 2)
    })
  })

  it("runs a handler that failed again, and sends what it had replied only once", async () => {
    const bot = await makeBot({ attempts: 4 })
    const attempts: Array<number> = []
    bot.on("text", async (message) => {
      attempts.push(message.attempt)
      await message.reply("one moment")
      if (message.attempt < 3) throw new Error("not yet")
      await message.reply(`done with ${message.text}`)
    })
    await bot.start()
    const alice = await scene.open("alice")
    await alice.send("bot", "x")
    expect(textsOf(await receive(alice, 2, 200))).toEqual(["one moment", "done with x"])
    expect(attempts).toEqual([1, 2, 3])
  })

  it("does not run a handler again that had succeeded, when another one fails", async () => {
    const bot = await makeBot()
    const runs = { first: 0, second: 0 }
    bot.on("text", () => void runs.first++)
    bot.on("text", (message) => {
      if (runs.second++ === 0) throw new Error("once")
      return message.reply("both")
    })
    await bot.start()
    const alice = await scene.open("alice")
    await alice.send("bot", "x")
    expect(textsOf(await receive(alice, 1))).toEqual(["both"])
    expect(runs).toEqual({ first: 1, second: 2 })
  })

  it("puts a message aside that no attempt can handle, warns, and goes on", async () => {
    const bot = await makeBot({ attempts: 2 })
    const warnings: Array<Bot.BotWarning> = []
    let broken = true
    bot.on("text", (message) => {
      if (broken && message.text === "poison") throw new TypeError("secret detail of poison")
      return message.reply(`ok ${message.text}`)
    })
    bot.on("warning", (warning) => void warnings.push(warning))
    await bot.start()
    const alice = await scene.open("alice")
    await alice.send("bot", "poison")
    await alice.send("bot", "food")
    expect(textsOf(await receive(alice, 1))).toEqual(["ok food"])
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatchObject({ _tag: "DeadLetter", error: "TypeError", letter: { attempts: 2 } })
    expect(JSON.stringify({ ...warnings[0], letter: undefined })).not.toContain("poison")

    const letters = await bot.deadLetters()
    expect(letters).toHaveLength(1)
    expect(letters[0]?.message.body).toEqual({ type: "text", text: "poison" })
    expect(await bot.retry(letters[0]!)).toBe(false)
    expect(await bot.deadLetters()).toHaveLength(1)
    broken = false
    expect(await bot.retry(letters[0]!)).toBe(true)
    expect(textsOf(await receive(alice, 1))).toEqual(["ok poison"])
    expect(await bot.deadLetters()).toEqual([])
  })

  it("keeps dead letters across restarts, bytes and all, until they are discarded", async () => {
    const account = await scene.account("bot")
    const fails = () => {
      const bot = createBot({ ...account, attempts: 1 })
      bots.push(bot)
      return bot.on("application", () => Promise.reject(new Error("no")))
    }
    const bot = fails()
    const dead = new Promise((resolve) => bot.on("warning", resolve))
    await bot.start()
    const alice = await scene.open("alice")
    const data = Uint8Array.from({ length: 256 }, (_, i) => i)
    await alice.send("bot", { type: "application", mediaType: "a/b", fallback: "", data })
    await dead
    await bot.stop()
    const again = fails()
    await again.start()
    const [letter] = await again.deadLetters()
    expect(letter?.message.body).toEqual({ type: "application", mediaType: "a/b", fallback: "", data })
    await again.discard(letter!)
    expect(await again.deadLetters()).toEqual([])
  })

  it("gives up on a handler that takes too long, and tells it so", async () => {
    const bot = await makeBot({ attempts: 2, handlerTimeoutMs: 50 })
    const aborted: Array<boolean> = []
    bot.on("text", async (message) => {
      if (message.attempt === 2) return message.reply("second try")
      return new Promise((_resolve, reject) => {
        message.signal.addEventListener("abort", () => {
          aborted.push(true)
          reject(new Error("too late"))
        })
      })
    })
    await bot.start()
    const alice = await scene.open("alice")
    await alice.send("bot", "x")
    expect(textsOf(await receive(alice, 1))).toEqual(["second try"])
    expect(aborted).toEqual([true])
  })

  it("runs middleware from the outside in, and lets it keep a message from the handlers", async () => {
    const bot = await makeBot()
    const seen: Array<string> = []
    bot.use(async (message, next) => {
      seen.push(`outer ${message.text}`)
      await next()
      seen.push("outer done")
    })
    bot.use(async (message, next) => {
      seen.push("inner")
      if (message.text !== "spam") await next()
      else await message.reply("no spam please")
    })
    bot.on("text", (message) => message.reply("handled"))
    await bot.start()
    const alice = await scene.open("alice")
    await alice.send("bot", "spam")
    await alice.send("bot", "ham")
    expect(textsOf(await receive(alice, 2))).toEqual(["no spam please", "handled"])
    expect(seen).toEqual(["outer spam", "inner", "outer done", "outer ham", "inner", "outer done"])
  })

  it("hears typing", async () => {
    const bot = await makeBot()
    const heard: Array<boolean> = []
    bot.on("typing", (message) => void heard.push(message.body.typing))
    bot.on("text", (message) => message.reply(String(heard)))
    await bot.start()
    const alice = await scene.open("alice")
    // Typing notices go only where a session was answered; they begin none.
    const conversation = await alice.conversation("bot")
    await conversation.send("x")
    expect(textsOf(await receive(alice, 1))).toEqual([""])
    await conversation.typing(true)
    await conversation.typing(false)
    await conversation.send("x")
    expect(textsOf(await receive(alice, 1))).toEqual(["true,false"])
  })

  it("finishes the message at hand when it is stopped, and hands over its answer", async () => {
    const abort = new AbortController()
    const bot = await makeBot({ signal: abort.signal })
    bot.on("text", async (message) => {
      abort.abort()
      await new Promise((resolve) => setTimeout(resolve, 100))
      await message.reply("finished")
    })
    await bot.start()
    const alice = await scene.open("alice")
    await alice.send("bot", "x")
    await bot.stopped
    expect(textsOf(await receive(alice, 1))).toEqual(["finished"])
    await bot.stop()
    await bot.stop()
  })

  it("does not start when its signal is aborted already, without a password, or with another's file", async () => {
    const account = await scene.account("bot")
    await expect(createBot({ ...account, signal: AbortSignal.abort(new Error("before")) }).start()).rejects.toThrow(
      "before"
    )
    await expect(createBot({ ...account, password: undefined }).start()).rejects.toMatchObject({
      _tag: "NotRegistered"
    })
    await expect(createBot({ ...account, password: "ABCD-EFGH-IJKL-MNOP-QRST" }).start()).rejects.toMatchObject({
      _tag: "Refused",
      code: "bad-password"
    })
    const bot = createBot(account)
    bots.push(bot)
    await bot.start()
    await expect(openClient(account)).rejects.toMatchObject({ _tag: "StoreError" })
    await bot.stop()
    await expect(createBot({ ...account, user: "other" }).start()).rejects.toBeInstanceOf(WrongUser)
    await expect(openClient({ ...account, user: "other" })).rejects.toBeInstanceOf(WrongUser)
  })
})

describe("a bot in Effect", () => {
  class Suffix extends Context.Service<Suffix, string>()("test/Suffix") {}

  it("uses services, and keeps defects from ending it", async () => {
    const account = await scene.account("bot")
    const stop = Deferred.makeUnsafe<void>()
    const bot = Bot.make
      .on("text", (message) =>
        Suffix.use((suffix) => (message.text === "bomb" ? Effect.die("boom") : message.reply(message.text + suffix)))
      )
      .onWarning(() => Effect.die("listeners may fail too"))
    const running = Effect.runPromise(
      Bot.run(bot, { stop, attempts: 1 }).pipe(
        Effect.provide(layerOn(account, Sqlite.layer(account))),
        Effect.provideService(Suffix, "!")
      )
    )
    const alice = await scene.open("alice")
    await known(alice, "bot")
    await alice.send("bot", "bomb")
    await alice.send("bot", "hi")
    expect(textsOf(await receive(alice, 1))).toEqual(["hi!"])
    Deferred.doneUnsafe(stop, Effect.void)
    await running
  })

  it("takes nothing from the inbox while a handler works on it [state.once.1]", async () => {
    const account = await scene.account("bot")
    const layer = layerOn(account, Sqlite.layer(account))
    const working = Deferred.makeUnsafe<void>()
    let handled = 0
    const life = (work: Effect.Effect<unknown>) =>
      Bot.run(
        Bot.make.on("text", () =>
          Effect.andThen(
            Effect.sync(() => ++handled),
            work
          )
        )
      )
    const alice = await scene.open("alice")
    // Long enough for anything that pulls ahead.
    const slow = Effect.andThen(Effect.sleep(300), Effect.andThen(Deferred.succeed(working, undefined), Effect.never))
    const first = Effect.runFork(Effect.provide(life(slow), layer))
    await known(alice, "bot")
    await alice.send("bot", "x")
    await Effect.runPromise(Deferred.await(working))
    await Effect.runPromise(Fiber.interrupt(first))
    const second = Effect.runFork(Effect.provide(life(Effect.void), layer))
    await vi.waitFor(() => expect(handled).toBe(2), 10_000)
    await Effect.runPromise(Fiber.interrupt(second))
  })

  it("replies once when it is interrupted between replying and taking [state.once.1]", async () => {
    const account = await scene.account("bot")
    const layer = layerOn(account, Sqlite.layer(account))
    let handled = 0
    const life = (afterReply: Effect.Effect<unknown>) =>
      Bot.run(Bot.make.on("text", (message) => Effect.andThen(message.reply(`life ${++handled}`), afterReply)))
    const alice = await scene.open("alice")
    const replied = Deferred.makeUnsafe<void>()
    const first = Effect.runFork(
      Effect.provide(life(Effect.andThen(Deferred.succeed(replied, undefined), Effect.never)), layer)
    )
    await known(alice, "bot")
    await alice.send("bot", "x")
    await Effect.runPromise(Deferred.await(replied))
    await Effect.runPromise(Fiber.interrupt(first))
    const second = Effect.runFork(Effect.provide(life(Effect.void), layer))
    expect(textsOf(await receive(alice, 1, 300))).toEqual(["life 1"])
    expect(handled).toBe(2)
    await Effect.runPromise(Fiber.interrupt(second))
  })

  it("opens the same client for several parts of a program", async () => {
    const account = await scene.account("bot")
    const selves = Effect.all([Client.use((c) => Effect.succeed(c.self)), Client.use((c) => Effect.succeed(c.self))])
    const [a, b] = await Effect.runPromise(Effect.provide(selves, layerOn(account, Sqlite.layer(account))))
    expect(a).toEqual(b)
  })
})
