/**
 * Freezing a script as the draft of a vector.
 *
 * Spec: docs/spec/21-conformance.md, rule property.script.1; vectors/README.md.
 * What the reference answers is written down as what must be answered; a person decides whether it is right.
 */
import { isObject, type Members } from "../protocol/Value.ts"
import { type Reproducer, runScript, type Stage } from "./RunScript.ts"
import { textOf } from "./Text.ts"

/** One step of a draft, in the form of a transcript. */
export interface DraftStep {
  readonly do: string
  readonly as: string
  readonly now: number
  readonly in: Members
  readonly expect: "ok" | "reject"
  readonly out?: Members
  readonly stage?: string
  readonly class?: string
}

export interface Draft {
  readonly id: string
  readonly title: string
  readonly needs: ReadonlyArray<string>
  readonly world: string
  readonly source: ReadonlyArray<unknown>
  readonly script: ReadonlyArray<DraftStep>
}

/** Runs a script with the reference in every role and writes down all that is asked and answered. */
export const promote = async (stage: Stage, reproducer: Reproducer, id: string, title: string): Promise<Draft> => {
  const script: Array<DraftStep> = []
  let asked: Members | undefined
  await runScript(
    {
      ...stage,
      subject: stage.reference,
      record: (_step, dir, message) => {
        if (dir === "request") {
          asked = message
          return
        }
        const { as, in: input, now, op } = asked!
        const { ok, reject } = message
        const common = { do: textOf(op), as: textOf(as), now: Number(now), in: input as Members }
        if (isObject(ok)) script.push({ ...common, expect: "ok", out: ok })
        if (isObject(reject)) {
          const { class: cause, stage: at } = reject as { readonly class?: string; readonly stage?: string }
          const why = { ...(at === undefined ? {} : { stage: at }), ...(cause === undefined ? {} : { class: cause }) }
          script.push({ ...common, expect: "reject", ...why })
        }
      }
    },
    { ...reproducer, roles: reproducer.roles.map(() => "subject" as const) },
    new Set()
  )
  const { script: source, world } = reproducer
  return { id, title, needs: ["device/1"], world, source, script }
}
