/**
 * Fetching a file, or a part of it: opened as it comes, going on where it was cut.
 *
 * Spec: docs/spec/11-attachments.md §11.3.
 * Holds one sealed chunk. Stores nothing: where the bytes go is the application's.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { AttachmentFailure } from "../../attachment/AttachmentFailure.ts"
import { Opener, wholeChunks } from "../../attachment/Opener.ts"
import { RangeOpener, spanOf } from "../../attachment/RangeOpener.ts"
import * as SealedFile from "../../attachment/SealedFile.ts"
import * as Bytes from "../../base/Bytes.ts"
import * as Limits from "../../base/Limits.ts"
import type { CryptoProvider } from "../../crypto/Provider.ts"
import type { AttachmentStore, AttachmentStoreError } from "../../ports/AttachmentStore.ts"
import type { Attachment } from "../Api.ts"
import type { DownloadOptions, DownloadPiece, FileSource } from "./AttachmentApi.ts"
import { type AttachmentError, failed, ofStore, refused } from "./AttachmentErrors.ts"
import { Patience } from "./Patience.ts"

type Store = AttachmentStore["Service"]

/** Pieces that wait for whoever reads. */
const bufferSize = 2

/** What the attachment says, or `invalid`. */
const fileOf = ({ id, key, length }: Attachment) => {
  const bytes = Bytes.fromHex(id)
  return bytes?.length === SealedFile.idBytes && key.length === SealedFile.keyBytes && SealedFile.isLength(length)
    ? Effect.succeed({ id: bytes, key, length })
    : failed("invalid")
}

/** A file that is not there any more has expired, or is missing. */
const explain = (attachment: Attachment, error: AttachmentStoreError): Effect.Effect<never, AttachmentError> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    error.reason === "missing" && attachment.expiresAt <= now ? failed("expired") : ofStore(error)
  )

/**
 * Reads bytes `from` up to `to` of the sealed file, again from where it broke off, and hands them to `take`. What `take` fails with ends it.
 */
const fetch = <E>(
  store: Store,
  attachment: Attachment,
  from: number,
  to: number,
  take: (bytes: Uint8Array) => Effect.Effect<void, E>
): Effect.Effect<void, AttachmentError | E> =>
  Effect.gen(function* () {
    const patience = new Patience()
    const { place } = attachment
    const [id, size] = [Bytes.fromHex(attachment.id)!, SealedFile.sealedSize(attachment.length)]
    const waited = (error: AttachmentStoreError): Effect.Effect<void, AttachmentError> =>
      Effect.matchEffect(patience.after(error), {
        onFailure: (last) => explain(attachment, last),
        onSuccess: Effect.succeed
      })
    let at = from
    while (at < to) {
      const before = at
      const read = Stream.map(store.read({ place, id, size, from: at, to }), (bytes) => {
        at += bytes.length
        if (bytes.length > 0) patience.progress()
        return bytes
      })
      // A store's errors are told apart from those of whoever takes.
      const told = Stream.mapError(read, (error) => ({ store: error }))
      const taken = Stream.runForEach(told, (bytes) => Effect.mapError(take(bytes), (error) => ({ taker: error })))
      yield* Effect.matchEffect(taken, {
        onFailure: (error): Effect.Effect<void, AttachmentError | E> =>
          "taker" in error ? Effect.fail(error.taker) : waited(error.store),
        // A store that gives nothing and calls it all would be asked for ever.
        onSuccess: () => (at === before ? failed("answer") : Effect.void)
      })
    }
  })

/** Gives out what was opened, then fails if it did. */
const give = (
  opened: Result.Result<ReadonlyArray<Uint8Array>, AttachmentFailure>,
  released: ReadonlyArray<Uint8Array>,
  out: (bytes: Uint8Array) => Effect.Effect<void, AttachmentError>
): Effect.Effect<void, AttachmentError> =>
  Effect.gen(function* () {
    for (const bytes of Result.isSuccess(opened) ? opened.success : released) yield* out(bytes)
    if (Result.isFailure(opened)) return yield* refused(opened.failure)
  })

