/**
 * The derivations of the protocol as trace steps: a second reading of the pages, used for making vectors only.
 *
 * Spec: docs/spec/03-envelopes.md §3.1–3.3, docs/spec/05-agreement.md §5.2, docs/spec/06-ratchet.md.
 * Every function adds named steps to a trace and returns references to their outputs.
 */
import { be } from "./bytes.ts"
import { suites, type Suite } from "./prim.ts"
import type { Arg, Ref, Trace } from "./trace.ts"

const slug = (purpose: string): string => purpose.toLowerCase().replaceAll(" ", "-")

/** `L(purpose)`, or with one fixed context byte; a step shared by all that use it. */
export const label = (trace: Trace, purpose: string, suite?: Suite): Ref => {
  const id = suite === undefined ? `label.${slug(purpose)}` : `label.${slug(purpose)}.${suite}`
  if (trace.has(id)) return `$${id}`
  return trace.op(id, "label", { purpose, parts: suite === undefined ? [] : [be(suite, 1)] }, "crypto.label.2")
}

/** The envelope prefix `[1, kind, to]`. */
export const prefix = (trace: Trace, id: string, kind: number, to: Ref): Ref =>
  trace.op(id, "canon", { value: [1, kind, to] }, "envelope.prefix.1")

export const sessionTag = (trace: Trace, id: string, headerKey: Ref): Ref => {
  const mac = trace.op(
    `${id}.mac`,
    "hmac-sha256",
    { key: headerKey, data: label(trace, "session tag") },
    "session-message.tag.1"
  )
  return trace.slice(id, mac, 0, 16, "session-message.tag.1")
}

/** KDF_RK: next root key, chain key, header key. */
export const rootStep = (
  trace: Trace,
  id: string,
  rootKey: Ref,
  agreed: Ref
): { readonly root: Ref; readonly chain: Ref; readonly header: Ref } => {
  const all = trace.op(
    `${id}.kdf`,
    "hkdf-sha256",
    { salt: rootKey, ikm: agreed, info: label(trace, "root step"), len: 96 },
    "ratchet.root.1"
  )
  return {
    root: trace.slice(`${id}.root`, all, 0, 32, "ratchet.root.1"),
    chain: trace.slice(`${id}.chain`, all, 32, 64, "ratchet.root.1"),
    header: trace.slice(`${id}.header`, all, 64, 96, "ratchet.root.1")
  }
}

/** AEAD key and nonce out of a message key. */
export const messageKeys = (
  trace: Trace,
  id: string,
  suite: Suite,
  nonce: Ref,
  messageKey: Ref
): { readonly key: Ref; readonly nonce: Ref } => {
  const { key, nonce: nonceLength } = suites[suite]
  const all = trace.op(
    `${id}.expanded`,
    "hkdf-sha256",
    { salt: nonce, ikm: messageKey, info: label(trace, "message key", suite), len: key + nonceLength },
    "ratchet.message-key.1"
  )
  return {
    key: trace.slice(`${id}.key`, all, 0, key, "ratchet.message-key.1"),
    nonce: trace.slice(`${id}.body-nonce`, all, key, key + nonceLength, "ratchet.message-key.1")
  }
}

/** The key that seals headers. */
export const headerSealing = (trace: Trace, id: string, suite: Suite, headerKey: Ref): Ref =>
  suite === 3
    ? trace.op(
        id,
        "hkdf-sha256",
        { salt: new Uint8Array(32), ikm: headerKey, info: label(trace, "header key", 3), len: 64 },
        "ratchet.header.3"
      )
    : headerKey

/** One sending chain of one party. */
export interface Chain {
  /** Prefix of its step names, `e0`, `e1`, … */
  readonly id: string
  readonly ratchetPublic: Ref
  readonly ratchetSecret: Ref
  readonly rootBefore: Ref
  readonly rootAfter: Ref
  readonly chainKey: Ref
  readonly headerKey: Ref
  /** The header key that this side uses in its next chain. */
  readonly nextHeaderKey: Ref
  readonly sealing: Ref
  readonly tag: Ref
  readonly previous: number
}

