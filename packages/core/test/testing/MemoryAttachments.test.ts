import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { loadNodeProvider } from "../../src/crypto/Node.ts"
import { attachmentStoreContract } from "../../src/testing/AttachmentStoreContract.ts"
import * as MemoryAttachments from "../../src/testing/MemoryAttachments.ts"

const crypto = await loadNodeProvider()
const sizes = { maxBytes: 300_000, totalBytes: 1_000_000 }

attachmentStoreContract(
  "memory",
  () => Effect.sync(() => ({ crypto, store: MemoryAttachments.make({ crypto, ...sizes }).service, ...sizes })),
  { describe, it, expect }
)
