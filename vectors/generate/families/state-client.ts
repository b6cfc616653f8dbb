/**
 * F20: the records a client stores beside those of the ratchet, by hand from their layouts.
 *
 * Spec: docs/spec/16-state.md §16.1. The layouts are those of this SDK; the kinds are named after the keys.
 */
import { hex } from "../bytes.ts"
import { encode, type Value } from "../canon.ts"
import { FileBuilder } from "../family.ts"
import type { Delta, Json, VectorFile } from "../model.ts"
import { family } from "./state.ts"

const fill = (byte: number, length: number): Uint8Array => new Uint8Array(length).fill(byte)
const h = (byte: number, length: number): string => hex(fill(byte, length))
const at = 1_700_000_000_000
const none = new Uint8Array(0)

const self = (
  change: { readonly registered?: number; readonly restored?: number; readonly next?: Value } = {}
): Value => [
  1,
  change.registered ?? 1,
  { text: "alice@relay.example" },
  fill(0xa1, 32),
  fill(0xd1, 32),
  fill(0xe1, 32),
  fill(0x5e, 32),
  fill(0x3a, 16),
  fill(0x70, 16),
  fill(0x5c, 32),
  fill(0xce, 172),
  fill(0x3f, 300),
  [4, fill(0x51, 8)],
  change.restored ?? 0,
  change.next ?? [3, 2, 101, 151]
]
const selfFields = (change: { readonly [name: string]: Json } = {}): Json => ({
  version: 1,
  registered: 1,
  user: "alice@relay.example",
  account: h(0xa1, 32),
  device: h(0xd1, 32),
  agreement: h(0xe1, 32),
  rendezvous: h(0x5e, 32),
  mailbox: h(0x3a, 16),
  token: h(0x70, 16),
  secret: h(0x5c, 32),
  certificate: h(0xce, 172),
  manifest: h(0x3f, 300),
  fence: { generation: 4, startId: h(0x51, 8) },
  restored: 0,
  next: { signed: 3, kem: 2, once: 101, kemOnce: 151 },
  ...change
})

const mark = (id: number, rank: number): Value => [fill(id, 16), rank]
const markFields = (id: number, rank: number): Json => ({ id: h(id, 16), rank })
const peerNew: Value = [1, fill(0x3b, 16), [], 0, [[], 0, []], [[], []], [[], []], 0, 0, 0, 0]
const peerFull = (
  change: {
    readonly fence?: Value
    readonly archived?: Value
    readonly asked?: Value
    readonly sent?: Value
    readonly known?: number
  } = {}
): Value => [
  1,
  fill(0x3b, 16),
  [fill(0x71, 16)],
  change.known ?? 1,
  change.fence ?? [[[9, fill(0xb9, 8)]], 1, [[4, fill(0x51, 8)]]],
  [[mark(0x0a, at)], change.archived ?? [mark(0x0b, at - 1), mark(0x0c, 5)]],
  [change.asked ?? [[fill(0xd9, 16), at]], change.sent ?? [at - 1, at]],
  1,
  77,
  2,
  3
]

