/**
 * A device's disk as bytes, and back.
 *
 * Spec: docs/spec/20-subject.md, rule subject.snapshot.1.
 * `"TCTDISK1" ‖ BE64(last revision) ‖ BE32(count) ‖ count × (BE32(key length) ‖ key ‖ BE64(revision) ‖ BE32(length) ‖ value) ‖ SHA-256 of
 * all before`. The hash finds damage, it proves nothing.
 */
import { Bytes, type CryptoProvider } from "@tacit/core/hazmat"
import type { MemoryStore } from "@tacit/core/testing"

const magic = Bytes.utf8Encode("TCTDISK1")
const hashBytes = 32

/** The bytes of a disk. */
export const encode = (crypto: CryptoProvider, { records, revision }: MemoryStore.Snapshot): Uint8Array => {
  const parts: Array<Uint8Array> = [magic, Bytes.be64(revision), Bytes.be32(records.size)]
  for (const key of [...records.keys()].sort()) {
    const record = records.get(key)!
    const name = Bytes.utf8Encode(key)
    parts.push(
      Bytes.be32(name.length),
      name,
      Bytes.be64(record.revision),
      Bytes.be32(record.value.length),
      record.value
    )
  }
  const body = Bytes.concat(...parts)
  return Bytes.concat(body, crypto.sha256(body))
}

/** The disk of these bytes; `undefined` when they are none, or damaged. */
export const decode = (crypto: CryptoProvider, bytes: Uint8Array): MemoryStore.Snapshot | undefined => {
  const end = bytes.length - hashBytes
  if (end < magic.length + 12 || !Bytes.equal(bytes.subarray(0, magic.length), magic)) return undefined
  if (!Bytes.equal(crypto.sha256(bytes.subarray(0, end)), bytes.subarray(end))) return undefined
  let at = magic.length
  const take = (length: number): Uint8Array | undefined => {
    if (length > end - at) return undefined
    at += length
    return bytes.slice(at - length, at)
  }
  const uint = (length: 4 | 8): number | undefined => {
    const taken = take(length)
    if (taken === undefined) return undefined
    return taken.reduce((sum, byte) => sum * 256 + byte, 0)
  }
  const revision = uint(8)
  const count = uint(4)
  if (revision === undefined || count === undefined) return undefined
  const records = new Map<string, { key: string; value: Uint8Array; revision: number }>()
  for (let i = 0; i < count; i++) {
    const name = take(uint(4) ?? Number.MAX_SAFE_INTEGER)
    const key = name === undefined ? undefined : Bytes.utf8Decode(name)
    const written = uint(8)
    const value = take(uint(4) ?? Number.MAX_SAFE_INTEGER)
    if (key === undefined || written === undefined || value === undefined) return undefined
    records.set(key, { key, value, revision: written })
  }
  return at === end && records.size === count ? { records, revision } : undefined
}
