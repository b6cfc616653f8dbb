/**
 * F02: every label with its exact bytes, and every derivation with each of its inputs varied alone.
 *
 * Spec: docs/spec/01-suites.md §1.7, docs/spec/appendix-labels.md, and the rule of each derivation.
 * The bytes of the labels are written down by hand.
 */
import { FileBuilder, type Family } from "../family.ts"
import type { JsonObject, VectorFile } from "../model.ts"
import type { Suite } from "../prim.ts"
import { headerSealing, messageKeys, rootStep, sessionTag, label } from "../protocol.ts"
import { operations } from "../operations.ts"
import type { Arg, Ref, Trace } from "../trace.ts"

/** F02. */
export const family: Family = {
  id: "F02",
  name: "labels",
  document: "docs/spec/01-suites.md",
  level: 1,
  operations: {
    label: operations["label"]!,
    "kdf.session-tag": { in: { headerKey: "bytes" }, out: { tag: "bytes" } },
    "kdf.root-step": {
      in: { rootKey: "bytes", agreed: "bytes" },
      out: { rootKey: "bytes", chainKey: "bytes", headerKey: "bytes" }
    },
    "kdf.chain-step": { in: { chainKey: "bytes" }, out: { messageKey: "bytes", chainKey: "bytes" } },
    "kdf.message-key": {
      in: { suite: "uint", messageKey: "bytes", nonce: "bytes" },
      out: { key: "bytes", nonce: "bytes" }
    },
    "kdf.header-key": { in: { suite: "uint", headerKey: "bytes" }, out: { key: "bytes" } },
    "kdf.pqxdh": {
      in: { suite: "uint", dh1: "bytes", dh2: "bytes", dh3: "bytes", dh4: "bytes?", encapsulated: "bytes" },
      out: { rootKey: "bytes", initiatorHeader: "bytes", responderHeader: "bytes" }
    },
    "kdf.transcript": {
      in: {
        suite: "uint",
        initiatorAccount: "bytes",
        responderAccount: "bytes",
        initiatorDevice: "bytes",
        responderDevice: "bytes",
        initiatorAgreement: "bytes",
        responderAgreement: "bytes",
        ephemeral: "bytes",
        signedPrekeyId: "uint",
        signedPrekey: "bytes",
        oneTimePrekeyId: "uint",
        oneTimePrekey: "bytes",
        kemPrekeyId: "uint",
        kemPrekey: "bytes",
        kemCiphertext: "bytes"
      },
      out: { ad: "bytes", sessionId: "bytes" }
    },
    "kdf.direct-conversation": { in: { a: "bytes", b: "bytes" }, out: { id: "bytes" } },
    "kdf.envelope-digest": { in: { body: "bytes" }, out: { digest: "bytes" } },
    "kdf.session-start": {
      in: { account: "bytes", device: "bytes", ephemeral: "bytes", kemCiphertext: "bytes" },
      out: { digest: "bytes" }
    },
    "kdf.manifest-hash": { in: { body: "bytes" }, out: { hash: "bytes" } }
  },
  notes: {
    Distinct: {
      kind: "DOMAIN_SEPARATION",
      text: "All cases of this operation in this file that carry the flag give different outputs.",
      refs: []
    },
    Symmetric: { kind: "AGREEMENT", text: "Gives the same as the case with the inputs the other way round.", refs: [] },
    Ambiguity: {
      kind: "DOMAIN_SEPARATION",
      text: "The same digits or bytes divided at another place.",
      refs: ["docs/spec/01-suites.md §1.7"]
    }
  }
}

