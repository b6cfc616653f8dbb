/**
 * What an open vault knows of its records: names in order, versions, and the ledger that goes with them.
 *
 * Spec: docs/spec/12-vault.md §12.6.
 * Reads and writes no store. A {@link Plan} is what one commit would change; it becomes true when the commit succeeded.
 */
import * as Bytes from "../../base/Bytes.ts"
import type { CryptoProvider } from "../../crypto/Provider.ts"
import type { Entropy } from "../../ports/Crypto.ts"
import type { Write } from "../../ports/Store.ts"
import * as Ledger from "../../vault/Ledger.ts"
import * as SealedRecord from "../../vault/SealedRecord.ts"
import type * as VaultKeys from "../../vault/VaultKeys.ts"

/** Keys of the store below. Nothing else of a vault stands there. */
export const headerKey = "vault/header"
export const ledgerKey = "vault/ledger"
export const recordPrefix = "vault/r/"
/** What every key of a vault begins with. */
export const reservedPrefix = "vault/"

/** Key below of a piece. */
export const keyBelow = (id: Uint8Array): string => recordPrefix + Bytes.toHex(id)

/** A record: version of its pieces, revision of the first one below, and their ids. */
export interface Entry {
  readonly version: number
  readonly revision: number
  readonly ids: ReadonlyArray<Uint8Array>
}

/** Everything an open vault holds in memory. */
export interface Contents {
  readonly keys: VaultKeys.VaultKeys
  readonly entries: Map<string, Entry>
  /** Names in ascending order. */
  readonly names: Array<string>
  ledger: Ledger.Ledger
  ledgerRevision: number
}

/** The place of a name in ascending names, or where it would stand. */
export const placeOf = (names: ReadonlyArray<string>, name: string): number => {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (names[middle]! < name) low = middle + 1
    else high = middle
  }
  return low
}

/** Names with a prefix, after a name if one is given, at most `limit`. */
export const select = (
  { names }: Contents,
  prefix: string,
  after: string | undefined,
  limit: number
): ReadonlyArray<string> => {
  const out: Array<string> = []
  let at = placeOf(names, after !== undefined && after > prefix ? after : prefix)
  if (after !== undefined && names[at] === after) at++
  for (; at < names.length && out.length < limit && names[at]!.startsWith(prefix); at++) out.push(names[at]!)
  return out
}

interface Change {
  readonly name: string
  readonly ids: ReadonlyArray<Uint8Array> | undefined
  /** Place of the first piece among the puts below. */
  readonly put: number
}

/** The writes of one commit below, and what they make of the contents. */
export class Plan {
  private readonly crypto: CryptoProvider
  private readonly entropy: Entropy["Service"]
  private readonly contents: Contents
  private readonly below: Array<Write> = []
  private readonly changes: Array<Change> = []
  private readonly touched = new Set<string>()
  private readonly marks: Uint8Array
  private count: number
  private puts = 0
  private generation: number
  private ends = false
  /** Bytes to be written. */
  size = 0

  constructor(crypto: CryptoProvider, entropy: Entropy["Service"], contents: Contents) {
    this.crypto = crypto
    this.entropy = entropy
    this.contents = contents
    this.marks = contents.ledger.marks.slice()
    this.count = contents.ledger.count
    this.generation = contents.ledger.generation
  }

  /** Whether one of the writes is about a name this plan changes already: then it must wait for the next commit. */
  meets(writes: ReadonlyArray<Write>): boolean {
    return this.touched.size > 0 && writes.some(({ key }) => this.touched.has(key))
  }

  /** The first write whose expectation does not hold. */
  conflict(writes: ReadonlyArray<Write>): Write | undefined {
    return writes.find(
      ({ expected, key }) =>
        expected !== undefined && (this.contents.entries.get(key)?.revision ?? "absent") !== expected
    )
  }

