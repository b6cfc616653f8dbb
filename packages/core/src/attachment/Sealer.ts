/**
 * Sealing a file that comes in pieces of any size, chunk by chunk, with its padding and its id.
 *
 * Spec: docs/spec/11-attachments.md §11.1.
 * Vectors: vectors/attachment.
 * Holds at most one chunk. Whoever may have to send a chunk again keeps the sealed bytes (rule attachment.once.1).
 */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as ChunkStream from "../crypto/ChunkStream.ts"
import type { CryptoProvider, Sha256 } from "../crypto/Provider.ts"
import * as SealedFile from "./SealedFile.ts"

/** The file is not as long as it was said to be. */
export class WrongLength extends Data.TaggedClass("WrongLength")<{ readonly reason: "longer" | "shorter" }> {}

/** Seals one file of `length` bytes under a fresh key and salt (32 bytes each). After a failure, or `id`, it seals nothing more. */
export class Sealer {
  /** The first bytes of the sealed file: {@link SealedFile.headerBytes}. */
  readonly header: Uint8Array
  private readonly crypto: CryptoProvider
  private readonly length: number
  private readonly key: Uint8Array
  private readonly count: number
  private readonly hash: Sha256
  private chunk: Uint8Array
  private filled = 0
  private taken = 0
  private index = 0

  constructor(crypto: CryptoProvider, attachmentKey: Uint8Array, salt: Uint8Array, length: number) {
    const { header, key } = SealedFile.make(crypto, attachmentKey, salt)
    this.crypto = crypto
    this.length = length
    this.key = key
    this.header = header
    this.count = SealedFile.chunkCount(length)
    this.chunk = new Uint8Array(this.room())
    this.hash = crypto.sha256Start()
    this.hash.update(header)
  }

  /** Takes the next bytes of the file; gives the chunks they completed. */
  push(piece: Uint8Array): Result.Result<ReadonlyArray<Uint8Array>, WrongLength> {
    if (this.taken + piece.length > this.length) {
      this.close()
      return Result.fail(new WrongLength({ reason: "longer" }))
    }
    this.taken += piece.length
    const sealed: Array<Uint8Array> = []
    for (let at = 0; at < piece.length;) {
      const part = piece.subarray(at, at + this.chunk.length - this.filled)
      this.chunk.set(part, this.filled)
      this.filled += part.length
      at += part.length
      if (this.filled === this.chunk.length) sealed.push(this.seal())
    }
    return Result.succeed(sealed)
  }

  /**
   * After the last byte of the file: the next chunk of what remains, padding included; `undefined` when there is none. Fails when the file was
   * shorter.
   */
  rest(): Result.Result<Uint8Array | undefined, WrongLength> {
    if (this.taken < this.length) {
      this.close()
      return Result.fail(new WrongLength({ reason: "shorter" }))
    }
    return Result.succeed(this.index < this.count ? this.seal() : undefined)
  }

  /** The id (32 bytes), after `rest` gave everything. Wipes the key of the chunks. */
  id(): Uint8Array {
    this.close()
    return this.hash.digest()
  }

  /** Wipes the key of the chunks and what is held of the file. */
  close(): void {
    Bytes.wipe(this.key, this.chunk)
  }

  /** Length of the chunk that is filled now. */
  private room(): number {
    return Math.min(
      Limits.streamChunkBytes,
      SealedFile.paddedLength(this.length) - this.index * Limits.streamChunkBytes
    )
  }

  /** Seals what was filled, and zeros behind it. */
  private seal(): Uint8Array {
    this.chunk.fill(0, this.filled)
    const sealed = ChunkStream.sealChunk(this.crypto, this.key, this.index, this.index === this.count - 1, this.chunk)
    this.hash.update(sealed)
    this.index++
    this.filled = 0
    const room = this.index < this.count ? this.room() : 0
    if (room !== this.chunk.length) {
      Bytes.wipe(this.chunk)
      this.chunk = new Uint8Array(room)
    }
    return sealed
  }
}
