/**
 * F09: the replay window and the rollback fence. Every expectation is written down by hand. Long because it is one table of cases.
 *
 * Spec: docs/spec/07-sequencing.md §7.1, §7.2.
 */
import { FileBuilder, type Family } from "../family.ts"
import type { Ref } from "../trace.ts"
import type { JsonObject, ScriptStep, VectorFile } from "../model.ts"

/** F09. */
export const family: Family = {
  id: "F09",
  name: "sequence",
  document: "docs/spec/07-sequencing.md",
  level: 2,
  operations: {
    "window.accept": {
      stateful: true,
      in: { number: "uint", floor: "uint?" },
      out: { late: "flag", filled: "flag", gap: "list", lost: "list" }
    },
    "window.gaps": { stateful: true, in: {}, out: { gaps: "list" } },
    "window.reload": { stateful: true, in: {}, out: {} },
    "fence.start": {
      stateful: true,
      in: { secret: "bytes", random: "bytes" },
      out: { generation: "uint", startId: "bytes" }
    },
    "fence.carry": { stateful: true, in: {}, out: { fence: "list", echo: "list" } },
    "fence.observe": {
      stateful: true,
      in: { fence: "list", echo: "list", late: "flag" },
      out: { peerRollback: "flag", restored: "list" }
    },
    "fence.recover": { stateful: true, in: { random: "bytes" }, out: { generation: "uint", startId: "bytes" } },
    "failure.advice": {
      in: { cause: "text" },
      out: { stage: "text", expected: "flag", retry: "text", asked: "flag" }
    },
    "fence.probe": { stateful: true, in: { now: "uint", active: "uint" }, out: { asked: "uint" } },
    "counter.restore": { stateful: true, in: { last: "uint" }, out: {} },
    "counter.take": { stateful: true, in: {}, out: { number: "uint", floor: "uint" } },
    "counter.behind": { stateful: true, in: { received: "uint" }, out: { behind: "flag" } },
    "counter.resume": { stateful: true, in: { received: "uint" }, out: { last: "uint" } }
  },
  notes: {
    Edge: { kind: "BOUNDARY", text: "At an edge of the 2,048 numbers that the window holds.", refs: ["RFC 6479"] },
    Jump: {
      kind: "DENIAL_OF_SERVICE",
      text: "A number far ahead: must cost no more than the window's width.",
      refs: []
    },
    Replay: { kind: "REPLAY", text: "A number that was seen, or too old to tell.", refs: [] },
    Restart: {
      kind: "PERSISTENCE",
      text: "The window is stored and read back in the middle.",
      refs: ["docs/spec/16-state.md"]
    },
    Floor: {
      kind: "SEQUENCE_FLOOR",
      text: "A session start says where the numbers for this device begin.",
      refs: ["docs/spec/07-sequencing.md §7.1"]
    },
    Forged: {
      kind: "FORGERY",
      text: "Somebody echoes a start that the device never made.",
      refs: ["docs/spec/07-sequencing.md §7.2"]
    },
    Rollback: {
      kind: "ROLLBACK",
      text: "Somebody runs from an old copy of its state.",
      refs: ["docs/spec/07-sequencing.md §7.2"]
    }
  }
}

type Range = readonly [from: number, to: number]
interface Expect {
  readonly late?: true
  readonly filled?: true
  readonly gap?: Range
  readonly lost?: ReadonlyArray<Range>
  readonly floor?: number
  readonly as?: string
}

/** A number that is accepted; a number in its place stands for one that just follows. */
export type Item =
  | number
  | readonly [number: number, expect: Expect]
  | { readonly gaps: ReadonlyArray<Range> }
  | "reload"

export const step = (item: Item): ScriptStep => {
  if (item === "reload") return { do: "window.reload", as: "bob/1", in: {}, expect: "ok", out: {} }
  if (typeof item === "object" && "gaps" in item)
    return { do: "window.gaps", as: "bob/1", in: {}, expect: "ok", out: { gaps: item.gaps } }
  const [number, expect] = typeof item === "number" ? [item, {}] : item
  return {
    do: "window.accept",
    as: expect.as ?? "bob/1",
    in: { number, ...(expect.floor === undefined ? {} : { floor: expect.floor }) },
    expect: "ok",
    out: { late: expect.late ?? false, filled: expect.filled ?? false, gap: expect.gap ?? [], lost: expect.lost ?? [] }
  }
}

