/**
 * The rules of a relay over plain maps: registration, login, manifests, prekeys, mailboxes.
 *
 * Spec: docs/spec/14-relay.md §14.2–14.4, rules relay.password.1–2.
 * For tests: single-threaded, forgets everything with its process, and takes the time as an argument. Speaks no frames and knows
 * no connections.
 */
import * as Result from "effect/Result"
import * as Bundle from "../agreement/Bundle.ts"
import * as Prekey from "../agreement/Prekey.ts"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Canonical from "../codec/Canonical.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Envelope from "../envelope/Envelope.ts"
import * as Certificate from "../identity/Certificate.ts"
import * as Device from "../identity/Device.ts"
import * as Manifest from "../identity/Manifest.ts"
import * as Name from "../identity/Name.ts"
import type {
  DirectoryEntry,
  PrekeyStatus,
  PublishedKey,
  PublishedOneTimeKey,
  Registration
} from "../ports/Directory.ts"
import { type LoginFence, Refused } from "../ports/Transport.ts"

const minute = 60_000
const tenMinutes = 10 * minute
const passwordLifetimeMs = 7 * 24 * 60 * minute
const ownPasswordLifetimeMs = 15 * minute
const maxOwnPasswords = 8
const envelopeLifetimeMs = 30 * 24 * 60 * minute
const maxEnvelopes = 10_000
const maxMailboxBytes = 256 * 1024 * 1024
const maxPublished = 100
const startBurst = 128
const startsPerSecond = 4

/** What a device publishes at once. */
export interface Publication {
  readonly signed: ReadonlyArray<PublishedKey>
  readonly lastResortKem: ReadonlyArray<PublishedKey>
  readonly oneTime: ReadonlyArray<PublishedOneTimeKey>
  readonly oneTimeKem: ReadonlyArray<PublishedKey>
}

/** An envelope kept until it is acknowledged. */
export interface Kept {
  /** The delivery number: rises by one within a mailbox. */
  readonly id: number
  readonly receivedAt: number
  readonly envelope: Uint8Array
  /** Digest of what was submitted. */
  readonly digest: string
}

/** A registered device with its mailbox. */
export interface DeviceEntry {
  readonly user: string
  readonly account: string
  readonly id: Uint8Array
  readonly mailbox: Uint8Array
  certificate: Uint8Array
  tokenHash: Uint8Array | undefined
  fence: LoginFence | undefined
  signed: PublishedKey | undefined
  lastResortKem: PublishedKey | undefined
  oneTime: Array<PublishedOneTimeKey>
  oneTimeKem: Array<PublishedKey>
  highest: { signed: number; lastResortKem: number; oneTime: number; oneTimeKem: number }
  lastPublication: Publication | undefined
  handedOut: Array<number>
  starts: { tokens: number; at: number }
  readonly kept: Map<number, Kept>
  keptBytes: number
  nextDelivery: number
  /** Digest of an envelope → until when a repetition is recognised. */
  readonly digests: Map<string, number>
  revoked: boolean
}

interface AccountEntry {
  readonly user: string
  readonly id: Uint8Array
  readonly manifests: Array<Manifest.Manifest>
  readonly devices: Map<string, DeviceEntry>
}

interface Password {
  readonly expires: number
  /** The registration it served, for repetitions. */
  used: Registration | undefined
}

const refuse = (
  code: string,
  explanation: string,
  retryAfterMs = 0,
  detail: Uint8Array = Bytes.empty
): Result.Result<never, Refused> => Result.fail(new Refused({ code, explanation, retryAfterMs, detail }))

const unsigned = ["bad-signature", "The manifest's signature is wrong."] as const
const unreadable = ["bad-manifest", "The manifest does not decode."] as const

const normalised = (password: string): string => password.replaceAll(/[- ]/g, "").toUpperCase()

const sameKeys = (a: ReadonlyArray<PublishedOneTimeKey>, b: ReadonlyArray<PublishedOneTimeKey>): boolean =>
  a.length === b.length && a.every(({ id, key }, i) => id === b[i]!.id && Bytes.equal(key, b[i]!.key))

const samePublication = (a: Publication, b: Publication): boolean =>
  sameKeys(a.signed, b.signed) &&
  sameKeys(a.lastResortKem, b.lastResortKem) &&
  sameKeys(a.oneTime, b.oneTime) &&
  sameKeys(a.oneTimeKem, b.oneTimeKem)

