/**
 * From an error to what a person reads: what happened, what to do next, and the exit code.
 *
 * Spec: docs/spec/14-relay.md §14.1 (codes); docs/spec/07-sequencing.md §7.3.
 * Repeats no secret, plaintext or bytes of a peer; the technical cause is shown only with `--debug`.
 */
import { explainHistory } from "./commands/history/Explain.ts"
import { explainNes } from "./commands/nes/Explain.ts"
import { ExitCode } from "./ExitCode.ts"
import { explainVault } from "./vault/Explain.ts"

export interface Explanation {
  readonly exit: ExitCode
  /** The error's tag, or `Failed`. */
  readonly code: string
  readonly message: string
  /** What to do next. */
  readonly next: string
}

interface Tagged {
  readonly _tag: string
  readonly [field: string]: unknown
}

const isTagged = (error: unknown): error is Tagged =>
  typeof error === "object" && error !== null && "_tag" in error && typeof error._tag === "string"

const field = (error: Tagged, name: string): string => {
  const value = error[name]
  return typeof value === "string" ? value : ""
}

/** Every public error has its line here; anything else is `Failed` with exit code 1. */
export const explain = (error: unknown): Explanation => {
  if (error instanceof Error && error.name === "AbortError") {
    return { exit: ExitCode.interrupted, code: "Interrupted", message: "interrupted", next: "Run it again to go on." }
  }
  if (!isTagged(error)) return failed(error)
  const special = explainNes(error) ?? explainHistory(error)
  if (special !== undefined) return special
  const as = (exit: ExitCode, message: string, next: string): Explanation => ({ exit, code: error._tag, message, next })
  switch (error._tag) {
    case "UsageError":
      return as(ExitCode.usage, field(error, "message"), field(error, "next"))
    case "NotRegistered":
      return as(
        ExitCode.notRegistered,
        "this profile holds no account yet",
        "Run `tacit register --relay <url> --user <name>` first."
      )
    case "AlreadyRegistered":
      return as(ExitCode.notRegistered, "this profile already holds an account", "Use it, or choose another --profile.")
    case "Refused":
      return refused(field(error, "code"), field(error, "explanation"), error["retryAfterMs"])
    case "UnknownUser":
      return as(
        ExitCode.refused,
        `the relay knows no user ${field(error, "user")}`,
        "Check the spelling, or ask them for their name."
      )
    case "TransportError":
      return as(
        ExitCode.unreachable,
        "the relay cannot be reached",
        "Check the address (--relay) and the network. What was queued is kept and sent later."
      )
    case "Unreachable":
      return as(
        ExitCode.unreachable,
        field(error, "message"),
        "Check the address (--relay) and the network. What was queued is kept and sent later."
      )
    case "IdentityChanged":
      return as(
        ExitCode.identityChanged,
        `the name ${field(error, "user")} now stands for another identity (${short(field(error, "offered"))}) than the one known (${short(field(error, "pinned"))})`,
        "Compare the account ids with them over another channel, then send again with --accept-identity <account id>."
      )
    case "TrustRefused":
      return as(
        ExitCode.policy,
        `the trust policy does not let this through (${field(error, "event")}: ${field(error, "decision")} by rule ${field(error, "rule")})`,
        remedies[field(error, "remedy")] ?? ""
      )
    case "SafetyMismatch":
      return as(ExitCode.mismatch, ...mismatch(field(error, "outcome"), field(error, "side")))
    case "LinkRefused":
      return as(ExitCode.usage, ...invitationTrouble(field(error, "cause")))
    case "InvalidPolicy":
      return as(ExitCode.usage, `this is no trust policy: ${problemsOf(error["problems"])}`, "Nothing was changed.")
    case "PeerMisbehaved":
      return as(
        ExitCode.refused,
        `what the relay said about ${field(error, "user")} does not verify (${field(error, "failure")})`,
        "Nothing was sent. Tell the relay's operator."
      )
    case "LinkEnded":
      return as(...(endings[field(error, "reason")] ?? endings["failed"]!))
    case "LinkUnsupported":
      return as(ExitCode.usage, "this relay's transport cannot link devices", "Update it, or use another one.")
    case "Revoked":
      return as(
        ExitCode.revoked,
        "this device was removed from its account",
        "Nothing was sent, and nothing will be. What it has stored can still be read. Link it anew, or register under another --profile."
      )
    case "RemovedByRelay":
      return as(ExitCode.removed, ...removedByRelay(field(error, "user"), error["own"] === true, error["removedAt"]))
    case "RemovedUser":
      return as(
        ExitCode.usage,
        `the user ${field(error, "user")} was removed from this relay`,
        "To let a new account take the name, add --again."
      )
    case "CannotRemove":
      return as(
        ExitCode.usage,
        field(error, "reason") === "unknown-device" ? "they have no such device here" : "the relay knows no such user",
        "`tacit relay users` shows everybody, with their devices. Nothing was removed."
      )
    case "NotAdmin":
      return as(
        ExitCode.usage,
        "this device may not change the account's devices",
        "Do it on an admin device: `tacit device list` shows which are."
      )
    case "UnknownDevice":
      return as(ExitCode.usage, "the account has no such device", "`tacit device list` shows the devices it has.")
    case "CannotRevise":
      return as(...(revisions[field(error, "reason")] ?? revisions["contended"]!))
    case "AttachmentError":
      return fileTrouble(field(error, "reason"), error["retryAfterMs"])
    case "InvalidMessage":
      return as(ExitCode.usage, invalid[field(error, "reason")] ?? "the message is not valid", "Nothing was sent.")
    case "InvalidSetting":
      return as(...(settings[field(error, "reason")] ?? settings["name"]!))
    case "StoreError":
      return (
        unusable(error["cause"]) ??
        explainVault(error["cause"]) ??
        as(
          ExitCode.store,
          `the store failed to ${field(error, "operation")}`,
          "Check disk space and permissions of the data directory, then try again."
        )
      )
    case "InvalidAddress":
      return as(
        ...(addresses[field(error, "reason")] ?? [
          ExitCode.usage,
          "the relay's address cannot be used",
          "Give --relay wss://… or mqtts://…."
        ])
      )
    case "LeaseLost":
      return as(ExitCode.store, "another process uses this profile", "Stop the other one, or use another --profile.")
    case "Conflict":
      return as(ExitCode.store, "another process changed the store", "Stop the other one, then try again.")
    case "StoredRecordError":
      return error["reason"] === "version"
        ? as(
            ExitCode.store,
            `the store holds a ${field(error, "kind")} record of a newer release`,
            "Update tacit. Nothing was changed."
          )
        : as(
            ExitCode.store,
            `the store's ${field(error, "kind")} record is damaged`,
            "Put back a backup, or register a new device. Nothing was changed."
          )
    case "RelayError":
      return as(
        ...(relayErrors[field(error, "reason")] ?? [ExitCode.failed, "the relay failed", "Run it again with --debug."])
      )
    case "InvalidUser":
      return as(ExitCode.usage, invalid["bad-user"] ?? "", "Choose another name.")
    case "CustodyError":
      return as(
        ExitCode.store,
        "the private keys cannot be used",
        "Check that the profile is complete, or register again."
      )
    default:
      return failed(error)
  }
}

