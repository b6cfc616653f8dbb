/**
 * Members who come once, do one thing, and are not seen again: each an account of its own, so that what it does takes nothing from the
 * others.
 *
 * Spec: docs/spec/21-conformance.md §21.3; docs/spec/08-sessions.md, rule session.start.3; docs/spec/04-accounts.md, rules
 * manifest.device.1, manifest.device.2.
 */
import { Bytes, type CryptoProvider } from "@tacit/core/hazmat"
import { isObject, type Members, type Stage } from "../protocol/Value.ts"
import { Malice } from "./Malice.ts"
import { bytesOf, textOf } from "./Text.ts"
import type { Person, World } from "./World.ts"

/** What a play does for them. */
export interface Means {
  /** A text no other message has, as hex. */
  readonly text: (length: number) => string
  /** Gives a device what it must refuse. */
  readonly hostile: (
    to: Person,
    bytes: Uint8Array,
    what: string,
    property: string,
    stages?: ReadonlyArray<Stage>
  ) => Promise<void>
  readonly restart: (person: Person) => Promise<void>
}

/** Sessions after which the first one is deleted: one active, 40 archived (rule session.archive.1). */
const tooMany = 42

const toHex = Bytes.toHex

/** Everybody who came by in one script. */
export class Strangers {
  readonly #world: World
  readonly #crypto: CryptoProvider
  readonly #means: Means
  #count = 0

  constructor(world: World, crypto: CryptoProvider, means: Means) {
    this.#world = world
    this.#crypto = crypto
    this.#means = means
  }

  #come(): { readonly malice: Malice; readonly index: number; readonly user: string } {
    const user = `mallory-${++this.#count}`
    const malice = new Malice(this.#crypto, `${this.#world.options.name} ${user}`)
    const { account, device } = malice.identity
    return { malice, user, index: this.#world.model.join({ account: toHex(account), device: toHex(device), user }) }
  }

  /** Says something a person must be shown. Answers the envelope, or `undefined` when it was not shown. */
  async #say(malice: Malice, index: number, to: Person): Promise<Uint8Array | undefined> {
    const { model } = this.#world
    const sent = model.begin(index, to.index, this.#means.text(index))
    sent.fate = "sent"
    const envelope = malice.message(to.device, bytesOf(to.mailbox), Bytes.utf8Decode(bytesOf(sent.text)) ?? "")
    await this.#world.receive(to, toHex(envelope))
    if (model.wasShown(sent)) return envelope
    if (model.clean) this.#world.fail("P01", "a stranger's message was not shown")
    return undefined
  }

  /**
   * A start once more, a few sessions later, or after so many that its own is deleted (`mode` divisible by 4). The last-resort prekeys
   * it used are still there: only that it is remembered speaks against it.
   */
  async oldStart(person: Person, mode: number): Promise<void> {
    const { index, malice } = this.#come()
    const sessions = mode % 4 === 0 ? tooMany : 2
    let first: Uint8Array | undefined
    for (let i = 0; i < sessions; i++) {
      malice.begin(person.device, person.account, bytesOf(person.last), this.#world.now + i)
      const start = await this.#say(malice, index, person)
      if (start === undefined) return
      first ??= start
    }
    if (mode % 8 >= 4) await this.#means.restart(person)
    await this.#means.hostile(person, first!, "a start whose session is long gone (session.start.3)", "P19")
  }

  /**
   * A device whose account revokes it: what it says in the session it has, and in a new one, is refused, and nothing is sealed for it.
   * After a restart as well (`mode` odd).
   */
  async revoke(person: Person, mode: number): Promise<void> {
    const world = this.#world
    const { index, malice, user } = this.#come()
    const account = toHex(malice.identity.account)
    const learn = (...manifests: ReadonlyArray<Uint8Array>) =>
      world.ask(person, "peer.learn", { user, account, manifests: manifests.map(toHex) })
    const [first] = malice.manifests as [Uint8Array]
    if ("reject" in (await learn(first))) return
    malice.begin(person.device, person.account, bytesOf(person.bundles.shift() ?? person.last), world.now)
    if ((await this.#say(malice, index, person)) === undefined) return
    // The person writes back, so that the session is answered and the device need not introduce itself any more.
    const back = await this.#write(person, index, account)
    if (!back.some(({ to, wire }) => to === toHex(malice.mailbox) && malice.answered(person.device, wire, world.now)))
      return
    if ((await this.#say(malice, index, person)) === undefined) return
    if ("reject" in (await learn(first, malice.revocation))) {
      if (world.model.clean) world.fail("P17", "a manifest that revokes a device was refused")
      return
    }
    if (mode % 2 === 1) await this.#means.restart(person)
    const refuse = (what: string, stages: ReadonlyArray<Stage>) => {
      const sent = world.model.begin(index, person.index, this.#means.text(mode))
      sent.fate = "sent"
      const text = Bytes.utf8Decode(bytesOf(sent.text)) ?? ""
      const envelope = malice.message(person.device, bytesOf(person.mailbox), text)
      return this.#means.hostile(person, envelope, what, "P17", stages)
    }
    await refuse("a revoked device's message (manifest.device.2)", ["policy", "lookup"])
    malice.begin(person.device, person.account, bytesOf(person.last), world.now + 1)
    await refuse("a revoked device's start (manifest.device.1)", ["policy"])
    const after = await this.#write(person, index, account)
    if (after.some(({ to }) => to === toHex(malice.mailbox)))
      world.fail("P17", "a message was sealed for a revoked device (manifest.device.2)")
  }

  /** A person writes to an account that only receives. Answers all that leaves. */
  async #write(
    person: Person,
    index: number,
    account: string
  ): Promise<ReadonlyArray<{ readonly to: string; readonly wire: Uint8Array }>> {
    const { model } = this.#world
    const sent = model.begin(person.index, index, this.#means.text(index))
    sent.excused = true
    const answer = await this.#world.ask(person, "session.send", { account, text: sent.text })
    if (!("ok" in answer)) return []
    model.answered(sent, answer.ok)
    await this.#world.outgoing(person, answer.ok, sent)
    const out = Array.isArray(answer.ok["out"]) ? answer.ok["out"] : []
    return out
      .filter((one): one is Members => isObject(one))
      .map(({ to, wire }) => ({ to: textOf(to), wire: bytesOf(wire) }))
  }
}
