/**
 * `tacit device page` over real HTTP on loopback, beside a real relay: who is let in, adding a device, removing it, and what the removed one
 * can still read.
 */
import { linkAccount, openClient, type PromiseClient } from "@tacit/bots"
import { Crypto, EntropyLive, KeyCustody, Store, StoreCustody, type Warning } from "@tacit/core"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { Bytes, Envelope, SealedSender, Session as Sessions, SessionTag } from "@tacit/core/hazmat"
import { startRelay, type RunningRelay } from "@tacit/relay"
import { layer } from "@tacit/storage/sqlite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { request as ask, type IncomingHttpHeaders } from "node:http"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest"
import * as Desk from "../src/commands/device/page/Desk.ts"
import { serve as serveDesk } from "../src/commands/device/page/Server.ts"
import type { View } from "../src/commands/device/page/Wire.ts"
import { ExitCode } from "../src/ExitCode.ts"
import { browser, withTab } from "../../../scripts/lib/browser.ts"
import { start, type Started } from "./InProcess.ts"

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

let folder = ""
let relay: RunningRelay

const env = (): Record<string, string> => ({ TACIT_DATA: join(folder, "data"), NO_COLOR: "1" })

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tacit-page-"))
  relay = await startRelay({ database: ":memory:", observe: true })
})
afterAll(async () => {
  await relay.close()
  rmSync(folder, { recursive: true, force: true })
})

const register = async (user: string): Promise<void> => {
  const file = join(folder, `${user}.otp`)
  writeFileSync(file, await relay.invite(user))
  const words = ["register", "--relay", relay.url, "--user", user, "--profile", user, "--password-file", file]
  expect((await start(words, { env: env() }).done).code).toBe(ExitCode.ok)
}

interface Served {
  readonly url: string
  readonly port: number
  readonly token: string
  readonly started: Started
  /** Ends it as Ctrl-C does. */
  readonly stop: () => void
}

const serve = async (user: string, ...more: ReadonlyArray<string>): Promise<Served> => {
  const stopping = new AbortController()
  const stop = () => stopping.abort(new DOMException("interrupted", "AbortError"))
  const words = ["device", "page", "--profile", user, "--json", ...more]
  const started = start(words, { env: env(), signal: stopping.signal })
  onTestFinished(async () => {
    stop()
    await started.done
  })
  await vi.waitFor(() => expect(started.out()).toContain('"page"'), { timeout: 30_000 })
  const line = started
    .out()
    .split("\n")
    .find((each) => each.includes('"page"'))!
  const { port, url } = JSON.parse(line) as { readonly url: string; readonly port: number }
  return { url, port, token: new URL(url).hash.replace("#login=", ""), started, stop }
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly json: Record<string, unknown>
}

/** One request, with the headers as they are given: the Host header too. */
const http = (
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const host = { host: `127.0.0.1:${port}` }
    const asked = ask({ host: "127.0.0.1", port, method, path, headers: { ...host, ...headers } }, (response) => {
      let text = ""
      response.on("data", (chunk: Buffer) => (text += chunk.toString()))
      response.on("end", () => {
        const isJson = (response.headers["content-type"] ?? "").startsWith("application/json")
        const json = isJson ? (JSON.parse(text) as Record<string, unknown>) : {}
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json })
      })
    })
    asked.on("error", reject)
    asked.end(body)
  })

/** A browser that is logged in, as far as headers go. */
interface Session {
  readonly headers: Record<string, string>
  readonly view: () => Promise<View>
  readonly post: (path: string, body?: object) => Promise<Answer>
}

const posting = (port: number): Record<string, string> => ({
  origin: `http://127.0.0.1:${port}`,
  "content-type": "application/json"
})

