/**
 * Own devices: which there are beside this one, and telling them something.
 *
 * Spec: docs/spec/22-own-devices.md.
 * The own account is a peer of itself: its handle, sessions and lanes are like any other's. A work that changes the own conversation and
 * another one takes the lock of the own one first; a burst of received envelopes holds it from its beginning.
 * What own devices say is taken in client/OwnWords.ts.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Body from "../envelope/Body.ts"
import type * as Content from "../envelope/Content.ts"
import type * as OwnDevice from "../envelope/OwnDevice.ts"
import * as Addressing from "../identity/Addressing.ts"
import * as Conversations from "./Conversations.ts"
import type { ClientError } from "./Errors.ts"
import * as Background from "./internal/background.ts"
import type { Contact, Handle, Opened } from "./Opened.ts"
import * as Orders from "./Orders.ts"
import * as Settling from "./Settling.ts"
import * as Manifests from "./Manifests.ts"
import * as Peers from "./Peers.ts"
import * as Records from "./Records.ts"
import * as Sealing from "./Sealing.ts"
import * as SettingsState from "./SettingsState.ts"
import * as TrustState from "./TrustState.ts"
import * as Verified from "./Verified.ts"

const nobody: ReadonlyArray<Uint8Array> = []

/** The own devices that read, by the newest own manifest, but this one (rule own.devices.1). Nearly always none, and found at once. */
export const others = (opened: Opened): ReadonlyArray<Uint8Array> => {
  const manifest = opened.contacts.get(opened.hex.account)?.manifest
  if (manifest === undefined || opened.removed !== undefined) return nobody
  if (opened.others?.manifest !== manifest) opened.others = { manifest, devices: Peers.readers(opened, manifest) }
  const { devices } = opened.others
  if (devices.length === 0 || opened.proposal === undefined) return devices
  return devices.filter((id) => !Manifests.isBarred(opened, opened.hex.account, id))
}

/** The own devices that a sender did not address that went by version `version` of the own manifest (rule own.received.1). */
export const addedSince = (opened: Opened, version: number): ReadonlyArray<Uint8Array> => {
  const manifest = opened.contacts.get(opened.hex.account)?.manifest
  if (manifest === undefined || version >= manifest.version) return nobody
  const added = new Set(Addressing.addedSince(manifest, opened.self.device, version).map(Bytes.toHex))
  return others(opened).filter((id) => added.has(Bytes.toHex(id)))
}

/** Whether the sender of a message went by lists that did not have this device, so that it may have come as a copy before. */
export const isCopied = (opened: Opened, lists: Content.Extensions["lists"]): boolean => {
  const manifest = opened.contacts.get(opened.hex.account)?.manifest
  if (lists === undefined || manifest === undefined) return false
  return Addressing.isUnknownTo(manifest, opened.self.device, lists.peer)
}

/**
 * Runs an operation under the lock of a conversation, and, when there are other own devices, under that of the own one, which it is given
 * then.
 */
export const withBoth = <A, E>(
  opened: Opened,
  account: string,
  use: (handle: Handle, own: Handle | undefined) => Effect.Effect<A, E>
): Effect.Effect<A, E | ClientError> =>
  Effect.suspend(() =>
    others(opened).length === 0
      ? Conversations.withHandle(opened, account, (handle) => use(handle, undefined))
      : Conversations.withHandle(opened, opened.hex.account, (own) =>
          Conversations.withHandle(opened, account, (handle) => use(handle, own))
        )
  )

/** The devices a word goes to, and the message id it has. */
interface To {
  readonly devices?: ReadonlyArray<Uint8Array>
  /** 16 bytes; random when nothing is said. */
  readonly messageId?: Uint8Array
}

/**
 * Puts a word to own devices into a work that holds the own conversation; `Orders.reserve` has been called for as many orders as there are
 * devices. To devices that cannot be sealed for now it waits in the outbox.
 */
export const post = (
  opened: Opened,
  work: Sealing.SendWork,
  own: Handle,
  word: OwnDevice.Word,
  now: number,
  to: To = {}
): void => {
  const all = others(opened)
  const devices = to.devices ?? all
  if (devices.length === 0) return
  const sequence = Sealing.number(opened, work, own)
  const draft: Sealing.Draft = {
    type: Body.types.ownDevice,
    messageId: to.messageId ?? opened.entropy.bytes("msg.id", 16),
    sequence,
    sentAt: now,
    body: Result.getOrThrow(Body.encode({ _tag: "Own", word })),
    replyTo: undefined,
    fallback: undefined,
    answers: 0,
    addressed: opened.manifestVersion
  }
  if (devices.length < all.length && sequence > 0) passOver(opened, work, own, devices, sequence)
  for (const id of devices) {
    makeRoom(opened, work, Bytes.toHex(id), now)
    Sealing.post(opened, work, own, id, draft, now)
  }
}

