/** The failure taxonomy against its table in the spec. */
import { readFileSync } from "node:fs"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import * as Failure from "../../src/base/Failure.ts"
import { Malformed, reasons } from "../../src/codec/Malformed.ts"
import * as Layout from "../../src/codec/Layout.ts"
import * as Refusal from "../../src/codec/Refusal.ts"

const spec = readFileSync(new URL("../../../../docs/spec/07-sequencing.md", import.meta.url), "utf8")

const rows = spec
  .split("\n")
  .filter((line) => /^\| `/.test(line))
  .map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim())
  )

describe("failure taxonomy", () => {
  it("is the table of the spec, row by row and in its order [failure.closed.1] [failure.stage.1]", () => {
    expect(rows.length).toBeGreaterThan(30)
    expect(
      Object.entries(Failure.causes).map(([cause, { expected, remedy, retry, stage }]) => [
        `\`${cause}\``,
        stage,
        expected ? "yes" : "no",
        remedy,
        retry
      ])
    ).toEqual(rows)
  })

  it("fails with a plain value that holds the cause and nothing else [failure.silent.1]", () => {
    const failed = Failure.fail("auth.tag")
    expect(Result.isFailure(failed)).toBe(true)
    if (Result.isSuccess(failed)) return
    expect(Object.entries(failed.failure)).toEqual(expect.arrayContaining([["cause", "auth.tag"]]))
    expect(failed.failure).not.toBeInstanceOf(Error)
    expect(Failure.adviceOf(failed.failure)).toEqual({
      stage: "authenticate",
      expected: false,
      remedy: "retry request",
      retry: "request"
    })
  })

  it("has a cause for every reason of the codec", () => {
    for (const reason of reasons) {
      expect(Object.keys(Failure.causes)).toContain(Refusal.causeOf[reason])
      expect(new Malformed({ reason }).reason).toBe(reason)
    }
    const layout = Layout.tuple({ a: Layout.uint() })
    expect(Refusal.decode(layout, Uint8Array.of(0x91, 5))).toEqual(Result.succeed({ a: 5 }))
    expect(Refusal.decode(layout, Uint8Array.of(0x91))).toEqual(Failure.fail("decode.truncated"))
  })
})
