import { createHash } from "node:crypto"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Canonical from "../../src/codec/Canonical.ts"
import { nobleProvider as crypto } from "../../src/crypto/Noble.ts"
import * as Body from "../../src/envelope/Body.ts"
import * as Content from "../../src/envelope/Content.ts"
import * as Digest from "../../src/envelope/Digest.ts"
import type * as OwnDevice from "../../src/envelope/OwnDevice.ts"
import { ascii } from "../crypto/helpers.ts"
import { causeOf, coins, ok } from "../session/support.ts"

const draw = coins(31)
const [a, b] = [draw(32), draw(32)]
const direct = Content.directConversation(crypto, a, b)
const id = draw(16)
const empty = new Uint8Array(0)

const content = (body: Body.Body, change: Partial<Content.Content> = {}): Content.Content => ({
  conversation: empty,
  sequence: Body.isNumbered(Body.typeOf(body)) ? 5 : 0,
  messageId: id,
  sentAt: 1_700_000_000_000,
  body,
  extensions: Content.noExtensions,
  ...change
})
const text: Body.Text = { _tag: "Text", text: "hé 👋" }
const encode = (given: Content.Content) => Content.encode(given, direct)
const decode = (bytes: Uint8Array) => Content.decode(bytes, direct)
/** Content with whatever bytes as its body. */
const raw = (type: number, body: Uint8Array, sequence = 1, extensions = new Map<number, Canonical.Value>()) =>
  Canonical.encode([type, empty, sequence, id, 0, body, extensions])

const bodies: ReadonlyArray<Body.Body> = [
  text,
  { _tag: "Text", text: "" },
  { _tag: "Receipt", state: "delivered", messages: [id] },
  { _tag: "Receipt", state: "read", messages: Array.from({ length: 256 }, () => draw(16)) },
  { _tag: "Typing", typing: true },
  { _tag: "Typing", typing: false },
  { _tag: "Application", mediaType: "application/json; v=1", fallback: "a poll", data: ascii("{}") },
  { _tag: "Acknowledge" },
  { _tag: "Reset", reason: 3 },
  {
    _tag: "Resynchronise",
    answer: false,
    generation: 4,
    startId: draw(8),
    received: [{ conversation: empty, highest: 9 }]
  },
  {
    _tag: "Resynchronise",
    answer: true,
    generation: 4,
    startId: draw(8),
    received: [{ conversation: draw(16), highest: 0 }]
  },
  { _tag: "RetryRequest", digests: [draw(16), draw(16)] },
  { _tag: "Own", word: { own: "sent", peer: draw(32), content: draw(70) } },
  { _tag: "Own", word: { own: "read", peer: draw(32), messages: [draw(16), draw(16)] } },
  {
    _tag: "Own",
    word: { own: "contact", account: draw(32), user: "bob@relay", state: 1, verified: empty }
  },
  { _tag: "Own", word: { own: "contact", account: draw(32), user: "", state: 2, verified: draw(32) } },
  { _tag: "Own", word: { own: "received", peer: draw(32), device: draw(32), receivedAt: 7, content: draw(70) } },
  { _tag: "Own", word: { own: "history", data: draw(5) } },
  { _tag: "Own", word: { own: "archive", data: draw(5) } },
  { _tag: "Own", word: { own: "settings", settings: [] } },
  {
    _tag: "Own",
    word: {
      own: "settings",
      settings: [
        { name: "a/b", stamp: 1, device: draw(32), value: empty },
        { name: "a~", stamp: 2 ** 52, device: draw(32), value: undefined },
        { name: "theme", stamp: 7, device: draw(32), value: draw(256) }
      ]
    }
  },
  { _tag: "Own", word: { own: "verified", account: draw(32), stamp: 9, device: draw(32), print: draw(32) } },
  { _tag: "Own", word: { own: "verified", account: draw(32), stamp: 9, device: draw(32), print: empty } },
  { _tag: "Own", word: { own: "unknown", data: Canonical.encode([9000, ["later", new Map([[1, 2]])]]) } },
  {
    _tag: "Attachment",
    reference: {
      id: draw(32),
      key: draw(32),
      length: 5,
      mediaType: "image/png",
      name: "cat.png",
      expiresAt: 1_700_000_000_000,
      place: "https://relay.example/v1/attachments",
      preview: { mediaType: "image/png", data: draw(30) },
      extensions: { unknown: [] }
    }
  },
  { _tag: "Opaque", type: 5, data: draw(30) },
  { _tag: "Opaque", type: 77, data: empty }
]

