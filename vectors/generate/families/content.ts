/**
 * F04: content, every type of body and every extension. Long because it is one table of cases.
 *
 * Spec: docs/spec/03-envelopes.md §3.5.
 */
import { hex, utf8 } from "../bytes.ts"
import { encode, type Value } from "../canon.ts"
import { FileBuilder } from "../family.ts"
import type { Delta, Json, VectorFile } from "../model.ts"
import { label } from "../ops.ts"
import { sha256 } from "../prim.ts"
import { recipe } from "../trace.ts"
import { family } from "./envelope.ts"

const bytes = (byte: number, length: number): Uint8Array => new Uint8Array(length).fill(byte)
const accounts = [bytes(0xa1, 32), bytes(0xb2, 32)] as const
/** Rule content.conversation.1 for the two accounts above. */
const directBytes = sha256(label("direct conversation", ...accounts)).slice(0, 16)
const direct = hex(directBytes)
const id = bytes(0x1d, 16)
const group = bytes(0x6c, 16)
const sentAt = 1_700_000_000_123

interface Parts {
  readonly type: number
  readonly conversation?: Uint8Array
  readonly sequence: number
  readonly body: Uint8Array
  readonly extensions?: ReadonlyArray<readonly [number, Value]>
}

const content = ({ body, conversation, extensions, sequence, type }: Parts): Uint8Array =>
  encode([type, conversation ?? bytes(0, 0), sequence, id, sentAt, body, { map: extensions ?? [] }])

type Row = readonly [name: string, title: string, clause: string, parts: Parts, body: Json, extensions?: Json]

const fence = [3, bytes(0x5f, 8)] as const
const digest = (byte: number): Uint8Array => bytes(byte, 16)
const ids = (count: number): ReadonlyArray<Uint8Array> =>
  Array.from({ length: count }, (_, i) =>
    Uint8Array.from({ length: 16 }, (_b, j) => (j === 15 ? i & 0xff : j === 14 ? i >> 8 : 0x77))
  )

const peer = bytes(0xb2, 32)
const peerDevice = bytes(0xd7, 32)
/** A setting on the wire, and as the decoded structure shows it. */
const settingAt = (name: string, stamp: number, value?: Uint8Array): Value => [
  { text: name },
  stamp,
  peerDevice,
  value === undefined ? [] : [value]
]
const settingForm = (name: string, stamp: number, value?: Uint8Array): Json => ({
  name,
  stamp,
  device: hex(peerDevice),
  ...(value === undefined ? {} : { value: hex(value) })
})
/** As many settings as there may be, or more, with the longest names and values. */
const manySettings = (count: number): ReadonlyArray<readonly [string, number, Uint8Array]> =>
  Array.from({ length: count }, (_, i) => [
    `${String(i).padStart(3, "0")}${"~".repeat(61)}`,
    4_503_599_627_370_496 - i,
    bytes(i & 0xff, 256)
  ])
/** Content that copies carry. */
const inner = content({ type: 1, sequence: 41, body: utf8("hello") })

/** A reference to a file of 5 bytes, with a preview of one. */
const reference = encode([
  bytes(0x1f, 32),
  bytes(0x2e, 32),
  5,
  { text: "image/png" },
  { text: "a.png" },
  1_700_000_100_000,
  { text: "https://relay.example/v1/attachments" },
  [[{ text: "image/png" }, bytes(0x3d, 1)]],
  { map: [] }
])

