/**
 * F09: the window's edges wherever it stands, the counter of the sending side, and when a device asks around. By hand, all of it.
 *
 * Spec: docs/spec/07-sequencing.md §7.1, §7.2. Long because it is one table of cases.
 */
import { FileBuilder } from "../family.ts"
import type { ScriptStep, VectorFile } from "../model.ts"
import { family, step, type Item } from "./sequence.ts"

const late = { late: true } as const
const filled = { late: true, filled: true } as const
const max = 9_007_199_254_740_991
const by = (as: string) => ({ as }) as const

type Accepted = readonly [
  id: string,
  title: string,
  clauses: ReadonlyArray<string>,
  flags: ReadonlyArray<string>,
  items: ReadonlyArray<Item>
]
const window = ["sequence.window.1"]
const gap = ["sequence.window.1", "sequence.gap.1"]
const floor = ["sequence.floor.1"]

/** Number h − 2,048 is behind the window, h − 2,047 is its last. */
const accepted: ReadonlyArray<Accepted> = [
  [
    "jump-w-minus-1",
    "a jump by 2,047 keeps all of a full window",
    window,
    ["Edge", "Jump"],
    [[5000, { floor: 4999 }], [7047, { gap: [5001, 7046] }], [5001, filled], 7048]
  ],
  [
    "jump-w",
    "a jump by 2,048: the number before leaves, received",
    window,
    ["Edge", "Jump"],
    [[5000, { floor: 4999 }], [7048, { gap: [5001, 7047] }], [5001, filled], 7049]
  ],
  [
    "jump-w-plus-1",
    "a jump by 2,049: the next one leaves at once, lost",
    gap,
    ["Edge", "Jump"],
    [[5000, { floor: 4999 }], [7049, { gap: [5001, 7048], lost: [[5001, 5001]] }], [5002, filled], 7050]
  ],
  [
    "jump-2w",
    "a jump by two windows",
    gap,
    ["Edge", "Jump"],
    [[5000, { floor: 4999 }], [9096, { gap: [5001, 9095], lost: [[5001, 7048]] }], [7049, filled], 9097]
  ],
  [
    "jump-below-the-end",
    "to the last number but one, then the last",
    gap,
    ["Jump"],
    [
      1,
      [max - 1, { gap: [2, max - 2], lost: [[2, max - 2049]] }],
      [max, { lost: [[max - 2048, max - 2048]] }],
      [max - 2047, filled]
    ]
  ],
  [
    "from-nothing",
    "the first one seen is 10,000",
    gap,
    ["Edge", "Jump"],
    [[10_000, { gap: [1, 9999], lost: [[1, 7952]] }], [7953, filled], { gaps: [[7954, 9999]] }, 10_001]
  ],
  [
    "first-leaves",
    "number 1 leaves the window, lost",
    gap,
    ["Edge"],
    [[2048, { gap: [1, 2047] }], [2049, { lost: [[1, 1]] }], [2, filled], 2050, [2051, { lost: [[3, 3]] }]]
  ],
  [
    "floor-and-jump",
    "a start whose floor and whose number each move the window on",
    ["sequence.floor.1", "sequence.gap.1"],
    ["Jump"],
    [
      1,
      [10, { gap: [2, 9] }],
      [
        9000,
        {
          floor: 5000,
          gap: [5001, 8999],
          lost: [
            [2, 9],
            [5001, 6952]
          ]
        }
      ],
      [6953, filled]
    ]
  ],
  [
    "floor-and-jump-joined",
    "what the floor loses and what the number loses is one range",
    ["sequence.floor.1", "sequence.gap.1"],
    ["Edge", "Jump"],
    [1, [10, { gap: [2, 9] }], [2055, { floor: 2053, gap: [2054, 2054], lost: [[2, 7]] }], [8, filled]]
  ],
  [
    "ring-word-2047",
    "the last bit of the ring",
    window,
    ["Edge"],
    [[2047, { gap: [1, 2046] }], 2048, [1, filled], [2049, {}], [2046, filled], [2050, { lost: [[2, 2]] }]]
  ],
  [
    "ring-word-4096",
    "twice the ring",
    window,
    ["Edge"],
    [[4095, { floor: 4094 }], 4096, 4097, [4099, { gap: [4098, 4098] }], [4098, filled], 4100]
  ],
  [
    "byte-edges-reloaded",
    "gaps at the edges of the record's bytes, stored and read back",
    ["sequence.window.2", "sequence.gap.1"],
    ["Restart", "Edge"],
    [
      1,
      [3, { gap: [2, 2] }],
      [10, { gap: [4, 9] }],
      [18, { gap: [11, 17] }],
      "reload",
      {
        gaps: [
          [2, 2],
          [4, 9],
          [11, 17]
        ]
      },
      [11, filled],
      "reload",
      [9, filled],
      [2, filled],
      {
        gaps: [
          [4, 8],
          [12, 17]
        ]
      },
      "reload",
      19
    ]
  ],
  [
    "gap-of-one",
    "a gap of one number",
    gap,
    [],
    [1, [3, { gap: [2, 2] }], { gaps: [[2, 2]] }, [2, filled], { gaps: [] }, 4]
  ],
  [
    "gaps-touch",
    "two gaps that grow together are told as one",
    gap,
    [],
    [
      [3, { gap: [1, 2] }],
      [6, { gap: [4, 5] }],
      {
        gaps: [
          [1, 2],
          [4, 5]
        ]
      },
      7,
      {
        gaps: [
          [1, 2],
          [4, 5]
        ]
      },
      [4, filled],
      8
    ]
  ],
  [
    "gap-at-window-start",
    "a gap that begins where the window does",
    gap,
    ["Edge"],
    [
      [2049, { gap: [1, 2048], lost: [[1, 1]] }],
      { gaps: [[2, 2048]] },
      [2050, { lost: [[2, 2]] }],
      { gaps: [[3, 2048]] },
      [3, filled],
      2051
    ]
  ],
  [
    "gap-leaves-in-parts",
    "a gap of three leaves one by one and is told once each",
    gap,
    ["Edge"],
    [
      1,
      [5, { gap: [2, 4] }],
      [2050, { gap: [6, 2049], lost: [[2, 2]] }],
      [2052, { gap: [2051, 2051], lost: [[3, 4]] }],
      2053,
      {
        gaps: [
          [6, 2049],
          [2051, 2051]
        ]
      }
    ]
  ],
  [
    "all-but-one",
    "everything is received but the oldest",
    gap,
    ["Edge"],
    [[2, { gap: [1, 1] }], 3, 4, { gaps: [[1, 1]] }, [2048, { gap: [5, 2047] }], [1, filled], 2049]
  ],
  [
    "reload-empty",
    "a window that was never used, stored and read back",
    ["sequence.window.2"],
    ["Restart"],
    ["reload", { gaps: [] }, 1, 2]
  ],
  [
    "reload-end",
    "a window at its end, stored and read back",
    ["sequence.window.2"],
    ["Restart", "Edge"],
    [[max, { floor: max - 1 }], "reload", { gaps: [] }, [max - 1, late]]
  ],
  [
    "reload-floor",
    "a floor, stored and read back: what is below stays no gap",
    ["sequence.window.2", "sequence.floor.1"],
    ["Restart", "Floor"],
    [[100, { floor: 99 }], "reload", { gaps: [] }, [98, late], "reload", 101]
  ],
  ["floor-0", "a floor of 0 is none", floor, ["Floor"], [[3, { floor: 0, gap: [1, 2] }], { gaps: [[1, 2]] }, 4]],
  [
    "floor-equal",
    "a floor at the highest changes nothing",
    floor,
    ["Floor"],
    [1, 2, [3, { floor: 2 }], { gaps: [] }, 4]
  ],
  [
    "floor-far",
    "a floor at the end of the numbers",
    floor,
    ["Floor", "Jump"],
    [1, [max, { floor: max - 1 }], { gaps: [] }, [max - 1, late]]
  ],
  [
    "floor-twice",
    "a second floor above the first one",
    floor,
    ["Floor"],
    [[100, { floor: 99 }], [200, { floor: 199 }], { gaps: [] }, [150, late], 201]
  ],
  [
    "floor-lower-later",
    "a lower floor in a late start is none",
    floor,
    ["Floor"],
    [[200, { floor: 199 }], [100, { floor: 99, ...late }], { gaps: [] }, 201]
  ],
  [
    "floor-keeps-edge",
    "a floor that leaves a gap as the window's last number",
    [...floor, "sequence.gap.1"],
    ["Floor", "Edge"],
    [1, [3, { gap: [2, 2] }], [2049, { floor: 2048 }], { gaps: [[2, 2]] }, [2, filled], 2050]
  ],
  [
    "floor-loses-edge",
    "one further and the gap is lost",
    [...floor, "sequence.gap.1"],
    ["Floor", "Edge"],
    [1, [3, { gap: [2, 2] }], [2050, { floor: 2049, lost: [[2, 2]] }], { gaps: [] }, 2051]
  ],
  [
    "three-senders",
    "three devices of two accounts, each with its own window",
    window,
    [],
    [
      1,
      [5, { ...by("bob/2"), gap: [1, 4] }],
      [9, { ...by("carol/1"), gap: [1, 8] }],
      2,
      [4, { ...by("bob/2"), ...filled }],
      [8, { ...by("carol/1"), ...filled }],
      3,
      [6, by("bob/2")]
    ]
  ],
  [
    "sender-floor-alone",
    "a floor from one device says nothing about another",
    floor,
    ["Floor"],
    [[100, { floor: 99 }], [3, { ...by("bob/2"), gap: [1, 2] }], [99, late], [2, { ...by("bob/2"), ...filled }], 101]
  ]
]

