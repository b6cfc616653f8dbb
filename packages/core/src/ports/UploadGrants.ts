/**
 * Leave to upload, as a relay gives it to a device that is logged in.
 *
 * Spec: docs/spec/11-attachments.md §11.4, rule attachment.grant.1.
 * For adapters of {@link AttachmentStore}: a client never asks for one by itself.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Refused, TransportError } from "./Transport.ts"

/** 16 bytes that begin one upload, and until when they are good, ms. */
export interface UploadGrant {
  readonly grant: Uint8Array
  readonly until: number
}

/**
 * Port. `issue` speaks for the device the transport has logged in, for one upload of at most `size` bytes. It fails with `Refused` and the codes
 * `too-large`, `quota`, `rate-limited` or `not-entitled`, and `unknown-frame` where the relay keeps no files.
 */
export class UploadGrants extends Context.Service<
  UploadGrants,
  { readonly issue: (size: number) => Effect.Effect<UploadGrant, TransportError | Refused> }
>()("@tacit/core/UploadGrants") {}
