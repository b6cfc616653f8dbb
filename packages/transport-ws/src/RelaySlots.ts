/**
 * The Slots port over WebSockets: each place in a slot has a connection of its own, which is neither the device's nor the anonymous one.
 *
 * Spec: docs/spec/14-relay.md §14.7, rule relay.two.2.
 * Does not know what a blob is.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { Refused, SlotLine, Slots } from "@tacit/core"
import type { Blob } from "./Frame.ts"
import * as Keeper from "./Keeper.ts"
import type { Links } from "./RelayTransport.ts"

export const makeSlots = (links: Links): Slots["Service"] => ({
  open: ({ party, slot }) =>
    links.device.use("link", (link) =>
      Effect.as(link.ask("link", { type: 21, slot, party }, 4), { relay: link.welcome.relay })
    ),
  issuePassword: Effect.map(
    links.device.use("link", (link) => link.ask("link", { type: 26 }, 27)),
    ({ expiresAt, password }) => ({ password, expiresAt })
  ),
  join: ({ party, slot }, progress) =>
    Effect.gen(function* () {
      const blobs = yield* Queue.unbounded<Uint8Array, Refused>()
      const posting = yield* Semaphore.make(1)
      let posted = progress?.posted ?? 0
      let received = progress?.received ?? 0

      /** Takes the next blob, passes over those that came before, and refuses one that skips others. */
      const onBlob = ({ blob, number }: Blob): boolean => {
        if (number !== received) return number < received
        received++
        Queue.offerUnsafe(blobs, blob)
        return true
      }
      const keeper = yield* Keeper.make({
        settings: links.settings,
        when: "always",
        onStatus: (status) =>
          status._tag === "Refused" ? Effect.asVoid(Queue.fail(blobs, status.refusal)) : Effect.void,
        connect: (onLost) =>
          Effect.gen(function* () {
            const link = yield* links.open({ onDeliver: () => false, onBlob, onLost })
            yield* link.ask("link", { type: 22, slot, party, from: received }, 4)
            return link
          })
      })
      yield* Effect.forkScoped(Effect.ignore(keeper.run))
      const relay = yield* keeper.use("link", ({ welcome }) => Effect.succeed(welcome.relay))
      const line: SlotLine = {
        relay,
        post: (blob) =>
          posting.withPermit(
            Effect.andThen(
              keeper.use("link", (link) => link.ask("link", { type: 23, number: posted, blob }, 4)),
              Effect.sync(() => void posted++)
            )
          ),
        received: Stream.fromQueue(blobs),
        close: Effect.catchTag(
          Effect.asVoid(keeper.use("link", (link) => link.ask("link", { type: 25 }, 4))),
          "Refused",
          (refusal) => (refusal.code === "unknown-slot" ? Effect.void : Effect.fail(refusal))
        )
      }
      return line
    })
})
