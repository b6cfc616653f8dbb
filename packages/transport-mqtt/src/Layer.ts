/**
 * Transport and Directory of the steward behind one broker as a layer.
 *
 * Spec: docs/spec/14b-mqtt.md; docs/spec/14-relay.md.
 * Frames, waiting, repeating and credit are those of the WebSocket transport; only what carries the frames is another.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Crypto, type Directory, type KeyCustody, type Transport } from "@tacit/core"
import { type InvalidAddress, layerOver, type Patience } from "@tacit/transport-ws/carrier"
import * as Address from "./Address.ts"
import type { Protocol } from "./BrokerLink.ts"
import * as Opener from "./Opener.ts"

export interface MqttOptions extends Patience {
  /** `mqtts://broker.example/root?key=…`, or `mqtt://` on loopback; see the guide for when `mqtt://` is enough elsewhere. */
  readonly url: string
  /** Allows `mqtt://` to other machines without the steward's key: whoever is on the way could pose as the steward. */
  readonly allowInsecure?: boolean
  /** MQTT 3.1.1 (4), 5, or whichever the broker speaks, 5 first. Default `auto`. */
  readonly protocol?: Protocol | "auto"
}

/** What {@link layer} gives. */
export type TransportLayer = Layer.Layer<Transport | Directory, InvalidAddress, KeyCustody | Crypto>

/** Transport and Directory over the broker at `options.url`. */
export const layer = (options: MqttOptions): TransportLayer =>
  Layer.unwrap(
    Effect.gen(function* () {
      const address = yield* Effect.fromResult(Address.parse(options.url, options))
      const crypto = yield* Crypto
      const open = Opener.make({
        crypto,
        address,
        protocol: options.protocol ?? "auto",
        timeoutMs: options.connectTimeoutMs ?? 10_000,
        keepaliveMs: options.heartbeatMs ?? 20_000
      })
      return layerOver(address.broker, options, open)
    })
  )

/** Options from the environment: the same names as the WebSocket transport's. */
export const config: Config.Config<MqttOptions> = Config.map(
  Config.all({
    url: Config.String("TACIT_RELAY"),
    relayName: Config.String("TACIT_RELAY_NAME").pipe(Config.withDefault("")),
    allowInsecure: Config.Boolean("TACIT_ALLOW_INSECURE").pipe(Config.withDefault(false))
  }),
  ({ allowInsecure, relayName, url }) => ({ url, allowInsecure, ...(relayName === "" ? {} : { relayName }) })
)

/** {@link layer} with options from the environment. */
export const layerConfig: Layer.Layer<Transport | Directory, InvalidAddress | Config.ConfigError, KeyCustody | Crypto> =
  Layer.unwrap(Effect.map(config, layer))
