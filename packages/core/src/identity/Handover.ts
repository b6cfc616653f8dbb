/**
 * An account's secrets on their way from one device's custody to another's: sealed under a key that both agreed on.
 *
 * Spec: docs/spec/04-accounts.md §4.1 rules handover.seal.1–2.
 * Does not agree on the key, and does not decide who may have it: linking does.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { fail, type Failure } from "../base/Failure.ts"
import * as Layout from "../codec/Layout.ts"
import * as Refusal from "../codec/Refusal.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Account from "./Account.ts"

const version = 1

/** Length of the nonce, in bytes. */
export const nonceBytes = 12

const Sealed = Layout.tuple({
  version: Layout.literal(version),
  nonce: Layout.bytes({ length: nonceBytes }),
  sealed: Layout.bytes({ max: 128 })
})

/** `[1, nonce, sealed]`: the secrets' record under `key` (32 bytes, for this once), bound to `ad`. */
export const seal = (
  crypto: CryptoProvider,
  key: Uint8Array,
  nonce: Uint8Array,
  ad: Uint8Array,
  secrets: Account.AccountSecrets
): Uint8Array => {
  const plain = Account.encode(secrets)
  const sealed = crypto.chachaSeal(key, nonce, ad, plain)
  Bytes.wipe(plain)
  return Sealed.encode({ version, nonce, sealed })
}

/**
 * The secrets out of what {@link seal} gave, if they are those of the account and alias keys named. Fails with `decode.*`, `auth.tag` when
 * it does not open, `auth.account` when they are those of another account.
 */
export const open = (
  crypto: CryptoProvider,
  key: Uint8Array,
  ad: Uint8Array,
  bytes: Uint8Array,
  account: Account.AccountPublics
): Result.Result<Account.AccountSecrets, Failure> => {
  const decoded = Refusal.decode(Sealed, bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const plain = crypto.chachaOpen(key, decoded.success.nonce, ad, decoded.success.sealed)
  if (plain === undefined) return fail("auth.tag")
  const secrets = Account.decode(plain)
  // Whoever sealed it had the key: a later version is all that is left to be told.
  if (Result.isFailure(secrets)) return fail("decode.value")
  Bytes.wipe(plain)
  const { account: id, alias } = Account.derive(crypto, secrets.success)
  if (Bytes.equal(id, account.account) && Bytes.equal(alias, account.alias)) return Result.succeed(secrets.success)
  Bytes.wipe(secrets.success.identity, secrets.success.alias)
  return fail("auth.account")
}
