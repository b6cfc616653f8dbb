/**
 * F03: the canonical encoding. Every byte string here is written down by hand, from the table of the page. Long because it is one table of cases.
 *
 * Spec: docs/spec/02-encoding.md §2.1–2.4, §2.6.
 */
import { FileBuilder, type Family } from "../family.ts"
import type { Delta, Json, VectorFile } from "../model.ts"
import { recipe } from "../trace.ts"

/** F03. */
export const family: Family = {
  id: "F03",
  name: "encoding",
  document: "docs/spec/02-encoding.md",
  level: 1,
  operations: {
    "canon.decode": { in: { bytes: "bytes" }, out: { value: "value" } },
    "layout.decode": { in: { layout: "layout", bytes: "bytes" }, out: { value: "json" } },
    "bulk.encoding": { in: { seed: "bytes", count: "uint" }, out: { digest: "bytes" } }
  },
  notes: {
    Width: { kind: "ENCODING", text: "At the border between two forms.", refs: ["docs/spec/02-encoding.md §2.2"] },
    LongForm: {
      kind: "MALLEABILITY",
      text: "A longer form of the same value: two encodings of one meaning.",
      refs: ["docs/spec/02-encoding.md §2.2"]
    },
    ForbiddenType: { kind: "ENCODING", text: "A MessagePack type that the subset leaves out.", refs: [] },
    Truncated: { kind: "ENCODING", text: "The input ends too early.", refs: [] },
    Trailing: { kind: "MALLEABILITY", text: "Something follows the value.", refs: [] },
    Exhaustion: {
      kind: "DENIAL_OF_SERVICE",
      text: "A head announces more than there can be, or nests too deep.",
      refs: []
    },
    Utf8: { kind: "ENCODING", text: "Text that is not UTF-8, or is unusual UTF-8.", refs: ["RFC 3629"] },
    Soak: {
      kind: "BULK",
      text: "Takes longer than the rest of its file together; run it now and then, not every time.",
      refs: ["vectors/README.md"]
    },
    MapOrder: { kind: "MALLEABILITY", text: "Keys out of order or repeated.", refs: [] }
  }
}

const integers: ReadonlyArray<readonly [value: number, hex: string]> = [
  [0, "00"],
  [1, "01"],
  [127, "7f"],
  [128, "cc80"],
  [255, "ccff"],
  [256, "cd0100"],
  [65535, "cdffff"],
  [65536, "ce00010000"],
  [4294967295, "ceffffffff"],
  [4294967296, "cf0000000100000000"],
  [9007199254740991, "cf001fffffffffffff"]
]

