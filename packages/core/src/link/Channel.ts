/**
 * The channel of a linking: commitment, transcript, keys, and messages sealed under them.
 *
 * Spec: docs/spec/19-linking.md §19.3.
 * Vectors: vectors/linking.
 * Does not know who is at the other end: that is what the challenge is for.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import type { Challenge } from "./Decision.ts"
import { fail, type LinkFailure } from "./LinkFailure.ts"

/** The key of one direction and how many messages it has sealed. */
export interface Direction {
  readonly key: Uint8Array
  readonly count: number
}

/** Keys of both directions, as one end uses them. */
export interface Keys {
  readonly send: Direction
  readonly receive: Direction
}

/** What both ends share once the joiner revealed its keys. */
export interface Channel {
  /** 32 bytes: all that was said before. */
  readonly transcript: Uint8Array
  /** 32 bytes, from which the final keys come. */
  readonly base: Uint8Array
  readonly keys: Keys
}

/** Which end somebody is: the device that has the account key, or the one that is linked. */
export type End = "old" | "new"

const whole = Layout.bytes({ max: Limits.maxLinkFrameBytes })
const Committed = Layout.tuple({ invitation: whole, reveal: whole })
const Spoken = Layout.tuple({ invitation: whole, hello: whole, answer: whole, reveal: whole })

/** What travelled before the channel: the invitation and three frames. */
export type Spoken = Layout.Type<typeof Spoken>

/** The commitment (32 bytes) to a reveal frame (rule link.commit.1). */
export const commitment = (crypto: CryptoProvider, invitation: Uint8Array, reveal: Uint8Array): Uint8Array =>
  crypto.sha256(Labels.prefixed(Labels.linkCommitment, Committed.encode({ invitation, reveal })))

/** T (rule link.transcript.1). */
export const transcript = (crypto: CryptoProvider, spoken: Spoken): Uint8Array =>
  crypto.sha256(Labels.prefixed(Labels.linkTranscript, Spoken.encode(spoken)))

/**
 * The channel as `end` has it, out of the agreement of the two ephemeral keys and that of old's ephemeral with new's agreement key, as
 * {@link CryptoProvider.x25519} gives them. Fails with `auth.low-order`.
 */
export const agree = (
  crypto: CryptoProvider,
  end: End,
  transcript: Uint8Array,
  ephemerals: Uint8Array | undefined,
  identity: Uint8Array | undefined
): Result.Result<Channel, LinkFailure> => {
  if (ephemerals === undefined || identity === undefined) return fail("auth.low-order")
  const ikm = Bytes.concat(ephemerals, identity)
  const out = crypto.hkdfSha256(ikm, transcript, Labels.prefixed(Labels.linkChannel), 96)
  const channel = { transcript, base: out.slice(64), keys: keysOf(end, out) }
  Bytes.wipe(ikm, out)
  return Result.succeed(channel)
}

/** What both ends have once the challenge succeeded. */
export interface Final {
  readonly keys: Keys
  /** Key (32 bytes) under which the account's secrets are handed over. */
  readonly handover: Uint8Array
}

/** Final keys as `end` has them (rule link.keys.3); `proved` is c. */
export const finalKeys = (
  crypto: CryptoProvider,
  end: End,
  { base, transcript }: Channel,
  challenge: Challenge,
  proved: Uint8Array
): Final => {
  const ikm = Bytes.concat(base, proved)
  const info = Labels.prefixed(Labels.linkFinal, Bytes.be8(challenge))
  const out = crypto.hkdfSha256(ikm, transcript, info, 96)
  const final = { keys: keysOf(end, out), handover: out.slice(64) }
  Bytes.wipe(ikm, out)
  return final
}

/** Under what an account's secrets are sealed, as the port KeyCustody takes it. */
export interface Handover {
  /** 32 bytes, for this once. */
  readonly key: Uint8Array
  readonly ad: Uint8Array
}

/** Rule link.payload.2. */
export const handover = ({ transcript }: Channel, final: Final): Handover => ({
  key: final.handover,
  ad: Labels.prefixed(Labels.linkHandover, transcript)
})

/** Old's key comes first. */
const keysOf = (end: End, out: Uint8Array): Keys => {
  const [old, joiner] = [
    { key: out.slice(0, 32), count: 0 },
    { key: out.slice(32, 64), count: 0 }
  ]
  return end === "old" ? { send: old, receive: joiner } : { send: joiner, receive: old }
}

const nonce = (count: number): Uint8Array => Bytes.concat(new Uint8Array(4), Bytes.be64(count))

/** A sealed message, with the keys for the one after it. */
export const seal = (
  crypto: CryptoProvider,
  transcript: Uint8Array,
  keys: Keys,
  plaintext: Uint8Array
): { readonly ciphertext: Uint8Array; readonly keys: Keys } => ({
  ciphertext: crypto.chachaSeal(keys.send.key, nonce(keys.send.count), transcript, plaintext),
  keys: { ...keys, send: { key: keys.send.key, count: keys.send.count + 1 } }
})

/** Opens the next message of the other end. Fails with `auth.tag`. */
export const open = (
  crypto: CryptoProvider,
  transcript: Uint8Array,
  keys: Keys,
  ciphertext: Uint8Array
): Result.Result<{ readonly plaintext: Uint8Array; readonly keys: Keys }, LinkFailure> => {
  const plaintext = crypto.chachaOpen(keys.receive.key, nonce(keys.receive.count), transcript, ciphertext)
  if (plaintext === undefined) return fail("auth.tag")
  return Result.succeed({
    plaintext,
    keys: { ...keys, receive: { key: keys.receive.key, count: keys.receive.count + 1 } }
  })
}

/** The secrets of a channel. */
export const secretsOf = ({ base, keys }: Channel): ReadonlyArray<Uint8Array> => [base, keys.receive.key, keys.send.key]

/** The secrets of what follows the challenge. */
export const finalSecretsOf = ({ handover, keys }: Final): ReadonlyArray<Uint8Array> => [
  keys.receive.key,
  keys.send.key,
  handover
]
