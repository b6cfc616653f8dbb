/**
 * Groups of commits on one connection, and what a failing disk does to them.
 *
 * Spec: docs/spec/16-state.md §16.2.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import type { Write } from "@tacit/core"
import { StoreUnusable } from "@tacit/storage"
import { afterAll, afterEach, describe, expect, it } from "vitest"
import * as GroupCommit from "../src/sqlite/GroupCommit.ts"
import * as StoreFile from "../src/sqlite/StoreFile.ts"

const folder = mkdtempSync(join(tmpdir(), "tacit-group-"))
const open: Array<DatabaseSync> = []
afterEach(() => {
  for (const db of open.splice(0)) db.close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let places = 0

const make = (disturb: (db: DatabaseSync) => DatabaseSync = (db) => db) => {
  const path = join(folder, `${places++}`)
  StoreFile.create(path)
  const db = StoreFile.connect(path)
  open.push(db)
  let transactions = 0
  let lost = 0
  const commits = GroupCommit.make(disturb(db), {
    path,
    lease: StoreFile.takeLease(db, path),
    onLost: () => lost++,
    onWritten: () => transactions++
  })
  const submit = (writes: ReadonlyArray<Write>) =>
    new Promise<GroupCommit.Outcome>((settle) => commits.submit({ writes, settle }))
  const keys = () =>
    db
      .prepare("SELECT key FROM record ORDER BY key")
      .all()
      .map((row) => row["key"])
  return { path, db, commits, submit, keys, transactions: () => transactions, lost: () => lost }
}

const put = (key: string, value = Uint8Array.of(1)): Write => ({ op: "put", key, value })
const tags = (outcomes: ReadonlyArray<GroupCommit.Outcome>) =>
  outcomes.map((outcome) => (outcome._tag === "Done" ? "Done" : outcome.error._tag))

/** A connection whose statement `sql` fails with a result code of SQLite, as often as `times` says. */
const failing =
  (sql: string, errcode: number, times: number) =>
  (db: DatabaseSync): DatabaseSync =>
    ({
      prepare: (text: string) => {
        const statement = db.prepare(text)
        if (text !== sql) return statement
        return {
          run: () => {
            if (times-- <= 0) return statement.run()
            throw Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode })
          }
        }
      },
      exec: (text: string) => db.exec(text),
      get isTransaction() {
        return db.isTransaction
      }
    }) as DatabaseSync

describe("groups", () => {
  it("commits of one turn share a transaction, those of the next one get their own", async () => {
    const { submit, transactions } = make()
    expect(new Set(tags(await Promise.all(Array.from({ length: 500 }, (_, i) => submit([put(`k${i}`)])))))).toEqual(
      new Set(["Done"])
    )
    expect(transactions()).toBe(1)
    await submit([put("later")])
    expect(transactions()).toBe(2)
  })

  it("a group ends at 1,024 commits or 4 MiB, and nobody is left behind", async () => {
    const many = make()
    expect((await Promise.all(Array.from({ length: 2_049 }, (_, i) => many.submit([put(`k${i}`)])))).length).toBe(2_049)
    expect(many.transactions()).toBe(3)
    const large = make()
    await Promise.all(Array.from({ length: 9 }, (_, i) => large.submit([put(`k${i}`, new Uint8Array(1_048_576))])))
    expect(large.transactions()).toBe(3)
  })

  it("in one group each commit is compared with what those before it wrote, and a conflict fails alone [state.commit.3]", async () => {
    const { submit, keys } = make()
    const outcomes = await Promise.all([
      submit([{ op: "put", key: "a", value: Uint8Array.of(1), expected: "absent" }]),
      submit([put("b"), { op: "put", key: "a", value: Uint8Array.of(2), expected: "absent" }]),
      submit([{ op: "delete", key: "a" }]),
      submit([{ op: "put", key: "a", value: Uint8Array.of(3), expected: "absent" }])
    ])
    expect(tags(outcomes)).toEqual(["Done", "Conflict", "Done", "Done"])
    expect(keys()).toEqual(["a"])
  })

  it("a withdrawn commit is not written, one that was settled cannot be withdrawn", async () => {
    const { commits, submit, keys } = make()
    const request: GroupCommit.Request = { writes: [put("withdrawn")], settle: () => expect.unreachable() }
    commits.submit(request)
    const other = submit([put("stays")])
    commits.withdraw(request)
    commits.withdraw(request)
    await other
    expect(keys()).toEqual(["stays"])
  })

  it("flushing answers everything at once", () => {
    const { commits } = make()
    const answered: Array<string> = []
    for (let i = 0; i < 1_500; i++)
      commits.submit({ writes: [put(`k${i}`)], settle: ({ _tag }) => void answered.push(_tag) })
    commits.flush()
    expect(answered.length).toBe(1_500)
  })

  it("revisions stay unique over many reservations and openings", async () => {
    const { db, path, submit } = make()
    const first = await submit([put("a")])
    await submit(Array.from({ length: 70_000 }, (_, i) => put(`k${i}`)))
    const last = await submit([put("a")])
    const lease = StoreFile.takeLease(db, path)
    expect(first).toEqual({ _tag: "Done", revisions: [1] })
    expect(last).toEqual({ _tag: "Done", revisions: [70_002] })
    expect(lease.revision).toBeGreaterThan(70_002)
  })
})

