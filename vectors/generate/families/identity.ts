/**
 * F19: certificates and what is admitted under them.
 *
 * Spec: docs/spec/04-accounts.md §4.2, docs/spec/08-sessions.md §8.2.
 */
import { fromLe, hex, le } from "../bytes.ts"
import * as edwards from "../edwards.ts"
import { FileBuilder, type Family } from "../family.ts"
import { overwrite, smallPoints, underSmallKey, withNeutralR } from "../forge.ts"
import { certificate, device, signed } from "../identity.ts"
import type { Delta, VectorFile } from "../model.ts"
import { label } from "../ops.ts"

/** F19. */
export const family: Family = {
  id: "F19",
  name: "identity",
  document: "docs/spec/04-accounts.md",
  level: 2,
  operations: {
    "certificate.verify": {
      in: { bytes: "bytes" },
      out: { account: "bytes", device: "bytes", agreement: "bytes", role: "uint", manifestVersion: "uint" }
    },
    "manifest.verify": {
      in: { bytes: "bytes", account: "bytes?" },
      out: {
        account: "bytes",
        version: "uint",
        previous: "bytes",
        issuedAt: "uint",
        devices: "list",
        revocations: "list",
        hash: "bytes"
      }
    },
    "manifest.update": {
      stateful: true,
      in: { account: "bytes", answer: "list" },
      out: { version: "uint", hash: "bytes", devices: "list", revoked: "list" }
    },
    "proof.verify": {
      in: { bytes: "bytes" },
      out: {
        account: "bytes",
        first: "bytes",
        firstVersion: "uint",
        second: "bytes",
        secondVersion: "uint",
        contradiction: "text"
      }
    },
    "manifest.admit": { stateful: true, in: { certificate: "bytes", pinned: "bytes?" }, out: {} }
  },
  notes: {
    Modified: { kind: "AUTH_BYPASS", text: "Changed on the way; the signature is the old one.", refs: [] },
    SmallOrder: {
      kind: "KEY_CONTROL",
      text: "A key of small order, properly signed.",
      refs: ["docs/spec/04-accounts.md §4.2"]
    },
    OtherSigner: {
      kind: "AUTH_BYPASS",
      text: "Signed by another key, or for another purpose.",
      refs: ["docs/spec/01-suites.md §1.7"]
    },
    Form: { kind: "ENCODING", text: "Not the canonical encoding of the layout.", refs: ["docs/spec/02-encoding.md"] },
    Order: {
      kind: "MALLEABILITY",
      text: "Signed, but the lists are not in their one order or contradict each other.",
      refs: ["docs/spec/04-accounts.md §4.3"]
    },
    Fork: {
      kind: "EQUIVOCATION",
      text: "Two signed histories of one account.",
      refs: ["docs/spec/04-accounts.md §4.3"]
    },
    NoFork: {
      kind: "FALSE_PROOF",
      text: "Genuine manifests that contradict nothing: whoever takes them for a proof blames the innocent.",
      refs: ["docs/spec/04-accounts.md §4.5"]
    },
    Rollback: {
      kind: "ROLLBACK",
      text: "An old state of the account is given out as the newest.",
      refs: ["docs/spec/04-accounts.md §4.3"]
    },
    Gap: { kind: "DELIVERY", text: "Versions between are missing.", refs: ["docs/spec/04-accounts.md §4.3"] },
    Revoked: {
      kind: "REVOCATION",
      text: "The device was removed from its account.",
      refs: ["docs/spec/04-accounts.md §4.3"]
    },
    Pinned: {
      kind: "IDENTITY_CHANGE",
      text: "Another account under a name that is known.",
      refs: ["docs/spec/08-sessions.md §8.2"]
    }
  }
}

