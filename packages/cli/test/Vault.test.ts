/** Sealed accounts on the command line: a relay on loopback, real files, a terminal. */
import { type RunningRelay, startRelay } from "@tacit/relay"
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { spawn } from "node:child_process"
import { DatabaseSync } from "node:sqlite"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { call, type Done, objects } from "./InProcess.ts"

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))
const argv = ["-C", "@tacit/source", "--disable-warning=ExperimentalWarning", main]
const folder = mkdtempSync(join(tmpdir(), "tacit-vault-cli-"))
const runtime = join(folder, "run")
mkdirSync(runtime, { mode: 0o700 })
let relay: RunningRelay

const env = (): Record<string, string> => ({
  PATH: process.env.PATH!,
  HOME: folder,
  NO_COLOR: "1",
  TACIT_DATA: join(folder, "data"),
  XDG_RUNTIME_DIR: runtime
})

/** Runs a call without a terminal. */
const tacit = (words: ReadonlyArray<string>, extra: Record<string, string> = {}): Promise<Done> =>
  call(words, { env: { ...env(), ...extra } })

/** Runs a call at a terminal on which `answers` are typed, one at each question. */
const atTerminal = (words: ReadonlyArray<string>, answers: ReadonlyArray<string>): Promise<Done> =>
  call(words, { env: env(), answers })

const errorOf = ({ err }: Done): unknown =>
  (JSON.parse(err.trim().split("\n").at(-1)!) as { readonly error: { readonly code: string } }).error.code

const register = async (user: string, words: ReadonlyArray<string> = [], extra: Record<string, string> = {}) =>
  tacit(["register", "--relay", relay.url, "--user", user, "--profile", user, ...words], {
    TACIT_PASSWORD: await relay.invite(user),
    ...extra
  })

const storeOf = (user: string): string => join(folder, "data", user, "client.db")
const right = { TACIT_VAULT_PASSPHRASE: "correct horse" }

beforeAll(async () => {
  relay = await startRelay({ database: join(folder, "relay.db") })
  expect(await Promise.all([register("alice"), register("bob")])).toMatchObject([{ code: 0 }, { code: 0 }])
})
afterAll(async () => {
  await relay.close()
  rmSync(folder, { recursive: true, force: true })
})

