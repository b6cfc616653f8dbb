/**
 * Runs: verdicts, levels, known failures, restarts, exit codes.
 *
 * Spec: docs/spec/21-conformance.md; docs/spec/20-subject.md §20.2, §20.4.
 */
import { describe, expect, it } from "vitest"
import { create } from "../subjects/reference/index.ts"
import type { KnownFailures } from "../src/protocol/KnownFailures.ts"
import type { Features } from "../src/protocol/Hello.ts"
import type { Handler, Outcome, Request } from "../src/protocol/Message.ts"
import type { CaseOutcome, Footer, Header, Property, Result } from "../src/protocol/Result.ts"
import type { Members } from "../src/protocol/Value.ts"
import { runCase } from "../src/run/CaseRun.ts"
import { ExitCode, strongest } from "../src/run/ExitCode.ts"
import { judge } from "../src/run/Judge.ts"
import { BadKnownFile, inRange, KnownList, parseKnown, updated } from "../src/run/Known.ts"
import { levelOf, marksOf } from "../src/run/Levels.ts"
import { greetHandler } from "../src/subject/InProcess.ts"
import { restartBudget } from "../src/subject/Keeper.ts"
import { processSource } from "../src/subject/Process.ts"
import { StartFailure, type Source, type Subject } from "../src/subject/Subject.ts"
import { Timeouts } from "../src/subject/Timeouts.ts"
import type { Case } from "../src/suite/Case.ts"
import { matcher } from "../src/suite/Pattern.ts"
import { handlerSource, program, runOf, seed, suite } from "./support.ts"

const cases = (): ReadonlyMap<string, Case> => new Map(suite().cases.map((item) => [item.id, item]))

/** The reference, with another outcome where `change` gives one. */
const altered = (
  change: (request: Request, outcome: Outcome) => Outcome | undefined,
  features: Members = {}
): Handler => {
  const reference = create()
  return {
    handle: async (request) => {
      const { id, ...outcome } = await reference.handle(request)
      if (request.op === "hello" && "ok" in outcome) {
        const own = { ...(outcome.ok["features"] as Members), concurrency: 1, ...features }
        return { id, ok: { ...outcome.ok, features: own } }
      }
      return { id, ...(change(request, outcome) ?? outcome) }
    }
  }
}

const only = (...ids: ReadonlyArray<string>) => ({ selection: { families: [], cases: ids } })
const result = (ran: { readonly ended: ReadonlyArray<Result | Property> }, id: string): Result =>
  ran.ended.find((one): one is Result => one.event === "result" && one.case === id)!

