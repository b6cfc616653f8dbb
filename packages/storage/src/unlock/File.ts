/**
 * A vault's secret out of a file: a key file, or a file that holds a passphrase.
 *
 * Spec: docs/spec/12-vault.md §12.2, rule vault.unlock.1.
 * Does not judge the file's mode: a mounted secret is often readable by others of its container.
 */
import { Unlock, UnlockError, UnlockSource } from "@tacit/core"
import * as Effect from "effect/Effect"
import { open } from "node:fs/promises"

export interface FileOptions {
  readonly path: string
  /** What is in it. Without, the vault's own kind counts, and for a new vault a passphrase. */
  readonly kind?: Unlock.Kind
}

/** Longest file that is read: a passphrase with its line ending, and one byte to notice more. */
const mostBytes = 2_050

/** Reads the file whenever the vault asks. */
export const file = ({ kind, path }: FileOptions): UnlockSource["Service"] =>
  UnlockSource.of({
    secret: (question) =>
      Effect.flatMap(
        Effect.tryPromise({
          try: () => readStart(path),
          catch: (error) =>
            new UnlockError({ reason: isMissing(error) ? "none" : "failed", source: `the file ${path}` })
        }),
        (bytes) => Unlock.parse(bytes, question, `the file ${path}`, kind)
      )
  })

const readStart = async (path: string): Promise<Uint8Array> => {
  const handle = await open(path, "r")
  try {
    // A read may give less than there is, as from a pipe.
    const bytes = new Uint8Array(mostBytes)
    let length = 0
    for (;;) {
      const { bytesRead } = await handle.read(bytes, length, mostBytes - length)
      if (bytesRead === 0) return cut(bytes, length)
      length += bytesRead
    }
  } finally {
    await handle.close()
  }
}

const cut = (bytes: Uint8Array, length: number): Uint8Array => {
  const out = bytes.slice(0, length)
  bytes.fill(0)
  return out
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "ENOENT"
