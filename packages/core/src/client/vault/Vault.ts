/**
 * The vault: a Store over any Store, in which everything is sealed, with a lock.
 *
 * Spec: docs/spec/12-vault.md.
 * Locking overwrites the keys. JavaScript cannot overwrite what it copied by itself, nor strings such as the names of records; those
 * are let go of, and gone when the engine collects them.
 *
 * ```ts
 * const sealed = Layer.provide(Vault.layer(), [Sqlite.layer({ path }), Layer.succeed(UnlockSource, Unlock.passphrase(text)), crypto, entropy])
 * ```
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Bytes from "../../base/Bytes.ts"
import { defect } from "../../base/Defect.ts"
import type { Argon2Cost } from "../../crypto/Provider.ts"
import { Crypto, Entropy } from "../../ports/Crypto.ts"
import { type LeaseLost, Store, StoreError } from "../../ports/Store.ts"
import { UnlockError, UnlockSource } from "../../ports/UnlockSource.ts"
import * as Kdf from "../../vault/Kdf.ts"
import * as VaultHeader from "../../vault/VaultHeader.ts"
import { headerKey, reservedPrefix } from "./Contents.ts"
import * as Migration from "./Migration.ts"
import * as Opening from "./Opening.ts"
import type { Kind } from "./Unlock.ts"
import { unusable, VaultUnusable } from "./VaultUnusable.ts"
import * as VaultStore from "./VaultStore.ts"

export { refuseSealed } from "./Sealed.ts"
export type { Reason } from "./VaultUnusable.ts"

/** How a vault is made or opened. */
export interface Options {
  /** Makes a vault when the store is empty (default); without, an empty store is refused with `empty`. */
  readonly create?: boolean
  /** Seals a store that holds records in the clear. Without it (default) such a store is refused with `unsealed`. */
  readonly seal?: boolean
  /** What stretching a passphrase costs in headers that are made: 64 MiB, 3 passes, 4 lanes when nothing is said. */
  readonly cost?: Argon2Cost
}

/** What a vault says of itself. */
export interface Status {
  readonly locked: boolean
  /** What it is under. */
  readonly method: Kind
  /** How a passphrase is stretched. */
  readonly cost: Argon2Cost | undefined
  /** 32 hexadecimal digits, random, for the life of the vault. */
  readonly id: string
  /** Rises with every change of the header. */
  readonly generation: number
  /** Records, while it is open. */
  readonly records: number | undefined
}

/** Errors of what goes through the store's lease. */
export type VaultError = StoreError | LeaseLost

/** The lock of a vault. */
export class Vault extends Context.Service<
  Vault,
  {
    /** Reads the header. */
    readonly status: Effect.Effect<Status, StoreError>
    /**
     * Waits for the commit at hand, then overwrites the keys: reads and commits fail with reason `locked`. Custody and clients on the store
     * overwrite theirs; a client is over by it, and another one is opened after unlocking. Returns when all of that has happened. Safe to
     * repeat.
     */
    readonly lock: Effect.Effect<void>
    /** Asks the source and opens again. Does nothing when it is open. */
    readonly unlock: Effect.Effect<void, StoreError>
    /**
     * Asks the source for the secret once more, `next` for a new one, and wraps the device key anew, in one commit. Nothing else is
     * sealed again: whoever has an old copy of the file and the old secret reads what is written later too, if they get at it.
     */
    readonly changeSecret: (next: UnlockSource["Service"]) => Effect.Effect<void, VaultError>
  }
>()("@tacit/core/Vault") {}

/** An open vault. */
export interface OpenVault {
  readonly store: Store["Service"]
  readonly vault: Vault["Service"]
}

type Requirements = Store | Crypto | Entropy | UnlockSource

const portsInContext: Effect.Effect<Opening.Ports, never, Requirements> = Effect.gen(function* () {
  return { below: yield* Store, crypto: yield* Crypto, entropy: yield* Entropy, source: yield* UnlockSource }
})

const checkedCost = (options: Options): Argon2Cost => {
  const cost = options.cost ?? Kdf.recommended
  return Kdf.isAdmissible(cost) ? cost : defect("the cost of a vault's passphrase is out of bounds")
}

