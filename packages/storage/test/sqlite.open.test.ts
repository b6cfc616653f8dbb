/**
 * Opening and closing: what is made, what is refused, and that a refused file is not touched.
 *
 * Spec: docs/spec/16-state.md §16.1, §16.2.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Store, type StoreError } from "@tacit/core"
import { StoreUnusable } from "@tacit/storage"
import * as Sqlite from "@tacit/storage/sqlite"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterAll, describe, expect, it } from "vitest"

const folder = mkdtempSync(join(tmpdir(), "tacit-open-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let places = 0
const freshPath = (): string => {
  const place = join(folder, `${places++}`)
  mkdirSync(place)
  return join(place, "store")
}

type Handle = Store["Service"]

const using = <A, E>(
  options: Sqlite.SqliteOptions,
  body: (store: Handle, open: Sqlite.SqliteStore) => Effect.Effect<A, E>
): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(Sqlite.make(options), (open) => body(open.store, open))))

/** The reason for which an operation of a store fails. */
const reasonOf = <A, R>(effect: Effect.Effect<A, StoreError, R>): Effect.Effect<readonly [string, string], never, R> =>
  Effect.match(effect, {
    onSuccess: () => ["success", "success"] as const,
    onFailure: ({ cause, operation }) =>
      [operation, cause instanceof StoreUnusable ? cause.reason : `not a reason: ${String(cause)}`] as const
  })

const opening = (options: Sqlite.SqliteOptions) => Effect.runPromise(reasonOf(Effect.scoped(Sqlite.make(options))))

const put = (key: string, text: string) => ({ op: "put", key, value: new TextEncoder().encode(text) }) as const

/** A closed store with some records: several pages, and values in overflow pages. */
const filled = async (): Promise<string> => {
  const path = freshPath()
  await using({ path }, (store) =>
    store.commit(Array.from({ length: 200 }, (_, i) => put(`k/${i}`, `<${i}>${"x".repeat(i * 40)}`)))
  )
  return path
}

const others = process.platform === "win32" ? 0 : 0o077

describe("what opening makes", () => {
  it("makes the folder and files that only their owner can read", async () => {
    const path = join(folder, "deep", "er", "store")
    await using({ path }, (store) =>
      Effect.gen(function* () {
        yield* store.commit([put("a", "1")])
        for (const file of ["", "-wal", "-shm", ".lock"])
          expect([file, statSync(path + file).mode & others]).toEqual([file, 0])
      })
    )
    expect(readdirSync(join(folder, "deep", "er")).sort()).toEqual(["store", "store.lock"])
    expect(statSync(join(folder, "deep")).mode & others).toBe(0)
  })

  it("takes other people's rights away from a store that had them", async () => {
    const path = await filled()
    chmodSync(path, 0o644)
    await using({ path }, (store) => store.commit([put("a", "1")]))
    expect(statSync(path).mode & others).toBe(0)
  })

  it("syncs every commit, and overwrites what it removes", async () => {
    const { connect, pragma } = await import("../src/sqlite/StoreFile.ts")
    const db = connect(await filled())
    const settings = [
      "journal_mode",
      "synchronous",
      "secure_delete",
      "auto_vacuum",
      "checkpoint_fullfsync",
      "fullfsync"
    ].map((name) => pragma(db, name))
    db.close()
    // WAL; FULL (2): the log is synced in every commit; INCREMENTAL (2).
    expect(settings).toEqual(["wal", 2, 1, 2, 1, 1])
  })

  it("begins anew after a process died while it made the file", async () => {
    const path = freshPath()
    writeFileSync(`${path}.new`, "half a store")
    await using({ path }, (store) => store.commit([put("a", "1")]))
    expect(existsSync(`${path}.new`)).toBe(false)
    expect(await opening({ path })).toEqual(["success", "success"])
  })

  it("raises the fencing token with every opening [state.lease.1]", async () => {
    const path = freshPath()
    const tokens = []
    for (let i = 0; i < 3; i++) tokens.push(await using({ path }, (_, { token }) => Effect.succeed(token)))
    expect(tokens).toEqual([1, 2, 3])
  })
})

