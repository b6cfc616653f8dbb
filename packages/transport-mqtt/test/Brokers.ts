/** Brokers for tests: the embedded one, and Mosquitto as a process of its own where it is installed. */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { startBroker } from "@tacit/transport-mqtt/broker"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { freePort, listenAgain } from "../../../scripts/lib/free-port.ts"

export interface TestBroker {
  readonly port: number
  /** Ends it without warning and starts another on the same port, which knows nothing of before. */
  readonly restart: () => Promise<void>
  readonly stop: () => Promise<void>
}

export const startAedes = async (): Promise<TestBroker> => {
  const port = await freePort()
  const listen = () => listenAgain(() => startBroker({ port }))
  let broker = await listen()
  return {
    port,
    restart: async () => {
      await broker.close()
      broker = await listen()
    },
    stop: () => broker.close()
  }
}

const binary = ["mosquitto", "/usr/sbin/mosquitto"].find((name) => spawnSync(name, ["-h"]).error === undefined)

/** Whether Mosquitto is installed. In CI it has to be. */
export const hasMosquitto = binary !== undefined

const reachable = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" })
    socket.once("connect", () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", () => resolve(false))
  })

export const startMosquitto = async (): Promise<TestBroker> => {
  if (binary === undefined) throw new Error("mosquitto is not installed")
  const folder = mkdtempSync(join(tmpdir(), "mosquitto-"))
  const port = await freePort()
  const file = join(folder, "mosquitto.conf")
  writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n`)
  const launch = async () => {
    const child = spawn(binary, ["-c", file], { stdio: "ignore" })
    for (let i = 0; !(await reachable(port)); i++) {
      if (i > 200 || child.exitCode !== null) throw new Error("mosquitto did not start")
      await sleep(25)
    }
    return child
  }
  let child = await launch()
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, "exit")
    child.kill("SIGKILL")
    await ended
  }
  return {
    port,
    restart: async () => {
      await kill()
      child = await launch()
    },
    stop: async () => {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

export type BrokerKind = "aedes" | "mosquitto"

/** Those there are here. */
export const kinds: ReadonlyArray<BrokerKind> = hasMosquitto ? ["aedes", "mosquitto"] : ["aedes"]

/** A broker until the scope closes. */
export const scoped = (kind: BrokerKind): Effect.Effect<TestBroker, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => (kind === "aedes" ? startAedes() : startMosquitto())),
    (broker) => Effect.promise(() => broker.stop())
  )
