/**
 * F05: the family, its worlds and the steps of its transcripts.
 *
 * Spec: docs/spec/05-agreement.md, docs/spec/08-sessions.md §8.2.
 */
import {
  bundle,
  kemPrekey,
  oneTimePrekey,
  pqxdh,
  signedPrekey,
  type Agreement,
  type KemPrekey,
  type Prekey
} from "../agreement.ts"
import type { Family } from "../family.ts"
import { device, type Device } from "../identity.ts"
import type { Json, JsonObject, ScriptStep } from "../model.ts"
import type { Suite } from "../prim.ts"
import { Conversation, prefix, sealStart } from "../protocol.ts"
import type { Arg, Ref, Trace } from "../trace.ts"

/** F05. */
export const family: Family = {
  id: "F05",
  name: "agreement",
  document: "docs/spec/05-agreement.md",
  level: 2,
  operations: {
    "bundle.check": {
      in: { bytes: "bytes", account: "bytes" },
      out: {
        device: "bytes",
        agreement: "bytes",
        mailbox: "bytes",
        signedPrekeyId: "uint",
        signedPrekey: "bytes",
        kemOneTime: "flag",
        kemPrekeyId: "uint",
        kemPrekey: "bytes",
        oneTimePrekeyId: "uint",
        oneTimePrekey: "bytes",
        suites: "list"
      }
    },
    "bundle.belongs": { in: { bytes: "bytes", account: "bytes", device: "bytes", manifest: "bytes" }, out: {} },
    "device.begin": {
      stateful: true,
      in: {
        account: "bytes",
        device: "bytes",
        agreementSecret: "bytes",
        certificate: "bytes",
        mailbox: "bytes",
        suites: "list"
      },
      out: {}
    },
    "device.prekeys": {
      stateful: true,
      in: { signed: "list", kemOneTime: "list", kemLast: "list", oneTime: "list" },
      out: {}
    },
    "device.left": { stateful: true, in: {}, out: { oneTime: "list", kemOneTime: "list" } },
    "device.forget-sessions": { stateful: true, in: {}, out: {} },
    "session.begin": {
      stateful: true,
      in: {
        bundle: "bytes",
        account: "bytes",
        suites: "list",
        ephemeralSecret: "bytes",
        kemCoins: "bytes",
        ratchetSecret: "bytes",
        rank: "uint"
      },
      out: { suite: "uint", session: "bytes", start: "bytes" }
    },
    "session.seal": {
      stateful: true,
      in: { session: "bytes", to: "bytes", content: "bytes", nonce: "bytes", ephemeralSecret: "bytes?" },
      out: { envelope: "bytes" }
    },
    "session.seal-many": {
      stateful: true,
      in: { session: "bytes", to: "bytes", content: "bytes", count: "uint" },
      out: { sealed: "uint" }
    },
    "session.receive": {
      stateful: true,
      in: { envelope: "bytes", fresh: "bytes?" },
      out: { session: "bytes", from: "bytes", content: "bytes", late: "flag" }
    },
    "session.active": { stateful: true, in: { peer: "bytes" }, out: { session: "bytes" } },
    "session.reset": { stateful: true, in: { peer: "bytes" }, out: {} },
    "sessions.rank": { stateful: true, in: { now: "uint" }, out: { rank: "uint" } },
    "sessions.begin": {
      stateful: true,
      in: { session: "bytes", rank: "uint" },
      out: { active: "bytes", dropped: "list" }
    },
    "sessions.start": {
      stateful: true,
      in: { session: "bytes", rank: "uint", takesOver: "flag", waits: "flag" },
      out: { active: "bytes", dropped: "list" }
    },
    "sessions.message": { stateful: true, in: { session: "bytes" }, out: { active: "bytes", dropped: "list" } },
    "sessions.archive": { stateful: true, in: {}, out: { active: "bytes", dropped: "list" } },
    "sessions.list": { stateful: true, in: {}, out: { active: "bytes", archived: "list" } },
    "retry.ask": { stateful: true, in: { digests: "list", now: "uint" }, out: { digests: "list" } },
    "retry.log": { stateful: true, in: { digest: "bytes", content: "bytes", now: "uint" }, out: { kept: "uint" } },
    "retry.answer": { stateful: true, in: { digest: "bytes", sealed: "bytes", now: "uint" }, out: { content: "list" } }
  },
  notes: {
    Directory: {
      kind: "UNTRUSTED_DIRECTORY",
      text: "The directory or relay hands out something that the device did not publish so.",
      refs: ["docs/spec/05-agreement.md §5.1"]
    },
    PublisherLie: {
      kind: "PEER_MISBEHAVIOUR",
      text: "The device itself signed something that nobody may use.",
      refs: []
    },
    Wildcard: {
      kind: "BY_DESIGN",
      text: "One-time X25519 prekeys are not signed; what is put in their place only shows later.",
      refs: ["docs/spec/05-agreement.md §5.1"]
    },
    Modified: { kind: "AUTH_BYPASS", text: "Changed on the way.", refs: [] },
    Misbinding: {
      kind: "AUTH_BYPASS",
      text: "Somebody else's identity, or an identity with keys that are not its own.",
      refs: ["docs/spec/05-agreement.md §5.2"]
    },
    Insider: {
      kind: "PEER_MISBEHAVIOUR",
      text: "The start was sealed by somebody who wrote something wrong inside. Anybody can seal to a device.",
      refs: ["docs/spec/03-envelopes.md §3.2"]
    },
    Prekey: {
      kind: "PREKEY",
      text: "A prekey id that is unknown, used up or another than the one agreed with.",
      refs: ["docs/spec/05-agreement.md §5.1"]
    },
    Secret: {
      kind: "KEY_MATTERS",
      text: "One of the responder's secrets is another: shows that it enters the agreement.",
      refs: []
    },
    Replay: { kind: "REPLAY", text: "A genuine start once more.", refs: ["docs/spec/08-sessions.md §8.2"] },
    OutOfOrder: { kind: "DELIVERY", text: "Starts of one session in another order than they were sealed.", refs: [] },
    Crossing: {
      kind: "CONVERGENCE",
      text: "Both sides began sessions; which one both send in follows from ranks and ids.",
      refs: ["docs/spec/08-sessions.md §8.3"]
    },
    Repair: {
      kind: "RECOVERY",
      text: "A reset, a retry request, or a message of a session that was put away.",
      refs: ["docs/spec/08-sessions.md §8.4"]
    },
    Bound: {
      kind: "DENIAL_OF_SERVICE",
      text: "At a bound of sessions or of repair.",
      refs: ["docs/spec/08-sessions.md"]
    },
    Policy: { kind: "POLICY", text: "Well-formed, but not allowed here.", refs: [] }
  }
}

