/**
 * `@tacit/storage/unlock`: where the secret of a vault comes from on Node: a file, an environment variable, or a program such as that of
 * the system's key chain.
 *
 * ```ts
 * import { command } from "@tacit/storage/unlock"
 * const chain = command({ program: "secret-tool", args: ["lookup", "tacit", "alice"], kind: "key" })
 * ```
 */
export { command, type CommandOptions } from "./unlock/Command.ts"
export { environment, type EnvironmentOptions } from "./unlock/Environment.ts"
export { file, type FileOptions } from "./unlock/File.ts"
