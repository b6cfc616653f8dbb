/**
 * F04: envelopes, padding, content and sealed session starts.
 *
 * Spec: docs/spec/03-envelopes.md.
 */
import type { Family } from "../family.ts"
import { FileBuilder } from "../family.ts"
import type { Delta, VectorFile } from "../model.ts"
import { recipe } from "../trace.ts"

/** F04. */
export const family: Family = {
  id: "F04",
  name: "envelope",
  document: "docs/spec/03-envelopes.md",
  level: 1,
  operations: {
    "envelope.decode": { in: { bytes: "bytes" }, out: { kind: "uint", to: "bytes", body: "bytes" } },
    "envelope.prefix": { in: { kind: "uint", to: "bytes" }, out: { prefix: "bytes" } },
    "padding.pad": { in: { content: "bytes" }, out: { padded: "bytes" } },
    "padding.open": { in: { padded: "bytes" }, out: { content: "bytes" } },
    "content.decode": { in: { bytes: "bytes", direct: "bytes" }, out: { value: "json" } },
    "sealed.open": {
      in: { secret: "bytes", prefix: "bytes", body: "bytes" },
      out: { suite: "uint", start: "bytes", value: "json" }
    },
    "sealed.seal": {
      in: { suite: "uint", ephemeralSecret: "bytes", recipient: "bytes", prefix: "bytes", start: "bytes" },
      out: { body: "bytes" }
    }
  },
  notes: {
    Version: {
      kind: "DOWNGRADE",
      text: "Another version or kind than this reader speaks.",
      refs: ["docs/spec/03-envelopes.md §3.1"]
    },
    Bounds: { kind: "BOUNDARY", text: "At a least or greatest length.", refs: ["docs/spec/appendix-limits.md"] },
    Form: { kind: "ENCODING", text: "Not the canonical encoding of the layout.", refs: ["docs/spec/02-encoding.md"] },
    Padding: {
      kind: "TRAFFIC_ANALYSIS",
      text: "Lengths tell the bucket and nothing else; one content has one padding.",
      refs: ["docs/spec/03-envelopes.md §3.4"]
    },
    Meaning: {
      kind: "MALLEABILITY",
      text: "Well-formed bytes that say what no content may say.",
      refs: ["docs/spec/03-envelopes.md §3.5"]
    },
    Extension: {
      kind: "EXTENSIBILITY",
      text: "Extensions this reader may not know.",
      refs: ["docs/spec/02-encoding.md §2.5"]
    },
    Modified: { kind: "AUTH_BYPASS", text: "Changed on the way.", refs: [] },
    Context: {
      kind: "AUTH_BYPASS",
      text: "A genuine start in another place than its own.",
      refs: ["docs/spec/03-envelopes.md §3.2"]
    },
    Insider: {
      kind: "PEER_MISBEHAVIOUR",
      text: "Sealed by somebody who wrote something wrong inside. Anybody can seal to a device.",
      refs: ["docs/spec/03-envelopes.md §3.2"]
    }
  }
}

const mailbox = "000102030405060708090a0b0c0d0e0f"
const head = (kind: number, version = 1): string =>
  `94${version.toString(16).padStart(2, "0")}${kind.toString(16).padStart(2, "0")}c410${mailbox}`

