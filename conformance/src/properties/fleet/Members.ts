/**
 * Who is in a world of several devices, and what their accounts say about them.
 *
 * Spec: docs/spec/04-accounts.md §4.3, §4.4; docs/spec/20-subject.md §20.7.
 * The directory's books: nothing here was asked of a device twice.
 */
import type { Asked, Side } from "../Asking.ts"
import type { Memory } from "./Memory.ts"

/** Users of a world, and how many devices each may make. Device `slot` of user `u` is number `u · mostDevices + slot`. */
export const userNames = ["alice", "bob"] as const
export const mostDevices = 3
export const fleetSize = userNames.length * mostDevices

/** One of the two accounts. */
export type UserIndex = 0 | 1

export const otherUser = (user: UserIndex): UserIndex => (user === 0 ? 1 : 0)

/** One device. */
export interface Member extends Asked {
  readonly index: number
  readonly user: UserIndex
  readonly slot: number
  readonly name: string
  readonly side: Side
  /** How far its clock is from the world's, ms. */
  skew: number
  /** Its clock was another one than the world's before. */
  wentWrong: boolean
  readonly account: string
  readonly device: string
  readonly mailbox: string
  /** The version of its account's manifest that lists it first. */
  readonly addedIn: number
  /** One-time bundles not handed out yet, and the one that can be handed out for ever. */
  readonly bundles: Array<string>
  last: string
  /** The bundle that lies in store at this device for each other one. */
  readonly offered: Map<number, string>
  readonly snapshots: Array<{ readonly bytes: string; readonly memory: Memory }>
  /** The version of each account that the directory shows this device now, and the highest it ever did. */
  readonly served: [number, number]
  readonly reach: [number, number]
  /** Accounts of which it is shown nothing newer for now. */
  readonly withheld: Set<UserIndex>
}

/** An account, as the directory keeps it. */
export class Household {
  readonly user: UserIndex
  readonly name: string
  account = ""
  /** Manifests as hex, oldest first. */
  readonly chain: Array<string> = []
  /** Devices ever made. */
  made = 0
  /** The devices of each version, by number; version n at n − 1. */
  readonly #listed: Array<ReadonlySet<number>> = []
  readonly #revoked = new Map<number, number>()

  constructor(user: UserIndex) {
    this.user = user
    this.name = userNames[user]
  }

  get version(): number {
    return this.chain.length
  }

  /** A new version, with one device more or less. */
  publish(manifest: string, change: { readonly added: number } | { readonly revoked: number }): void {
    this.chain.push(manifest)
    const before = this.#listed.at(-1) ?? new Set<number>()
    if ("added" in change) {
      this.#listed.push(new Set([...before, change.added]))
      return
    }
    this.#listed.push(new Set([...before].filter((one) => one !== change.revoked)))
    this.#revoked.set(change.revoked, this.version)
  }

  /** Devices that a version lists. */
  listed(version: number): ReadonlySet<number> {
    return this.#listed[version - 1] ?? new Set()
  }

  /** Devices now. */
  get present(): ReadonlySet<number> {
    return this.listed(this.version)
  }

  /** The version that revoked a device, if one did. */
  revokedIn(member: number): number | undefined {
    return this.#revoked.get(member)
  }

  /** Devices that every version from `from` to `to` lists, and those that any does. */
  between(from: number, to: number): { readonly every: ReadonlySet<number>; readonly any: ReadonlySet<number> } {
    const any = new Set<number>()
    let every: ReadonlySet<number> = this.listed(from)
    for (let version = from; version <= Math.max(from, to); version++) {
      const listed = this.listed(version)
      every = new Set([...every].filter((one) => listed.has(one)))
      for (const one of listed) any.add(one)
    }
    return { every, any }
  }
}
