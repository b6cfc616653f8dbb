/**
 * The directory over real HTTP, with a real mail server and a clock of its own.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { readCompatible } from "../../src/nes/Answer.ts"
import { callerOf } from "../../src/nes/directory/Directory.ts"
import {
  Directory,
  makeDirectory,
  type RunningDirectory,
  smtpMailer,
  startDirectory
} from "../../src/nes/directory/index.ts"
import { isEmail } from "../../src/nes/directory/Users.ts"
import { publicPem } from "../../src/nes/Keys.ts"
import { keyService, register } from "../../src/nes/KeyService.ts"
import { KeyError } from "../../src/nes/KeySource.ts"
import { linksOf, openPost, type Post } from "./Post.ts"
import { pem, privateKey, publicKey } from "./Vectors.ts"

const key = privateKey("directory-rsa-sign")
const serverKey = publicKey("directory-rsa-sign")
const hour = 60 * 60 * 1000
const generous = {
  registrationBurst: 1e6,
  registrationsPerHour: 1e6,
  mailBurst: 1e6,
  mailsPerHour: 1e6,
  lookUpBurst: 1e6,
  lookUpsPerSecond: 1e6
}

let post: Post
let directory: RunningDirectory
let now = 0
const logged: Array<string> = []

const mailer = () => smtpMailer({ host: "127.0.0.1", port: post.port, from: "keys@localhost" })
const start = (more: object = {}) =>
  startDirectory({
    database: ":memory:",
    key,
    mailer: mailer(),
    now: () => now,
    log: (line) => logged.push(line),
    limits: generous,
    ...more
  })

const body = (user: string, keysOf = user, email = `${user}@example.org`) => ({
  username: user,
  email,
  public_key_message: pem(`${keysOf}-rsa-message.pub`),
  public_key_sign: pem(`${keysOf}-rsa-sign.pub`)
})

const ask = async (path: string, init?: RequestInit) => {
  const response = await fetch(path.startsWith("http") ? path : `${directory.address}${path}`, init)
  return { status: response.status, text: await response.text(), type: response.headers.get("content-type") }
}
const send = (content: unknown) =>
  ask("/users", { method: "POST", body: typeof content === "string" ? content : JSON.stringify(content) })
const links = (email: string) => linksOf(post.to(email).at(-1)!)

beforeAll(async () => {
  post = await openPost()
})
afterAll(() => post.close())
beforeEach(async () => {
  now = 1_700_000_000_000
  post.refuse = false
  directory = await start()
})
afterEach(() => directory.close())

describe("registering", () => {
  it("answers 201 and nothing, and mails two links of their own [nes.register.1] [nes.mail.1] [nes.token.3]", async () => {
    expect(await send(body("alice"))).toEqual({ status: 201, text: "", type: null })
    const [activate, remove, ...rest] = links("alice@example.org")
    expect(rest).toEqual([])
    for (const link of [activate, remove]) {
      expect(link).toMatch(new RegExp(`^${directory.address}/users/alice/[A-Za-z0-9_-]{43}=$`))
    }
    expect(activate).not.toBe(remove)
    expect((await ask("/users/alice")).status).toBe(404)
  })

  it.each([
    ["no JSON", "{"],
    ["no object", "[]"],
    ["null", "null"],
    ["nothing", ""],
    ["a short name", { ...body("alice"), username: "al" }],
    ["a long name", { ...body("alice"), username: "a".repeat(33) }],
    ["a name with capitals", { ...body("alice"), username: "Alice" }],
    ["a name that is a number", { ...body("alice"), username: 123 }],
    ["no name", { ...body("alice"), username: undefined }],
    ["an address without @", { ...body("alice"), email: "alice" }],
    ["an address with two @", { ...body("alice"), email: "a@b@c" }],
    ["an address with nothing before it", { ...body("alice"), email: "@b" }],
    ["an address with nothing behind it", { ...body("alice"), email: "a@" }],
    ["a long address", { ...body("alice"), email: `${"a".repeat(30)}@bc` }],
    ["an address with a line feed", { ...body("alice"), email: "a@b\nBcc: c@d" }],
    ["no address", { ...body("alice"), email: undefined }],
    ["no message key", { ...body("alice"), public_key_message: undefined }],
    ["a message key that is none", { ...body("alice"), public_key_message: "none" }],
    ["a private key", { ...body("alice"), public_key_message: pem("alice-rsa-message") }],
    ["no signing key", { ...body("alice"), public_key_sign: undefined }],
    ["a signing key that is none", { ...body("alice"), public_key_sign: 7 }],
    ["one key for both", { ...body("alice"), public_key_sign: pem("alice-rsa-message.pub") }],
    ["one key for both, spelt otherwise", { ...body("alice"), public_key_sign: `${pem("alice-rsa-message.pub")}\n` }],
    ["a large body", { ...body("alice"), more: "x".repeat(40_000) }]
  ])(
    "answers 400 for %s, and stores and mails nothing [nes.register.1] [nes.register.2] [nes.keys.1]",
    async (_, content) => {
      const before = post.count()
      const { status, text, type } = await send(content)
      expect(status).toBe(400)
      expect(text).toMatch(/^[^\n]+\n$/)
      expect(type).toBe("text/plain; charset=utf-8")
      expect(post.count()).toBe(before)
      expect((await send(body("alice"))).status).toBe(201)
    }
  )

  it("answers 400 for a name that is taken, waiting or active [nes.register.1]", async () => {
    await send(body("alice"))
    expect((await send(body("alice", "bob", "bob@example.org"))).status).toBe(400)
    await ask(links("alice@example.org")[0]!)
    expect((await send(body("alice", "bob", "bob@example.org"))).text).toBe("user already exist\n")
  })

  it("answers 503 and frees the name when no server takes the mail [nes.register.3]", async () => {
    post.refuse = true
    expect((await send(body("alice"))).status).toBe(503)
    post.refuse = false
    expect((await send(body("alice"))).status).toBe(201)
  })

  it("takes only addresses that mean nothing else in a header [nes.register.2]", () => {
    for (const good of ["a@b", "some.body+tag@example.org", "ä@ö.example"]) expect(isEmail(good)).toBe(true)
    for (const bad of [
      "a b@c",
      "<a@b>",
      "a@b,c",
      "a@b;",
      '"a"@b',
      "a@b\r",
      "a\u0000@b",
      "a:b@c",
      "ö".repeat(15) + "@abc"
    ]) {
      expect(isEmail(bad)).toBe(false)
    }
  })
})

describe("tokens", () => {
  it("make active and remove, each once, and nobody else's does [nes.token.1] [nes.get.1]", async () => {
    await send(body("alice"))
    await send(body("bob"))
    const [activate, remove] = links("alice@example.org") as [string, string]
    const others = links("bob@example.org").map((link) => link.replace("/bob/", "/alice/"))
    expect((await ask(remove)).status).toBe(404)
    for (const link of [...others, `${activate}x`, activate.slice(0, -1), `${directory.address}/users/alice/`]) {
      expect((await ask(link)).status).toBe(404)
    }
    expect(await ask(activate)).toMatchObject({ status: 200, text: "user activated\n" })
    expect((await ask(activate)).status).toBe(404)
    expect((await ask("/users/alice")).status).toBe(200)
    expect((await ask(others[1]!)).status).toBe(404)
    expect(await ask(remove)).toMatchObject({ status: 200, text: "user deleted\n" })
    for (const link of [activate, remove, `${directory.address}/users/alice`]) {
      expect((await ask(link)).status).toBe(404)
    }
  })

  it("of activation are good for a day, then 410 until the name is forgotten [nes.token.2] [nes.sweep.1]", async () => {
    await send(body("alice"))
    const [activate] = links("alice@example.org") as [string]
    now += 24 * hour + 1
    expect(await ask(activate)).toMatchObject({ status: 410, text: "activate token expired\n" })
    expect(directory.sweep()).toBe(1)
    expect((await ask(activate)).status).toBe(404)
    await send(body("alice"))
    now += 24 * hour
    expect((await ask(links("alice@example.org")[0]!)).status).toBe(200)
    expect(directory.sweep()).toBe(0)
  })

  it("do not keep a name from others longer than a day [nes.sweep.1]", async () => {
    await send(body("alice"))
    now += 24 * hour + 1
    expect((await send(body("alice", "bob", "bob@example.org"))).status).toBe(201)
    await ask(links("bob@example.org")[0]!)
    expect((await ask("/users/alice")).text).toContain(JSON.stringify(pem("bob-rsa-sign.pub")))
  })

  it("are forgotten by themselves every so often [nes.sweep.1]", async () => {
    await directory.close()
    const folder = mkdtempSync(join(tmpdir(), "tacit-nes-sweep-"))
    const database = join(folder, "directory.db")
    directory = await start({ database, limits: { ...generous, sweepMs: 20 } })
    await send(body("alice"))
    const [activate] = links("alice@example.org") as [string]
    now += 24 * hour + 1
    const until = Date.now() + 5_000
    while ((await ask(activate)).status === 410 && Date.now() < until) await new Promise((r) => setTimeout(r, 20))
    expect((await ask(activate)).status).toBe(404)
    rmSync(folder, { recursive: true })
  })
})

describe("look-ups", () => {
  const enrol = async (user: string, keysOf = user) => {
    expect((await send(body(user, keysOf))).status).toBe(201)
    expect((await ask(links(`${user}@example.org`)[0]!)).status).toBe(200)
  }

  it("answer the keys as they were registered, signed [nes.get.1] [nes.get.2] [nes.answer.1]", async () => {
    await enrol("alice")
    const { status, text, type } = await ask("/users/alice")
    expect([status, type, text.endsWith("\n")]).toEqual([200, "application/json", true])
    expect(JSON.parse(text)).toEqual({
      response: { public_key_message: pem("alice-rsa-message.pub"), public_key_sign: pem("alice-rsa-sign.pub") },
      signature: expect.stringMatching(/^[A-Za-z0-9_-]{342}==$/) as string
    })
    expect(Result.isSuccess(readCompatible(Buffer.from(text), serverKey))).toBe(true)
  })

  it.each(["/", "/users/al", "/users/Alice", "/users/nobody", "/users/alice/x/y", "/user", "/users/", "/users/%2e%2e"])(
    "answer 404 for %s [nes.get.1]",
    async (path) => expect(await ask(path)).toMatchObject({ status: 404, text: "404 page not found\n" })
  )

  it("answer 405 for other methods", async () => {
    for (const [method, path] of [
      ["DELETE", "/users/alice"],
      ["PUT", "/users"],
      ["GET", "/users"],
      ["POST", "/users/alice"]
    ] as const) {
      expect((await ask(path, { method })).status).toBe(405)
    }
  })

  it("are what the client of the service reads [nes.service.1] [nes.service.2] [nes.service.3]", async () => {
    await register(directory.address, {
      username: "alice",
      email: "alice@example.org",
      message: pem("alice-rsa-message.pub"),
      sign: pem("alice-rsa-sign.pub")
    })
    await ask(links("alice@example.org")[0]!)
    const service = keyService({ address: directory.address, publicKey: serverKey })
    expect(publicPem((await service.keysOf("alice")).sign)).toBe(pem("alice-rsa-sign.pub"))
    await expect(service.keysOf("nobody")).rejects.toMatchObject({ reason: "unknown-user" })
    const other = keyService({ address: directory.address, publicKey: publicKey("alice-rsa-sign") })
    await expect(other.keysOf("alice")).rejects.toMatchObject({ reason: "signature" })
    const nowhere = keyService({ address: "http://127.0.0.1:9", publicKey: serverKey })
    await expect(nowhere.keysOf("alice")).rejects.toMatchObject({ reason: "unreachable" })
    await expect(
      register(directory.address, { username: "alice", email: "a@b", message: "x", sign: "y" })
    ).rejects.toMatchObject({ _tag: "RegistrationRefused", status: 400 })
  })

  it("in the bound format name user, time and the registration before [nes.answer.3] [nes.answer.4]", async () => {
    const options = { address: directory.address, publicKey: serverKey, format: "bound" as const, now: () => now }
    const client = keyService(options)
    await enrol("alice")
    await client.keysOf("alice")
    const old = await ask("/users/alice?format=bound")
    await ask(links("alice@example.org")[1]!)
    await expect(client.keysOf("alice")).rejects.toMatchObject({ reason: "unknown-user" })
    await enrol("alice", "carol")
    expect(publicPem((await client.keysOf("alice")).sign)).toBe(pem("carol-rsa-sign.pub"))
    const renewed = JSON.parse((await ask("/users/alice?format=bound")).text) as {
      readonly response: { readonly version: number; readonly previous: string }
    }
    expect(renewed.response).toMatchObject({ version: 2, username: "alice" })

    // The old answer, and another user's, given instead.
    const impostor = (text: string) => {
      const answer = new Response(text, { status: 200 })
      const original = globalThis.fetch
      globalThis.fetch = async () => answer
      return () => (globalThis.fetch = original)
    }
    let restore = impostor(old.text)
    await expect(client.keysOf("alice")).rejects.toMatchObject({ reason: "rollback" })
    restore()
    await enrol("bob")
    const bob = await ask("/users/bob?format=bound")
    restore = impostor(bob.text)
    await expect(client.keysOf("alice")).rejects.toMatchObject({ reason: "other-user" })
    restore()
    const compatible = await ask("/users/alice")
    restore = impostor(compatible.text)
    await expect(client.keysOf("alice")).rejects.toBeInstanceOf(KeyError)
    restore()
    now += 2 * hour
    restore = impostor(renewed === undefined ? "" : JSON.stringify(renewed))
    await expect(client.keysOf("alice")).rejects.toBeInstanceOf(KeyError)
    restore()
    // Asked anew, the same registration is good again.
    expect(publicPem((await client.keysOf("alice")).sign)).toBe(pem("carol-rsa-sign.pub"))
  })
})

describe("odd requests", () => {
  /** Sends bytes as they are; the first line of the answer, or "" if there is none. */
  const raw = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let answer = ""
      const socket = connect(directory.port, "127.0.0.1", () => socket.end(text))
      socket.on("data", (chunk: Buffer) => (answer += chunk.toString("latin1")))
      socket.on("error", () => undefined)
      socket.on("close", () => resolve(answer.split("\r\n")[0] ?? ""))
    })
  const get = (target: string) => raw(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)

  it("are refused one by one, and the service goes on [nes.get.1]", async () => {
    const targets = [
      "//",
      "///",
      "http://[",
      "http://other/users/alice",
      "*",
      "/users/%",
      "/users/%ff%fe",
      "/users/alice/%"
    ]
    const more = [
      "/users/alice/%00",
      "/users/..%2f..",
      "/?format=bound",
      `/users/${"a".repeat(5_000)}`,
      "/users/alice?format"
    ]
    for (const target of [...targets, ...more]) {
      expect(await get(target), target).toMatch(/^HTTP\/1\.1 4\d\d /)
    }
    for (const text of ["", "\r\n\r\n", "nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u0000\u0001"]) {
      expect(await raw(text)).toMatch(/^$|^HTTP\/1\.1 4\d\d /)
    }
    const post = (length: string, content: string) =>
      raw(`POST /users HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n${content}`)
    expect(await post("-1", "{}")).toMatch(/^$|^HTTP\/1\.1 400 /)
    expect(await post("2", "{}")).toMatch(/^HTTP\/1\.1 400 /)
    expect(await post("40000", `[${"[".repeat(39_999)}`)).toMatch(/^HTTP\/1\.1 400 /)
    expect((await send(body("alice"))).status).toBe(201)
  })
})

