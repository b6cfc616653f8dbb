/**
 * Variants that are all right: what the specification leaves open, done otherwise. A runner that fails one asks for too much.
 *
 * Spec: docs/spec/20-subject.md §20.1; docs/spec/21-conformance.md §21.1.
 */
import { nobleProvider } from "@tacit/core/crypto/noble"
import { createHash } from "node:crypto"
import process from "node:process"
import type { Handler, Reject, Reply, Request } from "../../src/protocol/Message.ts"
import type { Members } from "../../src/protocol/Value.ts"
import { create } from "../reference/index.ts"

const changed = (change: (reply: Reply, request: Request) => Reply, reference: Handler = create()): Handler => ({
  handle: (request) => {
    const reply = reference.handle(request)
    return reply instanceof Promise ? reply.then((late) => change(late, request)) : change(reply, request)
  }
})

const rejects = (change: (reject: Reject) => Reject): Handler =>
  changed((reply) => ("reject" in reply ? { id: reply.id, reject: change(reply.reject) } : reply))

/** The answer to hello with other features. */
const declaring = (change: (features: Members) => Members, handler: Handler = create()): Handler =>
  changed(
    (reply, { op }) =>
      op === "hello" && "ok" in reply
        ? { id: reply.id, ok: { ...reply.ok, features: change(reply.ok["features"] as Members) } }
        : reply,
    handler
  )

/** Reverses the order of answers, eight at a time, as far as requests come at once. */
const backwards = (): Handler => {
  const reference = create()
  const held: Array<() => void> = []
  const release = (): void =>
    held
      .splice(0)
      .reverse()
      .forEach((answer) => answer())
  return declaring((features) => ({ ...features, concurrency: 8 }), {
    handle: (request) => {
      const reply = reference.handle(request)
      return new Promise((resolve) => {
        held.push(() => resolve(reply))
        if (held.length === 8) release()
        else setTimeout(release, 1)
      })
    }
  })
}

/** Answers calls it has been asked before out of memory. */
const caching = (): Handler => {
  const reference = create()
  const known = new Map<string, Reply>()
  return {
    handle: (request) => {
      if (request.as !== undefined || !request.op.includes(".") || request.op.includes("actor")) {
        return reference.handle(request)
      }
      const key = JSON.stringify([request.op, request.in])
      const found = known.get(key)
      if (found !== undefined) return { ...found, id: request.id }
      const reply = reference.handle(request)
      if (!(reply instanceof Promise)) known.set(key, reply)
      return reply
    }
  }
}

/** By name. */
export const variants: Readonly<Record<string, () => Handler>> = {
  "other error texts": () =>
    rejects(({ stage }) => ({ ...(stage === undefined ? {} : { stage }), native: "E_REFUSED: nicht erlaubt ✗" })),
  "errors merged": () =>
    rejects(({ stage }) =>
      stage === "authenticate" || stage === "freshness" || stage === "decrypt"
        ? { stage: "opaque" }
        : stage === undefined
          ? {}
          : { stage }
    ),
  "another form of the digest": () =>
    changed((reply, { op }) =>
      op === "digest" && "ok" in reply
        ? {
            id: reply.id,
            ok: { digest: createHash("sha512").update(JSON.stringify(reply.ok["digest"])).digest("hex") }
          }
        : reply
    ),
  "members in another order": () =>
    changed((reply) =>
      "ok" in reply ? { ok: Object.fromEntries(Object.entries(reply.ok).reverse()), id: reply.id } : reply
    ),
  "more in its greeting": () =>
    declaring((features) => ({
      ...features,
      families: { ...(features["families"] as Members), juggling: 3 },
      hats: 7
    })),
  "another provider": () => create({ provider: nobleProvider }),
  "answers in another order": backwards,
  caching,
  "no coins, not deterministic, one at a time": () =>
    declaring(({ families, suites }) => ({ families, suites: suites! }) as Members),
  talkative: () =>
    changed((reply, { op }) => {
      process.stderr.write(`{"id":${reply.id},"ok":{}} after ${op}\n`)
      return reply
    })
}
