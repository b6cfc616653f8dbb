/**
 * Files for programs that do not use Effect.
 *
 * Spec: docs/spec/11-attachments.md.
 * Members interpret one Effect or stream each and add nothing.
 */
import type * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as Api from "../client/attachment/AttachmentApi.ts"
import type { Attachment, Peer } from "../client/Api.ts"

/** For calls that can be given up. */
interface CallOptions {
  readonly signal?: AbortSignal
}

/**
 * A file, or the beginning of one: bytes; or its length and a function that gives its bytes from the first on, in pieces of any size, each time it is
 * called.
 */
export type PromiseFileSource =
  | Uint8Array
  | { readonly length: number; readonly bytes: () => AsyncIterable<Uint8Array> }

/** {@link Api.DownloadOptions} with promises. */
export interface PromiseDownloadOptions {
  readonly have?: PromiseFileSource
  readonly maxBytes?: number
}

/** {@link Api.AttachmentApi} with promises and async iterators. What a source throws comes out as it is. */
export interface PromiseAttachments {
  /** Runs as it is pulled; the last element carries the attachment. */
  upload(source: PromiseFileSource, options?: Api.UploadOptions, call?: CallOptions): AsyncIterable<Api.UploadProgress>
  send(
    peer: Peer,
    source: PromiseFileSource,
    options?: Api.AttachOptions,
    call?: CallOptions
  ): AsyncIterable<Api.AttachProgress>
  /** Only when the loop ends by itself the file is whole and what the message says. */
  download(
    attachment: Attachment,
    options?: PromiseDownloadOptions,
    call?: CallOptions
  ): AsyncIterable<Api.DownloadPiece>
  range(attachment: Attachment, from: number, to: number, call?: CallOptions): AsyncIterable<Uint8Array>
  remove(id: string, call?: CallOptions): Promise<boolean>
}

type Run = <A, E>(effect: Effect.Effect<A, E>, call?: CallOptions) => Promise<A>
type Iterate = <A, E>(stream: Stream.Stream<A, E>, call?: CallOptions) => AsyncIterable<A>

const sourceOf = (source: PromiseFileSource): Api.FileSource<unknown> =>
  source instanceof Uint8Array
    ? { length: source.length, bytes: Stream.make(source) }
    : {
        length: source.length,
        bytes: Stream.suspend(() => Stream.fromAsyncIterable(source.bytes(), (error) => error))
      }

/** The operations, run by `run`, and streams by `iterate`. */
export const make = (api: Api.AttachmentApi, run: Run, iterate: Iterate): PromiseAttachments => ({
  upload: (source, options, call) => iterate(api.upload(sourceOf(source), options), call),
  send: (peer, source, options, call) => iterate(api.send(peer, sourceOf(source), options), call),
  download: (attachment, { have, maxBytes } = {}, call) =>
    iterate(
      api.download(attachment, {
        ...(have === undefined ? {} : { have: sourceOf(have) }),
        ...(maxBytes === undefined ? {} : { maxBytes })
      }),
      call
    ),
  range: (attachment, from, to, call) => iterate(api.range(attachment, from, to), call),
  remove: (id, call) => run(api.remove(id), call)
})
