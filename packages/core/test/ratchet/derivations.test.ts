/** Every derivation of the ratchet, recomputed from the spec with the platform's own primitives. */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync
} from "node:crypto"
import { describe, expect, it } from "vitest"
import * as Bytes from "../../src/base/Bytes.ts"
import { nobleProvider } from "../../src/crypto/Noble.ts"
import type { SuiteId } from "../../src/crypto/Suite.ts"
import * as SessionTag from "../../src/envelope/SessionTag.ts"
import * as ChainKey from "../../src/ratchet/ChainKey.ts"
import * as DoubleRatchet from "../../src/ratchet/DoubleRatchet.ts"
import * as Header from "../../src/ratchet/Header.ts"
import * as HeaderKey from "../../src/ratchet/HeaderKey.ts"
import * as MessageKey from "../../src/ratchet/MessageKey.ts"
import * as RatchetState from "../../src/ratchet/RatchetState.ts"
import * as RootKey from "../../src/ratchet/RootKey.ts"
import { ascii, providers } from "../crypto/helpers.ts"
import { coins, ok } from "../session/support.ts"
import { agreedOf, prefix } from "./support.ts"

const plain = (buffer: ArrayBuffer | Buffer): Uint8Array => Uint8Array.from(new Uint8Array(buffer))
const hkdf = (ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array =>
  plain(hkdfSync("sha256", ikm, salt, info, length))
const hmac = (key: Uint8Array, data: Uint8Array): Uint8Array => plain(createHmac("sha256", key).update(data).digest())
const label = (purpose: string, ...context: ReadonlyArray<Uint8Array>): Uint8Array =>
  Bytes.concat(ascii(`tacit/1 ${purpose}\0`), ...context)
const be32 = (value: number): Uint8Array => {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(value)
  return plain(out)
}

const dh = (secret: Uint8Array, peer: Uint8Array): Uint8Array =>
  plain(
    diffieHellman({
      privateKey: createPrivateKey({
        key: Buffer.concat([Buffer.from("302e020100300506032b656e04220420", "hex"), secret]),
        format: "der",
        type: "pkcs8"
      }),
      publicKey: createPublicKey({
        key: Buffer.concat([Buffer.from("302a300506032b656e032100", "hex"), peer]),
        format: "der",
        type: "spki"
      })
    })
  )

/** AEAD of a suite by node:crypto alone. */
const aead = (
  suite: SuiteId,
  key: Uint8Array,
  nonce: Uint8Array,
  ad: Uint8Array,
  plaintext: Uint8Array
): Uint8Array => {
  if (suite === 3) {
    const cipher = createCipheriv("aes-256-cbc", key.subarray(0, 32), nonce)
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
    const bits = Buffer.alloc(8)
    bits.writeBigUInt64BE(BigInt(ad.length * 8))
    return plain(Buffer.concat([ciphertext, hmac(key.subarray(32), Buffer.concat([ad, nonce, ciphertext, bits]))]))
  }
  const name = suite === 1 ? "chacha20-poly1305" : "aes-256-gcm"
  const cipher = createCipheriv(name as "aes-256-gcm", key, nonce, { authTagLength: 16 })
  cipher.setAAD(ad)
  return plain(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]))
}

const suiteIds = [1, 2, 3] as const
const draw = coins(99)

