/**
 * How the secret of a vault comes in: a file, a program, the system's key chain, the environment, what `tacit vault unlock` left, or typed without echo. Never as an
 * option's value, because other users of a machine can read command lines.
 *
 * Spec: docs/spec/12-vault.md §12.2.
 */
import { VaultFile, type VaultOptions } from "@tacit/bots"
import { Unlock, UnlockError, type UnlockQuestion, UnlockSource } from "@tacit/core"
import { command, environment, file, keyChain } from "@tacit/storage/unlock"
import * as Effect from "effect/Effect"
import type { Context, Option } from "../Command.ts"
import { ask } from "../Password.ts"
import type { Profile } from "../Profile.ts"
import * as Ticket from "./Ticket.ts"

type Source = UnlockSource["Service"]

/** The options of every command that opens an account. */
export const vaultOptions: ReadonlyArray<Option> = [
  {
    name: "vault-file",
    value: "file",
    env: "TACIT_VAULT_FILE",
    text: "of a sealed account: read its passphrase or key from this file"
  },
  {
    name: "vault-command",
    value: "line",
    env: "TACIT_VAULT_COMMAND",
    text: "of a sealed account: run this with the shell, it prints the passphrase or key"
  },
  {
    name: "vault-chain",
    value: "name",
    env: "TACIT_VAULT_CHAIN",
    text: "of a sealed account: the system's key chain keeps its key under this name"
  }
]

/** The same for a new secret. */
export const newVaultOptions: ReadonlyArray<Option> = [
  {
    name: "new-vault-file",
    value: "file",
    env: "TACIT_NEW_VAULT_FILE",
    text: "read the new passphrase or key from this file"
  },
  {
    name: "new-vault-command",
    value: "line",
    env: "TACIT_NEW_VAULT_COMMAND",
    text: "run this with the shell, it prints the new passphrase or key"
  },
  {
    name: "new-vault-chain",
    value: "name",
    env: "TACIT_NEW_VAULT_CHAIN",
    text: "draw a new key and let the system's key chain keep it under this name"
  },
  { name: "key", text: "the new secret is a key of 32 bytes (64 hexadecimal digits), not a passphrase" }
]

const shell = (line: string, kind: Unlock.Kind | undefined): Source => {
  const how =
    process.platform === "win32"
      ? { program: "cmd", args: ["/d", "/s", "/c", line] }
      : { program: "sh", args: ["-c", line] }
  return command({ ...how, ...(kind === undefined ? {} : { kind }) })
}

/** What options and environment name, if they do. `prefix` is "" or "new-". */
const given = ({ env, inputs }: Context, prefix: "" | "new-", kind: Unlock.Kind | undefined): Source | undefined => {
  const path = inputs.text(`${prefix}vault-file`)
  if (path !== undefined) return file({ path, ...(kind === undefined ? {} : { kind }) })
  const line = inputs.text(`${prefix}vault-command`)
  if (line !== undefined) return shell(line, kind)
  const name = inputs.text(`${prefix}vault-chain`)
  if (name !== undefined) return keyChain({ account: name })
  const variable = prefix === "" ? "TACIT_VAULT" : "TACIT_NEW_VAULT"
  for (const [name, of] of [
    [`${variable}_PASSPHRASE`, "passphrase"],
    [`${variable}_KEY`, "key"]
  ] as const) {
    if (env[name] !== undefined && env[name] !== "") return environment({ variable: name, kind: of, env })
  }
  return undefined
}

const cancelled = () => new UnlockError({ reason: "cancelled", source: "the terminal" })

const typed = ({ signal, terminal }: Context, prompt: string): Effect.Effect<string, UnlockError> =>
  Effect.tryPromise({ try: () => ask(terminal, prompt, signal), catch: cancelled })

const parse = (text: string, question: UnlockQuestion, kind?: Unlock.Kind) =>
  Unlock.parse(new TextEncoder().encode(text), question, "the terminal", kind)

/** Asks on the terminal; fails with `none` where there is none. */
const prompted = (context: Context, kind?: Unlock.Kind): Source =>
  UnlockSource.of({
    secret: (question) => {
      if (context.terminal.stdin.isTTY !== true) {
        return Effect.fail(new UnlockError({ reason: "none", source: "the terminal" }))
      }
      if (question.purpose === "open") {
        const what = question.method === "key" ? "Key of the vault" : "Passphrase of the vault"
        return Effect.flatMap(typed(context, `${what}: `), (text) => parse(text, question))
      }
      const what = kind === "key" ? "New key (64 hexadecimal digits)" : "New passphrase"
      return Effect.gen(function* () {
        const first = yield* typed(context, `${what}: `)
        const second = yield* typed(context, "Once more: ")
        if (first !== second) {
          context.terminal.err("The two are not equal.")
          return yield* new UnlockError({ reason: "invalid", source: "the terminal" })
        }
        return yield* parse(first, question, kind)
      })
    }
  })

/** Asks a source once and remembers the answer while the command runs. */
export const remembering = (source: Source): Source => {
  let answer: Effect.Success<ReturnType<Source["secret"]>> | undefined
  return UnlockSource.of({
    secret: (question) =>
      Effect.map(answer === undefined ? source.secret(question) : Effect.succeed(answer), (secret) => {
        answer = secret
        return structuredClone(secret)
      })
  })
}

/** The secret that opens a profile's vault. What `tacit vault unlock` left counts unless `fresh` asks for the secret itself. */
export const opening = (context: Context, profile: Profile, { fresh = false } = {}): Source => {
  const named = given(context, "", undefined)
  if (named !== undefined) return remembering(named)
  const left = fresh ? undefined : Ticket.read(profile, context.env)
  if (left !== undefined) {
    return UnlockSource.of({ secret: () => Effect.succeed({ type: "stretched", stretched: left.slice() }) })
  }
  return remembering(prompted(context))
}

/** The secret for a new vault, or for one whose secret is changed. */
export const renewing = (context: Context, prefix: "" | "new-"): Source => {
  const kind = context.inputs.given("key") ? ("key" as const) : undefined
  return given(context, prefix, kind) ?? prompted(context, kind)
}

/** How a registered profile's store is opened: `undefined` when it is not sealed. */
export const vaultOf = async (context: Context, profile: Profile): Promise<VaultOptions | undefined> => {
  const { state } = await VaultFile.inspect({ path: profile.store })
  return state === "empty" || state === "unsealed" ? undefined : { unlock: opening(context, profile), create: false }
}