describe("a verdict", () => {
  const ok: Outcome = { ok: { out: "00", list: [1, { a: "ff" }] } }
  const refusal = { reject: { stage: "authenticate", class: ["auth.tag"] } } as const

  it("on what must be accepted: ok with the very values, member for member [verdict.case.1] [subject.call.1]", () => {
    const expected = { ok: { list: [1, { a: "ff" }], out: "00" } }
    expect(judge(ok, expected).outcome).toBe("pass")
    for (const other of [
      { out: "00", list: [1, { a: "fe" }] },
      { out: "00", list: [1] },
      { out: "00", list: [1, { a: "ff" }], more: 1 },
      { out: "00" },
      { out: "00", list: { 0: 1, 1: { a: "ff" } } },
      { out: 0, list: [1, { a: "ff" }] }
    ]) {
      expect(judge({ ok: other }, expected).outcome, JSON.stringify(other)).toBe("fail")
    }
    expect(judge({ reject: {} }, expected).outcome).toBe("fail")
  })

  it("tells where values begin to differ", () => {
    expect(judge(ok, { ok: { out: "00", list: [1, { a: "fe" }] } }).message).toBe('gave list[1].a: "ff", expected "fe"')
    expect(judge(ok, { ok: { out: "00" } }).message).toBe('gave list: [1,{"a":"ff"}], expected nothing')
    const [a, b] = ["00".repeat(50), `${"00".repeat(40)}ff${"00".repeat(9)}`]
    expect(judge({ ok: { out: a } }, { ok: { out: b } }).message).toContain("(from byte 40)")
  })

  it("on what must be refused: at the stage; opaque stands for authenticate to decrypt [verdict.stage.1] [subject.reject.2]", () => {
    const at = (stage: string | undefined, expected: string): CaseOutcome =>
      judge(
        { reject: stage === undefined ? {} : { stage: stage as "decode" } },
        { reject: { stage: expected as "decode" } }
      ).outcome
    expect(at("authenticate", "authenticate")).toBe("pass")
    expect(at("decode", "authenticate")).toBe("stage")
    expect(at(undefined, "authenticate")).toBe("stage")
    for (const stage of ["authenticate", "freshness", "decrypt"]) expect(at("opaque", stage)).toBe("pass")
    for (const stage of ["decode", "version", "policy", "lookup", "apply", "limit"]) {
      expect(at("opaque", stage)).toBe("stage")
    }
    expect(judge({ ok: {} }, refusal).outcome).toBe("fail")
    expect(judge({ reject: {} }, { reject: {} }).outcome).toBe("pass")
  })

  it("shows a wrong class and does not score it [verdict.stage.1]", () => {
    expect(judge({ reject: { stage: "authenticate", class: "auth.header" } }, refusal)).toEqual({
      outcome: "pass",
      class: { expected: ["auth.tag"], actual: "auth.header" }
    })
    expect(judge({ reject: { stage: "authenticate", class: "auth.tag" } }, refusal)).toEqual({ outcome: "pass" })
  })

  it("is a failure for whatever is neither, also where a refusal is expected [verdict.case.1] [verdict.outcome.1] [subject.reject.1]", () => {
    const others = [
      [{ fault: { message: "x" } }, "fault"],
      [{ unsupported: { feature: "x" } }, "unsupported"],
      [{ lost: { kind: "timeout", message: "", stderr: "" } }, "timeout"],
      [{ lost: { kind: "crash", message: "", stderr: "" } }, "crash"],
      [{ lost: { kind: "violation", message: "", stderr: "" } }, "violation"]
    ] as const
    for (const [answer, outcome] of others) {
      expect(judge(answer, refusal).outcome).toBe(outcome)
      expect(judge(answer, { ok: {} }).outcome).toBe(outcome)
    }
  })
})

describe("a case", () => {
  const start = (handler: Handler): Promise<Subject> => greetHandler(handler, seed, new Timeouts())
  const said = async (handler: Handler, id: string) => runCase(await start(handler), cases().get(id)!)

  it("of calls is one request without an actor, names resolved [subject.call.1] [subject.call.2]", async () => {
    const item = suite().cases.find(
      ({ family, in: given }) => family === "envelope" && JSON.stringify(given ?? {}).includes('"$')
    )!
    const { outcome, wires } = await said(create(), item.id)
    expect(outcome).toBe("pass")
    expect(wires).toHaveLength(2)
    expect(wires[0]!.message).not.toHaveProperty("as")
    expect(JSON.stringify(wires)).not.toContain('"$')
  })

  it("of transcripts begins with a reset; digests stand around what is refused [subject.call.2] [subject.digest.1] [subject.reset.1]", async () => {
    const { wires } = await said(create(), "window-in-order-1-1")
    const asked = wires.filter(({ dir }) => dir === "request").map(({ message }) => message["op"])
    expect(asked.slice(0, 5)).toEqual(["reset", "window.accept", "digest", "window.accept", "digest"])
    expect(asked.filter((op) => op === "digest")).toHaveLength(2)
  })

  it("fails when a refused step changed something, even if all else is right [verdict.stage.1] [subject.atomic.1]", async () => {
    let refused = 0
    const handler = altered((request, outcome) => {
      if ("reject" in outcome) refused += 1
      return request.op === "digest" ? { ok: { digest: `0${refused % 10}` } } : undefined
    })
    const end = await said(handler, "window-in-order-1-1")
    expect(end).toMatchObject({ outcome: "fail", step: 1, message: "the refused step changed what the actor keeps" })
  })

  it("fails when genuine traffic is refused after what had to be refused [verdict.stage.1]", async () => {
    let broken = false
    const handler = altered((request, outcome) => {
      if ("reject" in outcome) broken = true
      return broken && "ok" in outcome && request.op === "window.accept"
        ? { reject: { stage: "freshness" } }
        : undefined
    })
    const end = await said(handler, "window-in-order-1-1")
    expect(end).toMatchObject({ outcome: "fail", step: 2 })
    expect(end.message).toMatch(/^after the refused step: refused at freshness/)
  })

  it("of a bare primitive compares neither stage nor class [verdict.stage.1]", async () => {
    const strip = altered((_, outcome) => ("reject" in outcome ? { reject: {} } : undefined))
    expect((await said(strip, "ed25519-sig-byte-0")).outcome).toBe("pass")
    expect((await said(strip, "window-in-order-1-1")).outcome).toBe("stage")
  })
})

