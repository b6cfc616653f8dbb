/**
 * Members that should be text, in answers that may hold anything.
 *
 * Spec: docs/spec/20-subject.md, rule subject.line.2.
 */

/** The text, the digits of a number, or nothing: whatever is compared with it then differs. */
export const textOf = (value: unknown): string =>
  typeof value === "string" ? value : typeof value === "number" ? `${value}` : ""
