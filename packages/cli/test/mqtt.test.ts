/**
 * The command through a broker: a steward as a process, and people who register, write and listen.
 *
 * Spec: docs/spec/18-mqtt.md §18.1, §18.3.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { startBroker } from "@tacit/transport-mqtt/broker"
import { expect, it } from "vitest"
import { shownAddress } from "../src/Account.ts"
import { ExitCode } from "../src/ExitCode.ts"
import * as Child from "./crash/Child.ts"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))
const argv = ["-C", "@tacit/source", "--disable-warning=ExperimentalWarning", main]

it(
  "registers, writes and listens through a broker [mqtt.steward.1] [mqtt.address.2]",
  { timeout: 180_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "tacit-mqtt-"))
    const env = {
      NODE_OPTIONS: "",
      NO_COLOR: "1",
      TACIT_DATA: join(folder, "data"),
      TACIT_RELAY_DATA: join(folder, "relay")
    }
    const tacit = (words: ReadonlyArray<string>, extra: Record<string, string> = {}) =>
      new Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>((resolve) => {
        const child = spawn(process.execPath, [...argv, ...words], { env: { ...process.env, ...env, ...extra } })
        let out = ""
        let err = ""
        child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
        child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()))
        child.on("close", (code) => resolve({ code, out, err }))
        child.stdin.end()
      })
    const broker = await startBroker()
    const address = `mqtt://127.0.0.1:${broker.port}/team`
    const steward = Child.start(
      "../../src/main.ts",
      ["relay", "start", "--broker", address, "--files-port", "0", "--json"],
      {
        env
      }
    )
    try {
      const ready = JSON.parse(await steward.line((line) => line.includes("ready"))) as {
        readonly url: string
        readonly files: string
      }
      expect(ready.url).toMatch(new RegExp(`^${address}\\?key=[0-9a-f]{64}$`))
      for (const user of ["alice", "bob"]) {
        const password = (await tacit(["relay", "invite", user])).out.trim()
        const words = ["register", "--relay", ready.url, "--user", user, "--profile", user]
        expect(await tacit(words, { TACIT_PASSWORD: password })).toMatchObject({ code: ExitCode.ok })
      }
      expect(await tacit(["send", "bob", "through a broker", "--profile", "alice"])).toMatchObject({
        code: ExitCode.ok
      })
      const heard = await tacit(["listen", "--count", "1", "--timeout", "20", "--json", "--profile", "bob"])
      expect(heard.code, heard.err).toBe(ExitCode.ok)
      expect(heard.out).toContain("through a broker")

      // Files go over HTTP, to the address that each profile was told once.
      const file = join(folder, "notes.txt")
      writeFileSync(file, "kept beside a broker")
      const none = await tacit(["send", "bob", "--file", file, "--profile", "alice"])
      expect(none.code, none.err).not.toBe(ExitCode.ok)
      const told = ["--files", ready.files]
      expect(await tacit(["send", "bob", "--file", file, "--profile", "alice", ...told])).toMatchObject({
        code: ExitCode.ok
      })
      const listen = ["listen", "--count", "1", "--timeout", "20", "--save", join(folder, "in"), "--profile", "bob"]
      const fetched = await tacit([...listen, ...told])
      expect(fetched.code, fetched.err).toBe(ExitCode.ok)
      expect(readFileSync(join(folder, "in", "notes.txt"), "utf8")).toBe("kept beside a broker")
      expect(await tacit(["send", "alice", "--file", file, "--profile", "bob"])).toMatchObject({ code: ExitCode.ok })
      const wrong = await tacit(["send", "bob", "--file", file, "--profile", "alice", "--files", "ftp://x"])
      expect(wrong).toMatchObject({ code: ExitCode.usage })

      expect(shownAddress("mqtts://ann:secret@broker.example/team?key=ab")).toBe(
        "mqtts://ann:***@broker.example/team?key=ab"
      )
      expect(shownAddress(ready.url)).toBe(ready.url)
      const insecure = await tacit(["register", "--relay", "mqtt://broker.example", "--user", "x", "--profile", "x"], {
        TACIT_PASSWORD: "AAAA-AAAA-AAAA-AAAA-AAAA"
      })
      expect(insecure).toMatchObject({ code: ExitCode.usage })
      expect(insecure.err).toContain("mqtts://")
      const nowhere = await tacit([
        "relay",
        "start",
        "--broker",
        "mqtt://127.0.0.1:1/team",
        "--data",
        join(folder, "b")
      ])
      expect(nowhere).toMatchObject({ code: ExitCode.unreachable })
      steward.kill("SIGTERM")
      expect(await steward.gone, steward.complaints()).toBe(0)
    } finally {
      steward.kill("SIGKILL")
      await broker.close()
      rmSync(folder, { recursive: true, force: true })
    }
  }
)
