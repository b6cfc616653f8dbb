/**
 * UTF-8 (RFC 3629), strict in both directions and quick for short texts.
 *
 * Spec: docs/spec/02-encoding.md §2.4.
 * Does not normalise, and does not strip a byte order mark.
 */

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
const encoder = new TextEncoder()

/** Below this many bytes a loop beats the platform's decoder, whose call costs more than the work. */
const shortText = 48

/** Whether a text has no lone surrogate, so that its UTF-8 decodes to the same text again. */
export const isWellFormed = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0xd800 || unit > 0xdfff) continue
    if (unit > 0xdbff) return false
    const next = text.charCodeAt(i + 1)
    if (!(next >= 0xdc00 && next <= 0xdfff)) return false
    i++
  }
  return true
}

/** Bytes that {@link encode} gives for a well-formed text. */
export const byteLength = (text: string): number => {
  let length = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    if (unit < 0x800) length += 1
    else {
      length += 2
      if (unit >= 0xd800 && unit <= 0xdbff) {
        const next = text.charCodeAt(i + 1)
        if (next >= 0xdc00 && next <= 0xdfff) i++
      }
    }
  }
  return length
}

/** UTF-8 of a text; a lone surrogate becomes U+FFFD. */
export const encode = (text: string): Uint8Array => encoder.encode(text)

/** Writes a text at `offset` of a buffer that has room for {@link byteLength}; returns the offset behind it. */
export const write = (text: string, out: Uint8Array, offset: number): number => {
  if (text.length > 2 * shortText) {
    const encoded = encoder.encode(text)
    out.set(encoded, offset)
    return offset + encoded.length
  }
  let at = offset
  for (let i = 0; i < text.length; i++) {
    let unit = text.charCodeAt(i)
    if (unit < 0x80) {
      out[at++] = unit
      continue
    }
    if (unit < 0x800) {
      out[at++] = 0xc0 | (unit >> 6)
      out[at++] = 0x80 | (unit & 0x3f)
      continue
    }
    if (unit >= 0xd800 && unit <= 0xdfff) {
      const next = unit <= 0xdbff ? text.charCodeAt(i + 1) : 0
      if (next >= 0xdc00 && next <= 0xdfff) {
        unit = 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00)
        i++
        out[at++] = 0xf0 | (unit >> 18)
        out[at++] = 0x80 | ((unit >> 12) & 0x3f)
        out[at++] = 0x80 | ((unit >> 6) & 0x3f)
        out[at++] = 0x80 | (unit & 0x3f)
        continue
      }
      unit = 0xfffd
    }
    out[at++] = 0xe0 | (unit >> 12)
    out[at++] = 0x80 | ((unit >> 6) & 0x3f)
    out[at++] = 0x80 | (unit & 0x3f)
  }
  return at
}

/**
 * Whether `bytes[start…end)` is valid UTF-8: shortest forms only, no surrogates, nothing past U+10FFFF.
 * Table 3-7 of the Unicode standard.
 */
export const isValid = (bytes: Uint8Array, start: number, end: number): boolean => {
  let at = start
  while (at < end) {
    const lead = bytes[at++]!
    if (lead < 0x80) continue
    if (lead < 0xc2 || lead > 0xf4) return false
    const more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3
    if (at + more > end) return false
    const second = bytes[at]!
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
    if (second < low || second > high) return false
    for (let i = 1; i < more; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return false
    at += more
  }
  return true
}

/** The text in `bytes[start…end)`, or `undefined` when it is not valid UTF-8. */
export const decode = (bytes: Uint8Array, start: number, end: number): string | undefined => {
  if (end - start <= shortText) {
    let text = ""
    let at = start
    for (; at < end; at++) {
      const byte = bytes[at]!
      if (byte >= 0x80) break
      text += String.fromCharCode(byte)
    }
    if (at === end) return text
  }
  if (!isValid(bytes, start, end)) return undefined
  return decoder.decode(bytes.subarray(start, end))
}
