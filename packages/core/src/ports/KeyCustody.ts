/**
 * Keeper of the long-term private keys. It signs and agrees, and never returns a key.
 *
 * Spec: docs/spec/04-accounts.md §4.1.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** The custody cannot serve: locked, missing key, or its backing failed. */
export class CustodyError extends Schema.TaggedError<CustodyError>()("CustodyError", {
  reason: Schema.Literals(["no-keys", "locked", "exists", "backend"]),
  cause: Schema.optionalKey(Schema.Defect())
}) {}

/** Public halves: Ed25519 account key, Ed25519 alias key, Ed25519 device key, X25519 agreement key; 32 bytes each. */
export interface PublicKeys {
  readonly account: Uint8Array
  readonly alias: Uint8Array
  readonly device: Uint8Array
  readonly agreement: Uint8Array
}

/**
 * Port.
 *
 * - `create` makes account, alias and device keys, durably; `exists` if there are some already.
 * - `signWithAccount` / `signWithDevice` return 64-byte Ed25519 signatures over exactly the given bytes; callers pass label-prefixed
 *   bytes only.
 * - `agree` is X25519 of the device agreement key with a 32-byte public key; `undefined` when the result is all zero.
 */
export class KeyCustody extends Context.Service<
  KeyCustody,
  {
    readonly create: Effect.Effect<PublicKeys, CustodyError>
    readonly publicKeys: Effect.Effect<PublicKeys, CustodyError>
    readonly signWithAccount: (message: Uint8Array) => Effect.Effect<Uint8Array, CustodyError>
    readonly signWithDevice: (message: Uint8Array) => Effect.Effect<Uint8Array, CustodyError>
    readonly agree: (publicKey: Uint8Array) => Effect.Effect<Uint8Array | undefined, CustodyError>
  }
>()("@tacit/core/KeyCustody") {}
