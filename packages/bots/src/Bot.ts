/**
 * A bot as an Effect: handlers by type of message, middleware around them, an error boundary that loses nothing.
 *
 * Spec: docs/spec/16-state.md §16.2 (state.once.1).
 * A message is taken after its handlers succeeded, or after it was kept as a dead letter. Handlers run again after a failure or
 * a kill: what they reply goes out once (ReplyKey.ts), what else they do should be safe to repeat.
 * Needs a client and its store; does not open them (see Node.ts).
 */
import {
  type Body,
  Client,
  type ClientApi,
  type ClientError,
  type Incoming,
  type SendError,
  type Sent,
  type Store,
  type Warning
} from "@tacit/core"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as DeadLetter from "./DeadLetter.ts"
import * as ReplyKey from "./ReplyKey.ts"

/** A handler took longer than it may. */
export class HandlerTimeout extends Data.TaggedError("HandlerTimeout")<{
  readonly handler: string
  readonly ms: number
}> {}

type BodyType = Body["type"]
type BodyOf<T extends BodyType> = Extract<Body, { readonly type: T }>

/** A message in the hands of a handler. */
export interface Message<T extends BodyType = BodyType> extends Incoming {
  readonly body: BodyOf<T>
  /** The text of a text message, the fallback of any other, "" of a typing notice. */
  readonly text: string
  /** 1 at the first attempt. */
  readonly attempt: number
  /**
   * Answers the sender. However often the handler runs for this message, its first reply is sent once, its second
   * once, and so on.
   */
  readonly reply: (body: Body | string) => Effect.Effect<Sent, SendError>
}

/** Answers one type of message. Whatever it fails with, or dies of, is kept from the rest of the bot. */
export type Handler<T extends BodyType, R = never> = (message: Message<T>) => Effect.Effect<unknown, unknown, R>

/** Runs around the handlers of a message; without running `next` it keeps the message from them. */
export type Middleware<R = never> = (
  message: Message,
  next: Effect.Effect<void, unknown>
) => Effect.Effect<unknown, unknown, R>

/** A message that no attempt could handle, as a warning. The letter is kept in the store. */
export interface DeadLetterWarning {
  readonly _tag: "DeadLetter"
  readonly letter: DeadLetter.DeadLetter
  /** The tag or name of the last error; never its text, which may quote the message. */
  readonly error: string
  readonly at: number
  readonly line: string
}

export type BotWarning = Warning | DeadLetterWarning

/** A handler with the name that goes into its reply keys. */
interface Named<R> {
  readonly name: string
  readonly type: BodyType
  readonly handle: (message: Message) => Effect.Effect<unknown, unknown, R>
}

interface Parts<R> {
  readonly handlers: ReadonlyArray<Named<R>>
  readonly middleware: ReadonlyArray<Middleware<R>>
  readonly listeners: ReadonlyArray<(warning: BotWarning) => Effect.Effect<unknown, unknown, R>>
}

/** What a bot does. Immutable: every method returns another one. */
export interface Bot<R = never> {
  readonly parts: Parts<R>
  /**
   * Adds a handler. Handlers of one type run one after the other, in the order they were added. Give it a name if handlers may be
   * reordered later: the name, or else its place, goes into the keys of its replies.
   */
  readonly on: <T extends BodyType, R2 = never>(type: T, handle: Handler<T, R2>, name?: string) => Bot<R | R2>
  /** Adds middleware. The first one added is the outermost. */
  readonly use: <R2 = never>(middleware: Middleware<R2>) => Bot<R | R2>
  /** Adds a listener for warnings: those of the client, and dead letters. What it fails with is ignored. */
  readonly onWarning: <R2 = never>(listen: (warning: BotWarning) => Effect.Effect<unknown, unknown, R2>) => Bot<R | R2>
}

