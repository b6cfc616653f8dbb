/**
 * F03: every form of every value where an item, a map's value or a key stands, the longer forms of each, and text at the edges of UTF-8.
 *
 * Spec: docs/spec/02-encoding.md §2.2–2.4, §2.6.
 * Bytes are put together from the table of the page here; the second verifier reads and writes them again.
 */
import { FileBuilder } from "../family.ts"
import type { Delta, Json, VectorFile } from "../model.ts"
import { family } from "./encoding.ts"

interface Form {
  readonly name: string
  readonly value: Json
  /** The head in its one form, and the content behind it. */
  readonly head: string
  readonly content: string
  /** Longer heads of the same value, by name. */
  readonly longer: ReadonlyArray<readonly [kind: string, head: string]>
}

const be = (value: number, width: number): string =>
  BigInt(value)
    .toString(16)
    .padStart(2 * width, "0")
const uints = [
  [1, "cc", "uint8", 0xff],
  [2, "cd", "uint16", 0xffff],
  [4, "ce", "uint32", 0xffff_ffff],
  [8, "cf", "uint64", Number.MAX_SAFE_INTEGER]
] as const

const uint = (value: number): Form => {
  const forms = uints.filter(([, , , most]) => value <= most)
  const long = forms.map(([width, first, kind]) => [kind, first + be(value, width)] as const)
  const [shortest] = long
  return {
    name: `uint-${value}`,
    value,
    head: value <= 127 ? be(value, 1) : shortest![1],
    content: "",
    longer: value <= 127 ? long : long.slice(1)
  }
}

/** Bins, texts, arrays and maps: a short head or none, then heads with a length of 1, 2 and 4 bytes. */
const sized = (
  kind: string,
  length: number,
  value: Json,
  content: string,
  short: readonly [first: number, most: number] | undefined,
  heads: ReadonlyArray<readonly [width: number, first: string]>
): Form => {
  const long = heads
    .filter(([width]) => length < 256 ** width)
    .map(([width, first]) => [`${kind}${8 * width}`, first + be(length, width)] as const)
  const isShort = short !== undefined && length <= short[1]
  return {
    name: `${kind}-${length}`,
    value,
    head: isShort ? be(short[0] + length, 1) : long[0]![1],
    content,
    longer: isShort ? long : long.slice(1)
  }
}
const bin = (length: number): Form =>
  sized("bin", length, "5a".repeat(length), "5a".repeat(length), undefined, [
    [1, "c4"],
    [2, "c5"],
    [4, "c6"]
  ])
const text = (length: number): Form =>
  sized(
    "text",
    length,
    { text: "t".repeat(length) },
    "74".repeat(length),
    [0xa0, 31],
    [
      [1, "d9"],
      [2, "da"],
      [4, "db"]
    ]
  )
const array = (length: number): Form =>
  sized(
    "array",
    length,
    Array.from({ length }, () => 5),
    "05".repeat(length),
    [0x90, 15],
    [
      [2, "dc"],
      [4, "dd"]
    ]
  )
const map = (length: number): Form =>
  sized(
    "map",
    length,
    { map: Array.from({ length }, (_, i) => [i, 6]) },
    Array.from({ length }, (_, i) => `${be(i, 1)}06`).join(""),
    [0x80, 15],
    [
      [2, "de"],
      [4, "df"]
    ]
  )

/** One value of every form, and those at the end of each. */
const forms: ReadonlyArray<Form> = [
  ...[9, 200, 40_000, 3_000_000_000, 2 ** 40].map(uint),
  ...[3, 300].map(bin),
  ...[5, 40, 300].map(text),
  ...[2, 20].map(array),
  ...[2, 20].map(map)
]

const keys = [0, 127, 128, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, Number.MAX_SAFE_INTEGER]

