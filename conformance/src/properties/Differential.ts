/**
 * P15: with the same coins, subject and reference give the same bytes, over the transcripts of the vectors.
 *
 * Spec: docs/spec/21-conformance.md, P15; docs/spec/20-subject.md §20.4; docs/spec/appendix-coins.md.
 * Both are asked the same; every answer is compared. What they say is delivered, late, twice and spoiled.
 */
import {
  type Account,
  type Body,
  Bundle,
  Bytes,
  Certificate,
  Content,
  type CryptoProvider,
  Device,
  Padding,
  Prekey
} from "@tacit/core/hazmat"
import { SeededEntropy } from "@tacit/core/testing"
import * as fc from "fast-check"
import * as Result from "effect/Result"
import type { Answer } from "../protocol/Message.ts"
import { type Members, same } from "../protocol/Value.ts"
import type { Subject } from "../subject/Subject.ts"
import * as Bytecode from "./Bytecode.ts"
import { bytesOf, textOf } from "./Text.ts"

/** What is compared in one transcript. */
export const topics = ["ratchet", "window", "fence", "session"] as const
export type Topic = (typeof topics)[number]

/** The family of a topic's operations. */
export const familyOf: { readonly [topic in Topic]: string } = {
  ratchet: "ratchet",
  window: "sequence",
  fence: "sequence",
  session: "agreement"
}

export type Operands = readonly [string, number, number, number]

/** One transcript, repeatable. */
export interface Transcript {
  readonly topic: Topic
  readonly script: ReadonlyArray<Operands>
}

const steps = ["seal", "open", "again", "spoil", "store", "more"] as const

/** Transcripts of so many steps about topics the subject has, the same for the same seed. */
export const sample = (
  seed: number,
  page: number,
  count: number,
  length: number,
  only: ReadonlyArray<Topic>
): ReadonlyArray<Transcript> => {
  const operand = fc.nat({ max: 255 })
  const step = fc.tuple(fc.constantFrom(...steps, "seal", "open", "open"), operand, operand, operand)
  const transcript = fc.record({
    topic: fc.constantFrom(...only),
    script: fc.array(step as fc.Arbitrary<Operands>, { minLength: length, maxLength: length })
  })
  return fc.sample(transcript, { seed: (seed + Math.imul(page, 0x85eb_ca6b)) | 0, numRuns: count })
}

/** What differs, or an answer that is none. */
export class Differs extends Error {
  readonly _tag = "Differs"
  readonly step: number
  readonly fault: boolean

  constructor(message: string, step: number, fault: boolean) {
    super(message)
    this.name = "Differs"
    this.step = step
    this.fault = fault
  }
}

const now = 1_700_000_000_000
const hex = Bytes.toHex
const shortOf = (answer: Answer): string => {
  const text = JSON.stringify(answer)
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}

/** Asks both, and compares. */
class Both {
  readonly #subject: Subject
  readonly #reference: Subject
  readonly #draw: ReturnType<typeof SeededEntropy.make>
  readonly reached: Set<string>
  step = -1

  constructor(crypto: CryptoProvider, subject: Subject, reference: Subject, seed: string, reached: Set<string>) {
    this.#subject = subject
    this.#reference = reference
    this.reached = reached
    this.#draw = SeededEntropy.make(crypto, bytesOf(seed), "differential")
  }

  /** A fresh value, by its label. */
  fresh(label: string, length: number): Uint8Array {
    return this.#draw.bytes(label, length)
  }

