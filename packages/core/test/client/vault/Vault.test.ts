/** The vault over a disk in memory that can be photographed, altered and made to fail. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Cause from "effect/Cause"
import { describe, expect, it } from "vitest"
import * as Bytes from "../../../src/base/Bytes.ts"
import * as Limits from "../../../src/base/Limits.ts"
import { register } from "../../../src/client/Account.ts"
import * as EntropyLive from "../../../src/client/EntropyLive.ts"
import * as Unlock from "../../../src/client/vault/Unlock.ts"
import * as Vault from "../../../src/client/vault/Vault.ts"
import { loadNodeProvider } from "../../../src/crypto/Node.ts"
import { Crypto } from "../../../src/ports/Crypto.ts"
import { Directory } from "../../../src/ports/Directory.ts"
import { KeyCustody } from "../../../src/ports/KeyCustody.ts"
import { Store, type StoredRecord, type Write } from "../../../src/ports/Store.ts"
import { UnlockSource } from "../../../src/ports/UnlockSource.ts"
import * as MemoryStore from "../../../src/testing/MemoryStore.ts"

const crypto = await loadNodeProvider()
const cost = { memoryKiB: 8192, passes: 2, lanes: 1 }
const base = Layer.mergeAll(Layer.succeed(Crypto, crypto), Layer.orDie(EntropyLive.layer))
const keyOf = (fill: number) => Unlock.key(new Uint8Array(32).fill(fill))
const one = keyOf(1)

type Source = UnlockSource["Service"]
type Disk = MemoryStore.Disk

/** Runs a program with the vault of a disk open. */
const opened = <A, E>(
  disk: Disk,
  source: Source,
  body: (store: Store["Service"], vault: Vault.Vault["Service"]) => Effect.Effect<A, E>,
  options: Vault.Options = {}
): Promise<Exit.Exit<A, unknown>> =>
  Effect.gen(function* () {
    return yield* body(yield* Store, yield* Vault.Vault)
  }).pipe(
    Effect.provide(
      Layer.provide(Vault.layer({ cost, ...options }), [disk.layer, base, Layer.succeed(UnlockSource, source)]),
      { local: true }
    ),
    Effect.scoped,
    Effect.runPromiseExit
  )

const unseal = (disk: Disk, source: Source): Promise<Exit.Exit<void, unknown>> =>
  Effect.runPromiseExit(
    Effect.provide(Vault.unseal, Layer.mergeAll(disk.layer, base, Layer.succeed(UnlockSource, source)), { local: true })
  )

/** How a run ended: "success", the vault's reason, or the error's tag. */
const reason = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "success"
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  const cause = Vault.causeOf(error)
  if (cause !== undefined) return cause.reason
  return (error as { readonly _tag?: string } | undefined)?._tag ?? "defect"
}

const put = (key: string, text: string): Write => ({ op: "put", key, value: Bytes.utf8Encode(text) })
const texts = (records: ReadonlyArray<StoredRecord>) =>
  Object.fromEntries(records.map(({ key, value }) => [key, Bytes.utf8Decode(value)]))
const all = (store: Store["Service"]) => Effect.map(store.scan(""), texts)
const success = <A>(exit: Exit.Exit<A, unknown>): A => {
  if (Exit.isSuccess(exit)) return exit.value
  throw Cause.squash(exit.cause)
}

/** Changes what a disk holds below the vault. */
const alter = (disk: Disk, change: (records: Map<string, StoredRecord>) => void): void => {
  const { records, revision } = disk.snapshot()
  const changed = new Map(records)
  change(changed)
  disk.restore({ records: changed, revision })
}

const small = { a: "alpha", "p/1": "one", "p/2": "two" }
const fill = (disk: Disk, source: Source = one) =>
  opened(disk, source, (store) => store.commit(Object.entries(small).map(([key, text]) => put(key, text)))).then(
    success
  )
const sealedKeys = (disk: Disk) => [...disk.snapshot().records.keys()].filter((key) => key.startsWith("vault/r/"))

