/**
 * What every measured implementation offers to the workloads.
 *
 * A contender hides how its library is called, and nothing else: it may keep its state in memory in whatever form is
 * cheapest for it, and must do all the work its users would have done.
 */

/** Either at once or later; the harness awaits only what is a promise. */
export type Maybe<A> = A | Promise<A>

/** One end of a session. Messages are opaque to the workloads. */
export interface End {
  readonly seal: (plaintext: Uint8Array) => Maybe<Sealed>
  readonly open: (message: Sealed) => Maybe<Uint8Array>
  /** Bytes of this end's session state as it would be stored, skipped keys included. */
  readonly stateBytes: () => Maybe<number>
}

export interface Sealed {
  readonly bytes: number
  readonly wire: unknown
}

/** Both ends of an established session, and the size of the first message that made it. */
export interface Pair {
  readonly alice: End
  readonly bob: End
  readonly firstBytes: number
}

export interface Contender {
  readonly name: string
  readonly version: string
  /** What is different about it, said beside every table it appears in. */
  readonly caveat: string
  /** Makes `count` sets of long-term keys and prekeys beforehand; not measured. */
  readonly prepare: (count: number) => Maybe<ReadonlyArray<Prepared>>
}

/** Keys of both sides, ready for one session. */
export interface Prepared {
  /** W1: from the published bundle to the first plaintext opened at the other side. */
  readonly establish: (first: Uint8Array) => Maybe<Pair>
}
