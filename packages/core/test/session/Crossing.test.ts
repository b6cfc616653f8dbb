import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Crossing from "../../src/session/Crossing.ts"
import { snapshot } from "./support.ts"

const mark = (rank: number, fill: number): Crossing.SessionMark => ({ id: new Uint8Array(16).fill(fill), rank })
const sessionsOf = (active: Crossing.SessionMark | undefined, ...archived: ReadonlyArray<Crossing.SessionMark>) => ({
  active,
  archived
})
const [low, middle, high] = [mark(10, 9), mark(20, 5), mark(30, 1)]

describe("Crossing", () => {
  it("orders sessions by rank, then by id [session.rank.1]", () => {
    expect(Crossing.compare(low, high)).toBeLessThan(0)
    expect(Crossing.compare(mark(5, 1), mark(5, 2))).toBeLessThan(0)
    expect(Crossing.compare(high, snapshot(high))).toBe(0)
  })

  it("ranks a new session by the clock, or above all that are known [session.rank.1]", () => {
    expect(Crossing.nextRank(Crossing.none, 1000)).toBe(1000)
    expect(Crossing.nextRank(sessionsOf(low, high, middle), 25)).toBe(31)
    expect(Crossing.nextRank(sessionsOf(low, high, middle), 40)).toBe(40)
  })

  it("ranks nothing above 2⁵² [session.rank.2]", () => {
    expect(Crossing.nextRank(sessionsOf(mark(2 ** 52 - 1, 1)), 40)).toBe(2 ** 52)
    expect(Crossing.nextRank(sessionsOf(mark(2 ** 52, 1)), 40)).toBe(2 ** 52)
    expect(Crossing.nextRank(Crossing.none, 2 ** 53)).toBe(2 ** 52)
  })

  it("makes a session this side begins active, and archives the one before [session.cross.1] [session.archive.1]", () => {
    const { dropped, next } = Crossing.begin(sessionsOf(low), middle)
    expect(next).toEqual(sessionsOf(middle, low))
    expect(dropped).toEqual([])
  })

  it("lets the higher of two starts win, whichever comes first [session.cross.1]", () => {
    expect(Crossing.accept(sessionsOf(low), high, false, false).next).toEqual(sessionsOf(high, low))
    expect(Crossing.accept(sessionsOf(high), low, false, false).next).toEqual(sessionsOf(high, low))
    expect(Crossing.accept(Crossing.none, low, false, false).next).toEqual(sessionsOf(low))
  })

  it("keeps 40 archived sessions and names what is dropped [session.record.1] [session.archive.1]", () => {
    let sessions = Crossing.none
    const dropped: Array<number> = []
    for (let rank = 1; rank <= 45; rank++) {
      const changed = Crossing.begin(sessions, mark(rank, rank))
      dropped.push(...changed.dropped.map((one) => one.rank))
      sessions = changed.next
    }
    expect(sessions.active?.rank).toBe(45)
    expect(sessions.archived.length).toBe(40)
    expect(sessions.archived[0]!.rank).toBe(44)
    expect(dropped).toEqual([1, 2, 3, 4])
  })

  it("goes up with a message in a higher archived session, and never down [session.cross.2]", () => {
    expect(Crossing.open(sessionsOf(low, high), high.id).next).toEqual(sessionsOf(high, low))
    const sessions = sessionsOf(high, low, middle)
    for (const { id } of [low, middle, high, mark(1, 77)]) expect(Crossing.open(sessions, id).next).toBe(sessions)
  })

  it("gives way to a retry request or a reset, and begins anew where that stands below another session [session.cross.3]", () => {
    const accept = (sessions: Crossing.Sessions, given: Crossing.SessionMark, waits = false) =>
      Crossing.accept(sessions, given, true, waits).next
    expect(accept(sessionsOf(low), high)).toEqual(sessionsOf(high, low))
    expect(accept(sessionsOf(high), low)).toEqual(sessionsOf(undefined, low, high))
    expect(accept(sessionsOf(middle, high), low)).toEqual(sessionsOf(undefined, low, middle, high))
    expect(accept(sessionsOf(high, low), low)).toEqual(sessionsOf(undefined, low, high))
    expect(accept(sessionsOf(high), high)).toEqual(sessionsOf(high))
    // A message of the higher session that comes late changes nothing any more, and what is begun next stands above it.
    const given = accept(sessionsOf(high), low)
    expect(Crossing.open(given, high.id).next).toBe(given)
    expect(Crossing.nextRank(given, 0)).toBe(high.rank + 1)
    // Once more, while the session that was begun for it waits for its answer: that one stays.
    const begun = Crossing.begin(given, mark(31, 4)).next
    expect(accept(begun, low, true)).toBe(begun)
    expect(accept(begun, low).active).toBeUndefined()
    expect(accept(begun, middle, true).active).toBeUndefined()
    expect(Crossing.accept(given, low, true, false).next.archived).toEqual([low, high])
  })

  it("does not let what a reset put away come back below it [session.reset.1] [session.cross.1]", () => {
    const reset = Crossing.archive(sessionsOf(middle, low)).next
    expect(reset).toEqual(sessionsOf(undefined, middle, low))
    expect(Crossing.open(reset, middle.id).next).toBe(reset)
    expect(Crossing.accept(reset, middle, false, false).next).toBe(reset)
    expect(Crossing.accept(reset, mark(15, 3), false, false).next.active).toBeUndefined()
    expect(Crossing.accept(reset, high, false, false).next.active).toEqual(high)
    expect(Crossing.archive(Crossing.none).next).toEqual(Crossing.none)
  })

  it("finds sessions [session.record.1]", () => {
    const sessions = sessionsOf(high, low)
    expect(Crossing.find(sessions, low.id)).toBe(low)
    expect(Crossing.find(sessions, middle.id)).toBeUndefined()
  })
})

