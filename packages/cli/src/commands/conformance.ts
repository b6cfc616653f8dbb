/**
 * `tacit conformance`: the conformance runner behind this command.
 *
 * Spec: docs/spec/21-conformance.md.
 * Its words, options, help and exit codes are those of `tacit-conformance`.
 */
import type { Command } from "../Command.ts"

export const conformance: Command = {
  name: "conformance",
  summary: "judge an implementation of the protocol",
  about: [
    "The same as `tacit-conformance`, whose commands follow: run, smoke, replay, verify, explain and more. `tacit conformance help` lists them; exit codes are those of `tacit conformance help run`."
  ],
  positionals: [{ name: "command", text: "a command of tacit-conformance, and what it takes", many: true }],
  options: [],
  examples: [
    { line: "tacit conformance run --in-process reference", text: "judge this software itself" },
    { line: 'tacit conformance smoke --subject "./adapter"', text: "is an adapter understood?" }
  ],
  run: () => Promise.reject(new Error("the command reads its words itself")),
  takes: async (words, { err, out, stderr }, signal) => {
    const { command } = await import("@tacit/conformance")
    const progress = (text: string): void => void stderr.write(`\r\u001b[K${text}`)
    return command(words, { out, err, signal, ...(stderr.isTTY === true ? { progress } : {}) })
  }
}