describe("a run", () => {
  it("of the reference passes everything, in little time [level.cumulative.1]", async () => {
    const ran = await runOf(handlerSource(create))
    expect(ran.ended.filter(({ outcome }) => outcome !== "pass")).toEqual([])
    expect(ran.footer).toMatchObject({ exit: 0, level: 1, waived: 0, critical: [], restarts: 0 })
    expect(ran.header).toMatchObject({ suite: suite().version, root: suite().root, selection: { whole: true } })
    expect(ran.events[0]!.event).toBe("header")
    expect(ran.events.at(-1)!.event).toBe("footer")
  }, 60_000)

  it("writes its lines as things happen, a start before each result [result.events.1]", async () => {
    const { events } = await runOf(
      handlerSource(() => altered(() => undefined)),
      {
        ...only("sequence/window/window-in-order*"),
        wires: "all"
      }
    )
    const kinds = events.map(({ event }) => event)
    expect(kinds[0]).toBe("header")
    const open = new Set<string>()
    for (const event of events) {
      if (event.event === "case-start") open.add(event.case)
      if (event.event === "wire" || event.event === "result") expect(open.has(event.case)).toBe(true)
      if (event.event === "result") open.delete(event.case)
    }
    expect(kinds.filter((kind) => kind === "wire").length).toBeGreaterThan(10)
    expect(open.size).toBe(0)
  })

  it("leaves out what is not declared, which lowers the level; asked for by level it is a failure [subject.features.2] [level.whole.1]", async () => {
    const families: Members = { primitives: 1, labels: 1, encoding: 1, envelope: 1 }
    const source = handlerSource(() => altered(() => undefined, { families }))
    const free = await runOf(source)
    expect(result(free, "window-first")).toMatchObject({
      outcome: "excluded",
      message: "needs sequence/1, which is not declared"
    })
    expect(free.footer).toMatchObject({ exit: 0, level: 0 })
    const asked = await runOf(source, { selection: { level: 1, families: [], cases: [] } })
    expect(asked.footer).toMatchObject({ exit: 1, level: 0 })
  }, 60_000)

  it("of a level above 1 without properties leaves something out [level.cumulative.1]", async () => {
    const selection = { level: 2, families: [], cases: [] }
    const { footer } = await runOf(handlerSource(create), { selection })
    expect(footer).toMatchObject({ exit: 1, level: 1 })
  }, 30_000)

  it("leaves out suites that are not implemented [subject.features.1]", async () => {
    const source = handlerSource(() => altered(() => undefined, { suites: [1] }))
    const ran = await runOf(source, { selection: { families: ["ratchet"], cases: [] } })
    const excluded = ran.ended.filter(({ outcome }) => outcome === "excluded")
    expect(excluded.length).toBeGreaterThan(50)
    for (const one of excluded) {
      expect(one.event === "result" && one.topic).not.toMatch(/suite-1$/)
      expect(one.message).toMatch(/^needs suite [23], which/)
    }
    expect(ran.footer.exit).toBe(0)
  }, 30_000)

  it("takes unsupported of what was declared for a failure [subject.features.2]", async () => {
    const source = handlerSource(() =>
      altered(({ op }) => (op === "window.gaps" ? { unsupported: { feature: "gaps" } } : undefined))
    )
    const ran = await runOf(source, only("window-first", "window-first-0-0"))
    expect(ran.footer.exit).toBe(1)
    expect(result(ran, "window-first").outcome).toBe("unsupported")
  })

  it("has no level when only a part ran [level.honest.1]", async () => {
    const ran = await runOf(handlerSource(create), only("window-first"))
    expect(ran.footer.exit).toBe(0)
    expect(ran.footer).not.toHaveProperty("level")
  })

  it("gives the same results on several subjects at once, and on one that takes many requests", async () => {
    const outcomes = async (options: Parameters<typeof runOf>[1], source: Source) =>
      (await runOf(source, options)).ended
        .map((one) => `${one.event === "result" ? one.case : one.property} ${one.outcome}`)
        .sort()
    const selection = { families: ["sequence", "encoding"], cases: [] }
    const one = await outcomes(
      { selection },
      handlerSource(() => altered(() => undefined))
    )
    const three = await outcomes(
      { selection, jobs: 3 },
      handlerSource(() => altered(() => undefined))
    )
    const many = await outcomes(
      { selection },
      handlerSource(() => altered(() => undefined, { concurrency: 16 }))
    )
    const process = await outcomes({ selection, jobs: 2 }, processSource(program("reference/main.ts"), new Timeouts()))
    expect(three).toEqual(one)
    expect(many).toEqual(one)
    expect(process).toEqual(one)
  }, 60_000)
})

