/**
 * What auditors are told: explanations, wire logs, differences, coverage.
 *
 * Spec: docs/spec/README.md (rules); vectors/README.md.
 */
import { describe, expect, it } from "vitest"
import * as Coverage from "../../src/audit/Coverage.ts"
import * as Derivation from "../../src/audit/Derivation.ts"
import * as Diff from "../../src/audit/Diff.ts"
import { explain } from "../../src/audit/Explain.ts"
import * as Folder from "../../src/audit/Folder.ts"
import type { Case } from "../../src/audit/Model.ts"
import type { Wire } from "../../src/protocol/Result.ts"
import * as WireLog from "../../src/audit/WireLog.ts"
import { read } from "../../src/report/Run.ts"
import { bad, good } from "../report/fixture.ts"
import { folder, found } from "./suite.ts"

const rules = Folder.rules(folder())
const told = (id: string): string => explain(found(id), rules).join("\n")

describe("an explanation", () => {
  it("quotes the rules, names what must notice, and marks the bytes that differ", () => {
    const text = told("session-1-first-mailbox")
    expect(text.replaceAll(/\s+/g, " ")).toContain(rules["envelope.prefix.1"]!.text.slice(0, 120))
    expect(text).toContain("What differs from its twin, session-1-first, which is valid")
    expect(text).toContain("One bit differs.")
    expect(text).toMatch(/ {4}940101c410b5.*\n {4} {10}\^\^\n/)
    expect(text).toContain("must be refused at lookup (envelope.mailbox)")
    expect(text).toContain("probe: genuine traffic that must still work")
  })

  it("says that only the inner check can object where all around it was made anew", () => {
    expect(told("session-1-first-inner-certificate-signature").replaceAll(/\s+/g, " ")).toContain(
      "everything around the changed value was made anew with the right keys, so only the check of that value itself can object"
    )
  })

  it("leads every value down to coins, literals and texts", () => {
    const text = told("kdf-session-tag-0")
    const { file, item } = found("kdf-session-tag-0")
    const derivation = Derivation.of(file, item)
    for (const step of Derivation.closure(derivation, Derivation.roots(item))) {
      expect(text).toContain(`${step.id} = ${step.op}(`)
      expect(text).toContain(step.out.slice(0, 48))
    }
  })

  it("is there for every case", () => {
    for (const { file, path } of folder().files)
      for (const item of file.cases) {
        const text = explain({ file, item, path }, rules, { depth: 2 }).join("\n")
        for (const id of item.clauses) expect(text, item.id).toContain(`  ${id}  ${rules[id]!.page}`)
        if (item.verdict === "invalid") expect(text, item.id).toContain("What must notice: ")
        expect(text, item.id).not.toMatch(/undefined|\[object Object\]/)
      }
  }, 120_000)
})