/** Makes what the options allow to be made, so that a header is there; gives it, open, if it was made. */
const prepare = Effect.fnUntraced(function* (ports: Opening.Ports, options: Options) {
  const cost = checkedCost(options)
  if ((yield* Opening.headerOf(ports)) !== undefined) return undefined
  const [first] = yield* ports.below.scan("", { limit: 1 })
  const [reserved] = yield* ports.below.scan(reservedPrefix, { limit: 1 })
  // Parts of a vault without a header: it was taken away.
  if (reserved !== undefined) return yield* unusable("open", "damaged")
  if (first !== undefined && options.seal !== true) return yield* unusable("open", "unsealed")
  if (first === undefined && options.create === false) return yield* unusable("open", "empty")
  const { sealed, sealing } = VaultHeader.states
  return yield* Opening.create(ports, first === undefined ? sealed : sealing, cost)
})

/** Opens the header and the contents; finishes a sealing that was begun. */
const openContents = Effect.fnUntraced(function* (
  ports: Opening.Ports,
  vault: VaultStore.VaultStore,
  made: Opening.OpenHeader | undefined
) {
  const header = made ?? (yield* Opening.openHeader(ports))
  const work = Effect.gen(function* () {
    if (header.header.state === VaultHeader.states.unsealing) return yield* unusable("open", "unsealing")
    vault.open(yield* Opening.readContents(ports, header))
    if (header.header.state === VaultHeader.states.sealing) yield* Migration.sealRest(ports, vault, header)
  })
  yield* Effect.ensuring(
    work,
    Effect.sync(() => Opening.forget(header))
  )
})

/** A lease lost in between is an error of the store for those who only open. */
const asStoreError = (error: { readonly _tag: string }): StoreError =>
  error instanceof StoreError ? error : new StoreError({ operation: "open", cause: error })

/** Opens the vault of the store in context, making it if need be; the scope locks it. */
export const make = (options: Options = {}): Effect.Effect<OpenVault, StoreError, Requirements | Scope.Scope> =>
  Effect.gen(function* () {
    const ports = yield* portsInContext
    const { below, crypto, entropy } = ports
    const made = yield* Effect.mapError(prepare(ports, options), asStoreError)
    const vault = VaultStore.make(below, crypto, entropy)
    yield* Effect.addFinalizer(() => vault.alone(Effect.sync(() => vault.shut("closed"))))
    yield* Effect.mapError(openContents(ports, vault, made), asStoreError)
    return { store: vault.store, vault: service(ports, vault, checkedCost(options)) }
  })

const service = (ports: Opening.Ports, vault: VaultStore.VaultStore, cost: Argon2Cost): Vault["Service"] => {
  // Unlocking and changing the secret one after the other: both take long, and neither holds up reading.
  const turn = Semaphore.makeUnsafe(1)

  const unlock = Effect.gen(function* () {
    if (vault.contents() !== undefined) return
    const header = yield* Opening.openHeader(ports)
    yield* Effect.ensuring(
      vault.alone(
        Effect.flatMap(Opening.readContents(ports, header), (contents) => Effect.sync(() => vault.open(contents)))
      ),
      Effect.sync(() => Opening.forget(header))
    )
  })

  const changeSecret = Effect.fnUntraced(function* (next: UnlockSource["Service"]) {
    if (vault.contents() === undefined) return yield* unusable("open", "locked")
    const opened = yield* Opening.openHeader(ports)
    const { deviceKey, header, revision } = opened
    const change = Effect.gen(function* () {
      const contents = { state: VaultHeader.states.sealed, vault: header.vault, generation: header.generation + 1 }
      const question = { purpose: "change", method: Opening.methodOf(header) } as const
      const { bytes, stretched } = yield* Opening.seal(ports, next, question, cost, contents, deviceKey)
      Bytes.wipe(stretched)
      yield* Effect.catchTag(
        vault.commit([], (plan) => {
          plan.addBelow([{ op: "put", key: headerKey, value: bytes, expected: revision }])
          plan.raiseGeneration()
        }),
        "Conflict",
        () => Effect.fail(unusable("commit", "rollback"))
      )
    })
    yield* Effect.ensuring(
      change,
      Effect.sync(() => Opening.forget(opened))
    )
  })

  return Vault.of({
    status: Effect.flatMap(Opening.headerOf(ports), (found) =>
      found === undefined
        ? Effect.fail(unusable("open", "empty"))
        : Effect.succeed({
            ...describe(found.header),
            locked: vault.contents() === undefined,
            records: vault.contents()?.names.length
          })
    ),
    lock: Effect.uninterruptible(
      Effect.andThen(
        vault.alone(Effect.sync(() => vault.contents() !== undefined && vault.shut("locked"))),
        vault.letGo
      )
    ),
    unlock: turn.withPermit(unlock),
    changeSecret: (next) => turn.withPermit(changeSecret(next))
  })
}

