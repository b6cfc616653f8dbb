/**
 * `tacit nes config`: shows the settings in force, or stores them.
 *
 * Spec: docs/spec/15-nes.md §15.8 (rules nes.settings.1, nes.settings.2).
 */
import { mkdirSync, renameSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import type { Command } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import { UsageError } from "../../UsageError.ts"
import { options, resolve, rows } from "./Settings.ts"

export const nesConfig: Command = {
  name: "nes config",
  summary: "show or store settings of the nes profile",
  about: [
    "Settings come from options, then from the environment, then from the configuration file, then from defaults. --show prints those in force; --store writes them into the configuration file. Names of files, no keys, are stored."
  ],
  positionals: [],
  options: [
    ...options,
    { name: "show", short: "s", text: "print the settings in force" },
    { name: "store", short: "S", text: "write them into the configuration file" }
  ],
  examples: [
    { line: "tacit nes config -s", text: "what is in force" },
    { line: "tacit nes config -u alice -b tcp://localhost:1883 -S", text: "keep a name and a broker for later" }
  ],
  run: (context) => {
    const { inputs, terminal } = context
    if (!inputs.flag("show") && !inputs.flag("store")) {
      throw new UsageError("nothing was asked for", "Give --show, --store, or both.")
    }
    const settings = resolve(context)
    const values = rows(settings)
    if (inputs.flag("show")) {
      if (terminal.json) terminal.record({ type: "settings", ...Object.fromEntries(values) })
      else for (const [name, value] of values) terminal.out(`${name} = ${value}`)
    }
    if (inputs.flag("store")) {
      const file = settings.configFile
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      writeFileSync(`${file}.new`, values.map(([name, value]) => `${name} = ${value}\n`).join(""), { mode: 0o600 })
      renameSync(`${file}.new`, file)
      if (terminal.json) terminal.record({ type: "stored", file })
      else terminal.out(`Stored in ${file}.`)
    }
    return Promise.resolve(ExitCode.ok)
  }
}
