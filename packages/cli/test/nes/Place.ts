/**
 * What a test of the `nes` commands needs around it: calls as processes, Mosquitto, mail, the independent program.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { connectAsync } from "mqtt"
import { SMTPServer } from "smtp-server"
import { freePort } from "../../../../scripts/lib/free-port.ts"

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))
const source = fileURLToPath(new URL("../../../../conformance/subjects/nes-go", import.meta.url))
const keys = new URL("../../../../vectors/nes/keys/", import.meta.url)

/** Words that start the command from its sources. */
export const argv: ReadonlyArray<string> = ["-C", "@tacit/source", "--disable-warning=ExperimentalWarning", main]

/** A key file of the vectors. */
export const keyFile = (name: string): string => fileURLToPath(new URL(name, keys))

export interface Done {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A program that goes on: objects or lines it printed, its end. */
export interface Running {
  readonly lines: ReadonlyArray<string>
  readonly until: (fits: (line: string) => boolean) => Promise<string>
  readonly kill: (signal: NodeJS.Signals) => void
  readonly gone: Promise<Done>
}

export interface Place {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  /** Runs `tacit` to its end. */
  readonly tacit: (words: ReadonlyArray<string>, input?: string, extra?: Record<string, string>) => Promise<Done>
  /** Starts `tacit`. */
  readonly start: (words: ReadonlyArray<string>, extra?: Readonly<Record<string, string>>) => Running
  /** Ends what still runs, and removes the folder. */
  readonly remove: () => void
}

/** Programs that have not ended; a test that failed may leave some. */
const alive = new Set<ChildProcess>()

const follow = (program: string, words: ReadonlyArray<string>, env: Readonly<Record<string, string>>): Running => {
  const child = spawn(program, [...words], { env, stdio: ["ignore", "pipe", "pipe"] })
  alive.add(child)
  const lines: Array<string> = []
  const watchers = new Set<() => void>()
  let err = ""
  let ended = false
  const wake = (): void => {
    for (const look of watchers) look()
  }
  // Cut at line feeds alone: node:readline also cuts at U+2028, which a message may hold.
  let rest = ""
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const parts = (rest + chunk).split("\n")
    rest = parts.pop() ?? ""
    lines.push(...parts)
    wake()
  })
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()))
  const gone = new Promise<Done>((resolve) =>
    child.on("close", (code) => {
      alive.delete(child)
      ended = true
      wake()
      resolve({ code, out: lines.join("\n"), err })
    })
  )
  return {
    lines,
    gone,
    kill: (signal) => void child.kill(signal),
    until: (fits) =>
      new Promise((resolve, reject) => {
        const end = (finish: () => void): void => {
          clearTimeout(timer)
          watchers.delete(look)
          finish()
        }
        const timer = setTimeout(() => end(() => reject(new Error(`not said:\n${lines.join("\n")}\n${err}`))), 20_000)
        const look = (): void => {
          const found = lines.find(fits)
          if (found !== undefined) end(() => resolve(found))
          else if (ended) end(() => reject(new Error(`ended:\n${lines.join("\n")}\n${err}`)))
        }
        watchers.add(look)
        look()
      })
  }
}

/** A home directory of its own, with calls in it. */
export const makePlace = (): Place => {
  const folder = mkdtempSync(join(tmpdir(), "tacit-nes-"))
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !/^(NES_|MQTT_|PUBKEY_|P.*_KEY_)/.test(entry[0])
    )
  )
  const env = { ...inherited, NODE_OPTIONS: "", NO_COLOR: "1", HOME: folder }
  return {
    folder,
    env,
    start: (words, extra = {}) => follow(process.execPath, [...argv, ...words], { ...env, ...extra }),
    tacit: (words, input = "", extra = {}) =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, [...argv, ...words], { env: { ...env, ...extra } })
        let out = ""
        let err = ""
        child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
        child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()))
        child.on("close", (code) => resolve({ code, out, err }))
        // A program that ends, or reads no input, breaks the pipe.
        child.stdin.on("error", () => undefined)
        child.stdin.end(input)
      }),
    remove: () => {
      for (const child of alive) child.kill("SIGKILL")
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

export const hasGo = spawnSync("go", ["version"]).status === 0

/** Builds the independent program into a folder; the file. */
export const buildGo = (folder: string): string => {
  const binary = join(folder, "nes-go")
  execFileSync("go", ["build", "-o", binary, "."], { cwd: source })
  return binary
}

/** Starts the independent program. */
export const startGo = (binary: string, words: ReadonlyArray<string>): Running =>
  follow(binary, words, process.env as Record<string, string>)

/** Where Mosquitto is, if it is. Distributions put it where not everybody looks. */
export const mosquitto = ["mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"].find(
  (program) => spawnSync(program, ["-h"]).error === undefined
)

/** Starts Mosquitto on a free port of loopback, in place of the port that its configuration names. */
export const startMosquitto = async (
  program: string,
  folder: string,
  configuration = "listener 1883\nallow_anonymous true\npersistence false\n"
) => {
  const port = await freePort()
  const file = join(folder, "mosquitto.conf")
  writeFileSync(file, configuration.replace(/^listener \d+$/m, `listener ${port} 127.0.0.1`))
  const running = follow(program, ["-c", file], process.env as Record<string, string>)
  const url = `tcp://127.0.0.1:${port}`
  for (let i = 0; ; i++) {
    try {
      const client = await connectAsync(url, { protocolVersion: 4, connectTimeout: 1_000 }, false)
      await client.endAsync()
      break
    } catch (error) {
      if (i > 50) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  const close = async (): Promise<void> => {
    running.kill("SIGTERM")
    await running.gone
  }
  return { url, close, [Symbol.asyncDispose]: close }
}

/** A mail server that keeps the links of the mails it gets, by address. */
export const openPost = async () => {
  const links = new Map<string, ReadonlyArray<string>>()
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onData: (stream, session, done) => {
      const chunks: Array<Buffer> = []
      stream.on("data", (chunk: Buffer) => chunks.push(chunk))
      stream.on("end", () => {
        const raw = Buffer.concat(chunks).toString("utf8")
        const [head = "", ...rest] = raw.split("\r\n\r\n")
        const body = rest.join("\r\n\r\n")
        const text = /base64/i.test(head) ? Buffer.from(body, "base64").toString("utf8") : body
        for (const { address } of session.envelope.rcptTo) {
          links.set(address, text.replaceAll("\r", "").match(/^http\S+\/users\/\S+$/gm) ?? [])
        }
        done()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    linksOf: (address: string) => links.get(address) ?? [],
    close: () => new Promise<void>((resolve) => server.close(() => resolve()))
  }
}
