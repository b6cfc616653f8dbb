/** PQXDH, recomputed from the spec with the platform's own primitives, and what it refuses. */
import { createHash, hkdfSync } from "node:crypto"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import * as Pqxdh from "../../src/agreement/Pqxdh.ts"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Canonical from "../../src/codec/Canonical.ts"
import { nobleProvider } from "../../src/crypto/Noble.ts"
import type { CryptoProvider } from "../../src/crypto/Provider.ts"
import type { SuiteId } from "../../src/crypto/Suite.ts"
import { ascii, providers } from "../crypto/helpers.ts"
import { beginInput, type BundleOptions, causeOf, makeParty, ok, type Party, snapshot } from "../session/support.ts"

const crypto = nobleProvider
const alice = makeParty(crypto, 1)
const bob = makeParty(crypto, 2)
const suiteIds = [1, 2, 3] as const
const combinations = [
  { oneTime: true, kemOneTime: true },
  { oneTime: false, kemOneTime: true },
  { oneTime: true, kemOneTime: false },
  { oneTime: false, kemOneTime: false }
]

const respondInput = (
  provider: CryptoProvider,
  from: Party,
  to: Party,
  suite: SuiteId,
  parameters: Pqxdh.Parameters
): Pqxdh.ResponderInput => ({
  suite,
  initiator: from.identity,
  self: to.identity,
  parameters,
  dh2: provider.x25519(to.secrets.agreement, parameters.ephemeral),
  signedPrekey: to.signedPrekey,
  oneTimePrekey: parameters.oneTimePrekeyId === 0 ? undefined : to.oneTimePrekey,
  kemPrekey: to.kemPrekey
})

const agree = (suite: SuiteId, options: BundleOptions, provider: CryptoProvider = crypto) => {
  const input = beginInput(provider, alice, bob, suite, options)
  const initiated = ok(Pqxdh.initiate(provider, input))
  const responded = ok(Pqxdh.respond(provider, respondInput(provider, alice, bob, suite, initiated.parameters)))
  return { input, initiated, responded }
}

