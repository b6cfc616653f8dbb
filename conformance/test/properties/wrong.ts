/**
 * What subjects that are wrong in one way are made of: the reference, with its questions or its answers changed.
 *
 * Spec: docs/spec/21-conformance.md §21.3.
 */
import type { Handler, Reply, Request } from "../../src/protocol/Message.ts"
import { isObject, type Members } from "../../src/protocol/Value.ts"
import { create } from "../../subjects/reference/index.ts"

export type Change = (reply: Reply, request: Request) => Reply | Promise<Reply>

/** The reference with its answers changed. `before` may change what it is asked. */
export const changed = (
  make: (inner: Handler) => Change,
  before: (request: Request) => Request = (one) => one
): Handler => {
  const inner = create()
  const change = make(inner)
  return {
    handle: async (request) => change(await inner.handle(before(request)), request)
  }
}

export const okOf = (reply: Reply): Members | undefined => ("ok" in reply ? reply.ok : undefined)

/** An answer with other members. */
export const put = (reply: Reply, more: Members): Reply => ({ id: reply.id, ok: { ...okOf(reply), ...more } })

/** The lists of objects in an answer. */
const listOf = (reply: Reply, name: string): ReadonlyArray<Members> => {
  const list = okOf(reply)?.[name]
  return Array.isArray(list) ? list.filter((one): one is Members => isObject(one)) : []
}
export const eventsOf = (reply: Reply): ReadonlyArray<Members> => listOf(reply, "events")
export const outOf = (reply: Reply): ReadonlyArray<Members> => listOf(reply, "out")

/** Tells other events. */
export const events = (change: (event: Members, as: string) => ReadonlyArray<Members>): Handler =>
  changed(
    () =>
      (reply, { as = "" }) =>
        eventsOf(reply).length === 0
          ? reply
          : put(reply, { events: eventsOf(reply).flatMap((event) => change(event, as)) })
  )

export const rejectClass = (reply: Reply): string | undefined => ("reject" in reply ? reply.reject.class : undefined)

/** Takes in what should be refused with one of these causes. */
export const accepting = (...classes: ReadonlyArray<string>): Handler =>
  changed(
    () =>
      (reply, { op }) =>
        op === "receive" && classes.includes(rejectClass(reply) ?? "")
          ? { id: reply.id, ok: { events: [], out: [] } }
          : reply
  )
