/**
 * A vault's key in the key chains of systems: the real Secret Service where its programs are installed, and programs that answer as those of
 * the three systems are documented to.
 *
 * The programs of macOS and Windows are stood in for: what is tested there is what they are told and how their answers are read.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Crypto, Entropy, Store, type UnlockError, type UnlockQuestion, UnlockSource, Vault } from "@tacit/core"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import * as Sqlite from "@tacit/storage/sqlite"
import {
  credentialLocker,
  keyChain,
  type KeyChain,
  macKeychain,
  secretService,
  systemKeyChain
} from "@tacit/storage/unlock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomBytes } from "node:crypto"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), "tacit-keychain-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const entry = { service: "tacit-test", account: "alice@home" }
const hex = "5e".repeat(32)
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (found: Uint8Array | undefined) => (found === undefined ? undefined : new TextDecoder().decode(found))
const open: UnlockQuestion = { purpose: "open", method: "key" }

const outcome = <A>(effect: Effect.Effect<A, UnlockError>): Promise<A | string> =>
  Effect.runPromise(
    Effect.match(effect, { onSuccess: (value): A | string => value, onFailure: ({ reason }) => reason })
  )

/** What every key chain does. */
const contract = (chain: KeyChain) =>
  Effect.gen(function* () {
    expect(yield* chain.read(entry)).toBe(undefined)
    yield* chain.remove(entry)
    const secret = bytes(hex)
    yield* chain.write(entry, secret)
    // What was handed over is overwritten.
    expect(secret.every((byte) => byte === 0)).toBe(true)
    expect(text(yield* chain.read(entry))?.trim()).toBe(hex)
    expect(yield* chain.read({ ...entry, account: "bob" })).toBe(undefined)
    yield* chain.write(entry, bytes(hex.replaceAll("5", "6")))
    expect(text(yield* chain.read(entry))?.trim()).toBe(hex.replaceAll("5", "6"))
    yield* chain.remove(entry)
    expect(yield* chain.read(entry)).toBe(undefined)
  })

const crypto = await loadNodeProvider()
let files = 0

/** A vault on a SQLite file under what a source gives: writes a record, or reads it. */
const vaultUnder = (source: UnlockSource["Service"], path: string) =>
  Effect.provide(
    Store.use((store) =>
      Effect.gen(function* () {
        if ((yield* store.get("a")) === undefined) yield* store.commit([{ op: "put", key: "a", value: bytes("x") }])
        return text((yield* store.get("a"))!.value)
      })
    ),
    Layer.provide(
      Vault.layer(),
      Layer.mergeAll(
        Sqlite.layer({ path }),
        Layer.succeed(Crypto, crypto),
        Layer.succeed(Entropy, Entropy.of({ bytes: (_, length) => new Uint8Array(randomBytes(length)) })),
        Layer.succeed(UnlockSource, source)
      )
    ),
    { local: true }
  )

/** What the source makes of a key chain. */
const unlocks = (chain: KeyChain) =>
  Effect.gen(function* () {
    const source = keyChain({ ...entry, chain })
    const path = join(folder, `${files++}.db`)
    expect((yield* Effect.flip(source.secret(open))).reason).toBe("none")
    expect(yield* vaultUnder(source, path)).toBe("x")
    expect(text(yield* chain.read(entry))?.trim()).toMatch(/^[0-9a-f]{64}$/)
    expect(yield* vaultUnder(source, path)).toBe("x")
    // A new vault takes the key that is there; a changed secret needs a name of its own.
    const [first, again] = [yield* source.secret(open), yield* source.secret({ purpose: "create", method: undefined })]
    expect(again).toEqual(first)
    expect((yield* Effect.flip(source.secret({ purpose: "change", method: "key" }))).reason).toBe("failed")
    const other = keyChain({ service: entry.service, account: "alice.2", chain })
    const next = yield* other.secret({ purpose: "change", method: "key" })
    expect(next).not.toEqual(first)
    expect(yield* other.secret(open)).toEqual(next)
    yield* chain.remove({ service: entry.service, account: "alice.2" })
    // The key went away: the vault says that there is none, and is not made anew.
    yield* chain.remove(entry)
    const lost = yield* Effect.flip(vaultUnder(source, path))
    expect(Vault.causeOf(lost)).toMatchObject({ _tag: "UnlockError", reason: "none" })
  })

