/**
 * F07: conversations as they should go, and everything a stranger can do to one message.
 *
 * Spec: docs/spec/06-ratchet.md §6.4, §6.5; docs/spec/03-envelopes.md §3.3.
 */
import { FileBuilder } from "../family.ts"
import type { Delta, ScriptStep, VectorFile } from "../model.ts"
import { suites, type Suite } from "../prim.ts"
import { alice, bob, counters, family, initiate, open, reload, respond, seal, world } from "./ratchet.ts"

const counts = [3, 2, 3, 2, 2]
const fresh = (index: number): `$${string}` => (index < counts.length ? `$e${index}.secret` : "$fresh")

/** Everything sealed and opened in order; `extra` is put in after every step. */
const straight = (suite: Suite, extra: ReadonlyArray<ScriptStep> = []): ReadonlyArray<ScriptStep> => {
  const steps: Array<ScriptStep> = [initiate(suite), respond(suite)]
  for (const [index, count] of counts.entries()) {
    for (let number = 0; number < count; number++) {
      steps.push(
        seal(index, number),
        ...extra,
        open(index, number, number === 0 ? { fresh: fresh(index + 1) } : {}),
        ...extra
      )
    }
  }
  return steps
}

/** What strangers can do to a message, by name: where, what, and how it is refused. */
const changes = (
  suite: Suite,
  length: number
): ReadonlyArray<readonly [name: string, delta: Delta, cause: string, field: string]> => {
  const { nonce, tag } = suites[suite]
  const header = 16 + nonce
  const headerLength = suite === 3 ? 80 : 56
  const body = header + headerLength
  const bit = (offset: number): Delta => ({ at: "in/message", op: "xor", offset, bytes: "01" })
  const cut = (keep: number): Delta => ({ at: "in/message", op: "cut", offset: keep, length: length - keep })
  return [
    ["tag-first", bit(0), "lookup.no-session", "tag"],
    ["tag-last", bit(15), "lookup.no-session", "tag"],
    ["nonce-first", bit(16), "auth.tag", "header nonce"],
    ["nonce-last", bit(15 + nonce), "auth.tag", "header nonce"],
    ["header-ratchet-key", bit(header), "auth.tag", "header.ratchet key"],
    ["header-pn", bit(header + 35), "auth.tag", "header.PN"],
    ["header-n", bit(header + 39), "auth.tag", "header.N"],
    ["header-tag", bit(body - 1), "auth.tag", "header tag"],
    ["body-first", bit(body), "auth.tag", "body"],
    ["body-tag", bit(length - 1), "auth.tag", "body tag"],
    ["prefix-kind", { at: "in/prefix", op: "set", offset: 2, bytes: "01" }, "auth.tag", "prefix.kind"],
    ["prefix-mailbox", { at: "in/prefix", op: "xor", offset: 20, bytes: "01" }, "auth.tag", "prefix.to"],
    ["cut-last", cut(length - 1), "auth.tag", "body tag"],
    ["cut-to-less-than-a-tag", cut(body + tag - 1), "decode.truncated", "body"],
    ["cut-to-header", cut(body), "decode.truncated", "body"],
    ["cut-to-tag", cut(16), "decode.truncated", "header"],
    ["empty", cut(0), "decode.truncated", "tag"],
    ["extended", { at: "in/message", op: "insert", offset: length, bytes: "00" }, "auth.tag", "body tag"]
  ]
}

/** Twins in which one message arrives in a certain situation: the steps, and which of them is attacked. */
const situations = (
  suite: Suite
): ReadonlyArray<readonly [name: string, title: string, script: ReadonlyArray<ScriptStep>]> => {
  const begin = [respond(suite), open(0, 0, { fresh: fresh(1) })]
  return [
    ["first", "the first message of a session", [respond(suite), open(0, 0, { fresh: fresh(1) })]],
    ["current", "the next message of the chain", [...begin, open(0, 1)]],
    ["skipped", "a late message of the chain", [...begin, open(0, 2), open(0, 1, { late: true })]],
    ["turning", "a message that turns the ratchet", [...begin, open(2, 0, { fresh: fresh(3) })]],
    ["old", "a late message of an old chain", [...begin, open(2, 1, { fresh: fresh(3) }), open(0, 1, { late: true })]]
  ]
}

