/** The contract of stores over a vault in memory. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect, it } from "vitest"
import * as Unlock from "../../../src/client/vault/Unlock.ts"
import * as Vault from "../../../src/client/vault/Vault.ts"
import { loadNodeProvider } from "../../../src/crypto/Node.ts"
import { Crypto } from "../../../src/ports/Crypto.ts"
import { UnlockSource } from "../../../src/ports/UnlockSource.ts"
import * as EntropyLive from "../../../src/client/EntropyLive.ts"
import * as MemoryStore from "../../../src/testing/MemoryStore.ts"
import { storeContract } from "../../../src/testing/StoreContract.ts"

const crypto = await loadNodeProvider()

storeContract(
  "vault in memory",
  () => {
    const disk = MemoryStore.makeDisk()
    const layer = Layer.provide(Vault.layer(), [
      disk.layer,
      Layer.succeed(Crypto, crypto),
      Layer.orDie(EntropyLive.layer),
      Layer.succeed(UnlockSource, Unlock.key(new Uint8Array(32).fill(7)))
    ])
    return { layer, takeOver: layer, crash: Effect.sync(disk.crash) }
  },
  { describe, it, expect, timeoutMs: 60_000 }
)
