/**
 * Requests and replies, as they stand on a line.
 *
 * Spec: docs/spec/20-subject.md §20.1.
 * Reading a line is Line.ts; exchanging them is `src/subject`.
 */
import * as Schema from "effect/Schema"
import { Count, Hex, Members, stages } from "./Value.ts"

const optional = Schema.optionalKey

/** Rule subject.request.1. `coins` are values for random draws, by label, in order. */
export const Request = Schema.Struct({
  id: Count,
  op: Schema.String,
  as: optional(Schema.String),
  in: Members,
  now: optional(Count),
  coins: optional(Schema.Record(Schema.String, Schema.Array(Hex)))
})
export type Request = typeof Request.Type

/** What is asked; the subject's number comes from whoever sends it. */
export type Ask = Omit<Request, "id" | "in"> & { readonly in?: Members }

/** Rule subject.reject.2: `opaque` stands for any stage from authenticate to decrypt. */
export const Reject = Schema.Struct({
  stage: optional(Schema.Literals([...stages, "opaque"])),
  class: optional(Schema.String),
  native: optional(Schema.String)
})
export type Reject = typeof Reject.Type

export const Unsupported = Schema.Struct({ feature: Schema.String })
export const Fault = Schema.Struct({ message: Schema.String, trace: optional(Schema.String) })

const Ok = Schema.Struct({ id: Count, ok: Members })
const Rejected = Schema.Struct({ id: Count, reject: Reject })
const NotSupported = Schema.Struct({ id: Count, unsupported: Unsupported })
const Faulted = Schema.Struct({ id: Count, fault: Fault })

/** Rule subject.reply.1: exactly one of four. */
export const Reply = Schema.Union([Ok, Rejected, NotSupported, Faulted])
export type Reply = typeof Reply.Type

/** What a subject answers, without the number. */
export type Outcome =
  | { readonly ok: Members }
  | { readonly reject: Reject }
  | { readonly unsupported: typeof Unsupported.Type }
  | { readonly fault: typeof Fault.Type }

/** Why there is no reply. After one of these the subject is gone; ask for another one. */
export interface Lost {
  readonly kind: "timeout" | "crash" | "violation"
  readonly message: string
  /** The last 64 KiB of standard error, where there is one. */
  readonly stderr: string
}

/** A subject's reply, or what became of it instead. */
export type Answer = Outcome | { readonly lost: Lost }

/** A module or worker that answers requests by itself (rule subject.atomic.1 and what follows it). */
export interface Handler {
  readonly handle: (request: Request) => Promise<Reply> | Reply
}
