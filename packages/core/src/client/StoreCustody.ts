/**
 * Key custody in the records `custody/…` of the device's own store.
 *
 * Spec: docs/spec/04-accounts.md §4.1 rules custody.keys.1, handover.seal.1–2; docs/spec/16-state.md §16.1.
 * The keys are as safe as the store: a vault seals them with everything else, nothing here does. On platforms with a key chain or a security module another
 * adapter of the port serves better.
 *
 * Keys are read once and then held, each in one array for the whole life of the custody, so that a provider can remember what it
 * imported. Closing wipes them, and so does locking the vault they are kept in, as far as JavaScript can; after unlocking they are read again.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Bytes from "../base/Bytes.ts"
import type { Unreadable } from "../codec/Stored.ts"
import * as KeyCache from "../crypto/KeyCache.ts"
import * as Account from "../identity/Account.ts"
import * as Device from "../identity/Device.ts"
import * as Handover from "../identity/Handover.ts"
import { Crypto, Entropy } from "../ports/Crypto.ts"
import { type AccountKeys, CustodyError, type DeviceKeys, KeyCustody, type PublicKeys } from "../ports/KeyCustody.ts"
import { Store, type StoredRecord, type Write } from "../ports/Store.ts"
import { StoredRecordError } from "./Errors.ts"
import { whenLocked } from "./vault/Locks.ts"
import { isLocked } from "./vault/VaultUnusable.ts"

/** Key of the record of the account's secrets: canonical `[1, identity seed bin 32, alias seed bin 32]`. */
export const accountKey = "custody/account"

/** Key of the record of the device's secrets: canonical `[1, signing seed bin 32, agreement secret bin 32]`. */
export const deviceKey = "custody/device"

/** Key of the record of an account joined without its secrets: canonical `[1, account id bin 32, alias key bin 32]`. */
export const joinedKey = "custody/joined"

/** What the custody holds: a device's keys, and of its account the secrets, the public keys, or nothing yet. */
interface Keys {
  readonly device: Device.DeviceSecrets
  readonly devicePublics: DeviceKeys
  readonly account: Account.AccountSecrets | undefined
  readonly accountPublics: AccountKeys | undefined
}

