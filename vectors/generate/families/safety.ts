/**
 * F18: fingerprints of two parties, the digits and codes made of them, and how a comparison ends.
 *
 * Spec: docs/spec/17-safety.md. Long because it is one table of cases.
 */
import { be, compare } from "../bytes.ts"
import { FileBuilder, type Family } from "../family.ts"
import type { Delta, Json, JsonObject, VectorFile } from "../model.ts"
import { decimal } from "../ops.ts"
import type { Arg, Ref, Trace } from "../trace.ts"

const parties = { account: "bytes", devices: "list", peerAccount: "bytes", peerDevices: "list" } as const

/** F18. */
export const family: Family = {
  id: "F18",
  name: "safety",
  document: "docs/spec/17-safety.md",
  level: 1,
  operations: {
    "safety.number": { in: parties, out: { digits: "text", code: "bytes" } },
    "safety.digits": { in: { code: "bytes" }, out: { digits: "text" } },
    "safety.scan": { in: { ...parties, code: "bytes" }, out: {} },
    "safety.typed": { in: { ...parties, text: "text" }, out: {} }
  },
  notes: {
    Distinct: {
      kind: "DOMAIN_SEPARATION",
      text: "All cases of this operation in this file that carry the flag give different outputs.",
      refs: []
    },
    OtherWay: {
      kind: "AGREEMENT",
      text: "Gives the same digits as the case with the parties the other way round.",
      refs: ["docs/spec/17-safety.md §17.2"]
    },
    Zeros: { kind: "FORM", text: "A group of digits begins with zeros.", refs: ["docs/spec/17-safety.md §17.2"] },
    Modified: { kind: "MISMATCH", text: "One thing differs from what the other side has.", refs: [] },
    Interposed: {
      kind: "AUTH_BYPASS",
      text: "Somebody stands between the two under keys of its own.",
      refs: ["docs/spec/17-safety.md"]
    },
    Stale: { kind: "ROLLBACK", text: "One side does not know the newest manifest.", refs: [] },
    Version: { kind: "VERSION", text: "A code of another version.", refs: ["docs/spec/17-safety.md §17.3"] },
    Form: { kind: "ENCODING", text: "Not the one encoding of a code, or not sixty digits.", refs: [] }
  }
}

/** A device with the public keys that count here. */
interface Device {
  readonly account: Ref
  readonly device: Ref
  readonly agree: Ref
  /** Step of the account print. */
  readonly print: string
}

/** Keys of device `index` of somebody, as trace steps `<name>.…`; `owner` is an earlier device of the same account. */
const device = (trace: Trace, who: string, index: number, owner?: Device): Device => {
  const [name, actor] = [`${who}${index}`, `safety/${who}/${index}`]
  const secret = (id: string, label: string): Ref => trace.coin(`${name}.${id}`, actor, label, 0, 32)
  const account =
    owner?.account ??
    trace.op(`${name}.account`, "ed25519-public", { seed: secret("account-seed", "account.seed") }, "account.keys.1")
  return {
    account,
    device: trace.op(`${name}.device`, "ed25519-public", { seed: secret("sign-seed", "device.sign") }, "device.keys.1"),
    agree: trace.op(`${name}.agree`, "x25519-public", { k: secret("agree-secret", "device.agree") }, "device.keys.1"),
    print: owner?.print ?? `${name}.account-print`
  }
}

/** Accounts found by trying: one with zeros in front of a group, and one whose digits are in another order than its bytes. */
const found = { zeros: 3, order: 1 }

interface Listed {
  readonly key: Device
  readonly role?: number
  readonly agree?: Ref
}

/** A party with its print as trace steps `<id>.…`. */
interface Party {
  readonly id: string
  readonly account: Ref
  readonly devices: ReadonlyArray<Arg>
  readonly fingerprint: Ref
  readonly print: Ref
}

