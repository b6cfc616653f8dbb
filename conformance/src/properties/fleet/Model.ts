/**
 * What a script of several devices must show: who was sent what, what each device was told and shown. Knows no key and opens nothing.
 *
 * Spec: docs/spec/21-conformance.md, rule property.judge.1; docs/spec/04-accounts.md §4.4; docs/spec/07-sequencing.md §7.1;
 * docs/spec/22-own-devices.md.
 * Which manifests a device holds is known from below by what it told, from above by what the directory showed it; where the two differ,
 * only what both demand is asked for.
 */
import { isObject, type Members } from "../../protocol/Value.ts"
import { textOf } from "../Text.ts"
import type { Line } from "./Lines.ts"
import { type Household, type Member, otherUser, type UserIndex } from "./Members.ts"
import { copyOf, emptyMemory, type Memory, type Sent } from "./Memory.ts"

/** How an answer came about. */
export interface Coming {
  /** The sender of the envelope that was taken in with it, unaltered and for the first time. */
  readonly via: number | undefined
  /** Nothing that belongs to its events can have been told in an answer that was lost. */
  readonly whole: boolean
  /** All that its sender sent this device before it was taken in, too. */
  readonly inOrder: boolean
  /** What the device held of each account when it was asked. */
  readonly before: readonly [number, number]
}

/** The judge of one script. */
export class Model {
  readonly sent = new Map<string, Sent>()
  readonly ids = new Map<string, string>()
  readonly memories: Array<Memory> = []
  /** Devices put back to a copy; of what they send or receive only healing can be asked for. */
  readonly putBack = new Set<number>()
  /** Devices that died: what they had told may have been lost with an answer. */
  readonly died = new Set<number>()
  readonly #members: ReadonlyArray<Member | undefined>
  readonly #households: readonly [Household, Household]
  readonly #fail: (property: string, message: string) => void

  constructor(
    members: ReadonlyArray<Member | undefined>,
    households: readonly [Household, Household],
    fail: (property: string, message: string) => void
  ) {
    this.#members = members
    this.#households = households
    this.#fail = fail
  }

