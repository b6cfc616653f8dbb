/**
 * F05: prekey bundles, as a directory that is not trusted hands them out.
 *
 * Spec: docs/spec/05-agreement.md §5.1.
 */
import { bundle } from "../agreement.ts"
import { hex, le } from "../bytes.ts"
import * as edwards from "../edwards.ts"
import { FileBuilder } from "../family.ts"
import { overwrite, underSmallKey } from "../forge.ts"
import { certificate, device, manifest, type Listed } from "../identity.ts"
import type { Delta, JsonObject, VectorFile } from "../model.ts"
import { label } from "../ops.ts"
import type { Ref } from "../trace.ts"
import { begin, beginSession, family, publish, Session, type Published } from "./agreement.ts"

export const bundles = (): VectorFile => {
  const file = new FileBuilder(family, "bundle")
  const world = "published"
  const trace = file.world(world, "what Bob published, and what others could put in its place")
  const bob = publish(trace, "bob", `bundle/${world}`)
  const carol = publish(trace, "carol", `bundle/${world}`)
  const out = (changes: JsonObject = {}): JsonObject => ({
    device: bob.device.device,
    agreement: bob.device.agree,
    mailbox: bob.device.mailbox,
    signedPrekeyId: 7,
    signedPrekey: bob.spk.key,
    kemOneTime: true,
    kemPrekeyId: 11,
    kemPrekey: bob.kem[0]!.key,
    oneTimePrekeyId: 9,
    oneTimePrekey: bob.opk[0]!.key,
    suites: [1, 2, 3],
    ...changes
  })
  const accept = (
    id: string,
    title: string,
    bytes: Ref,
    changes: JsonObject = {},
    clauses: ReadonlyArray<string> = ["prekey.bundle.1", "prekey.check.1"]
  ): void =>
    void file.valid(
      { id: `bundle-${id}`, title, clauses, world },
      "bundle.check",
      { bytes, account: bob.device.account },
      out(changes)
    )
  const full = bundle(trace, "full", bob.device, bob.spk, bob.kem[0]!, bob.opk[0])
  accept("full", "one-time prekeys of both kinds", full)
  accept(
    "no-one-time",
    "no one-time X25519 prekey",
    bundle(trace, "no-one-time", bob.device, bob.spk, bob.kem[0]!, undefined),
    { oneTimePrekeyId: 0, oneTimePrekey: "" }
  )
  accept(
    "last-resort",
    "the last-resort KEM prekey",
    bundle(trace, "last-resort", bob.device, bob.spk, bob.last, bob.opk[0]),
    { kemOneTime: false, kemPrekeyId: 3, kemPrekey: bob.last.key }
  )
  accept(
    "last-resort-only",
    "nothing of which there is only one",
    bundle(trace, "last-resort-only", bob.device, bob.spk, bob.last, undefined),
    { kemOneTime: false, kemPrekeyId: 3, kemPrekey: bob.last.key, oneTimePrekeyId: 0, oneTimePrekey: "" }
  )
  accept(
    "other-signed",
    "another signed prekey",
    bundle(trace, "other-signed", bob.device, bob.spk2, bob.kem[1]!, bob.opk[1]),
    {
      signedPrekeyId: 8,
      signedPrekey: bob.spk2.key,
      kemPrekeyId: 12,
      kemPrekey: bob.kem[1]!.key,
      oneTimePrekeyId: 10,
      oneTimePrekey: bob.opk[1]!.key
    }
  )
  accept("one-suite", "one suite", bundle(trace, "one-suite", bob.device, bob.spk, bob.kem[0]!, bob.opk[0], [2]), {
    suites: [2]
  })
  accept(
    "unknown-suites",
    "suites of later versions among them",
    bundle(trace, "unknown-suites", bob.device, bob.spk, bob.kem[0]!, bob.opk[0], [1, 9, 200, 70000]),
    { suites: [1, 9, 200, 70000] }
  )
  accept(
    "eight-suites",
    "eight suites",
    bundle(trace, "eight-suites", bob.device, bob.spk, bob.kem[0]!, bob.opk[0], [1, 2, 3, 4, 5, 6, 7, 8]),
    { suites: [1, 2, 3, 4, 5, 6, 7, 8] }
  )
  accept(
    "stranger-one-time",
    "a one-time prekey that Bob never made: accepted here, since it is not signed",
    bundle(trace, "stranger-one-time", bob.device, bob.spk, bob.kem[0]!, carol.opk[0]),
    { oneTimePrekey: carol.opk[0]!.key },
    ["prekey.sign.1"]
  )
  bundle(trace, "carols", carol.device, carol.spk, carol.kem[0]!, carol.opk[0])
  belonging(file, bob, carol)
  const twin = "bundle-full"
  const at = "in/bytes"
  const refuse = (
    id: string,
    title: string,
    clause: string,
    flag: string,
    delta: Delta,
    cause: string,
    on = twin
  ): void =>
    void file.invalid(
      { id: `bundle-bad-${id}`, title, clauses: [clause, "prekey.check.1"], flags: [flag] },
      on,
      delta,
      cause
    )
  const length = trace.look("full").length
  const certificateLength = trace.look("bob.certificate").length
  // 97 01 c4 length certificate c410 mailbox 93 id c420 key c440 signature 94 id kind c5.. key c440 signature 91 92 id c420 key 93 suites
  const mailbox = 4 + certificateLength
  const spk = mailbox + 18 + 1
  const spkKey = spk + 3
  const spkSignature = spkKey + 34
  const kem = spkSignature + 64 + 1
  const kemKey = kem + 5
  const kemSignature = kemKey + 1186
  const opk = kemSignature + 64 + 2
  const suites = opk + 35
  const bit = (offset: number, field: string): Delta => ({ at, op: "xor", offset, bytes: "01", field })
  const set = (offset: number, bytes: string, field: string): Delta => ({ at, op: "set", offset, bytes, field })
  refuse(
    "certificate-account",
    "the account in the certificate",
    "certificate.check.1",
    "Directory",
    bit(8, "certificate.account"),
    "auth.certificate"
  )
  refuse(
    "certificate-device",
    "the device id in the certificate",
    "certificate.check.1",
    "Directory",
    bit(42, "certificate.device id"),
    "auth.certificate"
  )
  refuse(
    "certificate-agreement",
    "the agreement key in the certificate",
    "certificate.check.1",
    "Directory",
    bit(76, "certificate.agreement key"),
    "auth.certificate"
  )
  refuse(
    "certificate-role",
    "the role in the certificate",
    "certificate.check.1",
    "Directory",
    set(108, "01", "certificate.role"),
    "auth.certificate"
  )
  refuse(
    "certificate-signature",
    "the signature of the certificate",
    "certificate.check.1",
    "Directory",
    bit(mailbox - 1, "certificate.signature"),
    "auth.certificate"
  )
  refuse(
    "other-account",
    "Bob's bundle for somebody who means to reach Carol",
    "prekey.check.1",
    "Directory",
    { at: "in/account", op: "assign", value: carol.device.account },
    "auth.account"
  )
  refuse(
    "signed-key",
    "the signed prekey",
    "prekey.sign.1",
    "Directory",
    bit(spkKey + 3, "signed prekey"),
    "auth.prekey"
  )
  refuse(
    "signed-id",
    "the id of the signed prekey",
    "prekey.sign.1",
    "Directory",
    set(spk, "08", "signed prekey id"),
    "auth.prekey"
  )
  refuse(
    "signed-signature",
    "the signature of the signed prekey",
    "prekey.sign.1",
    "Directory",
    bit(spkSignature + 10, "signed prekey signature"),
    "auth.prekey"
  )
  refuse(
    "signed-of-carol",
    "Carol's signed prekey with her signature",
    "prekey.sign.1",
    "Directory",
    { at, op: "splice", offset: spk, length: 101, from: "$carols", source: [spk, 101] },
    "auth.prekey"
  )
  refuse("kem-key", "the KEM prekey", "prekey.sign.1", "Directory", bit(kemKey + 1100, "KEM prekey"), "auth.prekey")
  refuse(
    "kem-id",
    "the id of the KEM prekey",
    "prekey.sign.1",
    "Directory",
    set(kem, "0c", "KEM prekey id"),
    "auth.prekey"
  )
  refuse(
    "kem-kind",
    "a one-time KEM prekey said to be the last-resort one",
    "prekey.sign.1",
    "Directory",
    set(kem + 1, "00", "KEM kind"),
    "auth.prekey"
  )
  refuse(
    "kem-kind-other",
    "the last-resort KEM prekey said to be a one-time one",
    "prekey.sign.1",
    "Directory",
    set(kem + 1, "01", "KEM kind"),
    "auth.prekey",
    "bundle-last-resort"
  )
  refuse(
    "kem-signature",
    "the signature of the KEM prekey",
    "prekey.sign.1",
    "Directory",
    bit(kemSignature + 63, "KEM prekey signature"),
    "auth.prekey"
  )
  refuse(
    "signatures-exchanged",
    "the two signatures exchanged",
    "prekey.sign.1",
    "Directory",
    { at, op: "swap", a: [spkSignature, 64], b: [kemSignature, 64] },
    "auth.prekey"
  )
  for (const [i, u] of edwards.smallOrderU.entries())
    refuse(
      `one-time-small-${i}`,
      "a one-time prekey of low order",
      "prekey.check.1",
      "Directory",
      set(opk + 3, hex(le(u, 32)), "one-time prekey"),
      "auth.prekey"
    )
  refuse(
    "suites-descending",
    "suites out of order",
    "prekey.bundle.1",
    "Directory",
    { at, op: "swap", a: [suites + 1, 1], b: [suites + 2, 1] },
    "decode.noncanonical"
  )
  refuse(
    "suites-twice",
    "a suite twice",
    "prekey.bundle.1",
    "Directory",
    set(suites + 2, "01", "suites"),
    "decode.noncanonical"
  )
  refuse("suites-0", "suite 0", "prekey.bundle.1", "Directory", set(suites + 1, "00", "suites"), "decode.value")
  refuse(
    "suites-none",
    "no suite",
    "prekey.bundle.1",
    "Directory",
    { at, op: "reencode", offset: suites, length: 4, bytes: "90", kind: "empty list" },
    "decode.size"
  )
  refuse(
    "suites-nine",
    "nine suites",
    "prekey.bundle.1",
    "Directory",
    { at, op: "reencode", offset: suites, length: 4, bytes: "99010203040506070809", kind: "nine" },
    "decode.size"
  )
  refuse("version-2", "another version", "prekey.bundle.1", "Directory", set(1, "02", "version"), "decode.value")
  refuse(
    "signed-id-0",
    "signed prekey id 0",
    "prekey.kinds.1",
    "Directory",
    set(spk, "00", "signed prekey id"),
    "decode.value"
  )
  refuse("kem-kind-2", "KEM kind 2", "prekey.bundle.1", "Directory", set(kem + 1, "02", "KEM kind"), "decode.value")
  refuse(
    "one-time-two",
    "two one-time prekeys",
    "prekey.bundle.1",
    "Directory",
    { at, op: "insert", offset: suites, bytes: `920ac420${"42".repeat(32)}` },
    "decode.type"
  )
  refuse(
    "trailing",
    "a byte behind it",
    "codec.decode.4",
    "Directory",
    { at, op: "insert", offset: length, bytes: "00" },
    "decode.trailing"
  )
  refuse(
    "cut",
    "the last byte missing",
    "codec.decode.3",
    "Directory",
    { at, op: "cut", offset: length - 1, length: 1 },
    "decode.truncated"
  )
  // Bob himself signs what nobody may use. The signature is made anew, so only the check of the key can object.
  const lie = (
    id: string,
    title: string,
    value: string,
    inner: Delta,
    cause: string,
    clause = "prekey.check.1"
  ): void =>
    void file.invalid(
      { id: `bundle-lie-${id}`, title, clauses: [clause], flags: ["PublisherLie"] },
      twin,
      { at, op: "resign", value, inner },
      cause
    )
  for (const [i, u] of edwards.smallOrderU.entries())
    lie(
      `signed-small-${i}`,
      "a signed prekey of low order",
      "bob.spk7",
      { at: "value", op: "set", offset: 0, bytes: hex(le(u, 32)) },
      "auth.prekey"
    )
  lie(
    "kem-modulus",
    "a KEM prekey with a coefficient of at least q",
    "bob.kem11",
    { at: "value", op: "set", offset: 0, bytes: "ffff" },
    "auth.prekey",
    "crypto.mlkem.3"
  )
  lie(
    "agreement-small",
    "an agreement key of low order in the certificate",
    "bob.agree",
    { at: "value", op: "set", offset: 0, bytes: "00".repeat(32) },
    "auth.certificate",
    "certificate.check.1"
  )
  lie(
    "device-small",
    "a device id of low order in the certificate",
    "bob.device",
    { at: "value", op: "set", offset: 0, bytes: `01${"00".repeat(31)}` },
    "auth.certificate",
    "certificate.check.1"
  )
  forged(file, bob)
  beginnings(file)
  return file.file()
}

