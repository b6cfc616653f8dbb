/**
 * Everything a process has in memory, as the system sees it.
 *
 * Linux only: reads /proc/<pid>/mem of a child. Elsewhere a heap snapshot has to do, which leaves out array buffers.
 */
import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs"

/** Whether {@link regions} works here. */
export const isReadable = (pid: number): boolean => existsSync(`/proc/${pid}/mem`)

/** The bytes of every readable and writable region, in pieces that overlap by `overlap` bytes. */
export function* regions(pid: number, overlap = 4096): Generator<Buffer> {
  const handle = openSync(`/proc/${pid}/mem`, "r")
  const piece = 16 * 1024 * 1024
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, "latin1").split("\n")) {
      const match = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line)
      if (match === null || line.includes("[vvar")) continue
      const [start, end] = [BigInt(`0x${match[1]}`), BigInt(`0x${match[2]}`)]
      for (let at = start; at < end; at += BigInt(piece)) {
        const buffer = Buffer.allocUnsafe(Math.min(piece + overlap, Number(end - at)))
        try {
          const length = readSync(handle, buffer, 0, buffer.length, at)
          yield buffer.subarray(0, length)
        } catch {
          // A region may be gone, or not backed by anything.
        }
      }
    }
  } finally {
    closeSync(handle)
  }
}

/** Which of the named byte strings occur in the pieces. */
export const find = (pieces: Iterable<Buffer>, wanted: ReadonlyMap<string, Buffer>): ReadonlySet<string> => {
  const found = new Set<string>()
  for (const piece of pieces) {
    for (const [name, bytes] of wanted) if (!found.has(name) && piece.includes(bytes)) found.add(name)
  }
  return found
}
