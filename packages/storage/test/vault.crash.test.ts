/** Vaults on SQLite files whose process is killed at every commit of making, sealing, changing the secret and unsealing. */
import { spawn } from "node:child_process"
import { copyFileSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Crypto, Entropy, Store, type StoredRecord, Unlock, UnlockSource, Vault } from "@tacit/core"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import * as Sqlite from "@tacit/storage/sqlite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomBytes } from "node:crypto"
import { afterAll, describe, expect, it, vi } from "vitest"

vi.setConfig({ testTimeout: 360_000 })

const folder = mkdtempSync(join(tmpdir(), "tacit-vault-crash-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const freshPath = (): string => join(folder, `${files++}.db`)

const child = fileURLToPath(new URL("./crash/vaultChild.ts", import.meta.url))
interface Ended {
  readonly killed: boolean
  readonly lines: ReadonlyArray<string>
}

/** Runs the child until it ends; `afterMs` kills it from outside. */
const run = (path: string, work: string, at = 0, when = "before", afterMs?: number): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const process_ = spawn(process.execPath, ["-C", "@tacit/source", child, path, work, String(at), when])
    let out = ""
    let err = ""
    process_.stdout.on("data", (chunk: Buffer) => {
      if (out === "" && afterMs !== undefined) setTimeout(() => process_.kill("SIGKILL"), afterMs)
      out += chunk.toString()
    })
    process_.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()))
    process_.on("close", (code, signal) => {
      const lines = out.split("\n").slice(0, -1)
      if (signal === "SIGKILL") resolve({ killed: true, lines })
      else if (code === 0) resolve({ killed: false, lines })
      else reject(new Error(err))
    })
  })

const crypto = await loadNodeProvider()
const entropy = Entropy.of({ bytes: (_, length) => new Uint8Array(randomBytes(length)) })
const ports = (path: string, key: number) =>
  Layer.mergeAll(
    Sqlite.layer({ path, check: "records" }),
    Layer.succeed(Crypto, crypto),
    Layer.succeed(Entropy, entropy),
    Layer.succeed(UnlockSource, Unlock.key(new Uint8Array(32).fill(key)))
  )

const everything = Store.use((store) =>
  Effect.map(store.scan("", { limit: 100_000 }), (records: ReadonlyArray<StoredRecord>) =>
    Object.fromEntries(records.map(({ key, value }) => [key, Buffer.from(value).toString("hex")]))
  )
)
const sealedContents = (path: string, key = 1) =>
  Effect.runPromise(Effect.provide(everything, Layer.provide(Vault.layer(), ports(path, key)), { local: true }))
const plainContents = (path: string) => Effect.runPromise(Effect.provide(everything, ports(path, 1), { local: true }))
const reasonOf = (attempt: Promise<unknown>): Promise<string | undefined> =>
  attempt.then(
    () => "opened",
    (error: unknown) => Vault.causeOf(error)?.reason
  )

/** 150 records in the clear. */
const records = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`k/${i}`, randomBytes(40).toString("hex")]))
const plainFile = async (): Promise<string> => {
  const path = freshPath()
  const writes = Object.entries(records).map(
    ([key, text]) => ({ op: "put", key, value: new Uint8Array(Buffer.from(text, "hex")) }) as const
  )
  await Effect.runPromise(
    Effect.provide(
      Store.use((store) => store.commit(writes)),
      Sqlite.layer({ path }),
      { local: true }
    )
  )
  return path
}

/** Kills the work at each of its commits, before and after it, on a copy of `path` each; calls `check` with what is left. */
const killEverywhere = async (
  path: string,
  work: string,
  check: (path: string, at: number, when: string) => Promise<void>
): Promise<number> => {
  for (let at = 1; ; at++) {
    for (const when of ["before", "after"] as const) {
      const copy = freshPath()
      copyFileSync(path, copy)
      const { killed } = await run(copy, work, at, when)
      if (!killed) return at - 1
      await check(copy, at, when)
    }
  }
}

describe("a process killed at a commit", () => {
  it("of making a vault leaves an empty store or a vault [vault.create.1]", async () => {
    for (const when of ["before", "after"]) {
      const path = freshPath()
      expect(await run(path, "create", 1, when)).toMatchObject({ killed: true })
      expect(await sealedContents(path)).toEqual({})
    }
  })

  it("of sealing and unsealing loses no record, and goes on when it is started again [vault.seal.1]", async () => {
    const plain = await plainFile()
    const sealing = await killEverywhere(plain, "seal", async (path) => {
      expect(await run(path, "seal")).toMatchObject({ killed: false })
      expect(await sealedContents(path)).toEqual(records)
    })
    expect(sealing).toBeGreaterThan(3)
    const sealed = freshPath()
    copyFileSync(plain, sealed)
    await run(sealed, "seal")
    const unsealing = await killEverywhere(sealed, "unseal", async (path, at, when) => {
      if (at < sealing || when === "before") expect(await run(path, "unseal")).toMatchObject({ killed: false })
      expect(await plainContents(path)).toEqual(records)
    })
    expect(unsealing).toBe(sealing)
  })

  it("of changing the secret leaves the old one or the new one [vault.passwd.1]", async () => {
    const path = freshPath()
    await run(path, "create")
    const commits = await killEverywhere(path, "passwd", async (copy, _, when) => {
      expect(await reasonOf(sealedContents(copy, when === "before" ? 1 : 2))).toBe("opened")
      expect(await reasonOf(sealedContents(copy, when === "before" ? 2 : 1))).toBe("secret")
    })
    expect(commits).toBe(1)
  })
})

it("a process killed while it writes loses nothing that was acknowledged, and the ledger agrees [vault.ledger.1]", async () => {
  const path = freshPath()
  let acknowledged = -1
  for (const afterMs of [40, 150, 300]) {
    const { killed, lines } = await run(path, "write", 0, "before", afterMs)
    expect([killed, lines.length > 0]).toEqual([true, true])
    acknowledged = Number(lines.at(-1))
    const found = await sealedContents(path)
    const count = Object.keys(found).length - 1
    // The commit at hand may have happened, whole, before its answer was printed.
    expect([acknowledged + 1, acknowledged + 2]).toContain(count)
    expect(Buffer.from(found["last"]!, "hex").readUInt16LE()).toBe(count - 1)
  }
})
