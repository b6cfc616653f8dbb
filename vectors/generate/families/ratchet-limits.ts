/**
 * F07: bounds of skipping and storing, and the end of the counters.
 *
 * Spec: docs/spec/06-ratchet.md §6.4, §6.5.
 */
import { FileBuilder, now } from "../family.ts"
import type { ScriptStep, VectorFile } from "../model.ts"
import type { Suite } from "../prim.ts"
import { paddedText } from "../protocol.ts"
import {
  alice,
  beginning,
  bob,
  counters,
  family,
  m,
  open,
  padded,
  prefixOf,
  reload,
  respond,
  restore,
  seal
} from "./ratchet.ts"

const at = (step: number): string => `script/${step}/in/message`

/** How much may be skipped and stored, for how long, and the end of the numbers. */
export const limits = (): VectorFile => {
  const file = new FileBuilder(family, "limits")
  const suite = 1
  skipping(file, suite)
  storing(file, suite)
  expiring(file, suite)
  counting(file, suite)
  return file.file()
}

/** A world with chosen numbers in each chain. */
const sparse = (
  file: FileBuilder,
  name: string,
  title: string,
  suite: Suite,
  numbers: ReadonlyArray<ReadonlyArray<number>>
): void => {
  const trace = file.world(name, title)
  const conversation = beginning(trace, suite, `limits/${name}`)
  for (const [index, list] of numbers.entries()) {
    conversation.turn()
    for (const number of list) {
      paddedText(trace, `p.${index}.${number}`, `chain ${index}, message ${number}`)
      conversation.seal(`m.${index}.${number}`, index, number, prefixOf(index), padded(index, number))
    }
  }
  trace.coin("fresh", `limits/${name}/${bob}`, "ratchet.eph", 7, 32)
}

const first = (suite: Suite): ReadonlyArray<ScriptStep> => [respond(suite), open(0, 0, { fresh: "$e1.secret" })]

const skipping = (file: FileBuilder, suite: Suite): void => {
  const world = "skip"
  sparse(file, world, "one chain with far numbers", suite, [
    [0, 1, 2, 500, 999, 1000, 1001, 1002, 1003, 2001, 2002, 2003],
    []
  ])
  const accept = (
    id: string,
    title: string,
    script: ReadonlyArray<ScriptStep>,
    clauses: ReadonlyArray<string> = ["ratchet.skip.1"]
  ): void => void file.transcript({ id: `ratchet-skip-${id}`, title, clauses, flags: ["SkipLimit"], world }, script)
  accept("999", "999 skipped", [
    ...first(suite),
    open(0, 1000),
    counters(bob, 0, 1001, 0, 999),
    open(0, 500, { late: true })
  ])
  accept("1000", "1,000 skipped", [
    ...first(suite),
    open(0, 1001),
    counters(bob, 0, 1002, 0, 1000),
    open(0, 1, { late: true }),
    open(0, 1000, { late: true }),
    counters(bob, 0, 1002, 0, 998)
  ])
  accept("1000-first", "1,000 skipped before the first message seen", [
    respond(suite),
    open(0, 1000, { fresh: "$e1.secret" }),
    counters(bob, 0, 1001, 0, 1000),
    open(0, 0, { late: true })
  ])
  accept(
    "1000-twice",
    "1,000 skipped twice in one chain",
    [
      ...first(suite),
      open(0, 1001),
      open(0, 2002),
      counters(bob, 0, 2003, 0, 2000),
      open(0, 1, { late: true }),
      open(0, 2001, { late: true })
    ],
    ["ratchet.skip.1", "ratchet.skip.2"]
  )
  accept("1000-reloaded", "1,000 skipped keys stored and read back", [
    ...first(suite),
    open(0, 1001),
    reload(bob),
    counters(bob, 0, 1002, 0, 1000),
    open(0, 999, { late: true })
  ])
  const refuse = (id: string, title: string, twin: string, step: number, message: string): void =>
    void file.refused(
      { id: `ratchet-skip-${id}`, title, clauses: ["ratchet.skip.1"], flags: ["SkipLimit"], critical: false },
      `ratchet-skip-${twin}`,
      { at: at(step), op: "assign", value: message },
      "limit.skip"
    )
  refuse("1001", "1,001 skipped", "1000", 2, m(0, 1002))
  refuse("1002", "1,002 skipped", "1000", 2, m(0, 1003))
  refuse("2000", "2,000 skipped", "1000", 2, m(0, 2001))
  refuse("1001-first", "1,001 skipped before the first message seen", "1000-first", 1, m(0, 1001))
  refuse("1001-second", "1,000 skipped, then 1,001", "1000-twice", 3, m(0, 2003))
}

