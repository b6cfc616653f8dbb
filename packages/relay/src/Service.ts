/**
 * What a relay does, without what carries its frames: database, parts, and the reception that frames go through.
 *
 * Spec: docs/spec/14-relay.md.
 * Puts the parts together; each rule is in the part that keeps it. Listens nowhere: Relay.ts and steward/ do.
 */
import { Bytes, type CryptoProvider } from "@tacit/core/hazmat"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { type Attachments, makeAttachments } from "./attachments/Attachments.ts"
import { defaultAttachmentLimits } from "./attachments/AttachmentLimits.ts"
import { makeAccounts } from "./Accounts.ts"
import { makeDesk } from "./Desk.ts"
import * as Database from "./Database.ts"
import { makeGroupCommit, type GroupCommit } from "./GroupCommit.ts"
import { makeHandler } from "./Handler.ts"
import { isUserName, makeInvitations } from "./Invitations.ts"
import { makeMailboxes } from "./Mailboxes.ts"
import { makeRegistry, makeRelayMetrics, type Registry } from "./Metrics.ts"
import { makeObservation, type RelaySaw } from "./Observation.ts"
import { defaultLimits, type RelayLimits, type ServiceOptions } from "./Options.ts"
import { makePrekeys } from "./Prekeys.ts"
import { makeReception, type Reception } from "./Reception.ts"
import { CannotRemove, InvalidUser, RelayError, RemovedUser } from "./RelayError.ts"
import { type ListedUser, makeRemovals, type RemovedByAdministrator } from "./Removals.ts"
import { makeSlots } from "./Slots.ts"
import { makeTombstones } from "./Tombstones.ts"

/** What every way to run a relay offers. */
export interface ServiceHandle {
  /** The name logins are bound to. */
  readonly name: string
  /**
   * Issues a one-time password for a user name: `XXXX-XXXX-XXXX-XXXX-XXXX`. Durable when it returns. With `again` also for the name of an
   * account that was removed (rule relay.remove.7).
   */
  readonly invite: (
    user: string,
    options?: { readonly again?: boolean }
  ) => Effect.Effect<string, InvalidUser | RemovedUser | RelayError>
  /** Everybody with an account here, and what is left of those who were removed. */
  readonly users: Effect.Effect<ReadonlyArray<ListedUser>, RelayError>
  /**
   * Removes a user, by name or account id, for good; with `device`, 64 hexadecimal characters, only that device of theirs (rule
   * relay.remove.1). Durable when it returns, and their connections are closed.
   */
  readonly remove: (
    user: string,
    options?: { readonly device?: string }
  ) => Effect.Effect<RemovedByAdministrator, CannotRemove | RelayError>
  /** What an operator could see. */
  readonly relaySaw: Effect.Effect<RelaySaw, RelayError>
  /** Deletes now what is too old, files too; happens by itself every 30 seconds. Succeeds with the number of envelopes. */
  readonly sweep: Effect.Effect<number, RelayError>
  /** Prometheus text, as under `/metrics`. */
  readonly metrics: Effect.Effect<string>
}

/** What is public of an account: its chain, and for each device its bundle without one-time keys, if it is served and has one. */
export interface Publication {
  readonly account: Uint8Array
  readonly manifests: ReadonlyArray<Uint8Array>
  readonly devices: ReadonlyArray<{ readonly device: Uint8Array; readonly bundle: Uint8Array | undefined }>
}

export interface Publications {
  readonly all: () => Iterable<Publication>
  /** Called after every change; the last one set counts. */
  readonly onChange: (tell: (publication: Publication) => void) => void
}

