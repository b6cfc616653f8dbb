/**
 * Making and opening a vault's header and contents over a store.
 *
 * Spec: docs/spec/12-vault.md §12.3, §12.6.
 * Does not move records between sealed and unsealed: client/vault/Migration.ts does.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../../base/Bytes.ts"
import { defect } from "../../base/Defect.ts"
import type { Argon2Cost, CryptoProvider } from "../../crypto/Provider.ts"
import type { Entropy } from "../../ports/Crypto.ts"
import type { LeaseLost, Store, StoreError, StoredRecord, Write } from "../../ports/Store.ts"
import type { UnlockQuestion, UnlockSource } from "../../ports/UnlockSource.ts"
import { Audit } from "../../vault/Audit.ts"
import * as Kdf from "../../vault/Kdf.ts"
import * as Ledger from "../../vault/Ledger.ts"
import * as VaultHeader from "../../vault/VaultHeader.ts"
import * as VaultKeys from "../../vault/VaultKeys.ts"
import { type Contents, type Entry, headerKey, ledgerKey, recordPrefix } from "./Contents.ts"
import * as Unlock from "./Unlock.ts"
import { unanswered, unusable, unusableFor } from "./VaultUnusable.ts"

/** What a vault stands on. */
export interface Ports {
  readonly below: Store["Service"]
  readonly crypto: CryptoProvider
  readonly entropy: Entropy["Service"]
  readonly source: UnlockSource["Service"]
}

/** A header that was opened. {@link forget} overwrites its keys. */
export interface OpenHeader extends VaultHeader.OpenedHeader {
  /** Revision of its record. */
  readonly revision: number
}

/** Overwrites what opened a header. */
export const forget = ({ deviceKey, stretched }: OpenHeader): void => Bytes.wipe(deviceKey, stretched)

/** Pages of this many sealed records are read at a time. */
const pageSize = 256

const ask = (source: UnlockSource["Service"], question: UnlockQuestion): Effect.Effect<Kdf.Secret, StoreError> =>
  Effect.mapError(source.secret(question), unanswered)

/** The kind of secret a header is under. */
export const methodOf = ({ kdf }: VaultHeader.Header): Unlock.Kind => (kdf.method === 1 ? "passphrase" : "key")

/** How a new secret shall be stretched, with a salt of its own. */
const kdfFor = (secret: Kdf.Secret, cost: Argon2Cost, entropy: Entropy["Service"]): Kdf.Kdf => {
  const salt = entropy.bytes("vault.salt", 16)
  switch (secret.type) {
    case "passphrase":
      return { method: 1, salt, ...cost }
    case "key":
      return { method: 2, salt }
    case "stretched":
      return defect("a new vault takes a passphrase or a key")
  }
}

/** A header for a secret that the source gives, and its stretched form. */
export const seal = (
  { crypto, entropy }: Ports,
  source: UnlockSource["Service"],
  question: UnlockQuestion,
  cost: Argon2Cost,
  contents: Omit<VaultHeader.Contents, "kdf">,
  deviceKey: Uint8Array
): Effect.Effect<{ readonly bytes: Uint8Array; readonly stretched: Uint8Array }, StoreError> =>
  Effect.flatMap(ask(source, question), (secret) => {
    const kdf = kdfFor(secret, cost, entropy)
    const stretched = Kdf.stretch(crypto, kdf, secret)
    Unlock.wipe(secret)
    if (Result.isFailure(stretched)) return Effect.fail(unusableFor("open", stretched.failure))
    const bytes = VaultHeader.make(crypto, { ...contents, kdf }, stretched.success, deviceKey)
    return Effect.succeed({ bytes, stretched: stretched.success })
  })

/** Makes a vault in one commit: header and empty ledger. What else the store holds stays as it is. Gives the header, open. */
export const create = Effect.fnUntraced(function* (ports: Ports, state: VaultHeader.State, cost: Argon2Cost) {
  const { below, crypto, entropy, source } = ports
  const deviceKey = entropy.bytes("vault.device", Kdf.keyBytes)
  const contents = { state, vault: entropy.bytes("vault.id", 16), generation: 1 }
  const question = { purpose: "create", method: undefined } as const
  const { bytes, stretched } = yield* seal(ports, source, question, cost, contents, deviceKey)
  const keys = VaultKeys.derive(crypto, deviceKey, contents.vault)
  const ledger = Ledger.seal(crypto, keys, Ledger.empty(1), entropy.bytes("vault.nonce", 12))
  VaultKeys.wipe(keys)
  const written = write(below, [
    { op: "put", key: headerKey, value: bytes, expected: "absent" },
    { op: "put", key: ledgerKey, value: ledger, expected: "absent" }
  ])
  const revisions = yield* Effect.onError(written, () => Effect.sync(() => Bytes.wipe(deviceKey, stretched)))
  const header = VaultHeader.decode(crypto, bytes)
  if (Result.isFailure(header)) return yield* unusableFor("open", header.failure)
  const opened: OpenHeader = { header: header.success, deviceKey, stretched, revision: revisions[0]! }
  return opened
})

