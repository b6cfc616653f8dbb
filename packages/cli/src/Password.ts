/**
 * How a one-time password comes in: file, environment, or typed without echo. Never as an option's value, because other
 * users of a machine can read command lines.
 */
import { readFileSync } from "node:fs"
import type { Context } from "./Command.ts"
import { UsageError } from "./UsageError.ts"

/** The options that say where the password is. */
export const options = [
  {
    name: "password-file",
    value: "file",
    env: "TACIT_PASSWORD_FILE",
    text: "read the one-time password from this file; - is standard input"
  }
] as const

/** The password, without surrounding blanks. Asks when there is a terminal and neither file nor environment says it. */
export const obtain = async (context: Context): Promise<string> => {
  const given = await find(context)
  if (given === undefined) {
    throw new UsageError(
      "the one-time password is missing",
      "Give --password-file, set TACIT_PASSWORD, or run this in a terminal to be asked. `tacit relay invite <user>` makes one."
    )
  }
  if (given === "") throw new UsageError("the one-time password is empty", "Paste the one you were given.")
  return given
}

const find = async ({ inputs, env, terminal, signal }: Context): Promise<string | undefined> => {
  const file = inputs.text("password-file")
  if (file !== undefined) {
    try {
      return readFileSync(file === "-" ? 0 : file, "utf8").trim()
    } catch {
      throw new UsageError(`the password file ${file} cannot be read`, "Check the name and the permissions.")
    }
  }
  const variable = env.TACIT_PASSWORD
  if (variable !== undefined && variable !== "") return variable.trim()
  return terminal.stdin.isTTY === true ? ask(terminal, "One-time password: ", signal) : undefined
}

interface RawInput {
  readonly setRawMode?: (raw: boolean) => unknown
}

/** Asks on the terminal and does not show what is typed. */
export const ask = (terminal: Context["terminal"], prompt: string, signal: AbortSignal): Promise<string> =>
  new Promise((resolve, reject) => {
    const input = terminal.stdin
    const raw = input as RawInput
    let typed = ""
    const finish = (end: () => void) => {
      raw.setRawMode?.(false)
      input.off("data", onData)
      signal.removeEventListener("abort", onAbort)
      input.pause()
      terminal.stderr.write("\n")
      end()
    }
    const interrupted = () => finish(() => reject(new DOMException("interrupted", "AbortError")))
    const onAbort = () => interrupted()
    const onData = (chunk: Buffer | string) => {
      for (const character of chunk.toString()) {
        if (character === "\r" || character === "\n") return finish(() => resolve(typed.trim()))
        if (character === "\u0003" || character === "\u0004") return interrupted()
        if (character === "\u007f" || character === "\b") typed = typed.slice(0, -1)
        else if (character >= " ") typed += character
      }
      return undefined
    }
    // In this order: what is typed at the prompt must not be shown, however soon it comes.
    raw.setRawMode?.(true)
    terminal.stderr.write(prompt)
    signal.addEventListener("abort", onAbort)
    input.on("data", onData)
    input.resume()
  })
