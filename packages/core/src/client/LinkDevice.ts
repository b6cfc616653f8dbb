/**
 * Linking on a device that has no account yet: joining an invitation, and registering with what comes of it.
 *
 * Spec: docs/spec/19-linking.md §19.7 (new), rule link.resume.2.
 * Steps decide what a frame means (link/Join.ts). Leaves a store as `register` does; opening the client is the caller's.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import { type Role, roles } from "../identity/Device.ts"
import * as Manifest from "../identity/Manifest.ts"
import type * as Channel from "../link/Channel.ts"
import * as Invitation from "../link/Invitation.ts"
import * as Join from "../link/Join.ts"
import { fail as linkFail, type LinkFailure } from "../link/LinkFailure.ts"
import * as LinkText from "../link/LinkText.ts"
import type * as Payload from "../link/Payload.ts"
import { Crypto, Entropy } from "../ports/Crypto.ts"
import { Directory } from "../ports/Directory.ts"
import { KeyCustody } from "../ports/KeyCustody.ts"
import { Slots } from "../ports/Slots.ts"
import { Store } from "../ports/Store.ts"
import type { Refused, TransportError } from "../ports/Transport.ts"
import * as FenceStep from "../sequence/Fence.ts"
import { Batch, commit } from "./Commit.ts"
import { AlreadyRegistered } from "./Errors.ts"
import * as HistoryRecords from "./history/HistoryRecords.ts"
import * as Selecting from "./history/Selecting.ts"
import * as Surveying from "./history/Surveying.ts"
import * as Log from "./internal/log.ts"
import {
  abilities,
  type JoinState,
  type LinkDeviceError,
  type LinkDeviceOptions,
  type LinkedDevice,
  LinkEnded,
  type LinkJoin,
  type LinkReason,
  LinkRefused,
  type RoleName
} from "./LinkApi.ts"
import * as Driver from "./LinkDriver.ts"
import * as LinkRecords from "./LinkRecords.ts"
import * as Records from "./Records.ts"
import { refuseSealed } from "./vault/Sealed.ts"

interface Ports {
  readonly store: Store["Service"]
  readonly directory: Directory["Service"]
  readonly slots: Slots["Service"]
  readonly custody: KeyCustody["Service"]
  readonly crypto: CryptoProvider
  readonly entropy: Entropy["Service"]
}

/** Attempts to register while the relay cannot be reached; each waits as long as the transport does. */
const registrations = 8

/** What a joining device stands on. */
export type Requirements = Store | Directory | Slots | KeyCustody | Crypto | Entropy

const nameOf: Readonly<Record<Role, RoleName>> = {
  [roles.admin]: "admin",
  [roles.member]: "member",
  [roles.replica]: "replica"
}

/**
 * Joins the invitation of another device of one's account. The device's keys are made here and stay here. When `result` succeeds the store
 * holds a registered device. Interrupted anywhere it can be called again: with a new invitation, or, once it had received what it
 * registers with, without one.
 */
export const linkDevice = (
  options: LinkDeviceOptions
): Effect.Effect<LinkJoin, LinkDeviceError | LinkEnded, Requirements | Scope.Scope> =>
  Effect.gen(function* () {
    const ports: Ports = {
      store: yield* Store,
      directory: yield* Directory,
      slots: yield* Slots,
      custody: yield* KeyCustody,
      crypto: yield* Crypto,
      entropy: yield* Entropy
    }
    yield* refuseSealed(ports.store)
    const stored = yield* ports.store.get(Records.keys.self)
    if (stored === undefined) return yield* join(ports, options)
    const self = yield* Records.read(Records.Self, stored.key, stored.value)
    const left = yield* ports.store.get(LinkRecords.keys.joining)
    if (self.registered === 1 || left === undefined) return yield* new AlreadyRegistered()
    return yield* resume(ports, self, yield* Records.read(LinkRecords.Joining, left.key, left.value))
  })

const orRefused = <A>(result: Result.Result<A, LinkFailure>): Effect.Effect<A, LinkRefused> =>
  Result.isSuccess(result)
    ? Effect.succeed(result.success)
    : Effect.fail(new LinkRefused({ cause: result.failure.cause }))

