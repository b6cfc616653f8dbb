/**
 * The derivations of linking as trace steps: a second reading of the page, used for making vectors only.
 *
 * Spec: docs/spec/19-linking.md.
 * Every function adds named steps to a trace and returns references to their outputs.
 */
import { be, concat } from "./bytes.ts"
import { now } from "./family.ts"
import { certificate, type Device, manifest, signed } from "./identity.ts"
import { decimal } from "./ops.ts"
import { label } from "./protocol.ts"
import type { Arg, Ref, Trace } from "./trace.ts"

/** Ten minutes, ms. */
export const lifetime = 600_000
export const relay = "wss://relay.example/v1"

/** What an invitation says; what is left out is what a device's invitation usually says. */
export interface Invited {
  readonly purpose?: number
  readonly relay?: string
  readonly issuedAt?: number
  readonly expiresAt?: number
  readonly uses?: number
  readonly offers?: ReadonlyArray<number>
  readonly details?: Arg
  readonly extensions?: ReadonlyArray<Arg>
}

/** An invitation with the secret behind its ephemeral key. */
export interface Invitation {
  readonly id: string
  readonly whole: Ref
  readonly slot: Ref
  readonly secret: Ref
  readonly ephemeral: Ref
  readonly issuer: Device
}

/** The invitation that `issuer` makes; its steps are `<id>.…`. `actor` and `index` name its coins. */
export const invitation = (
  trace: Trace,
  id: string,
  issuer: Device,
  actor: string,
  index = 0,
  says: Invited = {}
): Invitation => {
  const slot = trace.coin(`${id}.slot`, actor, "link.slot", index, 16)
  const secret = trace.coin(`${id}.secret`, actor, "link.eph", index, 32)
  const ephemeral = trace.op(`${id}.ephemeral`, "x25519-public", { k: secret }, "invitation.purpose.1")
  const own = [slot, ephemeral, says.offers ?? [1, 2]]
  const details = says.details ?? trace.op(`${id}.details`, "canon", { value: own }, "invitation.purpose.1")
  const value: ReadonlyArray<Arg> = [
    1,
    says.purpose ?? 3,
    issuer.account,
    issuer.device,
    { text: says.relay ?? relay },
    says.issuedAt ?? now,
    says.expiresAt ?? now + lifetime,
    says.uses ?? 1,
    details,
    { map: says.extensions ?? [] }
  ]
  const body = trace.op(`${id}.body`, "canon", { value }, "invitation.layout.1")
  const signature = signed(trace, `${id}.signature`, issuer.signSeed, "invitation", [body], "invitation.sign.1")
  const whole = trace.op(id, "canon", { value: [body, signature] }, "invitation.layout.1")
  return { id, whole, slot, secret, ephemeral, issuer }
}

/** One direction's key and how many messages were sealed under it. */
interface Direction {
  readonly key: Ref
  count: number
}

/** A linking between an invitation and a joiner, as far as it has come. */
export class Linking {
  readonly trace: Trace
  readonly id: string
  readonly invited: Invitation
  readonly joiner: Device
  readonly takes: ReadonlyArray<number>
  readonly actors: readonly [old: string, joiner: string]
  readonly index: number
  readonly hello: Ref
  readonly answer: Ref
  readonly reveal: Ref
  readonly transcript: Ref
  readonly first: Ref
  readonly second: Ref
  readonly base: Ref
  readonly #old: Direction
  readonly #new: Direction
  #finalOld: Direction | undefined
  #finalNew: Direction | undefined

