/**
 * Archives as streams of bytes, under a key that the application has: for files.
 *
 * Spec: docs/spec/23-history.md §23.5.
 * Memory does not grow with the history, the index of places apart. Between devices archives go by client/history/Giving.ts and Taking.ts.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as ChunkStream from "../../crypto/ChunkStream.ts"
import * as Archive from "../../history/Archive.ts"
import { Unpacker } from "../../history/Unpacker.ts"
import type { Entry } from "../../history/Entry.ts"
import type { ClientError } from "../Errors.ts"
import * as Background from "../internal/background.ts"
import type { Opened } from "../Opened.ts"
import type { ArchiveRange, ImportProgress } from "./HistoryApi.ts"
import { ArchiveError, refused } from "./HistoryErrors.ts"
import type * as State from "./HistoryState.ts"
import * as Keeping from "./Keeping.ts"
import * as Selecting from "./Selecting.ts"

const badKey = Effect.suspend(() => Effect.fail(new ArchiveError({ reason: "bad-key" })))

/** An archive, chunk by chunk. */
export const write = (
  opened: Opened,
  state: State.HistoryState,
  key: Uint8Array,
  wanted: ArchiveRange | undefined
): Stream.Stream<Uint8Array, ClientError | ArchiveError> =>
  Stream.unwrap(
    Effect.gen(function* () {
      if (key.length !== Archive.keyBytes) return yield* badKey
      const range = yield* Selecting.rangeOf(wanted)
      const madeAt = yield* Background.now
      const { account } = opened.self
      const { entropy } = opened
      const [archive, salt] = [entropy.bytes("history.archive", 16), entropy.bytes("history.salt", 32)]
      const { header, key: chunkKey } = Archive.make(opened.crypto, key, { archive, account, madeAt, range, salt })
      const chunks = Stream.unfold(
        { index: 0, cursor: Selecting.start, done: false },
        Effect.fnUntraced(function* ({ cursor, done, index }) {
          if (done) return undefined
          const { cursor: after, last, plaintext } = yield* Selecting.next(opened, state, range, madeAt, cursor)
          const sealed = Archive.sealChunk(opened.crypto, chunkKey, index, last, plaintext)
          return [sealed, { index: index + 1, cursor: after, done: last }] as const
        })
      )
      return Stream.concat(Stream.make(ChunkStream.framed(header)), chunks)
    })
  )

/** Takes an archive. Each chunk's entries are durable before the next chunk is looked at. */
export const read = <E>(
  opened: Opened,
  state: State.HistoryState,
  key: Uint8Array,
  bytes: Stream.Stream<Uint8Array, E>
): Stream.Stream<ImportProgress, ClientError | ArchiveError | E> =>
  Stream.unwrap(
    Effect.gen(function* () {
      if (key.length !== Archive.keyBytes) return yield* badKey
      const now = yield* Background.now
      const unpacker = new Unpacker(opened.crypto, key, opened.self.account)
      let count = 0
      const keep = (entries: ReadonlyArray<Entry>) => {
        count += entries.length
        const notes = entries.map((entry) => ({ entry, receivedAt: now, origin: "archive" as const }))
        return notes.length === 0 ? Effect.succeed(0) : Keeping.store(opened, state, notes)
      }
      const take = Effect.fnUntraced(function* (piece: Uint8Array | undefined) {
        const unpacked = piece === undefined ? unpacker.end() : unpacker.push(piece)
        yield* keep(Result.isSuccess(unpacked) ? unpacked.success.entries : unpacker.released)
        if (Result.isFailure(unpacked)) return yield* refused(unpacked.failure)
        const progress: ImportProgress = { entries: count, bytes: unpacked.success.bytes }
        return progress
      })
      const pieces: Stream.Stream<Uint8Array | undefined, E> = Stream.concat(bytes, Stream.make(undefined))
      return Stream.mapEffect(pieces, take)
    })
  )
