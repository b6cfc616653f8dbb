/**
 * Accounts and devices for tests of transports, directories and relays: real keys, manifests, certificates and prekeys, all
 * derived from a seed.
 *
 * Spec: docs/spec/04-accounts.md; docs/spec/05-agreement.md §5.1; docs/spec/03-envelopes.md §3.1.
 * Secrets follow from the seed: for tests only. Opens no sessions; envelopes carry whatever body a test wants.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Prekey from "../agreement/Prekey.ts"
import * as Bytes from "../base/Bytes.ts"
import { defect } from "../base/Defect.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as Envelope from "../envelope/Envelope.ts"
import * as Certificate from "../identity/Certificate.ts"
import * as Device from "../identity/Device.ts"
import * as Manifest from "../identity/Manifest.ts"
import type { PublishedKey, PublishedOneTimeKey, Registration } from "../ports/Directory.ts"
import { CustodyError, type KeyCustody } from "../ports/KeyCustody.ts"

/** A device with its secrets at hand. Bytes are 32 long, the mailbox 16, the start id 8, the token 16. */
export interface FixtureDevice {
  readonly account: Uint8Array
  readonly device: Uint8Array
  readonly agreement: Uint8Array
  readonly certificate: Uint8Array
  readonly mailbox: Uint8Array
  readonly startId: Uint8Array
  readonly token: Uint8Array
  /** What `setDeliveryToken` takes for `token`. */
  readonly tokenHash: Uint8Array
  readonly sign: (message: Uint8Array) => Uint8Array
  readonly custody: KeyCustody["Service"]
  /** `oneTime` and `oneTimeKem` keys from id `from` on, and a signed and a last-resort prekey with id `from` unless `again`. */
  readonly prekeys: (counts: {
    readonly oneTime: number
    readonly oneTimeKem: number
    readonly from?: number
    readonly again?: boolean
  }) => FixturePrekeys
}

export interface FixturePrekeys {
  readonly signed: ReadonlyArray<PublishedKey>
  readonly lastResortKem: ReadonlyArray<PublishedKey>
  readonly oneTime: ReadonlyArray<PublishedOneTimeKey>
  readonly oneTimeKem: ReadonlyArray<PublishedKey>
}

/** An account whose manifest chain grows as devices come and go. */
export interface FixtureAccount {
  readonly account: Uint8Array
  /** Every manifest made, oldest first. */
  readonly manifests: ReadonlyArray<Uint8Array>
  readonly newest: Uint8Array
  /** Makes a device and the manifest that lists it. */
  readonly addDevice: () => FixtureDevice
  /** Makes the manifest that revokes a device. */
  readonly revoke: (device: FixtureDevice) => Uint8Array
  /** Makes the next manifest with the same devices. */
  readonly renew: () => Uint8Array
}

/** A registration of a device with the newest manifest. */
export const registration = (
  account: FixtureAccount,
  device: FixtureDevice,
  user: string,
  password: string
): Registration => ({
  user,
  password,
  manifest: account.newest,
  certificate: device.certificate,
  mailbox: device.mailbox
})

/** An envelope with the given body; kind 1 is a session start, 2 a session message. */
export const envelope = (to: Uint8Array, kind: 1 | 2, body: Uint8Array): Uint8Array =>
  Result.getOrThrow(Envelope.encode({ kind, to, body }))