/** Somebody with prekeys. */
export interface Published {
  readonly device: Device
  readonly actor: string
  readonly spk: Prekey
  readonly spk2: Prekey
  readonly opk: ReadonlyArray<Prekey>
  readonly kem: ReadonlyArray<KemPrekey>
  readonly last: KemPrekey
}

/** A device with two signed prekeys, two of each kind of one-time prekey and a last-resort one. */
export const publish = (trace: Trace, name: string, run: string): Published => {
  const actor = `${run}/${name}/1`
  const owner = device(trace, name, actor)
  return {
    device: owner,
    actor,
    spk: signedPrekey(trace, owner, actor, 7),
    spk2: signedPrekey(trace, owner, actor, 8),
    opk: [oneTimePrekey(trace, owner, actor, 9), oneTimePrekey(trace, owner, actor, 10)],
    kem: [kemPrekey(trace, owner, actor, 11, true), kemPrekey(trace, owner, actor, 12, true)],
    last: kemPrekey(trace, owner, actor, 3, false)
  }
}

export const sentAt = 1_700_000_000_000

/** Content of one text: `[1, direct, sequence, id, sent at, body, {}]`. */
export const textContent = (trace: Trace, id: string, actor: string, sequence: number, text: string): Ref => {
  const messageId = trace.coin(`${id}.id`, actor, "msg.id", sequence - 1, 16)
  const body = trace.op(`${id}.body`, "utf8", { text })
  return trace.op(
    id,
    "canon",
    { value: [1, new Uint8Array(0), sequence, messageId, sentAt, body, { map: [] }] },
    "content.layout.1"
  )
}

/** Content of a type that is not numbered: `[type, direct, 0, id, sent at, body, {}]`. `index` counts the actor's message ids. */
export const controlContent = (
  trace: Trace,
  id: string,
  actor: string,
  index: number,
  type: number,
  value: Arg
): Ref => {
  const messageId = trace.coin(`${id}.id`, actor, "msg.id", index, 16)
  const body = trace.op(`${id}.body`, "canon", { value }, type === 8 ? "content.retry.1" : "content.device-control.1")
  return trace.op(
    id,
    "canon",
    { value: [type, new Uint8Array(0), 0, messageId, sentAt, body, { map: [] }] },
    "content.layout.1"
  )
}

