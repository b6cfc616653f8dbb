/**
 * F21: histories of several devices. Entries, places, digests, words that compare, archives and what may be done to them.
 *
 * Spec: docs/spec/23-history.md. Long because it is one table of cases.
 */
import { be, concat, hex, utf8 } from "../bytes.ts"
import { FileBuilder, type Family } from "../family.ts"
import type { Json, VectorFile } from "../model.ts"
import type { Arg, Ref, Trace } from "../trace.ts"

const unlock = { archiveKey: "bytes", account: "bytes", header: "bytes" } as const

/** F21. */
export const family: Family = {
  id: "F21",
  name: "history",
  document: "docs/spec/23-history.md",
  level: 3,
  operations: {
    "history.entry": { in: { entry: "bytes" }, out: { id: "bytes", place: "bytes" } },
    "history.digest": { in: { places: "list" }, out: { digest: "bytes" } },
    "history.fingerprint": { in: { exchange: "bytes", places: "list" }, out: { fingerprint: "bytes" } },
    "history.answer": {
      in: { places: "list", word: "bytes", beginning: "uint" },
      out: { answer: "bytes", given: "list" }
    },
    "archive.make": {
      in: { archiveKey: "bytes", archive: "bytes", account: "bytes", madeAt: "uint", range: "bytes", salt: "bytes" },
      out: { header: "bytes", key: "bytes" }
    },
    "archive.unlock": { in: unlock, out: { key: "bytes" } },
    "archive.seal": {
      in: { key: "bytes", index: "uint", last: "uint", plaintext: "bytes" },
      out: { sealed: "bytes" }
    },
    "archive.chunk": {
      in: { key: "bytes", index: "uint", last: "uint", sealed: "bytes" },
      out: { plaintext: "bytes" }
    },
    "archive.open": { in: { ...unlock, chunks: "list" }, out: { places: "list" } },
    "archive.chain": { in: { chunks: "list" }, out: { chain: "bytes" } },
    "archive.word": { in: { word: "bytes" }, out: { word: "json" } }
  },
  notes: {
    Distinct: {
      kind: "DOMAIN_SEPARATION",
      text: "All cases of this operation in this file that carry the flag give different outputs.",
      refs: []
    },
    NoEntry: { kind: "POLICY", text: "What is no history.", refs: ["docs/spec/23-history.md §23.1"] },
    Form: { kind: "ENCODING", text: "Not the layout.", refs: ["docs/spec/23-history.md §23.4"] },
    Range: {
      kind: "PEER_MISBEHAVIOUR",
      text: "A range that is none, or places that are not in it.",
      refs: ["docs/spec/23-history.md §23.4"]
    },
    WrongKey: { kind: "AUTH_BYPASS", text: "Another key, or another head.", refs: ["docs/spec/23-history.md §23.5"] },
    Touched: { kind: "CORRUPTION", text: "One bit is another.", refs: ["docs/spec/23-history.md §23.5"] },
    Moved: {
      kind: "AUTH_BYPASS",
      text: "Chunks in another order, left out, repeated, or behind the last one.",
      refs: ["docs/spec/23-history.md §23.5"]
    },
    Version: { kind: "VERSION", text: "A format of another release.", refs: ["docs/spec/23-history.md §23.5"] },
    Content: {
      kind: "ENCODING",
      text: "What was sealed by somebody with the key is no archive.",
      refs: ["docs/spec/23-history.md §23.5"]
    }
  }
}

/** An entry as trace steps `<id>.…`. */
interface Entry {
  readonly entry: Ref
  readonly id: Ref
  readonly place: Ref
}

interface Said {
  readonly number?: number
  readonly sentAt?: number
  readonly type?: number
  readonly body?: Ref | Uint8Array
  readonly replyTo?: Ref
  readonly fallback?: string
  readonly message?: string
}

interface Ground {
  readonly trace: Trace
  readonly conversation: Ref
  readonly account: Ref
  readonly device: Ref
}

const ground = (trace: Trace): Ground => ({
  trace,
  conversation: trace.coin("conversation", "history", "test.conversation", 0, 16),
  account: trace.coin("account", "history", "test.account", 0, 32),
  device: trace.coin("device", "history", "test.device", 0, 32)
})

