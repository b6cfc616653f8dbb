/**
 * A running relay, as an Effect with a scope and as a service.
 *
 * Spec: docs/spec/14-relay.md.
 * Puts the parts together; each rule is in the part that keeps it.
 */
import { loadNodeProvider } from "@tacit/core/crypto/node"
import * as Clock from "effect/Clock"
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { isIP } from "node:net"
import { makeAccounts } from "./Accounts.ts"
import * as Database from "./Database.ts"
import { makeGroupCommit, type GroupCommit } from "./GroupCommit.ts"
import { makeHandler } from "./Handler.ts"
import { isUserName, makeInvitations } from "./Invitations.ts"
import { makeMailboxes } from "./Mailboxes.ts"
import { makeRegistry, makeRelayMetrics } from "./Metrics.ts"
import { makeObservation, type RelaySaw } from "./Observation.ts"
import { config, defaultLimits, type RelayOptions } from "./Options.ts"
import { makePrekeys } from "./Prekeys.ts"
import { InvalidUser, RelayError } from "./RelayError.ts"
import { listen } from "./Server.ts"

/** A relay that listens. */
export interface RelayHandle {
  readonly port: number
  /** `ws://host:port`; the frames' path is the transport's to add. */
  readonly url: string
  /** The name logins are bound to. */
  readonly name: string
  /** Issues a one-time password for a user name: `XXXX-XXXX-XXXX-XXXX-XXXX`. Durable when it returns. */
  readonly invite: (user: string) => Effect.Effect<string, InvalidUser | RelayError>
  /** What an operator could see. */
  readonly relaySaw: Effect.Effect<RelaySaw, RelayError>
  /** Deletes now what is too old; happens by itself every 30 seconds. Succeeds with the number of envelopes. */
  readonly sweep: Effect.Effect<number, RelayError>
  /** Prometheus text, as under `/metrics`. */
  readonly metrics: Effect.Effect<string>
  /** Shuts down in good order (rule relay.shutdown.1). The end of the scope does the same; twice is harmless. */
  readonly close: Effect.Effect<void>
}

/** Envelopes the sweeper deletes in one turn, so that it never holds the others up for long. */
const sweepBatch = 500

/** A storage that fails does so often; one line in this many ms is enough. */
const failureLogMs = 10_000

/** SQLite's own words for a fault, which hold no data; of anything else only its kind. */
const storageFault = (cause: unknown): string => {
  if (!(cause instanceof Error)) return "unknown"
  return "errstr" in cause && typeof cause.errstr === "string" ? cause.errstr : cause.name
}

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || /^127\./.test(host)

/** Runs work in the group commit and waits for it. */
const commitEffect = <A>(commit: GroupCommit, run: () => A): Effect.Effect<A, RelayError> =>
  Effect.callback<A, RelayError>((resume) => {
    commit.push({
      run,
      committed: (value) => resume(Effect.succeed(value)),
      failed: (cause) => resume(Effect.fail(new RelayError({ reason: "storage", cause })))
    })
  })

