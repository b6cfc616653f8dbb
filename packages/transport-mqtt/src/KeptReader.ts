/**
 * Reads a retained copy, over a connection made for it.
 *
 * Spec: docs/spec/18-mqtt.md §18.6 (rule mqtt.kept.3).
 * Waits a moment for the copy: a broker does not say that there is none.
 */
import { type CryptoProvider } from "@tacit/core/hazmat"
import type { Address } from "./Address.ts"
import * as BrokerLink from "./BrokerLink.ts"
import * as Kept from "./Kept.ts"
import * as Topics from "./Topics.ts"

export interface KeptReaderOptions {
  readonly crypto: CryptoProvider
  readonly address: Address
  readonly protocol: BrokerLink.Protocol | "auto"
  readonly timeoutMs: number
}

/** How long a copy is waited for after the broker confirmed the subscription, in ms. */
const waitMs = 1_000

/** The copy's content; nothing when there is none, or it is not genuine. Rejects when the broker cannot be reached. */
export const read = async (options: KeptReaderOptions, secret: Uint8Array): Promise<Uint8Array | undefined> => {
  const { address, crypto, protocol, timeoutMs } = options
  const topic = Topics.retained(crypto, address.root, secret)
  const found: { done: (payload: Uint8Array | undefined) => void } = { done: () => undefined }
  const payload = new Promise<Uint8Array | undefined>((resolve) => (found.done = resolve))
  const broker = await BrokerLink.connect({
    address: address.broker,
    username: address.username,
    password: address.password,
    protocol,
    timeoutMs,
    keepaliveMs: 20_000,
    onMessage: (from, bytes) => {
      if (from === topic) found.done(bytes.slice())
    },
    onLost: () => found.done(undefined)
  })
  try {
    await broker.subscribe([topic])
    const timer = setTimeout(() => found.done(undefined), waitMs)
    const bytes = await payload
    clearTimeout(timer)
    return bytes && Kept.open(crypto, secret, topic, bytes)
  } finally {
    await broker.end()
  }
}
