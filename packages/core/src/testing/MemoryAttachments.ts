/**
 * An attachment store over plain maps, with cuts where a test wants them.
 *
 * Spec: docs/spec/11-attachments.md §11.4.
 * For tests: everything happens by Effect's clock. Takes no grants.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Bytes from "../base/Bytes.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import { type AttachmentStore, AttachmentStoreError, type Wanted } from "../ports/AttachmentStore.ts"

export interface Options {
  readonly crypto: CryptoProvider
  readonly place?: string
  /** Longest sealed file. Default 16 MiB. */
  readonly maxBytes?: number
  /** Bytes in all. Default 64 MiB. */
  readonly totalBytes?: number
  /** How long files are kept, ms. Default a day. */
  readonly keepMs?: number
}

interface Kept {
  bytes: Uint8Array
  readonly size: number
  readonly expiresAt: number
  id: string | undefined
}

/** The store, and its switches. */
export interface MemoryAttachments {
  readonly service: AttachmentStore["Service"]
  /** After so many more bytes have passed, in either direction, the connection breaks; then there is none until it is called again. `undefined` mends it. */
  readonly cutAfter: (bytes: number | undefined) => void
  /** Changes kept files, as a damaged or lying store does: by id in hexadecimal; `undefined` deletes one. */
  readonly meddle: (change: (id: string, bytes: Uint8Array) => Uint8Array | undefined) => void
  /** Bytes of files and uploads, by upload secret in hexadecimal. */
  readonly kept: () => ReadonlyMap<string, Uint8Array>
  /** How often a file was asked for, by id in hexadecimal. */
  readonly fetched: ReadonlyMap<string, number>
}

const failed = (reason: AttachmentStoreError["reason"], retryAfterMs = 0) =>
  new AttachmentStoreError({ reason, retryAfterMs })

/** How much `read` gives at a time: no multiple of anything. */
const pieceBytes = 50_021

export const make = (options: Options): MemoryAttachments => {
  const { crypto, keepMs = 86_400_000, maxBytes = 16 * 1024 * 1024, totalBytes = 64 * 1024 * 1024 } = options
  const { place = "https://store.example/v1/attachments" } = options
  const uploads = new Map<string, Kept>()
  const fetched = new Map<string, number>()
  let left = Number.POSITIVE_INFINITY

  /** How many of these bytes still pass. */
  const pass = (bytes: number): number => {
    const passing = Math.min(left, bytes)
    left -= passing
    return passing
  }
  const reachable: Effect.Effect<void, AttachmentStoreError> = Effect.suspend(() =>
    left > 0 ? Effect.void : failed("unreachable")
  )
  const sweep = (now: number): void => {
    for (const [secret, { expiresAt }] of uploads) if (expiresAt <= now) uploads.delete(secret)
  }
  const find = (secret: Uint8Array) =>
    Effect.gen(function* () {
      yield* reachable
      sweep(yield* Clock.currentTimeMillis)
      const upload = uploads.get(Bytes.toHex(secret))
      return upload === undefined ? yield* failed("missing") : upload
    })
  const read = ({ from, id, place: at, size, to }: Wanted): Stream.Stream<Uint8Array, AttachmentStoreError> =>
    Stream.unwrap(
      Effect.gen(function* () {
        if (at !== place) return yield* failed("place")
        yield* reachable
        sweep(yield* Clock.currentTimeMillis)
        const hex = Bytes.toHex(id)
        const file = [...uploads.values()].find((one) => one.id === hex)
        if (file === undefined) return yield* failed("missing")
        if (file.bytes.length !== size) return yield* failed("answer")
        fetched.set(hex, (fetched.get(hex) ?? 0) + 1)
        return Stream.unfold(
          from,
          Effect.fnUntraced(function* (position: number) {
            if (position >= to) return undefined
            const wanted = Math.min(pieceBytes, to - position)
            const passing = pass(wanted)
            if (passing === 0) return yield* failed("unreachable")
            return [file.bytes.slice(position, position + passing), position + passing] as const
          })
        )
      })
    )
  const service: AttachmentStore["Service"] = {
    place,
    begin: ({ expiresAt, secret, size }) =>
      Effect.gen(function* () {
        yield* reachable
        const now = yield* Clock.currentTimeMillis
        sweep(now)
        const key = Bytes.toHex(secret)
        const before = uploads.get(key)
        if (before !== undefined) return { offset: before.bytes.length, expiresAt: before.expiresAt }
        if (size > maxBytes) return yield* failed("too-large")
        const taken = [...uploads.values()].reduce((sum, one) => sum + one.size, 0)
        if (taken + size > totalBytes) return yield* failed("quota", 60_000)
        const until = Math.min(expiresAt ?? Number.POSITIVE_INFINITY, now + keepMs)
        uploads.set(key, { bytes: Bytes.empty, size, expiresAt: until, id: undefined })
        return { offset: 0, expiresAt: until }
      }),
    append: (secret, offset, bytes) =>
      Effect.gen(function* () {
        const upload = yield* find(secret)
        if (upload.id !== undefined || offset !== upload.bytes.length) return upload.bytes.length
        if (offset + bytes.length > upload.size) return yield* failed("too-large")
        const passing = pass(bytes.length)
        upload.bytes = Bytes.concat(upload.bytes, bytes.subarray(0, passing))
        return passing < bytes.length ? yield* failed("unreachable") : upload.bytes.length
      }),
    complete: (secret, id) =>
      Effect.gen(function* () {
        const upload = yield* find(secret)
        if (upload.bytes.length !== upload.size) return yield* failed("missing")
        if (!Bytes.equal(crypto.sha256(upload.bytes), id)) {
          uploads.delete(Bytes.toHex(secret))
          return yield* failed("mismatch")
        }
        upload.id = Bytes.toHex(id)
        return { expiresAt: upload.expiresAt }
      }),
    read,
    remove: (secret) =>
      Effect.andThen(
        reachable,
        Effect.sync(() => void uploads.delete(Bytes.toHex(secret)))
      )
  }
  return {
    service,
    cutAfter: (bytes) => {
      left = bytes ?? Number.POSITIVE_INFINITY
    },
    meddle: (change) => {
      for (const [secret, upload] of uploads) {
        if (upload.id === undefined) continue
        const bytes = change(upload.id, upload.bytes)
        if (bytes === undefined) uploads.delete(secret)
        else upload.bytes = bytes
      }
    },
    kept: () => new Map([...uploads].map(([secret, { bytes }]) => [secret, bytes])),
    fetched
  }
}
