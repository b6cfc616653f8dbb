/**
 * Run as a process of its own: commits batches on all lanes until it is killed, and prints each one that was acknowledged.
 *
 * Arguments: path of the store, pause between the commits of a lane in ms. Prints `open <token>`, then `<lane> <batch> <revision>` lines, or `failed <tag>` and ends.
 */
import { writeSync } from "node:fs"
import * as Sqlite from "@tacit/storage/sqlite"
import * as Effect from "effect/Effect"
import { batchOf, lanes, lastOf } from "./workload.ts"

/** Straight into the pipe: what was printed outlives the process. */
const print = (line: string): void => {
  writeSync(1, `${line}\n`)
}

const path = process.argv[2]!
const pace = Number(process.argv[3])

const work = Effect.gen(function* () {
  // Housekeeping every few milliseconds, so that kills hit it too.
  const { store, token } = yield* Sqlite.make({ path, forgetWithinMs: 10 })
  print(`open ${token}`)
  const lane = (lane: number) =>
    Effect.gen(function* () {
      let { batch, revision } = yield* lastOf(store, lane)
      for (;;) {
        batch++
        const revisions = yield* store.commit(batchOf(lane, batch, revision))
        revision = revisions[3]!
        print(`${lane} ${batch} ${revision}`)
        if (pace > 0) yield* Effect.sleep(pace)
      }
    })
  yield* Effect.all(
    Array.from({ length: lanes }, (_, i) => lane(i)),
    { concurrency: "unbounded" }
  )
})

await Effect.runPromise(
  Effect.scoped(work).pipe(
    Effect.catch((error) =>
      Effect.sync(() => {
        const cause: unknown = "cause" in error ? error.cause : undefined
        print(`failed ${error._tag} ${cause instanceof Sqlite.StoreUnusable ? cause.reason : String(cause)}`)
      })
    )
  )
)
