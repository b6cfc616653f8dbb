/**
 * Twins, deltas and what differs.
 *
 * Spec: vectors/README.md (twin and delta).
 */
import { describe, expect, it } from "vitest"
import type { Case, Delta, VectorFile } from "../../src/audit/Model.ts"
import { hex, unhex } from "../../src/audit/Model.ts"
import * as Twin from "../../src/audit/Twin.ts"
import { folder, found } from "./suite.ts"

const none = (): Uint8Array => new Uint8Array(0)
const bytes = unhex("00112233445566778899")

describe("deltas of bytes", () => {
  it.each<readonly [delta: Omit<Delta, "at">, result: string]>([
    [{ op: "xor", offset: 1, bytes: "ff01" }, "00ee2333445566778899"],
    [{ op: "set", offset: 9, bytes: "aa" }, "001122334455667788aa"],
    [{ op: "insert", offset: 10, bytes: "aabb" }, "00112233445566778899aabb"],
    [{ op: "insert", offset: 0, bytes: "aa" }, "aa00112233445566778899"],
    [{ op: "cut", offset: 2, length: 3 }, "00115566778899"],
    [{ op: "reencode", offset: 0, length: 1, bytes: "cc00" }, "cc00112233445566778899"],
    [{ op: "swap", a: [0, 1], b: [8, 2] }, "88991122334455667700"],
    [{ op: "splice", offset: 0, length: 2, from: "$x", source: [1, 3] }, "bbccdd2233445566778899"]
  ])("%j", (delta, result) => {
    expect(hex(Twin.applyBytes({ at: "in/bytes", ...delta }, bytes, () => unhex("aabbccddee")))).toBe(result)
  })

  it("do not leave the bytes", () => {
    for (const delta of [
      { op: "cut", offset: 9, length: 2 },
      { op: "set", offset: 10, bytes: "00" },
      { op: "xor", offset: 9, bytes: "0101" }
    ])
      expect(() => Twin.applyBytes({ at: "in/bytes", ...delta }, bytes, none)).toThrow(/leaves/)
  })
})

describe("what differs", () => {
  it("is marked byte for byte where lengths are equal", () => {
    expect(Twin.differences(unhex("00112233"), unhex("00ff2244"))).toEqual({
      gone: [
        [1, 1],
        [3, 1]
      ],
      come: [
        [1, 1],
        [3, 1]
      ]
    })
    expect(Twin.bitsBetween(unhex("00ff"), unhex("01fe"))).toBe(2)
  })

  it("is what lies between the common ends where they are not", () => {
    expect(Twin.differences(unhex("001122"), unhex("00aabb1122"))).toEqual({ gone: [], come: [[1, 2]] })
    expect(Twin.differences(unhex("0000"), unhex("000000"))).toEqual({ gone: [], come: [[2, 1]] })
    expect(Twin.differences(unhex("001122"), unhex("0022"))).toEqual({ gone: [[1, 1]], come: [] })
  })

  it("is found for every case that must be refused", () => {
    for (const { file } of folder().files)
      for (const item of file.cases.filter(({ verdict }) => verdict === "invalid")) {
        const change = Twin.changeOf(file, item)
        expect(change, item.id).toBeDefined()
        if (change?.bytes === true) expect(change.gone.length + change.come.length, item.id).toBeGreaterThan(0)
        expect(Twin.describe(item.delta!).length).toBeGreaterThan(8)
      }
  })
})

/** A file with one of its cases changed. */
const altered = (file: VectorFile, id: string, alter: (item: Case) => Case): readonly [VectorFile, Case] => {
  const cases = file.cases.map((item) => (item.id === id ? alter(structuredClone(item)) : item))
  return [{ ...file, cases }, cases.find((item) => item.id === id)!]
}

describe("the check of twins", () => {
  it("has nothing to say about the suite", () => {
    for (const { file } of folder().files)
      for (const item of file.cases) expect(Twin.complaints(file, item), item.id).toEqual([])
  })

  const one = found("session-1-first-mailbox")
  const changes: ReadonlyArray<readonly [what: string, alter: (item: Case) => Case, complaint: RegExp]> = [
    [
      "a second byte that changed",
      (item) => ({ ...item, delta: { ...item.delta!, bytes: "02" } }),
      /delta does not lead/
    ],
    ["a delta at another offset", (item) => ({ ...item, delta: { ...item.delta!, offset: 6 } }), /delta does not lead/],
    [
      "another step that changed too",
      (item) => ({
        ...item,
        script: item.script!.map((step, i) => (i === 0 ? { ...step, in: { ...step.in, suites: [1] } } : step))
      }),
      /delta does not lead/
    ],
    [
      "a member beside the changed one",
      (item) => ({
        ...item,
        script: item.script!.map((step, i) => (i === 2 ? { ...step, in: { ...step.in, more: 1 } } : step))
      }),
      /delta does not lead/
    ],
    ["no probe", (item) => ({ ...item, script: item.script!.slice(0, 3) }), /no probe/],
    [
      "two refused steps",
      (item) => ({ ...item, script: item.script!.map((step) => ({ ...step, expect: "reject" as const })) }),
      /not exactly one/
    ],
    ["an invalid twin", (item) => ({ ...item, twin: "session-1-first-version" }), /not a valid case/],
    [
      "no delta",
      (item) => {
        const { delta: _, ...rest } = item
        return rest
      },
      /no delta/
    ]
  ]
  it.each(changes)("notices %s", (_, alter, complaint) => {
    const [file, item] = altered(one.file, one.item.id, alter)
    expect(Twin.complaints(file, item).join("\n")).toMatch(complaint)
  })

  it("notices a remade value whose surroundings are not those of its twin", () => {
    const { file, item } = found("session-1-first-inner-certificate-signature")
    const last = item.trace!.at(-1)!.id
    const [other, changed] = altered(file, item.id, (of) => ({
      ...of,
      trace: of.trace!.map((step) => (step.id === last ? { ...step, op: "concat" } : step))
    }))
    expect(Twin.complaints(other, changed)).toEqual(["its delta does not lead from its twin to it"])
  })

  it("notices a replayed step that is another one", () => {
    const { file, item } = found("session-1-then-replay-at-3")
    expect(item.delta?.op).toBe("replay")
    const [other, changed] = altered(file, item.id, (of) => ({ ...of, delta: { ...of.delta!, step: 0 } }))
    expect(Twin.complaints(other, changed)).toEqual(["its delta does not lead from its twin to it"])
  })
})
