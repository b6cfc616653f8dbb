/**
 * F10: two people with several devices: whom a message and its copies are for, while manifests change.
 *
 * Spec: docs/spec/22-own-devices.md; docs/spec/04-accounts.md §4.3, §4.4.
 * Who reads at which version is written down by hand. What versions in messages ask for is devices-lists.ts.
 */
import { compare } from "../bytes.ts"
import { FileBuilder, type Family } from "../family.ts"
import { device, manifest, type Device } from "../identity.ts"
import type { Json, ScriptStep, VectorFile } from "../model.ts"
import type { Trace } from "../trace.ts"

/** F10. */
export const family: Family = {
  id: "F10",
  name: "devices",
  document: "docs/spec/22-own-devices.md",
  level: 3,
  operations: {
    "devices.start": {
      stateful: true,
      in: { device: "bytes", account: "bytes", own: "list", peer: "bytes", answer: "list" },
      out: { own: "uint", peer: "uint" }
    },
    "devices.learn": {
      stateful: true,
      in: { account: "bytes", answer: "list" },
      out: { version: "uint", added: "list", removed: "list" }
    },
    "devices.send": {
      stateful: true,
      in: { account: "bytes" },
      out: { message: "list", copies: "list", lists: "list" }
    },
    "devices.receive": {
      stateful: true,
      in: { account: "bytes", device: "bytes", lists: "list", number: "uint", now: "uint" },
      out: { shown: "flag", gap: "list", fetchSender: "flag", fetchOwn: "flag", answers: "flag", copies: "list" }
    },
    "devices.copied": {
      stateful: true,
      in: { account: "bytes", via: "bytes", device: "bytes", number: "uint" },
      out: { shown: "flag" }
    },
    "devices.wrote": {
      stateful: true,
      in: { name: "text", value: "list", now: "uint" },
      out: { full: "flag", settings: "list" }
    },
    "devices.heard": { stateful: true, in: { settings: "list" }, out: { settings: "list", answers: "flag" } }
  },
  notes: {
    Rollback: { kind: "ROLLBACK", text: "An older list of devices than the one held.", refs: [] },
    Fork: { kind: "FORK", text: "A list that cannot follow the one held.", refs: ["docs/spec/04-accounts.md §4.5"] },
    Gap: { kind: "AVAILABILITY", text: "Lists between are missing.", refs: [] },
    Forged: { kind: "FORGERY", text: "Signed by somebody else, or changed after it was signed.", refs: [] },
    Revoked: { kind: "POLICY", text: "A device that was removed.", refs: ["docs/spec/04-accounts.md §4.4"] },
    Stale: { kind: "AVAILABILITY", text: "Somebody goes by an older list of devices.", refs: [] },
    Replay: { kind: "REPLAY", text: "A number that was seen.", refs: [] },
    Stranger: { kind: "POLICY", text: "Somebody who has no say in it.", refs: [] }
  }
}

export type Person = "alice" | "bob"

/** Devices of a person that read, by version: 1 an admin; 2 adds a second; 3 a replica; 4 a fourth; 5 removes the second. */
export const readers: { readonly [version: number]: ReadonlyArray<number> } = {
  1: [1],
  2: [1, 2],
  3: [1, 2],
  4: [1, 2, 4],
  5: [1, 4]
}

/** Two people, five versions of each one's manifest, and what steps about them say. */
export interface People {
  readonly trace: Trace
  readonly of: (person: Person, n: number) => Device
  readonly account: (person: Person) => Json
  /** Ids in the order of a manifest. */
  readonly ids: (person: Person, numbers: ReadonlyArray<number>) => Json
  /** Names of versions from…to of a person's manifest. */
  readonly chain: (person: Person, from: number, to: number) => ReadonlyArray<string>
  readonly start: (n: number, own: number, peer: number) => ScriptStep
  readonly learn: (person: Person, from: number, to: number, added?: Json, removed?: Json) => ScriptStep
  readonly send: (n: number, own: number, peer: number) => ScriptStep
}

export const world = "people"
export const laptop = "alice/1"

