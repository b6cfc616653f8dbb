/**
 * F10: what the versions in messages ask for, who is owed a copy of what only one device received, and which copies are shown.
 *
 * Spec: docs/spec/22-own-devices.md §22.2, §22.6.
 * The device of these cases is Alice's first, unless a case says otherwise. Expectations are written down by hand.
 */
import { FileBuilder, now } from "../family.ts"
import type { Json, ScriptStep, VectorFile } from "../model.ts"
import { family, laptop, people, world, type People, type Person } from "./devices.ts"

interface Came {
  readonly from?: Person
  readonly by?: number
  /** 0 for a message without a number. */
  readonly number?: number
  /** How much later than the first one, ms. */
  readonly after?: number
}

interface Asks {
  readonly shown?: boolean
  readonly gap?: Json
  readonly fetch?: "sender" | "own" | "both"
  readonly answers?: true
  /** Numbers of own devices. */
  readonly copies?: ReadonlyArray<number>
}

const receiving =
  ({ account, ids, of }: People) =>
  (lists: Json, { after = 0, by = 1, from = "bob", number = 1 }: Came = {}, asks: Asks = {}): ScriptStep => ({
    do: "devices.receive",
    as: laptop,
    in: { account: account(from), device: of(from, by).device, lists, number, now: now + after },
    expect: "ok",
    out: {
      shown: asks.shown ?? true,
      gap: asks.gap ?? [],
      fetchSender: asks.fetch === "sender" || asks.fetch === "both",
      fetchOwn: asks.fetch === "own" || asks.fetch === "both",
      answers: asks.answers ?? false,
      copies: ids("alice", asks.copies ?? [])
    }
  })

const copying =
  ({ account, of }: People) =>
  (number: number, shown: boolean, via = 1, by = 1): ScriptStep => ({
    do: "devices.copied",
    as: laptop,
    in: { account: account("alice"), via: of("alice", via).device, device: of("bob", by).device, number },
    expect: "ok",
    out: { shown }
  })

