/**
 * The floor: the primitives a workload cannot do without, called bare, each on the fastest backend. No encoding, no state,
 * no checks. Counted from docs/spec: what stands here for a workload is what its rules make necessary in suite 1.
 */
import type { CryptoProvider } from "@tacit/core/hazmat"
import { type Task, timed } from "./Rounds.ts"

const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill)

export const floor = (crypto: CryptoProvider, random: (length: number) => Uint8Array) => {
  const key = bytes(32, 1),
    info = bytes(24, 2),
    one = Uint8Array.of(1),
    two = Uint8Array.of(2)
  const headerAd = bytes(48, 3),
    header = bytes(40, 4),
    bodyAd = bytes(136, 5),
    label = bytes(20, 6)
  const task = (workload: string, operations: number, body: (i: number) => void): Task => ({
    contender: "floor",
    workload,
    run: () => timed(operations, body)
  })

  const chain = () => crypto.hmacSha256Pair(key, one, two)
  const messageKey = (nonce: Uint8Array) => crypto.hkdfSha256(key, nonce, info, 44)
  const seal = (padded: Uint8Array) => {
    const nonce = random(12)
    const [mk] = chain()
    const expanded = crypto.hkdfSha256(mk, nonce, info, 44)
    const sealedHeader = crypto.chachaSeal(key, nonce, headerAd, header)
    const body = crypto.chachaSeal(expanded.subarray(0, 32), expanded.subarray(32), bodyAd, padded)
    return { nonce, sealedHeader, body, expanded }
  }
  const open = ({ nonce, sealedHeader, body, expanded }: ReturnType<typeof seal>) => {
    crypto.chachaOpen(key, nonce, headerAd, sealedHeader)
    chain()
    messageKey(nonce)
    crypto.chachaOpen(expanded.subarray(0, 32), expanded.subarray(32), bodyAd, body)
  }

  const peerSecret = bytes(32, 9),
    peerPublic = crypto.x25519PublicKey(peerSecret)
  const ratchetStep = () => {
    const secret = random(32)
    crypto.x25519PublicKey(secret)
    // The own key of the turn before has been imported already; the peer's new one is imported here.
    const shared = crypto.x25519(peerSecret, peerPublic)!
    crypto.hkdfSha256(shared, key, info, 96)
    const next = crypto.x25519(secret, peerPublic)!
    crypto.hkdfSha256(next, key, info, 96)
    crypto.hmacSha256(key, label)
    crypto.hmacSha256(key, label)
  }

  return {
    oneWay: (size: number, padded: number, count: number): ReadonlyArray<Task> => {
      const body = bytes(padded, 7),
        name = size < 1024 ? `${size} B` : `${size / 1024} KiB`
      const sealed = seal(body)
      return [task(`W3 seal ${name}`, count, () => void seal(body)), task(`W3 open ${name}`, count, () => open(sealed))]
    },
    pingPong: (count: number): Task =>
      task("W2 ping-pong", count, () => {
        open(seal(bytes(64, 7)))
        ratchetStep()
      }),
    reversed: (count: number): Task => {
      const sealed = seal(bytes(64, 7))
      return task(`W4 reversed ${count}`, count, () => open(sealed))
    },
    setUp: (count: number): Task => {
      const seed = bytes(32, 11),
        publicKey = crypto.ed25519PublicKey(seed)
      const message = bytes(120, 12),
        signature = crypto.ed25519Sign(seed, message)
      return {
        contender: "floor",
        workload: "W1 set-up",
        run: () => {
          // Prekeys, as the other contenders prepare them: not measured.
          const prepared = Array.from({ length: count }, () => {
            const secrets = Array.from({ length: 4 }, () => random(32))
            return {
              secrets,
              publics: secrets.map((secret) => crypto.x25519PublicKey(secret)),
              kem: crypto.mlKem768KeyPair(random(64))
            }
          })
          return timed(count, (i) => {
            const { kem, publics, secrets } = prepared[i]!
            const [identityB, signedB, onceB, identityA] = secrets as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
            const [identityBPublic, signedBPublic, onceBPublic, identityAPublic] = publics as [
              Uint8Array,
              Uint8Array,
              Uint8Array,
              Uint8Array
            ]
            // Initiator: certificate and two prekey signatures, three ephemerals, KEM, DH1…DH4, root step, sealing.
            for (let n = 0; n < 3; n++) crypto.ed25519Verify(publicKey, message, signature)
            const ephemeral = random(32),
              ratchet = random(32),
              sealing = random(32)
            const ephemeralPublic = crypto.x25519PublicKey(ephemeral),
              ratchetPublic = crypto.x25519PublicKey(ratchet)
            const sealingPublic = crypto.x25519PublicKey(sealing)
            const encapsulated = crypto.mlKem768Encapsulate(kem.publicKey, random(32))!
            crypto.x25519(identityA, signedBPublic)
            crypto.x25519(ephemeral, identityBPublic)
            crypto.x25519(ephemeral, signedBPublic)
            crypto.x25519(ephemeral, onceBPublic)
            crypto.x25519(ratchet, signedBPublic)
            crypto.x25519(sealing, identityBPublic)
            const derive = () => {
              crypto.hkdfSha256(bytes(192, 1), key, info, 96)
              crypto.hkdfSha256(key, key, info, 96)
              crypto.hkdfSha256(key, bytes(64, 1), info, 44)
              crypto.sha256(bytes(2600, 1))
            }
            derive()
            const inner = seal(bytes(128, 7))
            const outer = crypto.chachaSeal(key, inner.nonce, headerAd, bytes(1700, 1))
            // Responder: certificate, sealing, DH1…DH4, KEM, root step.
            crypto.x25519(identityB, sealingPublic)
            crypto.chachaOpen(key, inner.nonce, headerAd, outer)
            crypto.ed25519Verify(publicKey, message, signature)
            crypto.x25519(signedB, identityAPublic)
            crypto.x25519(identityB, ephemeralPublic)
            crypto.x25519(signedB, ephemeralPublic)
            crypto.x25519(onceB, ephemeralPublic)
            crypto.mlKem768Decapsulate(kem.secretKey, encapsulated.ciphertext)
            crypto.x25519(signedB, ratchetPublic)
            derive()
            open(inner)
            // The responder's own first ratchet key, made while opening.
            const own = random(32)
            crypto.x25519PublicKey(own)
            crypto.x25519(own, ratchetPublic)
            crypto.hkdfSha256(key, key, info, 96)
          })
        }
      }
    }
  }
}