/** Values by name. Text and maps are written `{ "text": … }` and `{ "map": [[key, value], …] }`, bytes as hex. */
const values: ReadonlyArray<readonly [name: string, value: Json, hex: string, clause: string]> = [
  ["bin-0", "", "c400", "codec.form.1"],
  ["bin-1", "ff", "c401ff", "codec.form.1"],
  ["bin-32", "11".repeat(32), `c420${"11".repeat(32)}`, "codec.form.1"],
  ["bin-255", "22".repeat(255), `c4ff${"22".repeat(255)}`, "codec.form.1"],
  ["bin-256", "33".repeat(256), `c50100${"33".repeat(256)}`, "codec.form.1"],
  ["text-0", { text: "" }, "a0", "codec.form.1"],
  ["text-1", { text: "a" }, "a161", "codec.form.1"],
  ["text-31", { text: "b".repeat(31) }, `bf${"62".repeat(31)}`, "codec.form.1"],
  ["text-32", { text: "c".repeat(32) }, `d920${"63".repeat(32)}`, "codec.form.1"],
  ["text-255", { text: "d".repeat(255) }, `d9ff${"64".repeat(255)}`, "codec.form.1"],
  ["text-256", { text: "e".repeat(256) }, `da0100${"65".repeat(256)}`, "codec.form.1"],
  ["array-0", [], "90", "codec.form.1"],
  ["array-1", [7], "9107", "codec.form.1"],
  ["array-15", Array.from({ length: 15 }, () => 0), `9f${"00".repeat(15)}`, "codec.form.1"],
  ["array-16", Array.from({ length: 16 }, () => 0), `dc0010${"00".repeat(16)}`, "codec.form.1"],
  ["map-0", { map: [] }, "80", "codec.form.1"],
  ["map-1", { map: [[1, 2]] }, "810102", "codec.form.1"],
  [
    "map-15",
    { map: Array.from({ length: 15 }, (_, i) => [i, 0]) },
    "8f00000100020003000400050006000700080009000a000b000c000d000e00",
    "codec.form.1"
  ],
  [
    "map-16",
    { map: Array.from({ length: 16 }, (_, i) => [i, 0]) },
    "de001000000100020003000400050006000700080009000a000b000c000d000e000f00",
    "codec.form.1"
  ],
  [
    "map-wide-keys",
    {
      map: [
        [127, 0],
        [128, 0],
        [255, 0],
        [256, 0],
        [65536, 0]
      ]
    },
    "857f00cc8000ccff00cd010000ce0001000000",
    "codec.map.1"
  ],
  ["map-largest-key", { map: [[9007199254740991, ""]] }, "81cf001fffffffffffffc400", "codec.map.1"],
  [
    "map-of-maps",
    {
      map: [
        [0, { map: [[1, { text: "x" }]] }],
        [1, []]
      ]
    },
    "82008101a1780190",
    "codec.map.1"
  ],
  ["mixed", [1, "0203", { text: "four" }, [5], { map: [[6, 7]] }], "9501c4020203a4666f75729105810607", "codec.value.1"],
  ["depth-8-arrays", [[[[[[[[]]]]]]]], "9191919191919190", "codec.bound.1"],
  ["depth-8-scalar", [[[[[[[[9]]]]]]]], "919191919191919109", "codec.bound.1"],
  ["depth-8-map", [[[[[[[{ map: [[0, 0]] }]]]]]]], "91919191919191810000", "codec.bound.1"],
  ["text-two-bytes", { text: "\u0080\u07ff" }, "a4c280dfbf", "codec.text.1"],
  ["text-three-bytes", { text: "\u0800\ud7ff\ue000\uffff" }, "ace0a080ed9fbfee8080efbfbf", "codec.text.1"],
  ["text-four-bytes", { text: "\u{10000}\u{10ffff}" }, "a8f0908080f48fbfbf", "codec.text.1"],
  ["text-zero", { text: "\u0000" }, "a100", "codec.text.1"],
  ["text-byte-order-mark", { text: "\ufeffa" }, "a4efbbbf61", "codec.text.2"],
  ["text-composed", { text: "\u00e9" }, "a2c3a9", "codec.text.2"],
  ["text-decomposed", { text: "e\u0301" }, "a365cc81", "codec.text.2"],
  ["text-noncharacter", { text: "\ufffe" }, "a3efbfbe", "codec.text.1"],
  ["bin-that-looks-like-text", "61", "c40161", "codec.value.1"],
  ["bin-that-is-not-text", "ff", "c401ff", "codec.text.1"],
  ["bin-that-is-a-value", "c400", "c402c400", "codec.value.1"],
  ["bin-254", "44".repeat(254), `c4fe${"44".repeat(254)}`, "codec.form.1"],
  ["text-30", { text: "f".repeat(30) }, `be${"66".repeat(30)}`, "codec.form.1"],
  ["text-254", { text: "g".repeat(254) }, `d9fe${"67".repeat(254)}`, "codec.form.1"],
  ["array-17", Array.from({ length: 17 }, () => 127), `dc0011${"7f".repeat(17)}`, "codec.form.1"],
  ["array-of-empties", ["", { text: "" }, [], { map: [] }], "94c400a09080", "codec.value.1"],
  [
    "array-of-widths",
    [127, 128, 65535, 65536, 4294967296],
    "957fcc80cdffffce00010000cf0000000100000000",
    "codec.form.1"
  ],
  [
    "map-of-everything",
    {
      map: [
        [0, 1],
        [1, "02"],
        [2, { text: "3" }],
        [3, [4]],
        [4, { map: [] }]
      ]
    },
    "85000101c4010202a1330391040480",
    "codec.value.1"
  ],
  ["text-that-looks-like-hex", { text: "c0" }, "a26330", "codec.value.1"]
]

const forbidden: ReadonlyArray<number> = [
  0xc0, 0xc1, 0xc2, 0xc3, 0xc7, 0xc8, 0xc9, 0xca, 0xcb, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xe0,
  0xe1, 0xe7, 0xef, 0xf0, 0xf8, 0xfe, 0xff
]

