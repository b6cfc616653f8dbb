/**
 * A vault's secret out of a program: the system's key chain (`secret-tool lookup …`, `security find-generic-password -w …`), a hardware
 * key's tool, or one's own.
 *
 * Spec: docs/spec/12-vault.md §12.2, rule vault.unlock.1.
 * The program is started as it is, without a shell. What it writes to standard error goes to this process's.
 */
import { Unlock, UnlockError, UnlockSource } from "@tacit/core"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"

export interface CommandOptions {
  /** Path of the program, or a name to look for in PATH. */
  readonly program: string
  readonly args?: ReadonlyArray<string>
  /** What it writes. Without, the vault's own kind counts, and for a new vault a passphrase. */
  readonly kind?: Unlock.Kind
  /** How long it may take, in ms: a person may have to touch a key. Default 60,000. */
  readonly timeoutMs?: number
}

/** More output than any secret has. */
const mostBytes = 2_050

/** Runs the program whenever the vault asks; its standard output is the secret, its exit code 0. Interrupting ends it. */
export const command = ({ args = [], kind, program, timeoutMs = 60_000 }: CommandOptions): UnlockSource["Service"] => {
  const source = `the program ${program}`
  return UnlockSource.of({
    secret: (question) =>
      Effect.flatMap(run(program, args, timeoutMs, source), (bytes) => Unlock.parse(bytes, question, source, kind))
  })
}

const run = (
  program: string,
  args: ReadonlyArray<string>,
  timeoutMs: number,
  source: string
): Effect.Effect<Uint8Array, UnlockError> =>
  Effect.callback<Uint8Array, UnlockError>((resume) => {
    const chunks: Array<Buffer> = []
    let length = 0
    const child = spawn(program, [...args], { stdio: ["inherit", "pipe", "inherit"], timeout: timeoutMs })
    const wipe = () => {
      for (const chunk of chunks) chunk.fill(0)
    }
    const fail = () => {
      wipe()
      resume(Effect.fail(new UnlockError({ reason: "failed", source })))
    }
    child.stdout.on("data", (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      if (length > mostBytes) child.kill()
    })
    child.on("error", fail)
    child.on("close", (code) => {
      if (code !== 0 || length > mostBytes) return fail()
      const bytes = new Uint8Array(Buffer.concat(chunks))
      wipe()
      return resume(Effect.succeed(bytes))
    })
    return Effect.sync(() => {
      child.kill()
      wipe()
    })
  })
