/** Devices for tests of the pure layer: seeded keys, bundles, and the way of a start at its recipient. */
import * as Result from "effect/Result"
import * as Bundle from "../../src/agreement/Bundle.ts"
import type * as Pqxdh from "../../src/agreement/Pqxdh.ts"
import * as Prekey from "../../src/agreement/Prekey.ts"
import type { Failure } from "../../src/base/Failure.ts"
import type { CryptoProvider } from "../../src/crypto/Provider.ts"
import { type SuiteId, suites } from "../../src/crypto/Suite.ts"
import type * as Body from "../../src/envelope/Body.ts"
import * as Content from "../../src/envelope/Content.ts"
import * as Envelope from "../../src/envelope/Envelope.ts"
import * as Certificate from "../../src/identity/Certificate.ts"
import * as Device from "../../src/identity/Device.ts"
import * as SkippedKeys from "../../src/ratchet/SkippedKeys.ts"
import * as Receive from "../../src/session/Receive.ts"
import * as Send from "../../src/session/Send.ts"
import type { Session } from "../../src/session/Session.ts"
import * as SessionStart from "../../src/session/SessionStart.ts"
import { random } from "../crypto/helpers.ts"

/** The success of a result, or a test failure that names the cause. */
export const ok = <A, E>(result: Result.Result<A, E>): A => {
  if (Result.isFailure(result)) throw new Error(`unexpected failure ${JSON.stringify(result.failure)}`)
  return result.success
}

/** The cause of a refusal, or `undefined` when there was none. */
export const causeOf = (result: Result.Result<unknown, Failure>): string | undefined =>
  Result.isFailure(result) ? result.failure.cause : undefined

/** Fresh bytes, never the same twice in one source. */
export const coins = (seed: number) => {
  let drawn = 0
  return (length: number): Uint8Array => random(seed * 100_003 + ++drawn, length)
}

export const nonceOf = (draw: (length: number) => Uint8Array, suite: SuiteId): Uint8Array =>
  draw(suites[suite].nonceLength)

/** Everything one device has; secrets in the open, as only a test has them. */
export interface Party {
  readonly draw: (length: number) => Uint8Array
  readonly accountSeed: Uint8Array
  readonly secrets: Device.DeviceSecrets
  readonly identity: Device.DeviceIdentity
  readonly certificate: Uint8Array
  readonly mailbox: Uint8Array
  readonly signedPrekey: Pqxdh.OwnPrekey
  readonly oneTimePrekey: Pqxdh.OwnPrekey
  readonly kemPrekey: Pqxdh.OwnKemPrekey
}

export const makeParty = (crypto: CryptoProvider, seed: number): Party => {
  const draw = coins(seed)
  const accountSeed = draw(32)
  const secrets = { signing: draw(32), agreement: draw(32) }
  const account = crypto.ed25519PublicKey(accountSeed)
  const identity = { account, ...Device.derive(crypto, secrets) }
  const statement = { ...identity, role: Device.roles.admin, manifestVersion: 1 }
  const signed = crypto.ed25519Sign(accountSeed, Certificate.signingInput(statement))
  const prekey = (id: number): Pqxdh.OwnPrekey => {
    const secret = draw(32)
    return { id, secret, key: crypto.x25519PublicKey(secret) }
  }
  const kem = draw(64)
  return {
    draw,
    accountSeed,
    secrets,
    identity,
    certificate: Certificate.encode(statement, signed),
    mailbox: draw(16),
    signedPrekey: prekey(7),
    oneTimePrekey: prekey(21),
    kemPrekey: { id: 3, secret: kem, key: crypto.mlKem768KeyPair(kem).publicKey }
  }
}

export interface BundleOptions {
  readonly oneTime?: boolean
  readonly kemOneTime?: boolean
}

/** The bundle a relay would hand out, as bytes. */
export const bundleBytes = (crypto: CryptoProvider, party: Party, options: BundleOptions = {}): Uint8Array => {
  const { oneTime = true, kemOneTime = true } = options
  const sign = (kind: Prekey.SignedKind, prekey: Pqxdh.KeyById) =>
    crypto.ed25519Sign(party.secrets.signing, Prekey.signingInput(kind, prekey))
  const { kemPrekey, oneTimePrekey, signedPrekey } = party
  return Bundle.encode({
    certificate: party.certificate,
    mailbox: party.mailbox,
    signedPrekey: { id: signedPrekey.id, key: signedPrekey.key, signature: sign("signed", signedPrekey) },
    kemPrekey: {
      id: kemPrekey.id,
      oneTime: kemOneTime ? 1 : 0,
      key: kemPrekey.key,
      signature: sign(kemOneTime ? "one-time-kem" : "last-resort-kem", kemPrekey)
    },
    oneTimePrekey: oneTime ? { id: oneTimePrekey.id, key: oneTimePrekey.key } : undefined,
    suites: [1, 2, 3]
  })
}

export const checkedBundle = (
  crypto: CryptoProvider,
  party: Party,
  options: BundleOptions = {}
): Bundle.CheckedBundle => ok(Bundle.check(crypto, bundleBytes(crypto, party, options), party.identity.account))

/** What {@link SessionStart.begin} takes, with fresh secrets. */
export const beginInput = (
  crypto: CryptoProvider,
  from: Party,
  to: Party,
  suite: SuiteId,
  options: BundleOptions & { readonly rank?: number } = {}
): SessionStart.BeginInput => {
  const bundle = checkedBundle(crypto, to, options)
  return {
    suite,
    self: from.identity,
    bundle,
    dh1: crypto.x25519(from.secrets.agreement, bundle.signedPrekey.key),
    ephemeralSecret: from.draw(32),
    kemCoins: from.draw(32),
    ratchetSecret: from.draw(32),
    rank: options.rank ?? 1_700_000_000_000
  }
}

