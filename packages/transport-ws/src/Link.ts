/**
 * One connection to a relay: questions and answers matched by number, heartbeat, and one end.
 *
 * Spec: docs/spec/14-relay.md rules relay.frame.1, relay.frame.4, relay.heartbeat.1, relay.welcome.1, relay.login.4.
 * Does not reconnect, log in or repeat; Keeper.ts does.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { Refused, TransportError } from "@tacit/core"
import {
  type Blob,
  type ClientFrame,
  CloseCode,
  decodeRelay,
  type Deliver,
  encodeClient,
  maxFrameBytes,
  type RelayFrame,
  subprotocol,
  type Welcome
} from "./Frame.ts"
import type { Settings } from "./Options.ts"
import type { OpenWebSocket, WebSocketLike } from "./WebSocketConstructor.ts"

export type Operation = TransportError["operation"]

/** A frame without its request number, which the link adds. */
export type Question = ClientFrame extends infer F ? (F extends ClientFrame ? Omit<F, "request"> : never) : never

/** How a link ended. `final` is set when coming back by itself would be wrong. */
export interface Loss {
  readonly reason: string
  readonly final: Refused | undefined
}

export interface Link {
  readonly welcome: Welcome
  /** Asks and awaits the answer, which has one of the `expected` types. An `error` answer is `Refused`. */
  readonly ask: <const T extends RelayFrame["type"]>(
    operation: Operation,
    question: Question,
    expected: T
  ) => Effect.Effect<Extract<RelayFrame, { readonly type: T }>, TransportError | Refused>
  /** Sends what has no answer. */
  readonly tell: (question: Question) => void
  /** Awaits the end. */
  readonly lost: Effect.Effect<Loss>
  /** Whether nobody waits for an answer. */
  readonly isIdle: () => boolean
}

export interface LinkOptions {
  readonly settings: Settings
  readonly openSocket: OpenWebSocket
  readonly clientName: string
  /** `false` when it is more than was asked for. */
  readonly onDeliver: (delivery: Deliver) => boolean
  /** `false` when it is not what was asked for. Without, blobs are not expected. */
  readonly onBlob?: ((blob: Blob) => boolean) | undefined
  /** Called once, before anybody who waits for an answer hears of it. */
  readonly onLost: () => void
}

/** Bytes that may wait in the socket before further questions wait outside. */
const highWater = 4 * 1024 * 1024

const noDetail = new Uint8Array(0)

/** A refusal made on this side, in the form of the relay's. */
export const refused = (code: string, explanation: string): Refused =>
  new Refused({ code, explanation, retryAfterMs: 0, detail: noDetail })

/** What a close code says about coming back. */
const finalOf = (code: number): Refused | undefined => {
  if (code === CloseCode.replaced) return refused("replaced", "Another connection of this device took over.")
  if (code === CloseCode.revoked) return refused("unknown-device", "This device was revoked.")
  return undefined
}