export const certificates = (): VectorFile => {
  const file = new FileBuilder(family, "certificate")
  const world = "devices"
  const trace = file.world(world, "two accounts with a device each")
  const alice = device(trace, "alice", "certificate/alice/1")
  const carol = device(trace, "carol", "certificate/carol/1")
  const keys = { account: alice.account, device: alice.device, agree: alice.agree }
  const accept = (name: string, title: string, role: number, version: number): void => {
    const bytes = certificate(trace, name, alice.accountSeed, keys, role, version)
    file.valid(
      { id: `certificate-${name}`, title, clauses: ["certificate.layout.1", "certificate.sign.1"], world },
      "certificate.verify",
      { bytes },
      { account: alice.account, device: alice.device, agreement: alice.agree, role, manifestVersion: version }
    )
  }
  accept("admin", "an admin device", 1, 1)
  accept("member", "a member device", 2, 1)
  accept("replica", "a replica", 3, 1)
  accept("version-127", "listed from version 127", 2, 127)
  accept("version-128", "listed from version 128", 2, 128)
  accept("version-largest", "listed from the largest version", 2, 9007199254740991)
  const twin = "certificate-member"
  const length = trace.look("member").length
  const refuse = (id: string, title: string, clause: string, flag: string, delta: Delta, cause: string): void =>
    void file.invalid({ id: `certificate-bad-${id}`, title, clauses: [clause], flags: [flag] }, twin, delta, cause)
  const at = "in/bytes"
  const bit = (offset: number, field: string): Delta => ({ at, op: "xor", offset, bytes: "01", field })
  const set = (offset: number, bytes: string, field: string): Delta => ({ at, op: "set", offset, bytes, field })
  // 97 01 c420 account c420 device c420 agreement role version c440 signature
  for (const [name, offset] of [
    ["account", 4],
    ["device id", 38],
    ["agreement key", 72],
    ["signature", 108],
    ["signature", 171]
  ] as const) {
    refuse(
      `${name.replace(" ", "-")}-${offset}`,
      `one bit of the ${name}`,
      "certificate.check.1",
      "Modified",
      bit(offset, name),
      "auth.certificate"
    )
  }
  refuse("role-1", "a member made admin", "certificate.check.1", "Modified", set(104, "01", "role"), "auth.certificate")
  refuse(
    "version-2",
    "another manifest version",
    "certificate.check.1",
    "Modified",
    set(105, "02", "manifest version"),
    "auth.certificate"
  )
  refuse(
    "agreement-of-carol",
    "Carol's agreement key",
    "certificate.check.1",
    "Modified",
    { at, op: "splice", offset: 72, length: 32, from: "$carol.agree", source: [0, 32] },
    "auth.certificate"
  )
  refuse(
    "account-of-carol",
    "Carol's account",
    "certificate.check.1",
    "Modified",
    { at, op: "splice", offset: 4, length: 32, from: "$carol.account", source: [0, 32] },
    "auth.certificate"
  )
  refuse(
    "agreement-top-bit",
    "the top bit of the agreement key",
    "certificate.check.1",
    "Modified",
    { at, op: "xor", offset: 103, bytes: "80", field: "agreement key" },
    "auth.certificate"
  )
  refuse(
    "s-plus-order",
    "the signature with S + L",
    "crypto.ed25519.3",
    "Modified",
    { at, op: "set", offset: 140, bytes: plusOrder(trace.look("member.signature")), field: "signature" },
    "auth.certificate"
  )
  signed(trace, "by-carol", carol.accountSeed, "device certificate", ["$member.body"], "certificate.sign.1")
  signed(trace, "by-device", alice.signSeed, "device certificate", ["$member.body"], "certificate.sign.1")
  signed(trace, "as-manifest", alice.accountSeed, "device manifest", ["$member.body"], "certificate.sign.1")
  trace.op("bare", "ed25519-sign", { seed: alice.accountSeed, msg: "$member.body" })
  for (const [id, title] of [
    ["by-carol", "signed by another account"],
    ["by-device", "signed by the device itself"],
    ["as-manifest", "signed as a manifest"],
    ["bare", "signed without a label"]
  ] as const) {
    refuse(
      id,
      title,
      "certificate.sign.1",
      "OtherSigner",
      { at, op: "splice", offset: 108, length: 64, from: `$${id}`, source: [0, 64] },
      "auth.certificate"
    )
  }
  refuse("role-0", "role 0", "device.role.1", "Form", set(104, "00", "role"), "decode.value")
  refuse("role-4", "role 4", "device.role.1", "Form", set(104, "04", "role"), "decode.value")
  refuse(
    "manifest-version-0",
    "manifest version 0",
    "certificate.layout.1",
    "Form",
    set(105, "00", "manifest version"),
    "decode.value"
  )
  refuse("format-2", "another format", "certificate.layout.1", "Form", set(1, "02", "version"), "decode.value")
  refuse(
    "account-31",
    "an account of 31 bytes",
    "certificate.layout.1",
    "Form",
    { at, op: "reencode", offset: 2, length: 3, bytes: "c41f", kind: "31 bytes" },
    "decode.size"
  )
  refuse(
    "signature-63",
    "a signature of 63 bytes",
    "certificate.layout.1",
    "Form",
    { at, op: "reencode", offset: 106, length: 3, bytes: "c43f", kind: "63 bytes" },
    "decode.size"
  )
  refuse(
    "six",
    "no signature",
    "certificate.layout.1",
    "Form",
    { at, op: "reencode", offset: 0, length: 1, bytes: "96", kind: "six elements" },
    "decode.size"
  )
  refuse(
    "role-long",
    "the role in a longer form",
    "codec.form.2",
    "Form",
    { at, op: "reencode", offset: 104, length: 1, bytes: "cc02", kind: "uint8" },
    "decode.noncanonical"
  )
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
  const lie = (id: string, title: string, value: string, bytes: string): void =>
    void file.invalid(
      { id: `certificate-lie-${id}`, title, clauses: ["certificate.check.1"], flags: ["SmallOrder"] },
      twin,
      { at, op: "resign", value, inner: { at: "value", op: "set", offset: 0, bytes } },
      "auth.certificate"
    )
  for (const [i, u] of edwards.smallOrderU.entries())
    lie(`agreement-small-${i}`, "an agreement key of small order", "alice.agree", hex(le(u, 32)))
  for (const [i, small] of edwards.smallOrderEncodings.entries())
    if (i % 3 === 0)
      lie(`device-small-${String(i).padStart(2, "0")}`, "a device id of small order", "alice.device", hex(small))
  forged(file, twin, trace.look("member"), trace.look("alice.account-seed"))
  return file.file()
}

