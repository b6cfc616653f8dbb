/**
 * What an application sees: messages, what became of its own, warnings, and the client service.
 *
 * Spec: docs/spec/03-envelopes.md §3.5, docs/spec/07-sequencing.md §7.1–7.3, docs/spec/16-state.md §16.2.
 * Holds types only; the programs are beside it.
 */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { Cause } from "../base/Failure.ts"
import type { Refused, TransportError, TransportStatus } from "../ports/Transport.ts"
import type { Decision, EventName } from "../trust/Event.ts"
import type {
  AcceptError,
  ClientError,
  InvalidSetting,
  PeerMisbehaved,
  ReviseError,
  Revoked,
  SendError
} from "./Errors.ts"
import type { LinkApi } from "./LinkApi.ts"
import type { TrustApi } from "./TrustApi.ts"
import type { AttachmentApi } from "./attachment/AttachmentApi.ts"
import type { HistoryApi } from "./history/HistoryApi.ts"

/** Who: the name one knows the peer by (if any), account id and device id as lower-case hex (64 characters each). */
export interface Sender {
  readonly user: string | undefined
  readonly account: string
  readonly device: string
}

/**
 * A file that is kept, sealed, at a place of its own (docs/spec/11-attachments.md). `attachments.upload` makes it, `attachments.download` fetches
 * it. Who has it can read the file.
 */
export interface Attachment {
  /** SHA-256 of the sealed file: 64 hexadecimal characters. */
  readonly id: string
  /** Attachment key, 32 bytes. */
  readonly key: Uint8Array
  /** Length of the file, bytes. */
  readonly length: number
  /** 1 to 127 printable ASCII characters. */
  readonly mediaType: string
  /** The sender's word, empty for none; no path. At most 255 bytes of UTF-8. */
  readonly name: string
  /** Until when it is kept, ms. */
  readonly expiresAt: number
  /** Address it is kept below, at most 255 bytes. */
  readonly place: string
  /** Something small to show before it is fetched, made by the sender: 1 to 32,768 bytes. */
  readonly preview?: { readonly mediaType: string; readonly data: Uint8Array } | undefined
}

/** The application part of a message. Text is delivered as it was sent, without normalisation; at most 65,536 bytes of UTF-8. */
export type Body =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "application"; readonly mediaType: string; readonly fallback: string; readonly data: Uint8Array }
  | { readonly type: "typing"; readonly typing: boolean }
  | ({ readonly type: "attachment" } & Attachment)
  | { readonly type: "opaque"; readonly number: number; readonly fallback: string; readonly data: Uint8Array }

/** A message that was delivered. `id` is 32 hex characters; `conversation` likewise. */
export interface Incoming {
  readonly id: string
  readonly conversation: string
  readonly from: Sender
  /** Whether the sender's account is verified, when the message is shown. */
  readonly verified: boolean
  readonly body: Body
  /** The sender's clock, ms. For display only, never trusted. */
  readonly sentAt: number
  /** The relay's clock, ms. */
  readonly receivedAt: number
  /** The sender device's number for it in this conversation; 0 for unnumbered types. */
  readonly sequence: number
  /** It filled a gap: messages with higher numbers were delivered before it. */
  readonly late: boolean
  readonly replyTo: string | undefined
  /** Rises by one with each message delivered on this device, across restarts: a place to resume from. */
  readonly order: number
}

export interface SendOptions {
  readonly replyTo?: string
  /**
   * Repeating a send with the same key (1–256 characters) sends nothing new and gives the first one's result, also after a crash:
   * the message id is derived from it.
   */
  readonly idempotencyKey?: string
}

/** State of one message on its way to one device (rule state.outbox.1). */
export type OutboxState = "queued" | "sent" | "delivered" | "read" | "failed"

/** A message became durable here and is on its way. `devices` is the number of recipient devices. */
export interface Sent {
  readonly id: string
  readonly conversation: string
  readonly sequence: number
  readonly devices: number
}

/** A change of a message's state for one recipient device. `reason` tells why it failed. */
export interface OutboxEvent {
  readonly id: string
  readonly to: Sender
  /** It goes to another device of one's own account: a copy of the message with this id, or something only own devices tell each other. */
  readonly own: boolean
  readonly state: OutboxState
  readonly reason: string | undefined
}

/** What became of one message for one device. */
export interface DeviceOutcome {
  readonly to: Sender
  /** Another device of one's own account, which gets a copy. */
  readonly own: boolean
  /** `reached`: the relay has it for the device, or the device itself. `waiting`: it is kept here and goes out by itself. */
  readonly result: "reached" | "waiting" | "failed"
  readonly state: OutboxState
  /**
   * What it waits for: `relay` (to be taken by it), `session` (the device's keys, or what went before), `answer` (the device has been sent as
   * much as it may be before its first answer), `confirmation` (this device was restored from a copy); or why it failed.
   */
  readonly reason: string | undefined
}