export const transcripts = (suite: Suite): VectorFile => {
  const file = new FileBuilder(family, `suite-${suite}`)
  const name = `s${suite}`
  world(file, name, `five chains under suite ${suite}`, suite, counts, (index, number) =>
    index === 3 && number === 1 ? "" : `chain ${index}, message ${number}`
  )
  const accept = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    script: ReadonlyArray<ScriptStep>,
    flags: ReadonlyArray<string> = []
  ): void => void file.transcript({ id: `ratchet-${name}-${id}`, title, clauses, flags, world: name }, script)
  accept(
    "straight",
    "everything in order, with an empty message among them",
    [
      "ratchet.init.1",
      "ratchet.init.2",
      "ratchet.send.1",
      "ratchet.message.1",
      "ratchet.receive.3",
      "ratchet.receive.4"
    ],
    [...straight(suite), counters(alice, 2, 2, 3, 0), counters(bob, 0, 2, 2, 0)]
  )
  accept(
    "reloaded",
    "both sides stored and read back after every step",
    ["ratchet.state.1"],
    straight(suite, [reload(alice), reload(bob)]),
    ["Restart"]
  )
  accept(
    "crossing",
    "both send before either receives",
    ["ratchet.receive.4"],
    [
      initiate(suite),
      respond(suite),
      seal(0, 0),
      open(0, 0, { fresh: fresh(1) }),
      seal(1, 0),
      seal(0, 1),
      seal(1, 1),
      seal(0, 2),
      open(0, 1),
      open(1, 0, { fresh: fresh(2) }),
      open(0, 2),
      open(1, 1),
      seal(2, 0),
      seal(2, 1),
      open(2, 0, { fresh: fresh(3) }),
      open(2, 1),
      counters(bob, 0, 2, 2, 0)
    ],
    ["OutOfOrder"]
  )
  accept(
    "late-chain",
    "the end of an old chain arrives last",
    ["ratchet.receive.2", "ratchet.skip.3", "ratchet.skip.4"],
    [
      respond(suite),
      open(0, 0, { fresh: fresh(1) }),
      open(2, 1, { fresh: fresh(3) }),
      counters(bob, 0, 2, 0, 3),
      open(4, 1, { fresh: "$fresh" }),
      counters(bob, 0, 2, 0, 5),
      open(0, 2, { late: true }),
      open(2, 2, { late: true }),
      open(4, 0, { late: true }),
      open(2, 0, { late: true }),
      open(0, 1, { late: true }),
      counters(bob, 0, 2, 0, 0)
    ],
    ["OutOfOrder"]
  )
  accept(
    "late-reloaded",
    "skipped keys stored and read back",
    ["ratchet.skip.3", "ratchet.skip.4"],
    [
      respond(suite),
      open(0, 0, { fresh: fresh(1) }),
      reload(bob),
      open(2, 1, { fresh: fresh(3) }),
      reload(bob),
      open(0, 2, { late: true }),
      reload(bob),
      open(2, 0, { late: true }),
      reload(bob),
      open(0, 1, { late: true }),
      counters(bob, 0, 2, 0, 0)
    ],
    ["OutOfOrder", "Restart"]
  )
  const message = file.look({ id: "", world: name })("m.0.1")
  const attacked = situations(suite)
  for (const [situation, title, script] of attacked) {
    const twin = `ratchet-${name}-${situation}`
    accept(situation, title, ["ratchet.receive.1"], script)
    const target = script.length - 1
    for (const [change, delta, cause, field] of changes(suite, message.length)) {
      if (suite !== 1 && situation !== "current" && situation !== "turning") continue
      const clause =
        cause === "decode.truncated"
          ? "session-message.short.1"
          : cause === "lookup.no-session"
            ? "session-message.tag.2"
            : delta.at === "in/prefix"
              ? "envelope.prefix.1"
              : "ratchet.receive.1"
      file.refused(
        {
          id: `${twin}-${change}`,
          title: `${title}: ${field} changed`,
          clauses: [clause, "ratchet.atomic.1"],
          flags: [cause === "decode.truncated" ? "Truncated" : delta.at === "in/prefix" ? "Context" : "Modified"]
        },
        twin,
        { ...delta, at: `script/${target}/${delta.at}`, field },
        cause
      )
    }
  }
  context(file, suite)
  replays(file, suite)
  return file.file()
}

