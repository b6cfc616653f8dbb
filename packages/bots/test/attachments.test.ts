/** Two people with three devices each, a relay on real sockets, one file: one upload, a fetch by each, the same bytes, and a relay that knows nothing of it. */
import { type NodeOptions, openClient, type PromiseClient } from "@tacit/bots"
import type { Attachment } from "@tacit/core"
import { SealedFile } from "@tacit/core/hazmat"
import { startSteward } from "@tacit/relay"
import { startBroker } from "@tacit/transport-mqtt/broker"
import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterEach, expect, it } from "vitest"
import { freePort } from "../../../scripts/lib/free-port.ts"
import { further } from "../../../scripts/lib/further-device.ts"
import { makeScene, type Scene } from "./Scene.ts"

let scene: Scene | undefined
const running = new Set<PromiseClient>()
afterEach(async () => {
  await Promise.all([...running].map((client) => client.close()))
  running.clear()
  await scene?.close()
  scene = undefined
})

const open = async (options: NodeOptions): Promise<PromiseClient> => {
  const client = await openClient(options)
  running.add(client)
  return client
}

/** A person with three devices on files of their own, all open and following their manifest. */
const person = async (user: string): Promise<ReadonlyArray<PromiseClient>> => {
  const options = await scene!.account(user)
  await (await openClient(options)).close()
  const all: Array<NodeOptions> = [options]
  let newest: Uint8Array | undefined
  for (const i of [2, 3]) {
    const path = options.path.replace(/\.db$/, `-${i}.db`)
    newest = await further(options.path, path, newest)
    all.push({ ...options, path, password: await scene!.relay.invite(user) })
  }
  const clients: Array<PromiseClient> = []
  for (const one of all) clients.push(await open(one))
  for (const client of clients) await client.refreshDevices()
  return clients
}

/** The first attachment that was received here. */
const received = async (client: PromiseClient): Promise<Attachment> => {
  for await (const message of client.messages()) if (message.body.type === "attachment") return message.body
  throw new Error("the client ended")
}

/** The first attachment that another own device sent. */
const copied = async (client: PromiseClient): Promise<Attachment> => {
  for await (const item of client.synced()) {
    if (item.type === "sent" && item.body.type === "attachment") return item.body
  }
  throw new Error("the client ended")
}

const download = async (client: PromiseClient, attachment: Attachment): Promise<Buffer> => {
  const parts: Array<Uint8Array> = []
  for await (const { bytes } of client.attachments.download(attachment)) parts.push(bytes)
  return Buffer.concat(parts)
}

const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** Every file below a folder. */
const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

it("one upload, a fetch by every device of both people, the same hash, and nothing of it in the relay's files [attachment.copy.1] [attachment.preview.1] [attachment.http.7]", async () => {
  scene = await makeScene()
  const alice = await person("alice")
  const bob = await person("bob")
  const secret = Buffer.from("the plaintext that nobody else may see; ")
  const plain = Buffer.alloc(1_500_000, secret)
  const name = "holiday-in-the-mountains.png"
  const preview = { mediaType: "image/webp", data: Buffer.alloc(2_000, "a picture of it, small; ") }
  let sent: Attachment | undefined
  const progress: Array<number> = []
  const options = { name, mediaType: "image/png", preview, resume: "holiday" }
  for await (const step of alice[0]!.attachments.send("bob", plain, options)) {
    if (step.state === "uploading") progress.push(step.sent)
    if (step.state === "sent") sent = step.attachment
  }
  const size = SealedFile.sealedSize(plain.length)
  expect([progress[0], progress.at(-1)]).toEqual([0, size])
  const known = await Promise.all([...bob.map(received), ...alice.slice(1).map(copied)])
  expect(known.map((one) => one.id)).toEqual(known.map(() => sent!.id))
  for (const one of known) {
    expect([one.name, one.mediaType, one.length, one.place]).toEqual([name, "image/png", plain.length, sent!.place])
    expect(Buffer.from(one.preview!.data).equals(preview.data)).toBe(true)
  }
  const fetched = await Promise.all(
    [...bob, ...alice.slice(1), alice[0]!].map((client, i) => download(client, known[i] ?? sent!))
  )
  expect(fetched.map(hash)).toEqual(fetched.map(() => hash(plain)))
  const metrics = await scene.relay.metrics()
  expect(metrics).toContain("tacit_relay_attachments_completed_total 1\n")
  expect(metrics).toContain(`tacit_relay_attachment_uploaded_bytes_total ${size}\n`)
  expect(metrics).toContain(`tacit_relay_attachment_downloaded_bytes_total ${6 * size}\n`)
  expect(metrics).toContain("tacit_relay_attachments 1\n")
  // What the relay has of it: one sealed file, whose hash everybody knows it by.
  const folder = dirname((await scene.account("carol")).path)
  const files = filesBelow(folder).filter((path) => path.includes("relay.db"))
  const kept = files.filter((path) => /[0-9a-f]{64}$/.test(path))
  expect(kept.map((path) => hash(readFileSync(path)))).toEqual([sent!.id])
  const keys = [Buffer.from(sent!.key), Buffer.from(Buffer.from(sent!.key).toString("hex"))]
  for (const path of files) {
    const bytes = readFileSync(path)
    for (const forbidden of [
      secret,
      Buffer.from(name),
      Buffer.from("mountains"),
      preview.data.subarray(0, 24),
      ...keys
    ]) {
      expect([path, bytes.includes(forbidden)]).toEqual([path, false])
    }
  }
  // Who uploaded it deletes it for everybody.
  expect(await alice[0]!.attachments.remove(sent!.id)).toBe(true)
  await expect(download(bob[0]!, sent!)).rejects.toMatchObject({ _tag: "AttachmentError", reason: "missing" })
  expect(filesBelow(folder).filter((path) => /[0-9a-f]{64}$/.test(path))).toEqual([])
}, 120_000)

