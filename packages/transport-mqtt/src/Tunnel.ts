/**
 * A link once it has its keys: frames in order, both ways, with room given by the reader and one end.
 *
 * Spec: docs/spec/18-mqtt.md §18.5 (rules mqtt.message.1–4, mqtt.credit.1, mqtt.close.1).
 * The same on both sides. Knows no topics and no broker: whoever makes it publishes what it hands out.
 */
import { Bytes, type CryptoProvider } from "@tacit/core/hazmat"
import * as Channel from "./Channel.ts"

/** Where sealed messages go. */
export interface Outlet {
  /** `done` is called when the broker has it. */
  readonly publish: (message: Uint8Array, done: () => void) => void
  readonly isFree: () => boolean
  readonly whenFree: (run: () => void) => void
}

export interface TunnelOptions {
  readonly crypto: CryptoProvider
  readonly sendKey: Uint8Array
  readonly receiveKey: Uint8Array
  readonly outlet: Outlet
  readonly onFrame: (frame: Uint8Array) => void
  /** Any sign of life that is no frame. */
  readonly onPong: () => void
  /** Called once, with a close code as WebSocket's. */
  readonly onClose: (code: number) => void
}

/** Bytes of frames one side may send before the other has dealt with them. */
export const windowBytes = 512 * 1024

/** Items are gathered into messages up to this many bytes; a longer frame travels alone. */
export const gatherBytes = 32 * 1024

/** Messages held that came before one with a lower number. */
export const maxHeld = 64

/** How long a lower number may be missing, in ms. */
export const holeMs = 2_000

/** How long a close may wait for what was sent before it, in ms. */
const closeMs = 1_000

/** Close code of a link that broke. */
export const broken = 1006

interface Outgoing extends Channel.Entry {
  readonly written?: (() => void) | undefined
}

const none = (): void => undefined

export class Tunnel {
  readonly OPEN = 1
  /** As of a WebSocket: 1 open, 2 closing, 3 closed. */
  readyState: 1 | 2 | 3 = 1
  isPaused = false
  private readonly options: TunnelOptions
  private readonly control: Array<Channel.Entry> = []
  private readonly frames: Array<Outgoing> = []
  private readonly incoming: Array<Uint8Array> = []
  private readonly held = new Map<number, ReadonlyArray<Channel.Entry>>()
  private sent = 0
  private expected = 0
  /** Bytes of frames the other side has not dealt with. */
  private outstanding = 0
  /** Bytes dealt with and not yet given back. */
  private owed = 0
  private queuedBytes = 0
  private unconfirmedBytes = 0
  private scheduled = false
  private blocked = false
  private hole: ReturnType<typeof setTimeout> | undefined
  private closing: ReturnType<typeof setTimeout> | undefined

  constructor(options: TunnelOptions) {
    this.options = options
  }

  /** Bytes handed to `send` that the broker does not have yet. */
  get bufferedAmount(): number {
    return this.queuedBytes + this.unconfirmedBytes
  }

  /** Sends a frame; `written` is called when the broker has it. */
  send(frame: Uint8Array, written?: () => void): void {
    if (this.readyState !== 1) return
    this.queuedBytes += frame.length
    this.frames.push({ type: Channel.Item.frame, payload: frame, written })
    this.schedule()
  }

  ping(): void {
    this.tell(Channel.Item.ping, Bytes.empty)
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    this.hand()
  }

  /** Closes after what was sent before. */
  close(code = 1000): void {
    if (this.readyState !== 1) return
    this.readyState = 2
    const payload = Bytes.be32(code)
    this.frames.push({ type: Channel.Item.close, payload, written: () => this.ended(code) })
    this.closing = setTimeout(() => this.ended(code), closeMs)
    this.flush()
  }

  /** Ends at once. The other side is told, if it can be. */
  terminate(): void {
    if (this.readyState === 3) return
    this.frames.length = 0
    this.tell(Channel.Item.close, Bytes.be32(broken))
    this.flush()
    this.ended(broken)
  }

  /** The connection below is gone, or what came over it cannot be believed. */
  ended(code: number): void {
    if (this.readyState === 3) return
    this.readyState = 3
    clearTimeout(this.hole)
    clearTimeout(this.closing)
    this.held.clear()
    this.frames.length = 0
    this.options.onClose(code)
  }

