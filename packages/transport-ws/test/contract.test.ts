import { directoryContract, slotsContract, transportContract } from "@tacit/core/testing"
import { describe, expect, it } from "vitest"
import { makePlace } from "./place.ts"

transportContract("WebSocket", () => makePlace({ mailboxEnvelopes: 700 }), { describe, it, expect })
directoryContract("WebSocket", () => makePlace(), { describe, it, expect })
slotsContract("WebSocket", () => makePlace(), { describe, it, expect })
