/**
 * What a copy of a store is worth: whether its records can be read, what it lacks beside the store in use, and what would follow from
 * putting it back.
 *
 * Spec: docs/spec/12-vault.md §12.9; docs/spec/07-sequencing.md §7.2.
 * Works on records that were read, changes nothing and asks nobody. Whoever restores, seals or compares files is its caller.
 */
import * as Result from "effect/Result"
import * as Bytes from "../../base/Bytes.ts"
import type { Layout } from "../../codec/Layout.ts"
import * as Stored from "../../codec/Stored.ts"
import type { CryptoProvider } from "../../crypto/Provider.ts"
import * as Account from "../../identity/Account.ts"
import * as Device from "../../identity/Device.ts"
import * as SkippedKeys from "../../ratchet/SkippedKeys.ts"
import * as Fence from "../../sequence/Fence.ts"
import * as ReplayWindow from "../../sequence/ReplayWindow.ts"
import * as Sequence from "../../sequence/Sequence.ts"
import * as Session from "../../session/Session.ts"
import * as HistoryRecords from "../history/HistoryRecords.ts"
import * as LinkRecords from "../LinkRecords.ts"
import * as Loading from "../Loading.ts"
import * as Records from "../Records.ts"
import * as StoreCustody from "../StoreCustody.ts"
import * as TrustRecords from "../TrustRecords.ts"

/** Values by the name of their record. */
export type Contents = ReadonlyMap<string, Uint8Array>

/** How many records of one kind there are, and how they differ from those in use. */
export interface KindCount {
  /** First part of the records' names, as `session` or `outbox`. */
  readonly kind: string
  readonly inCopy: number
  /** In use and not in the copy, in the copy only, and different; `undefined` without a store to compare with. */
  readonly missing: number | undefined
  readonly extra: number | undefined
  readonly changed: number | undefined
}

/** What the store in use has and the copy has not, as far as a person would miss it; and what would happen a second time. */
export interface Lost {
  /** People met since. Their first message, or writing to them by name, makes them contacts again. */
  readonly contacts: number
  /** Messages that arrived and that the application has not taken yet. The relay was told that they arrived. */
  readonly arrived: number
  /** Messages written here that are still on their way. */
  readonly unsent: number
  /** Entries of the history. Another own device that keeps one can give them again. */
  readonly history: number
  /** Devices of others with which the encryption has gone on: it starts afresh, messages under way are asked for again. */
  readonly conversations: number
  /** Keys kept for messages that are late: without them a late message opens only if its sender seals it again. */
  readonly lateKeys: number
  /** Messages that were taken since, and would be shown again, with the same ids. */
  readonly shownAgain: number
  /** Messages that were sent since, and would be submitted again: the same bytes where they were sealed, which peers refuse as repetitions. */
  readonly sentAgain: number
}

/** What putting the copy back would mean (docs/spec/07-sequencing.md §7.2). */
export interface Restore {
  /** Whether it is the same device of the same account. */
  readonly sameDevice: boolean
  /** Starts of the device: in the copy, and in the store in use. */
  readonly generation: { readonly copy: number; readonly current: number }
  /**
   * Who notices: `relay`, at the first login, before anything is sent; `peers`, at the latest with the first round trip to one of them,
   * because the device was not started since the copy was made; `nobody`, because there is nothing to notice: nothing that others saw has
   * happened since, or the copy is the later one.
   */
  readonly noticedBy: "relay" | "peers" | "nobody"
  /** Devices of peers that are not written to until each of them has said what it received. */
  readonly frozen: number
}

/** What a drill found. */
export interface Survey {
  readonly records: number
  /** Records of the sample that were read down to their fields. */
  readonly opened: number
  /** Records of the sample whose kind this release does not know: of other programs, or of a later release. */
  readonly unknown: number
  /** Records of the sample that could not be read. */
  readonly damaged: ReadonlyArray<{ readonly kind: string; readonly reason: "corrupt" | "version" }>
  /** Records without which the copy is no account: `self`, `custody/device`, and `custody/account` unless the device joined without it. */
  readonly absent: ReadonlyArray<string>
  readonly kinds: ReadonlyArray<KindCount>
  readonly lost: Lost | undefined
  readonly restore: Restore | undefined
}

/** How a drill looks. */
export interface Options {
  /** How many records are read down to their fields, chosen at random, the account's own always among them. All when there are fewer. */
  readonly sample: number
  /** A whole number from 0 up to and without `below`, for choosing. */
  readonly choose: (below: number) => number
}

/** Records that make an account. A device that joined without the account's secrets has `custody/joined` in place of them. */
const essential: ReadonlyArray<string> = [Records.keys.self, StoreCustody.accountKey, StoreCustody.deviceKey]

