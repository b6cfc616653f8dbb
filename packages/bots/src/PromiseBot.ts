/**
 * A bot for programs without Effect: `createBot`, `on`, `start`, `stop`.
 *
 * Spec: docs/spec/16-state.md §16.2 (state.once.1).
 * The bot itself is Bot.ts; here handlers become Effects, and Effects promises.
 */
import { type Body, Client, type InviteOptions, type Sender, type Sent } from "@tacit/core"
import { linkOffer, type PromiseLinkOffer } from "@tacit/core/promise"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Bot from "./Bot.ts"
import * as DeadLetter from "./DeadLetter.ts"
import { layerNode, type NodeOptions } from "./Node.ts"

export type BotOptions = NodeOptions &
  Bot.Attempts & {
    /** Aborting it is `stop()`. */
    readonly signal?: AbortSignal
    /** How long `stop` waits for the message at hand, and then for what is queued, ms each. 5,000 by default. */
    readonly graceMs?: number
  }

type BodyType = Body["type"]

/** A message in the hands of a handler. */
export interface BotMessage<T extends BodyType = BodyType> extends Omit<Bot.Message<T>, "reply"> {
  /**
   * Answers the sender. However often the handler runs for this message, its first reply is sent once, its second
   * once, and so on. Resolves when the reply is durable here; the way to the relay goes on in the background.
   */
  readonly reply: (body: Body | string) => Promise<Sent>
  /** Aborts when the handler took too long. */
  readonly signal: AbortSignal
}

export type BotHandler<T extends BodyType> = (message: BotMessage<T>) => unknown
export type BotMiddleware = (message: BotMessage, next: () => Promise<void>) => unknown

export interface PromiseBot {
  /**
   * Answers one type of message, or hears warnings. Handlers of one type run one after the other. A handler's `name` goes into
   * the keys of its replies: give one if handlers may be reordered later. To be called before `start`.
   */
  readonly on: {
    <T extends BodyType>(type: T, handler: BotHandler<T>, options?: { readonly name?: string }): PromiseBot
    (type: "warning", listener: (warning: Bot.BotWarning) => unknown): PromiseBot
  }
  /** Runs around the handlers of every message. The first one added is the outermost. To be called before `start`. */
  readonly use: (middleware: BotMiddleware) => PromiseBot
  /** Opens the account (registers it on first use) and begins to answer. Rejects with what opening fails with. */
  readonly start: () => Promise<Sender>
  /** Finishes the message at hand, hands over what is queued, closes. Safe to call at any time, and twice. */
  readonly stop: () => Promise<void>
  /** Resolves after `stop`; rejects when the client itself cannot go on. */
  readonly stopped: Promise<void>
  /** Invites a further device of the bot's account, which must have its key. While the bot runs. */
  readonly invite: (options: InviteOptions) => Promise<PromiseLinkOffer>
  /** Messages that were put aside, oldest first. While the bot runs. */
  readonly deadLetters: () => Promise<ReadonlyArray<DeadLetter.DeadLetter>>
  /** Hands a letter to the handlers again, and forgets it if they succeed. Resolves with whether they did. */
  readonly retry: (letter: DeadLetter.DeadLetter) => Promise<boolean>
  readonly discard: (letter: DeadLetter.DeadLetter) => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** Interprets one Effect; errors come out as they are. */
const settle = async <A, E>(exit: Promise<Exit.Exit<A, E>>): Promise<A> => {
  const done = await exit
  if (Exit.isSuccess(done)) return done.value
  throw Cause.squash(done.cause) as Error
}

const viewOf = <T extends BodyType>(message: Bot.Message<T>, signal: AbortSignal): BotMessage<T> => ({
  ...message,
  signal,
  reply: (body) => settle(Effect.runPromiseExit(message.reply(body)))
})

/** A handler rejected, or threw. `cause` is what it rejected with. */
export class HandlerFailed extends Data.TaggedError("HandlerFailed")<{ readonly cause: unknown }> {}

const lift = (run: (signal: AbortSignal) => unknown): Effect.Effect<void, HandlerFailed> =>
  Effect.tryPromise({
    try: async (signal) => void (await run(signal)),
    catch: (cause) => new HandlerFailed({ cause })
  })

/** A bot that does nothing yet. Nothing is opened before `start`. */
export const createBot = (options: BotOptions): PromiseBot => {
  const runtime = ManagedRuntime.make(layerNode(options))
  const halt = Deferred.makeUnsafe<void>()
  const ended = Deferred.makeUnsafe<void, unknown>()
  const stopped = settle(Effect.runPromiseExit(Deferred.await(ended)))
  const graceMs = options.graceMs ?? 5_000
  let bot: Bot.Bot = Bot.make
  let fiber: Fiber.Fiber<void, unknown> | undefined
  let stopping: Promise<void> | undefined
  // Who does not look at `stopped` need not handle its rejection.
  stopped.catch(() => undefined)
  const run = <A, E>(effect: Effect.Effect<A, E, ManagedRuntime.ManagedRuntime.Services<typeof runtime>>): Promise<A> =>
    settle(runtime.runPromiseExit(effect))

  const shutDown = async (): Promise<void> => {
    options.signal?.removeEventListener("abort", onAbort)
    if (fiber !== undefined) {
      Deferred.doneUnsafe(halt, Exit.void)
      await Effect.runPromise(Effect.ignore(Effect.timeout(Fiber.await(fiber), graceMs)))
      await Effect.runPromise(Fiber.interrupt(fiber))
      await runtime.runPromiseExit(
        Effect.timeout(
          Client.use((client) => client.flush),
          graceMs
        )
      )
    }
    await runtime.dispose()
    Deferred.doneUnsafe(ended, Exit.void)
  }
  const stop = (): Promise<void> => (stopping ??= shutDown())
  const onAbort = (): void => void stop()

  const self: PromiseBot = {
    on: (type: BodyType | "warning", handler: (value: never) => unknown, { name }: { readonly name?: string } = {}) => {
      bot =
        type === "warning"
          ? bot.onWarning((warning) => lift(() => handler(warning as never)))
          : bot.on(type, (message) => lift((signal) => handler(viewOf(message, signal) as never)), name)
      return self
    },
    use: (middleware) => {
      bot = bot.use((message, next) =>
        lift((signal) => middleware(viewOf(message, signal), () => settle(Effect.runPromiseExit(next))))
      )
      return self
    },
    start: async () => {
      options.signal?.throwIfAborted()
      options.signal?.addEventListener("abort", onAbort, { once: true })
      try {
        const sender = await run(Client.use((client) => Effect.succeed(client.self)))
        fiber = runtime.runFork(Bot.run(bot, { ...options, stop: halt }))
        fiber.addObserver((exit) => {
          if (stopping !== undefined) return
          // It ended by itself: the client cannot go on.
          stopping = runtime.dispose()
          Deferred.doneUnsafe(ended, exit)
        })
        return sender
      } catch (error) {
        await stop()
        throw error
      }
    },
    stop,
    stopped,
    invite: (invitation) =>
      run(
        Effect.map(
          Client.use((client) => client.link.invite(invitation)),
          linkOffer
        )
      ),
    deadLetters: () => run(DeadLetter.list),
    retry: (letter) => run(Bot.retryLetter(bot, letter, options)),
    discard: (letter) => run(DeadLetter.discard(letter.message.order)),
    [Symbol.asyncDispose]: stop
  }
  return self
}
