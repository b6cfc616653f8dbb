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

export interface Throughput {
  readonly messages: number
  readonly messagesPerSecond: number
}

/** Median over `rounds` of `messages` texts of 32 bytes each, sent in bursts of `burst`. */
export const durable = async (
  messages: number,
  rounds: number,
  progress: (line: string) => void,
  burst = 32
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
    const arrivals = bob.messages()[Symbol.asyncIterator]()
    const conversation = await alice.conversation("bob")
    // The first message makes the session, its receipt answers it: neither is part of the measure.
    await conversation.send("first")
    await arrivals.next()
    await alice.flush()
    const rates: Array<number> = []
    for (let round = 0; round < rounds; round++) {
      progress(`W7 durable: round ${round + 1} of ${rounds}`)
      const start = performance.now()
      const sending = (async () => {
        for (let sent = 0; sent < messages; sent += burst) {
          const count = Math.min(burst, messages - sent)
          await conversation.sendMany(Array.from({ length: count }, (_, i) => `message ${sent + i}`.padEnd(32, "x")))
        }
      })()
      for (let received = 0; received < messages; received++) {
        const { value } = await arrivals.next()
        const expected = `message ${received}`.padEnd(32, "x")
        if (value.body.type !== "text" || value.body.text !== expected)
          throw new Error(`message ${received} is out of order`)
      }
      await sending
      rates.push(messages / ((performance.now() - start) / 1000))
    }
    return { messages, messagesPerSecond: median(rates) }
  } finally {
    await alice.close()
    await bob.close()
    await relay.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
