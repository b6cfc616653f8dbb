/**
 * F16: the vault.
 *
 * Spec: docs/spec/12-vault.md.
 * Vectors: vectors/vault.
 */
import {
  type CryptoProvider,
  VaultAudit,
  type VaultFailure,
  VaultHeader,
  VaultKdf,
  VaultKeys,
  VaultLedger,
  VaultRecord
} from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { ok, reject, type Answer, type Operation } from "./outcome.ts"
import { hex, unhex, type Input, type Json } from "./values.ts"

const secretOf = (input: Input): VaultKdf.Secret => {
  const passphrase = input.maybe("passphrase")
  return passphrase === undefined ? { type: "key", key: input.bytes("key") } : { type: "passphrase", passphrase }
}

const answer = <A>(result: Result.Result<A, VaultFailure>, give: (value: A) => Answer): Answer =>
  Result.isFailure(result) ? reject(result.failure.cause) : give(result.success)

const keysOf = (crypto: CryptoProvider, input: Input): VaultKeys.VaultKeys =>
  VaultKeys.derive(crypto, input.bytes("deviceKey"), input.bytes("vault"))

const bytesIn = (input: Input, name: string): ReadonlyArray<Uint8Array> =>
  input.list(name).map((item) => unhex(item as string))

const kdfOf = (input: Input): VaultKdf.Kdf => {
  const salt = input.bytes("salt")
  if (!input.has("cost")) return { method: 2, salt }
  const [memoryKiB, passes, lanes] = input.list("cost") as readonly [number, number, number]
  return { method: 1, salt, memoryKiB, passes, lanes }
}

const load = (crypto: CryptoProvider, input: Input): Answer => {
  const keys = keysOf(crypto, input)
  const ledger = VaultLedger.open(crypto, keys, input.bytes("ledger"))
  if (Result.isFailure(ledger)) return reject(ledger.failure.cause)
  const audit = new VaultAudit.Audit(crypto, keys)
  const ids = bytesIn(input, "ids")
  for (const [i, record] of bytesIn(input, "records").entries()) {
    const added = audit.add(ids[i]!, record)
    if (Result.isFailure(added)) return reject(added.failure.cause)
  }
  return answer(audit.finish(ledger.success, input.number("generation")), (known) =>
    ok({
      names: [...known].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { version }]): Json => [name, version])
    })
  )
}

export const operations: { readonly [op: string]: Operation } = {
  "vault.passphrase": (_, input) => {
    const passphrase = VaultKdf.passphraseBytes(input.text("text"))
    return passphrase === undefined ? reject() : ok({ passphrase: hex(passphrase) })
  },
  "vault.stretch": (crypto, input) => {
    const kdf: VaultKdf.Kdf = {
      method: 1,
      salt: input.bytes("salt"),
      memoryKiB: input.number("memory"),
      passes: input.number("passes"),
      lanes: input.number("lanes")
    }
    const secret = { type: "passphrase", passphrase: input.bytes("passphrase") } as const
    return answer(VaultKdf.stretch(crypto, kdf, secret), (stretched) => ok({ stretched: hex(stretched) }))
  },
  "vault.make": (crypto, input) => {
    const kdf = kdfOf(input)
    const contents = {
      state: input.number("state") as VaultHeader.State,
      vault: input.bytes("vault"),
      generation: input.number("generation"),
      kdf
    }
    return answer(VaultKdf.stretch(crypto, kdf, secretOf(input)), (stretched) =>
      ok({ header: hex(VaultHeader.make(crypto, contents, stretched, input.bytes("deviceKey"))) })
    )
  },
  "vault.unlock": (crypto, input) =>
    answer(VaultHeader.open(crypto, input.bytes("header"), secretOf(input)), ({ deviceKey, header }) =>
      ok({
        deviceKey: hex(deviceKey),
        vault: hex(header.vault),
        state: header.state,
        generation: header.generation
      })
    ),
  "vault.name": (crypto, input) =>
    ok({ id: hex(VaultKeys.idOf(crypto, keysOf(crypto, input), input.text("text"), input.number("piece"))) }),
  "vault.seal": (crypto, input) => {
    const nonces = [...bytesIn(input, "nonces")]
    const record = { name: input.text("text"), value: input.bytes("value"), version: input.number("version") }
    const sealed = VaultRecord.seal(crypto, keysOf(crypto, input), record, () => nonces.shift()!)
    return ok({ records: sealed.map(({ bytes }) => hex(bytes)) })
  },
  "vault.open": (crypto, input) =>
    answer(
      VaultRecord.open(crypto, keysOf(crypto, input), input.bytes("id"), input.bytes("record")),
      ({ bytes, name, piece, pieces, version }) => ok({ text: name, bytes: hex(bytes), version, piece, pieces })
    ),
  "vault.load": load
}
