/**
 * W7: durable send and receive, whole: two clients and a relay in one process, real sockets on loopback, a SQLite file for each
 * of the three, every commit synced. Timed from the first send to the last message taken by the receiving application.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { createClient } from "@tacit/core/promise"
import { startRelay } from "@tacit/relay"
import * as Sqlite from "@tacit/storage/sqlite"
import * as WebSocketTransport from "@tacit/transport-ws"
import { median } from "./Rounds.ts"

/** How the two applications use their clients. */
export interface Usage {
  /** Sends that are under way at a time; each is one call, whose answer says that the message is durable. */
  readonly inFlight: number
  /** Whether the receiver takes all that wait in one commit, or every message in a commit of its own. */
  readonly taking: "batches" | "one by one"
}

export interface Throughput extends Usage {
  readonly messages: number
  readonly messagesPerSecond: number
  /** Slowest and quickest round. */
  readonly range: readonly [number, number]
}

/** Median over `rounds` of `messages` texts of 32 bytes each. */
export const durable = async (
  messages: number,
  rounds: number,
  { inFlight, taking }: Usage,
  progress: (line: string) => void
): Promise<Throughput> => {
  const folder = mkdtempSync(join(tmpdir(), "tacit-bench-"))
  const relay = await startRelay({ database: join(folder, "relay.db"), port: 0 })
  const crypto = await loadNodeProvider()
  const open = async (user: string) =>
    createClient({
      store: Sqlite.layer({ path: join(folder, `${user}.db`) }),
      transport: WebSocketTransport.layer({ url: relay.url }),
      crypto,
      register: { user, password: await relay.invite(user) }
    })
  const alice = await open("alice"),
    bob = await open("bob")
  try {
    const batches = taking === "batches" ? bob.batches()[Symbol.asyncIterator]() : undefined
    const single = taking === "batches" ? undefined : bob.messages()[Symbol.asyncIterator]()
    const arrivals = async () => {
      const { value } = await (batches ?? single)!.next()
      return taking === "batches" ? value : [value]
    }
    const conversation = await alice.conversation("bob")
    // The first message makes the session, its receipt answers it: neither is part of the measure.
    await conversation.send("first")
    await arrivals()
    await alice.flush()
    const text = (i: number) => `message ${i}`.padEnd(32, "x")
    const rates: Array<number> = []
    // One round more than is counted, to warm up.
    for (let round = -1; round < rounds; round++) {
      progress(`W7 durable, ${inFlight} in flight, ${taking}: round ${Math.max(0, round + 1)} of ${rounds}`)
      const start = performance.now()
      let sent = 0
      const sender = async () => {
        while (sent < messages) await conversation.send(text(sent++))
      }
      const sending = Promise.all(Array.from({ length: inFlight }, sender))
      for (let received = 0; received < messages;) {
        for (const { body } of await arrivals()) {
          if (body.type !== "text" || body.text !== text(received))
            throw new Error(`message ${received} is out of order`)
          received++
        }
      }
      await sending
      if (round >= 0) rates.push(messages / ((performance.now() - start) / 1000))
    }
    return {
      messages,
      inFlight,
      taking,
      messagesPerSecond: median(rates),
      range: [Math.min(...rates), Math.max(...rates)]
    }
  } finally {
    await alice.close()
    await bob.close()
    await relay.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
