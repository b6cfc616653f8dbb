/**
 * The steward's end: its card, the knocks it answers, and the links it holds, over one connection to the broker.
 *
 * Spec: docs/spec/18-mqtt.md §18.3–18.5 (rules mqtt.card.1–3, mqtt.link.1–5, mqtt.topic.2).
 * Comes back by itself, with growing pauses; its links end with its connection. Reads no frames.
 */
import { Bytes, type CryptoProvider } from "@tacit/core/hazmat"
import type { Address } from "./Address.ts"
import * as BrokerLink from "./BrokerLink.ts"
import * as Card from "./Card.ts"
import * as Handshake from "./Handshake.ts"
import * as Topics from "./Topics.ts"
import { broken, Tunnel } from "./Tunnel.ts"

/** Who reads a link. */
export interface Listener {
  readonly onFrame: (frame: Uint8Array) => void
  readonly onPong: () => void
  readonly onClose: () => void
}

export interface HostOptions {
  readonly crypto: CryptoProvider
  readonly address: Address
  readonly protocol?: BrokerLink.Protocol | "auto" | undefined
  /** The name logins are bound to. */
  readonly name: string
  /** X25519 secret key, 32 bytes. It has to last: clients know the steward by it. */
  readonly secretKey: Uint8Array
  /** How long a topic is used, in ms. Default 15 minutes. */
  readonly epochMs?: number | undefined
  /** Links at a time; a further knock takes the place of one that sent nothing yet, or gets no answer. */
  readonly maxLinks: number
  /** A link that has proven itself by its first genuine message. */
  readonly onLink: (tunnel: Tunnel) => Listener
  /** First and longest pause between attempts to reach the broker, in ms. Defaults 100 and 10,000. */
  readonly backoffMs?: number | undefined
  readonly maxBackoffMs?: number | undefined
  readonly onStatus?: ((status: "connected" | "lost") => void) | undefined
  /** Retained copies to publish at every connection. */
  readonly retained?: (() => Iterable<readonly [topic: string, payload: Uint8Array]>) | undefined
}

export interface Host {
  readonly key: Uint8Array
  readonly isConnected: () => boolean
  readonly links: () => number
  /** Keeps a copy at the broker; empty bytes remove it. Without a connection it is left to the next one. */
  readonly retain: (topic: string, payload: Uint8Array) => void
  /** Closes every link and leaves; says so on the card. */
  readonly close: () => Promise<void>
}

/** Default of {@link HostOptions.epochMs}. */
export const defaultEpochMs = 15 * 60_000

/** How long a knock may go without a first message, in ms. */
const unprovenMs = 10_000

const random = (length: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(length))

/** A link as the host holds it. */
interface Held {
  readonly id: string
  readonly gone: string
  readonly topicKey: Uint8Array
  readonly openedAt: number
  readonly tunnel: Tunnel
  /** Up topics in use, by epoch. */
  readonly topics: Map<number, string>
  listener: Listener | undefined
}