const logIn = async ({ port, token }: Served): Promise<Session> => {
  const answer = await http(port, "POST", "/api/login", posting(port), JSON.stringify({ token }))
  expect(answer.status).toBe(200)
  const [cookie] = answer.headers["set-cookie"]!
  expect(cookie).toMatch(/^tacit-devices-\d+=[A-Za-z0-9_-]{43}; HttpOnly; SameSite=Strict; Path=\/$/)
  const headers = { cookie: cookie!.split(";")[0]!, "x-tacit-key": String(answer.json["key"]) }
  return {
    headers,
    view: async () => {
      const answered = await http(port, "GET", "/api/view", headers)
      expect(answered.status).toBe(200)
      return answered.json as unknown as View
    },
    post: (path, body = {}) => http(port, "POST", path, { ...posting(port), ...headers }, JSON.stringify(body))
  }
}

const until = async (session: Session, holds: (view: View) => boolean): Promise<View> => {
  for (let i = 0; i < 400; i++) {
    const view = await session.view()
    if (holds(view)) return view
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`never held: ${JSON.stringify(await session.view())}`)
}

/** Links a device in a store of its own through a page; the PIN is read off the page. */
const link = async (session: Session, place: string, role = "member"): Promise<string> => {
  expect((await session.post("/api/link", { role, challenge: "pin" })).status).toBe(200)
  const { link: invited } = await until(session, ({ link: now }) => now?.state === "Invited")
  await linkAccount({
    relay: relay.url,
    path: join(folder, `${place}.db`),
    uri: invited!.uri,
    challenges: ["pin"],
    askPin: async () => (await until(session, ({ link: now }) => now?.pin !== undefined)).link!.pin!
  })
  const { link: linked } = await until(session, ({ link: now }) => now?.state === "Linked")
  return linked!.device!
}

const read = async (client: PromiseClient, count: number): Promise<ReadonlyArray<string>> => {
  const texts: Array<string> = []
  for await (const { body } of client.messages()) {
    texts.push(body.type === "text" ? body.text : body.type)
    if (texts.length === count) return texts
  }
  return texts
}