  #of(index: number): Member {
    return this.#members[index]!
  }

  memory(index: number): Memory {
    return (this.memories[index] ??= emptyMemory())
  }

  /** What the directory gave to a device itself: it holds this version, and need not tell of it when it is its first. */
  holds(index: number, user: UserIndex, version: number): void {
    const { first, held } = this.memory(index)
    if (first[user] === 0) first[user] = version
    held[user] = Math.max(held[user], version)
  }

  /** A change it made itself is no news to it (manifest.told.1). */
  made(index: number, user: UserIndex, version: number): void {
    this.memory(index).told[user].add(version)
    this.holds(index, user, version)
  }

  /** Whether a device is known to hold a manifest that revokes another one. */
  knowsRevoked(held: readonly [number, number], index: number): boolean {
    const { user } = this.#of(index)
    const revoked = this.#households[user].revokedIn(index)
    return revoked !== undefined && held[user] >= revoked
  }

  /** Whether a device may hold such a manifest. */
  mayKnowRevoked(by: number, index: number): boolean {
    const { user } = this.#of(index)
    const revoked = this.#households[user].revokedIn(index)
    return revoked !== undefined && this.#of(by).reach[user] >= revoked
  }

  isRevoked(index: number): boolean {
    return this.#households[this.#of(index).user].revokedIn(index) !== undefined
  }

  /** Whether all that can be asked for can be asked of these. */
  isClean(...devices: ReadonlyArray<number>): boolean {
    return devices.every((one) => !this.putBack.has(one))
  }

  /** What a device may hold of an account: from what it told, to what it was shown. */
  #span(index: number, user: UserIndex) {
    return this.#households[user].between(this.memory(index).held[user], this.#of(index).reach[user])
  }

  /** Notes a message before it is sent. */
  begin(from: number, text: string): Sent {
    const { reach, user } = this.#of(from)
    const to = otherUser(user)
    const peers = this.#span(from, to)
    const own = this.#span(from, user)
    const sent: Sent = {
      from,
      to,
      text,
      id: undefined,
      number: 0,
      fate: "never",
      required: peers.every,
      allowed: peers.any,
      addressed: Math.max(reach[to], this.memory(from).held[to]),
      copies: new Set([...own.every].filter((one) => one !== from)),
      excused: new Set(),
      owed: new Map()
    }
    this.sent.set(text, sent)
    return sent
  }

  /** The answer to a send. */
  answered(sent: Sent, { id, number }: Members): void {
    sent.fate = "sent"
    if (typeof id === "string") {
      const before = this.ids.get(id)
      if (before !== undefined && before !== sent.text) this.#fail("P03", `the message id ${id} was given out twice`)
      this.ids.set(id, sent.text)
      sent.id = id
    }
    if (typeof number === "number") sent.number = number
  }

  snapshot(index: number): Memory {
    return copyOf(this.memory(index))
  }

  rollBack(index: number, memory: Memory): void {
    this.memories[index] = copyOf(memory)
    this.putBack.add(index)
  }

  /** Something of one device for another was lost, or could not be opened: what is open between them need not arrive. */
  excuse(from: number, to: number): void {
    for (const sent of this.sent.values()) {
      for (const [one, other] of [
        [from, to],
        [to, from]
      ] as const) {
        if (sent.from === one && !this.wasShown(sent, other)) sent.excused.add(other)
      }
      if (!this.wasShown(sent, to)) sent.owed.get(to)?.delete(from)
    }
  }

  /** Whether a device was shown a message, or, of its own account, the copy of it. */
  wasShown({ text, to }: Sent, index: number): boolean {
    const { copied, shown } = this.memory(index)
    return this.#of(index).user === to ? shown.has(text) : copied.has(text)
  }

  // ---- Events

  /** Takes the events of one answer. */
  events(index: number, events: ReadonlyArray<unknown>, coming: Coming): void {
    const all = events.filter((event): event is Members => isObject(event))
    for (const event of all) this.#notice(index, event)
    const { lines } = this.memory(index)
    const strict = coming.whole && !this.died.has(index)
    // What own devices tell each other has numbers of its own, which nobody else sees.
    const own = new Set(this.#own(index).map(({ device }) => device))
    lines.begin(
      all.filter(({ device }) => !own.has(textOf(device))),
      strict,
      (message) => this.#fail("P13", message)
    )
    if (strict) this.#ownGaps(index, all, coming)
    for (const event of all) {
      if (event["type"] === "message") this.#message(index, event, coming)
      if (event["type"] === "sent-copy") this.#copy(index, event, coming)
    }
    lines.end((device) => {
      const sender = this.#members.findIndex((member) => member?.device === device)
      return strict && sender >= 0 && this.isClean(sender, index)
    })
  }

  /** The other devices of an account. */
  #own(index: number): ReadonlyArray<Member> {
    const { user } = this.#of(index)
    return this.#members.filter((one) => one !== undefined && one.index !== index && one.user === user) as Array<Member>
  }

  /** Rule own.devices.2: where all came in order nothing is missing, whomever the numbers between were meant for. */
  #ownGaps(index: number, events: ReadonlyArray<Members>, { inOrder, via }: Coming): void {
    if (via === undefined || !inOrder || !this.isClean(via, index)) return
    const { device } = this.#of(via)
    const gap = events.find((event) => event["type"] === "gap" && event["device"] === device)
    if (gap !== undefined && this.#of(via).user === this.#of(index).user) {
      this.#fail("P13", `words of an own device are said to be missing, and all came (own.devices.2)`)
    }
  }

  #notice(index: number, event: Members): void {
    switch (textOf(event["type"])) {
      case "device-changed":
        return this.#changed(index, event)
      case "restored":
        if (this.putBack.size === 0) this.#fail("P20", "a device says that it was put back, and none was")
        return
      case "peer-rollback":
        if (this.putBack.size === 0) this.#fail("P20", "a peer is said to have been put back, and none was")
        return
      case "forked":
        return this.#fail("P20", "an account is said to have two histories, and none has")
      case "revoked":
        if (!this.isRevoked(index)) this.#fail("P17", "a device says that it was removed, and it was not")
        return
      case "receipt": {
        const { device, ids } = event
        for (const id of Array.isArray(ids) ? ids : []) {
          const sent = this.sent.get(this.ids.get(textOf(id)) ?? "")
          const maybe = [...this.sent.values()].some((one) => one.from === index && one.fate === "maybe")
          if (sent === undefined && maybe) continue
          if (sent?.from !== index) this.#fail("P02", "a receipt was shown for a message not sent from here")
          const by = this.#members.find((member) => member?.device === device)
          if (sent !== undefined && by?.user !== sent.to) this.#fail("P02", "a receipt came from no device it was for")
        }
      }
    }
  }

  /** Rule manifest.told.1. */
  #changed(index: number, { account, version }: Members): void {
    const user = this.#households.findIndex((one) => one.account === account)
    if ((user !== 0 && user !== 1) || typeof version !== "number") {
      return this.#fail("P14", "a change of devices was told of no account of this world")
    }
    const { held, told } = this.memory(index)
    const isShown = version <= this.#of(index).reach[user]
    if (!isShown) this.#fail("P14", `version ${version} was told, which this device was never shown`)
    const again = told[user].has(version) && !this.died.has(index)
    if (again && this.isClean(index)) this.#fail("P14", `version ${version} was told twice (manifest.told.1)`)
    told[user].add(version)
    held[user] = Math.max(held[user], version)
  }

  #known(event: Members): Sent | undefined {
    const { text } = event
    const sent = typeof text === "string" ? this.sent.get(text) : undefined
    if (sent === undefined) {
      this.#fail("P02", "a message was shown that nobody sent")
      return undefined
    }
    if (sent.fate === "never") {
      this.#fail("P02", "a message was shown whose sender died before storing it, or was told that it was not sent")
      return undefined
    }
    const { id } = event
    if (sent.id !== undefined && id !== sent.id) this.#fail("P01", "a message was shown with another id")
    if (sent.id === undefined && typeof id === "string") {
      sent.id = id
      this.ids.set(id, sent.text)
    }
    return sent
  }

  #message(index: number, event: Members, coming: Coming): void {
    const sent = this.#known(event)
    if (sent === undefined) return
    const { account, from, late, number } = event
    const sender = this.#of(sent.from)
    if (sent.to !== this.#of(index).user) this.#fail("P02", "a message was shown to an account it was not for")
    if (from !== sender.device || account !== sender.account) {
      this.#fail("P02", "a message was shown under another sender")
    }
    if (typeof number !== "number" || number < 1) return this.#fail("P01", "a text was shown without a number")
    const clean = this.isClean(sent.from, index)
    if (sent.number > 0 && number !== sent.number && clean) {
      this.#fail("P01", `message ${sent.number} was shown with number ${number}`)
    }
    if (sent.number === 0 && clean) sent.number = number
    const { lines, shown } = this.memory(index)
    // A device that was put back seals again, under new numbers, what it sent before it noticed.
    const isAgain = shown.has(sent.text) && (shown.get(sent.text) === number || this.isClean(sent.from))
    if (isAgain) this.#fail("P03", "a message was shown twice on one device")
    shown.set(sent.text, number)
    const direct = coming.via === sent.from
    const copied = coming.via !== undefined && this.#of(coming.via).user === this.#of(index).user
    if (direct) this.#heard(index, sent.from, coming)
    if (!copied) this.#announced(index, sender)
    if (direct) this.#pass(index, sent)
    const line = lines.of(sender.device)
    if (!direct) return line.take(number, !copied)
    this.#number(index, line, sent, number, late === true, clean)
  }

  /** P17 of a message or a copy that came from a device itself. */
  #heard(index: number, from: number, { before }: Coming): void {
    if (this.knowsRevoked(before, from) && !this.died.has(index)) {
      this.#fail("P17", "a device was heard that is known to be revoked (manifest.device.2)")
    }
  }

  /** P14: the version that brought a device was told, unless it was there before. */
  #announced(index: number, { addedIn, user }: Member): void {
    const { first, told } = this.memory(index)
    if (addedIn <= first[user] || told[user].has(addedIn) || this.died.has(index) || !this.isClean(index)) return
    this.#fail("P14", "a message of a new device was shown before anybody was told of that device (manifest.told.1)")
  }

  /** Rule own.received.1: what a device received that its sender did not send to all, it owes to the others. */
  #pass(by: number, sent: Sent): void {
    const { reach, user } = this.#of(by)
    if (sent.number === 0 || !this.isClean(by, sent.from) || reach[user] <= sent.addressed) return
    for (const index of this.#span(by, user).every) {
      if (index === by || this.#of(index).addedIn <= sent.addressed || sent.allowed.has(index)) continue
      const owing = sent.owed.get(index) ?? new Set()
      sent.owed.set(index, owing.add(by))
    }
  }

  /** P13 of a message that came from its sender. */
  #number(index: number, line: Line, sent: Sent, number: number, late: boolean, clean: boolean): void {
    const mine = [...this.sent.values()].filter((one) => one.from === sent.from)
    const due = mine.filter((one) => one.number > 0 && one.required.has(index)).map((one) => one.number)
    const may = mine.filter((one) => one.number > 0 && one.allowed.has(index)).map((one) => one.number)
    // A message whose number went down with an answer may be any.
    const unknown = mine.some((one) => one.fate === "maybe" && one.number === 0)
    line.judge(this.#of(sent.from).device, number, late, { due, may: unknown ? undefined : new Set(may) }, clean)
  }

  /** A copy of what another own device sent (rule own.copy.1). */
  #copy(index: number, event: Members, coming: Coming): void {
    const sent = this.#known(event)
    if (sent === undefined) return
    const { account, device, number } = event
    const sender = this.#of(sent.from)
    const isOwn = sender.user === this.#of(index).user && sent.from !== index
    if (!isOwn || device !== sender.device || account !== this.#households[sent.to].account) {
      this.#fail("P02", "a copy was shown of a message that no other own device sent")
    }
    const clean = this.isClean(sent.from, index)
    if (clean && sent.number > 0 && number !== sent.number) {
      this.#fail("P01", `the copy of message ${sent.number} was shown with another number`)
    }
    const { copied } = this.memory(index)
    if (copied.has(sent.text) && clean) this.#fail("P03", "a copy was shown twice on one device")
    copied.add(sent.text)
    if (coming.via === sent.from) this.#heard(index, sent.from, coming)
    this.#announced(index, sender)
  }

  // ---- The end

  /** P01 of everything that was not lost, on every device that is entitled to it. */
  arrived(): void {
    for (const sent of this.sent.values()) {
      if (sent.fate === "never" || !this.isClean(sent.from) || this.isRevoked(sent.from)) continue
      const name = `message ${sent.number} of a${sent.from}`
      for (const index of sent.required) {
        if (this.#isOwed(sent, index)) this.#fail("P01", `${name} was never shown on a${index}`)
      }
      for (const index of sent.copies) {
        if (this.#isOwed(sent, index))
          this.#fail("P01", `the copy of ${name} was never shown on a${index} (own.copy.1)`)
      }
      for (const [index, owing] of sent.owed) {
        const owed = [...owing].some((by) => this.isClean(by) && !this.isRevoked(by) && !this.died.has(by))
        if (owed && this.#isOwed(sent, index)) {
          this.#fail("P01", `${name}, received on another own device, was never shown on a${index} (own.received.1)`)
        }
      }
    }
  }

  #isOwed(sent: Sent, index: number): boolean {
    return this.isClean(index) && !this.isRevoked(index) && !sent.excused.has(index) && !this.wasShown(sent, index)
  }

  /** P14 when a device holds the newest manifest of an account: it told every version since its first. */
  toldAll(index: number, user: UserIndex, rule: string): void {
    const { first, told } = this.memory(index)
    if (!this.isClean(index) || this.died.has(index)) return
    for (let version = first[user] + 1; version <= this.#households[user].version; version++) {
      if (!told[user].has(version)) this.#fail("P14", `version ${version} was never told on a${index} (${rule})`)
    }
  }
}
