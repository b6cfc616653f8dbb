import { directoryContract, slotsContract, transportContract } from "@tacit/core/testing"
import { describe, expect, it } from "vitest"
import { hasMosquitto } from "./Brokers.ts"
import { makePlace } from "./place.ts"

describe.skipIf(!hasMosquitto)("a broker of its own", () => {
  transportContract("MQTT, Mosquitto", () => makePlace({ kind: "mosquitto", limits: { mailboxEnvelopes: 700 } }), {
    describe,
    it,
    expect
  })
  directoryContract("MQTT, Mosquitto", () => makePlace({ kind: "mosquitto" }), { describe, it, expect })
  slotsContract("MQTT, Mosquitto", () => makePlace({ kind: "mosquitto" }), { describe, it, expect })
})
