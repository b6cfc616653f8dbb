/**
 * F19: accounts as they live: largest and smallest manifests, devices that change roles or all leave, two accounts side by side, first
 * contacts, and certificates at the borders of their forms.
 *
 * Spec: docs/spec/04-accounts.md. Long because it is one table of cases.
 */
import { compare, le } from "../bytes.ts"
import { FileBuilder } from "../family.ts"
import {
  certificate,
  device,
  issuedAt,
  manifest,
  signed,
  type Device,
  type Listed,
  type Revoked,
  type Statement
} from "../identity.ts"
import type { Delta, Json, ScriptStep, VectorFile } from "../model.ts"
import type { Arg, Ref } from "../trace.ts"
import { family } from "./identity.ts"

const bob = "bob/1"

export const lives = (): VectorFile => {
  const file = new FileBuilder(family, "lives")
  const world = "lives"
  const trace = file.world(world, "manifests of two accounts, in several histories")
  const actor = (who: string, n: number): string => `${file.topic}/${who}/${n}`
  const alice = device(trace, "a1", actor("alice", 1))
  const [a2, a3, a4] = [2, 3, 4].map((n) => device(trace, `a${n}`, actor("alice", n), alice)) as [
    Device,
    Device,
    Device
  ]
  const carol = device(trace, "carol", actor("carol", 1))
  const sortedBy = <T extends { readonly key: Device }>(entries: ReadonlyArray<T>): ReadonlyArray<T> =>
    entries.toSorted((a, b) => compare(trace.value(a.key.device), trace.value(b.key.device)))
  const first: Listed = { key: alice, addedIn: 1, role: 1 }

  // ---- Single manifests
  const verify = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    statement: Statement,
    named = true
  ): void => {
    manifest(trace, id, alice, statement)
    file.valid(
      { id: `lives-manifest-${id}`, title, clauses, world },
      "manifest.verify",
      { bytes: `$${id}`, ...(named ? { account: alice.account } : {}) },
      {
        account: alice.account,
        version: statement.version,
        previous: statement.previous ?? "",
        issuedAt: issuedAt + statement.version,
        devices: sortedBy(statement.devices).map(({ addedIn, agree, key, role }): Json => [
          key.device,
          agree ?? key.agree,
          role ?? 2,
          addedIn
        ]),
        revocations: sortedBy(statement.revocations ?? []).map(({ key, revokedIn }): Json => [key.device, revokedIn]),
        hash: `$${id}.hash`
      }
    )
  }
  const layout = ["manifest.layout.1"]
  const order = ["manifest.layout.1", "manifest.order.1"]
  verify(
    "unnamed",
    "of an account nobody asked for",
    ["manifest.check.1"],
    { version: 1, previous: undefined, devices: [first] },
    false
  )
  const previous = trace.coin("some-hash", actor("alice", 1), "test.hash", 0, 32)
  for (const version of [127, 128, 65_536, 4_294_967_296])
    verify(`version-${version}`, `version ${version}`, layout, {
      version,
      previous,
      devices: [{ ...first, addedIn: version }]
    })
  verify("admins", "nothing but admins", ["device.role.1"], {
    version: 2,
    previous,
    devices: [first, { key: a2, addedIn: 2, role: 1 }]
  })
  verify("replicas", "nothing but replicas", ["device.role.1"], {
    version: 2,
    previous,
    devices: [
      { ...first, role: 3 },
      { key: a2, addedIn: 2, role: 3 }
    ]
  })
  verify("revoked-alone", "no device, one revocation", order, {
    version: 2,
    previous,
    devices: [],
    revocations: [{ key: a2, revokedIn: 2 }]
  })
  verify("revoked-in-1", "a device revoked in the first version", order, {
    version: 3,
    previous,
    devices: [first],
    revocations: [{ key: a2, revokedIn: 1 }]
  })
  verify("extensions", "two unknown extensions, one of them a map", ["codec.ext.4"], {
    version: 1,
    previous: undefined,
    devices: [first],
    extensions: [
      [3, [1, 2]],
      [129, { map: [[0, Uint8Array.of(0xa1, 0xb2)]] }]
    ]
  })
  // Ids that stand for nothing: nobody holds keys of so many devices.
  const filler = (n: number): Device => {
    const name = `many.${n}`
    if (!trace.has(name)) trace.coin(name, actor("many", n), "test.device", 0, 32)
    return { ...alice, name, device: `$${name}` }
  }
  const many = (count: number, from = 0): ReadonlyArray<Device> =>
    Array.from({ length: count }, (_, i) => filler(from + i))
  const listed = (keys: ReadonlyArray<Device>): ReadonlyArray<Listed> => keys.map((key) => ({ key, addedIn: 1 }))
  const revoked = (keys: ReadonlyArray<Device>): ReadonlyArray<Revoked> => keys.map((key) => ({ key, revokedIn: 2 }))
  verify("devices-15", "fifteen devices, the longest list with a head of one byte", layout, {
    version: 1,
    previous: undefined,
    devices: listed(many(15))
  })
  verify("devices-50", "fifty devices", layout, { version: 1, previous: undefined, devices: listed(many(50)) })
  const tooMany = (id: string, title: string, twin: string, statement: Statement): void => {
    manifest(trace, id, alice, statement)
    file.invalid(
      { id: `lives-manifest-bad-${id}`, title, clauses: layout, flags: ["Order"] },
      `lives-manifest-${twin}`,
      { at: "in/bytes", op: "assign", value: `$${id}` },
      "decode.size"
    )
  }
  tooMany("devices-51", "fifty-one", "devices-50", { version: 1, previous: undefined, devices: listed(many(51)) })
  verify("revocations-500", "five hundred revocations", layout, {
    version: 2,
    previous,
    devices: [first],
    revocations: revoked(many(500))
  })
  tooMany("revocations-501", "five hundred and one", "revocations-500", {
    version: 2,
    previous,
    devices: [first],
    revocations: revoked(many(501))
  })

  // ---- Histories
  const statements = new Map<string, Statement>()
  const say = (
    id: string,
    before: string | undefined,
    devices: ReadonlyArray<Listed>,
    revocations: ReadonlyArray<Revoked> = [],
    more: Partial<Statement> = {}
  ): void => {
    const version = before === undefined ? 1 : statements.get(before)!.version + 1
    const statement: Statement = {
      version,
      previous: before === undefined ? undefined : `$${before}.hash`,
      devices,
      revocations,
      ...more
    }
    statements.set(id, statement)
    manifest(trace, id, alice, statement)
  }
  const update = (answer: ReadonlyArray<string>, newest = answer.at(-1)!): ScriptStep => {
    const { devices, revocations, version } = statements.get(newest)!
    return {
      do: "manifest.update",
      as: bob,
      in: { account: alice.account, answer: answer.map((id) => `$${id}`) },
      expect: "ok",
      out: {
        version,
        hash: `$${newest}.hash`,
        devices: sortedBy(devices).map(({ key }) => key.device),
        revoked: sortedBy(revocations ?? []).map(({ key }) => key.device)
      }
    }
  }
  const certify = (name: string, key: Device, role: number, version: number, by = alice): Ref =>
    certificate(
      trace,
      name,
      by.accountSeed,
      { account: by.account, device: key.device, agree: key.agree },
      role,
      version
    )
  const admit = (bytes: Ref, pinned?: Ref): ScriptStep => ({
    do: "manifest.admit",
    as: bob,
    in: { certificate: bytes, ...(pinned === undefined ? {} : { pinned }) },
    expect: "ok",
    out: {}
  })
  const accept = (id: string, title: string, clauses: ReadonlyArray<string>, steps: ReadonlyArray<ScriptStep>): void =>
    void file.transcript({ id: `lives-${id}`, title, clauses, world }, steps)
  const refuse = (
    id: string,
    title: string,
    clause: string,
    flag: string,
    twin: string,
    delta: Delta,
    cause: string
  ): void =>
    void file.refused(
      { id: `lives-bad-${id}`, title, clauses: [clause], flags: [flag], critical: true },
      `lives-${twin}`,
      delta,
      cause
    )
  const given = (step: number, answer: ReadonlyArray<string>): Delta => ({
    at: `script/${step}/in/answer`,
    op: "assign",
    value: answer.map((id) => `$${id}`)
  })
  const shown = (step: number, bytes: Ref): Delta => ({
    at: `script/${step}/in/certificate`,
    op: "assign",
    value: bytes
  })
  const updates = ["manifest.update.1", "manifest.update.2"]
  say("h1", undefined, [first])
  say("h2", "h1", [first, { key: a2, addedIn: 2 }])
  say("swap", "h2", [first, { key: a3, addedIn: 3 }], [{ key: a2, revokedIn: 3 }])
  accept("device-exchanged", "one device revoked and another added in one version", updates, [
    update(["h1", "h2"]),
    update(["swap"])
  ])
  say("three", "h2", [first, { key: a2, addedIn: 2 }, { key: a3, addedIn: 3 }])
  say(
    "both-gone",
    "three",
    [first],
    [
      { key: a2, revokedIn: 4 },
      { key: a3, revokedIn: 4 }
    ]
  )
  accept("two-revoked", "two devices revoked in one version", updates, [
    update(["h1", "h2", "three"]),
    update(["both-gone"])
  ])
  say("two-added", "h1", [first, { key: a2, addedIn: 2 }, { key: a3, addedIn: 2 }])
  accept("two-added", "two devices added in one version", updates, [update(["h1"]), update(["two-added"])])
  say(
    "nobody",
    "h2",
    [],
    [
      { key: alice, revokedIn: 3 },
      { key: a2, revokedIn: 3 }
    ]
  )
  say(
    "somebody",
    "nobody",
    [{ key: a4, addedIn: 4, role: 1 }],
    [
      { key: alice, revokedIn: 3 },
      { key: a2, revokedIn: 3 }
    ]
  )
  accept("all-revoked", "every device revoked, then a new one added", updates, [
    update(["h1", "h2"]),
    update(["nobody"]),
    update(["somebody"])
  ])
  say("role", "h2", [first, { key: a2, addedIn: 2, role: 1 }])
  accept(
    "role-changed",
    "a member becomes an admin; it needs a new certificate",
    ["manifest.update.1", "manifest.device.2"],
    [update(["h1", "h2"]), admit(certify("member2", a2, 2, 2)), update(["role"]), admit(certify("admin2", a2, 1, 2))]
  )
  refuse(
    "role-old-certificate",
    "the certificate of the role before",
    "manifest.device.2",
    "Revoked",
    "role-changed",
    shown(3, "$member2"),
    "policy.revoked-device"
  )
  refuse(
    "role-too-early",
    "the certificate of the role to come",
    "manifest.device.2",
    "Revoked",
    "role-changed",
    shown(1, "$admin2"),
    "policy.revoked-device"
  )
  say("same", "h2", [first, { key: a2, addedIn: 2 }])
  accept(
    "nothing-changed",
    "a version that says the same again",
    ["manifest.update.1"],
    [update(["h1", "h2"]), update(["same"]), admit("$member2")]
  )
  say("extended", "h2", [first, { key: a2, addedIn: 2 }], [], { extensions: [[7, Uint8Array.of(0xaa)]] })
  accept(
    "extension-added",
    "a version with an unknown extension",
    ["manifest.update.1", "codec.ext.4", "codec.decode.7"],
    [update(["h1", "h2"]), update(["extended"])]
  )
  accept(
    "answer-of-held",
    "an answer that holds the held version alone, then one that begins with it",
    ["manifest.skip.1"],
    [update(["h1", "h2"]), update(["h2"]), update(["h2", "three"]), update(["three", "both-gone"])]
  )
  accept(
    "answer-whole-of-held",
    "the whole history up to the held version",
    ["manifest.skip.1"],
    [update(["h1", "h2", "three"]), update(["h1", "h2", "three"]), update(["both-gone"])]
  )
  say("silent", "h2", [first, { key: a3, addedIn: 3 }])
  say("silent-all", "h2", [])
  say("after-swap", "swap", [first, { key: a3, addedIn: 3 }], [{ key: a2, revokedIn: 3 }])
  say("returned", "nobody", [{ key: a2, addedIn: 4, role: 1 }], [{ key: alice, revokedIn: 3 }])
  refuse(
    "exchanged-silently",
    "the device left without a word",
    "manifest.update.2",
    "Fork",
    "device-exchanged",
    given(1, ["silent"]),
    "auth.fork"
  )
  refuse(
    "all-gone-silently",
    "all devices left without a word",
    "manifest.update.2",
    "Fork",
    "all-revoked",
    given(1, ["silent-all"]),
    "auth.fork"
  )
  refuse(
    "other-branch",
    "a version that follows from another version 3",
    "manifest.hash.1",
    "Fork",
    "two-revoked",
    given(1, ["after-swap"]),
    "auth.fork"
  )
  refuse(
    "back-after-all",
    "a device of before all were revoked",
    "manifest.update.1",
    "Fork",
    "all-revoked",
    given(2, ["returned"]),
    "auth.fork"
  )
  refuse(
    "both-branches",
    "one answer with both branches",
    "manifest.fork.1",
    "Fork",
    "answer-of-held",
    given(2, ["h2", "three", "swap"]),
    "auth.fork"
  )

  // ---- Two accounts, first contacts
  const carols: Statement = { version: 1, previous: undefined, devices: [{ key: carol, addedIn: 1, role: 1 }] }
  manifest(trace, "carol1", carol, carols)
  const carolUpdate: ScriptStep = {
    do: "manifest.update",
    as: "bob/2",
    in: { account: carol.account, answer: ["$carol1"] },
    expect: "ok",
    out: { version: 1, hash: "$carol1.hash", devices: [carol.device], revoked: [] }
  }
  const carolStart: ScriptStep = { ...admit(certify("carol-own", carol, 1, 1, carol)), as: "bob/2" }
  accept(
    "two-accounts",
    "two accounts, followed apart",
    ["manifest.check.1"],
    [update(["h1", "h2"]), carolUpdate, admit("$member2"), carolStart, update(["three"])]
  )
  manifest(trace, "cross", carol, { ...carols, account: alice.account })
  const crossCertificate = (): Ref => {
    const body: ReadonlyArray<Arg> = [1, alice.account, a3.device, a3.agree, 2, 2]
    const encoded = trace.op("cross-certificate.body", "canon", { value: body }, "certificate.sign.1")
    const signature = signed(
      trace,
      "cross-certificate.signature",
      carol.accountSeed,
      "device certificate",
      [encoded],
      "certificate.sign.1"
    )
    return trace.op("cross-certificate", "canon", { value: [...body, signature] }, "certificate.layout.1")
  }
  refuse(
    "cross-signed-manifest",
    "Carol's account signs Alice's first manifest",
    "manifest.check.1",
    "OtherSigner",
    "two-accounts",
    given(0, ["cross"]),
    "auth.account"
  )
  refuse(
    "cross-signed-certificate",
    "Carol's account certifies a device of Alice",
    "certificate.check.1",
    "OtherSigner",
    "two-accounts",
    shown(2, crossCertificate()),
    "auth.certificate"
  )
  refuse(
    "account-of-other",
    "Alice's manifest in an answer about Carol",
    "manifest.check.1",
    "OtherSigner",
    "two-accounts",
    { at: "script/1/in/answer", op: "assign", value: ["$h1"] },
    "auth.account"
  )
  accept(
    "first-contact",
    "a start of an account nothing is known of",
    ["manifest.device.2", "session.start.4"],
    [admit("$member2"), update(["h1", "h2"]), admit("$member2", alice.account)]
  )
  accept(
    "first-contact-named",
    "the same under a name that was pinned to it",
    ["manifest.pin.1", "session.start.4"],
    [admit("$member2", alice.account), update(["h1", "h2"])]
  )
  refuse(
    "first-contact-other",
    "the name was pinned to another account",
    "manifest.pin.1",
    "Pinned",
    "first-contact-named",
    { at: "script/0/in/pinned", op: "assign", value: carol.account },
    "policy.identity-changed"
  )
  accept(
    "listed-since-held",
    "a device that the newest known version added",
    ["manifest.device.2"],
    [update(["h1", "h2"]), admit("$member2"), update(["three"]), admit(certify("member3", a3, 2, 3))]
  )
  refuse(
    "one-version-ahead",
    "a device of the version after the newest known one",
    "manifest.device.2",
    "Gap",
    "listed-since-held",
    shown(1, "$member3"),
    "lookup.manifest-gap"
  )
  say("gone2", "h2", [first], [{ key: a2, revokedIn: 3 }])
  accept(
    "others-stay",
    "the others go on when one is revoked",
    ["manifest.device.1"],
    [update(["h1", "h2"]), update(["gone2"]), admit(certify("admin1", alice, 1, 1))]
  )
  refuse(
    "revoked-now",
    "the revoked one does not",
    "manifest.device.1",
    "Revoked",
    "others-stay",
    shown(2, "$member2"),
    "policy.revoked-device"
  )
  refuse(
    "revoked-later-certificate",
    "nor with a certificate of a later version",
    "manifest.device.1",
    "Revoked",
    "others-stay",
    shown(2, certify("member2-later", a2, 2, 9)),
    "policy.revoked-device"
  )

  // ---- Certificates at the borders of forms
  const keys = { account: alice.account, device: a2.device, agree: a2.agree }
  const verifyCertificate = (
    id: string,
    title: string,
    version: number,
    agree = a2.agree,
    clause = "certificate.layout.1"
  ): void => {
    const bytes = certificate(trace, id, alice.accountSeed, { ...keys, agree }, 2, version)
    file.valid(
      { id: `lives-certificate-${id}`, title, clauses: [clause], world },
      "certificate.verify",
      { bytes },
      { account: alice.account, device: a2.device, agreement: agree, role: 2, manifestVersion: version }
    )
  }
  for (const version of [255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296])
    verifyCertificate(`certified-in-${version}`, `listed from version ${version}`, version)
  const p = 2n ** 255n - 19n
  verifyCertificate(
    "agreement-above-p",
    "an agreement key of p + 9: another encoding of 9, not of low order",
    1,
    trace.literal("p-plus-9", le(p + 9n, 32)),
    "crypto.x25519.2"
  )
  verifyCertificate(
    "agreement-top-bit",
    "an agreement key with the top bit set",
    1,
    trace.literal("nine-top-bit", le(9n + 2n ** 255n, 32)),
    "crypto.x25519.2"
  )
  return file.file()
}
