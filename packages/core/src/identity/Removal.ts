/**
 * What a relay says of an account, or of one device, that its administrator removed: when, and the last manifest it had.
 *
 * Spec: docs/spec/14-relay.md §14.8, rules relay.remove.5 and relay.remove.8.
 * The relay's word and nobody's signature: only the manifest in it is the account's. Revokes nothing.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Refusal from "../codec/Refusal.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Manifest from "./Manifest.ts"

/** The layout of the detail of `removed-by-relay`. */
export const Detail = Layout.tuple({
  account: Layout.bytes({ length: 32 }),
  /** 32 bytes, or empty where the whole account was removed. */
  device: Layout.bytes({ max: 32 }),
  removedAt: Layout.uint(),
  manifest: Layout.bytes({ min: 1, max: Limits.maxManifestBytes })
})

/** A removal that was read; its manifest verifies. */
export interface Removal {
  /** 32 bytes. */
  readonly account: Uint8Array
  /** 32 bytes; `undefined` where the whole account was removed. */
  readonly device: Uint8Array | undefined
  /** The relay's clock, ms. */
  readonly removedAt: number
  /** The newest manifest the relay had. */
  readonly manifest: Manifest.Manifest
}

/** The detail's bytes. `manifest` as it was signed. */
export const encode = (removal: {
  readonly account: Uint8Array
  readonly device: Uint8Array | undefined
  readonly removedAt: number
  readonly manifest: Uint8Array
}): Uint8Array => Detail.encode({ ...removal, device: removal.device ?? Bytes.empty })

/**
 * Reads a detail. `about` is the account that was asked for, if one was. Fails with `decode.*`, or with `auth.account` where the manifest is
 * not signed by the account it is said to be of, or that is another one than was asked for.
 */
export const verify = (
  crypto: CryptoProvider,
  detail: Uint8Array,
  about: Uint8Array | undefined
): Result.Result<Removal, Failure> => {
  if (detail.length > Limits.maxRemovalBytes) return fail("decode.size")
  const decoded = Refusal.decode(Detail, detail)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const { account, device, removedAt } = decoded.success
  if (device.length !== 0 && device.length !== 32) return fail("decode.value")
  if (about !== undefined && !Bytes.equal(about, account)) return fail("auth.account")
  return Result.map(Manifest.verify(crypto, decoded.success.manifest, account), (manifest) => ({
    account,
    device: device.length === 0 ? undefined : device,
    removedAt,
    manifest
  }))
}

/**
 * What a signature of one of the account's devices, said to be made at `signedAt` (ms), is worth beside a removal (rule relay.remove.8): `before`,
 * the last manifest lists the device and it was made while it was served; `after`, it is of later; `revoked`, the account itself had revoked
 * the device before; `unlisted`, the last manifest does not know it.
 */
export const standing = (
  { device: removed, manifest, removedAt }: Removal,
  device: Uint8Array,
  signedAt: number
): "before" | "after" | "revoked" | "unlisted" => {
  if (Manifest.isRevoked(manifest, device)) return "revoked"
  if (Manifest.deviceOf(manifest, device) === undefined) return "unlisted"
  const concerns = removed === undefined || Bytes.equal(removed, device)
  return concerns && signedAt >= removedAt ? "after" : "before"
}