describe("a vault", () => {
  it("gives back what was written, to the same secret only [vault.unlock.3]", async () => {
    const disk = MemoryStore.makeDisk()
    await fill(disk)
    expect(success(await opened(disk, one, all))).toEqual(small)
    expect(reason(await opened(disk, keyOf(2), all))).toBe("secret")
    expect(reason(await opened(disk, Unlock.passphrase("x"), all))).toBe("method")
    expect(success(await opened(disk, one, all))).toEqual(small)
  })

  it("stands under a passphrase in any Unicode form, told apart from a wrong one and from damage [vault.kdf.3] [vault.open.1]", async () => {
    const disk = MemoryStore.makeDisk()
    await fill(disk, Unlock.passphrase("Ame\u0301lie 1"))
    expect(success(await opened(disk, Unlock.passphrase("Am\u00e9lie 1"), all))).toEqual(small)
    expect(reason(await opened(disk, Unlock.passphrase("Amelie 1"), all))).toBe("secret")
    expect(reason(await opened(disk, one, all))).toBe("method")
    for (const text of ["", "\ud800", "x".repeat(Limits.maxPassphraseBytes + 1), "\u00e9".repeat(600)])
      expect(reason(await opened(disk, Unlock.passphrase(text), all))).toBe("invalid")
    alter(disk, (records) => {
      const header = records.get("vault/header")!
      const value = header.value.slice()
      value[40]! ^= 1
      records.set("vault/header", { ...header, value })
    })
    expect(reason(await opened(disk, Unlock.passphrase("Am\u00e9lie 1"), all))).toBe("damaged")
  })

  it("takes no cost out of bounds from its own program", async () => {
    for (const wrong of [
      { ...cost, memoryKiB: 8191 },
      { ...cost, passes: 1 },
      { ...cost, lanes: 17 }
    ])
      expect(reason(await opened(MemoryStore.makeDisk(), Unlock.passphrase("x"), all, { cost: wrong }))).toBe("defect")
  })

  it("shows neither keys of records nor values to the store below [vault.hidden.1] [vault.name.1]", async () => {
    const disk = MemoryStore.makeDisk()
    const secret = "the eagle lands at eight"
    success(
      await opened(disk, one, (store) =>
        store.commit([put("contact/deadbeefcafe", secret), put("contact/deadbeefcaff", secret), put("b", "")])
      )
    )
    const { records } = disk.snapshot()
    const raw = [...records.values()]
      .map(({ key, value }) => `${key} ${Buffer.from(value).toString("latin1")}`)
      .join("\n")
    for (const word of [secret, "contact", "deadbeef", "eagle"]) expect(raw).not.toContain(word)
    // Three records, header and ledger: counts show, and sizes of two short texts do not differ.
    const sizes = sealedKeys(disk).map((key) => records.get(key)!.value.length)
    expect([records.size, new Set(sizes).size]).toEqual([5, 1])
    expect(sealedKeys(disk).every((key) => /^vault\/r\/[0-9a-f]{32}$/.test(key))).toBe(true)
  })

  it("keeps values longer than a record of the store below [vault.record.1]", async () => {
    const disk = MemoryStore.makeDisk()
    const big = Uint8Array.from({ length: 1_048_576 }, (_, i) => i * 7 + (i >> 9))
    success(await opened(disk, one, (store) => store.commit([{ op: "put", key: "big", value: big }])))
    expect(sealedKeys(disk).length).toBe(2)
    expect(success(await opened(disk, one, (store) => store.get("big")))?.value).toEqual(big)
    success(
      await opened(disk, one, (store) =>
        store.commit([{ op: "put", key: "big", value: big.subarray(0, Limits.vaultPieceBytes) }])
      )
    )
    expect(sealedKeys(disk).length).toBe(1)
    success(await opened(disk, one, (store) => store.commit([{ op: "delete", key: "big" }])))
    expect(sealedKeys(disk).length).toBe(0)
  })

  it("is not made where it is not allowed, and not opened over records in the clear", async () => {
    const disk = MemoryStore.makeDisk()
    expect(reason(await opened(disk, one, all, { create: false }))).toBe("empty")
    expect(disk.snapshot().records.size).toBe(0)
    await Effect.runPromise(
      Effect.provide(
        Store.use((store) => store.commit([put("self", "x")])),
        disk.layer
      )
    )
    expect(reason(await opened(disk, one, all))).toBe("unsealed")
    expect([...disk.snapshot().records.keys()]).toEqual(["self"])
  })
})

