import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import * as Envelope from "../../src/envelope/Envelope.ts"
import * as SkippedKeys from "../../src/ratchet/SkippedKeys.ts"
import * as Send from "../../src/session/Send.ts"
import * as Session from "../../src/session/Session.ts"
import * as SessionStart from "../../src/session/SessionStart.ts"
import { providers } from "../crypto/helpers.ts"
import {
  answeredPair,
  beginInput,
  causeOf,
  contentOf,
  finish,
  makeParty,
  nonceOf,
  ok,
  openIn,
  sealTo,
  snapshot,
  text
} from "./support.ts"

const crypto = providers.at(-1)!
const suiteIds = [1, 2, 3] as const

describe("Session", () => {
  it.each(suiteIds)(
    "comes back from its record, pending or answered, suite %i [session.record.1] [state.version.1]",
    (suite) => {
      const [alice, bob] = [makeParty(crypto, 1), makeParty(crypto, 2)]
      const { session } = ok(SessionStart.begin(crypto, beginInput(crypto, alice, bob, suite)))
      expect(ok(Session.decode(crypto, Session.encode(session)))).toEqual(session)
      const input = beginInput(crypto, alice, bob, suite)
      const kemPrekey = { ...input.bundle.kemPrekey, oneTime: !input.bundle.kemPrekey.oneTime }
      const other = ok(SessionStart.begin(crypto, { ...input, bundle: { ...input.bundle, kemPrekey } })).session
      expect(ok(Session.decode(crypto, Session.encode(other)))).toEqual(other)
      expect(other.pending?.parameters.kemOneTime).toBe(!session.pending?.parameters.kemOneTime)
      const { a, b } = answeredPair(crypto, suite)
      for (const answered of [a, b]) {
        const record = Session.encode(answered)
        expect(ok(Session.decode(crypto, record))).toEqual(answered)
        expect(record.length).toBeLessThan(500)
      }
    }
  )

  it("refuses records it cannot read [state.version.1] [state.corrupt.1]", () => {
    const record = Session.encode(answeredPair(crypto, 1).a)
    const reason = (bytes: Uint8Array) => {
      const decoded = Session.decode(crypto, bytes)
      return Result.isFailure(decoded) ? decoded.failure.reason : undefined
    }
    expect(reason(record.map((byte, i) => (i === 1 ? 2 : byte)))).toBe("version")
    for (let length = 0; length < record.length; length += 9) expect(reason(record.slice(0, length))).toBe("corrupt")
  })

  it("names the tags under which its next messages come [session-message.tag.1]", () => {
    const { a, alice, b, bob } = answeredPair(crypto, 1)
    const sent = ok(sealTo(crypto, alice, bob, a, text(crypto, alice, bob, "x")))
    const tag = ok(Envelope.decode(sent.envelope)).body.slice(0, 16)
    expect(Session.tags(b)).toContainEqual(tag)
    const next = finish(crypto, bob, ok(openIn(crypto, alice, bob, b, SkippedKeys.none, sent.envelope))).next
    const again = ok(sealTo(crypto, alice, bob, sent.next, text(crypto, alice, bob, "y")))
    expect(Session.tags(next)[0]).toEqual(ok(Envelope.decode(again.envelope)).body.slice(0, 16))
    expect(Session.markOf(a)).toEqual({ id: b.id, rank: b.rank })
  })
})

describe("Send", () => {
  it("seals the ratchet message itself as body, and nothing around it [session-message.layout.1] [envelope.layout.1]", () => {
    const { a, alice, bob } = answeredPair(crypto, 1)
    const content = contentOf(crypto, alice, bob, { _tag: "Text", text: "x".repeat(32) }, 1)
    const { envelope } = ok(Send.seal(crypto, a, bob.mailbox, content, nonceOf(alice.draw, 1)))
    const { body, kind, to } = ok(Envelope.decode(envelope))
    expect([kind, to]).toEqual([2, bob.mailbox])
    // Padded plaintext plus 100 bytes of ratchet: the steady overhead of suite 1.
    const padded = content.length + 1 <= 64 ? 64 : 72
    expect(body.length - padded).toBe(100)
    expect(envelope).toEqual(ok(Envelope.encode({ kind, to, body })))
  })

  it("seals many as one by one, all or none [session-message.layout.1]", () => {
    const { a, alice, bob } = answeredPair(crypto, 2)
    const contents = ["one", "two", "three"].map((said) => text(crypto, alice, bob, said))
    const nonces = contents.map(() => nonceOf(alice.draw, 2))
    const many = ok(Send.sealMany(crypto, a, bob.mailbox, contents, nonces))
    let session = a
    for (const [i, content] of contents.entries()) {
      const one = ok(Send.seal(crypto, session, bob.mailbox, content, nonces[i]!))
      expect(many.envelopes[i]).toEqual(one.envelope)
      session = one.next
    }
    expect(many.next).toEqual(session)
    expect(() => Send.sealMany(crypto, a, bob.mailbox, contents, nonces.slice(1))).toThrow(TypeError)
    expect(
      causeOf(Send.sealMany(crypto, a, bob.mailbox, [contents[0]!, new Uint8Array(131_000)], nonces.slice(1)))
    ).toBe("decode.size")
  })

  it("stops a program that seals in the other phase of a session", () => {
    const [alice, bob] = [makeParty(crypto, 1), makeParty(crypto, 2)]
    const { session } = ok(SessionStart.begin(crypto, beginInput(crypto, alice, bob, 1)))
    const content = text(crypto, alice, bob, "x")
    expect(() => Send.seal(crypto, session, bob.mailbox, content, alice.draw(12))).toThrow(TypeError)
    const input = {
      to: bob.mailbox,
      content,
      headerNonce: alice.draw(12),
      ephemeralSecret: alice.draw(32),
      certificate: alice.certificate,
      manifestVersion: 1,
      mailbox: alice.mailbox
    }
    expect(() => SessionStart.seal(crypto, { ...session, pending: undefined }, input)).toThrow(TypeError)
  })
})

