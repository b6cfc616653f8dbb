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
import type { Script, StepName, WorldName } from "./Script.ts"
import { Broken, Found, type Side } from "./Asking.ts"
import { Fleet } from "./fleet/Fleet.ts"
import { FleetPlay } from "./fleet/Play.ts"
import { World } from "./World.ts"

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
  const options = {
    roles,
    subject: await stage.subject(),
    reference: await stage.reference(),
    watched,
    reached,
    salt,
    ...(record === undefined ? {} : { record })
  }
  const did = (step: StepName): unknown => used?.set(step, (used.get(step) ?? 0) + 1)
  if (name === "fleet") {
    const fleet = new Fleet(options)
    return outcome(fleet, async () => {
      await fleet.open()
      await new FleetPlay(fleet, crypto).run(script, did)
    })
  }
  const world = new World({ name, ...options })
  return outcome(world, async () => {
    await world.open()
    await new Play(world, crypto).run(script, did)
  })
}

/** Plays to the end, and says how it ended. */
const outcome = async (world: World | Fleet, play: () => Promise<void>): Promise<ScriptResult> => {
  const ended = (result: Pick<ScriptResult, "violation" | "broken">): ScriptResult => ({
    ...result,
    requests: world.requests,
    lengths: world.past.map(({ bytes }) => bytes.length / 2)
  })
  try {
    await play()
    return ended({ violation: undefined, broken: undefined })
  } catch (error) {
    if (error instanceof Found) return ended({ violation: error.violation, broken: undefined })
    if (!(error instanceof Broken)) throw error
    return ended({ violation: undefined, broken: error })
  }
}
