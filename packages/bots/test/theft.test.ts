/**
 * A thief has the files of a sealed account that was really used: the database, its log and what else stands beside it, at several moments.
 *
 * Spec: docs/spec/12-vault.md §12.1 (vault.hidden.1).
 * Looked for is everything the vault holds in the clear: any sixteen bytes that follow each other in any of its records, whatever they mean,
 * records of later releases included; and names, texts and the names of records in the encodings in which they could have slipped out.
 */
import { openClient, VaultFile } from "@tacit/bots"
import { Crypto, Entropy, Store, type StoredRecord, Unlock, UnlockSource, Vault } from "@tacit/core"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import { VaultHeader, VaultKeys } from "@tacit/core/hazmat"
import * as Sqlite from "@tacit/storage/sqlite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { randomBytes } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { makeScene, receive, type Scene } from "./Scene.ts"

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

let scene: Scene
beforeAll(async () => {
  scene = await makeScene()
})
afterAll(() => scene.close())

const crypto = await loadNodeProvider()
const key = new Uint8Array(randomBytes(32))
const vault = { unlock: Unlock.key(key) }

/** The bytes of a store and of everything beside it: log, shared memory, lock. */
const stolen = (path: string): Buffer =>
  Buffer.concat(
    readdirSync(dirname(path))
      .filter((name) => name.startsWith(basename(path)))
      .map((name) => readFileSync(join(dirname(path), name)))
  )

const everything = Store.use((store) =>
  Effect.map(store.scan("", { limit: 100_000 }), (records: ReadonlyArray<StoredRecord>) => records)
)

/** All records of a store that may be open elsewhere, through a copy; in the clear. */
const recordsOf = async (path: string, sealed: boolean): Promise<ReadonlyArray<StoredRecord>> => {
  const copy = join(dirname(path), `copied-${randomBytes(4).toString("hex")}`)
  await VaultFile.duplicate(path, copy)
  const below = Layer.mergeAll(
    Sqlite.layer({ path: copy }),
    Layer.succeed(Crypto, crypto),
    Layer.succeed(Entropy, Entropy.of({ bytes: (_, length) => new Uint8Array(randomBytes(length)) })),
    Layer.succeed(UnlockSource, Unlock.key(key))
  )
  return sealed
    ? Effect.runPromise(
        Effect.provide(everything, Layer.provide(Vault.layer({ create: false }), below), { local: true })
      )
    : Effect.runPromise(Effect.provide(everything, below, { local: true }))
}

const width = 16

/** Windows of a value that could not stand in a file by chance. */
const windowsOf = (bytes: Uint8Array): ReadonlyArray<string> => {
  const text = Buffer.from(bytes).toString("latin1")
  const out: Array<string> = []
  for (let at = 0; at + width <= text.length; at++) {
    const window = text.slice(at, at + width)
    if (new Set(window).size >= 8) out.push(window)
  }
  return out
}

/** What is known of an account, for looking for it. */
interface Known {
  readonly windows: Set<string>
  readonly words: Set<string>
}

const learn = (known: Known, records: ReadonlyArray<StoredRecord>): void => {
  for (const { key: name, value } of records) {
    if (name.length >= 10) known.words.add(name)
    for (const window of windowsOf(value)) known.windows.add(window)
  }
}

/** Whether any window of known bytes stands in these. */
const holdsBytes = ({ windows }: Known, bytes: Buffer): number => {
  const text = bytes.toString("latin1")
  let found = 0
  for (let at = 0; at + width <= text.length; at++) if (windows.has(text.slice(at, at + width))) found++
  return found
}

/** The same for bytes that were written as digits: runs of hexadecimal and of base 64, from every beginning a decoder could take. */
const holdsDigits = (known: Known, bytes: Buffer): number => {
  const text = bytes.toString("latin1")
  let found = 0
  for (const [run] of text.matchAll(/[0-9A-Fa-f]{32,}/g))
    for (const from of [0, 1]) found += holdsBytes(known, Buffer.from(run.slice(from), "hex"))
  for (const [run] of text.matchAll(/[0-9A-Za-z+/_-]{24,}/g))
    for (const from of [0, 1, 2, 3]) found += holdsBytes(known, Buffer.from(run.slice(from), "base64"))
  return found
}

/** A text in the encodings in which a program could have written it. */
const writings = (word: string): ReadonlyArray<Buffer> => {
  const utf8 = Buffer.from(word, "utf8")
  const utf16 = Buffer.from(word, "utf16le")
  const based = [0, 1, 2].map((before) => {
    // What does not depend on the bytes around it.
    const text = Buffer.concat([Buffer.alloc(before), utf8]).toString("base64")
    return Buffer.from(text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + utf8.length) * 8) / 6)))
  })
  return [
    utf8,
    utf16,
    Buffer.from(utf16).swap16(),
    Buffer.from(utf8.toString("hex")),
    Buffer.from(utf8.toString("hex").toUpperCase()),
    ...based,
    ...based.map((text) => Buffer.from(text.toString().replaceAll("+", "-").replaceAll("/", "_")))
  ]
}

