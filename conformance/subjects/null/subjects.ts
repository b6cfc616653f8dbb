/**
 * Subjects that are none: each is wrong in one way, and a runner that lets one pass judges nothing.
 *
 * Spec: docs/spec/21-conformance.md §21.1.
 */
import { randomBytes } from "node:crypto"
import process from "node:process"
import { families } from "../../src/protocol/Hello.ts"
import type { Handler, Outcome, Reply, Request } from "../../src/protocol/Message.ts"
import type { Members } from "../../src/protocol/Value.ts"
import { create } from "../reference/index.ts"

const hello = (declared: ReadonlyArray<string>): Members => ({
  name: "null",
  version: "1.0.0",
  language: "typescript",
  source: "conformance/subjects/null",
  speaks: 1,
  features: {
    families: Object.fromEntries(declared.map((family) => [family, 1])),
    coins: "labelled",
    snapshot: true,
    crash: true
  }
})

const always = (answer: (request: Request) => Outcome): Handler => ({
  handle: (request) => ({ id: request.id, ...(request.op === "hello" ? { ok: hello(families) } : answer(request)) })
})

/** The reference, with every reply changed on its way; nothing for a reply that never comes. */
const changed = (change: (reply: Reply, request: Request) => Reply): Handler => {
  const reference = create()
  return {
    handle: (request) => {
      const reply = reference.handle(request)
      return reply instanceof Promise ? reply.then((late) => change(late, request)) : change(reply, request)
    }
  }
}

const never = new Promise<Reply>(() => undefined)
const greeting = (request: Request): boolean => request.op === "hello" || request.op === "bye"

/** By name. */
export const nullSubjects: Readonly<Record<string, () => Handler>> = {
  "accepts-everything": () => always(() => ({ ok: {} })),
  "accepts-what-must-be-refused": () => changed((reply) => ("reject" in reply ? { id: reply.id, ok: {} } : reply)),
  "rejects-everything": () => always(() => ({ reject: { stage: "authenticate", class: "auth.tag" } })),
  "rejects-everything-opaquely": () => always(() => ({ reject: { stage: "opaque" } })),
  "rejects-at-the-wrong-stage": () =>
    changed((reply) => ("reject" in reply ? { id: reply.id, reject: { ...reply.reject, stage: "decode" } } : reply)),
  "rejects-without-a-stage": () => changed((reply) => ("reject" in reply ? { id: reply.id, reject: {} } : reply)),
  echoes: () => always(({ in: given }) => ({ ok: given })),
  "answers-random-bytes": () => always(() => ({ ok: { out: randomBytes(32).toString("hex") } })),
  "answers-wrong-ids": () => changed((reply, request) => (greeting(request) ? reply : { ...reply, id: reply.id + 1 })),
  "answers-with-more": () =>
    changed((reply, request) =>
      "ok" in reply && !greeting(request) ? { id: reply.id, ok: { ...reply.ok, more: 1 } } : reply
    ),
  "hangs-at-once": () => ({ handle: () => never }),
  hangs: () => {
    const reference = create()
    return { handle: (request) => (greeting(request) ? reference.handle(request) : never) }
  },
  "hangs-in-one-operation": () => {
    const reference = create()
    return { handle: (request) => (request.op === "fence.recover" ? never : reference.handle(request)) }
  },
  "ends-at-once": () => ({ handle: () => process.exit(3) }),
  "ends-mid-run": () => {
    let left = 60
    return changed((reply) => (--left === 0 ? process.exit(0) : reply))
  },
  "prints-junk": () => {
    process.stdout.write("ready\n")
    return create()
  },
  "prints-junk-mid-run": () => {
    let left = 60
    return changed((reply) => {
      if (--left === 0) process.stdout.write("still here\n")
      return reply
    })
  },
  "declares-nothing": () => changed((reply, { op }) => (op === "hello" ? { id: reply.id, ok: hello([]) } : reply)),
  "declares-too-much": () => always(() => ({ unsupported: { feature: "everything" } })),
  "reports-faults-as-rejects": () =>
    changed((reply) =>
      "fault" in reply || "unsupported" in reply ? { id: reply.id, reject: { stage: "decode" } } : reply
    ),
  "reports-rejects-as-faults": () =>
    changed((reply) => ("reject" in reply ? { id: reply.id, fault: { message: "refused" } } : reply)),
  "changes-with-refusals": () => {
    let refusals = 0
    return changed((reply, request) => {
      if ("reject" in reply) refusals += 1
      return request.op === "digest" ? { id: reply.id, ok: { digest: refusals.toString(16).padStart(8, "0") } } : reply
    })
  },
  "has-no-digest": () =>
    changed((reply, { op }) => (op === "digest" ? { id: reply.id, unsupported: { feature: "digest" } } : reply)),
  "is-not-deterministic": () => {
    let count = 0
    return changed((reply, request) =>
      "reject" in reply && !greeting(request)
        ? { id: reply.id, reject: { ...reply.reject, native: `refusal ${count++}` } }
        : reply
    )
  },
  "forgets-actors": () => {
    const reference = create()
    let count = 0
    return {
      handle: (request) => {
        if (request.as !== undefined && ++count % 7 === 0) void reference.handle({ id: 0, op: "reset", in: {} })
        return reference.handle(request)
      }
    }
  }
}
