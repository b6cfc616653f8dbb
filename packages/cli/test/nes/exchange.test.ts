/**
 * `tacit nes` and the independent program, in both directions, over Mosquitto and the embedded broker, with either key service.
 */
import { spawn, spawnSync } from "node:child_process"
import { constants, createPrivateKey, type KeyObject, sign } from "node:crypto"
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { stringify } from "@tacit/transport-mqtt/nes"
import { connectAsync } from "mqtt"
import { startBroker } from "@tacit/transport-mqtt/broker"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import {
  argv,
  buildGo,
  hasGo,
  keyFile,
  makePlace,
  mosquitto,
  openPost,
  type Place,
  type Running,
  startGo,
  startMosquitto
} from "./Place.ts"

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

let place: Place
let post: Awaited<ReturnType<typeof openPost>>
let go = ""

beforeAll(async () => {
  place = makePlace()
  post = await openPost()
  if (hasGo) go = buildGo(place.folder)
  const folder = join(place.folder, ".nes")
  mkdirSync(folder)
  for (const user of ["alice", "bob", "carol"]) {
    for (const use of ["message", "sign"]) {
      for (const end of ["", ".pub"]) {
        const name = `${user}-rsa-${use}${end}`
        copyFileSync(keyFile(name), join(folder, name))
      }
    }
  }
})
afterAll(async () => {
  await post.close()
  place.remove()
})

const parsed = (line: string) => JSON.parse(line) as Readonly<Record<string, unknown>>

/** A compatible answer, signed. */
const compatible = (keys: { readonly message: string; readonly sign: string }, key: KeyObject): string => {
  const response = stringify({ public_key_message: keys.message, public_key_sign: keys.sign })
  const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_MAX_SIGN }
  const signature = sign("sha256", Buffer.from(response), pss).toString("base64url")
  return `{"response":${response},"signature":"${signature.padEnd(Math.ceil(signature.length / 4) * 4, "=")}"}\n`
}

/** A key service that runs: its address, its public key, and how to end it. */
interface Service {
  readonly url: string
  readonly key: string
  readonly running: Running
}

const ours = async (): Promise<Service> => {
  const data = join(place.folder, "directory")
  mkdirSync(data, { recursive: true })
  const key = join(data, "directory-rsa-sign")
  if (!existsSync(key)) {
    copyFileSync(keyFile("directory-rsa-sign"), key)
    copyFileSync(keyFile("directory-rsa-sign.pub"), `${key}.pub`)
  }
  const words = ["--port", "0", "--data", data, "--smtp", post.url, "--mail-from", "keys@localhost", "--json"]
  const running = place.start(["nes", "directory", "start", ...words])
  const ready = parsed(await running.until((line) => line.includes("ready")))
  return { url: String(ready["url"]), key: String(ready["key"]), running }
}

const theirs = async (): Promise<Service> => {
  const running = startGo(go, ["service", "-k", keyFile("directory-rsa-sign"), "-smtp", post.url.slice(7)])
  const ready = parsed(await running.until((line) => line.includes("ready")))
  return { url: String(ready["ready"]), key: keyFile("directory-rsa-sign.pub"), running }
}

/** Registers alice with our command and bob with the other program, and follows the links. */
const enrol = async (service: Service) => {
  const words = ["-u", "alice", "-e", "alice@example.org", "-p", service.url]
  const done = await place.tacit(["nes", "register", ...words])
  expect(done.code, done.err).toBe(0)
  const other = startGo(go, [
    "register",
    "-p",
    service.url,
    "-u",
    "bob",
    "-e",
    "bob@example.org",
    "-d",
    join(place.folder, ".nes")
  ])
  expect(parsed(await other.until(() => true))).toEqual({ status: 201, body: "" })
  for (const user of ["alice", "bob"]) {
    const answer = await fetch(post.linksOf(`${user}@example.org`)[0]!)
    expect([answer.status, await answer.text()]).toEqual([200, "user activated\n"])
  }
}

const brokers = [
  { name: "the embedded broker", there: true, open: () => startBroker() },
  { name: "Mosquitto", there: mosquitto !== undefined, open: () => startMosquitto(mosquitto!, place.folder) }
]
const services = [
  { name: "our key service", open: ours },
  { name: "the original's key service", open: theirs }
]

const text = 'Größe <b> & \u2028 "quoted" 🚲\t\\'

