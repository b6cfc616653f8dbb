import { createHmac, hkdfSync } from "node:crypto"
import { describe, expect, it } from "vitest"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Canonical from "../../src/codec/Canonical.ts"
import { nobleProvider as crypto } from "../../src/crypto/Noble.ts"
import * as Suite from "../../src/crypto/Suite.ts"
import * as Envelope from "../../src/envelope/Envelope.ts"
import * as SealedSender from "../../src/envelope/SealedSender.ts"
import * as SessionTag from "../../src/envelope/SessionTag.ts"
import { ascii } from "../crypto/helpers.ts"
import { causeOf, coins, ok } from "../session/support.ts"

const draw = coins(8)
const secret = draw(32)
const recipient = crypto.x25519PublicKey(secret)
const prefix = Envelope.prefix(1, draw(16))
const suiteIds = [1, 2, 3] as const

const start: SealedSender.Start = {
  suite: 1,
  certificate: draw(150),
  manifestVersion: 2,
  mailbox: draw(16),
  ephemeral: draw(32),
  signedPrekeyId: 7,
  oneTimePrekeyId: 0,
  kemOneTime: 1,
  kemPrekeyId: 3,
  kemCiphertext: draw(1088),
  message: draw(200),
  extensions: { user: "alice", rank: 9, unknown: [] }
}
const open = (sealed: SealedSender.SealedStart, with_ = prefix) =>
  SealedSender.open(crypto, sealed, crypto.x25519(secret, sealed.ephemeral), recipient, with_)

describe("SealedSender", () => {
  it.each(suiteIds)(
    "seals with the key and associated data that the spec writes, suite %i [sealed.layout.1] [sealed.key.1] [sealed.ad.1]",
    (suite) => {
      const [e, plaintext] = [draw(32), draw(300)]
      const body = ok(SealedSender.seal(crypto, suite, e, recipient, prefix, plaintext))
      const ephemeral = crypto.x25519PublicKey(e)
      const { keyLength, nonceLength } = Suite.suites[suite]
      const keys = new Uint8Array(
        hkdfSync(
          "sha256",
          crypto.x25519(e, recipient)!,
          Bytes.concat(ephemeral, recipient),
          Bytes.concat(ascii("tacit/1 sealed sender\0"), Uint8Array.of(suite)),
          keyLength + nonceLength
        )
      )
      const ad = Bytes.concat(prefix, Uint8Array.of(suite), ephemeral)
      const box = Suite.seal(crypto, suite, keys.slice(0, keyLength), keys.slice(keyLength), ad, plaintext)
      expect(body).toEqual(Canonical.encode([suite, ephemeral, box]))
      const sealed = ok(SealedSender.decode(body))
      expect(sealed).toEqual({ suite, ephemeral, box })
      expect(ok(open(sealed))).toEqual(plaintext)
    }
  )

  it("does not open for another recipient, prefix, suite or ephemeral [sealed.ad.1] [envelope.prefix.1]", () => {
    const sealed = ok(SealedSender.decode(ok(SealedSender.seal(crypto, 1, draw(32), recipient, prefix, draw(64)))))
    expect(causeOf(open(sealed, Envelope.prefix(1, draw(16))))).toBe("auth.tag")
    expect(causeOf(open(sealed, Envelope.prefix(2, prefix.slice(5))))).toBe("auth.tag")
    expect(causeOf(open({ ...sealed, suite: 2 }))).toBe("auth.tag")
    expect(causeOf(open({ ...sealed, ephemeral: crypto.x25519PublicKey(draw(32)) }))).toBe("auth.tag")
    const other = draw(32)
    const shared = crypto.x25519(other, sealed.ephemeral)
    expect(causeOf(SealedSender.open(crypto, sealed, shared, crypto.x25519PublicKey(other), prefix))).toBe("auth.tag")
    ok(open(sealed))
  })

  it("refuses agreements that are zero [sealed.key.1]", () => {
    const zero = new Uint8Array(32)
    expect(causeOf(SealedSender.seal(crypto, 1, draw(32), zero, prefix, draw(9)))).toBe("auth.low-order")
    const sealed = { suite: 1, ephemeral: zero, box: draw(80) } as const
    expect(causeOf(open(sealed))).toBe("auth.low-order")
  })

  it("refuses suites it does not know, outside and inside [sealed.layout.1] [sealed.suite.1]", () => {
    for (const suite of [0, 4, 255]) {
      expect(causeOf(SealedSender.decode(Canonical.encode([suite, draw(32), draw(64)])))).toBe("policy.suite")
    }
    const sealed = { suite: 1, ephemeral: draw(32), box: draw(80) } as const
    expect(causeOf(SealedSender.decodeStart(sealed, SealedSender.encodeStart({ ...start, suite: 2 })))).toBe(
      "policy.suite"
    )
    expect(causeOf(SealedSender.decodeStart(sealed, SealedSender.encodeStart(start)))).toBeUndefined()
  })

  it("refuses a rank above 2⁵² [session.rank.2]", () => {
    const sealed = { suite: 1, ephemeral: draw(32), box: draw(32) } as const
    const bytes = SealedSender.encodeStart({ ...start, extensions: { rank: 2 ** 52, unknown: [] } })
    expect(Bytes.toHex(bytes.slice(-11))).toBe("8103cf0010000000000000")
    expect(ok(SealedSender.decodeStart(sealed, bytes)).extensions.rank).toBe(2 ** 52)
    bytes[bytes.length - 1] = 1
    expect(causeOf(SealedSender.decodeStart(sealed, bytes))).toBe("decode.value")
    const above = { ...start, extensions: { rank: 2 ** 52 + 1, unknown: [] } }
    expect(() => SealedSender.encodeStart(above)).toThrow(TypeError)
  })

  it("lays a start out as the spec writes it [sealed.start.1] [sealed.start.2]", () => {
    const extensions = new Map<number, Canonical.Value>([
      [1, "alice"],
      [3, 9]
    ])
    const elements = [
      1,
      start.certificate,
      2,
      start.mailbox,
      start.ephemeral,
      7,
      0,
      1,
      3,
      start.kemCiphertext,
      start.message
    ]
    const bytes = Canonical.encode([...elements, extensions])
    expect(SealedSender.encodeStart(start)).toEqual(bytes)
    const sealed = { suite: 1, ephemeral: draw(32), box: draw(80) } as const
    expect(ok(SealedSender.decodeStart(sealed, bytes))).toEqual(start)
    for (let length = 0; length < bytes.length; length += 5) {
      expect(causeOf(SealedSender.decodeStart(sealed, bytes.slice(0, length)))).toMatch(/^decode\./)
    }
    const critical = Canonical.encode([...elements, new Map([[2, 0]])])
    expect(causeOf(SealedSender.decodeStart(sealed, critical))).toBe("decode.unknown-critical")
  })
})

describe("SessionTag", () => {
  it("is the first half of an HMAC under the header key [session-message.tag.1]", () => {
    const key = draw(32)
    const mac = createHmac("sha256", key).update(ascii("tacit/1 session tag\0")).digest()
    expect(SessionTag.derive(crypto, key)).toEqual(Uint8Array.from(mac.subarray(0, 16)))
    const body = draw(40)
    expect(SessionTag.of(body)).toEqual(body.slice(0, 16))
    expect(SessionTag.of(body.slice(0, 15))).toBeUndefined()
  })
})