/** A session that somebody begins with a published device, with the messages that go through it. */
export class Session {
  readonly trace: Trace
  readonly name: string
  readonly suite: Suite
  readonly initiator: Device
  readonly actor: string
  readonly responder: Published
  readonly agreed: Agreement
  readonly conversation: Conversation
  readonly bundle: Ref
  readonly rank: number
  /** What the next start says its rank is; the first one counts. */
  claimed: number
  #sealed: number
  readonly #sequence: [number, number]

  constructor(
    trace: Trace,
    name: string,
    suite: Suite,
    initiator: Device,
    actor: string,
    responder: Published,
    keys: {
      readonly spk?: Prekey
      readonly opk?: Prekey | undefined
      readonly kem: KemPrekey
      /** Place in the order of sessions; the time of sending if not given. */
      readonly rank?: number
      /** Which of the initiator's agreements it is, counted from 0. */
      readonly index?: number
      /** Numbers already given out by initiator and responder. */
      readonly sequence?: readonly [number, number]
      /** What the responder's bundle accepts. */
      readonly accepts?: ReadonlyArray<number>
    },
    drawn?: { readonly turns: readonly [number, number]; readonly nonces: readonly [number, number] }
  ) {
    this.trace = trace
    this.name = name
    this.suite = suite
    this.initiator = initiator
    this.actor = actor
    this.responder = responder
    this.rank = keys.rank ?? sentAt
    this.claimed = this.rank
    this.#sequence = [...(keys.sequence ?? [0, 0])]
    this.#sealed = 64 * (keys.index ?? 0)
    const spk = keys.spk ?? responder.spk
    this.bundle = bundle(trace, `${name}.bundle`, responder.device, spk, keys.kem, keys.opk, keys.accepts)
    this.agreed = pqxdh(
      trace,
      name,
      suite,
      actor,
      keys.index ?? 0,
      initiator,
      responder.device,
      spk,
      keys.opk,
      keys.kem
    )
    this.conversation = new Conversation(trace, this.agreed, [actor, responder.actor], `${name}.`, drawn)
    this.conversation.turn()
    if (!trace.has(`prefix.start.${responder.device.name}`))
      prefix(trace, `prefix.start.${responder.device.name}`, 1, responder.device.mailbox)
    if (!trace.has(`prefix.message.${responder.device.name}`))
      prefix(trace, `prefix.message.${responder.device.name}`, 2, responder.device.mailbox)
    if (!trace.has(`prefix.message.${initiator.name}`))
      prefix(trace, `prefix.message.${initiator.name}`, 2, initiator.mailbox)
  }

  /** Names of a message's steps: `<session>.<chain>.<number>`. */
  id(index: number, number: number): string {
    return `${this.name}.${index}.${number}`
  }

  #message(index: number, number: number, prefix: Ref, write?: (id: string) => Ref): Ref {
    const { conversation, trace } = this
    const side = index % 2
    const id = this.id(index, number)
    const content =
      write?.(`${id}.content`) ??
      textContent(
        trace,
        `${id}.content`,
        side === 0 ? this.actor : this.responder.actor,
        ++this.#sequence[side]!,
        `${this.name}: chain ${index}, message ${number}`
      )
    const padded = trace.op(`${id}.padded`, "pad", { content }, "padding.layout.1")
    const message = conversation.seal(`${id}.message`, index, number, prefix, padded)
    conversation.chainAfter(index, number, `${id}.next`)
    return message
  }

  /** Adds a session start with message `number`. */
  start(number: number, write?: (id: string) => Ref): Ref {
    const { agreed, initiator, responder, suite, trace } = this
    const id = this.id(0, number)
    const to: Ref = `$prefix.start.${responder.device.name}`
    const message = this.#message(0, number, to, write)
    const value: ReadonlyArray<Arg> = [
      suite,
      initiator.certificate,
      1,
      initiator.mailbox,
      agreed.ephemeral,
      agreed.spk.id,
      agreed.opk?.id ?? 0,
      agreed.kem.oneTime ? 1 : 0,
      agreed.kem.id,
      agreed.ciphertext,
      message,
      { map: [[3, this.claimed]] }
    ]
    const start = trace.op(`${id}.start`, "canon", { value }, "sealed.start.1")
    const secret = trace.coin(`${id}.sealing-secret`, this.actor, "sealed.eph", this.#sealed++, 32)
    const body = sealStart(trace, `${id}.sealed`, suite, secret, responder.device.agree, to, start)
    return trace.op(id, "canon", { value: [1, 1, responder.device.mailbox, body] }, "envelope.layout.1")
  }

  /** Adds a session message of a later chain. */
  later(index: number, number: number, write?: (id: string) => Ref): Ref {
    const { conversation, initiator, responder, trace } = this
    while (conversation.chains.length <= index) conversation.turn()
    const to = index % 2 === 0 ? responder.device : initiator
    const message = this.#message(index, number, `$prefix.message.${to.name}`, write)
    return trace.op(this.id(index, number), "canon", { value: [1, 2, to.mailbox, message] }, "envelope.layout.1")
  }
}

