/**
 * F03: every kind of layout given every other kind of value, its bounds at the borders of forms, kinds inside kinds, and which of two
 * faults is answered. By hand.
 *
 * Spec: docs/spec/02-encoding.md §2.5, §2.6. Values are in the JSON form of rule codec.json.1.
 */
import { FileBuilder } from "../family.ts"
import type { Delta, Json, VectorFile } from "../model.ts"
import { family } from "./encoding.ts"
import { bytes, extensions, list, literal, oneOf, optional, text, tuple, uint } from "./layouts.ts"

const any = Number.MAX_SAFE_INTEGER
/** Each kind with one value of it. */
const kinds: { readonly [kind: string]: readonly [layout: Json, hex: string, value: Json] } = {
  uint: [uint(0, 300), "07", 7],
  literal: [literal(300), "cd012c", 300],
  bytes: [bytes(0, 300), "c40107", "07"],
  text: [text(0, 300), "a137", "7"],
  list: [list(uint(0, 9), 0, 20), "9107", [7]],
  optional: [optional(uint(0, 300)), "9107", [7]],
  tuple: [tuple({ only: uint(0, 300) }), "9107", { only: 7 }],
  union: [
    oneOf("tag", { 7: tuple({ tag: literal(7) }), 8: tuple({ tag: literal(8), more: uint(0, 9) }) }),
    "9107",
    { tag: 7 }
  ],
  slot: [extensions({ seven: [7, uint(0, 9)] }), "810707", { seven: 7, unknown: [] }]
}
/** One value of each family of the encoding. */
const given: { readonly [family: string]: string } = {
  uint: "07",
  bytes: "c40107",
  text: "a137",
  array: "9107",
  map: "810707"
}
const familyOf: { readonly [kind: string]: string } = {
  uint: "uint",
  literal: "uint",
  bytes: "bytes",
  text: "text",
  list: "array",
  optional: "array",
  tuple: "array",
  union: "array",
  slot: "map"
}

const repeat = (hex: string, count: number): string => hex.repeat(count)
/** Bounds at the border between two forms: name, layout, the largest value inside, the smallest outside, reason. */
const bounds: ReadonlyArray<
  readonly [name: string, layout: Json, inside: string, value: Json, outside: string, reason: string, clause: string]
> = [
  ["uint-most-127", uint(0, 127), "7f", 127, "cc80", "size", "codec.bound.3"],
  ["uint-most-255", uint(0, 255), "ccff", 255, "cd0100", "size", "codec.bound.3"],
  ["uint-least-128", uint(128, 300), "cc80", 128, "7f", "value", "codec.layout.4"],
  ["uint-least-256", uint(256, 300), "cd0100", 256, "ccff", "value", "codec.layout.4"],
  ["uint-least-65536", uint(65_536, any), "ce00010000", 65_536, "cdffff", "value", "codec.layout.4"],
  [
    "uint-least-2-32",
    uint(4_294_967_296, any),
    "cf0000000100000000",
    4_294_967_296,
    "ceffffffff",
    "value",
    "codec.layout.4"
  ],
  ["uint-one", uint(128, 128), "cc80", 128, "cc81", "value", "codec.layout.4"],
  ["literal-width", literal(128), "cc80", 128, "7f", "value", "codec.layout.4"],
  ["bytes-one-length", bytes(2, 2), "c4020102", "0102", "c40101", "size", "codec.layout.3"],
  [
    "bytes-least-256",
    bytes(256, 300),
    `c50100${repeat("01", 256)}`,
    repeat("01", 256),
    `c4ff${repeat("01", 255)}`,
    "size",
    "codec.layout.3"
  ],
  [
    "text-least-32",
    text(32, 40),
    `d920${repeat("61", 32)}`,
    repeat("a", 32),
    `bf${repeat("61", 31)}`,
    "size",
    "codec.layout.3"
  ],
  ["text-bytes-not-characters", text(0, 4), "a4c3a9c3a9", "éé", "a5e282acc3a9", "size", "codec.bound.3"],
  [
    "list-most-15",
    tuple({ list: list(uint(0, 0), 0, 15), pad: bytes(0, 9) }),
    `929f${repeat("00", 15)}c400`,
    { list: Array.from({ length: 15 }, () => 0), pad: "" },
    `92dc0010${repeat("00", 16)}c400`,
    "count",
    "codec.layout.2"
  ],
  [
    "list-least-16",
    list(uint(0, 0), 16, 20),
    `dc0010${repeat("00", 16)}`,
    Array.from({ length: 16 }, () => 0),
    `9f${repeat("00", 15)}`,
    "count",
    "codec.layout.2"
  ],
  [
    "list-none-allowed",
    tuple({ list: list(uint(0, 0), 0, 0), pad: bytes(0, 9) }),
    "9290c400",
    { list: [], pad: "" },
    "929100c400",
    "count",
    "codec.layout.2"
  ]
]

