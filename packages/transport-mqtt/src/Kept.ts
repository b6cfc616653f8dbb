/**
 * Copies the steward leaves retained at the broker, for when it cannot be asked: chains of manifests, and bundles without one-time keys.
 *
 * Spec: docs/spec/18-mqtt.md §18.6 (rules mqtt.kept.1–3).
 * Found and read only by whoever knows the account id, and the device id for a bundle; both are random. There is none by user name: names
 * can be guessed. Verifies nothing: what they hold is signed, and callers check.
 */
import { Bytes, type CryptoProvider, Layout, Limits } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import * as Labels from "./Labels.ts"
import * as Topics from "./Topics.ts"

/** Longest content of a copy, in bytes. A longer chain has none. */
export const maxKeptBytes = 65_536

const saltBytes = 16
const onceNonce = new Uint8Array(12)

const Chain = Layout.list(Layout.bytes({ min: 1, max: Limits.maxManifestBytes }), { max: 4_096 })

/** What finds and opens the copy of an account's manifests. */
export const ofAccount = (account: Uint8Array): Uint8Array => account

/** What finds and opens the copy of a device's bundle. */
export const ofDevice = (account: Uint8Array, device: Uint8Array): Uint8Array => Bytes.concat(account, device)

/** A chain as content of a copy; nothing when it is too long for one. */
export const encodeChain = (manifests: ReadonlyArray<Uint8Array>): Uint8Array | undefined => {
  const bytes = Chain.encode(manifests)
  return bytes.length > maxKeptBytes ? undefined : bytes
}

export const decodeChain = (bytes: Uint8Array): ReadonlyArray<Uint8Array> | undefined =>
  Result.getOrUndefined(Chain.decode(bytes))

/** Topic and payload of a copy. `salt` is 16 fresh bytes. Without content the payload is empty, which removes the copy. */
export const seal = (
  crypto: CryptoProvider,
  root: string,
  options: { readonly secret: Uint8Array; readonly salt: Uint8Array; readonly content: Uint8Array | undefined }
): readonly [topic: string, payload: Uint8Array] => {
  const { content, salt, secret } = options
  const topic = Topics.retained(crypto, root, secret)
  if (content === undefined) return [topic, Bytes.empty]
  const key = crypto.hmacSha256(secret, Bytes.concat(Labels.retainedKey, salt))
  return [topic, Bytes.concat(salt, crypto.chachaSeal(key, onceNonce, Bytes.utf8Encode(topic), content))]
}

/** Content of a copy found under `topic`; nothing when it is not genuine. */
export const open = (
  crypto: CryptoProvider,
  secret: Uint8Array,
  topic: string,
  payload: Uint8Array
): Uint8Array | undefined => {
  if (payload.length < saltBytes) return undefined
  const key = crypto.hmacSha256(secret, Bytes.concat(Labels.retainedKey, payload.slice(0, saltBytes)))
  return crypto.chachaOpen(key, onceNonce, Bytes.utf8Encode(topic), payload.slice(saltBytes))
}
