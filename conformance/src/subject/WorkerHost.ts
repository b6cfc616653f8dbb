/**
 * Inside a worker: a module's handler at the other end of `postMessage`.
 *
 * Spec: docs/spec/20-subject.md §20.1.
 */
import { parentPort, workerData } from "node:worker_threads"
import type { Request } from "../protocol/Message.ts"
import { loadHandler } from "./InProcess.ts"

const port = parentPort!
const waiting: Array<Request> = []
let take = (request: Request): void => void waiting.push(request)
port.on("message", (request: Request) => take(request))

const handler = await loadHandler(workerData as string)
take = (request) => {
  void (async () => {
    let reply: unknown
    try {
      reply = await handler.handle(request)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      reply = { id: request.id, fault: { message: `an uncaught exception: ${message}` } }
    }
    port.postMessage(reply)
    if (request.op === "bye") port.close()
  })()
}
for (const request of waiting.splice(0)) take(request)
