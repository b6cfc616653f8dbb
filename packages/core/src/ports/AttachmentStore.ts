/**
 * Where sealed files are kept: takes uploads that go on where they were cut, gives whole files and parts of them.
 *
 * Spec: docs/spec/11-attachments.md §11.4.
 * Sees ciphertext, sizes and times. What it gives is never trusted: whoever fetches holds it against key and id.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"

/**
 * Why a store did not do it, and who must act. Nothing changed, unless it says so.
 *
 * `unreachable`: the connection failed or broke off; repeat it. `busy`: repeat it after `retryAfterMs`. `missing`: there is no such file or
 * upload, or not any more. `too-large`: it takes no file of this size. `quota`: no room now, or the account has uploaded too much; see
 * `retryAfterMs`. `grant`: this device may not upload here. `mismatch`: what was uploaded is not what its id says; the upload is gone. `place`: the file
 * is kept at a place that is not fetched from. `answer`: the other side does not keep to the protocol, or keeps a file of another size.
 */
export class AttachmentStoreError extends Schema.TaggedError<AttachmentStoreError>()("AttachmentStoreError", {
  reason: Schema.Literals([
    "unreachable",
    "busy",
    "missing",
    "too-large",
    "quota",
    "grant",
    "mismatch",
    "place",
    "answer"
  ]),
  /** ms, 0 where repeating will not help or may be done at once. */
  retryAfterMs: Schema.Finite,
  cause: Schema.optionalKey(Schema.Defect())
}) {}

/** An upload that begins or goes on. */
export interface UploadStart {
  /** 32 random bytes of the uploader's; whoever has them goes on with the upload and deletes the file. */
  readonly secret: Uint8Array
  /** Bytes of the sealed file. */
  readonly size: number
  /** When the uploader wants it gone, ms; the store may say earlier. */
  readonly expiresAt?: number | undefined
  /** It was begun before: an adapter that has to ask for leave does so only if the upload is not there any more. */
  readonly known?: boolean | undefined
}

/** How far an upload is: bytes the store has durably, and when the file expires, ms. */
export interface UploadState {
  readonly offset: number
  readonly expiresAt: number
}

/** Part of a kept file: bytes `from` up to `to` (that one not included) of the `size` bytes of `id` (32 bytes) at `place`. */
export interface Wanted {
  readonly place: string
  readonly id: Uint8Array
  readonly size: number
  readonly from: number
  readonly to: number
}

/**
 * Port.
 *
 * - `place` is the address that references of files uploaded here carry.
 * - `begin` with a new secret begins an upload, with a known one says how far it is: repeating it is safe.
 * - `append` takes bytes at `offset` if the store has exactly so many, and answers how many it has afterwards; with another offset it changes
 *   nothing and answers how many it has. What it answered is durable. A cut may leave any part of the bytes taken.
 * - `complete` ends an upload whose bytes are all there, under its id (32 bytes); repeating it is safe. `missing` when bytes are missing.
 * - `read` gives the bytes in order, in pieces of any size, all or an error; what came before an error is good as far as the store knows.
 * - `remove` deletes an upload or a file by its secret; what is not there is no error.
 */
export class AttachmentStore extends Context.Service<
  AttachmentStore,
  {
    readonly place: string
    readonly begin: (upload: UploadStart) => Effect.Effect<UploadState, AttachmentStoreError>
    readonly append: (
      secret: Uint8Array,
      offset: number,
      bytes: Uint8Array
    ) => Effect.Effect<number, AttachmentStoreError>
    readonly complete: (
      secret: Uint8Array,
      id: Uint8Array
    ) => Effect.Effect<{ readonly expiresAt: number }, AttachmentStoreError>
    readonly read: (wanted: Wanted) => Stream.Stream<Uint8Array, AttachmentStoreError>
    readonly remove: (secret: Uint8Array) => Effect.Effect<void, AttachmentStoreError>
  }
>()("@tacit/core/AttachmentStore") {}
