/**
 * One connection as the relay sees it: what it may ask, what it is owed, and how much may lie in buffers.
 *
 * Spec: docs/spec/14-relay.md rules relay.frame.2, relay.frame.4, relay.two.2, relay.mailbox.1, relay.heartbeat.1.
 * Judges no frames, and knows no database: envelopes to push come from the function it is given.
 */
import { encodeRelay, type RelayFrame } from "@tacit/transport-ws/frames"
import type { Device } from "./Accounts.ts"
import type { Waiting } from "./Mailboxes.ts"
import type { RelayLimits } from "./Options.ts"
import type { Seat } from "./Slots.ts"
import { tokenBucket, window, type TokenBucket, type Window } from "./RateLimit.ts"

/** Most credit a connection can gather. */
const maxCredit = 65_535

/** Envelopes read from the database at a time while pushing: at most 1 MiB of them. */
const pushBatch = 8

/** Frames that did not decode before the connection is closed (rule relay.frame.2). */
const maxBadFrames = 16

/** Work of one connection that may be under way together; a frame whose answer may fill a frame weighs all of it. */
export const workWindow = 256

/** Unread answers past this many times the send buffer end the connection: it reads nothing at all. */
const unreadFactor = 16

/** The part of a connection below that is used: a WebSocket of `ws`, or whatever carries frames as one does. */
export interface FrameSocket {
  readonly OPEN: number
  readonly readyState: number
  /** Bytes handed to `send` that have not left yet. */
  readonly bufferedAmount: number
  readonly isPaused: boolean
  /** `written` is called when the bytes have left. */
  readonly send: (data: Uint8Array, written: () => void) => void
  readonly pause: () => void
  readonly resume: () => void
  readonly close: (code: number, reason: string) => void
  readonly terminate: () => void
  /** Asks for a sign of life. */
  readonly ping: () => void
}

/** A frame on its way to the commit. */
interface Entry {
  readonly weight: number
  readonly start: () => void
}

/** What a connection needs of its surroundings. */
export interface ConnectionEnvironment {
  readonly limits: RelayLimits
  readonly read: (device: number, after: number, limit: number) => ReadonlyArray<Waiting>
  readonly onDelivered: () => void
}

export class Connection {
  /** Rule relay.two.2: the first frame of a group decides. */
  mode: "open" | "anonymous" | "authenticated" | "slot" = "open"
  /** Set by joining a slot. */
  seat: Seat | undefined = undefined
  /** From the last welcome; used up by a login. */
  challenge: Uint8Array | undefined = undefined
  /** Set by a login. */
  device: Device | undefined = undefined
  /** Monotonic ms of the last sign of life. */
  lastHeard = performance.now()
  readonly work: TokenBucket
  readonly unknownNames: Window
  readonly unknownSlots: Window
  readonly wrongPasses: Window
  /** Until when the pass that was presented is good, ms. */
  passUntil = 0
  private readonly socket: FrameSocket
  private readonly environment: ConnectionEnvironment
  private credit = 0
  /** Highest delivery pushed on this connection. */
  private pushed = 0
  /** Whether nothing waits past `pushed`, as far as is known. */
  private caughtUp = false
  private badFrames = 0
  private receivedBytes = 0
  private readonly line: Array<Entry> = []
  private underWay = 0
  private asked = false

