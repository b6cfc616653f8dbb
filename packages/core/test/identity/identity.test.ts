import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Limits from "../../src/base/Limits.ts"
import * as Canonical from "../../src/codec/Canonical.ts"
import { nobleProvider as crypto } from "../../src/crypto/Noble.ts"
import * as Account from "../../src/identity/Account.ts"
import * as Certificate from "../../src/identity/Certificate.ts"
import * as Device from "../../src/identity/Device.ts"
import * as Name from "../../src/identity/Name.ts"
import { ascii } from "../crypto/helpers.ts"
import { causeOf, coins, makeParty, ok } from "../session/support.ts"

const draw = coins(12)
const bob = makeParty(crypto, 2)
const statement = { ...bob.identity, role: Device.roles.member, manifestVersion: 4 }
const sign = (given: Certificate.Statement, seed = bob.accountSeed) =>
  Certificate.encode(given, crypto.ed25519Sign(seed, Certificate.signingInput(given)))

describe("keys", () => {
  it("are derived from independent secrets and come back from their records [account.keys.1] [device.keys.1] [state.version.1]", () => {
    const account = { identity: draw(32), alias: draw(32) }
    expect(Account.derive(crypto, account)).toEqual({
      account: crypto.ed25519PublicKey(account.identity),
      alias: crypto.ed25519PublicKey(account.alias)
    })
    expect(ok(Account.decode(Account.encode(account)))).toEqual(account)
    const device = { signing: draw(32), agreement: draw(32) }
    expect(Device.derive(crypto, device)).toEqual({
      device: crypto.ed25519PublicKey(device.signing),
      agreement: crypto.x25519PublicKey(device.agreement)
    })
    expect(ok(Device.decode(Device.encode(device)))).toEqual(device)
    const wrong = Account.decode(Account.encode(account).map((byte, i) => (i === 1 ? 7 : byte)))
    expect(Result.isFailure(wrong) && wrong.failure.reason).toBe("version")
    const cut = Device.decode(Device.encode(device).slice(0, 20))
    expect(Result.isFailure(cut) && cut.failure.reason).toBe("corrupt")
  })

  it("accepts the names a relay accepts [relay.register.1]", () => {
    for (const name of ["a", "0", "alice", "a.b_c-d", "a".repeat(64)]) expect(Name.isName(name)).toBe(true)
    for (const name of ["", "A", ".a", "-a", "_a", "a b", "ä", "a\n", "a".repeat(65)])
      expect(Name.isName(name)).toBe(false)
  })
})

describe("Certificate", () => {
  it("is [1, account, device, agreement key, role, manifest version, signature] [certificate.layout.1] [device.role.1]", () => {
    const bytes = sign(statement)
    const { account, agreement, device } = bob.identity
    const { signature } = ok(Certificate.decode(bytes))
    expect(bytes).toEqual(Canonical.encode([1, account, device, agreement, 2, 4, signature]))
    expect(bytes.length).toBeLessThanOrEqual(Limits.maxCertificateBytes)
    expect(ok(Certificate.verify(crypto, bytes))).toEqual({ ...statement, signature })
    const largest = sign({ ...statement, manifestVersion: Limits.maxUint })
    expect(largest.length).toBeLessThanOrEqual(Limits.maxCertificateBytes)
    ok(Certificate.verify(crypto, largest))
  })

  it("signs label, zero byte and the first six elements as an array of six [certificate.sign.1]", () => {
    const { account, agreement, device } = bob.identity
    expect(Certificate.signingInput(statement)).toEqual(
      Bytes.concat(ascii("tacit/1 device certificate\0"), Canonical.encode([1, account, device, agreement, 2, 4]))
    )
  })

  it("refuses a certificate with any byte changed or cut off [certificate.check.1]", () => {
    const bytes = sign(statement)
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice()
      changed[at]! ^= 1
      expect(causeOf(Certificate.verify(crypto, changed))).toMatch(/^(auth\.certificate|decode\..*)$/)
      expect(causeOf(Certificate.verify(crypto, bytes.slice(0, at)))).toMatch(/^decode\./)
    }
  })

  it("refuses keys of low order, even signed [certificate.check.1]", () => {
    const zero = new Uint8Array(32)
    const one = zero.map((_, i) => (i === 0 ? 1 : 0))
    expect(causeOf(Certificate.verify(crypto, sign({ ...statement, agreement: zero })))).toBe("auth.certificate")
    expect(causeOf(Certificate.verify(crypto, sign({ ...statement, device: one })))).toBe("auth.certificate")
    expect(causeOf(Certificate.verify(crypto, sign({ ...statement, account: one })))).toBe("auth.certificate")
  })

  it("refuses roles and versions there are not [device.role.1] [certificate.layout.1]", () => {
    const { account, agreement, device } = bob.identity
    const encode = (role: number, version: number) =>
      Canonical.encode([1, account, device, agreement, role, version, new Uint8Array(64)])
    expect(causeOf(Certificate.decode(encode(0, 1)))).toBe("decode.value")
    expect(causeOf(Certificate.decode(encode(4, 1)))).toBe("decode.value")
    expect(causeOf(Certificate.decode(encode(1, 0)))).toBe("decode.value")
    ok(Certificate.decode(encode(3, 1)))
  })
})
