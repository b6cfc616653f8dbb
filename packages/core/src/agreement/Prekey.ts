/**
 * Prekeys: what a device publishes so that sessions can start while it is offline.
 *
 * Spec: docs/spec/05-agreement.md §5.1.
 * Does not store or publish them, and does not sign: the key custody does.
 */
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Labels from "../crypto/Labels.ts"
import * as MlKem from "../crypto/MlKem.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as X25519 from "../crypto/X25519.ts"

/** A prekey's id, from 1. */
const id = Layout.uint({ min: 1 })
const x25519Key = Layout.bytes({ length: 32 })
const kemKey = Layout.bytes({ length: MlKem.publicKeyBytes })
const signature = Layout.bytes({ length: 64 })

/** `[id, key, signature]`: an X25519 prekey signed by the device. */
export const SignedPrekey = Layout.tuple({ id, key: x25519Key, signature })
export type SignedPrekey = Layout.Type<typeof SignedPrekey>

/** `[id, key]`: an X25519 prekey for one session; unsigned, as in PQXDH. */
export const OneTimePrekey = Layout.tuple({ id, key: x25519Key })
export type OneTimePrekey = Layout.Type<typeof OneTimePrekey>

/** `[id, key, signature]`: an ML-KEM-768 prekey signed by the device. */
export const KemPrekey = Layout.tuple({ id, key: kemKey, signature })
export type KemPrekey = Layout.Type<typeof KemPrekey>

/** What a prekey is signed as. A signature made for one kind does not verify for another. */
export type SignedKind = "signed" | "one-time-kem" | "last-resort-kem"

const labelOf = {
  signed: Labels.signedPrekey,
  "one-time-kem": Labels.oneTimeKemPrekey,
  "last-resort-kem": Labels.lastResortKemPrekey
} as const satisfies { readonly [K in SignedKind]: Labels.Label }

const Statement = Layout.tuple({ id, key: Layout.bytes({ max: MlKem.publicKeyBytes }) })

/** The bytes the device key signs (rule prekey.sign.1). */
export const signingInput = (kind: SignedKind, prekey: { readonly id: number; readonly key: Uint8Array }): Uint8Array =>
  Labels.prefixed(labelOf[kind], Statement.encode({ id: prekey.id, key: prekey.key }))

/** Whether a prekey is signed by `device` (the device id) as this kind, and its key is one that may be used. */
export const verify = (
  crypto: CryptoProvider,
  kind: SignedKind,
  device: Uint8Array,
  prekey: SignedPrekey | KemPrekey
): boolean => {
  const usable = kind === "signed" ? isUsable(prekey.key) : crypto.mlKem768PublicKeyValid(prekey.key)
  return usable && crypto.ed25519Verify(device, signingInput(kind, prekey), prekey.signature)
}

/** Whether an X25519 prekey is 32 bytes and not of low order. */
export const isUsable = (key: Uint8Array): boolean => key.length === 32 && !X25519.isSmallOrder(key)

/** Whether the signed prekey and the last-resort KEM prekey made at `createdAt` are to be replaced (rule prekey.rotate.1). Times in ms. */
export const isDue = (createdAt: number, now: number): boolean => now - createdAt >= Limits.signedPrekeyLifetimeMs

/** Whether a prekey retired at `retiredAt` is to be deleted (rule prekey.rotate.1). Times in ms. */
export const isForgettable = (retiredAt: number, now: number): boolean => now - retiredAt >= Limits.retiredPrekeyKeepMs

/** How many one-time prekeys of a kind to make when the relay reports `left` (rule prekey.replenish.1). */
export const toReplenish = (left: number): number =>
  left < Limits.oneTimePrekeyLow ? Limits.oneTimePrekeyTarget - left : 0
