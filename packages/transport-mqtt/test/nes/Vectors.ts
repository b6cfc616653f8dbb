/**
 * The vectors of the profile, read: key files, references, and bytes.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto"
import { readFileSync } from "node:fs"

export interface Step {
  readonly id: string
  readonly op: string
  readonly in: Readonly<Record<string, unknown>>
  readonly out: string
}

export interface Case {
  readonly id: string
  readonly title: string
  readonly verdict: "valid" | "invalid"
  readonly class?: ReadonlyArray<string>
  readonly flags: ReadonlyArray<string>
  readonly op: string
  readonly in: Readonly<Record<string, unknown>>
  readonly out?: Readonly<Record<string, unknown>>
  readonly core?: { readonly op: string; readonly cases?: ReadonlyArray<string> }
  readonly trace?: ReadonlyArray<Step>
}

interface File {
  readonly count: number
  readonly worlds: { readonly keys: { readonly trace: ReadonlyArray<Step> } }
  readonly cases: ReadonlyArray<Case>
}

export const folder = new URL("../../../../vectors/", import.meta.url)

export const read = (name: string): File =>
  JSON.parse(readFileSync(new URL(`nes/data/${name}.json`, folder), "utf8")) as File

/** A key file of the vectors, such as `bob-rsa-message` or `bob-rsa-message.pub`. */
export const pem = (name: string): string => readFileSync(new URL(`nes/keys/${name}`, folder), "utf8")

export const privateKey = (name: string): KeyObject => createPrivateKey(pem(name))
export const publicKey = (name: string): KeyObject => createPublicKey(pem(`${name}.pub`))

/** The file name of a reference such as `$bob.message` or `$bob.message.public`. */
export const fileOf = (reference: unknown): string => {
  const [user = "", use = ""] = String(reference).slice(1).split(".")
  return `${user}-rsa-${use}`
}

/** Hex, or a recipe. */
export const bytes = (value: unknown): Uint8Array => {
  if (typeof value === "string") return Buffer.from(value, "hex")
  const { head, pattern, repeat, tail } = value as {
    readonly head: string
    readonly pattern: string
    readonly repeat: number
    readonly tail: string
  }
  return Buffer.from(head + pattern.repeat(repeat) + tail, "hex")
}

/** The value of a step of the trace. */
export const step = (one: Case, id: string): Uint8Array => {
  const found = one.trace?.find((entry) => entry.id === id)
  if (found === undefined) throw new Error(`${one.id} has no step ${id}`)
  return Buffer.from(found.out, "hex")
}
