/**
 * The keys of an open vault, out of its device key.
 *
 * Spec: docs/spec/12-vault.md §12.4.
 * Vectors: vectors/vault.
 */
import * as Bytes from "../base/Bytes.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"

/** 32 bytes each. */
export interface VaultKeys {
  readonly names: Uint8Array
  readonly records: Uint8Array
  readonly ledger: Uint8Array
  readonly marks: Uint8Array
}

/** Bytes of the id of a stored piece. */
export const idBytes = 16

/** The keys of a vault (its id is 16 bytes). The device key is not needed after this. */
export const derive = (crypto: CryptoProvider, deviceKey: Uint8Array, vault: Uint8Array): VaultKeys => {
  const all = crypto.hkdfSha256(deviceKey, vault, Labels.prefixed(Labels.vaultKeys), 128)
  const keys = {
    names: all.slice(0, 32),
    records: all.slice(32, 64),
    ledger: all.slice(64, 96),
    marks: all.slice(96)
  }
  Bytes.wipe(all)
  return keys
}

/** Overwrites the keys. */
export const wipe = ({ ledger, marks, names, records }: VaultKeys): void => Bytes.wipe(names, records, ledger, marks)

/** The id under which piece number `piece` of the record called `name` is stored: 16 bytes. */
export const idOf = (crypto: CryptoProvider, keys: VaultKeys, name: string, piece: number): Uint8Array =>
  crypto
    .hmacSha256(keys.names, Labels.prefixed(Labels.vaultName, Uint8Array.of(piece), Bytes.utf8Encode(name)))
    .slice(0, idBytes)
