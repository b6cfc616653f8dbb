/**
 * What a broker sees: measured at a broker that writes everything down, and kept as a file that shows when it changes.
 *
 * The file is docs/mqtt-metadata.txt; `npx vitest run packages/transport-mqtt/test/seen.test.ts -u` writes it anew.
 */
import { createServer, type AddressInfo } from "node:net"
import { Bytes } from "@tacit/core/hazmat"
import { openClient } from "@tacit/bots"
import { makeSteward } from "@tacit/relay"
import { BrokerLink } from "@tacit/transport-mqtt/wire"
import { Aedes } from "aedes"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"

interface Seen {
  readonly topic: string
  readonly payload: Buffer
  readonly retain: boolean
  readonly qos: number
}

interface Account {
  readonly connections: Array<{ readonly id: string; readonly clean: boolean; readonly will: string }>
  readonly published: Array<Seen>
  readonly subscribed: Array<string>
}

/** A broker that writes down whatever reaches it. */
const meteredBroker: Effect.Effect<readonly [number, Account], never, Scope.Scope> = Effect.gen(function* () {
  const account: Account = { connections: [], published: [], subscribed: [] }
  const broker = yield* Effect.promise(() =>
    Aedes.createBroker({
      authorizePublish: (_, { payload, qos, retain, topic }, done) => {
        account.published.push({ topic, payload: Buffer.from(payload), qos, retain })
        done(null)
      }
    })
  )
  broker.preConnect = (_, packet, done) => {
    const { clean = false, clientId, will } = packet
    account.connections.push({ id: clientId, clean, will: will?.topic ?? "" })
    done(null, true)
  }
  broker.on("subscribe", (subscriptions) => account.subscribed.push(...subscriptions.map(({ topic }) => topic)))
  const server = createServer({ noDelay: true }, (socket) => void broker.handle(socket))
  const port = yield* Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<number>((resolve) =>
          server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port))
        )
    ),
    () =>
      Effect.promise(async () => {
        await new Promise<void>((resolve) => broker.close(resolve))
        server.close()
      })
  )
  return [port, account] as const
})

const texts = ["the first thing alice says to bob", "the second", "and a third, with some more to it"]
const names = ["alice-with-a-long-name", "bob-with-a-long-name"] as const

