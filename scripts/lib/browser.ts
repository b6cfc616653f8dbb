/**
 * A headless Chromium at a page of this machine: runs expressions in it, takes pictures of it.
 *
 * `CHROMIUM` names the browser where it is not on the path.
 */
import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"

/** The browser's name, if there is one. */
export const browser: string | undefined = (
  process.env["CHROMIUM"] === undefined ? ["chromium", "chromium-browser", "google-chrome"] : [process.env["CHROMIUM"]]
).find((name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0)

interface Answer {
  readonly id?: number
  readonly method?: string
  readonly params?: unknown
  readonly result?: {
    readonly data?: string
    readonly result?: { readonly value?: unknown }
    readonly exceptionDetails?: unknown
  }
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
export interface Tab {
  /** Runs the body of an async function and gives what it returns. */
  readonly run: (body: string) => Promise<unknown>
  /** Waits until an expression holds. */
  readonly until: (expression: string) => Promise<void>
  /** Another address in the same tab. */
  readonly go: (url: string) => Promise<void>
  /** As a phone or a desk would show it. */
  readonly look: (width: number, height: number, scheme: "light" | "dark") => Promise<void>
  /** The whole page as a PNG. */
  readonly picture: () => Promise<Buffer>
  /** Presses a key as a person would. */
  readonly press: (key: "Tab" | "Enter" | "Escape") => Promise<void>
  /** Addresses asked for, and what was thrown, logged as an error, refused by the page's policy, or not allowed. */
  readonly asked: ReadonlyArray<string>
  readonly complaints: ReadonlyArray<string>
}

/** Opens an address and hands the tab to `use`. A page that asks for an address other than those `allowed` is complained about. */
export const withTab = async <A>(url: string, use: (tab: Tab) => Promise<A>, allowed = /^/): Promise<A> => {
  const folder = mkdtempSync(join(tmpdir(), "tacit-browser-"))
  const child = spawn(browser!, [`--user-data-dir=${folder}`, ...flags], { stdio: ["ignore", "ignore", "pipe"] })
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
    const [asked, complaints]: [Array<string>, Array<string>] = [[], []]
    const waiting = new Map<number, (answer: Answer) => void>()
    socket.addEventListener("message", ({ data }) => {
      const answer = JSON.parse(String(data)) as Answer
      if (answer.id !== undefined) waiting.get(answer.id)?.(answer)
      if (answer.method === "Runtime.exceptionThrown") complaints.push(JSON.stringify(answer.params))
      if (answer.method === "Log.entryAdded") {
        const { entry } = answer.params as { readonly entry: { readonly level: string; readonly text: string } }
        if (entry.level === "error") complaints.push(entry.text)
      }
      if (answer.method === "Network.requestWillBeSent") {
        const { request } = answer.params as { readonly request: { readonly url: string } }
        asked.push(request.url)
        if (!allowed.test(request.url)) complaints.push(request.url)
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
    const until = async (expression: string): Promise<void> => {
      for (let i = 0; i < 600; i++) {
        if (await run(`return Boolean(${expression})`).catch(() => false)) return
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      throw new Error(`never held: ${expression}\n${String(await run("return document.body.innerText"))}`)
    }
    const go = async (to: string): Promise<void> => {
      await call("Page.navigate", { url: to })
      await until("document.documentElement.dataset.ready")
    }
    for (const domain of ["Runtime", "Network", "Log", "Page"]) await call(`${domain}.enable`)
    await go(url)
    const tab: Tab = {
      run,
      until,
      go,
      look: async (width, height, scheme) => {
        await call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 600 })
        await call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] })
      },
      picture: async () => {
        const { result } = await call("Page.captureScreenshot", { captureBeyondViewport: true })
        return Buffer.from(result?.data ?? "", "base64")
      },
      press: async (key) => {
        const text = key === "Enter" ? { text: "\r" } : {}
        const code = { Tab: 9, Enter: 13, Escape: 27 }[key]
        await call("Input.dispatchKeyEvent", { type: "keyDown", key, code: key, windowsVirtualKeyCode: code, ...text })
        await call("Input.dispatchKeyEvent", { type: "keyUp", key, code: key, windowsVirtualKeyCode: code })
      },
      asked,
      complaints
    }
    try {
      return await use(tab)
    } finally {
      socket.close()
    }
  } finally {
    child.kill()
    await ended
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}
