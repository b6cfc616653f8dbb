/**
 * Sealed messages of a link: numbered, so that a broker can neither repeat, reorder nor drop one unnoticed.
 *
 * Spec: docs/spec/18-mqtt.md §18.5 (rules mqtt.message.1–3).
 * Knows no topics and no connection. The number is the nonce: a key never seals two messages under one.
 */
import { Bytes, type CryptoProvider } from "@tacit/core/hazmat"

/** Kinds of items in a message. */
export const Item = { frame: 0, close: 1, ping: 2, pong: 3, credit: 4 } as const
export type ItemType = (typeof Item)[keyof typeof Item]

export interface Entry {
  readonly type: ItemType
  readonly payload: Uint8Array
}

/** Bytes of an item beside its payload: type and length. */
export const itemOverhead = 5

/** Bytes of a message beside its items: number and tag. */
export const messageOverhead = 24

const nonceOf = (number: Uint8Array): Uint8Array => Bytes.concat(new Uint8Array(4), number)

/** The message with this number. */
export const seal = (
  crypto: CryptoProvider,
  key: Uint8Array,
  number: number,
  entries: ReadonlyArray<Entry>
): Uint8Array => {
  const plain = new Uint8Array(entries.reduce((sum, { payload }) => sum + itemOverhead + payload.length, 0))
  let at = 0
  for (const { payload, type } of entries) {
    plain[at] = type
    plain.set(Bytes.be32(payload.length), at + 1)
    plain.set(payload, at + itemOverhead)
    at += itemOverhead + payload.length
  }
  const head = Bytes.be64(number)
  return Bytes.concat(head, crypto.chachaSeal(key, nonceOf(head), Bytes.empty, plain))
}

/** The number a message claims, before it was opened. */
export const numberOf = (message: Uint8Array): number | undefined => {
  if (message.length < messageOverhead) return undefined
  const high = Bytes.readBe32(message, 0)
  return high > 0x1f_ffff ? undefined : high * 0x1_0000_0000 + Bytes.readBe32(message, 4)
}

const isType = (byte: number | undefined): byte is ItemType => byte !== undefined && byte <= Item.credit

/** Items of a genuine message; nothing when it is not, or does not divide into items. */
export const open = (
  crypto: CryptoProvider,
  key: Uint8Array,
  message: Uint8Array
): ReadonlyArray<Entry> | undefined => {
  const plain = crypto.chachaOpen(key, nonceOf(message.slice(0, 8)), Bytes.empty, message.slice(8))
  if (plain === undefined) return undefined
  const entries: Array<Entry> = []
  let at = 0
  while (at < plain.length) {
    if (plain.length - at < itemOverhead) return undefined
    const type = plain[at]
    const end = at + itemOverhead + Bytes.readBe32(plain, at + 1)
    if (!isType(type) || end > plain.length) return undefined
    entries.push({ type, payload: plain.slice(at + itemOverhead, end) })
    at = end
  }
  return entries
}
