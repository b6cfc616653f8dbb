/**
 * Each known weakness: the exploit works against the profile or the original, and the same attack fails against the core protocol.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nobleProvider } from "@tacit/core/crypto/noble"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { connectAsync } from "mqtt"
import * as Result from "effect/Result"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { runFile, type RunnableFile } from "../../../../vectors/interpret/run.ts"
import { startBroker } from "../../src/broker.ts"
import { readCompatible } from "../../src/nes/Answer.ts"
import { smtpMailer, startDirectory } from "../../src/nes/directory/index.ts"
import { decode } from "../../src/nes/Frame.ts"
import type { KeySource } from "../../src/nes/KeySource.ts"
import { makeListener } from "../../src/nes/Listener.ts"
import { innerBytes, type Message } from "../../src/nes/Message.ts"
import { publicPem } from "../../src/nes/Keys.ts"
import { verifyPss } from "../../src/nes/Rsa.ts"
import { weaknesses } from "../../src/nes/Weakness.ts"
import { build, hasGo, type Program } from "./Go.ts"
import { linksOf, openPost } from "./Post.ts"
import { bytes, type Case, fileOf, folder, pem, privateKey, publicKey, read } from "./Vectors.ts"

const file = read("weaknesses")
const of = (id: string): ReadonlyArray<Case> => file.cases.filter(({ flags }) => flags.includes(id.replace("-w", "W")))
const one = (id: string): Case => of(id)[0]!

/** The key service of a world in which everybody is registered. */
const keys: KeySource = {
  keysOf: async (username) => ({
    message: publicKey(`${username}-rsa-message`),
    sign: publicKey(`${username}-rsa-sign`)
  })
}
const listenerOf = (user: string, key: unknown) =>
  makeListener({ user, messageKey: privateKey(fileOf(key)), keys, now: () => 1_700_000_000_000 })

/** Runs cases of the core protocol's vectors: every one must be refused, and refused rightly. */
const refusedByCore = (references: ReadonlyArray<string>): number => {
  let count = 0
  for (const reference of references) {
    const [path = "", id = ""] = reference.split(" ")
    const whole = JSON.parse(readFileSync(new URL(path, folder), "utf8")) as RunnableFile
    const cases = whole.cases.filter((item) => (id === "*invalid*" ? item.verdict === "invalid" : item.id === id))
    expect(cases.length, reference).toBeGreaterThan(0)
    for (const item of cases) expect(item.verdict, item.id).toBe("invalid")
    const outcomes = runFile(nobleProvider, { ...whole, cases })
    expect(outcomes.filter(({ problem }) => problem !== undefined)).toEqual([])
    count += outcomes.length
  }
  return count
}