export class MemoryRelay {
  private readonly users = new Map<string, AccountEntry>()
  private readonly accounts = new Map<string, AccountEntry>()
  private readonly devices = new Map<string, DeviceEntry>()
  private readonly mailboxes = new Map<string, DeviceEntry>()
  private readonly passwords = new Map<string, Map<string, Password>>()
  private readonly attempts = new Map<string, Array<number>>()
  private readonly asked = new Map<string, Array<number>>()
  private readonly crypto: CryptoProvider
  readonly name: string

  constructor(crypto: CryptoProvider, name: string) {
    this.crypto = crypto
    this.name = name
  }

  /** Rule relay.register.1, the random part apart. */
  issue(user: string, password: string, now: number, lifetimeMs = passwordLifetimeMs): void {
    const issued = this.passwords.get(user) ?? new Map<string, Password>()
    issued.set(normalised(password), { expires: now + lifetimeMs, used: undefined })
    this.passwords.set(user, issued)
  }

  /** Rules relay.password.1 and relay.password.2: makes `password` good for the account of an admin device. */
  issueFor(device: DeviceEntry, password: string, now: number): Result.Result<{ readonly expiresAt: number }, Refused> {
    const { manifests, user } = this.accounts.get(device.account)!
    const listed = Manifest.deviceOf(manifests.at(-1)!, device.id)
    if (listed?.role !== Device.roles.admin) return refuse("not-admin", "Only an admin device may ask for this.")
    const asked = (this.asked.get(device.account) ?? []).filter((at) => now - at < tenMinutes)
    if (asked.length >= maxOwnPasswords) {
      return refuse("rate-limited", "Too many passwords; wait.", asked[0]! + tenMinutes - now)
    }
    this.asked.set(device.account, [...asked, now])
    this.issue(user, password, now, ownPasswordLifetimeMs)
    return Result.succeed({ expiresAt: now + ownPasswordLifetimeMs })
  }

  /** The bytes a registration's proof signs (rule relay.register.2). */
  registrationProof(challenge: Uint8Array, { mailbox, manifest, password, user }: Registration): Uint8Array {
    const { crypto } = this
    const encoded = Canonical.encode([
      this.name,
      challenge,
      user,
      crypto.sha256(Bytes.utf8Encode(password)),
      crypto.sha256(manifest),
      mailbox
    ])
    return Labels.prefixed(Labels.relayRegistration, encoded)
  }

  /** The bytes a login signs (rule relay.login.1). */
  loginProof(challenge: Uint8Array, device: Uint8Array, { generation, startId }: LoginFence): Uint8Array {
    return Labels.prefixed(Labels.relayLogin, Canonical.encode([this.name, challenge, device, generation, startId]))
  }