// ---- Two devices and a network without manners

interface Packet {
  readonly mark: Crossing.SessionMark
  readonly isStart: boolean
  readonly takesOver: boolean
}

interface Side {
  sessions: Crossing.Sessions
  /** Ids of sessions this side began and got no answer in. */
  pending: ReadonlySet<string>
  resetting: boolean
}

const nameOf = ({ id }: Crossing.SessionMark): string => String(id)
let serial = 0

/** What a side sends now: in its active session, or in a new one. */
const speak = (side: Side, clock: number): Packet => {
  if (side.sessions.active === undefined) {
    const id = new Uint8Array(16)
    // Ids are hashes: their order says nothing about time.
    new DataView(id.buffer).setUint32(0, Math.imul(++serial, 0x9e3779b1) >>> 0)
    const begun = { id, rank: Crossing.nextRank(side.sessions, clock) }
    side.sessions = Crossing.begin(side.sessions, begun).next
    side.pending = new Set([...side.pending, nameOf(begun)])
  }
  const mark = side.sessions.active!
  const isStart = side.pending.has(nameOf(mark))
  const takesOver = isStart && side.resetting
  side.resetting = false
  return { mark, isStart, takesOver }
}

/** Whether the active session is an own one without an answer. */
const waits = ({ pending, sessions: { active } }: Side): boolean => active !== undefined && pending.has(nameOf(active))

/** Whether the packet opened. */
const hear = (side: Side, { isStart, mark, takesOver }: Packet): boolean => {
  if (!isStart && Crossing.find(side.sessions, mark.id) === undefined) return false
  side.sessions = (
    isStart ? Crossing.accept(side.sessions, mark, takesOver, waits(side)) : Crossing.open(side.sessions, mark.id)
  ).next
  side.pending = new Set([...side.pending].filter((name) => name !== nameOf(mark)))
  return true
}

const reset = (side: Side): void => {
  side.sessions = Crossing.archive(side.sessions).next
  side.resetting = true
}

const side = fc.constantFrom<0 | 1>(0, 1)
const event = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("send" as const), at: side, clock: fc.nat(20) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("deliver" as const), at: side, pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lose" as const), at: side, pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reset" as const), at: side }) }
)
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never

const makeSide = (): Side => ({ sessions: Crossing.none, pending: new Set(), resetting: false })

const play = (
  sides: readonly [Side, Side],
  towards: readonly [Array<Packet>, Array<Packet>],
  script: ReadonlyArray<Event>
) => {
  for (const act of script) {
    const self = sides[act.at]
    const inbox = towards[act.at]
    if (act.do === "send") towards[act.at === 0 ? 1 : 0].push(speak(self, act.clock))
    else if (act.do === "reset") reset(self)
    else if (inbox.length > 0) {
      const [packet] = inbox.splice(act.pick % inbox.length, 1)
      if (act.do === "deliver") hear(self, packet!)
    }
  }
}

