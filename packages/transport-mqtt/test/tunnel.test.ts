/** Links without a broker: keys, sealed messages, order, room, ends. */
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { Bytes } from "@tacit/core/hazmat"
import { Channel, Handshake, Topics, Tunnel } from "@tacit/transport-mqtt/wire"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { maxHeld, windowBytes } from "../src/Tunnel.ts"

const crypto = await loadNodeProvider()
const fill = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte)
const steward = { secret: fill(32, 7), key: crypto.x25519PublicKey(fill(32, 7)) }

const link = () => {
  const knocking = Handshake.knock(crypto, { steward: steward.key, secret: fill(32, 9), gone: fill(16, 3) })!
  const knocked = Handshake.read(crypto, steward, knocking.message)!
  return { knocking, knocked, answered: knocked.answer(fill(32, 5))! }
}

/** One end whose messages are gathered instead of published. */
const end = (sendKey: Uint8Array, receiveKey: Uint8Array) => {
  const sent: Array<Uint8Array> = []
  const got: Array<number> = []
  const closes: Array<number> = []
  const confirm: Array<() => void> = []
  const tunnel = new Tunnel({
    crypto,
    sendKey,
    receiveKey,
    outlet: {
      publish: (message, done) => {
        sent.push(message)
        confirm.push(done)
      },
      isFree: () => true,
      whenFree: () => undefined
    },
    onFrame: (frame) => got.push(frame[0] ?? -1),
    onPong: () => undefined,
    onClose: (code) => closes.push(code)
  })
  return { tunnel, sent, got, closes, confirm }
}

const both = () => {
  const up = fill(32, 1)
  const down = fill(32, 2)
  return [end(up, down), end(down, up)] as const
}

const turn = () => Promise.resolve()

describe("links", () => {
  it("both sides have the same keys, and the steward learns what announces the client's end [mqtt.link.1] [mqtt.link.2]", () => {
    const { answered, knocked, knocking } = link()
    expect(knocking.finish(answered.message)).toEqual(answered.keys)
    expect(knocked.topicKey).toEqual(knocking.topicKey)
    expect(knocked.gone).toEqual(fill(16, 3))
    expect(Bytes.equal(answered.keys.up, answered.keys.down)).toBe(false)
  })

  it("the keys are those another implementation of X25519, HKDF and HMAC gives [mqtt.link.2] [mqtt.label.1] [mqtt.topic.2]", async () => {
    const node = await import("node:crypto")
    const secretKey = (bytes: Uint8Array) =>
      node.createPrivateKey({
        key: Buffer.concat([Buffer.from("302e020100300506032b656e04220420", "hex"), bytes]),
        format: "der",
        type: "pkcs8"
      })
    const publicKey = (bytes: Uint8Array) =>
      node.createPublicKey({
        key: Buffer.concat([Buffer.from("302a300506032b656e032100", "hex"), bytes]),
        format: "der",
        type: "spki"
      })
    const agree = (a: Uint8Array, b: Uint8Array) =>
      node.diffieHellman({ privateKey: secretKey(a), publicKey: publicKey(b) })
    const raw = (bytes: Uint8Array) =>
      node.createPublicKey(secretKey(bytes)).export({ format: "der", type: "spki" }).subarray(-32)
    const label = (name: string) => Buffer.from(`tacit-mqtt/1 ${name}\0`)
    const [s, c, f] = [raw(fill(32, 7)), raw(fill(32, 9)), raw(fill(32, 5))]
    const hash = (...parts: ReadonlyArray<Uint8Array>) =>
      node.createHash("sha256").update(Buffer.concat(parts)).digest()
    const hkdf = (ikm: Uint8Array, salt: Uint8Array, info: Uint8Array) =>
      new Uint8Array(node.hkdfSync("sha256", ikm, salt, info, 32))
    const shared = agree(fill(32, 9), s)
    const ikm = Buffer.concat([shared, agree(fill(32, 9), f)])
    const { answered, knocking } = link()
    expect(answered.keys).toEqual({
      up: hkdf(ikm, hash(label("link"), s, c, f), label("up key")),
      down: hkdf(ikm, hash(label("link"), s, c, f), label("down key"))
    })
    const topicKey = hkdf(shared, hash(label("knock"), s, c), label("topic key"))
    expect(knocking.topicKey).toEqual(topicKey)
    const mac = node
      .createHmac("sha256", topicKey)
      .update(Buffer.concat([label("up topic"), Buffer.from("0000000000000002", "hex")]))
      .digest("hex")
    expect(Topics.ofLink(crypto, "r", topicKey, "up", 2)).toBe(`r/up/${mac.slice(0, 32)}`)
  })

  it("nobody else answers a knock, and nobody else reads one [mqtt.link.3]", () => {
    const { answered, knocking } = link()
    for (let at = 0; at < answered.message.length; at++) {
      const forged = answered.message.slice()
      forged[at]! ^= 1
      expect(knocking.finish(forged)).toBeUndefined()
    }
    const other = { secret: fill(32, 8), key: crypto.x25519PublicKey(fill(32, 8)) }
    expect(Handshake.read(crypto, other, knocking.message)).toBeUndefined()
    expect(Handshake.read(crypto, steward, knocking.message.slice(1))).toBeUndefined()
    expect(Handshake.knock(crypto, { steward: fill(32, 0), secret: fill(32, 9), gone: fill(16, 3) })).toBeUndefined()
  })

  it("topics name nobody, differ by direction and epoch, and are the same on both sides [mqtt.topic.1] [mqtt.topic.2]", () => {
    const { knocked, knocking } = link()
    const topics = [0, 1, 2].flatMap((epoch) =>
      (["up", "down"] as const).map((direction) => Topics.ofLink(crypto, "r", knocking.topicKey, direction, epoch))
    )
    expect(new Set(topics).size).toBe(6)
    for (const topic of topics) expect(topic).toMatch(/^r\/(up|down)\/[0-9a-f]{32}$/)
    expect(Topics.ofLink(crypto, "r", knocked.topicKey, "up", 2)).toBe(topics[4])
    expect(["a", "a/b", "A-1._"].every(Topics.isRoot)).toBe(true)
    expect(["", "/", "a/", "/a", "a//b", "#", "a/+", "ü", "x".repeat(65)].some(Topics.isRoot)).toBe(false)
  })
})

