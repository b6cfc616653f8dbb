/**
 * Plays a script, lets everything heal, and says what is wrong: devices of one person whose histories differ, messages that somebody had
 * and that are gone, messages nobody sent, messages that are there twice.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Bytes from "../../src/base/Bytes.ts"
import type { HistoryEntry } from "../../src/client/history/HistoryApi.ts"
import * as Manifest from "../../src/identity/Manifest.ts"
import type * as MemoryStore from "../../src/testing/MemoryStore.ts"
import * as World from "../client/World.ts"
import type { Step, Who } from "./Script.ts"

/** One device of a person, through all its processes. */
interface Device {
  readonly actor: World.Actor
  process: World.Process | undefined
  /** Its id, once it was open. */
  id: string | undefined
  /** Set when the account removed it. */
  revoked: boolean
  /** Messages it sent or was given, by id. */
  known: Set<string>
  copy: { readonly disk: ReturnType<MemoryStore.Disk["snapshot"]>; readonly known: ReadonlySet<string> } | undefined
}

interface Person {
  readonly name: string
  readonly devices: Array<Device>
}

/** What a run came to. */
export interface Outcome {
  /** What is wrong; nothing when empty. */
  readonly problems: ReadonlyArray<string>
  readonly messages: number
  readonly devices: number
  readonly restores: number
  /** Whether both persons ended up with the same history. */
  readonly same: boolean
  /** Test time until the histories were equal, ms. */
  readonly healedMs: number
}

const names = ["alice", "bob"] as const

/** Plays a script in a world of its own. Devices compare what was sent from `beginning` on. */
export const play = (
  seed: number,
  script: ReadonlyArray<Step>,
  beginning = 0
): Effect.Effect<Outcome, unknown, Scope.Scope> =>
  Random.withSeed(playWith(seed, script, beginning), `convergence ${seed}`)

