/** `tacit device`: listing and removing devices over a relay, what removed ones and others see, and proofs. */
import { linkAccount, openClient } from "@tacit/bots"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { Store } from "@tacit/core"
import { Bytes, ForkProof, Records } from "@tacit/core/hazmat"
import { startRelay, type RunningRelay } from "@tacit/relay"
import { layer } from "@tacit/storage/sqlite"
import * as Effect from "effect/Effect"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { ExitCode } from "../src/ExitCode.ts"
import { call, type Done, objects } from "./InProcess.ts"

vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 })

let folder = ""
let relay: RunningRelay

const tacit = (profile: string, ...words: ReadonlyArray<string>): Promise<Done> =>
  call(words, { env: { TACIT_DATA: join(folder, "data"), TACIT_PROFILE: profile } })

const json = async (
  profile: string,
  ...words: ReadonlyArray<string>
): Promise<ReadonlyArray<Record<string, unknown>>> => objects((await tacit(profile, ...words, "--json")).out)

const storeOf = (profile: string): string => join(folder, "data", profile, "client.db")

/** Links a further device of bob's, in a profile of its own. */
const link = async (profile: string, role: "admin" | "member"): Promise<string> => {
  await using laptop = await openClient({ relay: relay.url, user: "bob", path: storeOf("bob") })
  const offer = await laptop.link.invite({ relay: relay.url, role, challenges: ["fingerprint"] })
  mkdirSync(join(folder, "data", profile), { recursive: true })
  const confirming = (async () => {
    for await (const state of offer.states()) if (state._tag === "CompareDigits") await offer.confirm()
  })()
  await linkAccount({
    relay: relay.url,
    path: storeOf(profile),
    uri: offer.uri,
    challenges: ["fingerprint"],
    confirmDigits: () => true
  })
  const { device } = await offer.result()
  await confirming
  writeFileSync(
    join(folder, "data", profile, "profile.json"),
    JSON.stringify({ version: 1, relay: relay.url, user: "bob" })
  )
  return device
}

const ids = new Map<string, string>()

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tacit-device-"))
  relay = await startRelay({ database: ":memory:" })
  for (const user of ["alice", "bob"]) {
    const file = join(folder, `${user}.otp`)
    writeFileSync(file, await relay.invite(user))
    const words = ["register", "--relay", relay.url, "--user", user, "--password-file", file]
    expect(await tacit(user, ...words)).toMatchObject({ code: 0 })
  }
  ids.set("phone", await link("phone", "admin"))
  ids.set("tablet", await link("tablet", "member"))
})
afterAll(async () => {
  await relay.close()
  rmSync(folder, { recursive: true, force: true })
})

describe("tacit device list", () => {
  it("shows the same devices on each of them [manifest.own.1]", async () => {
    const [atBob] = await json("bob", "device", "list")
    expect(atBob).toMatchObject({ type: "devices", version: 3, pending: null, removed: null, asked: true, revoked: [] })
    expect(atBob!["devices"]).toHaveLength(3)
    const own = (atBob!["devices"] as ReadonlyArray<{ id: string; current: boolean }>).find(({ current }) => current)!
    ids.set("bob", own.id)
    expect(atBob!["devices"]).toEqual(
      expect.arrayContaining([
        { id: ids.get("bob"), role: "admin", addedIn: 1, current: true },
        { id: ids.get("phone"), role: "admin", addedIn: 2, current: false },
        { id: ids.get("tablet"), role: "member", addedIn: 3, current: false }
      ])
    )
    const [atTablet] = await json("tablet", "device", "list")
    expect(atTablet).toMatchObject({ version: 3, asked: true })
    const text = await tacit("phone", "device", "list")
    expect(text).toMatchObject({ code: 0, err: "" })
    expect(text.out).toContain(`${ids.get("phone")}  admin    since version 2  this device`)
  })
})

