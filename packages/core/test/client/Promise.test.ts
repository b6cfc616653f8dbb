/** The facade without Effect has everything the client has, member by member, and behaves alike. */
import { describe, expect, it } from "vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Client } from "../../src/client/Client.ts"
import * as EntropyLive from "../../src/client/EntropyLive.ts"
import * as StoreCustody from "../../src/client/StoreCustody.ts"
import { createClient, type PromiseClient } from "../../src/promise.ts"
import { register } from "../../src/index.ts"
import { Crypto } from "../../src/ports/Crypto.ts"
import * as MemoryNetwork from "../../src/testing/MemoryNetwork.ts"
import * as MemoryStore from "../../src/testing/MemoryStore.ts"
import { crypto } from "./World.ts"

const network = () => MemoryNetwork.make({ crypto })

const open = async (
  world: MemoryNetwork.MemoryNetwork,
  user: string,
  disk = MemoryStore.makeDisk()
): Promise<PromiseClient> => {
  const password = await Effect.runPromise(world.issue(user))
  return createClient({ store: disk.layer, transport: world.layer, crypto, register: { user, password } })
}

const take = async <A>(iterable: AsyncIterable<A>, count: number): Promise<ReadonlyArray<A>> => {
  const out: Array<A> = []
  for await (const value of iterable) {
    out.push(value)
    if (out.length === count) break
  }
  return out
}