/** Opens a connection and greets. It closes with its scope. */
export const open = (options: LinkOptions): Effect.Effect<Link, TransportError | Refused, Scope.Scope> =>
  Effect.gen(function* () {
    const { onDeliver, settings } = options
    const connectError = (cause: unknown): TransportError => new TransportError({ operation: "connect", cause })
    const lost = yield* Deferred.make<Loss>()
    const pending = new Map<
      number,
      {
        readonly operation: Operation
        readonly resume: (exit: Effect.Effect<RelayFrame, TransportError | Refused>) => void
      }
    >()
    let request = 0
    let isLost = false
    let lastHeard = performance.now()

    const socket = yield* Effect.acquireRelease(
      Effect.try({ try: () => options.openSocket(settings.address, subprotocol), catch: connectError }),
      close
    )
    socket.binaryType = "arraybuffer"

    const lose = (reason: string, final?: Refused): void => {
      if (!Deferred.doneUnsafe(lost, Exit.succeed({ reason, final }))) return
      isLost = true
      options.onLost()
      const waiting = [...pending.values()]
      pending.clear()
      for (const { operation, resume } of waiting) {
        resume(Effect.fail(new TransportError({ operation, cause: new Error(reason) })))
      }
    }
    /** The other side does not keep the protocol: nothing more is believed. */
    const giveUp = (reason: string): void => {
      lose(reason)
      cut(socket)
    }

    const receive = (data: unknown): void => {
      if (isLost) return
      lastHeard = performance.now()
      if (!(data instanceof ArrayBuffer)) return giveUp("the relay sent text")
      const decoded = decodeRelay(new Uint8Array(data))
      if (Result.isFailure(decoded)) return giveUp("the relay sent a frame that does not decode")
      const frame = decoded.success
      if (frame.type === 16) {
        if (!onDeliver(frame)) giveUp("the relay delivered more than it was asked for")
        return
      }
      if (frame.type === 24) {
        if (options.onBlob?.(frame) !== true) giveUp("the relay sent a blob that was not asked for")
        return
      }
      const asked = pending.get(frame.request)
      if (asked === undefined) return
      pending.delete(frame.request)
      asked.resume(Effect.succeed(frame))
    }

    yield* Effect.callback<void, TransportError>((resume) => {
      socket.addEventListener("open", () => resume(Effect.void))
      socket.addEventListener("error", () => {
        lose("the connection failed")
        resume(Effect.fail(connectError(new Error("the connection failed"))))
      })
      socket.addEventListener("close", ({ code = 1006 }) => {
        lose(`closed with code ${code}`, finalOf(code))
        resume(Effect.fail(connectError(new Error(`closed with code ${code}`))))
      })
      socket.addEventListener("message", ({ data }) => receive(data))
    }).pipe(
      Effect.timeoutOrElse({
        duration: settings.connectTimeoutMs,
        orElse: () => Effect.fail(connectError(new Error("no answer in time")))
      })
    )

    const encode = (question: Question): readonly [number, Result.Result<Uint8Array<ArrayBuffer>, Refused>] => {
      request++
      const encoded = encodeClient({ ...question, request })
      if (Result.isSuccess(encoded) && encoded.success.length <= maxFrameBytes) {
        return [request, Result.succeed(encoded.success as Uint8Array<ArrayBuffer>)]
      }
      return [request, Result.fail(refused("bad-frame", "No frame holds this request. Something in it is too long."))]
    }

    const uncongested: Effect.Effect<void> = Effect.suspend(() =>
      socket.bufferedAmount < highWater || socket.readyState !== 1
        ? Effect.void
        : Effect.andThen(Effect.sleep(5), uncongested)
    )

    const gone = (operation: Operation): TransportError =>
      new TransportError({ operation, cause: new Error("the connection is gone") })

    const askFrame = (operation: Operation, question: Question): Effect.Effect<RelayFrame, TransportError | Refused> =>
      Effect.suspend(() => {
        // While it closes, its close code is still to come: only the end says whether to come back.
        if (isLost || socket.readyState !== 1) return Effect.andThen(Deferred.await(lost), Effect.fail(gone(operation)))
        return Effect.callback<RelayFrame, TransportError | Refused>((resume) => {
          const [number, bytes] = encode(question)
          if (Result.isFailure(bytes)) return resume(Effect.fail(bytes.failure))
          pending.set(number, { operation, resume })
          socket.send(bytes.success)
          return Effect.sync(() => void pending.delete(number))
        })
      })

    const ask: Link["ask"] = <const T extends RelayFrame["type"]>(
      operation: Operation,
      question: Question,
      expected: T
    ) =>
      Effect.flatMap(
        Effect.andThen(uncongested, askFrame(operation, question)),
        (frame): Effect.Effect<Extract<RelayFrame, { readonly type: T }>, TransportError | Refused> => {
          if (isOfType(frame, expected)) return Effect.succeed(frame)
          if (frame.type === 255) {
            const { code, detail, message, retryAfterMs } = frame
            return Effect.fail(new Refused({ code, explanation: message, retryAfterMs, detail }))
          }
          giveUp("the relay answered something else")
          return Effect.fail(new TransportError({ operation, cause: new Error("the relay answered something else") }))
        }
      )

    const tell: Link["tell"] = (question) => {
      const [, bytes] = encode(question)
      if (socket.readyState === 1 && Result.isSuccess(bytes)) socket.send(bytes.success)
    }

    const heartbeat = Effect.gen(function* () {
      const silence = performance.now() - lastHeard
      if (silence > 3 * settings.heartbeatMs) giveUp("the relay is silent")
      else if (silence > settings.heartbeatMs) tell({ type: 20 })
    })
    yield* Effect.forkScoped(
      Effect.forever(Effect.andThen(Effect.sleep(Math.max(10, settings.heartbeatMs / 2)), heartbeat))
    )

    const welcome = yield* ask("connect", { type: 1, client: options.clientName }, 2).pipe(
      Effect.timeoutOrElse({
        duration: settings.connectTimeoutMs,
        orElse: () => Effect.fail(connectError(new Error("no welcome in time")))
      })
    )
    return { welcome, ask, tell, lost: Deferred.await(lost), isIdle: () => pending.size === 0 }
  })

const isOfType = <T extends RelayFrame["type"]>(
  frame: RelayFrame,
  type: T
): frame is Extract<RelayFrame, { readonly type: T }> => frame.type === type

/** Cuts at once where the platform can; otherwise the closing handshake goes on without us. */
const cut = (socket: WebSocketLike): void => {
  if (socket.terminate !== undefined) socket.terminate()
  else socket.close()
}

/** Says goodbye, and waits a moment for it to be heard. */
const close = (socket: WebSocketLike): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (socket.readyState > 1) return Effect.void
    if (socket.readyState === 0) return Effect.sync(() => cut(socket))
    return Effect.callback<void>((resume) => {
      socket.addEventListener("close", () => resume(Effect.void))
      socket.close(CloseCode.normal)
    }).pipe(Effect.timeoutOrElse({ duration: 1_000, orElse: () => Effect.sync(() => cut(socket)) }))
  })
