/** Persons with several devices each, in a {@link World.World}, and everything their devices show. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Incoming, Synced } from "../../src/client/Api.ts"
import * as World from "./World.ts"

/** A running device and everything it shows. */
export interface Seen {
  readonly process: World.Process
  readonly messages: Array<Incoming>
  readonly synced: Array<Synced>
}

export const watch = (process: World.Process): Effect.Effect<Seen> =>
  Effect.gen(function* () {
    const messages = yield* World.collect(process)
    const synced: Array<Synced> = []
    yield* Effect.forkIn(
      Stream.runForEach(process.client.synced, (item) => Effect.sync(() => void synced.push(item))),
      process.scope
    )
    return { process, messages, synced }
  })

export const add = (world: World.World, first: World.Process, name: string) =>
  Effect.gen(function* () {
    const { actor } = World.addDevice(world, first.actor, name)
    yield* world.register(actor)
    return yield* watch(yield* world.open(actor))
  })

/** A person with so many devices, which have met. */
export const person = (world: World.World, user: string, count: number) =>
  Effect.gen(function* () {
    const devices = [yield* watch(yield* world.join(user))]
    for (let i = 2; i <= count; i++) devices.push(yield* add(world, devices[0]!.process, `${user}/${i}`))
    yield* World.tick(30)
    return devices
  })

export const two = (mine: number, theirs: number) =>
  Effect.gen(function* () {
    const world = World.make()
    const alice = yield* person(world, "alice", mine)
    const bob = yield* person(world, "bob", theirs)
    return { world, alice, bob }
  })

export const idOf = ({ process }: Seen): string => process.client.self.device
export const sentTexts = ({ synced }: Seen): ReadonlyArray<string> =>
  synced.flatMap((item) => (item.type === "sent" && item.body.type === "text" ? [item.body.text] : []))
export const sorted = (texts: ReadonlyArray<string>): ReadonlyArray<string> => [...texts].sort()
/** Warnings that say something went wrong. */
export const alarms = ({ process }: Seen): ReadonlyArray<string> =>
  process.actor.warnings
    .filter(({ _tag }) => _tag !== "DevicesChanged")
    .map((warning) => (warning._tag === "Rejected" ? warning.cause : warning._tag))
