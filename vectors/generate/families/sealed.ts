/**
 * F04: session starts sealed to a device.
 *
 * Spec: docs/spec/03-envelopes.md §3.2.
 */
import { hex, le } from "../bytes.ts"
import * as edwards from "../edwards.ts"
import { FileBuilder } from "../family.ts"
import { device } from "../identity.ts"
import type { Delta, Json, VectorFile } from "../model.ts"
import type { Suite } from "../prim.ts"
import { prefix, sealStart } from "../protocol.ts"
import type { Arg, Ref, Trace } from "../trace.ts"
import { family } from "./envelope.ts"

const suites = [1, 2, 3] as const

/** The parts of a start, as its layout orders them. */
const parts = (suite: Suite, extensions: ReadonlyArray<readonly [number, Arg]>): ReadonlyArray<Arg> => [
  suite,
  "$alice.certificate",
  1,
  "$alice.mailbox",
  "$ek",
  7,
  9,
  1,
  11,
  "$ct",
  "$message",
  { map: extensions as ReadonlyArray<Arg> }
]

const value = (extensions: Json): Json => ({
  certificate: "$alice.certificate",
  manifestVersion: 1,
  mailbox: "$alice.mailbox",
  ephemeral: "$ek",
  signedPrekeyId: 7,
  oneTimePrekeyId: 9,
  kemOneTime: 1,
  kemPrekeyId: 11,
  kemCiphertext: "$ct",
  message: "$message",
  extensions
})

export const sealed = (): VectorFile => {
  const file = new FileBuilder(family, "sealed")
  const world = "starts"
  const trace = file.world(world, "Alice seals starts to Bob under each suite; Carol is somebody else")
  const run = (actor: string): string => `sealed/${actor}`
  device(trace, "alice", run("alice/1"))
  const bob = device(trace, "bob", run("bob/1"))
  const carol = device(trace, "carol", run("carol/1"))
  prefix(trace, "prefix", 1, bob.mailbox)
  trace.op("ek", "x25519-public", { k: trace.coin("ek.secret", run("alice/1"), "pqxdh.eph", 0, 32) })
  trace.coin("ct", run("alice/1"), "test.ciphertext", 0, 1088)
  trace.coin("message", run("alice/1"), "test.message", 0, 164)
  const extensions: ReadonlyArray<readonly [number, Arg]> = [
    [1, { text: "alice" }],
    [3, 1_700_000_000_000]
  ]
  for (const suite of suites) {
    trace.op(`start.${suite}`, "canon", { value: parts(suite, extensions) }, "sealed.start.1")
    const secret = trace.coin(`e.${suite}`, run("alice/1"), "sealed.eph", suite, 32)
    sealStart(trace, `body.${suite}`, suite, secret, bob.agree, "$prefix", `$start.${suite}`)
  }
  for (const suite of suites) {
    const known = value({ user: "alice", rank: 1_700_000_000_000, unknown: [] })
    file.valid(
      {
        id: `sealed-seal-${suite}`,
        title: `sealed under suite ${suite}`,
        clauses: ["sealed.key.1", "sealed.ad.1", "sealed.layout.1"],
        world
      },
      "sealed.seal",
      { suite, ephemeralSecret: `$e.${suite}`, recipient: bob.agree, prefix: "$prefix", start: `$start.${suite}` },
      { body: `$body.${suite}` }
    )
    file.valid(
      {
        id: `sealed-open-${suite}`,
        title: `opened under suite ${suite}`,
        clauses: ["sealed.key.1", "sealed.ad.1", "sealed.start.1"],
        world
      },
      "sealed.open",
      { secret: bob.agreeSecret, prefix: "$prefix", body: `$body.${suite}` },
      { suite, start: `$start.${suite}`, value: known }
    )
    strangers(file, suite, carol.agreeSecret)
    insiders(file, trace, suite)
  }
  variants(file, trace, run("alice/1"), bob.agree, bob.agreeSecret, world)
  return file.file()
}

