/**
 * Files of the disk as sources of attachments, and attachments as files of a folder.
 *
 * Spec: docs/spec/11-attachments.md rules attachment.open.3, attachment.reference.2, attachment.resume.1.
 * A file has its name only when it is whole and what the message says. Prints nothing.
 */
import type { PromiseClient } from "@tacit/bots"
import type { Attachment } from "@tacit/core"
import type { PromiseFileSource } from "@tacit/core/promise"
import { createReadStream } from "node:fs"
import { link, mkdir, open, rm, stat } from "node:fs/promises"
import { basename, extname, join } from "node:path"
import { UsageError } from "./UsageError.ts"

/** Media types by the ending of a name; anything else is bytes. */
const mediaTypes: Readonly<Record<string, string>> = {
  ".gif": "image/gif",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".json": "application/json",
  ".md": "text/markdown",
  ".mp3": "audio/mpeg",
  ".mp4": "video/mp4",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain",
  ".webp": "image/webp",
  ".zip": "application/zip"
}

export const mediaTypeOf = (path: string): string =>
  mediaTypes[extname(path).toLowerCase()] ?? "application/octet-stream"

/** The name a file is sent under: its own without what no name may hold, at most 255 bytes. */
export const nameOf = (path: string): string => {
  let name = Array.from(basename(path))
    .filter((character) => character >= " " && !"\u007f/\\".includes(character))
    .join("")
  while (Buffer.byteLength(name) > 255) name = Array.from(name).slice(1).join("")
  return name === "." || name === ".." ? "" : name
}

const bytesOf = (path: string) =>
  async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of createReadStream(path, { highWaterMark: 1 << 17 })) yield piece as Buffer
  }

/** A file of the disk to be sent. */
export const sourceOf = async (path: string): Promise<PromiseFileSource> => {
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile() !== true) throw new UsageError(`there is no file ${path}`, "Check the path given to --file.")
  return { length: found.size, bytes: bytesOf(path) }
}

const sizeOf = async (path: string): Promise<number | undefined> => {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true ? found.size : undefined
}

/** `name`, `name (2)`, `name (3)` …, the number ahead of the ending. */
const variant = (name: string, n: number): string => {
  const ending = extname(name)
  return n === 1 ? name : `${name.slice(0, name.length - ending.length)} (${n})${ending}`
}

/** Whether a file here is the one that the message is about: its last chunk is fetched, the rest is compared by hash. */
const isSame = async (
  client: PromiseClient,
  attachment: Attachment,
  path: string,
  signal: AbortSignal
): Promise<boolean> => {
  try {
    const have = { length: attachment.length, bytes: bytesOf(path) }
    for await (const piece of client.attachments.download(attachment, { have }, { signal }))
      if (piece.of < 0) return false
    return true
  } catch (error) {
    if (error instanceof Error && "reason" in error && error.reason === "changed") return false
    throw error
  }
}

/** Fetches into `.<id>.part`, going on behind what is there. */
const fetch = async (
  client: PromiseClient,
  attachment: Attachment,
  part: string,
  maxBytes: number,
  signal: AbortSignal
): Promise<void> => {
  const length = (await sizeOf(part)) ?? 0
  const usable = length <= attachment.length
  const handle = await open(part, usable ? "a" : "w", 0o600)
  try {
    const have = usable && length > 0 ? { have: { length, bytes: bytesOf(part) } } : {}
    for await (const { bytes } of client.attachments.download(attachment, { ...have, maxBytes }, { signal })) {
      await handle.write(bytes)
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const reasonOf = (error: unknown): unknown =>
  error instanceof Error && "_tag" in error && error._tag === "AttachmentError" && "reason" in error
    ? error.reason
    : undefined

/**
 * Fetches an attachment into a folder, under its name or the next free one like it. The same file that is there already is left alone. Answers its
 * path.
 */
export const save = async (
  client: PromiseClient,
  attachment: Attachment,
  folder: string,
  maxBytes: number,
  signal: AbortSignal
): Promise<string> => {
  await mkdir(folder, { recursive: true })
  // A name is the sender's word: one that begins with a dot would be hidden.
  const name = attachment.name.replace(/^\.+/, "") || attachment.id.slice(0, 16)
  const part = join(folder, `.${attachment.id}.part`)
  if (attachment.length > 0) {
    for (let n = 1; ; n++) {
      const path = join(folder, variant(name, n))
      const size = await sizeOf(path)
      if (size === undefined) break
      if (size === attachment.length && (await isSame(client, attachment, path, signal))) return path
    }
  }
  try {
    await fetch(client, attachment, part, maxBytes, signal)
  } catch (error) {
    // What is there is no beginning of it: once more from nothing.
    if (reasonOf(error) !== "changed") throw error
    await rm(part, { force: true })
    await fetch(client, attachment, part, maxBytes, signal)
  }
  for (let n = 1; ; n++) {
    const path = join(folder, variant(name, n))
    try {
      // Never over a file that is there.
      await link(part, path)
      await rm(part, { force: true })
      return path
    } catch (error) {
      if (!(error instanceof Error) || !("code" in error) || error.code !== "EEXIST") throw error
    }
  }
}