describe("tacit vault", () => {
  it("seals an account, opens it with the secret, unlocks for a while, changes the secret and unseals", async () => {
    const alice = ["--profile", "alice", "--json"]
    expect(objects((await tacit(["vault", "status", ...alice])).out)).toMatchObject([{ state: "unsealed" }])
    expect(await tacit(["vault", "create", ...alice])).toMatchObject({ code: 8 })
    const created = await tacit(["vault", "create", ...alice], right)
    expect([created.code, objects(created.out)]).toMatchObject([
      0,
      [{ type: "vault", state: "sealed", method: "passphrase" }]
    ])
    expect(await tacit(["vault", "create", ...alice], right)).toMatchObject({ code: 2 })
    expect(readFileSync(storeOf("alice")).includes("custody/account")).toBe(false)

    const silent = await tacit(["contacts", ...alice])
    expect([silent.code, errorOf(silent)]).toEqual([8, "UnlockError:none"])
    const wrong = await tacit(["contacts", ...alice], { TACIT_VAULT_PASSPHRASE: "wrong horse" })
    expect([wrong.code, errorOf(wrong)]).toEqual([8, "VaultUnusable:secret"])
    expect(wrong.err + wrong.out).not.toContain("wrong horse")
    expect(await tacit(["send", "bob", "out of the vault", ...alice], right)).toMatchObject({ code: 0 })

    expect(await tacit(["vault", "unlock", ...alice], { TACIT_VAULT_PASSPHRASE: "no" })).toMatchObject({ code: 8 })
    expect(await tacit(["vault", "unlock", ...alice], { ...right, XDG_RUNTIME_DIR: "" })).toMatchObject({ code: 2 })
    expect(await tacit(["vault", "unlock", "--minutes", "5", ...alice], right)).toMatchObject({ code: 0 })
    expect(objects((await tacit(["vault", "status", ...alice])).out)[0]?.unlockedUntil).toBeGreaterThan(Date.now())
    expect(await tacit(["contacts", ...alice])).toMatchObject({ code: 0 })
    // What unlocking left is not the secret itself.
    const [ticket] = readdirSync(join(runtime, "tacit"))
    expect(readFileSync(join(runtime, "tacit", ticket!), "utf8")).not.toContain("correct")
    expect(await tacit(["vault", "lock", ...alice])).toMatchObject({ code: 0 })
    expect(readdirSync(join(runtime, "tacit"))).toEqual([])
    expect(await tacit(["contacts", ...alice])).toMatchObject({ code: 8 })

    const key = join(folder, "alice.key")
    writeFileSync(key, `${"5c".repeat(32)}\n`)
    const changed = await tacit(["vault", "passwd", "--key", "--new-vault-file", key, ...alice], right)
    expect([changed.code, objects(changed.out)]).toMatchObject([0, [{ method: "key", generation: 3 }]])
    const old = await tacit(["contacts", ...alice], right)
    expect([old.code, errorOf(old)]).toEqual([8, "VaultUnusable:method"])
    expect(await tacit(["contacts", "--vault-file", key, ...alice])).toMatchObject({ code: 0 })
    expect(await tacit(["contacts", "--vault-command", `cat '${key}'`, ...alice])).toMatchObject({ code: 0 })
    expect(await tacit(["contacts", ...alice], { TACIT_VAULT_KEY: "5c".repeat(32) })).toMatchObject({ code: 0 })

    expect(await tacit(["vault", "remove", "--vault-file", key, ...alice])).toMatchObject({ code: 2 })
    expect(await tacit(["vault", "remove", "--yes", "--vault-file", key, ...alice])).toMatchObject({ code: 0 })
    expect(await tacit(["contacts", ...alice])).toMatchObject({ code: 0 })
  })

  it("asks at a terminal, twice for a new passphrase, and shows nothing of it", async () => {
    expect(await register("carol")).toMatchObject({ code: 0 })
    const carol = ["--profile", "carol"]
    const unequal = await atTerminal(["vault", "create", ...carol], ["one", "two"])
    expect([unequal.code, unequal.err]).toEqual([8, expect.stringContaining("not equal")])
    const made = await atTerminal(["vault", "create", ...carol], ["over the hills", "over the hills"])
    expect([made.code, made.out]).toEqual([0, expect.stringContaining("under a passphrase")])
    expect(made.out + made.err).not.toContain("over the hills")
    expect(await atTerminal(["contacts", ...carol], ["over the hill"])).toMatchObject({ code: 8 })
    expect(await atTerminal(["contacts", ...carol], ["over the hills"])).toMatchObject({ code: 0 })
    const passwd = await atTerminal(["vault", "passwd", ...carol], ["over the hills", "far away", "far away"])
    expect(passwd.code).toBe(0)
    expect(await atTerminal(["contacts", ...carol], ["far away"])).toMatchObject({ code: 0 })
    expect(await atTerminal(["contacts", ...carol], ["\u0003"])).toMatchObject({ code: 130 })
  })

  it("registers into a vault from the start", async () => {
    expect(await register("dave", ["--vault"], right)).toMatchObject({ code: 0 })
    const status = await tacit(["vault", "status", "--profile", "dave", "--json"])
    expect(objects(status.out)).toMatchObject([{ state: "sealed", cost: { memoryKiB: 65_536, passes: 3, lanes: 4 } }])
    expect(await tacit(["contacts", "--profile", "dave"])).toMatchObject({ code: 8 })
    expect(await tacit(["contacts", "--profile", "dave"], right)).toMatchObject({ code: 0 })
  })

  it("lets the key chain of the system keep the key [vault.chain.1]", async () => {
    // A key chain as the command meets it on Linux: `secret-tool`, before any other in PATH.
    const place = join(folder, "chain")
    mkdirSync(place)
    const script = `#!/bin/sh
verb=$1; shift; [ "$verb" = store ] && shift 2
f="${place}/e-$4"
case $verb in lookup) [ -f "$f" ] && cat "$f" || exit 1 ;; store) cat >"$f" ;; esac
`
    writeFileSync(join(place, "secret-tool"), script, { mode: 0o700 })
    const path = process.env.PATH!
    process.env.PATH = `${place}:${path}`
    try {
      const heidi = ["--profile", "heidi", "--json"]
      expect(await register("heidi", ["--vault", "--vault-chain", "heidi"])).toMatchObject({ code: 0 })
      expect(objects((await tacit(["vault", "status", ...heidi])).out)).toMatchObject([
        { state: "sealed", method: "key" }
      ])
      expect(readFileSync(join(place, "e-heidi"), "utf8")).toMatch(/^[0-9a-f]{64}$/)
      expect(await tacit(["contacts", ...heidi])).toMatchObject({ code: 8 })
      expect(await tacit(["contacts", ...heidi], { TACIT_VAULT_CHAIN: "heidi" })).toMatchObject({ code: 0 })
      const same = ["vault", "passwd", "--vault-chain", "heidi", "--new-vault-chain", "heidi", ...heidi]
      expect(await tacit(same)).toMatchObject({ code: 8, err: expect.stringContaining("another name") })
      const next = ["vault", "passwd", "--vault-chain", "heidi", "--new-vault-chain", "heidi.2", ...heidi]
      expect(await tacit(next)).toMatchObject({ code: 0 })
      expect(await tacit(["contacts", "--vault-chain", "heidi", ...heidi])).toMatchObject({ code: 8 })
      expect(await tacit(["contacts", "--vault-chain", "heidi.2", ...heidi])).toMatchObject({ code: 0 })
      const none = await tacit(["contacts", "--vault-chain", "nobody", ...heidi])
      expect([none.code, errorOf(none)]).toEqual([8, "UnlockError:none"])
    } finally {
      process.env.PATH = path
    }
  })

  it("drills a backup: what it lacks, what putting it back means, and a damaged one [vault.drill.1] [vault.drill.2] [vault.drill.3]", async () => {
    expect(await register("erin", ["--vault"], right)).toMatchObject({ code: 0 })
    const backup = join(folder, "erin.backup.db")
    copyFileSync(storeOf("erin"), backup)
    expect(await tacit(["send", "bob", "newer than the backup", "--profile", "erin"], right)).toMatchObject({ code: 0 })
    const before = readFileSync(storeOf("erin"))
    const drilled = await tacit(["vault", "drill", backup, "--profile", "erin", "--json"], right)
    expect([drilled.code, objects(drilled.out)]).toMatchObject([0, [{ type: "drill", whole: true, state: "sealed" }]])
    const kinds = objects(drilled.out)[0]!.kinds as ReadonlyArray<{ readonly kind: string; readonly missing: number }>
    expect(kinds.find(({ kind }) => kind === "contact")).toMatchObject({ inCopy: 0, missing: 1 })
    expect(objects(drilled.out)[0]).toMatchObject({
      lost: { contacts: 1 },
      restore: { sameDevice: true, noticedBy: "relay" },
      damaged: []
    })
    const said = await tacit(["vault", "drill", backup, "--profile", "erin", "--sample", "7"], right)
    expect(said.out).toMatch(/records are whole, 7 of them read/)
    expect(said.out).toMatch(/Would be lost: .*1 contact/)
    expect(said.out).toContain("the relay would notice at the first login")
    expect(said.out).toContain("and you would be told once")
    expect(readFileSync(storeOf("erin")).equals(before)).toBe(true)
    expect((await tacit(["vault", "drill", "--profile", "erin"], right)).out).toContain("would bring the account back")
    expect(await tacit(["vault", "drill", join(folder, "none.db"), "--profile", "erin"], right)).toMatchObject({
      code: 2
    })
    expect(await tacit(["vault", "drill", backup, "--profile", "erin"])).toMatchObject({ code: 8 })
    const db = new DatabaseSync(backup)
    db.exec("DELETE FROM record WHERE key = (SELECT key FROM record WHERE key LIKE 'vault/r/%' LIMIT 1)")
    db.close()
    const damaged = await tacit(["vault", "drill", backup, "--profile", "erin", "--json"], right)
    expect([damaged.code, errorOf(damaged)]).toEqual([7, "VaultUnusable:rollback"])
  })
})