describe("tacit device revoke", () => {
  it("asks for an id that names one device, and for --yes before a device removes itself [manifest.revoke.1]", async () => {
    for (const word of ["xyz", "abc", "12345"]) {
      expect(await tacit("bob", "device", "revoke", word)).toMatchObject({ code: ExitCode.usage })
    }
    const nobody = await tacit("bob", "device", "revoke", "0".repeat(64))
    expect(nobody).toMatchObject({ code: ExitCode.usage, err: expect.stringContaining("no such device") })
    const itself = await tacit("bob", "device", "revoke", ids.get("bob")!.slice(0, 10))
    expect(itself).toMatchObject({ code: ExitCode.usage, err: expect.stringContaining("--yes") })
    const member = await tacit("tablet", "device", "revoke", ids.get("phone")!)
    expect(member).toMatchObject({ code: ExitCode.usage, err: expect.stringContaining("admin") })
    expect((await json("bob", "device", "list"))[0]).toMatchObject({ version: 3 })
  })

  it("removes a device at the relay and at contacts; the removed one says so and can be read [manifest.revoke.2] [manifest.removed.1] [relay.login.3] [relay.submit.4]", async () => {
    expect(await tacit("alice", "send", "bob", "to all three")).toMatchObject({ code: 0 })
    // Open while it is removed: the relay closes its connection with 4003.
    const tablet = await openClient({ relay: relay.url, user: "bob", path: storeOf("tablet") })
    const learnt = (async () => {
      for await (const warning of tablet.warnings()) if (warning._tag === "Revoked") return warning
      return undefined
    })()
    const [removed] = await json("bob", "device", "revoke", ids.get("tablet")!.slice(0, 12))
    expect(removed).toMatchObject({ type: "devices", version: 4, pending: null })
    expect(removed!["revoked"]).toEqual([{ id: ids.get("tablet"), revokedIn: 4 }])
    expect(await learnt).toMatchObject({ version: 4 })
    await expect(tablet.send("alice", "still here")).rejects.toMatchObject({ _tag: "Revoked", version: 4 })
    const texts: Array<string> = []
    for await (const { body } of tablet.messages()) {
      if (body.type === "text") texts.push(body.text)
      if (texts.length === 1) break
    }
    expect(texts).toEqual(["to all three"])
    await tablet.close()
    expect(await tacit("tablet", "send", "alice", "hello?")).toMatchObject({
      code: ExitCode.revoked,
      err: expect.stringContaining("was removed from its account")
    })
    const shown = await tacit("tablet", "device", "list")
    expect(shown.err).toContain("removed in version 4")
    expect((await tacit("tablet", "contacts")).code).toBe(0)
    // Alice sends to two, and is told.
    await using alice = await openClient({ relay: relay.url, user: "alice", path: storeOf("alice") })
    const told = (async () => {
      for await (const warning of alice.warnings()) {
        if (warning._tag === "DevicesChanged" && warning.removed.length > 0) return warning
      }
      return undefined
    })()
    await using bob = await openClient({ relay: relay.url, user: "bob", path: storeOf("bob") })
    await bob.send("alice", "only two of us")
    expect(await told).toMatchObject({ version: 4, removed: [ids.get("tablet")] })
    expect(await alice.send("bob", "I see")).toMatchObject({ devices: 2 })
    for await (const { body } of bob.messages()) if (body.type === "text" && body.text === "I see") break
    await alice.flush()
  })

  it("is finished by the next command when the relay was away [manifest.publish.1]", async () => {
    const spare = await link("spare", "member")
    // A relay that nobody answers for.
    const away = await tacit("bob", "device", "list", "--relay", "ws://127.0.0.1:9")
    expect(away).toMatchObject({ code: 0, err: expect.stringContaining("could not be asked") })
    const gone = await tacit("bob", "device", "revoke", spare.slice(0, 16), "--relay", "ws://127.0.0.1:9")
    expect(gone).toMatchObject({ code: ExitCode.unreachable })
    const [there] = await json("phone", "device", "list")
    expect(there).toMatchObject({ version: 5 })
    await using bob = await openClient({ relay: relay.url, user: "bob", path: storeOf("bob") })
    for (let i = 0; i < 100 && (await bob.devices()).pending !== undefined; i++)
      await new Promise((done) => setTimeout(done, 50))
    expect(await bob.devices()).toMatchObject({ version: 6, pending: undefined })
    expect((await json("phone", "device", "list"))[0]!["revoked"]).toContainEqual({ id: spare, revokedIn: 6 })
  })
})

