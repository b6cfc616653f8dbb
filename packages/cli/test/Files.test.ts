/** `tacit send --file` and `tacit listen --save`: what arrives, under which names, and what is said when it does not. */
import { startRelay, type RunningRelay } from "@tacit/relay"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { ExitCode } from "../src/ExitCode.ts"
import { mediaTypeOf, nameOf } from "../src/Files.ts"
import { call, type Done, objects, type Setting, start } from "./InProcess.ts"

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let folder = ""
let relay: RunningRelay

const tacit = (profile: string, words: ReadonlyArray<string>, extra: Partial<Setting> = {}): Promise<Done> =>
  call(words, { ...extra, env: { TACIT_DATA: join(folder, "data"), TACIT_PROFILE: profile, ...extra.env } })
const errorOf = ({ err }: Done): unknown =>
  (JSON.parse(err.trim().split("\n").at(-1)!) as { readonly error: { readonly code: string } }).error.code
const write = (name: string, bytes: Uint8Array | string): string => {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}
const listen = (save: string, ...words: ReadonlyArray<string>) =>
  tacit("bob", ["listen", "--count", "1", "--timeout", "30", "--save", join(folder, save), "--json", ...words])

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tacit-cli-files-"))
  relay = await startRelay({
    database: join(folder, "relay.db"),
    attachments: { fileBytes: 3 * 1024 * 1024 },
    limits: { shutdownMs: 500 }
  })
  for (const user of ["alice", "bob"]) {
    const env = { TACIT_PASSWORD: await relay.invite(user) }
    const words = ["register", "--relay", relay.url, "--user", user]
    expect(await tacit(user, words, { env })).toMatchObject({ code: ExitCode.ok })
  }
})
afterAll(async () => {
  await relay.close()
  rmSync(folder, { recursive: true, force: true })
})

