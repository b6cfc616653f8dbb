/**
 * Keys and versioned codecs of the records a client stores.
 *
 * Spec: docs/spec/16-state.md §16.1.
 * Sessions, skipped keys, windows and counters are encoded by the modules that own their state. Does not read or write a store.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Stored from "../codec/Stored.ts"
import * as OwnDevice from "../envelope/OwnDevice.ts"
import * as FenceStep from "../sequence/Fence.ts"
import * as Crossing from "../session/Crossing.ts"
import * as Retry from "../session/Retry.ts"
import { StoredRecordError } from "./Errors.ts"

// ---- Keys. Ids are lower-case hexadecimal.

/** Orders have sixteen digits, so that keys sort like numbers. */
const digits = 16
const ordered = (order: number): string => order.toString().padStart(digits, "0")

/** The number at the end of a key. */
export const orderOf = (key: string): number => Number(key.slice(key.lastIndexOf("/") + 1))

/** The parts of a key. */
export const partsOf = (key: string): ReadonlyArray<string> => key.split("/")

/** Kinds of prekeys, as keys name them. */
export type PrekeyKind = "signed" | "kem" | "once" | "kem-once"

export const keys = {
  self: "self",
  progressIn: "progress/in",
  progressOut: "progress/out",
  prekey: (kind: PrekeyKind, id: number): string => `prekey/${kind}/${id}`,
  contact: (account: string): string => `contact/${account}`,
  peer: (account: string, device: string): string => `peer/${account}/${device}`,
  session: (id: string): string => `session/${id}`,
  skipped: (session: string, tag: string, number: number): string => `skipped/${session}/${tag}/${number}`,
  window: (account: string, device: string, conversation: string): string =>
    `window/${account}/${device}/${conversation}`,
  sequence: (conversation: string): string => `sequence/${conversation}`,
  outbox: (order: number): string => `outbox/${ordered(order)}`,
  sent: (device: string, order: number): string => `sent/${device}/${ordered(order)}`,
  inbox: (order: number): string => `inbox/${ordered(order)}`,
  seen: (start: string): string => `seen/${start}`,
  owed: (account: string, device: string): string => `owed/${account}/${device}`,
  once: (message: string): string => `once/${message}`,
  held: (account: string, order: number): string => `held/${account}/${ordered(order)}`,
  proposal: "proposal",
  removed: "removed",
  renewed: "renewed",
  wanted: (account: string, device: string, request: string): string => `wanted/${account}/${device}/${request}`,
  restored: "restored",
  notice: (account: string, version: number): string => `notice/${account}/${ordered(version)}`,
  dismissed: (account: string, place: string): string => `dismissed/${account}/${place}`,
  proof: (digest: string): string => `proof/${digest}`,
  synced: (order: number): string => `synced/${ordered(order)}`,
  greeted: (device: string): string => `greeted/${device}`,
  settings: "settings",
  verified: (account: string): string => `verified/${account}`,
  unsent: (message: string, device: string): string => `unsent/${message}/${device}`,
  trust: (account: string): string => `trust/${account}`,
  trustPolicy: "trust-policy",
  trustLog: (order: number): string => `trust-log/${ordered(order)}`,
  aside: (account: string, order: number): string => `aside/${account}/${ordered(order)}`
} as const

// ---- Codecs

const version = 1
const format = { version: Layout.literal(version) }
const key32 = Layout.bytes({ length: 32 })
const id16 = Layout.bytes({ length: 16 })
const uint = Layout.uint()
const id = Layout.uint({ min: 1 })
const flag = Layout.uint({ max: 1 })
const envelope = Layout.bytes({ max: Limits.maxEnvelopeBytes })
const content = Layout.bytes({ max: Limits.maxContentBytes })

/**
 * This device. `registered` is 0 while a registration is under way. `secret` keys the message ids of idempotent sends and, derived, start ids. `restored` is the
 * generation in which the device last found out that it was restored, 0 if never. `next` are the ids of the next prekeys.
 */