  register(
    registration: Registration,
    challenge: Uint8Array,
    proof: Uint8Array,
    now: number
  ): Result.Result<void, Refused> {
    const { crypto } = this
    const { mailbox, password, user } = registration
    const attempts = (this.attempts.get(user) ?? []).filter((at) => now - at < tenMinutes)
    if (attempts.length >= 5) return refuse("rate-limited", "Too many attempts; wait.", attempts[0]! + tenMinutes - now)
    const wrong = (code: string, explanation: string): Result.Result<never, Refused> => {
      this.attempts.set(user, [...attempts, now])
      return refuse(code, explanation)
    }
    const issued = this.passwords.get(user)?.get(normalised(password))
    if (!Name.isName(user) || issued === undefined || issued.expires <= now)
      return wrong("bad-password", "Ask for a new one-time password.")
    const manifest = Manifest.verify(crypto, registration.manifest)
    if (Result.isFailure(manifest)) {
      return manifest.failure.cause === "auth.account" ? wrong(...unsigned) : wrong(...unreadable)
    }
    const certificate = Certificate.verify(crypto, registration.certificate)
    if (Result.isFailure(certificate)) return wrong("bad-signature", "The certificate does not verify.")
    const { account, agreement, device } = certificate.success
    const listed = Manifest.deviceOf(manifest.success, device)
    if (
      !Bytes.equal(account, manifest.success.account) ||
      listed === undefined ||
      !Bytes.equal(listed.agreement, agreement)
    ) {
      return wrong("bad-manifest", "The manifest does not list the device.")
    }
    if (!crypto.ed25519Verify(device, this.registrationProof(challenge, registration), proof)) {
      return wrong("bad-proof", "The proof of possession is wrong.")
    }
    if (issued.used !== undefined) {
      const { certificate: c, mailbox: b, manifest: m } = issued.used
      const same =
        Bytes.equal(c, registration.certificate) && Bytes.equal(b, mailbox) && Bytes.equal(m, registration.manifest)
      return same ? Result.void : wrong("bad-password", "Ask for a new one-time password.")
    }
    const accountHex = Bytes.toHex(account)
    const held = this.users.get(user)
    if (held !== undefined && !Bytes.equal(held.id, account))
      return wrong("name-taken", "The name belongs to another account.")
    if (held === undefined && this.accounts.has(accountHex)) return wrong("name-taken", "The account has another name.")
    if (this.devices.has(Bytes.toHex(device)) || this.mailboxes.has(Bytes.toHex(mailbox)))
      return wrong("name-taken", "The device is registered.")
    if (
      held === undefined
        ? manifest.success.version !== 1
        : Result.isFailure(Manifest.follows(held.manifests.at(-1)!, manifest.success))
    ) {
      return wrong("bad-manifest", "The manifest does not follow.")
    }
    issued.used = registration
    const entry: AccountEntry = held ?? { user, id: account, manifests: [], devices: new Map() }
    this.users.set(user, entry)
    this.accounts.set(accountHex, entry)
    const added: DeviceEntry = {
      user,
      account: accountHex,
      id: device,
      mailbox,
      certificate: registration.certificate,
      tokenHash: undefined,
      fence: undefined,
      signed: undefined,
      lastResortKem: undefined,
      oneTime: [],
      oneTimeKem: [],
      highest: { signed: 0, lastResortKem: 0, oneTime: 0, oneTimeKem: 0 },
      lastPublication: undefined,
      handedOut: [],
      starts: { tokens: startBurst, at: now },
      kept: new Map(),
      keptBytes: 0,
      nextDelivery: 1,
      digests: new Map(),
      revoked: false
    }
    entry.devices.set(Bytes.toHex(device), added)
    this.devices.set(Bytes.toHex(device), added)
    this.mailboxes.set(Bytes.toHex(mailbox), added)
    this.take(entry, manifest.success)
    return Result.void
  }

  login(
    device: Uint8Array,
    fence: LoginFence,
    challenge: Uint8Array,
    signature: Uint8Array
  ): Result.Result<DeviceEntry, Refused> {
    const entry = this.devices.get(Bytes.toHex(device))
    if (entry === undefined || entry.revoked) return refuse("unknown-device", "Register this device first.")
    if (!this.crypto.ed25519Verify(device, this.loginProof(challenge, device, fence), signature)) {
      return refuse("bad-signature", "The login signature is wrong.")
    }
    const kept = entry.fence
    if (kept !== undefined) {
      const same = kept.generation === fence.generation && Bytes.equal(kept.startId, fence.startId)
      if (!same && fence.generation <= kept.generation) {
        const detail = Canonical.encode([kept.generation, kept.startId])
        return refuse("stale-state", "This device was restored from an old copy.", 0, detail)
      }
    }
    entry.fence = { generation: fence.generation, startId: fence.startId.slice() }
    return Result.succeed(entry)
  }

  status(device: DeviceEntry): PrekeyStatus {
    return {
      waiting: device.kept.size,
      oneTime: device.oneTime.length,
      oneTimeKem: device.oneTimeKem.length,
      signedPrekeyId: device.signed?.id ?? 0
    }
  }

  publish(device: DeviceEntry, publication: Publication): Result.Result<PrekeyStatus, Refused> {
    const { lastResortKem, oneTime, oneTimeKem, signed } = publication
    const nothing = signed.length + lastResortKem.length + oneTime.length + oneTimeKem.length === 0
    if (nothing || (device.lastPublication !== undefined && samePublication(device.lastPublication, publication))) {
      return Result.succeed(this.status(device))
    }
    const { crypto } = this
    const { highest } = device
    const rising = (keys: ReadonlyArray<{ readonly id: number }>, above: number): boolean =>
      keys.every(({ id }, i) => id > (i === 0 ? above : keys[i - 1]!.id))
    const valid =
      signed.length <= 1 &&
      lastResortKem.length <= 1 &&
      rising(signed, highest.signed) &&
      rising(lastResortKem, highest.lastResortKem) &&
      rising(oneTime, highest.oneTime) &&
      rising(oneTimeKem, highest.oneTimeKem) &&
      device.oneTime.length + oneTime.length <= maxPublished &&
      device.oneTimeKem.length + oneTimeKem.length <= maxPublished &&
      signed.every((key) => Prekey.verify(crypto, "signed", device.id, key)) &&
      lastResortKem.every((key) => Prekey.verify(crypto, "last-resort-kem", device.id, key)) &&
      oneTime.every(({ key }) => Prekey.isUsable(key)) &&
      oneTimeKem.every((key) => Prekey.verify(crypto, "one-time-kem", device.id, key))
    if (!valid) {
      const detail = Canonical.encode([highest.signed, highest.lastResortKem, highest.oneTime, highest.oneTimeKem])
      return refuse("bad-prekeys", "A prekey is wrong, or its id was used before.", 0, detail)
    }
    device.signed = signed[0] ?? device.signed
    device.lastResortKem = lastResortKem[0] ?? device.lastResortKem
    device.oneTime.push(...oneTime)
    device.oneTimeKem.push(...oneTimeKem)
    device.highest = {
      signed: signed.at(-1)?.id ?? highest.signed,
      lastResortKem: lastResortKem.at(-1)?.id ?? highest.lastResortKem,
      oneTime: oneTime.at(-1)?.id ?? highest.oneTime,
      oneTimeKem: oneTimeKem.at(-1)?.id ?? highest.oneTimeKem
    }
    device.lastPublication = publication
    return Result.succeed(this.status(device))
  }

