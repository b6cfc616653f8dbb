/**
 * The joining half of `tacit device link <invitation>`.
 *
 * Spec: docs/spec/19-linking.md §19.7 (new).
 */
import { linkAccount, openClient, type VaultOptions, WrongUser } from "@tacit/bots"
import { type JoinState, LinkRefused } from "@tacit/core"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { Bytes, Invitation, LinkText } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { existsSync, writeFileSync } from "node:fs"
import { relayAddress, shownAddress } from "../../Account.ts"
import type { Context } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import * as Profile from "../../Profile.ts"
import * as QrCode from "../../QrCode.ts"
import * as Questions from "../../Questions.ts"
import { safe, type Terminal } from "../../Terminal.ts"
import { opening, renewing } from "../../vault/Secret.ts"
import { challengesOf } from "./linkOptions.ts"
import { drawCode } from "./linkInvite.ts"

/** The profile holds an account already. */
class AlreadyRegisteredHere extends Error {
  readonly _tag = "AlreadyRegistered"
}

/** Relay and account that an invitation names, whether or not it expired: a linking that was interrupted goes on. */
const read = async (uri: string): Promise<{ readonly relay: string; readonly account: string }> => {
  const crypto = await loadNodeProvider()
  const bytes = LinkText.parse("invite", uri)
  if (Result.isFailure(bytes)) throw new LinkRefused({ cause: bytes.failure.cause })
  const invitation = Invitation.verifyLink(crypto, bytes.success, 0)
  if (Result.isFailure(invitation)) throw new LinkRefused({ cause: invitation.failure.cause })
  return { relay: invitation.success.relay, account: Bytes.toHex(invitation.success.account) }
}

export const join = async (context: Context): Promise<ExitCode> => {
  const { env, inputs, signal, terminal } = context
  const uri = inputs.positional("invitation")
  const challenges = challengesOf(context)
  const profile = Profile.locate(inputs, env)
  if (Profile.isRegistered(profile)) throw new AlreadyRegisteredHere()
  const named = await read(uri)
  // The invitation says where; an address of one's own may carry what a broker asks for.
  const relay = inputs.given("relay") ? relayAddress(context, profile) : named.relay
  Profile.create(profile)
  // An earlier call may have made the vault already.
  const unlock = existsSync(profile.store) ? opening(context, profile) : renewing(context, "")
  const questions = Questions.make(context)
  try {
    const place = { relay, path: profile.store, vault: inputs.flag("vault") ? { unlock } : undefined, signal }
    const linking = linkAccount({
      ...place,
      uri,
      challenges,
      showCode: (code) => {
        const file = inputs.text("svg")
        if (file !== undefined) writeFileSync(file, QrCode.svg(code), { mode: 0o600 })
        if (terminal.json) return
        if (terminal.stdout.isTTY === true) drawCode(terminal, code)
        terminal.out(code)
        terminal.out("")
        terminal.out("Scan this on the old device, or paste it there.")
      },
      askPin: (left) =>
        questions.line(left === 3 ? "PIN that the old device shows: " : `Wrong. PIN (${left} left): `, {
          hidden: true
        }),
      confirmDigits: (digits) => {
        if (!terminal.json) terminal.out(`Digits: ${terminal.paint("bold", digits)}`)
        return questions.yes("Does the old device show the same digits? [yes/no] ")
      },
      onState: (state) => {
        if (terminal.json) terminal.record(record(state))
        else show(terminal, state)
      }
    })
    // Stopped after it was registered and before the profile said so: the store knows whose it is.
    const linked = await linking.catch(async (error: unknown) => {
      const user = isAlready(error) ? await ownerOf(place, named.account) : undefined
      if (user === undefined) throw error
      return { user, account: named.account, role: undefined }
    })
    Profile.remember(profile, { relay, user: linked.user })
    if (terminal.json) return ExitCode.ok
    const role = linked.role === undefined ? "" : ` (${linked.role})`
    terminal.out(`You are ${safe(linked.user)} at ${shownAddress(relay)} on this device too${role}.`)
    terminal.out(`Account id: ${linked.account}`)
    terminal.out(terminal.paint("dim", "Compare the account id with that of the old device. Next: tacit chat <user>"))
    return ExitCode.ok
  } finally {
    questions.close()
  }
}

const isAlready = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "AlreadyRegistered"

/** Where a store is, and how it is opened. */
interface Stored {
  readonly relay: string
  readonly path: string
  readonly vault: VaultOptions | undefined
  readonly signal: AbortSignal
}

/** The user whose account a store holds, if it is the account of the invitation. */
const ownerOf = async (stored: Stored, account: string): Promise<string | undefined> => {
  const user = await openClient({ ...stored, user: "" }).then(
    (client) => client.close().then(() => undefined),
    (error: unknown) => (error instanceof WrongUser ? error.stored : Promise.reject(error))
  )
  if (user === undefined) return undefined
  await using client = await openClient({ ...stored, user })
  return client.self.account === account ? user : undefined
}

const record = ({ _tag, ...rest }: JoinState): object => ({ type: "link", state: _tag, ...rest })

const show = (terminal: Terminal, state: JoinState): void => {
  if (state._tag === "Joined") terminal.out("Joined. Waiting for the old device…")
  if (state._tag === "Received") terminal.out(`Taken in by ${safe(state.user)}. Registering…`)
}
