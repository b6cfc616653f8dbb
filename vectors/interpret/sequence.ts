/**
 * F09: the replay window and the fence of one device.
 *
 * Spec: docs/spec/07-sequencing.md.
 * Vectors: vectors/sequence.
 */
import { Failure, Fence, ReplayWindow, Retry, Sequence } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { ok, reject, type Actors, type Answer, type Operation } from "./outcome.ts"
import { hex, unhex, type Input, type Json } from "./values.ts"

const pair = (range: ReplayWindow.Range): Json => [range.from, range.to]

const accept = (window: ReplayWindow.ReplayWindow, input: Input): readonly [ReplayWindow.ReplayWindow, Answer] => {
  const judged = ReplayWindow.accept(window, input.number("number"), input.has("floor") ? input.number("floor") : 0)
  if (Result.isFailure(judged)) return [window, reject(judged.failure.cause)]
  const outcome = judged.success
  if (outcome._tag !== "Accepted") {
    // A refused step changes nothing, also where its floor alone would have (a device takes the floor of whatever opened).
    return [window, reject(outcome._tag === "Duplicate" ? "fresh.duplicate" : "fresh.stale")]
  }
  const { filled, gap, late, lost, next } = outcome
  return [next, ok({ late, filled, gap: gap === undefined ? [] : pair(gap), lost: lost.map(pair) })]
}

const toJson = (fence: Fence.Fence | undefined): Json =>
  fence === undefined ? [] : [fence.generation, hex(fence.startId)]
const fromJson = (json: Json): Fence.Fence | undefined => {
  const [generation, startId] = json as ReadonlyArray<Json>
  return typeof generation === "number" && typeof startId === "string"
    ? { generation, startId: unhex(startId) }
    : undefined
}

const isCause = (text: string): text is Failure.Cause => Object.hasOwn(Failure.causes, text)

export const operations: { readonly [op: string]: Operation } = {
  "failure.advice": (_, input) => {
    const cause = input.text("cause")
    if (!isCause(cause)) throw new Error("no such cause")
    const { expected, retry, stage } = Failure.causes[cause]
    return ok({ stage, expected, retry, asked: Retry.isAskable(cause) })
  }
}

export const actors: Actors = (crypto) => {
  let window = ReplayWindow.empty
  let own: Fence.Fence | undefined
  let peer = Fence.unknownPeer
  let proof: Fence.Fence | undefined
  let counter = Sequence.start
  let probedAt = -Infinity
  let maker: Fence.Maker | undefined
  const making = (): Fence.Maker => {
    if (maker === undefined) throw new Error("the device was not started")
    return maker
  }
  const running = (): Fence.Fence => {
    if (own === undefined) throw new Error("the device was not started")
    return own
  }
  return {
    snapshot: () => [
      hex(ReplayWindow.encode(window)),
      toJson(own),
      toJson(peer.highest),
      toJson(peer.echoed),
      peer.owed,
      hex(Sequence.encode(counter)),
      String(probedAt)
    ],
    step: (name, input) => {
      switch (name) {
        case "window.accept": {
          const [next, answer] = accept(window, input)
          window = next
          return answer
        }
        case "window.gaps":
          return ok({ gaps: ReplayWindow.gaps(window).map(pair) })
        case "window.reload": {
          const bytes = ReplayWindow.encode(window)
          const read = ReplayWindow.decode(bytes)
          if (Result.isFailure(read)) throw new Error("the window's record is unreadable")
          if (hex(ReplayWindow.encode(read.success)) !== hex(bytes)) throw new Error("the window's record changed")
          window = read.success
          return ok({})
        }
        case "fence.start":
          maker = Fence.maker(crypto, input.bytes("secret"))
          own = own === undefined ? maker.first(input.bytes("random")) : maker.renew(own, input.bytes("random"))
          return ok({ generation: own.generation, startId: hex(own.startId) })
        case "fence.carry": {
          const { echo, fence } = Fence.carry(running(), peer)
          return ok({ fence: toJson(fence), echo: toJson(echo) })
        }
        case "fence.observe": {
          const [fence, echo] = [fromJson(input.json("fence")), fromJson(input.json("echo"))]
          const carried = { ...(fence === undefined ? {} : { fence }), ...(echo === undefined ? {} : { echo }) }
          const { next, peerRollback, restored } = Fence.observe(
            running(),
            peer,
            carried,
            input.json("late") === true,
            making().made
          )
          peer = next
          proof = restored
          return ok({ peerRollback, restored: toJson(restored) })
        }
        case "fence.recover":
          if (proof === undefined) throw new Error("nothing proves a restore")
          own = making().recover(running(), proof, input.bytes("random"))
          return ok({ generation: own.generation, startId: hex(own.startId) })
        case "fence.probe": {
          const now = input.number("now")
          if (!Fence.mayProbe(probedAt, now)) return ok({ asked: 0 })
          probedAt = now
          return ok({ asked: Fence.probed(Array.from({ length: input.number("active") })).length })
        }
        case "counter.restore":
          counter = { last: input.number("last") }
          return ok({})
        case "counter.take": {
          const next = Sequence.step(counter)
          if (Result.isFailure(next)) return reject(next.failure.cause)
          counter = next.success
          return ok({ number: counter.last, floor: Sequence.floorBefore(counter.last) })
        }
        case "counter.behind":
          return ok({ behind: Sequence.isBehind(counter, input.number("received")) })
        case "counter.resume":
          counter = Sequence.resume(counter, input.number("received"))
          return ok({ last: counter.last })
        default:
          throw new Error(`no step ${name}`)
      }
    }
  }
}