const steps = (crypto: CryptoProvider): Driver.Steps<Join.State, Join.Event> => ({
  receive: (state, frame, now) => Join.receive(crypto, state, frame, now),
  abort: (state, reason) => Join.abort(crypto, state, reason),
  tick: (state, now) => Join.tick(crypto, state, now),
  isOver: ({ _tag }) => _tag === "Linked" || _tag === "Aborted"
})

const join = Effect.fnUntraced(function* (ports: Ports, options: LinkDeviceOptions) {
  const { crypto, custody, entropy, slots } = ports
  const { challenges = ["code", "pin"], uri = "" } = options
  const able = abilities(challenges, "new")
  const now = yield* Clock.currentTimeMillis
  const bytes = yield* orRefused(LinkText.parse("invite", uri))
  const invitation = yield* orRefused(Invitation.verifyLink(crypto, bytes, now))
  yield* orRefused(Join.challengeOf(invitation, able))
  // Keys of an earlier attempt may be listed as removed: they serve nobody any more.
  yield* custody.forget
  const keys = yield* custody.createDevice
  const shared = yield* custody.agree(invitation.link.ephemeral)
  if (shared === undefined) return yield* new LinkRefused({ cause: "auth.low-order" })
  const coins: Join.Coins = {
    ephemeral: entropy.bytes("link.eph", 32),
    nonce: entropy.bytes("link.nonce", 32),
    secret: entropy.bytes("link.secret", 16),
    shares: Array.from({ length: Limits.maxPinAttempts }, () => entropy.bytes("link.share", 32))
  }
  const first = yield* orRefused(Join.begin(crypto, invitation, able, { ...keys, shared }, coins, now))
  const line = yield* slots.join({ slot: invitation.link.slot, party: entropy.bytes("link.party", 16) })

  const states = Log.make<JoinState>()
  const ended = Deferred.makeUnsafe<LinkedDevice, LinkEnded | LinkDeviceError>()
  let linked: LinkedDevice | undefined

  const succeed = (device: LinkedDevice): void => {
    const { account, device: id, role, user } = device
    states.publish({ _tag: "Linked", self: { account, device: id, user }, role })
    Deferred.doneUnsafe(ended, Exit.succeed(device))
  }

  const onEvent: Driver.OnEvent<Join.State, Join.Event> = (event) =>
    Effect.gen(function* () {
      switch (event._tag) {
        case "Sign": {
          const signature = yield* custody.signWithDevice(event.input)
          return (state: Join.State, now: number) => Join.signed(crypto, state, signature, now)
        }
        case "ShowCode":
          states.publish({ _tag: "ShowCode", code: LinkText.format("link", event.code) })
          return undefined
        case "Received": {
          const { payload } = event
          if (payload.relay !== line.relay)
            return (state: Join.State) => Result.succeed(Join.abort(crypto, state, "refused"))
          const kept = yield* Effect.result(keep(ports, payload, event.handover, invitation.device))
          if (Result.isFailure(kept)) {
            if (kept.failure._tag !== "CustodyError" || kept.failure.reason !== "unopened") return yield* kept.failure
            return (state: Join.State) => Result.succeed(Join.abort(crypto, state, "refused"))
          }
          const { account, device, user } = kept.success
          const role = nameOf[payload.role]
          const history = payload.history === undefined ? {} : { history: Selecting.wantedOf(payload.history) }
          states.publish({ _tag: "Received", user, account: Bytes.toHex(account), role, ...history })
          yield* Effect.retry(register(ports, kept.success, payload.password), {
            while: ({ _tag }) => _tag === "TransportError",
            schedule: Schedule.spaced("1 second"),
            times: registrations
          }).pipe(
            Effect.catch((error): Effect.Effect<never, Refused | TransportError | Driver.Stop> => {
              if (error._tag === "Refused" || error._tag === "TransportError") return Effect.fail(error)
              // The relay may have taken it, and the store could not say so: the next call goes on.
              Deferred.doneUnsafe(ended, Exit.fail(error))
              return Effect.fail(new Driver.Stop())
            })
          )
          linked = { user, account: Bytes.toHex(account), device: Bytes.toHex(device), role, ...history }
          return (state: Join.State, now: number) => Join.finish(crypto, state, now)
        }
        case "Linked":
          succeed(linked!)
          yield* Effect.ignore(line.close)
          return undefined
        case "Aborted": {
          const { by, reason } = event
          // The old device's last word was lost, or the slot: the directory knows whether it counts.
          if (linked !== undefined && !(by === "other") && (yield* isListed(ports, linked))) {
            succeed(linked)
            return undefined
          }
          yield* discard(ports)
          states.publish({ _tag: "Ended", reason, by })
          Deferred.doneUnsafe(ended, Exit.fail(new LinkEnded({ reason, by })))
          return undefined
        }
        default:
          states.publish(event)
          return undefined
      }
    })

  // Once it is registered it is a device of the account: who would not have it removes it there.
  const give = (reason: LinkReason) =>
    Effect.ignore(
      driver.input((state) =>
        linked === undefined ? Result.succeed(Join.abort(crypto, state, reason)) : linkFail("link.state")
      )
    )
  const driver = yield* Driver.make(first, invitation.expiresAt, steps(crypto), onEvent)
  states.publish({ _tag: "Joined" })
  yield* Effect.forkScoped(
    driver.run(line).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          states.end()
          Deferred.doneUnsafe(ended, Exit.fail(new LinkEnded({ reason: "failed", by: "self" })))
        })
      )
    )
  )
  const handle: LinkJoin = {
    states: states.stream,
    typed: (pin) => driver.input((state, now) => Join.typed(crypto, state, pin, now)),
    confirm: driver.input((state, now) => Join.confirm(crypto, state, now)),
    deny: give("mismatch"),
    cancel: give("cancelled"),
    result: Deferred.await(ended)
  }
  return handle
})

