/**
 * What an application sees of a history.
 *
 * Spec: docs/spec/23-history.md.
 * Types only; the programs are beside it.
 */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { ArchiveCause } from "../../history/ArchiveFailure.ts"
import type { Body, Sender } from "../Api.ts"
import type { ClientError } from "../Errors.ts"
import type { ArchiveError, HistoryOff } from "./HistoryErrors.ts"
import type { Origin } from "./HistoryRecords.ts"

/** How a history is kept. */
export interface HistoryOptions {
  /**
   * From when on other own devices are asked for what this one lacks, ms since 1970. Without it: 0 on an account's first device, the
   * first opening with history on later ones (rule history.keep.2). Counts at that first opening only.
   */
  readonly beginning?: number
  /** Entries sent longer ago than this, ms, are removed here (rule history.keep.3). At least a day. */
  readonly keepMs?: number
  /** Whether archives that own devices offer are taken without having been asked for. Default `true`. */
  readonly takeOffers?: boolean
}

/** One message as it is kept. Ids are lower-case hexadecimal: `id` 32 characters, `place` 96. */
export interface HistoryEntry {
  /** Message id. */
  readonly id: string
  readonly conversation: string
  /** Its place in the order of the history: what a page goes on from. Changes if the message gets another number. */
  readonly place: string
  readonly from: Sender
  /** It was sent by this account, on this device or another. */
  readonly own: boolean
  readonly body: Body
  /** The author's clock, ms. */
  readonly sentAt: number
  /** The author's number for it in this conversation, 0 while it has none. */
  readonly number: number
  readonly replyTo: string | undefined
  /** When it came to this device, ms. */
  readonly receivedAt: number
  /** How it came to this device. */
  readonly origin: Origin
  /** When it was read, on this device or another, ms. */
  readonly readAt: number | undefined
}

/** Which part of a conversation. */
export interface PageOptions {
  /** 32 hexadecimal characters. */
  readonly conversation: string
  /** The place of an entry: what stands before it. Without it, the newest entries. */
  readonly before?: string
  /** Default 50, at most 1,000. */
  readonly limit?: number
}

/** A stretch of a conversation, newest first. `before` goes on from there, and is absent where nothing more is. */
export interface HistoryPage {
  readonly entries: ReadonlyArray<HistoryEntry>
  readonly before: string | undefined
}

/** A conversation that has entries. `peer` is who it is with, where that is a contact. */
export interface HistoryConversation {
  readonly conversation: string
  readonly peer: Sender | undefined
  readonly newest: HistoryEntry
}

/** What an archive is to hold: `last` entries of each conversation, or what was sent since a time, of all or of some conversations. */
export interface ArchiveRange {
  /** ms since 1970. */
  readonly since?: number
  /** At most 256, 32 hexadecimal characters each. */
  readonly conversations?: ReadonlyArray<string>
  /** Not together with the others. */
  readonly last?: number
}

/** How an archive between own devices gets on. */
export interface ArchiveProgress {
  /** 32 hexadecimal characters. */
  readonly archive: string
  /** The other device, 64 hexadecimal characters. */
  readonly device: string
  readonly direction: "giving" | "taking"
  readonly state: "offered" | "under-way" | "done" | "ended"
  /** Why it ended without being done. */
  readonly reason: "declined" | "gone" | "damaged" | ArchiveCause | undefined
  /** Entries and plaintext bytes so far; and, where known, about how many there will be. */
  readonly entries: number
  readonly bytes: number
  readonly of: { readonly entries: number; readonly bytes: number } | undefined
}

/** An archive that is not at its end. */
export interface ArchiveUnderWay extends ArchiveProgress {
  /** When it was offered, by the clock of the device that gives it, ms. */
  readonly madeAt: number
}

/** What is known of the history on another own device (rule history.compared.1). */
export interface HistoryDevice {
  /** 64 hexadecimal characters. */
  readonly device: string
  /** When it was last compared with, ms; `undefined` before the first time. */
  readonly comparedAt: number | undefined
  /** Whether both had the same entries then; entries on their way between the two count as missing until they came. */
  readonly equal: boolean | undefined
  /** Entries sent before this time were not compared, ms. */
  readonly since: number | undefined
}

