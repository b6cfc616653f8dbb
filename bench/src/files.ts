/**
 * Sealed files: what sealing and opening cost beside the bare AEAD and hash they cannot do without, and that memory does not grow with the file.
 *
 * Spec: docs/spec/11-attachments.md §11.1, §11.3.
 * Ratios within one run; run with `--expose-gc`, or the memory is not told.
 */
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { AttachmentOpener, AttachmentSealer, ChunkStream, type CryptoProvider } from "@tacit/core/hazmat"
import * as Result from "effect/Result"

const chunk = 65_536
const key = new Uint8Array(32).fill(1)
const salt = new Uint8Array(32).fill(2)
const piece = new Uint8Array(chunk).fill(3)

/** Bytes of arrays outside the heap, after what is garbage is gone. */
const memory = (): number => {
  // Array buffers are freed behind the first collection's back.
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage().arrayBuffers
}

/** The quickest of three, with the highest memory of all. */
const measured = (run: (look: () => void) => void): { readonly seconds: number; readonly peak: number } => {
  const rounds = [once(run), once(run), once(run)]
  return {
    seconds: Math.min(...rounds.map(({ seconds }) => seconds)),
    peak: Math.max(...rounds.map(({ peak }) => peak))
  }
}

/** Seconds, and the highest memory seen at every 512th chunk. */
const once = (run: (look: () => void) => void): { readonly seconds: number; readonly peak: number } => {
  const before = memory()
  let peak = 0
  let looking = 0
  const began = performance.now()
  run(() => {
    const at = performance.now()
    peak = Math.max(peak, memory() - before)
    looking += performance.now() - at
  })
  return { seconds: (performance.now() - began - looking) / 1000, peak }
}

/** Seals a file of so many chunks and hands every sealed chunk on. */
const seal = (
  crypto: CryptoProvider,
  count: number,
  look: () => void,
  out: (sealed: Uint8Array) => void
): Uint8Array => {
  const sealer = new AttachmentSealer(crypto, key, salt, count * chunk)
  out(sealer.header)
  for (let i = 0; i < count; i++) {
    for (const sealed of Result.getOrThrow(sealer.push(piece))) out(sealed)
    if (i % 512 === 511) look()
  }
  for (;;) {
    const sealed = Result.getOrThrow(sealer.rest())
    if (sealed === undefined) return sealer.id()
    out(sealed)
  }
}

const bench = (crypto: CryptoProvider, mebibytes: number): void => {
  const count = (mebibytes * 1024 * 1024) / chunk
  const sealing = measured((look) => void seal(crypto, count, look, () => undefined))
  let id: Uint8Array = key
  id = seal(
    crypto,
    count,
    () => undefined,
    () => undefined
  )
  // What is opened is sealed as it goes: the difference is the opening.
  const both = measured((look) => {
    const opener = new AttachmentOpener(crypto, { key, id, length: count * chunk })
    seal(crypto, count, look, (sealed) => void Result.getOrThrow(opener.push(sealed)))
    Result.getOrThrow(opener.end())
  })
  const floor = measured(() => {
    const hash = crypto.sha256Start()
    for (let i = 0; i < count; i++) hash.update(ChunkStream.sealChunk(crypto, key, i, false, piece))
    hash.digest()
  })
  const rate = (seconds: number): string => `${(mebibytes / seconds).toFixed(0)} MiB/s`
  const times = (seconds: number): string => `${(seconds / floor.seconds).toFixed(2)} × floor`
  const most = (peak: number): string =>
    globalThis.gc === undefined ? "" : `, at most ${(peak / 1024).toFixed(0)} KiB held`
  console.log(`${crypto.name}, ${mebibytes} MiB: floor ${rate(floor.seconds)}`)
  console.log(`  seal ${rate(sealing.seconds)}, ${times(sealing.seconds)}${most(sealing.peak)}`)
  console.log(
    `  open ${rate(both.seconds - sealing.seconds)}, ${times(both.seconds - sealing.seconds)}${most(both.peak)}`
  )
}

const crypto = await loadNodeProvider()
bench(crypto, 8)
for (const mebibytes of [32, 128]) bench(crypto, mebibytes)
