/**
 * Processes killed in the middle of their work, logs cut as by a power failure, and processes that come back from the dead.
 *
 * Spec: docs/spec/16-state.md §16.2.
 */
import type { ChildProcess } from "node:child_process"
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  readFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { StoreError } from "@tacit/core"
import * as Sqlite from "@tacit/storage/sqlite"
import * as Effect from "effect/Effect"
import { afterAll, afterEach, describe, expect, it } from "vitest"
import * as Crasher from "./crash/process.ts"
import { faultsOf, lanes, lastOf } from "./crash/workload.ts"

const folder = mkdtempSync(join(tmpdir(), "tacit-crash-"))
afterEach(Crasher.killAll)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Opens with every check there is, and looks. */
const examine = (path: string) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const { store, token } = yield* Sqlite.make({ path, check: "records" })
        const last = yield* Effect.forEach(
          Array.from({ length: lanes }, (_, lane) => lane),
          (lane) => lastOf(store, lane)
        )
        return { token, last, faults: yield* faultsOf(store) }
      })
    )
  )

const rounds = 22

/**
 * Stops a process and takes its store. One that was stopped inside a transaction holds SQLite's own lock and cannot be shut out, which
 * is said clearly; then it is let go on for a moment.
 */
const takeFromStopped = (process_: ChildProcess, path: string): ReturnType<typeof Sqlite.make> =>
  Effect.suspend(() => {
    process_.kill("SIGSTOP")
    return Effect.catchTag(Sqlite.make({ path, takeOver: true }), "StoreError", (error) => {
      expect(error.cause).toMatchObject({ _tag: "StoreUnusable", reason: "in-use" })
      process_.kill("SIGCONT")
      return Effect.andThen(Effect.sleep(7), takeFromStopped(process_, path))
    })
  })

describe("a process that is killed", () => {
  it(`keeps every acknowledged commit whole, ${rounds} times over`, { timeout: 240_000 }, async () => {
    const path = join(folder, "killed")
    let before = {
      token: 0,
      last: Array.from({ length: lanes }, () => ({ batch: 0, revision: 0 as number | "absent" }))
    }
    let commits = 0
    for (let round = 0; round < rounds; round++) {
      const child = Crasher.start(path)
      // Kills fall anywhere from the first commit of an opening to well into its housekeeping.
      await child.atLeast(1)
      await sleep(Math.random() * 120)
      await child.kill()
      const token = await child.token
      const { acknowledged } = child
      commits += acknowledged.length
      const after = await examine(path)
      expect(after.faults).toEqual([])
      expect(token).toBeGreaterThan(before.token)
      expect(after.token).toBeGreaterThan(token)
      for (let lane = 0; lane < lanes; lane++) {
        const answered = acknowledged.filter((one) => one.lane === lane)
        const { batch: last, revision } = after.last[lane]!
        const highest = answered.at(-1)?.batch ?? before.last[lane]!.batch
        // The last one may have become durable without having been answered any more.
        expect([highest, highest + 1]).toContain(last)
        expect(answered.map(({ batch }) => batch)).toEqual(answered.map((_, i) => before.last[lane]!.batch + 1 + i))
        const revisions = [before.last[lane]!.revision, ...answered.map((one) => one.revision), revision].filter(
          (one) => one !== "absent"
        )
        for (let i = 1; i < revisions.length; i++) {
          const same = i === revisions.length - 1 && last === highest
          expect(revisions[i]! - revisions[i - 1]!).toBeGreaterThanOrEqual(same ? 0 : 1)
        }
      }
      before = after
    }
    expect(commits).toBeGreaterThan(rounds * 3)
  })

  it("leaves whole commits only, wherever its log was cut or spoiled", { timeout: 240_000 }, async () => {
    const path = join(folder, "cut")
    const child = Crasher.start(path)
    await child.atLeast(200)
    await child.kill()
    const log = `${path}-wal`
    const size = statSync(log).size
    expect(size).toBeGreaterThan(0)
    const bytes = readFileSync(log)
    const full = await (async () => {
      const copy = join(folder, "cut-none")
      copyFileSync(path, copy)
      copyFileSync(log, `${copy}-wal`)
      return examine(copy)
    })()
    expect(full.faults).toEqual([])
    for (let i = 0; i < 24; i++) {
      const copy = join(folder, `cut-${i}`)
      copyFileSync(path, copy)
      const at = Math.floor(Math.random() * size)
      if (i % 3 === 0) {
        // A file that had not grown yet.
        copyFileSync(log, `${copy}-wal`)
        truncateSync(`${copy}-wal`, at)
      } else {
        // A block that never reached the disk, or reached it as something else.
        const spoiled = Buffer.from(bytes)
        spoiled.fill(i % 3 === 1 ? 0 : 0xa5, at, Math.min(size, at + 512))
        writeFileSync(`${copy}-wal`, spoiled)
      }
      const { faults, last } = await examine(copy)
      expect(faults, `log spoiled at ${at} of ${size}`).toEqual([])
      for (let lane = 0; lane < lanes; lane++) expect(last[lane]!.batch).toBeLessThanOrEqual(full.last[lane]!.batch)
    }
  })
})