  constructor(
    trace: Trace,
    id: string,
    invited: Invitation,
    joiner: Device,
    takes: ReadonlyArray<number>,
    actors: readonly [string, string],
    index = 0
  ) {
    this.trace = trace
    this.id = id
    this.invited = invited
    this.joiner = joiner
    this.takes = takes
    this.actors = actors
    this.index = index
    const [old, other] = actors
    const secret = trace.coin(`${id}.secret`, other, "link.eph", index, 32)
    const ephemeral = trace.op(`${id}.ephemeral`, "x25519-public", { k: secret }, "link.commit.1")
    const nonce = trace.coin(`${id}.new-nonce`, other, "link.nonce", index, 32)
    const fields = [3, nonce, ephemeral, joiner.device, joiner.agree, takes]
    this.reveal = trace.op(`${id}.reveal`, "canon", { value: fields }, "link.frame.1")
    const commitment = hashed(
      trace,
      `${id}.commitment`,
      "link commitment",
      [invited.whole, this.reveal],
      "link.commit.1"
    )
    this.hello = trace.op(`${id}.hello`, "canon", { value: [1, commitment] }, "link.frame.1")
    const oldNonce = trace.coin(`${id}.old-nonce`, old, "link.nonce", index, 32)
    this.answer = trace.op(`${id}.answer`, "canon", { value: [2, oldNonce] }, "link.frame.1")
    const spoken = [invited.whole, this.hello, this.answer, this.reveal]
    this.transcript = hashed(trace, `${id}.t`, "link transcript", spoken, "link.transcript.1")
    this.first = trace.op(`${id}.dh1`, "x25519", { k: invited.secret, u: ephemeral }, "link.keys.1")
    this.second = trace.op(`${id}.dh2`, "x25519", { k: invited.secret, u: joiner.agree }, "link.keys.1")
    const ikm = trace.concat(`${id}.k`, [this.first, this.second], "link.keys.1")
    const info = label(trace, "link channel")
    const out = trace.op(`${id}.channel`, "hkdf-sha256", { salt: this.transcript, ikm, info, len: 96 }, "link.keys.1")
    this.#old = { key: trace.slice(`${id}.old-key`, out, 0, 32, "link.keys.1"), count: 0 }
    this.#new = { key: trace.slice(`${id}.new-key`, out, 32, 64, "link.keys.1"), count: 0 }
    this.base = trace.slice(`${id}.base`, out, 64, 96, "link.keys.1")
  }

