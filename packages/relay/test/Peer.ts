/** A bare client of a relay for its tests: sends frames and bytes as told, and waits for what comes. Keeps no rules. */
import { FixtureAccount } from "@tacit/core/testing"
import { Bytes, type CryptoProvider } from "@tacit/core/hazmat"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import {
  decodeRelay,
  encodeClient,
  path,
  Proof,
  subprotocol,
  type ClientFrame,
  type Deliver,
  type RelayFrame,
  type Welcome
} from "@tacit/transport-ws/frames"
import * as Result from "effect/Result"
import { WebSocket } from "ws"

/** A frame without its request number, which the peer adds. */
export type Question = ClientFrame extends infer F ? (F extends ClientFrame ? Omit<F, "request"> : never) : never

export interface Peer {
  /** Sends a frame and waits for the answer with its number. */
  readonly ask: (question: Question) => Promise<RelayFrame>
  /** Sends a frame that has no answer, or whose answer is of no interest; returns its number. */
  readonly tell: (question: Question) => number
  readonly sendBytes: (bytes: Uint8Array | string) => void
  /** The next frame with request 0 that is no delivery. */
  readonly unasked: () => Promise<RelayFrame>
  /** The next `count` deliveries. */
  readonly deliveries: (count: number) => Promise<ReadonlyArray<Deliver>>
  /** Deliveries that came and were not taken. */
  readonly pending: () => number
  readonly hello: () => Promise<Welcome>
  readonly login: (
    device: FixtureAccount.FixtureDevice,
    generation?: number,
    startId?: Uint8Array
  ) => Promise<RelayFrame>
  readonly register: (
    account: FixtureAccount.FixtureAccount,
    device: FixtureAccount.FixtureDevice,
    user: string,
    password: string
  ) => Promise<RelayFrame>
  /** Code the connection was closed with. */
  readonly closed: Promise<number>
  readonly socket: WebSocket
  readonly close: () => Promise<void>
}

export const crypto: CryptoProvider = await loadNodeProvider()

export const connect = (url: string): Promise<Peer> => {
  const socket = new WebSocket(url + path, subprotocol, { perMessageDeflate: false })
  const answers = new Map<number, (frame: RelayFrame) => void>()
  const unasked: Array<RelayFrame> = []
  const delivered: Array<Deliver> = []
  let wake: () => void = () => {}
  let request = 0

  const encode = (question: Question): readonly [number, Uint8Array] => {
    request++
    return [request, Result.getOrThrow(encodeClient({ ...question, request }))]
  }
  const closed = new Promise<number>((resolve) => socket.on("close", (code) => resolve(code)))
  // A relay that is killed resets its connections; `closed` tells of it.
  socket.on("error", () => {})
  socket.on("message", (data: Buffer) => {
    const frame = Result.getOrThrow(decodeRelay(data))
    if (frame.type === 16) delivered.push(frame)
    else if (frame.request === 0) unasked.push(frame)
    else {
      answers.get(frame.request)?.(frame)
      answers.delete(frame.request)
    }
    wake()
  })
  const until = async <T>(take: () => T | undefined): Promise<T> => {
    for (;;) {
      const taken = take()
      if (taken !== undefined) return taken
      await new Promise<void>((resolve, reject) => {
        wake = resolve
        void closed.then((code) => reject(new Error(`closed with ${code} while waiting`)))
      })
    }
  }
  const ask: Peer["ask"] = (question) => {
    const [number, bytes] = encode(question)
    return new Promise((resolve, reject) => {
      answers.set(number, resolve)
      void closed.then((code) => reject(new Error(`closed with ${code} while asking`)))
      socket.send(bytes)
    })
  }
  let welcome: Welcome | undefined
  const hello = async (): Promise<Welcome> => {
    const frame = await ask({ type: 1, client: "test" })
    if (frame.type !== 2) throw new Error("no welcome")
    welcome = frame
    return frame
  }
  const peer: Peer = {
    ask,
    tell: (question) => {
      const [number, bytes] = encode(question)
      socket.send(bytes)
      return number
    },
    sendBytes: (bytes) => socket.send(bytes),
    unasked: () => until(() => unasked.shift()),
    deliveries: (count) => until(() => (delivered.length >= count ? delivered.splice(0, count) : undefined)),
    pending: () => delivered.length,
    hello,
    login: async (device, generation = 1, startId = device.startId) => {
      const { challenge, relay } = await hello()
      const message = Proof.loginMessage({ relay, challenge, device: device.device, generation, startId })
      return ask({ type: 5, device: device.device, generation, startId, signature: device.sign(message) })
    },
    register: async (account, device, user, password) => {
      const { challenge, relay } = welcome ?? (await hello())
      const { certificate, mailbox, manifest } = FixtureAccount.registration(account, device, user, password)
      const proof = device.sign(
        Proof.registrationMessage(crypto, { relay, challenge, user, password, manifest, mailbox })
      )
      return ask({ type: 3, user, password, manifest, certificate, mailbox, proof })
    },
    closed,
    socket,
    close: async () => {
      socket.close()
      await closed
    }
  }
  return new Promise((resolve, reject) => {
    socket.once("error", reject)
    socket.once("open", () => resolve(peer))
  })
}

/** Code of an error frame, or the type of any other. */
export const codeOf = (frame: RelayFrame): string | number => (frame.type === 255 ? frame.code : frame.type)

/** A body that differs for each number. */
export const body = (number: number, length = 100): Uint8Array => {
  const bytes = new Uint8Array(Math.max(length, 8)).fill(number & 0xff)
  bytes.set(Bytes.be64(number))
  return bytes
}
