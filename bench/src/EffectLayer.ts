/**
 * What Effect costs: one message sealed and opened by the bare steps, and by the same steps the way the client calls them, as
 * Effects under the held lock of a conversation, with load and save of the session around each step.
 */
import type { CryptoProvider } from "@tacit/core/hazmat"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { End, Sealed } from "./Contender.ts"
import { type Task, timed } from "./Rounds.ts"
import { tacitMessage } from "./Tacit.ts"

const burst = 16
const count = 125 * burst

/** Both tasks. */
export const effectLayer = async (
  crypto: CryptoProvider,
  random: (length: number) => Uint8Array
): Promise<ReadonlyArray<Task>> => {
  const contender = tacitMessage(crypto, random)
  const body = new Uint8Array(32).fill(0x78)
  const pairs = await contender.prepare(2)
  const bare = await pairs[0]!.establish(body),
    lifted = await pairs[1]!.establish(body)

  const handle = (end: End) => {
    const stored = { end }
    const lock = Semaphore.makeUnsafe(1)
    const save = (next: End) => Effect.sync(() => void (stored.end = next))
    // Load and steps are one piece, the commit is the one Effect inside: as in the client.
    const under = <A>(steps: (end: End) => A) =>
      lock.withPermit(
        Effect.suspend(() => {
          const { end } = stored
          const result = steps(end)
          return Effect.as(save(end), result)
        })
      )
    return {
      seal: (plaintext: Uint8Array) => under((end) => end.seal(plaintext) as Sealed),
      open: (message: Sealed) => under((end) => end.open(message) as Uint8Array),
      sealMany: (plaintexts: ReadonlyArray<Uint8Array>) =>
        under((end) => plaintexts.map((plaintext) => end.seal(plaintext) as Sealed)),
      openMany: (messages: ReadonlyArray<Sealed>) =>
        under((end) => messages.map((message) => end.open(message) as Uint8Array))
    }
  }
  const alice = handle(lifted.alice),
    bob = handle(lifted.bob)
  const single = Effect.gen(function* () {
    for (let i = 0; i < count; i++) yield* bob.open(yield* alice.seal(body))
  })
  const bodies = new Array<Uint8Array>(burst).fill(body)
  const bursts = Effect.gen(function* () {
    for (let i = 0; i < count; i += burst) yield* bob.openMany(yield* alice.sealMany(bodies))
  })
  const task = (workload: string, program: Effect.Effect<void>): ReadonlyArray<Task> => [
    {
      contender: "bare steps",
      workload,
      run: () => timed(count, () => bare.bob.open(bare.alice.seal(body) as Sealed))
    },
    {
      contender: "through Effect",
      workload,
      run: async () => {
        const start = performance.now()
        await Effect.runPromise(program)
        return { operations: count, millis: performance.now() - start }
      }
    }
  ]
  return [...task("Effect layer, one by one", single), ...task("Effect layer, bursts of 16", bursts)]
}