const remedies: Readonly<Record<string, string>> = {
  verify: "Compare safety numbers: `tacit verify <contact>`.",
  approve: "Approve the contact: `tacit trust approve <contact>`; or compare safety numbers: `tacit verify <contact>`.",
  "change-policy": "Only another policy lets it through: `tacit trust policy show`, `tacit trust policy set`."
}

const sides: Readonly<Record<string, string>> = {
  own: "the other one sees other keys for you",
  peer: "you see other keys than the other one has",
  both: "both of you see other keys"
}

/** What a comparison that did not agree means (§17.4), and what to do. */
const mismatch = (outcome: string, side: string): readonly [message: string, next: string] => {
  const whose = sides[side] === undefined ? "" : `: ${sides[side]}`
  switch (outcome) {
    case "safety.account":
      return [`these are other accounts${whose}`, "Somebody may stand between you. Do not go on under this name."]
    case "safety.devices":
      return [
        `the accounts are the same, with other devices${whose}`,
        "Send each other a message, then compare again. If it stays, do not go on."
      ]
    case "safety.digits":
      return [
        "the digits do not agree",
        "Compare again, by code if possible. If they stay different, somebody may stand between you."
      ]
    case "safety.reflected":
      return ["that is your own code", "Take the code that the other one shows."]
    case "safety.version":
      return ["that code is of other software", "Update, or compare the digits."]
    default:
      return ["those are no digits or no code of a safety number", "Copy or read them again."]
  }
}

