/**
 * What is left of accounts and devices that the administrator removed, and how it is answered.
 *
 * Spec: docs/spec/14-relay.md §14.8, rules relay.remove.2, relay.remove.3 and relay.remove.5.
 * Reads only; Removals.ts removes.
 */
import { Removal } from "@tacit/core/hazmat"
import type { Database, Row } from "./Database.ts"
import { refuse, type Refusal } from "./Refusal.ts"

export interface Tombstones {
  /** The refusal that stands for an account, by its row; nothing when it is served. */
  readonly ofAccount: (account: number) => Refusal | undefined
  /** The same for a device, by its row: its account's, or its own. */
  readonly ofDevice: (device: number) => Refusal | undefined
  /** Rows of devices that are not served any more because the administrator removed them or their account. */
  readonly devices: () => ReadonlyArray<{ readonly device: number; readonly account: number }>
  /** Rows of removed accounts. */
  readonly accounts: () => ReadonlyArray<number>
  /** The account's own manifest no longer lists a removed device: its word takes the place of the relay's. */
  readonly settle: (device: number) => void
}

export const makeTombstones = (db: Database): Tombstones => {
  const account = db.sql(
    `SELECT account, removed_at, (SELECT bytes FROM manifests m WHERE m.account = a.id ORDER BY version DESC LIMIT 1) AS manifest
     FROM accounts a WHERE id = ? AND removed_at IS NOT NULL`
  )
  const device = db.sql(
    `SELECT d.account AS row, d.device, d.removed_at, a.account,
       (SELECT bytes FROM manifests m WHERE m.account = a.id ORDER BY version DESC LIMIT 1) AS manifest
     FROM devices d JOIN accounts a ON a.id = d.account
     WHERE d.id = ? AND (d.removed_at IS NOT NULL OR a.removed_at IS NOT NULL)`
  )
  const devices = db.sql("SELECT id, account FROM devices WHERE removed_at IS NOT NULL ORDER BY id")
  const accounts = db.sql("SELECT id FROM accounts WHERE removed_at IS NOT NULL ORDER BY id")
  const clear = db.sql("UPDATE devices SET removed_at = NULL WHERE id = ?")

  const refusal = (row: Row, id: Uint8Array | undefined): Refusal =>
    refuse(
      "removed-by-relay",
      0,
      Removal.encode({
        account: row["account"] as Uint8Array,
        device: id,
        removedAt: Number(row["removed_at"]),
        manifest: row["manifest"] as Uint8Array
      })
    )

  const ofAccount = (id: number): Refusal | undefined => {
    const row = account.get(id)
    return row && refusal(row, undefined)
  }
  return {
    ofAccount,
    ofDevice: (id) => {
      const row = device.get(id)
      return row && (ofAccount(Number(row["row"])) ?? refusal(row, row["device"] as Uint8Array))
    },
    devices: () => devices.all().map((row) => ({ device: Number(row["id"]), account: Number(row["account"]) })),
    accounts: () => accounts.all().map((row) => Number(row["id"])),
    settle: (id) => void clear.run(id)
  }
}
