/**
 * Published prekeys: taken in with checks, handed out once.
 *
 * Spec: docs/spec/14-relay.md rules relay.prekeys.1–3; docs/spec/05-agreement.md §5.1.
 * Every function runs inside a transaction that is committed before its answer leaves. Holds public keys only.
 */
import { Bundle, Bytes, Canonical, Prekey, type CryptoProvider } from "@tacit/core/hazmat"
import {
  PublishPrekeys,
  maxOneTimePrekeys,
  type KemPrekey,
  type OneTimePrekey,
  type SignedPrekey
} from "@tacit/transport-ws/frames"
import type { Database } from "./Database.ts"
import { keyed, window } from "./RateLimit.ts"
import { refuse, type Refusal } from "./Refusal.ts"
import { PrekeyKind } from "./Schema.ts"

/** A device as the prekeys need it. */
export interface PrekeyOwner {
  /** Row of the device. */
  readonly id: number
  /** Device id, 32 bytes: verifies signatures. */
  readonly device: Uint8Array
}

/** What is left to hand out; `signedPrekeyId` is 0 before the first publication. */
export interface PrekeyStock {
  readonly oneTime: number
  readonly oneTimeKem: number
  readonly signedPrekeyId: number
}

/** A bundle as it travels. */
export interface HandedOut {
  readonly bytes: Uint8Array
}

export interface Prekeys {
  readonly publish: (owner: PrekeyOwner, frame: PublishPrekeys) => PrekeyStock | Refusal
  readonly stock: (device: number) => PrekeyStock
  /** Puts a bundle together, using one one-time key of each kind up. `unknown-device` when nothing was published yet. */
  readonly handOut: (
    owner: { readonly id: number; readonly certificate: Uint8Array; readonly mailbox: Uint8Array },
    now: number
  ) => HandedOut | Refusal
  /** A bundle with the last-resort key and no one-time key, which uses nothing up; nothing before the first publication. */
  readonly standing: (owner: {
    readonly id: number
    readonly certificate: Uint8Array
    readonly mailbox: Uint8Array
  }) => HandedOut | undefined
  /** Deletes everything of a revoked device. */
  readonly drop: (device: number) => void
}

/** Suites every device of version 1 accepts (rule relay.prekeys.3). */
const suites: ReadonlyArray<number> = [1, 2, 3]

/** How long an asker waits for a device that has published nothing yet, in ms: as a rule it has just registered and is about to. */
const unpublishedRetryMs = 300

const empty = new Uint8Array(0)

interface Entry {
  readonly kind: PrekeyKind
  readonly id: number
  readonly key: Uint8Array
  readonly signature: Uint8Array
}

const signed = (kind: PrekeyKind, keys: ReadonlyArray<SignedPrekey | KemPrekey>): ReadonlyArray<Entry> =>
  keys.map(({ id, key, signature }) => ({ kind, id, key, signature }))

const unsigned = (keys: ReadonlyArray<OneTimePrekey>): ReadonlyArray<Entry> =>
  keys.map(({ id, key }) => ({ kind: PrekeyKind.oneTime, id, key, signature: empty }))

const signedAs = (kind: PrekeyKind): Prekey.SignedKind | undefined => {
  switch (kind) {
    case PrekeyKind.signed:
      return "signed"
    case PrekeyKind.lastResortKem:
      return "last-resort-kem"
    case PrekeyKind.oneTimeKem:
      return "one-time-kem"
    case PrekeyKind.oneTime:
      return undefined
  }
}