export const directOf = (crypto: CryptoProvider, a: Party, b: Party): Uint8Array =>
  Content.directConversation(crypto, a.identity.account, b.identity.account)

/** Encoded content of the direct conversation. */
export const contentOf = (
  crypto: CryptoProvider,
  from: Party,
  to: Party,
  body: Body.Body,
  sequence: number,
  extensions: Content.Extensions = Content.noExtensions
): Uint8Array =>
  ok(
    Content.encode(
      {
        conversation: new Uint8Array(0),
        sequence,
        messageId: from.draw(16),
        sentAt: 1_700_000_000_000,
        body,
        extensions
      },
      directOf(crypto, from, to)
    )
  )

export const text = (crypto: CryptoProvider, from: Party, to: Party, said: string, sequence = 1): Uint8Array =>
  contentOf(crypto, from, to, { _tag: "Text", text: said }, sequence)

/** Seals in whatever way the session asks for. */
export const sealTo = (
  crypto: CryptoProvider,
  from: Party,
  to: Party,
  session: Session,
  content: Uint8Array
): Result.Result<Send.Sent, Failure> => {
  const headerNonce = nonceOf(from.draw, session.ratchet.suite)
  if (session.pending === undefined) return Send.seal(crypto, session, to.mailbox, content, headerNonce)
  return SessionStart.seal(crypto, session, {
    to: to.mailbox,
    content,
    headerNonce,
    ephemeralSecret: from.draw(32),
    certificate: from.certificate,
    manifestVersion: 1,
    mailbox: from.mailbox,
    user: "alice"
  })
}

/** Opens the seal of a start envelope. */
export const unseal = (
  crypto: CryptoProvider,
  to: Party,
  envelope: Uint8Array
): Result.Result<{ readonly unsealed: SessionStart.Unsealed; readonly prefix: Uint8Array }, Failure> => {
  const frame = Envelope.decode(envelope)
  if (Result.isFailure(frame)) return Result.fail(frame.failure)
  const sealed = SessionStart.decode(frame.success.body, [1, 2, 3])
  if (Result.isFailure(sealed)) return Result.fail(sealed.failure)
  const prefix = Envelope.prefix(frame.success.kind, frame.success.to)
  const shared = crypto.x25519(to.secrets.agreement, sealed.success.ephemeral)
  const unsealed = SessionStart.unseal(crypto, to.identity, sealed.success, shared, prefix)
  return Result.map(unsealed, (unsealed) => ({ unsealed, prefix }))
}

/** Accepts a start of an unknown session. */
export const accept = (
  crypto: CryptoProvider,
  from: Party,
  to: Party,
  envelope: Uint8Array,
  now = 0
): Result.Result<Receive.ReceivedTurning, Failure> => {
  const opened = unseal(crypto, to, envelope)
  if (Result.isFailure(opened)) return Result.fail(opened.failure)
  const { prefix, unsealed } = opened.success
  return SessionStart.accept(crypto, {
    self: to.identity,
    unsealed,
    dh2: crypto.x25519(to.secrets.agreement, unsealed.start.ephemeral),
    signedPrekey: to.signedPrekey,
    oneTimePrekey: unsealed.start.oneTimePrekeyId === 0 ? undefined : to.oneTimePrekey,
    kemPrekey: to.kemPrekey,
    prefix,
    direct: directOf(crypto, from, to),
    now
  })
}

/** What a step answered, with the turn completed. */
export interface Taken {
  readonly next: Session
  readonly received: Receive.Received | Receive.ReceivedTurning
}

export const finish = (
  crypto: CryptoProvider,
  to: Party,
  received: Receive.Received | Receive.ReceivedTurning
): Taken => ({
  received,
  next: received.turning ? ok(Receive.complete(crypto, received.half, to.draw(32))).next : received.next
})

/** Opens a session message envelope in a session. */
export const openIn = (
  crypto: CryptoProvider,
  from: Party,
  to: Party,
  session: Session,
  skipped: SkippedKeys.View,
  envelope: Uint8Array,
  now = 0
): Result.Result<Receive.Received | Receive.ReceivedTurning, Failure> => {
  const frame = Envelope.decode(envelope)
  if (Result.isFailure(frame)) return Result.fail(frame.failure)
  return Receive.open(crypto, session, skipped, {
    prefix: Envelope.prefix(frame.success.kind, frame.success.to),
    message: frame.success.body,
    direct: directOf(crypto, from, to),
    now
  })
}

/** Two devices with an answered session between them. */
export interface Pair {
  readonly alice: Party
  readonly bob: Party
  readonly a: Session
  readonly b: Session
}

export const answeredPair = (crypto: CryptoProvider, suite: SuiteId, seed = 1): Pair => {
  const alice = makeParty(crypto, seed)
  const bob = makeParty(crypto, seed + 1000)
  const begun = ok(SessionStart.begin(crypto, beginInput(crypto, alice, bob, suite)))
  const first = ok(sealTo(crypto, alice, bob, begun.session, text(crypto, alice, bob, "hello")))
  const b = finish(crypto, bob, ok(accept(crypto, alice, bob, first.envelope))).next
  const answer = ok(sealTo(crypto, bob, alice, b, text(crypto, bob, alice, "hello yourself")))
  const a = finish(crypto, alice, ok(openIn(crypto, bob, alice, first.next, SkippedKeys.none, answer.envelope))).next
  return { alice, bob, a, b: answer.next }
}

/** A deep copy, to compare with after a step that must not have changed its input. */
export const snapshot = <T>(value: T): T => structuredClone(value)
