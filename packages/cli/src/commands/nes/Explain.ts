/**
 * Errors of the `nes` profile, for people. Explain.ts asks here first.
 *
 * Spec: docs/spec/15-nes.md.
 */
import { ExitCode } from "../../ExitCode.ts"
import { safe } from "../../Terminal.ts"

type Said = readonly [exit: ExitCode, message: string, next: string]

const brokerErrors: Readonly<Record<string, Said>> = {
  address: [ExitCode.usage, "that is no address of a broker", "Give --broker tcp://host:port."],
  unreachable: [ExitCode.unreachable, "the broker cannot be reached", "Check --broker and the network."],
  timeout: [ExitCode.unreachable, "the broker did not confirm the message in time", "It may have it; nobody knows."],
  refused: [ExitCode.refused, "the broker refused", "Ask its operator, or use another --broker."]
}

const keyErrors: Readonly<Record<string, Said>> = {
  "unknown-user": [
    ExitCode.refused,
    "the key service knows no such user",
    "Check the spelling; a name counts once its link was opened."
  ],
  unreachable: [ExitCode.unreachable, "the key service cannot be reached", "Check --provider and the network."],
  busy: [ExitCode.refused, "too many keys were asked for in a minute", "Try again in a minute."],
  status: [ExitCode.refused, "the key service refused", "Try again later, or check --provider."],
  malformed: [ExitCode.refused, "the key service's answer cannot be read", "Check --provider and --provider_format."],
  signature: [
    ExitCode.identityChanged,
    "the key service's answer is not signed with its key",
    "Check --provider_key; somebody may be in between."
  ],
  "other-user": [ExitCode.identityChanged, "the key service answered about somebody else", "Nothing was sent."],
  time: [ExitCode.identityChanged, "the key service's answer is of another time", "Check this machine's clock."],
  rollback: [
    ExitCode.identityChanged,
    "the key service gave keys that have been replaced since",
    "Nothing was sent. Ask them for their keys over another channel."
  ],
  fork: [
    ExitCode.identityChanged,
    "the key service tells another history of this user than before",
    "Nothing was sent. Ask them for their keys over another channel."
  ],
  keys: [ExitCode.refused, "the keys of this user cannot be used", "Ask them to register again."]
}

const messageErrors: Readonly<Record<string, Said>> = {
  name: [ExitCode.usage, "a user name is 3 to 32 of a–z, 0–9, _ and -", "Check --to."],
  text: [ExitCode.usage, "the message is empty", "Nothing was sent."],
  size: [ExitCode.usage, "the message is too long for one frame", "Send it in parts. Nothing was sent."]
}

const directoryErrors: Readonly<Record<string, Said>> = {
  database: [ExitCode.store, "the directory's database cannot be used", "Check --data, permissions and the disk."],
  newer: [ExitCode.store, "the directory's database was written by a newer release", "Update tacit."],
  listen: [ExitCode.failed, "the directory cannot listen there", "Choose another --port, or 0 for a free one."],
  "not-public": [
    ExitCode.usage,
    "other machines would reach that address",
    "Add --public if that is meant, and put TLS in front of it."
  ],
  address: [ExitCode.usage, "--address is no address", "Give it as https://host/path, without a slash at its end."]
}

const families: Readonly<Record<string, Readonly<Record<string, Said>>>> = {
  BrokerError: brokerErrors,
  KeyError: keyErrors,
  NesMessageError: messageErrors,
  DirectoryError: directoryErrors
}

/** What to say about an error of the profile; nothing if it is none. */
export const explainNes = (
  error: unknown
): { readonly exit: ExitCode; readonly code: string; readonly message: string; readonly next: string } | undefined => {
  if (typeof error !== "object" || error === null || !("_tag" in error) || typeof error._tag !== "string") {
    return undefined
  }
  if (error._tag === "RegistrationRefused" && "explanation" in error) {
    const said = safe(String(error.explanation))
    return {
      exit: ExitCode.refused,
      code: "RegistrationRefused",
      message: `the key service refused${said === "" ? "" : `: ${said}`}`,
      next: "Nothing was registered."
    }
  }
  const said = "reason" in error ? families[error._tag]?.[String(error.reason)] : undefined
  if (said === undefined) return undefined
  const [exit, message, next] = said
  return { exit, code: error._tag, message, next }
}
