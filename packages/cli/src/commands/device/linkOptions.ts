/**
 * What the options of `tacit device link` say, for both halves.
 *
 * Spec: docs/spec/19-linking.md §19.4, §19.6.
 */
import { type ArchiveRange, type ChallengeName, HistoryOff, type InviteOptions, type RoleName } from "@tacit/core"
import type { Context } from "../../Command.ts"
import type { Profile } from "../../Profile.ts"
import type { Questions } from "../../Questions.ts"
import { UsageError } from "../../UsageError.ts"
import { timeOf } from "../history/range.ts"

const roles: ReadonlyArray<RoleName> = ["admin", "member", "replica"]

/** The challenges asked for; the fingerprint stands alone, and only where `--fingerprint` says so. */
export const challengesOf = ({ inputs }: Context): ReadonlyArray<ChallengeName> => {
  const given = inputs.text("challenge")
  if (inputs.flag("fingerprint")) {
    if (inputs.given("challenge")) {
      throw new UsageError(
        "--fingerprint and --challenge exclude each other",
        "Give one of them, the same on both devices."
      )
    }
    return ["fingerprint"]
  }
  const names = (given ?? "pin").split(",")
  const bad = names.find((name) => name !== "pin" && name !== "code")
  if (bad !== undefined)
    throw new UsageError(
      "--challenge takes pin, code, or code,pin",
      "For digits on both screens there is --fingerprint."
    )
  return names as ReadonlyArray<ChallengeName>
}

/** The role asked for. */
export const roleOf = ({ inputs }: Context): RoleName => {
  const role = roles.find((name) => name === inputs.text("role"))
  if (role === undefined) throw new UsageError("--role takes admin, member or replica", "`member` reads and writes.")
  return role
}

/**
 * What the new device gets of the history: said by `--history`, asked on a terminal, else nothing (rule link.history.3). `undefined` is
 * nothing.
 */
export const historyOf = async (
  context: Context,
  { history }: Pick<Profile, "history">,
  role: RoleName,
  questions: Questions
): Promise<ArchiveRange | undefined> => {
  const { inputs, terminal } = context
  const said = inputs.text("history")
  if (said !== undefined) {
    const range = partOf(said)
    if (range === undefined || range === "bad") {
      if (range === undefined) return undefined
      throw new UsageError("--history takes all, none, a time like 2026-11-01 or 30d, or last:<n>", "Give one of them.")
    }
    if (history === undefined) throw new HistoryOff()
    if (role === "replica") throw new UsageError("a replica cannot read a history", "Leave --history out.")
    return range
  }
  const isAsked = terminal.stdin.isTTY === true && terminal.stdout.isTTY === true && !terminal.json
  if (history === undefined || role === "replica" || !isAsked) return undefined
  for (;;) {
    const answer = await questions.line(
      "How much of your history does it get? all, none, or from when on (2026-11-01, 30d) [all]: "
    )
    const range = partOf(answer === "" ? "all" : answer)
    if (range !== "bad") return range
    terminal.err("That is none of all, none, a date or a time like 30d.")
  }
}

/** What a word names: a part of the history, nothing, or no part at all. */
const partOf = (word: string): ArchiveRange | undefined | "bad" => {
  if (word === "all") return {}
  if (word === "none") return undefined
  const last = /^last:(\d{1,9})$/.exec(word)
  if (last !== null) return Number(last[1]) > 0 ? { last: Number(last[1]) } : "bad"
  try {
    return { since: timeOf(word, Date.now()) }
  } catch {
    return "bad"
  }
}

/** How long to stay for the history, seconds; `undefined` is as long as it takes. */
export const stayOf = ({ inputs }: Context): number | undefined => inputs.whole("stay", 0, 31_536_000)

/** How long an invitation serves. */
export const lifetimeOf = ({ inputs }: Context): Pick<InviteOptions, "lifetimeMs"> => ({
  lifetimeMs: (inputs.whole("minutes", 1, 10) ?? 10) * 60_000
})
