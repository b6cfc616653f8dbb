/** Fork proofs: what proves that an account's key was used for two histories, and what does not. */
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Limits from "../../src/base/Limits.ts"
import * as Canonical from "../../src/codec/Canonical.ts"
import { nobleProvider } from "../../src/crypto/Noble.ts"
import * as Device from "../../src/identity/Device.ts"
import * as ForkProof from "../../src/identity/ForkProof.ts"
import * as Manifest from "../../src/identity/Manifest.ts"
import { providers } from "../crypto/helpers.ts"
import { coins, makeParty, ok } from "../session/support.ts"

const crypto = providers.at(-1)!
const bob = makeParty(nobleProvider, 2)
const carol = makeParty(nobleProvider, 3)
const draw = coins(177)

const byId = <T extends { readonly device: Uint8Array }>(entries: ReadonlyArray<T>): ReadonlyArray<T> =>
  [...entries].sort((a, b) => Bytes.compare(a.device, b.device))
const listed = (addedIn: number): Manifest.ListedDevice => ({
  device: draw(32),
  agreement: draw(32),
  role: Device.roles.member,
  addedIn
})
const sealed = (statement: Manifest.Statement, seed = bob.accountSeed): Manifest.Manifest => {
  const body = Manifest.encodeBody(statement)
  return ok(Manifest.verify(crypto, Manifest.encode(body, crypto.ed25519Sign(seed, Manifest.signingInput(body)))))
}
const causeOf = (bytes: Uint8Array): string => {
  const checked = ForkProof.verify(crypto, bytes)
  return Result.isSuccess(checked) ? checked.success.contradiction : checked.failure.cause
}
const inOrder = (a: Manifest.Manifest, b: Manifest.Manifest): Uint8Array =>
  a.version < b.version || (a.version === b.version && Bytes.compare(a.hash, b.hash) < 0)
    ? ForkProof.encode(a.bytes, b.bytes)
    : ForkProof.encode(b.bytes, a.bytes)

const [d1, d2, d3, d4] = [listed(1), listed(1), listed(2), listed(3)]
const base = { account: bob.identity.account, issuedAt: 1000, revocations: [] } as const
const m1 = sealed({ ...base, version: 1, previous: Bytes.empty, devices: byId([d1, d2]) })
const m2 = sealed({ ...base, version: 2, previous: m1.hash, devices: byId([d1, d2, d3]) })
const m3 = sealed({
  ...base,
  version: 3,
  previous: m2.hash,
  devices: byId([d1, d3, d4]),
  revocations: [{ device: d2.device, revokedIn: 3 }]
})
const m4 = sealed({ ...m3, version: 4, previous: m3.hash })

