/**
 * What the options of `tacit device link` say, for both halves.
 *
 * Spec: docs/spec/19-linking.md §19.4.
 */
import type { ChallengeName, InviteOptions, RoleName } from "@tacit/core"
import type { Context } from "../../Command.ts"
import { UsageError } from "../../UsageError.ts"

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

/** How long an invitation serves. */
export const lifetimeOf = ({ inputs }: Context): Pick<InviteOptions, "lifetimeMs"> => ({
  lifetimeMs: (inputs.whole("minutes", 1, 10) ?? 10) * 60_000
})
