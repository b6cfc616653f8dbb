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
import * as Device from "../identity/Device.ts"
import * as Manifest from "../identity/Manifest.ts"
import * as Name from "../identity/Name.ts"
import type { DirectoryEntry } from "../ports/Directory.ts"
import { type Refused, TransportError } from "../ports/Transport.ts"
import type { Contact as PublicContact, Sender } from "./Api.ts"
import { absent } from "./Commit.ts"
import * as Conversations from "./Conversations.ts"
import {
  type ClientError,
  IdentityChanged,
  InvalidMessage,
  PeerMisbehaved,
  type SendError,
  UnknownUser
} from "./Errors.ts"
import type { Contact, Handle, Opened, Prepared } from "./Opened.ts"
import * as Records from "./Records.ts"
import * as Warnings from "./Warnings.ts"

/** How long a look-up may take when the account is pinned already, ms. */
const patienceMs = 5000

/** An answer smaller than this is a whole chain: a frame holds more (rule relay.directory.2). */
const partialBytes = 150_000

/** Who a device is, as the application knows it. */
export const senderOf = (opened: Opened, account: string, device: string): Sender => ({
  user: opened.contacts.get(account)?.record.user,
  account,
  device
})

/** The contact behind a user name, pinned at first sight. */
export const resolve = Effect.fnUntraced(function* (opened: Opened, user: string) {
  if (!Name.isName(user) || user === opened.self.user) return yield* new InvalidMessage({ reason: "bad-user" })
  const pinned = opened.names.get(user)
  const contact = pinned === undefined ? undefined : opened.contacts.get(pinned)
  if (contact === undefined) return yield* learn(opened, user, yield* lookUp(opened, user))
  if (opened.checked.has(user)) return yield* unchanged(contact)
  const answer = yield* Effect.result(within(patienceMs, lookUp(opened, user)))
  // Without an answer the pinned account stands: it is what the user trusts.
  return Result.isSuccess(answer) ? yield* learn(opened, user, answer.success) : yield* unchanged(contact)
})

/** The contact with an account id in hexadecimal, which must be known. */
export const byAccount = (opened: Opened, account: string): Effect.Effect<Contact, SendError> => {
  const contact = opened.contacts.get(account)
  if (contact === undefined) return Effect.fail(new UnknownUser({ user: account }))
  return unchanged(contact)
}

const unchanged = (contact: Contact): Effect.Effect<Contact, IdentityChanged> => {
  const { offered, user } = contact.record
  return offered === undefined
    ? Effect.succeed(contact)
    : Effect.fail(new IdentityChanged({ user: user ?? "", pinned: contact.hex, offered: Bytes.toHex(offered) }))
}

const within = <A, E>(ms: number, effect: Effect.Effect<A, E>): Effect.Effect<A, E | TransportError> =>
  Effect.timeoutOrElse(Effect.interruptible(effect), {
    duration: ms,
    orElse: () => Effect.fail(new TransportError({ operation: "look-up", cause: new Error("no answer in time") }))
  })

/** What the directory says about a name, the whole chain of manifests included. */
const lookUp = (
  opened: Opened,
  user: string
): Effect.Effect<DirectoryEntry, TransportError | Refused | UnknownUser | PeerMisbehaved> =>
  Effect.flatMap(
    Effect.catchTag(opened.directory.lookUp(user), "Refused", (refusal) =>
      Effect.fail(refusal.code === "unknown-user" ? new UnknownUser({ user }) : refusal)
    ),
    (entry) => complete(opened, entry, 0)
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
  const contact = yield* Conversations.withHandle(opened, hex, (handle) =>
    store(opened, handle, user, entry.manifests, user)
  )
  opened.checked.add(user)
  return yield* unchanged(contact)
})

/** Rule manifest.pin.1: the name now stands for another account. Sending is held until the user accepts. */
const changed = Effect.fnUntraced(function* (opened: Opened, pinned: string, offered: Uint8Array) {
  const contact = yield* holdIdentity(opened, pinned, offered)
  return yield* unchanged(contact)
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
      yield* write(opened, handle, contact, { ...contact.record, offered })
      const now = yield* Clock.currentTimeMillis
      const peer: Sender = { user: contact.record.user, account: pinned, device: "" }
      opened.warnings.publish(Warnings.identityChanged(peer, pinned, Bytes.toHex(offered), now))
      return contact
    })
  )