/** A device id of small order that the account did certify, and prekey signatures that solve the equation with it. */
const forged = (file: FileBuilder, bob: Published): void => {
  for (const order of [1, 8] as const) {
    const trace = file.trace("published")
    const point = edwards.torsion[order === 1 ? 0 : 1]!
    const small = edwards.encode(point)
    const keys = { account: bob.device.account, device: trace.literal("small", small), agree: bob.device.agree }
    const owner = { ...bob.device, certificate: certificate(trace, "certified", bob.device.accountSeed, keys) }
    const solved = (id: string, purpose: string, key: Ref, keyId: number): Ref => {
      const statement = trace.op(`${id}.statement`, "canon", { value: [keyId, key] })
      return trace.literal(id, underSmallKey(small, label(purpose, trace.value(statement))))
    }
    const [spk, kem] = [bob.spk, bob.kem[0]!]
    const whole = bundle(
      trace,
      "forged",
      owner,
      { ...spk, signature: solved("spk", "signed prekey", spk.key, spk.id) },
      { ...kem, signature: solved("kem", "one-time KEM prekey", kem.key, kem.id) },
      bob.opk[0]
    )
    file.invalid(
      {
        id: `bundle-forged-order-${order}`,
        title: `a certified device id of order ${order}, and signatures of prekeys that solve the equation with it`,
        clauses: ["certificate.check.1", "prekey.check.1", "crypto.ed25519.5"],
        flags: ["PublisherLie"]
      },
      "bundle-full",
      overwrite("in/bytes", trace.look("full"), trace.value(whole), "device id to the last signature"),
      "auth.certificate"
    )
  }
}

