/** Sealed files: what was sealed comes back, chunk by chunk, and nothing behind a chunk that was touched. */
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import type { AttachmentCause } from "../../src/attachment/AttachmentFailure.ts"
import { Opener, wholeChunks } from "../../src/attachment/Opener.ts"
import { RangeOpener, spanOf } from "../../src/attachment/RangeOpener.ts"
import * as SealedFile from "../../src/attachment/SealedFile.ts"
import { Sealer } from "../../src/attachment/Sealer.ts"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Limits from "../../src/base/Limits.ts"
import * as Canonical from "../../src/codec/Canonical.ts"
import * as ChunkStream from "../../src/crypto/ChunkStream.ts"
import * as Labels from "../../src/crypto/Labels.ts"
import { loadNodeProvider } from "../../src/crypto/Node.ts"

const crypto = await loadNodeProvider()
const chunk = Limits.streamChunkBytes
const named = (name: string, length: number): Uint8Array =>
  crypto.hkdfSha256(Bytes.utf8Encode(name), Bytes.empty, Bytes.empty, length)
const fileOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff)

interface Sealed {
  readonly parts: ReadonlyArray<Uint8Array>
  readonly bytes: Uint8Array
  readonly file: { readonly key: Uint8Array; readonly id: Uint8Array; readonly length: number }
}

/** Seals a file given in pieces of `step` bytes. */
const seal = (plain: Uint8Array, step = 10_000, name = "one"): Sealed => {
  const key = named(`key ${name}`, 32)
  const sealer = new Sealer(crypto, key, named(`salt ${name}`, 32), plain.length)
  const parts: Array<Uint8Array> = [sealer.header]
  for (let at = 0; at < plain.length; at += step) {
    parts.push(...Result.getOrThrow(sealer.push(plain.subarray(at, at + step))))
  }
  for (;;) {
    const next = Result.getOrThrow(sealer.rest())
    if (next === undefined) break
    parts.push(next)
  }
  return { parts, bytes: Bytes.concat(...parts), file: { key, id: sealer.id(), length: plain.length } }
}

/** What comes out, and what stopped it. */
const open = (
  bytes: Uint8Array,
  file: Sealed["file"],
  step = 70_000
): { readonly plain: Uint8Array; readonly cause: AttachmentCause | undefined } => {
  const opener = new Opener(crypto, file)
  const out: Array<Uint8Array> = []
  for (let at = 0; at < bytes.length; at += step) {
    const opened = opener.push(bytes.subarray(at, at + step))
    out.push(...(Result.isSuccess(opened) ? opened.success : opener.released))
    if (Result.isFailure(opened)) return { plain: Bytes.concat(...out), cause: opened.failure.cause }
  }
  const ended = opener.end()
  return { plain: Bytes.concat(...out), cause: Result.isFailure(ended) ? ended.failure.cause : undefined }
}

/** A file whose padding ends at a chunk's edge in three chunks. */
const three = seal(fileOf(3 * chunk))

