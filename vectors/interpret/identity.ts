/**
 * F19: certificates, manifests, fork proofs, and a device that follows an account's history.
 *
 * Spec: docs/spec/04-accounts.md.
 * Vectors: vectors/identity.
 */
import { Certificate, ForkProof, Manifest, SessionStart } from "@tacit/core/hazmat"
import * as Result from "effect/Result"
import { ok, reject, type Actors, type Operation } from "./outcome.ts"
import { hex, unhex } from "./values.ts"

export const operations: { readonly [op: string]: Operation } = {
  "certificate.verify": (crypto, input) => {
    const bytes = input.bytes("bytes")
    const verified = Certificate.verify(crypto, bytes)
    if (Result.isFailure(verified)) return reject(verified.failure.cause)
    const { account, agreement, device, manifestVersion, role, signature } = verified.success
    if (hex(Certificate.encode(verified.success, signature)) !== hex(bytes)) throw new Error("does not encode again")
    return ok({ account: hex(account), device: hex(device), agreement: hex(agreement), role, manifestVersion })
  },
  "manifest.verify": (crypto, input) => {
    const bytes = input.bytes("bytes")
    const verified = Manifest.verify(crypto, bytes, input.maybe("account"))
    if (Result.isFailure(verified)) return reject(verified.failure.cause)
    const { account, body, devices, hash, issuedAt, previous, revocations, signature, version } = verified.success
    if (hex(Manifest.encode(body, signature)) !== hex(bytes)) throw new Error("does not encode again")
    return ok({
      account: hex(account),
      version,
      previous: hex(previous),
      issuedAt,
      devices: devices.map(({ addedIn, agreement, device, role }) => [hex(device), hex(agreement), role, addedIn]),
      revocations: revocations.map(({ device, revokedIn }) => [hex(device), revokedIn]),
      hash: hex(hash)
    })
  },
  "proof.verify": (crypto, input) => {
    const bytes = input.bytes("bytes")
    const verified = ForkProof.verify(crypto, bytes)
    if (Result.isFailure(verified)) return reject(verified.failure.cause)
    const { account, contradiction, first, second } = verified.success
    if (hex(ForkProof.encode(first.bytes, second.bytes)) !== hex(bytes)) throw new Error("does not encode again")
    return ok({
      account: hex(account),
      first: hex(first.hash),
      firstVersion: first.version,
      second: hex(second.hash),
      secondVersion: second.version,
      contradiction
    })
  }
}

export const actors: Actors = (crypto) => {
  let held: Manifest.Manifest | undefined
  return {
    snapshot: () => (held === undefined ? null : hex(held.bytes)),
    step: (name, input) => {
      if (name === "manifest.update") {
        const answer = input.list("answer").map((item) => unhex(typeof item === "string" ? item : "?"))
        const updated = Manifest.update(crypto, input.bytes("account"), held, answer)
        if (Result.isFailure(updated)) return reject(updated.failure.cause)
        held = updated.success
        return ok({
          version: held.version,
          hash: hex(held.hash),
          devices: held.devices.map(({ device }) => hex(device)),
          revoked: held.revocations.map(({ device }) => hex(device))
        })
      }
      if (name === "manifest.admit") {
        const certificate = Certificate.verify(crypto, input.bytes("certificate"))
        if (Result.isFailure(certificate)) return reject(certificate.failure.cause)
        const start = { certificate: certificate.success }
        const admitted = SessionStart.admit(start, { manifest: held, pinned: input.maybe("pinned") })
        return Result.isFailure(admitted) ? reject(admitted.failure.cause) : ok({})
      }
      throw new Error(`no step ${name}`)
    }
  }
}
