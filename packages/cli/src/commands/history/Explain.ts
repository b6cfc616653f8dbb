/**
 * Errors of histories in words: what happened, and what to do next.
 *
 * Spec: docs/spec/23-history.md rule history.outcome.1.
 */
import { ExitCode } from "../../ExitCode.ts"
import type { Explanation } from "../../Explain.ts"

interface Tagged {
  readonly _tag: string
  readonly [field: string]: unknown
}

type Words = readonly [exit: ExitCode, message: string, next: string]

const damaged = "What stood before the damage was taken, nothing behind it. Copy the file anew, or export it again."

/** Why an archive is refused. */
const refusals: Readonly<Record<string, Words>> = {
  "history.header": [
    ExitCode.usage,
    "this is no archive of a history",
    "Nothing was taken. Give a file that `tacit history export` wrote."
  ],
  "history.version": [ExitCode.usage, "a later release wrote this archive", "Nothing was taken. Update tacit."],
  "history.account": [
    ExitCode.usage,
    "this archive belongs to another account",
    "Nothing was taken. An archive is for the devices of its own account."
  ],
  "history.key": [
    ExitCode.locked,
    "this is not the key of the archive, or the head of the file was changed",
    "Nothing was taken. Give the key that was shown when the file was written."
  ],
  "history.chunk": [ExitCode.failed, "the archive was changed, or parts of it are in another order", damaged],
  "history.truncated": [ExitCode.failed, "the archive ends too early", damaged],
  "history.content": [ExitCode.failed, "the archive holds what no history has", damaged],
  "bad-range": [ExitCode.usage, "that is no part of a history", "Give --all, --since, --last or --conversation."],
  "bad-key": [ExitCode.usage, "that is no key of an archive", "It has 64 hexadecimal digits."],
  "bad-device": [
    ExitCode.usage,
    "the account has no such other device that can read",
    "`tacit device list` shows the devices it has."
  ]
}

/** Why an archive between devices came to nothing. */
const endings: Readonly<Record<string, Words>> = {
  declined: [
    ExitCode.failed,
    "the other device did not want the archive",
    "It takes one when it keeps a history: run `tacit history on` there, or `tacit history ask`."
  ]
}

/** What an error of a history means; `undefined` for every other error. */
export const explainHistory = (error: Tagged): Explanation | undefined => {
  const words = wordsOf(error)
  if (words === undefined) return undefined
  const [exit, message, next] = words
  return { exit, code: error._tag, message, next }
}

const wordsOf = (error: Tagged): Words | undefined => {
  const reason = String(error["reason"])
  switch (error._tag) {
    case "HistoryOff":
      return [ExitCode.usage, "this profile keeps no history", "Run `tacit history on` first."]
    case "HistoryPending":
      return [
        ExitCode.unreachable,
        "the history is not complete yet",
        "Nothing is lost: it goes on whenever both devices are open. `tacit history status --wait` stays with it."
      ]
    case "HistoryEnded":
      return (
        endings[reason] ?? [
          ExitCode.failed,
          `the archive could not be read (${reason})`,
          "Nothing of what came before is lost. Begin anew: `tacit history ask`."
        ]
      )
    case "ArchiveError":
      return refusals[reason]
    default:
      return undefined
  }
}