/** Edges of the table of RFC 3629 §4, and of blocks of code points. */
const characters: ReadonlyArray<readonly [point: number, utf8: string]> = [
  [0x7f, "7f"],
  [0x80, "c280"],
  [0x7ff, "dfbf"],
  [0x800, "e0a080"],
  [0xfff, "e0bfbf"],
  [0x1000, "e18080"],
  [0xcfff, "ecbfbf"],
  [0xd000, "ed8080"],
  [0xd7ff, "ed9fbf"],
  [0xe000, "ee8080"],
  [0xfffd, "efbfbd"],
  [0xffff, "efbfbf"],
  [0x10000, "f0908080"],
  [0x3ffff, "f0bfbfbf"],
  [0x40000, "f1808080"],
  [0xfffff, "f3bfbfbf"],
  [0x100000, "f4808080"],
  [0x10ffff, "f48fbfbf"]
]

/** Not UTF-8: name, bytes, and the character nearest to it as the twin. */
const badCharacters: ReadonlyArray<readonly [name: string, hex: string, near: number]> = [
  ["two-second-7f", "c27f", 0x80],
  ["two-second-c0", "c2c0", 0x80],
  ["three-second-9f-after-e0", "e09f80", 0x800],
  ["three-second-c0", "e1c080", 0x1000],
  ["three-third-7f", "e1807f", 0x1000],
  ["three-third-c0", "e180c0", 0x1000],
  ["surrogate-dbff", "edafbf", 0xd7ff],
  ["surrogate-dc00", "edb080", 0xd7ff],
  ["three-one-there", "e1", 0x1000],
  ["four-second-8f-after-f0", "f08f8080", 0x10000],
  ["four-second-c0", "f1c08080", 0x40000],
  ["four-third-7f", "f1807f80", 0x40000],
  ["four-fourth-c0", "f18080c0", 0x40000],
  ["four-one-there", "f1", 0x40000],
  ["four-two-there", "f180", 0x40000],
  ["lead-f7", "f7bfbfbf", 0x10ffff],
  ["six-bytes", "fc8480808080", 0x10ffff]
]

