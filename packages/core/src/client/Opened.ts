/**
 * Everything an opened client holds in memory. Beside the ports it is a cache of the store: what cannot be rebuilt from there is
 * not in here, timers and subscribers apart.
 *
 * Spec: docs/spec/16-state.md §16.1.
 * Types only; the programs beside it act on them. Fields that change do so under the lock of their conversation, or, where
 * there is none, in one synchronous piece after a commit.
 */
import type * as Deferred from "effect/Deferred"
import type * as Effect from "effect/Effect"
import type * as Latch from "effect/Latch"
import type * as Semaphore from "effect/Semaphore"
import type { CheckedBundle } from "../agreement/Bundle.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import type { SuiteId } from "../crypto/Suite.ts"
import type * as Body from "../envelope/Body.ts"
import type * as OwnDevice from "../envelope/OwnDevice.ts"
import type { DeviceIdentity } from "../identity/Device.ts"
import type { Told } from "../identity/Addressing.ts"
import type { ForkProof } from "../identity/ForkProof.ts"
import type { Manifest } from "../identity/Manifest.ts"
import type { AttachmentStore } from "../ports/AttachmentStore.ts"
import type { Entropy } from "../ports/Crypto.ts"
import type { Directory } from "../ports/Directory.ts"
import type { KeyCustody } from "../ports/KeyCustody.ts"
import type { Store } from "../ports/Store.ts"
import type { Slots } from "../ports/Slots.ts"
import type { Refused, Transport } from "../ports/Transport.ts"
import type { SkippedKeys } from "../ratchet/SkippedKeys.ts"
import type { Maker } from "../sequence/Fence.ts"
import type { ReplayWindow } from "../sequence/ReplayWindow.ts"
import type { Sequence } from "../sequence/Sequence.ts"
import type { Session } from "../session/Session.ts"
import type { Incoming, OutboxEvent, Sent, Warning } from "./Api.ts"
import type { Slot } from "./Commit.ts"
import type { ClientError } from "./Errors.ts"
import type { History } from "./history/HistoryState.ts"
import type { Broadcast } from "./internal/broadcast.ts"
import type { Lock } from "./internal/lock.ts"
import type * as Records from "./Records.ts"
import type { SettingsState } from "./SettingsState.ts"
import type { TrustState } from "./TrustState.ts"

/** The ports, looked up once. */
export interface Ports {
  readonly store: Store["Service"]
  readonly transport: Transport["Service"]
  readonly directory: Directory["Service"]
  readonly custody: KeyCustody["Service"]
  readonly crypto: CryptoProvider
  readonly entropy: Entropy["Service"]
  /** `undefined` where the transport has none: such a client cannot link devices. */
  readonly slots: Slots["Service"] | undefined
  /** `undefined` where nobody gave one: such a client sends and fetches no files. */
  readonly attachments: AttachmentStore["Service"] | undefined
}

/** One session with a peer device. */
export interface SessionEntry {
  /** Session id in hexadecimal. */
  readonly id: string
  session: Session
  readonly skipped: SkippedKeys
  readonly slot: Slot
}

/** The replay window of one device in one conversation. */
export interface WindowEntry {
  readonly key: string
  window: ReplayWindow
  readonly slot: Slot
  /** Message id of the highest number, as hexadecimal; unknown after a start. Tells a number used twice from a message that came twice. */
  newest?: string
}

/** What is remembered of a message that the relay has. */
export interface Tracked {
  readonly order: number
  readonly type: number
  readonly at: number
  state: "sent" | "delivered"
  /** Whether its content is kept for a retry request. */
  logged: boolean
}

/** A bundle fetched and checked before the lock is taken, with the agreement of the own key and its signed prekey. */
export interface Prepared {
  readonly bundle: CheckedBundle
  readonly dh1: Uint8Array | undefined
}

/** One device of a peer. */
export interface Device {
  readonly id: Uint8Array
  readonly hex: string
  readonly account: string
  peer: Records.Peer
  readonly slot: Slot
  readonly sessions: Map<string, SessionEntry>
  readonly windows: Map<string, WindowEntry>
  /** By message id, oldest first. */
  readonly tracked: Map<string, Tracked>
  /** Message ids, by themselves in hexadecimal, to send a delivery receipt for, and the slot of the record that keeps them. */
  readonly owed: Map<string, Uint8Array>
  readonly owedSlot: Slot
  /** When the last receipt was sealed, ms. */
  receiptAt: number
}

/** The conversation with one account. */
export interface Handle {
  readonly account: Uint8Array
  readonly hex: string
  /** Identifier of the direct conversation, 16 bytes. */
  readonly direct: Uint8Array
  readonly conversation: string
  /** Held around load → steps → commit. */
  readonly lock: Lock
  /** A commit failed: memory may be ahead of the store. Whoever gets the lock loads the conversation afresh. */
  stale: boolean
  sequence: Sequence
  readonly sequenceSlot: Slot
  readonly devices: Map<string, Device>
}

