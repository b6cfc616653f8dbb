/**
 * Making an account and registering it.
 *
 * Spec: docs/spec/04-accounts.md §4.1–4.3; docs/spec/14-relay.md §14.2.
 * Repeating after a crash at any point goes on where it stopped: keys, certificate, manifest and mailbox are made once, stored before
 * they are shown to anybody, and offered again as they are.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Certificate from "../identity/Certificate.ts"
import * as Device from "../identity/Device.ts"
import * as Manifest from "../identity/Manifest.ts"
import * as Name from "../identity/Name.ts"
import { Crypto, Entropy } from "../ports/Crypto.ts"
import { Directory } from "../ports/Directory.ts"
import { KeyCustody } from "../ports/KeyCustody.ts"
import { Store } from "../ports/Store.ts"
import type { Refused, TransportError } from "../ports/Transport.ts"
import * as FenceStep from "../sequence/Fence.ts"
import type { Sender } from "./Api.ts"
import { Batch, commit, type Slot } from "./Commit.ts"
import { AlreadyRegistered, type ClientError, InvalidMessage } from "./Errors.ts"
import * as Records from "./Records.ts"
import { refuseSealed } from "./vault/Sealed.ts"

/** A name and the one-time password an administrator issued for it. */
export interface Credentials {
  /** `[a-z0-9][a-z0-9._-]{0,63}` */
  readonly user: string
  readonly password: string
}

/** Errors of {@link register}. A wrong or used password is `Refused` with code `bad-password`. */
export type RegisterError = ClientError | AlreadyRegistered | InvalidMessage | TransportError | Refused

/**
 * Makes this device's account, if the store has none, and registers it. Fails with `AlreadyRegistered` when that was done before. After
 * any other failure it can be called again, also with another name or password.
 */
export const register = (
  credentials: Credentials
): Effect.Effect<Sender, RegisterError, Store | Directory | KeyCustody | Crypto | Entropy> =>
  Effect.gen(function* () {
    const { password, user } = credentials
    if (!Name.isName(user)) return yield* new InvalidMessage({ reason: "bad-user" })
    const store = yield* Store
    const directory = yield* Directory
    yield* refuseSealed(store)
    const stored = yield* store.get(Records.keys.self)
    const slot: Slot = { revision: stored?.revision }
    const before = stored === undefined ? undefined : yield* Records.read(Records.Self, stored.key, stored.value)
    if (before?.registered === 1) return yield* new AlreadyRegistered()
    const self = { ...(before ?? (yield* make)), user }
    if (before?.user !== user) yield* write(store, slot, self)
    const { certificate, mailbox, manifest } = self
    // Rule relay.register.4: a registration that succeeded without our knowing is answered as if it were the first. After its
    // password expired, or with another one, the directory tells.
    yield* Effect.catchTag(
      directory.register({ user, password, manifest, certificate, mailbox }),
      "Refused",
      (refusal) =>
        before === undefined
          ? Effect.fail(refusal)
          : Effect.flatMap(Effect.result(directory.lookUp(user)), (entry) =>
              Result.isSuccess(entry) && Bytes.equal(entry.success.account, self.account)
                ? Effect.void
                : Effect.fail(refusal)
            )
    )
    yield* write(store, slot, { ...self, registered: 1 })
    return { user, account: Bytes.toHex(self.account), device: Bytes.toHex(self.device) }
  }).pipe(Effect.withSpan("Account.register"))

const write = (store: Store["Service"], slot: Slot, self: Records.Self) => {
  const batch = new Batch()
  batch.put(Records.keys.self, Records.Self.encode(self), slot)
  return commit(store, batch)
}

/** Keys, certificate, first manifest and addresses of this device. */
const make = Effect.gen(function* () {
  const custody = yield* KeyCustody
  const crypto = yield* Crypto
  const entropy = yield* Entropy
  // Keys that were made before a crash are the ones to go on with.
  const keys = yield* Effect.catchTag(custody.create, "CustodyError", (error) =>
    error.reason === "exists" ? custody.publicKeys : Effect.fail(error)
  )
  const { account, agreement, device } = keys
  const role = Device.roles.admin
  const statement: Certificate.Statement = { account, device, agreement, role, manifestVersion: 1 }
  const body = Manifest.encodeBody({
    account,
    version: 1,
    previous: Bytes.empty,
    issuedAt: yield* Clock.currentTimeMillis,
    devices: [{ device, agreement, role, addedIn: 1 }],
    revocations: []
  })
  const secret = entropy.bytes("device.secret", 32)
  const self: Records.Self = {
    version: Records.written,
    registered: 0,
    user: "",
    account,
    device,
    agreement,
    rendezvous: entropy.bytes("account.rendezvous", 32),
    mailbox: entropy.bytes("device.mailbox", Limits.mailboxBytes),
    token: entropy.bytes("device.token", Limits.deliveryTokenBytes),
    secret,
    certificate: Certificate.encode(statement, yield* custody.signWithAccount(Certificate.signingInput(statement))),
    manifest: Manifest.encode(body, yield* custody.signWithAccount(Manifest.signingInput(body))),
    fence: FenceStep.maker(crypto, secret).first(entropy.bytes("device.start", FenceStep.randomBytes)),
    restored: 0,
    next: { signed: 1, kem: 1, once: 1, kemOnce: 1 }
  }
  return self
})
