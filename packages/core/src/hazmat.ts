/**
 * The steps and encodings below the client, for those who build on them.
 *
 * Spec: docs/spec/README.md.
 * Nothing here keeps state, draws randomness or stops misuse: the everyday entry point does.
 */
export * as Bytes from "./base/Bytes.ts"
export * as Limits from "./base/Limits.ts"
export * as Canonical from "./codec/Canonical.ts"
export * as Layout from "./codec/Layout.ts"
export * as LayoutSchema from "./codec/LayoutSchema.ts"
export { Malformed, type Reason } from "./codec/Malformed.ts"
export * as Labels from "./crypto/Labels.ts"
export type { CryptoProvider, Encapsulation, MlKemKeyPair } from "./crypto/Provider.ts"
export * as Suite from "./crypto/Suite.ts"
export * as Bundle from "./agreement/Bundle.ts"
export * as Prekey from "./agreement/Prekey.ts"
export * as Envelope from "./envelope/Envelope.ts"
export * as Certificate from "./identity/Certificate.ts"
export * as Manifest from "./identity/Manifest.ts"