describe("failures", () => {
  it("without room the whole group fails, nothing of it is there, and later ones succeed", async () => {
    const { db, keys, submit } = make()
    await submit([put("before")])
    const pages = Number(StoreFile.pragma(db, "page_count"))
    db.exec(`PRAGMA max_page_count = ${pages + 4}`)
    const outcomes = await Promise.all([submit([put("small")]), submit([put("large", new Uint8Array(500_000))])])
    expect(tags(outcomes)).toEqual(["StoreError", "StoreError"])
    expect(keys()).toEqual(["before"])
    db.exec("PRAGMA max_page_count = 1000000")
    expect(tags([await submit([put("large", new Uint8Array(500_000))])])).toEqual(["Done"])
    expect(keys()).toEqual(["before", "large"])
  })

  it("a disk that fails in the sync leaves the outcome open: everything fails from then on, until the store is opened again", async () => {
    const { commits, submit, transactions } = make(failing("COMMIT", 1034, 1))
    expect(tags(await Promise.all([submit([put("a")]), submit([put("b")])]))).toEqual(["StoreError", "StoreError"])
    expect(commits.unusable()).toBeInstanceOf(StoreUnusable)
    expect(commits.mayWrite()).toBe(false)
    const later = await submit([put("c")])
    expect(later).toMatchObject({ error: { _tag: "StoreError", operation: "commit", cause: { reason: "failed" } } })
    expect(transactions()).toBe(0)
  })

  it("a disk that is full in the sync does not", async () => {
    const { commits, keys, submit } = make(failing("COMMIT", 13, 1))
    expect(tags([await submit([put("a")])])).toEqual(["StoreError"])
    expect(commits.unusable()).toBe(undefined)
    expect(tags([await submit([put("b")])])).toEqual(["Done"])
    expect(keys()).toEqual(["b"])
  })

  it("a disk that fails before anything is written does not", async () => {
    const { commits, submit } = make(failing("BEGIN IMMEDIATE", 10, 1))
    expect(tags([await submit([put("a")])])).toEqual(["StoreError"])
    expect(commits.mayWrite()).toBe(true)
    expect(tags([await submit([put("a")])])).toEqual(["Done"])
  })

  it("another connection's long transaction delays and then fails a commit, no more", { timeout: 10_000 }, async () => {
    const { path, submit } = make()
    const other = new DatabaseSync(path)
    open.push(other)
    other.exec("BEGIN IMMEDIATE")
    expect(tags([await submit([put("a")])])).toEqual(["StoreError"])
    other.exec("ROLLBACK")
    expect(tags([await submit([put("a")])])).toEqual(["Done"])
  })

  it("a token that rose makes every commit fail, and says so once [state.lease.1]", async () => {
    const { db, keys, lost, path, submit } = make()
    await submit([put("a")])
    StoreFile.takeLease(db, path)
    expect(tags(await Promise.all([submit([put("b")]), submit([put("c")])]))).toEqual(["LeaseLost", "LeaseLost"])
    expect(tags([await submit([put("d")])])).toEqual(["LeaseLost"])
    expect([keys(), lost()]).toEqual([["a"], 1])
  })
})
