/**
 * Linking on a device that has the account key: an invitation, what happens to it, and what is left to be done after a crash.
 *
 * Spec: docs/spec/19-linking.md §19.7 (old), rule link.resume.1.
 * Steps decide what a frame means (link/Offer.ts); the manifest is changed in Devices.ts. No state of a linking is stored.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import type { Range } from "../envelope/HistoryRange.ts"
import { type Role, roles } from "../identity/Device.ts"
import * as Manifest from "../identity/Manifest.ts"
import * as Decision from "../link/Decision.ts"
import * as Invitation from "../link/Invitation.ts"
import * as LinkText from "../link/LinkText.ts"
import * as Offer from "../link/Offer.ts"
import * as Payload from "../link/Payload.ts"
import type { SlotLine } from "../ports/Slots.ts"
import { Batch, commit } from "./Commit.ts"
import * as Devices from "./Devices.ts"
import { InvalidMessage, NotAdmin, Revoked } from "./Errors.ts"
import type { ArchiveRange } from "./history/HistoryApi.ts"
import { ArchiveError, HistoryOff } from "./history/HistoryErrors.ts"
import * as Selecting from "./history/Selecting.ts"
import * as Surveying from "./history/Surveying.ts"
import * as Log from "./internal/log.ts"
import {
  abilities,
  type InviteError,
  type InviteOptions,
  type LinkApi,
  LinkEnded,
  type LinkOffer,
  LinkUnsupported,
  type OfferState,
  type RoleName
} from "./LinkApi.ts"
import * as Driver from "./LinkDriver.ts"
import * as LinkRecords from "./LinkRecords.ts"
import * as Loading from "./Loading.ts"
import type { Opened } from "./Opened.ts"
import * as Records from "./Records.ts"

/** After a password expired, how long a registration that used it may still be on its way, ms. */
const graceMs = 60_000

/** How often a device that is to register is looked for, ms. */
const lookMs = 15_000

/** The operations on an opened client. Goes on, in the background, with what an earlier run left. */
export const make = (opened: Opened): LinkApi => {
  let current: LinkOffer | undefined
  opened.spawn(settleAll(opened))
  return {
    invite: (options) =>
      Effect.gen(function* () {
        if (current !== undefined) yield* current.cancel
        current = yield* invite(opened, options)
        return current
      }),
    promised: Effect.map(Surveying.wishes(opened.store), (wishes) => wishes[0]?.range)
  }
}

const drawCoins = ({ entropy }: Opened): Offer.Coins => ({
  slot: entropy.bytes("link.slot", 16),
  ephemeral: entropy.bytes("link.eph", 32),
  nonce: entropy.bytes("link.nonce", 32),
  pin: entropy.bytes("link.pin", 10),
  shares: Array.from({ length: Limits.maxPinAttempts }, () => entropy.bytes("link.share", 32))
})

const steps = (opened: Opened): Driver.Steps<Offer.State, Offer.Event> => ({
  receive: (state, frame, now) => Offer.receive(opened.crypto, state, frame, now),
  abort: (state, reason) => Offer.abort(opened.crypto, state, reason),
  tick: (state, now) => Offer.tick(opened.crypto, state, now),
  isOver: ({ _tag }) => _tag === "Linked" || _tag === "Aborted"
})

