import { nobleProvider } from "@tacit/core/crypto/noble"
import { Bytes, Failure, SafetyNumber } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import fc from "fast-check"
import { describe, expect, it } from "vitest"

const filled = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)
const device = (byte: number, role = 2) => ({ device: filled(byte), agreement: filled(byte + 1), role })
const party = (account: number, ...devices: ReadonlyArray<ReturnType<typeof device>>): SafetyNumber.Party => ({
  account: filled(account),
  devices
})
const print = (account: number, byte: number): SafetyNumber.Print => ({
  fingerprint: filled(byte),
  account: filled(account, 16)
})
/** Numbers without the work of making them. */
const number = (own: SafetyNumber.Print, peer: SafetyNumber.Print): SafetyNumber.SafetyNumber => ({ own, peer })
const turned = ({ own, peer }: SafetyNumber.SafetyNumber): SafetyNumber.SafetyNumber => ({ own: peer, peer: own })
const outcome = (compared: Result.Result<void, SafetyNumber.Disagreement>): unknown =>
  Result.isSuccess(compared) ? "agrees" : [compared.failure.cause, compared.failure.side]

const alice = print(0xa1, 1)
const bob = print(0xb1, 2)
const mine = number(alice, bob)
const made = Result.getOrThrow(SafetyNumber.make(nobleProvider, party(1, device(11)), party(2, device(21), device(31))))

describe("SafetyNumber", () => {
  it("gives both sides the same digits, and each the code the other one takes [safety.digits.2] [safety.code.2]", () => {
    const other = Result.getOrThrow(
      SafetyNumber.make(nobleProvider, party(2, device(21), device(31)), party(1, device(11)))
    )
    expect(SafetyNumber.digits(other)).toBe(SafetyNumber.digits(made))
    expect(SafetyNumber.digits(made)).toMatch(/^\d{5}(?: \d{5}){11}$/)
    expect(SafetyNumber.encode(other)).not.toEqual(SafetyNumber.encode(made))
    expect(outcome(SafetyNumber.compareCode(made, SafetyNumber.encode(other)))).toBe("agrees")
    expect(outcome(SafetyNumber.compareCode(other, SafetyNumber.encode(made)))).toBe("agrees")
    expect(outcome(SafetyNumber.compareDigits(made, SafetyNumber.digits(other)))).toBe("agrees")
  })

  it("leaves out what of a manifest is not a device [safety.party.1]", () => {
    const manifest = {
      account: filled(2),
      version: 9,
      devices: [
        { ...device(21), addedIn: 4 },
        { ...device(31), addedIn: 9 }
      ],
      revocations: [{ device: filled(41), revokedIn: 5 }]
    }
    expect(SafetyNumber.print(nobleProvider, manifest)).toEqual(made.peer)
  })

  it("gives an account no number with itself [safety.self.1]", () => {
    const self = SafetyNumber.make(nobleProvider, party(1, device(11)), party(1, device(21)))
    expect(Result.isFailure(self) && self.failure.cause).toBe("safety.reflected")
  })

  it("tells whose account or devices differ [safety.outcome.1]", () => {
    const shown = (own: SafetyNumber.Print, peer: SafetyNumber.Print): unknown =>
      outcome(SafetyNumber.compareCode(mine, SafetyNumber.encode(number(own, peer))))
    expect(shown(bob, alice)).toBe("agrees")
    expect(shown(print(0xb1, 9), alice)).toEqual(["safety.devices", "peer"])
    expect(shown(bob, print(0xa1, 9))).toEqual(["safety.devices", "own"])
    expect(shown(print(0xb1, 9), print(0xa1, 9))).toEqual(["safety.devices", "both"])
    expect(shown(print(0xc1, 2), alice)).toEqual(["safety.account", "peer"])
    expect(shown(bob, print(0xc1, 1))).toEqual(["safety.account", "own"])
    expect(shown(print(0xc1, 2), print(0xd1, 1))).toEqual(["safety.account", "both"])
    expect(shown(alice, bob)).toEqual(["safety.reflected", undefined])
  })

  it("answers every outcome with the stage the page gives it, and no other [safety.outcome.1]", () => {
    const stages = { ...SafetyNumber.outcomes, ...Failure.causes }
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 120 }),
          fc.tuple(fc.nat(107), fc.integer({ min: 1, max: 255 })).map(([at, mask]) => {
            const code = SafetyNumber.encode(turned(mine))
            code[at] = code[at]! ^ mask
            return code
          })
        ),
        (code) => {
          const compared = SafetyNumber.compareCode(mine, code)
          expect(Result.isFailure(compared) && compared.failure.cause in stages).toBe(true)
        }
      )
    )
  })

  it("answers another version whatever is behind it, and looks at nothing too long [safety.version.1] [safety.code.1]", () => {
    const version2 = Uint8Array.of(0x92, 0x02, 0xc0)
    expect(outcome(SafetyNumber.compareCode(mine, version2))).toEqual(["safety.version", undefined])
    const longest = new Uint8Array(2953)
    longest.set(version2)
    expect(outcome(SafetyNumber.compareCode(mine, longest))).toEqual(["safety.version", undefined])
    expect(outcome(SafetyNumber.compareCode(mine, Bytes.concat(longest, Uint8Array.of(0))))).toEqual([
      "decode.size",
      undefined
    ])
  })

  it("reads the digits of whoever shows a code [safety.code.3]", () => {
    const shown = Result.getOrThrow(SafetyNumber.decode(SafetyNumber.encode(made)))
    expect(shown).toEqual(made)
    expect(SafetyNumber.digits(shown)).toBe(SafetyNumber.digits(made))
  })

  it("compares digits without spaces and line ends, and no others [safety.digits.3]", () => {
    const digits = SafetyNumber.digits(mine)
    const typed = (text: string): unknown => outcome(SafetyNumber.compareDigits(mine, text))
    expect(typed(digits.replaceAll(" ", "\r\n"))).toBe("agrees")
    expect(typed(digits.replace(" ", "\t"))).toEqual(["decode.value", undefined])
    expect(typed(digits.slice(1))).toEqual(["decode.truncated", undefined])
    expect(typed(`${digits}1`)).toEqual(["decode.trailing", undefined])
    expect(typed(SafetyNumber.digits(number(alice, print(0xb1, 3))))).toEqual(["safety.digits", undefined])
  })

  it("makes groups of big-endian integers with zeros in front [safety.digits.1]", () => {
    const lower = Uint8Array.from({ length: 32 }, () => 0)
    lower.set([0, 0, 0, 0, 7, 0, 0, 1, 0x86, 0x9f, 0, 0, 1, 0x86, 0xa0, 0xff, 0xff, 0xff, 0xff, 0xff])
    const groups = SafetyNumber.groups(number({ ...alice, fingerprint: lower }, bob))
    // 7, 99,999, 100,000 and 2⁴⁰ − 1 = 1,099,511,627,775 modulo 100,000.
    expect(groups.slice(0, 6)).toEqual(["00007", "99999", "00000", "27775", "00000", "00000"])
  })

  it("changes nothing it is given", () => {
    const given = party(1, device(11))
    SafetyNumber.print(nobleProvider, given)
    expect(given).toEqual(party(1, device(11)))
  })
})
