/**
 * Safety numbers: sixty digits or a code by which two people find out whether they see the same accounts and devices.
 *
 * Spec: docs/spec/17-safety.md.
 * Vectors: vectors/safety.
 * Does not draw QR codes, fetch manifests, or remember what was compared.
 */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import type { Cause } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import { Reader } from "../codec/Reader.ts"
import * as Refusal from "../codec/Refusal.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"

/** Version of fingerprints, digits and codes. */
export const version = 1

/** What is compared of a party. A verified manifest is one; devices stand in its order. */
export interface Party {
  readonly account: Uint8Array
  readonly devices: ReadonlyArray<{
    readonly device: Uint8Array
    readonly agreement: Uint8Array
    readonly role: number
  }>
}

/** A party in short. Spec: §17.1. */
export interface Print {
  /** 32 bytes. */
  readonly fingerprint: Uint8Array
  /** 16 bytes. */
  readonly account: Uint8Array
}

/** The number of two parties as one of them has it. */
export interface SafetyNumber {
  readonly own: Print
  readonly peer: Print
}

/** Outcomes that are none of the failure taxonomy, with their stage. */
export const outcomes = {
  "safety.version": "version",
  "safety.reflected": "authenticate",
  "safety.account": "authenticate",
  "safety.devices": "authenticate",
  "safety.digits": "authenticate"
} as const
export type Outcome = keyof typeof outcomes

/** Whose keys differ: `own`, the other one sees other keys for us; `peer`, we see other keys than the other one has. */
export type Side = "own" | "peer" | "both"

/** A comparison that did not agree. `side` comes with `safety.account` and `safety.devices`. */
export class Disagreement extends Data.TaggedClass("Disagreement")<{
  readonly cause: Outcome | Cause
  readonly side: Side | undefined
}> {}

const disagree = (cause: Outcome | Cause, side?: Side): Result.Result<never, Disagreement> =>
  Result.fail(new Disagreement({ cause, side }))

const key = Layout.bytes({ length: 32 })
const PartyLayout = Layout.tuple({
  account: key,
  devices: Layout.list(Layout.tuple({ device: key, agreement: key, role: Layout.uint({ min: 1, max: 3 }) }), {
    max: Limits.maxManifestDevices
  })
})
const PrintLayout = Layout.tuple({ fingerprint: key, account: Layout.bytes({ length: Limits.accountPrintBytes }) })

/** The layout of a code. */
export const Code = Layout.tuple({ version: Layout.literal(version), own: PrintLayout, peer: PrintLayout })

/** Fingerprint and account print of a party: some 5,200 hashes. */
export const print = (crypto: CryptoProvider, { account, devices }: Party): Print => {
  const listed = devices.map(({ agreement, device, role }) => ({ device, agreement, role }))
  const party = PartyLayout.encode({ account, devices: listed })
  const head = Labels.prefixed(Labels.safetyIteration)
  const input = Bytes.concat(head, new Uint8Array(32), account)
  let fingerprint = crypto.sha256(Labels.prefixed(Labels.safetyNumber, Uint8Array.of(version), party))
  for (let i = 0; i < Limits.safetyIterations; i++) {
    input.set(fingerprint, head.length)
    fingerprint = crypto.sha256(input)
  }
  return {
    fingerprint,
    account: crypto.sha256(Labels.prefixed(Labels.safetyAccount, account)).slice(0, Limits.accountPrintBytes)
  }
}

/** The number of two parties; fails with `safety.reflected` when they are one account. */
export const make = (crypto: CryptoProvider, own: Party, peer: Party): Result.Result<SafetyNumber, Disagreement> =>
  Bytes.equal(own.account, peer.account)
    ? disagree("safety.reflected")
    : Result.succeed({ own: print(crypto, own), peer: print(crypto, peer) })

/** Six groups of five digits. */
const groupsOf = (fingerprint: Uint8Array): ReadonlyArray<string> =>
  Array.from({ length: 6 }, (_, k) => {
    const number = fingerprint[5 * k]! * 2 ** 32 + Bytes.readBe32(fingerprint, 5 * k + 1)
    return (number % 100_000).toString().padStart(5, "0")
  })

/** The sixty digits in twelve groups of five; the same for both sides. */
export const groups = ({ own, peer }: SafetyNumber): ReadonlyArray<string> => {
  const inOrder = Bytes.compare(own.fingerprint, peer.fingerprint) <= 0 ? [own, peer] : [peer, own]
  return inOrder.flatMap(({ fingerprint }) => groupsOf(fingerprint))
}

/** {@link groups} with a space between: 71 characters. */
export const digits = (number: SafetyNumber): string => groups(number).join(" ")

/** The code to show to the peer, 108 bytes. */
export const encode = ({ own, peer }: SafetyNumber): Uint8Array => Code.encode({ version, own, peer })

/** Reads a code: the number of who shows it. Fails with `safety.version` or `decode.*`. */
export const decode = (code: Uint8Array): Result.Result<SafetyNumber, Disagreement> => {
  const read = Code.decode(code)
  if (Result.isSuccess(read)) return Result.succeed({ own: read.success.own, peer: read.success.peer })
  return disagree(otherVersion(code) ? "safety.version" : Refusal.causeOf[read.failure.reason])
}

/** Rule safety.version.1. A code longer than any version would be is none. */
const otherVersion = (code: Uint8Array): boolean => {
  if (code.length > Limits.maxSafetyCodeBytes) return false
  const reader = new Reader(code)
  reader.arrayHeader(1, Limits.maxItems)
  const found = reader.uint(0, Limits.maxUint)
  return reader.reason === undefined && found !== version
}

/** Holds a scanned code against one's own number. */
export const compareCode = (number: SafetyNumber, code: Uint8Array): Result.Result<void, Disagreement> => {
  const shown = decode(code)
  if (Result.isFailure(shown)) return Result.fail(shown.failure)
  const [theirs, ours] = [shown.success.own, shown.success.peer]
  if (Bytes.equal(theirs.account, number.own.account)) return disagree("safety.reflected")
  const account = sideOf(ours.account, number.own.account, theirs.account, number.peer.account)
  if (account !== undefined) return disagree("safety.account", account)
  const devices = sideOf(ours.fingerprint, number.own.fingerprint, theirs.fingerprint, number.peer.fingerprint)
  return devices === undefined ? Result.void : disagree("safety.devices", devices)
}

const sideOf = (shownOwn: Uint8Array, own: Uint8Array, shownPeer: Uint8Array, peer: Uint8Array): Side | undefined => {
  const [ownSame, peerSame] = [Bytes.equal(shownOwn, own), Bytes.equal(shownPeer, peer)]
  if (ownSame) return peerSame ? undefined : "peer"
  return peerSame ? "own" : "both"
}

/** Holds digits that were typed or pasted against one's own number. */
export const compareDigits = (number: SafetyNumber, text: string): Result.Result<void, Disagreement> => {
  const bare = text.replace(/[ \n\r]/g, "")
  if (!/^[0-9]*$/.test(bare)) return disagree("decode.value")
  const own = groups(number).join("")
  if (bare.length !== own.length) return disagree(bare.length < own.length ? "decode.truncated" : "decode.trailing")
  return bare === own ? Result.void : disagree("safety.digits")
}