const write = (below: Store["Service"], writes: ReadonlyArray<Write>) =>
  Effect.catchTag(below.commit(writes), "Conflict", () => Effect.fail(unusable("open", "exists")))

/** The header's record and what it says, unopened; nothing when the store has none. */
export const headerOf = ({
  below,
  crypto
}: Pick<Ports, "below" | "crypto">): Effect.Effect<
  { readonly record: StoredRecord; readonly header: VaultHeader.Header } | undefined,
  StoreError
> =>
  Effect.flatMap(below.get(headerKey), (record) => {
    if (record === undefined) return Effect.undefined
    const header = VaultHeader.decode(crypto, record.value)
    return Result.isFailure(header)
      ? Effect.fail(unusableFor("open", header.failure))
      : Effect.succeed({ record, header: header.success })
  })

/** Asks for the secret and opens the header. Fails with `empty` when there is none. */
export const openHeader = Effect.fnUntraced(function* (ports: Ports) {
  const found = yield* headerOf(ports)
  if (found === undefined) return yield* unusable("open", "empty")
  const secret = yield* ask(ports.source, { purpose: "open", method: methodOf(found.header) })
  const opened = VaultHeader.open(ports.crypto, found.record.value, secret)
  Unlock.wipe(secret)
  if (Result.isFailure(opened)) return yield* unusableFor("open", opened.failure)
  const header: OpenHeader = { ...opened.success, revision: found.record.revision }
  return header
})

/** Reads every sealed record once and holds them against the ledger (rule vault.ledger.3). */
export const readContents = Effect.fnUntraced(function* ({ below, crypto }: Ports, { deviceKey, header }: OpenHeader) {
  const keys = VaultKeys.derive(crypto, deviceKey, header.vault)
  const contents = yield* Effect.onError(audited(below, crypto, keys, header.generation), () =>
    Effect.sync(() => VaultKeys.wipe(keys))
  )
  return contents
})

const audited = Effect.fnUntraced(function* (
  below: Store["Service"],
  crypto: CryptoProvider,
  keys: VaultKeys.VaultKeys,
  generation: number
) {
  const stored = yield* below.get(ledgerKey)
  if (stored === undefined) return yield* unusable("open", "rollback")
  const ledger = Ledger.open(crypto, keys, stored.value)
  if (Result.isFailure(ledger)) return yield* unusableFor("open", ledger.failure)
  const audit = new Audit(crypto, keys)
  const revisions = new Map<Uint8Array, number>()
  let after: string | undefined
  for (;;) {
    const page: ReadonlyArray<StoredRecord> = yield* below.scan(
      recordPrefix,
      after === undefined ? { limit: pageSize } : { after, limit: pageSize }
    )
    for (const { key, revision, value } of page) {
      const id = idOfKey(key)
      if (id === undefined) return yield* unusable("open", "damaged")
      const opened = audit.add(id, value)
      if (Result.isFailure(opened)) return yield* unusableFor("open", opened.failure)
      opened.success.bytes.fill(0)
      revisions.set(id, revision)
    }
    if (page.length < pageSize) break
    after = page[page.length - 1]!.key
  }
  const known = audit.finish(ledger.success, generation)
  if (Result.isFailure(known)) return yield* unusableFor("open", known.failure)
  const entries = new Map<string, Entry>()
  for (const [name, { ids, version }] of known.success) {
    entries.set(name, { version, ids, revision: revisions.get(ids[0]!)! })
  }
  const contents: Contents = {
    keys,
    entries,
    names: [...entries.keys()].sort(),
    ledger: ledger.success,
    ledgerRevision: stored.revision
  }
  return contents
})

const idOfKey = (key: string): Uint8Array | undefined => {
  const id = Bytes.fromHex(key.slice(recordPrefix.length))
  return id?.length === VaultKeys.idBytes && Bytes.toHex(id) === key.slice(recordPrefix.length) ? id : undefined
}

/** Errors of a commit of the vault's own: nobody else's expectations are in it. */
export type OwnError = StoreError | LeaseLost
