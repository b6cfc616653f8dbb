/** `tacit history`: keeping, reading, files, other devices, and what `tacit doctor` says of it. */
import type { HistorySurvey } from "@tacit/core"
import { startRelay, type RunningRelay } from "@tacit/relay"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { format, parse } from "../src/commands/history/archiveKey.ts"
import { historyFindings } from "../src/commands/history/findings.ts"
import { rangeText, timeOf } from "../src/commands/history/range.ts"
import { ExitCode } from "../src/ExitCode.ts"
import { call, type Done, objects, type Setting, start, type Started } from "./InProcess.ts"

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let folder = ""
let relay: RunningRelay

const at = (profile: string, extra: Partial<Setting> = {}): Setting => ({
  ...extra,
  env: { TACIT_DATA: join(folder, "data"), TACIT_PROFILE: profile, ...extra.env }
})
const tacit = (profile: string, words: ReadonlyArray<string>, extra: Partial<Setting> = {}): Promise<Done> =>
  call(words, at(profile, extra))
const json = async (profile: string, ...words: ReadonlyArray<string>) =>
  objects((await tacit(profile, [...words, "--json"])).out)
const errorOf = ({ err }: Done): unknown =>
  (JSON.parse(err.trim().split("\n").at(-1)!) as { readonly error: { readonly code: string } }).error.code
const digestOf = async (profile: string): Promise<string> => (await tacit(profile, ["history", "digest"])).out.trim()
const idOf = async (profile: string): Promise<string> => {
  const [list] = await json(profile, "device", "list")
  return (list!["devices"] as ReadonlyArray<{ id: string; current: boolean }>).find(({ current }) => current)!.id
}

/** What a call wrote, once it matches. */
const sees = async (started: Started, pattern: RegExp): Promise<string> => {
  await vi.waitFor(() => expect(started.out()).toMatch(pattern), { timeout: 60_000, interval: 25 })
  return pattern.exec(started.out())![0]
}

/** Links a further device of a profile by digits, in a profile of its own. Both ends stay as long as they do. */
const link = async (
  old: string,
  young: string,
  words: ReadonlyArray<string> = [],
  others: ReadonlyArray<string> = [],
  env: Readonly<Record<string, string>> = {}
): Promise<{ readonly uri: string; readonly inviting: Done; readonly joining: Done }> => {
  const begun = start(["device", "link", "--fingerprint", "--json", ...words], at(old, { input: "yes\n" }))
  const uri = await sees(begun, /tacit:invite\/[\w-]+/)
  const joined = start(["device", "link", uri, "--fingerprint", ...others], at(young, { input: "yes\n", env }))
  const [inviting, joining] = await Promise.all([begun.done, joined.done])
  expect(inviting, inviting.err).toMatchObject({ code: ExitCode.ok })
  expect(joining, joining.err).toMatchObject({ code: ExitCode.ok })
  return { uri, inviting, joining }
}

const talk = async (from: string, to: string, texts: ReadonlyArray<string>): Promise<void> => {
  expect(await tacit(from, ["send", to], { input: texts.join("\n") })).toMatchObject({ code: ExitCode.ok })
  const heard = await tacit(to, ["listen", "--count", String(texts.length), "--timeout", "60"])
  expect(heard).toMatchObject({ code: ExitCode.ok, out: expect.stringContaining(texts.at(-1)!) })
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tacit-history-"))
  relay = await startRelay({ database: ":memory:", limits: { slotsOpened: 100, ownPasswords: 100 } })
  for (const user of ["alice", "bob"]) {
    const env = { TACIT_PASSWORD: await relay.invite(user) }
    const words = ["register", "--relay", relay.url, "--user", user]
    expect(await tacit(user, words, { env })).toMatchObject({ code: ExitCode.ok })
  }
  const refused = await tacit("alice", ["history", "list", "--json"])
  expect([refused.code, errorOf(refused)]).toEqual([ExitCode.usage, "HistoryOff"])
  for (const user of ["alice", "bob"]) {
    expect(await json(user, "history", "on")).toEqual([{ type: "history", kept: true, beginning: 0, days: null }])
  }
  await talk("alice", "bob", ["one", "two", "three"])
  await talk("bob", "alice", ["four", "five"])
})
afterAll(async () => {
  await relay.close()
  rmSync(folder, { recursive: true, force: true })
})