const invite = (opened: Opened, options: InviteOptions): Effect.Effect<LinkOffer, InviteError> =>
  Effect.gen(function* () {
    const { crypto, custody, self, slots } = opened
    const { challenges = ["code", "pin"], lifetimeMs = Limits.maxLinkLifetimeMs, pinDigits, role = "member" } = options
    if (slots === undefined) return yield* new LinkUnsupported()
    const relayBytes = Bytes.utf8Encode(options.relay).length
    const able = abilities(challenges, "old")
    if (
      relayBytes < 1 ||
      relayBytes > Limits.maxRelayAddressBytes ||
      Decision.offers(able).length === 0 ||
      !Number.isSafeInteger(lifetimeMs) ||
      lifetimeMs < 1
    ) {
      return yield* new InvalidMessage({ reason: "bad-invitation" })
    }
    const history = options.history === undefined ? undefined : yield* partOf(opened, role, options.history)
    if (opened.removed !== undefined) return yield* new Revoked({ version: opened.removed.manifest })
    if (Manifest.deviceOf(Devices.newest(opened), self.device)?.role !== roles.admin) return yield* new NotAdmin()

    const now = yield* Clock.currentTimeMillis
    const coins = drawCoins(opened)
    const draft = Offer.draft(
      crypto,
      {
        account: self.account,
        device: self.device,
        relay: options.relay,
        now,
        lifetime: Math.min(lifetimeMs, Limits.maxLinkLifetimeMs),
        able
      },
      coins
    )
    const signature = yield* custody.signWithDevice(Invitation.signingInput(draft))
    const invitation = Invitation.encode(draft, signature)
    const uri = LinkText.format("invite", invitation)
    const open = Offer.begin(crypto, invitation, self.agreement, coins, pinDigits)
    const { expiresAt } = open.start.invitation
    const place = { slot: coins.slot, party: opened.entropy.bytes("link.party", 16) }
    const { relay } = yield* slots.open(place)

    const states = Log.make<OfferState>()
    const ended = Deferred.makeUnsafe<{ readonly device: string; readonly role: RoleName }, LinkEnded>()
    const certifying = { opened, relay, role, history, issuePassword: slots.issuePassword }

    const onEvent: Driver.OnEvent<Offer.State, Offer.Event> = (event) =>
      Effect.gen(function* () {
        switch (event._tag) {
          case "Verified":
            states.publish({ _tag: "Verified", device: Bytes.toHex(event.device) })
            return yield* certify(certifying, event)
          case "Linked": {
            const device = Bytes.toHex(event.device)
            yield* forget(opened, device)
            states.publish({ _tag: "Linked", device, role })
            Deferred.doneUnsafe(ended, Exit.succeed({ device, role }))
            return undefined
          }
          case "Aborted": {
            const { by, device, reason } = event
            if (device !== undefined && (yield* undo(opened, device, reason === "expired"))) {
              const hex = Bytes.toHex(device)
              states.publish({ _tag: "Linked", device: hex, role })
              Deferred.doneUnsafe(ended, Exit.succeed({ device: hex, role }))
              return undefined
            }
            states.publish({ _tag: "Ended", reason, by })
            Deferred.doneUnsafe(ended, Exit.fail(new LinkEnded({ reason, by })))
            return undefined
          }
          default:
            states.publish(event)
            return undefined
        }
      })

    const driver = yield* Driver.make<Offer.State, Offer.Event>(
      { next: open, out: [], events: [], consumed: [] },
      expiresAt,
      steps(opened),
      onEvent
    )
    states.publish({ _tag: "Invited", uri, expiresAt })
    const run = Effect.flatMap(slots.join(place), (line: SlotLine) => driver.run(line)).pipe(
      Effect.scoped,
      Effect.catch(() => Effect.sync(() => states.publish({ _tag: "Ended", reason: "failed", by: "self" }))),
      Effect.ensuring(
        Effect.sync(() => {
          states.end()
          Deferred.doneUnsafe(ended, Exit.fail(new LinkEnded({ reason: "failed", by: "self" })))
        })
      )
    )
    opened.spawn(run)
    return {
      uri,
      expiresAt,
      states: states.stream,
      scanned: (text) =>
        driver.input((state, now) => {
          const code = LinkText.parse("link", text)
          return Result.isFailure(code) ? Result.fail(code.failure) : Offer.scanned(crypto, state, code.success, now)
        }),
      confirm: driver.input((state, now) => Offer.confirm(crypto, state, now)),
      deny: driver.abort("mismatch"),
      cancel: driver.abort("cancelled"),
      result: Deferred.await(ended)
    }
  })

/** The part of the history that the new device is to ask for (rule link.history.1). */
const partOf = (opened: Opened, role: RoleName, wanted: ArchiveRange) =>
  Effect.gen(function* () {
    if (opened.history === undefined) return yield* new HistoryOff()
    if (role === "replica") return yield* new ArchiveError({ reason: "bad-device" })
    const range = yield* Selecting.rangeOf(wanted)
    return Payload.isGiven(range) ? range : yield* new ArchiveError({ reason: "bad-range" })
  })

interface Certifying {
  readonly opened: Opened
  /** The relay's name. */
  readonly relay: string
  readonly role: RoleName
  readonly history: Range | undefined
  readonly issuePassword: Effect.Effect<{ readonly password: string; readonly expiresAt: number }, unknown>
}

type Verified = Extract<Offer.Event, { readonly _tag: "Verified" }>

