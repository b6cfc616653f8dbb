/**
 * Whom a word on the command line means: a name, or an account id.
 *
 * Spec: docs/spec/04-accounts.md §4.1.
 */
import type { Peer } from "@tacit/core"

/** 64 lower-case hexadecimal digits are an account id; no user name can be one, except on purpose. */
export const peerOf = (word: string): Peer => (/^[0-9a-f]{64}$/.test(word) ? { account: word } : word)
