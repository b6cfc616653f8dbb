/**
 * F05: which session is active after starts, messages, resets and losses; what is asked for again and answered. By hand, all of it.
 *
 * Spec: docs/spec/08-sessions.md §8.1, §8.3, §8.4. Long because it is one table of cases.
 */
import { FileBuilder } from "../family.ts"
import type { JsonObject, ScriptStep, VectorFile } from "../model.ts"
import { family } from "./agreement.ts"

const as = "alice/1"
const now = 1_700_000_000_000
const largest = 4_503_599_627_370_496
/** Session ids of one repeated byte. */
const id = (byte: number): string => byte.toString(16).padStart(2, "0").repeat(16)
const [A, B, C, D] = [id(0x0a), id(0x0b), id(0x0c), id(0x0d)]

const step = (op: string, input: JsonObject, out: JsonObject): ScriptStep => ({
  do: op,
  as,
  in: input,
  expect: "ok",
  out
})
const rank = (at: number, is: number): ScriptStep => step("sessions.rank", { now: at }, { rank: is })
const begin = (session: string, place: number, dropped: ReadonlyArray<string> = []): ScriptStep =>
  step("sessions.begin", { session, rank: place }, { active: session, dropped })
const start = (
  session: string,
  place: number,
  active: string,
  more: { readonly takesOver?: true; readonly waits?: true; readonly dropped?: ReadonlyArray<string> } = {}
): ScriptStep =>
  step(
    "sessions.start",
    { session, rank: place, takesOver: more.takesOver ?? false, waits: more.waits ?? false },
    { active, dropped: more.dropped ?? [] }
  )
const message = (session: string, active: string): ScriptStep =>
  step("sessions.message", { session }, { active, dropped: [] })
const archive = (dropped: ReadonlyArray<string> = []): ScriptStep =>
  step("sessions.archive", {}, { active: "", dropped })
const list = (active: string, archived: ReadonlyArray<string>): ScriptStep =>
  step("sessions.list", {}, { active, archived })

type Case = readonly [
  id: string,
  title: string,
  clauses: ReadonlyArray<string>,
  flags: ReadonlyArray<string>,
  script: ReadonlyArray<ScriptStep>
]
const cross1 = ["session.cross.1"]
const cross2 = ["session.cross.2"]
const cross3 = ["session.cross.3"]
const archived = ["session.archive.1"]
const ranks = ["session.rank.1"]
const many = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, i) => id(i + 0x40))

