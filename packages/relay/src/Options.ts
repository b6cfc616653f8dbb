/**
 * What a relay is told at start: where its database is, where it listens, and its bounds.
 *
 * Spec: docs/spec/14-relay.md; the numbers are those of its rules. Bounds without a rule are this implementation's own.
 */
import type { CryptoProvider } from "@tacit/core/hazmat"
import * as Config from "effect/Config"
import { isIP } from "node:net"
import type { Issuer } from "./AccountToken.ts"
import type { AttachmentLimits } from "./attachments/AttachmentLimits.ts"
import type { Entitlement } from "./Entitlement.ts"

/** Bounds of a relay. Each has a reason; tests and small machines may lower them. */
export interface RelayLimits {
  /** Envelopes one mailbox holds (rule relay.mailbox.2). */
  readonly mailboxEnvelopes: number
  /** Bytes of envelopes one mailbox holds (rule relay.mailbox.2). */
  readonly mailboxBytes: number
  /** How long an envelope waits, in ms (rule relay.mailbox.2). */
  readonly retentionMs: number
  /** How long a digest outlives its acknowledged envelope, in ms (rule relay.submit.3). */
  readonly digestMs: number
  /** How long a one-time password is good for, in ms (rule relay.register.1). */
  readonly inviteMs: number
  /** Refused registrations of one name in `attemptMs` (rule relay.register.2). */
  readonly attempts: number
  readonly attemptMs: number
  /** How long a slot lasts, in ms (rule relay.slot.4), and how many a device opens in that time (rule relay.slot.6). */
  readonly slotMs: number
  readonly slotsOpened: number
  /** Slots at a time, and bytes in them (rule relay.slot.6). They are in memory. */
  readonly slots: number
  readonly slotBytes: number
  /** `unknown-slot` answers of one connection in a minute (rule relay.slot.5). */
  readonly unknownSlotsPerMinute: number
  /** How long a one-time password that a device asked for is good for, in ms (rule relay.password.1). */
  readonly ownPasswordMs: number
  /** Passwords of one account in `attemptMs` (rule relay.password.2). */
  readonly ownPasswords: number
  /** Bundles with one-time prekeys, of one device and minute (rule relay.prekeys.2). */
  readonly bundlesPerMinute: number
  /** Unknown names one connection may ask for in a minute (rule relay.directory.1). */
  readonly unknownNamesPerMinute: number
  /** How long the answer of an entitlement holds, and the last one while there is none, in ms (rule relay.entitle.1). */
  readonly entitledMs: number
  readonly lastEntitledMs: number
  /** How long a pass is the present one, in ms; it is good for twice as long (rule relay.entitle.3). */
  readonly passMs: number
  /** How long somebody is told to wait who is not entitled, in ms (rules relay.entitle.2 and relay.entitle.3). */
  readonly notEntitledMs: number
  /** Wrong passes of one connection in a minute (rule relay.entitle.3). */
  readonly wrongPassesPerMinute: number
  /** Session starts without a token, per mailbox (rule relay.submit.2). */
  readonly startBurst: number
  readonly startsPerSecond: number
  /**
   * Work of one connection: a frame costs 1 and 1 more for every 16 KiB; one with signatures to verify costs more. Far above
   * what a person's devices need; it keeps one connection from taking the whole machine.
   */
  readonly connectionBurst: number
  readonly connectionPerSecond: number
  /** Connections at a time. Each costs about 50 kB; past it an upgrade is answered 503. */
  readonly connections: number
  /** Bytes of unread answers and deliveries held for one connection before the relay stops reading and pushing. */
  readonly sendBufferBytes: number
  /** Bytes of frames of one connection that wait for the next commit before the relay stops reading from it. */
  readonly receiveBufferBytes: number
  /** Silence after which the other side is asked for a sign of life; the connection is dropped after three times that (rule relay.heartbeat.1). */
  readonly heartbeatMs: number
  /** How long a shutdown waits for clients to close (rule relay.shutdown.1). */
  readonly shutdownMs: number
  /** How often the relay looks whether another program removed somebody, in ms (rule relay.remove.4). */
  readonly noticeMs: number
  /** Work items in one commit. Larger batches cost latency and gain little. */
  readonly commitItems: number
}

