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
import * as Challenge from "./Challenge.ts"
import * as Channel from "./Channel.ts"
import * as Cpace from "./Cpace.ts"
import * as Decision from "./Decision.ts"
import * as Frame from "./Frame.ts"
import * as Invitation from "./Invitation.ts"
import { fail, type LinkFailure } from "./LinkFailure.ts"
import type {
  Aborted,
  Agreed,
  Coins,
  Event,
  Finishing,
  Joined,
  Keys,
  Linked,
  Proved,
  Received,
  Shared,
  Showing,
  Signing,
  State
} from "./JoinState.ts"
import * as Payload from "./Payload.ts"

export type { Coins, Event, Keys, State } from "./JoinState.ts"
export type Step = Frame.Step<State, Event>
type Outcome = Result.Result<Step, LinkFailure>

/** The challenge that an invitation's linking would have. Fails with `link.no-challenge`; then the slot is not to be joined. */
export const challengeOf = (
  invitation: Invitation.LinkInvitation,
  able: Decision.Abilities
): Result.Result<Decision.Challenge, LinkFailure> => {
  const challenge = Decision.choose(invitation.link.offers, Decision.takes(able))
  return challenge === undefined ? fail("link.no-challenge") : Result.succeed(challenge)
}

/**
 * Joins the slot of an invitation that {@link Invitation.verifyLink} gave: hello goes out. Fails with `link.expired` or
 * `link.no-challenge`; then the slot is not to be joined.
 */
export const begin = (
  crypto: CryptoProvider,
  invitation: Invitation.LinkInvitation,
  able: Decision.Abilities,
  keys: Keys,
  coins: Coins,
  now: number
): Outcome => {
  if (coins.shares.length !== Limits.maxPinAttempts) return defect("a linking has three scalars")
  if (Invitation.isExpired(invitation, now)) return fail("link.expired")
  const challenge = challengeOf(invitation, able)
  if (Result.isFailure(challenge)) return Result.fail(challenge.failure)
  const { agreement, device } = keys
  const ephemeral = crypto.x25519PublicKey(coins.ephemeral)
  const takes = Decision.takes(able)
  const reveal = Frame.Frame.encode({ kind: 3, nonce: coins.nonce, ephemeral, device, agreement, takes })
  const hello = Frame.Frame.encode({ kind: 1, commitment: Channel.commitment(crypto, invitation.bytes, reveal) })
  const start = { invitation, coins, challenge: challenge.success, keys }
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
      return "channel" in at &&
        (at.channel.keys.receive.count > 0 || ("final" in at && at.final.keys.receive.count > 0))
        ? fail("link.state")
        : Result.succeed(end(at, Frame.reasonOf(frame.reason), "other"))
    default:
      return fail("link.state")
  }
}

