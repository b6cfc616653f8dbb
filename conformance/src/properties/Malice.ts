/**
 * A member who cheats: real keys, real sessions, and what no honest client would put into them (*resign*).
 *
 * Spec: docs/spec/21-conformance.md §21.3; docs/spec/03-envelopes.md; docs/spec/06-ratchet.md.
 * Outer layers are sealed with the right keys, so that only the inner check can object.
 */
import {
  type Account,
  Body,
  Bundle,
  Bytes,
  Canonical,
  Certificate,
  Content,
  type CryptoProvider,
  Device,
  DoubleRatchet,
  Envelope,
  Limits,
  Manifest,
  Padding,
  Receive,
  SealedSender,
  type Session,
  SessionStart,
  SkippedKeys
} from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import type { Stage } from "../protocol/Value.ts"

/** An envelope of the cheat, and what must become of it. */
export interface Trick {
  readonly bytes: Uint8Array
  readonly what: string
  /** Stages at which it may be refused; empty for what must be taken in. */
  readonly stages: ReadonlyArray<Stage>
  /** Text that is shown when it is taken in. */
  readonly text: string | undefined
  /** The sequence floor it carries, 0 for none. */
  readonly floor: number
  readonly property: string
}

/** What is sealed, piece by piece, before it goes wrong. */
interface Draft {
  readonly frame: Frame
  content: Uint8Array
  padded: Uint8Array | undefined
  start: { -readonly [K in keyof SealedSender.Start]?: SealedSender.Start[K] }
  /** Messages the header claims were sent before in this chain. */
  ahead: number
}

const authenticate: ReadonlyArray<Stage> = ["decode", "version", "policy", "lookup", "authenticate"]

/** A cheat's account, and its session with one victim. */
export class Malice {
  readonly #crypto: CryptoProvider
  readonly #account: Account.AccountSecrets
  readonly #device: Device.DeviceSecrets
  readonly identity: Device.DeviceIdentity
  readonly mailbox: Uint8Array
  readonly #certificate: Uint8Array
  readonly manifests: ReadonlyArray<Uint8Array>
  /** A second manifest of version 3, signed as well. */
  readonly fork: Uint8Array
  /** A second manifest of version 2: it revokes the device and lists another one. */
  readonly revocation: Uint8Array
  readonly #sessions = new Map<string, Session.Session>()
  readonly #opened = new Set<string>()
  #draws = 0
  readonly #numbers = new Map<string, number>()
  readonly #seed: string

