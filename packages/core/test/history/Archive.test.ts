/** Archives: what was sealed comes back, chunk by chunk, and nothing behind a chunk that was touched. */
import * as Result from "effect/Result"
import fc from "fast-check"
import { expect, it } from "vitest"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Limits from "../../src/base/Limits.ts"
import * as Archive from "../../src/history/Archive.ts"
import type * as Entry from "../../src/history/Entry.ts"
import * as Items from "../../src/history/Items.ts"
import { crypto, entry, named } from "./support.ts"

const archiveKey = named("archive key", 32)
const head: Archive.Head = {
  archive: named("archive", 16),
  account: named("account", 32),
  madeAt: 1_700_000_000_000,
  range: { choice: 1 },
  salt: named("salt", 32)
}

const plaintextOf = (entries: ReadonlyArray<Entry.Entry>): Uint8Array =>
  Bytes.concat(...entries.map(Items.entryItem), Items.endItem(entries.length))

const sealed = (plaintext: Uint8Array): { header: Uint8Array; chunks: Array<Uint8Array> } => {
  const { header, key } = Archive.make(crypto, archiveKey, head)
  const count = Math.max(1, Math.ceil(plaintext.length / Limits.streamChunkBytes))
  const chunks = Array.from({ length: count }, (_, i) =>
    Archive.sealChunk(
      crypto,
      key,
      i,
      i === count - 1,
      plaintext.slice(i * Limits.streamChunkBytes, (i + 1) * Limits.streamChunkBytes)
    )
  )
  return { header, chunks }
}

/** Entries that come out, and what stopped it. */
const opened = (
  header: Uint8Array,
  chunks: ReadonlyArray<Uint8Array>,
  keyBytes = archiveKey,
  account = head.account
) => {
  const entries: Array<Entry.Entry> = []
  const decoded = Archive.decodeHeader(header)
  if (Result.isFailure(decoded)) return { entries, cause: decoded.failure.cause }
  const key = Archive.unlock(crypto, decoded.success, keyBytes, account)
  if (Result.isFailure(key)) return { entries, cause: key.failure.cause }
  let position = Items.start
  for (const [i, chunk] of chunks.entries()) {
    const last = i === chunks.length - 1
    const plain = Archive.openChunk(crypto, key.success, i, last, chunk)
    if (Result.isFailure(plain)) return { entries, cause: plain.failure.cause }
    const read = Items.read(crypto, position, plain.success, last)
    if (Result.isFailure(read)) return { entries, cause: read.failure.cause }
    entries.push(...read.success.entries)
    position = read.success.next
  }
  return { entries, cause: undefined }
}

/** Entries that fill a bit more than three chunks; some go over the edge of one. */
const many = Array.from({ length: 40 }, (_, i) =>
  entry(i, { body: named(`body ${i}`, 5000).map((byte) => byte & 0x7f) })
)

it("what was sealed comes back, over the edges of chunks too [history.archive.1] [history.archive.3] [history.archive.4]", () => {
  for (const entries of [[], many.slice(0, 1), many]) {
    const { chunks, header } = sealed(plaintextOf(entries))
    expect(chunks.length).toBe(entries.length === 40 ? 4 : 1)
    expect(opened(header, chunks)).toEqual({ entries, cause: undefined })
  }
})

it("a stream that ends exactly at the edge of a chunk has a full last chunk [history.archive.3]", () => {
  const base = plaintextOf([entry(1, { body: new Uint8Array(0) })]).length
  // The heads of the longer body, its item and its entry take two bytes more.
  const body = new Uint8Array(Limits.streamChunkBytes - base - 2).fill(0x61)
  const plaintext = plaintextOf([entry(1, { body })])
  const { chunks, header } = sealed(plaintext)
  expect([plaintext.length, chunks.length]).toEqual([Limits.streamChunkBytes, 1])
  expect(opened(header, chunks).cause).toBeUndefined()
})

