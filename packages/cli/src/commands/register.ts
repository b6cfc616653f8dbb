/**
 * `tacit register`: makes an account on this machine and registers it at a relay.
 *
 * Spec: docs/spec/04-accounts.md §4.1; docs/spec/14-relay.md §14.2 (relay.register.1, relay.register.2).
 */
import { registerAccount } from "@tacit/bots"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { userOfToken } from "@tacit/relay"
import { relayAddress, relayOption, shownAddress } from "../Account.ts"
import type { Command, Context } from "../Command.ts"
import { ExitCode } from "../ExitCode.ts"
import * as Password from "../Password.ts"
import * as Profile from "../Profile.ts"
import { newVaultOptions, opening, renewing, vaultOptions } from "../vault/Secret.ts"
import { within } from "../Within.ts"
import { existsSync } from "node:fs"

/** The name to register: as given, or the one that an account token of a platform is for (rule relay.token.3). */
const userFor = async ({ inputs }: Context, password: string): Promise<string> => {
  const given = inputs.text("user") ?? ""
  const named = given === "" ? userOfToken(await loadNodeProvider(), password) : given
  return named ?? inputs.required("user")
}

/** Without a token there is no name to take out of one. */
const requireUser = ({ env, inputs }: Context): void => {
  const hasPassword = inputs.text("password-file") !== undefined || (env.TACIT_PASSWORD ?? "") !== ""
  if (!hasPassword) inputs.required("user")
}

/** The profile holds an account already. */
class AlreadyRegisteredHere extends Error {
  readonly _tag = "AlreadyRegistered"
}

export const register: Command = {
  name: "register",
  summary: "make an account and register it with a one-time password",
  about: [
    "Makes the keys on this machine, stores them in the profile, and registers the name at the relay. The one-time password comes from whoever runs the relay. It is read from a file, from TACIT_PASSWORD, or asked for; it is never an option, because others on this machine can read command lines.",
    "Where a platform lets its users in, its signed account token stands for the password; the name may be left out then, because the token says it.",
    "A refused registration uses nothing up: mend what was wrong and run it again."
  ],
  positionals: [],
  options: [
    relayOption,
    {
      name: "user",
      value: "name",
      env: "TACIT_USER",
      text: "the name to register: letters a–z, digits, dots, dashes, underscores"
    },
    ...Password.options,
    { name: "vault", text: "seal the account from the start, under a passphrase, or with --key under a key" },
    ...vaultOptions,
    newVaultOptions.find(({ name }) => name === "key")!,
    { name: "timeout", value: "seconds", default: "30", text: "how long to wait for the relay" }
  ],
  examples: [
    { line: "tacit register --relay ws://localhost:8443 --user alice", text: "asks for the one-time password" },
    {
      line: "tacit register --relay wss://relay.example --user alice --password-file otp.txt --profile work",
      text: "without questions, under another profile"
    },
    { line: "tacit register --relay wss://relay.example --user alice --vault", text: "sealed at rest from the start" }
  ],
  run: async (context) => {
    const { inputs, terminal, signal } = context
    const profile = Profile.locate(inputs, context.env)
    const relay = relayAddress(context, profile)
    const seconds = inputs.whole("timeout", 1, 3600) ?? 30
    if (Profile.isRegistered(profile)) throw new AlreadyRegisteredHere()
    requireUser(context)
    const password = await Password.obtain(context)
    const user = await userFor(context, password)
    Profile.create(profile)
    // An earlier call that did not come through may have made the vault already.
    const unlock = existsSync(profile.store) ? opening(context, profile) : renewing(context, "")
    const vault = inputs.flag("vault") ? { unlock } : undefined
    const registering = registerAccount({ relay, user, password, path: profile.store, signal, vault })
    const self = await within(seconds, signal, registering)
    Profile.remember(profile, { relay, user })
    if (terminal.json) terminal.record({ type: "registered", relay: shownAddress(relay), ...self, user })
    else {
      terminal.out(`You are ${user} at ${shownAddress(relay)}.`)
      terminal.out(`Account id: ${self.account}`)
      terminal.out(
        terminal.paint("dim", "Others can compare this id with you over another channel. Next: tacit chat <user>")
      )
    }
    return ExitCode.ok
  }
}
