/**
 * The key chains of three systems, each through the system's own program: nothing to install but that, nothing compiled.
 *
 * Spec: docs/spec/12-vault.md §12.2, rule vault.chain.1.
 *
 * | system | key chain | program |
 * | --- | --- | --- |
 * | Linux and others of freedesktop | Secret Service (GNOME Keyring, KWallet, KeePassXC) | `secret-tool` of libsecret |
 * | macOS | login keychain | `security` |
 * | Windows | Credential Locker | Windows PowerShell |
 *
 * Secrets go over pipes. Names are checked by KeyChain.ts, and mean nothing to any of the three but themselves.
 */
import { UnlockError } from "@tacit/core"
import * as Effect from "effect/Effect"
import type { Entry, KeyChain } from "./KeyChain.ts"
import * as Program from "./Program.ts"

export interface ChainOptions {
  /** Another path of the program. */
  readonly program?: string
  /** How long it may take, in ms: the system may ask a person. Default 60,000. */
  readonly timeoutMs?: number
}

const defaultTimeoutMs = 60_000

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"))

/** Joins text and a secret, which is overwritten. */
const joined = (before: string, secret: Uint8Array, after: string): Uint8Array => {
  const all = new Uint8Array(Buffer.concat([bytes(before), secret, bytes(after)]))
  secret.fill(0)
  return all
}

const failed = (name: string) => Effect.fail(new UnlockError({ reason: "failed", source: name }))

/**
 * The freedesktop Secret Service. `secret-tool` ends with 1 for an entry that is not there as for a service that cannot be reached, but
 * complains of the latter only.
 */
export const secretService = ({
  program = "secret-tool",
  timeoutMs = defaultTimeoutMs
}: ChainOptions = {}): KeyChain => {
  const name = "the Secret Service"
  const words = ({ account, service }: Entry) => ["service", service, "account", account]
  const call = (args: ReadonlyArray<string>, input: Uint8Array = new Uint8Array(0)) =>
    Program.run({ program, args, input, timeoutMs, complaints: true })
  return {
    name,
    read: (entry) =>
      Effect.flatMap(call(["lookup", ...words(entry)]), ({ code, complained, output }) =>
        code === 0 ? Effect.succeed(output) : code === 1 && !complained ? Effect.undefined : failed(name)
      ),
    write: (entry, secret) =>
      Effect.flatMap(
        call(["store", "--label", `${entry.service} ${entry.account}`, ...words(entry)], secret),
        ({ code }) => (code === 0 ? Effect.void : failed(name))
      ),
    remove: (entry) =>
      Effect.flatMap(call(["clear", ...words(entry)]), ({ code, complained }) =>
        code === 0 || !complained ? Effect.void : failed(name)
      )
  }
}

/** What `security` ends with when an entry is not there. */
const notFound = 44

/** The login keychain of macOS. A new entry is told to `security -i` over its input, because other users can read command lines. */
export const macKeychain = ({ program = "security", timeoutMs = defaultTimeoutMs }: ChainOptions = {}): KeyChain => {
  const name = "the keychain"
  const words = ({ account, service }: Entry) => ["-s", service, "-a", account]
  const call = (args: ReadonlyArray<string>, input: Uint8Array = new Uint8Array(0)) =>
    Program.run({ program, args, input, timeoutMs, complaints: true })
  return {
    name,
    read: (entry) =>
      Effect.flatMap(call(["find-generic-password", "-w", ...words(entry)]), ({ code, output }) =>
        code === 0 ? Effect.succeed(output) : code === notFound ? Effect.undefined : failed(name)
      ),
    write: (entry, secret) =>
      Effect.flatMap(
        call(["-i"], joined(`add-generic-password -U ${words(entry).join(" ")} -w `, secret, "\n")),
        ({ code }) => (code === 0 ? Effect.void : failed(name))
      ),
    remove: (entry) =>
      Effect.flatMap(call(["delete-generic-password", ...words(entry)]), ({ code }) =>
        code === 0 || code === notFound ? Effect.void : failed(name)
      )
  }
}

const vaultType = "Windows.Security.Credentials"
const load = `$ErrorActionPreference='Stop';[void][${vaultType}.PasswordVault,${vaultType},ContentType=WindowsRuntime];$v=New-Object ${vaultType}.PasswordVault;`
/** The one failure that means "not there" (ERROR_NOT_FOUND as an HRESULT). */
const elseFail = `catch{if($_.Exception.HResult -eq -2147023728 -or $_.Exception.InnerException.HResult -eq -2147023728){exit ${notFound}};exit 1}`

/** The Credential Locker of Windows. The key of a new entry is read from the input; the names stand in the environment. */
export const credentialLocker = ({
  program = "powershell.exe",
  timeoutMs = defaultTimeoutMs
}: ChainOptions = {}): KeyChain => {
  const name = "the Credential Locker"
  const call = (script: string, { account, service }: Entry, input: Uint8Array = new Uint8Array(0)) =>
    Program.run({
      program,
      args: ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command", `${load}try{${script}}${elseFail}`],
      input,
      timeoutMs,
      complaints: true,
      env: { TACIT_CHAIN_SERVICE: service, TACIT_CHAIN_ACCOUNT: account }
    })
  const names = "$env:TACIT_CHAIN_SERVICE,$env:TACIT_CHAIN_ACCOUNT"
  return {
    name,
    read: (entry) =>
      Effect.flatMap(
        call(`$c=$v.Retrieve(${names});$c.RetrievePassword();[Console]::Out.Write($c.Password)`, entry),
        ({ code, output }) =>
          code === 0 ? Effect.succeed(output) : code === notFound ? Effect.undefined : failed(name)
      ),
    write: (entry, secret) =>
      Effect.flatMap(
        call(
          `$p=[Console]::In.ReadLine();$v.Add((New-Object ${vaultType}.PasswordCredential(${names},$p)))`,
          entry,
          joined("", secret, "\n")
        ),
        ({ code }) => (code === 0 ? Effect.void : failed(name))
      ),
    remove: (entry) =>
      Effect.flatMap(call(`$v.Remove($v.Retrieve(${names}))`, entry), ({ code }) =>
        code === 0 || code === notFound ? Effect.void : failed(name)
      )
  }
}

/** The key chain of a platform: this one when nothing is said. */
export const ofPlatform = (platform: string = process.platform, options: ChainOptions = {}): KeyChain =>
  platform === "darwin"
    ? macKeychain(options)
    : platform === "win32"
      ? credentialLocker(options)
      : secretService(options)
