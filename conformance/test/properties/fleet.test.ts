/** Worlds of several devices: they pass the reference, repeat to the byte, and find what is wrong. Spec: docs/spec/21-conformance.md §21.3. */
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { describe, expect, it } from "vitest"
import * as Fleets from "../../src/properties/fleet/Steps.ts"
import { Household } from "../../src/properties/fleet/Members.ts"
import { Lines } from "../../src/properties/fleet/Lines.ts"
import { judge } from "../../src/properties/Judge.ts"
import { promote, properties, readReproducer, replay, runProperties, shrink } from "../../src/properties/Run.ts"
import { type Reproducer, runScript, type Stage } from "../../src/properties/RunScript.ts"
import { all as steps, type Script } from "../../src/properties/Script.ts"
import { sizeOf } from "../../src/properties/World.ts"
import type { Handler } from "../../src/protocol/Message.ts"
import type { Property, Steps, Wire } from "../../src/protocol/Result.ts"
import { isObject } from "../../src/protocol/Value.ts"
import { isProperty } from "../../src/run/Properties.ts"
import { create } from "../../subjects/reference/index.ts"
import { deviceVariants } from "../../subjects/variants/device.ts"
import { handlerSource, seed } from "../support.ts"
import { brokenFleet } from "./brokenFleet.ts"
import { okOf, put } from "./wrong.ts"

const crypto = await loadNodeProvider()
const fleet = properties.filter(({ judged }) => judged === "fleet").map(({ id }): string => id)
const watched = new Set(fleet)

const stage = async (make: () => Handler = create): Promise<Stage> => {
  const subject = await handlerSource(make).start(seed)
  const reference = await handlerSource(() => create()).start(seed)
  return { crypto, subject: async () => subject, reference: async () => reference, reached: new Set() }
}

const world = (script: Script): Reproducer => ({
  world: "fleet",
  roles: Array.from({ length: sizeOf("fleet") }, () => "subject" as const),
  script
})

const judged = async (make: () => Handler, scripts: number, only: ReadonlyArray<string> = fleet) => {
  const found: Array<Property | Steps | Wire> = []
  const options = { budget: "quick", seed, seeds: [], properties: only, size: { scripts, steps: 24 } } as const
  const source = handlerSource(() => create())
  for await (const event of runProperties(handlerSource(make), source, options)) found.push(event)
  return { events: found, verdicts: found.filter((event) => event.event === "property") }
}