describe("Receive", () => {
  it.each(suiteIds)(
    "refuses a session message with any byte changed or cut off, changes nothing, and opens the genuine one; suite %i [ratchet.atomic.1] [envelope.prefix.1]",
    (suite) => {
      const { a, alice, b, bob } = answeredPair(crypto, suite)
      const turning = ok(sealTo(crypto, alice, bob, a, text(crypto, alice, bob, "turning")))
      const settled = finish(crypto, bob, ok(openIn(crypto, alice, bob, b, SkippedKeys.none, turning.envelope))).next
      const inOrder = ok(sealTo(crypto, alice, bob, turning.next, text(crypto, alice, bob, "in order")))
      for (const [session, { envelope }] of [
        [b, turning],
        [settled, inOrder]
      ] as const) {
        const before = snapshot(session)
        for (let at = 0; at < envelope.length; at++) {
          const changed = envelope.slice()
          changed[at]! ^= 1 << (at % 8)
          expect(Result.isFailure(openIn(crypto, alice, bob, session, SkippedKeys.none, changed))).toBe(true)
          expect(Result.isFailure(openIn(crypto, alice, bob, session, SkippedKeys.none, envelope.slice(0, at)))).toBe(
            true
          )
        }
        expect(session).toEqual(before)
        ok(openIn(crypto, alice, bob, session, SkippedKeys.none, envelope))
        expect(session).toEqual(before)
      }
    }
  )

  it("keeps nothing when padding or content of an authentic message is wrong [ratchet.atomic.1] [padding.check.1] [content.layout.1]", () => {
    const { a, alice, b, bob } = answeredPair(crypto, 1)
    const before = snapshot(b)
    // What a broken peer would seal: content that is none, and after it a sound message.
    const broken = ok(Send.seal(crypto, a, bob.mailbox, Uint8Array.of(0xc1), alice.draw(12)))
    expect(causeOf(openIn(crypto, alice, bob, b, SkippedKeys.none, broken.envelope))).toBe("decode.type")
    const critical = Uint8Array.from([...text(crypto, alice, bob, "x").slice(0, -1), 0x81, 2, 0])
    const future = ok(Send.seal(crypto, broken.next, bob.mailbox, critical, alice.draw(12)))
    expect(causeOf(openIn(crypto, alice, bob, b, SkippedKeys.none, future.envelope))).toBe("decode.unknown-critical")
    expect(b).toEqual(before)
    const sound = ok(sealTo(crypto, alice, bob, future.next, text(crypto, alice, bob, "sound")))
    const { delta } = ok(openIn(crypto, alice, bob, b, SkippedKeys.none, sound.envelope))
    expect(delta.added.map(({ number }) => number)).toEqual([0, 1])
  })

  it("carries 1,000 messages each way through stored records [ratchet.state.1] [session.record.1]", () => {
    const pair = answeredPair(crypto, 1)
    const { alice, bob } = pair
    let { a, b } = pair
    for (let i = 0; i < 1000; i++) {
      const there = ok(sealTo(crypto, alice, bob, a, text(crypto, alice, bob, `to ${i}`, i + 1)))
      b = finish(crypto, bob, ok(openIn(crypto, alice, bob, b, SkippedKeys.none, there.envelope))).next
      const back = ok(sealTo(crypto, bob, alice, b, text(crypto, bob, alice, `fro ${i}`, i + 1)))
      const opened = finish(crypto, alice, ok(openIn(crypto, bob, alice, there.next, SkippedKeys.none, back.envelope)))
      expect(opened.received.content.body).toEqual({ _tag: "Text", text: `fro ${i}` })
      a = i % 100 === 0 ? ok(Session.decode(crypto, Session.encode(opened.next))) : opened.next
      b = i % 100 === 50 ? ok(Session.decode(crypto, Session.encode(back.next))) : back.next
    }
    expect(Session.encode(a).length).toBeLessThan(500)
  })
})