describe("Content", () => {
  it("is [type, conversation, sequence, message id, sent at, body, extensions] [content.layout.1] [content.text.1]", () => {
    const bytes = ok(encode(content(text)))
    expect(bytes).toEqual(
      Canonical.encode([1, empty, 5, id, 1_700_000_000_000, Bytes.utf8Encode(text.text), new Map()])
    )
    expect(ok(decode(bytes))).toEqual(content(text))
  })

  it.each(bodies.map((body) => [body._tag, body] as const))(
    "brings %s back [content.type.1] [content.layout.1]",
    (_tag, body) => {
      expect(ok(decode(ok(encode(content(body)))))).toEqual(content(body))
    }
  )

  it("encodes bodies as the spec lays them out [content.app.1] [content.receipt.1] [content.typing.1] [content.device-control.1] [content.retry.1]", () => {
    const bodyOf = (body: Body.Body) => ok(Body.encode(body))
    expect(bodyOf({ _tag: "Application", mediaType: "a/b", fallback: "f", data: id })).toEqual(
      Canonical.encode(["a/b", "f", id])
    )
    expect(bodyOf({ _tag: "Receipt", state: "read", messages: [id] })).toEqual(Canonical.encode([2, [id]]))
    expect(bodyOf({ _tag: "Receipt", state: "delivered", messages: [id] })).toEqual(Canonical.encode([1, [id]]))
    expect(bodyOf({ _tag: "Typing", typing: true })).toEqual(Uint8Array.of(1))
    expect(bodyOf({ _tag: "Typing", typing: false })).toEqual(Uint8Array.of(0))
    expect(bodyOf({ _tag: "Acknowledge" })).toEqual(Canonical.encode([1]))
    expect(bodyOf({ _tag: "Reset", reason: 1 })).toEqual(Canonical.encode([2, 1]))
    const startId = draw(8)
    const sync = {
      _tag: "Resynchronise",
      generation: 2,
      startId,
      received: [{ conversation: id, highest: 7 }]
    } as const
    expect(bodyOf({ ...sync, answer: false })).toEqual(Canonical.encode([3, 2, startId, [[id, 7]]]))
    expect(bodyOf({ ...sync, answer: true })).toEqual(Canonical.encode([4, 2, startId, [[id, 7]]]))
    expect(bodyOf({ _tag: "RetryRequest", digests: [id] })).toEqual(Canonical.encode([id]))
  })

  it("numbers what is numbered and nothing else [content.numbered.1]", () => {
    const numbered = [1, 4, 5, 6, 9, 10, 0, 11, 500]
    const unnumbered = [2, 3, 7, 8]
    expect(numbered.every(Body.isNumbered)).toBe(true)
    expect(unnumbered.some(Body.isNumbered)).toBe(false)
    for (const body of bodies) {
      const wrong = Body.isNumbered(Body.typeOf(body)) ? 0 : 1
      expect(causeOf(encode(content(body, { sequence: wrong })))).toBe("decode.value")
      const { bodyBytes, type } = { type: Body.typeOf(body), bodyBytes: ok(Body.encode(body)) }
      expect(causeOf(decode(raw(type, bodyBytes, wrong)))).toBe("decode.value")
    }
  })

  it("has one encoding of the direct conversation [content.conversation.1]", () => {
    const [low, high] = Bytes.compare(a, b) < 0 ? [a, b] : [b, a]
    const hash = createHash("sha256").update(ascii("tacit/1 direct conversation\0")).update(low).update(high).digest()
    expect(direct).toEqual(Uint8Array.from(hash.subarray(0, 16)))
    expect(Content.directConversation(crypto, b, a)).toEqual(direct)
    expect(causeOf(encode(content(text, { conversation: direct })))).toBe("decode.noncanonical")
    const long = Canonical.encode([1, direct, 1, id, 0, empty, new Map()])
    expect(causeOf(decode(long))).toBe("decode.noncanonical")
    const other = draw(16)
    expect(ok(decode(ok(encode(content(text, { conversation: other }))))).conversation).toEqual(other)
    for (const length of [1, 15]) {
      const bytes = Canonical.encode([1, draw(length), 1, id, 0, empty, new Map()])
      expect(causeOf(decode(bytes))).toBe("decode.size")
    }
  })

  it("takes text as it is, and only valid UTF-8 [content.text.1]", () => {
    for (const said of ["e\u0301", "\u00e9", "\ufeffx", "\0"]) {
      const back = ok(decode(ok(encode(content({ _tag: "Text", text: said })))))
      expect(back.body).toEqual({ _tag: "Text", text: said })
    }
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
      expect(causeOf(decode(raw(1, Uint8Array.from(bytes))))).toBe("decode.utf8")
    }
    expect(causeOf(encode(content({ _tag: "Text", text: "\ud800" })))).toBe("decode.utf8")
  })

  it("lets unknown types through with their fallback, never as an error [content.type.1] [content.app.1]", () => {
    const fallback = new Map<number, Canonical.Value>([[7, "shown instead"]])
    for (const type of [0, 5, 6, 11, 4711, Number.MAX_SAFE_INTEGER]) {
      const opened = ok(decode(raw(type, Uint8Array.of(0xff, 0xc1), 1, fallback)))
      expect(opened.body).toEqual({ _tag: "Opaque", type, data: Uint8Array.of(0xff, 0xc1) })
      expect(opened.extensions.fallback).toBe("shown instead")
    }
    expect(causeOf(encode(content({ _tag: "Opaque", type: 1, data: id })))).toBe("decode.value")
  })

  it("refuses pairs of a resynchronisation in another order, twice, or in the long form [content.device-control.2]", () => {
    const low = new Uint8Array(16).fill(1)
    const high = new Uint8Array(16).fill(2)
    const startId = draw(8)
    const read = (...conversations: ReadonlyArray<Uint8Array>) => {
      const pairs = conversations.map((conversation) => [conversation, 7])
      return causeOf(decode(raw(7, Canonical.encode([3, 1, startId, pairs]), 0)))
    }
    expect(read()).toBeUndefined()
    expect(read(empty, low, high)).toBeUndefined()
    expect(read(low, empty)).toBe("decode.noncanonical")
    expect(read(high, low)).toBe("decode.noncanonical")
    expect(read(low, low)).toBe("decode.noncanonical")
    expect(read(empty, empty)).toBe("decode.noncanonical")
    expect(read(direct)).toBe("decode.noncanonical")
    expect(read(low, low.slice(1))).toBe("decode.size")
    const control = (...conversations: ReadonlyArray<Uint8Array>): Body.Body => ({
      _tag: "Resynchronise",
      answer: false,
      generation: 1,
      startId,
      received: conversations.map((conversation) => ({ conversation, highest: 7 }))
    })
    const ordered = [empty, low, high].map((conversation) => [conversation, 7])
    expect(ok(Body.encode(control(high, empty, low), direct))).toEqual(Canonical.encode([3, 1, startId, ordered]))
    expect(causeOf(Body.encode(control(low, low), direct))).toBe("decode.noncanonical")
    expect(causeOf(Body.encode(control(direct), direct))).toBe("decode.noncanonical")
    expect(causeOf(Body.encode(control(low.slice(1)), direct))).toBe("decode.size")
  })

  it("refuses bodies that break their rules [content.app.1] [content.receipt.1] [content.typing.1] [content.device-control.1] [content.retry.1]", () => {
    const refused = (type: number, body: Uint8Array, sequence: number, cause: string) =>
      expect(causeOf(decode(raw(type, body, sequence)))).toBe(cause)
    const value = (given: Canonical.Value) => Canonical.encode(given)
    refused(9, value(["", "", empty]), 1, "decode.size")
    refused(9, value(["x".repeat(128), "", empty]), 1, "decode.size")
    refused(9, value(["ü", "", empty]), 1, "decode.value")
    refused(9, value(["a\n", "", empty]), 1, "decode.value")
    refused(9, value(["a", "x".repeat(1025), empty]), 1, "decode.size")
    refused(9, value(["a", ""]), 1, "decode.size")
    refused(2, value([3, [id]]), 0, "decode.value")
    refused(2, value([1, []]), 0, "decode.size")
    refused(2, value([1, [id, id]]), 0, "decode.value")
    refused(2, value([1, Array.from({ length: 257 }, () => draw(16))]), 0, "decode.size")
    refused(2, value([1, [id.slice(1)]]), 0, "decode.size")
    refused(3, empty, 0, "decode.truncated")
    refused(3, Uint8Array.of(2), 0, "decode.value")
    refused(3, Uint8Array.of(1, 1), 0, "decode.trailing")
    refused(7, value([9]), 0, "decode.value")
    refused(7, value([1, 1]), 0, "decode.size")
    refused(7, value([3, 0, draw(8), []]), 0, "decode.value")
    refused(7, value([3, 1, draw(7), []]), 0, "decode.size")
    refused(7, value([3, 1, draw(8), [[draw(3), 1]]]), 0, "decode.size")
    refused(8, value([]), 0, "decode.size")
    refused(8, value(Array.from({ length: 33 }, () => draw(16))), 0, "decode.size")
    refused(8, value([id.slice(1)]), 0, "decode.size")
  })

  it("refuses the same from an application [content.app.1] [content.receipt.1]", () => {
    const app = { _tag: "Application", mediaType: "a", fallback: "", data: empty } as const
    for (const [body, cause] of [
      [{ ...app, mediaType: "" }, "decode.size"],
      [{ ...app, mediaType: "ä" }, "decode.value"],
      [{ ...app, fallback: "x".repeat(1025) }, "decode.size"],
      [{ ...app, data: new Uint8Array(65_536) }, "decode.size"],
      [{ _tag: "Text", text: "x".repeat(65_537) }, "decode.size"],
      [{ _tag: "Receipt", state: "read", messages: [] }, "decode.size"],
      [{ _tag: "Receipt", state: "read", messages: [id, id] }, "decode.value"]
    ] as const) {
      expect(causeOf(encode(content(body as Body.Body)))).toBe(cause)
    }
    ok(encode(content({ _tag: "Text", text: "x".repeat(65_536) })))
  })

  it("carries fences, token, fallback, floor and reply, and keeps what it may ignore [content.extensions.1]", () => {
    const extensions: Content.Extensions = {
      fence: { generation: 3, startId: draw(8) },
      echo: { generation: 9, startId: draw(8) },
      deliveryToken: draw(16),
      fallback: "instead",
      floor: 12,
      replyTo: draw(16),
      lists: { own: 3, peer: 0 },
      unknown: [{ key: 15, value: Canonical.encode("later") }]
    }
    const bytes = ok(encode(content(text, { extensions })))
    expect(ok(decode(bytes)).extensions).toEqual(extensions)
    const map = new Map<number, Canonical.Value>([
      [1, [3, extensions.fence!.startId]],
      [3, [9, extensions.echo!.startId]],
      [5, extensions.deliveryToken!],
      [7, "instead"],
      [9, 12],
      [11, extensions.replyTo!],
      [13, [3, 0]],
      [15, "later"]
    ])
    expect(bytes).toEqual(Canonical.encode([1, empty, 5, id, 1_700_000_000_000, Bytes.utf8Encode(text.text), map]))
    expect(causeOf(decode(raw(1, empty, 1, new Map([[2, 0]]))))).toBe("decode.unknown-critical")
    expect(causeOf(decode(raw(1, empty, 1, new Map([[5, draw(15)]]))))).toBe("decode.size")
    expect(causeOf(decode(raw(1, empty, 1, new Map([[1, [0, draw(8)]]]))))).toBe("decode.value")
  })

  it("is at most 98,304 bytes [content.size.1]", () => {
    const unknown = Array.from({ length: 12 }, (_, i) => ({ key: 101 + 2 * i, value: Canonical.encode(draw(4000)) }))
    const body: Body.Body = { _tag: "Text", text: "x".repeat(65_000) }
    const large = content(body, { extensions: { unknown: unknown.slice(0, 8) } })
    expect(ok(decode(ok(encode(large)))).body).toEqual(body)
    expect(causeOf(encode(content(body, { extensions: { unknown } })))).toBe("decode.size")
    expect(causeOf(decode(new Uint8Array(98_305)))).toBe("decode.size")
    const left = 98_304 - ok(encode(large)).length - 4
    const filled = (length: number) =>
      content(body, {
        extensions: { unknown: [...unknown.slice(0, 8), { key: 117, value: Canonical.encode(draw(length)) }] }
      })
    const longest = ok(encode(filled(left)))
    expect(longest.length).toBe(98_304)
    expect(ok(decode(longest)).body).toEqual(body)
    expect(causeOf(encode(filled(left + 1)))).toBe("decode.size")
  })

  it("has longer bodies between own devices and nowhere else [content.layout.1] [content.own.1]", () => {
    const longest = new Uint8Array(69_632 - 41)
    const word: Body.Own = { _tag: "Own", word: { own: "sent", peer: draw(32), content: longest } }
    const bytes = ok(encode(content(word)))
    expect(ok(decode(bytes)).body).toEqual(word)
    const more: Body.Own = { _tag: "Own", word: { own: "sent", peer: draw(32), content: new Uint8Array(69_632 - 40) } }
    expect(causeOf(encode(content(more)))).toBe("decode.size")
    for (const type of [1, 4, 77]) expect(causeOf(decode(raw(type, new Uint8Array(65_537))))).toBe("decode.size")
    expect(causeOf(decode(raw(10, new Uint8Array(69_633))))).toBe("decode.size")
    expect(causeOf(decode(raw(5, new Uint8Array(65_536))))).toBeUndefined()
  })

  it("lays words between own devices out as the spec says [content.own.1]", () => {
    const [peer, device] = [draw(32), draw(32)]
    const bodyOf = (word: OwnDevice.Word) => ok(Body.encode({ _tag: "Own", word }))
    expect(bodyOf({ own: "sent", peer, content: id })).toEqual(Canonical.encode([1, peer, id]))
    expect(bodyOf({ own: "read", peer, messages: [id] })).toEqual(Canonical.encode([2, peer, [id]]))
    expect(bodyOf({ own: "contact", account: peer, user: "bob", state: 2, verified: device })).toEqual(
      Canonical.encode([3, peer, "bob", 2, device])
    )
    expect(bodyOf({ own: "received", peer, device, receivedAt: 9, content: id })).toEqual(
      Canonical.encode([4, peer, device, 9, id])
    )
    expect(bodyOf({ own: "history", data: id })).toEqual(Canonical.encode([5, id]))
    expect(bodyOf({ own: "archive", data: id })).toEqual(Canonical.encode([6, id]))
    const settings = [
      { name: "a", stamp: 5, device, value: id },
      { name: "b", stamp: 6, device, value: undefined }
    ]
    expect(bodyOf({ own: "settings", settings })).toEqual(
      Canonical.encode([
        7,
        [
          ["a", 5, device, [id]],
          ["b", 6, device, []]
        ]
      ])
    )
    expect(bodyOf({ own: "verified", account: peer, stamp: 5, device, print: device })).toEqual(
      Canonical.encode([8, peer, 5, device, device])
    )
    const word = (said: Canonical.Value) => causeOf(decode(raw(10, Canonical.encode(said))))
    expect(word([2, peer, [id, id]])).toBe("decode.value")
    expect(word([2, peer, []])).toBe("decode.size")
    expect(word([3, peer, "bob", 0, empty])).toBe("decode.value")
    expect(word([3, peer, "bob", 1, draw(31)])).toBe("decode.size")
    expect(word([1, draw(31), id])).toBe("decode.size")
    expect(word([1, peer, empty])).toBe("decode.size")
    const setting = (name: string, stamp = 1, value: ReadonlyArray<Uint8Array> = []) => [name, stamp, device, value]
    expect(word([7, [setting("a"), setting("b")]])).toBeUndefined()
    expect(word([7, [setting("b"), setting("a")]])).toBe("decode.noncanonical")
    expect(word([7, [setting("a"), setting("a")]])).toBe("decode.noncanonical")
    for (const name of ["", "a".repeat(65)]) expect(word([7, [setting(name)]])).toBe("decode.size")
    for (const name of ["a b", "ä", "a\n"]) expect(word([7, [setting(name)]])).toBe("decode.value")
    for (const stamp of [0, 2 ** 52 + 1]) expect(word([7, [setting("a", stamp)]])).toBe("decode.value")
    expect(word([7, [setting("a", 1, [new Uint8Array(257)])]])).toBe("decode.size")
    expect(word([7, [setting("a", 1, [id, id])]])).toBe("decode.size")
    expect(word([8, peer, 1, device, draw(31)])).toBe("decode.size")
    expect(word([8, peer, 0, device, empty])).toBe("decode.value")
    expect(word([])).toBe("decode.size")
    expect(word("1")).toBe("decode.type")
    const twice: OwnDevice.Word = { own: "read", peer, messages: [id, id] }
    expect(causeOf(encode(content({ _tag: "Own", word: twice })))).toBe("decode.value")
  })

  it("has room for all settings in one word [content.own.1] [own.setting.1]", () => {
    const settings = Array.from({ length: 128 }, (_, i) => ({
      name: `${String(i).padStart(3, "0")}${"n".repeat(61)}`,
      stamp: 2 ** 52,
      device: draw(32),
      value: draw(256)
    }))
    const bytes = ok(Body.encode({ _tag: "Own", word: { own: "settings", settings } }))
    expect(bytes.length).toBeLessThan(65_536)
    const more = [...settings, { name: "~", stamp: 1, device: id, value: undefined }]
    expect(causeOf(Body.encode({ _tag: "Own", word: { own: "settings", settings: more } }))).toBe("decode.size")
  })

  it("keeps a kind of a later version and refuses what is no canonical array [content.own.3]", () => {
    for (const said of [[0], [9], [9000, "x", new Map([[1, [2]]])]]) {
      const data = Canonical.encode(said)
      expect(ok(decode(raw(10, data))).body).toEqual({ _tag: "Own", word: { own: "unknown", data } })
    }
    expect(causeOf(decode(raw(10, Uint8Array.of(0x91, 9, 0))))).toBe("decode.trailing")
    expect(causeOf(decode(raw(10, Uint8Array.of(0x92, 9))))).toBe("decode.truncated")
    expect(causeOf(decode(raw(10, Uint8Array.of(0x92, 9, 0xc0))))).toBe("decode.type")
    // A known kind is not written as an unknown one.
    const dressed: OwnDevice.Word = { own: "unknown", data: Canonical.encode([5, id]) }
    expect(causeOf(encode(content({ _tag: "Own", word: dressed })))).toBe("decode.value")
  })

  it("names the manifests gone by in 4 bytes, while their versions are small [own.cost.1] [own.lists.1]", () => {
    const length = (extensions: Content.Extensions) => ok(encode(content(text, { extensions }))).length
    const bare = length(Content.noExtensions)
    expect(length({ lists: { own: 127, peer: 127 }, unknown: [] }) - bare).toBe(4)
    expect(length({ lists: { own: 128, peer: 0 }, unknown: [] }) - bare).toBe(5)
  })

  it("stands in no other conversation than the empty one [content.own.2]", () => {
    const word: Body.Own = { _tag: "Own", word: { own: "history", data: id } }
    expect(causeOf(encode(content(word, { conversation: draw(16) })))).toBe("decode.value")
    const elsewhere = Canonical.encode([10, draw(16), 1, id, 0, Canonical.encode([5, id]), new Map()])
    expect(causeOf(decode(elsewhere))).toBe("decode.value")
  })

  it("answers every byte string with content that encodes to it, or a failure [content.layout.1]", () => {
    const samples = bodies.map((body) => ok(encode(content(body))))
    const near = fc
      .tuple(fc.nat(samples.length - 1), fc.nat(), fc.nat(255))
      .map(([which, at, byte]) => samples[which]!.map((old, i) => (i === at % samples[which]!.length ? byte : old)))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), near), (bytes) => {
        const decoded = decode(bytes)
        if (causeOf(decoded) === undefined) expect(ok(encode(ok(decoded)))).toEqual(bytes)
      }),
      { numRuns: 1000 }
    )
    for (const sample of samples) {
      for (let length = 0; length < sample.length; length++) {
        expect(causeOf(decode(sample.slice(0, length)))).toMatch(/^decode\./)
      }
    }
  })

  it("names envelopes by a digest of their body [content.retry.1]", () => {
    const body = draw(200)
    const hash = createHash("sha256").update(ascii("tacit/1 envelope digest\0")).update(body).digest()
    expect(Digest.derive(crypto, body)).toEqual(Uint8Array.from(hash.subarray(0, 16)))
  })
})
