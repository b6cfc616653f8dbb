/**
 * `@tacit/storage/unlock`: where the secret of a vault comes from on Node: a file, an environment variable, a program, or the system's
 * key chain.
 *
 * ```ts
 * import { keyChain } from "@tacit/storage/unlock"
 * const unlock = keyChain({ account: "alice" })
 * ```
 */
export { command, type CommandOptions } from "./unlock/Command.ts"
export { environment, type EnvironmentOptions } from "./unlock/Environment.ts"
export { file, type FileOptions } from "./unlock/File.ts"
export { type Entry as KeyChainEntry, keyChain, type KeyChain, type KeyChainOptions } from "./unlock/KeyChain.ts"
export {
  type ChainOptions,
  credentialLocker,
  macKeychain,
  ofPlatform as systemKeyChain,
  secretService
} from "./unlock/SystemChains.ts"