describe("tacit history list and digest", () => {
  it("read what every command of the profile kept [history.keep.1] [history.order.1]", async () => {
    const texts = (entries: ReadonlyArray<Record<string, unknown>>) =>
      entries.map(({ body, own }) => [own, (body as { text: string }).text])
    const all = await json("alice", "history", "list", "bob")
    const said = [
      [true, "one"],
      [true, "two"],
      [true, "three"],
      [false, "four"],
      [false, "five"]
    ]
    expect(texts(all)).toEqual(said)
    expect(all[0]).toMatchObject({ type: "entry", from: { user: "alice" }, origin: "sent", replyTo: null })
    expect(texts(await json("alice", "history", "list", "bob", "--last", "2"))).toEqual(said.slice(3))
    expect(texts(await json("alice", "history", "list", "--since", "1h"))).toEqual(said)
    expect(await json("alice", "history", "list", "--since", "2038-01-01")).toEqual([])
    const [conversation] = await json("alice", "history", "list")
    expect(conversation).toMatchObject({
      type: "conversation",
      peer: { user: "bob" },
      newest: { body: { text: "five" } }
    })
    const id = String(conversation!["conversation"])
    expect(texts(await json("alice", "history", "list", id.slice(0, 8)))).toEqual(said)
    const shown = await tacit("bob", ["history", "list", "alice"])
    expect(shown.out).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d alice: one\n(.*\n)*.* you: five\n$/)
    expect((await tacit("bob", ["history", "list"])).out).toMatch(/^[0-9a-f]{8}… {2}alice {2}.* you: five\n$/)
    expect(await tacit("bob", ["history", "list", "nobody"])).toMatchObject({ code: ExitCode.usage })
    expect(await tacit("bob", ["history", "list", "--since", "soon"])).toMatchObject({ code: ExitCode.usage })
  })

  it("the digest is the same where the same was said [history.digest.1] [history.digest.2]", async () => {
    const digest = await digestOf("alice")
    expect(digest).toMatch(/^[0-9a-f]{64}$/)
    expect(await digestOf("bob")).toBe(digest)
    expect(await json("alice", "history", "digest", "bob")).toMatchObject([{ type: "digest", digest, since: null }])
    const [later] = await json("alice", "history", "digest", "--since", "2038-01-01")
    expect(later!["digest"]).not.toBe(digest)
  })
})

describe("tacit history status", () => {
  it("says from when on, how much, and the digest [history.keep.2] [history.keep.3]", async () => {
    const [now] = await json("alice", "history", "status")
    expect(now).toEqual({
      type: "history",
      kept: true,
      beginning: 0,
      entries: 5,
      digest: await digestOf("alice"),
      archives: [],
      wishes: [],
      devices: []
    })
    const shown = await tacit("alice", ["history", "status"])
    expect(shown).toMatchObject({ code: ExitCode.ok, err: "" })
    expect(shown.out).toMatch(/^Kept from the beginning: 5 messages\nDigest [0-9a-f]{64}\n$/)
    expect(await tacit("alice", ["history", "status", "--wait"])).toMatchObject({ code: ExitCode.ok })
  })

  it("is kept in the profile, for so many days if that is said, and goes off again", async () => {
    const file = join(folder, "data", "bob", "profile.json")
    const history = () => (JSON.parse(readFileSync(file, "utf8")) as { readonly history?: unknown }).history
    expect(await json("bob", "history", "on", "--keep", "90")).toMatchObject([{ days: 90 }])
    expect(history()).toEqual({ days: 90 })
    expect(await json("bob", "history", "off")).toEqual([{ type: "history", kept: false }])
    expect(history()).toBeUndefined()
    expect(await tacit("bob", ["history", "digest"])).toMatchObject({ code: ExitCode.usage })
    const silent = await json("bob", "doctor")
    expect(silent.find(({ check }) => check === "history")).toMatchObject({ state: "note" })
    expect(await tacit("bob", ["history", "on"])).toMatchObject({ code: ExitCode.ok })
    expect(await digestOf("bob")).toBe(await digestOf("alice"))
    writeFileSync(file, readFileSync(file, "utf8").replace('"history": {}', '"history": { "days": 0 }'))
    expect(await tacit("bob", ["contacts"])).toMatchObject({ code: ExitCode.usage })
    writeFileSync(file, readFileSync(file, "utf8").replace('"history": { "days": 0 }', '"history": {}'))
  })
})