export const defaultLimits: RelayLimits = {
  mailboxEnvelopes: 10_000,
  mailboxBytes: 256 * 1024 * 1024,
  retentionMs: 30 * 24 * 60 * 60 * 1000,
  digestMs: 10 * 60 * 1000,
  inviteMs: 7 * 24 * 60 * 60 * 1000,
  attempts: 5,
  attemptMs: 10 * 60 * 1000,
  slotMs: 10 * 60 * 1000,
  slotsOpened: 8,
  slots: 1_024,
  slotBytes: 64 * 1024 * 1024,
  unknownSlotsPerMinute: 60,
  ownPasswordMs: 15 * 60 * 1000,
  ownPasswords: 8,
  bundlesPerMinute: 30,
  unknownNamesPerMinute: 60,
  entitledMs: 60_000,
  lastEntitledMs: 60 * 60 * 1000,
  passMs: 5 * 60 * 1000,
  notEntitledMs: 60_000,
  wrongPassesPerMinute: 16,
  startBurst: 128,
  startsPerSecond: 4,
  connectionBurst: 8_192,
  connectionPerSecond: 8_192,
  connections: 10_000,
  sendBufferBytes: 256 * 1024,
  receiveBufferBytes: 1024 * 1024,
  heartbeatMs: 20_000,
  shutdownMs: 5_000,
  noticeMs: 250,
  commitItems: 512
}

/** Where sealed files are kept, and how much of them. */
export interface AttachmentOptions extends Partial<AttachmentLimits> {
  /** Made when the first file comes. Nothing else may be in it. */
  readonly folder?: string
}

/** What holds whatever carries the frames. */
export interface ServiceOptions {
  /** Platforms whose account tokens register users (rule relay.token.1). None when nothing is said. */
  readonly issuers?: ReadonlyArray<Issuer>
  /** Answers every look-up of a name as an unknown one (rule relay.names.1). */
  readonly hideNames?: boolean
  /** Who may use the relay (rule relay.entitle.1). Everybody with an account when nothing is said. */
  readonly entitlement?: Entitlement
  /** What holds when the entitlement has not answered for an hour: `true` (the default) lets accounts go on. */
  readonly entitledOtherwise?: boolean
  /** File of the database; created when absent. `":memory:"` keeps nothing. */
  readonly database: string
  /** Name that logins are bound to. Never change it while clients know the old one. `localhost` when nothing is said. */
  readonly name?: string
  /**
   * Keeping sealed files: `false` for not at all, or where and how much. Without a folder they are beside the database, in `<database>.files`, and
   * with a database in memory in a temporary folder.
   */
  readonly attachments?: false | AttachmentOptions
  /** Keeps a log of submissions in memory, for demonstrations of what an operator sees. */
  readonly observe?: boolean
  readonly limits?: Partial<RelayLimits>
  /** Verifies signatures and hashes. The native provider when nothing is said. */
  readonly crypto?: CryptoProvider
}

export interface RelayOptions extends ServiceOptions {
  /** Address to listen on: 127.0.0.1, or 0.0.0.0 when `public`. */
  readonly host?: string
  /** 0 (the default) takes a free one. */
  readonly port?: number
  /** Allows an address that other machines reach. Put TLS in front of it: tokens and metadata travel in the clear otherwise. */
  readonly public?: boolean
}

/** Whether only this machine reaches an address to listen on. */
export const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || /^127\./.test(host)

/** The host of an address to listen on, as clients on this machine write it. */
export const shownHost = (host: string): string =>
  host === "0.0.0.0" || host === "::" ? "127.0.0.1" : isIP(host) === 6 ? `[${host}]` : host

/** Options from the environment; see the table in the package's README. */
export const config: Config.Config<RelayOptions> = Config.map(
  Config.all({
    database: Config.String("TACIT_RELAY_DATABASE").pipe(Config.withDefault("relay.db")),
    name: Config.String("TACIT_RELAY_NAME").pipe(Config.withDefault("localhost")),
    host: Config.String("TACIT_RELAY_HOST").pipe(Config.withDefault("")),
    port: Config.Int("TACIT_RELAY_PORT").pipe(Config.withDefault(8443)),
    public: Config.Boolean("TACIT_RELAY_PUBLIC").pipe(Config.withDefault(false))
  }),
  ({ host, ...rest }) => (host === "" ? rest : { ...rest, host })
)