const step = (op: string, as: string, input: JsonObject, out: JsonObject): ScriptStep => ({
  do: op,
  as,
  in: input,
  expect: "ok",
  out
})

export const begin = (owner: Device, as: string, suites: ReadonlyArray<number> = [1, 2, 3]): ScriptStep =>
  step(
    "device.begin",
    as,
    {
      account: owner.account,
      device: owner.device,
      agreementSecret: owner.agreeSecret,
      certificate: owner.certificate,
      mailbox: owner.mailbox,
      suites
    },
    {}
  )

/** Everything the device published. */
export const prekeys = (owner: Published, as: string): ScriptStep =>
  step(
    "device.prekeys",
    as,
    {
      signed: [
        [owner.spk.id, owner.spk.secret],
        [owner.spk2.id, owner.spk2.secret]
      ],
      kemOneTime: owner.kem.map(({ id, seed }) => [id, seed]),
      kemLast: [[owner.last.id, owner.last.seed]],
      oneTime: owner.opk.map(({ id, secret }) => [id, secret])
    },
    {}
  )

export const left = (as: string, oneTime: ReadonlyArray<number>, kemOneTime: ReadonlyArray<number>): ScriptStep =>
  step("device.left", as, {}, { oneTime, kemOneTime })
export const forget = (as: string): ScriptStep => step("device.forget-sessions", as, {}, {})

export const beginSession = (
  session: Session,
  as: string,
  suites: ReadonlyArray<number> = [session.suite]
): ScriptStep =>
  step(
    "session.begin",
    as,
    {
      bundle: session.bundle,
      account: session.responder.device.account,
      suites,
      ephemeralSecret: session.agreed.ephemeralSecret,
      kemCoins: session.agreed.coins,
      ratchetSecret: session.conversation.chains[0]!.ratchetSecret,
      rank: session.rank
    },
    { suite: session.suite, session: session.agreed.sessionId, start: session.agreed.digest }
  )

export const seal = (session: Session, as: string, index: number, number: number): ScriptStep => {
  const id = session.id(index, number)
  const to = index % 2 === 0 ? session.responder.device : session.initiator
  return step(
    "session.seal",
    as,
    {
      session: session.agreed.sessionId,
      to: to.mailbox,
      content: `$${id}.content`,
      nonce: `$${id}.message.nonce`,
      ...(index === 0 ? { ephemeralSecret: `$${id}.sealing-secret` } : {})
    },
    { envelope: `$${id}` }
  )
}

/** Receives a message; `fresh` names the ratchet secret of the receiver's next chain when the message turns the ratchet. */
export const receive = (
  session: Session,
  as: string,
  index: number,
  number: number,
  options: { readonly turns?: true; readonly late?: true } = {}
): ScriptStep => {
  const id = session.id(index, number)
  const from = index % 2 === 0 ? session.initiator : session.responder.device
  const input: { readonly [name: string]: Json } = {
    envelope: `$${id}`,
    ...(options.turns === true ? { fresh: `$${session.name}.e${index + 1}.secret` } : {})
  }
  return step("session.receive", as, input, {
    session: session.agreed.sessionId,
    from: from.device,
    content: `$${id}.content`,
    late: options.late ?? false
  })
}

/** Draws the ratchet secrets that the receivers of the last chains need. */
export const finish = (session: Session, chains: number): void => {
  while (session.conversation.chains.length < chains) session.conversation.turn()
}
