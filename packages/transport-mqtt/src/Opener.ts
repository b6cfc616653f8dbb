/**
 * Opens links to a steward, in the shape of WebSockets, so that what carries frames over WebSockets carries them over MQTT.
 *
 * Spec: docs/spec/18-mqtt.md §18.3, §18.4 (rules mqtt.card.1–3, mqtt.link.1–5, mqtt.topic.2).
 * One connection to the broker for each link, under a name of its own: a device's two links have nothing in common. Does not come back
 * by itself.
 */
import { Bytes, type CryptoProvider } from "@tacit/core/hazmat"
import type { OpenWebSocket, WebSocketEvent, WebSocketLike } from "@tacit/transport-ws/carrier"
import type { Address } from "./Address.ts"
import * as BrokerLink from "./BrokerLink.ts"
import * as Card from "./Card.ts"
import * as Handshake from "./Handshake.ts"
import * as Topics from "./Topics.ts"
import { broken, Tunnel } from "./Tunnel.ts"

export interface OpenerOptions {
  readonly crypto: CryptoProvider
  readonly address: Address
  readonly protocol: BrokerLink.Protocol | "auto"
  readonly timeoutMs: number
  readonly keepaliveMs: number
  /** How long a link outlives its connection to the broker, in ms; 0 for not at all. */
  readonly resumeMs?: number | undefined
}

const random = (length: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(length))

type EventType = "open" | "message" | "close" | "error"

/** An opener that remembers which MQTT the broker speaks, and the steward's key once it has seen one. */
export const make = (options: OpenerOptions): OpenWebSocket => {
  const memory: Memory = { protocol: options.protocol, steward: options.address.stewardKey, orphans: new Set() }
  return () => new LinkSocket(options, memory)
}

/** What is learnt from the first link on. */
interface Memory {
  protocol: BrokerLink.Protocol | "auto"
  steward: Uint8Array | undefined
  /** Sessions that a broker of 3.1.1 still keeps. */
  readonly orphans: Set<string>
}

class LinkSocket implements WebSocketLike {
  binaryType = "arraybuffer"
  private state: 0 | 2 | 3 = 0
  private readonly options: OpenerOptions
  private readonly memory: Memory
  private readonly listeners: { readonly [T in EventType]: Array<(event: WebSocketEvent) => void> } = {
    open: [],
    message: [],
    close: [],
    error: []
  }
  private broker: BrokerLink.BrokerLink | undefined
  private tunnel: Tunnel | undefined
  private topicKey: Uint8Array = Bytes.empty
  private epochMs = 0
  private openedAt = 0
  private subscribed = 0
  private rotation: ReturnType<typeof setInterval> | undefined
  private instance: Uint8Array = Bytes.empty
  private onCard: (card: Card.Card) => void = () => undefined
  private onAnswer: (answer: Uint8Array) => void = () => undefined
  /** Ends whatever is waited for. */
  private abandon: () => void = () => undefined

  constructor(options: OpenerOptions, memory: Memory) {
    this.options = options
    this.memory = memory
    this.begin().catch(() => this.fail())
  }

  get readyState(): number {
    return this.tunnel?.readyState ?? this.state
  }

  get bufferedAmount(): number {
    return this.tunnel?.bufferedAmount ?? 0
  }

  addEventListener(type: EventType, listener: (event: WebSocketEvent) => void): void {
    this.listeners[type].push(listener)
  }

  send(data: Uint8Array<ArrayBuffer>): void {
    this.tunnel?.send(data)
  }

  close(code = 1000): void {
    if (this.tunnel !== undefined) return this.tunnel.close(code)
    this.fail()
  }

  terminate(): void {
    if (this.tunnel !== undefined) return this.tunnel.terminate()
    this.fail()
  }

  private emit(type: EventType, event: WebSocketEvent = {}): void {
    for (const listener of this.listeners[type]) listener(event)
  }

  /** Ends before there was a link. */
  private fail(): void {
    if (this.state === 3) return
    this.state = 3
    clearInterval(this.rotation)
    this.abandon()
    this.broker?.cut()
    this.emit("error")
    this.emit("close", { code: broken })
  }

  private isOver(): boolean {
    return this.readyState === 3
  }