const late = { late: true } as const
const filled = { late: true, filled: true } as const
const max = 9007199254740991

const accepted: ReadonlyArray<
  readonly [
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    flags: ReadonlyArray<string>,
    items: ReadonlyArray<Item>
  ]
> = [
  ["first", "the first message of a conversation", ["sequence.window.1"], [], [1, { gaps: [] }]],
  ["in-order", "five in order", ["sequence.window.1"], [], [1, 2, 3, 4, 5, { gaps: [] }]],
  [
    "begins-at-5",
    "the first one seen is number 5",
    ["sequence.gap.1"],
    [],
    [[5, { gap: [1, 4] }], { gaps: [[1, 4]] }, 6]
  ],
  [
    "gap-filled",
    "a gap of two, filled from the front",
    ["sequence.gap.1"],
    [],
    [1, [4, { gap: [2, 3] }], [2, filled], { gaps: [[3, 3]] }, [3, filled], { gaps: [] }, 5]
  ],
  [
    "gap-filled-backwards",
    "a gap filled from the back",
    ["sequence.gap.1"],
    [],
    [[5, { gap: [1, 4] }], [4, filled], [3, filled], [2, filled], [1, filled], { gaps: [] }, 6]
  ],
  [
    "gap-split",
    "a gap filled in its middle",
    ["sequence.gap.1"],
    [],
    [
      1,
      [7, { gap: [2, 6] }],
      [4, filled],
      {
        gaps: [
          [2, 3],
          [5, 6]
        ]
      },
      8
    ]
  ],
  [
    "every-second",
    "only even numbers",
    ["sequence.gap.1"],
    [],
    [
      [2, { gap: [1, 1] }],
      [4, { gap: [3, 3] }],
      [6, { gap: [5, 5] }],
      {
        gaps: [
          [1, 1],
          [3, 3],
          [5, 5]
        ]
      },
      7
    ]
  ],
  [
    "word-edges",
    "around multiples of 32",
    ["sequence.window.1"],
    ["Edge"],
    [
      [31, { gap: [1, 30] }],
      32,
      33,
      [65, { gap: [34, 64] }],
      [64, filled],
      [63, filled],
      {
        gaps: [
          [1, 30],
          [34, 62]
        ]
      },
      66
    ]
  ],
  [
    "edge-inside",
    "the oldest number the window still holds",
    ["sequence.window.1"],
    ["Edge"],
    [1, [2049, { gap: [2, 2048] }], [2, filled], { gaps: [[3, 2048]] }, 2050]
  ],
  [
    "edge-lost",
    "one further: number 2 leaves unfilled",
    ["sequence.window.1", "sequence.gap.1"],
    ["Edge"],
    [1, [2050, { gap: [2, 2049], lost: [[2, 2]] }], [3, filled], { gaps: [[4, 2049]] }, [2051, {}]]
  ],
  [
    "edge-exact",
    "number 2,048 first",
    ["sequence.window.1"],
    ["Edge"],
    [[2048, { gap: [1, 2047] }], [1, filled], 2049]
  ],
  [
    "edge-first-2049",
    "number 2,049 first: number 1 is lost at once",
    ["sequence.window.1", "sequence.gap.1"],
    ["Edge"],
    [[2049, { gap: [1, 2048], lost: [[1, 1]] }], [2, filled], 2050]
  ],
  [
    "slides-out",
    "missing numbers leave one by one",
    ["sequence.gap.1"],
    ["Edge"],
    [
      1,
      [3, { gap: [2, 2] }],
      [2049, { gap: [4, 2048] }],
      [2050, { lost: [[2, 2]] }],
      2051,
      [2052, { lost: [[4, 4]] }],
      [2053, { lost: [[5, 5]] }]
    ]
  ],
  [
    "slides-out-filled",
    "filled numbers leave without a word",
    ["sequence.gap.1"],
    ["Edge"],
    [1, [3, { gap: [2, 2] }], [2, filled], [2049, { gap: [4, 2048] }], 2050, 2051]
  ],
  [
    "lost-together",
    "a jump that pushes two gaps out",
    ["sequence.gap.1"],
    ["Edge", "Jump"],
    [
      1,
      [4, { gap: [2, 3] }],
      [6, { gap: [5, 5] }],
      [
        4000,
        {
          gap: [7, 3999],
          lost: [
            [2, 3],
            [5, 5],
            [7, 1952]
          ]
        }
      ],
      [1953, filled],
      4001
    ]
  ],
  [
    "jump-to-the-end",
    "from 1 to the largest number",
    ["sequence.window.1", "sequence.gap.1"],
    ["Jump"],
    [1, [max, { gap: [2, max - 1], lost: [[2, max - 2048]] }], [max - 2047, filled], [max - 1, filled]]
  ],
  [
    "first-is-the-end",
    "the first one seen is the largest number",
    ["sequence.window.1"],
    ["Jump"],
    [
      [max, { gap: [1, max - 1], lost: [[1, max - 2048]] }],
      [max - 1, filled]
    ]
  ],
  [
    "beyond-32-bits",
    "around 2³²",
    ["sequence.window.1"],
    ["Floor"],
    [
      [4294967295, { floor: 4294967294 }],
      4294967296,
      4294967297,
      [4294967299, { gap: [4294967298, 4294967298] }],
      [4294967298, filled]
    ]
  ],
  [
    "reloaded",
    "stored and read back between all",
    ["sequence.window.2"],
    ["Restart"],
    [
      1,
      "reload",
      [4, { gap: [2, 3] }],
      "reload",
      [2, filled],
      "reload",
      { gaps: [[3, 3]] },
      [2051, { gap: [5, 2050], lost: [[3, 3]] }],
      "reload",
      [5, filled],
      "reload",
      { gaps: [[6, 2050]] },
      2052
    ]
  ],
  [
    "floor",
    "numbers below the floor were never for this device",
    ["sequence.floor.1"],
    ["Floor"],
    [[100, { floor: 99 }], { gaps: [] }, 101, [103, { gap: [102, 102] }], { gaps: [[102, 102]] }, 104]
  ],
  [
    "floor-late",
    "a number below the floor does arrive",
    ["sequence.floor.1"],
    ["Floor"],
    [[100, { floor: 99 }], [50, late], { gaps: [] }, 101]
  ],
  [
    "floor-and-gap",
    "a number beyond the one behind the floor",
    ["sequence.floor.1", "sequence.gap.1"],
    ["Floor"],
    [[103, { floor: 99, gap: [100, 102] }], [100, filled], { gaps: [[101, 102]] }, 104]
  ],
  [
    "floor-below",
    "a floor below the highest changes nothing",
    ["sequence.floor.1"],
    ["Floor"],
    [1, 2, 3, [4, { floor: 2 }], [6, { floor: 4, gap: [5, 5] }], 7]
  ],
  [
    "floor-at-number",
    "the floor is the number itself",
    ["sequence.floor.1"],
    ["Floor"],
    [[100, { floor: 100, ...late }], { gaps: [] }, 101]
  ],
  [
    "floor-repeated",
    "starts of one session out of order, each with the floor",
    ["sequence.floor.1"],
    ["Floor"],
    [[102, { floor: 99, gap: [100, 101] }], [100, { floor: 99, ...filled }], [101, { floor: 99, ...filled }], 103]
  ],
  [
    "floor-loses",
    "a floor pushes a gap out",
    ["sequence.floor.1", "sequence.gap.1"],
    ["Floor"],
    [1, [3, { gap: [2, 2] }], [5001, { floor: 5000, lost: [[2, 2]] }], { gaps: [] }, 5002]
  ],
  [
    "floor-keeps",
    "a floor that keeps a gap inside the window",
    ["sequence.floor.1"],
    ["Floor"],
    [1, [3, { gap: [2, 2] }], [1001, { floor: 1000 }], { gaps: [[2, 2]] }, [2, filled], 1002]
  ],
  [
    "senders-apart",
    "two sending devices do not share a window",
    ["sequence.window.1"],
    [],
    [1, [1, { as: "bob/2" }], 2, [5, { as: "bob/2", gap: [2, 4] }], 3, [2, { as: "bob/2", ...filled }]]
  ],
  [
    "ring-turns",
    "the same bit of the ring, three turns on",
    ["sequence.window.1"],
    ["Edge"],
    [
      [2, { gap: [1, 1] }],
      [2050, { gap: [3, 2049], lost: [[1, 1]] }],
      [4098, { gap: [2051, 4097], lost: [[3, 2049]] }],
      [4099, { lost: [[2051, 2051]] }]
    ]
  ]
]

