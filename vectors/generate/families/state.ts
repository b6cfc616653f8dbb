/**
 * F20: stored records, by hand from their layouts.
 *
 * Spec: docs/spec/16-state.md §16.1. The layouts are those of this SDK: another implementation stores what it likes, but ours must
 * read these bytes for ever.
 */
import { hex } from "../bytes.ts"
import { encode, type Value } from "../canon.ts"
import { FileBuilder, type Family } from "../family.ts"
import type { Delta, Json, VectorFile } from "../model.ts"

/** F20. */
export const family: Family = {
  id: "F20",
  name: "state",
  document: "docs/spec/16-state.md",
  level: 2,
  operations: { "record.read": { in: { kind: "text", bytes: "bytes" }, out: { fields: "json" } } },
  notes: {
    Corrupt: {
      kind: "CORRUPTION",
      text: "Not what was stored: names the record's kind and changes nothing.",
      refs: ["docs/spec/16-state.md §16.1"]
    },
    Version: {
      kind: "UPGRADE",
      text: "A format of another release: told apart from corruption, never guessed.",
      refs: ["docs/spec/16-state.md §16.1"]
    }
  }
}

const fill = (byte: number, length: number): Uint8Array => new Uint8Array(length).fill(byte)
const counted = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i & 0xff)
const key = (n: number): string => hex(counted(11 * 32).slice(32 * n, 32 * n + 32))

const ratchet = (
  count: number,
  change: {
    readonly suite?: number
    readonly sent?: number
    readonly received?: number
    readonly previous?: number
    readonly skipped?: number
  } = {}
): Value => [
  1,
  change.suite ?? 1,
  change.sent ?? 0,
  change.received ?? 0,
  change.previous ?? 0,
  change.skipped ?? 0,
  counted(32 * count)
]
const ratchetFields = (count: number, change: { readonly [name: string]: number } = {}): Json => ({
  suite: 1,
  ad: key(0),
  rootKey: key(1),
  sent: 0,
  received: 0,
  previous: 0,
  skipped: 0,
  canSend: count >= 9,
  hasReceived: count === 11,
  ...change
})

const session = (state: Value, pending: Value, rank: Value = 1_700_000_000_000): Value => [
  1,
  fill(0xa1, 32),
  fill(0xd1, 32),
  rank,
  1,
  fill(0x57, 16),
  state,
  pending
]
const sessionFields = (state: Json, pending: Json): Json => ({
  id: key(0).slice(0, 32),
  account: "a1".repeat(32),
  device: "d1".repeat(32),
  rank: 1_700_000_000_000,
  initiated: true,
  start: "57".repeat(16),
  ratchet: state,
  pending
})
const pending: Value = [fill(0xe1, 32), 7, 9, 1, 11, fill(0xc1, 1088), fill(0xb1, 32), 3]

