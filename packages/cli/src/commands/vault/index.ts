/**
 * `tacit vault …`: sealing an account at rest, and what goes with it.
 *
 * Spec: docs/spec/12-vault.md.
 */
import type { Command } from "../../Command.ts"
import { create } from "./create.ts"
import { drill } from "./drill.ts"
import { lock, unlock } from "./lock.ts"
import { passwd } from "./passwd.ts"
import { remove } from "./remove.ts"
import { status } from "./status.ts"

/** In the order of the overview. */
export const vaultCommands: ReadonlyArray<Command> = [create, status, unlock, lock, passwd, drill, remove]
