/**
 * Keeper of the long-term private keys. It signs, agrees and hands the account over sealed, and never returns a key.
 *
 * Spec: docs/spec/04-accounts.md §4.1; docs/spec/19-linking.md.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * The custody cannot serve.
 *
 * - `no-keys`: it has none, or not the public keys of an account that were asked for.
 * - `no-account-key`: it has the device's keys but not the account's; only an admin device signs with the account key.
 * - `exists`: it has keys already.
 * - `unopened`: a sealed account does not open under the given key, or is not the one that was named.
 * - `locked`, `backend`: it is closed, or its backing failed.
 */
export class CustodyError extends Schema.TaggedError<CustodyError>()("CustodyError", {
  reason: Schema.Literals(["no-keys", "no-account-key", "locked", "exists", "unopened", "backend"]),
  cause: Schema.optionalKey(Schema.Defect())
}) {}

/** Public keys of an account, Ed25519, 32 bytes each: the identity key, which is the account id, and the alias key. */
export interface AccountKeys {
  readonly account: Uint8Array
  readonly alias: Uint8Array
}

/** Public keys of a device, 32 bytes each: the Ed25519 signing key, which is the device id, and the X25519 agreement key. */
export interface DeviceKeys {
  readonly device: Uint8Array
  readonly agreement: Uint8Array
}

/** Public halves: Ed25519 account key, Ed25519 alias key, Ed25519 device key, X25519 agreement key; 32 bytes each. */
export interface PublicKeys extends AccountKeys, DeviceKeys {}

/**
 * Port. A custody holds nothing, a device's keys, those and the public keys of an account (a member), or those and an account's secrets
 * (an admin).
 *
 * - `create` makes account, alias and device keys, durably; `exists` if there are some already.
 * - `createDevice` makes the keys of a device that is to be linked to an account, durably; `exists` if there are any keys.
 * - `deviceKeys` tells them as soon as they are there, `publicKeys` when the account is known too.
 * - `joinAccount` takes the public keys of the account that the device belongs to from now on, durably. Repeating it with the same keys changes nothing; another
 *   account is `exists`.
 * - `sealAccount` gives the account's secrets sealed under a key of 32 bytes that serves this once, bound to `ad`. `openAccount` is
 *   its other end: it takes the secrets out of what `sealAccount` gave, checks that they are those of `account`, and keeps them,
 *   durably. It may be repeated as `joinAccount` may, and serves a device that has joined the account before.
 * - `forget` removes every key, durably: for a device that did not come to be, or is one no more.
 * - `signWithAccount` / `signWithDevice` return 64-byte Ed25519 signatures over exactly the given bytes; callers pass label-prefixed
 *   bytes only.
 * - `agree` is X25519 of the device agreement key with a 32-byte public key; `undefined` when the result is all zero.
 */
export class KeyCustody extends Context.Service<
  KeyCustody,
  {
    readonly create: Effect.Effect<PublicKeys, CustodyError>
    readonly createDevice: Effect.Effect<DeviceKeys, CustodyError>
    readonly joinAccount: (account: AccountKeys) => Effect.Effect<PublicKeys, CustodyError>
    readonly sealAccount: (key: Uint8Array, ad: Uint8Array) => Effect.Effect<Uint8Array, CustodyError>
    readonly openAccount: (
      key: Uint8Array,
      ad: Uint8Array,
      sealed: Uint8Array,
      account: AccountKeys
    ) => Effect.Effect<PublicKeys, CustodyError>
    readonly forget: Effect.Effect<void, CustodyError>
    readonly publicKeys: Effect.Effect<PublicKeys, CustodyError>
    readonly deviceKeys: Effect.Effect<DeviceKeys, CustodyError>
    readonly signWithAccount: (message: Uint8Array) => Effect.Effect<Uint8Array, CustodyError>
    readonly signWithDevice: (message: Uint8Array) => Effect.Effect<Uint8Array, CustodyError>
    readonly agree: (publicKey: Uint8Array) => Effect.Effect<Uint8Array | undefined, CustodyError>
  }
>()("@tacit/core/KeyCustody") {}
