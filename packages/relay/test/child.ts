/**
 * A relay as a process of its own, for tests that kill it. Arguments: database, port, then `JSON` of limits.
 * Prints `listening <port>`; every line `invite <user>` on its input is answered with `password <user> <password>`,
 * every line `remove <user>` removes one.
 */
import { createInterface } from "node:readline"
import { makeRelay, untilSignal } from "@tacit/relay"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"

const [database = ":memory:", port = "0", limits = "{}"] = process.argv.slice(2)

const main = Effect.gen(function* () {
  const relay = yield* makeRelay({ database, port: Number(port), limits: JSON.parse(limits) as object })
  const run = Effect.runPromiseWith(yield* Effect.context())
  createInterface({ input: process.stdin }).on("line", (line) => {
    if (line.startsWith("remove ")) return void run(Effect.ignore(relay.remove(line.replace("remove ", ""))))
    const user = line.replace("invite ", "")
    void run(relay.invite(user)).then((password) => console.log(`password ${user} ${password}`))
  })
  console.log(`listening ${relay.port}`)
  yield* untilSignal
})

await Effect.runPromise(Effect.scoped(main).pipe(Effect.provide(Logger.layer([]))))
process.exit(0)
