/** A client in a browser, on a page of another origin than the relay's: it sends a file and fetches one. */
import { openClient } from "@tacit/bots"
import { startRelay } from "@tacit/relay"
import { build } from "esbuild"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { createHash } from "node:crypto"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { browser, withTab } from "../../../scripts/lib/browser.ts"

const root = fileURLToPath(new URL("../../..", import.meta.url))

/** The program of the page. */
const program = `
import { createClient } from "@tacit/core/promise"
import { nobleProvider } from "@tacit/core/crypto/noble"
import { MemoryStore } from "@tacit/core/testing"
import { layer } from "@tacit/transport-ws"

const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("")
const hash = async (bytes) => hex(await crypto.subtle.digest("SHA-256", bytes))

document.documentElement.dataset.ready = "yes"
globalThis.exchange = async (url, password) => {
  const client = await createClient({
    store: MemoryStore.makeDisk().layer,
    transport: layer({ url }),
    crypto: nobleProvider,
    register: { user: "alice", password }
  })
  const plain = new Uint8Array(400_000).map((_, i) => (i * 7) & 0xff)
  const steps = []
  for await (const step of client.attachments.send("bob", plain, { name: "from-a-page.bin" })) steps.push(step.state)
  for await (const { body } of client.messages()) {
    if (body.type !== "attachment") continue
    const parts = []
    for await (const { bytes } of client.attachments.download(body)) parts.push(bytes)
    const part = []
    for await (const bytes of client.attachments.range(body, 70_000, 70_010)) part.push(...bytes)
    const fetched = await hash(await new Blob(parts).arrayBuffer())
    const sent = await hash(plain)
    await client.close()
    return { fetched, sent, part, last: steps.at(-1), first: steps[0] }
  }
}
`

it.skipIf(browser === undefined)(
  "sends and fetches over HTTP from another origin [attachment.http.6]",
  async () => {
    const bundle = await build({
      stdin: { contents: program, resolveDir: root, loader: "ts" },
      bundle: true,
      write: false,
      format: "esm",
      platform: "browser",
      conditions: ["@tacit/source"],
      // The condition of sources names the entry for Node.
      alias: { "@tacit/transport-ws": `${root}/packages/transport-ws/src/portable.ts` },
      logLevel: "silent"
    })
    const page = createServer((request, response) => {
      const isScript = request.url === "/page.js"
      response.writeHead(200, { "content-type": isScript ? "text/javascript" : "text/html" })
      response.end(
        isScript ? bundle.outputFiles[0]!.text : '<!doctype html><script type="module" src="/page.js"></script>'
      )
    })
    await new Promise<void>((resolve) => page.listen(0, "127.0.0.1", () => resolve()))
    await using relay = await startRelay({ database: ":memory:", limits: { shutdownMs: 500 } })
    await using bob = await openClient({
      relay: relay.url,
      user: "bob",
      password: await relay.invite("bob"),
      temporary: true
    })
    const plain = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 13) & 0xff))
    const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")
    const answer = async (): Promise<string> => {
      for await (const { body } of bob.messages()) {
        if (body.type !== "attachment") continue
        const parts: Array<Uint8Array> = []
        for await (const { bytes } of bob.attachments.download(body)) parts.push(bytes)
        for await (const step of bob.attachments.send("alice", plain)) if (step.state === "sent") break
        return hash(Buffer.concat(parts))
      }
      return "nothing"
    }
    try {
      const password = await relay.invite("alice")
      await withTab(`http://127.0.0.1:${(page.address() as AddressInfo).port}/`, async (tab) => {
        await tab.until("typeof globalThis.exchange === 'function'")
        const [said, got] = await Promise.all([
          tab.run(`return await exchange(${JSON.stringify(relay.url)}, ${JSON.stringify(password)})`),
          answer()
        ])
        expect(said).toEqual({
          fetched: hash(plain),
          sent: got,
          part: [...plain.subarray(70_000, 70_010)],
          first: "uploading",
          last: "sent"
        })
        expect(tab.complaints).toEqual([])
      })
    } finally {
      page.closeAllConnections()
      await new Promise<void>((resolve) => page.close(() => resolve()))
    }
  },
  120_000
)
