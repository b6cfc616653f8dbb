/**
 * F07: lies in the header, by a peer who has the keys.
 *
 * Spec: docs/spec/06-ratchet.md §6.3, §6.5.
 */
import { be, hex, le } from "../bytes.ts"
import * as edwards from "../edwards.ts"
import { FileBuilder } from "../family.ts"
import type { Delta, VectorFile } from "../model.ts"
import type { Suite } from "../prim.ts"
import { family, open, respond, world } from "./ratchet.ts"

const at = (step: number): string => `script/${step}/in/message`

/** The peer seals a header that breaks a rule. Everything around it is made anew with the right keys. */
export const lies = (suite: Suite): VectorFile => {
  const file = new FileBuilder(family, `header-suite-${suite}`)
  const name = `lies-${suite}`
  world(file, name, "three chains, of which the responder sees two", suite, [4, 1, 3])
  const first = `ratchet-header-${suite}-first`
  const current = `ratchet-header-${suite}-current`
  const turning = `ratchet-header-${suite}-turning`
  const begin = [respond(suite), open(0, 0, { fresh: "$e1.secret" })]
  const common = { clauses: ["ratchet.header.1"], world: name }
  file.transcript({ ...common, id: first, title: "the first message" }, [...begin, open(0, 1)])
  file.transcript(
    { ...common, id: current, title: "the next message of the chain, one skipped before", flags: ["OutOfOrder"] },
    [...begin, open(0, 2), open(0, 3), open(0, 1, { late: true })]
  )
  file.transcript({ ...common, id: turning, title: "a turn, three of the old chain skipped", flags: ["OutOfOrder"] }, [
    ...begin,
    open(2, 0, { fresh: "$fresh" }),
    open(0, 1, { late: true }),
    open(2, 1)
  ])
  const lie = (
    id: string,
    title: string,
    clause: string,
    twin: string,
    place: number,
    message: string,
    inner: Delta,
    cause: string
  ): void =>
    void file.refused(
      { id: `${twin}-${id}`, title, clauses: [clause, "ratchet.atomic.1"], flags: ["HeaderLie"], critical: false },
      twin,
      { at: at(place), op: "resign", value: `${message}.header`, inner },
      cause
    )
  const set = (offset: number, bytes: string, field: string): Delta => ({
    at: "value",
    op: "set",
    offset,
    bytes,
    field
  })
  const u32 = (value: number): string => hex(be(value, 4))
  lie(
    "pn-1",
    "messages before the first chain",
    "ratchet.receive.5",
    first,
    1,
    "m.0.0",
    set(32, u32(1), "PN"),
    "auth.header"
  )
  lie(
    "pn-max",
    "2³² − 1 messages before the first chain",
    "ratchet.receive.5",
    first,
    1,
    "m.0.0",
    set(32, "ffffffff", "PN"),
    "auth.header"
  )
  lie(
    "n-1001",
    "the first message seen is number 1,001",
    "ratchet.skip.1",
    first,
    1,
    "m.0.0",
    set(36, u32(1001), "N"),
    "limit.skip"
  )
  lie(
    "n-max",
    "the first message seen is number 2³² − 1",
    "ratchet.receive.5",
    first,
    1,
    "m.0.0",
    set(36, "ffffffff", "N"),
    "limit.chain"
  )
  lie(
    "n-before-max",
    "the first message seen is number 2³² − 2",
    "ratchet.skip.1",
    first,
    1,
    "m.0.0",
    set(36, "fffffffe", "N"),
    "limit.skip"
  )
  lie("n-1", "another number than the key's", "ratchet.receive.3", first, 1, "m.0.0", set(36, u32(1), "N"), "auth.tag")
  lie(
    "key",
    "another ratchet key than the chain's",
    "ratchet.receive.4",
    first,
    1,
    "m.0.0",
    { at: "value", op: "xor", offset: 0, bytes: "01", field: "ratchet key" },
    "auth.tag"
  )
  lie(
    "key",
    "another ratchet key inside a chain",
    "ratchet.receive.5",
    current,
    3,
    "m.0.3",
    { at: "value", op: "xor", offset: 0, bytes: "01", field: "ratchet key" },
    "auth.header"
  )
  lie(
    "key-late",
    "another ratchet key in a late message",
    "ratchet.receive.5",
    current,
    4,
    "m.0.1",
    { at: "value", op: "xor", offset: 31, bytes: "01", field: "ratchet key" },
    "auth.header"
  )
  lie(
    "n-past",
    "the number of a message received before",
    "ratchet.receive.3",
    current,
    3,
    "m.0.3",
    set(36, u32(0), "N"),
    "fresh.used-key"
  )
  lie(
    "n-skipped",
    "the number of a skipped message, whose key must survive",
    "ratchet.skip.3",
    current,
    3,
    "m.0.3",
    set(36, u32(1), "N"),
    "auth.tag"
  )
  lie("n-later", "a number further on", "ratchet.receive.3", current, 3, "m.0.3", set(36, u32(5), "N"), "auth.tag")
  lie(
    "n-at-bound",
    "1,000 keys derived for nothing, none of them kept",
    "ratchet.skip.1",
    current,
    3,
    "m.0.3",
    set(36, u32(1003), "N"),
    "auth.tag"
  )
  lie(
    "n-beyond-bound",
    "1,001 to be skipped",
    "ratchet.skip.1",
    current,
    3,
    "m.0.3",
    set(36, u32(1004), "N"),
    "limit.skip"
  )
  lie("n-max", "number 2³² − 1", "ratchet.receive.5", current, 3, "m.0.3", set(36, "ffffffff", "N"), "limit.chain")
  lie(
    "pn-below",
    "fewer messages in the old chain than were received",
    "ratchet.receive.5",
    turning,
    2,
    "m.2.0",
    set(32, u32(0), "PN"),
    "auth.header"
  )
  lie(
    "pn-beyond-bound",
    "1,001 of the old chain to be skipped",
    "ratchet.skip.1",
    turning,
    2,
    "m.2.0",
    set(32, u32(1002), "PN"),
    "limit.skip"
  )
  lie(
    "pn-max",
    "2³² − 1 messages in the old chain",
    "ratchet.skip.1",
    turning,
    2,
    "m.2.0",
    set(32, "ffffffff", "PN"),
    "limit.skip"
  )
  lie(
    "n-beyond-bound",
    "1,001 of the new chain to be skipped",
    "ratchet.skip.1",
    turning,
    2,
    "m.2.0",
    set(36, u32(1001), "N"),
    "limit.skip"
  )
  lie(
    "n-max",
    "number 2³² − 1 of the new chain",
    "ratchet.receive.5",
    turning,
    2,
    "m.2.0",
    set(36, "ffffffff", "N"),
    "limit.chain"
  )
  lie(
    "n-1",
    "another number of the new chain",
    "ratchet.receive.4",
    turning,
    2,
    "m.2.0",
    set(36, u32(1), "N"),
    "auth.tag"
  )
  lie(
    "key",
    "a ratchet key whose secret nobody has",
    "ratchet.receive.4",
    turning,
    2,
    "m.2.0",
    { at: "value", op: "xor", offset: 5, bytes: "40", field: "ratchet key" },
    "auth.tag"
  )
  lie(
    "key-of-the-old-chain",
    "the ratchet key of the old chain",
    "ratchet.receive.4",
    turning,
    2,
    "m.2.0",
    { at: "value", op: "splice", offset: 0, length: 32, from: "$e0.public", source: [0, 32], field: "ratchet key" },
    "auth.tag"
  )
  lie(
    "key-of-the-receiver",
    "the receiver's own ratchet key",
    "ratchet.receive.4",
    turning,
    2,
    "m.2.0",
    { at: "value", op: "splice", offset: 0, length: 32, from: "$e1.public", source: [0, 32], field: "ratchet key" },
    "auth.tag"
  )
  for (const [i, u] of edwards.smallOrderU.entries()) {
    if (suite !== 1 && i > 1) continue
    lie(
      `key-small-${i}`,
      "a ratchet key of small order",
      "ratchet.root.1",
      turning,
      2,
      "m.2.0",
      set(0, hex(le(u, 32)), "ratchet key"),
      "auth.low-order"
    )
  }
  // Headers of other lengths: under suite 3 some have the same encrypted length, elsewhere the body begins at the wrong place.
  const cause = suite === 3 ? "auth.header" : "auth.tag"
  lie(
    "header-39",
    "a header of 39 bytes",
    "ratchet.header.1",
    current,
    3,
    "m.0.3",
    { at: "value", op: "cut", offset: 39, length: 1 },
    cause
  )
  lie(
    "header-41",
    "a header of 41 bytes",
    "ratchet.header.1",
    current,
    3,
    "m.0.3",
    { at: "value", op: "insert", offset: 40, bytes: "00" },
    cause
  )
  lie(
    "header-empty",
    "an empty header",
    "ratchet.header.1",
    current,
    3,
    "m.0.3",
    { at: "value", op: "cut", offset: 0, length: 40 },
    "auth.tag"
  )
  return file.file()
}