describe("alterations of the store below", () => {
  const cases: ReadonlyArray<
    readonly [string, string, (records: Map<string, StoredRecord>, old: ReadonlyMap<string, StoredRecord>) => void]
  > = [
    [
      "two records exchanged [vault.record.3]",
      "damaged",
      (records) => {
        const [a, b] = [...records.keys()].filter((key) => key.startsWith("vault/r/"))
        const [x, y] = [records.get(a!)!, records.get(b!)!]
        records.set(a!, { ...x, value: y.value }).set(b!, { ...y, value: x.value })
      }
    ],
    [
      "one record put back as it was before [vault.ledger.3]",
      "rollback",
      (records, old) => {
        const key = [...old.keys()].find(
          (key) => key.startsWith("vault/r/") && !Bytes.equal(old.get(key)!.value, records.get(key)!.value)
        )!
        records.set(key, old.get(key)!)
      }
    ],
    [
      "one record removed [vault.ledger.3]",
      "rollback",
      (records) => {
        records.delete([...records.keys()].find((key) => key.startsWith("vault/r/"))!)
      }
    ],
    [
      "the ledger put back [vault.ledger.3]",
      "rollback",
      (records, old) => records.set("vault/ledger", old.get("vault/ledger")!)
    ],
    ["the ledger removed [vault.ledger.3]", "rollback", (records) => records.delete("vault/ledger")],
    [
      "the header put back after the secret was changed [vault.ledger.3]",
      "rollback",
      (records, old) => records.set("vault/header", old.get("vault/header")!)
    ],
    ["the header removed", "damaged", (records) => records.delete("vault/header")],
    [
      "a record under a key that is no id",
      "damaged",
      (records) => {
        const record = [...records.values()].find(({ key }) => key.startsWith("vault/r/"))!
        const key = `${record.key.slice(0, -1)}G`
        records.set(key, { ...record, key })
      }
    ],
    [
      "a record copied to another id [vault.record.3]",
      "damaged",
      (records) => {
        const record = [...records.values()].find(({ key }) => key.startsWith("vault/r/"))!
        const key = `vault/r/${"0".repeat(32)}`
        records.set(key, { ...record, key })
      }
    ],
    [
      "an empty record [vault.record.3]",
      "corrupt",
      (records) => {
        const record = [...records.values()].find(({ key }) => key.startsWith("vault/r/"))!
        records.set(record.key, { ...record, value: new Uint8Array(0) })
      }
    ]
  ]
  it.each(cases)("%s: %s", async (_, expected, change) => {
    const disk = MemoryStore.makeDisk()
    // The old header opens with the same secret: only the ledger tells it from the new one.
    await fill(disk)
    const old = disk.snapshot().records
    success(
      await opened(disk, one, (store, vault) =>
        Effect.andThen(vault.changeSecret(one), store.commit([put("p/1", "uno"), put("a", "alef"), put("p/2", "due")]))
      )
    )
    alter(disk, (records) => change(records, old))
    const before = disk.snapshot()
    expect(reason(await opened(disk, one, all))).toBe(expected)
    expect(disk.snapshot()).toEqual(before)
  })

  it("any flipped byte of header, ledger or records is noticed [vault.header.4] [vault.record.3]", async () => {
    const disk = MemoryStore.makeDisk()
    await fill(disk)
    const whole = disk.snapshot()
    for (const key of whole.records.keys()) {
      const { value } = whole.records.get(key)!
      for (let at = 0; at < value.length; at += 3) {
        disk.restore(whole)
        alter(disk, (records) => {
          const changed = value.slice()
          changed[at]! ^= 1 << (at % 8)
          records.set(key, { ...records.get(key)!, value: changed })
        })
        expect(["damaged", "corrupt", "version", "rollback"], `${key} ${at}`).toContain(
          reason(await opened(disk, one, all))
        )
      }
    }
  })

  it("the whole store put back opens as it was: only the fence can tell [vault.rollback.1]", async () => {
    const disk = MemoryStore.makeDisk()
    await fill(disk)
    const old = disk.snapshot()
    success(await opened(disk, one, (store) => store.commit([put("a", "later")])))
    disk.restore(old)
    expect(success(await opened(disk, one, all))).toEqual(small)
  })

  it("a record changed below while the vault is open is noticed when it is read [vault.ledger.4]", async () => {
    const records = new Map<string, StoredRecord>()
    let revision = 0
    const below = Store.of({
      get: (key) => Effect.sync(() => records.get(key)),
      scan: (prefix) => Effect.sync(() => [...records.values()].filter(({ key }) => key.startsWith(prefix))),
      commit: (writes) =>
        Effect.sync(() =>
          writes.flatMap((write) => {
            if (write.op === "delete") return (records.delete(write.key), [])
            records.set(write.key, { key: write.key, value: write.value.slice(), revision: ++revision })
            return [revision]
          })
        )
    })
    const program = Effect.gen(function* () {
      const { store } = yield* Vault.make({ cost })
      yield* store.commit([put("a", "old")])
      const old = new Map(records)
      yield* store.commit([put("a", "new")])
      const key = [...records.keys()].find((key) => key.startsWith("vault/r/"))!
      records.set(key, old.get(key)!)
      expect(Vault.causeOf(yield* Effect.flip(store.get("a")))?.reason).toBe("rollback")
      records.delete(key)
      expect(Vault.causeOf(yield* Effect.flip(store.scan("")))?.reason).toBe("rollback")
    })
    const ports = Layer.mergeAll(Layer.succeed(Store, below), base, Layer.succeed(UnlockSource, one))
    await Effect.runPromise(Effect.scoped(Effect.provide(program, ports)))
  })
})

