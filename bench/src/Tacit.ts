/**
 * Our own steps as contenders.
 *
 * `tacit` seals and opens padded plaintext in a session: what the peers' messages do. Ends of `messagePair` do all that a client's
 * message needs besides: content with sequence and id, envelope, session record. Set-up is the same whole thing in both: bundle
 * check, PQXDH, sealed sender, certificate, first message, ratchet.
 */
import {
  Body,
  Bundle,
  Certificate,
  Content,
  type CryptoProvider,
  Device,
  DoubleRatchet,
  Envelope,
  Padding,
  Prekey,
  RatchetState,
  Receive,
  Send,
  Session,
  SessionStart,
  SkippedKeys
} from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import type { Contender, End, Pair, Prepared, Sealed } from "./Contender.ts"

type Random = (length: number) => Uint8Array
const ok = Result.getOrThrow

/** A device with prekeys, as it stands in its own store. */
export const makeDevice = (crypto: CryptoProvider, random: Random) => {
  const accountSeed = random(32)
  const secrets = { signing: random(32), agreement: random(32) }
  const identity = { account: crypto.ed25519PublicKey(accountSeed), ...Device.derive(crypto, secrets) }
  const statement = { ...identity, role: Device.roles.admin, manifestVersion: 1 }
  const certificate = Certificate.encode(
    statement,
    crypto.ed25519Sign(accountSeed, Certificate.signingInput(statement))
  )
  const pair = (id: number) => {
    const secret = random(32)
    return { id, secret, key: crypto.x25519PublicKey(secret) }
  }
  const kemSecret = random(64)
  return {
    secrets,
    identity,
    certificate,
    mailbox: random(16),
    signedPrekey: pair(1),
    oneTimePrekey: pair(1),
    kemPrekey: { id: 1, secret: kemSecret, key: crypto.mlKem768KeyPair(kemSecret).publicKey }
  }
}
export type OwnDevice = ReturnType<typeof makeDevice>

const bundleOf = (crypto: CryptoProvider, device: OwnDevice): Uint8Array => {
  const signed = (kind: "signed" | "one-time-kem", { id, key }: { readonly id: number; readonly key: Uint8Array }) => ({
    id,
    key,
    signature: crypto.ed25519Sign(device.secrets.signing, Prekey.signingInput(kind, { id, key }))
  })
  return Bundle.encode({
    certificate: device.certificate,
    mailbox: device.mailbox,
    signedPrekey: signed("signed", device.signedPrekey),
    kemPrekey: { ...signed("one-time-kem", device.kemPrekey), oneTime: 1 },
    oneTimePrekey: { id: device.oneTimePrekey.id, key: device.oneTimePrekey.key },
    suites: [1, 2, 3]
  })
}

/** Both ends of a session that has begun, before its first answer. */
export interface Established {
  readonly alice: Session.Session
  readonly bob: Session.Session
  readonly direct: Uint8Array
  readonly aliceMailbox: Uint8Array
  readonly bobMailbox: Uint8Array
  readonly firstBytes: number
}

const contentOf = (body: Uint8Array, random: Random, direct: Uint8Array, sequence: number): Uint8Array =>
  ok(
    Content.encode(
      {
        conversation: new Uint8Array(0),
        sequence,
        messageId: random(16),
        sentAt: 1_700_000_000_000,
        body: { _tag: "Application", mediaType: "application/octet-stream", fallback: "", data: body } as Body.Body,
        extensions: Content.noExtensions
      },
      direct
    )
  )

/** Prekeys prepared; what `establish` does is W1. */
export const prepareSession = (crypto: CryptoProvider, random: Random) => {
  const alice = makeDevice(crypto, random),
    bob = makeDevice(crypto, random)
  const bundleBytes = bundleOf(crypto, bob)
  const direct = Content.directConversation(crypto, alice.identity.account, bob.identity.account)
  return {
    establish: (first: Uint8Array): Established => {
      const bundle = ok(Bundle.check(crypto, bundleBytes, bob.identity.account))
      const begun = ok(
        SessionStart.begin(crypto, {
          suite: 1,
          self: alice.identity,
          bundle,
          dh1: crypto.x25519(alice.secrets.agreement, bundle.signedPrekey.key),
          ephemeralSecret: random(32),
          kemCoins: random(32),
          ratchetSecret: random(32),
          rank: 1
        })
      )
      const text = new TextDecoder().decode(first)
      const content = ok(
        Content.encode(
          {
            conversation: new Uint8Array(0),
            sequence: 1,
            messageId: random(16),
            sentAt: 1_700_000_000_000,
            body: { _tag: "Text", text },
            extensions: Content.noExtensions
          },
          direct
        )
      )
      const sent = ok(
        SessionStart.seal(crypto, begun.session, {
          to: bundle.mailbox,
          content,
          headerNonce: random(12),
          ephemeralSecret: random(32),
          certificate: alice.certificate,
          manifestVersion: 1,
          mailbox: alice.mailbox
        })
      )
      const frame = ok(Envelope.decode(sent.envelope))
      const prefix = Envelope.prefix(frame.kind, frame.to)
      const sealed = ok(SessionStart.decode(frame.body, [1, 2, 3]))
      const unsealed = ok(
        SessionStart.unseal(
          crypto,
          bob.identity,
          sealed,
          crypto.x25519(bob.secrets.agreement, sealed.ephemeral),
          prefix
        )
      )
      const accepted = ok(
        SessionStart.accept(crypto, {
          self: bob.identity,
          unsealed,
          dh2: crypto.x25519(bob.secrets.agreement, unsealed.start.ephemeral),
          signedPrekey: bob.signedPrekey,
          oneTimePrekey: bob.oneTimePrekey,
          kemPrekey: bob.kemPrekey,
          prefix,
          direct,
          now: 1
        })
      )
      return {
        alice: sent.next,
        bob: ok(Receive.complete(crypto, accepted.half, random(32))).next,
        direct,
        aliceMailbox: alice.mailbox,
        bobMailbox: bob.mailbox,
        firstBytes: sent.envelope.length
      }
    }
  }
}

