import { Bundle } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { join } from "node:path"
import { codeOf, crypto, type Peer } from "./Peer.ts"
import { folder, start, type Member } from "./start.ts"

const fetch = async (peer: Peer, { device }: Member): Promise<Bundle.CheckedBundle> => {
  const answer = await peer.ask({ type: 12, account: device.account, device: device.device })
  if (answer.type !== 13) throw new Error(String(codeOf(answer)))
  return Result.getOrThrow(Bundle.check(crypto, answer.bundle, device.account))
}

describe("prekeys", () => {
  it("takes a hundred of a kind and not one more [relay.prekeys.1]", async () => {
    const { connect, member } = await start()
    const alice = await member("alice")
    const owner = await connect()
    await owner.login(alice.device)
    const { prekeys } = alice.device
    expect(await owner.ask({ type: 7, ...prekeys({ oneTime: 60, oneTimeKem: 60 }) })).toMatchObject({ oneTime: 60 })
    const more = prekeys({ oneTime: 41, oneTimeKem: 0, from: 61, again: true })
    expect(codeOf(await owner.ask({ type: 7, ...more }))).toBe("bad-prekeys")
    const kem = prekeys({ oneTime: 0, oneTimeKem: 41, from: 61, again: true })
    expect(codeOf(await owner.ask({ type: 7, ...kem }))).toBe("bad-prekeys")
    const rest = prekeys({ oneTime: 40, oneTimeKem: 40, from: 61, again: true })
    expect(await owner.ask({ type: 7, ...rest })).toMatchObject({ oneTime: 100, oneTimeKem: 100 })
  })

  it("refuses ids out of order, and ids handed out long ago [relay.prekeys.1]", async () => {
    const { connect, member } = await start()
    const alice = await member("alice")
    const owner = await connect()
    await owner.login(alice.device)
    const keys = alice.device.prekeys({ oneTime: 3, oneTimeKem: 0 })
    const reversed = { ...keys, oneTime: keys.oneTime.toReversed() }
    expect(codeOf(await owner.ask({ type: 7, ...reversed }))).toBe("bad-prekeys")
    const doubled = { ...keys, oneTime: [keys.oneTime[0]!, keys.oneTime[0]!] }
    expect(codeOf(await owner.ask({ type: 7, ...doubled }))).toBe("bad-prekeys")
    expect(codeOf(await owner.ask({ type: 7, ...keys }))).toBe(6)
    const asker = await connect()
    for (let i = 0; i < 3; i++) await fetch(asker, alice)
    const again = alice.device.prekeys({ oneTime: 1, oneTimeKem: 0, from: 2, again: true })
    expect(codeOf(await owner.ask({ type: 7, ...again }))).toBe("bad-prekeys")
  })

  it("refuses keys no session may use [relay.prekeys.1]", async () => {
    const { connect, member } = await start()
    const { device } = await member("alice")
    const owner = await connect()
    await owner.login(device)
    const keys = device.prekeys({ oneTime: 1, oneTimeKem: 0 })
    const zero = { ...keys, oneTime: [{ id: 1, key: new Uint8Array(32) }] }
    expect(codeOf(await owner.ask({ type: 7, ...zero }))).toBe("bad-prekeys")
  })

  it("hands each out once over a restart, and gives thirty a minute [relay.prekeys.2]", async () => {
    const database = join(folder(), "relay.db")
    const first = await start({ database })
    const alice = await first.member("alice")
    const owner = await first.connect()
    await owner.login(alice.device)
    await owner.ask({ type: 7, ...alice.device.prekeys({ oneTime: 80, oneTimeKem: 80 }) })
    const seen: Array<number> = []
    const asker = await first.connect()
    for (let i = 0; i < 30; i++) seen.push((await fetch(asker, alice)).oneTimePrekey!.id)
    const beyond = await fetch(await first.connect(), alice)
    expect([beyond.oneTimePrekey, beyond.kemPrekey.oneTime]).toEqual([undefined, false])
    first.advance(60_001)
    seen.push((await fetch(asker, alice)).oneTimePrekey!.id)
    await first.stop()
    const second = await start({ database })
    const later = await second.connect()
    for (let i = 0; i < 20; i++) seen.push((await fetch(later, alice)).oneTimePrekey!.id)
    expect(new Set(seen).size).toBe(51)
  })

  it("runs out of either kind by itself, and falls back to the last resort [relay.prekeys.2]", async () => {
    const { connect, member } = await start()
    const alice = await member("alice")
    const owner = await connect()
    await owner.login(alice.device)
    await owner.ask({ type: 7, ...alice.device.prekeys({ oneTime: 1, oneTimeKem: 2 }) })
    const asker = await connect()
    const bundles = [await fetch(asker, alice), await fetch(asker, alice), await fetch(asker, alice)]
    expect(bundles.map((bundle) => bundle.oneTimePrekey !== undefined)).toEqual([true, false, false])
    expect(bundles.map((bundle) => bundle.kemPrekey.oneTime)).toEqual([true, true, false])
  })

  it("answers for a device without prekeys with a wait [relay.prekeys.3]", async () => {
    const { connect, member } = await start()
    const { device } = await member("alice")
    const asker = await connect()
    expect(await asker.ask({ type: 12, account: device.account, device: device.device })).toMatchObject({
      code: "unknown-device",
      retryAfterMs: 300
    })
  })
})
