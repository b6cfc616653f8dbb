/**
 * Alice, Bob, and Carol at the broker: the example runs and says what it promises.
 */
import { describe, expect, it } from "vitest"
import * as Child from "../crash/Child.ts"

describe("a third party at the broker", { timeout: 40_000 }, () => {
  it("sees a name and sealed frames, opens and forges nothing; can show a frame again, and check a guess [nes.topic.1] [nes.weak.1] [nes.weak.7]", async () => {
    const child = Child.start("../../../../examples/nes-eavesdropper.ts", [])
    expect(await child.gone, child.complaints()).toBe(0)
    expect(child.lines).toEqual([
      "The nes profile speaks an older messenger's protocol, with its known weaknesses:",
      "carol sees      nes/bob/message: a sealed frame",
      "bob reads       dinner at eight",
      "carol opens     nothing",
      "bob refuses     signature",
      "bob reads       dinner at eight ! replayed",
      "carol guesses   dinner at seven: no",
      "carol guesses   dinner at eight: confirmed"
    ])
  })
})
