/**
 * Settings, keys and help of the `nes` commands, as processes.
 */
import { createPrivateKey, createPublicKey } from "node:crypto"
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest"
import { page } from "../../src/Help.ts"
import { nesCommands } from "../../src/commands/nes/index.ts"
import { keyFile, makePlace, type Place } from "./Place.ts"

vi.setConfig({ testTimeout: 40_000 })

let place: Place
beforeAll(() => {
  place = makePlace()
})
afterAll(() => place.remove())
beforeEach(() => rmSync(join(place.folder, ".nes"), { recursive: true, force: true }))

/** The settings in force. */
const shown = async (words: ReadonlyArray<string>, extra: Record<string, string> = {}) => {
  const done = await place.tacit(["nes", "config", "--show", "--json", ...words], "", extra)
  expect(done.err).toBe("")
  return JSON.parse(done.out) as Readonly<Record<string, string>>
}

const rows = [
  ["MQTT_BROKER_ADDRESS", "b", "broker", "tcp://test.mosquitto.org:1883"],
  ["PUBKEY_ADDRESS", "p", "provider", "https://microshell.pl/pubkey"],
  ["PUBKEY_PUBLIC_KEY_FILE", "P", "provider_key", ".nes/provider.pub"],
  ["PRIVATE_KEY_MESSAGE_FILE", "k", "private_message", ".nes/robin-rsa-message"],
  ["PUBLIC_KEY_MESSAGE_FILE", "K", "public_message", ".nes/robin-rsa-message.pub"],
  ["PRIVATE_KEY_SIGN_FILE", "j", "private_sign", ".nes/robin-rsa-sign"],
  ["PUBLIC_KEY_SIGN_FILE", "J", "public_sign", ".nes/robin-rsa-sign.pub"],
  ["NES_USERNAME", "u", "user", "robin"]
] as const

describe("settings", () => {
  it("come from options, then environment, then file, then defaults [nes.settings.1]", async () => {
    const robin = { NES_USERNAME: "robin" }
    const usual = await shown([], robin)
    for (const [name, , , value] of rows) {
      expect(usual[name]).toBe(value.startsWith(".nes") ? join(place.folder, value) : value)
    }
    const file = join(place.folder, "file.conf")
    const text = rows.map(([name]) => `${name} = in-file-${name.toLowerCase()}`.slice(0, 40)).join("\n")
    writeFileSync(file, `# a comment\n\n${text}\n`)
    const fromFile = await shown(["-c", file])
    const fromEnv = await shown(["-c", file], Object.fromEntries(rows.map(([name]) => [name, "in-env"])))
    const byShort = await shown(["-c", file, ...rows.flatMap(([, short]) => [`-${short}`, "by-short"])], {
      MQTT_BROKER_ADDRESS: "in-env"
    })
    const byLong = await shown(rows.flatMap(([, , long]) => [`--${long}`, "by-long"]))
    for (const [name] of rows) {
      expect(fromFile[name]).toBe(`${name} = in-file-${name.toLowerCase()}`.slice(0, 40).split(" = ")[1])
      expect(fromEnv[name]).toBe("in-env")
      expect(byShort[name]).toBe("by-short")
      expect(byLong[name]).toBe("by-long")
    }
  })

  it("are stored and shown in the form of the file, and found again [nes.settings.2]", async () => {
    const stored = await place.tacit(["nes", "config", "-S", "-s", "-u", "RoBin", "-b", "tcp://localhost:1999"])
    expect(stored.code, stored.err).toBe(0)
    const file = join(place.folder, ".nes", "config")
    const text = readFileSync(file, "utf8")
    expect(statSync(file).mode & 0o077).toBe(0)
    expect(
      text
        .split("\n")
        .slice(0, -1)
        .map((line) => line.split(" = ")[0])
    ).toEqual(rows.map(([name]) => name))
    expect(stored.out.startsWith(text)).toBe(true)
    expect(await shown([])).toMatchObject({ NES_USERNAME: "robin", MQTT_BROKER_ADDRESS: "tcp://localhost:1999" })
    expect(await shown(["-u", "alice"])).toMatchObject({ NES_USERNAME: "alice" })
  })

  it("read quotes and the home directory, and refuse what is no setting [nes.settings.1]", async () => {
    const file = join(place.folder, "quoted.conf")
    writeFileSync(file, `NES_USERNAME="robin"\nPRIVATE_KEY_SIGN_FILE = '~/keys/sign'\n`)
    expect(await shown(["-c", file])).toMatchObject({
      NES_USERNAME: "robin",
      PRIVATE_KEY_SIGN_FILE: join(place.folder, "keys", "sign")
    })
    writeFileSync(file, "what is this\n")
    const bad = await place.tacit(["nes", "config", "-s", "-c", file])
    expect([bad.code, bad.err.split("\n")[0]]).toEqual([2, `tacit: line 1 of ${file} is not NAME = value`])
    for (const words of [["-s", "-c", "/nowhere/at/all"], ["-s", "-u", "x"], [], ["-s", "--provider_format", "odd"]]) {
      expect((await place.tacit(["nes", "config", ...words])).code, words.join(" ")).toBe(2)
    }
  })
})

