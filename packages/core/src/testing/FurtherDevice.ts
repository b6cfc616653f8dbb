/**
 * A further device of an account whose key lies in a store, made without linking: for tests with several devices.
 *
 * Spec: docs/spec/04-accounts.md §4.1–4.3; docs/spec/16-state.md §16.1.
 * Writes the records of a device that has not registered yet; `register`, with a one-time password for the same name, goes on from there.
 * Both stores then hold the account key: for tests only.
 */
import * as Effect from "effect/Effect"
import * as Bytes from "../base/Bytes.ts"
import { defect } from "../base/Defect.ts"
import * as Loading from "../client/Loading.ts"
import * as Records from "../client/Records.ts"
import * as StoreCustody from "../client/StoreCustody.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import * as AccountKeys from "../identity/Account.ts"
import * as Certificate from "../identity/Certificate.ts"
import * as Device from "../identity/Device.ts"
import * as Manifest from "../identity/Manifest.ts"
import type { Entropy } from "../ports/Crypto.ts"
import type { Store } from "../ports/Store.ts"
import * as FenceStep from "../sequence/Fence.ts"

/** What a further device is made from. */
export interface From {
  readonly crypto: CryptoProvider
  readonly entropy: Entropy["Service"]
  /** The store of a device that keeps the account key in it, opened by nobody else. */
  readonly first: Store["Service"]
  /** The new device's store, empty. */
  readonly next: Store["Service"]
  /** The account's newest manifest; that of the first store when nothing is said. */
  readonly newest?: Uint8Array
}

const recordOf = (store: Store["Service"], key: string) =>
  Effect.map(store.get(key), (stored) => stored?.value ?? defect(`a store without ${key}`))

/** Makes the device's records and answers the manifest that lists it (the bytes), which its registration publishes. */
export const make = ({ crypto, entropy, first, newest, next }: From) =>
  Effect.gen(function* () {
    const accountRecord = yield* recordOf(first, StoreCustody.accountKey)
    const account = yield* Loading.orCorrupt("custody", AccountKeys.decode(accountRecord))
    const self = yield* Records.read(Records.Self, Records.keys.self, yield* recordOf(first, Records.keys.self))
    const held = yield* Loading.orCorrupt("manifest", Manifest.verify(crypto, newest ?? self.manifest, self.account))
    const secrets = { signing: entropy.bytes("device.sign", 32), agreement: entropy.bytes("device.agree", 32) }
    const publics = Device.derive(crypto, secrets)
    const version = held.version + 1
    const role = Device.roles.member
    const body = Manifest.encodeBody({
      ...held,
      version,
      previous: held.hash,
      devices: [...held.devices, { ...publics, role, addedIn: version }].sort((a, b) =>
        Bytes.compare(a.device, b.device)
      )
    })
    const manifest = Manifest.encode(body, crypto.ed25519Sign(account.identity, Manifest.signingInput(body)))
    const statement = { account: self.account, ...publics, role, manifestVersion: version }
    const secret = entropy.bytes("device.secret", 32)
    const certified = crypto.ed25519Sign(account.identity, Certificate.signingInput(statement))
    const own: Records.Self = {
      ...self,
      ...publics,
      registered: 0,
      mailbox: entropy.bytes("device.mailbox", 16),
      token: entropy.bytes("device.token", 16),
      secret,
      certificate: Certificate.encode(statement, certified),
      manifest,
      fence: FenceStep.maker(crypto, secret).first(entropy.bytes("device.start", FenceStep.randomBytes)),
      restored: 0,
      next: { signed: 1, kem: 1, once: 1, kemOnce: 1 }
    }
    yield* next.commit([
      { op: "put", key: StoreCustody.accountKey, value: accountRecord },
      { op: "put", key: StoreCustody.deviceKey, value: Device.encode(secrets) },
      { op: "put", key: Records.keys.self, value: Records.Self.encode(own) }
    ])
    return manifest
  })
