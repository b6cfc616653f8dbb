/**
 * A subject in a worker of this process: messages are posted as objects.
 *
 * Spec: docs/spec/20-subject.md §20.1.
 */
import { Worker } from "node:worker_threads"
import { kit } from "../protocol/Kit.ts"
import { Channel } from "./Channel.ts"
import { moduleUrl } from "./InProcess.ts"
import type { Source } from "./Subject.ts"
import type { Timeouts } from "./Timeouts.ts"

/** Beside this file: as source, or as the build names it. */
const host = new URL(import.meta.url.endsWith(".ts") ? "./WorkerHost.ts" : "./worker-host.js", import.meta.url)

const start = (worker: Worker, timeouts: Timeouts): Channel => {
  const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()))
  const channel = new Channel(
    {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
      send: (request) => worker.postMessage(request),
      kill: () => void worker.terminate(),
      end: () => undefined,
      stderr: () => "",
      ended
    },
    timeouts
  )
  worker.on("message", (message: unknown) => channel.receive(message))
  worker.on("messageerror", () => channel.lose("violation", "it posted what cannot be copied"))
  worker.on("error", (error) => channel.lose("crash", error instanceof Error ? error.message : String(error)))
  worker.on("exit", (code) => channel.lose("crash", `the worker ended with status ${code}`))
  return channel
}

/** A module in a worker of its own, so that it can be ended, and several run side by side. */
export const workerSource = (name: string, timeouts: Timeouts): Source => ({
  title: `worker ${name}`,
  start: (seed) => start(new Worker(host, { workerData: moduleUrl(name) }), timeouts).greet(kit, seed)
})

/** A worker script that answers posted requests itself. */
export const workerScriptSource = (url: URL, timeouts: Timeouts): Source => ({
  title: `worker ${url.href}`,
  start: (seed) => start(new Worker(url), timeouts).greet(kit, seed)
})
