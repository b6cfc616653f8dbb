/**
 * Files of an opened client: uploads with their records, messages about them, downloads.
 *
 * Spec: docs/spec/11-attachments.md.
 * Seals and opens nothing itself (client/attachment/Uploading.ts, Downloading.ts).
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as SealedFile from "../../attachment/SealedFile.ts"
import * as Bytes from "../../base/Bytes.ts"
import * as Reference from "../../envelope/Reference.ts"
import type { Attachment, Peer, Sent, SendOptions, Body } from "../Api.ts"
import { Batch, commit } from "../Commit.ts"
import type { ClientError, SendError } from "../Errors.ts"
import { attachmentOf } from "../Inbox.ts"
import * as Background from "../internal/background.ts"
import * as Loading from "../Loading.ts"
import type { Opened } from "../Opened.ts"
import * as CoreRecords from "../Records.ts"
import type {
  AttachmentApi,
  AttachOptions,
  AttachProgress,
  FileSource,
  UploadOptions,
  UploadProgress
} from "./AttachmentApi.ts"
import { type AttachmentError, failed, ofStore } from "./AttachmentErrors.ts"
import * as Records from "./AttachmentRecords.ts"
import * as Downloading from "./Downloading.ts"
import { Patience } from "./Patience.ts"
import * as Uploading from "./Uploading.ts"

/** How a message is sent. */
type Send = (peer: Peer, body: Body, options: SendOptions) => Effect.Effect<Sent, SendError>

/** Stands for a file that is not known yet, to see whether what is said about it can be written. */
const nobody = { id: new Uint8Array(32), key: new Uint8Array(32), expiresAt: Number.MAX_SAFE_INTEGER }

