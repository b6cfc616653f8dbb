import * as Device from "../../src/identity/Device.ts"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Envelope from "../../src/envelope/Envelope.ts"
import * as SealedSender from "../../src/envelope/SealedSender.ts"
import * as Certificate from "../../src/identity/Certificate.ts"
import * as SkippedKeys from "../../src/ratchet/SkippedKeys.ts"
import type * as Receive from "../../src/session/Receive.ts"
import * as Session from "../../src/session/Session.ts"
import * as SessionStart from "../../src/session/SessionStart.ts"
import { providers } from "../crypto/helpers.ts"
import {
  accept,
  beginInput,
  causeOf,
  contentOf,
  directOf,
  finish,
  makeParty,
  nonceOf,
  ok,
  openIn,
  sealTo,
  snapshot,
  text,
  unseal
} from "./support.ts"

const crypto = providers.at(-1)!
const suiteIds = [1, 2, 3] as const
const alice = makeParty(crypto, 1)
const bob = makeParty(crypto, 2)

const begin = (suite: 1 | 2 | 3 = 1, options = {}) =>
  ok(SessionStart.begin(crypto, beginInput(crypto, alice, bob, suite, options))).session
const startOf = (session: Session.Session, said = "hello") =>
  ok(sealTo(crypto, alice, bob, session, text(crypto, alice, bob, said)))
const saidIn = (received: Receive.Received | Receive.ReceivedTurning) =>
  received.content.body._tag === "Text" ? received.content.body.text : undefined

/** Opens a start with a session that is known. */
const openKnown = (session: Session.Session, skipped: SkippedKeys.View, envelope: Uint8Array) => {
  const { prefix, unsealed } = ok(unseal(crypto, bob, envelope))
  expect(unsealed.digest).toEqual(session.start)
  const direct = directOf(crypto, alice, bob)
  return SessionStart.openKnown(crypto, session, skipped, { prefix, message: unsealed.start.message, direct, now: 0 })
}

/** A start with some of its inside changed, sealed to bob by whoever could do that. */
const resealed = (envelope: Uint8Array, change: Partial<SealedSender.Start>, suite: 1 | 2 | 3 = 1): Uint8Array => {
  const { unsealed } = ok(unseal(crypto, bob, envelope))
  const prefix = Envelope.prefix(1, bob.mailbox)
  const plaintext = SealedSender.encodeStart({ ...unsealed.start, ...change })
  const body = ok(SealedSender.seal(crypto, suite, bob.draw(32), bob.identity.agreement, prefix, plaintext))
  return ok(Envelope.encode({ kind: 1, to: bob.mailbox, body }))
}

