/**
 * What a script of several devices is judged by: its messages, and what belongs to the disk of each device.
 *
 * Spec: docs/spec/21-conformance.md, rule property.devices.1.
 */
import { Lines } from "./Lines.ts"
import type { UserIndex } from "./Members.ts"

/** A message of a script. */
export interface Sent {
  readonly from: number
  readonly to: UserIndex
  /** Hex of UTF-8; no two are the same. */
  readonly text: string
  id: string | undefined
  /** 0 where it is not known. */
  number: number
  /** `never`: the process died before it was stored, or refused it. */
  fate: "sent" | "maybe" | "never"
  /** Devices of the other account it must go to, and those it may. */
  readonly required: ReadonlySet<number>
  readonly allowed: ReadonlySet<number>
  /** The highest version of their manifest it can have been addressed by. */
  readonly addressed: number
  /** Own devices that must get a copy. */
  readonly copies: ReadonlySet<number>
  /** Devices that need not get it: what carried it was lost, or could not be opened. */
  readonly excused: Set<number>
  /** Devices it was not addressed to, and who owes them a copy of it (own.received.1). */
  readonly owed: Map<number, Set<number>>
}

/** What belongs to one device's disk, and goes back with it. */
export interface Memory {
  /** Messages and copies shown, with the number each came under. */
  readonly shown: Map<string, number>
  readonly copied: Set<string>
  readonly lines: Lines
  /** The version of each account that it is known to hold, the first it ever held, and those it told of. */
  readonly held: [number, number]
  readonly first: [number, number]
  readonly told: readonly [Set<number>, Set<number>]
}

/** Nothing seen yet. */
export const emptyMemory = (): Memory => ({
  shown: new Map(),
  copied: new Set(),
  lines: new Lines(),
  held: [0, 0],
  first: [0, 0],
  told: [new Set(), new Set()]
})

/** A copy that the original does not change. */
export const copyOf = ({ copied, first, held, lines, shown, told }: Memory): Memory => ({
  shown: new Map(shown),
  copied: new Set(copied),
  lines: lines.copy(),
  held: [...held],
  first: [...first],
  told: [new Set(told[0]), new Set(told[1])]
})