it("another key, head or account opens no chunk [history.archive.2] [history.outcome.1]", () => {
  const { chunks, header } = sealed(plaintextOf(many))
  expect(opened(header, chunks, named("another", 32))).toEqual({ entries: [], cause: "history.key" })
  expect(opened(header, chunks, archiveKey, named("another", 32))).toEqual({ entries: [], cause: "history.account" })
  for (let at = 0; at < header.length; at++) {
    const touched = header.slice()
    touched[at] = touched[at]! ^ 1
    const { cause, entries } = opened(touched, chunks)
    expect(entries).toEqual([])
    expect(cause).toMatch(/^history\.(header|version|account|key)$/)
  }
  expect(opened(header.subarray(1), chunks).cause).toBe("history.header")
  const later = header.slice()
  later[1] = 2
  expect(opened(later, chunks).cause).toBe("history.version")
})

it("nothing behind a chunk that was touched, moved, left out or repeated is released [history.archive.5] [history.outcome.1]", () => {
  const { chunks, header } = sealed(plaintextOf(many))
  const [a, b, c, d] = chunks as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  const first = opened(header, [a, b]).entries.length
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<Uint8Array>]> = [
    ["order", [a, c, b, d]],
    ["repeated", [a, a, b, c, d]],
    ["left out", [a, c, d]],
    ["cut at the edge", [a, b, c]],
    ["behind the last", [a, b, c, d, d]],
    ["last in the middle", [a, d, b, c]],
    ["empty last", [a, b, c, d.subarray(0, 16)]],
    ["shorter", [a, b.subarray(1), c, d]]
  ]
  for (const [name, touched] of cases) {
    const { cause, entries } = opened(header, touched)
    expect([name, cause]).toEqual([name, "history.chunk"])
    expect(entries).toEqual(many.slice(0, entries.length))
    if (touched[1] !== b) expect(entries.length).toBeLessThanOrEqual(first)
  }
  fc.assert(
    fc.property(fc.nat(3), fc.nat(), fc.integer({ min: 1, max: 255 }), (which, at, bits) => {
      const touched = chunks.map((chunk) => chunk.slice())
      const chunk = touched[which]!
      chunk[at % chunk.length] = chunk[at % chunk.length]! ^ bits
      const { cause, entries } = opened(header, touched)
      expect(cause).toBe("history.chunk")
      expect(entries).toEqual(many.slice(0, entries.length))
    }),
    { numRuns: 50 }
  )
})

it("what was sealed and is no archive is refused [history.archive.4] [history.outcome.1]", () => {
  const good = plaintextOf(many.slice(0, 3))
  const bad: ReadonlyArray<Uint8Array> = [
    plaintextOf([many[1]!, many[0]!]),
    plaintextOf([many[0]!, many[0]!]),
    good.subarray(0, good.length - 1),
    Bytes.concat(good, Uint8Array.of(0)),
    Bytes.concat(...many.slice(0, 3).map(Items.entryItem), Items.endItem(4)),
    Bytes.concat(Items.endItem(0), Items.endItem(0)),
    Bytes.concat(Bytes.be32(0), good),
    Bytes.concat(Bytes.be32(0xffff_ffff), good),
    Bytes.empty
  ]
  for (const [i, plaintext] of bad.entries()) {
    const { chunks, header } = sealed(plaintext)
    expect([i, opened(header, chunks).cause]).toEqual([i, "history.content"])
  }
})

it("the chain tells which chunks a receiver has [history.hand.4]", () => {
  const { chunks } = sealed(plaintextOf(many))
  const chainOf = (some: ReadonlyArray<Uint8Array>) =>
    Bytes.toHex(some.reduce((chain, chunk) => Archive.chain(crypto, chain, chunk), Archive.firstChain()))
  const chains = [[], chunks.slice(0, 1), chunks.slice(0, 2), [chunks[1]!, chunks[0]!]].map(chainOf)
  expect(new Set(chains).size).toBe(4)
})
