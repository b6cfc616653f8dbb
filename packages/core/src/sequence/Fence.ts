/**
 * The rollback fence: how a device that runs from an old copy of its state is noticed, by itself and by its peers.
 *
 * Spec: docs/spec/07-sequencing.md §7.2.
 * Vectors: vectors/sequence.
 * Decides; it is for the caller to store, to freeze, to archive and to warn.
 */
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"

/** One start of a device. */
export interface Fence {
  /** From 1, raised at every start from stored state. */
  readonly generation: number
  /** 8 bytes: four random ones, and four by which its device knows its own (rule fence.identity.2). */
  readonly startId: Uint8Array
}

/** What is remembered about one peer device. */
export interface PeerFence {
  /** The peer's highest fence, if it ever sent one. */
  readonly highest: Fence | undefined
  /** Whether the last message from the peer carried a fence, so that the next to it echoes. */
  readonly owed: boolean
  /** The last of one's own fences that the peer echoed. */
  readonly echoed: Fence | undefined
}

/** Layout of a fence, for records that hold one. */
export const FenceLayout = Layout.tuple({
  generation: Layout.uint({ min: 1 }),
  startId: Layout.bytes({ length: Limits.startIdBytes })
})

/** Layout of what is remembered about a peer device, for records that hold it. `owed` is 1 or 0. */
export const PeerLayout = Layout.tuple({
  highest: Layout.optional(FenceLayout),
  owed: Layout.uint({ max: 1 }),
  echoed: Layout.optional(FenceLayout)
})

/** A peer of which nothing is known. */
export const unknownPeer: PeerFence = { highest: undefined, owed: false, echoed: undefined }

/** Fences a message carries (extensions 1 and 3 of content). */
export interface Carried {
  readonly fence?: Fence
  readonly echo?: Fence
}

/** Fresh random bytes in a start id (coin `device.start`). */
export const randomBytes = 4

/** Makes a device's fences and knows them again. */
export interface Maker {
  /** The fence of a device's first start. `random` is {@link randomBytes} fresh bytes, here and below. */
  readonly first: (random: Uint8Array) => Fence
  /** The fence of the next start from stored state: stored before anything is sent (rule fence.identity.1). */
  readonly renew: (own: Fence, random: Uint8Array) => Fence
  /** The fence of a device that learned from `seen` that it was restored (rule fence.detect.1): above both. */
  readonly recover: (own: Fence, seen: Fence, random: Uint8Array) => Fence
  /** Whether a fence was made with this device's key, now or in another copy's time (rule fence.identity.2). */
  readonly made: Genuine
}

/** Whether a fence is one that this device made. */
export type Genuine = (fence: Fence) => boolean

/**
 * The maker of a device. `secret` is the device secret, 32 bytes, which every copy of the state has: so a fence of a later start of
 * another copy is known, and one that a peer or the relay made up is not.
 */
export const maker = (crypto: CryptoProvider, secret: Uint8Array): Maker => {
  const key = crypto.hmacSha256(secret, Labels.prefixed(Labels.fenceKey))
  const startId = (generation: number, random: Uint8Array): Uint8Array => {
    const mac = crypto.hmacSha256(key, Bytes.concat(Bytes.be64(generation), random))
    return Bytes.concat(random, mac.subarray(0, Limits.startIdBytes - randomBytes))
  }
  const make = (generation: number, random: Uint8Array): Fence => ({ generation, startId: startId(generation, random) })
  return {
    first: (random) => make(1, random),
    renew: (own, random) => make(own.generation + 1, random),
    recover: (own, seen, random) => make(Math.max(own.generation, seen.generation) + 1, random),
    made: (fence) =>
      fence.startId.length === Limits.startIdBytes &&
      Bytes.constantTimeEqual(fence.startId, startId(fence.generation, fence.startId.subarray(0, randomBytes)))
  }
}

/** What the next message to the peer carries (rule fence.carry.1). */
export const carry = (own: Fence, peer: PeerFence): Carried => ({
  ...(peer.echoed !== undefined && isSame(peer.echoed, own) ? {} : { fence: own }),
  ...(peer.owed && peer.highest !== undefined ? { echo: peer.highest } : {})
})

/** What a received message means for the fences. */
export interface Observed {
  readonly next: PeerFence
  /** The sender runs from an old copy of its state: warn, keep the stored fence and echo it. */
  readonly peerRollback: boolean
  /** This device runs from an old copy of its state; the fence that proves it. Freeze, then {@link recover}. */
  readonly restored: Fence | undefined
}

/**
 * Takes the fences of a message that authenticated. `late` says that it is not the newest of its session or not of the
 * active one: then an old fence in it means nothing (rule fence.observe.2). `made` is the own {@link Maker}'s: an echo it does not
 * know proves nothing.
 */
export const observe = (own: Fence, peer: PeerFence, carried: Carried, late: boolean, made: Genuine): Observed => {
  const { echo, fence } = carried
  const { highest } = peer
  const isNewer = fence !== undefined && (highest === undefined || fence.generation > highest.generation)
  const isOlder = fence !== undefined && highest !== undefined && !isNewer && !isSame(fence, highest)
  return {
    next: {
      highest: isNewer ? fence : highest,
      owed: late ? peer.owed || isNewer : fence !== undefined,
      echoed: echo !== undefined && isSame(echo, own) ? echo : peer.echoed
    },
    peerRollback: isOlder && !late,
    restored: echo !== undefined && provesRestore(own, echo, made) ? echo : undefined
  }
}

/** Whether a fence said to be this device's own proves that it was restored (rules fence.detect.1, fence.detect.2, fence.identity.2). */
export const provesRestore = (own: Fence, seen: Fence, made: Genuine): boolean =>
  seen.generation === own.generation
    ? !isSame(seen, own) && made(seen)
    : seen.generation > own.generation && seen.generation - own.generation <= Limits.maxFenceLead && made(seen)

/** Whether an answer to a resynchronise request is to the one this start of the device made (rule fence.heal.1). */
export const thaws = (own: Fence, answer: Fence): boolean => isSame(own, answer)

/** Whether a message of no session is a reason to ask around, when that was done last at `last`, ms (rule fence.probe.1). */
export const mayProbe = (last: number, now: number): boolean => now - last >= Limits.probeEveryMs

/** Those of the devices with an active session that are asked, the first ones (rule fence.probe.1). */
export const probed = <T>(active: ReadonlyArray<T>): ReadonlyArray<T> => active.slice(0, Limits.maxProbed)

export const isSame = (a: Fence, b: Fence): boolean =>
  a.generation === b.generation && Bytes.equal(a.startId, b.startId)
