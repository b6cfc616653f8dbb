/**
 * One connection to a broker, MQTT 5 where the broker speaks it, else 3.1.1.
 *
 * Spec: docs/spec/18-mqtt.md §18.1 (rules mqtt.broker.1–3).
 * All use of the `mqtt` package for Tacit's own protocol is here. Does not come back by itself, and knows no frames.
 */
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt"

/** MQTT 3.1.1 or 5. */
export type Protocol = 4 | 5

/** A connection that is up. */
export interface BrokerLink {
  readonly protocol: Protocol
  readonly subscribe: (topics: ReadonlyArray<string>) => Promise<void>
  readonly unsubscribe: (topics: ReadonlyArray<string>) => void
  /**
   * Publishes with QoS 1, in the order of the calls; `done` is called when the broker has it, and never when the connection is lost
   * first. What the broker does not take yet waits here.
   */
  readonly publish: (topic: string, payload: Uint8Array, done?: () => void, retain?: boolean) => void
  /** Whether a publication would leave at once: as many are unconfirmed as the broker takes, at most {@link maxUnconfirmed}. */
  readonly isFree: () => boolean
  /** Calls back once there is room again. */
  readonly whenFree: (run: () => void) => void
  /** Says goodbye: the broker forgets the will. */
  readonly end: () => Promise<void>
  /** Cuts the connection: the broker publishes the will. */
  readonly cut: () => void
}

export interface BrokerOptions {
  /** `mqtt://`, `mqtts://`, `tcp://`, `ssl://`, `ws://` or `wss://`, without what only Tacit reads. */
  readonly address: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** `auto` tries 5 first. */
  readonly protocol: Protocol | "auto"
  readonly timeoutMs: number
  readonly keepaliveMs: number
  readonly will?: { readonly topic: string; readonly payload: Uint8Array; readonly retain: boolean } | undefined
  readonly onMessage: (topic: string, payload: Uint8Array) => void
  /** Called once. */
  readonly onLost: () => void
}

/** Publications that may be unconfirmed at a time, however many the broker would take. */
export const maxUnconfirmed = 32

/** Longest packet accepted, in bytes: a frame, what seals it, and the packet's own head. */
export const maxPacketBytes = 300_000

/** Reason codes of a broker that does not speak the version asked for: 3.1.1's and 5's. */
const unacceptable: ReadonlySet<unknown> = new Set([1, 132])

const randomId = (): string => {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(11))
  return `t${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`
}

const codeOf = (error: unknown): unknown =>
  typeof error === "object" && error !== null && "code" in error ? error.code : undefined

/** Connects; rejects when the broker cannot be reached or refuses. */
export const connect = async (options: BrokerOptions): Promise<BrokerLink> => {
  if (options.protocol !== "auto") return open(options, options.protocol)
  try {
    return await open(options, 5)
  } catch (error) {
    if (!unacceptable.has(codeOf(error))) throw error
    return open(options, 4)
  }
}

const open = async (options: BrokerOptions, protocol: Protocol): Promise<BrokerLink> => {
  const { password, username, will } = options
  const settings: IClientOptions = {
    protocolVersion: protocol,
    clean: true,
    clientId: randomId(),
    keepalive: Math.max(1, Math.ceil(options.keepaliveMs / 1000)),
    connectTimeout: options.timeoutMs,
    reconnectPeriod: 0,
    resubscribe: false,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(will === undefined
      ? {}
      : { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1 as const, retain: will.retain } }),
    ...(protocol === 5
      ? { properties: { sessionExpiryInterval: 0, receiveMaximum: 1_024, maximumPacketSize: maxPacketBytes } }
      : {})
  }
  let room = maxUnconfirmed
  const client: MqttClient = await connectAsync(options.address, settings, false)
  const { stream } = client as unknown as { readonly stream: { readonly setNoDelay?: (on: boolean) => void } }
  stream.setNoDelay?.(true)
  const granted = (client as unknown as { readonly _serverProperties?: { readonly receiveMaximum?: number } })
    ._serverProperties?.receiveMaximum
  if (granted !== undefined) room = Math.min(room, granted)

  let lost = false
  let unconfirmed = 0
  const waiting = new Set<() => void>()
  const queue: Array<() => void> = []
  const lose = (): void => {
    if (lost) return
    lost = true
    waiting.clear()
    queue.length = 0
    options.onLost()
  }
  client.on("message", (topic, payload) => {
    if (!lost) options.onMessage(topic, new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength))
  })
  client.on("error", () => {
    lose()
    client.end(true)
  })
  client.on("close", lose)
  if (!client.connected) {
    client.end(true)
    throw new Error("the connection was lost at once")
  }

  const isFree = (): boolean => !lost && unconfirmed < room && queue.length === 0
  const advance = (): void => {
    while (unconfirmed < room) {
      const next = queue.shift()
      if (next === undefined) break
      next()
    }
    for (const run of waiting) {
      if (!isFree()) break
      waiting.delete(run)
      run()
    }
  }

  return {
    protocol,
    subscribe: async (topics) => {
      const grants = await client.subscribeAsync([...topics], { qos: 1 })
      if (grants.some(({ qos }) => qos >= 128)) throw new Error("the broker refuses a subscription")
    },
    unsubscribe: (topics) => {
      if (!lost) client.unsubscribe([...topics], () => undefined)
    },
    publish: (topic, payload, done, retain = false) => {
      if (lost) return
      const go = (): void => {
        unconfirmed++
        const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
        client.publish(topic, bytes, { qos: 1, retain }, (error) => {
          unconfirmed--
          if (lost || error) return
          done?.()
          advance()
        })
      }
      if (isFree()) go()
      else queue.push(go)
    },
    isFree,
    whenFree: (run) => void waiting.add(run),
    end: async () => {
      lost = true
      waiting.clear()
      await client.endAsync(!client.connected).catch(() => undefined)
    },
    cut: () => {
      lost = true
      waiting.clear()
      client.end(true)
      ;(client as unknown as { readonly stream: { readonly destroy: () => void } }).stream.destroy()
    }
  }
}