/** Purpose and its words in hexadecimal, by hand. */
const texts: ReadonlyArray<readonly [purpose: string, words: string, clause: string]> = [
  ["sealed sender", "7365616c6564 73656e646572", "sealed.key.1"],
  ["pqxdh", "7071786468", "pqxdh.kdf.1"],
  ["session transcript", "73657373696f6e 7472616e736372697074", "pqxdh.ad.1"],
  ["session tag", "73657373696f6e 746167", "session-message.tag.1"],
  ["root step", "726f6f74 73746570", "ratchet.root.1"],
  ["message key", "6d657373616765 6b6579", "ratchet.message-key.1"],
  ["header key", "686561646572 6b6579", "ratchet.header.3"],
  ["device certificate", "646576696365 6365727469666963617465", "certificate.sign.1"],
  ["device manifest", "646576696365 6d616e6966657374", "manifest.layout.1"],
  ["manifest hash", "6d616e6966657374 68617368", "manifest.hash.1"],
  ["signed prekey", "7369676e6564 7072656b6579", "prekey.sign.1"],
  ["one-time KEM prekey", "6f6e652d74696d65 4b454d 7072656b6579", "prekey.sign.1"],
  ["last-resort KEM prekey", "6c6173742d7265736f7274 4b454d 7072656b6579", "prekey.sign.1"],
  ["relay registration", "72656c6179 726567697374726174696f6e", "relay.register.2"],
  ["relay login", "72656c6179 6c6f67696e", "relay.login.1"],
  ["direct conversation", "646972656374 636f6e766572736174696f6e", "content.conversation.1"],
  ["envelope digest", "656e76656c6f7065 646967657374", "content.retry.1"],
  ["delivery token", "64656c6976657279 746f6b656e", "relay.submit.2"],
  ["session start id", "73657373696f6e 7374617274 6964", "session.start.2"],
  ["fence key", "66656e6365 6b6579", "fence.identity.2"],
  ["safety number", "736166657479 6e756d626572", "safety.fingerprint.1"],
  ["safety iteration", "736166657479 697465726174696f6e", "safety.fingerprint.1"],
  ["safety account", "736166657479 6163636f756e74", "safety.account.1"],
  ["vault unlock", "7661756c74 756e6c6f636b", "vault.unlock.3"],
  ["vault header", "7661756c74 686561646572", "vault.header.3"],
  ["vault digest", "7661756c74 646967657374", "vault.header.4"],
  ["vault keys", "7661756c74 6b657973", "vault.keys.1"],
  ["vault name", "7661756c74 6e616d65", "vault.name.1"],
  ["vault record", "7661756c74 7265636f7264", "vault.record.2"],
  ["vault ledger", "7661756c74 6c6564676572", "vault.ledger.2"],
  ["vault mark", "7661756c74 6d61726b", "vault.ledger.1"]
]

/** `tacit/1` and a space, the words with spaces between them, and the zero byte. */
const bytesOf = (words: string): string => `74616369742f3120${words.replaceAll(" ", "20")}00`

export const labels = (): VectorFile => {
  const file = new FileBuilder(family, "labels")
  for (const [purpose, words, clause] of texts) {
    const hex = bytesOf(words)
    const name = purpose.toLowerCase().replaceAll(" ", "-")
    file.valid(
      { id: `label-${name}`, title: `the label ${purpose}`, clauses: ["crypto.label.1", clause], flags: ["Distinct"] },
      "label",
      { purpose, parts: [] },
      { out: hex }
    )
    file.valid(
      {
        id: `label-${name}-with-context`,
        title: `the label ${purpose} before two parts of context`,
        clauses: ["crypto.label.2"],
        flags: ["Distinct"]
      },
      "label",
      { purpose, parts: ["01", "0203"] },
      { out: `${hex}010203` }
    )
  }
  return file.file()
}

