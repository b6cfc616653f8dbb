/**
 * Safety numbers of an opened client, and verified contacts.
 *
 * Spec: docs/spec/24-trust.md §24.5; docs/spec/17-safety.md.
 * Compares what the user brings from another channel; trusts nothing the directory says by itself.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Device from "../identity/Device.ts"
import * as Manifest from "../identity/Manifest.ts"
import * as SafetyNumber from "../safety/SafetyNumber.ts"
import * as Ledger from "../trust/Ledger.ts"
import type { Peer } from "./Api.ts"
import * as Conversations from "./Conversations.ts"
import {
  type ClientError,
  PeerMisbehaved,
  type SafetyError,
  SafetyMismatch,
  UnknownUser,
  type VerifyError
} from "./Errors.ts"
import * as Identity from "./Identity.ts"
import * as Background from "./internal/background.ts"
import * as Loading from "./Loading.ts"
import type { Contact, Handle, Opened } from "./Opened.ts"
import * as Orders from "./Orders.ts"
import * as Own from "./Own.ts"
import * as Peers from "./Peers.ts"
import * as Sealing from "./Sealing.ts"
import * as Settling from "./Settling.ts"
import * as Trust from "./Trust.ts"
import * as TrustAllows from "./TrustAllows.ts"
import * as TrustAside from "./TrustAside.ts"
import type * as TrustApi from "./TrustApi.ts"
import * as TrustRecords from "./TrustRecords.ts"
import * as TrustState from "./TrustState.ts"
import * as Verified from "./Verified.ts"

/** The contact a number is asked for: looked up when it is unknown, and also when its identity changed. */
export const find = (opened: Opened, peer: Peer): Effect.Effect<Contact, SafetyError> => {
  const hex = typeof peer === "string" ? opened.names.get(peer) : peer.account
  const known = hex === undefined ? undefined : opened.contacts.get(hex)
  if (known !== undefined && known.hex !== opened.hex.account) return Effect.succeed(known)
  const looked = typeof peer === "string" ? Peers.resolve(opened, peer) : Peers.byAccount(opened, peer.account)
  return Effect.catchTags(looked, {
    // A name that was never known has no identity to change, and looking a number up sends nothing.
    IdentityChanged: () => Effect.fail(new UnknownUser({ user: typeof peer === "string" ? peer : peer.account })),
    TrustRefused: () => Effect.fail(new UnknownUser({ user: typeof peer === "string" ? peer : peer.account }))
  })
}

/** The own account as a party of a safety number. */
const ownParty = (opened: Opened): Effect.Effect<Manifest.Manifest, ClientError> => {
  const followed = opened.contacts.get(opened.hex.account)?.manifest
  return followed === undefined
    ? Loading.orCorrupt("self", Manifest.verify(opened.crypto, opened.self.manifest, opened.self.account))
    : Effect.succeed(followed)
}

interface Compared {
  readonly contact: Contact
  /** The account offered under a changed identity, with its manifest. */
  readonly offered: Manifest.Manifest | undefined
  readonly own: Manifest.Manifest
  readonly peer: Manifest.Manifest
  readonly number: SafetyNumber.SafetyNumber
}

const compare = Effect.fnUntraced(function* (opened: Opened, peer: Peer) {
  const contact = yield* find(opened, peer)
  const user = contact.record.user ?? contact.hex
  const offered = contact.record.offered === undefined ? undefined : yield* offeredOf(opened, contact)
  const { manifest } =
    contact.manifest === undefined && offered === undefined ? yield* Peers.refresh(opened, contact.hex) : contact
  const theirs = offered ?? manifest
  if (theirs === undefined) return yield* new PeerMisbehaved({ user, failure: "lookup.manifest-gap" })
  const own = yield* ownParty(opened)
  const number = SafetyNumber.make(opened.crypto, own, theirs)
  if (Result.isFailure(number)) return yield* mismatch(number.failure)
  const compared: Compared = { contact, offered, own, peer: theirs, number: number.success }
  return compared
})

/** The manifest of the account that is offered under a contact's name (rule trust.verify.4). */
const offeredOf = Effect.fnUntraced(function* (opened: Opened, { record }: Contact) {
  const user = record.user ?? ""
  const { manifests, verdict } = yield* Peers.confirm(opened, user, record.offered!)
  if (verdict !== "same") return yield* new PeerMisbehaved({ user, failure: "auth.account" })
  const manifest = Manifest.update(opened.crypto, record.offered!, undefined, manifests)
  return Result.isSuccess(manifest)
    ? manifest.success
    : yield* new PeerMisbehaved({ user, failure: manifest.failure.cause })
})

const mismatch = ({ cause, side }: SafetyNumber.Disagreement) =>
  new SafetyMismatch({ outcome: cause, side: side ?? "unknown" })

const roles: Readonly<Record<number, TrustApi.SafetyDevice["role"]>> = {
  [Device.roles.admin]: "admin",
  [Device.roles.member]: "member",
  [Device.roles.replica]: "replica"
}