describe("keys", () => {
  it("are made once, private ones for their owner only, and not overwritten [nes.keys.2] [nes.keys.3]", async () => {
    const made = await place.tacit(["nes", "generate", "-u", "Robin"])
    expect(made.code, made.err).toBe(0)
    for (const use of ["message", "sign"]) {
      const file = join(place.folder, ".nes", `robin-rsa-${use}`)
      expect(statSync(file).mode & 0o077).toBe(0)
      const pem = readFileSync(file, "utf8")
      expect(pem.startsWith("-----BEGIN RSA PRIVATE KEY-----\n")).toBe(true)
      const key = createPrivateKey(pem)
      expect(key.asymmetricKeyDetails).toEqual({ modulusLength: 2048, publicExponent: 65_537n })
      const shared = createPublicKey(key).export({ type: "spki", format: "pem" })
      expect(readFileSync(`${file}.pub`, "utf8")).toBe(shared)
    }
    const before = readFileSync(join(place.folder, ".nes", "robin-rsa-sign"), "utf8")
    rmSync(join(place.folder, ".nes", "robin-rsa-message"))
    expect((await place.tacit(["nes", "generate", "-u", "robin"])).code).toBe(2)
    expect(readFileSync(join(place.folder, ".nes", "robin-rsa-sign"), "utf8")).toBe(before)
    expect((await place.tacit(["nes", "generate", "-u", "robin", "--force"])).code).toBe(0)
    expect(readFileSync(join(place.folder, ".nes", "robin-rsa-sign"), "utf8")).not.toBe(before)
  })

  it.each(["1024", "2049", "16384", "x"])("of %s bits are not made [nes.keys.3]", async (bits) => {
    expect((await place.tacit(["nes", "generate", "-u", "robin", "-s", bits])).code).toBe(2)
  })

  it("that cannot be used are named, and nothing is sent [nes.keys.1]", async () => {
    const common = ["-u", "alice", "-k", keyFile("alice-rsa-message"), "-b", "tcp://127.0.0.1:9"]
    const missing = await place.tacit(["nes", "listen", ...common])
    expect([missing.code, missing.err]).toEqual([2, expect.stringContaining("alice-rsa-sign cannot be read")])
    const wrong = await place.tacit(["nes", "listen", ...common, "-j", keyFile("alice-rsa-sign.pub")])
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("holds no key of that kind")])
    const one = keyFile("alice-rsa-sign.pub")
    const same = await place.tacit(["nes", "register", "-u", "alice", "-e", "a@b", "-K", one, "-J", one])
    expect([same.code, same.err]).toEqual([2, expect.stringContaining("one key is given for both uses")])
  })
})

describe("help and exit codes", () => {
  it("explains every command with all options of the earlier program", () => {
    for (const name of ["register", "listen", "send", "config", "generate", "chat", "version"]) {
      const command = nesCommands.find((found) => found.name === `nes ${name}`)
      expect(command, name).toBeDefined()
      const text = page(command!)
      if (name === "version") continue
      for (const [variable, short, long] of rows) {
        expect(text).toContain(`-${short}, --${long} <`)
        expect(text).toContain(`env: ${variable}`)
      }
      expect(text).toContain("-c, --config <file>")
      expect(text).toContain("-h, --help")
    }
    const texts = Object.fromEntries(nesCommands.map((command) => [command.name, page(command)]))
    expect(texts["nes generate"]).toContain("-s, --size <bits>")
    expect(texts["nes register"]).toContain("-e, --email <address>")
    expect(texts["nes send"]).toContain("-m, --message <text>")
    expect(texts["nes config"]).toContain("-S, --store")
    for (const name of ["nes send", "nes chat"]) expect(texts[name]).toContain("-t, --to <name>")
  })

  it("tells of the weaknesses whenever the profile is used, before anything else [nes.profile.1]", async () => {
    const version = await place.tacit(["nes", "version", "--json"])
    expect(version.out).toContain('"type":"notice"')
    for (let i = 1; i <= 7; i++) expect(version.out).toContain(`N-w${i}`)
    const own = ["-u", "alice", "-k", keyFile("alice-rsa-message"), "-j", keyFile("alice-rsa-sign")]
    const publics = ["-K", keyFile("alice-rsa-message.pub"), "-J", keyFile("alice-rsa-sign.pub")]
    const unreachable = ["-b", "tcp://127.0.0.1:9", "-p", "http://127.0.0.1:9"]
    const known = ["--known", keyFile("")]
    for (const words of [
      ["listen", ...own, ...unreachable],
      ["send", "-t", "bob", "-m", "x", ...own, ...unreachable, ...known],
      ["chat", "-t", "bob", ...own, ...unreachable, ...known],
      ["register", "-e", "a@b", ...own, ...publics, ...unreachable]
    ]) {
      const done = await place.tacit(["nes", ...words])
      expect([words[0], done.code]).toEqual([words[0], 5])
      expect(done.err).toMatch(/^The nes profile speaks an older messenger's protocol/)
      expect(done.err).toContain("N-w7")
    }
  })

  it("does nothing with the profile where it was not asked for by name [nes.profile.1]", async () => {
    mkdirSync(join(place.folder, ".nes"))
    writeFileSync(join(place.folder, ".nes", "config"), "NES_USERNAME = alice\n")
    const done = await place.tacit(["send", "bob", "x"], "", { NES_USERNAME: "alice", MQTT_BROKER_ADDRESS: "tcp://x" })
    expect([done.code, done.err]).toEqual([3, expect.stringContaining("tacit register")])
  })

  it("sends nothing without the key service's key, which is not built in [nes.service.4]", async () => {
    const own = ["-u", "alice", "-j", keyFile("alice-rsa-sign")]
    await using broker = await (await import("@tacit/transport-mqtt/broker")).startBroker()
    const done = await place.tacit(["nes", "send", "-t", "bob", "-m", "x", "-b", broker.url, ...own])
    expect([done.code, done.err]).toEqual([2, expect.stringContaining("Give --provider_key")])
  })
})
