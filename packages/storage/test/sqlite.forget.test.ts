/**
 * What was removed is nowhere in the files: a stolen file must not open yesterday's messages.
 *
 * Spec: docs/spec/16-state.md §16.1.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { randomBytes } from "node:crypto"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Store, Write } from "@tacit/core"
import * as Sqlite from "@tacit/storage/sqlite"
import * as Effect from "effect/Effect"
import { afterAll, describe, expect, it } from "vitest"

const folder = mkdtempSync(join(tmpdir(), "tacit-forget-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Everything the store has on disk, as text of one character a byte. */
const onDisk = (path: string): string =>
  ["", "-wal", "-shm"]
    .map((suffix) => (existsSync(path + suffix) ? readFileSync(path + suffix, "latin1") : ""))
    .join("")

/**
 * Writes, replaces and removes records at random, each value with a mark of 16 random bytes, so that pages split, merge and move.
 * Answers the marks that must be gone and those that must be there.
 */
const churn = (store: Store["Service"], size: number, steps: number, keys: number) =>
  Effect.gen(function* () {
    const live = new Map<string, string>()
    const gone: Array<string> = []
    for (let step = 0; step < steps; step++) {
      const writes = new Map<string, Write>()
      for (let i = 0; i < 25; i++) {
        const key = `skipped/${randomBytes(4).readUInt32BE() % keys}`
        if (writes.has(key)) continue
        const before = live.get(key)
        if (before !== undefined) gone.push(before)
        if (before !== undefined && i % 3 === 0) {
          writes.set(key, { op: "delete", key })
          live.delete(key)
        } else {
          const mark = randomBytes(16)
          const value = new Uint8Array(16 + (randomBytes(2).readUInt16BE() % size))
          value.set(mark, value.length - 16)
          writes.set(key, { op: "put", key, value })
          live.set(key, mark.toString("latin1"))
        }
      }
      yield* store.commit([...writes.values()])
    }
    return { live: [...live.values()], gone }
  })

const found = (marks: ReadonlyArray<string>, text: string): number => marks.filter((mark) => text.includes(mark)).length

describe("forgetting", () => {
  for (const size of [40, 900, 6_000]) {
    it(
      `no trace of a removed or replaced value of up to ${size} bytes is left after closing`,
      { timeout: 20_000 },
      async () => {
        const path = join(folder, `closed-${size}`)
        const { gone, live } = await Effect.runPromise(
          Effect.scoped(Effect.flatMap(Sqlite.make({ path }), ({ store }) => churn(store, size, 120, 600)))
        )
        expect(gone.length).toBeGreaterThan(1_000)
        expect(found(live, onDisk(path))).toBe(live.length)
        expect(found(gone, onDisk(path))).toBe(0)
      }
    )
  }

  it("an open store empties its log and forgets within the time it was given", async () => {
    const path = join(folder, "open")
    await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const { store } = yield* Sqlite.make({ path, forgetWithinMs: 150 })
          const marks = Array.from({ length: 200 }, () => randomBytes(32))
          yield* store.commit(marks.map((value, i) => ({ op: "put", key: `k/${i}`, value })))
          yield* store.commit(marks.map((_, i) => ({ op: "delete", key: `k/${i}` })))
          const texts = marks.map((mark) => mark.toString("latin1"))
          expect(found(texts, onDisk(path))).toBeGreaterThan(0)
          yield* Effect.sleep(600)
          expect(statSync(`${path}-wal`).size).toBe(0)
          expect(found(texts, onDisk(path))).toBe(0)
        })
      )
    )
  })

  it("a store that became smaller gives its room back", { timeout: 20_000 }, async () => {
    const path = join(folder, "shrunk")
    const keys = Array.from({ length: 400 }, (_, i) => `k/${i}`)
    const sizes = await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          // No rewriting: this is the portion-wise way, which large stores have to themselves.
          const { store } = yield* Sqlite.make({ path, forgetWithinMs: 60, rewriteUpToBytes: 0 })
          yield* store.commit(keys.map((key) => ({ op: "put", key, value: new Uint8Array(20_000) })))
          yield* Effect.sleep(250)
          const full = statSync(path).size
          yield* store.commit(keys.map((key) => ({ op: "delete", key })))
          yield* Effect.sleep(600)
          return [full, statSync(path).size] as const
        })
      )
    )
    expect(sizes[0]).toBeGreaterThan(8_000_000)
    expect(sizes[1]).toBeLessThan(1_000_000)
  })
})
