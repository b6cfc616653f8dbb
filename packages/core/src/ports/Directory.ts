/**
 * Names, manifests and prekeys. What it answers is never trusted: callers verify signatures and pins.
 *
 * Spec: docs/spec/14-relay.md §14.2, §14.3; docs/spec/04-accounts.md §4.3; docs/spec/05-agreement.md §5.1.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Refused, TransportError } from "./Transport.ts"

/** An answer to a name: the account id (32 bytes) and its manifests, oldest first, each as signed bytes. */
export interface DirectoryEntry {
  readonly account: Uint8Array
  readonly manifests: ReadonlyArray<Uint8Array>
}

/** A signed prekey as published: X25519 key of 32 bytes or ML-KEM-768 key of 1,184 bytes, signature of 64. */
export interface PublishedKey {
  readonly id: number
  readonly key: Uint8Array
  readonly signature: Uint8Array
}

/** A one-time X25519 prekey as published; unsigned, as in PQXDH. */
export interface PublishedOneTimeKey {
  readonly id: number
  readonly key: Uint8Array
}

/** What the directory still has to hand out for this device. `signedPrekeyId` is 0 before the first publication. */
export interface PrekeyStatus {
  readonly waiting: number
  readonly oneTime: number
  readonly oneTimeKem: number
  readonly signedPrekeyId: number
}

/** A registration. The adapter makes the proof of possession through the key custody (rule relay.register.2). */
export interface Registration {
  readonly user: string
  readonly password: string
  readonly manifest: Uint8Array
  readonly certificate: Uint8Array
  readonly mailbox: Uint8Array
}

/**
 * Port. `register`, `lookUp`, `bundle` and `manifestsAfter` need no login; the rest speak for the device the transport has
 * logged in. Every failure leaves the directory unchanged.
 */
export class Directory extends Context.Service<
  Directory,
  {
    readonly register: (registration: Registration) => Effect.Effect<void, TransportError | Refused>
    readonly lookUp: (user: string) => Effect.Effect<DirectoryEntry, TransportError | Refused>
    readonly manifestsAfter: (
      account: Uint8Array,
      version: number
    ) => Effect.Effect<DirectoryEntry, TransportError | Refused>
    readonly bundle: (account: Uint8Array, device: Uint8Array) => Effect.Effect<Uint8Array, TransportError | Refused>
    readonly publishPrekeys: (keys: {
      readonly signed: ReadonlyArray<PublishedKey>
      readonly lastResortKem: ReadonlyArray<PublishedKey>
      readonly oneTime: ReadonlyArray<PublishedOneTimeKey>
      readonly oneTimeKem: ReadonlyArray<PublishedKey>
    }) => Effect.Effect<PrekeyStatus, TransportError | Refused>
    readonly prekeyStatus: Effect.Effect<PrekeyStatus, TransportError | Refused>
    readonly publishManifest: (
      manifest: Uint8Array,
      certificates: ReadonlyArray<Uint8Array>
    ) => Effect.Effect<void, TransportError | Refused>
    readonly setDeliveryToken: (tokenHash: Uint8Array) => Effect.Effect<void, TransportError | Refused>
  }
>()("@tacit/core/Directory") {}
