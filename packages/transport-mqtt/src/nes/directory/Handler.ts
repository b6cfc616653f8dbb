/**
 * The directory's three routes: a request in, status and body out.
 *
 * Spec: docs/spec/15-nes.md §15.5 (rules nes.get.1, nes.get.2, nes.token.1–nes.token.3, nes.register.1–nes.register.3, nes.limit.1).
 * Knows no sockets. Bodies of refusals are one line of plain text, as the earlier service's.
 */
import type { KeyObject } from "node:crypto"
import * as Result from "effect/Result"
import { bound, compatible, type Registration } from "../Answer.ts"
import { decodeObject } from "../Frame.ts"
import { isUsername } from "../Username.ts"
import { type Mailer, welcome } from "./Mail.ts"
import type { DirectoryLimits } from "./Options.ts"
import { limiter } from "./RateLimit.ts"
import type { Users } from "./Users.ts"

export interface Call {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly body: Uint8Array
  /** Whom limits count: a network address. */
  readonly caller: string
}

export interface Reply {
  readonly status: number
  readonly type: "application/json" | "text/plain; charset=utf-8"
  readonly body: string
}

export interface HandlerOptions {
  readonly users: Users
  readonly key: KeyObject
  readonly mailer: Mailer
  readonly address: () => string
  readonly limits: DirectoryLimits
  readonly now: () => number
  readonly log: (line: string) => void
}

const line = (status: number, text: string): Reply => ({
  status,
  type: "text/plain; charset=utf-8",
  body: text === "" ? "" : `${text}\n`
})
const notFound = line(404, "404 page not found")
const tooMany = line(429, "too many requests")

/** A signature costs milliseconds, so an answer is kept: a compatible one as long as it holds, a bound one for a minute. */
const keptMs = 60_000
const maxKept = 10_000

const hourMs = 60 * 60 * 1000

export const makeHandler = (options: HandlerOptions): ((call: Call) => Promise<Reply>) => {
  const { key, limits, log, mailer, now, users } = options
  const registrations = limiter(limits.registrationBurst, limits.registrationsPerHour / hourMs)
  const mails = limiter(limits.mailBurst, limits.mailsPerHour / hourMs)
  const lookUps = limiter(limits.lookUpBurst, limits.lookUpsPerSecond / 1000)
  const kept = new Map<string, { readonly body: string; readonly at: number }>()

  const answer = (format: string, one: Registration): string => {
    const at = now()
    const id = `${format} ${one.version} ${one.username}`
    const before = kept.get(id)
    if (before !== undefined && (format !== "bound" || (at >= before.at && at - before.at < keptMs))) return before.body
    const body = format === "bound" ? bound(one, at, key) : compatible(one, key)
    kept.set(id, { body, at })
    if (kept.size > maxKept) kept.delete(kept.keys().next().value!)
    return body
  }

  const get = (username: string, format: string): Reply => {
    const one = users.active(username)
    if (one === undefined) return notFound
    return { status: 200, type: "application/json", body: answer(format, one) }
  }

  const useToken = (username: string, token: string): Reply => {
    switch (users.useToken(username, token, now())) {
      case "activated":
        log("a user was made active")
        return line(200, "user activated")
      case "removed":
        log("a user was removed")
        return line(200, "user deleted")
      case "expired":
        return line(410, "activate token expired")
      case "unknown":
        return notFound
    }
  }

  const post = async (call: Call): Promise<Reply> => {
    const body = call.body.length > limits.bodyBytes ? undefined : decodeObject(call.body)
    if (body === undefined) return line(400, "body is not a JSON object")
    const { email, public_key_message: message, public_key_sign: sign, username } = body
    if (
      typeof username !== "string" ||
      typeof email !== "string" ||
      typeof message !== "string" ||
      typeof sign !== "string"
    ) {
      return line(400, "username, email, public_key_message and public_key_sign are needed")
    }
    if (!registrations.take(call.caller, now())) return tooMany
    const added = users.add({ username, email, message, sign }, now())
    if (Result.isFailure(added)) return line(400, added.failure)
    if (!mails.take(email.toLowerCase(), now())) {
      users.drop(username)
      return tooMany
    }
    try {
      await mailer.send(welcome(options.address(), { username, email }, added.success))
    } catch (error) {
      users.drop(username)
      log(`a mail was not taken: ${error instanceof Error ? error.name : "unknown"}`)
      return line(503, "the mail with the links could not be sent")
    }
    log("a user registered")
    return line(201, "")
  }

  return async (call) => {
    const parts = call.path.split("/")
    if (parts[0] !== "" || parts[1] !== "users" || parts.length > 4) return notFound
    const [, , username, token] = parts
    if (username === undefined) return call.method === "POST" ? post(call) : line(405, "")
    if (!isUsername(username) || token === "") return notFound
    if (call.method !== "GET") return line(405, "")
    if (!lookUps.take(call.caller, now())) return tooMany
    return token === undefined
      ? get(username, call.query.get("format") === "bound" ? "bound" : "compatible")
      : useToken(username, decoded(token))
  }
}

/** A path's part without percent signs; what cannot be read is no token. */
const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part)
  } catch {
    return ""
  }
}
