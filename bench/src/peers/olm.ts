/** Matrix's Olm (C, WebAssembly): triple Diffie-Hellman, Double Ratchet. */
import Olm from "@towns-protocol/olm"
import type { Contender, End, Prepared } from "../Contender.ts"

const decoder = new TextDecoder(),
  encoder = new TextEncoder()

interface OlmSession {
  encrypt(plaintext: string): { type: 0 | 1; body: string }
  decrypt(type: number, body: string): string
  pickle(key: string): string
}

const end = (session: OlmSession): End => ({
  seal: (plaintext) => {
    const message = session.encrypt(decoder.decode(plaintext))
    return { bytes: Math.ceil((message.body.length * 3) / 4), wire: message }
  },
  open: (message) => {
    const { type, body } = message.wire as { type: number; body: string }
    return encoder.encode(session.decrypt(type, body))
  },
  stateBytes: () => Math.ceil((session.pickle("").length * 3) / 4)
})

const prepareOne = (): Prepared => {
  const alice = new Olm.Account(),
    bob = new Olm.Account()
  alice.create()
  bob.create()
  bob.generate_one_time_keys(1)
  const bobIdentity = JSON.parse(bob.identity_keys()).curve25519
  const once = Object.values(JSON.parse(bob.one_time_keys()).curve25519)[0] as string
  return {
    establish: (first) => {
      const a = new Olm.Session(),
        b = new Olm.Session()
      a.create_outbound(alice, bobIdentity, once)
      const message = a.encrypt(decoder.decode(first))
      b.create_inbound(bob, message.body)
      bob.remove_one_time_keys(b)
      b.decrypt(message.type, message.body)
      return { alice: end(a), bob: end(b), firstBytes: Math.ceil((message.body.length * 3) / 4) }
    }
  }
}

export const olm: Contender = {
  name: "olm",
  version: "3.2.28",
  caveat:
    "WebAssembly; text in and base64 out; no post-quantum secret, headers in the clear, 8-byte MAC, no signature checks in set-up",
  prepare: async (count) => {
    await Olm.initAsync()
    return Array.from({ length: count }, prepareOne)
  }
}
