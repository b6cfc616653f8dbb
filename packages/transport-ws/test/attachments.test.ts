/** The relay's HTTP of sealed files: its contract through the adapter, and what the adapter cannot be made to ask. */
import { AttachmentStore, Crypto, Directory, KeyCustody, Transport, UploadGrants } from "@tacit/core"
import { Bytes } from "@tacit/core/hazmat"
import { attachmentStoreContract, FixtureAccount } from "@tacit/core/testing"
import { makeRelay, type RelayHandle } from "@tacit/relay"
import { layer, layerAttachments } from "@tacit/transport-ws"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { crypto, patience } from "./place.ts"
import * as FaultyProxy from "./FaultyProxy.ts"

const sizes = { fileBytes: 300_000, totalBytes: 1_000_000, accountBytesPerDay: 20_000_000 }

interface Site {
  readonly relay: RelayHandle
  readonly proxy: FaultyProxy.FaultyProxy
  readonly folder: string
  readonly place: string
  readonly grants: UploadGrants["Service"]
  readonly store: AttachmentStore["Service"]
  readonly stranger: AttachmentStore["Service"]
}

/** A relay behind a proxy, with a registered device. */
const makeSite = (limits: object = {}): Effect.Effect<Site, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "tacit-files-test-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
    )
    const relay = yield* makeRelay({
      database: ":memory:",
      attachments: { folder: join(folder, "files"), ...sizes, ...limits },
      limits: { shutdownMs: 500 }
    })
    const proxy = yield* FaultyProxy.make(relay.port)
    const url = `ws://127.0.0.1:${proxy.port}`
    const account = FixtureAccount.makeAccount(crypto, "alice")
    const device = account.addDevice()
    const keys = Layer.mergeAll(Layer.succeed(KeyCustody, device.custody), Layer.succeed(Crypto, crypto))
    const services = yield* Layer.build(Layer.provide(Layer.fresh(layer({ url, ...patience })), keys))
    const password = yield* relay.invite("alice")
    yield* Context.get(services, Directory).register(FixtureAccount.registration(account, device, "alice", password))
    yield* Context.get(services, Transport).open({ generation: 1, startId: device.startId })
    const grants = Context.get(services, UploadGrants)
    const nobody = Layer.succeed(UploadGrants, { issue: () => Effect.die(new Error("a stranger asks for nothing")) })
    const strangers = yield* Layer.build(Layer.provide(layerAttachments({ url }), nobody))
    const store = Context.get(services, AttachmentStore)
    return {
      relay,
      proxy,
      folder,
      place: store.place,
      grants,
      store,
      stranger: Context.get(strangers, AttachmentStore)
    }
  }).pipe(Effect.provide(Logger.layer([])))

attachmentStoreContract(
  "HTTP of a relay",
  () =>
    Effect.map(makeSite(), ({ store, stranger }) => ({
      crypto,
      store,
      stranger,
      maxBytes: sizes.fileBytes,
      totalBytes: sizes.totalBytes
    })),
  { describe, it, expect }
)

const run = <A>(body: (site: Site) => Effect.Effect<A, unknown, Scope.Scope>, limits: object = {}): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(makeSite(limits), body)))
const secretOf = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7) & 0xff)
const reasonOf = <A, E extends { readonly reason: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.match(effect, { onFailure: ({ reason }) => reason, onSuccess: () => "success" })
const upload = ({ store }: Site, bytes: Uint8Array, n = 1) =>
  Effect.gen(function* () {
    yield* store.begin({ secret: secretOf(n), size: bytes.length })
    yield* store.append(secretOf(n), 0, bytes)
    const id = crypto.sha256(bytes)
    yield* store.complete(secretOf(n), id)
    return Bytes.toHex(id)
  })
const status = (url: string, init: RequestInit = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url, init)
    const text = await response.text()
    return [response.status, text.startsWith("{") ? JSON.parse(text) : text.length, response.headers] as const
  })

