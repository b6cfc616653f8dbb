/**
 * The contract of the KeyCustody port as tests, for everybody who writes an adapter.
 *
 * Spec: docs/spec/04-accounts.md §4.1 rules custody.keys.1, handover.seal.1–2; the port is ports/KeyCustody.ts.
 * Brings no test runner along, as testing/StoreContract.ts. Signatures and agreements are checked from outside with a provider of the
 * caller's choice; the private keys are never seen.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Bytes from "../base/Bytes.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import { type CustodyError, KeyCustody, type PublicKeys } from "../ports/KeyCustody.ts"
import type { TestRunner } from "./StoreContract.ts"

/** A place that can hold the keys of one device, none at first. */
export interface CustodyPlace {
  /** Opens the custody of this place. The suite builds it afresh for every opening (`Layer.fresh`). */
  readonly layer: Layer.Layer<KeyCustody, unknown>
  /** Whether the keys are gone when no custody is open (default: they stay). */
  readonly volatile?: boolean
}

export interface CustodyContractOptions extends TestRunner {
  /** Verifies signatures and agrees from the other side. */
  readonly crypto: CryptoProvider
  /** Longest time one test may take, in ms. Default 20,000. */
  readonly timeoutMs?: number
}

type Custody = KeyCustody["Service"]

