/**
 * The listener: everything that arrives becomes an event; warnings; ten thousand malformed frames over a broker.
 */
import { createHash, createHmac } from "node:crypto"
import { type AddressInfo, createServer } from "node:net"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { connectAsync } from "mqtt"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { startBroker, type RunningBroker } from "../../src/broker.ts"
import { blindTopic, blindTopics } from "../../src/nes/Blind.ts"
import { Nes, openNes } from "../../src/nes/Client.ts"
import { encode } from "../../src/nes/Frame.ts"
import { cached, KeyError, type KeySource } from "../../src/nes/KeySource.ts"
import { type Event, makeListener } from "../../src/nes/Listener.ts"
import { type Message, seal } from "../../src/nes/Message.ts"
import { clientId, isBrokerAddress } from "../../src/nes/Mqtt.ts"
import { causes, explanations, warnings, warningTexts } from "../../src/nes/Refusal.ts"
import { malformed } from "./Malformed.ts"
import { freePort, listenAgain } from "../../../../scripts/lib/free-port.ts"
import { pem, privateKey, publicKey } from "./Vectors.ts"

const users = new Set(["alice", "bob", "carol"])
let asked: Array<string> = []
const keys: KeySource = {
  keysOf: async (username) => {
    asked.push(username)
    if (username === "away") throw new KeyError({ reason: "unreachable" })
    if (!users.has(username)) throw new KeyError({ reason: "unknown-user" })
    return { message: publicKey(`${username}-rsa-message`), sign: publicKey(`${username}-rsa-sign`) }
  }
}
const start = 1_700_000_000_000
const sealedBy = (from: string, more: Partial<Message> = {}) =>
  encode(
    seal(publicKey("bob-rsa-message"), privateKey(`${users.has(from) ? from : "alice"}-rsa-sign`), {
      from,
      to: "bob",
      timestamp: start,
      message: "Hello",
      ...more
    })
  )

describe("the listener", () => {
  const open = (now: () => number = () => start) =>
    makeListener({ user: "bob", messageKey: privateKey("bob-rsa-message"), keys, now })

  it("shows what verifies, without warnings [nes.receive.3]", async () => {
    expect(await open().receive(sealedBy("alice"))).toEqual({
      type: "message",
      message: { from: "alice", to: "bob", timestamp: start, message: "Hello" },
      warnings: []
    })
  })

  it("tells a sender nobody knows from keys that cannot be had [nes.refuse.3]", async () => {
    expect(await open().receive(sealedBy("nobody"))).toEqual({ type: "refused", cause: "unknown-sender" })
    expect(await open().receive(sealedBy("away"))).toEqual({ type: "refused", cause: "keys-unavailable" })
    const broken: KeySource = { keysOf: () => Promise.reject(new Error("broken")) }
    const listener = makeListener({ user: "bob", messageKey: privateKey("bob-rsa-message"), keys: broken })
    expect(await listener.receive(sealedBy("alice"))).toEqual({ type: "refused", cause: "keys-unavailable" })
  })

  it("warns of a message to somebody else [nes.warn.1]", async () => {
    expect(await open().receive(sealedBy("alice", { to: "carol" }))).toMatchObject({ warnings: ["wrong-recipient"] })
  })

  it("warns of a message shown before, in the same frame or another [nes.warn.2]", async () => {
    const listener = open()
    const frame = sealedBy("alice")
    expect(await listener.receive(frame)).toMatchObject({ warnings: [] })
    expect(await listener.receive(frame)).toMatchObject({ warnings: ["replayed"] })
    expect(await listener.receive(sealedBy("alice"))).toMatchObject({ warnings: ["replayed"] })
    expect(await listener.receive(sealedBy("alice", { timestamp: start + 1 }))).toMatchObject({ warnings: [] })
  })

  it("warns of times before it began and after now, five minutes apart [nes.warn.3]", async () => {
    let now = start
    const listener = open(() => now)
    now += 60 * 60 * 1000
    const five = 5 * 60 * 1000
    const at = async (timestamp: number) => listener.receive(sealedBy("alice", { timestamp }))
    expect(await at(start - five)).toMatchObject({ warnings: [] })
    expect(await at(start - five - 1)).toMatchObject({ warnings: ["stale"] })
    expect(await at(now + five)).toMatchObject({ warnings: [] })
    expect(await at(now + five + 1)).toMatchObject({ warnings: ["future"] })
  })

  it("remembers nothing of a forgery: the genuine message is still a first one [nes.refuse.2]", async () => {
    const listener = open()
    const message = { from: "alice", to: "bob", timestamp: start, message: "Hello" }
    const forged = encode(seal(publicKey("bob-rsa-message"), privateKey("carol-rsa-sign"), message))
    expect(await listener.receive(forged)).toEqual({ type: "refused", cause: "signature" })
    expect(await listener.receive(sealedBy("alice"))).toMatchObject({ type: "message", warnings: [] })
  })

  it("has words for every cause and warning [nes.refuse.1]", () => {
    for (const cause of causes) expect(explanations[cause].length).toBeGreaterThan(10)
    for (const warning of warnings) expect(warningTexts[warning].length).toBeGreaterThan(10)
  })
})

