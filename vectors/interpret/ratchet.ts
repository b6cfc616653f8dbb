/**
 * F07: one party of a ratcheted conversation.
 *
 * Spec: docs/spec/06-ratchet.md.
 * Vectors: vectors/ratchet.
 */
import { DoubleRatchet, HeaderKey, RatchetState, SkippedKeys, Suite, type CryptoProvider } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { ok, reject, type Actors, type Answer } from "./outcome.ts"
import { hex, type Input, type Json } from "./values.ts"

interface Held {
  state: RatchetState.RatchetState
  skipped: SkippedKeys.SkippedKeys
}

const suiteOf = (input: Input): Suite.SuiteId => {
  const suite = input.number("suite")
  if (!Suite.isSuiteId(suite)) throw new Error("no such suite")
  return suite
}

const agreed = (input: Input): RatchetState.Agreed => ({
  suite: suiteOf(input),
  ad: input.bytes("ad"),
  rootKey: input.bytes("rootKey"),
  initiatorHeader: input.bytes("initiatorHeader"),
  responderHeader: input.bytes("responderHeader")
})

const restore = (crypto: CryptoProvider, input: Input): RatchetState.RatchetState => {
  const suite = suiteOf(input)
  const ad = input.bytes("ad")
  const header = (name: string): HeaderKey.HeaderKey => HeaderKey.make(crypto, suite, ad, input.bytes(name))
  return {
    suite,
    ad,
    rootKey: input.bytes("rootKey"),
    ratchetSecret: input.bytes("ratchetSecret"),
    ratchetPublic: crypto.x25519PublicKey(input.bytes("ratchetSecret")),
    peerRatchet: input.bytes("peerRatchet"),
    sendChain: input.bytes("sendChain"),
    sendHeader: header("sendHeader"),
    nextSendHeader: input.bytes("nextSendHeader"),
    receiveChain: input.maybe("receiveChain"),
    receiveHeader: input.has("receiveHeader") ? header("receiveHeader") : undefined,
    nextReceiveHeader: header("nextReceiveHeader"),
    sent: input.number("sent"),
    received: input.number("received"),
    previous: input.number("previous"),
    skipped: 0
  }
}

/** The skipped keys, with the tag and number that a store would have in their names. */
const records = (skipped: SkippedKeys.SkippedKeys): ReadonlyArray<SkippedKeys.SkippedKey> =>
  skipped.oldest(skipped.count)

const open = (crypto: CryptoProvider, held: Held, input: Input, now: number): Answer => {
  const message = input.bytes("message")
  const kept = hex(message)
  const at = input.has("now") ? input.number("now") : now
  const opened = DoubleRatchet.open(crypto, held.state, held.skipped, input.bytes("prefix"), message, at)
  if (hex(message) !== kept) throw new Error("the message was changed")
  if (Result.isFailure(opened)) return reject(opened.failure.cause)
  const { delta, late, padded } = opened.success
  const out = { padded: hex(padded), late }
  if (opened.success.turning) {
    const turned = DoubleRatchet.turn(crypto, opened.success.half, input.bytes("fresh"))
    if (Result.isFailure(turned)) throw new Error(turned.failure.cause)
    held.state = turned.success.next
  } else held.state = opened.success.next
  held.skipped.apply(delta)
  return ok(out)
}

const reload = (crypto: CryptoProvider, held: Held): Answer => {
  const bytes = RatchetState.encode(held.state)
  const state = RatchetState.decode(crypto, bytes)
  if (Result.isFailure(state)) throw new Error("the state's record is unreadable")
  if (hex(RatchetState.encode(state.success)) !== hex(bytes)) throw new Error("the state's record changed")
  const stored = records(held.skipped).map((key) => ({ number: key.number, bytes: SkippedKeys.encode(key) }))
  // Whatever order a store lists its records in.
  const skipped = SkippedKeys.decodeAll(crypto, held.state.suite, held.state.ad, stored.toReversed())
  if (Result.isFailure(skipped)) throw new Error("a skipped key's record is unreadable")
  held.state = state.success
  held.skipped = skipped.success
  return ok({})
}

const seal = (crypto: CryptoProvider, held: Held, input: Input): Answer => {
  const sealed = DoubleRatchet.seal(
    crypto,
    held.state,
    input.bytes("prefix"),
    input.bytes("padded"),
    input.bytes("nonce")
  )
  if (Result.isFailure(sealed)) return reject(sealed.failure.cause)
  held.state = sealed.success.next
  return ok({ message: hex(sealed.success.message) })
}

export const actors: Actors = (crypto) => {
  let held: Held | undefined
  const begin = (state: RatchetState.RatchetState): Answer => {
    held = { state, skipped: SkippedKeys.make() }
    return ok({ ratchetKey: hex(state.ratchetPublic) })
  }
  return {
    snapshot: (): Json =>
      held === undefined
        ? null
        : [
            hex(RatchetState.encode(held.state)),
            ...records(held.skipped).map((key) => [key.number, hex(SkippedKeys.encode(key))])
          ],
    step: (name, input, now) => {
      if (name === "ratchet.initiate") {
        const state = RatchetState.initiate(
          crypto,
          agreed(input),
          input.bytes("ratchetSecret"),
          input.bytes("peerRatchet")
        )
        return Result.isFailure(state) ? reject(state.failure.cause) : begin(state.success)
      }
      if (name === "ratchet.respond") {
        const secret = input.bytes("ratchetSecret")
        return begin(RatchetState.respond(crypto, agreed(input), secret, crypto.x25519PublicKey(secret)))
      }
      if (name === "ratchet.restore") return begin(restore(crypto, input))
      if (held === undefined) throw new Error("no state")
      if (name === "ratchet.seal") return seal(crypto, held, input)
      if (name === "ratchet.open") return open(crypto, held, input, now)
      if (name === "ratchet.reload") return reload(crypto, held)
      if (name === "ratchet.state") {
        const { previous, received, sent } = held.state
        return ok({ sent, received, previous, stored: held.skipped.count })
      }
      throw new Error(`no step ${name}`)
    }
  }
}
