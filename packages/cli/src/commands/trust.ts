/**
 * `tacit trust …`: the trust policy, what it decided, what it holds, and what another one would have decided.
 *
 * Spec: docs/spec/24-trust.md.
 */
import { InvalidPolicy, type LoggedDecision, type TrustHold, TrustPolicy } from "@tacit/core"
import * as Result from "effect/Result"
import { readFileSync } from "node:fs"
import { accountOptions, openAccount } from "../Account.ts"
import type { Command } from "../Command.ts"
import { ExitCode } from "../ExitCode.ts"
import { peerOf } from "../Peer.ts"
import { safe } from "../Terminal.ts"
import { UsageError } from "../UsageError.ts"

/** Reads a policy from a file. Fails with `UsageError` when there is none, with `InvalidPolicy` when it is none. */
const readPolicy = (file: string): TrustPolicy.Policy => {
  let text: string
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file))
  } catch {
    throw new UsageError(`${safe(file)} cannot be read`, "Give the path of a policy, a JSON file.")
  }
  const read = TrustPolicy.parse(text)
  if (Result.isSuccess(read)) return read.success
  throw new InvalidPolicy({ problems: read.failure })
}

const who = (user: string | undefined, account: string): string => safe(user ?? `${account.slice(0, 16)}…`)

const when = (at: number): string => new Date(at).toISOString().replace("T", " ").slice(0, 19)

const factsLine = ({ facts }: LoggedDecision): string =>
  (["verified", "pinned", "vouched", "approved"] as const).filter((name) => facts[name]).join(", ") || "no facts"

const logLine = (entry: LoggedDecision): string =>
  `${when(entry.at)}  ${entry.event}  ${who(entry.user, entry.account)}  ${entry.decision}  by ${entry.rule} (${entry.policy}); ${factsLine(entry)}`

const holdLine = ({ account, at, decision, event, rule, user }: TrustHold): string =>
  `${when(at)}  ${who(user, account)}  ${event}  ${decision}  by ${rule}`

const policyShow: Command = {
  name: "trust policy show",
  summary: "print the trust policy that decides now",
  about: ["Prints JSON that `tacit trust policy set` takes."],
  positionals: [],
  options: [...accountOptions],
  examples: [{ line: "tacit trust policy show > policy.json", text: "to change it and set it again" }],
  run: async (context) => {
    await using client = await openAccount(context)
    const policy = await client.trust.policy({ signal: context.signal })
    if (context.terminal.json) context.terminal.record({ type: "policy", ...policy })
    else context.terminal.out(TrustPolicy.format(policy))
    return ExitCode.ok
  }
}

const policySet: Command = {
  name: "trust policy set",
  summary: "let another trust policy decide, from now on",
  about: [
    "Reads a policy from a JSON file, or takes one that is built in: `default`, or `verified-only` (nothing goes to, or is shown from, a contact that was not verified). What is held is asked again."
  ],
  positionals: [{ name: "policy", text: "a JSON file, `default` or `verified-only`" }],
  options: [...accountOptions],
  examples: [
    { line: "tacit trust policy set policy.json", text: "after `tacit trust policy check policy.json`" },
    { line: "tacit trust policy set verified-only", text: "only verified keys" }
  ],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    const word = inputs.positional("policy")
    const policy =
      word === "default" ? undefined : word === "verified-only" ? TrustPolicy.verifiedOnly : readPolicy(word)
    await using client = await openAccount(context)
    await client.trust.setPolicy(policy, { signal })
    const holds = await client.trust.holds({ signal })
    if (terminal.json) terminal.record({ type: "policy", ...(await client.trust.policy({ signal })) })
    else terminal.out(`The policy is ${(policy ?? TrustPolicy.standard).name} now; ${holds.length} held.`)
    return ExitCode.ok
  }
}

