/**
 * The `nes` commands, in the order of the overview.
 *
 * Spec: docs/spec/15-nes.md.
 */
import type { Command } from "../../Command.ts"
import { nesChat } from "./chat.ts"
import { nesConfig } from "./config.ts"
import { nesBrokerStart, nesDirectoryStart } from "./directory.ts"
import { nesGenerate } from "./generate.ts"
import { nesListen } from "./listen.ts"
import { nesRegister } from "./register.ts"
import { nesSend } from "./send.ts"
import { nesVersion } from "./version.ts"

export const nesCommands: ReadonlyArray<Command> = [
  nesGenerate,
  nesRegister,
  nesListen,
  nesSend,
  nesChat,
  nesConfig,
  nesVersion,
  nesDirectoryStart,
  nesBrokerStart
]
