/** Bytes for tests: reading hexadecimal, repeatable pseudorandom bytes, the providers to compare. */
import { fromHex, toHex } from "../../src/base/Bytes.ts"
import { nobleProvider } from "../../src/crypto/Noble.ts"
import { loadNodeProvider } from "../../src/crypto/Node.ts"
import type { CryptoProvider } from "../../src/crypto/Provider.ts"
import { loadSodiumProvider } from "../../src/crypto/Sodium.ts"

/** Reads hexadecimal; spaces and line ends are left out. */
export const hex = (text: string): Uint8Array => {
  const bytes = fromHex(text.replace(/\s+/g, ""))
  if (bytes === undefined) throw new Error("not hexadecimal")
  return bytes
}

export { toHex }

/** `length` bytes that depend on the seed only. */
export const random = (seed: number, length: number): Uint8Array => {
  const out = new Uint8Array(length)
  let state = (seed + 1) * 0x9e3779b9
  for (let i = 0; i < length; i++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d)
    state = Math.imul(state ^ (state >>> 12), 0x297a2d39) + 0x6d2b79f5
    out[i] = state >>> 24
  }
  return out
}

export const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Every provider, the reference first. */
export const providers: ReadonlyArray<CryptoProvider> = [
  nobleProvider,
  await loadSodiumProvider(),
  await loadNodeProvider()
]
