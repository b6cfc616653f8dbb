/**
 * What an operation answers, and how an answer is held against a case.
 *
 * Spec: vectors/README.md (verdict, stage, class).
 * An exception is a fault, never a refusal.
 */
import type { CryptoProvider } from "@tacit/core/hazmat"
import type { Input, Json, JsonObject } from "./values.ts"

/** An accepted call with what it gives, or a refused one with its cause; `undefined` where the interface tells none. */
export type Answer = { readonly ok: JsonObject } | { readonly reject: string | undefined }

export const ok = (out: JsonObject): Answer => ({ ok: out })
export const reject = (cause?: string): Answer => ({ reject: cause })

/** A stateless operation. */
export type Operation = (crypto: CryptoProvider, input: Input) => Answer

/** A step of a transcript on the state of one actor. `snapshot` shows whether a refused step changed anything. */
export interface Actor {
  readonly step: (name: string, input: Input, now: number) => Answer
  readonly snapshot: () => Json
}

/** Makes the actors of one transcript. */
export type Actors = (crypto: CryptoProvider, name: string) => Actor