describe("messages", () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it("frames of one turn share a message and come in order [mqtt.message.1]", async () => {
    const [a, b] = both()
    for (const byte of [1, 2, 3]) a.tunnel.send(Uint8Array.of(byte))
    await turn()
    expect(a.sent).toHaveLength(1)
    b.tunnel.receive(a.sent[0]!)
    expect(b.got).toEqual([1, 2, 3])
  })

  it("a message twice, or one that is not genuine, changes nothing [mqtt.message.2]", async () => {
    const [a, b] = both()
    for (const byte of [1, 2]) {
      a.tunnel.send(Uint8Array.of(byte))
      await turn()
    }
    const [first, second] = a.sent
    const forged = second!.slice()
    forged[forged.length - 1]! ^= 1
    for (const message of [forged, first!, first!, forged, Uint8Array.of(1), new Uint8Array(0), fill(24, 0xff)])
      b.tunnel.receive(message)
    expect(b.got).toEqual([1])
    b.tunnel.receive(second!)
    b.tunnel.receive(second!)
    expect(b.got).toEqual([1, 2])
    expect(b.closes).toEqual([])
    // What one side sealed is nothing to itself.
    a.tunnel.receive(first!)
    expect(a.got).toEqual([])
  })

  it("waits for one that is late, and ends when it never comes [mqtt.message.3]", async () => {
    const [a, b] = both()
    for (let byte = 0; byte < 4; byte++) {
      a.tunnel.send(Uint8Array.of(byte))
      await turn()
    }
    b.tunnel.receive(a.sent[2]!)
    b.tunnel.receive(a.sent[1]!)
    expect(b.got).toEqual([])
    b.tunnel.receive(a.sent[0]!)
    expect(b.got).toEqual([0, 1, 2])
    vi.advanceTimersByTime(60_000)
    expect(b.closes).toEqual([])
    a.tunnel.send(Uint8Array.of(9))
    await turn()
    b.tunnel.receive(a.sent[4]!)
    vi.advanceTimersByTime(1_900)
    expect(b.closes).toEqual([])
    vi.advanceTimersByTime(200)
    expect(b.closes).toEqual([1006])
    expect(b.got).toEqual([0, 1, 2])
  })

  it("ends at once when too many are missing, and tells the other side [mqtt.message.3]", async () => {
    const [a, b] = both()
    for (let byte = 0; byte <= maxHeld + 1; byte++) {
      a.tunnel.send(Uint8Array.of(byte))
      await turn()
    }
    b.tunnel.receive(a.sent.at(-1)!)
    expect(b.closes).toEqual([1006])
    a.tunnel.receive(b.sent[0]!)
    expect(a.closes).toEqual([1006])
  })

  it("a genuine message whose items do not divide is passed over [mqtt.message.4]", () => {
    const key = fill(32, 1)
    const whole = Channel.seal(crypto, key, 0, [{ type: 0, payload: Uint8Array.of(1) }])
    expect(Channel.open(crypto, key, whole)).toEqual([{ type: 0, payload: Uint8Array.of(1) }])
    const nonce = new Uint8Array(12)
    for (const plain of [Uint8Array.of(0, 0, 0, 0), Uint8Array.of(0, 0, 0, 0, 2, 1), Uint8Array.of(9, 0, 0, 0, 0)]) {
      const message = Bytes.concat(Bytes.be64(0), crypto.chachaSeal(key, nonce, Bytes.empty, plain))
      expect(Channel.open(crypto, key, message)).toBeUndefined()
    }
  })
})

