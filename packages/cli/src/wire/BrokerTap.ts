/**
 * Somebody who owns the broker: stands in for the steward, sees every frame, and can drop, change and add some.
 *
 * Spec: docs/spec/18-mqtt.md §18.3 (rule mqtt.card.3), §18.6; docs/threat-model.md.
 * The broker shows clients a card of its own, ends their links itself, and opens a link of its own to the true steward for each. That is
 * what a hostile broker can do to clients that were not told the steward's key. It knows no keys of theirs.
 */
import { type CryptoProvider } from "@tacit/core/hazmat"
import { BrokerLink, Host, Opener, type Tunnel } from "@tacit/transport-mqtt/wire"
import { type ClientFrame, decodeClient, decodeRelay, type RelayFrame } from "@tacit/transport-ws/frames"
import * as Result from "effect/Result"
import { randomBytes } from "node:crypto"
import type { Direction, Sighting, Verdict, Wiretap } from "./Wiretap.ts"

/** Where the true steward is, and the root under which clients look for one. */
export interface BrokerTapOptions {
  readonly crypto: CryptoProvider
  /** `mqtt://host:port`. */
  readonly broker: string
  readonly steward: { readonly root: string; readonly key: Uint8Array; readonly name: string }
  readonly root: string
}

type Upstream = ReturnType<ReturnType<typeof Opener.make>>

interface Line {
  readonly tunnel: Tunnel
  readonly upstream: Upstream
  readonly up: (payload: Uint8Array) => void
}

/** What no side of a link closes with by itself. */
const lostCode = 1006

/** A link of one's own to the steward, as a WebSocket. */
export const openSteward = (options: BrokerTapOptions): Upstream =>
  Opener.make({
    crypto: options.crypto,
    address: {
      broker: options.broker,
      username: undefined,
      password: undefined,
      root: options.steward.root,
      stewardKey: options.steward.key
    },
    protocol: "auto",
    timeoutMs: 10_000,
    keepaliveMs: 20_000
  })("", "")

/** Takes the steward's place. */
export const open = async (options: BrokerTapOptions): Promise<Wiretap> => {
  const { broker, crypto, root, steward } = options
  const lines = new Map<number, Line>()
  let rule: (sighting: Sighting) => Verdict = () => "pass"
  let unread = 0
  let count = 0

  const judge = (connection: number, direction: Direction, payload: Uint8Array, pass: (bytes: Uint8Array) => void) => {
    const frame = Result.getOrUndefined<ClientFrame | RelayFrame, unknown>(
      direction === "up" ? decodeClient(payload) : decodeRelay(payload)
    )
    if (frame === undefined) {
      unread++
      return pass(payload)
    }
    const verdict = rule({ connection, direction, frame, payload })
    if (verdict !== "drop") pass(verdict === "pass" ? payload : verdict)
  }

  const host = await Host.serve({
    crypto,
    address: { broker, username: undefined, password: undefined, root, stewardKey: undefined },
    name: steward.name,
    secretKey: new Uint8Array(randomBytes(32)),
    maxLinks: 1_000,
    onLink: (tunnel) => {
      const connection = ++count
      const upstream = openSteward(options)
      const early: Array<Uint8Array> = []
      const up = (payload: Uint8Array): void => {
        if (upstream.readyState === 1) upstream.send(new Uint8Array(payload))
        else early.push(payload)
      }
      lines.set(connection, { tunnel, upstream, up })
      upstream.addEventListener("open", () => {
        for (const payload of early.splice(0)) up(payload)
      })
      upstream.addEventListener("message", ({ data }) =>
        judge(connection, "down", new Uint8Array(data as ArrayBuffer), (bytes) => tunnel.send(bytes))
      )
      upstream.addEventListener("close", ({ code = lostCode }) => {
        lines.delete(connection)
        if (code === lostCode) tunnel.terminate()
        else tunnel.close(code)
      })
      return {
        onFrame: (frame) => judge(connection, "up", frame, up),
        onPong: () => undefined,
        onClose: () => upstream.close()
      }
    }
  })

  return {
    url: `${broker}/${root}`,
    port: Number(new URL(broker).port),
    obey: (next) => {
      rule = next
    },
    inject: (connection, direction, payload) => {
      const line = lines.get(connection)
      if (line === undefined) return false
      if (direction === "up") line.up(payload)
      else line.tunnel.send(payload)
      return true
    },
    unread: () => unread,
    close: async () => {
      await host.close()
      for (const { upstream } of lines.values()) upstream.close()
    }
  }
}

/** What somebody sees who subscribed to every topic of a broker. */
export interface BrokerSaw {
  readonly messages: number
  readonly bytes: number
  readonly topics: number
  /** Messages in which text of a message, or an id of an account or device, stood in the clear. */
  readonly plaintextFound: number
  readonly idsFound: number
}

/** Subscribes to everything and counts. */
export const eavesdrop = async (
  broker: string
): Promise<{
  readonly lookFor: (words: ReadonlyArray<Buffer>, ids: ReadonlyArray<Buffer>) => void
  readonly saw: () => BrokerSaw
  readonly close: () => Promise<void>
}> => {
  const topics = new Set<string>()
  const counts = { messages: 0, bytes: 0, plaintextFound: 0, idsFound: 0 }
  let wanted: { readonly words: ReadonlyArray<Buffer>; readonly ids: ReadonlyArray<Buffer> } = { words: [], ids: [] }
  const link = await BrokerLink.connect({
    address: broker,
    protocol: "auto",
    timeoutMs: 10_000,
    keepaliveMs: 20_000,
    onLost: () => undefined,
    onMessage: (topic, payload) => {
      topics.add(topic)
      counts.messages++
      counts.bytes += payload.length
      const bytes = Buffer.concat([Buffer.from(topic), payload])
      if (wanted.words.some((word) => bytes.includes(word))) counts.plaintextFound++
      if (wanted.ids.some((id) => bytes.includes(id))) counts.idsFound++
    }
  })
  await link.subscribe(["#"])
  return {
    lookFor: (words, ids) => {
      wanted = { words, ids }
    },
    saw: () => ({ ...counts, topics: topics.size }),
    close: link.end
  }
}
