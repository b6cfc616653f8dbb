// Local paths and download addresses are seen; addresses and relative paths that look alike are not.
import { describe, expect, it } from "vitest"
import { check, checkText } from "./check-privacy.mjs"
import { tree } from "./lib/temporary.ts"

// Joined here, so that this file itself holds no local path.
const path = (...parts: ReadonlyArray<string>): string => parts.join("/")
const drive = ["C:", "Users", "me", "a.ts"].join("\\")

describe("check-privacy", () => {
  it.each([
    ["a home folder", `see ${path("", "home", "me", "a.ts")}`],
    ["the administrator's folder", `"${path("", "root", ".npmrc")}"`],
    ["a work folder", `(${path("", "work", "main")}/a.ts)`],
    ["a home folder of another system", `\`${path("", "Users", "me", "a.ts")}\``],
    ["a drive letter", drive],
    ["a drive letter, escaped", JSON.stringify(drive)],
    ["a file address", `file:${path("", "", "", "opt", "a.ts")}`]
  ])("sees %s", (_, text) => {
    expect(checkText("docs/a.md", `\n${text}\n`)).toEqual(["docs/a.md:2: an absolute local path"])
  })

  it.each([
    ["a web address", "https://example.org/home/a https://example.org/work/b"],
    ["a relative path", "./home/a ../work/b docs/root/c src/Users/d"],
    ["a route in lower case", "POST /users/alice"],
    ["a line break after a letter", String.raw`"X:\n" and 'C:\n'`],
    ["other absolute paths", "/usr/bin/env node, /dev/null, /tmp/a"]
  ])("leaves %s alone", (_, text) => {
    expect(checkText("docs/a.md", text)).toEqual([])
  })

  it("sees download addresses in lock files only", () => {
    const line = `"resolved": "https://example.org/a.tgz",`
    expect(checkText("package-lock.json", line)).toEqual([
      "package-lock.json:1: the lock file records a download address"
    ])
    expect(checkText("bench/package-lock.json", line)).toHaveLength(1)
    expect(checkText("vectors/a.json", line)).toEqual([])
    expect(checkText("package-lock.json", `"resolved": "packages/core",`)).toEqual([])
  })

  it("reads every text of a tree and no binary file", () => {
    const base = tree({ "a.txt": path("", "home", "me", "a"), "b.bin": `\0${path("", "home", "me", "a")}` })
    expect(check(base)).toEqual({ files: 2, problems: ["a.txt:1: an absolute local path"] })
  })
})