/** Bad text: name, the bytes of the string. */
const badText: ReadonlyArray<readonly [name: string, hex: string]> = [
  ["lone-continuation", "80"],
  ["continuation-bf", "bf"],
  ["overlong-nul", "c080"],
  ["overlong-slash", "c0af"],
  ["overlong-c1", "c1bf"],
  ["overlong-three", "e08080"],
  ["overlong-three-high", "e09fbf"],
  ["overlong-four", "f0808080"],
  ["overlong-four-high", "f08fbfbf"],
  ["surrogate-first", "eda080"],
  ["surrogate-last", "edbfbf"],
  ["surrogate-pair", "eda080edb080"],
  ["above-max", "f4908080"],
  ["lead-f5", "f5808080"],
  ["lead-f8", "f888808080"],
  ["lead-fe", "fe"],
  ["lead-ff", "ff"],
  ["cut-two", "c3"],
  ["cut-three", "e282"],
  ["cut-four", "f09f92"],
  ["two-without-continuation", "c328"],
  ["three-without-second", "e228a1"],
  ["four-without-third", "f09028bc"]
]

/** Longer forms of values above: twin, where, how many bytes, what instead, name of the form. */
const longForms: ReadonlyArray<readonly [twin: string, offset: number, length: number, hex: string, kind: string]> = [
  ["uint-0", 0, 1, "cc00", "uint8"],
  ["uint-127", 0, 1, "cc7f", "uint8"],
  ["uint-0", 0, 1, "cd0000", "uint16"],
  ["uint-127", 0, 1, "cd007f", "uint16"],
  ["uint-128", 0, 2, "cd0080", "uint16"],
  ["uint-255", 0, 2, "cd00ff", "uint16"],
  ["uint-1", 0, 1, "ce00000001", "uint32"],
  ["uint-255", 0, 2, "ce000000ff", "uint32"],
  ["uint-65535", 0, 3, "ce0000ffff", "uint32"],
  ["uint-0", 0, 1, "cf0000000000000000", "uint64"],
  ["uint-65536", 0, 5, "cf0000000000010000", "uint64"],
  ["uint-4294967295", 0, 5, "cf00000000ffffffff", "uint64"],
  ["bin-0", 0, 2, "c50000", "bin16"],
  ["bin-255", 0, 2, "c500ff", "bin16"],
  ["bin-0", 0, 2, "c600000000", "bin32"],
  ["bin-256", 0, 3, "c600000100", "bin32"],
  ["text-0", 0, 1, "d900", "text8"],
  ["text-31", 0, 1, "d91f", "text8"],
  ["text-1", 0, 1, "da0001", "text16"],
  ["text-255", 0, 2, "da00ff", "text16"],
  ["text-1", 0, 1, "db00000001", "text32"],
  ["text-256", 0, 3, "db00000100", "text32"],
  ["array-0", 0, 1, "dc0000", "array16"],
  ["array-15", 0, 1, "dc000f", "array16"],
  ["array-1", 0, 1, "dd00000001", "array32"],
  ["array-16", 0, 3, "dd00000010", "array32"],
  ["map-0", 0, 1, "de0000", "map16"],
  ["map-15", 0, 1, "de000f", "map16"],
  ["map-1", 0, 1, "df00000001", "map32"],
  ["map-16", 0, 3, "df00000010", "map32"],
  ["map-1", 1, 1, "cc01", "key as uint8"],
  ["map-1", 2, 1, "cc02", "value as uint8"],
  ["array-1", 1, 1, "cd0007", "item as uint16"],
  ["mixed", 2, 2, "c50002", "inner bin as bin16"]
]

