/**
 * One connection to a broker, MQTT 5 where the broker speaks it, else 3.1.1.
 *
 * Spec: docs/spec/18-mqtt.md §18.1 (rules mqtt.broker.1–2, mqtt.session.1–3).
 * All use of the `mqtt` package for Tacit's own protocol is here. Knows no frames. Comes back by itself only where its session at the
 * broker outlives the connection, and only to that session.
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
  /**
   * How long the session at the broker outlives a lost connection, in ms; 0, which counts when nothing is said, for not at all. Within that
   * time the link comes back to it, and what was published meanwhile arrives.
   */
  readonly resumeMs?: number | undefined
  /** Sessions of before that a broker of 3.1.1 keeps for good, by client id: taken away when there is a connection. */
  readonly orphans?: Set<string> | undefined
  /** The message is confirmed (PUBACK) after this returned, or after what it returned resolved; the next one waits for that. */
  readonly onMessage: (topic: string, payload: Uint8Array) => unknown
  /** Called once: the connection is lost, and its session with it. */
  readonly onLost: () => void
  /** The connection is lost and the session is not, yet; and it is back. */
  readonly onAway?: ((isAway: boolean) => void) | undefined
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

/** How long a link waits before it tries to come back to its session, in ms. */
const comeBackMs = 250

/** What every connection says. */
const settingsOf = (
  { keepaliveMs, password, timeoutMs, username }: BrokerOptions,
  protocol: Protocol
): IClientOptions => ({
  protocolVersion: protocol,
  keepalive: Math.max(1, Math.ceil(keepaliveMs / 1000)),
  connectTimeout: timeoutMs,
  ...(username === undefined ? {} : { username }),
  ...(password === undefined ? {} : { password })
})

/** Takes a session of 3.1.1 away, as only a clean connection under its name can. What fails here is left to a later connection. */
const takeAway = async (options: BrokerOptions, clientId: string): Promise<void> => {
  try {
    const settings: IClientOptions = { ...settingsOf(options, 4), clean: true, clientId, reconnectPeriod: 0 }
    const client = await connectAsync(options.address, settings, false)
    options.orphans?.delete(clientId)
    await client.endAsync()
  } catch {
    options.orphans?.add(clientId)
  }
}

const open = async (options: BrokerOptions, protocol: Protocol): Promise<BrokerLink> => {
  const { orphans, resumeMs = 0, will } = options
  const resumes = resumeMs > 0
  const lastsSeconds = Math.ceil(resumeMs / 1000)
  const base = settingsOf(options, protocol)
  const settings: IClientOptions = {
    ...base,
    clean: !resumes,
    clientId: randomId(),
    reconnectPeriod: resumes ? comeBackMs : 0,
    resubscribe: false,
    // Rule mqtt.session.2: 3.1.1 would publish the will at once, though the link goes on.
    ...(will === undefined || (resumes && protocol === 4)
      ? {}
      : {
          will: {
            topic: will.topic,
            payload: Buffer.from(will.payload),
            qos: 1 as const,
            retain: will.retain,
            ...(protocol === 5 ? { properties: { willDelayInterval: lastsSeconds } } : {})
          }
        }),
    ...(protocol === 5
      ? {
          properties: { sessionExpiryInterval: lastsSeconds, receiveMaximum: 1_024, maximumPacketSize: maxPacketBytes }
        }
      : {})
  }
  let room = maxUnconfirmed
  const client: MqttClient = await connectAsync(options.address, settings, false)
  const hurry = (): void => {
    const { stream } = client as unknown as { readonly stream: { readonly setNoDelay?: (on: boolean) => void } }
    stream.setNoDelay?.(true)
  }
  hurry()
  const granted = (client as unknown as { readonly _serverProperties?: { readonly receiveMaximum?: number } })
    ._serverProperties?.receiveMaximum
  if (granted !== undefined) room = Math.min(room, granted)

  let lost = false
  let unconfirmed = 0
  const waiting = new Set<() => void>()
  const queue: Array<() => void> = []
  let away: ReturnType<typeof setTimeout> | undefined
  const giveUp = (): void => {
    if (lost) return
    lost = true
    clearTimeout(away)
    waiting.clear()
    queue.length = 0
    // A session of 3.1.1 has no end of its own.
    if (resumes && protocol === 4) orphans?.add(settings.clientId!)
    options.onLost()
  }
  const lose = (): void => {
    if (lost) return
    if (!resumes) return giveUp()
    if (away !== undefined) return
    away = setTimeout(() => {
      giveUp()
      client.end(true)
    }, resumeMs)
    options.onAway?.(true)
  }
  // Rule mqtt.session.3: the broker is told that a message arrived when it was handed on, not before.
  client.handleMessage = (packet, confirm) => {
    const bytes = typeof packet.payload === "string" ? Buffer.from(packet.payload, "utf8") : packet.payload
    const dealt = lost
      ? undefined
      : options.onMessage(packet.topic, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    if (dealt instanceof Promise) dealt.then(() => confirm(), confirm)
    else confirm()
  }
  client.on("connect", ({ sessionPresent }) => {
    if (lost || away === undefined) return
    clearTimeout(away)
    away = undefined
    hurry()
    // Another session than the one that was lost: what was published meanwhile is gone, and so is the link.
    if (!sessionPresent) {
      giveUp()
      client.end(true)
      return
    }
    options.onAway?.(false)
  })
  client.on("error", () => {
    if (resumes) return lose()
    giveUp()
    return client.end(true)
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

  for (const orphan of orphans ?? []) void takeAway(options, orphan)
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
      clearTimeout(away)
      waiting.clear()
      const goodbye = protocol === 5 ? { properties: { sessionExpiryInterval: 0 } } : {}
      await client.endAsync(!client.connected, goodbye).catch(() => undefined)
      if (resumes && protocol === 4) await takeAway(options, settings.clientId!)
    },
    cut: () => {
      if (!lost && resumes && protocol === 4) orphans?.add(settings.clientId!)
      lost = true
      clearTimeout(away)
      waiting.clear()
      client.end(true)
      ;(client as unknown as { readonly stream: { readonly destroy: () => void } }).stream.destroy()
    }
  }
}
