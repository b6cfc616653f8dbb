/**
 * What the transport is told: where the relay is, and its patience.
 *
 * Spec: docs/spec/14-relay.md §14.1.
 * The patience is this implementation's own; nothing of it crosses the wire.
 */
import * as Config from "effect/Config"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { path } from "./Frame.ts"

export interface TransportOptions extends Patience {
  /** `wss://relay.example`, or `ws://` on loopback. A path is kept as a prefix of the protocol's own. */
  readonly url: string
  /** Allows `ws://` to other machines: tokens and metadata then travel in the clear. */
  readonly allowInsecure?: boolean
  /** Further places to fetch files from, beside this relay (docs/spec/11-attachments.md, rule attachment.place.1); or `anywhere`. */
  readonly fetchFrom?: ReadonlyArray<string> | "anywhere"
}

/** What holds whatever carries the frames. */
export interface Patience {
  /** The relay's name, if it is known: a welcome with another one is refused (rule relay.login.4). Learnt otherwise. */
  readonly relayName?: string
  /** Envelopes that may be on the way or waiting here, unread. Default 64. */
  readonly window?: number
  /** Requests unanswered at a time, per connection. Default 256. */
  readonly maxInFlight?: number
  /** How long an operation may take in all, waits and reconnections included, in ms. Default 30,000. */
  readonly timeoutMs?: number
  /** How long one attempt to connect may take, in ms. Default 10,000. */
  readonly connectTimeoutMs?: number
  /** First and longest pause between attempts, in ms; each is jittered. Defaults 200 and 30,000. */
  readonly backoffMs?: number
  readonly maxBackoffMs?: number
  /** Silence after which a ping is sent, in ms; three times that and the connection is given up. Default 20,000. */
  readonly heartbeatMs?: number
  /** How long the anonymous connection stays open unused, in ms. Default 60,000. */
  readonly idleMs?: number
}

/** Options with everything said, and the URL to open. */
export type Settings = Required<Omit<Patience, "relayName">> & {
  readonly address: string
  readonly relayName: string | undefined
}

/** The address cannot be used. `insecure`: plain `ws://` to another machine without `allowInsecure`. */
export class InvalidAddress extends Schema.TaggedError<InvalidAddress>()("InvalidAddress", {
  reason: Schema.Literals(["not-a-url", "scheme", "insecure"])
}) {}

/** Whether a host is this machine. */
export const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname)

/** Checks the address and fills the defaults in. */
export const settings = (options: TransportOptions): Result.Result<Settings, InvalidAddress> => {
  if (!URL.canParse(options.url)) return Result.fail(new InvalidAddress({ reason: "not-a-url" }))
  const url = new URL(options.url)
  if (url.protocol !== "wss:" && url.protocol !== "ws:") return Result.fail(new InvalidAddress({ reason: "scheme" }))
  if (url.protocol === "ws:" && !isLoopback(url.hostname) && options.allowInsecure !== true) {
    return Result.fail(new InvalidAddress({ reason: "insecure" }))
  }
  const prefix = url.pathname.replace(/\/+$/, "")
  if (!prefix.endsWith(path)) url.pathname = prefix + path
  url.hash = ""
  return Result.succeed(withDefaults(url.href, options))
}

/** Fills the defaults in. `address` is what the carrier opens. */
export const withDefaults = (address: string, options: Patience): Settings => ({
  address,
  relayName: options.relayName,
  window: options.window ?? 64,
  maxInFlight: options.maxInFlight ?? 256,
  timeoutMs: options.timeoutMs ?? 30_000,
  connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
  backoffMs: options.backoffMs ?? 200,
  maxBackoffMs: options.maxBackoffMs ?? 30_000,
  heartbeatMs: options.heartbeatMs ?? 20_000,
  idleMs: options.idleMs ?? 60_000
})

/** Options from the environment; see the table in the package's README. */
export const config: Config.Config<TransportOptions> = Config.map(
  Config.all({
    url: Config.String("TACIT_RELAY"),
    relayName: Config.String("TACIT_RELAY_NAME").pipe(Config.withDefault("")),
    allowInsecure: Config.Boolean("TACIT_ALLOW_INSECURE").pipe(Config.withDefault(false))
  }),
  ({ allowInsecure, relayName, url }) => ({ url, allowInsecure, ...(relayName === "" ? {} : { relayName }) })
)