/** An archive that another own device was asked for and has not offered yet. */
export interface HistoryWish {
  readonly device: string
  readonly range: ArchiveRange
  /** Since when, ms. */
  readonly madeAt: number
}

/** A history as it stands in the store, whether or not a client has it open. */
export interface HistorySurvey {
  /** From when on other own devices are asked for what this one lacks, ms (rule history.keep.2). */
  readonly beginning: number
  readonly entries: number
  /** Archives under way in either direction, the oldest first. */
  readonly archives: ReadonlyArray<ArchiveUnderWay>
  readonly wishes: ReadonlyArray<HistoryWish>
  /** Every other own device that can read. */
  readonly devices: ReadonlyArray<HistoryDevice>
}

/** The same with the digest of all entries, 64 hexadecimal characters. */
export interface HistoryStatus extends HistorySurvey {
  readonly digest: string
}

/** How an import gets on. */
export interface ImportProgress {
  readonly entries: number
  readonly bytes: number
}

/** The history of a client. Every operation fails with `HistoryOff` when the client was opened without it. */
export interface HistoryApi {
  /** A stretch of a conversation, newest first. */
  readonly page: (options: PageOptions) => Effect.Effect<HistoryPage, ClientError | HistoryOff>
  /** Every conversation with entries. */
  readonly conversations: Effect.Effect<ReadonlyArray<HistoryConversation>, ClientError | HistoryOff>
  /** The entries of a message id: one, unless its sender gave the same id to different messages. */
  readonly find: (id: string) => Effect.Effect<ReadonlyArray<HistoryEntry>, ClientError | HistoryOff>
  /**
   * Digest (64 hexadecimal characters) of the whole history, of a conversation, or of what was sent since a time: the same on every
   * device that has the same entries.
   */
  readonly digest: (options?: {
    readonly conversation?: string
    readonly since?: number
  }) => Effect.Effect<string, ClientError | HistoryOff>
  /** Where this device's history begins, ms (rule history.keep.2). */
  readonly beginning: Effect.Effect<number, HistoryOff>
  /** Entries as they are added or get another place, however they come. Live. */
  readonly changes: Stream.Stream<HistoryEntry>
  /** How the history stands: what there is, what is under way, and what is known of other own devices. */
  readonly status: Effect.Effect<HistoryStatus, ClientError | HistoryOff>
  /** Compares with every other own device now; what differs comes by and by, and shows in `changes`. */
  readonly compare: Effect.Effect<void, ClientError | HistoryOff>
  /** Offers another own device (64 hexadecimal characters) an archive; it goes on by itself. Answers its id. */
  readonly offer: (
    device: string,
    range?: ArchiveRange
  ) => Effect.Effect<string, ClientError | HistoryOff | ArchiveError>
  /**
   * Asks other own devices, or one of them, for an archive. The first offer of each is taken. What was asked for is remembered, and asked for
   * again, until it is offered, for 30 days.
   */
  readonly ask: (range?: ArchiveRange, device?: string) => Effect.Effect<void, ClientError | HistoryOff | ArchiveError>
  /** How archives between devices get on. Live; what is under way is told first. */
  readonly archives: Stream.Stream<ArchiveProgress>
  /** An archive under a key of 32 bytes, as a stream of bytes for a file. Memory does not grow with it. */
  readonly export: (
    key: Uint8Array,
    range?: ArchiveRange
  ) => Stream.Stream<Uint8Array, ClientError | HistoryOff | ArchiveError>
  /**
   * Takes the entries of an archive of this account, chunk by chunk, each in one commit. What stands behind a chunk that does not open is not
   * taken; what stands before stays.
   */
  readonly import: <E>(
    key: Uint8Array,
    bytes: Stream.Stream<Uint8Array, E>
  ) => Stream.Stream<ImportProgress, ClientError | HistoryOff | ArchiveError | E>
}