describe("locking", () => {
  it("makes reads and commits fail until the secret is given again [vault.lock.1]", async () => {
    const disk = MemoryStore.makeDisk()
    await fill(disk)
    let asked = 0
    const counting = UnlockSource.of({
      secret: (question) =>
        Effect.andThen(
          Effect.sync(() => asked++),
          one.secret(question)
        )
    })
    success(
      await opened(disk, counting, (store, vault) =>
        Effect.gen(function* () {
          expect(yield* vault.status).toMatchObject({ locked: false, records: 3, method: "key", generation: 1 })
          yield* vault.lock
          yield* vault.lock
          expect(yield* vault.status).toMatchObject({ locked: true, records: undefined })
          for (const use of [
            store.get("a"),
            store.get("none"),
            store.scan(""),
            store.commit([put("a", "x")]),
            store.commit([])
          ]) {
            expect(Vault.causeOf(yield* Effect.flip(use as Effect.Effect<unknown, unknown>))?.reason).toBe("locked")
          }
          expect(Vault.causeOf(yield* Effect.flip(vault.changeSecret(one)))?.reason).toBe("locked")
          yield* vault.unlock
          yield* vault.unlock
          expect(asked).toBe(2)
          expect(yield* all(store)).toEqual(small)
          yield* store.commit([put("a", "after")])
          expect(texts([(yield* store.get("a"))!])).toEqual({ a: "after" })
        })
      )
    )
  })

  it("stays locked when the secret is wrong, and opens with the right one later [vault.lock.1]", async () => {
    const disk = MemoryStore.makeDisk()
    await fill(disk)
    let source: Source = one
    const changing = UnlockSource.of({ secret: (question) => source.secret(question) })
    success(
      await opened(disk, changing, (store, vault) =>
        Effect.gen(function* () {
          yield* vault.lock
          source = keyOf(9)
          expect(Vault.causeOf(yield* Effect.flip(vault.unlock))?.reason).toBe("secret")
          expect(Vault.causeOf(yield* Effect.flip(store.get("a")))?.reason).toBe("locked")
          source = one
          yield* vault.unlock
          expect(yield* all(store)).toEqual(small)
        })
      )
    )
  })

  it("overwrites the keys it held, and the secrets it was given [vault.lock.1] [vault.unlock.2]", async () => {
    const held: Array<Uint8Array> = []
    const watching = {
      ...crypto,
      hkdfExpand: (prk: Uint8Array, info: Uint8Array, length: number) => {
        if (!held.includes(prk)) held.push(prk)
        return crypto.hkdfExpand(prk, info, length)
      },
      hmacSha256: (key: Uint8Array, data: Uint8Array) => {
        if (!held.includes(key)) held.push(key)
        return crypto.hmacSha256(key, data)
      }
    }
    const given: Array<Uint8Array> = []
    const source = UnlockSource.of({
      secret: () =>
        Effect.sync(() => {
          const key = new Uint8Array(32).fill(5)
          given.push(key)
          return { type: "key", key }
        })
    })
    const disk = MemoryStore.makeDisk()
    const ports = Layer.mergeAll(
      disk.layer,
      Layer.succeed(Crypto, watching),
      Layer.orDie(EntropyLive.layer),
      Layer.succeed(UnlockSource, source)
    )
    const program = Effect.gen(function* () {
      const { store, vault } = yield* Vault.make({ cost })
      yield* store.commit([put("a", "x")])
      yield* vault.lock
      expect(held.length).toBeGreaterThan(4)
      expect([...held, ...given].filter((bytes) => !Bytes.isZero(bytes)).length).toBe(0)
    })
    await Effect.runPromise(Effect.scoped(Effect.provide(program, ports)))
  })
})

