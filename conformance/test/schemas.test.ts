/**
 * The published JSON Schemas are those of the code, closed, and say the same as it.
 *
 * Spec: docs/spec/20-subject.md §20.1; docs/spec/21-conformance.md §21.4.
 */
import Ajv from "ajv/dist/2020.js"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import fc from "fast-check"
import { readdirSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { Hello } from "../src/protocol/Hello.ts"
import { jsonSchemas } from "../src/protocol/JsonSchemas.ts"
import { Reply, Request } from "../src/protocol/Message.ts"
import { readReply } from "../src/protocol/Reply.ts"
import { ResultEvent } from "../src/protocol/Result.ts"
import { stages } from "../src/protocol/Value.ts"

const folder = new URL("../schema/", import.meta.url)
const compiled = (name: string) =>
  new Ajv.default({ strict: true, strictTypes: false, allowUnionTypes: true }).compile(
    JSON.parse(jsonSchemas().get(name)!) as object
  )

describe("conformance/schema", () => {
  it("is what the code says; `npm run conformance:schema` writes it", async () => {
    for (const [name, text] of jsonSchemas()) {
      await expect(text).toMatchFileSnapshot(new URL(name, folder).pathname)
    }
    expect(readdirSync(folder).sort()).toEqual([...jsonSchemas().keys()].sort())
  })

  it("holds no remote reference and no open object where members are known [subject.line.2]", () => {
    for (const text of jsonSchemas().values()) expect(text).not.toMatch(/"\$ref": "(?!#)/)
    expect(compiled("request.json")({ id: 1, op: "reset", in: {}, more: 1 })).toBe(false)
    expect(compiled("request.json")({ id: 1, op: "reset", in: { more: 1 } })).toBe(true)
    expect(
      compiled("result.json")({ event: "restart", cause: "crash", message: "", stderr: "", count: 1, more: 1 })
    ).toBe(false)
    expect(
      compiled("hello.json")({
        name: "x",
        version: "1",
        language: "c",
        source: "",
        speaks: 1,
        features: { families: {}, more: 1 }
      })
    ).toBe(true)
  })

  it("knows requests [subject.request.1]", () => {
    const valid = compiled("request.json")
    const decode = Schema.decodeUnknownResult(Request, { onExcessProperty: "error" })
    const good = { id: 7, op: "session.send", as: "bob/1", in: { text: "00" }, now: 5, coins: { "msg.id": ["00ff"] } }
    const all: ReadonlyArray<readonly [unknown, boolean]> = [
      [good, true],
      [{ id: 0, op: "reset", in: {} }, true],
      [{ ...good, id: -1 }, false],
      [{ ...good, id: 1.5 }, false],
      [{ ...good, id: 2 ** 53 }, false],
      [{ ...good, in: undefined }, false],
      [{ ...good, in: [] }, false],
      [{ ...good, op: 1 }, false],
      [{ ...good, coins: { "msg.id": ["F0"] } }, false],
      [{ ...good, coins: { "msg.id": "00" } }, false]
    ]
    for (const [value, expected] of all) {
      const told = JSON.parse(JSON.stringify(value)) as unknown
      expect(valid(told), JSON.stringify(value)).toBe(expected)
      expect(Result.isSuccess(decode(told)), JSON.stringify(value)).toBe(expected)
    }
  })

  it("and the reader agree on what a reply is [subject.reply.1] [subject.reject.2]", () => {
    const valid = compiled("reply.json")
    const decode = Schema.decodeUnknownResult(Reply, { onExcessProperty: "error" })
    const text = fc.oneof({ weight: 5, arbitrary: fc.constant("x") }, { weight: 1, arbitrary: fc.integer() })
    const stage = fc.constantFrom<string>(...stages, "opaque", "later")
    const members = fc.oneof(
      fc.record({ stage, class: text, native: text }, { requiredKeys: [] }),
      fc.record({ feature: text }),
      fc.record({ message: text, trace: text }, { requiredKeys: ["message"] }),
      fc.record({ stage, other: text }),
      fc.constantFrom<unknown>({}, [], "text", 3, true)
    )
    const kind = fc.constantFrom("ok", "reject", "unsupported", "fault", "extra")
    const reply = fc
      .tuple(
        fc.oneof({ weight: 5, arbitrary: fc.nat() }, { weight: 1, arbitrary: fc.constantFrom<unknown>(-1, 1.5, "1") }),
        fc.array(fc.tuple(kind, members), { minLength: 0, maxLength: 2 })
      )
      .map(([id, entries]) => ({ id, ...Object.fromEntries(entries) }))
    let accepted = 0
    fc.assert(
      fc.property(reply, (value) => {
        const read = !("problem" in readReply(value))
        if (read) accepted += 1
        expect(Result.isSuccess(decode(value))).toBe(read)
        expect(valid(value)).toBe(read)
      }),
      { numRuns: 4000, seed: 7 }
    )
    expect(accepted).toBeGreaterThan(300)
    for (const kind of ["ok", "reject", "unsupported", "fault"]) {
      const members = { ok: {}, reject: { stage: "opaque" }, unsupported: { feature: "x" }, fault: { message: "x" } }[
        kind
      ]
      expect(readReply({ id: 3, [kind]: members })).toEqual({ id: 3, outcome: { [kind]: members } })
    }
  })

  it("knows greetings [subject.hello.1] [subject.features.1]", () => {
    const decode = Schema.decodeUnknownResult(Hello)
    const hello = {
      name: "x",
      version: "1",
      language: "c",
      source: "",
      speaks: 1,
      features: { families: { labels: 1 } }
    }
    const withFeatures = (more: object): unknown => ({ ...hello, features: { families: {}, ...more } })
    const all: ReadonlyArray<readonly [unknown, boolean]> = [
      [hello, true],
      [withFeatures({ suites: [1], coins: "labelled", deterministic: true, snapshot: false, crash: false }), true],
      [withFeatures({ inspect: ["skipped"], limits: { window: 1 }, concurrency: 4 }), true],
      [{ ...hello, speaks: 2 }, false],
      [{ ...hello, name: undefined }, false],
      [{ ...hello, features: {} }, false],
      [withFeatures({ coins: "explicit" }), false],
      [withFeatures({ concurrency: 0 }), false],
      [withFeatures({ inspect: "skipped" }), false]
    ]
    for (const [value, expected] of all) expect(Result.isSuccess(decode(value)), JSON.stringify(value)).toBe(expected)
  })

  it("knows every kind of result line [result.events.1]", () => {
    const valid = compiled("result.json")
    const decode = Schema.decodeUnknownResult(ResultEvent, { onExcessProperty: "error" })
    const restart = { event: "restart", cause: "crash", message: "it ended", stderr: "", count: 1 }
    for (const [value, expected] of [
      [restart, true],
      [{ event: "case-start", case: "x", family: "labels", topic: "y" }, true],
      [{ event: "wire", case: "x", step: -1, dir: "request", message: { op: "digest" } }, true],
      [{ event: "wire", case: "x", step: 0, dir: "sent", message: {} }, false],
      [{ ...restart, cause: "boredom" }, false],
      [{ event: "finish" }, false]
    ] as const) {
      expect(valid(value), JSON.stringify(value)).toBe(expected)
      expect(Result.isSuccess(decode(value)), JSON.stringify(value)).toBe(expected)
    }
  })
})
