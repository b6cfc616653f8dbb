/**
 * Manifests and certificates as the relay judges them: what core verifies, in the relay's own codes.
 *
 * Spec: docs/spec/04-accounts.md §4.2, §4.3; docs/spec/14-relay.md rules relay.register.2, relay.manifest.1.
 * Remembers nothing: what a name was bound to is for Accounts.ts.
 */
import { Bytes, Certificate, Manifest, type CryptoProvider } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { refuse, type Refusal } from "./Refusal.ts"

/** A certificate that fits its manifest. */
export interface VerifiedCertificate {
  readonly device: Uint8Array
  readonly bytes: Uint8Array
}

/** A manifest with a genuine signature of the account it names; `bad-manifest` or `bad-signature` otherwise. */
export const verifyManifest = (crypto: CryptoProvider, bytes: Uint8Array): Manifest.Manifest | Refusal => {
  const verified = Manifest.verify(crypto, bytes)
  if (Result.isSuccess(verified)) return verified.success
  return refuse(verified.failure.cause === "auth.account" ? "bad-signature" : "bad-manifest")
}

/** A genuine certificate of a device that the manifest lists just so; `bad-manifest` or `bad-signature` otherwise. */
export const verifyCertificate = (
  crypto: CryptoProvider,
  bytes: Uint8Array,
  manifest: Manifest.Manifest
): VerifiedCertificate | Refusal => {
  const verified = Certificate.verify(crypto, bytes)
  if (Result.isFailure(verified)) {
    return refuse(verified.failure.cause === "auth.certificate" ? "bad-signature" : "bad-manifest")
  }
  const { account, agreement, device, manifestVersion, role } = verified.success
  const listed = Manifest.deviceOf(manifest, device)
  const fits =
    listed !== undefined &&
    Bytes.equal(account, manifest.account) &&
    Bytes.equal(agreement, listed.agreement) &&
    role === listed.role &&
    manifestVersion === listed.addedIn
  return fits ? { device, bytes } : refuse("bad-manifest")
}

/** Whether a manifest is the version after the one held (rule manifest.update.1). */
export const follows = (crypto: CryptoProvider, heldBytes: Uint8Array, next: Manifest.Manifest): boolean => {
  const held = Manifest.verify(crypto, heldBytes)
  return (
    Result.isSuccess(held) &&
    next.version === held.success.version + 1 &&
    Result.isSuccess(Manifest.follows(held.success, next))
  )
}
