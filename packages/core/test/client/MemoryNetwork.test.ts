import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import * as Limits from "../../src/base/Limits.ts"
import { loadNodeProvider } from "../../src/crypto/Node.ts"
import { directoryContract } from "../../src/testing/DirectoryContract.ts"
import * as MemoryNetwork from "../../src/testing/MemoryNetwork.ts"
import { slotsContract, type SlotsPlace } from "../../src/testing/SlotsContract.ts"
import { transportContract } from "../../src/testing/TransportContract.ts"

const provider = await loadNodeProvider()

const makePlace = () =>
  Effect.sync((): SlotsPlace => {
    const network = MemoryNetwork.make({ crypto: provider })
    return {
      crypto: provider,
      invite: network.issue,
      layer: network.layer,
      mailboxEnvelopes: 10_000,
      maxEnvelopeBytes: Limits.maxEnvelopeBytes
    }
  })

transportContract("memory network", makePlace, { describe, it, expect })
directoryContract("memory network", makePlace, { describe, it, expect })
slotsContract("memory network", makePlace, { describe, it, expect })
