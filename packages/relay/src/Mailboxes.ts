/**
 * Mailboxes: envelopes kept in order until they are acknowledged.
 *
 * Spec: docs/spec/14-relay.md rules relay.submit.1–4, relay.mailbox.1–2.
 * Every function runs inside a transaction; `accepted` leaves after its commit. Knows no sender, and opens nothing.
 */
import { createHash } from "node:crypto"
import { Bytes, Envelope, Labels, Limits, type CryptoProvider } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import type { Database } from "./Database.ts"
import type { RelayLimits } from "./Options.ts"
import { keyed, tokenBucket } from "./RateLimit.ts"
import { refuse, type Refusal } from "./Refusal.ts"
import type { Tombstones } from "./Tombstones.ts"

/** An envelope on its way out. `delivery` counts from 1 within the mailbox. */
export interface Waiting {
  readonly delivery: number
  readonly receivedAt: number
  readonly envelope: Uint8Array
}

/** A submission that is taken. `stored` is false for a repetition. */
export interface Taken {
  readonly _tag: "Taken"
  readonly device: number
  readonly kind: number
  readonly stored: boolean
}

export interface Mailboxes {
  readonly create: (device: number, mailbox: Uint8Array) => void
  readonly exists: (mailbox: Uint8Array) => boolean
  readonly setToken: (device: number, tokenHash: Uint8Array) => void
  readonly submit: (token: Uint8Array, envelope: Uint8Array, now: number) => Taken | Refusal
  /** At most `limit` envelopes after delivery `after`, in order. Reads committed rows, outside of transactions too. */
  readonly read: (device: number, after: number, limit: number) => ReadonlyArray<Waiting>
  /** Forgets deliveries; unknown ones are skipped. Returns how many there were. */
  readonly acknowledge: (device: number, deliveries: ReadonlyArray<number>, now: number) => number
  /** Envelopes waiting. */
  readonly waiting: (device: number) => number
  /** Deletes what waited too long, at most `most` envelopes at a time; returns how many. */
  readonly expire: (now: number, most: number) => number
  /** Deletes the envelopes of a revoked device; the mailbox stays, to answer `stale-device`. */
  readonly drop: (device: number) => void
}

/** How long the sender to a full mailbox should wait, in ms. */
const quotaRetryMs = 60_000

/** Names an envelope within its mailbox. 16 bytes: only the submitter of both envelopes could make two collide. */
const digestOf = (envelope: Uint8Array): Uint8Array => createHash("sha256").update(envelope).digest().subarray(0, 16)

