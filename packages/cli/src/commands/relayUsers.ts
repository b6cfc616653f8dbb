/**
 * `tacit relay users` and `tacit relay remove`: whom a relay serves, and whom no longer.
 *
 * Spec: docs/spec/14-relay.md §14.8 (relay.remove.1, relay.remove.9).
 */
import { listUsers, type ListedDevice, type ListedUser, removeUser } from "@tacit/relay"
import * as Effect from "effect/Effect"
import type { Command } from "../Command.ts"
import { ExitCode } from "../ExitCode.ts"
import * as Questions from "../Questions.ts"
import { safe, type Terminal } from "../Terminal.ts"
import { UsageError } from "../UsageError.ts"
import { dataOption, existingDatabase } from "./relay.ts"

/** A day of UTC as `2031-05-01`. */
const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

const sizes = ["bytes", "KiB", "MiB", "GiB"]

/** A size for people: at most four digits. */
const size = (bytes: number): string => {
  const step = Math.min(sizes.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10))
  return `${Math.round(bytes / 1024 ** step)} ${sizes[step]!}`
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`

const deviceLine = (device: ListedDevice): string => {
  const { bytes, envelopes, id, lastSeen, removedAt, state } = device
  const seen = lastSeen === undefined ? "not seen yet" : `last seen ${day(lastSeen)}`
  const waiting =
    envelopes === 0
      ? "nothing waits"
      : `${count(envelopes, "envelope")} (${size(bytes)}) ${envelopes === 1 ? "waits" : "wait"}`
  if (state === "served") return `  ${id}  ${seen}, ${waiting}`
  return `  ${id}  ${state === "revoked" ? "revoked by the account" : `removed ${day(removedAt!)}`}`
}

const show = (terminal: Terminal, { account, devices, name, removedAt }: ListedUser): void => {
  const about = removedAt === undefined ? "" : terminal.paint("yellow", `  removed ${day(removedAt)}`)
  terminal.out(`${terminal.paint("bold", safe(name ?? "(name registered again)"))}  ${account}${about}`)
  if (removedAt === undefined) for (const device of devices) terminal.out(deviceLine(device))
}

const record = ({ account, devices, name, removedAt }: ListedUser): object => ({
  type: "user",
  user: name ?? null,
  account,
  removedAt: removedAt ?? null,
  devices: devices.map((device) => ({
    ...device,
    removedAt: device.removedAt ?? null,
    lastSeen: device.lastSeen === undefined ? null : day(device.lastSeen)
  }))
})

export const relayUsers: Command = {
  name: "relay users",
  summary: "list who has an account at the relay",
  about: [
    "Prints each user with their account id and devices: the day (UTC) a device was last logged in, and how much waits for it. The relay keeps the day and no time. Who was removed is listed with the day of the removal.",
    "Works on the database of a relay that runs or is stopped, on the same machine."
  ],
  positionals: [],
  options: [dataOption],
  examples: [
    { line: "tacit relay users", text: "a line for each user and each device" },
    { line: "tacit relay users --json", text: "one object a user" }
  ],
  run: async (context) => {
    const { terminal } = context
    const users = await Effect.runPromise(listUsers({ database: existingDatabase(context) }))
    for (const user of users) {
      if (terminal.json) terminal.record(record(user))
      else show(terminal, user)
    }
    if (users.length === 0 && !terminal.json) terminal.out("Nobody has an account here.")
    return ExitCode.ok
  }
}

/** Fewest digits of an id that name a device. */
const fewest = 6

/** The device of a user that a word names: its id, or the beginning of it. */
const deviceOf = (users: ReadonlyArray<ListedUser>, user: string, word: string): string => {
  const given = word.toLowerCase()
  if (!/^[0-9a-f]+$/.test(given) || given.length < fewest) {
    throw new UsageError(
      `a device is named by at least ${fewest} hexadecimal digits`,
      "`tacit relay users` shows the ids."
    )
  }
  const owner = users.find(({ name }) => name === user) ?? users.find(({ account }) => account === user)
  const named = owner?.devices.filter(({ id }) => id.startsWith(given)) ?? []
  if (named.length > 1) throw new UsageError("more than one device begins so", "Give more digits of its id.")
  return named[0]?.id ?? given
}

export const relayRemove: Command = {
  name: "relay remove",
  summary: "stop serving a user, or one device of theirs, for good",
  about: [
    "Deletes what waits for them, their prekeys and tokens, closes their connections, and answers whoever asks for them that the relay's administrator removed them, and when. What is kept is the name, the account id, the last signed list of devices and the time: so nobody takes the name unnoticed, and what they signed before can still be checked.",
    "It revokes nothing: only the account itself signs which devices it has. Contacts are told that the relay said so.",
    "Works on the database of a relay that runs, which notices within a second, or is stopped. Killed on the way, all of it happened or nothing. Asks before it does it, unless --yes is given. To let somebody register under the name again: tacit relay invite <user> --again."
  ],
  positionals: [{ name: "user", text: "their name, or their account id" }],
  options: [
    dataOption,
    {
      name: "device",
      value: "id",
      text: "only this device, by its id or the first digits of it (`tacit relay users`)"
    },
    { name: "yes", text: "do not ask" }
  ],
  examples: [
    { line: "tacit relay remove alice", text: "asks, then removes alice" },
    { line: "tacit relay remove alice --device 3f2a9c1b --yes", text: "one device of hers" }
  ],
  run: async (context) => {
    const { inputs, terminal } = context
    const database = existingDatabase(context)
    const user = inputs.positional("user")
    const word = inputs.text("device")
    const users = await Effect.runPromise(listUsers({ database }))
    const device = word === undefined ? undefined : deviceOf(users, user, word)
    if (!inputs.flag("yes")) {
      const what = device === undefined ? safe(user) : `device ${device.slice(0, 16)}… of ${safe(user)}`
      const questions = Questions.make(context)
      try {
        if (!(await questions.yes(`Remove ${what} for good? [yes/no] `))) {
          throw new UsageError("it was not confirmed", "Nothing was removed.")
        }
      } finally {
        questions.close()
      }
    }
    const removed = await Effect.runPromise(removeUser({ database, user, ...(device === undefined ? {} : { device }) }))
    const { account, name, removedAt } = removed
    if (terminal.json) {
      terminal.record({ type: "removed", user: name ?? null, account, device: removed.device ?? null, removedAt })
    } else {
      const who = safe(name ?? `${account.slice(0, 16)}…`)
      terminal.out(
        device === undefined
          ? `Removed ${who}. What waited for them is deleted.`
          : `Removed device ${device.slice(0, 16)}… of ${who}. What waited for it is deleted.`
      )
    }
    return ExitCode.ok
  }
}
