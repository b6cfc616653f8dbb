import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import * as Limits from "../../src/base/Limits.ts"
import { nobleProvider } from "../../src/crypto/Noble.ts"
import type { CryptoProvider } from "../../src/crypto/Provider.ts"
import * as DoubleRatchet from "../../src/ratchet/DoubleRatchet.ts"
import * as Header from "../../src/ratchet/Header.ts"
import * as RatchetState from "../../src/ratchet/RatchetState.ts"
import * as SkippedKeys from "../../src/ratchet/SkippedKeys.ts"
import { providers } from "../crypto/helpers.ts"
import { causeOf, ok } from "../session/support.ts"
import { copyOf, type End, keep, makeEnds, numbered, prefix, receive, send, sendMany } from "./support.ts"

const suiteIds = [1, 2, 3] as const
const fast = providers.at(-1)!

/** A provider that counts chain steps, to see that a bound was decided before any key was derived. */
const counting = (crypto: CryptoProvider) => {
  const counted = { steps: 0 }
  const provider: CryptoProvider = {
    ...crypto,
    hmacSha256Pair: (key, a, b) => {
      counted.steps++
      return crypto.hmacSha256Pair(key, a, b)
    }
  }
  return { counted, provider }
}

const paddedOf = (result: Result.Result<DoubleRatchet.Opened, unknown>): Uint8Array => ok(result).padded

/** Both ends after one message each way, so that all chains and header keys exist. */
const established = (crypto: CryptoProvider, suite: 1 | 2 | 3, seed = 1) => {
  const ends = makeEnds(crypto, suite, seed)
  ok(receive(crypto, ends.b, send(crypto, ends.a, numbered(0))))
  ok(receive(crypto, ends.a, send(crypto, ends.b, numbered(0))))
  return ends
}

/** As {@link established}, and then one more message of a, so that the next ones of a come in b's present chain. */
const settled = (crypto: CryptoProvider, suite: 1 | 2 | 3, seed = 1) => {
  const ends = established(crypto, suite, seed)
  ok(receive(crypto, ends.b, send(crypto, ends.a, numbered(0))))
  return ends
}

/** A header sealed with the sending header key of a state: what only the peer itself could make. */
const forgeHeader = (
  crypto: CryptoProvider,
  state: RatchetState.RatchetState,
  key: Uint8Array,
  pn: number,
  n: number
) => {
  const nonce = new Uint8Array(12).fill(7)
  const header = Header.seal(crypto, state.suite, state.sendHeader!, nonce, Header.encode(key, pn, n))
  return Uint8Array.from([...state.sendHeader!.tag, ...nonce, ...header, ...new Uint8Array(80)])
}