describe("SessionStart", () => {
  it.each(suiteIds)(
    "carries the first message and both ends into one session, suite %i [session.start.1] [session.record.1] [pqxdh.ad.1]",
    (suite) => {
      for (const options of [{}, { oneTime: false }, { kemOneTime: false, oneTime: false }]) {
        const begun = begin(suite, options)
        const { envelope, next } = startOf(begun)
        const { received, next: b } = finish(crypto, bob, ok(accept(crypto, alice, bob, envelope)))
        expect(saidIn(received)).toBe("hello")
        expect(b).toMatchObject({
          id: begun.id,
          rank: begun.rank,
          initiated: false,
          start: begun.start,
          pending: undefined
        })
        expect(b.peer).toEqual({ account: alice.identity.account, device: alice.identity.device })
        expect(next.peer).toEqual({ account: bob.identity.account, device: bob.identity.device })
        const answer = ok(sealTo(crypto, bob, alice, b, text(crypto, bob, alice, "hi")))
        const a = finish(crypto, alice, ok(openIn(crypto, bob, alice, next, SkippedKeys.none, answer.envelope)))
        expect(saidIn(a.received)).toBe("hi")
        expect(a.next.pending).toBeUndefined()
        const second = ok(sealTo(crypto, alice, bob, a.next, text(crypto, alice, bob, "well")))
        expect(ok(Envelope.decode(second.envelope)).kind).toBe(2)
        expect(saidIn(ok(openIn(crypto, alice, bob, answer.next, SkippedKeys.none, second.envelope)))).toBe("well")
      }
    }
  )

  it("takes at most 1,900 bytes for a first text of 32 bytes [sealed.start.1]", () => {
    const extensions = { fence: { generation: 300, startId: bob.draw(8) }, deliveryToken: bob.draw(16), unknown: [] }
    const content = contentOf(crypto, alice, bob, { _tag: "Text", text: "x".repeat(32) }, 1, extensions)
    const sizes = suiteIds.map((suite) => ok(sealTo(crypto, alice, bob, begin(suite), content)).envelope.length)
    for (const size of sizes) expect(size).toBeLessThanOrEqual(1900)
  })

  it("repeats the same parameters under fresh seals until the first answer [session.start.1] [sealed.fresh.1]", () => {
    let session = begin()
    const starts = Array.from({ length: 3 }, (_, i) => {
      const sealed = startOf(session, `message ${i}`)
      session = sealed.next
      return sealed.envelope
    })
    const opened = starts.map((envelope) => ok(unseal(crypto, bob, envelope)).unsealed)
    for (const { digest, start } of opened) {
      const { ephemeral, kemCiphertext, kemPrekeyId, oneTimePrekeyId, signedPrekeyId } = opened[0]!.start
      expect(start).toMatchObject({ ephemeral, kemCiphertext, kemPrekeyId, oneTimePrekeyId, signedPrekeyId })
      expect(digest).toEqual(opened[0]!.digest)
    }
    const seals = starts.map((envelope) => ok(SealedSender.decode(ok(Envelope.decode(envelope)).body)).ephemeral)
    expect(new Set(seals.map(Bytes.toHex)).size).toBe(3)
    // In any order, each opened by the session of the first to come, without prekeys.
    const skipped = SkippedKeys.make()
    const first = ok(accept(crypto, alice, bob, starts[1]!))
    skipped.apply(first.delta)
    let b = finish(crypto, bob, first).next
    for (const which of [2, 0]) {
      const known = ok(openKnown(b, skipped, starts[which]!))
      skipped.apply(known.delta)
      b = finish(crypto, bob, known).next
      expect(saidIn(known)).toBe(`message ${which}`)
    }
    for (const envelope of starts) expect(causeOf(openKnown(b, skipped, envelope))).toBe("fresh.used-key")
  })

  it("seals 32 starts before an answer and not one more [session.start.1]", () => {
    let session = begin()
    for (let i = 0; i < 32; i++) session = startOf(session).next
    expect(session.pending?.sealed).toBe(32)
    const sealed = sealTo(crypto, alice, bob, session, text(crypto, alice, bob, "33rd"))
    expect(causeOf(sealed)).toBe("limit.unanswered")
    expect(ok(Session.decode(crypto, Session.encode(session)))).toEqual(session)
  })

  it("knows a repeated start by its digest, and refuses it once the session has gone on [session.start.2] [session.start.3]", () => {
    const begun = begin()
    const { envelope, next } = startOf(begun)
    const { parameters } = begun.pending!
    const expected = SessionStart.digest(crypto, alice.identity, parameters.ephemeral, parameters.kemCiphertext)
    let { next: b } = finish(crypto, bob, ok(accept(crypto, alice, bob, envelope)))
    expect(b.start).toEqual(expected)
    expect(SessionStart.digest(crypto, bob.identity, parameters.ephemeral, parameters.kemCiphertext)).not.toEqual(
      expected
    )
    expect(causeOf(openKnown(b, SkippedKeys.none, envelope))).toBe("fresh.used-key")
    let a = next
    for (let turn = 0; turn < 3; turn++) {
      const answer = ok(sealTo(crypto, bob, alice, b, text(crypto, bob, alice, "…")))
      a = finish(crypto, alice, ok(openIn(crypto, bob, alice, a, SkippedKeys.none, answer.envelope))).next
      const more = ok(sealTo(crypto, alice, bob, a, text(crypto, alice, bob, "…")))
      a = more.next
      b = finish(crypto, bob, ok(openIn(crypto, alice, bob, answer.next, SkippedKeys.none, more.envelope))).next
    }
    expect(causeOf(openKnown(b, SkippedKeys.none, envelope))).toBe("fresh.replayed-start")
  })

  it("keeps its hands off prekeys and input, whether it opens or not [prekey.once.1] [ratchet.atomic.2] [pqxdh.erase.1]", () => {
    const { envelope } = startOf(begin())
    const { prefix, unsealed } = ok(unseal(crypto, bob, envelope))
    const input: SessionStart.AcceptInput = {
      self: bob.identity,
      unsealed,
      dh2: crypto.x25519(bob.secrets.agreement, unsealed.start.ephemeral),
      signedPrekey: bob.signedPrekey,
      oneTimePrekey: bob.oneTimePrekey,
      kemPrekey: bob.kemPrekey,
      prefix,
      direct: directOf(crypto, alice, bob),
      now: 0
    }
    const before = snapshot(input)
    const accepted = ok(SessionStart.accept(crypto, input))
    expect(input).toEqual(before)
    for (const secret of [bob.signedPrekey.secret, bob.oneTimePrekey.secret, bob.kemPrekey.secret]) {
      expect(accepted.consumed).not.toContain(secret)
    }
    for (const used of accepted.consumed) if (used !== input.dh2) used.fill(0)
    expect({ ...input, dh2: before.dh2 }).toEqual(before)
    const forged = {
      ...input,
      unsealed: {
        ...unsealed,
        start: { ...unsealed.start, message: unsealed.start.message.map((byte, i) => (i === 120 ? byte ^ 1 : byte)) }
      }
    }
    expect(causeOf(SessionStart.accept(crypto, forged))).toBe("auth.tag")
    expect({ ...input, dh2: before.dh2 }).toEqual(before)
    ok(SessionStart.accept(crypto, input))
    const begun = beginInput(crypto, alice, bob, 1)
    const copy = snapshot(begun)
    const result = ok(SessionStart.begin(crypto, begun))
    expect(begun).toEqual(copy)
    expect(result.consumed).toEqual([begun.dh1, begun.ephemeralSecret, begun.kemCoins])
    const session = result.session
    const sessionBefore = snapshot(session)
    startOf(session)
    expect(session).toEqual(sessionBefore)
  })

  it.each(suiteIds)(
    "refuses a start with any byte changed or cut off, and then opens the genuine one; suite %i [sealed.ad.1] [ratchet.atomic.1] [envelope.prefix.1]",
    (suite) => {
      const { envelope } = startOf(begin(suite))
      for (let at = 0; at < envelope.length; at++) {
        const changed = envelope.slice()
        changed[at]! ^= 1 << (at % 8)
        expect(Result.isFailure(accept(crypto, alice, bob, changed))).toBe(true)
        if (at % 3 === 0) expect(Result.isFailure(accept(crypto, alice, bob, envelope.slice(0, at)))).toBe(true)
      }
      expect(saidIn(ok(accept(crypto, alice, bob, envelope)))).toBe("hello")
    }
  )

  it("refuses a start whose inside was changed by somebody who can seal [pqxdh.ad.1] [pqxdh.dh.1]", () => {
    const { envelope } = startOf(begin())
    const carol = makeParty(crypto, 3)
    const refused = (change: Partial<SealedSender.Start>) =>
      causeOf(accept(crypto, alice, bob, resealed(envelope, change)))
    expect(refused({})).toBeUndefined()
    expect(refused({ certificate: carol.certificate })).toBe("auth.tag")
    expect(refused({ ephemeral: carol.identity.agreement })).toBe("auth.tag")
    expect(refused({ kemCiphertext: carol.draw(1088) })).toBe("auth.tag")
    expect(refused({ oneTimePrekeyId: 0 })).toBe("auth.tag")
    expect(refused({ signedPrekeyId: 8 })).toBe("lookup.prekey-unknown")
    expect(refused({ kemPrekeyId: 8 })).toBe("lookup.prekey-unknown")
    expect(refused({ ephemeral: new Uint8Array(32) })).toBe("auth.low-order")
    expect(refused({ message: new Uint8Array(40) })).toBe("decode.truncated")
    expect(refused({ suite: 2 })).toBe("policy.suite")
    expect(causeOf(unseal(crypto, bob, resealed(envelope, { suite: 2 }, 2)))).toBeUndefined()
    expect(causeOf(accept(crypto, alice, bob, resealed(envelope, { suite: 2 }, 2)))).toBe("auth.tag")
    // An old message of alice's inside a start of carol's does not become carol's.
    expect(refused({ certificate: alice.certificate.map((byte, i) => (i === 80 ? byte ^ 1 : byte)) })).toBe(
      "auth.certificate"
    )
  })

  it("refuses its own device, and suites it does not accept [pqxdh.self.1] [sealed.suite.1]", () => {
    const { envelope } = startOf(begin())
    expect(causeOf(unseal(crypto, bob, resealed(envelope, { certificate: bob.certificate })))).toBe("auth.reflected")
    const { body } = ok(Envelope.decode(envelope))
    expect(causeOf(SessionStart.decode(body, [2, 3]))).toBe("policy.suite")
    expect(causeOf(SessionStart.decode(body, [1]))).toBeUndefined()
    expect(causeOf(SessionStart.begin(crypto, beginInput(crypto, bob, bob, 1)))).toBe("auth.reflected")
  })

  it("does not open a start that was put into another envelope [envelope.prefix.1]", () => {
    const { envelope } = startOf(begin())
    const { body } = ok(Envelope.decode(envelope))
    const elsewhere = ok(Envelope.encode({ kind: 1, to: bob.draw(16), body }))
    expect(causeOf(unseal(crypto, bob, elsewhere))).toBe("auth.tag")
    const otherKind = ok(Envelope.encode({ kind: 2, to: bob.mailbox, body }))
    expect(causeOf(unseal(crypto, bob, otherKind))).toBe("auth.tag")
  })

  it("holds a start of a device that is revoked or not listed, or of another account than the pinned one [manifest.device.1] [manifest.device.2] [session.start.4] [manifest.pin.1]", () => {
    const { unsealed } = ok(unseal(crypto, bob, startOf(begin()).envelope))
    const { account, agreement, device } = alice.identity
    const manifest = {
      account,
      version: 2,
      previous: alice.draw(32),
      issuedAt: 0,
      devices: [],
      revocations: [{ device, revokedIn: 2 }]
    }
    const admit = (known: Partial<SessionStart.Known>) =>
      causeOf(SessionStart.admit(unsealed, { pinned: undefined, manifest: undefined, ...known }))
    expect(admit({})).toBeUndefined()
    const listed = { device, agreement, role: Device.roles.admin, addedIn: 1 }
    expect(admit({ pinned: account, manifest: { ...manifest, devices: [listed], revocations: [] } })).toBeUndefined()
    for (const devices of [[], [{ ...listed, role: Device.roles.member }], [{ ...listed, addedIn: 2 }]]) {
      expect(admit({ manifest: { ...manifest, devices, revocations: [] } })).toBe("policy.revoked-device")
    }
    // Only a later manifest can tell.
    const later = { ...unsealed, certificate: { ...unsealed.certificate, manifestVersion: 3 } }
    expect(causeOf(SessionStart.admit(later, { pinned: undefined, manifest: { ...manifest, revocations: [] } }))).toBe(
      "lookup.manifest-gap"
    )
    expect(admit({ manifest })).toBe("policy.revoked-device")
    expect(admit({ pinned: bob.identity.account })).toBe("policy.identity-changed")
  })

  it("says where answers go, who claims to write, and the session's rank [sealed.start.1] [sealed.start.2] [session.start.5] [session.rank.1]", () => {
    const session = begin(1, { rank: 77 })
    const { unsealed } = ok(unseal(crypto, bob, startOf(session).envelope))
    expect(unsealed.start).toMatchObject({
      mailbox: alice.mailbox,
      manifestVersion: 1,
      extensions: { user: "alice", rank: 77 }
    })
    expect(unsealed.certificate).toEqual(ok(Certificate.verify(crypto, alice.certificate)))
    const unnamed = ok(
      SessionStart.seal(crypto, session, {
        to: bob.mailbox,
        content: text(crypto, alice, bob, "hello"),
        headerNonce: nonceOf(alice.draw, 1),
        ephemeralSecret: alice.draw(32),
        certificate: alice.certificate,
        manifestVersion: 1,
        mailbox: alice.mailbox
      })
    )
    expect(ok(unseal(crypto, bob, unnamed.envelope)).unsealed.start.extensions).toEqual({ rank: 77, unknown: [] })
    const unranked = resealed(unnamed.envelope, { extensions: { unknown: [] } })
    expect(finish(crypto, bob, ok(accept(crypto, alice, bob, unranked))).next.rank).toBe(0)
  })
})
