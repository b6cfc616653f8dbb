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

/** A record: version of its pieces, which is its revision above; revision of the first piece below; and their ids. */
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

/** What a name shall be: its pieces once they are sealed, or nothing. */
interface Change {
  readonly version: number
  readonly value: Uint8Array | undefined
}

/** A change whose pieces are among the writes below. */
interface Written {
  readonly name: string
  readonly version: number
  readonly ids: ReadonlyArray<Uint8Array> | undefined
  /** Place of the first piece among the puts below. */
  readonly put: number
}

/** Commits that are written together, and what they make of the contents. A record's version is its revision above. */
export class Plan {
  private readonly crypto: CryptoProvider
  private readonly entropy: Entropy["Service"]
  private readonly contents: Contents
  private readonly below: Array<Write> = []
  private readonly changes = new Map<string, Change>()
  private readonly written: Array<Written> = []
  private readonly marks: Uint8Array
  private clock: number
  private count: number
  private generation: number
  private puts = 0
  private ends = false
  /** Bytes of values taken in. */
  size = 0

  constructor(crypto: CryptoProvider, entropy: Entropy["Service"], contents: Contents) {
    this.crypto = crypto
    this.entropy = entropy
    this.contents = contents
    this.marks = contents.ledger.marks.slice()
    this.clock = contents.ledger.clock
    this.count = contents.ledger.count
    this.generation = contents.ledger.generation
  }

  /** The first write whose expectation does not hold, after the commits taken in before. */
  conflict(writes: ReadonlyArray<Write>): Write | undefined {
    return writes.find(({ expected, key }) => expected !== undefined && this.revision(key) !== expected)
  }

  private revision(name: string): number | "absent" {
    const change = this.changes.get(name)
    if (change !== undefined) return change.value === undefined ? "absent" : change.version
    return this.contents.entries.get(name)?.version ?? "absent"
  }

  /** Takes a commit in. Answers the revisions of its puts. */
  add(writes: ReadonlyArray<Write>): ReadonlyArray<number> {
    this.clock++
    const revisions: Array<number> = []
    for (const write of writes) {
      if (write.op === "delete") {
        this.changes.set(write.key, { version: this.clock, value: undefined })
        continue
      }
      this.changes.set(write.key, { version: ++this.clock, value: write.value })
      this.size += write.value.length
      revisions.push(this.clock)
    }
    return revisions
  }

  /** Adds writes of the store below as they are. */
  addBelow(writes: ReadonlyArray<Write>): void {
    for (const write of writes) this.push(write)
  }

  /** The header is replaced in this commit. */
  raiseGeneration(): void {
    this.generation++
  }

  /** The vault ends with this commit: its ledger is removed. */
  end(): void {
    this.ends = true
  }

  private push(write: Write): void {
    this.below.push(write)
    if (write.op === "put") this.puts++
  }

  private put(name: string, version: number, value: Uint8Array): void {
    const { crypto, entropy } = this
    const { entries, keys } = this.contents
    const before = entries.get(name)
    const sealed = SealedRecord.seal(crypto, keys, { name, value, version }, () =>
      entropy.bytes("vault.nonce", SealedRecord.nonceBytes)
    )
    this.written.push({ name, version, ids: sealed.map(({ id }) => id), put: this.puts })
    for (const [piece, { bytes, id }] of sealed.entries()) {
      const expected = piece > 0 ? undefined : (before?.revision ?? ("absent" as const))
      this.push({ op: "put", key: keyBelow(id), value: bytes, ...(expected === undefined ? {} : { expected }) })
      Ledger.toggle(crypto, keys, this.marks, id, version)
    }
    this.count += sealed.length
    for (const id of before?.ids.slice(sealed.length) ?? []) this.push({ op: "delete", key: keyBelow(id) })
  }

  private remove(name: string, version: number, before: Entry): void {
    for (const [piece, id] of before.ids.entries()) {
      this.push({ op: "delete", key: keyBelow(id), ...(piece > 0 ? {} : { expected: before.revision }) })
    }
    this.written.push({ name, version, ids: undefined, put: 0 })
  }

  /** Seals what was taken in, and gives the writes below, the ledger last; none when nothing changes. To be called once. */
  writes(): ReadonlyArray<Write> {
    const { entries, keys, ledgerRevision } = this.contents
    for (const [name, { value, version }] of this.changes) {
      const before = entries.get(name)
      for (const id of before?.ids ?? []) {
        Ledger.toggle(this.crypto, keys, this.marks, id, before!.version)
        this.count--
      }
      if (value !== undefined) this.put(name, version, value)
      else if (before !== undefined) this.remove(name, version, before)
    }
    if (this.below.length === 0) return []
    if (this.ends) return [...this.below, { op: "delete", key: ledgerKey, expected: ledgerRevision }]
    const nonce = this.entropy.bytes("vault.nonce", SealedRecord.nonceBytes)
    const value = Ledger.seal(this.crypto, keys, this.next(), nonce)
    return [...this.below, { op: "put", key: ledgerKey, value, expected: ledgerRevision }]
  }

  private next(): Ledger.Ledger {
    return { clock: this.clock, generation: this.generation, count: this.count, marks: this.marks }
  }

  /** The writes succeeded: the contents follow. `revisions` are those below. */
  apply(revisions: ReadonlyArray<number>): void {
    if (this.below.length === 0) return
    const { entries, names } = this.contents
    for (const { ids, name, put, version } of this.written) {
      const at = placeOf(names, name)
      const there = names[at] === name
      if (ids === undefined) {
        if (there) names.splice(at, 1)
        entries.delete(name)
      } else {
        if (!there) names.splice(at, 0, name)
        entries.set(name, { version, revision: revisions[put]!, ids })
      }
    }
    this.contents.ledger = this.next()
    this.contents.ledgerRevision = revisions[revisions.length - 1] ?? this.contents.ledgerRevision
  }
}
