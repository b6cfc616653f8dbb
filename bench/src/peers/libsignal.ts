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

const aliceAddress = signal.ProtocolAddress.new("alice", 1)
const bobAddress = signal.ProtocolAddress.new("bob", 1)

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

const prepareOne = (): Prepared => {
  const alice = makeSide(), bob = makeSide()
  const once = signal.PrivateKey.generate(), signedKey = signal.PrivateKey.generate()
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
  return {
    establish: async (first) => {
      await signal.processPreKeyBundle(bundle, bobAddress, aliceAddress, alice.sessions, alice.identities)
      const a = end(alice, aliceAddress, bobAddress), b = end(bob, bobAddress, aliceAddress)
      const message = await a.seal(first)
      await b.open(message)
      return { alice: a, bob: b, firstBytes: message.bytes }
    }
  }
}

export const libsignal: Contender = {
  name: "libsignal",
  version: "0.103.0",
  caveat:
    "native code behind promises; XEdDSA identities, AES-CBC + HMAC, headers in the clear, no sealed sender in these figures, a post-quantum ratchet in every message",
  prepare: (count) => Array.from({ length: count }, prepareOne)
}
