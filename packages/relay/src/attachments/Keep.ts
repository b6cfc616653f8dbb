/**
 * Keeping sealed files in a folder: taking them piece by piece, giving them, letting them go.
 *
 * Spec: docs/spec/11-attachments.md rules attachment.store.1–5.
 * The length of a file is how far its upload is. Knows no HTTP and no accounts.
 */
import { createHash } from "node:crypto"
import { createReadStream, mkdirSync, readdirSync, rmSync } from "node:fs"
import { type FileHandle, open, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import type { Readable } from "node:stream"
import { Bytes, type CryptoProvider, Labels } from "@tacit/core/hazmat"
import { type Kept, openIndex } from "./KeepIndex.ts"
import type { AttachmentLimits } from "./AttachmentLimits.ts"

/** Why not; the codes of rule attachment.http.6. */
export type KeepRefusal = "missing" | "too-large" | "quota" | "mismatch" | "busy"

/** What a change came to. `offset` is how many bytes are there. */
export interface Progress {
  readonly offset: number
  readonly expiresAt: number
}

export interface Keep {
  /** An upload by its secret (32 bytes), if there is one. */
  readonly look: (secret: Uint8Array) => Promise<(Progress & { readonly size: number }) | undefined>
  /** A new upload. */
  readonly begin: (
    secret: Uint8Array,
    size: number,
    expiresAt: number | undefined
  ) => Promise<Progress | "too-large" | "quota">
  /**
   * Takes what comes, at `offset` only; what arrived before a break stays. Answers how much is there. `cancel` ends the body: it is called when
   * somebody else goes on with the same upload.
   */
  readonly append: (
    secret: Uint8Array,
    offset: number,
    body: AsyncIterable<Uint8Array>,
    cancel: () => void
  ) => Promise<Progress | KeepRefusal>
  readonly complete: (secret: Uint8Array, id: string) => Promise<Progress | KeepRefusal>
  readonly remove: (secret: Uint8Array) => Promise<void>
  /** A complete file that has not expired, if all of it is on the disk. */
  readonly find: (id: string) => Promise<Kept | undefined>
  /** Its bytes `from` up to `to`, that one not included. */
  readonly read: (kept: Kept, from: number, to: number) => Readable
  /** Deletes what is too old; how many files. */
  readonly sweep: () => Promise<number>
  readonly totals: () => { readonly files: number; readonly bytes: number }
  readonly close: () => Promise<void>
}

export interface KeepOptions {
  /** Made when it is missing. Nothing else may be in it. */
  readonly folder: string
  readonly crypto: CryptoProvider
  readonly limits: AttachmentLimits
  readonly now: () => number
}

const indexFile = "index.db"
const nameOfFile = /^[0-9a-f]{64}$/

/** How exactly it is known when an upload was heard of last, ms. */
const touchMs = 60_000

const sizeOf = async (path: string): Promise<number> => {
  try {
    return (await stat(path)).size
  } catch {
    return 0
  }
}

/** Opens the folder; deletes files that its index does not know. Throws a `RelayError`. */
export const openKeep = ({ crypto, folder, limits, now }: KeepOptions): Keep => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const index = openIndex(join(folder, indexFile))
  for (const file of readdirSync(folder)) {
    if (nameOfFile.test(file) && index.byName(file) === undefined) rmSync(join(folder, file), { force: true })
  }
  const nameOf = (secret: Uint8Array): string =>
    Bytes.toHex(crypto.sha256(Labels.prefixed(Labels.attachmentUpload, secret)))
  const pathOf = ({ name }: Pick<Kept, "name">): string => join(folder, name)
  /** Uploads that are written now. One at a time; who comes next ends the one before. */
  const writing = new Map<string, { readonly done: Promise<void>; readonly stop: () => void }>()

  const live = (name: string): Kept | undefined => {
    const kept = index.byName(name)
    return kept !== undefined && kept.expiresAt > now() ? kept : undefined
  }
  /** Every change is synced: not with every piece. */
  const touch = ({ name, touchedAt }: Kept): void => {
    if (now() - touchedAt > touchMs) index.touch(name, now())
  }
  const drop = async (kept: Pick<Kept, "name">): Promise<void> => {
    await rm(pathOf(kept), { force: true })
    index.remove(kept.name)
  }
  const progress = async (kept: Kept): Promise<Progress> => ({
    offset: kept.id === undefined ? await sizeOf(pathOf(kept)) : kept.size,
    expiresAt: kept.expiresAt
  })
  /** Runs `work` alone on one upload. `stop` of what ran before is called, and waited for. */
  const alone = async <A>(name: string, work: () => Promise<A>, stop: () => void = () => undefined): Promise<A> => {
    for (let before = writing.get(name); before !== undefined; before = writing.get(name)) {
      before.stop()
      await before.done
    }
    let finish: () => void = () => undefined
    const done = new Promise<void>((resolve) => {
      finish = resolve
    })
    writing.set(name, { done, stop })
    try {
      return await work()
    } finally {
      writing.delete(name)
      finish()
    }
  }

  const write = async (handle: FileHandle, body: AsyncIterable<Uint8Array>, room: number): Promise<boolean> => {
    let left = room
    try {
      for await (const piece of body) {
        if (piece.length > left) return false
        await handle.write(piece)
        left -= piece.length
      }
    } catch (cause) {
      // The body broke off: what arrived is kept. A disk that is full is another matter.
      if (isFull(cause)) throw cause
    }
    return true
  }

  return {
    look: async (secret) => {
      const kept = live(nameOf(secret))
      if (kept === undefined) return undefined
      touch(kept)
      return { ...(await progress(kept)), size: kept.size }
    },
    begin: async (secret, size, asked) => {
      if (size > limits.fileBytes) return "too-large"
      if (index.totals().bytes + size > limits.totalBytes) return "quota"
      const name = nameOf(secret)
      const expiresAt = Math.min(asked ?? Number.MAX_SAFE_INTEGER, now() + limits.keepMs)
      await drop({ name })
      index.add({ name, size, touchedAt: now(), expiresAt })
      return { offset: 0, expiresAt }
    },
    append: (secret, offset, body, cancel) => {
      const name = nameOf(secret)
      const work = async (): Promise<Progress | KeepRefusal> => {
        const kept = live(name)
        if (kept === undefined) return "missing"
        const before = await progress(kept)
        if (kept.id !== undefined || before.offset !== offset) return before
        touch(kept)
        let fits: boolean
        const handle = await open(pathOf(kept), "a", 0o600)
        try {
          fits = await write(handle, body, kept.size - offset)
          await handle.sync()
        } catch (cause) {
          if (isFull(cause)) return "quota"
          throw cause
        } finally {
          await handle.close()
        }
        return fits ? progress(kept) : "too-large"
      }
      return alone(name, work, cancel)
    },
    complete: (secret, id) => {
      const name = nameOf(secret)
      return alone(name, async () => {
        const kept = live(name)
        if (kept === undefined) return "missing"
        const at = await progress(kept)
        if (kept.id !== undefined) return kept.id === id ? at : "missing"
        if (at.offset !== kept.size) return at
        const hash = createHash("sha256")
        for await (const piece of createReadStream(pathOf(kept), { highWaterMark: 1 << 20 }))
          hash.update(piece as Buffer)
        if (hash.digest("hex") !== id) {
          await drop(kept)
          return "mismatch"
        }
        index.complete(name, id)
        return at
      })
    },
    remove: (secret) => {
      const name = nameOf(secret)
      return alone(name, async () => {
        if (index.byName(name) !== undefined) await drop({ name })
      })
    },
    find: async (id) => {
      const kept = index.byId(id)
      if (kept === undefined || kept.expiresAt <= now()) return undefined
      return (await sizeOf(pathOf(kept))) === kept.size ? kept : undefined
    },
    read: (kept, from, to) => createReadStream(pathOf(kept), { start: from, end: to - 1, highWaterMark: 1 << 17 }),
    sweep: async () => {
      let count = 0
      for (;;) {
        const old = index.old(now(), now() - limits.uploadMs)
        for (const kept of old) await drop(kept)
        count += old.length
        if (old.length < 500) return count
      }
    },
    totals: index.totals,
    close: async () => {
      for (const { done, stop } of writing.values()) {
        stop()
        await done
      }
      index.close()
    }
  }
}

const isFull = (cause: unknown): boolean =>
  cause instanceof Error && "code" in cause && (cause.code === "ENOSPC" || cause.code === "EDQUOT")
