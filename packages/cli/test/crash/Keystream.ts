/**
 * Whether any two ciphertexts were made with the same keystream or nonce, judged from outside, without keys.
 *
 * Spec: docs/spec/06-ratchet.md §6.2 (ratchet.fence.1), §6.4; docs/spec/03-envelopes.md §3.2, §3.3.
 * All messages of a run carry the same long filler at the same place. Two stream ciphertexts under one key and nonce then
 * agree wherever their plaintexts do, so equal words at equal offsets would give them away; by chance that happens
 * once in 2⁶⁴ pairs.
 */
import { Envelope } from "@tacit/core/hazmat"
import * as Result from "effect/Result"

const tagLength = 16
const nonceLength = 12
const headerLength = 56

export interface Findings {
  readonly starts: number
  readonly messages: number
  /** Header nonces seen with more than one ciphertext. */
  readonly repeatedNonces: number
  /** Sealing ephemerals seen with more than one body. */
  readonly repeatedEphemerals: number
  /** Pairs whose ciphertexts agree in eight bytes at one offset. */
  readonly agreements: number
}

/** Looks through distinct envelopes (a repeated submission of the same bytes is one). Suite 1 and 2 layouts. */
export const examine = (envelopes: Iterable<Uint8Array>): Findings => {
  const nonces = new Map<string, string>()
  const ephemerals = new Map<string, string>()
  const words = new Map<number, Set<string>>()
  const seen = new Set<string>()
  const count = { starts: 0, messages: 0, repeatedNonces: 0, repeatedEphemerals: 0, agreements: 0 }
  const compare = (bytes: Buffer) => {
    for (let at = 0; at + 8 <= bytes.length; at += 8) {
      const word = bytes.toString("latin1", at, at + 8)
      const known = words.get(at) ?? new Set()
      if (known.has(word)) count.agreements++
      words.set(at, known.add(word))
    }
  }
  for (const bytes of envelopes) {
    const whole = Buffer.from(bytes).toString("latin1")
    if (seen.has(whole)) continue
    seen.add(whole)
    const { body, kind } = Result.getOrThrow(Envelope.decode(bytes))
    const text = Buffer.from(body)
    if (kind === Envelope.kinds.sessionStart) {
      // [suite, ephemeral, box]: array head, suite, bin8 head of two bytes, 32 bytes, then the box.
      count.starts++
      const ephemeral = text.toString("latin1", 4, 36)
      if (ephemerals.has(ephemeral)) count.repeatedEphemerals++
      ephemerals.set(ephemeral, whole)
    } else if (kind === Envelope.kinds.sessionMessage) {
      count.messages++
      const nonce = text.toString("latin1", tagLength, tagLength + nonceLength)
      if (nonces.has(nonce)) count.repeatedNonces++
      nonces.set(nonce, whole)
      compare(text.subarray(tagLength + nonceLength, tagLength + nonceLength + headerLength))
      compare(text.subarray(tagLength + nonceLength + headerLength, -16))
    }
  }
  return count
}