/** Id, kind, title, record, what is read out of it. */
const records: ReadonlyArray<readonly [id: string, kind: string, title: string, record: Value, fields: Json]> = [
  ["self", "self", "a registered device", self(), selfFields()],
  [
    "self-unregistered",
    "self",
    "a device whose registration is under way",
    self({ registered: 0 }),
    selfFields({ registered: 0 })
  ],
  [
    "self-restored",
    "self",
    "a device that was restored from a copy",
    self({ restored: 3 }),
    selfFields({ restored: 3 })
  ],
  ["progress-in-none", "progress-in", "nothing taken in yet", [1, 0, []], { version: 1, order: 0, committed: [] }],
  [
    "progress-in",
    "progress-in",
    "two deliveries that may not be acknowledged",
    [
      1,
      300,
      [
        [41, fill(1, 16)],
        [42, fill(2, 16)]
      ]
    ],
    {
      version: 1,
      order: 300,
      committed: [
        { id: 41, end: h(1, 16) },
        { id: 42, end: h(2, 16) }
      ]
    }
  ],
  ["progress-out", "progress-out", "orders given out", [1, 256], { version: 1, reserved: 256 }],
  [
    "prekey",
    "prekey",
    "a signed prekey in use",
    [1, fill(0x11, 32), fill(0x22, 32), at, 0, 1],
    { version: 1, key: h(0x11, 32), secret: h(0x22, 32), createdAt: at, retiredAt: 0, published: 1 }
  ],
  [
    "prekey-retired",
    "prekey",
    "a retired one",
    [1, fill(0x11, 32), fill(0x22, 32), at, at + 604_800_000, 1],
    { version: 1, key: h(0x11, 32), secret: h(0x22, 32), createdAt: at, retiredAt: at + 604_800_000, published: 1 }
  ],
  [
    "prekey-kem",
    "prekey",
    "a KEM prekey, not yet published",
    [1, fill(0x11, 1184), fill(0x22, 64), at, 0, 0],
    { version: 1, key: h(0x11, 1184), secret: h(0x22, 64), createdAt: at, retiredAt: 0, published: 0 }
  ],
  [
    "contact-unnamed",
    "contact",
    "an account known by its id alone",
    [1, [], none, [], at],
    { version: 1, manifest: "", since: at }
  ],
  [
    "contact",
    "contact",
    "a contact with name and manifest",
    [1, [{ text: "bob@relay.example" }], fill(0x3f, 300), [], at],
    { version: 1, user: "bob@relay.example", manifest: h(0x3f, 300), since: at }
  ],
  [
    "contact-offered",
    "contact",
    "a contact under whose name another account stands now",
    [1, [{ text: "bob@relay.example" }], fill(0x3f, 300), [fill(0xb2, 32)], at],
    { version: 1, user: "bob@relay.example", manifest: h(0x3f, 300), offered: h(0xb2, 32), since: at }
  ],
  [
    "peer-new",
    "peer",
    "a peer device nothing was exchanged with",
    peerNew,
    {
      version: 1,
      mailbox: h(0x3b, 16),
      tokenKnown: 0,
      fence: { owed: 0 },
      sessions: { archived: [] },
      requests: { asked: [], sent: [] },
      addressed: 0,
      floor: 0,
      archivedIn: 0,
      healedIn: 0
    }
  ],
  [
    "peer",
    "peer",
    "a peer device with sessions, fences and a retry request",
    peerFull(),
    {
      version: 1,
      mailbox: h(0x3b, 16),
      token: h(0x71, 16),
      tokenKnown: 1,
      fence: {
        highest: { generation: 9, startId: h(0xb9, 8) },
        owed: 1,
        echoed: { generation: 4, startId: h(0x51, 8) }
      },
      sessions: { active: markFields(0x0a, at), archived: [markFields(0x0b, at - 1), markFields(0x0c, 5)] },
      requests: { asked: [{ digest: h(0xd9, 16), at }], sent: [at - 1, at] },
      addressed: 1,
      floor: 77,
      archivedIn: 2,
      healedIn: 3
    }
  ],
  [
    "outbox-unsealed",
    "outbox",
    "a message that waits to be sealed",
    [1, fill(0xb1, 32), fill(0xd2, 32), 0, fill(0x0c, 60), none],
    { version: 1, account: h(0xb1, 32), device: h(0xd2, 32), answers: 0, content: h(0x0c, 60), envelope: "" }
  ],
  [
    "outbox-sealed",
    "outbox",
    "a sealed answer to a third retry request",
    [1, fill(0xb1, 32), fill(0xd2, 32), 3, fill(0x0c, 60), fill(0x0e, 200)],
    { version: 1, account: h(0xb1, 32), device: h(0xd2, 32), answers: 3, content: h(0x0c, 60), envelope: h(0x0e, 200) }
  ],
  [
    "message-sent",
    "message",
    "a message the relay has, with its log entry",
    [1, 1, fill(0x1d, 16), 1, at, [[1, fill(0xd9, 16), at, 0, 0, fill(0x0c, 60)]]],
    {
      version: 1,
      state: 1,
      message: h(0x1d, 16),
      type: 1,
      at,
      log: { version: 1, digest: h(0xd9, 16), at, answers: 0, answered: 0, content: h(0x0c, 60) }
    }
  ],
  [
    "message-delivered",
    "message",
    "a delivered one, without",
    [1, 2, fill(0x1d, 16), 9, at, []],
    { version: 1, state: 2, message: h(0x1d, 16), type: 9, at }
  ],
  [
    "inbox",
    "inbox",
    "a message the application has not taken",
    [1, fill(0xb1, 32), fill(0xd2, 32), at, 0, fill(0x0c, 60)],
    { version: 1, account: h(0xb1, 32), device: h(0xd2, 32), receivedAt: at, late: 0, content: h(0x0c, 60) }
  ],
  [
    "inbox-late",
    "inbox",
    "a late one",
    [1, fill(0xb1, 32), fill(0xd2, 32), at, 1, fill(0x0c, 60)],
    { version: 1, account: h(0xb1, 32), device: h(0xd2, 32), receivedAt: at, late: 1, content: h(0x0c, 60) }
  ],
  ["seen", "seen", "a start that was opened", [1, 128], { version: 1, signedPrekey: 128 }],
  [
    "owed",
    "owed",
    "two messages a receipt is owed for",
    [1, [fill(1, 16), fill(2, 16)]],
    { version: 1, messages: [h(1, 16), h(2, 16)] }
  ],
  [
    "once",
    "once",
    "what a send with an idempotency key answered",
    [1, fill(0xc0, 16), 7, 2, at],
    { version: 1, conversation: h(0xc0, 16), sequence: 7, devices: 2, at }
  ],
  [
    "held",
    "held",
    "a start under a changed identity",
    [1, at, fill(0x0e, 200)],
    { version: 1, receivedAt: at, envelope: h(0x0e, 200) }
  ],
  [
    "synced",
    "synced",
    "what another own device did",
    [1, fill(0xd2, 32), at, fill(0x93, 60)],
    { version: 1, device: h(0xd2, 32), receivedAt: at, word: h(0x93, 60) }
  ],
  ["greeted", "greeted", "an own device that was greeted", [1, at], { version: 1, at }],
  [
    "settings",
    "settings",
    "settings of the account, one of them taken back",
    [
      1,
      [
        [{ text: "sound" }, at, fill(0xd2, 32), []],
        [{ text: "theme" }, 7, fill(0xd1, 32), [fill(0x64, 4)]]
      ]
    ],
    {
      version: 1,
      settings: [
        { name: "sound", stamp: at, device: h(0xd2, 32) },
        { name: "theme", stamp: 7, device: h(0xd1, 32), value: h(0x64, 4) }
      ]
    }
  ],
  [
    "unsent",
    "unsent",
    "a message that failed for a device",
    [1, fill(0xb1, 32), at, { text: "device-removed" }],
    { version: 1, account: h(0xb1, 32), at, reason: "device-removed" }
  ],
  [
    "proposal",
    "proposal",
    "an own manifest that was signed",
    [1, fill(0x3f, 300)],
    { version: 1, manifest: h(0x3f, 300) }
  ],
  ["removed", "removed", "this device was removed", [1, 4, at], { version: 1, manifest: 4, at }],
  ["renewed", "renewed", "sessions from before are replaced", [1, at], { version: 1, before: at }],
  [
    "notice",
    "notice",
    "two devices added and one removed, to be told",
    [1, at, [fill(0xd1, 32), fill(0xd2, 32)], [fill(0xd3, 32)]],
    { version: 1, at, added: [h(0xd1, 32), h(0xd2, 32)], removed: [h(0xd3, 32)] }
  ],
  [
    "proof",
    "proof",
    "a fork proof of which somebody was told",
    [1, at, 1, fill(0x93, 600)],
    { version: 1, at, told: 1, proof: h(0x93, 600) }
  ]
]