export const derivations = (): VectorFile => {
  const file = new FileBuilder(family, "derivations")
  const world = "inputs"
  const inputs = file.world(world, "random inputs of every length that derivations take")
  const random = (id: string, length: number): Ref => inputs.coin(id, "labels", `test.${id}`, 0, length)
  const [k1, k2, k3, k4, k5, k6] = ["k1", "k2", "k3", "k4", "k5", "k6"].map((id) => random(id, 32)) as [
    Ref,
    Ref,
    Ref,
    Ref,
    Ref,
    Ref
  ]
  const [n1, n2, w1, w2] = [random("n1", 12), random("n2", 12), random("w1", 16), random("w2", 16)]
  random("kem", 1184)
  random("kem2", 1184)
  random("ct", 1088)
  random("ct2", 1088)
  const add = (
    op: string,
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    input: JsonObject,
    derive: (trace: Trace) => JsonObject,
    flags: ReadonlyArray<string> = ["Distinct"]
  ): void => {
    const trace = file.trace(world)
    const out = derive(trace)
    file.valid({ id: `kdf-${id}`, title, clauses, flags, world, trace }, op, input, out)
  }
  for (const [i, headerKey] of [k1, k2, k3].entries()) {
    add("kdf.session-tag", `session-tag-${i}`, "a session tag", ["session-message.tag.1"], { headerKey }, (trace) => ({
      tag: sessionTag(trace, "tag", headerKey)
    }))
    add("kdf.chain-step", `chain-step-${i}`, "a chain step", ["ratchet.chain.1"], { chainKey: headerKey }, (trace) => ({
      messageKey: trace.op("message-key", "hmac-sha256", { key: headerKey, data: Uint8Array.of(1) }, "ratchet.chain.1"),
      chainKey: trace.op("chain-key", "hmac-sha256", { key: headerKey, data: Uint8Array.of(2) }, "ratchet.chain.1")
    }))
    add(
      "kdf.header-key",
      `header-key-wide-${i}`,
      "the key of headers under suite 3",
      ["ratchet.header.3"],
      { suite: 3, headerKey },
      (trace) => ({ key: headerSealing(trace, "sealing", 3, headerKey) })
    )
    add(
      "kdf.header-key",
      `header-key-plain-${i}`,
      "the key of headers under suites 1 and 2 is the header key",
      ["ratchet.header.3"],
      { suite: i === 2 ? 2 : 1, headerKey },
      () => ({ key: headerKey })
    )
  }
  for (const [id, rootKey, agreed] of [
    ["base", k1, k2],
    ["root", k3, k2],
    ["agreed", k1, k3],
    ["exchanged", k2, k1]
  ] as const) {
    add("kdf.root-step", `root-step-${id}`, `a root step: ${id}`, ["ratchet.root.1"], { rootKey, agreed }, (trace) => {
      const step = rootStep(trace, "step", rootKey, agreed)
      return { rootKey: step.root, chainKey: step.chain, headerKey: step.header }
    })
  }
  for (const suite of [1, 2, 3] as const) {
    const [a, b] = suite === 3 ? [w1, w2] : [n1, n2]
    for (const [id, messageKey, nonce] of [
      ["base", k1, a],
      ["key", k2, a],
      ["nonce", k1, b]
    ] as const) {
      add(
        "kdf.message-key",
        `message-key-${suite}-${id}`,
        `a message key under suite ${suite}: ${id}`,
        ["ratchet.message-key.1"],
        { suite, messageKey, nonce },
        (trace) => {
          const keys = messageKeys(trace, "keys", suite, nonce, messageKey)
          return { key: keys.key, nonce: keys.nonce }
        }
      )
    }
  }
  agreement(add, [k1, k2, k3, k4, k5, k6])
  transcript(add, [k1, k2, k3, k4, k5, k6])
  for (const [id, a, b, flags] of [
    ["base", k1, k2, ["Distinct"]],
    ["reversed", k2, k1, ["Symmetric"]],
    ["other", k1, k3, ["Distinct"]],
    ["same", k1, k1, ["Distinct"]]
  ] as const) {
    add(
      "kdf.direct-conversation",
      `direct-conversation-${id}`,
      `the direct conversation of two accounts: ${id}`,
      ["content.conversation.1"],
      { a, b },
      (trace) => {
        const low = trace.op("low", "min", { a, b })
        const high = trace.op("high", "max", { a, b })
        const data = trace.op(
          "labelled",
          "label",
          { purpose: "direct conversation", parts: [low, high] },
          "content.conversation.1"
        )
        return { id: trace.slice("id", trace.op("hash", "sha256", { data }), 0, 16, "content.conversation.1") }
      },
      [...flags]
    )
  }
  for (const [id, body] of [
    ["base", k1],
    ["other", k2],
    ["one-byte", "00"],
    ["long", "$kem"]
  ] as const) {
    add(
      "kdf.envelope-digest",
      `envelope-digest-${id}`,
      `an envelope digest: ${id}`,
      ["content.retry.1"],
      { body },
      (trace) => {
        const data = trace.op("labelled", "label", { purpose: "envelope digest", parts: [body] }, "content.retry.1")
        return { digest: trace.slice("digest", trace.op("hash", "sha256", { data }), 0, 16, "content.retry.1") }
      }
    )
    add(
      "kdf.manifest-hash",
      `manifest-hash-${id}`,
      `a manifest hash: ${id}`,
      ["manifest.hash.1"],
      { body },
      (trace) => {
        const data = trace.op("labelled", "label", { purpose: "manifest hash", parts: [body] }, "manifest.hash.1")
        return { hash: trace.op("hash", "sha256", { data }, "manifest.hash.1") }
      }
    )
  }
  for (const [id, account, device, ephemeral, ciphertext] of [
    ["base", k1, k2, k3, "$ct"],
    ["account", k4, k2, k3, "$ct"],
    ["device", k1, k4, k3, "$ct"],
    ["ephemeral", k1, k2, k4, "$ct"],
    ["ciphertext", k1, k2, k3, "$ct2"],
    ["exchanged", k2, k1, k3, "$ct"]
  ] as const) {
    add(
      "kdf.session-start",
      `session-start-${id}`,
      `the digest of a session start: ${id}`,
      ["session.start.2"],
      { account, device, ephemeral, kemCiphertext: ciphertext },
      (trace) => {
        const data = trace.op(
          "labelled",
          "label",
          { purpose: "session start id", parts: [account, device, ephemeral, ciphertext] },
          "session.start.2"
        )
        return { digest: trace.slice("digest", trace.op("hash", "sha256", { data }), 0, 16, "session.start.2") }
      }
    )
  }
  return file.file()
}

