/**
 * The only home of domain-separation labels.
 *
 * Spec: docs/spec/01-suites.md §1.7; docs/spec/appendix-labels.md lists this file, and a test keeps the two equal.
 * A label is ASCII, `tacit/1` and a purpose, has one purpose, and is always followed by a zero byte and the context:
 * `L(purpose, x, …) = label ‖ 0x00 ‖ x ‖ …`. As no label holds a zero byte, no two labels can be confused
 * whatever their contexts are. Contexts of variable length are unambiguous by themselves (fixed lengths or one canonical encoding).
 */
import * as Bytes from "../base/Bytes.ts"

/** A label. Treat the arrays as constants. */
export interface Label {
  /** The whole label, ASCII. */
  readonly text: string
  /** `text` as bytes. */
  readonly bytes: Uint8Array
  /** `text` ‖ 0x00: what precedes every context. */
  readonly prefix: Uint8Array
  /** The rule that uses it. */
  readonly spec: string
}

const label = (purpose: string, spec: string): Label => {
  const text = `tacit/1 ${purpose}`
  const bytes = Bytes.utf8Encode(text)
  return { text, bytes, prefix: Bytes.concat(bytes, Uint8Array.of(0)), spec }
}

/** `L(label, …context)`: label ‖ 0x00 ‖ each context in turn, in a new array. */
export const prefixed = (label: Label, ...context: ReadonlyArray<Uint8Array>): Uint8Array =>
  context.length === 0 ? label.prefix.slice() : Bytes.concat(label.prefix, ...context)

/** Key and nonce that seal a session start to a device. Context: suite. */
export const sealedSender = label("sealed sender", "sealed.key.1")
/** Root key and initial header keys out of PQXDH. Context: suite. */
export const pqxdh = label("pqxdh", "pqxdh.kdf.1")
/** Hash that is a session's associated data. Context: the transcript. */
export const sessionTranscript = label("session transcript", "pqxdh.ad.1")
/** Session tag out of a header key. No context. */
export const sessionTag = label("session tag", "session-message.tag.1")
/** Next root key, chain key and header key out of a ratchet agreement. No context. */
export const rootStep = label("root step", "ratchet.root.1")
/** AEAD key and nonce out of a message key. Context: suite. */
export const messageKey = label("message key", "ratchet.message-key.1")
/** AEAD key of headers out of a header key, in suites whose key is longer. Context: suite. */
export const headerKey = label("header key", "ratchet.header.3")
/** Account key's signature over a device certificate. */
export const deviceCertificate = label("device certificate", "certificate.sign.1")
/** Account key's signature over a device manifest. */
export const deviceManifest = label("device manifest", "manifest.layout.1")
/** Hash that chains manifests. */
export const manifestHash = label("manifest hash", "manifest.hash.1")
/** Device key's signature over a signed prekey. */
export const signedPrekey = label("signed prekey", "prekey.sign.1")
/** Device key's signature over a one-time KEM prekey. */
export const oneTimeKemPrekey = label("one-time KEM prekey", "prekey.sign.1")
/** Device key's signature over a last-resort KEM prekey. */
export const lastResortKemPrekey = label("last-resort KEM prekey", "prekey.sign.1")
/** Device key's signature at registration: proof of possession. */
export const relayRegistration = label("relay registration", "relay.register.2")
/** Device key's signature over a login challenge. */
export const relayLogin = label("relay login", "relay.login.1")
/** Identifier of the direct conversation of two accounts. */
export const directConversation = label("direct conversation", "content.conversation.1")
/** Digest that names an envelope in a retry request. */
export const envelopeDigest = label("envelope digest", "content.retry.1")
/** Hash under which a relay knows a delivery token. */
export const deliveryToken = label("delivery token", "relay.submit.2")
/** Identifier under which an opened session start is remembered. */
export const sessionStartId = label("session start id", "session.start.2")
/** Key under which a device's start ids are made, out of the device secret. No context. */
export const fenceKey = label("fence key", "fence.identity.2")

/** What a safety number's fingerprint begins with. Context: version, party. */
export const safetyNumber = label("safety number", "safety.fingerprint.1")
/** One iteration of a fingerprint. Context: the one before, account id. */
export const safetyIteration = label("safety iteration", "safety.fingerprint.1")
/** Account print of a safety number. Context: account id. */
export const safetyAccount = label("safety account", "safety.account.1")

