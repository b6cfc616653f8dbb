/**
 * Opening the chunks of a sealed file from one on, as their bytes come.
 *
 * Spec: docs/spec/11-attachments.md §11.3, rules attachment.open.1 and attachment.open.2.
 * Holds at most one sealed chunk. Knows neither header nor id.
 */
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as ChunkStream from "../crypto/ChunkStream.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import type { AttachmentCause } from "./AttachmentFailure.ts"
import * as SealedFile from "./SealedFile.ts"

/** Opens chunks `first` up to `end` (that one not included) of a file of `length` bytes. `key` is wiped when it is closed. */
export class ChunkOpener {
  private readonly crypto: CryptoProvider
  private readonly key: Uint8Array
  private readonly length: number
  private readonly end: number
  private readonly count: number
  private readonly held = new Uint8Array(ChunkStream.sealedChunkBytes)
  private filled = 0
  private index: number

  constructor(crypto: CryptoProvider, key: Uint8Array, length: number, first: number, end: number) {
    this.crypto = crypto
    this.key = key
    this.length = length
    this.index = first
    this.end = end
    this.count = SealedFile.chunkCount(length)
  }

  /** Whether every chunk was opened. */
  get isDone(): boolean {
    return this.index >= this.end
  }

  /** Takes the next bytes and puts what they open into `out`, without padding. Answers why it stops, if it does. */
  push(piece: Uint8Array, out: Array<Uint8Array>): AttachmentCause | undefined {
    for (let at = 0; at < piece.length;) {
      if (this.isDone) return "attachment.size"
      const size = SealedFile.offsetOf(this.length, this.index + 1) - SealedFile.offsetOf(this.length, this.index)
      const part = piece.subarray(at, at + size - this.filled)
      at += part.length
      if (part.length === size) {
        const cause = this.open(part, out)
        if (cause !== undefined) return cause
        continue
      }
      this.held.set(part, this.filled)
      this.filled += part.length
      if (this.filled < size) continue
      this.filled = 0
      const cause = this.open(this.held.subarray(0, size), out)
      if (cause !== undefined) return cause
    }
    return undefined
  }

  /** Wipes the key. */
  close(): void {
    Bytes.wipe(this.key)
  }

  private open(sealed: Uint8Array, out: Array<Uint8Array>): AttachmentCause | undefined {
    const { index } = this
    const plaintext = ChunkStream.openChunk(this.crypto, this.key, index, index === this.count - 1, sealed)
    if (plaintext === undefined) return "attachment.chunk"
    const kept = Math.max(0, Math.min(plaintext.length, this.length - index * Limits.streamChunkBytes))
    if (!Bytes.isZero(plaintext.subarray(kept))) return "attachment.padding"
    this.index++
    if (kept > 0) out.push(kept === plaintext.length ? plaintext : plaintext.slice(0, kept))
    return undefined
  }
}