const pair = tuple({ a: uint(0, 300), b: text(0, 8) })
const shape = oneOf("type", { 1: tuple({ type: literal(1), r: uint(0, 300) }), 2: tuple({ type: literal(2) }) })
const slot = extensions({ two: [2, uint(0, 300)], three: [3, text(0, 8)] })
const inner = extensions({ one: [1, extensions({ two: [2, uint(0, 9)] })] })

/** Kinds inside kinds: name, layout, bytes, value, rule. */
const nested: ReadonlyArray<readonly [name: string, layout: Json, hex: string, value: Json, clause: string]> = [
  ["list-of-lists", list(list(uint(0, 9), 0, 3), 0, 3), "93909101920203", [[], [1], [2, 3]], "codec.layout.2"],
  [
    "list-of-tuples",
    list(pair, 0, 3),
    "929201a09202a162",
    [
      { a: 1, b: "" },
      { a: 2, b: "b" }
    ],
    "codec.layout.2"
  ],
  [
    "list-of-unions",
    list(shape, 0, 3),
    "93920105910292017f",
    [{ type: 1, r: 5 }, { type: 2 }, { type: 1, r: 127 }],
    "codec.layout.5"
  ],
  [
    "many-lists-side-by-side",
    list(list(uint(0, 9), 0, 3), 0, 12),
    `9c${"9101".repeat(12)}`,
    Array.from({ length: 12 }, () => [1]),
    "codec.bound.1"
  ],
  [
    "many-optionals-side-by-side",
    list(optional(list(uint(0, 9), 0, 3)), 0, 12),
    `9c${"919101".repeat(12)}`,
    Array.from({ length: 12 }, () => [[1]]),
    "codec.bound.1"
  ],
  ["list-of-slots", list(slot, 0, 3), "9280810201", [{ unknown: [] }, { two: 1, unknown: [] }], "codec.ext.1"],
  [
    "list-of-optionals",
    list(optional(uint(0, 9)), 0, 3),
    "93909103 90".replace(" ", ""),
    [[], [3], []],
    "codec.layout.6"
  ],
  ["optional-tuple-none", optional(pair), "90", [], "codec.layout.6"],
  ["optional-tuple", optional(pair), "919205a0", [{ a: 5, b: "" }], "codec.layout.6"],
  [
    "union-in-tuple",
    tuple({ before: uint(0, 9), shape, after: uint(0, 9) }),
    "9301910202",
    { before: 1, shape: { type: 2 }, after: 2 },
    "codec.layout.5"
  ],
  ["slot-in-slot", inner, "8101810209", { one: { two: 9, unknown: [] }, unknown: [] }, "codec.ext.2"],
  [
    "slot-in-slot-unknown",
    inner,
    "8101810509",
    { one: { unknown: [{ key: 5, value: "09" }] }, unknown: [] },
    "codec.ext.4"
  ],
  ["slot-even-alone", slot, "8102cd012c", { two: 300, unknown: [] }, "codec.ext.2"],
  ["slot-odd-alone", slot, "8103a179", { three: "y", unknown: [] }, "codec.ext.2"],
  ["slot-unknown-before", slot, "8201070200", { two: 0, unknown: [{ key: 1, value: "07" }] }, "codec.ext.4"],
  ["slot-unknown-behind", slot, "82020005c400", { two: 0, unknown: [{ key: 5, value: "c400" }] }, "codec.ext.4"],
  [
    "slot-unknown-uint",
    slot,
    "8105cf0000000100000000",
    { unknown: [{ key: 5, value: "cf0000000100000000" }] },
    "codec.ext.4"
  ],
  ["slot-unknown-text", slot, "8105a2c3a9", { unknown: [{ key: 5, value: "a2c3a9" }] }, "codec.ext.4"],
  ["slot-unknown-array", slot, "8105920190", { unknown: [{ key: 5, value: "920190" }] }, "codec.ext.4"],
  [
    "slot-unknown-map",
    slot,
    "8105820001020 3".replace(" ", ""),
    { unknown: [{ key: 5, value: "8200010203" }] },
    "codec.value.3"
  ],
  ["slot-key-127", slot, "817f00", { unknown: [{ key: 127, value: "00" }] }, "codec.ext.4"],
  ["slot-key-129", slot, "81cc8100", { unknown: [{ key: 129, value: "00" }] }, "codec.ext.4"],
  ["slot-key-255", slot, "81ccff00", { unknown: [{ key: 255, value: "00" }] }, "codec.ext.4"],
  ["slot-key-257", slot, "81cd010100", { unknown: [{ key: 257, value: "00" }] }, "codec.ext.4"],
  ["slot-key-65537", slot, "81ce0001000100", { unknown: [{ key: 65_537, value: "00" }] }, "codec.ext.4"],
  ["slot-key-largest", slot, "81cf001fffffffffffff00", { unknown: [{ key: any, value: "00" }] }, "codec.ext.4"],
  ["slot-depth", slot, "810591919191919190", { unknown: [{ key: 5, value: "91919191919190" }] }, "codec.ext.4"],
  [
    "all-kinds",
    tuple({ u: uint(0, 9), b: bytes(0, 9), t: text(0, 9), l: list(pair, 0, 9), o: optional(shape), s: slot }),
    "9601c40102a1339192 04a0919102 810205".replaceAll(" ", ""),
    { u: 1, b: "02", t: "3", l: [{ a: 4, b: "" }], o: [{ type: 2 }], s: { two: 5, unknown: [] } },
    "codec.layout.1"
  ]
]

