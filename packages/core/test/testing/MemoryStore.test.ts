import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect, it } from "vitest"
import { Store } from "../../src/ports/Store.ts"
import * as MemoryStore from "../../src/testing/MemoryStore.ts"
import { storeContract } from "../../src/testing/StoreContract.ts"

storeContract(
  "memory",
  () => {
    const disk = MemoryStore.makeDisk()
    return { layer: disk.layer, takeOver: disk.layer, crash: Effect.sync(disk.crash) }
  },
  { describe, it, expect }
)

type Handle = Store["Service"]

const put = (key: string, byte: number) => ({ op: "put", key, value: Uint8Array.of(byte) }) as const

const using = <A, E>(disk: MemoryStore.Disk, body: (store: Handle) => Effect.Effect<A, E>): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.provide(Effect.flatMap(Store, body), Layer.fresh(disk.layer))))

const tagOf = <E extends { readonly _tag: string }>(effect: Effect.Effect<unknown, E>) =>
  Effect.match(effect, { onSuccess: () => "success", onFailure: ({ _tag }) => _tag })

const held = (store: Handle) =>
  Effect.map(store.scan(""), (records) => records.map(({ key, value }) => [key, value[0]]))

describe("disk of the memory store", () => {
  it("starts empty, every one on its own", async () => {
    const both = Effect.all([
      Store.use((store) => Effect.andThen(store.commit([put("a", 1)]), held(store))).pipe(
        Effect.provide(MemoryStore.layer)
      ),
      Store.use(held).pipe(Effect.provide(MemoryStore.layer, { local: true }))
    ])
    expect(await Effect.runPromise(both)).toEqual([[["a", 1]], []])
  })

  it("brings a snapshot back with its revisions, and kills handles that were open", async () => {
    const disk = MemoryStore.makeDisk()
    const revision = await using(disk, (store) => Effect.map(store.commit([put("a", 1)]), (revisions) => revisions[0]))
    const old = disk.snapshot()
    await using(disk, (store) =>
      Effect.gen(function* () {
        yield* store.commit([put("a", 2), put("b", 2)])
        disk.restore(old)
        expect(yield* tagOf(store.get("a"))).toBe("StoreError")
        expect(yield* tagOf(store.commit([put("a", 3)]))).toBe("StoreError")
      })
    )
    expect(await using(disk, (store) => store.get("a"))).toEqual({ key: "a", value: Uint8Array.of(1), revision })
    expect(await using(disk, held)).toEqual([["a", 1]])
  })

  it("does not change a snapshot afterwards", async () => {
    const disk = MemoryStore.makeDisk()
    await using(disk, (store) => store.commit([put("a", 1)]))
    const old = disk.snapshot()
    await using(disk, (store) => store.commit([put("a", 2), put("b", 2)]))
    disk.restore(old)
    await using(disk, (store) => store.commit([put("c", 3)]))
    disk.restore(old)
    expect(await using(disk, held)).toEqual([["a", 1]])
  })

  it("fails the nth commit before it is durable: nothing of it is there, and the handle goes on", async () => {
    const disk = MemoryStore.makeDisk()
    disk.fail({ operation: "commit", nth: 2, when: "before" })
    await using(disk, (store) =>
      Effect.gen(function* () {
        expect(yield* tagOf(store.commit([put("a", 1)]))).toBe("success")
        expect(yield* tagOf(store.commit([put("a", 2), put("b", 2)]))).toBe("StoreError")
        expect(yield* held(store)).toEqual([["a", 1]])
        expect(yield* tagOf(store.commit([put("a", 3)]))).toBe("success")
      })
    )
    expect(disk.commits()).toBe(2)
  })

  it("fails the nth commit after it is durable: all of it is there, and the store must be opened again", async () => {
    const disk = MemoryStore.makeDisk()
    disk.fail({ operation: "commit", nth: 1, when: "after" })
    await using(disk, (store) =>
      Effect.gen(function* () {
        expect(yield* tagOf(store.commit([put("a", 1), put("b", 1)]))).toBe("StoreError")
        expect(yield* tagOf(store.commit([put("a", 2)]))).toBe("StoreError")
        expect(yield* tagOf(store.get("a"))).toBe("StoreError")
      })
    )
    expect(await using(disk, held)).toEqual([
      ["a", 1],
      ["b", 1]
    ])
  })

  it("fails reads as planned, several plans at once", async () => {
    const disk = MemoryStore.makeDisk()
    disk.fail({ operation: "get", nth: 1, when: "before" })
    disk.fail({ operation: "get", nth: 3, when: "before" })
    disk.fail({ operation: "scan", nth: 1, when: "before" })
    const tags = await using(disk, (store) =>
      Effect.forEach(
        [store.get("a"), store.get("a"), store.get("a"), store.get("a"), store.scan(""), store.scan("")],
        tagOf
      )
    )
    expect(tags).toEqual(["StoreError", "success", "StoreError", "success", "StoreError", "success"])
  })
})
