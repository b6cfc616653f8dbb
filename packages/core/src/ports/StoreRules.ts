/**
 * What every adapter of the Store port checks before it does anything, and the bounds it checks against.
 *
 * Spec: docs/spec/16-state.md §16.1, §16.2; the port is ports/Store.ts.
 * A breach is a mistake of the calling program: the functions here say which, and the adapter dies with {@link Misuse}
 * before it has read or written anything.
 */
import type { Write } from "./Store.ts"

/** Longest key, in characters. Holds every key of §16.1 with two hexadecimal ids; a longer one would bloat an index for nothing. */
export const maxKeyLength = 256

/** Largest value, in bytes: 1 MiB. Eight times the largest envelope; raised, one record could fill a whole group of commits. */
export const maxValueBytes = 1_048_576

/** Records a scan yields when no limit is given. */
export const defaultScanLimit = 1_000

/** The defect with which an adapter dies when its caller broke a rule of the port. The message never repeats a key or a value. */
export class Misuse extends TypeError {
  override readonly name = "StoreMisuse"
}

const keyPattern = /^[\x20-\x7e]{1,256}$/
const prefixPattern = /^[\x20-\x7e]{0,256}$/

/** What is wrong with a key, if anything. Keys are 1 to {@link maxKeyLength} printable ASCII characters, the space included. */
export const keyFault = (key: string): string | undefined =>
  keyPattern.test(key) ? undefined : "a store key is 1 to 256 printable ASCII characters"

/** What is wrong with a batch, if anything: its keys, a key that appears twice, a value out of bounds, an impossible expectation. */
export const writesFault = (writes: ReadonlyArray<Write>): string | undefined => {
  let seen: Set<string> | undefined
  for (let i = 0; i < writes.length; i++) {
    const write = writes[i]!
    const fault = keyFault(write.key) ?? writeFault(write)
    if (fault !== undefined) return fault
    if (writes.length === 1) return undefined
    seen ??= new Set()
    if (seen.has(write.key)) return "a key appears at most once in a commit"
    seen.add(write.key)
  }
  return undefined
}

/** What is wrong with the arguments of a scan, if anything. `limit` is a whole number from 0 upward. */
export const scanFault = (
  prefix: string,
  options?: { readonly after?: string; readonly limit?: number }
): string | undefined => {
  if (!prefixPattern.test(prefix)) return "a scan prefix is 0 to 256 printable ASCII characters"
  if (options?.after !== undefined && !prefixPattern.test(options.after)) return "a scan goes on after a key"
  const limit = options?.limit
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0))
    return "a scan limit is a whole number from 0 upward"
  return undefined
}

/** The least text above every key that starts with `prefix`; `undefined` when there is none, as for the empty prefix. */
export const prefixEnd = (prefix: string): string | undefined =>
  prefix === "" ? undefined : prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)

const writeFault = (write: Write): string | undefined => {
  const { expected } = write
  if (typeof expected === "number" && !(Number.isSafeInteger(expected) && expected > 0)) {
    return "an expected revision is a positive integer"
  }
  if (write.op === "delete") return undefined
  if (!(write.value instanceof Uint8Array)) return "a stored value is bytes"
  return write.value.length > maxValueBytes ? "a stored value is at most 1 MiB" : undefined
}