  /** A message arrived. One that is not genuine, or came before, is passed over. */
  receive(message: Uint8Array): void {
    if (this.readyState === 3) return
    const number = Channel.numberOf(message)
    if (number === undefined || number < this.expected || this.held.has(number)) return
    if (number - this.expected > maxHeld) return this.lose()
    const entries = Channel.open(this.options.crypto, this.options.receiveKey, message)
    if (entries === undefined) return
    if (number > this.expected) {
      this.held.set(number, entries)
      this.hole ??= setTimeout(() => this.lose(), holeMs)
      return
    }
    this.take(entries)
    for (let next = this.held.get(this.expected); next !== undefined; next = this.held.get(this.expected)) {
      this.held.delete(this.expected)
      this.take(next)
    }
    clearTimeout(this.hole)
    this.hole = this.held.size === 0 ? undefined : setTimeout(() => this.lose(), holeMs)
  }

  /** Something is missing for good: both sides begin anew. */
  private lose(): void {
    this.terminate()
  }

  private take(entries: ReadonlyArray<Channel.Entry>): void {
    this.expected++
    for (const { payload, type } of entries) {
      if (this.stateNow() === 3) return
      switch (type) {
        case Channel.Item.frame:
          this.incoming.push(payload)
          break
        case Channel.Item.credit:
          if (payload.length === 4) this.outstanding = Math.max(0, this.outstanding - Bytes.readBe32(payload, 0))
          this.schedule()
          break
        case Channel.Item.ping:
          this.options.onPong()
          this.tell(Channel.Item.pong, Bytes.empty)
          break
        case Channel.Item.pong:
          this.options.onPong()
          break
        case Channel.Item.close:
          this.hand()
          this.ended(payload.length === 4 ? Bytes.readBe32(payload, 0) : broken)
          return
      }
    }
    this.hand()
  }

  private stateNow(): number {
    return this.readyState
  }

  /** Hands frames on as long as the reader wants them, and gives their room back. */
  private hand(): void {
    while (!this.isPaused && this.stateNow() !== 3) {
      const frame = this.incoming.shift()
      if (frame === undefined) break
      this.owed += frame.length
      this.options.onFrame(frame)
    }
    if (this.owed < windowBytes / 4 || this.stateNow() !== 1) return
    this.tell(Channel.Item.credit, Bytes.be32(this.owed))
    this.owed = 0
  }

  private tell(type: Channel.ItemType, payload: Uint8Array): void {
    if (this.readyState === 3) return
    this.control.push({ type, payload })
    this.schedule()
  }

  /** What is sent in one turn shares a message. */
  private schedule(): void {
    if (this.scheduled || this.blocked) return
    this.scheduled = true
    queueMicrotask(() => {
      this.scheduled = false
      this.flush()
    })
  }

  private gather(): ReadonlyArray<Outgoing> {
    const batch: Array<Outgoing> = this.control.splice(0)
    let bytes = 0
    for (let next = this.frames[0]; next !== undefined; next = this.frames[0]) {
      const { length } = next.payload
      if (bytes > 0 && bytes + length > gatherBytes) break
      if (next.type === Channel.Item.frame) {
        if (this.outstanding > 0 && this.outstanding + length > windowBytes) break
        this.outstanding += length
        this.queuedBytes -= length
      }
      bytes += length
      this.frames.shift()
      batch.push(next)
    }
    return batch
  }

  private flush(): void {
    const { crypto, outlet, sendKey } = this.options
    while (this.stateNow() !== 3 && (this.control.length > 0 || this.frames.length > 0)) {
      if (!outlet.isFree()) {
        if (this.blocked) return
        this.blocked = true
        return outlet.whenFree(() => {
          this.blocked = false
          this.flush()
        })
      }
      const batch = this.gather()
      if (batch.length === 0) return
      const bytes = batch.reduce((sum, { payload }) => sum + payload.length, 0)
      this.unconfirmedBytes += bytes
      outlet.publish(Channel.seal(crypto, sendKey, this.sent++, batch), () => {
        this.unconfirmedBytes -= bytes
        for (const { written = none } of batch) written()
      })
    }
  }
}