/** A whole file, or what is behind what one has of it. */
export const whole = <E>(
  crypto: CryptoProvider,
  store: Store,
  attachment: Attachment,
  { have, maxBytes }: DownloadOptions<E>
): Stream.Stream<DownloadPiece, AttachmentError | E> =>
  Stream.callback<DownloadPiece, AttachmentError | E>(
    (queue) =>
      Effect.gen(function* () {
        const file = yield* fileOf(attachment)
        const { length } = file
        if (length > (maxBytes ?? Number.POSITIVE_INFINITY)) return yield* failed("too-large")
        const had = have?.length ?? 0
        if (had > length) return yield* failed("changed")
        const opener = new Opener(crypto, file)
        yield* Effect.addFinalizer(() => Effect.sync(() => opener.close()))
        const chunks = wholeChunks(length, had)
        let received = chunks * Limits.streamChunkBytes
        let tail: Uint8Array = Bytes.empty
        const out = (bytes: Uint8Array): Effect.Effect<void, AttachmentError> => {
          // What one has behind its last whole chunk comes once more, and has to be the same.
          const known = Math.min(bytes.length, Math.max(0, had - received))
          const behind = chunks * Limits.streamChunkBytes
          if (!Bytes.equal(bytes.subarray(0, known), tail.subarray(received - behind, received - behind + known))) {
            return failed("changed")
          }
          received += bytes.length
          if (known === bytes.length) return Effect.void
          return Effect.asVoid(Queue.offer(queue, { bytes: bytes.subarray(known), received, of: length }))
        }
        const push = (bytes: Uint8Array) => Effect.suspend(() => give(opener.push(bytes), opener.released, out))
        yield* fetch(store, attachment, 0, SealedFile.headerBytes, push)
        if (have !== undefined) tail = yield* resealed(opener, have, chunks)
        const size = SealedFile.sealedSize(length)
        yield* fetch(store, attachment, SealedFile.offsetOf(length, chunks), size, push)
        const ended = opener.end()
        if (Result.isFailure(ended)) {
          return yield* ended.failure.cause === "attachment.digest" && chunks > 0
            ? failed("changed")
            : refused(ended.failure)
        }
        yield* Queue.end(queue)
      }),
    { bufferSize }
  )

/** Seals the whole chunks of what one has for their part in the hash; gives what is behind them. */
const resealed = <E>(
  opener: Opener,
  have: FileSource<E>,
  chunks: number
): Effect.Effect<Uint8Array, AttachmentError | E> =>
  Effect.gen(function* () {
    let held: Uint8Array = Bytes.empty
    let taken = 0
    let done = 0
    yield* Stream.runForEachWhile(have.bytes, (bytes) =>
      Effect.sync(() => {
        const wanted = bytes.subarray(0, have.length - taken)
        taken += wanted.length
        held = held.length === 0 ? wanted.slice() : Bytes.concat(held, wanted)
        let at = 0
        for (; done < chunks && held.length - at >= Limits.streamChunkBytes; at += Limits.streamChunkBytes) {
          opener.reseal(held.subarray(at, at + Limits.streamChunkBytes))
          done++
        }
        held = held.slice(at)
        return taken < have.length
      })
    )
    return taken < have.length ? yield* failed("source") : held
  })

/** A part of a file. */
export const range = (
  crypto: CryptoProvider,
  store: Store,
  attachment: Attachment,
  from: number,
  to: number
): Stream.Stream<Uint8Array, AttachmentError> =>
  Stream.callback<Uint8Array, AttachmentError>(
    (queue) =>
      Effect.gen(function* () {
        const file = yield* fileOf(attachment)
        if (![from, to].every((bound) => Number.isSafeInteger(bound) && bound >= 0)) return yield* failed("invalid")
        const span = spanOf(file.length, from, to)
        if (span === undefined) return yield* Queue.end(queue)
        let header: Uint8Array = Bytes.empty
        yield* fetch(store, attachment, 0, SealedFile.headerBytes, (bytes) =>
          Effect.sync(() => {
            header = Bytes.concat(header, bytes)
          })
        )
        const made = RangeOpener.make(crypto, file, header, span)
        if (Result.isFailure(made)) return yield* refused(made.failure)
        const opener = made.success
        yield* Effect.addFinalizer(() => Effect.sync(() => opener.close()))
        const out = (bytes: Uint8Array) => Effect.asVoid(Queue.offer(queue, bytes))
        const push = (bytes: Uint8Array) => Effect.suspend(() => give(opener.push(bytes), opener.released, out))
        yield* fetch(store, attachment, span.sealedFrom, span.sealedTo, push)
        const ended = opener.end()
        if (Result.isFailure(ended)) return yield* refused(ended.failure)
        yield* Queue.end(queue)
      }),
    { bufferSize }
  )
