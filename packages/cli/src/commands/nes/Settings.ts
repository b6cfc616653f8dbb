/**
 * Settings of the `nes` commands: option, then environment, then configuration file, then default.
 *
 * Spec: docs/spec/15-nes.md §15.8 (rules nes.settings.1, nes.settings.2).
 * Reads the configuration file; reads no key.
 */
import { isUsername, lower } from "@tacit/transport-mqtt/nes"
import { readFileSync } from "node:fs"
import { homedir, userInfo } from "node:os"
import { dirname, join } from "node:path"
import type { Context, Option } from "../../Command.ts"
import { UsageError } from "../../UsageError.ts"

/** The profile's own directory. */
export const home = (env: Context["env"]): string => {
  const base = env.HOME
  return join(base !== undefined && base !== "" ? base : homedir(), ".nes")
}

const usualBroker = "tcp://test.mosquitto.org:1883"
const usualProvider = "https://microshell.pl/pubkey"

/** The options that every `nes` command of a user takes. */
export const options: ReadonlyArray<Option> = [
  {
    name: "broker",
    short: "b",
    value: "url",
    env: "MQTT_BROKER_ADDRESS",
    text: `MQTT broker (default: ${usualBroker})`
  },
  {
    name: "provider",
    short: "p",
    value: "url",
    env: "PUBKEY_ADDRESS",
    text: `key service (default: ${usualProvider})`
  },
  {
    name: "provider_key",
    short: "P",
    value: "file",
    env: "PUBKEY_PUBLIC_KEY_FILE",
    text: "public key of the key service (default: ~/.nes/provider.pub)"
  },
  {
    name: "private_message",
    short: "k",
    value: "file",
    env: "PRIVATE_KEY_MESSAGE_FILE",
    text: "private key that messages are opened with (default: ~/.nes/<user>-rsa-message)"
  },
  {
    name: "public_message",
    short: "K",
    value: "file",
    env: "PUBLIC_KEY_MESSAGE_FILE",
    text: "its public half (default: ~/.nes/<user>-rsa-message.pub)"
  },
  {
    name: "private_sign",
    short: "j",
    value: "file",
    env: "PRIVATE_KEY_SIGN_FILE",
    text: "private key that messages are signed with (default: ~/.nes/<user>-rsa-sign)"
  },
  {
    name: "public_sign",
    short: "J",
    value: "file",
    env: "PUBLIC_KEY_SIGN_FILE",
    text: "its public half (default: ~/.nes/<user>-rsa-sign.pub)"
  },
  {
    name: "user",
    short: "u",
    value: "name",
    env: "NES_USERNAME",
    text: "your name there (default: your name on this machine)"
  },
  { name: "config", short: "c", value: "file", text: "configuration file (default: ~/.nes/config)" },
  {
    name: "known",
    value: "directory",
    env: "NES_KNOWN_KEYS",
    text: "public keys had another way, as <user>-rsa-message.pub and <user>-rsa-sign.pub (default: ~/.nes/known)"
  },
  {
    name: "provider_format",
    value: "format",
    env: "NES_PROVIDER_FORMAT",
    text: "compatible, or bound for a directory of ours, which names user and time (default: compatible)"
  }
]

/** The option of commands that listen or send. */
export const blindOption: Option = {
  name: "blind",
  env: "NES_BLIND",
  text: "use topics that do not name the recipient; both sides must, and the original cannot"
}

/** Settings in force. Paths have no `~` any more. */
export interface Settings {
  readonly configFile: string
  readonly broker: string
  readonly provider: string
  readonly providerKey: string
  readonly privateMessage: string
  readonly publicMessage: string
  readonly privateSign: string
  readonly publicSign: string
  /** In lower case; a name that somebody can have. */
  readonly user: string
  readonly known: string
  readonly format: "compatible" | "bound"
}

const readConfig = (file: string, named: boolean): ReadonlyMap<string, string> => {
  let text: string
  try {
    text = readFileSync(file, "utf8")
  } catch (error) {
    if (!named && (error as NodeJS.ErrnoException).code === "ENOENT") return new Map()
    throw new UsageError(`the configuration file ${file} cannot be read`, "Check --config and the permissions.")
  }
  const values = new Map<string, string>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.trim().startsWith("#")) continue
    const found = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line)
    if (found === null) {
      throw new UsageError(`line ${index + 1} of ${file} is not NAME = value`, "Mend it, or begin it with #.")
    }
    values.set(found[1]!, found[2]!.replace(/^(["'])(.*)\1$/, "$2"))
  }
  return values
}

/** The name that the system knows the person by. */
const systemUser = (env: Context["env"]): string => {
  try {
    return userInfo().username
  } catch {
    return env.USER ?? ""
  }
}

/** Works out the settings of one call. */
export const resolve = ({ env, inputs }: Context): Settings => {
  const folder = home(env)
  const expand = (path: string): string => (path.startsWith("~/") ? join(dirname(folder), path.slice(2)) : path)
  const given = inputs.text("config")
  const configFile = given === undefined ? join(folder, "config") : expand(given)
  const config = readConfig(configFile, given !== undefined)
  const setting = (name: string, usual: string): string => {
    const stated = inputs.text(name)
    if (stated !== undefined && stated !== "") return stated
    const variable = options.find((option) => option.name === name)?.env
    const stored = variable === undefined ? undefined : config.get(variable)
    return stored !== undefined && stored !== "" ? stored : usual
  }
  const user = lower(setting("user", systemUser(env)))
  if (!isUsername(user)) {
    throw new UsageError("a user name is 3 to 32 of a–z, 0–9, _ and -", "Give --user, or set NES_USERNAME.")
  }
  const format = setting("provider_format", "compatible")
  if (format !== "compatible" && format !== "bound") {
    throw new UsageError("--provider_format is compatible or bound", "Leave it out for the original service.")
  }
  const file = (name: string, usual: string): string => expand(setting(name, join(folder, usual)))
  return {
    configFile,
    broker: setting("broker", usualBroker),
    provider: setting("provider", usualProvider).replace(/\/+$/, ""),
    providerKey: file("provider_key", "provider.pub"),
    privateMessage: file("private_message", `${user}-rsa-message`),
    publicMessage: file("public_message", `${user}-rsa-message.pub`),
    privateSign: file("private_sign", `${user}-rsa-sign`),
    publicSign: file("public_sign", `${user}-rsa-sign.pub`),
    user,
    known: file("known", "known"),
    format
  }
}

/** The settings as they stand in a configuration file, in order. */
export const rows = (settings: Settings): ReadonlyArray<readonly [name: string, value: string]> => [
  ["MQTT_BROKER_ADDRESS", settings.broker],
  ["PUBKEY_ADDRESS", settings.provider],
  ["PUBKEY_PUBLIC_KEY_FILE", settings.providerKey],
  ["PRIVATE_KEY_MESSAGE_FILE", settings.privateMessage],
  ["PUBLIC_KEY_MESSAGE_FILE", settings.publicMessage],
  ["PRIVATE_KEY_SIGN_FILE", settings.privateSign],
  ["PUBLIC_KEY_SIGN_FILE", settings.publicSign],
  ["NES_USERNAME", settings.user]
]