/** What a device is made of that an account took in. */
export type Admission = Pick<
  Payload.Checked,
  "alias" | "certificate" | "certified" | "handover" | "manifest" | "password" | "rendezvousSeed" | "role" | "user"
> &
  Pick<Payload.Payload, "history">

/**
 * Stores what the payload makes of this device, keys first: from here on it registers, also after a crash. `old` is the device that
 * invited it, 32 bytes: it is asked for what the payload promises of the history.
 */
export const keep = Effect.fnUntraced(function* (
  { crypto, custody, entropy, store }: Pick<Ports, "crypto" | "custody" | "entropy" | "store">,
  payload: Admission,
  handover: Channel.Handover,
  old?: Uint8Array
) {
  const { account, agreement, device } = payload.certified
  const known = { account, alias: payload.alias }
  yield* payload.role === roles.admin
    ? custody.openAccount(handover.key, handover.ad, payload.handover, known)
    : custody.joinAccount(known)
  const secret = entropy.bytes("device.secret", 32)
  const self: Records.Self = {
    version: Records.written,
    registered: 0,
    user: payload.user,
    account,
    device,
    agreement,
    rendezvous: payload.rendezvousSeed,
    mailbox: entropy.bytes("device.mailbox", Limits.mailboxBytes),
    token: entropy.bytes("device.token", Limits.deliveryTokenBytes),
    secret,
    certificate: payload.certificate,
    manifest: payload.manifest,
    fence: FenceStep.maker(crypto, secret).first(entropy.bytes("device.start", FenceStep.randomBytes)),
    restored: 0,
    next: { signed: 1, kem: 1, once: 1, kemOnce: 1 }
  }
  const batch = new Batch()
  const { password, role } = payload
  batch.put(Records.keys.self, Records.Self.encode(self))
  batch.put(LinkRecords.keys.joining, LinkRecords.Joining.encode({ version: Records.written, password, role }))
  // Rule link.history.2: asked for when the client is first opened with history.
  if (payload.history !== undefined && old !== undefined) {
    const wish = {
      version: HistoryRecords.written,
      range: payload.history,
      madeAt: yield* Clock.currentTimeMillis
    } as const
    batch.put(HistoryRecords.keys.wish(Bytes.toHex(old)), HistoryRecords.Wish.encode(wish))
  }
  yield* commit(store, batch)
  return self
})

