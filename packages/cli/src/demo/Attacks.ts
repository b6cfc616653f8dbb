/**
 * The attacker's part of the demo: four attacks on the live relay, with real bytes.
 *
 * Spec: docs/spec/07-sequencing.md §7.1–7.3; docs/spec/03-envelopes.md (envelope.prefix.1); docs/spec/14-relay.md.
 * The attacker has what a hostile relay has: every frame, the delivery tokens, and the power to hold back, change and add. An
 * attack counts as refused when the user was warned and saw neither a forged nor a second message.
 */
import { Envelope } from "@tacit/core/hazmat"
import { encodeRelay } from "@tacit/transport-ws/frames"
import { copyFileSync, existsSync, rmSync } from "node:fs"
import * as Result from "effect/Result"
import type { Captured } from "./Recorder.ts"
import type { Stage } from "./Stage.ts"

/** What became of one attack. `cause` is of the closed list of §7.3, or the warning's tag. */
export interface Outcome {
  readonly name: string
  readonly title: string
  readonly refused: boolean
  readonly cause: string
  /** The line the user saw. */
  readonly warning: string
  /** What the attacker did, and how it went on. */
  readonly story: ReadonlyArray<string>
}

/** Plays all four, one after the other. */
export const playAll = async (stage: Stage, each: (outcome: Outcome) => void): Promise<ReadonlyArray<Outcome>> => {
  const outcomes: Array<Outcome> = []
  for (const play of [replay, flip, swap, restore]) {
    const outcome = await play(stage)
    outcomes.push(outcome)
    each(outcome)
  }
  return outcomes
}

const causeOf = (stage: Stage, from: number): { readonly cause: string; readonly warning: string } => {
  const found = stage.bob.bag.warnings.slice(from).find((warning) => warning._tag === "Rejected")
  return found === undefined
    ? { cause: "none", warning: "" }
    : { cause: found._tag === "Rejected" ? found.cause : "", warning: found.line }
}

const rejectedSince = (stage: Stage, from: number): number =>
  stage.bob.bag.warnings.slice(from).filter((warning) => warning._tag === "Rejected").length

/** Delivers an old envelope to bob once more, as the relay. */
const replay = async (stage: Stage): Promise<Outcome> => {
  const { bob, recorder, tap } = stage
  await stage.say("A message that will be played twice.")
  const captured = need(recorder.newest(bob.mailbox), "an envelope to bob")
  const warnings = bob.bag.warnings.length
  const texts = bob.bag.texts.length
  const connection = need(recorder.connectionOf(bob.device), "bob's connection")
  // Under a number of its own: one the device had already would pass for the relay repeating itself after a lost answer.
  const delivery = stage.newDelivery()
  const frame = encodeRelay({ type: 16, request: 0, delivery, receivedAt: Date.now(), envelope: captured.envelope })
  if (!tap.inject(connection, "down", frame)) throw new Error("bob's connection is gone")
  await bob.bag.until("bob's refusal of the replay", () => rejectedSince(stage, warnings) > 0)
  await stage.say("And bob still reads what comes after it.")
  return {
    name: "replay",
    title: "plays an old envelope a second time",
    refused: bob.bag.texts.length === texts + 1,
    ...causeOf(stage, warnings),
    story: [
      `delivered ${captured.envelope.length} captured bytes to bob again, as the relay would`,
      "nothing was shown twice; the next message arrived"
    ]
  }
}

/** Holds alice's next message back, changes one bit of a copy, and submits that first. */
const flip = async (stage: Stage): Promise<Outcome> => {
  const { alice, attacker, bob } = stage
  const warnings = bob.bag.warnings.length
  const texts = bob.bag.texts.length
  const text = "Pay 10, not 90."
  const hold = stage.holdNext(bob.mailbox)
  await alice.client.send("bob", text)
  const { captured, release } = await hold
  const forged = captured.envelope.slice()
  // The last byte of an envelope is the last of the message's authentication tag.
  forged[forged.length - 1]! ^= 1
  const answer = await attacker.submit(forged, captured.token)
  await bob.bag.until("bob's refusal of the changed message", () => rejectedSince(stage, warnings) > 0)
  const seen = causeOf(stage, warnings)
  release()
  await bob.bag.until("the true message", () => bob.bag.texts.length > texts)
  return {
    name: "flip",
    title: "flips one bit of a message under way",
    refused: answer === "accepted" && bob.bag.texts.slice(texts).join() === text,
    ...seen,
    story: [
      "held a message back, changed 1 bit of it, and submitted that with the captured token",
      "the true one, released later, arrived once"
    ]
  }
}