describe("who may talk to the page", () => {
  it("nobody without the link's secret, which serves once, and nobody from another site or address", async () => {
    await register("ann")
    const served = await serve("ann")
    const { port, token, url } = served
    const login = (headers: Record<string, string>, body: unknown = { token }) =>
      http(port, "POST", "/api/login", headers, JSON.stringify(body))
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#login=[A-Za-z0-9_-]{43}$/)

    // What holds nothing of the account is given to everybody at this address.
    const page = await http(port, "GET", "/")
    expect([page.status, page.text.includes("ann")]).toEqual([200, false])
    const policy = page.headers["content-security-policy"]!
    for (const rule of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"]) {
      expect(policy).toContain(rule)
    }
    expect(policy).not.toContain("unsafe")
    expect(page.headers).toMatchObject({
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin"
    })
    expect(page.text).not.toMatch(/https?:\/\//)

    // A name that leads to this address is not this address, for nothing that is served.
    for (const host of [
      "localhost",
      `localhost:${port}`,
      "evil.example",
      `evil.example:${port}`,
      "127.0.0.1",
      `[::1]:${port}`
    ]) {
      for (const [method, path] of [
        ["GET", "/"],
        ["GET", "/api/view"],
        ["POST", "/api/login"]
      ] as const) {
        const answer = await http(port, method, path, { ...posting(port), host }, method === "POST" ? "{}" : undefined)
        expect([host, path, answer.status, answer.json["error"]]).toEqual([host, path, 400, "wrong-host"])
      }
    }
    // Other sites' requests, before anything of them is looked at; none at all is none of the page's either.
    for (const origin of [
      "https://evil.example",
      "null",
      "http://127.0.0.1",
      `http://localhost:${port}`,
      `https://127.0.0.1:${port}`
    ]) {
      const answer = await login({ ...posting(port), origin })
      expect([answer.status, answer.json["error"]]).toEqual([403, "wrong-origin"])
    }
    expect((await login({ "content-type": "application/json" })).json["error"]).toBe("wrong-origin")
    expect((await login({ ...posting(port), "sec-fetch-site": "cross-site" })).json["error"]).toBe("wrong-origin")
    // A form can send this without asking first.
    expect((await login({ ...posting(port), "content-type": "text/plain" })).status).toBe(400)

    for (const wrong of [{}, { token: "" }, { token: token.slice(1) }, { token: `${token}A` }, { token: 1 }]) {
      expect((await login(posting(port), wrong)).json["error"]).toBe("used-link")
    }
    expect((await http(port, "GET", "/api/view")).json["error"]).toBe("not-logged-in")
    const session = await logIn(served)
    expect((await login(posting(port))).json["error"]).toBe("used-link")
    expect(await session.view()).toMatchObject({ user: "ann", version: 1, canChange: true })

    // The cookie without the key, the key without the cookie, and both with a letter changed.
    const { cookie, "x-tacit-key": key } = session.headers as {
      readonly cookie: string
      readonly "x-tacit-key": string
    }
    const changed = (text: string) => `${text.slice(0, -1)}${text.endsWith("A") ? "B" : "A"}`
    for (const headers of [
      { cookie },
      { "x-tacit-key": key },
      { cookie: changed(cookie), "x-tacit-key": key },
      { cookie, "x-tacit-key": changed(key) }
    ]) {
      expect((await http(port, "GET", "/api/view", headers)).status).toBe(401)
      const posted = await http(port, "POST", "/api/refresh", { ...posting(port), ...headers }, "{}")
      expect(posted.status).toBe(401)
    }
    for (const path of ["/api/revoke", "/api/link", "/api/close", "/api/link/cancel"]) {
      const foreign = { ...posting(port), ...session.headers, origin: "https://evil.example" }
      expect((await http(port, "POST", path, foreign, "{}")).status).toBe(403)
    }
    expect(await session.view()).not.toHaveProperty("link")
  })

  it("listens on loopback only, takes small objects only, and ends with Ctrl-C, its button, or by itself", async () => {
    const served = await serve("ann")
    const session = await logIn(served)
    for (const [path, body] of [
      ["/api/revoke", { device: "xyz", version: 1 }],
      ["/api/revoke", { device: "00".repeat(32) }],
      ["/api/link", { role: "owner", challenge: "pin" }],
      ["/api/link", { role: "member", challenge: "fingerprint" }],
      ["/api/link/code", {}]
    ] as const) {
      expect([path, (await session.post(path, body)).json["error"]]).toEqual([path, "bad-request"])
    }
    expect((await session.post("/api/nothing")).status).toBe(404)
    expect((await session.post("/api/link/code", { text: "tacit:link/AA" })).json["error"]).toBe("NotNow")
    expect((await session.post("/api/link/code", { text: "x".repeat(9_000) })).status).toBe(400)
    const own = (await session.view()).devices[0]!.id
    expect((await session.post("/api/revoke", { device: own, version: 1 })).status).toBe(409)
    expect((await session.post("/api/revoke", { device: "00".repeat(32), version: 1 })).status).toBe(409)
    expect((await session.view()).devices).toHaveLength(1)

    expect((await session.post("/api/close")).status).toBe(200)
    expect((await served.started.done).code).toBe(ExitCode.ok)
    await expect(http(served.port, "GET", "/")).rejects.toThrow("ECONNREFUSED")

    const again = await serve("ann")
    again.stop()
    expect((await again.started.done).code).toBe(ExitCode.ok)
    const elsewhere = await new Promise<string>((resolve) => {
      const socket = connect({ host: "127.0.0.2", port: again.port })
      socket.on("connect", () => resolve("open"))
      socket.on("error", () => resolve("closed"))
    })
    expect(elsewhere).toBe("closed")
    const wrong = await start(["device", "page", "--profile", "ann", "--minutes", "0"], { env: env() }).done
    expect(wrong.code).toBe(ExitCode.usage)
  })
})

describe("a page that nobody looks at", () => {
  it("ends by itself, but not while a device is being linked", async () => {
    await register("eve")
    await using client = await openClient({
      relay: relay.url,
      user: "eve",
      path: join(folder, "data", "eve", "client.db")
    })
    const assets = { document: "", script: "", style: "" }
    const controller = new AbortController()
    const desk = Desk.make({
      client,
      relay: relay.url,
      idleMs: 200,
      signal: controller.signal,
      onWarning: () => undefined
    })
    await desk.link("member", "pin")
    const page = await serveDesk({ desk, assets, port: 0, idleMs: 200 })
    const early = await Promise.race([page.ended, new Promise((resolve) => setTimeout(resolve, 1_000, "there"))])
    expect(early).toBe("there")
    await desk.cancel()
    expect(await page.ended).toBe("idle")
    await page.close()
    controller.abort()
  })
})

describe("warnings", () => {
  it("shows what is wrong with the own list, and nothing of others", async () => {
    const self = { user: "fay", account: "aa".repeat(32), device: "bb".repeat(32) }
    const other = { user: "bob", account: "cc".repeat(32), device: "" }
    const [at, line] = [7, "…"]
    const decisions: ReadonlyArray<never> = []
    const told: ReadonlyArray<Warning> = [
      { _tag: "Forked", peer: self, proof: new Uint8Array(1), decisions, at, line: "forked" },
      { _tag: "Forked", peer: other, proof: new Uint8Array(1), decisions, at, line },
      { _tag: "Rejected", peer: { ...self, device: "" }, cause: "fresh.rollback", decisions, at, line: "rolled back" },
      { _tag: "Rejected", peer: self, cause: "auth.tag", decisions, at, line },
      { _tag: "Rejected", peer: undefined, cause: "fresh.rollback", decisions, at, line },
      { _tag: "RemovedByRelay", peer: self, own: true, removedAt: 5, at, line: "removed by the relay" },
      { _tag: "RemovedByRelay", peer: other, own: false, removedAt: 5, at, line },
      { _tag: "DevicesChanged", peer: other, version: 2, added: [], removed: [], decisions, at, line },
      { _tag: "SessionReset", peer: other, at, line }
    ]
    const list = { version: 2, devices: [], revoked: [], removed: undefined, pending: undefined }
    const client = {
      self,
      async *warnings() {
        yield* told
      },
      async *status() {
        yield { _tag: "Connected" }
      },
      devices: () => Promise.resolve(list),
      deviceVersions: () => Promise.reject({ _tag: "PeerMisbehaved", user: "fay", failure: "auth.fork" }),
      history: { status: () => Promise.reject({ _tag: "HistoryOff" }) }
    } as unknown as PromiseClient
    const printed: Array<Warning> = []
    const desk = Desk.make({
      client,
      relay: "ws://localhost",
      idleMs: 1_000,
      signal: new AbortController().signal,
      onWarning: (warning) => void printed.push(warning)
    })
    await vi.waitFor(async () => {
      const { notices, versionsTrouble } = await desk.view()
      expect(notices.map((notice) => notice.line)).toEqual(["forked", "rolled back", "removed by the relay"])
      expect(versionsTrouble).toContain("does not verify (auth.fork)")
    })
    expect(printed).toEqual(told)
  })
})

describe("what is done on the page", () => {
  it("adds a device and removes it: it gets nothing new, and what is sent later it cannot open", async () => {
    await register("alice")
    await register("bob")
    const bob = await openClient({ relay: relay.url, user: "bob", path: join(folder, "data", "bob", "client.db") })
    const served = await serve("alice")
    const session = await logIn(served)
    expect((await session.post("/api/link", { role: "member", challenge: "pin" })).json).toMatchObject({
      link: { state: "Invited", role: "member" }
    })
    const svg = await http(served.port, "GET", "/api/link/code.svg", session.headers)
    expect([svg.headers["content-type"], svg.text.startsWith("<svg")]).toEqual(["image/svg+xml", true])
    expect((await session.post("/api/link/cancel")).status).toBe(200)
    await until(session, ({ link: now }) => now?.state === "Ended" && now.reason === "cancelled")
    expect((await http(served.port, "GET", "/api/link/code.svg", session.headers)).status).toBe(404)

    const device = await link(session, "tablet")
    const shown = await until(session, ({ versions }) => versions?.length === 2)
    expect(shown.devices.map(({ addedIn, current, id, role }) => [addedIn, current, id === device, role])).toEqual(
      expect.arrayContaining([
        [1, true, false, "admin"],
        [2, false, true, "member"]
      ])
    )
    expect(shown.devices.find(({ id }) => id === device)!.addedAt).toBe(shown.versions![1]!.issuedAt)
    expect(shown.versions![1]).toMatchObject({ version: 2, added: [device], removed: [] })

    const path = join(folder, "tablet.db")
    const tablet = await openClient({ relay: relay.url, user: "alice", path })
    await bob.send("alice", "for both")
    expect(await read(tablet, 1)).toEqual(["for both"])
    await bob.flush()

    // What a person saw has to be what is there.
    expect((await session.post("/api/revoke", { device, version: 1 })).status).toBe(409)
    const removed = (await session.post("/api/revoke", { device, version: 2 })).json as unknown as View
    expect(removed).toMatchObject({ version: 3, revoked: [{ id: device, revokedIn: 3 }] })
    expect((await until(session, ({ versions }) => versions?.length === 3)).versions![2]).toMatchObject({
      removed: [device]
    })
    for await (const warning of tablet.warnings()) if (warning._tag === "Revoked") break
    await expect(tablet.send("bob", "still here")).rejects.toMatchObject({ _tag: "Revoked" })
    const before = (await relay.relaySaw()).traffic!.log.length

    const sent = await bob.send("alice", "not for the tablet")
    await bob.send("alice", "nor this")
    await bob.flush()
    expect(sent.devices).toBeGreaterThan(0)
    await tablet.close()
    const later = await openClient({ relay: relay.url, user: "alice", path })
    const heard: Array<string> = []
    void (async () => {
      for await (const { body } of later.messages()) heard.push(body.type === "text" ? body.text : body.type)
    })()
    await expect(later.send("bob", "?")).rejects.toMatchObject({ _tag: "Revoked" })
    await later.close()
    expect(heard).toEqual([])

    // Everything that passed the relay, before and after, beside the removed device's sessions and keys.
    const { log } = (await relay.relaySaw()).traffic!
    const opens = await reader(path)
    const all = await Promise.all(log.map(({ envelope }) => opens(envelope)))
    expect(all.slice(0, before).some((open) => open)).toBe(true)
    expect(log.length).toBeGreaterThan(before)
    expect(all.slice(before)).toEqual(all.slice(before).map(() => false))
    served.stop()
    expect((await served.started.done).code).toBe(ExitCode.ok)
    const phone = await openClient({
      relay: relay.url,
      user: "alice",
      path: join(folder, "data", "alice", "client.db")
    })
    expect(await read(phone, 3)).toEqual(["for both", "not for the tablet", "nor this"])
    await phone.close()
    await bob.close()
  })

  it("a member sees the devices and is told that it may not change them", async () => {
    await register("carl")
    const served = await serve("carl")
    const session = await logIn(served)
    const device = await link(session, "data/carl-tablet/client")
    served.stop()
    await served.started.done
    writeFileSync(
      join(folder, "data", "carl-tablet", "profile.json"),
      JSON.stringify({ version: 1, relay: relay.url, user: "carl" })
    )
    const other = await serve("carl-tablet")
    const member = await logIn(other)
    const view = await member.view()
    expect(view).toMatchObject({ canChange: false, version: 2 })
    expect(view.devices.find(({ current }) => current)!.id).toBe(device)
    const admin = view.devices.find(({ current }) => !current)!.id
    for (const answer of [
      await member.post("/api/revoke", { device: admin, version: 2 }),
      await member.post("/api/link", { role: "member", challenge: "pin" })
    ]) {
      expect([answer.status, answer.json["error"]]).toEqual([409, "NotAdmin"])
    }
  })
})

/** Whether the device of a store could begin to open an envelope: it knows the tag, or the start is sealed to it. */
const reader = async (path: string): Promise<(envelope: Uint8Array) => Promise<boolean>> => {
  const crypto = await loadNodeProvider()
  const stored = await Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const store = yield* Store
        const custody = yield* KeyCustody
        const { agreement } = yield* custody.publicKeys
        const sessions = yield* store.scan("session/", { limit: 256 })
        const tags = sessions.flatMap(({ value }) => Sessions.tags(Result.getOrThrow(Sessions.decode(crypto, value))))
        return { tags: new Set(tags.map(Bytes.toHex)), agreement }
      }).pipe(Effect.provide(layersOf(path, crypto)))
    )
  )
  const agree = (key: Uint8Array) =>
    Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(KeyCustody, (custody) => custody.agree(key)).pipe(Effect.provide(layersOf(path, crypto)))
      )
    )
  return async (envelope) => {
    const { body, kind, to } = Result.getOrThrow(Envelope.decode(envelope))
    if (kind !== Envelope.kinds.sessionStart) return stored.tags.has(Bytes.toHex(SessionTag.of(body)!))
    const sealed = Result.getOrThrow(SealedSender.decode(body))
    const shared = await agree(sealed.ephemeral)
    const prefix = Envelope.prefix(kind, to)
    return Result.isSuccess(SealedSender.open(crypto, sealed, shared, stored.agreement, prefix))
  }
}

