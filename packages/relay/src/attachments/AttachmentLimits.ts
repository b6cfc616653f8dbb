/**
 * Bounds of the files a relay keeps.
 *
 * Spec: docs/spec/11-attachments.md rules attachment.store.4–5, attachment.grant.1, attachment.http.6.
 */

export interface AttachmentLimits {
  /** Bytes of one sealed file. */
  readonly fileBytes: number
  /** Bytes one account may begin to upload in a day; it comes back steadily. */
  readonly accountBytesPerDay: number
  /** Grants of one account in 10 minutes. */
  readonly grants: number
  /** Bytes kept in all, uploads under way included. */
  readonly totalBytes: number
  /** How long a file is kept, in ms. */
  readonly keepMs: number
  /** How long an upload that nothing is heard of is kept, in ms. */
  readonly uploadMs: number
  /** How long a grant is good for, in ms. */
  readonly grantMs: number
  /** Bodies that pass at a time. */
  readonly transfers: number
}

export const defaultAttachmentLimits: AttachmentLimits = {
  fileBytes: 100 * 1024 * 1024,
  accountBytesPerDay: 1024 * 1024 * 1024,
  grants: 256,
  totalBytes: 10 * 1024 * 1024 * 1024,
  keepMs: 30 * 24 * 60 * 60 * 1000,
  uploadMs: 24 * 60 * 60 * 1000,
  grantMs: 10 * 60 * 1000,
  transfers: 64
}