for (const broker of brokers) {
  for (const service of services) {
    describe.runIf(hasGo && broker.there)(`over ${broker.name} with ${service.name}`, () => {
      it("messages go both ways between the command and the original client [nes.send.3] [nes.receive.3] [nes.mqtt.1] [nes.get.2]", async () => {
        await using connection = await broker.open()
        const keys = await service.open()
        if (service.open !== ours || !(await isEnrolled(keys))) await enrol(keys)
        const common = ["-b", connection.url, "-p", keys.url, "-P", keys.key]

        // The original listens, the command sends.
        const bob = startGo(go, ["listen", ...common, "-u", "bob", "-d", join(place.folder, ".nes")])
        await bob.until((line) => line.includes("ready"))
        const sent = await place.tacit(["nes", "send", ...common, "-u", "alice", "-t", "Bob", "-m", text, "--json"])
        expect(sent.code, sent.err).toBe(0)
        const heard = parsed(await bob.until((line) => line.includes("message")))
        expect(heard).toMatchObject({ from: "alice", to: "bob", message: text })
        expect(parsed(sent.out.trim().split("\n").at(-1)!)).toMatchObject({ timestamp: heard["timestamp"] })
        bob.kill("SIGTERM")

        // The command listens, the original sends.
        const alice = place.start(["nes", "listen", ...common, "-u", "alice", "--json", "--count", "2"])
        await alice.until((line) => line.includes("ready"))
        for (const one of [text, "second"]) {
          const other = startGo(go, [
            "send",
            ...common,
            "-u",
            "bob",
            "-t",
            "alice",
            "-m",
            one,
            "-d",
            join(place.folder, ".nes")
          ])
          await other.until((line) => line.includes("sent"))
        }
        const done = await alice.gone
        expect(done.code, done.err).toBe(0)
        const messages = done.out
          .split("\n")
          .map(parsed)
          .filter(({ type }) => type === "message")
        expect(messages).toMatchObject([
          { from: "bob", to: "alice", message: text, warnings: [] },
          { from: "bob", to: "alice", message: "second", warnings: [] }
        ])
        keys.running.kill("SIGTERM")
        await keys.running.gone
      })
    })
  }
}

const isEnrolled = async ({ url }: Service): Promise<boolean> => (await fetch(`${url}/users/alice`)).status === 200

describe("the command alone", () => {
  it("needs no key service where keys are known [nes.offline.1]", async () => {
    await using broker = await startBroker()
    const common = ["-b", broker.url, "--known", keyFile(""), "-p", "http://127.0.0.1:9"]
    const listening = place.start(["nes", "listen", ...common, "-u", "bob", "--json", "--count", "1"])
    await listening.until((line) => line.includes("ready"))
    const sent = await place.tacit(["nes", "send", ...common, "-u", "alice", "-t", "bob", "-m", "no service"])
    expect(sent.code, sent.err).toBe(0)
    expect((await listening.gone).out).toContain('"message":"no service"')
  })

  it("keeps listening through frames that do not open, says why, and shows warnings [nes.refuse.2] [nes.warn.2]", async () => {
    await using broker = await startBroker()
    const common = ["-b", broker.url, "--known", keyFile("")]
    const listening = place.start(["nes", "listen", ...common, "-u", "bob", "--count", "2"])
    const ear = await connectAsync(broker.url, { protocolVersion: 4 })
    const frames: Array<Buffer> = []
    ear.on("message", (_, payload) => frames.push(payload))
    await ear.subscribeAsync("nes/bob/message", { qos: 2 })
    // Without --json the readiness is said on standard error; a first message shows that it listens.
    const send = () => place.tacit(["nes", "send", ...common, "-u", "alice", "-t", "bob", "-m", "once\u001b[2J"])
    for (let i = 0; i < 10 && listening.lines.length === 0; i++) expect((await send()).code).toBe(0)
    await listening.until((line) => line.endsWith("alice: once\\u{1b}[2J"))
    for (const bad of ["", "{}", "nonsense"]) await ear.publishAsync("nes/bob/message", Buffer.from(bad), { qos: 2 })
    await ear.publishAsync(
      "nes/bob/message",
      frames.findLast(({ length }) => length > 100)!,
      { qos: 2 }
    )
    const done = await listening.gone
    expect(done.code).toBe(0)
    expect(done.out).toContain("! this was shown before")
    expect(done.err).toContain("a frame was dropped: it is not JSON in UTF-8")
    expect(done.err).toContain("a frame was dropped: it is empty or larger than a frame may be")
    await ear.endAsync()
  })

  it("remembers bound answers across processes, and refuses an older one [nes.answer.4]", async () => {
    await using broker = await startBroker()
    const service = await ours()
    const common = ["-b", broker.url, "-p", service.url, "-P", service.key, "--provider_format", "bound"]
    const send = () => place.tacit(["nes", "send", ...common, "-u", "alice", "-t", "carol", "-m", "x"])
    const registered = await place.tacit([
      "nes",
      "register",
      "-u",
      "carol",
      "-e",
      "carol@example.org",
      "-p",
      service.url
    ])
    expect(registered.code, registered.err).toBe(0)
    expect((await send()).code).toBe(4)
    await fetch(post.linksOf("carol@example.org")[0]!)
    const first = await send()
    expect(first.code, first.err).toBe(0)
    const file = join(place.folder, ".nes", "answers.json")
    const held = JSON.parse(readFileSync(file, "utf8")) as { readonly carol: { readonly version: number } }
    expect(held.carol.version).toBe(1)
    writeFileSync(file, JSON.stringify({ carol: { version: 2, digest: "x" } }))
    const older = await send()
    expect([older.code, older.err]).toEqual([6, expect.stringContaining("have been replaced since")])
    service.running.kill("SIGTERM")
    expect((await service.running.gone).code).toBe(0)
  })

  it("asks the key service once for many messages, and a new process once again [nes.cache.1]", async () => {
    await using broker = await startBroker()
    const asked: Array<string> = []
    const body = compatible(
      {
        message: readFileSync(keyFile("bob-rsa-message.pub"), "utf8"),
        sign: readFileSync(keyFile("bob-rsa-sign.pub"), "utf8")
      },
      createPrivateKey(readFileSync(keyFile("directory-rsa-sign"), "utf8"))
    )
    const service = createServer((request, response) => {
      asked.push(request.url ?? "")
      response.writeHead(200, { "content-type": "application/json" }).end(body)
    })
    await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve))
    const address = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
    const common = [
      "-b",
      broker.url,
      "-p",
      address,
      "-P",
      keyFile("directory-rsa-sign.pub"),
      "-u",
      "alice",
      "-t",
      "bob"
    ]
    for (const round of [1, 2]) {
      const done = await place.tacit(["nes", "chat", ...common, "--json"], "one\ntwo\nthree\n")
      expect(done.out.split('"type":"sent"').length - 1, done.err).toBe(3)
      expect(asked).toEqual(Array.from({ length: round }, () => "/users/bob"))
    }
    service.closeAllConnections()
    service.close()
  })

  it("runs a broker, and says where", async () => {
    const running = place.start(["nes", "broker", "start", "--port", "0", "--json"])
    const { url } = parsed(await running.until((line) => line.includes("ready")))
    const client = await connectAsync(String(url), { protocolVersion: 4 })
    await client.endAsync()
    running.kill("SIGTERM")
    expect((await running.gone).code).toBe(0)
  })
})