const rows: ReadonlyArray<Row> = [
  ["text", "a text", "content.text.1", { type: 1, sequence: 1, body: utf8("hello") }, { text: "hello" }],
  ["text-empty", "an empty text", "content.text.1", { type: 1, sequence: 2, body: bytes(0, 0) }, { text: "" }],
  [
    "text-decomposed",
    "a text that normalisation would change",
    "content.text.1",
    { type: 1, sequence: 3, body: utf8("e\u0301\u{1f642}") },
    { text: "e\u0301\u{1f642}" }
  ],
  [
    "text-in-group",
    "a text in another conversation",
    "content.conversation.1",
    { type: 1, conversation: group, sequence: 1, body: utf8("all") },
    { text: "all" }
  ],
  [
    "text-largest-sequence",
    "the largest sequence number",
    "sequence.number.1",
    { type: 1, sequence: 9007199254740991, body: utf8("end") },
    { text: "end" }
  ],
  [
    "receipt-delivered",
    "one message was delivered",
    "content.receipt.1",
    { type: 2, sequence: 0, body: encode([1, [id]]) },
    { state: "delivered", messages: [hex(id)] }
  ],
  [
    "receipt-read",
    "two messages were read",
    "content.receipt.1",
    { type: 2, sequence: 0, body: encode([2, ids(2)]) },
    { state: "read", messages: ids(2).map(hex) }
  ],
  [
    "receipt-256",
    "256 messages in one receipt",
    "content.receipt.1",
    { type: 2, sequence: 0, body: encode([1, ids(256)]) },
    { state: "delivered", messages: ids(256).map(hex) }
  ],
  ["typing-started", "typing", "content.typing.1", { type: 3, sequence: 0, body: bytes(1, 1) }, { typing: true }],
  [
    "typing-stopped",
    "no longer typing",
    "content.typing.1",
    { type: 3, sequence: 0, body: bytes(0, 1) },
    { typing: false }
  ],
  [
    "attachment",
    "an attachment",
    "content.type.1",
    { type: 4, sequence: 4, body: reference },
    {
      reference: {
        id: "1f".repeat(32),
        key: "2e".repeat(32),
        length: 5,
        mediaType: "image/png",
        name: "a.png",
        expiresAt: 1_700_000_100_000,
        place: "https://relay.example/v1/attachments",
        preview: { mediaType: "image/png", data: "3d" },
        extensions: { unknown: [] }
      }
    }
  ],
  [
    "call-signal",
    "a call signal, opaque here",
    "content.type.1",
    { type: 5, sequence: 5, body: bytes(0xbb, 1) },
    { data: "bb" }
  ],
  [
    "group-control",
    "group control, opaque here",
    "content.type.1",
    { type: 6, sequence: 6, body: bytes(0, 0) },
    { data: "" }
  ],
  [
    "acknowledgement",
    "an empty acknowledgement",
    "content.device-control.1",
    { type: 7, sequence: 0, body: encode([1]) },
    { control: "acknowledge" }
  ],
  [
    "reset",
    "a reset notice",
    "content.device-control.1",
    { type: 7, sequence: 0, body: encode([2, 5]) },
    { control: "reset", reason: 5 }
  ],
  [
    "resynchronise",
    "a resynchronise request",
    "content.device-control.1",
    {
      type: 7,
      sequence: 0,
      body: encode([
        3,
        2,
        fence[1],
        [
          [bytes(0, 0), 7],
          [group, 9]
        ]
      ])
    },
    {
      control: "resynchronise",
      answer: false,
      generation: 2,
      startId: hex(fence[1]),
      received: [
        { conversation: "", highest: 7 },
        { conversation: hex(group), highest: 9 }
      ]
    }
  ],
  [
    "resynchronise-answer",
    "its answer",
    "content.device-control.1",
    { type: 7, sequence: 0, body: encode([4, 2, fence[1], []]) },
    { control: "resynchronise", answer: true, generation: 2, startId: hex(fence[1]), received: [] }
  ],
  [
    "retry-1",
    "a retry request for one envelope",
    "content.retry.1",
    { type: 8, sequence: 0, body: encode([digest(0xd1)]) },
    { digests: [hex(digest(0xd1))] }
  ],
  [
    "retry-32",
    "a retry request for 32 envelopes",
    "content.retry.1",
    { type: 8, sequence: 0, body: encode(ids(32)) },
    { digests: ids(32).map(hex) }
  ],
  [
    "application",
    "application data",
    "content.app.1",
    { type: 9, sequence: 7, body: encode([{ text: "application/json" }, { text: "a poll" }, utf8("{}")]) },
    { mediaType: "application/json", fallback: "a poll", data: "7b7d" }
  ],
  [
    "application-longest-type",
    "a media type of 127 characters, no fallback, no data",
    "content.app.1",
    { type: 9, sequence: 8, body: encode([{ text: "~".repeat(127) }, { text: "" }, bytes(0, 0)]) },
    { mediaType: "~".repeat(127), fallback: "", data: "" }
  ],
  [
    "application-longest-fallback",
    "a fallback of 1,024 bytes",
    "content.app.1",
    { type: 9, sequence: 8, body: encode([{ text: " " }, { text: "f".repeat(1024) }, bytes(1, 1)]) },
    { mediaType: " ", fallback: "f".repeat(1024), data: "01" }
  ],
  [
    "own-sent",
    "a copy of what was sent to a peer",
    "content.own.1",
    { type: 10, sequence: 1, body: encode([1, peer, inner]) },
    { own: "sent", peer: hex(peer), content: hex(inner) }
  ],
  [
    "own-read",
    "two messages of a peer were read",
    "content.own.1",
    { type: 10, sequence: 2, body: encode([2, peer, ids(2)]) },
    { own: "read", peer: hex(peer), messages: ids(2).map(hex) }
  ],
  [
    "own-read-256",
    "256 messages of a peer were read",
    "content.own.1",
    { type: 10, sequence: 3, body: encode([2, peer, ids(256)]) },
    { own: "read", peer: hex(peer), messages: ids(256).map(hex) }
  ],
  [
    "own-contact",
    "a contact",
    "content.own.1",
    { type: 10, sequence: 4, body: encode([3, peer, { text: "bob@relay" }, 1, bytes(0, 0)]) },
    { own: "contact", account: hex(peer), user: "bob@relay", state: 1, verified: "" }
  ],
  [
    "own-contact-nameless",
    "a contact without a name, verified, in a state of a later version",
    "content.own.1",
    { type: 10, sequence: 5, body: encode([3, peer, { text: "" }, 900, bytes(0xf3, 32)]) },
    { own: "contact", account: hex(peer), user: "", state: 900, verified: "f3".repeat(32) }
  ],
  [
    "own-received",
    "a copy of what a peer's device sent",
    "content.own.1",
    { type: 10, sequence: 6, body: encode([4, peer, peerDevice, sentAt, inner]) },
    { own: "received", peer: hex(peer), device: hex(peerDevice), receivedAt: sentAt, content: hex(inner) }
  ],
  [
    "own-history",
    "a word about history",
    "content.own.1",
    { type: 10, sequence: 7, body: encode([5, bytes(0x90, 1)]) },
    { own: "history", data: "90" }
  ],
  [
    "own-archive",
    "a word about an archive",
    "content.own.1",
    { type: 10, sequence: 8, body: encode([6, bytes(0x90, 1)]) },
    { own: "archive", data: "90" }
  ],
  [
    "own-later-kind",
    "a kind of a later version",
    "content.own.3",
    { type: 10, sequence: 9, body: encode([7, { text: "x" }, [1, 2]]) },
    { own: "unknown", data: hex(encode([7, { text: "x" }, [1, 2]])) }
  ],
  [
    "own-far-kind",
    "a kind of a far later version",
    "content.own.3",
    { type: 10, sequence: 9, body: encode([9000, { text: "x" }, [1, 2]]) },
    { own: "unknown", data: hex(encode([9000, { text: "x" }, [1, 2]])) }
  ],
  [
    "own-settings",
    "three settings, one of an empty value, one taken back",
    "content.own.4",
    {
      type: 10,
      sequence: 16,
      body: encode([
        7,
        [settingAt("!", 1, bytes(0, 0)), settingAt("notify/sound", sentAt), settingAt("theme", 7, utf8("dark"))]
      ])
    },
    {
      own: "settings",
      settings: [
        settingForm("!", 1, bytes(0, 0)),
        settingForm("notify/sound", sentAt),
        settingForm("theme", 7, utf8("dark"))
      ]
    }
  ],
  [
    "own-settings-none",
    "no settings",
    "content.own.1",
    { type: 10, sequence: 17, body: encode([7, []]) },
    { own: "settings", settings: [] }
  ],
  [
    "own-settings-most",
    "128 settings with the longest names and values and the highest stamp",
    "content.own.1",
    { type: 10, sequence: 18, body: encode([7, manySettings(128).map((one) => settingAt(...one))]) },
    { own: "settings", settings: manySettings(128).map((one) => settingForm(...one)) }
  ],
  [
    "own-verified",
    "a contact was verified",
    "content.own.1",
    { type: 10, sequence: 19, body: encode([8, peer, sentAt, peerDevice, bytes(0xf3, 32)]) },
    { own: "verified", account: hex(peer), stamp: sentAt, device: hex(peerDevice), print: "f3".repeat(32) }
  ],
  [
    "own-verified-not",
    "that a contact was verified is taken back",
    "content.own.1",
    { type: 10, sequence: 20, body: encode([8, peer, sentAt, peerDevice, bytes(0, 0)]) },
    { own: "verified", account: hex(peer), stamp: sentAt, device: hex(peerDevice), print: "" }
  ],
  [
    "own-kind-0",
    "kind 0, alone",
    "content.own.3",
    { type: 10, sequence: 10, body: encode([0]) },
    { own: "unknown", data: "9100" }
  ],
  [
    "lists",
    "the manifests by which the sender went",
    "content.extensions.1",
    { type: 1, sequence: 12, body: utf8("x"), extensions: [[13, [3, 130]]] },
    { text: "x" },
    { lists: { own: 3, peer: 130 }, unknown: [] }
  ],
  [
    "lists-peer-unknown",
    "no manifest of the recipient known",
    "content.extensions.1",
    { type: 1, sequence: 13, body: utf8("x"), extensions: [[13, [1, 0]]] },
    { text: "x" },
    { lists: { own: 1, peer: 0 }, unknown: [] }
  ],
  [
    "extension-ignorable",
    "an unknown odd extension behind the known ones is kept",
    "codec.ext.4",
    {
      type: 1,
      sequence: 11,
      body: utf8("x"),
      extensions: [
        [9, 0],
        [201, [1, { text: "z" }]]
      ]
    },
    { text: "x" },
    { floor: 0, unknown: [{ key: 201, value: "9201a17a" }] }
  ],
  [
    "unknown-type",
    "a type of a later version, with a fallback",
    "content.type.1",
    { type: 200, sequence: 9, body: bytes(0xcc, 2), extensions: [[7, { text: "please update" }]] },
    { data: "cccc" },
    { fallback: "please update", unknown: [] }
  ],
  ["type-0", "type 0, which is unknown", "content.type.1", { type: 0, sequence: 1, body: bytes(0, 0) }, { data: "" }],
  [
    "extensions",
    "every extension",
    "content.extensions.1",
    {
      type: 1,
      sequence: 10,
      body: utf8("x"),
      extensions: [
        [1, fence],
        [3, [1, bytes(0xe0, 8)]],
        [5, bytes(0x70, 16)],
        [7, { text: "y" }],
        [9, 9],
        [11, id]
      ]
    },
    { text: "x" },
    {
      fence: { generation: 3, startId: hex(fence[1]) },
      echo: { generation: 1, startId: "e0".repeat(8) },
      deliveryToken: "70".repeat(16),
      fallback: "y",
      floor: 9,
      replyTo: hex(id),
      unknown: []
    }
  ],
  [
    "extension-unknown-odd",
    "an unknown odd extension is kept",
    "codec.ext.4",
    {
      type: 1,
      sequence: 11,
      body: utf8("x"),
      extensions: [
        [9, 0],
        [13, [1, { text: "z" }]]
      ]
    },
    { text: "x" },
    { floor: 0, unknown: [{ key: 13, value: "9201a17a" }] }
  ],
  [
    "extension-wide-key",
    "an unknown odd extension with a wide key",
    "codec.ext.4",
    { type: 3, sequence: 0, body: bytes(1, 1), extensions: [[65537, 0]] },
    { typing: true },
    { unknown: [{ key: 65537, value: "00" }] }
  ]
]

