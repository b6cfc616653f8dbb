/**
 * What Effect costs: one message sealed and opened by the bare steps, and by the same steps the way the client calls them, as
 * Effects under the held lock of a conversation, with load and save of the session around each step. Both encode the session's
 * record after each step, one by one, or after each burst: that is what a commit stores.
 */
import type { CryptoProvider } from "@tacit/core/hazmat"
import * as Effect from "effect/Effect"
import { Lock } from "../../packages/core/src/client/internal/lock.ts"
import type { Sealed } from "./Contender.ts"
import type { Task } from "./Rounds.ts"
import { type MessageEnd, messagePair } from "./Tacit.ts"

const burst = 16
const count = 125 * burst

/** Steps on one end of a session, and the record that a commit would store. */
const withRecord = <A>(end: MessageEnd, steps: (end: MessageEnd) => A) => ({ result: steps(end), record: end.record() })

/** Every operation as an Effect. Load and steps are one piece, the commit is the one Effect inside: as in the client. */
const lift = (opened: MessageEnd) => {
  const stored = { end: opened, record: opened.record() }
  const lock = new Lock()
  const save = (record: Uint8Array) => Effect.sync(() => void (stored.record = record))
  return <A>(steps: (end: MessageEnd) => A) =>
    lock.hold(() => {
      const { record, result } = withRecord(stored.end, steps)
      return Effect.map(save(record), () => result)
    })
}

/** Both workloads, each bare and through Effect. */
export const effectLayer = (crypto: CryptoProvider, random: (length: number) => Uint8Array): ReadonlyArray<Task> => {
  const body = new Uint8Array(32).fill(0x78)
  const bodies = new Array<Uint8Array>(burst).fill(body)
  const seal = (end: MessageEnd) => end.seal(body)
  const open = (message: Sealed) => (end: MessageEnd) => end.open(message)
  const sealMany = (end: MessageEnd) => bodies.map((plaintext) => end.seal(plaintext))
  const openMany = (messages: ReadonlyArray<Sealed>) => (end: MessageEnd) =>
    messages.map((message) => end.open(message))

  const bare = messagePair(crypto, random),
    pair = messagePair(crypto, random)
  const alice = lift(pair.alice),
    bob = lift(pair.bob)
  const task = (contender: string, workload: string, program: () => Promise<void> | void): Task => ({
    contender,
    workload: `Effect layer, ${workload}`,
    run: async () => {
      const start = performance.now()
      await program()
      return { operations: count, millis: performance.now() - start }
    }
  })
  const single = Effect.gen(function* () {
    for (let i = 0; i < count; i++) yield* bob(open(yield* alice(seal)))
  })
  const bursts = Effect.gen(function* () {
    for (let i = 0; i < count; i += burst) yield* bob(openMany(yield* alice(sealMany)))
  })
  return [
    task("bare steps", "one by one", () => {
      for (let i = 0; i < count; i++) withRecord(bare.bob, open(withRecord(bare.alice, seal).result))
    }),
    task("through Effect", "one by one", () => Effect.runPromise(single)),
    task("bare steps", `bursts of ${burst}`, () => {
      for (let i = 0; i < count; i += burst) withRecord(bare.bob, openMany(withRecord(bare.alice, sealMany).result))
    }),
    task("through Effect", `bursts of ${burst}`, () => Effect.runPromise(bursts))
  ]
}
