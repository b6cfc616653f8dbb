/**
 * The protocol without a client: two devices, a session, an answer, and a message that is refused, all by pure steps.
 *
 * Spec: docs/spec/05-agreement.md, 06-ratchet.md, 08-sessions.md.
 * Run: node -C @tacit/source examples/steps.ts
 *
 * A step takes state and input and returns the next state; nothing here stores, sends or draws randomness but this file. A
 * real program stores `next` before an envelope leaves (that is what the client does).
 */
import {
  Body,
  Bundle,
  Certificate,
  Content,
  Device,
  Envelope,
  Prekey,
  Receive,
  Send,
  type Session,
  SessionStart,
  SkippedKeys,
  Suite
} from "@tacit/core/hazmat"
import { nobleProvider as crypto } from "@tacit/core/crypto/noble"
import * as Result from "effect/Result"

const random = (length: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(length))
const ok = Result.getOrThrow

// A device: an account key that certifies it, its own two key pairs, and prekeys for strangers to start with.
const makeDevice = () => {
  const accountSeed = random(32)
  const secrets = { signing: random(32), agreement: random(32) }
  const identity = { account: crypto.ed25519PublicKey(accountSeed), ...Device.derive(crypto, secrets) }
  const statement = { ...identity, role: Device.roles.admin, manifestVersion: 1 }
  const certificate = Certificate.encode(
    statement,
    crypto.ed25519Sign(accountSeed, Certificate.signingInput(statement))
  )
  const signedSecret = random(32)
  const signedPrekey = { id: 1, secret: signedSecret, key: crypto.x25519PublicKey(signedSecret) }
  const kemSecret = random(64)
  const kemPrekey = { id: 1, secret: kemSecret, key: crypto.mlKem768KeyPair(kemSecret).publicKey }
  return { secrets, identity, certificate, mailbox: random(16), signedPrekey, kemPrekey }
}
type OwnDevice = ReturnType<typeof makeDevice>

// What a relay hands out for it.
const bundleOf = ({ certificate, kemPrekey, mailbox, secrets, signedPrekey }: OwnDevice): Uint8Array => {
  const signed = (kind: "signed" | "last-resort-kem", key: { readonly id: number; readonly key: Uint8Array }) => ({
    id: key.id,
    key: key.key,
    signature: crypto.ed25519Sign(secrets.signing, Prekey.signingInput(kind, key))
  })
  return Bundle.encode({
    certificate,
    mailbox,
    signedPrekey: signed("signed", signedPrekey),
    kemPrekey: { ...signed("last-resort-kem", kemPrekey), oneTime: 0 },
    oneTimePrekey: undefined,
    suites: [1, 2]
  })
}

const alice = makeDevice()
const bob = makeDevice()
const direct = Content.directConversation(crypto, alice.identity.account, bob.identity.account)
const nonce = () => random(Suite.suites[1].nonceLength)
const say = (text: string, sequence: number): Uint8Array =>
  ok(
    Content.encode(
      {
        conversation: new Uint8Array(0),
        sequence,
        messageId: random(16),
        sentAt: Date.now(),
        body: { _tag: "Text", text },
        extensions: Content.noExtensions
      },
      direct
    )
  )
const textOf = ({ body }: Content.Content): string => (body._tag === "Text" ? body.text : `(${Body.typeOf(body)})`)

// 1. Alice checks bob's bundle and begins a session. The private halves of long-term keys stay with their owner: the steps
//    get only what they agreed on.
const bundle = ok(Bundle.check(crypto, bundleOf(bob), bob.identity.account))
const begun = ok(
  SessionStart.begin(crypto, {
    suite: 1,
    self: alice.identity,
    bundle,
    dh1: crypto.x25519(alice.secrets.agreement, bundle.signedPrekey.key),
    ephemeralSecret: random(32),
    kemCoins: random(32),
    ratchetSecret: random(32),
    rank: Date.now()
  })
)
const first = ok(
  SessionStart.seal(crypto, begun.session, {
    to: bundle.mailbox,
    content: say("Hello Bob, nobody else can read this.", 1),
    headerNonce: nonce(),
    ephemeralSecret: random(32),
    certificate: alice.certificate,
    manifestVersion: 1,
    mailbox: alice.mailbox
  })
)
console.log(`alice → relay   ${first.envelope.length} bytes; the relay sees kind and mailbox, not who sent them`)

// 2. Bob opens the seal, learns who it is from, and accepts.
const frame = ok(Envelope.decode(first.envelope))
const prefix = Envelope.prefix(frame.kind, frame.to)
const sealed = ok(SessionStart.decode(frame.body, [1, 2]))
const shared = crypto.x25519(bob.secrets.agreement, sealed.ephemeral)
const unsealed = ok(SessionStart.unseal(crypto, bob.identity, sealed, shared, prefix))
const accepted = ok(
  SessionStart.accept(crypto, {
    self: bob.identity,
    unsealed,
    dh2: crypto.x25519(bob.secrets.agreement, unsealed.start.ephemeral),
    signedPrekey: bob.signedPrekey,
    oneTimePrekey: undefined,
    kemPrekey: bob.kemPrekey,
    prefix,
    direct,
    now: Date.now()
  })
)
console.log(`bob reads       ${textOf(accepted.content)}`)

// 3. The first message turned the ratchet; bob adds a fresh key and answers with a plain session message.
const bobs: Session.Session = ok(Receive.complete(crypto, accepted.half, random(32))).next
const answer = ok(Send.seal(crypto, bobs, unsealed.start.mailbox, say("Hello Alice!", 1), nonce()))
const open = (session: Session.Session, envelope: Uint8Array) => {
  const { body, kind, to } = ok(Envelope.decode(envelope))
  return Receive.open(crypto, session, SkippedKeys.none, {
    prefix: Envelope.prefix(kind, to),
    message: body,
    direct,
    now: Date.now()
  })
}

// 4. A flipped bit is refused, and changes nothing: the true message still opens in the same state.
const forged = answer.envelope.slice()
forged[forged.length - 1]! ^= 1
const refused = open(first.next, forged)
console.log(`a flipped bit   ${Result.isFailure(refused) ? refused.failure.cause : "opened?!"}`)
const opened = ok(open(first.next, answer.envelope))
console.log(`alice reads     ${textOf(opened.content)}`)
