import * as Result from "effect/Result"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Bytes from "../../src/base/Bytes.ts"
import * as Failure from "../../src/base/Failure.ts"
import * as Body from "../../src/envelope/Body.ts"
import * as Retry from "../../src/session/Retry.ts"
import { coins, ok } from "./support.ts"

const draw = coins(61)
const digest = () => draw(16)
const entry = (change: Partial<Retry.Logged> = {}): Retry.Logged => ({
  digest: digest(),
  at: 1000,
  answers: 0,
  answered: false,
  content: draw(40),
  ...change
})
const day = 86_400_000

describe("asking for a retry", () => {
  it("asks once per digest [session.retry.1]", () => {
    const [one, two] = [digest(), digest()]
    const first = Retry.ask(Retry.noRequests, [one], 0)
    expect(first.digests).toEqual([one])
    expect(Retry.ask(first.next!, [one], day)).toEqual({ next: undefined, digests: [] })
    expect(Retry.ask(first.next!, [one, two, two], day).digests).toEqual([two])
    expect(Retry.ask(Retry.noRequests, [], 0).next).toBeUndefined()
  })

  it("sends 4 requests a minute and no more [session.retry.1]", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { maxLength: 60, size: "max" }), (pauses) => {
        let requests = Retry.noRequests
        let now = 0
        const sent: Array<number> = []
        for (const pause of pauses) {
          now += pause
          const { next } = Retry.ask(requests, [digest()], now)
          if (next === undefined) {
            expect(sent.filter((at) => now - at < 60_000).length).toBe(4)
            continue
          }
          requests = next
          sent.push(now)
          expect(sent.filter((at) => now - at < 60_000).length).toBeLessThanOrEqual(4)
        }
      })
    )
  })

  it("puts 32 digests into one request, and remembers 256 [session.retry.1]", () => {
    const many = Array.from({ length: 40 }, digest)
    const asked = Retry.ask(Retry.noRequests, many, 0)
    expect(asked.digests).toEqual(many.slice(0, 32))
    let requests = asked.next!
    for (let round = 1; round < 12; round++)
      requests = Retry.ask(requests, Array.from({ length: 32 }, digest), round * 60_000).next!
    expect(requests.asked.length).toBe(256)
    const record = Retry.RequestsLayout.encode(requests)
    expect(ok(Retry.RequestsLayout.decode(record))).toEqual(requests)
  })

  it("asks only about what a fresh seal can mend [session.retry.3] [failure.silent.1]", () => {
    const askable = Object.keys(Failure.causes).filter((cause) => Retry.isAskable(cause as Failure.Cause))
    expect(askable).toEqual([
      "lookup.no-session",
      "lookup.prekey-unknown",
      "lookup.prekey-consumed",
      "auth.tag",
      "limit.skip"
    ])
  })
})

describe("answering a retry", () => {
  it("answers from the log with the same content, once per digest [session.retry.2]", () => {
    const log = [entry(), entry(), entry()]
    const found = Retry.answer(log, log[1]!.digest, 2000)
    expect(found).toBe(log[1])
    const next = log.map((logged) => (logged === found ? Retry.afterAnswer(logged) : logged))
    expect(Retry.answer(next, log[1]!.digest, 2000)).toBeUndefined()
    expect(Retry.answer(next, digest(), 2000)).toBeUndefined()
    const again = Retry.logAnswer(found!, digest(), 2000)
    expect(again).toMatchObject({ content: found!.content, answers: 1, answered: false, at: 2000 })
    expect(Retry.answer([...next, again], again.digest, 3000)).toBe(again)
  })

  it("answers 3 times per message and no more, so that two who never understand each other fall silent [session.retry.2] [session.retry.3]", () => {
    let log: ReadonlyArray<Retry.Logged> = [entry()]
    let asked = log[0]!.digest
    let answers = 0
    for (let round = 0; round < 10; round++) {
      const found = Retry.answer(log, asked, 2000)
      if (found === undefined) break
      const again = Retry.logAnswer(found, digest(), 2000)
      log = [...log.map((logged) => (logged === found ? Retry.afterAnswer(logged) : logged)), again]
      asked = again.digest
      answers++
    }
    expect(answers).toBe(3)
  })

  it("keeps 256 messages for 7 days [session.retry.2]", () => {
    expect([255, 256, 257, 300].map(Retry.excess)).toEqual([0, 0, 1, 44])
    const old = entry({ at: 0 })
    expect(Retry.isForgotten(old, 7 * day)).toBe(false)
    expect(Retry.isForgotten(old, 7 * day + 1)).toBe(true)
    expect(Retry.answer([old], old.digest, 7 * day + 1)).toBeUndefined()
  })

  it("does not log retry requests [session.retry.3]", () => {
    expect(Retry.isLogged(Body.types.retryRequest)).toBe(false)
    expect(Retry.isLogged(Body.types.text)).toBe(true)
  })

  it("comes back from its record [state.version.1] [state.corrupt.1]", () => {
    const logged = entry({ answered: true, answers: 2 })
    expect(ok(Retry.decode(Retry.encode(logged)))).toEqual(logged)
    const other = Retry.decode(Retry.encode(logged).map((byte, i) => (i === 1 ? 5 : byte)))
    expect(Result.isFailure(other) && other.failure.reason).toBe("version")
    const cut = Retry.decode(Bytes.empty)
    expect(Result.isFailure(cut) && cut.failure.reason).toBe("corrupt")
  })
})
