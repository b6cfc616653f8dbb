/** Files of clients: sent once whatever happens, fetched whole or not at all, and what is refused. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as Bytes from "../../src/base/Bytes.ts"
import type { Attachment, FileSource } from "../../src/index.ts"
import * as SealedFile from "../../src/attachment/SealedFile.ts"
import * as World from "./World.ts"

const fileOf = (length: number, seed = 31): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * seed + (i >> 9)) & 0xff)

/** A file, in pieces that fit nothing. */
const source = (bytes: Uint8Array): FileSource => ({
  length: bytes.length,
  bytes: Stream.fromIterable(
    Array.from({ length: Math.ceil(bytes.length / 30_011) }, (_, i) => bytes.subarray(i * 30_011, (i + 1) * 30_011))
  )
})

/** Runs something that may wait, in test time; what it ends with. */
const settle = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    while (fiber.pollUnsafe() === undefined) yield* World.tick(1, 5_000)
    return yield* Fiber.await(fiber)
  })

/** `undefined`, or what it failed with: its reason, else its tag. */
const reasonOf = <A, E>(exit: Exit.Exit<A, E>): string | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  const error = Cause.squash(exit.cause) as { readonly reason?: string; readonly _tag?: string }
  return error.reason ?? error._tag ?? "defect"
}

/** Everything a download gives, and why it stopped. */
const fetched = (download: Stream.Stream<{ readonly bytes: Uint8Array }, unknown>) =>
  Effect.gen(function* () {
    const parts: Array<Uint8Array> = []
    const exit = yield* settle(Stream.runForEach(download, ({ bytes }) => Effect.sync(() => void parts.push(bytes))))
    return { bytes: Bytes.concat(...parts), reason: reasonOf(exit) }
  })

const attachmentIn = (messages: ReadonlyArray<{ readonly body: { readonly type: string } }>): Attachment => {
  const { body } = messages[0]!
  if (body.type !== "attachment") throw new Error(`no attachment but ${body.type}`)
  return body as unknown as Attachment
}

const pair = Effect.gen(function* () {
  const world = World.make()
  const alice = yield* world.join("alice")
  const bob = yield* world.join("bob")
  return { world, alice, bob, files: world.network.attachments }
})

const length = 700_000
const plain = fileOf(length)

