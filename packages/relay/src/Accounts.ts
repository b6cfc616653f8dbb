/**
 * Accounts, devices and manifests: registration, login, publication, look-up.
 *
 * Spec: docs/spec/14-relay.md rules relay.register.1–4, relay.login.1–3, relay.manifest.1, relay.directory.1–2, relay.password.1–2,
 * relay.remove.3–7;
 * docs/spec/04-accounts.md §4.2, §4.3.
 * Every function runs inside a transaction that is committed before its answer leaves. Keeps no private key, and trusts
 * nothing it has not verified.
 */
import { Bytes, Canonical, Device as DeviceKeys, Manifest, type CryptoProvider } from "@tacit/core/hazmat"
import { Proof, maxFrameBytes, type Login, type PublishManifest, type Register } from "@tacit/transport-ws/frames"
import type { Database, Row } from "./Database.ts"
import * as AccountToken from "./AccountToken.ts"
import type { Subject } from "./Entitlement.ts"
import * as Identity from "./Identity.ts"
import { isUserName, type Invitation, type Invitations } from "./Invitations.ts"
import type { Mailboxes } from "./Mailboxes.ts"
import type { RelayLimits } from "./Options.ts"
import type { Prekeys } from "./Prekeys.ts"
import { keyed, window } from "./RateLimit.ts"
import { isRefusal, refuse, type Refusal } from "./Refusal.ts"
import { releaseName } from "./Removals.ts"
import type { Tombstones } from "./Tombstones.ts"

/** A registered device. `id` is its row; the rest as in its certificate and mailbox. */
export interface Device {
  readonly id: number
  readonly device: Uint8Array
  readonly account: number
  readonly certificate: Uint8Array
  readonly mailbox: Uint8Array
  readonly revoked: boolean
}

/** What changed: the account's row, and rows of devices that were revoked, whose connections must be closed. */
export interface Published {
  readonly account: number
  readonly revoked: ReadonlyArray<number>
}

/** An answer to a look-up. */
export interface Chain {
  readonly account: Uint8Array
  readonly manifests: ReadonlyArray<Uint8Array>
}

export interface Accounts {
  readonly register: (frame: Register, challenge: Uint8Array | undefined, now: number) => Published | Refusal
  readonly login: (frame: Login, challenge: Uint8Array | undefined) => Device | Refusal
  readonly publishManifest: (device: Device, frame: PublishManifest) => Published | Refusal
  readonly lookUp: (name: string) => Chain | Refusal
  /** A one-time password for the account of a device that is an admin of it (rules relay.password.1–2). `expiresAt` is ms. */
  readonly issuePassword: (
    device: Device,
    now: number
  ) => { readonly user: string; readonly password: string; readonly expiresAt: number } | Refusal
  readonly manifestsAfter: (account: Uint8Array, version: number) => Chain | Refusal
  /** What is public of an account by its row: its whole chain, and all its devices. */
  readonly publicOf: (account: number) => Chain & { readonly devices: ReadonlyArray<Device> }
  /** Name and account id by an account's row. */
  readonly subjectOf: (account: number) => Subject
  /** Rows of all accounts. */
  readonly all: () => ReadonlyArray<number>
  /** A device that is served, by account id and device id. */
  readonly find: (account: Uint8Array, device: Uint8Array) => Device | Refusal
}

/** Room in a frame beside the manifests of a look-up. */
const chainBytes = maxFrameBytes - 256

