/**
 * `tacit device link` as processes: both ends, over WebSocket and through a broker; at a terminal; killed.
 *
 * Spec: docs/spec/19-linking.md.
 */
import { startRelay, startSteward } from "@tacit/relay"
import { startBroker } from "@tacit/transport-mqtt/broker"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { ExitCode } from "../src/ExitCode.ts"
import { call, objects } from "./InProcess.ts"
import { type Call, done, killAll, start, startAtTerminal } from "./Processes.ts"

vi.setConfig({ testTimeout: 240_000, hookTimeout: 90_000 })

interface Service {
  readonly url: string
  readonly invite: (user: string) => Promise<string>
  readonly close: () => Promise<void>
}

const folder = mkdtempSync(join(tmpdir(), "tacit-device-link-"))
const tacit = (data: string, words: ReadonlyArray<string>, extra: Record<string, string> = {}): Call =>
  start({ home: folder, data }, words, extra)

const uri = /tacit:invite\/[\w-]+/

/** These tests begin more often than a person does. */
const limits = { slotsOpened: 100, ownPasswords: 100 }

const services = {
  WebSocket: (place: string): Promise<Service> => startRelay({ database: join(place, "relay.db"), limits }),
  MQTT: async (place: string): Promise<Service> => {
    const broker = await startBroker()
    const database = join(place, "steward.db")
    const steward = await startSteward({ database, limits, broker: `mqtt://127.0.0.1:${broker.port}/links` })
    return {
      url: steward.url,
      invite: steward.invite,
      close: async () => {
        await steward.close()
        await broker.close()
      }
    }
  }
}

afterAll(() => {
  killAll()
  rmSync(folder, { recursive: true, force: true })
})

for (const [kind, start] of Object.entries(services)) {
  describe(`tacit device link over ${kind}`, () => {
    let service: Service
    const at = (words: ReadonlyArray<string>, extra: Record<string, string> = {}) => tacit(kind, words, extra)

    beforeAll(async () => {
      service = await start(mkdtempSync(join(folder, "service-")))
      for (const user of ["alice", "bob"]) {
        const password = await service.invite(user)
        const words = ["register", "--relay", service.url, "--user", user, "--profile", user]
        expect(await done(at(words, { TACIT_PASSWORD: password }))).toMatchObject({ code: ExitCode.ok })
      }
    })
    afterAll(() => service.close())

    it("a PIN read on one screen and typed at the other makes a second device, which gets messages [link.pin.1]", async () => {
      const svg = join(folder, `${kind}.svg`)
      const old = at(["device", "link", "--profile", "alice", "--svg", svg])
      const [link] = await old.sees(uri)
      expect(readFileSync(svg, "utf8")).toContain("<svg")
      const young = at(["device", "link", link, "--profile", "tablet"])
      const [, pin] = await old.sees(/PIN: (\d{3} \d{3})/)
      young.type("12 34")
      young.type(pin!)
      expect(await done(young)).toMatchObject({ code: ExitCode.ok })
      expect(young.out()).toContain("You are alice")
      expect(await done(old)).toMatchObject({ code: ExitCode.ok })
      const [, device] = await old.sees(/Linked: ([0-9a-f]{64})/)
      expect(statSync(join(folder, kind, "tablet")).mode & 0o077).toBe(0)
      const listed = await done(at(["device", "list", "--profile", "alice", "--json"]))
      expect(JSON.stringify(objects(listed.out))).toContain(device)
      expect(await done(at(["send", "alice", "to both", "--profile", "bob"]))).toMatchObject({ code: ExitCode.ok })
      for (const profile of ["tablet", "alice"]) {
        const heard = await done(at(["listen", "--count", "1", "--timeout", "20", "--json", "--profile", profile]))
        expect(heard, heard.err).toMatchObject({ code: ExitCode.ok })
        expect(heard.out).toContain("to both")
      }
    })

    it("a code shown on the new device is pasted on the old one [link.code.1]", async () => {
      const old = at(["device", "link", "--profile", "alice", "--challenge", "code", "--role", "replica"])
      const [link] = await old.sees(uri)
      const young = at(["device", "link", link, "--profile", "screen", "--challenge", "code"])
      const [code] = await young.sees(/tacit:link\/[\w-]+/)
      old.type("tacit:link/AAAA")
      old.type(code)
      expect(await done(young)).toMatchObject({ code: ExitCode.ok })
      expect(await done(old)).toMatchObject({ code: ExitCode.ok })
      expect(old.err()).toContain("no code of a new device")
      expect(young.out()).toContain("(replica)")
    })

    it("a fleet compares the digits of both consoles, and says yes or no [link.digits.1]", async () => {
      for (const [answer, codes] of [
        ["yes", [ExitCode.ok, ExitCode.ok]],
        ["no", [ExitCode.mismatch, ExitCode.mismatch]]
      ] as const) {
        const old = at(["device", "link", "--profile", "alice", "--fingerprint", "--role", "admin", "--json"])
        const [link] = await old.sees(uri)
        const young = at(["device", "link", link, "--profile", `server-${answer}`, "--fingerprint", "--json"])
        const digits = await Promise.all(
          [old, young].map(async (call) => (await call.sees(/"digits":"(\d{5} \d{5})"/))[1])
        )
        expect(digits[0]).toBe(digits[1])
        for (const call of [old, young]) call.type(answer)
        const ends = [await done(old), await done(young)]
        expect(
          ends.map(({ code }) => code),
          JSON.stringify(ends)
        ).toEqual(codes)
        const states = ends.map(({ out }) => objects(out).map(({ state }) => state))
        expect(states.map((all) => all.at(-1))).toEqual(answer === "yes" ? ["Linked", "Linked"] : ["Ended", "Ended"])
        if (answer === "no") expect(existsSync(join(folder, kind, "server-no", "profile.json"))).toBe(false)
      }
    })
  })
}