/** The safety number with a contact. */
export const safety = (opened: Opened, peer: Peer): Effect.Effect<TrustApi.Safety, SafetyError> =>
  Effect.map(compare(opened, peer), ({ contact, number, offered, own, peer }) => {
    const account = Bytes.toHex(peer.account)
    const record = TrustState.recordOf(opened.trust, account)
    return {
      user: contact.record.user,
      account,
      state: offered === undefined ? "pinned" : "identity-changed",
      digits: SafetyNumber.digits(number),
      code: SafetyNumber.encode(number),
      verified: verifiedOf(record, number.peer.fingerprint),
      devices: peer.devices.map(({ device, role }) => {
        const seen = Ledger.find(record.ledger, device)
        return {
          device: Bytes.toHex(device),
          role: roles[role]!,
          compared: record.compared.some((one) => Bytes.equal(one, device)),
          suite: Ledger.strongest(seen, opened.trust.policy.suites),
          features: (seen?.features ?? 0) % 2 === 1 ? ["lists"] : []
        }
      }),
      ownDevices: own.devices.map(({ device }) => Bytes.toHex(device))
    }
  })

const verifiedOf = (
  { by, print, verifiedAt }: TrustRecords.Trust,
  fingerprint: Uint8Array
): TrustApi.Verified | undefined => {
  if (verifiedAt === 0) return undefined
  const way = by === TrustRecords.ways.digits ? "digits" : by === TrustRecords.ways.code ? "code" : "own-device"
  return { at: verifiedAt, by: way, unchanged: Bytes.equal(print, fingerprint) }
}

/** Compares evidence with the safety number, and stores that it agreed. */
export const verify = (
  opened: Opened,
  peer: Peer,
  evidence: TrustApi.Evidence
): Effect.Effect<TrustApi.Verified, VerifyError> =>
  Effect.gen(function* () {
    const compared = yield* compare(opened, peer)
    const { contact, number, offered } = compared
    const agreed =
      "digits" in evidence
        ? SafetyNumber.compareDigits(number, evidence.digits)
        : SafetyNumber.compareCode(number, evidence.code)
    if (Result.isFailure(agreed)) return yield* mismatch(agreed.failure)
    const user = contact.record.user ?? ""
    if (offered !== undefined) yield* Trust.mayAccept(opened, user)
    const at = yield* Background.now
    const by = "digits" in evidence ? "digits" : "code"
    const account = Bytes.toHex(compared.peer.account)
    const verified = (record: TrustRecords.Trust): TrustRecords.Trust => ({
      ...record,
      verifiedAt: at,
      by: TrustRecords.ways[by],
      print: number.peer.fingerprint,
      compared: compared.peer.devices.map(({ device }) => device)
    })
    if (offered === undefined) yield* change(opened, account, verified, true)
    else {
      // In one commit with the acceptance: what was held of it comes from a verified contact.
      yield* Identity.accept(opened, user, offered.account, (work) => {
        TrustState.put(opened.trust, work.batch, account, verified(TrustState.recordOf(opened.trust, account)))
        Verified.write(opened, work, account, number.peer.fingerprint, at)
      })
      yield* change(opened, account, (record) => record)
    }
    return { at, by, unchanged: true }
  })

/** Forgets that a contact was verified. */
export const unverify = (opened: Opened, peer: Peer): Effect.Effect<void, SafetyError> =>
  Effect.flatMap(find(opened, peer), ({ hex }) => change(opened, hex, Verified.forget, true))

/**
 * Changes what a contact has earned, asks again about what is held, and shows what is no longer set aside. What own devices are to know of it
 * (`decides`, rule trust.verify.6) is told in the same commit.
 */
export const change = (
  opened: Opened,
  account: string,
  next: (record: TrustRecords.Trust) => TrustRecords.Trust,
  decides = false
): Effect.Effect<void, ClientError> =>
  Effect.andThen(
    decides
      ? Conversations.withHandle(opened, opened.hex.account, (own) =>
          Conversations.withHandle(opened, account, (handle) => changeIn(opened, handle, next, own))
        )
      : Conversations.withHandle(opened, account, (handle) => changeIn(opened, handle, next, undefined)),
    TrustAside.release(opened, account)
  )

const changeIn = Effect.fnUntraced(function* (
  opened: Opened,
  handle: Handle,
  next: (record: TrustRecords.Trust) => TrustRecords.Trust,
  own: Handle | undefined
) {
  const now = yield* Background.now
  const contact = opened.contacts.get(handle.hex)
  const work = new Sealing.SendWork()
  work.handles.add(handle)
  const record = next(TrustState.recordOf(opened.trust, handle.hex))
  TrustState.put(opened.trust, work.batch, handle.hex, record)
  if (contact !== undefined) TrustAllows.reconsider(opened, work, contact, now)
  if (own !== undefined) {
    const print = record.verifiedAt > 0 ? record.print : undefined
    Verified.write(opened, work, handle.hex, print, now)
    yield* Orders.reserve(opened, 2 * Own.others(opened).length)
    work.handles.add(own)
    Settling.absorb(opened, work, own, now)
    if (contact !== undefined && print !== undefined) {
      Own.post(opened, work, own, Own.contactWord(contact, 1, print), now)
    }
    Own.post(opened, work, own, Verified.wordAbout(opened, handle, work.batch)!, now)
  }
  yield* Conversations.commitWork(opened, work)
})
