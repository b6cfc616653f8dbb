/**
 * A bot in ten lines. Needs a relay and a one-time password:
 *
 *   tacit relay start
 *   TACIT_PASSWORD=$(tacit relay invite echo) node -C @tacit/source examples/echo-bot.ts
 */
import { createBot } from "@tacit/bots"

const bot = createBot({
  relay: process.env.TACIT_RELAY ?? "ws://127.0.0.1:8443",
  user: "echo",
  password: process.env.TACIT_PASSWORD,
  path: process.env.TACIT_STORE ?? "echo.db"
})
bot.on("text", (message) => message.reply(message.text))
process.on("SIGTERM", () => void bot.stop())
await bot.start()
console.log("The echo bot is ready.")