/** How a linking ended (docs/spec/19-linking.md link.abort.1). */
const endings: Readonly<Record<string, readonly [ExitCode, string, string]>> = {
  cancelled: [ExitCode.refused, "the linking was cancelled", "Nothing was added. Begin again with a new invitation."],
  expired: [ExitCode.refused, "the invitation has expired", "Nothing was added. Make a new one: `tacit device link`."],
  attempts: [
    ExitCode.mismatch,
    "the PIN was wrong three times",
    "Nothing was added. Begin again, and look at the screen of the device you are linking with."
  ],
  mismatch: [
    ExitCode.mismatch,
    "the two devices do not show the same digits",
    "Nothing was added. Somebody may stand in between: begin again over another network."
  ],
  "no-challenge": [
    ExitCode.usage,
    "the two devices have no challenge in common",
    "Give the same --challenge, or --fingerprint, on both."
  ],
  refused: [
    ExitCode.refused,
    "the other device is not acceptable",
    "Nothing was added. Update both, then begin again."
  ],
  failed: [
    ExitCode.failed,
    "the linking did not come to its end",
    "A device that was added already is removed again. Begin anew with a new invitation."
  ]
}

/** Why a file was not sent or fetched (docs/spec/11-attachments.md §11.3, §11.4). */
const fileTroubles: Readonly<Record<string, readonly [ExitCode, string, string]>> = {
  expired: [ExitCode.refused, "the file is not kept any more", "Ask for it again."],
  missing: [ExitCode.refused, "the file is not there: its sender deleted it, or it was lost", "Ask for it again."],
  "too-large": [
    ExitCode.refused,
    "the file is larger than the relay takes, or than was allowed",
    "Send less, or raise --max-file."
  ],
  quota: [ExitCode.refused, "the relay has no room for the file now", "Try again later."],
  grant: [ExitCode.refused, "the relay does not take files from this account", "Ask its operator."],
  place: [ExitCode.refused, "the file is kept at another place than the own relay", "Ask for it over the relay."],
  unreachable: [
    ExitCode.unreachable,
    "the relay cannot be reached for the file",
    "Try again: it goes on where it was."
  ],
  answer: [ExitCode.failed, "the relay does not keep to the protocol", "Tell its operator."],
  off: [ExitCode.usage, "this transport carries no files", "Use a relay at a ws:// or wss:// address."],
  source: [ExitCode.usage, "the file changed while it was read", "Try again when nobody writes to it."],
  changed: [ExitCode.usage, "what is there is not the beginning of this file", "Delete it, then try again."],
  "in-use": [ExitCode.usage, "the same upload is running already", "Wait for it."],
  invalid: [ExitCode.usage, "the name or type of the file cannot be sent", "Rename it."]
}

