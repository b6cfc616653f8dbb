/**
 * Contacts: looking names up, pinning accounts, following manifests, fetching bundles.
 *
 * Spec: docs/spec/04-accounts.md §4.3; docs/spec/05-agreement.md §5.1; docs/spec/14-relay.md §14.3.
 * What the directory says is checked before it is used. A contact's record is written under the lock of its conversation. Starts no
 * sessions.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bundle from "../agreement/Bundle.ts"
import * as Bytes from "../base/Bytes.ts"
import type { Cause, Failure } from "../base/Failure.ts"
import * as Content from "../envelope/Content.ts"
import * as Addressing from "../identity/Addressing.ts"
import type * as Manifest from "../identity/Manifest.ts"
import * as Name from "../identity/Name.ts"
import type { DirectoryEntry } from "../ports/Directory.ts"
import { type Refused, TransportError } from "../ports/Transport.ts"
import type { Contact as PublicContact, Sender } from "./Api.ts"
import { absent } from "./Commit.ts"
import * as Conversations from "./Conversations.ts"
import * as Dismissals from "./Dismissals.ts"
import {
  type ClientError,
  IdentityChanged,
  InvalidMessage,
  PeerMisbehaved,
  type RemovedByRelay,
  Revoked,
  type SendError,
  UnknownUser
} from "./Errors.ts"
import type { Contact, Handle, Opened, Prepared } from "./Opened.ts"
import * as Manifests from "./Manifests.ts"
import * as Records from "./Records.ts"
import * as Trust from "./Trust.ts"
import * as Warnings from "./Warnings.ts"

/** How long a look-up may take when the account is pinned already, ms. */
const patienceMs = 5000

/** An answer smaller than this is a whole chain: a frame holds more (rule relay.directory.2). */
const partialBytes = 150_000

export { senderOf } from "./Senders.ts"

/** The contact behind a user name, pinned at first sight. */
export const resolve = Effect.fnUntraced(function* (opened: Opened, user: string) {
  if (opened.removed !== undefined) return yield* new Revoked({ version: opened.removed.manifest })
  if (!Name.isName(user) || user === opened.self.user) return yield* new InvalidMessage({ reason: "bad-user" })
  const pinned = opened.names.get(user)
  const contact = pinned === undefined ? undefined : opened.contacts.get(pinned)
  if (contact === undefined) return yield* learn(opened, user, yield* lookUp(opened, user))
  if (opened.checked.has(user)) return yield* unchanged(opened, contact)
  const answer = yield* Effect.result(within(patienceMs, lookUp(opened, user)))
  if (Result.isFailure(answer) && answer.failure._tag === "RemovedByRelay") {
    // Of another account that had the name after this one, it says nothing about this one.
    if (answer.failure.account === contact.hex) return yield* answer.failure
  }
  // Without an answer the pinned account stands: it is what the user trusts.
  return Result.isSuccess(answer) ? yield* learn(opened, user, answer.success) : yield* unchanged(opened, contact)
})

/** The contact with an account id in hexadecimal, which must be known. */
export const byAccount = (opened: Opened, account: string): Effect.Effect<Contact, SendError> =>
  // Suspended: a conversation that is held open asks anew with every call.
  Effect.suspend((): Effect.Effect<Contact, SendError> => {
    const contact = account === opened.hex.account ? undefined : opened.contacts.get(account)
    return contact === undefined ? Effect.fail(new UnknownUser({ user: account })) : unchanged(opened, contact)
  })

/**
 * Whether the contact may be written to: not under a changed identity, not by a device that was removed, and not when the relay's administrator
 * removed one of the two.
 */
const unchanged = (
  opened: Opened,
  contact: Contact
): Effect.Effect<Contact, IdentityChanged | Revoked | RemovedByRelay> => {
  if (opened.removed !== undefined) return Effect.fail(new Revoked({ version: opened.removed.manifest }))
  const { offered, user } = contact.record
  if (offered !== undefined) {
    return Effect.fail(new IdentityChanged({ user: user ?? "", pinned: contact.hex, offered: Bytes.toHex(offered) }))
  }
  const isDismissed = Dismissals.ofSelf(opened) !== undefined || Dismissals.ofAccount(opened, contact.hex) !== undefined
  return isDismissed ? Effect.as(served(opened, contact), contact) : Effect.succeed(contact)
}

