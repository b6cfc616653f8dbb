/**
 * F15: sealed files and references to them: keys and commitments, chunks and what may be done to them, sizes, ranges, bounds.
 *
 * Spec: docs/spec/11-attachments.md. Long because it is one table of cases.
 */
import { be, concat, hex, utf8 } from "../bytes.ts"
import { encode, type Value } from "../canon.ts"
import { FileBuilder, type Family } from "../family.ts"
import type { Delta, Json, VectorFile } from "../model.ts"
import { padme } from "../ops.ts"
import type { Arg, Ref } from "../trace.ts"

const filled = (byte: number, length: number): Uint8Array => new Uint8Array(length).fill(byte)
const opening = { attachmentKey: "bytes", length: "uint", header: "bytes", chunks: "list" } as const

/** F15. */
export const family: Family = {
  id: "F15",
  name: "attachment",
  document: "docs/spec/11-attachments.md",
  level: 3,
  operations: {
    "attachment.size": { in: { length: "uint" }, out: { padded: "uint", chunks: "uint", size: "uint" } },
    "attachment.make": { in: { attachmentKey: "bytes", salt: "bytes" }, out: { header: "bytes", key: "bytes" } },
    "attachment.unlock": { in: { attachmentKey: "bytes", header: "bytes" }, out: { key: "bytes" } },
    "attachment.chunk": {
      in: { key: "bytes", index: "uint", last: "uint", sealed: "bytes" },
      out: { plaintext: "bytes" }
    },
    "attachment.seal": {
      in: { attachmentKey: "bytes", salt: "bytes", plaintext: "bytes" },
      out: { header: "bytes", chunks: "list", id: "bytes", size: "uint" }
    },
    "attachment.open": { in: { ...opening, id: "bytes" }, out: { plaintext: "bytes" } },
    "attachment.range": {
      in: { ...opening, from: "uint", to: "uint" },
      out: { plaintext: "bytes", first: "uint", end: "uint" }
    },
    "attachment.reference": { in: { bytes: "bytes" }, out: { value: "json" } }
  },
  notes: {
    Distinct: {
      kind: "DOMAIN_SEPARATION",
      text: "All cases of this operation in this file that carry the flag give different outputs.",
      refs: []
    },
    WrongKey: {
      kind: "AUTH_BYPASS",
      text: "Another key, or another head.",
      refs: ["docs/spec/11-attachments.md §11.1"]
    },
    Version: { kind: "VERSION", text: "A format of another release.", refs: ["docs/spec/11-attachments.md §11.3"] },
    Touched: { kind: "CORRUPTION", text: "Bytes were altered.", refs: ["docs/spec/11-attachments.md §11.3"] },
    Moved: {
      kind: "AUTH_BYPASS",
      text: "Chunks in another order, left out, repeated, of another file, or behind the last one.",
      refs: ["docs/spec/11-attachments.md §11.3"]
    },
    Forged: {
      kind: "PEER_MISBEHAVIOUR",
      text: "Sealed by somebody who has the key, and not what the reference says.",
      refs: ["docs/spec/11-attachments.md §11.3"]
    },
    Form: { kind: "ENCODING", text: "Not the layout.", refs: ["docs/spec/11-attachments.md §11.2"] },
    Bound: { kind: "DENIAL_OF_SERVICE", text: "Out of bounds.", refs: ["docs/spec/11-attachments.md §11.2"] },
    Meaning: {
      kind: "PEER_MISBEHAVIOUR",
      text: "Well formed, and no name, place or media type.",
      refs: ["docs/spec/11-attachments.md §11.2"]
    }
  }
}

const chunk = 65_536

