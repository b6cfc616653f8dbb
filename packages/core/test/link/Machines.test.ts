import { Bytes, Canonical, LinkFrame, LinkJoin, LinkOffer } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { crypto, draw, everything, fleet, joiner, minutes, now, payloadFor, pinOnly, World } from "./support.ts"

/** What can happen to the two ends, genuine or not. Numbers are taken modulo what there is. */
const action = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constant("deliver"), end: fc.nat(1), change: fc.constant(0), byte: fc.nat() })
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("deliver", "replay", "reflect"),
      end: fc.nat(1),
      change: fc.nat(255),
      byte: fc.nat()
    })
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("noise"), bytes: fc.uint8Array({ maxLength: 80 }), end: fc.nat(1) })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("frame"),
      kind: fc.integer({ min: 1, max: 6 }),
      end: fc.nat(1),
      byte: fc.nat(255)
    })
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom("scan", "scan-wrong", "type", "type-wrong", "confirm-old", "confirm-new", "grant", "finish"),
      end: fc.constant(0)
    })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("abort", "late", "tick"), end: fc.nat(1) }) }
)
type Action = { readonly do: string; readonly end: number } & Partial<Record<"change" | "byte" | "kind", number>> & {
    readonly bytes?: Uint8Array
  }

/** What must have happened before a payload may leave: judged by what people did, not by the machines' states. */
interface People {
  scanned: boolean
  typed: boolean
  confirmedOld: boolean
  confirmedNew: boolean
}

const frameOf = (kind: number, byte: number): Uint8Array => {
  const key = new Uint8Array(32).fill(byte)
  switch (kind) {
    case 1:
    case 2:
      return Canonical.encode([kind, key])
    case 3:
      return Canonical.encode([3, key, key, key, key, [1 + (byte % 3)]])
    case 6:
      return Canonical.encode([6, 1 + (byte % 7)])
    default:
      return Canonical.encode([kind, new Uint8Array(16 + byte).fill(byte)])
  }
}

/** Runs a script; returns how it ended. Throws where a promise of the machines is broken. */
const run = (able: typeof everything, script: ReadonlyArray<Action>): World => {
  const world = new World(able)
  const sent: [Array<Uint8Array>, Array<Uint8Array>] = [[], []]
  const people: People = { scanned: false, typed: false, confirmedOld: false, confirmedNew: false }
  let wrong = 0
  const offer = (result: Result.Result<LinkOffer.Step, unknown>, before: string): void => {
    expect(JSON.stringify(world.offer)).toBe(before)
    if (Result.isFailure(result)) return
    world.old(result as never)
    for (const frame of result.success.out) sent[1].push(frame)
    if (result.success.events.some((event) => event._tag === "Verified")) {
      const [code, pin, digits] = [people.scanned, people.typed, people.confirmedOld && people.confirmedNew]
      expect(able === everything ? code : able === pinOnly ? pin : digits).toBe(true)
    }
    wrong += result.success.events.filter((event) => event._tag === "WrongPin").length
    expect(wrong).toBeLessThanOrEqual(3)
  }
  const join = (result: Result.Result<LinkJoin.Step, unknown>, before: string): void => {
    expect(JSON.stringify(world.join)).toBe(before)
    if (Result.isFailure(result)) return
    world.new(result as never)
    for (const frame of result.success.out) sent[0].push(frame)
    if (result.success.events.some((event) => event._tag === "Received")) expect(granted).toBe(true)
  }
  let granted = false
  const receive = (end: number, frame: Uint8Array, at = now): void => {
    if (end === 0) offer(LinkOffer.receive(crypto, world.offer, frame, at), JSON.stringify(world.offer))
    else join(LinkJoin.receive(crypto, world.join, frame, at), JSON.stringify(world.join))
  }
  for (const step of script) {
    const { byte = 0, change = 0, end } = step
    const queue = end === 0 ? world.toOld : world.toNew
    const pool = [...sent[0], ...sent[1], ...world.toOld, ...world.toNew]
    const changed = (frame: Uint8Array | undefined): Uint8Array => {
      if (frame === undefined) return Bytes.empty
      const out = frame.slice()
      out[byte % out.length]! ^= change
      return out
    }
    const [a, b] = [JSON.stringify(world.offer), JSON.stringify(world.join)]
    switch (step.do) {
      case "deliver":
        receive(end, change === 0 ? (queue.shift() ?? Bytes.empty) : changed(queue[0]))
        break
      case "replay":
      case "reflect":
        receive(end, changed(pool[byte % Math.max(1, pool.length)]))
        break
      case "noise":
        receive(end, step.bytes!)
        break
      case "frame":
        receive(end, frameOf(step.kind!, byte))
        break
      case "scan": {
        const shown = world.joinEvents.find((event) => event._tag === "ShowCode")
        if (shown !== undefined) people.scanned = true
        offer(LinkOffer.scanned(crypto, world.offer, shown?.code ?? draw("none"), now), a)
        break
      }
      case "scan-wrong":
        offer(LinkOffer.scanned(crypto, world.offer, Canonical.encode([1, draw("p"), draw("s", 16)]), now), a)
        break
      case "type":
      case "type-wrong": {
        const shown = world.offerEvents.find((event) => event._tag === "ShowPin")
        const right = step.do === "type" && shown !== undefined
        if (right) people.typed = true
        join(LinkJoin.typed(crypto, world.join, right ? shown.pin : "99999999", now), b)
        break
      }
      case "confirm-old":
        people.confirmedOld = true
        offer(LinkOffer.confirm(crypto, world.offer, now), a)
        break
      case "confirm-new":
        people.confirmedNew = true
        join(LinkJoin.confirm(crypto, world.join, now), b)
        break
      case "grant": {
        const verified = world.offer._tag === "Verified"
        const result = LinkOffer.grant(crypto, world.offer, payloadFor(joiner), now)
        expect(Result.isSuccess(result)).toBe(verified)
        if (verified) granted = true
        offer(result, a)
        break
      }
      case "finish":
        join(LinkJoin.finish(crypto, world.join, now), b)
        break
      case "abort":
        if (end === 0) offer(Result.succeed(LinkOffer.abort(crypto, world.offer, "cancelled")), a)
        else join(Result.succeed(LinkJoin.abort(crypto, world.join, "cancelled")), b)
        break
      case "late":
        receive(end, queue[0] ?? Bytes.empty, now + 10 * minutes)
        break
      default:
        if (end === 0) offer(Result.succeed(LinkOffer.tick(crypto, world.offer, now)), a)
        else join(Result.succeed(LinkJoin.tick(crypto, world.join, now)), b)
    }
  }
  return world
}

