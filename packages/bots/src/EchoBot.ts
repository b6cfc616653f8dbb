/**
 * The reference bot: answers every text with the same text, and every application message with the same data.
 *
 * Small on purpose: it shows all that a bot needs.
 */
import * as Bot from "./Bot.ts"
import { createBot, type PromiseBot, type BotOptions } from "./PromiseBot.ts"

/** The echo bot as an Effect; run it with `Bot.run`. */
export const echo: Bot.Bot = Bot.make
  .on("text", (message) => message.reply(message.body.text), "echo")
  .on("application", (message) => message.reply(message.body), "echo")

/** The echo bot, ready to start. */
export const echoBot = (options: BotOptions): PromiseBot => {
  const bot = createBot(options)
  bot.on("text", (message) => message.reply(message.body.text), { name: "echo" })
  bot.on("application", (message) => message.reply(message.body), { name: "echo" })
  return bot
}