describe("tacit history export and import", () => {
  it("the key is shown once on a terminal, or goes into a file of its own [history.archive.2]", async () => {
    const file = join(folder, "alice.tacit")
    // Into a log it never goes.
    for (const words of [[], ["--json"]]) {
      const refused = await tacit("alice", ["history", "export", file, ...words], { shows: words.length > 0 })
      expect([refused.code, refused.out, existsSync(file)]).toEqual([ExitCode.usage, "", false])
    }
    const shown = await tacit("alice", ["history", "export", file], { shows: true })
    expect(shown).toMatchObject({ code: ExitCode.ok })
    const key = /([0-9a-f]{4}-){15}[0-9a-f]{4}/.exec(shown.out)![0]
    expect(statSync(file).mode & 0o077).toBe(0)
    expect(await tacit("alice", ["history", "export", file], { shows: true })).toMatchObject({ code: ExitCode.usage })
    const keyFile = join(folder, "alice.key")
    const part = join(folder, "part.tacit")
    const [exported] = await json("alice", "history", "export", part, "--last", "1", "--key-file", keyFile)
    expect(exported).toMatchObject({ type: "exported", file: part, bytes: statSync(part).size, keyFile })
    expect(statSync(keyFile).mode & 0o077).toBe(0)
    const taken = await tacit("alice", ["history", "export", `${part}2`, "--key-file", keyFile])
    expect([taken.code, existsSync(`${part}2`), existsSync(`${part}2.part`)]).toEqual([ExitCode.usage, false, false])
    // The same key opens it: typed, from a file, from the environment.
    const typed = await tacit("alice", ["history", "import", file], { answers: [key.replaceAll("-", " ")] })
    expect(typed).toMatchObject({ code: ExitCode.ok, out: expect.stringContaining("Read 5 messages; 0 of them") })
    expect(typed.err).not.toContain(key.slice(0, 9))
    expect(await json("alice", "history", "import", part, "--key-file", keyFile)).toEqual([
      { type: "imported", file: part, entries: 1, added: 0 }
    ])
    const env = { TACIT_ARCHIVE_KEY: key }
    expect(await tacit("alice", ["history", "import", file], { env })).toMatchObject({ code: ExitCode.ok })
  })

  it("what cannot be taken is said, and what to do about it [history.outcome.1] [history.archive.5]", async () => {
    const [file, keyFile] = [join(folder, "whole.tacit"), join(folder, "whole.key")]
    const words = ["history", "export", file, "--key-file", keyFile]
    expect(await tacit("alice", words)).toMatchObject({ code: ExitCode.ok })
    const whole = readFileSync(file)
    const other = join(folder, "other.key")
    writeFileSync(other, "ab".repeat(32))
    const changed = (name: string, bytes: Uint8Array): string => {
      const path = join(folder, name)
      writeFileSync(path, bytes)
      return path
    }
    const flipped = Uint8Array.from(whole, (byte, i) => (i === whole.length - 1 ? byte ^ 1 : byte))
    const cases: ReadonlyArray<readonly [profile: string, file: string, key: string, code: ExitCode, says: RegExp]> = [
      ["alice", file, other, ExitCode.locked, /not the key/],
      ["bob", file, keyFile, ExitCode.usage, /another account/],
      ["alice", changed("none", Buffer.from("no archive at all")), keyFile, ExitCode.usage, /no archive/],
      ["alice", changed("flipped", flipped), keyFile, ExitCode.failed, /was changed/],
      ["alice", changed("empty", Buffer.alloc(0)), keyFile, ExitCode.failed, /ends too early|no archive/],
      ["alice", join(folder, "nowhere"), keyFile, ExitCode.usage, /cannot be read/],
      ["alice", file, join(folder, "nowhere"), ExitCode.usage, /cannot be read/],
      ["alice", file, file, ExitCode.usage, /no key of an archive/]
    ]
    for (const [profile, path, key, code, says] of cases) {
      const done = await tacit(profile, ["history", "import", path, "--key-file", key])
      expect([path, done.code, done.err]).toEqual([path, code, expect.stringMatching(says)])
    }
    const missing = await tacit("alice", ["history", "import", file])
    expect(missing).toMatchObject({ code: ExitCode.usage, err: expect.stringContaining("--key-file") })
    expect(parse(format(Uint8Array.from({ length: 32 }, (_, i) => i)))).toEqual(
      Uint8Array.from({ length: 32 }, (_, i) => i)
    )
  })
})

