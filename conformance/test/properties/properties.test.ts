/** The properties pass the reference, repeat to the byte, and find what is wrong. Spec: docs/spec/21-conformance.md §21.3. */
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { describe, expect, it } from "vitest"
import type { Handler } from "../../src/protocol/Message.ts"
import type { Property, Steps, Wire } from "../../src/protocol/Result.ts"
import * as Bytecode from "../../src/properties/Bytecode.ts"
import * as Encoding from "../../src/properties/Encoding.ts"
import { sample } from "../../src/properties/Generate.ts"
import { Model } from "../../src/properties/Model.ts"
import {
  coverage,
  loadSeeds,
  promote,
  properties,
  readReproducer,
  replay,
  runProperties,
  shrink
} from "../../src/properties/Run.ts"
import { type Reproducer, runScript, type Stage } from "../../src/properties/RunScript.ts"
import { names, type Script } from "../../src/properties/Script.ts"
import { sizeOf } from "../../src/properties/World.ts"
import type { Subject } from "../../src/subject/Subject.ts"
import { create } from "../../subjects/reference/index.ts"
import { deviceVariants } from "../../subjects/variants/device.ts"
import { handlerSource, seed } from "../support.ts"
import { broken, brokenOperations } from "./broken.ts"

const crypto = await loadNodeProvider()
const all = properties.map(({ id }) => id)

const stage = async (make: () => Handler = create): Promise<Stage> => {
  const [subject, reference]: ReadonlyArray<Subject> = [
    await handlerSource(make).start(seed),
    await handlerSource(() => create()).start(seed)
  ]
  return { crypto, subject: async () => subject!, reference: async () => reference!, reached: new Set() }
}

const pair = (script: Script): Reproducer => ({ world: "pair", roles: ["subject", "subject"], script })

const judged = async (
  make: () => Handler,
  options: {
    readonly properties?: ReadonlyArray<string>
    readonly scripts: number
    readonly seeds?: ReadonlyArray<Reproducer>
  }
) => {
  const events: Array<Property | Steps | Wire> = []
  const reached = new Set<string>()
  for await (const event of runProperties(
    handlerSource(make),
    handlerSource(() => create()),
    {
      budget: "quick",
      seed,
      reached,
      size: { scripts: options.scripts, steps: 20 },
      seeds: options.seeds ?? [],
      ...(options.properties === undefined ? {} : { properties: options.properties })
    }
  )) {
    events.push(event)
  }
  const verdicts = events.filter((event) => event.event === "property")
  return { events, verdicts, reached }
}

describe("scripts", () => {
  it("repeat a run to the byte, whatever came before [property.script.1]", async () => {
    const one = sample(7, 0, 3, 25)[1]!
    const record = async () => {
      const said: Array<string> = []
      const at = await stage()
      await runScript(at, sample(8, 0, 1, 8)[0]!, new Set())
      await runScript(
        { ...at, record: (step, dir, message) => said.push(JSON.stringify([step, dir, message])) },
        one,
        new Set(all)
      )
      return said
    }
    const [first, second] = [await record(), await record()]
    expect(first.length).toBeGreaterThan(50)
    expect(second).toEqual(first)
  }, 120_000)

  it("are total: any step runs anywhere, and so does any part of a script [property.script.1]", async () => {
    const at = await stage()
    for (const name of names) {
      const script: Script = [[name, 255, 1, 77], ["send", 1, 0, 3], [name], ["all"], [name, 3, 2, 1]]
      const result = await runScript(
        at,
        { world: "trio", roles: ["subject", "reference", "subject"], script },
        new Set(all)
      )
      expect([name, result.violation, result.broken]).toEqual([name, undefined, undefined])
    }
    expect(readReproducer({ world: "pair", roles: ["subject", "reference"], script: [["send", 1.5]] })).toBeUndefined()
    expect(readReproducer({ world: "moon", roles: [], script: [] })).toBeUndefined()
    expect(
      readReproducer({ world: "pair", roles: { a0: "subject", a1: "reference" }, script: [["send", 1]] })
    ).toMatchObject({ world: "pair" })
  }, 180_000)

  it("are drawn again by their seed, for every world and role", () => {
    expect(sample(5, 1, 20, 10)).toEqual(sample(5, 1, 20, 10))
    expect(sample(5, 2, 20, 10)).not.toEqual(sample(5, 1, 20, 10))
    const many = sample(5, 0, 200, 10)
    expect(new Set(many.map(({ world }) => world)).size).toBe(3)
    for (const { roles, world } of many) {
      expect(roles.length).toBe(sizeOf(world))
      expect(roles).toContain("subject")
    }
    expect(new Set(many.map(({ roles }) => roles.join())).size).toBeGreaterThan(6)
  })

  it("that failed once pass, before all others", async () => {
    const seeds = loadSeeds()
    expect(seeds.length).toBeGreaterThan(1)
    const at = await stage()
    for (const one of seeds) {
      const { broken: halted, violation } = await runScript(at, one, new Set(all))
      expect([one.title, violation, halted]).toEqual([one.title, undefined, undefined])
    }
  }, 120_000)

  it("become drafts of vectors", async () => {
    const at = await stage()
    const draft = await promote(
      at,
      pair([["send", 0, 0, 1], ["all"], ["flip", 0, 7, 7]]),
      "device-draft-0001",
      "a bit flipped"
    )
    expect(draft.script.length).toBeGreaterThan(10)
    expect(draft.script.some(({ expect: kind }) => kind === "reject")).toBe(true)
    expect(draft.script.every(({ as, now }) => as.startsWith("a") && now > 0)).toBe(true)
  }, 60_000)
})