/** Registers with the one-time password, which may be repeated (rule relay.register.4), and stores that it did. */
export const register = Effect.fnUntraced(function* (
  { directory, store }: Pick<Ports, "directory" | "store">,
  self: Records.Self,
  password: string
) {
  const { certificate, mailbox, manifest, user } = self
  yield* directory.register({ user, password, manifest, certificate, mailbox })
  const batch = new Batch()
  batch.put(Records.keys.self, Records.Self.encode({ ...self, registered: 1 }))
  batch.remove(LinkRecords.keys.joining)
  yield* commit(store, batch)
})

/** Whether the newest manifest of the account lists this device; without an answer it is taken to. */
const isListed = ({ crypto, directory }: Ports, { account, device }: LinkedDevice): Effect.Effect<boolean> =>
  Effect.map(Effect.result(directory.manifestsAfter(Bytes.fromHex(account)!, 0)), (answer) => {
    if (Result.isFailure(answer)) return true
    const newest = Manifest.update(crypto, Bytes.fromHex(account)!, undefined, answer.success.manifests)
    return Result.isFailure(newest) || Manifest.deviceOf(newest.success, Bytes.fromHex(device)!) !== undefined
  })

/** Nothing came of it: the store is as it was. */
const discard = Effect.fnUntraced(function* ({ custody, store }: Ports) {
  const batch = new Batch()
  batch.remove(Records.keys.self)
  batch.remove(LinkRecords.keys.joining)
  for (const { key } of yield* store.scan(HistoryRecords.keys.wishes)) batch.remove(key)
  yield* commit(store, batch)
  yield* custody.forget
})

/** Goes on where a crash stopped a device that had stored what it registers with. */
const resume = Effect.fnUntraced(function* (ports: Ports, self: Records.Self, { password, role }: LinkRecords.Joining) {
  const name = nameOf[role as Role]
  const [wish] = yield* Surveying.wishes(ports.store)
  const history = wish === undefined ? {} : { history: wish.range }
  const sender = { user: self.user, account: Bytes.toHex(self.account), device: Bytes.toHex(self.device) }
  const device: LinkedDevice = { ...sender, role: name, ...history }
  const states = Log.make<JoinState>()
  const { account, user } = device
  states.publish({ _tag: "Received", user, account, role: name, ...history })
  const registered = yield* Effect.result(register(ports, self, password))
  if (Result.isFailure(registered) && registered.failure._tag !== "Refused") return yield* registered.failure
  // The password expired, or the device was removed meanwhile. It may also have registered before the crash, long ago.
  const isServed = Result.isSuccess(registered) ? yield* isListed(ports, device) : yield* isKnown(ports, device)
  if (!isServed) {
    yield* discard(ports)
    return yield* new LinkEnded({ reason: "expired", by: "other" })
  }
  if (Result.isFailure(registered)) {
    const batch = new Batch()
    batch.put(Records.keys.self, Records.Self.encode({ ...self, registered: 1 }))
    batch.remove(LinkRecords.keys.joining)
    yield* commit(ports.store, batch)
  }
  states.publish({ _tag: "Linked", self: sender, role: name })
  states.end()
  const closed = Effect.fail(new LinkRefused({ cause: "link.closed" }))
  const handle: LinkJoin = {
    states: states.stream,
    typed: () => closed,
    confirm: closed,
    deny: Effect.void,
    cancel: Effect.void,
    result: Effect.succeed(device)
  }
  return handle
})

/** Whether the relay serves this device: it answers with a bundle, or that prekeys are still missing. */
const isKnown = ({ directory }: Ports, { account, device }: LinkedDevice): Effect.Effect<boolean> =>
  Effect.map(Effect.result(directory.bundle(Bytes.fromHex(account)!, Bytes.fromHex(device)!)), (answer) =>
    Result.isSuccess(answer) ? true : answer.failure._tag === "Refused" && answer.failure.retryAfterMs > 0
  )
