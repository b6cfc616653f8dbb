/**
 * Sealing a store that holds records in the clear, and the way back: record by record, each in one commit, so that a process that dies
 * anywhere loses nothing and goes on where it was.
 *
 * Spec: docs/spec/12-vault.md §12.8.
 * Removing a record from a store does not overwrite a drive: what was written in the clear before may remain there.
 */
import * as Effect from "effect/Effect"
import type { StoredRecord, Write } from "../../ports/Store.ts"
import * as Rules from "../../ports/StoreRules.ts"
import * as VaultHeader from "../../vault/VaultHeader.ts"
import { headerKey, reservedPrefix } from "./Contents.ts"
import type { OpenHeader, Ports } from "./Opening.ts"
import { unusable } from "./VaultUnusable.ts"
import type { VaultStore } from "./VaultStore.ts"

/** Records read at a time, and bytes moved in one commit. */
const pageSize = 64
const batchBytes = 2 * 1024 * 1024

/** The greatest key a vault can have: scans go on behind it. */
const lastReserved = reservedPrefix + "~".repeat(Rules.maxKeyLength - reservedPrefix.length)

/** Replaces the header by one of another state, one generation on. Needs the header opened with its secret. */
export const setState = (
  { crypto }: Ports,
  vault: VaultStore,
  { deviceKey, header, revision, stretched }: OpenHeader,
  state: VaultHeader.State
) => {
  const contents = { ...header, state, generation: header.generation + 1 }
  const value = VaultHeader.make(crypto, contents, stretched, deviceKey)
  return vault.commit([], (plan) => {
    plan.addBelow([{ op: "put", key: headerKey, value, expected: revision }])
    plan.raiseGeneration()
  })
}

/** Seals what is left in the clear, then says in the header that all is sealed. The vault is open. */
export const sealRest = Effect.fnUntraced(function* (ports: Ports, vault: VaultStore, header: OpenHeader) {
  const { below } = ports
  let after: string | undefined
  for (;;) {
    const page: ReadonlyArray<StoredRecord> = yield* below.scan(
      "",
      after === undefined ? { limit: pageSize } : { after, limit: pageSize }
    )
    const plain = page.filter(({ key }) => !key.startsWith(reservedPrefix))
    for (const batch of batches(plain)) {
      yield* vault.commit(
        batch.map(({ key, value }): Write => ({ op: "put", key, value, expected: "absent" })),
        (plan) => plan.addBelow(batch.map(({ key, revision }): Write => ({ op: "delete", key, expected: revision })))
      )
      for (const { value } of batch) value.fill(0)
    }
    if (page.length < pageSize) break
    const last = page[page.length - 1]!.key
    after = last.startsWith(reservedPrefix) ? lastReserved : last
  }
  yield* setState(ports, vault, header, VaultHeader.states.sealed)
})

/** Writes everything in the clear, and removes the vault with the last commit. The vault is open. */
export const unsealAll = Effect.fnUntraced(function* (ports: Ports, vault: VaultStore, header: OpenHeader) {
  const names = vault.contents()?.names.slice()
  if (names === undefined) return yield* unusable("open", "locked")
  // In the clear such a name would be taken for a part of a vault.
  if (names.some((name) => name.startsWith(reservedPrefix))) {
    return yield* Effect.die(new Rules.Misuse("a record whose key begins with vault/ cannot be unsealed"))
  }
  let revision = header.revision
  if (header.header.state !== VaultHeader.states.unsealing) {
    yield* setState(ports, vault, header, VaultHeader.states.unsealing)
    revision = (yield* ports.below.get(headerKey))!.revision
  }
  for (let at = 0; at < names.length; at += pageSize) {
    const records: Array<StoredRecord> = []
    for (const name of names.slice(at, at + pageSize)) records.push((yield* vault.store.get(name))!)
    for (const batch of batches(records)) {
      yield* vault.commit(
        batch.map(({ key, revision }): Write => ({ op: "delete", key, expected: revision })),
        (plan) => plan.addBelow(batch.map(({ key, value }): Write => ({ op: "put", key, value, expected: "absent" })))
      )
      for (const { value } of batch) value.fill(0)
    }
  }
  yield* vault.commit([], (plan) => {
    plan.addBelow([{ op: "delete", key: headerKey, expected: revision }])
    plan.end()
  })
})

/** Records in groups of about {@link batchBytes}. */
function* batches(records: ReadonlyArray<StoredRecord>): Generator<ReadonlyArray<StoredRecord>> {
  let batch: Array<StoredRecord> = []
  let size = 0
  for (const record of records) {
    batch.push(record)
    size += record.value.length
    if (size < batchBytes) continue
    yield batch
    batch = []
    size = 0
  }
  if (batch.length > 0) yield batch
}
