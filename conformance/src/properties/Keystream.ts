/**
 * P11: no keystream is used twice, judged from ciphertexts and known plaintexts alone.
 *
 * Spec: docs/spec/21-conformance.md, P11; docs/spec/06-ratchet.md, rule ratchet.fence.1.
 * Needs no key: two messages under one keystream show `c1 ⊕ c2 = p1 ⊕ p2` where their texts lie. Sees suites 1 and 2; the nonces of all.
 */
import { Bytes } from "@tacit/core/hazmat"
import { bytesOf } from "./Text.ts"
import * as Bytecode from "./Bytecode.ts"

/** Bytes of text that must agree: by chance that happens once in 2⁹⁶. */
const compared = 12
/** Where in the ciphertext of a session message a text can begin, counted from the ciphertext's start. */
const firstOffset = 16
const lastOffset = 72
/** Tag, header nonce and encrypted header. */
const head = 84

/** Every ciphertext seen, by what must not come twice. */
export class Keystream {
  readonly #nonces = new Map<string, string>()
  readonly #streams = new Map<string, string>()

  /**
   * Notes an envelope and the text it carries, if that is known (at least 12 bytes of UTF-8). Answers what was used twice.
   * The very same bytes again are no second use.
   */
  note(wire: string, text: Uint8Array | undefined): string | undefined {
    const bytes = bytesOf(wire)
    const parsed = Bytecode.envelope(bytes)
    if (parsed === undefined) return undefined
    const body = bytes.subarray(parsed.body.content, parsed.body.end)
    if (parsed.kind === 1) {
      // A fresh ephemeral key for every envelope (rule sealed.fresh.1).
      return this.#once(this.#nonces, `start ${Bytes.toHex(body.subarray(4, 36))}`, wire)
        ? "two session starts were sealed with one ephemeral key"
        : undefined
    }
    if (parsed.kind !== 2 || body.length < head + 16) return undefined
    if (this.#once(this.#nonces, `message ${Bytes.toHex(body.subarray(0, 28))}`, wire)) {
      return "two headers were sealed under one key and nonce"
    }
    if (text === undefined || text.length < compared) return undefined
    const ciphertext = body.subarray(head)
    for (let at = firstOffset; at <= lastOffset && at + compared <= ciphertext.length; at++) {
      let key = `${at} `
      for (let i = 0; i < compared; i++) key += String.fromCharCode(ciphertext[at + i]! ^ text[i]!)
      if (this.#once(this.#streams, key, wire)) return "two messages were sealed under one keystream"
    }
    return undefined
  }

  /** Whether other bytes were noted under this key before. */
  #once(map: Map<string, string>, key: string, wire: string): boolean {
    const before = map.get(key)
    if (before === undefined) map.set(key, wire)
    return before !== undefined && before !== wire
  }
}
