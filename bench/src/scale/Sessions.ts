/**
 * One store with many sessions: what opening it costs in a process of its own, and whether a message finds its session as quickly as in a
 * store with one. A real relay, a real client, SQLite; the session in which messages arrive is a real one among those of {@link Crowd}.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { openClient } from "@tacit/bots"
import { type CryptoProvider, Store, type Write } from "@tacit/core"
import { startRelay } from "@tacit/relay"
import * as Sqlite from "@tacit/storage/sqlite"
import * as Effect from "effect/Effect"
import * as Crowd from "./Crowd.ts"

export interface SessionsFigure {
  readonly sessions: number
  /** From the call to the opened client, ms; of the quickest of the runs. */
  readonly opened: number
  /** The same in time of the processor, which other work on the machine changes less, ms. */
  readonly processor: number
  /** Memory that the opened client holds, bytes: heap with array buffers; and what the process takes as a whole. */
  readonly heap: number
  readonly rss: number
  /** Messages that come one after another, by message, µs: each finds its session by its tag. And the same in time of the processor. */
  readonly message: number
  readonly messageProcessor: number
  /** A message in that session, ms. */
  readonly send: number
}

const child = fileURLToPath(new URL("opened.ts", import.meta.url))

interface Said {
  readonly opened: number
  readonly processor: number
  readonly receiving: number
  readonly receivingProcessor: number
  readonly send: number
  readonly heap: number
  readonly rss: number
}

/** `onOpen` is called when the child has opened the store. */
const run = (words: ReadonlyArray<string>, onOpen: () => void): Promise<Said> =>
  new Promise((resolve, reject) => {
    const process_ = spawn(process.execPath, ["--expose-gc", "-C", "@tacit/source", child, ...words], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    let out = ""
    process_.stdout.on("data", (chunk: Buffer) => {
      if (out === "" && chunk.toString().startsWith("open")) onOpen()
      out += chunk.toString()
    })
    process_.on("close", (code) =>
      code === 0 ? resolve(JSON.parse(out.trim().split("\n").at(-1)!) as Said) : reject(new Error("the child failed"))
    )
  })

const fill = (path: string, writes: ReadonlyArray<Write>): Promise<void> =>
  Effect.runPromise(
    Effect.provide(
      Store.use((store) =>
        Effect.gen(function* () {
          for (let at = 0; at < writes.length; at += 3_000) yield* store.commit(writes.slice(at, at + 3_000))
        })
      ),
      Sqlite.layer({ path, rewriteUpToBytes: 0 }),
      { local: true }
    )
  )

/** Figures for each number of sessions. `runs` openings each; the quickest counts, because the machine is shared. */
export const figures = async (
  crypto: CryptoProvider,
  counts: ReadonlyArray<number>,
  messages: number,
  runs: number,
  progress: (line: string) => void
): Promise<ReadonlyArray<SessionsFigure>> => {
  const folder = mkdtempSync(join(tmpdir(), "tacit-scale-"))
  const relay = await startRelay({ database: join(folder, "relay.db") })
  const bob = await openClient({
    relay: relay.url,
    user: "bob",
    password: await relay.invite("bob"),
    path: join(folder, "bob.db")
  })
  try {
    const out: Array<SessionsFigure> = []
    for (const sessions of counts) {
      progress(`${sessions} sessions: making them`)
      const user = `alice-${sessions}`
      const path = join(folder, `${user}.db`)
      const alice = await openClient({ relay: relay.url, user, password: await relay.invite(user), path })
      await alice.send("bob", "hello")
      for await (const message of bob.messages()) {
        await bob.take(message)
        break
      }
      await bob.send(user, "hello yourself")
      for await (const message of alice.messages()) {
        await alice.take(message)
        break
      }
      await alice.flush()
      await alice.close()
      const writes = Crowd.people(crypto, sessions - 1, `crowd-${sessions}`)
      Crowd.check(crypto, writes)
      await fill(path, writes)
      const said: Array<Said> = []
      for (let i = 0; i < runs; i++) {
        progress(`${sessions} sessions: opening ${i + 1} of ${runs}`)
        const conversation = await bob.conversation(user)
        const texts = Array.from({ length: messages }, (_, n) => `message ${n}`)
        said.push(await run([relay.url, user, path, String(messages)], () => void conversation.sendMany(texts)))
      }
      const least = (of: (one: Said) => number) => Math.min(...said.map(of))
      out.push({
        sessions,
        opened: least((one) => one.opened),
        processor: least((one) => one.processor),
        heap: least((one) => one.heap),
        rss: least((one) => one.rss),
        message: (least((one) => one.receiving) * 1_000) / messages,
        messageProcessor: least((one) => one.receivingProcessor) / messages,
        send: least((one) => one.send)
      })
    }
    return out
  } finally {
    await bob.close()
    await relay.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