/** Starts with other contents that are in order. */
const variants = (file: FileBuilder, trace: Trace, actor: string, recipient: Ref, secret: Ref, world: string): void => {
  const rows: ReadonlyArray<readonly [id: string, title: string, value: ReadonlyArray<Arg>, out: Json]> = [
    ["no-extensions", "no extensions", parts(1, []), value({ unknown: [] })],
    [
      "unknown-odd",
      "an unknown odd extension",
      parts(1, [[5, "00ff"]]),
      value({ unknown: [{ key: 5, value: "c40200ff" }] })
    ],
    [
      "longest-user",
      "a user name of 64 bytes",
      parts(1, [[1, { text: "u".repeat(64) }]]),
      value({ user: "u".repeat(64), unknown: [] })
    ],
    [
      "largest-rank",
      "a rank of 2⁵²",
      parts(1, [[3, 4503599627370496]]),
      value({ rank: 4503599627370496, unknown: [] })
    ],
    [
      "no-one-time",
      "no one-time prekey and a last-resort KEM prekey",
      [1, "$alice.certificate", 1, "$alice.mailbox", "$ek", 7, 0, 0, 11, "$ct", "$message", { map: [] }],
      { ...(value({ unknown: [] }) as { readonly [name: string]: Json }), oneTimePrekeyId: 0, kemOneTime: 0 }
    ]
  ]
  for (const [i, [id, title, content, out]] of rows.entries()) {
    const start = trace.op(`start.${id}`, "canon", { value: content }, "sealed.start.1")
    sealStart(
      trace,
      `body.${id}`,
      1,
      trace.coin(`e.${id}`, actor, "sealed.eph", 4 + i, 32),
      recipient,
      "$prefix",
      start
    )
    file.valid(
      { id: `sealed-open-${id}`, title, clauses: ["sealed.start.1", "sealed.start.2"], world },
      "sealed.open",
      { secret, prefix: "$prefix", body: `$body.${id}` },
      { suite: 1, start, value: out }
    )
  }
}

type Refuse = (
  id: string,
  title: string,
  clause: string,
  flag: string,
  delta: Delta,
  cause: string,
  critical?: boolean
) => void

/** Every byte of the prefix, which is associated data, and every byte of the body's heads. */
const headers = (refuse: Refuse): void => {
  // 93 version kind c410 mailbox(16)
  const fields = ["head", "version", "kind", "head of to", "head of to"]
  for (let offset = 0; offset < 20; offset++) {
    const field = fields[offset] ?? "to"
    const name = String(offset).padStart(2, "0")
    const delta: Delta = { at: "in/prefix", op: "xor", offset, bytes: "80", field }
    refuse(`prefix-byte-${name}`, `byte ${offset} of the prefix: ${field}`, "sealed.ad.1", "Context", delta, "auth.tag")
  }
  for (const [id, title, a, b] of [
    ["mailbox-halves", "the halves of the mailbox", [5, 8], [13, 8]],
    ["mailbox-neighbours", "the first two bytes of the mailbox", [5, 1], [6, 1]],
    ["mailbox-ends", "the ends of the mailbox", [5, 1], [20, 1]],
    ["kind-and-mailbox", "the kind and the first byte of the mailbox", [2, 1], [5, 1]]
  ] as const)
    refuse(
      `prefix-swap-${id}`,
      `${title} exchanged`,
      "envelope.prefix.1",
      "Context",
      { at: "in/prefix", op: "swap", a, b },
      "auth.tag"
    )
  const head = (offset: number, bytes: string, field: string, cause: string): void =>
    refuse(
      `head-byte-${offset}-${bytes}`,
      `${field}: byte ${bytes}`,
      "sealed.layout.1",
      "Modified",
      { at: "in/body", op: "set", offset, bytes, field },
      cause,
      false
    )
  head(0, "94", "array of four", "decode.size")
  head(0, "83", "map of three", "decode.type")
  head(2, "c5", "ephemeral with a length of two bytes", "decode.size")
  head(2, "d9", "ephemeral as text", "decode.type")
  head(3, "1f", "ephemeral of 31 bytes", "decode.size")
  head(3, "21", "ephemeral of 33 bytes", "decode.size")
  head(36, "c4", "box with a length of one byte", "decode.trailing")
  head(36, "da", "box as text", "decode.type")
  head(37, "00", "box with the high byte of its length zero", "decode.noncanonical")
  head(37, "ff", "box longer than there is", "decode.truncated")
}

