/**
 * The steward's card: retained at the broker, so that whoever connects knows whom to speak to, and replaced by its will.
 *
 * Spec: docs/spec/18-mqtt.md §18.3 (rules mqtt.card.1–3).
 * Says nothing that is trusted by itself: a client that was told the key compares, another takes the first it sees.
 */
import { Layout } from "@tacit/core/hazmat"
import * as Result from "effect/Result"

const Present = Layout.tuple({
  version: Layout.literal(1),
  /** The name logins are bound to, as in a relay's welcome. */
  name: Layout.text({ min: 1, max: 255 }),
  /** X25519 public key. */
  key: Layout.bytes({ length: 32 }),
  /** Fresh at every connection of the steward: links of another one are over. */
  instance: Layout.bytes({ length: 16 }),
  epochMs: Layout.uint({ min: 1 })
})
const Away = Layout.tuple({ version: Layout.literal(0) })
const Card = Layout.oneOf(Present, Away)

/** A steward that is there. */
export type Present = Layout.Type<typeof Present>
export type Card = Layout.Type<typeof Card>

export const away: Uint8Array = Away.encode({ version: 0 })

export const encode = (card: Present): Uint8Array => Card.encode(card)

/** A card, or nothing for bytes that are none. */
export const decode = (bytes: Uint8Array): Card | undefined => Result.getOrUndefined(Card.decode(bytes))
