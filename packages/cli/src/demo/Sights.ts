/**
 * The demo's last part: what the relay could see of all that, and what it could not.
 *
 * Spec: docs/spec/14-relay.md rule relay.privacy.1.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { BrokerSaw } from "../wire/BrokerTap.ts"
import type { Stage } from "./Stage.ts"

/** Counted on the wire and searched for in the relay's files. */
export interface RelaySaw {
  readonly names: ReadonlyArray<string>
  readonly mailboxes: number
  readonly envelopes: number
  readonly sessionStarts: number
  readonly bytes: number
  readonly distinctSizes: number
  /** Envelopes and database files that held text of a message, or a sender's account or device id outside the directory. */
  readonly plaintextFound: number
  readonly sendersFound: number
  /** What a subscriber to every topic saw, over MQTT. */
  readonly broker?: BrokerSaw
}

/** Lines long enough that finding one in random bytes would be no accident; a few are enough. */
export const markers = (lines: ReadonlyArray<string>): ReadonlyArray<Buffer> =>
  [...lines, "Sent from the old copy, after it healed."]
    .map((line) => Buffer.from(line).subarray(0, 32))
    .filter((bytes) => bytes.length >= 10)
    .slice(-8)

export const look = (stage: Stage, words: ReadonlyArray<Buffer>): RelaySaw => {
  const sights = stage.recorder.sights()
  const files = readdirSync(stage.relayFiles).map((name) => readFileSync(join(stage.relayFiles, name)))
  const inFiles = files.filter((file) => words.some((word) => file.includes(word))).length
  return {
    names: ["alice", "bob", "echo"],
    mailboxes: sights.mailboxes,
    envelopes: sights.envelopes,
    sessionStarts: sights.starts,
    bytes: sights.bytes,
    distinctSizes: sights.sizes,
    plaintextFound: sights.findings + inFiles,
    sendersFound: sights.senders,
    ...(stage.network.eavesdropper === undefined ? {} : { broker: stage.network.eavesdropper.saw() })
  }
}
