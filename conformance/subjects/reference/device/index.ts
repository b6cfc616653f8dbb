/**
 * The family `device`: whole devices of the SDK, as actors.
 *
 * Spec: docs/spec/20-subject.md §20.5–20.7.
 * Requests that are under way together start together; the device runs them as it would those of one application. Names nothing of its
 * host, so that it runs in a worker as well.
 */
import type { CryptoProvider } from "@tacit/core/hazmat"
import type { Outcome, Request } from "../../../src/protocol/Message.ts"
import { Actor, type Begun, suitesOf } from "./Actor.ts"

export { counters } from "./Actor.ts"

/** Operations of the family, `digest` apart, which every actor has. */
const operations: ReadonlySet<string> = new Set([
  "actor.new",
  "actor.keys",
  "actor.enter",
  "actor.snapshot",
  "actor.restore",
  "actor.restart",
  "prekey.publish",
  "peer.learn",
  "peer.answer",
  "peer.accept",
  "peer.offer",
  "device.admit",
  "device.revoke",
  "own.learn",
  "relay.stale",
  "session.send",
  "session.reset",
  "session.agree",
  "receive",
  "poll",
  "inspect"
])

/** Operations that may overlap with others of the same actor. */
const overlapping: ReadonlySet<string> = new Set(["session.send", "receive"])

interface Waiting {
  readonly request: Request
  readonly answer: (outcome: Outcome) => void
}

/** All devices of a subject. */
export class Devices {
  readonly #crypto: CryptoProvider
  readonly #actors = new Map<string, Actor>()
  #seed: Uint8Array = new Uint8Array(64)
  readonly #waiting: Array<Waiting> = []
  #busy = false

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto
  }

  /** Begins anew with the seed of a hello, 64 bytes, or the one before. */
  reset(seed = this.#seed): void {
    this.#seed = seed
    for (const actor of this.#actors.values()) void actor.drop()
    this.#actors.clear()
  }

  /** Whether a request is one of this family. */
  takes({ as, op }: Pick<Request, "as" | "op">): boolean {
    return operations.has(op) || (op === "digest" && as !== undefined && this.#actors.has(as))
  }

  /** Does what a request asks, together with what else is asked in the same turn. Rejects where the answer is a fault. */
  handle(request: Request): Promise<Outcome> {
    return new Promise((answer) => {
      this.#waiting.push({ request, answer })
      if (this.#waiting.length === 1 && !this.#busy) void Promise.resolve().then(() => this.#work())
    })
  }

  #actor({ as, in: input, op }: Request): Actor {
    if (as === undefined) throw new Error("the request names no actor")
    const known = this.#actors.get(as)
    if (known !== undefined) return known
    if (op !== "actor.new" && op !== "actor.keys") throw new Error("no such actor")
    const actor = new Actor(this.#crypto, this.#seed, as, suitesOf(input))
    this.#actors.set(as, actor)
    return actor
  }

  /** Runs what waits, in order. Requests of one actor overlap, but for two envelopes: which refusal were whose? */
  async #work(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    const waiting = this.#waiting
    while (waiting.length > 0) {
      const first = waiting.shift()!
      const together = [first]
      let receives = first.request.op === "receive" ? 1 : 0
      while (mayOverlap(first.request) && waiting.length > 0) {
        const { as, coins, now, op } = waiting[0]!.request
        const sameTurn = as === first.request.as && now === first.request.now && coins === undefined
        if (!sameTurn || !mayOverlap(waiting[0]!.request) || (op === "receive" && receives++ > 0)) break
        together.push(waiting.shift()!)
      }
      await this.#together(together)
    }
    this.#busy = false
  }

  async #together(group: ReadonlyArray<Waiting>): Promise<void> {
    const begun: Array<Begun> = []
    let actor: Actor | undefined
    for (const { request } of group) {
      try {
        actor = this.#actor(request)
        await actor.prepare(request.now, request.coins)
        begun.push(await actor.begin(request.op, request.in))
      } catch (error) {
        begun.push({ outcome: faulted(error) })
      }
    }
    let broken: Error | undefined
    try {
      for (const one of begun) if ("start" in one) one.start()
      await actor?.settle()
    } catch (error) {
      broken = error instanceof Error ? error : new Error("the device broke", { cause: error })
    }
    for (const [i, { answer }] of group.entries()) {
      const one = begun[i]!
      try {
        if (broken !== undefined) throw broken
        answer("end" in one ? await one.end() : one.outcome)
      } catch (error) {
        answer(faulted(error))
      }
    }
  }
}

/** Whether a request may run beside others of its actor. */
const mayOverlap = ({ in: input, op }: Request): boolean => overlapping.has(op) && input["crash"] === undefined

/** What was thrown, as an answer. */
export const faulted = (error: unknown): Outcome => ({
  fault: {
    message: error instanceof Error ? error.message : String(error),
    ...(error instanceof Error && error.stack !== undefined ? { trace: error.stack } : {})
  }
})
