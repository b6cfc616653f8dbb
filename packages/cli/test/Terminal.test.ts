import { PassThrough } from "node:stream"
import { describe, expect, it } from "vitest"
import * as Progress from "../src/Progress.ts"
import * as Terminal from "../src/Terminal.ts"

const terminal = (env: Record<string, string>, tty: boolean, json = false) => {
  const stdout = Object.assign(new PassThrough(), { isTTY: tty })
  return Terminal.make({ stdin: new PassThrough(), stdout, stderr: new PassThrough() }, env, { json, debug: false })
}

describe("the terminal", () => {
  it("shows what peers sent without obeying it", () => {
    expect(Terminal.safe("a\u001b[2Jb")).toBe("a\\u{1b}[2Jb")
    expect(Terminal.safe("two\nlines\r\t\u0007\u009b")).toBe("two⏎lines\\u{d}\\u{9}\\u{7}\\u{9b}")
    expect(Terminal.safe("right\u202eleft\u2066")).toBe("right\\u{202e}left\\u{2066}")
    expect(Terminal.safe("Größe 時間 🚲 👩‍👩‍👧")).toBe("Größe 時間 🚲 👩‍👩‍👧")
  })

  it("uses colours on a terminal only, and not when NO_COLOR is set", () => {
    expect(terminal({}, true).paint("red", "x")).toBe("\u001b[31mx\u001b[39m")
    expect(terminal({}, false).paint("red", "x")).toBe("x")
    expect(terminal({ NO_COLOR: "1" }, true).paint("red", "x")).toBe("x")
    expect(terminal({ NO_COLOR: "" }, true).paint("red", "x")).not.toBe("x")
    expect(terminal({ TERM: "dumb" }, true).paint("red", "x")).toBe("x")
    expect(terminal({}, true, true).paint("red", "x")).toBe("x")
  })
})

it("progress is written over on a terminal, and nowhere else", () => {
  const written = (isTTY: boolean, json: boolean): string => {
    const stderr = Object.assign(new PassThrough(), { isTTY, columns: 30 })
    const line = Progress.make({ json, stderr })
    line.show("a line that is longer than the terminal is wide")
    line.show("too soon after the one before")
    line.clear()
    line.clear()
    return String(stderr.read() ?? "")
  }
  expect(written(true, false)).toBe("\ra line that is longer than th\u001b[K\r\u001b[K")
  expect(written(false, false)).toBe("")
  expect(written(true, true)).toBe("")
})
