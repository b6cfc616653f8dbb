/**
 * One stored record, sealed: its name and value in one piece or two, bound to id and version.
 *
 * Spec: docs/spec/12-vault.md §12.5.
 * Vectors: vectors/vault.
 * Does not know which version is the newest: vault/Ledger.ts does.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Stored from "../codec/Stored.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Suite from "../crypto/Suite.ts"
import * as Padding from "../envelope/Padding.ts"
import { fail, unreadable, type VaultFailure } from "./VaultFailure.ts"
import { idOf, type VaultKeys } from "./VaultKeys.ts"

const format = 1
const suite = 1

/** Bytes of a nonce; drawn for every piece. */
export const nonceBytes = 12

/** Names are those of a store: 1 to 256 printable ASCII characters. */
const name = Layout.text({ min: 1, max: 256 })

/** What is sealed, before padding. */
export const PieceLayout = Layout.tuple({ name, bytes: Layout.bytes({ max: Limits.vaultPieceBytes }) })

/** A sealed piece as it is stored. `version` is the ledger's clock when it was written. */
export const RecordLayout = Layout.tuple({
  format: Layout.literal(format),
  version: Layout.uint({ min: 1 }),
  piece: Layout.uint({ max: Limits.maxVaultPieces - 1 }),
  pieces: Layout.uint({ min: 1, max: Limits.maxVaultPieces }),
  nonce: Layout.bytes({ length: nonceBytes }),
  sealed: Layout.bytes({ min: Limits.paddingFloor + 16, max: Padding.paddedLength(PieceLayout.maxBytes + 1) + 16 })
})

/** A piece ready to be stored. */
export interface SealedPiece {
  readonly id: Uint8Array
  readonly bytes: Uint8Array
}

/** An opened piece. `bytes` belong to the caller. */
export interface OpenedPiece {
  readonly name: string
  readonly version: number
  readonly piece: number
  readonly pieces: number
  readonly bytes: Uint8Array
}

/** Pieces of a value of `length` bytes. */
export const piecesOf = (length: number): number => Math.max(1, Math.ceil(length / Limits.vaultPieceBytes))

const keyOf = (
  crypto: CryptoProvider,
  keys: VaultKeys,
  id: Uint8Array,
  { piece, pieces, version }: { readonly version: number; readonly piece: number; readonly pieces: number }
): Uint8Array =>
  crypto.hkdfExpand(
    keys.records,
    Labels.prefixed(Labels.vaultRecord, id, Bytes.be64(version), Uint8Array.of(piece, pieces)),
    32
  )

/** Seals a value under a name. `nonce` gives 12 fresh random bytes at every call. */
export const seal = (
  crypto: CryptoProvider,
  keys: VaultKeys,
  record: { readonly name: string; readonly value: Uint8Array; readonly version: number },
  nonce: () => Uint8Array
): ReadonlyArray<SealedPiece> => {
  const pieces = piecesOf(record.value.length)
  return Array.from({ length: pieces }, (_, piece) => {
    const bytes = record.value.subarray(piece * Limits.vaultPieceBytes, (piece + 1) * Limits.vaultPieceBytes)
    const encoded = PieceLayout.encode({ name: record.name, bytes })
    const plain = Padding.pad(encoded)
    const id = idOf(crypto, keys, record.name, piece)
    const place = { version: record.version, piece, pieces }
    const key = keyOf(crypto, keys, id, place)
    const drawn = nonce()
    const sealed = Suite.seal(crypto, suite, key, drawn, Bytes.empty, plain)
    Bytes.wipe(encoded, plain, key)
    return { id, bytes: RecordLayout.encode({ format, ...place, nonce: drawn, sealed }) }
  })
}

/**
 * Opens a stored piece at the id it was found under. Fails with `state.corrupt` or `state.version` when it is none, with `vault.damaged`
 * when it was altered, belongs to another id, or says another version or place than it was sealed with.
 */
export const open = (
  crypto: CryptoProvider,
  keys: VaultKeys,
  id: Uint8Array,
  stored: Uint8Array
): Result.Result<OpenedPiece, VaultFailure> => {
  const decoded = Stored.decode(RecordLayout, format, stored)
  if (Result.isFailure(decoded)) return Result.fail(unreadable(decoded.failure))
  const { nonce, piece, pieces, sealed, version } = decoded.success
  const key = keyOf(crypto, keys, id, { version, piece, pieces })
  const plain = Suite.open(crypto, suite, key, nonce, Bytes.empty, sealed)
  Bytes.wipe(key)
  if (plain === undefined) return fail("vault.damaged")
  const content = Padding.unpad(plain)
  const inner = Result.isSuccess(content) ? PieceLayout.decode(content.success) : undefined
  Bytes.wipe(plain)
  // What authenticates and is not a piece was sealed by other software under this version.
  if (inner === undefined || Result.isFailure(inner)) return fail("state.corrupt")
  if (!Bytes.equal(idOf(crypto, keys, inner.success.name, piece), id)) return fail("vault.damaged")
  return Result.succeed({ ...inner.success, version, piece, pieces })
}
