/**
 * The old device's end of a linking: it invites, has a person make sure of the other end, and only then hands over.
 *
 * Spec: docs/spec/19-linking.md §19.7.
 * Vectors: vectors/linking.
 * Pure: frames in, frames out. Does not sign, publish, register, keep time, or carry frames. A state is never stored: a linking
 * that is interrupted is begun anew.
 *
 * Every step fails with a `LinkFailure` and then nothing has changed: drop the frame, or tell the user.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { defect } from "../base/Defect.ts"
import * as Limits from "../base/Limits.ts"
import * as Ed25519 from "../crypto/Ed25519.ts"
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
  Answered,
  Coins,
  Comparing,
  Event,
  Granted,
  Linked,
  Open,
  Proving,
  Revealed,
  State,
  Verified
} from "./OfferState.ts"
import * as Payload from "./Payload.ts"

/** What the invitation of a device is made of. */
export interface Options {
  readonly account: Uint8Array
  /** Device id of the old device. */
  readonly device: Uint8Array
  /** Address of the relay at which the slot is. */
  readonly relay: string
  /** ms; the invitation serves from here on for `lifetime`. */
  readonly now: number
  /** ms, at most 10 minutes. */
  readonly lifetime: number
  /** What the old device can do: {@link Decision.offers} of it is not empty. */
  readonly able: Decision.Abilities
}

export type { Coins, Event, State } from "./OfferState.ts"
export type Step = Frame.Step<State, Event>
type Outcome = Result.Result<Step, LinkFailure>

/** The signed part of the invitation: sign {@link Invitation.signingInput} of it with the device key. */
export const draft = (crypto: CryptoProvider, options: Options, coins: Coins): Uint8Array => {
  const { able, account, device, lifetime, now, relay } = options
  const offers = Decision.offers(able)
  if (!(lifetime > 0 && lifetime <= Limits.maxLinkLifetimeMs)) return defect("an invitation serves up to 10 minutes")
  const details = Invitation.encodeLink({
    slot: coins.slot,
    ephemeral: crypto.x25519PublicKey(coins.ephemeral),
    offers
  })
  return Invitation.encodeBody({
    purpose: Invitation.purposes.device,
    account,
    device,
    relay,
    issuedAt: now,
    expiresAt: now + lifetime,
    singleUse: true,
    details
  })
}

/**
 * The first state, out of the signed invitation and the coins it was made with. `agreement` is the old device's agreement key, `pinDigits`
 * 6, 7 or 8. An invitation that is not one's own is a defect.
 */
export const begin = (
  crypto: CryptoProvider,
  invitation: Uint8Array,
  agreement: Uint8Array,
  coins: Coins,
  pinDigits = 6
): Open => {
  const read = Invitation.verifyLink(crypto, invitation, 0)
  if (Result.isFailure(read)) return defect("the invitation does not verify")
  if (!Bytes.equal(read.success.link.ephemeral, crypto.x25519PublicKey(coins.ephemeral)))
    return defect("the invitation was made with other coins")
  if (coins.shares.length !== Limits.maxPinAttempts) return defect("a linking has three scalars")
  return { _tag: "Open", start: { invitation: read.success, coins, agreement, pinDigits } }
}