describe("known weaknesses", () => {
  it("are those the profile lists, and the core protocol must refuse each [nes.profile.1]", () => {
    expect(new Set(file.cases.flatMap(({ flags }) => flags))).toEqual(
      new Set(weaknesses.map(({ id }) => id.replace("-w", "W")))
    )
    for (const item of file.cases) expect(item.verdict).toBe("invalid")
  })

  it("N-w1: a recorded signature confirms sender, millisecond and text [nes.weak.1]", () => {
    const item = one("N-w1")
    const frame = Result.getOrThrow(decode(bytes(item.in["frame"])))
    const key = publicKey(fileOf(item.in["sender"]))
    const guesses = item.in["guesses"] as ReadonlyArray<Message>
    const confirmed = guesses.filter((guess) => verifyPss(key, innerBytes(guess), frame.signature))
    expect(confirmed).toEqual([guesses[Number(item.out!["index"])]])
    expect(confirmed).toMatchObject([{ from: "alice", message: "yes" }])
  })

  it("N-w1: no part of an envelope of the core protocol is a signature over what one could guess", async () => {
    const native = await loadNodeProvider()
    const [reference = ""] = one("N-w1").core!.cases!
    const [path = "", id = ""] = reference.split(" ")
    const whole = JSON.parse(readFileSync(new URL(path, folder), "utf8")) as RunnableFile
    const item = whole.cases.find((found) => found.id === id)!
    const trace = whole.worlds[item.world!]!.trace
    const value = (name: string) => new Uint8Array(Buffer.from(trace.find((step) => step.id === name)!.out, "hex"))
    const signers = ["alice.account", "alice.device"].map(value)
    const guesses = ["s.0.0.content", "s.0.1.content"].map(value)
    const isConfirmed = (envelope: Uint8Array): boolean => {
      for (let at = 0; at + 64 <= envelope.length; at += 1) {
        const window = envelope.subarray(at, at + 64)
        // The upper bits of S are zero in every signature that can verify.
        if (window[63]! >= 0x20) continue
        for (const signer of signers) {
          for (const guess of guesses) if (native.ed25519Verify(signer, guess, window)) return true
        }
      }
      return false
    }
    // The search itself finds a signature that is there.
    const planted = Buffer.concat([
      Buffer.alloc(7),
      native.ed25519Sign(value("alice.sign-seed"), guesses[0]!),
      Buffer.alloc(5)
    ])
    expect(isConfirmed(new Uint8Array(planted))).toBe(true)
    expect(isConfirmed(value("s.0.1"))).toBe(false)
    expect(isConfirmed(value("s.0.0"))).toBe(false)
  }, 60_000)

  it("N-w2: a message passes from its recipient to another; shown with a warning [nes.weak.2] [nes.warn.1]", async () => {
    const item = one("N-w2")
    const event = await listenerOf(String(item.in["user"]), item.in["key"]).receive(bytes(item.in["frame"]))
    const { from, to, warnings } = item.out!
    expect(event).toMatchObject({ type: "message", message: { from, to }, warnings })
    expect(refusedByCore(item.core!.cases!)).toBe(2)
  })

  it("N-w3: an answer about one user passes for another's; a bound one does not [nes.weak.3] [nes.answer.4]", () => {
    const item = one("N-w3")
    const answer = Result.getOrThrow(readCompatible(bytes(item.in["body"]), publicKey(fileOf(item.in["directory"]))))
    // It was asked for alice, and carol's keys verify.
    expect(publicPem(answer.message)).toBe(pem(`${fileOf(item.out!["message"])}.pub`))
    expect(refusedByCore(item.core!.cases!)).toBe(2)
    const classes = read("answers").cases.flatMap(({ class: names = [] }) => names)
    for (const wanted of ["nes.other-user", "nes.time", "nes.rollback", "nes.fork"]) expect(classes).toContain(wanted)
  })

  it("N-w4: what ends the original is refused here [nes.weak.4] [nes.refuse.2]", async () => {
    for (const item of of("N-w4")) {
      const listener = listenerOf("bob", item.in["key"])
      expect(await listener.receive(bytes(item.in["frame"]))).toEqual({ type: "refused", cause: item.out!["cause"] })
    }
    expect(refusedByCore(one("N-w4").core!.cases!)).toBeGreaterThan(5)
  })

  it("N-w6: a key stolen later opens a frame recorded before [nes.weak.6]", async () => {
    const item = one("N-w6")
    const event = await listenerOf("bob", item.in["key"]).receive(bytes(item.in["frame"]))
    const message = Buffer.from(String(item.out!["message"]), "hex").toString()
    expect(event).toMatchObject({ type: "message", message: { from: "alice", message } })
    // A ratchet that has moved on has no key for what it opened before.
    expect(refusedByCore(item.core!.cases!)).toBe(2)
  })

  it("N-w7: a frame is shown as often as it is published; with a warning [nes.weak.7] [nes.warn.2]", async () => {
    const item = one("N-w7")
    const listener = listenerOf("bob", item.in["key"])
    const shown: Array<unknown> = []
    for (const frame of item.in["frames"] as ReadonlyArray<string>) {
      const event = await listener.receive(bytes(frame))
      shown.push(event.type === "message" ? event.warnings : event.cause)
    }
    expect(shown).toEqual(item.out!["warnings"])
    expect(refusedByCore(item.core!.cases!)).toBe(3)
  })
})

