/**
 * The sending application: numbers its texts from 1 and sends them until it is told to stop, journals every answer exactly once,
 * and ends when all answers are there. Killed at any time, it goes on where it was.
 *
 * Words: relay address, user, store, journal, whom to write to, file that says "stop", one-time password (or nothing).
 */
import { openClient } from "@tacit/bots"
import { existsSync } from "node:fs"
import * as Journal from "./Journal.ts"
import { filler, textOf } from "./Script.ts"

const [relay = "", user = "", path = "", journalFile = "", to = "", stopFile = "", password = ""] =
  process.argv.slice(2)
const answers = Journal.open(journalFile)
const sends = Journal.open(`${journalFile}.sent`)
let sent = Journal.read(`${journalFile}.sent`).length
let answered = Journal.read(journalFile).length

const client = await openClient({ relay, user, path, ...(password === "" ? {} : { password }) })
console.log("ready")

const receiving = (async () => {
  for await (const message of client.messages()) {
    if (message.body.type !== "text") continue
    answers.write({ order: message.order, id: message.id, text: message.body.text.replace(filler, "") })
    await client.take(message)
    answered = Journal.read(journalFile).length
  }
})()
const warning = (async () => {
  for await (const each of client.warnings()) console.log(`warning ${JSON.stringify(each)}`)
})()

while (!existsSync(stopFile)) {
  // The key makes the last text of a killed run go out once, whether or not it was sent before.
  const number = sent + 1
  const { id } = await client.send(to, textOf(number), { idempotencyKey: `text ${number}` })
  sends.write({ order: number, id, text: String(number) })
  sent = number
  await new Promise((resolve) => setTimeout(resolve, 10))
}
while (answered < sent) await new Promise((resolve) => setTimeout(resolve, 50))
console.log(`done ${sent}`)
await client.close()
await Promise.allSettled([receiving, warning])
process.exit(0)
