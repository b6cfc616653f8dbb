/**
 * The subject that a command line names.
 */
import { createHash, randomBytes } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { greetHandler, inProcessSource, loadHandler, moduleUrl, reference } from "../subject/InProcess.ts"
import { processSource } from "../subject/Process.ts"
import type { Source, Subject } from "../subject/Subject.ts"
import { Timeouts } from "../subject/Timeouts.ts"
import { workerSource } from "../subject/WorkerThread.ts"
import { load, NoSuite, packaged, type Suite } from "../suite/Suite.ts"
import type { Inputs } from "./Arguments.ts"
import { UsageError, type Option } from "./Command.ts"

/** Options of every command that talks to a subject. */
export const subjectOptions: ReadonlyArray<Option> = [
  { name: "subject", value: "command", text: "a program that speaks the subject protocol over its standard streams" },
  { name: "in-process", value: "module", text: "a module that exports create or handle; `reference` for this SDK" },
  { name: "worker", value: "module", text: "the same, in a worker that can be ended" },
  {
    name: "timeout",
    value: "ms",
    default: "5000",
    text: "how long a cheap answer may take; slow ones have six times as much"
  },
  { name: "seed", value: "hex", text: "64 bytes that coins are drawn from; other text is hashed (default: random)" }
]

export const vectorsOption: Option = {
  name: "vectors",
  value: "folder",
  text: "folder of the vectors (default: those of @tacit/vectors)"
}

export interface Chosen {
  readonly source: Source
  readonly timeouts: Timeouts
  readonly seed: string
  /** How the subject is named on a command line, to be repeated. */
  readonly words: string
}

const quoted = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

/** 64 bytes as hex. */
export const seedOf = (text: string | undefined): string => {
  if (text === undefined) return randomBytes(64).toString("hex")
  return /^[0-9a-f]{128}$/.test(text) ? text : createHash("sha512").update(text).digest("hex")
}

/** The subject of a call; with `fallback` one need not be named. Throws `UsageError`. */
export const chooseSubject = (inputs: Inputs, fallback?: string): Chosen => {
  const timeouts = new Timeouts(inputs.whole("timeout", 1, 3_600_000))
  const seed = seedOf(inputs.text("seed"))
  const command = inputs.text("subject")
  const worker = inputs.text("worker")
  const module = inputs.text("in-process") ?? (command === undefined && worker === undefined ? fallback : undefined)
  const given = [command, worker, module].filter((one) => one !== undefined)
  if (given.length !== 1) {
    throw new UsageError(
      given.length === 0 ? "no subject is named" : "more than one subject is named",
      'Give one of --subject "<command>", --in-process <module>, --worker <module>. `--in-process reference` judges this SDK.'
    )
  }
  const jobs = inputs.text("jobs")
  if (command !== undefined) {
    return { source: processSource(command, timeouts), timeouts, seed, words: `--subject ${quoted(command)}` }
  }
  if (worker !== undefined) {
    return { source: workerSource(worker, timeouts), timeouts, seed, words: `--worker ${quoted(worker)}` }
  }
  const name = module!
  const words = `--in-process ${quoted(name)}`
  // Side by side, modules run in workers.
  const source = jobs === undefined || jobs === "1" ? inProcessSource(name, timeouts) : workerSource(name, timeouts)
  return { source, timeouts, seed, words }
}

/** A reference of its own, as peer. */
export const startReference = async (seed: string): Promise<Subject> =>
  greetHandler(await loadHandler(moduleUrl(reference)), seed, new Timeouts())

/** The suite of a call. Throws `UsageError`, or `Tampered`. */
export const chooseSuite = (inputs: Inputs): Suite => {
  try {
    return load(inputs.text("vectors") ?? packaged())
  } catch (error) {
    if (error instanceof NoSuite)
      throw new UsageError(error.message, "Give the folder that holds manifest.json with --vectors.")
    throw error
  }
}

/** The text of a file somebody named. Throws `UsageError`. */
export const readText = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${reason(error)}`)
  }
}

/** Writes a file somebody named. Throws `UsageError`. */
export const writeText = (path: string, text: string): void => {
  try {
    writeFileSync(path, text)
  } catch (error) {
    throw new UsageError(`${path} cannot be written: ${reason(error)}`)
  }
}

export const reason = (error: unknown): string =>
  error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error)