/** The device key's signature (64 bytes) over what `Sign` asked for: ready goes out, and the challenge begins. */
export const signed = (crypto: CryptoProvider, state: State, signature: Uint8Array, now: number): Outcome => {
  const ready = live(state, now)
  if (Result.isFailure(ready)) return Result.fail(ready.failure)
  const at = ready.success
  if (at._tag !== "Signing") return fail("link.state")
  const { start } = at
  const { challenge, coins } = start
  const [frame, channel] = seal(crypto, at, { kind: 1, signature })
  const { transcript } = channel
  const out = [frame]
  switch (challenge) {
    case 1: {
      const final = Channel.finalKeys(crypto, "new", channel, challenge, coins.secret)
      const code = Challenge.encodeCode(crypto, transcript, coins.secret)
      const next: State = { _tag: "Showing", start, channel, final }
      return Result.succeed({ next, out, events: [{ _tag: "ShowCode", code }], consumed: [coins.secret] })
    }
    case 2:
      return Result.succeed({ ...quiet({ _tag: "Waiting", start, channel }), out })
    case 3: {
      const digits = Challenge.digits(crypto, transcript)
      const next: State = { _tag: "Comparing", start, channel }
      return Result.succeed({ next, out, events: [{ _tag: "CompareDigits", digits }], consumed: [] })
    }
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
  const bound = Challenge.pinChannel(crypto, start.invitation.device, start.keys.device, channel.transcript, attempt)
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
  const [frame, after] = seal(crypto, at, { kind: 3, share, tag })
  const next: State = { _tag: "Proved", start, channel: after, attempt, final }
  return Result.succeed({ next, out: [frame], events: [], consumed: [isk, base, scalar] })
}

/** Challenge 3: the user says that both show the same digits. */
export const confirm = (crypto: CryptoProvider, state: State, now: number): Outcome => {
  const ready = live(state, now)
  if (Result.isFailure(ready)) return Result.fail(ready.failure)
  const at = ready.success
  if (at._tag !== "Comparing") return fail("link.state")
  const final = Channel.finalKeys(crypto, "new", at.channel, at.start.challenge, Bytes.empty)
  const [frame, channel] = seal(crypto, at, { kind: 4 })
  const next: State = { ...at, _tag: "Agreed", channel, final }
  return Result.succeed({ next, out: [frame], events: [], consumed: [] })
}

/** Says that the device is registered. */
export const finish = (crypto: CryptoProvider, state: State, now: number): Outcome => {
  const ready = live(state, now)
  if (Result.isFailure(ready)) return Result.fail(ready.failure)
  const at = ready.success
  if (at._tag !== "Received") return fail("link.state")
  const [frame, final] = sealFinal(crypto, at, { kind: 2 })
  return Result.succeed({ next: { ...at, _tag: "Finishing", final }, out: [frame], events: [], consumed: [] })
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

/** Everything is known now: the reveal goes out. */
const answered = (crypto: CryptoProvider, { hello, reveal, start }: Joined, answer: Uint8Array): Outcome => {
  const { coins, invitation, keys } = start
  const transcript = Channel.transcript(crypto, { invitation: invitation.bytes, hello, answer, reveal })
  const shared = crypto.x25519(coins.ephemeral, invitation.link.ephemeral)
  const agreed = Channel.agree(crypto, "new", transcript, shared, keys.shared)
  if (shared !== undefined) Bytes.wipe(shared)
  if (Result.isFailure(agreed)) return Result.fail(agreed.failure)
  const input = Labels.prefixed(Labels.linkDevice, transcript)
  const next: Signing = { _tag: "Signing", start, channel: agreed.success }
  return Result.succeed({ next, out: [reveal], events: [{ _tag: "Sign", input }], consumed: [] })
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
  const consumed = at._tag === "Proved" ? Channel.finalSecretsOf(at.final) : []
  return Result.succeed({
    next,
    out: [],
    events: [{ _tag: "AskPin", left: Limits.maxPinAttempts + 1 - attempt }],
    consumed
  })
}

const final = (crypto: CryptoProvider, before: WithFinal, ciphertext: Uint8Array): Outcome => {
  const opened = Channel.open(crypto, before.channel.transcript, before.final.keys, ciphertext)
  if (Result.isFailure(opened)) return Result.fail(opened.failure)
  const message = Frame.decodeFinal(opened.success.plaintext)
  if (Result.isFailure(message)) return Result.fail(message.failure)
  const at = { ...before, final: { ...before.final, keys: opened.success.keys } }
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
  const { invitation, keys } = start
  const agreed = { account: invitation.account, oldDevice: invitation.device, ...keys }
  const checked = Payload.check(crypto, agreed, bytes)
  if (Result.isFailure(checked)) return Result.fail(checked.failure)
  const next: State = { _tag: "Received", start, channel, final: at.final }
  return Result.succeed({
    next,
    out: [],
    events: [{ _tag: "Received", payload: checked.success, handover: Channel.handover(channel, at.final) }],
    consumed: [bytes]
  })
}

const seal = (
  crypto: CryptoProvider,
  { channel }: Shared,
  message: Frame.Message
): readonly [Uint8Array, Channel.Channel] => {
  const plaintext = Frame.Message.encode(message)
  const { ciphertext, keys } = Channel.seal(crypto, channel.transcript, channel.keys, plaintext)
  return [Frame.Frame.encode({ kind: 4, ciphertext }), { ...channel, keys }]
}

const sealFinal = (
  crypto: CryptoProvider,
  { channel, final }: WithFinal,
  message: Frame.FinalMessage
): readonly [Uint8Array, Channel.Final] => {
  const plaintext = Frame.FinalMessage.encode(message)
  const { ciphertext, keys } = Channel.seal(crypto, channel.transcript, final.keys, plaintext)
  return [Frame.Frame.encode({ kind: 5, ciphertext }), { ...final, keys }]
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
  const coins = [ephemeral, nonce, secret, ...shares, at.start.keys.shared]
  if (!("channel" in at)) return coins
  const shared = [...coins, ...Channel.secretsOf(at.channel)]
  return "final" in at ? [...shared, ...Channel.finalSecretsOf(at.final)] : shared
}
