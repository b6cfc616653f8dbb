/**
 * What an application sees: messages, what became of its own, warnings, and the client service.
 *
 * Spec: docs/spec/03-envelopes.md §3.5, docs/spec/07-sequencing.md §7.1–7.3, docs/spec/16-state.md §16.2.
 * Holds types only; the programs are beside it.
 */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { Cause } from "../base/Failure.ts"
import type { TransportStatus } from "../ports/Transport.ts"
import type { AcceptError, SendError, ClientError } from "./Errors.ts"

/** Who: the name one knows the peer by (if any), account id and device id as lower-case hex (64 characters each). */
export interface Sender {
  readonly user: string | undefined
  readonly account: string
  readonly device: string
}

/** The application part of a message. Text is delivered as it was sent, without normalisation; at most 65,536 bytes of UTF-8. */
export type Body =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "application"; readonly mediaType: string; readonly fallback: string; readonly data: Uint8Array }
  | { readonly type: "typing"; readonly typing: boolean }
  | { readonly type: "opaque"; readonly number: number; readonly fallback: string; readonly data: Uint8Array }

/** A message that was delivered. `id` is 32 hex characters; `conversation` likewise. */
export interface Incoming {
  readonly id: string
  readonly conversation: string
  readonly from: Sender
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
  readonly state: OutboxState
  readonly reason: string | undefined
}

/** Something the user must see. One per event, never repeated for the same bytes. `peer` is absent where nobody is known. */
export type Warning =
  | {
      readonly _tag: "Rejected"
      readonly cause: Cause
      readonly peer: Sender | undefined
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

/** A contact this device knows. `state` says whether its identity is the pinned one. */
export interface Contact {
  readonly user: string | undefined
  readonly account: string
  readonly state: "pinned" | "identity-changed"
  readonly devices: number
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
  /** Live; late subscribers do not see earlier ones, except unseen `RestoredFromBackup`. */
  readonly warnings: Stream.Stream<Warning>
  readonly outbox: Stream.Stream<OutboxEvent>
  /** Succeeds when nothing is queued: every message reached the relay or failed. */
  readonly flush: Effect.Effect<void, ClientError>
  readonly status: Stream.Stream<TransportStatus>
  readonly contacts: Effect.Effect<ReadonlyArray<Contact>, ClientError>
  /** Accepts a changed identity after the user compared it out of band; `account` is the one offered. */
  readonly acceptIdentity: (user: string, account: string) => Effect.Effect<void, AcceptError>
}