describe("DoubleRatchet", () => {
  it.each(providers)(
    "carries a conversation in every suite, by $name [ratchet.state.1] [ratchet.send.1] [ratchet.receive.1]",
    (crypto) => {
      for (const suite of suiteIds) {
        const { a, b } = makeEnds(crypto, suite)
        for (let round = 0; round < 6; round++) {
          const [from, to] = round % 2 === 0 ? [a, b] : [b, a]
          for (let i = 0; i < 3; i++) {
            const said = Uint8Array.of(suite, round, i)
            expect(paddedOf(receive(crypto, to, send(crypto, from, said)))).toEqual(said)
          }
        }
        expect([a.skipped.count, b.skipped.count]).toEqual([0, 0])
      }
    }
  )

  it("gives the same bytes whoever provides the primitives [ratchet.message.1]", () => {
    for (const suite of suiteIds) {
      const transcripts = providers.map((crypto) => {
        const { a, b } = makeEnds(crypto, suite, 5)
        return Array.from({ length: 4 }, (_, i) => {
          const message = send(crypto, i % 2 === 0 ? a : b, numbered(i))
          ok(receive(crypto, i % 2 === 0 ? b : a, message))
          return message
        })
      })
      for (const transcript of transcripts) expect(transcript).toEqual(transcripts[0])
    }
  })

  it("adds 100 bytes to a padded plaintext in suites 1 and 2 [session-message.layout.1] [ratchet.message.1]", () => {
    for (const [suite, overhead] of [
      [1, 100],
      [2, 100]
    ] as const) {
      const { a } = established(nobleProvider, suite)
      for (const length of [64, 72, 1024]) {
        expect(send(nobleProvider, a, new Uint8Array(length)).length - length).toBe(overhead)
      }
    }
    const { a } = established(nobleProvider, 3)
    // Tag 16, nonce 16, header 80; CBC fills up one block, MAC 32.
    expect(send(nobleProvider, a, new Uint8Array(64)).length).toBe(16 + 16 + 80 + 80 + 32)
  })

  it("cannot send before it received, as responder [ratchet.send.1]", () => {
    const { b } = makeEnds(nobleProvider, 1)
    const sealed = DoubleRatchet.seal(nobleProvider, b.state, prefix, new Uint8Array(64), new Uint8Array(12))
    expect(causeOf(sealed)).toBe("policy.no-chain")
  })

  it("stops at the last number a header can carry [ratchet.send.2] [ratchet.receive.5]", () => {
    const { a, b } = settled(nobleProvider, 1)
    const seal = (state: RatchetState.RatchetState) =>
      DoubleRatchet.seal(nobleProvider, state, prefix, new Uint8Array(64), new Uint8Array(12))
    a.state = { ...a.state, sent: Limits.maxChainIndex - 1 }
    b.state = { ...b.state, received: Limits.maxChainIndex - 1 }
    const last = ok(seal(a.state))
    expect(last.next.sent).toBe(Limits.maxChainIndex)
    expect(causeOf(seal(last.next))).toBe("limit.chain")
    const key = a.state.ratchetPublic
    const forged = forgeHeader(nobleProvider, a.state, key, a.state.previous, Limits.maxChainIndex)
    expect(causeOf(receive(nobleProvider, b, forged))).toBe("limit.chain")
    const fresh = makeEnds(nobleProvider, 1, 3)
    const early = forgeHeader(nobleProvider, fresh.a.state, fresh.a.state.ratchetPublic, 0, Limits.maxChainIndex)
    expect(causeOf(receive(nobleProvider, fresh.b, early))).toBe("limit.chain")
  })

  it("seals many as one by one [ratchet.send.1]", () => {
    const { a } = established(nobleProvider, 1)
    const plaintexts = [numbered(1), numbered(2), numbered(3)]
    const nonces = plaintexts.map(() => a.draw(12))
    const many = ok(DoubleRatchet.sealMany(nobleProvider, a.state, prefix, plaintexts, nonces))
    let state = a.state
    const single = plaintexts.map((plaintext, i) => {
      const sealed = ok(DoubleRatchet.seal(nobleProvider, state, prefix, plaintext, nonces[i]!))
      state = sealed.next
      return sealed.message
    })
    expect(many.messages).toEqual(single)
    expect(many.next).toEqual(state)
    expect(many.consumed.length).toBe(3)
  })

  it("puts a front before the message and nothing else changes", () => {
    const { a } = established(nobleProvider, 1)
    const nonce = a.draw(12)
    const bare = ok(DoubleRatchet.seal(nobleProvider, a.state, prefix, numbered(1), nonce))
    const framed = ok(DoubleRatchet.seal(nobleProvider, a.state, prefix, numbered(1), nonce, Uint8Array.of(1, 2, 3)))
    expect(framed.message).toEqual(Uint8Array.from([1, 2, 3, ...bare.message]))
    expect(framed.next).toEqual(bare.next)
  })

  it("opens late messages of the present chain once [ratchet.receive.3] [ratchet.skip.3]", () => {
    const { a, b } = established(nobleProvider, 1)
    const [first, second, third] = sendMany(nobleProvider, a, 3)
    const opened = ok(receive(nobleProvider, b, third!))
    expect(opened.delta.added.map(({ number }) => number)).toEqual([0, 1])
    expect(opened.late).toBe(false)
    const late = ok(receive(nobleProvider, b, first!))
    expect(late.late).toBe(true)
    expect(late.delta).toMatchObject({ added: [], removed: [{ number: 0 }] })
    expect(causeOf(receive(nobleProvider, b, first!))).toBe("fresh.used-key")
    expect(causeOf(receive(nobleProvider, b, third!))).toBe("fresh.used-key")
    expect(paddedOf(receive(nobleProvider, b, second!))).toEqual(numbered(1))
    expect(b.skipped.count).toBe(0)
  })

  it("opens late messages of older chains, and forgets the header key with the last of them [ratchet.receive.2] [ratchet.skip.4]", () => {
    const { a, b } = established(nobleProvider, 1)
    const [x, y, z] = sendMany(nobleProvider, a, 3)
    ok(receive(nobleProvider, b, z!))
    for (let turn = 0; turn < 3; turn++) {
      ok(receive(nobleProvider, a, send(nobleProvider, b, numbered(turn))))
      ok(receive(nobleProvider, b, send(nobleProvider, a, numbered(turn))))
    }
    expect(b.skipped.count).toBe(2)
    expect(b.skipped.tags().length).toBe(1)
    expect(causeOf(receive(nobleProvider, b, z!))).toBe("fresh.used-key")
    expect(paddedOf(receive(nobleProvider, b, y!))).toEqual(numbered(1))
    expect(causeOf(receive(nobleProvider, b, y!))).toBe("fresh.used-key")
    const last = ok(receive(nobleProvider, b, x!))
    expect(last.padded).toEqual(numbered(0))
    // Message key, header key, AEAD key (the same array in suite 1).
    expect(last.consumed.length).toBe(3)
    expect(b.skipped.tags()).toEqual([])
    expect(causeOf(receive(nobleProvider, b, x!))).toBe("lookup.no-session")
  })

  it("keeps what the old chain still owes when the ratchet turns [ratchet.receive.4]", () => {
    const { a, b } = established(nobleProvider, 1)
    const old = sendMany(nobleProvider, a, 4)
    ok(receive(nobleProvider, b, old[1]!))
    ok(receive(nobleProvider, a, send(nobleProvider, b, numbered(9))))
    const fresh = sendMany(nobleProvider, a, 3)
    const opened = ok(receive(nobleProvider, b, fresh[2]!))
    expect(opened.delta.added.map(({ number, ordinal }) => [number, ordinal])).toEqual([
      [2, 1],
      [3, 2],
      [0, 3],
      [1, 4]
    ])
    for (const message of [old[3]!, fresh[0]!, old[0]!, fresh[1]!, old[2]!]) ok(receive(nobleProvider, b, message))
    expect(b.skipped.count).toBe(0)
  })

  it("refuses a tag it does not know before doing anything [session-message.tag.2] [ratchet.receive.1]", () => {
    const { a, b } = established(nobleProvider, 1)
    const message = send(nobleProvider, a, numbered(1))
    message[3]! ^= 1
    let calls = 0
    const counted = new Proxy(nobleProvider, {
      get: (target, name) => {
        calls++
        return Reflect.get(target, name) as unknown
      }
    })
    expect(causeOf(DoubleRatchet.open(counted, b.state, b.skipped, prefix, message, 0))).toBe("lookup.no-session")
    expect(calls).toBe(0)
  })

  it.each(suiteIds)("refuses a body that is too short to be a message, suite %i [session-message.short.1]", (suite) => {
    const { a, b } = established(nobleProvider, suite)
    const shortest = 16 + (suite === 3 ? 16 + 80 + 32 : 12 + 56 + 16)
    const message = send(nobleProvider, a, numbered(1))
    expect(causeOf(receive(nobleProvider, b, message.slice(0, shortest - 1)))).toBe("decode.truncated")
    expect(causeOf(receive(nobleProvider, b, message.slice(0, shortest)))).toBe("auth.tag")
    expect(causeOf(receive(nobleProvider, b, new Uint8Array(0)))).toBe("decode.truncated")
    ok(receive(nobleProvider, b, message))
  })

  it("refuses headers that do not fit the chain they name [ratchet.receive.5]", () => {
    const { a, b } = established(nobleProvider, 1)
    ok(receive(nobleProvider, b, send(nobleProvider, a, numbered(0))))
    const stranger = nobleProvider.x25519PublicKey(a.draw(32))
    const open = (message: Uint8Array) => causeOf(receive(nobleProvider, b, message))
    expect(open(forgeHeader(nobleProvider, a.state, stranger, 1, 1))).toBe("auth.header")
    expect(open(forgeHeader(nobleProvider, a.state, stranger, 1, 0))).toBe("auth.header")
    // Under the next header key.
    ok(receive(nobleProvider, a, send(nobleProvider, b, numbered(1))))
    const pn = a.state.previous
    expect(open(forgeHeader(nobleProvider, a.state, a.state.ratchetPublic, pn - 1, 0))).toBe("auth.header")
    expect(open(forgeHeader(nobleProvider, a.state, a.state.ratchetPublic, pn, 0))).toBe("auth.tag")
    // Without a receiving chain there is nothing that could have been sent before.
    const fresh = makeEnds(nobleProvider, 1, 3)
    const early = forgeHeader(nobleProvider, fresh.a.state, fresh.a.state.ratchetPublic, 1, 0)
    expect(causeOf(receive(nobleProvider, fresh.b, early))).toBe("auth.header")
    // A header of another length than 40, sealed by the peer itself.
    const nonce = new Uint8Array(12)
    const long = Header.seal(nobleProvider, 1, a.state.sendHeader!, nonce, new Uint8Array(40))
    expect(long.length).toBe(56)
    const cbc = established(nobleProvider, 3, 8)
    const wide = new Uint8Array(16).fill(3)
    const other = Header.seal(nobleProvider, 3, cbc.a.state.sendHeader!, wide, new Uint8Array(41))
    const message = Uint8Array.from([...cbc.a.state.sendHeader!.tag, ...wide, ...other, ...new Uint8Array(80)])
    expect(causeOf(receive(nobleProvider, cbc.b, message))).toBe("auth.header")
    ok(receive(nobleProvider, b, send(nobleProvider, a, numbered(2))))
  })

  it("refuses a ratchet key of low order [ratchet.root.1]", () => {
    const { a, b } = established(nobleProvider, 1)
    ok(receive(nobleProvider, b, send(nobleProvider, a, numbered(0))))
    ok(receive(nobleProvider, a, send(nobleProvider, b, numbered(1))))
    const forged = forgeHeader(nobleProvider, a.state, new Uint8Array(32), a.state.previous, 0)
    expect(causeOf(receive(nobleProvider, b, forged))).toBe("auth.low-order")
    expect(
      causeOf(
        RatchetState.initiate(
          nobleProvider,
          { suite: 1, ad: a.draw(32), rootKey: a.draw(32), initiatorHeader: a.draw(32), responderHeader: a.draw(32) },
          a.draw(32),
          new Uint8Array(32)
        )
      )
    ).toBe("auth.low-order")
    ok(receive(nobleProvider, b, send(nobleProvider, a, numbered(2))))
  })

  it.each([
    ["the present chain", settled],
    ["the chain after a turn", established]
  ])("skips 999, 1,000 and not 1,001 in %s, and decides before deriving [ratchet.skip.1]", (_name, make) => {
    for (const [skip, cause] of [
      [999, undefined],
      [1000, undefined],
      [1001, "limit.skip"]
    ] as const) {
      const { a, b } = make(fast, 1)
      const messages = sendMany(fast, a, skip + 1)
      const { counted, provider } = counting(fast)
      const before = copyOf(b.state)
      const opened = DoubleRatchet.open(provider, b.state, b.skipped, prefix, messages[skip]!, 0)
      expect(causeOf(opened)).toBe(cause)
      expect(counted.steps).toBe(cause === undefined ? skip + 1 : 0)
      if (Result.isSuccess(opened)) {
        keep(fast, b, opened.success)
        expect(b.skipped.count).toBe(skip)
        ok(receive(fast, b, messages[0]!))
      } else {
        expect(b.state).toEqual(before)
        ok(receive(fast, b, messages[1000]!))
      }
    }
  })

  it("skips up to 1,000 in the old chain and 1,000 in the new one when the ratchet turns [ratchet.skip.1]", () => {
    for (const [old, fresh, cause] of [
      [1000, 1000, undefined],
      [1001, 0, "limit.skip"],
      [0, 1001, "limit.skip"]
    ] as const) {
      const { a, b } = settled(fast, 1)
      sendMany(fast, a, old)
      ok(receive(fast, a, send(fast, b, numbered(0))))
      const messages = sendMany(fast, a, fresh + 1)
      const { counted, provider } = counting(fast)
      const opened = DoubleRatchet.open(provider, b.state, b.skipped, prefix, messages[fresh]!, 0)
      expect(causeOf(opened)).toBe(cause)
      if (cause !== undefined) expect(counted.steps).toBe(0)
      else expect(ok(opened).delta.added.length).toBe(2000)
    }
  })

  it("stores 2,000 keys and drops the oldest beyond [ratchet.skip.2]", () => {
    const { a, b } = established(fast, 1)
    const first = sendMany(fast, a, 1001)
    ok(receive(fast, b, first[1000]!))
    const second = sendMany(fast, a, 1001)
    ok(receive(fast, b, second[1000]!))
    expect(b.skipped.count).toBe(2000)
    const third = sendMany(fast, a, 3)
    const opened = ok(receive(fast, b, third[2]!))
    expect(opened.delta.removed.map(({ number }) => number)).toEqual([0, 1])
    expect(b.skipped.count).toBe(2000)
    expect(causeOf(receive(fast, b, first[0]!))).toBe("fresh.used-key")
    expect(causeOf(receive(fast, b, first[1]!))).toBe("fresh.used-key")
    ok(receive(fast, b, first[2]!))
    ok(receive(fast, b, third[0]!))
    expect(b.skipped.count).toBe(1998)
  })

  it("does not use keys that are older than 30 days [ratchet.skip.2]", () => {
    const { a, b } = established(nobleProvider, 1)
    const [first, second, third] = sendMany(nobleProvider, a, 3)
    ok(receive(nobleProvider, b, third!, 1000))
    const life = Limits.skippedKeyLifetimeMs
    expect(b.skipped.expired(1000 + life)).toEqual([])
    ok(receive(nobleProvider, b, second!, 1000 + life))
    expect(causeOf(receive(nobleProvider, b, first!, 1001 + life))).toBe("fresh.used-key")
    const expired = b.skipped.expired(1001 + life)
    expect(expired.map(({ number }) => number)).toEqual([0])
    b.skipped.apply({ added: [], removed: expired })
    expect(b.skipped.count).toBe(0)
  })

  it("opens 1,000 messages in reverse, one stored key each [ratchet.receive.3] [ratchet.skip.3]", () => {
    const { a, b } = established(fast, 1)
    const messages = sendMany(fast, a, 1000)
    for (let i = 999; i >= 0; i--) {
      const opened = ok(receive(fast, b, messages[i]!))
      expect(opened.padded).toEqual(numbered(i))
      if (i < 999) expect([opened.delta.added.length, opened.delta.removed.length]).toEqual([0, 1])
    }
    expect(b.skipped.count).toBe(0)
  })

  it("keeps state in order over 1,000 messages each way and a thousand turns [ratchet.receive.4]", () => {
    const { a, b } = makeEnds(fast, 1)
    for (let i = 0; i < 1000; i++) {
      const [from, to] = i % 2 === 0 ? [a, b] : [b, a]
      expect(paddedOf(receive(fast, to, send(fast, from, numbered(i))))).toEqual(numbered(i))
    }
    expect(RatchetState.encode(a.state).length).toBeLessThan(380)
  })

  it("changes no input, neither when it opens nor when it does not [ratchet.atomic.2]", () => {
    for (const suite of suiteIds) {
      const { a, b } = established(nobleProvider, suite)
      const nonce = a.draw(suite === 3 ? 16 : 12)
      const plaintext = numbered(4)
      const given = { state: a.state, plaintext, nonce, prefix }
      const before = copyOf(given)
      const sealed = ok(DoubleRatchet.seal(nobleProvider, a.state, prefix, plaintext, nonce))
      expect(given).toEqual(before)
      const skipOne = { ...a, state: sealed.next }
      const later = send(nobleProvider, skipOne, numbered(5))
      for (const message of [
        sealed.message,
        later,
        later.map((byte, i) => (i === later.length - 1 ? byte ^ 1 : byte))
      ]) {
        const input = { state: b.state, message, prefix }
        const copy = copyOf(input)
        DoubleRatchet.open(nobleProvider, b.state, SkippedKeys.none, prefix, message, 0)
        expect(input).toEqual(copy)
      }
      const turning = DoubleRatchet.open(
        nobleProvider,
        makeEnds(nobleProvider, suite, 4).b.state,
        SkippedKeys.none,
        prefix,
        send(nobleProvider, makeEnds(nobleProvider, suite, 4).a, numbered(0)),
        0
      )
      const opened = ok(turning)
      if (!opened.turning) return expect.unreachable()
      const half = copyOf(opened.half)
      const secret = a.draw(32)
      ok(DoubleRatchet.turn(nobleProvider, opened.half, secret))
      expect(opened.half).toEqual(half)
    }
  })

  it("lists as used up only what no later state holds [ratchet.atomic.2]", () => {
    const { a, b } = makeEnds(nobleProvider, 1)
    const arraysOf = (value: unknown, found = new Set<Uint8Array>()): Set<Uint8Array> => {
      if (value instanceof Uint8Array) found.add(value)
      else if (typeof value === "object" && value !== null)
        for (const part of Object.values(value)) arraysOf(part, found)
      return found
    }
    const check = (end: End, consumed: ReadonlyArray<Uint8Array>): void => {
      const held = arraysOf(end.state)
      for (const key of end.skipped.oldest(5000)) arraysOf(key, held)
      for (const used of consumed) expect(held.has(used)).toBe(false)
      for (const used of consumed) used.fill(0)
    }
    for (let round = 0; round < 12; round++) {
      const [from, to] = round % 2 === 0 ? [a, b] : [b, a]
      const nonce = from.draw(12)
      const dropped = send(nobleProvider, from, numbered(100))
      const sealed = ok(DoubleRatchet.seal(nobleProvider, from.state, prefix, numbered(round), nonce))
      from.state = sealed.next
      check(from, sealed.consumed)
      const opened = ok(receive(nobleProvider, to, sealed.message))
      check(to, opened.consumed)
      if (round % 3 === 0) {
        const late = ok(receive(nobleProvider, to, dropped))
        check(to, late.consumed)
      }
    }
  })

  it("lists the keys of displaced messages, and the header key of a chain they were the last of [crypto.erase.1] [ratchet.skip.4]", () => {
    const { a, b } = makeEnds(fast, 1, 91)
    const turnAround = (): void => {
      ok(receive(fast, a, send(fast, b, numbered(0))))
    }
    ok(receive(fast, b, send(fast, a, numbered(0))))
    turnAround()
    // The oldest chain leaves one key, the next two leave 1,000 and 999: the store is full.
    for (const lost of [1, 1000, 999]) {
      ok(receive(fast, b, sendMany(fast, a, lost + 1).at(-1)!))
      turnAround()
    }
    expect(b.skipped.count).toBe(Limits.maxSkippedPerSession)
    const [oldest, second] = b.skipped.oldest(2)
    const message = sendMany(fast, a, 2).at(-1)!
    const opened = ok(DoubleRatchet.open(fast, b.state, b.skipped, prefix, message, 0))
    expect(opened.delta.removed).toEqual([oldest])
    expect(opened.consumed).toContain(oldest!.messageKey)
    expect(opened.consumed).toContain(oldest!.header.key)
    expect(opened.consumed).not.toContain(second!.messageKey)
    expect(opened.consumed).not.toContain(second!.header.key)
    keep(fast, b, opened)
    for (const used of opened.consumed) used.fill(0)
    ok(receive(fast, b, sendMany(fast, a, 3).at(-1)!))
    const removed = b.skipped.expired(Limits.skippedKeyLifetimeMs + 1)
    const current = b.state.receiveHeader
    const secrets = SkippedKeys.secretsOf(b.skipped, removed, [current])
    expect(secrets).not.toContain(current!.key)
    expect(secrets).toContain(b.skipped.oldest(1)[0]!.header.key)
    expect(SkippedKeys.secretsOf(b.skipped, removed, [])).toContain(current!.key)
    turnAround()
  })

  it("leaves everything usable after a message that failed or was thrown away [crypto.erase.1] [ratchet.atomic.1]", () => {
    for (const suite of suiteIds) {
      const { a, b } = makeEnds(fast, suite, 92)
      const messages: Array<Uint8Array> = []
      const check = (message: Uint8Array): void => {
        const [state, count] = [copyOf(b.state), b.skipped.count]
        const forged = message.slice()
        forged[forged.length - 1]! ^= 1
        expect(causeOf(DoubleRatchet.open(fast, b.state, b.skipped, prefix, forged, 0))).toBe("auth.tag")
        const thrown = ok(DoubleRatchet.open(fast, b.state, b.skipped, prefix, message, 0))
        DoubleRatchet.discard(b.state, thrown)
        expect(thrown.padded.every((byte) => byte === 0)).toBe(true)
        for (const { messageKey } of thrown.delta.added) expect(messageKey.every((byte) => byte === 0)).toBe(true)
        expect(b.state).toEqual(state)
        expect(b.skipped.count).toBe(count)
        ok(receive(fast, b, message))
      }
      messages.push(...sendMany(fast, a, 4))
      check(messages[2]!)
      check(messages[0]!)
      check(messages[3]!)
      check(messages[1]!)
      ok(receive(fast, a, send(fast, b, numbered(9))))
      const more = sendMany(fast, a, 3)
      check(more[2]!)
      check(more[0]!)
      ok(receive(fast, a, send(fast, b, numbered(10))))
    }
  })
})
