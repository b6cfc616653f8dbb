import { describe, expect, it } from "vitest"
import { findCommand, parse } from "../src/Arguments.ts"
import type { Command } from "../src/Command.ts"

const command: Command = {
  name: "ship out",
  summary: "",
  about: [],
  positionals: [
    { name: "harbour", text: "where to" },
    { name: "cargo", text: "what", optional: true, many: true }
  ],
  options: [
    { name: "crew", value: "n", env: "SHIP_CREW", default: "3", text: "" },
    { name: "flag", value: "colour", env: "SHIP_FLAG", text: "" },
    { name: "fast", short: "f", env: "SHIP_FAST", text: "" }
  ],
  examples: [],
  run: () => Promise.resolve(0)
}

describe("arguments", () => {
  it("prefers the command line to the environment, and that to the default", () => {
    expect(parse(command, ["oslo"], {}).text("crew")).toBe("3")
    expect(parse(command, ["oslo"], { SHIP_CREW: "5" }).text("crew")).toBe("5")
    expect(parse(command, ["oslo", "--crew", "7"], { SHIP_CREW: "5" }).text("crew")).toBe("7")
    expect(parse(command, ["oslo", "--crew=7"], { SHIP_CREW: "5" }).text("crew")).toBe("7")
    expect(parse(command, ["oslo"], { SHIP_CREW: "" }).text("crew")).toBe("3")
  })

  it("reads flags from both, and takes 0 and nothing for no", () => {
    expect(parse(command, ["oslo", "-f"], {}).flag("fast")).toBe(true)
    expect(parse(command, ["oslo"], { SHIP_FAST: "1" }).flag("fast")).toBe(true)
    expect(parse(command, ["oslo"], { SHIP_FAST: "0" }).flag("fast")).toBe(false)
    expect(parse(command, ["oslo"], {}).flag("fast")).toBe(false)
  })

  it("joins the rest of the words", () => {
    const inputs = parse(command, ["oslo", "salt", "and", "--", "--iron"], {})
    expect(inputs.positional("harbour")).toBe("oslo")
    expect(inputs.positional("cargo")).toBe("salt and --iron")
  })

  it.each([
    [[], "<harbour> is missing"],
    [["oslo", "--masts"], "unknown option '--masts'"],
    [["oslo", "--crew"], "argument missing"],
    [["oslo", "--fast=yes"], "does not take an argument"]
  ])("refuses %j", (words, message) => {
    expect(() => parse(command, words, {})).toThrow(message)
  })

  it("keeps numbers within their bounds", () => {
    expect(parse(command, ["oslo", "--crew", "12"], {}).whole("crew", 1, 12)).toBe(12)
    for (const bad of ["13", "0", "-1", "1.5", "x", "1e3", "99999999999999999999"]) {
      expect(() => parse(command, ["oslo", `--crew=${bad}`], {}).whole("crew", 1, 12)).toThrow("from 1 to 12")
    }
  })

  it("names the variable that stands in for a missing option", () => {
    const inputs = parse(command, ["oslo"], {})
    expect(() => inputs.required("flag")).toThrow("--flag is missing")
    expect(inputs.text("flag")).toBeUndefined()
  })

  it("finds the longest command name", () => {
    expect(findCommand([command], ["ship", "out", "x"])?.rest).toEqual(["x"])
    expect(findCommand([command], ["ship"])).toBeUndefined()
  })
})
