// What counts as JSON output of the demo.
import { describe, expect, it } from "vitest"
import { checkJson } from "./check-tarballs.mjs"

describe("check-tarballs", () => {
  it.each([["{}"], ['{\n  "a": 1\n}\n'], ['{"a":1}\n{"b":2}\n']])("takes %j as JSON", (output) => {
    expect(checkJson(output)).toBeUndefined()
  })

  it.each([[""], ["\n"], ["hello"], ['{"a":1}\nhello\n']])("does not take %j", (output) => {
    expect(checkJson(output)).toBe("the demo did not print JSON")
  })
})
