/**
 * `tacit relay start` and `tacit relay invite`: running a relay, and letting people in.
 *
 * Spec: docs/spec/14-relay.md §14.2 (relay.register.1), §14.4 (relay.shutdown.1).
 */
import { issueInvitation, startRelay, startSteward } from "@tacit/relay"
import * as Effect from "effect/Effect"
import { existsSync, mkdirSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import type { Command, Context, Option } from "../Command.ts"
import { ExitCode } from "../ExitCode.ts"
import { platformOf, platformOptions } from "../RelayPlatform.ts"
import { UsageError } from "../UsageError.ts"

/** Port the relay listens on unless told otherwise. */
export const defaultPort = 8443

export const dataOption: Option = {
  name: "data",
  value: "directory",
  env: "TACIT_RELAY_DATA",
  text: "directory of the relay's database (default: see docs/configuration.md)"
}

/** The database in the relay's directory, which must be there. */
export const existingDatabase = (context: Context): string => {
  const database = join(dataDirectory(context), "relay.db")
  if (!existsSync(database)) {
    throw new UsageError(
      `there is no relay database at ${database}`,
      "Start the relay once, or give its --data directory."
    )
  }
  return database
}

const dataDirectory = ({ inputs, env }: Context): string => {
  const base = env.XDG_DATA_HOME
  return (
    inputs.text("data") ??
    join(base !== undefined && base.startsWith("/") ? base : join(homedir(), ".local", "share"), "tacit-relay")
  )
}

export const relayStart: Command = {
  name: "relay start",
  summary: "run a relay",
  about: [
    "The relay keeps accounts, public keys and sealed envelopes, and pushes them to devices. It can read nothing. It listens on this machine only, unless --public is given; then put TLS in front of it.",
    "Ends at SIGTERM or SIGINT within ten seconds, with code 0. `tacit relay invite`, `users` and `remove` may be used while it runs."
  ],
  positionals: [],
  options: [
    {
      name: "host",
      value: "address",
      env: "TACIT_RELAY_HOST",
      text: "address to listen on (default: 127.0.0.1, with --public 0.0.0.0)"
    },
    {
      name: "port",
      value: "port",
      env: "TACIT_RELAY_PORT",
      default: String(defaultPort),
      text: "port to listen on; 0 takes a free one"
    },
    dataOption,
    {
      name: "name",
      value: "name",
      env: "TACIT_RELAY_NAME",
      default: "localhost",
      text: "name that logins are bound to; never change it later"
    },
    { name: "public", env: "TACIT_RELAY_PUBLIC", text: "allow an address that other machines reach" },
    {
      name: "broker",
      value: "url",
      env: "TACIT_RELAY_BROKER",
      text: "serve through this MQTT broker instead of listening: mqtts://[user:password@]host[:port][/root]"
    },
    {
      name: "max-file",
      value: "MiB",
      env: "TACIT_RELAY_MAX_FILE",
      default: "100",
      text: "longest file that is kept; 0 keeps none"
    },
    {
      name: "keep-files",
      value: "days",
      env: "TACIT_RELAY_KEEP_FILES",
      default: "30",
      text: "how long files are kept"
    },
    {
      name: "files-port",
      value: "port",
      env: "TACIT_RELAY_FILES_PORT",
      text: "with --broker, serve files over HTTP on this port; 0 takes a free one (default: no files)"
    },
    ...platformOptions
  ],
  examples: [
    { line: "tacit relay start", text: `listen on ws://localhost:${defaultPort}` },
    {
      line: "tacit relay start --public --name relay.example --data /srv/tacit",
      text: "for other machines, behind a proxy that does TLS"
    },
    {
      line: "tacit relay start --issuers platform.json --hide-names",
      text: "users of a platform come with a signed token, and are found by link or code only"
    },
    {
      line: "tacit relay start --broker mqtts://broker.example/team --name team.example",
      text: "through a broker; prints the address that clients use"
    }
  ],
  run: async (context) => {
    const { inputs, terminal, signal } = context
    const port = inputs.whole("port", 0, 65_535) ?? defaultPort
    const host = inputs.text("host")
    const directory = dataDirectory(context)
    const platform = platformOf(context)
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const database = join(directory, "relay.db")
    const service = { database, name: inputs.required("name"), attachments: filesOf(context), ...platform }
    const filesPort = inputs.whole("files-port", 0, 65_535)
    // What an operator answers for is always told; everything else on request.
    const log = (line: string): void => {
      if (terminal.debug || line.includes(" audit=")) terminal.err(line)
    }
    const broker = inputs.text("broker")
    await using relay =
      broker === undefined
        ? await startRelay(
            { ...service, port, ...(host === undefined ? {} : { host }), public: inputs.flag("public") },
            log
          )
        : await startSteward(
            {
              ...service,
              broker,
              ...(filesPort === undefined
                ? {}
                : {
                    files: {
                      port: filesPort,
                      ...(host === undefined ? {} : { host }),
                      public: inputs.flag("public")
                    }
                  })
            },
            log
          )
    const files = "filesUrl" in relay ? relay.filesUrl : undefined
    if (terminal.json) {
      const more = files === undefined ? {} : { files }
      terminal.record({ type: "ready", url: relay.url, name: inputs.required("name"), ...more })
    } else {
      terminal.out(`Relay ready at ${relay.url}`)
      if (files !== undefined) terminal.out(`Files at ${files}`)
      terminal.out(terminal.paint("dim", "Let people in with: tacit relay invite <user>. Stop with Ctrl-C."))
    }
    await aborted(signal)
    return ExitCode.ok
  }
}

/** Which files are kept, and how long. */
const filesOf = ({ inputs }: Context): false | { readonly fileBytes: number; readonly keepMs: number } => {
  const mebibytes = inputs.whole("max-file", 0, 16_384) ?? 100
  const days = inputs.whole("keep-files", 1, 365) ?? 30
  return mebibytes === 0 ? false : { fileBytes: mebibytes * 1024 * 1024, keepMs: days * 24 * 60 * 60 * 1000 }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener("abort", () => resolve(), { once: true })
  })