/** Name, kind, title, record, what is read out of it. */
const records: ReadonlyArray<readonly [id: string, kind: string, title: string, record: Value, fields: Json]> = [
  [
    "account",
    "account",
    "an account's secrets",
    [1, fill(0x11, 32), fill(0x22, 32)],
    { identity: "11".repeat(32), alias: "22".repeat(32) }
  ],
  [
    "device",
    "device",
    "a device's secrets",
    [1, fill(0x33, 32), fill(0x44, 32)],
    { signing: "33".repeat(32), agreement: "44".repeat(32) }
  ],
  ["sequence-0", "sequence", "a counter before the first message", [1, 0], { last: 0 }],
  ["sequence-128", "sequence", "a counter of two bytes", [1, 128], { last: 128 }],
  ["sequence-largest", "sequence", "a counter at its end", [1, 9007199254740991], { last: 9007199254740991 }],
  [
    "window-empty",
    "window",
    "a window before the first message",
    [1, 0, 0, fill(0, 0), fill(0, 0)],
    { highest: 0, gaps: [] }
  ],
  [
    "window-full",
    "window",
    "a window without gaps",
    [1, 70000, 0, fill(0, 0), fill(0, 0)],
    { highest: 70000, gaps: [] }
  ],
  // Number 10 was received; 9 and 8 are missing (bits 1 and 2), 7 is open but not missing (bit 3).
  [
    "window-gaps",
    "window",
    "a window with a gap of two",
    [1, 10, 0, Uint8Array.of(0x0e), Uint8Array.of(0x06)],
    { highest: 10, gaps: [[8, 9]] }
  ],
  [
    "window-second-byte",
    "window",
    "a gap in the second byte of the bitmap",
    [1, 100, 0, Uint8Array.of(0, 0x02), Uint8Array.of(0, 0x02)],
    { highest: 100, gaps: [[91, 91]] }
  ],
  [
    "window-floor",
    "window",
    "a window after a floor: what is below was not received and is not missing",
    [1, 5000, 1, Uint8Array.of(0xfe), fill(0, 0)],
    { highest: 5000, gaps: [] }
  ],
  ["ratchet-awaiting", "ratchet", "a responder that received nothing", ratchet(6), ratchetFields(6)],
  [
    "ratchet-initiated",
    "ratchet",
    "an initiator that received nothing",
    ratchet(9, { sent: 3 }),
    ratchetFields(9, { sent: 3 })
  ],
  [
    "ratchet-established",
    "ratchet",
    "a ratchet in both directions",
    ratchet(11, { sent: 5, received: 7, previous: 2, skipped: 300 }),
    ratchetFields(11, { sent: 5, received: 7, previous: 2, skipped: 300 })
  ],
  ["ratchet-suite-2", "ratchet", "suite 2", ratchet(11, { suite: 2 }), ratchetFields(11, { suite: 2 })],
  ["ratchet-suite-3", "ratchet", "suite 3", ratchet(11, { suite: 3 }), ratchetFields(11, { suite: 3 })],
  [
    "ratchet-counters",
    "ratchet",
    "counters at their end",
    ratchet(11, { sent: 4294967295, received: 4294967295, previous: 4294967295, skipped: 9007199254740991 }),
    ratchetFields(11, { sent: 4294967295, received: 4294967295, previous: 4294967295, skipped: 9007199254740991 })
  ],
  [
    "skipped",
    "skipped",
    "a skipped key",
    [1, 17, 1_700_000_000_000, fill(0x4b, 32), fill(0x6b, 32)],
    { ordinal: 17, at: 1_700_000_000_000, headerKey: "4b".repeat(32), messageKey: "6b".repeat(32) }
  ],
  [
    "session-answered",
    "session",
    "an answered session",
    session(ratchet(11), []),
    sessionFields(ratchetFields(11), [])
  ],
  [
    "session-pending",
    "session",
    "a session that was not answered",
    session(ratchet(9), [pending]),
    sessionFields(ratchetFields(9), [
      {
        ephemeral: "e1".repeat(32),
        signedPrekeyId: 7,
        oneTimePrekeyId: 9,
        kemOneTime: true,
        kemPrekeyId: 11,
        kemCiphertext: "c1".repeat(1088),
        recipient: "b1".repeat(32),
        sealed: 3
      }
    ])
  ],
  [
    "sent",
    "sent",
    "an entry of the log for retry requests",
    [1, fill(0xd9, 16), 1_700_000_000_000, 0, 0, Uint8Array.of(1, 2, 3)],
    { digest: "d9".repeat(16), at: 1_700_000_000_000, answers: 0, answered: false, content: "010203" }
  ],
  [
    "sent-answered",
    "sent",
    "an answered entry",
    [1, fill(0xd9, 16), 1_700_000_000_000, 3, 1, fill(0, 0)],
    { digest: "d9".repeat(16), at: 1_700_000_000_000, answers: 3, answered: true, content: "" }
  ]
]

/** Refused: name, twin, title, record, whether a version. */
const changed: ReadonlyArray<readonly [id: string, twin: string, title: string, record: Value]> = [
  ["account-31", "account", "a key of 31 bytes", [1, fill(0x11, 31), fill(0x22, 32)]],
  ["device-text", "device", "a key that is text", [1, { text: "x".repeat(32) }, fill(0x44, 32)]],
  ["sequence-none", "sequence-128", "no counter", [1]],
  ["sequence-bytes", "sequence-128", "a counter that is bytes", [1, fill(1, 1)]],
  [
    "window-missing-received",
    "window-gaps",
    "a number that is missing and received",
    [1, 10, 0, Uint8Array.of(0x0c), Uint8Array.of(0x06)]
  ],
  ["window-rest-2", "window-floor", "rest 2", [1, 5000, 2, Uint8Array.of(0xfe), fill(0, 0)]],
  ["window-wide", "window-gaps", "a bitmap of 257 bytes", [1, 10, 0, fill(0x0e, 257), Uint8Array.of(0x06)]],
  ["ratchet-suite-0", "ratchet-established", "suite 0", ratchet(11, { suite: 0 })],
  ["ratchet-suite-4", "ratchet-established", "suite 4", ratchet(11, { suite: 4 })],
  ["ratchet-sent-2-32", "ratchet-established", "message number 2³²", ratchet(11, { sent: 4294967296 })],
  ["ratchet-five-keys", "ratchet-awaiting", "five keys", ratchet(5)],
  ["ratchet-seven-keys", "ratchet-awaiting", "seven keys", ratchet(7)],
  ["ratchet-ten-keys", "ratchet-established", "ten keys", ratchet(10)],
  ["ratchet-twelve-keys", "ratchet-established", "twelve keys", ratchet(12)],
  ["ratchet-uneven-keys", "ratchet-established", "ten keys and a half", [1, 1, 0, 0, 0, 0, counted(336)]],
  [
    "skipped-key-33",
    "skipped",
    "a message key of 33 bytes",
    [1, 17, 1_700_000_000_000, fill(0x4b, 32), fill(0x6b, 33)]
  ],
  ["session-keys", "session-answered", "a ratchet of seven keys inside", session(ratchet(7), [])],
  [
    "session-inner-version",
    "session-answered",
    "a ratchet of another format inside",
    session([2, 1, 0, 0, 0, 0, counted(352)], [])
  ],
  ["session-two-pending", "session-pending", "pending twice", session(ratchet(9), [pending, pending])],
  [
    "session-sealed-33",
    "session-pending",
    "33 starts sealed",
    session(ratchet(9), [[fill(0xe1, 32), 7, 9, 1, 11, fill(0xc1, 1088), fill(0xb1, 32), 33]])
  ],
  [
    "session-initiated-2",
    "session-answered",
    "initiated 2",
    [1, fill(0xa1, 32), fill(0xd1, 32), 1, 2, fill(0x57, 16), ratchet(11), []]
  ],
  ["sent-answered-2", "sent-answered", "answered 2", [1, fill(0xd9, 16), 1, 3, 2, fill(0, 0)]],
  ["sent-digest-15", "sent", "a digest of 15 bytes", [1, fill(0xd9, 15), 1, 0, 0, fill(0, 0)]]
]

