/**
 * Entitlements as the relay remembers them, and the pass that everybody entitled has.
 *
 * Spec: docs/spec/14-relay.md §14.6, rules relay.entitle.1–3.
 * Answers at once and asks behind its back: what handles frames never waits. Opens and closes no connections.
 */
import { randomBytes, timingSafeEqual } from "node:crypto"
import * as Effect from "effect/Effect"
import type { Entitlement, Subject } from "./Entitlement.ts"

/** Whether an account may use the relay, as far as is known. */
export type Standing = "entitled" | "denied" | "unknown"

/** A pass, and until when it is good, ms. */
export interface Pass {
  readonly pass: Uint8Array
  readonly until: number
}

export interface Desk {
  /** Whether anybody is asked at all. */
  readonly isOn: boolean
  /** What is known of an account, by its row. Asks again where that is old; `told` runs when an answer came. */
  readonly standing: (account: number, told?: () => void) => Standing
  /** The pass of the present period. */
  readonly pass: (now: number) => Pass
  /** Until when a pass is good, if it is. */
  readonly goodUntil: (pass: Uint8Array, now: number) => number | undefined
}

/** Times of rules relay.entitle.1 and relay.entitle.3, in ms. */
export interface DeskTimes {
  readonly answerMs: number
  readonly lastAnswerMs: number
  readonly passMs: number
}

/** Accounts remembered; beyond, those asked longest ago are asked anew. */
const remembered = 100_000

/** How soon somebody who did not answer is asked again, ms. */
const againMs = 1_000

interface Known {
  standing: Standing
  /** When the answer came, and up to when it holds, ms. */
  answeredAt: number
  until: number
  /** When it was asked last, ms. */
  askedAt: number
  asking: boolean
  readonly told: Set<() => void>
}

export const makeDesk = (options: {
  readonly entitlement: Entitlement | undefined
  /** What holds when nobody has answered for too long. */
  readonly otherwise: boolean
  readonly times: DeskTimes
  readonly now: () => number
  readonly subject: (account: number) => Subject
  readonly run: (effect: Effect.Effect<void>) => void
  readonly onFailure: (reason: string) => void
}): Desk => {
  const { entitlement, now, otherwise, run, subject, times } = options
  const accounts = new Map<number, Known>()
  let present: Pass & { readonly since: number } = draw(-Infinity, times.passMs)
  let previous = present

  const ask = (account: number, known: Known, port: Entitlement): void => {
    known.asking = true
    known.askedAt = now()
    const settle = (): void => {
      known.asking = false
      const told = [...known.told]
      known.told.clear()
      for (const tell of told) tell()
    }
    run(
      Effect.matchCause(
        Effect.suspend(() => port.check(subject(account))),
        {
          onSuccess: ({ entitled, until }) => {
            const at = now()
            known.standing = entitled ? "entitled" : "denied"
            known.answeredAt = at
            known.until = Math.min(until ?? Infinity, at + times.answerMs)
            settle()
          },
          onFailure: () => {
            options.onFailure("the entitlement did not answer")
            if (now() - known.answeredAt >= times.lastAnswerMs) known.standing = otherwise ? "entitled" : "denied"
            known.until = now() + againMs
            settle()
          }
        }
      )
    )
  }

  const turn = (at: number): void => {
    if (at < present.since + times.passMs && at >= present.since) return
    const next = draw(at, times.passMs)
    previous = at < present.since + 2 * times.passMs && at >= present.since ? present : next
    present = next
  }

  return {
    isOn: entitlement !== undefined,
    standing: (account, told) => {
      if (entitlement === undefined) return "entitled"
      let known = accounts.get(account)
      if (known === undefined) {
        if (accounts.size >= remembered) accounts.delete(accounts.keys().next().value!)
        known = { standing: "unknown", answeredAt: -Infinity, until: 0, askedAt: 0, asking: false, told: new Set() }
        accounts.set(account, known)
      }
      if (now() >= known.until) {
        if (told !== undefined) known.told.add(told)
        if (!known.asking) ask(account, known, entitlement)
      }
      return known.standing
    },
    pass: (at) => {
      turn(at)
      return { pass: present.pass, until: present.until }
    },
    goodUntil: (pass, at) => {
      turn(at)
      if (pass.length !== 16) return undefined
      const found = [present, previous].find((one) => timingSafeEqual(one.pass, pass))
      return found !== undefined && at < found.until ? found.until : undefined
    }
  }
}

const draw = (since: number, passMs: number): Pass & { readonly since: number } => ({
  pass: new Uint8Array(randomBytes(16)),
  since,
  until: since + 2 * passMs
})