describe("two devices", () => {
  it("send in one session after one message each way, whatever crossed, came late, was lost or was reset [session.cross.1] [session.cross.2] [session.cross.3] [session.reset.1]", () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 60, size: "max" }),
        fc.array(fc.nat(), { maxLength: 40 }),
        side,
        (script, order, begins) => {
          const sides = [makeSide(), makeSide()] as const
          const towards: readonly [Array<Packet>, Array<Packet>] = [[], []]
          play(sides, towards, script)
          // What is still under way arrives, in whatever order.
          for (const pick of [...order, ...Array.from({ length: 60 }, () => 0)]) {
            for (const at of [0, 1] as const) {
              const [packet] = towards[at].splice(pick % Math.max(1, towards[at].length), 1)
              if (packet !== undefined) hear(sides[at], packet)
            }
          }
          const other = begins === 0 ? 1 : 0
          expect(hear(sides[other], speak(sides[begins], 0))).toBe(true)
          expect(hear(sides[begins], speak(sides[other], 0))).toBe(true)
          expect(sides[0].sessions.active).toEqual(sides[1].sessions.active)
          // And they stay there.
          hear(sides[other], speak(sides[begins], 5))
          hear(sides[begins], speak(sides[other], 5))
          expect(sides[0].sessions.active).toEqual(sides[1].sessions.active)
        }
      ),
      { numRuns: 3000 }
    )
  })

  it("come together even after one of them was set back to an old copy [session.cross.3] [fence.detect.1]", () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 30, size: "max" }),
        fc.array(event, { maxLength: 30, size: "max" }),
        side,
        fc.boolean(),
        (before, after, restored, notices) => {
          const sides = [makeSide(), makeSide()] as const
          const towards: readonly [Array<Packet>, Array<Packet>] = [[], []]
          play(sides, towards, before)
          const copy = { ...sides[restored] }
          play(sides, towards, after)
          Object.assign(sides[restored], copy)
          if (notices) reset(sides[restored])
          towards[0].length = 0
          towards[1].length = 0
          // A message that does not open is answered by a retry request in a fresh session.
          for (let round = 0; round < 4; round++) {
            for (const [from, to] of [
              [0, 1],
              [1, 0]
            ] as const) {
              if (!hear(sides[to], speak(sides[from], 0))) reset(sides[to])
            }
          }
          expect(sides[0].sessions.active).toEqual(sides[1].sessions.active)
        }
      ),
      { numRuns: 2000 }
    )
  })

  it("lose nothing after one of them was set back and has said so, whatever of its former life comes late [session.cross.3] [fence.heal.1]", () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 30, size: "max" }),
        fc.array(event, { maxLength: 30, size: "max" }),
        fc.array(fc.constantFrom("late" as const, "peer" as const, "restored" as const), { maxLength: 20 }),
        side,
        (before, after, then, at) => {
          const sides = [makeSide(), makeSide()] as const
          const towards: readonly [Array<Packet>, Array<Packet>] = [[], []]
          play(sides, towards, before)
          const copy = { ...sides[at] }
          play(sides, towards, after)
          const [restored, peer] = [sides[at], sides[at === 0 ? 1 : 0]]
          const late = towards[at === 0 ? 1 : 0].filter(
            ({ isStart, mark }) => !isStart && Crossing.find(peer.sessions, mark.id) !== undefined
          )
          Object.assign(restored, copy)
          reset(restored)
          expect(hear(peer, speak(restored, 0))).toBe(true)
          for (const what of then) {
            if (what === "late") {
              const packet = late.pop()
              if (packet !== undefined) hear(peer, packet)
            } else {
              const [from, to] = what === "peer" ? [peer, restored] : [restored, peer]
              expect(hear(to, speak(from, 0))).toBe(true)
            }
          }
          hear(restored, speak(peer, 0))
          hear(peer, speak(restored, 0))
          hear(restored, speak(peer, 0))
          expect(sides[0].sessions.active).toEqual(sides[1].sessions.active)
        }
      ),
      { numRuns: 2000 }
    )
  })
})
