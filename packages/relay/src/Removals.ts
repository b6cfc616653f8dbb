/**
 * Users as their administrator sees them, and removing them: a whole account, or one device of it.
 *
 * Spec: docs/spec/14-relay.md §14.8, rules relay.remove.1–3, relay.remove.7 and relay.remove.9.
 * Every function runs inside a transaction, so that a removal is whole or did not happen. Signs nothing: an account's manifest stays as its
 * owner signed it. Closes no connections: the handler does.
 */
import { Bytes } from "@tacit/core/hazmat"
import type { Database, Row } from "./Database.ts"
import { CannotRemove, RemovedUser } from "./RelayError.ts"

/** How long a day of `last_seen` is, in ms. */
const dayMs = 24 * 60 * 60 * 1000

/** A device of a user. Ids are 64 hexadecimal characters, times ms. */
export interface ListedDevice {
  readonly id: string
  /** `served`; `revoked` by the account's own manifest; `removed` by the administrator, alone or with its account. */
  readonly state: "served" | "revoked" | "removed"
  readonly removedAt: number | undefined
  /** The beginning of the day (UTC) on which it was last logged in (rule relay.remove.9); nothing when it never was, or is not served. */
  readonly lastSeen: number | undefined
  /** What waits in its mailbox. */
  readonly envelopes: number
  readonly bytes: number
}

/** A user, or what is left of one. */
export interface ListedUser {
  /** Nothing where the account was removed and the name registered again. */
  readonly name: string | undefined
  /** 64 hexadecimal characters. */
  readonly account: string
  readonly removedAt: number | undefined
  readonly devices: ReadonlyArray<ListedDevice>
}

/** What was removed. Repeating a removal answers the same. */
export interface RemovedByAdministrator {
  readonly name: string | undefined
  readonly account: string
  /** The device's id where only one was removed. */
  readonly device: string | undefined
  readonly removedAt: number
}

export interface Removals {
  /** In the order in which they registered. */
  readonly users: () => ReadonlyArray<ListedUser>
  /**
   * Removes the user of a name or an account id; with `device`, 64 hexadecimal characters, only that device. Throws {@link CannotRemove}, having
   * changed nothing.
   */
  readonly remove: (user: string, device: string | undefined, now: number) => RemovedByAdministrator
  /** Whether a name may be given a one-time password. Throws {@link RemovedUser} when its account was removed and `again` is not said. */
  readonly mayInvite: (name: string, again: boolean) => void
  /** Notes the day on which devices, by their rows, were there. */
  readonly seen: (devices: Iterable<number>, now: number) => void
}

/** What stands in the column of names for an account whose name was registered again. No user name begins so. */
const nameless = "~"

const nameOf = (row: Row): string | undefined => {
  const name = row["name"] as string
  return name.startsWith(nameless) ? undefined : name
}

/** Takes the name from a removed account, by its row: somebody was explicitly let in under it. */
export const releaseName = (db: Database, account: number): void =>
  void db.sql(`UPDATE accounts SET name = '${nameless}' || lower(hex(account)) WHERE id = ?`).run(account)