/** Connects and serves; rejects when the first attempt fails. */
export const serve = async (options: HostOptions): Promise<Host> => {
  const { address, crypto, secretKey } = options
  const { root } = address
  const key = crypto.x25519PublicKey(secretKey)
  const epochMs = options.epochMs ?? defaultEpochMs
  const byTopic = new Map<string, Held>()
  const byGone = new Map<string, Held>()
  const byClient = new Map<string, Held>()
  /** Links without a first message, oldest first. */
  const unproven = new Set<Held>()
  let broker: BrokerLink.BrokerLink | undefined
  let closed = false
  let wakeUp: () => void = () => undefined

  const epochOf = ({ openedAt }: Held): number => Math.floor((performance.now() - openedAt) / epochMs)
  const forget = (held: Held): void => {
    for (const topic of held.topics.values()) byTopic.delete(topic)
    byGone.delete(held.gone)
    byClient.delete(held.id)
    unproven.delete(held)
  }
  /** Listens on the topics of the epochs around now. */
  const rotate = (held: Held): void => {
    const epoch = epochOf(held)
    for (const [old, topic] of held.topics) {
      if (old >= epoch - 1) continue
      held.topics.delete(old)
      byTopic.delete(topic)
    }
    for (let near = Math.max(0, epoch - 1); near <= epoch + 1; near++) {
      if (held.topics.has(near)) continue
      const topic = Topics.ofLink(crypto, root, held.topicKey, "up", near)
      held.topics.set(near, topic)
      byTopic.set(topic, held)
    }
  }

  const answer = (message: Uint8Array): void => {
    const link = broker
    const knocked = Handshake.read(crypto, { secret: secretKey, key }, message)
    if (knocked === undefined || link === undefined) return
    const id = Bytes.toHex(knocked.client)
    // The broker may bring a knock twice.
    if (byClient.has(id)) return
    if (byClient.size >= options.maxLinks) {
      // Knocks cost nothing; whoever only knocks makes room for the next.
      const [oldest] = unproven
      if (oldest === undefined) return
      oldest.tunnel.ended(broken)
    }
    const answered = knocked.answer(random(32))
    if (answered === undefined) return
    const downTopic = (epoch: number): string => Topics.ofLink(crypto, root, knocked.topicKey, "down", epoch)
    let current = { epoch: -1, topic: "" }
    const held: Held = {
      id,
      gone: Topics.gone(root, knocked.gone),
      topicKey: knocked.topicKey,
      openedAt: performance.now(),
      topics: new Map(),
      listener: undefined,
      tunnel: new Tunnel({
        crypto,
        sendKey: answered.keys.down,
        receiveKey: answered.keys.up,
        outlet: {
          publish: (bytes, done) => {
            const epoch = epochOf(held)
            if (epoch !== current.epoch) current = { epoch, topic: downTopic(epoch) }
            link.publish(current.topic, bytes, done)
          },
          isFree: link.isFree,
          whenFree: link.whenFree
        },
        onFrame: (frame) => {
          if (held.listener === undefined) {
            unproven.delete(held)
            held.listener = options.onLink(held.tunnel)
          }
          held.listener.onFrame(frame)
        },
        onPong: () => held.listener?.onPong(),
        onClose: () => {
          clearTimeout(patience)
          forget(held)
          held.listener?.onClose()
        }
      })
    }
    const patience = setTimeout(() => {
      if (held.listener === undefined) held.tunnel.terminate()
    }, unprovenMs)
    unproven.add(held)
    byGone.set(held.gone, held)
    byClient.set(id, held)
    rotate(held)
    link.publish(Topics.answer(crypto, root, knocked.topicKey), answered.message)
  }

  const receive = (topic: string, payload: Uint8Array): void => {
    if (topic === Topics.knock(root)) return answer(payload)
    const held = byTopic.get(topic)
    if (held !== undefined) return held.tunnel.receive(payload)
    byGone.get(topic)?.tunnel.ended(broken)
  }

  const endLinks = (): void => {
    for (const { tunnel } of byClient.values()) tunnel.ended(broken)
  }

  const connect = async (): Promise<void> => {
    let live = true
    const link = await BrokerLink.connect({
      address: address.broker,
      username: address.username,
      password: address.password,
      protocol: options.protocol ?? "auto",
      timeoutMs: 10_000,
      keepaliveMs: 20_000,
      will: { topic: Topics.card(root), payload: Card.away, retain: true },
      onMessage: (topic, payload) => {
        if (broker === link) receive(topic, payload)
      },
      onLost: () => {
        live = false
        if (broker !== link) return
        broker = undefined
        endLinks()
        options.onStatus?.("lost")
        wakeUp()
      }
    })
    try {
      await link.subscribe(Topics.ofSteward(root))
    } catch (error) {
      link.cut()
      throw error
    }
    if (!live || closed) return link.cut()
    broker = link
    const card = Card.encode({ version: 1, name: options.name, key, instance: random(16), epochMs })
    await new Promise<void>((resolve) => {
      link.publish(Topics.card(root), card, resolve, true)
      setTimeout(resolve, 5_000).unref()
    })
    for (const [topic, payload] of options.retained?.() ?? []) link.publish(topic, payload, undefined, true)
    options.onStatus?.("connected")
  }

  const keep = async (): Promise<void> => {
    const first = options.backoffMs ?? 100
    let pause = first
    while (!closed) {
      if (broker === undefined) {
        await connect().then(
          () => (pause = first),
          () => (pause = Math.min(options.maxBackoffMs ?? 10_000, pause * 2))
        )
      }
      if (closed) break
      await new Promise<void>((resolve) => {
        wakeUp = resolve
        if (broker === undefined) setTimeout(resolve, pause * (0.5 + Math.random() / 2))
      })
    }
  }

  await connect()
  void keep()
  const rotation = setInterval(
    () => {
      for (const held of byClient.values()) rotate(held)
    },
    Math.max(10, epochMs / 4)
  )

  return {
    key,
    isConnected: () => broker !== undefined,
    links: () => byClient.size,
    retain: (topic, payload) => broker?.publish(topic, payload, undefined, true),
    close: async () => {
      if (closed) return
      closed = true
      clearInterval(rotation)
      wakeUp()
      const link = broker
      broker = undefined
      if (link === undefined) return
      await new Promise<void>((resolve) => {
        link.publish(Topics.card(root), Card.away, resolve, true)
        setTimeout(resolve, 1_000).unref()
      })
      endLinks()
      await link.end()
    }
  }
}