  #seal(id: string, kind: 4 | 5, direction: Direction, message: Arg): Ref {
    const { trace, transcript: ad } = this
    const plaintext = trace.op(`${id}.message`, "canon", { value: message }, "link.frame.1")
    const nonce = concat(new Uint8Array(4), be(direction.count++, 8))
    const rule = kind === 4 ? "link.keys.2" : "link.keys.3"
    const sealed = trace.op(`${id}.sealed`, "aead-seal", { suite: 1, key: direction.key, nonce, ad, plaintext }, rule)
    return trace.op(id, "canon", { value: [kind, sealed] }, "link.frame.1")
  }

  /** A sealed message of old, of new; under the step `<linking>.<name>`. */
  fromOld(name: string, message: Arg): Ref {
    return this.#seal(`${this.id}.${name}`, 4, this.#old, message)
  }
  fromNew(name: string, message: Arg): Ref {
    return this.#seal(`${this.id}.${name}`, 4, this.#new, message)
  }

  /** Forgets that the last sealed message of an end was sealed: another one takes its place in another transcript. */
  again(end: "old" | "new", by = 1): void {
    if (end === "old") this.#old.count -= by
    else this.#new.count -= by
  }

  finalFromOld(name: string, message: Arg): Ref {
    return this.#seal(`${this.id}.${name}`, 5, this.#finalOld!, message)
  }
  finalFromNew(name: string, message: Arg): Ref {
    return this.#seal(`${this.id}.${name}`, 5, this.#finalNew!, message)
  }

  /** What the device key signs, and the ready frame with that signature. */
  ready(): { readonly input: Ref; readonly signature: Ref; readonly frame: Ref } {
    const { id, joiner, trace } = this
    const signature = signed(
      trace,
      `${id}.ready-signature`,
      joiner.signSeed,
      "link device",
      [this.transcript],
      "link.ready.1"
    )
    return { input: `$${id}.ready-signature.signed`, signature, frame: this.fromNew("ready", [1, signature]) }
  }

  /** The code that new shows, with its secret. */
  code(): { readonly secret: Ref; readonly code: Ref } {
    const { id, trace } = this
    const secret = trace.coin(`${id}.code-secret`, this.actors[1], "link.secret", this.index, 16)
    return { secret, code: trace.op(`${id}.code`, "canon", { value: [1, this.print(), secret] }, "link.code.1") }
  }

  print(): Ref {
    const { id, trace } = this
    if (trace.has(`${id}.print`)) return `$${id}.print`
    const parts = [this.transcript]
    const input = trace.op(`${id}.print-input`, "label", { purpose: "link print", parts }, "link.code.1")
    return trace.op(`${id}.print`, "sha256", { data: input }, "link.code.1")
  }

  /** The ten digits that both show. */
  digits(): string {
    const { id, trace } = this
    const parts = [this.transcript]
    if (!trace.has(`${id}.digits`)) {
      const input = trace.op(`${id}.digits-input`, "label", { purpose: "link digits", parts }, "link.digits.1")
      const hash = trace.op(`${id}.digits-hash`, "sha256", { data: input }, "link.digits.1")
      trace.op(`${id}.digits`, "decimal", { bytes: trace.slice(`${id}.digits-used`, hash, 0, 10) }, "link.digits.1")
    }
    const ten = decimal(trace.value(`$${id}.digits-used`))
    return `${ten.slice(0, 5)} ${ten.slice(5)}`
  }

  /** The PIN's random bytes and its digits, as bytes and as text. */
  pin(digits = 6): { readonly random: Ref; readonly prs: Ref; readonly text: string } {
    const { id, trace } = this
    const random = trace.coin(`${id}.pin-random`, this.actors[0], "link.pin", this.index, 10)
    const ten = trace.op(`${id}.pin-digits`, "decimal", { bytes: random }, "link.pin.1")
    const prs = trace.slice(`${id}.pin`, ten, 0, digits, "link.pin.1")
    return { random, prs, text: decimal(trace.value(random)).slice(0, digits) }
  }

  /** Scalars of both ends for the three attempts. */
  scalars(end: 0 | 1): ReadonlyArray<Ref> {
    const { id, trace } = this
    const name = end === 0 ? "old" : "new"
    return [0, 1, 2].map((attempt) => {
      const step = `${id}.${name}-scalar-${attempt + 1}`
      if (trace.has(step)) return `$${step}` as const
      return trace.coin(step, this.actors[end], "link.share", 3 * this.index + attempt, 32)
    })
  }

  /** Generator of an attempt for a PIN; `name` tells PINs apart. */
  generator(name: string, attempt: number, prs: Ref): { readonly generator: Ref; readonly sid: Ref; readonly ci: Ref } {
    const { id, trace } = this
    const at = `${id}.${name}-${attempt}`
    const parts = [this.transcript, be(attempt, 1)]
    if (!trace.has(`${id}.sid-${attempt}`)) {
      const input = trace.op(`${id}.sid-input-${attempt}`, "label", { purpose: "link attempt", parts }, "link.pin.2")
      trace.op(`${id}.sid-${attempt}`, "sha256", { data: input }, "link.pin.2")
    }
    const sid: Ref = `$${id}.sid-${attempt}`
    const ci = this.trace.has(`${id}.ci`)
      ? (`$${id}.ci` as const)
      : lengthValue(trace, `${id}.ci`, [this.invited.issuer.device, this.joiner.device], "link.pin.2")
    return { generator: trace.has(at) ? `$${at}` : cpaceGenerator(trace, at, prs, ci, sid), sid, ci }
  }

  /** Old's share of an attempt, and the frame with it. */
  share(attempt: number, prs: Ref): { readonly share: Ref; readonly frame: Ref } {
    const { generator } = this.generator("pin-used", attempt, prs)
    const k = this.scalars(0)[attempt - 1]!
    const share = this.trace.op(`${this.id}.share-${attempt}`, "x25519", { k, u: generator }, "link.pin.2")
    return { share, frame: this.fromOld(`share-frame-${attempt}`, [2, attempt, share]) }
  }

  /** New's proof of a PIN that was typed. */
  proof(name: string, attempt: number, prs: Ref, theirs: Ref): { readonly isk: Ref; readonly frame: Ref } {
    const { id, trace } = this
    const at = `${id}.${name}`
    const { generator, sid } =
      trace.has(`${id}.pin-used-${attempt}`) && name === "right"
        ? { generator: `$${id}.pin-used-${attempt}` as Ref, sid: `$${id}.sid-${attempt}` as Ref }
        : this.generator(`${name}-typed`, attempt, prs)
    const k = this.scalars(1)[attempt - 1]!
    const share = trace.op(`${at}-share`, "x25519", { k, u: generator }, "link.pin.2")
    const point = trace.op(`${at}-point`, "x25519", { k, u: theirs }, "link.pin.2")
    const isk = cpaceKey(trace, `${at}-isk`, sid, point, [theirs, share])
    const tag = cpaceTag(trace, `${at}-tag`, sid, isk, share)
    return { isk, frame: this.fromNew(`${name}-frame`, [3, share, tag]) }
  }

  /** Final keys for a challenge that proved `c`. */
  finish(challenge: number, c: Ref | undefined): { readonly handover: Ref; readonly ad: Ref } {
    const { id, trace } = this
    const at = `${id}.final`
    const ikm = c === undefined ? this.base : trace.concat(`${at}-ikm`, [this.base, c], "link.keys.3")
    const info = trace.op(`${at}-info`, "label", { purpose: "link final", parts: [be(challenge, 1)] }, "link.keys.3")
    const out = trace.op(at, "hkdf-sha256", { salt: this.transcript, ikm, info, len: 96 }, "link.keys.3")
    this.#finalOld = { key: trace.slice(`${at}-old-key`, out, 0, 32, "link.keys.3"), count: 0 }
    this.#finalNew = { key: trace.slice(`${at}-new-key`, out, 32, 64, "link.keys.3"), count: 0 }
    const handover = trace.slice(`${at}-handover`, out, 64, 96, "link.keys.3")
    const parts = [this.transcript]
    const ad = trace.op(`${at}-handover-ad`, "label", { purpose: "link handover", parts }, "link.payload.2")
    return { handover, ad }
  }
}