/** Asks again whether the relay serves this device and a contact, of whom it said that it does not (rules relay.remove.6 and relay.remove.10). */
const served = Effect.fnUntraced(function* (opened: Opened, contact: Contact) {
  const self = Dismissals.ofSelf(opened)
  if (self !== undefined && !self.heard) yield* Dismissals.told(opened, patienceMs)
  if (self?.lifted === false) return yield* Dismissals.error(opened.self.user, opened.hex.account, true, self)
  yield* Effect.result(within(patienceMs, askFrom(opened, contact.account, versionOf(opened, contact.hex))))
  const peer = Dismissals.ofAccount(opened, contact.hex)
  if (peer !== undefined) return yield* Dismissals.error(contact.record.user ?? "", contact.hex, false, peer)
})

const within = <A, E>(ms: number, effect: Effect.Effect<A, E>): Effect.Effect<A, E | TransportError> =>
  Effect.timeoutOrElse(Effect.interruptible(effect), {
    duration: ms,
    orElse: () => Effect.fail(new TransportError({ operation: "look-up", cause: new Error("no answer in time") }))
  })

/** What the directory says about a name, the whole chain of manifests included. */
const lookUp = (
  opened: Opened,
  user: string
): Effect.Effect<DirectoryEntry, TransportError | Refused | UnknownUser | PeerMisbehaved | RemovedByRelay> =>
  Effect.flatMap(
    Effect.catchTag(
      opened.directory.lookUp(user),
      "Refused",
      (refusal): Effect.Effect<never, Refused | UnknownUser | RemovedByRelay> => {
        if (refusal.code === "unknown-user") return Effect.fail(new UnknownUser({ user }))
        const removal = Dismissals.read(opened, refusal, undefined)
        if (removal === undefined) return Effect.fail(refusal)
        const account = Bytes.toHex(removal.account)
        return Effect.flatMap(Dismissals.hear(opened, account, refusal), () =>
          Effect.fail(Dismissals.error(user, account, false, removal))
        )
      }
    ),
    (entry) => Effect.tap(complete(opened, entry, 0), () => Effect.sync(() => liftFor(opened, entry)))
  )

const liftFor = (opened: Opened, { account }: DirectoryEntry): void => Dismissals.lift(opened, Bytes.toHex(account))

/** Takes note where what was asked about an account is refused because the administrator removed it, or a device of it. */
const hearing = <A, E extends { readonly _tag: string }>(
  opened: Opened,
  account: Uint8Array,
  asked: Effect.Effect<A, E | Refused>
): Effect.Effect<A, E | Refused> =>
  Effect.tapError(asked, (failure) =>
    failure._tag === "Refused" ? Dismissals.hear(opened, Bytes.toHex(account), failure as Refused) : Effect.void
  )

/** Asks for further manifests until there are none. */
const complete = Effect.fnUntraced(function* (opened: Opened, entry: DirectoryEntry, after: number) {
  const manifests = [...entry.manifests]
  let part = entry.manifests
  let version = after
  while (part.reduce((sum, bytes) => sum + bytes.length, 0) > partialBytes) {
    version += part.length
    part = (yield* opened.directory.manifestsAfter(entry.account, version)).manifests
    manifests.push(...part)
  }
  return { account: entry.account, manifests }
})

/** Checks what the directory says about a name and stores it. */
const learn = Effect.fnUntraced(function* (opened: Opened, user: string, entry: DirectoryEntry) {
  const hex = Bytes.toHex(entry.account)
  const pinned = opened.names.get(user)
  if (pinned !== undefined && pinned !== hex) return yield* changed(opened, pinned, entry.account)
  const held = versionOf(opened, hex)
  const contact = yield* Conversations.withHandle(opened, hex, (handle) =>
    store(opened, handle, user, entry.manifests, user, held)
  )
  opened.checked.add(user)
  return yield* unchanged(opened, contact)
})

