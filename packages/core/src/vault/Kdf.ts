/**
 * From what a person or a machine knows to the 32 bytes that open a vault: Argon2id of a passphrase, or a key as it is.
 *
 * Spec: docs/spec/12-vault.md §12.2.
 * Vectors: vectors/vault.
 * Does not ask for a passphrase and draws no salt.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { defect } from "../base/Defect.ts"
import * as Limits from "../base/Limits.ts"
import * as Utf8 from "../base/Utf8.ts"
import * as Layout from "../codec/Layout.ts"
import type { Argon2Cost, CryptoProvider } from "../crypto/Provider.ts"
import { fail, type VaultFailure } from "./VaultFailure.ts"

const salt = Layout.bytes({ length: 16 })

/** How a header says that its secret was stretched: `[1, salt, memory KiB, passes, lanes]` or `[2, salt]`. */
export const KdfLayout = Layout.oneOf(
  Layout.tuple({
    method: Layout.literal(1),
    salt,
    memoryKiB: Layout.uint(),
    passes: Layout.uint(),
    lanes: Layout.uint()
  }),
  Layout.tuple({ method: Layout.literal(2), salt })
)
export type Kdf = Layout.Type<typeof KdfLayout>

/** What opens a vault. `passphrase` is {@link passphraseBytes}; `key` and `stretched` are 32 bytes. */
export type Secret =
  | { readonly type: "passphrase"; readonly passphrase: Uint8Array }
  | { readonly type: "key"; readonly key: Uint8Array }
  /** What {@link stretch} gave before: opens the same header, and no other one. */
  | { readonly type: "stretched"; readonly stretched: Uint8Array }

/** Length of a key that opens a vault, and of what stretching gives. */
export const keyBytes = 32

/** What new vaults use: the second choice that RFC 9106 §4 recommends. */
export const recommended: Argon2Cost = {
  memoryKiB: Limits.vaultMemoryKiB,
  passes: Limits.vaultPasses,
  lanes: Limits.vaultLanes
}

/** Whether a cost lies within the bounds (rule vault.kdf.2). */
export const isAdmissible = ({ lanes, memoryKiB, passes }: Argon2Cost): boolean => {
  const work = memoryKiB * passes
  return (
    memoryKiB >= Limits.vaultMinMemoryKiB &&
    memoryKiB <= Limits.vaultMaxMemoryKiB &&
    passes >= 1 &&
    work >= Limits.vaultMinWorkKiB &&
    work <= Limits.vaultMaxWorkKiB &&
    lanes >= 1 &&
    lanes <= Limits.vaultMaxLanes
  )
}

/** A passphrase as bytes: UTF-8 of its form C, 1 to 1,024 bytes; `undefined` for any other text (rule vault.kdf.3). */
export const passphraseBytes = (text: string): Uint8Array | undefined => {
  if (text.length > Limits.maxPassphraseBytes || !Utf8.isWellFormed(text)) return undefined
  const bytes = Bytes.utf8Encode(text.normalize("NFC"))
  return bytes.length >= 1 && bytes.length <= Limits.maxPassphraseBytes ? bytes : undefined
}

/** The method that a kind of secret belongs to; a stretched one fits any. */
export const methodOf = (secret: Secret): Kdf["method"] | undefined =>
  secret.type === "passphrase" ? 1 : secret.type === "key" ? 2 : undefined

/**
 * The 32 bytes out of a secret, in an array of their own that the caller wipes. Fails with `vault.method` when the secret is of
 * another kind, with `vault.kdf` when the cost is out of bounds; nothing is computed before that.
 */
export const stretch = (crypto: CryptoProvider, kdf: Kdf, secret: Secret): Result.Result<Uint8Array, VaultFailure> => {
  if (kdf.method === 1 && !isAdmissible(kdf)) return fail("vault.kdf")
  const method = methodOf(secret)
  if (method !== undefined && method !== kdf.method) return fail("vault.method")
  if (secret.type === "passphrase") {
    if (kdf.method !== 1) return fail("vault.method")
    return Result.succeed(crypto.argon2id(secret.passphrase, kdf.salt, kdf, keyBytes))
  }
  const given = secret.type === "key" ? secret.key : secret.stretched
  return given.length === keyBytes ? Result.succeed(given.slice()) : defect("a vault's key is 32 bytes")
}