describe.runIf(hasGo)("exploits against the original's construction", () => {
  let program: Program
  let temporary = ""
  beforeAll(() => {
    program = build()
    temporary = mkdtempSync(join(tmpdir(), "tacit-nes-weak-"))
  }, 120_000)
  afterAll(() => {
    program.remove()
    rmSync(temporary, { recursive: true })
  })

  it("N-w1: the independent program confirms the same guess", async () => {
    const item = one("N-w1")
    writeFileSync(join(temporary, "frame.json"), bytes(item.in["frame"]))
    writeFileSync(join(temporary, "guesses.json"), JSON.stringify(item.in["guesses"]))
    writeFileSync(join(temporary, "sign.pub"), pem(`${fileOf(item.in["sender"])}.pub`))
    const words = ["-k", "sign.pub", "-f", "frame.json", "-g", "guesses.json"].map((word) =>
      word.startsWith("-") ? word : join(temporary, word)
    )
    const { objects } = await program.run(["guess", ...words])
    expect(objects).toEqual([
      { confirmed: expect.objectContaining({ message: "yes" }) as unknown, tries: Number(item.out!["index"]) + 1 }
    ])
  })

  it("N-w4: each malformed frame ends the original's listener [nes.weak.4]", async () => {
    await using broker = await startBroker()
    writeFileSync(join(temporary, "bob-rsa-message"), pem("bob-rsa-message"))
    const sender = await connectAsync(broker.url, { protocolVersion: 4 })
    for (const item of of("N-w4")) {
      const words = ["-b", broker.url, "-p", "http://127.0.0.1:9", "-P", join(temporary, "sign.pub"), "-u", "bob"]
      writeFileSync(join(temporary, "sign.pub"), pem("directory-rsa-sign.pub"))
      const listening = program.start(["listen", ...words, "-d", temporary])
      expect(await listening.next()).toEqual({ ready: "bob" })
      await sender.publishAsync("nes/bob/message", Buffer.from(bytes(item.in["frame"])), { qos: 2 })
      expect(await listening.gone).toBe(2)
      expect(listening.complaints()).toMatch(/^panic: /m)
    }
    await sender.endAsync()
  }, 60_000)

  it("N-w5: tokens follow from one's own; ours do not [nes.weak.5] [nes.token.3]", async () => {
    const item = one("N-w5")
    const { from, own, to } = item.in
    const range = ["-from", String(from), "-to", String(to)]
    const { objects } = await program.run(["predict", ...range, "-own", String(own), "-count", "3"])
    expect(objects).toMatchObject([{ seed: item.out!["seed"], next: item.out!["next"] }])

    // Against a service of the original's construction: mallory registers, then takes the next name without its mailbox.
    const post = await openPost()
    writeFileSync(join(temporary, "service"), pem("directory-rsa-sign"))
    const service = program.start(["service", "-k", join(temporary, "service"), "-smtp", `127.0.0.1:${post.port}`])
    const { ready } = await service.next()
    const attack = async (address: string, mallory: string, victim: string) => {
      const registration = (username: string, keysOf: string) => ({
        method: "POST",
        body: JSON.stringify({
          username,
          email: `${username}@example.org`,
          public_key_message: pem(`${keysOf}-rsa-message.pub`),
          public_key_sign: pem(`${keysOf}-rsa-sign.pub`)
        })
      })
      expect((await fetch(`${address}/users`, registration(mallory, "carol"))).status).toBe(201)
      const given = linksOf(post.to(`${mallory}@example.org`)[0]!.replaceAll("\r", ""))[0]!
        .split("/")
        .at(-1)!
      const now = Math.floor(Date.now() / 1000)
      const seeds = ["-from", String(now - 3_600), "-to", String(now)]
      const predicted = await program.run(["predict", ...seeds, "-own", given, "-count", "3"])
      // In the victim's name, with an address mallory cannot read.
      expect((await fetch(`${address}/users`, registration(victim, "bob"))).status).toBe(201)
      const tokens = (predicted.objects[0]?.["next"] ?? [given]) as ReadonlyArray<string>
      const statuses: Array<number> = []
      for (const token of tokens) statuses.push((await fetch(`${address}/users/${victim}/${token}`)).status)
      return { found: predicted.objects[0]?.["seed"] !== null, statuses }
    }
    // What follows is mallory's own second token, then the victim's two: made active, and removed again.
    expect(await attack(String(ready), "mallory", "victim")).toEqual({ found: true, statuses: [404, 200, 200] })
    service.kill()

    const mailer = smtpMailer({ host: "127.0.0.1", port: post.port, from: "keys@localhost" })
    await using ours = await startDirectory({ database: ":memory:", key: privateKey("directory-rsa-sign"), mailer })
    expect(await attack(ours.address, "mallory2", "victim2")).toEqual({ found: false, statuses: [404] })
    await post.close()
  }, 60_000)

  it("has vectors that the independent program writes again byte for byte", () => {
    const source = new URL("nes/", folder).pathname
    expect(spawnSync("go", ["version"]).status).toBe(0)
    execFileSync("go", ["run", ".", "vectors", "-keys", join(source, "keys"), "-o", temporary], {
      cwd: new URL("../conformance/subjects/nes-go/", folder).pathname
    })
    for (const name of ["frames", "answers", "weaknesses"]) {
      expect(readFileSync(join(temporary, `${name}.json`), "utf8")).toBe(
        readFileSync(join(source, "data", `${name}.json`), "utf8")
      )
    }
  }, 60_000)
})