describe("attachments of a client", () => {
  it.effect(
    "a file is uploaded once, its preview is there at once, and whoever has the message fetches it, whole or in part [attachment.preview.1] [attachment.copy.1]",
    () =>
      Effect.gen(function* () {
        const { alice, bob, files } = yield* pair
        const preview = { mediaType: "image/webp", data: fileOf(500) }
        const sent = yield* Stream.runCollect(
          alice.client.attachments.send("bob", source(plain), { name: "big.bin", mediaType: "image/png", preview })
        )
        const size = SealedFile.sealedSize(length)
        const steps = sent.flatMap((step) => (step.state === "uploading" ? [step.sent] : []))
        expect(steps).toEqual([...steps].sort((a, b) => a - b))
        expect([steps[0], steps.at(-1), sent.at(-2)?.state, sent.at(-1)?.state]).toEqual([0, size, "uploaded", "sent"])
        const messages = yield* World.receive(bob, 1)
        const attachment = attachmentIn(messages)
        expect(attachment).toMatchObject({ length, name: "big.bin", mediaType: "image/png", preview })
        // The preview needed nothing of the store.
        expect(files.fetched.get(attachment.id)).toBe(undefined)
        expect(attachment.id).toBe(Bytes.toHex(World.crypto.sha256([...files.kept().values()][0]!)))
        const { bytes, reason } = yield* fetched(bob.client.attachments.download(attachment))
        expect([reason, Bytes.equal(bytes, plain)]).toEqual([undefined, true])
        for (const [from, to] of [
          [0, 10],
          [65_530, 65_540],
          [699_999, 900_000],
          [5, 5]
        ] as const) {
          const part = yield* Stream.runCollect(bob.client.attachments.range(attachment, from, to))
          expect(Bytes.equal(Bytes.concat(...part), plain.subarray(from, to))).toBe(true)
        }
        // To somebody else: no further upload.
        yield* bob.client.send("alice", { type: "attachment", ...attachment })
        expect(attachmentIn(yield* World.receive(alice, 1))).toEqual(attachment)
        expect(files.kept().size).toBe(1)
        const whole = Bytes.concat(...files.kept().values())
        expect(Buffer.from(whole).includes(Buffer.from(plain.subarray(0, 64)))).toBe(false)
      })
  )

  it.effect("every file has a key of its own, also the same file sent again [attachment.file.2]", () =>
    Effect.gen(function* () {
      const { alice, files } = yield* pair
      const small = fileOf(100)
      const made: Array<Attachment> = []
      for (let i = 0; i < 3; i++) {
        const steps = yield* Stream.runCollect(alice.client.attachments.upload(source(small)))
        const last = steps.at(-1)!
        if (last.state === "uploaded") made.push(last.attachment)
      }
      expect(new Set(made.map(({ key }) => Bytes.toHex(key))).size).toBe(3)
      expect(new Set(made.map(({ id }) => id)).size).toBe(3)
      const salts = [...files.kept().values()].map((bytes) => Bytes.toHex(bytes.subarray(4, 38)))
      expect(new Set(salts).size).toBe(3)
    })
  )

  it.effect(
    "an upload that is cut goes on where it was after a restart, under the same key and without sealing anything twice for sending [attachment.upload.1] [attachment.upload.2] [attachment.upload.3] [attachment.once.1]",
    () =>
      Effect.gen(function* () {
        const { alice, bob, files, world } = yield* pair
        const size = SealedFile.sealedSize(length)
        for (const cut of [0, 1, 72, 100_000, 262_279, 262_280, 262_281, 524_488, 600_000, size - 1]) {
          const options = { resume: `file ${cut}`, name: String(cut) }
          const process = yield* world.open(alice.actor)
          const begun = files.kept().size
          files.cutAfter(cut)
          const first = yield* settle(Stream.runDrain(process.client.attachments.send("bob", source(plain), options)))
          expect([cut, reasonOf(first)]).toEqual([cut, "unreachable"])
          yield* World.crash(process)
          files.cutAfter(undefined)
          const had = [...files.kept()].at(-1)
          const again = yield* world.open(alice.actor)
          const steps = yield* Stream.runCollect(again.client.attachments.send("bob", source(plain), options))
          const from = steps.find((step) => step.state === "uploading")
          if (cut > 0) {
            expect([cut, from?.state === "uploading" ? from.sent : -1]).toEqual([cut, cut])
            // The store has one upload for it, whose first bytes are those it had.
            const [secret, bytes] = [...files.kept()].at(-1)!
            expect([cut, secret]).toEqual([cut, had![0]])
            expect(Bytes.equal(bytes.subarray(0, had![1].length), had![1])).toBe(true)
          }
          expect([cut, files.kept().size]).toEqual([cut, begun + 1])
          // Once more: nothing is uploaded, and the message is the same.
          const repeated = yield* Stream.runCollect(again.client.attachments.send("bob", source(plain), options))
          expect(repeated.map(({ state }) => state)).toEqual(["uploaded", "sent"])
          expect(repeated.at(-1)).toEqual(steps.at(-1))
          const attachment = attachmentIn(yield* World.receive(bob, 1))
          expect(attachment.name).toBe(String(cut))
          const { bytes, reason } = yield* fetched(bob.client.attachments.download(attachment))
          expect([reason, Bytes.equal(bytes, plain)]).toEqual([undefined, true])
          yield* World.close(again)
        }
      }).pipe(Effect.scoped),
    60_000
  )

  it.effect(
    "killed at any commit, the message with the file is sent once [attachment.upload.3] [attachment.record.1]",
    () =>
      Effect.gen(function* () {
        const { alice, bob, world } = yield* pair
        yield* World.close(alice)
        const two = source(fileOf(300_000))
        let reached = 0
        for (const when of ["before", "after"] as const) {
          for (let nth = 1; nth <= 12; nth++) {
            const name = `${when} ${nth}`
            const options = { resume: name, name }
            const process = yield* world.open(alice.actor)
            const stop = World.stopAt(alice.actor, nth, when)
            yield* World.close(process)
            const doomed = yield* Effect.result(world.open(alice.actor))
            if (doomed._tag === "Success") {
              yield* settle(Stream.runDrain(doomed.success.client.attachments.send("bob", two, options)))
              yield* World.crash(doomed.success)
            } else alice.actor.disk.crash()
            alice.actor.intercept = undefined
            if (stop.reached) reached++
            const again = yield* world.open(alice.actor)
            yield* Stream.runDrain(again.client.attachments.send("bob", two, options))
            yield* again.client.flush
            yield* World.close(again)
            const attachment = attachmentIn(yield* World.receive(bob, 1))
            expect([name, attachment.name]).toEqual([name, name])
            expect((yield* fetched(bob.client.attachments.download(attachment))).reason).toBe(undefined)
          }
        }
        expect(reached).toBeGreaterThan(12)
        // Nothing came twice.
        yield* bob.client.send("alice", "done")
        const rest = yield* World.collect(bob)
        yield* World.tick(5)
        expect(World.texts(rest)).toEqual([])
      }).pipe(Effect.scoped),
    120_000
  )

  it.effect(
    "a source that changed meanwhile is uploaded anew under another key; one of another length than it says fails [attachment.upload.2] [attachment.once.1]",
    () =>
      Effect.gen(function* () {
        const { alice, bob, files } = yield* pair
        const { attachments } = alice.client
        for (const [name, other] of [
          ["other bytes", fileOf(length, 7)],
          ["shorter", plain.subarray(0, length - 1)],
          ["other end", Bytes.concat(plain.subarray(0, 500_000), fileOf(200_000, 3))]
        ] as const) {
          files.cutAfter(600_000)
          const options = { resume: name, name }
          expect(reasonOf(yield* settle(Stream.runDrain(attachments.send("bob", source(plain), options))))).toBe(
            "unreachable"
          )
          files.cutAfter(undefined)
          const [before] = [...files.kept().keys()]
          yield* Stream.runDrain(attachments.send("bob", source(other), options))
          expect([name, files.kept().has(before!)]).toEqual([name, false])
          const attachment = attachmentIn(yield* World.receive(bob, 1))
          const { bytes, reason } = yield* fetched(bob.client.attachments.download(attachment))
          expect([name, reason, Bytes.equal(bytes, other)]).toEqual([name, undefined, true])
          expect(yield* attachments.remove(attachment.id)).toBe(true)
        }
        for (const claimed of [length - 1, length + 1]) {
          const lying = { ...source(plain), length: claimed }
          expect(reasonOf(yield* settle(Stream.runDrain(attachments.upload(lying))))).toBe("source")
        }
      })
  )

  it.effect("an upload that the store lost begins anew; one under the same name runs alone [attachment.upload.1]", () =>
    Effect.gen(function* () {
      const { alice, files } = yield* pair
      const { attachments } = alice.client
      files.cutAfter(300_000)
      const options = { resume: "lost" }
      yield* settle(Stream.runDrain(attachments.upload(source(plain), options)))
      files.cutAfter(undefined)
      for (const secret of files.kept().keys()) yield* files.service.remove(Bytes.fromHex(secret)!)
      const running = yield* Effect.forkChild(Stream.runCollect(attachments.upload(source(plain), options)))
      yield* Effect.yieldNow
      expect(reasonOf(yield* settle(Stream.runDrain(attachments.upload(source(plain), options))))).toBe("in-use")
      expect((yield* Fiber.join(running)).at(-1)?.state).toBe("uploaded")
      expect(files.kept().size).toBe(1)
    })
  )

  it.effect(
    "a download that was cut goes on behind what one has, which has to be the beginning of this file [attachment.resume.1]",
    () =>
      Effect.gen(function* () {
        const { alice, files } = yield* pair
        const steps = yield* Stream.runCollect(alice.client.attachments.upload(source(plain)))
        const last = steps.at(-1)!
        const attachment = last.state === "uploaded" ? last.attachment : undefined
        const download = (have?: Uint8Array) =>
          fetched(alice.client.attachments.download(attachment!, have === undefined ? {} : { have: source(have) }))
        for (const cut of [1, 72, 73, 65_624, 65_625, 200_000, 131_176, 700_000]) {
          files.cutAfter(cut)
          const first = yield* download()
          expect([cut, first.reason]).toEqual([cut, "unreachable"])
          expect(Bytes.equal(first.bytes, plain.subarray(0, first.bytes.length))).toBe(true)
          files.cutAfter(undefined)
          const rest = yield* download(first.bytes)
          expect([cut, rest.reason]).toEqual([cut, undefined])
          expect(Bytes.equal(Bytes.concat(first.bytes, rest.bytes), plain)).toBe(true)
        }
        for (const have of [1, 65_535, 65_536, 65_537, 131_073, length - 1, length]) {
          const rest = yield* download(plain.subarray(0, have))
          expect([have, rest.reason, Bytes.equal(rest.bytes, plain.subarray(have))]).toEqual([have, undefined, true])
        }
        for (const at of [0, 65_535, 65_536, 99_999]) {
          const wrong = plain.slice(0, 100_000)
          wrong[at]! ^= 1
          expect([at, (yield* download(wrong)).reason]).toEqual([at, "changed"])
        }
        expect((yield* download(fileOf(length + 1))).reason).toBe("changed")
        // A cut that mends is nobody's business.
        files.cutAfter(150_000)
        const running = yield* Effect.forkChild(download())
        yield* World.tick(3, 100)
        files.cutAfter(undefined)
        const { bytes, reason } = yield* Fiber.join(running)
        expect([reason, Bytes.equal(bytes, plain)]).toEqual([undefined, true])
      }),
    30_000
  )

  it.effect(
    "what is expired, gone, damaged, too large or somewhere else is a typed error, and nothing behind a bad chunk comes out [attachment.open.1] [attachment.place.1] [attachment.outcome.1]",
    () =>
      Effect.gen(function* () {
        const { alice, files } = yield* pair
        const { attachments } = alice.client
        const upload = (options = {}) =>
          Effect.map(Stream.runCollect(attachments.upload(source(plain), options)), (steps) => {
            const last = steps.at(-1)!
            if (last.state !== "uploaded") throw new Error("not uploaded")
            return last.attachment
          })
        const attachment = yield* upload()
        const why = (changed: Partial<Attachment>, maxBytes?: number) =>
          Effect.map(
            fetched(attachments.download({ ...attachment, ...changed }, maxBytes === undefined ? {} : { maxBytes })),
            ({ bytes, reason }) => [reason, bytes.length]
          )
        expect(yield* why({}, length - 1)).toEqual(["too-large", 0])
        expect(yield* why({ place: "https://elsewhere.example/v1/attachments" })).toEqual(["place", 0])
        expect(yield* why({ id: "00".repeat(32) })).toEqual(["missing", 0])
        expect(yield* why({ id: "00".repeat(32), expiresAt: 0 })).toEqual(["expired", 0])
        expect(yield* why({ key: new Uint8Array(32) })).toEqual(["attachment.key", 0])
        expect(yield* why({ id: "zz" })).toEqual(["invalid", 0])
        expect(yield* why({ key: new Uint8Array(31) })).toEqual(["invalid", 0])
        expect(yield* why({ length: 5 })).toEqual(["answer", 0])
        const damage = (at: number) =>
          files.meddle((id, bytes) => {
            if (id !== attachment.id) return bytes
            const copy = bytes.slice()
            copy[at]! ^= 1
            return copy
          })
        const third = SealedFile.offsetOf(length, 2) + 7
        damage(third)
        expect(yield* why({})).toEqual(["attachment.chunk", 2 * 65_536])
        const part = yield* settle(Stream.runDrain(attachments.range(attachment, 140_000, 140_001)))
        expect(reasonOf(part)).toBe("attachment.chunk")
        expect(reasonOf(yield* settle(Stream.runDrain(attachments.range(attachment, 0, 131_072))))).toBe(undefined)
        damage(third)
        expect(yield* why({})).toEqual([undefined, length])
        // Deleted by whoever uploaded it.
        expect(yield* attachments.remove("11".repeat(32))).toBe(false)
        expect(yield* attachments.remove(attachment.id)).toBe(true)
        expect(yield* why({})).toEqual(["missing", 0])
        // Expired.
        const now = 60_000
        const short = yield* upload({ expiresAt: now * 1_000 })
        yield* World.tick(1, now * 1_000)
        expect((yield* fetched(attachments.download(short))).reason).toBe("expired")
        // What cannot be sent, before a byte is read.
        const never: FileSource = { length: 10, bytes: Stream.die(new Error("read")) }
        const not = (options: object, of: FileSource = never) =>
          Effect.map(settle(Stream.runDrain(attachments.send("bob", of, options))), reasonOf)
        expect(reasonOf(yield* settle(Stream.runDrain(attachments.send("nobody", never))))).toBe("UnknownUser")
        expect(yield* not({ name: "a/b" })).toBe("invalid")
        expect(yield* not({ mediaType: "" })).toBe("invalid")
        expect(yield* not({ preview: { mediaType: "a/b", data: new Uint8Array(32_769) } })).toBe("invalid")
        expect(yield* not({ resume: "" })).toBe("invalid")
        expect(yield* not({}, { ...never, length: 17_179_869_185 })).toBe("too-large")
        expect(yield* not({}, { ...never, length: 20_000_000 })).toBe("too-large")
      }),
    30_000
  )
})
