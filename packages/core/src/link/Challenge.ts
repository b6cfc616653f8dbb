/**
 * What people see and type: the code that is scanned, the PIN, the digits that are compared.
 *
 * Spec: docs/spec/19-linking.md §19.5.
 * Vectors: vectors/linking.
 * Draws no QR codes.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { defect } from "../base/Defect.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import { Reader } from "../codec/Reader.ts"
import * as Refusal from "../codec/Refusal.ts"
import * as Labels from "../crypto/Labels.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import type { Channel as CpaceChannel } from "./Cpace.ts"
import * as Cpace from "./Cpace.ts"
import { fail, lift, type LinkFailure } from "./LinkFailure.ts"

const version = 1

/** The layout of the code a new device shows. */
export const Code = Layout.tuple({
  version: Layout.literal(version),
  print: Layout.bytes({ length: 32 }),
  secret: Layout.bytes({ length: 16 })
})

/** The print of a linking (32 bytes) in its code. */
export const print = (crypto: CryptoProvider, transcript: Uint8Array): Uint8Array =>
  crypto.sha256(Labels.prefixed(Labels.linkPrint, transcript))

/** The code that the new device shows, 54 bytes; `secret` is 16 random bytes. */
export const encodeCode = (crypto: CryptoProvider, transcript: Uint8Array, secret: Uint8Array): Uint8Array =>
  Code.encode({ version, print: print(crypto, transcript), secret })

/** The secret of a scanned code. Fails with `decode.*`, `link.version`, or `link.code` when it is of another linking. */
export const checkCode = (
  crypto: CryptoProvider,
  transcript: Uint8Array,
  code: Uint8Array
): Result.Result<Uint8Array, LinkFailure> => {
  if (code.length > Limits.maxLinkTextBytes) return fail("decode.size")
  if (isOtherVersion(code)) return fail("link.version")
  const read = lift(Refusal.decode(Code, code))
  if (Result.isFailure(read)) return Result.fail(read.failure)
  const same = Bytes.constantTimeEqual(read.success.print, print(crypto, transcript))
  return same ? Result.succeed(read.success.secret) : fail("link.code")
}

const isOtherVersion = (code: Uint8Array): boolean => {
  const reader = new Reader(code)
  reader.arrayHeader(1, Limits.maxItems)
  const found = reader.uint(0, Limits.maxUint)
  return reader.reason === undefined && found !== version
}

/** Ten digits of ten bytes: of every five, big-endian, modulo 100,000. */
const tenDigits = (bytes: Uint8Array): string => {
  let out = ""
  for (const at of [0, 5]) {
    const number = bytes[at]! * 2 ** 32 + Bytes.readBe32(bytes, at + 1)
    out += (number % 100_000).toString().padStart(5, "0")
  }
  return out
}

/** A PIN of 6…8 digits out of 10 random bytes. */
export const pin = (random: Uint8Array, digits: number): string => {
  if (random.length !== 10) return defect("a PIN takes 10 random bytes")
  if (!(digits >= Limits.minPinDigits && digits <= Limits.maxPinDigits)) return defect("a PIN has 6 to 8 digits")
  return tenDigits(random).slice(0, digits)
}

/** A PIN as it was typed. Fails with `decode.value`, `decode.truncated` or `decode.trailing`. */
export const parsePin = (typed: string): Result.Result<string, LinkFailure> => {
  const bare = typed.replace(/[ -]/g, "")
  if (!/^[0-9]*$/.test(bare)) return fail("decode.value")
  if (bare.length < Limits.minPinDigits) return fail("decode.truncated")
  return bare.length > Limits.maxPinDigits ? fail("decode.trailing") : Result.succeed(bare)
}

/** The ten digits that both consoles show, `ddddd ddddd`. */
export const digits = (crypto: CryptoProvider, transcript: Uint8Array): string => {
  const ten = tenDigits(crypto.sha256(Labels.prefixed(Labels.linkDigits, transcript)))
  return `${ten.slice(0, 5)} ${ten.slice(5)}`
}

/** What CPace is bound to at one attempt (rule link.pin.2): the devices' ids, old first, and T. */
export const pinChannel = (
  crypto: CryptoProvider,
  oldDevice: Uint8Array,
  newDevice: Uint8Array,
  transcript: Uint8Array,
  attempt: number
): CpaceChannel => ({
  ci: Cpace.lengthValue(oldDevice, newDevice),
  sid: crypto.sha256(Labels.prefixed(Labels.linkAttempt, transcript, Bytes.be8(attempt)))
})