/** Refused: id, twin, which step of the twin is given another number, the number, cause. */
const refused: ReadonlyArray<readonly [twin: string, step: number, number: number, cause: string]> = [
  ["first", 0, 0, "decode.value"],
  ["in-order", 1, 1, "fresh.duplicate"],
  ["in-order", 2, 1, "fresh.duplicate"],
  ["in-order", 2, 2, "fresh.duplicate"],
  ["in-order", 4, 4, "fresh.duplicate"],
  ["in-order", 4, 1, "fresh.duplicate"],
  ["in-order", 4, 0, "decode.value"],
  ["begins-at-5", 2, 5, "fresh.duplicate"],
  ["gap-filled", 2, 4, "fresh.duplicate"],
  ["gap-filled", 2, 1, "fresh.duplicate"],
  ["gap-filled", 4, 2, "fresh.duplicate"],
  ["gap-filled", 6, 2, "fresh.duplicate"],
  ["gap-filled", 6, 3, "fresh.duplicate"],
  ["gap-filled", 6, 4, "fresh.duplicate"],
  ["gap-filled-backwards", 2, 4, "fresh.duplicate"],
  ["gap-filled-backwards", 4, 2, "fresh.duplicate"],
  ["gap-filled-backwards", 6, 1, "fresh.duplicate"],
  ["gap-split", 4, 4, "fresh.duplicate"],
  ["every-second", 4, 4, "fresh.duplicate"],
  ["every-second", 4, 6, "fresh.duplicate"],
  ["word-edges", 1, 31, "fresh.duplicate"],
  ["word-edges", 2, 32, "fresh.duplicate"],
  ["word-edges", 4, 33, "fresh.duplicate"],
  ["word-edges", 5, 64, "fresh.duplicate"],
  ["word-edges", 7, 65, "fresh.duplicate"],
  ["edge-inside", 2, 1, "fresh.stale"],
  ["edge-inside", 2, 2049, "fresh.duplicate"],
  ["edge-inside", 4, 2, "fresh.duplicate"],
  ["edge-lost", 2, 2, "fresh.stale"],
  ["edge-lost", 2, 1, "fresh.stale"],
  ["edge-lost", 4, 3, "fresh.duplicate"],
  ["edge-exact", 1, 2048, "fresh.duplicate"],
  ["edge-exact", 2, 1, "fresh.duplicate"],
  ["edge-first-2049", 1, 1, "fresh.stale"],
  ["slides-out", 4, 2, "fresh.stale"],
  ["slides-out", 5, 3, "fresh.stale"],
  ["slides-out", 6, 4, "fresh.stale"],
  ["slides-out", 6, 2052, "fresh.duplicate"],
  ["slides-out-filled", 5, 2, "fresh.stale"],
  ["lost-together", 4, 1952, "fresh.stale"],
  ["lost-together", 4, 6, "fresh.stale"],
  ["lost-together", 5, 1953, "fresh.duplicate"],
  ["jump-to-the-end", 2, 1, "fresh.stale"],
  ["jump-to-the-end", 2, max - 2048, "fresh.stale"],
  ["jump-to-the-end", 2, max, "fresh.duplicate"],
  ["jump-to-the-end", 3, 0, "decode.value"],
  ["first-is-the-end", 1, max - 2048, "fresh.stale"],
  ["beyond-32-bits", 1, 4294967295, "fresh.duplicate"],
  ["beyond-32-bits", 2, 4294967296, "fresh.duplicate"],
  ["beyond-32-bits", 4, 1, "fresh.stale"],
  ["reloaded", 4, 4, "fresh.duplicate"],
  ["reloaded", 4, 1, "fresh.duplicate"],
  ["reloaded", 9, 2, "fresh.stale"],
  ["reloaded", 9, 4, "fresh.duplicate"],
  ["reloaded", 12, 5, "fresh.duplicate"],
  ["floor", 2, 100, "fresh.duplicate"],
  ["floor", 5, 103, "fresh.duplicate"],
  ["floor-late", 3, 50, "fresh.duplicate"],
  ["floor-and-gap", 3, 100, "fresh.duplicate"],
  ["floor-repeated", 3, 101, "fresh.duplicate"],
  ["floor-loses", 4, 2, "fresh.stale"],
  ["floor-loses", 4, 2953, "fresh.stale"],
  ["floor-keeps", 5, 2, "fresh.duplicate"],
  ["floor-keeps", 5, 1001, "fresh.duplicate"],
  ["senders-apart", 2, 1, "fresh.duplicate"],
  ["senders-apart", 5, 5, "fresh.duplicate"],
  ["ring-turns", 2, 2, "fresh.stale"],
  ["ring-turns", 3, 2050, "fresh.stale"],
  ["ring-turns", 3, 4098, "fresh.duplicate"]
]

