/**
 * What the contract suites of Transport and Directory need of an adapter: a fresh network for every test, and devices on it.
 *
 * Spec: docs/spec/14-relay.md.
 * Brings no test runner along. Names no wire format.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { CryptoProvider } from "../crypto/Provider.ts"
import { Crypto } from "../ports/Crypto.ts"
import { Directory } from "../ports/Directory.ts"
import { KeyCustody } from "../ports/KeyCustody.ts"
import { type LoginFence, Transport } from "../ports/Transport.ts"
import * as FixtureAccount from "./FixtureAccount.ts"
import type { TestRunner } from "./StoreContract.ts"

/** Ways to disturb the network between clients and the other side. Each takes effect at once, for all connections. */
export interface Faults {
  /** Ends every connection. New ones succeed. */
  readonly cut: Effect.Effect<void>
  /** Ends every connection and lets none come up, until `heal`. */
  readonly block: Effect.Effect<void>
  /** From now on nothing from the other side arrives, until `cut` or `heal`; what clients send still does. */
  readonly mute: Effect.Effect<void>
  /** Every chunk takes so long, in ms, until `heal`. */
  readonly delay: (ms: number) => Effect.Effect<void>
  /** Damages what passes in both directions, until `heal`. */
  readonly garble: Effect.Effect<void>
  /** Ends every other fault; ends the connections too, if they were damaged. */
  readonly heal: Effect.Effect<void>
}

/** A network with an empty relay on it. */
export interface RelayPlace {
  readonly crypto: CryptoProvider
  /** Issues a one-time password. */
  readonly invite: (user: string) => Effect.Effect<string, unknown>
  /** Transport and directory of one device; built afresh for every opening. */
  readonly layer: Layer.Layer<Transport | Directory, unknown, KeyCustody | Crypto>
  /** Left out where the network cannot be disturbed. */
  readonly faults?: Faults
  /** Envelopes one mailbox holds here; the quota test needs a small number and is left out without it. */
  readonly mailboxEnvelopes?: number
  /** Longest envelope, in bytes. */
  readonly maxEnvelopeBytes: number
}

export interface RelayContractOptions extends TestRunner {
  /** Longest time one test may take, in ms. Default 20,000. */
  readonly timeoutMs?: number
}

/** Opens a network for one test. */
export type MakePlace<Place extends RelayPlace = RelayPlace> = () => Effect.Effect<Place, unknown, Scope.Scope>

type Steps = Generator<Effect.Effect<unknown, unknown, Scope.Scope>, void, never>

/** How a suite writes its tests: each gets a network of its own. */
export const testsOn = <Place extends RelayPlace>(
  makePlace: MakePlace<Place>,
  { it, timeoutMs = 20_000 }: RelayContractOptions
) => {
  const on = (title: string, run: (place: Place) => Steps): void => {
    it(
      title,
      () =>
        Effect.runPromise(
          Effect.scoped(Effect.flatMap(Effect.suspend(makePlace), (place) => Effect.gen(() => run(place))))
        ),
      timeoutMs
    )
  }
  /** A test that needs a network which can be disturbed; passes over adapters without. */
  const disturbed = (title: string, run: (place: Place, faults: Faults) => Steps): void =>
    on(title, function* (place) {
      const { faults } = place
      if (faults !== undefined) yield* Effect.gen(() => run(place, faults))
    })
  return { disturbed, on }
}

/** One opening of a device's adapter. */
export interface Station {
  readonly transport: Transport["Service"]
  readonly directory: Directory["Service"]
  readonly fixture: FixtureAccount.FixtureDevice
  /** Logs in; the fixture's own fence with generation 1 when nothing is said. */
  readonly open: (
    fence?: Partial<LoginFence>
  ) => Effect.Effect<void, Effect.Error<ReturnType<Transport["Service"]["open"]>>, Scope.Scope>
}

/** A user with a registered device. */
export interface Member extends Station {
  readonly user: string
  readonly account: FixtureAccount.FixtureAccount
}

/** Another opening of a device, for instance after its process ended. */
export const station = (
  place: RelayPlace,
  fixture: FixtureAccount.FixtureDevice
): Effect.Effect<Station, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const services = yield* Layer.build(
      Layer.fresh(place.layer).pipe(
        Layer.provide(Layer.mergeAll(Layer.succeed(KeyCustody, fixture.custody), Layer.succeed(Crypto, place.crypto)))
      )
    )
    const transport = Context.get(services, Transport)
    return {
      transport,
      directory: Context.get(services, Directory),
      fixture,
      open: (fence) => transport.open({ generation: 1, startId: fixture.startId, ...fence })
    }
  })

/** Invites and registers a user with one device. The account follows from the name. */
export const join = (place: RelayPlace, user: string): Effect.Effect<Member, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const account = FixtureAccount.makeAccount(place.crypto, user)
    const opened = yield* station(place, account.addDevice())
    const password = yield* place.invite(user)
    yield* opened.directory.register(FixtureAccount.registration(account, opened.fixture, user, password))
    return { ...opened, user, account }
  })

/** Registers a further device of a member. */
export const joinDevice = (place: RelayPlace, member: Member): Effect.Effect<Member, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const { account, user } = member
    const opened = yield* station(place, account.addDevice())
    const password = yield* place.invite(user)
    yield* opened.directory.register(FixtureAccount.registration(account, opened.fixture, user, password))
    return { ...opened, user, account }
  })

/** "success", the code of a `Refused`, or the tag of any other error. */
export const outcome = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<string, never, R> =>
  Effect.map(Effect.exit(effect), (exit) => {
    if (Exit.isSuccess(exit)) return "success"
    const error = Cause.squash(exit.cause) as { readonly _tag?: string; readonly code?: string }
    return error.code ?? error._tag ?? "defect"
  })

/** The refusal an effect ends with; dies when it does not. */
export const refusal = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<Extract<E, { readonly _tag: "Refused" }>, never, R> =>
  Effect.flatMap(Effect.exit(effect), (exit) => {
    const error = Exit.isSuccess(exit) ? undefined : (Cause.squash(exit.cause) as { readonly _tag?: string })
    return error?._tag === "Refused"
      ? Effect.succeed(error as Extract<E, { readonly _tag: "Refused" }>)
      : Effect.die(new Error("no refusal where one was expected"))
  })
