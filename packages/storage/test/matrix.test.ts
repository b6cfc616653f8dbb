/**
 * The crash matrix: every operation of a device, killed right before and right after every commit of it, on every store adapter.
 *
 * Spec: docs/spec/16-state.md §16.2, rules state.commit.1–2, state.once.1, state.outbox.2; docs/spec/07-sequencing.md §7.2; 08-sessions.md §8.4.
 * By default the memory store is killed at every commit and the others at some, chosen by TACIT_CRASH_SEED; TACIT_CRASH_ALL=1 kills all of
 * them everywhere and writes docs/crash-matrix.md. Without it, the file must tell of the operations and adapters that are now.
 */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, describe } from "vitest"
import { type Operation, operations, play } from "./matrix/Operations.ts"
import { type Adapter, adapters, type Moment } from "./matrix/Places.ts"
import { type Cell, render, rowsOf } from "./matrix/Table.ts"

const file = fileURLToPath(new URL("../../../docs/crash-matrix.md", import.meta.url))
const all = (process.env.TACIT_CRASH_ALL ?? "") !== ""
const seed = Number(process.env.TACIT_CRASH_SEED ?? Math.trunc(Math.random() * 2 ** 31))
const folder = mkdtempSync(join(tmpdir(), "tacit-matrix-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Every moment of an operation with so many commits. */
const everyMoment = (commits: number): ReadonlyArray<Moment> =>
  Array.from({ length: commits }, (_, i) => i + 1).flatMap((nth) => [
    { nth, when: "before" as const },
    { nth, when: "after" as const }
  ])

/** Some of them: the same for the same seed. */
const some = (moments: ReadonlyArray<Moment>, salt: number): ReadonlyArray<Moment> => {
  const left = [...moments]
  let state = (seed + salt * 7919) % 2_147_483_647 || 1
  return Array.from({ length: Math.min(2, left.length) }, () => {
    state = (state * 48_271) % 2_147_483_647
    return left.splice(state % left.length, 1)[0]!
  })
}

const cells: Array<Cell> = []

const checked = (operation: Operation, adapter: Adapter, salt: number) =>
  Effect.gen(function* () {
    const undisturbed = yield* Effect.scoped(play(operation, adapter, folder))
    expect([operation.name, undisturbed.faults]).toEqual([operation.name, []])
    const { commits, envelopes } = undisturbed
    const moments = all || adapter === "memory" ? everyMoment(commits) : some(everyMoment(commits), salt)
    let kills = 0
    for (const moment of moments) {
      const { faults, reached } = yield* Effect.scoped(play(operation, adapter, folder, moment))
      const name = `${operation.name}, ${adapter}, killed ${moment.when} commit ${moment.nth} (seed ${seed})`
      expect([name, reached, faults]).toEqual([name, true, []])
      kills++
    }
    cells.push({ operation: operation.name, adapter, commits, kills, envelopes })
  })

describe("killed at a commit", () => {
  for (const [row, operation] of operations.entries()) {
    for (const [column, adapter] of adapters.entries()) {
      it.effect(
        `of "${operation.name}", over ${adapter}, a device goes on and nothing is lost or doubled [state.commit.1] [state.commit.2] [state.once.1] [state.outbox.2] [session.retry.5] [fence.told.1]`,
        () => checked(operation, adapter, row * adapters.length + column),
        600_000
      )
    }
  }
})

it("an old backup heals within one round trip [fence.heal.1]", () => {
  // A request to the peer and its answer come before the first message; the rest are messages, receipts and what is sent again.
  for (const { envelopes, operation } of cells) {
    if (operation.includes("backup")) expect(envelopes).toBeLessThanOrEqual(12)
  }
})

// With TACIT_CRASH_ALL=1 it is written first.
it("docs/crash-matrix.md tells of what is killed", () => {
  expect(cells.length).toBe(operations.length * adapters.length)
  if (all) writeFileSync(file, render(cells))
  const whole = cells.map((cell) => ({ ...cell, kills: 2 * cell.commits }))
  expect(rowsOf(readFileSync(file, "utf8"))).toEqual(rowsOf(render(whole)))
})
