/** A relay on loopback and a folder, for tests of bots. */
import { type NodeOptions, openClient, type PromiseClient } from "@tacit/bots"
import type { Incoming } from "@tacit/core"
import { type RunningRelay, startRelay } from "@tacit/relay"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface Scene {
  readonly relay: RunningRelay
  /** Options of an account with a new one-time password and a file of its own. */
  readonly account: (user: string) => Promise<NodeOptions & { readonly path: string }>
  readonly open: (user: string) => Promise<PromiseClient>
  readonly close: () => Promise<void>
}

export const makeScene = async (): Promise<Scene> => {
  const folder = mkdtempSync(join(tmpdir(), "tacit-bots-"))
  const relay = await startRelay({ database: join(folder, "relay.db") })
  const clients: Array<PromiseClient> = []
  const account = async (user: string) => ({
    relay: relay.url,
    user,
    password: await relay.invite(user),
    path: join(folder, `${user}.db`)
  })
  return {
    relay,
    account,
    open: async (user) => {
      const client = await openClient(await account(user))
      clients.push(client)
      return client
    },
    close: async () => {
      await Promise.all(clients.map((client) => client.close()))
      await relay.close()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** The next `count` messages that are no typing notices; then a while more, in which no other may come. */
export const receive = async (client: PromiseClient, count: number, quietMs = 0): Promise<ReadonlyArray<Incoming>> => {
  const messages: Array<Incoming> = []
  const stop = new AbortController()
  let timer: NodeJS.Timeout | undefined
  try {
    for await (const message of client.messages({ signal: stop.signal })) {
      await client.take(message)
      if (message.body.type !== "typing") messages.push(message)
      if (messages.length === count) {
        if (quietMs === 0) break
        timer = setTimeout(() => stop.abort(), quietMs)
      }
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error
  } finally {
    clearTimeout(timer)
  }
  return messages
}

export const textsOf = (messages: ReadonlyArray<Incoming>): ReadonlyArray<string> =>
  messages.map(({ body }) => (body.type === "text" ? body.text : `(${body.type})`))