export const Self = Layout.tuple({
  ...format,
  registered: flag,
  user: Layout.text({ min: 1, max: Limits.maxUserNameBytes }),
  account: key32,
  device: key32,
  agreement: key32,
  rendezvous: key32,
  mailbox: id16,
  token: id16,
  secret: key32,
  certificate: Layout.bytes({ max: Limits.maxCertificateBytes }),
  manifest: Layout.bytes({ max: Limits.maxManifestBytes }),
  fence: FenceStep.FenceLayout,
  restored: uint,
  next: Layout.tuple({ signed: id, kem: id, once: id, kemOnce: id })
})
export type Self = Layout.Type<typeof Self>

/** The last inbox order given out, and the deliveries that are committed but perhaps not acknowledged: number and last 16 bytes. */
export const ProgressIn = Layout.tuple({
  ...format,
  order: uint,
  committed: Layout.list(Layout.tuple({ id: uint, end: id16 }), { max: 1024 })
})
export type ProgressIn = Layout.Type<typeof ProgressIn>

/** Outbox orders below this number may have been given out. */
export const ProgressOut = Layout.tuple({ ...format, reserved: uint })
export type ProgressOut = Layout.Type<typeof ProgressOut>

/** An own prekey. `secret` is 32 bytes, for ML-KEM the 64-byte seed; `retiredAt` is 0 while it is in use. */
export const Prekey = Layout.tuple({
  ...format,
  key: Layout.bytes({ min: 32, max: 1184 }),
  secret: Layout.bytes({ min: 32, max: 64 }),
  createdAt: uint,
  retiredAt: uint,
  published: flag
})
export type Prekey = Layout.Type<typeof Prekey>

/**
 * A pinned account. `manifest` is the newest one verified, empty until one was fetched; `offered` the account that now stands
 * under its name and was not accepted.
 */
export const Contact = Layout.tuple({
  ...format,
  user: Layout.optional(Layout.text({ min: 1, max: Limits.maxUserNameBytes })),
  manifest: Layout.bytes({ max: Limits.maxManifestBytes }),
  offered: Layout.optional(key32),
  since: uint
})
export type Contact = Layout.Type<typeof Contact>

/**
 * A peer device. `token` is its delivery token, `tokenKnown` whether it showed that it has ours. Numbers up to `floor` were never addressed
 * to it, `addressed` says whether any was. `archivedIn` and `healedIn` say up to which restoration of this device its sessions were put away, and it answered.
 */
export const Peer = Layout.tuple({
  ...format,
  mailbox: id16,
  token: Layout.optional(id16),
  tokenKnown: flag,
  fence: FenceStep.PeerLayout,
  sessions: Crossing.SessionsLayout,
  requests: Retry.RequestsLayout,
  addressed: flag,
  floor: uint,
  archivedIn: uint,
  healedIn: uint
})
export type Peer = Layout.Type<typeof Peer>

/**
 * A message on its way to one device. `content` is encoded content: with the extensions it was sealed with, or without any and, if the
 * number is not given out yet, with number 0, while `envelope` is empty. `answers` counts how often it was sealed before, in answer to
 * retry requests.
 */
export const Outbox = Layout.tuple({
  ...format,
  account: key32,
  device: key32,
  answers: Layout.uint({ max: Limits.maxRetryAnswers }),
  content,
  envelope
})
export type Outbox = Layout.Type<typeof Outbox>

/** A message the relay has. `state` is 1 sent, 2 delivered; `log` is kept while a retry request may ask for it. */
export const Sent = Layout.tuple({
  ...format,
  state: Layout.uint({ min: 1, max: 2 }),
  message: id16,
  type: uint,
  at: uint,
  log: Layout.optional(Retry.Record)
})
export type Sent = Layout.Type<typeof Sent>

/** A delivered message the application has not taken. */
export const Inbox = Layout.tuple({
  ...format,
  account: key32,
  device: key32,
  receivedAt: uint,
  late: flag,
  content
})
export type Inbox = Layout.Type<typeof Inbox>

/** A start that was opened, kept as long as its signed prekey. */
export const Seen = Layout.tuple({ ...format, signedPrekey: id })
export type Seen = Layout.Type<typeof Seen>

/** Messages of a device for which a delivery receipt is still to be sent. */
export const Owed = Layout.tuple({ ...format, messages: Layout.list(id16, { min: 1, max: Limits.maxItems }) })
export type Owed = Layout.Type<typeof Owed>

/** What a send with an idempotency key answered. */
export const Once = Layout.tuple({ ...format, conversation: id16, sequence: uint, devices: uint, at: uint })
export type Once = Layout.Type<typeof Once>

