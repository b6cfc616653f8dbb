/**
 * F10: settings that own devices share: which of two writings stands, what is told back, what is kept.
 *
 * Spec: docs/spec/22-own-devices.md §22.8.
 * The device of these cases is Alice's first. Expectations are written down by hand.
 */
import { hex, utf8 } from "../bytes.ts"
import { FileBuilder } from "../family.ts"
import type { Json, ScriptStep, VectorFile } from "../model.ts"
import { family, laptop, people, world } from "./devices.ts"

/** A setting as steps say it: name, stamp, device, and its value, if it has one. */
type Setting = readonly [name: string, stamp: number, device: Json, value?: string]

const highest = 4_503_599_627_370_496
const text = (value: string): string => hex(utf8(value))

export const settings = (): VectorFile => {
  const file = new FileBuilder(family, "settings")
  const cast = people(file)
  const mine = cast.of("alice", 1).device
  // Two devices whose ids are in this order.
  const [low, high] = cast.ids("bob", [1, 2]) as unknown as readonly [Json, Json]
  const begin = cast.start(1, 2, 1)
  const form = (list: ReadonlyArray<Setting>): Json => list.map(([name, ...rest]) => [{ text: name }, ...rest] as Json)
  const wrote = (
    name: string,
    value: string | undefined,
    now: number,
    after: ReadonlyArray<Setting>,
    full = false
  ): ScriptStep => ({
    do: "devices.wrote",
    as: laptop,
    in: { name, value: value === undefined ? [] : [value], now },
    expect: "ok",
    out: { full, settings: form(after) }
  })
  const heard = (word: ReadonlyArray<Setting>, after: ReadonlyArray<Setting>, answers: boolean): ScriptStep => ({
    do: "devices.heard",
    as: laptop,
    in: { settings: form(word) },
    expect: "ok",
    out: { settings: form(after), answers }
  })
  const valid = (id: string, title: string, clauses: ReadonlyArray<string>, steps: ReadonlyArray<ScriptStep>): void =>
    void file.transcript({ id: `devices-settings-${id}`, title, clauses, flags: [], world }, [begin, ...steps])

  const [a, b] = [text("a"), text("b")]
  valid(
    "write",
    "stamps are the clock's, or one above all that is known",
    ["own.register.1", "own.setting.4"],
    [
      wrote("theme", a, 5000, [["theme", 5000, mine, a]]),
      // The clock went back.
      wrote("sound", b, 4000, [
        ["sound", 5001, mine, b],
        ["theme", 5000, mine, a]
      ]),
      // What stands is not written.
      wrote("theme", a, 9000, [
        ["sound", 5001, mine, b],
        ["theme", 5000, mine, a]
      ]),
      wrote("never", undefined, 9000, [
        ["sound", 5001, mine, b],
        ["theme", 5000, mine, a]
      ]),
      wrote("theme", undefined, 9000, [
        ["sound", 5001, mine, b],
        ["theme", 9000, mine]
      ]),
      wrote("theme", undefined, 9500, [
        ["sound", 5001, mine, b],
        ["theme", 9000, mine]
      ]),
      wrote("theme", "", 9000, [
        ["sound", 5001, mine, b],
        ["theme", 9001, mine, ""]
      ])
    ]
  )
  valid("first", "a clock at 0 gives stamp 1", ["own.register.1"], [wrote("x", a, 0, [["x", 1, mine, a]])])
  const last: ReadonlyArray<Setting> = [["x", highest - 1, high, a]]
  valid(
    "last",
    "no stamp is above 2⁵²",
    ["own.register.1"],
    [
      heard(last, last, false),
      wrote("y", b, 1, [
        ["x", highest - 1, high, a],
        ["y", highest, mine, b]
      ])
    ]
  )
  // Of two writings of one name, this one stands above that one.
  const above: ReadonlyArray<readonly [id: string, title: string, upper: Setting, lower: Setting]> = [
    ["stamp", "of the higher stamp, whatever the rest", ["x", 7, low], ["x", 6, high, b]],
    ["device", "of equal stamps that of the higher device", ["x", 7, high], ["x", 7, low, b]],
    ["value", "of one device a value above none", ["x", 7, low, ""], ["x", 7, low]],
    ["values", "of two values the higher", ["x", 7, low, b], ["x", 7, low, a]],
    ["longer", "of two values that begin alike the longer", ["x", 7, low, text("aa")], ["x", 7, low, a]]
  ]
  for (const [id, title, upper, lower] of above) {
    const rules = ["own.register.1", "own.register.2", "own.setting.2"]
    valid(`above-${id}`, title, rules, [heard([lower], [lower], false), heard([upper], [upper], false)])
    valid(`below-${id}`, `${title}; the other one is answered`, rules, [
      heard([upper], [upper], false),
      heard([lower], [upper], true),
      heard([upper], [upper], false)
    ])
  }
  valid(
    "answer",
    "who knows less is told: what lacks a name, or says something older",
    ["own.setting.2"],
    [
      wrote("x", a, 5000, [["x", 5000, mine, a]]),
      heard([], [["x", 5000, mine, a]], true),
      heard([["x", 5000, mine, a]], [["x", 5000, mine, a]], false),
      heard(
        [["y", 1, high, b]],
        [
          ["x", 5000, mine, a],
          ["y", 1, high, b]
        ],
        true
      ),
      heard(
        [
          ["x", 6000, low],
          ["y", 1, high, b]
        ],
        [
          ["x", 6000, low],
          ["y", 1, high, b]
        ],
        false
      )
    ]
  )
  const words: ReadonlyArray<ReadonlyArray<Setting>> = [
    [
      ["x", 3, low, a],
      ["y", 2, low, a]
    ],
    [["x", 4, high]],
    [
      ["x", 2, high, b],
      ["y", 2, high, b],
      ["z", 1, low, b]
    ]
  ]
  const together: ReadonlyArray<Setting> = [
    ["x", 4, high],
    ["y", 2, high, b],
    ["z", 1, low, b]
  ]
  const [one, two, three] = words as [(typeof words)[0], (typeof words)[0], (typeof words)[0]]
  valid(
    "order-1",
    "three words",
    ["own.register.2"],
    [
      heard(one, one, false),
      heard(
        two,
        [
          ["x", 4, high],
          ["y", 2, low, a]
        ],
        true
      ),
      heard(three, together, true),
      heard(together, together, false)
    ]
  )
  valid(
    "order-2",
    "the same three words in another order, and again",
    ["own.register.2"],
    [
      heard(three, three, false),
      heard(
        one,
        [
          ["x", 3, low, a],
          ["y", 2, high, b],
          ["z", 1, low, b]
        ],
        true
      ),
      heard(two, together, true),
      heard(one, together, true),
      heard(three, together, true)
    ]
  )

  // ---- What is kept
  const name = (n: number): string => `n${String(n).padStart(3, "0")}`
  const many = Array.from({ length: 128 }, (_, n): Setting => [name(n), 1000 + n, low, a])
  const beside = (added: ReadonlyArray<Setting>, rest: ReadonlyArray<Setting>): ReadonlyArray<Setting> =>
    [...added, ...rest].toSorted(byName)
  const fresh: Setting = ["new", 5000, low]
  valid(
    "kept",
    "of 129 the highest 128 are kept, whichever came last",
    ["own.setting.1"],
    [
      heard(many, many, false),
      heard([["new", 999, high, b]], many, true),
      heard([fresh], beside([fresh], many.slice(1)), true),
      // What was put out does not come back.
      heard(many.slice(0, 1), beside([fresh], many.slice(1)), true)
    ]
  )
  const alike: Setting = ["n000+", 1000, low, a]
  valid(
    "kept-name",
    "of writings that are alike that of the higher name is kept",
    ["own.setting.1"],
    [
      heard(many, many, false),
      heard([["m", 1000, low, a]], many, true),
      heard([alike], beside([alike], many.slice(1)), true)
    ]
  )
  valid(
    "full",
    "a further name finds no room; known ones go on",
    ["own.setting.4"],
    [
      heard(many, many, false),
      wrote("new", b, 9000, many, true),
      wrote(
        name(5),
        b,
        9000,
        many.map((item, n): Setting => (n === 5 ? [name(5), 9000, mine, b] : item))
      )
    ]
  )
  const vacant = many.map((item, n): Setting => (n === 2 || n === 7 ? [name(n), 1000 + n, low] : item))
  const again: ReadonlyArray<Setting> = [
    ["new", 9002, mine, b],
    [name(0), 9000, mine, a],
    [name(1), 9001, mine, a]
  ]
  valid(
    "vacant",
    "a further name takes the lowest place taken back; values below it are written again",
    ["own.setting.4"],
    [heard(vacant, vacant, false), wrote("new", b, 9000, beside(again, vacant.slice(3)))]
  )
  return file.file()
}

const byName = ([a]: Setting, [b]: Setting): number => (a < b ? -1 : 1)