const assign = (value: string): Delta => ({ at: "in/bytes", op: "assign", value })

/** Faults inside, and which of two is answered: name, twin, bytes, reason, rule. */
const faults: ReadonlyArray<readonly [name: string, twin: string, hex: string, reason: string, clause: string]> = [
  ["kind-before-head", "nested-list-of-tuples", "91c5", "type", "codec.decode.2"],
  ["head-before-form", "bound-uint-least-128", "cd00", "truncated", "codec.decode.2"],
  ["form-before-value", "bound-uint-least-128", "cd0001", "noncanonical", "codec.decode.2"],
  ["form-before-size", "bound-bytes-least-256", `c50001${repeat("01", 1)}`, "noncanonical", "codec.decode.2"],
  ["size-before-content", "bound-bytes-one-length", "c403", "size", "codec.decode.2"],
  ["count-before-content", "bound-list-least-16", "93", "count", "codec.decode.2"],
  ["content-before-utf8", "nested-slot-odd-alone", "8103a2ff", "truncated", "codec.decode.2"],
  ["utf8-before-trailing", "nested-slot-odd-alone", "8103a1ff00", "utf8", "codec.decode.2"],
  ["presence-before-items", "nested-list-of-lists", "9294", "truncated", "codec.decode.2"],
  ["first-item-before-second", "nested-list-of-tuples", "9292cd00019202a1ff", "noncanonical", "codec.decode.2"],
  ["union-literal-before-count", "nested-list-of-unions", "919303", "truncated", "codec.decode.3"],
  ["union-literal-first", "nested-list-of-unions", "9193030405", "value", "codec.decode.2"],
  ["union-count-behind-literal", "nested-list-of-unions", "9193010405", "count", "codec.decode.2"],
  ["key-form-before-order", "nested-slot-unknown-behind", "820200cc0100", "noncanonical", "codec.decode.2"],
  ["key-type-before-order", "nested-slot-unknown-behind", "820200a00000", "type", "codec.decode.2"],
  ["duplicate-before-critical", "nested-slot-unknown-behind", "8204000400", "unknown-critical", "codec.decode.2"],
  [
    "order-before-critical",
    "nested-slot-unknown-behind",
    "8203a179 0000".replace(" ", ""),
    "key-order",
    "codec.decode.2"
  ],
  ["critical-before-its-value", "nested-slot-even-alone", "8104c1", "unknown-critical", "codec.decode.2"],
  [
    "critical-before-truncated-value",
    "nested-slot-even-alone",
    "8204000500".slice(0, 8),
    "truncated",
    "codec.decode.3"
  ],
  ["critical-130", "nested-slot-key-129", "81cc8200", "unknown-critical", "codec.ext.3"],
  ["critical-254", "nested-slot-key-255", "81ccfe00", "unknown-critical", "codec.ext.3"],
  ["critical-256", "nested-slot-key-257", "81cd010000", "unknown-critical", "codec.ext.3"],
  ["critical-65536", "nested-slot-key-65537", "81ce0001000000", "unknown-critical", "codec.ext.3"],
  ["critical-largest", "nested-slot-key-largest", "81cf001ffffffffffffe00", "unknown-critical", "codec.ext.3"],
  ["critical-in-inner-slot", "nested-slot-in-slot", "8101810409", "unknown-critical", "codec.ext.3"],
  ["inner-known-value", "nested-slot-in-slot", "810181020a", "value", "codec.ext.2"],
  ["unknown-in-array-forbidden", "nested-slot-unknown-array", "81059201c0", "type", "codec.ext.4"],
  ["unknown-in-array-long", "nested-slot-unknown-array", "810592cc0190", "noncanonical", "codec.ext.4"],
  ["unknown-text-bad", "nested-slot-unknown-text", "8105a2c328", "utf8", "codec.ext.4"],
  ["unknown-map-order", "nested-slot-unknown-map", "81058202030001", "key-order", "codec.ext.4"],
  ["unknown-uint-too-large", "nested-slot-unknown-uint", "8105cf0020000000000000", "value", "codec.ext.4"],
  ["unknown-too-deep", "nested-slot-depth", "81059191919191919190", "depth", "codec.ext.4"],
  ["optional-two-tuples", "nested-optional-tuple", "929205a09205a0", "count", "codec.layout.6"],
  ["optional-tuple-bare", "nested-optional-tuple", "9205a0", "count", "codec.layout.6"],
  ["list-of-lists-long", "nested-list-of-lists", "9194000000 00".replace(" ", ""), "count", "codec.layout.2"],
  ["list-of-tuples-short", "nested-list-of-tuples", "929201a0 9102".replace(" ", ""), "count", "codec.layout.1"],
  ["list-of-slots-array", "nested-list-of-slots", "928090", "type", "codec.ext.1"],
  ["tuple-inner-trailing", "nested-union-in-tuple", "940191020200", "count", "codec.layout.1"]
]

