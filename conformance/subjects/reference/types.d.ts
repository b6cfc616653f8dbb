/**
 * Types of the module `@tacit/conformance/reference`: requests and replies of the subject protocol as objects.
 *
 * Spec: docs/spec/20-subject.md §20.1.
 */

/** A request: id, operation, actor, input, clock in ms, coins (rule subject.request.1). */
export interface Request {
  readonly id: number
  readonly op: string
  readonly as?: string
  readonly in: { readonly [member: string]: unknown }
  readonly now?: number
  readonly coins?: { readonly [label: string]: ReadonlyArray<string> }
}

/** A reply: the request's id and exactly one of the others (rule subject.reply.1). */
export interface Reply {
  readonly id: number
  readonly ok?: { readonly [member: string]: unknown }
  readonly reject?: { readonly stage?: string; readonly class?: string; readonly native?: string }
  readonly unsupported?: { readonly feature: string }
  readonly fault?: { readonly message: string; readonly trace?: string }
}

/** Answers requests. */
export interface Handler {
  readonly handle: (request: Request) => Promise<Reply> | Reply
}

/** A reference of its own state. */
export declare const create: () => Handler
/** One that all who import it share. */
export declare const handle: Handler["handle"]
