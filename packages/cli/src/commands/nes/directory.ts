/**
 * `tacit nes directory start` and `tacit nes broker start`: the two services of the profile, run by oneself.
 *
 * Spec: docs/spec/15-nes.md §15.5.
 */
import { startBroker } from "@tacit/transport-mqtt/broker"
import { generate, parsePrivate, privatePem, publicPem } from "@tacit/transport-mqtt/nes"
import { smtpMailer, startDirectory } from "@tacit/transport-mqtt/nes/directory"
import * as Result from "effect/Result"
import type { KeyObject } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { dirname, join } from "node:path"
import type { Command, Context } from "../../Command.ts"
import { ExitCode } from "../../ExitCode.ts"
import { UsageError } from "../../UsageError.ts"

const dataDirectory = ({ env, inputs }: Context): string => {
  const base = env.XDG_DATA_HOME
  return (
    inputs.text("data") ??
    join(base !== undefined && base.startsWith("/") ? base : join(homedir(), ".local", "share"), "tacit-nes-directory")
  )
}

/** Bits of a directory's signing key, when it makes one. */
const keyBits = 4096

/** The signing key in a file; made there, with its public half beside it, if the file is not there. */
const obtainKey = async (file: string): Promise<KeyObject> => {
  if (!existsSync(file)) {
    const key = await generate(keyBits)
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(`${file}.pub`, publicPem(key), { mode: 0o644 })
    writeFileSync(file, privatePem(key), { mode: 0o600, flag: "wx" })
    return key
  }
  const key = Result.getOrUndefined(parsePrivate(readFileSync(file, "utf8")))
  if (key === undefined) {
    throw new UsageError(`the key file ${file} holds no usable RSA private key`, "Give --key, or move it away.")
  }
  return key
}

const readPassword = ({ env, inputs }: Context): string | undefined => {
  const file = inputs.text("password-file")
  if (file === undefined) return env.NES_SMTP_PASSWORD
  try {
    return readFileSync(file, "utf8").trim()
  } catch {
    throw new UsageError(`the password file ${file} cannot be read`, "Check the name and the permissions.")
  }
}

const smtpOf = (context: Context) => {
  const { inputs } = context
  const found = /^(smtps?):\/\/([^/:@\s]+|\[[0-9a-f:]+\])(?::(\d{1,5}))?\/?$/i.exec(inputs.required("smtp"))
  if (found === null) {
    throw new UsageError("--smtp is no address of a mail server", "Give smtp://host:port or smtps://host:port.")
  }
  const [, scheme = "", host = "", port] = found
  const secure = scheme.toLowerCase() === "smtps"
  const user = inputs.text("smtp-user")
  const password = readPassword(context)
  return {
    host: host.replace(/^\[|\]$/g, ""),
    port: port === undefined ? (secure ? 465 : 587) : Number(port),
    secure,
    from: inputs.required("mail-from"),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password })
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener("abort", () => resolve(), { once: true })
  })

export const nesDirectoryStart: Command = {
  name: "nes directory start",
  summary: "run a key service for the nes profile",
  about: [
    "Keeps names and public keys, signs every answer, and mails the links that make a name active and remove it. It listens on this machine only, unless --public is given; then put TLS in front of it. Its signing key is made at the first start; give its public half, the .pub file, to the users.",
    "A password for the mail server is read from --password-file or NES_SMTP_PASSWORD. Ends at SIGTERM or SIGINT."
  ],
  positionals: [],
  options: [
    {
      name: "host",
      value: "address",
      env: "NES_DIRECTORY_HOST",
      text: "address to listen on (default: 127.0.0.1, with --public 0.0.0.0)"
    },
    {
      name: "port",
      value: "port",
      env: "NES_DIRECTORY_PORT",
      default: "8080",
      text: "port to listen on; 0 takes a free one"
    },
    {
      name: "data",
      value: "directory",
      env: "NES_DIRECTORY_DATA",
      text: "directory of database and key (default: see docs/configuration.md)"
    },
    {
      name: "key",
      value: "file",
      env: "NES_DIRECTORY_KEY",
      text: "signing key, RSA private key in PEM (default: directory-rsa-sign in the data directory)"
    },
    {
      name: "address",
      value: "url",
      env: "NES_DIRECTORY_ADDRESS",
      text: "address under which people reach it, for the links in mails (default: where it listens)"
    },
    { name: "public", env: "NES_DIRECTORY_PUBLIC", text: "allow an address that other machines reach" },
    {
      name: "behind-proxy",
      env: "NES_DIRECTORY_BEHIND_PROXY",
      text: "take callers' addresses from X-Forwarded-For, for the limits"
    },
    { name: "smtp", value: "url", env: "NES_SMTP", text: "mail server: smtp://host:port or smtps://host:port" },
    { name: "smtp-user", value: "name", env: "NES_SMTP_USER", text: "name at the mail server" },
    { name: "password-file", value: "file", text: "read the password at the mail server from this file" },
    { name: "mail-from", value: "address", env: "NES_MAIL_FROM", text: "sender of the mails" }
  ],
  examples: [
    {
      line: "tacit nes directory start --smtp smtp://localhost:25 --mail-from keys@localhost",
      text: "on this machine, with its own mail server"
    },
    {
      line: "tacit nes directory start --public --behind-proxy --address https://keys.example --smtp smtps://mail.example --smtp-user keys --password-file mail.txt --mail-from keys@keys.example",
      text: "for others, behind a proxy that does TLS"
    }
  ],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    const port = inputs.whole("port", 0, 65_535) ?? 8080
    const host = inputs.text("host")
    const address = inputs.text("address")
    const smtp = smtpOf(context)
    const data = dataDirectory(context)
    mkdirSync(data, { recursive: true, mode: 0o700 })
    const keyFile = inputs.text("key") ?? join(data, "directory-rsa-sign")
    const key = await obtainKey(keyFile)
    await using directory = await startDirectory({
      database: join(data, "directory.db"),
      key,
      mailer: smtpMailer(smtp),
      port,
      ...(host === undefined ? {} : { host }),
      ...(address === undefined ? {} : { address: address.replace(/\/+$/, "") }),
      public: inputs.flag("public"),
      behindProxy: inputs.flag("behind-proxy"),
      ...(terminal.debug ? { log: terminal.err } : {})
    })
    if (terminal.json) {
      terminal.record({ type: "ready", url: directory.address, port: directory.port, key: `${keyFile}.pub` })
    } else {
      terminal.out(`Key service ready at ${directory.address}`)
      terminal.out(terminal.paint("dim", `Users need its public key: ${keyFile}.pub. Stop with Ctrl-C.`))
    }
    await aborted(signal)
    return ExitCode.ok
  }
}

export const nesBrokerStart: Command = {
  name: "nes broker start",
  summary: "run an MQTT broker on this machine, for trying things out",
  about: ["Keeps nothing and asks for no password. For more than a trial use a broker such as Mosquitto."],
  positionals: [],
  options: [
    { name: "port", value: "port", default: "1883", text: "port to listen on, on 127.0.0.1; 0 takes a free one" }
  ],
  examples: [{ line: "tacit nes broker start", text: "listen on tcp://127.0.0.1:1883" }],
  run: async ({ inputs, signal, terminal }) => {
    await using broker = await startBroker({ port: inputs.whole("port", 0, 65_535) ?? 1883 })
    if (terminal.json) terminal.record({ type: "ready", url: broker.url })
    else terminal.out(`Broker ready at ${broker.url}`)
    await aborted(signal)
    return ExitCode.ok
  }
}