describe("the judge", () => {
  it("holds the reference to every property, in every role [property.judge.1]", async () => {
    const { events, reached, verdicts } = await judged(create, { scripts: 24 })
    expect(verdicts.map(({ outcome, property }) => [property, outcome])).toEqual(all.map((id) => [id, "pass"]))
    expect(coverage(reached).length).toBeGreaterThan(20)
    const done = events.find(({ event }) => event === "steps") as Steps
    expect(Object.keys(done.done)).toEqual(expect.arrayContaining([...names]))
    expect(Object.values(done.done).filter((count) => count > 0).length).toBeGreaterThan(20)
    expect(done.done["send"]).toBeGreaterThan(50)
    expect([...reached].some((one) => one.startsWith("receive authenticate auth.tag"))).toBe(true)
  }, 240_000)

  for (const [name, make] of Object.entries(deviceVariants)) {
    it(`has nothing against a device that ${name} [subject.features.2] [subject.reject.2]`, async () => {
      const { verdicts } = await judged(make, { scripts: 8 })
      const failed = verdicts.filter(({ outcome }) => outcome !== "pass" && outcome !== "excluded")
      expect(failed.map(({ message, property }) => [property, message])).toEqual([])
      expect(verdicts.filter(({ outcome }) => outcome === "pass").length).toBeGreaterThan(14)
    }, 180_000)
  }

  it("knows sets and counters, and no key [property.judge.1]", () => {
    const found: Array<string> = []
    const people = [
      { account: "a", device: "a1", user: "alice" },
      { account: "b", device: "b1", user: "bob" }
    ]
    const model = new Model(people, (property) => void found.push(property))
    const message = (text: string, number: number) => ({
      type: "message",
      from: "a1",
      account: "a",
      id: text,
      number,
      text,
      late: false
    })
    for (const [i, text] of ["01", "02", "03"].entries())
      model.answered(model.begin(0, 1, text), { id: text, number: i + 1 })
    model.events(1, [message("01", 1)], true)
    expect(found).toEqual([])
    model.events(1, [message("03", 3)], true)
    model.events(1, [message("01", 1)], true)
    model.events(0, [message("02", 2)], true)
    model.events(1, [message("09", 4)], true)
    expect(new Set(found)).toEqual(new Set(["P02", "P03", "P13"]))
  })

  for (const { how, make, property, script, world = "pair" } of broken) {
    it(`${property} finds a subject that ${how} [property.judge.1]`, async () => {
      const roles = Array.from({ length: sizeOf(world) }, () => "subject" as const)
      const result = await replay(await stage(make), { world, roles, script }, [property])
      expect(result.violation?.property).toBe(property)
    }, 120_000)
  }

  for (const { how, make, property } of brokenOperations) {
    it(`${property} finds a subject that ${how} [property.judge.1]`, async () => {
      const { verdicts } = await judged(make, { properties: [property], scripts: 60 })
      expect(verdicts.map(({ outcome }) => outcome)).toEqual(["fail"])
      expect(verdicts[0]!.message).toBeDefined()
    }, 120_000)
  }

  it("makes a failing script small, and tells every word of it", async () => {
    const twice = broken.find(({ how }) => how === "shows a message twice")!
    const { events, verdicts } = await judged(twice.make, { properties: ["P03"], scripts: 5 })
    const [{ failure, outcome } = { failure: undefined, outcome: "pass" }] = verdicts
    expect(outcome).toBe("fail")
    expect(failure!.script.length).toBeLessThanOrEqual(2)
    expect(events.some((event) => event.event === "wire")).toBe(true)
    const small = await shrink(
      await stage(twice.make),
      pair([["clock", 9], ["clock", 9], ...twice.script, ["poll", 3]]),
      "P03"
    )
    expect(small.script.length).toBeLessThanOrEqual(2)
  }, 240_000)

  it("says what a subject cannot be judged by, and what it faults at", async () => {
    const inner = create()
    const without: Handler = {
      handle: async (request) => {
        const reply = await inner.handle(request)
        if (request.op !== "hello" || !("ok" in reply)) return reply
        const features = reply.ok["features"] as { readonly families: object }
        const families = Object.fromEntries(Object.entries(features.families).filter(([name]) => name !== "device"))
        return { id: reply.id, ok: { ...reply.ok, features: { ...features, families } } }
      }
    }
    const { verdicts } = await judged(() => without, { scripts: 4 })
    const excluded = verdicts.filter(({ outcome }) => outcome === "excluded").map(({ property }) => property)
    expect(excluded).toEqual(all.filter((id) => id !== "P15" && id !== "P16"))
    const faulty = (): Handler => {
      const healthy = create()
      return {
        handle: (request) =>
          request.op === "poll" ? { id: request.id, fault: { message: "not today" } } : healthy.handle(request)
      }
    }
    const { verdicts: faults } = await judged(faulty, { properties: ["P01", "P12"], scripts: 3 })
    expect(faults.some(({ message, outcome }) => outcome === "fault" && message?.includes("not today") === true)).toBe(
      true
    )
  }, 240_000)
})

describe("the judge's own encoding", () => {
  it("writes and reads heads of every width, and finds a longer form", () => {
    for (const value of [0, 127, 128, 255, 256, 65_535, 65_536, 4_294_967_296, Number.MAX_SAFE_INTEGER]) {
      const bytes = Encoding.encode([value, "00", { text: "x" }, { map: [[value, "01"]] }])
      const items = Bytecode.items(bytes)
      expect(items?.[0]).toMatchObject({ type: "list", start: 0, end: bytes.length })
      for (const item of items ?? []) {
        const longer = Bytecode.longer(bytes, item)
        if (longer !== undefined) expect(Bytecode.items(longer)?.length).toBe(items!.length)
      }
    }
    expect(Bytecode.items(Uint8Array.of(0xc0))).toBeUndefined()
  })
})
