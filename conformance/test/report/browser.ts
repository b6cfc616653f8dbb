/**
 * A headless Chromium that opens a page from disk, runs an expression in it, and gives the result.
 *
 * `CHROMIUM` names the browser where it is not on the path.
 */
import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { pathToFileURL } from "node:url"

/** The browser's name, if there is one. */
export const browser: string | undefined = (
  process.env["CHROMIUM"] === undefined ? ["chromium", "chromium-browser", "google-chrome"] : [process.env["CHROMIUM"]]
).find((name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0)

interface Answer {
  readonly id?: number
  readonly method?: string
  readonly params?: unknown
  readonly result?: { readonly result?: { readonly value?: unknown }; readonly exceptionDetails?: unknown }
}

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-port=0",
  "about:blank"
]

/** A page that is open. */
export interface Opened {
  /** Runs the body of an async function and gives what it returns. */
  readonly run: (body: string) => Promise<unknown>
  /** What was asked of the network, and what was thrown and not caught. */
  readonly complaints: ReadonlyArray<string>
}

/** Opens a page's text as a file, with a hash, waits until it is ready, and hands it to `use`. */
export const withPage = async <A>(text: string, hash: string, use: (page: Opened) => Promise<A>): Promise<A> => {
  const folder = mkdtempSync(join(tmpdir(), "tacit-page-"))
  const file = join(folder, "page.html")
  writeFileSync(file, text)
  const child = spawn(browser!, [`--user-data-dir=${join(folder, "profile")}`, ...flags], {
    stdio: ["ignore", "ignore", "pipe"]
  })
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()))
  try {
    const port = await new Promise<string>((resolve, reject) => {
      let said = ""
      child.once("error", reject)
      child.stderr.on("data", (chunk: Buffer) => {
        said += String(chunk)
        const found = /ws:\/\/[^/]*:(\d+)\//.exec(said)?.[1]
        if (found !== undefined) resolve(found)
      })
    })
    const tabs = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as ReadonlyArray<{
      readonly type: string
      readonly webSocketDebuggerUrl: string
    }>
    const socket = new WebSocket(tabs.find(({ type }) => type === "page")!.webSocketDebuggerUrl)
    await new Promise<void>((resolve) => socket.addEventListener("open", () => resolve(), { once: true }))
    const complaints: Array<string> = []
    const waiting = new Map<number, (answer: Answer) => void>()
    socket.addEventListener("message", ({ data }) => {
      const answer = JSON.parse(String(data)) as Answer
      if (answer.id !== undefined) waiting.get(answer.id)?.(answer)
      if (answer.method === "Runtime.exceptionThrown") complaints.push(JSON.stringify(answer.params))
      if (answer.method === "Network.requestWillBeSent") {
        const { request } = answer.params as { readonly request: { readonly url: string } }
        if (!/^(?:file|data|blob):/.test(request.url)) complaints.push(request.url)
      }
    })
    let next = 1
    const call = (method: string, params: object = {}): Promise<Answer> =>
      new Promise((resolve) => {
        const id = next++
        waiting.set(id, resolve)
        socket.send(JSON.stringify({ id, method, params }))
      })
    const run = async (body: string): Promise<unknown> => {
      const expression = `(async () => { ${body} })()`
      const { result } = await call("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true })
      if (result?.exceptionDetails !== undefined) throw new Error(JSON.stringify(result.exceptionDetails))
      return result?.result?.value
    }
    await call("Runtime.enable")
    await call("Network.enable")
    await call("Page.navigate", { url: `${pathToFileURL(file).href}${hash}` })
    await run(
      `for (let i = 0; i < 200 && document.documentElement?.dataset.ready !== "yes"; i++) await new Promise((go) => setTimeout(go, 50))`
    )
    try {
      return await use({ run, complaints })
    } finally {
      socket.close()
    }
  } finally {
    child.kill()
    await ended
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}