export const replayWindow = (): VectorFile => {
  const file = new FileBuilder(family, "window")
  for (const [id, title, clauses, flags, items] of accepted) {
    file.transcript({ id: `window-${id}`, title, clauses, flags }, items.map(step))
  }
  for (const [twin, place, number, cause] of refused) {
    const clause = cause === "decode.value" ? "sequence.window.1" : "sequence.warn.1"
    const title =
      cause === "fresh.duplicate"
        ? `${number} was received`
        : cause === "fresh.stale"
          ? `${number} is behind the window`
          : "zero is no number"
    file.refused(
      {
        id: `window-${twin}-${place}-${number}`,
        title,
        clauses: ["sequence.window.1", ...(clause === "sequence.window.1" ? [] : [clause])],
        flags: ["Replay"]
      },
      `window-${twin}`,
      { at: `script/${place}/in/number`, op: "assign", value: number },
      cause
    )
  }
  floorsOfRefused(file)
  return file.file()
}

/** A refused number moves nothing, whatever floor comes with it: the numbers under that floor are still new. */
const floorsOfRefused = (file: FileBuilder): void => {
  for (const [floor, last, refusals] of [
    [10, 11, [["duplicate", 2, "fresh.duplicate"]]],
    [
      5000,
      5001,
      [
        ["stale", 4, "fresh.stale"],
        ["zero", 0, "decode.value"]
      ]
    ]
  ] as const) {
    const twin = `window-floor-of-taken-${floor}`
    const clauses = ["sequence.window.1", "sequence.floor.1"]
    const taken = [1, 2, 3, [last, { floor }], { gaps: [] }] satisfies ReadonlyArray<Item>
    file.transcript({ id: twin, title: `a floor of ${floor} comes with a number above it`, clauses }, taken.map(step))
    for (const [name, number, cause] of refusals) {
      const probe = [4, { gaps: [] }, 5, [8, { gap: [6, 7] }]] satisfies ReadonlyArray<Item>
      file.refused(
        {
          id: `window-floor-of-refused-${name}`,
          title: `a floor of ${floor} comes with a number that is refused, and moves nothing`,
          clauses,
          flags: ["Replay"]
        },
        twin,
        { at: "script/3/in/number", op: "assign", value: number },
        cause,
        { probe: probe.map(step) }
      )
    }
  }
}