export const layoutKinds = (): VectorFile => {
  const file = new FileBuilder(family, "layout-kinds")
  const title = (name: string): string => name.replaceAll("-", " ")
  const accept = (id: string, layout: Json, hex: string, value: Json, clause: string): void =>
    void file.valid(
      { id: `layout-${id}`, title: title(id), clauses: [clause, "codec.json.1"] },
      "layout.decode",
      { layout, bytes: hex },
      { value }
    )
  const refuse = (id: string, twin: string, delta: Delta, reason: string, clause: string): void =>
    void file.invalid(
      { id: `layout-bad-${id}`, title: title(id), clauses: [clause] },
      `layout-${twin}`,
      delta,
      `codec.${reason}`
    )
  for (const [kind, [layout, hex, value]] of Object.entries(kinds)) {
    accept(`kind-${kind}`, layout, hex, value, "codec.layout.3")
    for (const [name, other] of Object.entries(given)) {
      if (name !== familyOf[kind])
        refuse(
          `kind-${kind}-given-${name}`,
          `kind-${kind}`,
          assign(other),
          "type",
          name === "map" ? "codec.value.3" : "codec.layout.3"
        )
    }
  }
  for (const [name, layout, inside, value, outside, reason, clause] of bounds) {
    accept(`bound-${name}`, layout, inside, value, clause)
    refuse(`bound-${name}`, `bound-${name}`, assign(outside), reason, clause)
  }
  for (const [name, layout, hex, value, clause] of nested) accept(`nested-${name}`, layout, hex, value, clause)
  for (const [name, twin, hex, reason, clause] of faults) refuse(`fault-${name}`, twin, assign(hex), reason, clause)
  const whole = "nested-all-kinds"
  const length = file.bytesAt(file.case(`layout-${whole}`), "in/bytes").length
  for (let keep = 1; keep < length; keep++)
    refuse(
      `cut-at-${keep}`,
      whole,
      { at: "in/bytes", op: "cut", offset: keep, length: length - keep },
      "truncated",
      "codec.decode.3"
    )
  return file.file()
}