const orders: ReadonlyArray<Case> = [
  ["none", "no session", cross1, [], [list("", []), rank(now, now)]],
  ["begun", "a session this side begins is active at once", cross1, [], [begin(A, now), list(A, [])]],
  ["begun-below", "also below another one", cross1, ["Crossing"], [start(A, now + 10, A), begin(B, now), list(B, [A])]],
  ["accepted", "the first start of a peer", cross1, [], [start(A, now, A), list(A, [])]],
  [
    "crossing-higher",
    "starts cross: the peer's stands above",
    cross1,
    ["Crossing"],
    [begin(A, now), start(B, now + 1, B, { waits: true }), list(B, [A])]
  ],
  [
    "crossing-lower",
    "starts cross: the peer's stands below",
    cross1,
    ["Crossing"],
    [begin(A, now + 1), start(B, now, A, { waits: true }), list(A, [B])]
  ],
  [
    "crossing-equal-higher-id",
    "equal ranks: the higher id",
    cross1,
    ["Crossing"],
    [begin(A, now), start(B, now, B, { waits: true }), list(B, [A])]
  ],
  [
    "crossing-equal-lower-id",
    "the same, seen by the other side",
    cross1,
    ["Crossing"],
    [begin(B, now), start(A, now, B, { waits: true }), list(B, [A])]
  ],
  [
    "crossing-equal-last-byte",
    "ids that differ in the last byte alone",
    cross1,
    ["Crossing"],
    [begin(A, now), start(`${A.slice(0, 30)}0b`, now, `${A.slice(0, 30)}0b`, { waits: true })]
  ],
  [
    "crossing-three",
    "three starts, the middle one first",
    cross1,
    ["Crossing"],
    [start(B, now + 1, B), start(A, now, B), start(C, now + 2, C), list(C, [B, A])]
  ],
  [
    "rank-beats-id",
    "a higher rank stands above a higher id",
    cross1,
    ["Crossing"],
    [begin(D, now), start(A, now + 1, A, { waits: true })]
  ],
  [
    "start-again-active",
    "a start of the active session once more",
    cross1,
    [],
    [start(A, now, A), start(A, now, A), list(A, [])]
  ],
  [
    "start-again-archived",
    "a start of an archived session below",
    cross2,
    ["Repair"],
    [start(A, now, A), start(B, now + 1, B), start(A, now, B), list(B, [A])]
  ],
  [
    "start-again-above",
    "a start of an archived session above makes it active",
    cross2,
    ["Repair"],
    [begin(B, now + 1), begin(A, now), start(B, now + 1, B, { waits: true }), list(B, [A])]
  ],
  ["message-active", "a message of the active session", cross2, [], [begin(A, now), message(A, A), list(A, [])]],
  [
    "message-archived-below",
    "a late message of an archived session below changes nothing",
    cross2,
    ["Repair"],
    [start(A, now, A), start(B, now + 1, B), message(A, B), list(B, [A])]
  ],
  [
    "message-archived-above",
    "a message of an archived session above makes it active",
    cross2,
    ["Repair"],
    [start(B, now + 1, B), begin(A, now), message(B, B), list(B, [A])]
  ],
  [
    "message-archived-equal",
    "of equal rank the id decides",
    cross2,
    ["Repair"],
    [start(B, now, B), begin(A, now), message(B, B), list(B, [A])]
  ],
  [
    "message-none-active",
    "a message of an archived session after a reset makes none active",
    cross2,
    ["Repair"],
    [start(A, now, A), archive(), message(A, ""), list("", [A])]
  ],
  [
    "reset",
    "a reset archives the active session",
    ["session.reset.1"],
    ["Repair"],
    [start(A, now, A), archive(), list("", [A]), rank(now, now + 1)]
  ],
  ["reset-nothing", "a reset without a session", ["session.reset.1"], ["Repair"], [archive(), list("", [])]],
  [
    "reset-twice",
    "two resets in a row",
    ["session.reset.1"],
    ["Repair"],
    [start(A, now, A), archive(), archive(), list("", [A])]
  ],
  [
    "reset-then-begin",
    "the session begun after a reset",
    ["session.reset.1", "session.rank.1"],
    ["Repair"],
    [start(A, now, A), archive(), rank(now - 5, now + 1), begin(B, now + 1), list(B, [A])]
  ],
  [
    "reset-start-above",
    "after a reset a start above all archived ones is active",
    cross1,
    ["Repair"],
    [start(A, now, A), start(B, now + 1, B), archive(), start(C, now + 2, C), list(C, [B, A])]
  ],
  [
    "reset-start-between",
    "one between them is archived",
    cross1,
    ["Repair"],
    [start(A, now, A), start(C, now + 2, C), archive(), start(B, now + 1, ""), list("", [B, C, A])]
  ],
  [
    "reset-start-again",
    "a repeated start of what a reset put away stays there",
    cross1,
    ["Repair"],
    [start(A, now, A), archive(), start(A, now, ""), list("", [A])]
  ],
  [
    "takes-over-above",
    "a reset notice in a session above",
    cross3,
    ["Repair"],
    [start(A, now, A), start(B, now + 1, B, { takesOver: true }), list(B, [A])]
  ],
  [
    "takes-over-below",
    "a reset notice in a session below: none is active, the next one stands above both",
    cross3,
    ["Repair"],
    [
      start(B, now + 1, B),
      start(A, now, "", { takesOver: true }),
      list("", [A, B]),
      rank(now, now + 2),
      begin(C, now + 2),
      list(C, [A, B])
    ]
  ],
  [
    "takes-over-first",
    "a retry request as the first thing there is",
    cross3,
    ["Repair"],
    [start(A, now, A, { takesOver: true }), list(A, [])]
  ],
  [
    "takes-over-after-reset",
    "a notice above what a reset put away",
    cross3,
    ["Repair"],
    [start(A, now, A), archive(), start(B, now + 1, B, { takesOver: true }), list(B, [A])]
  ],
  [
    "takes-over-between",
    "a notice between two archived ones",
    cross3,
    ["Repair"],
    [start(A, now, A), start(C, now + 2, C), archive(), start(B, now + 1, "", { takesOver: true }), list("", [B, C, A])]
  ],
  [
    "takes-over-again",
    "a further start of a known session takes over",
    cross3,
    ["Repair"],
    [start(A, now, A), start(B, now + 1, B), start(A, now, "", { takesOver: true }), list("", [A, B])]
  ],
  [
    "takes-over-waiting",
    "not while the session begun for it waits for its answer",
    cross3,
    ["Repair"],
    [
      start(B, now + 1, B),
      start(A, now, "", { takesOver: true }),
      begin(C, now + 2),
      start(A, now, C, { takesOver: true, waits: true }),
      list(C, [A, B])
    ]
  ],
  [
    "takes-over-new-waiting",
    "a notice in a new session takes over also while one waits",
    cross3,
    ["Repair"],
    [begin(B, now + 1), start(A, now, "", { takesOver: true, waits: true }), list("", [A, B])]
  ],
  [
    "archive-40",
    "forty archived sessions",
    archived,
    ["Bound"],
    [...many(41).map((session, i) => start(session, now + i, session)), list(id(0x68), many(40).toReversed())]
  ],
  [
    "archive-41",
    "the forty-first drops the oldest",
    archived,
    ["Bound"],
    [
      ...many(41).map((session, i) => start(session, now + i, session)),
      start(A, now + 100, A, { dropped: [id(0x40)] }),
      list(A, many(41).slice(1).toReversed())
    ]
  ],
  [
    "archive-dropped-again",
    "a start of a dropped session is a new one to the order",
    archived,
    ["Bound"],
    [
      ...many(41).map((session, i) => start(session, now + i, session)),
      start(A, now + 100, A, { dropped: [id(0x40)] }),
      start(id(0x40), now, A, { dropped: [id(0x41)] })
    ]
  ],
  [
    "archive-begin-drops",
    "a session this side begins drops one as well",
    archived,
    ["Bound"],
    [...many(41).map((session, i) => start(session, now + i, session)), begin(A, now, [id(0x40)])]
  ],
  [
    "archive-reset-drops",
    "so does a reset",
    archived,
    ["Bound"],
    [...many(41).map((session, i) => start(session, now + i, session)), archive([id(0x40)])]
  ],
  ["rank-clock", "the clock, when it is above all", ranks, [], [start(A, now, A), rank(now + 5, now + 5)]],
  ["rank-clock-equal", "one above a session of the same time", ranks, [], [start(A, now, A), rank(now, now + 1)]],
  [
    "rank-clock-behind",
    "one above, when the clock is behind",
    ranks,
    [],
    [start(A, now, A), rank(now - 1000, now + 1), rank(0, now + 1)]
  ],
  [
    "rank-of-archived",
    "archived sessions count",
    ranks,
    [],
    [start(B, now + 9, B), begin(A, now), rank(now, now + 10)]
  ],
  [
    "rank-zero",
    "a session without a rank stands below all",
    ranks,
    ["Crossing"],
    [start(A, 0, A), start(B, 1, B), rank(0, 2)]
  ],
  [
    "rank-largest",
    "nothing goes above 2⁵²",
    ["session.rank.2"],
    ["Bound"],
    [start(B, largest, B), rank(now, largest), begin(A, largest), message(B, B)]
  ],
  [
    "rank-largest-crossing",
    "of sessions with that rank the id decides",
    ["session.rank.2"],
    ["Bound", "Crossing"],
    [start(A, largest, A), start(B, largest, B), start(C, largest - 1, B), list(B, [C, A])]
  ]
]