const describe = (header: VaultHeader.Header) => ({
  method: Opening.methodOf(header),
  cost:
    header.kdf.method === 1
      ? { memoryKiB: header.kdf.memoryKiB, passes: header.kdf.passes, lanes: header.kdf.lanes }
      : undefined,
  id: Bytes.toHex(header.vault),
  generation: header.generation
})

/** {@link make} as a layer: takes the store to seal into, gives the store to use and its lock. */
export const layer = (options: Options = {}): Layer.Layer<Store | Vault, StoreError, Requirements> =>
  Layer.effectContext(
    Effect.map(make(options), ({ store, vault }) => Context.make(Store, store).pipe(Context.add(Vault, vault)))
  )

/** What the store in context is, without any secret. */
export const inspect: Effect.Effect<
  | { readonly state: "empty" | "unsealed" }
  | ({ readonly state: "sealed" | "sealing" | "unsealing" } & Omit<Status, "locked" | "records">),
  StoreError,
  Store | Crypto
> = Effect.gen(function* () {
  const below = yield* Store
  const found = yield* Opening.headerOf({ below, crypto: yield* Crypto })
  if (found === undefined) {
    const [first] = yield* below.scan("", { limit: 1 })
    return { state: first === undefined ? ("empty" as const) : ("unsealed" as const) }
  }
  const { states } = VaultHeader
  const { state } = found.header
  const word = state === states.sealed ? "sealed" : state === states.sealing ? "sealing" : "unsealing"
  return { state: word, ...describe(found.header) } as const
})

/**
 * Asks for the secret and gives what stretching made of it, 32 bytes: as `{ type: "stretched" }` it opens this vault without asking and
 * without the cost, until its secret is changed. Keep it where the secret itself may be kept for a while, and overwrite it.
 */
export const ticket: Effect.Effect<Uint8Array, StoreError, Requirements> = Effect.map(
  Effect.flatMap(portsInContext, Opening.openHeader),
  ({ deviceKey, stretched }) => {
    Bytes.wipe(deviceKey)
    return stretched
  }
)

/**
 * Writes everything of the store's vault in the clear and removes the vault: explicit, and the way back from {@link Options.seal}. Goes on
 * where an earlier call was stopped. The store is not opened for use by it.
 */
export const unseal: Effect.Effect<void, VaultError, Requirements> = Effect.gen(function* () {
  const ports = yield* portsInContext
  const vault = VaultStore.make(ports.below, ports.crypto, ports.entropy)
  const header = yield* Opening.openHeader(ports)
  const work = Effect.gen(function* () {
    if (header.header.state === VaultHeader.states.sealing) return yield* unusable("open", "sealing")
    vault.open(yield* Opening.readContents(ports, header))
    yield* Effect.catchTag(Migration.unsealAll(ports, vault, header), "Conflict", () =>
      Effect.fail(unusable("commit", "rollback"))
    )
  })
  yield* Effect.ensuring(
    work,
    Effect.sync(() => {
      Opening.forget(header)
      vault.shut("closed")
    })
  )
})

/** Why a store's error happened, if it comes from a vault or from the source of its secret. */
export const causeOf = (error: unknown): VaultUnusable | UnlockError | undefined => {
  if (!(error instanceof StoreError)) return undefined
  const { cause } = error
  return cause instanceof VaultUnusable || cause instanceof UnlockError ? cause : undefined
}