const playWith = (seed: number, script: ReadonlyArray<Step>, beginning: number) =>
  Effect.gen(function* () {
    const history = { beginning }
    yield* TestClock.setTime(1_700_000_000_000)
    const world = World.make(1 + (seed % 250))
    const persons: ReadonlyArray<Person> = names.map((name) => ({ name, devices: [] }))
    /** Texts somebody tried to send, by whom. */
    const attempted = new Map<string, string>()
    let said = 0
    let restores = 0
    let loseRequest = 0

    const open = (device: Device) =>
      Effect.gen(function* () {
        if (device.process !== undefined || device.revoked) return
        const opened = yield* Effect.result(world.open(device.actor, { history }))
        if (opened._tag === "Failure") return
        const process = opened.success
        device.process = process
        device.id = process.client.self.device
        yield* Effect.forkIn(
          Effect.ignore(
            Stream.runForEach(process.client.messages, ({ body, id }) =>
              Effect.sync(() => void (body.type === "text" && device.known.add(id)))
            )
          ),
          process.scope
        )
      })

    const add = (person: Person) =>
      Effect.gen(function* () {
        const first = person.devices.find(({ revoked }) => !revoked)
        const number = person.devices.length + 1
        const actor =
          first === undefined
            ? world.actor(person.name)
            : World.addDevice(world, first.actor, `${person.name}/${number}`).actor
        const device: Device = {
          actor,
          process: undefined,
          id: undefined,
          revoked: false,
          known: new Set(),
          copy: undefined
        }
        // Registering is not what this is about: a request that gets lost would leave a device that never was one.
        world.network.faults({ loseRequest: 0 })
        const registered = yield* Effect.result(world.register(actor))
        world.network.faults({ loseRequest })
        if (registered._tag === "Failure") return
        person.devices.push(device)
        yield* open(device)
      })

    for (const person of persons) for (let i = 0; i < 3; i++) yield* add(person)
    yield* World.tick(20)

    const end = (device: Device, how: typeof World.crash) =>
      Effect.suspend(() => {
        const { process } = device
        device.process = undefined
        device.actor.intercept = undefined
        return process === undefined ? Effect.void : how(process)
      })

    /** A removal that could not be published at once is published later: the relay's list counts. */
    const notice = Effect.forEach(
      persons,
      ({ devices, name }) => {
        const newest = world.network.manifests(name).at(-1)
        const manifest = newest === undefined ? undefined : Manifest.verify(World.crypto, newest)
        if (manifest === undefined || Result.isFailure(manifest)) return Effect.void
        const gone = manifest.success.revocations.map(({ device }) => Bytes.toHex(device))
        const removed = devices.filter(({ id, revoked }) => !revoked && id !== undefined && gone.includes(id))
        for (const device of removed) device.revoked = true
        return Effect.forEach(removed, (device) => end(device, World.close), { discard: true })
      },
      { discard: true }
    )

    const live = ({ devices }: Person) => devices.filter(({ revoked }) => !revoked)
    const find = ({ device, person }: Who): Device => {
      const devices = live(persons[person]!)
      return devices[device % devices.length]!
    }

    /** Runs what may never return because its device was stopped or cut off. */
    const patiently = <A, E, R>(effect: Effect.Effect<A, E, R>, ticks: number) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(Effect.result(effect))
        for (let i = 0; i < ticks && fiber.pollUnsafe() === undefined; i++) yield* World.tick(1)
        const exit = fiber.pollUnsafe()
        if (exit === undefined) {
          // What cannot be interrupted at once needs time to end.
          fiber.interruptUnsafe()
          for (let i = 0; i < 400 && fiber.pollUnsafe() === undefined; i++) yield* World.tick(1, 100)
        }
        return exit?._tag === "Success" && exit.value._tag === "Success" ? exit.value.success : undefined
      })

    const perform = (step: Step): Effect.Effect<void, unknown, Scope.Scope> =>
      Effect.gen(function* () {
        switch (step.do) {
          case "wait":
            return yield* World.tick(step.ticks)
          case "network": {
            const { delayMs, do: _, ...faults } = step
            loseRequest = step.loseRequest
            return world.network.faults({ ...faults, delayMs: [0, delayMs], reorderMs: 300 })
          }
          case "cut":
            return world.network.cut(step.person === 2 ? undefined : names[step.person])
          case "mend":
            return world.network.mend()
          case "add":
            if (persons[step.person]!.devices.length < 6) yield* add(persons[step.person]!)
            return
          default:
            break
        }
        const device = find(step.who)
        const person = persons[step.who.person]!
        switch (step.do) {
          case "send": {
            yield* open(device)
            const { process } = device
            if (process === undefined) return
            const texts = Array.from({ length: step.count }, () => `${person.name} says ${++said}`)
            for (const text of texts) attempted.set(text, process.client.self.device)
            const other = names[1 - step.who.person]!
            const sent = yield* patiently(
              Effect.flatMap(process.client.conversation(other), (conversation) => conversation.sendMany(texts)),
              12
            )
            for (const { id } of sent ?? []) device.known.add(id)
            return
          }
          case "crash":
            yield* end(device, World.crash)
            return yield* open(device)
          case "stop": {
            yield* end(device, World.close)
            World.stopAt(device.actor, step.commit, step.when)
            const { intercept } = device.actor
            yield* patiently(open(device), 3)
            device.actor.intercept = intercept
            yield* World.tick(4)
            yield* end(device, World.crash)
            return yield* open(device)
          }
          case "close":
            return yield* end(device, World.close)
          case "copy":
            device.copy = { disk: device.actor.disk.snapshot(), known: new Set(device.known) }
            return
          case "restore": {
            const copied = live(person).filter(({ copy }) => copy !== undefined)
            const chosen = copied[step.who.device % copied.length]
            if (chosen?.copy === undefined) return
            restores++
            yield* end(chosen, World.crash)
            chosen.actor.disk.restore(chosen.copy.disk)
            chosen.known = new Set(chosen.copy.known)
            return yield* open(chosen)
          }
          case "revoke": {
            const others = live(person).filter((other) => other !== device && other.process !== undefined)
            const process = device.process
            const by = others[0]?.process
            if (live(person).length < 3 || by === undefined || process === undefined) return
            const done = yield* patiently(by.client.revokeDevice(process.client.self.device), 20)
            return done === undefined ? undefined : yield* World.tick(1)
          }
          case "offer": {
            const to = live(person).find((other) => other !== device && other.process !== undefined)
            if (device.process === undefined || to === undefined) return
            yield* patiently(device.process.client.history.offer(to.process!.client.self.device), 6)
            return
          }
          case "compare":
            if (device.process !== undefined) yield* patiently(device.process.client.history.compare, 6)
            return
          case "read": {
            const { process } = device
            if (process === undefined) return
            const other = names[1 - step.who.person]!
            yield* patiently(
              Effect.flatMap(process.client.conversation(other), (conversation) =>
                conversation.markRead([...device.known].slice(-3))
              ),
              4
            )
          }
        }
      })

    for (const step of script) {
      yield* perform(step)
      yield* notice
    }

    // Everything is well again, and everybody there.
    world.network.faults({ drop: 0, duplicate: 0, reorder: 0, loseRequest: 0, loseAnswer: 0, delayMs: [0, 0] })
    world.network.mend()
    for (const person of persons) for (const device of live(person)) yield* open(device)

    const problems: Array<string> = []
    let healedMs = 0
    let found: ReadonlyArray<ReadonlyArray<string>> = []
    let histories: ReadonlyArray<ReadonlyArray<HistoryEntry>> = []
    const check = Effect.gen(function* () {
      found = yield* Effect.forEach(persons, (person) => differences(person, live(person)))
      return found.every((some) => some.length === 0)
    })
    const rounds = [
      [20, 50],
      [20, 50],
      [40, 100],
      [60, 500],
      [60, 2000],
      [60, 10_000],
      [60, 60_000],
      [60, 120_000]
    ] as const
    let isEqual = false
    for (const [ticks, ms] of rounds) {
      yield* World.tick(ticks, ms)
      yield* notice
      healedMs += ticks * ms
      isEqual = yield* check
      if (isEqual) break
    }
    if (!isEqual) for (const some of found) problems.push(...some)
    histories = yield* Effect.forEach(persons, (person) => historyOf(live(person)[0]!))
    for (const [i, entries] of histories.entries()) {
      const name = persons[i]!.name
      const times = new Map<string, number>()
      for (const { body, from, id } of entries) {
        times.set(id, (times.get(id) ?? 0) + 1)
        const text = body.type === "text" ? body.text : `a body of type ${body.type}`
        if (!attempted.has(text)) problems.push(`${name} has what nobody sent: ${text}`)
        else if (attempted.get(text) !== from.device) problems.push(`${name} has ${text} from another device`)
      }
      for (const [id, count] of times) if (count > 1) problems.push(`${name} has ${id} ${count} times`)
    }
    const sets = histories.map((entries) => entries.map(({ place }) => place).join())
    return {
      problems,
      messages: said,
      devices: persons.reduce((sum, { devices }) => sum + devices.length, 0),
      restores,
      same: sets[0] === sets[1],
      healedMs
    }
  })

