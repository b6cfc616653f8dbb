/** Two devices that link, with every value at hand. */
import {
  Bytes,
  Certificate,
  Device,
  Invitation,
  type LinkDecision,
  type LinkFailure,
  LinkJoin,
  LinkOffer,
  type LinkPayload,
  Manifest
} from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { providers } from "../crypto/helpers.ts"

export const crypto = providers.at(-1)!
export const now = 1_700_000_000_000
export const minutes = 60_000

export const draw = (seed: string, length = 32): Uint8Array =>
  crypto.hkdfExpand(crypto.sha256(Bytes.utf8Encode(`linking tests ${seed}`)), new Uint8Array(0), length)

/** The cause of a refusal, or `ok`. */
export const causeOf = (result: Result.Result<unknown, LinkFailure>): string =>
  Result.isSuccess(result) ? "ok" : result.failure.cause

export const ok = <A>(result: Result.Result<A, unknown>): A => {
  if (Result.isFailure(result)) throw new Error(`refused: ${JSON.stringify(result.failure)}`)
  return result.success
}

/** A device with its secrets at hand. */
export interface Keys {
  readonly signing: Uint8Array
  readonly agree: Uint8Array
  readonly device: Uint8Array
  readonly agreement: Uint8Array
}

export const keysOf = (seed: string): Keys => {
  const [signing, agree] = [draw(`${seed} sign`), draw(`${seed} agree`)]
  return {
    signing,
    agree,
    device: crypto.ed25519PublicKey(signing),
    agreement: crypto.x25519PublicKey(agree)
  }
}

export const identity = draw("identity")
export const account = crypto.ed25519PublicKey(identity)
export const alias = crypto.ed25519PublicKey(draw("alias"))
export const old = keysOf("old")
export const joiner = keysOf("new")

export const everything: LinkDecision.Abilities = { scan: true, show: true, type: true, digits: false }
export const pinOnly: LinkDecision.Abilities = { scan: false, show: true, type: true, digits: false }
export const fleet: LinkDecision.Abilities = { scan: false, show: true, type: false, digits: true }

export const offerCoins = (seed = "old"): LinkOffer.Coins => ({
  slot: draw(`${seed} slot`, 16),
  ephemeral: draw(`${seed} eph`),
  nonce: draw(`${seed} nonce`),
  pin: draw(`${seed} pin`, 10),
  shares: [1, 2, 3].map((attempt) => draw(`${seed} share ${attempt}`))
})

export const joinCoins = (seed = "new"): LinkJoin.Coins => ({
  ephemeral: draw(`${seed} eph`),
  nonce: draw(`${seed} nonce`),
  secret: draw(`${seed} secret`, 16),
  shares: [1, 2, 3].map((attempt) => draw(`${seed} share ${attempt}`))
})

export const sign = (keys: Keys, body: Uint8Array): Uint8Array =>
  Invitation.encode(body, crypto.ed25519Sign(keys.signing, Invitation.signingInput(body)))

export const options = (able = everything): LinkOffer.Options => ({
  account,
  device: old.device,
  relay: "wss://relay.example/v1",
  now,
  lifetime: 10 * minutes,
  able
})

export const invitationOf = (able = everything, coins = offerCoins()): Uint8Array =>
  sign(old, LinkOffer.draft(crypto, options(able), coins))

/** The payload old would make for `device`. */
export const payloadFor = (
  { agreement, device }: { readonly device: Uint8Array; readonly agreement: Uint8Array },
  role: Device.Role = Device.roles.member
): LinkPayload.Payload => {
  const listed = [
    { device: old.device, agreement: old.agreement, role: Device.roles.admin, addedIn: 1 },
    { device, agreement, role, addedIn: 2 }
  ]
  const body = Manifest.encodeBody({
    account,
    version: 2,
    previous: draw("previous"),
    issuedAt: now,
    devices: listed.toSorted((a, b) => Bytes.compare(a.device, b.device)),
    revocations: []
  })
  const statement = { account, device, agreement, role, manifestVersion: 2 }
  return {
    role,
    user: "alice",
    relay: "relay.example",
    password: "ABCD-EFGH-IJKL-MNOP-QRST",
    certificate: Certificate.encode(statement, crypto.ed25519Sign(identity, Certificate.signingInput(statement))),
    manifest: Manifest.encode(body, crypto.ed25519Sign(identity, Manifest.signingInput(body))),
    alias,
    rendezvousSeed: draw("rendezvous"),
    handover: role === Device.roles.admin ? draw("handover", 110) : new Uint8Array(0)
  }
}