describe("ratchet derivations", () => {
  it.each(providers)(
    "derives root, chain and header key as HKDF with the root key as salt, by $name [ratchet.root.1] [ratchet.pq.1]",
    (crypto) => {
      const [rootKey, agreed] = [draw(32), draw(32)]
      const expected = hkdf(agreed, rootKey, label("root step"), 96)
      const step = RootKey.step(crypto, rootKey, agreed)
      expect(Bytes.concat(step.rootKey, step.chainKey, step.headerKey)).toEqual(expected)
    }
  )

  it.each(providers)("moves a chain on with HMAC of 1 and 2, by $name [ratchet.chain.1] [ratchet.pq.1]", (crypto) => {
    const chainKey = draw(32)
    const [messageKey, next] = ChainKey.step(crypto, chainKey)
    expect(messageKey).toEqual(hmac(chainKey, Uint8Array.of(1)))
    expect(next).toEqual(hmac(chainKey, Uint8Array.of(2)))
  })

  it.each(suiteIds)(
    "expands a message key with the header nonce as salt, suite %i [ratchet.message-key.1]",
    (suite) => {
      const [messageKey, nonce] = [draw(32), draw(suite === 3 ? 16 : 12)]
      const length = suite === 3 ? 80 : 44
      const expanded = MessageKey.expand(nobleProvider, suite, messageKey, nonce)
      expect(expanded).toEqual(hkdf(messageKey, nonce, label("message key", Uint8Array.of(suite)), length))
    }
  )

  it("never gives one key and nonce to two header nonces [ratchet.fence.1]", () => {
    const messageKey = draw(32)
    const seen = new Set(
      Array.from({ length: 64 }, () => Bytes.toHex(MessageKey.expand(nobleProvider, 1, messageKey, draw(12)).slice(32)))
    )
    const keys = new Set(
      Array.from({ length: 64 }, () =>
        Bytes.toHex(MessageKey.expand(nobleProvider, 1, messageKey, draw(12)).slice(0, 32))
      )
    )
    expect([seen.size, keys.size]).toEqual([64, 64])
  })

  it("seals two plaintexts of two copies of one state under different keys [ratchet.fence.1]", () => {
    const agreed = agreedOf(1, draw)
    const state = ok(RatchetState.initiate(nobleProvider, agreed, draw(32), nobleProvider.x25519PublicKey(draw(32))))
    const plaintext = new Uint8Array(64)
    const [one, two] = [draw(12), draw(12)].map(
      (nonce) => ok(DoubleRatchet.seal(nobleProvider, state, prefix, plaintext, nonce)).message
    )
    // Equal plaintexts under one key stream would give equal ciphertexts.
    expect(one!.slice(84)).not.toEqual(two!.slice(84))
  })

  it.each(suiteIds)(
    "takes the header key itself as AEAD key, or widens it in suite 3; suite %i [ratchet.header.3] [session-message.tag.1]",
    (suite) => {
      const [ad, key] = [draw(32), draw(32)]
      const made = HeaderKey.make(nobleProvider, suite, ad, key)
      const tag = hmac(key, label("session tag")).slice(0, 16)
      expect(made.tag).toEqual(tag)
      expect(made.ad).toEqual(Bytes.concat(ad, tag))
      expect(SessionTag.derive(nobleProvider, key)).toEqual(tag)
      expect(made.sealing).toEqual(
        suite === 3 ? hkdf(key, new Uint8Array(32), label("header key", Uint8Array.of(3)), 64) : key
      )
    }
  )

  it("lays a header out as key, PN and N [ratchet.header.1]", () => {
    const key = draw(32)
    const bytes = Header.encode(key, 0x01020304, 0xfffefdfc)
    expect(bytes).toEqual(Bytes.concat(key, be32(0x01020304), be32(0xfffefdfc)))
    expect(Header.decode(bytes)).toEqual({ ratchetKey: key, previous: 0x01020304, number: 0xfffefdfc })
    expect(Header.decode(bytes.slice(1))).toBeUndefined()
    expect(Header.decode(Bytes.concat(bytes, Uint8Array.of(0)))).toBeUndefined()
  })

  it.each(suiteIds)(
    "starts both sides and builds the first messages byte for byte, suite %i [ratchet.init.1] [ratchet.init.2] [ratchet.header.2] [ratchet.message.1] [session-message.layout.1]",
    (suite) => {
      const agreed = agreedOf(suite, draw)
      const given = structuredClone(agreed)
      const [spk, dhs, nonce, plaintext] = [draw(32), draw(32), draw(suite === 3 ? 16 : 12), draw(64)]
      const spkPublic = nobleProvider.x25519PublicKey(spk)
      const initiated = ok(RatchetState.initiate(nobleProvider, agreed, dhs, spkPublic))
      const root = hkdf(dh(dhs, spkPublic), given.rootKey, label("root step"), 96)
      expect(initiated).toMatchObject({
        rootKey: root.slice(0, 32),
        sendChain: root.slice(32, 64),
        nextSendHeader: root.slice(64, 96),
        peerRatchet: spkPublic,
        receiveChain: undefined,
        receiveHeader: undefined,
        sent: 0,
        received: 0,
        previous: 0
      })
      expect(initiated.sendHeader!.key).toEqual(given.initiatorHeader)
      expect(initiated.nextReceiveHeader.key).toEqual(given.responderHeader)

      const responded = RatchetState.respond(nobleProvider, given, spk, spkPublic)
      expect(responded).toMatchObject({
        rootKey: given.rootKey,
        ratchetSecret: spk,
        ratchetPublic: spkPublic,
        nextSendHeader: given.responderHeader,
        peerRatchet: undefined,
        sendChain: undefined,
        sendHeader: undefined,
        receiveChain: undefined,
        receiveHeader: undefined
      })
      expect(responded.nextReceiveHeader.key).toEqual(given.initiatorHeader)

      const sealed = ok(DoubleRatchet.seal(nobleProvider, initiated, prefix, plaintext, nonce))
      const chain = root.slice(32, 64)
      const tag = hmac(given.initiatorHeader, label("session tag")).slice(0, 16)
      const headerKey =
        suite === 3
          ? hkdf(given.initiatorHeader, new Uint8Array(32), label("header key", Uint8Array.of(3)), 64)
          : given.initiatorHeader
      const header = aead(
        suite,
        headerKey,
        nonce,
        Bytes.concat(given.ad, tag),
        Bytes.concat(nobleProvider.x25519PublicKey(dhs), be32(0), be32(0))
      )
      expect(header.length).toBe(suite === 3 ? 80 : 56)
      const keyLength = suite === 3 ? 64 : 32
      const expanded = hkdf(
        hmac(chain, Uint8Array.of(1)),
        nonce,
        label("message key", Uint8Array.of(suite)),
        keyLength + nonce.length
      )
      const body = aead(
        suite,
        expanded.slice(0, keyLength),
        expanded.slice(keyLength),
        Bytes.concat(given.ad, prefix, tag, nonce, header),
        plaintext
      )
      expect(sealed.message).toEqual(Bytes.concat(tag, nonce, header, body))
      expect(sealed.next.sendChain).toEqual(hmac(chain, Uint8Array.of(2)))
      expect(sealed.message.length).toBe(DoubleRatchet.messageLength(suite, plaintext.length))
    }
  )

  it("steps the ratchet as the spec writes it [ratchet.receive.4]", () => {
    const agreed = agreedOf(1, draw)
    const given = structuredClone(agreed)
    const [spk, dhsA, dhsB] = [draw(32), draw(32), draw(32)]
    const spkPublic = nobleProvider.x25519PublicKey(spk)
    const responded = RatchetState.respond(nobleProvider, structuredClone(given), spk, spkPublic)
    const initiated = ok(RatchetState.initiate(nobleProvider, agreed, dhsA, spkPublic))
    const { message } = ok(DoubleRatchet.seal(nobleProvider, initiated, prefix, draw(64), draw(12)))
    const none = { count: 0, headerKey: () => undefined, remaining: () => 0, get: () => undefined, oldest: () => [] }
    const opened = ok(DoubleRatchet.open(nobleProvider, responded, none, prefix, message, 0))
    if (!opened.turning) return expect.unreachable()
    const { next } = ok(DoubleRatchet.turn(nobleProvider, opened.half, dhsB))
    const publicA = nobleProvider.x25519PublicKey(dhsA)
    const first = hkdf(dh(spk, publicA), given.rootKey, label("root step"), 96)
    const second = hkdf(dh(dhsB, publicA), first.slice(0, 32), label("root step"), 96)
    expect(next.rootKey).toEqual(second.slice(0, 32))
    expect(next.receiveChain).toEqual(hmac(first.slice(32, 64), Uint8Array.of(2)))
    expect(next.nextReceiveHeader.key).toEqual(first.slice(64, 96))
    expect(next.sendChain).toEqual(second.slice(32, 64))
    expect(next.nextSendHeader).toEqual(second.slice(64, 96))
    expect(next.sendHeader!.key).toEqual(given.responderHeader)
    expect(next.receiveHeader!.key).toEqual(given.initiatorHeader)
    expect(next.peerRatchet).toEqual(publicA)
    expect([next.sent, next.received, next.previous]).toEqual([0, 1, 0])
  })

  it("opens with the platform what it sealed [ratchet.header.2]", () => {
    const key = HeaderKey.make(nobleProvider, 2, draw(32), draw(32))
    const [nonce, header] = [draw(12), draw(40)]
    const sealed = Header.seal(nobleProvider, 2, key, nonce, header)
    const decipher = createDecipheriv("aes-256-gcm", key.key, nonce)
    decipher.setAAD(key.ad)
    decipher.setAuthTag(sealed.slice(40))
    expect(plain(Buffer.concat([decipher.update(sealed.slice(0, 40)), decipher.final()]))).toEqual(header)
  })
})