/** What a conversation starts from. */
export interface Start {
  readonly suite: Suite
  readonly ad: Ref
  readonly rootKey: Ref
  readonly initiatorHeader: Ref
  readonly responderHeader: Ref
  /** The responder's signed prekey pair. */
  readonly prekeySecret: Ref
  readonly prekeyPublic: Ref
}

/** A ratcheted conversation between the initiator (even chains) and the responder (odd chains). */
export class Conversation {
  readonly trace: Trace
  readonly start: Start
  readonly actors: readonly [string, string]
  readonly chains: Array<Chain> = []
  readonly #nextKeys = new Map<string, Ref>()
  readonly #nonces: [number, number]
  readonly #sent: Array<number> = []

  readonly #prefix: string
  readonly #turns: readonly [number, number]

  /**
   * `actors` name the coins; `prefix` goes before the names of steps. `drawn` says how many ratchet keys and header nonces the
   * two drew before, in other sessions.
   */
  constructor(
    trace: Trace,
    start: Start,
    actors: readonly [string, string],
    prefix = "",
    drawn: { readonly turns: readonly [number, number]; readonly nonces: readonly [number, number] } = {
      turns: [0, 0],
      nonces: [0, 0]
    }
  ) {
    this.trace = trace
    this.start = start
    this.actors = actors
    this.#prefix = prefix
    this.#turns = drawn.turns
    this.#nonces = [...drawn.nonces]
  }