/** Refused: name, title, rule, twin, what the content is instead, cause. */
type Refusal = readonly [
  name: string,
  title: string,
  clause: string,
  twin: string,
  parts: Parts | Uint8Array,
  cause: string
]

const text = (change: Partial<Parts>): Parts => ({ type: 1, sequence: 1, body: utf8("hello"), ...change })
const of = (type: number, body: Uint8Array): Parts => ({ type, sequence: type === 9 ? 7 : 0, body })
const extended = (extensions: ReadonlyArray<readonly [number, Value]>): Parts => ({
  type: 1,
  sequence: 10,
  body: utf8("x"),
  extensions
})

const own = (body: Uint8Array, sequence = 1): Parts => ({ type: 10, sequence, body })
const listed = (versions: ReadonlyArray<Value>): Parts => ({
  type: 1,
  sequence: 12,
  body: utf8("x"),
  extensions: [[13, versions]]
})

const refusals: ReadonlyArray<Refusal> = [
  [
    "direct-long",
    "the direct conversation in its long form",
    "content.conversation.1",
    "text",
    text({ conversation: directBytes }),
    "decode.noncanonical"
  ],
  [
    "conversation-1",
    "a conversation of one byte",
    "content.size.1",
    "text",
    text({ conversation: bytes(1, 1) }),
    "decode.size"
  ],
  [
    "conversation-15",
    "a conversation of 15 bytes",
    "content.size.1",
    "text-in-group",
    { type: 1, conversation: bytes(0x6c, 15), sequence: 1, body: utf8("all") },
    "decode.size"
  ],
  [
    "conversation-17",
    "a conversation of 17 bytes",
    "content.size.1",
    "text-in-group",
    { type: 1, conversation: bytes(0x6c, 17), sequence: 1, body: utf8("all") },
    "decode.size"
  ],
  ["text-sequence-0", "a text without a number", "content.numbered.1", "text", text({ sequence: 0 }), "decode.value"],
  [
    "attachment-sequence-0",
    "an attachment without a number",
    "content.numbered.1",
    "attachment",
    { type: 4, sequence: 0, body: reference },
    "decode.value"
  ],
  [
    "attachment-none",
    "an attachment without a reference",
    "attachment.reference.3",
    "attachment",
    { type: 4, sequence: 4, body: bytes(0, 0) },
    "decode.truncated"
  ],
  [
    "unknown-sequence-0",
    "an unknown type without a number",
    "content.numbered.1",
    "type-0",
    { type: 0, sequence: 0, body: bytes(0, 0) },
    "decode.value"
  ],
  [
    "receipt-numbered",
    "a receipt with a number",
    "content.numbered.1",
    "receipt-delivered",
    { type: 2, sequence: 1, body: encode([1, [id]]) },
    "decode.value"
  ],
  [
    "typing-numbered",
    "typing with a number",
    "content.numbered.1",
    "typing-started",
    { type: 3, sequence: 1, body: bytes(1, 1) },
    "decode.value"
  ],
  [
    "control-numbered",
    "device control with a number",
    "content.numbered.1",
    "acknowledgement",
    { type: 7, sequence: 1, body: encode([1]) },
    "decode.value"
  ],
  [
    "retry-numbered",
    "a retry request with a number",
    "content.numbered.1",
    "retry-1",
    { type: 8, sequence: 1, body: encode([digest(0xd1)]) },
    "decode.value"
  ],
  [
    "text-bad-utf8",
    "a text that is not UTF-8",
    "content.text.1",
    "text",
    text({ body: Uint8Array.of(0x68, 0xff) }),
    "decode.utf8"
  ],
  [
    "text-surrogate",
    "a text with a surrogate",
    "content.text.1",
    "text",
    text({ body: Uint8Array.of(0xed, 0xa0, 0x80) }),
    "decode.utf8"
  ],
  [
    "receipt-state-0",
    "receipt state 0",
    "content.receipt.1",
    "receipt-delivered",
    of(2, encode([0, [id]])),
    "decode.value"
  ],
  [
    "receipt-state-3",
    "receipt state 3",
    "content.receipt.1",
    "receipt-delivered",
    of(2, encode([3, [id]])),
    "decode.value"
  ],
  [
    "receipt-none",
    "a receipt for no message",
    "content.receipt.1",
    "receipt-delivered",
    of(2, encode([1, []])),
    "decode.size"
  ],
  [
    "receipt-257",
    "a receipt for 257 messages",
    "content.receipt.1",
    "receipt-256",
    of(2, encode([1, ids(257)])),
    "decode.size"
  ],
  [
    "receipt-repeated",
    "a receipt that names a message twice",
    "content.receipt.1",
    "receipt-read",
    of(2, encode([2, [id, id]])),
    "decode.value"
  ],
  [
    "receipt-id-15",
    "a receipt with an id of 15 bytes",
    "content.receipt.1",
    "receipt-delivered",
    of(2, encode([1, [bytes(0x1d, 15)]])),
    "decode.size"
  ],
  [
    "receipt-trailing",
    "something behind the receipt",
    "codec.decode.4",
    "receipt-delivered",
    of(2, Uint8Array.of(...encode([1, [id]]), 0)),
    "decode.trailing"
  ],
  ["receipt-text", "a receipt that is text", "codec.layout.3", "receipt-delivered", of(2, utf8("x")), "decode.type"],
  ["typing-2", "typing 2", "content.typing.1", "typing-started", of(3, bytes(2, 1)), "decode.value"],
  [
    "typing-empty",
    "typing without a byte",
    "content.typing.1",
    "typing-started",
    of(3, bytes(0, 0)),
    "decode.truncated"
  ],
  [
    "typing-two-bytes",
    "typing with two bytes",
    "content.typing.1",
    "typing-started",
    of(3, bytes(1, 2)),
    "decode.trailing"
  ],
  ["control-0", "device control 0", "content.device-control.1", "acknowledgement", of(7, encode([0])), "decode.value"],
  ["control-5", "device control 5", "content.device-control.1", "acknowledgement", of(7, encode([5])), "decode.value"],
  [
    "control-empty",
    "device control without a number",
    "content.device-control.1",
    "acknowledgement",
    of(7, encode([])),
    "decode.size"
  ],
  [
    "acknowledgement-with-more",
    "an acknowledgement with a second element",
    "content.device-control.1",
    "acknowledgement",
    of(7, encode([1, 0])),
    "decode.size"
  ],
  [
    "reset-without-reason",
    "a reset notice without a reason",
    "content.device-control.1",
    "reset",
    of(7, encode([2])),
    "decode.size"
  ],
  [
    "resynchronise-generation-0",
    "generation 0",
    "fence.identity.1",
    "resynchronise",
    of(7, encode([3, 0, fence[1], []])),
    "decode.value"
  ],
  [
    "resynchronise-start-id-7",
    "a start id of 7 bytes",
    "fence.identity.1",
    "resynchronise",
    of(7, encode([3, 2, bytes(0x5f, 7), []])),
    "decode.size"
  ],
  [
    "resynchronise-conversation-8",
    "a conversation of 8 bytes",
    "content.device-control.1",
    "resynchronise",
    of(7, encode([3, 2, fence[1], [[bytes(1, 8), 1]]])),
    "decode.size"
  ],
  [
    "resynchronise-order",
    "conversations out of order",
    "content.device-control.2",
    "resynchronise",
    of(
      7,
      encode([
        3,
        2,
        fence[1],
        [
          [group, 9],
          [bytes(0, 0), 7]
        ]
      ])
    ),
    "decode.noncanonical"
  ],
  [
    "resynchronise-twice",
    "a conversation twice",
    "content.device-control.2",
    "resynchronise",
    of(
      7,
      encode([
        3,
        2,
        fence[1],
        [
          [group, 9],
          [group, 9]
        ]
      ])
    ),
    "decode.noncanonical"
  ],
  [
    "resynchronise-direct-twice",
    "the direct conversation twice",
    "content.device-control.2",
    "resynchronise",
    of(
      7,
      encode([
        3,
        2,
        fence[1],
        [
          [bytes(0, 0), 7],
          [bytes(0, 0), 7]
        ]
      ])
    ),
    "decode.noncanonical"
  ],
  [
    "resynchronise-direct-long",
    "the direct conversation in its long form",
    "content.device-control.2",
    "resynchronise",
    of(7, encode([3, 2, fence[1], [[directBytes, 7]]])),
    "decode.noncanonical"
  ],
  [
    "resynchronise-order-and-size",
    "out of order, and one of 15 bytes",
    "content.device-control.2",
    "resynchronise",
    of(
      7,
      encode([
        3,
        2,
        fence[1],
        [
          [group, 9],
          [bytes(0, 15), 7]
        ]
      ])
    ),
    "decode.size"
  ],
  ["retry-none", "a retry request for nothing", "content.retry.1", "retry-1", of(8, encode([])), "decode.size"],
  [
    "retry-33",
    "a retry request for 33 envelopes",
    "content.retry.1",
    "retry-32",
    of(8, encode(ids(33))),
    "decode.size"
  ],
  [
    "retry-digest-32",
    "a digest of 32 bytes",
    "content.retry.1",
    "retry-1",
    of(8, encode([bytes(0xd1, 32)])),
    "decode.size"
  ],
  [
    "application-no-type",
    "an empty media type",
    "content.app.1",
    "application",
    of(9, encode([{ text: "" }, { text: "" }, bytes(0, 0)])),
    "decode.size"
  ],
  [
    "application-type-128",
    "a media type of 128 characters",
    "content.app.1",
    "application",
    of(9, encode([{ text: "a".repeat(128) }, { text: "" }, bytes(0, 0)])),
    "decode.size"
  ],
  [
    "application-type-control",
    "a media type with a line feed",
    "content.app.1",
    "application",
    of(9, encode([{ text: "a\nb" }, { text: "" }, bytes(0, 0)])),
    "decode.value"
  ],
  [
    "application-type-accent",
    "a media type outside ASCII",
    "content.app.1",
    "application",
    of(9, encode([{ text: "\u00e9" }, { text: "" }, bytes(0, 0)])),
    "decode.value"
  ],
  [
    "application-type-del",
    "a media type with 0x7F",
    "content.app.1",
    "application",
    of(9, encode([{ text: "\u007f" }, { text: "" }, bytes(0, 0)])),
    "decode.value"
  ],
  [
    "application-fallback-1025",
    "a fallback of 1,025 bytes",
    "content.app.1",
    "application-longest-fallback",
    of(9, encode([{ text: " " }, { text: "f".repeat(1025) }, bytes(1, 1)])),
    "decode.size"
  ],
  [
    "application-data-text",
    "data that is text",
    "codec.layout.3",
    "application",
    of(9, encode([{ text: "a" }, { text: "" }, { text: "{}" }])),
    "decode.type"
  ],
  [
    "extension-critical",
    "an unknown even extension",
    "codec.ext.3",
    "extension-ignorable",
    {
      type: 1,
      sequence: 11,
      body: utf8("x"),
      extensions: [
        [9, 0],
        [14, 0]
      ]
    },
    "decode.unknown-critical"
  ],
  ["extension-critical-0", "extension 0", "codec.ext.3", "extensions", extended([[0, 0]]), "decode.unknown-critical"],
  [
    "extension-fence-array",
    "a fence of one element",
    "content.extensions.1",
    "extensions",
    extended([[1, [3]]]),
    "decode.size"
  ],
  [
    "extension-fence-generation-0",
    "a fence of generation 0",
    "fence.identity.1",
    "extensions",
    extended([[1, [0, fence[1]]]]),
    "decode.value"
  ],
  [
    "extension-echo-start-id-9",
    "an echo with a start id of 9 bytes",
    "fence.identity.1",
    "extensions",
    extended([[3, [1, bytes(1, 9)]]]),
    "decode.size"
  ],
  [
    "extension-token-15",
    "a delivery token of 15 bytes",
    "content.extensions.1",
    "extensions",
    extended([[5, bytes(1, 15)]]),
    "decode.size"
  ],
  [
    "extension-fallback-1025",
    "a fallback of 1,025 bytes",
    "content.extensions.1",
    "unknown-type",
    { type: 200, sequence: 9, body: bytes(0xcc, 2), extensions: [[7, { text: "f".repeat(1025) }]] },
    "decode.size"
  ],
  [
    "extension-floor-text",
    "a floor that is text",
    "content.extensions.1",
    "extensions",
    extended([[9, { text: "9" }]]),
    "decode.type"
  ],
  [
    "extension-reply-17",
    "a reply to an id of 17 bytes",
    "content.extensions.1",
    "extensions",
    extended([[11, bytes(1, 17)]]),
    "decode.size"
  ],
  [
    "own-sequence-0",
    "a word between own devices without a number",
    "content.numbered.1",
    "own-sent",
    { type: 10, sequence: 0, body: encode([1, peer, inner]) },
    "decode.value"
  ],
  [
    "own-in-group",
    "a word between own devices in another conversation",
    "content.own.2",
    "own-sent",
    { type: 10, conversation: group, sequence: 1, body: encode([1, peer, inner]) },
    "decode.value"
  ],
  [
    "own-direct-long",
    "a word between own devices, the direct conversation in its long form",
    "content.conversation.1",
    "own-sent",
    { type: 10, conversation: directBytes, sequence: 1, body: encode([1, peer, inner]) },
    "decode.noncanonical"
  ],
  ["own-empty", "no body", "content.own.1", "own-sent", own(bytes(0, 0)), "decode.truncated"],
  ["own-no-kind", "an empty array", "content.own.1", "own-sent", own(encode([])), "decode.size"],
  ["own-map", "a map", "content.own.1", "own-sent", own(encode({ map: [] })), "decode.type"],
  ["own-kind-text", "a kind that is text", "content.own.1", "own-sent", own(encode([{ text: "1" }])), "decode.type"],
  ["own-sent-short", "a copy without content", "content.own.1", "own-sent", own(encode([1, peer])), "decode.size"],
  [
    "own-sent-more",
    "a copy with a fourth element",
    "content.own.1",
    "own-sent",
    own(encode([1, peer, inner, 0])),
    "decode.size"
  ],
  [
    "own-sent-empty",
    "a copy of nothing",
    "content.own.1",
    "own-sent",
    own(encode([1, peer, bytes(0, 0)])),
    "decode.size"
  ],
  [
    "own-sent-account-31",
    "an account of 31 bytes",
    "content.own.1",
    "own-sent",
    own(encode([1, bytes(0xb2, 31), inner])),
    "decode.size"
  ],
  [
    "own-trailing",
    "something behind the word",
    "codec.decode.4",
    "own-sent",
    own(Uint8Array.of(...encode([1, peer, inner]), 0)),
    "decode.trailing"
  ],
  ["own-read-none", "no message was read", "content.own.1", "own-read", own(encode([2, peer, []]), 2), "decode.size"],
  [
    "own-read-257",
    "257 messages were read",
    "content.own.1",
    "own-read-256",
    own(encode([2, peer, ids(257)]), 3),
    "decode.size"
  ],
  [
    "own-read-repeated",
    "a message was read twice",
    "content.own.1",
    "own-read",
    own(encode([2, peer, [id, id]]), 2),
    "decode.value"
  ],
  [
    "own-contact-state-0",
    "a contact in state 0",
    "content.own.1",
    "own-contact",
    own(encode([3, peer, { text: "bob@relay" }, 0, bytes(0, 0)]), 4),
    "decode.value"
  ],
  [
    "own-contact-name-65",
    "a name of 65 bytes",
    "content.own.1",
    "own-contact",
    own(encode([3, peer, { text: "b".repeat(65) }, 1, bytes(0, 0)]), 4),
    "decode.size"
  ],
  [
    "own-contact-verified-31",
    "31 bytes of what was verified",
    "content.own.1",
    "own-contact-nameless",
    own(encode([3, peer, { text: "" }, 900, bytes(0xf3, 31)]), 5),
    "decode.size"
  ],
  [
    "own-contact-verified-33",
    "33 bytes of what was verified",
    "content.own.1",
    "own-contact-nameless",
    own(encode([3, peer, { text: "" }, 900, bytes(0xf3, 33)]), 5),
    "decode.size"
  ],
  [
    "own-received-device-33",
    "a device of 33 bytes",
    "content.own.1",
    "own-received",
    own(encode([4, peer, bytes(0xd7, 33), sentAt, inner]), 6),
    "decode.size"
  ],
  [
    "own-history-empty",
    "an empty word about history",
    "content.own.1",
    "own-history",
    own(encode([5, bytes(0, 0)]), 7),
    "decode.size"
  ],
  [
    "own-archive-text",
    "an archive that is text",
    "content.own.1",
    "own-archive",
    own(encode([6, { text: "x" }]), 8),
    "decode.type"
  ],
  [
    "own-later-kind-trailing",
    "something behind a kind of a later version",
    "content.own.3",
    "own-later-kind",
    own(Uint8Array.of(...encode([7, { text: "x" }, [1, 2]]), 0), 9),
    "decode.trailing"
  ],
  [
    "own-later-kind-nil",
    "a kind of a later version with nil in it",
    "content.own.3",
    "own-later-kind",
    own(Uint8Array.of(0x92, 7, 0xc0), 9),
    "decode.type"
  ],
  [
    "own-later-kind-cut",
    "a kind of a later version, cut off",
    "content.own.3",
    "own-later-kind",
    own(Uint8Array.of(0x92, 7), 9),
    "decode.truncated"
  ],
  [
    "own-far-kind-trailing",
    "something behind a kind of a far later version",
    "content.own.3",
    "own-far-kind",
    own(Uint8Array.of(...encode([9000, { text: "x" }, [1, 2]]), 0), 9),
    "decode.trailing"
  ],
  [
    "own-far-kind-nil",
    "a kind of a far later version with nil in it",
    "content.own.3",
    "own-far-kind",
    own(Uint8Array.of(0x92, 0xcd, 0x23, 0x28, 0xc0), 9),
    "decode.type"
  ],
  [
    "own-far-kind-cut",
    "a kind of a far later version, cut off",
    "content.own.3",
    "own-far-kind",
    own(Uint8Array.of(0x92, 0xcd, 0x23, 0x28), 9),
    "decode.truncated"
  ],
  [
    "own-settings-order",
    "settings out of order",
    "content.own.4",
    "own-settings",
    own(encode([7, [settingAt("theme", 7), settingAt("notify/sound", 7)]]), 16),
    "decode.noncanonical"
  ],
  [
    "own-settings-twice",
    "one setting twice",
    "content.own.4",
    "own-settings",
    own(encode([7, [settingAt("theme", 7), settingAt("theme", 8)]]), 16),
    "decode.noncanonical"
  ],
  [
    "own-settings-name-0",
    "a setting without a name",
    "content.own.1",
    "own-settings",
    own(encode([7, [settingAt("", 7)]]), 16),
    "decode.size"
  ],
  [
    "own-settings-name-65",
    "a name of 65 characters",
    "content.own.1",
    "own-settings",
    own(encode([7, [settingAt("n".repeat(65), 7)]]), 16),
    "decode.size"
  ],
  [
    "own-settings-name-blank",
    "a blank in a name",
    "content.own.4",
    "own-settings",
    own(encode([7, [settingAt("my theme", 7)]]), 16),
    "decode.value"
  ],
  [
    "own-settings-name-127",
    "the character 0x7f in a name",
    "content.own.4",
    "own-settings",
    own(encode([7, [settingAt("theme\u007f", 7)]]), 16),
    "decode.value"
  ],
  [
    "own-settings-name-beyond",
    "a character beyond ASCII in a name, and the names out of order",
    "content.own.4",
    "own-settings",
    own(encode([7, [settingAt("th\u00e8me", 7), settingAt("a", 7)]]), 16),
    "decode.value"
  ],
  [
    "own-settings-stamp-0",
    "stamp 0",
    "content.own.1",
    "own-settings",
    own(encode([7, [settingAt("theme", 0)]]), 16),
    "decode.value"
  ],
  [
    "own-settings-stamp-above",
    "a stamp above the highest",
    "content.own.1",
    "own-settings",
    own(encode([7, [settingAt("theme", 4_503_599_627_370_497)]]), 16),
    "decode.value"
  ],
  [
    "own-settings-device-31",
    "a device of 31 bytes",
    "content.own.1",
    "own-settings",
    own(encode([7, [[{ text: "theme" }, 7, bytes(0xd7, 31), []]]]), 16),
    "decode.size"
  ],
  [
    "own-settings-value-257",
    "a value of 257 bytes",
    "content.own.1",
    "own-settings",
    own(encode([7, [settingAt("theme", 7, bytes(1, 257))]]), 16),
    "decode.size"
  ],
  [
    "own-settings-values",
    "two values of one setting",
    "content.own.1",
    "own-settings",
    own(encode([7, [[{ text: "theme" }, 7, peerDevice, [utf8("a"), utf8("b")]]]]), 16),
    "decode.size"
  ],
  [
    "own-settings-value-text",
    "a value that is text",
    "content.own.1",
    "own-settings",
    own(encode([7, [[{ text: "theme" }, 7, peerDevice, [{ text: "dark" }]]]]), 16),
    "decode.type"
  ],
  [
    "own-settings-129",
    "129 settings",
    "content.own.1",
    "own-settings-most",
    own(encode([7, manySettings(129).map(([name, stamp]) => settingAt(name, stamp))]), 18),
    "decode.size"
  ],
  [
    "own-verified-31",
    "31 bytes of what was verified",
    "content.own.1",
    "own-verified",
    own(encode([8, peer, sentAt, peerDevice, bytes(0xf3, 31)]), 19),
    "decode.size"
  ],
  [
    "own-verified-33",
    "33 bytes of what was verified",
    "content.own.1",
    "own-verified",
    own(encode([8, peer, sentAt, peerDevice, bytes(0xf3, 33)]), 19),
    "decode.size"
  ],
  [
    "own-verified-stamp-0",
    "verified with stamp 0",
    "content.own.1",
    "own-verified",
    own(encode([8, peer, 0, peerDevice, bytes(0xf3, 32)]), 19),
    "decode.value"
  ],
  [
    "own-verified-account-31",
    "an account of 31 bytes",
    "content.own.1",
    "own-verified",
    own(encode([8, bytes(0xb2, 31), sentAt, peerDevice, bytes(0xf3, 32)]), 19),
    "decode.size"
  ],
  [
    "extension-lists-own-0",
    "lists with own version 0",
    "content.extensions.1",
    "lists",
    listed([0, 130]),
    "decode.value"
  ],
  ["extension-lists-one", "lists of one version", "content.extensions.1", "lists", listed([3]), "decode.size"],
  [
    "extension-lists-three",
    "lists of three versions",
    "content.extensions.1",
    "lists",
    listed([3, 130, 1]),
    "decode.size"
  ],
  [
    "extension-lists-text",
    "a version that is text",
    "content.extensions.1",
    "lists",
    listed([3, { text: "z" }]),
    "decode.type"
  ],
  [
    "extension-order",
    "extensions out of order",
    "codec.map.1",
    "extensions",
    extended([
      [9, 1],
      [7, { text: "y" }]
    ]),
    "decode.noncanonical"
  ],
  [
    "extension-twice",
    "one extension twice",
    "codec.map.1",
    "extensions",
    extended([
      [9, 1],
      [9, 1]
    ]),
    "decode.noncanonical"
  ],
  [
    "message-id-15",
    "a message id of 15 bytes",
    "content.layout.1",
    "text",
    encode([1, bytes(0, 0), 1, bytes(0x1d, 15), sentAt, utf8("hello"), { map: [] }]),
    "decode.size"
  ],
  [
    "message-id-text",
    "a message id that is text",
    "content.layout.1",
    "text",
    encode([1, bytes(0, 0), 1, { text: "a".repeat(16) }, sentAt, utf8("hello"), { map: [] }]),
    "decode.type"
  ],
  [
    "body-text",
    "a body that is text",
    "content.layout.1",
    "text",
    encode([1, bytes(0, 0), 1, id, sentAt, { text: "hello" }, { map: [] }]),
    "decode.type"
  ],
  [
    "no-extensions",
    "no extension slot",
    "content.layout.1",
    "text",
    encode([1, bytes(0, 0), 1, id, sentAt, utf8("hello")]),
    "decode.size"
  ],
  [
    "extensions-array",
    "an array for extensions",
    "content.layout.1",
    "text",
    encode([1, bytes(0, 0), 1, id, sentAt, utf8("hello"), []]),
    "decode.type"
  ],
  [
    "eight",
    "eight elements",
    "content.layout.1",
    "text",
    encode([1, bytes(0, 0), 1, id, sentAt, utf8("hello"), { map: [] }, 0]),
    "decode.size"
  ]
]