describe("PQXDH", () => {
  it.each(providers)(
    "agrees with and without one-time prekeys, in every suite, by $name [pqxdh.dh.1] [pqxdh.kem.1]",
    (provider) => {
      for (const suite of suiteIds) {
        for (const options of combinations) {
          const { initiated, responded } = agree(suite, options, provider)
          expect(responded.agreed).toEqual(initiated.agreed)
          expect(initiated.parameters).toMatchObject({
            oneTimePrekeyId: options.oneTime ? 21 : 0,
            kemOneTime: options.kemOneTime,
            signedPrekeyId: 7,
            kemPrekeyId: 3
          })
        }
      }
    }
  )

  it.each(combinations)(
    "derives the keys and the associated data that the spec writes, %o [pqxdh.kdf.1] [pqxdh.ad.1] [pqxdh.dh.1]",
    (options) => {
      const input = beginInput(crypto, alice, bob, 2, options)
      const given = snapshot(input)
      const { agreed, parameters } = ok(Pqxdh.initiate(crypto, input))
      const dh = (secret: Uint8Array, key: Uint8Array): Uint8Array => crypto.x25519(secret, key)!
      const ek = given.ephemeralSecret
      const shared = crypto.mlKem768Encapsulate(bob.kemPrekey.key, given.kemCoins)!
      expect(parameters.kemCiphertext).toEqual(shared.ciphertext)
      expect(parameters.ephemeral).toEqual(crypto.x25519PublicKey(ek))
      const ikm = Bytes.concat(
        new Uint8Array(32).fill(0xff),
        dh(alice.secrets.agreement, bob.signedPrekey.key),
        dh(ek, bob.identity.agreement),
        dh(ek, bob.signedPrekey.key),
        options.oneTime ? dh(ek, bob.oneTimePrekey.key) : new Uint8Array(0),
        shared.sharedSecret
      )
      const info = Bytes.concat(ascii("tacit/1 pqxdh\0"), Uint8Array.of(2))
      const sk = new Uint8Array(hkdfSync("sha256", ikm, new Uint8Array(32), info, 96))
      expect(Bytes.concat(agreed.rootKey, agreed.initiatorHeader, agreed.responderHeader)).toEqual(sk)
      const transcript = Canonical.encode([
        2,
        alice.identity.account,
        bob.identity.account,
        alice.identity.device,
        bob.identity.device,
        alice.identity.agreement,
        bob.identity.agreement,
        parameters.ephemeral,
        7,
        bob.signedPrekey.key,
        options.oneTime ? 21 : 0,
        options.oneTime ? bob.oneTimePrekey.key : new Uint8Array(0),
        3,
        bob.kemPrekey.key,
        parameters.kemCiphertext
      ])
      const ad = createHash("sha256").update(ascii("tacit/1 session transcript\0")).update(transcript).digest()
      expect(agreed.ad).toEqual(Uint8Array.from(ad))
      expect(Pqxdh.sessionId(agreed.ad)).toEqual(Uint8Array.from(ad.subarray(0, 16)))
    }
  )

  it("gives other keys when any of the agreements or the encapsulated secret is another [pqxdh.kdf.1]", () => {
    const secrets = { dh1: bytes(1), dh2: bytes(2), dh3: bytes(3), dh4: bytes(4), encapsulated: bytes(5) }
    const derive = (given: Pqxdh.Secrets, suite: SuiteId = 1) =>
      Bytes.toHex(Pqxdh.derive(crypto, suite, bytes(0), given).rootKey)
    const outputs = [
      derive(secrets),
      derive(secrets, 2),
      derive(secrets, 3),
      derive({ ...secrets, dh1: bytes(9) }),
      derive({ ...secrets, dh2: bytes(9) }),
      derive({ ...secrets, dh3: bytes(9) }),
      derive({ ...secrets, dh4: bytes(9) }),
      derive({ ...secrets, dh4: undefined }),
      derive({ ...secrets, encapsulated: bytes(9) })
    ]
    expect(new Set(outputs).size).toBe(outputs.length)
  })

  it("binds every element of the transcript [pqxdh.ad.1]", () => {
    const transcript: Pqxdh.Transcript = {
      suite: 1,
      initiator: alice.identity,
      responder: bob.identity,
      ephemeral: bytes(1),
      signedPrekey: { id: 7, key: bytes(2) },
      oneTimePrekey: { id: 21, key: bytes(3) },
      kemPrekey: { id: 3, key: bob.kemPrekey.key },
      kemCiphertext: new Uint8Array(1088)
    }
    const other = bytes(200)
    const variants: ReadonlyArray<Pqxdh.Transcript> = [
      transcript,
      { ...transcript, suite: 2 },
      { ...transcript, initiator: bob.identity, responder: alice.identity },
      { ...transcript, initiator: { ...alice.identity, account: other } },
      { ...transcript, initiator: { ...alice.identity, device: other } },
      { ...transcript, initiator: { ...alice.identity, agreement: other } },
      { ...transcript, responder: { ...bob.identity, account: other } },
      { ...transcript, responder: { ...bob.identity, device: other } },
      { ...transcript, responder: { ...bob.identity, agreement: other } },
      { ...transcript, ephemeral: other },
      { ...transcript, signedPrekey: { id: 8, key: bytes(2) } },
      { ...transcript, signedPrekey: { id: 7, key: other } },
      { ...transcript, oneTimePrekey: undefined },
      { ...transcript, oneTimePrekey: { id: 22, key: bytes(3) } },
      { ...transcript, oneTimePrekey: { id: 21, key: other } },
      { ...transcript, kemPrekey: { id: 4, key: bob.kemPrekey.key } },
      { ...transcript, kemPrekey: { id: 3, key: new Uint8Array(1184) } },
      { ...transcript, kemCiphertext: new Uint8Array(1088).fill(1) }
    ]
    const hashes = variants.map((variant) => Bytes.toHex(Pqxdh.associatedData(crypto, variant)))
    expect(new Set(hashes).size).toBe(variants.length)
  })

  it("gives the responder nothing usable when any prekey or the sender is another [pqxdh.dh.1]", () => {
    const { initiated } = agree(1, {})
    const input = respondInput(crypto, alice, bob, 1, initiated.parameters)
    const carol = makeParty(crypto, 3)
    for (const wrong of [
      { ...input, initiator: { ...alice.identity, agreement: carol.identity.agreement } },
      { ...input, signedPrekey: carol.signedPrekey },
      { ...input, oneTimePrekey: carol.oneTimePrekey },
      { ...input, kemPrekey: carol.kemPrekey },
      { ...input, dh2: bytes(3) },
      { ...input, suite: 2 as const }
    ]) {
      expect(ok(Pqxdh.respond(crypto, wrong)).agreed.rootKey).not.toEqual(initiated.agreed.rootKey)
    }
  })

  it("refuses agreements that are zero [pqxdh.dh.1]", () => {
    const zero = new Uint8Array(32)
    const input = beginInput(crypto, alice, bob, 1)
    const withKey = (part: Partial<typeof input.bundle>) => ({ ...input, bundle: { ...input.bundle, ...part } })
    for (const wrong of [
      { ...input, dh1: undefined },
      withKey({ signedPrekey: { id: 7, key: zero } }),
      withKey({ oneTimePrekey: { id: 21, key: zero } }),
      withKey({ certificate: { ...input.bundle.certificate, agreement: zero } })
    ]) {
      expect(causeOf(Pqxdh.initiate(crypto, wrong))).toBe("auth.low-order")
    }
    const { parameters } = ok(Pqxdh.initiate(crypto, beginInput(crypto, alice, bob, 1)))
    const responder = respondInput(crypto, alice, bob, 1, parameters)
    for (const wrong of [
      { ...responder, dh2: undefined },
      { ...responder, initiator: { ...alice.identity, agreement: zero } },
      { ...responder, parameters: { ...parameters, ephemeral: zero } }
    ]) {
      expect(causeOf(Pqxdh.respond(crypto, wrong))).toBe("auth.low-order")
    }
  })

  it("refuses a KEM key that is none, and a ciphertext of another length [pqxdh.kem.1]", () => {
    const input = beginInput(crypto, alice, bob, 1)
    const kemPrekey = { ...input.bundle.kemPrekey, key: new Uint8Array(1184).fill(0xff) }
    expect(causeOf(Pqxdh.initiate(crypto, { ...input, bundle: { ...input.bundle, kemPrekey } }))).toBe("auth.prekey")
    const { parameters } = ok(Pqxdh.initiate(crypto, beginInput(crypto, alice, bob, 1)))
    const short = { ...parameters, kemCiphertext: new Uint8Array(1087) }
    expect(causeOf(Pqxdh.respond(crypto, respondInput(crypto, alice, bob, 1, short)))).toBe("decode.size")
  })

  it("refuses to agree with itself [pqxdh.self.1]", () => {
    expect(causeOf(Pqxdh.initiate(crypto, beginInput(crypto, alice, alice, 1)))).toBe("auth.reflected")
    const { parameters } = ok(Pqxdh.initiate(crypto, beginInput(crypto, alice, bob, 1)))
    expect(causeOf(Pqxdh.respond(crypto, respondInput(crypto, bob, bob, 1, parameters)))).toBe("auth.reflected")
  })

  it("refuses keys that are not the ones the start names [pqxdh.lookup.1]", () => {
    const { parameters } = ok(Pqxdh.initiate(crypto, beginInput(crypto, alice, bob, 1)))
    const input = respondInput(crypto, alice, bob, 1, parameters)
    for (const wrong of [
      { ...input, signedPrekey: { ...bob.signedPrekey, id: 8 } },
      { ...input, kemPrekey: { ...bob.kemPrekey, id: 8 } },
      { ...input, oneTimePrekey: undefined }
    ]) {
      expect(causeOf(Pqxdh.respond(crypto, wrong))).toBe("lookup.prekey-unknown")
    }
  })

  it("lists what it used up, changes nothing it was given, and leaves prekey secrets to their owner [pqxdh.erase.1] [prekey.once.1]", () => {
    const input = beginInput(crypto, alice, bob, 1)
    const before = snapshot(input)
    const initiated = ok(Pqxdh.initiate(crypto, input))
    expect(input).toEqual(before)
    expect(initiated.consumed).toEqual([input.dh1, input.ephemeralSecret, input.kemCoins])
    const responder = respondInput(crypto, alice, bob, 1, initiated.parameters)
    const copy = snapshot(responder)
    const responded = ok(Pqxdh.respond(crypto, responder))
    expect(responder).toEqual(copy)
    expect(responded.consumed).toEqual([responder.dh2])
    expect(Result.isSuccess(Pqxdh.respond(crypto, responder))).toBe(true)
  })

  it("erases what it agreed on when it fails, and nothing that was handed in [crypto.erase.1]", () => {
    const outputs: Array<Uint8Array> = []
    const failing: CryptoProvider = {
      ...nobleProvider,
      x25519: (secret, publicKey) => {
        const out = nobleProvider.x25519(secret, publicKey)
        if (out !== undefined) outputs.push(out)
        return out
      },
      mlKem768Encapsulate: () => undefined
    }
    const input = beginInput(nobleProvider, alice, bob, 1)
    const given = snapshot([input.dh1, input.ephemeralSecret, input.kemCoins])
    expect(causeOf(Pqxdh.initiate(failing, input))).toBe("auth.prekey")
    expect(causeOf(Pqxdh.initiate(failing, { ...input, dh1: undefined }))).toBe("auth.low-order")
    expect(outputs.length).toBe(6)
    for (const out of outputs) expect(out).toEqual(new Uint8Array(32))
    expect([input.dh1, input.ephemeralSecret, input.kemCoins]).toEqual(given)
    ok(Pqxdh.initiate(nobleProvider, input))
  })
})

const bytes = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)
