/**
 * F05: bundles, and a device that begins and accepts sessions.
 *
 * Spec: docs/spec/05-agreement.md, docs/spec/08-sessions.md §8.2.
 * Vectors: vectors/agreement.
 * Keeps what a client would store: prekeys, sessions by tag and by digest, starts seen.
 */
import {
  Body,
  Bundle,
  Content,
  Crossing,
  Envelope,
  Manifest,
  type Pqxdh,
  Receive,
  Send,
  Session,
  SessionStart,
  SkippedKeys,
  Suite,
  type CryptoProvider
} from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { ok, reject, type Actors, type Answer, type Operation } from "./outcome.ts"
import { choice } from "./sessions.ts"
import { hex, unhex, type Input, type Json } from "./values.ts"

export const operations: { readonly [op: string]: Operation } = {
  "bundle.check": (crypto, input) => {
    const bytes = input.bytes("bytes")
    const checked = Bundle.check(crypto, bytes, input.bytes("account"))
    if (Result.isFailure(checked)) return reject(checked.failure.cause)
    const decoded = Bundle.decode(bytes)
    if (Result.isFailure(decoded) || hex(Bundle.encode(decoded.success)) !== hex(bytes)) {
      throw new Error("does not encode again to the same bytes")
    }
    const { certificate, kemPrekey, mailbox, oneTimePrekey, signedPrekey, suites } = checked.success
    return ok({
      device: hex(certificate.device),
      agreement: hex(certificate.agreement),
      mailbox: hex(mailbox),
      signedPrekeyId: signedPrekey.id,
      signedPrekey: hex(signedPrekey.key),
      kemOneTime: kemPrekey.oneTime,
      kemPrekeyId: kemPrekey.id,
      kemPrekey: hex(kemPrekey.key),
      oneTimePrekeyId: oneTimePrekey?.id ?? 0,
      oneTimePrekey: oneTimePrekey === undefined ? "" : hex(oneTimePrekey.key),
      suites: [...suites]
    })
  },
  "bundle.belongs": (crypto, input) => {
    const checked = Bundle.check(crypto, input.bytes("bytes"), input.bytes("account"))
    if (Result.isFailure(checked)) return reject(checked.failure.cause)
    const manifest = Manifest.verify(crypto, input.bytes("manifest"), input.bytes("account"))
    if (Result.isFailure(manifest)) return reject(manifest.failure.cause)
    const belongs = Bundle.belongs(checked.success, input.bytes("device"), manifest.success)
    return Result.isFailure(belongs) ? reject(belongs.failure.cause) : ok({})
  }
}

type Secrets = Map<number, Uint8Array>

interface Held {
  session: Session.Session
  readonly skipped: SkippedKeys.SkippedKeys
}

interface Own {
  readonly account: Uint8Array
  readonly device: Uint8Array
  readonly agreement: Uint8Array
  readonly agreementSecret: Uint8Array
  readonly certificate: Uint8Array
  readonly mailbox: Uint8Array
  readonly suites: ReadonlyArray<Suite.SuiteId>
}

const suitesOf = (input: Input): ReadonlyArray<Suite.SuiteId> =>
  input.list("suites").filter((suite): suite is Suite.SuiteId => typeof suite === "number" && Suite.isSuiteId(suite))

const secretsOf = (input: Input, name: string): Secrets =>
  new Map(
    input.list(name).map((pair) => {
      const [id, secret] = pair as readonly [number, string]
      return [id, unhex(secret)]
    })
  )

