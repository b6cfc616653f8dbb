/** The contracts of stores and custodies over a vault on SQLite. */
import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Crypto, Entropy, type Store, StoreCustody, type StoreError, Unlock, UnlockSource, Vault } from "@tacit/core"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { custodyContract, storeContract } from "@tacit/core/testing"
import * as Sqlite from "@tacit/storage/sqlite"
import * as Layer from "effect/Layer"
import { afterAll, describe, expect, it } from "vitest"

const folder = mkdtempSync(join(tmpdir(), "tacit-vault-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let places = 0
const freshPath = (): string => join(folder, `${places++}`, "store")
const crypto = await loadNodeProvider()
const entropy = Entropy.of({ bytes: (_, length) => new Uint8Array(randomBytes(length)) })
const base = [Layer.succeed(Crypto, crypto), Layer.succeed(Entropy, entropy)] as const

const over = (store: Layer.Layer<Store, StoreError>): Layer.Layer<Store, StoreError> =>
  Layer.provide(Vault.layer(), [store, ...base, Layer.succeed(UnlockSource, Unlock.key(new Uint8Array(32).fill(7)))])

storeContract(
  "vault over sqlite",
  () => {
    const path = freshPath()
    return { layer: over(Sqlite.layer({ path })), takeOver: over(Sqlite.layer({ path, takeOver: true })) }
  },
  { describe, it, expect, timeoutMs: 60_000 }
)

custodyContract(
  "vault over sqlite",
  () => ({
    layer: Layer.provide(StoreCustody.layer, Layer.mergeAll(over(Sqlite.layer({ path: freshPath() })), ...base))
  }),
  { describe, it, expect, crypto }
)
