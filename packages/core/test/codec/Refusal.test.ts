import { describe, expect, it } from "vitest"
import { reasons } from "../../src/codec/Malformed.ts"
import * as Refusal from "../../src/codec/Refusal.ts"

describe("Refusal", () => {
  it("reports every reason under its own name but four [failure.codec.1]", () => {
    const others: Readonly<Record<string, string>> = {
      depth: "decode.size",
      count: "decode.size",
      "key-order": "decode.noncanonical",
      "duplicate-key": "decode.noncanonical"
    }
    for (const reason of reasons) expect(Refusal.causeOf[reason]).toBe(others[reason] ?? `decode.${reason}`)
    expect(Object.keys(Refusal.causeOf).sort()).toEqual([...reasons].sort())
  })
})
