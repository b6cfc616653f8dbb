/**
 * F03 and F07: bulk runs, of which only the digest is published.
 *
 * Spec: vectors/README.md (bulk runs).
 */
import { encodingRun, ratchetRun } from "../bulk.ts"
import { hex } from "../bytes.ts"
import { FileBuilder, seed, type Family } from "../family.ts"
import type { VectorFile } from "../model.ts"
import { coin } from "../ops.ts"
import { family as encodingFamily } from "./encoding.ts"
import { family as ratchetFamily } from "./ratchet.ts"

const runs = new Map<string, string>()

const bulk = (
  family: Family,
  op: string,
  clauses: ReadonlyArray<string>,
  run: (seed: Uint8Array, count: number) => Uint8Array
): VectorFile => {
  const file = new FileBuilder(family, "bulk")
  const start = coin(seed, family.name, "test.bulk", 0, 32)
  for (const [count, flags] of [
    [100, []],
    [10_000, ["Soak"]]
  ] as const) {
    const id = `${family.name}-bulk-${count}`
    if (!runs.has(id)) runs.set(id, hex(run(start, count)))
    file.valid(
      { id, title: `${count} runs`, clauses, flags },
      op,
      { seed: hex(start), count },
      { digest: runs.get(id)! }
    )
  }
  return file.file()
}

export const encodingBulk = (): VectorFile =>
  bulk(
    encodingFamily,
    "bulk.encoding",
    ["codec.form.1", "codec.decode.1", "codec.decode.2", "codec.encode.1"],
    encodingRun
  )
export const ratchetBulk = (): VectorFile =>
  bulk(
    ratchetFamily,
    "bulk.ratchet",
    ["ratchet.message.1", "ratchet.receive.2", "ratchet.receive.3", "ratchet.receive.4", "ratchet.skip.3"],
    ratchetRun
  )