export const encoding = (): VectorFile => {
  const file = new FileBuilder(family, "values")
  const twin = (name: string): string => `encoding-${name}`
  const accept = (
    name: string,
    title: string,
    value: Json,
    bytes: Json,
    clause: string,
    flags: ReadonlyArray<string>
  ): void =>
    void file.valid(
      { id: twin(name), title, clauses: [clause, "codec.decode.5", "codec.encode.1"], flags },
      "canon.decode",
      { bytes },
      { value }
    )
  for (const [value, hex] of integers)
    accept(`uint-${value}`, `the integer ${value}`, value, hex, "codec.form.1", ["Width"])
  for (const [name, value, hex, clause] of values) {
    accept(
      name,
      name.replaceAll("-", " "),
      value,
      hex,
      clause,
      name.startsWith("text-") && clause !== "codec.form.1" ? ["Utf8"] : ["Width"]
    )
  }
  const long = (name: string, head: string, pattern: string, count: number, wrap: (bytes: Json) => Json): void =>
    accept(
      name,
      `${name.replaceAll("-", " ")}, by recipe`,
      wrap(recipe("", pattern, count)),
      recipe(head, pattern, count),
      "codec.form.1",
      ["Width"]
    )
  long("bin-65535", "c5ffff", "44", 65535, (bytes) => bytes)
  long("bin-65536", "c600010000", "55", 65536, (bytes) => bytes)
  long("bin-largest", "c60001fffb", "66", 131067, (bytes) => bytes)
  const items = (count: number): Json => Array.from({ length: count }, () => 1)
  accept("array-4096", "the longest array", items(4096), recipe("dc1000", "01", 4096), "codec.bound.2", ["Width"])

  const refuse = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    flag: string,
    on: string,
    delta: Delta,
    reason: string,
    critical = false
  ): void =>
    void file.invalid(
      { id: `encoding-${id}`, title, clauses, flags: [flag], critical },
      twin(on),
      delta,
      `codec.${reason}`
    )
  for (const byte of forbidden) {
    const hex = byte.toString(16)
    refuse(
      `type-${hex}`,
      `first byte ${hex}`,
      ["codec.form.3", "codec.value.2"],
      "ForbiddenType",
      "uint-0",
      { at: "in/bytes", op: "set", offset: 0, bytes: hex },
      "type"
    )
  }
  for (const byte of ["c0", "c2", "c3", "ca", "d4", "ff"]) {
    refuse(
      `type-item-${byte}`,
      `${byte} as an item`,
      ["codec.form.3"],
      "ForbiddenType",
      "array-1",
      { at: "in/bytes", op: "set", offset: 1, bytes: byte },
      "type"
    )
    refuse(
      `type-value-${byte}`,
      `${byte} as a map's value`,
      ["codec.form.3"],
      "ForbiddenType",
      "map-1",
      { at: "in/bytes", op: "set", offset: 2, bytes: byte },
      "type"
    )
  }
  for (const [name, hex] of [
    ["float64", "cb3ff0000000000000"],
    ["float32", "ca3f800000"],
    ["int8", "d001"],
    ["int64", "d30000000000000001"],
    ["true", "c3"],
    ["negative", "ff"]
  ] as const) {
    refuse(
      `type-instead-${name}`,
      `${name} for an integer`,
      ["codec.value.2"],
      "ForbiddenType",
      "uint-1",
      { at: "in/bytes", op: "reencode", offset: 0, length: 1, bytes: hex, kind: name },
      "type"
    )
  }
  for (const [on, offset, length, bytes, kind] of longForms) {
    refuse(
      `long-${on}-${kind.replaceAll(" ", "-")}`,
      `${on.replaceAll("-", " ")} as ${kind}`,
      ["codec.form.2"],
      "LongForm",
      on,
      { at: "in/bytes", op: "reencode", offset, length, bytes, kind },
      "noncanonical",
      true
    )
  }
  for (const [name, hex] of [
    ["2-53", "0020000000000000"],
    ["2-63-minus-1", "7fffffffffffffff"],
    ["2-63", "8000000000000000"],
    ["2-64-minus-1", "ffffffffffffffff"]
  ] as const) {
    refuse(
      `uint-${name}`,
      "an integer above the largest",
      ["codec.int.1"],
      "Width",
      "uint-9007199254740991",
      { at: "in/bytes", op: "set", offset: 1, bytes: hex },
      "value"
    )
  }
  truncated(refuse)
  for (const on of [
    "uint-0",
    "uint-256",
    "bin-1",
    "text-1",
    "text-32",
    "array-0",
    "array-1",
    "map-0",
    "map-1",
    "mixed"
  ]) {
    const length = file.bytesAt(file.case(twin(on)), "in/bytes").length
    refuse(
      `trailing-${on}`,
      "a byte behind the value",
      ["codec.decode.4"],
      "Trailing",
      on,
      { at: "in/bytes", op: "insert", offset: length, bytes: "00" },
      "trailing",
      true
    )
  }
  refuse(
    "trailing-forbidden",
    "a forbidden byte behind the value",
    ["codec.decode.4"],
    "Trailing",
    "uint-1",
    { at: "in/bytes", op: "insert", offset: 1, bytes: "c1" },
    "trailing"
  )
  refuse(
    "trailing-second-value",
    "the value once more",
    ["codec.decode.4"],
    "Trailing",
    "bin-1",
    { at: "in/bytes", op: "insert", offset: 3, bytes: "c401ff" },
    "trailing"
  )
  exhausting(refuse)
  for (const [name, hex] of badText) {
    const length = hex.length / 2
    refuse(
      `utf8-${name}`,
      name.replaceAll("-", " "),
      ["codec.text.1"],
      "Utf8",
      "text-1",
      { at: "in/bytes", op: "assign", value: (0xa0 + length).toString(16) + hex },
      "utf8"
    )
  }
  refuse(
    "utf8-at-the-end",
    "a sequence cut by the end of the text, with more bytes behind it in the array",
    ["codec.text.1"],
    "Utf8",
    "mixed",
    { at: "in/bytes", op: "set", offset: 10, bytes: "c3" },
    "utf8"
  )
  refuse(
    "utf8-in-map",
    "bad text as a map's value",
    ["codec.text.1"],
    "Utf8",
    "map-of-maps",
    { at: "in/bytes", op: "set", offset: 5, bytes: "ff" },
    "utf8"
  )
  const map = (id: string, title: string, on: string, delta: Delta, reason: string): void =>
    refuse(`map-${id}`, title, ["codec.map.1"], "MapOrder", on, delta, reason, true)
  map(
    "duplicate-key",
    "the same key twice",
    "map-of-maps",
    { at: "in/bytes", op: "set", offset: 6, bytes: "00" },
    "duplicate-key"
  )
  map(
    "duplicate-first",
    "0 twice in front",
    "map-16",
    { at: "in/bytes", op: "set", offset: 5, bytes: "00" },
    "duplicate-key"
  )
  map(
    "duplicate-last",
    "the last key twice",
    "map-16",
    { at: "in/bytes", op: "set", offset: 33, bytes: "0e" },
    "duplicate-key"
  )
  map(
    "descending",
    "the first two keys exchanged",
    "map-15",
    { at: "in/bytes", op: "swap", a: [1, 1], b: [3, 1] },
    "key-order"
  )
  map(
    "last-out-of-order",
    "a small key at the end",
    "map-15",
    { at: "in/bytes", op: "set", offset: 29, bytes: "05" },
    "key-order"
  )
  map(
    "wide-out-of-order",
    "keys of two widths exchanged",
    "map-wide-keys",
    { at: "in/bytes", op: "swap", a: [1, 2], b: [3, 3] },
    "key-order"
  )
  map(
    "inner-out-of-order",
    "an inner map of two entries out of order",
    "map-of-maps",
    { at: "in/bytes", op: "reencode", offset: 2, length: 4, bytes: "8202a1780100", kind: "two entries" },
    "key-order"
  )
  for (const [name, hex] of [
    ["text", "a131"],
    ["bin", "c40131"],
    ["array", "90"],
    ["map", "80"],
    ["nil", "c0"],
    ["negative", "ff"]
  ] as const) {
    map(
      `key-${name}`,
      `a key that is ${name}`,
      "map-1",
      { at: "in/bytes", op: "reencode", offset: 1, length: 1, bytes: hex, kind: name },
      "type"
    )
  }
  return file.file()
}

