/**
 * What a directory is told at start, and its bounds.
 *
 * Spec: docs/spec/15-nes.md §15.5.
 */
import type { KeyObject } from "node:crypto"
import type { Mailer } from "./Mail.ts"

/** Bounds. Each has a reason; tests lower them. */
export interface DirectoryLimits {
  /** How long an activation link is good for, in ms, and how long a name waits for it (rules nes.token.2, nes.sweep.1). */
  readonly activationMs: number
  /** Pause between two sweeps, in ms. */
  readonly sweepMs: number
  /** Largest body of a request, in bytes. Two PEM keys of 8192 bits have 2,800. */
  readonly bodyBytes: number
  /** Registrations from one address: a burst, then so many an hour. Each sends a mail. */
  readonly registrationBurst: number
  readonly registrationsPerHour: number
  /** Mails to one mailbox: a burst, then so many an hour. Nobody's mailbox is to be filled through us. */
  readonly mailBurst: number
  readonly mailsPerHour: number
  /** Look-ups and tokens from one address: a burst, then so many a second. */
  readonly lookUpBurst: number
  readonly lookUpsPerSecond: number
  /** Connections at a time. */
  readonly connections: number
}

export const defaultLimits: DirectoryLimits = {
  activationMs: 24 * 60 * 60 * 1000,
  sweepMs: 60 * 60 * 1000,
  bodyBytes: 32_768,
  registrationBurst: 10,
  registrationsPerHour: 20,
  mailBurst: 3,
  mailsPerHour: 3,
  lookUpBurst: 120,
  lookUpsPerSecond: 4,
  connections: 1_000
}

export interface DirectoryOptions {
  /** File of the database; created when absent. `":memory:"` keeps nothing. */
  readonly database: string
  /** The directory's own signing key, private. */
  readonly key: KeyObject
  /** Takes mails to be sent. */
  readonly mailer: Mailer
  /** Address under which people reach it, for the links in mails; without a slash at its end. The listening address if absent. */
  readonly address?: string
  /** Address to listen on: 127.0.0.1, or 0.0.0.0 when `public`. */
  readonly host?: string
  /** 0 (the default) takes a free one. */
  readonly port?: number
  /** Allows an address that other machines reach. Put TLS in front of it: e-mail addresses travel in the clear otherwise. */
  readonly public?: boolean
  /** Takes the caller's address from the last `X-Forwarded-For`; only behind a proxy that sets it. */
  readonly behindProxy?: boolean
  readonly limits?: Partial<DirectoryLimits>
  readonly now?: () => number
  /** Gets a line for each event worth one. No name, address or token is in it. */
  readonly log?: (line: string) => void
}