/** Adds the device to the account and makes the payload. What would be left of it after a crash is noted before anything is published. */
const certify = (
  { history, issuePassword, opened, relay, role }: Certifying,
  { agreement, device, handover }: Verified
) =>
  Effect.gen(function* () {
    const { crypto, custody, self } = opened
    const number: Role = roles[role]
    // First, because it may be refused.
    const { expiresAt, password } = yield* issuePassword
    yield* note(opened, device, { deadline: expiresAt + graceMs, doomed: 0 })
    const { certificate, manifest } = yield* Devices.admit(opened, { device, agreement, role: number })
    const { alias } = yield* custody.publicKeys
    const sealed = role === "admin" ? yield* custody.sealAccount(handover.key, handover.ad) : Bytes.empty
    const payload = {
      role: number,
      user: self.user,
      relay,
      password,
      certificate,
      manifest: manifest.bytes,
      alias,
      rendezvousSeed: self.rendezvous,
      handover: sealed,
      history
    }
    return (state: Offer.State, now: number) => Offer.grant(crypto, state, payload, now)
  })

// ---- What a crash may cut short (rule link.resume.1)

const note = (opened: Opened, device: Uint8Array, record: Omit<LinkRecords.Linking, "version">) => {
  const batch = new Batch()
  const key = LinkRecords.keys.linking(Bytes.toHex(device))
  batch.put(key, LinkRecords.Linking.encode({ version: Records.written, ...record }))
  return commit(opened.store, batch)
}

const forget = (opened: Opened, device: string) => {
  const batch = new Batch()
  batch.remove(LinkRecords.keys.linking(device))
  return commit(opened.store, batch)
}

/**
 * Whether a device registered: the directory has a bundle of it, or says that only its prekeys are missing (rule relay.prekeys.3).
 * `undefined` when nobody answers.
 */
const isRegistered = ({ directory, self }: Opened, device: Uint8Array): Effect.Effect<boolean | undefined> =>
  Effect.map(Effect.result(directory.bundle(self.account, device)), (answer) => {
    if (Result.isSuccess(answer)) return true
    return answer.failure._tag === "Refused" ? answer.failure.retryAfterMs > 0 : undefined
  })

/**
 * After a linking that did not come to its end: removes the device, if it was added. Answers whether it stays: one whose last word was
 * lost, and which registered, does when `mayStay`. What cannot be done now is done in the background.
 */
const undo = (opened: Opened, device: Uint8Array, mayStay: boolean) =>
  Effect.gen(function* () {
    const hex = Bytes.toHex(device)
    if ((yield* opened.store.get(LinkRecords.keys.linking(hex))) === undefined) return false
    if (mayStay && (yield* isRegistered(opened, device)) === true) {
      yield* forget(opened, hex)
      return true
    }
    yield* note(opened, device, { deadline: 0, doomed: 1 })
    if (!(yield* settled(opened, hex))) opened.spawn(settle(opened, hex))
    return false
  })

/** One look at a device that is not confirmed. Answers whether nothing is left to be done about it. */
const settled = (opened: Opened, hex: string) =>
  Effect.gen(function* () {
    const key = LinkRecords.keys.linking(hex)
    const stored = yield* opened.store.get(key)
    if (stored === undefined) return true
    const { deadline, doomed } = yield* Records.read(LinkRecords.Linking, key, stored.value)
    const device = Bytes.fromHex(hex)!
    // Finishes a manifest that was signed and not published.
    const manifest = yield* Devices.revise(opened, { add: [], revoke: [] })
    if (Manifest.deviceOf(manifest, device) !== undefined) {
      const registered = doomed === 0 ? yield* isRegistered(opened, device) : false
      if (registered === undefined) return false
      if (!registered) {
        if ((yield* Clock.currentTimeMillis) < deadline) return false
        yield* Devices.revise(opened, { add: [], revoke: [device] })
      }
    }
    yield* forget(opened, hex)
    return true
  }).pipe(Effect.orElseSucceed(() => false))

const settle = (opened: Opened, hex: string): Effect.Effect<void> =>
  Effect.flatMap(Effect.andThen(opened.admitted.await, settled(opened, hex)), (done) =>
    done || opened.removed !== undefined
      ? Effect.void
      : Effect.andThen(
          Effect.sleep(lookMs),
          Effect.suspend(() => settle(opened, hex))
        )
  )

const settleAll = (opened: Opened): Effect.Effect<void> =>
  Loading.scanAll(opened.store, LinkRecords.keys.all).pipe(
    Effect.map((records) => {
      for (const { key } of records) opened.spawn(settle(opened, Records.partsOf(key)[1]!))
    }),
    // A store that cannot be read ends the client elsewhere.
    Effect.ignore
  )
