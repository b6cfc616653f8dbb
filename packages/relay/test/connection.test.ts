import { Canonical } from "@tacit/core/hazmat"
import { FixtureAccount } from "@tacit/core/testing"
import { codes, maxFrameBytes } from "@tacit/transport-ws/frames"
import { describe, expect, it } from "vitest"
import { WebSocket } from "ws"
import { body, codeOf, connect } from "./Peer.ts"
import { sleep, start, until } from "./start.ts"

const noToken = new Uint8Array()

describe("connections", () => {
  it("speaks only at its path, and only to who offers its subprotocol [relay.frame.1]", async () => {
    const { url } = await start()
    const attempt = (address: string, protocol?: string) =>
      new Promise<string | number>((resolve) => {
        const socket = new WebSocket(address, protocol)
        socket.on("open", () => {
          resolve(socket.protocol)
          socket.close()
        })
        socket.on("unexpected-response", (_, response) => resolve(response.statusCode ?? 0))
        socket.on("error", () => resolve("error"))
      })
    expect(await attempt(`${url}/v1`, "tacit.1")).toBe("tacit.1")
    expect(await attempt(`${url}/v2`, "tacit.1")).toBe(404)
    expect(await attempt(`${url}/v1`)).toBe(400)
    expect(await attempt(`${url}/v1`, "mqtt")).toBe(400)
  })

  it("greets with its name, a fresh challenge and its limits [relay.welcome.1]", async () => {
    const { connect } = await start({ name: "relay.example", limits: { mailboxEnvelopes: 77 } })
    const peer = await connect()
    const first = await peer.hello()
    const second = await peer.hello()
    expect(first.relay).toBe("relay.example")
    expect(first.challenge).not.toEqual(second.challenge)
    expect(first.limits).toMatchObject({ frameBytes: 262_144, envelopeBytes: 131_072, mailboxEnvelopes: 77 })
    expect(Math.abs(first.now - Date.now())).toBeLessThan(5_000)
  })

  it("answers frames that do not decode for request 0, stays, and closes after 16 [relay.frame.2]", async () => {
    const { connect } = await start()
    const peer = await connect()
    for (let i = 0; i < 15; i++) {
      peer.sendBytes(Uint8Array.of(0x92, 20))
      expect(await peer.unasked()).toMatchObject({ type: 255, request: 0, code: "bad-frame" })
    }
    expect(codeOf(await peer.ask({ type: 20 }))).toBe(4)
    peer.sendBytes(Uint8Array.of(0xc1))
    expect(await peer.closed).toBe(1008)
  })

  it("answers an unknown type with its request number [relay.frame.2]", async () => {
    const { connect } = await start()
    const peer = await connect()
    for (const type of [0, 2, 16, 28, 254, 255, 70_000]) {
      peer.sendBytes(Canonical.encode([type, 0, "anything"]))
      expect(await peer.unasked()).toMatchObject({ code: "unknown-frame" })
    }
    expect(codeOf(await peer.ask({ type: 20 }))).toBe(4)
  })

  it("closes at a text message with 1008, and at one too large with 1009 [relay.frame.2]", async () => {
    const { connect } = await start()
    const text = await connect()
    text.sendBytes("hello")
    expect(await text.closed).toBe(1008)
    const large = await connect()
    large.sendBytes(new Uint8Array(maxFrameBytes + 1))
    expect(await large.closed).toBe(1009)
    const largest = await connect()
    largest.sendBytes(new Uint8Array(maxFrameBytes))
    expect(await largest.unasked()).toMatchObject({ code: "bad-frame" })
  })

  it("refuses fields longer than their bounds, whole [relay.frame.3]", async () => {
    const { connect } = await start()
    const peer = await connect()
    const long = [
      [1, 1, "x".repeat(65)],
      [10, 1, "x".repeat(65)],
      [14, 1, new Uint8Array(17), body(1)],
      [17, 1, Array.from({ length: 1025 }, (_, i) => i)],
      [19, 1, 65_536],
      [19, 1, 0]
    ]
    for (const frame of long) {
      peer.sendBytes(Canonical.encode(frame))
      expect(await peer.unasked()).toMatchObject({ code: "bad-frame" })
    }
  })

  it("answers in the order of the questions [relay.frame.4]", async () => {
    const { connect, member } = await start()
    const { device } = await member("alice")
    const peer = await connect()
    const order: Array<number> = []
    const questions = Array.from({ length: 200 }, (_, i) => {
      const question =
        i % 4 === 0
          ? ({ type: 14, token: noToken, envelope: FixtureAccount.envelope(device.mailbox, 1, body(i)) } as const)
          : i % 4 === 1
            ? ({ type: 20 } as const)
            : i % 4 === 2
              ? ({ type: 10, user: "alice" } as const)
              : ({ type: 9, tokenHash: new Uint8Array(32) } as const)
      return peer.ask(question).then(() => order.push(i))
    })
    await Promise.all(questions)
    expect(order).toEqual(Array.from({ length: 200 }, (_, i) => i))
  })

  it("stops reading from who does not read its answers, and goes on when he does [relay.frame.4]", async () => {
    const running = await start({ limits: { connectionBurst: 1e9 } })
    const { account, device } = await running.member("alice")
    // Answers of some twenty kilobytes each: fill the account with devices.
    const owner = await running.connect()
    await owner.login(device)
    for (let i = 0; i < 20; i++) {
      account.addDevice()
      expect(codeOf(await owner.ask({ type: 8, manifest: account.newest, certificates: [] }))).toBe(4)
    }
    const peer = await running.connect()
    await peer.hello()
    peer.socket.pause()
    const asked = 2_000
    const answers = Array.from({ length: asked }, () => peer.ask({ type: 10, user: "alice" }))
    await sleep(300)
    const text = await (await fetch(`${running.http}/metrics`)).text()
    const read = Number(/type="look-up"} (\d+)/.exec(text)?.[1])
    expect(read).toBeGreaterThan(0)
    expect(read).toBeLessThan(asked / 2)
    peer.socket.resume()
    const got = await Promise.all(answers)
    expect(got.every((answer) => answer.type === 11)).toBe(true)
  })

  it("keeps what is asked for anonymously apart from what belongs to a device [relay.two.1] [relay.two.2]", async () => {
    const { connect, member } = await start()
    const { device } = await member("alice")
    const envelope = FixtureAccount.envelope(device.mailbox, 1, body(1))
    const anonymous = [
      { type: 14, token: noToken, envelope },
      { type: 10, user: "alice" },
      { type: 12, account: device.account, device: device.device },
      { type: 18, account: device.account, after: 0 }
    ] as const
    const owner = await connect()
    await owner.login(device)
    for (const question of anonymous.slice(0, 3)) expect(codeOf(await owner.ask(question))).toBe("not-anonymous")
    for (const question of anonymous) {
      const peer = await connect()
      await peer.ask(question)
      expect(codeOf(await peer.login(device))).toBe("not-anonymous")
      await peer.close()
    }
    expect(codeOf(await owner.login(device))).toBe("not-anonymous")
  })

  it("answers a device about its own account's manifests, and about no other's [relay.two.3]", async () => {
    const { connect, member } = await start()
    const { device } = await member("alice")
    const { device: bob } = await member("bob")
    const owner = await connect()
    expect(codeOf(await owner.ask({ type: 18, account: device.account, after: 0 }))).toBe(11)
    // That was an anonymous connection; the next one logs in first.
    const logged = await connect()
    await logged.login(device)
    const answer = await logged.ask({ type: 18, account: device.account, after: 0 })
    expect(answer).toMatchObject({ type: 11, account: device.account, manifests: { length: 1 } })
    expect(codeOf(await logged.ask({ type: 18, account: bob.account, after: 0 }))).toBe("not-anonymous")
    // Still the device's: nothing anonymous is answered there.
    expect(codeOf(await logged.ask({ type: 10, user: "alice" }))).toBe("not-anonymous")
    expect(codeOf(await logged.ask({ type: 9, tokenHash: new Uint8Array(32) }))).toBe(4)
  })

  it("asks for a login before anything of the device [relay.two.2]", async () => {
    const { connect, member } = await start()
    await member("alice")
    const peer = await connect()
    const prekeys = { signed: [], lastResortKem: [], oneTime: [], oneTimeKem: [] }
    for (const question of [
      { type: 7, ...prekeys },
      { type: 8, manifest: Uint8Array.of(1), certificates: [] },
      { type: 9, tokenHash: new Uint8Array(32) },
      { type: 17, deliveries: [] },
      { type: 19, credit: 1 }
    ] as const) {
      expect(codeOf(await peer.ask(question))).toBe("not-logged-in")
    }
  })

  it("every refusal has a code of the list, a sentence, and nothing of what was sent [relay.error.1]", async () => {
    const { connect } = await start()
    const peer = await connect()
    const marker = "zanzibar"
    const answer = await peer.ask({ type: 10, user: marker })
    if (answer.type !== 255) throw new Error("no refusal")
    expect(codes).toContain(answer.code)
    expect(answer.message).toMatch(/\./)
    expect(answer.message).not.toContain(marker)
    expect(answer.detail).toHaveLength(0)
  })

  it("drops who shows no sign of life, and keeps who does [relay.heartbeat.1]", async () => {
    const { url, relay } = await start({ limits: { heartbeatMs: 100 } })
    const alive = await connect(url)
    const dead = new WebSocket(`${url}/v1`, "tacit.1", { autoPong: false })
    let pings = 0
    dead.on("ping", () => pings++)
    const code = await new Promise<number>((resolve) => dead.on("close", resolve))
    expect(code).toBe(1006)
    expect(pings).toBe(1)
    await sleep(300)
    expect(codeOf(await alive.ask({ type: 20 }))).toBe(4)
    expect(relay.port).toBeGreaterThan(0)
  })

  it("drops who never reads [relay.heartbeat.1] [relay.frame.4]", async () => {
    const running = await start({ limits: { heartbeatMs: 100 } })
    const { device } = await running.member("alice")
    const owner = await running.connect()
    await owner.login(device)
    const peer = await running.connect()
    for (let i = 0; i < 100; i++) {
      const envelope = FixtureAccount.envelope(device.mailbox, 1, body(i, 100_000))
      expect(codeOf(await peer.ask({ type: 14, token: noToken, envelope }))).toBe(15)
    }
    owner.tell({ type: 19, credit: 1_000 })
    owner.socket.pause()
    await until(async () => (await running.metric("tacit_relay_devices_online")) === 0)
    expect(codeOf(await peer.ask({ type: 20 }))).toBe(4)
    expect(await running.metric("tacit_relay_envelopes_acknowledged_total")).toBe(0)
  })

  it("limits the work of one connection and says how long to wait", async () => {
    const { advance, connect } = await start({ limits: { connectionBurst: 50, connectionPerSecond: 10 } })
    const peer = await connect()
    const answers = await Promise.all(Array.from({ length: 60 }, () => peer.ask({ type: 20 })))
    const limited = answers.filter((answer) => answer.type === 255)
    expect(limited.length).toBeGreaterThanOrEqual(8)
    expect(limited[0]).toMatchObject({ code: "rate-limited" })
    expect(limited.every((answer) => answer.type === 255 && answer.retryAfterMs > 0)).toBe(true)
    advance(10_000)
    expect(codeOf(await peer.ask({ type: 20 }))).toBe(4)
    const other = await connect()
    expect(codeOf(await other.ask({ type: 20 }))).toBe(4)
  })

  it("takes no more connections than it may", async () => {
    const { connect, url } = await start({ limits: { connections: 3 } })
    const peers = [await connect(), await connect(), await connect()]
    await expect(connect()).rejects.toThrow("503")
    await peers[0]!.close()
    await until(async () => {
      try {
        await connect()
        return true
      } catch {
        return false
      }
    })
    expect(url).toContain("127.0.0.1")
  })
})
