import { directoryContract, slotsContract, transportContract } from "@tacit/core/testing"
import { describe, expect, it } from "vitest"
import { makePlace } from "./place.ts"

transportContract("MQTT, embedded broker", () => makePlace({ kind: "aedes", limits: { mailboxEnvelopes: 700 } }), {
  describe,
  it,
  expect
})
directoryContract("MQTT, embedded broker", () => makePlace({ kind: "aedes" }), { describe, it, expect })
slotsContract("MQTT, embedded broker", () => makePlace({ kind: "aedes" }), { describe, it, expect })
