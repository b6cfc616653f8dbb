/**
 * Words on a command line and the layout of help, for the two commands of this project: `@tacit/conformance/words`.
 *
 * Knows no command and nothing of the protocol.
 */
export * as Layout from "./Layout.ts"
export { bind, nearest, type OptionForm, type PositionalForm, type Split, split, UsageError, whole } from "./Words.ts"
