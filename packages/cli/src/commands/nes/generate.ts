/**
 * `tacit nes generate`: makes the two key pairs.
 *
 * Spec: docs/spec/15-nes.md §15.1 (rules nes.keys.2, nes.keys.3).
 */
import { generate as generateKey, privatePem, publicPem, sizes } from "@tacit/transport-mqtt/nes"
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import type { Command } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import { UsageError } from "../../UsageError.ts"
import { options, resolve } from "./Settings.ts"

/** Writes a file in one step, readable as `mode` says. */
const write = (file: string, text: string, mode: number): void => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  writeFileSync(`${file}.new`, text, { mode })
  renameSync(`${file}.new`, file)
}

export const nesGenerate: Command = {
  name: "nes generate",
  summary: "make RSA keys for the nes profile",
  about: [
    "Makes one pair that messages to you are opened with, and one that yours are signed with, and writes four files. Private ones are readable by you only. Files that are there are kept, unless --force is given.",
    "Make new keys for this profile; keys that serve elsewhere must not serve here too."
  ],
  positionals: [],
  options: [
    ...options,
    {
      name: "size",
      short: "s",
      value: "bits",
      default: String(sizes.usual),
      text: "size of the keys: 2048 to 8192, a multiple of 8"
    },
    { name: "force", text: "overwrite keys that are there" }
  ],
  examples: [
    { line: "tacit nes generate", text: "keys for your name on this machine, in ~/.nes" },
    { line: "tacit nes generate -u alice -s 4096", text: "larger keys under another name" }
  ],
  run: async (context) => {
    const { inputs, terminal } = context
    const settings = resolve(context)
    const bits = inputs.whole("size", sizes.leastNew, sizes.most) ?? sizes.usual
    if (bits % 8 !== 0) throw new UsageError("--size is a multiple of 8", "Take 2048, 3072 or 4096.")
    const files = [settings.privateMessage, settings.publicMessage, settings.privateSign, settings.publicSign]
    const there = files.find((file) => existsSync(file))
    if (there !== undefined && !inputs.flag("force")) {
      throw new UsageError(`${there} is there already`, "Nothing was written. Add --force to replace all four files.")
    }
    for (const [privateFile, publicFile] of [
      [settings.privateMessage, settings.publicMessage],
      [settings.privateSign, settings.publicSign]
    ] as const) {
      const key = await generateKey(bits)
      write(privateFile, privatePem(key), 0o600)
      write(publicFile, publicPem(key), 0o644)
    }
    if (terminal.json) terminal.record({ type: "generated", user: settings.user, bits, files })
    else for (const file of files) terminal.out(file)
    return ExitCode.ok
  }
}
