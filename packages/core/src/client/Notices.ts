/**
 * What must be told about manifests and is not lost in a crash: devices that changed, fork proofs, this device's own removal.
 *
 * Spec: docs/spec/04-accounts.md §4.4, rules manifest.told.1 and manifest.removed.1; §4.5, rule proof.keep.1.
 * Decides nothing about manifests: client/Peers.ts does. A record stands in the store from the commit it belongs to until somebody was told.
 */
import * as Effect from "effect/Effect"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as ForkProof from "../identity/ForkProof.ts"
import * as Manifest from "../identity/Manifest.ts"
import { decisionOf, eventOf } from "../trust/Event.ts"
import type * as Api from "./Api.ts"
import { Batch, commit } from "./Commit.ts"
import * as Dismissals from "./Dismissals.ts"
import * as Background from "./internal/background.ts"
import * as Loading from "./Loading.ts"
import type { KeptProof, Opened } from "./Opened.ts"
import * as Records from "./Records.ts"
import { senderOf } from "./Senders.ts"
import * as TrustRecords from "./TrustRecords.ts"
import * as Warnings from "./Warnings.ts"

/** Puts into a batch what each version changed, and tells it after the commit. `passed` follows `held`, oldest first; nothing is told of version `quiet`. */
export const changes = (
  opened: Opened,
  batch: Batch,
  account: string,
  held: Manifest.Manifest,
  passed: ReadonlyArray<Manifest.Manifest>,
  at: number,
  quiet: number,
  decisions: ReadonlyArray<Api.Judged>
): void => {
  let before = held
  for (const next of passed) {
    const { added, removed } = Manifest.difference(before, next)
    before = next
    if (next.version === quiet || added.length + removed.length === 0) continue
    const notice: Records.Notice = { version: Records.written, at, added, removed }
    const key = Records.keys.notice(account, next.version)
    batch.put(key, Records.Notice.encode(notice))
    batch.applied(() => tell(opened, key, notice, decisions))
  }
}

const tell = (
  opened: Opened,
  key: string,
  { added, at, removed }: Records.Notice,
  decisions: ReadonlyArray<Api.Judged>
): void => {
  const account = Records.partsOf(key)[1]!
  const warning = Warnings.devicesChanged(
    senderOf(opened, account, ""),
    account === opened.hex.account,
    Records.orderOf(key),
    added.map(Bytes.toHex),
    removed.map(Bytes.toHex),
    at,
    decisions.filter(({ device, event }) =>
      (event === "device-added" ? added : removed).some((one) => Bytes.toHex(one) === device)
    )
  )
  opened.warnings.publishSticky(warning, () => opened.spawn(forget(opened, key)))
}

const forget = (opened: Opened, key: string): Effect.Effect<void> => {
  const batch = new Batch()
  batch.remove(key)
  return Background.persist(opened, commit(opened.store, batch))
}

/** Keeps a fork proof and tells it, unless it is kept already (rule proof.keep.1). Answers whether it is kept: not when too many are. */
export const fork = (
  opened: Opened,
  batch: Batch,
  proof: ForkProof.ForkProof,
  at: number,
  decisions: ReadonlyArray<Api.Judged>
): boolean => {
  const digest = digestOf(opened, proof)
  if (opened.proofs.has(digest)) return true
  if (opened.proofs.size >= Limits.maxForkProofs) return false
  const kept: KeptProof = { proof, at, told: false }
  // At once, so that no other refusal of the same answer tells it too; a commit that fails ends the client.
  opened.proofs.set(digest, kept)
  batch.put(Records.keys.proof(digest), encode(kept))
  batch.applied(() => tellFork(opened, digest, kept, decisions))
  return true
}

const digestOf = ({ crypto }: Opened, { bytes }: ForkProof.ForkProof): string =>
  Bytes.toHex(crypto.sha256(bytes).subarray(0, 16))

const encode = ({ at, proof, told }: KeptProof): Uint8Array =>
  Records.Proof.encode({ version: Records.written, at, told: told ? 1 : 0, proof: proof.bytes })

const tellFork = (opened: Opened, digest: string, kept: KeptProof, decisions: ReadonlyArray<Api.Judged>): void => {
  const account = Bytes.toHex(kept.proof.account)
  const isOwn = account === opened.hex.account
  const warning = Warnings.forked(senderOf(opened, account, ""), isOwn, kept.proof.bytes, kept.at, decisions)
  opened.warnings.publishSticky(warning, () => {
    const told = { ...kept, told: true }
    opened.proofs.set(digest, told)
    const batch = new Batch()
    batch.put(Records.keys.proof(digest), encode(told))
    opened.spawn(Background.persist(opened, commit(opened.store, batch)))
  })
}

/** Tells that this device was removed. It is told at every opening: nothing works any more. */
export const removed = (opened: Opened): void => {
  if (opened.removed === undefined) return
  const { at, manifest } = opened.removed
  opened.warnings.publishSticky(Warnings.revoked(manifest, at))
}

/** Reads what is kept, and tells what was not told before the client closed. */
export const load = Effect.fnUntraced(function* (opened: Opened) {
  for (const { key, value } of yield* Loading.scanAll(opened.store, "proof/")) {
    const { at, proof, told } = yield* Records.read(Records.Proof, key, value)
    const checked = yield* Loading.orCorrupt("proof", ForkProof.verify(opened.crypto, proof))
    const kept: KeptProof = { proof: checked, at, told: told === 1 }
    const digest = Records.partsOf(key)[1]!
    opened.proofs.set(digest, kept)
    if (kept.told) continue
    const decisions = yield* decidedAt(opened, Bytes.toHex(checked.account), at)
    tellFork(
      opened,
      digest,
      kept,
      decisions.filter(({ event }) => event === "manifest-forked")
    )
  }
  for (const { key, value } of yield* Loading.scanAll(opened.store, "notice/")) {
    const notice = yield* Records.read(Records.Notice, key, value)
    const decisions = yield* decidedAt(opened, Records.partsOf(key)[1]!, notice.at)
    tell(opened, key, notice, decisions)
  }
  yield* Dismissals.load(opened)
  removed(opened)
})

/** What was decided about an account in the commit of this time, as it was written down (rule trust.log.1). */
const decidedAt = Effect.fnUntraced(function* (opened: Opened, account: string, at: number) {
  const decisions: Array<Api.Judged> = []
  for (const { key, value } of yield* Loading.scanAll(opened.store, "trust-log/")) {
    const entry = yield* Records.read(TrustRecords.Log, key, value)
    if (entry.at !== at || Bytes.toHex(entry.account) !== account) continue
    const { device, rule } = entry
    decisions.push({
      event: eventOf(entry.event)!,
      device: Bytes.toHex(device),
      decision: decisionOf(entry.decision)!,
      rule
    })
  }
  return decisions
})

/** The proofs that are kept, oldest first. */
export const proofs = (opened: Opened): ReadonlyArray<Api.Proof> =>
  [...opened.proofs.values()]
    .sort((a, b) => a.at - b.at)
    .map(({ at, proof }) => {
      const account = Bytes.toHex(proof.account)
      return {
        user: senderOf(opened, account, "").user,
        account,
        versions: [proof.first.version, proof.second.version],
        contradiction: proof.contradiction,
        at,
        bytes: proof.bytes.slice()
      }
    })
