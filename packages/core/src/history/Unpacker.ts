/**
 * Reading an archive that comes in pieces of any size: entries as soon as the chunk they end in was opened.
 *
 * Spec: docs/spec/23-history.md §23.5.
 * Vectors: vectors/history.
 * Holds at most one sealed chunk and one item.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as ChunkStream from "../crypto/ChunkStream.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Archive from "./Archive.ts"
import { type ArchiveFailure, fail } from "./ArchiveFailure.ts"
import type { Entry } from "./Entry.ts"
import * as Items from "./Items.ts"

/** What a piece completed. */
export interface Unpacked {
  readonly entries: ReadonlyArray<Entry>
  /** Plaintext bytes so far. */
  readonly bytes: number
}

/** A reader of one archive of `account` under `archiveKey`. After a failure it takes nothing more. */
export class Unpacker {
  private held: Uint8Array = Bytes.empty
  private key: Uint8Array | undefined
  private index = 0
  private bytes = 0
  private position = Items.start
  private failure: Result.Result<never, ArchiveFailure> | undefined
  private readonly crypto: CryptoProvider
  private readonly archiveKey: Uint8Array
  private readonly account: Uint8Array

  constructor(crypto: CryptoProvider, archiveKey: Uint8Array, account: Uint8Array) {
    this.crypto = crypto
    this.archiveKey = archiveKey
    this.account = account
  }

  /** Takes the next piece. Fails with `history.…`. */
  push(piece: Uint8Array): Result.Result<Unpacked, ArchiveFailure> {
    if (this.failure !== undefined) return this.failure
    this.held = this.held.length === 0 ? piece : Bytes.concat(this.held, piece)
    if (this.key === undefined) {
      const unlocked = this.unlock()
      if (unlocked !== undefined) return this.stop(unlocked)
      if (this.key === undefined) return Result.succeed({ entries: [], bytes: 0 })
    }
    const entries: Array<Entry> = []
    // A chunk is the last one if nothing comes behind it: one is always held back.
    let at = 0
    for (; this.held.length - at > ChunkStream.sealedChunkBytes; at += ChunkStream.sealedChunkBytes) {
      const read = this.chunk(this.held.subarray(at, at + ChunkStream.sealedChunkBytes), false)
      if (Result.isFailure(read)) return this.stop(Result.fail(read.failure), entries)
      for (const entry of read.success) entries.push(entry)
    }
    this.held = this.held.slice(at)
    return Result.succeed({ entries, bytes: this.bytes })
  }

  /** Nothing comes any more: opens the last chunk. Fails with `history.…`, `history.truncated` if it is not the last one. */
  end(): Result.Result<Unpacked, ArchiveFailure> {
    if (this.failure !== undefined) return this.failure
    if (this.key === undefined || this.held.length < Limits.tagBytes) return this.stop(fail("history.truncated"))
    const last = this.held
    const read = this.chunk(last, true)
    if (Result.isSuccess(read)) {
      this.stop(fail("history.chunk"))
      return Result.succeed({ entries: read.success, bytes: this.bytes })
    }
    const { index, key } = this
    const goesOn = key !== undefined && Result.isSuccess(Archive.openChunk(this.crypto, key, index, false, last))
    return this.stop(goesOn ? fail("history.truncated") : Result.fail(read.failure))
  }

  /** Entries that were opened before the failure, in the piece that brought it; they count. */
  released: ReadonlyArray<Entry> = []

  private unlock(): Result.Result<never, ArchiveFailure> | undefined {
    if (this.held.length < 2) return undefined
    const length = this.held[0]! * 256 + this.held[1]!
    if (length > Limits.maxArchiveHeaderBytes) return fail("history.header")
    if (this.held.length < 2 + length) return undefined
    const header = Archive.decodeHeader(this.held.subarray(2, 2 + length))
    if (Result.isFailure(header)) return Result.fail(header.failure)
    const key = Archive.unlock(this.crypto, header.success, this.archiveKey, this.account)
    if (Result.isFailure(key)) return Result.fail(key.failure)
    this.key = key.success
    this.held = this.held.slice(2 + length)
    return undefined
  }

  private chunk(sealed: Uint8Array, last: boolean): Result.Result<ReadonlyArray<Entry>, ArchiveFailure> {
    const plaintext = Archive.openChunk(this.crypto, this.key!, this.index, last, sealed)
    if (Result.isFailure(plaintext)) return Result.fail(plaintext.failure)
    const read = Items.read(this.crypto, this.position, plaintext.success, last)
    if (Result.isFailure(read)) return Result.fail(read.failure)
    this.position = read.success.next
    this.index++
    this.bytes += plaintext.success.length
    return Result.succeed(read.success.entries)
  }

  private stop(
    failure: Result.Result<never, ArchiveFailure>,
    released: ReadonlyArray<Entry> = []
  ): Result.Result<never, ArchiveFailure> {
    this.failure = failure
    this.released = released
    this.held = Bytes.empty
    if (this.key !== undefined) Bytes.wipe(this.key)
    this.key = undefined
    return failure
  }
}
