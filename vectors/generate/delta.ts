/**
 * Applies the single change that separates an invalid case from its twin.
 *
 * Spec: vectors/README.md (twin and delta).
 * Byte changes work on one value; script changes work on the list of steps.
 */
import { concat, unhex } from "./bytes.ts"
import type { Delta, ScriptStep } from "./model.ts"

/** The changed bytes. `look` reads what `splice` takes from: a step or a case's value. */
export const applyBytes = (delta: Delta, bytes: Uint8Array, look: (from: string) => Uint8Array): Uint8Array => {
  const within = (offset: number, length: number): void => {
    if (offset < 0 || length < 0 || offset + length > bytes.length)
      throw new Error(`${delta.op} leaves the ${bytes.length} bytes`)
  }
  const replace = (offset: number, length: number, by: Uint8Array): Uint8Array => {
    within(offset, length)
    return concat(bytes.subarray(0, offset), by, bytes.subarray(offset + length))
  }
  switch (delta.op) {
    case "xor": {
      const mask = unhex(delta.bytes)
      within(delta.offset, mask.length)
      return bytes.map((byte, i) => byte ^ (mask[i - delta.offset] ?? 0))
    }
    case "set": {
      const by = unhex(delta.bytes)
      return replace(delta.offset, by.length, by)
    }
    case "insert":
      return replace(delta.offset, 0, unhex(delta.bytes))
    case "cut":
      return replace(delta.offset, delta.length, new Uint8Array(0))
    case "reencode":
      return replace(delta.offset, delta.length, unhex(delta.bytes))
    case "swap": {
      const [a, b] = [delta.a, delta.b]
      within(b[0], b[1])
      if (a[0] + a[1] > b[0]) throw new Error("swap overlaps")
      const part = ([offset, length]: readonly [number, number]): Uint8Array => bytes.subarray(offset, offset + length)
      return concat(
        bytes.subarray(0, a[0]),
        part(b),
        bytes.subarray(a[0] + a[1], b[0]),
        part(a),
        bytes.subarray(b[0] + b[1])
      )
    }
    case "splice": {
      const [offset, length] = delta.source
      const from = look(delta.from)
      if (offset + length > from.length) throw new Error("splice leaves its source")
      return replace(delta.offset, delta.length, from.subarray(offset, offset + length))
    }
    default:
      throw new Error(`${delta.op} does not change bytes`)
  }
}

/** Whether {@link applyBytes} takes it. */
export const changesBytes = (delta: Delta): boolean =>
  ["xor", "set", "insert", "cut", "reencode", "swap", "splice"].includes(delta.op)

/** The script after a change of whole steps. */
export const applyScript = (delta: Delta, script: ReadonlyArray<ScriptStep>): ReadonlyArray<ScriptStep> => {
  const index = Number(delta.at.split("/")[1])
  switch (delta.op) {
    case "replay":
      return [...script.slice(0, index), script[delta.step]!, ...script.slice(index)]
    case "omit":
      return script.filter((_, i) => i !== index)
    case "redirect":
      return script.map((step, i) => (i === index ? { ...step, as: delta.to } : step))
    default:
      throw new Error(`${delta.op} does not change steps`)
  }
}
