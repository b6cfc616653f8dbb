/**
 * PQXDH, revision 3: the key agreement behind every session.
 *
 * Spec: docs/spec/05-agreement.md §5.2.
 * Agreements with a device's long-term key are computed by its custody and handed in; `undefined` stands for a zero result.
 * Does not check signatures (agreement/Bundle.ts does) and deletes no prekey.
 */
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import { fail, type Failure } from "../base/Failure.ts"
import * as Layout from "../codec/Layout.ts"
import * as Labels from "../crypto/Labels.ts"
import * as MlKem from "../crypto/MlKem.ts"
import type { CryptoProvider } from "../crypto/Provider.ts"
import type { SuiteId } from "../crypto/Suite.ts"
import type { DeviceIdentity } from "../identity/Device.ts"
import type { Agreed } from "../ratchet/RatchetState.ts"
import type { CheckedBundle } from "./Bundle.ts"

/** What an initiator tells the responder so that it can agree on the same. */
export interface Parameters {
  /** EK: the initiator's ephemeral public key, 32 bytes. */
  readonly ephemeral: Uint8Array
  readonly signedPrekeyId: number
  /** 0 when no one-time prekey was used. */
  readonly oneTimePrekeyId: number
  readonly kemOneTime: boolean
  readonly kemPrekeyId: number
  /** CT, 1,088 bytes. */
  readonly kemCiphertext: Uint8Array
}

/** A public prekey by its id. */
export interface KeyById {
  readonly id: number
  readonly key: Uint8Array
}

/** Everything both sides must agree about; hashed into the session's associated data. */
export interface Transcript {
  readonly suite: SuiteId
  readonly initiator: DeviceIdentity
  readonly responder: DeviceIdentity
  readonly ephemeral: Uint8Array
  readonly signedPrekey: KeyById
  readonly oneTimePrekey: KeyById | undefined
  readonly kemPrekey: KeyById
  readonly kemCiphertext: Uint8Array
}

const key = Layout.bytes({ length: 32 })
/** The layout of the transcript. */
export const TranscriptLayout = Layout.tuple({
  suite: Layout.uint({ min: 1, max: 3 }),
  initiatorAccount: key,
  responderAccount: key,
  initiatorDevice: key,
  responderDevice: key,
  initiatorAgreement: key,
  responderAgreement: key,
  ephemeral: key,
  signedPrekeyId: Layout.uint({ min: 1 }),
  signedPrekey: key,
  oneTimePrekeyId: Layout.uint(),
  oneTimePrekey: Layout.bytes({ max: 32 }),
  kemPrekeyId: Layout.uint({ min: 1 }),
  kemPrekey: Layout.bytes({ length: MlKem.publicKeyBytes }),
  kemCiphertext: Layout.bytes({ length: MlKem.ciphertextBytes })
})

/** AD: the session's associated data, 32 bytes (rule pqxdh.ad.1). */
export const associatedData = (crypto: CryptoProvider, transcript: Transcript): Uint8Array => {
  const { ephemeral, initiator, kemCiphertext, kemPrekey, oneTimePrekey, responder, signedPrekey, suite } = transcript
  const encoded = TranscriptLayout.encode({
    suite,
    initiatorAccount: initiator.account,
    responderAccount: responder.account,
    initiatorDevice: initiator.device,
    responderDevice: responder.device,
    initiatorAgreement: initiator.agreement,
    responderAgreement: responder.agreement,
    ephemeral,
    signedPrekeyId: signedPrekey.id,
    signedPrekey: signedPrekey.key,
    oneTimePrekeyId: oneTimePrekey?.id ?? 0,
    oneTimePrekey: oneTimePrekey?.key ?? Bytes.empty,
    kemPrekeyId: kemPrekey.id,
    kemPrekey: kemPrekey.key,
    kemCiphertext
  })
  return crypto.sha256(Labels.prefixed(Labels.sessionTranscript, encoded))
}

