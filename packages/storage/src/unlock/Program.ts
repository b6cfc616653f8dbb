/**
 * Running a program that takes or gives a secret over its standard streams.
 *
 * Spec: docs/spec/12-vault.md §12.2, rule vault.unlock.1.
 * The program is started as it is, without a shell: no word of a call is read as anything but a word. Secrets travel over pipes and never
 * stand on a command line.
 */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"

export interface Call {
  /** Path of the program, or a name to look for in PATH. */
  readonly program: string
  readonly args: ReadonlyArray<string>
  /** How long it may take, in ms. */
  readonly timeoutMs: number
  /** What it reads from its standard input; without, the input of this process is handed on. Overwritten when it was handed over. */
  readonly input?: Uint8Array
  /** Keeps what it says to standard error, instead of handing it on. */
  readonly complaints?: boolean
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>
}

/** How it ended: exit code (`null` when it was killed or never ran), output, and whether it complained. */
export interface Answer {
  readonly code: number | null
  readonly output: Uint8Array
  readonly complained: boolean
}

/** More output than any secret has. A program that writes more is ended, and its code is `null`. */
const mostBytes = 2_050

const never: Answer = { code: null, output: new Uint8Array(0), complained: false }

/** Runs the program. Never fails: what cannot be started or took too long answers with the code `null`. Interrupting ends it. */
export const run = ({ args, complaints = false, env, input, program, timeoutMs }: Call): Effect.Effect<Answer> =>
  Effect.callback<Answer>((resume) => {
    const chunks: Array<Buffer> = []
    let length = 0
    let complained = false
    const child = spawn(program, [...args], {
      stdio: [input === undefined ? "inherit" : "pipe", "pipe", complaints ? "pipe" : "inherit"],
      timeout: timeoutMs,
      ...(env === undefined ? {} : { env: { ...process.env, ...env } })
    })
    const wipe = () => {
      for (const chunk of chunks) chunk.fill(0)
      input?.fill(0)
    }
    child.stdout?.on("data", (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      if (length > mostBytes) child.kill()
    })
    child.stderr?.on("data", () => {
      complained = true
    })
    // A program that ends before it has read everything is judged by its code.
    child.stdin?.on("error", () => undefined)
    if (input !== undefined) child.stdin?.end(input)
    child.on("error", () => {
      wipe()
      resume(Effect.succeed(never))
    })
    child.on("close", (code) => {
      const whole = length <= mostBytes
      const output = whole ? new Uint8Array(Buffer.concat(chunks)) : never.output
      wipe()
      resume(Effect.succeed({ code: whole ? code : null, output, complained }))
    })
    return Effect.sync(() => {
      child.kill()
      wipe()
    })
  })