/** Both ends, frames on their way, and what the applications were told. */
export class World {
  offer: LinkOffer.State
  join: LinkJoin.State
  /** Frames to old, and to new. */
  readonly toOld: Array<Uint8Array> = []
  readonly toNew: Array<Uint8Array> = []
  readonly offerEvents: Array<LinkOffer.Event> = []
  readonly joinEvents: Array<LinkJoin.Event> = []
  readonly keys: Keys
  readonly invitation: Uint8Array
  now = now

  constructor(
    able: LinkDecision.Abilities = everything,
    takes = able,
    { coins = offerCoins(), keys = joiner, theirs = joinCoins(), pinDigits = 6 } = {}
  ) {
    this.keys = keys
    this.invitation = invitationOf(able, coins)
    this.offer = LinkOffer.begin(crypto, this.invitation, old.agreement, coins, pinDigits)
    const invitation = ok(Invitation.verifyLink(crypto, this.invitation, now))
    const shared = crypto.x25519(keys.agree, invitation.link.ephemeral)!
    const begun = ok(LinkJoin.begin(crypto, invitation, takes, { ...keys, shared }, theirs, now))
    this.join = begun.next
    this.toOld.push(...begun.out)
  }

  old(result: Result.Result<LinkOffer.Step, LinkFailure>): void {
    const step = ok(result)
    this.offer = step.next
    this.toNew.push(...step.out)
    this.offerEvents.push(...step.events)
  }

  new(result: Result.Result<LinkJoin.Step, LinkFailure>): void {
    const step = ok(result)
    this.join = step.next
    this.toOld.push(...step.out)
    this.joinEvents.push(...step.events)
    for (const event of step.events) {
      if (event._tag === "Sign")
        this.new(LinkJoin.signed(crypto, this.join, crypto.ed25519Sign(this.keys.signing, event.input), this.now))
    }
  }

  /** Gives old its next frame. */
  deliverOld(): void {
    this.old(LinkOffer.receive(crypto, this.offer, this.toOld.shift()!, this.now))
  }

  deliverNew(): void {
    this.new(LinkJoin.receive(crypto, this.join, this.toNew.shift()!, this.now))
  }

  /** Delivers until nothing is under way. */
  settle(): this {
    while (this.toOld.length + this.toNew.length > 0) {
      if (this.toOld.length > 0) this.deliverOld()
      else this.deliverNew()
    }
    return this
  }

  offerEvent<T extends LinkOffer.Event["_tag"]>(tag: T): Extract<LinkOffer.Event, { readonly _tag: T }> {
    const found = this.offerEvents.findLast((event) => event._tag === tag)
    if (found === undefined) throw new Error(`old was not told ${tag}`)
    return found as Extract<LinkOffer.Event, { readonly _tag: T }>
  }

  joinEvent<T extends LinkJoin.Event["_tag"]>(tag: T): Extract<LinkJoin.Event, { readonly _tag: T }> {
    const found = this.joinEvents.findLast((event) => event._tag === tag)
    if (found === undefined) throw new Error(`new was not told ${tag}`)
    return found as Extract<LinkJoin.Event, { readonly _tag: T }>
  }

  scan(code = this.joinEvent("ShowCode").code): Result.Result<LinkOffer.Step, LinkFailure> {
    return LinkOffer.scanned(crypto, this.offer, code, this.now)
  }

  type(pin = this.offerEvent("ShowPin").pin): void {
    this.new(LinkJoin.typed(crypto, this.join, pin, this.now))
  }

  compare(): void {
    this.old(LinkOffer.confirm(crypto, this.offer, this.now))
    this.new(LinkJoin.confirm(crypto, this.join, this.now))
  }

  /** Whatever the challenge is, it succeeds. */
  succeed(): this {
    this.settle()
    if (this.offer._tag === "Scanning") this.old(this.scan())
    else if (this.offer._tag === "Proving") this.type()
    else this.compare()
    return this.settle()
  }

  grant(role: Device.Role = Device.roles.member): this {
    const { agreement, device } = this.offerEvent("Verified")
    this.old(LinkOffer.grant(crypto, this.offer, payloadFor({ device, agreement }, role), this.now))
    return this
  }

  finish(): this {
    this.new(LinkJoin.finish(crypto, this.join, this.now))
    return this
  }
}
