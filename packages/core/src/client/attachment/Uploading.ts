/**
 * Uploading a file: sealed as it is read, sent piece by piece, going on where it was cut.
 *
 * Spec: docs/spec/11-attachments.md §11.6.
 * Holds one piece of sealed bytes. A piece that may have left is never sealed again for sending (rule attachment.once.1).
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as SealedFile from "../../attachment/SealedFile.ts"
import { Sealer } from "../../attachment/Sealer.ts"
import * as Bytes from "../../base/Bytes.ts"
import * as Limits from "../../base/Limits.ts"
import type { AttachmentStore } from "../../ports/AttachmentStore.ts"
import { Batch, commit } from "../Commit.ts"
import type { ClientError } from "../Errors.ts"
import type { Opened } from "../Opened.ts"
import type { FileSource, UploadProgress } from "./AttachmentApi.ts"
import { type AttachmentError, failed, ofStore } from "./AttachmentErrors.ts"
import * as Records from "./AttachmentRecords.ts"
import { Patience } from "./Patience.ts"

/** What an upload is by: its secrets, and what may have left already. */
interface Secrets {
  readonly key: Uint8Array
  readonly salt: Uint8Array
  readonly secret: Uint8Array
}

/** Sealed bytes that may have left, and where they stand in the sealed file. */
interface Piece {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** What came of an upload. */
export interface Uploaded {
  readonly key: Uint8Array
  readonly secret: Uint8Array
  readonly id: Uint8Array
  readonly expiresAt: number
}

export interface UploadTask<E> {
  readonly store: AttachmentStore["Service"]
  readonly source: FileSource<E>
  readonly expiresAt: number | undefined
  /** Key of the record, where the upload can be gone on with. */
  readonly record: string | undefined
  readonly tell: (progress: UploadProgress) => Effect.Effect<unknown>
}

/** Why an upload begins anew: the store has lost it, or the source is another. */
const anew = Symbol("anew")

/** Times an upload is begun anew by itself. */
const mostBeginnings = 3

/** Runs an upload. `before` is its record, if there is one. */
export const run = <E>(
  opened: Opened,
  task: UploadTask<E>,
  before: Records.Upload | undefined
): Effect.Effect<Uploaded, ClientError | AttachmentError | E> =>
  Effect.gen(function* () {
    let known = before?.state.kind === 1 ? before.state : undefined
    for (let beginnings = 0; beginnings < mostBeginnings; beginnings++) {
      const fresh = known === undefined || known.length !== task.source.length
      if (known !== undefined && fresh) yield* discard(opened, task, known.secret)
      const secrets: Secrets =
        known === undefined || fresh
          ? {
              key: opened.entropy.bytes("attachment.key", SealedFile.keyBytes),
              salt: opened.entropy.bytes("attachment.salt", SealedFile.saltBytes),
              secret: opened.entropy.bytes("attachment.secret", 32)
            }
          : known
      const piece = known === undefined || fresh ? undefined : { offset: known.offset, bytes: known.piece }
      const outcome = yield* attempt(opened, task, secrets, piece)
      if (outcome !== anew) return outcome
      yield* discard(opened, task, secrets.secret)
      known = undefined
    }
    return yield* failed(before === undefined ? "answer" : "changed")
  })

/** Forgets an upload, here and, if it can be reached, at the store. */
const discard = <E>(opened: Opened, { record, store }: UploadTask<E>, secret: Uint8Array) =>
  Effect.gen(function* () {
    yield* Effect.ignore(store.remove(secret))
    if (record === undefined) return
    const batch = new Batch()
    batch.remove(record)
    yield* commit(opened.store, batch)
  })

/** One upload under one key, from its beginning or from `piece` on; `anew` when it has to be another one. */
const attempt = <E>(
  opened: Opened,
  task: UploadTask<E>,
  secrets: Secrets,
  piece: Piece | undefined
): Effect.Effect<Uploaded | typeof anew, ClientError | AttachmentError | E> =>
  Effect.gen(function* () {
    const { source, store } = task
    const { key, salt, secret } = secrets
    const size = SealedFile.sealedSize(source.length)
    const patience = new Patience()
    const begun = yield* Effect.mapError(
      patience.with(store.begin({ secret, size, expiresAt: task.expiresAt, known: piece !== undefined })),
      ofStore
    )
    const start = piece?.offset ?? 0
    if (begun.offset < start || begun.offset > start + (piece?.bytes.length ?? 0)) return anew
    const sealer = new Sealer(opened.crypto, key, salt, source.length)
    const sender = new Sender(opened, task, secrets, begun, size, piece, patience)
    yield* Effect.addFinalizer(() => Effect.sync(() => sealer.close()))
    let outcome: typeof anew | undefined
    const take = Effect.fnUntraced(function* (sealed: ReadonlyArray<Uint8Array>) {
      for (const bytes of sealed) outcome ??= yield* sender.take(bytes)
    })
    yield* take([sealer.header])
    yield* Stream.runForEachWhile(
      source.bytes,
      Effect.fnUntraced(function* (bytes) {
        const sealed = sealer.push(bytes)
        if (Result.isFailure(sealed)) return yield* failed("source")
        yield* take(sealed.success)
        return outcome === undefined
      })
    )
    while (outcome === undefined) {
      const sealed = sealer.rest()
      if (Result.isFailure(sealed)) return yield* failed("source")
      if (sealed.success === undefined) break
      yield* take([sealed.success])
    }
    outcome ??= yield* sender.flush()
    if (outcome !== undefined) return anew
    const id = sealer.id()
    const completed = yield* Effect.result(patience.with(store.complete(secret, id)))
    if (Result.isSuccess(completed)) return { key, secret, id, expiresAt: completed.success.expiresAt }
    const { reason } = completed.failure
    return reason === "mismatch" || reason === "missing" ? anew : yield* ofStore(completed.failure)
  }).pipe(Effect.scoped)

/** Gathers sealed bytes into pieces, stores each before it leaves, and sends it. */
class Sender<E> {
  private readonly opened: Opened
  private readonly task: UploadTask<E>
  private readonly secrets: Secrets
  private readonly begun: { readonly offset: number; readonly expiresAt: number }
  private readonly size: number
  private readonly known: Piece | undefined
  private readonly patience: Patience
  private gathered: Array<Uint8Array> = []
  private length = 0
  /** Where what is gathered begins in the sealed file. */
  private offset = 0

