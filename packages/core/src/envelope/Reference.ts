/**
 * Reference to a file that is kept somewhere, sealed: the body of content type 4.
 *
 * Spec: docs/spec/11-attachments.md §11.2.
 * Vectors: vectors/attachment, vectors/envelope.
 * Fetches and opens nothing. Name and preview are the sender's word.
 */
import * as Result from "effect/Result"
import { fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Refusal from "../codec/Refusal.ts"

const Extensions = Layout.extensions({})
const mediaType = Layout.text({ min: 1, max: 127 })

/** The layout of a reference. */
export const ReferenceLayout = Layout.tuple({
  id: Layout.bytes({ length: 32 }),
  key: Layout.bytes({ length: 32 }),
  length: Layout.uint({ max: Limits.maxAttachmentBytes }),
  mediaType,
  name: Layout.text({ max: Limits.maxAttachmentNameBytes }),
  expiresAt: Layout.uint(),
  place: Layout.text({ min: 1, max: Limits.maxAttachmentPlaceBytes }),
  preview: Layout.optional(Layout.tuple({ mediaType, data: Layout.bytes({ min: 1, max: Limits.maxPreviewBytes }) })),
  extensions: Extensions
})

/**
 * Id of the sealed file and attachment key (32 bytes each), length of the file, its media type and name (empty for none), until when it is kept
 * (ms), the address it is kept at, and perhaps a preview.
 */
export type Reference = Layout.Type<typeof ReferenceLayout>

/** No extensions. */
export const noExtensions: Reference["extensions"] = { unknown: [] }

/** The bytes of a reference. Fails with the `decode.*` its reader would answer, for what an application may supply wrongly. */
export const encode = (reference: Reference): Result.Result<Uint8Array, Failure> => {
  const encoded = ReferenceLayout.tryEncode(reference)
  if (Result.isFailure(encoded)) return fail(Refusal.causeOf[encoded.failure.reason])
  return isAdmissible(reference) ? Result.succeed(encoded.success) : fail("decode.value")
}

/** Reads a reference. Fails with `decode.*`. */
export const decode = (bytes: Uint8Array): Result.Result<Reference, Failure> =>
  Result.flatMap(Refusal.decode(ReferenceLayout, bytes), (reference) =>
    isAdmissible(reference) ? Result.succeed(reference) : fail("decode.value")
  )

/** Rule attachment.reference.2. */
const isAdmissible = ({ mediaType, name, place, preview }: Reference): boolean =>
  isPrintable(mediaType, 0x20) &&
  (preview === undefined || isPrintable(preview.mediaType, 0x20)) &&
  isName(name) &&
  isPlace(place)

/** Whether a text may be the name of a file in a reference, its length apart. */
export const isName = (name: string): boolean => {
  if (name === "." || name === "..") return false
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i)
    if (unit < 0x20 || unit === 0x7f || unit === 0x2f || unit === 0x5c) return false
  }
  return true
}

/** Whether a text may be the place of a file, its length apart. */
export const isPlace = (place: string): boolean =>
  (place.startsWith("https://") || place.startsWith("http://")) && isPrintable(place, 0x21)

const isPrintable = (text: string, least: number): boolean => {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < least || unit > 0x7e) return false
  }
  return true
}