  constructor(crypto: CryptoProvider, seed: string) {
    this.#crypto = crypto
    this.#seed = seed
    this.#account = { identity: this.#draw(32), alias: this.#draw(32) }
    this.#device = { signing: this.#draw(32), agreement: this.#draw(32) }
    const account = crypto.ed25519PublicKey(this.#account.identity)
    const publics = Device.derive(crypto, this.#device)
    this.identity = { account, ...publics }
    this.mailbox = this.#draw(16)
    const statement = { account, ...publics, role: Device.roles.admin, manifestVersion: 1 }
    this.#certificate = Certificate.encode(statement, this.#sign(Certificate.signingInput(statement)))
    const chain: Array<Manifest.Manifest> = []
    const own: Says = { devices: [{ ...publics, role: Device.roles.admin, addedIn: 1 }], revocations: [] }
    const manifest = (version: number, issuedAt: number, says = own): Manifest.Manifest => {
      const previous = chain[version - 2]?.hash ?? Bytes.empty
      const body = Manifest.encodeBody({ account, version, previous, issuedAt, ...says })
      return Result.getOrThrow(Manifest.verify(crypto, Manifest.encode(body, this.#sign(Manifest.signingInput(body)))))
    }
    for (let version = 1; version <= 3; version++) chain.push(manifest(version, version))
    this.manifests = chain.map(({ bytes }) => bytes)
    this.fork = manifest(3, 99).bytes
    const other = Device.derive(crypto, { signing: this.#draw(32), agreement: this.#draw(32) })
    this.revocation = manifest(2, 2, {
      devices: [{ ...other, role: Device.roles.admin, addedIn: 2 }],
      revocations: [{ device: publics.device, revokedIn: 2 }]
    }).bytes
  }

  #sign(message: Uint8Array): Uint8Array {
    return this.#crypto.ed25519Sign(this.#account.identity, message)
  }

  #draw(length: number): Uint8Array {
    const bytes = this.#crypto.sha512(Bytes.utf8Encode(`malice ${this.#seed} ${this.#draws++}`))
    return bytes.slice(0, length)
  }

  /** Whether a session with this device was begun. */
  knows(device: string): boolean {
    return this.#sessions.has(device)
  }

  /** The device took an envelope in. */
  opened(device: string): void {
    this.#opened.add(device)
  }

  /** Begins a session with the device of a bundle. */
  begin(device: string, account: string, bundle: Uint8Array, now: number): void {
    const crypto = this.#crypto
    const checked = Result.getOrThrow(Bundle.check(crypto, bundle, Bytes.fromHex(account)!))
    const begun = SessionStart.begin(crypto, {
      suite: 1,
      self: this.identity,
      bundle: checked,
      dh1: crypto.x25519(this.#device.agreement, checked.signedPrekey.key),
      ephemeralSecret: this.#draw(32),
      kemCoins: this.#draw(32),
      ratchetSecret: this.#draw(32),
      rank: now
    })
    this.#sessions.set(device, Result.getOrThrow(begun).session)
  }

  /** One trick against a device. `others` are certificates of honest people, public as they are. */
  trick(device: string, mailbox: Uint8Array, kind: number, text: string, others: ReadonlyArray<Uint8Array>): Trick {
    const session = this.#sessions.get(device)!
    const names = Object.keys(tricks).filter((name) => tricks[name]!.first !== true || !this.#opened.has(device))
    const name = names[kind % names.length]!
    const { apply, floor = 0, passes = 0, property = "P16", stages, shown } = tricks[name]!
    const number = this.#numbers.get(device) ?? 0
    if (shown === true) this.#numbers.set(device, number + passes + 1)
    const draft = this.#draft(session, number + 1, text)
    apply(draft, { frame: draft.frame, direct: this.#direct(session), others, certificate: this.#certificate })
    const bytes = this.#seal(session, device, mailbox, draft, stages.length === 0)
    const shows = shown === true ? text : undefined
    return { bytes, what: `a member's ${name}`, stages, text: shows, floor: floor && number + floor, property }
  }

  /** What an honest device would send: in the last session that was begun, in a start until it was answered. */
  message(device: string, mailbox: Uint8Array, text: string): Uint8Array {
    const session = this.#sessions.get(device)!
    const number = (this.#numbers.get(device) ?? 0) + 1
    this.#numbers.set(device, number)
    return this.#seal(session, device, mailbox, this.#draft(session, number, text), true)
  }

  /** Takes an answer in the session with a device: from then on it sends session messages. Tells whether it opened. */
  answered(device: string, envelope: Uint8Array, now: number): boolean {
    const session = this.#sessions.get(device)!
    const decoded = Result.getOrThrow(Envelope.decode(envelope))
    if (decoded.kind !== Envelope.kinds.sessionMessage || session.pending === undefined) return false
    const prefix = Envelope.prefix(decoded.kind, decoded.to)
    const incoming = { prefix, message: decoded.body, direct: this.#direct(session), now }
    const opened = Receive.open(this.#crypto, session, SkippedKeys.make(), incoming)
    if (Result.isFailure(opened) || !opened.success.turning) return false
    const completed = Receive.complete(this.#crypto, opened.success.half, this.#draw(32))
    this.#sessions.set(device, Result.getOrThrow(completed).next)
    return true
  }

  #direct({ peer }: Session.Session): Uint8Array {
    return Content.directConversation(this.#crypto, this.identity.account, peer.account)
  }

  #draft({ rank }: Session.Session, sequence: number, text: string): Draft {
    const frame: Frame = {
      type: Body.types.text,
      conversation: Bytes.empty,
      sequence,
      messageId: this.#draw(16),
      sentAt: rank,
      body: Bytes.utf8Encode(text),
      extensions: Content.noExtensions
    }
    return { frame, content: Content.Frame.encode(frame), padded: undefined, start: {}, ahead: 0 }
  }

  #seal(session: Session.Session, device: string, to: Uint8Array, draft: Draft, keeps: boolean): Uint8Array {
    const crypto = this.#crypto
    const kind = session.pending === undefined ? Envelope.kinds.sessionMessage : Envelope.kinds.sessionStart
    const prefix = Envelope.prefix(kind, to)
    const padded = draft.padded ?? Padding.pad(draft.content)
    const state = { ...session.ratchet, sent: session.ratchet.sent + draft.ahead }
    const sealed = Result.getOrThrow(DoubleRatchet.seal(crypto, state, prefix, padded, this.#draw(12)))
    // What must be refused uses no key up: the next one is sealed with the same message key and another header nonce.
    if (keeps) this.#sessions.set(device, { ...session, ratchet: sealed.next })
    if (session.pending === undefined) return Result.getOrThrow(Envelope.encode({ kind, to, body: sealed.message }))
    const { parameters, recipient } = session.pending
    const start: SealedSender.Start = {
      suite: session.ratchet.suite,
      certificate: this.#certificate,
      manifestVersion: 1,
      mailbox: this.mailbox,
      ephemeral: parameters.ephemeral,
      signedPrekeyId: parameters.signedPrekeyId,
      oneTimePrekeyId: parameters.oneTimePrekeyId,
      kemOneTime: parameters.kemOneTime ? 1 : 0,
      kemPrekeyId: parameters.kemPrekeyId,
      kemCiphertext: parameters.kemCiphertext,
      message: sealed.message,
      extensions: { rank: session.rank, unknown: [] },
      ...draft.start
    }
    const body = SealedSender.seal(
      crypto,
      session.ratchet.suite,
      this.#draw(32),
      recipient,
      prefix,
      SealedSender.encodeStart(start)
    )
    return Result.getOrThrow(Envelope.encode({ kind, to, body: Result.getOrThrow(body) }))
  }
}

type Frame = Parameters<typeof Content.Frame.encode>[0]
type Says = Pick<Manifest.Statement, "devices" | "revocations">

interface Means {
  readonly frame: Frame
  readonly direct: Uint8Array
  readonly others: ReadonlyArray<Uint8Array>
  readonly certificate: Uint8Array
}

interface Rule {
  /** Says something only in the first start of a session: a later one is opened without its prekeys (rule session.start.2). */
  readonly first?: true
  readonly stages: ReadonlyArray<Stage>
  readonly property?: string
  readonly shown?: boolean
  /** Numbers above the last one: of the floor it carries, and how many it leaves out before its own. */
  readonly floor?: number
  readonly passes?: number
  readonly apply: (draft: Draft, means: Means) => void
}

const reframed =
  (change: (frame: Frame) => Partial<Frame>): Rule["apply"] =>
  (draft, { frame }) => {
    draft.content = Content.Frame.encode({ ...frame, ...change(frame) })
  }

/** Everything the cheat tries, by name. Stages are those of the rules' causes. */
const tricks: { readonly [name: string]: Rule } = {
  "honest message": { stages: [], shown: true, property: "P01", apply: () => undefined },
  "numbers passed over with a floor": {
    stages: [],
    shown: true,
    floor: 6,
    passes: 6,
    property: "P13",
    apply: reframed(({ sequence }) => ({ sequence: sequence + 6, extensions: { floor: sequence + 5, unknown: [] } }))
  },
  "numbers missing above a floor": {
    stages: [],
    shown: true,
    floor: 3,
    passes: 5,
    property: "P13",
    apply: reframed(({ sequence }) => ({ sequence: sequence + 5, extensions: { floor: sequence + 2, unknown: [] } }))
  },
  "text without a number": { stages: ["decode"], apply: reframed(() => ({ sequence: 0 })) },
  "numbered receipt": { stages: ["decode"], apply: reframed(() => ({ type: Body.types.receipt })) },
  "content with a byte behind it": {
    stages: ["decode"],
    apply: (draft) => (draft.content = Bytes.concat(draft.content, Uint8Array.of(0)))
  },
  "content cut short": { stages: ["decode"], apply: (draft) => (draft.content = draft.content.slice(0, -1)) },
  "text that is no UTF-8": { stages: ["decode"], apply: reframed(() => ({ body: Uint8Array.of(0x61, 0xff) })) },
  "long form of the conversation": {
    stages: ["decode"],
    apply: (draft, { direct, frame }) => (draft.content = Content.Frame.encode({ ...frame, conversation: direct }))
  },
  "conversation of three bytes": { stages: ["limit"], apply: reframed(() => ({ conversation: new Uint8Array(3) })) },
  "message id of the wrong length": {
    stages: ["decode", "limit"],
    apply: (draft, { frame }) => {
      const { body, messageId, sentAt, sequence, type } = frame
      draft.content = Canonical.encode([type, Bytes.empty, sequence, messageId.slice(1), sentAt, body, new Map()])
    }
  },
  "critical extension nobody knows": {
    stages: ["decode"],
    apply: (draft, { frame }) => {
      const { body, messageId, sentAt, sequence, type } = frame
      const extensions = new Map([[1000, Uint8Array.of(1)]])
      draft.content = Canonical.encode([type, Bytes.empty, sequence, messageId, sentAt, body, extensions])
    }
  },
  "padding without an end": {
    stages: ["decode"],
    apply: (draft) => {
      draft.padded = Padding.pad(draft.content)
      draft.padded[draft.content.length] = 0
    }
  },
  "padding of another length": {
    stages: ["decode"],
    apply: (draft) => (draft.padded = Bytes.concat(Padding.pad(draft.content), new Uint8Array(64)))
  },
  "padding that is not zero": {
    stages: ["decode"],
    apply: (draft) => {
      draft.padded = Padding.pad(new Uint8Array([...draft.content, 0x80, 0]))
      draft.padded[draft.padded.length - 1] = 1
    }
  },
  "jump over too many numbers": {
    stages: ["limit"],
    property: "P12",
    apply: (draft) => (draft.ahead = Limits.maxSkipPerStep + 1)
  },
  "jump over a billion numbers": {
    stages: ["limit"],
    property: "P12",
    apply: (draft) => (draft.ahead = 1_000_000_000)
  },
  "certificate with a false signature": {
    stages: ["authenticate"],
    property: "P02",
    apply: (draft, { certificate }) => {
      const forged = certificate.slice()
      forged[forged.length - 1]! ^= 1
      draft.start.certificate = forged
    }
  },
  "certificate of somebody else": {
    stages: authenticate,
    property: "P02",
    apply: (draft, { others }) => (draft.start.certificate = others[0]!)
  },
  "start of another suite inside": { stages: ["policy"], property: "P10", apply: (draft) => (draft.start.suite = 2) },
  "prekey that was never there": {
    first: true,
    stages: ["lookup"],
    property: "P19",
    apply: (draft) => (draft.start.oneTimePrekeyId = 1_000_000)
  },
  "signed prekey that was never there": {
    first: true,
    stages: ["lookup"],
    property: "P19",
    apply: (draft) => (draft.start.signedPrekeyId = 1_000_000)
  },
  "ephemeral key of low order": {
    stages: ["authenticate", "lookup"],
    property: "P10",
    apply: (draft) => (draft.start.ephemeral = new Uint8Array(32))
  },
  "fence from the far future": {
    stages: [],
    shown: true,
    property: "P20",
    apply: reframed(() => ({
      extensions: { echo: { generation: 1_000_000_000_000, startId: new Uint8Array(8) }, unknown: [] }
    }))
  },
  "fence that was never this device's": {
    stages: [],
    shown: true,
    property: "P20",
    apply: reframed(() => ({
      extensions: { echo: { generation: 2, startId: new Uint8Array(8).fill(7) }, unknown: [] }
    }))
  }
}

/** How many tricks there are. */
export const trickCount = Object.keys(tricks).length
