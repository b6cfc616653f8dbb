/**
 * Whole devices that are all right and do things otherwise. A property that fails one asks for too much.
 *
 * Spec: docs/spec/20-subject.md §20.2, §20.5; docs/spec/21-conformance.md §21.3.
 */
import { randomBytes } from "node:crypto"
import type { Handler, Reply, Request } from "../../src/protocol/Message.ts"
import { isObject, type Members } from "../../src/protocol/Value.ts"
import { create } from "../reference/index.ts"

const okOf = (reply: Reply): Members | undefined => ("ok" in reply ? reply.ok : undefined)

/** The reference with other features, requests and answers. */
const variant = (
  features: (all: Members) => Members,
  ask: (request: Request) => Request = (request) => request,
  answer: (reply: Reply, request: Request) => Reply = (reply) => reply
): Handler => {
  const inner = create()
  return {
    handle: async (request) => {
      const reply = await inner.handle(ask(request))
      const ok = okOf(reply)
      if (request.op !== "hello" || ok === undefined) return answer(reply, request)
      return { id: reply.id, ok: { ...ok, features: features(ok["features"] as Members) } }
    }
  }
}

const without =
  (...names: ReadonlyArray<string>) =>
  (all: Members): Members =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name)))

/** By name. */
export const deviceVariants: Readonly<Record<string, () => Handler>> = {
  "draws its own randomness": () => {
    const seed = randomBytes(64).toString("hex")
    const features = without("coins", "deterministic")
    return variant(
      (all) => ({ ...features(all), coins: "none" }),
      (request) => (request.op === "hello" ? { ...request, in: { ...request.in, seed } } : request)
    )
  },
  "has no snapshots, no crashes, no counters, and takes one request at a time": () =>
    variant(without("snapshot", "crash", "inspect", "concurrency")),
  "tells no causes": () =>
    variant(
      (all) => all,
      (request) => request,
      (reply) => {
        if (!("reject" in reply)) return reply
        const { stage } = reply.reject
        const merged = stage === "authenticate" || stage === "freshness" || stage === "decrypt"
        return { id: reply.id, reject: merged ? { stage: "opaque" } : stage === undefined ? {} : { stage } }
      }
    ),
  "says more than it must, in another order": () =>
    variant(
      (all) => all,
      (request) => request,
      (reply) => {
        const ok = okOf(reply)
        if (ok === undefined) return reply
        const { events } = ok
        const more = Array.isArray(events)
          ? {
              events: [
                { type: "weather", sunny: true },
                ...events.map((event) => (isObject(event) ? { note: "x", ...(event as Members) } : event))
              ]
            }
          : {}
        return { id: reply.id, ok: Object.fromEntries(Object.entries({ ...ok, ...more, extra: 1 }).reverse()) }
      }
    ),
  "keeps snapshots in a form of its own": () =>
    variant(
      (all) => all,
      (request) => {
        const { snapshot } = request.in
        if (request.op !== "actor.restore" || typeof snapshot !== "string") return request
        return { ...request, in: { snapshot: snapshot.startsWith("5a5a") ? snapshot.slice(4) : "" } }
      },
      (reply, { op }) =>
        op === "actor.snapshot" && "ok" in reply
          ? { id: reply.id, ok: { snapshot: `5a5a${reply.ok["snapshot"] as string}` } }
          : reply
    )
}
