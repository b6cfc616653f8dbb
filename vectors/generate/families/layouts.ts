/**
 * F03: layouts over the canonical encoding, by hand.
 *
 * Spec: docs/spec/02-encoding.md §2.5, §2.6. Values are in the JSON form of rule codec.json.1.
 */
import { FileBuilder } from "../family.ts"
import type { Delta, Json, VectorFile } from "../model.ts"
import { family } from "./encoding.ts"

export const uint = (min: number, max: number): Json => ({ kind: "uint", min, max })
export const bytes = (min: number, max: number): Json => ({ kind: "bytes", min, max })
export const text = (min: number, max: number): Json => ({ kind: "text", min, max })
export const literal = (value: number): Json => ({ kind: "literal", value })
export const list = (item: Json, min: number, max: number): Json => ({ kind: "list", min, max, item })
export const optional = (item: Json): Json => ({ kind: "optional", item })
export const tuple = (fields: { readonly [name: string]: Json }): Json => ({
  kind: "tuple",
  fields: Object.entries(fields).map(([name, node]) => ({ name, node }))
})
export const extensions = (known: { readonly [name: string]: readonly [key: number, node: Json] }): Json => ({
  kind: "extensions",
  known: Object.entries(known).map(([name, [key, node]]) => ({ name, key, node }))
})
export const oneOf = (tag: string, cases: { readonly [value: number]: Json }): Json => ({
  kind: "oneOf",
  tag,
  cases: Object.entries(cases).map(([value, node]) => ({ value: Number(value), node }))
})

const any = Number.MAX_SAFE_INTEGER
const pair = tuple({ first: uint(0, any), second: bytes(0, 4) })
const slot = extensions({
  critical: [0, uint(0, any)],
  ignorable: [3, text(0, 8)],
  nested: [4, list(uint(0, 9), 0, 3)]
})
const message = tuple({ version: literal(1), id: bytes(2, 2), note: text(1, 4), extensions: slot })
const shape = oneOf("type", {
  1: tuple({ type: literal(1), radius: uint(1, 300) }),
  2: tuple({ type: literal(2), width: uint(1, 300), height: uint(1, 300) })
})

/** Valid: name, layout, bytes, value, rule. */
const accepted: ReadonlyArray<readonly [name: string, layout: Json, hex: string, value: Json, clause: string]> = [
  ["uint-least", uint(5, 300), "05", 5, "codec.layout.4"],
  ["uint-most", uint(5, 300), "cd012c", 300, "codec.layout.4"],
  ["literal", literal(7), "07", 7, "codec.layout.4"],
  ["bytes-least", bytes(2, 4), "c4020102", "0102", "codec.layout.3"],
  ["bytes-most", bytes(2, 4), "c40401020304", "01020304", "codec.layout.3"],
  ["bytes-empty", bytes(0, 4), "c400", "", "codec.layout.3"],
  ["text-least", text(1, 4), "a161", "a", "codec.layout.3"],
  ["text-most", text(1, 4), "a4f09f9982", "\u{1f642}", "codec.layout.3"],
  ["list-empty", list(uint(0, 300), 0, 3), "90", [], "codec.layout.2"],
  ["list-most", list(uint(0, 300), 1, 3), "93010203", [1, 2, 3], "codec.layout.2"],
  ["list-least", list(uint(0, 300), 1, 3), "9109", [9], "codec.layout.2"],
  ["optional-none", optional(uint(0, 300)), "90", [], "codec.layout.6"],
  ["optional-one", optional(uint(0, 300)), "9104", [4], "codec.layout.6"],
  ["tuple", pair, "9201c403aabbcc", { first: 1, second: "aabbcc" }, "codec.layout.1"],
  [
    "tuple-nested",
    tuple({ inner: pair, after: uint(0, 9) }),
    "929200c40009",
    { inner: { first: 0, second: "" }, after: 9 },
    "codec.layout.1"
  ],
  ["union-first", shape, "920105", { type: 1, radius: 5 }, "codec.layout.5"],
  ["union-second", shape, "93020304", { type: 2, width: 3, height: 4 }, "codec.layout.5"],
  [
    "slot-empty",
    message,
    "9401c4020a0ba1 6880".replace(" ", ""),
    { version: 1, id: "0a0b", note: "h", extensions: { unknown: [] } },
    "codec.ext.1"
  ],
  [
    "slot-known",
    message,
    "9401c4020a0ba16883000503a26869049101",
    { version: 1, id: "0a0b", note: "h", extensions: { critical: 5, ignorable: "hi", nested: [1], unknown: [] } },
    "codec.ext.2"
  ],
  [
    "slot-unknown-odd",
    message,
    "9401c4020a0ba168820109cccb8101c400",
    {
      version: 1,
      id: "0a0b",
      note: "h",
      extensions: {
        unknown: [
          { key: 1, value: "09" },
          { key: 203, value: "8101c400" }
        ]
      }
    },
    "codec.ext.4"
  ],
  [
    "slot-mixed",
    message,
    "9401c4020a0ba1688301900 3a0059101".replace(" ", ""),
    {
      version: 1,
      id: "0a0b",
      note: "h",
      extensions: {
        ignorable: "",
        unknown: [
          { key: 1, value: "90" },
          { key: 5, value: "9101" }
        ]
      }
    },
    "codec.ext.4"
  ],
  [
    "slot-64",
    slot,
    `de0040${Array.from({ length: 64 }, (_, i) => `${i < 61 ? "" : "cc"}${(2 * i + 5).toString(16).padStart(2, "0")}00`)
      .join("")
      .replaceAll("cc7f", "7f")}`,
    { unknown: Array.from({ length: 64 }, (_, i) => ({ key: 2 * i + 5, value: "00" })) },
    "codec.ext.1"
  ],
  [
    "slot-value-4096",
    slot,
    `8105c50ffd${"ee".repeat(4093)}`,
    { unknown: [{ key: 5, value: `c50ffd${"ee".repeat(4093)}` }] },
    "codec.ext.4"
  ]
]

