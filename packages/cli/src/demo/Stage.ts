/**
 * The demo's scene: a relay with a wire that is tapped, alice, bob and an echo bot, all with databases of their own.
 *
 * Everything lives in one temporary folder that is gone afterwards, whatever happens.
 */
import { echoBot, openClient, type PromiseBot, type PromiseClient } from "@tacit/bots"
import { Envelope } from "@tacit/core/hazmat"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type * as Wiretap from "../wire/Wiretap.ts"
import { collect, type Mailbag } from "./Mailbag.ts"
import * as Network from "./Network.ts"
import * as Recorder from "./Recorder.ts"
import type * as Submitter from "./Submitter.ts"

/** Somebody with an account. */
export interface Person {
  client: PromiseClient
  bag: Mailbag
  readonly path: string
  readonly device: string
  /** Where envelopes for them go, as hex. */
  readonly mailbox: string
}

/** A message that was held back, and how to let it go. */
export interface Held {
  readonly captured: Recorder.Captured
  readonly release: () => void
}

export interface Stage {
  readonly alice: Person
  readonly bob: Person
  readonly echo: { readonly mailbox: string }
  readonly tap: Wiretap.Wiretap
  readonly recorder: Recorder.Recorder
  readonly attacker: Submitter.Submitter
  /** Alice writes to bob and waits until he read it. */
  readonly say: (text: string) => Promise<void>
  /** Keeps the next message to a mailbox from the relay, until it is released. Session starts and repetitions pass. */
  readonly holdNext: (mailbox: string) => Promise<Held>
  /** A delivery number the relay has not come to yet. */
  readonly newDelivery: () => number
  /** Logins the relay refused with `stale-state`. */
  readonly refusedLogins: () => number
  readonly closeAlice: () => Promise<void>
  readonly openAlice: () => Promise<void>
  readonly network: Network.Network
  /** Ids of all accounts and devices, 32 bytes each. */
  readonly ids: ReadonlyArray<Buffer>
  /** Files of the relay, for looking into. */
  readonly relayFiles: string
}

/** Sets everything up, runs `play`, and tidies up whatever happens. `signal` ends it early. */
export const withStage = async <A>(
  transport: Network.TransportName,
  signal: AbortSignal,
  play: (stage: Stage) => Promise<A>
): Promise<A> => {
  const folder = mkdtempSync(join(tmpdir(), "tacit-demo-"))
  const tidy = () => rmSync(folder, { recursive: true, force: true })
  // Also when the process ends in the middle, as after a second Ctrl-C.
  process.once("exit", tidy)
  const cleanup: Array<() => Promise<void>> = []
  try {
    signal.throwIfAborted()
    const stage = await build(transport, folder, cleanup, signal)
    return await Promise.race([play(stage), interruption(signal)])
  } finally {
    for (const step of cleanup.reverse()) await step().catch(() => undefined)
    process.removeListener("exit", tidy)
    tidy()
  }
}

const interruption = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const stop = () => reject(new DOMException("interrupted", "AbortError"))
    if (signal.aborted) stop()
    else signal.addEventListener("abort", stop, { once: true })
  })

const build = async (
  transport: Network.TransportName,
  folder: string,
  cleanup: Array<() => Promise<void>>,
  signal: AbortSignal
): Promise<Stage> => {
  const relayFiles = join(folder, "relay")
  mkdirSync(relayFiles)
  const network = await Network.start(transport, relayFiles, cleanup)
  const { tap } = network
  const recorder = Recorder.make()
  let deliveries = 0
  const wanted = new Map<string, (held: Held) => void>()
  let refusals = 0
  tap.obey((sighting) => {
    const { frame } = sighting
    if (sighting.direction === "down" && frame.type === 16) deliveries = Math.max(deliveries, frame.delivery)
    if (sighting.direction === "down" && frame.type === 255 && frame.code === "stale-state") refusals++
    const captured = recorder.see(sighting)
    const take = captured?.kind === Envelope.kinds.sessionMessage ? wanted.get(captured.mailbox) : undefined
    if (captured === undefined || take === undefined) return "pass"
    wanted.delete(captured.mailbox)
    take({ captured, release: () => void tap.inject(sighting.connection, "up", sighting.payload) })
    return "drop"
  })
  const enrol = async (user: string) =>
    openClient({ relay: tap.url, user, password: await network.invite(user), path: join(folder, `${user}.db`), signal })

  const bot: PromiseBot = echoBot({
    relay: tap.url,
    user: "echo",
    password: await network.invite("echo"),
    path: join(folder, "echo.db"),
    signal
  })
  await bot.start()
  cleanup.push(() => bot.stop())
  const enrolled = async (user: string): Promise<Person> => {
    const client = await enrol(user)
    const path = join(folder, `${user}.db`)
    return { client, bag: collect(client), path, device: client.self.device, mailbox: recorder.mailboxOf(user) ?? "" }
  }
  const bob = await enrolled("bob")
  cleanup.push(() => bob.bag.close().then(() => bob.client.close()))
  const alice = await enrolled("alice")
  const closeAlice = () => alice.bag.close().then(() => alice.client.close())
  cleanup.push(closeAlice)
  const attacker = await network.attacker()
  cleanup.push(() => Promise.resolve(attacker.close()))

  return {
    alice,
    bob,
    echo: { mailbox: recorder.mailboxOf("echo") ?? "" },
    tap,
    recorder,
    attacker,
    say: async (text) => {
      const before = bob.bag.texts.length
      await alice.client.send("bob", text)
      await bob.bag.until("bob to read it", () => bob.bag.texts.length > before)
    },
    holdNext: (mailbox) => new Promise((resolve) => void wanted.set(mailbox, resolve)),
    newDelivery: () => (deliveries += 1_000_000),
    refusedLogins: () => refusals,
    closeAlice,
    openAlice: async () => {
      alice.client = await openClient({ relay: tap.url, user: "alice", path: alice.path, signal })
      alice.bag = collect(alice.client)
    },
    network,
    ids: [alice.client.self, bob.client.self].flatMap(({ account, device }) => [
      Buffer.from(account, "hex"),
      Buffer.from(device, "hex")
    ]),
    relayFiles
  }
}