/** A custody over the store in context. Its errors of reason `backend` carry what the store said, or `StoredRecordError`. */
export const make: Effect.Effect<KeyCustody["Service"], never, Store | Crypto | Entropy | Scope.Scope> = Effect.gen(
  function* () {
    const store = yield* Store
    const crypto = yield* Crypto
    const entropy = yield* Entropy
    // One at a time, so that keys are read and drawn once whatever arrives together.
    const lock = yield* Semaphore.make(1)
    let keys: Keys | undefined
    let closed = false

    const letGo = (): void => {
      if (keys !== undefined) wipe(keys)
      keys = undefined
    }
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        closed = true
        letGo()
      })
    )

    // Rule vault.lock.2. Behind whoever reads or writes keys now: what they hold afterwards is let go of too.
    yield* whenLocked(store, lock.withPermit(Effect.sync(letGo)))

    const backend = (cause: unknown) => new CustodyError({ reason: isLocked(cause) ? "locked" : "backend", cause })

    const read = (key: string): Effect.Effect<StoredRecord | undefined, CustodyError> =>
      Effect.mapError(store.get(key), backend)

    /** Keeps the keys, unless the custody was closed meanwhile. */
    const hold = (loaded: Keys): Effect.Effect<Keys, CustodyError> =>
      Effect.suspend(() => {
        if (closed) {
          wipe(loaded)
          return locked
        }
        keys = loaded
        return Effect.succeed(loaded)
      })

    const keysOf = (
      device: Device.DeviceSecrets,
      account: Account.AccountSecrets | undefined,
      joined: AccountKeys | undefined
    ): Keys => ({
      device,
      devicePublics: Device.derive(crypto, device),
      account,
      accountPublics: account === undefined ? joined : Account.derive(crypto, account)
    })

    const orUnreadable = <A>(result: Result.Result<A, Unreadable>): Effect.Effect<A, CustodyError> =>
      Result.isSuccess(result) ? Effect.succeed(result.success) : Effect.fail(backend(unreadable(result.failure)))

    /** The keys of the store, or `undefined` when it has none. */
    const load: Effect.Effect<Keys | undefined, CustodyError> = Effect.gen(function* () {
      if (closed) return yield* locked
      if (keys !== undefined) return keys
      const account = yield* read(accountKey)
      const joined = yield* read(joinedKey)
      const device = yield* read(deviceKey)
      if (account === undefined && joined === undefined && device === undefined) return undefined
      // An account is written with its device, or behind it: alone it is no state this release can have left.
      if (device === undefined) return yield* backend(unreadable({ reason: "corrupt" }))
      const accountSecrets = account && Account.decode(account.value)
      const deviceSecrets = Device.decode(device.value)
      Bytes.wipe(device.value, ...(account === undefined ? [] : [account.value]))
      return yield* hold(
        keysOf(
          yield* orUnreadable(deviceSecrets),
          accountSecrets && (yield* orUnreadable(accountSecrets)),
          joined && (yield* orUnreadable(Account.decodeJoined(joined.value)))
        )
      )
    })

    const drawAccount = (): Account.AccountSecrets => ({
      identity: entropy.bytes("account.seed", 32),
      alias: entropy.bytes("account.alias", 32)
    })
    const drawDevice = (): Device.DeviceSecrets => ({
      signing: entropy.bytes("device.sign", 32),
      agreement: entropy.bytes("device.agree", 32)
    })

    /** Writes keys that were drawn, and holds them. */
    const keep = Effect.fnUntraced(function* (device: Device.DeviceSecrets, account?: Account.AccountSecrets) {
      const records: ReadonlyArray<readonly [string, Uint8Array]> = [
        ...(account === undefined ? [] : [[accountKey, Account.encode(account)] as const]),
        [deviceKey, Device.encode(device)]
      ]
      const written = yield* Effect.result(
        store.commit(records.map(([key, value]) => ({ op: "put", key, value, expected: "absent" })))
      )
      Bytes.wipe(...records.map(([, value]) => value))
      if (Result.isSuccess(written)) return yield* hold(keysOf(device, account, undefined))
      Bytes.wipe(...secretsOf({ device, account }))
      return yield* written.failure._tag === "Conflict" ? exists : backend(written.failure)
    })

    /** Makes keys where there are none. Uninterruptible: once the keys are in the store, they are held here. */
    const making = <A>(make: Effect.Effect<A, CustodyError>): Effect.Effect<A, CustodyError> =>
      Effect.uninterruptible(lock.withPermit(Effect.flatMap(load, (loaded) => (loaded === undefined ? make : exists))))

    /** Joins the device to an account, with its secrets or without. */
    const join = Effect.fnUntraced(function* (
      loaded: Keys,
      { account: id, alias }: AccountKeys,
      secrets: Account.AccountSecrets | undefined
    ) {
      const { accountPublics, device } = loaded
      if (accountPublics !== undefined) {
        const same = Bytes.equal(accountPublics.account, id) && Bytes.equal(accountPublics.alias, alias)
        if (!same) return yield* exists
        if (secrets === undefined || loaded.account !== undefined) return loaded
      }
      const [key, value] =
        secrets === undefined
          ? [joinedKey, Account.encodeJoined({ account: id, alias })]
          : [accountKey, Account.encode(secrets)]
      const written = yield* Effect.result(store.commit([{ op: "put", key, value, expected: "absent" }]))
      Bytes.wipe(value)
      if (Result.isFailure(written)) {
        return yield* written.failure._tag === "Conflict" ? exists : backend(written.failure)
      }
      return yield* hold(keysOf(device, secrets, { account: id.slice(), alias: alias.slice() }))
    })

    const withKeys = <A>(f: (keys: Keys) => Effect.Effect<A, CustodyError>): Effect.Effect<A, CustodyError> =>
      Effect.uninterruptible(
        lock.withPermit(Effect.flatMap(load, (loaded) => (loaded === undefined ? noKeys : f(loaded))))
      )

    const forget = Effect.gen(function* () {
      if (closed) return yield* locked
      const writes: Array<Write> = []
      for (const key of [accountKey, joinedKey, deviceKey]) {
        const record = yield* read(key)
        if (record === undefined) continue
        Bytes.wipe(record.value)
        writes.push({ op: "delete", key })
      }
      if (writes.length > 0) yield* Effect.mapError(store.commit(writes), backend)
      letGo()
    })

    const use = <A>(f: (keys: Keys) => Effect.Effect<A, CustodyError>): Effect.Effect<A, CustodyError> =>
      Effect.suspend(() => {
        if (keys !== undefined) return f(keys)
        return Effect.flatMap(lock.withPermit(load), (loaded) =>
          loaded === undefined ? noKeys : Effect.suspend(() => (closed ? locked : f(loaded)))
        )
      })

    /** What needs the account's secrets. */
    const useAccount = <A>(f: (account: Account.AccountSecrets) => A): Effect.Effect<A, CustodyError> =>
      use(({ account }) => (account === undefined ? noAccountKey : Effect.succeed(f(account))))

    return KeyCustody.of({
      create: making(
        Effect.suspend(() => {
          const account = drawAccount()
          return Effect.flatMap(keep(drawDevice(), account), publicsOf)
        })
      ),
      createDevice: making(
        Effect.map(
          Effect.suspend(() => keep(drawDevice())),
          devicePublicsOf
        )
      ),
      joinAccount: (account) => withKeys((loaded) => Effect.flatMap(join(loaded, account, undefined), publicsOf)),
      sealAccount: (key, ad) =>
        useAccount((account) =>
          Handover.seal(crypto, key, entropy.bytes("handover.nonce", Handover.nonceBytes), ad, account)
        ),
      openAccount: (key, ad, sealed, account) =>
        withKeys((loaded) => {
          const secrets = Handover.open(crypto, key, ad, sealed, account)
          return Result.isFailure(secrets)
            ? Effect.fail(new CustodyError({ reason: "unopened" }))
            : Effect.flatMap(join(loaded, account, secrets.success), publicsOf)
        }),
      forget: Effect.uninterruptible(lock.withPermit(forget)),
      publicKeys: use(publicsOf),
      deviceKeys: use((held) => Effect.succeed(devicePublicsOf(held))),
      signWithAccount: (message) => useAccount((account) => crypto.ed25519Sign(account.identity, message)),
      signWithDevice: (message) => use(({ device }) => Effect.sync(() => crypto.ed25519Sign(device.signing, message))),
      agree: (publicKey) => use(({ device }) => Effect.sync(() => crypto.x25519(device.agreement, publicKey)))
    })
  }
)

