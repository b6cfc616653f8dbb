/**
 * The caller's mistake on the command line or in its input.
 */
export { UsageError } from "@tacit/conformance/words"
