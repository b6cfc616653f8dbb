/** ts-mls (RFC 9420): a group of two. Measured where it applies: set-up, one-way messages, bytes. */
import * as mls from "ts-mls"
import type { ClientState } from "ts-mls"
import type { Contender, End, Prepared } from "../Contender.ts"

const suite = "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519"
const encoder = new TextEncoder()

const end = (start: ClientState, impl: mls.CiphersuiteImpl): End => {
  let state = start
  return {
    seal: async (plaintext) => {
      const made = await mls.createApplicationMessage(state, plaintext, impl)
      state = made.newState
      made.consumed.forEach(mls.zeroOutUint8Array)
      const bytes = mls.encodeMlsMessage({
        privateMessage: made.privateMessage,
        wireformat: "mls_private_message",
        version: "mls10"
      })
      return { bytes: bytes.length, wire: bytes }
    },
    open: async (message) => {
      const decoded = mls.decodeMlsMessage(message.wire as Uint8Array, 0)![0]
      if (decoded.wireformat !== "mls_private_message") throw new Error("not a private message")
      const result = await mls.processPrivateMessage(state, decoded.privateMessage, mls.emptyPskIndex, impl)
      if (result.kind !== "applicationMessage") throw new Error("not an application message")
      state = result.newState
      result.consumed.forEach(mls.zeroOutUint8Array)
      return result.message
    },
    stateBytes: () => mls.encodeGroupState(state).length
  }
}

const prepareOne = async (impl: mls.CiphersuiteImpl): Promise<Prepared> => {
  const person = (name: string) =>
    mls.generateKeyPackage(
      { credentialType: "basic", identity: encoder.encode(name) },
      mls.defaultCapabilities(),
      mls.defaultLifetime,
      [],
      impl
    )
  const alice = await person("alice"),
    bob = await person("bob")
  return {
    establish: async (first) => {
      const created = await mls.createGroup(
        encoder.encode("group"),
        alice.publicPackage,
        alice.privatePackage,
        [],
        impl
      )
      const commit = await mls.createCommit(
        { state: created, cipherSuite: impl },
        {
          extraProposals: [{ proposalType: "add", add: { keyPackage: bob.publicPackage } }],
          ratchetTreeExtension: true
        }
      )
      const welcome = mls.encodeMlsMessage({ welcome: commit.welcome!, wireformat: "mls_welcome", version: "mls10" })
      const decoded = mls.decodeMlsMessage(welcome, 0)![0]
      if (decoded.wireformat !== "mls_welcome") throw new Error("not a welcome")
      const joined = await mls.joinGroup(
        decoded.welcome,
        bob.publicPackage,
        bob.privatePackage,
        mls.emptyPskIndex,
        impl
      )
      const a = end(commit.newState, impl),
        b = end(joined, impl)
      const message = await a.seal(first)
      await b.open(message)
      return { alice: a, bob: b, firstBytes: welcome.length + message.bytes }
    }
  }
}

export const tsMls: Contender = {
  name: "ts-mls",
  version: "1.6.4",
  caveat:
    "a group of two; signs every message; no ratchet step per reply, so ping-pong does not apply; Web Crypto behind promises",
  prepare: async (count) => {
    const impl = await mls.getCiphersuiteImpl(mls.getCiphersuiteFromName(suite))
    const made: Array<Prepared> = []
    for (let i = 0; i < count; i++) made.push(await prepareOne(impl))
    return made
  }
}