  constructor(
    opened: Opened,
    task: UploadTask<E>,
    secrets: Secrets,
    begun: { readonly offset: number; readonly expiresAt: number },
    size: number,
    known: Piece | undefined,
    patience: Patience
  ) {
    this.opened = opened
    this.task = task
    this.secrets = secrets
    this.begun = begun
    this.size = size
    this.known = known
    this.patience = patience
  }

  take(sealed: Uint8Array): Effect.Effect<typeof anew | undefined, ClientError | AttachmentError> {
    this.gathered.push(sealed)
    this.length += sealed.length
    return this.length < Limits.uploadPieceBytes ? Effect.undefined : this.flush()
  }

  flush(): Effect.Effect<typeof anew | undefined, ClientError | AttachmentError> {
    const bytes = Bytes.concat(...this.gathered)
    const { known, offset } = this
    this.gathered = []
    this.length = 0
    this.offset += bytes.length
    if (bytes.length === 0) return Effect.undefined
    // Sealed for the hash only: it left before, and was stored.
    if (known !== undefined && offset < known.offset) return Effect.undefined
    if (known !== undefined && offset === known.offset) {
      if (!Bytes.equal(bytes, known.bytes)) return Effect.succeed(anew)
      return this.send(bytes, offset, this.begun.offset)
    }
    return Effect.andThen(
      this.remember(bytes, offset),
      Effect.suspend(() => this.send(bytes, offset, offset))
    )
  }

  private remember(piece: Uint8Array, offset: number): Effect.Effect<void, ClientError> {
    const { record, source } = this.task
    if (record === undefined) return Effect.void
    const { key, salt, secret } = this.secrets
    const batch = new Batch()
    batch.put(
      record,
      Records.Upload.encode({
        version: Records.written,
        expiresAt: this.begun.expiresAt,
        state: { kind: 1, key, salt, secret, length: source.length, offset, piece }
      })
    )
    return commit(this.opened.store, batch)
  }

  private send(bytes: Uint8Array, offset: number, from: number) {
    const { patience, secrets, size, task } = this
    return Effect.gen(function* () {
      const end = offset + bytes.length
      let at = from
      for (;;) {
        yield* task.tell({ state: "uploading", sent: at, of: size })
        if (at === end) return undefined
        const taken = yield* Effect.result(task.store.append(secrets.secret, at, bytes.subarray(at - offset)))
        if (Result.isSuccess(taken)) {
          // A store that has less than it had, or more than it was sent, has another upload.
          if (taken.success < at || taken.success > end) return anew
          if (taken.success > at) patience.progress()
          at = taken.success
        } else if (taken.failure.reason === "missing") return anew
        else yield* Effect.mapError(patience.after(taken.failure), ofStore)
      }
    })
  }
}
