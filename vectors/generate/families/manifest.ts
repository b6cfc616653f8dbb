/**
 * F19: manifests, one by one and as a history.
 *
 * Spec: docs/spec/04-accounts.md §4.3.
 */
import { compare, hex } from "../bytes.ts"
import { FileBuilder } from "../family.ts"
import { overwrite, smallPoints, underSmallKey } from "../forge.ts"
import { device, issuedAt, manifest, signed, type Device, type Listed } from "../identity.ts"
import type { Delta, Json, VectorFile } from "../model.ts"
import { label } from "../ops.ts"
import { recipe, type Trace } from "../trace.ts"
import { family } from "./identity.ts"

/** An account with five versions of its manifest. */
export interface History {
  readonly trace: Trace
  readonly alice: Device
  readonly carol: Device
  readonly keys: readonly [Device, Device, Device, Device]
  readonly sorted: (names: ReadonlyArray<Listed>) => ReadonlyArray<Listed>
}

/** Five versions: a device each in 1, 2 and 3, the second revoked in 4, another added in 5. */
export const history = (file: FileBuilder, world: string): History => {
  const trace = file.world(world, "five versions of Alice's manifest, and versions that do not follow")
  const actor = (n: number): string => `${file.topic}/alice/${n}`
  const alice = device(trace, "a1", actor(1))
  const keys = [
    alice,
    device(trace, "a2", actor(2), alice),
    device(trace, "a3", actor(3), alice),
    device(trace, "a4", actor(4), alice)
  ] as const
  const carol = device(trace, "carol", `${file.topic}/carol/1`)
  const [a1, a2, a3, a4] = keys
  const first = { key: a1, addedIn: 1, role: 1 }
  manifest(trace, "v1", alice, { version: 1, previous: undefined, devices: [first] })
  manifest(trace, "v2", alice, { version: 2, previous: "$v1.hash", devices: [first, { key: a2, addedIn: 2 }] })
  const three = [first, { key: a2, addedIn: 2 }, { key: a3, addedIn: 3, role: 3 }]
  manifest(trace, "v3", alice, { version: 3, previous: "$v2.hash", devices: three })
  const gone = [{ key: a2, revokedIn: 4 }]
  const remaining = [first, { key: a3, addedIn: 3, role: 3 }]
  manifest(trace, "v4", alice, { version: 4, previous: "$v3.hash", devices: remaining, revocations: gone })
  manifest(trace, "v5", alice, {
    version: 5,
    previous: "$v4.hash",
    devices: [...remaining, { key: a4, addedIn: 5 }],
    revocations: gone
  })
  return {
    trace,
    alice,
    carol,
    keys,
    sorted: (names) => names.toSorted((a, b) => compare(trace.value(a.key.device), trace.value(b.key.device)))
  }
}

/** Manifests of accounts that nobody holds: the account is a point of small order, and the signature solves the equation with it. */
const forged = (file: FileBuilder, whole: Uint8Array, body: Uint8Array, account: Uint8Array): void => {
  const indexOf = (part: Uint8Array): number => hex(whole).indexOf(hex(part)) / 2
  const [from, at] = [indexOf(body), indexOf(account)]
  for (const [i, small] of smallPoints.entries()) {
    const after = whole.slice()
    after.set(small, at)
    const input = label("device manifest", after.slice(from, from + body.length))
    after.set(underSmallKey(small, input), whole.length - 64)
    file.invalid(
      {
        id: `manifest-forged-account-${i}`,
        title: "an account of small order, and a signature that solves the equation with it",
        clauses: ["manifest.check.1", "crypto.ed25519.5"],
        flags: ["SmallOrder"]
      },
      "manifest-no-device",
      overwrite("in/bytes", whole, after, "account to signature"),
      "auth.account"
    )
  }
}

