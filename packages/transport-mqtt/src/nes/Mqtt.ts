/**
 * The profile's way to a broker: MQTT 3.1.1, clean session, QoS 2, nothing retained.
 *
 * Spec: docs/spec/15-nes.md §15.2 (rules nes.topic.1, nes.mqtt.1).
 * All use of the `mqtt` package is here. Knows no frames.
 */
import { randomInt } from "node:crypto"
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt"
import * as Data from "effect/Data"

/**
 * `address`: that is no address of a broker. `unreachable`: no connection. `refused`: the broker took no subscription or message.
 * `timeout`: it did not confirm a message in time, so it is not known whether it has it.
 */
export class BrokerError extends Data.TaggedError("BrokerError")<{
  readonly reason: "address" | "unreachable" | "refused" | "timeout"
  readonly cause?: unknown
}> {}

/** A connection to a broker. */
export interface Link {
  /** Resolves when the broker has taken it for good (PUBCOMP). */
  readonly publish: (topic: string, payload: Uint8Array) => Promise<void>
  /** Listens to these topics, and to no others from now on; also after a reconnect. */
  readonly listen: (topics: ReadonlyArray<string>) => Promise<void>
  readonly close: () => Promise<void>
}

export interface LinkOptions {
  /** `tcp://host:port`, or `mqtt`, `mqtts`, `ssl`, `ws`, `wss`. */
  readonly address: string
  /** Called for each message; the next one waits until it resolves. */
  readonly onMessage?: (payload: Uint8Array) => Promise<void>
  readonly timeoutMs?: number
}

/** Eight random letters, as the earlier program's. */
export const clientId = (): string => Array.from({ length: 8 }, () => String.fromCharCode(97 + randomInt(26))).join("")

const schemes = new Set(["tcp:", "mqtt:", "mqtts:", "ssl:", "tls:", "ws:", "wss:"])

/** Whether an address can be one of a broker. */
export const isBrokerAddress = (address: string): boolean =>
  URL.canParse(address) && schemes.has(new URL(address).protocol) && new URL(address).host !== ""

/** How long an orderly end may take, in ms. */
const goodbyeMs = 1_000

/** Waits at most so many ms. The work itself goes on. */
const within = async <A>(ms: number, work: Promise<A>): Promise<A> => {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new BrokerError({ reason: "timeout" })), ms)
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
    work.catch(() => undefined)
  }
}

/** Connects. Comes back by itself when the connection is lost later. */
export const connect = async (options: LinkOptions): Promise<Link> => {
  const { address, onMessage, timeoutMs = 10_000 } = options
  if (!isBrokerAddress(address)) throw new BrokerError({ reason: "address" })
  const settings: IClientOptions = {
    protocolVersion: 4,
    clean: true,
    clientId: clientId(),
    keepalive: 30,
    connectTimeout: timeoutMs,
    reconnectPeriod: 1_000
  }
  let client: MqttClient
  try {
    client = await connectAsync(address, settings, false)
  } catch (cause) {
    throw new BrokerError({ reason: "unreachable", cause })
  }
  // Errors of later connections: it tries again, so nobody has to hear of them.
  client.on("error", () => undefined)
  /** Says goodbye if the connection is there, and does not wait for one that is not. */
  const end = async (): Promise<void> => {
    if (client.connected) await within(goodbyeMs, client.endAsync(false)).catch(() => undefined)
    await client.endAsync(true)
  }
  if (onMessage !== undefined) {
    client.handleMessage = (packet, done) => {
      const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload, "utf8") : packet.payload
      void onMessage(payload).finally(() => done())
    }
  }
  const subscribed = new Set<string>()
  return {
    publish: async (to, payload) => {
      try {
        await within(timeoutMs, client.publishAsync(to, Buffer.from(payload), { qos: 2, retain: false }))
      } catch (cause) {
        throw cause instanceof BrokerError ? cause : new BrokerError({ reason: "refused", cause })
      }
    },
    listen: async (topics) => {
      const added = topics.filter((topic) => !subscribed.has(topic))
      const dropped = [...subscribed].filter((topic) => !topics.includes(topic))
      try {
        for (const topic of added) {
          const granted = await client.subscribeAsync(topic, { qos: 2 })
          if (granted.some(({ qos }) => qos === 128)) throw new BrokerError({ reason: "refused" })
          subscribed.add(topic)
        }
        for (const topic of dropped) {
          await client.unsubscribeAsync(topic)
          subscribed.delete(topic)
        }
      } catch (cause) {
        throw cause instanceof BrokerError ? cause : new BrokerError({ reason: "refused", cause })
      }
    },
    close: end
  }
}