const storing = (file: FileBuilder, suite: Suite): void => {
  const world = "store"
  sparse(file, world, "an old chain of 1,001 and a new one with far numbers", suite, [
    [0, 1, 2, 3, 1000],
    [0],
    [0, 1, 1000, 1001, 1002, 1003]
  ])
  const full = [...first(suite), open(2, 1000, { fresh: "$fresh" }), counters(bob, 0, 1001, 0, 2000)]
  file.transcript(
    {
      id: "ratchet-store-2000",
      title: "1,000 of the old chain and 1,000 of the new one",
      clauses: ["ratchet.skip.1", "ratchet.skip.2"],
      flags: ["SkipLimit"],
      world
    },
    [
      ...full,
      open(0, 1, { late: true }),
      open(0, 1000, { late: true }),
      open(2, 0, { late: true }),
      counters(bob, 0, 1001, 0, 1997)
    ]
  )
  file.transcript(
    {
      id: "ratchet-store-1999",
      title: "1,999 stored, then one more: nothing is dropped",
      clauses: ["ratchet.skip.1", "ratchet.skip.2"],
      flags: ["SkipLimit"],
      world
    },
    [
      ...first(suite),
      open(0, 1),
      open(2, 1000, { fresh: "$fresh" }),
      counters(bob, 0, 1001, 0, 1999),
      open(2, 1002),
      counters(bob, 0, 1003, 0, 2000),
      open(0, 2, { late: true }),
      counters(bob, 0, 1003, 0, 1999)
    ]
  )
  const dropped = "ratchet-store-oldest-dropped"
  file.transcript(
    {
      id: dropped,
      title: "one more than 2,000: the oldest key goes, the second oldest stays",
      clauses: ["ratchet.skip.2"],
      flags: ["SkipLimit"],
      world
    },
    [...full, open(2, 1002), counters(bob, 0, 1003, 0, 2000), open(0, 2, { late: true }), open(2, 1001, { late: true })]
  )
  file.refused(
    {
      id: "ratchet-store-oldest-gone",
      title: "the message of the key that was dropped",
      clauses: ["ratchet.skip.2"],
      flags: ["SkipLimit"],
      critical: false
    },
    dropped,
    { at: at(6), op: "assign", value: m(0, 1) },
    "fresh.used-key"
  )
  file.refused(
    {
      id: "ratchet-store-new-1001",
      title: "1,001 of the new chain to be skipped",
      clauses: ["ratchet.skip.1"],
      flags: ["SkipLimit"],
      critical: false
    },
    "ratchet-store-2000",
    { at: at(2), op: "assign", value: m(2, 1001) },
    "limit.skip"
  )
  const longer = "store-old"
  sparse(file, longer, "an old chain of 1,002", suite, [[0, 1, 1001], [0], [0, 1]])
  const twin = "ratchet-store-old-1000"
  file.transcript(
    {
      id: twin,
      title: "1,000 of the old chain skipped by a turn",
      clauses: ["ratchet.skip.1"],
      flags: ["SkipLimit"],
      world: longer
    },
    [
      ...first(suite),
      open(0, 1),
      open(2, 0, { fresh: "$fresh" }),
      counters(bob, 0, 1, 0, 1000),
      open(0, 1001, { late: true })
    ]
  )
  file.refused(
    {
      id: "ratchet-store-old-1001",
      title: "1,001 of the old chain to be skipped by a turn",
      clauses: ["ratchet.skip.1"],
      flags: ["SkipLimit"],
      critical: false
    },
    twin,
    { at: "script/2", op: "omit" },
    "limit.skip",
    { probe: [open(0, 1), open(2, 0, { fresh: "$fresh" })] }
  )
}

const month = 30 * 24 * 60 * 60 * 1000

const expiring = (file: FileBuilder, suite: Suite): void => {
  const world = "expire"
  sparse(file, world, "one chain and a turn", suite, [[0, 1, 2, 3], [0], [0, 1]])
  const twin = "ratchet-expire-current"
  const script = (index: 0 | 2): ReadonlyArray<ScriptStep> => [
    ...first(suite),
    index === 0 ? open(0, 2, { now }) : open(2, 0, { now, fresh: "$fresh" }),
    open(0, 1, { late: true, now: now + month }),
    index === 0 ? open(0, 3, { now: now + month }) : open(2, 1, { now: now + month })
  ]
  const accept = (id: string, title: string, index: 0 | 2): void =>
    void file.transcript({ id, title, clauses: ["ratchet.skip.2"], flags: ["SkipLimit"], world }, script(index))
  accept(twin, "a key of the chain, 30 days old", 0)
  accept("ratchet-expire-old", "a key of an old chain, 30 days old", 2)
  for (const [id, on, index] of [
    ["ratchet-expire-current-late", twin, 0],
    ["ratchet-expire-old-late", "ratchet-expire-old", 2]
  ] as const) {
    file.refused(
      { id, title: "one millisecond older", clauses: ["ratchet.skip.2"], flags: ["SkipLimit"], critical: false },
      on,
      { at: "script/3/in/now", op: "assign", value: now + month + 1 },
      "fresh.used-key",
      { probe: [script(index)[4]!] }
    )
  }
}

