/**
 * P22 and P23 over runs side by side: what lengths tell, and whether two runs share anything that should be random.
 *
 * Spec: docs/spec/21-conformance.md, P22, P23; docs/spec/03-envelopes.md §3.4.
 */
import { Bytes } from "@tacit/core/hazmat"
import * as fc from "fast-check"
import type { Members } from "../protocol/Value.ts"
import type { Subject } from "../subject/Subject.ts"
import { scriptArbitrary } from "./Generate.ts"
import { type Reproducer, runScript, type Stage } from "./RunScript.ts"
import type { Script, StepName } from "./Script.ts"
import { textOf } from "./Text.ts"

const plain: ReadonlySet<StepName> = new Set(["send", "deliver", "all", "clock", "poll", "restart", "reset"])

/** Scripts of steps whose envelopes must be of the same lengths whatever the texts say. */
export const plainScripts = (seed: number, count: number, steps: number): ReadonlyArray<Script> =>
  fc
    .sample(scriptArbitrary(steps * 2), { seed, numRuns: count })
    .map((script) => script.filter(([name]) => plain.has(name)).slice(0, steps))

/** Runs a script with other texts of the same lengths. Answers what their lengths tell, if they do. */
export const sameLengths = async (stage: Stage, script: Script): Promise<string | undefined> => {
  const reproducer: Reproducer = { world: "pair", roles: ["subject", "subject"], script }
  const first = await runScript(stage, reproducer, new Set(), "one")
  const second = await runScript(stage, reproducer, new Set(), "another")
  const broken = first.broken ?? second.broken
  if (broken !== undefined) throw broken
  if (first.lengths.length !== second.lengths.length) return "other texts of the same length made more envelopes"
  const at = first.lengths.findIndex((length, i) => length !== second.lengths[i])
  return at < 0
    ? undefined
    : `another text of the same length made an envelope of ${second.lengths[at]} bytes in place of ${first.lengths[at]}`
}

/** Random values of a run, by name. */
export interface Drawn {
  readonly [name: string]: string
}

/** Makes two devices, publishes, and lets one write to the other. Answers everything that must be random. */
export const draw = async (subject: Subject): Promise<Drawn> => {
  const drawn: { [name: string]: string } = {}
  const ask = async (as: string | undefined, op: string, input: Members = {}): Promise<Members> => {
    const answer = await subject.ask({ op, ...(as === undefined ? {} : { as }), in: input, now: 1_700_000_000_000 })
    if ("ok" in answer) return answer.ok
    throw new Error(`${op}: ${JSON.stringify(answer).slice(0, 300)}`)
  }
  await ask(undefined, "reset")
  const made: Array<Members> = []
  const handedOut: Array<string> = []
  for (const [i, user] of ["alice", "bob"].entries()) {
    const person = await ask(`p${i}`, "actor.new", { user })
    made.push(person)
    for (const name of ["account", "device", "mailbox"]) drawn[`${name} ${i}`] = textOf(person[name])
    const { bundles, last } = await ask(`p${i}`, "prekey.publish", { count: 2 })
    drawn[`last-resort bundle ${i}`] = textOf(last)
    const all = Array.isArray(bundles) ? bundles.map(String) : []
    for (const [n, bundle] of all.entries()) drawn[`bundle ${n} ${i}`] = bundle
    handedOut.push(all[0] ?? "")
  }
  const bob = made[1]!
  await ask("p0", "peer.learn", { user: "bob", account: bob["account"]!, manifests: [bob["manifest"]!] })
  await ask("p0", "peer.offer", { account: bob["account"]!, device: bob["device"]!, bundle: handedOut[1]! })
  for (const n of [0, 1]) {
    const sent = await ask("p0", "session.send", {
      account: bob["account"]!,
      text: Bytes.toHex(Bytes.utf8Encode("the same text"))
    })
    drawn[`message id ${n}`] = textOf(sent["id"])
    const out = Array.isArray(sent["out"]) ? (sent["out"] as ReadonlyArray<Members>) : []
    // Behind version, kind, mailbox and suite: the ephemeral key of a session start.
    drawn[`ephemeral key ${n}`] = textOf(out[0]?.["wire"]).slice(56, 120)
  }
  return drawn
}

/** What two runs share, or what repeats or is zero in one. */
export const shared = (one: Drawn, other: Drawn): string | undefined => {
  const seen = new Map<string, string>()
  for (const [name, value] of Object.entries(one)) {
    if (value.length < 16) return `${name} is missing`
    if (/^0*$/.test(value)) return `${name} is all zero`
    if (other[name] === value) return `${name} is the same in two runs`
    const before = seen.get(value)
    if (before !== undefined) return `${name} is the same as ${before}`
    seen.set(value, name)
  }
  return undefined
}
