import { Bytes, Canonical, Invitation, LinkDecision, LinkText } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  account,
  causeOf,
  crypto,
  draw,
  invitationOf,
  keysOf,
  minutes,
  now,
  offerCoins,
  ok,
  old,
  sign
} from "./support.ts"

const bytes = invitationOf()
const ephemeral = crypto.x25519PublicKey(offerCoins().ephemeral)
const details = Canonical.encode([offerCoins().slot, ephemeral, [1, 2]])
const fields = (): Array<Canonical.Value> => [
  1,
  3,
  account,
  old.device,
  "wss://relay.example/v1",
  now,
  now + 10 * minutes,
  1,
  details,
  new Map()
]
const changed = (at: number, value: Canonical.Value): Uint8Array =>
  sign(old, Canonical.encode(fields().with(at, value)))
const refusal = (invitation: Uint8Array, at = now): string => causeOf(Invitation.verifyLink(crypto, invitation, at))

describe("Invitation", () => {
  it("is [body, signature] as laid out, and reads back [invitation.layout.1] [invitation.purpose.1] [invitation.sign.1]", () => {
    expect(bytes).toEqual(sign(old, Canonical.encode(fields())))
    const read = ok(Invitation.verifyLink(crypto, bytes, now))
    expect(read).toMatchObject({ account, device: old.device, relay: "wss://relay.example/v1", singleUse: true })
    expect(read.link).toEqual({ slot: offerCoins().slot, ephemeral, offers: [1, 2] })
    expect(read.bytes).toEqual(bytes)
  })

  it("refuses one with any bit changed or byte cut off, and one signed by another device [invitation.sign.1]", () => {
    for (let at = 0; at < bytes.length; at++) {
      const flipped = bytes.slice()
      flipped[at]! ^= 1 << (at % 8)
      expect(refusal(flipped)).toMatch(/^(?:decode\..*|link\.(?:invitation|version|purpose)|auth\.low-order)$/)
      expect(refusal(bytes.slice(0, at))).toMatch(/^decode\./)
    }
    expect(refusal(sign(keysOf("somebody"), Canonical.encode(fields())))).toBe("link.invitation")
  })

  it("serves until it expires, and no longer than its purpose allows [invitation.expiry.1]", () => {
    expect(refusal(bytes, now + 10 * minutes - 1)).toBe("ok")
    expect(refusal(bytes, now + 10 * minutes)).toBe("link.expired")
    expect(refusal(changed(6, now + 10 * minutes + 1))).toBe("decode.value")
    expect(refusal(changed(6, now))).toBe("decode.value")
    expect(refusal(changed(6, now + 1))).toBe("ok")
    const contact = (expires: number): string =>
      causeOf(
        Invitation.verify(crypto, sign(old, Canonical.encode(fields().with(1, 1).with(6, expires).with(7, 0))), 1, now)
      )
    expect(contact(now + 366 * 24 * 60 * minutes)).toBe("ok")
    expect(contact(now + 366 * 24 * 60 * minutes + 1)).toBe("decode.value")
  })

  it("of a device serves once [invitation.single.1]", () => {
    expect(refusal(changed(7, 0))).toBe("decode.value")
    expect(refusal(changed(7, 2))).toBe("decode.value")
  })

  it("of another version or purpose is told from a damaged one [invitation.version.1]", () => {
    expect(refusal(changed(0, 2))).toBe("link.version")
    expect(refusal(sign(old, Canonical.encode([7, "anything"])))).toBe("link.version")
    expect(refusal(changed(1, 2))).toBe("link.purpose")
    expect(refusal(changed(1, 4))).toBe("decode.value")
    expect(causeOf(Invitation.verify(crypto, bytes, Invitation.purposes.contact, now))).toBe("link.purpose")
  })

  it("refuses details that no device would make [invitation.purpose.1]", () => {
    const withDetails = (...value: Array<Canonical.Value>): string => refusal(changed(8, Canonical.encode(value)))
    const { slot } = offerCoins()
    expect(withDetails(slot, ephemeral, [2])).toBe("ok")
    expect(withDetails(slot, ephemeral, [])).toBe("decode.size")
    expect(withDetails(slot, ephemeral, [2, 1])).toBe("decode.noncanonical")
    expect(withDetails(slot, ephemeral, [1, 1])).toBe("decode.noncanonical")
    expect(withDetails(slot, ephemeral, [4])).toBe("decode.value")
    expect(withDetails(slot, new Uint8Array(32), [1])).toBe("auth.low-order")
    expect(withDetails(slot.slice(1), ephemeral, [1])).toBe("decode.size")
  })

  it("has room for a relay's address and ignorable extensions, and refuses critical ones [invitation.layout.1]", () => {
    expect(refusal(changed(4, "r".repeat(255)))).toBe("ok")
    expect(refusal(changed(4, "r".repeat(256)))).toBe("decode.size")
    expect(refusal(changed(4, ""))).toBe("decode.size")
    expect(refusal(changed(9, new Map([[1, draw("extension", 100)]])))).toBe("ok")
    expect(refusal(changed(9, new Map([[2, 1]])))).toBe("decode.unknown-critical")
    const long = Canonical.encode(fields().with(9, new Map([[1, draw("extension", 1000)]])))
    expect(refusal(Canonical.encode([long, draw("signature", 64)]))).toBe("decode.size")
  })
})