describe("tacit history between devices", () => {
  it("a device linked with none begins with nothing, asks, and is then the same [link.history.3] [history.hand.5]", async () => {
    await link("alice", "tablet")
    expect(await tacit("tablet", ["history", "list"])).toMatchObject({ code: ExitCode.usage })
    const [on] = await json("tablet", "history", "on")
    expect(on!["beginning"]).toBeGreaterThan(Date.now() - 600_000)
    expect(await json("tablet", "history", "list")).toEqual([])
    const [alice, tablet] = [await idOf("alice"), await idOf("tablet")]
    // Nobody is there to give it: that is said, and remembered.
    const words = ["history", "ask", "--device", alice.slice(0, 8)]
    const late = await tacit("tablet", [...words, "--timeout", "1", "--json"])
    expect([late.code, errorOf(late)]).toEqual([ExitCode.unreachable, "HistoryPending"])
    const [waiting] = await json("tablet", "history", "status")
    expect(waiting).toMatchObject({ entries: 0, wishes: [{ device: alice, range: {} }] })
    const closing = new AbortController()
    const listening = start(["listen"], at("alice", { signal: closing.signal }))
    const waited = await tacit("tablet", ["history", "status", "--wait"], { shows: true })
    expect(waited).toMatchObject({ code: ExitCode.ok })
    expect(waited.out).toMatch(/from device [0-9a-f]{8}…: 5 of about 5 messages, .*: complete\./)
    expect(waited.out).toContain("Kept from the beginning: 5 messages")
    closing.abort()
    expect(await listening.done).toMatchObject({ code: ExitCode.ok })
    expect(await digestOf("tablet")).toBe(await digestOf("alice"))
    for (const bad of [
      ["offer", "abcdef"],
      ["offer", alice.slice(0, 8)],
      ["ask", "--device", "12"],
      ["ask", "--all", "--last", "1"],
      ["ask", "--last", "1", "--since", "1d"]
    ]) {
      expect([bad, (await tacit("alice", ["history", ...bad])).code]).toEqual([bad, ExitCode.usage])
    }
    // The other way round: offered, and taken by whoever listens.
    const stop = new AbortController()
    const taking = start(["listen"], at("tablet", { signal: stop.signal }))
    const offered = await tacit("alice", ["history", "offer", tablet.slice(0, 8), "--last", "2", "--json"])
    expect(offered).toMatchObject({ code: ExitCode.ok })
    expect(objects(offered.out).at(-1)).toMatchObject({ type: "archive", direction: "giving", state: "done" })
    stop.abort()
    await taking.done
  })

  it("a device linked with a part of the history gets it, on both ends with progress [link.history.1] [link.history.2]", async () => {
    const { inviting, joining } = await link("alice", "phone", ["--history", "last:3"])
    const told = objects(inviting.out).filter(({ type }) => type === "archive")
    expect(told[0]).toMatchObject({ direction: "giving", state: "offered", of: { entries: 3 } })
    expect(told.at(-1)).toMatchObject({ direction: "giving", state: "done" })
    expect(joining.out).toMatch(/3 of about 3 messages, .*: complete\./)
    const entries = await json("phone", "history", "list", "bob")
    expect(entries.map(({ body }) => (body as { text: string }).text)).toEqual(["three", "four", "five"])
  })

  it("a device that is sealed from the start gets it, too [link.history.2]", async () => {
    const env = { TACIT_VAULT_PASSPHRASE: "correct horse" }
    const { joining } = await link("alice", "sealed", ["--history", "all"], ["--vault"], env)
    expect(joining.out).toMatch(/5 of about 5 messages, .*: complete\./)
    const { out } = await tacit("sealed", ["history", "digest"], { env })
    expect(out.trim()).toBe(await digestOf("alice"))
    expect(await tacit("sealed", ["history", "digest"])).toMatchObject({ code: ExitCode.locked })
  })

  it("stopped before its profile said so, a device still knows what it was promised [link.history.2]", async () => {
    const { uri } = await link("alice", "stopped", ["--history", "30d", "--stay", "0"], ["--stay", "0"])
    const file = join(folder, "data", "stopped", "profile.json")
    rmSync(file)
    const again = await tacit("stopped", ["device", "link", uri, "--fingerprint", "--stay", "1"])
    expect(again, again.err).toMatchObject({ code: ExitCode.ok })
    expect(again.err).toContain("history status --wait")
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ user: "alice", history: {} })
    const [now] = await json("stopped", "history", "status")
    expect(now!["wishes"]).toMatchObject([{ device: await idOf("alice"), range: { since: expect.any(Number) } }])
  })

  it("on a terminal it is asked for, where there is a history and somebody to read it [link.history.3]", async () => {
    const stop = new AbortController()
    const question = /How much of your history does it get\?/
    const answers = ["much", "2026-01-01"]
    const asked = start(
      ["device", "link", "--minutes", "1"],
      at("alice", { answers, shows: true, signal: stop.signal })
    )
    await sees(asked, /tacit:invite\/[\w-]+/)
    expect(asked.err()).toMatch(question)
    stop.abort()
    await asked.done
    const unasked = async (profile: string, words: ReadonlyArray<string>) => {
      const end = new AbortController()
      const begun = start(["device", "link", ...words], at(profile, { answers: [], shows: true, signal: end.signal }))
      await sees(begun, /tacit:invite\/[\w-]+/)
      expect(begun.err()).not.toMatch(question)
      end.abort()
      await begun.done
    }
    await unasked("alice", ["--role", "replica"])
    await unasked("alice", ["--history", "none"])
    for (const words of [
      ["--history", "some"],
      ["--history", "last:0"],
      ["--history", "all", "--role", "replica"]
    ]) {
      expect([words, (await tacit("alice", ["device", "link", ...words])).code]).toEqual([words, ExitCode.usage])
    }
    await tacit("bob", ["history", "off"])
    await unasked("bob", [])
    const off = await tacit("bob", ["device", "link", "--history", "all", "--json"])
    expect([off.code, errorOf(off)]).toEqual([ExitCode.usage, "HistoryOff"])
  })
})

