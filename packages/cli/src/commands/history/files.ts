/**
 * `tacit history export` and `tacit history import`: archives in files, sealed under a key of their own.
 *
 * Spec: docs/spec/23-history.md §23.5.
 */
import { createReadStream, createWriteStream, existsSync, renameSync, rmSync, statSync } from "node:fs"
import { pipeline } from "node:stream/promises"
import { accountOptions } from "../../Account.ts"
import type { Command } from "../../Command.ts"
import { grouped, messageCount } from "../../Display.ts"
import { ExitCode } from "../../ExitCode.ts"
import * as Progress from "../../Progress.ts"
import { UsageError } from "../../UsageError.ts"
import * as ArchiveKey from "./archiveKey.ts"
import { openHistory } from "./open.ts"
import { rangeOf, rangeOptions } from "./range.ts"
import { size } from "./watch.ts"

export const exportFile: Command = {
  name: "history export",
  summary: "write what was said into a sealed file",
  about: [
    "Writes an archive of the history, or of a part of it, under a fresh key, which is shown once on the terminal or written into a file of its own. Keep the two apart: whoever has both reads everything, for ever, and without the key nobody does.",
    "The file is complete or not there at all. Devices of this account take it with `tacit history import`; for any other account it is refused."
  ],
  positionals: [{ name: "file", text: "the file to write; it must not be there yet" }],
  options: [...accountOptions, ...rangeOptions, ArchiveKey.newKeyOption],
  examples: [
    { line: "tacit history export backup.tacit", text: "everything; the key is shown once" },
    { line: "tacit history export bob.tacit --conversation bob --since 2026-01-01", text: "a part" },
    { line: "tacit history export nightly.tacit --key-file /media/key --json", text: "in a script" }
  ],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    const file = inputs.positional("file")
    const keyFile = inputs.text("key-file")
    if (existsSync(file)) throw new UsageError(`${file} is there already`, "Choose another name.")
    if (keyFile === undefined && (terminal.json || terminal.stdout.isTTY !== true)) {
      throw new UsageError(
        "there is no terminal to show the key on",
        "Give --key-file: a key in the output of a program would end up in a log."
      )
    }
    await using client = await openHistory(context)
    const range = await rangeOf(context, client)
    const key = ArchiveKey.draw()
    if (keyFile !== undefined) ArchiveKey.write(keyFile, key)
    const part = `${file}.part`
    const line = Progress.make(terminal)
    let bytes = 0
    const counted = async function* () {
      for await (const piece of client.history.export(key, range, { signal })) {
        bytes += piece.length
        line.show(`Written ${size(bytes)}`)
        yield piece
      }
    }
    try {
      await pipeline(counted, createWriteStream(part, { mode: 0o600 }))
      renameSync(part, file)
    } catch (error) {
      rmSync(part, { force: true })
      if (keyFile !== undefined) rmSync(keyFile, { force: true })
      throw isOfSystem(error) ? new UsageError(`${file} cannot be written`, "Check the folder and the disk.") : error
    } finally {
      line.clear()
    }
    if (terminal.json) terminal.record({ type: "exported", file, bytes, keyFile: keyFile ?? null })
    else {
      terminal.out(`Written ${file} (${size(bytes)}).`)
      if (keyFile !== undefined) terminal.out(`Its key is in ${keyFile}. Keep the two apart.`)
      else {
        terminal.out(`Key: ${terminal.paint("bold", ArchiveKey.format(key))}`)
        terminal.out("It is shown this once. Whoever has file and key reads everything; without it nobody does.")
      }
    }
    key.fill(0)
    return ExitCode.ok
  }
}

const isOfSystem = (error: unknown): boolean => error instanceof Error && "syscall" in error

export const importFile: Command = {
  name: "history import",
  summary: "take what was said out of a sealed file",
  about: [
    "Takes the messages of an archive of this account that this device does not have. The key is read from a file, from TACIT_ARCHIVE_KEY, or asked for; it is never an option's value.",
    "Each piece is stored before the next one is looked at. A file that was changed or cut is refused from there on; what stood before the damage is taken, and so it is when the command is interrupted: run it again, nothing is doubled."
  ],
  positionals: [{ name: "file", text: "an archive, as `tacit history export` writes it" }],
  options: [...accountOptions, ArchiveKey.keyOption],
  examples: [
    { line: "tacit history import backup.tacit", text: "asks for the key" },
    { line: "tacit history import backup.tacit --key-file /media/key", text: "without questions" }
  ],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    const file = inputs.positional("file")
    const total = sizeOf(file)
    const client = await openHistory(context)
    await using _ = client
    const key = await ArchiveKey.obtain(context)
    const before = (await client.history.status({ signal })).entries
    const line = Progress.make(terminal)
    let entries = 0
    try {
      for await (const progress of client.history.import(key, reading(file), { signal })) {
        entries = progress.entries
        line.show(`Read ${messageCount(entries)}, ${Math.floor((100 * progress.bytes) / Math.max(1, total))} %`)
      }
    } finally {
      line.clear()
      key.fill(0)
    }
    const added = (await client.history.status({ signal })).entries - before
    if (terminal.json) terminal.record({ type: "imported", file, entries, added })
    else terminal.out(`Read ${messageCount(entries)}; ${grouped(added)} of them this device did not have.`)
    return ExitCode.ok
  }
}

const unreadable = (file: string): UsageError =>
  new UsageError(`${file} cannot be read`, "Give the path of an archive.")

const sizeOf = (file: string): number => {
  try {
    return statSync(file).size
  } catch {
    throw unreadable(file)
  }
}

async function* reading(file: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of createReadStream(file)) yield new Uint8Array(piece as Buffer)
  } catch (error) {
    throw isOfSystem(error) ? unreadable(file) : error
  }
}