const keysOf = ({ device: { account, agree, device } }: Published) => ({ account, device, agree })

/** Whether a bundle is that of the device one asked for, as the account's manifest lists it. */
const belonging = (file: FileBuilder, bob: Published, carol: Published): void => {
  const world = "published"
  const trace = file.trace(world)
  const first = { key: bob.device, addedIn: 1 }
  const make = (id: string, devices: ReadonlyArray<Listed>): Ref =>
    manifest(trace, id, bob.device, { version: 1, previous: undefined, devices })
  const listed = make("listed", [first, { key: carol.device, addedIn: 1 }])
  const twin = "bundle-belongs"
  file.valid(
    { id: twin, title: "the manifest lists the device with its key", clauses: ["prekey.check.2"], world, trace },
    "bundle.belongs",
    { bytes: "$full", account: bob.device.account, device: bob.device.device, manifest: listed },
    {}
  )
  const refuse = (id: string, title: string, member: string, value: string, flag = "Directory"): void =>
    void file.invalid(
      { id: `${twin}-not-${id}`, title, clauses: ["prekey.check.2"], flags: [flag], trace },
      twin,
      { at: `in/${member}`, op: "assign", value },
      "auth.account"
    )
  refuse("asked", "another device was asked for", "device", carol.device.device)
  refuse(
    "listed",
    "the manifest does not list the device",
    "manifest",
    make("unlisted", [{ key: carol.device, addedIn: 1 }])
  )
  refuse(
    "key",
    "the manifest lists it with another key",
    "manifest",
    make("other-key", [{ ...first, agree: carol.device.agree }])
  )
  refuse("replica", "the manifest says that it is a replica", "manifest", make("replica", [{ ...first, role: 3 }]))
  const replica = {
    ...bob.device,
    certificate: certificate(trace, "replica.certificate", bob.device.accountSeed, keysOf(bob), 3)
  }
  const certified = bundle(trace, "certified-replica", replica, bob.spk, bob.kem[0]!, bob.opk[0])
  refuse("certified-replica", "its certificate says that it is a replica", "bytes", certified)
}

