/**
 * HTTP for sealed files alone, for a service whose frames come another way.
 *
 * Spec: docs/spec/11-attachments.md §11.5.
 * Serves no WebSockets; beside a relay's own server (Server.ts) it is not needed.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { AttachmentHttp } from "./AttachmentHttp.ts"

export interface FileServer {
  readonly port: number
  /** Stops accepting and ends what is on its way: it goes on later. */
  readonly close: () => Promise<void>
}

/** Connections at a time. */
const connections = 256

/** Listens; rejects when the address cannot be had. */
export const listenForFiles = (options: {
  readonly host: string
  readonly port: number
  readonly files: AttachmentHttp
}): Promise<FileServer> => {
  const http = createServer(
    { headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 5_000 },
    (request, response) => {
      if (!options.files(request, response)) response.writeHead(404, { "cache-control": "no-store" }).end()
    }
  )
  http.maxConnections = connections
  http.on("clientError", (_, socket) => socket.destroy())
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      http.close(() => resolve())
      http.closeAllConnections()
    })
  return new Promise((resolve, reject) => {
    http.once("error", reject)
    http.listen(options.port, options.host, () => {
      http.off("error", reject)
      resolve({ port: (http.address() as AddressInfo).port, close })
    })
  })
}
