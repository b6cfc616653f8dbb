/**
 * Random bytes from the platform's secure generator (Web Crypto's `getRandomValues`).
 *
 * Spec: docs/spec/appendix-coins.md.
 * Has no way to supply a value: labels are ignored. Refuses to run where the platform has no generator.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Entropy } from "../ports/Crypto.ts"

/** The platform has no secure random generator. Run where `globalThis.crypto.getRandomValues` exists. */
export class NoSecureRandom extends Schema.TaggedError<NoSecureRandom>()("NoSecureRandom", {}) {}

/** `getRandomValues` fills at most this many bytes in one call. */
const quota = 65_536

interface Generator {
  readonly getRandomValues: (array: Uint8Array) => unknown
}

/** The production layer of {@link Entropy}. */
export const layer: Layer.Layer<Entropy, NoSecureRandom> = Layer.effect(
  Entropy,
  Effect.suspend(() => {
    const generator = (globalThis as { readonly crypto?: Generator }).crypto
    if (typeof generator?.getRandomValues !== "function") return Effect.fail(new NoSecureRandom())
    return Effect.succeed(
      Entropy.of({
        bytes: (_label, length) => {
          const out = new Uint8Array(length)
          for (let at = 0; at < length; at += quota)
            generator.getRandomValues(out.subarray(at, Math.min(at + quota, length)))
          return out
        }
      })
    )
  })
)
