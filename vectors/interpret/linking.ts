/**
 * F14: invitations, and the linking of a device.
 *
 * Spec: docs/spec/19-linking.md.
 * Vectors: vectors/linking.
 */
import {
  Bytes,
  type CryptoProvider,
  Cpace,
  Elligator2,
  Invitation,
  LinkChallenge,
  LinkChannel,
  LinkDecision,
  type LinkFailure,
  LinkFrame,
  LinkJoin,
  LinkOffer,
  LinkPayload,
  LinkText
} from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { ok, reject, type Actors, type Answer, type Operation } from "./outcome.ts"
import { hex, unhex, type Input, type Json } from "./values.ts"

const answer = <A>(result: Result.Result<A, LinkFailure>, give: (value: A) => Answer): Answer =>
  Result.isFailure(result) ? reject(result.failure.cause) : give(result.success)

const numbers = (input: Input, name: string): ReadonlyArray<number> => input.list(name) as ReadonlyArray<number>
const bytesIn = (input: Input, name: string): ReadonlyArray<Uint8Array> =>
  input.list(name).map((item) => unhex(item as string))

const invitation: Operation = (crypto, input) => {
  const [bytes, now] = [input.bytes("bytes"), input.number("now")]
  const purpose = input.number("purpose") as Invitation.Purpose
  const give = (read: Invitation.Invitation, details: Json): Answer =>
    ok({
      account: hex(read.account),
      device: hex(read.device),
      relay: read.relay,
      issuedAt: read.issuedAt,
      expiresAt: read.expiresAt,
      details
    })
  if (purpose !== Invitation.purposes.device)
    return answer(Invitation.verify(crypto, bytes, purpose, now), (read) => give(read, []))
  return answer(Invitation.verifyLink(crypto, bytes, now), (read) => {
    const { ephemeral, offers, slot } = read.link
    return give(read, [hex(slot), hex(ephemeral), [...offers]])
  })
}

const cpaceChannel = (input: Input): Cpace.Channel => ({ ci: input.bytes("ci"), sid: input.bytes("sid") })

const sessionKey: Operation = (crypto, input) => {
  const isk = Cpace.sessionKey(
    crypto,
    input.text("role") as "initiator" | "responder",
    input.bytes("scalar"),
    cpaceChannel(input),
    { share: input.bytes("initiator"), ad: input.bytes("initiatorAd") },
    { share: input.bytes("responder"), ad: input.bytes("responderAd") }
  )
  return isk === undefined ? reject("auth.low-order") : ok({ isk: hex(isk) })
}

/** Commits to a reveal as a joiner would, and gives it to old. */
const reveal: Operation = (crypto, input) => {
  const invited = input.bytes("invitation")
  const shares = [1, 2, 3].map(() => new Uint8Array(32))
  const coins = {
    slot: new Uint8Array(16),
    ephemeral: input.bytes("secret"),
    nonce: input.bytes("nonce"),
    pin: new Uint8Array(10),
    shares
  }
  const frame = input.bytes("reveal")
  const hello = LinkFrame.Frame.encode({ kind: 1, commitment: LinkChannel.commitment(crypto, invited, frame) })
  const open = LinkOffer.begin(crypto, invited, input.bytes("agreement"), coins)
  const heard = LinkOffer.receive(crypto, open, hello, 0)
  return answer(
    Result.flatMap(heard, ({ next }) => LinkOffer.receive(crypto, next, frame, 0)),
    ({ next }) => {
      if (next._tag !== "Revealed") throw new Error(`old is ${next._tag}`)
      return ok({ hello: hex(hello), transcript: hex(next.channel.transcript), challenge: next.challenge })
    }
  )
}

const ableOf = (input: Input, scan: boolean): LinkDecision.Abilities => ({
  scan,
  show: input.json("show") === true,
  type: input.json("type") === true,
  digits: input.json("digits") === true
})