const historyOf = (device: Device): Effect.Effect<ReadonlyArray<HistoryEntry>, unknown> =>
  Effect.gen(function* () {
    const { process } = device
    if (process === undefined) return []
    const all: Array<HistoryEntry> = []
    for (const { conversation } of yield* process.client.history.conversations) {
      let before: string | undefined
      do {
        const page = yield* process.client.history.page({
          conversation,
          limit: 200,
          ...(before === undefined ? {} : { before })
        })
        all.push(...page.entries)
        before = page.before
      } while (before !== undefined)
    }
    return all
  })

/** In what the devices of a person differ, and what they have lost. */
const differences = ({ name }: Person, devices: ReadonlyArray<Device>): Effect.Effect<ReadonlyArray<string>, unknown> =>
  Effect.gen(function* () {
    const problems: Array<string> = []
    const running = devices.filter(({ process }) => process !== undefined)
    if (running.length < devices.length)
      problems.push(`${name}: ${devices.length - running.length} devices do not open`)
    const digests: Array<string> = []
    for (const { process } of running) digests.push(yield* process!.client.history.digest())
    if (new Set(digests).size > 1) {
      const places = yield* Effect.forEach(running, (device) =>
        Effect.map(historyOf(device), (entries) => new Map(entries.map((entry) => [entry.place, entry])))
      )
      const counts = places.map(({ size }) => size).join(", ")
      problems.push(`${name}: histories differ (${counts} entries)`)
    }
    for (const device of running) {
      const has = new Set((yield* historyOf(device)).map(({ id }) => id))
      for (const other of running) {
        const missing = [...other.known].filter((id) => !has.has(id))
        if (missing.length > 0) {
          problems.push(
            `${name}: device ${devices.indexOf(device) + 1} lacks ${missing.length} messages that device ${devices.indexOf(other) + 1} had`
          )
        }
      }
    }
    return problems
  })
