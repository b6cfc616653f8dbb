/**
 * The inviting half of `tacit device link`.
 *
 * Spec: docs/spec/19-linking.md §19.7 (old), rule link.history.3.
 */
import type { PromiseClient, PromiseLinkOffer } from "@tacit/bots"
import type { OfferState } from "@tacit/core"
import { writeFileSync } from "node:fs"
import { openAccount, registeredProfile, relayAddress } from "../../Account.ts"
import type { Context } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import * as QrCode from "../../QrCode.ts"
import * as Questions from "../../Questions.ts"
import type { Terminal } from "../../Terminal.ts"
import { goesOn, type Stay, stay, untilCompared } from "../history/watch.ts"
import { challengesOf, historyOf, lifetimeOf, roleOf, stayOf } from "./linkOptions.ts"

/** An address as others may see it: without user and password for a broker. */
export const withoutCredentials = (relay: string): string => {
  const url = new URL(relay)
  if (url.username === "" && url.password === "") return relay
  url.username = ""
  url.password = ""
  return url.href
}

/** A QR code in a terminal. */
export const drawCode = (terminal: Terminal, text: string): void => {
  const coloured = terminal.paint("bold", "") !== ""
  for (const line of QrCode.terminal(text, coloured)) terminal.out(line)
}

export const invite = async (context: Context): Promise<ExitCode> => {
  const { inputs, signal } = context
  const [challenges, role, lifetime] = [challengesOf(context), roleOf(context), lifetimeOf(context)]
  const profile = registeredProfile(context)
  const relay = withoutCredentials(relayAddress(context, profile))
  const seconds = stayOf(context)
  const questions = Questions.make(context)
  try {
    const history = await historyOf(context, profile, role, questions)
    await using client = await openAccount(context)
    const offer = await client.link.invite({ relay, role, challenges, history, ...lifetime }, { signal })
    const file = inputs.text("svg")
    if (file !== undefined) writeFileSync(file, QrCode.svg(offer.uri), { mode: 0o600 })
    const device = await settle(context, questions, offer)
    if (history !== undefined && seconds !== 0) await give(client, context, device, seconds)
    return ExitCode.ok
  } finally {
    questions.close()
  }
}

/** Stays while the new device takes what it was promised. It asks for that itself, as soon as it is open. */
const give = async (client: PromiseClient, context: Context, device: string, seconds: number | undefined) => {
  const { terminal } = context
  if (!terminal.json) terminal.err("Giving it the history. This may be stopped: it goes on whenever both are open.")
  const isOver: Stay["isOver"] = ({ archives }, ended) =>
    ended.some((one) => one.device === device && one.reason !== "gone") &&
    archives.every((one) => one.device !== device)
  const { end } = await stay(client, context, { isOver: untilCompared(device, isOver), seconds })
  if (end !== "over" && !terminal.json) terminal.err(goesOn)
}

/** Shows and asks until the device is linked; answers its id. */
const settle = async (context: Context, questions: Questions.Questions, offer: PromiseLinkOffer): Promise<string> => {
  const { signal, terminal } = context
  const cancel = () => void offer.cancel().catch(() => undefined)
  signal.addEventListener("abort", cancel, { once: true })
  // An answer that nobody can give any more ends the linking; what it was is said by `result`.
  const trouble: Array<unknown> = []
  const answering: Array<Promise<void>> = []
  try {
    for await (const state of offer.states()) {
      if (terminal.json) terminal.record(record(state))
      else show(terminal, state)
      // Not awaited: meanwhile the other end may give up.
      answering.push(
        answer(context, questions, offer, state).catch(async (error: unknown) => {
          trouble.push(error)
          await offer.cancel()
        })
      )
    }
    const { device } = await offer.result().catch((error: unknown) => {
      signal.throwIfAborted()
      throw trouble[0] ?? error
    })
    return device
  } finally {
    signal.removeEventListener("abort", cancel)
    void Promise.allSettled(answering)
  }
}

const record = ({ _tag, ...rest }: OfferState): object => ({ type: "link", state: _tag, ...rest })

const grouped = (pin: string): string => pin.replace(/(.{3})(?!$)/g, "$1 ")

const show = (terminal: Terminal, state: OfferState): void => {
  switch (state._tag) {
    case "Invited":
      if (terminal.stdout.isTTY === true) drawCode(terminal, state.uri)
      terminal.out(state.uri)
      terminal.out("")
      terminal.out(
        `On the new device: tacit device link '<this link>'. It serves until ${new Date(state.expiresAt).toTimeString().slice(0, 8)}.`
      )
      return
    case "Joined":
      return terminal.out("Somebody joined. Make sure that it is your new device:")
    case "ShowPin":
      return terminal.out(
        `PIN: ${terminal.paint("bold", grouped(state.pin))}   type it on the new device (${attempts(state.left)})`
      )
    case "WrongPin":
      return terminal.out(terminal.paint("yellow", `A wrong PIN was typed: ${attempts(state.left)}.`))
    case "CompareDigits":
      return terminal.out(`Digits: ${terminal.paint("bold", state.digits)}`)
    case "Verified":
      return terminal.out("It is. Adding it to the account…")
    case "Linked":
      terminal.out(terminal.paint("green", `Linked: ${state.device} is a device of this account (${state.role}).`))
      return terminal.out(
        terminal.paint("dim", "`tacit device list` shows all of them, `tacit device revoke` removes one.")
      )
    default:
  }
}

const attempts = (left: number): string =>
  left === 0 ? "no attempt left" : left === 1 ? "1 attempt left" : `${left} attempts left`

/** What a state asks of the person here. */
const answer = async (
  { terminal }: Context,
  questions: Questions.Questions,
  offer: PromiseLinkOffer,
  state: OfferState
): Promise<void> => {
  if (state._tag === "CompareDigits") {
    const same = await questions.yes("Does the new device show the same digits? [yes/no] ")
    return same ? offer.confirm() : offer.deny()
  }
  if (state._tag !== "ScanCode") return
  for (;;) {
    const code = await questions.line("Scan or paste the code that the new device shows: ")
    const refused = await offer.scanned(code).then(
      () => undefined,
      (error: { readonly cause?: unknown }) => String(error.cause)
    )
    if (refused === undefined || refused === "link.closed" || refused === "link.expired") return
    terminal.err(
      refused === "link.code"
        ? "That is the code of another linking. If it is on your new device's screen, somebody stands in between: stop here."
        : "That is no code of a new device. Copy it whole."
    )
  }
}