const kindOf = (topic: string): string => topic.replace(/^m\//, "").replace(/[0-9a-f]{32}$/, "<32 hex>")

/** Distinct values, sorted, as one line. */
const distinct = (values: ReadonlyArray<string | number | boolean>): string =>
  [...new Set(values)].toSorted((a, b) => (a < b ? -1 : 1)).join(", ")

/** The scene; answers what the broker wrote down, and what must not be found in it. */
const scene = Effect.gen(function* () {
  const [port, account] = yield* meteredBroker
  const broker = `mqtt://127.0.0.1:${port}`
  const eavesdropped: Array<string> = []
  const spy = yield* Effect.acquireRelease(
    Effect.promise(() =>
      BrokerLink.connect({
        address: broker,
        protocol: 4,
        timeoutMs: 2_000,
        keepaliveMs: 20_000,
        onMessage: (topic, payload) => eavesdropped.push(`${topic} ${Buffer.from(payload).toString("latin1")}`),
        onLost: () => undefined
      })
    ),
    (link) => Effect.promise(() => link.end())
  )
  yield* Effect.promise(() => spy.subscribe(["#"]))
  account.connections.length = 0
  account.subscribed.length = 0
  const steward = yield* makeSteward({ database: ":memory:", broker: `${broker}/m`, observe: true })
  const open = (user: string) =>
    Effect.gen(function* () {
      const password = yield* steward.invite(user)
      return yield* Effect.acquireRelease(
        Effect.promise(() => openClient({ relay: steward.url, user, password, temporary: true })),
        (client) => Effect.promise(() => client.close())
      )
    })
  const bob = yield* open(names[1])
  const alice = yield* open(names[0])
  const read: Array<string> = []
  yield* Effect.promise(async () => {
    for (const text of texts) await alice.send(names[1], text)
    for await (const { body } of bob.messages()) {
      if (body.type === "text") read.push(body.text)
      if (read.length === texts.length) break
    }
  })
  yield* Effect.promise(() => bob.flush())
  const { traffic } = yield* steward.relaySaw
  const log = traffic?.log ?? []
  const hidden: ReadonlyArray<readonly [string, ReadonlyArray<Uint8Array>]> = [
    ["text of messages", texts.map((text) => Bytes.utf8Encode(text))],
    ["names of users", names.map((name) => Bytes.utf8Encode(name))],
    ["ids of accounts and devices", [alice.self, bob.self].flatMap(({ account: a, device }) => [a, device]).map(hex)],
    ["mailboxes", log.map(({ mailbox }) => hex(mailbox))],
    ["envelopes, or parts of them", log.flatMap(({ envelope }) => [envelope.slice(0, 20), envelope.slice(-32)])]
  ]
  return { account, eavesdropped, hidden, log, read }
}).pipe(Effect.scoped, Effect.provide(Logger.layer([])))

const hex = (text: string): Uint8Array => Bytes.fromHex(text) ?? new Uint8Array(0)

describe("what a broker sees", { timeout: 60_000 }, () => {
  it("is ciphertext on topics that name nobody, and the file says so [mqtt.seen.1] [mqtt.topic.1] [mqtt.broker.1] [mqtt.broker.2]", async () => {
    const { account, eavesdropped, hidden, log, read } = await Effect.runPromise(scene)
    expect(read).toEqual(texts)
    expect(log.length).toBeGreaterThanOrEqual(texts.length)
    const published = account.published.filter(({ topic }) => !topic.startsWith("$SYS"))
    expect(eavesdropped.length).toBeGreaterThan(20)

    const everything = [
      ...eavesdropped,
      ...published.map(({ payload, topic }) => `${topic} ${payload.toString("latin1")}`),
      ...account.connections.map(({ id, will }) => `${id} ${will}`),
      ...account.subscribed
    ]
    const found = hidden.map(([what, values]) => {
      const forms = values.flatMap((bytes) => {
        const buffer = Buffer.from(bytes)
        return [buffer.toString("latin1"), buffer.toString("hex")]
      })
      return [what, everything.filter((seen) => forms.some((form) => seen.includes(form))).length] as const
    })
    for (const [what, count] of found) expect([what, count]).toEqual([what, 0])
    // The search finds what is there.
    expect(everything.some((seen) => seen.includes("localhost"))).toBe(true)

    const kinds = [...new Set(published.map(({ topic }) => kindOf(topic)))].toSorted()
    const rows = kinds.map((kind) => {
      const of = published.filter(({ topic }) => kindOf(topic) === kind)
      const sizes = of.map(({ payload }) => payload.length)
      const fixed = new Set(sizes).size === 1
      return [
        kind.padEnd(18),
        distinct(of.map(({ retain }) => (retain ? "retained" : "passing"))).padEnd(10),
        `QoS ${distinct(of.map(({ qos }) => qos))}`.padEnd(7),
        kind === "steward" ? "readable: name, key, instance" : fixed ? `${sizes[0]!} bytes` : "sizes vary"
      ].join(" ")
    })
    const ids = account.connections.map(({ id }) => id)
    const report = [
      `Two people with one device each enrol, and one sends the other ${texts.length} messages.`,
      "",
      "Connections",
      `  client ids        ${distinct(ids.map((id) => id.replace(/^t[0-9a-f]{22}$/, "t<22 hex>")))}; ${ids.length - new Set(ids).size} used twice`,
      `  sessions          ${distinct(account.connections.map(({ clean }) => (clean ? "clean" : "kept")))}`,
      `  wills             ${distinct(account.connections.map(({ will }) => kindOf(will)))}`,
      "",
      "Published",
      ...rows.map((row) => `  ${row}`),
      "",
      "Subscribed",
      ...[...new Set(account.subscribed.filter((topic) => topic !== "#").map(kindOf))]
        .toSorted()
        .map((topic) => `  ${topic}`),
      "",
      "Found in topics, payloads, client ids and wills, as bytes or hexadecimal",
      ...found.map(([what, count]) => `  ${what.padEnd(30)} ${count}`),
      ""
    ].join("\n")
    await expect(report).toMatchFileSnapshot("../../../docs/mqtt-metadata.txt")
  })
})