const installed = (program: string, word: string) => spawnSync(program, [word], { stdio: "ignore" }).error === undefined
const isReal =
  process.platform === "linux" &&
  installed("secret-tool", "--version") &&
  installed("gnome-keyring-daemon", "--version") &&
  installed("dbus-daemon", "--version")

describe.skipIf(!isReal)("the Secret Service of a session [vault.chain.1] [vault.chain.2]", () => {
  const children: Array<ChildProcess> = []
  const home = join(folder, "home")
  const before = { ...process.env }

  /** The first output of a program that goes on. */
  const begin = (program: string, args: ReadonlyArray<string>, input: string, needle: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const child = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"] })
      children.push(child)
      let said = ""
      child.stdout.on("data", (chunk: Buffer) => {
        said += chunk.toString()
        if (said.includes(needle)) resolve(said)
      })
      child.on("error", reject)
      child.on("close", () => reject(new Error(`${program} ended`)))
      // A program that ends, or reads no input, breaks the pipe.
      child.stdin.on("error", () => undefined)
      child.stdin.end(input)
    })

  beforeAll(async () => {
    mkdirSync(home, { mode: 0o700 })
    process.env.HOME = home
    process.env.XDG_RUNTIME_DIR = home
    delete process.env.XDG_DATA_HOME
    const address = await begin("dbus-daemon", ["--session", "--print-address", "--nofork"], "", "\n")
    process.env.DBUS_SESSION_BUS_ADDRESS = address.trim()
    const args = ["--unlock", "--foreground", "--components=secrets", `--control-directory=${home}`]
    await begin("gnome-keyring-daemon", args, "a password", "=")
  })
  afterAll(() => {
    for (const child of children) child.kill()
    for (const name of ["HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "DBUS_SESSION_BUS_ADDRESS"]) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
  })

  it("keeps, finds, replaces and removes", () => Effect.runPromise(contract(secretService())))

  it("opens a vault without a question", () => Effect.runPromise(unlocks(secretService())))

  it("is told apart from a service that cannot be reached", async () => {
    const address = process.env.DBUS_SESSION_BUS_ADDRESS!
    process.env.DBUS_SESSION_BUS_ADDRESS = "unix:path=/nowhere"
    expect(await outcome(secretService().read(entry))).toBe("failed")
    process.env.DBUS_SESSION_BUS_ADDRESS = address
    expect(await outcome(secretService().read(entry))).toBe(undefined)
  })
})

/** A program in place of the system's: keeps entries in files, and the words of every call in a list. */
const standIn = (name: string, body: string): { readonly program: string; readonly calls: () => string } => {
  const place = join(folder, name)
  mkdirSync(place)
  const program = join(place, name)
  writeFileSync(program, `#!/bin/sh\ncd '${place}'\nprintf '%s\\n' "$*" >>calls\n${body}\n`)
  chmodSync(program, 0o700)
  return { program, calls: () => (existsSync(join(place, "calls")) ? readFileSync(join(place, "calls"), "utf8") : "") }
}

describe("programs that answer as the systems' do [vault.chain.1] [vault.chain.2]", () => {
  // lookup|store|clear: ends with 1 and says nothing when an entry is missing.
  const secretTool = standIn(
    "secret-tool",
    `verb=$1; shift; [ "$verb" = store ] && shift 2
f="e-$(printf '%s' "$*" | tr ' /' '__')"
case $verb in
  lookup) [ -f "$f" ] && cat "$f" || exit 1 ;;
  store) cat >"$f" ;;
  clear) [ -f "$f" ] && rm "$f" || exit 1 ;;
esac`
  )
  // find- and delete- end with 44 when an entry is missing; -i reads a line and always ends with 0.
  const security = standIn(
    "security",
    `run() {
  verb=$1; shift; w=
  while [ $# -gt 0 ]; do case $1 in
    -s) s=$2; shift 2 ;; -a) a=$2; shift 2 ;; -U) shift ;; -w) w=$2; shift; [ $# -gt 0 ] && [ "\${1#-}" = "$1" ] && shift ;; *) exit 2 ;;
  esac; done
  f="e-$s-$a"
  case $verb in
    find-generic-password) [ -f "$f" ] && cat "$f" && echo || { echo 'could not be found' >&2; exit 44; } ;;
    add-generic-password) printf '%s' "$w" >"$f" ;;
    delete-generic-password) [ -f "$f" ] && rm "$f" || { echo 'could not be found' >&2; exit 44; } ;;
    *) exit 2 ;;
  esac
}
if [ "$1" = -i ]; then read -r line; run $line; exit 0; fi
run "$@"`
  )
  // What the script calls decides; names come in the environment, the key in the input.
  const powershell = standIn(
    "powershell",
    `[ "$1 $2 $3 $4" = "-NoLogo -NoProfile -NonInteractive -Command" ] || exit 9
f="e-$TACIT_CHAIN_SERVICE-$TACIT_CHAIN_ACCOUNT"
case $5 in
  *'.Add('*) read -r key; printf '%s' "$key" >"$f" ;;
  *'.Remove('*) [ -f "$f" ] && rm "$f" || exit 44 ;;
  *'.Retrieve('*) [ -f "$f" ] && cat "$f" || exit 44 ;;
  *) exit 1 ;;
esac`
  )

  for (const [name, make, { calls, program }] of [
    ["secret-tool", secretService, secretTool],
    ["security", macKeychain, security],
    ["powershell", credentialLocker, powershell]
  ] as const) {
    it(`${name}: keeps, finds, replaces, removes, and opens a vault; no key stands on a command line`, async () => {
      await Effect.runPromise(contract(make({ program })))
      await Effect.runPromise(unlocks(make({ program })))
      expect(calls().length).toBeGreaterThan(100)
      expect(calls()).not.toMatch(/[0-9a-f]{64}/)
      if (name === "powershell") expect(calls()).not.toContain(entry.account)
    })

    it(`${name}: is missing, refuses, or takes too long`, async () => {
      const gone = make({ program: join(folder, "not-there") })
      expect(await outcome(gone.read(entry))).toBe("failed")
      expect(await outcome(gone.write(entry, bytes(hex)))).toBe("failed")
      const refusing = standIn(`${name}-refusing`, "echo 'no' >&2; exit 1")
      const refused = make({ program: refusing.program })
      for (const effect of [refused.read(entry), refused.write(entry, bytes(hex)), refused.remove(entry)]) {
        expect(await outcome(effect as Effect.Effect<unknown, UnlockError>)).toBe("failed")
      }
      const slow = standIn(`${name}-slow`, "exec sleep 30")
      const began = performance.now()
      expect(await outcome(make({ program: slow.program, timeoutMs: 200 }).read(entry))).toBe("failed")
      expect(performance.now() - began).toBeLessThan(15_000)
    })
  }

  it("a key chain that keeps nothing, or something else, makes no vault", async () => {
    const forgetful = standIn("forgetful", "case $1 in lookup) exit 1 ;; *) cat >/dev/null ;; esac")
    const create: UnlockQuestion = { purpose: "create", method: undefined }
    const source = keyChain({ ...entry, chain: secretService({ program: forgetful.program }) })
    expect(await outcome(source.secret(create))).toBe("failed")
    const odd = standIn("odd", 'case $1 in lookup) echo "a password of somebody" ;; *) cat >/dev/null ;; esac')
    const wrong = keyChain({ ...entry, chain: secretService({ program: odd.program }) })
    expect(await outcome(wrong.secret(create))).toBe("invalid")
    expect(await outcome(wrong.secret(open))).toBe("invalid")
  })

  it("names that could mean something to a program are refused before it is asked", async () => {
    const asked = standIn("asked", "exit 1")
    const chain = macKeychain({ program: asked.program })
    for (const account of ["", "a b", "-w", "a\nb", 'a"b', "x".repeat(129)]) {
      expect(await outcome(keyChain({ account, chain }).secret(open))).toBe("invalid")
    }
    expect(asked.calls()).toBe("")
  })

  it("each platform has one", () => {
    expect(["linux", "darwin", "win32"].map((platform) => systemKeyChain(platform).name)).toEqual([
      "the Secret Service",
      "the keychain",
      "the Credential Locker"
    ])
  })
})