const wordsIn = ({ words }: Known, bytes: Buffer): ReadonlyArray<string> =>
  [...words].filter((word) => writings(word).some((writing) => bytes.includes(writing)))

describe("who stole the files of a sealed account that was used", () => {
  it("finds no name, text, key, contact or record in them, in no encoding, at no moment [vault.hidden.1]", async () => {
    const names = ["alice.of.the.hills", "robert.of.the.lake", "carolina.of.the.sea", "dominic-of-the-woods"] as const
    const [mine, ...theirs] = await Promise.all(names.map((name) => scene.account(name)))
    const texts = {
      mine: names.slice(1).map((name) => `the eagle lands at eight past nine, ${name}`),
      theirs: names.slice(1).map((name) => `and the owl of ${name} has seen it coming`),
      fallback: "a map of the hidden harbour",
      mediaType: "application/x-harbour-map"
    }
    const known: Known = { windows: new Set(), words: new Set() }
    for (const word of [...names, ...texts.mine, ...texts.theirs, texts.fallback, texts.mediaType])
      known.words.add(word)
    known.words.add("hidden-idempotency-key")
    const moments: Array<readonly [string, Buffer]> = []
    const look = async (moment: string) => {
      learn(known, await recordsOf(mine!.path, true))
      moments.push([moment, stolen(mine!.path)])
    }

    const alice = await openClient({ ...mine!, vault })
    const others = await Promise.all(theirs.map((account) => openClient(account)))
    for (const [i, other] of others.entries()) {
      await alice.send(names[i + 1]!, texts.mine[i]!, { idempotencyKey: "hidden-idempotency-key" })
      await receive(other, 1)
    }
    await look("first messages")
    for (const [i, other] of others.entries()) {
      await other.send(names[0], texts.theirs[i]!)
      const data = new Uint8Array(randomBytes(200))
      for (const window of windowsOf(data)) known.windows.add(window)
      await other.send(names[0], { type: "application", mediaType: texts.mediaType, fallback: texts.fallback, data })
    }
    // One is taken, the others wait in the inbox.
    await receive(alice, 1)
    await vi.waitFor(async () => {
      const waiting = (await recordsOf(mine!.path, true)).filter(({ key: name }) => name.startsWith("inbox/"))
      expect(waiting.length).toBe(5)
    })
    await look("messages that wait")
    await receive(alice, 5)
    const gone = others[2]!
    await gone.close()
    for (let i = 0; i < 3; i++) await alice.send(names[3], `${texts.mine[2]!} ${i}`)
    const conversation = await alice.conversation(names[1])
    await conversation.sendMany(Array.from({ length: 40 }, (_, i) => `${texts.mine[0]!} ${i}`))
    await receive(others[0]!, 40)
    await look("many messages, and some for one who is away")
    await alice.close()
    await look("closed")
    const again = await openClient({ ...mine!, vault })
    await look("opened again")
    await again.send(names[2], texts.mine[1]!)
    await again.flush()
    await again.close()
    await look("closed again")

    // The vault's own keys.
    const header = await Effect.runPromise(
      Effect.provide(
        Store.use((store) => store.get("vault/header")),
        Sqlite.layer({ path: mine!.path }),
        { local: true }
      )
    )
    const opened = Result.getOrThrow(VaultHeader.open(crypto, header!.value, { type: "key", key: key.slice() }))
    const keys = VaultKeys.derive(crypto, opened.deviceKey, opened.header.vault)
    for (const secret of [key, opened.deviceKey, opened.stretched, ...Object.values(keys)]) {
      for (const window of windowsOf(secret)) known.windows.add(window)
    }

    expect(known.windows.size).toBeGreaterThan(20_000)
    expect(known.words.size).toBeGreaterThan(100)
    expect(moments.some(([, bytes]) => bytes.length > 100_000)).toBe(true)
    for (const [moment, bytes] of moments) {
      expect([moment, holdsBytes(known, bytes), holdsDigits(known, bytes), wordsIn(known, bytes)]).toEqual([
        moment,
        0,
        0,
        []
      ])
    }

    // The same search finds all of it where nothing is sealed.
    await others[0]!.close()
    const open: Known = { windows: new Set(), words: new Set([names[0], names[1]]) }
    learn(open, await recordsOf(theirs[0]!.path, false))
    const plain = stolen(theirs[0]!.path)
    expect(holdsBytes(open, plain)).toBeGreaterThan(1_000)
    expect(holdsDigits(open, Buffer.from(plain.subarray(0, 65_536).toString("hex")))).toBeGreaterThan(100)
    expect(holdsDigits(open, Buffer.from(plain.subarray(1, 65_536).toString("base64")))).toBeGreaterThan(100)
    expect(wordsIn(open, plain).length).toBe(open.words.size)
    for (const encoding of ["utf16le", "hex", "base64"] as const) {
      const written = Buffer.from(`x${names[0]}y`).toString(encoding === "utf16le" ? "latin1" : encoding)
      expect(
        wordsIn(
          { windows: new Set(), words: new Set([names[0]]) },
          Buffer.from(written, encoding === "utf16le" ? "utf16le" : "latin1")
        )
      ).toEqual([names[0]])
    }
    await others[1]!.close()
  })
})
