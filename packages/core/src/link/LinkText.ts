/**
 * Invitations and link codes as text: what a QR code or a line in a message holds.
 *
 * Spec: docs/spec/19-linking.md §19.1, rules invitation.url.1 and invitation.url.2.
 * Vectors: vectors/linking.
 * Does not look at the bytes, and fetches nothing.
 */
import * as Result from "effect/Result"
import { defect } from "../base/Defect.ts"
import * as Limits from "../base/Limits.ts"
import { fail, type LinkFailure } from "./LinkFailure.ts"

/** What the bytes are: an invitation, or a code that a new device shows. */
export type Kind = "invite" | "link"

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/** Base64url (RFC 4648 §5) without padding. */
export const encodeBase64Url = (bytes: Uint8Array): string => {
  let out = ""
  for (let i = 0; i < bytes.length; i += 3) {
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    const digits = Math.min(4, bytes.length - i + 1)
    for (let k = 0; k < digits; k++) out += alphabet[(group >> (18 - 6 * k)) & 63]!
  }
  return out
}

/** Reads base64url strictly. Fails with `decode.value`, `decode.truncated` or `decode.noncanonical`. */
export const decodeBase64Url = (text: string): Result.Result<Uint8Array, LinkFailure> => {
  const digits: Array<number> = []
  for (const char of text) {
    const digit = alphabet.indexOf(char)
    if (digit < 0) return fail("decode.value")
    digits.push(digit)
  }
  if (digits.length % 4 === 1) return fail("decode.truncated")
  const out = new Uint8Array(Math.floor((digits.length * 3) / 4))
  let held = 0
  let bits = 0
  let at = 0
  for (const digit of digits) {
    held = ((held << 6) | digit) & 0xfff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    out[at++] = held >> bits
  }
  return (held & ((1 << bits) - 1)) === 0 ? Result.succeed(out) : fail("decode.noncanonical")
}

/** `tacit:<kind>/` and the bytes. */
export const format = (kind: Kind, bytes: Uint8Array): string => `tacit:${kind}/${encodeBase64Url(bytes)}`

/** An invitation as a link to a page: `page` is `https://`, host and path, without a fragment. */
export const formatHttps = (page: string, bytes: Uint8Array): string =>
  /^https:\/\/[^\s#]+$/.test(page)
    ? `${page}#invite/${encodeBase64Url(bytes)}`
    : defect("a page is an https address without a fragment")

/** The bytes of a text of this kind. Fails with `decode.size`, `link.purpose`, and as {@link decodeBase64Url} does. */
export const parse = (kind: Kind, text: string): Result.Result<Uint8Array, LinkFailure> => {
  if (text.length > Limits.maxLinkTextBytes) return fail("decode.size")
  const bare = text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "")
  const own = `tacit:${kind}/`
  if (bare.startsWith(own)) return decodeBase64Url(bare.slice(own.length))
  const page = kind === "invite" ? /^https:\/\/[^\s#]+#invite\/(.*)$/s.exec(bare) : null
  return page === null ? fail("link.purpose") : decodeBase64Url(page[1]!)
}
