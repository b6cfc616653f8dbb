import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Fence from "../../src/sequence/Fence.ts"
import { nobleProvider as crypto } from "../../src/crypto/Noble.ts"
import { coins, snapshot } from "../session/support.ts"

const draw = coins(55)
const secret = draw(32)
const maker = Fence.maker(crypto, secret)
/** A fence this device made, in this copy's life or another's; as good as any for a peer's. */
const fence = (generation: number): Fence.Fence =>
  maker.renew({ generation: generation - 1, startId: draw(8) }, draw(4))
const observe = (own: Fence.Fence, peer: Fence.PeerFence, carried: Fence.Carried, late: boolean): Fence.Observed =>
  Fence.observe(own, peer, carried, late, maker.made)
const own = fence(5)

describe("Fence", () => {
  it("is raised and renewed at every start [fence.identity.1]", () => {
    const [one, random] = [maker.first(draw(4)), draw(4)]
    expect(one.generation).toBe(1)
    const two = maker.renew(one, random)
    expect(two.generation).toBe(2)
    expect(two.startId.slice(0, 4)).toEqual(random)
    expect(two.startId.length).toBe(8)
  })

  it("knows the fences of every copy of this device, and no others [fence.identity.2]", () => {
    const key = crypto.hmacSha256(secret, Bytes.concat(Bytes.utf8Encode("tacit/1 fence key"), Uint8Array.of(0)))
    const random = draw(4)
    const data = Bytes.concat(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 6), random)
    const startId = Bytes.concat(random, crypto.hmacSha256(key, data).slice(0, 4))
    expect(maker.renew(own, random)).toEqual({ generation: 6, startId })
    const copy = Fence.maker(crypto, secret.slice())
    expect(copy.made({ generation: 6, startId })).toBe(true)
    expect(copy.made({ generation: 7, startId })).toBe(false)
    expect(Fence.maker(crypto, draw(32)).made({ generation: 6, startId })).toBe(false)
    for (let bit = 0; bit < 64; bit++) {
      const changed = startId.slice()
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(copy.made({ generation: 6, startId: changed })).toBe(false)
    }
  })

  it("learns nothing from an echo it never made, and changes nothing by it [fence.identity.2]", () => {
    for (const generation of [5, 6, 7, 5 + 1_048_576]) {
      const forged = { generation, startId: draw(8) }
      const observed = observe(own, Fence.unknownPeer, { echo: forged }, false)
      expect(observed).toEqual({ next: Fence.unknownPeer, peerRollback: false, restored: undefined })
      expect(Fence.provesRestore(own, forged, maker.made)).toBe(false)
    }
    // A real start id moved to a higher generation is no better.
    const moved = { generation: 9, startId: fence(8).startId }
    expect(observe(own, Fence.unknownPeer, { echo: moved }, false).restored).toBeUndefined()
  })

  it("goes along until it is echoed, and again after the next start [fence.carry.1]", () => {
    expect(Fence.carry(own, Fence.unknownPeer)).toEqual({ fence: own })
    const echoed = observe(own, Fence.unknownPeer, { echo: own }, false).next
    expect(Fence.carry(own, echoed)).toEqual({})
    const renewed = maker.renew(own, draw(4))
    expect(Fence.carry(renewed, echoed)).toEqual({ fence: renewed })
  })

  it("echoes the peer's highest while the last message carried one [fence.carry.1]", () => {
    const [g3, g4] = [fence(3), fence(4)]
    const seen = observe(own, Fence.unknownPeer, { fence: g4 }, false).next
    expect(Fence.carry(own, seen)).toEqual({ fence: own, echo: g4 })
    const old = observe(own, seen, { fence: g3 }, false).next
    expect(Fence.carry(own, old).echo).toEqual(g4)
    expect(Fence.carry(own, observe(own, seen, {}, false).next).echo).toBeUndefined()
  })

  it("stores a higher fence, ignores the same, and warns of a lower one or another start of the same generation [fence.observe.1]", () => {
    const held = observe(own, Fence.unknownPeer, { fence: fence(7) }, false).next
    const highest = held.highest!
    const seen = (given: Fence.Fence) => observe(own, held, { fence: given }, false)
    expect(seen(highest)).toMatchObject({ peerRollback: false, next: { highest } })
    const higher = fence(8)
    expect(seen(higher)).toMatchObject({ peerRollback: false, next: { highest: higher } })
    expect(seen(fence(6))).toMatchObject({ peerRollback: true, next: { highest, owed: true } })
    expect(seen(fence(7))).toMatchObject({ peerRollback: true, next: { highest } })
  })

  it("goes on echoing after a late message without a fence, and begins with a late one that is higher [fence.carry.2]", () => {
    const [third, fourth] = [fence(3), fence(4)]
    const told = observe(own, Fence.unknownPeer, { fence: third }, false).next
    expect(Fence.carry(own, told).echo).toEqual(third)
    expect(Fence.carry(own, observe(own, told, {}, true).next).echo).toEqual(third)
    const quiet = observe(own, told, {}, false).next
    expect(Fence.carry(own, quiet).echo).toBeUndefined()
    expect(Fence.carry(own, observe(own, quiet, { fence: third }, true).next).echo).toBeUndefined()
    expect(Fence.carry(own, observe(own, quiet, { fence: fourth }, true).next).echo).toEqual(fourth)
  })

  it("takes nothing ill from a message that is late [fence.observe.2]", () => {
    const held = observe(own, Fence.unknownPeer, { fence: fence(7) }, false).next
    expect(observe(own, held, { fence: fence(6) }, true)).toEqual({
      next: held,
      peerRollback: false,
      restored: undefined
    })
    const quiet = { ...held, owed: false }
    expect(observe(own, quiet, { fence: fence(6) }, true).next.owed).toBe(false)
    expect(observe(own, quiet, { fence: fence(9) }, true).next.owed).toBe(true)
  })

  it("learns from an echo that it was restored [fence.detect.1] [fence.detect.2]", () => {
    const restored = (echo: Fence.Fence) => observe(own, Fence.unknownPeer, { echo }, false).restored
    expect(restored(own)).toBeUndefined()
    expect(restored(fence(4))).toBeUndefined()
    const twin = fence(5)
    expect(restored(twin)).toBe(twin)
    const ahead = fence(6)
    expect(restored(ahead)).toBe(ahead)
    expect(restored(fence(5 + 1_048_576))).toBeDefined()
    expect(restored(fence(5 + 1_048_577))).toBeUndefined()
    const recovered = maker.recover(own, ahead, draw(4))
    expect(recovered.generation).toBe(7)
    expect(Fence.provesRestore(recovered, ahead, maker.made)).toBe(false)
    expect(maker.recover(own, twin, draw(4)).generation).toBe(6)
  })

  it("thaws by the answer to its own request only [fence.heal.1]", () => {
    expect(Fence.thaws(own, snapshot(own))).toBe(true)
    expect(Fence.thaws(own, fence(5))).toBe(false)
  })

  it("falls silent between two devices that hear each other, and stays so [fence.carry.1]", () => {
    const [a, b] = [fence(2), fence(9)]
    let [ofB, ofA] = [Fence.unknownPeer, Fence.unknownPeer]
    const sent: Array<number> = []
    for (let i = 0; i < 8; i++) {
      const fromA = Fence.carry(a, ofB)
      const atB = observe(b, ofA, fromA, false)
      ofA = atB.next
      const fromB = Fence.carry(b, ofA)
      const atA = observe(a, ofB, fromB, false)
      ofB = atA.next
      expect([atA, atB].some(({ peerRollback, restored }) => peerRollback || restored !== undefined)).toBe(false)
      sent.push(Object.keys(fromA).length + Object.keys(fromB).length)
    }
    expect(sent.slice(2)).toEqual([0, 0, 0, 0, 0, 0])
  })

  it("never warns of a peer that only ever goes forward, however its messages are ordered [fence.observe.1] [fence.observe.2]", () => {
    const starts = Array.from({ length: 5 }, (_, i) => fence(i + 1))
    fc.assert(
      fc.property(fc.array(fc.nat(4), { maxLength: 30, size: "max" }), (order) => {
        let peer = Fence.unknownPeer
        let newest = -1
        for (const which of order) {
          // Late is what was sent before something that came already.
          const observed = observe(own, peer, { fence: starts[which]! }, which < newest)
          newest = Math.max(newest, which)
          expect(observed.peerRollback).toBe(false)
          peer = observed.next
          expect(peer.highest).toEqual(starts[newest])
        }
      })
    )
  })

  it("changes nothing it is given", () => {
    const peer = observe(own, Fence.unknownPeer, { fence: fence(7), echo: own }, false).next
    const before = snapshot(peer)
    observe(own, peer, { fence: fence(9), echo: fence(8) }, false)
    Fence.carry(own, peer)
    expect(peer).toEqual(before)
  })
})