const party = (trace: Trace, id: string, owner: Device, listed: ReadonlyArray<Listed>): Party => {
  const devices = listed
    .toSorted((a, b) => compare(trace.value(a.key.device), trace.value(b.key.device)))
    .map(({ agree, key, role }): Arg => [key.device, agree ?? key.agree, role ?? 2])
  const account = owner.account
  const encoded = trace.op(`${id}.party`, "canon", { value: [account, devices] }, "safety.party.1")
  const input = trace.op(
    `${id}.first-input`,
    "label",
    { purpose: "safety number", parts: [be(1, 1), encoded] },
    "safety.fingerprint.1"
  )
  const first = trace.op(`${id}.first`, "sha256", { data: input }, "safety.fingerprint.1")
  const name = owner.print
  if (!trace.has(`${name}.hash`)) {
    const labelled = trace.op(
      `${name}.input`,
      "label",
      { purpose: "safety account", parts: [account] },
      "safety.account.1"
    )
    trace.slice(name, trace.op(`${name}.hash`, "sha256", { data: labelled }), 0, 16, "safety.account.1")
  }
  return {
    id,
    account,
    devices,
    fingerprint: trace.op(
      `${id}.fingerprint`,
      "iterate-sha256",
      { data: first, head: iteration(trace), tail: account, count: 5200 },
      "safety.fingerprint.1"
    ),
    print: `$${name}`
  }
}

const iteration = (trace: Trace): Ref =>
  trace.has("label.safety-iteration")
    ? "$label.safety-iteration"
    : trace.op("label.safety-iteration", "label", { purpose: "safety iteration", parts: [] }, "safety.fingerprint.1")

/** The code that `own` shows to `peer`, as a step `<own>-for-<peer>`. */
const code = (trace: Trace, own: Party, peer: Party): Ref => {
  const id = `code.${own.id}-for-${peer.id}`
  if (trace.has(id)) return `$${id}`
  const value = [1, [own.fingerprint, own.print], [peer.fingerprint, peer.print]]
  return trace.op(id, "canon", { value }, "safety.code.1")
}

const grouped = (digits: string): string => digits.match(/.{5}/g)!.join(" ")

/** The digits of two parties; each party's are a step of the trace as well. */
const digits = (trace: Trace, a: Party, b: Party): string => {
  const [lower, higher] = compare(trace.value(a.fingerprint), trace.value(b.fingerprint)) <= 0 ? [a, b] : [b, a]
  const half = (one: Party): string => {
    if (!trace.has(`${one.id}.digits`)) {
      const used = trace.slice(`${one.id}.used`, one.fingerprint, 0, 30, "safety.digits.1")
      trace.op(`${one.id}.digits`, "decimal", { bytes: used }, "safety.digits.1")
    }
    return decimal(trace.value(one.fingerprint).slice(0, 30))
  }
  return grouped(half(lower) + half(higher))
}