const entry = ({ account, conversation, device, trace }: Ground, id: string, said: Said = {}): Entry => {
  const { body = utf8(`text of ${id}`), fallback, message = id, number = 1, replyTo, sentAt = 1_700_000_000_000 } = said
  const type = said.type ?? 1
  const messageId = trace.has(`message-${message}`)
    ? (`$message-${message}` as Ref)
    : trace.coin(`message-${message}`, `history/${message}`, "msg.id", 0, 16)
  const optional = [replyTo === undefined ? [] : [replyTo], fallback === undefined ? [] : [{ text: fallback }]]
  const whose: ReadonlyArray<Arg> = [conversation, account, device]
  const rest: ReadonlyArray<Arg> = [messageId, sentAt, type, body, ...optional]
  const encoded = trace.op(`${id}.entry`, "canon", { value: [...whose, number, ...rest] }, "history.entry.1")
  const named = trace.op(`${id}.named`, "canon", { value: [...whose, ...rest] }, "history.id.1")
  const input = trace.op(`${id}.input`, "label", { purpose: "history entry", parts: [named] }, "history.id.1")
  const hash = trace.op(`${id}.hash`, "sha256", { data: input }, "history.id.1")
  const short = trace.slice(`${id}.id`, hash, 0, 16, "history.id.1")
  const place = trace.concat(`${id}.place`, [be(sentAt, 8), be(number, 8), messageId, short], "history.order.1")
  return { entry: encoded, id: short, place }
}

const fingerprint = (trace: Trace, id: string, exchange: Ref, places: ReadonlyArray<Ref>): Ref => {
  const input = trace.op(
    `${id}.input`,
    "label",
    { purpose: "history range", parts: [exchange, be(places.length, 8), ...places] },
    "history.fingerprint.1"
  )
  return trace.slice(
    `${id}.fingerprint`,
    trace.op(`${id}.hash`, "sha256", { data: input }, "history.fingerprint.1"),
    0,
    16,
    "history.fingerprint.1"
  )
}