describe("tacit device link", () => {
  let service: Service
  const at = (words: ReadonlyArray<string>, extra: Record<string, string> = {}) => tacit("more", words, extra)
  beforeAll(async () => {
    service = await services.WebSocket(mkdtempSync(join(folder, "service-")))
    const words = ["register", "--relay", service.url, "--user", "carol", "--profile", "carol"]
    const password = await service.invite("carol")
    expect(await done(at(words, { TACIT_PASSWORD: password }))).toMatchObject({ code: ExitCode.ok })
  })
  afterAll(() => service.close())

  /** Both ends at work, waiting for a PIN. */
  const waiting = async (profile: string, words: ReadonlyArray<string> = []) => {
    const old = at(["device", "link", "--profile", "carol", ...words])
    const [link] = await old.sees(uri)
    const young = at(["device", "link", link, "--profile", profile])
    const [, pin] = await old.sees(/PIN: (\d{3} \d{3})/)
    return { old, young, link, pin: pin! }
  }

  it("three wrong PINs end both with 9, and a new invitation begins anew [link.attempt.1]", async () => {
    const { old, young } = await waiting("phone")
    for (let i = 0; i < 3; i++) young.type("000000")
    expect(await done(young)).toMatchObject({ code: ExitCode.mismatch })
    expect(await done(old)).toMatchObject({ code: ExitCode.mismatch })
    const again = await waiting("phone")
    again.young.type(again.pin)
    expect(await done(again.young)).toMatchObject({ code: ExitCode.ok })
    expect(await done(again.old)).toMatchObject({ code: ExitCode.ok })
  })

  it("an interrupt at either end tells the other [link.abort.1]", async () => {
    for (const who of ["old", "young"] as const) {
      const both = await waiting(`interrupted-${who}`)
      both[who].kill("SIGINT")
      const other = who === "old" ? both.young : both.old
      expect(await done(both[who])).toMatchObject({ code: ExitCode.interrupted })
      const told = await done(other)
      expect(told.code, told.err).toBe(ExitCode.refused)
      expect(told.err).toContain("cancelled")
    }
  })

  it("what cannot be joined is said, with its exit code", async () => {
    const codeOf = async (words: ReadonlyArray<string>) => {
      const { code } = await call(["device", "link", ...words], { env: { TACIT_DATA: join(folder, "more") } })
      return code
    }
    expect(await codeOf(["--profile", "nobody"])).toBe(ExitCode.notRegistered)
    expect(await codeOf(["https://example.org", "--profile", "x"])).toBe(ExitCode.usage)
    expect(await codeOf(["--profile", "carol", "--challenge", "smile"])).toBe(ExitCode.usage)
    expect(await codeOf(["--profile", "carol", "--challenge", "pin", "--fingerprint"])).toBe(ExitCode.usage)
    expect(await codeOf(["--profile", "carol", "--role", "king"])).toBe(ExitCode.usage)
    const { link, old, pin, young } = await waiting("late")
    // One that wants digits, and one that comes second.
    expect(await codeOf([link, "--profile", "other", "--fingerprint"])).toBe(ExitCode.usage)
    expect(await codeOf([link, "--profile", "other"])).toBe(ExitCode.refused)
    expect(await codeOf([link, "--profile", "carol"])).toBe(ExitCode.notRegistered)
    young.type(pin)
    expect((await done(young)).code).toBe(ExitCode.ok)
    expect((await done(old)).code).toBe(ExitCode.ok)
    // A member has no key to add others with.
    expect(await codeOf(["--profile", "late"])).toBe(ExitCode.usage)
    expect(existsSync(join(folder, "more", "x"))).toBe(false)
  })

  it("killed while it waits, either end begins anew, and no device is left behind [link.resume.1] [link.resume.2]", async () => {
    const count = async () => {
      const { out } = await done(at(["device", "list", "--profile", "carol", "--json"]))
      return (objects(out)[0]!["devices"] as ReadonlyArray<unknown>).length
    }
    const before = await count()
    for (const who of ["old", "young"] as const) {
      const both = await waiting(`killed-${who}`)
      both[who].kill("SIGKILL")
      await both[who].code
      const other = who === "old" ? both.young : both.old
      other.kill("SIGINT")
      await other.code
      expect(await count()).toBe(before)
    }
    const { old, pin, young } = await waiting("killed-young")
    young.type(pin)
    expect((await done(young)).code).toBe(ExitCode.ok)
    expect((await done(old)).code).toBe(ExitCode.ok)
    expect(await count()).toBe(before + 1)
  })

  it("killed as soon as it was taken in, the new device goes on with the same words [link.resume.2]", async () => {
    const { link, old, pin, young } = await waiting("resumed")
    young.type(pin)
    await young.sees(/Taken in by carol/)
    young.kill("SIGKILL")
    await young.code
    const again = await done(at(["device", "link", link, "--profile", "resumed"]))
    // Killed before it was stored, there is nothing to go on with; the invitation is used then.
    if (again.code === ExitCode.ok) {
      expect(again.out).toContain("You are carol")
      const { out } = await done(at(["device", "list", "--profile", "resumed", "--json"]))
      expect(out).toContain('"current":true')
      // Killed once more before the profile said so.
      rmSync(join(folder, "more", "resumed", "profile.json"))
      expect(await done(at(["device", "link", link, "--profile", "resumed"]))).toMatchObject({ code: ExitCode.ok })
      expect(existsSync(join(folder, "more", "resumed", "profile.json"))).toBe(true)
    } else expect(again.code, again.err).toBe(ExitCode.refused)
    old.kill("SIGINT")
    await old.code
  })

  it("a sealed account is linked as one, and the new device is sealed from the start", async () => {
    const old = at(["device", "link", "--profile", "carol"])
    const [link] = await old.sees(uri)
    const words = ["device", "link", link, "--profile", "sealed", "--vault"]
    const young = at(words, { TACIT_VAULT_PASSPHRASE: "correct horse" })
    const [, pin] = await old.sees(/PIN: (\d{3} \d{3})/)
    young.type(pin!)
    expect(await done(young)).toMatchObject({ code: ExitCode.ok })
    await old.code
    const status = await done(at(["vault", "status", "--profile", "sealed", "--json"]))
    expect(objects(status.out)).toMatchObject([{ state: "sealed" }])
  })

  it("at a terminal the QR code is drawn and the PIN is typed without being shown [link.pin.1]", async () => {
    const old = at(["device", "link", "--profile", "carol"])
    const [link] = await old.sees(uri)
    const young = startAtTerminal({ home: folder, data: "more" }, ["device", "link", link, "--profile", "terminal"])
    const [, pin] = await old.sees(/PIN: (\d{3} \d{3})/)
    await young.sees(/PIN that the old device shows: /)
    young.type("999999")
    await young.sees(/Wrong\. PIN \(2 left\): /)
    young.type(pin!.replace(" ", "-"))
    expect(await done(young), young.out()).toMatchObject({ code: ExitCode.ok })
    expect(young.out()).not.toContain("999999")
    expect(young.out()).not.toContain(pin!.replace(" ", "-"))
    expect(await done(old)).toMatchObject({ code: ExitCode.ok })
  })
})