export const safety = (): VectorFile => {
  const file = new FileBuilder(family, "numbers")
  const world = "parties"
  const trace = file.world(world, "accounts with their devices, fingerprints and codes")
  const of = (who: string, index = 1, owner?: Device): Device => device(trace, who, index, owner)
  const [alice1, bob1, carol1, mallory1] = [of("alice"), of("bob"), of("carol"), of("mallory")]
  const [alice2, alice3] = [of("alice", 2, alice1), of("alice", 3, alice1)]
  const [bob2, bob3] = [of("bob", 2, bob1), of("bob", 3, bob1)]
  const party1 = (id: string, owner: Device, ...listed: ReadonlyArray<Listed | Device>): Party =>
    party(
      trace,
      id,
      owner,
      listed.map((one) => ("key" in one ? one : { key: one }))
    )
  const alice = party1("alice", alice1, alice1)
  const bob = party1("bob", bob1, bob1)
  const carol = party1("carol", carol1, carol1)
  const inputs = (own: Party, peer: Party): JsonObject => ({
    account: own.account,
    devices: own.devices as Json,
    peerAccount: peer.account,
    peerDevices: peer.devices as Json
  })
  const seen = new Map<string, string>()
  const number = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    own: Party,
    peer: Party,
    flags: ReadonlyArray<string> = ["Distinct"]
  ): void => {
    const text = digits(trace, own, peer)
    const before = seen.get(text)
    if ((before !== undefined) === flags.includes("Distinct")) throw new Error(`${id}: digits as ${before ?? "nobody"}`)
    seen.set(text, id)
    file.valid({ id: `safety-number-${id}`, title, clauses, flags, world }, "safety.number", inputs(own, peer), {
      digits: text,
      code: code(trace, own, peer)
    })
  }
  const digitsRules = ["safety.digits.1", "safety.digits.2"]
  number(
    "base",
    "two accounts with a device each",
    ["safety.party.1", "safety.fingerprint.1", ...digitsRules],
    alice,
    bob
  )
  number("base-turned", "the same seen by the other side", ["safety.digits.2", "safety.code.1"], bob, alice, [
    "OtherWay"
  ])
  number("peer-account", "another peer", ["safety.party.1"], alice, carol)
  number("own-account", "another own account", ["safety.party.1"], carol, bob)
  const bobs = {
    none: party1("bob-none", bob1),
    two: party1("bob-two", bob1, bob1, bob2),
    three: party1("bob-three", bob1, bob1, bob2, bob3),
    second: party1("bob-second", bob1, bob2),
    admin: party1("bob-admin", bob1, { key: bob1, role: 1 }),
    replica: party1("bob-replica", bob1, { key: bob1, role: 3 }),
    agree: party1("bob-agree", bob1, { key: bob1, agree: bob2.agree }),
    crossed: party1("bob-crossed", bob1, { key: bob1, agree: bob2.agree }, { key: bob2, agree: bob1.agree }),
    mallory: party1("bob-and-mallory", bob1, bob1, mallory1)
  }
  const rules = ["safety.party.1"]
  number("no-device", "a manifest that lists no device", rules, alice, bobs.none)
  number("two-devices", "a second device", rules, alice, bobs.two)
  number("two-devices-turned", "a second device, seen by the other side", digitsRules, bobs.two, alice, ["OtherWay"])
  number("three-devices", "a third device", rules, alice, bobs.three)
  number("device-replaced", "the first device revoked, the second one left", rules, alice, bobs.second)
  number("role-admin", "the device is an admin", rules, alice, bobs.admin)
  number("role-replica", "the device is a replica", rules, alice, bobs.replica)
  number("agreement-key", "the device id with another agreement key", rules, alice, bobs.agree)
  number("agreement-keys-crossed", "two devices that exchanged their agreement keys", rules, alice, bobs.crossed)
  number("stranger-added", "somebody else's device put among the devices", rules, alice, bobs.mallory)
  const alices = {
    two: party1("alice-two", alice1, alice1, alice2),
    three: party1("alice-three", alice1, alice1, alice2, alice3),
    second: party1("alice-second", alice1, alice2)
  }
  number("own-second-device", "a second device of one's own", rules, alices.two, bob)
  number("own-device-replaced", "one's own first device revoked", rules, alices.second, bob)
  number("both-several", "several devices on both sides", rules, alices.three, bobs.three)
  number("both-several-turned", "several on both sides, from the other side", digitsRules, bobs.three, alices.three, [
    "OtherWay"
  ])
  number("both-two", "two devices on both sides", rules, alices.two, bobs.two)
  const mallory = party1("mallory", mallory1, mallory1)
  const bobKeysUnderMallory = party1("mallory-with-bob", mallory1, bob1)
  number("interposed-to-alice", "what a relay in between makes Alice see", rules, alice, mallory)
  number("interposed-to-bob", "what it makes Bob see is another number", rules, bob, mallory)
  number("interposed-own-device", "another account that lists Bob's very device", rules, alice, bobKeysUnderMallory)
  const dave1 = of("dave")
  const many = [dave1, ...Array.from({ length: 49 }, (_, i) => of("dave", i + 2, dave1))]
  const dave = party1("dave", dave1, ...many)
  const daveLess = party1("dave-49", dave1, ...many.slice(0, 49))
  number("fifty-devices", "as many devices as a manifest lists", rules, alice, dave)
  number("forty-nine-devices", "one less", rules, alice, daveLess)
  const fifteen = party1("dave-15", dave1, ...many.slice(0, 15))
  const sixteen = party1("dave-16", dave1, ...many.slice(0, 16))
  number("fifteen-devices", "the largest list with a head of one byte", rules, alice, fifteen)
  number("sixteen-devices", "the smallest list with a head of three bytes", rules, alice, sixteen)
  // Accounts found by their digits: a group with zeros in front, and an order that only bytes decide.
  const zeros = of("erin", found.zeros)
  const erin = party1("erin", zeros, zeros)
  if (
    !decimal(trace.value(erin.fingerprint))
      .match(/.{5}/g)!
      .some((group) => group.startsWith("00"))
  )
    throw new Error("no group with zeros in front")
  number("leading-zeros", "a group below 1,000", ["safety.digits.1"], alice, erin, ["Distinct", "Zeros"])
  const later = of("frank", found.order)
  const frank = party1("frank", later, later)
  const [a, f] = [trace.value(alice.fingerprint), trace.value(frank.fingerprint)]
  if (compare(a, f) < 0 === decimal(a) < decimal(f)) throw new Error("bytes and digits give the same order")
  number("order-by-bytes", "the lower fingerprint has the higher digits", ["safety.digits.2"], alice, frank)
  number("order-by-bytes-turned", "the same from the other side", ["safety.digits.2"], frank, alice, ["OtherWay"])

  for (const [id, title, own, peer] of [
    ["alice", "the code Alice shows", alice, bob],
    ["bob", "the code Bob shows, the same digits", bob, alice],
    ["several", "a code over several devices", bobs.three, alices.three]
  ] as const) {
    file.valid(
      { id: `safety-digits-of-code-${id}`, title, clauses: ["safety.code.3"], world },
      "safety.digits",
      { code: code(trace, own, peer) },
      { digits: digits(trace, own, peer) }
    )
  }
  const scan = (id: string, title: string, own: Party, peer: Party): void => {
    file.valid(
      { id: `safety-scan-${id}`, title, clauses: ["safety.code.2", "safety.code.3"], world },
      "safety.scan",
      { ...inputs(own, peer), code: code(trace, peer, own) },
      {}
    )
  }
  scan("base", "Alice scans what Bob shows", alice, bob)
  scan("base-turned", "Bob scans what Alice shows", bob, alice)
  scan("several", "several devices on both sides", alices.three, bobs.three)
  scan("no-device", "a peer without devices", alice, bobs.none)
  scan("after-update", "after both know the second device", alice, bobs.two)
  const typed = (id: string, title: string, text: (digits: string) => string): void => {
    file.valid(
      { id: `safety-typed-${id}`, title, clauses: ["safety.digits.3"], world },
      "safety.typed",
      { ...inputs(alice, bob), text: text(digits(trace, alice, bob)) },
      {}
    )
  }
  typed("grouped", "as they are shown", (text) => text)
  typed("bare", "without spaces", (text) => text.replaceAll(" ", ""))
  typed("lines", "four lines that end in carriage return and line feed", (text) =>
    text.replace(/((?:\d{5} ){3})/g, (part) => `${part.trim()}\r\n`)
  )
  typed(
    "spaced",
    "other spaces, before and behind too",
    (text) => ` ${text.replaceAll(" ", "").replace(/(..)/g, "$1 ")} `
  )

  // ---- Comparisons that do not agree
  const refuse = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    flags: ReadonlyArray<string>,
    twin: string,
    delta: Delta,
    cause: string
  ): void => {
    const critical = /^safety\.(?:account|devices|digits)$/.test(cause)
    file.invalid({ id: `safety-bad-${id}`, title, clauses, flags, critical }, twin, delta, cause)
  }
  const at = "in/code"
  const base = "safety-scan-base"
  const swapTo = (value: Ref, field: string): Delta => ({ at, op: "assign", value, field })
  const rule = ["safety.code.2"]
  const form = ["safety.code.1"]
  // 93 01 | 92 c420 fingerprint c410 print | 92 c420 fingerprint c410 print
  const bit = (offset: number, field: string): Delta => ({ at, op: "xor", offset, bytes: "01", field })
  refuse(
    "own-fingerprint",
    "one bit of the shown own fingerprint",
    [...rule, "safety.fingerprint.1"],
    ["Modified"],
    base,
    bit(5, "own fingerprint"),
    "safety.devices"
  )
  refuse(
    "own-fingerprint-end",
    "its last bit, which is in no digit",
    [...rule, "safety.code.3"],
    ["Modified"],
    base,
    bit(36, "own fingerprint"),
    "safety.devices"
  )
  refuse(
    "own-print",
    "one bit of the shown own account print",
    [...rule, "safety.account.1"],
    ["Modified"],
    base,
    bit(39, "own account print"),
    "safety.account"
  )
  refuse(
    "peer-fingerprint",
    "one bit of the shown peer fingerprint",
    rule,
    ["Modified"],
    base,
    bit(58, "peer fingerprint"),
    "safety.devices"
  )
  refuse(
    "peer-print",
    "one bit of the shown peer account print",
    rule,
    ["Modified"],
    base,
    bit(107, "peer account print"),
    "safety.account"
  )
  refuse(
    "reflected",
    "Alice scans her own code",
    rule,
    ["Form"],
    base,
    swapTo(code(trace, alice, bob), "code"),
    "safety.reflected"
  )
  refuse(
    "reflected-device",
    "Alice scans the code of another device of hers that knows more devices",
    rule,
    ["Form"],
    base,
    swapTo(code(trace, alices.two, bob), "code"),
    "safety.reflected"
  )
  refuse(
    "interposed",
    "Bob shows what he sees: somebody in between",
    rule,
    ["Interposed"],
    base,
    swapTo(code(trace, bob, mallory), "code"),
    "safety.account"
  )
  refuse(
    "interposed-peer",
    "who shows the code is somebody in between",
    rule,
    ["Interposed"],
    base,
    swapTo(code(trace, mallory, alice), "code"),
    "safety.account"
  )
  refuse(
    "interposed-device",
    "another account that lists Bob's very device",
    rule,
    ["Interposed"],
    base,
    swapTo(code(trace, bobKeysUnderMallory, alice), "code"),
    "safety.account"
  )
  refuse(
    "for-another",
    "Bob's code for Carol",
    rule,
    ["Modified"],
    base,
    swapTo(code(trace, bob, carol), "code"),
    "safety.account"
  )
  refuse(
    "stale-peer",
    "Bob has a second device Alice does not know",
    rule,
    ["Stale"],
    base,
    swapTo(code(trace, bobs.two, alice), "code"),
    "safety.devices"
  )
  refuse(
    "stale-own",
    "Bob does not know Alice's second device yet",
    rule,
    ["Stale"],
    base,
    swapTo(code(trace, bob, alices.two), "code"),
    "safety.devices"
  )
  refuse(
    "stale-both",
    "neither knows the other's second device",
    rule,
    ["Stale"],
    base,
    swapTo(code(trace, bobs.two, alices.two), "code"),
    "safety.devices"
  )
  refuse(
    "stale-revoked",
    "Alice still lists the device that Bob revoked",
    rule,
    ["Stale"],
    "safety-scan-after-update",
    swapTo(code(trace, bobs.second, alice), "code"),
    "safety.devices"
  )
  refuse(
    "agreement-key",
    "Alice was given another agreement key of Bob's device",
    [...rule, "safety.party.1"],
    ["Interposed"],
    base,
    { at: "in/peerDevices", op: "assign", value: bobs.agree.devices as Json, field: "agreement key" },
    "safety.devices"
  )
  refuse(
    "device-slipped-in",
    "Alice was given a device that Bob never added",
    [...rule, "safety.party.1"],
    ["Interposed"],
    base,
    { at: "in/peerDevices", op: "assign", value: bobs.mallory.devices as Json, field: "devices" },
    "safety.devices"
  )
  refuse(
    "role",
    "Alice was told that Bob's device is a replica",
    [...rule, "safety.party.1"],
    ["Modified"],
    base,
    { at: "in/peerDevices", op: "assign", value: bobs.replica.devices as Json, field: "role" },
    "safety.devices"
  )
  refuse(
    "version-0",
    "version 0",
    ["safety.version.1"],
    ["Version"],
    base,
    { at, op: "set", offset: 1, bytes: "00", field: "version" },
    "safety.version"
  )
  refuse(
    "version-2",
    "version 2",
    ["safety.version.1"],
    ["Version"],
    base,
    { at, op: "set", offset: 1, bytes: "02", field: "version" },
    "safety.version"
  )
  refuse(
    "version-128",
    "version 128, with another tail",
    ["safety.version.1", "safety.outcome.1"],
    ["Version"],
    base,
    { at, op: "reencode", offset: 0, length: 108, bytes: "92cc80c0", kind: "another version" },
    "safety.version"
  )
  refuse(
    "version-2-longest",
    "version 2, as long as a code of any version may be",
    ["safety.version.1"],
    ["Version"],
    base,
    { at, op: "reencode", offset: 0, length: 108, bytes: `9202c50b84${"00".repeat(2948)}`, kind: "another version" },
    "safety.version"
  )
  refuse(
    "version-2-too-long",
    "a byte longer than a code of any version",
    ["safety.version.1"],
    ["Version"],
    base,
    { at, op: "reencode", offset: 0, length: 108, bytes: `9202c50b85${"00".repeat(2949)}`, kind: "another version" },
    "decode.size"
  )
  refuse(
    "version-long",
    "version 1 in a longer form",
    ["codec.form.2"],
    ["Form"],
    base,
    { at, op: "reencode", offset: 1, length: 2, bytes: "cc01", kind: "uint8" },
    "decode.noncanonical"
  )
  refuse(
    "too-long",
    "a byte more than a code has",
    form,
    ["Form"],
    base,
    { at, op: "insert", offset: 108, bytes: "00" },
    "decode.size"
  )
  refuse(
    "cut",
    "the last byte missing",
    form,
    ["Form"],
    base,
    { at, op: "cut", offset: 107, length: 1 },
    "decode.truncated"
  )
  refuse(
    "fingerprint-31",
    "a fingerprint of 31 bytes",
    form,
    ["Form"],
    base,
    { at, op: "reencode", offset: 3, length: 3, bytes: "c41f", kind: "31 bytes" },
    "decode.size"
  )
  refuse(
    "print-15",
    "an account print of 15 bytes",
    form,
    ["Form"],
    base,
    { at, op: "reencode", offset: 37, length: 3, bytes: "c40f", kind: "15 bytes" },
    "decode.size"
  )
  refuse(
    "one-side",
    "only one side",
    [...form, "failure.codec.1"],
    ["Form"],
    base,
    { at, op: "reencode", offset: 0, length: 55, bytes: "9201", kind: "two items" },
    "decode.size"
  )
  refuse("empty", "nothing", form, ["Form"], base, { at, op: "cut", offset: 0, length: 108 }, "decode.truncated")
  refuse(
    "self",
    "both parties are one account",
    ["safety.self.1"],
    ["Modified"],
    "safety-number-base",
    { at: "in/peerAccount", op: "assign", value: alice.account },
    "safety.reflected"
  )
  const own = digits(trace, alice, bob)
  const text = (
    id: string,
    title: string,
    value: string,
    flags: ReadonlyArray<string>,
    cause: string,
    clauses: ReadonlyArray<string> = ["safety.digits.3"]
  ): void => refuse(id, title, clauses, flags, "safety-typed-grouped", { at: "in/text", op: "assign", value }, cause)
  const next = (place: number): string =>
    own.slice(0, place) + ((Number(own[place]) + 1) % 10).toString() + own.slice(place + 1)
  text("typed-first", "the first digit is another", next(0), ["Modified"], "safety.digits", [
    "safety.digits.3",
    "safety.digits.1"
  ])
  text("typed-last", "the last digit is another", next(own.length - 1), ["Modified"], "safety.digits")
  text("typed-halves", "the halves exchanged", `${own.slice(36)} ${own.slice(0, 35)}`, ["Modified"], "safety.digits", [
    "safety.digits.3",
    "safety.digits.2"
  ])
  text(
    "typed-interposed",
    "the number Bob sees with somebody in between",
    digits(trace, bob, mallory),
    ["Interposed"],
    "safety.digits"
  )
  text("typed-short", "59 digits", own.slice(0, -1), ["Form"], "decode.truncated")
  text("typed-long", "61 digits", `${own}0`, ["Form"], "decode.trailing")
  text("typed-letter", "the letter O for a zero", own.replace(/\d$/, "O"), ["Form"], "decode.value")
  text("typed-wide", "a full-width digit", own.replace(/\d$/, "\uff10"), ["Form"], "decode.value")
  text("typed-dash", "dashes between the groups", own.replaceAll(" ", "-"), ["Form"], "decode.value")
  text("typed-nothing", "nothing at all", "", ["Form"], "decode.truncated")
  return file.file()
}