type Refuse = (
  id: string,
  title: string,
  clauses: ReadonlyArray<string>,
  flag: string,
  on: string,
  delta: Delta,
  reason: string,
  critical?: boolean
) => void

/** Every kind of value cut at every place that matters. */
const truncated = (refuse: Refuse): void => {
  const cut = (on: string, keep: number, length: number): void =>
    refuse(
      `truncated-${on}-${keep}`,
      `${on.replaceAll("-", " ")}, ${keep} bytes of it`,
      ["codec.decode.3"],
      "Truncated",
      on,
      { at: "in/bytes", op: "cut", offset: keep, length },
      "truncated"
    )
  cut("uint-0", 0, 1)
  cut("uint-128", 1, 1)
  cut("uint-256", 1, 2)
  cut("uint-256", 2, 1)
  cut("uint-65536", 1, 4)
  cut("uint-65536", 4, 1)
  cut("uint-4294967296", 1, 8)
  cut("uint-4294967296", 8, 1)
  cut("bin-0", 1, 1)
  cut("bin-1", 2, 1)
  cut("bin-32", 2, 32)
  cut("bin-32", 33, 1)
  cut("bin-256", 1, 258)
  cut("bin-256", 2, 257)
  cut("bin-256", 3, 256)
  cut("bin-256", 258, 1)
  cut("text-1", 1, 1)
  cut("text-31", 1, 31)
  cut("text-31", 31, 1)
  cut("text-32", 1, 33)
  cut("text-32", 2, 32)
  cut("text-32", 33, 1)
  cut("text-256", 2, 257)
  cut("text-256", 258, 1)
  cut("array-1", 1, 1)
  cut("array-15", 15, 1)
  cut("array-16", 1, 18)
  cut("array-16", 2, 17)
  cut("array-16", 3, 16)
  cut("array-16", 18, 1)
  cut("map-1", 1, 2)
  cut("map-1", 2, 1)
  cut("map-16", 2, 33)
  cut("map-16", 34, 1)
  cut("map-of-maps", 7, 1)
  cut("mixed", 15, 1)
  cut("depth-8-arrays", 7, 1)
}

