/**
 * The keys of an account: what its custody stores and what everybody may know.
 *
 * Spec: docs/spec/04-accounts.md §4.1; docs/spec/16-state.md §16.1.
 * Does not keep or use the keys; the key custody does.
 */
import * as Result from "effect/Result"
import * as Layout from "../codec/Layout.ts"
import * as Stored from "../codec/Stored.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"

/** Secrets of an account, 32 bytes each, drawn independently. */
export interface AccountSecrets {
  /** Ed25519 seed of the identity key. */
  readonly identity: Uint8Array
  /** Ed25519 seed of the alias key. */
  readonly alias: Uint8Array
}

/** What is known of an account, 32 bytes each. */
export interface AccountPublics {
  /** The identity public key: the account id. */
  readonly account: Uint8Array
  readonly alias: Uint8Array
}

/** Public halves of the secrets. */
export const derive = (crypto: CryptoProvider, secrets: AccountSecrets): AccountPublics => ({
  account: crypto.ed25519PublicKey(secrets.identity),
  alias: crypto.ed25519PublicKey(secrets.alias)
})

const version = 1
const Record = Layout.tuple({
  version: Layout.literal(version),
  identity: Layout.bytes({ length: 32 }),
  alias: Layout.bytes({ length: 32 })
})

/** The custody's record of an account. */
export const encode = ({ alias, identity }: AccountSecrets): Uint8Array => Record.encode({ version, identity, alias })

const Joined = Layout.tuple({
  version: Layout.literal(version),
  account: Layout.bytes({ length: 32 }),
  alias: Layout.bytes({ length: 32 })
})

/** The custody's record of the account that a device joined without its secrets. */
export const encodeJoined = ({ account, alias }: AccountPublics): Uint8Array =>
  Joined.encode({ version, account, alias })

/** Reads a record of {@link encodeJoined}. */
export const decodeJoined = (bytes: Uint8Array): Result.Result<AccountPublics, Stored.Unreadable> =>
  Result.map(Stored.decode(Joined, version, bytes), ({ account, alias }) => ({ account, alias }))

/** Reads a record of {@link encode}. */
export const decode = (bytes: Uint8Array): Result.Result<AccountSecrets, Stored.Unreadable> =>
  Result.map(Stored.decode(Record, version, bytes), ({ alias, identity }) => ({ identity, alias }))
