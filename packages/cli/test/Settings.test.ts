/** `tacit settings` and `tacit device reset`: what one's own devices share, and beginning with them afresh. */
import { openClient } from "@tacit/bots"
import { startRelay, type RunningRelay } from "@tacit/relay"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it, vi } from "vitest"
import { further } from "../../../scripts/lib/further-device.ts"
import { ExitCode } from "../src/ExitCode.ts"
import { call, type Done, objects } from "./InProcess.ts"

vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 })

let folder = ""
let relay: RunningRelay

const tacit = (profile: string, ...words: ReadonlyArray<string>): Promise<Done> =>
  call(words, { env: { TACIT_DATA: join(folder, "data"), TACIT_PROFILE: profile, TACIT_RELAY: relay.url } })
const json = async (profile: string, ...words: ReadonlyArray<string>) =>
  objects((await tacit(profile, ...words, "--json")).out)
const storeOf = (profile: string): string => join(folder, "data", profile, "client.db")

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tacit-settings-"))
  relay = await startRelay({ database: ":memory:" })
  const file = join(folder, "alice.otp")
  writeFileSync(file, await relay.invite("alice"))
  expect(await tacit("alice", "register", "--user", "alice", "--password-file", file)).toMatchObject({ code: 0 })
  mkdirSync(join(folder, "data", "phone"), { recursive: true })
  await further(storeOf("alice"), storeOf("phone"))
  const password = await relay.invite("alice")
  const phone = await openClient({ relay: relay.url, user: "alice", path: storeOf("phone"), password })
  const desk = await openClient({ relay: relay.url, user: "alice", path: storeOf("alice") })
  // They have met when each knows what the other one set.
  await phone.settings.set("from/phone", "1")
  await desk.settings.set("from/desk", Uint8Array.of(0xff, 0x00))
  while ((await desk.settings.list()).length < 2 || (await phone.settings.list()).length < 2) {
    await desk.refreshDevices()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await phone.close()
  await desk.close()
  writeFileSync(
    join(folder, "data", "phone", "profile.json"),
    JSON.stringify({ version: 1, relay: relay.url, user: "alice" })
  )
})
afterAll(async () => {
  await relay.close()
  rmSync(folder, { recursive: true, force: true })
})

it("sets, shows and takes back what all devices share [own.setting.2]", async () => {
  expect(await tacit("alice", "settings", "set", "theme", "very", "dark")).toMatchObject({
    code: ExitCode.ok,
    out: "theme is set.\n"
  })
  expect(await tacit("alice", "settings", "get", "theme")).toMatchObject({ code: ExitCode.ok, out: "very dark\n" })
  expect((await tacit("alice", "settings", "list")).out).toBe(
    "from/desk  base64:/wA=\nfrom/phone  1\ntheme  very dark\n"
  )
  expect(await json("alice", "settings", "list")).toEqual([
    { type: "setting", name: "from/desk", base64: "/wA=" },
    { type: "setting", name: "from/phone", text: "1" },
    { type: "setting", name: "theme", text: "very dark" }
  ])
  // The other device takes it as soon as it is connected.
  let seen: ReadonlyArray<Record<string, unknown>> = []
  for (let i = 0; i < 20 && seen.length < 3; i++) seen = await json("phone", "settings", "list", "--wait", "1")
  expect(seen.at(-1)).toEqual({ type: "setting", name: "theme", text: "very dark" })
  expect(await tacit("phone", "settings", "unset", "theme")).toMatchObject({ code: 0, out: "theme is taken back.\n" })
  let gone: Done | undefined
  for (let i = 0; i < 20 && gone?.code !== ExitCode.failed; i++)
    gone = await tacit("alice", "settings", "get", "theme", "--wait", "1")
  expect(gone).toMatchObject({ code: ExitCode.failed, out: "", err: "There is no setting of this name.\n" })
})

it("says what is no setting, and changes nothing [own.setting.1]", async () => {
  const before = await json("alice", "settings", "list")
  expect(await tacit("alice", "settings", "set", "two words", "x")).toMatchObject({
    code: ExitCode.usage,
    err: expect.stringContaining("names no setting")
  })
  expect(await tacit("alice", "settings", "set", "long", "x".repeat(257))).toMatchObject({
    code: ExitCode.usage,
    err: expect.stringContaining("longer than 256 bytes")
  })
  expect(await tacit("alice", "settings", "unset", "ü")).toMatchObject({ code: ExitCode.usage })
  expect(await tacit("alice", "settings", "unset", "not-there")).toMatchObject({ code: ExitCode.ok })
  expect(await json("alice", "settings", "list")).toEqual(before)
})

it("begins with the other own devices afresh [own.reset.1]", async () => {
  expect(await json("alice", "device", "reset")).toEqual([{ type: "reset", devices: 1 }])
  expect((await tacit("alice", "device", "reset")).out).toBe("One device was begun with afresh.\n")
})