  publishManifest(
    device: DeviceEntry,
    bytes: Uint8Array,
    certificates: ReadonlyArray<Uint8Array>
  ): Result.Result<ReadonlyArray<DeviceEntry>, Refused> {
    const entry = this.accounts.get(device.account)!
    const manifest = Manifest.verify(this.crypto, bytes)
    if (Result.isFailure(manifest)) {
      return manifest.failure.cause === "auth.account" ? refuse(...unsigned) : refuse(...unreadable)
    }
    const { account, hash, version } = manifest.success
    const newest = entry.manifests.at(-1)!
    const held = entry.manifests.find((other) => other.version === version)
    const follows =
      held === undefined ? Result.isSuccess(Manifest.follows(newest, manifest.success)) : Bytes.equal(held.hash, hash)
    if (!Bytes.equal(account, entry.id) || !follows) return refuse("bad-manifest", "The manifest does not follow.")
    for (const certificate of certificates) {
      const verified = Certificate.verify(this.crypto, certificate)
      if (Result.isFailure(verified)) return refuse("bad-signature", "A certificate does not verify.")
    }
    for (const certificate of certificates) {
      const verified = Certificate.decode(certificate)
      const known = Result.isSuccess(verified) ? entry.devices.get(Bytes.toHex(verified.success.device)) : undefined
      if (known !== undefined) known.certificate = certificate
    }
    return Result.succeed(held === undefined ? this.take(entry, manifest.success) : [])
  }

  /** Stores a manifest and revokes what it no longer lists; answers the devices revoked. */
  private take(entry: AccountEntry, manifest: Manifest.Manifest): ReadonlyArray<DeviceEntry> {
    if (entry.manifests.at(-1)?.version !== manifest.version) entry.manifests.push(manifest)
    const revoked: Array<DeviceEntry> = []
    for (const device of entry.devices.values()) {
      if (device.revoked || Manifest.deviceOf(manifest, device.id) !== undefined) continue
      device.revoked = true
      device.kept.clear()
      device.oneTime = []
      device.oneTimeKem = []
      revoked.push(device)
    }
    return revoked
  }

  lookUp(user: string): Result.Result<DirectoryEntry, Refused> {
    const entry = this.users.get(user)
    return entry === undefined ? refuse("unknown-user", "No such user.") : Result.succeed(this.answer(entry, 0))
  }

  manifestsAfter(account: Uint8Array, version: number): Result.Result<DirectoryEntry, Refused> {
    const entry = this.accounts.get(Bytes.toHex(account))
    return entry === undefined
      ? refuse("unknown-user", "No such account.")
      : Result.succeed(this.answer(entry, version))
  }

  private answer(entry: AccountEntry, after: number): DirectoryEntry {
    return {
      account: entry.id,
      manifests: entry.manifests.filter(({ version }) => version > after).map(({ bytes }) => bytes)
    }
  }