/** By hand: every byte string follows from the layout `[1, kind, to, body]`. */
export const envelopes = (): VectorFile => {
  const file = new FileBuilder(family, "envelope")
  const accept = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    bytes: string | ReturnType<typeof recipe>,
    kind: number,
    body: string | ReturnType<typeof recipe>,
    flags: ReadonlyArray<string> = []
  ): void =>
    void file.valid(
      { id: `envelope-${id}`, title, clauses, flags },
      "envelope.decode",
      { bytes },
      { kind, to: mailbox, body }
    )
  for (let kind = 1; kind <= 5; kind++) {
    accept(
      `kind-${kind}`,
      `kind ${kind}`,
      ["envelope.layout.1", "envelope.kind.1"],
      `${head(kind)}c403aabbcc`,
      kind,
      "aabbcc"
    )
    file.valid(
      { id: `envelope-prefix-${kind}`, title: `the prefix of kind ${kind}`, clauses: ["envelope.prefix.1"] },
      "envelope.prefix",
      { kind, to: mailbox },
      { prefix: `93${head(kind).slice(2)}` }
    )
  }
  accept("body-1", "the shortest body", ["envelope.layout.1"], `${head(2)}c401aa`, 2, "aa", ["Bounds"])
  accept(
    "body-255",
    "a body of 255 bytes",
    ["envelope.layout.1"],
    `${head(2)}c4ff${"bb".repeat(255)}`,
    2,
    "bb".repeat(255)
  )
  accept(
    "body-256",
    "a body of 256 bytes",
    ["envelope.layout.1"],
    `${head(2)}c50100${"cc".repeat(256)}`,
    2,
    "cc".repeat(256)
  )
  accept(
    "body-65536",
    "a body of 65,536 bytes",
    ["envelope.layout.1"],
    recipe(`${head(2)}c600010000`, "dd", 65536),
    2,
    recipe("", "dd", 65536)
  )
  accept(
    "largest",
    "the longest envelope, 131,072 bytes",
    ["envelope.size.1"],
    recipe(`${head(2)}c60001ffe6`, "ee", 131046),
    2,
    recipe("", "ee", 131046),
    ["Bounds"]
  )
  const twin = "envelope-kind-2"
  const refuse = (
    id: string,
    title: string,
    clause: string,
    flag: string,
    delta: Delta,
    cause: string,
    on = twin
  ): void =>
    void file.invalid(
      {
        id: `envelope-bad-${id}`,
        title,
        clauses: clause === "envelope.order.1" ? [clause, "failure.stage.1"] : [clause],
        flags: [flag],
        critical: false
      },
      on,
      delta,
      cause
    )
  const set = (offset: number, bytes: string, field: string): Delta => ({
    at: "in/bytes",
    op: "set",
    offset,
    bytes,
    field
  })
  const whole = (value: string | ReturnType<typeof recipe>): Delta => ({ at: "in/bytes", op: "assign", value })
  refuse("version-0", "version 0", "envelope.version.1", "Version", set(1, "00", "version"), "envelope.version")
  refuse("version-2", "version 2", "envelope.version.1", "Version", set(1, "02", "version"), "envelope.version")
  refuse("version-127", "version 127", "envelope.version.1", "Version", set(1, "7f", "version"), "envelope.version")
  refuse(
    "version-wide",
    "version 256",
    "envelope.version.1",
    "Version",
    { at: "in/bytes", op: "reencode", offset: 1, length: 1, bytes: "cd0100", kind: "256" },
    "envelope.version"
  )
  refuse(
    "version-2-and-five",
    "version 2 with another number of elements",
    "envelope.version.1",
    "Version",
    whole(`9502${head(2).slice(4)}c403aabbccc0`),
    "envelope.version"
  )
  refuse(
    "version-2-and-kind",
    "version 2 with an unknown kind",
    "envelope.version.1",
    "Version",
    whole(`${head(9, 2)}c403aabbcc`),
    "envelope.version"
  )
  refuse(
    "version-2-and-nonsense",
    "version 2 with something else behind it",
    "envelope.version.1",
    "Version",
    whole("9402c0c0c0"),
    "envelope.version"
  )
  for (const kind of [0, 6, 7, 127])
    refuse(
      `kind-${kind}`,
      `kind ${kind}`,
      "envelope.kind.1",
      "Version",
      set(2, kind.toString(16).padStart(2, "0"), "kind"),
      "envelope.kind"
    )
  refuse(
    "kind-wide",
    "kind 65,536",
    "envelope.kind.1",
    "Version",
    { at: "in/bytes", op: "reencode", offset: 2, length: 1, bytes: "ce00010000", kind: "65536" },
    "envelope.kind"
  )
  refuse(
    "kind-and-mailbox",
    "an unknown kind with a mailbox of 15 bytes",
    "envelope.kind.1",
    "Version",
    whole(`940106c40f${mailbox.slice(2)}c403aabbcc`),
    "envelope.kind"
  )
  const order = (id: string, title: string, bytes: string, cause: string): void =>
    refuse(`order-${id}`, title, "envelope.order.1", "Version", whole(bytes), cause)
  order("version-alone", "version 2 and nothing else", "9102", "envelope.version")
  order("version-five", "version 2 and five elements", "9502c0c0c0c0", "envelope.version")
  order("kind-two", "version 1, an unknown kind, and nothing else", "920109", "envelope.kind")
  order("kind-five", "an unknown kind and five elements", "950106c0c0c0", "envelope.kind")
  order("one", "version 1 and nothing else", "9101", "decode.size")
  order(
    "version-2-long-head",
    "version 2 in an array of a longer form",
    `dc0004${head(2, 2).slice(2)}c403aabbcc`,
    "decode.noncanonical"
  )
  order("version-2-absent-items", "version 2 in an array whose items are not there", "9402", "decode.truncated")
  order("version-2-long", "version 2 in a longer form", `94cc02${head(2).slice(4)}c403aabbcc`, "decode.noncanonical")
  order(
    "version-text-kind-9",
    "a version that is text before an unknown kind",
    `94a13209${head(2).slice(6)}c403aabbcc`,
    "decode.type"
  )
  refuse(
    "version-long",
    "the version in a longer form",
    "codec.form.2",
    "Form",
    { at: "in/bytes", op: "reencode", offset: 1, length: 1, bytes: "cc01", kind: "uint8" },
    "decode.noncanonical"
  )
  refuse(
    "kind-long",
    "the kind in a longer form",
    "codec.form.2",
    "Form",
    { at: "in/bytes", op: "reencode", offset: 2, length: 1, bytes: "cc02", kind: "uint8" },
    "decode.noncanonical"
  )
  refuse(
    "body-long-form",
    "the body in a longer form",
    "codec.form.2",
    "Form",
    { at: "in/bytes", op: "reencode", offset: 21, length: 2, bytes: "c50003", kind: "bin16" },
    "decode.noncanonical"
  )
  refuse(
    "head-long-form",
    "the array in a longer form",
    "codec.form.2",
    "Form",
    { at: "in/bytes", op: "reencode", offset: 0, length: 1, bytes: "dc0004", kind: "array16" },
    "decode.noncanonical"
  )
  refuse(
    "version-text",
    "the version as text",
    "codec.layout.3",
    "Form",
    { at: "in/bytes", op: "reencode", offset: 1, length: 1, bytes: "a131", kind: "text" },
    "decode.type"
  )
  refuse("version-nil", "nil for the version", "codec.value.2", "Form", set(1, "c0", "version"), "decode.type")
  refuse(
    "kind-text",
    "the kind as text",
    "codec.layout.3",
    "Form",
    { at: "in/bytes", op: "reencode", offset: 2, length: 1, bytes: "a132", kind: "text" },
    "decode.type"
  )
  refuse(
    "mailbox-text",
    "the mailbox as text",
    "codec.layout.3",
    "Form",
    { at: "in/bytes", op: "reencode", offset: 3, length: 2, bytes: "b0", kind: "text" },
    "decode.type"
  )
  refuse(
    "body-text",
    "the body as text",
    "codec.layout.3",
    "Form",
    { at: "in/bytes", op: "reencode", offset: 21, length: 5, bytes: "a3616263", kind: "text" },
    "decode.type"
  )
  refuse(
    "body-array",
    "the body as an array",
    "codec.layout.3",
    "Form",
    { at: "in/bytes", op: "reencode", offset: 21, length: 5, bytes: "9101", kind: "array" },
    "decode.type"
  )
  refuse("map", "a map", "codec.layout.3", "Form", set(0, "84", "array"), "decode.type")
  refuse(
    "mailbox-15",
    "a mailbox of 15 bytes",
    "envelope.layout.1",
    "Bounds",
    { at: "in/bytes", op: "reencode", offset: 3, length: 3, bytes: "c40f", kind: "15 bytes" },
    "decode.size"
  )
  refuse(
    "mailbox-17",
    "a mailbox of 17 bytes",
    "envelope.layout.1",
    "Bounds",
    { at: "in/bytes", op: "reencode", offset: 3, length: 2, bytes: "c411ff", kind: "17 bytes" },
    "decode.size"
  )
  refuse(
    "mailbox-0",
    "an empty mailbox",
    "envelope.layout.1",
    "Bounds",
    { at: "in/bytes", op: "reencode", offset: 3, length: 18, bytes: "c400", kind: "no bytes" },
    "decode.size"
  )
  refuse(
    "body-0",
    "an empty body",
    "envelope.layout.1",
    "Bounds",
    { at: "in/bytes", op: "reencode", offset: 21, length: 5, bytes: "c400", kind: "no bytes" },
    "decode.size"
  )
  refuse(
    "three",
    "three elements",
    "envelope.layout.1",
    "Form",
    { at: "in/bytes", op: "assign", value: `93${head(2).slice(2)}` },
    "decode.size"
  )
  refuse(
    "five",
    "five elements",
    "envelope.layout.1",
    "Form",
    { at: "in/bytes", op: "assign", value: `95${head(2).slice(2)}c403aabbcc00` },
    "decode.size"
  )
  refuse(
    "empty-array",
    "no element",
    "envelope.layout.1",
    "Form",
    { at: "in/bytes", op: "assign", value: "90" },
    "decode.size"
  )
  refuse(
    "trailing",
    "a byte behind it",
    "codec.decode.4",
    "Form",
    { at: "in/bytes", op: "insert", offset: 26, bytes: "00" },
    "decode.trailing"
  )
  refuse(
    "twice",
    "the envelope twice",
    "codec.decode.4",
    "Form",
    whole(`${head(2)}c403aabbcc`.repeat(2)),
    "decode.trailing"
  )
  for (const keep of [0, 1, 2, 3, 4, 20, 21, 22, 25])
    refuse(
      `cut-${keep}`,
      `the first ${keep} bytes`,
      "codec.decode.3",
      "Form",
      { at: "in/bytes", op: "cut", offset: keep, length: 26 - keep },
      "decode.truncated"
    )
  refuse(
    "too-long",
    "one byte more than the longest",
    "envelope.size.1",
    "Bounds",
    whole(recipe(`${head(2)}c60001ffe7`, "ee", 131047)),
    "decode.size",
    "envelope-largest"
  )
  refuse(
    "too-long-version-2",
    "too long and of another version: refused before it is parsed",
    "envelope.size.1",
    "Bounds",
    whole(recipe(`${head(2, 2)}c60001ffe7`, "ee", 131047)),
    "decode.size",
    "envelope-largest"
  )
  return file.file()
}