/** What another device of one's own account did. `order` rises, across restarts too, with gaps, and names it for `takeSynced`. */
export type Synced = {
  /** The own device. */
  readonly by: Sender
  /** The relay's clock, ms. */
  readonly receivedAt: number
  readonly order: number
} & (
  | {
      /** It sent a message, `id`, to `to` (whose `device` is empty). `sequence` is its number for it, 0 when that was not given out yet. */
      readonly type: "sent"
      readonly id: string
      readonly conversation: string
      readonly to: Sender
      readonly body: Body
      readonly sentAt: number
      readonly sequence: number
      readonly replyTo: string | undefined
    }
  /** These messages of `peer` (whose `device` is empty) were read there. */
  | { readonly type: "read"; readonly peer: Sender; readonly ids: ReadonlyArray<string> }
  /** It knows this contact; `accepted`: the user accepted its changed identity there. It is a contact here, too. */
  | {
      readonly type: "contact"
      readonly user: string | undefined
      readonly account: string
      readonly state: "pinned" | "accepted" | "other"
      readonly verified: string | undefined
    }
  /** Settings that are others since. `value` is absent where one was taken back. */
  | {
      readonly type: "settings"
      readonly changed: ReadonlyArray<{ readonly name: string; readonly value: Uint8Array | undefined }>
    }
  /** The contact is verified since, with this fingerprint (64 hexadecimal characters), or, without one, not any more. */
  | { readonly type: "verified"; readonly peer: Sender; readonly verified: string | undefined }
)

/** A setting of the account: a name of 1 to 64 characters of ASCII without blanks, a value of at most 256 bytes. */
export interface Setting {
  readonly name: string
  readonly value: Uint8Array
}

/** Settings that all devices of the account share: of two written at once, one stands, the same everywhere. */
export interface SettingsApi {
  /** All, by name. What other devices change is told in `synced`. */
  readonly list: Effect.Effect<ReadonlyArray<Setting>, ClientError>
  readonly get: (name: string) => Effect.Effect<Uint8Array | undefined, ClientError>
  /** Succeeds when it is durable; the other devices are told in the background. Text is stored as UTF-8. At most 128 settings. */
  readonly set: (
    name: string,
    value: Uint8Array | string
  ) => Effect.Effect<void, ClientError | InvalidSetting | Revoked>
  /** One that is not there is no error. */
  readonly unset: (name: string) => Effect.Effect<void, ClientError | InvalidSetting | Revoked>
}

/** What the trust policy decided about an event that a warning tells of. `device` is empty where it is about the account. */
export interface Judged {
  readonly event: EventName
  readonly device: string
  readonly decision: Decision
  readonly rule: string
}

/** Something the user must see. One per event, never repeated for the same bytes. `peer` is absent where nobody is known. */
export type Warning =
  | {
      readonly _tag: "Rejected"
      readonly cause: Cause
      readonly peer: Sender | undefined
      /** About manifests of contacts that were refused; empty otherwise. */
      readonly decisions: ReadonlyArray<Judged>
      readonly at: number
      readonly line: string
    }
  | {
      readonly _tag: "Gap"
      readonly peer: Sender
      readonly conversation: string
      readonly from: number
      readonly to: number
      readonly at: number
      readonly line: string
    }
  | {
      readonly _tag: "GapFilled"
      readonly peer: Sender
      readonly conversation: string
      readonly number: number
      readonly at: number
      readonly line: string
    }
  | {
      readonly _tag: "Lost"
      readonly peer: Sender
      readonly conversation: string
      readonly from: number
      readonly to: number
      readonly at: number
      readonly line: string
    }
  | {
      readonly _tag: "IdentityChanged"
      readonly peer: Sender
      readonly pinned: string
      readonly offered: string
      readonly at: number
      readonly line: string
    }
  | { readonly _tag: "PeerRollback"; readonly peer: Sender; readonly at: number; readonly line: string }
  | { readonly _tag: "RestoredFromBackup"; readonly at: number; readonly line: string }
  | { readonly _tag: "SessionReset"; readonly peer: Sender; readonly at: number; readonly line: string }
  /** A version of the account's manifest added and removed these devices (64 hexadecimal characters each). `peer.device` is empty. */
  | {
      readonly _tag: "DevicesChanged"
      readonly peer: Sender
      readonly version: number
      readonly added: ReadonlyArray<string>
      readonly removed: ReadonlyArray<string>
      /** About these devices, where the account is a contact. */
      readonly decisions: ReadonlyArray<Judged>
      readonly at: number
      readonly line: string
    }
  /** The account's key signed two histories. `proof` is for anybody to check. `peer.device` is empty. */
  | {
      readonly _tag: "Forked"
      readonly peer: Sender
      readonly proof: Uint8Array
      /** About it, where the account is a contact. */
      readonly decisions: ReadonlyArray<Judged>
      readonly at: number
      readonly line: string
    }
  /**
   * The relay's administrator removed an account, or one device of it (then `peer.device` is not empty), at `removedAt` by the relay's clock: the
   * relay's word, signed by nobody. `own`: it is one's own. Sends to a removed account fail with `RemovedByRelay`.
   */
  | {
      readonly _tag: "RemovedByRelay"
      readonly peer: Sender
      readonly own: boolean
      readonly removedAt: number
      readonly at: number
      readonly line: string
    }
  /** This device was removed from its account by the manifest of this version: sends fail with `Revoked`. */
  | { readonly _tag: "Revoked"; readonly version: number; readonly at: number; readonly line: string }

  /**
   * A decision of the trust policy, other than `allow`, about what no other warning tells (docs/spec/24-trust.md). `peer.device` is empty where it
   * is about the account.
   */
  | {
      readonly _tag: "Trust"
      readonly peer: Sender
      readonly event: EventName
      readonly decision: Decision
      readonly rule: string
      readonly at: number
      readonly line: string
    }
  /** A message of a contact that the policy does not show was deleted, because too many are kept. */
  | { readonly _tag: "SetAsideFull"; readonly peer: Sender; readonly at: number; readonly line: string }

