/**
 * A vault's secret out of a program: a hardware key's tool, a password manager's, or one's own. For the key chain of the system, which also
 * takes a new key in, see KeyChain.ts.
 *
 * Spec: docs/spec/12-vault.md §12.2, rule vault.unlock.1.
 * The program is started as it is, without a shell. What it writes to standard error goes to this process's.
 */
import { Unlock, UnlockError, UnlockSource } from "@tacit/core"
import * as Effect from "effect/Effect"
import * as Program from "./Program.ts"

export interface CommandOptions {
  /** Path of the program, or a name to look for in PATH. */
  readonly program: string
  readonly args?: ReadonlyArray<string>
  /** What it writes. Without, the vault's own kind counts, and for a new vault a passphrase. */
  readonly kind?: Unlock.Kind
  /** How long it may take, in ms: a person may have to touch a key. Default 60,000. */
  readonly timeoutMs?: number
}

/** Runs the program whenever the vault asks; its standard output is the secret, its exit code 0. Interrupting ends it. */
export const command = ({ args = [], kind, program, timeoutMs = 60_000 }: CommandOptions): UnlockSource["Service"] => {
  const source = `the program ${program}`
  return UnlockSource.of({
    secret: (question) =>
      Effect.flatMap(Program.run({ program, args, timeoutMs }), ({ code, output }) =>
        code === 0
          ? Unlock.parse(output, question, source, kind)
          : Effect.fail(new UnlockError({ reason: "failed", source }))
      )
  })
}