describe("changing the secret", () => {
  it("rewraps one key: the old secret opens no more, the new one does, records stay as they are [vault.passwd.1]", async () => {
    const disk = MemoryStore.makeDisk()
    await fill(disk)
    const before = disk.snapshot().records
    success(await opened(disk, one, (_, vault) => vault.changeSecret(Unlock.passphrase("much longer now"))))
    const after = disk.snapshot().records
    const changed = [...after.keys()].filter((key) => !Bytes.equal(after.get(key)!.value, before.get(key)!.value))
    expect(changed.sort()).toEqual(["vault/header", "vault/ledger"])
    expect(reason(await opened(disk, one, all))).toBe("method")
    expect(success(await opened(disk, Unlock.passphrase("much longer now"), all))).toEqual(small)
  })

  it("asks the source once for the old secret at opening, once more for the change, and a new vault once", async () => {
    const asked: Array<string> = []
    const counting = UnlockSource.of({
      secret: (question) =>
        Effect.andThen(
          Effect.sync(() => asked.push(question.purpose)),
          one.secret(question)
        )
    })
    const disk = MemoryStore.makeDisk()
    success(await opened(disk, counting, all))
    expect(asked).toEqual(["create"])
    success(await opened(disk, counting, (_, vault) => vault.changeSecret(counting)))
    expect(asked).toEqual(["create", "open", "open", "change"])
  })

  it("killed at its commit, leaves the old secret or the new one [vault.passwd.1]", async () => {
    for (const when of ["before", "after"] as const) {
      const disk = MemoryStore.makeDisk()
      await fill(disk)
      disk.fail({ operation: "commit", nth: 1, when })
      expect(reason(await opened(disk, one, (_, vault) => vault.changeSecret(keyOf(2))))).toBe("StoreError")
      const [old, next] = when === "before" ? [one, keyOf(2)] : [keyOf(2), one]
      expect(success(await opened(disk, old, all))).toEqual(small)
      expect(reason(await opened(disk, next, all))).toBe("secret")
    }
  })
})

