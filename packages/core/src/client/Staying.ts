/**
 * What an opened client does by itself: log in and stay, and look after prekeys, token, own devices and whatever was left undone.
 *
 * Spec: docs/spec/14-relay.md §14.4; docs/spec/04-accounts.md §4.4, rule manifest.own.1; docs/spec/05-agreement.md §5.1.
 * Receives nothing: client/Receiving.ts does.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Labels from "../crypto/Labels.ts"
import * as FenceStep from "../sequence/Fence.ts"
import { Batch, commit } from "./Commit.ts"
import * as Devices from "./Devices.ts"
import * as Dismissals from "./Dismissals.ts"
import * as Fence from "./Fence.ts"
import * as History from "./history/History.ts"
import * as Background from "./internal/background.ts"
import * as Loading from "./Loading.ts"
import type { Opened } from "./Opened.ts"
import * as Outcomes from "./Outcomes.ts"
import * as Own from "./Own.ts"
import * as Prekeys from "./Prekeys.ts"
import * as Receipts from "./Receipts.ts"
import * as Records from "./Records.ts"
import * as Settings from "./Settings.ts"

/** Prekeys and what else grows old are looked after so often, ms. */
const maintenanceMs = 60 * 60 * 1000

/** What a repeated send is recognised by is kept so long, ms. */
const onceLifetimeMs = 30 * 24 * 60 * 60 * 1000

/** Wakes whoever waits for the network when the transport comes back. */
export const watch = (opened: Opened): Effect.Effect<void> =>
  Stream.runForEach(opened.transport.status, (status) =>
    Effect.sync(() => {
      if (status._tag === "Refused" && status.refusal.code === "unknown-device") opened.spawn(Devices.follow(opened))
      if (status._tag === "Refused") {
        opened.spawn(Effect.asVoid(Dismissals.hear(opened, opened.hex.account, status.refusal)))
      }
      if (status._tag !== "Connected") return
      if (opened.proposal !== undefined) opened.resume()
      opened.reconnected.openUnsafe()
      opened.reconnected.closeUnsafe()
    })
  )

/** Logs in and stays; then looks after prekeys, token and whatever was left undone. */
export const connect = (opened: Opened, attempt = 0): Effect.Effect<void> =>
  Effect.scoped(
    opened.removed !== undefined
      ? Effect.succeed(false)
      : Effect.flatMap(Effect.result(opened.transport.open(opened.self.fence)), (login) => {
          // Rule manifest.removed.1: a device that was removed leaves.
          if (Result.isSuccess(login)) return Effect.raceFirst(stay(opened), Effect.as(opened.gone.await, false))
          const { failure } = login
          if (failure._tag === "TransportError") {
            return Effect.andThen(Background.pause(opened, attempt), Effect.succeed(true))
          }
          // The relay's word: the account's own is fetched.
          if (failure.code === "unknown-device") return Effect.as(Devices.follow(opened), false)
          // Rule relay.remove.10.
          if (failure.code === Dismissals.code) {
            return Effect.as(Dismissals.hear(opened, opened.hex.account, failure), false)
          }
          if (failure.code !== "stale-state") return Effect.succeed(false)
          // Rule fence.detect.1: the relay has seen a later start of this device.
          const seen = FenceStep.FenceLayout.decode(failure.detail)
          return Result.isSuccess(seen)
            ? Background.persist(opened, Fence.detect(opened, seen.success))
            : Effect.succeed(false)
        })
  ).pipe(Effect.flatMap((again) => (again ? connect(opened, attempt + 1) : Effect.void)))

/** What a logged-in device does until the client closes. */
const stay = (opened: Opened): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    Dismissals.lift(opened, opened.hex.account, opened.hex.device)
    yield* opened.admitted.open
    opened.spawn(Fence.heal(opened))
    opened.spawn(flushReceipts(opened))
    opened.spawn(followOwn(opened))
    opened.spawn(History.resume(opened))
    yield* untilDone(opened, setToken(opened))
    for (;;) {
      opened.spawn(History.maintain(opened))
      yield* untilDone(opened, Prekeys.maintain(opened))
      yield* Background.persist(opened, forgetOnce(opened))
      yield* Effect.sleep(maintenanceMs)
      opened.spawn(Fence.heal(opened))
      opened.spawn(followOwn(opened))
    }
  })

/** Learns which devices the account has, and greets those that are new here. */
const followOwn = (opened: Opened): Effect.Effect<void> =>
  Effect.andThen(
    Devices.resume(opened),
    Effect.andThen(
      Devices.follow(opened),
      Effect.suspend(() => {
        Own.follow(opened)
        return Background.persist(opened, Settings.repeat(opened))
      })
    )
  )

const setToken = (opened: Opened) =>
  opened.directory.setDeliveryToken(opened.crypto.sha256(Labels.prefixed(Labels.deliveryToken, opened.self.token)))

/** Repeats until it succeeds or the relay refuses for good. */
const untilDone = <E extends { readonly _tag: string }>(
  opened: Opened,
  effect: Effect.Effect<void, E>,
  attempt = 0
): Effect.Effect<void> =>
  effect.pipe(
    Effect.catch((error) =>
      error._tag === "Refused" && attempt > mostRefusals
        ? Effect.void
        : Effect.andThen(
            Background.pause(opened, attempt),
            Effect.suspend(() => untilDone(opened, effect, attempt + 1))
          )
    )
  )

/** Refusals of housekeeping before it is left to the next round. */
const mostRefusals = 8

/** Receipts that were owed when the client closed. */
const flushReceipts = (opened: Opened): Effect.Effect<void> =>
  Effect.flatMap(Background.persist(opened, Loading.scanAll(opened.store, "owed/")), (records) =>
    Effect.forEach(
      records,
      ({ key }) => {
        const [, account, device] = Records.partsOf(key)
        return Receipts.flush(opened, account!, device!)
      },
      { discard: true }
    )
  )

/** Forgets sends whose repetition nobody expects any more. */
const forgetOnce = Effect.fnUntraced(function* (opened: Opened) {
  const now = yield* Background.now
  const batch = new Batch()
  for (const { key, value } of yield* Loading.scanAll(opened.store, "once/")) {
    const { at } = yield* Records.read(Records.Once, key, value)
    if (now - at > onceLifetimeMs) batch.remove(key)
  }
  yield* Outcomes.forget(opened, batch, now)
  yield* commit(opened.store, batch)
})