export const lists = (): VectorFile => {
  const file = new FileBuilder(family, "lists")
  const cast = people(file)
  const { ids, learn, of, start } = cast
  const receive = receiving(cast)
  const valid = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    steps: ReadonlyArray<ScriptStep>,
    flags: ReadonlyArray<string> = []
  ): void => void file.transcript({ id: `devices-lists-${id}`, title, clauses, flags, world }, steps)

  // ---- One message, at version 4 of both
  const table: ReadonlyArray<readonly [lists: readonly [number, number], asks: Asks]> = [
    [[4, 4], {}],
    [[3, 4], {}],
    [[1, 4], {}],
    [[5, 4], { fetch: "sender" }],
    [[9, 4], { fetch: "sender" }],
    [[4, 5], { fetch: "own" }],
    [[4, 9], { fetch: "own" }],
    [[5, 5], { fetch: "both" }],
    [[3, 5], { fetch: "own" }],
    [[4, 3], { answers: true, copies: [4] }],
    [[4, 2], { answers: true, copies: [4] }],
    [[4, 1], { answers: true, copies: [2, 4] }],
    [[4, 0], { answers: true, copies: [2, 4] }],
    [[5, 1], { answers: true, copies: [2, 4], fetch: "sender" }],
    [[5, 3], { answers: true, copies: [4], fetch: "sender" }],
    [[1, 0], { answers: true, copies: [2, 4] }]
  ]
  for (const [[own, peer], asks] of table) {
    const rules = ["own.lists.2", "own.lists.3", "own.received.1"]
    const title = `its own version ${own}, and addressed by version ${peer} of 4`
    valid(`${own}-${peer}`, title, rules, [start(1, 4, 4), receive([own, peer], {}, asks)], peer < 4 ? ["Stale"] : [])
  }
  valid(
    "none",
    "a message without versions asks for nothing",
    ["own.lists.1", "own.received.1"],
    [start(1, 4, 4), receive([])]
  )
  valid(
    "unnumbered",
    "what has no number is answered, and not copied",
    ["own.lists.3", "own.received.1"],
    [start(1, 4, 4), receive([4, 1], { number: 0 }, { answers: true })]
  )
  valid(
    "by-second",
    "the device itself is owed nothing",
    ["own.received.1"],
    [start(2, 4, 4), receive([4, 1], {}, { answers: true, copies: [4] })]
  )
  valid(
    "by-fourth",
    "the newest device owes the one before nothing that was addressed to that one",
    ["own.received.1"],
    [start(4, 4, 4), receive([4, 3], {}, { answers: true }), receive([4, 1], { number: 2 }, { copies: [2] })]
  )
  valid(
    "own-newer",
    "another own device goes by a newer manifest",
    ["own.lists.2"],
    [start(1, 4, 4), receive([5, 5], { from: "alice", by: 4 }, { fetch: "sender" })]
  )
  valid(
    "own-older",
    "another own device goes by an older one: told, and nothing is copied",
    ["own.lists.3", "own.received.1"],
    [start(1, 4, 4), receive([2, 2], { from: "alice", by: 2 }, { answers: true })]
  )
  valid(
    "removed-since",
    "an own device that was added and removed since is owed nothing",
    ["own.received.1"],
    [start(1, 5, 4), receive([4, 1], {}, { answers: true, copies: [4] })]
  )
  valid(
    "only-removed",
    "a version that only removed a device: told, and nothing is owed",
    ["own.lists.3", "own.received.1"],
    [start(1, 5, 4), receive([4, 4], {}, { answers: true })]
  )
  valid(
    "only-replica",
    "a replica was added since: told, and it is owed nothing",
    ["own.received.1", "own.devices.1"],
    [start(1, 3, 4), receive([4, 2], {}, { answers: true })]
  )
  valid(
    "fetched",
    "what was fetched is not fetched again",
    ["own.lists.2"],
    [
      start(1, 4, 4),
      receive([5, 4], {}, { fetch: "sender" }),
      learn("bob", 4, 5, [], ids("bob", [2])),
      receive([5, 4], { number: 2 })
    ]
  )

  // ---- A device that goes on in its old ways
  const stale = ["own.lists.3"]
  const old = { copies: [4] } as const
  const told = { answers: true, copies: [4] } as const
  valid(
    "again",
    "told once, and again after a minute",
    stale,
    [
      start(1, 4, 4),
      receive([4, 3], {}, told),
      receive([4, 3], { number: 2, after: 1_000 }, old),
      receive([4, 3], { number: 3, after: 59_999 }, old),
      receive([4, 3], { number: 4, after: 60_000 }, told),
      receive([4, 3], { number: 5, after: 119_999 }, old),
      receive([4, 3], { number: 6, after: 120_000 }, told)
    ],
    ["Stale"]
  )
  valid(
    "each",
    "each device is told by itself",
    stale,
    [
      start(1, 4, 4),
      receive([4, 3], {}, told),
      receive([4, 3], { by: 2 }, told),
      receive([4, 3], { by: 4, number: 3 }, { ...told, gap: [1, 2] }),
      receive([4, 3], { by: 2, number: 2, after: 5 }, old)
    ],
    ["Stale"]
  )
  valid(
    "newer-again",
    "a newer version is told at once",
    stale,
    [
      start(1, 3, 4),
      receive([4, 2], {}, { answers: true }),
      learn("alice", 4, 4, ids("alice", [4])),
      receive([4, 3], { number: 2, after: 10 }, told),
      learn("alice", 5, 5, [], ids("alice", [2])),
      receive([4, 4], { number: 3, after: 20 }, { answers: true })
    ],
    ["Stale"]
  )
  valid(
    "caught-up",
    "once it goes by the newest nothing is asked for",
    stale,
    [
      start(1, 4, 4),
      receive([4, 3], {}, told),
      receive([4, 4], { number: 2 }),
      receive([4, 4], { number: 3, after: 70_000 })
    ],
    ["Stale"]
  )
  valid(
    "order",
    "numbers out of order, and a gap that is filled",
    ["own.received.1"],
    [
      start(1, 4, 4),
      receive([4, 4], { number: 1 }),
      receive([4, 4], { number: 4 }, { gap: [2, 3] }),
      receive([4, 4], { number: 2 }),
      receive([4, 4], { number: 3 })
    ]
  )

  // ---- Who is not heard, and what was seen
  const change = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    flag: string,
    twin: string,
    at: string,
    value: Json,
    cause: string
  ): void =>
    void file.refused(
      { id: `devices-lists-${id}`, title, clauses, flags: [flag], critical: true },
      `devices-lists-${twin}`,
      { at, op: "assign", value },
      cause
    )
  for (const [own, peer] of [
    [5, 5],
    [4, 4],
    [9, 5],
    [5, 1]
  ] as const) {
    const asks: Asks = {
      ...(own === 9 ? { fetch: "sender" } : {}),
      ...(peer === 5 ? {} : { answers: true }),
      copies: peer === 1 ? [4] : []
    }
    valid(
      `after-removal-${own}-${peer}`,
      "devices that remain are heard",
      ["manifest.device.2"],
      [
        start(1, 5, 5),
        receive([own, peer], {}, asks),
        receive([own, peer], { number: 2 }, { ...asks, ...(peer === 5 ? {} : { answers: undefined }) } as Asks)
      ]
    )
    change(
      `removed-${own}-${peer}`,
      "a device that the peer removed",
      ["manifest.device.2"],
      "Revoked",
      `after-removal-${own}-${peer}`,
      "script/1/in/device",
      of("bob", 2).device,
      "policy.revoked-device"
    )
  }
  valid(
    "own-after-removal",
    "own devices that remain are heard",
    ["manifest.device.2"],
    [start(1, 5, 5), receive([5, 5], { from: "alice", by: 4 }), receive([5, 5], { from: "alice", by: 4, number: 2 })]
  )
  change(
    "own-removed",
    "an own device that was removed",
    ["manifest.device.2"],
    "Revoked",
    "own-after-removal",
    "script/1/in/device",
    of("alice", 2).device,
    "policy.revoked-device"
  )
  change(
    "own-removed-later",
    "an own device that was removed, later",
    ["manifest.device.2"],
    "Revoked",
    "own-after-removal",
    "script/2/in/device",
    of("alice", 2).device,
    "policy.revoked-device"
  )
  for (const [twin, step, number] of [
    ["again", 2, 1],
    ["again", 4, 2],
    ["again", 6, 5],
    ["order", 3, 1],
    ["order", 4, 4],
    ["caught-up", 2, 1],
    ["caught-up", 3, 2]
  ] as const) {
    change(
      `seen-${twin}-${step}`,
      `number ${number} again`,
      ["sequence.window.1"],
      "Replay",
      twin,
      `script/${step}/in/number`,
      number,
      "fresh.duplicate"
    )
  }
  valid(
    "far",
    "a number far ahead",
    ["sequence.window.1"],
    [
      start(1, 4, 4),
      receive([4, 4], { number: 1 }),
      receive([4, 4], { number: 3_000 }, { gap: [2, 2_999] }),
      receive([4, 4], { number: 3_001 })
    ]
  )
  change(
    "too-old",
    "a number that the window has left behind",
    ["sequence.window.1"],
    "Replay",
    "far",
    "script/3/in/number",
    900,
    "fresh.stale"
  )
  return file.file()
}