/** Refused: twin, which step is given another number, the number, cause. */
const refused: ReadonlyArray<readonly [twin: string, step: number, number: number, cause: string]> = [
  ["jump-w-minus-1", 2, 5000, "fresh.duplicate"],
  ["jump-w-minus-1", 2, 4999, "fresh.stale"],
  ["jump-w", 2, 5000, "fresh.stale"],
  ["jump-w", 3, 5001, "fresh.duplicate"],
  ["jump-w-plus-1", 2, 5001, "fresh.stale"],
  ["jump-w-plus-1", 3, 5002, "fresh.duplicate"],
  ["jump-2w", 2, 7048, "fresh.stale"],
  ["jump-2w", 2, 5000, "fresh.stale"],
  ["jump-2w", 3, 7049, "fresh.duplicate"],
  ["jump-below-the-end", 2, max - 2049, "fresh.stale"],
  ["jump-below-the-end", 2, max - 1, "fresh.duplicate"],
  ["jump-below-the-end", 3, max - 2048, "fresh.stale"],
  ["jump-below-the-end", 3, max, "fresh.duplicate"],
  ["from-nothing", 1, 7952, "fresh.stale"],
  ["from-nothing", 1, 10_000, "fresh.duplicate"],
  ["from-nothing", 1, 0, "decode.value"],
  ["ring-word-2047", 1, 2047, "fresh.duplicate"],
  ["ring-word-2047", 3, 1, "fresh.duplicate"],
  ["ring-word-2047", 5, 1, "fresh.stale"],
  ["ring-word-4096", 4, 4096, "fresh.duplicate"],
  ["ring-word-4096", 4, 2051, "fresh.stale"],
  ["byte-edges-reloaded", 6, 10, "fresh.duplicate"],
  ["byte-edges-reloaded", 6, 18, "fresh.duplicate"],
  ["byte-edges-reloaded", 8, 11, "fresh.duplicate"],
  ["byte-edges-reloaded", 9, 9, "fresh.duplicate"],
  ["byte-edges-reloaded", 12, 2, "fresh.duplicate"],
  ["gap-of-one", 3, 3, "fresh.duplicate"],
  ["gap-of-one", 5, 2, "fresh.duplicate"],
  ["gaps-touch", 5, 7, "fresh.duplicate"],
  ["gap-at-window-start", 4, 2, "fresh.stale"],
  ["gap-leaves-in-parts", 4, 4, "fresh.stale"],
  ["gap-leaves-in-parts", 3, 2, "fresh.stale"],
  ["all-but-one", 5, 2, "fresh.duplicate"],
  ["all-but-one", 6, 1, "fresh.duplicate"],
  ["reload-empty", 2, 0, "decode.value"],
  ["reload-empty", 3, 1, "fresh.duplicate"],
  ["reload-end", 3, max, "fresh.duplicate"],
  ["reload-end", 3, max - 2048, "fresh.stale"],
  ["reload-end", 3, 0, "decode.value"],
  ["reload-floor", 3, 100, "fresh.duplicate"],
  ["reload-floor", 5, 98, "fresh.duplicate"],
  ["floor-0", 2, 3, "fresh.duplicate"],
  ["floor-far", 3, 1, "fresh.stale"],
  ["floor-far", 3, max, "fresh.duplicate"],
  ["floor-twice", 4, 150, "fresh.duplicate"],
  ["floor-lower-later", 1, 200, "fresh.duplicate"],
  ["floor-lower-later", 3, 100, "fresh.duplicate"],
  ["floor-keeps-edge", 4, 1, "fresh.stale"],
  ["floor-keeps-edge", 5, 2, "fresh.duplicate"],
  ["floor-loses-edge", 4, 2, "fresh.stale"],
  ["three-senders", 4, 5, "fresh.duplicate"],
  ["three-senders", 5, 9, "fresh.duplicate"],
  ["three-senders", 6, 2, "fresh.duplicate"],
  ["three-senders", 7, 5, "fresh.duplicate"],
  ["sender-floor-alone", 3, 3, "fresh.duplicate"],
  ["sender-floor-alone", 4, 99, "fresh.duplicate"]
]

