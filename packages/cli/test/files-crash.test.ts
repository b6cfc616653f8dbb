/**
 * A file goes from one person to another while the sender, the relay and the receiver are killed without warning: processes of their own.
 *
 * Spec: docs/spec/11-attachments.md §11.6, rules attachment.resume.1 and attachment.store.2.
 */
import { createHash } from "node:crypto"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { freePort } from "../../../scripts/lib/free-port.ts"
import { ExitCode } from "../src/ExitCode.ts"
import { objects } from "./InProcess.ts"
import { type Call, done, killAll, start } from "./Processes.ts"

const folder = mkdtempSync(join(tmpdir(), "tacit-files-crash-"))
afterAll(() => {
  killAll()
  rmSync(folder, { recursive: true, force: true })
})

const tacit = (...words: ReadonlyArray<string>): Call => start({ home: folder, data: "data" }, words)
const finished = async (...words: ReadonlyArray<string>) => {
  const ended = await done(tacit(...words))
  expect([words.join(" "), ended.code, ended.err]).toEqual([words.join(" "), ExitCode.ok, expect.any(String)])
  return ended.out
}
const hash = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex")

it("whoever is killed on the way, the file arrives once and whole [attachment.upload.1] [attachment.upload.3] [attachment.resume.1] [attachment.store.2]", async () => {
  const port = String(await freePort())
  const relay = async (): Promise<Call> => {
    const call = tacit("relay", "start", "--data", join(folder, "relay"), "--port", port)
    await call.sees(/ws:\/\//)
    return call
  }
  let server = await relay()
  const address = `ws://127.0.0.1:${port}`
  for (const user of ["alice", "bob"]) {
    const password = /[A-Z2-7]{4}(?:-[A-Z2-7]{4}){4}/.exec(
      await finished("relay", "invite", user, "--data", join(folder, "relay"))
    )![0]
    const words = ["register", "--relay", address, "--user", user, "--profile", user]
    const registered = await done(start({ home: folder, data: "data" }, words, { TACIT_PASSWORD: password }))
    expect(registered).toMatchObject({ code: ExitCode.ok })
  }
  const path = join(folder, "film.mp4")
  writeFileSync(path, Buffer.from(Uint8Array.from({ length: 24 * 1024 * 1024 }, (_, i) => (i * 7 + (i >> 8)) & 0xff)))
  const sending = ["send", "bob", "--file", path, "--profile", "alice", "--json", "--idempotency-key", "film"]
  /** Bytes the store had when a sending began. */
  const begins = (out: string): number => {
    const first = objects(out).find(({ type }) => type === "upload")
    return Number(first?.["sent"] ?? -1)
  }
  // The sender, twice, then the relay under a sender.
  const began: Array<number> = []
  for (const victim of ["sender", "sender", "relay"]) {
    const call = tacit(...sending)
    await call.sees(/"type":"upload"[^\n]*\n[^\n]*"type":"upload"[^\n]*\n[^\n]*"type":"upload"[^\n]*\n/)
    if (victim === "relay") server.kill("SIGKILL")
    call.kill("SIGKILL")
    await call.code
    began.push(begins(call.out()))
    if (victim === "relay") {
      await server.code
      server = await relay()
    }
  }
  const sent = objects(await finished(...sending))
  const last = Number(sent.find(({ type }) => type === "upload")?.["sent"])
  expect(began[0]).toBe(0)
  expect([began[1]! > 0, began[2]! >= began[1]!, last >= began[2]!]).toEqual([true, true, true])
  // Once more: nothing new.
  expect(objects(await finished(...sending)).map(({ type }) => type)).toEqual(["upload", "sent"])
  // The receiver, while it saves.
  const inbox = join(folder, "in")
  const listening = ["listen", "--save", inbox, "--profile", "bob", "--json", "--count", "1", "--timeout", "60"]
  const parts = () => (existsSync(inbox) ? readdirSync(inbox).filter((name) => name.endsWith(".part")) : [])
  const victim = tacit(...listening)
  const deadline = Date.now() + 60_000
  while (!parts().some((name) => statSync(join(inbox, name)).size > 0) && Date.now() < deadline) {
    if (existsSync(join(inbox, "film.mp4"))) break
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  victim.kill("SIGKILL")
  await victim.code
  const heard = objects(await finished(...listening))
  expect(heard.map(({ type }) => type)).toEqual(["message", "file"])
  expect(readdirSync(inbox)).toEqual(["film.mp4"])
  expect(hash(join(inbox, "film.mp4"))).toBe(hash(path))
  // It came once.
  const rest = objects(await finished("listen", "--profile", "bob", "--json", "--timeout", "1"))
  expect(rest).toEqual([])
}, 180_000)