/** Looks at a copy, and beside it at the store in use if there is one. */
export const survey = (
  crypto: CryptoProvider,
  copy: Contents,
  current: Contents | undefined,
  options: Options
): Survey => {
  const damaged: Array<Survey["damaged"][number]> = []
  let unknown = 0
  let opened = 0
  for (const name of sampleOf([...copy.keys()], options)) {
    const read = check(crypto, name, copy.get(name)!)
    if (read === undefined) unknown++
    else if (Result.isFailure(read)) damaged.push({ kind: kindOf(name), reason: read.failure.reason })
    else opened++
  }
  const kinds = [...new Set([...copy.keys(), ...(current?.keys() ?? [])].map(kindOf))].sort()
  return {
    records: copy.size,
    opened,
    unknown,
    damaged,
    absent: essential.filter(
      (name) => !copy.has(name) && !(name === StoreCustody.accountKey && copy.has(StoreCustody.joinedKey))
    ),
    kinds: kinds.map((kind) => countOf(kind, copy, current)),
    lost: current === undefined ? undefined : lostOf(copy, current),
    restore: current === undefined ? undefined : restoreOf(copy, current)
  }
}

const kindOf = (name: string): string => Records.partsOf(name)[0]!

/** The essential records and as many others as are asked for, by a partial shuffle. */
const sampleOf = (names: Array<string>, { choose, sample }: Options): ReadonlyArray<string> => {
  if (names.length <= sample) return names
  const chosen = names.filter((name) => essential.includes(name))
  const rest = names.filter((name) => !essential.includes(name))
  for (let i = 0; i < rest.length && chosen.length < sample; i++) {
    const at = i + choose(rest.length - i)
    chosen.push(rest[at]!)
    rest[at] = rest[i]!
  }
  return chosen
}

const byLayout =
  <T>(layout: Layout<T>) =>
  (_: CryptoProvider, bytes: Uint8Array): Result.Result<unknown, Stored.Unreadable> =>
    Stored.decode(layout, Records.written, bytes)

type Read = Result.Result<unknown, Stored.Unreadable> | undefined
type Check = (crypto: CryptoProvider, bytes: Uint8Array, name: string) => Read

const histories: Readonly<Record<string, Check>> = {
  self: byLayout(HistoryRecords.Self),
  entry: byLayout(HistoryRecords.Kept),
  index: byLayout(HistoryRecords.Index),
  read: byLayout(HistoryRecords.Read),
  offer: byLayout(HistoryRecords.Offer),
  chunk: byLayout(HistoryRecords.Chunk),
  take: byLayout(HistoryRecords.Take),
  wish: byLayout(HistoryRecords.Wish),
  compared: byLayout(HistoryRecords.Compared)
}

const checks: Readonly<Record<string, Check>> = {
  self: byLayout(Records.Self),
  progress: (crypto, bytes, name) =>
    (name === Records.keys.progressIn ? byLayout(Records.ProgressIn) : byLayout(Records.ProgressOut))(crypto, bytes),
  custody: (_, bytes, name) =>
    name === StoreCustody.accountKey
      ? Result.map(Account.decode(bytes), ({ alias, identity }) => Bytes.wipe(alias, identity))
      : name === StoreCustody.deviceKey
        ? Result.map(Device.decode(bytes), ({ agreement, signing }) => Bytes.wipe(agreement, signing))
        : name === StoreCustody.joinedKey
          ? Account.decodeJoined(bytes)
          : undefined,
  prekey: byLayout(Records.Prekey),
  contact: byLayout(Records.Contact),
  peer: byLayout(Records.Peer),
  session: (crypto, bytes) => Session.decode(crypto, bytes),
  skipped: (crypto, bytes, name) =>
    SkippedKeys.decodeAll(crypto, 1, Bytes.empty, [{ number: Records.orderOf(name), bytes }]),
  window: (_, bytes) => ReplayWindow.decode(bytes),
  sequence: (_, bytes) => Sequence.decode(bytes),
  outbox: byLayout(Records.Outbox),
  sent: byLayout(Records.Sent),
  inbox: byLayout(Records.Inbox),
  seen: byLayout(Records.Seen),
  owed: byLayout(Records.Owed),
  once: byLayout(Records.Once),
  held: byLayout(Records.Held),
  wanted: byLayout(Records.Wanted),
  restored: byLayout(Records.Restored),
  proposal: byLayout(Records.Proposal),
  removed: byLayout(Records.Removed),
  renewed: byLayout(Records.Renewed),
  notice: byLayout(Records.Notice),
  proof: byLayout(Records.Proof),
  synced: byLayout(Records.Synced),
  greeted: byLayout(Records.Greeted),
  settings: byLayout(Records.Settings),
  unsent: byLayout(Records.Unsent),
  aside: byLayout(Records.Inbox),
  trust: byLayout(TrustRecords.Trust),
  verified: byLayout(TrustRecords.Verified),
  "trust-log": byLayout(TrustRecords.Log),
  "trust-policy": byLayout(TrustRecords.StoredPolicy),
  linking: byLayout(LinkRecords.Linking),
  joining: byLayout(LinkRecords.Joining),
  history: (crypto, bytes, name) => {
    const part = Records.partsOf(name)[1] ?? ""
    return Object.hasOwn(histories, part) ? histories[part]!(crypto, bytes, name) : undefined
  }
}