/** Refused: id, twin, what is wrong, record. */
const wrong: ReadonlyArray<readonly [id: string, twin: string, title: string, record: Value]> = [
  ["self-registered-2", "self", "registered 2", self({ registered: 2 })],
  ["self-prekey-0", "self", "0 as next prekey id", self({ next: [0, 2, 101, 151] })],
  ["self-three-next", "self", "three next prekey ids", self({ next: [3, 2, 101] })],
  [
    "progress-in-1025",
    "progress-in",
    "1,025 deliveries",
    [1, 300, Array.from({ length: 1025 }, (_, i): Value => [i, fill(1, 16)])]
  ],
  ["progress-in-end-15", "progress-in", "the end of a delivery of 15 bytes", [1, 300, [[41, fill(1, 15)]]]],
  ["progress-out-none", "progress-out", "no order", [1]],
  ["progress-out-2-53", "progress-out", "the order 2⁵³", [1, { raw: Uint8Array.of(0xcf, 0, 0x20, 0, 0, 0, 0, 0, 0) }]],
  ["prekey-secret-31", "prekey", "a secret of 31 bytes", [1, fill(0x11, 32), fill(0x22, 31), at, 0, 1]],
  ["prekey-secret-65", "prekey-kem", "a secret of 65 bytes", [1, fill(0x11, 1184), fill(0x22, 65), at, 0, 0]],
  ["prekey-key-1185", "prekey-kem", "a key of 1,185 bytes", [1, fill(0x11, 1185), fill(0x22, 64), at, 0, 0]],
  ["prekey-published-2", "prekey", "published 2", [1, fill(0x11, 32), fill(0x22, 32), at, 0, 2]],
  ["contact-two-names", "contact", "two names", [1, [{ text: "bob" }, { text: "rob" }], fill(0x3f, 300), [], at]],
  ["contact-empty-name", "contact", "an empty name", [1, [{ text: "" }], fill(0x3f, 300), [], at]],
  ["contact-name-65", "contact", "a name of 65 bytes", [1, [{ text: "b".repeat(65) }], fill(0x3f, 300), [], at]],
  ["contact-name-bytes", "contact", "a name that is bytes", [1, [fill(0x62, 3)], fill(0x3f, 300), [], at]],
  [
    "contact-offered-31",
    "contact-offered",
    "an offered account of 31 bytes",
    [1, [{ text: "bob@relay.example" }], fill(0x3f, 300), [fill(0xb2, 31)], at]
  ],
  [
    "contact-offered-bare",
    "contact-offered",
    "the offered account without its array",
    [1, [{ text: "bob@relay.example" }], fill(0x3f, 300), fill(0xb2, 32), at]
  ],
  ["peer-generation-0", "peer", "generation 0", peerFull({ fence: [[[0, fill(0xb9, 8)]], 1, []] })],
  ["peer-start-id-7", "peer", "a start id of 7 bytes", peerFull({ fence: [[[9, fill(0xb9, 7)]], 1, []] })],
  ["peer-owed-2", "peer", "owed 2", peerFull({ fence: [[], 2, []] })],
  [
    "peer-archived-41",
    "peer",
    "41 archived sessions",
    peerFull({ archived: Array.from({ length: 41 }, (_, i) => mark(i + 64, i)) })
  ],
  [
    "peer-asked-257",
    "peer",
    "257 digests asked for",
    peerFull({ asked: Array.from({ length: 257 }, (_, i): Value => [fill(i & 0xff, 16), at]) })
  ],
  ["peer-sent-5", "peer", "five requests of the last minute", peerFull({ sent: [1, 2, 3, 4, 5] })],
  ["peer-token-known-2", "peer", "the token known 2", peerFull({ known: 2 })],
  [
    "outbox-answers-4",
    "outbox-sealed",
    "answered a fourth time",
    [1, fill(0xb1, 32), fill(0xd2, 32), 4, fill(0x0c, 60), fill(0x0e, 200)]
  ],
  [
    "outbox-content-text",
    "outbox-unsealed",
    "content that is text",
    [1, fill(0xb1, 32), fill(0xd2, 32), 0, { text: "c".repeat(60) }, none]
  ],
  [
    "outbox-device-33",
    "outbox-unsealed",
    "a device id of 33 bytes",
    [1, fill(0xb1, 32), fill(0xd2, 33), 0, fill(0x0c, 60), none]
  ],
  ["message-state-0", "message-delivered", "state 0", [1, 0, fill(0x1d, 16), 9, at, []]],
  ["message-state-3", "message-delivered", "state 3", [1, 3, fill(0x1d, 16), 9, at, []]],
  [
    "message-log-version",
    "message-sent",
    "another format of the log entry inside",
    [1, 1, fill(0x1d, 16), 1, at, [[2, fill(0xd9, 16), at, 0, 0, fill(0x0c, 60)]]]
  ],
  ["inbox-late-2", "inbox-late", "late 2", [1, fill(0xb1, 32), fill(0xd2, 32), at, 2, fill(0x0c, 60)]],
  ["seen-0", "seen", "the signed prekey 0", [1, 0]],
  ["owed-none", "owed", "no message", [1, []]],
  ["owed-id-17", "owed", "a message id of 17 bytes", [1, [fill(1, 17)]]],
  ["once-conversation-empty", "once", "the short form of the direct conversation", [1, none, 7, 2, at]],
  ["held-map", "held", "an envelope that is a map", [1, at, { map: [] }]],
  ["synced-device-31", "synced", "a device id of 31 bytes", [1, fill(0xd2, 31), at, fill(0x93, 60)]],
  ["synced-word-text", "synced", "a word that is text", [1, fill(0xd2, 32), at, { text: "x" }]],
  ["greeted-nothing", "greeted", "no time", [1]],
  ["settings-stamp-0", "settings", "a stamp of 0", [1, [[{ text: "theme" }, 0, fill(0xd1, 32), []]]]],
  [
    "settings-value-257",
    "settings",
    "a value of 257 bytes",
    [1, [[{ text: "theme" }, 7, fill(0xd1, 32), [fill(1, 257)]]]]
  ],
  ["unsent-reason-65", "unsent", "a reason of 65 bytes", [1, fill(0xb1, 32), at, { text: "r".repeat(65) }]],
  ["proposal-long", "proposal", "a manifest of 49,153 bytes", [1, fill(0x3f, 49_153)]],
  ["removed-version-0", "removed", "version 0", [1, 0, at]],
  ["renewed-nothing", "renewed", "no time", [1]],
  ["notice-device-31", "notice", "a device id of 31 bytes", [1, at, [fill(0xd1, 31)], []]],
  ["notice-51", "notice", "51 devices added", [1, at, Array.from({ length: 51 }, (_, i): Value => fill(i, 32)), []]],
  ["proof-told-2", "proof", "told 2", [1, at, 2, fill(0x93, 600)]]
]

