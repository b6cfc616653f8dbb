import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Fence from "../../src/sequence/Fence.ts"
import { coins, snapshot } from "../session/support.ts"

const draw = coins(55)
const fence = (generation: number, startId = draw(8)): Fence.Fence => ({ generation, startId })
const own = fence(5)

describe("Fence", () => {
  it("is raised and renewed at every start [fence.identity.1]", () => {
    const [one, two] = [Fence.first(draw(8)), draw(8)]
    expect(one.generation).toBe(1)
    expect(Fence.renew(one, two)).toEqual({ generation: 2, startId: two })
  })

  it("goes along until it is echoed, and again after the next start [fence.carry.1]", () => {
    expect(Fence.carry(own, Fence.unknownPeer)).toEqual({ fence: own })
    const echoed = Fence.observe(own, Fence.unknownPeer, { echo: own }, false).next
    expect(Fence.carry(own, echoed)).toEqual({})
    const renewed = Fence.renew(own, draw(8))
    expect(Fence.carry(renewed, echoed)).toEqual({ fence: renewed })
  })

  it("echoes the peer's highest while the last message carried one [fence.carry.1]", () => {
    const [g3, g4] = [fence(3), fence(4)]
    const seen = Fence.observe(own, Fence.unknownPeer, { fence: g4 }, false).next
    expect(Fence.carry(own, seen)).toEqual({ fence: own, echo: g4 })
    const old = Fence.observe(own, seen, { fence: g3 }, false).next
    expect(Fence.carry(own, old).echo).toEqual(g4)
    expect(Fence.carry(own, Fence.observe(own, seen, {}, false).next).echo).toBeUndefined()
  })

  it("stores a higher fence, ignores the same, and warns of a lower one or another start of the same generation [fence.observe.1]", () => {
    const held = Fence.observe(own, Fence.unknownPeer, { fence: fence(7) }, false).next
    const highest = held.highest!
    const observe = (given: Fence.Fence) => Fence.observe(own, held, { fence: given }, false)
    expect(observe(highest)).toMatchObject({ peerRollback: false, next: { highest } })
    const higher = fence(8)
    expect(observe(higher)).toMatchObject({ peerRollback: false, next: { highest: higher } })
    expect(observe(fence(6))).toMatchObject({ peerRollback: true, next: { highest, owed: true } })
    expect(observe(fence(7))).toMatchObject({ peerRollback: true, next: { highest } })
  })

  it("takes nothing ill from a message that is late [fence.observe.2]", () => {
    const held = Fence.observe(own, Fence.unknownPeer, { fence: fence(7) }, false).next
    expect(Fence.observe(own, held, { fence: fence(6) }, true)).toEqual({
      next: held,
      peerRollback: false,
      restored: undefined
    })
    const quiet = { ...held, owed: false }
    expect(Fence.observe(own, quiet, { fence: fence(6) }, true).next.owed).toBe(false)
    expect(Fence.observe(own, quiet, { fence: fence(9) }, true).next.owed).toBe(true)
  })

  it("learns from an echo that it was restored [fence.detect.1] [fence.detect.2]", () => {
    const restored = (echo: Fence.Fence) => Fence.observe(own, Fence.unknownPeer, { echo }, false).restored
    expect(restored(own)).toBeUndefined()
    expect(restored(fence(4))).toBeUndefined()
    const twin = fence(5)
    expect(restored(twin)).toBe(twin)
    const ahead = fence(6)
    expect(restored(ahead)).toBe(ahead)
    expect(restored(fence(5 + 1_048_576))).toBeDefined()
    expect(restored(fence(5 + 1_048_577))).toBeUndefined()
    const recovered = Fence.recover(own, ahead, draw(8))
    expect(recovered.generation).toBe(7)
    expect(Fence.provesRestore(recovered, ahead)).toBe(false)
    expect(Fence.recover(own, twin, draw(8)).generation).toBe(6)
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
      const atB = Fence.observe(b, ofA, fromA, false)
      ofA = atB.next
      const fromB = Fence.carry(b, ofA)
      const atA = Fence.observe(a, ofB, fromB, false)
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
          const observed = Fence.observe(own, peer, { fence: starts[which]! }, which < newest)
          newest = Math.max(newest, which)
          expect(observed.peerRollback).toBe(false)
          peer = observed.next
          expect(peer.highest).toEqual(starts[newest])
        }
      })
    )
  })

  it("changes nothing it is given", () => {
    const peer = Fence.observe(own, Fence.unknownPeer, { fence: fence(7), echo: own }, false).next
    const before = snapshot(peer)
    Fence.observe(own, peer, { fence: fence(9), echo: fence(8) }, false)
    Fence.carry(own, peer)
    expect(peer).toEqual(before)
  })
})
