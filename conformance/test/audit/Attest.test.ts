/**
 * Attestations: what is signed, and that nothing else passes for it.
 *
 * Spec: docs/spec/21-conformance.md §21.4.
 */
import { createPrivateKey, generateKeyPairSync, sign } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import * as Attest from "../../src/audit/Attest.ts"
import type { Attestation } from "../../src/protocol/Reports.ts"
import { main } from "../../src/main/Dispatch.ts"
import { NotResults } from "../../src/report/Run.ts"
import { bad, good, header } from "../report/fixture.ts"

const seed = "11".repeat(32)
const now = 1_750_000_000_000
const binary = new TextEncoder().encode("the program")
const signed = (der: Buffer, message: Uint8Array): string =>
  sign(null, message, createPrivateKey({ key: der, format: "der", type: "pkcs8" })).toString("hex")
const make = (): Attestation => Attest.attest({ results: good(), key: seed, now, binary })

describe("an attestation", () => {
  it("binds results, suite, subject with its program, seed, dates and standing [level.honest.1]", () => {
    const { statement } = make()
    expect(statement).toMatchObject({
      root: header().root,
      suite: header().suite,
      seed: header().seed,
      subject: { name: "acme", version: "0.3.1", binary: { size: binary.length } },
      started: "2023-11-14T22:13:20.000Z",
      signed: new Date(now).toISOString(),
      critical: 0
    })
    expect(statement.line).toMatch(/^level 2 · exact · hardened · .* · 0 waived$/)
    expect(Attest.problems(make(), { results: good(), key: make().key, root: header().root, binary })).toEqual([])
  })

  it("is the same for the same key, results and date", () => {
    expect(make()).toEqual(make())
  })

  it("takes a key as PEM or as a seed, and gives the public key that checks it", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519")
    const pem = privateKey.export({ format: "pem", type: "pkcs8" }) as string
    const of = Attest.attest({ results: good(), key: pem, now })
    const key = Attest.publicKeyOf(publicKey.export({ format: "pem", type: "spki" }) as string)
    expect(of.key).toBe(key)
    expect(Attest.problems(of, { results: good(), key })).toEqual([])
  })

  it.each<readonly [what: string, change: (of: Attestation) => Attestation, problem: string]>([
    [
      "a better level",
      (of) => ({ ...of, statement: { ...of.statement, line: of.statement.line.replace("level 2", "level 5") } }),
      "the signature does not verify"
    ],
    [
      "another date",
      (of) => ({ ...of, statement: { ...of.statement, signed: "2030-01-01T00:00:00.000Z" } }),
      "the signature does not verify"
    ],
    [
      "another key",
      (of) => ({ ...of, key: Attest.attest({ results: good(), key: "22".repeat(32), now }).key }),
      "the signature does not verify"
    ],
    [
      "a signature with one bit turned over",
      (of) => ({
        ...of,
        signature: `${of.signature.slice(0, -1)}${(Number.parseInt(of.signature.slice(-1), 16) ^ 1).toString(16)}`
      }),
      "the signature does not verify"
    ]
  ])("does not hold with %s", (_, change, problem) => {
    expect(Attest.problems(change(make()), { results: good() })).toContain(problem)
  })

  it("does not hold for other results, another suite, another program or another signer", () => {
    expect(Attest.problems(make(), { results: bad() })).toEqual(["it is about another result file"])
    expect(Attest.problems(make(), { results: good(), root: "00".repeat(32) })).toEqual(["it is about another suite"])
    expect(Attest.problems(make(), { results: good(), binary: new Uint8Array(1) })).toEqual([
      "it is about another program"
    ])
    expect(Attest.problems(make(), { results: good(), key: "00".repeat(32) })).toEqual([
      "it is signed with another key"
    ])
  })

  it("does not hold when its signer wrote down something else than the results say", () => {
    const honest = make()
    // Signed with the right key, over a statement about the same file with a better line.
    const lie = { ...honest.statement, line: honest.statement.line.replace("level 2", "level 5") }
    const key = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.from(seed, "hex")])
    const signature = signed(key, Attest.message(lie))
    expect(Attest.problems({ ...honest, statement: lie, signature }, { results: good() })).toEqual([
      "it says something else than the result file"
    ])
  })

  it("is not made with another kind of key, and says nothing of what the file held", () => {
    const { privateKey } = generateKeyPairSync("x25519")
    for (const key of ["", "00", "zz".repeat(32), privateKey.export({ format: "pem", type: "pkcs8" }) as string]) {
      const attempt = (): unknown => Attest.attest({ results: good(), key, now })
      expect(attempt).toThrow(Attest.Unusable)
      expect(attempt).not.toThrow(key === "" ? /^$/ : key.slice(0, 40))
    }
    expect(() => Attest.attest({ results: "no results", key: seed, now })).toThrow(NotResults)
  })

  it("is read back as it was written, and not with a member more or less", () => {
    const text = JSON.stringify(make())
    expect(Attest.parse(text)).toEqual(make())
    expect(() => Attest.parse(text.replace('"kit":', '"kit2":'))).toThrow(Attest.Unusable)
    expect(() => Attest.parse(text.replace('"kit":', '"more":1,"kit":'))).toThrow(Attest.Unusable)
  })

  it.each(["", "{}", "[]", '{"schema":"tacit/attestation/1","statement":{},"key":"00","signature":""}'])(
    "is not read out of %j",
    (text) => {
      expect(() => Attest.parse(text)).toThrow(Attest.Unusable)
    }
  )

  it("is made and checked by the command", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tacit-attest-"))
    try {
      const path = (name: string): string => join(folder, name)
      writeFileSync(path("results.ndjson"), good())
      writeFileSync(path("other.ndjson"), bad())
      writeFileSync(path("key"), `${seed}\n`)
      let out = ""
      const run = (...words: ReadonlyArray<string>): Promise<number> =>
        main(words, {
          out: (line) => void (out += `${line}\n`),
          err: (line) => void (out += `${line}\n`),
          signal: new AbortController().signal
        })
      expect(await run("attest", path("results.ndjson"), "--key", path("key"), "--out", path("a.json"))).toBe(0)
      const { key } = Attest.parse(readFileSync(path("a.json"), "utf8"))
      expect(await run("attest", path("results.ndjson"), "--verify", path("a.json"), "--key", key, "--here")).toBe(0)
      expect(await run("attest", path("other.ndjson"), "--verify", path("a.json"), "--key", key)).toBe(1)
      expect(await run("attest", path("results.ndjson"))).toBe(4)
      expect(out).not.toContain(seed)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
