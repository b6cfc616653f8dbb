/** A real relay on loopback behind a faulty proxy, as the contract suites of core want it. */
import { Limits } from "@tacit/core/hazmat"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import type { SlotsPlace } from "@tacit/core/testing"
import { makeRelay, type RelayHandle, type RelayLimits } from "@tacit/relay"
import { layer, type TransportOptions } from "@tacit/transport-ws"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as FaultyProxy from "./FaultyProxy.ts"

export const crypto = await loadNodeProvider()

/** Pauses short enough for tests. */
export const patience: Partial<TransportOptions> = {
  backoffMs: 10,
  maxBackoffMs: 100,
  timeoutMs: 15_000,
  connectTimeoutMs: 2_000
}

export interface Place extends SlotsPlace {
  readonly relay: RelayHandle
  readonly proxy: FaultyProxy.FaultyProxy
  readonly url: string
}

export const makePlace = (
  limits: Partial<RelayLimits> = {},
  options: Partial<TransportOptions> = {}
): Effect.Effect<Place, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const relay = yield* makeRelay({ database: ":memory:", limits: { shutdownMs: 500, ...limits } })
    const proxy = yield* FaultyProxy.make(relay.port)
    const url = `ws://127.0.0.1:${proxy.port}`
    return {
      crypto,
      relay,
      proxy,
      url,
      invite: relay.invite,
      layer: layer({ url, ...patience, ...options }),
      faults: proxy.faults,
      maxEnvelopeBytes: Limits.maxEnvelopeBytes,
      ...(limits.mailboxEnvelopes === undefined ? {} : { mailboxEnvelopes: limits.mailboxEnvelopes })
    }
  }).pipe(Effect.provide(Logger.layer([])))
