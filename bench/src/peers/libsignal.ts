/** Signal's own library (Rust, native): PQXDH, Double Ratchet with the sparse post-quantum ratchet. AGPL; never shipped, only measured. */
import * as signal from "@signalapp/libsignal-client"
import type { Contender, End, Prepared } from "../Contender.ts"

class Sessions extends signal.SessionStore {
  readonly map = new Map<string, signal.SessionRecord>()
  async saveSession(name: signal.ProtocolAddress, record: signal.SessionRecord) {
    this.map.set(name.toString(), record)
  }
  async getSession(name: signal.ProtocolAddress) {
    return this.map.get(name.toString()) ?? null
  }
  async getExistingSessions(names: signal.ProtocolAddress[]) {
    return names.map((name) => this.map.get(name.toString())!)
  }
}

class Identities extends signal.IdentityKeyStore {
  readonly known = new Map<string, signal.PublicKey>()
  readonly key: signal.PrivateKey
  constructor(key: signal.PrivateKey) {
    super()
    this.key = key
  }
  async getIdentityKey() {
    return this.key
  }
  async getLocalRegistrationId() {
    return 5
  }
  async saveIdentity(name: signal.ProtocolAddress, key: signal.PublicKey) {
    this.known.set(name.toString(), key)
    return signal.IdentityChange.NewOrUnchanged
  }
  async isTrustedIdentity() {
    return true
  }
  async getIdentity(name: signal.ProtocolAddress) {
    return this.known.get(name.toString()) ?? null
  }
}

class PreKeys extends signal.PreKeyStore {
  readonly map = new Map<number, signal.PreKeyRecord>()
  async savePreKey(id: number, record: signal.PreKeyRecord) {
    this.map.set(id, record)
  }
  async getPreKey(id: number) {
    return this.map.get(id)!
  }
  async removePreKey(id: number) {
    this.map.delete(id)
  }
}

class SignedPreKeys extends signal.SignedPreKeyStore {
  readonly map = new Map<number, signal.SignedPreKeyRecord>()
  async saveSignedPreKey(id: number, record: signal.SignedPreKeyRecord) {
    this.map.set(id, record)
  }
  async getSignedPreKey(id: number) {
    return this.map.get(id)!
  }
}

class KyberPreKeys extends signal.KyberPreKeyStore {
  readonly map = new Map<number, signal.KyberPreKeyRecord>()
  async saveKyberPreKey(id: number, record: signal.KyberPreKeyRecord) {
    this.map.set(id, record)
  }
  async getKyberPreKey(id: number) {
    return this.map.get(id)!
  }
  async markKyberPreKeyUsed() {}
}

const aliceId = "9d0652a3-dcc3-4d11-975f-74d61598733f",
  bobId = "796abedb-ca4e-4f18-8803-1fde5b921f9f"
const aliceAddress = signal.ProtocolAddress.new(aliceId, 1)
const bobAddress = signal.ProtocolAddress.new(bobId, 1)

// Issues the senders' certificates, as Signal's server does.
const trustRoot = signal.PrivateKey.generate(),
  serverKey = signal.PrivateKey.generate()
const serverCertificate = signal.ServerCertificate.new(1, serverKey.getPublicKey(), trustRoot)

const makeSide = () => {
  const key = signal.PrivateKey.generate()
  return {
    key,
    sessions: new Sessions(),
    identities: new Identities(key),
    preKeys: new PreKeys(),
    signed: new SignedPreKeys(),
    kyber: new KyberPreKeys()
  }
}
type Side = ReturnType<typeof makeSide>

const end = (side: Side, self: signal.ProtocolAddress, peer: signal.ProtocolAddress): End => ({
  seal: async (plaintext) => {
    const message = await signal.signalEncrypt(
      plaintext as Uint8Array<ArrayBuffer>,
      peer,
      self,
      side.sessions,
      side.identities
    )
    const bytes = message.serialize()
    return { bytes: bytes.length, wire: { type: message.type(), bytes } }
  },
  open: (message) => {
    const { type, bytes } = message.wire as { type: number; bytes: Uint8Array<ArrayBuffer> }
    return type === signal.CiphertextMessageType.PreKey
      ? signal.signalDecryptPreKey(
          signal.PreKeySignalMessage.deserialize(bytes),
          peer,
          self,
          side.sessions,
          side.identities,
          side.preKeys,
          side.signed,
          side.kyber
        )
      : signal.signalDecrypt(signal.SignalMessage.deserialize(bytes), peer, self, side.sessions, side.identities)
  },
  stateBytes: () => side.sessions.map.get(peer.toString())!.serialize().length
})

const prepareOne = (sealed: boolean): Prepared => {
  const alice = makeSide(),
    bob = makeSide()
  const once = signal.PrivateKey.generate(),
    signedKey = signal.PrivateKey.generate()
  const kyber = signal.KEMKeyPair.generate()
  const signedSignature = bob.key.sign(signedKey.getPublicKey().serialize())
  const kyberSignature = bob.key.sign(kyber.getPublicKey().serialize())
  bob.preKeys.map.set(1, signal.PreKeyRecord.new(1, once.getPublicKey(), once))
  bob.signed.map.set(1, signal.SignedPreKeyRecord.new(1, 1, signedKey.getPublicKey(), signedKey, signedSignature))
  bob.kyber.map.set(1, signal.KyberPreKeyRecord.new(1, 1, kyber, kyberSignature))
  const bundle = signal.PreKeyBundle.new(
    5,
    1,
    1,
    once.getPublicKey(),
    1,
    signedKey.getPublicKey(),
    signedSignature,
    bob.key.getPublicKey(),
    1,
    kyber.getPublicKey(),
    kyberSignature
  )
  const certificate = signal.SenderCertificate.new(
    aliceId,
    null,
    1,
    alice.key.getPublicKey(),
    2 ** 40,
    serverCertificate,
    serverKey
  )
  return {
    establish: async (first) => {
      await signal.processPreKeyBundle(bundle, bobAddress, aliceAddress, alice.sessions, alice.identities)
      const a = end(alice, aliceAddress, bobAddress),
        b = end(bob, bobAddress, aliceAddress)
      if (!sealed) {
        const message = await a.seal(first)
        await b.open(message)
        return { alice: a, bob: b, firstBytes: message.bytes }
      }
      const envelope = await signal.sealedSenderEncryptMessage(
        first as Uint8Array<ArrayBuffer>,
        bobAddress,
        certificate,
        alice.sessions,
        alice.identities
      )
      const opened = await signal.sealedSenderDecryptMessage(
        envelope,
        trustRoot.getPublicKey(),
        1,
        null,
        bobId,
        1,
        bob.sessions,
        bob.identities,
        bob.preKeys,
        bob.signed,
        bob.kyber
      )
      if (opened.message().length !== first.length) throw new Error("the sealed first message opened to something else")
      return { alice: a, bob: b, firstBytes: envelope.length }
    }
  }
}

const version = "0.103.0"
const caveat =
  "native code behind promises; XEdDSA identities, AES-CBC + HMAC, headers in the clear, a post-quantum ratchet in every message"

export const libsignal: Contender = {
  name: "libsignal",
  version,
  caveat: `${caveat}; no sealed sender, so its set-up does less`,
  prepare: (count) => Array.from({ length: count }, () => prepareOne(false))
}

/** With sealed sender in the set-up, as ours has: two agreements and the checks of two certificates more. */
export const libsignalSealed: Contender = {
  name: "libsignal sealed",
  version,
  caveat: `${caveat}; set-up with sealed sender, like for like with ours`,
  prepare: (count) => Array.from({ length: count }, () => prepareOne(true))
}
