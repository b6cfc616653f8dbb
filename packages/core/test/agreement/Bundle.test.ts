import { describe, expect, it } from "vitest"
import * as Bundle from "../../src/agreement/Bundle.ts"
import * as Prekey from "../../src/agreement/Prekey.ts"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Limits from "../../src/base/Limits.ts"
import * as Canonical from "../../src/codec/Canonical.ts"
import { nobleProvider as crypto } from "../../src/crypto/Noble.ts"
import * as Device from "../../src/identity/Device.ts"
import type * as Manifest from "../../src/identity/Manifest.ts"
import { ascii } from "../crypto/helpers.ts"
import { bundleBytes, causeOf, makeParty, ok } from "../session/support.ts"

const bob = makeParty(crypto, 2)
const carol = makeParty(crypto, 3)
const account = bob.identity.account
const good = ok(Bundle.decode(bundleBytes(crypto, bob)))
const check = (bundle: Bundle.Bundle, expected = account) =>
  causeOf(Bundle.check(crypto, Bundle.encode(bundle), expected))
const signAs = (kind: Prekey.SignedKind, prekey: { readonly id: number; readonly key: Uint8Array }) =>
  crypto.ed25519Sign(bob.secrets.signing, Prekey.signingInput(kind, prekey))

describe("Prekey", () => {
  it("signs label, zero byte and [id, key] [prekey.sign.1] [prekey.kinds.1]", () => {
    const prekey = { id: 300, key: bob.signedPrekey.key }
    for (const [kind, label] of [
      ["signed", "signed prekey"],
      ["one-time-kem", "one-time KEM prekey"],
      ["last-resort-kem", "last-resort KEM prekey"]
    ] as const) {
      expect(Prekey.signingInput(kind, prekey)).toEqual(
        Bytes.concat(ascii(`tacit/1 ${label}\0`), Canonical.encode([300, prekey.key]))
      )
    }
  })

  it("does not verify a signature made for another kind, id, key or device [prekey.sign.1]", () => {
    const { kemPrekey, signedPrekey } = good
    const device = bob.identity.device
    expect(Prekey.verify(crypto, "signed", device, signedPrekey)).toBe(true)
    expect(Prekey.verify(crypto, "one-time-kem", device, kemPrekey)).toBe(true)
    expect(Prekey.verify(crypto, "last-resort-kem", device, kemPrekey)).toBe(false)
    expect(Prekey.verify(crypto, "signed", device, { ...signedPrekey, id: 8 })).toBe(false)
    expect(Prekey.verify(crypto, "signed", device, { ...signedPrekey, key: carol.signedPrekey.key })).toBe(false)
    expect(Prekey.verify(crypto, "signed", carol.identity.device, signedPrekey)).toBe(false)
  })

  it("rotates after 7 days, forgets 30 days later, and replenishes below 20 [prekey.rotate.1] [prekey.replenish.1]", () => {
    const day = 86_400_000
    expect([Prekey.isDue(0, 7 * day - 1), Prekey.isDue(0, 7 * day)]).toEqual([false, true])
    expect([Prekey.isForgettable(0, 30 * day - 1), Prekey.isForgettable(0, 30 * day)]).toEqual([false, true])
    expect([20, 19, 0].map(Prekey.toReplenish)).toEqual([0, 31, Limits.oneTimePrekeyTarget])
  })
})