/** `H(L(purpose, [parts]))`, the parts as bins of one array. */
const hashed = (trace: Trace, id: string, purpose: string, parts: ReadonlyArray<Ref>, clause: string): Ref => {
  const list = trace.op(`${id}-list`, "canon", { value: parts }, clause)
  const input = trace.op(`${id}-input`, "label", { purpose, parts: [list] }, clause)
  return trace.op(id, "sha256", { data: input }, clause)
}

/** `lv_cat` of parts that are shorter than 128 bytes. */
export const lengthValue = (trace: Trace, id: string, parts: ReadonlyArray<Ref | Uint8Array>, clause: string): Ref =>
  trace.concat(
    id,
    parts.flatMap((part) => [be(trace.value(part).length, 1), part]),
    clause
  )

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The generator of CPace: steps `<id>-string`, `<id>-hash`, `<id>-field` and `<id>`. */
export const cpaceGenerator = (trace: Trace, id: string, prs: Ref, ci: Ref | Uint8Array, sid: Ref): Ref => {
  const dsi = ascii("CPace255")
  const padding = new Uint8Array(128 - 1 - (1 + dsi.length) - (1 + trace.value(prs).length))
  const text = lengthValue(trace, `${id}-string`, [dsi, prs, padding, ci, sid], "link.pin.2")
  const hash = trace.op(`${id}-hash`, "sha512", { data: text }, "link.pin.2")
  const field = trace.slice(`${id}-field`, hash, 0, 32, "link.pin.2")
  return trace.op(id, "elligator2", { field }, "link.pin.2")
}

