/** Two whole devices made of the steps alone, over a network that reorders, doubles, loses and forges. */
import * as Result from "effect/Result"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Bytes from "../../src/base/Bytes.ts"
import { fail, type Failure } from "../../src/base/Failure.ts"
import * as Body from "../../src/envelope/Body.ts"
import * as Envelope from "../../src/envelope/Envelope.ts"
import * as SessionTag from "../../src/envelope/SessionTag.ts"
import * as SkippedKeys from "../../src/ratchet/SkippedKeys.ts"
import * as ReplayWindow from "../../src/sequence/ReplayWindow.ts"
import * as Crossing from "../../src/session/Crossing.ts"
import type * as Receive from "../../src/session/Receive.ts"
import * as Session from "../../src/session/Session.ts"
import * as SessionStart from "../../src/session/SessionStart.ts"
import { providers } from "../crypto/helpers.ts"
import {
  accept,
  beginInput,
  contentOf,
  directOf,
  finish,
  makeParty,
  ok,
  openIn,
  type Party,
  sealTo,
  unseal
} from "./support.ts"

const crypto = providers.at(-1)!

interface Kept {
  session: Session.Session
  readonly skipped: SkippedKeys.SkippedKeys
}

/** What a client keeps, reduced to what the steps ask for. */
class Device {
  readonly party: Party
  list = Crossing.none
  readonly kept = new Map<string, Kept>()
  readonly seen = new Set<string>()
  window = ReplayWindow.empty
  sequence = 0
  resetting = false

  constructor(party: Party) {
    this.party = party
  }

  send(to: Device, said: string): Uint8Array | undefined {
    if (this.list.active === undefined) {
      const rank = Crossing.nextRank(this.list, 1000)
      const { session } = ok(
        SessionStart.begin(crypto, beginInput(crypto, this.party, to.party, 1, { rank, oneTime: false }))
      )
      this.kept.set(Bytes.toHex(session.id), { session, skipped: SkippedKeys.make() })
      this.list = Crossing.begin(this.list, Session.markOf(session)).next
      if (this.resetting) this.seal(to, { _tag: "Reset", reason: 0 }, 0)
    }
    return this.seal(to, { _tag: "Text", text: said }, ++this.sequence)
  }

  notices: Array<Uint8Array> = []

  private seal(to: Device, body: Body.Body, sequence: number): Uint8Array | undefined {
    const kept = this.kept.get(Bytes.toHex(this.list.active!.id))!
    const sealed = sealTo(
      crypto,
      this.party,
      to.party,
      kept.session,
      contentOf(crypto, this.party, to.party, body, sequence)
    )
    if (Result.isFailure(sealed)) {
      expect(sealed.failure.cause).toBe("limit.unanswered")
      if (sequence > 0) this.sequence--
      return undefined
    }
    kept.session = sealed.success.next
    if (body._tag === "Reset") {
      this.resetting = false
      this.notices.push(sealed.success.envelope)
    }
    return sealed.success.envelope
  }

  reset(): void {
    this.list = Crossing.archive(this.list).next
    this.resetting = true
  }

  /** What an envelope says, if it opens; keeps what the steps answer. */
  receive(from: Device, envelope: Uint8Array): Result.Result<string | undefined, Failure> {
    const frame = Envelope.decode(envelope)
    if (Result.isFailure(frame)) return Result.fail(frame.failure)
    return frame.success.kind === 1
      ? this.receiveStart(from, envelope)
      : this.receiveMessage(from, envelope, frame.success.body)
  }

  private receiveStart(from: Device, envelope: Uint8Array): Result.Result<string | undefined, Failure> {
    const opened = unseal(crypto, this.party, envelope)
    if (Result.isFailure(opened)) return Result.fail(opened.failure)
    const { prefix, unsealed } = opened.success
    const name = Bytes.toHex(unsealed.digest)
    const known = [...this.kept.values()].find(({ session }) => Bytes.equal(session.start, unsealed.digest))
    if (known !== undefined) {
      const direct = directOf(crypto, from.party, this.party)
      const { message } = unsealed.start
      const received = SessionStart.openKnown(crypto, known.session, known.skipped, { prefix, message, direct, now: 0 })
      return Result.isFailure(received) ? Result.fail(received.failure) : this.keep(known, received.success, true)
    }
    if (this.seen.has(name)) return fail("fresh.replayed-start")
    const received = accept(crypto, from.party, this.party, envelope)
    if (Result.isFailure(received)) return Result.fail(received.failure)
    this.seen.add(name)
    const made: Kept = { session: undefined as never, skipped: SkippedKeys.make() }
    const said = this.keep(made, received.success, true)
    this.kept.set(Bytes.toHex(made.session.id), made)
    return said
  }

