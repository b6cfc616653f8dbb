/**
 * Where public keys of users come from: a port, a cache that lasts as long as the process, and keys that were had offline.
 *
 * Spec: docs/spec/15-nes.md §15.1 (rules nes.cache.1, nes.offline.1).
 * The key service behind this port is KeyService.ts.
 */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { parsePair, type PublicKeys } from "./Keys.ts"
import { isUsername } from "./Username.ts"

/**
 * Keys that could not be had. `unknown-user`: there is no such user. `unreachable`: no answer in time. `status`: an answer that
 * is none of the service's. `busy`: too many were asked for within a minute. `malformed`: an answer that cannot be read. `signature`: the service did not sign it. `other-user`,
 * `time`, `rollback`, `fork`: a signed answer for somebody else, of another time, older than one seen, or of another history.
 * `keys`: the keys in it are not usable.
 */
export class KeyError extends Data.TaggedError("KeyError")<{
  readonly reason:
    | "unknown-user"
    | "unreachable"
    | "busy"
    | "status"
    | "malformed"
    | "signature"
    | "other-user"
    | "time"
    | "rollback"
    | "fork"
    | "keys"
  readonly cause?: unknown
}> {}

/** Answers the two public keys of a user, or rejects with {@link KeyError}. */
export interface KeySource {
  readonly keysOf: (username: string) => Promise<PublicKeys>
}

export interface CacheOptions {
  readonly now?: () => number
  /** How long a failure is remembered, in ms, so that frames of unknown senders do not become requests. */
  readonly failureMs?: number
  /** Users held at a time; the one asked for longest ago goes first. */
  readonly most?: number
  /** Requests in a minute. Whoever publishes frames in many names must not make us a burden to the key service. */
  readonly perMinute?: number
}

/** Asks once for each user as long as the process runs; failures are forgotten after a while. */
export const cached = (source: KeySource, options: CacheOptions = {}): KeySource => {
  const { failureMs = 30_000, most = 4_096, now = Date.now, perMinute = 120 } = options
  let minute = 0
  let asked = 0
  /** Asks the source, or fails where it was asked too often. */
  const ask = (username: string): Promise<PublicKeys> => {
    const current = Math.floor(now() / 60_000)
    if (current !== minute) {
      minute = current
      asked = 0
    }
    return ++asked > perMinute ? Promise.reject(new KeyError({ reason: "busy" })) : source.keysOf(username)
  }
  const held = new Map<string, { readonly keys: Promise<PublicKeys>; until: number }>()
  return {
    keysOf: (username) => {
      const known = held.get(username)
      if (known !== undefined && known.until > now()) {
        held.delete(username)
        held.set(username, known)
        return known.keys
      }
      const entry = { keys: ask(username), until: Number.POSITIVE_INFINITY }
      entry.keys.catch(() => {
        entry.until = now() + failureMs
      })
      held.delete(username)
      held.set(username, entry)
      if (held.size > most) held.delete(held.keys().next().value!)
      return entry.keys
    }
  }
}

/** Keys in a directory of files `<user>-rsa-message.pub` and `<user>-rsa-sign.pub`, as the generating command names them. */
export const fromFiles = (directory: string): KeySource => ({
  keysOf: async (username) => {
    if (!isUsername(username)) throw new KeyError({ reason: "unknown-user" })
    const read = (use: string) =>
      readFile(join(directory, `${username}-rsa-${use}.pub`), "utf8").catch((cause: unknown) => {
        throw new KeyError({ reason: "unknown-user", cause })
      })
    const pair = parsePair(await read("message"), await read("sign"))
    if (Result.isFailure(pair)) throw new KeyError({ reason: "keys", cause: pair.failure })
    return pair.success
  }
})

/** The first source that knows the user. Any other failure of one ends the search: what is wrong here is not mended there. */
export const firstOf = (...sources: ReadonlyArray<KeySource>): KeySource => ({
  keysOf: async (username) => {
    for (const source of sources) {
      try {
        return await source.keysOf(username)
      } catch (error) {
        if (!(error instanceof KeyError) || error.reason !== "unknown-user") throw error
      }
    }
    throw new KeyError({ reason: "unknown-user" })
  }
})
