/**
 * The client of the key service: looks users up, registers one.
 *
 * Spec: docs/spec/15-nes.md §15.5 (rules nes.service.1–nes.service.4), §15.6.
 * Keeps no keys (KeySource.ts does); of bound answers it keeps what shows a later one to be old.
 */
import type { KeyObject } from "node:crypto"
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { type AnswerFormat, readBound, readCompatible, type Seen } from "./Answer.ts"
import { decodeText } from "./Frame.ts"
import { stringify } from "./GoJson.ts"
import { type KeySource, KeyError } from "./KeySource.ts"

/** What is kept of bound answers from one process to the next. */
export interface AnswerMemory {
  readonly get: (username: string) => Seen | undefined
  readonly set: (username: string, seen: Seen) => void
}

export interface KeyServiceOptions {
  /** Address without a slash at its end, such as `https://keys.example/pubkey`. */
  readonly address: string
  /** The service's own public key, had over another way. */
  readonly publicKey: KeyObject
  /** `compatible` unless said otherwise. With `bound` an answer in the other format is refused. */
  readonly format?: AnswerFormat
  /** Of bound answers. Without it they are remembered as long as the process runs. */
  readonly memory?: AnswerMemory
  readonly now?: () => number
  readonly timeoutMs?: number
}

/** A registration as it is asked for. Keys in PEM. */
export interface RegistrationRequest {
  readonly username: string
  readonly email: string
  readonly message: string
  readonly sign: string
}

/** The service did not register. `explanation` is its own line of text, without control characters. */
export class RegistrationRefused extends Data.TaggedError("RegistrationRefused")<{
  readonly status: number
  readonly explanation: string
}> {}

/** Largest answer read, in bytes. */
const maxAnswer = 65_536

const volatileMemory = (): AnswerMemory => {
  const held = new Map<string, Seen>()
  return { get: (username) => held.get(username), set: (username, seen) => void held.set(username, seen) }
}

const readLimited = async (response: Response): Promise<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > maxAnswer) throw new KeyError({ reason: "malformed" })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const request = async (
  address: string,
  timeoutMs: number,
  init: RequestInit
): Promise<{ readonly status: number; readonly bytes: Uint8Array }> => {
  try {
    const response = await fetch(address, { ...init, redirect: "error", signal: AbortSignal.timeout(timeoutMs) })
    return { status: response.status, bytes: await readLimited(response) }
  } catch (cause) {
    throw cause instanceof KeyError ? cause : new KeyError({ reason: "unreachable", cause })
  }
}

/** Looks users up at the service; every answer is verified before anything of it is used. */
export const keyService = (options: KeyServiceOptions): KeySource => {
  const { address, format = "compatible", now = Date.now, publicKey, timeoutMs = 10_000 } = options
  const memory = options.memory ?? volatileMemory()
  return {
    keysOf: async (username) => {
      const query = format === "bound" ? "?format=bound" : ""
      const { bytes, status } = await request(`${address}/users/${encodeURIComponent(username)}${query}`, timeoutMs, {})
      if (status === 404) throw new KeyError({ reason: "unknown-user" })
      if (status !== 200) throw new KeyError({ reason: "status" })
      if (format === "compatible") return Result.getOrThrow(readCompatible(bytes, publicKey))
      const asked = { username, now: now(), seen: memory.get(username) }
      const answer = Result.getOrThrow(readBound(bytes, publicKey, asked))
      memory.set(username, answer.seen)
      return answer.keys
    }
  }
}

/** Asks for a name. Resolves when the service took it; a link that makes it active comes by mail. */
export const register = async (
  address: string,
  registration: RegistrationRequest,
  options: { readonly timeoutMs?: number } = {}
): Promise<void> => {
  const { bytes, status } = await request(`${address}/users`, options.timeoutMs ?? 30_000, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: stringify({
      username: registration.username,
      email: registration.email,
      public_key_message: registration.message,
      public_key_sign: registration.sign
    })
  })
  if (status === 201) return
  // oxlint-disable-next-line eslint/no-control-regex
  const line = (decodeText(bytes) ?? "").replace(/[\u0000-\u001f\u007f-\u009f]/g, " ").trim()
  throw new RegistrationRefused({ status, explanation: line.slice(0, 200) })
}
