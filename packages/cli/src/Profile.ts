/**
 * Where an account lives on this machine: one directory per profile with its store and its settings.
 *
 * `<data>/<profile>/client.db` is the store, `<data>/<profile>/profile.json` says which relay and user it belongs to.
 * Holds no secret itself; the directory is readable by its owner only.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import type { Inputs } from "./Arguments.ts"
import { UsageError } from "./UsageError.ts"

export interface Profile {
  readonly name: string
  readonly directory: string
  /** The SQLite file of the client's store. */
  readonly store: string
  readonly relay: string | undefined
  readonly user: string | undefined
  /** How the history is kept, where it is. */
  readonly history: Keeping | undefined
  /** Where files are kept, for a relay behind a broker. */
  readonly files: string | undefined
}

/** How a history is kept: for ever, or for so many days. */
export interface Keeping {
  readonly days?: number
}

/** Where profiles are kept unless `--data` or TACIT_DATA says otherwise: `$XDG_DATA_HOME/tacit`, or `~/.local/share/tacit`. */
export const defaultData = (env: Readonly<Record<string, string | undefined>>): string => {
  const base = env.XDG_DATA_HOME
  return join(base !== undefined && base.startsWith("/") ? base : join(homedir(), ".local", "share"), "tacit")
}

/** The profile named by the inputs. It need not exist yet. */
export const locate = (inputs: Inputs, env: Readonly<Record<string, string | undefined>>): Profile => {
  const name = inputs.required("profile")
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    throw new UsageError(
      "a profile name is made of letters, digits, dots, dashes and underscores",
      "Choose another --profile."
    )
  }
  const directory = join(inputs.text("data") ?? defaultData(env), name)
  const stored = readSettings(join(directory, "profile.json"))
  return { name, directory, store: join(directory, "client.db"), ...stored }
}

/** Whether the profile holds an account that was registered: its settings are written after that. */
export const isRegistered = (profile: Profile): boolean => profile.user !== undefined && existsSync(profile.store)

/** Makes the directory (mode 0700), if it is not there. */
export const create = (profile: Profile): void => {
  mkdirSync(profile.directory, { recursive: true, mode: 0o700 })
}

/** What a profile remembers. `history` and `files` stand as they were where nothing is said, and `"off"` ends the former. */
export interface Settings {
  readonly relay: string
  readonly user: string
  readonly history?: Keeping | "off"
  readonly files?: string
}

/** Remembers settings for later commands. Replaces the file in one step. */
export const remember = (
  profile: Profile,
  { files = profile.files, history = profile.history, relay, user }: Settings
): void => {
  create(profile)
  const file = join(profile.directory, "profile.json")
  const kept = {
    ...(history === undefined || history === "off" ? {} : { history: { ...history } }),
    ...(files === undefined ? {} : { files })
  }
  writeFileSync(`${file}.new`, `${JSON.stringify({ version: 1, relay, user, ...kept }, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

type Remembered = Pick<Profile, "relay" | "user" | "history" | "files">

const nothing: Remembered = { relay: undefined, user: undefined, history: undefined, files: undefined }

const readSettings = (file: string): Remembered => {
  if (!existsSync(file)) return nothing
  const bad = () => new UsageError(`${file} cannot be read`, "Mend or delete it, and give --relay and --user again.")
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(file, "utf8"))
  } catch {
    throw bad()
  }
  if (typeof parsed !== "object" || parsed === null) throw bad()
  const { files, history, relay, user } = parsed as { readonly [name: string]: unknown }
  if (typeof relay !== "string" || typeof user !== "string") throw bad()
  if (files !== undefined && typeof files !== "string") throw bad()
  const kept = keepingOf(history)
  if (kept === "bad") throw bad()
  return { relay, user, history: kept, files }
}

const keepingOf = (history: unknown): Keeping | undefined | "bad" => {
  if (history === undefined) return undefined
  if (typeof history !== "object" || history === null) return "bad"
  const { days } = history as { readonly days?: unknown }
  if (days === undefined) return {}
  return typeof days === "number" && Number.isSafeInteger(days) && days >= 1 ? { days } : "bad"
}
