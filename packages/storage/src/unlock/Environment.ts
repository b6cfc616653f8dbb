/**
 * A vault's secret out of an environment variable, as service managers and container platforms hand it in.
 *
 * Spec: docs/spec/12-vault.md §12.2, rule vault.unlock.1.
 * A process cannot take back its environment: others of the same user may read it while the process runs. Prefer a file or a key chain.
 */
import { Unlock, UnlockError, UnlockSource } from "@tacit/core"
import * as Effect from "effect/Effect"

export interface EnvironmentOptions {
  /** Name of the variable. */
  readonly variable: string
  /** What it holds. Without, the vault's own kind counts, and for a new vault a passphrase. */
  readonly kind?: Unlock.Kind
  /** Where to look: `process.env` when nothing is said. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Reads the variable whenever the vault asks. One that is empty counts as not set. */
export const environment = ({ env = process.env, kind, variable }: EnvironmentOptions): UnlockSource["Service"] =>
  UnlockSource.of({
    secret: (question) =>
      Effect.suspend(() => {
        const text = env[variable]
        return text === undefined || text === ""
          ? Effect.fail(new UnlockError({ reason: "none", source: variable }))
          : Unlock.parse(new TextEncoder().encode(text), question, variable, kind)
      })
  })