const policyCheck: Command = {
  name: "trust policy check",
  summary: "say whether a file is a trust policy, and what is wrong with it",
  about: ["Needs no account and no relay. Exit code 0 when it is one, 2 when it is none."],
  positionals: [{ name: "file", text: "a JSON file" }],
  options: [],
  examples: [{ line: "tacit trust policy check policy.json", text: "one line for each thing that is wrong" }],
  run: ({ inputs, terminal }) => {
    const policy = readPolicy(inputs.positional("file"))
    if (terminal.json) terminal.record({ type: "policy", ...policy })
    else terminal.out(`${policy.name}: ${policy.rules.length} rules`)
    return Promise.resolve(ExitCode.ok)
  }
}

const log: Command = {
  name: "trust log",
  summary: "list what the trust policy decided",
  about: [
    "The newest 2,048 decisions, oldest first: event, contact, decision, the rule that made it, the facts it saw."
  ],
  positionals: [],
  options: [...accountOptions],
  examples: [{ line: "tacit trust log --json", text: "one object a line" }],
  run: async (context) => {
    await using client = await openAccount(context)
    const { terminal } = context
    for (const entry of await client.trust.log({ signal: context.signal })) {
      if (terminal.json) terminal.record({ type: "decision", ...entry, user: entry.user ?? null })
      else terminal.out(logLine(entry))
    }
    return ExitCode.ok
  }
}

const dryRun: Command = {
  name: "trust dry-run",
  summary: "tell what another trust policy would have decided otherwise",
  about: ["Decides about every event of the log as the other policy would, with the facts of then. Changes nothing."],
  positionals: [],
  options: [...accountOptions, { name: "policy", value: "file", text: "the policy to try, a JSON file" }],
  examples: [{ line: "tacit trust dry-run --policy stricter.json", text: "one line for each difference" }],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    const policy = readPolicy(inputs.required("policy"))
    await using client = await openAccount(context)
    const [entries, differences] = [await client.trust.log({ signal }), await client.trust.dryRun(policy, { signal })]
    for (const { entry, would } of differences) {
      if (terminal.json) terminal.record({ type: "difference", ...entry, user: entry.user ?? null, would })
      else terminal.out(`${logLine(entry)}\n    would be ${would.decision} by ${would.rule}`)
    }
    if (!terminal.json) terminal.out(`${differences.length} of ${entries.length} decisions would differ.`)
    return ExitCode.ok
  }
}

const holds: Command = {
  name: "trust holds",
  summary: "list what the trust policy holds",
  about: ["Held is what stops sending or showing until it is approved, verified, or the policy changes."],
  positionals: [],
  options: [...accountOptions],
  examples: [{ line: "tacit trust holds", text: "one line for each" }],
  run: async (context) => {
    await using client = await openAccount(context)
    const { terminal } = context
    for (const hold of await client.trust.holds({ signal: context.signal })) {
      if (terminal.json) terminal.record({ type: "hold", ...hold, user: hold.user ?? null })
      else terminal.out(holdLine(hold))
    }
    return ExitCode.ok
  }
}

const approve: Command = {
  name: "trust approve",
  summary: "approve a contact, so that what was held for you to decide goes on",
  about: ["Approval is the operator's word, not a comparison: it does not make a contact verified."],
  positionals: [{ name: "contact", text: "a name, or an account id" }],
  options: [...accountOptions, { name: "undo", text: "take the approval back" }],
  examples: [{ line: "tacit trust approve bob", text: "lifts what waits for approval" }],
  run: async (context) => {
    const { inputs, signal, terminal } = context
    const peer = peerOf(inputs.positional("contact"))
    await using client = await openAccount(context)
    const undo = inputs.flag("undo")
    await (undo ? client.trust.disapprove(peer, { signal }) : client.trust.approve(peer, { signal }))
    const left = (await client.trust.holds({ signal })).length
    if (terminal.json) {
      terminal.record({ type: "approval", contact: inputs.positional("contact"), approved: !undo, held: left })
    } else terminal.out(`${undo ? "The approval is taken back" : "Approved"}; ${left} held.`)
    return ExitCode.ok
  }
}

/** Every command of trust, in the order of the overview. */
export const trustCommands: ReadonlyArray<Command> = [policyShow, policySet, policyCheck, log, dryRun, holds, approve]