describe("tacit device proof", () => {
  /** Two signed lists out of the published vectors. */
  const published = (): ReadonlyArray<Record<string, unknown>> => {
    const file = new URL("../../../vectors/identity/proof.json", import.meta.url)
    return (JSON.parse(readFileSync(file, "utf8")) as { readonly cases: ReadonlyArray<Record<string, unknown>> }).cases
  }
  const bytesOf = (id: string): Uint8Array => {
    const file = JSON.parse(readFileSync(new URL("../../../vectors/identity/proof.json", import.meta.url), "utf8")) as {
      readonly worlds: Record<string, { readonly trace: ReadonlyArray<{ readonly id: string; readonly out: string }> }>
    }
    const { in: input } = published().find((one) => one["id"] === id)!
    const bytes = (input as { readonly bytes: string }).bytes
    if (!bytes.startsWith("$")) return Bytes.fromHex(bytes)!
    const step = file.worlds["history"]!.trace.find((one) => `$${one.id}` === bytes)!
    return Bytes.fromHex(step.out)!
  }
  const save = (name: string, bytes: Uint8Array | string): string => {
    const file = join(folder, name)
    writeFileSync(file, bytes)
    return file
  }

  it("says what a file proves, without account or relay, as bytes or base 64 [proof.check.1] [proof.contradiction.1]", async () => {
    const bytes = bytesOf("proof-previous")
    const good = save("good.proof", bytes)
    const text = save("good.txt", `${Buffer.from(bytes).toString("base64")}\n`)
    for (const file of [good, text]) {
      const checked = await tacit("nobody", "device", "proof", file)
      expect(checked).toMatchObject({ code: ExitCode.ok, err: "" })
      expect(checked.out).toContain("A proof against account")
      expect(checked.out).toContain("versions 2 and 3")
    }
    const { success } = ForkProof.verify(await loadNodeProvider(), bytes) as { readonly success: ForkProof.ForkProof }
    expect((await json("nobody", "device", "proof", good))[0]).toEqual({
      type: "proof",
      valid: true,
      account: Bytes.toHex(success.account),
      versions: [2, 3],
      contradiction: "previous",
      hashes: [Bytes.toHex(success.first.hash), Bytes.toHex(success.second.hash)]
    })
  })

  it("ends with 12 when a file proves nothing, and with 2 when there is none [proof.check.1]", async () => {
    for (const [id, outcome] of [
      ["proof-bad-same", "proof.same"],
      ["proof-bad-accounts", "proof.accounts"],
      ["proof-bad-follow-v1-v2", "proof.consistent"],
      ["proof-bad-signature-first", "auth.account"]
    ] as const) {
      const file = save(`${id}.proof`, bytesOf(id))
      expect(await tacit("nobody", "device", "proof", file)).toMatchObject({
        code: ExitCode.noProof,
        out: expect.stringContaining(outcome)
      })
      expect(await json("nobody", "device", "proof", file)).toEqual([{ type: "proof", valid: false, outcome }])
    }
    expect((await tacit("nobody", "device", "proof", save("long", new Uint8Array(300_000)))).code).toBe(
      ExitCode.noProof
    )
    expect((await tacit("nobody", "device", "proof", save("empty", ""))).code).toBe(ExitCode.noProof)
    expect((await tacit("nobody", "device", "proof", join(folder, "nowhere"))).code).toBe(ExitCode.usage)
    expect((await tacit("nobody", "device", "proof", folder)).code).toBe(ExitCode.usage)
    const out = await tacit("nobody", "device", "proof", save("x", "x"), "--out", folder)
    expect(out.code).toBe(ExitCode.usage)
  })

  it("lists what a profile keeps, and writes it out [proof.keep.1]", async () => {
    expect(await tacit("alice", "device", "proof")).toMatchObject({ code: 0, out: "No proofs are kept.\n" })
    const proof = bytesOf("proof-previous")
    const record = Records.Proof.encode({ version: Records.written, at: 1_700_000_000_000, told: 1, proof })
    await Effect.runPromise(
      Store.use((store) => store.commit([{ op: "put", key: Records.keys.proof("00".repeat(16)), value: record }])).pipe(
        Effect.provide(layer({ path: storeOf("alice") })),
        Effect.scoped
      )
    )
    const [kept] = await json("alice", "device", "proof")
    expect(kept).toMatchObject({ type: "proof", user: null, versions: [2, 3], contradiction: "previous" })
    expect(kept!["bytes"]).toBe(Buffer.from(proof).toString("base64"))
    const text = await tacit("alice", "device", "proof")
    expect(text.out).toContain("2023-11-14")
    expect(text.out).toContain("versions 2 and 3, previous")
    const proofs = join(folder, "proofs")
    expect((await tacit("alice", "device", "proof", "--out", proofs)).code).toBe(0)
    const [file] = readdirSync(proofs)
    expect(statSync(join(proofs, file!)).mode & 0o777).toBe(0o600)
    expect((await tacit("nobody", "device", "proof", join(proofs, file!))).code).toBe(ExitCode.ok)
  })
})
