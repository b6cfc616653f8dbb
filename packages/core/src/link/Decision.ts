/**
 * Which challenge two devices use, given what both can do.
 *
 * Spec: docs/spec/19-linking.md §19.4.
 * Vectors: vectors/linking.
 * Knows nothing of screens and cameras but whether they are there.
 */
import * as Layout from "../codec/Layout.ts"

/** Numbers of the challenges, as they stand on the wire, the preferred one first. */
export const challenges = { code: 1, pin: 2, digits: 3 } as const
export type Challenge = (typeof challenges)[keyof typeof challenges]

/** What a device can do, as its application knows it. */
export interface Abilities {
  /** It can read a QR code. */
  readonly scan: boolean
  /** It has a screen, or a console, that a person sees. */
  readonly show: boolean
  /** A person can type on it. */
  readonly type: boolean
  /** It was started for challenge 3 alone: a fleet whose operator sees both consoles. */
  readonly digits: boolean
}

/** The layout of a list of challenges. */
export const List = Layout.list(Layout.uint({ min: 1, max: 3 }), { min: 1, max: 3 })

/** Whether a list is ascending, without repetition. */
export const isAscending = (list: ReadonlyArray<number>): boolean =>
  list.every((challenge, i) => i === 0 || list[i - 1]! < challenge)

const listed = (able: Abilities, code: boolean, pin: boolean): ReadonlyArray<Challenge> =>
  able.digits ? [challenges.digits] : [...(code ? [challenges.code] : []), ...(pin ? [challenges.pin] : [])]

/** What a device offers as the old one; empty when it cannot link another. */
export const offers = (able: Abilities): ReadonlyArray<Challenge> => listed(able, able.scan, able.show)

/** What a device takes as the new one; empty when it cannot be linked. */
export const takes = (able: Abilities): ReadonlyArray<Challenge> => listed(able, able.show, able.type)

/** The challenge of two lists (rule link.decide.1), or `undefined` when they have none in common. */
export const choose = (offered: ReadonlyArray<number>, taken: ReadonlyArray<number>): Challenge | undefined =>
  Object.values(challenges).find((challenge) => offered.includes(challenge) && taken.includes(challenge))
