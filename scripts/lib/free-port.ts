// A port of loopback that a test can leave and take again.
import { randomInt } from "node:crypto"
import { createServer } from "node:net"

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once("error", () => resolve(false))
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)))
  })

/**
 * A free port below those that systems hand out by themselves (from 32,768 on Linux), so that nothing takes it by
 * chance while whoever listens there is being restarted.
 */
export const freePort = async (): Promise<number> => {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(12_000, 32_000)
    if (await isFree(port)) return port
  }
  throw new Error("no free port between 12000 and 32000")
}

/**
 * Listens again on a port that was left a moment ago, for ten seconds while it is in use: a probe of another test may be there, or the
 * system may not have let go of it.
 */
export const listenAgain = async <A>(listen: () => Promise<A>): Promise<A> => {
  for (let tries = 0; ; tries++) {
    try {
      return await listen()
    } catch (error) {
      if (tries >= 100 || (error as { readonly code?: unknown }).code !== "EADDRINUSE") throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
