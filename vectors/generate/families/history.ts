/**
 * F19: an account's history of manifests, as somebody follows it. One table of cases, in groups by what goes wrong.
 *
 * Spec: docs/spec/04-accounts.md §4.3.
 */
import { FileBuilder } from "../family.ts"
import { certificate, manifest, type Device, type Statement } from "../identity.ts"
import type { Json, ScriptStep, VectorFile } from "../model.ts"
import type { Ref } from "../trace.ts"
import { family } from "./identity.ts"
import { history } from "./manifest.ts"

const bob = "bob/1"

export const updates = (): VectorFile => {
  const file = new FileBuilder(family, "history")
  const world = "history"
  const { alice, carol, keys, sorted, trace } = history(file, world)
  const [a1, a2, a3, a4] = keys
  const ids = (names: ReadonlyArray<Device>): Json =>
    sorted(names.map((key) => ({ key, addedIn: 0 }))).map(({ key }) => key.device)
  const current: { readonly [version: number]: ReadonlyArray<Device> } = {
    1: [a1],
    2: [a1, a2],
    3: [a1, a2, a3],
    4: [a1, a3],
    5: [a1, a3, a4]
  }
  const update = (answer: ReadonlyArray<number | string>, version: number): ScriptStep => ({
    do: "manifest.update",
    as: bob,
    in: { account: alice.account, answer: answer.map((name) => (typeof name === "number" ? `$v${name}` : `$${name}`)) },
    expect: "ok",
    out: {
      version,
      hash: `$v${version}.hash`,
      devices: ids(current[version]!),
      revoked: version >= 4 ? [a2.device] : []
    }
  })
  const accept = (id: string, title: string, clauses: ReadonlyArray<string>, steps: ReadonlyArray<ScriptStep>): void =>
    void file.transcript({ id: `history-${id}`, title, clauses, world }, steps)
  accept(
    "first-contact",
    "the whole history at first contact",
    ["manifest.skip.1", "manifest.update.1"],
    [update([1, 2, 3, 4, 5], 5)]
  )
  accept(
    "one-by-one",
    "one version after the other",
    ["manifest.update.1"],
    [update([1], 1), update([2], 2), update([3], 3), update([4], 4), update([5], 5)]
  )
  accept(
    "catch-up",
    "several versions at once",
    ["manifest.skip.1"],
    [update([1], 1), update([2, 3, 4], 4), update([5], 5)]
  )
  accept(
    "whole-again",
    "the whole history again: what is known is passed over",
    ["manifest.skip.1"],
    [update([1, 2, 3], 3), update([1, 2, 3, 4, 5], 5)]
  )
  accept(
    "nothing-new",
    "an answer that is as new as what is held",
    ["manifest.update.1"],
    [update([1, 2], 2), update([1, 2], 2), update([2], 2), update([3], 3)]
  )
  accept(
    "empty-answer",
    "nothing newer than what is held",
    ["manifest.update.1"],
    [update([1, 2], 2), update([], 2), update([3], 3)]
  )
  accept(
    "same-version-twice",
    "one version twice in an answer",
    ["manifest.update.1"],
    [update([1, 1, 2, 2], 2), update([3], 3)]
  )
  accept(
    "overlapping",
    "an answer that begins before what is held",
    ["manifest.skip.1"],
    [update([1, 2, 3], 3), update([2, 3, 4], 4), update([5], 5)]
  )
  // Certificates say the role and the first version that the manifests say.
  const certify = (name: string, key: Device, role: number, version: number, agree = key.agree): Ref =>
    certificate(trace, name, alice.accountSeed, { account: alice.account, device: key.device, agree }, role, version)
  const genuine = [certify("c1", a1, 1, 1), certify("c2", a2, 2, 2), certify("c3", a3, 3, 3), certify("c4", a4, 2, 5)]
  const admit = (bytes: Ref, pinned?: Ref): ScriptStep => ({
    do: "manifest.admit",
    as: bob,
    in: { certificate: bytes, ...(pinned === undefined ? {} : { pinned }) },
    expect: "ok",
    out: {}
  })
  const [c1, c2, c3, c4] = genuine as [Ref, Ref, Ref, Ref]
  accept(
    "admitted",
    "starts of listed devices",
    ["manifest.device.1", "manifest.device.2"],
    [
      update([1, 2, 3], 3),
      admit(c1),
      admit(c2),
      update([4], 4),
      admit(c1),
      admit(c3, alice.account),
      update([5], 5),
      admit(c4)
    ]
  )
  const refuse = (
    id: string,
    title: string,
    clause: string,
    flag: string,
    twin: string,
    step: number,
    answer: ReadonlyArray<number | string>,
    cause: string
  ): void =>
    void file.refused(
      { id: `history-bad-${id}`, title, clauses: [clause], flags: [flag] },
      `history-${twin}`,
      {
        at: `script/${step}/in/answer`,
        op: "assign",
        value: answer.map((name) => (typeof name === "number" ? `$v${name}` : `$${name}`))
      },
      cause
    )
  // Versions that Alice's account signs as well.
  const first = { key: a1, addedIn: 1, role: 1 }
  const second = { key: a2, addedIn: 2 }
  const third = { key: a3, addedIn: 3, role: 3 }
  const gone = [{ key: a2, revokedIn: 4 }]
  const fork = (id: string, statement: Statement): void => void manifest(trace, id, alice, statement)
  fork("fork1", { version: 1, previous: undefined, devices: [{ ...first, role: 2 }] })
  fork("fork3", { version: 3, previous: "$v2.hash", devices: [first, second] })
  fork("next-of-other", { version: 4, previous: "$fork3.hash", devices: [first, third], revocations: gone })
  fork("next-of-v2", { version: 4, previous: "$v2.hash", devices: [first, third], revocations: gone })
  fork("device-gone", { version: 5, previous: "$v4.hash", devices: [first], revocations: gone })
  fork("fork2", { version: 2, previous: "$v1.hash", devices: [first] })
  fork("revocation-gone", { version: 5, previous: "$v4.hash", devices: [first, third] })
  fork("revoked-back", { version: 5, previous: "$v4.hash", devices: [first, second, third] })
  fork("revocation-moved", {
    version: 5,
    previous: "$v4.hash",
    devices: [first, third],
    revocations: [{ key: a2, revokedIn: 3 }]
  })
  fork("revocation-earlier", {
    version: 5,
    previous: "$v4.hash",
    devices: [first],
    revocations: [...gone, { key: a3, revokedIn: 4 }]
  })
  fork("key-changed", {
    version: 5,
    previous: "$v4.hash",
    devices: [first, { ...third, agree: a4.agree }],
    revocations: gone
  })
  fork("added-changed", {
    version: 5,
    previous: "$v4.hash",
    devices: [first, { ...third, addedIn: 5 }],
    revocations: gone
  })
  fork("added-earlier", {
    version: 5,
    previous: "$v4.hash",
    devices: [first, third, { key: a4, addedIn: 4 }],
    revocations: gone
  })
  manifest(trace, "of-carol", carol, { version: 1, previous: undefined, devices: [{ key: carol, addedIn: 1 }] })
  manifest(trace, "carol-next", carol, { version: 2, previous: "$v1.hash", devices: [{ key: carol, addedIn: 2 }] })
  refuse(
    "rollback",
    "version 1 after version 2",
    "manifest.rollback.1",
    "Rollback",
    "one-by-one",
    2,
    [1],
    "fresh.rollback"
  )
  refuse(
    "rollback-chain",
    "an old history that ends before what is held",
    "manifest.rollback.1",
    "Rollback",
    "whole-again",
    1,
    [1, 2],
    "fresh.rollback"
  )
  refuse(
    "rollback-within",
    "versions that go back within one answer",
    "manifest.rollback.1",
    "Rollback",
    "catch-up",
    1,
    [2, 3, 2],
    "fresh.rollback"
  )
  refuse("gap", "version 3 after version 1", "manifest.skip.1", "Gap", "one-by-one", 1, [3], "lookup.manifest-gap")
  refuse("gap-within", "version 3 is missing", "manifest.skip.1", "Gap", "catch-up", 1, [2, 4], "lookup.manifest-gap")
  refuse(
    "gap-first",
    "a first answer that begins with version 2",
    "manifest.skip.1",
    "Gap",
    "first-contact",
    0,
    [2, 3, 4, 5],
    "lookup.manifest-gap"
  )
  refuse("gap-empty", "an empty first answer", "manifest.skip.1", "Gap", "first-contact", 0, [], "lookup.manifest-gap")
  refuse(
    "gap-order",
    "a first answer in the wrong order",
    "manifest.skip.1",
    "Gap",
    "first-contact",
    0,
    [5, 4, 3, 2, 1],
    "lookup.manifest-gap"
  )
  refuse("fork-same-version", "another version 3", "manifest.fork.1", "Fork", "whole-again", 1, ["fork3"], "auth.fork")
  refuse("fork-first", "another version 1", "manifest.fork.1", "Fork", "one-by-one", 1, ["fork1"], "auth.fork")
  refuse(
    "fork-within",
    "both versions 3 in one answer",
    "manifest.fork.1",
    "Fork",
    "catch-up",
    1,
    [2, 3, "fork3", 4],
    "auth.fork"
  )
  refuse(
    "fork-before",
    "an answer that reaches back to another version 2",
    "manifest.fork.2",
    "Fork",
    "overlapping",
    1,
    ["fork2", 3, 4],
    "auth.fork"
  )
  refuse(
    "device-gone",
    "a device leaves without a revocation",
    "manifest.update.2",
    "Fork",
    "one-by-one",
    4,
    ["device-gone"],
    "auth.fork"
  )
  refuse(
    "fork-next",
    "a version 4 that follows another version 3",
    "manifest.fork.1",
    "Fork",
    "one-by-one",
    3,
    ["next-of-other"],
    "auth.fork"
  )
  refuse(
    "fork-next-of-v2",
    "a version 4 that carries the hash of version 2",
    "manifest.fork.1",
    "Fork",
    "one-by-one",
    3,
    ["next-of-v2"],
    "auth.fork"
  )
  for (const [id, title] of [
    ["revocation-gone", "a revocation disappears"],
    ["revoked-back", "a revoked device is back"],
    ["revocation-moved", "a revocation says another version"],
    ["revocation-earlier", "a new revocation says an earlier version"],
    ["key-changed", "a device changes its agreement key"],
    ["added-changed", "a device changes the version it was added in"],
    ["added-earlier", "a new device says an earlier version"]
  ] as const)
    refuse(id, title, "manifest.update.1", "Fork", "one-by-one", 4, [id], "auth.fork")
  refuse(
    "other-account",
    "another account's manifest",
    "manifest.check.1",
    "Modified",
    "one-by-one",
    0,
    ["of-carol"],
    "auth.account"
  )
  refuse(
    "other-account-next",
    "another account's next version",
    "manifest.check.1",
    "Modified",
    "one-by-one",
    1,
    ["carol-next"],
    "auth.account"
  )
  const changed = (id: string, title: string, twin: string, step: number, index: number, cause: string): void =>
    void file.refused(
      { id: `history-bad-${id}`, title, clauses: ["manifest.check.1"], flags: ["Modified"] },
      `history-${twin}`,
      { at: `script/${step}/in/answer/${index}`, op: "xor", offset: 60, bytes: "01" },
      cause
    )
  changed("changed-first", "the first of five is changed", "first-contact", 0, 0, "auth.account")
  changed("changed-middle", "the third of five is changed: none is taken", "first-contact", 0, 2, "auth.account")
  changed("changed-last", "the last of five is changed: none is taken", "first-contact", 0, 4, "auth.account")
  const admitted = "history-admitted"
  const assign = (
    id: string,
    title: string,
    step: number,
    member: string,
    value: string,
    cause: string,
    clause: string,
    flag: string
  ): void =>
    void file.refused(
      { id: `history-bad-${id}`, title, clauses: [clause], flags: [flag], critical: true },
      admitted,
      { at: `script/${step}/in/${member}`, op: "assign", value },
      cause
    )
  const device2 = "manifest.device.2"
  const cause = "policy.revoked-device"
  assign("revoked", "a start of a revoked device", 4, "certificate", c2, cause, "manifest.device.1", "Revoked")
  assign(
    "pinned",
    "a start of another account than the one pinned for the name",
    5,
    "pinned",
    carol.account,
    "policy.identity-changed",
    "session.start.4",
    "Pinned"
  )
  assign(
    "not-yet-listed",
    "a device that only a later manifest can list",
    2,
    "certificate",
    c4,
    "lookup.manifest-gap",
    device2,
    "Gap"
  )
  assign(
    "never-listed",
    "a device that no manifest lists",
    1,
    "certificate",
    certify("c-never", carol, 2, 1),
    cause,
    device2,
    "Revoked"
  )
  assign(
    "other-role",
    "a certificate that says another role",
    2,
    "certificate",
    certify("c-role", a2, 1, 2),
    cause,
    device2,
    "Revoked"
  )
  assign(
    "other-version",
    "a certificate that says another version",
    2,
    "certificate",
    certify("c-version", a2, 2, 1),
    cause,
    device2,
    "Revoked"
  )
  assign(
    "other-key",
    "a certificate with another agreement key",
    2,
    "certificate",
    certify("c-key", a2, 2, 2, a4.agree),
    cause,
    device2,
    "Revoked"
  )
  return file.file()
}
