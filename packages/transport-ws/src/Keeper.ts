/**
 * Keeps a link to the relay: opens it, opens it again with growing pauses, and carries operations from one link to the next.
 *
 * Spec: docs/spec/14-relay.md rules relay.submit.3, relay.mailbox.1 (what makes repeating safe).
 * Does not know what an operation means; repeating it must be harmless.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { type Refused, TransportError, type TransportStatus } from "@tacit/core"
import type { Link, Loss, Operation } from "./Link.ts"
import type { Settings } from "./Options.ts"

export interface Keeper {
  /**
   * Runs an operation on a link, waiting for one, and again on the next when the link is lost or the relay asks to wait. Fails with
   * `TransportError` when its time is over.
   */
  readonly use: <A>(
    operation: Operation,
    run: (link: Link) => Effect.Effect<A, TransportError | Refused>
  ) => Effect.Effect<A, TransportError | Refused>
  /** Whether there is a link now. */
  readonly isOpen: () => boolean
  /** Keeps the link until interrupted; fails when the relay refuses for good. */
  readonly run: Effect.Effect<never, Refused>
}

export interface KeeperOptions {
  readonly settings: Settings
  /** Opens a link and makes it ready. `onLost` is for the link to call. */
  readonly connect: (onLost: () => void) => Effect.Effect<Link, TransportError | Refused, Scope.Scope>
  /** `always` keeps a link as long as it runs; `used` opens one when an operation needs it and lets it go when idle. */
  readonly when: "always" | "used"
  readonly onStatus: (status: TransportStatus) => Effect.Effect<void>
}

/** Refusals that pass: the same request may succeed later. */
const passing: ReadonlySet<string> = new Set(["rate-limited", "internal", "going-away", "not-entitled"])

/** Shortest wait before a passing refusal is tried again, in ms. */
const minWaitMs = 50

/** Exponential, capped, jittered; starts over with every link that was good. */
const policy = ({ backoffMs, maxBackoffMs }: Settings): Schedule.Schedule<unknown> =>
  Schedule.jittered(
    Schedule.min([Schedule.exponential(Duration.millis(backoffMs)), Schedule.spaced(Duration.millis(maxBackoffMs))])
  )

export const make = (options: KeeperOptions): Effect.Effect<Keeper> =>
  Effect.gen(function* () {
    const { onStatus, settings } = options
    const clock = yield* Clock.Clock
    const permits = yield* Semaphore.make(settings.maxInFlight)
    const demand = yield* Latch.make(options.when === "always")
    let current = Deferred.makeUnsafe<Link, Refused>()
    let open = false
    let users = 0
    let lastUsed = 0

    const publish = (link: Link): void => {
      open = true
      Deferred.doneUnsafe(current, Exit.succeed(link))
    }
    /** From now on operations wait for the next link. Those that wait already are not left behind. */
    const withdraw = (): void => {
      open = false
      if (Deferred.isDoneUnsafe(current)) current = Deferred.makeUnsafe<Link, Refused>()
    }

    const idle: Effect.Effect<Loss> =
      options.when === "always"
        ? Effect.never
        : Effect.suspend(() =>
            users === 0 && clock.currentTimeMillisUnsafe() - lastUsed >= settings.idleMs
              ? Effect.succeed({ reason: "idle", final: undefined })
              : Effect.andThen(Effect.sleep(settings.idleMs), idle)
          )

    /** One link from its opening to its end. */
    const hold = (onOpen: () => void): Effect.Effect<Loss, TransportError | Refused> =>
      Effect.scoped(
        Effect.gen(function* () {
          let lost = false
          const link = yield* options.connect(() => {
            lost = true
            withdraw()
          })
          onOpen()
          yield* onStatus({ _tag: "Connected" })
          if (!lost) publish(link)
          return yield* Effect.raceFirst(link.lost, idle)
        }).pipe(Effect.ensuring(Effect.sync(withdraw)))
      )

    const run: Keeper["run"] = Effect.gen(function* () {
      withdraw()
      let step = yield* Schedule.toStep(policy(settings))
      let attempt = 0
      for (;;) {
        // In one go with the question, so that nobody who comes in between is overlooked.
        if (options.when === "used" && users === 0) Latch.closeUnsafe(demand)
        yield* demand.await
        attempt++
        yield* onStatus({ _tag: "Connecting", attempt })
        let opened = false
        const outcome = yield* Effect.result(hold(() => (opened = true)))
        if (opened) {
          attempt = 0
          step = yield* Schedule.toStep(policy(settings))
        }
        let reason = "the relay could not be reached"
        let atLeastMs = 0
        if (Result.isSuccess(outcome)) {
          if (outcome.success.final !== undefined) return yield* outcome.success.final
          reason = outcome.success.reason
          if (reason === "idle") continue
        } else if (outcome.failure._tag === "Refused") {
          if (!passing.has(outcome.failure.code)) return yield* outcome.failure
          reason = outcome.failure.explanation
          atLeastMs = outcome.failure.retryAfterMs
        }
        // The policy never ends, so a step always has a delay.
        const [, delay] = yield* Effect.orDie(step(clock.currentTimeMillisUnsafe(), undefined))
        const retryInMs = Math.round(Math.max(atLeastMs, Duration.toMillis(delay)))
        yield* onStatus({ _tag: "Disconnected", reason, retryInMs })
        yield* Effect.sleep(retryInMs)
      }
    }).pipe(
      Effect.tapError((refusal) =>
        Effect.andThen(
          onStatus({ _tag: "Refused", refusal }),
          Effect.sync(() => Deferred.doneUnsafe(current, Exit.fail(refusal)))
        )
      )
    )

    const use: Keeper["use"] = (operation, run) =>
      Effect.suspend(() => {
        const deadline = clock.currentTimeMillisUnsafe() + settings.timeoutMs
        const again: ReturnType<typeof run> = Effect.suspend(() => Deferred.await(current)).pipe(
          Effect.flatMap(run),
          Effect.catch((error) => {
            if (error._tag === "TransportError") return Effect.andThen(Effect.yieldNow, again)
            if (!passing.has(error.code)) return Effect.fail(error)
            const wait = Math.max(minWaitMs, error.retryAfterMs)
            return clock.currentTimeMillisUnsafe() + wait >= deadline
              ? Effect.fail(error)
              : Effect.andThen(Effect.sleep(wait), again)
          })
        )
        users++
        Latch.openUnsafe(demand)
        return permits.withPermit(again).pipe(
          Effect.timeoutOrElse({
            duration: settings.timeoutMs,
            orElse: () => Effect.fail(new TransportError({ operation, cause: new Error("no answer in time") }))
          }),
          Effect.ensuring(
            Effect.sync(() => {
              users--
              lastUsed = clock.currentTimeMillisUnsafe()
            })
          )
        )
      })

    return { use, isOpen: () => open, run }
  })