  /** Rules relay.prekeys.2 and relay.prekeys.3. */
  bundle(account: Uint8Array, device: Uint8Array, now: number): Result.Result<Uint8Array, Refused> {
    const entry = this.devices.get(Bytes.toHex(device))
    if (entry === undefined || entry.revoked || entry.account !== Bytes.toHex(account))
      return refuse("unknown-device", "No such device.")
    if (entry.signed === undefined || entry.lastResortKem === undefined) {
      return refuse("unknown-device", "The device has published no prekeys yet.", 5000)
    }
    entry.handedOut = entry.handedOut.filter((at) => now - at < minute)
    const generous = entry.handedOut.length < 30
    if (generous) entry.handedOut.push(now)
    const kem = generous ? entry.oneTimeKem.shift() : undefined
    const { id, key, signature } = kem ?? entry.lastResortKem
    return Result.succeed(
      Bundle.encode({
        certificate: entry.certificate,
        mailbox: entry.mailbox,
        signedPrekey: entry.signed,
        kemPrekey: { id, oneTime: kem === undefined ? 0 : 1, key, signature },
        oneTimePrekey: generous ? entry.oneTime.shift() : undefined,
        suites: [1, 2, 3]
      })
    )
  }

  setToken(device: DeviceEntry, hash: Uint8Array): void {
    device.tokenHash = hash.slice()
  }

  /**
   * Rules relay.submit.1–4. Answers the device and what was stored for it, nothing for a repetition. `copies` makes what is stored
   * out of what was submitted: a faithful relay stores just that.
   */
  submit(
    envelope: Uint8Array,
    token: Uint8Array | undefined,
    now: number,
    copies: (envelope: Uint8Array) => ReadonlyArray<Uint8Array>
  ): Result.Result<{ readonly device: DeviceEntry; readonly stored: ReadonlyArray<Kept> }, Refused> {
    if (envelope.length > Limits.maxEnvelopeBytes) return refuse("too-large", "The envelope is too large.")
    const decoded = Envelope.decode(envelope)
    if (Result.isFailure(decoded) || decoded.success.kind > Envelope.kinds.sessionMessage)
      return refuse("bad-frame", "Not an envelope.")
    const { kind, to } = decoded.success
    const device = this.mailboxes.get(Bytes.toHex(to))
    if (device === undefined) return refuse("unknown-mailbox", "No such mailbox.")
    if (device.revoked) {
      return refuse(
        "stale-device",
        "The device was removed.",
        0,
        this.accounts.get(device.account)!.manifests.at(-1)!.bytes
      )
    }
    const { crypto } = this
    const digest = Bytes.toHex(crypto.sha256(envelope))
    const until = device.digests.get(digest)
    if (until !== undefined && until > now) return Result.succeed({ device, stored: [] })
    const entitled =
      token !== undefined &&
      device.tokenHash !== undefined &&
      Bytes.constantTimeEqual(crypto.sha256(Labels.prefixed(Labels.deliveryToken, token)), device.tokenHash)
    if (kind === Envelope.kinds.sessionMessage && !entitled)
      return refuse("bad-token", "The delivery token is not valid.")
    if (kind === Envelope.kinds.sessionStart && !entitled) {
      const { starts } = device
      const tokens = Math.min(startBurst, starts.tokens + ((now - starts.at) / 1000) * startsPerSecond)
      if (tokens < 1) {
        device.starts = { tokens, at: now }
        return refuse(
          "rate-limited",
          "Too many first messages; wait.",
          Math.ceil(((1 - tokens) / startsPerSecond) * 1000)
        )
      }
      device.starts = { tokens: tokens - 1, at: now }
    }
    this.expire(device, now)
    if (device.kept.size >= maxEnvelopes || device.keptBytes + envelope.length > maxMailboxBytes) {
      return refuse("quota", "The mailbox is full.", minute)
    }
    device.digests.set(digest, Infinity)
    const stored = copies(envelope).map((copy) => {
      const kept: Kept = { id: device.nextDelivery++, receivedAt: now, envelope: copy.slice(), digest }
      device.kept.set(kept.id, kept)
      device.keptBytes += copy.length
      return kept
    })
    return Result.succeed({ device, stored })
  }

  acknowledge(device: DeviceEntry, ids: ReadonlyArray<number>, now: number): void {
    for (const id of ids) this.forget(device, id, now)
  }

  private expire(device: DeviceEntry, now: number): void {
    for (const kept of device.kept.values()) {
      if (now - kept.receivedAt < envelopeLifetimeMs) break
      this.forget(device, kept.id, now)
    }
  }

  private forget(device: DeviceEntry, id: number, now: number): void {
    const kept = device.kept.get(id)
    if (kept === undefined) return
    device.kept.delete(id)
    device.keptBytes -= kept.envelope.length
    device.digests.set(kept.digest, now + tenMinutes)
    if (device.digests.size <= 2 * maxEnvelopes) return
    for (const [digest, until] of device.digests) if (until <= now) device.digests.delete(digest)
  }
}
