/**
 * Every topic, in one place.
 *
 * Spec: docs/spec/18-mqtt.md §18.2 (rules mqtt.topic.1–3).
 * A topic names nobody: behind the root stand fixed words and 16 bytes in hex out of a keyed hash. Publishes nothing.
 */
import { Bytes, type CryptoProvider } from "@tacit/core/hazmat"
import * as Labels from "./Labels.ts"

/** Root when an address names none. */
export const defaultRoot = "tacit/1"

/** Whether a text can be a root: 1 to 64 characters, no wildcards, no empty level. */
export const isRoot = (root: string): boolean => root.length <= 64 && /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(root)

/** Where the steward's card is retained. */
export const card = (root: string): string => `${root}/steward`

/** Where links begin. */
export const knock = (root: string): string => `${root}/knock`

/** What the broker publishes when a client vanishes; `token` is 16 bytes. */
export const gone = (root: string, token: Uint8Array): string => `${root}/gone/${Bytes.toHex(token)}`

/** What a steward subscribes to. */
export const ofSteward = (root: string): ReadonlyArray<string> => [knock(root), `${root}/up/+`, `${root}/gone/+`]

/** A direction of a link. `up` is towards the steward. */
export type Direction = "up" | "down"

const idOf = (crypto: CryptoProvider, key: Uint8Array, ...context: ReadonlyArray<Uint8Array>): string =>
  Bytes.toHex(crypto.hmacSha256(key, Bytes.concat(...context)).subarray(0, 16))

/** Topic of a direction in an epoch, which counts from 0 at the beginning of the link. */
export const ofLink = (
  crypto: CryptoProvider,
  root: string,
  topicKey: Uint8Array,
  direction: Direction,
  epoch: number
): string => {
  const label = direction === "up" ? Labels.upTopic : Labels.downTopic
  return `${root}/${direction}/${idOf(crypto, topicKey, label, Bytes.be64(epoch))}`
}

/** Topic on which a knock is answered. */
export const answer = (crypto: CryptoProvider, root: string, topicKey: Uint8Array): string =>
  `${root}/down/${idOf(crypto, topicKey, Labels.answerTopic)}`

/** Topic of a retained copy: whoever knows `secret` finds it, and nobody learns `secret` from it. */
export const retained = (crypto: CryptoProvider, root: string, secret: Uint8Array): string =>
  `${root}/kept/${idOf(crypto, secret, Labels.retainedTopic)}`