  constructor(socket: FrameSocket, environment: ConnectionEnvironment) {
    const { limits } = environment
    this.socket = socket
    this.environment = environment
    this.work = tokenBucket({ capacity: limits.connectionBurst, perSecond: limits.connectionPerSecond })
    this.unknownNames = window({ limit: limits.unknownNamesPerMinute, windowMs: 60_000 })
    this.unknownSlots = window({ limit: limits.unknownSlotsPerMinute, windowMs: 60_000 })
    this.wrongPasses = window({ limit: limits.wrongPassesPerMinute, windowMs: 60_000 })
  }

  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN
  }

  /** Sends a frame if the connection is still open. */
  send(frame: RelayFrame): void {
    if (!this.isOpen) return
    this.socket.send(encodeRelay(frame), this.written)
    if (this.isCongested) this.socket.pause()
    if (this.socket.bufferedAmount > unreadFactor * this.environment.limits.sendBufferBytes) this.terminate()
  }

  /** Whether the client reads too slowly to be sent more. */
  private get isCongested(): boolean {
    return this.socket.bufferedAmount > this.environment.limits.sendBufferBytes
  }

  private readonly written = (): void => {
    if (this.socket.bufferedAmount > this.environment.limits.sendBufferBytes / 2) return
    this.resumeReading()
    this.advance()
    this.push()
  }

  /** Closes after what was sent. The other side is given a moment; then the socket is cut. */
  close(code: number, reason: string): void {
    this.socket.close(code, reason)
  }

  /** Closes a connection that no longer speaks for its device: frames of it that wait change nothing. */
  dismiss(code: number, reason: string): void {
    this.device = undefined
    this.socket.close(code, reason)
  }

  terminate(): void {
    this.socket.terminate()
  }

  /**
   * Takes a frame of so many bytes into the line. `start` is called when those before it have begun, as long as the client
   * reads its answers and not too much is under way; so a small question with a large answer cannot be asked a thousand times ahead.
   */
  enter(bytes: number, weight: number, start: () => void): void {
    this.receivedBytes += bytes
    if (this.receivedBytes > this.environment.limits.receiveBufferBytes) this.socket.pause()
    this.line.push({ weight, start })
    this.advance()
  }

  /** A frame that had started was answered. */
  leave(bytes: number, weight: number): void {
    this.receivedBytes -= bytes
    this.underWay -= weight
    this.resumeReading()
    this.advance()
  }

  private advance(): void {
    for (;;) {
      const next = this.line[0]
      if (next === undefined || this.isCongested) return
      if (this.underWay > 0 && this.underWay + next.weight > workWindow) return
      this.line.shift()
      this.underWay += next.weight
      next.start()
    }
  }

  /** The socket is gone: what has not started is forgotten. */
  ended(): void {
    this.line.length = 0
  }

  private resumeReading(): void {
    const { limits } = this.environment
    if (
      this.socket.isPaused &&
      this.receivedBytes <= limits.receiveBufferBytes / 2 &&
      this.socket.bufferedAmount <= limits.sendBufferBytes
    ) {
      this.socket.resume()
    }
  }

  /** Counts a frame that does not decode; `true` when it was one too many. */
  isBadFrameTooMany(): boolean {
    this.badFrames++
    return this.badFrames >= maxBadFrames
  }

  addCredit(credit: number): void {
    this.credit = Math.min(maxCredit, this.credit + credit)
  }

  /** Something new lies in the mailbox. */
  wake(): void {
    this.caughtUp = false
    this.push()
  }

  /** Pushes envelopes as far as credit and buffers allow. */
  push(): void {
    const { device } = this
    if (device === undefined) return
    while (this.credit > 0 && !this.caughtUp && this.isOpen && !this.isCongested) {
      const limit = Math.min(this.credit, pushBatch)
      const waiting = this.environment.read(device.id, this.pushed, limit)
      for (const { delivery, envelope, receivedAt } of waiting) {
        this.credit--
        this.pushed = delivery
        this.send({ type: 16, request: 0, delivery, receivedAt, envelope })
        this.environment.onDelivered()
      }
      this.caughtUp = waiting.length < limit
    }
  }

  /** Anything arrived. */
  heard(): void {
    this.lastHeard = performance.now()
    this.asked = false
  }

  /** Asks for a sign of life after a silence, and gives up after three. `true` when it gave up. */
  checkHeartbeat(now: number): boolean {
    const silence = now - this.lastHeard
    const { heartbeatMs } = this.environment.limits
    if (silence > 3 * heartbeatMs) {
      this.terminate()
      return true
    }
    if (silence > heartbeatMs && !this.asked && this.isOpen) {
      this.asked = true
      this.socket.ping()
    }
    return false
  }
}
