/**
 * The echo bot through an MQTT broker in this program. Beside two-clients.ts it shows what changes with the transport: the layer of the
 * server, `Steward` behind a broker instead of `Relay`. Clients and bots take its address as they would take another.
 *
 * Run: node -C @tacit/source examples/echo-bot-mqtt.ts
 */
import { Bot, echo, layerNode } from "@tacit/bots"
import { Client } from "@tacit/core"
import { Steward } from "@tacit/relay"
import { startBroker } from "@tacit/transport-mqtt/broker"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

/** An account that lives as long as the program. */
const account = (user: string) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const server = yield* Steward
      return layerNode({ relay: server.url, user, password: yield* server.invite(user), temporary: true })
    })
  )

/** Says two things to the bot, and prints what comes back. */
const alice = Effect.gen(function* () {
  const client = yield* Client
  const bot = yield* client.conversation("echo")
  yield* bot.sendMany(["is anybody there?", "thank you"])
  yield* client.messages.pipe(
    Stream.take(2),
    Stream.runForEach(({ body }) =>
      Effect.sync(() => console.log(`the bot says ${body.type === "text" ? body.text : ""}`))
    )
  )
})

// The bot is opened first, so that alice finds it in the directory.
const program = Effect.gen(function* () {
  const bots = yield* Layer.build(account("echo"))
  yield* Effect.forkScoped(Effect.provide(Bot.run(echo), bots))
  const alices = yield* Layer.build(account("alice"))
  yield* Effect.provide(alice, alices)
})

await using broker = await startBroker()
const server = Steward.layer({ database: ":memory:", broker: `mqtt://127.0.0.1:${broker.port}` })
await Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(server)))
