/**
 * P24: what an earlier format wrote goes on: an account and its relay as commit 753c90c left them, with a message waiting in each place there is.
 *
 * Spec: docs/spec/21-conformance.md, P24; docs/spec/16-state.md.
 * The files and how they came about: test/earlier/README.md. The clock is put back to their time, because keys and messages have ends.
 */
import { openClient } from "@tacit/bots"
import { startRelay } from "@tacit/relay"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { receive, textsOf } from "./Scene.ts"

vi.setConfig({ testTimeout: 60_000 })

/** An hour after the files were closed, ms. */
const later = Date.parse("2026-11-21T18:56:00Z")

const alice = "d8c4e5fc69ce6017905c4eab5bbae7bef29e8e352e7c2cdb5edfe4d960cb1aaf"
const bob = "916c7a9b71f452c006d4d97be647eaa86d3dccf4e00fece9984ee75c0835892d"

let folder: string
const closing: Array<() => Promise<void>> = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tacit-earlier-"))
  for (const name of ["alice", "bob", "relay"]) {
    const packed = readFileSync(new URL(`./earlier/${name}.db.gz`, import.meta.url))
    writeFileSync(join(folder, `${name}.db`), gunzipSync(packed))
  }
  const away = later - Date.now()
  const now = Date.now.bind(Date)
  vi.spyOn(Date, "now").mockImplementation(() => now() + away)
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

const open = async (user: string, relay: string) => {
  const client = await openClient({ relay, user, path: join(folder, `${user}.db`) })
  closing.push(() => client.close())
  return client
}
const serve = async () => {
  const relay = await startRelay({ database: join(folder, "relay.db") })
  closing.push(relay.close)
  return relay.url
}

describe("an account of an earlier format", () => {
  it("goes on with its contacts, sessions, inbox and outbox [P24]", async () => {
    const relay = await serve()
    const second = await open("bob", relay)
    expect(second.self).toMatchObject({ user: "bob", account: bob })
    // One in its own inbox, and one that waits at the relay.
    const waiting = await receive(second, 2)
    expect(textsOf(waiting)).toEqual(["kept in the inbox", "kept at the relay"])
    expect(waiting.map(({ from }) => from.account)).toEqual([alice, alice])

    // And one that never left the device of its sender.
    const first = await open("alice", relay)
    expect(first.self).toMatchObject({ user: "alice", account: alice })
    expect(textsOf(await receive(second, 1))).toEqual(["kept in the outbox"])

    // The conversation goes on where it was, both ways.
    await second.send("alice", "after")
    expect(textsOf(await receive(first, 1))).toEqual(["after"])
    const sent = await first.send("bob", "and on")
    expect(sent.sequence).toBe(6)
    expect(textsOf(await receive(second, 1, 300))).toEqual(["and on"])
  })

  it("shows nothing twice when it is opened again [P24]", async () => {
    const relay = await serve()
    const once = await open("bob", relay)
    expect(await receive(once, 2)).toHaveLength(2)
    await once.close()
    const again = await open("bob", relay)
    const first = await open("alice", relay)
    expect(textsOf(await receive(again, 1, 300))).toEqual(["kept in the outbox"])
    await first.send("bob", "next")
    expect(textsOf(await receive(again, 1, 300))).toEqual(["next"])
  })
})
