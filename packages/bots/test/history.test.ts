/** Histories on files, through a relay over WebSocket: the same on both devices of a person, after one was put back to an older copy, and out of a file. */
import { copyFileSync, rmSync } from "node:fs"
import { type NodeOptions, openClient, type PromiseClient } from "@tacit/bots"
import { afterEach, expect, it } from "vitest"
import { further } from "../../../scripts/lib/further-device.ts"
import { makeScene, type Scene } from "./Scene.ts"

let scene: Scene | undefined
const running = new Set<PromiseClient>()
afterEach(async () => {
  await Promise.all([...running].map((client) => client.close()))
  running.clear()
  await scene?.close()
  scene = undefined
})

type Options = NodeOptions & { readonly path: string }

const open = async (options: Options, beginning?: number): Promise<PromiseClient> => {
  const client = await openClient({ ...options, history: beginning === undefined ? true : { beginning } })
  running.add(client)
  void (async () => {
    for await (const message of client.messages()) await client.take(message)
  })()
  return client
}

const close = async (client: PromiseClient): Promise<void> => {
  running.delete(client)
  await client.close()
}

/** A further device of the account at `first`, in a file of its own. */
const second = async (first: Options): Promise<Options> => {
  const path = first.path.replace(/\.db$/, "-2.db")
  await further(first.path, path)
  return { ...first, path, password: await scene!.relay.invite(first.user) }
}

const until = async (what: string, condition: () => Promise<boolean>): Promise<void> => {
  const end = Date.now() + 60_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`in vain: ${what}`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

const alike = async (...clients: ReadonlyArray<PromiseClient>): Promise<boolean> =>
  new Set(await Promise.all(clients.map((client) => client.history.digest()))).size === 1

const count = async (client: PromiseClient): Promise<number> => {
  let entries = 0
  for (const { conversation } of await client.history.conversations()) {
    entries += (await client.history.page({ conversation, limit: 1000 })).entries.length
  }
  return entries
}

it("two devices on files have one history, also when one was put back to an older copy [history.keep.1] [history.when.1] [history.digest.1]", async () => {
  scene = await makeScene()
  const [aliceAt, bobAt] = [await scene.account("alice"), await scene.account("bob")]
  await close(await open(bobAt))
  const phoneAt = await second(bobAt)
  const [alice, bob] = [await open(aliceAt), await open(bobAt)]
  let phone = await open(phoneAt, 0)
  await alice.send("bob", "1")
  await bob.send("alice", "2")
  await phone.send("alice", "3")
  await until("three entries everywhere", async () => (await alike(alice, bob, phone)) && (await count(phone)) === 3)
  await close(phone)
  const copy = `${phoneAt.path}.copy`
  copyFileSync(phoneAt.path, copy)
  phone = await open(phoneAt, 0)
  await alice.send("bob", "4")
  await bob.send("alice", "5")
  await until("five entries everywhere", async () => (await alike(alice, bob, phone)) && (await count(phone)) === 5)
  await close(phone)
  for (const end of ["-wal", "-shm"]) rmSync(phoneAt.path + end, { force: true })
  copyFileSync(copy, phoneAt.path)
  phone = await open(phoneAt, 0)
  await until("what it had forgotten", async () => (await alike(bob, phone)) && (await count(phone)) === 5)
  // A new file of the account takes everything out of an archive.
  const key = Uint8Array.from({ length: 32 }, (_, i) => i)
  const pieces: Array<Uint8Array> = []
  for await (const piece of bob.history.export(key)) pieces.push(piece)
  await close(phone)
  for (const end of ["", "-wal", "-shm"]) rmSync(phoneAt.path + end, { force: true })
  copyFileSync(copy, phoneAt.path)
  phone = await open(phoneAt, 0)
  let taken = 0
  const bytes = (async function* () {
    yield* pieces
  })()
  for await (const { entries } of phone.history.import(key, bytes)) taken = entries
  expect(taken).toBe(5)
  expect(await alike(bob, phone)).toBe(true)
}, 120_000)