/** The session id: the first 16 bytes of AD, in a new array. */
export const sessionId = (ad: Uint8Array): Uint8Array => ad.slice(0, 16)

/** The four agreements and the encapsulated secret that make a session key; `dh4` only with a one-time prekey. */
export interface Secrets {
  readonly dh1: Uint8Array
  readonly dh2: Uint8Array
  readonly dh3: Uint8Array
  readonly dh4: Uint8Array | undefined
  readonly encapsulated: Uint8Array
}

const zeros = new Uint8Array(32)
const ones = new Uint8Array(32).fill(0xff)

/** Root key and both initial header keys (rule pqxdh.kdf.1). */
export const derive = (crypto: CryptoProvider, suite: SuiteId, ad: Uint8Array, secrets: Secrets): Agreed => {
  const { dh1, dh2, dh3, dh4, encapsulated } = secrets
  const ikm = Bytes.concat(ones, dh1, dh2, dh3, dh4 ?? Bytes.empty, encapsulated)
  const derived = crypto.hkdfSha256(ikm, zeros, Labels.prefixed(Labels.pqxdh, Bytes.be8(suite)), 96)
  const agreed = {
    suite,
    ad,
    rootKey: derived.slice(0, 32),
    initiatorHeader: derived.slice(32, 64),
    responderHeader: derived.slice(64, 96)
  }
  Bytes.wipe(ikm, derived)
  return agreed
}

/** What the initiator supplies. */
export interface InitiatorInput {
  readonly suite: SuiteId
  readonly self: DeviceIdentity
  /** Checked, and of the device one means to reach. */
  readonly bundle: CheckedBundle
  /** DH1 = X25519(own agreement key, `bundle.signedPrekey.key`). */
  readonly dh1: Uint8Array | undefined
  /** Fresh X25519 secret, 32 bytes. Used up. */
  readonly ephemeralSecret: Uint8Array
  /** Fresh, 32 bytes. Used up. */
  readonly kemCoins: Uint8Array
}

/** What the initiator gets. */
export interface Initiated {
  readonly agreed: Agreed
  readonly parameters: Parameters
  readonly consumed: ReadonlyArray<Uint8Array>
}

/** The initiator's side. Fails with `auth.low-order`, `auth.prekey` or `auth.reflected`. */
export const initiate = (crypto: CryptoProvider, input: InitiatorInput): Result.Result<Initiated, Failure> => {
  const { bundle, dh1, ephemeralSecret, kemCoins, self, suite } = input
  const { certificate, kemPrekey, oneTimePrekey, signedPrekey } = bundle
  if (Bytes.equal(certificate.device, self.device)) return fail("auth.reflected")
  const dh2 = crypto.x25519(ephemeralSecret, certificate.agreement)
  const dh3 = crypto.x25519(ephemeralSecret, signedPrekey.key)
  const dh4 = oneTimePrekey === undefined ? undefined : crypto.x25519(ephemeralSecret, oneTimePrekey.key)
  if (
    dh1 === undefined ||
    dh2 === undefined ||
    dh3 === undefined ||
    (oneTimePrekey !== undefined && dh4 === undefined)
  ) {
    erase(dh2, dh3, dh4)
    return fail("auth.low-order")
  }
  const encapsulation = crypto.mlKem768Encapsulate(kemPrekey.key, kemCoins)
  if (encapsulation === undefined) {
    erase(dh2, dh3, dh4)
    return fail("auth.prekey")
  }
  const { ciphertext: kemCiphertext, sharedSecret: encapsulated } = encapsulation
  const ephemeral = crypto.x25519PublicKey(ephemeralSecret)
  const ad = associatedData(crypto, {
    suite,
    initiator: self,
    responder: certificate,
    ephemeral,
    signedPrekey,
    oneTimePrekey,
    kemPrekey,
    kemCiphertext
  })
  const agreed = derive(crypto, suite, ad, { dh1, dh2, dh3, dh4, encapsulated })
  erase(dh2, dh3, dh4, encapsulated)
  return Result.succeed({
    agreed,
    parameters: {
      ephemeral,
      signedPrekeyId: signedPrekey.id,
      oneTimePrekeyId: oneTimePrekey?.id ?? 0,
      kemOneTime: kemPrekey.oneTime,
      kemPrekeyId: kemPrekey.id,
      kemCiphertext
    },
    consumed: [dh1, ephemeralSecret, kemCoins]
  })
}

