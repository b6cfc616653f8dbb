/**
 * What somebody on the wire, or the relay itself, gets to see: counted, measured and searched.
 *
 * Spec: docs/spec/14-relay.md rule relay.privacy.1; docs/spec/03-envelopes.md §3.1.
 * Keeps the newest envelope of each mailbox, so that it can be played again; of all others only their measures.
 */
import { Bytes, Envelope } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import type { Sighting } from "../wire/Wiretap.ts"

/** One submission as captured: the token (16 bytes or none) and the envelope. */
export interface Captured {
  readonly mailbox: string
  readonly token: Uint8Array
  readonly envelope: Uint8Array
  readonly kind: number
}

/** Measures of all traffic so far. */
export interface Sights {
  readonly envelopes: number
  readonly bytes: number
  readonly starts: number
  readonly mailboxes: number
  readonly sizes: number
  /** How many envelopes held one of the words looked for. */
  readonly findings: number
  /** How many held an id of an account or device, as it would stand there in the clear. */
  readonly senders: number
}

export interface Recorder {
  readonly see: (sighting: Sighting) => Captured | undefined
  readonly sights: () => Sights
  /** The newest envelope to a mailbox. */
  readonly newest: (mailbox: string) => Captured | undefined
  /** The mailbox registered under a name, as hex: a relay knows whom each mailbox belongs to. */
  readonly mailboxOf: (user: string) => string | undefined
  /** The newest connection a device logged in on. */
  readonly connectionOf: (device: string) => number | undefined
  /** Looks for these bytes in every envelope from now on: words of messages, and ids of accounts and devices. */
  readonly lookFor: (words: ReadonlyArray<Buffer>, ids: ReadonlyArray<Buffer>) => void
}

export const make = (): Recorder => {
  const newest = new Map<string, Captured>()
  const logins = new Map<string, number>()
  const mailboxes = new Map<string, string>()
  const sizes = new Set<number>()
  let wanted: { readonly words: ReadonlyArray<Buffer>; readonly ids: ReadonlyArray<Buffer> } = { words: [], ids: [] }
  const count = { envelopes: 0, bytes: 0, starts: 0, findings: 0, senders: 0 }
  return {
    see: ({ connection, direction, frame }) => {
      if (direction === "up" && frame.type === 3) mailboxes.set(frame.user, Bytes.toHex(frame.mailbox))
      if (direction === "up" && frame.type === 5) logins.set(Bytes.toHex(frame.device), connection)
      if (direction !== "up" || frame.type !== 14) return undefined
      const decoded = Envelope.decode(frame.envelope)
      if (Result.isFailure(decoded)) return undefined
      const captured = {
        mailbox: Bytes.toHex(decoded.success.to),
        token: frame.token,
        envelope: frame.envelope,
        kind: decoded.success.kind
      }
      newest.set(captured.mailbox, captured)
      sizes.add(frame.envelope.length)
      count.envelopes++
      count.bytes += frame.envelope.length
      if (captured.kind === 1) count.starts++
      const bytes = Buffer.from(frame.envelope.buffer, frame.envelope.byteOffset, frame.envelope.byteLength)
      if (wanted.words.some((word) => bytes.includes(word))) count.findings++
      if (wanted.ids.some((id) => bytes.includes(id))) count.senders++
      return captured
    },
    sights: () => ({ ...count, mailboxes: newest.size, sizes: sizes.size }),
    newest: (mailbox) => newest.get(mailbox),
    mailboxOf: (user) => mailboxes.get(user),
    connectionOf: (device) => logins.get(device),
    lookFor: (words, ids) => {
      wanted = { words, ids }
    }
  }
}
