/**
 * Messages a bot could not handle: kept in its store until somebody decides about them.
 *
 * Spec: docs/spec/16-state.md §16.1 (state.version.1).
 * Record `bot/dead/<order>`: UTF-8 JSON `[1, message, attempts, at]`, bytes in base 64. Does not run handlers.
 */
import { type Incoming, type LeaseLost, Store, StoredRecordError, type StoreError, type Write } from "@tacit/core"
import * as Effect from "effect/Effect"

const prefix = "bot/dead/"
const format = 1

/** A message whose handlers failed in every attempt. `at` is when it was given up, ms. */
export interface DeadLetter {
  readonly message: Incoming
  readonly attempts: number
  readonly at: number
}

const key = (order: number): string => `${prefix}${order.toString().padStart(16, "0")}`

interface Encoded extends Omit<Incoming, "body"> {
  readonly body: { readonly type: string; readonly data?: string }
}

const encode = (letter: DeadLetter): Uint8Array => {
  const { body } = letter.message
  const plain = "data" in body ? { ...body, data: Buffer.from(body.data).toString("base64") } : body
  return new TextEncoder().encode(
    JSON.stringify([format, { ...letter.message, body: plain }, letter.attempts, letter.at])
  )
}

const decode = (value: Uint8Array): Effect.Effect<DeadLetter, StoredRecordError> =>
  Effect.suspend(() => {
    const parsed = parse(value)
    if (parsed === undefined) return Effect.fail(new StoredRecordError({ kind: "bot/dead", reason: "corrupt" }))
    if (parsed[0] !== format) return Effect.fail(new StoredRecordError({ kind: "bot/dead", reason: "version" }))
    const [, message, attempts, at] = parsed as readonly [number, Encoded, number, number]
    const body =
      message.body.data === undefined
        ? message.body
        : { ...message.body, data: new Uint8Array(Buffer.from(message.body.data, "base64")) }
    return Effect.succeed({ message: { ...message, body } as Incoming, attempts, at })
  })

const parse = (value: Uint8Array): ReadonlyArray<unknown> | undefined => {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(value))
    return Array.isArray(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

/** A letter has a key of its own, written without comparing: a conflict there is a defect of the store. */
const commit = (write: Write): Effect.Effect<void, StoreError | LeaseLost, Store> =>
  Store.use((store) => Effect.asVoid(Effect.catchTag(store.commit([write]), "Conflict", Effect.die)))

/** Keeps a letter, durably. Keeping it twice is harmless. */
export const keep = (letter: DeadLetter): Effect.Effect<void, StoreError | LeaseLost, Store> =>
  Effect.suspend(() => commit({ op: "put", key: key(letter.message.order), value: encode(letter) }))

/** All kept letters, oldest first. */
export const list: Effect.Effect<ReadonlyArray<DeadLetter>, StoreError | StoredRecordError, Store> = Effect.gen(
  function* () {
    const store = yield* Store
    const letters: Array<DeadLetter> = []
    let after: string | undefined
    for (;;) {
      const records = yield* store.scan(prefix, after === undefined ? { limit: 256 } : { after, limit: 256 })
      for (const record of records) letters.push(yield* decode(record.value))
      const last = records.at(-1)
      if (last === undefined) return letters
      after = last.key
    }
  }
)

/** Forgets the letter with this order, if there is one. */
export const discard = (order: number): Effect.Effect<void, StoreError | LeaseLost, Store> =>
  commit({ op: "delete", key: key(order) })
