/**
 * Prekeys, bundles and PQXDH as trace steps.
 *
 * Spec: docs/spec/05-agreement.md.
 */
import { signed, type Device } from "./identity.ts"
import type { Suite } from "./prim.ts"
import { label, type Start } from "./protocol.ts"
import type { Arg, Ref, Trace } from "./trace.ts"

/** An X25519 prekey. */
export interface Prekey {
  readonly id: number
  readonly secret: Ref
  readonly key: Ref
  /** By the device; one-time prekeys have none. */
  readonly signature?: Ref
}

/** A ML-KEM-768 prekey with its 64-byte seed. */
export interface KemPrekey {
  readonly id: number
  readonly oneTime: boolean
  readonly seed: Ref
  readonly key: Ref
  readonly signature: Ref
}

export const signedPrekey = (trace: Trace, owner: Device, actor: string, id: number): Prekey => {
  const name = `${owner.name}.spk${id}`
  const secret = trace.coin(`${name}.secret`, actor, "prekey.signed", id, 32)
  const key = trace.op(name, "x25519-public", { k: secret }, "prekey.kinds.1")
  return { id, secret, key, signature: prekeySignature(trace, `${name}.signature`, owner, "signed prekey", id, key) }
}

export const oneTimePrekey = (trace: Trace, owner: Device, actor: string, id: number): Prekey => {
  const name = `${owner.name}.opk${id}`
  const secret = trace.coin(`${name}.secret`, actor, "prekey.once", id, 32)
  return { id, secret, key: trace.op(name, "x25519-public", { k: secret }, "prekey.kinds.1") }
}

export const kemPrekey = (trace: Trace, owner: Device, actor: string, id: number, oneTime: boolean): KemPrekey => {
  const name = `${owner.name}.${oneTime ? "kem" : "kem-last"}${id}`
  const seed = trace.coin(`${name}.seed`, actor, oneTime ? "kem.once" : "kem.last", id, 64)
  const key = trace.op(name, "ml-kem-768-public", { seed }, "prekey.kinds.1")
  const purpose = oneTime ? "one-time KEM prekey" : "last-resort KEM prekey"
  return { id, oneTime, seed, key, signature: prekeySignature(trace, `${name}.signature`, owner, purpose, id, key) }
}

/** The device's signature over `L(purpose, [id, key])`. */
export const prekeySignature = (
  trace: Trace,
  id: string,
  owner: Device,
  purpose: string,
  keyId: number,
  key: Ref
): Ref => {
  const statement = trace.op(`${id}.statement`, "canon", { value: [keyId, key] }, "prekey.sign.1")
  return signed(trace, id, owner.signSeed, purpose, [statement], "prekey.sign.1")
}

/** The bytes of a bundle. */
export const bundle = (
  trace: Trace,
  id: string,
  owner: Device,
  spk: Prekey,
  kem: KemPrekey,
  opk: Prekey | undefined,
  suites: ReadonlyArray<number> = [1, 2, 3]
): Ref =>
  trace.op(
    id,
    "canon",
    {
      value: [
        1,
        owner.certificate,
        owner.mailbox,
        [spk.id, spk.key, spk.signature!],
        [kem.id, kem.oneTime ? 1 : 0, kem.key, kem.signature],
        opk === undefined ? [] : [[opk.id, opk.key]],
        suites
      ]
    },
    "prekey.bundle.1"
  )

/** A key agreement as both sides come to see it. */
export interface Agreement extends Start {
  readonly ephemeral: Ref
  readonly ephemeralSecret: Ref
  readonly coins: Ref
  readonly ciphertext: Ref
  readonly sessionId: Ref
  readonly digest: Ref
  readonly spk: Prekey
  readonly opk: Prekey | undefined
  readonly kem: KemPrekey
}