  private receiveMessage(
    from: Device,
    envelope: Uint8Array,
    body: Uint8Array
  ): Result.Result<string | undefined, Failure> {
    const tag = SessionTag.of(body)
    if (tag === undefined) return fail("decode.truncated")
    const found = [...this.kept.values()].find(
      ({ session, skipped }) =>
        Session.tags(session).some((one) => Bytes.equal(one, tag)) || skipped.headerKey(tag) !== undefined
    )
    if (found === undefined) return fail("lookup.no-session")
    const received = openIn(crypto, from.party, this.party, found.session, found.skipped, envelope)
    return Result.isFailure(received) ? Result.fail(received.failure) : this.keep(found, received.success, false)
  }

  private keep(
    kept: Kept,
    received: Receive.Received | Receive.ReceivedTurning,
    isStart: boolean
  ): Result.Result<string | undefined, Failure> {
    kept.skipped.apply(received.delta)
    kept.session = finish(crypto, this.party, received).next
    const { body, sequence } = received.content
    const mark = Session.markOf(kept.session)
    const { active } = this.list
    const waits = active !== undefined && this.kept.get(Bytes.toHex(active.id))?.session.pending !== undefined
    this.list = (
      isStart ? Crossing.accept(this.list, mark, Body.takesOver(body), waits) : Crossing.open(this.list, mark.id)
    ).next
    if (sequence === 0) return Result.succeed(undefined)
    const outcome = ok(ReplayWindow.accept(this.window, sequence))
    this.window = outcome.next
    // Ratchet keys are used once, so nothing that opens is ever a repetition.
    expect(outcome._tag).toBe("Accepted")
    return Result.succeed(body._tag === "Text" ? body.text : undefined)
  }

  /** Everything that is stored, to see that a refusal changed nothing. */
  record(): unknown {
    return {
      list: this.list,
      window: ReplayWindow.encode(this.window),
      sessions: [...this.kept].map(([id, { session, skipped }]) => [
        id,
        Session.encode(session),
        skipped.oldest(3000).map(SkippedKeys.encode)
      ])
    }
  }
}

const end = fc.constantFrom<0 | 1>(0, 1)
const event = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("send" as const), at: end }) },
  { weight: 7, arbitrary: fc.record({ do: fc.constant("deliver" as const), at: end, pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("forge" as const), at: end, pick: fc.nat(), place: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reset" as const), at: end }) }
)

interface InFlight {
  readonly envelope: Uint8Array
  readonly said: string | undefined
  delivered: boolean
}

describe("two devices", () => {
  it("deliver everything exactly once and end in one session, whatever the network does [session.start.2] [session.cross.1] [session.cross.2] [session.cross.3] [sequence.number.1] [ratchet.atomic.1] [failure.stage.1]", () => {
    const delivered = { count: 0 }
    fc.assert(
      fc.property(fc.array(event, { maxLength: 50, size: "max" }), (script) => {
        const devices = [new Device(makeParty(crypto, 1)), new Device(makeParty(crypto, 2))] as const
        const towards: readonly [Array<InFlight>, Array<InFlight>] = [[], []]
        let spoken = 0
        const send = (at: 0 | 1): void => {
          const other = at === 0 ? 1 : 0
          const said = `message ${spoken++}`
          const envelope = devices[at].send(devices[other], said)
          for (const notice of devices[at].notices.splice(0))
            towards[other].push({ envelope: notice, said: undefined, delivered: false })
          if (envelope !== undefined) towards[other].push({ envelope, said, delivered: false })
        }
        const deliver = (at: 0 | 1, packet: InFlight): void => {
          const received = devices[at].receive(devices[at === 0 ? 1 : 0], packet.envelope)
          if (packet.delivered) {
            expect(Result.isFailure(received) && received.failure.cause).toMatch(/^(fresh\.|lookup\.no-session)/)
          } else {
            expect(ok(received)).toBe(packet.said)
            packet.delivered = true
            delivered.count++
          }
        }
        for (const act of script) {
          const inbox = towards[act.at]
          if (act.do === "send") send(act.at)
          else if (act.do === "reset") devices[act.at].reset()
          else if (inbox.length > 0) {
            const packet = inbox[act.pick % inbox.length]!
            if (act.do === "deliver") deliver(act.at, packet)
            else {
              const forged = packet.envelope.slice()
              forged[act.place % forged.length]! ^= 1 + (act.place % 255)
              const before = devices[act.at].record()
              expect(Result.isFailure(devices[act.at].receive(devices[act.at === 0 ? 1 : 0], forged))).toBe(true)
              expect(devices[act.at].record()).toEqual(before)
            }
          }
        }
        for (const at of [0, 1] as const) {
          for (const packet of towards[at]) if (!packet.delivered) deliver(at, packet)
        }
        for (const at of [0, 1] as const) {
          send(at)
          for (const packet of towards[at === 0 ? 1 : 0]) if (!packet.delivered) deliver(at === 0 ? 1 : 0, packet)
        }
        expect(devices[0].list.active).toBeDefined()
        expect(devices[0].list.active).toEqual(devices[1].list.active)
      }),
      { numRuns: 60 }
    )
    expect(delivered.count).toBeGreaterThan(500)
  })
})
