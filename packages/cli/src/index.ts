/**
 * `@tacit/cli` as a library: run the command inside another program, or read its description.
 */
export type { Command, Context, Example, Option, Positional } from "./Command.ts"
export { ExitCode, meanings as exitCodeMeanings } from "./ExitCode.ts"
export { explain, type Explanation } from "./Explain.ts"
export { commands, run, type Surroundings } from "./Run.ts"
export { version } from "./Version.ts"
