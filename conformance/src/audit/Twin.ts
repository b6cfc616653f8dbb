/**
 * Twin and delta: what separates a case that must be refused from the valid one beside it.
 *
 * Spec: vectors/README.md (twin and delta).
 * A reading of its own beside the generator's and the second verifier's. Runs in browsers.
 */
import * as Derivation from "./Derivation.ts"
import {
  at,
  canonicalJson,
  hex,
  isHex,
  isObject,
  isRef,
  refsIn,
  resolve,
  unhex,
  type Case,
  type Delta,
  type ScriptStep,
  type VectorFile
} from "./Model.ts"

type Range = readonly [offset: number, length: number]
type Look = (name: string) => string | undefined

/** The changed value, before and after, with the bytes that differ. */
export interface Change {
  /** Where it stands, in words. */
  readonly place: string
  /** Operation and member that hold it, for its layout; absent for values inside a derivation. */
  readonly operation?: string
  readonly member?: string
  /** Hex where the value is bytes, JSON otherwise; absent where whole steps changed. */
  readonly before?: string
  readonly after?: string
  readonly bytes: boolean
  /** Bytes of `before` and `after` that the other does not have at their place. */
  readonly gone: ReadonlyArray<Range>
  readonly come: ReadonlyArray<Range>
}

/** Ranges of bytes that differ: byte by byte for equal lengths, else what is between the common ends. */
export const differences = (
  before: Uint8Array,
  after: Uint8Array
): { readonly gone: ReadonlyArray<Range>; readonly come: ReadonlyArray<Range> } => {
  if (before.length === after.length) {
    const ranges: Array<[number, number]> = []
    for (let i = 0; i < before.length; i++) {
      if (before[i] === after[i]) continue
      const last = ranges.at(-1)
      if (last !== undefined && last[0] + last[1] === i) last[1]++
      else ranges.push([i, 1])
    }
    return { gone: ranges, come: ranges }
  }
  const least = Math.min(before.length, after.length)
  let front = 0
  while (front < least && before[front] === after[front]) front++
  let back = 0
  while (back < least - front && before[before.length - 1 - back] === after[after.length - 1 - back]) back++
  return {
    gone: before.length - front - back > 0 ? [[front, before.length - front - back]] : [],
    come: after.length - front - back > 0 ? [[front, after.length - front - back]] : []
  }
}

/** How many bits of two byte strings of one length differ. */
export const bitsBetween = (before: Uint8Array, after: Uint8Array): number | undefined => {
  if (before.length !== after.length) return undefined
  let bits = 0
  for (let i = 0; i < before.length; i++) for (let x = before[i]! ^ after[i]!; x !== 0; x >>= 1) bits += x & 1
  return bits
}

const asText = (value: unknown, look: Look): string | undefined => {
  if (value === undefined) return undefined
  const found = resolve(value, look)
  return typeof found === "string" ? found : JSON.stringify(found)
}

const stepDeltas: ReadonlySet<string> = new Set(["replay", "redirect", "omit"])

/** Where a delta works, in words and by operation. */
const placeOf = (item: Case, path: string): Pick<Change, "place" | "operation" | "member"> => {
  const [top, ...rest] = path.split("/")
  if (top === "in")
    return {
      place: `${rest.join("/")} of ${item.op ?? "the call"}`,
      ...(item.op === undefined ? {} : { operation: item.op, member: rest[0] ?? "" })
    }
  const [index, , member, ...inner] = rest
  const step = item.script?.[Number(index)]
  if (step === undefined || member === undefined) return { place: `step ${index ?? "?"}` }
  return {
    place: `${[member, ...inner].join("/")} of step ${index} (${step.do})`,
    operation: step.do,
    member
  }
}

/** The change of an invalid case, or `undefined` for a valid one or one without its twin. */
export const changeOf = (file: VectorFile, item: Case): Change | undefined => {
  const { delta } = item
  const twin = file.cases.find((other) => other.id === item.twin)
  if (delta === undefined || twin === undefined) return undefined
  if (stepDeltas.has(delta.op)) return { ...placeOf(item, delta.at), bytes: false, gone: [], come: [] }
  const [was, is] = [Derivation.of(file, twin).look, Derivation.of(file, item).look]
  const resigned = delta.op === "resign" && typeof delta.value === "string" ? delta.value : undefined
  const before = resigned === undefined ? asText(at(twin, delta.at), was) : was(resigned)
  const after = resigned === undefined ? asText(at(item, delta.at), is) : is(`${resigned}'`)
  const bytes = isHex(before) && isHex(after)
  return {
    ...(resigned === undefined
      ? placeOf(item, delta.at)
      : {
          place: `${resigned}, inside ${placeOf(item, delta.at).place}; everything around it made anew with the right keys`
        }),
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    bytes,
    ...(bytes ? differences(unhex(before), unhex(after)) : { gone: [], come: [] })
  }
}

