/**
 * F02: labels and the derivations that use them.
 *
 * Spec: docs/spec/01-suites.md §1.7.
 * Vectors: vectors/labels.
 */
import {
  ChainKey,
  Content,
  Digest,
  HeaderKey,
  Labels,
  Manifest,
  MessageKey,
  Pqxdh,
  RootKey,
  SessionStart,
  SessionTag,
  Suite
} from "@tacit/core/hazmat"
import { ok, type Operation } from "./outcome.ts"
import { hex, unhex, type Input } from "./values.ts"

const suiteOf = (input: Input): Suite.SuiteId => {
  const suite = input.number("suite")
  if (!Suite.isSuiteId(suite)) throw new Error("no such suite")
  return suite
}

const device = (input: Input, side: "initiator" | "responder") => ({
  account: input.bytes(`${side}Account`),
  device: input.bytes(`${side}Device`),
  agreement: input.bytes(`${side}Agreement`)
})

export const operations: { readonly [op: string]: Operation } = {
  label: (_, input) => {
    const found = Labels.all.find(({ text }) => text === `tacit/1 ${input.text("purpose")}`)
    if (found === undefined) throw new Error("no such label")
    const parts = input.list("parts").map((part) => unhex(typeof part === "string" ? part : ""))
    return ok({ out: hex(Labels.prefixed(found, ...parts)) })
  },
  "kdf.session-tag": (crypto, input) => ok({ tag: hex(SessionTag.derive(crypto, input.bytes("headerKey"))) }),
  "kdf.root-step": (crypto, input) => {
    const { chainKey, headerKey, rootKey } = RootKey.step(crypto, input.bytes("rootKey"), input.bytes("agreed"))
    return ok({ rootKey: hex(rootKey), chainKey: hex(chainKey), headerKey: hex(headerKey) })
  },
  "kdf.chain-step": (crypto, input) => {
    const [messageKey, chainKey] = ChainKey.step(crypto, input.bytes("chainKey"))
    return ok({ messageKey: hex(messageKey), chainKey: hex(chainKey) })
  },
  "kdf.message-key": (crypto, input) => {
    const suite = suiteOf(input)
    const expanded = MessageKey.expand(crypto, suite, input.bytes("messageKey"), input.bytes("nonce"))
    const { keyLength } = Suite.suites[suite]
    return ok({ key: hex(expanded.slice(0, keyLength)), nonce: hex(expanded.slice(keyLength)) })
  },
  "kdf.header-key": (crypto, input) => {
    const made = HeaderKey.make(crypto, suiteOf(input), new Uint8Array(32), input.bytes("headerKey"))
    return ok({ key: hex(made.sealing) })
  },
  "kdf.pqxdh": (crypto, input) => {
    const agreed = Pqxdh.derive(crypto, suiteOf(input), new Uint8Array(32), {
      dh1: input.bytes("dh1"),
      dh2: input.bytes("dh2"),
      dh3: input.bytes("dh3"),
      dh4: input.maybe("dh4"),
      encapsulated: input.bytes("encapsulated")
    })
    return ok({
      rootKey: hex(agreed.rootKey),
      initiatorHeader: hex(agreed.initiatorHeader),
      responderHeader: hex(agreed.responderHeader)
    })
  },
  "kdf.transcript": (crypto, input) => {
    const oneTime = input.number("oneTimePrekeyId")
    const ad = Pqxdh.associatedData(crypto, {
      suite: suiteOf(input),
      initiator: device(input, "initiator"),
      responder: device(input, "responder"),
      ephemeral: input.bytes("ephemeral"),
      signedPrekey: { id: input.number("signedPrekeyId"), key: input.bytes("signedPrekey") },
      oneTimePrekey: oneTime === 0 ? undefined : { id: oneTime, key: input.bytes("oneTimePrekey") },
      kemPrekey: { id: input.number("kemPrekeyId"), key: input.bytes("kemPrekey") },
      kemCiphertext: input.bytes("kemCiphertext")
    })
    return ok({ ad: hex(ad), sessionId: hex(Pqxdh.sessionId(ad)) })
  },
  "kdf.direct-conversation": (crypto, input) =>
    ok({ id: hex(Content.directConversation(crypto, input.bytes("a"), input.bytes("b"))) }),
  "kdf.envelope-digest": (crypto, input) => ok({ digest: hex(Digest.derive(crypto, input.bytes("body"))) }),
  "kdf.session-start": (crypto, input) => {
    const initiator = { account: input.bytes("account"), device: input.bytes("device") }
    return ok({
      digest: hex(SessionStart.digest(crypto, initiator, input.bytes("ephemeral"), input.bytes("kemCiphertext")))
    })
  },
  "kdf.manifest-hash": (crypto, input) => ok({ hash: hex(Manifest.hash(crypto, input.bytes("body"))) })
}
