/**
 * A short conversation that is always the same, from registration on, over a store that may kill it at a given commit.
 *
 * Words: role (`asks` or `answers`), moment, relay address, user, store, journal, one-time password, whom to ask.
 * `asks` sends three texts, journals the answers, and tells that it read them. `answers` journals three texts and answers each.
 * Ends with the line `done <commits>`.
 */
import { Bot, layerOn } from "@tacit/bots"
import { Client } from "@tacit/core"
import * as Sqlite from "@tacit/storage/sqlite"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { deadly } from "./DeadlyStore.ts"
import * as Journal from "./Journal.ts"

const [role = "", moment = "", relay = "", user = "", path = "", journalFile = "", password = "", to = ""] =
  process.argv.slice(2)
const journal = Journal.open(journalFile)
const store = deadly(Sqlite.layer({ path }), moment)
const rounds = 3
const count = () => Journal.read(journalFile).length

const asks = Effect.gen(function* () {
  const client = yield* Client
  const conversation = yield* client.conversation(to)
  for (let i = 1; i <= rounds; i++) yield* conversation.send(`text ${i}`, { idempotencyKey: `text ${i}` })
  if (count() < rounds) {
    yield* client.messages.pipe(
      Stream.takeUntil((message) => {
        if (message.body.type === "text")
          journal.write({ order: message.order, id: message.id, text: message.body.text })
        return count() === rounds
      }),
      Stream.runForEach(client.take)
    )
  }
  yield* conversation.markRead(Journal.read(journalFile).map(({ id }) => id))
  yield* client.flush
})

const answers = Effect.gen(function* () {
  const client = yield* Client
  const enough = yield* Deferred.make<void>()
  const check = () => (count() >= rounds ? Deferred.doneUnsafe(enough, Effect.void) : false)
  const bot = Bot.make.on("text", (message) =>
    Effect.gen(function* () {
      journal.write({ order: message.order, id: message.id, text: message.text })
      yield* message.reply(`echo ${message.text}`)
      check()
    })
  )
  console.log("ready")
  check()
  yield* Bot.run(bot, { stop: enough })
  yield* client.flush
})

const program = role === "asks" ? asks : answers
await Effect.runPromise(Effect.provide(program, layerOn({ relay, user, password }, store.layer)))
console.log(`done ${store.commits()}`)
process.exit(0)