/** Rule own.copy.5. */
const makeRoom = (opened: Opened, work: Sealing.SendWork, device: string, now: number): void => {
  const lane = opened.lanes.get(device)
  if (lane === undefined || lane.waiting.length < Limits.maxWaitingCopies) return
  const surplus = lane.waiting.length - Limits.maxWaitingCopies + 1
  Settling.giveUp(opened, work, lane, lane.waiting.slice(0, surplus), away, now)
}

/** Why a copy was given up that waited for a device that is away. */
const away = "own-away"

/**
 * Rule own.devices.2: devices that this number is not meant for must not miss it, and those that it is meant for not the ones before, which may
 * not have been meant for them.
 */
const passOver = (
  opened: Opened,
  work: Sealing.SendWork,
  own: Handle,
  devices: ReadonlyArray<Uint8Array>,
  sequence: number
): void => {
  const meant = new Set(devices.map(Bytes.toHex))
  for (const id of others(opened)) {
    const hex = Bytes.toHex(id)
    // Without a session yet, too: numbers may wait for it that were given out before this one.
    const device = own.devices.get(hex) ?? Conversations.addDevice(opened, work, own, id, Conversations.nowhere)
    work.setPeer(device, { ...device.peer, addressed: 1, floor: meant.has(hex) ? sequence - 1 : sequence })
  }
}

/** A contact as a word (rule own.contact.1). `state` is 1 pinned, 2 identity accepted anew. */
export const contactWord = (
  contact: Contact,
  state: 1 | 2,
  verified: Uint8Array = Bytes.empty
): OwnDevice.OwnContact => ({
  own: "contact",
  account: contact.account,
  user: contact.record.user ?? "",
  state,
  verified
})

/**
 * Greets a device again that answered after this one was restored, with the commit that takes its answer (rule own.greet.2): call
 * {@link follow} after it.
 */
export const forgetGreeted = (work: Conversations.Work, device: string): void =>
  work.batch.remove(Records.keys.greeted(device))

/** Tells own devices something, in a commit of its own. Without other own devices nothing is done. */
export const tell = (
  opened: Opened,
  words: ReadonlyArray<OwnDevice.Word>,
  devices?: ReadonlyArray<Uint8Array>
): Effect.Effect<void, ClientError> =>
  Effect.suspend(() => {
    const to = devices ?? others(opened)
    if (to.length === 0 || words.length === 0) return Effect.void
    return Effect.andThen(
      Orders.reserve(opened, words.length * to.length),
      Conversations.withHandle(opened, opened.hex.account, (own) =>
        Effect.flatMap(Background.now, (now) => {
          const work = new Sealing.SendWork()
          work.handles.add(own)
          Settling.absorb(opened, work, own, now)
          for (const word of words) post(opened, work, own, word, now, { devices: to })
          return Conversations.commitWork(opened, work)
        })
      )
    )
  })

// ---- Getting to know each other

/**
 * Greets own devices that were not greeted yet, in the background, when the own manifest is another one than at the last call (rule
 * own.greet.1).
 */
export const follow = (opened: Opened): void => {
  const manifest = opened.contacts.get(opened.hex.account)?.manifest
  if (manifest === undefined || opened.greetedBy === manifest) return
  opened.greetedBy = manifest
  if (others(opened).length > 0) opened.spawn(Background.persist(opened, greet(opened)))
}

/** Each once: the record that says so is in the commit that holds what the device is told. */
const greet = (opened: Opened): Effect.Effect<void, ClientError> =>
  Effect.forEach(
    others(opened),
    (id) =>
      Effect.gen(function* () {
        const key = Records.keys.greeted(Bytes.toHex(id))
        if ((yield* opened.store.get(key)) !== undefined) return
        yield* Orders.reserve(opened, 2 * opened.contacts.size + 2)
        yield* Conversations.withHandle(opened, opened.hex.account, (own) =>
          Effect.flatMap(Background.now, (now) => {
            const work = new Sealing.SendWork()
            work.handles.add(own)
            Settling.absorb(opened, work, own, now)
            const contacts = [...opened.contacts.values()].filter(({ hex }) => hex !== opened.hex.account)
            for (const contact of contacts) {
              const { print } = TrustState.recordOf(opened.trust, contact.hex)
              post(opened, work, own, contactWord(contact, 1, print), now, { devices: [id] })
              const verified = Verified.wordAbout(opened, contact)
              if (verified !== undefined) post(opened, work, own, verified, now, { devices: [id] })
            }
            const settings = SettingsState.of(opened.settings)
            if (settings.length > 0 || opened.self.restored > 0) {
              post(opened, work, own, SettingsState.word(settings), now, { devices: [id] })
            } else if (contacts.length === 0) {
              Sealing.post(opened, work, own, id, Sealing.control(opened, { _tag: "Acknowledge" }, now), now)
            }
            work.batch.put(key, Records.Greeted.encode({ version: Records.written, at: now }))
            return Conversations.commitWork(opened, work)
          })
        )
      }),
    { discard: true }
  )
