/**
 * Wycheproof's files under our yes or no, with both providers.
 *
 * Spec: vectors/wycheproof/README.md.
 * The files are not in the repository: `TACIT_WYCHEPROOF` names a folder that holds them. Without it only the policy is checked.
 */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { nobleProvider } from "@tacit/core/crypto/noble"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { describe, expect, it } from "vitest"
import { runWycheproof, type Policy, type WycheproofFile } from "../../../../vectors/interpret/wycheproof.ts"

interface Pinned extends Policy {
  readonly name: string
  readonly sha256: string
  readonly count: number
}
const policy = JSON.parse(
  readFileSync(new URL("../../../../vectors/wycheproof/policy.json", import.meta.url), "utf8")
) as { readonly commit: string; readonly files: ReadonlyArray<Pinned> }
const folder = process.env["TACIT_WYCHEPROOF"]

describe("the policy for Wycheproof", () => {
  it("decides every case once", () => {
    expect(policy.commit).toMatch(/^[0-9a-f]{40}$/)
    for (const { accept, count, reject, sha256 } of policy.files) {
      expect(sha256).toMatch(/^[0-9a-f]{64}$/)
      expect(new Set([...accept, ...reject]).size).toBe(accept.length + reject.length)
      expect(accept.length + reject.length).toBeLessThanOrEqual(count)
    }
  })
})

for (const provider of [nobleProvider, await loadNodeProvider()]) {
  describe.skipIf(folder === undefined)(`Wycheproof with the provider ${provider.name}`, () => {
    for (const file of policy.files) {
      it(`agrees on ${file.name}, ${file.count} cases`, () => {
        const bytes = readFileSync(`${folder}/${file.name}`)
        expect(createHash("sha256").update(bytes).digest("hex")).toBe(file.sha256)
        const { count, wrong } = runWycheproof(provider, JSON.parse(bytes.toString("utf8")) as WycheproofFile, file)
        expect(wrong).toEqual([])
        expect(count).toBe(file.count)
      }, 120_000)
    }
  })
}