describe("what opening refuses, without touching it", () => {
  const refusals: ReadonlyArray<readonly [string, StoreUnusable["reason"], (path: string) => void]> = [
    ["text", "not-a-store", (path) => writeFileSync(path, "no store at all, ".repeat(500))],
    ["an empty file", "not-a-store", (path) => writeFileSync(path, "")],
    [
      "another program's SQLite file",
      "not-a-store",
      (path) => makeDatabase(path, "CREATE TABLE record (a); INSERT INTO record VALUES (1)")
    ],
    ["a store of a later release", "newer-version", (path) => edit(path, (db) => db.exec("PRAGMA user_version = 2"))],
    ["a store cut inside its first page", "damaged", (path) => truncateSync(path, 60)],
    ["a store cut at a page", "damaged", (path) => truncateSync(path, 3 * 4096)],
    ["a store cut inside a page", "damaged", (path) => truncateSync(path, statSync(path).size - 1_000)],
    ["a store with a page of zeros", "damaged", (path) => overwrite(path, 4096, Buffer.alloc(4096))],
    ["a store with a page of noise", "damaged", (path) => overwrite(path, 2 * 4096, Buffer.alloc(4096, 0xa5))],
    ["a store without its lease", "damaged", (path) => edit(path, (db) => db.exec("DELETE FROM store"))],
    ["a store with a spoiled header", "not-a-store", (path) => overwrite(path, 0, Buffer.from("SQLite format 4\0"))]
  ]
  for (const [what, reason, spoil] of refusals) {
    it(`${what}: ${reason}`, async () => {
      const path = what.includes("store") ? await filled() : freshPath()
      spoil(path)
      const before = readFileSync(path)
      for (const takeOver of [false, true]) expect(await opening({ path, takeOver })).toEqual(["open", reason])
      expect(readFileSync(path).equals(before)).toBe(true)
      // Whoever mends the file can open it at once: no lock is left.
      rmSync(path)
      for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true })
      expect(await opening({ path })).toEqual(["success", "success"])
    })
  }

  it("a log without its store: damaged, and the log stays", async () => {
    const path = freshPath()
    writeFileSync(`${path}-wal`, "log")
    expect(await opening({ path })).toEqual(["open", "damaged"])
    expect(readFileSync(`${path}-wal`, "utf8")).toBe("log")
    expect(existsSync(path)).toBe(false)
  })

  it("a place where no file can be: the error of the system", async () => {
    const blocked = freshPath()
    writeFileSync(blocked, "a file, not a folder")
    const error = await Effect.runPromise(Effect.flip(Effect.scoped(Sqlite.make({ path: join(blocked, "store") }))))
    expect([error._tag, error.operation]).toEqual(["StoreError", "open"])
    // Which of the two it is depends on the system.
    expect(["EEXIST", "ENOTDIR"]).toContain((error.cause as NodeJS.ErrnoException).code)
  })

  it("a message says what to do, and repeats nothing that is stored", async () => {
    const path = await filled()
    truncateSync(path, 3 * 4096)
    const error = await Effect.runPromise(Effect.flip(Effect.scoped(Sqlite.make({ path }))))
    const { message } = error.cause as StoreUnusable
    expect(message).toContain(path)
    expect(message).toContain("open a copy")
    expect(message).not.toContain("k/1")
  })
})

describe("a flipped bit inside a value", () => {
  const flip = (path: string, marker: string): void => {
    const at = readFileSync(path).indexOf(marker)
    expect(at).toBeGreaterThan(0)
    overwrite(path, at, Buffer.from([marker.charCodeAt(0) ^ 1]))
  }

  it("is noticed when the record is read, and the others stay readable", async () => {
    const path = await filled()
    flip(path, "<77>")
    await using({ path }, (store) =>
      Effect.gen(function* () {
        expect(yield* reasonOf(store.get("k/77"))).toEqual(["get", "damaged"])
        expect(yield* reasonOf(store.scan("k/7"))).toEqual(["scan", "damaged"])
        expect(yield* reasonOf(store.get("k/78"))).toEqual(["success", "success"])
      })
    )
  })

  it("is noticed at opening when every record is checked", async () => {
    const path = await filled()
    expect(await opening({ path, check: "records" })).toEqual(["success", "success"])
    flip(path, "<77>")
    const before = readFileSync(path)
    expect(await opening({ path, check: "records" })).toEqual(["open", "damaged"])
    expect(readFileSync(path).equals(before)).toBe(true)
  })
})

