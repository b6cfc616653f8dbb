/**
 * F15: sealed files and references to them.
 *
 * Spec: docs/spec/11-attachments.md.
 * Vectors: vectors/attachment.
 */
import {
  AttachmentOpener,
  AttachmentRange,
  AttachmentSealer,
  ChunkStream,
  type CryptoProvider,
  Reference,
  SealedFile
} from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { ok, reject, type Answer, type Operation } from "./outcome.ts"
import { toJson } from "./envelope.ts"
import { hex, unhex, type Input, type Json } from "./values.ts"

const answer = <A>(result: Result.Result<A, { readonly cause: string }>, give: (value: A) => Answer): Answer =>
  Result.isFailure(result) ? reject(result.failure.cause) : give(result.success)

const join = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

const seal = (crypto: CryptoProvider, input: Input): Answer => {
  const plaintext = input.bytes("plaintext")
  const sealer = new AttachmentSealer(crypto, input.bytes("attachmentKey"), input.bytes("salt"), plaintext.length)
  const chunks: Array<Uint8Array> = []
  for (let at = 0; at < plaintext.length; at += 10_000) {
    chunks.push(...Result.getOrThrow(sealer.push(plaintext.subarray(at, at + 10_000))))
  }
  for (;;) {
    const chunk = Result.getOrThrow(sealer.rest())
    if (chunk === undefined) break
    chunks.push(chunk)
  }
  return ok({
    header: hex(sealer.header),
    chunks: chunks.map((chunk): Json => hex(chunk)),
    id: hex(sealer.id()),
    size: SealedFile.sealedSize(plaintext.length)
  })
}

const fileOf = (input: Input) => ({
  key: input.bytes("attachmentKey"),
  id: input.bytes("id"),
  length: input.number("length")
})

const piecesOf = (input: Input): ReadonlyArray<Uint8Array> => [
  input.bytes("header"),
  ...input.list("chunks").map((chunk) => unhex(chunk as string))
]

/** Given whole, and in pieces that fit no chunk: both must end alike. */
const open = (crypto: CryptoProvider, input: Input): Answer => {
  const whole = join(piecesOf(input))
  const one = opened(crypto, input, [whole])
  const cut = Array.from({ length: Math.ceil(whole.length / 4_093) }, (_, i) =>
    whole.subarray(i * 4_093, (i + 1) * 4_093)
  )
  if (JSON.stringify(opened(crypto, input, cut)) !== JSON.stringify(one)) throw new Error("pieces matter")
  return one
}

const opened = (crypto: CryptoProvider, input: Input, pieces: ReadonlyArray<Uint8Array>): Answer => {
  const opener = new AttachmentOpener(crypto, fileOf(input))
  const out: Array<Uint8Array> = []
  for (const piece of pieces) {
    const read = opener.push(piece)
    if (Result.isFailure(read)) return reject(read.failure.cause)
    out.push(...read.success)
  }
  return answer(opener.end(), () => ok({ plaintext: hex(join(out)) }))
}

const range = (crypto: CryptoProvider, input: Input): Answer => {
  const length = input.number("length")
  const span = AttachmentRange.spanOf(length, input.number("from"), input.number("to"))
  if (span === undefined) return ok({ plaintext: "", first: 0, end: 0 })
  const file = { key: input.bytes("attachmentKey"), length }
  return answer(AttachmentRange.RangeOpener.make(crypto, file, input.bytes("header"), span), (opener) => {
    const read = opener.push(join(input.list("chunks").map((chunk) => unhex(chunk as string))))
    return answer(read, (parts) =>
      answer(opener.end(), () => ok({ plaintext: hex(join(parts)), first: span.first, end: span.end }))
    )
  })
}

export const operations: { readonly [op: string]: Operation } = {
  "attachment.size": (_, input) => {
    const length = input.number("length")
    return ok({
      padded: SealedFile.paddedLength(length),
      chunks: SealedFile.chunkCount(length),
      size: SealedFile.sealedSize(length)
    })
  },
  "attachment.make": (crypto, input) => {
    const made = SealedFile.make(crypto, input.bytes("attachmentKey"), input.bytes("salt"))
    return ok({ header: hex(made.header), key: hex(made.key) })
  },
  "attachment.unlock": (crypto, input) =>
    answer(SealedFile.unlock(crypto, input.bytes("attachmentKey"), input.bytes("header")), (key) =>
      ok({ key: hex(key) })
    ),
  "attachment.chunk": (crypto, input) => {
    const [index, last] = [input.number("index"), input.number("last") === 1]
    const plaintext = ChunkStream.openChunk(crypto, input.bytes("key"), index, last, input.bytes("sealed"))
    return plaintext === undefined ? reject("attachment.chunk") : ok({ plaintext: hex(plaintext) })
  },
  "attachment.seal": seal,
  "attachment.open": open,
  "attachment.range": range,
  "attachment.reference": (_, input) => {
    const bytes = input.bytes("bytes")
    return answer(Reference.decode(bytes), (reference) => {
      if (hex(Result.getOrThrow(Reference.encode(reference))) !== hex(bytes)) {
        throw new Error("does not encode again to the same bytes")
      }
      return ok({ value: toJson(reference) })
    })
  }
}
