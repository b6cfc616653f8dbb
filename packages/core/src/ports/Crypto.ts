/**
 * The crypto provider and the source of random bytes, as services.
 *
 * Spec: docs/spec/01-suites.md; docs/spec/appendix-coins.md.
 */
import * as Context from "effect/Context"
import type { CryptoProvider } from "../crypto/Provider.ts"

/** Port: the synchronous provider every step is given. */
export class Crypto extends Context.Service<Crypto, CryptoProvider>()("@tacit/core/Crypto") {}

/**
 * Port: random bytes, synchronous. `label` names the purpose (docs/spec/appendix-coins.md); production sources ignore it,
 * tests and vectors use it to supply the value.
 */
export class Entropy extends Context.Service<
  Entropy,
  {
    readonly bytes: (label: string, length: number) => Uint8Array
  }
>()("@tacit/core/Entropy") {}
