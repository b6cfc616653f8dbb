/**
 * F21: histories of several devices.
 *
 * Spec: docs/spec/23-history.md.
 * Vectors: vectors/history.
 */
import {
  Bytes,
  type CryptoProvider,
  HistoryArchive,
  HistoryDigest,
  HistoryEntry,
  HistoryHanding,
  HistoryPlaces,
  HistoryRanges,
  HistoryUnpacker,
  Refusal
} from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { ok, reject, type Answer, type Operation } from "./outcome.ts"
import { hex, unhex, type Input, type Json } from "./values.ts"

const answer = <A>(result: Result.Result<A, { readonly cause: string }>, give: (value: A) => Answer): Answer =>
  Result.isFailure(result) ? reject(result.failure.cause) : give(result.success)

const bytesIn = (input: Input, name: string): ReadonlyArray<Uint8Array> =>
  input.list(name).map((item) => unhex(item as string))

/** An entry of any length that fits: the cases look at places only. */
const sizeOf = (): number => 100

const respond = (crypto: CryptoProvider, input: Input): Answer =>
  answer(HistoryRanges.decode(input.bytes("word")), (word) => {
    if (word.word !== 1) return reject("decode.value")
    const places = HistoryPlaces.of(bytesIn(input, "places").map((place) => ({ place, tag: 0 })))
    const said = HistoryRanges.answer(crypto, places, word, input.number("beginning"), sizeOf)
    // No answer is due.
    if (said === undefined) return ok({ answer: "", given: [] })
    return ok({
      answer: hex(HistoryRanges.encode({ ...said.word, entries: [] })),
      given: said.given.map((place): Json => hex(place))
    })
  })

/** Rule codec.json.1. */
const toJson = (value: unknown): Json => {
  if (value instanceof Uint8Array) return hex(value)
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value !== "object" || value === null) return value as Json
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, toJson(item)]))
}

/** Opens a whole archive, as a file: length, header, chunks. */
const open = (crypto: CryptoProvider, input: Input): Answer => {
  const unpacker = new HistoryUnpacker(crypto, input.bytes("archiveKey"), input.bytes("account"))
  const header = input.bytes("header")
  const pieces = [Uint8Array.of(header.length >> 8, header.length & 0xff), header, ...bytesIn(input, "chunks")]
  const places: Array<Json> = []
  for (const piece of [...pieces, undefined]) {
    const read = piece === undefined ? unpacker.end() : unpacker.push(piece)
    if (Result.isFailure(read)) return reject(read.failure.cause)
    for (const entry of read.success.entries) places.push(hex(HistoryEntry.placeOf(crypto, entry)))
  }
  return ok({ places })
}

export const operations: { readonly [op: string]: Operation } = {
  "history.entry": (crypto, input) =>
    answer(HistoryEntry.decode(input.bytes("entry")), (entry) =>
      ok({ id: hex(HistoryEntry.idOf(crypto, entry)), place: hex(HistoryEntry.placeOf(crypto, entry)) })
    ),
  "history.digest": (crypto, input) =>
    ok({ digest: hex(HistoryDigest.ofPlaces(crypto, Bytes.concat(...bytesIn(input, "places")))) }),
  "history.fingerprint": (crypto, input) =>
    ok({
      fingerprint: hex(
        HistoryDigest.fingerprint(crypto, input.bytes("exchange"), Bytes.concat(...bytesIn(input, "places")))
      )
    }),
  "history.answer": respond,
  "archive.make": (crypto, input) =>
    answer(Refusal.decode(HistoryArchive.RangeLayout, input.bytes("range")), (range) => {
      const made = HistoryArchive.make(crypto, input.bytes("archiveKey"), {
        archive: input.bytes("archive"),
        account: input.bytes("account"),
        madeAt: input.number("madeAt"),
        range,
        salt: input.bytes("salt")
      })
      return ok({ header: hex(made.header), key: hex(made.key) })
    }),
  "archive.unlock": (crypto, input) =>
    answer(
      Result.flatMap(HistoryArchive.decodeHeader(input.bytes("header")), (header) =>
        HistoryArchive.unlock(crypto, header, input.bytes("archiveKey"), input.bytes("account"))
      ),
      (key) => ok({ key: hex(key) })
    ),
  "archive.seal": (crypto, input) =>
    ok({
      sealed: hex(
        HistoryArchive.sealChunk(
          crypto,
          input.bytes("key"),
          input.number("index"),
          input.number("last") === 1,
          input.bytes("plaintext")
        )
      )
    }),
  "archive.chunk": (crypto, input) =>
    answer(
      HistoryArchive.openChunk(
        crypto,
        input.bytes("key"),
        input.number("index"),
        input.number("last") === 1,
        input.bytes("sealed")
      ),
      (plaintext) => ok({ plaintext: hex(plaintext) })
    ),
  "archive.open": open,
  "archive.chain": (crypto, input) =>
    ok({
      chain: hex(
        bytesIn(input, "chunks").reduce(
          (chain, sealed) => HistoryArchive.chain(crypto, chain, sealed),
          HistoryArchive.firstChain()
        )
      )
    }),
  "archive.word": (_, input) =>
    answer(Refusal.decode(HistoryHanding.WordLayout, input.bytes("word")), (word) => ok({ word: toJson(word) }))
}
