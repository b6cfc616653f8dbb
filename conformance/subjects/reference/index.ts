/**
 * The reference: this project's SDK behind the subject protocol, as a module in process.
 *
 * Spec: docs/spec/20-subject.md.
 * Operations of vectors are those of `vectors/interpret`; whole devices are device.ts. Everything thrown is a fault.
 */
import { loadNodeProvider } from "@tacit/core/crypto/node"
import type { CryptoProvider } from "@tacit/core/hazmat"
import type { Actor, Actors, Operation } from "../../../vectors/interpret/outcome.ts"
import { actors, operations } from "../../../vectors/interpret/run.ts"
import { hex, Input, unhex } from "../../../vectors/interpret/values.ts"
import type { Features, Hello } from "../../src/protocol/Hello.ts"
import type { Handler, Outcome, Reply, Request } from "../../src/protocol/Message.ts"
import type { Members } from "../../src/protocol/Value.ts"
import { counters, Devices, faulted } from "./device/index.ts"
import { rejection } from "./stage.ts"

/** What it says it can do. */
export const features: Features = {
  families: Object.fromEntries(
    [...new Set([...Object.keys(operations), ...Object.keys(actors), "device"])].map((family) => [family, 1])
  ),
  suites: [1, 2, 3],
  coins: "labelled",
  deterministic: true,
  snapshot: true,
  crash: true,
  several: true,
  inspect: counters,
  concurrency: 8
}

const hello: Hello = {
  name: "tacit",
  version: "0.1.0",
  language: "typescript",
  source: "the reference implementation of this repository",
  speaks: 1,
  features
}

const calls: ReadonlyMap<string, Operation> = new Map(
  Object.values(operations).flatMap((family) => Object.entries(family))
)

/** The prefix of a transcript step's name tells whose state it is about. */
const casts: Readonly<Record<string, Actors>> = {
  device: actors["agreement"]!,
  session: actors["agreement"]!,
  sessions: actors["agreement"]!,
  retry: actors["agreement"]!,
  ratchet: actors["ratchet"]!,
  counter: actors["sequence"]!,
  window: actors["sequence"]!,
  fence: actors["sequence"]!,
  manifest: actors["identity"]!,
  link: actors["linking"]!,
  devices: actors["devices"]!
}

/** What makes a fresh subject of its own state. */
export interface CreateOptions {
  readonly provider?: CryptoProvider
}

const native = await loadNodeProvider()

/** A subject without actors. */
export const create = (options: CreateOptions = {}): Handler => {
  const crypto = options.provider ?? native
  const cast = new Map<string, Actor>()
  const devices = new Devices(crypto)

  const control = (request: Request): Outcome | undefined => {
    switch (request.op) {
      case "hello": {
        const { seed, speaks } = request.in
        if (!Array.isArray(speaks)) throw new Error("speaks is no list")
        if (typeof seed !== "string" || seed.length !== 128) throw new Error("the seed is not 64 bytes")
        cast.clear()
        devices.reset(unhex(seed))
        return speaks.includes(1) ? { ok: hello as unknown as Members } : { reject: { stage: "version" } }
      }
      case "reset":
        cast.clear()
        devices.reset()
        return { ok: {} }
      case "bye":
        return { ok: {} }
      default:
        return undefined
    }
  }

  const step = (request: Request, name: string): Outcome => {
    if (request.op === "digest") {
      const known = cast.get(name)
      if (known === undefined) throw new Error("no such actor")
      const shown = new TextEncoder().encode(JSON.stringify(known.snapshot()))
      return { ok: { digest: hex(crypto.sha256(shown)) } }
    }
    const make = casts[request.op.split(".")[0]!]
    if (make === undefined) return { unsupported: { feature: request.op } }
    let actor = cast.get(name)
    if (actor === undefined) cast.set(name, (actor = make(crypto, name)))
    const answer = actor.step(request.op, new Input(request.in), request.now ?? 0)
    return "ok" in answer ? { ok: answer.ok as Members } : { reject: rejection(answer.reject) }
  }

  const call = (request: Request): Outcome => {
    const operation = calls.get(request.op)
    if (operation === undefined) return { unsupported: { feature: request.op } }
    const answer = operation(crypto, new Input(request.in))
    return "ok" in answer ? { ok: answer.ok as Members } : { reject: rejection(answer.reject) }
  }

  return {
    handle: (request): Reply | Promise<Reply> => {
      const reply = (outcome: Outcome): Reply => ({ id: request.id, ...outcome })
      try {
        const controlled = control(request)
        if (controlled !== undefined) return reply(controlled)
        // A party of a transcript and a whole device have operations of the same name.
        const party = request.as !== undefined && cast.has(request.as)
        if (!party && devices.takes(request)) {
          const outcome = devices.handle(request)
          return outcome instanceof Promise ? outcome.then(reply) : reply(outcome)
        }
        return reply(request.as === undefined ? call(request) : step(request, request.as))
      } catch (error) {
        return reply(faulted(error))
      }
    }
  }
}

const shared = create()
export const handle = shared.handle
