/**
 * What the exit code of the runner means.
 *
 * Spec: docs/spec/21-conformance.md §21.4 (result.exit.1).
 */

/** Exit codes by name. */
export const ExitCode = {
  conformant: 0,
  notConformant: 1,
  stale: 2,
  unusable: 3,
  usage: 4,
  tampered: 5,
  interrupted: 130
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** One line per code. */
export const meanings: ReadonlyArray<readonly [ExitCode, string]> = [
  [ExitCode.conformant, "nothing failed that was not foreseen, and nothing of the level asked for was left out"],
  [ExitCode.notConformant, "something failed, or the level asked for was not reached"],
  [ExitCode.stale, "the file of known failures is out of date"],
  [ExitCode.unusable, "the subject does not come up, or ended too often"],
  [ExitCode.usage, "wrong usage, an unreadable file, or an error of the runner"],
  [ExitCode.tampered, "the suite's files are not those of its manifest"],
  [ExitCode.interrupted, "interrupted before it was finished"]
]

const precedence: ReadonlyArray<ExitCode> = [
  ExitCode.interrupted,
  ExitCode.tampered,
  ExitCode.usage,
  ExitCode.unusable,
  ExitCode.notConformant,
  ExitCode.stale
]

/** Of several the one that counts. */
export const strongest = (codes: ReadonlyArray<ExitCode>): ExitCode =>
  precedence.find((code) => codes.includes(code)) ?? ExitCode.conformant