/** The rule of what a record holds, by the beginning of the case's name. */
const about = (id: string): ReadonlyArray<string> => {
  if (id.startsWith("ratchet-")) return ["ratchet.state.1"]
  return id.startsWith("session-") ? ["session.record.1"] : []
}

export const stored = (): VectorFile => {
  const file = new FileBuilder(family, "records")
  for (const [id, kind, title, record, fields] of records) {
    file.valid(
      { id: `record-${id}`, title, clauses: ["state.version.1", ...about(id)] },
      "record.read",
      { kind, bytes: hex(encode(record)) },
      { fields }
    )
  }
  const at = "in/bytes"
  const refuse = (
    id: string,
    twin: string,
    title: string,
    delta: Delta,
    cause: "state.corrupt" | "state.version"
  ): void =>
    void file.invalid(
      {
        id: `record-bad-${id}`,
        title,
        clauses: [cause === "state.version" ? "state.version.1" : "state.corrupt.1", ...about(id)],
        flags: [cause === "state.version" ? "Version" : "Corrupt"],
        critical: false
      },
      `record-${twin}`,
      delta,
      cause
    )
  for (const [id, twin, title, record] of changed)
    refuse(id, twin, title, { at, op: "assign", value: hex(encode(record)) }, "state.corrupt")
  for (const [twin] of [
    ["account"],
    ["device"],
    ["sequence-128"],
    ["window-gaps"],
    ["ratchet-established"],
    ["skipped"],
    ["session-answered"],
    ["sent"]
  ] as const) {
    const length = file.bytesAt(file.case(`record-${twin}`), at).length
    refuse(
      `${twin}-version-0`,
      twin,
      "format 0",
      { at, op: "set", offset: 1, bytes: "00", field: "version" },
      "state.version"
    )
    refuse(
      `${twin}-version-2`,
      twin,
      "the format of a later release",
      { at, op: "set", offset: 1, bytes: "02", field: "version" },
      "state.version"
    )
    refuse(
      `${twin}-trailing`,
      twin,
      "a byte behind it",
      { at, op: "insert", offset: length, bytes: "00" },
      "state.corrupt"
    )
    refuse(
      `${twin}-cut`,
      twin,
      "the last byte missing",
      { at, op: "cut", offset: length - 1, length: 1 },
      "state.corrupt"
    )
    refuse(`${twin}-empty`, twin, "nothing", { at, op: "cut", offset: 0, length }, "state.corrupt")
    refuse(
      `${twin}-zeros`,
      twin,
      "overwritten with zeros",
      { at, op: "assign", value: "00".repeat(length) },
      "state.corrupt"
    )
  }
  refuse(
    "version-alone",
    "sequence-128",
    "a later format of another shape",
    { at, op: "assign", value: "9302c0c0" },
    "state.version"
  )
  refuse(
    "version-wide",
    "sequence-128",
    "format 300",
    { at, op: "reencode", offset: 1, length: 1, bytes: "cd012c", kind: "300" },
    "state.version"
  )
  refuse(
    "version-long",
    "sequence-128",
    "the format in a longer form",
    { at, op: "reencode", offset: 1, length: 1, bytes: "cc01", kind: "uint8" },
    "state.corrupt"
  )
  refuse(
    "version-text",
    "sequence-128",
    "the format as text",
    { at, op: "reencode", offset: 1, length: 1, bytes: "a131", kind: "text" },
    "state.corrupt"
  )
  return file.file()
}