describe("making, sealing, unsealing", () => {
  it("making is one commit: killed there, leaves an empty store or a vault [vault.create.1]", async () => {
    for (const when of ["before", "after"] as const) {
      const disk = MemoryStore.makeDisk()
      disk.fail({ operation: "commit", nth: 1, when })
      expect(reason(await opened(disk, one, all))).toBe("StoreError")
      expect(disk.snapshot().records.size).toBe(when === "before" ? 0 : 2)
      expect(success(await opened(disk, one, all))).toEqual({})
    }
  })

  const many = Object.fromEntries(
    Array.from({ length: 150 }, (_, i) => [`k/${String(i).padStart(4, "0")}`, `value ${i}`])
  )
  const plainDisk = async (): Promise<Disk> => {
    const disk = MemoryStore.makeDisk()
    const writes = Object.entries({ ...many, z: "last", A: "first" }).map(([key, text]) => put(key, text))
    await Effect.runPromise(
      Effect.provide(
        Store.use((store) => store.commit(writes)),
        disk.layer,
        { local: true }
      )
    )
    return disk
  }
  const everything = { ...many, z: "last", A: "first" }
  const plainOf = (disk: Disk) => Effect.runPromise(Effect.provide(Store.use(all), disk.layer, { local: true }))

  it("seals in place and back again, killed at every commit on the way [vault.seal.1]", async () => {
    // Count the commits of the undisturbed way first.
    const quiet = await plainDisk()
    const start = quiet.commits()
    expect(success(await opened(quiet, one, all, { seal: true }))).toEqual(everything)
    const sealing = quiet.commits() - start
    success(await unseal(quiet, one))
    const unsealing = quiet.commits() - start - sealing
    expect(await plainOf(quiet)).toEqual(everything)
    expect(sealing).toBeGreaterThan(3)
    expect(unsealing).toBeGreaterThan(3)
    for (const when of ["before", "after"] as const) {
      for (let nth = 1; nth <= sealing; nth++) {
        const disk = await plainDisk()
        disk.fail({ operation: "commit", nth, when })
        expect(reason(await opened(disk, one, all, { seal: true }))).toBe("StoreError")
        if (nth > 1) expect(reason(await opened(disk, keyOf(3), all, { seal: true }))).toBe("secret")
        expect(success(await opened(disk, one, all, { seal: true }))).toEqual(everything)
        expect([...disk.snapshot().records.keys()].filter((key) => !key.startsWith("vault/"))).toEqual([])
      }
      for (let nth = 1; nth <= unsealing; nth++) {
        const disk = await plainDisk()
        success(await opened(disk, one, all, { seal: true }))
        disk.fail({ operation: "commit", nth, when })
        expect(reason(await unseal(disk, one))).toBe("StoreError")
        const done = when === "after" && nth === unsealing
        if (!done) {
          if (nth > 1 || when === "after") expect(reason(await opened(disk, one, all))).toBe("unsealing")
          success(await unseal(disk, one))
        }
        expect(await plainOf(disk)).toEqual(everything)
      }
    }
  })

  it("a sealing that was not finished is not unsealed, and goes on without being told [vault.seal.1]", async () => {
    const disk = await plainDisk()
    disk.fail({ operation: "commit", nth: 2, when: "after" })
    expect(reason(await opened(disk, one, all, { seal: true }))).toBe("StoreError")
    expect(reason(await unseal(disk, one))).toBe("sealing")
    expect(success(await opened(disk, one, all))).toEqual(everything)
  })

  it("a client refuses a sealed store that was not opened as a vault, and writes nothing [vault.guard.1]", async () => {
    const disk = MemoryStore.makeDisk()
    await fill(disk)
    const before = disk.snapshot()
    const never = new Proxy({}, { get: () => Effect.die("not to be used") })
    const ports = Layer.mergeAll(
      disk.layer,
      base,
      Layer.succeed(Directory, never as Directory["Service"]),
      Layer.succeed(KeyCustody, never as KeyCustody["Service"])
    )
    const exit = await Effect.runPromiseExit(Effect.provide(register({ user: "alice", password: "x" }), ports))
    expect(reason(exit)).toBe("sealed")
    expect(disk.snapshot()).toEqual(before)
  })

  it("says what a store is without any secret", async () => {
    const states: Array<unknown> = []
    const look = (disk: Disk) =>
      Effect.runPromise(Effect.provide(Vault.inspect, Layer.mergeAll(disk.layer, base), { local: true }))
    const disk = MemoryStore.makeDisk()
    states.push(await look(disk))
    await fill(disk, Unlock.passphrase("p"))
    states.push(await look(disk), await look(await plainDisk()))
    expect(states).toMatchObject([
      { state: "empty" },
      { state: "sealed", method: "passphrase", cost, generation: 1 },
      { state: "unsealed" }
    ])
  })
})

describe("reading a secret out of bytes [vault.unlock.1]", () => {
  const parse = (given: Uint8Array | string, method: "passphrase" | "key" | undefined, kind?: Unlock.Kind) =>
    Effect.runPromise(
      Effect.match(
        Unlock.parse(
          typeof given === "string" ? Bytes.utf8Encode(given) : given,
          { purpose: "open", method },
          "a test",
          kind
        ),
        { onSuccess: (secret) => secret, onFailure: ({ reason }) => reason }
      )
    )
  const hex = "ab".repeat(32)
  const key = { type: "key", key: new Uint8Array(32).fill(0xab) }
  it.each([
    [hex, "key", key],
    [`${hex}\n`, "key", key],
    [`${hex}\r\n`, "key", key],
    [hex.toUpperCase(), "key", key],
    [new Uint8Array(32).fill(0xab), "key", key],
    [`${hex}\n\n`, "key", "invalid"],
    [hex.slice(2), "key", "invalid"],
    ["", "key", "none"],
    ["pass word \n", "passphrase", { type: "passphrase", passphrase: Bytes.utf8Encode("pass word ") }],
    ["pass", undefined, { type: "passphrase", passphrase: Bytes.utf8Encode("pass") }],
    [Uint8Array.of(0xff), "passphrase", "invalid"],
    ["", "passphrase", "none"]
  ] as const)("%j as %s", async (given, method, expected) => {
    expect(await parse(given, method)).toEqual(expected)
  })

  it("overwrites what it read", async () => {
    const given = Bytes.utf8Encode("pass")
    await parse(given, "passphrase")
    expect(Bytes.isZero(given)).toBe(true)
  })
})