describe("restarts", () => {
  /** A source whose subjects end at some requests, as a process would. */
  const fragile = (
    ends: (request: { readonly op: string; readonly in?: Members }, start: number) => boolean
  ): Source => {
    let starts = 0
    return {
      title: "fragile",
      start: async (from) => {
        const start = ++starts
        const inner = await greetHandler(
          altered(() => undefined),
          from,
          new Timeouts()
        )
        let gone = false
        return {
          ...inner,
          alive: () => !gone,
          ask: (request) => {
            gone ||= ends(request, start)
            return gone
              ? Promise.resolve({ lost: { kind: "crash", message: "it ended with status 1", stderr: "oh no" } })
              : inner.ask(request)
          }
        }
      }
    }
  }
  const number = (request: { readonly in?: Members }): unknown => request.in?.["number"]

  it("cost the case it was at, which is confirmed twice, and the run goes on [result.restart.1]", async () => {
    const source = fragile((request) => request.op === "counter.resume")
    const ran = await runOf(source, { selection: { families: ["sequence"], cases: [] } })
    const crashed = ran.ended.filter(({ outcome }) => outcome === "crash")
    expect(crashed.length).toBeGreaterThan(0)
    for (const one of crashed) expect(one.message).toContain("again in a second and in a third run alone")
    expect(crashed[0]).toMatchObject({ stderr: "oh no", actual: { lost: { kind: "crash" } } })
    expect(ran.footer.exit).toBe(1)
    expect(ran.ended.filter(({ outcome }) => outcome === "pass").length).toBeGreaterThan(100)
    const restart = ran.events.find(({ event }) => event === "restart")
    expect(restart).toMatchObject({ case: expect.any(String), cause: "crash", stderr: "oh no", count: 1 })
  }, 30_000)

  it("tell one that ended once from one that always does [result.restart.1]", async () => {
    let done = false
    const source = fragile((request) => {
      if (request.op !== "window.accept" || number(request) !== 5 || done) return false
      done = true
      return true
    })
    const ran = await runOf(source, only("window-in-order-1-1"))
    expect(result(ran, "window-in-order-1-1")).toMatchObject({ outcome: "crash" })
    expect(result(ran, "window-in-order-1-1").message).toContain("a second run ended with pass")
    expect(ran.footer.restarts).toBe(1)
  })

  it(`end the run after ${restartBudget}, with the results so far [result.restart.1] [result.exit.1]`, async () => {
    const source = fragile((request) => request.op === "ratchet.open" && request.in?.["prefix"] !== undefined && once())
    let count = 0
    const once = () => ++count % 40 === 0
    const ran = await runOf(source, { selection: { families: ["ratchet", "encoding"], cases: [] } })
    expect(ran.footer).toMatchObject({ exit: 3, stopped: expect.stringContaining("it was started again") })
    expect(ran.ended.some(({ outcome }) => outcome === "pass")).toBe(true)
    expect(ran.footer).not.toHaveProperty("level")
    expect(ran.events.filter(({ event }) => event === "restart").length).toBeGreaterThanOrEqual(restartBudget)
  }, 30_000)

  it("are not tried with one that never came up", async () => {
    let starts = 0
    const source: Source = {
      title: "absent",
      start: () => {
        starts += 1
        return Promise.reject(new StartFailure("crash", "it ended with status 127", "not found"))
      }
    }
    const ran = await runOf(source)
    expect(starts).toBe(1)
    expect(ran.footer).toMatchObject({ exit: 3 })
    expect(ran.footer.stopped).toContain("not found")
    expect(ran.events.map(({ event }) => event)).toEqual(["header", "property", "footer"])
  })
})