/** Entries, digests, words. */
export const histories = (): VectorFile => {
  const file = new FileBuilder(family, "comparing")
  const world = "history"
  const trace = file.world(world, "entries of one conversation")
  const base = ground(trace)

  // Entries.
  const [file1, key1] = [new Uint8Array(32).fill(0x1f), new Uint8Array(32).fill(0x2e)]
  const kept: ReadonlyArray<Arg> = [
    1_700_000_100_000,
    { text: "https://relay.example/v1/attachments" },
    [],
    { map: [] }
  ]
  const what: ReadonlyArray<Arg> = [5, { text: "image/png" }, { text: "a.png" }]
  const reference = trace.op("reference", "canon", { value: [file1, key1, ...what, ...kept] }, "attachment.reference.1")
  const made: ReadonlyArray<readonly [id: string, title: string, said: Said]> = [
    ["text", "a text", {}],
    [
      "numberless",
      "the same without a number: the same id",
      { message: "text", number: 0, body: utf8("text of text") }
    ],
    ["later", "a later one", { sentAt: 1_700_000_000_001, number: 2 }],
    ["last-time", "the last time there is", { sentAt: Number.MAX_SAFE_INTEGER, number: Number.MAX_SAFE_INTEGER }],
    ["no-time", "no time at all, an empty body", { sentAt: 0, body: new Uint8Array(0) }],
    ["reply", "a reply", { replyTo: trace.coin("replied", "history/replied", "msg.id", 0, 16) }],
    [
      "fallback",
      "a type of a later version, with a fallback",
      { type: 300, body: be(7, 3), fallback: "Update to see this." }
    ],
    [
      "empty-fallback",
      "a fallback without text is another entry than none",
      { type: 300, body: be(7, 3), fallback: "", message: "fallback" }
    ],
    ["attachment", "an attachment", { type: 4, body: reference }],
    [
      "application",
      "application data",
      {
        type: 9,
        body: trace.op("app", "canon", { value: [{ text: "text/x" }, { text: "f" }, utf8("data")] }, "content.app.1")
      }
    ]
  ]
  const entries = new Map<string, Entry>()
  for (const [id, title, said] of made) {
    const one = entry(base, id, said)
    entries.set(id, one)
    file.valid(
      {
        id: `history-entry-${id}`,
        title,
        clauses: [
          "history.entry.1",
          "history.id.1",
          "history.order.1",
          ...(id === "numberless" ? ["history.id.2"] : [])
        ],
        world
      },
      "history.entry",
      { entry: one.entry },
      { id: one.id, place: one.place }
    )
  }
  const wrongEntry = (
    id: string,
    title: string,
    twin: string,
    value: Ref,
    flags: ReadonlyArray<string>,
    cause: string
  ): void => {
    file.invalid(
      { id: `history-entry-${id}`, title, clauses: ["history.entry.2"], flags, world },
      `history-entry-${twin}`,
      { at: "in/entry", op: "assign", value },
      cause
    )
  }
  for (const [id, title, type, body] of [
    ["receipt", "a receipt", 2, be(1, 1)],
    ["typing", "a typing notice", 3, be(1, 1)],
    ["call", "a call signal", 5, be(1, 1)],
    ["group", "group control", 6, be(1, 1)],
    ["control", "device control", 7, be(1, 1)],
    ["retry", "a retry request", 8, be(1, 1)],
    ["own", "what own devices say", 10, be(1, 1)]
  ] as const) {
    wrongEntry(id, title, "attachment", entry(base, `no-${id}`, { type, body }).entry, ["NoEntry"], "decode.value")
  }
  wrongEntry("type-0", "type 0", "attachment", entry(base, "no-type", { type: 0 }).entry, ["NoEntry"], "decode.value")
  wrongEntry(
    "no-text",
    "a text that is not UTF-8",
    "text",
    entry(base, "no-text", { body: Uint8Array.of(0xff) }).entry,
    ["NoEntry"],
    "decode.utf8"
  )
  wrongEntry(
    "no-application",
    "application data that end early",
    "application",
    entry(base, "no-application", { type: 9, body: Uint8Array.of(0x93) }).entry,
    ["NoEntry"],
    "decode.truncated"
  )
  file.invalid(
    { id: "history-entry-trailing", title: "a byte behind it", clauses: ["history.entry.1"], flags: ["Form"], world },
    "history-entry-text",
    { at: "in/entry", op: "insert", offset: trace.value(entries.get("text")!.entry).length, bytes: "00" },
    "decode.trailing"
  )
  file.invalid(
    { id: "history-entry-count", title: "eleven items", clauses: ["history.entry.1"], flags: ["Form"], world },
    "history-entry-text",
    { at: "in/entry", op: "set", offset: 0, bytes: "9b" },
    "decode.size"
  )

  // Digests.
  const [a, b, c, d] = [1, 2, 3, 4].map((n) => entry(base, `e${n}`, { number: n, sentAt: 1_700_000_000_000 + n })) as [
    Entry,
    Entry,
    Entry,
    Entry
  ]
  const digestCases: ReadonlyArray<readonly [id: string, title: string, places: ReadonlyArray<Ref>]> = [
    ["none", "of nothing", []],
    ["one", "of one entry", [a.place]],
    ["two", "of two", [a.place, b.place]],
    ["four", "of four", [a.place, b.place, c.place, d.place]]
  ]
  for (const [id, title, places] of digestCases) {
    const input = trace.op(
      `digest-${id}.input`,
      "label",
      { purpose: "history digest", parts: [be(places.length, 8), ...places] },
      "history.digest.1"
    )
    file.valid(
      { id: `history-digest-${id}`, title, clauses: ["history.digest.1"], flags: ["Distinct"], world },
      "history.digest",
      { places: [...places] },
      { digest: trace.op(`digest-${id}`, "sha256", { data: input }, "history.digest.1") }
    )
  }
  const exchange = trace.coin("exchange", "history", "history.exchange", 0, 16)
  const other = trace.coin("exchange-2", "history", "history.exchange", 1, 16)
  for (const [id, title, places, of] of [
    ["none", "of nothing", [], exchange],
    ["two", "of two entries", [a.place, b.place], exchange],
    ["other", "of the same in another exchange", [a.place, b.place], other]
  ] as const) {
    file.valid(
      { id: `history-fingerprint-${id}`, title, clauses: ["history.fingerprint.1"], flags: ["Distinct"], world },
      "history.fingerprint",
      { exchange: of, places: [...places] },
      { fingerprint: fingerprint(trace, `fingerprint-${id}`, of, places) }
    )
  }

  // Words. What is given is answered beside the word; its entries go into it.
  const all = [a, b, c, d].map(({ place }) => place)
  const word = (id: string, round: number, ranges: ReadonlyArray<Arg>, asked: ReadonlyArray<Ref>, beginning = 0): Ref =>
    trace.op(`${id}.word`, "canon", { value: [1, exchange, round, beginning, ranges, asked, []] }, "history.words.1")
  const none = new Uint8Array(0)
  const whole = (id: string, places: ReadonlyArray<Ref>, from: Arg = none, to: Arg = none): ReadonlyArray<Arg> => [
    1,
    from,
    to,
    fingerprint(trace, `${id}.whole`, exchange, places)
  ]
  const listed = (places: ReadonlyArray<Ref>, from: Arg = none, to: Arg = none): ReadonlyArray<Arg> => [
    2,
    from,
    to,
    places
  ]
  const answers: ReadonlyArray<
    readonly [
      id: string,
      title: string,
      own: ReadonlyArray<Ref>,
      word: Ref,
      answer: Ref,
      given: ReadonlyArray<Ref>,
      beginning?: number
    ]
  > = [
    [
      "equal",
      "both have the same: nothing is missing",
      all,
      word("equal", 0, [whole("equal", all)], []),
      word("equal-a", 1, [], []),
      []
    ],
    [
      "unequal",
      "few entries: their places",
      all,
      word("unequal", 0, [whole("unequal", [a.place])], []),
      word("unequal-a", 1, [listed(all)], []),
      []
    ],
    [
      "empty",
      "no entries: an empty list",
      [],
      word("empty", 0, [whole("empty", all)], []),
      word("empty-a", 1, [listed([])], []),
      []
    ],
    [
      "listed",
      "a list: asks for what it lacks and gives what the other lacks",
      [a.place, b.place, c.place],
      word("listed", 1, [listed([a.place, d.place])], []),
      word("listed-a", 2, [], [d.place]),
      [b.place, c.place]
    ],
    [
      "gives",
      "a list of nothing: gives everything",
      all,
      word("gives", 1, [listed([])], []),
      word("gives-a", 2, [], []),
      all
    ],
    [
      "part",
      "a list of a part: nothing outside of it",
      all,
      word("part", 1, [listed([], b.place, d.place)], []),
      word("part-a", 2, [], []),
      [b.place, c.place]
    ],
    [
      "asked",
      "asked for: gives what it has",
      all,
      word("asked", 2, [], [d.place, b.place]),
      word("asked-a", 3, [], []),
      [d.place, b.place]
    ],
    [
      "two-ranges",
      "two ranges, the first of them equal",
      all,
      word("two", 2, [whole("two-1", [a.place, b.place], none, c.place), whole("two-2", [d.place], c.place)], []),
      word("two-a", 3, [listed([c.place, d.place], c.place)], []),
      []
    ],
    [
      "beginning",
      "a later beginning cuts what is compared",
      all,
      word("beginning", 0, [whole("beginning", [c.place, d.place])], []),
      word("beginning-a", 1, [], [], 1_700_000_000_003),
      [],
      1_700_000_000_003
    ],
    [
      "beginning-theirs",
      "the other's beginning is the later one",
      all,
      word("beginning-theirs", 1, [listed([])], [], 1_700_000_000_003),
      word("beginning-theirs-a", 2, [], [], 1_700_000_000_003),
      [c.place, d.place]
    ],
    [
      "last-round",
      "the last round that is answered",
      all,
      word("last", 62, [listed([])], []),
      word("last-a", 63, [], []),
      all
    ]
  ]
  for (const [id, title, own, said, answer, given, beginning = 0] of answers) {
    file.valid(
      { id: `history-answer-${id}`, title, clauses: ["history.answer.1", "history.range.1", "history.words.1"], world },
      "history.answer",
      { places: [...own], word: said, beginning },
      { answer, given: [...given] }
    )
  }
  const misranged: ReadonlyArray<readonly [id: string, title: string, ranges: ReadonlyArray<Arg>]> = [
    ["turned", "a range that ends before it begins", [listed([], d.place, a.place)]],
    ["no-range", "a range that ends where it begins", [listed([], b.place, b.place)]],
    ["unsorted", "places out of order", [listed([b.place, a.place])]],
    ["twice", "a place twice", [listed([a.place, a.place])]],
    ["below", "a place below the range", [listed([a.place], b.place)]],
    ["at-end", "a place at the end of the range", [listed([c.place], a.place, c.place)]],
    [
      "turned-fingerprint",
      "a fingerprint of a range that ends before it begins",
      [whole("turned", [], d.place, a.place)]
    ]
  ]
  for (const [id, title, ranges] of misranged) {
    file.invalid(
      { id: `history-answer-${id}`, title, clauses: ["history.range.1"], flags: ["Range"], world },
      "history-answer-gives",
      { at: "in/word", op: "assign", value: word(`range-${id}`, 1, ranges, []) },
      "decode.value"
    )
  }
  for (const [id, title, said, clause] of [
    ["round", "round 63: there is no answer", word("too-far", 63, [listed([])], []), "history.bound.1"],
    ["done", "nothing is asked: there is no answer", word("done", 1, [], []), "history.answer.2"]
  ] as const) {
    file.valid(
      { id: `history-answer-${id}`, title, clauses: [clause], world },
      "history.answer",
      { places: all, word: said, beginning: 0 },
      { answer: "", given: [] }
    )
  }
  file.invalid(
    {
      id: "history-answer-trailing",
      title: "a byte behind the word",
      clauses: ["history.words.1"],
      flags: ["Form"],
      world
    },
    "history-answer-gives",
    { at: "in/word", op: "insert", offset: trace.value("$gives.word").length, bytes: "00" },
    "decode.trailing"
  )
  file.invalid(
    { id: "history-answer-unknown", title: "a word of no kind", clauses: ["history.words.1"], flags: ["Form"], world },
    "history-answer-gives",
    { at: "in/word", op: "set", offset: 1, bytes: "03" },
    "decode.value"
  )
  return file.file()
}