describe("Sealed files", () => {
  it("is a header of 72 bytes and chunks of the archive's construction, key and commitment by HKDF [attachment.file.1] [attachment.file.2] [attachment.file.3]", () => {
    const plain = Bytes.utf8Encode("a file")
    const { bytes, file } = seal(plain)
    const salt = named("salt one", 32)
    const info = Labels.prefixed(Labels.attachment, Canonical.encode([1, salt]))
    const both = crypto.hkdfSha256(file.key, salt, info, 64)
    const header = Canonical.encode([1, salt, both.slice(32)])
    expect([header.length, SealedFile.headerBytes]).toEqual([70, 72])
    const padded = Bytes.concat(plain, new Uint8Array(64 - plain.length))
    const nonce = Bytes.concat(new Uint8Array(11), Uint8Array.of(1))
    const expected = Bytes.concat(
      Uint8Array.of(0, 70),
      header,
      crypto.chachaSeal(both.slice(0, 32), nonce, Bytes.empty, padded)
    )
    expect(bytes).toEqual(expected)
    expect(file.id).toEqual(crypto.sha256(expected))
  })

  it.each([0, 1, 63, 64, 65, chunk - 1, chunk, chunk + 1, 2 * chunk - 1, 2 * chunk, 2 * chunk + 1, 3 * chunk + 77])(
    "a file of %i bytes comes back, whatever pieces it is given in, and has the size of its length [attachment.size.1] [attachment.open.3]",
    (length) => {
      const plain = fileOf(length)
      const { bytes, file } = seal(plain)
      expect(seal(plain, 3 * chunk).bytes).toEqual(bytes)
      expect(bytes.length).toBe(SealedFile.sealedSize(length))
      expect(file.id).toEqual(crypto.sha256(bytes))
      for (const step of [1_000, 72, chunk + 16, bytes.length]) {
        expect([step, open(bytes, file, step)]).toEqual([step, { plain, cause: undefined }])
      }
    }
  )

  it("pads as messages are padded: sizes tell lengths to a tenth, up to the longest [attachment.file.3] [attachment.size.1] [padding.length.1]", () => {
    expect([0, 64, 65, 1_000, 100_000].map(SealedFile.paddedLength)).toEqual([64, 64, 72, 1_024, 100_352])
    for (const length of [2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 33 + 12_345, Limits.maxAttachmentBytes]) {
      const padded = SealedFile.paddedLength(length)
      expect([padded >= length, padded <= length * 1.12, SealedFile.paddedLength(padded)]).toEqual([true, true, padded])
      expect(SealedFile.sealedSize(length)).toBe(72 + padded + 16 * Math.ceil(padded / chunk))
    }
    expect([-1, 0.5, Limits.maxAttachmentBytes + 1].some(SealedFile.isLength)).toBe(false)
    expect(seal(fileOf(1_000)).bytes.length).toBe(seal(fileOf(1_020)).bytes.length)
  })

  it("holds one chunk: what was completed comes out at once [attachment.open.2]", () => {
    const { file, parts } = three
    const opener = new Opener(crypto, file)
    const sizes = parts.map((part) => Result.getOrThrow(opener.push(part)).map((bytes) => bytes.length))
    expect(sizes).toEqual([[], [chunk], [chunk], [chunk]])
    expect(Result.isSuccess(opener.end())).toBe(true)
  })

  it("every byte counts, and nothing of a bad chunk or behind it is released [attachment.open.1] [attachment.outcome.1]", () => {
    const plain = fileOf(chunk + 500)
    const { bytes, file } = seal(plain)
    const touched = (at: number) => {
      const copy = bytes.slice()
      copy[at]! ^= 1
      return open(copy, file)
    }
    // Length of the header, array, version, salt, commitment.
    const header = [0, 1, 2, 3, 4, 10, 45].map((at) => touched(at))
    expect(header.map(({ cause }) => cause)).toEqual([
      "attachment.header",
      "attachment.header",
      "attachment.header",
      "attachment.version",
      "attachment.header",
      "attachment.key",
      "attachment.key"
    ])
    expect(header.every((one) => one.plain.length === 0)).toBe(true)
    for (const at of [72, 72 + 40_000, 72 + chunk + 15]) {
      expect(touched(at)).toEqual({ plain: Bytes.empty, cause: "attachment.chunk" })
    }
    for (const at of [72 + chunk + 16, bytes.length - 1]) {
      expect(touched(at)).toEqual({ plain: plain.subarray(0, chunk), cause: "attachment.chunk" })
    }
  })

  it("chunks stand in their places: exchanged, repeated, left out, moved or of another file they are refused [attachment.outcome.1]", () => {
    const { file, parts } = three
    const [header, a, b, c] = parts as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
    const other = seal(fileOf(3 * chunk), 10_000, "two")
    const first = { plain: fileOf(3 * chunk).subarray(0, chunk), cause: "attachment.chunk" }
    const none = { plain: Bytes.empty, cause: "attachment.chunk" }
    const of = (...chunks: ReadonlyArray<Uint8Array>) => open(Bytes.concat(header, ...chunks), file)
    expect(of(b, a, c)).toEqual(none)
    expect(of(a, a, b)).toEqual(first)
    expect(of(a, c, c)).toEqual(first)
    expect(of(a, other.parts[2]!, c)).toEqual(first)
    expect(open(Bytes.concat(other.parts[0]!, a, b, c), file)).toEqual({ plain: Bytes.empty, cause: "attachment.key" })
    expect(open(other.bytes, { ...file, key: other.file.key }).cause).toBe("attachment.digest")
  })

  it("cut at an edge, inside a chunk, in the header, or empty it is truncated; bytes behind it are too much [attachment.outcome.1]", () => {
    const { bytes, file, parts } = three
    for (const length of [0, 1, 71, 72, 72 + 100, 72 + chunk + 16, 72 + 2 * (chunk + 16), bytes.length - 1]) {
      const { cause, plain } = open(bytes.subarray(0, length), file)
      const whole = Math.max(0, Math.floor((length - 72) / (chunk + 16)))
      expect([length, cause, plain.length]).toEqual([length, "attachment.truncated", whole * chunk])
    }
    expect(open(Bytes.concat(bytes, Uint8Array.of(0)), file).cause).toBe("attachment.size")
    expect(open(Bytes.concat(bytes, parts[3]!), file).cause).toBe("attachment.size")
  })

  it("a last chunk without the final flag, and one with it before the end, are refused [attachment.file.3] [attachment.outcome.1]", () => {
    const plain = fileOf(2 * chunk)
    const key = named("key flags", 32)
    const { header, key: chunkKey } = SealedFile.make(crypto, key, named("salt flags", 32))
    const part = (index: number, last: boolean) =>
      ChunkStream.sealChunk(crypto, chunkKey, index, last, plain.subarray(index * chunk, (index + 1) * chunk))
    const of = (first: boolean, second: boolean) => {
      const bytes = Bytes.concat(header, part(0, first), part(1, second))
      return open(bytes, { key, id: crypto.sha256(bytes), length: plain.length })
    }
    expect(of(false, true)).toEqual({ plain, cause: undefined })
    expect(of(false, false)).toEqual({ plain: plain.subarray(0, chunk), cause: "attachment.chunk" })
    expect(of(true, true)).toEqual({ plain: Bytes.empty, cause: "attachment.chunk" })
  })

  it("another length, another id, and padding that is not zero are refused [attachment.open.3] [attachment.outcome.1]", () => {
    const plain = fileOf(1_000)
    const { bytes, file } = seal(plain)
    expect(open(bytes, { ...file, length: 999 })).toEqual({ plain: Bytes.empty, cause: "attachment.padding" })
    expect(open(bytes, { ...file, length: 1_100 }).cause).toBe("attachment.truncated")
    expect(open(bytes, { ...file, length: 900 }).cause).toBe("attachment.chunk")
    expect(open(bytes, { ...file, id: named("id", 32) })).toEqual({ plain, cause: "attachment.digest" })
    // Whoever has the key may seal something else behind the file: it is no padding.
    const { header, key } = SealedFile.make(crypto, file.key, named("salt one", 32))
    const dirty = Bytes.concat(plain, new Uint8Array(23), Uint8Array.of(1))
    const forged = Bytes.concat(header, ChunkStream.sealChunk(crypto, key, 0, true, dirty))
    expect(open(forged, { ...file, id: crypto.sha256(forged) }).cause).toBe("attachment.padding")
  })

  it("opens under one key only, and takes nothing more after a failure or the end [attachment.file.2] [attachment.open.1]", () => {
    const { bytes, file, parts } = three
    for (let bit = 0; bit < 256; bit += 37) {
      const key = file.key.slice()
      key[bit >> 3]! ^= 1 << (bit & 7)
      expect(open(bytes, { ...file, key })).toEqual({ plain: Bytes.empty, cause: "attachment.key" })
    }
    const opener = new Opener(crypto, file)
    opener.push(parts[0]!)
    expect(Result.isFailure(opener.push(parts[2]!))).toBe(true)
    expect(Result.isFailure(opener.push(parts[1]!)) && Result.isFailure(opener.end())).toBe(true)
    const whole = new Opener(crypto, file)
    for (const part of parts) whole.push(part)
    expect([Result.isSuccess(whole.end()), Result.isSuccess(whole.end())]).toEqual([true, false])
    expect(Result.isSuccess(whole.push(parts[1]!))).toBe(false)
  })

  it("a file that is longer or shorter than it was said to be is not sealed to its end [attachment.upload.2]", () => {
    const of = () => new Sealer(crypto, named("key", 32), named("salt", 32), 100)
    const longer = of().push(new Uint8Array(101))
    expect(Result.isFailure(longer) && longer.failure.reason).toBe("longer")
    const short = of()
    expect(Result.getOrThrow(short.push(new Uint8Array(99)))).toEqual([])
    const rest = short.rest()
    expect(Result.isFailure(rest) && rest.failure.reason).toBe("shorter")
  })

  it("a download goes on behind whole chunks, and is held against the id as a whole [attachment.resume.1]", () => {
    const { bytes, file, parts } = three
    const plain = fileOf(3 * chunk)
    const resume = (have: Uint8Array): string | Uint8Array => {
      const opener = new Opener(crypto, file)
      opener.push(parts[0]!)
      const whole = wholeChunks(file.length, have.length)
      for (let i = 0; i < whole; i++) opener.reseal(have.subarray(i * chunk, (i + 1) * chunk))
      const opened = Result.getOrThrow(opener.push(bytes.subarray(SealedFile.offsetOf(file.length, whole))))
      const ended = opener.end()
      return Result.isFailure(ended) ? ended.failure.cause : Bytes.concat(...opened)
    }
    for (const length of [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk - 1, 3 * chunk]) {
      const whole = wholeChunks(file.length, length)
      expect([length, whole]).toEqual([length, Math.min(2, Math.floor(length / chunk))])
      expect(resume(plain.subarray(0, length))).toEqual(plain.subarray(whole * chunk))
    }
    const wrong = plain.slice(0, chunk)
    wrong[17]! ^= 1
    expect(resume(wrong)).toBe("attachment.digest")
  })

  it("any range is opened by the chunks it touches [attachment.range.1]", () => {
    const length = 2 * chunk + 1_000
    const plain = fileOf(length)
    const { bytes, file } = seal(plain)
    const header = bytes.subarray(0, SealedFile.headerBytes)
    const edges = [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk - 1, 2 * chunk, 2 * chunk + 1, length - 1, length]
    for (const from of edges) {
      for (const to of edges) {
        const span = spanOf(length, from, to)
        if (to <= from) {
          expect(span).toBeUndefined()
          continue
        }
        const opener = Result.getOrThrow(RangeOpener.make(crypto, file, header, span!))
        const out: Array<Uint8Array> = []
        for (let at = span!.sealedFrom; at < span!.sealedTo; at += 50_000) {
          out.push(...Result.getOrThrow(opener.push(bytes.subarray(at, Math.min(at + 50_000, span!.sealedTo)))))
        }
        expect(Result.isSuccess(opener.end())).toBe(true)
        expect(Bytes.equal(Bytes.concat(...out), plain.subarray(from, to))).toBe(true)
      }
    }
    expect(spanOf(length, 5, Number.MAX_SAFE_INTEGER)?.to).toBe(length)
    const span = spanOf(length, chunk + 5, chunk + 9)!
    expect([span.sealedFrom, span.sealedTo]).toEqual([72 + chunk + 16, 72 + 2 * (chunk + 16)])
    // Another chunk in its place, a bit, and an end that is missing.
    const of = (piece: Uint8Array): string => {
      const opener = Result.getOrThrow(RangeOpener.make(crypto, file, header, span))
      const pushed = opener.push(piece)
      const ended = opener.end()
      return Result.isFailure(pushed) ? pushed.failure.cause : Result.isFailure(ended) ? ended.failure.cause : "open"
    }
    expect(of(bytes.subarray(72, 72 + chunk + 16))).toBe("attachment.chunk")
    expect(of(bytes.subarray(span.sealedFrom, span.sealedTo - 1))).toBe("attachment.truncated")
    expect(of(bytes.subarray(span.sealedFrom, span.sealedTo + 1))).toBe("attachment.size")
    const other = RangeOpener.make(crypto, { ...file, key: named("other", 32) }, header, span)
    expect(Result.isFailure(other) && other.failure.cause).toBe("attachment.key")
  })
})
