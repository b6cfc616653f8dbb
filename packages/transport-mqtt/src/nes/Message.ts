/**
 * One message: sealed for its recipient, opened, and verified. Each stands for itself; there is no session.
 *
 * Spec: docs/spec/15-nes.md §15.3 (rules nes.send.1–nes.send.3, nes.receive.1–nes.receive.3).
 * Vectors: vectors/nes/data/frames.json.
 * Has no clock, no network and no memory: time and keys are given to it. Replays are noticed in Listener.ts.
 */
import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from "node:crypto"
import * as Result from "effect/Result"
import { decodeObject, type Frame } from "./Frame.ts"
import { stringify } from "./GoJson.ts"
import { type Cause, Refusal } from "./Refusal.ts"
import { messageKeyBytes, signPss, unwrap, verifyPss, wrap } from "./Rsa.ts"
import { isUsername } from "./Username.ts"

/** What is inside a frame. `timestamp` is in ms since 1970 UTC, by the sender's clock. */
export interface Message {
  readonly from: string
  readonly to: string
  readonly timestamp: number
  readonly message: string
}

/** The bytes that are signed and encrypted. */
export const innerBytes = (message: Message): Uint8Array =>
  Buffer.from(
    stringify({ from: message.from, to: message.to, timestamp: message.timestamp, message: message.message }),
    "utf8"
  )

/** AES-256-CBC with PKCS#7 padding under 32 bytes of key and 16 of initial vector. */
export const encryptInner = (messageKey: Uint8Array, inner: Uint8Array): Uint8Array => {
  const cipher = createCipheriv("aes-256-cbc", messageKey.subarray(0, 32), messageKey.subarray(32))
  return Buffer.concat([cipher.update(inner), cipher.final()])
}

/** The five steps of sending: fresh key, encrypt, wrap, sign, combine. `signKey` is the sender's. */
export const seal = (recipientMessageKey: KeyObject, signKey: KeyObject, message: Message): Frame => {
  const inner = innerBytes(message)
  const messageKey = randomBytes(messageKeyBytes)
  const frame = {
    cipherkey: wrap(recipientMessageKey, messageKey),
    ciphertext: encryptInner(messageKey, inner),
    signature: signPss(signKey, inner)
  }
  messageKey.fill(0)
  return frame
}

/** A message whose signature has not been looked at yet. `inner` is what must have been signed: the received bytes themselves. */
export interface Opened {
  readonly message: Message
  readonly inner: Uint8Array
  readonly signature: Uint8Array
}

const refuse = (cause: Cause) => Result.fail(new Refusal({ cause }))

/** Undoes CBC and strips the padding; nothing if it is wrong. Looks at all sixteen last bytes whatever they are. */
const decryptInner = (messageKey: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined => {
  const decipher = createDecipheriv("aes-256-cbc", messageKey.subarray(0, 32), messageKey.subarray(32))
  decipher.setAutoPadding(false)
  const padded = Buffer.concat([decipher.update(ciphertext), decipher.final()])
  const count = padded.at(-1)!
  let wrong = count === 0 || count > 16 ? 1 : 0
  for (let i = 1; i <= 16; i++) wrong |= i <= count && padded.at(-i) !== count ? 1 : 0
  return wrong === 0 ? padded.subarray(0, padded.length - count) : undefined
}

const readInner = (inner: Uint8Array): Result.Result<Message, Refusal> => {
  const value = decodeObject(inner)
  if (value === undefined) return refuse("inner-json")
  const { from, message, timestamp, to } = value
  if (
    typeof from !== "string" ||
    typeof to !== "string" ||
    typeof message !== "string" ||
    !Number.isSafeInteger(timestamp)
  ) {
    return refuse("inner-fields")
  }
  if (!isUsername(from)) return refuse("sender-name")
  return Result.succeed({ from, to, timestamp: timestamp as number, message })
}

/** Unwraps and decrypts with the recipient's own message key. Nothing here is authentic before {@link verifySender}. */
export const open = (messageKey: KeyObject, frame: Frame): Result.Result<Opened, Refusal> => {
  const key = unwrap(messageKey, frame.cipherkey)
  if (Result.isFailure(key)) return Result.fail(key.failure)
  if (frame.ciphertext.length === 0 || frame.ciphertext.length % 16 !== 0) return refuse("ciphertext-length")
  const inner = decryptInner(key.success, frame.ciphertext)
  key.success.fill(0)
  if (inner === undefined) return refuse("undecryptable")
  const message = readInner(inner)
  return Result.isFailure(message)
    ? Result.fail(message.failure)
    : Result.succeed({ message: message.success, inner, signature: frame.signature })
}

/** The message, if `signKey` is that of its sender and signed the received bytes. */
export const verifySender = (opened: Opened, signKey: KeyObject): Result.Result<Message, Refusal> =>
  verifyPss(signKey, opened.inner, opened.signature) ? Result.succeed(opened.message) : refuse("signature")