/** Takes the next frame of the slot. `now` is ms. */
export const receive = (crypto: CryptoProvider, state: State, bytes: Uint8Array, now: number): Outcome => {
  const ready = live(state, now)
  if (Result.isFailure(ready)) return Result.fail(ready.failure)
  const decoded = Frame.decode(bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const [at, frame] = [ready.success, decoded.success]
  switch (frame.kind) {
    case 1:
      return at._tag === "Open" ? answer(at, bytes) : fail("link.used")
    case 3:
      return at._tag === "Answered" ? reveal(crypto, at, frame, bytes) : fail("link.state")
    case 4:
      return "channel" in at ? sealed(crypto, at, frame.ciphertext) : fail("link.state")
    case 5:
      return "final" in at ? final(crypto, at, frame.ciphertext) : fail("link.state")
    case 6:
      // Rule link.abort.2.
      return "channel" in at && at.channel.keys.receive.count > 0
        ? fail("link.state")
        : Result.succeed(end(at, Frame.reasonOf(frame.reason), "other"))
    default:
      return fail("link.state")
  }
}

/** Challenge 1: the code that was scanned, as bytes (`LinkText.parse` reads them out of a text). */
export const scanned = (crypto: CryptoProvider, state: State, code: Uint8Array, now: number): Outcome => {
  const ready = live(state, now)
  if (Result.isFailure(ready)) return Result.fail(ready.failure)
  const at = ready.success
  if (at._tag !== "Scanning") return fail("link.state")
  const secret = Challenge.checkCode(crypto, at.channel.transcript, code)
  return Result.isFailure(secret) ? Result.fail(secret.failure) : Result.succeed(verified(crypto, at, secret.success))
}

/** Challenge 3: the user says that both show the same digits. */
export const confirm = (crypto: CryptoProvider, state: State, now: number): Outcome => {
  const ready = live(state, now)
  if (Result.isFailure(ready)) return Result.fail(ready.failure)
  const at = ready.success
  if (at._tag !== "Comparing" || at.confirmed) return fail("link.state")
  return Result.succeed(compared(crypto, { ...at, confirmed: true }))
}

/**
 * Hands the payload over, after the manifest in it was published. Fails with what the new device would refuse it for
 * ({@link Payload.check}).
 */
export const grant = (crypto: CryptoProvider, state: State, payload: Payload.Payload, now: number): Outcome => {
  const ready = live(state, now)
  if (Result.isFailure(ready)) return Result.fail(ready.failure)
  const at = ready.success
  if (at._tag !== "Verified") return fail("link.state")
  const bytes = Payload.encode(payload)
  const { invitation } = at.start
  const agreed = {
    account: invitation.account,
    oldDevice: invitation.device,
    device: at.device,
    agreement: at.agreement
  }
  const checked = Payload.check(crypto, agreed, bytes)
  if (Result.isFailure(checked)) return Result.fail(checked.failure)
  const [frame, keys] = sealFinal(crypto, at, { kind: 1, payload: bytes })
  return Result.succeed({
    next: { ...at, _tag: "Granted", final: { ...at.final, keys } },
    out: [frame],
    events: [],
    consumed: [bytes]
  })
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
type WithChannel = Exclude<Live, Open | Answered>

const quiet = (next: State): Step => ({ next, out: [], events: [], consumed: [] })

/** Rules link.frame.2 and link.frame.3. */
const live = (state: State, now: number): Result.Result<Live, LinkFailure> => {
  if (state._tag === "Linked" || state._tag === "Aborted") return fail("link.closed")
  return Invitation.isExpired(state.start.invitation, now) ? fail("link.expired") : Result.succeed(state)
}

const answer = ({ start }: Open, hello: Uint8Array): Outcome => {
  const frame = Frame.Frame.encode({ kind: 2, nonce: start.coins.nonce })
  const next: State = { _tag: "Answered", start, hello: hello.slice(), answer: frame }
  return Result.succeed({ next, out: [frame], events: [{ _tag: "Joined" }], consumed: [] })
}

const reveal = (crypto: CryptoProvider, at: Answered, frame: Frame.Reveal, bytes: Uint8Array): Outcome => {
  const { answer, hello, start } = at
  const { invitation } = start
  const { agreement, device, ephemeral, takes } = frame
  const committed = Frame.Frame.decode(hello)
  const commitment = Channel.commitment(crypto, invitation.bytes, bytes)
  if (
    Result.isFailure(committed) ||
    committed.success.kind !== 1 ||
    !Bytes.equal(committed.success.commitment, commitment)
  )
    return fail("link.commitment")
  if (!Decision.isAscending(takes)) return fail("decode.noncanonical")
  const challenge = Decision.choose(invitation.link.offers, takes)
  if (challenge === undefined) return fail("link.no-challenge")
  // Rule link.reflect.1.
  if (
    Bytes.equal(device, invitation.device) ||
    Bytes.equal(ephemeral, invitation.link.ephemeral) ||
    Bytes.equal(agreement, start.agreement)
  )
    return fail("link.reflected")
  if (!Ed25519.isPlainPublicKey(device) || X25519.isSmallOrder(agreement)) return fail("auth.low-order")
  const spoken = { invitation: invitation.bytes, hello, answer, reveal: bytes }
  const transcript = Channel.transcript(crypto, spoken)
  const secret = start.coins.ephemeral
  const [first, second] = [crypto.x25519(secret, ephemeral), crypto.x25519(secret, agreement)]
  const agreed = Channel.agree(crypto, "old", transcript, first, second)
  for (const secret of [first, second]) if (secret !== undefined) Bytes.wipe(secret)
  if (Result.isFailure(agreed)) return Result.fail(agreed.failure)
  return Result.succeed(quiet({ _tag: "Revealed", start, channel: agreed.success, challenge, device, agreement }))
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
  if (success.kind === 1 && at._tag === "Revealed") return ready(crypto, at, success.signature)
  if (success.kind === 3 && at._tag === "Proving") return proof(crypto, at, success.share, success.tag)
  if (success.kind === 4 && at._tag === "Comparing" && !at.agreed)
    return Result.succeed(compared(crypto, { ...at, agreed: true }))
  return fail("link.state")
}

/** Rule link.ready.1. */
const ready = (crypto: CryptoProvider, at: Revealed, signature: Uint8Array): Outcome => {
  const { transcript } = at.channel
  const input = Labels.prefixed(Labels.linkDevice, transcript)
  if (!crypto.ed25519Verify(at.device, input, signature)) return fail("link.device")
  switch (at.challenge) {
    case 1:
      return Result.succeed({ ...quiet({ ...at, _tag: "Scanning" }), events: [{ _tag: "ScanCode" }] })
    case 2: {
      const pin = Challenge.pin(at.start.coins.pin, at.start.pinDigits)
      const step = attempt(crypto, { ...at, _tag: "Proving", pin, attempt: 1 })
      return Result.succeed({ ...step, events: [{ _tag: "ShowPin", pin, left: Limits.maxPinAttempts }] })
    }
    case 3: {
      const digits = Challenge.digits(crypto, transcript)
      const next: State = { ...at, _tag: "Comparing", confirmed: false, agreed: false }
      return Result.succeed({ ...quiet(next), events: [{ _tag: "CompareDigits", digits }] })
    }
  }
}

/** One's own side of an attempt: scalar, share, and what CPace is bound to. */
const own = (crypto: CryptoProvider, at: Proving) => {
  const bound = Challenge.pinChannel(crypto, at.start.invitation.device, at.device, at.channel.transcript, at.attempt)
  const scalar = at.start.coins.shares[at.attempt - 1]!
  const base = Cpace.generator(crypto, Bytes.utf8Encode(at.pin), bound)
  const share = Cpace.share(crypto, scalar, base) ?? defect("a generator is of low order")
  Bytes.wipe(base)
  return { bound, scalar, share }
}

/** Sends the share of the attempt that begins. */
const attempt = (crypto: CryptoProvider, at: Proving): Step => {
  const { share } = own(crypto, at)
  const [frame, keys] = seal(crypto, at, { kind: 2, attempt: at.attempt, share })
  return { ...quiet({ ...at, channel: { ...at.channel, keys } }), out: [frame] }
}

const proof = (crypto: CryptoProvider, at: Proving, share: Uint8Array, tag: Uint8Array): Outcome => {
  const mine = own(crypto, at)
  const [initiator, responder] = [
    { share: mine.share, ad: Bytes.empty },
    { share, ad: Bytes.empty }
  ]
  const isk = Cpace.sessionKey(crypto, "initiator", mine.scalar, mine.bound, initiator, responder)
  if (isk === undefined) return fail("auth.low-order")
  const expected = Cpace.confirmation(crypto, isk, mine.bound.sid, responder)
  if (Bytes.constantTimeEqual(tag, expected)) {
    const step = verified(crypto, at, isk)
    return Result.succeed({ ...step, consumed: [...step.consumed, isk] })
  }
  Bytes.wipe(isk)
  // Rule link.attempt.1.
  const left = Limits.maxPinAttempts - at.attempt
  const wrong: Event = { _tag: "WrongPin", left }
  if (left === 0) {
    const step = abort(crypto, at, "attempts")
    return Result.succeed({ ...step, events: [wrong, ...step.events] })
  }
  const step = attempt(crypto, { ...at, attempt: at.attempt + 1 })
  return Result.succeed({ ...step, events: [wrong, { _tag: "ShowPin", pin: at.pin, left }] })
}

const compared = (crypto: CryptoProvider, at: Comparing): Step =>
  at.confirmed && at.agreed ? verified(crypto, at, Bytes.empty) : quiet(at)

const verified = (crypto: CryptoProvider, at: WithChannel, proved: Uint8Array): Step => {
  const { agreement, challenge, channel, device, start } = at
  const final = Channel.finalKeys(crypto, "old", channel, challenge, proved)
  const next: State = { _tag: "Verified", start, channel, challenge, device, agreement, final }
  const handover = Channel.handover(channel, final)
  return { ...quiet(next), events: [{ _tag: "Verified", device, agreement, handover }], consumed: [start.coins.pin] }
}

const final = (crypto: CryptoProvider, before: Verified | Granted, ciphertext: Uint8Array): Outcome => {
  const opened = Channel.open(crypto, before.channel.transcript, before.final.keys, ciphertext)
  if (Result.isFailure(opened)) return Result.fail(opened.failure)
  const message = Frame.decodeFinal(opened.success.plaintext)
  if (Result.isFailure(message)) return Result.fail(message.failure)
  const at = { ...before, final: { ...before.final, keys: opened.success.keys } }
  const { success } = message
  if (success.kind === 4) return Result.succeed(end(at, Frame.reasonOf(success.reason), "other"))
  if (success.kind !== 2 || at._tag !== "Granted") return fail("link.state")
  const { device } = at
  const [frame] = sealFinal(crypto, at, { kind: 3 })
  return Result.succeed({
    next: { _tag: "Linked", device },
    out: [frame],
    events: [{ _tag: "Linked", device }],
    consumed: secretsOf(at)
  })
}

const seal = (crypto: CryptoProvider, at: WithChannel, message: Frame.Message): readonly [Uint8Array, Channel.Keys] => {
  const { transcript } = at.channel
  const { ciphertext, keys } = Channel.seal(crypto, transcript, at.channel.keys, Frame.Message.encode(message))
  return [Frame.Frame.encode({ kind: 4, ciphertext }), keys]
}

const sealFinal = (
  crypto: CryptoProvider,
  at: Verified | Granted,
  message: Frame.FinalMessage
): readonly [Uint8Array, Channel.Keys] => {
  const plaintext = Frame.FinalMessage.encode(message)
  const { ciphertext, keys } = Channel.seal(crypto, at.channel.transcript, at.final.keys, plaintext)
  return [Frame.Frame.encode({ kind: 5, ciphertext }), keys]
}

/** Rule link.abort.2: said in the strongest way the state has. */
const farewell = (crypto: CryptoProvider, at: Live, reason: Frame.Reason): Uint8Array => {
  const number = Frame.reasons[reason]
  if (!("channel" in at)) return Frame.Frame.encode({ kind: 6, reason: number })
  return "final" in at
    ? sealFinal(crypto, at, { kind: 4, reason: number })[0]
    : seal(crypto, at, { kind: 5, reason: number })[0]
}

const end = (at: Live, reason: Frame.Reason, by: Frame.Ended["by"]): Step => {
  const device = "final" in at ? at.device : undefined
  const ended = { _tag: "Aborted", reason, by, device } as const
  return { next: ended, out: [], events: [ended], consumed: secretsOf(at) }
}

const secretsOf = (at: Live): ReadonlyArray<Uint8Array> => {
  const { ephemeral, nonce, pin, shares } = at.start.coins
  const coins = [ephemeral, nonce, pin, ...shares]
  if (!("channel" in at)) return coins
  const shared = [...coins, ...Channel.secretsOf(at.channel)]
  return "final" in at ? [...shared, ...Channel.finalSecretsOf(at.final)] : shared
}
