import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { describe, expect, it } from "vitest"
import * as Bytes from "../../src/base/Bytes.ts"
import { StoredRecordError } from "../../src/client/Errors.ts"
import * as StoreCustody from "../../src/client/StoreCustody.ts"
import { nobleProvider } from "../../src/crypto/Noble.ts"
import { loadNodeProvider } from "../../src/crypto/Node.ts"
import type { CryptoProvider } from "../../src/crypto/Provider.ts"
import { Crypto, Entropy } from "../../src/ports/Crypto.ts"
import { type CustodyError, KeyCustody } from "../../src/ports/KeyCustody.ts"
import { Store } from "../../src/ports/Store.ts"
import { custodyContract } from "../../src/testing/CustodyContract.ts"
import * as MemoryStore from "../../src/testing/MemoryStore.ts"
import * as SeededEntropy from "../../src/testing/SeededEntropy.ts"

const seed = new Uint8Array(64).fill(42)
let actors = 0

/** A custody on a disk, with coins of its own; `disk` and `draws` are what the tests look at. */
const makePlace = (crypto: CryptoProvider) => {
  const disk = MemoryStore.makeDisk()
  const coins = SeededEntropy.make(crypto, seed, `actor ${actors++}`)
  const draws: Array<readonly [string, number]> = []
  const entropy = Entropy.of({
    bytes: (label, length) => {
      draws.push([label, length])
      return coins.bytes(label, length)
    }
  })
  const services = Layer.mergeAll(disk.layer, Layer.succeed(Crypto, crypto), Layer.succeed(Entropy, entropy))
  const layer = StoreCustody.layer.pipe(Layer.provideMerge(services))
  return { disk, draws, layer }
}

for (const [name, crypto] of [
  ["noble", nobleProvider],
  ["node", await loadNodeProvider()]
] as const) {
  custodyContract(`store custody, ${name}`, () => makePlace(crypto), { describe, it, expect, crypto })
}

const using = <A, E>(
  place: ReturnType<typeof makePlace>,
  body: (custody: KeyCustody["Service"], store: Store["Service"]) => Effect.Effect<A, E>
): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.provide(
        Effect.gen(function* () {
          return yield* body(yield* KeyCustody, yield* Store)
        }),
        Layer.fresh(place.layer)
      )
    )
  )

const message = Uint8Array.of(1, 2, 3)

/** Reason of a custody error, with the tag of its cause. */
const failure = (effect: Effect.Effect<unknown, CustodyError>) =>
  Effect.match(effect, {
    onSuccess: () => ["success"],
    onFailure: ({ cause, reason }) => [
      reason,
      ...(cause === undefined ? [] : [(cause as { readonly _tag: string })._tag])
    ]
  })

