/** A TCP proxy in front of a relay that cuts, blocks, mutes, delays and garbles as told. For tests. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net"
import type { Faults } from "@tacit/core/testing"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export interface FaultyProxy {
  readonly port: number
  readonly faults: Faults
  /** Pairs of sockets that are open. */
  readonly connections: () => number
  /** Connections there ever were. */
  readonly opened: () => number
}

const listen = (server: Server): Promise<number> =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)))

/** Proxies to `port` on loopback until the scope closes. */
export const make = (port: number): Effect.Effect<FaultyProxy, never, Scope.Scope> =>
  Effect.gen(function* () {
    const pairs = new Set<readonly [Socket, Socket]>()
    let blocked = false
    let muted = false
    let garbling = false
    let damaged = false
    let delayMs = 0
    let chunks = 0
    let opened = 0

    /** Flips a bit of every third chunk, and puts a stray byte into every seventh. */
    const garble = (chunk: Buffer): Buffer => {
      chunks++
      damaged = true
      if (chunks % 7 === 0) return Buffer.concat([chunk.subarray(0, 1), Buffer.of(0xff), chunk.subarray(1)])
      if (chunks % 3 === 0) chunk[(chunks * 131) % chunk.length]! ^= 1 << (chunks % 8)
      return chunk
    }
    const pass = (from: Socket, to: Socket, isDown: boolean): void => {
      from.on("data", (chunk: Buffer) => {
        if (isDown && muted) return
        const bytes = garbling ? garble(chunk) : chunk
        const write = (): void => {
          if (to.destroyed || to.write(bytes)) return
          from.pause()
          to.once("drain", () => from.resume())
        }
        if (delayMs > 0) setTimeout(write, delayMs)
        else write()
      })
    }
    const server = createServer({ noDelay: true }, (client) => {
      if (blocked) return void client.destroy()
      opened++
      const relay = connect({ port, host: "127.0.0.1", noDelay: true })
      const pair = [client, relay] as const
      pairs.add(pair)
      pass(client, relay, false)
      pass(relay, client, true)
      const end = (): void => {
        pairs.delete(pair)
        client.destroy()
        relay.destroy()
      }
      for (const socket of pair) socket.on("error", end).on("close", end)
    })
    const cutAll = (): void => {
      muted = false
      damaged = false
      for (const pair of pairs) for (const socket of pair) socket.destroy()
    }
    const proxyPort = yield* Effect.acquireRelease(
      Effect.promise(() => listen(server)),
      () =>
        Effect.sync(() => {
          cutAll()
          server.close()
        })
    )
    return {
      port: proxyPort,
      connections: () => pairs.size,
      opened: () => opened,
      faults: {
        cut: Effect.sync(cutAll),
        block: Effect.sync(() => {
          blocked = true
          cutAll()
        }),
        mute: Effect.sync(() => void (muted = true)),
        delay: (ms) => Effect.sync(() => void (delayMs = ms)),
        garble: Effect.sync(() => void (garbling = true)),
        heal: Effect.sync(() => {
          const end = muted || damaged
          blocked = false
          muted = false
          garbling = false
          delayMs = 0
          if (end) cutAll()
        })
      }
    }
  })
