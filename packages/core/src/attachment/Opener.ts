/**
 * Opening a whole sealed file that comes in pieces of any size: each chunk is released when it was opened, the file is good at the end.
 *
 * Spec: docs/spec/11-attachments.md §11.3.
 * Vectors: vectors/attachment.
 * Holds at most one sealed chunk. For a part of a file: attachment/RangeOpener.ts.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as ChunkStream from "../crypto/ChunkStream.ts"
import type { CryptoProvider, Sha256 } from "../crypto/Provider.ts"
import { type AttachmentCause, type AttachmentFailure, fail } from "./AttachmentFailure.ts"
import { ChunkOpener } from "./ChunkOpener.ts"
import * as SealedFile from "./SealedFile.ts"

/** What one sealed file is known by: key and id (32 bytes each), length of the file. */
export interface FileKey {
  readonly key: Uint8Array
  readonly id: Uint8Array
  readonly length: number
}

/** Opens one sealed file. After a failure, or `end`, it takes nothing more. */
export class Opener {
  /** What was opened before the failure, in the piece that brought it; it counts (rule attachment.open.1). */
  released: ReadonlyArray<Uint8Array> = []
  private readonly crypto: CryptoProvider
  private readonly file: FileKey
  private readonly hash: Sha256
  private readonly header = new Uint8Array(SealedFile.headerBytes)
  private filled = 0
  /** Chunks taken by {@link reseal}. */
  private known = 0
  private resealing: Uint8Array | undefined
  private chunks: ChunkOpener | undefined
  private failure: Result.Result<never, AttachmentFailure> | undefined

  constructor(crypto: CryptoProvider, file: FileKey) {
    this.crypto = crypto
    this.file = file
    this.hash = crypto.sha256Start()
  }

  /** Takes the next bytes of the sealed file; gives what they open. */
  push(piece: Uint8Array): Result.Result<ReadonlyArray<Uint8Array>, AttachmentFailure> {
    if (this.failure !== undefined) return this.failure
    this.hash.update(piece)
    const out: Array<Uint8Array> = []
    let rest = piece
    if (this.filled < this.header.length) {
      const part = piece.subarray(0, this.header.length - this.filled)
      this.header.set(part, this.filled)
      this.filled += part.length
      if (this.filled < this.header.length) return Result.succeed(out)
      const key = SealedFile.unlock(this.crypto, this.file.key, this.header)
      if (Result.isFailure(key)) return this.stop(key.failure.cause)
      this.resealing = key.success
      rest = piece.subarray(part.length)
    }
    if (rest.length === 0) return Result.succeed(out)
    const cause = this.opener().push(rest, out)
    if (cause === undefined) return Result.succeed(out)
    this.released = out
    return this.stop(cause)
  }

  /**
   * Between header and chunks: a chunk of the file (65,536 bytes, not the last chunk) that was opened earlier. It is sealed again for its part
   * in the hash (rule attachment.resume.1); what is pushed next begins with the chunk behind it.
   */
  reseal(plaintext: Uint8Array): void {
    if (this.failure !== undefined || this.resealing === undefined) return
    this.hash.update(ChunkStream.sealChunk(this.crypto, this.resealing, this.known++, false, plaintext))
  }

  /** Nothing comes any more. Succeeds when the file is whole and what its id says (rule attachment.open.3). */
  end(): Result.Result<void, AttachmentFailure> {
    if (this.failure !== undefined) return this.failure
    if (this.filled < this.header.length || !this.opener().isDone) return this.stop("attachment.truncated")
    const right = Bytes.constantTimeEqual(this.hash.digest(), this.file.id)
    const stopped = this.stop("attachment.digest")
    return right ? Result.succeed(undefined) : stopped
  }

  /** Wipes the key of the chunks. */
  close(): void {
    this.stop("attachment.truncated")
  }

  private opener(): ChunkOpener {
    const { length } = this.file
    if (this.chunks === undefined) {
      const key = this.resealing!
      this.chunks = new ChunkOpener(this.crypto, key, length, this.known, SealedFile.chunkCount(length))
    }
    return this.chunks
  }

  private stop(cause: AttachmentCause): Result.Result<never, AttachmentFailure> {
    const failure = fail(cause)
    this.failure ??= failure
    if (this.resealing !== undefined) Bytes.wipe(this.resealing)
    return failure
  }
}

/** How many whole chunks, not counting the last one, of a file of `length` bytes are in its first `bytes`. */
export const wholeChunks = (length: number, bytes: number): number =>
  Math.min(Math.floor(bytes / Limits.streamChunkBytes), SealedFile.chunkCount(length) - 1)