/** PQXDH; step names begin with `id`. `index` counts the initiator's agreements. */
export const pqxdh = (
  trace: Trace,
  id: string,
  suite: Suite,
  actor: string,
  index: number,
  initiator: Device,
  responder: Device,
  spk: Prekey,
  opk: Prekey | undefined,
  kem: KemPrekey
): Agreement => {
  const ephemeralSecret = trace.coin(`${id}.ek-secret`, actor, "pqxdh.eph", index, 32)
  const coins = trace.coin(`${id}.coins`, actor, "kem.encap", index, 32)
  const ephemeral = trace.op(`${id}.ek`, "x25519-public", { k: ephemeralSecret }, "pqxdh.dh.1")
  const dh = (n: number, k: Ref, u: Ref): Ref => trace.op(`${id}.dh${n}`, "x25519", { k, u }, "pqxdh.dh.1")
  const parts: Array<Arg> = [
    new Uint8Array(32).fill(0xff),
    dh(1, initiator.agreeSecret, spk.key),
    dh(2, ephemeralSecret, responder.agree),
    dh(3, ephemeralSecret, spk.key)
  ]
  if (opk !== undefined) parts.push(dh(4, ephemeralSecret, opk.key))
  const encapsulated = trace.op(`${id}.kem`, "ml-kem-768-encaps", { ek: kem.key, coins }, "pqxdh.kem.1")
  const ciphertext = trace.slice(`${id}.ct`, encapsulated, 0, 1088, "pqxdh.kem.1")
  const secret = trace.slice(`${id}.ss`, encapsulated, 1088, 1120, "pqxdh.kem.1")
  // The responder's way to the same secret.
  trace.op(`${id}.ss-responder`, "ml-kem-768-decaps", { seed: kem.seed, ct: ciphertext }, "pqxdh.kem.1")
  const ikm = trace.op(`${id}.ikm`, "concat", { parts: [...parts, secret] }, "pqxdh.kdf.1")
  const sk = trace.op(
    `${id}.sk`,
    "hkdf-sha256",
    { salt: new Uint8Array(32), ikm, info: label(trace, "pqxdh", suite), len: 96 },
    "pqxdh.kdf.1"
  )
  const transcript = trace.op(
    `${id}.transcript`,
    "canon",
    {
      value: [
        suite,
        initiator.account,
        responder.account,
        initiator.device,
        responder.device,
        initiator.agree,
        responder.agree,
        ephemeral,
        spk.id,
        spk.key,
        opk?.id ?? 0,
        opk?.key ?? new Uint8Array(0),
        kem.id,
        kem.key,
        ciphertext
      ]
    },
    "pqxdh.ad.1"
  )
  const labelled = trace.op(
    `${id}.ad-input`,
    "label",
    { purpose: "session transcript", parts: [transcript] },
    "pqxdh.ad.1"
  )
  const ad = trace.op(`${id}.ad`, "sha256", { data: labelled }, "pqxdh.ad.1")
  const startInput = trace.op(
    `${id}.digest-input`,
    "label",
    { purpose: "session start id", parts: [initiator.account, initiator.device, ephemeral, ciphertext] },
    "session.start.2"
  )
  return {
    suite,
    ad,
    rootKey: trace.slice(`${id}.root`, sk, 0, 32, "pqxdh.kdf.1"),
    initiatorHeader: trace.slice(`${id}.hka`, sk, 32, 64, "pqxdh.kdf.1"),
    responderHeader: trace.slice(`${id}.nhkb`, sk, 64, 96, "pqxdh.kdf.1"),
    prekeySecret: spk.secret,
    prekeyPublic: spk.key,
    ephemeral,
    ephemeralSecret,
    coins,
    ciphertext,
    sessionId: trace.slice(`${id}.session-id`, ad, 0, 16, "pqxdh.ad.1"),
    digest: trace.slice(
      `${id}.digest`,
      trace.op(`${id}.digest-hash`, "sha256", { data: startInput }),
      0,
      16,
      "session.start.2"
    ),
    spk,
    opk,
    kem
  }
}
