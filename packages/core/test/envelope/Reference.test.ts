/** References to sealed files: one encoding of one meaning, and nothing out of bounds. */
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import * as Canonical from "../../src/codec/Canonical.ts"
import * as Reference from "../../src/envelope/Reference.ts"

const id = new Uint8Array(32).fill(1)
const key = new Uint8Array(32).fill(2)
const place = "https://relay.example/v1/attachments"
const reference: Reference.Reference = {
  id,
  key,
  length: 12_345,
  mediaType: "image/png",
  name: "Katze 🐈.png",
  expiresAt: 1_700_000_000_000,
  place,
  preview: { mediaType: "image/webp", data: new Uint8Array(32_768).fill(7) },
  extensions: { unknown: [] }
}

const causeOf = (changes: Partial<Reference.Reference>): string => {
  const encoded = Reference.encode({ ...reference, ...changes })
  return Result.isFailure(encoded) ? encoded.failure.cause : "fine"
}
const items: ReadonlyArray<Canonical.Value> = [id, key, 5, "a/b", "", 0, place, [], new Map()]
const read = (changes: Readonly<Record<number, Canonical.Value>>): string => {
  const decoded = Reference.decode(Canonical.encode(items.map((item, i) => changes[i] ?? item)))
  return Result.isFailure(decoded) ? decoded.failure.cause : "fine"
}

describe("Reference", () => {
  it("is [id, key, length, media type, name, expires at, place, preview, extensions] [attachment.reference.1] [attachment.preview.1]", () => {
    const bytes = Result.getOrThrow(Reference.encode(reference))
    const { expiresAt, length, mediaType, name, preview } = reference
    expect(bytes).toEqual(
      Canonical.encode([
        id,
        key,
        length,
        mediaType,
        name,
        expiresAt,
        place,
        [[preview!.mediaType, preview!.data]],
        new Map()
      ])
    )
    expect(Result.getOrThrow(Reference.decode(bytes))).toEqual(reference)
    const bare = { ...reference, length: 0, name: "", preview: undefined }
    expect(Result.getOrThrow(Reference.decode(Result.getOrThrow(Reference.encode(bare))))).toEqual(bare)
    expect(read({})).toBe("fine")
  })

  it("keeps its bounds when written and when read [attachment.reference.1]", () => {
    expect(causeOf({ id: new Uint8Array(31) })).toBe("decode.size")
    expect(causeOf({ length: 17_179_869_184 })).toBe("fine")
    expect(causeOf({ length: 17_179_869_185 })).toBe("decode.value")
    expect(causeOf({ name: "x".repeat(255) })).toBe("fine")
    expect(causeOf({ name: "x".repeat(256) })).toBe("decode.size")
    expect(causeOf({ preview: { mediaType: "a/b", data: new Uint8Array(32_769) } })).toBe("decode.size")
    expect(causeOf({ preview: { mediaType: "a/b", data: new Uint8Array(0) } })).toBe("decode.size")
    expect(read({ 0: new Uint8Array(33) })).toBe("decode.size")
    expect(read({ 2: 17_179_869_185 })).toBe("decode.value")
    expect(read({ 3: "" })).toBe("decode.size")
    expect(read({ 4: "x".repeat(256) })).toBe("decode.size")
    expect(read({ 6: "" })).toBe("decode.size")
    expect(read({ 6: `https://${"x".repeat(248)}` })).toBe("decode.size")
    expect(read({ 7: [["a/b", new Uint8Array(32_769)]] })).toBe("decode.size")
    expect(read({ 8: new Map([[2, 1]]) })).toBe("decode.unknown-critical")
    expect(read({ 8: new Map([[3, 1]]) })).toBe("fine")
  })

  it("a name is no path, a place an address, a media type ASCII [attachment.reference.2]", () => {
    for (const name of [".", "..", "a/b", "..\\x", "a\u0000", "a\nb", "a\u007f", "/etc/passwd"]) {
      expect([name, causeOf({ name }), read({ 4: name })]).toEqual([name, "decode.value", "decode.value"])
    }
    for (const name of ["...", ".profile", "a b", "ü", "a.tar.gz"])
      expect([name, causeOf({ name })]).toEqual([name, "fine"])
    for (const at of ["ftp://x", "relay.example", "https://a b", "https://ü", "wss://x", "HTTPS://x"]) {
      expect([at, causeOf({ place: at }), read({ 6: at })]).toEqual([at, "decode.value", "decode.value"])
    }
    expect(causeOf({ place: "http://127.0.0.1:8443/v1/attachments" })).toBe("fine")
    expect([causeOf({ mediaType: "text/ü" }), read({ 3: "a\tb" })]).toEqual(["decode.value", "decode.value"])
    expect(causeOf({ preview: { mediaType: "é", data: id } })).toBe("decode.value")
  })

  it("has one encoding: longer forms and bytes behind it are refused [attachment.reference.3]", () => {
    const bytes = Canonical.encode(items)
    const causes = (changed: Uint8Array) => {
      const decoded = Reference.decode(changed)
      return Result.isFailure(decoded) ? decoded.failure.cause : "fine"
    }
    expect(causes(Uint8Array.from([...bytes, 0]))).toBe("decode.trailing")
    expect(causes(bytes.subarray(0, -1))).toBe("decode.truncated")
    // The length 5 in two bytes.
    const at = 1 + 34 + 34
    expect(bytes[at]).toBe(5)
    expect(causes(Uint8Array.from([...bytes.subarray(0, at), 0xcc, 5, ...bytes.subarray(at + 1)]))).toBe(
      "decode.noncanonical"
    )
  })
})