export const operations: { readonly [op: string]: Operation } = {
  "invitation.verify": invitation,
  "link.text": (_, input) =>
    answer(LinkText.parse(input.text("kind") as LinkText.Kind, input.text("text")), (bytes) =>
      ok({ bytes: hex(bytes) })
    ),
  "link.able": (_, input) => {
    const able = ableOf(input, input.json("scan") === true)
    return ok({ offers: [...LinkDecision.offers(able)], takes: [...LinkDecision.takes(able)] })
  },
  "link.choose": (_, input) => {
    const challenge = LinkDecision.choose(numbers(input, "offers"), numbers(input, "takes"))
    return challenge === undefined ? reject("link.no-challenge") : ok({ challenge })
  },
  "cpace.map": (_, input) => ok({ point: hex(Elligator2.map(input.bytes("field"))) }),
  "cpace.generator": (crypto, input) =>
    ok({ generator: hex(Cpace.generator(crypto, input.bytes("prs"), cpaceChannel(input))) }),
  "cpace.share": (crypto, input) => {
    const share = Cpace.share(crypto, input.bytes("scalar"), input.bytes("generator"))
    return share === undefined ? reject("auth.low-order") : ok({ share: hex(share) })
  },
  "cpace.key": sessionKey,
  "cpace.confirm": (crypto, input) => {
    const message = { share: input.bytes("share"), ad: input.bytes("ad") }
    return ok({ tag: hex(Cpace.confirmation(crypto, input.bytes("isk"), input.bytes("sid"), message)) })
  },
  "link.transcript": (crypto, input) => {
    const transcript = LinkChannel.transcript(crypto, {
      invitation: input.bytes("invitation"),
      hello: input.bytes("hello"),
      answer: input.bytes("answer"),
      reveal: input.bytes("reveal")
    })
    return ok({
      transcript: hex(transcript),
      print: hex(LinkChallenge.print(crypto, transcript)),
      digits: LinkChallenge.digits(crypto, transcript)
    })
  },
  "link.channel": (crypto, input) => {
    const [first, second] = [input.bytes("ephemerals"), input.bytes("identity")]
    return answer(LinkChannel.agree(crypto, "old", input.bytes("transcript"), first, second), ({ base, keys }) =>
      ok({ old: hex(keys.send.key), new: hex(keys.receive.key), base: hex(base) })
    )
  },
  "link.final": (crypto, input) => {
    const none = { key: new Uint8Array(32), count: 0 }
    const channel = {
      transcript: input.bytes("transcript"),
      base: input.bytes("base"),
      keys: { send: none, receive: none }
    }
    const challenge = input.number("challenge") as LinkDecision.Challenge
    const final = LinkChannel.finalKeys(crypto, "old", channel, challenge, input.bytes("proved"))
    const { ad, key } = LinkChannel.handover(channel, final)
    return ok({
      old: hex(final.keys.send.key),
      new: hex(final.keys.receive.key),
      handover: hex(key),
      ad: hex(ad)
    })
  },
  "link.open": (crypto, input) => {
    const direction = { key: input.bytes("key"), count: input.number("count") }
    const keys = { send: direction, receive: direction }
    return answer(
      LinkChannel.open(crypto, input.bytes("transcript"), keys, input.bytes("ciphertext")),
      ({ plaintext }) => ok({ message: hex(plaintext) })
    )
  },
  "link.reveal": reveal,
  "link.code": (crypto, input) =>
    answer(LinkChallenge.checkCode(crypto, input.bytes("transcript"), input.bytes("code")), (secret) =>
      ok({ secret: hex(secret) })
    ),
  "link.pin": (_, input) => ok({ pin: LinkChallenge.pin(input.bytes("random"), input.number("digits")) }),
  "link.typed": (_, input) => answer(LinkChallenge.parsePin(input.text("text")), (pin) => ok({ pin })),
  "link.payload": (crypto, input) => {
    const agreed = {
      account: input.bytes("account"),
      oldDevice: input.bytes("oldDevice"),
      device: input.bytes("device"),
      agreement: input.bytes("agreement")
    }
    return answer(LinkPayload.check(crypto, agreed, input.bytes("payload")), ({ handover, listed, role }) =>
      ok({ role, version: listed.version, handover: hex(handover) })
    )
  }
}

const offered = (event: LinkOffer.Event): Json => {
  switch (event._tag) {
    case "Joined":
      return ["joined"]
    case "ScanCode":
      return ["scan-code"]
    case "ShowPin":
      return ["show-pin", event.pin, event.left]
    case "WrongPin":
      return ["wrong-pin", event.left]
    case "CompareDigits":
      return ["compare-digits", event.digits]
    case "Verified":
      return ["verified", hex(event.device), hex(event.agreement), hex(event.handover.key), hex(event.handover.ad)]
    case "Linked":
      return ["linked", hex(event.device)]
    case "Aborted":
      return ["aborted", event.reason, event.by, event.device === undefined ? "" : hex(event.device)]
  }
}

const joined = (event: LinkJoin.Event): Json => {
  switch (event._tag) {
    case "Sign":
      return ["sign", hex(event.input)]
    case "ShowCode":
      return ["show-code", hex(event.code)]
    case "AskPin":
      return ["ask-pin", event.left]
    case "CompareDigits":
      return ["compare-digits", event.digits]
    case "Received":
      return ["received", hex(LinkPayload.encode(event.payload)), hex(event.handover.key), hex(event.handover.ad)]
    case "Linked":
      return ["linked"]
    case "Aborted":
      return ["aborted", event.reason, event.by]
  }
}