/** Heads that announce more than there is, and nesting. */
const exhausting = (refuse: Refuse): void => {
  const claim = (id: string, title: string, hex: string, reason: string, clause: string): void =>
    refuse(
      `claim-${id}`,
      title,
      [clause],
      "Exhaustion",
      "array-0",
      { at: "in/bytes", op: "assign", value: hex },
      reason
    )
  claim("array-4097", "an array of 4,097 items", `dc1001${"01".repeat(4097)}`, "count", "codec.bound.2")
  claim("array-4097-empty", "the head of an array of 4,097 items", "dc1001", "count", "codec.bound.2")
  claim("array-65535", "the head of an array of 65,535 items", "dcffff", "count", "codec.bound.2")
  claim("array-2-16", "the head of an array of 65,536 items", "dd00010000", "count", "codec.bound.2")
  claim("array-2-32-minus-1", "the head of an array of 2³² − 1 items", "ddffffffff", "count", "codec.bound.2")
  claim("array-4096-empty", "the head of an array of 4,096 items, and nothing", "dc1000", "truncated", "codec.decode.3")
  claim("map-4097", "the head of a map of 4,097 entries", "de1001", "count", "codec.bound.2")
  claim("map-2-32-minus-1", "the head of a map of 2³² − 1 entries", "dfffffffff", "count", "codec.bound.2")
  claim("map-4096-empty", "the head of a map of 4,096 entries, and nothing", "de1000", "truncated", "codec.decode.3")
  claim("bin-2-32-minus-1", "the head of 4 GiB of bytes", "c6ffffffff", "truncated", "codec.decode.3")
  claim("bin-2-16", "the head of 64 KiB of bytes", "c600010000", "truncated", "codec.decode.3")
  claim("bin-65535", "the head of 65,535 bytes", "c5ffff", "truncated", "codec.decode.3")
  claim("bin-255-one", "255 bytes announced, one there", "c4ff00", "truncated", "codec.decode.3")
  claim("text-2-32-minus-1", "the head of 4 GiB of text", "dbffffffff", "truncated", "codec.decode.3")
  claim("text-31-empty", "31 bytes of text announced, none there", "bf", "truncated", "codec.decode.3")
  claim(
    "array-two-halves",
    "an array of two items, the first of which takes all there is",
    "92c4ff",
    "truncated",
    "codec.decode.3"
  )
  const deep = { clauses: ["codec.bound.1"], flag: "Exhaustion" }
  refuse(
    "depth-9-arrays",
    "nine arrays",
    deep.clauses,
    deep.flag,
    "depth-8-arrays",
    { at: "in/bytes", op: "insert", offset: 0, bytes: "91" },
    "depth"
  )
  refuse(
    "depth-9-scalar",
    "nine arrays around a number",
    deep.clauses,
    deep.flag,
    "depth-8-scalar",
    { at: "in/bytes", op: "insert", offset: 0, bytes: "91" },
    "depth"
  )
  refuse(
    "depth-9-map",
    "a map inside eight arrays",
    deep.clauses,
    deep.flag,
    "depth-8-map",
    { at: "in/bytes", op: "insert", offset: 0, bytes: "91" },
    "depth"
  )
  refuse(
    "depth-9-inner-map",
    "a map inside the innermost",
    deep.clauses,
    deep.flag,
    "depth-8-map",
    { at: "in/bytes", op: "reencode", offset: 9, length: 1, bytes: "80", kind: "map" },
    "depth"
  )
  refuse(
    "depth-9-empty-inner",
    "an empty array inside the innermost",
    deep.clauses,
    deep.flag,
    "depth-8-scalar",
    { at: "in/bytes", op: "set", offset: 8, bytes: "90" },
    "depth"
  )
  claim("depth-1000", "a thousand arrays", "91".repeat(1000), "depth", "codec.bound.1")
  refuse(
    "size-131073",
    "one byte more than the longest input",
    ["codec.bound.3"],
    "Exhaustion",
    "bin-largest",
    { at: "in/bytes", op: "assign", value: recipe("c60001fffc", "66", 131068) },
    "size"
  )
}
