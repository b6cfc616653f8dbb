/**
 * Result lines for the tests of reports: real cases of the suite with chosen outcomes, and what reports must survive.
 */
import { fileURLToPath } from "node:url"
import * as Folder from "../../src/audit/Folder.ts"
import type { Case } from "../../src/audit/Model.ts"
import type { Footer, Header, Property, Result, ResultEvent, Wire } from "../../src/protocol/Result.ts"
import { levelOf, marksOf } from "../../src/run/Levels.ts"

export const vectors = fileURLToPath(new URL("../../../vectors", import.meta.url))

let opened: Folder.Folder | undefined
/** The suite, read once. */
export const folder = (): Folder.Folder => (opened ??= Folder.read(vectors))

/** How many cases stand: those withdrawn are on no page. */
export const standing = (): number =>
  folder().files.reduce((sum, { file }) => sum + file.cases.filter(({ status }) => status !== "withdrawn").length, 0)

export const header = (change: Partial<Header> = {}): Header => ({
  event: "header",
  kit: "0.1.0",
  suite: folder().manifest.suite,
  protocol: "1",
  root: folder().manifest.root,
  seed: "5e".repeat(64),
  started: 1_700_000_000_000,
  subject: {
    name: "acme",
    version: "0.3.1",
    language: "kotlin",
    source: "https://acme.example/client",
    command: "./adapter --quiet",
    features: {
      families: { encoding: 1, ratchet: 1, identity: 1, device: 1 },
      coins: "labelled",
      snapshot: true,
      crash: true
    }
  },
  selection: { level: 2, families: [], cases: [], budget: "ci", whole: true },
  jobs: 1,
  ...change
})

/** The result of a case of the suite. */
export const resultOf = (family: string, item: Case, change: Partial<Result> = {}): Result => ({
  event: "result",
  case: item.id,
  title: item.title,
  family,
  topic: "topic",
  clauses: item.clauses,
  needs: item.needs,
  level: item.level,
  critical: item.critical,
  verdict: item.verdict,
  outcome: "pass",
  ms: 1.5,
  ...change
})

export const caseOf = (id: string): { readonly family: string; readonly item: Case } => {
  const found = Folder.find(folder(), id)
  if (found === undefined) throw new Error(`no case ${id}`)
  return { family: found.file.family, item: found.item }
}

export const result = (id: string, change: Partial<Result> = {}): Result => {
  const { family, item } = caseOf(id)
  return resultOf(family, item, change)
}

export const property = (id: string, change: Partial<Property> = {}): Property => ({
  event: "property",
  property: id,
  title: "nothing is shown twice",
  level: 2,
  critical: true,
  outcome: "pass",
  scripts: 3000,
  steps: 180_000,
  ms: 900,
  ...change
})

export const sanity = property("sanity", { title: "hello, reset and the sanity conversation", level: 0 })

/** Text that must not be taken for markup, nor break XML. */
export const hostile = 'gave ]]> <script>alert("x")</script> & \u0000\u001b[31m \ud800 </testcase>'

/** Failures of every kind; the second is foreseen. */
export const failures: ReadonlyArray<Result> = [
  result("ratchet-skip-1001", {
    outcome: "fail",
    step: 2,
    op: "ratchet.open",
    message: "was accepted",
    expected: { stage: "limit", class: ["limit.skip"] },
    actual: { ok: { padded: "00ff", late: false } }
  }),
  result("ratchet-skip-1002", {
    outcome: "stage",
    step: 2,
    expected: { stage: "limit", class: ["limit.skip"] },
    actual: { reject: { stage: "decrypt", class: "auth.tag", native: "BadTag" } },
    known: {
      pattern: "ratchet/limits/*",
      outcome: "stage",
      reason: "limit is checked late",
      issue: "https://acme.example/7"
    }
  }),
  result("ratchet-s1-current-prefix-mailbox", {
    outcome: "fail",
    step: 4,
    message: "was accepted",
    expected: { stage: "authenticate", class: ["auth.tag"] },
    actual: { ok: {} }
  }),
  result("encoding-uint-0", {
    outcome: "crash",
    message: hostile,
    actual: { lost: { message: hostile } },
    stderr: `panic: ${hostile}\n`
  }),
  result("layout-uint-least", {
    outcome: "fail",
    expected: { ok: { value: 5 } },
    actual: { ok: { value: 6 } },
    message: "gave value: 6, expected 5"
  })
]

const wire: Wire = {
  event: "wire",
  case: "layout-uint-least",
  step: 0,
  dir: "request",
  message: { id: 7, op: "layout.decode", in: { bytes: "05" } }
}

/** The lines of a run. The footer says what the results show, changed by `claim`. */
export const lines = (
  ended: ReadonlyArray<Result | Property>,
  options: {
    readonly header?: Partial<Header>
    readonly claim?: Partial<Footer>
    readonly footer?: boolean
    readonly extra?: ReadonlyArray<ResultEvent>
  } = {}
): string => {
  const head = header(options.header)
  const results = ended.filter((one): one is Result => one.event === "result")
  const properties = ended.filter((one): one is Property => one.event === "property")
  const level = levelOf(head, ended)
  const footer: Footer = {
    event: "footer",
    ...(level === undefined ? {} : { level }),
    marks: marksOf(head, ended, level),
    waived: results.filter(({ known }) => known !== undefined).length,
    critical: ended
      .filter(({ critical, outcome }) => critical && outcome !== "pass" && outcome !== "excluded")
      .map((one) => (one.event === "result" ? one.case : one.property)),
    families: {},
    properties: { total: properties.length, outcomes: {}, waived: 0 },
    stale: [],
    restarts: 0,
    exit: 1,
    ms: 12_345,
    ...options.claim
  }
  const events: ReadonlyArray<ResultEvent> = [
    head,
    ...ended.flatMap((one): ReadonlyArray<ResultEvent> =>
      one.event === "result"
        ? [{ event: "case-start", case: one.case, family: one.family, topic: one.topic }, one]
        : [one]
    ),
    wire,
    ...(options.extra ?? []),
    ...(options.footer === false ? [] : [footer])
  ]
  return `${events.map((event) => JSON.stringify(event)).join("\n")}\n`
}

const passing: ReadonlyArray<string> = ["window-first", "certificate-member", "ratchet-skip-999", "ed25519-genuine"]
const some = (): ReadonlyArray<Result> => passing.map((id) => result(id))

/** A run that reached level 2 with both marks. */
export const good = (): string =>
  lines([sanity, ...some(), property("P03"), property("P15", { title: "the same bytes" })])

/** A run with failures of every kind. */
export const bad = (): string =>
  lines([sanity, ...some(), ...failures, property("P03", { outcome: "fail", message: hostile })], {
    extra: [{ event: "steps", done: { send: 900, flip: 41, "old-start": 0 } }]
  })