/**
 * A contact this device knows. `state` says whether its identity is the pinned one, `verified` whether the user compared its safety number,
 * `approved` whether the operator approved it by hand.
 */
export interface Contact {
  readonly user: string | undefined
  readonly account: string
  readonly state: "pinned" | "identity-changed"
  readonly devices: number
  readonly verified: boolean
  readonly approved: boolean
}

/** A device of the own account. Ids are 64 hexadecimal characters. */
export interface OwnDevice {
  readonly id: string
  /** `admin` may change the account's devices, `replica` stores and cannot read. */
  readonly role: "admin" | "member" | "replica"
  /** The version of the account's manifest that added it. */
  readonly addedIn: number
  /** It is the device this client runs on. */
  readonly current: boolean
}

/** The devices of the own account by the newest manifest known here. */
export interface OwnDevices {
  /** Version of that manifest. */
  readonly version: number
  readonly devices: ReadonlyArray<OwnDevice>
  readonly revoked: ReadonlyArray<{ readonly id: string; readonly revokedIn: number }>
  /** Set when this very device was removed: it sends nothing any more. */
  readonly removed: { readonly version: number; readonly at: number } | undefined
  /** Version of a manifest that was signed here and that the relay has not confirmed yet. */
  readonly pending: number | undefined
}

/** What one version of the own account's manifest changed. Ids are 64 hexadecimal characters. */
export interface DeviceVersion {
  readonly version: number
  /** When it was signed, by the clock of the device that did, ms. */
  readonly issuedAt: number
  readonly added: ReadonlyArray<string>
  readonly removed: ReadonlyArray<string>
}

/** Two signed manifests of one account that contradict each other (docs/spec/04-accounts.md §4.5). */
export interface Proof {
  readonly user: string | undefined
  /** 64 hexadecimal characters. */
  readonly account: string
  readonly versions: readonly [first: number, second: number]
  readonly contradiction: "version" | "previous" | "revocation" | "lost" | "changed" | "backdated"
  /** When it was found, ms. */
  readonly at: number
  /** What anybody can check: `ForkProof.verify`, `tacit device proof`. */
  readonly bytes: Uint8Array
}

/** Whom to write to: by directory name, or by account id (64 hexadecimal characters) where no name is known. */
export type Peer = string | { readonly account: string }

/** An opened conversation: holds its lock and session state in memory, so that bursts and many small sends cost little. */
export interface Conversation {
  readonly id: string
  /** The peer's name, empty where none is known. */
  readonly user: string
  /** The peer's account id, 64 hexadecimal characters. */
  readonly account: string
  /** Seals for every device of the peer, durably, and returns; the way to the relay goes on in the background. */
  readonly send: (body: Body | string, options?: SendOptions) => Effect.Effect<Sent, SendError>
  /** The same for many, in order, in one commit. */
  readonly sendMany: (bodies: ReadonlyArray<Body | string>) => Effect.Effect<ReadonlyArray<Sent>, SendError>
  readonly typing: (typing: boolean) => Effect.Effect<void, SendError>
  /** Sends read receipts for these message ids. */
  readonly markRead: (ids: ReadonlyArray<string>) => Effect.Effect<void, SendError>
  /**
   * What became of a message sent in this conversation, device by device, one's own included: those that something is known of. That a device
   * has read it is remembered while the client is open, that it failed for 30 days.
   */
  readonly outcome: (id: string) => Effect.Effect<ReadonlyArray<DeviceOutcome>, ClientError>
  /** Archives the sessions with every device of the peer; the next message starts new ones (rule session.reset.1). */
  readonly reset: Effect.Effect<void, SendError>
}

