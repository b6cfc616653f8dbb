/**
 * Key custody in the records `custody/…` of the device's own store.
 *
 * Spec: docs/spec/04-accounts.md §4.1; docs/spec/16-state.md §16.1.
 * The keys are as safe as the store: a vault seals them with everything else, nothing here does. On platforms with a key chain or a security module another
 * adapter of the port serves better.
 *
 * Keys are read once and then held, each in one array for the whole life of the custody, so that a provider can remember what it
 * imported. Closing wipes them, as far as JavaScript can.
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
import { Crypto, Entropy } from "../ports/Crypto.ts"
import { CustodyError, KeyCustody, type PublicKeys } from "../ports/KeyCustody.ts"
import { Store, type StoredRecord } from "../ports/Store.ts"
import { StoredRecordError } from "./Errors.ts"

/** Key of the record of the account's secrets: canonical `[1, identity seed bin 32, alias seed bin 32]`. */
export const accountKey = "custody/account"

/** Key of the record of the device's secrets: canonical `[1, signing seed bin 32, agreement secret bin 32]`. */
export const deviceKey = "custody/device"

interface Keys {
  readonly account: Account.AccountSecrets
  readonly device: Device.DeviceSecrets
  readonly publics: PublicKeys
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

    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        closed = true
        if (keys !== undefined) wipe(keys)
        keys = undefined
      })
    )

    const backend = (cause: unknown) => new CustodyError({ reason: "backend", cause })

    const read = (key: string): Effect.Effect<StoredRecord | undefined, CustodyError> =>
      Effect.mapError(store.get(key), backend)

    /** Keeps the keys, unless the custody was closed meanwhile. */
    const hold = (account: Account.AccountSecrets, device: Device.DeviceSecrets): Effect.Effect<Keys, CustodyError> =>
      Effect.suspend(() => {
        const publics = { ...Account.derive(crypto, account), ...Device.derive(crypto, device) }
        const loaded = { account, device, publics }
        if (closed) {
          wipe(loaded)
          return locked
        }
        keys = loaded
        return Effect.succeed(loaded)
      })

    /** The keys of the store, or `undefined` when it has none. */
    const load: Effect.Effect<Keys | undefined, CustodyError> = Effect.gen(function* () {
      if (closed) return yield* locked
      if (keys !== undefined) return keys
      const account = yield* read(accountKey)
      const device = yield* read(deviceKey)
      if (account === undefined && device === undefined) return undefined
      // Both are written in one commit: one alone is no state this release can have left.
      if (account === undefined || device === undefined) return yield* backend(unreadable({ reason: "corrupt" }))
      const [accountSecrets, deviceSecrets] = [Account.decode(account.value), Device.decode(device.value)]
      Bytes.wipe(account.value, device.value)
      if (Result.isFailure(accountSecrets)) return yield* backend(unreadable(accountSecrets.failure))
      if (Result.isFailure(deviceSecrets)) return yield* backend(unreadable(deviceSecrets.failure))
      return yield* hold(accountSecrets.success, deviceSecrets.success)
    })

    const draw = Effect.gen(function* () {
      const account = { identity: entropy.bytes("account.seed", 32), alias: entropy.bytes("account.alias", 32) }
      const device = { signing: entropy.bytes("device.sign", 32), agreement: entropy.bytes("device.agree", 32) }
      const records = [Account.encode(account), Device.encode(device)] as const
      const written = yield* Effect.result(
        store.commit([
          { op: "put", key: accountKey, value: records[0], expected: "absent" },
          { op: "put", key: deviceKey, value: records[1], expected: "absent" }
        ])
      )
      Bytes.wipe(...records)
      if (Result.isSuccess(written)) return yield* hold(account, device)
      Bytes.wipe(account.identity, account.alias, device.signing, device.agreement)
      return yield* written.failure._tag === "Conflict" ? exists : backend(written.failure)
    })

    const use = <A>(f: (keys: Keys) => A): Effect.Effect<A, CustodyError> =>
      Effect.suspend(() => {
        if (keys !== undefined) return Effect.succeed(f(keys))
        return Effect.flatMap(lock.withPermit(load), (loaded) =>
          loaded === undefined ? noKeys : Effect.suspend(() => (closed ? locked : Effect.succeed(f(loaded))))
        )
      })

    return KeyCustody.of({
      // Uninterruptible: once the keys are in the store, they are held here.
      create: Effect.uninterruptible(
        lock.withPermit(Effect.flatMap(load, (loaded) => (loaded === undefined ? Effect.map(draw, publicsOf) : exists)))
      ),
      publicKeys: use(publicsOf),
      signWithAccount: (message) => use(({ account }) => crypto.ed25519Sign(account.identity, message)),
      signWithDevice: (message) => use(({ device }) => crypto.ed25519Sign(device.signing, message)),
      agree: (publicKey) => use(({ device }) => crypto.x25519(device.agreement, publicKey))
    })
  }
)

/** {@link make} as a layer; its scope wipes the keys. */
export const layer: Layer.Layer<KeyCustody, never, Store | Crypto | Entropy> = Layer.effect(KeyCustody, make)

const exists = Effect.suspend(() => Effect.fail(new CustodyError({ reason: "exists" })))
const noKeys = Effect.suspend(() => Effect.fail(new CustodyError({ reason: "no-keys" })))
const locked = Effect.suspend(() => Effect.fail(new CustodyError({ reason: "locked" })))

const unreadable = ({ reason }: Pick<Unreadable, "reason">): StoredRecordError =>
  new StoredRecordError({ kind: "custody", reason })

/** Copies: what the custody holds must not change through a caller's array. */
const publicsOf = ({ publics }: Keys): PublicKeys => ({
  account: publics.account.slice(),
  alias: publics.alias.slice(),
  device: publics.device.slice(),
  agreement: publics.agreement.slice()
})

const wipe = ({ account, device }: Keys): void => {
  const secrets = [account.identity, account.alias, device.signing, device.agreement]
  KeyCache.forget(secrets)
  Bytes.wipe(...secrets)
}
