/**
 * Entry point `@tacit/bots`: an account opened in one call on Node, and bots.
 *
 * From everyday to expert: `openClient`, `createBot`, `echoBot`; then `layerNode` and `Bot` for programs in Effect.
 */
export type { CallOptions, JoinHooks, PromiseClient, PromiseConversation, PromiseLinkOffer } from "@tacit/core/promise"
export { openClient, type OpenOptions } from "./OpenClient.ts"
export { registerAccount } from "./RegisterAccount.ts"
export { linkAccount, type LinkAccountOptions } from "./LinkAccount.ts"
export {
  type BotHandler,
  type BotMessage,
  type BotMiddleware,
  type BotOptions,
  createBot,
  HandlerFailed,
  type PromiseBot
} from "./PromiseBot.ts"
export { echo, echoBot } from "./EchoBot.ts"
export {
  type AccountOptions,
  layerNode,
  layerOn,
  type NodeOptions,
  type OpenError,
  type Place,
  type Sealing,
  type VaultOptions,
  type VaultSecret,
  WrongUser
} from "./Node.ts"
export * as VaultFile from "./VaultFile.ts"
export * as Bot from "./Bot.ts"
export * as DeadLetter from "./DeadLetter.ts"
export * as ReplyKey from "./ReplyKey.ts"
