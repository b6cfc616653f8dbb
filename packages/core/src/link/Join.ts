/**
 * The new device's end of a linking: it joins the slot of an invitation, shows or types what the challenge asks for, and takes the payload.
 *
 * Spec: docs/spec/19-linking.md §19.7.
 * Vectors: vectors/linking.
 * Pure: frames in, frames out. Does not keep keys, register, keep time, or carry frames. A state is never stored: a linking that is
 * interrupted is begun anew, with other keys.
 *
 * Every step fails with a `LinkFailure` and then nothing has changed: drop the frame, or tell the user.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { defect } from "../base/Defect.ts"
import * as Limits from "../base/Limits.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as X25519 from "../crypto/X25519.ts"
import * as Device from "../identity/Device.ts"
import * as Challenge from "./Challenge.ts"
import * as Channel from "./Channel.ts"
import * as Cpace from "./Cpace.ts"
import * as Decision from "./Decision.ts"
import * as Frame from "./Frame.ts"
import * as Invitation from "./Invitation.ts"
import { fail, type LinkFailure } from "./LinkFailure.ts"
import * as Payload from "./Payload.ts"

/** Keys and random values of one linking. The device's secrets stay the caller's; the rest is used up here. */
export interface Coins {
  /** `device.sign` and `device.agree`. */
  readonly device: Device.DeviceSecrets
  /** X25519 secret, 32 bytes: `link.eph`. */
  readonly ephemeral: Uint8Array
  /** 32 bytes: `link.nonce`. */
  readonly nonce: Uint8Array
  /** 16 bytes: `link.secret`. */
  readonly secret: Uint8Array
  /** Scalars of the attempts, three of 32 bytes: `link.share`. */
  readonly shares: ReadonlyArray<Uint8Array>
}

/** What happened, or what the application is to do. */
export type Event =
  /** Show the code (as a QR code of {@link LinkText.format}), to be scanned by the old device. */
  | { readonly _tag: "ShowCode"; readonly code: Uint8Array }
  /** Ask for the PIN that the old device shows: {@link typed}. `left` attempts, this one included. */
  | { readonly _tag: "AskPin"; readonly left: number }
  /** Show the digits and ask whether the old device shows the same: {@link confirm}. */
  | { readonly _tag: "CompareDigits"; readonly digits: string }
  /** The payload came and fits: keep it, register, then {@link finish}. */
  | { readonly _tag: "Received"; readonly payload: Payload.Checked }
  /** The old device knows that it is done. */
  | { readonly _tag: "Linked" }
  | ({ readonly _tag: "Aborted" } & Frame.Ended)

/** What stays the same. */
export interface Start {
  readonly invitation: Invitation.LinkInvitation
  readonly coins: Coins
  readonly challenge: Decision.Challenge
  /** The device's public keys, 32 bytes each. */
  readonly device: Uint8Array
  readonly agreement: Uint8Array
}

/** Hello was said; the old device's nonce has not come. */
export interface Joined {
  readonly _tag: "Joined"
  readonly start: Start
  readonly hello: Uint8Array
  readonly reveal: Uint8Array
}

interface Shared {
  readonly start: Start
  readonly channel: Channel.Channel
}

/** Challenge 1: the code is shown. */
export interface Showing extends Shared {
  readonly _tag: "Showing"
  readonly final: Channel.Keys
}

/** Challenge 2: the old device's first share has not come. */
export interface Waiting extends Shared {
  readonly _tag: "Waiting"
}

/** Challenge 2: the PIN is to be typed. */
export interface Typing extends Shared {
  readonly _tag: "Typing"
  readonly attempt: number
  readonly share: Uint8Array
}

/** Challenge 2: the PIN was proved; whether it is right, the next frame tells. */
export interface Proved extends Shared {
  readonly _tag: "Proved"
  readonly attempt: number
  readonly final: Channel.Keys
}

/** Challenge 3: digits are shown. */
export interface Comparing extends Shared {
  readonly _tag: "Comparing"
}

/** Challenge 3: confirmed here. */
export interface Agreed extends Shared {
  readonly _tag: "Agreed"
  readonly final: Channel.Keys
}

/** The payload is there. */
export interface Received extends Shared {
  readonly _tag: "Received"
  readonly final: Channel.Keys
}

/** Registered, and said so. */
export interface Finishing extends Shared {
  readonly _tag: "Finishing"
  readonly final: Channel.Keys
}

/** The end: linked. */
export interface Linked {
  readonly _tag: "Linked"
}