/** The same seed gives the same account. */
export const makeAccount = (crypto: CryptoProvider, seed: string): FixtureAccount => {
  const draw = (...path: ReadonlyArray<string | number>): Uint8Array =>
    crypto.sha256(Bytes.utf8Encode(`fixture/${seed}/${path.join("/")}`))
  const identity = draw("identity")
  const account = crypto.ed25519PublicKey(identity)
  const manifests: Array<Manifest.Manifest> = []
  let listed: ReadonlyArray<Manifest.ListedDevice> = []
  let revocations: ReadonlyArray<Manifest.Revocation> = []
  let made = 0

  const publish = (): Uint8Array => {
    const previous = manifests.at(-1)
    const body = Manifest.encodeBody({
      account,
      version: manifests.length + 1,
      previous: previous?.hash ?? Bytes.empty,
      issuedAt: manifests.length + 1,
      devices: listed.toSorted((a, b) => Bytes.compare(a.device, b.device)),
      revocations: revocations.toSorted((a, b) => Bytes.compare(a.device, b.device))
    })
    const bytes = Manifest.encode(body, crypto.ed25519Sign(identity, Manifest.signingInput(body)))
    manifests.push(Result.getOrThrow(Manifest.verify(crypto, bytes, account)))
    return bytes
  }

  const addDevice = (): FixtureDevice => {
    const number = ++made
    const signing = draw("device", number, "signing")
    const agreementSecret = draw("device", number, "agreement")
    const device = crypto.ed25519PublicKey(signing)
    const agreement = crypto.x25519PublicKey(agreementSecret)
    const version = manifests.length + 1
    const role = number === 1 ? Device.roles.admin : Device.roles.member
    listed = [...listed, { device, agreement, role, addedIn: version }]
    publish()
    const statement: Certificate.Statement = { account, device, agreement, role, manifestVersion: version }
    const sign = (message: Uint8Array): Uint8Array => crypto.ed25519Sign(signing, message)
    const token = draw("device", number, "token").slice(0, 16)
    const publicKeys = { account, alias: crypto.ed25519PublicKey(draw("alias")), device, agreement }

    const signed = (kind: Prekey.SignedKind, id: number, key: Uint8Array): PublishedKey => ({
      id,
      key,
      signature: sign(Prekey.signingInput(kind, { id, key }))
    })
    const x25519 = (kind: string, id: number): Uint8Array => crypto.x25519PublicKey(draw("prekey", number, kind, id))
    const mlKem = (kind: string, id: number): Uint8Array =>
      crypto.mlKem768KeyPair(Bytes.concat(draw("kem", number, kind, id, 0), draw("kem", number, kind, id, 1))).publicKey
    const ids = (from: number, count: number): ReadonlyArray<number> =>
      Array.from({ length: count }, (_, i) => from + i)

    return {
      account,
      device,
      agreement,
      certificate: Certificate.encode(statement, crypto.ed25519Sign(identity, Certificate.signingInput(statement))),
      mailbox: draw("device", number, "mailbox").slice(0, 16),
      startId: draw("device", number, "start").slice(0, 8),
      token,
      tokenHash: crypto.sha256(Labels.prefixed(Labels.deliveryToken, token)),
      sign,
      custody: {
        create: Effect.fail(new CustodyError({ reason: "exists" })),
        createDevice: Effect.fail(new CustodyError({ reason: "exists" })),
        joinAccount: () => Effect.fail(new CustodyError({ reason: "exists" })),
        sealAccount: () => Effect.fail(new CustodyError({ reason: "no-account-key" })),
        openAccount: () => Effect.fail(new CustodyError({ reason: "exists" })),
        forget: Effect.fail(new CustodyError({ reason: "backend" })),
        deviceKeys: Effect.succeed({ device, agreement }),
        publicKeys: Effect.succeed(publicKeys),
        signWithAccount: (message) => Effect.sync(() => crypto.ed25519Sign(identity, message)),
        signWithDevice: (message) => Effect.sync(() => sign(message)),
        agree: (publicKey) => Effect.sync(() => crypto.x25519(agreementSecret, publicKey))
      },
      prekeys: ({ again = false, from = 1, oneTime, oneTimeKem }) => ({
        signed: again ? [] : [signed("signed", from, x25519("signed", from))],
        lastResortKem: again ? [] : [signed("last-resort-kem", from, mlKem("last", from))],
        oneTime: ids(from, oneTime).map((id) => ({ id, key: x25519("once", id) })),
        oneTimeKem: ids(from, oneTimeKem).map((id) => signed("one-time-kem", id, mlKem("once", id)))
      })
    }
  }

  return {
    account,
    get manifests() {
      return manifests.map((manifest) => manifest.bytes)
    },
    get newest() {
      return manifests.at(-1)?.bytes ?? defect("a fixture account has no manifest before its first device")
    },
    addDevice,
    revoke: ({ device }) => {
      listed = listed.filter((entry) => !Bytes.equal(entry.device, device))
      revocations = [...revocations, { device, revokedIn: manifests.length + 1 }]
      return publish()
    },
    renew: publish
  }
}
