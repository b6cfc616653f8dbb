/**
 * The header of a vault: how its secret is stretched, and the device key wrapped under it.
 *
 * Spec: docs/spec/12-vault.md §12.2, §12.3.
 * Vectors: vectors/vault.
 * Draws neither salt nor key, and stores nothing.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Layout from "../codec/Layout.ts"
import * as Stored from "../codec/Stored.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Suite from "../crypto/Suite.ts"
import { type Kdf, KdfLayout, keyBytes, type Secret, stretch } from "./Kdf.ts"
import { fail, unreadable, type VaultFailure } from "./VaultFailure.ts"

/** Version of headers, records and ledgers. */
export const version = 1

/** What the records of the store are: all sealed; being sealed one after the other; being unsealed. */
export const states = { sealed: 1, sealing: 2, unsealing: 3 } as const
export type State = (typeof states)[keyof typeof states]

const suite = 1
const headFields = {
  version: Layout.literal(version),
  state: Layout.uint({ min: 1, max: 3 }),
  vault: Layout.bytes({ length: 16 }),
  generation: Layout.uint({ min: 1 }),
  kdf: KdfLayout,
  verifier: Layout.bytes({ length: 32 })
}

/** What the wrapping binds: everything of a header that stands before the wrapped key. */
export const HeadLayout = Layout.tuple(headFields)

/** A header as it is stored. `digest` tells accidental damage from a wrong secret. */
export const HeaderLayout = Layout.tuple({
  ...headFields,
  wrapped: Layout.bytes({ length: keyBytes + 16 }),
  digest: Layout.bytes({ length: 16 })
})
export type Header = Layout.Type<typeof HeaderLayout>

/** What a header is made of. Every header has a salt of its own or a generation of its own under one secret. */
export interface Contents {
  readonly state: State
  /** 16 bytes, random, for ever. */
  readonly vault: Uint8Array
  /** Rises with every header that is written. */
  readonly generation: number
  readonly kdf: Kdf
}

const digestOf = (crypto: CryptoProvider, head: Uint8Array, wrapped: Uint8Array): Uint8Array =>
  crypto.sha256(Labels.prefixed(Labels.vaultDigest, head, wrapped)).slice(0, 16)

/** Verifier ‖ wrapping secret. */
const unlockKeys = (crypto: CryptoProvider, kdf: Kdf, stretched: Uint8Array) => {
  const keys = crypto.hkdfSha256(stretched, kdf.salt, Labels.prefixed(Labels.vaultUnlock, KdfLayout.encode(kdf)), 64)
  return { verifier: keys.slice(0, 32), wrapping: keys.subarray(32), all: keys }
}

const wrappingKey = (crypto: CryptoProvider, wrapping: Uint8Array, head: Uint8Array): Uint8Array =>
  crypto.hkdfExpand(wrapping, Labels.prefixed(Labels.vaultHeader, head), 44)

/** Bytes of a header that wraps `deviceKey` (32 bytes) under what {@link stretch} gave. */
export const make = (
  crypto: CryptoProvider,
  contents: Contents,
  stretched: Uint8Array,
  deviceKey: Uint8Array
): Uint8Array => {
  const { all, verifier, wrapping } = unlockKeys(crypto, contents.kdf, stretched)
  const { generation, kdf, state, vault } = contents
  const fields = { version, state, vault, generation, kdf, verifier } as const
  const head = HeadLayout.encode(fields)
  const key = wrappingKey(crypto, wrapping, head)
  const wrapped = Suite.seal(crypto, suite, key.subarray(0, 32), key.subarray(32), Bytes.empty, deviceKey)
  Bytes.wipe(all, key)
  return HeaderLayout.encode({ ...fields, wrapped, digest: digestOf(crypto, head, wrapped) })
}

/** Reads a header and finds accidental damage. Fails with `state.corrupt`, `state.version` or `vault.damaged`. */
export const decode = (crypto: CryptoProvider, bytes: Uint8Array): Result.Result<Header, VaultFailure> => {
  const decoded = Stored.decode(HeaderLayout, version, bytes)
  if (Result.isFailure(decoded)) return Result.fail(unreadable(decoded.failure))
  const header = decoded.success
  return Bytes.equal(header.digest, digestOf(crypto, HeadLayout.encode(header), header.wrapped))
    ? Result.succeed(header)
    : fail("vault.damaged")
}

/** An opened header. The caller wipes both keys. */
export interface OpenedHeader {
  readonly header: Header
  /** 32 bytes. */
  readonly deviceKey: Uint8Array
  /** 32 bytes: opens this header again without stretching. */
  readonly stretched: Uint8Array
}

/**
 * Opens a header. Fails with `vault.kdf` or `vault.method` before anything is computed, with `vault.secret` for a wrong passphrase or
 * key, and with `vault.damaged` when the secret is right and the header is not what it was (rule vault.open.1).
 */
export const open = (
  crypto: CryptoProvider,
  bytes: Uint8Array,
  secret: Secret
): Result.Result<OpenedHeader, VaultFailure> => {
  const decoded = decode(crypto, bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const header = decoded.success
  const stretched = stretch(crypto, header.kdf, secret)
  if (Result.isFailure(stretched)) return Result.fail(stretched.failure)
  const { all, verifier, wrapping } = unlockKeys(crypto, header.kdf, stretched.success)
  const refuse = (failure: Result.Result<never, VaultFailure>) => {
    Bytes.wipe(all, stretched.success)
    return failure
  }
  if (!Bytes.constantTimeEqual(verifier, header.verifier)) return refuse(fail("vault.secret"))
  const key = wrappingKey(crypto, wrapping, HeadLayout.encode(header))
  const deviceKey = Suite.open(crypto, suite, key.subarray(0, 32), key.subarray(32), Bytes.empty, header.wrapped)
  Bytes.wipe(key)
  if (deviceKey === undefined) return refuse(fail("vault.damaged"))
  Bytes.wipe(all)
  return Result.succeed({ header, deviceKey, stretched: stretched.success })
}
