/**
 * Message keys kept for messages that have not arrived: what an opening step may look up, what it answers, and the
 * structure its caller keeps between steps.
 *
 * Spec: docs/spec/06-ratchet.md §6.5, rules ratchet.skip.1 to ratchet.skip.4; docs/spec/16-state.md §16.1.
 * Vectors: vectors/ratchet.
 * Skipped keys are not part of the ratchet state: each is a record of its own, so a large backlog is never written again.
 * Steps see a {@link View} and never change it; the owner of {@link SkippedKeys} applies a step's {@link Delta} after its
 * commit. This is the one mutable structure beside the steps.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Stored from "../codec/Stored.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import type { SuiteId } from "../crypto/Suite.ts"
import * as HeaderKey from "./HeaderKey.ts"

/** One skipped message key. */
export interface SkippedKey {
  /** Key of its chain's headers; its tag names the chain. */
  readonly header: HeaderKey.HeaderKey
  /** Number of the message in its chain. */
  readonly number: number
  /** 32 bytes. */
  readonly messageKey: Uint8Array
  /** When it was skipped, ms. */
  readonly at: number
  /** Counts the keys skipped in the session: of two keys the one with the smaller ordinal is older. */
  readonly ordinal: number
}

/** What opening a message changes. */
export interface Delta {
  readonly added: ReadonlyArray<SkippedKey>
  readonly removed: ReadonlyArray<SkippedKey>
}

/** No change. */
export const unchanged: Delta = { added: [], removed: [] }

/** What an opening step reads. */
export interface View {
  /** Keys kept. */
  readonly count: number
  /** The header key of the chain with this tag (16 bytes), while keys of it are kept. */
  readonly headerKey: (tag: Uint8Array) => HeaderKey.HeaderKey | undefined
  /** Keys kept of the chain with this tag. */
  readonly remaining: (tag: Uint8Array) => number
  /** The key of one message. */
  readonly get: (tag: Uint8Array, number: number) => SkippedKey | undefined
  /** The `count` oldest keys, oldest first; fewer if there are fewer. */
  readonly oldest: (count: number) => ReadonlyArray<SkippedKey>
}

/** No keys. */
export const none: View = {
  count: 0,
  headerKey: () => undefined,
  remaining: () => 0,
  get: () => undefined,
  oldest: () => []
}

/** Whether a key is past its lifetime, and so counts as not there (rule ratchet.skip.2). */
export const isExpired = (key: SkippedKey, now: number): boolean => now - key.at > Limits.skippedKeyLifetimeMs

/**
 * The secrets that go with `removed`, for their owner to erase once they are deleted (rule crypto.erase.1): the message keys, and the
 * header keys of chains that nothing is left of. `view` still holds `removed`; `inUse` are header keys that something else goes on using.
 */
export const secretsOf = (
  view: View,
  removed: ReadonlyArray<SkippedKey>,
  inUse: ReadonlyArray<HeaderKey.HeaderKey | undefined>
): ReadonlyArray<Uint8Array> => {
  const out: Array<Uint8Array> = []
  const chains = new Map<string, { readonly header: HeaderKey.HeaderKey; count: number }>()
  for (const { header, messageKey } of removed) {
    out.push(messageKey)
    const tag = Bytes.toHex(header.tag)
    const chain = chains.get(tag)
    if (chain === undefined) chains.set(tag, { header, count: 1 })
    else chain.count++
  }
  for (const { count, header } of chains.values()) {
    if (count < view.remaining(header.tag)) continue
    if (inUse.some((used) => used !== undefined && Bytes.equal(used.tag, header.tag))) continue
    // The view has its own copy where it was read from a store.
    const held = view.headerKey(header.tag) ?? header
    out.push(held.key, held.sealing)
  }
  return out
}

interface Chain {
  readonly header: HeaderKey.HeaderKey
  readonly keys: Map<number, SkippedKey>
}

/** The skipped keys of one session, in memory. Look-ups and changes cost the same however many there are. */
export interface SkippedKeys extends View {
  /** Brings the structure up to what a committed step answered. */
  readonly apply: (delta: Delta) => void
  /** Keys past their lifetime, oldest first, to be deleted with `apply({ added: [], removed })`. */
  readonly expired: (now: number) => ReadonlyArray<SkippedKey>
  /** Hexadecimal tags of the chains that keys are kept of, for the index of tags. */
  readonly tags: () => ReadonlyArray<string>
}

/** An empty structure. */
export const make = (): SkippedKeys => {
  const chains = new Map<string, Chain>()
  // In order of insertion, which is the order of ordinals.
  const byAge = new Map<number, SkippedKey>()
  return {
    get count() {
      return byAge.size
    },
    headerKey: (tag) => chains.get(Bytes.toHex(tag))?.header,
    remaining: (tag) => chains.get(Bytes.toHex(tag))?.keys.size ?? 0,
    get: (tag, number) => chains.get(Bytes.toHex(tag))?.keys.get(number),
    oldest: (count) => {
      const out: Array<SkippedKey> = []
      for (const key of byAge.values()) {
        if (out.length >= count) break
        out.push(key)
      }
      return out
    },
    expired: (now) => {
      const out: Array<SkippedKey> = []
      for (const key of byAge.values()) if (isExpired(key, now)) out.push(key)
      return out
    },
    tags: () => [...chains.keys()],
    apply: ({ added, removed }) => {
      for (const key of added) {
        const tag = Bytes.toHex(key.header.tag)
        let chain = chains.get(tag)
        if (chain === undefined) chains.set(tag, (chain = { header: key.header, keys: new Map() }))
        chain.keys.set(key.number, key)
        byAge.set(key.ordinal, key)
      }
      for (const key of removed) {
        const tag = Bytes.toHex(key.header.tag)
        const chain = chains.get(tag)
        if (chain === undefined) continue
        chain.keys.delete(key.number)
        byAge.delete(key.ordinal)
        if (chain.keys.size === 0) chains.delete(tag)
      }
    }
  }
}

const version = 1
const Record = Layout.tuple({
  version: Layout.literal(version),
  ordinal: Layout.uint(),
  at: Layout.uint(),
  headerKey: Layout.bytes({ length: 32 }),
  messageKey: Layout.bytes({ length: 32 })
})

/** The record of one key, stored under `skipped/<session id>/<tag>/<number>`. */
export const encode = ({ at, header, messageKey, ordinal }: SkippedKey): Uint8Array =>
  Record.encode({ version, ordinal, at, headerKey: header.key, messageKey })

/** A stored record with the number from its name. */
export interface StoredKey {
  readonly number: number
  readonly bytes: Uint8Array
}

/** The structure out of the stored records of one session, in whatever order they come. */
export const decodeAll = (
  crypto: CryptoProvider,
  suite: SuiteId,
  sessionAd: Uint8Array,
  records: ReadonlyArray<StoredKey>
): Result.Result<SkippedKeys, Stored.Unreadable> => {
  const headers = new Map<string, HeaderKey.HeaderKey>()
  const added: Array<SkippedKey> = []
  for (const { bytes, number } of records) {
    const decoded = Stored.decode(Record, version, bytes)
    if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
    const { at, headerKey, messageKey, ordinal } = decoded.success
    const name = Bytes.toHex(headerKey)
    let header = headers.get(name)
    if (header === undefined) headers.set(name, (header = HeaderKey.make(crypto, suite, sessionAd, headerKey)))
    added.push({ header, number, messageKey, at, ordinal })
  }
  added.sort((a, b) => a.ordinal - b.ordinal)
  const keys = make()
  keys.apply({ added, removed: [] })
  return Result.succeed(keys)
}