/** A pinned account. */
export interface Contact {
  readonly account: Uint8Array
  readonly hex: string
  record: Records.Contact
  readonly slot: Slot
  /** The newest manifest, checked; `undefined` until one was fetched. */
  manifest: Manifest | undefined
}

/** A fork proof, when it was found (ms), and whether somebody was told. */
export interface KeptProof {
  readonly proof: ForkProof
  readonly at: number
  readonly told: boolean
}

/** An account or a device that the relay's administrator removed. Times are ms. */
export interface Dismissal {
  readonly removedAt: number
  at: number
  told: boolean
  /** The relay said so since the client was opened. */
  heard: boolean
  /** The relay has served it since. */
  lifted: boolean
}

/** Where a session tag leads. */
export interface TagEntry {
  readonly account: string
  readonly device: string
  readonly session: string
}

/** A message on its way to one device. */
export interface Entry {
  readonly order: number
  readonly account: string
  readonly device: string
  /** Message id in hexadecimal. */
  readonly message: string
  readonly type: number
  readonly slot: Slot
  /** The record, unless it is only in the store because too many wait. */
  record: Records.Outbox | undefined
  /** The relay has it, it failed, or its receipt came: nothing is to be done any more. */
  done: boolean
}

/** What became of an entry, to be stored with the next commit of its conversation. */
export interface Settled {
  readonly entry: Entry
  /** `undefined` when the relay has it, else why it failed. */
  readonly reason: string | undefined
}

/** Everything on its way to one device, in order. */
export interface Lane {
  readonly account: string
  readonly device: string
  /** Not sealed yet: no session, no answer, or frozen. */
  waiting: Array<Entry>
  /** Sealed, to be submitted. */
  queue: Array<Entry>
  settled: Array<Settled>
  readonly byMessage: Map<string, Entry>
  running: boolean
  /** Being submitted now. */
  readonly inFlight: Set<Entry>
  /** The peer's token was refused: session messages wait for its next one. */
  blocked: boolean
  /** A fiber that tries to seal what waits is running. */
  sealing: boolean
  /** Sets it going, if it has anything to do. */
  readonly start: () => void
}

/** The durable inbox and who reads it. */
export interface InboxState {
  /** The newest messages by order; older ones are in the store only. */
  readonly cache: Map<number, Incoming>
  /** Released when messages arrive. */
  readonly wake: Latch.Latch
  /** Held by the one reader. */
  readonly reader: Semaphore.Semaphore
}

/** What other own devices did, and who reads it. */
export interface SyncedState {
  /** The next order. */
  next: number
  /** Orders of what is stored, oldest first. */
  readonly waiting: Set<number>
  /** Released when something comes. */
  readonly wake: Latch.Latch
  /** Held by the one reader. */
  readonly reader: Semaphore.Semaphore
}

/** What follows from a refusal: the message failed, or it is tried again, at once or when something else has happened. */
export type Repair = { readonly _tag: "Failed"; readonly reason: string } | { readonly _tag: "Again" }

/** What an application sends, as the protocol has it. */
export interface PlainBody {
  readonly body: Body.Body
  /** Fallback text of a type without a layout of its own. */
  readonly fallback: string | undefined
}

/** One call of a send, on its way through the lock. */
export interface SendRequest {
  readonly bodies: ReadonlyArray<PlainBody>
  readonly replyTo: Uint8Array | undefined
  readonly idempotencyKey: string | undefined
  outcome: Effect.Effect<ReadonlyArray<Sent>, ClientError> | undefined
}

/** An opened client. */
export interface Opened extends Ports {
  /** Suites in order of preference. */
  readonly suites: ReadonlyArray<SuiteId>
  self: Records.Self
  readonly selfSlot: Slot
  readonly selfLock: Semaphore.Semaphore
  readonly prekeyLock: Semaphore.Semaphore
  /** One-time prekeys used since the relay was last asked how many are left. */
  prekeysUsed: number
  readonly identity: DeviceIdentity
  /** Makes this device's fences, and knows them again. */
  readonly fences: Maker
  readonly hex: { readonly account: string; readonly device: string }
  /** Version of the newest own manifest; the manifest itself is that of the contact under the own account. */
  manifestVersion: number
  /** Held while the own manifest is changed by this device. */
  readonly revising: Semaphore.Semaphore
  /** An own manifest that was signed here and that the relay has not confirmed (rule manifest.publish.1). */
  proposal: Manifest | undefined
  readonly proposalSlot: Slot
  /** Set when this device was removed from its account; `gone` opens then (rule manifest.removed.1). */
  removed: Records.Removed | undefined
  readonly gone: Latch.Latch
  /** Sessions with a lower rank are not sealed in any more (rule manifest.revoke.4). */
  renewBefore: number
  /** Fork proofs by digest. */
  readonly proofs: Map<string, KeptProof>
  /** What the relay's administrator removed, by the keys of its records. */
  readonly dismissed: Map<string, Dismissal>
  /** When an account's manifests were last asked for in vain because a message named a newer one, ms (rule manifest.lists.1). */
  readonly missed: Map<string, number>
  /** Peer devices told of the newest own manifest (rule own.lists.3). */
  readonly told: Map<string, Told>
  /** The own devices that read, but this one, by the newest own manifest when they were last looked for. */
  others: { readonly manifest: Manifest; readonly devices: ReadonlyArray<Uint8Array> } | undefined
  /** The own manifest by which own devices were last greeted (rule own.greet.1). */
  greetedBy: Manifest | undefined