describe("files on the command line", () => {
  it("a file arrives under its name, next to what is there already, and is private while it is not whole", async () => {
    const bytes = Buffer.from(Uint8Array.from({ length: 1_200_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff))
    const path = write("holiday.png", bytes)
    const sent = await tacit("alice", ["send", "bob", "--file", path, "--json"])
    expect(sent.code).toBe(ExitCode.ok)
    const said = objects(sent.out)
    expect(said[0]).toMatchObject({ type: "upload", state: "uploading", sent: 0 })
    expect(said.at(-1)).toMatchObject({
      type: "sent",
      attachment: { name: "holiday.png", mediaType: "image/png", length: bytes.length, preview: null }
    })
    const [message, file] = objects((await listen("in")).out)
    expect(message).toMatchObject({ type: "message", body: { type: "attachment", name: "holiday.png" } })
    const saved = join(folder, "in", "holiday.png")
    expect(file).toEqual({ type: "file", message: message!["id"], id: expect.any(String), path: saved })
    expect(readFileSync(saved).equals(bytes)).toBe(true)
    // Another file of the same name, with a listener for people.
    const other = Buffer.alloc(5_000, "other")
    writeFileSync(path, other)
    expect((await tacit("alice", ["send", "bob", "--file", path])).code).toBe(ExitCode.ok)
    const heard = await tacit("bob", ["listen", "--count", "1", "--timeout", "30", "--save", join(folder, "in")])
    expect(heard.out).toContain("[file holiday.png, image/png, 5000 bytes]")
    expect(heard.out).toContain("saved as")
    expect(readdirSync(join(folder, "in")).sort()).toEqual(["holiday (2).png", "holiday.png"])
    expect(readFileSync(join(folder, "in", "holiday (2).png")).equals(other)).toBe(true)
  })

  it("what was fetched in part goes on, and the same file is not saved twice [attachment.resume.1]", async () => {
    const bytes = Buffer.alloc(400_000, "part by part ")
    const path = write("notes.txt", bytes)
    const again = ["send", "bob", "--file", path, "--json", "--idempotency-key", "notes"]
    const first = objects((await tacit("alice", again)).out).at(-1)!
    const id = (first["attachment"] as { readonly id: string }).id
    const { mkdirSync } = await import("node:fs")
    mkdirSync(join(folder, "later"))
    writeFileSync(join(folder, "later", `.${id}.part`), bytes.subarray(0, 150_000))
    expect(objects((await listen("later")).out).at(-1)).toMatchObject({ path: join(folder, "later", "notes.txt") })
    expect(readFileSync(join(folder, "later", "notes.txt")).equals(bytes)).toBe(true)
    // The same line again sends nothing.
    expect(objects((await tacit("alice", again)).out).map(({ type }) => type)).toEqual(["upload", "sent"])
    // The same file again, in another message: it is there.
    expect((await tacit("alice", ["send", "bob", "--file", path])).code).toBe(ExitCode.ok)
    expect(objects((await listen("later")).out).at(-1)).toMatchObject({ path: join(folder, "later", "notes.txt") })
    expect(readdirSync(join(folder, "later"))).toEqual(["notes.txt"])
    // A part that is of something else is begun anew.
    const third = objects((await tacit("alice", ["send", "bob", "--file", path, "--json"])).out).at(-1)!
    const thirdId = (third["attachment"] as { readonly id: string }).id
    mkdirSync(join(folder, "wrong"))
    writeFileSync(join(folder, "wrong", `.${thirdId}.part`), Buffer.alloc(200_000, "x"))
    expect(objects((await listen("wrong")).out).at(-1)).toMatchObject({ path: join(folder, "wrong", "notes.txt") })
    expect(readFileSync(join(folder, "wrong", "notes.txt")).equals(bytes)).toBe(true)
    expect(readdirSync(join(folder, "wrong"))).toEqual(["notes.txt"])
  })

  it("says why a file was not sent, or not saved, and goes on listening", async () => {
    const missing = await tacit("alice", ["send", "bob", "--file", join(folder, "nothing"), "--json"])
    expect([missing.code, errorOf(missing)]).toEqual([ExitCode.usage, "UsageError"])
    const both = await tacit("alice", ["send", "bob", "and text", "--file", write("a.txt", "a"), "--json"])
    expect(both.code).toBe(ExitCode.usage)
    const large = await tacit("alice", ["send", "bob", "--file", write("large", Buffer.alloc(4_000_000)), "--json"])
    expect([large.code, errorOf(large)]).toEqual([ExitCode.refused, "AttachmentError:too-large"])
    // Larger than the listener takes; damaged at the relay.
    expect((await tacit("alice", ["send", "bob", "--file", write("big.bin", Buffer.alloc(2_000_000, "b"))])).code).toBe(
      0
    )
    expect(objects((await listen("none", "--max-file", "1")).out).at(-1)).toMatchObject({
      type: "file",
      path: null,
      reason: "AttachmentError:too-large"
    })
    const sent = objects((await tacit("alice", ["send", "bob", "--file", write("cut.bin", "cut"), "--json"])).out).at(
      -1
    )!
    const { id } = sent["attachment"] as { readonly id: string }
    const kept = join(folder, "relay.db.files")
    const { createHash } = await import("node:crypto")
    for (const name of readdirSync(kept).filter((one) => /^[0-9a-f]{64}$/.test(one))) {
      const path = join(kept, name)
      if (createHash("sha256").update(readFileSync(path)).digest("hex") === id) {
        const bytes = readFileSync(path)
        bytes[100]! ^= 1
        writeFileSync(path, bytes)
      }
    }
    const [message, file] = objects((await listen("none")).out)
    expect(message).toMatchObject({ body: { type: "attachment", name: "cut.bin" } })
    expect(file).toMatchObject({ path: null, reason: "AttachmentError:attachment.chunk" })
    expect(existsSync(join(folder, "none", "cut.bin"))).toBe(false)
    expect((await tacit("alice", ["send", "bob", "still there"])).code).toBe(ExitCode.ok)
    expect((await tacit("bob", ["listen", "--count", "1", "--timeout", "30"])).out).toContain("still there")
  })

  it("an operator bounds what is kept [attachment.store.5]", async () => {
    const stop = new AbortController()
    const data = join(folder, "bounded")
    const words = ["relay", "start", "--port", "0", "--data", data, "--max-file", "1", "--keep-files", "2", "--json"]
    const running = start(words, { env: {}, signal: stop.signal })
    try {
      await vi.waitFor(() => expect(objects(running.out())).toHaveLength(1), { timeout: 30_000, interval: 25 })
      const url = String(objects(running.out())[0]!["url"])
      for (const user of ["carol", "dave"]) {
        const invited = objects((await tacit(user, ["relay", "invite", user, "--data", data, "--json"])).out)
        const env = { TACIT_PASSWORD: String(invited[0]!["password"]) }
        const registered = await tacit(user, ["register", "--relay", url, "--user", user], { env })
        expect(registered).toMatchObject({ code: ExitCode.ok })
      }
      const send = (name: string, bytes: number) =>
        tacit("carol", ["send", "dave", "--file", write(name, Buffer.alloc(bytes)), "--json"])
      const large = await send("two", 2_000_000)
      expect([large.code, errorOf(large)]).toEqual([ExitCode.refused, "AttachmentError:too-large"])
      const before = Date.now()
      const sent = objects((await send("half", 500_000)).out).at(-1)!["attachment"] as { readonly expiresAt: number }
      expect(Math.round((sent.expiresAt - before) / 86_400_000)).toBe(2)
    } finally {
      stop.abort()
      await running.done
    }
  })

  it("names are names, whatever the path says [attachment.reference.2]", () => {
    expect(
      ["/tmp/a b.txt", "..", "x\u0007y.png", "ü".repeat(200)].map(nameOf).map((name) => Buffer.byteLength(name))
    ).toEqual([7, 0, 6, 254])
    expect(["a.PNG", "b.tar.gz", "c", "d.md"].map(mediaTypeOf)).toEqual([
      "image/png",
      "application/octet-stream",
      "application/octet-stream",
      "text/markdown"
    ])
  })
})