export const makePrekeys = (
  db: Database,
  crypto: CryptoProvider,
  options: { readonly bundlesPerMinute: number }
): Prekeys => {
  const insert = db.sql("INSERT INTO prekeys (device, kind, id, key, signature) VALUES (?, ?, ?, ?, ?)")
  const deleteKind = db.sql("DELETE FROM prekeys WHERE device = ? AND kind = ?")
  const deleteAll = db.sql("DELETE FROM prekeys WHERE device = ?")
  const newest = db.sql("SELECT id, key, signature FROM prekeys WHERE device = ? AND kind = ? ORDER BY id DESC LIMIT 1")
  const takeOldest = db.sql(
    `DELETE FROM prekeys WHERE rowid = (SELECT rowid FROM prekeys WHERE device = ? AND kind = ? ORDER BY id LIMIT 1)
     RETURNING id, key, signature`
  )
  const count = db.sql("SELECT count(*) AS n FROM prekeys WHERE device = ? AND kind = ?")
  const highest = db.sql("SELECT highest FROM prekey_counters WHERE device = ? AND kind = ?")
  const setHighest = db.sql("INSERT OR REPLACE INTO prekey_counters (device, kind, highest) VALUES (?, ?, ?)")
  const publication = db.sql("SELECT publication FROM devices WHERE id = ?")
  const setPublication = db.sql("UPDATE devices SET publication = ? WHERE id = ?")
  const handOuts = keyed(() => window({ limit: options.bundlesPerMinute, windowMs: 60_000 }))

  const highestOf = (device: number, kind: PrekeyKind): number => Number(highest.get(device, kind)?.["highest"] ?? 0)
  const countOf = (device: number, kind: PrekeyKind): number => Number(count.get(device, kind)!["n"])

  const stock = (device: number): PrekeyStock => ({
    oneTime: countOf(device, PrekeyKind.oneTime),
    oneTimeKem: countOf(device, PrekeyKind.oneTimeKem),
    signedPrekeyId: Number(newest.get(device, PrekeyKind.signed)?.["id"] ?? 0)
  })

  const badPrekeys = (device: number): Refusal =>
    refuse(
      "bad-prekeys",
      0,
      Canonical.encode(
        [PrekeyKind.signed, PrekeyKind.lastResortKem, PrekeyKind.oneTime, PrekeyKind.oneTimeKem].map((kind) =>
          highestOf(device, kind)
        )
      )
    )

  const verifies = (device: Uint8Array, entry: Entry): boolean => {
    const kind = signedAs(entry.kind)
    return kind === undefined ? Prekey.isUsable(entry.key) : Prekey.verify(crypto, kind, device, entry)
  }

  const read = (row: Readonly<Record<string, unknown>> | undefined) =>
    row && { id: Number(row["id"]), key: row["key"] as Uint8Array, signature: row["signature"] as Uint8Array }

  return {
    stock,
    drop: (device) => void deleteAll.run(device),
    publish: (owner, frame) => {
      const entries = [
        ...signed(PrekeyKind.signed, frame.signed),
        ...signed(PrekeyKind.lastResortKem, frame.lastResortKem),
        ...unsigned(frame.oneTime),
        ...signed(PrekeyKind.oneTimeKem, frame.oneTimeKem)
      ]
      if (entries.length === 0) return stock(owner.id)
      const digest = crypto.sha256(PublishPrekeys.encode({ ...frame, request: 0 }))
      const last = publication.get(owner.id)?.["publication"] as Uint8Array | null | undefined
      if (last && Bytes.equal(last, digest)) return stock(owner.id)
      if (
        countOf(owner.id, PrekeyKind.oneTime) + frame.oneTime.length > maxOneTimePrekeys ||
        countOf(owner.id, PrekeyKind.oneTimeKem) + frame.oneTimeKem.length > maxOneTimePrekeys
      ) {
        return badPrekeys(owner.id)
      }
      const counters = new Map<PrekeyKind, number>()
      for (const entry of entries) {
        const previous = counters.get(entry.kind) ?? highestOf(owner.id, entry.kind)
        if (entry.id <= previous || !verifies(owner.device, entry)) return badPrekeys(owner.id)
        counters.set(entry.kind, entry.id)
      }
      if (frame.signed.length > 0) deleteKind.run(owner.id, PrekeyKind.signed)
      if (frame.lastResortKem.length > 0) deleteKind.run(owner.id, PrekeyKind.lastResortKem)
      for (const { kind, id, key, signature } of entries) insert.run(owner.id, kind, id, key, signature)
      for (const [kind, id] of counters) setHighest.run(owner.id, kind, id)
      setPublication.run(digest, owner.id)
      return stock(owner.id)
    },
    standing: ({ certificate, id, mailbox }) => {
      const signedPrekey = read(newest.get(id, PrekeyKind.signed))
      const lastResort = read(newest.get(id, PrekeyKind.lastResortKem))
      if (signedPrekey === undefined || lastResort === undefined) return undefined
      const kemPrekey = { ...lastResort, oneTime: 0 } as const
      return {
        bytes: Bundle.encode({ certificate, mailbox, signedPrekey, kemPrekey, oneTimePrekey: undefined, suites })
      }
    },
    handOut: ({ certificate, id, mailbox }, now) => {
      const signedPrekey = read(newest.get(id, PrekeyKind.signed))
      const lastResort = read(newest.get(id, PrekeyKind.lastResortKem))
      if (signedPrekey === undefined || lastResort === undefined) return refuse("unknown-device", unpublishedRetryMs)
      const limit = handOuts.of(String(id))
      const generous = limit.wait(now) === 0
      if (generous) limit.add(now)
      const oneTime = generous ? read(takeOldest.get(id, PrekeyKind.oneTime)) : undefined
      const oneTimeKem = generous ? read(takeOldest.get(id, PrekeyKind.oneTimeKem)) : undefined
      const bytes = Bundle.encode({
        certificate,
        mailbox,
        signedPrekey,
        kemPrekey: oneTimeKem === undefined ? { ...lastResort, oneTime: 0 } : { ...oneTimeKem, oneTime: 1 },
        oneTimePrekey: oneTime && { id: oneTime.id, key: oneTime.key },
        suites
      })
      return { bytes }
    }
  }
}