/** One device. */
class Device {
  readonly #crypto: CryptoProvider
  #own: Own | undefined
  #signed: Secrets = new Map()
  #kemOneTime: Secrets = new Map()
  #kemLast: Secrets = new Map()
  #oneTime: Secrets = new Map()
  /** Ids that were published: a one-time id among them that is gone was used up. */
  #issued = new Set<string>()
  readonly #sessions = new Map<string, Held>()
  readonly #byStart = new Map<string, string>()
  readonly #seen = new Set<string>()
  /** Which session with each peer device is the active one. */
  readonly #chosen = new Map<string, Crossing.Sessions>()

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto
  }

  get own(): Own {
    if (this.#own === undefined) throw new Error("the device was not begun")
    return this.#own
  }

  snapshot(): Json {
    return [
      [...this.#oneTime.keys()],
      [...this.#kemOneTime.keys()],
      [...this.#seen],
      [...this.#chosen.values()].map((list) => hex(Crossing.SessionsLayout.encode(list))),
      ...[...this.#sessions.values()].map(({ session, skipped }) => [hex(Session.encode(session)), skipped.count])
    ]
  }

  begin(input: Input): Answer {
    const agreementSecret = input.bytes("agreementSecret")
    this.#own = {
      account: input.bytes("account"),
      device: input.bytes("device"),
      agreementSecret,
      agreement: this.#crypto.x25519PublicKey(agreementSecret),
      certificate: input.bytes("certificate"),
      mailbox: input.bytes("mailbox"),
      suites: suitesOf(input)
    }
    return ok({})
  }

  prekeys(input: Input): Answer {
    this.#signed = secretsOf(input, "signed")
    this.#kemLast = secretsOf(input, "kemLast")
    this.#kemOneTime = secretsOf(input, "kemOneTime")
    this.#oneTime = secretsOf(input, "oneTime")
    this.#issued = new Set([
      ...[...this.#kemOneTime.keys()].map((id) => `kem ${id}`),
      ...[...this.#oneTime.keys()].map((id) => `once ${id}`)
    ])
    return ok({})
  }

  left(): Answer {
    return ok({ oneTime: [...this.#oneTime.keys()], kemOneTime: [...this.#kemOneTime.keys()] })
  }

  active(input: Input): Answer {
    const list = this.#chosen.get(input.text("peer"))
    return ok({ session: list?.active === undefined ? "" : hex(list.active.id) })
  }

  reset(input: Input): Answer {
    const peer = input.text("peer")
    this.#chosen.set(peer, Crossing.archive(this.#chosen.get(peer) ?? Crossing.none).next)
    return ok({})
  }

  forget(): Answer {
    this.#chosen.clear()
    this.#sessions.clear()
    this.#byStart.clear()
    return ok({})
  }

  beginSession(input: Input): Answer {
    const { account, agreement, agreementSecret, device } = this.own
    const checked = Bundle.check(this.#crypto, input.bytes("bundle"), input.bytes("account"))
    if (Result.isFailure(checked)) return reject(checked.failure.cause)
    const suite = Bundle.chooseSuite(checked.success, suitesOf(input))
    if (Result.isFailure(suite)) return reject(suite.failure.cause)
    const begun = SessionStart.begin(this.#crypto, {
      suite: suite.success,
      self: { account, device, agreement },
      bundle: checked.success,
      dh1: this.#crypto.x25519(agreementSecret, checked.success.signedPrekey.key),
      ephemeralSecret: input.bytes("ephemeralSecret"),
      kemCoins: input.bytes("kemCoins"),
      ratchetSecret: input.bytes("ratchetSecret"),
      rank: input.number("rank")
    })
    if (Result.isFailure(begun)) return reject(begun.failure.cause)
    const { session } = begun.success
    this.#keep(session, SkippedKeys.make())
    this.#choose(session, (list, mark) => Crossing.begin(list, mark))
    return ok({ suite: session.ratchet.suite, session: hex(session.id), start: hex(session.start) })
  }

  #choose(
    session: Session.Session,
    by: (list: Crossing.Sessions, mark: Crossing.SessionMark) => Crossing.Changed
  ): void {
    const peer = hex(session.peer.device)
    const { dropped, next } = by(this.#chosen.get(peer) ?? Crossing.none, Session.markOf(session))
    this.#chosen.set(peer, next)
    for (const { id } of dropped) this.#sessions.delete(hex(id))
  }

  /** Whether the active session with a device is one of this side's own without an answer. */
  #waits(peer: Uint8Array): boolean {
    const active = this.#chosen.get(hex(peer))?.active
    return active !== undefined && this.#sessions.get(hex(active.id))?.session.pending !== undefined
  }

  #keep(session: Session.Session, skipped: SkippedKeys.SkippedKeys): void {
    this.#sessions.set(hex(session.id), { session, skipped })
    this.#byStart.set(hex(session.start), hex(session.id))
  }

  seal(input: Input): Answer {
    const held = this.#sessions.get(input.text("session"))
    if (held === undefined) throw new Error("no such session")
    const { session } = held
    const to = input.bytes("to")
    const content = input.bytes("content")
    const headerNonce = input.bytes("nonce")
    const sealed = input.has("ephemeralSecret")
      ? SessionStart.seal(this.#crypto, session, {
          to,
          content,
          headerNonce,
          ephemeralSecret: input.bytes("ephemeralSecret"),
          certificate: this.own.certificate,
          manifestVersion: 1,
          mailbox: this.own.mailbox
        })
      : Send.seal(this.#crypto, session, to, content, headerNonce)
    if (Result.isFailure(sealed)) return reject(sealed.failure.cause)
    held.session = sealed.success.next
    return ok({ envelope: hex(sealed.success.envelope) })
  }

  /** Seals so many starts whose bytes nobody looks at; all or none. */
  sealMany(input: Input): Answer {
    const held = this.#sessions.get(input.text("session"))
    if (held === undefined) throw new Error("no such session")
    let { session } = held
    const count = input.number("count")
    for (let i = 0; i < count; i++) {
      const sealed = SessionStart.seal(this.#crypto, session, {
        to: input.bytes("to"),
        content: input.bytes("content"),
        headerNonce: new Uint8Array(12).fill(i),
        ephemeralSecret: new Uint8Array(32).fill(i + 1),
        certificate: this.own.certificate,
        manifestVersion: 1,
        mailbox: this.own.mailbox
      })
      if (Result.isFailure(sealed)) return reject(sealed.failure.cause)
      session = sealed.success.next
    }
    held.session = session
    return ok({ sealed: count })
  }

  receive(input: Input, now: number): Answer {
    const envelope = Envelope.decode(input.bytes("envelope"))
    if (Result.isFailure(envelope)) return reject(envelope.failure.cause)
    const { body, kind, to } = envelope.success
    if (hex(to) !== hex(this.own.mailbox)) return reject("envelope.mailbox")
    const prefix = Envelope.prefix(kind, to)
    if (kind === Envelope.kinds.sessionStart) return this.#start(prefix, body, input, now)
    if (kind !== Envelope.kinds.sessionMessage) return reject("envelope.kind")
    const tag = hex(body.subarray(0, 16))
    const held = [...this.#sessions.values()].find(
      ({ session, skipped }) =>
        Session.tags(session).some((known) => hex(known) === tag) || skipped.tags().includes(tag)
    )
    if (held === undefined) return reject("lookup.no-session")
    const direct = this.#direct(held.session.peer.account)
    const opened = Receive.open(this.#crypto, held.session, held.skipped, { prefix, message: body, direct, now })
    return Result.isFailure(opened)
      ? reject(opened.failure.cause)
      : this.#deliver(opened.success, held.skipped, held.session, input, direct, (list, { id }) =>
          Crossing.open(list, id)
        )
  }

  #direct(peer: Uint8Array): Uint8Array {
    return Content.directConversation(this.#crypto, this.own.account, peer)
  }

  #start(prefix: Uint8Array, body: Uint8Array, input: Input, now: number): Answer {
    const { account, agreement, agreementSecret, device, suites } = this.own
    const crypto = this.#crypto
    const self = { account, device, agreement }
    const sealed = SessionStart.decode(body, suites)
    if (Result.isFailure(sealed)) return reject(sealed.failure.cause)
    const unsealed = SessionStart.unseal(
      crypto,
      self,
      sealed.success,
      crypto.x25519(agreementSecret, sealed.success.ephemeral),
      prefix
    )
    if (Result.isFailure(unsealed)) return reject(unsealed.failure.cause)
    const { certificate, digest, start } = unsealed.success
    const direct = this.#direct(certificate.account)
    const known = this.#sessions.get(this.#byStart.get(hex(digest)) ?? "")
    if (known !== undefined) {
      const opened = SessionStart.openKnown(crypto, known.session, known.skipped, {
        prefix,
        message: start.message,
        direct,
        now
      })
      return Result.isFailure(opened)
        ? reject(opened.failure.cause)
        : this.#deliver(opened.success, known.skipped, known.session, input, direct, this.#started(opened.success))
    }
    if (this.#seen.has(hex(digest))) return reject("fresh.replayed-start")
    const prekeys = this.#prekeysFor(start)
    if ("reject" in prekeys) return prekeys
    const accepted = SessionStart.accept(crypto, {
      ...prekeys.own,
      self,
      unsealed: unsealed.success,
      dh2: crypto.x25519(agreementSecret, start.ephemeral),
      prefix,
      direct,
      now
    })
    if (Result.isFailure(accepted)) return reject(accepted.failure.cause)
    const started = this.#started(accepted.success)
    const answer = this.#deliver(accepted.success, SkippedKeys.make(), undefined, input, direct, started)
    this.#seen.add(hex(digest))
    this.#oneTime.delete(start.oneTimePrekeyId)
    if (start.kemOneTime === 1) this.#kemOneTime.delete(start.kemPrekeyId)
    return answer
  }

  #prekeysFor(start: {
    readonly signedPrekeyId: number
    readonly oneTimePrekeyId: number
    readonly kemOneTime: number
    readonly kemPrekeyId: number
  }): { readonly own: Pqxdh.OwnPrekeys } | { readonly reject: string } {
    const crypto = this.#crypto
    const gone = (name: string): { readonly reject: string } => ({
      reject: this.#issued.has(name) ? "lookup.prekey-consumed" : "lookup.prekey-unknown"
    })
    const signed = this.#signed.get(start.signedPrekeyId)
    if (signed === undefined) return gone("")
    const kem = (start.kemOneTime === 1 ? this.#kemOneTime : this.#kemLast).get(start.kemPrekeyId)
    if (kem === undefined) return gone(start.kemOneTime === 1 ? `kem ${start.kemPrekeyId}` : "")
    const oneTime = this.#oneTime.get(start.oneTimePrekeyId)
    if (start.oneTimePrekeyId !== 0 && oneTime === undefined) return gone(`once ${start.oneTimePrekeyId}`)
    return {
      own: {
        signedPrekey: { id: start.signedPrekeyId, secret: signed, key: crypto.x25519PublicKey(signed) },
        kemPrekey: { id: start.kemPrekeyId, secret: kem, key: crypto.mlKem768KeyPair(kem).publicKey },
        oneTimePrekey:
          oneTime === undefined
            ? undefined
            : { id: start.oneTimePrekeyId, secret: oneTime, key: crypto.x25519PublicKey(oneTime) }
      }
    }
  }

  /** What an opened start means for the active session. */
  #started(
    opened: Receive.Received | Receive.ReceivedTurning
  ): (list: Crossing.Sessions, mark: Crossing.SessionMark, peer: Uint8Array) => Crossing.Changed {
    const takesOver = Body.takesOver(opened.content.body)
    return (list, mark, peer) => Crossing.accept(list, mark, takesOver, this.#waits(peer))
  }

  /** Completes a turn, stores the session and gives the content. */
  #deliver(
    opened: Receive.Received | Receive.ReceivedTurning,
    skipped: SkippedKeys.SkippedKeys,
    before: Session.Session | undefined,
    input: Input,
    direct: Uint8Array,
    by: (list: Crossing.Sessions, mark: Crossing.SessionMark, peer: Uint8Array) => Crossing.Changed
  ): Answer {
    let next: Session.Session
    if (opened.turning) {
      const completed = Receive.complete(this.#crypto, opened.half, input.bytes("fresh"))
      if (Result.isFailure(completed)) throw new Error(completed.failure.cause)
      next = completed.success.next
    } else next = opened.next
    if (before !== undefined && hex(before.id) !== hex(next.id)) throw new Error("the session's id changed")
    skipped.apply(opened.delta)
    this.#choose(next, (list, mark) => by(list, mark, next.peer.device))
    this.#keep(next, skipped)
    const content = Content.encode(opened.content, direct)
    if (Result.isFailure(content)) throw new Error("content does not encode again")
    return ok({ session: hex(next.id), from: hex(next.peer.device), content: hex(content.success), late: opened.late })
  }
}

export const actors: Actors = (crypto) => {
  const device = new Device(crypto)
  const chosen = choice()
  return {
    snapshot: () => [device.snapshot(), chosen.snapshot()],
    step: (name, input, now) => {
      if (name.startsWith("sessions.") || name.startsWith("retry.")) return chosen.step(name, input, now)
      switch (name) {
        case "device.begin":
          return device.begin(input)
        case "device.prekeys":
          return device.prekeys(input)
        case "device.left":
          return device.left()
        case "device.forget-sessions":
          return device.forget()
        case "session.begin":
          return device.beginSession(input)
        case "session.seal":
          return device.seal(input)
        case "session.seal-many":
          return device.sealMany(input)
        case "session.receive":
          return device.receive(input, now)
        case "session.active":
          return device.active(input)
        case "session.reset":
          return device.reset(input)
        default:
          throw new Error(`no step ${name}`)
      }
    }
  }
}