describe("over a broker", () => {
  let broker: RunningBroker
  beforeAll(async () => {
    broker = await startBroker()
  })
  afterAll(() => broker.close())

  const bob = () =>
    openNes({
      broker: broker.url,
      user: "bob",
      messageKey: privateKey("bob-rsa-message"),
      signKey: privateKey("bob-rsa-sign"),
      keys: cached(keys)
    })
  const alice = () =>
    openNes({ broker: broker.url, user: "alice", signKey: privateKey("alice-rsa-sign"), keys: cached(keys) })

  it("carries messages with QoS 2, not retained, to the recipient's topic; an eavesdropper sees no text [nes.topic.1] [nes.mqtt.1] [nes.send.1]", async () => {
    const ear = await connectAsync(broker.url, { protocolVersion: 4 })
    const heard: Array<{
      readonly topic: string
      readonly payload: string
      readonly qos: number
      readonly retain: boolean
    }> = []
    ear.on("message", (topic, payload, packet) => {
      heard.push({ topic, payload: payload.toString(), qos: packet.qos, retain: packet.retain })
    })
    await ear.subscribeAsync("nes/#", { qos: 2 })
    await using receiver = await bob()
    await using sender = await alice()
    const sent = await sender.send("bob", "a secret text")
    const events = receiver.events()[Symbol.asyncIterator]()
    expect((await events.next()).value).toEqual({ type: "message", message: sent, warnings: [] })
    await expect.poll(() => heard.length).toBe(1)
    expect(heard[0]).toMatchObject({ topic: "nes/bob/message", qos: 2, retain: false })
    expect(heard[0]!.payload).not.toMatch(/secret|alice/)
    await ear.endAsync()
    // Nothing waits at the broker for somebody who comes later.
    await using late = await bob()
    const stop = AbortSignal.timeout(300)
    const later: Array<Event> = []
    for await (const event of late.events(stop)) later.push(event)
    expect(later).toEqual([])
  })

  it("goes on after the connection was lost [nes.mqtt.1]", async () => {
    const first = await startBroker({ port: await freePort() })
    const receiver = await openNes({
      broker: first.url,
      user: "bob",
      messageKey: privateKey("bob-rsa-message"),
      signKey: privateKey("bob-rsa-sign"),
      keys
    })
    await first.close()
    const second = await listenAgain(() => startBroker({ port: first.port }))
    await using sender = await openNes({
      broker: second.url,
      user: "alice",
      signKey: privateKey("alice-rsa-sign"),
      keys
    })
    const events = receiver.events()[Symbol.asyncIterator]()
    const next = events.next()
    let shown = false
    void next.then(() => (shown = true))
    for (let i = 0; i < 100 && !shown; i++) {
      await sender.send("bob", `are you there? ${i}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect((await next).value).toMatchObject({ type: "message" })
    await receiver.close()
    await sender.close()
    await second.close()
  }, 20_000)

  it("is asked for keys once for many messages, and once more by another process's cache [nes.cache.1]", async () => {
    for (const round of [1, 2]) {
      asked = []
      await using sender = await alice()
      for (let i = 0; i < 5; i++) await sender.send("bob", `${round} ${i}`)
      expect(asked).toEqual(["bob"])
    }
  })

  it("gives up on a broker that says nothing, and on one that confirms nothing", async () => {
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve))
    const { port } = silent.address() as AddressInfo
    const open = (address: string) =>
      openNes({ broker: address, user: "alice", signKey: privateKey("alice-rsa-sign"), keys, timeoutMs: 500 })
    await expect(open(`tcp://127.0.0.1:${port}`)).rejects.toMatchObject({ _tag: "BrokerError", reason: "unreachable" })
    silent.close()

    const going = await startBroker()
    await using sender = await open(going.url)
    await going.close()
    await expect(sender.send("bob", "is anybody there?")).rejects.toMatchObject({ reason: "timeout" })
  })

  it("is a service of Effect, closed with its scope", async () => {
    const options = { broker: broker.url, user: "bob", signKey: privateKey("bob-rsa-sign"), keys: cached(keys) }
    const program = Effect.gen(function* () {
      const nes = yield* Nes
      const sent = yield* nes.send("bob", "to myself")
      const failed = yield* Effect.flip(nes.send("nobody", "x"))
      const heard = yield* Stream.runCollect(Stream.take(nes.events, 1))
      return { sent, failed, heard: [...heard] }
    })
    const layer = Nes.layer({ ...options, messageKey: privateKey("bob-rsa-message") })
    const { failed, heard, sent } = await Effect.runPromise(Effect.provide(program, layer))
    expect(heard).toEqual([{ type: "message", message: sent, warnings: [] }])
    expect(failed).toMatchObject({ _tag: "KeyError", reason: "unknown-user" })
    const nowhere = Effect.provide(program, Nes.layer({ ...options, broker: "tcp://127.0.0.1:9", timeoutMs: 1_000 }))
    expect(await Effect.runPromise(Effect.flip(nowhere))).toMatchObject({ _tag: "BrokerError", reason: "unreachable" })
  })

  it("can hide the recipient's name, for three subscriptions in place of one [nes.blind.1] [nes.blind.2]", async () => {
    const day = 24 * 60 * 60 * 1000
    const key = publicKey("bob-rsa-message")
    const secret = createHash("sha256").update(pem("bob-rsa-message.pub")).digest()
    const name = createHmac("sha256", secret).update("nes topic 19675").digest("hex").slice(0, 32)
    expect(blindTopic(key, start)).toBe(`nes/${name}/message`)
    expect(blindTopics(key, start)).toEqual([-day, 0, day].map((shift) => blindTopic(key, start + shift)))
    expect(new Set(blindTopics(key, start)).size).toBe(3)
    expect(blindTopic(publicKey("carol-rsa-message"), start)).not.toBe(blindTopic(key, start))

    const ear = await connectAsync(broker.url, { protocolVersion: 4 })
    const topics: Array<string> = []
    ear.on("message", (topic) => topics.push(topic))
    await ear.subscribeAsync("#", { qos: 2 })
    const open = (user: string, now: number, messageKey = {}) =>
      openNes({
        broker: broker.url,
        user,
        signKey: privateKey(`${user}-rsa-sign`),
        keys: cached(keys),
        blind: true,
        now: () => now,
        ...messageKey
      })
    await using receiver = await open("bob", start, { messageKey: privateKey("bob-rsa-message") })
    const events = receiver.events()[Symbol.asyncIterator]()
    // Clocks a day apart still meet.
    for (const now of [start - day, start, start + day]) {
      await using sender = await open("alice", now)
      await sender.send("bob", `at ${now}`)
      expect((await events.next()).value).toMatchObject({ type: "message", message: { message: `at ${now}` } })
    }
    await expect.poll(() => topics.length).toBe(3)
    expect(topics.join()).not.toMatch(/bob|alice/)
    expect(topics).toEqual(blindTopics(key, start))
    await ear.endAsync()
  })

  it("is not held up by a sender whose keys are slow to come, and keeps each sender's order", async () => {
    let answer: () => void = () => undefined
    const slow = new Promise<void>((resolve) => (answer = resolve))
    const held: KeySource = {
      keysOf: async (username) => {
        if (username === "carol") await slow
        return keys.keysOf(username)
      }
    }
    await using receiver = await openNes({
      broker: broker.url,
      user: "bob",
      messageKey: privateKey("bob-rsa-message"),
      signKey: privateKey("bob-rsa-sign"),
      keys: cached(held)
    })
    const events = receiver.events()[Symbol.asyncIterator]()
    const said = async () => {
      const event = (await events.next()).value as Event
      return event.type === "message" ? `${event.message.from} ${event.message.message}` : event.cause
    }
    await using carol = await openNes({
      broker: broker.url,
      user: "carol",
      signKey: privateKey("carol-rsa-sign"),
      keys
    })
    await using sender = await alice()
    for (const text of ["1", "2", "3"]) await carol.send("bob", text)
    for (const text of ["a", "b"]) await sender.send("bob", text)
    expect([await said(), await said()]).toEqual(["alice a", "alice b"])
    answer()
    expect([await said(), await said(), await said()]).toEqual(["carol 1", "carol 2", "carol 3"])
  })

  it("refuses what cannot be sent, before anything is published", async () => {
    await using sender = await alice()
    await expect(sender.send("Not a name", "x")).rejects.toMatchObject({ reason: "name" })
    await expect(sender.send("bob", "")).rejects.toMatchObject({ reason: "text" })
    await expect(sender.send("bob", "x".repeat(200_000))).rejects.toMatchObject({ reason: "size" })
    await expect(sender.send("nobody", "x")).rejects.toMatchObject({ reason: "unknown-user" })
    await expect(
      openNes({
        broker: "tcp://127.0.0.1:9",
        user: "alice",
        signKey: privateKey("alice-rsa-sign"),
        keys,
        timeoutMs: 2_000
      })
    ).rejects.toMatchObject({ reason: "unreachable" })
    await expect(
      openNes({ broker: "nowhere", user: "alice", signKey: privateKey("alice-rsa-sign"), keys })
    ).rejects.toMatchObject({ reason: "address" })
    expect(isBrokerAddress("http://a")).toBe(false)
    expect(clientId()).toMatch(/^[a-z]{8}$/)
  })

  it("stays up through ten thousand malformed frames, each refused for a stated cause [nes.refuse.1] [nes.refuse.2]", async () => {
    const many = 10_000
    await using receiver = await bob()
    const source = malformed(
      "frames",
      publicKey("bob-rsa-message"),
      privateKey("alice-rsa-sign"),
      privateKey("carol-rsa-sign"),
      "alice"
    )
    const counts = new Map<string, number>()
    const last: Array<Event> = []
    const reading = (async () => {
      for await (const event of receiver.events()) {
        if (event.type === "message") {
          last.push(event)
          return
        }
        counts.set(event.cause, (counts.get(event.cause) ?? 0) + 1)
      }
    })()
    const sender = await connectAsync(broker.url, { protocolVersion: 4 })
    for (let i = 0; i < many; i += 100) {
      await Promise.all(
        Array.from({ length: 100 }, () =>
          sender.publishAsync("nes/bob/message", Buffer.from(source.frame()), { qos: 2 })
        )
      )
    }
    await sender.publishAsync("nes/bob/message", Buffer.from(source.genuine()), { qos: 2 })
    await reading
    await sender.endAsync()
    expect(last).toMatchObject([{ type: "message", message: { from: "alice" }, warnings: [] }])
    expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(many)
    // Every cause but one occurred; keys that cannot be had are tested above.
    const wanted = causes.filter((cause) => cause !== "keys-unavailable")
    expect(wanted.filter((cause) => !counts.has(cause))).toEqual([])
  }, 120_000)
})
