/** Devices on a place, for tests beside the contract suites. */
import { Crypto, Directory, KeyCustody, Transport } from "@tacit/core"
import { Bytes } from "@tacit/core/hazmat"
import { FixtureAccount, type RelayPlace } from "@tacit/core/testing"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"

/** One opening of a device's adapter. */
export interface Station {
  readonly transport: Transport["Service"]
  readonly directory: Directory["Service"]
  readonly fixture: FixtureAccount.FixtureDevice
  readonly open: Effect.Effect<void, unknown, Scope.Scope>
}

export interface Member extends Station {
  readonly account: FixtureAccount.FixtureAccount
}

export const station = (
  place: RelayPlace,
  fixture: FixtureAccount.FixtureDevice
): Effect.Effect<Station, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const given = Layer.mergeAll(Layer.succeed(KeyCustody, fixture.custody), Layer.succeed(Crypto, place.crypto))
    const services = yield* Layer.build(Layer.fresh(place.layer).pipe(Layer.provide(given)))
    const transport = Context.get(services, Transport)
    const directory = Context.get(services, Directory)
    return {
      transport,
      directory,
      fixture,
      open: transport.open({ generation: 1, startId: fixture.startId })
    }
  })

/** A registered user with one device; the account follows from the name. */
export const join = (place: RelayPlace, user: string): Effect.Effect<Member, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const account = FixtureAccount.makeAccount(place.crypto, user)
    const opened = yield* station(place, account.addDevice())
    const password = yield* place.invite(user)
    yield* opened.directory.register(FixtureAccount.registration(account, opened.fixture, user, password))
    return { ...opened, account }
  })

/** Two registered users; bob is logged in and takes session messages. */
export const pair = (place: RelayPlace): Effect.Effect<readonly [Member, Member], unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const alice = yield* join(place, "alice")
    const bob = yield* join(place, "bob")
    yield* bob.open
    yield* bob.directory.setDeliveryToken(bob.fixture.tokenHash)
    return [alice, bob] as const
  })

/** Submits an envelope that {@link numberOf} tells from others. */
export const submit = (from: Member, to: Pick<Member, "fixture">, number: number) =>
  from.transport.submit(
    FixtureAccount.envelope(to.fixture.mailbox, 2, Bytes.concat(Bytes.be64(number), new Uint8Array(56))),
    to.fixture.token
  )

export const numberOf = (envelope: Uint8Array): number => Bytes.readBe32(envelope, envelope.length - 60)

/** "success", the code of a refusal, or the tag of any other error. */
export const outcome = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<string, never, R> =>
  Effect.map(Effect.exit(effect), (exit) => {
    if (Exit.isSuccess(exit)) return "success"
    const error = Cause.squash(exit.cause) as { readonly _tag?: string; readonly code?: string }
    return error.code ?? error._tag ?? "defect"
  })