/** A service that runs, for whoever carries frames to it. */
export interface Service {
  readonly handle: ServiceHandle
  readonly limits: RelayLimits
  readonly crypto: CryptoProvider
  readonly registry: Registry
  readonly reception: Reception
  /** Sealed files, where any are kept and somebody serves HTTP. */
  readonly attachments: Attachments | undefined
  readonly isHealthy: () => boolean
  /** What is public, for whoever keeps copies of it. */
  readonly publications: Publications
  /** From now on the handle answers `closed`; twice is harmless. Then `close` of the reception is the carrier's to call. */
  readonly shut: () => void
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

/** Runs work in the group commit and waits for it. */
const commitEffect = <A>(commit: GroupCommit, run: () => A): Effect.Effect<A, RelayError> =>
  Effect.callback<A, RelayError>((resume) => {
    commit.push({
      run,
      committed: (value) => resume(Effect.succeed(value)),
      failed: (cause) => resume(Effect.fail(new RelayError({ reason: "storage", cause })))
    })
  })

/** The same for work that may refuse by throwing one of its own errors, which is no fault of the storage. */
const attempt = <A, E>(
  commit: GroupCommit,
  run: () => A,
  isRefusal: (cause: unknown) => cause is E
): Effect.Effect<A, E | RelayError> =>
  Effect.flatMap(
    commitEffect(commit, (): Result.Result<A, E> => {
      try {
        return Result.succeed(run())
      } catch (cause) {
        if (isRefusal(cause)) return Result.fail(cause)
        throw cause
      }
    }),
    (result): Effect.Effect<A, E> => Effect.fromResult(result)
  )

/** Opens the database and starts the parts; they stop when the scope closes. `hasHttp`: whoever carries frames serves HTTP too. */
export const makeService = (
  options: ServiceOptions,
  hasHttp = false
): Effect.Effect<Service, RelayError, Scope.Scope> =>
  Effect.gen(function* () {
    const limits = { ...defaultLimits, ...options.limits }
    const name = options.name ?? "localhost"
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
    const tombstones = makeTombstones(db)
    const removals = makeRemovals(db)
    const mailboxes = makeMailboxes(db, crypto, limits, tombstones)
    const { entitlement, entitledOtherwise = true, hideNames = false, issuers = [] } = options
    const accounts = makeAccounts({
      db,
      crypto,
      name,
      limits,
      invitations,
      prekeys,
      mailboxes,
      tombstones,
      issuers,
      hideNames
    })
    let lastUnanswered = Number.NEGATIVE_INFINITY
    const runBackground = yield* FiberSet.makeRuntime<never, void, never>()
    const desk = makeDesk({
      entitlement,
      otherwise: entitledOtherwise,
      times: { answerMs: limits.entitledMs, lastAnswerMs: limits.lastEntitledMs, passMs: limits.passMs },
      now,
      subject: accounts.subjectOf,
      run: (effect) => void runBackground(effect),
      onFailure: (reason) => {
        if (now() - lastUnanswered < failureLogMs) return
        lastUnanswered = now()
        void log(Effect.logWarning(`relay: ${reason}`))
      }
    })
    const slots = makeSlots(limits)
    const kept = options.attachments ?? {}
    let lastKeepFailure = Number.NEGATIVE_INFINITY
    const folder = options.database === ":memory:" ? undefined : `${options.database}.files`
    const attachments =
      kept === false || !hasHttp
        ? undefined
        : yield* makeAttachments({
            folder: kept.folder ?? folder,
            crypto,
            limits: { ...defaultAttachmentLimits, ...kept },
            registry,
            now,
            onFailure: (cause) => {
              if (now() - lastKeepFailure < failureLogMs) return
              lastKeepFailure = now()
              void log(Effect.logError(`relay: keeping a file failed: ${storageFault(cause)}`))
            }
          })
    const observation = makeObservation(db, { observe: options.observe === true, now })
    let published: (account: number) => void = () => undefined
    const handler = makeHandler({
      name,
      limits,
      now,
      accounts,
      prekeys,
      mailboxes,
      metrics,
      observation,
      slots,
      tombstones,
      desk,
      grants: attachments?.grants,
      onPublished: (account) => published(account),
      // Rule relay.password.2: who asked, for whoever keeps the log.
      onPasswordIssued: (user, device) =>
        void log(
          Effect.logInfo(
            `relay: one-time password for ${user}, asked for by device ${Bytes.toHex(device).slice(0, 8)}`
          ).pipe(Effect.annotateLogs("audit", "one-time-password"))
        )
    })
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

    const reception = makeReception({
      now,
      handler,
      commit,
      metrics,
      environment: { limits, read: mailboxes.read, onDelivered: () => metrics.delivered.add() }
    })
    registry.gauge("tacit_relay_connections", "Connections open now.", reception.connections)
    registry.gauge("tacit_relay_devices_online", "Devices logged in now.", handler.online)
    registry.gauge("tacit_relay_slots", "Slots open now.", slots.count)
    registry.gauge("tacit_relay_queue_items", "Work items waiting for a commit.", commit.waiting)

    /** Devices and accounts whose removal was noticed, by their rows. */
    const noticed = {
      devices: new Set(tombstones.devices().map(({ device }) => device)),
      accounts: new Set(tombstones.accounts())
    }
    const notice = (): void => {
      const devices = tombstones.devices().filter(({ device }) => !noticed.devices.has(device))
      const fresh = tombstones.accounts().filter((account) => !noticed.accounts.has(account))
      for (const { device } of devices) noticed.devices.add(device)
      for (const account of fresh) noticed.accounts.add(account)
      metrics.removed.add("account", fresh.length)
      metrics.removed.add("device", devices.filter(({ account }) => !noticed.accounts.has(account)).length)
      for (const account of fresh) {
        const { account: id } = accounts.subjectOf(account)
        void log(
          Effect.logInfo(`relay: account ${id.slice(0, 8)} was removed`).pipe(Effect.annotateLogs("audit", "removal"))
        )
      }
      handler.dismiss(devices)
      // An account whose devices were all removed or revoked before has copies of its manifests only.
      for (const account of fresh) if (!devices.some((one) => one.account === account)) published(account)
    }
    metrics.removed.add("account", 0)
    metrics.removed.add("device", 0)
    let foreign = db.foreignCommits()
    const look = Effect.try({
      try: () => {
        const commits = db.foreignCommits()
        if (commits === foreign) return
        notice()
        foreign = commits
      },
      catch: (cause) => new RelayError({ reason: "storage", cause })
    })
    yield* Effect.forkScoped(Effect.repeat(Effect.ignore(look), Schedule.spaced(limits.noticeMs)))

    const sweepBatchNow = commitEffect(commit, () => {
      removals.seen(handler.present(), now())
      invitations.expire(now())
      slots.expire(now())
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
    if (desk.isOn) {
      yield* Effect.forkScoped(
        Effect.repeat(Effect.sync(handler.enforce), Schedule.spaced(Math.max(50, limits.entitledMs / 4)))
      )
    }
    yield* Effect.forkScoped(
      Effect.repeat(Effect.sync(reception.checkHeartbeats), Schedule.spaced(Math.max(50, limits.heartbeatMs / 4)))
    )

    const publicationOf = (row: number): Publication => {
      const { account, devices, manifests } = accounts.publicOf(row)
      return {
        account,
        manifests,
        devices: devices.map((one) => ({
          device: one.device,
          bundle: one.revoked ? undefined : prekeys.standing(one)?.bytes
        }))
      }
    }

    let closed = false
    const open = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | RelayError> =>
      Effect.suspend((): Effect.Effect<A, E | RelayError> => (closed ? new RelayError({ reason: "closed" }) : effect))
    return {
      limits,
      crypto,
      registry,
      reception,
      attachments,
      isHealthy: () => commit.healthy() && db.isReadable(),
      publications: {
        *all() {
          for (const row of accounts.all()) yield publicationOf(row)
        },
        onChange: (tell) => {
          published = (row) => tell(publicationOf(row))
        }
      },
      shut: () => {
        closed = true
      },
      handle: {
        name,
        invite: (user, { again = false } = {}) =>
          isUserName(user)
            ? open(
                attempt(
                  commit,
                  () => {
                    removals.mayInvite(user, again)
                    return invitations.issue(user, now(), limits.inviteMs, again)
                  },
                  (cause) => cause instanceof RemovedUser
                )
              )
            : Effect.fail(new InvalidUser()),
        users: open(commitEffect(commit, removals.users)),
        remove: (user, { device } = {}) =>
          open(
            Effect.tap(
              attempt(
                commit,
                () => removals.remove(user, device, now()),
                (cause) => cause instanceof CannotRemove
              ),
              () => Effect.sync(notice)
            )
          ),
        relaySaw: open(commitEffect(commit, observation.saw)),
        sweep: open(Effect.tap(sweep, () => attachments?.sweep ?? Effect.void)),
        metrics: Effect.sync(registry.text)
      }
    }
  })