/** Digests of one repeated byte, the second byte counting beyond 256. */
const digest = (n: number): string =>
  (n & 0xff).toString(16).padStart(2, "0").repeat(15) + (n >> 8).toString(16).padStart(2, "0")
const digests = (from: number, count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, i) => digest(from + i))
const ask = (wanted: ReadonlyArray<string>, at: number, asked: ReadonlyArray<string>): ScriptStep =>
  step("retry.ask", { digests: wanted, now: at }, { digests: asked })
const log = (n: number, kept: number, at = now): ScriptStep =>
  step("retry.log", { digest: digest(n), content: digest(n + 0x1000), now: at }, { kept })
const answer = (n: number, sealed: number, at: number, content: ReadonlyArray<string>): ScriptStep =>
  step("retry.answer", { digest: digest(n), sealed: digest(sealed), now: at }, { content })
const contentOf = (n: number): string => digest(n + 0x1000)
const minute = 60_000
const week = 604_800_000
const one = ["session.retry.1"]
const two = ["session.retry.2"]

const retries: ReadonlyArray<Case> = [
  [
    "ask-once",
    "a digest is asked for once",
    one,
    ["Repair"],
    [ask([digest(1)], now, [digest(1)]), ask([digest(1)], now + minute, [])]
  ],
  [
    "ask-same-twice",
    "twice in one request",
    one,
    ["Repair"],
    [ask([digest(1), digest(1), digest(2)], now, [digest(1), digest(2)])]
  ],
  [
    "ask-some-known",
    "of several those that were not asked for",
    one,
    ["Repair"],
    [ask([digest(1), digest(2)], now, [digest(1), digest(2)]), ask([digest(2), digest(3)], now + 1, [digest(3)])]
  ],
  [
    "ask-nothing",
    "nothing to ask for costs no request",
    one,
    ["Repair"],
    [ask([], now, []), ...[1, 2, 3, 4].map((n) => ask([digest(n)], now, [digest(n)]))]
  ],
  [
    "ask-4-a-minute",
    "four a minute; the fifth waits for the first to be a minute old",
    one,
    ["Repair", "Bound"],
    [
      ...[0, 1, 2, 3].map((n) => ask([digest(n)], now + n, [digest(n)])),
      ask([digest(4)], now + 4, []),
      ask([digest(4)], now + minute - 1, []),
      ask([digest(4)], now + minute, [digest(4)]),
      ask([digest(5)], now + minute, []),
      ask([digest(5)], now + minute + 1, [digest(5)])
    ]
  ],
  [
    "ask-refused-not-remembered",
    "what could not be asked for is not remembered as asked",
    one,
    ["Repair"],
    [
      ...[0, 1, 2, 3].map((n) => ask([digest(n)], now, [digest(n)])),
      ask([digest(9)], now, []),
      ask([digest(9)], now + minute, [digest(9)])
    ]
  ],
  [
    "ask-32",
    "32 in one request, the rest in the next",
    one,
    ["Repair", "Bound"],
    [ask(digests(0, 33), now, digests(0, 32)), ask(digests(0, 33), now + 1, [digest(32)])]
  ],
  [
    "ask-256",
    "256 are remembered; the oldest is forgotten first",
    one,
    ["Repair", "Bound"],
    [
      ...Array.from({ length: 8 }, (_, i) => ask(digests(32 * i, 32), now + minute * i, digests(32 * i, 32))),
      ask([digest(0)], now + 10 * minute, []),
      ask([digest(256)], now + 10 * minute, [digest(256)]),
      ask([digest(0), digest(1)], now + 11 * minute, [digest(0)]),
      ask([digest(1)], now + 12 * minute, [digest(1)])
    ]
  ],
  [
    "answer",
    "a logged message is sent again with its content",
    two,
    ["Repair"],
    [log(1, 1), answer(1, 2, now + 1, [contentOf(1)])]
  ],
  [
    "answer-unknown",
    "what is not in the log is not answered",
    two,
    ["Repair"],
    [log(1, 1), answer(7, 2, now + 1, []), answer(1, 3, now + 1, [contentOf(1)])]
  ],
  [
    "answer-once",
    "a digest is answered once",
    two,
    ["Repair"],
    [log(1, 1), answer(1, 2, now + 1, [contentOf(1)]), answer(1, 3, now + 2, [])]
  ],
  [
    "answer-of-answer",
    "what was sealed anew can be asked for by its own digest",
    two,
    ["Repair"],
    [log(1, 1), answer(1, 2, now + 1, [contentOf(1)]), answer(2, 3, now + 2, [contentOf(1)])]
  ],
  [
    "answer-3-times",
    "a message is sent again three times and no more",
    two,
    ["Repair", "Bound"],
    [
      log(1, 1),
      answer(1, 2, now + 1, [contentOf(1)]),
      answer(2, 3, now + 2, [contentOf(1)]),
      answer(3, 4, now + 3, [contentOf(1)]),
      answer(4, 5, now + 4, [])
    ]
  ],
  [
    "answer-7-days",
    "exactly seven days old is answered",
    two,
    ["Repair", "Bound"],
    [log(1, 1), answer(1, 2, now + week, [contentOf(1)])]
  ],
  ["answer-older", "one ms older is not", two, ["Repair", "Bound"], [log(1, 1), answer(1, 2, now + week + 1, [])]],
  [
    "answer-256",
    "256 messages are kept",
    two,
    ["Repair", "Bound"],
    [...Array.from({ length: 256 }, (_, i) => log(i, i + 1, now + i)), answer(0, 0x300, now + 300, [contentOf(0)])]
  ],
  [
    "answer-257",
    "the 257th puts the oldest out",
    two,
    ["Repair", "Bound"],
    [
      ...Array.from({ length: 257 }, (_, i) => log(i, Math.min(i + 1, 256), now + i)),
      answer(0, 0x300, now + 300, []),
      answer(1, 0x301, now + 300, [contentOf(1)])
    ]
  ]
]

export const sessionOrder = (): VectorFile => {
  const file = new FileBuilder(family, "order")
  for (const [name, title, clauses, flags, script] of orders)
    file.transcript({ id: `order-${name}`, title, clauses, flags }, script)
  for (const [name, title, clauses, flags, script] of retries)
    file.transcript({ id: `retry-${name}`, title, clauses, flags }, script)
  return file.file()
}