const fileTrouble = (reason: string, retryAfterMs: unknown): Explanation => {
  const [exit, message, next] = fileTroubles[reason] ?? [
    ExitCode.failed,
    `the file was damaged on its way, or is not what the message says (${reason})`,
    "Nothing behind the damage was kept. Ask for it again."
  ]
  const wait =
    typeof retryAfterMs === "number" && retryAfterMs > 0 ? ` Not before ${Math.ceil(retryAfterMs / 1000)} s.` : ""
  return { exit, code: `AttachmentError:${reason}`, message, next: `${next}${wait}` }
}

/** Why an invitation was not taken (docs/spec/19-linking.md §19.1). */
const invitationTrouble = (cause: string): readonly [message: string, next: string] => {
  switch (cause) {
    case "link.expired":
      return ["this invitation has expired", "Ask for a new one."]
    case "link.reflected":
      return ["this invitation is your own", "Give it to somebody else."]
    case "link.device":
      return ["the device that made this invitation was removed from its account", "Ask for a new one."]
    case "link.no-challenge":
      return ["the two devices have no challenge in common", "Give the same --challenge, or --fingerprint, on both."]
    case "link.version":
      return ["this invitation needs a newer version of this software", "Update."]
    case "link.purpose":
      return ["this is no invitation of this kind", "Copy the link whole."]
    default:
      return [`this invitation or code cannot be used (${cause})`, "Copy it whole, or ask for a new one."]
  }
}

const problemsOf = (problems: unknown): string =>
  Array.isArray(problems)
    ? (problems as ReadonlyArray<{ readonly at: string; readonly problem: string }>)
        .map(({ at, problem }) => (at === "" ? problem : `${at} ${problem}`))
        .join("; ")
    : ""

const failed = (error: unknown): Explanation => ({
  exit: ExitCode.failed,
  code: isTagged(error) ? error._tag : "Failed",
  message: error instanceof Error && error.message !== "" ? error.message : "it failed",
  next: "Run it again with --debug for the technical cause."
})

/** What the SQLite store says about its file; its own sentence names path and remedy. */
const unusable = (cause: unknown): Explanation | undefined => {
  if (!isTagged(cause) || cause._tag !== "StoreUnusable") return undefined
  const inUse = cause["reason"] === "in-use"
  return {
    exit: ExitCode.store,
    code: `StoreUnusable:${field(cause, "reason")}`,
    message: inUse ? "another process uses this profile" : field(cause, "message"),
    next: inUse ? "Stop the other one, or use another --profile." : "Nothing was changed."
  }
}

const addresses: Readonly<Record<string, readonly [ExitCode, string, string]>> = {
  insecure: [
    ExitCode.usage,
    "plain ws:// or mqtt:// to another machine would show tokens and metadata to the network",
    "Use wss:// or mqtts://, or give the steward's key in an mqtt:// address."
  ]
}

/** Of a relay's own process, not of one that answers. */
const relayErrors: Readonly<Record<string, readonly [ExitCode, string, string]>> = {
  database: [
    ExitCode.store,
    "the relay's database cannot be used",
    "Check the --data directory, its permissions and the disk."
  ],
  newer: [ExitCode.store, "the relay's database was written by a newer release", "Update tacit. Nothing was changed."],
  "in-use": [
    ExitCode.store,
    "another relay serves this database",
    "Stop the other one, or use another --data directory."
  ],
  broker: [
    ExitCode.unreachable,
    "the broker cannot be reached or refuses",
    "Check the --broker address, its user and password, and that the broker runs."
  ],
  listen: [
    ExitCode.failed,
    "the relay cannot listen there",
    "The port may be taken: choose another --port, or 0 for a free one."
  ],
  "not-public": [
    ExitCode.usage,
    "other machines would reach that address",
    "Add --public if that is meant, and put TLS in front of it."
  ],
  storage: [ExitCode.store, "the relay's storage failed", "Check the disk, then start it again."]
}

