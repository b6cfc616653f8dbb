/**
 * What an application does with files.
 *
 * Spec: docs/spec/11-attachments.md.
 * Types only; the programs are beside it.
 */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { Attachment, Peer, Sent } from "../Api.ts"
import type { ClientError, SendError } from "../Errors.ts"
import type { AttachmentError } from "./AttachmentErrors.ts"

/** A file, or the beginning of one: its length, and its bytes from the first on in pieces of any size. `bytes` is run more than once. */
export interface FileSource<E = never> {
  readonly length: number
  readonly bytes: Stream.Stream<Uint8Array, E>
}

/** What is said about a file, and how it is sent. */
export interface UploadOptions {
  /** At most 255 bytes of UTF-8, no path. Empty when nothing is said. */
  readonly name?: string
  /** `application/octet-stream` when nothing is said. */
  readonly mediaType?: string
  /** Something small to show before the file is fetched, sealed in the message: 1 to 32,768 bytes. */
  readonly preview?: { readonly mediaType: string; readonly data: Uint8Array }
  /** When it is to be gone, ms; the store may say earlier. */
  readonly expiresAt?: number
  /**
   * A name of one's own for this upload, 1 to 256 characters. With it the upload goes on where it was cut, after a restart too, and one that is
   * complete is not repeated: the same name gives the same attachment until it expires. Without it nothing is stored on the way.
   */
  readonly resume?: string
}

/** How an upload gets on: bytes of the sealed file that the store has; and at its end what is to be sent. */
export type UploadProgress =
  | { readonly state: "uploading"; readonly sent: number; readonly of: number }
  | { readonly state: "uploaded"; readonly sent: number; readonly of: number; readonly attachment: Attachment }

/** The same, and at last the message. */
export type AttachProgress =
  | UploadProgress
  | { readonly state: "sent"; readonly attachment: Attachment; readonly message: Sent }

/** How files are sent with a message. */
export interface AttachOptions extends UploadOptions {
  readonly replyTo?: string
}

export interface DownloadOptions<E = never> {
  /** What was fetched before: the beginning of the file. Only what is behind it is given. */
  readonly have?: FileSource<E>
  /** A longer file is not fetched. */
  readonly maxBytes?: number
}

/** The next bytes of a file; `received` of `of` bytes are there with them, what one had included. */
export interface DownloadPiece {
  readonly bytes: Uint8Array
  readonly received: number
  readonly of: number
}

/** Files of a client. Every operation fails with `AttachmentError`, reason `off`, where the client has no attachment store. */
export interface AttachmentApi {
  /**
   * Seals a file under a key of its own and uploads it; runs as it is pulled, in memory that does not grow with the file. The last element carries
   * what is to be sent, to as many as one likes: `send(peer, { type: "attachment", ...attachment })`.
   */
  readonly upload: <E>(
    source: FileSource<E>,
    options?: UploadOptions
  ) => Stream.Stream<UploadProgress, ClientError | AttachmentError | E>
  /** Uploads a file and sends it; with `resume` once, whatever happens in between. */
  readonly send: <E>(
    peer: Peer,
    source: FileSource<E>,
    options?: AttachOptions
  ) => Stream.Stream<AttachProgress, SendError | AttachmentError | E>
  /**
   * Fetches a file, each chunk given out when it was opened. Only when the stream ends by itself the file is whole and what the message says; until
   * then what came is provisional. What failed with `unreachable` goes on with `have`.
   */
  readonly download: <E = never>(
    attachment: Attachment,
    options?: DownloadOptions<E>
  ) => Stream.Stream<DownloadPiece, AttachmentError | E>
  /** Bytes `from` up to `to` (that one not included), by the chunks that hold them. */
  readonly range: (attachment: Attachment, from: number, to: number) => Stream.Stream<Uint8Array, AttachmentError>
  /** Deletes a file that this device uploaded, by its id, from the store. Those who fetched it have it. Answers whether this device could. */
  readonly remove: (id: string) => Effect.Effect<boolean, ClientError | AttachmentError>
}