export const people = (file: FileBuilder): People => {
  const trace = file.world(
    world,
    "Alice and Bob, five versions of each one's manifest: a device, a second, a replica, a fourth, the second removed"
  )
  const devices = new Map<string, Device>()
  const of = (person: Person, n: number): Device => devices.get(`${person}${n}`)!
  for (const person of ["alice", "bob"] as const) {
    for (const n of [1, 2, 3, 4]) {
      const first = devices.get(`${person}1`)
      devices.set(`${person}${n}`, device(trace, `${person}${n}`, `${file.topic}/${person}/${n}`, first))
    }
    const owner = of(person, 1)
    const one = { key: owner, addedIn: 1, role: 1 }
    const two = { key: of(person, 2), addedIn: 2 }
    const three = { key: of(person, 3), addedIn: 3, role: 3 }
    const four = { key: of(person, 4), addedIn: 4 }
    const lists = [[one], [one, two], [one, two, three], [one, two, three, four], [one, three, four]]
    for (const [i, entries] of lists.entries()) {
      manifest(trace, `${person}.v${i + 1}`, owner, {
        version: i + 1,
        previous: i === 0 ? undefined : `$${person}.v${i}.hash`,
        devices: entries,
        revocations: i === 4 ? [{ key: of(person, 2), revokedIn: 5 }] : []
      })
    }
  }
  const account = (person: Person): Json => of(person, 1).account
  const ids = (person: Person, numbers: ReadonlyArray<number>): Json =>
    numbers.map((n) => of(person, n).device).toSorted((a, b) => compare(trace.value(a), trace.value(b)))
  const chain = (person: Person, from: number, to: number): ReadonlyArray<string> =>
    Array.from({ length: to - from + 1 }, (_, i) => `$${person}.v${from + i}`)
  return {
    trace,
    of,
    account,
    ids,
    chain,
    start: (n, own, peer) => ({
      do: "devices.start",
      as: laptop,
      in: {
        device: of("alice", n).device,
        account: account("alice"),
        own: chain("alice", 1, own),
        peer: account("bob"),
        answer: chain("bob", 1, peer)
      },
      expect: "ok",
      out: { own, peer }
    }),
    learn: (person, from, to, added = [], removed = []) => ({
      do: "devices.learn",
      as: laptop,
      in: { account: account(person), answer: chain(person, from, to) },
      expect: "ok",
      out: { version: to, added, removed }
    }),
    send: (n, own, peer) => ({
      do: "devices.send",
      as: laptop,
      in: { account: account("bob") },
      expect: "ok",
      out: {
        message: ids("bob", readers[peer]!),
        copies: ids(
          "alice",
          readers[own]!.filter((one) => one !== n)
        ),
        lists: [own, peer]
      }
    })
  }
}