describe("records", () => {
  it("draws each coin once, by its label and length, and keeps the secrets as versioned records [account.keys.1] [device.keys.1] [state.version.1]", async () => {
    const place = makePlace(nobleProvider)
    await using(place, (custody, store) =>
      Effect.gen(function* () {
        yield* custody.create
        yield* failure(custody.create)
        const records = yield* store.scan("custody/")
        expect(records.map(({ key }) => key)).toEqual([StoreCustody.accountKey, StoreCustody.deviceKey])
        for (const { value } of records) expect(Bytes.toHex(value)).toMatch(/^9301c420[0-9a-f]{64}c420[0-9a-f]{64}$/)
      })
    )
    expect(place.draws).toEqual([
      ["account.seed", 32],
      ["account.alias", 32],
      ["device.sign", 32],
      ["device.agree", 32]
    ])
  })

  it("derives its public keys from the coins", async () => {
    const place = makePlace(nobleProvider)
    const again = SeededEntropy.make(nobleProvider, seed, `actor ${actors - 1}`)
    const made = await using(place, (custody) => custody.create)
    expect(made).toEqual({
      account: nobleProvider.ed25519PublicKey(again.bytes("account.seed", 32)),
      alias: nobleProvider.ed25519PublicKey(again.bytes("account.alias", 32)),
      device: nobleProvider.ed25519PublicKey(again.bytes("device.sign", 32)),
      agreement: nobleProvider.x25519PublicKey(again.bytes("device.agree", 32))
    })
  })

  it("a member's records are its own secrets and public keys of the account, an admin's that was linked the account's secrets beside them [custody.keys.1] [handover.seal.1]", async () => {
    const [owner, linked] = [makePlace(nobleProvider), makePlace(nobleProvider)]
    const key = new Uint8Array(32).fill(1)
    const handed = await using(owner, (custody, store) =>
      Effect.gen(function* () {
        const account = yield* custody.create
        const record = yield* store.get(StoreCustody.accountKey)
        return { account, record: record!.value, sealed: yield* custody.sealAccount(key, message) }
      })
    )
    await using(linked, (custody, store) =>
      Effect.gen(function* () {
        const names = Effect.map(store.scan("custody/"), (records) => records.map(({ key }) => key))
        yield* custody.createDevice
        expect(yield* names).toEqual([StoreCustody.deviceKey])
        const { account, alias } = yield* custody.joinAccount(handed.account)
        expect(yield* names).toEqual([StoreCustody.deviceKey, StoreCustody.joinedKey])
        expect(Bytes.toHex((yield* store.get(StoreCustody.joinedKey))!.value)).toBe(
          `9301c420${Bytes.toHex(account)}c420${Bytes.toHex(alias)}`
        )
        yield* custody.openAccount(key, message, handed.sealed, handed.account)
        expect(yield* names).toEqual([StoreCustody.accountKey, StoreCustody.deviceKey, StoreCustody.joinedKey])
        expect((yield* store.get(StoreCustody.accountKey))!.value).toEqual(handed.record)
        yield* custody.forget
        expect(yield* names).toEqual([])
      })
    )
    expect(linked.draws.map(([label]) => label)).toEqual(["device.sign", "device.agree"])
    expect(owner.draws.map(([label]) => label)).toContain("handover.nonce")
    // What is handed over does not show what it holds.
    expect(Bytes.toHex(handed.sealed)).not.toContain(Bytes.toHex(handed.record.slice(4, 20)))
  })

  const spoiled: ReadonlyArray<readonly [string, string, Uint8Array | undefined, "corrupt" | "version"]> = [
    ["a later version", StoreCustody.accountKey, Bytes.fromHex(`9302c420${"11".repeat(32)}`), "version"],
    ["a later version of the device", StoreCustody.deviceKey, Bytes.fromHex("920200"), "version"],
    [
      "a seed that is too short",
      StoreCustody.accountKey,
      Bytes.fromHex(`9301c41f${"11".repeat(31)}c420${"11".repeat(32)}`),
      "corrupt"
    ],
    [
      "bytes behind the end",
      StoreCustody.deviceKey,
      Bytes.fromHex(`9301c420${"11".repeat(32)}c420${"11".repeat(32)}00`),
      "corrupt"
    ],
    ["nothing in it", StoreCustody.deviceKey, Bytes.empty, "corrupt"],
    ["its other half missing", StoreCustody.deviceKey, undefined, "corrupt"]
  ]
  for (const [what, key, value, reason] of spoiled) {
    it(`refuses a record with ${what} and leaves it alone [state.version.1] [state.corrupt.1]`, async () => {
      const place = makePlace(nobleProvider)
      await using(place, (custody) => custody.create)
      await using(place, (_, store) =>
        store.commit([value === undefined ? { op: "delete", key } : { op: "put", key, value }])
      )
      const before = place.disk.snapshot()
      await using(place, (custody) =>
        Effect.gen(function* () {
          for (const use of [
            Effect.asVoid(custody.publicKeys),
            Effect.asVoid(custody.signWithDevice(message)),
            Effect.asVoid(custody.create)
          ]) {
            const error = yield* Effect.flip(use)
            expect(error).toMatchObject({ _tag: "CustodyError", reason: "backend" })
            expect(error.cause).toEqual(new StoredRecordError({ kind: "custody", reason }))
          }
        })
      )
      expect(place.disk.snapshot()).toEqual(before)
    })
  }
})

