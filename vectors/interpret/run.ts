/**
 * Runs vector files against one crypto provider and says which cases passed.
 *
 * Spec: vectors/README.md.
 * A case passes when every step ends as the file says. A fault (anything thrown) never counts as a refusal.
 */
import type { CryptoProvider } from "@tacit/core/hazmat"
import * as agreement from "./agreement.ts"
import * as attachment from "./attachment.ts"
import * as bulk from "./bulk.ts"
import * as encoding from "./encoding.ts"
import * as devices from "./devices.ts"
import * as envelope from "./envelope.ts"
import * as identity from "./identity.ts"
import * as labels from "./labels.ts"
import * as linking from "./linking.ts"
import type { Actor, Actors, Answer, Operation } from "./outcome.ts"
import * as primitives from "./primitives.ts"
import * as ratchet from "./ratchet.ts"
import * as safety from "./safety.ts"
import * as trust from "./trust.ts"
import * as sequence from "./sequence.ts"
import * as state from "./state.ts"
import * as history from "./history.ts"
import * as vault from "./vault.ts"
import { Input, resolve, same, type Json, type JsonObject, type Names } from "./values.ts"

/** The part of a file that is needed to run it. */
export interface RunnableFile {
  readonly family: string
  readonly topic: string
  readonly worlds: { readonly [name: string]: { readonly trace: ReadonlyArray<RunnableStep> } }
  readonly cases: ReadonlyArray<RunnableCase>
}

interface RunnableStep {
  readonly id: string
  readonly out: string
}

export interface RunnableCase {
  readonly id: string
  readonly flags?: ReadonlyArray<string>
  readonly status?: string
  readonly verdict: string
  readonly now?: number
  readonly world?: string
  readonly trace?: ReadonlyArray<RunnableStep>
  readonly op?: string
  readonly in?: JsonObject
  readonly out?: JsonObject
  readonly class?: ReadonlyArray<string>
  readonly rejects?: number
  readonly script?: ReadonlyArray<{
    readonly do: string
    readonly as: string
    readonly in: JsonObject
    readonly expect: string
    readonly out?: JsonObject
  }>
}

/** Result of one case; `problem` is absent when it passed, `skipped` says that it was not run. */
export interface Outcome {
  readonly id: string
  readonly problem?: string
  readonly skipped?: true
}

/** What to run beside the usual: cases flagged Soak, which take longer than all others together. */
export interface Options {
  readonly soak?: boolean
}

/** Calls by family and name. */
export const operations: { readonly [family: string]: { readonly [op: string]: Operation } } = {
  primitives: primitives.operations,
  labels: labels.operations,
  encoding: { ...encoding.operations, "bulk.encoding": bulk.encoding },
  ratchet: { "bulk.ratchet": bulk.ratchet },
  envelope: envelope.operations,
  agreement: agreement.operations,
  linking: linking.operations,
  safety: safety.operations,
  trust: trust.operations,
  vault: vault.operations,
  attachment: attachment.operations,
  history: history.operations,
  sequence: sequence.operations,
  identity: identity.operations,
  state: state.operations
}

/** What makes the actors of a family's transcripts. */
export const actors: { readonly [family: string]: Actors } = {
  agreement: agreement.actors,
  ratchet: ratchet.actors,
  sequence: sequence.actors,
  identity: identity.actors,
  linking: linking.actors,
  devices: devices.actors
}

/** Why an answer is not the one a case asks for. */
const judge = (
  answer: Answer,
  expected: { readonly out?: Json | undefined; readonly class?: ReadonlyArray<string> | undefined }
): string | undefined => {
  if (expected.class === undefined) {
    if ("reject" in answer) return `refused with ${answer.reject ?? "no cause"}`
    return same(answer.ok, expected.out ?? {}) ? undefined : `gave ${JSON.stringify(answer.ok).slice(0, 400)}`
  }
  if ("ok" in answer) return "was accepted"
  return answer.reject === undefined || expected.class.includes(answer.reject)
    ? undefined
    : `refused with ${answer.reject}, not ${expected.class.join(" or ")}`
}

const runCall = (crypto: CryptoProvider, family: string, item: RunnableCase, names: Names): string | undefined => {
  const operation = operations[family]?.[item.op!]
  if (operation === undefined) throw new Error(`no operation ${item.op!}`)
  const answer = operation(crypto, new Input(resolve(item.in!, names) as JsonObject))
  return judge(answer, { out: item.out === undefined ? undefined : resolve(item.out, names), class: item.class })
}

const runScript = (crypto: CryptoProvider, family: string, item: RunnableCase, names: Names): string | undefined => {
  const make = actors[family]
  if (make === undefined) throw new Error(`no transcripts in ${family}`)
  const cast = new Map<string, Actor>()
  for (const [index, step] of item.script!.entries()) {
    let actor = cast.get(step.as)
    if (actor === undefined) cast.set(step.as, (actor = make(crypto, step.as)))
    const before = JSON.stringify(actor.snapshot())
    const answer = actor.step(step.do, new Input(resolve(step.in, names) as JsonObject), item.now!)
    const rejected = step.expect === "reject"
    const problem = judge(answer, rejected ? { class: item.class } : { out: resolve(step.out ?? {}, names) })
    if (problem !== undefined) return `step ${index}: ${problem}`
    if (rejected && JSON.stringify(actor.snapshot()) !== before)
      return `step ${index}: a refused step changed the state`
  }
  return undefined
}

/** Runs every case of a file, those flagged Soak only when asked. */
export const runFile = (crypto: CryptoProvider, file: RunnableFile, options: Options = {}): ReadonlyArray<Outcome> => {
  const worlds = new Map<string, Map<string, string>>()
  for (const [name, world] of Object.entries(file.worlds)) {
    worlds.set(name, new Map(world.trace.map((step) => [step.id, step.out])))
  }
  return file.cases.map((item) => {
    if (item.status === "withdrawn") return { id: item.id, skipped: true }
    if (options.soak !== true && item.flags?.includes("Soak")) return { id: item.id, skipped: true }
    try {
      const names = new Map(item.world === undefined ? [] : worlds.get(item.world)!)
      for (const step of item.trace ?? []) names.set(step.id, step.out)
      const problem =
        item.script === undefined
          ? runCall(crypto, file.family, item, names)
          : runScript(crypto, file.family, item, names)
      return problem === undefined ? { id: item.id } : { id: item.id, problem }
    } catch (error) {
      return { id: item.id, problem: `fault: ${error instanceof Error ? error.message : String(error)}` }
    }
  })
}