describe("levels", () => {
  const features: Features = { families: {}, coins: "labelled", snapshot: true, crash: true }
  const header = (change: Partial<Header["selection"]> = {}, more: Partial<Features> = {}): Header => ({
    event: "header",
    kit: "1.0.0",
    suite: "1.0.0",
    protocol: "1",
    root: "",
    seed,
    started: 0,
    subject: { name: "", version: "", language: "", source: "", command: "", features: { ...features, ...more } },
    selection: { level: 5, families: [], cases: [], whole: true, budget: "ci", ...change },
    jobs: 1
  })
  const ended = (level: number, outcome: CaseOutcome, more: Partial<Result> = {}): Result => ({
    event: "result",
    case: "x",
    title: "",
    family: "labels",
    topic: "",
    clauses: [],
    needs: [],
    level,
    critical: false,
    verdict: "valid",
    outcome,
    ms: 0,
    ...more
  })
  const property = (name: string, level: number, outcome: CaseOutcome = "pass"): Property => ({
    event: "property",
    property: name,
    title: "",
    level,
    critical: true,
    outcome,
    scripts: 1,
    steps: 1,
    ms: 0
  })
  const sanity = property("sanity", 0)
  const known = { pattern: "x", outcome: "fail", reason: "r" } as const

  it("hold all below them, and none of it waived [level.cumulative.1] [level.whole.1]", () => {
    const good = [sanity, ended(1, "pass"), ended(2, "pass"), property("P01", 2)]
    expect(levelOf(header(), good)).toBe(2)
    expect(levelOf(header(), [...good, ended(1, "fail")])).toBe(0)
    expect(levelOf(header(), [...good, ended(2, "stage")])).toBe(1)
    expect(levelOf(header(), [...good, ended(2, "fail", { known })])).toBe(1)
    expect(levelOf(header(), [...good, ended(1, "excluded")])).toBe(0)
    expect(levelOf(header(), [...good, property("P02", 2, "fail")])).toBe(1)
    expect(levelOf(header(), [...good, property("P02", 2, "excluded")])).toBe(1)
    expect(levelOf(header(), [...good, property("P21", 2, "excluded")])).toBe(2)
    expect(levelOf(header(), [...good, property("P21", 2, "fail")])).toBe(1)
    expect(levelOf(header({ level: 1 }), good)).toBe(1)
  })

  it("begin with the sanity conversation; level 2 needs properties [level.cumulative.1]", () => {
    expect(levelOf(header(), [property("sanity", 0, "fail"), ended(1, "pass")])).toBeUndefined()
    expect(levelOf(header(), [ended(1, "pass")])).toBeUndefined()
    expect(levelOf(header(), [sanity])).toBe(0)
    expect(levelOf(header(), [sanity, ended(1, "pass"), ended(2, "pass")])).toBe(1)
  })

  it("are not told of a part, and do not ask for this project's own records [level.honest.1] [level.whole.1]", () => {
    const good = [sanity, ended(1, "pass"), ended(2, "pass"), property("P01", 2)]
    expect(levelOf(header({ whole: false }), good)).toBeUndefined()
    expect(levelOf(header(), [...good, ended(2, "excluded", { family: "state" })])).toBe(2)
    expect(levelOf(header(), [...good, ended(2, "fail", { family: "state" })])).toBe(1)
  })

  it("have marks beside them [level.marks.1]", () => {
    const good = [sanity, ended(1, "pass"), ended(2, "pass"), property("P01", 2), property("P15", 2)]
    expect(marksOf(header({}, { families: { device: 1 } }), good, 2)).toEqual(["exact", "hardened"])
    const other = ended(2, "pass", { class: { expected: ["auth.tag"], actual: "auth.header" } })
    expect(marksOf(header(), [...good, other], 2)).toEqual(["hardened"])
    expect(marksOf(header({ budget: "quick" }), good, 2)).toEqual(["exact"])
    expect(marksOf(header({}, { crash: false }), good, 2)).toEqual(["exact"])
    expect(marksOf(header({}, { coins: "none", families: { device: 1 } }), good, 2)).toEqual(["hardened"])
    expect(marksOf(header({}, { families: { device: 1 } }), good.slice(0, 4), 2)).toEqual(["hardened"])
    expect(marksOf(header(), good, undefined)).toEqual([])
  })
})

