/**
 * The keys a `nes` command works with: one's own from their files, those of others from files or from the key service.
 *
 * Spec: docs/spec/15-nes.md §15.1 (rules nes.keys.2, nes.cache.1, nes.offline.1), §15.6 (rule nes.answer.4).
 */
import {
  type AnswerMemory,
  cached,
  firstOf,
  fromFiles,
  type KeySource,
  keyService,
  parsePrivate,
  parsePublic,
  type Seen
} from "@tacit/transport-mqtt/nes"
import * as Result from "effect/Result"
import type { KeyObject } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { UsageError } from "../../UsageError.ts"
import type { Settings } from "./Settings.ts"

const reasons: Readonly<Record<string, string>> = {
  pem: "holds no key of that kind in PEM",
  kind: "holds a key that is not RSA",
  size: "holds a key that is too small or too large",
  exponent: "holds a key with an unusable exponent"
}

const readKey = <E extends { readonly reason: string }>(
  file: string,
  option: string,
  parse: (pem: string) => Result.Result<KeyObject, E>
): KeyObject => {
  let pem: string
  try {
    pem = readFileSync(file, "utf8")
  } catch {
    throw new UsageError(
      `the key file ${file} cannot be read`,
      `Make your keys with \`tacit nes generate\`, or give ${option}.`
    )
  }
  const key = parse(pem)
  if (Result.isSuccess(key)) return key.success
  throw new UsageError(`the key file ${file} ${reasons[key.failure.reason] ?? "cannot be used"}`, `Give ${option}.`)
}

/** One's own private message key. */
export const messageKey = (settings: Settings): KeyObject =>
  readKey(settings.privateMessage, "--private_message", parsePrivate)

/** One's own private signing key. */
export const signKey = (settings: Settings): KeyObject => readKey(settings.privateSign, "--private_sign", parsePrivate)

/** The text of a public key file that holds a usable key. */
export const publicText = (file: string, option: string): string => {
  readKey(file, option, parsePublic)
  return readFileSync(file, "utf8")
}

/** What was seen of bound answers, in a file beside the other files of the profile. */
const answerMemory = (file: string): AnswerMemory => {
  const held = new Map<string, Seen>()
  if (existsSync(file)) {
    try {
      const stored = JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, Seen>>
      for (const [username, { digest, version }] of Object.entries(stored)) held.set(username, { version, digest })
    } catch {
      throw new UsageError(`${file} cannot be read`, "Put back a good copy. Deleting it forgets which keys were seen.")
    }
  }
  return {
    get: (username) => held.get(username),
    set: (username, seen) => {
      const before = held.get(username)
      if (before?.version === seen.version) return
      held.set(username, seen)
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      writeFileSync(`${file}.new`, `${JSON.stringify(Object.fromEntries(held), null, 2)}\n`, { mode: 0o600 })
      renameSync(`${file}.new`, file)
    }
  }
}

/** Keys of others: known ones first, then the key service, each user asked for once. */
export const keysOfOthers = (settings: Settings): KeySource => {
  const known = fromFiles(settings.known)
  const service: KeySource = existsSync(settings.providerKey)
    ? keyService({
        address: settings.provider,
        publicKey: readKey(settings.providerKey, "--provider_key", parsePublic),
        format: settings.format,
        memory: answerMemory(join(dirname(settings.configFile), "answers.json"))
      })
    : {
        keysOf: async (username) => {
          throw new UsageError(
            `no key of ${username} is known, and the key service's own key ${settings.providerKey} is not there`,
            "Give --provider_key, or put the two keys of this user into the --known directory."
          )
        }
      }
  return cached(firstOf(known, service))
}