describe("worlds of several devices", () => {
  it("repeat a run to the byte, whatever came before, in mixed roles [property.script.1]", async () => {
    const [first, one] = Fleets.sample(7, 0, 2, 20) as [Reproducer, Reproducer]
    expect(new Set(one.roles).size).toBe(2)
    const record = async (before: ReadonlyArray<Reproducer>) => {
      const said: Array<string> = []
      const at = await stage()
      for (const other of before) await runScript(at, other, new Set())
      const told = { ...at, record: (...all: ReadonlyArray<unknown>) => void said.push(JSON.stringify(all)) }
      await runScript(told, one, watched)
      return said
    }
    const said = await record([])
    expect(said.length).toBeGreaterThan(100)
    expect(await record([first])).toEqual(said)
  }, 120_000)

  it("are total: any step runs anywhere [property.script.1]", async () => {
    const at = await stage()
    const script = steps.flatMap((name): Script => [[name, 255, 1, 77], [name]])
    for (const part of [script.slice(0, 60), script.slice(60), script.toReversed().slice(0, 40)]) {
      const { broken, violation } = await runScript(at, world(part), watched)
      expect([violation, broken]).toEqual([undefined, undefined])
    }
  }, 180_000)

  it("are drawn again by their seed, with devices and roles of every kind", () => {
    expect(Fleets.sample(5, 1, 20, 10)).toEqual(Fleets.sample(5, 1, 20, 10))
    expect(Fleets.sample(5, 2, 20, 10)).not.toEqual(Fleets.sample(5, 1, 20, 10))
    const many = Fleets.sample(5, 0, 100, 12)
    for (const { roles, script, world: name } of many) {
      expect([name, roles.length, script.length]).toEqual(["fleet", sizeOf("fleet"), 12])
      expect([roles[0], roles[3]]).toContain("subject")
    }
    expect(new Set(many.map(({ roles }) => roles.join())).size).toBeGreaterThan(30)
    expect(readReproducer(many[0])).toEqual(many[0])
  })

  it("hold the reference to every property, in every role, at level 3 [property.devices.1] [level.cumulative.1]", async () => {
    const { events, verdicts } = await judged(create, 96)
    expect(verdicts.map(({ level, outcome, property }) => [property, outcome, level])).toEqual(
      fleet.map((id) => [id, "pass", 3])
    )
    const done = events.find(({ event }) => event === "steps") as Steps
    for (const name of ["admit", "expel", "inform", "withhold", "outdated", "drain"]) {
      expect([name, (done.done[name] ?? 0) > 0]).toEqual([name, true])
    }
    expect(fleet.every(isProperty)).toBe(true)
  }, 240_000)

  for (const [name, make] of Object.entries(deviceVariants)) {
    it(`have nothing against a device that ${name} [property.devices.1]`, async () => {
      const { verdicts } = await judged(make, 40)
      expect(verdicts.map(({ message, outcome, property }) => [property, outcome, message])).toEqual(
        fleet.map((id) => [id, "pass", undefined])
      )
    }, 180_000)
  }

  it("are not asked of a subject that does not declare them [subject.features.2]", async () => {
    const inner = create()
    const asked = new Set<string>()
    const without: Handler = {
      handle: async (request) => {
        asked.add(request.op)
        const reply = await inner.handle(request)
        const features = okOf(reply)?.["features"]
        if (request.op !== "hello" || !isObject(features)) return reply
        const { several: _, ...rest } = features
        return put(reply, { features: rest })
      }
    }
    const { verdicts } = await judged(() => without, 16)
    expect(new Set(verdicts.map(({ outcome }) => outcome))).toEqual(new Set(["excluded"]))
    expect([...asked]).toEqual(["hello", "bye"])
  }, 60_000)

  it("are of level 3 and left out below [level.cumulative.1]", async () => {
    const found: Array<string> = []
    const { reference, subject } = await stage()
    const emit = (event: Property | Steps | Wire): void => void found.push(event.event)
    const size = { scripts: 8, steps: 4 }
    await judge({ crypto, subject, reference, seed, size, only: fleet, level: 2, seeds: [], emit })
    expect(found).toEqual([])
    await judge({ crypto, subject, reference, seed, size, only: fleet.slice(0, 1), level: 3, seeds: [], emit })
    expect(found).toEqual(["property", "steps"])
  }, 60_000)

  it("become drafts of vectors", async () => {
    const draft = await promote(await stage(), world([["admit", 1], ["send", 0], ["all"]]), "fleet-draft-1", "two")
    expect(draft.script.map(({ do: op }) => op)).toEqual(expect.arrayContaining(["actor.keys", "device.admit"]))
    expect(draft.needs).toEqual(["device/1"])
  }, 60_000)

  it("know accounts by what their manifests say, version by version", () => {
    const household = new Household(0)
    household.publish("01", { added: 0 })
    household.publish("02", { added: 1 })
    household.publish("03", { revoked: 1 })
    household.publish("04", { added: 2 })
    expect([...household.present]).toEqual([0, 2])
    expect(household.revokedIn(1)).toBe(3)
    const { any, every } = household.between(1, 3)
    expect([any, every]).toEqual([new Set([0, 1]), new Set([0])])
    expect([...household.between(3, 2).every]).toEqual([0])
  })

  it("know numbers by device: what is missing, what is late, what is not so", () => {
    const take = (
      of: Lines,
      said: ReadonlyArray<object>,
      number: number,
      late: boolean,
      due: ReadonlyArray<number>
    ) => {
      const failed: Array<string> = []
      of.begin(
        said.map((one) => ({ device: "a", ...one })),
        true,
        (message) => failed.push(message)
      )
      of.of("a").said ??= { gaps: new Set(), filled: new Set(), strict: true, fail: (one) => failed.push(one) }
      of.of("a").judge("a", number, late, { due, may: new Set([...due, number]) }, true)
      of.end(() => true)
      return failed.length
    }
    const gap = { type: "gap", from: 2, to: 2 }
    const filled = { type: "gap-filled", number: 2 }
    const upTo1 = new Lines()
    expect(take(upTo1, [], 1, false, [1])).toBe(0)
    expect(take(upTo1.copy(), [], 3, false, [1, 2, 3])).toBe(1)
    expect(take(upTo1.copy(), [gap], 3, false, [1, 3])).toBe(1)
    const upTo3 = upTo1.copy()
    expect(take(upTo3, [gap], 3, false, [1, 2, 3])).toBe(0)
    expect(take(upTo3.copy(), [filled], 2, true, [1, 2, 3])).toBe(0)
    expect(take(upTo3.copy(), [], 2, true, [1, 2, 3])).toBe(1)
    expect(take(upTo3.copy(), [filled], 2, false, [1, 2, 3])).toBe(1)
    expect(take(upTo3.copy(), [filled], 4, false, [1, 2, 3, 4])).toBe(1)
  })

  for (const { how, make, property, script } of brokenFleet) {
    it(`${property} finds a subject that ${how} [property.devices.1]`, async () => {
      const result = await replay(await stage(make), world(script), [property])
      expect([result.violation?.property, result.broken]).toEqual([property, undefined])
      const honest = await replay(await stage(), world(script), fleet)
      expect([honest.violation, honest.broken]).toEqual([undefined, undefined])
    }, 120_000)
  }

  it("make a failing script small, and tell every word of it", async () => {
    const quiet = brokenFleet.find(({ how }) => how === "keeps quiet about a new device of a contact")!
    const { events, verdicts } = await judged(quiet.make, 40, ["P14-devices"])
    expect(verdicts[0]!.outcome).toBe("fail")
    expect(verdicts[0]!.failure).toMatchObject({ world: "fleet" })
    expect(verdicts[0]!.failure!.script.length).toBeLessThanOrEqual(4)
    expect(events.some(({ event }) => event === "wire")).toBe(true)
    const long = world([["clock", 9], ["clock", 9], ...quiet.script, ["poll", 3]])
    const small = await shrink(await stage(quiet.make), long, "P14-devices")
    expect(small.script.length).toBeLessThanOrEqual(2)
  }, 240_000)
})
