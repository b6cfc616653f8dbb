/**
 * Asking the devices of a script: requests, the clock they carry, and what ends a script.
 *
 * Spec: docs/spec/20-subject.md §20.1, §20.5.
 * Knows nothing of who is there: World.ts and fleet/Fleet.ts do.
 */
import type { Answer } from "../protocol/Message.ts"
import type { Features } from "../protocol/Hello.ts"
import type { Members } from "../protocol/Value.ts"
import type { Subject } from "../subject/Subject.ts"
import type { Violation } from "./Properties.ts"
import { textOf } from "./Text.ts"

/** Who answers for a device. */
export type Side = "subject" | "reference"

/** What a device is asked by. `skew`: how far its clock is from the world's, ms. */
export interface Asked {
  readonly name: string
  readonly side: Side
  readonly skew: number
}

/** What ended a script: an answer that is none. */
export class Broken extends Error {
  readonly _tag = "Broken"
  readonly kind: "fault" | "unsupported" | "timeout" | "crash" | "violation"
  readonly side: Side

  constructor(kind: Broken["kind"], message: string, side: Side) {
    super(message)
    this.name = "Broken"
    this.kind = kind
    this.side = side
  }
}

/** A violation of a property that is looked for. */
export class Found extends Error {
  readonly _tag = "Found"
  readonly violation: Violation

  constructor(violation: Violation) {
    super(violation.message)
    this.name = "Found"
    this.violation = violation
  }
}

/** What every script is asked with. */
export interface AskingOptions {
  readonly subject: Subject
  readonly reference: Subject
  /** Properties that end a script when they are broken. */
  readonly watched: ReadonlySet<string>
  /** Every request and answer, for a report. */
  readonly record?: (step: number, dir: "request" | "reply", message: Members) => void
  /** What was reached: operation, stage, class, role. */
  readonly reached: Set<string>
}

/** The clock at which every script begins, ms. */
export const beginning = 1_700_000_000_000

/** The two subjects of a script, one clock, and the step it is at. */
export class Asking<Options extends AskingOptions = AskingOptions> {
  readonly options: Options
  now = beginning
  step = -1
  requests = 0

  constructor(options: Options) {
    this.options = options
  }

  /** Drops all actors of both sides. */
  async reset(): Promise<void> {
    const { reference, subject } = this.options
    await this.#control(subject, "subject")
    if (reference !== subject) await this.#control(reference, "reference")
  }

  async #control(subject: Subject, side: Side): Promise<void> {
    const answer = await subject.ask({ op: "reset" })
    if (!("ok" in answer)) throw this.#broken(answer, "reset", side)
  }

  /** Asks one device. Throws {@link Broken} for anything but `ok` and `reject`. */
  async ask(asked: Asked, op: string, input: Members = {}): Promise<Answer> {
    const { record, reached, reference, subject } = this.options
    const { name, side, skew } = asked
    const request = { op, as: name, in: input, now: Math.max(0, this.now + skew) }
    record?.(this.step, "request", { side, ...request })
    this.requests++
    const answer = await (side === "subject" ? subject : reference).ask(request)
    record?.(this.step, "reply", { side, ...(answer as Members) })
    const reject = "reject" in answer ? answer.reject : undefined
    reached.add(`${op} ${reject === undefined ? "ok" : (reject.stage ?? "-")} ${reject?.class ?? "-"} ${side}`)
    if ("ok" in answer || "reject" in answer) return answer
    throw this.#broken(answer, op, side)
  }

  #broken(answer: Answer, op: string, side: Side): Broken {
    if ("fault" in answer) return new Broken("fault", `${op}: ${answer.fault.message}`, side)
    if ("unsupported" in answer) return new Broken("unsupported", `${op}: ${answer.unsupported.feature}`, side)
    if ("lost" in answer) return new Broken(answer.lost.kind, `${op}: ${answer.lost.message}`, side)
    return new Broken("violation", `${op} was refused`, side)
  }

  /** Asks for something that no device may refuse. */
  async ok(asked: Asked, op: string, input: Members = {}): Promise<Members> {
    const answer = await this.ask(asked, op, input)
    if ("ok" in answer) return answer.ok
    throw this.#broken(answer, op, asked.side)
  }

  /** Bundles that a device publishes: `count` with one-time keys, and the one that can be handed out for ever. */
  async published(
    asked: Asked,
    count: number
  ): Promise<{ readonly bundles: ReadonlyArray<string>; readonly last: string }> {
    const { bundles, last } = await this.ok(asked, "prekey.publish", { count })
    if (!Array.isArray(bundles) || bundles.length !== count || typeof last !== "string") {
      throw new Broken("violation", "prekey.publish did not answer so many bundles", asked.side)
    }
    return { bundles: bundles.map(String), last }
  }

  /** A property is broken. Ends the script when it is one that is looked for. */
  fail(property: string, message: string): void {
    if (this.options.watched.has(property)) throw new Found({ property, message, step: this.step })
  }

  /** What the side of a device declared. */
  featuresOf({ side }: Pick<Asked, "side">): Features {
    const { reference, subject } = this.options
    return (side === "subject" ? subject : reference).hello.features
  }

  /** What a device keeps, in a form that changes when it does. */
  async state(asked: Asked): Promise<string> {
    const { digest } = await this.ok(asked, "digest")
    return `${textOf(digest)} ${JSON.stringify(await this.inspect(asked))}`
  }

  async inspect(asked: Asked): Promise<Members> {
    return (this.featuresOf(asked).inspect ?? []).length === 0 ? {} : this.ok(asked, "inspect")
  }
}
