/**
 * Work on the vault of one store file, for programs without Effect: what it is, sealing, unsealing, changing the secret, and looking
 * whether a copy of it would open.
 *
 * Spec: docs/spec/12-vault.md.
 * Opens no account: nothing here speaks to a relay.
 */
import {
  Drill,
  type HistorySurvey,
  Store,
  StoreError,
  type StoredRecord,
  surveyHistory,
  type UnlockSource,
  UnlockSource as Source,
  Vault
} from "@tacit/core"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import * as Sqlite from "@tacit/storage/sqlite"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { randomInt } from "node:crypto"
import { copyFileSync, existsSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { backup, DatabaseSync } from "node:sqlite"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { sourceOf, type VaultOptions, type VaultSecret, vaultPorts } from "./Node.ts"

/** A store file, by its path. */
export interface FilePlace {
  readonly path: string
}

/** What {@link inspect} says. */
export type Inspection = Effect.Success<typeof Vault.inspect>

/** Records are removed from this much of a file at most without leaving remains: after sealing, all of it is rewritten. */
const rewriteAll = Number.MAX_SAFE_INTEGER

const run = async <A>(effect: Effect.Effect<A, unknown>, signal?: AbortSignal): Promise<A> => {
  const exit = await Effect.runPromiseExit(effect, signal === undefined ? {} : { signal })
  if (Exit.isSuccess(exit)) return exit.value
  if (Cause.hasInterruptsOnly(exit.cause)) signal?.throwIfAborted()
  throw Option.getOrElse(Cause.findErrorOption(exit.cause), () => Cause.squash(exit.cause))
}

const below = (path: string) => Layer.merge(Sqlite.layer({ path, rewriteUpToBytes: rewriteAll }), vaultPorts)

const within = (path: string, source: UnlockSource["Service"]) =>
  Layer.mergeAll(below(path), Layer.succeed(Source, source))

/** What the file is, without any secret. */
export const inspect = async ({ path }: FilePlace): Promise<Inspection> =>
  // Opening would make a file.
  !existsSync(path) ? { state: "empty" } : run(Effect.provide(Vault.inspect, below(path), { local: true }))

/**
 * Seals a file that holds records in the clear, or makes an empty vault. Rewrites the file, so that no remains stay in it; what the
 * drive keeps of overwritten blocks is out of reach. Goes on where an earlier call was stopped.
 */
export const seal = ({
  path,
  signal,
  vault
}: FilePlace & { readonly vault: VaultOptions; readonly signal?: AbortSignal }) =>
  run(
    Effect.provide(
      Vault.Vault.use(({ status }) => status),
      Layer.provide(Vault.layer({ ...vault, seal: true }), within(path, sourceOf(vault))),
      { local: true }
    ),
    signal
  )

/** Writes everything in the clear and removes the vault. Goes on where an earlier call was stopped. */
export const unseal = ({
  path,
  secret,
  signal
}: FilePlace & { readonly secret: VaultSecret; readonly signal?: AbortSignal }) =>
  run(Effect.provide(Vault.unseal, within(path, sourceOf(secret)), { local: true }), signal)

/** Opens the vault once with the old secret and wraps it under the next one. */
export const changeSecret = ({
  next,
  path,
  signal,
  vault
}: FilePlace & { readonly vault: VaultOptions; readonly next: VaultSecret; readonly signal?: AbortSignal }) =>
  run(
    Effect.provide(
      Vault.Vault.use((lock) => Effect.andThen(lock.changeSecret(sourceOf(next)), lock.status)),
      Layer.provide(Vault.layer({ ...vault, create: false }), within(path, sourceOf(vault))),
      { local: true }
    ),
    signal
  )

/** Opens the header and gives what stands in for the secret until it is changed: see `Vault.ticket`. */
export const ticket = ({ path, secret }: FilePlace & { readonly secret: VaultSecret }): Promise<Uint8Array> =>
  run(Effect.provide(Vault.ticket, within(path, sourceOf(secret)), { local: true }))

/** Parts of what a drill finds. */
export type KindCount = Drill.KindCount
export type Lost = Drill.Lost
export type Restore = Drill.Restore

/** What a drill found, and what the copy is. */
export interface Found extends Drill.Survey {
  readonly state: Inspection["state"]
}

/** Records of a copy that are read down to their fields when nothing else is said. */
const defaultSample = 1_000

/**
 * Restores a copy into a scratch directory and opens it there. Of a sealed copy every record is opened and held against the ledger, of one
 * that is not sealed every checksum is checked; a sample of the records is read down to its fields. Neither the copy nor the file in use is
 * written. A drill that fails rejects with what opening fails with.
 */
export const drill = async ({
  copy,
  path,
  sample = defaultSample,
  secret,
  signal
}: {
  /** The copy to restore; without, one is made of `path`. */
  readonly copy?: string | undefined
  /** The file in use, to compare with. It may be open in another process. */
  readonly path: string | undefined
  readonly secret: VaultSecret | undefined
  /** How many records are read down to their fields, chosen at random: 1,000 when nothing is said, all when there are fewer. */
  readonly sample?: number | undefined
  readonly signal?: AbortSignal
}): Promise<Found> => {
  const folder = await mkdtemp(join(tmpdir(), "tacit-drill-"))
  try {
    const restored = join(folder, "restored.db")
    if (copy === undefined) await duplicate(path!, restored)
    else restore(copy, restored)
    const { state } = await inspect({ path: restored })
    const open = (file: string) => contents(file, state, secret, signal)
    const found = await open(restored)
    if (copy === undefined || path === undefined || !existsSync(path)) {
      return report(state, found, undefined, sample)
    }
    const current = join(folder, "current.db")
    await duplicate(path, current)
    const now = await inspect({ path: current })
    return report(state, found, await contents(current, now.state, secret, signal), sample)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * What a copy says about the history kept in it; `undefined` where none is kept. The copy is opened as it is, and may be written; whoever asks
 * has made it for that.
 */
export const history = async ({
  copy,
  secret,
  signal
}: {
  readonly copy: string
  readonly secret: VaultSecret | undefined
  readonly signal?: AbortSignal
}): Promise<HistorySurvey | undefined> => {
  const { state } = await inspect({ path: copy })
  return state === "empty"
    ? undefined
    : run(Effect.provide(surveyHistory, opened(copy, state, secret), { local: true }), signal)
}

/** A consistent copy of a store that may be in use. */
export const duplicate = async (path: string, to: string): Promise<void> => {
  try {
    const source = new DatabaseSync(path, { readOnly: true })
    try {
      await backup(source, to)
    } finally {
      source.close()
    }
  } catch (cause) {
    throw new StoreError({ operation: "open", cause })
  }
}

const restore = (copy: string, to: string): void => {
  try {
    copyFileSync(copy, to)
    if (existsSync(`${copy}-wal`)) copyFileSync(`${copy}-wal`, `${to}-wal`)
  } catch (cause) {
    throw new StoreError({ operation: "open", cause })
  }
}

interface Contents {
  readonly records: ReadonlyMap<string, Uint8Array>
}

/** Every record of a file. A sealed one is opened as a vault, which checks all of them against the ledger. */
const contents = (
  path: string,
  state: Inspection["state"],
  secret: VaultSecret | undefined,
  signal: AbortSignal | undefined
): Promise<Contents> => {
  const all = Store.use((store) =>
    Effect.gen(function* () {
      const records = new Map<string, Uint8Array>()
      let after: string | undefined
      for (;;) {
        const page: ReadonlyArray<StoredRecord> = yield* store.scan("", after === undefined ? {} : { after })
        for (const { key, value } of page) records.set(key, value)
        if (page.length === 0) return { records }
        after = page[page.length - 1]!.key
      }
    })
  )
  return run(Effect.provide(all, opened(path, state, secret), { local: true }), signal)
}

/** The store of a file, inside its vault where it has one and the secret is there. */
const opened = (path: string, state: Inspection["state"], secret: VaultSecret | undefined) => {
  if (state === "empty" || state === "unsealed" || secret === undefined) return below(path)
  return Layer.merge(Layer.provide(Vault.layer({ create: false }), within(path, sourceOf(secret))), vaultPorts)
}

const report = async (
  state: Inspection["state"],
  copy: Contents,
  current: Contents | undefined,
  sample: number
): Promise<Found> => {
  const crypto = await loadNodeProvider()
  const survey = Drill.survey(crypto, copy.records, current?.records, { sample, choose: (below) => randomInt(below) })
  for (const { records } of current === undefined ? [copy] : [copy, current]) {
    for (const value of records.values()) value.fill(0)
  }
  return { state, ...survey }
}