/** Genuine parts in the wrong place. */
const context = (file: FileBuilder, suite: Suite): void => {
  const name = `s${suite}`
  const twin = `ratchet-${name}-current`
  const front = 16 + suites[suite].nonce + (suite === 3 ? 80 : 56)
  const length = file.look({ id: "", world: name })("m.0.1").length
  const at = "script/2/in/message"
  const refuse = (id: string, title: string, delta: Delta, on: string, cause: string, flag = "Context"): void =>
    void file.refused(
      { id: `ratchet-${name}-${id}`, title, clauses: ["ratchet.message.1", "ratchet.atomic.1"], flags: [flag] },
      on,
      delta,
      cause
    )
  refuse(
    "body-of-next",
    "the body of the next message",
    { at, op: "splice", offset: front, length: length - front, from: "$m.0.2", source: [front, length - front] },
    twin,
    "auth.tag"
  )
  refuse(
    "front-of-next",
    "the header of the next message",
    { at, op: "splice", offset: 0, length: front, from: "$m.0.2", source: [0, front] },
    twin,
    "auth.tag"
  )
  refuse(
    "nonce-of-next",
    "the nonce of the next message",
    { at, op: "splice", offset: 16, length: suites[suite].nonce, from: "$m.0.2", source: [16, suites[suite].nonce] },
    twin,
    "auth.tag"
  )
  refuse(
    "tag-of-next-chain",
    "the tag of the next header key",
    { at, op: "splice", offset: 0, length: 16, from: "$m.2.0", source: [0, 16] },
    twin,
    "auth.tag"
  )
  refuse(
    "body-of-other-chain",
    "the body of a message of the next chain",
    { at, op: "splice", offset: front, length: length - front, from: "$m.2.1", source: [front, length - front] },
    twin,
    "auth.tag"
  )
  // A message given back to the one who sent it, and one for another session of the same device.
  const sessions = `ratchet-${name}-two-sessions`
  const otherBob: ScriptStep = {
    ...respond(suite),
    as: "bob/2",
    in: { ...respond(suite).in, ad: "$nhkb", initiatorHeader: "$ad" }
  }
  file.transcript(
    { id: sessions, title: "three actors, of whom one is addressed", clauses: ["session-message.tag.1"], world: name },
    [initiate(suite), respond(suite), otherBob, seal(0, 0), open(0, 0, { fresh: fresh(1) })]
  )
  refuse(
    "reflected",
    "its own message comes back to the sender",
    { at: "script/4", op: "redirect", to: alice },
    sessions,
    "lookup.no-session"
  )
  refuse(
    "other-session",
    "delivered to another session",
    { at: "script/4", op: "redirect", to: "bob/2" },
    sessions,
    "lookup.no-session"
  )
  const sending = `ratchet-${name}-answering`
  file.transcript(
    { id: sending, title: "the responder answers after the first message", clauses: ["ratchet.send.1"], world: name },
    [respond(suite), open(0, 0, { fresh: fresh(1) }), seal(1, 0)]
  )
  file.refused(
    {
      id: `ratchet-${name}-no-chain`,
      title: "the responder sends before it received",
      clauses: ["ratchet.send.1"],
      flags: ["Context"]
    },
    sending,
    { at: "script/1", op: "omit" },
    "policy.no-chain",
    { probe: [open(0, 0, { fresh: fresh(1) }), seal(1, 0)] }
  )
}

/** Genuine messages once more, at every place in a conversation. */
const replays = (file: FileBuilder, suite: Suite): void => {
  const name = `s${suite}`
  const twin = `ratchet-${name}-flow`
  file.transcript(
    {
      id: twin,
      title: "two turns, one message late",
      clauses: ["ratchet.receive.3", "ratchet.receive.4"],
      flags: ["OutOfOrder"],
      world: name
    },
    [
      respond(suite),
      open(0, 0, { fresh: fresh(1) }),
      open(0, 1),
      open(2, 0, { fresh: fresh(3) }),
      open(2, 1),
      open(0, 2, { late: true }),
      open(4, 0, { fresh: "$fresh" }),
      open(4, 1)
    ]
  )
  const replay = (place: number, step: number, cause: string): void =>
    void file.refused(
      {
        id: `${twin}-replay-${step}-at-${place}`,
        title: `the message of step ${step} again before step ${place}`,
        clauses:
          cause === "fresh.used-key"
            ? ["ratchet.receive.2", "ratchet.receive.3"]
            : ["session-message.tag.2", "ratchet.skip.4"],
        flags: ["Replay"],
        critical: true
      },
      twin,
      { at: `script/${place}`, op: "replay", step },
      cause
    )
  replay(2, 1, "fresh.used-key")
  replay(3, 1, "fresh.used-key")
  replay(3, 2, "fresh.used-key")
  // The old chain is known as long as one of its keys is kept.
  replay(4, 1, "fresh.used-key")
  replay(4, 2, "fresh.used-key")
  replay(4, 3, "fresh.used-key")
  replay(5, 4, "fresh.used-key")
  replay(6, 1, "lookup.no-session")
  replay(6, 5, "lookup.no-session")
  replay(6, 3, "fresh.used-key")
  replay(7, 3, "fresh.used-key")
  replay(7, 6, "fresh.used-key")
}