export const contents = (): VectorFile => {
  const file = new FileBuilder(family, "content")
  const at = "in/bytes"
  for (const [name, title, clause, parts, body, extensions] of rows) {
    const value: Json = {
      type: parts.type,
      conversation: hex(parts.conversation ?? bytes(0, 0)),
      sequence: parts.sequence,
      messageId: hex(id),
      sentAt,
      body,
      extensions: extensions ?? { unknown: [] }
    }
    file.valid(
      { id: `content-${name}`, title, clauses: [clause, "content.layout.1"] },
      "content.decode",
      { bytes: hex(content(parts)), direct },
      { value }
    )
  }
  for (const [name, title, clause, twin, parts, cause] of refusals) {
    const value = hex(parts instanceof Uint8Array ? parts : content(parts))
    file.invalid(
      {
        id: `content-bad-${name}`,
        title,
        clauses: [clause],
        flags: [clause.startsWith("codec.ext") || name.startsWith("extension") ? "Extension" : "Meaning"],
        critical: false
      },
      `content-${twin}`,
      { at, op: "assign", value },
      cause
    )
  }
  file.withdraw(
    "content-extension-unknown-odd",
    "Extension 13 has a meaning since section 22 and is no longer an unknown one.",
    "content-extension-ignorable"
  )
  const meant = "Kind 7 has a meaning since settings are shared and is no longer one of a later version."
  file.withdraw("content-own-later-kind", meant, "content-own-far-kind")
  for (const name of ["trailing", "nil", "cut"])
    file.withdraw(`content-bad-own-later-kind-${name}`, meant, `content-bad-own-far-kind-${name}`)
  bounds(file)
  const refuse = (name: string, title: string, clause: string, delta: Delta, cause: string): void =>
    void file.invalid(
      { id: `content-bad-${name}`, title, clauses: [clause], flags: ["Form"], critical: false },
      "content-text",
      { ...delta, at },
      cause
    )
  const length = content(text({})).length
  refuse(
    "trailing",
    "a byte behind it",
    "codec.decode.4",
    { at, op: "insert", offset: length, bytes: "00" },
    "decode.trailing"
  )
  refuse(
    "cut",
    "the last byte missing",
    "codec.decode.3",
    { at, op: "cut", offset: length - 1, length: 1 },
    "decode.truncated"
  )
  refuse("empty", "nothing", "codec.decode.3", { at, op: "cut", offset: 0, length }, "decode.truncated")
  refuse(
    "type-long",
    "the type in a longer form",
    "codec.form.2",
    { at, op: "reencode", offset: 1, length: 1, bytes: "cc01", kind: "uint8" },
    "decode.noncanonical"
  )
  refuse("nil", "nil for the type", "codec.value.2", { at, op: "set", offset: 1, bytes: "c0" }, "decode.type")
  refuse(
    "float",
    "a float for the sequence",
    "codec.value.2",
    { at, op: "reencode", offset: 4, length: 1, bytes: "ca3f800000", kind: "float32" },
    "decode.type"
  )
  return file.file()
}

