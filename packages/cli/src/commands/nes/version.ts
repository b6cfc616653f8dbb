/**
 * `tacit nes version`.
 *
 * Spec: docs/spec/15-nes.md.
 */
import type { Command } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import { version } from "../../Version.ts"
import { warn } from "./Notice.ts"

export const nesVersion: Command = {
  name: "nes version",
  summary: "print the version, and what is known to be weak in the nes profile",
  about: ["The weaknesses are those of the older protocol; they are shown whenever the profile is used."],
  positionals: [],
  options: [],
  examples: [{ line: "tacit nes version --json", text: "version and weaknesses as objects" }],
  run: ({ terminal }) => {
    if (terminal.json) terminal.record({ tacit: version, profile: "nes" })
    else terminal.out(`tacit ${version}, profile nes`)
    warn(terminal)
    return Promise.resolve(ExitCode.ok)
  }
}