const versionOf = (opened: Opened, account: string): number => opened.contacts.get(account)?.manifest?.version ?? 0

/** Rule manifest.pin.1: the name now stands for another account. Sending is held until the user accepts. */
const changed = Effect.fnUntraced(function* (opened: Opened, pinned: string, offered: Uint8Array) {
  const contact = yield* holdIdentity(opened, pinned, offered)
  return yield* unchanged(opened, contact)
})

/** Notes the account offered under a contact's name, and warns once. */
export const holdIdentity = (
  opened: Opened,
  pinned: string,
  offered: Uint8Array
): Effect.Effect<Contact, ClientError> =>
  Conversations.withHandle(opened, pinned, (handle) =>
    Effect.gen(function* () {
      const contact = opened.contacts.get(pinned)!
      if (contact.record.offered !== undefined && Bytes.equal(contact.record.offered, offered)) return contact
      const now = yield* Clock.currentTimeMillis
      yield* write(opened, handle, contact, { ...contact.record, offered }, (work) =>
        Trust.identityChanged(opened, work, contact, now)
      )
      const peer: Sender = { user: contact.record.user, account: pinned, device: "" }
      opened.warnings.publish(Warnings.identityChanged(peer, pinned, Bytes.toHex(offered), now))
      return contact
    })
  )

/** What else is in the commit that stores a contact: `with` is given the contact as it will be. */
export interface Along {
  readonly work: Conversations.Work
  readonly with: (contact: Contact) => void
}

/**
 * Stores name and newest manifest of an account. Runs under the lock of its conversation. `since` is the version that was held when the
 * directory was asked: what came meanwhile may be newer than its answer.
 */
const store = Effect.fnUntraced(function* (
  opened: Opened,
  handle: Handle,
  user: string | undefined,
  manifests: ReadonlyArray<Uint8Array>,
  asked: string,
  since: number,
  along?: Along
) {
  const known = opened.contacts.get(handle.hex)
  const held = known?.manifest
  const now = yield* Clock.currentTimeMillis
  const work = along?.work ?? new Conversations.Work()
  work.handles.add(handle)
  const advanced = Manifests.advance(opened, handle.account, held, manifests)
  if (Result.isFailure(advanced)) {
    const { cause } = advanced.failure
    if (known !== undefined && held !== undefined && cause === "fresh.rollback" && held.version > since) return known
    Manifests.report(opened, work, handle, held, manifests, cause, now)
    yield* Conversations.commitWork(opened, work)
    return yield* new PeerMisbehaved({ user: asked, failure: cause })
  }
  const { newest } = advanced.success
  const contact = known ?? fresh(handle, now)
  const record: Records.Contact = { ...contact.record, user: user ?? contact.record.user, manifest: newest.bytes }
  if (known !== undefined && record.user === known.record.user && newest === held) return known
  put(opened, work, contact, record)
  Manifests.follow(opened, work, handle, contact, held, advanced.success, now)
  along?.with({ ...contact, record })
  yield* Conversations.commitWork(opened, work)
  return contact
})

/** A contact that is not stored yet. */
export const fresh = ({ account, hex }: Pick<Handle, "account" | "hex">, since: number): Contact => ({
  account,
  hex,
  record: { version: Records.written, user: undefined, manifest: Bytes.empty, offered: undefined, since },
  slot: absent(),
  manifest: undefined
})

const write = (
  opened: Opened,
  handle: Handle,
  contact: Contact,
  record: Records.Contact,
  also: (work: Conversations.Work) => void = () => undefined
) =>
  Effect.suspend(() => {
    const work = new Conversations.Work()
    work.handles.add(handle)
    put(opened, work, contact, record)
    also(work)
    return Conversations.commitWork(opened, work)
  })

