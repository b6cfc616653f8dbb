/**
 * Looks for key streams used twice, without any key: two ciphertexts of a stream cipher under one key and nonce are equal wherever
 * their plaintexts are. Messages for this test carry the same long text at the same place.
 */
import * as Result from "effect/Result"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Envelope from "../../src/envelope/Envelope.ts"

const block = 16
/** Tag, header nonce, encrypted header of suites 1 and 2. */
const head = 16 + 12 + 56

/** What is wrong with a set of envelopes, repetitions of the same bytes apart. */
export const reused = (envelopes: ReadonlyArray<Uint8Array>): ReadonlyArray<string> => {
  const found: Array<string> = []
  const nonces = new Map<string, string>()
  const blocks = new Map<string, string>()
  for (const envelope of new Map(envelopes.map((bytes) => [Bytes.toHex(bytes), bytes])).values()) {
    const decoded = Envelope.decode(envelope)
    if (Result.isFailure(decoded) || decoded.success.kind !== Envelope.kinds.sessionMessage) continue
    const { body } = decoded.success
    const name = Bytes.toHex(body.slice(0, head))
    const nonce = Bytes.toHex(body.slice(0, 16 + 12))
    if (nonces.has(nonce)) found.push("header nonce used twice under one header key")
    nonces.set(nonce, name)
    const ciphertext = body.subarray(head, body.length - 16)
    for (let at = 0; at + block <= ciphertext.length; at += block) {
      const key = `${at} ${Bytes.toHex(ciphertext.subarray(at, at + block))}`
      if (blocks.has(key)) found.push(`key stream used twice at ${at}`)
      blocks.set(key, name)
    }
  }
  return found
}
