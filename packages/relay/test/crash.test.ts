import { FixtureAccount } from "@tacit/core/testing"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { startChild, type ChildRelay } from "./ChildRelay.ts"
import { body, codeOf, connect, crypto, type Peer } from "./Peer.ts"
import { folder, sleep } from "./start.ts"

interface Box {
  readonly device: FixtureAccount.FixtureDevice
  /** Numbers in the order in which the relay answered `accepted`. */
  readonly accepted: Array<number>
  /** Numbers whose acknowledgement was answered. */
  readonly forgotten: Set<number>
}

const numberOf = (envelope: Uint8Array): number => Number(Buffer.from(envelope.slice(-100)).readBigUInt64BE(0))

const join1 = async (relay: ChildRelay, user: string): Promise<Box> => {
  const account = FixtureAccount.makeAccount(crypto, user)
  const device = account.addDevice()
  const peer = await connect(relay.url)
  expect(codeOf(await peer.register(account, device, user, await relay.invite(user)))).toBe(4)
  await peer.login(device)
  expect(codeOf(await peer.ask({ type: 9, tokenHash: device.tokenHash }))).toBe(4)
  await peer.close()
  return { device, accepted: [], forgotten: new Set() }
}

const submit = (peer: Peer, { device }: Box, number: number) =>
  peer.ask({
    type: 14,
    token: device.token,
    envelope: FixtureAccount.envelope(device.mailbox, 2, body(number))
  })

/** Submits numbers from `from` on, many at a time, until the relay is gone. */
const submitUntilDeath = async (relay: ChildRelay, box: Box, from: number): Promise<void> => {
  const peer = await connect(relay.url).catch(() => undefined)
  if (peer === undefined) return
  let number = from
  const one = async (): Promise<void> => {
    for (;;) {
      const mine = number++
      if (codeOf(await submit(peer, box, mine)) === 15) box.accepted.push(mine)
    }
  }
  await Promise.all(Array.from({ length: 16 }, () => one().catch(() => {})))
}

/** Receives and acknowledges some, until the relay is gone. */
const readUntilDeath = async (relay: ChildRelay, box: Box): Promise<void> => {
  try {
    const peer = await connect(relay.url)
    await peer.login(box.device)
    for (;;) {
      peer.tell({ type: 19, credit: 10 })
      const deliveries = await peer.deliveries(10)
      const some = deliveries.slice(0, 7)
      const answer = await peer.ask({ type: 17, deliveries: some.map(({ delivery }) => delivery) })
      if (answer.type === 4) for (const { envelope } of some) box.forgotten.add(numberOf(envelope))
    }
  } catch {
    // The relay was killed.
  }
}

describe("a relay that is killed", () => {
  it("has every accepted envelope afterwards, in order, and none that was acknowledged [relay.submit.1] [relay.mailbox.1]", async () => {
    const database = join(folder(), "relay.db")
    let relay = await startChild(database)
    const boxes = await Promise.all(["ann", "ben", "eve"].map((user) => join1(relay, user)))
    for (let round = 1; round <= 5; round++) {
      const work = boxes.map((box) => submitUntilDeath(relay, box, round * 100_000))
      const reading = readUntilDeath(relay, boxes[0]!)
      await sleep(40 + Math.random() * 160)
      expect(await relay.end("SIGKILL")).toBe("SIGKILL")
      await Promise.all([...work, reading])
      relay = await startChild(database)
    }
    for (const box of boxes) {
      expect(box.accepted.length).toBeGreaterThan(50)
      const owner = await connect(relay.url)
      const login = await owner.login(box.device)
      const waiting = login.type === 6 ? login.waiting : 0
      owner.tell({ type: 19, credit: waiting + 1 })
      const deliveries = await owner.deliveries(waiting)
      const got = deliveries.map(({ envelope }) => numberOf(envelope))
      // None twice, none that was acknowledged.
      expect(new Set(got).size).toBe(got.length)
      expect(got.filter((number) => box.forgotten.has(number))).toEqual([])
      // All that were accepted, in that order; others are submissions whose answer was lost.
      const accepted = new Set(box.accepted)
      const expected = box.accepted.filter((number) => !box.forgotten.has(number))
      const acknowledgedUnheard = new Set(expected.filter((number) => !got.includes(number)))
      // An acknowledgement may have been kept without its answer being heard: one frame of at most seven a round.
      expect(acknowledgedUnheard.size).toBeLessThanOrEqual(box === boxes[0] ? 35 : 0)
      expect(got.filter((number) => accepted.has(number))).toEqual(
        expected.filter((number) => !acknowledgedUnheard.has(number))
      )
      expect(deliveries.map(({ delivery }) => delivery)).toEqual(
        deliveries.map(({ delivery }) => delivery).toSorted((a, b) => a - b)
      )
      await owner.ask({ type: 17, deliveries: deliveries.map(({ delivery }) => delivery).slice(0, 1_024) })
    }
    expect(await relay.end("SIGTERM")).toBe(0)
  }, 30_000)

  it("ends with 0 on SIGTERM within ten seconds, with submissions in flight [relay.shutdown.1]", async () => {
    const database = join(folder(), "relay.db")
    const relay = await startChild(database)
    const box = await join1(relay, "ann")
    const work = submitUntilDeath(relay, box, 1)
    await sleep(100)
    const before = performance.now()
    expect(await relay.end("SIGTERM")).toBe(0)
    expect(performance.now() - before).toBeLessThan(10_000)
    await work
    const again = await startChild(database)
    const owner = await connect(again.url)
    const login = await owner.login(box.device)
    expect(login.type === 6 && login.waiting).toBeGreaterThanOrEqual(box.accepted.length)
    await again.end("SIGTERM")
  }, 30_000)
})

describe("throughput", () => {
  it("accepts thousands of pipelined submissions a second, each durable", async () => {
    const relay = await startChild(join(folder(), "relay.db"), { limits: { connectionBurst: 1e6 } })
    const boxes = await Promise.all(["ann", "ben"].map((user) => join1(relay, user)))
    const peers = await Promise.all([connect(relay.url), connect(relay.url)])
    const each = 8_000
    const envelopes = boxes.map((box) =>
      Array.from({ length: each }, (_, i) => FixtureAccount.envelope(box.device.mailbox, 2, body(i, 512)))
    )
    const run = async (which: number, from: number, to: number): Promise<void> => {
      const { token } = boxes[which]!.device
      let next = from
      const one = async (): Promise<void> => {
        while (next < to) {
          const envelope = envelopes[which]![next++]!
          expect((await peers[which]!.ask({ type: 14, token, envelope })).type).toBe(15)
        }
      }
      await Promise.all(Array.from({ length: 256 }, one))
    }
    await Promise.all([run(0, 0, 1_000), run(1, 0, 1_000)])
    const before = performance.now()
    await Promise.all([run(0, 1_000, each), run(1, 1_000, each)])
    const perSecond = Math.round((2 * (each - 1_000)) / ((performance.now() - before) / 1_000))
    console.log(`submissions per second: ${perSecond}`)
    // Far below what it does, so that a busy machine does not fail the suite.
    expect(perSecond).toBeGreaterThan(1_500)
    await relay.end("SIGTERM")
  }, 30_000)
})