/** The operations. `may` fails where a message to a peer would, before a byte is uploaded. */
export const make = (
  opened: Opened,
  send: Send,
  may: (peer: Peer) => Effect.Effect<void, SendError>
): AttachmentApi => {
  const running = new Set<string>()
  const store = Effect.suspend(() =>
    opened.attachments === undefined ? failed("off") : Effect.succeed(opened.attachments)
  )

  const referenceOf = (
    { mediaType = "application/octet-stream", name = "", preview }: UploadOptions,
    length: number,
    place: string,
    kept: { readonly id: Uint8Array; readonly key: Uint8Array; readonly expiresAt: number }
  ): Effect.Effect<Reference.Reference, AttachmentError> => {
    const { expiresAt, id, key } = kept
    const { noExtensions: extensions } = Reference
    const reference = { id, key, length, mediaType, name, expiresAt, place, preview, extensions }
    return Result.isSuccess(Reference.encode(reference)) ? Effect.succeed(reference) : failed("invalid")
  }

  const recordOf = (options: UploadOptions): Effect.Effect<string | undefined, AttachmentError> => {
    const { resume } = options
    if (resume === undefined) return Effect.undefined
    if (resume.length < 1 || resume.length > 256) return failed("invalid")
    return Effect.succeed(Records.keys.upload(opened.crypto, opened.self.secret, resume))
  }

  /** The record of an upload, unless it expired. */
  const recall = Effect.fnUntraced(function* (key: string | undefined) {
    const stored = key === undefined ? undefined : yield* opened.store.get(key)
    if (key === undefined || stored === undefined) return undefined
    const record = yield* CoreRecords.read(Records.Upload, key, stored.value)
    return record.expiresAt > (yield* Background.now) ? record : undefined
  })

  const upload = <E>(
    source: FileSource<E>,
    options: UploadOptions,
    tell: (progress: UploadProgress) => Effect.Effect<unknown>
  ): Effect.Effect<Attachment, ClientError | AttachmentError | E> =>
    Effect.gen(function* () {
      const kept = yield* store
      if (!SealedFile.isLength(source.length)) return yield* failed("too-large")
      const record = yield* recordOf(options)
      // Before a byte is read.
      yield* referenceOf(options, source.length, kept.place, nobody)
      const before = yield* recall(record)
      const of = SealedFile.sealedSize(source.length)
      if (before?.state.kind === 2) {
        const attachment = attachmentOf(before.state.reference)
        yield* tell({ state: "uploaded", sent: of, of, attachment })
        return attachment
      }
      const { expiresAt } = options
      const uploaded = yield* Uploading.run(opened, { store: kept, source, expiresAt, record, tell }, before)
      const reference = yield* referenceOf(options, source.length, kept.place, uploaded)
      const attachment = attachmentOf(reference)
      yield* remember(record, reference, uploaded.secret)
      yield* tell({ state: "uploaded", sent: of, of, attachment })
      return attachment
    })

  /** What is needed later: to delete the file, and not to upload it again. Also forgets what expired. */
  const remember = Effect.fnUntraced(function* (
    record: string | undefined,
    reference: Reference.Reference,
    secret: Uint8Array
  ) {
    const { expiresAt, id } = reference
    const batch = new Batch()
    for (const { key, value } of yield* Loading.scanAll(opened.store, Records.keys.sent)) {
      const { expiresAt: until } = yield* CoreRecords.read(Records.SentFile, key, value)
      if (until <= (yield* Background.now)) batch.remove(key)
    }
    for (const { key, value } of yield* Loading.scanAll(opened.store, Records.keys.uploads)) {
      const { expiresAt: until } = yield* CoreRecords.read(Records.Upload, key, value)
      if (until <= (yield* Background.now)) batch.remove(key)
    }
    const { written: version } = Records
    batch.put(Records.keys.sentOf(Bytes.toHex(id)), Records.SentFile.encode({ version, expiresAt, secret }))
    if (record !== undefined) {
      batch.put(record, Records.Upload.encode({ version, expiresAt, state: { kind: 2, reference } }))
    }
    yield* commit(opened.store, batch)
  })

  /** One at a time of a name. */
  const alone = <A, E>(options: UploadOptions, effect: Effect.Effect<A, E>): Effect.Effect<A, E | AttachmentError> =>
    Effect.suspend((): Effect.Effect<A, E | AttachmentError> => {
      const { resume } = options
      if (resume === undefined) return effect
      if (running.has(resume)) return failed("in-use")
      running.add(resume)
      return Effect.ensuring(
        effect,
        Effect.sync(() => running.delete(resume))
      )
    })

  return {
    upload: <E>(source: FileSource<E>, options: UploadOptions = {}) =>
      Stream.callback<UploadProgress, ClientError | AttachmentError | E>((queue) =>
        Effect.andThen(
          alone(
            options,
            upload(source, options, (progress) => Queue.offer(queue, progress))
          ),
          Queue.end(queue)
        )
      ),
    send: <E>(peer: Peer, source: FileSource<E>, options: AttachOptions = {}) =>
      Stream.callback<AttachProgress, SendError | AttachmentError | E>((queue) =>
        Effect.gen(function* () {
          const { replyTo, resume } = options
          const told = (progress: UploadProgress) => Queue.offer(queue, progress)
          const both = Effect.gen(function* () {
            yield* may(peer)
            const attachment = yield* upload(source, options, told)
            const message = yield* send(
              peer,
              { type: "attachment", ...attachment },
              {
                ...(replyTo === undefined ? {} : { replyTo }),
                // Rule attachment.upload.3.
                ...(resume === undefined ? {} : { idempotencyKey: `file ${attachment.id}` })
              }
            )
            yield* Queue.offer(queue, { state: "sent", attachment, message })
          })
          yield* alone(options, both)
          yield* Queue.end(queue)
        })
      ),
    download: (attachment, options = {}) =>
      Stream.unwrap(Effect.map(store, (kept) => Downloading.whole(opened.crypto, kept, attachment, options))),
    range: (attachment, from, to) =>
      Stream.unwrap(Effect.map(store, (kept) => Downloading.range(opened.crypto, kept, attachment, from, to))),
    remove: (id) =>
      Effect.gen(function* () {
        const kept = yield* store
        const key = Records.keys.sentOf(id)
        const stored = yield* opened.store.get(key)
        if (stored === undefined) return false
        const { secret } = yield* CoreRecords.read(Records.SentFile, key, stored.value)
        yield* Effect.mapError(new Patience().with(kept.remove(secret)), ofStore)
        const batch = new Batch()
        batch.remove(key)
        yield* commit(opened.store, batch)
        return true
      })
  }
}
