/**
 * Wycheproof's files under our yes or no, with both providers.
 *
 * Spec: vectors/wycheproof/README.md.
 */
import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { nobleProvider } from "@tacit/core/crypto/noble"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { describe, expect, it } from "vitest"
import { runWycheproof, type Policy, type WycheproofFile } from "../../../../vectors/interpret/wycheproof.ts"

interface Pinned extends Policy {
  readonly name: string
  readonly sha256: string
  readonly count: number
}
const folder = new URL("../../../../vectors/wycheproof/", import.meta.url)
const policy = JSON.parse(readFileSync(new URL("policy.json", folder), "utf8")) as {
  readonly files: ReadonlyArray<Pinned>
}

describe("the policy for Wycheproof", () => {
  it("decides every case once, of every file there is", () => {
    expect(readdirSync(new URL("data/", folder)).toSorted()).toEqual(policy.files.map(({ name }) => name).toSorted())
    for (const { accept, count, reject } of policy.files) {
      expect(new Set([...accept, ...reject]).size).toBe(accept.length + reject.length)
      expect(accept.length + reject.length).toBeLessThanOrEqual(count)
    }
  })
})

for (const provider of [nobleProvider, await loadNodeProvider()]) {
  describe(`Wycheproof with the provider ${provider.name}`, () => {
    for (const file of policy.files) {
      it(`agrees on ${file.name}, ${file.count} cases`, () => {
        const bytes = readFileSync(new URL(`data/${file.name}`, folder))
        expect(createHash("sha256").update(bytes).digest("hex")).toBe(file.sha256)
        const { count, wrong } = runWycheproof(provider, JSON.parse(bytes.toString("utf8")) as WycheproofFile, file)
        expect(wrong).toEqual([])
        expect(count).toBe(file.count)
      }, 120_000)
    }
  })
}