  /** The answer both give. */
  async ask(as: string, op: string, input: Members): Promise<Members | undefined> {
    const request = { op, as, in: input, now }
    const [mine, theirs] = await Promise.all([this.#subject.ask(request), this.#reference.ask(request)])
    if (!("ok" in theirs) && !("reject" in theirs)) {
      throw new Error(`the reference does not answer ${op}: ${shortOf(theirs)}`)
    }
    if (!("ok" in mine) && !("reject" in mine)) throw new Differs(`${op}: ${shortOf(mine)}`, this.step, true)
    const stage = "reject" in theirs ? theirs.reject.stage : undefined
    const mineStage = "reject" in mine ? mine.reject.stage : undefined
    this.reached.add(
      `${op} ${"ok" in theirs ? "ok" : (stage ?? "-")} ${"reject" in theirs ? (theirs.reject.class ?? "-") : "-"}`
    )
    if ("ok" in mine && "ok" in theirs) {
      // Members nobody knows are nobody's business (rule subject.line.2).
      const members = Object.keys(theirs.ok)
      if (!members.every((name) => same(mine.ok[name], theirs.ok[name]))) {
        throw new Differs(`${op} gave ${shortOf(mine)}, the reference ${shortOf(theirs)}`, this.step, false)
      }
      return theirs.ok
    }
    const agree = "reject" in mine && "reject" in theirs && (mineStage === stage || mineStage === "opaque")
    if (!agree) throw new Differs(`${op} answered ${shortOf(mine)}, the reference ${shortOf(theirs)}`, this.step, false)
    return undefined
  }
}

/** Runs one transcript. Throws {@link Differs}. */
export const run = async (
  crypto: CryptoProvider,
  subject: Subject,
  reference: Subject,
  seed: string,
  { script, topic }: Transcript,
  reached: Set<string>
): Promise<void> => {
  await subject.ask({ op: "reset" })
  await reference.ask({ op: "reset" })
  const both = new Both(crypto, subject, reference, seed, reached)
  const play = await plays[topic](both, crypto)
  for (const [index, [name, a, b, c]] of script.entries()) {
    both.step = index
    await play(name, a, b, c)
  }
}

type Play = (name: string, a: number, b: number, c: number) => Promise<void>

interface Sent {
  readonly to: string
  readonly prefix: string
  readonly bytes: string
}

const spoilt = (bytes: string, at: number, bit: number): string => {
  const out = bytesOf(bytes)
  out[(at * 31 + bit) % out.length]! ^= 1 << (bit & 7)
  return hex(out)
}

/** Two ends of a ratchet. */
const ratchet = async (both: Both, crypto: CryptoProvider): Promise<Play> => {
  const suite = 1 + (both.fresh("test.suite", 1)[0]! % 3)
  const responder = both.fresh("ratchet.eph", 32)
  const agreed = {
    suite,
    ad: hex(both.fresh("test.ad", 32)),
    rootKey: hex(both.fresh("test.root", 32)),
    initiatorHeader: hex(both.fresh("test.header", 32)),
    responderHeader: hex(both.fresh("test.header", 32))
  }
  const ratchetSecret = hex(both.fresh("ratchet.eph", 32))
  await both.ask("x", "ratchet.initiate", {
    ...agreed,
    ratchetSecret,
    peerRatchet: hex(crypto.x25519PublicKey(responder))
  })
  await both.ask("y", "ratchet.respond", { ...agreed, ratchetSecret: hex(responder) })
  const prefix = `930102c410${hex(both.fresh("test.mailbox", 16))}`
  const sent: Array<Sent> = []
  const flying: Array<Sent> = []
  const open = async ({ bytes, prefix, to }: Sent): Promise<void> => {
    await both.ask(to, "ratchet.open", { prefix, message: bytes, fresh: hex(both.fresh("ratchet.eph", 32)) })
  }
  return async (name, a, b, c) => {
    const who = a % 2 === 0 ? "x" : "y"
    switch (name) {
      case "seal": {
        const padded = hex(Padding.pad(both.fresh("test.content", b % 90)))
        const nonce = hex(both.fresh("header.nonce", suite === 3 ? 16 : 12))
        const ok = await both.ask(who, "ratchet.seal", { prefix, padded, nonce })
        if (ok === undefined) return
        const one = { to: who === "x" ? "y" : "x", prefix, bytes: textOf(ok["message"]) }
        sent.push(one)
        flying.push(one)
        return
      }
      case "open": {
        if (flying.length > 0) await open(flying.splice(b % flying.length, 1)[0]!)
        return
      }
      case "again": {
        if (sent.length > 0) await open(sent[b % sent.length]!)
        return
      }
      case "spoil": {
        if (sent.length === 0) return
        const one = sent[b % sent.length]!
        const otherPrefix = c % 7 === 0 ? `930101${prefix.slice(6)}` : prefix
        await open({ ...one, prefix: otherPrefix, bytes: c % 7 === 0 ? one.bytes : spoilt(one.bytes, c, a) })
        return
      }
      case "store":
        await both.ask(who, "ratchet.reload", {})
        return
      default:
        await both.ask(who, "ratchet.state", {})
    }
  }
}

/** One replay window. */
const window = async (both: Both): Promise<Play> => {
  let highest = 0
  return async (name, a, b, c) => {
    if (name === "store") return void (await both.ask("x", "window.reload", {}))
    if (name === "more") return void (await both.ask("x", "window.gaps", {}))
    const far = [1, 3, 64, 2047, 2048, 2049, 5000, 100_000][c % 8]!
    const near = name === "again" ? highest - (b % 40) : name === "open" ? highest - far : highest + 1 + (a % 5)
    const number = name === "spoil" ? [0, highest + far, Number.MAX_SAFE_INTEGER, far][a % 4]! : Math.max(0, near)
    // The far end of all numbers is looked at, and not gone to.
    if (number === Number.MAX_SAFE_INTEGER && b % 8 !== 0) return
    const within = (value: number): number => Math.min(Number.MAX_SAFE_INTEGER, value)
    // A floor lies below the number of its message (rule sequence.floor.1).
    const below = Math.min(within(highest + (b % 9)), number - 1)
    const floor = c % 11 === 0 && below > 0 ? { floor: below } : {}
    const ok = await both.ask("x", "window.accept", { number: within(number), ...floor })
    if (ok !== undefined) highest = Math.max(highest, within(number))
  }
}

/** Two devices that tell each other their fences. */
const fence = async (both: Both): Promise<Play> => {
  const secrets = { x: hex(both.fresh("device.secret", 32)), y: hex(both.fresh("device.secret", 32)) }
  const start = (who: "x" | "y") =>
    both.ask(who, "fence.start", { secret: secrets[who], random: hex(both.fresh("device.start", 4)) })
  await start("x")
  await start("y")
  const carried: Array<{ readonly to: "x" | "y"; readonly fence: Members[string]; readonly echo: Members[string] }> = []
  return async (name, a, b, c) => {
    const who = a % 2 === 0 ? "x" : "y"
    if (name === "store") return void (await start(who))
    if (name === "seal") {
      const ok = await both.ask(who, "fence.carry", {})
      if (ok !== undefined) carried.push({ to: who === "x" ? "y" : "x", fence: ok["fence"]!, echo: ok["echo"]! })
      return
    }
    if (carried.length === 0) return
    const one = carried[b % carried.length]!
    const invented = [1 + (c % 4), hex(both.fresh("test.start", 8))]
    const fence = name === "spoil" && c % 2 === 0 ? invented : one.fence
    const echo = name === "spoil" && c % 2 === 1 ? invented : one.echo
    const ok = await both.ask(one.to, "fence.observe", { fence, echo, late: c % 3 === 0 })
    const restored = ok?.["restored"]
    if (Array.isArray(restored) && restored.length > 0) {
      await both.ask(one.to, "fence.recover", { random: hex(both.fresh("device.start", 4)) })
    }
  }
}

interface Party {
  readonly name: "a" | "b"
  readonly account: Uint8Array
  readonly publics: Pick<Device.DeviceIdentity, "device" | "agreement">
  readonly mailbox: Uint8Array
  readonly bundles: Array<Uint8Array>
}

interface Held {
  readonly id: string
  readonly initiator: Party
  readonly responder: Party
  /** Bytes of a header nonce in its suite. */
  readonly nonce: number
  /** Whether the responder opened a start, and the initiator an answer. */
  accepted: boolean
  answered: boolean
}

/** One device's keys, and its prekeys as the subject takes them. */
const party = async (both: Both, crypto: CryptoProvider, name: "a" | "b"): Promise<Party> => {
  const account: Account.AccountSecrets = {
    identity: both.fresh("account.seed", 32),
    alias: both.fresh("account.alias", 32)
  }
  const secrets = { signing: both.fresh("device.sign", 32), agreement: both.fresh("device.agree", 32) }
  const publics = Device.derive(crypto, secrets)
  const accountId = crypto.ed25519PublicKey(account.identity)
  const statement = { account: accountId, ...publics, role: Device.roles.admin, manifestVersion: 1 }
  const signature = crypto.ed25519Sign(account.identity, Certificate.signingInput(statement))
  const certificate = Certificate.encode(statement, signature)
  const mailbox = both.fresh("device.mailbox", 16)
  await both.ask(name, "device.begin", {
    account: hex(accountId),
    device: hex(publics.device),
    agreementSecret: hex(secrets.agreement),
    certificate: hex(certificate),
    mailbox: hex(mailbox),
    suites: [1, 2, 3]
  })
  const signed = both.fresh("prekey.signed", 32)
  const oneTime = [1, 2, 3].map((id) => [id, both.fresh("prekey.once", 32)] as const)
  const kem = [1, 2, 3, 4].map((id) => [id, both.fresh(id === 4 ? "kem.last" : "kem.once", 64)] as const)
  const pairs = (all: ReadonlyArray<readonly [number, Uint8Array]>) => all.map(([id, secret]) => [id, hex(secret)])
  await both.ask(name, "device.prekeys", {
    signed: [[1, hex(signed)]],
    kemLast: pairs(kem.slice(3)),
    kemOneTime: pairs(kem.slice(0, 3)),
    oneTime: pairs(oneTime)
  })
  const sign = (kind: Prekey.SignedKind, id: number, key: Uint8Array) => ({
    id,
    key,
    signature: crypto.ed25519Sign(secrets.signing, Prekey.signingInput(kind, { id, key }))
  })
  const signedPrekey = sign("signed", 1, crypto.x25519PublicKey(signed))
  const bundles = kem.map(([id, secret], i) =>
    Bundle.encode({
      certificate,
      mailbox,
      signedPrekey,
      kemPrekey: {
        ...sign(id === 4 ? "last-resort-kem" : "one-time-kem", id, crypto.mlKem768KeyPair(secret).publicKey),
        oneTime: id === 4 ? 0 : 1
      },
      oneTimePrekey:
        oneTime[i] === undefined ? undefined : { id: oneTime[i][0], key: crypto.x25519PublicKey(oneTime[i][1]) },
      suites: [1, 2, 3]
    })
  )
  return { name, account: accountId, publics, mailbox, bundles }
}

/** Two devices with sessions between them. */
const session = async (both: Both, crypto: CryptoProvider): Promise<Play> => {
  const parties = [await party(both, crypto, "a"), await party(both, crypto, "b")] as const
  const direct = Content.directConversation(crypto, parties[0].account, parties[1].account)
  const sessions: Array<Held> = []
  const sent: Array<Sent & { readonly held: Held; readonly from: Party }> = []
  const flying: typeof sent = []
  let number = 0

  const begin = async (a: number, b: number, c: number): Promise<void> => {
    const initiator = parties[a % 2]!
    const responder = parties[(a + 1) % 2]!
    const ok = await both.ask(initiator.name, "session.begin", {
      bundle: hex(responder.bundles[b % responder.bundles.length]!),
      account: hex(responder.account),
      suites: [1 + (c % 3)],
      ephemeralSecret: hex(both.fresh("pqxdh.eph", 32)),
      kemCoins: hex(both.fresh("kem.encap", 32)),
      ratchetSecret: hex(both.fresh("ratchet.eph", 32)),
      rank: now + number
    })
    if (ok === undefined) return
    const nonce = ok["suite"] === 3 ? 16 : 12
    sessions.push({ id: textOf(ok["session"]), initiator, responder, nonce, accepted: false, answered: false })
  }

  const seal = async (a: number, b: number, c: number): Promise<void> => {
    if (sessions.length === 0) return begin(a, b, c)
    const held = sessions[b % sessions.length]!
    const isInitiator = a % 2 === 0 || !held.accepted
    const from = isInitiator ? held.initiator : held.responder
    const to = isInitiator ? held.responder : held.initiator
    const isStart = isInitiator && !held.answered
    const content = Content.encode(
      {
        conversation: Bytes.empty,
        sequence: ++number,
        messageId: both.fresh("msg.id", 16),
        sentAt: now,
        body: { _tag: "Text", text: "x".repeat(c % 60) },
        extensions: Content.noExtensions
      } satisfies Content.Content & { readonly body: Body.Body },
      direct
    )
    const ok = await both.ask(from.name, "session.seal", {
      session: held.id,
      to: hex(to.mailbox),
      content: hex(Result.getOrThrow(content)),
      nonce: hex(both.fresh("header.nonce", held.nonce)),
      ...(isStart ? { ephemeralSecret: hex(both.fresh("sealed.eph", 32)) } : {})
    })
    if (ok === undefined) return
    const one = { to: to.name, prefix: "", bytes: textOf(ok["envelope"]), held, from }
    sent.push(one)
    flying.push(one)
  }

  const receive = async ({ bytes, from, held, to }: (typeof sent)[number], genuine: boolean): Promise<void> => {
    const ok = await both.ask(to, "session.receive", { envelope: bytes, fresh: hex(both.fresh("ratchet.eph", 32)) })
    if (ok === undefined || !genuine) return
    if (from === held.initiator) held.accepted = true
    else held.answered = true
  }

  await begin(0, 0, 0)
  return async (name, a, b, c) => {
    switch (name) {
      case "seal":
        return seal(a, b, c)
      case "open":
        return flying.length === 0 ? undefined : receive(flying.splice(b % flying.length, 1)[0]!, true)
      case "again":
        return sent.length === 0 ? undefined : receive(sent[b % sent.length]!, true)
      case "spoil": {
        if (sent.length === 0) return
        const one = sent[b % sent.length]!
        const items = Bytecode.envelope(bytesOf(one.bytes))?.all ?? []
        const longer = c % 5 === 0 ? Bytecode.longer(bytesOf(one.bytes), items[a % items.length]!) : undefined
        return receive({ ...one, bytes: longer === undefined ? spoilt(one.bytes, c, a) : hex(longer) }, false)
      }
      case "store":
        await both.ask(parties[a % 2]!.name, "device.left", {})
        return
      default:
        // Few sessions: what is compared is what happens in them.
        return sessions.length < 4 ? begin(a, b, c) : undefined
    }
  }
}

const plays: { readonly [topic in Topic]: (both: Both, crypto: CryptoProvider) => Promise<Play> } = {
  ratchet,
  window,
  fence,
  session
}
