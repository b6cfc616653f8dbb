/**
 * `tacit doctor`: looks at a profile and says what is the matter with it and what to do. Changes nothing.
 *
 * Spec: docs/spec/16-state.md §16.1, §16.2; docs/spec/12-vault.md §12.7; docs/spec/23-history.md §23.4, §23.6.
 */
import { VaultFile } from "@tacit/bots"
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Command, Context } from "../Command.ts"
import { ExitCode } from "../ExitCode.ts"
import { explain } from "../Explain.ts"
import * as Profile from "../Profile.ts"
import * as Secret from "../vault/Secret.ts"
import { type Finding, historyFindings } from "./history/findings.ts"

export const doctor: Command = {
  name: "doctor",
  summary: "look at this account's files and say what is the matter with them",
  about: [
    "Looks whether there is an account, who may read its files, whether another process has it open, whether the file is whole and of a version this release knows, whether it is sealed, whether its keys are there, and whether its history is behind another device's or an archive stands still half-way. Works on a scratch copy and changes nothing; it contacts nobody. For a sealed account it opens the copy if the passphrase or key is at hand.",
    "Ends with 0 when nothing is wrong, with 7 when something is."
  ],
  positionals: [],
  options: [...Secret.vaultOptions],
  examples: [
    { line: "tacit doctor", text: "one line per thing looked at" },
    { line: "tacit doctor --json", text: "the same for a monitoring system" }
  ],
  run: async (context) => {
    const { terminal } = context
    let worst: Finding["state"] = "ok"
    for await (const finding of examine(context)) {
      if (finding.state === "problem") worst = "problem"
      if (terminal.json) terminal.record({ type: "finding", ...finding })
      else print(context, finding)
    }
    return worst === "problem" ? ExitCode.store : ExitCode.ok
  }
}

const print = ({ terminal }: Context, { check, message, next, state }: Finding): void => {
  const colour = state === "ok" ? "green" : state === "note" ? "yellow" : "red"
  terminal.out(`${terminal.paint(colour, state.padEnd(7))} ${check}: ${message}`)
  if (next !== "") terminal.out(`        ${next}`)
}

const ok = (check: string, message: string): Finding => ({ check, state: "ok", message, next: "" })

async function* examine(context: Context): AsyncGenerator<Finding> {
  const profile = Profile.locate(context.inputs, context.env)
  if (!Profile.isRegistered(profile)) {
    const message = existsSync(profile.store)
      ? "there is a store, but no profile.json that names its relay and user"
      : "this profile holds no account"
    yield { check: "account", state: "problem", message, next: "Run `tacit register`, or choose another --profile." }
    return
  }
  yield ok("account", `${profile.user} at ${profile.relay}`)
  yield permissions(profile)
  const scratch = mkdtempSync(join(tmpdir(), "tacit-doctor-"))
  try {
    yield* examineStore(context, profile, join(scratch, "copy.db"))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

const permissions = (profile: Profile.Profile): Finding => {
  const open = [profile.directory, profile.store].filter((path) => (statSync(path).mode & 0o077) !== 0)
  if (process.platform === "win32" || open.length === 0) return ok("permissions", "readable by its owner only")
  return {
    check: "permissions",
    state: "problem",
    message: `others on this machine may read ${open.join(", ")}`,
    next: "Run `chmod -R go= ` on the profile's directory."
  }
}

async function* examineStore(context: Context, profile: Profile.Profile, copy: string): AsyncGenerator<Finding> {
  yield await attempt("in use", async () => {
    await VaultFile.inspect({ path: profile.store })
    return ok("in use", "no other process has it open")
  })
  let state: VaultFile.Inspection["state"] | undefined
  yield await attempt("file", async () => {
    await VaultFile.duplicate(profile.store, copy)
    state = (await VaultFile.inspect({ path: copy })).state
    return ok("file", "whole, and of a version this release knows")
  })
  if (state === undefined) return
  if (state !== "sealed" && state !== "unsealed") {
    const word = state === "empty" ? "the store is empty" : `${state} was begun and not finished`
    const next = state === "unsealing" ? "Run `tacit vault remove --yes` again." : "Run `tacit vault create` again."
    yield {
      check: "sealed",
      state: state === "empty" ? "problem" : "note",
      message: word,
      next: state === "empty" ? "Put back a backup." : next
    }
    if (state !== "sealing") return
  } else if (state === "sealed") yield ok("sealed", "everything in it is sealed")
  else {
    const message = "not sealed: whoever has the file reads everything"
    yield { check: "sealed", state: "note", message, next: "`tacit vault create` seals it." }
  }
  const secret = { unlock: Secret.remembering(Secret.opening(context, profile)) }
  yield await attempt("records", async () => {
    const { absent, damaged, records } = await VaultFile.drill({
      copy,
      path: undefined,
      sample: Number.MAX_SAFE_INTEGER,
      secret,
      signal: context.signal
    })
    if (absent.length + damaged.length === 0) return ok("records", `all ${records} open, the account's keys among them`)
    const message =
      absent.length > 0
        ? `missing: ${absent.join(", ")}`
        : `cannot be read: ${[...new Set(damaged.map(({ kind }) => kind))].join(", ")}`
    return {
      check: "records",
      state: "problem",
      message,
      next: "Put back a backup, or register a new account."
    }
  })
  try {
    const history = await VaultFile.history({ copy, secret, signal: context.signal })
    if (history !== undefined) yield* historyFindings(history, profile.history !== undefined, Date.now())
  } catch (error) {
    // Without the secret nothing is known of it; what cannot be read was said above.
    if (explain(error).exit === ExitCode.interrupted) throw error
  }
}

/** What a check finds, or the explanation of why it failed. A secret nobody gave is no problem of the store. */
const attempt = async (check: string, look: () => Promise<Finding>): Promise<Finding> => {
  try {
    return await look()
  } catch (error) {
    const { code, exit, message, next } = explain(error)
    if (exit === ExitCode.interrupted) throw error
    const note = code.startsWith("UnlockError:none") || code === "StoreUnusable:in-use"
    return { check, state: note ? "note" : "problem", message, next }
  }
}
