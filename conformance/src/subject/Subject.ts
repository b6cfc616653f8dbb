/**
 * A live implementation under test, whatever way it is reached.
 *
 * Spec: docs/spec/20-subject.md §20.1.
 * Starting it again after an end is Keeper.ts.
 */
import type { Hello } from "../protocol/Hello.ts"
import type { Answer, Ask } from "../protocol/Message.ts"

/** A subject that has been greeted. */
export interface Subject {
  readonly hello: Hello
  /**
   * Asks one request; never rejects. `timeout` is in ms before scaling, default by the operation's class. Up to
   * `hello.features.concurrency` may be under way at once. After a `lost` every further answer is `lost` too.
   */
  readonly ask: (request: Ask, timeout?: number) => Promise<Answer>
  /** False after a `lost` or `close`. */
  readonly alive: () => boolean
  /** The last 64 KiB of standard error; empty in process. */
  readonly stderr: () => string
  /** Asks it to end, and ends it. */
  readonly close: () => Promise<void>
}

/** A way to get a subject: a command, a module, a worker. */
export interface Source {
  /** For reports: the command line, or `in-process` and a module. */
  readonly title: string
  /** Starts it and greets it with `seed`, 64 bytes as hex. Rejects with `StartFailure`. */
  readonly start: (seed: string) => Promise<Subject>
}

/** A subject that did not come up, or does not greet as it should. */
export class StartFailure extends Error {
  readonly _tag = "StartFailure"
  readonly kind: "timeout" | "crash" | "violation"
  readonly stderr: string

  constructor(kind: "timeout" | "crash" | "violation", message: string, stderr = "") {
    super(message)
    this.name = "StartFailure"
    this.kind = kind
    this.stderr = stderr
  }
}
