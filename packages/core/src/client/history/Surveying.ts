/**
 * How a history stands: what there is, which archives are under way, and what is known of other own devices.
 *
 * Spec: docs/spec/23-history.md §23.3, §23.4, rule history.compared.1; §23.6.
 * Reads the store and changes nothing. Works on a store that nobody has open, too: a copy that is looked into.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../../base/Bytes.ts"
import type { CryptoProvider } from "../../crypto/Provider.ts"
import * as Archive from "../../history/Archive.ts"
import * as Addressing from "../../identity/Addressing.ts"
import * as Manifest from "../../identity/Manifest.ts"
import { Crypto } from "../../ports/Crypto.ts"
import { Store, type StoreError } from "../../ports/Store.ts"
import { StoredRecordError } from "../Errors.ts"
import * as Loading from "../Loading.ts"
import type { Opened } from "../Opened.ts"
import * as Own from "../Own.ts"
import * as CoreRecords from "../Records.ts"
import * as Giving from "./Giving.ts"
import type { ArchiveUnderWay, HistoryDevice, HistorySurvey, HistoryWish } from "./HistoryApi.ts"
import * as Records from "./HistoryRecords.ts"
import type * as State from "./HistoryState.ts"
import * as Keeping from "./Keeping.ts"
import * as Reading from "./Reading.ts"
import * as Selecting from "./Selecting.ts"
import * as Taking from "./Taking.ts"

type StoreService = Store["Service"]

/** The history of an opened client. */
export const status = Effect.fnUntraced(function* (opened: Opened, state: State.HistoryState) {
  const { places } = yield* Keeping.index(opened, state)
  const others = Own.others(opened).map(Bytes.toHex)
  const survey = yield* surveyOf(opened.store, state.beginning, places.size, others)
  // What gives archives knows what they were estimated at; the store does not.
  const archives: Array<ArchiveUnderWay> = []
  for (const archive of survey.archives) {
    const known = state.told.get(archive.archive)?.of ?? archive.of
    archives.push({ ...archive, of: known ?? (yield* estimate(opened, state, archive.archive)) })
  }
  return { ...survey, archives, digest: yield* Reading.digest(opened, state) }
})

const estimate = Effect.fnUntraced(function* (opened: Opened, state: State.HistoryState, archive: string) {
  const key = Records.keys.offer(archive)
  const stored = yield* opened.store.get(key)
  if (stored === undefined) return undefined
  const { header, madeAt } = yield* CoreRecords.read(Records.Offer, key, stored.value)
  const { range } = yield* headerOf(header)
  return Giving.estimateOf(yield* Selecting.count(opened, state, range, madeAt))
})

/** The history of a store, or `undefined` where none is kept. Takes what is stored at its word; nobody is asked. */
export const stored: Effect.Effect<HistorySurvey | undefined, StoreError | StoredRecordError, Store | Crypto> =
  Effect.gen(function* () {
    const store = yield* Store
    const kept = yield* store.get(Records.keys.self)
    const self = yield* store.get(CoreRecords.keys.self)
    if (kept === undefined || self === undefined) return undefined
    const { beginning } = yield* CoreRecords.read(Records.Self, kept.key, kept.value)
    const record = yield* CoreRecords.read(CoreRecords.Self, self.key, self.value)
    const others = yield* readers(yield* Crypto, store, record)
    let entries = 0
    for (let after: string | undefined; ;) {
      const page = yield* store.scan(Records.keys.indices, after === undefined ? {} : { after })
      if (page.length === 0) break
      entries += page.length
      after = page.at(-1)!.key
    }
    return yield* surveyOf(store, beginning, entries, others)
  })

/** The other own devices that can read, by the newest own manifest that is stored. */
const readers = Effect.fnUntraced(function* (
  crypto: CryptoProvider,
  store: StoreService,
  { account, device, manifest }: CoreRecords.Self
) {
  const own = yield* store.get(CoreRecords.keys.contact(Bytes.toHex(account)))
  const newest =
    own === undefined ? undefined : (yield* CoreRecords.read(CoreRecords.Contact, own.key, own.value)).manifest
  const lists = [manifest, ...(newest === undefined ? [] : [newest])].map((bytes) =>
    Manifest.verify(crypto, bytes, account)
  )
  let best: Manifest.Manifest | undefined
  for (const list of lists) {
    if (Result.isSuccess(list) && list.success.version > (best?.version ?? 0)) best = list.success
  }
  return best === undefined ? [] : Addressing.readers(best, device).map(Bytes.toHex)
})

const surveyOf = Effect.fnUntraced(function* (
  store: StoreService,
  beginning: number,
  entries: number,
  others: ReadonlyArray<string>
) {
  const archives: Array<ArchiveUnderWay> = []
  for (const { key, value } of yield* Loading.scanAll(store, Records.keys.offers)) {
    const offer = yield* CoreRecords.read(Records.Offer, key, value)
    const state = offer.next === 0 ? "offered" : "under-way"
    const progress = Giving.progressOf(key.slice(Records.keys.offers.length), offer, state, undefined)
    archives.push({ ...progress, madeAt: offer.madeAt })
  }
  for (const { key, value } of yield* Loading.scanAll(store, Records.keys.takes)) {
    const take = yield* CoreRecords.read(Records.Take, key, value)
    const { madeAt } = yield* headerOf(take.header)
    const progress = Taking.progressOf(key.slice(Records.keys.takes.length), take, "under-way", undefined)
    archives.push({ ...progress, madeAt })
  }
  const devices: Array<HistoryDevice> = []
  for (const device of others) {
    const key = Records.keys.compared(device)
    const stored = yield* store.get(key)
    const last = stored === undefined ? undefined : yield* CoreRecords.read(Records.Compared, key, stored.value)
    const equal = last === undefined ? undefined : last.equal === 1
    devices.push({ device, comparedAt: last?.at, equal, since: last?.since })
  }
  const survey: HistorySurvey = {
    beginning,
    entries,
    archives: archives.sort((a, b) => a.madeAt - b.madeAt),
    wishes: yield* wishes(store),
    devices
  }
  return survey
})

/** What other own devices were asked for. */
export const wishes = Effect.fnUntraced(function* (store: StoreService) {
  const found: Array<HistoryWish> = []
  for (const { key, value } of yield* Loading.scanAll(store, Records.keys.wishes)) {
    const { madeAt, range } = yield* CoreRecords.read(Records.Wish, key, value)
    found.push({ device: key.slice(Records.keys.wishes.length), range: Selecting.wantedOf(range), madeAt })
  }
  return found
})

const headerOf = (header: Uint8Array): Effect.Effect<Archive.Header, StoredRecordError> => {
  const decoded = Archive.decodeHeader(header)
  return Result.isSuccess(decoded)
    ? Effect.succeed(decoded.success)
    : Effect.fail(new StoredRecordError({ kind: "history", reason: "corrupt" }))
}