/** An end that seals padded plaintext: comparable with what the peers seal. */
const ratchetEnd = (crypto: CryptoProvider, random: Random, start: RatchetState.RatchetState): End => {
  let state = start
  const skipped = SkippedKeys.make(),
    prefix = new Uint8Array(20)
  let skippedBytes = 0
  return {
    seal: (plaintext) => {
      const sealed = DoubleRatchet.seal(crypto, state, prefix, Padding.pad(plaintext), random(12))
      const { message, next } = ok(sealed)
      state = next
      return { bytes: message.length, wire: message }
    },
    open: (message: Sealed) => {
      const opened = ok(DoubleRatchet.open(crypto, state, skipped, prefix, message.wire as Uint8Array, 1))
      state = opened.turning ? ok(DoubleRatchet.turn(crypto, opened.half, random(32))).next : opened.next
      if (opened.delta.added.length + opened.delta.removed.length > 0) {
        skipped.apply(opened.delta)
        skippedBytes += opened.delta.added.reduce((sum, key) => sum + SkippedKeys.encode(key).length, 0)
        skippedBytes -= opened.delta.removed.reduce((sum, key) => sum + SkippedKeys.encode(key).length, 0)
      }
      return ok(Padding.unpad(opened.padded))
    },
    stateBytes: () => RatchetState.encode(state).length + skippedBytes
  }
}

/** An end that does everything a client's message needs. */
export interface MessageEnd extends End {
  readonly seal: (plaintext: Uint8Array) => Sealed
  readonly open: (message: Sealed) => Uint8Array
  /** The record of the session, as a commit stores it. */
  readonly record: () => Uint8Array
}

const messageEnd = (
  crypto: CryptoProvider,
  random: Random,
  start: Session.Session,
  direct: Uint8Array,
  to: Uint8Array
): MessageEnd => {
  let session = start
  let sequence = 0
  const skipped = SkippedKeys.make()
  return {
    seal: (plaintext) => {
      const sent = ok(Send.seal(crypto, session, to, contentOf(plaintext, random, direct, ++sequence), random(12)))
      session = sent.next
      return { bytes: sent.envelope.length, wire: sent.envelope }
    },
    open: (message: Sealed) => {
      const frame = ok(Envelope.decode(message.wire as Uint8Array))
      const opened = ok(
        Receive.open(crypto, session, skipped, {
          prefix: Envelope.prefix(frame.kind, frame.to),
          message: frame.body,
          direct,
          now: 1
        })
      )
      session = opened.turning ? ok(Receive.complete(crypto, opened.half, random(32))).next : opened.next
      skipped.apply(opened.delta)
      return opened.content.body._tag === "Application" ? opened.content.body.data : new Uint8Array(0)
    },
    record: () => Session.encode(session),
    stateBytes: () => Session.encode(session).length
  }
}

export type Subject = Contender & { readonly padded: (size: number) => number }

/** The steps that do what the peers do. */
export const tacit = (crypto: CryptoProvider, random: Random): Subject => ({
  name: "tacit",
  version: "0.1.0",
  caveat:
    "set-up includes sealed sender, certificate and padding; messages have encrypted headers and padding; the ratchet after set-up is classical",
  padded: (size) => Padding.pad(new Uint8Array(size)).length,
  prepare: (count): ReadonlyArray<Prepared> =>
    Array.from({ length: count }, () => {
      const prepared = prepareSession(crypto, random)
      return {
        establish: (first): Pair => {
          const { alice, bob, firstBytes } = prepared.establish(first)
          return {
            alice: ratchetEnd(crypto, random, alice.ratchet),
            bob: ratchetEnd(crypto, random, bob.ratchet),
            firstBytes
          }
        }
      }
    })
})

/** Both ends of an answered session that do the same with content (type, sequence, id, time), envelope and session record. */
export const messagePair = (
  crypto: CryptoProvider,
  random: Random
): { readonly alice: MessageEnd; readonly bob: MessageEnd } => {
  const { alice, aliceMailbox, bob, bobMailbox, direct } = prepareSession(crypto, random).establish(new Uint8Array(1))
  const reply = ok(Send.seal(crypto, bob, aliceMailbox, contentOf(new Uint8Array(1), random, direct, 1), random(12)))
  const { body, kind, to } = ok(Envelope.decode(reply.envelope))
  const answered = ok(
    Receive.open(crypto, alice, SkippedKeys.none, {
      prefix: Envelope.prefix(kind, to),
      message: body,
      direct,
      now: 1
    })
  )
  if (!answered.turning) throw new Error("an answer turns the ratchet")
  const a = ok(Receive.complete(crypto, answered.half, random(32))).next
  return {
    alice: messageEnd(crypto, random, a, direct, bobMailbox),
    bob: messageEnd(crypto, random, reply.next, direct, aliceMailbox)
  }
}
