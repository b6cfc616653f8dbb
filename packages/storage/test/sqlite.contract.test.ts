import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Crypto, Entropy, StoreCustody } from "@tacit/core"
import { nobleProvider } from "@tacit/core/crypto/noble"
import { custodyContract, storeContract } from "@tacit/core/testing"
import * as Sqlite from "@tacit/storage/sqlite"
import * as Layer from "effect/Layer"
import { afterAll, describe, expect, it } from "vitest"

const folder = mkdtempSync(join(tmpdir(), "tacit-store-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let places = 0
const freshPath = (): string => join(folder, `${places++}`, "store")

storeContract(
  "sqlite",
  () => {
    const path = freshPath()
    return { layer: Sqlite.layer({ path }), takeOver: Sqlite.layer({ path, takeOver: true }) }
  },
  { describe, it, expect }
)

const entropy = Entropy.of({ bytes: (_, length) => new Uint8Array(randomBytes(length)) })

custodyContract(
  "sqlite",
  () => ({
    layer: StoreCustody.layer.pipe(
      Layer.provide([
        Sqlite.layer({ path: freshPath() }),
        Layer.succeed(Crypto, nobleProvider),
        Layer.succeed(Entropy, entropy)
      ])
    )
  }),
  { describe, it, expect, crypto: nobleProvider }
)
