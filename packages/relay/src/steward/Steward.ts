/**
 * A steward: the relay's service behind a broker, of which it is a client as everybody else.
 *
 * Spec: docs/spec/18-mqtt.md; docs/spec/14-relay.md §14.2–14.4 holds for what it answers.
 * Listens nowhere, files apart, and learns no network address of anybody who sends frames.
 */
import { Address, Host } from "@tacit/transport-mqtt/wire"
import { CloseCode } from "@tacit/transport-ws/frames"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { listenForFiles } from "../attachments/FileServer.ts"
import { isLoopback, shownHost, type ServiceOptions } from "../Options.ts"
import { RelayError } from "../RelayError.ts"
import { makeService, type ServiceHandle } from "../Service.ts"
import { copiesOf } from "./Copies.ts"
import { keyOf } from "./KeyFile.ts"

export interface StewardOptions extends ServiceOptions {
  /** `mqtt://[user:password@]host[:port][/root]`. Several stewards share a broker under roots of their own. */
  readonly broker: string
  /** MQTT 3.1.1 (4), 5, or whichever the broker speaks. Default `auto`. */
  readonly protocol?: 4 | 5 | "auto"
  /** How long a topic is used, in ms. Default 15 minutes. */
  readonly epochMs?: number
  /**
   * Serves sealed files over HTTP, which brokers do not carry: on loopback, port 0 for a free one, when nothing is said. `public` allows an address
   * that other machines reach; put TLS in front of it. Without it no files are kept.
   */
  readonly files?: { readonly host?: string; readonly port?: number; readonly public?: boolean }
  /** Allows plain `mqtt://` to other machines. What travels is sealed; a password for the broker is not. */
  readonly allowInsecure?: boolean
}

/** A steward that serves. */
export interface StewardHandle extends ServiceHandle {
  /** What clients take as the relay's address: broker, root, and the key they may hold it to. Without a password. */
  readonly url: string
  /** X25519 key by which clients know it, as hex. */
  readonly key: string
  /** Where files are, `http://host:port`, if it keeps any. */
  readonly filesUrl: string | undefined
  /** Whether the broker can be reached now. */
  readonly isConnected: Effect.Effect<boolean>
  /** Shuts down in good order. The end of the scope does the same; twice is harmless. */
  readonly close: Effect.Effect<void>
}

/** Starts a steward; it stops when the scope closes. Fails when the broker cannot be reached at the start. */
export const makeSteward = (options: StewardOptions): Effect.Effect<StewardHandle, RelayError, Scope.Scope> =>
  Effect.gen(function* () {
    const parsed = Address.parse(options.broker, { allowInsecure: options.allowInsecure })
    if (Result.isFailure(parsed)) return yield* new RelayError({ reason: "broker", cause: parsed.failure })
    const address = parsed.success
    const wanted = options.files
    const service = yield* makeService(options, wanted !== undefined)
    const { crypto, limits, publications, reception } = service
    const log = Effect.runForkWith(yield* Effect.context<never>())

    const filesHost = wanted?.host ?? (wanted?.public === true ? "0.0.0.0" : "127.0.0.1")
    if (wanted?.public !== true && !isLoopback(filesHost)) return yield* new RelayError({ reason: "not-public" })
    const http = service.attachments?.http
    const files =
      wanted === undefined || http === undefined
        ? undefined
        : yield* Effect.acquireRelease(
            Effect.tryPromise({
              try: () => listenForFiles({ host: filesHost, port: wanted.port ?? 0, files: http }),
              catch: (cause) => new RelayError({ reason: "listen", cause })
            }),
            ({ close }) => Effect.promise(close)
          )

    let stopping: Promise<void> | undefined
    const shutdown = (host: Host.Host): Promise<void> => {
      service.shut()
      stopping ??= reception.close().then(host.close)
      return stopping
    }
    const host = yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () =>
          Host.serve({
            crypto,
            address,
            protocol: options.protocol,
            name: service.handle.name,
            secretKey: keyOf(options.database),
            epochMs: options.epochMs,
            maxLinks: limits.connections,
            retained: function* () {
              for (const publication of publications.all()) yield* copiesOf(crypto, address.root, publication)
            },
            onStatus: (status) => void log(Effect.logInfo(`steward: broker ${status}`)),
            onLink: (tunnel) => {
              const guest = reception.admit(tunnel)
              if (reception.isFull()) tunnel.close(CloseCode.goingAway)
              return { onFrame: guest.receive, onPong: guest.heard, onClose: guest.gone }
            }
          }),
        catch: (cause) => new RelayError({ reason: "broker", cause })
      }),
      (host) => Effect.promise(() => shutdown(host))
    )
    publications.onChange((publication) => {
      for (const [topic, payload] of copiesOf(crypto, address.root, publication)) host.retain(topic, payload)
    })
    service.registry.gauge("tacit_relay_broker_connected", "1 while the broker can be reached.", () =>
      host.isConnected() ? 1 : 0
    )
    const key = Buffer.from(host.key).toString("hex")
    return {
      ...service.handle,
      url: `${address.broker}/${address.root}?key=${key}`,
      key,
      filesUrl: files === undefined ? undefined : `http://${shownHost(filesHost)}:${files.port}`,
      isConnected: Effect.sync(host.isConnected),
      close: Effect.promise(() => shutdown(host))
    }
  })

/** The steward as a service, for programs that run one beside clients. */
export class Steward extends Context.Service<Steward, StewardHandle>()("@tacit/relay/Steward") {
  static readonly layer = (options: StewardOptions): Layer.Layer<Steward, RelayError> =>
    Layer.effect(Steward, makeSteward(options))
}