const world = "starts"
const b1 = "b1".repeat(8)
const b2 = "b2".repeat(8)
const b9 = "b9".repeat(8)
type Pair = readonly [generation: number, startId: string]

/** One start of alice's device: its generation, the random part and the whole of its start id. */
interface Start {
  readonly generation: number
  readonly random: Ref
  readonly pair: Pair
}

const begin = ({ generation, pair, random }: Start): ScriptStep => ({
  do: "fence.start",
  as: "alice/1",
  in: { secret: "$secret", random },
  expect: "ok",
  out: { generation, startId: pair[1] }
})
const carry = (fence: Pair | readonly [], echo: Pair | readonly []): ScriptStep => ({
  do: "fence.carry",
  as: "alice/1",
  in: {},
  expect: "ok",
  out: { fence, echo }
})
const observe = (
  input: { readonly fence?: Pair; readonly echo?: Pair; readonly late?: true },
  out: { readonly peerRollback?: true; readonly restored?: Pair } = {}
): ScriptStep => ({
  do: "fence.observe",
  as: "alice/1",
  in: { fence: input.fence ?? [], echo: input.echo ?? [], late: input.late ?? false } satisfies JsonObject,
  expect: "ok",
  out: { peerRollback: out.peerRollback ?? false, restored: out.restored ?? [] }
})
const recover = ({ generation, pair, random }: Start): ScriptStep => ({
  do: "fence.recover",
  as: "alice/1",
  in: { random },
  expect: "ok",
  out: { generation, startId: pair[1] }
})

