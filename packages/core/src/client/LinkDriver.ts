/**
 * One end of a linking as a program: frames come from the slot, answers from the user, time passes; steps decide, frames go out.
 *
 * Spec: docs/spec/19-linking.md §19.2, §19.7.
 * Knows neither end's states. What an event asks for is its caller's.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Bytes from "../base/Bytes.ts"
import type { Reason, Step } from "../link/Frame.ts"
import type { LinkFailure } from "../link/LinkFailure.ts"
import type { SlotLine } from "../ports/Slots.ts"
import { LinkRefused } from "./LinkApi.ts"

type Outcome<State, Event> = Result.Result<Step<State, Event>, LinkFailure>

/** Something that may change the state. A refusal is told to `done`, where there is one, and changes nothing. */
export interface Input<State, Event> {
  readonly run: (state: State, now: number) => Outcome<State, Event>
  readonly done?: Deferred.Deferred<void, LinkRefused>
}

/** The steps of one end. */
export interface Steps<State, Event> {
  readonly receive: (state: State, frame: Uint8Array, now: number) => Outcome<State, Event>
  readonly abort: (state: State, reason: Reason) => Step<State, Event>
  readonly tick: (state: State, now: number) => Step<State, Event>
  readonly isOver: (state: State) => boolean
}

export interface Driver<State, Event> {
  /** Answers of the user. Fails when the step refuses them, or the linking is over. */
  readonly input: (run: Input<State, Event>["run"]) => Effect.Effect<void, LinkRefused>
  /** Ends it, if it has not ended. */
  readonly abort: (reason: Reason) => Effect.Effect<void>
  /** Runs until the end. */
  readonly run: (line: SlotLine) => Effect.Effect<void>
}

/** An event's failure that ends this end without a word, as if the process had been killed: what is stored goes on later. */
export class Stop {
  readonly _tag = "Stop"
}

/** What an event comes to: nothing, or a further step. A failure of any kind but {@link Stop} ends the linking with `failed`. */
export type OnEvent<State, Event> = (event: Event) => Effect.Effect<Input<State, Event>["run"] | void, unknown>

export const make = <State, Event>(
  first: Step<State, Event>,
  expiresAt: number,
  steps: Steps<State, Event>,
  onEvent: OnEvent<State, Event>
): Effect.Effect<Driver<State, Event>> =>
  Effect.map(Queue.unbounded<Input<State, Event>>(), (inputs) => drive(inputs, first, expiresAt, steps, onEvent))

const drive = <State, Event>(
  inputs: Queue.Queue<Input<State, Event>>,
  first: Step<State, Event>,
  expiresAt: number,
  steps: Steps<State, Event>,
  onEvent: OnEvent<State, Event>
): Driver<State, Event> => {
  let state = first.next
  let over = false
  const offer = (input: Input<State, Event>): void => void Queue.offerUnsafe(inputs, input)
  const aborting = (reason: Reason): Input<State, Event> => ({
    run: (state) => Result.succeed(steps.abort(state, reason))
  })

  /** Makes a step the present one, and does what it asks for. */
  const apply = (line: SlotLine, step: Step<State, Event>): Effect.Effect<void> =>
    Effect.gen(function* () {
      state = step.next
      const lost = yield* Effect.exit(Effect.forEach(step.out, line.post, { discard: true }))
      // The other end cannot hear any more: here it ends in the same way, without a word.
      if (Exit.isFailure(lost) && !steps.isOver(state)) {
        return yield* perform(line, { ...steps.abort(state, "failed"), out: [] }, step)
      }
      yield* perform(line, step)
    })

  const perform = (line: SlotLine, ...done: ReadonlyArray<Step<State, Event>>): Effect.Effect<void> =>
    Effect.gen(function* () {
      const [step] = done
      state = step!.next
      for (const event of step!.events) {
        const next = yield* Effect.exit(onEvent(event))
        if (Exit.isFailure(next) && Cause.squash(next.cause) instanceof Stop) over = true
        else if (Exit.isFailure(next)) yield* take(line, aborting("failed"))
        else if (next.value !== undefined) yield* take(line, { run: next.value }, true)
      }
      for (const { consumed } of done) Bytes.wipe(...consumed)
    })

  const take = (line: SlotLine, input: Input<State, Event>, isOwn = false): Effect.Effect<void> =>
    Effect.gen(function* () {
      const step = input.run(state, yield* Clock.currentTimeMillis)
      if (Result.isFailure(step)) {
        const { cause } = step.failure
        if (input.done !== undefined) Deferred.doneUnsafe(input.done, Exit.fail(new LinkRefused({ cause })))
        // What this end itself wanted and cannot have: nothing follows that could go on.
        if (isOwn && !steps.isOver(state)) yield* apply(line, steps.abort(state, "failed"))
        return
      }
      yield* apply(line, step.success)
      if (input.done !== undefined) Deferred.doneUnsafe(input.done, Exit.void)
    })

  const run: Driver<State, Event>["run"] = (line) =>
    Effect.gen(function* () {
      yield* Effect.forkScoped(
        line.received.pipe(
          Stream.runForEach((frame) =>
            Effect.sync(() => offer({ run: (state, now) => steps.receive(state, frame, now) }))
          ),
          // The slot is gone.
          Effect.catch(() => Effect.sync(() => offer(aborting("failed"))))
        )
      )
      const left = expiresAt - (yield* Clock.currentTimeMillis)
      yield* Effect.forkScoped(
        Effect.andThen(
          Effect.sleep(Math.max(0, left)),
          Effect.sync(() => offer({ run: (state, now) => Result.succeed(steps.tick(state, now)) }))
        )
      )
      yield* apply(line, first)
      while (!over && !steps.isOver(state)) yield* take(line, yield* Queue.take(inputs))
    }).pipe(
      Effect.scoped,
      Effect.ensuring(
        Effect.flatMap(
          Effect.sync(() => (over = true)),
          () =>
            Effect.map(Queue.clear(inputs), (left) => {
              for (const { done } of left) {
                if (done !== undefined) Deferred.doneUnsafe(done, Exit.fail(new LinkRefused({ cause: "link.closed" })))
              }
            })
        )
      )
    )

  return {
    input: (run) =>
      Effect.suspend(() => {
        if (over) return Effect.fail(new LinkRefused({ cause: "link.closed" }))
        const done = Deferred.makeUnsafe<void, LinkRefused>()
        offer({ run, done })
        return Deferred.await(done)
      }),
    abort: (reason) =>
      Effect.suspend(() => {
        if (over) return Effect.void
        const done = Deferred.makeUnsafe<void, LinkRefused>()
        offer({ ...aborting(reason), done })
        return Effect.ignore(Deferred.await(done))
      }),
    run
  }
}