describe("known failures", () => {
  const broken = ["window-in-order", "window-in-order-1-1", "window-in-order-4-0"]
  /** Wrong in two cases of which one is critical, and at the wrong stage in a third. */
  const handler = () => {
    const numbers: Array<number> = []
    return altered((request, outcome) => {
      if (request.op === "reset") numbers.length = 0
      if (request.op === "window.accept") numbers.push(request.in["number"] as number)
      if (request.op === "window.gaps" && numbers.join() === "1,2,3,4,5") return { ok: { gaps: [[9, 9]] } }
      if ("reject" in outcome && numbers.join() === "1,1") return { ok: {} }
      if ("reject" in outcome && numbers.join() === "1,2,3,4,0") return { reject: { stage: "freshness" } }
      return undefined
    })
  }
  const entry = (name: string, outcome: CaseOutcome, more = {}) => ({ case: name, outcome, reason: "known", ...more })
  const runWith = (known: KnownFailures["known"], ids = broken, range = "^1.0") =>
    runOf(handlerSource(handler), { ...only(...ids), known: { suite: range, known } })

  it("are run, and waived when they fail as foreseen [known.file.1]", async () => {
    const { ended, footer } = await runWith(
      [entry("window-in-order", "fail"), entry("sequence/window/window-in-order-4-*", "stage")],
      ["window-in-order", "window-in-order-4-0"]
    )
    expect(footer).toMatchObject({ exit: 0, waived: 2, stale: [] })
    expect(ended.filter(({ event }) => event === "result")).toMatchObject([
      { outcome: "fail", known: { pattern: "window-in-order", reason: "known" } },
      { outcome: "stage", known: { pattern: "sequence/window/window-in-order-4-*" } }
    ])
  })

  it("are never critical cases [verdict.critical.1] [known.file.1]", async () => {
    const { ended, footer } = await runWith([entry("**", "fail")])
    expect(footer.exit).toBe(1)
    expect(footer.critical).toEqual(["window-in-order-1-1"])
    expect(ended.find((one) => one.event === "result" && one.case === "window-in-order-1-1")).not.toHaveProperty(
      "known"
    )
    const named = await runWith([entry("window-in-order-1-1", "fail")], ["window-in-order-1-1"])
    expect(named.footer.exit).toBe(1)
    expect(named.footer.stale).toMatchObject([{ problem: expect.stringContaining("critical") }])
  })

  it("are out of date when the case passes, fails otherwise, or there is none: exit 2 [known.file.1] [result.exit.1]", async () => {
    const stale = async (known: KnownFailures["known"], ids: ReadonlyArray<string>, range?: string) => {
      const { footer } = await runWith(known, [...ids], range)
      expect(footer.exit).toBe(2)
      return footer.stale.map(({ problem }) => problem)
    }
    expect(await stale([entry("window-first", "fail")], ["window-first"])).toEqual(["the case passes"])
    expect(await stale([entry("window-in-order", "fault")], ["window-in-order"])).toEqual([
      "the case ends in fail, not fault"
    ])
    expect(await stale([entry("no-such-case", "fail")], ["window-first"])).toEqual(["it matches no case"])
    const first = [entry("window-in-order", "fail", { until: "2027-01-01" })]
    expect(await stale(first, ["window-in-order"])).toEqual(["it was foreseen until 2027-01-01"])
    const version = [entry("window-in-order", "fail", { until: "1.0.0" })]
    expect(await stale(version, ["window-in-order"])).toEqual(["it was foreseen until 1.0.0"])
    expect(await stale([entry("window-in-order", "fail")], ["window-in-order"], "^0.9")).toHaveLength(1)
  })

  it("are not out of date before their time, nor for what did not run [known.file.1]", async () => {
    const { footer } = await runWith(
      [entry("window-in-order", "fail", { until: "2027-01-02" }), entry("window-first", "fail", { until: "9.0.0" })],
      ["window-in-order"]
    )
    expect(footer).toMatchObject({ exit: 0, stale: [], waived: 1 })
  })

  it("are read from a closed form [known.file.1]", () => {
    const good = {
      suite: "^1.0",
      known: [{ case: "a/b/**", outcome: "fault", reason: "r", issue: "x", until: "2027-03-01" }]
    }
    expect(parseKnown(JSON.stringify(good))).toEqual(good)
    const entryOf = (change: object): string => JSON.stringify({ ...good, known: [{ ...good.known[0], ...change }] })
    for (const text of [
      "no JSON",
      "[]",
      JSON.stringify({ ...good, more: 1 }),
      JSON.stringify({ known: [] }),
      entryOf({ reason: "" }),
      entryOf({ outcome: "broken" }),
      entryOf({ until: "soon" }),
      entryOf({ until: "2027-3-1" }),
      entryOf({ case: "" }),
      entryOf({ flaky: true })
    ]) {
      expect(() => parseKnown(text), text).toThrow(BadKnownFile)
    }
  })

  it("are matched by parts [known.file.1]", () => {
    const target = { id: "window-first-0-0", path: "sequence/window/window-first-0-0" }
    const matches = (pattern: string) => matcher(pattern)(target)
    for (const yes of [
      "window-first-0-0",
      "window-*",
      "**",
      "sequence/**",
      "sequence/*/*",
      "*/window/window-first-0-0",
      "**/window-first-0-0",
      "sequence/**/window-*-0"
    ]) {
      expect(matches(yes), yes).toBe(true)
    }
    for (const no of [
      "window-in-order",
      "window",
      "sequence/*",
      "*/*",
      "sequence/fence/**",
      "window/**",
      "equence/**",
      "sequence/window/window.first-0-0"
    ]) {
      expect(matches(no), no).toBe(false)
    }
  })

  it("hold for ranges of the suite's version", () => {
    for (const [range, yes] of [
      ["1.2.3", true],
      ["1.2", true],
      ["^1.0", true],
      ["^1.2.3", true],
      ["~1.2.0", true],
      ["*", true],
      ["1.2.4", false],
      ["^1.3", false],
      ["^2.0", false],
      ["~1.1.0", false],
      ["newest", false]
    ] as const) {
      expect(inRange("1.2.3", range), range).toBe(yes)
    }
  })

  it("are written anew from a run, keeping what was said about them, without critical ones [known.file.1]", () => {
    const before: KnownFailures = {
      suite: "^1.0",
      known: [{ case: "a/**", outcome: "fault", reason: "old", until: "2028-01-01" }]
    }
    const made = updated(before, "1.4.2", [
      { path: "b/x/two", critical: false, outcome: "stage" },
      { path: "a/x/one", critical: false, outcome: "fail" },
      { path: "a/x/three", critical: true, outcome: "fail" }
    ])
    expect(made).toEqual({
      suite: "^1.4",
      known: [
        { case: "a/x/one", outcome: "fail", reason: "old", until: "2028-01-01" },
        { case: "b/x/two", outcome: "stage", reason: "not looked into yet" }
      ]
    })
    expect(parseKnown(JSON.stringify(made))).toEqual(made)
  })

  it("say nothing of excluded cases", () => {
    const list = new KnownList({ suite: "*", known: [entry("window-in-order", "fail")] }, suite(), 0)
    expect(list.take(cases().get("window-in-order")!, "excluded")).toBeUndefined()
    expect(list.stale).toEqual([])
  })
})

