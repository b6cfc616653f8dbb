/**
 * The receiving application: journals every text, durably and exactly once, and answers it. Killed at any time, it goes on where
 * it was when started again.
 *
 * Words: relay address, user, store, journal, one-time password (or nothing).
 */
import { createBot } from "@tacit/bots"
import * as Journal from "./Journal.ts"

const [relay = "", user = "", path = "", journalFile = "", password = ""] = process.argv.slice(2)
const journal = Journal.open(journalFile)
const bot = createBot({ relay, user, path, ...(password === "" ? {} : { password }) })
bot.on("text", async (message) => {
  journal.write({ order: message.order, id: message.id, text: message.body.text })
  await message.reply(`echo ${message.body.text}`)
})
bot.on("warning", (warning) => console.log(`warning ${JSON.stringify(warning)}`))
process.on("SIGTERM", () => void bot.stop())
await bot.start()
console.log("ready")
await bot.stopped
