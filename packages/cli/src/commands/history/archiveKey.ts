/**
 * Keys of archive files: how they are written down, and how they come in again. Never as an option's value, because other users of a
 * machine can read command lines.
 *
 * Spec: docs/spec/23-history.md rule history.archive.2.
 */
import { randomBytes } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import type { Context, Option } from "../../Command.ts"
import { ask } from "../../Password.ts"
import { UsageError } from "../../UsageError.ts"

/** Bytes of a key. */
const length = 32

export const newKeyOption: Option = {
  name: "key-file",
  value: "file",
  text: "write the key into this new file; needed where there is no terminal to show it on"
}

export const keyOption: Option = {
  name: "key-file",
  value: "file",
  env: "TACIT_ARCHIVE_KEY_FILE",
  text: "read the key from this file; - is standard input"
}

/** A fresh key, 32 bytes. */
export const draw = (): Uint8Array => new Uint8Array(randomBytes(length))

/** A key as people copy it: sixteen groups of four hexadecimal digits. */
export const format = (key: Uint8Array): string =>
  Buffer.from(key)
    .toString("hex")
    .replace(/(.{4})(?!$)/g, "$1-")

/** The key that a text holds; blanks and hyphens do not count. */
export const parse = (text: string): Uint8Array => {
  const digits = text.replace(/[\s-]/g, "")
  if (/^[0-9a-f]{64}$/i.test(digits)) return new Uint8Array(Buffer.from(digits, "hex"))
  throw new UsageError("that is no key of an archive", "It has 64 hexadecimal digits, in groups of four.")
}

/** Writes a key into a file that must not be there yet. */
export const write = (file: string, key: Uint8Array): void => {
  try {
    writeFileSync(file, `${format(key)}\n`, { mode: 0o600, flag: "wx" })
  } catch {
    throw new UsageError(
      `the key file ${file} cannot be made`,
      "Choose a name that is not taken, in a folder that is there."
    )
  }
}

/** The key of an archive: from a file, the environment, or typed without echo. */
export const obtain = async ({ env, inputs, signal, terminal }: Context): Promise<Uint8Array> => {
  const file = inputs.text("key-file")
  if (file !== undefined) {
    let text: string
    try {
      text = readFileSync(file === "-" ? 0 : file, "utf8")
    } catch {
      throw new UsageError(`the key file ${file} cannot be read`, "Check the name and the permissions.")
    }
    return parse(text)
  }
  const variable = env["TACIT_ARCHIVE_KEY"]
  if (variable !== undefined && variable !== "") return parse(variable)
  if (terminal.stdin.isTTY === true) return parse(await ask(terminal, "Key of the archive: ", signal))
  throw new UsageError(
    "the key of the archive is missing",
    "Give --key-file, set TACIT_ARCHIVE_KEY, or run this in a terminal to be asked."
  )
}
