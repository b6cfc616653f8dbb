/** Accounts whose store is sealed: what a thief of the files finds, what locks, and the work on vault files. */
import { openClient, VaultFile } from "@tacit/bots"
import { Unlock, UnlockSource, Vault } from "@tacit/core"
import { copyFileSync, existsSync, readdirSync, readFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { makeScene, receive, type Scene, textsOf } from "./Scene.ts"

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const cost = { memoryKiB: 8192, passes: 2, lanes: 1 }
let scene: Scene
beforeAll(async () => {
  scene = await makeScene()
})
afterAll(() => scene.close())

/** The bytes of a store and of everything beside it: log, shared memory, lock. */
const bytesBeside = (path: string): Buffer =>
  Buffer.concat(
    readdirSync(dirname(path))
      .filter((name) => name.startsWith(basename(path)))
      .map((name) => readFileSync(join(dirname(path), name)))
  )

/** How an attempt ended: "success", or the vault's reason. */
const reason = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => "success",
    (error: unknown) => Vault.causeOf(error)?.reason ?? String(error)
  )

describe("a sealed account", () => {
  it("leaves no name, text, key or contact in its files, log included [vault.hidden.1]", async () => {
    const words = "the eagle lands at eight past nine"
    const answer = "and the owl has seen it coming"
    const [mine, theirs] = [await scene.account("alice.of.the.hills"), await scene.account("bob")]
    const vault = { passphrase: "correct horse battery", cost }
    const alice = await openClient({ ...mine, vault })
    const bob = await openClient(theirs)
    await alice.send("bob", words)
    expect(textsOf(await receive(bob, 1))).toEqual([words])
    await bob.send("alice.of.the.hills", answer)
    // Not taken: it waits in the inbox of the store.
    for await (const message of alice.messages()) {
      expect(message.body).toMatchObject({ text: answer })
      // None so short that ciphertext could hold it by chance.
      const needles = [alice.self, bob.self].flatMap(({ account, device }) => [
        Buffer.from(account),
        Buffer.from(device),
        Buffer.from(account, "hex"),
        Buffer.from(device, "hex")
      ])
      for (const word of [words, answer, "contact", "session", "custody", "alice.of.the.hills"]) {
        needles.push(Buffer.from(word))
      }
      const found = (path: string) => {
        const bytes = bytesBeside(path)
        return needles.filter((needle) => bytes.includes(needle)).map(String)
      }
      expect(existsSync(`${mine.path}-wal`)).toBe(true)
      expect(found(mine.path)).toEqual([])
      // The same search finds them where nothing is sealed.
      expect(found(theirs.path).length).toBeGreaterThan(8)
      await alice.close()
      expect(found(mine.path)).toEqual([])
      break
    }
    await bob.close()
  })

  it("opens with its secret only, and not at all as if it were not sealed [vault.guard.1] [vault.lock.1]", async () => {
    const account = await scene.account("carol")
    const key = new Uint8Array(32).fill(3)
    const first = await openClient({ ...account, vault: { key } })
    const { account: id } = first.self
    await first.close()
    const { password: _, ...again } = account
    expect(await reason(openClient(again))).toBe("sealed")
    expect(await reason(openClient({ ...again, password: "x" }))).toBe("sealed")
    expect(await reason(openClient({ ...again, vault: { key: new Uint8Array(32) } }))).toBe("secret")
    expect(await reason(openClient({ ...again, vault: { passphrase: "x" } }))).toBe("method")
    await using client = await openClient({ ...again, vault: { unlock: Unlock.key(key) } })
    expect(client.self.account).toBe(id)
    await client.send("bob", "still there")
  })

  it("may be sealed, put under another secret and unsealed, and stays the same account [vault.seal.1]", async () => {
    const account = await scene.account("dave")
    const first = await openClient(account)
    const { account: id } = first.self
    await first.send("bob", "before it was sealed")
    await first.flush()
    await first.close()
    const { path } = account
    expect(await VaultFile.inspect({ path })).toEqual({ state: "unsealed" })
    expect(await reason(openClient({ ...account, vault: { passphrase: "one", cost } }))).toBe("unsealed")
    expect(bytesBeside(path).includes(Buffer.from(id, "hex"))).toBe(true)

    await VaultFile.seal({ path, vault: { passphrase: "one", cost } })
    expect(await VaultFile.inspect({ path })).toMatchObject({ state: "sealed", method: "passphrase" })
    for (const needle of [Buffer.from(id, "hex"), Buffer.from("before it was"), Buffer.from("custody/account")])
      expect(bytesBeside(path).includes(needle)).toBe(false)
    await VaultFile.changeSecret({ path, vault: { passphrase: "one", cost }, next: { passphrase: "two" } })
    expect(await reason(openClient({ ...account, vault: { passphrase: "one" } }))).toBe("secret")

    // What stretching gave opens it too, without asking.
    const stretched = await VaultFile.ticket({ path, secret: { passphrase: "two" } })
    const unlock = UnlockSource.of({
      secret: () => Effect.sync(() => ({ type: "stretched", stretched: stretched.slice() }))
    })
    const sealed = await openClient({ ...account, vault: { unlock } })
    expect(sealed.self.account).toBe(id)
    await sealed.close()
    await VaultFile.changeSecret({ path, vault: { passphrase: "two", cost }, next: { passphrase: "three" } })
    expect(await reason(openClient({ ...account, vault: { unlock } }))).toBe("secret")

    expect(await reason(VaultFile.unseal({ path, secret: { passphrase: "two" } }))).toBe("secret")
    await VaultFile.unseal({ path, secret: { passphrase: "three" } })
    await using plain = await openClient(account)
    expect(plain.self.account).toBe(id)
  })

  it("is drilled from a copy: every record opened, and what the copy lacks [vault.ledger.3]", async () => {
    const account = await scene.account("erin")
    const vault = { passphrase: "one", cost }
    const client = await openClient({ ...account, vault })
    const copy = `${account.path}.copy`
    await VaultFile.duplicate(account.path, copy)
    await client.send("bob", "after the copy was made")
    await client.flush()
    const before = readFileSync(copy)
    // While the account is open.
    const drilled = await VaultFile.drill({ copy, path: account.path, secret: vault })
    expect(drilled).toMatchObject({ state: "sealed", absent: [], damaged: [], unknown: 0, opened: drilled.records })
    expect(drilled.lost).toMatchObject({ contacts: 1, conversations: 1, arrived: 0 })
    // Not started since: only peers could notice.
    expect(drilled.restore).toMatchObject({ sameDevice: true, noticedBy: "peers" })
    const contact = drilled.kinds.find(({ kind }) => kind === "contact")
    expect(contact).toMatchObject({ inCopy: 0, missing: 1, extra: 0, changed: 0 })
    expect(drilled.kinds.reduce((sum, { inCopy }) => sum + inCopy, 0)).toBe(drilled.records)
    const alone = await VaultFile.drill({ path: account.path, secret: vault, sample: 5 })
    expect([alone.kinds[0]?.missing, alone.lost, alone.opened]).toEqual([undefined, undefined, 5])
    await client.close()
    await (await openClient({ ...account, vault })).close()
    const later = await VaultFile.drill({ copy, path: account.path, secret: vault })
    expect(later.restore).toMatchObject({ noticedBy: "relay", generation: { copy: 2, current: 3 } })
    expect(readFileSync(copy).equals(before)).toBe(true)

    expect(await reason(VaultFile.drill({ copy, path: undefined, secret: { passphrase: "no" } }))).toBe("secret")
    const damaged = `${account.path}.damaged`
    copyFileSync(copy, damaged)
    const { DatabaseSync } = await import("node:sqlite")
    const db = new DatabaseSync(damaged)
    db.exec("DELETE FROM record WHERE key = (SELECT key FROM record WHERE key LIKE 'vault/r/%' LIMIT 1)")
    db.close()
    expect(await reason(VaultFile.drill({ copy: damaged, path: undefined, secret: vault }))).toBe("rollback")
  })
})
