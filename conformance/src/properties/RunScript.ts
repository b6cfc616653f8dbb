/**
 * One script from beginning to end, and what came of it.
 *
 * Spec: docs/spec/21-conformance.md, rule property.script.1.
 */
import type { CryptoProvider } from "@tacit/core/hazmat"
import type { Members } from "../protocol/Value.ts"
import type { Subject } from "../subject/Subject.ts"
import { Play } from "./Play.ts"
import type { Violation } from "./Properties.ts"
import type { Script, WorldName } from "./Script.ts"
import { Broken, Found, type Side, World } from "./World.ts"

/** A script with what it needs to be repeated. */
export interface Reproducer {
  readonly world: WorldName
  /** Who answers for each person. */
  readonly roles: ReadonlyArray<Side>
  readonly script: Script
}

/** What a script needs to run. */
export interface Stage {
  readonly crypto: CryptoProvider
  readonly subject: () => Promise<Subject>
  readonly reference: () => Promise<Subject>
  readonly reached: Set<string>
  /** Counts the steps that did something, by name. */
  readonly used?: Map<string, number>
  readonly record?: (step: number, dir: "request" | "reply", message: Members) => void
}

/** What became of a script. */
export interface ScriptResult {
  readonly violation: Violation | undefined
  /** The subject gave an answer that is none, or ended. */
  readonly broken: Broken | undefined
  readonly requests: number
  /** Lengths of everything that was sent, in order. */
  readonly lengths: ReadonlyArray<number>
}

/** Runs a script until its end, or until one of the watched properties is broken. Another `salt` makes other texts of the same lengths. */
export const runScript = async (
  stage: Stage,
  { roles, script, world: name }: Reproducer,
  watched: ReadonlySet<string>,
  salt = ""
): Promise<ScriptResult> => {
  const { crypto, reached, record, used } = stage
  const subject = await stage.subject()
  const reference = await stage.reference()
  const world = new World({
    name,
    roles,
    subject,
    reference,
    watched,
    reached,
    salt,
    ...(record === undefined ? {} : { record })
  })
  const ended = (result: Pick<ScriptResult, "violation" | "broken">): ScriptResult => ({
    ...result,
    requests: world.requests,
    lengths: world.past.map(({ bytes }) => bytes.length / 2)
  })
  try {
    await world.open()
    await new Play(world, crypto).run(script, (name) => used?.set(name, (used.get(name) ?? 0) + 1))
    return ended({ violation: undefined, broken: undefined })
  } catch (error) {
    if (error instanceof Found) return ended({ violation: error.violation, broken: undefined })
    if (!(error instanceof Broken)) throw error
    return ended({ violation: undefined, broken: error })
  }
}