describe("ForkProof", () => {
  it("is [1, first, second], the lower version first and of equal ones the lower hash [proof.layout.1]", () => {
    const other = sealed({ ...m2, issuedAt: 1001 })
    const proof = ForkProof.of(m2, other)!
    expect(ForkProof.of(other, m2)).toEqual(proof)
    const [low, high] = Bytes.compare(m2.hash, other.hash) < 0 ? [m2, other] : [other, m2]
    expect(proof.bytes).toEqual(Canonical.encode([1, low.bytes, high.bytes]))
    expect(ok(ForkProof.verify(crypto, proof.bytes))).toEqual(proof)
    expect(proof).toMatchObject({ account: base.account, contradiction: "version" })
    const later = sealed({ ...m3, previous: other.hash })
    expect(ForkProof.of(later, m2)!.bytes).toEqual(Canonical.encode([1, m2.bytes, later.bytes]))
    expect(causeOf(ForkProof.encode(high.bytes, low.bytes))).toBe("decode.noncanonical")
    expect(causeOf(ForkProof.encode(later.bytes, m2.bytes))).toBe("decode.noncanonical")
  })

  it("names the first contradiction of the table [proof.contradiction.1]", () => {
    const named = (first: Manifest.Manifest, second: Manifest.Statement): string =>
      causeOf(inOrder(first, sealed(second)))
    expect(named(m3, { ...m3, issuedAt: 7 })).toBe("version")
    expect(named(m2, { ...m3, previous: m1.hash })).toBe("previous")
    expect(named(m3, { ...m4, revocations: [] })).toBe("revocation")
    expect(named(m3, { ...m4, revocations: [{ device: d2.device, revokedIn: 4 }] })).toBe("revocation")
    const late = [
      { device: d2.device, revokedIn: 3 },
      { device: draw(32), revokedIn: 2 }
    ]
    expect(named(m3, { ...m4, revocations: byId(late) })).toBe("revocation")
    expect(named(m1, { ...m3, devices: byId([d2, d3]), revocations: [] })).toBe("lost")
    const other = { ...d1, agreement: draw(32) }
    expect(named(m1, { ...m4, devices: byId([other, d3, d4]) })).toBe("changed")
    expect(named(m1, { ...m4, devices: byId([{ ...d1, addedIn: 2 }, d3, d4]) })).toBe("changed")
    expect(named(m1, { ...m4, devices: byId([d1, { ...d3, addedIn: 1 }, d4]) })).toBe("backdated")
  })

  it("finds nothing in a history, however far apart two of its versions are [proof.contradiction.1]", () => {
    const history = [m1, m2, m3, m4]
    for (const [i, first] of history.entries()) {
      for (const second of history.slice(i + 1)) {
        expect(Manifest.contradiction(first, second)).toBeUndefined()
        expect(ForkProof.of(first, second)).toBeUndefined()
        expect(causeOf(ForkProof.encode(first.bytes, second.bytes))).toBe("proof.consistent")
      }
    }
  })

  it("of consecutive versions is there exactly when the later is refused as a fork [proof.contradiction.1] [manifest.fork.1]", () => {
    const random = (count: number): number => draw(1)[0]! % count
    const pool = [listed(1), listed(1), listed(2), listed(2), listed(3)]
    let forks = 0
    for (let run = 0; run < 400; run++) {
      const some = () => byId(pool.filter(() => random(3) > 0).map((one) => ({ ...one, addedIn: 1 + random(3) })))
      const of = (version: number, previous: Uint8Array): Manifest.Manifest | undefined => {
        const devices = some().filter(({ addedIn }) => addedIn <= version)
        const revocations = byId(
          pool
            .filter(({ device }) => devices.every((one) => !Bytes.equal(one.device, device)) && random(2) === 0)
            .map(({ device }) => ({ device, revokedIn: 1 + random(version) }))
        )
        return sealed({ ...base, version, previous, devices, revocations })
      }
      const first = of(2, m1.hash)!
      const second = of(3, random(4) === 0 ? m1.hash : first.hash)!
      const followed = Manifest.follows(first, second)
      const isFork = Result.isFailure(followed) && followed.failure.cause === "auth.fork"
      if (isFork) forks++
      expect(Manifest.contradiction(first, second) !== undefined).toBe(isFork)
    }
    expect(forks).toBeGreaterThan(50)
    // And of ones that do follow.
    expect(forks).toBeLessThan(400)
    expect(Result.isSuccess(Manifest.follows(m2, m3))).toBe(true)
  })

  it("refuses what is none, in the order of the page [proof.check.1]", () => {
    const other = sealed({ ...m2, issuedAt: 1001 })
    const { bytes } = ForkProof.of(m2, other)!
    expect(causeOf(new Uint8Array(Limits.maxForkProofBytes + 1))).toBe("decode.size")
    expect(causeOf(Bytes.empty)).toBe("decode.truncated")
    expect(causeOf(Bytes.concat(bytes, new Uint8Array(1)))).toBe("decode.trailing")
    expect(causeOf(Canonical.encode([2, m2.bytes, other.bytes]))).toBe("decode.value")
    expect(causeOf(ForkProof.encode(m2.bytes, m2.bytes))).toBe("proof.same")
    const foreign = sealed({ ...m2, account: carol.identity.account }, carol.accountSeed)
    expect(causeOf(inOrder(m2, foreign))).toBe("proof.accounts")
    for (const one of [m2, other]) {
      const forged = one.bytes.slice()
      forged[forged.length - 1]! ^= 1
      const pair = one === m2 ? [forged, other.bytes] : [m2.bytes, forged]
      expect(causeOf(ForkProof.encode(pair[0]!, pair[1]!))).toBe("auth.account")
    }
    // A thousand changed bytes, and never a proof of something else.
    for (let at = 0; at < bytes.length; at += 2) {
      const changed = bytes.slice()
      changed[at]! ^= 1
      expect(causeOf(changed)).toMatch(/^(auth\.account|decode\..*|proof\.accounts)$/)
    }
  })

  it("is found in an answer that was refused as a fork [manifest.fork.1] [manifest.fork.2]", () => {
    const { account } = base
    const find = (held: Manifest.Manifest | undefined, ...answer: ReadonlyArray<Manifest.Manifest>) => {
      const bytes = answer.map((one) => one.bytes)
      expect(Manifest.update(crypto, account, held, bytes)).toMatchObject({ failure: { cause: "auth.fork" } })
      return ForkProof.find(crypto, account, held, bytes)!
    }
    const other2 = sealed({ ...m2, issuedAt: 1001 })
    const other3 = sealed({ ...m3, previous: other2.hash })
    expect(find(m2, other2)).toMatchObject({ contradiction: "version" })
    expect(find(m2, m2, other3)).toMatchObject({ contradiction: "previous", first: m2, second: other3 })
    expect(find(undefined, m1, m2, other3)).toMatchObject({ contradiction: "previous", first: m2 })
    expect(find(m3, m1, other2)).toMatchObject({ contradiction: "previous", first: other2, second: m3 })
    expect(ForkProof.find(crypto, account, m3, [m1.bytes, m2.bytes, m3.bytes, m4.bytes])).toBeUndefined()
  })
})

describe("Manifest.difference", () => {
  it("names what a version adds and removes [manifest.told.1]", () => {
    expect(Manifest.difference(m1, m2)).toEqual({ added: [d3.device], removed: [] })
    expect(Manifest.difference(m2, m3)).toEqual({ added: [d4.device], removed: [d2.device] })
    expect(Manifest.difference(m3, m4)).toEqual({ added: [], removed: [] })
  })
})

describe("Manifest.advance", () => {
  it("gives every version after the one held, oldest first [manifest.skip.1]", () => {
    const passed = (held: Manifest.Manifest | undefined, ...answer: ReadonlyArray<Manifest.Manifest>) =>
      ok(
        Manifest.advance(
          crypto,
          base.account,
          held,
          answer.map((one) => one.bytes)
        )
      ).passed.map(({ version }) => version)
    expect(passed(undefined, m1, m2, m3)).toEqual([1, 2, 3])
    expect(passed(m2, m1, m2, m3, m4)).toEqual([3, 4])
    expect(passed(m4, m4)).toEqual([])
    expect(passed(m4)).toEqual([])
  })
})