export const makeRemovals = (db: Database): Removals => {
  const byName = db.sql("SELECT id, account, name, removed_at FROM accounts WHERE name = ?")
  const byId = db.sql("SELECT id, account, name, removed_at FROM accounts WHERE account = ?")
  const all = db.sql("SELECT id, account, name, removed_at FROM accounts ORDER BY id")
  const devicesOf = db.sql(
    `SELECT d.id, d.device, d.revoked, d.removed_at, d.last_seen, m.envelopes, m.bytes
     FROM devices d JOIN mailboxes m ON m.device = d.id WHERE d.account = ? ORDER BY d.id`
  )
  const perDevice = [
    db.sql("DELETE FROM envelopes WHERE device = ?"),
    db.sql("DELETE FROM digests WHERE device = ?"),
    db.sql("DELETE FROM prekeys WHERE device = ?"),
    db.sql("DELETE FROM prekey_counters WHERE device = ?"),
    db.sql("UPDATE mailboxes SET token_hash = NULL, last_delivery = 0, envelopes = 0, bytes = 0 WHERE device = ?"),
    db.sql(
      `UPDATE devices SET certificate = x'', generation = NULL, start_id = NULL, publication = NULL, last_seen = NULL
       WHERE id = ?`
    )
  ]
  const setRemoved = db.sql("UPDATE devices SET revoked = 1, removed_at = ? WHERE id = ?")
  const setAccountRemoved = db.sql("UPDATE accounts SET removed_at = ? WHERE id = ?")
  const forgetHistory = db.sql(
    "DELETE FROM manifests WHERE account = ?1 AND version < (SELECT max(version) FROM manifests WHERE account = ?1)"
  )
  const withdrawPasswords = db.sql("DELETE FROM invitations WHERE name = ? AND used_by IS NULL")
  const setSeen = db.sql("UPDATE devices SET last_seen = ?1 WHERE id = ?2 AND revoked = 0 AND last_seen IS NOT ?1")

  const timeOf = (row: Row): number | undefined => (row["removed_at"] === null ? undefined : Number(row["removed_at"]))

  const erase = (device: number): void => {
    for (const statement of perDevice) statement.run(device)
  }

  const removeAccount = (row: Row, now: number): number => {
    const before = timeOf(row)
    if (before !== undefined) return before
    const id = Number(row["id"])
    for (const device of devicesOf.all(id)) {
      erase(Number(device["id"]))
      // What the account revoked itself stays revoked by it.
      if (device["revoked"] === 0) setRemoved.run(now, Number(device["id"]))
    }
    forgetHistory.run(id)
    withdrawPasswords.run(row["name"] as string)
    setAccountRemoved.run(now, id)
    return now
  }

  const removeDevice = (account: Row, device: string, now: number): number => {
    const row = devicesOf.all(Number(account["id"])).find((one) => Bytes.toHex(one["device"] as Uint8Array) === device)
    if (row === undefined) throw new CannotRemove({ reason: "unknown-device" })
    const before = timeOf(row) ?? timeOf(account)
    if (before !== undefined) return before
    erase(Number(row["id"]))
    if (row["revoked"] === 0) setRemoved.run(now, Number(row["id"]))
    return now
  }

  const listDevice = (row: Row, account: Row): ListedDevice => {
    const removedAt = timeOf(row)
    const day = row["last_seen"]
    return {
      id: Bytes.toHex(row["device"] as Uint8Array),
      state:
        removedAt !== undefined || timeOf(account) !== undefined
          ? "removed"
          : row["revoked"] === 0
            ? "served"
            : "revoked",
      removedAt: removedAt ?? timeOf(account),
      lastSeen: day === null ? undefined : Number(day) * dayMs,
      envelopes: Number(row["envelopes"]),
      bytes: Number(row["bytes"])
    }
  }

  return {
    users: () =>
      all.all().map((row) => ({
        name: nameOf(row),
        account: Bytes.toHex(row["account"] as Uint8Array),
        removedAt: timeOf(row),
        devices: devicesOf.all(Number(row["id"])).map((device) => listDevice(device, row))
      })),
    remove: (user, device, now) => {
      const id = Bytes.fromHex(user)
      const row = (user.startsWith(nameless) ? undefined : byName.get(user)) ?? (id && byId.get(id))
      if (row === undefined) throw new CannotRemove({ reason: "unknown-user" })
      const removedAt = device === undefined ? removeAccount(row, now) : removeDevice(row, device.toLowerCase(), now)
      return { name: nameOf(row), account: Bytes.toHex(row["account"] as Uint8Array), device, removedAt }
    },
    mayInvite: (name, again) => {
      const row = byName.get(name)
      const removedAt = row && timeOf(row)
      if (removedAt !== undefined && !again) throw new RemovedUser({ user: name, removedAt })
    },
    seen: (devices, now) => {
      const day = Math.floor(now / dayMs)
      for (const device of devices) setSeen.run(day, device)
    }
  }
}