/** Puts a contact's record into a work; memory follows after the commit. */
export const put = (opened: Opened, work: Conversations.Work, contact: Contact, record: Records.Contact): void => {
  const isFirst = !opened.contacts.has(contact.hex) && work.batch.peek(Records.keys.contact(contact.hex)) === undefined
  work.batch.put(Records.keys.contact(contact.hex), Records.Contact.encode(record), contact.slot)
  if (isFirst) Trust.firstContact(opened, work, { ...contact, record }, record.since)
  work.batch.applied(() => {
    const before = contact.record.user
    contact.record = record
    opened.contacts.set(contact.hex, contact)
    if (before !== undefined && before !== record.user && opened.names.get(before) === contact.hex) {
      opened.names.delete(before)
    }
    if (record.user !== undefined) opened.names.set(record.user, contact.hex)
  })
}

/** Takes the mark from a contact that its identity changed. */
export const withdrawOffer = (opened: Opened, pinned: string): Effect.Effect<void, ClientError> =>
  Conversations.withHandle(opened, pinned, (handle) =>
    Effect.suspend(() => {
      const contact = opened.contacts.get(pinned)
      if (contact === undefined) return Effect.void
      return write(opened, handle, contact, { ...contact.record, offered: undefined })
    })
  )

/** Pins an account under a name, with the directory's manifests, in one commit with what comes along. Runs under the locks of that. */
export const pinAs = (
  opened: Opened,
  user: string,
  account: Uint8Array,
  manifests: ReadonlyArray<Uint8Array>,
  along?: Along
): Effect.Effect<Contact, ClientError | PeerMisbehaved> =>
  Conversations.withHandle(opened, Bytes.toHex(account), (handle) =>
    // The answer is of before the lock: nothing that came meanwhile makes it a rollback.
    store(opened, handle, user, manifests, user, 0, along)
  )

/** Identifier of the direct conversation with a contact. */
export const conversationOf = (opened: Opened, contact: Contact): string =>
  Bytes.toHex(Content.directConversation(opened.crypto, opened.self.account, contact.account))

/**
 * Takes over what the directory answered about an account: manifests that follow `held`, and the name it confirmed, if it did. Part of a
 * work that holds the conversation. Answers the newest manifest, or why there is none.
 */
export const adopt = (
  opened: Opened,
  work: Conversations.Work,
  handle: Handle,
  contact: Contact,
  held: Manifest.Manifest | undefined,
  user: string | undefined,
  manifests: ReadonlyArray<Uint8Array>,
  now: number
): Result.Result<Manifest.Manifest, Failure> => {
  const advanced = Manifests.advance(opened, contact.account, held, manifests)
  if (Result.isFailure(advanced)) {
    Manifests.report(opened, work, handle, held, manifests, advanced.failure.cause, now)
    return Result.fail(advanced.failure)
  }
  const { newest } = advanced.success
  put(opened, work, contact, { ...contact.record, user: user ?? contact.record.user, manifest: newest.bytes })
  Manifests.follow(opened, work, handle, contact, held, advanced.success, now)
  work.batch.applied(() => {
    if (user !== undefined) opened.checked.add(user)
  })
  return Result.succeed(newest)
}

/**
 * The manifests of an account from the version held on (rule manifest.own.2), if the directory answers in time. For works that hold a
 * conversation.
 */
export const manifestsFrom = (
  opened: Opened,
  account: Uint8Array,
  held: number
): Effect.Effect<ReadonlyArray<Uint8Array> | undefined> =>
  Effect.map(Effect.result(within(patienceMs, askFrom(opened, account, held))), (answer) =>
    Result.isSuccess(answer) ? answer.success.manifests : undefined
  )

const askFrom = (opened: Opened, account: Uint8Array, held: number) => {
  const after = Math.max(held - 1, 0)
  return Effect.tap(
    Effect.flatMap(hearing(opened, account, opened.directory.manifestsAfter(account, after)), (entry) =>
      complete(opened, entry, after)
    ),
    () => Effect.sync(() => liftFor(opened, { account, manifests: [] }))
  )
}