const build = <R>(parts: Parts<R>): Bot<R> => ({
  parts,
  on: <T extends BodyType, R2>(type: T, handle: Handler<T, R2>, name?: string) =>
    build<R | R2>({
      ...parts,
      handlers: [
        ...parts.handlers,
        {
          type,
          name: name ?? `${type}#${parts.handlers.filter((handler) => handler.type === type).length}`,
          // Messages are chosen by their type before they get here.
          handle: handle as unknown as Named<R | R2>["handle"]
        }
      ]
    }),
  use: <R2>(middleware: Middleware<R2>) => build<R | R2>({ ...parts, middleware: [...parts.middleware, middleware] }),
  onWarning: <R2>(listen: (warning: BotWarning) => Effect.Effect<unknown, unknown, R2>) =>
    build<R | R2>({ ...parts, listeners: [...parts.listeners, listen] })
})

/** A bot that does nothing yet. */
export const make: Bot = build<never>({ handlers: [], middleware: [], listeners: [] })

/** How hard a bot tries. */
export interface Attempts {
  /** Attempts per message while it runs, 1–100; 3 by default. A restart begins to count anew. */
  readonly attempts?: number
  /** Pause before the second attempt, ms; four times as long before each further one. 200 by default. */
  readonly backoffMs?: number
  /** Longest run of one handler, ms; 60,000 by default. */
  readonly handlerTimeoutMs?: number
}

/**
 * Runs the bot until `stop` is done or its fiber is interrupted. With `stop` the message at hand is finished first. Fails only
 * with what stops the client itself; no handler's failure or defect ends it.
 */
export const run = <R>(
  bot: Bot<R>,
  options: Attempts & { readonly stop?: Deferred.Deferred<void> } = {}
): Effect.Effect<void, ClientError, Client | Store | R> =>
  Effect.scoped(
    Effect.gen(function* () {
      const client = yield* Client
      const running = close(bot, yield* Effect.context<R>())
      const stop = options.stop ?? (yield* Deferred.make<void>())
      yield* Effect.forkScoped(Stream.runForEach(client.warnings, running.tell))
      // Pulled by hand: to pull again takes what was given, and a stream that something interrupts pulls ahead of its reader.
      // What was handled is taken here; a message that came together with the end of the bot is not, and is shown again.
      const untaken = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.interrupt()))
      const pull = yield* Scope.provide(Stream.toPull(client.messages), untaken)
      const stopped = Effect.as(Deferred.await(stop), undefined)
      for (;;) {
        const messages = yield* Effect.raceFirst(
          stopped,
          Pull.catchDone(pull, () => Effect.undefined)
        )
        if (messages === undefined) return
        for (const message of messages) {
          yield* handle(running, client, message, options)
          yield* client.take(message)
        }
      }
    })
  )

/** Hands a kept letter to the handlers again, with fresh attempts, and forgets it when they succeed. */
export const retryLetter = <R>(
  bot: Bot<R>,
  letter: DeadLetter.DeadLetter,
  options: Attempts = {}
): Effect.Effect<boolean, ClientError, Client | Store | R> =>
  Effect.gen(function* () {
    const client = yield* Client
    const outcome = yield* Effect.exit(
      attempts(close(bot, yield* Effect.context<R>()), client, letter.message, options)
    )
    if (Exit.isFailure(outcome)) return false
    yield* DeadLetter.discard(letter.message.order)
    return true
  })

/** A bot whose handlers have all the services they need. */
interface Closed {
  readonly handlers: ReadonlyArray<Named<never>>
  readonly middleware: ReadonlyArray<Middleware>
  readonly tell: (warning: BotWarning) => Effect.Effect<void>
}

const close = <R>({ parts }: Bot<R>, context: Context.Context<R>): Closed => {
  const provide = <A>(effect: Effect.Effect<A, unknown, R>) => Effect.provideContext(effect, context)
  return {
    handlers: parts.handlers.map(({ handle, name, type }) => ({
      name,
      type,
      handle: (message) => provide(handle(message))
    })),
    middleware: parts.middleware.map((middleware) => (message, next) => provide(middleware(message, next))),
    tell: (warning) =>
      Effect.forEach(parts.listeners, (listen) => Effect.exit(provide(Effect.suspend(() => listen(warning)))), {
        discard: true
      })
  }
}

