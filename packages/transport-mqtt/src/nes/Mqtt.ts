/**
 * The profile's way to a broker: MQTT 3.1.1, clean session, QoS 2, nothing retained.
 *
 * Spec: docs/spec/15-nes.md §15.2 (rules nes.topic.1, nes.mqtt.1).
 * All use of the `mqtt` package is here. Knows no frames.
 */
import { randomInt } from "node:crypto"
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt"
import * as Data from "effect/Data"

/** The broker cannot be reached, refuses, or the address is none. */
export class BrokerError extends Data.TaggedError("BrokerError")<{
  readonly reason: "address" | "unreachable" | "refused"
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
  const end = (): Promise<void> => client.endAsync(true)
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
        await client.publishAsync(to, Buffer.from(payload), { qos: 2, retain: false })
      } catch (cause) {
        throw new BrokerError({ reason: "refused", cause })
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
