/**
 * One burst of envelopes: everything it changes, what follows from it, and what it refuses.
 *
 * Spec: docs/spec/07-sequencing.md §7.3; docs/spec/16-state.md §16.2, rule state.commit.2.
 * Opens nothing; client/Receiving.ts does.
 */
import * as Effect from "effect/Effect"
import type { Cause } from "../base/Failure.ts"
import type * as Body from "../envelope/Body.ts"
import type * as OwnDevice from "../envelope/OwnDevice.ts"
import * as Digest from "../envelope/Digest.ts"
import type * as Manifest from "../identity/Manifest.ts"
import type { Delivery } from "../ports/Transport.ts"
import * as RetryStep from "../session/Retry.ts"
import type * as Api from "./Api.ts"
import * as Conversations from "./Conversations.ts"
import type { ClientError } from "./Errors.ts"
import type { Contact, Device, Handle, Opened } from "./Opened.ts"
import * as Settling from "./Settling.ts"
import { endOf } from "./Progress.ts"
import * as Peers from "./Peers.ts"
import type * as Retry from "./Retry.ts"
import * as Sealing from "./Sealing.ts"
import * as Warnings from "./Warnings.ts"

/** Everything one burst of envelopes changes, and what follows from it. */
export class Burst extends Sealing.SendWork {
  readonly now: number
  readonly held = new Map<string, Handle>()
  readonly touched = new Set<Device>()
  /** Devices that began a session and get an answer. */
  readonly answers = new Set<Device>()
  readonly contacts = new Map<string, Contact>()
  /** The newest manifest of accounts whose manifests this burst fetched. */
  readonly manifests = new Map<string, Manifest.Manifest>()
  readonly asked = new Map<string, "unanswered" | "lookup.manifest-gap">()
  readonly warnings: Array<Api.Warning> = []
  readonly failed = new Map<
    string,
    Omit<Retry.Failed, "fresh"> & { readonly digests: Array<Uint8Array>; readonly ids: Array<number>; fresh: boolean }
  >()
  readonly acknowledged: Array<Delivery> = []
  /** Show what was delivered, after the commit. */
  readonly shows: Array<() => void> = []
  /** What is done after the commit. */
  readonly after: Array<Effect.Effect<void>> = []
  readonly resynchronised: Array<{
    readonly device: Device
    readonly request: Resynchronise
    readonly delivery: Delivery
  }> = []
  readonly claims: Array<{ readonly contact: Contact; readonly user: string }> = []
  /** Versions of their manifests that accounts named in what opened, and whether somebody named a newer one of the own account. */
  readonly named = new Map<string, number>()
  ownNamed = false
  prekeysUsed = 0
  /** Orders of the next message that is set aside, by account. */
  readonly asideNext = new Map<string, number>()
  /** What own devices said, in order, and names that it gave to accounts. */
  readonly said: Array<OwnSaid> = []
  readonly renamed = new Map<string, string>()
  /** Own devices that are to be told all settings, and what is known about these contacts, because they know less. */
  readonly untold = new Map<string, { settings: boolean; readonly contacts: Set<string> }>()
  /** A message of no session came. */
  lost = false
  received: number
  readonly acknowledges: boolean
  /** How often its envelopes were put off before. */
  readonly attempt: number

  /** Receives an envelope once more, in a burst of its own. */
  readonly again: (delivery: Delivery) => Effect.Effect<void, ClientError>

  constructor(
    now: number,
    received: number,
    acknowledges: boolean,
    attempt: number,
    again: (delivery: Delivery) => Effect.Effect<void, ClientError>
  ) {
    super()
    this.again = again
    this.now = now
    this.received = received
    this.acknowledges = acknowledges
    this.attempt = attempt
  }
}

/** A word of an own device, on its way into the burst's commit. */
export interface OwnSaid {
  readonly device: Device
  readonly word: OwnDevice.Word
  readonly delivery: Delivery
}

/** A request or an answer to go on after a rollback. */
export type Resynchronise = Extract<Body.DeviceControl, { readonly _tag: "Resynchronise" }>

/** Takes the lock of a conversation for this burst. */
export const hold = (opened: Opened, work: Burst, account: string): Effect.Effect<Handle, ClientError> => {
  const held = work.held.get(account)
  if (held !== undefined) return Effect.succeed(held)
  return Effect.uninterruptible(
    Effect.map(Conversations.acquire(opened, account), (handle) => {
      work.held.set(account, handle)
      work.handles.add(handle)
      Settling.absorb(opened, work, handle, work.now)
      return handle
    })
  )
}

// ---- Refusals

/** A message did not open: nothing changed. The sender, if known, may be asked to seal it again. */
export const reject = (
  opened: Opened,
  work: Burst,
  delivery: Delivery,
  cause: Cause,
  device?: Device,
  body?: Uint8Array
): void => {
  const sender = device === undefined ? undefined : { account: device.account, device: device.hex }
  rejectStart(opened, work, delivery, cause, sender, body, true)
}

export const rejectStart = (
  opened: Opened,
  work: Burst,
  delivery: Delivery,
  cause: Cause,
  sender: { readonly account: string; readonly device: string } | undefined,
  body: Uint8Array | undefined,
  fresh: boolean
): void => {
  const peer = sender === undefined ? undefined : Peers.senderOf(opened, sender.account, sender.device)
  warn(opened, work, delivery, cause, peer)
  // Rules fence.probe.1 and fence.probe.2: one of the two sides may run from an old copy.
  if (cause === "lookup.no-session" || cause === "auth.header") work.lost = true
  if (sender === undefined || body === undefined || !RetryStep.isAskable(cause)) {
    work.acknowledged.push(delivery)
    return
  }
  const failed = work.failed.get(sender.device) ?? { ...sender, digests: [], ids: [], fresh: false }
  failed.digests.push(Digest.derive(opened.crypto, body))
  failed.ids.push(delivery.id)
  failed.fresh ||= fresh
  work.failed.set(sender.device, failed)
}

/** One warning for each cause and envelope, however often it comes. */
export const warn = (
  opened: Opened,
  work: Burst,
  delivery: Delivery,
  cause: Cause,
  peer: Api.Sender | undefined
): void => {
  const about = `${cause} ${endOf(delivery)}`
  if (opened.warned.has(about)) return
  if (opened.warned.size >= 10_000) opened.warned.clear()
  opened.warned.add(about)
  work.warnings.push(Warnings.rejected(cause, peer, work.now))
}