describe("a process that lives", () => {
  it("keeps others out until it is killed, by name of the reason [state.lease.1]", { timeout: 240_000 }, async () => {
    const path = join(folder, "held")
    const child = Crasher.start(path)
    await child.atLeast(1)
    const refused = await Effect.runPromise(Effect.flip(Effect.scoped(Sqlite.make({ path }))))
    expect(refused).toBeInstanceOf(StoreError)
    expect(refused.operation).toBe("open")
    const cause = refused.cause as Sqlite.StoreUnusable
    expect(cause).toBeInstanceOf(Sqlite.StoreUnusable)
    expect(cause.reason).toBe("in-use")
    expect(cause.message).toContain(String(child.process.pid))
    const count = child.acknowledged.length
    // The attempt did not disturb it.
    await child.atLeast(count + 20)
    await child.kill()
    expect((await examine(path)).faults).toEqual([])
  })

  it(
    "is the only one of several that open at once, and the next one follows its death [state.lease.1]",
    { timeout: 240_000 },
    async () => {
      const path = join(folder, "race")
      for (let round = 0; round < 2; round++) {
        const children = Array.from({ length: 4 }, () => Crasher.start(path, 5))
        const outcomes = await Promise.all(
          children.map((child) => Promise.race([child.atLeast(lanes).then(() => "open"), child.failure]))
        )
        expect(outcomes.toSorted()).toEqual(["StoreError in-use", "StoreError in-use", "StoreError in-use", "open"])
        await Promise.all(children.map((child) => child.kill()))
      }
      expect((await examine(path)).faults).toEqual([])
    }
  )

  it("is shut out for ever when it wakes up after a take-over [state.lease.1]", { timeout: 240_000 }, async () => {
    const path = join(folder, "zombie")
    const child = Crasher.start(path, 20)
    await child.atLeast(30)
    const token = await child.token
    await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const owner = yield* takeFromStopped(child.process, path)
          expect(owner.token).toBeGreaterThan(token)
          const before = yield* owner.store.scan("", { limit: 10_000 })
          yield* owner.store.commit([{ op: "put", key: "owner", value: Uint8Array.of(1) }])
          child.process.kill("SIGCONT")
          expect(yield* Effect.promise(() => child.failure)).toBe("LeaseLost undefined")
          const after = yield* owner.store.scan("", { limit: 10_000 })
          expect(after.filter(({ key }) => key !== "owner")).toEqual(before)
          yield* owner.store.commit([{ op: "put", key: "owner", value: Uint8Array.of(2) }])
        })
      )
    )
    const { faults } = await examine(path)
    expect(faults).toEqual([])
    expect(existsSync(`${path}-wal`)).toBe(false)
  })
})
