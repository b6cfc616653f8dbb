/** Two ends of one ratchet for tests: random bytes in order, skipped keys applied, turns completed. */
import * as Result from "effect/Result"
import type { Failure } from "../../src/base/Failure.ts"
import type { CryptoProvider } from "../../src/crypto/Provider.ts"
import { type SuiteId, suites } from "../../src/crypto/Suite.ts"
import * as DoubleRatchet from "../../src/ratchet/DoubleRatchet.ts"
import * as RatchetState from "../../src/ratchet/RatchetState.ts"
import * as SkippedKeys from "../../src/ratchet/SkippedKeys.ts"
import { coins, ok } from "../session/support.ts"

export const prefix = Uint8Array.from({ length: 21 }, (_, i) => i)

/** One end: what its caller would keep. */
export interface End {
  state: RatchetState.RatchetState
  readonly skipped: SkippedKeys.SkippedKeys
  readonly draw: (length: number) => Uint8Array
}

export interface Ends {
  readonly a: End
  readonly b: End
}

export const agreedOf = (suite: SuiteId, draw: (length: number) => Uint8Array): RatchetState.Agreed => ({
  suite,
  ad: draw(32),
  rootKey: draw(32),
  initiatorHeader: draw(32),
  responderHeader: draw(32)
})

export const makeEnds = (crypto: CryptoProvider, suite: SuiteId, seed = 1): Ends => {
  const draw = coins(seed)
  const agreed = agreedOf(suite, draw)
  const prekey = draw(32)
  const prekeyPublic = crypto.x25519PublicKey(prekey)
  return {
    a: {
      state: ok(RatchetState.initiate(crypto, agreed, draw(32), prekeyPublic)),
      skipped: SkippedKeys.make(),
      draw
    },
    b: { state: RatchetState.respond(crypto, agreed, prekey, prekeyPublic), skipped: SkippedKeys.make(), draw }
  }
}

/** Seals at one end and keeps the next state. */
export const send = (crypto: CryptoProvider, end: End, plaintext: Uint8Array): Uint8Array => {
  const nonce = end.draw(suites[end.state.suite].nonceLength)
  const sealed = ok(DoubleRatchet.seal(crypto, end.state, prefix, plaintext, nonce))
  end.state = sealed.next
  return sealed.message
}

/** Opens at one end; keeps what the step answers only when it opened. */
export const receive = (
  crypto: CryptoProvider,
  end: End,
  message: Uint8Array,
  now = 0
): Result.Result<DoubleRatchet.Opened, Failure> => {
  const opened = DoubleRatchet.open(crypto, end.state, end.skipped, prefix, message, now)
  if (Result.isFailure(opened)) return opened
  keep(crypto, end, opened.success)
  return opened
}

/** What a caller does after its commit. */
export const keep = (crypto: CryptoProvider, end: End, opened: DoubleRatchet.Opened): void => {
  end.skipped.apply(opened.delta)
  end.state = opened.turning ? ok(DoubleRatchet.turn(crypto, opened.half, end.draw(32))).next : opened.next
}

/** `count` messages of one end, in order. */
export const sendMany = (crypto: CryptoProvider, end: End, count: number): ReadonlyArray<Uint8Array> =>
  Array.from({ length: count }, (_, i) => send(crypto, end, numbered(i)))

/** A plaintext that says which it is. */
export const numbered = (i: number): Uint8Array => Uint8Array.of(i >> 8, i & 0xff)

/** The secrets of a state, to compare and to look for changes. */
export const copyOf = <T>(value: T): T => structuredClone(value)
