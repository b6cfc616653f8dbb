/**
 * What the demo's people are connected by: a relay with a tapped wire, or a broker whose owner stands in for the steward.
 *
 * Spec: docs/spec/14-relay.md §14.1; docs/spec/18-mqtt.md §18.6.
 */
import { startRelay, startSteward } from "@tacit/relay"
import { join } from "node:path"
import type { BrokerSaw } from "../wire/BrokerTap.ts"
import * as Wiretap from "../wire/Wiretap.ts"
import * as Submitter from "./Submitter.ts"

export type TransportName = "ws" | "mqtt"

export interface Network {
  /** For people to read. */
  readonly shown: string
  readonly tap: Wiretap.Wiretap
  readonly invite: (user: string) => Promise<string>
  /** The attacker's own connection, past the tap. */
  readonly attacker: () => Promise<Submitter.Submitter>
  /** Somebody subscribed to every topic, over MQTT. */
  readonly eavesdropper:
    | {
        readonly lookFor: (words: ReadonlyArray<Buffer>, ids: ReadonlyArray<Buffer>) => void
        readonly saw: () => BrokerSaw
      }
    | undefined
}

/** Starts it with the relay's files in `folder`; `cleanup` gets what ends it, in the order of starting. */
export const start = (
  transport: TransportName,
  folder: string,
  cleanup: Array<() => Promise<void>>
): Promise<Network> => (transport === "ws" ? overWebSocket(folder, cleanup) : overBroker(folder, cleanup))

const overWebSocket = async (folder: string, cleanup: Array<() => Promise<void>>): Promise<Network> => {
  const relay = await startRelay({ database: join(folder, "relay.db") })
  cleanup.push(() => relay.close())
  const tap = await Wiretap.open({ relayPort: relay.port })
  cleanup.push(() => tap.close())
  return {
    shown: relay.url,
    tap,
    invite: relay.invite,
    attacker: () => Submitter.connect(`ws://127.0.0.1:${relay.port}`),
    eavesdropper: undefined
  }
}

/** Loaded only here: without MQTT nobody waits for it. */
const overBroker = async (folder: string, cleanup: Array<() => Promise<void>>): Promise<Network> => {
  const [{ startBroker }, BrokerTap, { loadNodeProvider }] = await Promise.all([
    import("@tacit/transport-mqtt/broker"),
    import("../wire/BrokerTap.ts"),
    import("@tacit/core/crypto/node")
  ])
  const running = await startBroker()
  cleanup.push(() => running.close())
  const broker = `mqtt://127.0.0.1:${running.port}`
  const eavesdropper = await BrokerTap.eavesdrop(broker)
  cleanup.push(() => eavesdropper.close())
  const root = "steward/1"
  const steward = await startSteward({ database: join(folder, "relay.db"), broker: `${broker}/${root}` })
  cleanup.push(() => steward.close())
  const options = {
    crypto: await loadNodeProvider(),
    broker,
    root: "tacit/1",
    steward: { root, key: new Uint8Array(Buffer.from(steward.key, "hex")), name: steward.name }
  }
  const tap = await BrokerTap.open(options)
  cleanup.push(() => tap.close())
  return {
    shown: `${broker}, with a steward behind it`,
    tap,
    invite: steward.invite,
    attacker: () => Submitter.over(BrokerTap.openSteward(options)),
    eavesdropper
  }
}