/** Follows an account's manifests, from `answer` if it is complete, else with what the directory has beyond the one held. */
export const refresh = (
  opened: Opened,
  account: string,
  answer?: ReadonlyArray<Uint8Array>
): Effect.Effect<Contact, ClientError | TransportError | Refused | PeerMisbehaved> =>
  Effect.gen(function* () {
    const user = opened.contacts.get(account)?.record.user ?? account
    if (answer !== undefined) {
      const told = yield* Effect.result(
        Conversations.withHandle(opened, account, (handle) => store(opened, handle, undefined, answer, user, 0))
      )
      if (Result.isSuccess(told)) return told.success
      if (told.failure._tag !== "PeerMisbehaved" || told.failure.failure !== "lookup.manifest-gap") {
        return yield* told.failure
      }
    }
    const held = versionOf(opened, account)
    const entry = yield* askFrom(opened, Bytes.fromHex(account)!, held)
    return yield* Conversations.withHandle(opened, account, (handle) =>
      store(opened, handle, undefined, entry.manifests, user, held)
    )
  })

/**
 * Verifies a name that a start claimed: whether the directory answers it with the account. `"other"` when it answers with another
 * one, `"unknown"` when it does not answer.
 */
export const confirm = (
  opened: Opened,
  user: string,
  account: Uint8Array
): Effect.Effect<{ readonly verdict: "same" | "other" | "unknown"; readonly manifests: ReadonlyArray<Uint8Array> }> =>
  Effect.map(Effect.result(within(patienceMs, lookUp(opened, user))), (answer) => {
    if (Result.isFailure(answer)) return { verdict: "unknown", manifests: [] }
    const { account: named, manifests } = answer.success
    return { verdict: Bytes.equal(named, account) ? "same" : "other", manifests }
  })

/** The devices to send to: those of the manifest that read, or, while none is known, those that wrote. */
export const targets = (opened: Opened, handle: Handle): ReadonlyArray<Uint8Array> => {
  const manifest = opened.contacts.get(handle.hex)?.manifest
  if (manifest === undefined) return [...handle.devices.values()].map(({ id }) => id)
  return readers(opened, manifest)
}

/** The devices of a manifest that read, without this one. */
export const readers = ({ self }: Pick<Opened, "self">, manifest: Manifest.Manifest): ReadonlyArray<Uint8Array> =>
  Addressing.readers(manifest, self.device)

/** Why a device cannot be prepared for a first message. */
export type Unprepared = TransportError | Refused | ClientError | PeerMisbehaved

/** Fetches and checks the bundle of a device, and agrees with its signed prekey (rules prekey.check.1 and prekey.check.2). */
export const fetchBundle = Effect.fnUntraced(function* (opened: Opened, contact: Contact, device: Uint8Array) {
  const refuse = (failure: Cause) => new PeerMisbehaved({ user: contact.record.user ?? contact.hex, failure })
  const bytes = yield* hearing(opened, contact.account, opened.directory.bundle(contact.account, device))
  const checked = Bundle.check(opened.crypto, bytes, contact.account)
  if (Result.isFailure(checked)) return yield* refuse(checked.failure.cause)
  const { manifest } = contact.manifest === undefined ? yield* refresh(opened, contact.hex) : contact
  if (manifest === undefined) return yield* refuse("lookup.manifest-gap")
  const belongs = Bundle.belongs(checked.success, device, manifest)
  if (Result.isFailure(belongs)) return yield* refuse(belongs.failure.cause)
  const dh1 = yield* opened.custody.agree(checked.success.signedPrekey.key)
  const prepared: Prepared = { bundle: checked.success, dh1 }
  return prepared
})

/** A contact as the application sees it. */
export const present = ({ hex, manifest, record }: Contact): Omit<PublicContact, "verified" | "approved"> => ({
  user: record.user,
  account: hex,
  state: record.offered === undefined ? "pinned" : "identity-changed",
  devices: manifest?.devices.length ?? 0
})