describe("exit codes", () => {
  it("stand in the order 5, 4, 3, 1, 2 [result.exit.1]", () => {
    const { conformant, notConformant, stale, tampered, unusable, usage } = ExitCode
    const order = [tampered, usage, unusable, notConformant, stale, conformant]
    for (const [i, code] of order.entries()) {
      expect(strongest(order.slice(i))).toBe(code)
      expect(strongest(order.slice(i).reverse())).toBe(code)
    }
    expect(order).toEqual([5, 4, 3, 1, 2, 0])
    expect(strongest([])).toBe(0)
  })

  it("are in the footer with what they come from [result.exit.1] [level.honest.1]", async () => {
    const { footer } = await runOf(
      handlerSource(() => altered(({ op }) => (op === "window.gaps" ? { ok: { gaps: [] } } : undefined))),
      { selection: { families: ["sequence"], cases: [] } }
    )
    const { families, properties }: Footer = footer
    expect(footer.exit).toBe(1)
    expect(families["sequence"]!.outcomes["fail"]).toBeGreaterThan(0)
    expect(Object.values(families["sequence"]!.outcomes).reduce((a, b) => a + b)).toBe(families["sequence"]!.total)
    expect(properties.total).toBe(1)
    expect(JSON.stringify(footer)).not.toMatch(/percent|%/)
  })
})