/** What happens when nobody disturbs. */
const genuineFor = (able: typeof everything): ReadonlyArray<Action> => {
  const delivery = (end: number): Action => ({ do: "deliver", end, change: 0 })
  const people = able === everything ? ["scan"] : able === pinOnly ? ["type"] : ["confirm-old", "confirm-new"]
  return [
    ...[0, 1, 0, 0, 1].map(delivery),
    ...people.map((name) => ({ do: name, end: 0 })),
    delivery(0),
    { do: "grant", end: 0 },
    delivery(1),
    { do: "finish", end: 0 },
    delivery(0),
    delivery(1)
  ]
}

describe.each([
  ["code", everything],
  ["PIN", pinOnly],
  ["digits", fleet]
] as const)("Both ends by %s, whatever comes", (_, able) => {
  it("never throw, change nothing when they refuse, and hand over only after what people did [link.secret.1] [link.frame.2]", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 24 }), fc.nat(12), (script, from) => {
        run(able, [...genuineFor(able).slice(0, from), ...(script as ReadonlyArray<Action>)])
      }),
      { numRuns: 40 }
    )
  })

  it("come to the end whatever is refused once the channel stands [link.frame.2]", () => {
    const disturbance = fc.record({
      do: fc.constantFrom("noise", "replay", "reflect", "scan-wrong"),
      end: fc.nat(1),
      bytes: fc.uint8Array({ maxLength: 60 }),
      byte: fc.nat(),
      change: fc.integer({ min: 1, max: 255 })
    })
    fc.assert(
      fc.property(fc.array(disturbance, { minLength: 14, maxLength: 14 }), (noise) => {
        const genuine = genuineFor(able)
        // Before, whoever carries frames can spoil a linking by a frame of its own; nothing comes of it but that.
        const script = genuine.flatMap((step, i) => (i < 5 || noise[i] === undefined ? [step] : [noise[i], step]))
        const harmless = script.filter(
          // A bare abort before the channel is heard is the one thing anybody can do.
          (step) => !(step.do === "noise" && step.bytes?.[1] !== undefined && step.bytes[0] === 0x92)
        )
        const world = run(able, harmless)
        expect([world.offer._tag, world.join._tag]).toEqual(["Linked", "Linked"])
      }),
      { numRuns: 25 }
    )
  })
})

describe("Frames", () => {
  it("decode to what they encode, or are refused, whatever the bytes [link.frame.1]", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const read = LinkFrame.decode(bytes)
        if (Result.isSuccess(read)) expect(LinkFrame.Frame.encode(read.success)).toEqual(Uint8Array.from(bytes))
      })
    )
    const largest = Canonical.encode([4, new Uint8Array(65_531)])
    expect(largest).toHaveLength(65_536)
    expect(Result.isSuccess(LinkFrame.decode(largest))).toBe(true)
    expect(Result.isSuccess(LinkFrame.decode(Canonical.encode([4, new Uint8Array(65_532)])))).toBe(false)
    expect(Result.isSuccess(LinkFrame.decode(Canonical.encode([5, new Uint8Array(15)])))).toBe(false)
  })

  it("know seven reasons [link.abort.1]", () => {
    expect(Object.values(LinkFrame.reasons)).toEqual([1, 2, 3, 4, 5, 6, 7])
    for (const [name, number] of Object.entries(LinkFrame.reasons)) expect(LinkFrame.reasonOf(number)).toBe(name)
    for (const number of [0, 8]) expect(Result.isFailure(LinkFrame.decode(Canonical.encode([6, number])))).toBe(true)
  })
})