describe("limits", () => {
  it("answer 429, and what was over them did not happen [nes.limit.1]", async () => {
    await directory.close()
    directory = await start({ limits: { registrationBurst: 2, mailBurst: 1, lookUpBurst: 2 } })
    expect((await send(body("alice"))).status).toBe(201)
    // Another mail to the same address.
    expect((await send(body("bob", "bob", "ALICE@example.org"))).status).toBe(429)
    expect((await send(body("carol"))).status).toBe(429)
    now += hour
    expect((await send(body("bob"))).status).toBe(201)
    expect((await ask("/users/alice")).status).toBe(404)
    expect((await ask("/users/alice")).status).toBe(404)
    expect((await ask("/users/alice")).status).toBe(429)
  })

  it("count an IPv6 network as one caller [nes.limit.1]", () => {
    expect(callerOf("::ffff:10.1.2.3")).toBe("10.1.2.3")
    expect(callerOf("2001:db8:1:2:3:4:5:6")).toBe(callerOf("2001:db8:1:2::9"))
    expect(callerOf("2001:db8:1:2::")).not.toBe(callerOf("2001:db8:1:3::"))
    expect(callerOf("::1")).toBe("0:0:0:0")
  })
})

describe("the store", () => {
  it("holds no token, and after a removal no address and no key [nes.store.1] [nes.token.3]", async () => {
    await directory.close()
    const folder = mkdtempSync(join(tmpdir(), "tacit-nes-store-"))
    const database = join(folder, "directory.db")
    directory = await start({ database })
    expect(statSync(database).mode & 0o077).toBe(0)
    await send(body("alice"))
    const [activate, remove] = links("alice@example.org") as [string, string]
    await ask(activate)
    await directory.close()
    const everything = () =>
      ["", "-wal"].map((end) => (existsSync(database + end) ? readFileSync(database + end, "latin1") : "")).join("")
    expect(everything()).toContain("alice@example.org")
    for (const link of [activate, remove]) expect(everything()).not.toContain(link.split("/").at(-1)!)
    directory = await start({ database })
    expect((await ask("/users/alice")).status).toBe(200)
    expect((await ask(remove.replace(/http:\/\/[^/]+/, directory.address))).status).toBe(200)
    await directory.close()
    expect(everything()).not.toContain("alice@example.org")
    expect(everything()).not.toContain(pem("alice-rsa-sign.pub").split("\n")[2]!)
    for (const line of logged) expect(line).not.toMatch(/alice|example|users\//)
    directory = await start({ database })
    rmSync(folder, { recursive: true })
  })

  it("is not opened for strangers to reach without being told to", async () => {
    await expect(start({ host: "0.0.0.0" })).rejects.toMatchObject({ reason: "not-public" })
    await expect(start({ address: "keys.example/" })).rejects.toMatchObject({ reason: "address" })
  })

  it("closes with its scope", async () => {
    const address = await Effect.runPromise(
      Effect.scoped(
        Effect.map(makeDirectory({ database: ":memory:", key, mailer: mailer() }), (running) => running.address)
      )
    )
    await expect(fetch(`${address}/users/alice`)).rejects.toThrow("fetch failed")
    const layer = Directory.layer({ database: ":memory:", key, mailer: mailer() })
    const status = Effect.flatMap(Directory, (running) =>
      Effect.promise(async () => (await fetch(`${running.address}/users/alice`)).status)
    )
    expect(await Effect.runPromise(Effect.provide(status, layer))).toBe(404)
  })
})

describe("mail", () => {
  it("to another machine demands TLS [nes.mail.2]", async () => {
    // This address leads to this machine, but is not one of loopback; the server offers no STARTTLS.
    const remote = smtpMailer({
      host: "0.0.0.0",
      port: post.port,
      from: "keys@localhost",
      timeoutMs: 2_000
    })
    const before = post.count()
    await expect(remote.send({ to: "a@b", subject: "x", text: "y" })).rejects.toMatchObject({ code: "ETLS" })
    expect(post.count()).toBe(before)
    remote.close()
  })
})
