/**
 * What the crash tests write, and what must be found afterwards.
 *
 * Spec: docs/spec/16-state.md §16.2.
 * Every batch of a lane puts three parts, moves the lane's `last` on by one, and removes the batch that fell out of the window. So
 * a store is right exactly when each lane holds the whole batches of its window up to `last`, and nothing else.
 */
import type { Store, StoredRecord, Write } from "@tacit/core"
import * as Effect from "effect/Effect"

export const lanes = 6
/** Batches of one lane that are kept. */
export const window = 12

const parts = ["a", "b", "c"]

const partKey = (lane: number, batch: number, part: string): string =>
  `batch/${lane}/${String(batch).padStart(8, "0")}/${part}`
export const lastKey = (lane: number): string => `last/${lane}`

/** 1 to 6,000 bytes that only this part of this batch has: parts lie in one page, in many, and in overflow pages. */
const partValue = (lane: number, batch: number, part: string): Uint8Array => {
  const value = new Uint8Array(1 + ((batch * 7_919 + lane * 131 + part.charCodeAt(0) * 977) % 6_000))
  for (let i = 0; i < value.length; i++) value[i] = (batch * 31 + lane * 17 + part.charCodeAt(0) + i * 7) & 255
  return value
}

const number = (value: number): Uint8Array => new TextEncoder().encode(String(value))
const numberOf = (record: StoredRecord | undefined): number =>
  record === undefined ? 0 : Number(new TextDecoder().decode(record.value))

/** The writes of a batch; `expected` is what `last` was read or written at. */
export const batchOf = (lane: number, batch: number, expected: number | "absent"): ReadonlyArray<Write> => [
  ...parts.map(
    (part) => ({ op: "put", key: partKey(lane, batch, part), value: partValue(lane, batch, part) }) as const
  ),
  { op: "put", key: lastKey(lane), value: number(batch), expected },
  ...(batch > window ? parts.map((part) => ({ op: "delete", key: partKey(lane, batch - window, part) }) as const) : [])
]

/** The last batch of a lane and the revision of its counter. */
export const lastOf = (store: Store["Service"], lane: number) =>
  Effect.map(store.get(lastKey(lane)), (record) => ({
    batch: numberOf(record),
    revision: record?.revision ?? ("absent" as const)
  }))

/** Everything that is wrong with a store, as sentences. */
export const faultsOf = (store: Store["Service"]) =>
  Effect.gen(function* () {
    const faults: Array<string> = []
    for (let lane = 0; lane < lanes; lane++) {
      const { batch: last } = yield* lastOf(store, lane)
      const found = new Map((yield* store.scan(`batch/${lane}/`)).map((record) => [record.key, record.value]))
      for (let batch = Math.max(1, last - window + 1); batch <= last; batch++) {
        for (const part of parts) {
          const key = partKey(lane, batch, part)
          const value = found.get(key)
          if (value === undefined) faults.push(`${key} is missing, last is ${last}`)
          else if (Buffer.compare(value, partValue(lane, batch, part)) !== 0)
            faults.push(`${key} is not what was written`)
          found.delete(key)
        }
      }
      for (const key of found.keys()) faults.push(`${key} should not be there, last is ${last}`)
    }
    return faults
  })