export const fanOut = (): VectorFile => {
  const file = new FileBuilder(family, "fan-out")
  const { chain, ids, learn, of, send, start, trace } = people(file)
  const clauses = ["own.devices.1", "own.copy.1", "own.lists.1"]
  // ---- Every pair of versions, and other devices than the first
  for (const own of [1, 2, 3, 4, 5]) {
    for (const peer of [1, 2, 3, 4, 5]) {
      const title = `version ${own} of the own manifest, ${peer} of the peer's`
      file.transcript({ id: `devices-fan-out-${own}-${peer}`, title, clauses, world }, [
        start(1, own, peer),
        send(1, own, peer)
      ])
    }
  }
  for (const [n, own, peer] of [
    [2, 2, 3],
    [2, 3, 1],
    [2, 4, 5],
    [4, 4, 2],
    [4, 5, 5]
  ] as const) {
    const title = `device ${n}, which no copy is for`
    file.transcript({ id: `devices-fan-out-by-${n}-${own}`, title, clauses, world }, [
      start(n, own, peer),
      send(n, own, peer)
    ])
  }

  // ---- Manifests that change between messages
  const changes = [...clauses, "manifest.told.1"]
  const [second, replica, fourth] = [2, 3, 4]
  const live = (id: string, title: string, steps: ReadonlyArray<ScriptStep>): void =>
    void file.transcript({ id: `devices-${id}`, title, clauses: changes, world }, steps)
  const peerOf = (version: number): ScriptStep =>
    learn(
      "bob",
      version,
      version,
      version === 5 ? [] : ids("bob", [version]),
      version === 5 ? ids("bob", [second]) : []
    )
  const ownOf = (version: number): ScriptStep =>
    learn(
      "alice",
      version,
      version,
      version === 5 ? [] : ids("alice", [version]),
      version === 5 ? ids("alice", [second]) : []
    )
  live("peer-grows", "the peer adds devices between messages", [
    start(1, 1, 1),
    send(1, 1, 1),
    peerOf(2),
    send(1, 1, 2),
    peerOf(3),
    send(1, 1, 3),
    peerOf(4),
    send(1, 1, 4)
  ])
  live("peer-removes", "the peer removes a device: nothing is for it any more", [
    start(1, 2, 4),
    send(1, 2, 4),
    peerOf(5),
    send(1, 2, 5)
  ])
  live("own-grows", "own devices are added: the next message has a copy for them, and a replica none", [
    start(1, 1, 2),
    send(1, 1, 2),
    ownOf(2),
    send(1, 2, 2),
    ownOf(3),
    send(1, 3, 2),
    ownOf(4),
    send(1, 4, 2)
  ])
  live("own-removes", "an own device is removed: no copy is for it any more", [
    start(1, 4, 1),
    send(1, 4, 1),
    ownOf(5),
    send(1, 5, 1)
  ])
  live("both", "both change between two messages", [
    start(1, 3, 3),
    send(1, 3, 3),
    ownOf(4),
    peerOf(4),
    send(1, 4, 4),
    peerOf(5),
    ownOf(5),
    send(1, 5, 5)
  ])
  live("several", "several versions at once", [
    start(1, 1, 1),
    learn("bob", 2, 5, ids("bob", [replica, fourth])),
    send(1, 1, 5),
    learn("alice", 2, 4, ids("alice", [second, replica, fourth])),
    send(1, 4, 5)
  ])
  live("again", "an answer that begins with what is held", [
    start(1, 2, 3),
    learn("bob", 3, 3),
    learn("bob", 1, 4, ids("bob", [fourth])),
    send(1, 2, 4)
  ])
  live("removed-self", "an own device is removed, and is not the one that sends", [
    start(4, 4, 4),
    learn("alice", 4, 5, [], ids("alice", [second])),
    send(4, 5, 4)
  ])

  // ---- What is no list of devices to go by
  const entries = (person: Person) => {
    const one = { key: of(person, 1), addedIn: 1, role: 1 }
    const two = { key: of(person, 2), addedIn: 2 }
    const three = { key: of(person, 3), addedIn: 3, role: 3 }
    return { one, two, three, four: { key: of(person, 4), addedIn: 4 } }
  }
  for (const person of ["alice", "bob"] as const) {
    const other = person === "alice" ? "bob" : "alice"
    const { four, one, three, two } = entries(person)
    const owner = of(person, 1)
    const name = (what: string): string => `${person}.${what}`
    // Two of the account's own key that contradict, one whose revoked device is back, and one signed by somebody else.
    manifest(trace, name("lost"), owner, { version: 4, previous: `$${person}.v3.hash`, devices: [one, three, four] })
    manifest(trace, name("other"), owner, {
      version: 4,
      previous: `$${person}.v2.hash`,
      devices: [one, two, three, four]
    })
    manifest(trace, name("fork3"), owner, { version: 3, previous: `$${person}.v2.hash`, devices: [one, two] })
    manifest(trace, name("role"), owner, {
      version: 4,
      previous: `$${person}.v3.hash`,
      devices: [one, two, { ...three, addedIn: 4 }, four]
    })
    manifest(trace, name("back"), owner, {
      version: 6,
      previous: `$${person}.v5.hash`,
      devices: [one, { ...two, addedIn: 6 }, three, four]
    })
    manifest(trace, name("stolen"), of(other, 1), {
      version: 4,
      previous: `$${person}.v3.hash`,
      devices: [one, two, three, four],
      account: owner.account
    })
    const grown = `devices-${person === "alice" ? "own" : "peer"}-until-3`
    const learned = person === "alice" ? ownOf : peerOf
    const versions = (version: number): readonly [number, number] => (person === "alice" ? [version, 3] : [3, version])
    live(`${person === "alice" ? "own" : "peer"}-until-3`, "one version after the other", [
      start(1, 3, 3),
      learned(4),
      send(1, ...versions(4)),
      learned(5),
      send(1, ...versions(5))
    ])
    const refuse = (
      id: string,
      title: string,
      rules: ReadonlyArray<string>,
      flag: string,
      step: number,
      answer: Json,
      cause: string
    ): void =>
      void file.refused(
        { id: `devices-${person}-${id}`, title, clauses: rules, flags: [flag] },
        grown,
        { at: `script/${step}/in/answer`, op: "assign", value: answer },
        cause
      )
    refuse(
      "rollback",
      "a version before the one held",
      ["manifest.rollback.1"],
      "Rollback",
      1,
      chain(person, 2, 2),
      "fresh.rollback"
    )
    refuse(
      "rollback-chain",
      "the history until before the one held",
      ["manifest.rollback.1"],
      "Rollback",
      3,
      chain(person, 1, 3),
      "fresh.rollback"
    )
    refuse(
      "gap",
      "a version that leaves one out",
      ["manifest.skip.1"],
      "Gap",
      1,
      chain(person, 5, 5),
      "lookup.manifest-gap"
    )
    refuse(
      "lost",
      "a device is gone and was not revoked",
      ["manifest.update.2"],
      "Fork",
      1,
      [`$${name("lost")}`],
      "auth.fork"
    )
    refuse(
      "other",
      "a version that follows another one",
      ["manifest.fork.1"],
      "Fork",
      1,
      [`$${name("other")}`],
      "auth.fork"
    )
    refuse(
      "same",
      "the version held, with other devices",
      ["manifest.fork.1"],
      "Fork",
      1,
      [`$${name("fork3")}`],
      "auth.fork"
    )
    refuse(
      "since",
      "a device that was there is listed as added now",
      ["manifest.update.1"],
      "Fork",
      1,
      [`$${name("role")}`],
      "auth.fork"
    )
    refuse(
      "stolen",
      "signed by somebody else",
      ["manifest.check.1"],
      "Forged",
      1,
      [`$${name("stolen")}`],
      "auth.account"
    )
    refuse("of-another", "of another account", ["manifest.check.1"], "Forged", 1, [`$${other}.v4`], "auth.account")
    file.refused(
      {
        id: `devices-${person}-back`,
        title: "a revoked device is back",
        clauses: ["manifest.update.1"],
        flags: ["Fork"]
      },
      grown,
      { at: "script/3/in/answer", op: "assign", value: [`$${person}.v5`, `$${name("back")}`] },
      "auth.fork"
    )
  }
  const probe = [learn("bob", 4, 4)]
  for (const [id, title, by] of [
    ["removed", "a device that its own manifest removed sends", of("alice", 2).device],
    ["never-listed", "a device that no manifest lists sends", of("bob", 2).device]
  ] as const) {
    file.refused(
      { id: `devices-send-${id}`, title, clauses: ["manifest.removed.1"], flags: ["Revoked"], critical: true },
      "devices-fan-out-5-4",
      { at: "script/0/in/device", op: "assign", value: by },
      "policy.revoked-device",
      { rejects: 1, probe }
    )
  }
  for (const [member, person] of [
    ["own", "alice"],
    ["answer", "bob"]
  ] as const) {
    const first = (id: string, title: string, rule: string, flag: string, value: Json, cause: string): void =>
      void file.refused(
        { id: `devices-start-${person}-${id}`, title, clauses: [rule], flags: [flag] },
        "devices-fan-out-3-3",
        { at: `script/0/in/${member}`, op: "assign", value },
        cause
      )
    first(
      "late",
      "a history that does not begin with version 1",
      "manifest.skip.1",
      "Gap",
      chain(person, 2, 3),
      "lookup.manifest-gap"
    )
    first(
      "hole",
      "a history with a hole",
      "manifest.skip.1",
      "Gap",
      [`$${person}.v1`, `$${person}.v3`],
      "lookup.manifest-gap"
    )
    first(
      "swapped",
      "another account's history",
      "manifest.check.1",
      "Forged",
      chain(person === "alice" ? "bob" : "alice", 1, 3),
      "auth.account"
    )
  }
  return file.file()
}
