/**
 * Frames that must be refused: bytes, JSON, values, keys, contents and signatures gone wrong, drawn from a seed.
 *
 * Whoever knows a public key can make any of them, so many are sealed rightly around something wrong.
 */
import { createHash, type KeyObject } from "node:crypto"
import { encode, type Frame } from "../../src/nes/Frame.ts"
import { encryptInner, innerBytes, seal } from "../../src/nes/Message.ts"
import { signPss, wrap } from "../../src/nes/Rsa.ts"

/** Numbers and bytes out of a seed. */
export const dice = (seed: string) => {
  let counter = 0
  let pool = Buffer.alloc(0)
  const bytes = (count: number): Buffer => {
    while (pool.length < count) {
      pool = Buffer.concat([pool, createHash("sha512").update(`${seed} ${counter++}`).digest()])
    }
    const taken = pool.subarray(0, count)
    pool = pool.subarray(count)
    return taken
  }
  const below = (limit: number): number => bytes(4).readUInt32BE() % limit
  return { bytes, below, pick: <A>(list: ReadonlyArray<A>): A => list[below(list.length)]! }
}

type Dice = ReturnType<typeof dice>

const junk: ReadonlyArray<unknown> = [null, true, 0, -1, 1.5, 1e300, "", "x", "\u0000", [], {}, [[]], { a: 1 }]

/** A generator of frames for `recipient`; `signKey` is that of the user `from`. */
export const malformed = (
  seed: string,
  recipient: KeyObject,
  signKey: KeyObject,
  stranger: KeyObject,
  from: string
) => {
  const random = dice(seed)
  const message = { from, to: "bob", timestamp: Date.now(), message: "genuine" }
  const genuine = () => seal(recipient, signKey, { ...message, message: random.bytes(4).toString("hex") })

  const sealed = (inner: Uint8Array, key: KeyObject = signKey): Frame => {
    const messageKey = random.bytes(48)
    return {
      cipherkey: wrap(recipient, messageKey),
      ciphertext: encryptInner(messageKey, inner),
      signature: signPss(key, inner)
    }
  }
  const flipped = (bytes: Uint8Array, { below }: Dice): Uint8Array => {
    const out = Uint8Array.from(bytes)
    out[below(out.length)]! ^= 1 << below(8)
    return out
  }
  const resized = (bytes: Uint8Array): Uint8Array => {
    const size = random.pick([0, 1, 15, 16, 17, bytes.length - 1, bytes.length + 1, bytes.length + 16])
    return Buffer.concat([bytes, random.bytes(64)]).subarray(0, size === bytes.length ? size - 1 : size)
  }
  const part = () => random.pick(["cipherkey", "ciphertext", "signature"] as const)
  const text = (frame: Frame): string => Buffer.from(encode(frame)).toString()
  const inner = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value) ?? "")

  const kinds: ReadonlyArray<() => Uint8Array> = [
    () => random.bytes(random.pick([0, 1, random.below(600)])),
    () => Buffer.from(JSON.stringify(random.pick(junk))),
    () => {
      const whole = text(genuine())
      return Buffer.from(whole.slice(0, random.below(whole.length)))
    },
    () => Buffer.from(`${text(genuine())}${random.pick(["}", "{", "x", "\u0000", ",", "[]"])}`),
    () => Buffer.from(JSON.stringify({ ...JSON.parse(text(genuine())), [part()]: random.pick(junk) })),
    () => Buffer.from(text(genuine()).replaceAll("=", random.pick(["", "==", "=\n", "%3d"]))),
    () => {
      const outer = JSON.parse(text(genuine())) as Record<string, string>
      const name = part()
      return Buffer.from(JSON.stringify({ ...outer, [name]: `${random.pick(["+", "/", " ", "é"])}${outer[name]}` }))
    },
    () => {
      const frame = genuine()
      const name = part()
      return encode({ ...frame, [name]: flipped(frame[name], random) })
    },
    () => {
      const frame = genuine()
      const name = part()
      return encode({ ...frame, [name]: resized(frame[name]) })
    },
    () => encode({ ...genuine(), [part()]: random.bytes(256) }),
    () => encode({ ...genuine(), ciphertext: random.bytes(16 * (1 + random.below(8))) }),
    () => encode({ ...genuine(), cipherkey: wrap(recipient, random.bytes(random.pick([0, 1, 16, 32, 47, 49, 64]))) }),
    () => encode(sealed(random.bytes(random.below(100)))),
    () => encode(sealed(inner(random.pick(junk)))),
    () => {
      const name = random.pick(["from", "to", "timestamp", "message"])
      const wrong = random.pick(junk.filter((value) => typeof value !== (name === "timestamp" ? "number" : "string")))
      return encode(sealed(inner({ ...message, [name]: wrong })))
    },
    () => encode(sealed(inner({ ...message, timestamp: random.pick([1.5, 1e300, 9007199254740993n].map(Number)) }))),
    () =>
      encode(sealed(inner({ ...message, from: random.pick(["", "al", "../etc", "a/b", "+", "Ä", "x".repeat(33)]) }))),
    () => encode(sealed(inner({ ...message, from: `nobody-${random.below(50)}` }))),
    () => encode(sealed(innerBytes(message), stranger)),
    () => encode({ ...sealed(innerBytes(message)), signature: random.bytes(256) }),
    () => encode({ ...genuine(), signature: genuine().signature })
  ]
  let next = 0
  return {
    kinds: kinds.length,
    /** The next frame; the kinds take turns. */
    frame: (): Uint8Array => kinds[next++ % kinds.length]!(),
    genuine: (): Uint8Array => encode(genuine())
  }
}