/** What opens a vault: verifier and wrapping secret. Context: how the secret was stretched. */
export const vaultUnlock = label("vault unlock", "vault.unlock.3")
/** Key and nonce that wrap a vault's device key. Context: the head. */
export const vaultHeader = label("vault header", "vault.header.3")
/** Digest that tells a damaged header. Context: head, wrapped key. */
export const vaultDigest = label("vault digest", "vault.header.4")
/** The four keys of a vault out of its device key. No context. */
export const vaultKeys = label("vault keys", "vault.keys.1")
/** Id under which a piece of a record is stored. Context: piece, name. */
export const vaultName = label("vault name", "vault.name.1")
/** Key of one sealed piece. Context: id, version, piece, pieces. */
export const vaultRecord = label("vault record", "vault.record.2")
/** Key of the sealed ledger. Context: its clock. */
export const vaultLedger = label("vault ledger", "vault.ledger.2")
/** Mark of a record in the ledger. Context: id, version. */
export const vaultMark = label("vault mark", "vault.ledger.1")

/** Device key's signature over an invitation. Context: the body. */
export const invitation = label("invitation", "invitation.sign.1")
/** What the joiner of a slot commits to. Context: invitation and reveal. */
export const linkCommitment = label("link commitment", "link.commit.1")
/** Transcript of a linking. Context: invitation, hello, answer, reveal. */
export const linkTranscript = label("link transcript", "link.transcript.1")
/** Keys of the channel of a linking. No context. */
export const linkChannel = label("link channel", "link.keys.1")
/** Keys after the challenge. Context: challenge. */
export const linkFinal = label("link final", "link.keys.3")
/** Signature by which a new device shows that it holds its key. Context: transcript. */
export const linkDevice = label("link device", "link.ready.1")
/** Print of a linking in the code that is scanned. Context: transcript. */
export const linkPrint = label("link print", "link.code.1")
/** Session id of one attempt at the PIN. Context: transcript, attempt. */
export const linkAttempt = label("link attempt", "link.pin.2")
/** What an account handed over is bound to. Context: transcript. */
export const linkHandover = label("link handover", "link.payload.2")
/** Digits that two consoles show. Context: transcript. */
export const linkDigits = label("link digits", "link.digits.1")

/** Id of a history entry. Context: the entry without its number. */
export const historyEntry = label("history entry", "history.id.1")
/** Digest of history entries. Context: their number, their places. */
export const historyDigest = label("history digest", "history.digest.1")
/** Fingerprint of a range of places. Context: exchange, number of places, places. */
export const historyRange = label("history range", "history.fingerprint.1")
/** Key and commitment of an archive out of its archive key. Context: the head. */
export const historyArchive = label("history archive", "history.archive.2")
/** What a receiver of an archive has so far. Context: the chain before, a sealed chunk. */
export const historyChain = label("history chain", "history.hand.4")

/** Key and commitment of a sealed file out of its attachment key. Context: the head. */
export const attachment = label("attachment", "attachment.file.2")
/** What a store keeps of an upload secret. Context: the secret. */
export const attachmentUpload = label("attachment upload", "attachment.store.1")

/** Every label, in the order of the appendix. */
export const all: ReadonlyArray<Label> = [
  sealedSender,
  pqxdh,
  sessionTranscript,
  sessionTag,
  rootStep,
  messageKey,
  headerKey,
  deviceCertificate,
  deviceManifest,
  manifestHash,
  signedPrekey,
  oneTimeKemPrekey,
  lastResortKemPrekey,
  relayRegistration,
  relayLogin,
  directConversation,
  envelopeDigest,
  deliveryToken,
  sessionStartId,
  fenceKey,
  safetyNumber,
  safetyIteration,
  safetyAccount,
  vaultUnlock,
  vaultHeader,
  vaultDigest,
  vaultKeys,
  vaultName,
  vaultRecord,
  vaultLedger,
  vaultMark,
  invitation,
  linkCommitment,
  linkTranscript,
  linkChannel,
  linkFinal,
  linkDevice,
  linkPrint,
  linkAttempt,
  linkHandover,
  linkDigits,
  historyEntry,
  historyDigest,
  historyRange,
  historyArchive,
  historyChain,
  attachment,
  attachmentUpload
]
