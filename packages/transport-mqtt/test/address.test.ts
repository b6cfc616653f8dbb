/** Addresses of brokers, cards of stewards. */
import { Address, Card } from "@tacit/transport-mqtt/wire"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"

const key = "ab".repeat(32)
const reason = (url: string, allowInsecure?: boolean): string => {
  const parsed = Address.parse(url, { allowInsecure })
  return Result.isSuccess(parsed) ? "good" : parsed.failure.reason
}

describe("addresses", () => {
  it("takes broker, user, password, root and key apart [mqtt.address.1]", () => {
    const parsed = Result.getOrThrow(Address.parse(`mqtts://ann:p%20w@broker.example:8884/team/a/?key=${key}`))
    expect(parsed).toEqual({
      broker: "mqtts://broker.example:8884",
      username: "ann",
      password: "p w",
      root: "team/a",
      stewardKey: new Uint8Array(32).fill(0xab)
    })
    expect(Result.getOrThrow(Address.parse("mqtt://localhost"))).toMatchObject({
      broker: "mqtt://localhost",
      root: "tacit/1",
      stewardKey: undefined
    })
  })

  it("refuses what is none [mqtt.address.1]", () => {
    expect(reason("broker")).toBe("not-a-url")
    expect(reason("ws://localhost")).toBe("scheme")
    for (const url of [
      "mqtt://localhost/a+b",
      "mqtt://localhost/%23",
      "mqtt://localhost?key=ab",
      "mqtt://localhost?key=zz"
    ]) {
      expect(reason(url)).toBe("not-a-url")
    }
  })

  it("plain connections to other machines need the steward's key and no password, or a word [mqtt.address.2]", () => {
    expect(reason("mqtt://broker.example")).toBe("insecure")
    expect(reason("mqtt://broker.example", true)).toBe("good")
    expect(reason(`mqtt://broker.example?key=${key}`)).toBe("good")
    expect(reason(`mqtt://ann:secret@broker.example?key=${key}`)).toBe("insecure")
    expect(reason("mqtts://ann:secret@broker.example")).toBe("good")
    expect(reason("mqtt://127.0.0.1:1883")).toBe("good")
  })
})

describe("cards", () => {
  it("reads back what it writes, and nothing else [mqtt.card.1]", () => {
    const card = {
      version: 1 as const,
      name: "team.example",
      key: new Uint8Array(32).fill(1),
      instance: new Uint8Array(16).fill(2),
      epochMs: 900_000
    }
    expect(Card.decode(Card.encode(card))).toEqual(card)
    expect(Card.decode(Card.away)).toEqual({ version: 0 })
    for (const bytes of [
      Uint8Array.of(),
      Uint8Array.of(1),
      Card.encode(card).slice(1),
      Card.encode(card).slice(0, -1)
    ]) {
      expect(Card.decode(bytes)).toBeUndefined()
    }
  })
})
