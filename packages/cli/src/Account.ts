/**
 * Opening the account of a profile, the same way for every command that needs one.
 *
 * Does not print.
 */
import { openClient, type PromiseClient } from "@tacit/bots"
import type { HistoryOptions } from "@tacit/core"
import type { Context, Option } from "./Command.ts"
import * as Profile from "./Profile.ts"
import { UsageError } from "./UsageError.ts"
import { vaultOf, vaultOptions } from "./vault/Secret.ts"

/** Where the relay is, for commands that open an account. The profile remembers it. */
export const relayOption: Option = {
  name: "relay",
  value: "url",
  env: "TACIT_RELAY",
  text: "address of the relay, ws(s):// or mqtt(s):// (default: the one the profile registered at)"
}

/** Where files are kept, for commands that open an account at a broker. The profile remembers it. */
export const filesOption: Option = {
  name: "files",
  value: "url",
  env: "TACIT_FILES",
  text: "address of the service that keeps files, https://, for a relay behind a broker (default: the one last given)"
}

/** Options of every command that opens an account. */
export const accountOptions: ReadonlyArray<Option> = [relayOption, filesOption, ...vaultOptions]

/** The relay's address, or a `UsageError` when there is none or it is no address. */
export const relayAddress = (context: Context, profile: Profile.Profile): string => {
  const given = context.inputs.text("relay") ?? profile.relay
  if (given === undefined) {
    throw new UsageError("--relay is missing", "Give --relay wss://… or mqtts://…, or set TACIT_RELAY.")
  }
  if (!URL.canParse(given) || !/^(wss?|mqtts?):$/.test(new URL(given).protocol)) {
    throw new UsageError(
      "--relay takes an address that begins with ws://, wss://, mqtt:// or mqtts://",
      "For instance --relay ws://localhost:8443."
    )
  }
  return given
}

/** Where files are kept, if the profile or the inputs say; a `UsageError` if it is no address. */
export const filesAddress = (context: Context, profile: Profile.Profile): string | undefined => {
  const given = context.inputs.text("files") ?? profile.files
  if (given === undefined || (URL.canParse(given) && /^https?:$/.test(new URL(given).protocol))) return given
  throw new UsageError(
    "--files takes an address that begins with https://",
    "For instance --files https://files.example."
  )
}

/** An address as it is shown: without a broker's password. */
export const shownAddress = (relay: string): string => {
  const url = new URL(relay)
  if (url.password === "") return relay
  url.password = "***"
  return url.href
}

/** An error of a profile that was never registered, with the tag the client itself would use. */
export class NotRegisteredHere extends Error {
  readonly _tag = "NotRegistered"
}

/** The profile of the inputs. Fails with `NotRegistered` before anything is made on disk. */
export const registeredProfile = (context: Context): Profile.Profile & { readonly user: string } => {
  const profile = Profile.locate(context.inputs, context.env)
  const { user } = profile
  if (!Profile.isRegistered(profile) || user === undefined) throw new NotRegisteredHere()
  return { ...profile, user }
}

/** How a profile's client keeps its history, as `openClient` takes it. */
export const historyOf = ({ history }: Pick<Profile.Profile, "history">): boolean | HistoryOptions =>
  history === undefined ? false : history.days === undefined ? true : { keepMs: history.days * 24 * 60 * 60 * 1000 }

/** Opens the account, sealed or not. Fails with `NotRegistered` before anything is made on disk. */
export const openAccount = async (context: Context): Promise<PromiseClient> => {
  const profile = registeredProfile(context)
  const relay = relayAddress(context, profile)
  const files = filesAddress(context, profile)
  if (files !== undefined && files !== profile.files)
    Profile.remember(profile, { relay: profile.relay ?? relay, user: profile.user, files })
  return openClient({
    relay,
    ...(files === undefined ? {} : { files }),
    user: profile.user,
    path: profile.store,
    vault: await vaultOf(context, profile),
    history: historyOf(profile),
    signal: context.signal
  })
}

/**
 * Rejects when the relay turns this device away for good, or when `signal` aborts; never resolves. A copy that is too old is not
 * turned away for good: it heals by itself.
 */
export const refusal = async (client: PromiseClient, signal: AbortSignal): Promise<never> => {
  for await (const status of client.status({ signal })) {
    if (status._tag === "Refused" && status.refusal.code !== "stale-state") throw status.refusal
  }
  return new Promise(() => undefined)
}