/** Content by recipe: `count` bytes `x` somewhere in it. */
const filled = (parts: (fill: Uint8Array) => Parts, count: number): ReturnType<typeof recipe> => {
  const whole = hex(content(parts(bytes(0x78, count))))
  const at = whole.indexOf("78".repeat(count))
  return recipe(whole.slice(0, at), "78", count, whole.slice(at + 2 * count))
}

/** The longest bodies (rule content.layout.1), and one byte more. */
const bounds = (file: FileBuilder): void => {
  const text = (fill: Uint8Array): Parts => ({ type: 1, sequence: 14, body: fill })
  const copy = (fill: Uint8Array): Parts => ({ type: 10, sequence: 15, body: encode([1, peer, fill]) })
  const value = (of: (fill: Uint8Array) => Parts, body: Json): Json => {
    const { sequence, type } = of(bytes(0, 1))
    return { type, conversation: "", sequence, messageId: hex(id), sentAt, body, extensions: { unknown: [] } }
  }
  /** Array, kind, account, and five bytes of head before the content of the longest copy. */
  const longest = 69_632 - 1 - 1 - 34 - 5
  const bad = (name: string, title: string, of: (fill: Uint8Array) => Parts, count: number): void =>
    void file.invalid(
      { id: `content-bad-${name}-above`, title, clauses: ["content.layout.1"], flags: ["Meaning"], critical: false },
      `content-${name}`,
      { at: "in/bytes", op: "assign", value: filled(of, count) as unknown as Json },
      "decode.size"
    )
  file.valid(
    { id: "content-text-longest", title: "a text of 65,536 bytes", clauses: ["content.layout.1"] },
    "content.decode",
    { bytes: filled(text, 65_536), direct },
    { value: value(text, { text: "x".repeat(65_536) }) }
  )
  bad("text-longest", "a text of 65,537 bytes", text, 65_537)
  file.valid(
    { id: "content-own-longest", title: "a body of type 10 of 69,632 bytes", clauses: ["content.layout.1"] },
    "content.decode",
    { bytes: filled(copy, longest), direct },
    { value: value(copy, { own: "sent", peer: hex(peer), content: recipe("", "78", longest) as unknown as Json }) }
  )
  bad("own-longest", "a body of type 10 of 69,633 bytes", copy, longest + 1)
}