const revisions: Readonly<Record<string, readonly [ExitCode, string, string]>> = {
  "last-admin": [
    ExitCode.usage,
    "it is the last device that may change the account's devices",
    "Link another admin device first; without one nobody could remove a device again."
  ],
  full: [
    ExitCode.refused,
    "the account's list of devices is full",
    "It holds 50 devices and 500 that were removed. Remove one, or make a new account."
  ],
  contended: [
    ExitCode.refused,
    "other devices keep changing the account's devices at the same time",
    "Nothing is lost. Try again in a moment."
  ]
}

const removedByRelay = (user: string, own: boolean, removedAt: unknown): readonly [message: string, next: string] => {
  const when = typeof removedAt === "number" ? ` on ${new Date(removedAt).toISOString().slice(0, 10)}` : ""
  return own
    ? [
        `the relay's administrator removed this account or device${when}`,
        "Nothing was sent. What is stored can still be read. Ask the administrator for an invitation, and register under another --profile."
      ]
    : [
        `the relay says that its administrator removed ${user === "" ? "this contact" : user}${when}`,
        "Nothing was sent. They did not say so themselves: ask them over another channel."
      ]
}

const short = (id: string): string => `${id.slice(0, 8)}…`

const invalid: Readonly<Record<string, string>> = {
  "too-large": "the message is larger than 65,536 bytes",
  "empty-key": "the idempotency key is empty or too long",
  "bad-media-type": "the media type is not valid",
  "bad-user": "that is not a user name: letters a–z, digits, dots, dashes and underscores, at most 64",
  "bad-invitation": "the relay's address or the time of the invitation is out of bounds",
  "not-unicode": "the text holds half a surrogate pair and has no UTF-8 form"
}

const settings: Readonly<Record<string, readonly [code: ExitCode, message: string, next: string]>> = {
  name: [
    ExitCode.usage,
    "that names no setting",
    "Use 1 to 64 characters of ASCII, without blanks. Nothing was changed."
  ],
  value: [ExitCode.usage, "the value is longer than 256 bytes", "Nothing was changed."],
  full: [
    ExitCode.usage,
    "there are 128 settings already",
    "Take one back: `tacit settings unset <name>`. Nothing was changed."
  ]
}

const relayCodes: Readonly<Record<string, readonly [message: string, next: string]>> = {
  "bad-password": [
    "the relay does not accept this user and one-time password",
    "Ask the relay's operator for a new one: `tacit relay invite <user>`."
  ],
  "name-taken": ["this name belongs to somebody else", "Choose another --user."],
  "bad-proof": [
    "the relay does not accept the proof of possession",
    "Check that --relay is the relay that issued the password."
  ],
  "unknown-device": ["the relay does not know this device, or it was removed", "Register again under a new --profile."],
  "removed-by-relay": [
    "the relay's administrator removed this account or device",
    "What is stored can still be read. Ask the administrator for an invitation, and register under another --profile."
  ],
  "unknown-user": ["the relay knows no such user", "Check the spelling, or ask them for their name."],
  "stale-state": ["this store is an old copy", "Use the newest copy of the data directory."],
  "wrong-relay": [
    "the relay at this address has another name than before",
    "Check --relay; somebody may be in between."
  ],
  "not-entitled": ["this account may not use the relay now", "Ask the platform it belongs to."],
  quota: ["the recipient's mailbox is full", "Try again when they have been online."],
  "rate-limited": ["too many requests", "Wait, then try again."],
  "going-away": ["the relay is shutting down", "Try again in a moment."]
}

const refused = (code: string, explanation: string, retryAfterMs: unknown): Explanation => {
  const [message, next] = relayCodes[code] ?? [
    `the relay refused (${code})`,
    explanation === "" ? "Ask the relay's operator." : explanation
  ]
  const wait =
    typeof retryAfterMs === "number" && retryAfterMs > 0 ? ` Not before ${Math.ceil(retryAfterMs / 1000)} s.` : ""
  const exit = code === "removed-by-relay" ? ExitCode.removed : ExitCode.refused
  return { exit, code: `Refused:${code}`, message, next: `${next}${wait}` }
}
