/**
 * Ends of a linking behind the subject protocol.
 *
 * Spec: docs/spec/20-subject.md §20.4.
 */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { resolve, type JsonObject, type Names } from "../../vectors/interpret/values.ts"
import type { Reply } from "../src/protocol/Message.ts"
import type { Members } from "../src/protocol/Value.ts"
import { create } from "../subjects/reference/index.ts"

interface File {
  readonly worlds: Readonly<
    Record<string, { readonly trace: ReadonlyArray<{ readonly id: string; readonly out: string }> }>
  >
  readonly cases: ReadonlyArray<{
    readonly id: string
    readonly verdict: string
    readonly now: number
    readonly script: ReadonlyArray<{ readonly do: string; readonly as: string; readonly in: JsonObject }>
  }>
}

const file = JSON.parse(readFileSync(new URL("../../vectors/linking/linkings.json", import.meta.url), "utf8")) as File
const names: Names = new Map(file.worlds["linkings"]!.trace.map(({ id, out }) => [id, out]))
const lives = file.cases.filter(({ verdict }) => verdict === "valid")

/** Events and states of §20.4 and §19.7, by the end that tells them. */
const events = {
  old: ["joined", "scan-code", "show-pin", "wrong-pin", "compare-digits", "verified", "linked", "aborted"],
  new: ["sign", "show-code", "ask-pin", "compare-digits", "received", "linked", "aborted"]
}
const states = {
  old: "open answered revealed scanning proving comparing verified granted linked aborted",
  new: "joined signing showing waiting typing proved comparing agreed received finishing linked aborted"
}

const answered = async (reply: Reply | Promise<Reply>): Promise<Members> => {
  const found = await reply
  if (!("ok" in found)) throw new Error(JSON.stringify(found))
  return found.ok
}

describe("an end of a linking", () => {
  it("tells frames, events and its state, in the words of the protocol and no others [subject.link.1]", async () => {
    const told = { old: new Set<string>(), new: new Set<string>() }
    const seen = { old: new Set<string>(), new: new Set<string>() }
    for (const { now, script } of lives) {
      const subject = create()
      for (const [id, step] of script.entries()) {
        const end = step.as.startsWith("old") ? "old" : "new"
        const request = { id, op: step.do, as: step.as, in: resolve(step.in, names) as JsonObject, now }
        const ok = await answered(subject.handle(request as never))
        seen[end].add(ok["state"] as string)
        expect(Object.keys(ok).sort()).toEqual(step.do === "link.offer" ? ["state"] : ["events", "frames", "state"])
        for (const [name] of (ok["events"] ?? []) as ReadonlyArray<readonly [string]>) told[end].add(name)
      }
    }
    for (const end of ["old", "new"] as const) {
      expect([...told[end]].sort()).toEqual([...events[end]].sort())
      expect([...seen[end]].sort()).toEqual(states[end].split(" ").sort())
    }
  })

  it("refuses nothing it should take where it is asked for what it is not [subject.link.1] [subject.reject.1]", async () => {
    const subject = create()
    const request = { id: 1, op: "link.receive", as: "old/9", in: { frame: "00", now: 0 } }
    expect(await subject.handle(request as never)).toMatchObject({ fault: {} })
  })
})
