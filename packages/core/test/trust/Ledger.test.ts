/** What devices were seen to do, and noticing that one does less. */
import { describe, expect, it } from "vitest"
import * as Ledger from "../../src/trust/Ledger.ts"

const phone = new Uint8Array(32).fill(1)
const laptop = new Uint8Array(32).fill(2)
const order = [1, 2, 3]

describe("the ledger", () => {
  it("remembers the suites of each device's sessions [trust.ledger.1]", () => {
    let ledger: Ledger.Ledger = []
    ledger = Ledger.withSuite(ledger, phone, 3, 10)
    ledger = Ledger.withSuite(ledger, phone, 1, 20)
    ledger = Ledger.withSuite(ledger, laptop, 32, 30)
    expect(Ledger.find(ledger, phone)).toMatchObject({ suites: 0b101, since: 10, changed: 20 })
    expect(Ledger.suitesOf(Ledger.find(ledger, phone)!.suites)).toEqual([1, 3])
    expect(Ledger.suitesOf(Ledger.find(ledger, laptop)!.suites)).toEqual([32])
    expect(Ledger.withSuite(ledger, phone, 1, 40)).toBe(ledger)
  })

  it("calls the weaker suite a downgrade, in the order of the policy [trust.ledger.2]", () => {
    const ledger = Ledger.withSuite([], phone, 2, 0)
    expect(Ledger.downgradeFrom(ledger, phone, 3, order)).toBe(2)
    expect(Ledger.downgradeFrom(ledger, phone, 2, order)).toBeUndefined()
    expect(Ledger.downgradeFrom(ledger, phone, 1, order)).toBeUndefined()
    expect(Ledger.downgradeFrom(ledger, laptop, 3, order)).toBeUndefined()
    expect(Ledger.downgradeFrom(ledger, phone, 1, [2, 1])).toBe(2)
    // Suites the policy does not name are weaker than all it names, and equally weak.
    expect(Ledger.downgradeFrom(ledger, phone, 9, order)).toBe(2)
    expect(Ledger.downgradeFrom(Ledger.withSuite([], phone, 9, 0), phone, 8, order)).toBeUndefined()
    expect(Ledger.strongest(Ledger.find(Ledger.withSuite(ledger, phone, 1, 1), phone), order)).toBe(1)
  })

  it("tells once that a feature is missing, until it comes again [trust.ledger.3]", () => {
    let noticed = Ledger.withFeatures([], phone, 0, 1)
    expect(noticed).toEqual({ ledger: [], lost: 0 })
    noticed = Ledger.withFeatures([], phone, 1, 2)
    expect(noticed.lost).toBe(0)
    const had = noticed.ledger
    expect(Ledger.withFeatures(had, phone, 1, 3)).toEqual({ ledger: had, lost: 0 })
    noticed = Ledger.withFeatures(had, phone, 0, 4)
    expect(noticed.lost).toBe(1)
    const without = noticed.ledger
    expect(Ledger.withFeatures(without, phone, 0, 5)).toEqual({ ledger: without, lost: 0 })
    const again = Ledger.withFeatures(without, phone, 1, 6)
    expect(again.lost).toBe(0)
    expect(Ledger.withFeatures(again.ledger, phone, 0, 7).lost).toBe(1)
  })

  it("forgets the device that changed longest ago when there are too many [trust.ledger.1]", () => {
    let ledger: Ledger.Ledger = []
    const device = (i: number) => new Uint8Array(32).fill(i)
    for (let i = 0; i < 64; i++) ledger = Ledger.withSuite(ledger, device(i), 1, i)
    ledger = Ledger.withSuite(ledger, device(0), 2, 64)
    ledger = Ledger.withSuite(ledger, device(64), 1, 65)
    expect(ledger).toHaveLength(64)
    expect(Ledger.find(ledger, device(1))).toBeUndefined()
    expect(Ledger.find(ledger, device(0))).toBeDefined()
    expect(Ledger.LedgerLayout.encode(ledger).length).toBeGreaterThan(64 * 32)
  })
})
