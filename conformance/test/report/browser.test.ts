/**
 * The pages at work, in a real browser: search, case pages, recomputation.
 *
 * Spec: docs/spec/21-conformance.md §21.4. Without a browser these tests do not run.
 */
import { describe, expect, it } from "vitest"
import type { Folder } from "../../src/audit/Folder.ts"
import { explorer } from "../../src/report/Explorer.ts"
import { html } from "../../src/report/Html.ts"
import { read } from "../../src/report/Run.ts"
import { browser, withPage } from "./browser.ts"
import { bad, failures, folder, good, standing } from "./fixture.ts"

const settle = "await new Promise((go) => setTimeout(go, 300));"
const text = 'document.getElementById("page").innerText'

describe.runIf(browser !== undefined)("the report in a browser", () => {
  it("finds cases by words, narrows them, and shows only the rows in sight", { timeout: 60_000 }, async () => {
    const page = await html([read(good()), read(bad())], folder())
    const found = await withPage(page, "#search/ratchet-skip-100", async ({ complaints, run }) => {
      const words = await run(`return document.querySelector("#browse [role=status]").textContent`)
      const rows = await run(`return [...document.querySelectorAll(".row .id")].map((row) => row.textContent)`)
      const narrowed = await run(
        `document.querySelector(".chip[data-value=bad]").click(); ${settle} return [...document.querySelectorAll(".row .id")].map((row) => row.textContent)`
      )
      const all = await run(
        `const box = document.getElementById("search"); box.value = ""; box.dispatchEvent(new Event("input")); document.querySelector(".chip[data-value=all]").click(); ${settle} return [document.querySelectorAll(".row").length, document.querySelector("#browse [role=status]").textContent]`
      )
      return { words, rows, narrowed, all, complaints }
    })
    expect(found.complaints).toEqual([])
    expect(found.words).toMatch(/^\d+ of [\d,]+ cases$/)
    expect(found.rows).toContain("ratchet-skip-1001")
    expect(found.rows).not.toContain("window-first")
    // A waived failure is not among what did not pass: it has a chip of its own.
    expect(found.narrowed).toEqual(["ratchet-skip-1001"])
    const [rows, count] = found.all as [number, string]
    expect(rows).toBeLessThan(80)
    const all = standing().toLocaleString("en")
    expect(count).toBe(`${all} of ${all} cases`)
  })

  it(
    "opens the page of a failure with rule, change, both answers and the way to repeat it",
    { timeout: 60_000 },
    async () => {
      const failure = failures[0]!
      const page = await html([read(bad())], folder())
      const shown = await withPage(page, `#case/${failure.case}`, async ({ complaints, run }) => {
        expect(complaints).toEqual([])
        return String(await run(`return ${text}`))
      })
      expect(shown).toContain("At most 1,000 keys are skipped in one chain step")
      expect(shown).toContain("Twin: ratchet-skip-1000")
      expect(shown).toContain("must be refused at limit")
      expect(shown).toContain("probe: genuine traffic that must still work")
      expect(shown).toContain("tacit-conformance replay ratchet-skip-1001")
      expect(shown).toContain("here the run went wrong")
    }
  )
})

/** The suite with one byte of one published value changed. */
const tampered = (): Folder => {
  const whole = folder()
  return {
    ...whole,
    files: whole.files.map((of) => {
      if (of.path !== "labels/derivations.json") return of
      const file = structuredClone(of.file) as unknown as {
        cases: Array<{ id: string; trace?: Array<{ id: string; out: string }> }>
      }
      const step = file.cases.find(({ id }) => id === "kdf-session-tag-0")?.trace?.find(({ id }) => id === "tag.mac")
      if (step === undefined) throw new Error("the case is another one now")
      step.out = `00${step.out.slice(2)}`
      return { ...of, file: file as never }
    })
  }
}

describe.runIf(browser !== undefined)("the explorer in a browser", () => {
  it("recomputes every step of a case, and every file", { timeout: 120_000 }, async () => {
    const page = await explorer(folder())
    const done = await withPage(page, "#case/session-1-first-mailbox", async ({ complaints, run }) => {
      const steps = await run(
        `document.getElementById("recompute-all").click(); ${settle} return document.querySelectorAll(".steps button").length`
      )
      const status = await run(`return ${text}`)
      const marked = await run(`return [...document.querySelectorAll(".sides mark")].map((mark) => mark.textContent)`)
      const all = await run(
        `document.getElementById("check-all").click(); for (let i = 0; i < 900; i++) { await new Promise((go) => setTimeout(go, 100)); if (!document.getElementById("check-all").disabled) break } return document.getElementById("check-status").textContent`
      )
      return { steps, status: String(status), marked, all, complaints }
    })
    expect(done.complaints).toEqual([])
    expect(done.status).toContain(`${String(done.steps)} of ${String(done.steps)} recomputed, all match`)
    expect(Number(done.steps)).toBeGreaterThan(50)
    expect(done.status).toContain("delta holds")
    // One bit of the mailbox differs: the byte is marked on both sides.
    expect(done.marked).toEqual(["b4", "b5"])
    expect(done.all).toMatch(/^[\d,]+ steps and [\d,]+ deltas in \d+ files: all match$/)
  })

  it("marks the step whose published value does not follow from its inputs", { timeout: 60_000 }, async () => {
    const page = await explorer(tampered())
    const shown = await withPage(page, "#case/kdf-session-tag-0", async ({ run }) => {
      await run(`document.getElementById("recompute-all").click(); ${settle}`)
      return {
        text: String(await run(`return ${text}`)),
        marked: await run(`return [...document.querySelectorAll(".outputs mark")].map((mark) => mark.textContent)`)
      }
    })
    expect(shown.text).toMatch(/recomputed, 2 do not match|recomputed, 1 do not match/)
    expect(shown.text).toContain("mismatch")
    expect((shown.marked as ReadonlyArray<string>)[0]).toBe("00")
  })
})
