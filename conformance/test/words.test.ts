/** Words on a command line, for both commands of the project. */
import { describe, expect, it } from "vitest"
import { bind, Layout, nearest, split, UsageError, whole } from "../src/words/index.ts"

const options = [
  { name: "crew", value: "n", short: "c" },
  { name: "port", value: "name", many: true },
  { name: "fast", text: "" }
]
const positionals = [
  { name: "harbour", text: "where to" },
  { name: "cargo", text: "what", optional: true, many: true }
]

describe("words", () => {
  it("become options and what is left", () => {
    const { positionals, values } = split(
      options,
      ["oslo", "-c", "3", "--port", "a", "--fast", "--port=b", "--", "--x"],
      ""
    )
    expect(positionals).toEqual(["oslo", "--x"])
    expect({ ...values }).toEqual({ crew: "3", port: ["a", "b"], fast: true })
  })

  it("that are no option, or lack a value, are refused with what to type instead", () => {
    for (const words of [["--slow"], ["--crew"], ["--fast=1"]]) {
      expect(() => split(options, words, "ask for help")).toThrow(UsageError)
    }
    try {
      split(options, ["--slow"], "ask for help")
    } catch (error) {
      expect(error).toMatchObject({ _tag: "UsageError", next: "ask for help" })
      expect((error as Error).message).toMatch(/^[a-z].*--slow/)
    }
  })

  it("are bound to positionals in order; the last may take many", () => {
    expect([...bind(positionals, ["oslo", "salt", "iron"], "")]).toEqual([
      ["harbour", ["oslo"]],
      ["cargo", ["salt", "iron"]]
    ])
    expect(bind(positionals, ["oslo"], "").get("cargo")).toEqual([])
    expect(() => bind(positionals, [], "")).toThrow("<harbour> is missing: where to")
    expect(() => bind(positionals.slice(0, 1), ["oslo", "x"], "")).toThrow('there is no use for "x"')
  })

  it("are whole numbers within bounds, or refused", () => {
    expect(whole("crew", "12", 1, 12, "")).toBe(12)
    for (const wrong of ["0", "13", "", "1.5", "-1", "1e1", "9".repeat(16)]) {
      expect(() => whole("crew", wrong, 1, 12, "")).toThrow("--crew takes a whole number from 1 to 12")
    }
  })

  it("that are mistyped are guessed only when they are near", () => {
    expect(nearest(["register", "listen"], "regster")).toBe("register")
    expect(nearest(["register", "listen"], "xyz")).toBeUndefined()
    expect(nearest([], "x")).toBeUndefined()
  })
})

describe("help", () => {
  it("shows how a command is called", () => {
    expect(Layout.usage("ship", "out", positionals, true)).toBe("ship out <harbour> [cargo…] [options]")
    expect(Layout.usage("ship", "home", [], false)).toBe("ship home")
  })

  it("sets names beside texts, and a long name above its text", () => {
    const long = "x".repeat(40)
    expect(Layout.section("Things", [])).toEqual([])
    expect(
      Layout.section("Things", [
        ["a", "one"],
        ["bcd", "two"]
      ])
    ).toEqual(["", "Things:", "  a    one", "  bcd  two"])
    expect(Layout.table([[long, "far"]])).toEqual([`  ${long}`, `  ${" ".repeat(34)}  far`])
    expect(Layout.optionRow({ name: "crew", short: "c", value: "n", text: "how many" }, ["default: 3"])).toEqual([
      "-c, --crew <n>",
      "how many (default: 3)"
    ])
  })

  it("breaks paragraphs at blanks", () => {
    expect(Layout.wrap("aa bb cc dd", 5)).toEqual(["aa bb", "cc dd"])
    expect(Layout.paragraphs(["one", "two"])).toEqual(["", "one", "", "two"])
  })
})