/** Refused: name, twin, change, reason, rule. */
const refused: ReadonlyArray<readonly [name: string, twin: string, delta: Delta, reason: string, clause: string]> = [
  ["uint-below", "uint-least", { at: "in/bytes", op: "set", offset: 0, bytes: "04" }, "value", "codec.layout.4"],
  ["uint-above", "uint-most", { at: "in/bytes", op: "set", offset: 1, bytes: "012d" }, "value", "codec.layout.4"],
  [
    "uint-as-bytes",
    "uint-least",
    { at: "in/bytes", op: "reencode", offset: 0, length: 1, bytes: "c40105", kind: "bin" },
    "type",
    "codec.layout.3"
  ],
  [
    "uint-as-text",
    "uint-least",
    { at: "in/bytes", op: "reencode", offset: 0, length: 1, bytes: "a135", kind: "text" },
    "type",
    "codec.layout.3"
  ],
  [
    "uint-as-array",
    "uint-least",
    { at: "in/bytes", op: "reencode", offset: 0, length: 1, bytes: "9105", kind: "array" },
    "type",
    "codec.layout.3"
  ],
  [
    "uint-long",
    "uint-least",
    { at: "in/bytes", op: "reencode", offset: 0, length: 1, bytes: "cc05", kind: "uint8" },
    "noncanonical",
    "codec.decode.2"
  ],
  [
    "uint-long-and-below",
    "uint-least",
    { at: "in/bytes", op: "reencode", offset: 0, length: 1, bytes: "cc04", kind: "uint8" },
    "noncanonical",
    "codec.decode.2"
  ],
  [
    "uint-trailing",
    "uint-least",
    { at: "in/bytes", op: "insert", offset: 1, bytes: "00" },
    "trailing",
    "codec.decode.4"
  ],
  ["uint-nothing", "uint-least", { at: "in/bytes", op: "cut", offset: 0, length: 1 }, "truncated", "codec.decode.3"],
  ["literal-other", "literal", { at: "in/bytes", op: "set", offset: 0, bytes: "08" }, "value", "codec.layout.4"],
  ["longer-than-layout", "literal", { at: "in/bytes", op: "insert", offset: 1, bytes: "00" }, "size", "codec.bound.3"],
  ["bytes-short", "bytes-least", { at: "in/bytes", op: "assign", value: "c40101" }, "size", "codec.layout.3"],
  ["bytes-long", "bytes-most", { at: "in/bytes", op: "assign", value: "c4050102030405" }, "size", "codec.layout.3"],
  ["bytes-long-and-absent", "bytes-most", { at: "in/bytes", op: "assign", value: "c405" }, "size", "codec.decode.2"],
  ["bytes-absent", "bytes-most", { at: "in/bytes", op: "cut", offset: 4, length: 2 }, "truncated", "codec.decode.3"],
  [
    "bytes-as-text",
    "bytes-most",
    { at: "in/bytes", op: "reencode", offset: 0, length: 2, bytes: "a4", kind: "text" },
    "type",
    "codec.layout.3"
  ],
  [
    "bytes-four-gigabytes",
    "bytes-most",
    { at: "in/bytes", op: "reencode", offset: 0, length: 2, bytes: "c6ffffffff", kind: "bin32" },
    "size",
    "codec.layout.3"
  ],
  ["text-nothing", "text-least", { at: "in/bytes", op: "assign", value: "" }, "truncated", "codec.decode.3"],
  ["bytes-nothing", "bytes-least", { at: "in/bytes", op: "assign", value: "" }, "truncated", "codec.decode.3"],
  ["text-short", "text-least", { at: "in/bytes", op: "assign", value: "a0" }, "size", "codec.layout.3"],
  ["text-long", "text-most", { at: "in/bytes", op: "assign", value: "a5f09f998261" }, "size", "codec.layout.3"],
  ["text-long-and-bad", "text-most", { at: "in/bytes", op: "assign", value: "a5f09f9982ff" }, "size", "codec.decode.2"],
  ["text-bad", "text-most", { at: "in/bytes", op: "set", offset: 4, bytes: "61" }, "utf8", "codec.text.1"],
  [
    "text-as-bytes",
    "text-least",
    { at: "in/bytes", op: "reencode", offset: 0, length: 1, bytes: "c401", kind: "bin" },
    "type",
    "codec.layout.3"
  ],
  ["list-short", "list-least", { at: "in/bytes", op: "assign", value: "90" }, "count", "codec.layout.2"],
  ["list-long", "list-most", { at: "in/bytes", op: "assign", value: "9401020304" }, "count", "codec.layout.2"],
  [
    "list-item-value",
    "list-most",
    { at: "in/bytes", op: "reencode", offset: 2, length: 1, bytes: "cd012d", kind: "301" },
    "value",
    "codec.layout.2"
  ],
  ["list-item-type", "list-most", { at: "in/bytes", op: "set", offset: 3, bytes: "90" }, "type", "codec.layout.2"],
  ["list-as-map", "list-empty", { at: "in/bytes", op: "set", offset: 0, bytes: "80" }, "type", "codec.layout.3"],
  ["list-of-2-32", "list-most", { at: "in/bytes", op: "assign", value: "ddffffffff" }, "count", "codec.layout.2"],
  ["optional-two", "optional-one", { at: "in/bytes", op: "assign", value: "920404" }, "count", "codec.layout.6"],
  ["optional-bare", "optional-one", { at: "in/bytes", op: "cut", offset: 0, length: 1 }, "type", "codec.layout.6"],
  ["optional-nil", "optional-none", { at: "in/bytes", op: "set", offset: 0, bytes: "c0" }, "type", "codec.value.2"],
  ["tuple-short", "tuple", { at: "in/bytes", op: "assign", value: "9101" }, "count", "codec.layout.1"],
  ["tuple-long", "tuple", { at: "in/bytes", op: "assign", value: "9301c403aabbcc00" }, "count", "codec.layout.1"],
  ["tuple-swapped", "tuple", { at: "in/bytes", op: "swap", a: [1, 1], b: [2, 5] }, "type", "codec.layout.1"],
  [
    "tuple-field-size",
    "tuple",
    { at: "in/bytes", op: "assign", value: "9201c405aabbccddee" },
    "size",
    "codec.layout.3"
  ],
  [
    "tuple-first-fault",
    "tuple",
    { at: "in/bytes", op: "assign", value: "92cc01c405aabbccddee" },
    "noncanonical",
    "codec.decode.2"
  ],
  ["tuple-as-map", "tuple", { at: "in/bytes", op: "assign", value: "8101c403aabbcc" }, "type", "codec.layout.3"],
  ["tuple-trailing", "tuple", { at: "in/bytes", op: "insert", offset: 7, bytes: "c0" }, "trailing", "codec.decode.4"],
  ["tuple-nested-short", "tuple-nested", { at: "in/bytes", op: "cut", offset: 2, length: 1 }, "type", "codec.layout.1"],
  ["union-unknown", "union-first", { at: "in/bytes", op: "set", offset: 1, bytes: "03" }, "value", "codec.layout.5"],
  [
    "union-wrong-length",
    "union-first",
    { at: "in/bytes", op: "set", offset: 1, bytes: "02" },
    "count",
    "codec.layout.5"
  ],
  [
    "union-literal-long",
    "union-second",
    { at: "in/bytes", op: "reencode", offset: 1, length: 1, bytes: "cc02", kind: "uint8" },
    "noncanonical",
    "codec.form.2"
  ],
  [
    "union-text-tag",
    "union-first",
    { at: "in/bytes", op: "reencode", offset: 1, length: 1, bytes: "a131", kind: "text" },
    "type",
    "codec.layout.5"
  ],
  ["union-field", "union-second", { at: "in/bytes", op: "set", offset: 3, bytes: "00" }, "value", "codec.layout.4"],
  ["slot-missing", "slot-empty", { at: "in/bytes", op: "assign", value: "9301c4020a0ba168" }, "count", "codec.ext.1"],
  ["slot-array", "slot-empty", { at: "in/bytes", op: "set", offset: 8, bytes: "90" }, "type", "codec.ext.1"],
  ["slot-nil", "slot-empty", { at: "in/bytes", op: "set", offset: 8, bytes: "c0" }, "type", "codec.value.2"],
  [
    "slot-unknown-even",
    "slot-unknown-odd",
    { at: "in/bytes", op: "set", offset: 9, bytes: "02" },
    "unknown-critical",
    "codec.ext.3"
  ],
  [
    "slot-unknown-even-later",
    "slot-unknown-odd",
    { at: "in/bytes", op: "set", offset: 12, bytes: "cc" },
    "unknown-critical",
    "codec.ext.3"
  ],
  ["slot-known-type", "slot-known", { at: "in/bytes", op: "set", offset: 10, bytes: "90" }, "type", "codec.ext.2"],
  ["slot-known-value", "slot-known", { at: "in/bytes", op: "set", offset: 17, bytes: "0a" }, "value", "codec.ext.2"],
  ["slot-known-text", "slot-known", { at: "in/bytes", op: "set", offset: 13, bytes: "ff" }, "utf8", "codec.ext.2"],
  ["slot-descending", "slot-known", { at: "in/bytes", op: "swap", a: [9, 2], b: [11, 4] }, "key-order", "codec.map.1"],
  [
    "slot-duplicate",
    "slot-known",
    { at: "in/bytes", op: "set", offset: 11, bytes: "00" },
    "duplicate-key",
    "codec.map.1"
  ],
  [
    "slot-duplicate-unknown",
    "slot-mixed",
    { at: "in/bytes", op: "set", offset: 13, bytes: "03" },
    "duplicate-key",
    "codec.map.1"
  ],
  [
    "slot-order-before-critical",
    "slot-mixed",
    { at: "in/bytes", op: "set", offset: 13, bytes: "02" },
    "key-order",
    "codec.decode.2"
  ],
  [
    "slot-key-long",
    "slot-unknown-odd",
    { at: "in/bytes", op: "reencode", offset: 9, length: 1, bytes: "cc01", kind: "uint8" },
    "noncanonical",
    "codec.form.2"
  ],
  [
    "slot-key-text",
    "slot-unknown-odd",
    { at: "in/bytes", op: "reencode", offset: 9, length: 1, bytes: "a131", kind: "text" },
    "type",
    "codec.ext.1"
  ],
  [
    "slot-unknown-forbidden",
    "slot-unknown-odd",
    { at: "in/bytes", op: "set", offset: 10, bytes: "c0" },
    "type",
    "codec.ext.4"
  ],
  [
    "slot-unknown-noncanonical",
    "slot-unknown-odd",
    { at: "in/bytes", op: "reencode", offset: 10, length: 1, bytes: "cc09", kind: "uint8" },
    "noncanonical",
    "codec.ext.4"
  ],
  [
    "slot-unknown-inner-map",
    "slot-unknown-odd",
    { at: "in/bytes", op: "reencode", offset: 13, length: 4, bytes: "8200000000", kind: "map" },
    "duplicate-key",
    "codec.ext.4"
  ],
  [
    "slot-unknown-truncated",
    "slot-unknown-odd",
    { at: "in/bytes", op: "cut", offset: 16, length: 1 },
    "truncated",
    "codec.decode.3"
  ],
  [
    "slot-unknown-depth",
    "slot-unknown-odd",
    { at: "in/bytes", op: "reencode", offset: 10, length: 1, bytes: "91919191919190", kind: "nested arrays" },
    "depth",
    "codec.ext.4"
  ],
  ["slot-65", "slot-64", { at: "in/bytes", op: "set", offset: 0, bytes: "de0041" }, "count", "codec.ext.1"],
  [
    "slot-value-4097",
    "slot-value-4096",
    { at: "in/bytes", op: "reencode", offset: 2, length: 3, bytes: "c50ffeee", kind: "one byte more" },
    "size",
    "codec.ext.4"
  ]
]

export const layouts = (): VectorFile => {
  const file = new FileBuilder(family, "layouts")
  const title = (name: string): string => name.replaceAll("-", " ")
  for (const [name, layout, hex, value, clause] of accepted) {
    file.valid(
      { id: `layout-${name}`, title: title(name), clauses: [clause, "codec.encode.1"] },
      "layout.decode",
      { layout, bytes: hex },
      { value }
    )
  }
  for (const [name, twin, delta, reason, clause] of refused) {
    file.invalid(
      { id: `layout-bad-${name}`, title: title(name), clauses: [clause] },
      `layout-${twin}`,
      delta,
      `codec.${reason}`
    )
  }
  return file.file()
}