/** Registers the suite. `makePlace` is called once for every test. */
export const custodyContract = (name: string, makePlace: () => CustodyPlace, options: CustodyContractOptions): void => {
  const { crypto, describe, expect, timeoutMs = 20_000 } = options

  const using = <A, E>(
    place: CustodyPlace,
    body: (custody: Custody) => Effect.Effect<A, E>
  ): Effect.Effect<A, unknown> =>
    Effect.scoped(Effect.provide(Effect.flatMap(KeyCustody, body), Layer.fresh(place.layer)))

  const it = (
    title: string,
    body: (custody: Custody, place: CustodyPlace) => Generator<Effect.Effect<unknown, unknown>, void, never>
  ): void => {
    options.it(
      title,
      () =>
        Effect.runPromise(
          Effect.suspend(() => {
            const place = makePlace()
            return using(place, (custody) => Effect.gen(() => body(custody, place)))
          })
        ),
      timeoutMs
    )
  }

  /** The reason a custody gives, or "success". */
  const reason = (effect: Effect.Effect<unknown, CustodyError>): Effect.Effect<string> =>
    Effect.map(Effect.exit(effect), (exit) =>
      Exit.isSuccess(exit) ? "success" : ((Cause.squash(exit.cause) as CustodyError).reason ?? "not a CustodyError")
    )

  const hex = (keys: PublicKeys): ReadonlyArray<string> =>
    [keys.account, keys.alias, keys.device, keys.agreement].map(Bytes.toHex)

  const key = crypto.sha256(Uint8Array.of(1))
  const ad = crypto.sha256(Uint8Array.of(2))

  const message = Bytes.utf8Encode("a message of the contract")

  describe(`custody contract: ${name}`, () => {
    it("an empty custody has no keys, for any purpose", function* (custody) {
      expect(yield* reason(custody.publicKeys)).toEqual("no-keys")
      expect(yield* reason(custody.signWithAccount(message))).toEqual("no-keys")
      expect(yield* reason(custody.signWithDevice(message))).toEqual("no-keys")
      expect(yield* reason(custody.agree(new Uint8Array(32).fill(9)))).toEqual("no-keys")
    })

    it("makes four different keys of 32 bytes and tells the same ones ever after [account.keys.1] [device.keys.1]", function* (custody) {
      const made = yield* custody.create
      expect([made.account, made.alias, made.device, made.agreement].map((key) => key.length)).toEqual([32, 32, 32, 32])
      expect(new Set(hex(made)).size).toEqual(4)
      expect(hex(yield* custody.publicKeys)).toEqual(hex(made))
    })

    it("two custodies have no key in common", function* (custody) {
      const other = yield* using(makePlace(), ({ create }) => create)
      expect(new Set([...hex(yield* custody.create), ...hex(other)]).size).toEqual(8)
    })

    it("makes keys once: a second making is refused and changes nothing", function* (custody) {
      const made = yield* custody.create
      expect(yield* reason(custody.create)).toEqual("exists")
      expect(hex(yield* custody.publicKeys)).toEqual(hex(made))
    })

    it("of makings at the same time exactly one succeeds", function* (custody) {
      const reasons = yield* Effect.all(
        Array.from({ length: 16 }, () => reason(custody.create)),
        { concurrency: "unbounded" }
      )
      expect(reasons.toSorted()).toEqual([...Array.from({ length: 15 }, () => "exists"), "success"])
      const signature = yield* custody.signWithAccount(message)
      const { account } = yield* custody.publicKeys
      expect(crypto.ed25519Verify(account, message, signature)).toEqual(true)
    })

    it("signs exactly the given bytes, each key for itself", function* (custody) {
      const { account, alias, device } = yield* custody.create
      for (const bytes of [message, Bytes.empty, new Uint8Array(100_000).fill(7)]) {
        const byAccount = yield* custody.signWithAccount(bytes)
        const byDevice = yield* custody.signWithDevice(bytes)
        expect([byAccount.length, byDevice.length]).toEqual([64, 64])
        expect([account, device, alias].map((key) => crypto.ed25519Verify(key, bytes, byAccount))).toEqual([
          true,
          false,
          false
        ])
        expect([account, device, alias].map((key) => crypto.ed25519Verify(key, bytes, byDevice))).toEqual([
          false,
          true,
          false
        ])
        expect(crypto.ed25519Verify(account, Bytes.concat(bytes, Uint8Array.of(0)), byAccount)).toEqual(false)
      }
    })

    it("agrees with another key as that one agrees with it", function* (custody) {
      const { agreement } = yield* custody.create
      for (let i = 1; i <= 3; i++) {
        const secret = crypto.sha256(Uint8Array.of(i))
        const shared = yield* custody.agree(crypto.x25519PublicKey(secret))
        const expected = crypto.x25519(secret, agreement)
        expect([shared?.length, shared && Bytes.toHex(shared)]).toEqual([32, expected && Bytes.toHex(expected)])
      }
    })

    it("an agreement that is all zero, or with no key at all, is undefined", function* (custody) {
      yield* custody.create
      const lowOrder = [new Uint8Array(32), Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))]
      for (const key of [...lowOrder, new Uint8Array(31).fill(9), new Uint8Array(33).fill(9), Bytes.empty]) {
        expect(yield* custody.agree(key)).toEqual(undefined)
      }
    })

    it("what it returns belongs to the caller", function* (custody) {
      const made = yield* custody.create
      const before = hex(made)
      for (const key of [made.account, made.alias, made.device, made.agreement]) key.fill(0)
      const again = yield* custody.publicKeys
      expect(hex(again)).toEqual(before)
      again.device.fill(0)
      ;(yield* custody.signWithDevice(message)).fill(0)
      expect(hex(yield* custody.publicKeys)).toEqual(before)
      const { device } = yield* custody.publicKeys
      expect(crypto.ed25519Verify(device, message, yield* custody.signWithDevice(message))).toEqual(true)
    })

    it("the keys outlive the custody", function* (custody, place) {
      if (place.volatile === true) return
      const closed = makePlace()
      const made = yield* using(closed, ({ create }) => create)
      yield* using(closed, (again) =>
        Effect.gen(function* () {
          expect(hex(yield* again.publicKeys)).toEqual(hex(made))
          expect(crypto.ed25519Verify(made.account, message, yield* again.signWithAccount(message))).toEqual(true)
          expect(yield* reason(again.create)).toEqual("exists")
        })
      )
      expect(yield* reason(custody.publicKeys)).toEqual("no-keys")
    })

    it("a closed custody signs and agrees no more", function* (_, place) {
      if (place.volatile === true) return
      const custody = yield* using(makePlace(), (open) => Effect.as(open.create, open))
      for (const use of [
        custody.publicKeys,
        custody.signWithAccount(message),
        custody.signWithDevice(message),
        custody.agree(new Uint8Array(32).fill(9)),
        custody.create,
        custody.createDevice,
        custody.deviceKeys,
        custody.joinAccount({ account: key, alias: ad }),
        custody.sealAccount(key, ad),
        custody.openAccount(key, ad, Bytes.empty, { account: key, alias: ad }),
        custody.forget
      ]) {
        expect(["locked", "backend"].includes(yield* reason(use))).toEqual(true)
      }
    })

    it("a device that is to be linked has its own keys and no account [custody.keys.1]", function* (custody) {
      const made = yield* custody.createDevice
      expect([made.device.length, made.agreement.length]).toEqual([32, 32])
      expect(Object.values(yield* custody.deviceKeys).map(Bytes.toHex)).toEqual(Object.values(made).map(Bytes.toHex))
      expect(yield* reason(custody.publicKeys)).toEqual("no-keys")
      expect(yield* reason(custody.signWithAccount(message))).toEqual("no-account-key")
      expect(yield* reason(custody.sealAccount(key, ad))).toEqual("no-account-key")
      expect([yield* reason(custody.create), yield* reason(custody.createDevice)]).toEqual(["exists", "exists"])
      expect(crypto.ed25519Verify(made.device, message, yield* custody.signWithDevice(message))).toEqual(true)
      const shared = yield* custody.agree(crypto.x25519PublicKey(key))
      const expected = crypto.x25519(key, made.agreement)
      expect(shared && Bytes.toHex(shared)).toEqual(expected && Bytes.toHex(expected))
    })

    it("a member knows its account and does not sign for it [custody.keys.1]", function* (custody) {
      const made = yield* custody.createDevice
      const account = { account: crypto.sha256(Uint8Array.of(3)), alias: crypto.sha256(Uint8Array.of(4)) }
      const joined = yield* custody.joinAccount(account)
      expect(hex(joined)).toEqual([account.account, account.alias, made.device, made.agreement].map(Bytes.toHex))
      expect(hex(yield* custody.publicKeys)).toEqual(hex(joined))
      expect(yield* reason(custody.signWithAccount(message))).toEqual("no-account-key")
      expect(yield* reason(custody.sealAccount(key, ad))).toEqual("no-account-key")
      expect(hex(yield* custody.joinAccount(account))).toEqual(hex(joined))
      expect(yield* reason(custody.joinAccount({ ...account, alias: key }))).toEqual("exists")
      expect(hex(yield* custody.publicKeys)).toEqual(hex(joined))
    })

    it("an empty custody joins nothing, opens nothing and seals nothing [custody.keys.1]", function* (custody) {
      const account = { account: ad, alias: key }
      expect(yield* reason(custody.joinAccount(account))).toEqual("no-keys")
      expect(yield* reason(custody.openAccount(key, ad, Bytes.empty, account))).toEqual("no-keys")
      expect(yield* reason(custody.sealAccount(key, ad))).toEqual("no-keys")
      expect(yield* reason(custody.deviceKeys)).toEqual("no-keys")
    })

    it("an account handed over sealed signs as before, on either device [handover.seal.1]", function* (custody) {
      const owner = yield* custody.create
      const sealed = yield* custody.sealAccount(key, ad)
      expect(Bytes.toHex(yield* custody.sealAccount(key, ad)) === Bytes.toHex(sealed)).toEqual(false)
      const other = yield* using(makePlace(), (second) =>
        Effect.gen(function* () {
          const device = yield* second.createDevice
          const keys = yield* second.openAccount(key, ad, sealed, owner)
          expect(hex(keys)).toEqual([owner.account, owner.alias, device.device, device.agreement].map(Bytes.toHex))
          expect(hex(yield* second.openAccount(key, ad, sealed, owner))).toEqual(hex(keys))
          // What was handed over can be handed on.
          expect((yield* second.sealAccount(key, ad)).length).toEqual(sealed.length)
          return yield* second.signWithAccount(message)
        })
      )
      expect(Bytes.toHex(other)).toEqual(Bytes.toHex(yield* custody.signWithAccount(message)))
      expect(crypto.ed25519Verify(owner.account, message, other)).toEqual(true)
    })

    it("a sealed account opens under its key, for its purpose and as the account it is, or changes nothing [handover.seal.2]", function* (custody) {
      const owner = yield* custody.create
      const sealed = yield* custody.sealAccount(key, ad)
      const stranger = { account: key, alias: owner.alias }
      yield* using(makePlace(), (second) =>
        Effect.gen(function* () {
          yield* second.createDevice
          const damaged = Array.from({ length: sealed.length }, (_, at) => sealed.map((b, i) => (i === at ? b ^ 1 : b)))
          const attempts: ReadonlyArray<Parameters<Custody["openAccount"]>> = [
            [ad, ad, sealed, owner],
            [key, key, sealed, owner],
            [key, ad, sealed, stranger],
            [key, ad, sealed, { account: owner.account, alias: key }],
            [key, ad, Bytes.empty, owner],
            [key, ad, Bytes.concat(sealed, Uint8Array.of(0)), owner],
            ...damaged.map((bytes): Parameters<Custody["openAccount"]> => [key, ad, bytes, owner])
          ]
          for (const attempt of attempts) expect(yield* reason(second.openAccount(...attempt))).toEqual("unopened")
          expect(yield* reason(second.publicKeys)).toEqual("no-keys")
          yield* second.openAccount(key, ad, sealed, owner)
          yield* second.signWithAccount(message)
        })
      )
      // Nobody's second account.
      const third = makePlace()
      yield* using(third, (one) =>
        Effect.gen(function* () {
          const own = yield* one.create
          expect(yield* reason(one.openAccount(key, ad, sealed, owner))).toEqual("exists")
          expect(hex(yield* one.publicKeys)).toEqual(hex(own))
        })
      )
    })

    it("what was joined outlives the custody; what was forgotten does not come back", function* (custody, place) {
      if (place.volatile === true) return
      const owner = yield* custody.create
      const sealed = yield* custody.sealAccount(key, ad)
      const closed = makePlace()
      const device = yield* using(closed, ({ createDevice }) => createDevice)
      const member = yield* using(closed, (again) => again.joinAccount(owner))
      yield* using(closed, (again) =>
        Effect.gen(function* () {
          expect(hex(yield* again.publicKeys)).toEqual(hex(member))
          expect(Bytes.toHex((yield* again.deviceKeys).device)).toEqual(Bytes.toHex(device.device))
          expect(yield* reason(again.signWithAccount(message))).toEqual("no-account-key")
          yield* again.openAccount(key, ad, sealed, owner)
        })
      )
      yield* using(closed, (again) =>
        Effect.gen(function* () {
          const signature = yield* again.signWithAccount(message)
          expect(crypto.ed25519Verify(owner.account, message, signature)).toEqual(true)
          yield* again.forget
          expect(yield* reason(again.publicKeys)).toEqual("no-keys")
          expect(yield* reason(again.signWithDevice(message))).toEqual("no-keys")
          yield* again.forget
        })
      )
      yield* using(closed, (again) =>
        Effect.gen(function* () {
          expect(yield* reason(again.deviceKeys)).toEqual("no-keys")
          const anew = yield* again.createDevice
          expect(Bytes.toHex(anew.device) === Bytes.toHex(device.device)).toEqual(false)
        })
      )
    })

    it("many uses at the same time do not mix", function* (custody) {
      const { device } = yield* custody.create
      const verified = yield* Effect.all(
        Array.from({ length: 64 }, (_, i) =>
          Effect.map(custody.signWithDevice(Uint8Array.of(i)), (signature) =>
            crypto.ed25519Verify(device, Uint8Array.of(i), signature)
          )
        ),
        { concurrency: "unbounded" }
      )
      expect(verified.every((one) => one)).toEqual(true)
    })
  })
}
