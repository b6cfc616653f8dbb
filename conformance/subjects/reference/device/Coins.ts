/**
 * Random values of one actor: those of the request first, then coins by label.
 *
 * Spec: docs/spec/20-subject.md, rule subject.coins.1; docs/spec/appendix-coins.md.
 * Outlives the actor's processes and snapshots, so that no copy of a device meets a coin twice.
 */
import { Entropy } from "@tacit/core"
import { Bytes, type CryptoProvider } from "@tacit/core/hazmat"
import { SeededEntropy } from "@tacit/core/testing"

export class Coins {
  #supplied = new Map<string, Array<string>>()
  readonly entropy: Entropy["Service"]

  /** `seed` is that of hello, 64 bytes. */
  constructor(crypto: CryptoProvider, seed: Uint8Array, actor: string) {
    const coins = SeededEntropy.make(crypto, seed, actor)
    this.entropy = Entropy.of({
      bytes: (label, length) => {
        const given = this.#supplied.get(label)?.shift()
        if (given === undefined) return coins.bytes(label, length)
        const value = Bytes.fromHex(given)
        if (value?.length !== length) throw new TypeError(`the coin ${label} has ${length} bytes`)
        return value
      }
    })
  }

  /** Values for the request that follows, by label. */
  supply(coins: { readonly [label: string]: ReadonlyArray<string> } = {}): void {
    this.#supplied = new Map(Object.entries(coins).map(([label, values]) => [label, [...values]]))
  }
}