/** Sealed files. */
export const sealedFiles = (): VectorFile => {
  const file = new FileBuilder(family, "file")
  const world = "files"
  const trace = file.world(world, "files sealed under keys of their own")

  interface Made {
    readonly attachmentKey: Ref
    readonly salt: Ref
    readonly header: Ref
    readonly key: Ref
  }
  const make = (id: string, version = 1): Made => {
    const attachmentKey = trace.coin(`${id}.attachment-key`, `attachment/${id}`, "attachment.key", 0, 32)
    const salt = trace.coin(`${id}.salt`, `attachment/${id}`, "attachment.salt", 0, 32)
    const items: ReadonlyArray<Arg> = [version, salt]
    const head = trace.op(`${id}.head`, "canon", { value: items }, "attachment.file.1")
    const info = trace.op(`${id}.info`, "label", { purpose: "attachment", parts: [head] }, "attachment.file.2")
    const inputs = { salt, ikm: attachmentKey, info, len: 64 }
    const both = trace.op(`${id}.keys`, "hkdf-sha256", inputs, "attachment.file.2")
    const key = trace.slice(`${id}.key`, both, 0, 32, "attachment.file.2")
    const commitment = trace.slice(`${id}.commitment`, both, 32, 64, "attachment.file.2")
    const encoded = trace.op(`${id}.canon`, "canon", { value: [...items, commitment] }, "attachment.file.1")
    const header = trace.concat(`${id}.header`, [be(70, 2), encoded], "attachment.file.1")
    return { attachmentKey, salt, header, key }
  }
  const seal = (id: string, { key }: Made, index: number, last: 0 | 1, plaintext: Ref): Ref => {
    const nonce = concat(new Uint8Array(3), be(index, 8), be(last, 1))
    const inputs = { suite: 1, key, nonce, ad: new Uint8Array(0), plaintext }
    return trace.op(`${id}.sealed`, "aead-seal", inputs, "attachment.file.3")
  }

  for (const [id, title, length] of [
    ["empty", "no byte", 0],
    ["floor", "64 bytes", 64],
    ["above-floor", "65 bytes", 65],
    ["chunk-below", "a chunk less one byte", chunk - 1],
    ["chunk", "a chunk", chunk],
    ["chunk-above", "a chunk and a byte", chunk + 1],
    ["photo", "3,456,789 bytes", 3_456_789],
    ["two-31", "2 GiB", 2 ** 31],
    ["two-32", "4 GiB and a byte", 2 ** 32 + 1],
    ["longest", "the longest file", 17_179_869_184]
  ] as const) {
    const padded = padme(length)
    const chunks = Math.ceil(padded / chunk)
    file.valid(
      { id: `attachment-size-${id}`, title, clauses: ["attachment.file.3", "attachment.size.1"], world },
      "attachment.size",
      { length },
      { padded, chunks, size: 72 + padded + 16 * chunks }
    )
  }

  const [one, other] = [make("one"), make("other")]
  for (const [id, title, made] of [
    ["one", "a header", one],
    ["other", "another key and another salt", other]
  ] as const) {
    const { attachmentKey, header, key, salt } = made
    const clauses = ["attachment.file.1", "attachment.file.2"]
    file.valid(
      { id: `attachment-make-${id}`, title, clauses, flags: ["Distinct"], world },
      "attachment.make",
      { attachmentKey, salt },
      { header, key }
    )
    file.valid(
      { id: `attachment-unlock-${id}`, title, clauses, world },
      "attachment.unlock",
      { attachmentKey, header },
      { key }
    )
  }
  const later = make("later", 2)
  const locked = (id: string, title: string, flag: string, delta: Delta, cause: string): void =>
    void file.invalid(
      {
        id: `attachment-unlock-${id}`,
        title,
        clauses: ["attachment.file.2", "attachment.outcome.1"],
        flags: [flag],
        world,
        critical: flag === "WrongKey"
      },
      "attachment-unlock-one",
      delta,
      cause
    )
  const key = "attachment.key"
  const inHeader = "in/header"
  locked("key", "another key", "WrongKey", { at: "in/attachmentKey", op: "assign", value: other.attachmentKey }, key)
  locked(
    "key-bit",
    "one bit of the key",
    "WrongKey",
    { at: "in/attachmentKey", op: "xor", offset: 31, bytes: "01" },
    key
  )
  locked("salt", "one bit of the salt", "WrongKey", { at: inHeader, op: "xor", offset: 6, bytes: "01" }, key)
  locked(
    "commitment",
    "one bit of the commitment",
    "WrongKey",
    { at: inHeader, op: "xor", offset: 71, bytes: "01" },
    key
  )
  const header = "attachment.header"
  locked(
    "later",
    "a later format",
    "Version",
    { at: inHeader, op: "assign", value: later.header },
    "attachment.version"
  )
  locked(
    "length",
    "another length of the header",
    "Touched",
    { at: inHeader, op: "set", offset: 1, bytes: "45" },
    header
  )
  locked("array", "another number of items", "Touched", { at: inHeader, op: "set", offset: 2, bytes: "92" }, header)
  locked("cut", "the last byte missing", "Touched", { at: inHeader, op: "cut", offset: 71, length: 1 }, header)
  locked("none", "no header", "Touched", { at: inHeader, op: "cut", offset: 0, length: 72 }, header)

  // One small file, and one whose padding ends in its third chunk.
  const plain = trace.op("small", "utf8", { text: "a file" })
  const nothing = trace.literal("nothing", new Uint8Array(0))
  const padded = (id: string, of: Ref, length: number): Ref =>
    trace.concat(`${id}.padded`, [of, new Uint8Array(padme(length) - length)], "attachment.file.3")
  const idOf = (id: string, { header: first }: Made, chunks: ReadonlyArray<Ref>): Ref => {
    const whole = trace.concat(`${id}.whole`, [first, ...chunks], "attachment.file.1")
    return trace.op(`${id}.id`, "sha256", { data: whole }, "attachment.id.1")
  }
  const whole = (
    id: string,
    title: string,
    made: Made,
    plaintext: Ref,
    length: number,
    chunks: ReadonlyArray<Ref>
  ): { readonly [name: string]: Json } => {
    const fileId = idOf(id, made, chunks)
    const { attachmentKey, header: first, salt } = made
    const size = 72 + padme(length) + 16 * chunks.length
    const clauses = ["attachment.file.1", "attachment.file.3", "attachment.id.1", "attachment.size.1"]
    file.valid(
      { id: `attachment-seal-${id}`, title, clauses, flags: ["Distinct"], world },
      "attachment.seal",
      { attachmentKey, salt, plaintext },
      { header: first, chunks: [...chunks], id: fileId, size }
    )
    const input = { attachmentKey, id: fileId, length, header: first, chunks: [...chunks] }
    const opened = ["attachment.open.1", "attachment.open.3", "attachment.file.3"]
    file.valid({ id: `attachment-open-${id}`, title, clauses: opened, world }, "attachment.open", input, { plaintext })
    return input
  }
  const small = seal("small", one, 0, 1, padded("small", plain, 6))
  whole("small", "a file of 6 bytes", one, plain, 6, [small])
  const none = make("none")
  whole("empty", "a file without a byte", none, nothing, 0, [seal("none", none, 0, 1, padded("none", nothing, 0))])
  const edge = make("edge")
  const exact = trace.op("exact", "repeat", { bytes: utf8("x"), count: chunk })
  whole("edge", "a file of one whole chunk", edge, exact, chunk, [seal("edge", edge, 0, 1, exact)])
  const big = make("big")
  const length = 2 * chunk - 3_000
  const body = trace.op("big", "repeat", { bytes: utf8("0123456789"), count: Math.ceil(length / 10) })
  const long = trace.slice("big.file", body, 0, length)
  const paddedLong = padded("big", long, length)
  const end = padme(length)
  const part = (n: number): Ref =>
    trace.slice(`big.part-${n}`, paddedLong, n * chunk, Math.min(end, (n + 1) * chunk), "attachment.file.3")
  const [p0, p1] = [part(0), part(1)]
  const [c0, c1] = [seal("big-0", big, 0, 0, p0), seal("big-1", big, 1, 1, p1)]
  whole("big", "two chunks", big, long, length, [c0, c1])

  const third = trace.op("third", "utf8", { text: "a chunk" })
  const place = { key: big.key, index: 2, last: 1 }
  const sealedThird = seal("third", big, 2, 1, third)
  file.valid(
    { id: "attachment-chunk-third", title: "the third and last chunk", clauses: ["attachment.file.3"], world },
    "attachment.chunk",
    { ...place, sealed: sealedThird },
    { plaintext: third }
  )
  const far = seal("far", big, 262_143, 1, third)
  file.valid(
    { id: "attachment-chunk-far", title: "the last chunk of the longest file", clauses: ["attachment.file.3"], world },
    "attachment.chunk",
    { ...place, index: 262_143, sealed: far },
    { plaintext: third }
  )
  for (const [id, title, delta] of [
    ["index", "in the place of another", { at: "in/index", op: "assign", value: 1 }],
    ["not-last", "as if it were not the last", { at: "in/last", op: "assign", value: 0 }],
    ["bit", "one bit", { at: "in/sealed", op: "xor", offset: 0, bytes: "01" }],
    ["tag", "one bit of the tag", { at: "in/sealed", op: "xor", offset: 22, bytes: "80" }],
    ["cut", "a byte less", { at: "in/sealed", op: "cut", offset: 22, length: 1 }],
    ["key", "under another key", { at: "in/key", op: "assign", value: other.key }]
  ] as const) {
    const clauses = ["attachment.file.3", "attachment.outcome.1"]
    file.invalid(
      { id: `attachment-chunk-${id}`, title, clauses, flags: ["Touched"], world, critical: true },
      "attachment-chunk-third",
      delta,
      "attachment.chunk"
    )
  }

  const refuse = (
    id: string,
    title: string,
    flag: string,
    delta: Delta,
    cause: string,
    twin = "attachment-open-big",
    clauses: ReadonlyArray<string> = ["attachment.open.1", "attachment.outcome.1"]
  ): void =>
    void file.invalid(
      { id: `attachment-open-${id}`, title, clauses, flags: [flag], world, critical: true },
      twin,
      delta,
      cause
    )
  const moved = (id: string, title: string, chunks: ReadonlyArray<Ref>, cause = "attachment.chunk"): void =>
    refuse(id, title, "Moved", { at: "in/chunks", op: "assign", value: [...chunks] }, cause)
  const foreign = seal("foreign", other, 1, 1, p1)
  moved("order", "the chunks exchanged", [c1, c0], "attachment.chunk")
  moved("repeated", "the first chunk twice, without the second", [c0, c0])
  moved("first-missing", "without the first chunk", [c1], "attachment.truncated")
  moved("cut", "cut off at the edge of a chunk", [c0], "attachment.truncated")
  moved("no-chunk", "a header and nothing behind it", [], "attachment.truncated")
  moved("behind", "a chunk behind the last one", [c0, c1, sealedThird], "attachment.size")
  moved("foreign", "the last chunk of another file", [c0, foreign])
  moved("no-flag", "the last chunk without its flag", [c0, seal("no-flag", big, 1, 0, p1)])
  moved("early-flag", "the first chunk with the flag of the last", [seal("early-flag", big, 0, 1, p0), c1])
  refuse(
    "bit",
    "one bit of a chunk",
    "Touched",
    { at: "in/chunks/1", op: "xor", offset: 100, bytes: "01" },
    "attachment.chunk"
  )
  refuse(
    "byte-behind",
    "a byte behind the file",
    "Touched",
    { at: "in/chunks/1", op: "insert", offset: end - chunk + 16, bytes: "00" },
    "attachment.size"
  )
  refuse(
    "cut-inside",
    "the last byte missing",
    "Touched",
    { at: "in/chunks/1", op: "cut", offset: end - chunk + 15, length: 1 },
    "attachment.truncated"
  )
  refuse("header", "the header of another file", "WrongKey", { at: inHeader, op: "assign", value: other.header }, key)
  const held = ["attachment.open.3", "attachment.outcome.1"]
  refuse(
    "shorter",
    "a length that ends before the file",
    "Forged",
    { at: "in/length", op: "assign", value: 5 },
    "attachment.padding",
    "attachment-open-small",
    held
  )
  refuse(
    "longer",
    "a length of a longer file",
    "Forged",
    { at: "in/length", op: "assign", value: 65 },
    "attachment.truncated",
    "attachment-open-small",
    held
  )
  refuse(
    "much-shorter",
    "a length of a shorter file",
    "Forged",
    { at: "in/length", op: "assign", value: 60_000 },
    "attachment.chunk",
    "attachment-open-big",
    held
  )
  refuse(
    "id",
    "another id",
    "Forged",
    { at: "in/id", op: "xor", offset: 0, bytes: "80" },
    "attachment.digest",
    "attachment-open-small",
    held
  )
  const dirty = trace.concat("dirty", [plain, new Uint8Array(57), be(1, 1)])
  refuse(
    "padding",
    "padding that is not zero",
    "Forged",
    { at: "in/chunks/0", op: "assign", value: seal("dirty", one, 0, 1, dirty) },
    "attachment.padding",
    "attachment-open-small",
    held
  )
  const forged = trace.concat("forged", [trace.op("forged-text", "utf8", { text: "a lie!" }), new Uint8Array(58)])
  refuse(
    "forged",
    "another file under the same key: every chunk opens",
    "Forged",
    { at: "in/chunks/0", op: "assign", value: seal("forged", one, 0, 1, forged) },
    "attachment.digest",
    "attachment-open-small",
    held
  )

  // Ranges of the file of two chunks.
  const span = (id: string, title: string, from: number, to: number, first: number, last: number): void => {
    const chunks = [c0, c1].slice(first, last)
    const bytes = trace.slice(`range-${id}`, long, from, Math.min(to, length), "attachment.range.1")
    file.valid(
      { id: `attachment-range-${id}`, title, clauses: ["attachment.range.1"], world },
      "attachment.range",
      { attachmentKey: big.attachmentKey, length, header: big.header, chunks, from, to },
      { plaintext: bytes, first, end: last }
    )
  }
  span("first", "the first byte", 0, 1, 0, 1)
  span("edge-below", "the last byte of the first chunk", chunk - 1, chunk, 0, 1)
  span("edge", "the first byte of the second chunk", chunk, chunk + 1, 1, 2)
  span("across", "a byte of each", chunk - 1, chunk + 1, 0, 2)
  span("last", "the last bytes, asked for beyond the end", length - 3, length + 100, 1, 2)
  const badRange = (id: string, title: string, flag: string, delta: Delta, cause: string): void =>
    void file.invalid(
      {
        id: `attachment-range-${id}`,
        title,
        clauses: ["attachment.range.1", "attachment.outcome.1"],
        flags: [flag],
        world,
        critical: true
      },
      "attachment-range-edge",
      delta,
      cause
    )
  badRange(
    "other",
    "the chunk of another place",
    "Moved",
    { at: "in/chunks/0", op: "assign", value: c0 },
    "attachment.chunk"
  )
  badRange("none", "no chunk", "Moved", { at: "in/chunks", op: "assign", value: [] }, "attachment.truncated")
  badRange("more", "a chunk behind it", "Moved", { at: "in/chunks", op: "assign", value: [c1, c1] }, "attachment.size")
  badRange("header", "the header of another file", "WrongKey", { at: inHeader, op: "assign", value: other.header }, key)
  return file.file()
}

