/**
 * Every family with the files it builds, in order of their ids.
 *
 * Spec: vectors/README.md (families).
 */
import type { Family } from "../family.ts"
import type { VectorFile } from "../model.ts"
import { aead } from "./aead.ts"
import { ed25519 } from "./ed25519.ts"
import { encoding, family as encodingFamily } from "./encoding.ts"
import { hash, hkdf, hmac } from "./hash.ts"
import { kem } from "./kem.ts"
import { layouts } from "./layouts.ts"
import { family as primitives } from "./primitive.ts"
import { x25519 } from "./x25519.ts"

export const families: ReadonlyArray<{ readonly family: Family; readonly build: () => ReadonlyArray<VectorFile> }> = [
  { family: primitives, build: () => [hash(), hmac(), hkdf(), x25519(), ed25519(), kem(), aead(1), aead(2), aead(3)] },
  { family: encodingFamily, build: () => [encoding(), layouts()] }
]
