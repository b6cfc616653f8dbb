import { ClientFrame, encodeClient } from "@tacit/transport-ws/frames"
import { FixtureAccount, arbitrary } from "@tacit/core/testing"
import * as Result from "effect/Result"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { body, codeOf, crypto } from "./Peer.ts"
import { sleep, start } from "./start.ts"

/** A frame of any kind, damaged or not, as bytes. */
const bytes = fc.oneof(
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        arbitrary(fc, ClientFrame),
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        fc.constantFrom("as is", "set", "cut", "add")
      )
      .map(([frame, at, byte, how]) => {
        const encoded = encodeClient(frame)
        if (Result.isFailure(encoded)) return new Uint8Array()
        const copy = encoded.success.slice()
        if (how === "cut") return copy.slice(0, at % copy.length)
        if (how === "add") return Uint8Array.of(...copy, byte)
        if (how === "set") copy[at % copy.length] = byte
        return copy
      })
  }
)

describe("a relay that is sent anything", () => {
  it("serves others whatever one connection sends [relay.frame.2]", async () => {
    const running = await start()
    const { device } = await running.member("alice")
    const owner = await running.connect()
    await owner.login(device)
    owner.tell({ type: 19, credit: 10_000 })
    let number = 0
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { maxLength: 40 }), fc.boolean(), async (frames, loggedIn) => {
        const peer = await running.connect()
        if (loggedIn) await peer.login(FixtureAccount.makeAccount(crypto, "alice").addDevice(), 1).catch(() => {})
        for (const frame of frames) peer.sendBytes(frame)
        await Promise.race([peer.ask({ type: 20 }).catch(() => {}), peer.closed])
        const other = await running.connect()
        const envelope = FixtureAccount.envelope(device.mailbox, 1, body(++number))
        const answer = await other.ask({ type: 14, token: new Uint8Array(), envelope })
        expect([15, "rate-limited"]).toContain(codeOf(answer))
        running.advance(1_000)
        peer.socket.terminate()
        other.socket.terminate()
      }),
      { numRuns: 120 }
    )
    expect((await fetch(`${running.http}/health`)).status).toBe(200)
  }, 20_000)

  it("takes ten thousand garbage frames over many connections without growing [relay.frame.2]", async () => {
    const running = await start()
    const round = async (): Promise<void> => {
      const peers = await Promise.all(Array.from({ length: 50 }, () => running.connect()))
      for (const peer of peers) for (let i = 0; i < 50; i++) peer.sendBytes(body(i, 1_000))
      expect(await Promise.all(peers.map((peer) => peer.closed))).toEqual(peers.map(() => 1008))
    }
    await round()
    globalThis.gc?.()
    const before = process.memoryUsage()
    for (let i = 0; i < 4; i++) await round()
    await sleep(50)
    globalThis.gc?.()
    const after = process.memoryUsage()
    expect(after.arrayBuffers + after.external - before.arrayBuffers - before.external).toBeLessThan(32 * 1024 * 1024)
    expect(await running.metric("tacit_relay_connections")).toBe(0)
    expect(codeOf(await (await running.connect()).ask({ type: 20 }))).toBe(4)
  }, 20_000)

  it("ends connections whose WebSocket framing is broken, and no others", async () => {
    const running = await start()
    const other = await running.connect()
    const { connect } = await import("node:net")
    for (const garbage of [
      Buffer.alloc(4_000, 0xff),
      Buffer.from("GET / HTTP/1.1\r\n\r\n"),
      Buffer.from([0x82, 0xff, 0x7f])
    ]) {
      const socket = connect(running.relay.port, "127.0.0.1")
      socket.write(
        "GET /v1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
          "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: tacit.1\r\n\r\n"
      )
      await new Promise((resolve) => socket.once("data", resolve))
      socket.write(garbage)
      socket.end()
      await new Promise((resolve) => socket.once("close", resolve))
    }
    expect(codeOf(await other.ask({ type: 20 }))).toBe(4)
  })
})
