/**
 * Run as a process of its own: does one piece of work on a vault over a SQLite file, and kills itself the hard way at a commit below.
 *
 * Arguments: path, work (`create`, `seal`, `passwd`, `unseal`, `write`), number of the commit to die at (0: never), `before` or `after` it.
 * Prints the number of every write that was acknowledged in `write`, and `done` when it got to its end.
 */
import { randomBytes } from "node:crypto"
import { writeSync } from "node:fs"
import { Crypto, Entropy, Store, Unlock, UnlockSource, Vault } from "@tacit/core"
import { loadNodeProvider } from "@tacit/core/crypto/node"
import * as Sqlite from "@tacit/storage/sqlite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const [path, work, at, when] = process.argv.slice(2) as [string, string, string, "before" | "after"]

const keyOf = (fill: number) => Unlock.key(new Uint8Array(32).fill(fill))

/** The store of the file, which is deadly at one commit. */
const deadly = Layer.effect(
  Store,
  Effect.map(Sqlite.make({ path }), ({ store }) => {
    let commits = 0
    const die = Effect.sync(() => void process.kill(process.pid, "SIGKILL"))
    return Store.of({
      ...store,
      commit: (writes) =>
        Effect.suspend(() => {
          if (++commits !== Number(at)) return store.commit(writes)
          return when === "before" ? Effect.andThen(die, Effect.never) : Effect.tap(store.commit(writes), () => die)
        })
    })
  })
)

const ports = Layer.mergeAll(
  deadly,
  Layer.succeed(Crypto, await loadNodeProvider()),
  Layer.succeed(Entropy, Entropy.of({ bytes: (_, length) => new Uint8Array(randomBytes(length)) })),
  Layer.succeed(UnlockSource, keyOf(1))
)

const inVault = <A, E>(program: Effect.Effect<A, E, Store | Vault.Vault>, options: Vault.Options = {}) =>
  Effect.provide(program, Layer.provide(Vault.layer(options), ports))

const write = Effect.gen(function* () {
  const store = yield* Store
  for (let i = (yield* store.scan("n/", { limit: 100_000 })).length; ; i++) {
    yield* store.commit([
      { op: "put", key: `n/${String(i).padStart(8, "0")}`, value: Uint8Array.of(i & 0xff, i >> 8) },
      { op: "put", key: "last", value: Uint8Array.of(i & 0xff, i >> 8) }
    ])
    writeSync(1, `${i}\n`)
  }
})

const works: Readonly<Record<string, Effect.Effect<unknown, unknown>>> = {
  create: inVault(Effect.void),
  seal: inVault(Effect.void, { seal: true }),
  passwd: inVault(Vault.Vault.use((vault) => vault.changeSecret(keyOf(2)))),
  unseal: Effect.provide(Vault.unseal, ports),
  write: inVault(write)
}

await Effect.runPromise(Effect.scoped(works[work]!))
writeSync(1, "done\n")