describe("room", () => {
  it("sends no more than the other side has room for, and goes on when it dealt with some [mqtt.credit.1]", async () => {
    const [a, b] = both()
    const frame = 64 * 1024
    b.tunnel.pause()
    for (let byte = 0; byte < 12; byte++) a.tunnel.send(fill(frame, byte))
    await turn()
    const fits = windowBytes / frame
    for (const message of a.sent) b.tunnel.receive(message)
    expect([a.sent.length, b.got]).toEqual([fits, []])
    expect(a.tunnel.bufferedAmount).toBe(12 * frame)
    for (const done of a.confirm.splice(0)) done()
    expect(a.tunnel.bufferedAmount).toBe((12 - fits) * frame)
    b.tunnel.resume()
    await turn()
    expect(b.got).toHaveLength(fits)
    for (const message of b.sent) a.tunnel.receive(message)
    await turn()
    for (const message of a.sent.slice(fits)) b.tunnel.receive(message)
    expect(b.got).toEqual(Array.from({ length: 12 }, (_, i) => i))
  })

  it("a frame longer than all the room travels when nothing else is on the way [mqtt.credit.1]", async () => {
    const [a, b] = both()
    a.tunnel.send(fill(windowBytes + 1, 1))
    a.tunnel.send(Uint8Array.of(2))
    await turn()
    expect(a.sent).toHaveLength(1)
    b.tunnel.receive(a.sent[0]!)
    await turn()
    for (const message of b.sent) a.tunnel.receive(message)
    await turn()
    for (const message of a.sent.slice(1)) b.tunnel.receive(message)
    expect(b.got).toEqual([1, 2])
  })

  it("closes after what was sent, with its code [mqtt.close.1]", async () => {
    const [a, b] = both()
    a.tunnel.send(Uint8Array.of(1))
    a.tunnel.close(4001)
    a.tunnel.send(Uint8Array.of(2))
    await turn()
    for (const message of a.sent) b.tunnel.receive(message)
    expect([b.got, b.closes]).toEqual([[1], [4001]])
    for (const done of a.confirm) done()
    expect(a.closes).toEqual([4001])
    b.tunnel.receive(a.sent[0]!)
    expect(b.got).toEqual([1])
  })

  it("answers a ping [mqtt.close.2]", async () => {
    const [a, b] = both()
    a.tunnel.ping()
    await turn()
    b.tunnel.receive(a.sent[0]!)
    await turn()
    expect(Channel.open(crypto, fill(32, 2), b.sent[0]!)).toEqual([{ type: Channel.Item.pong, payload: Bytes.empty }])
  })
})