export const relayInvite: Command = {
  name: "relay invite",
  summary: "make a one-time password for a new user or device",
  about: [
    "Prints the password once; the relay keeps only its hash. It serves one registration and expires after seven days, or as --days says. Works on the database of a relay that runs, on the same machine.",
    "The name of a user who was removed is not given again unless --again is said. Their contacts then see that the identity behind the name changed."
  ],
  positionals: [{ name: "user", text: "the name they will register" }],
  options: [
    dataOption,
    { name: "days", value: "n", default: "7", text: "how long the password is good for" },
    { name: "again", text: "also for the name of a user who was removed: a new account may take it" }
  ],
  examples: [
    { line: "tacit relay invite alice", text: "prints a password such as ABCD-EFGH-IJKL-MNOP-QRST" },
    {
      line: "tacit relay invite bot > otp.txt && tacit register --user bot --password-file otp.txt …",
      text: "without anybody seeing it"
    }
  ],
  run: async (context) => {
    const { inputs, terminal } = context
    const user = inputs.positional("user")
    const database = existingDatabase(context)
    const lifetimeMs = (inputs.whole("days", 1, 365) ?? 7) * 24 * 60 * 60 * 1000
    const expiresAt = Date.now() + lifetimeMs
    const password = await Effect.runPromise(
      issueInvitation({ database, user, lifetimeMs, again: inputs.flag("again") })
    )
    if (terminal.json) terminal.record({ type: "invitation", user, password, expiresAt })
    else {
      terminal.out(password)
      if (terminal.stdout.isTTY === true) {
        const until = new Date(expiresAt).toISOString().slice(0, 10)
        terminal.err(terminal.paint("dim", `For ${user}, once, until ${until}. Pass it on over a channel you trust.`))
      }
    }
    return ExitCode.ok
  }
}
