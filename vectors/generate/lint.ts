/**
 * Checks vector files against each other, the schemas and the specification.
 *
 * Spec: vectors/README.md.
 * Reads what is published and recomputes it; it does not run the code under test.
 */
import { equal, hex, unhex } from "./bytes.ts"
import { applyBytes, applyScript, changesBytes } from "./delta.ts"
import { put, stageOf } from "./family.ts"
import { at, type Case, type Delta, type ScriptStep, type VectorFile } from "./model.ts"
import { compute, type Inputs } from "./ops.ts"
import { dependents, isRef, prime, resolve, type Step } from "./trace.ts"

/** What the linter must be told. */
export interface Context {
  /** Every rule id of the specification. */
  readonly rules: ReadonlySet<string>
  /** Families of which at least half of the cases must be refused. */
  readonly adversarial: ReadonlySet<string>
  /** Complaints of the file's JSON Schema. */
  readonly validate: (file: VectorFile) => ReadonlyArray<string>
}

/** Object keys that occur twice in one object of a JSON text, by name. */
export const duplicateKeys = (text: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  const open: Array<Set<string> | undefined> = []
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g)) {
    const token = match[0]
    if (token === "{") open.push(new Set())
    else if (token === "[") open.push(undefined)
    else if (token === "}" || token === "]") open.pop()
    else if (match[1] !== undefined) {
      const key = token.slice(0, token.lastIndexOf('"') + 1)
      const keys = open.at(-1)
      if (keys?.has(key)) found.push(key)
      keys?.add(key)
    }
  }
  return found
}

type Look = (name: string) => Uint8Array

/** Whether a hex string of 16 bytes or more stands somewhere. */
const hasLiteralBytes = (value: unknown): boolean => {
  if (typeof value === "string") return /^(?:[0-9a-f]{2}){16,}$/.test(value)
  return typeof value === "object" && value !== null && Object.values(value).some(hasLiteralBytes)
}

/** Values of a trace by name; complaints go to `complain`. */
const recompute = (
  seed: Uint8Array,
  steps: ReadonlyArray<Step>,
  above: ReadonlyMap<string, Uint8Array>,
  complain: (text: string) => void
): ReadonlyMap<string, Uint8Array> => {
  const values = new Map(above)
  const look: Look = (name) => {
    const value = values.get(name)
    if (value === undefined) throw new Error(`no earlier step ${name}`)
    return value
  }
  for (const step of steps) {
    if (values.has(step.id)) complain(`step ${step.id} is there twice`)
    try {
      const out = compute(seed, step.op, resolve(step.in, look) as Inputs)
      if (out === undefined || hex(out) !== step.out) complain(`step ${step.id} does not give its output`)
    } catch (error) {
      complain(`step ${step.id}: ${String(error)}`)
    }
    values.set(step.id, unhex(step.out))
  }
  return values
}

/** A value with all references replaced by hex, for comparison. */
const flat = (value: unknown, look: Look): string =>
  JSON.stringify(value, (_, item: unknown) => (isRef(item) ? hex(look(item.slice(1))) : item))

const flatStep = (step: ScriptStep, look: Look): string => flat([step.do, step.as, step.in], look)

