import { createHash } from "node:crypto"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Limits from "../../src/base/Limits.ts"
import * as Records from "../../src/client/Records.ts"
import * as Canonical from "../../src/codec/Canonical.ts"
import { nobleProvider } from "../../src/crypto/Noble.ts"
import * as Device from "../../src/identity/Device.ts"
import * as Manifest from "../../src/identity/Manifest.ts"
import { ascii, providers } from "../crypto/helpers.ts"
import { causeOf, coins, makeParty, ok } from "../session/support.ts"

const crypto = providers.at(-1)!
const bob = makeParty(nobleProvider, 2)
const draw = coins(77)
const { account } = bob.identity

const byId = <T extends { readonly device: Uint8Array }>(entries: ReadonlyArray<T>): ReadonlyArray<T> =>
  [...entries].sort((a, b) => Bytes.compare(a.device, b.device))
const device = (addedIn: number): Manifest.ListedDevice => ({
  device: draw(32),
  agreement: draw(32),
  role: Device.roles.member,
  addedIn
})
const sealed = (statement: Manifest.Statement, seed = bob.accountSeed): Uint8Array => {
  const body = Manifest.encodeBody(statement)
  return Manifest.encode(body, crypto.ed25519Sign(seed, Manifest.signingInput(body)))
}
const verified = (statement: Manifest.Statement): Manifest.Manifest => ok(Manifest.verify(crypto, sealed(statement)))

const [d1, d2, d3] = [device(1), device(1), device(2)]
const first: Manifest.Statement = {
  account,
  version: 1,
  previous: new Uint8Array(0),
  issuedAt: 1000,
  devices: byId([d1, d2]),
  revocations: []
}
const m1 = verified(first)
const second: Manifest.Statement = {
  account,
  version: 2,
  previous: m1.hash,
  issuedAt: 2000,
  devices: byId([d1, d3]),
  revocations: [{ device: d2.device, revokedIn: 2 }]
}
const m2 = verified(second)
const third: Manifest.Statement = { ...second, version: 3, previous: m2.hash, issuedAt: 3000 }
const m3 = verified(third)

