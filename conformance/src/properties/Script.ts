/**
 * Scripts: what happens in a world, as data.
 *
 * Spec: docs/spec/21-conformance.md, rule property.script.1.
 * A step is `[name, …operands]`, operands small integers that are taken modulo what exists when the step runs. Every script can be run,
 * and every part of one is a script. What steps do is Play.ts.
 */

/** Steps of those who keep to the protocol. */
export const honest = [
  "send",
  "deliver",
  "all",
  "publish",
  "restart",
  "reset",
  "clock",
  "poll",
  "learn",
  "accept"
] as const

/** Steps of the network, the directory, the disk, and a member who cheats. */
export const adversary = [
  "drop",
  "duplicate",
  "reorder",
  "replay",
  "replay-restarted",
  "truncate",
  "extend",
  "flip",
  "splice",
  "reflect",
  "redirect",
  "readdress",
  "reencode",
  "field",
  "version",
  "suite",
  "key",
  "bundle",
  "manifest",
  "chain",
  "skew",
  "snapshot",
  "rollback",
  "corrupt",
  "crash-send",
  "crash-receive",
  "usurp",
  "overlap",
  "malice",
  "old-start",
  "revoke"
] as const

/** What can be in a script of people with one device each. */
export const names = [...honest, ...adversary] as const
export type SoloStep = (typeof names)[number]

/** Steps of worlds of several devices alone; what else there is in them is fleet/Steps.ts. */
export const several = ["admit", "expel", "inform", "drain", "withhold", "outdated", "mix", "linger"] as const

/** What can be in any script. */
export const all = [...names, ...several] as const
export type StepName = (typeof all)[number]

/** One step. */
export type Step = readonly [name: StepName, ...operands: ReadonlyArray<number>]
export type Script = ReadonlyArray<Step>

/** Who is there: two users; three; or two and one who comes under the second one's name. One device each. */
export const solo = ["pair", "trio", "usurper"] as const
export type SoloName = (typeof solo)[number]

/** The same, and two users with up to three devices each. */
export const worlds = [...solo, "fleet"] as const
export type WorldName = (typeof worlds)[number]

/** How often each step comes up, of about a hundred. */
export const weights: { readonly [name in SoloStep]: number } = {
  send: 26,
  deliver: 18,
  all: 6,
  publish: 1,
  restart: 2,
  reset: 1,
  clock: 5,
  poll: 3,
  learn: 1,
  accept: 1,
  drop: 3,
  duplicate: 2,
  reorder: 2,
  replay: 3,
  "replay-restarted": 1,
  truncate: 1,
  extend: 1,
  flip: 4,
  splice: 2,
  reflect: 1,
  redirect: 1,
  readdress: 2,
  reencode: 2,
  field: 2,
  version: 1,
  suite: 1,
  key: 1,
  bundle: 2,
  manifest: 1,
  chain: 1,
  skew: 1,
  snapshot: 1,
  rollback: 1,
  corrupt: 1,
  "crash-send": 2,
  "crash-receive": 2,
  usurp: 2,
  overlap: 1,
  malice: 4,
  "old-start": 1,
  revoke: 1
}

/** Steps that a smaller script may have in place of a larger one's, weaker last. */
export const weaker: { readonly [name in StepName]?: ReadonlyArray<StepName> } = {
  all: ["deliver"],
  reorder: ["deliver"],
  duplicate: ["deliver"],
  "replay-restarted": ["replay"],
  truncate: ["flip"],
  extend: ["flip"],
  splice: ["flip"],
  reencode: ["flip"],
  field: ["flip"],
  key: ["flip"],
  suite: ["flip"],
  "crash-send": ["send"],
  "crash-receive": ["deliver"],
  overlap: ["send"],
  drain: ["deliver"],
  outdated: ["withhold"],
  linger: ["poll"]
}

const known: ReadonlySet<unknown> = new Set(all)

/** Reads a script from JSON; `undefined` when it is none. */
export const read = (value: unknown): Script | undefined =>
  Array.isArray(value) &&
  value.every(
    (step) =>
      Array.isArray(step) &&
      known.has(step[0]) &&
      step.slice(1).every((operand) => typeof operand === "number" && Number.isSafeInteger(operand) && operand >= 0)
  )
    ? (value as Array<Step>)
    : undefined

/** An operand of a step, 0 where it has none. */
export const operand = (step: Step, at: number): number => (step[at + 1] as number | undefined) ?? 0