/** Reads a record down to its fields; `undefined` for a kind that is not known here. */
const check = (crypto: CryptoProvider, name: string, bytes: Uint8Array): Read => {
  const kind = kindOf(name)
  return Object.hasOwn(checks, kind) ? checks[kind]!(crypto, bytes, name) : undefined
}

const differs = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === undefined || b === undefined || a.length !== b.length || a.some((byte, i) => byte !== b[i])

const countOf = (kind: string, copy: Contents, current: Contents | undefined): KindCount => {
  const inCopy = [...copy.keys()].filter((name) => kindOf(name) === kind)
  if (current === undefined)
    return { kind, inCopy: inCopy.length, missing: undefined, extra: undefined, changed: undefined }
  return {
    kind,
    inCopy: inCopy.length,
    missing: [...current.keys()].filter((name) => kindOf(name) === kind && !copy.has(name)).length,
    extra: inCopy.filter((name) => !current.has(name)).length,
    changed: inCopy.filter((name) => current.has(name) && differs(copy.get(name), current.get(name))).length
  }
}

const lostOf = (copy: Contents, current: Contents): Lost => {
  const only = (kind: string, here: Contents, there: Contents): number =>
    [...here.keys()].filter((name) => kindOf(name) === kind && !there.has(name)).length
  const peers = new Set<string>()
  for (const [name, value] of current) {
    const kind = kindOf(name)
    if ((kind === "peer" || kind === "session") && differs(value, copy.get(name))) {
      // A session counts for the device that lists it.
      if (kind === "peer") peers.add(name)
      else for (const owner of ownersOf(current, name)) peers.add(owner)
    }
  }
  return {
    contacts: only("contact", current, copy),
    arrived: only("inbox", current, copy),
    unsent: only("outbox", current, copy),
    history: [...current.keys()].filter((name) => name.startsWith(HistoryRecords.keys.entries) && !copy.has(name))
      .length,
    conversations: peers.size,
    lateKeys: only("skipped", current, copy),
    shownAgain: only("inbox", copy, current),
    sentAgain: only("outbox", copy, current)
  }
}

/** Peer devices whose record names a session. */
const ownersOf = (contents: Contents, session: string): ReadonlyArray<string> =>
  [...contents]
    .filter(([name]) => kindOf(name) === "peer")
    .filter(([, value]) => sessionsOf(value).includes(session))
    .map(([name]) => name)

const sessionsOf = (peer: Uint8Array): ReadonlyArray<string> => {
  const read = Records.Peer.decode(peer)
  return Result.isFailure(read)
    ? []
    : Loading.marks(read.success.sessions).map(({ id }) => Records.keys.session(Bytes.toHex(id)))
}

const selfOf = (contents: Contents): Records.Self | undefined => {
  const stored = contents.get(Records.keys.self)
  const read = stored === undefined ? undefined : Records.Self.decode(stored)
  return read !== undefined && Result.isSuccess(read) ? read.success : undefined
}

/** What is of no weight for peers: neither the relay nor a peer can tell copies apart by it. */
const mute: ReadonlySet<string> = new Set(["prekey", "progress", "once", "owed", "seen", "contact"])

const restoreOf = (copy: Contents, current: Contents): Restore | undefined => {
  const [then, now] = [selfOf(copy), selfOf(current)]
  if (then === undefined || now === undefined) return undefined
  const sameDevice = !differs(then.device, now.device) && !differs(then.account, now.account)
  const moved = [...current].some(([name, value]) => !mute.has(kindOf(name)) && differs(value, copy.get(name)))
  const peers = [...copy.keys()].filter((name) => kindOf(name) === "peer")
  const [before, after] = [then.fence.generation, now.fence.generation]
  const isLater = before > after
  const noticedBy =
    !sameDevice || isLater ? "nobody" : !Fence.isSame(then.fence, now.fence) ? "relay" : moved ? "peers" : "nobody"
  return {
    sameDevice,
    generation: { copy: before, current: after },
    noticedBy,
    frozen: noticedBy === "nobody" ? 0 : peers.length
  }
}
