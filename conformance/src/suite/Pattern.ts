/**
 * Patterns over cases: `family/topic/id` with `*` for one part or a piece of one, `**` for any number of parts.
 *
 * Spec: docs/spec/21-conformance.md §21.4 (known.file.1).
 */

const part = (text: string): string => text.split("*").map(escape).join("[^/]*")
const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** Whether a pattern means a case; a text without `/` is an id, or a pattern of one. */
export const matcher = (pattern: string): ((target: { readonly id: string; readonly path: string }) => boolean) => {
  if (!pattern.includes("/") && pattern !== "**") {
    const whole = new RegExp(`^${part(pattern)}$`)
    return ({ id }) => whole.test(id)
  }
  const parts = pattern.split("/").map((text) => (text === "**" ? "**" : part(text)))
  const source = parts.map((text, i) => {
    const last = i === parts.length - 1
    if (text === "**") return last ? ".*" : "(?:[^/]+/)*"
    return last ? text : `${text}/`
  })
  const whole = new RegExp(`^${source.join("")}$`)
  return ({ path }) => whole.test(path)
}