const handle = (
  bot: Closed,
  client: ClientApi,
  message: Incoming,
  options: Attempts
): Effect.Effect<void, ClientError, Store> =>
  Effect.gen(function* () {
    const outcome = yield* Effect.exit(attempts(bot, client, message, options))
    if (Exit.isSuccess(outcome)) return
    const at = yield* Clock.currentTimeMillis
    const letter = { message, attempts: options.attempts ?? 3, at }
    yield* DeadLetter.keep(letter)
    const line = `A message could not be handled in ${letter.attempts} attempts and was put aside.`
    yield* bot.tell({ _tag: "DeadLetter", letter, error: nameOf(outcome), at, line })
  })

/** Runs the handlers that have not succeeded yet, again and again, within bounds. */
const attempts = (
  bot: Closed,
  client: ClientApi,
  incoming: Incoming,
  options: Attempts
): Effect.Effect<void, unknown> => {
  const done = new Set<string>()
  let attempt = 0
  const once = Effect.suspend(() => {
    attempt += 1
    return oneAttempt(bot, client, incoming, attempt, done, options.handlerTimeoutMs ?? 60_000)
  })
  const pauses = Schedule.exponential(Duration.millis(options.backoffMs ?? 200), 4).pipe(
    Schedule.upTo({ times: (options.attempts ?? 3) - 1 })
  )
  // A defect of a handler counts as its failure.
  return Effect.retry(Effect.catchDefect(once, Effect.fail), pauses)
}

const oneAttempt = (
  bot: Closed,
  client: ClientApi,
  incoming: Incoming,
  attempt: number,
  done: Set<string>,
  timeoutMs: number
): Effect.Effect<void, unknown> => {
  const view = (handler: string): Message => ({
    ...incoming,
    text: textOf(incoming.body),
    attempt,
    reply: replier(client, incoming, handler)
  })
  const handlers = Effect.forEach(
    bot.handlers.filter((handler) => handler.type === incoming.body.type && !done.has(handler.name)),
    (handler) =>
      Effect.suspend(() => handler.handle(view(handler.name))).pipe(
        Effect.timeoutOrElse({
          duration: Duration.millis(timeoutMs),
          orElse: () => Effect.fail(new HandlerTimeout({ handler: handler.name, ms: timeoutMs }))
        }),
        Effect.andThen(Effect.sync(() => void done.add(handler.name)))
      ),
    { discard: true }
  )
  return bot.middleware.reduceRight<Effect.Effect<void, unknown>>(
    (next, middleware, i) => Effect.asVoid(Effect.suspend(() => middleware(view(`use#${i}`), next))),
    handlers
  )
}

/** Replies of one handler in one attempt are numbered from 0. */
const replier = (client: ClientApi, incoming: Incoming, handler: string) => {
  let index = 0
  return (body: Body | string): Effect.Effect<Sent, SendError> =>
    Effect.suspend(() => {
      const idempotencyKey = ReplyKey.make(incoming, handler, index)
      index += 1
      return client.send({ account: incoming.from.account }, body, { replyTo: incoming.id, idempotencyKey })
    })
}

const textOf = (body: Body): string => {
  switch (body.type) {
    case "text":
      return body.text
    case "typing":
      return ""
    case "attachment":
      return body.name
    default:
      return body.fallback
  }
}

/** The tag or class of an error, for people. */
const nameOf = (exit: Exit.Failure<unknown, unknown>): string => {
  for (const reason of exit.cause.reasons) {
    if (reason._tag === "Fail") return nameOfError(reason.error)
    if (reason._tag === "Die") return nameOfError(reason.defect)
  }
  return "Interrupted"
}

/** A promise's handler is known by what it rejected with. */
const nameOfError = (error: unknown): string => {
  if (typeof error !== "object" || error === null) return "Error"
  if ("_tag" in error && typeof error._tag === "string") {
    return error._tag === "HandlerFailed" && "cause" in error ? nameOfError(error.cause) : error._tag
  }
  return error instanceof Error ? error.name : "Error"
}