/** What somebody on the way can do. */
const strangers = (file: FileBuilder, suite: Suite, otherSecret: Ref): void => {
  const twin = `sealed-open-${suite}`
  const length = file.bytesAt(file.case(twin), "in/body").length
  const refuse = (
    id: string,
    title: string,
    clause: string,
    flag: string,
    delta: Delta,
    cause: string,
    critical = true
  ): void =>
    void file.invalid({ id: `${twin}-${id}`, title, clauses: [clause], flags: [flag], critical }, twin, delta, cause)
  const bit = (offset: number, field: string): Delta => ({ at: "in/body", op: "xor", offset, bytes: "01", field })
  // 93 suite c420 ephemeral(32) c5 length(2) box
  refuse("ephemeral-first", "the ephemeral key", "sealed.ad.1", "Modified", bit(4, "ephemeral"), "auth.tag")
  refuse("ephemeral-last", "the ephemeral key", "sealed.ad.1", "Modified", bit(34, "ephemeral"), "auth.tag")
  refuse(
    "ephemeral-top-bit",
    "the top bit of the ephemeral key: the same shared secret, another encoding",
    "sealed.ad.1",
    "Modified",
    { at: "in/body", op: "xor", offset: 35, bytes: "80", field: "ephemeral" },
    "auth.tag"
  )
  refuse("box-first", "the box", "sealed.ad.1", "Modified", bit(39, "box"), "auth.tag")
  refuse("box-middle", "the box", "sealed.ad.1", "Modified", bit(700, "box"), "auth.tag")
  refuse("box-last", "the tag of the box", "sealed.ad.1", "Modified", bit(length - 1, "box"), "auth.tag")
  for (const other of [1, 2, 3])
    if (other !== suite)
      refuse(
        `suite-${other}`,
        `suite ${other} written for ${suite}`,
        "sealed.ad.1",
        "Modified",
        { at: "in/body", op: "set", offset: 1, bytes: `0${other}`, field: "suite" },
        "auth.tag"
      )
  refuse(
    "prefix-kind",
    "another kind",
    "envelope.prefix.1",
    "Context",
    { at: "in/prefix", op: "set", offset: 2, bytes: "02", field: "kind" },
    "auth.tag"
  )
  refuse(
    "prefix-mailbox",
    "another mailbox",
    "envelope.prefix.1",
    "Context",
    { at: "in/prefix", op: "xor", offset: 20, bytes: "01", field: "to" },
    "auth.tag"
  )
  refuse(
    "other-device",
    "opened by another device",
    "sealed.key.1",
    "Context",
    { at: "in/secret", op: "assign", value: otherSecret },
    "auth.tag"
  )
  refuse(
    "box-spliced",
    "the beginning of the box of another suite's start",
    "sealed.ad.1",
    "Modified",
    { at: "in/body", op: "splice", offset: 39, length: 200, from: `$body.${(suite % 3) + 1}`, source: [39, 200] },
    "auth.tag"
  )
  if (suite !== 1) return
  headers(refuse)
  refuse(
    "suite-0",
    "suite 0",
    "sealed.layout.1",
    "Version",
    { at: "in/body", op: "set", offset: 1, bytes: "00", field: "suite" },
    "policy.suite",
    false
  )
  refuse(
    "suite-4",
    "suite 4",
    "sealed.layout.1",
    "Version",
    { at: "in/body", op: "set", offset: 1, bytes: "04", field: "suite" },
    "policy.suite",
    false
  )
  for (const [i, u] of edwards.smallOrderU.entries())
    refuse(
      `ephemeral-small-${i}`,
      "an ephemeral key of small order",
      "sealed.key.1",
      "Modified",
      { at: "in/body", op: "set", offset: 4, bytes: hex(le(u, 32)), field: "ephemeral" },
      "auth.low-order"
    )
  refuse(
    "trailing",
    "a byte behind it",
    "codec.decode.4",
    "Form",
    { at: "in/body", op: "insert", offset: length, bytes: "00" },
    "decode.trailing",
    false
  )
  refuse(
    "cut",
    "the last byte missing",
    "codec.decode.3",
    "Form",
    { at: "in/body", op: "cut", offset: length - 1, length: 1 },
    "decode.truncated",
    false
  )
  refuse(
    "ephemeral-31",
    "an ephemeral key of 31 bytes",
    "sealed.layout.1",
    "Form",
    { at: "in/body", op: "reencode", offset: 2, length: 3, bytes: "c41f", kind: "31 bytes" },
    "decode.size",
    false
  )
  refuse(
    "suite-long",
    "the suite in a longer form",
    "codec.form.2",
    "Form",
    { at: "in/body", op: "reencode", offset: 1, length: 1, bytes: "cc01", kind: "uint8" },
    "decode.noncanonical",
    false
  )
  refuse(
    "two",
    "no box",
    "sealed.layout.1",
    "Form",
    { at: "in/body", op: "reencode", offset: 0, length: 1, bytes: "92", kind: "two elements" },
    "decode.size",
    false
  )
  refuse(
    "box-empty",
    "an empty box",
    "sealed.ad.1",
    "Modified",
    { at: "in/body", op: "reencode", offset: 36, length: length - 36, bytes: "c400", kind: "no bytes" },
    "auth.tag"
  )
}