/** Beginning a session with a bundle. */
const beginnings = (file: FileBuilder): void => {
  const world = "begin"
  const trace = file.world(world, "Alice begins a session with Bob")
  const alice = device(trace, "alice", "bundle/begin/alice/1")
  const bob = publish(trace, "bob", "bundle/begin")
  const session = new Session(trace, "s", 1, alice, "bundle/begin/alice/1", bob, { opk: bob.opk[0], kem: bob.kem[0]! })
  const twin = "begin-session"
  const steps = [begin(alice, "alice/1"), beginSession(session, "alice/1", [1, 2])]
  file.transcript(
    { id: twin, title: "Alice prefers suite 1 and Bob accepts it", clauses: ["prekey.bundle.1", "pqxdh.kdf.1"], world },
    steps
  )
  for (const [suite, preference] of [
    [2, [2, 1]],
    [3, [3, 2, 1]]
  ] as const) {
    const other = new Session(trace, `s${suite}`, suite, alice, `bundle/begin/alice/1/${suite}`, bob, {
      opk: bob.opk[1],
      kem: bob.kem[1]!
    })
    file.transcript(
      {
        id: `begin-session-suite-${suite}`,
        title: `Alice prefers suite ${suite}`,
        clauses: ["prekey.bundle.1"],
        world
      },
      [begin(alice, "alice/1"), beginSession(other, "alice/1", preference)]
    )
  }
  const refuse = (
    id: string,
    title: string,
    clause: string,
    flag: string,
    delta: Delta,
    cause: string,
    rejects = 1
  ): void =>
    void file.refused({ id: `begin-bad-${id}`, title, clauses: [clause], flags: [flag] }, twin, delta, cause, {
      rejects,
      probe: steps
    })
  const bundleAt = "script/1/in/bundle"
  refuse(
    "suite",
    "Bob accepts none of Alice's suites",
    "prekey.bundle.1",
    "Policy",
    { at: "script/1/in/suites", op: "assign", value: [] },
    "policy.suite"
  )
  refuse(
    "account",
    "the bundle of another account than the one meant",
    "prekey.check.1",
    "Directory",
    { at: "script/1/in/account", op: "assign", value: alice.account },
    "auth.account"
  )
  refuse(
    "signed-prekey",
    "a changed signed prekey",
    "prekey.check.1",
    "Directory",
    { at: bundleAt, op: "xor", offset: 4 + trace.look("bob.certificate").length + 18 + 4, bytes: "01" },
    "auth.prekey"
  )
  refuse(
    "own-device",
    "Bob's own device begins with itself",
    "pqxdh.self.1",
    "Misbinding",
    { at: "script/0/in/device", op: "assign", value: bob.device.device },
    "auth.reflected"
  )
  // What Bob accepts is more than Alice prefers, and less.
  const fewer = new Session(trace, "fewer", 1, alice, "bundle/begin/alice/1/fewer", bob, {
    opk: bob.opk[0],
    kem: bob.kem[0]!,
    accepts: [1, 3, 200]
  })
  const choice = "begin-session-second-choice"
  const chosen = [begin(alice, "alice/1"), beginSession(fewer, "alice/1", [2, 1, 3])]
  file.transcript(
    {
      id: choice,
      title: "Bob does not accept what Alice prefers, and accepts two others: the one that comes first with her",
      clauses: ["prekey.bundle.1", "suite.choice.1"],
      world
    },
    chosen
  )
  file.refused(
    {
      id: `${choice}-none`,
      title: "Bob's suites are not Alice's",
      clauses: ["prekey.bundle.1", "suite.choice.1"],
      flags: ["Policy"]
    },
    choice,
    { at: "script/1/in/suites", op: "assign", value: [2] },
    "policy.suite",
    { rejects: 1, probe: chosen }
  )
}