/** What a delta does, in words. */
export const describe = (delta: Delta): string => {
  const field = delta.field === undefined ? "" : ` (${delta.field})`
  const range = (length: number | undefined): string =>
    length === 1 ? `byte ${delta.offset}` : `${length ?? 0} bytes from offset ${delta.offset}`
  const size = (delta.bytes?.length ?? 0) / 2
  switch (delta.op) {
    case "xor":
      return `${range(size)}${field} changed: exclusive-or ${delta.bytes}`
    case "set":
      return `${range(size)}${field} overwritten by ${delta.bytes}`
    case "insert":
      return `${size === 1 ? "one byte" : `${size} bytes`} put in at offset ${delta.offset}${field}: ${delta.bytes}`
    case "cut":
      return `${range(delta.length)} left out${field}`
    case "reencode":
      return `${range(delta.length)}${field} written in another form (${delta.kind}): ${delta.bytes}`
    case "swap":
      return `bytes ${delta.a?.join("+")} and ${delta.b?.join("+")} exchanged${field}`
    case "splice":
      return `${range(delta.length)} replaced by bytes ${delta.source?.join("+")} of ${delta.from}${field}`
    case "assign":
      return `the whole value is another one${isRef(delta.value) ? `, ${delta.value.slice(1)}` : ""}${field}`
    case "replay":
      return `step ${delta.step} happens once more`
    case "redirect":
      return `the step is given to ${delta.to}`
    case "omit":
      return "the step is left out"
    case "resign":
      return `${String(delta.value)} changed, and what depends on it made anew with the right keys: ${
        delta.inner === undefined ? "" : describe(delta.inner)
      }`
    default:
      return delta.op
  }
}

/** The bytes after a change of bytes. `source` reads what `splice` takes from. */
export const applyBytes = (delta: Delta, bytes: Uint8Array, source: (from: string) => Uint8Array): Uint8Array => {
  const offset = delta.offset ?? 0
  const replace = (length: number, by: Uint8Array): Uint8Array => {
    if (offset + length > bytes.length) throw new Error("the delta leaves the bytes")
    const out = new Uint8Array(bytes.length - length + by.length)
    out.set(bytes.subarray(0, offset))
    out.set(by, offset)
    out.set(bytes.subarray(offset + length), offset + by.length)
    return out
  }
  const by = unhex(delta.bytes ?? "")
  switch (delta.op) {
    case "xor":
      return replace(
        by.length,
        by.map((mask, i) => mask ^ (bytes[offset + i] ?? 0))
      )
    case "set":
      return replace(by.length, by)
    case "insert":
      return replace(0, by)
    case "cut":
      return replace(delta.length ?? 0, new Uint8Array(0))
    case "reencode":
      return replace(delta.length ?? 0, by)
    case "splice": {
      const [from, length] = delta.source ?? [0, 0]
      return replace(delta.length ?? 0, source(delta.from ?? "").slice(from, from + length))
    }
    case "swap": {
      const [a, b] = [delta.a ?? [0, 0], delta.b ?? [0, 0]]
      const part = (from: number, to: number): string => hex(bytes.subarray(from, to))
      return unhex(
        part(0, a[0]) +
          part(b[0], b[0] + b[1]) +
          part(a[0] + a[1], b[0]) +
          part(a[0], a[0] + a[1]) +
          part(b[0] + b[1], bytes.length)
      )
    }
    default:
      throw new Error(`${delta.op} does not change bytes`)
  }
}

/** A value with all references replaced, and with a hole where the delta works. */
const beside = (value: unknown, path: ReadonlyArray<string>, look: Look): string => {
  const hole = (inside: unknown, [key, ...rest]: ReadonlyArray<string>): unknown => {
    if (key === undefined) return 0
    if (Array.isArray(inside)) return inside.map((item: unknown, i) => (String(i) === key ? hole(item, rest) : item))
    return isObject(inside) ? { ...inside, [key]: hole(inside[key], rest) } : inside
  }
  return canonicalJson(resolve(hole(value, path), look))
}

const stepText = (step: ScriptStep, look: Look): string =>
  canonicalJson(resolve([step.do, step.as ?? "", step.in], look))

const changedScript = (delta: Delta, script: ReadonlyArray<ScriptStep>): ReadonlyArray<ScriptStep> => {
  const index = Number(delta.at.split("/")[1])
  if (delta.op === "omit") return script.filter((_, i) => i !== index)
  if (delta.op === "replay") return [...script.slice(0, index), script[delta.step ?? -1]!, ...script.slice(index)]
  return script.map((step, i) => (i === index ? { ...step, as: delta.to ?? "" } : step))
}