export const clientRecords = (): VectorFile => {
  const file = new FileBuilder(family, "client")
  const place = "in/bytes"
  for (const [id, kind, title, record, fields] of records) {
    file.valid(
      { id: `record-client-${id}`, title, clauses: ["state.version.1"] },
      "record.read",
      { kind, bytes: hex(encode(record)) },
      { fields }
    )
  }
  const refuse = (
    id: string,
    twin: string,
    title: string,
    delta: Delta,
    cause: "state.corrupt" | "state.version"
  ): void =>
    void file.invalid(
      {
        id: `record-client-bad-${id}`,
        title,
        clauses: [cause === "state.version" ? "state.version.1" : "state.corrupt.1"],
        flags: [cause === "state.version" ? "Version" : "Corrupt"],
        critical: false
      },
      `record-client-${twin}`,
      delta,
      cause
    )
  for (const [id, twin, title, record] of wrong)
    refuse(id, twin, title, { at: place, op: "assign", value: hex(encode(record)) }, "state.corrupt")
  const kinds = new Map(records.map(([id, kind]) => [kind, id] as const).toReversed())
  for (const [kind, twin] of [...kinds].toReversed()) {
    const length = file.bytesAt(file.case(`record-client-${twin}`), place).length
    const later: Delta = { at: place, op: "set", offset: 1, bytes: "02", field: "version" }
    refuse(`${kind}-version-2`, twin, "the format of a later release", later, "state.version")
    refuse(
      `${kind}-cut`,
      twin,
      "the last byte missing",
      { at: place, op: "cut", offset: length - 1, length: 1 },
      "state.corrupt"
    )
  }
  return file.file()
}
