/**
 * What the run gives to the properties, and what it wants back.
 *
 * Spec: docs/spec/21-conformance.md §21.3.
 * The properties themselves are `src/properties`.
 */
import type { Budget, Property, Steps, Wire } from "../protocol/Result.ts"
import type { Keeper } from "../subject/Keeper.ts"
import type { Subject } from "../subject/Subject.ts"

export interface PropertyContext {
  /** The subject under test; ask it for a subject before each script, as it may have ended in the last one. */
  readonly keeper: Keeper
  /** A reference of its own, greeted with the same seed, as peer and for the comparison of bytes. */
  readonly peer: () => Promise<Subject>
  /** 64 bytes as hex. */
  readonly seed: string
  readonly budget: Budget
  /** Properties of levels above are not asked for. */
  readonly level: number
  /** Names of properties to judge; empty for all. */
  readonly only: ReadonlyArray<string>
  readonly emit: (event: Property | Steps | Wire) => void
  /** Told now and then how far it is, for a terminal. */
  readonly progress: (done: number, of: number) => void
  readonly signal: AbortSignal
}

/** Whether a name of a selection is a property's, such as P03 or P03-devices. */
export const isProperty = (name: string): boolean => /^P\d\d(?:-[a-z]+)?$/.test(name)

/** Judges every property of whole devices and emits one event for each; those that cannot be judged as `excluded`. */
export type RunProperties = (context: PropertyContext) => Promise<void>
