/**
 * `tacit history …`: what was said, kept on every device of the account.
 *
 * Spec: docs/spec/23-history.md.
 */
import type { Command } from "../../Command.ts"
import { exportFile, importFile } from "./files.ts"
import { ask, offer } from "./hand.ts"
import { off, on } from "./keep.ts"
import { digest, list } from "./list.ts"
import { status } from "./status.ts"

/** In the order of the overview. */
export const historyCommands: ReadonlyArray<Command> = [
  on,
  off,
  status,
  list,
  digest,
  exportFile,
  importFile,
  ask,
  offer
]