/** Puts the body for the echo bot into the envelope for bob, and the other way round. */
const swap = async (stage: Stage): Promise<Outcome> => {
  const { alice, bob } = stage
  const warnings = bob.bag.warnings.length
  const texts = bob.bag.texts.length
  const echoes = alice.bag.texts.length
  const holds = [stage.holdNext(bob.mailbox), stage.holdNext(stage.echo.mailbox)] as const
  await alice.client.send("bob", "For bob only.")
  await alice.client.send("echo", "For the bot only.")
  const [toBob, toEcho] = await Promise.all(holds)
  const answers = await Promise.all([
    stage.attacker.submit(graft(toBob.captured, toEcho.captured), toBob.captured.token),
    stage.attacker.submit(graft(toEcho.captured, toBob.captured), toEcho.captured.token)
  ])
  await bob.bag.until("bob's refusal of the swapped body", () => rejectedSince(stage, warnings) > 0)
  const seen = causeOf(stage, warnings)
  toBob.release()
  toEcho.release()
  await bob.bag.until("bob's true message", () => bob.bag.texts.length > texts)
  await alice.bag.until("the echo of the true message", () => alice.bag.texts.length > echoes)
  return {
    name: "swap",
    title: "swaps the bodies of two messages",
    refused:
      answers.every((answer) => answer === "accepted") &&
      bob.bag.texts.slice(texts).join() === "For bob only." &&
      alice.bag.texts.slice(echoes).join() === "For the bot only.",
    ...seen,
    story: [
      "held two messages back, exchanged their bodies, and submitted both with the captured tokens",
      "the true ones, released later, arrived once each"
    ]
  }
}

/** The envelope to `head`'s mailbox with the body of `body`. */
const graft = (head: Captured, body: Captured): Uint8Array => {
  const outer = Result.getOrThrow(Envelope.decode(head.envelope))
  const inner = Result.getOrThrow(Envelope.decode(body.envelope))
  return Result.getOrThrow(Envelope.encode({ ...outer, body: inner.body }))
}

/** Puts an old copy of alice's database back. */
const restore = async (stage: Stage): Promise<Outcome> => {
  const { bob } = stage
  await stage.closeAlice()
  const copy = `${stage.alice.path}.copy`
  for (const suffix of ["", "-wal"])
    if (existsSync(stage.alice.path + suffix)) copyFileSync(stage.alice.path + suffix, copy + suffix)
  await stage.openAlice()
  await stage.say("Sent after the copy was made.")
  await stage.say("And one more.")
  const texts = bob.bag.texts.length

  await stage.closeAlice()
  for (const suffix of ["", "-wal", "-shm"]) {
    rmSync(stage.alice.path + suffix, { force: true })
    if (existsSync(copy + suffix)) copyFileSync(copy + suffix, stage.alice.path + suffix)
  }
  await stage.openAlice()
  const noticed = () => stage.alice.bag.warnings.find((warning) => warning._tag === "RestoredFromBackup")
  await stage.alice.bag.until("alice's notice of the old copy", () => noticed() !== undefined)
  await stage.say("Sent from the old copy, after it healed.")
  await stage.say("And everything goes on.")
  const relaySaid = stage.refusedLogins()
  return {
    name: "restore",
    title: "puts an old copy of alice's database back",
    refused: bob.bag.texts.length === texts + 2 && relaySaid > 0,
    cause: "stale-state",
    warning: noticed()?.line ?? "",
    story: [
      `the relay refused the old copy's login (${relaySaid} time${relaySaid === 1 ? "" : "s"}), alice's device froze sending and asked its peers where they stand`,
      "after their answers the next messages arrived, and none of the earlier ones a second time"
    ]
  }
}

const need = <A>(value: A | undefined, what: string): A => {
  if (value === undefined) throw new Error(`the attacker never saw ${what}`)
  return value
}
