// The rules of the specification: where one begins, and the form of its id.
import { split } from "./markdown.mjs"

/** Pattern of a rule id: dotted lower-case words and a number. */
export const id = "[a-z][a-z0-9-]*(?:\\.[a-z0-9-]+)*\\.[0-9]+"
const whole = new RegExp(`^${id}$`)

/** Rules of one text of the specification, and problems of their form. */
export const rulesOf = (path, text) => {
  const rules = []
  const problems = []
  for (const [index, line] of split(text).prose.split("\n").entries()) {
    const at = `${path}:${index + 1}`
    const start = /^\s*(?:[-*+]\s+|\d+[.)]\s+)?\*\*\[([^\]]+)\]\*\*/.exec(line)
    if (start !== null && whole.test(start[1])) rules.push({ id: start[1], at })
    else if (start !== null) problems.push(`${at}: [${start[1]}] is no rule id: dotted lower-case words and a number`)
    const marks = line.match(/\*\*\[[^\]]+\]\*\*/g)?.length ?? 0
    if (marks > (start === null ? 0 : 1)) problems.push(`${at}: a rule id stands inside a line, it must begin one`)
  }
  return { rules, problems }
}