/**
 * What a device asked to be sent again, until that is done: the messages with these digests, or, for one that was restored, everything
 * above the number it knows of.
 */
export const Wanted = Layout.tuple({
  ...format,
  digests: Layout.list(id16, { max: Limits.maxRetryDigests }),
  above: Layout.optional(uint)
})
export type Wanted = Layout.Type<typeof Wanted>

/** This device found out, at this time, that it was restored from an old copy, and nobody was told yet. */
export const Restored = Layout.tuple({ ...format, at: uint })
export type Restored = Layout.Type<typeof Restored>

/** A session start held until its sender's changed identity is accepted. */
export const Held = Layout.tuple({ ...format, receivedAt: uint, envelope })
export type Held = Layout.Type<typeof Held>

/** An own manifest that was signed and perhaps not published yet (rule manifest.publish.1). */
export const Proposal = Layout.tuple({ ...format, manifest: Layout.bytes({ max: Limits.maxManifestBytes }) })
export type Proposal = Layout.Type<typeof Proposal>

/** This device was removed: the first version of the own manifest seen that does not list it, and when that was (rule manifest.removed.1). */
export const Removed = Layout.tuple({ ...format, manifest: id, at: uint })
export type Removed = Layout.Type<typeof Removed>

/** Sessions with a lower rank are not sealed in any more (rule manifest.revoke.4). */
export const Renewed = Layout.tuple({ ...format, before: uint })
export type Renewed = Layout.Type<typeof Renewed>

/** Devices that a manifest added and removed, still to be told (rule manifest.told.1). */
export const Notice = Layout.tuple({
  ...format,
  at: uint,
  added: Layout.list(key32, { max: Limits.maxManifestDevices }),
  removed: Layout.list(key32, { max: Limits.maxManifestDevices })
})
export type Notice = Layout.Type<typeof Notice>

/**
 * The relay's administrator removed an account or a device of it: when by the relay's clock, when that was heard, and whether it was told (rule
 * relay.remove.6).
 */
export const Dismissed = Layout.tuple({ ...format, at: uint, removedAt: uint, told: flag })
export type Dismissed = Layout.Type<typeof Dismissed>

/** A fork proof, when it was found, and whether it was told (rule proof.keep.1). */
export const Proof = Layout.tuple({
  ...format,
  at: uint,
  told: flag,
  proof: Layout.bytes({ max: Limits.maxForkProofBytes })
})
export type Proof = Layout.Type<typeof Proof>

/** What another own device did, until the application has taken it. `word` is the body of a content of type 10. */
export const Synced = Layout.tuple({
  ...format,
  device: key32,
  receivedAt: uint,
  word: Layout.bytes({ max: Limits.maxOwnBodyBytes })
})
export type Synced = Layout.Type<typeof Synced>

/** The settings of the account (docs/spec/22-own-devices.md §22.8). */
export const Settings = Layout.tuple({ ...format, settings: OwnDevice.SettingsLayout })
export type Settings = Layout.Type<typeof Settings>

/** An own device was greeted, and told the contacts and last the settings, at this time. */
export const Greeted = Layout.tuple({ ...format, at: uint })
export type Greeted = Layout.Type<typeof Greeted>

/** A message that failed for one device, and why. */
export const Unsent = Layout.tuple({ ...format, account: key32, at: uint, reason: Layout.text({ max: 64 }) })
export type Unsent = Layout.Type<typeof Unsent>

/** Reads a record; the error names the kind that its key begins with. */
export const decode = <T>(
  layout: Layout.Layout<T>,
  key: string,
  bytes: Uint8Array
): Result.Result<T, StoredRecordError> => readable(key, Stored.decode(layout, version, bytes))

/** The outcome of reading the record under `key` as a public error. */
export const readable = <T>(
  key: string,
  read: Result.Result<T, Stored.Unreadable>
): Result.Result<T, StoredRecordError> =>
  Result.mapError(read, ({ reason }) => new StoredRecordError({ kind: key.split("/")[0]!, reason }))

/** {@link decode} as an Effect. */
export const read = <T>(
  layout: Layout.Layout<T>,
  key: string,
  bytes: Uint8Array
): Effect.Effect<T, StoredRecordError> => Effect.fromResult(decode(layout, key, bytes))

/** The version every record here is written with. */
export const written = version