describe("promise facade", () => {
  it("has every member of the client and of a conversation", async () => {
    const world = network()
    const disk = MemoryStore.makeDisk()
    const password = await Effect.runPromise(world.issue("alice"))
    const base = Layer.mergeAll(disk.layer, EntropyLive.layer, Layer.succeed(Crypto, crypto))
    const ports = Layer.provideMerge(world.layer, Layer.provideMerge(StoreCustody.layer, base))
    await open(world, "bob").then((bob) => bob.close())
    const program = Effect.gen(function* () {
      yield* register({ user: "alice", password })
      const client = yield* Effect.provide(Client.use(Effect.succeed), Client.layer())
      const members = Object.keys(client).sort()
      const conversation = Object.keys(yield* client.conversation("bob")).sort()
      return { members, conversation }
    })
    const effect = await Effect.runPromise(
      Effect.scoped(Effect.provide(program, ports)) as never as Effect.Effect<{
        members: Array<string>
        conversation: Array<string>
      }>
    )
    await using facade = await createClient({ store: disk.layer, transport: world.layer, crypto })
    expect(Object.keys(facade).sort()).toEqual([...effect.members, "close"].sort())
    expect(Object.keys(await facade.conversation("bob")).sort()).toEqual(effect.conversation)
    expect(typeof facade[Symbol.asyncDispose]).toBe("function")
  })

  it("sends, receives, follows states, and closes", async () => {
    const world = network()
    await using alice = await open(world, "alice")
    await using bob = await open(world, "bob")
    const events = take(alice.outbox(), 3)
    await new Promise((done) => setTimeout(done, 50))
    const sent = await alice.send("bob", "hello")
    const [message] = await take(bob.messages(), 1)
    expect(message).toMatchObject({ id: sent.id, body: { type: "text", text: "hello" }, from: alice.self })
    expect((await events).map(({ state }) => state)).toEqual(["queued", "sent", "delivered"])
    const conversation = await bob.conversation({ account: alice.self.account })
    await conversation.sendMany(["a", { type: "text", text: "b" }])
    await conversation.typing(true)
    const [batch] = await take(alice.batches(), 1)
    expect(batch![0].body).toEqual({ type: "text", text: "a" })
    await bob.flush()
    expect(await alice.contacts()).toMatchObject([{ user: "bob", state: "pinned" }])
    const [status] = await take(alice.status(), 1)
    expect(status).toEqual({ _tag: "Connected" })
    await alice.close()
    await alice.close()
    await expect(alice.send("bob", "x")).rejects.toBeDefined()
  })

  it("rejects with the tagged errors themselves", async () => {
    const world = network()
    const disk = MemoryStore.makeDisk()
    const closed = createClient({ store: disk.layer, transport: world.layer, crypto })
    await expect(closed).rejects.toMatchObject({ _tag: "NotRegistered" })
    await expect(closed).rejects.toBeInstanceOf(Error)
    await expect(
      createClient({ store: disk.layer, transport: world.layer, crypto, register: { user: "x", password: "wrong" } })
    ).rejects.toMatchObject({ _tag: "Refused", code: "bad-password" })
    await using alice = await open(world, "alice")
    await expect(alice.send("nobody", "x")).rejects.toMatchObject({ _tag: "UnknownUser", user: "nobody" })
  })

  it("gives up with the caller's own reason, and takes nothing then", async () => {
    const world = network()
    await using alice = await open(world, "alice")
    await using bob = await open(world, "bob")
    const reason = new Error("changed my mind")
    const controller = new AbortController()
    const reading = async (): Promise<void> => {
      for await (const message of bob.messages({ signal: controller.signal })) {
        expect(message).toMatchObject({ body: { text: "1" } })
        controller.abort(reason)
      }
    }
    await alice.send("bob", "1")
    await expect(reading()).rejects.toBe(reason)
    const [again] = await take(bob.messages(), 1)
    expect(again).toMatchObject({ body: { text: "1" } })
    const aborted = AbortSignal.abort(reason)
    await expect(alice.send("bob", "2", { signal: aborted })).rejects.toBe(reason)
    await expect(take(bob.messages({ signal: aborted }), 1)).rejects.toBe(reason)
  })

  it("ends every loop when it is closed, waiting or not, and takes nothing by that", async () => {
    const world = network()
    const disk = MemoryStore.makeDisk()
    await using alice = await open(world, "alice")
    const bob = await open(world, "bob", disk)
    const seen: Array<string> = []
    const loop = async (): Promise<string> => {
      for await (const message of bob.messages()) seen.push(message.id)
      return "ended"
    }
    const waiting = [
      loop(),
      take(bob.warnings(), 1).then(() => "ended"),
      take(bob.outbox(), 1).then(() => "ended"),
      take(bob.status(), 9).then(() => "ended")
    ]
    const first = await alice.send("bob", "1")
    await new Promise((done) => setTimeout(done, 100))
    expect(seen).toEqual([first.id])
    await bob.close()
    expect(await Promise.all(waiting)).toEqual(["ended", "ended", "ended", "ended"])
    expect(await take(bob.messages(), 1)).toEqual([])
    const second = await createClient({ store: disk.layer, transport: world.layer, crypto })
    // Closed while its message is at hand: the loop ends after it, and it is shown again.
    const sent = await alice.send("bob", "2")
    const shown: Array<string> = []
    for await (const message of second.messages()) {
      shown.push(message.id)
      if (message.id === sent.id) await second.close()
    }
    expect(shown).toEqual([sent.id])
    await using third = await createClient({ store: disk.layer, transport: world.layer, crypto })
    const [again] = await take(third.messages(), 1)
    expect(again!.id).toBe(sent.id)
  })

  it("has the settings of the account, which the store keeps [own.setting.1]", async () => {
    const world = network()
    const disk = MemoryStore.makeDisk()
    const first = await open(world, "alice", disk)
    await first.settings.set("theme", "dark")
    await first.settings.set("gone", Uint8Array.of(1))
    await first.settings.unset("gone")
    expect(await first.settings.get("gone")).toBeUndefined()
    await expect(first.settings.set("no name", "")).rejects.toMatchObject({ _tag: "InvalidSetting", reason: "name" })
    expect(await first.resetDevices()).toBe(0)
    await first.close()
    await using second = await open(world, "alice", disk)
    expect(await second.settings.list()).toEqual([{ name: "theme", value: new TextEncoder().encode("dark") }])
  })

  it("opens a registered device without registering again", async () => {
    const world = network()
    const disk = MemoryStore.makeDisk()
    const first = await open(world, "alice", disk)
    const { self } = first
    await first.close()
    await using second = await open(world, "alice", disk)
    expect(second.self).toEqual(self)
  })
})
