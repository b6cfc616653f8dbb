/**
 * Accounts, devices and what they sign, as trace steps.
 *
 * Spec: docs/spec/04-accounts.md, docs/spec/05-agreement.md §5.1.
 */
import { compare } from "./bytes.ts"
import type { Arg, Ref, Trace } from "./trace.ts"

/** A device with all its keys. References name steps `<name>.…`. */
export interface Device {
  readonly name: string
  readonly accountSeed: Ref
  readonly account: Ref
  readonly signSeed: Ref
  readonly device: Ref
  readonly agreeSecret: Ref
  readonly agree: Ref
  readonly mailbox: Ref
  readonly certificate: Ref
}

/** A signature over `L(purpose, …parts)` by an Ed25519 seed. */
export const signed = (
  trace: Trace,
  id: string,
  seed: Ref,
  purpose: string,
  parts: ReadonlyArray<Arg>,
  clause: string
): Ref => {
  const msg = trace.op(`${id}.signed`, "label", { purpose, parts }, clause)
  return trace.op(id, "ed25519-sign", { seed, msg }, clause)
}

/** A certificate for keys that stand in the trace. */
export const certificate = (
  trace: Trace,
  id: string,
  seed: Ref,
  keys: { readonly account: Ref; readonly device: Ref; readonly agree: Ref },
  role = 2,
  version = 1
): Ref => {
  const body = [1, keys.account, keys.device, keys.agree, role, version]
  const encoded = trace.op(`${id}.body`, "canon", { value: body }, "certificate.sign.1")
  const signature = signed(trace, `${id}.signature`, seed, "device certificate", [encoded], "certificate.sign.1")
  return trace.op(id, "canon", { value: [...body, signature] }, "certificate.layout.1")
}

/** A device of an account; `account` takes another device's account. */
export const device = (trace: Trace, name: string, actor: string, account?: Device): Device => {
  const accountSeed = account?.accountSeed ?? trace.coin(`${name}.account-seed`, actor, "account.seed", 0, 32)
  const accountKey =
    account?.account ?? trace.op(`${name}.account`, "ed25519-public", { seed: accountSeed }, "account.keys.1")
  const signSeed = trace.coin(`${name}.sign-seed`, actor, "device.sign", 0, 32)
  const agreeSecret = trace.coin(`${name}.agree-secret`, actor, "device.agree", 0, 32)
  const keys = {
    account: accountKey,
    device: trace.op(`${name}.device`, "ed25519-public", { seed: signSeed }, "device.keys.1"),
    agree: trace.op(`${name}.agree`, "x25519-public", { k: agreeSecret }, "device.keys.1")
  }
  return {
    name,
    accountSeed,
    signSeed,
    agreeSecret,
    ...keys,
    mailbox: trace.coin(`${name}.mailbox`, actor, "device.mailbox", 0, 16),
    certificate: certificate(trace, `${name}.certificate`, accountSeed, keys)
  }
}

/** Time of version 0 of every manifest, ms. */
export const issuedAt = 1_700_000_000_000

/** A device as a manifest lists it. */
export interface Listed {
  readonly key: Device
  readonly addedIn: number
  readonly role?: number
  /** Another agreement key than the device's own. */
  readonly agree?: Ref
}
export interface Revoked {
  readonly key: Device
  readonly revokedIn: number
}
/** What a manifest says; `previous` is the hash of the version before. */
export interface Statement {
  readonly version: number
  readonly previous: Ref | undefined
  readonly devices: ReadonlyArray<Listed>
  readonly revocations?: ReadonlyArray<Revoked>
  readonly account?: Ref
  readonly extensions?: ReadonlyArray<Arg>
}

/** A signed manifest; its steps are `<id>.body`, `<id>.signature`, `<id>.hash` and `<id>`. Lists are put in order here. */
export const manifest = (trace: Trace, id: string, owner: Device, statement: Statement): Ref => {
  const byId = (a: { readonly key: Device }, b: { readonly key: Device }): number =>
    compare(trace.value(a.key.device), trace.value(b.key.device))
  const devices = statement.devices
    .toSorted(byId)
    .map(({ addedIn, agree, key, role }): Arg => [key.device, agree ?? key.agree, role ?? 2, addedIn])
  const revocations = (statement.revocations ?? [])
    .toSorted(byId)
    .map(({ key, revokedIn }): Arg => [key.device, revokedIn])
  const value: ReadonlyArray<Arg> = [
    1,
    statement.account ?? owner.account,
    statement.version,
    statement.previous ?? new Uint8Array(0),
    issuedAt + statement.version,
    devices,
    revocations,
    { map: statement.extensions ?? [] }
  ]
  const body = trace.op(`${id}.body`, "canon", { value }, "manifest.layout.1")
  const signature = signed(trace, `${id}.signature`, owner.accountSeed, "device manifest", [body], "manifest.layout.1")
  const labelled = trace.op(`${id}.hash-input`, "label", { purpose: "manifest hash", parts: [body] }, "manifest.hash.1")
  trace.op(`${id}.hash`, "sha256", { data: labelled }, "manifest.hash.1")
  return trace.op(id, "canon", { value: [body, signature] }, "manifest.layout.1")
}