/** States taken up near the end of the numbers. */
const counting = (file: FileBuilder, suite: Suite): void => {
  const world = "counter"
  const trace = file.world(world, "a conversation taken up at message 2³² − 3")
  const conversation = beginning(trace, suite, `limits/${world}`)
  conversation.turn()
  const from = 4294967293
  const chain = trace.coin("chain", `limits/${world}`, "test.chain", 0, 32)
  conversation.resume(0, from, chain)
  const after = trace.op("chain.1", "hmac-iterate", { key: chain, data: Uint8Array.of(2), count: 1 }, "ratchet.chain.1")
  conversation.resume(0, from + 1, after)
  for (const number of [from, from + 1]) {
    paddedText(trace, `p.0.${number}`, `message ${number}`)
    conversation.seal(`m.0.${number}`, 0, number, prefixOf(0), padded(0, number))
  }
  paddedText(trace, "p.fork", "another message under the same key")
  conversation.seal("m.fork", 0, from, prefixOf(0), "$p.fork")
  const shared = { suite, ad: "$ad", rootKey: "$e0.step.root" }
  const sender = (as: string): ScriptStep =>
    restore(
      as,
      {
        ...shared,
        ratchetSecret: "$e0.secret",
        peerRatchet: "$spk.public",
        sendChain: "$chain",
        sendHeader: "$hka",
        nextSendHeader: "$e0.step.header",
        nextReceiveHeader: "$nhkb",
        sent: from,
        received: 0,
        previous: 0
      },
      "$e0.public"
    )
  const receiver = restore(
    bob,
    {
      ...shared,
      ratchetSecret: "$spk.secret",
      peerRatchet: "$e0.public",
      sendChain: "$root",
      sendHeader: "$nhkb",
      nextSendHeader: "$ad",
      receiveChain: "$chain",
      receiveHeader: "$hka",
      nextReceiveHeader: "$e0.step.header",
      sent: 0,
      received: from,
      previous: 0
    },
    "$spk.public"
  )
  const twin = "ratchet-counter-end"
  file.transcript(
    {
      id: twin,
      title: "the last two numbers a chain has",
      clauses: ["ratchet.send.2", "ratchet.header.1"],
      flags: ["Counter"],
      world
    },
    [
      sender(alice),
      receiver,
      seal(0, from),
      seal(0, from + 1),
      counters(alice, 4294967295, 0, 0, 0),
      open(0, from),
      open(0, from + 1),
      counters(bob, 0, 4294967295, 0, 0)
    ]
  )
  file.refused(
    {
      id: "ratchet-counter-send-beyond",
      title: "sending number 2³² − 1",
      clauses: ["ratchet.send.2"],
      flags: ["Counter"],
      critical: false
    },
    twin,
    { at: "script/4", op: "replay", step: 3 },
    "limit.chain",
    { probe: [open(0, from), open(0, from + 1)] }
  )
  file.refused(
    {
      id: "ratchet-counter-receive-beyond",
      title: "number 2³² − 1 arrives",
      clauses: ["ratchet.receive.5"],
      flags: ["Counter"],
      critical: false
    },
    twin,
    {
      at: at(6),
      op: "resign",
      value: `m.0.${from + 1}.header`,
      inner: { at: "value", op: "set", offset: 36, bytes: "ffffffff", field: "N" }
    },
    "limit.chain"
  )
  file.refused(
    {
      id: "ratchet-counter-skip-beyond",
      title: "skipped to number 2³² − 1",
      clauses: ["ratchet.receive.5"],
      flags: ["Counter"],
      critical: false
    },
    twin,
    {
      at: at(5),
      op: "resign",
      value: `m.0.${from}.header`,
      inner: { at: "value", op: "set", offset: 36, bytes: "ffffffff", field: "N" }
    },
    "limit.chain"
  )
  const fork = "ratchet-fork"
  const forked: ScriptStep = {
    do: "ratchet.seal",
    as: "alice/2",
    in: { prefix: prefixOf(0), padded: "$p.fork", nonce: "$m.fork.nonce" },
    expect: "ok",
    out: { message: "$m.fork" }
  }
  file.transcript(
    {
      id: fork,
      title: "two copies of one state seal two messages with the same number: key and nonce differ",
      clauses: ["ratchet.fence.1", "ratchet.message-key.1"],
      flags: ["Fork"],
      world
    },
    [sender(alice), sender("alice/2"), receiver, seal(0, from), forked, open(0, from), open(0, from + 1)]
  )
  file.refused(
    {
      id: "ratchet-fork-second",
      title: "the second copy's message after the first one's",
      clauses: ["ratchet.receive.3"],
      flags: ["Fork"],
      critical: true
    },
    fork,
    { at: at(6), op: "assign", value: "$m.fork" },
    "fresh.used-key"
  )
}
