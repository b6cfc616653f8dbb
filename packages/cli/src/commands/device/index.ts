/**
 * `tacit device …`: the devices of one's own account.
 *
 * Spec: docs/spec/04-accounts.md §4.4, §4.5.
 */
import type { Command } from "../../Command.ts"
import { link } from "./link.ts"
import { list } from "./list.ts"
import { page } from "./page.ts"
import { proof } from "./proof.ts"
import { reset } from "./reset.ts"
import { revoke } from "./revoke.ts"

/** In the order of the overview. */
export const deviceCommands: ReadonlyArray<Command> = [link, list, revoke, reset, page, proof]
