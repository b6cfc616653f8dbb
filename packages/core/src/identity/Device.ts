/**
 * The keys of a device: what its custody stores and what everybody may know.
 *
 * Spec: docs/spec/04-accounts.md §4.1; docs/spec/16-state.md §16.1.
 * Does not keep or use the keys; the key custody does.
 */
import * as Result from "effect/Result"
import * as Layout from "../codec/Layout.ts"
import * as Stored from "../codec/Stored.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"

/** Numbers of the roles, as they stand on the wire (rule device.role.1). */
export const roles = { admin: 1, member: 2, replica: 3 } as const

export type Role = (typeof roles)[keyof typeof roles]

/** Secrets of a device, 32 bytes each, drawn independently: no key serves two uses. */
export interface DeviceSecrets {
  /** Ed25519 seed of the signing key. */
  readonly signing: Uint8Array
  /** X25519 secret of the agreement key. */
  readonly agreement: Uint8Array
}

/** A device as others know it, 32 bytes each. */
export interface DeviceIdentity {
  readonly account: Uint8Array
  /** The signing public key: the device id. */
  readonly device: Uint8Array
  readonly agreement: Uint8Array
}

/** Public halves of the secrets. */
export const derive = (
  crypto: CryptoProvider,
  secrets: DeviceSecrets
): Pick<DeviceIdentity, "device" | "agreement"> => ({
  device: crypto.ed25519PublicKey(secrets.signing),
  agreement: crypto.x25519PublicKey(secrets.agreement)
})

const version = 1
const Record = Layout.tuple({
  version: Layout.literal(version),
  signing: Layout.bytes({ length: 32 }),
  agreement: Layout.bytes({ length: 32 })
})

/** The custody's record of a device. */
export const encode = ({ agreement, signing }: DeviceSecrets): Uint8Array =>
  Record.encode({ version, signing, agreement })

/** Reads a record of {@link encode}. */
export const decode = (bytes: Uint8Array): Result.Result<DeviceSecrets, Stored.Unreadable> =>
  Result.map(Stored.decode(Record, version, bytes), ({ agreement, signing }) => ({ signing, agreement }))