/**
 * Certificates of accounts that nobody holds: the account is a point of small order, and the signature solves the equation. And one of
 * an honest account whose R is the neutral point, which who holds the account alone can make.
 */
const forged = (file: FileBuilder, twin: string, member: Uint8Array, seed: Uint8Array): void => {
  const add = (id: string, title: string, after: Uint8Array, field: string): void =>
    void file.invalid(
      {
        id: `certificate-forged-${id}`,
        title,
        clauses: ["certificate.check.1", "crypto.ed25519.5"],
        flags: ["SmallOrder"]
      },
      twin,
      overwrite("in/bytes", member, after, field),
      "auth.certificate"
    )
  const withParts = (account: Uint8Array, sign: (input: Uint8Array) => Uint8Array): Uint8Array => {
    const after = member.slice()
    after.set(account, 4)
    // What is signed is the same array without its last element: 96 instead of 97.
    const body = after.slice(0, 106)
    body[0] = 0x96
    after.set(sign(label("device certificate", body)), 108)
    return after
  }
  for (const [i, small] of smallPoints.entries()) {
    const after = withParts(small, (input) => underSmallKey(small, input))
    add(
      `account-${i}`,
      "an account of small order, and a signature that solves the equation with it",
      after,
      "account to signature"
    )
  }
  const neutral = withParts(member.slice(4, 36), (input) => withNeutralR(seed, input))
  add("r-neutral", "R is the neutral point, and S solves the equation with it", neutral, "signature")
}

const plusOrder = (signature: Uint8Array): string => {
  const s = fromLe(signature.slice(32))
  return hex(le(s + edwards.order, 32))
}
