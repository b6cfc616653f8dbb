/**
 * A stranger's connection to a relay: submits bytes with a captured token, without logging in.
 *
 * Spec: docs/spec/14-relay.md rules relay.two.1, relay.submit.2.
 */
import { decodeRelay, encodeClient, path, subprotocol } from "@tacit/transport-ws/frames"
import * as Result from "effect/Result"

/** `accepted`, or the relay's error code. */
export type Answer = string

export interface Submitter {
  readonly submit: (envelope: Uint8Array, token: Uint8Array) => Promise<Answer>
  readonly close: () => void
}

/** The part of a WebSocket that is used. */
interface Socket {
  binaryType: string
  readonly send: (data: Uint8Array<ArrayBuffer>) => void
  readonly close: () => void
  readonly addEventListener: (
    type: "open" | "message" | "close" | "error",
    listener: (event: { readonly data?: unknown }) => void
  ) => void
}

export const connect = (url: string): Promise<Submitter> => over(new WebSocket(new URL(path, url), subprotocol))

/** Over a connection that is being opened. */
export const over = (socket: Socket): Promise<Submitter> =>
  new Promise((resolve, reject) => {
    const waiting = new Map<number, (answer: Answer) => void>()
    let request = 0
    socket.binaryType = "arraybuffer"
    socket.addEventListener("error", () => reject(new Error("the attacker's connection failed")))
    let isClosed = false
    socket.addEventListener("close", () => {
      isClosed = true
      for (const answer of waiting.values()) answer("closed")
    })
    socket.addEventListener("message", (event) => {
      const frame = decodeRelay(new Uint8Array(event.data as ArrayBuffer))
      if (Result.isFailure(frame)) return
      const { success } = frame
      if (success.type === 15 || success.type === 255) {
        waiting.get(success.request)?.(success.type === 15 ? "accepted" : success.code)
        waiting.delete(success.request)
      }
    })
    socket.addEventListener("open", () => {
      // A link without a first frame would soon be forgotten.
      const ping = encodeClient({ type: 20, request: ++request })
      if (Result.isSuccess(ping)) socket.send(new Uint8Array(ping.success))
      resolve({
        submit: (envelope, token) => {
          const frame = encodeClient({ type: 14, request: ++request, token, envelope })
          if (isClosed) return Promise.resolve("closed")
          if (Result.isFailure(frame)) return Promise.reject(new Error("the frame is too large"))
          return new Promise((answered) => {
            waiting.set(request, answered)
            socket.send(new Uint8Array(frame.success))
          })
        },
        close: () => socket.close()
      })
    })
  })
