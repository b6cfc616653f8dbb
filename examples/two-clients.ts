/**
 * Two clients in Effect over a relay in the same program: layers in, streams out, everything closed with its scope.
 *
 * Run: node -C @tacit/source examples/two-clients.ts
 */
import { layerNode } from "@tacit/bots"
import { Client } from "@tacit/core"
import { Relay } from "@tacit/relay"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

/** An account that lives as long as the program. */
const account = (user: string) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const relay = yield* Relay
      return layerNode({ relay: relay.url, user, password: yield* relay.invite(user), temporary: true })
    })
  )

/** Says three things, then prints what comes back. */
const alice = Effect.gen(function* () {
  const client = yield* Client
  const bob = yield* client.conversation("bob")
  yield* bob.sendMany(["one", "two", "three"])
  yield* client.messages.pipe(
    Stream.take(3),
    Stream.runForEach(({ body }) =>
      Effect.sync(() => console.log(`alice got ${body.type === "text" ? body.text : ""}`))
    )
  )
})

/** Answers three messages in capitals, then waits until the relay has the answers. */
const bob = Effect.gen(function* () {
  const client = yield* Client
  yield* client.messages.pipe(
    Stream.take(3),
    Stream.runForEach(({ body, from, id }) =>
      client.send({ account: from.account }, body.type === "text" ? body.text.toUpperCase() : "?", { replyTo: id })
    )
  )
  yield* client.flush
})

// Bob is opened first, so that alice finds him in the directory.
const program = Effect.gen(function* () {
  const bobs = yield* Layer.build(account("bob"))
  const alices = yield* Layer.build(account("alice"))
  yield* Effect.all([Effect.provide(bob, bobs), Effect.provide(alice, alices)], { concurrency: 2 })
})

await Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(Relay.layer({ database: ":memory:" }))))