describe("tacit doctor", () => {
  const states = (done: Done) =>
    Object.fromEntries(objects(done.out).map(({ check, state }) => [check as string, state]))

  it("finds nothing wrong with a whole account, and says what is not sealed or not at hand", async () => {
    const plain = await tacit(["doctor", "--profile", "bob", "--json"])
    expect([plain.code, states(plain)]).toEqual([
      0,
      { account: "ok", permissions: "ok", "in use": "ok", file: "ok", sealed: "note", records: "ok" }
    ])
    expect(await register("frank", ["--vault"], right)).toMatchObject({ code: 0 })
    const sealed = await tacit(["doctor", "--profile", "frank", "--json"])
    expect([sealed.code, states(sealed).records]).toEqual([0, "note"])
    const opened = await tacit(["doctor", "--profile", "frank", "--json"], right)
    expect([opened.code, states(opened)]).toMatchObject([0, { sealed: "ok", records: "ok" }])
  })

  it("explains no account, an open one, missing keys, a damaged file, a newer one", async () => {
    expect(await tacit(["doctor", "--profile", "nobody"])).toMatchObject({ code: 7 })
    expect(await register("grace")).toMatchObject({ code: 0 })
    const grace = ["doctor", "--profile", "grace", "--json"]
    const path = storeOf("grace")
    const whole = `${path}.whole`
    copyFileSync(path, whole)

    const holder = spawn(process.execPath, [...argv, "listen", "--profile", "grace"], { env: env() })
    await vi.waitFor(() => expect(existsSync(`${path}-wal`)).toBe(true), { timeout: 20_000 })
    expect(states(await tacit(grace))).toMatchObject({ "in use": "note", records: "ok" })
    holder.kill("SIGTERM")
    await new Promise((resolve) => holder.on("close", resolve))

    const sql = (text: string) => {
      const db = new DatabaseSync(path)
      db.exec(text)
      db.close()
    }
    sql("DELETE FROM record WHERE key = 'custody/account'")
    const missing = await tacit(grace)
    expect([missing.code, states(missing).records, missing.out]).toEqual([
      7,
      "problem",
      expect.stringContaining("custody/account")
    ])
    sql("PRAGMA user_version = 99")
    expect((await tacit(grace)).out).toContain("later release")
    copyFileSync(whole, path)
    const bytes = readFileSync(path)
    bytes.fill(0xff, 4096, 8192)
    writeFileSync(path, bytes)
    const damaged = await tacit(grace)
    expect([damaged.code, damaged.out]).toEqual([7, expect.stringContaining("damaged")])
  })
})
