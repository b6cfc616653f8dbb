/**
 * The joining half of `tacit device link <invitation>`.
 *
 * Spec: docs/spec/19-linking.md §19.7 (new), rules link.history.2 and link.history.3.
 */
import { linkAccount, openClient, type OpenOptions, type VaultOptions, WrongUser } from "@tacit/bots"
import { type ArchiveRange, type JoinState, LinkRefused, type RoleName } from "@tacit/core"
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
import { opening, remembering, renewing } from "../../vault/Secret.ts"
import { goesOn, type Stay, stay, untilCompared } from "../history/watch.ts"
import { challengesOf, stayOf } from "./linkOptions.ts"
import { drawCode } from "./linkInvite.ts"

/** The profile holds an account already. */
class AlreadyRegisteredHere extends Error {
  readonly _tag = "AlreadyRegistered"
}

/** What an invitation names: where, whose, and the device that made it, in hexadecimal. */
interface Named {
  readonly relay: string
  readonly account: string
  readonly device: string
}

/** Relay, account and device that an invitation names, whether or not it expired: a linking that was interrupted goes on. */
const read = async (uri: string): Promise<Named> => {
  const crypto = await loadNodeProvider()
  const bytes = LinkText.parse("invite", uri)
  if (Result.isFailure(bytes)) throw new LinkRefused({ cause: bytes.failure.cause })
  const invitation = Invitation.verifyLink(crypto, bytes.success, 0)
  if (Result.isFailure(invitation)) throw new LinkRefused({ cause: invitation.failure.cause })
  const { account, device, relay } = invitation.success
  return { relay, account: Bytes.toHex(account), device: Bytes.toHex(device) }
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
  const unlock = remembering(existsSync(profile.store) ? opening(context, profile) : renewing(context, ""))
  const seconds = stayOf(context)
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
      const owner = isAlready(error) ? await ownerOf(place, named.account) : undefined
      if (owner === undefined) throw error
      return { ...owner, account: named.account, role: undefined }
    })
    const isGiven = linked.history !== undefined
    Profile.remember(profile, { relay, user: linked.user, ...(isGiven ? { history: {} } : {}) })
    if (!terminal.json) greet(context, relay, linked)
    if (isGiven && seconds !== 0) await take(context, { ...place, user: linked.user }, named.device, seconds)
    return ExitCode.ok
  } finally {
    questions.close()
  }
}

/** Who is linked now. */
interface Linked {
  readonly user: string
  readonly account: string
  readonly role: RoleName | undefined
  readonly history?: ArchiveRange
}

const greet = ({ terminal }: Context, relay: string, { account, role, user }: Linked): void => {
  const as = role === undefined ? "" : ` (${role})`
  terminal.out(`You are ${safe(user)} at ${shownAddress(relay)} on this device too${as}.`)
  terminal.out(`Account id: ${account}`)
  terminal.out(terminal.paint("dim", "Compare the account id with that of the old device. Next: tacit chat <user>"))
}

/** Stays until what the old device promised of the history is here. */
const take = async (
  context: Context,
  options: OpenOptions,
  old: string,
  seconds: number | undefined
): Promise<void> => {
  const { terminal } = context
  await using client = await openClient({ ...options, history: true })
  if (!terminal.json) terminal.err("The history comes. This may be stopped: it goes on whenever both are open.")
  const isOver: Stay["isOver"] = ({ archives, wishes }) =>
    wishes.length === 0 && archives.every(({ direction }) => direction === "giving")
  const { end } = await stay(client, context, { isOver: untilCompared(old, isOver), seconds })
  if (end !== "over" && !terminal.json) terminal.err(goesOn)
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

/** The user whose account a store holds, if it is the account of the invitation, and what it was promised. */
const ownerOf = async (
  stored: Stored,
  account: string
): Promise<{ readonly user: string; readonly history?: ArchiveRange } | undefined> => {
  const user = await openClient({ ...stored, user: "" }).then(
    (client) => client.close().then(() => undefined),
    (error: unknown) => (error instanceof WrongUser ? error.stored : Promise.reject(error))
  )
  if (user === undefined) return undefined
  await using client = await openClient({ ...stored, user })
  const history = await client.link.promised()
  if (client.self.account !== account) return undefined
  return history === undefined ? { user } : { user, history }
}

const record = ({ _tag, ...rest }: JoinState): object => ({ type: "link", state: _tag, ...rest })

const show = (terminal: Terminal, state: JoinState): void => {
  if (state._tag === "Joined") terminal.out("Joined. Waiting for the old device…")
  if (state._tag === "Received") terminal.out(`Taken in by ${safe(state.user)}. Registering…`)
}