export const received = (): VectorFile => {
  const file = new FileBuilder(family, "received")
  const cast = people(file)
  const { account, learn, of, start, ids } = cast
  const receive = receiving(cast)
  const copied = copying(cast)
  const valid = (id: string, title: string, clauses: ReadonlyArray<string>, steps: ReadonlyArray<ScriptStep>): void =>
    void file.transcript({ id: `devices-received-${id}`, title, clauses, world }, steps)
  const one = ["own.received.2"]
  const both = ["own.received.2", "own.received.3"]
  // The device is Alice's fourth, added in version 4: Bob's older messages were not for it.
  valid("shown", "a copy is shown", one, [start(4, 4, 4), copied(1, true)])
  valid("twice", "two own devices copy the same message: one is shown", one, [
    start(4, 4, 4),
    copied(1, true, 1),
    copied(1, false, 2),
    copied(2, true, 2),
    copied(2, false, 1)
  ])
  valid("apart", "copies with numbers between: no gap, and those between may still come", one, [
    start(4, 4, 4),
    copied(5, true),
    copied(9, true),
    copied(7, true),
    receive([4, 4], { number: 6 }),
    receive([4, 4], { number: 10 })
  ])
  valid("then-gap", "what the sender itself passes over is a gap, after a copy too", one, [
    start(4, 4, 4),
    copied(5, true),
    receive([4, 4], { number: 8 }, { gap: [6, 7] }),
    copied(6, true),
    receive([4, 4], { number: 7 })
  ])
  valid("before", "what came itself is not shown as a copy again", one, [
    start(4, 4, 4),
    receive([4, 4], { number: 3 }, { gap: [1, 2] }),
    copied(3, false),
    copied(2, true)
  ])
  valid("after", "addressed anew to a device that had a copy: dropped without a word", both, [
    start(4, 4, 4),
    copied(5, true),
    receive([4, 3], { number: 5 }, { shown: false, answers: true }),
    receive([4, 4], { number: 6 })
  ])
  valid("after-first", "addressed before any list was known, and copied", both, [
    start(4, 4, 4),
    copied(1, true),
    receive([4, 0], { number: 1 }, { shown: false, answers: true }),
    receive([4, 4], { number: 2 })
  ])
  valid("each-sender", "each device of the sender has numbers of its own", one, [
    start(4, 4, 4),
    copied(1, true, 1, 1),
    copied(1, true, 1, 2),
    copied(1, false, 2, 1),
    copied(1, false, 2, 2)
  ])
  valid("remaining", "copies by own devices that remain", one, [
    start(4, 4, 4),
    copied(1, true, 2),
    learn("alice", 5, 5, [], ids("alice", [2])),
    copied(2, true, 1),
    copied(3, true, 1)
  ])
  valid("chain", "copies and messages mixed", both, [
    start(4, 4, 4),
    receive([4, 4], { number: 1 }),
    copied(2, true),
    receive([4, 4], { number: 3 }),
    copied(4, true, 2),
    receive([4, 3], { number: 4 }, { shown: false, answers: true }),
    receive([4, 4], { number: 5 })
  ])

  const refuse = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    flag: string,
    twin: string,
    at: string,
    value: Json,
    cause: string
  ): void =>
    void file.refused(
      { id: `devices-received-${id}`, title, clauses, flags: [flag], critical: true },
      `devices-received-${twin}`,
      { at, op: "assign", value },
      cause
    )
  const stranger = account("bob")
  for (const [twin, step] of [
    ["shown", 1],
    ["twice", 1],
    ["apart", 3],
    ["remaining", 3]
  ] as const) {
    refuse(
      `not-own-${twin}`,
      "the other side speaks as an own device",
      ["content.own.2"],
      "Stranger",
      twin,
      `script/${step}/in/account`,
      stranger,
      "policy.not-own"
    )
  }
  for (const step of [3, 4]) {
    refuse(
      `removed-${step}`,
      "a copy by an own device that was removed",
      ["manifest.device.2"],
      "Revoked",
      "remaining",
      `script/${step}/in/via`,
      of("alice", 2).device,
      "policy.revoked-device"
    )
  }
  for (const [twin, step] of [
    ["shown", 1],
    ["apart", 2],
    ["chain", 4]
  ] as const) {
    refuse(
      `unnumbered-${twin}`,
      "a copy of what has no number",
      ["own.received.1", "own.copy.2"],
      "Stranger",
      twin,
      `script/${step}/in/number`,
      0,
      "decode.value"
    )
  }
  for (const [twin, step, lists] of [
    ["after", 2, [4, 4]],
    ["after", 2, [4, 5]],
    ["after-first", 2, [4, 4]],
    ["chain", 5, [4, 4]],
    ["after", 2, []]
  ] as const) {
    refuse(
      `duplicate-${twin}-${lists.join("-") || "none"}`,
      "its sender knew this device, so it is no copy's original",
      ["own.received.3", "sequence.window.1"],
      "Replay",
      twin,
      `script/${step}/in/lists`,
      lists,
      "fresh.duplicate"
    )
  }
  for (const [twin, step, number] of [
    ["apart", 4, 9],
    ["apart", 5, 5],
    ["then-gap", 4, 6],
    ["chain", 3, 2],
    ["chain", 6, 4]
  ] as const) {
    refuse(
      `seen-${twin}-${step}`,
      `number ${number} again, addressed to this device`,
      ["own.received.3", "sequence.window.1"],
      "Replay",
      twin,
      `script/${step}/in/number`,
      number,
      "fresh.duplicate"
    )
  }
  return file.file()
}
