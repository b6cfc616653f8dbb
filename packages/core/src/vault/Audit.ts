/**
 * Reading a whole vault once: opens every stored piece, and says whether together they are what the ledger knows.
 *
 * Spec: docs/spec/12-vault.md §12.6.
 * Vectors: vectors/vault.
 * Keeps names and versions; values pass through.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Ledger from "./Ledger.ts"
import * as SealedRecord from "./SealedRecord.ts"
import { fail, type VaultFailure } from "./VaultFailure.ts"
import type { VaultKeys } from "./VaultKeys.ts"

/** A record of which all pieces were found. */
export interface Known {
  readonly version: number
  /** Ids of its pieces, in order. */
  readonly ids: ReadonlyArray<Uint8Array>
}

interface Found {
  readonly version: number
  readonly pieces: number
  readonly ids: Array<Uint8Array | undefined>
}

/** One reading of a vault. */
export class Audit {
  private readonly crypto: CryptoProvider
  private readonly keys: VaultKeys
  private readonly found = new Map<string, Found>()
  private readonly marks = new Uint8Array(32)
  private count = 0
  private torn = false

  constructor(crypto: CryptoProvider, keys: VaultKeys) {
    this.crypto = crypto
    this.keys = keys
  }

  /** Takes one stored piece with the id it was found under. A failure says that this piece does not open. */
  add(id: Uint8Array, stored: Uint8Array): Result.Result<SealedRecord.OpenedPiece, VaultFailure> {
    const opened = SealedRecord.open(this.crypto, this.keys, id, stored)
    if (Result.isFailure(opened)) return opened
    const { name, piece, pieces, version } = opened.success
    this.count++
    Ledger.toggle(this.crypto, this.keys, this.marks, id, version)
    const found = this.found.get(name) ?? { version, pieces, ids: [] }
    // Pieces of two versions: one of them was put back.
    if (found.version !== version || found.pieces !== pieces) this.torn = true
    found.ids[piece] = id
    this.found.set(name, found)
    return opened
  }

  /** Every record by its name, if the pieces are those of the ledger and of the header; `vault.rollback` otherwise. */
  finish(ledger: Ledger.Ledger, generation: number): Result.Result<ReadonlyMap<string, Known>, VaultFailure> {
    if (
      this.torn ||
      ledger.generation !== generation ||
      ledger.count !== this.count ||
      !Bytes.constantTimeEqual(ledger.marks, this.marks)
    ) {
      return fail("vault.rollback")
    }
    const known = new Map<string, Known>()
    for (const [name, { ids, pieces, version }] of this.found) {
      const whole = ids.filter((id) => id !== undefined)
      if (whole.length !== pieces) return fail("vault.rollback")
      known.set(name, { version, ids: whole })
    }
    return Result.succeed(known)
  }
}