  /** Takes the writes in. Answers where the revisions of its puts will stand. */
  add(writes: ReadonlyArray<Write>): ReadonlyArray<number> {
    const places: Array<number> = []
    for (const write of writes) {
      this.touched.add(write.key)
      if (write.op === "put") places.push(this.put(write.key, write.value))
      else this.remove(write.key)
    }
    return places
  }

  /** Adds writes of the store below as they are. */
  addBelow(writes: ReadonlyArray<Write>): void {
    for (const write of writes) {
      this.below.push(write)
      if (write.op === "put") this.puts++
    }
  }

  /** The header is replaced in this commit. */
  raiseGeneration(): void {
    this.generation++
  }

  /** The vault ends with this commit: its ledger is removed. */
  end(): void {
    this.ends = true
  }

  private put(name: string, value: Uint8Array): number {
    const { crypto, entropy } = this
    const { entries, keys, ledger } = this.contents
    const before = entries.get(name)
    const version = ledger.commits + 1
    const sealed = SealedRecord.seal(crypto, keys, { name, value, version }, () =>
      entropy.bytes("vault.nonce", SealedRecord.nonceBytes)
    )
    this.forget(before)
    const place = this.puts
    for (const [piece, { bytes, id }] of sealed.entries()) {
      const key = keyBelow(id)
      const expected = piece > 0 ? undefined : (before?.revision ?? ("absent" as const))
      this.below.push({ op: "put", key, value: bytes, ...(expected === undefined ? {} : { expected }) })
      Ledger.toggle(crypto, keys, this.marks, id, version)
      this.size += bytes.length
    }
    this.puts += sealed.length
    this.count += sealed.length
    for (const id of before?.ids.slice(sealed.length) ?? []) this.below.push({ op: "delete", key: keyBelow(id) })
    this.changes.push({ name, ids: sealed.map(({ id }) => id), put: place })
    return place
  }

  private remove(name: string): void {
    const before = this.contents.entries.get(name)
    if (before === undefined) return
    this.forget(before)
    for (const [piece, id] of before.ids.entries()) {
      this.below.push({ op: "delete", key: keyBelow(id), ...(piece > 0 ? {} : { expected: before.revision }) })
    }
    this.changes.push({ name, ids: undefined, put: 0 })
  }

  private forget(before: Entry | undefined): void {
    if (before === undefined) return
    for (const id of before.ids) {
      Ledger.toggle(this.crypto, this.contents.keys, this.marks, id, before.version)
      this.count--
    }
  }

  /** The writes below, the ledger last; none when nothing changes. */
  writes(): ReadonlyArray<Write> {
    if (this.below.length === 0) return []
    const { keys, ledgerRevision } = this.contents
    if (this.ends) return [...this.below, { op: "delete", key: ledgerKey, expected: ledgerRevision }]
    const nonce = this.entropy.bytes("vault.nonce", SealedRecord.nonceBytes)
    const value = Ledger.seal(this.crypto, keys, this.next(), nonce)
    return [...this.below, { op: "put", key: ledgerKey, value, expected: ledgerRevision }]
  }

  private next(): Ledger.Ledger {
    const { commits } = this.contents.ledger
    return { commits: commits + 1, generation: this.generation, count: this.count, marks: this.marks }
  }

  /** The commit succeeded: the contents follow. `revisions` are those below. */
  apply(revisions: ReadonlyArray<number>): void {
    if (this.below.length === 0) return
    const { entries, ledger, names } = this.contents
    for (const { ids, name, put } of this.changes) {
      const at = placeOf(names, name)
      const there = names[at] === name
      if (ids === undefined) {
        if (there) names.splice(at, 1)
        entries.delete(name)
      } else {
        if (!there) names.splice(at, 0, name)
        entries.set(name, { version: ledger.commits + 1, revision: revisions[put]!, ids })
      }
    }
    this.contents.ledger = this.next()
    this.contents.ledgerRevision = revisions[revisions.length - 1] ?? this.contents.ledgerRevision
  }
}