  /** Pinned accounts, and the own one with what is known of its manifest. */
  readonly contacts: Map<string, Contact>
  /** Policy, verified contacts, holds, ledgers. */
  readonly trust: TrustState
  /** Settings of the account. */
  readonly settings: SettingsState
  /** Account by user name. */
  readonly names: Map<string, string>
  /** Names looked up since the client was opened. */
  readonly checked: Set<string>
  readonly handles: Map<string, Handle>
  readonly loading: Semaphore.Semaphore
  /** Bundles fetched for devices without a session, by device. */
  readonly prepared: Map<string, Prepared>
  /** Sessions by tag in hexadecimal. */
  readonly tags: Map<string, TagEntry>
  readonly lanes: Map<string, Lane>
  /** What devices said last of messages of which no record is kept any more: by message, then by device. */
  readonly ended: Map<string, Map<string, "delivered" | "read">>

  readonly inbox: InboxState
  readonly synced: SyncedState
  /** Held by one burst of received envelopes at a time. */
  readonly receiving: Semaphore.Semaphore
  /** The last inbox order given out. */
  received: number
  /** Deliveries that are committed but perhaps not acknowledged: number and last 16 bytes in hexadecimal. */
  readonly committed: Map<number, string>
  readonly progressInSlot: Slot
  /** The first outbox order of this run, the next one, and up to which they are reserved. */
  firstOrder: number
  order: number
  reserved: number
  readonly reserving: Semaphore.Semaphore
  readonly progressOutSlot: Slot

  readonly warnings: Broadcast<Warning>
  readonly events: Broadcast<OutboxEvent>
  /** Warned about already, by what it was about. */
  readonly warned: Set<string>
  /** Opens with the first login: nothing leaves before the relay has seen this device's fence. */
  readonly admitted: Latch.Latch
  /** Released whenever a lane has nothing left to do. */
  readonly idle: Latch.Latch
  /** How many wait for everything to be settled, and what tells lanes so. */
  hurried: number
  readonly hurry: Latch.Latch
  /** Devices that something was opened from since the client was opened. */
  readonly proven: Set<string>
  /** When a device was last asked how far it received, ms. */
  readonly asked: Map<string, number>
  /** Frozen devices that it is being tried to ask, and since which restoration (rule fence.heal.2). */
  readonly asking: Map<string, number>
  /** Frozen devices asked at a time. */
  readonly healing: Semaphore.Semaphore
  /** When this device last asked around because of a message of no session, and when it last found out that it was restored, ms. */
  probedAt: number
  restoredAt: number
  /** Released whenever the transport comes back. */
  readonly reconnected: Latch.Latch
  /** Sends that wait for their conversation's lock, by account: whoever gets it first seals for all. */
  readonly sends: Map<string, Array<SendRequest>>
  /** What ended the client, if anything did. */
  readonly failed: Deferred.Deferred<never, ClientError>
  /** Runs an Effect in the background until the client closes. */
  readonly spawn: (effect: Effect.Effect<void>) => void
  /** Tries to seal what waits for a device; set by the client. */
  wake: (lane: Lane) => void
  /** Whether nothing may go to a lane's device any more; set by the client. */
  isBarred: (lane: Lane) => boolean
  /** Goes on with a proposal that another manifest overtook; set by the client. */
  resume: () => void
  /** Gives up what is on its way to devices that an account removed; set by the client. */
  clear: (account: string) => void
  /** Does what the policy says about an identity that changed; set by the client. */
  settleIdentity: (pinned: string) => Effect.Effect<void>
  /** Delivers what was held of identities that are accepted by now; set by the client. */
  deliverHeld: Effect.Effect<void>
  /** The history, where one is kept. */
  history?: History
  /** Takes what own devices say about history, after the commit that brought it; set by whoever keeps one. */
  hearHistory?: (device: Uint8Array, word: OwnDevice.HistoryWord) => Effect.Effect<void>
  /** What to do about a refusal that a retry does not mend; set by the client. */
  repair: (lane: Lane, entry: Entry, refusal: Refused) => Effect.Effect<Repair>
}
