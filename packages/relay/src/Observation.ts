/**
 * What an operator could see: counted from the database, and from a log of submissions that is kept only on request.
 *
 * Spec: docs/spec/14-relay.md rule relay.privacy.1.
 * For demonstrations and audits. The log lives in memory, is bounded, and holds exactly what passed through: bytes.
 */
import type { Database } from "./Database.ts"

/** One submission as it passed. There is no sender to be noted. */
export interface SeenSubmission {
  /** ms, the relay's clock. */
  readonly at: number
  /** Mailbox id, 32 hex characters. */
  readonly mailbox: string
  readonly kind: number
  readonly envelope: Uint8Array
  /** Whether a delivery token came along. */
  readonly token: boolean
}

/** Counts of submissions since the start. `mailboxes` is how many different ones, `kinds` counts by kind number. */
export interface SeenTraffic {
  readonly envelopes: number
  readonly bytes: number
  readonly mailboxes: number
  readonly kinds: Readonly<Record<number, number>>
  /** The newest submissions, oldest first; at most 10,000 and 16 MiB. */
  readonly log: ReadonlyArray<SeenSubmission>
}

/** Everything an operator sees. `traffic` is absent unless the relay was started with `observe`. */
export interface RelaySaw {
  readonly users: number
  readonly devices: number
  readonly mailboxes: number
  readonly prekeys: number
  /** Open one-time passwords, as hashes. */
  readonly invitations: number
  /** Envelopes not acknowledged yet. */
  readonly waiting: { readonly envelopes: number; readonly bytes: number }
  readonly traffic: SeenTraffic | undefined
}

export interface Observation {
  readonly submitted: (
    device: number,
    kind: number,
    frame: { readonly token: Uint8Array; readonly envelope: Uint8Array }
  ) => void
  readonly saw: () => RelaySaw
}

const maxEntries = 10_000
const maxBytes = 16 * 1024 * 1024

export const makeObservation = (
  db: Database,
  options: { readonly observe: boolean; readonly now: () => number }
): Observation => {
  const counts = db.sql(
    `SELECT (SELECT count(*) FROM accounts WHERE removed_at IS NULL) AS users,
       (SELECT count(*) FROM devices WHERE revoked = 0) AS devices,
       (SELECT count(*) FROM mailboxes m JOIN devices d ON d.id = m.device WHERE d.removed_at IS NULL) AS mailboxes,
       (SELECT count(*) FROM prekeys) AS prekeys,
       (SELECT count(*) FROM invitations WHERE used_by IS NULL AND expires_at > ?) AS invitations,
       (SELECT count(*) FROM envelopes) AS envelopes,
       (SELECT coalesce(sum(length(envelope)), 0) FROM envelopes) AS bytes`
  )
  const mailboxOf = db.sql("SELECT mailbox FROM mailboxes WHERE device = ?")
  const log: Array<SeenSubmission> = []
  const mailboxes = new Set<string>()
  const kinds: Record<number, number> = {}
  let logBytes = 0
  let envelopes = 0
  let bytes = 0
  return {
    submitted: (device, kind, { envelope, token }) => {
      if (!options.observe) return
      const mailbox = Buffer.from(mailboxOf.get(device)!["mailbox"] as Uint8Array).toString("hex")
      envelopes++
      bytes += envelope.length
      kinds[kind] = (kinds[kind] ?? 0) + 1
      if (mailboxes.size < maxEntries) mailboxes.add(mailbox)
      log.push({ at: options.now(), mailbox, kind, envelope, token: token.length > 0 })
      logBytes += envelope.length
      while (log.length > maxEntries || logBytes > maxBytes) logBytes -= log.shift()!.envelope.length
    },
    saw: () => {
      const row = counts.get(options.now())!
      const number = (name: string): number => Number(row[name])
      return {
        users: number("users"),
        devices: number("devices"),
        mailboxes: number("mailboxes"),
        prekeys: number("prekeys"),
        invitations: number("invitations"),
        waiting: { envelopes: number("envelopes"), bytes: number("bytes") },
        traffic: options.observe
          ? { envelopes, bytes, mailboxes: mailboxes.size, kinds: { ...kinds }, log: [...log] }
          : undefined
      }
    }
  }
}