/** Starts a relay; it stops when the scope closes. */
export const makeRelay = (options: RelayOptions): Effect.Effect<RelayHandle, RelayError, Scope.Scope> =>
  Effect.gen(function* () {
    const limits = { ...defaultLimits, ...options.limits }
    const name = options.name ?? "localhost"
    const host = options.host ?? (options.public === true ? "0.0.0.0" : "127.0.0.1")
    if (options.public !== true && !isLoopback(host)) return yield* new RelayError({ reason: "not-public" })
    const clock = yield* Clock.Clock
    const now = (): number => clock.currentTimeMillisUnsafe()
    const log = Effect.runForkWith(yield* Effect.context<never>())
    const crypto = options.crypto ?? (yield* Effect.promise(loadNodeProvider))

    const db = yield* Effect.acquireRelease(
      Effect.try({
        try: () => Database.open(options.database, { exclusive: true }),
        catch: (cause) => (cause instanceof RelayError ? cause : new RelayError({ reason: "database", cause }))
      }),
      (db) => Effect.sync(() => db.close())
    )
    const registry = makeRegistry()
    const metrics = makeRelayMetrics(registry)
    const invitations = makeInvitations(db, crypto, limits.inviteMs)
    const prekeys = makePrekeys(db, crypto, limits)
    const mailboxes = makeMailboxes(db, crypto, limits)
    const accounts = makeAccounts({ db, crypto, name, limits, invitations, prekeys, mailboxes })
    const observation = makeObservation(db, { observe: options.observe === true, now })
    const handler = makeHandler({ name, limits, now, accounts, prekeys, mailboxes, metrics, observation })
    let lastFailureLogged = Number.NEGATIVE_INFINITY
    const commit = makeGroupCommit(db, {
      maxItems: limits.commitItems,
      onCommit: (items, seconds) => {
        metrics.commitItems.observe(items)
        metrics.commitSeconds.observe(seconds)
      },
      afterBatch: handler.pushWoken,
      onFailure: (cause) => {
        if (now() - lastFailureLogged < failureLogMs) return
        lastFailureLogged = now()
        void log(Effect.logError(`relay: storage failed, nothing of this commit was kept: ${storageFault(cause)}`))
      }
    })

    let closed = false
    const server = yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () =>
          listen({
            host,
            port: options.port ?? 0,
            now,
            handler,
            commit,
            metrics,
            environment: { limits, read: mailboxes.read, onDelivered: () => metrics.delivered.add() },
            metricsText: registry.text,
            isHealthy: () => commit.healthy() && db.isReadable()
          }),
        catch: (cause) => new RelayError({ reason: "listen", cause })
      }),
      (server) => Effect.promise(() => shutdown(server))
    )
    let stopping: Promise<void> | undefined
    const shutdown = (running: { readonly close: () => Promise<void> }): Promise<void> => {
      closed = true
      stopping ??= running.close()
      return stopping
    }
    registry.gauge("tacit_relay_connections", "WebSocket connections open now.", server.connections)
    registry.gauge("tacit_relay_devices_online", "Devices logged in now.", handler.online)
    registry.gauge("tacit_relay_queue_items", "Work items waiting for a commit.", commit.waiting)

    const sweepBatchNow = commitEffect(commit, () => {
      invitations.expire(now())
      return mailboxes.expire(now(), sweepBatch)
    })
    const sweep = Effect.gen(function* () {
      let expired = 0
      for (;;) {
        const batch = yield* sweepBatchNow
        metrics.expired.add("", batch)
        expired += batch
        if (batch < sweepBatch) break
      }
      db.giveBack()
      return expired
    })
    // A failed commit was logged; the next sweep tries again.
    yield* Effect.forkScoped(Effect.repeat(Effect.ignore(sweep), Schedule.spaced("30 seconds")))
    yield* Effect.forkScoped(
      Effect.repeat(Effect.sync(server.checkHeartbeats), Schedule.spaced(Math.max(50, limits.heartbeatMs / 4)))
    )
    yield* Effect.logInfo("relay: listening")
    yield* Effect.addFinalizer(() => Effect.logInfo("relay: stopped"))

    const shownHost = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : isIP(host) === 6 ? `[${host}]` : host
    const open = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | RelayError> =>
      Effect.suspend((): Effect.Effect<A, E | RelayError> => (closed ? new RelayError({ reason: "closed" }) : effect))
    return {
      port: server.port,
      url: `ws://${shownHost}:${server.port}`,
      name,
      invite: (user) =>
        isUserName(user)
          ? open(commitEffect(commit, () => invitations.issue(user, now())))
          : Effect.fail(new InvalidUser()),
      relaySaw: open(commitEffect(commit, observation.saw)),
      sweep: open(sweep),
      metrics: Effect.sync(registry.text),
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