  /** Begins the next chain: its sender draws a ratchet key pair and steps the root. `secret` is given for a key that exists. */
  turn(secret?: Ref): Chain {
    const { trace } = this
    const index = this.chains.length
    const id = `${this.#prefix}e${index}`
    const side = index % 2
    const drawn =
      secret ??
      trace.coin(`${id}.secret`, this.actors[side]!, "ratchet.eph", this.#turns[side]! + Math.floor(index / 2), 32)
    const ratchetPublic = trace.op(`${id}.public`, "x25519-public", { k: drawn }, "ratchet.receive.4")
    const before = this.chains.at(-1)
    const dh = trace.op(
      `${id}.dh`,
      "x25519",
      { k: drawn, u: before?.ratchetPublic ?? this.start.prekeyPublic },
      before === undefined ? "ratchet.init.1" : "ratchet.receive.4"
    )
    const rootBefore = before?.rootAfter ?? this.start.rootKey
    const step = rootStep(trace, `${id}.step`, rootBefore, dh)
    const headerKey =
      index === 0
        ? this.start.initiatorHeader
        : index === 1
          ? this.start.responderHeader
          : this.chains[index - 2]!.nextHeaderKey
    const chain: Chain = {
      id,
      ratchetPublic,
      ratchetSecret: drawn,
      rootBefore,
      rootAfter: step.root,
      chainKey: step.chain,
      headerKey,
      nextHeaderKey: step.header,
      sealing: headerSealing(trace, `${id}.sealing`, this.start.suite, headerKey),
      tag: sessionTag(trace, `${id}.tag`, headerKey),
      previous: this.#sent[index - 2] ?? 0
    }
    this.chains.push(chain)
    this.#sent.push(0)
    return chain
  }

  /** Message key at a number of a chain; steps in between are one iterated operation. */
  messageKey(index: number, number: number, id: string): Ref {
    const { trace } = this
    const chain = this.chains[index]!
    let key = number === 0 ? chain.chainKey : this.#nextKeys.get(`${index}.${number}`)
    if (key === undefined) {
      key = trace.op(
        `${id}.chain`,
        "hmac-iterate",
        { key: chain.chainKey, data: Uint8Array.of(2), count: number },
        "ratchet.chain.1"
      )
    }
    return trace.op(`${id}.message-key`, "hmac-sha256", { key, data: Uint8Array.of(1) }, "ratchet.chain.1")
  }

  /** Declares the chain key at a number of a chain, for a conversation that is taken up in the middle. */
  resume(index: number, number: number, chainKey: Ref): void {
    this.#nextKeys.set(`${index}.${number}`, chainKey)
  }

  /** Chain key behind the message with this number. */
  chainAfter(index: number, number: number, id: string): Ref {
    const chain = this.chains[index]!
    const key = this.trace.op(
      id,
      "hmac-iterate",
      { key: chain.chainKey, data: Uint8Array.of(2), count: number + 1 },
      "ratchet.chain.1"
    )
    this.#nextKeys.set(`${index}.${number + 1}`, key)
    return key
  }

  /**
   * Seals a padded plaintext as number `number` of chain `index`. Names of the steps begin with `id`; the message is the step
   * `id` itself. `header` replaces parts of the header, for a sender that lies.
   */
  seal(
    id: string,
    index: number,
    number: number,
    prefix: Ref,
    padded: Ref,
    header: { readonly previous?: number; readonly number?: number } = {}
  ): Ref {
    const { trace } = this
    const { suite, ad } = this.start
    const chain = this.chains[index]!
    this.#sent[index] = Math.max(this.#sent[index]!, number + 1)
    const side = index % 2
    const nonce = trace.coin(
      `${id}.nonce`,
      this.actors[side]!,
      "header.nonce",
      this.#nonces[side]!++,
      suites[suite].nonce
    )
    const plain = trace.concat(
      `${id}.header`,
      [chain.ratchetPublic, be(header.previous ?? chain.previous, 4), be(header.number ?? number, 4)],
      "ratchet.header.1"
    )
    const headerAd = trace.concat(`${id}.header-ad`, [ad, chain.tag], "ratchet.header.2")
    const sealedHeader = trace.op(
      `${id}.sealed-header`,
      "aead-seal",
      { suite, key: chain.sealing, nonce, ad: headerAd, plaintext: plain },
      "ratchet.header.2"
    )
    const messageKey = this.messageKey(index, number, id)
    const keys = messageKeys(trace, id, suite, nonce, messageKey)
    const front = trace.concat(`${id}.front`, [chain.tag, nonce, sealedHeader], "ratchet.message.1")
    const bodyAd = trace.concat(`${id}.ad`, [ad, prefix, front], "ratchet.message.1")
    const body = trace.op(
      `${id}.body`,
      "aead-seal",
      { suite, key: keys.key, nonce: keys.nonce, ad: bodyAd, plaintext: padded },
      "ratchet.message.1"
    )
    return trace.concat(id, [front, body], "ratchet.message.1")
  }
}

/** A padded text, as two steps. */
export const paddedText = (trace: Trace, id: string, text: string): Ref => {
  const content = trace.op(`${id}.text`, "utf8", { text })
  return trace.op(id, "pad", { content }, "padding.layout.1")
}

export type { Arg }

/** The body of a session start envelope around `start` (rules sealed.key.1, sealed.ad.1, sealed.layout.1). Its steps begin with `id`. */
export const sealStart = (
  trace: Trace,
  id: string,
  suite: Suite,
  secret: Ref,
  recipient: Ref,
  prefix: Ref,
  start: Ref
): Ref => {
  const { key, nonce } = suites[suite]
  const ephemeral = trace.op(`${id}.ephemeral`, "x25519-public", { k: secret }, "sealed.layout.1")
  const shared = trace.op(`${id}.shared`, "x25519", { k: secret, u: recipient }, "sealed.key.1")
  const salt = trace.concat(`${id}.salt`, [ephemeral, recipient], "sealed.key.1")
  const info = label(trace, "sealed sender", suite)
  const keys = trace.op(`${id}.keys`, "hkdf-sha256", { salt, ikm: shared, info, len: key + nonce }, "sealed.key.1")
  const box = trace.op(
    `${id}.box`,
    "aead-seal",
    {
      suite,
      key: trace.slice(`${id}.key`, keys, 0, key, "sealed.key.1"),
      nonce: trace.slice(`${id}.nonce`, keys, key, key + nonce, "sealed.key.1"),
      ad: trace.concat(`${id}.ad`, [prefix, be(suite, 1), ephemeral], "sealed.ad.1"),
      plaintext: start
    },
    "sealed.ad.1"
  )
  return trace.op(id, "canon", { value: [suite, ephemeral, box] }, "sealed.layout.1")
}