export const encodingForms = (): VectorFile => {
  const file = new FileBuilder(family, "forms")
  const accept = (id: string, title: string, clause: string, flag: string, bytes: string, value: Json): void =>
    void file.valid({ id: `form-${id}`, title, clauses: [clause], flags: [flag] }, "canon.decode", { bytes }, { value })
  const refuse = (
    id: string,
    title: string,
    clause: string,
    flag: string,
    twin: string,
    delta: Delta,
    reason: string,
    critical = false
  ): void =>
    void file.invalid(
      { id: `form-${id}`, title, clauses: [clause], flags: [flag], critical },
      `form-${twin}`,
      delta,
      `codec.${reason}`
    )
  const reencode = (offset: number, length: number, bytes: string, kind: string): Delta => ({
    at: "in/bytes",
    op: "reencode",
    offset,
    length,
    bytes,
    kind
  })
  for (const { content, head, longer, name, value } of forms) {
    const words = name.replace("-", " of ")
    const size = head.length / 2
    accept(`item-${name}`, `a ${words} as second item`, "codec.form.1", "Width", `9200${head}${content}`, [0, value])
    accept(`value-${name}`, `a ${words} as a map's value`, "codec.form.1", "Width", `8100${head}${content}`, {
      map: [[0, value]]
    })
    for (const place of ["item", "value"]) {
      for (const [kind, long] of longer) {
        const id = `${place}-${name}`
        refuse(
          `${id}-as-${kind}`,
          `the same as ${kind}`,
          "codec.form.2",
          "LongForm",
          id,
          reencode(2, size, long, kind),
          "noncanonical",
          true
        )
      }
    }
    if (size > 1) {
      const rest = size - 1 + content.length / 2
      refuse(
        `item-${name}-head-cut`,
        "the head cut behind its first byte",
        "codec.decode.2",
        "Truncated",
        `item-${name}`,
        { at: "in/bytes", op: "cut", offset: 3, length: rest },
        "truncated"
      )
    }
    if (content !== "") {
      refuse(
        `value-${name}-short`,
        "the last byte of the content missing",
        "codec.decode.3",
        "Truncated",
        `value-${name}`,
        { at: "in/bytes", op: "cut", offset: 1 + size + content.length / 2, length: 1 },
        "truncated"
      )
    }
  }
  for (const key of keys) {
    const { head, longer } = uint(key)
    const id = `key-${key}`
    accept(id, `the key ${key}`, "codec.map.1", "Width", `81${head}00`, { map: [[key, 0]] })
    for (const [kind, long] of longer)
      refuse(
        `${id}-as-${kind}`,
        `the key ${key} as ${kind}`,
        "codec.form.2",
        "LongForm",
        id,
        reencode(1, head.length / 2, long, kind),
        "noncanonical",
        true
      )
  }
  for (const [i, key] of keys.entries()) {
    const next = keys[i + 1]
    if (next === undefined) continue
    const [first, second] = [uint(key).head, uint(next).head]
    const id = `keys-${key}-${next}`
    const [a, b] = [first.length / 2, second.length / 2]
    accept(id, `the keys ${key} and ${next}`, "codec.map.1", "MapOrder", `82${first}00${second}00`, {
      map: [
        [key, 0],
        [next, 0]
      ]
    })
    refuse(
      `${id}-turned`,
      "the other way round",
      "codec.map.1",
      "MapOrder",
      id,
      { at: "in/bytes", op: "swap", a: [1, a], b: [2 + a, b] },
      "key-order",
      true
    )
    refuse(
      `${id}-twice`,
      "the first one twice",
      "codec.map.1",
      "MapOrder",
      id,
      reencode(2 + a, b, first, "the key before"),
      "duplicate-key",
      true
    )
  }
  refuse(
    "key-above-largest",
    "a key of 2⁵³",
    "codec.int.1",
    "MapOrder",
    `key-${Number.MAX_SAFE_INTEGER}`,
    { at: "in/bytes", op: "set", offset: 2, bytes: "0020000000000000" },
    "value"
  )
  refuse(
    "key-cut",
    "the map ends inside a key",
    "codec.decode.3",
    "Truncated",
    "key-65536",
    { at: "in/bytes", op: "cut", offset: 3, length: 4 },
    "truncated"
  )

  for (const [value, hex] of [
    [0x0102, "cd0102"],
    [0x01020304, "ce01020304"],
    [0x01020304050607, "cf0001020304050607"]
  ] as const)
    accept(`order-of-bytes-${hex.slice(0, 2)}`, "big-endian", "codec.form.1", "Width", hex, value)

  // ---- Text
  for (const [point, hex] of characters) {
    const name = point.toString(16).padStart(4, "0")
    accept(`character-${name}`, `U+${name.toUpperCase()}`, "codec.text.1", "Utf8", be(0xa0 + hex.length / 2, 1) + hex, {
      text: String.fromCodePoint(point)
    })
  }
  for (const [name, hex, near] of badCharacters) {
    const twin = `character-${near.toString(16).padStart(4, "0")}`
    refuse(
      `utf8-${name}`,
      name.replaceAll("-", " "),
      "codec.text.1",
      "Utf8",
      twin,
      { at: "in/bytes", op: "assign", value: be(0xa0 + hex.length / 2, 1) + hex },
      "utf8"
    )
  }
  for (const [name, character, hex, count, head] of [
    ["30-bytes-in-15", "é", "c3a9", 15, "be"],
    ["32-bytes-in-16", "é", "c3a9", 16, "d920"],
    ["255-bytes-in-85", "€", "e282ac", 85, "d9ff"],
    ["258-bytes-in-86", "€", "e282ac", 86, "da0102"],
    ["256-bytes-in-64", "𝄞", "f09d849e", 64, "da0100"]
  ] as const) {
    accept(
      `text-${name}-characters`,
      `lengths count bytes: ${name.replaceAll("-", " ")} characters`,
      "codec.text.2",
      "Utf8",
      head + hex.repeat(count),
      { text: character.repeat(count) }
    )
    const length = head.length / 2 + (hex.length / 2) * count
    refuse(
      `text-${name}-characters-bad-end`,
      "the last continuation byte is an ASCII letter",
      "codec.text.1",
      "Utf8",
      `text-${name}-characters`,
      { at: "in/bytes", op: "set", offset: length - 1, bytes: "61" },
      "utf8"
    )
  }
  for (const [name, value, hex] of [
    ["two-of-one-look", ["\u212b", "\u00c5", "A\u030a"], "93a3e284aba2c385a341cc8a"],
    ["right-to-left", { text: "\u202eabc\u202c" }, "a9e280ae616263e280ac"],
    ["joined", { text: "\u{1f469}\u200d\u{1f52c}" }, "abf09f91a9e2808df09f94ac"],
    ["line-ends", { text: "a\r\nb\u2028c" }, "a8610d0a62e280a863"]
  ] as const) {
    const json: Json = Array.isArray(value) ? value.map((item: string) => ({ text: item })) : value
    accept(
      `text-as-it-is-${name}`,
      `text is not normalised: ${name.replaceAll("-", " ")}`,
      "codec.text.2",
      "Utf8",
      hex,
      json
    )
  }

  // ---- Depth by other ways than arrays alone, whole values of the forbidden kinds
  accept(
    "depth-8-maps",
    "eight maps",
    "codec.bound.1",
    "Width",
    `${"8100".repeat(8)}00`,
    nest(8, (inner) => ({ map: [[0, inner]] }))
  )
  refuse(
    "depth-9-maps",
    "nine maps",
    "codec.bound.1",
    "Exhaustion",
    "depth-8-maps",
    { at: "in/bytes", op: "insert", offset: 0, bytes: "8100" },
    "depth"
  )
  accept(
    "depth-8-alternating",
    "arrays and maps in turn, eight deep",
    "codec.bound.1",
    "Width",
    `${"918100".repeat(4)}00`,
    nest(4, (inner) => [{ map: [[0, inner]] }])
  )
  refuse(
    "depth-9-alternating",
    "one more map",
    "codec.bound.1",
    "Exhaustion",
    "depth-8-alternating",
    { at: "in/bytes", op: "insert", offset: 0, bytes: "8100" },
    "depth"
  )
  accept("depth-second-item", "the second item is the deep one", "codec.bound.1", "Width", "929091919191919190", [
    [],
    nest(6, (inner) => [inner], [])
  ])
  refuse(
    "depth-second-item-9",
    "the second item too deep",
    "codec.bound.1",
    "Exhaustion",
    "depth-second-item",
    reencode(8, 1, "919190", "two more arrays"),
    "depth"
  )
  accept("depth-8-beside", "eight deep twice in a row", "codec.bound.1", "Width", `92${"91919191919190".repeat(2)}`, [
    nest(6, (inner) => [inner], []),
    nest(6, (inner) => [inner], [])
  ])
  for (const [name, hex] of [
    ["nil", "c0"],
    ["false", "c2"],
    ["ext8", "c7010561"],
    ["ext16", "c800010561"],
    ["ext32", "c9000000010561"],
    ["int16", "d10101"],
    ["int32", "d200010001"],
    ["fixext1", "d40561"],
    ["fixext2", "d5056162"],
    ["fixext4", "d60561626364"],
    ["fixext8", "d7056162636465666768"],
    ["fixext16", `d805${"61".repeat(16)}`],
    ["timestamp32", "d6ff65542a00"],
    ["timestamp64", "d7ff0000000065542a00"],
    ["timestamp96", "c70cff000000000000000065542a00"],
    ["negative-fixint", "e0"]
  ] as const) {
    refuse(
      `whole-${name}`,
      `a whole ${name} as item`,
      "codec.value.2",
      "ForbiddenType",
      "item-uint-9",
      reencode(2, 1, hex, name),
      "type"
    )
  }
  return file.file()
}

const nest = (count: number, wrap: (inner: Json) => Json, innermost: Json = 0): Json => {
  let value = innermost
  for (let i = 0; i < count; i++) value = wrap(value)
  return value
}