describe("tacit doctor", () => {
  const now = Date.UTC(2026, 10, 21, 12)
  const device = "3f2a9c1b".padEnd(64, "0")
  const hour = 3_600_000
  const whole: HistorySurvey = {
    beginning: 0,
    entries: 1234,
    archives: [],
    wishes: [],
    devices: [{ device, comparedAt: now - hour, equal: true, since: 0 }]
  }
  const said = (history: Partial<HistorySurvey>, isOn = true) =>
    historyFindings({ ...whole, ...history }, isOn, now).map(
      ({ message, next, state }) => `${state} ${message} / ${next}`
    )

  it("says that a history is whole [history.compared.1]", async () => {
    expect(said({})).toEqual(["ok 1,234 messages, the same on the other device / "])
    const found = (await json("tablet", "doctor")).filter(({ check }) => check === "history")
    expect(found.length).toBeGreaterThan(0)
    expect(JSON.stringify(found)).not.toContain('"problem"')
  })

  it("says that it is behind, and what to do [history.compared.1]", () => {
    const none = { comparedAt: undefined, equal: undefined, since: undefined }
    expect(said({ devices: [{ device, ...none }] })[0]).toMatch(
      /^note never compared with device 3f2a9c1b….*history on/
    )
    const behind = { device, comparedAt: now - hour, equal: false, since: 0 }
    expect(said({ devices: [behind] })[0]).toMatch(/^note not the same as on device 3f2a9c1b….*Open both at once/)
    const old = { device, comparedAt: now - 200 * hour, equal: true, since: 0 }
    expect(said({ devices: [old] })[0]).toMatch(/^note not compared with device 3f2a9c1b….*device revoke 3f2a9c1b/)
    expect(said({}, false)[0]).toMatch(/^note 1,234 messages are stored, and nothing more is kept.*history on/)
  })

  it("says that an archive stands half-way, or was asked for in vain [history.hand.3] [history.wish.1]", () => {
    const archive = {
      archive: "00",
      device,
      direction: "taking" as const,
      state: "under-way" as const,
      reason: undefined,
      entries: 100,
      bytes: 70_000,
      of: { entries: 1200, bytes: 360_000 },
      madeAt: now - 2 * hour
    }
    expect(said({ archives: [archive] })[0]).toMatch(
      /^note an archive of .* stands half-way: History from device 3f2a9c1b…: 100 of about 1,200 messages, 69 KiB.*status --wait/
    )
    expect(said({ archives: [{ ...archive, madeAt: now }] })[0]).toMatch(/^ok/)
    const wish = { device, range: {}, madeAt: now - 2 * hour }
    expect(said({ wishes: [wish] })[0]).toMatch(/^note device 3f2a9c1b… was asked for its history.*history on/)
  })
})

it("times and parts are read as people write them", () => {
  const now = new Date(2026, 10, 21, 12).getTime()
  expect(timeOf("90m", now)).toBe(now - 90 * 60_000)
  expect(timeOf("2w", now)).toBe(now - 14 * 86_400_000)
  expect(timeOf("2026-11-01", now)).toBe(new Date(2026, 10, 1).getTime())
  expect(timeOf("2026-11-01T18:30", now)).toBe(new Date(2026, 10, 1, 18, 30).getTime())
  expect(timeOf("2026-11-01T18:30Z", now)).toBe(Date.UTC(2026, 10, 1, 18, 30))
  expect(timeOf("999999w", now)).toBe(0)
  for (const bad of ["", "yesterday", "30", "2026-13-01", "d", "-1d", "1.5d"]) {
    expect(() => timeOf(bad, now)).toThrow(/is no time/)
  }
  expect(rangeText({})).toBe("everything")
  expect(rangeText({ last: 3 })).toBe("the last 3 messages of each conversation")
  expect(rangeText({ conversations: ["00"], since: 0 })).toBe("everything in one conversation")
})
