import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { open, type Database } from "../src/Database.ts"
import { makeGroupCommit } from "../src/GroupCommit.ts"
import { makeRegistry } from "../src/Metrics.ts"
import { migrations } from "../src/Schema.ts"
import { folder } from "./start.ts"
import { keyed, tokenBucket, window } from "../src/RateLimit.ts"

describe("rate limits", () => {
  it("a bucket gives its burst, then as much as time brings", () => {
    const bucket = tokenBucket({ capacity: 3, perSecond: 2 })
    expect([bucket.take(0), bucket.take(0), bucket.take(0), bucket.take(0)]).toEqual([0, 0, 0, 500])
    expect(bucket.take(499)).toBe(1)
    expect(bucket.take(500)).toBe(0)
    expect(bucket.take(10_000, 99)).toBe(0)
    expect(bucket.take(10_000)).toBeGreaterThan(0)
  })

  it("a bucket neither gives nor takes when the clock goes back", () => {
    const bucket = tokenBucket({ capacity: 2, perSecond: 1 })
    bucket.take(10_000, 2)
    expect(bucket.take(0)).toBe(1_000)
    expect(bucket.take(1_000)).toBe(0)
  })

  it("a window allows so many in any stretch of its length", () => {
    const limit = window({ limit: 2, windowMs: 100 })
    expect(limit.wait(0)).toBe(0)
    limit.add(0)
    limit.add(50)
    expect(limit.wait(60)).toBe(40)
    expect(limit.wait(100)).toBe(0)
    limit.add(100)
    expect(limit.wait(149)).toBe(1)
    expect(limit.wait(150)).toBe(0)
  })

  it("keys are bounded, and the one touched longest ago goes", () => {
    const limits = keyed(() => ({ used: 0 }), 3)
    for (const key of ["a", "b", "c"]) limits.of(key).used = 1
    limits.of("a")
    limits.of("d")
    expect(limits.size()).toBe(3)
    expect([limits.of("a").used, limits.of("c").used]).toEqual([1, 1])
    expect(limits.of("b").used).toBe(0)
  })
})

describe("group commit", () => {
  const setUp = (maxItems = 10) => {
    const db: Database = open(":memory:", { exclusive: false })
    db.exec("CREATE TABLE t (x INTEGER UNIQUE)")
    const batches: Array<number> = []
    const failures: Array<unknown> = []
    const commit = makeGroupCommit(db, {
      maxItems,
      onCommit: (items) => batches.push(items),
      afterBatch: () => {},
      onFailure: (cause) => failures.push(cause)
    })
    const count = (): number => Number(db.sql("SELECT count(*) AS n FROM t").get()!["n"])
    const insert = (x: number) =>
      new Promise<number>((resolve, reject) =>
        commit.push({ run: () => db.sql("INSERT INTO t VALUES (?)").run(x), committed: resolve, failed: reject })
      )
    return { db, commit, batches, failures, count, insert }
  }

  it("puts what comes together into one commit, at most so much", async () => {
    const { batches, count, insert } = setUp(10)
    await Promise.all(Array.from({ length: 25 }, (_, i) => insert(i)))
    expect(batches).toEqual([10, 10, 5])
    expect(count()).toBe(25)
  })

  it("an item that fails undoes itself and nobody else", async () => {
    const { commit, count, db, failures, insert } = setUp()
    const half = new Promise((_, reject) =>
      commit.push({
        run: () => {
          db.sql("INSERT INTO t VALUES (?)").run(100)
          throw new Error("half way")
        },
        committed: () => {},
        failed: reject
      })
    )
    const others = Promise.all([insert(1), insert(2)])
    await expect(half).rejects.toThrow("half way")
    await others
    await expect(insert(1)).rejects.toThrow("UNIQUE")
    expect(count()).toBe(2)
    expect(failures).toHaveLength(2)
    expect(commit.healthy()).toBe(true)
  })

  it("tells nobody before the commit, and everybody when it fails", async () => {
    const { commit, count, db, insert } = setUp()
    db.exec("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    db.exec("CREATE TABLE child (id INTEGER REFERENCES parent(id) DEFERRABLE INITIALLY DEFERRED)")
    const told: Array<string> = []
    // A deferred constraint fails at the commit and not before.
    commit.push({
      run: () => db.sql("INSERT INTO child VALUES (7)").run(),
      committed: () => told.push("committed"),
      failed: () => told.push("failed")
    })
    await expect(insert(1)).rejects.toThrow("FOREIGN KEY")
    expect(told).toEqual(["failed"])
    expect([count(), commit.healthy()]).toEqual([0, false])
    await insert(1)
    expect([count(), commit.healthy()]).toEqual([1, true])
  })

  it("flush runs what waits at once", () => {
    const { commit, count, insert } = setUp(2)
    const all = [insert(1), insert(2), insert(3)]
    expect([count(), commit.waiting()]).toEqual([0, 3])
    commit.flush()
    expect([count(), commit.waiting()]).toEqual([3, 0])
    return Promise.all(all)
  })
})

describe("the database", () => {
  it("syncs every commit and counts its migrations [relay.submit.1]", () => {
    const db = open(join(folder(), "relay.db"), { exclusive: true })
    const pragma = (name: string): unknown => Object.values(db.sql(`PRAGMA ${name}`).get()!)[0]
    expect([pragma("journal_mode"), pragma("synchronous"), pragma("foreign_keys")]).toEqual(["wal", 2, 1])
    expect(pragma("user_version")).toBe(migrations.length)
    db.close()
  })

  it("keeps what it has over a reopening, and refuses a second relay until it is closed", () => {
    const file = join(folder(), "relay.db")
    const first = open(file, { exclusive: true })
    first.exec("INSERT INTO invitations (name, password_hash, expires_at) VALUES ('a', x'00', 1)")
    expect(() => open(file, { exclusive: true })).toThrow(expect.objectContaining({ reason: "in-use" }) as Error)
    first.close()
    const second = open(file, { exclusive: true })
    expect(second.sql("SELECT name FROM invitations").get()).toEqual({ name: "a" })
    second.close()
  })
})

describe("metrics", () => {
  it("write counters, gauges and histograms as Prometheus reads them [relay.http.1]", () => {
    const registry = makeRegistry()
    const counter = registry.counter("c_total", "Counts.", "code")
    counter.add("a")
    counter.add("a", 2)
    registry.gauge("g", "Now.", () => 7)
    const histogram = registry.histogram("h", "Spread.", [1, 5])
    for (const value of [0.5, 1, 3, 9]) histogram.observe(value)
    expect(registry.text()).toBe(
      '# HELP c_total Counts.\n# TYPE c_total counter\nc_total{code="a"} 3\n' +
        "# HELP g Now.\n# TYPE g gauge\ng 7\n" +
        '# HELP h Spread.\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="5"} 3\nh_bucket{le="+Inf"} 4\nh_sum 13.5\nh_count 4\n'
    )
    expect(counter.get("a")).toBe(3)
  })
})
