/**
 * Tables of the relay's database, as migrations.
 *
 * Spec: docs/spec/14-relay.md rule relay.privacy.1 lists what may be in here.
 * A migration that was released is never changed; the next one is added below it. `PRAGMA user_version` counts those that ran.
 */

/** Kinds of prekeys as stored. Every device counts ids of each kind by itself. */
export const PrekeyKind = { signed: 1, lastResortKem: 2, oneTime: 3, oneTimeKem: 4 } as const
export type PrekeyKind = (typeof PrekeyKind)[keyof typeof PrekeyKind]

export const migrations: ReadonlyArray<string> = [
  `
  CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    account BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE
  ) STRICT;

  CREATE TABLE manifests (
    account INTEGER NOT NULL REFERENCES accounts(id),
    version INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (account, version)
  ) STRICT;

  CREATE TABLE devices (
    id INTEGER PRIMARY KEY,
    device BLOB NOT NULL UNIQUE,
    account INTEGER NOT NULL REFERENCES accounts(id),
    certificate BLOB NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0,
    generation INTEGER,
    start_id BLOB,
    publication BLOB
  ) STRICT;
  CREATE INDEX devices_of_account ON devices(account);

  CREATE TABLE mailboxes (
    device INTEGER PRIMARY KEY REFERENCES devices(id),
    mailbox BLOB NOT NULL UNIQUE,
    token_hash BLOB,
    last_delivery INTEGER NOT NULL DEFAULT 0,
    envelopes INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  CREATE TABLE envelopes (
    id INTEGER PRIMARY KEY,
    device INTEGER NOT NULL REFERENCES devices(id),
    delivery INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    digest BLOB NOT NULL,
    envelope BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX envelopes_in_order ON envelopes(device, delivery);

  CREATE TABLE digests (
    device INTEGER NOT NULL,
    digest BLOB NOT NULL,
    gone_at INTEGER,
    PRIMARY KEY (device, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX digests_gone ON digests(gone_at) WHERE gone_at IS NOT NULL;

  CREATE TABLE prekeys (
    device INTEGER NOT NULL REFERENCES devices(id),
    kind INTEGER NOT NULL,
    id INTEGER NOT NULL,
    key BLOB NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (device, kind, id)
  ) STRICT;

  CREATE TABLE prekey_counters (
    device INTEGER NOT NULL REFERENCES devices(id),
    kind INTEGER NOT NULL,
    highest INTEGER NOT NULL,
    PRIMARY KEY (device, kind)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE invitations (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    password_hash BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    used_by INTEGER REFERENCES devices(id)
  ) STRICT;
  CREATE INDEX invitations_of_name ON invitations(name);
  `,
  // Rules relay.remove.1–9. Times in ms, but `last_seen` counts days of UTC. `again` lets the name of a removed account be registered anew.
  `
  ALTER TABLE accounts ADD COLUMN removed_at INTEGER;
  ALTER TABLE devices ADD COLUMN removed_at INTEGER;
  ALTER TABLE devices ADD COLUMN last_seen INTEGER;
  ALTER TABLE invitations ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX devices_removed ON devices(id) WHERE removed_at IS NOT NULL;
  `
]