  private async begin(): Promise<void> {
    const { address, crypto, keepaliveMs, resumeMs, timeoutMs } = this.options
    const { root } = address
    const gone = random(16)
    const secret = random(32)
    const broker = await BrokerLink.connect({
      address: address.broker,
      username: address.username,
      password: address.password,
      protocol: this.memory.protocol,
      timeoutMs,
      keepaliveMs,
      resumeMs,
      orphans: this.memory.orphans,
      will: { topic: Topics.gone(root, gone), payload: Bytes.empty, retain: false },
      onMessage: (topic, payload) => this.receive(topic, payload),
      onLost: () => this.lost()
    })
    this.broker = broker
    this.memory.protocol = broker.protocol
    if (this.isOver()) return broker.cut()

    const card = await this.within(async () => {
      const seen = new Promise<Card.Card>((resolve) => (this.onCard = resolve))
      await broker.subscribe([Topics.card(root)])
      return seen
    })
    if (card.version === 0) throw new Error("the steward is away")
    this.memory.steward ??= card.key
    if (!Bytes.equal(this.memory.steward, card.key)) throw new Error("the steward has another key than before")
    const knocking = Handshake.knock(crypto, { steward: card.key, secret, gone })
    if (knocking === undefined) throw new Error("the steward's key is none")
    this.instance = card.instance
    this.topicKey = knocking.topicKey
    this.epochMs = card.epochMs
    const keys = await this.within(async () => {
      const answered = new Promise<Handshake.LinkKeys>((resolve) => {
        this.onAnswer = (answer) => {
          const found = knocking.finish(answer)
          if (found !== undefined) resolve(found)
        }
      })
      await broker.subscribe([Topics.answer(crypto, root, knocking.topicKey), this.down(0), this.down(1)])
      this.openedAt = performance.now()
      broker.publish(Topics.knock(root), knocking.message)
      return answered
    })
    if (this.isOver()) return broker.cut()
    broker.unsubscribe([Topics.answer(crypto, root, knocking.topicKey)])
    this.subscribed = 1
    this.rotation = setInterval(() => this.rotate(), Math.max(10, this.epochMs / 4))
    this.open(broker, keys)
  }

  private open(broker: BrokerLink.BrokerLink, keys: Handshake.LinkKeys): void {
    const { crypto } = this.options
    this.tunnel = new Tunnel({
      crypto,
      sendKey: keys.up,
      receiveKey: keys.down,
      outlet: {
        publish: (message, done) => broker.publish(this.up(this.epoch()), message, done),
        isFree: broker.isFree,
        whenFree: broker.whenFree
      },
      onFrame: (frame) =>
        this.emit("message", {
          // A copy of its own, as a WebSocket gives one.
          data: frame.buffer.slice(frame.byteOffset, frame.byteOffset + frame.byteLength)
        }),
      onPong: () => undefined,
      onClose: (code) => {
        clearInterval(this.rotation)
        if (code === broken) broker.cut()
        else void broker.end()
        this.emit("close", { code })
      }
    })
    this.emit("open")
  }

  private epoch(): number {
    return Math.floor((performance.now() - this.openedAt) / this.epochMs)
  }

  private up(epoch: number): string {
    return Topics.ofLink(this.options.crypto, this.options.address.root, this.topicKey, "up", epoch)
  }

  private down(epoch: number): string {
    return Topics.ofLink(this.options.crypto, this.options.address.root, this.topicKey, "down", epoch)
  }

  /** Keeps the subscriptions to the epochs before, now, and next. */
  private rotate(): void {
    const next = this.epoch() + 1
    if (this.broker === undefined || next <= this.subscribed) return
    const { broker } = this
    const added = Array.from({ length: Math.min(3, next - this.subscribed) }, (_, i) => this.down(next - i))
    const dropped = Array.from({ length: next - this.subscribed }, (_, i) => this.subscribed - 1 + i)
      .filter((epoch) => epoch >= 0 && epoch < next - 2)
      .map((epoch) => this.down(epoch))
    this.subscribed = next
    broker.subscribe(added).then(
      () => dropped.length > 0 && broker.unsubscribe(dropped),
      () => this.tunnel?.terminate()
    )
  }

  private receive(topic: string, payload: Uint8Array): void {
    if (this.isOver()) return
    if (topic !== Topics.card(this.options.address.root)) {
      if (this.tunnel === undefined) this.onAnswer(payload)
      else this.tunnel.receive(payload)
      return
    }
    const card = Card.decode(payload)
    if (card === undefined) return
    if (this.instance.length === 0) return this.onCard(card)
    // The steward's will, or its next life: it knows nothing of this link any more.
    if (card.version === 0 || !Bytes.equal(card.instance, this.instance)) this.lost()
  }

  private lost(): void {
    if (this.tunnel === undefined) this.fail()
    else this.tunnel.ended(broken)
  }

  private within<A>(work: () => Promise<A>): Promise<A> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no answer in time")), this.options.timeoutMs)
      this.abandon = () => {
        clearTimeout(timer)
        reject(new Error("closed"))
      }
      work()
        .then(resolve, reject)
        .finally(() => clearTimeout(timer))
    })
  }
}