/** The end: not linked. */
export interface Aborted extends Frame.Ended {
  readonly _tag: "Aborted"
}

export type State =
  | Joined
  | Showing
  | Waiting
  | Typing
  | Proved
  | Comparing
  | Agreed
  | Received
  | Finishing
  | Linked
  | Aborted

export type Step = Frame.Step<State, Event>
type Outcome = Result.Result<Step, LinkFailure>

/**
 * Joins the slot of an invitation (bytes, as `LinkText.parse` reads them): hello goes out. Fails as {@link Invitation.verifyLink} does, or
 * with `link.no-challenge`; then the slot is not to be joined.
 */
export const begin = (
  crypto: CryptoProvider,
  invitation: Uint8Array,
  able: Decision.Abilities,
  coins: Coins,
  now: number
): Outcome => {
  if (coins.shares.length !== Limits.maxPinAttempts) return defect("a linking has three scalars")
  const read = Invitation.verifyLink(crypto, invitation, now)
  if (Result.isFailure(read)) return Result.fail(read.failure)
  const takes = Decision.takes(able)
  const challenge = Decision.choose(read.success.link.offers, takes)
  if (challenge === undefined) return fail("link.no-challenge")
  const { agreement, device } = Device.derive(crypto, coins.device)
  const ephemeral = crypto.x25519PublicKey(coins.ephemeral)
  const reveal = Frame.Frame.encode({ kind: 3, nonce: coins.nonce, ephemeral, device, agreement, takes })
  const hello = Frame.Frame.encode({ kind: 1, commitment: Channel.commitment(crypto, read.success.bytes, reveal) })
  const start = { invitation: read.success, coins, challenge, device, agreement }
  return Result.succeed({ next: { _tag: "Joined", start, hello, reveal }, out: [hello], events: [], consumed: [] })
}