/** An own X25519 prekey with its secret. */
export interface OwnPrekey extends KeyById {
  readonly secret: Uint8Array
}

/** An own ML-KEM-768 prekey; `secret` is its 64-byte seed. */
export interface OwnKemPrekey extends KeyById {
  readonly secret: Uint8Array
}

/** The own prekeys that a start names. */
export interface OwnPrekeys {
  readonly signedPrekey: OwnPrekey
  /** Given exactly when the start names one. */
  readonly oneTimePrekey: OwnPrekey | undefined
  readonly kemPrekey: OwnKemPrekey
}

/** What the responder supplies. Prekey secrets stay the caller's: they are copied where they are kept. */
export interface ResponderInput extends OwnPrekeys {
  readonly suite: SuiteId
  /** From the verified certificate inside the start. */
  readonly initiator: DeviceIdentity
  readonly self: DeviceIdentity
  readonly parameters: Parameters
  /** DH2 = X25519(own agreement key, `parameters.ephemeral`). */
  readonly dh2: Uint8Array | undefined
}

/** What the responder gets. */
export interface Responded {
  readonly agreed: Agreed
  readonly consumed: ReadonlyArray<Uint8Array>
}

/** The responder's side. Fails with `auth.reflected`, `auth.low-order` or `lookup.prekey-unknown` (keys that are not the named ones). */
export const respond = (crypto: CryptoProvider, input: ResponderInput): Result.Result<Responded, Failure> => {
  const { dh2, initiator, kemPrekey, oneTimePrekey, parameters, self, signedPrekey, suite } = input
  const { ephemeral, kemCiphertext } = parameters
  if (Bytes.equal(initiator.device, self.device)) return fail("auth.reflected")
  const named =
    signedPrekey.id === parameters.signedPrekeyId &&
    kemPrekey.id === parameters.kemPrekeyId &&
    (oneTimePrekey?.id ?? 0) === parameters.oneTimePrekeyId
  if (!named) return fail("lookup.prekey-unknown")
  const dh1 = crypto.x25519(signedPrekey.secret, initiator.agreement)
  const dh3 = crypto.x25519(signedPrekey.secret, ephemeral)
  const dh4 = oneTimePrekey === undefined ? undefined : crypto.x25519(oneTimePrekey.secret, ephemeral)
  if (
    dh1 === undefined ||
    dh2 === undefined ||
    dh3 === undefined ||
    (oneTimePrekey !== undefined && dh4 === undefined)
  ) {
    erase(dh1, dh3, dh4)
    return fail("auth.low-order")
  }
  const encapsulated = crypto.mlKem768Decapsulate(kemPrekey.secret, kemCiphertext)
  if (encapsulated === undefined) {
    erase(dh1, dh3, dh4)
    return fail("decode.size")
  }
  const ad = associatedData(crypto, {
    suite,
    initiator,
    responder: self,
    ephemeral,
    signedPrekey,
    oneTimePrekey,
    kemPrekey,
    kemCiphertext
  })
  const agreed = derive(crypto, suite, ad, { dh1, dh2, dh3, dh4, encapsulated })
  erase(dh1, dh3, dh4, encapsulated)
  return Result.succeed({ agreed, consumed: [dh2] })
}

/** Wipes secrets that were derived here, those that exist. What the caller handed in stays the caller's. */
const erase = (...secrets: ReadonlyArray<Uint8Array | undefined>): void => {
  for (const secret of secrets) secret?.fill(0)
}
