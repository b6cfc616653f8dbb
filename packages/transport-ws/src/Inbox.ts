/**
 * Deliveries between the link and whoever pulls them, and the credit that keeps their number bounded.
 *
 * Spec: docs/spec/14-relay.md rule relay.mailbox.1.
 * Forgets what was not pulled when the link changes: the relay delivers it again.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { Delivery, Refused } from "@tacit/core"
import type { Deliver } from "./Frame.ts"
import type { Link } from "./Link.ts"

export interface Inbox {
  /** A link that is logged in: what waits here unread is forgotten, and credit begins anew. */
  readonly attach: (link: Link) => void
  readonly detach: () => void
  /** `false` when it came without credit. */
  readonly push: (frame: Deliver) => boolean
  /** The relay refuses for good: whoever pulls, fails. `undefined` begins anew. */
  readonly refuse: (refusal: Refused | undefined) => void
  /** The next one. One at a time, so that a reader who stops leaves none behind; taking says the one before was dealt with. */
  readonly take: Effect.Effect<readonly [Delivery], Refused>
}

export const make = (window: number): Inbox => {
  const filled = Latch.makeUnsafe(false)
  let items: Array<Delivery> = []
  let link: Link | undefined
  let refusal: Refused | undefined
  let pulling = false
  /** Credit given and not yet used by the relay. */
  let credit = 0

  /** Tops credit up once half of the window is free, so that it does not take a frame for every envelope. */
  const grant = (): void => {
    const free = window - credit - items.length
    if (link === undefined || !pulling || free < window / 2) return
    credit += free
    link.tell({ type: 19, credit: free })
  }

  const take: Inbox["take"] = Effect.suspend(() => {
    pulling = true
    grant()
    const next = items.shift()
    if (next !== undefined) return Effect.succeed([next] as const)
    if (refusal !== undefined) return Effect.fail(refusal)
    Latch.closeUnsafe(filled)
    return Effect.andThen(filled.await, take)
  })

  return {
    attach: (next) => {
      link = next
      items = []
      credit = 0
      grant()
    },
    detach: () => {
      link = undefined
      credit = 0
    },
    push: ({ delivery, envelope, receivedAt }) => {
      if (credit === 0) return false
      credit--
      items.push({ id: delivery, receivedAt, envelope })
      Latch.openUnsafe(filled)
      return true
    },
    refuse: (why) => {
      refusal = why
      Latch.openUnsafe(filled)
    },
    take
  }
}
