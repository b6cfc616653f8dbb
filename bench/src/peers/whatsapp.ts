/** A Rust WhatsApp client core compiled to WebAssembly: X3DH, Double Ratchet. */
import * as wa from "@devlikeapro/whatsapp-rust-bridge"
import type { Contender, End, Prepared } from "../Contender.ts"

const makeStorage = () => {
  const identity = wa.generateIdentityKeyPair()
  const sessions = new Map<string, Uint8Array>()
  const preKeys = new Map<number, wa.KeyPair>(),
    signed = new Map<number, wa.SignedPreKey>()
  return {
    identity,
    sessions,
    preKeys,
    signed,
    storage: {
      loadSession: (address: string) => sessions.get(address),
      storeSession: (address: string, record: wa.SessionRecord) => void sessions.set(address, record.serialize()),
      getOurIdentity: () => identity,
      getOurRegistrationId: () => 5,
      isTrustedIdentity: () => true,
      loadPreKey: (id: number) => preKeys.get(id),
      removePreKey: (id: number) => void preKeys.delete(id),
      loadSignedPreKey: (id: number) => signed.get(id),
      loadSenderKey: () => undefined,
      storeSenderKey: () => {}
    }
  }
}
type Side = ReturnType<typeof makeStorage>

const end = (side: Side, peer: string): End => {
  const cipher = new wa.SessionCipher(side.storage, new wa.ProtocolAddress(peer, 1))
  return {
    seal: async (plaintext) => {
      const message = await cipher.encrypt(plaintext)
      return { bytes: message.body.length, wire: message }
    },
    open: (message) => {
      const { type, body } = message.wire as { type: number; body: Uint8Array }
      return type === 3 ? cipher.decryptPreKeyWhisperMessage(body) : cipher.decryptWhisperMessage(body)
    },
    stateBytes: () => [...side.sessions.values()][0]!.length
  }
}

const prepareOne = (): Prepared => {
  const alice = makeStorage(),
    bob = makeStorage()
  const once = wa.generatePreKey(1),
    signed = wa.generateSignedPreKey(bob.identity, 1)
  bob.preKeys.set(1, once.keyPair)
  bob.signed.set(1, signed)
  return {
    establish: async (first) => {
      const builder = new wa.SessionBuilder(alice.storage, new wa.ProtocolAddress("bob", 1))
      await builder.processPreKeyBundle({
        registrationId: 5,
        identityKey: bob.identity.pubKey,
        preKey: { keyId: 1, publicKey: once.keyPair.pubKey },
        signedPreKey: { keyId: 1, publicKey: signed.keyPair.pubKey, signature: signed.signature }
      })
      const a = end(alice, "bob"),
        b = end(bob, "alice")
      const message = await a.seal(first)
      await b.open(message)
      return { alice: a, bob: b, firstBytes: message.bytes }
    }
  }
}

export const whatsapp: Contender = {
  name: "whatsapp-rust",
  version: "0.5.2",
  caveat:
    "WebAssembly behind promises; state is serialised by its storage interface at every message; no post-quantum secret, headers in the clear",
  prepare: (count) => Array.from({ length: count }, prepareOne)
}