/** The ISK of two shares, the initiator's first. */
export const cpaceKey = (
  trace: Trace,
  id: string,
  sid: Ref,
  point: Ref,
  [initiator, responder]: readonly [Ref, Ref],
  [ada, adb]: readonly [Uint8Array, Uint8Array] = [new Uint8Array(0), new Uint8Array(0)]
): Ref => {
  const data = lengthValue(
    trace,
    `${id}-input`,
    [ascii("CPace255_ISK"), sid, point, initiator, ada, responder, adb],
    "link.pin.2"
  )
  return trace.op(id, "sha512", { data }, "link.pin.2")
}

/** The tag that confirms a key for the share that its sender sent. */
export const cpaceTag = (
  trace: Trace,
  id: string,
  sid: Ref,
  isk: Ref,
  share: Ref,
  ad: Uint8Array = new Uint8Array(0)
): Ref => {
  const keyInput = trace.concat(`${id}-key-input`, [ascii("CPaceMac"), sid, isk], "link.pin.3")
  const key = trace.op(`${id}-key`, "sha512", { data: keyInput }, "link.pin.3")
  const data = lengthValue(trace, `${id}-data`, [share, ad], "link.pin.3")
  return trace.op(id, "hmac-sha256", { key, data }, "link.pin.3")
}

/** What a payload says; what is left out fits. */
export interface Handed {
  readonly role?: number
  readonly certificate?: Ref
  readonly manifest?: Ref
  readonly handover?: Ref
  readonly extensions?: ReadonlyArray<Arg>
}

/** A payload for `joiner` by the account of `old`; steps `<id>.…`. */
export const payload = (trace: Trace, id: string, old: Device, joiner: Device, says: Handed = {}): Ref => {
  const role = says.role ?? 2
  const keys = { account: old.account, device: joiner.device, agree: joiner.agree }
  const certified = says.certificate ?? certificate(trace, `${id}.certificate`, old.accountSeed, keys, role, 2)
  const previous = trace.has("manifest-1.hash")
    ? ("$manifest-1.hash" as const)
    : (manifest(trace, "manifest-1", old, {
        version: 1,
        previous: undefined,
        devices: [{ key: old, addedIn: 1, role: 1 }]
      }),
      "$manifest-1.hash" as const)
  const devices = [
    { key: old, addedIn: 1, role: 1 },
    { key: joiner, addedIn: 2, role }
  ]
  const listed = says.manifest ?? manifest(trace, `${id}.manifest`, old, { version: 2, previous, devices })
  const alias = trace.has("alias")
    ? ("$alias" as const)
    : trace.op("alias", "ed25519-public", { seed: trace.coin("alias-seed", "linking/old", "account.alias", 0, 32) })
  const seed = trace.has("rendezvous")
    ? ("$rendezvous" as const)
    : trace.coin("rendezvous", "linking/old", "account.rendezvous", 0, 32)
  const value: ReadonlyArray<Arg> = [
    1,
    role,
    { text: "alice" },
    { text: "relay.example" },
    { text: "MZXW-6YTB-OI4D-2NRQ-KVLX" },
    certified,
    listed,
    alias,
    seed,
    says.handover ?? new Uint8Array(0),
    { map: says.extensions ?? [] }
  ]
  return trace.op(id, "canon", { value }, "link.payload.1")
}

/** The account's secrets sealed under a handover key. */
export const handedOver = (trace: Trace, id: string, old: Device, key: Ref, ad: Ref): Ref => {
  const alias: Ref = trace.has("alias-seed")
    ? "$alias-seed"
    : trace.coin("alias-seed", "linking/old", "account.alias", 0, 32)
  const plaintext = trace.op(`${id}.secrets`, "canon", { value: [1, old.accountSeed, alias] }, "handover.seal.1")
  const nonce = trace.coin(`${id}.nonce`, "linking/old", "handover.nonce", 0, 12)
  const sealed = trace.op(`${id}.sealed`, "aead-seal", { suite: 1, key, nonce, ad, plaintext }, "handover.seal.1")
  return trace.op(id, "canon", { value: [1, nonce, sealed] }, "handover.seal.1")
}
