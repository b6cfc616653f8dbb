/** Entries and sets of them for the tests of histories. */
import * as Result from "effect/Result"
import * as Bytes from "../../src/base/Bytes.ts"
import type { CryptoProvider } from "../../src/crypto/Provider.ts"
import { loadNodeProvider } from "../../src/crypto/Node.ts"
import * as Entry from "../../src/history/Entry.ts"
import { Places } from "../../src/history/Places.ts"
import * as Ranges from "../../src/history/Ranges.ts"

export const crypto: CryptoProvider = await loadNodeProvider()

/** Bytes that say who they are for. */
export const named = (name: string, length: number): Uint8Array =>
  crypto.hkdfSha256(Bytes.utf8Encode(name), Bytes.empty, Bytes.empty, length)

/** A text message. */
export const entry = (n: number, changes: Partial<Entry.Entry> = {}): Entry.Entry => ({
  conversation: named("conversation", 16),
  account: named("account", 32),
  device: named("device", 32),
  number: n,
  messageId: named(`message ${n}`, 16),
  sentAt: 1_700_000_000_000 + n,
  type: 1,
  body: Bytes.utf8Encode(`text ${n}`),
  replyTo: undefined,
  fallback: undefined,
  ...changes
})

/** One device's history, as far as comparing needs it. */
export class Side {
  readonly places = new Places()
  readonly entries = new Map<string, Entry.Entry>()
  private readonly byId = new Map<string, Uint8Array>()
  readonly crypto: CryptoProvider = crypto

  /** Takes an entry by rule history.id.2. */
  take(entry: Entry.Entry): void {
    const place = Entry.placeOf(crypto, entry)
    const id = Bytes.toHex(Entry.idOf(crypto, entry))
    const before = this.byId.get(id)
    if (before !== undefined) {
      if (Entry.numberOf(before) >= entry.number) return
      this.places.remove(before)
      this.entries.delete(Bytes.toHex(before))
    }
    this.byId.set(id, place)
    this.places.add(place)
    this.entries.set(Bytes.toHex(place), entry)
  }

  sizeOf(place: Uint8Array): number {
    const found = this.entries.get(Bytes.toHex(place))
    return found === undefined ? 0 : Result.getOrThrow(Entry.encode(found)).length + 5
  }

  answer(data: Uint8Array, beginning = 0): Uint8Array | undefined {
    const word = Result.getOrThrow(Ranges.decode(data))
    if (word.word !== 1) throw new Error("half")
    for (const bytes of word.entries) this.take(Result.getOrThrow(Entry.decode(bytes)))
    const answer = Ranges.answer(crypto, this.places, word, beginning, (place) => this.sizeOf(place))
    if (answer === undefined) return undefined
    const entries = answer.given.map((place) => Result.getOrThrow(Entry.encode(this.entries.get(Bytes.toHex(place))!)))
    return Ranges.encode({ ...answer.word, entries })
  }

  begin(exchange: Uint8Array, beginning = 0): Uint8Array {
    return Ranges.encode({ ...Ranges.begin(crypto, exchange, this.places, beginning), entries: [] })
  }

  all(): ReadonlyArray<string> {
    return Array.from({ length: this.places.size }, (_, i) => Bytes.toHex(this.places.at(i)))
  }
}

/** One exchange; answers how many words it took, and their greatest length. */
export const exchange = (a: Side, b: Side, n = 0): { words: number; longest: number } => {
  let word: Uint8Array | undefined = a.begin(named(`exchange ${n}`, 16))
  let words = 0
  let longest = 0
  for (let at = b; word !== undefined; at = at === a ? b : a) {
    words++
    longest = Math.max(longest, word.length)
    word = at.answer(word)
  }
  return { words, longest }
}