export const makeAccounts = (options: {
  readonly db: Database
  readonly crypto: CryptoProvider
  readonly name: string
  readonly limits: RelayLimits
  readonly invitations: Invitations
  readonly prekeys: Prekeys
  readonly mailboxes: Mailboxes
  readonly tombstones: Tombstones
  readonly issuers: ReadonlyArray<AccountToken.Issuer>
  readonly hideNames: boolean
}): Accounts => {
  const { crypto, db, hideNames, invitations, issuers, limits, mailboxes, name: relay, prekeys, tombstones } = options
  const accountByName = db.sql("SELECT id, account FROM accounts WHERE name = ?")
  const accountById = db.sql("SELECT id, account, name FROM accounts WHERE account = ?")
  const accountByRow = db.sql("SELECT id, account, name FROM accounts WHERE id = ?")
  const insertAccount = db.sql("INSERT INTO accounts (account, name) VALUES (?, ?) RETURNING id")
  const newest = db.sql("SELECT version, bytes FROM manifests WHERE account = ? ORDER BY version DESC LIMIT 1")
  const manifestAt = db.sql("SELECT bytes FROM manifests WHERE account = ? AND version = ?")
  const manifestsFrom = db.sql("SELECT bytes FROM manifests WHERE account = ? AND version > ? ORDER BY version")
  const insertManifest = db.sql("INSERT INTO manifests (account, version, bytes) VALUES (?, ?, ?)")
  const selectDevice = `SELECT d.id, d.device, d.account, d.certificate, d.revoked, d.generation, d.start_id, m.mailbox
    FROM devices d JOIN mailboxes m ON m.device = d.id`
  const deviceById = db.sql(`${selectDevice} WHERE d.device = ?`)
  const devicesOf = db.sql(
    "SELECT id, device, revoked FROM devices WHERE account = ? AND (revoked = 0 OR removed_at IS NOT NULL)"
  )
  const devicesByAccount = db.sql(`${selectDevice} WHERE d.account = ?`)
  const allAccounts = db.sql("SELECT id FROM accounts ORDER BY id")
  const insertDevice = db.sql("INSERT INTO devices (device, account, certificate) VALUES (?, ?, ?) RETURNING id")
  const setCertificate = db.sql("UPDATE devices SET certificate = ? WHERE device = ? AND account = ? AND revoked = 0")
  const setRevoked = db.sql("UPDATE devices SET revoked = 1 WHERE id = ?")
  const setFence = db.sql("UPDATE devices SET generation = ?, start_id = ? WHERE id = ?")
  const asked = keyed(() => window({ limit: limits.ownPasswords, windowMs: limits.attemptMs }))
  const attempts = keyed(() => window({ limit: limits.attempts, windowMs: limits.attemptMs }))

  const device = (row: Row): Device => ({
    id: Number(row["id"]),
    device: row["device"] as Uint8Array,
    account: Number(row["account"]),
    certificate: row["certificate"] as Uint8Array,
    mailbox: row["mailbox"] as Uint8Array,
    revoked: row["revoked"] !== 0
  })

  const chain = (row: Row, after: number): Chain => {
    const manifests: Array<Uint8Array> = []
    let room = chainBytes
    for (const { bytes } of manifestsFrom.all(Number(row["id"]), after)) {
      const manifest = bytes as Uint8Array
      room -= manifest.length + 5
      if (room < 0) break
      manifests.push(manifest)
    }
    return { account: row["account"] as Uint8Array, manifests }
  }

  /** Stores a verified manifest that follows, and revokes the devices it no longer lists. */
  const storeManifest = (account: number, manifest: Manifest.Manifest): ReadonlyArray<number> => {
    insertManifest.run(account, manifest.version, manifest.bytes)
    const revoked: Array<number> = []
    for (const row of devicesOf.all(account)) {
      if (Manifest.deviceOf(manifest, row["device"] as Uint8Array) !== undefined) continue
      const id = Number(row["id"])
      tombstones.settle(id)
      if (row["revoked"] !== 0) continue
      setRevoked.run(id)
      prekeys.drop(id)
      mailboxes.drop(id)
      revoked.push(id)
    }
    return revoked
  }

  /** Whether `manifest` is the newest held, follows it, or neither. */
  const place = (account: number, manifest: Manifest.Manifest): "held" | "next" | Refusal => {
    const held = newest.get(account)!
    const bytes = held["bytes"] as Uint8Array
    if (Bytes.equal(bytes, manifest.bytes)) return "held"
    return Identity.follows(crypto, bytes, manifest) ? "next" : refuse("bad-manifest")
  }

  /** A chain begins with version 1. */
  const placeFirst = (manifest: Manifest.Manifest): "next" | Refusal =>
    manifest.version === 1 ? "next" : refuse("bad-manifest")

  /** What a one-time password or an account token is good for (rules relay.register.1 and relay.token.1). */
  const invited = (user: string, password: string, now: number): Invitation | undefined => {
    if (!AccountToken.isToken(password)) return invitations.find(user, password, now)
    const token = AccountToken.verify(crypto, issuers, relay, password, now)
    return token?.user === user ? invitations.ofToken(user, token) : undefined
  }

  const checkRegistration = (frame: Register, challenge: Uint8Array | undefined, now: number): Published | Refusal => {
    const invitation = isUserName(frame.user) ? invited(frame.user, frame.password, now) : undefined
    if (invitation === undefined) return refuse("bad-password")
    const manifest = Identity.verifyManifest(crypto, frame.manifest)
    if (isRefusal(manifest)) return manifest
    const certificate = Identity.verifyCertificate(crypto, frame.certificate, manifest)
    if (isRefusal(certificate)) return certificate

    const message =
      challenge &&
      Proof.registrationMessage(crypto, {
        relay,
        challenge,
        user: frame.user,
        password: frame.password,
        manifest: frame.manifest,
        mailbox: frame.mailbox
      })
    const proven = message !== undefined && crypto.ed25519Verify(certificate.device, message, frame.proof)
    const known = deviceById.get(certificate.device)
    if (invitation.usedBy !== undefined) {
      // Rule relay.register.4: the very same registration again, whose answer was lost.
      const same =
        known !== undefined &&
        known["id"] === invitation.usedBy &&
        Bytes.equal(known["mailbox"] as Uint8Array, frame.mailbox) &&
        Bytes.equal(known["certificate"] as Uint8Array, frame.certificate) &&
        isHeld(Number(known["account"]), manifest)
      if (!same) return refuse("bad-password")
      const gone = tombstones.ofDevice(Number(known["id"]))
      if (gone !== undefined) return gone
      return proven ? { account: Number(known["account"]), revoked: [] } : refuse("bad-proof")
    }

    const owner = accountByName.get(frame.user)
    const account = accountById.get(manifest.account)
    // Rule relay.remove.7: no removed account comes back, and its name only where the administrator says so.
    const gone = account && tombstones.ofAccount(Number(account["id"]))
    if (gone !== undefined) return gone
    const former = owner && tombstones.ofAccount(Number(owner["id"]))
    if (former !== undefined && owner !== undefined) {
      if (!invitation.again) return former
      return proven ? registerAnew(frame, invitation, manifest, certificate, Number(owner["id"])) : refuse("bad-proof")
    }
    if ((owner ?? account)?.["id"] !== account?.["id"] || (account !== undefined && account["name"] !== frame.user)) {
      return refuse("name-taken")
    }
    const placed = account === undefined ? placeFirst(manifest) : place(Number(account["id"]), manifest)
    if (placed !== "held" && placed !== "next") return placed
    if (known !== undefined || mailboxes.exists(frame.mailbox)) return refuse("name-taken")
    if (!proven) return refuse("bad-proof")

    const accountRow = Number((account ?? insertAccount.get(manifest.account, frame.user)!)["id"])
    const revoked = placed === "next" ? storeManifest(accountRow, manifest) : []
    admit(frame, invitation, certificate.device, accountRow)
    return { account: accountRow, revoked }
  }

  const admit = (frame: Register, invitation: Invitation, device: Uint8Array, account: number): void => {
    const id = Number(insertDevice.get(device, account, frame.certificate)!["id"])
    mailboxes.create(id, frame.mailbox)
    invitations.use(invitation, id)
  }

  /** A new account under the name of one that was removed, `former`, which keeps no name. */
  const registerAnew = (
    frame: Register,
    invitation: Invitation,
    manifest: Manifest.Manifest,
    { device }: { readonly device: Uint8Array },
    former: number
  ): Published | Refusal => {
    const placed = placeFirst(manifest)
    if (placed !== "next") return placed
    if (deviceById.get(device) !== undefined || mailboxes.exists(frame.mailbox)) return refuse("name-taken")
    releaseName(db, former)
    const account = Number(insertAccount.get(manifest.account, frame.user)!["id"])
    storeManifest(account, manifest)
    admit(frame, invitation, device, account)
    return { account, revoked: [] }
  }

  const isHeld = (account: number, manifest: Manifest.Manifest): boolean => {
    const held = manifestAt.get(account, manifest.version)?.["bytes"] as Uint8Array | undefined
    return held !== undefined && Bytes.equal(held, manifest.bytes)
  }

  return {
    register: (frame, challenge, now) => {
      const limit = attempts.of(frame.user)
      const wait = limit.wait(now)
      if (wait > 0) return refuse("rate-limited", wait)
      const outcome = checkRegistration(frame, challenge, now)
      if (isRefusal(outcome)) limit.add(now)
      return outcome
    },
    login: (frame, challenge) => {
      const row = deviceById.get(frame.device)
      const gone = row && tombstones.ofDevice(Number(row["id"]))
      if (row === undefined || (row["revoked"] !== 0 && gone === undefined)) return refuse("unknown-device")
      const { generation, startId } = frame
      if (
        challenge === undefined ||
        !crypto.ed25519Verify(
          frame.device,
          Proof.loginMessage({ relay, challenge, device: frame.device, generation, startId }),
          frame.signature
        )
      ) {
        return refuse("bad-signature")
      }
      // To nobody but the device itself.
      if (gone !== undefined) return gone
      if (row["generation"] !== null) {
        const held = { generation: Number(row["generation"]), startId: row["start_id"] as Uint8Array }
        const same = generation === held.generation && Bytes.equal(startId, held.startId)
        if (generation < held.generation || (generation === held.generation && !same)) {
          return refuse("stale-state", 0, Canonical.encode([held.generation, held.startId]))
        }
        if (same) return device(row)
      }
      setFence.run(generation, startId, Number(row["id"]))
      return device(row)
    },
    publishManifest: (publisher, frame) => {
      const manifest = Identity.verifyManifest(crypto, frame.manifest)
      if (isRefusal(manifest)) return manifest
      const account = accountByRow.get(publisher.account)!
      if (!Bytes.equal(account["account"] as Uint8Array, manifest.account)) return refuse("bad-manifest")
      const certificates = frame.certificates.map((bytes) => Identity.verifyCertificate(crypto, bytes, manifest))
      for (const certificate of certificates) if (isRefusal(certificate)) return certificate
      if (isHeld(publisher.account, manifest)) return { account: publisher.account, revoked: [] }
      const placed = place(publisher.account, manifest)
      if (placed !== "next") return placed === "held" ? { account: publisher.account, revoked: [] } : placed
      const revoked = storeManifest(publisher.account, manifest)
      for (const certificate of certificates) {
        if (!isRefusal(certificate)) setCertificate.run(certificate.bytes, certificate.device, publisher.account)
      }
      return { account: publisher.account, revoked }
    },
    issuePassword: ({ account, device: id }, now) => {
      const manifest = Identity.verifyManifest(crypto, newest.get(account)!["bytes"] as Uint8Array)
      if (isRefusal(manifest)) return manifest
      if (Manifest.deviceOf(manifest, id)?.role !== DeviceKeys.roles.admin) return refuse("not-admin")
      const limit = asked.of(String(account))
      const wait = limit.wait(now)
      if (wait > 0) return refuse("rate-limited", wait)
      limit.add(now)
      const user = accountByRow.get(account)!["name"] as string
      const password = invitations.issue(user, now, limits.ownPasswordMs)
      return { user, password, expiresAt: now + limits.ownPasswordMs }
    },
    lookUp: (name) => {
      // Rule relay.names.1: in one step for every name, so that none takes longer than another.
      if (hideNames) return refuse("unknown-user")
      const row = accountByName.get(name)
      if (row === undefined || !isUserName(name)) return refuse("unknown-user")
      return tombstones.ofAccount(Number(row["id"])) ?? chain(row, 0)
    },
    manifestsAfter: (account, version) => {
      const row = accountById.get(account)
      if (row === undefined) return refuse("unknown-user")
      return tombstones.ofAccount(Number(row["id"])) ?? chain(row, version)
    },
    publicOf: (row) => ({
      account: accountByRow.get(row)!["account"] as Uint8Array,
      manifests:
        tombstones.ofAccount(row) === undefined
          ? manifestsFrom.all(row, 0).map(({ bytes }) => bytes as Uint8Array)
          : [],
      devices: devicesByAccount.all(row).map(device)
    }),
    subjectOf: (row) => {
      const account = accountByRow.get(row)!
      return { user: String(account["name"]), account: Bytes.toHex(account["account"] as Uint8Array) }
    },
    all: () => allAccounts.all().map((row) => Number(row["id"])),
    find: (account, id) => {
      const row = deviceById.get(id)
      const asked = accountById.get(account)
      const former = asked && tombstones.ofAccount(Number(asked["id"]))
      if (former !== undefined) return former
      if (row === undefined) return refuse("unknown-device")
      if (row["revoked"] !== 0) {
        const gone = row["account"] === asked?.["id"] ? tombstones.ofDevice(Number(row["id"])) : undefined
        return gone ?? refuse("unknown-device")
      }
      const owner = accountByRow.get(Number(row["account"]))!["account"] as Uint8Array
      return Bytes.equal(owner, account) ? device(row) : refuse("unknown-device")
    }
  }
}
