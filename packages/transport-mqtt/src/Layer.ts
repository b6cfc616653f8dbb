/**
 * Transport, Directory and Slots of the steward behind one broker as a layer.
 *
 * Spec: docs/spec/18-mqtt.md; docs/spec/14-relay.md.
 * Frames, waiting, repeating and credit are those of the WebSocket transport; only what carries the frames is another.
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Crypto, Directory, type KeyCustody, type TransportError } from "@tacit/core"
import { type InvalidAddress, layerOver, type Patience, type Ports } from "@tacit/transport-ws/carrier"
import * as Address from "./Address.ts"
import type { Protocol } from "./BrokerLink.ts"
import * as Kept from "./Kept.ts"
import * as KeptReader from "./KeptReader.ts"
import * as Opener from "./Opener.ts"

export interface MqttOptions extends Patience {
  /** `mqtts://broker.example/root?key=…`, or `mqtt://` on loopback; see the guide for when `mqtt://` is enough elsewhere. */
  readonly url: string
  /** Allows `mqtt://` to other machines without the steward's key: whoever is on the way could pose as the steward. */
  readonly allowInsecure?: boolean
  /** MQTT 3.1.1 (4), 5, or whichever the broker speaks, 5 first. Default `auto`. */
  readonly protocol?: Protocol | "auto"
  /**
   * How long a link outlives its connection to the broker, in ms, at most {@link maxResumeMs}; 0, the default, for not at all. Within that
   * time a connection that was lost comes back to its session at the broker, which kept what was published meanwhile. The price: the broker
   * sees that the two connections belong together, also from another network address.
   */
  readonly resumeMs?: number
}

/** Longest {@link MqttOptions.resumeMs}: a session that outlives its connection is a pseudonym, and topics change every epoch. */
export const maxResumeMs = 120_000

/** What {@link layer} gives. */
export type TransportLayer = Layer.Layer<Ports, InvalidAddress, KeyCustody | Crypto>

/** Transport, Directory and Slots over the broker at `options.url`. */
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
        keepaliveMs: options.heartbeatMs ?? 20_000,
        resumeMs: Math.min(maxResumeMs, Math.max(0, options.resumeMs ?? 0))
      })
      const reader = {
        crypto,
        address,
        protocol: options.protocol ?? "auto",
        timeoutMs: options.connectTimeoutMs ?? 10_000
      }
      return Layer.effectContext(
        Effect.map(Layer.build(layerOver(address.broker, options, open)), (services) =>
          Context.add(services, Directory, withCopies(Context.get(services, Directory), reader))
        )
      )
    })
  )

/** Asks for copies at the broker what the steward did not answer in time (rule mqtt.kept.3). */
const withCopies = (directory: Directory["Service"], reader: KeptReader.KeptReaderOptions): Directory["Service"] => {
  const copy = <A>(
    secret: Uint8Array,
    error: TransportError,
    decode: (bytes: Uint8Array) => A | undefined
  ): Effect.Effect<A, TransportError> =>
    Effect.flatMap(
      Effect.mapError(
        Effect.tryPromise(() => KeptReader.read(reader, secret)),
        () => error
      ),
      (content) => {
        const found = content && decode(content)
        return found === undefined ? Effect.fail(error) : Effect.succeed(found)
      }
    )
  return {
    ...directory,
    bundle: (account, device) =>
      Effect.catchTag(directory.bundle(account, device), "TransportError", (error) =>
        copy(Kept.ofDevice(account, device), error, (bytes) => bytes)
      ),
    manifestsAfter: (account, version) =>
      Effect.catchTag(directory.manifestsAfter(account, version), "TransportError", (error) =>
        copy(Kept.ofAccount(account), error, (bytes) => {
          const manifests = Kept.decodeChain(bytes)
          return manifests && { account, manifests: manifests.slice(version) }
        })
      )
  }
}

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
export const layerConfig: Layer.Layer<Ports, InvalidAddress | Config.ConfigError, KeyCustody | Crypto> = Layer.unwrap(
  Effect.map(config, layer)
)
