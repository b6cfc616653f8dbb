/**
 * A user of the profile at a broker: sends messages, and hears of each frame that arrives.
 *
 * Spec: docs/spec/15-nes.md §15.2–§15.4.
 * Keeps nothing on disk and nothing for later: what is sent while the recipient is away is lost (rule nes.mqtt.1).
 */
import { createPublicKey, type KeyObject } from "node:crypto"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { blindTopic, blindTopics } from "./Blind.ts"
import { encode, maxFrameBytes } from "./Frame.ts"
import type { KeyError, KeySource } from "./KeySource.ts"
import { type Event, makeListener } from "./Listener.ts"
import { type Message, seal } from "./Message.ts"
import { type BrokerError, connect } from "./Mqtt.ts"
import { isUsername, topicOf } from "./Username.ts"

export interface NesOptions {
  /** The broker, such as `tcp://test.mosquitto.org:1883`. */
  readonly broker: string
  /** One's own name, in lower case. */
  readonly user: string
  /** One's own private signing key. */
  readonly signKey: KeyObject
  /** One's own private message key. Without it nothing is received, and nothing subscribed. */
  readonly messageKey?: KeyObject
  /** Where keys of others come from; wrap it in `cached`. */
  readonly keys: KeySource
  /** Topics that do not name the recipient (rule nes.blind.1); both sides must ask for them, and the original cannot. */
  readonly blind?: boolean
  readonly now?: () => number
  readonly timeoutMs?: number
}

/** A message that cannot be sent. `name`: no user can have it. `text`: empty. `size`: its frame would be too large. */
export class NesMessageError extends Data.TaggedError("NesMessageError")<{
  readonly reason: "name" | "text" | "size"
}> {}

/** An open client. */
export interface NesClient {
  /** Seals and publishes; resolves with what was sent when the broker has it. That the recipient has it, nobody knows. */
  readonly send: (to: string, text: string) => Promise<Message>
  /** What arrives, in order. One reader. */
  readonly events: (signal?: AbortSignal) => AsyncIterable<Event>
  readonly close: () => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** Events waiting to be read before the broker is asked to wait. */
const maxWaiting = 1_024

/** Frames whose sender's keys are being asked for before the broker is asked to wait. */
const maxPending = 64

/** How often it is looked whether the day has changed, in ms. */
const renewMs = 60 * 60 * 1000

/** A queue with one reader. `push` resolves when there is room for the next. */
const makeQueue = () => {
  const waiting: Array<Event> = []
  let wake: (() => void) | undefined
  let room: (() => void) | undefined
  let closed = false
  const finish = (): void => {
    closed = true
    wake?.()
    room?.()
  }
  return {
    close: finish,
    push: async (event: Event): Promise<void> => {
      waiting.push(event)
      wake?.()
      if (waiting.length < maxWaiting || closed) return
      await new Promise<void>((resolve) => (room = resolve))
    },
    read: async function* (signal?: AbortSignal): AsyncGenerator<Event> {
      const stop = (): void => wake?.()
      signal?.addEventListener("abort", stop)
      try {
        while (!closed && signal?.aborted !== true) {
          const event = waiting.shift()
          if (event === undefined) await new Promise<void>((resolve) => (wake = resolve))
          else {
            room?.()
            yield event
          }
        }
      } finally {
        signal?.removeEventListener("abort", stop)
      }
    }
  }
}

/** Connects, and subscribes to one's own topic if there is a message key. */
export const openNes = async (options: NesOptions): Promise<NesClient> => {
  const { blind = false, broker, keys, messageKey, now = Date.now, signKey, timeoutMs, user } = options
  if (!isUsername(user)) throw new NesMessageError({ reason: "name" })
  const queue = makeQueue()
  const pending = new Set<Promise<void>>()
  const listener = messageKey === undefined ? undefined : makeListener({ user, messageKey, keys, now })

  /** One slow look-up holds nobody else up. Frames of one sender wait for the same keys, and so keep their order. */
  const receive = async (payload: Uint8Array): Promise<void> => {
    if (listener === undefined) return
    const work = listener.receive(payload).then((event) => queue.push(event))
    pending.add(work)
    void work.finally(() => pending.delete(work))
    if (pending.size >= maxPending) await Promise.race(pending)
  }
  const link = await connect({
    address: broker,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(listener === undefined ? {} : { onMessage: receive })
  })
  let renewal: NodeJS.Timeout | undefined
  const close = async (): Promise<void> => {
    clearInterval(renewal)
    queue.close()
    await link.close()
  }
  if (messageKey !== undefined) {
    const own = createPublicKey(messageKey)
    const listen = () => link.listen(blind ? blindTopics(own, now()) : [topicOf(user)])
    try {
      await listen()
    } catch (error) {
      await close()
      throw error
    }
    // A renewal that fails is tried again with the next; tomorrow's topic is subscribed a day ahead.
    if (blind) renewal = setInterval(() => void listen().catch(() => undefined), renewMs).unref()
  }
  return {
    send: async (to, text) => {
      if (!isUsername(to)) throw new NesMessageError({ reason: "name" })
      if (text === "") throw new NesMessageError({ reason: "text" })
      if (text.length > maxFrameBytes) throw new NesMessageError({ reason: "size" })
      const recipient = await keys.keysOf(to)
      const message: Message = { from: user, to, timestamp: now(), message: text }
      const frame = encode(seal(recipient.message, signKey, message))
      if (frame.length > maxFrameBytes) throw new NesMessageError({ reason: "size" })
      await link.publish(blind ? blindTopic(recipient.message, now()) : topicOf(to), frame)
      return message
    },
    events: (signal) => queue.read(signal),
    close,
    [Symbol.asyncDispose]: close
  }
}

/** {@link NesClient} as Effects. */
export interface NesHandle {
  readonly send: (to: string, text: string) => Effect.Effect<Message, NesMessageError | KeyError | BrokerError>
  readonly events: Stream.Stream<Event>
}

/** {@link openNes} in a scope: closed when the scope closes. */
export const makeNes = (options: NesOptions): Effect.Effect<NesHandle, NesMessageError | BrokerError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.tryPromise({ try: () => openNes(options), catch: (error) => error as NesMessageError | BrokerError }),
      (client) => Effect.promise(() => client.close())
    ),
    (client) => ({
      send: (to, text) =>
        Effect.tryPromise({
          try: () => client.send(to, text),
          catch: (error) => error as NesMessageError | KeyError | BrokerError
        }),
      events: Stream.fromAsyncIterable(client.events(), (error) => error).pipe(Stream.orDie)
    })
  )

/** The open client as a service. */
export class Nes extends Context.Service<Nes, NesHandle>()("@tacit/transport-mqtt/Nes") {
  /** Opened when the layer is built, closed when its scope closes. */
  static readonly layer = (options: NesOptions): Layer.Layer<Nes, NesMessageError | BrokerError> =>
    Layer.effect(Nes, makeNes(options))
}