type Add = (
  op: string,
  id: string,
  title: string,
  clauses: ReadonlyArray<string>,
  input: JsonObject,
  derive: (trace: Trace) => JsonObject,
  flags?: ReadonlyArray<string>
) => void
type Six = readonly [Ref, Ref, Ref, Ref, Ref, Ref]

/** PQXDH's KDF: every agreement and the encapsulated secret shown to matter, each in its place. */
const agreement = (add: Add, [k1, k2, k3, k4, k5, k6]: Six): void => {
  const base: { readonly [name: string]: Ref } = { dh1: k1, dh2: k2, dh3: k3, dh4: k4, encapsulated: k5 }
  const { dh4: _, ...without } = base
  const variants: ReadonlyArray<readonly [id: string, suite: Suite, secrets: { readonly [name: string]: Ref }]> = [
    ["base", 1, base],
    ["suite-2", 2, base],
    ["suite-3", 3, base],
    ["dh1", 1, { ...base, dh1: k6 }],
    ["dh2", 1, { ...base, dh2: k6 }],
    ["dh3", 1, { ...base, dh3: k6 }],
    ["dh4", 1, { ...base, dh4: k6 }],
    ["encapsulated", 1, { ...base, encapsulated: k6 }],
    ["without-dh4", 1, without],
    ["dh1-dh2-exchanged", 1, { ...base, dh1: k2, dh2: k1 }],
    ["dh3-dh4-exchanged", 1, { ...base, dh3: k4, dh4: k3 }],
    ["dh4-encapsulated-exchanged", 1, { ...base, dh4: k5, encapsulated: k4 }]
  ]
  for (const [id, suite, secrets] of variants) {
    add(
      "kdf.pqxdh",
      `pqxdh-${id}`,
      `the key agreement: ${id.replaceAll("-", " ")}`,
      ["pqxdh.kdf.1"],
      { suite, ...secrets },
      (trace) => {
        const parts: ReadonlyArray<Arg> = [
          new Uint8Array(32).fill(0xff),
          ...["dh1", "dh2", "dh3", "dh4", "encapsulated"].flatMap((name) => secrets[name] ?? [])
        ]
        const ikm = trace.op("ikm", "concat", { parts }, "pqxdh.kdf.1")
        const sk = trace.op(
          "sk",
          "hkdf-sha256",
          { salt: new Uint8Array(32), ikm, info: label(trace, "pqxdh", suite), len: 96 },
          "pqxdh.kdf.1"
        )
        return {
          rootKey: trace.slice("root", sk, 0, 32, "pqxdh.kdf.1"),
          initiatorHeader: trace.slice("hka", sk, 32, 64, "pqxdh.kdf.1"),
          responderHeader: trace.slice("nhkb", sk, 64, 96, "pqxdh.kdf.1")
        }
      }
    )
  }
}