/** Every complaint about one file. */
export const lintFile = (file: VectorFile, context: Context): ReadonlyArray<string> => {
  const complaints: Array<string> = [...context.validate(file)]
  const cases = new Map(file.cases.map((item) => [item.id, item]))
  if (cases.size !== file.cases.length) complaints.push("an id is there twice")
  if (file.count !== file.cases.length) complaints.push("count is wrong")
  for (const flag of Object.keys(file.notes))
    if (!file.cases.some((item) => item.flags.includes(flag))) complaints.push(`note ${flag} is used nowhere`)
  const seed = unhex(file.generator.seed)
  const worlds = new Map(
    Object.entries(file.worlds).map(([name, world]) => [
      name,
      recompute(seed, world.trace, new Map(), (text) => complaints.push(`world ${name}: ${text}`))
    ])
  )
  const values = new Map<string, ReadonlyMap<string, Uint8Array>>()
  for (const item of file.cases) {
    const complain = (text: string): void => void complaints.push(`${item.id}: ${text}`)
    const above = item.world === undefined ? new Map<string, Uint8Array>() : worlds.get(item.world)
    if (above === undefined) complain(`no world ${item.world}`)
    values.set(item.id, recompute(seed, item.trace ?? [], above ?? new Map(), complain))
  }
  const looks =
    (item: Case): Look =>
    (name) => {
      const value = values.get(item.id)!.get(name)
      if (value === undefined) throw new Error(`no value ${name}`)
      return value
    }
  for (const item of file.cases) {
    const complain = (text: string): void => void complaints.push(`${item.id}: ${text}`)
    for (const clause of item.clauses) if (!context.rules.has(clause)) complain(`no rule ${clause}`)
    for (const step of item.trace ?? [])
      if (step.clause !== undefined && !context.rules.has(step.clause)) complain(`no rule ${step.clause}`)
    for (const flag of item.flags) if (file.notes[flag] === undefined) complain(`no note ${flag}`)
    try {
      flat([item.in, item.out, item.script], looks(item))
      if (item.verdict === "invalid") lintInvalid(item, cases, file, looks, complain)
      else if (item.script?.some((step) => step.expect === "reject")) {
        complain("a valid transcript has a refused step")
      }
      if (item.world !== undefined && hasLiteralBytes([item.out, item.script?.map((step) => step.out)])) {
        complain("an output with key material is written out instead of referring to its derivation")
      }
    } catch (error) {
      complain(String(error))
    }
  }
  const outputs = new Map<string, string>()
  for (const item of file.cases) {
    if (!item.flags.includes("Distinct")) continue
    const key = `${item.op} ${flat(item.out, looks(item))}`
    const other = outputs.get(key)
    if (other !== undefined) complaints.push(`${item.id}: gives the same as ${other}`)
    outputs.set(key, item.id)
  }
  return complaints
}

const lintInvalid = (
  item: Case,
  cases: ReadonlyMap<string, Case>,
  file: VectorFile,
  looks: (item: Case) => Look,
  complain: (text: string) => void
): void => {
  const twin = cases.get(item.twin!)
  const delta = item.delta!
  if (twin === undefined || twin.verdict !== "valid") return complain("its twin is not a valid case of the file")
  if (item.stage !== stageOf(item.class![0]!)) complain("stage and class do not agree")
  if (new Set(item.class!.map(stageOf)).size !== 1) complain("its classes have several stages")
  const source = (from: string): Uint8Array => {
    if (isRef(from)) return looks(twin)(from.slice(1))
    const [id, path] = from.split(":") as [string, string]
    const other = cases.get(id)!
    return resolve(at(other, path), looks(other)) as Uint8Array
  }
  if (item.script === undefined) {
    if (item.op !== twin.op) complain("its twin is another operation")
    const [before, after] = [{ in: twin.in }, { in: item.in }]
    if (item.trace === undefined && flat(before, looks(twin)) === flat(after, looks(item)))
      complain("it does not differ from its twin")
    if (!applies(delta, before, after, twin, item, looks, source, file))
      complain("its delta does not lead from its twin to it")
    return
  }
  const index = item.rejects!
  if (item.script[index]?.expect !== "reject" || item.script.filter((step) => step.expect === "reject").length !== 1)
    complain("not exactly one step is refused")
  if (item.script.length <= index + 1) complain("there is no probe")
  if (Number(delta.at.split("/")[1]) !== index && delta.op !== "omit" && !delta.at.endsWith("/coins")) {
    if (Number(delta.at.split("/")[1]) > index) complain("its delta is behind the refused step")
  }
  const upTo = item.script.slice(0, index + 1)
  const steps = delta.op === "replay" || delta.op === "redirect" || delta.op === "omit"
  const changed = steps ? applyScript(delta, twin.script!) : twin.script!
  if (steps) {
    if (
      upTo.some(
        (step, i) => changed[i] === undefined || flatStep(step, looks(item)) !== flatStep(changed[i], looks(twin))
      )
    )
      complain("its delta does not lead from its twin to it")
    return
  }
  const same = upTo.every(
    (step, i) =>
      delta.at.startsWith(`script/${i}/`) || flatStep(step, looks(item)) === flatStep(changed[i]!, looks(twin))
  )
  if (!same || !applies(delta, { script: twin.script }, { script: item.script }, twin, item, looks, source, file))
    complain("its delta does not lead from its twin to it")
}

