/**
 * What the command's exit code means.
 *
 * Documented for people in docs/configuration.md; a test keeps the two equal.
 * Does not decide which error has which code: that is Explain.ts.
 */

/** Exit codes by name. They are part of the command's interface and are never renumbered. */
export const ExitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  notRegistered: 3,
  refused: 4,
  unreachable: 5,
  identityChanged: 6,
  store: 7,
  locked: 8,
  mismatch: 9,
  policy: 10,
  revoked: 11,
  noProof: 12,
  removed: 13,
  interrupted: 130
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** One line per code, in the order of the table in docs/configuration.md. */
export const meanings: ReadonlyArray<readonly [ExitCode, string]> = [
  [ExitCode.ok, "everything that was asked for happened"],
  [ExitCode.failed, "it failed for a reason not listed below"],
  [ExitCode.usage, "the command line or its input is wrong; nothing was done"],
  [ExitCode.notRegistered, "this profile holds no account yet, or already holds one"],
  [ExitCode.refused, "the relay understood and refused"],
  [ExitCode.unreachable, "the relay or the other device could not be reached in time"],
  [ExitCode.identityChanged, "the other person's identity changed and was not accepted"],
  [ExitCode.store, "the store in the data directory cannot be used"],
  [ExitCode.locked, "the account or an archive is sealed, and its passphrase or key was not given or is wrong"],
  [ExitCode.mismatch, "what was compared does not agree"],
  [ExitCode.policy, "the trust policy does not let it through"],
  [ExitCode.revoked, "this device was removed from its account; it sends nothing any more"],
  [ExitCode.noProof, "the file proves nothing"],
  [ExitCode.removed, "the relay's administrator removed the account or device"],
  [ExitCode.interrupted, "interrupted before it was finished"]
]