/** {@link make} as a layer; its scope wipes the keys. */
export const layer: Layer.Layer<KeyCustody, never, Store | Crypto | Entropy> = Layer.effect(KeyCustody, make)

const exists = Effect.suspend(() => Effect.fail(new CustodyError({ reason: "exists" })))
const noKeys = Effect.suspend(() => Effect.fail(new CustodyError({ reason: "no-keys" })))
const noAccountKey = Effect.suspend(() => Effect.fail(new CustodyError({ reason: "no-account-key" })))
const locked = Effect.suspend(() => Effect.fail(new CustodyError({ reason: "locked" })))

const unreadable = ({ reason }: Pick<Unreadable, "reason">): StoredRecordError =>
  new StoredRecordError({ kind: "custody", reason })

/** Copies: what the custody holds must not change through a caller's array. */
const devicePublicsOf = ({ devicePublics }: Keys): DeviceKeys => ({
  device: devicePublics.device.slice(),
  agreement: devicePublics.agreement.slice()
})

const publicsOf = (held: Keys): Effect.Effect<PublicKeys, CustodyError> =>
  held.accountPublics === undefined
    ? noKeys
    : Effect.succeed({
        account: held.accountPublics.account.slice(),
        alias: held.accountPublics.alias.slice(),
        ...devicePublicsOf(held)
      })

const secretsOf = ({ account, device }: Pick<Keys, "account" | "device">): ReadonlyArray<Uint8Array> => [
  ...(account === undefined ? [] : [account.identity, account.alias]),
  device.signing,
  device.agreement
]

const wipe = (keys: Keys): void => {
  const secrets = secretsOf(keys)
  KeyCache.forget(secrets)
  Bytes.wipe(...secrets)
}
