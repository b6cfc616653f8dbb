/**
 * Users of the directory: registered, made active by one link, removed by another, forgotten when nobody came.
 *
 * Spec: docs/spec/15-nes.md §15.5 (rules nes.register.1, nes.register.2, nes.token.1–nes.token.3, nes.sweep.1).
 * Knows no HTTP and sends no mail.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import * as Result from "effect/Result"
import { digestOf, type Registration } from "../Answer.ts"
import { toBase64 } from "../Frame.ts"
import { parsePair } from "../Keys.ts"
import { isUsername } from "../Username.ts"
import type { Database } from "./Database.ts"

/** A registration as it was asked for. */
export interface Request {
  readonly username: string
  readonly email: string
  readonly message: string
  readonly sign: string
}

/** The two links' tokens, in URL-safe base 64: 32 random bytes each. Only their hashes are stored. */
export interface Tokens {
  readonly activate: string
  readonly remove: string
}

export type TokenOutcome = "activated" | "removed" | "expired" | "unknown"

export interface Users {
  /** Stores a valid request, waiting to be made active. Answers the line that refuses it, or its tokens. */
  readonly add: (request: Request, now: number) => Result.Result<Tokens, string>
  /** Takes back an `add` whose mail nobody took. */
  readonly drop: (username: string) => void
  /** What an active user registered. */
  readonly active: (username: string) => Registration | undefined
  readonly useToken: (username: string, token: string, now: number) => TokenOutcome
  /** Forgets who was not made active in time; how many. */
  readonly sweep: (now: number) => number
}

/** One `@` with something on both sides, at most 32 bytes, and nothing that means something in a mail's header. */
export const isEmail = (text: string): boolean =>
  Buffer.byteLength(text, "utf8") <= 32 && /^[^@\s<>()[\],;:\\"\p{C}]+@[^@\s<>()[\],;:\\"\p{C}]+$/u.test(text)

const hash = (token: string): Buffer => createHash("sha256").update(token, "utf8").digest()

const matches = (stored: unknown, token: string): boolean =>
  stored instanceof Uint8Array && timingSafeEqual(stored, hash(token))

const keyLines = {
  same: "both public keys are identical",
  pem: "decode public key error",
  kind: "public key is not RSA",
  size: "public key size is out of range",
  exponent: "public key exponent is out of range"
} as const

const checked = (request: Request): string | undefined => {
  if (!isUsername(request.username)) return "username validation error"
  if (!isEmail(request.email)) return "email validation error"
  if (request.message === request.sign) return keyLines.same
  const pair = parsePair(request.message, request.sign)
  return Result.isFailure(pair) ? keyLines[pair.failure.reason] : undefined
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "")

const registrationOf = (row: Readonly<Record<string, unknown>>): Registration => ({
  username: textOf(row["username"]),
  version: Number(row["version"]),
  previous: textOf(row["previous"]),
  message: textOf(row["public_key_message"]),
  sign: textOf(row["public_key_sign"])
})

export const makeUsers = (db: Database, activationMs: number): Users => {
  const alive = (username: string) => db.get("SELECT * FROM users WHERE username = ?", username)
  const sweep = (now: number): number =>
    db.run("DELETE FROM users WHERE active = 0 AND created_at < ?", now - activationMs)

  /** The registration becomes the name's next one, naming the one before. */
  const activate = (username: string): void =>
    db.transaction(() => {
      const last = db.get("SELECT version, digest FROM history WHERE username = ?", username)
      const version = Number(last?.["version"] ?? 0) + 1
      const previous = textOf(last?.["digest"])
      db.run("UPDATE users SET active = 1, version = ?, previous = ? WHERE username = ?", version, previous, username)
      const digest = digestOf(registrationOf(alive(username)!))
      db.run("INSERT OR REPLACE INTO history (username, version, digest) VALUES (?, ?, ?)", username, version, digest)
    })

  return {
    add: (request, now) => {
      const refused = checked(request)
      if (refused !== undefined) return Result.fail(refused)
      sweep(now)
      if (alive(request.username) !== undefined) return Result.fail("user already exist")
      const tokens = { activate: toBase64(randomBytes(32)), remove: toBase64(randomBytes(32)) }
      db.run(
        `INSERT INTO users (username, email, public_key_message, public_key_sign, activate_hash, remove_hash, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        request.username,
        request.email,
        request.message,
        request.sign,
        hash(tokens.activate),
        hash(tokens.remove),
        now
      )
      return Result.succeed(tokens)
    },
    drop: (username) => void db.run("DELETE FROM users WHERE username = ? AND active = 0", username),
    active: (username) => {
      const row = alive(username)
      return row?.["active"] === 1 ? registrationOf(row) : undefined
    },
    useToken: (username, token, now) => {
      const row = alive(username)
      if (row === undefined) return "unknown"
      if (row["active"] === 1) {
        if (!matches(row["remove_hash"], token)) return "unknown"
        db.run("DELETE FROM users WHERE username = ?", username)
        return "removed"
      }
      if (!matches(row["activate_hash"], token)) return "unknown"
      if (now > Number(row["created_at"]) + activationMs) return "expired"
      activate(username)
      return "activated"
    },
    sweep
  }
}
