/** Two people with three devices each on files, through a relay over WebSocket: every message once on every device. */
import { type NodeOptions, openClient, type PromiseClient } from "@tacit/bots"
import type { Incoming, Synced } from "@tacit/core"
import { afterEach, expect, it } from "vitest"
import { further } from "../../../scripts/lib/further-device.ts"
import { makeScene, type Scene } from "./Scene.ts"

let scene: Scene | undefined
const running = new Set<PromiseClient>()
afterEach(async () => {
  const open = [...running]
  running.clear()
  await Promise.all(open.map((client) => client.close()))
  await scene?.close()
  scene = undefined
})

/** One device: where it is kept, and everything it showed, over every time it was opened. */
interface Device {
  readonly options: NodeOptions & { readonly path: string }
  client: PromiseClient
  /** By order: what was shown and not taken before the client closed is shown again under the same one. */
  readonly messages: Map<number, Incoming>
  readonly synced: Map<number, Synced>
}

const open = async (device: Device): Promise<void> => {
  const client = await openClient(device.options)
  running.add(client)
  device.client = client
  const listen = (loop: () => Promise<void>): void =>
    // A call that the end of the client interrupts is none of this test's.
    void loop().catch((error: unknown) => {
      if (running.has(client)) throw error
    })
  listen(async () => {
    for await (const message of client.messages()) {
      device.messages.set(message.order, message)
      await client.take(message)
    }
  })
  listen(async () => {
    for await (const item of client.synced()) {
      device.synced.set(item.order, item)
      await client.takeSynced(item)
    }
  })
}

const close = async (device: Device): Promise<void> => {
  running.delete(device.client)
  await device.client.close()
}

/** A person with so many devices, all open. */
const person = async (user: string, count: number): Promise<ReadonlyArray<Device>> => {
  const options = await scene!.account(user)
  const first = await openClient(options)
  await first.close()
  const devices: Array<Device> = [{ options, client: first, messages: new Map(), synced: new Map() }]
  let newest: Uint8Array | undefined
  for (let i = 2; i <= count; i++) {
    const path = options.path.replace(/\.db$/, `-${i}.db`)
    newest = await further(options.path, path, newest)
    const password = await scene!.relay.invite(user)
    const device: Device = {
      options: { ...options, path, password },
      client: first,
      messages: new Map(),
      synced: new Map()
    }
    // It registers now, with the manifest that lists it.
    await (await openClient(device.options)).close()
    devices.push(device)
  }
  for (const device of devices) await open(device)
  // A device copies to those of its own it knows of: each has to have followed the manifest.
  for (const { client } of devices) await client.refreshDevices()
  return devices
}

const until = async (what: string, condition: () => boolean): Promise<void> => {
  const end = Date.now() + 60_000
  while (!condition()) {
    if (Date.now() > end) throw new Error(`in vain: ${what}`)
    await new Promise((done) => setTimeout(done, 25))
  }
}

const texts = ({ messages }: Device): ReadonlyArray<string> =>
  [...messages.values()].map(({ body }) => (body.type === "text" ? body.text : body.type)).sort()
const copies = ({ synced }: Device): ReadonlyArray<string> =>
  [...synced.values()]
    .flatMap((item) => (item.type === "sent" && item.body.type === "text" ? [item.body.text] : []))
    .sort()

it("two people with three devices each see every message once on every device, one of which is closed meanwhile [own.copy.1] [own.copy.4] [own.read.1]", async () => {
  scene = await makeScene()
  const alice = await person("alice", 3)
  const bob = await person("bob", 3)
  const sent = { alice: [] as Array<[number, string]>, bob: [] as Array<[number, string]> }
  const say = async (who: "alice" | "bob", i: number, text: string): Promise<void> => {
    const device = (who === "alice" ? alice : bob)[i]!
    await device.client.send(who === "alice" ? "bob" : "alice", text)
    sent[who].push([i, text])
  }
  for (let i = 0; i < 3; i++) {
    await say("alice", i, `a${i} first`)
    await say("bob", i, `b${i} first`)
  }
  // One device of each is away for a while.
  await close(alice[2]!)
  await close(bob[1]!)
  await Promise.all([0, 1].flatMap((i) => [say("alice", i, `a${i} away`), say("bob", 2 * i, `b${2 * i} away`)]))
  await open(alice[2]!)
  await open(bob[1]!)
  await say("alice", 2, "a2 back")
  await say("bob", 1, "b1 back")
  const all = (who: "alice" | "bob") => sent[who].map(([, text]) => text).sort()
  const others = (who: "alice" | "bob", i: number) =>
    sent[who]
      .filter(([by]) => by !== i)
      .map(([, text]) => text)
      .sort()
  const complete = (): boolean =>
    [0, 1, 2].every(
      (i) =>
        texts(alice[i]!).length >= all("bob").length &&
        texts(bob[i]!).length >= all("alice").length &&
        copies(alice[i]!).length >= others("alice", i).length &&
        copies(bob[i]!).length >= others("bob", i).length
    )
  await until("everything everywhere", complete)
  // What comes twice would come soon.
  await new Promise((done) => setTimeout(done, 500))
  for (let i = 0; i < 3; i++) {
    expect([i, texts(alice[i]!), copies(alice[i]!)]).toEqual([i, all("bob"), others("alice", i)])
    expect([i, texts(bob[i]!), copies(bob[i]!)]).toEqual([i, all("alice"), others("bob", i)])
  }
  const [message] = alice[0]!.messages.values()
  const conversation = await alice[0]!.client.conversation("bob")
  await conversation.markRead([message!.id])
  const marked = (device: Device) =>
    [...device.synced.values()].some((item) => item.type === "read" && item.ids[0] === message!.id)
  await until("the read mark", () => marked(alice[1]!) && marked(alice[2]!))
  const last = await conversation.send("the end")
  const outcome = async () => (await conversation.outcome(last.id)).map(({ own, state }) => `${own} ${state}`).sort()
  const end = Date.now() + 30_000
  while ((await outcome()).some((state) => !state.endsWith("delivered")) && Date.now() < end) {
    await new Promise((done) => setTimeout(done, 50))
  }
  expect(await outcome()).toEqual(["false", "false", "false", "true", "true"].map((own) => `${own} delivered`))
}, 120_000)