describe("LinkText", () => {
  it("carries an invitation as tacit: and https: text [invitation.url.1]", () => {
    const text = LinkText.format("invite", bytes)
    expect(text).toBe(`tacit:invite/${Buffer.from(bytes).toString("base64url")}`)
    expect(ok(LinkText.parse("invite", text))).toEqual(bytes)
    const page = LinkText.formatHttps("https://tacit.example/i", bytes)
    expect(new URL(page).hash).toBe(`#invite/${Buffer.from(bytes).toString("base64url")}`)
    expect(ok(LinkText.parse("invite", page))).toEqual(bytes)
    expect(() => LinkText.formatHttps("http://tacit.example", bytes)).toThrow("https")
    expect(() => LinkText.formatHttps("https://tacit.example/#x", bytes)).toThrow("fragment")
  })

  it("reads any bytes back, as Node writes them [invitation.url.1]", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (value) => {
        expect(LinkText.encodeBase64Url(value)).toBe(Buffer.from(value).toString("base64url"))
        expect(ok(LinkText.decodeBase64Url(LinkText.encodeBase64Url(value)))).toEqual(Uint8Array.from(value))
      })
    )
  })

  it("refuses what is not the one form of its bytes [invitation.url.2]", () => {
    const cause = (text: string, kind: LinkText.Kind = "invite"): string => causeOf(LinkText.parse(kind, text))
    expect(cause(" \t\r\n tacit:invite/AAAA \n")).toBe("ok")
    expect(cause("tacit:invite/AA AA")).toBe("decode.value")
    expect(cause("tacit:invite/AA+A")).toBe("decode.value")
    expect(cause("tacit:invite/AAA=")).toBe("decode.value")
    expect(cause("tacit:invite/A")).toBe("decode.truncated")
    expect(cause("tacit:invite/AB")).toBe("decode.noncanonical")
    expect(cause("tacit:invite/AAB")).toBe("decode.noncanonical")
    expect(cause("tacit:invite/AQ")).toBe("ok")
    expect(cause("tacit:link/AAAA")).toBe("link.purpose")
    expect(cause("TACIT:invite/AAAA")).toBe("link.purpose")
    expect(cause("http://tacit.example#invite/AAAA")).toBe("link.purpose")
    expect(cause("https://tacit.example/invite/AAAA")).toBe("link.purpose")
    expect(cause("https://tacit.example/#link/AAAA")).toBe("link.purpose")
    expect(cause("https://tacit.example/#link/AAAA", "link")).toBe("link.purpose")
    expect(cause(`tacit:invite/${"A".repeat(2035)}`)).toBe("ok")
    expect(cause(`tacit:invite/${"A".repeat(2036)}`)).toBe("decode.size")
  })

  it("never throws, and what it accepts is written back the same [invitation.url.2]", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.constantFrom<LinkText.Kind>("invite", "link"), (tail, kind) => {
        const read = LinkText.parse(kind, `tacit:${kind}/${tail}`)
        if (Result.isSuccess(read)) expect(LinkText.format(kind, read.success)).toBe(`tacit:${kind}/${tail.trim()}`)
        LinkText.parse(kind, tail)
      })
    )
  })
})

describe("LinkDecision", () => {
  it("is the table of the specification [link.decide.1] [link.decide.2]", () => {
    const able = (scan: boolean, show: boolean, type: boolean, digits = false): LinkDecision.Abilities => ({
      scan,
      show,
      type,
      digits
    })
    const olds = [able(true, true, true), able(false, true, true), able(true, false, true), able(false, false, true)]
    const fleet = able(true, true, true, true)
    const rows: ReadonlyArray<readonly [LinkDecision.Abilities, ReadonlyArray<number | undefined>]> = [
      [able(true, true, true), [1, 2, 1, undefined, undefined]],
      [able(true, true, false), [1, undefined, 1, undefined, undefined]],
      [able(true, false, true), [2, 2, undefined, undefined, undefined]],
      [able(true, false, false), [undefined, undefined, undefined, undefined, undefined]],
      [fleet, [undefined, undefined, undefined, undefined, 3]]
    ]
    for (const [joiner, expected] of rows)
      expect(
        [...olds, fleet].map((old) => LinkDecision.choose(LinkDecision.offers(old), LinkDecision.takes(joiner)))
      ).toEqual(expected)
  })

  it("depends on both lists and nothing else, whoever computes it [link.decide.1]", () => {
    const list = fc.subarray([1, 2, 3])
    fc.assert(
      fc.property(list, list, (offers, takes) => {
        const common = offers.filter((challenge) => takes.includes(challenge))
        expect(LinkDecision.choose(offers, takes)).toBe(common.length === 0 ? undefined : Math.min(...common))
      })
    )
  })
})

it("invitations are short enough for a QR code that a camera reads [invitation.url.1]", () => {
  expect(LinkText.format("invite", bytes).length).toBeLessThan(450)
  expect(Bytes.equal(bytes, invitationOf())).toBe(true)
})