/** The client service's operations. All are safe to call concurrently. */
export interface ClientApi {
  readonly self: Sender
  /**
   * Opens the conversation with a peer. A name is looked up once while the client is open, and its identity pinned at first contact; an
   * account id must be that of a contact.
   */
  readonly conversation: (peer: Peer) => Effect.Effect<Conversation, SendError>
  /** `conversation(peer)` then `send`. */
  readonly send: (peer: Peer, body: Body | string, options?: SendOptions) => Effect.Effect<Sent, SendError>
  /**
   * Delivered messages, oldest first, from the durable inbox: each exactly once. A message counts as taken when the next one
   * is pulled, or when the stream ends normally after it; one that was not taken is shown again after a restart, same `id` and `order`.
   * One consumer at a time.
   */
  readonly messages: Stream.Stream<Incoming, ClientError>
  /**
   * The same in batches of all that wait, at most 128, at least one. A batch counts as taken as a whole: quicker where messages come in
   * numbers, but after a crash all of an unfinished batch is shown again.
   */
  readonly batches: Stream.Stream<readonly [Incoming, ...Array<Incoming>], ClientError>
  /** Takes a message from the inbox at once, without waiting for the next pull. */
  readonly take: (message: Incoming) => Effect.Effect<void, ClientError>
  /**
   * What other devices of the own account did: messages sent there, messages read there, contacts, settings. Each once, oldest first; taken as
   * `messages` are. Messages that only another own device was sent are in `messages`. At most 16,384 wait; then the oldest are dropped. One
   * consumer at a time.
   */
  readonly synced: Stream.Stream<Synced, ClientError>
  /** Takes one at once, without waiting for the next pull. */
  readonly takeSynced: (item: Synced) => Effect.Effect<void, ClientError>
  /**
   * Live; late subscribers do not see earlier ones, except `RestoredFromBackup`, `DevicesChanged`, `Forked`, `RemovedByRelay` and `Revoked` that nobody has
   * seen: those wait, the last four across restarts too.
   */
  readonly warnings: Stream.Stream<Warning>
  readonly outbox: Stream.Stream<OutboxEvent>
  /** Succeeds when nothing is queued: every message reached the relay or failed. */
  readonly flush: Effect.Effect<void, ClientError>
  readonly status: Stream.Stream<TransportStatus>
  readonly contacts: Effect.Effect<ReadonlyArray<Contact>, ClientError>
  /** Policy, decisions, safety numbers, verified contacts. */
  readonly trust: TrustApi
  /** Settings that the devices of the account share. */
  readonly settings: SettingsApi
  /** Accepts a changed identity after the user compared it out of band; `account` is the one offered. */
  readonly acceptIdentity: (user: string, account: string) => Effect.Effect<void, AcceptError>
  /** The own account's devices, as this device knows them; asks nobody. */
  readonly devices: Effect.Effect<OwnDevices, ClientError>
  /** The same, after asking the directory for the newest manifest, which this device otherwise does once an hour. */
  readonly refreshDevices: Effect.Effect<OwnDevices, ClientError | PeerMisbehaved | TransportError | Refused>
  /**
   * Every version of the own account's manifest, oldest first, as the directory has them: checked from the first on, and against the one held
   * here (rule manifest.own.3). Fails with `PeerMisbehaved` where they do not verify.
   */
  readonly deviceVersions: Effect.Effect<ReadonlyArray<DeviceVersion>, ClientError | PeerMisbehaved | TransportError>
  /**
   * Removes a device (64 hexadecimal characters) from the account, for good. Succeeds when the relay has the new manifest; from the first moment
   * nothing is sent to that device any more. A device that is removed already is no error.
   */
  readonly revokeDevice: (device: string) => Effect.Effect<OwnDevices, ReviseError>
  /**
   * Archives the sessions with the other own devices, as `reset` of a conversation does with a contact's (rule own.reset.1). Answers with how
   * many devices there were sessions with.
   */
  readonly resetDevices: Effect.Effect<number, ClientError | Revoked>
  /** Linking further devices to the account, on one that has its key. */
  readonly link: LinkApi
  /** Fork proofs this device keeps, oldest first. */
  readonly proofs: Effect.Effect<ReadonlyArray<Proof>, ClientError>
  /** What was said, on every device of the account: needs the option `history` at opening. */
  readonly history: HistoryApi
  /** Files: sent with a message, fetched from where they are kept. */
  readonly attachments: AttachmentApi
}
