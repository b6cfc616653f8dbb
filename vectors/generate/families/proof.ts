/**
 * F19: fork proofs, each contradiction of the table once, and pairs that prove nothing.
 *
 * Spec: docs/spec/04-accounts.md §4.5.
 * Expectations are written down by hand from the page; `vectors/verify` computes them again.
 */
import { compare } from "../bytes.ts"
import { FileBuilder } from "../family.ts"
import { manifest, type Listed, type Revoked, type Statement } from "../identity.ts"
import type { VectorFile } from "../model.ts"
import type { Ref } from "../trace.ts"
import { family } from "./identity.ts"
import { history } from "./manifest.ts"

export const proofs = (): VectorFile => {
  const file = new FileBuilder(family, "proof")
  const world = "history"
  const { alice, carol, keys, trace } = history(file, world)
  const [a1, a2, a3, a4] = keys

  // Manifests that Alice's account signs as well.
  const one: Listed = { key: a1, addedIn: 1, role: 1 }
  const two: Listed = { key: a2, addedIn: 2 }
  const three: Listed = { key: a3, addedIn: 3, role: 3 }
  const gone: ReadonlyArray<Revoked> = [{ key: a2, revokedIn: 4 }]
  const sign = (id: string, statement: Statement): Ref => manifest(trace, id, alice, statement)
  sign("f1", { version: 1, previous: undefined, devices: [{ key: a2, addedIn: 1, role: 1 }] })
  sign("f2", { version: 2, previous: "$v1.hash", devices: [one, { key: a3, addedIn: 2 }] })
  sign("f3", { version: 3, previous: "$f2.hash", devices: [one, two, three] })
  sign("f5-dated", {
    version: 5,
    previous: "$v4.hash",
    devices: [one, three],
    revocations: [{ key: a2, revokedIn: 5 }]
  })
  sign("f5-forgotten", { version: 5, previous: "$v4.hash", devices: [one, three] })
  sign("f5-returned", { version: 5, previous: "$v4.hash", devices: [one, two, three] })
  sign("f5-old", {
    version: 5,
    previous: "$v4.hash",
    devices: [one, three],
    revocations: [...gone, { key: a4, revokedIn: 3 }]
  })
  sign("f5-late", {
    version: 5,
    previous: "$v4.hash",
    devices: [one, three],
    revocations: [...gone, { key: a4, revokedIn: 4 }]
  })
  sign("f4-lost", { version: 4, previous: "$v3.hash", devices: [one, three] })
  sign("f4-other-key", { version: 4, previous: "$v3.hash", devices: [one, { ...two, agree: a4.agree }, three] })
  sign("f4-other-version", { version: 4, previous: "$v3.hash", devices: [one, { ...two, addedIn: 3 }, three] })
  sign("f4-backdated", { version: 4, previous: "$v3.hash", devices: [one, two, three, { key: a4, addedIn: 3 }] })
  sign("f4-role", { version: 4, previous: "$v3.hash", devices: [one, { ...two, role: 1 }, three] })
  sign("f4-empty", {
    version: 4,
    previous: "$v3.hash",
    devices: [],
    revocations: [a1, a2, a3].map((key) => ({ key, revokedIn: 4 }))
  })
  // Far apart: versions 1 and 5 of two histories.
  sign("f5-lost", { version: 5, previous: "$v4.hash", devices: [{ key: a3, addedIn: 3 }], revocations: gone })
  sign("f5-backdated", {
    version: 5,
    previous: "$v4.hash",
    devices: [one, { key: a4, addedIn: 1 }],
    revocations: gone
  })
  manifest(trace, "carol1", carol, { version: 1, previous: undefined, devices: [{ key: carol, addedIn: 1, role: 1 }] })
  manifest(trace, "carol2", carol, {
    version: 2,
    previous: "$carol1.hash",
    devices: [{ key: carol, addedIn: 1, role: 1 }]
  })
  // Signed with another key than that of the account it names.
  manifest(
    trace,
    "forged2",
    { ...alice, accountSeed: carol.accountSeed },
    {
      version: 2,
      previous: "$v1.hash",
      devices: [one, { key: a3, addedIn: 2 }]
    }
  )

  const versionOf = (name: string): number => Number(/\d/.exec(name)![0])
  const lower = (a: string, b: string): readonly [string, string] => {
    const before =
      versionOf(a) === versionOf(b) ? compare(trace.value(`$${a}.hash`), trace.value(`$${b}.hash`)) <= 0 : true
    return before ? [a, b] : [b, a]
  }
  const pair = (id: string, first: string, second: string): Ref =>
    trace.op(`p-${id}`, "canon", { value: [1, `$${first}`, `$${second}`] }, "proof.layout.1")
  const valid = (id: string, title: string, a: string, b: string, contradiction: string): void => {
    const [first, second] = lower(a, b)
    file.valid(
      {
        id: `proof-${id}`,
        title,
        clauses: ["proof.layout.1", "proof.check.1", "proof.contradiction.1"],
        flags: ["Fork"],
        world
      },
      "proof.verify",
      { bytes: pair(id, first, second) },
      {
        account: alice.account,
        first: `$${first}.hash`,
        firstVersion: versionOf(first),
        second: `$${second}.hash`,
        secondVersion: versionOf(second),
        contradiction
      }
    )
  }
  valid("first-version", "two first versions", "v1", "f1", "version")
  valid("same-version", "two second versions after the same first", "v2", "f2", "version")
  valid("same-version-later", "two third versions, each after another second", "v3", "f3", "version")
  valid("previous", "a third version after another second", "v2", "f3", "previous")
  valid("previous-first", "a second version after another first", "f1", "v2", "previous")
  valid("revocation-dated", "a revocation that changed its version", "v4", "f5-dated", "revocation")
  valid("revocation-gone", "a revocation that disappeared", "v4", "f5-forgotten", "revocation")
  valid("revocation-returned", "a revoked device that is listed again", "v4", "f5-returned", "revocation")
  valid("revocation-old", "a revocation that dates from before, and was not there", "v4", "f5-old", "revocation")
  valid("revocation-late", "a revocation that says it was made in the version before", "v4", "f5-late", "revocation")
  valid("lost", "a device that is neither listed nor revoked", "v3", "f4-lost", "lost")
  valid("changed-key", "a device with another agreement key", "v3", "f4-other-key", "changed")
  valid("changed-version", "a device with another first version", "v3", "f4-other-version", "changed")
  valid("backdated", "a new device that says it was there before", "v3", "f4-backdated", "backdated")
  valid("far-lost", "a device lost between versions 1 and 5", "v1", "f5-lost", "lost")
  valid("far-backdated", "a device of version 5 that says it was in version 1", "v1", "f5-backdated", "backdated")

  const refused = (
    id: string,
    title: string,
    twin: string,
    first: string,
    second: string,
    cause: string,
    clause: string,
    flag: string
  ): void =>
    void file.invalid(
      { id: `proof-bad-${id}`, title, clauses: [clause], flags: [flag], critical: true },
      `proof-${twin}`,
      { at: "in/bytes", op: "assign", value: pair(`bad-${id}`, first, second) },
      cause
    )
  const check = "proof.check.1"
  const none = "proof.contradiction.1"
  refused("same", "the same manifest twice", "same-version", "v2", "v2", "proof.same", check, "NoFork")
  refused("accounts", "manifests of two accounts", "previous", "v2", "carol2", "proof.accounts", check, "NoFork")
  refused(
    "accounts-far",
    "of two accounts, versions apart",
    "previous",
    "carol1",
    "v2",
    "proof.accounts",
    check,
    "NoFork"
  )
  for (const [first, second] of [
    ["v1", "v2"],
    ["v3", "v4"],
    ["v4", "v5"],
    ["v1", "v5"],
    ["v2", "v4"],
    ["v3", "f4-role"],
    ["v3", "f4-empty"]
  ] as const) {
    const title = `versions ${versionOf(first)} and ${versionOf(second)} that can follow each other`
    refused(`follow-${first}-${second}`, title, "previous", first, second, "proof.consistent", none, "NoFork")
  }
  refused(
    "forged-second",
    "the second is signed with another key",
    "same-version",
    ...lower("v2", "forged2"),
    "auth.account",
    check,
    "OtherSigner"
  )
  refused("turned", "the later version first", "previous", "f3", "v2", "decode.noncanonical", "proof.layout.1", "Order")
  const [low, high] = lower("v2", "f2")
  refused(
    "turned-same",
    "the higher hash first",
    "same-version",
    high,
    low,
    "decode.noncanonical",
    "proof.layout.1",
    "Order"
  )

  const whole = file.bytesAt(file.case("proof-same-version"), "in/bytes")
  const lastOf = (name: string): number => trace.value(`$${name}`).length
  const changed = (id: string, title: string, offset: number, cause: string | ReadonlyArray<string>): void =>
    void file.invalid(
      { id: `proof-bad-${id}`, title, clauses: [check], flags: ["Modified"] },
      "proof-same-version",
      { at: "in/bytes", op: "xor", offset, bytes: "01" },
      cause
    )
  const firstEnd = whole.length - lastOf(high) - (lastOf(high) > 255 ? 3 : 2)
  changed("signature-first", "a byte of the first signature", firstEnd - 1, "auth.account")
  changed("signature-second", "a byte of the second signature", whole.length - 1, "auth.account")
  changed("body-first", "a byte of a key in the first", firstEnd - lastOf(low) + 60, "auth.account")
  file.invalid(
    { id: "proof-bad-format", title: "another format", clauses: ["proof.layout.1"], flags: ["Form"] },
    "proof-same-version",
    { at: "in/bytes", op: "set", offset: 1, bytes: "02" },
    "decode.value"
  )
  file.invalid(
    { id: "proof-bad-trailing", title: "a byte behind it", clauses: ["proof.layout.1"], flags: ["Form"] },
    "proof-same-version",
    { at: "in/bytes", op: "insert", offset: whole.length, bytes: "00" },
    "decode.trailing"
  )
  file.invalid(
    { id: "proof-bad-cut", title: "its last byte left out", clauses: ["proof.layout.1"], flags: ["Form"] },
    "proof-same-version",
    { at: "in/bytes", op: "cut", offset: whole.length - 1, length: 1 },
    "decode.truncated"
  )
  file.invalid(
    { id: "proof-bad-empty", title: "nothing", clauses: ["proof.layout.1"], flags: ["Form"] },
    "proof-same-version",
    { at: "in/bytes", op: "cut", offset: 0, length: whole.length },
    "decode.truncated"
  )
  return file.file()
}