describe("a wire log", () => {
  /** Random values that are nobody else's affair, by the label they are drawn under. */
  const secretLabels =
    /^(?:account\.seed|device\.(?:sign|agree)|prekey\.|kem\.|ratchet\.eph|pqxdh\.eph|sealed\.eph|test\.(?:root|hka|nhkb))/

  it("shows no secret unless it is asked for", () => {
    let looked = 0
    for (const { file, path } of folder().files) {
      if (!/^(?:ratchet|agreement|envelope|identity)\//.test(path)) continue
      for (const item of file.cases) {
        const derivation = Derivation.of(file, item)
        const text = WireLog.ofCase({ file, item, path }).join("\n")
        for (const step of Derivation.closure(derivation, Derivation.roots(item))) {
          const secret =
            (step.op === "coin" && secretLabels.test(String(step.in["label"]))) ||
            step.op === "x25519" ||
            step.op === "hkdf-sha256"
          if (!secret) continue
          looked++
          expect(text.includes(step.out.slice(0, 32)), `${item.id} shows ${step.id}`).toBe(false)
        }
      }
    }
    expect(looked).toBeGreaterThan(10_000)
  }, 120_000)

  it("shows them and what is inside encryption when it is", () => {
    const { file, item } = found("ratchet-s1-straight")
    const hidden = WireLog.ofCase(found("ratchet-s1-straight")).join("\n")
    const shown = WireLog.ofCase(found("ratchet-s1-straight"), { secrets: true }).join("\n")
    const secret = Derivation.of(file, item).look("e0.secret")!
    expect(hidden).not.toContain(secret)
    expect(hidden).toContain("ratchetSecret = e0.secret: hidden")
    expect(shown).toContain(secret)
    expect(shown).toMatch(
      /inside m\.0\.1\.sealed-header, sealed with hka: m\.0\.1\.header, 40 bytes\n.*ratchet key.*\n.*PN +00000000 +0\n.*N +00000001 +1/
    )
    expect(shown).toContain("chain 0, message 1")
    expect(hidden).not.toContain("chain 0, message 1")
  })

  it("tells who sent what another got, and decodes it field by field", () => {
    const text = WireLog.ofCase(found("ratchet-s1-straight")).join("\n")
    expect(text).toMatch(/alice\/1 -> bob\/1 {2}ratchet\.open/)
    expect(text).toMatch(/16 +12 +header nonce/)
    expect(WireLog.ofCase(found("session-1-first-mailbox")).join("\n")).toMatch(/network -> bob\/1 {2}session\.receive/)
  })

  it("is made of the messages that a run kept, too", () => {
    const wires = [
      {
        event: "wire",
        case: "P03",
        step: 1,
        dir: "request",
        message: { id: 4, op: "receive", as: "bob/1", in: { wire: `940102c410${"00".repeat(16)}c40100`, seed: "aa" } }
      },
      {
        event: "wire",
        case: "P03",
        step: 1,
        dir: "reply",
        message: { id: 4, reject: { stage: "lookup", class: "lookup.no-session" } }
      }
    ] as const
    const text = WireLog.ofWires(wires).join("\n")
    expect(text).toContain("runner -> bob/1  receive")
    expect(text).toMatch(/kind +02 +2 \(session message\)/)
    expect(text).toContain("seed: hidden")
    expect(text).toContain("class: lookup.no-session")
  })

  it("tells two sides of one script apart, each with numbers of its own", () => {
    const ask = (side: string, op: string): Wire => ({
      event: "wire",
      case: "P03",
      step: -1,
      dir: "request",
      message: { side, id: 1, op, as: "a0", in: { body: "94" } }
    })
    const text = WireLog.ofWires([
      ask("subject", "receive"),
      ask("reference", "kdf.manifest-hash"),
      { ...ask("subject", ""), dir: "reply", message: { side: "subject", id: 1, ok: { wire: "940102c41000" } } }
    ]).join("\n")
    expect(text).toContain("runner -> a0 (subject)  receive")
    expect(text).toContain("runner -> a0 (reference)  kdf.manifest-hash")
    expect(text).toMatch(/<- ok\n {6}wire, 6 bytes\n.*envelope/)
  })
})

/** The suite with other cases in one of its files. */
const withCases = (path: string, change: (cases: ReadonlyArray<Case>) => ReadonlyArray<Case>): Folder.Folder => ({
  ...folder(),
  files: folder().files.map((of) =>
    of.path === path ? { ...of, file: { ...of.file, cases: change(of.file.cases) } } : of
  )
})

describe("the difference of two suites", () => {
  const path = "sequence/window.json"
  it("of the same suite is none", () => {
    expect(Diff.suites(folder(), folder())).toMatchObject({
      added: [],
      withdrawn: [],
      lost: [],
      changed: [],
      asks: "none"
    })
  })

  it("asks for a minor step when cases are added or withdrawn", () => {
    const less = withCases(path, (cases) => cases.filter(({ id }) => id !== "window-first"))
    expect(Diff.suites(less, folder())).toMatchObject({ added: ["window-first"], lost: [], asks: "minor" })
    const gone = withCases(path, (cases) =>
      cases.map((item) => (item.id === "window-first" ? { ...item, status: "withdrawn" } : item))
    )
    expect(Diff.suites(folder(), gone)).toMatchObject({ withdrawn: ["window-first"], changed: [], asks: "minor" })
  })

  it("asks for a major step when a case disappears or means something else, and only then", () => {
    const less = withCases(path, (cases) => cases.filter(({ id }) => id !== "window-first"))
    expect(Diff.suites(folder(), less)).toMatchObject({ lost: ["window-first"], asks: "major" })
    const other = withCases(path, (cases) =>
      cases.map((item) => (item.id === "window-first" ? { ...item, critical: true } : item))
    )
    expect(Diff.suites(folder(), other)).toMatchObject({ changed: ["window-first"], asks: "major" })
    const named = withCases(path, (cases) =>
      cases.map((item) => (item.id === "window-first" ? { ...item, title: "another title" } : item))
    )
    expect(Diff.suites(folder(), named)).toMatchObject({ changed: [], retitled: ["window-first"] })
  })

  it("sees a value that changed in a derivation, though the case refers to it by name", () => {
    const changed: Folder.Folder = {
      ...folder(),
      files: folder().files.map((of) => {
        if (of.path !== "ratchet/suite-1.json") return of
        const file = structuredClone(of.file) as {
          worlds: Record<string, { trace: Array<{ id: string; out: string }> }>
        } & typeof of.file
        file.worlds["s1"]!.trace.find(({ id }) => id === "m.0.0")!.out = "00"
        return { ...of, file }
      })
    }
    expect(Diff.suites(folder(), changed).changed).toContain("ratchet-s1-straight")
  })
})

describe("the difference of two runs", () => {
  it("says what became worse and what better, with both standings", () => {
    const text = Diff.runs(read(good()), read(bad())).join("\n")
    expect(text).toMatch(/^acme 0\.3\.1: level 2 · exact · hardened/)
    expect(text).toContain("ratchet-skip-1001: not run -> fail")
    expect(text).toContain("P03: pass -> fail  [critical]")
    const back = Diff.runs(read(bad()), read(good())).join("\n")
    expect(back).toMatch(/Better \(\d+\)\n(?: {2}.*\n)* {2}P03: fail -> pass/)
    expect(Diff.runs(read(good()), read(good())).at(-1)).toBe("Every case and property ended in the same way.")
  })
})

describe("coverage", () => {
  it("counts a rule from both sides, as the clause index does", () => {
    const clauses = Coverage.clauses(folder(), rules)
    const skip = clauses.find(({ id }) => id === "ratchet.skip.1")!
    expect(skip.positive).toContain("ratchet-skip-1000")
    expect(skip.negative).toContain("ratchet-skip-1001")
    expect(Object.keys(rules).every((id) => clauses.some((of) => of.id === id))).toBe(true)
  })

  it("names a rule that lost its refused cases, and an index that says otherwise", () => {
    const less: Folder.Folder = {
      ...folder(),
      files: folder().files.map((of) => ({
        ...of,
        file: {
          ...of.file,
          cases: of.file.cases.filter((item) => item.verdict === "valid" || !item.clauses.includes("ratchet.skip.1"))
        }
      }))
    }
    const text = Coverage.lines(less, rules).join("\n")
    expect(text).toMatch(/Accepted, never refused: no negative case \(\d+\)\n(?: {2}.*\n)* {2}ratchet\.skip\.1/)
    expect(Coverage.indexProblems(less, Coverage.clauses(less, rules))).toContain(
      "! ratchet.skip.1: clauses.json lists other cases"
    )
  })

  it("says what a run did not reach", () => {
    const text = Coverage.lines(folder(), rules, { run: read(bad()) }).join("\n")
    expect(text).toMatch(/families not declared: .*agreement/)
    expect(text).toMatch(/\d+ cases of the suite did not run/)
    expect(text).toContain("P03 (3000 scripts, 180000 steps)")
    expect(text).toMatch(/adversary steps: 1 of \d+ did something: flip 41\n/)
    expect(text).toMatch(/adversary steps that did nothing: .*old-start/)
    expect(text).toMatch(/honest steps: 1 of \d+ did something: send 900\n/)
  })
})
