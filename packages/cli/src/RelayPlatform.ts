/**
 * What `tacit relay start` is told about a platform: whose tokens it takes, whether names are found, who may use it.
 *
 * Spec: docs/spec/14-relay.md §14.6.
 * Reads files, once, at start.
 */
import { Entitlements, type Issuer, parseIssuers, type ServiceOptions } from "@tacit/relay"
import { readFileSync } from "node:fs"
import type { Context, Option } from "./Command.ts"
import { UsageError } from "./UsageError.ts"

export const platformOptions: ReadonlyArray<Option> = [
  {
    name: "issuers",
    value: "file",
    env: "TACIT_RELAY_ISSUERS",
    text: "platforms whose signed account tokens register users: a JSON file with their public keys"
  },
  {
    name: "hide-names",
    env: "TACIT_RELAY_HIDE_NAMES",
    text: "answer no look-up of a name; contact by link or code only"
  },
  {
    name: "entitlement",
    value: "url|file",
    env: "TACIT_RELAY_ENTITLEMENT",
    text: "ask this service (https://…, or http:// on this machine) who may use the relay, or take it from a JSON file"
  },
  {
    name: "entitled-otherwise",
    value: "yes|no",
    env: "TACIT_RELAY_ENTITLED_OTHERWISE",
    default: "yes",
    text: "whether accounts may go on when the service has not answered for an hour"
  }
]

const read = (file: string, what: string): string => {
  try {
    return readFileSync(file, "utf8")
  } catch {
    throw new UsageError(`the ${what} file ${file} cannot be read`, "Check the name and the permissions.")
  }
}

const issuersOf = (file: string): ReadonlyArray<Issuer> => {
  const issuers = parseIssuers(read(file, "issuers"))
  if (typeof issuers !== "string") return issuers
  throw new UsageError(`the issuers file ${file} cannot be used: ${issuers}`, "See docs/guides/trust.md for its form.")
}

/** `{ "entitled": ["name or account id", …] }`, or an object of them with a date each or `true`. */
const listOf = (file: string): Entitlements.Entitlement => {
  const bad = (why: string) =>
    new UsageError(`the entitlement file ${file} cannot be used: ${why}`, "See docs/guides/trust.md for its form.")
  let value: unknown
  try {
    value = JSON.parse(read(file, "entitlement"))
  } catch (error) {
    throw error instanceof UsageError ? error : bad("it is not JSON")
  }
  const entitled = (value as { readonly entitled?: unknown } | null)?.entitled
  if (typeof entitled !== "object" || entitled === null) throw bad("it has no `entitled`")
  const entries: ReadonlyArray<readonly [string, unknown]> = Array.isArray(entitled)
    ? entitled.map((name) => [String(name), true] as const)
    : Object.entries(entitled)
  const list = new Map<string, number | undefined>()
  for (const [name, until] of entries) {
    const at = typeof until === "string" ? Date.parse(until) : Number.NaN
    if (until !== true && Number.isNaN(at)) throw bad(`${name} has neither \`true\` nor a date`)
    list.set(name, until === true ? undefined : at)
  }
  return Entitlements.fixed(list, false)
}

const isLocal = (url: URL): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)

const entitlementOf = (where: string, token: string | undefined): Entitlements.Entitlement => {
  if (!/^https?:\/\//.test(where)) return listOf(where)
  if (!URL.canParse(where)) throw new UsageError("--entitlement is no address", "Give https://…, or a file.")
  const url = new URL(where)
  if (url.protocol === "http:" && !isLocal(url)) {
    throw new UsageError("plain http:// to another machine would show who uses this relay", "Use https://.")
  }
  return Entitlements.http({ url: where, token })
}

/** The options of a relay. */
export const platformOf = ({
  env,
  inputs
}: Context): Pick<ServiceOptions, "issuers" | "hideNames" | "entitlement" | "entitledOtherwise"> => {
  const issuers = inputs.text("issuers")
  const entitlement = inputs.text("entitlement")
  const otherwise = inputs.text("entitled-otherwise") ?? "yes"
  if (otherwise !== "yes" && otherwise !== "no") {
    throw new UsageError("--entitled-otherwise takes yes or no", "Give one of them.")
  }
  const token = env.TACIT_RELAY_ENTITLEMENT_TOKEN
  return {
    ...(issuers === undefined ? {} : { issuers: issuersOf(issuers) }),
    hideNames: inputs.flag("hide-names"),
    ...(entitlement === undefined ? {} : { entitlement: entitlementOf(entitlement, token === "" ? undefined : token) }),
    entitledOtherwise: otherwise === "yes"
  }
}
