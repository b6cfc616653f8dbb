/**
 * Questions to whoever runs a command: a person at a terminal, or a program that writes lines to standard input.
 *
 * Prompts go to standard error, so that what a program reads stays on standard output.
 */
import type { Context } from "./Command.ts"
import { ask } from "./Password.ts"
import { UsageError } from "./UsageError.ts"

export interface Questions {
  /** One line, without surrounding blanks. What is typed at a terminal is not shown when `hidden`. */
  readonly line: (prompt: string, options?: { readonly hidden?: boolean }) => Promise<string>
  /** `yes` or `y`, in any case; everything else is no. */
  readonly yes: (prompt: string) => Promise<boolean>
  readonly close: () => void
}

/** Fails with `UsageError` at a question to which standard input has no answer left. */
export const make = ({ signal: outer, terminal }: Context): Questions => {
  const { stdin } = terminal
  const closing = new AbortController()
  // What is asked when nobody needs the answer any more must not hold the terminal.
  const signal = AbortSignal.any([outer, closing.signal])
  const isTerminal = stdin.isTTY === true
  const lines: Array<string> = []
  let rest = ""
  let ended = false
  let wake: () => void = () => undefined

  const onData = (chunk: Buffer | string): void => {
    const parts = (rest + chunk.toString()).split(/\r\n|\r|\n/)
    rest = parts.pop() ?? ""
    lines.push(...parts)
    wake()
  }
  const onEnd = (): void => {
    ended = true
    if (rest !== "") lines.push(rest)
    rest = ""
    wake()
  }
  const stop = (): void => {
    stdin.off("data", onData)
    stdin.off("end", onEnd)
    stdin.pause()
  }
  let listening = false

  const next = async (): Promise<string> => {
    if (!listening) {
      listening = true
      stdin.on("data", onData)
      stdin.on("end", onEnd)
    }
    stdin.resume()
    for (;;) {
      signal.throwIfAborted()
      const line = lines.shift()
      if (line !== undefined) return line.trim()
      if (ended || stdin.readableEnded) {
        throw new UsageError(
          "standard input has no answer left",
          "Run this in a terminal, or write one line per question."
        )
      }
      await new Promise<void>((resolve) => {
        wake = resolve
        signal.addEventListener("abort", () => resolve(), { once: true })
      })
    }
  }

  const line: Questions["line"] = async (prompt, { hidden = false } = {}) => {
    if (isTerminal && hidden) return ask(terminal, prompt, signal)
    terminal.stderr.write(prompt)
    const answer = await next()
    if (!isTerminal) terminal.stderr.write("\n")
    return answer
  }
  return {
    line,
    yes: async (prompt) => /^y(?:es)?$/i.test(await line(prompt)),
    close: () => {
      closing.abort(new DOMException("the question is over", "AbortError"))
      if (listening) stop()
    }
  }
}