describe("one opener at a time", () => {
  it("a second opening of the same file is refused, by another name too, until the first is closed [state.lease.1]", async () => {
    const path = await filled()
    const alias = join(folder, "alias")
    symlinkSync(path, alias)
    await using({ path }, (store) =>
      Effect.gen(function* () {
        for (const name of [path, alias, join(path, "..", "store")]) {
          expect(yield* reasonOf(Effect.scoped(Sqlite.make({ path: name })))).toEqual(["open", "in-use"])
        }
        yield* store.commit([put("a", "1")])
      })
    )
    expect(await opening({ path: alias })).toEqual(["success", "success"])
  })

  it("closing twice is closing once, and what is asked afterwards says so", async () => {
    const path = freshPath()
    await using({ path }, (store, { close }) =>
      Effect.gen(function* () {
        yield* store.commit([put("a", "1")])
        yield* close
        yield* close
        expect(yield* reasonOf(store.get("a"))).toEqual(["get", "closed"])
        expect(yield* reasonOf(store.scan(""))).toEqual(["scan", "closed"])
        // The place is free at once, though the scope is still open.
        expect(yield* reasonOf(Effect.scoped(Sqlite.make({ path })))).toEqual(["success", "success"])
      })
    )
  })

  it("the one that takes over gets the lock too, once the other one has noticed [state.lease.1]", async () => {
    const path = freshPath()
    await using({ path }, (first) =>
      Effect.gen(function* () {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const second = yield* Sqlite.make({ path, takeOver: true })
            // The first one, which does not know yet, still counts as living.
            expect(yield* reasonOf(Effect.scoped(Sqlite.make({ path })))).toEqual(["open", "in-use"])
            expect(yield* Effect.flip(first.commit([put("a", "1")]))).toMatchObject({ _tag: "LeaseLost" })
            yield* Effect.sleep(700)
            expect(yield* reasonOf(Effect.scoped(Sqlite.make({ path })))).toEqual(["open", "in-use"])
            yield* second.store.commit([put("a", "2")])
          })
        )
        expect(yield* reasonOf(Effect.scoped(Sqlite.make({ path })))).toEqual(["success", "success"])
      })
    )
  })
})

describe("three that follow each other", () => {
  it("one that lost the lease before it ever got the lock leaves it to the newest [state.lease.1]", async () => {
    const path = freshPath()
    await using({ path }, (first) =>
      Effect.gen(function* () {
        const second = yield* Sqlite.make({ path, takeOver: true })
        const third = yield* Sqlite.make({ path, takeOver: true })
        expect(yield* Effect.flip(second.store.commit([put("a", "2")]))).toMatchObject({ _tag: "LeaseLost" })
        expect(yield* Effect.flip(first.commit([put("a", "1")]))).toMatchObject({ _tag: "LeaseLost" })
        yield* Effect.sleep(1_100)
        // Only the newest holds it now: when it closes, the place is free, though the others are still open.
        yield* third.close
        expect(yield* reasonOf(Effect.scoped(Sqlite.make({ path })))).toEqual(["success", "success"])
      }).pipe(Effect.scoped)
    )
  })
})

describe("a file that is exchanged while it is open", () => {
  const exchanges: ReadonlyArray<readonly [string, (path: string) => void]> = [
    ["moved away", (path) => renameSync(path, `${path}.moved`)],
    ["removed", (path) => rmSync(path)],
    [
      "replaced",
      (path) => {
        renameSync(path, `${path}.moved`)
        writeFileSync(path, "something else")
      }
    ]
  ]
  for (const [what, exchange] of exchanges) {
    it(`${what}: no commit is acknowledged any more`, async () => {
      const path = freshPath()
      await using({ path }, (store) =>
        Effect.gen(function* () {
          yield* store.commit([put("a", "1")])
          exchange(path)
          const error = yield* Effect.flip(store.commit([put("a", "2")]))
          expect(error).toMatchObject({ _tag: "StoreError", cause: { reason: "replaced" } })
          expect(yield* reasonOf(store.get("a"))).toEqual(["get", "replaced"])
        })
      )
      if (what === "replaced") expect(readFileSync(path, "utf8")).toBe("something else")
    })
  }
})

describe("configuration", () => {
  const read = (env: Readonly<Record<string, string>>) =>
    Store.use((store) => Effect.as(store.commit([put("a", "1")]), "open")).pipe(
      Effect.provide(
        Layer.fresh(Sqlite.layerConfig()).pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(env))))
      ),
      Effect.catch((error) => Effect.succeed(error._tag)),
      Effect.runPromise
    )

  it("takes the path from TACIT_STORE, and needs it", async () => {
    const path = freshPath()
    expect(await read({ TACIT_STORE: path })).toBe("open")
    expect(existsSync(path)).toBe(true)
    expect(await read({})).toBe("ConfigError")
    expect(await read({ TACIT_STORE: path, TACIT_STORE_TAKE_OVER: "perhaps" })).toBe("ConfigError")
  })

  it("takes over when TACIT_STORE_TAKE_OVER says so", async () => {
    const path = freshPath()
    await using({ path }, () =>
      Effect.promise(async () => {
        expect(await read({ TACIT_STORE: path })).toBe("StoreError")
        expect(await read({ TACIT_STORE: path, TACIT_STORE_TAKE_OVER: "true" })).toBe("open")
      })
    )
  })
})

const makeDatabase = (path: string, sql: string): void => {
  const db = new DatabaseSync(path)
  db.exec(sql)
  db.close()
}

const edit = (path: string, change: (db: DatabaseSync) => void): void => {
  const db = new DatabaseSync(path)
  change(db)
  db.close()
}

const overwrite = (path: string, at: number, bytes: Uint8Array): void => {
  const all = readFileSync(path)
  all.set(bytes, at)
  writeFileSync(path, all)
}