/** The fence of one device towards one peer device. Start ids of that device are derived, everything else is by hand. */
export const fence = (): VectorFile => {
  const file = new FileBuilder(family, "fence")
  const inputs = file.world(world, "starts of one device, by generation; letters tell starts of one generation apart")
  const secret = inputs.coin("secret", "alice/1", "device.secret", 0, 32)
  const labelled = inputs.op("fence-key-label", "label", { purpose: "fence key", parts: [] }, "fence.identity.2")
  const key = inputs.op("fence-key", "hmac-sha256", { key: secret, data: labelled }, "fence.identity.2")
  const start = (generation: number, which = "a"): Start => {
    const name = `${generation}${which}`
    const random = `$${name}.random` as const
    if (!inputs.has(`${name}.random`)) {
      inputs.coin(`${name}.random`, `alice/${which}`, "device.start", generation, 4)
      const number = inputs.op(`${name}.generation`, "be", { value: generation, len: 8 })
      const data = inputs.concat(`${name}.data`, [number, random], "fence.identity.2")
      const mac = inputs.op(`${name}.mac`, "hmac-sha256", { key, data }, "fence.identity.2")
      inputs.concat(`${name}.id`, [random, inputs.slice(`${name}.tag`, mac, 0, 4, "fence.identity.2")])
    }
    return { generation, random, pair: [generation, `$${name}.id`] }
  }
  const [s1, s2, s3, s4] = [start(1), start(2), start(3), start(4)]
  const [a1, a2] = [s1.pair, s2.pair]
  const accept = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    script: ReadonlyArray<ScriptStep>,
    flags: ReadonlyArray<string> = []
  ): void => void file.transcript({ id: `fence-${id}`, title, clauses, flags, world }, script)
  accept(
    "carried-until-echoed",
    "carried until the peer has echoed it",
    ["fence.carry.1"],
    [begin(s1), carry(a1, []), carry(a1, []), observe({ echo: a1 }), carry([], [])]
  )
  accept(
    "echoed-while-carried",
    "echoed as long as the peer's last message carried one",
    ["fence.carry.1"],
    [
      begin(s1),
      observe({ fence: [1, b1] }),
      carry(a1, [1, b1]),
      carry(a1, [1, b1]),
      observe({ echo: a1 }),
      carry([], [])
    ]
  )
  accept(
    "restart",
    "a restart raises the generation, and the new fence is carried again",
    ["fence.identity.1", "fence.carry.1"],
    [begin(s1), observe({ echo: a1 }), carry([], []), begin(s2), carry(a2, [])]
  )
  accept(
    "old-echo",
    "an echo of the start before proves nothing",
    ["fence.detect.1"],
    [begin(s1), begin(s2), observe({ echo: a1 }), carry(a2, [])]
  )
  accept(
    "peer-restarts",
    "the peer's next generation is stored and echoed",
    ["fence.observe.1"],
    [begin(s1), observe({ fence: [1, b1] }), observe({ fence: [2, b2] }), carry(a1, [2, b2])]
  )
  accept(
    "peer-jumps",
    "a peer's generation may jump",
    ["fence.observe.1"],
    [begin(s1), observe({ fence: [1, b1] }), observe({ fence: [9, b9] }), carry(a1, [9, b9])]
  )
  accept(
    "peer-rollback",
    "a lower generation is an old copy; the stored fence is kept and echoed",
    ["fence.observe.1"],
    [
      begin(s1),
      observe({ fence: [2, b2] }),
      observe({ fence: [1, b1] }, { peerRollback: true }),
      carry(a1, [2, b2]),
      observe({ fence: [2, b2] })
    ],
    ["Rollback"]
  )
  accept(
    "peer-clone",
    "the same generation with another start id is an old copy",
    ["fence.observe.1"],
    [begin(s1), observe({ fence: [2, b2] }), observe({ fence: [2, b9] }, { peerRollback: true }), carry(a1, [2, b2])],
    ["Rollback"]
  )
  accept(
    "late-old",
    "an old fence in a late message means nothing",
    ["fence.observe.2"],
    [begin(s1), observe({ fence: [2, b2] }), observe({ fence: [1, b1], late: true }), carry(a1, [2, b2])],
    ["Rollback"]
  )
  accept(
    "restored",
    "an echo above the own generation: restored from an old copy",
    ["fence.detect.1", "fence.identity.2"],
    [begin(s1), observe({ echo: s3.pair }, { restored: s3.pair }), recover(s4), carry(s4.pair, [])],
    ["Rollback"]
  )
  accept(
    "restored-same-generation",
    "an echo of the own generation with another start id",
    ["fence.detect.1", "fence.identity.2"],
    [begin(s1), observe({ echo: start(1, "b").pair }, { restored: start(1, "b").pair }), recover(s2), carry(a2, [])],
    ["Rollback"]
  )
  accept(
    "lead-at-bound",
    "1,048,576 ahead still proves it",
    ["fence.detect.2"],
    [begin(s1), observe({ echo: start(1048577).pair }, { restored: start(1048577).pair }), recover(start(1048578))],
    ["Rollback"]
  )
  accept(
    "lead-beyond-bound",
    "1,048,577 ahead proves nothing",
    ["fence.detect.2"],
    [begin(s1), observe({ echo: start(1048578).pair }), carry(a1, [])],
    ["Rollback"]
  )
  accept(
    "forged-ahead",
    "an echo above the own generation that this device did not make",
    ["fence.identity.2"],
    [begin(s1), observe({ echo: [3, b9] }), observe({ echo: [2, b9] }), carry(a1, [])],
    ["Forged"]
  )
  accept(
    "forged-same-generation",
    "an echo of the own generation with a start id that this device did not make",
    ["fence.identity.2"],
    [begin(s1), observe({ echo: [1, b9] }), carry(a1, [])],
    ["Forged"]
  )
  accept(
    "forged-moved",
    "a start id of this device under a later generation",
    ["fence.identity.2"],
    [begin(s1), begin(s2), observe({ echo: [3, a1[1]] }), observe({ echo: [3, a2[1]] }), carry(a2, [])],
    ["Forged"]
  )
  accept(
    "forged-changed",
    "start ids of a later start with one bit changed, in the random part and in the other",
    ["fence.identity.2"],
    [
      begin(s1),
      observe({ echo: [3, inputs.op("3a.random-changed", "xor", { a: s3.pair[1], b: flip(3) })] }),
      observe({ echo: [3, inputs.op("3a.mac-first-changed", "xor", { a: s3.pair[1], b: flip(4) })] }),
      observe({ echo: [3, inputs.op("3a.mac-last-changed", "xor", { a: s3.pair[1], b: flip(7) })] }),
      carry(a1, []),
      observe({ echo: s3.pair }, { restored: s3.pair })
    ],
    ["Forged", "Rollback"]
  )
  return file.file()
}

/** Eight bytes with the lowest bit of one of them set. */
const flip = (at: number): Uint8Array => Uint8Array.from({ length: 8 }, (_, i) => (i === at ? 1 : 0))
