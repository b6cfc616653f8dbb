import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as World from "./World.ts"

it.live("two people write to each other", () =>
  Effect.gen(function* () {
    const world = World.make()
    const alice = yield* world.join("alice")
    const bob = yield* world.join("bob")
    yield* Effect.sleep(50)
    const sent = yield* alice.client.send("bob", "hello")
    expect(sent).toMatchObject({ sequence: 1, devices: 1 })
    const [first] = yield* World.receive(bob, 1)
    expect(first).toMatchObject({ id: sent.id, body: { type: "text", text: "hello" }, late: false, order: 1 })
    expect(first!.from.user).toBe("alice")
    yield* bob.client.send("alice", "hi")
    expect(World.texts(yield* World.receive(alice, 1))).toEqual(["hi"])
    yield* alice.client.flush
    yield* World.until(() => alice.actor.events.some(({ state }) => state === "delivered"), "delivered")
    expect(alice.actor.events.map(({ state }) => state)).toEqual(["queued", "sent", "delivered"])
    expect(alice.actor.warnings).toEqual([])
    expect(bob.actor.warnings).toEqual([])
  })
)
