/**
 * F07: the family, its worlds and the steps its transcripts are made of.
 *
 * Spec: docs/spec/06-ratchet.md.
 */
import type { Family, FileBuilder } from "../family.ts"
import type { Json, JsonObject, ScriptStep } from "../model.ts"
import type { Suite } from "../prim.ts"
import { Conversation, paddedText, prefix } from "../protocol.ts"
import type { Ref, Trace } from "../trace.ts"

const state = { sent: "uint", received: "uint", previous: "uint", stored: "uint" } as const
const start = {
  suite: "uint",
  ad: "bytes",
  rootKey: "bytes",
  initiatorHeader: "bytes",
  responderHeader: "bytes",
  ratchetSecret: "bytes"
} as const

/** F07. */
export const family: Family = {
  id: "F07",
  name: "ratchet",
  document: "docs/spec/06-ratchet.md",
  level: 2,
  operations: {
    "ratchet.initiate": { stateful: true, in: { ...start, peerRatchet: "bytes" }, out: { ratchetKey: "bytes" } },
    "ratchet.respond": { stateful: true, in: start, out: { ratchetKey: "bytes" } },
    "ratchet.restore": {
      stateful: true,
      in: {
        suite: "uint",
        ad: "bytes",
        rootKey: "bytes",
        ratchetSecret: "bytes",
        peerRatchet: "bytes",
        sendChain: "bytes",
        sendHeader: "bytes",
        nextSendHeader: "bytes",
        receiveChain: "bytes?",
        receiveHeader: "bytes?",
        nextReceiveHeader: "bytes",
        sent: "uint",
        received: "uint",
        previous: "uint"
      },
      out: { ratchetKey: "bytes" }
    },
    "ratchet.seal": {
      stateful: true,
      in: { prefix: "bytes", padded: "bytes", nonce: "bytes" },
      out: { message: "bytes" }
    },
    "ratchet.open": {
      stateful: true,
      in: { prefix: "bytes", message: "bytes", fresh: "bytes?", now: "uint?" },
      out: { padded: "bytes", late: "flag" }
    },
    "ratchet.reload": { stateful: true, in: {}, out: {} },
    "ratchet.state": { stateful: true, in: {}, out: state },
    "bulk.ratchet": { in: { seed: "bytes", count: "uint" }, out: { digest: "bytes" } }
  },
  notes: {
    OutOfOrder: {
      kind: "DELIVERY",
      text: "Messages arrive in another order than they were sent.",
      refs: ["docs/spec/06-ratchet.md §6.5"]
    },
    Modified: { kind: "AUTH_BYPASS", text: "A relay or anybody on the way changed the message.", refs: [] },
    Context: {
      kind: "AUTH_BYPASS",
      text: "A genuine message in another context than its own.",
      refs: ["docs/spec/03-envelopes.md §3.1"]
    },
    Replay: { kind: "REPLAY", text: "A genuine message once more.", refs: ["docs/spec/06-ratchet.md §6.5"] },
    HeaderLie: {
      kind: "PEER_MISBEHAVIOUR",
      text: "The peer itself, who has the keys, puts something wrong into the header.",
      refs: ["docs/spec/06-ratchet.md §6.5"]
    },
    SkipLimit: {
      kind: "DENIAL_OF_SERVICE",
      text: "At the bound of what may be skipped or stored.",
      refs: ["docs/spec/06-ratchet.md §6.5"]
    },
    Counter: {
      kind: "WRAP",
      text: "At the end of the 32-bit message numbers.",
      refs: ["docs/spec/06-ratchet.md §6.4"]
    },
    Truncated: { kind: "ENCODING", text: "The message ends too early.", refs: [] },
    Restart: {
      kind: "PERSISTENCE",
      text: "State is stored and read back in the middle.",
      refs: ["docs/spec/16-state.md"]
    },
    Soak: {
      kind: "BULK",
      text: "Takes longer than the rest of its file together; run it now and then, not every time.",
      refs: ["vectors/README.md"]
    },
    Fork: {
      kind: "ROLLBACK",
      text: "Two copies of one state seal different messages.",
      refs: ["docs/spec/06-ratchet.md §6.2"]
    }
  }
}

export const alice = "alice/1"
export const bob = "bob/1"

/** Names of the values of message `number` of chain `index`. */
export const m = (index: number, number: number): Ref => `$m.${index}.${number}`
export const padded = (index: number, number: number): Ref => `$p.${index}.${number}`
/** Prefix towards the receiver of a chain. */
export const prefixOf = (index: number): Ref => (index % 2 === 0 ? "$prefix.bob" : "$prefix.alice")

