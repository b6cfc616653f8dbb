/**
 * A header key together with what is computed from it once: its session tag, its AEAD key and its associated data.
 *
 * Spec: docs/spec/06-ratchet.md §6.3, docs/spec/03-envelopes.md §3.3.
 * Vectors: vectors/ratchet.
 * Only the 32-byte key is stored; the rest is derived again when a record is read.
 */
import * as Bytes from "../base/Bytes.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import type { SuiteId } from "../crypto/Suite.ts"
import * as Suite from "../crypto/Suite.ts"
import * as SessionTag from "../envelope/SessionTag.ts"

/** A header key of one session. Its arrays keep their identity from state to state. */
export interface HeaderKey {
  /** 32 bytes. */
  readonly key: Uint8Array
  /** The AEAD key: the same array in suites 1 and 2, 64 derived bytes in suite 3 (rule ratchet.header.3). */
  readonly sealing: Uint8Array
  /** 16 bytes; public. */
  readonly tag: Uint8Array
  /** Associated data of headers: the session's AD ‖ tag, 48 bytes. */
  readonly ad: Uint8Array
}

const zeros = new Uint8Array(32)
const wideInfo = Labels.prefixed(Labels.headerKey, Bytes.be8(3))

/** Takes a header key (32 bytes, kept by reference) into use in a session with this AD (32 bytes). */
export const make = (crypto: CryptoProvider, suite: SuiteId, sessionAd: Uint8Array, key: Uint8Array): HeaderKey => {
  const tag = SessionTag.derive(crypto, key)
  const sealing = suite === 3 ? crypto.hkdfSha256(key, zeros, wideInfo, Suite.suites[3].keyLength) : key
  return { key, sealing, tag, ad: Bytes.concat(sessionAd, tag) }
}