it("an upload whose process is gone goes on where it was [attachment.upload.1] [attachment.store.2]", async () => {
  scene = await makeScene()
  const options = await scene.account("alice")
  const bob = await scene.open("bob")
  const plain = Buffer.alloc(2_000_000, "seven ")
  const source = (most: number) => ({
    length: plain.length,
    bytes: async function* () {
      for (let at = 0; at < plain.length; at += 40_000) {
        if (at >= most) throw new Error("the disk is gone")
        yield plain.subarray(at, at + 40_000)
      }
    }
  })
  const send = async (client: PromiseClient, most: number): Promise<number> => {
    let first = -1
    for await (const step of client.attachments.send("bob", source(most), { resume: "it", name: "it" })) {
      if (step.state === "uploading" && first < 0) first = step.sent
    }
    return first
  }
  const one = await open(options)
  await expect(send(one, 1_000_000)).rejects.toThrow("the disk is gone")
  running.delete(one)
  await one.close()
  const two = await open(options)
  const from = await send(two, plain.length)
  expect(from).toBeGreaterThan(500_000)
  const attachment = await received(bob)
  expect(hash(await download(bob, attachment))).toBe(hash(plain))
  const half: Array<Uint8Array> = []
  for await (const bytes of bob.attachments.range(attachment, 999_999, 1_000_001)) half.push(bytes)
  expect(Buffer.concat(half).equals(plain.subarray(999_999, 1_000_001))).toBe(true)
  const rest: Array<Uint8Array> = []
  const have = plain.subarray(0, 700_000)
  for await (const { bytes } of bob.attachments.download(attachment, { have })) rest.push(bytes)
  expect(Buffer.concat([have, ...rest]).equals(plain)).toBe(true)
}, 60_000)

it("through a broker: frames by MQTT, the file over HTTP beside the steward [attachment.grant.1]", async () => {
  await using broker = await startBroker({ port: await freePort() })
  await using steward = await startSteward({
    database: ":memory:",
    broker: `mqtt://127.0.0.1:${broker.port}/files`,
    files: {},
    limits: { shutdownMs: 500 }
  })
  const join = async (user: string, files?: string): Promise<PromiseClient> =>
    open({
      relay: steward.url,
      user,
      password: await steward.invite(user),
      temporary: true,
      ...(files === undefined ? {} : { files })
    })
  const [alice, bob, carol] = [
    await join("alice", steward.filesUrl),
    await join("bob", steward.filesUrl),
    await join("carol")
  ]
  const plain = Buffer.alloc(300_000, "beside the broker ")
  for await (const step of alice.attachments.send("bob", plain)) {
    if (step.state === "sent") await alice.send("carol", { type: "attachment", ...step.attachment })
  }
  expect(hash(await download(bob, await received(bob)))).toBe(hash(plain))
  // Whoever was told of no store gets the message, and says so.
  const attachment = await received(carol)
  await expect(download(carol, attachment)).rejects.toMatchObject({ reason: "off" })
  await Promise.all([alice, bob, carol].map((client) => client.close()))
  running.clear()
}, 60_000)
