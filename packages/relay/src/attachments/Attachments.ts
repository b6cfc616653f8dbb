/**
 * The part of a relay that keeps sealed files: folder, grants, HTTP, metrics and the sweeper, put together.
 *
 * Spec: docs/spec/11-attachments.md §11.4, §11.5.
 * The folder is made with the first file that comes, so a relay that is sent none has none.
 */
import type { CryptoProvider } from "@tacit/core/hazmat"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Registry } from "../Metrics.ts"
import { RelayError } from "../RelayError.ts"
import { type AttachmentHttp, makeAttachmentHttp } from "./AttachmentHttp.ts"
import type { AttachmentLimits } from "./AttachmentLimits.ts"
import { type Grants, makeGrants } from "./Grants.ts"
import { type Keep, openKeep } from "./Keep.ts"

export interface Attachments {
  readonly grants: Grants
  readonly http: AttachmentHttp
  /** Deletes now what is too old; happens by itself every minute. Succeeds with the number of files. */
  readonly sweep: Effect.Effect<number, RelayError>
}

export interface AttachmentsOptions {
  /** Where they are kept; a temporary folder, gone when the relay stops, when nothing is said. */
  readonly folder: string | undefined
  readonly crypto: CryptoProvider
  readonly limits: AttachmentLimits
  readonly registry: Registry
  readonly now: () => number
  readonly onFailure: (cause: unknown) => void
}

/** Opened with the first use. */
const makeLazy = (options: AttachmentsOptions): { readonly keep: Keep; readonly close: () => Promise<void> } => {
  let opened: Keep | undefined
  let temporary: string | undefined
  const get = (): Keep => {
    if (opened !== undefined) return opened
    if (options.folder === undefined) temporary = mkdtempSync(join(tmpdir(), "tacit-files-"))
    opened = openKeep({ ...options, folder: options.folder ?? temporary! })
    return opened
  }
  const isThere = (): boolean => opened !== undefined || (options.folder !== undefined && existsSync(options.folder))
  return {
    keep: {
      look: async (secret) => (isThere() ? get().look(secret) : undefined),
      begin: async (secret, size, expiresAt) => get().begin(secret, size, expiresAt),
      append: async (secret, offset, body, cancel) =>
        isThere() ? get().append(secret, offset, body, cancel) : "missing",
      complete: async (secret, id) => (isThere() ? get().complete(secret, id) : "missing"),
      remove: async (secret) => (isThere() ? get().remove(secret) : undefined),
      find: async (id) => (isThere() ? get().find(id) : undefined),
      read: (kept, from, to) => get().read(kept, from, to),
      sweep: async () => (isThere() ? get().sweep() : 0),
      totals: () => (isThere() ? get().totals() : { files: 0, bytes: 0 }),
      close: async () => undefined
    },
    close: async () => {
      await opened?.close()
      if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true })
    }
  }
}

/** The part; it ends with the scope. */
export const makeAttachments = (options: AttachmentsOptions): Effect.Effect<Attachments, RelayError, Scope.Scope> =>
  Effect.gen(function* () {
    const { limits, now, onFailure, registry } = options
    const { keep } = yield* Effect.acquireRelease(
      Effect.try({
        try: () => {
          const lazy = makeLazy(options)
          // A folder that is there is looked at now: damage shows at the start.
          lazy.keep.totals()
          return lazy
        },
        catch: (cause) => (cause instanceof RelayError ? cause : new RelayError({ reason: "database", cause }))
      }),
      ({ close }) => Effect.promise(close)
    )
    const metrics = {
      uploadedBytes: registry.counter("tacit_relay_attachment_uploaded_bytes_total", "Bytes of sealed files taken."),
      downloadedBytes: registry.counter(
        "tacit_relay_attachment_downloaded_bytes_total",
        "Bytes of sealed files given."
      ),
      completed: registry.counter("tacit_relay_attachments_completed_total", "Uploads that were completed."),
      refusals: registry.counter("tacit_relay_attachment_refusals_total", "Refusals sent, by code.", "code")
    }
    const expired = registry.counter(
      "tacit_relay_attachments_expired_total",
      "Files and uploads deleted for their age."
    )
    registry.gauge("tacit_relay_attachments", "Files and uploads kept now.", () => keep.totals().files)
    registry.gauge("tacit_relay_attachment_bytes", "Bytes they take, or may.", () => keep.totals().bytes)
    const grants = makeGrants(limits)
    const sweep = Effect.tap(
      Effect.tryPromise({ try: keep.sweep, catch: (cause) => new RelayError({ reason: "storage", cause }) }),
      (count) => Effect.sync(() => expired.add("", count))
    )
    // What failed is tried again by the next one.
    yield* Effect.forkScoped(Effect.repeat(Effect.ignore(sweep), Schedule.spaced("1 minute")))
    return { grants, http: makeAttachmentHttp({ keep, grants, limits, now, onFailure, metrics }), sweep }
  })
