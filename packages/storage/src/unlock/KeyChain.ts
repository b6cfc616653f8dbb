/**
 * A vault under a key that the operating system's key chain keeps: nobody types anything, and whoever is logged in opens the account.
 *
 * Spec: docs/spec/12-vault.md §12.2, rules vault.unlock.1, vault.chain.1–2.
 * The key is 32 random bytes that only ever stand in the key chain and, while it is used, in memory. How well a key chain guards what it
 * keeps is the system's affair: usually every program of the logged-in user may ask for it.
 */
import { type Secret, Unlock, UnlockError, type UnlockQuestion, UnlockSource } from "@tacit/core"
import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import { ofPlatform } from "./SystemChains.ts"

/** Where a key stands in a key chain: names of 1 to 128 characters out of `A–Z a–z 0–9 . _ @ -`, the first no dash. */
export interface Entry {
  /** Whose it is: the program. */
  readonly service: string
  /** Which one: the account. */
  readonly account: string
}

/** A key chain. Secrets are printable ASCII. Each fails with `failed` when it cannot be asked, or refuses. */
export interface KeyChain {
  /** For people: which key chain. */
  readonly name: string
  /** What stands there, for the caller to overwrite; `undefined` when nothing does. */
  readonly read: (entry: Entry) => Effect.Effect<Uint8Array | undefined, UnlockError>
  /** Puts it there, in place of what stood there, and overwrites it here. */
  readonly write: (entry: Entry, secret: Uint8Array) => Effect.Effect<void, UnlockError>
  readonly remove: (entry: Entry) => Effect.Effect<void, UnlockError>
}

export interface KeyChainOptions {
  readonly account: string
  /** `tacit` when nothing is said. */
  readonly service?: string
  /** The key chain: that of the platform when nothing is said. */
  readonly chain?: KeyChain
}

const namePattern = /^[A-Za-z0-9._@][A-Za-z0-9._@-]{0,127}$/

/**
 * The source over the key chain. Asked for the secret of a new vault, it takes the key that stands there, or draws one and puts it there; it
 * reads it back before it hands it out, so that no vault is made under a key that was not kept. Asked for a changed secret, it refuses an
 * entry that exists (`failed`): the old key must not be lost before the vault is under the new one. Give the new key another `account`.
 */
export const keyChain = ({
  account,
  chain = ofPlatform(),
  service = "tacit"
}: KeyChainOptions): UnlockSource["Service"] => {
  const entry = { service, account }
  const source = `the entry ${account} of ${chain.name}`
  const fail = (reason: UnlockError["reason"], why = source) => Effect.fail(new UnlockError({ reason, source: why }))

  /** The key that stands there, if any does. */
  const read = (question: UnlockQuestion): Effect.Effect<Secret | undefined, UnlockError> =>
    Effect.flatMap(chain.read(entry), (found) =>
      found === undefined ? Effect.undefined : Unlock.parse(found, question, source, "key")
    )

  const draw = Effect.fnUntraced(function* (question: UnlockQuestion): Effect.fn.Return<Secret, UnlockError> {
    const key = new Uint8Array(randomBytes(32))
    yield* chain.write(entry, new TextEncoder().encode(Buffer.from(key).toString("hex")))
    const kept = yield* read(question)
    if (kept?.type === "key" && Buffer.compare(kept.key, key) === 0) return kept
    return yield* fail("failed", `${source}, which did not keep the new key,`)
  })

  const secret = (question: UnlockQuestion): Effect.Effect<Secret, UnlockError> =>
    Effect.gen(function* () {
      if (!namePattern.test(service) || !namePattern.test(account)) {
        return yield* fail("invalid", "a name in the key chain, 1 to 128 of A–Z a–z 0–9 . _ @ -,")
      }
      const found = yield* read(question)
      if (question.purpose === "change" && found !== undefined) {
        Unlock.wipe(found)
        return yield* fail("failed", `${source}, which exists already (give the new key another name),`)
      }
      if (found !== undefined) return found
      return question.purpose === "open" ? yield* fail("none") : yield* draw(question)
    })
  return UnlockSource.of({ secret })
}
