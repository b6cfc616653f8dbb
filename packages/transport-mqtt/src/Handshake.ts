/**
 * How a link gets its keys: the client knows the steward's key, the steward does not know the client.
 *
 * Spec: docs/spec/18-mqtt.md §18.4 (rules mqtt.link.1–4).
 * Two agreements: one with the steward's lasting key, which proves that it is the steward, and one between keys made for this link,
 * whose secrets are forgotten. Draws no randomness and sends nothing.
 */
import { Bytes, type CryptoProvider, Layout } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import * as Labels from "./Labels.ts"

const key32 = Layout.bytes({ length: 32 })
const Knock = Layout.tuple({ version: Layout.literal(1), key: key32, sealed: Layout.bytes({ length: 32 }) })
const Answer = Layout.tuple({ version: Layout.literal(1), key: key32, proof: Layout.bytes({ length: 16 }) })

/** Keys of 32 bytes: what each side seals under, and what topics are derived from. */
export interface LinkKeys {
  readonly up: Uint8Array
  readonly down: Uint8Array
}

/** A client's link before it was answered. */
export interface Knocking {
  /** What is published to knock. */
  readonly message: Uint8Array
  readonly topicKey: Uint8Array
  /** Keys out of the answer; nothing when it is not the steward's. */
  readonly finish: (answer: Uint8Array) => LinkKeys | undefined
}

/** A knock as the steward understands it. */
export interface Knocked {
  /** The client's fresh key: names the link. */
  readonly client: Uint8Array
  /** 16 bytes: what the broker announces when the client vanishes. */
  readonly gone: Uint8Array
  readonly topicKey: Uint8Array
  /** Answers with a fresh secret key of 32 bytes; nothing when the client's key is none. */
  readonly answer: (fresh: Uint8Array) => { readonly message: Uint8Array; readonly keys: LinkKeys } | undefined
}

/** Every key seals once or counts its nonces, so this one is for keys that seal once. */
const onceNonce = new Uint8Array(12)

const first = (crypto: CryptoProvider, steward: Uint8Array, client: Uint8Array, shared: Uint8Array) => {
  const prk = crypto.hkdfExtract(shared, crypto.sha256(Bytes.concat(Labels.knock, steward, client)))
  return {
    knockKey: crypto.hkdfExpand(prk, Labels.knockKey, 32),
    topicKey: crypto.hkdfExpand(prk, Labels.topicKey, 32)
  }
}

const second = (
  crypto: CryptoProvider,
  keys: { readonly steward: Uint8Array; readonly client: Uint8Array; readonly fresh: Uint8Array },
  shared: Uint8Array,
  freshShared: Uint8Array
) => {
  const salt = crypto.sha256(Bytes.concat(Labels.link, keys.steward, keys.client, keys.fresh))
  const prk = crypto.hkdfExtract(Bytes.concat(shared, freshShared), salt)
  return {
    answerKey: crypto.hkdfExpand(prk, Labels.answerKey, 32),
    up: crypto.hkdfExpand(prk, Labels.upKey, 32),
    down: crypto.hkdfExpand(prk, Labels.downKey, 32)
  }
}

/** Begins a link. `secret` is 32 fresh bytes, `gone` 16. Nothing when the steward's key is none. */
export const knock = (
  crypto: CryptoProvider,
  options: { readonly steward: Uint8Array; readonly secret: Uint8Array; readonly gone: Uint8Array }
): Knocking | undefined => {
  const { gone, secret, steward } = options
  const client = crypto.x25519PublicKey(secret)
  const shared = crypto.x25519(secret, steward)
  if (shared === undefined) return undefined
  const { knockKey, topicKey } = first(crypto, steward, client, shared)
  return {
    topicKey,
    message: Knock.encode({
      version: 1,
      key: client,
      sealed: crypto.chachaSeal(knockKey, onceNonce, Bytes.empty, gone)
    }),
    finish: (answer) => {
      const decoded = Result.getOrUndefined(Answer.decode(answer))
      const freshShared = decoded && crypto.x25519(secret, decoded.key)
      if (decoded === undefined || freshShared === undefined) return undefined
      const { answerKey, ...keys } = second(crypto, { steward, client, fresh: decoded.key }, shared, freshShared)
      return crypto.chachaOpen(answerKey, onceNonce, Bytes.empty, decoded.proof) && keys
    }
  }
}

/** Reads a knock with the steward's secret key; nothing when it is none for this steward. */
export const read = (
  crypto: CryptoProvider,
  steward: { readonly secret: Uint8Array; readonly key: Uint8Array },
  message: Uint8Array
): Knocked | undefined => {
  const decoded = Result.getOrUndefined(Knock.decode(message))
  const shared = decoded && crypto.x25519(steward.secret, decoded.key)
  if (decoded === undefined || shared === undefined) return undefined
  const client = decoded.key
  const { knockKey, topicKey } = first(crypto, steward.key, client, shared)
  const gone = crypto.chachaOpen(knockKey, onceNonce, Bytes.empty, decoded.sealed)
  if (gone === undefined) return undefined
  return {
    client,
    gone,
    topicKey,
    answer: (secret) => {
      const fresh = crypto.x25519PublicKey(secret)
      const freshShared = crypto.x25519(secret, client)
      if (freshShared === undefined) return undefined
      const { answerKey, ...keys } = second(crypto, { steward: steward.key, client, fresh }, shared, freshShared)
      const proof = crypto.chachaSeal(answerKey, onceNonce, Bytes.empty, Bytes.empty)
      return { message: Answer.encode({ version: 1, key: fresh, proof }), keys }
    }
  }
}