export const manifests = (): VectorFile => {
  const file = new FileBuilder(family, "manifest")
  const world = "history"
  const { alice, carol, keys, sorted, trace } = history(file, world)
  const [a1, a2, a3, a4] = keys
  const listed = (entries: ReadonlyArray<Listed>): Json =>
    sorted(entries).map(({ addedIn, key, role }) => [key.device, key.agree, role ?? 2, addedIn])
  const first = { key: a1, addedIn: 1, role: 1 }
  const entries: ReadonlyArray<ReadonlyArray<Listed>> = [
    [first],
    [first, { key: a2, addedIn: 2 }],
    [first, { key: a2, addedIn: 2 }, { key: a3, addedIn: 3, role: 3 }],
    [first, { key: a3, addedIn: 3, role: 3 }],
    [first, { key: a3, addedIn: 3, role: 3 }, { key: a4, addedIn: 5 }]
  ]
  for (const [i, devices] of entries.entries()) {
    const version = i + 1
    file.valid(
      {
        id: `manifest-v${version}`,
        title: `version ${version}`,
        clauses: ["manifest.layout.1", "manifest.hash.1", "manifest.order.1"],
        world
      },
      "manifest.verify",
      { bytes: `$v${version}`, account: alice.account },
      {
        account: alice.account,
        version,
        previous: version === 1 ? "" : `$v${i}.hash`,
        issuedAt: issuedAt + version,
        devices: listed(devices),
        revocations: version >= 4 ? [[a2.device, 4]] : [],
        hash: `$v${version}.hash`
      }
    )
  }
  manifest(trace, "none", alice, { version: 6, previous: "$v5.hash", devices: [], revocations: [] })
  file.valid(
    { id: "manifest-no-device", title: "no device at all", clauses: ["manifest.layout.1"], world },
    "manifest.verify",
    { bytes: "$none" },
    {
      account: alice.account,
      version: 6,
      previous: "$v5.hash",
      issuedAt: issuedAt + 6,
      devices: [],
      revocations: [],
      hash: "$none.hash"
    }
  )
  manifest(trace, "odd", alice, { version: 1, previous: undefined, devices: [first], extensions: [[7, "aa"]] })
  file.valid(
    {
      id: "manifest-unknown-extension",
      title: "an unknown odd extension, which the hash covers",
      clauses: ["codec.ext.4"],
      world
    },
    "manifest.verify",
    { bytes: "$odd" },
    {
      account: alice.account,
      version: 1,
      previous: "",
      issuedAt: issuedAt + 1,
      devices: listed([first]),
      revocations: [],
      hash: "$odd.hash"
    }
  )
  signed(trace, "by-carol", carol.accountSeed, "device manifest", ["$v5.body"], "manifest.layout.1")
  signed(trace, "by-device", a1.signSeed, "device manifest", ["$v5.body"], "manifest.layout.1")
  signed(trace, "as-certificate", alice.accountSeed, "device certificate", ["$v5.body"], "manifest.layout.1")
  signed(trace, "as-hash", alice.accountSeed, "manifest hash", ["$v5.body"], "manifest.layout.1")
  const twin = "manifest-v5"
  const at = "in/bytes"
  const length = trace.look("v5").length
  const bodyLength = trace.look("v5.body").length
  const refuse = (id: string, title: string, clause: string, flag: string, delta: Delta, cause: string): void =>
    void file.invalid({ id: `manifest-bad-${id}`, title, clauses: [clause], flags: [flag] }, twin, delta, cause)
  // 92 c5 length(2) body c440 signature
  const body = 4
  const signature = body + bodyLength + 2
  const bit = (offset: number, field: string): Delta => ({ at, op: "xor", offset, bytes: "01", field })
  refuse(
    "signature",
    "one bit of the signature",
    "manifest.check.1",
    "Modified",
    bit(signature + 5, "signature"),
    "auth.account"
  )
  refuse(
    "account-changed",
    "one bit of the account",
    "manifest.check.1",
    "Modified",
    bit(body + 6, "account"),
    "auth.account"
  )
  refuse(
    "issued-at",
    "another time",
    "manifest.check.1",
    "Modified",
    bit(body + 36 + 1 + 34 + 8, "issued at"),
    "auth.account"
  )
  refuse(
    "device-id",
    "one bit of a device id's last byte",
    "manifest.check.1",
    "Modified",
    bit(body + 36 + 1 + 34 + 9 + 1 + 1 + 33, "device id"),
    "auth.account"
  )
  refuse(
    "agreement-key",
    "one bit of an agreement key",
    "manifest.check.1",
    "Modified",
    bit(body + 36 + 1 + 34 + 9 + 1 + 1 + 34 + 2, "agreement key"),
    "auth.account"
  )
  refuse(
    "previous",
    "one bit of the previous hash",
    "manifest.check.1",
    "Modified",
    bit(body + 40, "previous hash"),
    "auth.account"
  )
  refuse(
    "other-account",
    "meant to be of another account",
    "manifest.check.1",
    "Modified",
    { at: "in/account", op: "assign", value: carol.account },
    "auth.account"
  )
  for (const [id, title] of [
    ["by-carol", "signed by another account"],
    ["by-device", "signed by a device"],
    ["as-certificate", "signed as a certificate"],
    ["as-hash", "signed with the label of the hash"]
  ] as const) {
    refuse(
      id,
      title,
      "manifest.layout.1",
      "OtherSigner",
      { at, op: "splice", offset: signature, length: 64, from: `$${id}`, source: [0, 64] },
      "auth.account"
    )
  }
  refuse(
    "trailing",
    "a byte behind it",
    "codec.decode.4",
    "Form",
    { at, op: "insert", offset: length, bytes: "00" },
    "decode.trailing"
  )
  refuse(
    "cut",
    "the last byte missing",
    "codec.decode.3",
    "Form",
    { at, op: "cut", offset: length - 1, length: 1 },
    "decode.truncated"
  )
  refuse(
    "body-text",
    "no body",
    "manifest.layout.1",
    "Form",
    { at, op: "reencode", offset: 1, length: 3 + bodyLength, bytes: "a0", kind: "text" },
    "decode.type"
  )
  refuse(
    "too-long",
    "49,153 bytes, refused before they are looked at",
    "manifest.layout.2",
    "Form",
    { at, op: "assign", value: recipe("92c5bfbb", "00", 49083, `c440${"00".repeat(64)}`) },
    "decode.size"
  )
  forged(file, trace.look("none"), trace.look("none.body"), trace.look("a1.account"))
  // Signed by the account itself, so only the inner check can object.
  const inner = (
    id: string,
    title: string,
    clause: string,
    flag: string,
    delta: Delta,
    cause: string,
    value = "v5.body"
  ): void =>
    void file.invalid(
      { id: `manifest-signed-${id}`, title, clauses: [clause], flags: [flag] },
      twin,
      { at, op: "resign", value, inner: delta },
      cause
    )
  const v = "value"
  const list = 36 + 1 + 34 + 9
  const one = list + 1
  const entry = 71
  const revocations = one + 3 * entry
  inner(
    "devices-swapped",
    "two devices exchanged",
    "manifest.order.1",
    "Order",
    { at: v, op: "swap", a: [one, entry], b: [one + entry, entry] },
    "decode.noncanonical"
  )
  inner(
    "devices-last-first",
    "the last device first",
    "manifest.order.1",
    "Order",
    { at: v, op: "swap", a: [one, entry], b: [one + 2 * entry, entry] },
    "decode.noncanonical"
  )
  inner(
    "device-twice",
    "a device twice",
    "manifest.order.1",
    "Order",
    { at: v, op: "splice", offset: one + entry, length: entry, from: "$v5.body", source: [one, entry] },
    "decode.noncanonical"
  )
  inner(
    "revoked-listed",
    "a revoked device that is listed",
    "manifest.order.1",
    "Order",
    { at: v, op: "splice", offset: revocations + 2, length: 34, from: "$v5.body", source: [one + 1, 34] },
    "decode.value"
  )
  inner(
    "revocation-twice",
    "a revocation twice",
    "manifest.order.1",
    "Order",
    {
      at: v,
      op: "reencode",
      offset: revocations,
      length: 1,
      bytes: `92${hexOf(trace.look("v5.body").slice(revocations + 1, revocations + 37))}`,
      kind: "two revocations"
    },
    "decode.noncanonical"
  )
  inner(
    "added-later",
    "a device added in a later version",
    "manifest.order.1",
    "Order",
    { at: v, op: "set", offset: one + entry - 1, bytes: "06" },
    "decode.value"
  )
  inner(
    "added-in-0",
    "a device added in version 0",
    "manifest.order.1",
    "Order",
    { at: v, op: "set", offset: one + entry - 1, bytes: "00" },
    "decode.value"
  )
  inner(
    "revoked-later",
    "a revocation of a later version",
    "manifest.order.1",
    "Order",
    { at: v, op: "set", offset: revocations + 36, bytes: "06" },
    "decode.value"
  )
  inner(
    "role-0",
    "role 0",
    "device.role.1",
    "Form",
    { at: v, op: "set", offset: one + entry - 2, bytes: "00" },
    "decode.value"
  )
  inner(
    "role-4",
    "role 4",
    "device.role.1",
    "Form",
    { at: v, op: "set", offset: one + entry - 2, bytes: "04" },
    "decode.value"
  )
  inner(
    "format-2",
    "another format",
    "manifest.layout.1",
    "Form",
    { at: v, op: "set", offset: 1, bytes: "02" },
    "decode.value"
  )
  inner(
    "version-0",
    "version 0",
    "manifest.layout.1",
    "Form",
    { at: v, op: "set", offset: 36, bytes: "00" },
    "decode.value"
  )
  inner(
    "version-1-with-previous",
    "version 1 with a previous hash",
    "manifest.layout.1",
    "Form",
    { at: v, op: "set", offset: 36, bytes: "01" },
    "decode.value"
  )
  inner(
    "no-previous",
    "version 5 without a previous hash",
    "manifest.layout.1",
    "Form",
    { at: v, op: "reencode", offset: 37, length: 34, bytes: "c400", kind: "no bytes" },
    "decode.value"
  )
  inner(
    "previous-31",
    "a previous hash of 31 bytes",
    "manifest.layout.1",
    "Form",
    { at: v, op: "reencode", offset: 37, length: 3, bytes: "c41f", kind: "31 bytes" },
    "decode.value"
  )
  inner(
    "critical",
    "an unknown even extension",
    "codec.ext.3",
    "Form",
    { at: v, op: "reencode", offset: bodyLength - 1, length: 1, bytes: "810000", kind: "an extension" },
    "decode.unknown-critical"
  )
  inner(
    "trailing",
    "a byte behind the body",
    "codec.decode.4",
    "Form",
    { at: v, op: "insert", offset: bodyLength, bytes: "00" },
    "decode.trailing"
  )
  inner(
    "no-extensions",
    "no extension slot",
    "manifest.layout.1",
    "Form",
    { at: v, op: "reencode", offset: 0, length: 1, bytes: "97", kind: "seven elements" },
    "decode.size"
  )
  inner(
    "version-long",
    "the version in a longer form",
    "codec.form.2",
    "Form",
    { at: v, op: "reencode", offset: 36, length: 1, bytes: "cc05", kind: "uint8" },
    "decode.noncanonical"
  )
  return file.file()
}

const hexOf = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")
