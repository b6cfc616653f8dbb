/**
 * From a broken property to a draft of a vector: run, replay, shrink, promote.
 *
 * Spec: docs/spec/21-conformance.md §21.3.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { command, vectors } from "./support.ts"

const folder = mkdtempSync(join(tmpdir(), "tacit-scripts-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const inFolder = (name: string) => join(folder, name)

/** The reference, which shows every message twice once the device was started again. */
const subject = inFolder("twice.mjs")
beforeAll(() => {
  writeFileSync(
    subject,
    `import { create as reference } from ${JSON.stringify(new URL("../subjects/reference/index.ts", import.meta.url).href)}
     export const create = () => {
       const { handle } = reference()
       const again = new Set()
       return { handle: async (request) => {
         if (request.op === "reset") again.clear()
         if (request.op === "actor.restart") again.add(request.as)
         const reply = await handle(request)
         if (request.op !== "receive" || reply.ok === undefined || !again.has(request.as)) return reply
         const { events = [] } = reply.ok
         const messages = events.filter(({ type }) => type === "message")
         return { id: reply.id, ok: { ...reply.ok, events: [...events, ...messages] } }
       } }
     }`
  )
})

describe("a broken property", () => {
  const results = inFolder("results.ndjson")
  const small = inFolder("small.json")

  it("is found, with a script that repeats it [property.script.1]", async () => {
    const words = ["--in-process", subject, "--case", "P03", "--vectors", vectors, "--seed", "x", "--json", results]
    const { code, out } = await command("run", ...words)
    expect(code).toBe(1)
    expect(out).toMatch(/^✗ P03 .*\[critical\]$/m)
    expect(out).toMatch(/^ {4}\d+ steps in the world \w+: \[\[/m)
    expect(out).toMatch(/tacit-conformance replay <results> --property P03 --in-process/)
    const line = readFileSync(results, "utf8")
      .split("\n")
      .find((text) => text.includes('"property":"P03"'))
    expect(JSON.parse(line!)).toMatchObject({
      outcome: "fail",
      failure: { script: expect.any(Array), seed: expect.any(String) }
    })
  }, 120_000)

  it("is replayed from the results, and is not the reference's [property.script.1]", async () => {
    const broken = await command("replay", results, "--property", "P03", "--in-process", subject)
    expect(broken.code).toBe(1)
    expect(broken.out).toMatch(/^P03 is broken at step -?\d+: /m)
    expect(broken.out).toMatch(/^ +\d+ > \{"side":/m)
    const right = await command("replay", results, "--property", "P03")
    expect(right.code).toBe(0)
    expect(right.out.endsWith("pass")).toBe(true)
  }, 60_000)

  it("is made small, and stays broken", async () => {
    const { code, err } = await command("shrink", results, "--property", "P03", "--in-process", subject, "--out", small)
    expect(code).toBe(1)
    expect(err).toMatch(/^\d+ steps became \d+$/)
    const made = JSON.parse(readFileSync(small, "utf8")) as { script: ReadonlyArray<unknown>; title: string }
    expect(made.script.length).toBeLessThanOrEqual(4)
    expect(made.title).toMatch(/^P03: /)
    expect((await command("replay", small, "--in-process", subject)).code).toBe(1)
    const right = await command("shrink", small)
    expect(right).toMatchObject({ code: 0, err: "the script does not break P03" })
  }, 60_000)

  it("becomes the draft of a vector, answered by the reference", async () => {
    const { code, out } = await command("promote", small, "--id", "device-shown-twice")
    expect(code).toBe(0)
    const draft = JSON.parse(out) as {
      id: string
      needs: unknown
      script: ReadonlyArray<{ do: string; expect: string }>
    }
    expect(draft).toMatchObject({ id: "device-shown-twice", needs: ["device/1"] })
    expect(draft.script.map((step) => step.do)).toContain("receive")
    expect(draft.script.length).toBeGreaterThan(3)
  }, 60_000)

  it("is not taken from what holds no script", async () => {
    const bad = inFolder("bad.json")
    writeFileSync(bad, '{"world":"pair","roles":["subject"],"script":[["no-such-step"]]}')
    for (const words of [
      ["shrink", bad],
      ["replay", bad],
      ["promote", bad, "--id", "x"],
      ["shrink", results, "--property", "P01"]
    ]) {
      const { code, err } = await command(...words)
      expect(code).toBe(4)
      expect(err).toContain("holds no script")
    }
    expect((await command("promote", small, "--id", "Not An Id")).code).toBe(4)
    expect((await command("shrink", small, "--property", "P99")).code).toBe(4)
  }, 60_000)
})
