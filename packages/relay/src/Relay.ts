/**
 * A running relay, as an Effect with a scope and as a service.
 *
 * Spec: docs/spec/14-relay.md.
 * A service that listens for WebSockets, and serves links through a broker as well where it is told one.
 */
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { config, isLoopback, type RelayOptions, shownHost } from "./Options.ts"
import { RelayError } from "./RelayError.ts"
import { listen, type Server } from "./Server.ts"
import { makeService, type ServiceHandle } from "./Service.ts"

/** A relay that listens. */
export interface RelayHandle extends ServiceHandle {
  readonly port: number
  /** `ws://host:port`; the frames' path is the transport's to add. */
  readonly url: string
  /** Shuts down in good order (rule relay.shutdown.1). The end of the scope does the same; twice is harmless. */
  readonly close: Effect.Effect<void>
}

/** Starts a relay; it stops when the scope closes. */
export const makeRelay = (options: RelayOptions): Effect.Effect<RelayHandle, RelayError, Scope.Scope> =>
  Effect.gen(function* () {
    const host = options.host ?? (options.public === true ? "0.0.0.0" : "127.0.0.1")
    if (options.public !== true && !isLoopback(host)) return yield* new RelayError({ reason: "not-public" })
    const service = yield* makeService(options, true)
    const { reception } = service

    let stopping: Promise<void> | undefined
    const shutdown = (server: Server): Promise<void> => {
      service.shut()
      server.stopAccepting()
      stopping ??= reception.close().then(server.close)
      return stopping
    }
    const server = yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () =>
          listen({
            host,
            port: options.port ?? 0,
            limits: service.limits,
            reception,
            files: service.attachments?.http,
            metricsText: service.registry.text,
            isHealthy: service.isHealthy
          }),
        catch: (cause) => new RelayError({ reason: "listen", cause })
      }),
      (server) => Effect.promise(() => shutdown(server))
    )
    yield* Effect.logInfo("relay: listening")
    yield* Effect.addFinalizer(() => Effect.logInfo("relay: stopped"))

    return {
      ...service.handle,
      port: server.port,
      url: `ws://${shownHost(host)}:${server.port}`,
      close: Effect.promise(() => shutdown(server))
    }
  })

/** The relay as a service, for programs that run one beside clients. */
export class Relay extends Context.Service<Relay, RelayHandle>()("@tacit/relay/Relay") {
  static readonly layer = (options: RelayOptions): Layer.Layer<Relay, RelayError> =>
    Layer.effect(Relay, makeRelay(options))

  /** With {@link config} from the environment. */
  static readonly layerConfig: Layer.Layer<Relay, RelayError | Config.ConfigError> = Layer.unwrap(
    Effect.map(config, (options) => Relay.layer(options))
  )
}