/** The session transcript with every field varied alone. */
const transcript = (add: Add, [k1, k2, k3, k4, k5, k6]: Six): void => {
  const base = {
    suite: 1,
    initiatorAccount: k1,
    responderAccount: k2,
    initiatorDevice: k3,
    responderDevice: k4,
    initiatorAgreement: k5,
    responderAgreement: k6,
    ephemeral: k1,
    signedPrekeyId: 1,
    signedPrekey: k2,
    oneTimePrekeyId: 21,
    oneTimePrekey: k3,
    kemPrekeyId: 3,
    kemPrekey: "$kem",
    kemCiphertext: "$ct"
  } as const
  const variants: ReadonlyArray<
    readonly [id: string, changed: { readonly [name: string]: number | string }, flags?: ReadonlyArray<string>]
  > = [
    ["base", {}],
    ["suite", { suite: 2 }],
    ["initiator-account", { initiatorAccount: k6 }],
    ["responder-account", { responderAccount: k6 }],
    ["initiator-device", { initiatorDevice: k6 }],
    ["responder-device", { responderDevice: k6 }],
    ["initiator-agreement", { initiatorAgreement: k1 }],
    ["responder-agreement", { responderAgreement: k1 }],
    ["ephemeral", { ephemeral: k6 }],
    ["signed-prekey-id", { signedPrekeyId: 2 }],
    ["signed-prekey", { signedPrekey: k6 }],
    ["one-time-prekey-id", { oneTimePrekeyId: 22 }],
    ["one-time-prekey", { oneTimePrekey: k6 }],
    ["kem-prekey-id", { kemPrekeyId: 4 }],
    ["kem-prekey", { kemPrekey: "$kem2" }],
    ["kem-ciphertext", { kemCiphertext: "$ct2" }],
    ["no-one-time-prekey", { oneTimePrekeyId: 0, oneTimePrekey: "" }],
    [
      "roles-exchanged",
      {
        initiatorAccount: k2,
        responderAccount: k1,
        initiatorDevice: k4,
        responderDevice: k3,
        initiatorAgreement: k6,
        responderAgreement: k5
      }
    ],
    ["ids-divided-otherwise", { signedPrekeyId: 12, oneTimePrekeyId: 1 }, ["Distinct", "Ambiguity"]],
    ["ids-wide", { signedPrekeyId: 128, oneTimePrekeyId: 65536, kemPrekeyId: 4294967296 }]
  ]
  for (const [id, changed, flags] of variants) {
    const input: { readonly [name: string]: number | string } = { ...base, ...changed }
    add(
      "kdf.transcript",
      `transcript-${id}`,
      `the session transcript: ${id.replaceAll("-", " ")}`,
      ["pqxdh.ad.1"],
      input,
      (trace) => {
        const value = Object.keys(base).map((name) => input[name]!)
        const encoded = trace.op("transcript", "canon", { value }, "pqxdh.ad.1")
        const data = trace.op("labelled", "label", { purpose: "session transcript", parts: [encoded] }, "pqxdh.ad.1")
        const ad = trace.op("ad", "sha256", { data }, "pqxdh.ad.1")
        return { ad, sessionId: trace.slice("session-id", ad, 0, 16, "pqxdh.ad.1") }
      },
      flags
    )
  }
}
