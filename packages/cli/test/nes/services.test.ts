/**
 * The files of `examples/nes-services`: their commands, settings and broker configuration work, run as processes.
 */
import { createPublicKey } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { keyFile, makePlace, mosquitto, openPost, type Place, startMosquitto } from "./Place.ts"

const folder = new URL("../../../../examples/nes-services/", import.meta.url)
const read = (name: string) => readFileSync(new URL(name, folder), "utf8")

interface Compose {
  readonly services: {
    readonly directory: {
      readonly command: ReadonlyArray<string>
      readonly environment: Readonly<Record<string, string>>
      readonly ports: ReadonlyArray<string>
    }
    readonly broker: { readonly volumes: ReadonlyArray<string>; readonly ports: ReadonlyArray<string> }
  }
}

/** Puts variables in, as compose does for `${NAME:-default}` and `${NAME:?message}`. */
const filled = (values: Readonly<Record<string, string>>, given: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      value.replace(/\$\{([A-Z_]+):([-?])([^}]*)\}/g, (_, variable: string, kind: string, text: string) => {
        const found = given[variable] ?? ""
        if (found === "" && kind === "?") throw new Error(`${variable}: ${text}`)
        return found === "" ? text : found
      })
    ])
  )

describe("the services' files", { timeout: 60_000 }, () => {
  const compose = JSON.parse(read("compose.json")) as Compose
  const { broker, directory } = compose.services
  let place: Place
  let post: Awaited<ReturnType<typeof openPost>>
  beforeAll(async () => {
    place = makePlace()
    post = await openPost()
  })
  afterAll(async () => {
    await post.close()
    place.remove()
  })

  it("start a key service that enrols and answers, and tell what is missing", async () => {
    const entry = /^ENTRYPOINT (\[.*\])$/m.exec(read("Dockerfile"))![1]!
    const [program, ...words] = JSON.parse(entry) as ReadonlyArray<string>
    expect(program).toBe("tacit")
    expect(() => filled(directory.environment, {})).toThrow("NES_DIRECTORY_ADDRESS")
    const address = "http://keys.example"
    const data = join(place.folder, "data")
    mkdirSync(data)
    writeFileSync(join(data, "directory-rsa-sign"), readFileSync(keyFile("directory-rsa-sign")), { mode: 0o600 })
    const settings = filled(directory.environment, {
      NES_DIRECTORY_ADDRESS: address,
      NES_SMTP: post.url,
      NES_MAIL_FROM: "keys@localhost"
    })
    // A container of its own becomes a folder and a free port of this machine.
    const env = { ...settings, NES_DIRECTORY_DATA: data, NES_DIRECTORY_PORT: "0", NES_DIRECTORY_HOST: "127.0.0.1" }
    const bare = await place.tacit(words, "", { NES_DIRECTORY_PORT: "0" })
    expect([bare.code, bare.err]).toEqual([2, expect.stringContaining("--smtp is missing")])

    const running = place.start([...words, ...directory.command, "--json"], env)
    const ready = JSON.parse(await running.until((line) => line.includes("ready"))) as { readonly url: string }
    expect(ready.url).toBe(address)
    const { port } = JSON.parse(await running.until((line) => line.includes('"port"'))) as { readonly port: number }
    const local = `http://127.0.0.1:${port}`
    const own = ["-u", "alice", "-K", keyFile("alice-rsa-message.pub"), "-J", keyFile("alice-rsa-sign.pub")]
    const registered = await place.tacit(["nes", "register", "-e", "alice@example.org", "-p", local, ...own])
    expect(registered.code, registered.err).toBe(0)
    const link = post.linksOf("alice@example.org")[0]!
    expect(link.startsWith(`${address}/users/alice/`)).toBe(true)
    expect((await fetch(link.replace(address, local))).status).toBe(200)
    expect((await fetch(`${local}/users/alice`)).status).toBe(200)
    expect(statSync(join(data, "directory.db")).mode & 0o077).toBe(0)
    running.kill("SIGTERM")
    expect((await running.gone).code).toBe(0)
    rmSync(data, { recursive: true })
  })

  it("make a signing key at the first start, and keep it", async () => {
    const data = join(place.folder, "fresh")
    const words = ["nes", "directory", "start", "--port", "0", "--data", data, "--smtp", post.url, "--json"]
    const keys: Array<string> = []
    for (let i = 0; i < 2; i++) {
      const running = place.start([...words, "--mail-from", "keys@localhost"])
      const ready = JSON.parse(await running.until((line) => line.includes("ready"))) as { readonly key: string }
      expect(ready.key).toBe(join(data, "directory-rsa-sign.pub"))
      keys.push(readFileSync(ready.key, "utf8"))
      running.kill("SIGTERM")
      expect((await running.gone).code).toBe(0)
    }
    expect(keys[0]).toBe(keys[1])
    expect(createPublicKey(keys[0]!).asymmetricKeyDetails).toMatchObject({ modulusLength: 4096 })
    expect(statSync(join(data, "directory-rsa-sign")).mode & 0o077).toBe(0)
  })

  it.runIf(mosquitto !== undefined)("start a broker that carries frames", async () => {
    const [file = ""] = broker.volumes[0]!.split(":")
    expect(existsSync(new URL(file, folder))).toBe(true)
    const text = read(file)
    expect(text).toContain(`listener ${broker.ports[0]!.split(":").at(-1)}`)
    await using running = await startMosquitto(mosquitto!, place.folder, text)
    const common = ["-b", running.url, "--known", keyFile("")]
    const own = (user: string) => ["-u", user, "-k", keyFile(`${user}-rsa-message`), "-j", keyFile(`${user}-rsa-sign`)]
    const listening = place.start(["nes", "listen", ...common, ...own("bob"), "--json", "--count", "1"])
    await listening.until((line) => line.includes("ready"))
    const long = "long ".repeat(20_000)
    const sent = await place.tacit(["nes", "send", ...common, ...own("alice"), "-t", "bob", "-m", long])
    expect(sent.code, sent.err).toBe(0)
    expect((await listening.gone).out).toContain(long)
  })
})