/** Stores name and newest manifest of an account. Runs under the lock of its conversation. */
const store = Effect.fnUntraced(function* (
  opened: Opened,
  handle: Handle,
  user: string | undefined,
  manifests: ReadonlyArray<Uint8Array>,
  asked: string
) {
  const known = opened.contacts.get(handle.hex)
  const manifest = Manifest.update(opened.crypto, handle.account, known?.manifest, manifests)
  if (Result.isFailure(manifest)) {
    return yield* new PeerMisbehaved({ user: asked, failure: manifest.failure.cause })
  }
  const now = yield* Clock.currentTimeMillis
  const contact = known ?? fresh(handle, now)
  const record: Records.Contact = {
    ...contact.record,
    user: user ?? contact.record.user,
    manifest: manifest.success.bytes
  }
  const same = known !== undefined && record.user === known.record.user && manifest.success === known.manifest
  if (!same) yield* write(opened, handle, contact, record, manifest.success)
  contact.manifest = manifest.success
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
  manifest?: Manifest.Manifest
) =>
  Effect.suspend(() => {
    const work = new Conversations.Work()
    work.handles.add(handle)
    put(opened, work, contact, record)
    if (manifest !== undefined) forgetRevoked(opened, work, handle, manifest)
    return Conversations.commitWork(opened, work)
  })

/** Puts a contact's record into a work; memory follows after the commit. */
export const put = (opened: Opened, work: Conversations.Work, contact: Contact, record: Records.Contact): void => {
  work.batch.put(Records.keys.contact(contact.hex), Records.Contact.encode(record), contact.slot)
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

/** Rule manifest.device.2: with the manifest that revokes devices, the sessions with them go. */
const forgetRevoked = (opened: Opened, work: Conversations.Work, handle: Handle, manifest: Manifest.Manifest): void => {
  for (const device of handle.devices.values()) {
    if (Manifest.isRevoked(manifest, device.id)) Conversations.dropSessions(opened, work, device)
  }
}

/** Takes the name from a contact whose identity changed, or, without `accepted`, only the mark that it did. */
export const settleOffer = (
  opened: Opened,
  pinned: string,
  accepted: Uint8Array | undefined
): Effect.Effect<void, ClientError> =>
  Conversations.withHandle(opened, pinned, (handle) =>
    Effect.suspend(() => {
      const contact = opened.contacts.get(pinned)
      if (contact === undefined) return Effect.void
      const user = accepted === undefined ? contact.record.user : undefined
      return write(opened, handle, contact, { ...contact.record, user, offered: undefined })
    })
  )

/** Pins an account under a name, with the directory's manifests. */
export const pinAs = (
  opened: Opened,
  user: string,
  account: Uint8Array,
  manifests: ReadonlyArray<Uint8Array>
): Effect.Effect<Contact, ClientError | PeerMisbehaved> =>
  Conversations.withHandle(opened, Bytes.toHex(account), (handle) => store(opened, handle, user, manifests, user))

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
  manifests: ReadonlyArray<Uint8Array>
): Result.Result<Manifest.Manifest, Failure> => {
  const manifest = Manifest.update(opened.crypto, contact.account, held, manifests)
  if (Result.isFailure(manifest)) return manifest
  const newest = manifest.success
  put(opened, work, contact, { ...contact.record, user: user ?? contact.record.user, manifest: newest.bytes })
  forgetRevoked(opened, work, handle, newest)
  work.batch.applied(() => {
    contact.manifest = newest
    if (user !== undefined) opened.checked.add(user)
  })
  return manifest
}

/** The manifests of an account after a version, if the directory answers in time. For works that hold a conversation. */
export const manifestsAfter = (
  opened: Opened,
  account: Uint8Array,
  version: number
): Effect.Effect<ReadonlyArray<Uint8Array> | undefined> =>
  Effect.map(
    Effect.result(
      within(
        patienceMs,
        Effect.flatMap(opened.directory.manifestsAfter(account, version), (entry) => complete(opened, entry, version))
      )
    ),
    (answer) => (Result.isSuccess(answer) ? answer.success.manifests : undefined)
  )

/** Whether an account's newest known manifest says that a device is not, or no longer, one of its. */
export const isRemoved = ({ manifest }: Contact, device: Uint8Array): boolean =>
  manifest !== undefined && Manifest.deviceOf(manifest, device) === undefined

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
        Conversations.withHandle(opened, account, (handle) => store(opened, handle, undefined, answer, user))
      )
      if (Result.isSuccess(told)) return told.success
      if (told.failure._tag !== "PeerMisbehaved" || told.failure.failure !== "lookup.manifest-gap") {
        return yield* told.failure
      }
    }
    const held = opened.contacts.get(account)?.manifest?.version ?? 0
    const id = Bytes.fromHex(account)!
    const entry = yield* complete(opened, yield* opened.directory.manifestsAfter(id, held), held)
    return yield* Conversations.withHandle(opened, account, (handle) =>
      store(opened, handle, undefined, entry.manifests, user)
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
  return manifest.devices.filter(({ role }) => role !== Device.roles.replica).map(({ device }) => device)
}

/** Why a device cannot be prepared for a first message. */
export type Unprepared = TransportError | Refused | ClientError | PeerMisbehaved

/** Fetches and checks the bundle of a device, and agrees with its signed prekey (rules prekey.check.1 and prekey.check.2). */
export const fetchBundle = Effect.fnUntraced(function* (opened: Opened, contact: Contact, device: Uint8Array) {
  const refuse = (failure: Cause) => new PeerMisbehaved({ user: contact.record.user ?? contact.hex, failure })
  const bytes = yield* opened.directory.bundle(contact.account, device)
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
export const present = ({ hex, manifest, record }: Contact): PublicContact => ({
  user: record.user,
  account: hex,
  state: record.offered === undefined ? "pinned" : "identity-changed",
  devices: manifest?.devices.length ?? 0
})