/** Content length and padded length, worked out by hand from rule padding.length.1. */
const lengths: ReadonlyArray<readonly [content: number, padded: number]> = [
  [0, 64],
  [1, 64],
  [30, 64],
  [62, 64],
  [63, 64],
  [64, 72],
  [71, 72],
  [72, 80],
  [100, 104],
  [126, 128],
  [127, 128],
  [128, 144],
  [143, 144],
  [144, 160],
  [255, 256],
  [256, 272],
  [511, 512],
  [512, 544],
  [1000, 1024],
  [1023, 1024],
  [1024, 1088],
  [2000, 2048],
  [4096, 4352],
  [65535, 65536],
  [65536, 67584],
  [98304, 98304 + 2048]
]

export const padding = (): VectorFile => {
  const file = new FileBuilder(family, "padding")
  for (const [content, padded] of lengths) {
    const text = content <= 4096 ? "42".repeat(content) : recipe("", "42", content)
    const zeros = padded - content - 1
    const out =
      content <= 4096
        ? `${"42".repeat(content)}80${"00".repeat(zeros)}`
        : recipe("", "42", content, `80${"00".repeat(zeros)}`)
    file.valid(
      {
        id: `padding-pad-${content}`,
        title: `${content} bytes`,
        clauses: ["padding.layout.1", "padding.length.1"],
        flags: ["Padding"]
      },
      "padding.pad",
      { content: text },
      { padded: out }
    )
    file.valid(
      {
        id: `padding-open-${content}`,
        title: `${content} bytes back`,
        clauses: ["padding.check.1"],
        flags: ["Padding"]
      },
      "padding.open",
      { padded: out },
      { content: text }
    )
  }
  const special = (id: string, title: string, content: string): void => {
    const padded = `${content}80${"00".repeat(63 - content.length / 2)}`
    file.valid(
      { id: `padding-open-${id}`, title, clauses: ["padding.check.1"], flags: ["Padding"] },
      "padding.open",
      { padded },
      { content }
    )
  }
  special("ends-in-80", "content that ends in the marker", "aa80")
  special("ends-in-zeros", "content that ends in zeros", "aa0000")
  special("is-padding", "content that looks like padding", "800000")
  const refuse = (id: string, title: string, delta: Delta, on = "padding-open-30"): void =>
    void file.invalid(
      { id: `padding-bad-${id}`, title, clauses: ["padding.check.1"], flags: ["Padding"] },
      on,
      delta,
      "decode.padding"
    )
  const at = "in/padded"
  refuse("marker-81", "another marker", { at, op: "xor", offset: 30, bytes: "01" })
  refuse("marker-gone", "no marker: the last byte that is not zero is content", {
    at,
    op: "set",
    offset: 30,
    bytes: "00"
  })
  refuse("all-zero", "all zero", { at, op: "assign", value: "00".repeat(64) })
  refuse("empty", "nothing", { at, op: "cut", offset: 0, length: 64 })
  refuse("tail-1", "the last byte is 1", { at, op: "set", offset: 63, bytes: "01" })
  refuse("tail-80-and-1", "something behind the marker", { at, op: "set", offset: 31, bytes: "01" })
  refuse("short", "a zero too few", { at, op: "cut", offset: 63, length: 1 })
  refuse("long", "a zero too many", { at, op: "insert", offset: 64, bytes: "00" })
  refuse("next-length", "padded to the next length", { at, op: "insert", offset: 64, bytes: "00".repeat(8) })
  refuse("unpadded", "marker, but no zeros", { at, op: "cut", offset: 31, length: 33 })
  refuse("64-short", "72 bytes cut to 71", { at, op: "cut", offset: 71, length: 1 }, "padding-open-64")
  refuse("64-next", "80 bytes where 72 do", { at, op: "insert", offset: 72, bytes: "00".repeat(8) }, "padding-open-64")
  refuse(
    "127-marker-earlier",
    "a marker so early that a shorter padding does",
    { at, op: "reencode", offset: 60, length: 68, bytes: `80${"00".repeat(67)}`, kind: "marker at 60" },
    "padding-open-127"
  )
  refuse("one-byte", "a marker alone", { at, op: "assign", value: "80" })
  return file.file()
}
