/**
 * What the steward leaves at the broker for when it cannot be asked.
 *
 * Spec: docs/spec/18-mqtt.md §18.6 (rules mqtt.kept.1–2).
 * Publishes nothing itself: makes topics and payloads out of what is public.
 */
import type { CryptoProvider } from "@tacit/core/hazmat"
import { Kept } from "@tacit/transport-mqtt/wire"
import { randomBytes } from "node:crypto"
import type { Publication } from "../Service.ts"

/** Topic and payload of every copy of an account; a payload of no bytes removes what was kept of a revoked device, or of a removed account. */
export function* copiesOf(
  crypto: CryptoProvider,
  root: string,
  { account, devices, manifests }: Publication
): Generator<readonly [topic: string, payload: Uint8Array]> {
  const seal = (secret: Uint8Array, content: Uint8Array | undefined) =>
    Kept.seal(crypto, root, { secret, salt: new Uint8Array(randomBytes(16)), content })
  yield seal(Kept.ofAccount(account), manifests.length === 0 ? undefined : Kept.encodeChain(manifests))
  for (const { bundle, device } of devices) yield seal(Kept.ofDevice(account, device), bundle)
}
