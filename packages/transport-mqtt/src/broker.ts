/**
 * Entry point `@tacit/transport-mqtt/broker`: an MQTT 3.1.1 broker inside this process, for development and tests.
 *
 * Spec: none; the broker is anybody's.
 * Keeps nothing on disk, asks nobody for a password, and is meant for loopback.
 */
import { createServer, type AddressInfo } from "node:net"
import { Aedes } from "aedes"

/** A broker that listens. */
export interface RunningBroker {
  readonly port: number
  /** `tcp://host:port`. */
  readonly url: string
  readonly close: () => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** Starts a broker on 127.0.0.1 and a free port, unless told otherwise. */
export const startBroker = async (
  options: { readonly host?: string; readonly port?: number } = {}
): Promise<RunningBroker> => {
  const { host = "127.0.0.1", port = 0 } = options
  const broker = await Aedes.createBroker()
  const server = createServer({ noDelay: true }, (socket) => void broker.handle(socket))
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(port, host, () => {
      server.off("error", reject)
      resolve()
    })
  }).catch(async (error: unknown) => {
    await new Promise<void>((resolve) => broker.close(resolve))
    throw error
  })
  const bound = (server.address() as AddressInfo).port
  const close = async (): Promise<void> => {
    const stopped = new Promise<void>((resolve) => server.close(() => resolve()))
    await new Promise<void>((resolve) => broker.close(resolve))
    await stopped
  }
  return {
    port: bound,
    url: `tcp://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    close,
    [Symbol.asyncDispose]: close
  }
}