const layersOf = (path: string, crypto: Awaited<ReturnType<typeof loadNodeProvider>>) =>
  Layer.provideMerge(
    StoreCustody.layer,
    Layer.mergeAll(layer({ path }), Layer.succeed(Crypto, crypto), EntropyLive.layer)
  )

describe.runIf(browser !== undefined)("in a browser", () => {
  it("shows the devices, adds and removes one with buttons and keys, asks nothing of others, and keeps within its policy", async () => {
    await register("dora")
    const served = await serve("dora")
    await withTab(served.url, async (tab) => {
      await tab.until(`document.querySelectorAll(".card").length === 1 && document.querySelector(".versions li")`)
      expect(await tab.run("return location.href")).toBe(`http://127.0.0.1:${served.port}/`)
      expect(await tab.run("return document.cookie")).toBe("")
      const heading = await tab.run(`return document.querySelector("h1").innerText`)
      expect(heading).toBe("Devices of dora")

      await tab.run(`document.querySelector("form button[type=submit]").click()`)
      await tab.until(`document.querySelector("img.code")?.naturalWidth > 0`)
      const uri = String(await tab.run(`return document.querySelector("pre").innerText`))
      const linking = linkAccount({
        relay: relay.url,
        path: join(folder, "dora-phone.db"),
        uri,
        challenges: ["pin"],
        askPin: async () => {
          await tab.until(`document.querySelector(".pin")`)
          return String(await tab.run(`return document.querySelector(".pin").innerText`))
        }
      })
      await linking
      await tab.until(`document.querySelectorAll(".card").length === 2`)
      await tab.until(`document.querySelectorAll(".versions li").length === 2`)

      // By keys alone: to the button, into the dialog, where keeping it is what has the focus.
      await tab.run(`document.querySelector(".card .danger").focus()`)
      await tab.press("Enter")
      await tab.until(`document.querySelector("dialog[open]")`)
      expect(await tab.run("return document.activeElement.innerText")).toBe("Keep it")
      await tab.press("Escape")
      await tab.until(`document.querySelector("dialog") === null`)
      expect(await tab.run(`return document.querySelectorAll(".card").length`)).toBe(2)
      await tab.run(`document.querySelector(".card .danger").focus()`)
      await tab.press("Enter")
      await tab.until(`document.querySelector("dialog[open]")`)
      await tab.press("Tab")
      await tab.press("Enter")
      await tab.until(`document.querySelectorAll(".card").length === 1`)
      await tab.until(`document.querySelectorAll(".versions li").length === 3`)

      // Nothing is wider than a phone.
      await tab.look(360, 740, "dark")
      expect(await tab.run("return document.documentElement.scrollWidth <= 360")).toBe(true)
      // A reload stays logged in; the link does not serve again.
      await tab.go(`http://127.0.0.1:${served.port}/`)
      await tab.until(`document.querySelectorAll(".card").length === 1`)
      expect(tab.complaints).toEqual([])
      const foreign = tab.asked.filter(
        (url) => !url.startsWith(`http://127.0.0.1:${served.port}/`) && !url.startsWith("data:")
      )
      expect(foreign).toEqual([])
      await tab.run(`[...document.querySelectorAll("button")].find((button) => button.innerText === "Close").click()`)
      await tab.until(`document.documentElement.dataset.ready === "over"`)
    })
    expect((await served.started.done).code).toBe(ExitCode.ok)
  })
})
