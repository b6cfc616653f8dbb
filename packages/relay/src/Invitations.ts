/**
 * One-time passwords an administrator issues.
 *
 * Spec: docs/spec/14-relay.md rules relay.register.1, relay.register.4.
 * Stores hashes only. 100 random bits need no slow hash: guessing is hopeless, and attempts are limited besides.
 */
import { randomBytes, timingSafeEqual } from "node:crypto"
import type { CryptoProvider } from "@tacit/core/hazmat"
import type { Database } from "./Database.ts"

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
const length = 20
const userName = /^[a-z0-9][a-z0-9._-]{0,63}$/

/** Whether a text may be a user name. */
export const isUserName = (text: string): boolean => userName.test(text)

/** An invitation that fits a password. `usedBy` is the device that registered with it, if any. */
export interface Invitation {
  readonly id: number
  readonly usedBy: number | undefined
  /** The name of an account that was removed may be registered anew with it (rule relay.remove.7). */
  readonly again: boolean
  /** Writes an account token down as used by a device. */
  readonly claim?: (device: number) => void
}

export interface Invitations {
  /** Issues a password for a valid name; five groups of four characters. Runs inside a transaction. `forMs` overrides its lifetime; `again` as of {@link Invitation}. */
  readonly issue: (name: string, now: number, forMs?: number, again?: boolean) => string
  /** The unexpired invitation of this name and password. Takes as long whether or not there is one. */
  readonly find: (name: string, password: string, now: number) => Invitation | undefined
  /** What is known of an account token by its id: unused, or used by a device. It is written down when it is used. */
  readonly ofToken: (name: string, token: { readonly id: Uint8Array; readonly expiresAt: number }) => Invitation
  readonly use: (invitation: Invitation, device: number) => void
  /** Deletes expired ones; returns how many. */
  readonly expire: (now: number) => number
}

/** 20 characters of base 32 out of 20 random bytes; 256 is a multiple of 32, so none is likelier. */
const randomPassword = (): string =>
  Array.from(randomBytes(length), (byte) => alphabet[byte & 31]!)
    .join("")
    .replace(/(.{4})(?!$)/g, "$1-")

/** The 20 characters that count. */
const canonical = (password: string): string => password.replace(/[\s-]/g, "").toUpperCase()

export const makeInvitations = (db: Database, crypto: CryptoProvider, lifetimeMs: number): Invitations => {
  const insert = db.sql("INSERT INTO invitations (name, password_hash, expires_at, again) VALUES (?, ?, ?, ?)")
  const ofName = db.sql(
    "SELECT id, password_hash, used_by, again FROM invitations WHERE name = ? AND expires_at > ? ORDER BY id"
  )
  const setUsed = db.sql("UPDATE invitations SET used_by = ? WHERE id = ? AND used_by IS NULL")
  // The id of a token is a hash like that of a password, with another beginning of what is hashed.
  const byToken = db.sql("SELECT id, used_by FROM invitations WHERE password_hash = ? AND used_by IS NOT NULL")
  const insertUsed = db.sql("INSERT INTO invitations (name, password_hash, expires_at, used_by) VALUES (?, ?, ?, ?)")
  const deleteExpired = db.sql("DELETE FROM invitations WHERE expires_at <= ?")
  const hash = (password: string): Uint8Array => crypto.sha256(new TextEncoder().encode(canonical(password)))
  const decoy = randomBytes(32)
  return {
    issue: (name, now, forMs = lifetimeMs, again = false) => {
      const password = randomPassword()
      insert.run(name, hash(password), now + forMs, again ? 1 : 0)
      return password
    },
    find: (name, password, now) => {
      const given = hash(password)
      let found: Invitation | undefined
      const rows = ofName.all(name, now)
      for (const row of rows.length === 0 ? [{ id: 0, password_hash: decoy, used_by: null, again: 0 }] : rows) {
        if (timingSafeEqual(row["password_hash"] as Uint8Array, given)) {
          const usedBy = row["used_by"] === null ? undefined : Number(row["used_by"])
          found = { id: Number(row["id"]), usedBy, again: row["again"] !== 0 }
        }
      }
      return found
    },
    ofToken: (name, { expiresAt, id }) => {
      const row = byToken.get(id)
      if (row !== undefined) return { id: Number(row["id"]), usedBy: Number(row["used_by"]), again: false }
      return {
        id: 0,
        usedBy: undefined,
        again: false,
        claim: (device) => void insertUsed.run(name, id, expiresAt, device)
      }
    },
    use: (invitation, device) => {
      if (invitation.claim === undefined) setUsed.run(device, invitation.id)
      else invitation.claim(device)
    },
    expire: (now) => deleteExpired.run(now)
  }
}