/** A world: a conversation with `counts[i]` messages in chain i. */
export const world = (
  file: FileBuilder,
  name: string,
  title: string,
  suite: Suite,
  counts: ReadonlyArray<number>,
  texts: (index: number, number: number) => string = (index, number) => `chain ${index}, message ${number}`
): Conversation => {
  const trace = file.world(name, title)
  const conversation = beginning(trace, suite, `${file.topic}/${name}`)
  for (const [index, count] of counts.entries()) {
    conversation.turn()
    for (let number = 0; number < count; number++) {
      paddedText(trace, `p.${index}.${number}`, texts(index, number))
      conversation.seal(`m.${index}.${number}`, index, number, prefixOf(index), padded(index, number))
      if (number + 1 < count) conversation.chainAfter(index, number, `m.${index}.${number}.next`)
    }
  }
  // What the next turn of the ratchet draws, for a receiver of the last chain.
  const side = counts.length % 2
  trace.coin(
    "fresh",
    `${file.topic}/${name}/${side === 0 ? alice : bob}`,
    "ratchet.eph",
    Math.floor(counts.length / 2),
    32
  )
  return conversation
}

/** Secrets that a key agreement would give. */
export const beginning = (trace: Trace, suite: Suite, run: string): Conversation => {
  const shared = (id: string): Ref => trace.coin(id, run, `test.${id}`, 0, 32)
  prefix(trace, "prefix.alice", 2, trace.coin("mailbox.alice", `${run}/${alice}`, "device.mailbox", 0, 16))
  prefix(trace, "prefix.bob", 2, trace.coin("mailbox.bob", `${run}/${bob}`, "device.mailbox", 0, 16))
  const prekeySecret = trace.coin("spk.secret", `${run}/${bob}`, "prekey.signed", 0, 32)
  return new Conversation(
    trace,
    {
      suite,
      ad: shared("ad"),
      rootKey: shared("root"),
      initiatorHeader: shared("hka"),
      responderHeader: shared("nhkb"),
      prekeySecret,
      prekeyPublic: trace.op("spk.public", "x25519-public", { k: prekeySecret })
    },
    [`${run}/${alice}`, `${run}/${bob}`]
  )
}

const keys = (suite: Suite): JsonObject => ({
  suite,
  ad: "$ad",
  rootKey: "$root",
  initiatorHeader: "$hka",
  responderHeader: "$nhkb"
})
const step = (op: string, as: string, input: JsonObject, out: JsonObject): ScriptStep => ({
  do: op,
  as,
  in: input,
  expect: "ok",
  out
})

export const initiate = (suite: Suite): ScriptStep =>
  step(
    "ratchet.initiate",
    alice,
    { ...keys(suite), ratchetSecret: "$e0.secret", peerRatchet: "$spk.public" },
    { ratchetKey: "$e0.public" }
  )
export const respond = (suite: Suite): ScriptStep =>
  step("ratchet.respond", bob, { ...keys(suite), ratchetSecret: "$spk.secret" }, { ratchetKey: "$spk.public" })

const side = (index: number): string => (index % 2 === 0 ? alice : bob)
const other = (index: number): string => (index % 2 === 0 ? bob : alice)

export const seal = (index: number, number: number): ScriptStep =>
  step(
    "ratchet.seal",
    side(index),
    { prefix: prefixOf(index), padded: padded(index, number), nonce: `${m(index, number)}.nonce` },
    { message: m(index, number) }
  )

/** Opens a message of a chain. `fresh` names the secret of the chain that the receiver turns to, when this message turns the ratchet. */
export const open = (
  index: number,
  number: number,
  options: { readonly late?: boolean; readonly fresh?: Ref; readonly now?: number } = {}
): ScriptStep => ({
  do: "ratchet.open",
  as: other(index),
  in: {
    prefix: prefixOf(index),
    message: m(index, number),
    ...(options.fresh === undefined ? {} : { fresh: options.fresh }),
    ...(options.now === undefined ? {} : { now: options.now })
  },
  expect: "ok",
  out: { padded: padded(index, number), late: options.late ?? false }
})

export const reload = (as: string): ScriptStep => step("ratchet.reload", as, {}, {})
export const counters = (as: string, sent: number, received: number, previous: number, stored: number): ScriptStep =>
  step("ratchet.state", as, {}, { sent, received, previous, stored })

/** Puts a state together from its parts. */
export const restore = (as: string, input: { readonly [name: string]: Json }, ratchetKey: Ref): ScriptStep =>
  step("ratchet.restore", as, input, { ratchetKey })