/** Archives. */
export const archives = (): VectorFile => {
  const file = new FileBuilder(family, "archive")
  const world = "archive"
  const trace = file.world(world, "archives of one account")
  const base = ground(trace)
  const archiveKey = trace.coin("archive-key", "history", "history.key", 0, 32)
  const otherKey = trace.coin("other-key", "history", "history.key", 1, 32)

  interface Made {
    readonly header: Ref
    readonly key: Ref
    readonly archive: Ref
    readonly salt: Ref
    readonly range: Ref
    readonly madeAt: number
  }
  const make = (id: string, range: ReadonlyArray<Arg>, madeAt = 1_700_000_000_000): Made => {
    const archive = trace.coin(`${id}.archive`, `history/${id}`, "history.archive", 0, 16)
    const salt = trace.coin(`${id}.salt`, `history/${id}`, "history.salt", 0, 32)
    const items: ReadonlyArray<Arg> = [1, archive, base.account, madeAt, range, salt]
    const head = trace.op(`${id}.head`, "canon", { value: items }, "history.archive.1")
    const info = trace.op(`${id}.info`, "label", { purpose: "history archive", parts: [head] }, "history.archive.2")
    const both = trace.op(`${id}.keys`, "hkdf-sha256", { salt, ikm: archiveKey, info, len: 64 }, "history.archive.2")
    const key = trace.slice(`${id}.key`, both, 0, 32, "history.archive.2")
    const commitment = trace.slice(`${id}.commitment`, both, 32, 64, "history.archive.2")
    const header = trace.op(`${id}.header`, "canon", { value: [...items, commitment] }, "history.archive.1")
    const encoded = trace.op(`${id}.range`, "canon", { value: range }, "history.choose.1")
    return { header, key, archive, salt, range: encoded, madeAt }
  }
  const chosen: ReadonlyArray<readonly [id: string, title: string, range: ReadonlyArray<Arg>, madeAt?: number]> = [
    ["all", "everything", [1]],
    ["since", "from a time on", [2, 1_600_000_000_000], 1_700_000_000_001],
    ["last", "the last hundred of each conversation", [3, 100]],
    ["some", "one conversation", [4, [base.conversation], 0]]
  ]
  const headers = new Map<string, Made>()
  for (const [id, title, range, madeAt] of chosen) {
    const one = make(id, range, madeAt)
    headers.set(id, one)
    file.valid(
      {
        id: `archive-make-${id}`,
        title,
        clauses: ["history.archive.1", "history.archive.2", "history.choose.1"],
        flags: ["Distinct"],
        world
      },
      "archive.make",
      {
        archiveKey,
        archive: one.archive,
        account: base.account,
        madeAt: one.madeAt,
        range: one.range,
        salt: one.salt
      },
      { header: one.header, key: one.key }
    )
    file.valid(
      { id: `archive-unlock-${id}`, title, clauses: ["history.archive.2"], world },
      "archive.unlock",
      { archiveKey, account: base.account, header: one.header },
      { key: one.key }
    )
  }
  const all = headers.get("all")!
  const refuseHeader = (
    id: string,
    title: string,
    flags: ReadonlyArray<string>,
    delta: Parameters<FileBuilder["invalid"]>[2],
    cause: string
  ): void => {
    file.invalid(
      {
        id: `archive-unlock-${id}`,
        title,
        clauses: ["history.archive.2", "history.outcome.1"],
        flags,
        world,
        critical: true
      },
      "archive-unlock-all",
      delta,
      cause
    )
  }
  refuseHeader(
    "wrong-key",
    "another archive key",
    ["WrongKey"],
    { at: "in/archiveKey", op: "assign", value: otherKey },
    "history.key"
  )
  refuseHeader(
    "key-bit",
    "one bit of the key",
    ["WrongKey"],
    { at: "in/archiveKey", op: "xor", offset: 31, bytes: "01" },
    "history.key"
  )
  // 97 01 c410<16> c420<32> cf<8> 9101 c420<32> c420<32>
  for (const [id, title, offset] of [
    ["archive", "the archive id", 4],
    ["made", "the time", 62],
    ["salt", "the salt", 67],
    ["salt-last", "the last byte of the salt", 98],
    ["commitment", "the commitment", 101],
    ["commitment-last", "the last byte of the commitment", 132]
  ] as const) {
    refuseHeader(
      id,
      `one bit of ${title}`,
      ["Touched"],
      { at: "in/header", op: "xor", offset, bytes: "01" },
      "history.key"
    )
  }
  refuseHeader(
    "account",
    "the header of another account",
    ["WrongKey"],
    { at: "in/header", op: "xor", offset: 22, bytes: "01" },
    "history.account"
  )
  refuseHeader(
    "for-another",
    "an archive of another account",
    ["WrongKey"],
    { at: "in/account", op: "xor", offset: 0, bytes: "01" },
    "history.account"
  )
  refuseHeader(
    "range",
    "another range under the same commitment",
    ["WrongKey"],
    { at: "in/header", op: "splice", offset: 63, length: 2, from: "$last.range", source: [0, 3] },
    "history.key"
  )
  refuseHeader(
    "version",
    "a header of format 2",
    ["Version"],
    { at: "in/header", op: "set", offset: 1, bytes: "02" },
    "history.version"
  )
  refuseHeader(
    "short",
    "a header that ends early",
    ["Form"],
    { at: "in/header", op: "cut", offset: 132, length: 1 },
    "history.header"
  )
  refuseHeader(
    "no-range",
    "a range of no kind",
    ["Form"],
    { at: "in/header", op: "set", offset: 64, bytes: "05" },
    "history.header"
  )

  // Chunks.
  const seal = (id: string, { key }: Made, index: number, last: number, plaintext: Ref): Ref =>
    trace.op(
      `${id}.sealed`,
      "aead-seal",
      { suite: 1, key, nonce: concat(new Uint8Array(3), be(index, 8), be(last, 1)), ad: new Uint8Array(0), plaintext },
      "history.archive.3"
    )
  const short = trace.op("short", "utf8", { text: "a chunk" })
  const empty = trace.literal("nothing", new Uint8Array(0))
  const chunks: ReadonlyArray<readonly [id: string, title: string, index: number, plaintext: Ref]> = [
    ["empty", "the only chunk, without a byte", 0, empty],
    ["first", "the only chunk", 0, short],
    ["third", "the third and last one", 2, short],
    ["far", "the last of many", 2 ** 32 + 1, short]
  ]
  for (const [id, title, index, plaintext] of chunks) {
    const sealed = seal(`chunk-${id}`, all, index, 1, plaintext)
    const place = { key: all.key, index, last: 1 }
    file.valid(
      { id: `archive-seal-${id}`, title, clauses: ["history.archive.3"], flags: ["Distinct"], world },
      "archive.seal",
      { ...place, plaintext },
      { sealed }
    )
    file.valid(
      { id: `archive-chunk-${id}`, title, clauses: ["history.archive.3"], world },
      "archive.chunk",
      { ...place, sealed },
      { plaintext }
    )
  }
  for (const [id, title, twin, delta] of [
    ["index", "in the place of another", "third", { at: "in/index", op: "assign", value: 1 }],
    ["not-last", "as if it were not the last", "third", { at: "in/last", op: "assign", value: 0 }],
    ["bit", "one bit", "third", { at: "in/sealed", op: "xor", offset: 0, bytes: "01" }],
    ["tag", "one bit of the tag", "third", { at: "in/sealed", op: "xor", offset: 22, bytes: "80" }],
    ["cut", "a byte less", "third", { at: "in/sealed", op: "cut", offset: 22, length: 1 }],
    ["no-tag", "less than a tag", "first", { at: "in/sealed", op: "cut", offset: 0, length: 8 }],
    ["key", "under another key", "third", { at: "in/key", op: "assign", value: headers.get("last")!.key }],
    [
      "empty-second",
      "a chunk without a byte that is not the only one",
      "empty",
      { at: "in/index", op: "assign", value: 1 }
    ]
  ] as const) {
    file.invalid(
      {
        id: `archive-chunk-${id}`,
        title,
        clauses: ["history.archive.3", "history.outcome.1"],
        flags: ["Touched"],
        world,
        critical: true
      },
      `archive-chunk-${twin}`,
      delta,
      "history.chunk"
    )
  }

  // Whole archives: one of a short chunk, one of two chunks with an entry over the edge.
  const item = (id: string, of: Ref): Ref => {
    const encoded = trace.op(`${id}.item`, "canon", { value: [1, of] }, "history.archive.4")
    return trace.concat(`${id}.framed`, [be(trace.value(encoded).length, 4), encoded], "history.archive.4")
  }
  const ending = (id: string, count: number): Ref => {
    const encoded = trace.op(`${id}.end`, "canon", { value: [2, count] }, "history.archive.4")
    return trace.concat(`${id}.end-framed`, [be(trace.value(encoded).length, 4), encoded], "history.archive.4")
  }
  const one = entry(base, "one", { number: 1, sentAt: 1_700_000_000_001 })
  const two = entry(base, "two", { number: 2, sentAt: 1_700_000_000_002 })
  const long = trace.op("long-body", "repeat", { bytes: utf8("x"), count: 65_400 })
  const three = entry(base, "three", { number: 3, sentAt: 1_700_000_000_003, body: long })
  const [i1, i2, i3] = [item("one", one.entry), item("two", two.entry), item("three", three.entry)]
  const open = (chunksOf: ReadonlyArray<Ref>, header = all.header): { readonly [name: string]: Json } => ({
    archiveKey,
    account: base.account,
    header,
    chunks: [...chunksOf]
  })
  const plain = (id: string, parts: ReadonlyArray<Ref>): Ref => trace.concat(`${id}.plain`, parts, "history.archive.4")
  const small = seal("small", all, 0, 1, plain("small", [i1, i2, ending("small", 2)]))
  file.valid(
    {
      id: "archive-open-small",
      title: "two entries in one chunk",
      clauses: ["history.archive.4", "history.archive.5"],
      world
    },
    "archive.open",
    open([small]),
    { places: [one.place, two.place] }
  )
  const nothing = seal("none", all, 0, 1, plain("none", [ending("none", 0)]))
  file.valid(
    { id: "archive-open-none", title: "no entry", clauses: ["history.archive.4"], world },
    "archive.open",
    open([nothing]),
    { places: [] }
  )
  const big = plain("big", [i1, i2, i3, ending("big", 3)])
  const length = trace.value(big).length
  const c0 = seal("big-0", all, 0, 0, trace.slice("big.chunk-0", big, 0, 65_536, "history.archive.3"))
  const c1 = seal("big-1", all, 1, 1, trace.slice("big.chunk-1", big, 65_536, length, "history.archive.3"))
  file.valid(
    {
      id: "archive-open-big",
      title: "two chunks, an entry over the edge",
      clauses: ["history.archive.3", "history.archive.4", "history.archive.5"],
      world
    },
    "archive.open",
    open([c0, c1]),
    { places: [one.place, two.place, three.place] }
  )
  const moved = (id: string, title: string, value: ReadonlyArray<Ref>, cause = "history.chunk"): void => {
    file.invalid(
      {
        id: `archive-open-${id}`,
        title,
        clauses: ["history.archive.5", "history.outcome.1"],
        flags: ["Moved"],
        world,
        critical: true
      },
      "archive-open-big",
      { at: "in/chunks", op: "assign", value: [...value] },
      cause
    )
  }
  moved("order", "the chunks exchanged", [c1, c0])
  moved("repeated", "the first chunk twice", [c0, c0, c1])
  moved("first-missing", "without the first chunk", [c1])
  moved("cut", "cut off at the edge of a chunk: the last one is missing", [c0], "history.truncated")
  moved("behind", "a chunk behind the last one", [c0, c1, small])
  moved("last-twice", "the last chunk twice", [c0, c1, c1])
  moved("no-chunk", "a header and nothing behind it", [], "history.truncated")
  const foreign = make("foreign", [1])
  moved("foreign", "the last chunk of another archive", [c0, seal("foreign-1", foreign, 1, 1, "$big.chunk-1")])

  const bad = (id: string, title: string, parts: ReadonlyArray<Ref>): void => {
    const sealed = seal(`bad-${id}`, all, 0, 1, plain(`bad-${id}`, parts))
    file.invalid(
      { id: `archive-open-${id}`, title, clauses: ["history.archive.4"], flags: ["Content"], world },
      "archive-open-small",
      { at: "in/chunks/0", op: "assign", value: sealed },
      "history.content"
    )
  }
  const literal = (id: string, bytes: Uint8Array): Ref => trace.literal(id, bytes)
  bad("unsorted", "entries out of order", [i2, i1, ending("unsorted", 2)])
  bad("same-twice", "an entry twice", [i1, i1, ending("same-twice", 2)])
  bad("count", "another number at the end", [i1, i2, ending("count", 3)])
  bad("no-end", "no end", [i1, i2])
  bad("behind-end", "an entry behind the end", [i1, ending("behind-end", 1), i2])
  bad("two-ends", "two ends", [i1, i2, ending("two-ends", 2), ending("two-ends-2", 2)])
  bad("length-0", "an item without a byte", [i1, literal("zero", be(0, 4)), ending("length-0", 1)])
  bad("length", "an item that is longer than any", [i1, literal("vast", be(0xffff_ffff, 4)), ending("length", 1)])
  bad("half", "an item that ends early", [i1, literal("half", be(9, 4)), ending("half", 1)])
  bad("no-entry", "an entry that is none", [
    item("no-entry", entry(base, "call-signal", { type: 5, body: be(1, 1) }).entry),
    ending("no-entry", 1)
  ])

  // What a receiver has.
  const chainCases: ReadonlyArray<readonly [id: string, title: string, chunks: ReadonlyArray<Ref>]> = [
    ["none", "of nothing", []],
    ["one", "of one chunk", [small]],
    ["two", "of two", [small, nothing]],
    ["turned", "of the same in another order", [nothing, small]]
  ]
  for (const [id, title, of] of chainCases) {
    let chain = trace.literal(`chain-${id}`, new Uint8Array(16))
    for (const [i, sealed] of of.entries()) {
      const input = trace.op(
        `chain-${id}.input-${i}`,
        "label",
        { purpose: "history chain", parts: [chain, sealed] },
        "history.hand.4"
      )
      const hash = trace.op(`chain-${id}.hash-${i}`, "sha256", { data: input }, "history.hand.4")
      chain = trace.slice(`chain-${id}.${i}`, hash, 0, 16, "history.hand.4")
    }
    file.valid(
      { id: `archive-chain-${id}`, title, clauses: ["history.hand.4"], flags: ["Distinct"], world },
      "archive.chain",
      { chunks: [...of] },
      { chain }
    )
  }

  // Words of a handing over.
  const noChain = trace.literal("no-chain", new Uint8Array(16))
  const words: ReadonlyArray<readonly [id: string, title: string, value: ReadonlyArray<Arg>, json: Json]> = [
    ["want", "a want", [2, all.archive, 3, noChain], { word: 2, archive: all.archive, next: 3, chain: noChain }],
    ["end", "an end", [4, all.archive, 2], { word: 4, archive: all.archive, reason: 2 }],
    ["wish", "a wish", [5, [3, 20]], { word: 5, range: { choice: 3, last: 20 } }],
    [
      "half",
      "half a chunk",
      [3, all.archive, 0, 1, 1, utf8("sealed")],
      { word: 3, archive: all.archive, index: 0, half: 1, last: 1, bytes: hex(utf8("sealed")) }
    ]
  ]
  for (const [id, title, value, json] of words) {
    file.valid(
      { id: `archive-word-${id}`, title, clauses: ["history.hand.1"], world },
      "archive.word",
      { word: trace.op(`word-${id}`, "canon", { value }, "history.hand.1") },
      { word: json }
    )
  }
  for (const [id, title, twin, value] of [
    ["reason", "an end of no known reason", "end", [4, all.archive, 4]],
    ["no-half", "a third half", "half", [3, all.archive, 0, 2, 1, utf8("sealed")]],
    ["no-wish", "a wish for no entries", "wish", [5, [3, 0]]],
    ["unknown", "a word of no kind", "end", [6, all.archive, 0]]
  ] as const) {
    file.invalid(
      { id: `archive-word-${id}`, title, clauses: ["history.hand.1"], flags: ["Form"], world },
      `archive-word-${twin}`,
      { at: "in/word", op: "assign", value: trace.op(`word-${id}`, "canon", { value }, "history.hand.1") },
      "decode.value"
    )
  }
  return file.file()
}