export const windowEdges = (): VectorFile => {
  const file = new FileBuilder(family, "edges")
  for (const [id, title, clauses, flags, items] of accepted)
    file.transcript({ id: `edges-${id}`, title, clauses, flags }, items.map(step))
  for (const [twin, place, number, cause] of refused) {
    const as = file.case(`edges-${twin}`).script![place]!.as
    const title =
      cause === "fresh.duplicate"
        ? `${number} was received from ${as}`
        : cause === "fresh.stale"
          ? `${number} is behind the window`
          : "zero is no number"
    const stored = file.case(`edges-${twin}`).flags.includes("Restart") ? ["sequence.window.2"] : []
    const clauses = cause === "decode.value" ? window : [...window, "sequence.warn.1", ...stored]
    file.refused(
      { id: `edges-${twin}-${place}-${number}`, title, clauses, flags: ["Replay"] },
      `edges-${twin}`,
      { at: `script/${place}/in/number`, op: "assign", value: number },
      cause
    )
  }
  return file.file()
}

const as = "alice/1"
const at = (last: number): ScriptStep => ({ do: "counter.restore", as, in: { last }, expect: "ok", out: {} })
const take = (number: number, floor: number): ScriptStep => ({
  do: "counter.take",
  as,
  in: {},
  expect: "ok",
  out: { number, floor }
})
const behind = (received: number, is: boolean): ScriptStep => ({
  do: "counter.behind",
  as,
  in: { received },
  expect: "ok",
  out: { behind: is }
})
const resume = (received: number, last: number): ScriptStep => ({
  do: "counter.resume",
  as,
  in: { received },
  expect: "ok",
  out: { last }
})
const probe = (now: number, active: number, asked: number): ScriptStep => ({
  do: "fence.probe",
  as,
  in: { now, active },
  expect: "ok",
  out: { asked }
})
const hour = 3_600_000