/** What somebody who seals can get wrong or put in on purpose. */
const insiders = (file: FileBuilder, trace: Trace, suite: Suite): void => {
  const twin = `sealed-open-${suite}`
  const start = trace.look(`start.${suite}`)
  const lie = (id: string, title: string, clause: string, inner: Delta, cause: string): void =>
    void file.invalid(
      { id: `${twin}-inner-${id}`, title, clauses: [clause], flags: ["Insider"], critical: false },
      twin,
      { at: "in/body", op: "resign", value: `start.${suite}`, inner },
      cause
    )
  const at = "value"
  for (const other of [1, 2, 3])
    if (other !== suite)
      lie(
        `suite-${other}`,
        `suite ${other} inside`,
        "sealed.suite.1",
        { at, op: "set", offset: 1, bytes: `0${other}`, field: "suite" },
        "policy.suite"
      )
  lie(
    "suite-0",
    "suite 0 inside",
    "sealed.suite.1",
    { at, op: "set", offset: 1, bytes: "00", field: "suite" },
    "policy.suite"
  )
  if (suite !== 1) return
  lie(
    "trailing",
    "a byte behind the start",
    "codec.decode.4",
    { at, op: "insert", offset: start.length, bytes: "00" },
    "decode.trailing"
  )
  lie(
    "cut",
    "the last byte of the start missing",
    "codec.decode.3",
    { at, op: "cut", offset: start.length - 1, length: 1 },
    "decode.truncated"
  )
  lie(
    "empty",
    "an empty start",
    "codec.decode.3",
    { at, op: "cut", offset: 0, length: start.length },
    "decode.truncated"
  )
  // 9c suite c4 length certificate, manifest version, c410 mailbox, c420 EK, 07 09 01 0b, c50440 ciphertext, c4a4 message, 82 extensions
  const certificate = trace.look("alice.certificate").length
  const version = 1 + 1 + 2 + certificate
  const mailbox = version + 1
  const ephemeral = mailbox + 18
  const ids = ephemeral + 34
  const ciphertext = ids + 4
  const message = ciphertext + 3 + 1088
  const extensions = message + 2 + 164
  const set = (offset: number, bytes: string, field: string): Delta => ({ at, op: "set", offset, bytes, field })
  lie(
    "manifest-version-0",
    "manifest version 0",
    "sealed.start.1",
    set(version, "00", "manifest version"),
    "decode.value"
  )
  lie(
    "mailbox-15",
    "a mailbox of 15 bytes",
    "sealed.start.1",
    { at, op: "reencode", offset: mailbox, length: 3, bytes: "c40f", kind: "15 bytes" },
    "decode.size"
  )
  lie(
    "ephemeral-33",
    "an EK of 33 bytes",
    "sealed.start.1",
    { at, op: "reencode", offset: ephemeral, length: 2, bytes: "c42100", kind: "33 bytes" },
    "decode.size"
  )
  lie("signed-prekey-0", "signed prekey id 0", "sealed.start.1", set(ids, "00", "signed prekey id"), "decode.value")
  lie("kem-kind-2", "KEM kind 2", "sealed.start.1", set(ids + 2, "02", "KEM kind"), "decode.value")
  lie("kem-id-0", "KEM prekey id 0", "sealed.start.1", set(ids + 3, "00", "KEM prekey id"), "decode.value")
  lie(
    "ciphertext-1087",
    "a KEM ciphertext of 1,087 bytes",
    "sealed.start.1",
    { at, op: "reencode", offset: ciphertext, length: 4, bytes: "c5043f", kind: "1087 bytes" },
    "decode.size"
  )
  lie(
    "ciphertext-1089",
    "a KEM ciphertext of 1,089 bytes",
    "sealed.start.1",
    { at, op: "reencode", offset: ciphertext, length: 3, bytes: "c5044100", kind: "1089 bytes" },
    "decode.size"
  )
  lie("message-text", "the message as text", "codec.layout.3", set(message, "d9", "message"), "decode.type")
  lie(
    "extension-critical",
    "an unknown even extension",
    "codec.ext.3",
    set(extensions + 1, "00", "extension key"),
    "decode.unknown-critical"
  )
  lie(
    "extension-order",
    "extensions out of order",
    "codec.map.1",
    set(extensions + 8, "00", "extension key"),
    "decode.noncanonical"
  )
  lie(
    "extension-rank-beyond",
    "a rank of 2⁵² + 1",
    "session.rank.2",
    set(extensions + 10, "0010000000000001", "rank"),
    "decode.value"
  )
  lie(
    "extension-user-65",
    "a user name of 65 bytes",
    "sealed.start.2",
    { at, op: "reencode", offset: extensions + 2, length: 6, bytes: `d941${"75".repeat(65)}`, kind: "65 bytes" },
    "decode.size"
  )
  lie(
    "extension-user-bytes",
    "a user name that is bytes",
    "sealed.start.2",
    { at, op: "reencode", offset: extensions + 2, length: 1, bytes: "c405", kind: "bin" },
    "decode.type"
  )
  lie(
    "eleven",
    "no extension slot",
    "sealed.start.1",
    { at, op: "set", offset: 0, bytes: "9b", field: "array" },
    "decode.size"
  )
  lie(
    "suite-long",
    "the suite in a longer form",
    "codec.form.2",
    { at, op: "reencode", offset: 1, length: 1, bytes: "cc01", kind: "uint8" },
    "decode.noncanonical"
  )
}