describe("HTTP of sealed files", () => {
  it("an upload begins with a grant, once, for no more than its size [attachment.grant.1] [attachment.http.1]", () =>
    run(({ grants, place }) =>
      Effect.gen(function* () {
        const post = (n: number, size: number, grant?: Uint8Array) =>
          status(place, {
            method: "POST",
            headers: {
              "tacit-upload": Bytes.toHex(secretOf(n)),
              "tacit-size": String(size),
              ...(grant === undefined ? {} : { "tacit-grant": Bytes.toHex(grant) })
            }
          })
        expect((yield* post(1, 100)).slice(0, 2)).toEqual([401, { error: "grant" }])
        expect((yield* post(1, 100, new Uint8Array(16)))[0]).toBe(401)
        const { grant, until } = yield* grants.issue(100)
        expect(until).toBeGreaterThan(Date.now())
        expect((yield* post(1, 101, grant))[0]).toBe(401)
        const [code, begun] = yield* post(1, 100, grant)
        expect([code, begun.offset]).toEqual([201, 0])
        expect((yield* post(2, 100, grant))[0]).toBe(401)
        expect((yield* post(1, 100))[0]).toBe(200)
        expect((yield* post(1, 99))[0]).toBe(400)
        expect((yield* post(3, 0, grant))[0]).toBe(400)
      })
    ))

  it("an account is given so much in a day, and files that fit [attachment.grant.1] [attachment.store.5]", () =>
    run(
      ({ grants }) =>
        Effect.gen(function* () {
          const code = (size: number) =>
            Effect.match(grants.issue(size), {
              onFailure: (error) => (error._tag === "Refused" ? [error.code, error.retryAfterMs > 0] : [error._tag]),
              onSuccess: () => ["granted"]
            })
          expect(yield* code(300_001)).toEqual(["too-large", false])
          for (let i = 0; i < 3; i++) expect(yield* code(300_000)).toEqual(["granted"])
          expect(yield* code(300_000)).toEqual(["quota", true])
        }),
      { accountBytesPerDay: 1_000_000 }
    ))

  it("speaks HTTP as it says: ranges, methods, offsets, pages of other origins [attachment.http.2] [attachment.http.3] [attachment.http.4] [attachment.http.5] [attachment.http.6] [attachment.store.1] [attachment.store.3]", () =>
    run((site) =>
      Effect.gen(function* () {
        const { place, store } = site
        const bytes = bytesOf(1_000)
        const id = yield* upload(site, bytes)
        const get = (range: string) => status(`${place}/${id}`, { headers: { range } })
        const [whole, length, headers] = yield* status(`${place}/${id}`)
        expect([whole, length, headers.get("accept-ranges")]).toEqual([200, 1_000, "bytes"])
        expect(headers.get("access-control-allow-origin")).toBe("*")
        for (const [range, code, told] of [
          ["bytes=0-0", 206, "bytes 0-0/1000"],
          ["bytes=990-2000", 206, "bytes 990-999/1000"],
          ["bytes=-5", 206, "bytes 995-999/1000"],
          ["bytes=1000-", 416, "bytes */1000"],
          ["bytes=-0", 416, "bytes */1000"],
          ["bytes=0-1,4-5", 200, null],
          ["pages=1-2", 200, null]
        ] as const) {
          const [answer, , answered] = yield* get(range)
          expect([range, answer, answered.get("content-range")]).toEqual([range, code, told])
        }
        const [head, nothing, told] = yield* status(`${place}/${id}`, { method: "HEAD" })
        expect([head, nothing, told.get("content-length")]).toEqual([200, 0, "1000"])
        expect((yield* status(`${place}/${"0".repeat(64)}`))[0]).toBe(404)
        expect((yield* status(`${place}/../health`))[0]).toBe(404)
        expect((yield* status(`${place}/x`))[0]).toBe(404)
        expect((yield* status(place, { method: "PUT" }))[0]).toBe(405)
        expect((yield* status(place, { method: "PATCH" }))[0]).toBe(400)
        expect((yield* status(place, { method: "DELETE", headers: { "tacit-upload": "00" } }))[0]).toBe(400)
        const options = yield* status(`${place}/${id}`, { method: "OPTIONS" })
        expect([options[0], options[2].get("access-control-allow-methods")?.includes("PATCH")]).toEqual([204, true])
        // An upload of 10 bytes.
        yield* store.begin({ secret: secretOf(2), size: 10 })
        const upload2 = { "tacit-upload": Bytes.toHex(secretOf(2)) }
        const patch = (offset: string, body: string) =>
          status(place, { method: "PATCH", headers: { ...upload2, "tacit-offset": offset }, body })
        expect((yield* patch("3", "abc")).slice(0, 2)).toEqual([409, { error: "offset", offset: 0 }])
        expect((yield* patch("0", "abc")).slice(0, 2)).toEqual([200, { offset: 3 }])
        expect((yield* patch("x", "abc"))[0]).toBe(400)
        const put = (name: string) => status(`${place}/${name}`, { method: "PUT", headers: upload2 })
        expect((yield* put("1".repeat(64))).slice(0, 2)).toEqual([409, { error: "offset", offset: 3 }])
        expect((yield* patch("3", "defghijkl"))[0]).toBe(413)
        expect((yield* patch("3", "defghij")).slice(0, 2)).toEqual([200, { offset: 10 }])
        expect((yield* put("1".repeat(64))).slice(0, 2)).toEqual([422, { error: "mismatch" }])
        expect((yield* put("1".repeat(64)))[0]).toBe(404)
        expect((yield* status(place, { method: "DELETE", headers: upload2 }))[0]).toBe(204)
      })
    ))

  it(
    "a cut anywhere in an upload loses nothing that was answered, and it goes on; who fetches is nobody to the store [attachment.store.2] [attachment.http.2] [attachment.grant.2]",
    () =>
      run(({ proxy, store, stranger }) =>
        Effect.gen(function* () {
          const bytes = bytesOf(300_000)
          const secret = secretOf(1)
          yield* store.begin({ secret, size: bytes.length })
          let offset = 0
          let cuts = 0
          while (offset < bytes.length) {
            const end = Math.min(bytes.length, offset + 50_000)
            const cut = cuts++ % 2 === 0 ? Effect.delay(proxy.faults.cut, 1) : Effect.void
            const [, taken] = yield* Effect.all(
              [cut, Effect.result(store.append(secret, offset, bytes.subarray(offset, end)))],
              { concurrency: 2 }
            )
            const known = yield* Effect.retry(store.begin({ secret, size: bytes.length, known: true }), { times: 20 })
            if (taken._tag === "Success") expect(known.offset).toBe(taken.success)
            expect(known.offset).toBeGreaterThanOrEqual(offset)
            offset = known.offset
          }
          const id = crypto.sha256(bytes)
          yield* Effect.retry(store.complete(secret, id), { times: 20 })
          const read = Stream.runCollect(stranger.read({ place: store.place, id, size: 300_000, from: 0, to: 300_000 }))
          const parts = yield* Effect.retry(read, { times: 20 })
          expect(Bytes.equal(Bytes.concat(...parts), bytes)).toBe(true)
        })
      ),
    30_000
  )

  it("what is on the disk names nobody, and is gone when it expired [attachment.http.7] [attachment.store.4]", () =>
    run((site) =>
      Effect.gen(function* () {
        const { folder, relay, store } = site
        const soon = Date.now() + 300
        yield* upload(site, bytesOf(5_000))
        yield* store.begin({ secret: secretOf(2), size: 10, expiresAt: soon })
        const files = () => readdirSync(join(folder, "files")).filter((name) => /^[0-9a-f]{64}$/.test(name))
        expect(files().length).toBe(1)
        expect(files()).not.toContain(Bytes.toHex(secretOf(1)))
        // A file that was cut on the disk is not given: nobody waits for its end.
        const cut = yield* upload(site, bytesOf(6_000), 3)
        const longest = files().find((name) => statSync(join(folder, "files", name)).size === 6_000)!
        truncateSync(join(folder, "files", longest), 100)
        expect((yield* status(`${site.place}/${cut}`))[0]).toBe(404)
        yield* store.remove(secretOf(3))
        const metrics = yield* relay.metrics
        expect(metrics).toContain("tacit_relay_attachments 2\n")
        expect(metrics).toContain("tacit_relay_attachments_completed_total 2\n")
        expect(/[0-9a-f]{64}/.test(metrics)).toBe(false)
        while (Date.now() <= soon) yield* Effect.sleep("50 millis")
        expect(yield* reasonOf(store.append(secretOf(2), 0, bytesOf(5)))).toBe("missing")
        yield* relay.sweep
        expect(files().length).toBe(1)
        expect(yield* relay.metrics).toContain("tacit_relay_attachments 1\n")
        expect(yield* relay.metrics).toContain("tacit_relay_attachments_expired_total 1\n")
      })
    ))

  it("keeps what it had over a restart, uploads under way included, and forgets files nobody knows [attachment.store.2]", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tacit-files-test-"))
    const database = join(folder, "relay.db")
    const bytes = bytesOf(1_000)
    const id = Bytes.toHex(crypto.sha256(bytes))
    const headers = { "tacit-upload": Bytes.toHex(secretOf(1)) }
    const limits = { shutdownMs: 500 }
    const on = <A>(work: (place: string, relay: RelayHandle) => Effect.Effect<A, unknown, Scope.Scope>) =>
      Effect.runPromise(
        Effect.scoped(
          Effect.flatMap(makeRelay({ database, limits }), (relay) =>
            work(`http://127.0.0.1:${relay.port}/v1/attachments`, relay)
          )
        ).pipe(Effect.provide(Logger.layer([])))
      )
    try {
      await on((_, relay) =>
        Effect.gen(function* () {
          const url = `ws://127.0.0.1:${relay.port}`
          const account = FixtureAccount.makeAccount(crypto, "alice")
          const device = account.addDevice()
          const keys = Layer.mergeAll(Layer.succeed(KeyCustody, device.custody), Layer.succeed(Crypto, crypto))
          const services = yield* Layer.build(Layer.provide(Layer.fresh(layer({ url, ...patience })), keys))
          const password = yield* relay.invite("alice")
          const registration = FixtureAccount.registration(account, device, "alice", password)
          yield* Context.get(services, Directory).register(registration)
          yield* Context.get(services, Transport).open({ generation: 1, startId: device.startId })
          const store = Context.get(services, AttachmentStore)
          yield* store.begin({ secret: secretOf(1), size: 1_000 })
          yield* store.append(secretOf(1), 0, bytes.subarray(0, 600))
        })
      )
      const { writeFileSync, existsSync } = await import("node:fs")
      const orphan = join(`${database}.files`, "f".repeat(64))
      writeFileSync(orphan, "x")
      await on((place) =>
        Effect.gen(function* () {
          const body = bytes.subarray(600) as Uint8Array<ArrayBuffer>
          expect(
            (yield* status(place, { method: "PATCH", headers: { ...headers, "tacit-offset": "600" }, body }))[1]
          ).toEqual({
            offset: 1_000
          })
          expect((yield* status(`${place}/${id}`, { method: "PUT", headers }))[0]).toBe(200)
        })
      )
      expect(existsSync(orphan)).toBe(false)
      await on((place) =>
        Effect.map(status(`${place}/${id}`), (answer) => expect(answer.slice(0, 2)).toEqual([200, 1_000]))
      )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it("a relay that keeps no files gives no grants and answers 404", () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const relay = yield* makeRelay({ database: ":memory:", attachments: false, limits: { shutdownMs: 500 } })
          const [code] = yield* status(`http://127.0.0.1:${relay.port}/v1/attachments`, { method: "POST" })
          expect(code).toBe(404)
        })
      ).pipe(Effect.provide(Logger.layer([])))
    ))
})
