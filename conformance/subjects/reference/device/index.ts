/**
 * The family `device`: whole devices of the SDK, as actors.
 *
 * Spec: docs/spec/20-subject.md §20.5, §20.6.
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
  "actor.snapshot",
  "actor.restore",
  "actor.restart",
  "prekey.publish",
  "peer.learn",
  "peer.accept",
  "peer.offer",
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
  #waiting: Array<Waiting> = []

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto
  }

  /** Begins anew with the seed of a hello, 64 bytes, or the one before. */
  reset(seed = this.#seed): void {
    this.#seed = seed
    for (const actor of this.#actors.values()) actor.drop()
    this.#actors.clear()
  }

  /** Whether a request is one of this family. */
  takes({ as, op }: Pick<Request, "as" | "op">): boolean {
    return operations.has(op) || (op === "digest" && as !== undefined && this.#actors.has(as))
  }

  /** Does what a request asks, together with what else is asked in the same turn. Throws and rejects where the answer is a fault. */
  handle(request: Request): Outcome | Promise<Outcome> {
    if (!overlapping.has(request.op) || request.in["crash"] !== undefined) {
      this.#flush()
      return this.#alone(request)
    }
    if (this.#waiting.length === 0) void Promise.resolve().then(() => this.#flush())
    return new Promise((answer) => this.#waiting.push({ request, answer }))
  }

  #actor({ as, in: input, op }: Request): Actor {
    if (as === undefined) throw new Error("the request names no actor")
    const known = this.#actors.get(as)
    if (known !== undefined) return known
    if (op !== "actor.new") throw new Error("no such actor")
    const actor = new Actor(this.#crypto, this.#seed, as, suitesOf(input))
    this.#actors.set(as, actor)
    return actor
  }

  #alone(request: Request): Outcome {
    const actor = this.#actor(request)
    const begun = this.#begin(actor, request)
    actor.settle()
    return "end" in begun ? begun.end() : begun.outcome
  }

  #begin(actor: Actor, { coins, in: input, now, op }: Request): Begun {
    actor.prepare(now, coins)
    return actor.begin(op, input)
  }

  /** Runs what waits. Requests of one actor overlap, but for two envelopes: which refusal were whose? */
  #flush(): void {
    const waiting = this.#waiting
    this.#waiting = []
    while (waiting.length > 0) {
      const first = waiting[0]!
      let receives = 0
      const together: Array<Waiting> = []
      while (waiting.length > 0) {
        const next = waiting[0]!
        const changesWorld =
          next !== first && (next.request.coins !== undefined || next.request.now !== first.request.now)
        if (next.request.as !== first.request.as || changesWorld) break
        if (next.request.op === "receive" && receives++ > 0) break
        together.push(waiting.shift()!)
      }
      this.#together(together)
    }
  }

  #together(group: ReadonlyArray<Waiting>): void {
    let actor: Actor | undefined
    const begun = group.map(({ request }): Begun => {
      try {
        actor = this.#actor(request)
        return this.#begin(actor, request)
      } catch (error) {
        return { outcome: faulted(error) }
      }
    })
    let broken: unknown
    try {
      actor?.settle()
    } catch (error) {
      broken = error
    }
    for (const [i, { answer }] of group.entries()) {
      const one = begun[i]!
      try {
        if (broken !== undefined) throw broken
        answer("end" in one ? one.end() : one.outcome)
      } catch (error) {
        answer(faulted(error))
      }
    }
  }
}

/** What was thrown, as an answer. */
export const faulted = (error: unknown): Outcome => ({
  fault: {
    message: error instanceof Error ? error.message : String(error),
    ...(error instanceof Error && error.stack !== undefined ? { trace: error.stack } : {})
  }
})