describe("Bundle", () => {
  it("belongs to the device asked for, as the newest manifest lists it, and to no replica [prekey.check.2]", () => {
    const bundle = ok(Bundle.check(crypto, Bundle.encode(good), account))
    const { agreement, device } = bob.identity
    const listed: Manifest.ListedDevice = { device, agreement, role: Device.roles.admin, addedIn: 1 }
    const belongs = (change: Partial<Manifest.ListedDevice> = {}, asked = device, of = bundle) => {
      const devices = [{ ...listed, ...change }]
      const statement = { account, version: 1, previous: Bytes.empty, issuedAt: 0, devices, revocations: [] }
      return causeOf(Bundle.belongs(of, asked, statement))
    }
    expect(belongs()).toBeUndefined()
    expect(belongs({ role: Device.roles.member })).toBeUndefined()
    expect(belongs({}, carol.identity.device)).toBe("auth.account")
    expect(belongs({ device: carol.identity.device })).toBe("auth.account")
    expect(belongs({ agreement: carol.identity.agreement })).toBe("auth.account")
    expect(belongs({ role: Device.roles.replica })).toBe("auth.account")
    const replica = { ...bundle, certificate: { ...bundle.certificate, role: Device.roles.replica } }
    expect(belongs({}, device, replica)).toBe("auth.account")
  })

  it("is [1, certificate, mailbox, signed prekey, KEM prekey, one-time prekey, suites] [prekey.bundle.1]", () => {
    const { kemPrekey, oneTimePrekey, signedPrekey } = good
    const expected = Canonical.encode([
      1,
      bob.certificate,
      bob.mailbox,
      [signedPrekey.id, signedPrekey.key, signedPrekey.signature],
      [kemPrekey.id, 1, kemPrekey.key, kemPrekey.signature],
      [[oneTimePrekey!.id, oneTimePrekey!.key]],
      [1, 2, 3]
    ])
    expect(Bundle.encode(good)).toEqual(expected)
    expect(Bundle.encode({ ...good, oneTimePrekey: undefined }).length).toBe(expected.length - 36)
  })

  it("gives the keys of a genuine bundle [prekey.check.1]", () => {
    const checked = ok(Bundle.check(crypto, Bundle.encode(good), account))
    expect(checked).toMatchObject({
      mailbox: bob.mailbox,
      signedPrekey: { id: 7, key: bob.signedPrekey.key },
      oneTimePrekey: { id: 21, key: bob.oneTimePrekey.key },
      kemPrekey: { id: 3, oneTime: true, key: bob.kemPrekey.key },
      certificate: bob.identity,
      suites: [1, 2, 3]
    })
    expect(check(ok(Bundle.decode(bundleBytes(crypto, bob, { kemOneTime: false, oneTime: false }))))).toBeUndefined()
  })

  it("refuses another account's bundle, and a certificate that does not verify [prekey.check.1]", () => {
    expect(check(good, carol.identity.account)).toBe("auth.account")
    expect(check({ ...good, certificate: carol.certificate })).toBe("auth.account")
    const broken = bob.certificate.map((byte, i) => (i === 80 ? byte ^ 1 : byte))
    expect(check({ ...good, certificate: broken })).toBe("auth.certificate")
  })

  it("refuses prekeys with wrong signatures, of low order, or that fail the modulus check [prekey.check.1] [prekey.sign.1]", () => {
    const { kemPrekey, signedPrekey } = good
    const flipped = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 9 ? byte ^ 1 : byte))
    expect(check({ ...good, signedPrekey: { ...signedPrekey, signature: flipped(signedPrekey.signature) } })).toBe(
      "auth.prekey"
    )
    expect(check({ ...good, kemPrekey: { ...kemPrekey, signature: flipped(kemPrekey.signature) } })).toBe("auth.prekey")
    // A one-time KEM prekey handed out as the last-resort one.
    expect(check({ ...good, kemPrekey: { ...kemPrekey, oneTime: 0 } })).toBe("auth.prekey")
    // Keys that are signed by the device, and still unusable.
    const zero = { id: 7, key: new Uint8Array(32) }
    expect(check({ ...good, signedPrekey: { ...zero, signature: signAs("signed", zero) } })).toBe("auth.prekey")
    const bad = { id: 3, key: new Uint8Array(1184).fill(0xff) }
    const signature = signAs("one-time-kem", bad)
    expect(check({ ...good, kemPrekey: { ...bad, oneTime: 1, signature } })).toBe("auth.prekey")
    const one = new Uint8Array(32)
    one[0] = 1
    expect(check({ ...good, oneTimePrekey: { id: 1, key: one } })).toBe("auth.prekey")
  })

  it("refuses suites that do not ascend [prekey.bundle.1]", () => {
    expect(check({ ...good, suites: [2, 1] })).toBe("decode.noncanonical")
    expect(check({ ...good, suites: [1, 1] })).toBe("decode.noncanonical")
  })

  it("chooses the first suite of one's own preference that the device accepts [prekey.bundle.1]", () => {
    const checked = ok(Bundle.check(crypto, Bundle.encode({ ...good, suites: [2, 3, 99] }), account))
    expect(ok(Bundle.chooseSuite(checked, [1, 3, 2]))).toBe(3)
    expect(causeOf(Bundle.chooseSuite(checked, [1]))).toBe("policy.suite")
  })

  it("refuses every truncation, and whatever follows [prekey.bundle.1]", () => {
    const bytes = Bundle.encode(good)
    for (let length = 0; length < bytes.length; length += 7) {
      expect(causeOf(Bundle.check(crypto, bytes.slice(0, length), account))).toMatch(/^decode\./)
    }
    expect(causeOf(Bundle.check(crypto, Bytes.concat(bytes, Uint8Array.of(0)), account))).toMatch(/^decode\./)
  })

  it("refuses a bundle with any byte changed, the mailbox, unsigned key, unused id and suites apart [prekey.check.1]", () => {
    const bytes = Bundle.encode(good)
    const survivors: Array<number> = []
    for (let at = 0; at < bytes.length; at += 3) {
      const changed = bytes.slice()
      changed[at]! ^= 1
      if (causeOf(Bundle.check(crypto, changed, account)) === undefined) survivors.push(at)
    }
    const mailbox = 1 + 1 + 2 + bob.certificate.length + 2
    // What a relay can change without notice is what it may choose: where envelopes go, which one-time key, which suites.
    const last = bytes.length - 40
    expect(survivors.every((at) => (at >= mailbox && at < mailbox + 16) || at >= last)).toBe(true)
  })
})
