/** Starts relays for tests, with a clock that can be moved and files that are gone afterwards. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { FixtureAccount } from "@tacit/core/testing"
import { makeRelay, type RelayHandle, type RelayOptions } from "@tacit/relay"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import { onTestFinished } from "vitest"
import { connect, crypto, type Peer } from "./Peer.ts"

export interface Running {
  readonly relay: RelayHandle
  readonly url: string
  readonly http: string
  /** Moves the relay's clock, in ms. */
  readonly advance: (ms: number) => void
  readonly invite: (user: string) => Promise<string>
  readonly metric: (name: string) => Promise<number>
  readonly connect: () => Promise<Peer>
  /** A registered device, with its account; not logged in. */
  readonly member: (user: string) => Promise<Member>
  readonly stop: () => Promise<void>
  /** Lines logged. */
  readonly lines: ReadonlyArray<string>
}

export interface Member {
  readonly user: string
  readonly account: FixtureAccount.FixtureAccount
  readonly device: FixtureAccount.FixtureDevice
}

/** A folder that is removed after the test. */
export const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), "relay-"))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Starts a relay, in memory unless told otherwise, and stops it after the test. */
export const start = async (options: Partial<RelayOptions> = {}): Promise<Running> => {
  let offset = 0
  const lines: Array<string> = []
  const live = await Effect.runPromise(Clock.Clock)
  const clock: Clock.Clock = Object.assign(Object.create(live) as Clock.Clock, {
    currentTimeMillisUnsafe: () => live.currentTimeMillisUnsafe() + offset
  })
  const logger = Logger.make(({ message }) => void lines.push(String(message)))
  const scope = await Effect.runPromise(Scope.make())
  const stop = (): Promise<void> => Effect.runPromise(Scope.close(scope, Exit.void))
  onTestFinished(stop)
  const relay = await Effect.runPromise(
    makeRelay({ database: ":memory:", ...options, limits: { shutdownMs: 500, ...options.limits } }).pipe(
      Scope.provide(scope),
      Effect.provideService(Clock.Clock, clock),
      Effect.provide(Logger.layer([logger]))
    )
  )
  const running: Running = {
    relay,
    url: relay.url,
    http: relay.url.replace("ws:", "http:"),
    advance: (ms) => void (offset += ms),
    invite: (user) => Effect.runPromise(relay.invite(user)),
    metric: async (name) => {
      const text = await Effect.runPromise(relay.metrics)
      const line = text.split("\n").find((each) => each.startsWith(`${name} `))
      return Number(line?.split(" ")[1])
    },
    connect: () => connect(relay.url),
    member: async (user) => {
      const account = FixtureAccount.makeAccount(crypto, user)
      const device = account.addDevice()
      const peer = await connect(relay.url)
      const answer = await peer.register(account, device, user, await running.invite(user))
      if (answer.type !== 4) throw new Error("registration failed")
      await peer.close()
      return { user, account, device }
    },
    stop,
    lines
  }
  return running
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Waits until something holds; fails after two seconds. */
export const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 200; i++) {
    if (await holds()) return
    await sleep(10)
  }
  throw new Error("did not come to hold")
}
