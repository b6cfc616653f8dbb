/**
 * What makes a bot's answer happen once: the idempotency key of a reply.
 *
 * Spec: docs/spec/16-state.md §16.2 (state.once.1).
 * The key names the sender's device, the message, the handler and how many replies the handler made before. A handler that
 * runs again, after an error or a kill, makes the same keys in the same order, and the client sends nothing twice.
 */
import type { Incoming } from "@tacit/core"

/** Longest name of a handler in a key. */
export const maxHandlerName = 64

/** Key of the reply number `index` (from 0) of `handler` to `message`; at most 256 characters. */
export const make = (message: Incoming, handler: string, index: number): string =>
  // The sender chooses message ids, so an id counts only together with the device it came from.
  `reply/${message.from.device}/${message.id}/${handler.slice(0, maxHandlerName)}/${index}`
