/**
 * Sources of a vault's secret that need no platform: a passphrase or a key that the program has, and reading either out of bytes.
 *
 * Spec: docs/spec/12-vault.md §12.2.
 * Files, variables and programs are asked by `@tacit/storage/unlock`.
 */
import * as Effect from "effect/Effect"
import * as Bytes from "../../base/Bytes.ts"
import * as Limits from "../../base/Limits.ts"
import { UnlockError, type UnlockQuestion, UnlockSource } from "../../ports/UnlockSource.ts"
import * as Kdf from "../../vault/Kdf.ts"

/** The kinds of secrets a person or program can give. */
export type Kind = "passphrase" | "key"

/** Asks for a passphrase the program has. Strings cannot be overwritten: prefer a source that reads when it is asked. */
export const passphrase = (text: string): UnlockSource["Service"] =>
  UnlockSource.of({
    secret: () => {
      const bytes = Kdf.passphraseBytes(text)
      return bytes === undefined
        ? Effect.fail(new UnlockError({ reason: "invalid", source: "the passphrase" }))
        : Effect.succeed({ type: "passphrase", passphrase: bytes })
    }
  })

/** A key of 32 bytes the program has, as a hardware module or a key chain gives it. The source works on copies. */
export const key = (bytes: Uint8Array): UnlockSource["Service"] =>
  UnlockSource.of({
    secret: () =>
      bytes.length === Kdf.keyBytes
        ? Effect.succeed({ type: "key", key: bytes.slice() })
        : Effect.fail(new UnlockError({ reason: "invalid", source: "the key" }))
  })

/**
 * What a file, a variable or a program gave, read as a secret, and overwritten. A key is 32 bytes as they are, or 64 hexadecimal digits;
 * a passphrase is text; one line ending behind either is not part of it. `kind` is what the caller knows; without it the
 * vault's own kind counts, and for a new vault a passphrase.
 */
export const parse = (
  given: Uint8Array,
  question: UnlockQuestion,
  source: string,
  kind?: Kind
): Effect.Effect<Kdf.Secret, UnlockError> =>
  Effect.suspend(() => {
    const secret = read(given, kind ?? question.method ?? "passphrase")
    given.fill(0)
    return secret === undefined
      ? Effect.fail(new UnlockError({ reason: given.length === 0 ? "none" : "invalid", source }))
      : Effect.succeed(secret)
  })

const read = (given: Uint8Array, kind: Kind): Kdf.Secret | undefined => {
  if (kind === "key" && given.length === Kdf.keyBytes) return { type: "key", key: given.slice() }
  if (given.length > 2 * Limits.maxPassphraseBytes) return undefined
  let end = given.length
  if (end > 0 && given[end - 1] === 0x0a) end--
  if (end > 0 && given[end - 1] === 0x0d) end--
  const text = Bytes.utf8Decode(given.subarray(0, end))
  if (text === undefined) return undefined
  if (kind === "passphrase") {
    const bytes = Kdf.passphraseBytes(text)
    return bytes === undefined ? undefined : { type: "passphrase", passphrase: bytes }
  }
  const bytes = text.length === 2 * Kdf.keyBytes ? Bytes.fromHex(text) : undefined
  return bytes === undefined ? undefined : { type: "key", key: bytes }
}

/** Overwrites a secret that is not needed any more. */
export const wipe = (secret: Kdf.Secret): void =>
  Bytes.wipe(secret.type === "passphrase" ? secret.passphrase : secret.type === "key" ? secret.key : secret.stretched)