const stepOf = (
  frames: ReadonlyArray<Uint8Array>,
  events: ReadonlyArray<Json>,
  { _tag }: { readonly _tag: string }
): Answer => ok({ frames: frames.map(hex), events, state: _tag.toLowerCase() })

/** The payload that old hands over, read without being checked. */
const payloadOf = (bytes: Uint8Array): LinkPayload.Payload => {
  const read = LinkPayload.Whole.decode(bytes)
  if (Result.isFailure(read)) throw new Error("not a payload")
  const { extensions, role, ...rest } = read.success
  return { ...rest, role: role as LinkPayload.Payload["role"], history: extensions.history }
}

/** One end of a linking: old or new by its first step. */
export const actors: Actors = (crypto) => {
  let offer: LinkOffer.State | undefined
  let join: LinkJoin.State | undefined
  const asOffer = (result: Result.Result<LinkOffer.Step, LinkFailure>): Answer =>
    answer(result, ({ events, next, out }) => {
      offer = next
      return stepOf(out, events.map(offered), next)
    })
  const asJoin = (result: Result.Result<LinkJoin.Step, LinkFailure>): Answer =>
    answer(result, ({ events, next, out }) => {
      join = next
      return stepOf(out, events.map(joined), next)
    })
  const old = (): LinkOffer.State => {
    if (offer === undefined) throw new Error("this end has no invitation of its own")
    return offer
  }
  const joiner = (): LinkJoin.State => {
    if (join === undefined) throw new Error("this end has joined nothing")
    return join
  }
  return {
    snapshot: () => [shown(offer), shown(join)],
    step: (name, input) => {
      const now = (): number => input.number("now")
      switch (name) {
        case "link.offer": {
          const coins = {
            slot: input.bytes("slot"),
            ephemeral: input.bytes("ephemeral"),
            nonce: input.bytes("nonce"),
            pin: input.bytes("pin"),
            shares: bytesIn(input, "shares")
          }
          const [bytes, agreement] = [input.bytes("invitation"), input.bytes("agreement")]
          offer = LinkOffer.begin(crypto, bytes, agreement, coins, input.number("digits"))
          return ok({ state: "open" })
        }
        case "link.join":
          return asJoin(begin(crypto, input))
        case "link.receive":
          return offer === undefined
            ? asJoin(LinkJoin.receive(crypto, joiner(), input.bytes("frame"), now()))
            : asOffer(LinkOffer.receive(crypto, offer, input.bytes("frame"), now()))
        case "link.sign":
          return asJoin(LinkJoin.signed(crypto, joiner(), input.bytes("signature"), now()))
        case "link.scan":
          return asOffer(LinkOffer.scanned(crypto, old(), input.bytes("code"), now()))
        case "link.type":
          return asJoin(LinkJoin.typed(crypto, joiner(), input.text("text"), now()))
        case "link.confirm":
          return offer === undefined
            ? asJoin(LinkJoin.confirm(crypto, joiner(), now()))
            : asOffer(LinkOffer.confirm(crypto, offer, now()))
        case "link.grant":
          return asOffer(LinkOffer.grant(crypto, old(), payloadOf(input.bytes("payload")), now()))
        case "link.finish":
          return asJoin(LinkJoin.finish(crypto, joiner(), now()))
        case "link.abort": {
          const reason = input.text("reason") as LinkFrame.Reason
          return offer === undefined
            ? asJoin(Result.succeed(LinkJoin.abort(crypto, joiner(), reason)))
            : asOffer(Result.succeed(LinkOffer.abort(crypto, offer, reason)))
        }
        case "link.tick":
          return offer === undefined
            ? asJoin(Result.succeed(LinkJoin.tick(crypto, joiner(), now())))
            : asOffer(Result.succeed(LinkOffer.tick(crypto, offer, now())))
        default:
          throw new Error(`no step ${name}`)
      }
    }
  }
}

const begin = (crypto: CryptoProvider, input: Input): Result.Result<LinkJoin.Step, LinkFailure> => {
  const keys = {
    device: input.bytes("device"),
    agreement: input.bytes("agreement"),
    shared: input.bytes("shared")
  }
  const coins = {
    ephemeral: input.bytes("ephemeral"),
    nonce: input.bytes("nonce"),
    secret: input.bytes("secret"),
    shares: bytesIn(input, "shares")
  }
  const now = input.number("now")
  return Result.flatMap(Invitation.verifyLink(crypto, input.bytes("invitation"), now), (read) =>
    LinkJoin.begin(crypto, read, ableOf(input, false), keys, coins, now)
  )
}

/** A state as text, to be compared. */
const shown = (state: object | undefined): Json =>
  JSON.stringify(state ?? {}, (_, value: unknown) => (value instanceof Uint8Array ? Bytes.toHex(value) : value))