export const makeMailboxes = (
  db: Database,
  crypto: CryptoProvider,
  limits: RelayLimits,
  tombstones: Pick<Tombstones, "ofDevice">
): Mailboxes => {
  const insertMailbox = db.sql("INSERT INTO mailboxes (device, mailbox) VALUES (?, ?)")
  const byMailbox = db.sql(
    `SELECT m.device, m.token_hash, m.envelopes, m.bytes, m.last_delivery, d.revoked
     FROM mailboxes m JOIN devices d ON d.id = m.device WHERE m.mailbox = ?`
  )
  const setHash = db.sql("UPDATE mailboxes SET token_hash = ? WHERE device = ?")
  const seen = db.sql("SELECT gone_at FROM digests WHERE device = ? AND digest = ?")
  const remember = db.sql("INSERT OR REPLACE INTO digests (device, digest, gone_at) VALUES (?, ?, NULL)")
  const insert = db.sql(
    "INSERT INTO envelopes (device, delivery, received_at, digest, envelope) VALUES (?, ?, ?, ?, ?)"
  )
  const count = db.sql(
    "UPDATE mailboxes SET last_delivery = ?, envelopes = envelopes + 1, bytes = bytes + ? WHERE device = ?"
  )
  const after = db.sql(
    "SELECT delivery, received_at, envelope FROM envelopes WHERE device = ? AND delivery > ? ORDER BY delivery LIMIT ?"
  )
  const remove = db.sql(
    "DELETE FROM envelopes WHERE device = ? AND delivery = ? RETURNING digest, length(envelope) AS bytes"
  )
  const forget = db.sql("UPDATE digests SET gone_at = ? WHERE device = ? AND digest = ?")
  const discount = db.sql("UPDATE mailboxes SET envelopes = envelopes - ?, bytes = bytes - ? WHERE device = ?")
  const waiting = db.sql("SELECT envelopes FROM mailboxes WHERE device = ?")
  const oldest = db.sql("SELECT device, delivery, received_at FROM envelopes ORDER BY id LIMIT ?")
  const deleteDigest = db.sql("DELETE FROM digests WHERE device = ? AND digest = ?")
  const deleteGone = db.sql("DELETE FROM digests WHERE gone_at <= ?")
  const dropEnvelopes = db.sql("DELETE FROM envelopes WHERE device = ?")
  const dropDigests = db.sql("DELETE FROM digests WHERE device = ?")
  const dropCounts = db.sql("UPDATE mailboxes SET envelopes = 0, bytes = 0, token_hash = NULL WHERE device = ?")
  const newestManifest = db.sql(
    `SELECT bytes FROM manifests WHERE account = (SELECT account FROM devices WHERE id = ?)
     ORDER BY version DESC LIMIT 1`
  )
  const starts = keyed(() => tokenBucket({ capacity: limits.startBurst, perSecond: limits.startsPerSecond }))
  let lastReceivedAt = 0

  const tokenFits = (token: Uint8Array, hash: unknown): boolean =>
    token.length === 16 &&
    hash instanceof Uint8Array &&
    Bytes.constantTimeEqual(crypto.sha256(Labels.prefixed(Labels.deliveryToken, token)), hash)

  /** Removes envelopes of one mailbox and keeps its counts right; what becomes of the digest is the caller's. */
  const removeAll = (device: number, deliveries: ReadonlyArray<number>, each: (digest: Uint8Array) => void): number => {
    let removed = 0
    let bytes = 0
    for (const delivery of deliveries) {
      const row = remove.get(device, delivery)
      if (row === undefined) continue
      removed++
      bytes += Number(row["bytes"])
      each(row["digest"] as Uint8Array)
    }
    if (removed > 0) discount.run(removed, bytes, device)
    return removed
  }

  return {
    create: (device, mailbox) => void insertMailbox.run(device, mailbox),
    exists: (mailbox) => byMailbox.get(mailbox) !== undefined,
    setToken: (device, tokenHash) => void setHash.run(tokenHash, device),
    submit: (token, bytes, now) => {
      if (bytes.length > Limits.maxEnvelopeBytes) return refuse("too-large")
      const decoded = Envelope.decode(bytes)
      if (Result.isFailure(decoded)) return refuse("bad-frame")
      const { kind, to } = decoded.success
      if (kind !== Envelope.kinds.sessionStart && kind !== Envelope.kinds.sessionMessage) return refuse("bad-frame")
      const box = byMailbox.get(to)
      if (box === undefined) return refuse("unknown-mailbox")
      const device = Number(box["device"])
      if (box["revoked"] !== 0) {
        return (
          tombstones.ofDevice(device) ?? refuse("stale-device", 0, newestManifest.get(device)!["bytes"] as Uint8Array)
        )
      }
      const digest = digestOf(bytes)
      // A repetition is accepted whatever became of token, quota or rate since: the client only lost the answer.
      const before = seen.get(device, digest)
      if (before !== undefined && (before["gone_at"] === null || Number(before["gone_at"]) > now - limits.digestMs)) {
        return { _tag: "Taken", device, kind, stored: false }
      }
      const trusted = tokenFits(token, box["token_hash"])
      if (kind === Envelope.kinds.sessionMessage && !trusted) return refuse("bad-token")
      if (!trusted) {
        const wait = starts.of(String(device)).take(now)
        if (wait > 0) return refuse("rate-limited", wait)
      }
      if (
        Number(box["envelopes"]) >= limits.mailboxEnvelopes ||
        Number(box["bytes"]) + bytes.length > limits.mailboxBytes
      ) {
        return refuse("quota", quotaRetryMs)
      }
      // Times never go back, so that the oldest rows are the first to expire.
      lastReceivedAt = Math.max(lastReceivedAt, now)
      const delivery = Number(box["last_delivery"]) + 1
      insert.run(device, delivery, lastReceivedAt, digest, bytes)
      remember.run(device, digest)
      count.run(delivery, bytes.length, device)
      return { _tag: "Taken", device, kind, stored: true }
    },
    read: (device, from, limit) =>
      after.all(device, from, limit).map((row) => ({
        delivery: Number(row["delivery"]),
        receivedAt: Number(row["received_at"]),
        envelope: row["envelope"] as Uint8Array
      })),
    acknowledge: (device, deliveries, now) =>
      removeAll(device, deliveries, (digest) => void forget.run(now, device, digest)),
    waiting: (device) => Number(waiting.get(device)?.["envelopes"] ?? 0),
    expire: (now, most) => {
      deleteGone.run(now - limits.digestMs)
      let expired = 0
      for (const row of oldest.all(most)) {
        if (Number(row["received_at"]) > now - limits.retentionMs) break
        const device = Number(row["device"])
        expired += removeAll(device, [Number(row["delivery"])], (digest) => void deleteDigest.run(device, digest))
      }
      return expired
    },
    drop: (device) => {
      dropEnvelopes.run(device)
      dropDigests.run(device)
      dropCounts.run(device)
    }
  }
}
