/** A TCP proxy in front of a broker that cuts, blocks, mutes, delays and garbles as told. For tests. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net"
import type { Faults } from "@tacit/core/testing"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export interface FaultyProxy {
  readonly port: number
  readonly faults: Faults
}

/** Damages some of what passes: a bit of every third piece, a stray byte in every seventh. */
const makeGarbler = (): ((chunk: Buffer) => Buffer) => {
  let count = 0
  return (chunk) => {
    count++
    if (count % 7 === 0) return Buffer.concat([chunk.subarray(0, 1), Buffer.of(0xff), chunk.subarray(1)])
    if (count % 3 === 0) chunk[(count * 131) % chunk.length]! ^= 1 << (count % 8)
    return chunk
  }
}

/** Proxies to `port` on loopback until the scope closes. */
export const make = (port: number): Effect.Effect<FaultyProxy, never, Scope.Scope> =>
  Effect.gen(function* () {
    const open = new Set<Socket>()
    const state = { blocked: false, muted: false, garbling: false, damaged: false, delayMs: 0 }
    const garble = makeGarbler()
    const cut = (): void => {
      state.muted = false
      state.damaged = false
      for (const socket of open) socket.destroy()
    }
    const pass = (from: Socket, to: Socket, isDown: boolean): void => {
      from.on("data", (chunk: Buffer) => {
        if (isDown && state.muted) return
        if (state.garbling) state.damaged = true
        const bytes = state.garbling ? garble(chunk) : chunk
        const write = (): void => {
          if (to.destroyed || to.write(bytes)) return
          from.pause()
          to.once("drain", () => from.resume())
        }
        if (state.delayMs > 0) setTimeout(write, state.delayMs)
        else write()
      })
    }
    const server = createServer({ noDelay: true }, (client) => {
      if (state.blocked) return void client.destroy()
      const broker = connect({ port, host: "127.0.0.1", noDelay: true })
      const end = (): void => {
        for (const socket of [client, broker]) {
          open.delete(socket)
          socket.destroy()
        }
      }
      for (const socket of [client, broker]) {
        open.add(socket)
        socket.on("error", end).on("close", end)
      }
      pass(client, broker, false)
      pass(broker, client, true)
    })
    const proxyPort = yield* Effect.acquireRelease(
      Effect.promise(
        () =>
          new Promise<number>((resolve) =>
            server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port))
          )
      ),
      () =>
        Effect.sync(() => {
          cut()
          server.close()
        })
    )
    return {
      port: proxyPort,
      faults: {
        cut: Effect.sync(cut),
        block: Effect.sync(() => {
          state.blocked = true
          cut()
        }),
        mute: Effect.sync(() => void (state.muted = true)),
        delay: (ms) => Effect.sync(() => void (state.delayMs = ms)),
        garble: Effect.sync(() => void (state.garbling = true)),
        heal: Effect.sync(() => {
          const end = state.muted || state.damaged
          Object.assign(state, { blocked: false, garbling: false, delayMs: 0 })
          if (end) cut()
        })
      }
    }
  })