/** Whether the value at the delta's place in `item` is the twin's, changed, with all beside it as it was. */
const applies = (file: VectorFile, twin: Case, item: Case, delta: Delta): boolean => {
  const [was, is] = [Derivation.of(file, twin).look, Derivation.of(file, item).look]
  const [top, index, ...rest] = delta.at.split("/")
  const around = (of: Case, look: Look): string => {
    if (top === "in") return beside(of.in, delta.at.split("/").slice(1), look)
    const step = of.script?.[Number(index)]
    return beside({ do: step?.do, as: step?.as ?? "", in: step?.in }, rest, look)
  }
  if (around(twin, was) !== around(item, is)) return false
  const [old, now] = [at(twin, delta.at), at(item, delta.at)]
  const source = (from: string): Uint8Array => {
    const [id, path] = from.split(":")
    if (isRef(from)) return unhex(was(from.slice(1)) ?? "")
    const other = file.cases.find((of) => of.id === id)
    return unhex(other === undefined ? "" : String(resolve(at(other, path ?? ""), Derivation.of(file, other).look)))
  }
  if (delta.op === "assign") {
    const [text, wanted] = [canonicalJson(resolve(now, is)), canonicalJson(resolve(delta.value, is))]
    return text === wanted && text !== canonicalJson(resolve(old, was))
  }
  if (delta.op === "resign")
    return isRef(old) && now === `${old}'` && resigned(file, twin, item, delta, old.slice(1), source)
  const [from, to] = [resolve(old, was), resolve(now, is)]
  return isHex(from) && isHex(to) && from !== to && hex(applyBytes(delta, unhex(from), source)) === to
}

/** Whether the case repeats, under names with a prime, exactly the steps between the changed value and the target. */
const resigned = (
  file: VectorFile,
  twin: Case,
  item: Case,
  delta: Delta,
  target: string,
  source: (from: string) => Uint8Array
): boolean => {
  const value = String(delta.value)
  const steps = Derivation.of(file, twin).steps
  const after = new Set([value])
  for (const step of steps) if (refsIn(step.in).some((name) => after.has(name))) after.add(step.id)
  const before = new Set(Derivation.closure(Derivation.of(file, twin), [target]).map((step) => step.id))
  const names = new Set([...after].filter((name) => before.has(name)))
  const own = Derivation.of(file, item)
  const [old, now] = [Derivation.of(file, twin).look(value), own.look(`${value}'`)]
  if (delta.inner === undefined || old === undefined || now === undefined) return false
  if (hex(applyBytes(delta.inner, unhex(old), source)) !== now) return false
  const primed = (inside: unknown): unknown => {
    if (isRef(inside)) return names.has(inside.slice(1)) ? `${inside}'` : inside
    if (Array.isArray(inside)) return inside.map(primed)
    return isObject(inside) ? Object.fromEntries(Object.entries(inside).map(([key, of]) => [key, primed(of)])) : inside
  }
  return steps.every((step) => {
    if (!names.has(step.id) || step.id === value) return true
    const again = own.byId.get(`${step.id}'`)
    return again !== undefined && again.op === step.op && canonicalJson(again.in) === canonicalJson(primed(step.in))
  })
}

/** Complaints about twin and delta of one case; none for a valid case. */
export const complaints = (file: VectorFile, item: Case): ReadonlyArray<string> => {
  if (item.verdict === "valid") return []
  const { delta } = item
  const twin = file.cases.find((other) => other.id === item.twin)
  if (twin === undefined || twin.verdict !== "valid") return ["its twin is not a valid case of the file"]
  if (delta === undefined) return ["it has no delta"]
  const wrong = "its delta does not lead from its twin to it"
  if (item.script === undefined) {
    if (item.op !== twin.op) return ["its twin is another operation"]
    return applies(file, twin, item, delta) ? [] : [wrong]
  }
  const rejects = item.rejects ?? -1
  if (twin.script === undefined) return ["its twin is no transcript"]
  if (item.script.filter((step) => step.expect === "reject").length !== 1 || item.script[rejects]?.expect !== "reject")
    return ["not exactly one step is refused"]
  if (item.script.length <= rejects + 1) return ["there is no probe"]
  const steps = stepDeltas.has(delta.op)
  const expected = steps ? changedScript(delta, twin.script) : twin.script
  const [was, is] = [Derivation.of(file, twin).look, Derivation.of(file, item).look]
  const same = item.script
    .slice(0, rejects + 1)
    .every(
      (step, i) =>
        (!steps && delta.at.startsWith(`script/${i}/`)) ||
        (expected[i] !== undefined && stepText(step, is) === stepText(expected[i], was))
    )
  return same && (steps || applies(file, twin, item, delta)) ? [] : [wrong]
}
