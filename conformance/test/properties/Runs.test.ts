/** What follows from who heard of which run of a device. Spec: docs/spec/07-sequencing.md §7.2. */
import { describe, expect, it } from "vitest"
import { Runs } from "../../src/properties/Runs.ts"

const [alice, bob] = [0, 1]

/** Alice was started, wrote to Bob, and was put back to a copy from before the start. */
const putBack = () => {
  const runs = new Runs()
  const copy = runs.generation(alice)
  runs.started(alice)
  const since = runs.now()
  const message = runs.stamp(alice)
  runs.heard(bob, alice, message, since)
  return { copy, runs }
}

describe("runs", () => {
  it("tell who must find out that it was put back: whose peer echoes a run it does not know [fence.detect.1]", () => {
    const { copy, runs } = putBack()
    const echo = runs.stamp(bob)
    runs.rolledBack(alice, copy)
    expect(runs.proves(alice, bob, echo)).toBe(true)
    runs.noticed(alice)
    expect(runs.generation(alice)).toBeUndefined()
    expect(runs.proves(alice, bob, runs.stamp(bob))).toBe(false)
  })

  it("ask for nothing where an echo need not come any more [fence.carry.1]", () => {
    const { copy, runs } = putBack()
    // The echo arrived: both may stop.
    expect(runs.proves(alice, bob, runs.stamp(bob))).toBe(false)
    runs.rolledBack(alice, copy)
    expect(runs.proves(alice, bob, runs.stamp(bob))).toBe(false)
  })

  it("ask for nothing of what was sealed before the peer heard, or by a peer that forgot", () => {
    const runs = new Runs()
    const copy = runs.generation(alice)
    runs.started(alice)
    const early = runs.stamp(bob)
    const since = runs.now()
    runs.heard(bob, alice, runs.stamp(alice), since)
    runs.rolledBack(alice, copy)
    expect(runs.proves(alice, bob, early)).toBe(false)
    runs.rolledBack(bob, 2)
    expect(runs.proves(alice, bob, runs.stamp(bob))).toBe(false)
  })

  it("ask for nothing of a copy from the present run: its next start is above [fence.identity.1]", () => {
    const runs = new Runs()
    const since = runs.now()
    runs.heard(bob, alice, runs.stamp(alice), since)
    runs.rolledBack(alice, runs.generation(alice))
    expect(runs.proves(alice, bob, runs.stamp(bob))).toBe(false)
  })

  it("know who must not number messages yet [fence.heal.1]", () => {
    const runs = new Runs()
    runs.freeze(alice, bob)
    expect(runs.isFrozen(alice, bob)).toBe(true)
    expect(runs.isFrozen(bob, alice)).toBe(false)
    runs.thaw(alice)
    expect(runs.isFrozen(alice, bob)).toBe(false)
  })
})