/** Takes the next frame of the slot. `now` is ms. */
export const receive = (crypto: CryptoProvider, state: State, bytes: Uint8Array, now: number): Outcome => {
  const ready = live(state, now)
  if (Result.isFailure(ready)) return Result.fail(ready.failure)
  const decoded = Frame.decode(bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const [at, frame] = [ready.success, decoded.success]
  switch (frame.kind) {
    case 2:
      return at._tag === "Joined" ? answered(crypto, at, bytes) : fail("link.state")
    case 4:
      return "channel" in at ? sealed(crypto, at, frame.ciphertext) : fail("link.state")
    case 5:
      return "final" in at ? final(crypto, at, frame.ciphertext) : fail("link.state")
    case 6:
      // Rule link.abort.2.
      return "channel" in at && (at.channel.keys.receive.count > 0 || ("final" in at && at.final.receive.count > 0))
        ? fail("link.state")
        : Result.succeed(end(at, Frame.reasonOf(frame.reason), "other"))
    default:
      return fail("link.state")
  }
}

/** Challenge 2: the PIN as it was typed. Fails with `decode.*` when it is none. */
export const typed = (crypto: CryptoProvider, state: State, text: string, now: number): Outcome => {
  const ready = live(state, now)
  if (Result.isFailure(ready)) return Result.fail(ready.failure)
  const at = ready.success
  if (at._tag !== "Typing") return fail("link.state")
  const pin = Challenge.parsePin(text)
  if (Result.isFailure(pin)) return Result.fail(pin.failure)
  const { attempt, channel, start } = at
  const scalar = start.coins.shares[attempt - 1]!
  const bound = Challenge.pinChannel(crypto, start.invitation.device, start.device, channel.transcript, attempt)
  const base = Cpace.generator(crypto, Bytes.utf8Encode(pin.success), bound)
  const share = Cpace.share(crypto, scalar, base) ?? defect("a generator is of low order")
  const [initiator, responder] = [
    { share: at.share, ad: Bytes.empty },
    { share, ad: Bytes.empty }
  ]
  const isk = Cpace.sessionKey(crypto, "responder", scalar, bound, initiator, responder)
  if (isk === undefined) return fail("auth.low-order")
  const tag = Cpace.confirmation(crypto, isk, bound.sid, responder)
  const final = Channel.finalKeys(crypto, "new", channel, start.challenge, isk)
  const [frame, keys] = seal(crypto, at, { kind: 3, share, tag })
  const next: State = { _tag: "Proved", start, channel: { ...channel, keys }, attempt, final }
  return Result.succeed({ next, out: [frame], events: [], consumed: [isk, base, scalar] })
}

/** Challenge 3: the user says that both show the same digits. */
export const confirm = (crypto: CryptoProvider, state: State, now: number): Outcome => {
  const ready = live(state, now)
  if (Result.isFailure(ready)) return Result.fail(ready.failure)
  const at = ready.success
  if (at._tag !== "Comparing") return fail("link.state")
  const final = Channel.finalKeys(crypto, "new", at.channel, at.start.challenge, Bytes.empty)
  const [frame, keys] = seal(crypto, at, { kind: 4 })
  const next: State = { ...at, _tag: "Agreed", channel: { ...at.channel, keys }, final }
  return Result.succeed({ next, out: [frame], events: [], consumed: [] })
}

/** Says that the device is registered. */
export const finish = (crypto: CryptoProvider, state: State, now: number): Outcome => {
  const ready = live(state, now)
  if (Result.isFailure(ready)) return Result.fail(ready.failure)
  const at = ready.success
  if (at._tag !== "Received") return fail("link.state")
  const [frame, keys] = sealFinal(crypto, at, { kind: 2 })
  return Result.succeed({ next: { ...at, _tag: "Finishing", final: keys }, out: [frame], events: [], consumed: [] })
}

/** Ends the linking, if it has not ended. Always possible; the other end is told. */
export const abort = (crypto: CryptoProvider, state: State, reason: Frame.Reason): Step => {
  if (state._tag === "Linked" || state._tag === "Aborted") return quiet(state)
  return { ...end(state, reason, "self"), out: [farewell(crypto, state, reason)] }
}

/** What the clock does: closes a linking that expired, else nothing. */
export const tick = (crypto: CryptoProvider, state: State, now: number): Step => {
  if (state._tag === "Linked" || state._tag === "Aborted") return quiet(state)
  return Invitation.isExpired(state.start.invitation, now) ? abort(crypto, state, "expired") : quiet(state)
}

type Live = Exclude<State, Linked | Aborted>
type WithChannel = Exclude<Live, Joined>
type WithFinal = Showing | Proved | Agreed | Received | Finishing

const quiet = (next: State): Step => ({ next, out: [], events: [], consumed: [] })

/** Rules link.frame.2 and link.frame.3. */
const live = (state: State, now: number): Result.Result<Live, LinkFailure> => {
  if (state._tag === "Linked" || state._tag === "Aborted") return fail("link.closed")
  return Invitation.isExpired(state.start.invitation, now) ? fail("link.expired") : Result.succeed(state)
}

/** Everything is known now: the channel, and what the challenge shows. */
const answered = (crypto: CryptoProvider, { hello, reveal, start }: Joined, answer: Uint8Array): Outcome => {
  const { challenge, coins, invitation } = start
  const transcript = Channel.transcript(crypto, { invitation: invitation.bytes, hello, answer, reveal })
  const theirs = invitation.link.ephemeral
  const agreed = Channel.agree(crypto, "new", transcript, [coins.ephemeral, theirs], [coins.device.agreement, theirs])
  if (Result.isFailure(agreed)) return Result.fail(agreed.failure)
  const signature = crypto.ed25519Sign(coins.device.signing, Labels.prefixed(Labels.linkDevice, transcript))
  const waiting: Waiting = { _tag: "Waiting", start, channel: agreed.success }
  const [ready, keys] = seal(crypto, waiting, { kind: 1, signature })
  const channel = { ...agreed.success, keys }
  const out = [reveal, ready]
  switch (challenge) {
    case 1: {
      const final = Channel.finalKeys(crypto, "new", channel, challenge, coins.secret)
      const code = Challenge.encodeCode(crypto, transcript, coins.secret)
      const next: State = { _tag: "Showing", start, channel, final }
      return Result.succeed({ next, out, events: [{ _tag: "ShowCode", code }], consumed: [coins.secret] })
    }
    case 2:
      return Result.succeed({ ...quiet({ ...waiting, channel }), out })
    case 3: {
      const digits = Challenge.digits(crypto, transcript)
      const next: State = { _tag: "Comparing", start, channel }
      return Result.succeed({ next, out, events: [{ _tag: "CompareDigits", digits }], consumed: [] })
    }
  }
}

const sealed = (crypto: CryptoProvider, before: WithChannel, ciphertext: Uint8Array): Outcome => {
  const { channel } = before
  const opened = Channel.open(crypto, channel.transcript, channel.keys, ciphertext)
  if (Result.isFailure(opened)) return Result.fail(opened.failure)
  const message = Frame.decodeMessage(opened.success.plaintext)
  if (Result.isFailure(message)) return Result.fail(message.failure)
  const at = { ...before, channel: { ...channel, keys: opened.success.keys } }
  const { success } = message
  if (success.kind === 5) return Result.succeed(end(at, Frame.reasonOf(success.reason), "other"))
  if (success.kind !== 2) return fail("link.state")
  // Rule link.attempt.1.
  const attempt = at._tag === "Waiting" ? 1 : at._tag === "Proved" ? at.attempt + 1 : undefined
  if (success.attempt !== attempt) return fail("link.state")
  if (X25519.isSmallOrder(success.share)) return fail("auth.low-order")
  const next: State = { _tag: "Typing", start: at.start, channel: at.channel, attempt, share: success.share }
  const consumed = at._tag === "Proved" ? Channel.secretsOf(at.final) : []
  return Result.succeed({
    next,
    out: [],
    events: [{ _tag: "AskPin", left: Limits.maxPinAttempts + 1 - attempt }],
    consumed
  })
}

const final = (crypto: CryptoProvider, before: WithFinal, ciphertext: Uint8Array): Outcome => {
  const opened = Channel.open(crypto, before.channel.transcript, before.final, ciphertext)
  if (Result.isFailure(opened)) return Result.fail(opened.failure)
  const message = Frame.decodeFinal(opened.success.plaintext)
  if (Result.isFailure(message)) return Result.fail(message.failure)
  const at = { ...before, final: opened.success.keys }
  const { success } = message
  switch (success.kind) {
    case 1:
      return at._tag === "Received" || at._tag === "Finishing" ? fail("link.state") : take(crypto, at, success.payload)
    case 3:
      if (at._tag !== "Finishing") return fail("link.state")
      return Result.succeed({
        next: { _tag: "Linked" },
        out: [],
        events: [{ _tag: "Linked" }],
        consumed: secretsOf(at)
      })
    case 4:
      return Result.succeed(end(at, Frame.reasonOf(success.reason), "other"))
    default:
      return fail("link.state")
  }
}

const take = (crypto: CryptoProvider, at: Showing | Proved | Agreed, bytes: Uint8Array): Outcome => {
  const { channel, start } = at
  const { agreement, device, invitation } = start
  const agreed = { account: invitation.account, oldDevice: invitation.device, device, agreement }
  const checked = Payload.check(crypto, agreed, bytes)
  if (Result.isFailure(checked)) return Result.fail(checked.failure)
  const next: State = { _tag: "Received", start, channel, final: at.final }
  return Result.succeed({
    next,
    out: [],
    events: [{ _tag: "Received", payload: checked.success }],
    consumed: [bytes]
  })
}

const seal = (crypto: CryptoProvider, at: WithChannel, message: Frame.Message): readonly [Uint8Array, Channel.Keys] => {
  const { transcript } = at.channel
  const { ciphertext, keys } = Channel.seal(crypto, transcript, at.channel.keys, Frame.Message.encode(message))
  return [Frame.Frame.encode({ kind: 4, ciphertext }), keys]
}

const sealFinal = (
  crypto: CryptoProvider,
  at: WithFinal,
  message: Frame.FinalMessage
): readonly [Uint8Array, Channel.Keys] => {
  const plaintext = Frame.FinalMessage.encode(message)
  const { ciphertext, keys } = Channel.seal(crypto, at.channel.transcript, at.final, plaintext)
  return [Frame.Frame.encode({ kind: 5, ciphertext }), keys]
}

/** Rule link.abort.2: final only once the old device has shown that it is that far. */
const farewell = (crypto: CryptoProvider, at: Live, reason: Frame.Reason): Uint8Array => {
  const number = Frame.reasons[reason]
  if (!("channel" in at)) return Frame.Frame.encode({ kind: 6, reason: number })
  return at._tag === "Received" || at._tag === "Finishing"
    ? sealFinal(crypto, at, { kind: 4, reason: number })[0]
    : seal(crypto, at, { kind: 5, reason: number })[0]
}

const end = (at: Live, reason: Frame.Reason, by: Frame.Ended["by"]): Step => {
  const ended = { _tag: "Aborted", reason, by } as const
  return { next: ended, out: [], events: [ended], consumed: secretsOf(at) }
}

const secretsOf = (at: Live): ReadonlyArray<Uint8Array> => {
  const { ephemeral, nonce, secret, shares } = at.start.coins
  const coins = [ephemeral, nonce, secret, ...shares]
  if (!("channel" in at)) return coins
  const keys = [at.channel.base, ...Channel.secretsOf(at.channel.keys)]
  return [...coins, ...keys, ...("final" in at ? Channel.secretsOf(at.final) : [])]
}