describe("Manifest", () => {
  it("is [body, signature] with the body the spec lays out [manifest.layout.1] [manifest.hash.1]", () => {
    const body = Canonical.encode([
      1,
      account,
      2,
      m1.hash,
      2000,
      second.devices.map(({ addedIn, agreement, device, role }) => [device, agreement, role, addedIn]),
      [[d2.device, 2]],
      new Map()
    ])
    expect(Manifest.encodeBody(second)).toEqual(body)
    expect(m2.bytes).toEqual(Canonical.encode([body, m2.signature]))
    expect(Manifest.signingInput(body)).toEqual(Bytes.concat(ascii("tacit/1 device manifest\0"), body))
    const hash = createHash("sha256").update(ascii("tacit/1 manifest hash\0")).update(body).digest()
    expect(m2.hash).toEqual(Uint8Array.from(hash))
    expect(m2).toMatchObject(second)
  })

  it("refuses a manifest with any byte changed or cut off, or of another account [manifest.check.1]", () => {
    const { bytes } = m2
    for (let at = 0; at < bytes.length; at += 3) {
      const changed = bytes.slice()
      changed[at]! ^= 1
      expect(causeOf(Manifest.verify(crypto, changed))).toMatch(/^(auth\.account|decode\..*)$/)
      expect(causeOf(Manifest.verify(crypto, bytes.slice(0, at)))).toMatch(/^decode\./)
    }
    expect(causeOf(Manifest.verify(crypto, bytes, draw(32)))).toBe("auth.account")
    expect(causeOf(Manifest.verify(crypto, sealed(second, draw(32))))).toBe("auth.account")
  })

  it("refuses lists out of order, repeated, or at odds with the version [manifest.order.1] [manifest.layout.1]", () => {
    const cause = (statement: Manifest.Statement) => causeOf(Manifest.verify(crypto, sealed(statement)))
    expect(cause({ ...first, devices: [...first.devices].reverse() })).toBe("decode.noncanonical")
    expect(cause({ ...first, devices: [d1, d1] })).toBe("decode.noncanonical")
    const revoked = byId([d1, d2]).map(({ device }) => ({ device, revokedIn: 1 }))
    expect(cause({ ...first, devices: [], revocations: [...revoked].reverse() })).toBe("decode.noncanonical")
    expect(cause({ ...first, revocations: [{ device: d1.device, revokedIn: 1 }] })).toBe("decode.value")
    expect(cause({ ...first, devices: [d3] })).toBe("decode.value")
    expect(cause({ ...first, devices: [], revocations: [{ device: d1.device, revokedIn: 2 }] })).toBe("decode.value")
    expect(cause({ ...first, previous: draw(32) })).toBe("decode.value")
    expect(cause({ ...second, previous: new Uint8Array(0) })).toBe("decode.value")
    expect(cause({ ...second, previous: draw(31) })).toBe("decode.value")
    expect(cause(first)).toBeUndefined()
  })

  it("holds 50 devices and 500 revocations and no more [manifest.layout.1]", () => {
    const devices = byId(Array.from({ length: 50 }, () => device(1)))
    const revocations = byId(Array.from({ length: 500 }, () => ({ device: draw(32), revokedIn: 1 })))
    const full = sealed({ ...first, devices, revocations })
    expect(full.length).toBeLessThan(Limits.maxManifestBytes)
    expect(causeOf(Manifest.verify(crypto, full))).toBeUndefined()
    expect(() => sealed({ ...first, devices: byId([...devices, device(1)]) })).toThrow(TypeError)
    const listed = ({ addedIn, agreement, device, role }: Manifest.ListedDevice) => [device, agreement, role, addedIn]
    const crowd = Canonical.encode([
      1,
      account,
      1,
      new Uint8Array(0),
      0,
      byId([...devices, device(1)]).map(listed),
      [],
      new Map()
    ])
    expect(causeOf(Manifest.verify(crypto, Canonical.encode([crowd, new Uint8Array(64)])))).toBe("decode.size")
  })

  it("follows by one version, by hash, keeping what must be kept [manifest.update.1] [manifest.update.2]", () => {
    expect(causeOf(Manifest.follows(m1, m2))).toBeUndefined()
    expect(causeOf(Manifest.follows(m2, m3))).toBeUndefined()
    const next = (change: Partial<Manifest.Statement>) =>
      causeOf(Manifest.follows(m2, verified({ ...third, ...change })))
    const other = { ...d1, agreement: draw(32) }
    expect(next({ devices: byId([other, d3]) })).toBe("auth.fork")
    expect(next({ devices: byId([{ ...d3, addedIn: 1 }, d1]) })).toBe("auth.fork")
    expect(next({ revocations: [] })).toBe("auth.fork")
    expect(next({ devices: byId([d1, d2, d3]), revocations: [] })).toBe("auth.fork")
    expect(next({ devices: byId([d1, d3, { ...device(2) }]) })).toBe("auth.fork")
    expect(next({ devices: byId([d1, d3, { ...device(3) }]) })).toBeUndefined()
    expect(next({ devices: byId([{ ...d1, role: Device.roles.replica }, d3]) })).toBeUndefined()
    expect(next({ devices: [d1] })).toBe("auth.fork")
    expect(next({ devices: [] })).toBe("auth.fork")
    const revoked = byId([...second.revocations, { device: d3.device, revokedIn: 3 }])
    expect(next({ devices: [d1], revocations: revoked })).toBeUndefined()
  })

  it("refuses to go back, to fork, or to skip [manifest.rollback.1] [manifest.fork.1] [manifest.skip.1]", () => {
    expect(causeOf(Manifest.follows(m2, m1))).toBe("fresh.rollback")
    expect(causeOf(Manifest.follows(m2, verified({ ...second, issuedAt: 2001 })))).toBe("auth.fork")
    expect(causeOf(Manifest.follows(m2, m2))).toBeUndefined()
    expect(causeOf(Manifest.follows(m2, verified({ ...third, previous: draw(32) })))).toBe("auth.fork")
    expect(causeOf(Manifest.follows(m1, m3))).toBe("lookup.manifest-gap")
    const carol = makeParty(nobleProvider, 9)
    const body = Manifest.encodeBody({ ...second, account: carol.identity.account })
    const hers = Manifest.encode(body, crypto.ed25519Sign(carol.accountSeed, Manifest.signingInput(body)))
    expect(causeOf(Manifest.follows(m1, ok(Manifest.verify(crypto, hers))))).toBe("auth.account")
  })

  it("takes a directory's chain, checked one after the other [manifest.skip.1] [manifest.pin.1] [manifest.rollback.1]", () => {
    const chain = [m1.bytes, m2.bytes, m3.bytes]
    const update = (held: Manifest.Manifest | undefined, answer: ReadonlyArray<Uint8Array>, whose = account) =>
      Manifest.update(crypto, whose, held, answer)
    expect(ok(update(undefined, chain))).toEqual(m3)
    expect(ok(update(m2, chain))).toEqual(m3)
    expect(ok(update(m2, [m3.bytes]))).toEqual(m3)
    expect(ok(update(m3, chain))).toEqual(m3)
    expect(ok(update(m3, []))).toBe(m3)
    expect(causeOf(update(undefined, [m2.bytes, m3.bytes]))).toBe("lookup.manifest-gap")
    expect(causeOf(update(undefined, []))).toBe("lookup.manifest-gap")
    expect(causeOf(update(m1, [m1.bytes, m3.bytes]))).toBe("lookup.manifest-gap")
    expect(causeOf(update(m3, [m1.bytes, m2.bytes]))).toBe("fresh.rollback")
    expect(causeOf(update(m1, [m2.bytes, m1.bytes]))).toBe("fresh.rollback")
    const fork = sealed({ ...second, issuedAt: 5 })
    expect(causeOf(update(m2, [m1.bytes, fork]))).toBe("auth.fork")
    expect(causeOf(update(m3, chain, draw(32)))).toBe("auth.account")
  })

  it("takes an older version that the held one does not follow for a fork [manifest.fork.2]", () => {
    const other = sealed({ ...second, issuedAt: 5 })
    const update = (answer: ReadonlyArray<Uint8Array>) => causeOf(Manifest.update(crypto, account, m3, answer))
    expect(update([m1.bytes, other, m3.bytes])).toBe("auth.fork")
    expect(update([other])).toBe("auth.fork")
    expect(update([m1.bytes, m2.bytes, m3.bytes])).toBeUndefined()
  })

  it("refuses a manifest longer than a contact record holds, before reading it [manifest.layout.2]", () => {
    const value = Canonical.encode(new Uint8Array(4000))
    const extensions = Array.from({ length: 12 }, (_, i) => ({ key: 2 * i + 1, value }))
    const whole = (last: number): Uint8Array => {
      const unknown = [...extensions, { key: 25, value: Canonical.encode(new Uint8Array(last)) }]
      const { devices, issuedAt, previous, revocations, version } = first
      const body = Manifest.Body.encode({
        format: 1,
        account,
        version,
        previous,
        issuedAt,
        devices,
        revocations,
        extensions: { unknown }
      })
      return Manifest.encode(body, crypto.ed25519Sign(bob.accountSeed, Manifest.signingInput(body)))
    }
    const fits = 300 + Limits.maxManifestBytes - whole(300).length
    const longest = whole(fits)
    expect(longest.length).toBe(Limits.maxManifestBytes)
    const manifest = ok(Manifest.verify(crypto, longest)).bytes
    const record: Records.Contact = { version: 1, user: undefined, manifest, offered: undefined, since: 1 }
    const stored = Records.Contact.decode(Records.Contact.encode(record))
    expect(Result.isSuccess(stored) && stored.success.manifest).toEqual(longest)
    expect(causeOf(Manifest.verify(crypto, whole(fits + 1)))).toBe("decode.size")
    expect(causeOf(Manifest.verify(crypto, new Uint8Array(Limits.maxManifestBytes + 1)))).toBe("decode.size")
  })

  it("says which devices are listed and which are revoked [manifest.device.1]", () => {
    expect(Manifest.deviceOf(m2, d3.device)).toEqual(d3)
    expect(Manifest.deviceOf(m2, d2.device)).toBeUndefined()
    expect(Manifest.isRevoked(m2, d2.device)).toBe(true)
    expect(Manifest.isRevoked(m2, d1.device)).toBe(false)
  })

  it("admits the devices it lists as their certificates say [manifest.device.2]", () => {
    const of = ({ addedIn, agreement, device, role }: Manifest.ListedDevice) => ({
      account,
      device,
      agreement,
      role,
      manifestVersion: addedIn
    })
    const admits = (change: object = {}) => causeOf(Manifest.admits(m2, { ...of(d3), ...change }))
    expect(admits()).toBeUndefined()
    expect(admits(of(d1))).toBeUndefined()
    expect(admits(of(d2))).toBe("policy.revoked-device")
    expect(admits({ ...of(d2), manifestVersion: 9 })).toBe("policy.revoked-device")
    expect(admits({ agreement: draw(32) })).toBe("policy.revoked-device")
    expect(admits({ role: Device.roles.replica })).toBe("policy.revoked-device")
    expect(admits({ manifestVersion: 1 })).toBe("policy.revoked-device")
    expect(admits({ device: draw(32) })).toBe("policy.revoked-device")
    expect(admits({ device: draw(32), manifestVersion: 3 })).toBe("lookup.manifest-gap")
  })
})