/** References. */
export const references = (): VectorFile => {
  const file = new FileBuilder(family, "reference")
  const [id, secret] = [filled(0x1f, 32), filled(0x2e, 32)]
  const place = "https://relay.example/v1/attachments"
  interface Said {
    readonly id?: Uint8Array
    readonly key?: Uint8Array
    readonly length?: number
    readonly mediaType?: string
    readonly name?: string
    readonly expiresAt?: number
    readonly place?: string
    readonly preview?: readonly [mediaType: string, data: Uint8Array]
    readonly extensions?: ReadonlyArray<readonly [number, Value]>
  }
  const written = (said: Said): Uint8Array =>
    encode([
      said.id ?? id,
      said.key ?? secret,
      said.length ?? 5,
      { text: said.mediaType ?? "image/png" },
      { text: said.name ?? "a.png" },
      said.expiresAt ?? 1_700_000_100_000,
      { text: said.place ?? place },
      said.preview === undefined ? [] : [[{ text: said.preview[0] }, said.preview[1]]],
      { map: said.extensions ?? [] }
    ])
  const valid = (name: string, title: string, said: Said, unknown: ReadonlyArray<Json> = []): void => {
    const value: Json = {
      id: hex(said.id ?? id),
      key: hex(said.key ?? secret),
      length: said.length ?? 5,
      mediaType: said.mediaType ?? "image/png",
      name: said.name ?? "a.png",
      expiresAt: said.expiresAt ?? 1_700_000_100_000,
      place: said.place ?? place,
      ...(said.preview === undefined ? {} : { preview: { mediaType: said.preview[0], data: hex(said.preview[1]) } }),
      extensions: { unknown: [...unknown] }
    }
    const clauses = ["attachment.reference.1", "attachment.reference.2"]
    file.valid(
      { id: `reference-${name}`, title, clauses },
      "attachment.reference",
      { bytes: hex(written(said)) },
      { value }
    )
  }
  valid("plain", "a reference", {})
  valid("bare", "no byte, no name, no time", { length: 0, name: "", expiresAt: 0 })
  valid("longest", "the longest file and name", { length: 17_179_869_184, name: "n".repeat(255) })
  valid("preview", "with a preview", { preview: ["image/webp", filled(7, 40)] })
  valid("largest-preview", "with the largest preview", { preview: ["image/webp", filled(7, 32_768)] })
  valid("name", "a name that is no ASCII", { name: "K\u00e4tzchen \u{1f408}.png" })
  valid("dots", "a name of three dots", { name: "..." })
  valid("plain-http", "a place on the same machine", { place: "http://127.0.0.1:8443/v1/attachments" })
  valid("unknown", "an unknown extension that may be ignored", { extensions: [[7, 1]] }, [{ key: 7, value: "01" }])
  const at = "in/bytes"
  const refuse = (name: string, title: string, flag: string, clause: string, delta: Delta, cause: string): void =>
    void file.invalid(
      { id: `reference-bad-${name}`, title, clauses: [clause], flags: [flag], critical: false },
      "reference-plain",
      delta,
      cause
    )
  const bad = (name: string, title: string, flag: string, said: Said, cause: string): void =>
    refuse(
      name,
      title,
      flag,
      flag === "Meaning" ? "attachment.reference.2" : "attachment.reference.1",
      { at, op: "assign", value: hex(written(said)) },
      cause
    )
  bad("id", "an id of 31 bytes", "Bound", { id: filled(1, 31) }, "decode.size")
  bad("key", "a key of 33 bytes", "Bound", { key: filled(1, 33) }, "decode.size")
  bad("length", "a file that is too long", "Bound", { length: 17_179_869_185 }, "decode.value")
  bad("media-type-none", "no media type", "Bound", { mediaType: "" }, "decode.size")
  bad("media-type-long", "a media type of 128 bytes", "Bound", { mediaType: "m".repeat(128) }, "decode.size")
  bad("name-long", "a name of 256 bytes", "Bound", { name: "n".repeat(256) }, "decode.size")
  bad("place-none", "no place", "Bound", { place: "" }, "decode.size")
  bad("place-long", "a place of 256 bytes", "Bound", { place: `https://${"p".repeat(248)}` }, "decode.size")
  bad("preview-none", "a preview without a byte", "Bound", { preview: ["image/webp", filled(7, 0)] }, "decode.size")
  bad(
    "preview-large",
    "a preview of 32,769 bytes",
    "Bound",
    { preview: ["image/webp", filled(7, 32_769)] },
    "decode.size"
  )
  bad(
    "extension",
    "an unknown extension that may not be ignored",
    "Form",
    { extensions: [[2, 1]] },
    "decode.unknown-critical"
  )
  for (const [name, title, said] of [
    ["name-dot", "a name of one dot", { name: "." }],
    ["name-dots", "a name of two dots", { name: ".." }],
    ["name-slash", "a path for a name", { name: "../a" }],
    ["name-backslash", "another path for a name", { name: "a\\b" }],
    ["name-zero", "a name with U+0000", { name: "a\u0000.png" }],
    ["name-line", "a name of two lines", { name: "a\nb" }],
    ["name-delete", "a name with U+007F", { name: "a\u007f" }],
    ["place-scheme", "a place for WebSockets", { place: "wss://x" }],
    ["place-blank", "a place with a blank", { place: "https://a b" }],
    ["place-wide", "a place that is no ASCII", { place: "https://\u00e4" }],
    ["media-type", "a media type that is no ASCII", { mediaType: "im\u00e4ge/png" }],
    ["preview-type", "a preview's media type with a line feed", { preview: ["a\n", filled(7, 1)] }]
  ] as const satisfies ReadonlyArray<readonly [string, string, Said]>) {
    bad(name, title, "Meaning", said, "decode.value")
  }
  const form = "attachment.reference.3"
  const size = written({}).length
  refuse(
    "trailing",
    "a byte behind it",
    "Form",
    form,
    { at, op: "insert", offset: size, bytes: "00" },
    "decode.trailing"
  )
  refuse(
    "cut",
    "the last byte missing",
    "Form",
    form,
    { at, op: "cut", offset: size - 1, length: 1 },
    "decode.truncated"
  )
  refuse(
    "long-form",
    "the length of the file in a longer form",
    "Form",
    form,
    { at, op: "reencode", offset: 69, length: 1, bytes: "cc05", kind: "uint8" },
    "decode.noncanonical"
  )
  refuse("count", "eight items", "Form", form, { at, op: "set", offset: 0, bytes: "98" }, "decode.size")
  return file.file()
}
