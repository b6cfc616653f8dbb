/**
 * The contract of the AttachmentStore port as tests, for everybody who writes an adapter.
 *
 * Spec: docs/spec/11-attachments.md §11.4; the port is ports/AttachmentStore.ts.
 * Brings no test runner along. The bytes are of the suite's own making: that they are sealed is not a store's business.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Bytes from "../base/Bytes.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import type { AttachmentStore, AttachmentStoreError } from "../ports/AttachmentStore.ts"
import type { RelayContractOptions } from "./RelayPlace.ts"

/** An empty store for one test. */
export interface AttachmentPlace {
  readonly crypto: CryptoProvider
  readonly store: AttachmentStore["Service"]
  /** The same store as somebody without any account sees it, where that differs: for reading. */
  readonly stranger?: AttachmentStore["Service"]
  /** Longest file it takes, bytes; the suite uploads one byte more in vain. */
  readonly maxBytes: number
  /** Bytes it takes in all, at most a few times `maxBytes`; left out where that cannot be tried. */
  readonly totalBytes?: number
}

/** Registers the suite. A store is made for every test. */
export const attachmentStoreContract = (
  name: string,
  makePlace: () => Effect.Effect<AttachmentPlace, unknown, Scope.Scope>,
  { describe, expect, it, timeoutMs = 20_000 }: RelayContractOptions
): void => {
  const on = (
    title: string,
    run: (place: AttachmentPlace) => Generator<Effect.Effect<unknown, unknown, Scope.Scope>, void, never>
  ): void => {
    it(
      title,
      () =>
        Effect.runPromise(
          Effect.scoped(Effect.flatMap(Effect.suspend(makePlace), (place) => Effect.gen(() => run(place))))
        ),
      timeoutMs
    )
  }
  const secretOf = (n: number): Uint8Array => new Uint8Array(32).fill(n)
  const bytesOf = (length: number, seed = 1): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * seed + 7) & 0xff)
  const reasonOf = <A, R>(effect: Effect.Effect<A, AttachmentStoreError, R>): Effect.Effect<string, never, R> =>
    Effect.match(effect, { onFailure: ({ reason }) => reason, onSuccess: () => "success" })
  const upload = ({ crypto, store }: AttachmentPlace, n: number, bytes: Uint8Array) =>
    Effect.gen(function* () {
      yield* store.begin({ secret: secretOf(n), size: bytes.length })
      yield* store.append(secretOf(n), 0, bytes)
      const id = crypto.sha256(bytes)
      const { expiresAt } = yield* store.complete(secretOf(n), id)
      return { id, expiresAt, size: bytes.length }
    })
  const read = (store: AttachmentStore["Service"], id: Uint8Array, size: number, from = 0, to = size) =>
    Effect.map(Stream.runCollect(store.read({ place: store.place, id, size, from, to })), (parts) =>
      Bytes.concat(...parts)
    )

  describe(`attachment store contract: ${name}`, () => {
    on(
      "what was uploaded in pieces is given whole, and in every part [attachment.store.1] [attachment.store.2]",
      function* ({ crypto, store }) {
        const bytes = bytesOf(200_000)
        const secret = secretOf(1)
        expect((yield* store.begin({ secret, size: bytes.length })).offset).toEqual(0)
        for (const [from, to] of [
          [0, 1],
          [1, 100_001],
          [100_001, 200_000]
        ] as const) {
          expect(yield* store.append(secret, from, bytes.subarray(from, to))).toEqual(to)
        }
        const id = crypto.sha256(bytes)
        yield* store.complete(secret, id)
        expect(Bytes.equal(yield* read(store, id, bytes.length), bytes)).toEqual(true)
        for (const [from, to] of [
          [0, 1],
          [199_999, 200_000],
          [65_000, 140_000]
        ] as const) {
          expect([from, Bytes.equal(yield* read(store, id, bytes.length, from, to), bytes.subarray(from, to))]).toEqual(
            [from, true]
          )
        }
      }
    )

    on(
      "bytes at another offset change nothing and are answered with the right one [attachment.store.2]",
      function* ({ crypto, store }) {
        const bytes = bytesOf(1_000)
        const secret = secretOf(1)
        yield* store.begin({ secret, size: bytes.length })
        yield* store.append(secret, 0, bytes.subarray(0, 400))
        expect(yield* store.append(secret, 0, bytes.subarray(0, 400))).toEqual(400)
        expect(yield* store.append(secret, 500, bytes.subarray(500))).toEqual(400)
        expect((yield* store.begin({ secret, size: bytes.length })).offset).toEqual(400)
        expect(yield* reasonOf(store.append(secret, 400, bytesOf(601)))).toEqual("too-large")
        expect(yield* reasonOf(store.complete(secret, crypto.sha256(bytes)))).toEqual("missing")
        const { offset } = yield* store.begin({ secret, size: bytes.length })
        expect(yield* store.append(secret, offset, bytes.subarray(offset))).toEqual(1_000)
        yield* store.complete(secret, crypto.sha256(bytes))
        expect(Bytes.equal(yield* read(store, crypto.sha256(bytes), 1_000), bytes)).toEqual(true)
      }
    )

    on("an upload whose hash is not its id is discarded [attachment.store.3]", function* ({ crypto, store }) {
      const bytes = bytesOf(5_000)
      const secret = secretOf(1)
      yield* store.begin({ secret, size: bytes.length })
      yield* store.append(secret, 0, bytes)
      expect(yield* reasonOf(store.complete(secret, crypto.sha256(bytesOf(5_001))))).toEqual("mismatch")
      expect(yield* reasonOf(store.append(secret, 5_000, bytesOf(1)))).toEqual("missing")
      expect(yield* reasonOf(store.complete(secret, crypto.sha256(bytes)))).toEqual("missing")
      expect(yield* reasonOf(read(store, crypto.sha256(bytes), 5_000))).toEqual("missing")
    })

    on(
      "a complete file does not change, and ending it again is answered as before [attachment.store.3]",
      function* (place) {
        const bytes = bytesOf(3_000)
        const { expiresAt, id } = yield* upload(place, 1, bytes)
        const { store } = place
        expect(expiresAt > (yield* Clock.currentTimeMillis)).toEqual(true)
        expect((yield* store.complete(secretOf(1), id)).expiresAt).toEqual(expiresAt)
        expect((yield* store.begin({ secret: secretOf(1), size: 3_000 })).offset).toEqual(3_000)
        expect(yield* store.append(secretOf(1), 0, bytesOf(10))).toEqual(3_000)
        expect(Bytes.equal(yield* read(store, id, 3_000), bytes)).toEqual(true)
      }
    )

    on(
      "nothing is given of what is not complete, was never there, or is of another size [attachment.store.3]",
      function* (place) {
        const { crypto, store } = place
        const bytes = bytesOf(2_000)
        yield* store.begin({ secret: secretOf(1), size: bytes.length })
        yield* store.append(secretOf(1), 0, bytes)
        expect(yield* reasonOf(read(store, crypto.sha256(bytes), 2_000))).toEqual("missing")
        expect(yield* reasonOf(read(store, new Uint8Array(32), 2_000))).toEqual("missing")
        const { id } = yield* upload(place, 2, bytesOf(1_500, 3))
        expect(yield* reasonOf(read(store, id, 1_501))).toEqual("answer")
        expect(yield* reasonOf(store.append(secretOf(9), 0, bytes))).toEqual("missing")
      }
    )

    on("whoever has the secret deletes it, complete or not [attachment.store.1]", function* (place) {
      const { store } = place
      const { id, size } = yield* upload(place, 1, bytesOf(2_000))
      yield* store.remove(secretOf(2))
      expect(yield* reasonOf(read(store, id, size))).toEqual("success")
      yield* store.remove(secretOf(1))
      yield* store.remove(secretOf(1))
      expect(yield* reasonOf(read(store, id, size))).toEqual("missing")
      yield* store.begin({ secret: secretOf(3), size: 10 })
      yield* store.remove(secretOf(3))
      expect(yield* reasonOf(store.append(secretOf(3), 0, bytesOf(10)))).toEqual("missing")
    })

    on(
      "it expires when the uploader said, if the store does not say earlier [attachment.store.4]",
      function* ({ crypto, store }) {
        const now = yield* Clock.currentTimeMillis
        const bytes = bytesOf(100)
        const begin = (n: number, expiresAt: number) => store.begin({ secret: secretOf(n), size: 100, expiresAt })
        expect((yield* begin(1, now + 60_000)).expiresAt).toEqual(now + 60_000)
        expect((yield* begin(2, Number.MAX_SAFE_INTEGER)).expiresAt < now + 367 * 86_400_000).toEqual(true)
        yield* begin(3, now - 1)
        expect(yield* reasonOf(store.append(secretOf(3), 0, bytes))).toEqual("missing")
        expect(yield* reasonOf(read(store, crypto.sha256(bytes), 100))).toEqual("missing")
      }
    )

    on(
      "a file that is too large is refused before it begins; the largest is taken [attachment.store.5]",
      function* (place) {
        const { maxBytes, store } = place
        expect(yield* reasonOf(store.begin({ secret: secretOf(1), size: maxBytes + 1 }))).toEqual("too-large")
        const { id } = yield* upload(place, 2, bytesOf(maxBytes))
        expect((yield* read(store, id, maxBytes, maxBytes - 1, maxBytes)).length).toEqual(1)
      }
    )

    on(
      "it keeps so much and no more, until something goes [attachment.store.5]",
      function* ({ maxBytes, store, totalBytes }) {
        if (totalBytes === undefined) return
        const count = Math.floor(totalBytes / maxBytes)
        for (let n = 1; n <= count; n++) yield* store.begin({ secret: secretOf(n), size: maxBytes })
        expect(yield* reasonOf(store.begin({ secret: secretOf(99), size: maxBytes }))).toEqual("quota")
        yield* store.remove(secretOf(1))
        expect(yield* reasonOf(store.begin({ secret: secretOf(99), size: maxBytes }))).toEqual("success")
      }
    )

    on(
      "whoever knows the id fetches, without an account; other places are not fetched from [attachment.grant.2] [attachment.place.1]",
      function* (place) {
        const { store, stranger = store } = place
        const bytes = bytesOf(4_000)
        const { id } = yield* upload(place, 1, bytes)
        expect(Bytes.equal(yield* read(stranger, id, 4_000), bytes)).toEqual(true)
        const elsewhere = { place: "https://elsewhere.example/v1/attachments", id, size: 4_000, from: 0, to: 4_000 }
        expect(yield* reasonOf(Stream.runDrain(stranger.read(elsewhere)))).toEqual("place")
      }
    )
  })
}