/** Whether the value at the delta's place in `after` is the one in `before`, changed, and everything beside it is as it was. */
const applies = (
  delta: Delta,
  before: unknown,
  after: unknown,
  twin: Case,
  item: Case,
  looks: (item: Case) => Look,
  source: Look,
  file: VectorFile
): boolean => {
  const beside = (root: unknown, look: Look): string => {
    const [top, index, ...rest] = delta.at.split("/")
    if (top === "in") return flat(put(root, delta.at.split("/"), 0), look)
    const step = at(root, `script/${index}`) as ScriptStep
    return flat(put({ do: step.do, as: step.as, in: step.in }, rest, 0), look)
  }
  if (beside(before, looks(twin)) !== beside(after, looks(item))) return false
  const [old, now] = [at(before, delta.at), at(after, delta.at)]
  if (delta.op === "assign")
    return (
      flat(now, looks(item)) === flat(delta.value, looks(item)) && flat(now, looks(item)) !== flat(old, looks(twin))
    )
  if (delta.op === "resign")
    return isRef(old) && now === `${old}'` && resigned(delta, twin, item, old.slice(1), looks, source, file)
  if (!changesBytes(delta)) return false
  const [was, is] = [resolve(old, looks(twin)) as Uint8Array, resolve(now, looks(item)) as Uint8Array]
  return !equal(was, is) && equal(applyBytes(delta, was, source), is)
}

/** Whether the case repeats, primed, exactly the steps that depend on the changed value. */
const resigned = (
  delta: Delta & { readonly op: "resign" },
  twin: Case,
  item: Case,
  target: string,
  looks: (item: Case) => Look,
  source: Look,
  file: VectorFile
): boolean => {
  const steps = [...(twin.world === undefined ? [] : file.worlds[twin.world]!.trace), ...(twin.trace ?? [])]
  const names = dependents(steps, delta.value, target)
  const own = new Map((item.trace ?? []).map((step) => [step.id, step]))
  if (!equal(applyBytes(delta.inner, looks(twin)(delta.value), source), looks(item)(`${delta.value}'`))) return false
  return steps.every((step) => {
    if (!names.has(step.id) || step.id === delta.value) return true
    const again = own.get(`${step.id}'`)
    return (
      again !== undefined && again.op === step.op && JSON.stringify(again.in) === JSON.stringify(prime(step.in, names))
    )
  })
}

/** Pairs of cases that ask the same in two places; they are older than the check, and ids are permanent. */
const twice: ReadonlySet<string> = new Set([
  "encoding-bin-that-is-not-text",
  "encoding-type-instead-true",
  "encoding-type-instead-negative",
  "encoding-claim-text-31-empty",
  "encoding-depth-9-empty-inner"
])

/** What a case asks, every reference replaced by its bytes. */
const question = (file: VectorFile, item: Case): string => {
  const steps = [...(item.world === undefined ? [] : file.worlds[item.world]!.trace), ...(item.trace ?? [])]
  const values = new Map(steps.map(({ id, out }) => [id, out]))
  return JSON.stringify([file.family, item.op, item.in, item.script], (_, value: unknown) =>
    isRef(value) ? values.get(value.slice(1)) : value
  )
}

/** Complaints about the whole set: ids across files, cases that ask the same, and whether hostile families have enough to refuse. */
export const lintSet = (files: ReadonlyArray<VectorFile>, context: Context): ReadonlyArray<string> => {
  const complaints: Array<string> = []
  const seen = new Set<string>()
  const questions = new Map<string, string>()
  const counts = new Map<string, { valid: number; invalid: number }>()
  for (const file of files) {
    const count = counts.get(file.family) ?? { valid: 0, invalid: 0 }
    counts.set(file.family, count)
    for (const item of file.cases) {
      if (seen.has(item.id)) complaints.push(`${item.id} is in two files`)
      seen.add(item.id)
      const asked = question(file, item)
      const other = questions.get(asked)
      if (other !== undefined && !twice.has(item.id)) complaints.push(`${item.id} asks the same as ${other}`)
      questions.set(asked, item.id)
      count[item.verdict]++
    }
  }
  for (const [family, count] of counts) {
    if (context.adversarial.has(family) && count.invalid < count.valid)
      complaints.push(`${family} has more valid cases than invalid ones`)
  }
  return complaints
}