describe("chat", () => {
  const words = (broker: string, user: string, to: string) => [
    "nes",
    "chat",
    "-b",
    broker,
    "--known",
    keyFile(""),
    "-u",
    user,
    "-t",
    to
  ]

  it("carries lines both ways and passes over everybody else [nes.chat.1]", async () => {
    await using broker = await startBroker()
    const open = (user: string, to: string) => {
      const child = spawn(process.execPath, [...argv, ...words(broker.url, user, to), "--json"], { env: place.env })
      let out = ""
      child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
      const shows = (wanted: string) => expect.poll(() => out, { timeout: 15_000, interval: 50 }).toContain(wanted)
      return { child, shows, out: () => out, gone: new Promise((resolve) => child.on("close", resolve)) }
    }
    const alice = open("alice", "bob")
    const bob = open("bob", "alice")
    await Promise.all([alice.shows('"ready"'), bob.shows('"ready"')])
    const others = ["-b", broker.url, "--known", keyFile("")]
    expect((await place.tacit(["nes", "send", ...others, "-u", "carol", "-t", "bob", "-m", "from carol"])).code).toBe(0)
    alice.child.stdin.write("hello bob\n//slash\n\n")
    await bob.shows('"message":"/slash"')
    bob.child.stdin.write("hello alice\n")
    await alice.shows('"message":"hello alice"')
    expect(bob.out()).toContain('"message":"hello bob"')
    expect(bob.out()).not.toContain("from carol")
    alice.child.stdin.write("/quit\n")
    bob.child.stdin.end()
    expect(await Promise.all([alice.gone, bob.gone])).toEqual([0, 0])
  })

  const hasScript = spawnSync("script", ["--version"]).status === 0
  it.runIf(hasScript)("works on a terminal: prompt, line editing, own lines and the other's [nes.chat.1]", async () => {
    await using broker = await startBroker()
    const line = [process.execPath, ...argv, ...words(broker.url, "alice", "bob")].map((word) => `'${word}'`).join(" ")
    const terminal = spawn("script", ["-qec", line, "/dev/null"], {
      env: { ...place.env, NO_COLOR: "", TERM: "xterm" }
    })
    let out = ""
    terminal.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
    const shows = (wanted: string) => expect.poll(() => out, { timeout: 15_000, interval: 50 }).toContain(wanted)
    await shows("Talking with bob")
    await shows("alice> ")
    const bob = place.start([
      "nes",
      "listen",
      "-b",
      broker.url,
      "--known",
      keyFile(""),
      "-u",
      "bob",
      "--json",
      "--count",
      "1"
    ])
    await bob.until((found) => found.includes("ready"))
    // A typing error taken back with backspace.
    terminal.stdin.write("hellp\u007fo\r")
    expect(parsed(await bob.until((found) => found.includes('"from"')))).toMatchObject({
      from: "alice",
      message: "hello"
    })
    await shows(": hello")
    await place.tacit([
      "nes",
      "send",
      "-b",
      broker.url,
      "--known",
      keyFile(""),
      "-u",
      "bob",
      "-t",
      "alice",
      "-m",
      "hello yourself"
    ])
    await shows("hello yourself")
    expect(out).toContain("\u001b[36mbob")
    terminal.stdin.write("\u0004")
    expect(await new Promise((resolve) => terminal.on("close", resolve))).toBe(0)
  })
})