export const counters = (): VectorFile => {
  const file = new FileBuilder(family, "counter")
  const accept = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    script: ReadonlyArray<ScriptStep>,
    flags: ReadonlyArray<string> = []
  ): void => void file.transcript({ id: `counter-${id}`, title, clauses, flags }, script)
  accept(
    "from-1",
    "numbers begin at 1; the floor is the number before",
    ["sequence.number.1", "sequence.floor.1"],
    [take(1, 0), take(2, 1), take(3, 2)]
  )
  accept(
    "stored",
    "they go on from what is stored",
    ["sequence.number.1"],
    [at(4_294_967_295), take(4_294_967_296, 4_294_967_295), take(4_294_967_297, 4_294_967_296)],
    ["Restart"]
  )
  accept(
    "last",
    "the last number there is",
    ["sequence.number.1"],
    [at(max - 2), take(max - 1, max - 2), take(max, max - 1), behind(max, false)]
  )
  file.refused(
    {
      id: "counter-beyond-last",
      title: "behind the last number nothing can be sent",
      clauses: ["sequence.number.1", "sequence.window.1"],
      flags: ["Edge"],
      critical: true
    },
    "counter-last",
    { at: "script/0/in/last", op: "assign", value: max },
    "limit.chain",
    { rejects: 1, probe: [behind(max, false), at(7), take(8, 7)] }
  )
  accept(
    "behind",
    "a peer that received more than was given out",
    ["fence.detect.3"],
    [at(10), behind(9, false), behind(10, false), behind(11, true)],
    ["Rollback"]
  )
  accept(
    "behind-nothing-sent",
    "the same before anything was sent",
    ["fence.detect.3"],
    [behind(0, false), behind(1, true)],
    ["Rollback"]
  )
  accept(
    "behind-end",
    "a peer that names the last number there is",
    ["fence.detect.3"],
    [at(max - 1), behind(max - 1, false), behind(max, true)],
    ["Rollback"]
  )
  accept(
    "resume",
    "numbering goes on behind what the peer received",
    ["fence.heal.1"],
    [at(10), behind(25, true), resume(25, 25), take(26, 25)],
    ["Rollback"]
  )
  accept(
    "resume-lower",
    "a peer that received less changes nothing",
    ["fence.heal.1"],
    [at(10), resume(4, 10), take(11, 10)],
    ["Rollback"]
  )
  accept(
    "resume-equal",
    "nor one that received as much",
    ["fence.heal.1"],
    [at(10), resume(10, 10), take(11, 10)],
    ["Rollback"]
  )
  accept(
    "resume-several",
    "the answers of several devices in any order",
    ["fence.heal.1"],
    [at(10), resume(12, 12), resume(30, 30), resume(20, 30), take(31, 30)],
    ["Rollback"]
  )
  accept(
    "probe",
    "a message of no session is asked about, of each device with a session once",
    ["fence.probe.1"],
    [probe(hour, 3, 3), probe(hour + 1, 3, 0)],
    ["Rollback"]
  )
  accept(
    "probe-again",
    "again after an hour, not before",
    ["fence.probe.1"],
    [probe(hour, 3, 3), probe(2 * hour - 1, 3, 0), probe(2 * hour, 3, 3)],
    ["Rollback", "Edge"]
  )
  accept(
    "probe-32",
    "of at most 32 devices",
    ["fence.probe.1"],
    [probe(hour, 32, 32), probe(2 * hour, 33, 32), probe(3 * hour, 1000, 32)],
    ["Rollback", "Edge"]
  )
  accept("probe-none", "of nobody when no session is active", ["fence.probe.1"], [probe(hour, 0, 0)], ["Rollback"])
  return file.file()
}
