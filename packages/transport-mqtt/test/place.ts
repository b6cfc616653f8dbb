/** A steward behind a broker behind a faulty proxy, as the contract suites of core want it. */
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { Limits } from "@tacit/core/hazmat"
import type { SlotsPlace } from "@tacit/core/testing"
import { makeSteward, type RelayLimits, type StewardHandle } from "@tacit/relay"
import { layer, type MqttOptions } from "@tacit/transport-mqtt"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import { type BrokerKind, scoped, type TestBroker } from "./Brokers.ts"
import * as FaultyProxy from "./FaultyProxy.ts"

export const crypto = await loadNodeProvider()

/** Pauses short enough for tests. */
export const patience: Partial<MqttOptions> = {
  backoffMs: 10,
  maxBackoffMs: 100,
  timeoutMs: 15_000,
  connectTimeoutMs: 2_000
}

export interface Place extends SlotsPlace {
  readonly broker: TestBroker
  readonly steward: StewardHandle
  /** Through the proxy. */
  readonly url: string
}

export interface PlaceOptions {
  readonly kind: BrokerKind
  readonly limits?: Partial<RelayLimits>
  readonly client?: Partial<MqttOptions>
  readonly epochMs?: number
  readonly database?: string
}

export const root = "test/1"

export const makePlace = (options: PlaceOptions): Effect.Effect<Place, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const broker = yield* scoped(options.kind)
    const steward = yield* makeSteward({
      database: options.database ?? ":memory:",
      broker: `mqtt://127.0.0.1:${broker.port}/${root}`,
      limits: { shutdownMs: 500, ...options.limits },
      ...(options.epochMs === undefined ? {} : { epochMs: options.epochMs })
    })
    const proxy = yield* FaultyProxy.make(broker.port)
    const url = `mqtt://127.0.0.1:${proxy.port}/${root}?key=${steward.key}`
    return {
      crypto,
      broker,
      steward,
      url,
      invite: steward.invite,
      layer: layer({ url, ...patience, ...options.client }),
      faults: proxy.faults,
      maxEnvelopeBytes: Limits.maxEnvelopeBytes,
      ...(options.limits?.mailboxEnvelopes === undefined ? {} : { mailboxEnvelopes: options.limits.mailboxEnvelopes })
    }
  }).pipe(Effect.provide(Logger.layer([])))

/** Runs steps on a place of their own. */
export const on = (
  options: PlaceOptions,
  run: (place: Place) => Generator<Effect.Effect<unknown, unknown, Scope.Scope>, void, never>
): Promise<void> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(makePlace(options), (place) => Effect.gen(() => run(place)))))
