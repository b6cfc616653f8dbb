/**
 * Digest of a history, or of a part of it: equal on devices that have the same entries.
 *
 * Spec: docs/spec/23-history.md §23.2.
 * Vectors: vectors/history.
 */
import * as Bytes from "../base/Bytes.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import { placeBytes } from "./Entry.ts"

/** Digest (32 bytes) of entries by their places, in order and one after the other (rule history.digest.1). */
export const ofPlaces = (crypto: CryptoProvider, places: Uint8Array): Uint8Array =>
  crypto.sha256(Labels.prefixed(Labels.historyDigest, Bytes.be64(places.length / placeBytes), places))

/** Fingerprint (16 bytes) of a range in an exchange (rule history.fingerprint.1). */
export const fingerprint = (crypto: CryptoProvider, exchange: Uint8Array, places: Uint8Array): Uint8Array =>
  crypto
    .sha256(Labels.prefixed(Labels.historyRange, exchange, Bytes.be64(places.length / placeBytes), places))
    .slice(0, 16)