describe("failures of the store", () => {
  it("a failing read is reported and can be tried again", async () => {
    const place = makePlace(nobleProvider)
    await using(place, (custody) => custody.create)
    place.disk.fail({ operation: "get", nth: 1, when: "before" })
    await using(place, (custody) =>
      Effect.gen(function* () {
        expect(yield* failure(custody.signWithDevice(message))).toEqual(["backend", "StoreError"])
        expect(yield* failure(custody.signWithDevice(message))).toEqual(["success"])
      })
    )
  })

  it("a commit that failed before it was durable made no keys", async () => {
    const place = makePlace(nobleProvider)
    place.disk.fail({ operation: "commit", nth: 1, when: "before" })
    await using(place, (custody) =>
      Effect.gen(function* () {
        expect(yield* failure(custody.create)).toEqual(["backend", "StoreError"])
        expect(yield* failure(custody.publicKeys)).toEqual(["no-keys"])
        expect(yield* failure(custody.create)).toEqual(["success"])
      })
    )
  })

  it("a commit that was durable though it failed made the keys that are found later", async () => {
    const place = makePlace(nobleProvider)
    place.disk.fail({ operation: "commit", nth: 1, when: "after" })
    await using(place, (custody) =>
      failure(custody.create).pipe(Effect.map((tags) => expect(tags).toEqual(["backend", "StoreError"])))
    )
    await using(place, (custody) =>
      Effect.gen(function* () {
        expect(yield* failure(custody.create)).toEqual(["exists"])
        const { device } = yield* custody.publicKeys
        expect(nobleProvider.ed25519Verify(device, message, yield* custody.signWithDevice(message))).toBe(true)
      })
    )
  })

  it("another custody on the same disk that was first wins", async () => {
    const place = makePlace(nobleProvider)
    const [first, second] = await using(place, (one) =>
      Effect.promise(() => using(place, (other) => Effect.all([failure(other.create), failure(one.create)])))
    )
    expect(first).toEqual(["success"])
    // The first handle has lost its lease; it sees the keys before it gets to write.
    expect(second).toEqual(["exists"])
  })
})

describe("what is held in memory", () => {
  /** A provider that notes the very arrays it was given as secrets. */
  const spying = () => {
    const seen = { sign: new Set<Uint8Array>(), agree: new Set<Uint8Array>() }
    const crypto: CryptoProvider = {
      ...nobleProvider,
      ed25519Sign: (key, bytes) => {
        seen.sign.add(key)
        return nobleProvider.ed25519Sign(key, bytes)
      },
      x25519: (key, publicKey) => {
        seen.agree.add(key)
        return nobleProvider.x25519(key, publicKey)
      }
    }
    return { crypto, seen }
  }

  it("is one array for each key, however often and concurrently it is used, after opening too", async () => {
    const { crypto, seen } = spying()
    const place = makePlace(crypto)
    await using(place, (custody) => custody.create)
    await using(place, (custody) =>
      Effect.gen(function* () {
        const uses = Array.from({ length: 20 }, () => [
          Effect.asVoid(custody.signWithDevice(message)),
          Effect.asVoid(custody.signWithAccount(message)),
          Effect.asVoid(custody.agree(new Uint8Array(32).fill(9)))
        ])
        yield* Effect.all(uses.flat(), { concurrency: "unbounded", discard: true })
        yield* Effect.all(uses.flat(), { discard: true })
        expect([seen.sign.size, seen.agree.size]).toEqual([2, 1])
        for (const key of [...seen.sign, ...seen.agree]) expect(Bytes.isZero(key)).toBe(false)
      })
    )
    // Closed: what was held is wiped.
    for (const key of [...seen.sign, ...seen.agree]) expect(Bytes.isZero(key)).toBe(true)
  })

  it("a making that is interrupted leaves either no keys, or keys that are held and stored", async () => {
    for (let steps = 0; steps < 8; steps++) {
      const place = makePlace(nobleProvider)
      await using(place, (custody, store) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(custody.create)
          for (let i = 0; i < steps; i++) yield* Effect.yieldNow
          yield* Fiber.interrupt(fiber)
          const stored = (yield* store.scan("custody/")).length
          expect([
            [0, "no-keys"],
            [2, "success"]
          ]).toContainEqual([stored, (yield* failure(custody.publicKeys))[0]])
        })
      )
    }
  })
})
