/**
 * Every bound of the protocol, each with its reason.
 *
 * Spec: docs/spec/appendix-limits.md lists this file, and a test keeps the two equal.
 * A bound that both sides must agree on is part of the protocol: changing it needs a new version. A bound marked
 * "local" may differ between implementations. Bounds of one implementation (batch sizes, timeouts) are not here.
 */

// ---- Sizes, in bytes

/**
 * An encoded envelope. Large enough for the largest content with padding, header and a sealed session start; small enough
 * that a relay can hold thousands in memory and refuse a longer one before reading it. Raised, every receiver must
 * be ready to hold more for an unauthenticated stranger; lowered, the largest content no longer fits.
 */
export const maxEnvelopeBytes = 131_072

/**
 * Encoded content, before padding. Leaves room for a body of {@link maxBodyBytes}, its extensions, the padding (at most
 * 12 %) and the sealed session start around it within {@link maxEnvelopeBytes}.
 */
export const maxContentBytes = 98_304

/** The body an application may send in one message. Longer data goes as an attachment, which streams. */
export const maxBodyBytes = 65_536

/**
 * The body of a message between own devices: it carries the content of another message, whose body is as long as
 * {@link maxBodyBytes}, with a reply and a fallback. Within {@link maxContentBytes} with its own frame around it.
 */
export const maxOwnBodyBytes = 69_632

/**
 * Smallest padded plaintext. Receipts, typing notices and short texts become the same size; lowered, they can be told
 * apart; raised, every acknowledgement costs more.
 */
export const paddingFloor = 64

/** Authentication tag of suites 1 and 2. The full tag of both AEADs; never shortened. */
export const tagBytes = 16

/** A mailbox id. Random, so 16 bytes make a guess hopeless and a collision unheard of. */
export const mailboxBytes = 16

/** A message id. Random per message; collisions would merge two messages into one. */
export const messageIdBytes = 16

/** A conversation identifier. A truncated hash or random value that must not collide between conversations. */
export const conversationIdBytes = 16

/** A session tag. Long enough that a stranger cannot hit one by guessing and two sessions never share one. */
export const sessionTagBytes = 16

/** A delivery token. Random; a guess would let a stranger fill a mailbox. */
export const deliveryTokenBytes = 16

/** An envelope digest in a retry request. Only its receiver's own log is searched with it. */
export const envelopeDigestBytes = 16

/** The start id of a fence. Two restarts of one device must differ; 8 random bytes do for any number of restarts. */
export const startIdBytes = 8

/** A device certificate: five fields of fixed length and a version; no encoding of one is longer. */
export const maxCertificateBytes = 192

/** A signed manifest with fifty devices, five hundred revocations and room for extensions; refused before it is parsed when longer. */
export const maxManifestBytes = 49_152

/** What a relay says of an account or device that its administrator removed: a manifest of the longest kind, two ids and a time. */
export const maxRemovalBytes = 49_248

/** A fork proof: two signed manifests of the longest kind and the eight bytes around them. */
export const maxForkProofBytes = 98_312

/** Text shown in place of content one cannot show. A sentence or two; more belongs into the message. */
export const maxFallbackBytes = 1024

/** A user name at a relay, in bytes. */
export const maxUserNameBytes = 64

// ---- Encoding

/** Nesting of arrays and maps. The deepest layout uses 5; more is only useful to exhaust a stack. */
export const maxDepth = 8

/** Items of one array, and entries of one map. Above every layout's need; bounds the memory one length byte can ask for. */
export const maxItems = 4096

/**
 * The encoded value of an extension one does not know. It is kept only to be passed on, so it needs no more than a small
 * structure; raised, strangers could store freight in ignorable extensions.
 */
export const maxUnknownExtensionBytes = 4096

/** Entries of one extension slot, known and unknown together. A dozen are defined; the rest is room for later versions. */
export const maxExtensions = 64

/** Largest integer the encoding carries, 2⁵³ − 1: the largest every language with IEEE doubles holds exactly. */
export const maxUint = 9_007_199_254_740_991

// ---- Ratchet

/**
 * Message keys skipped in one chain step. Signal's bound as well: a network may lose a thousand messages, and a forger
 * must not make a receiver derive millions of keys.
 */
export const maxSkipPerStep = 1000

/** Skipped message keys kept for one session. Two full steps; older ones are dropped first, so storage stays bounded. */
export const maxSkippedPerSession = 2000

/** How long a skipped key is kept, in ms: 30 days, as long as a relay keeps an envelope. Longer weakens forward secrecy for nothing. */
export const skippedKeyLifetimeMs = 30 * 24 * 60 * 60 * 1000

/** Highest message number in one sending chain, 2³² − 1: the header has four bytes for it. */
export const maxChainIndex = 0xffff_ffff

// ---- Sequencing

/** Width of the replay window in messages. Wide enough for any reordering seen in practice, 256 bytes of bitmap. */
export const replayWindowSize = 2048

/** Highest sequence number, {@link maxUint}. At a million messages a second it lasts 285 years. */
export const maxSequence = maxUint

/**
 * How far above one's own generation an echoed one may lie and still be believed. No device restarts a million times between
 * two backups; without the bound a peer could use the numbers up.
 */
export const maxFenceLead = 1_048_576

/** How often a message of no session makes a device ask its peers, in ms: an hour. Anybody can send one. */
export const probeEveryMs = 60 * 60 * 1000

/** Devices that are asked then. Each request begins a session. */
export const maxProbed = 32

// ---- Sessions and devices

/** Archived sessions kept for one peer device (Sesame). They still open late messages; more only store old keys longer. */
export const maxArchivedSessions = 40

/**
 * Highest rank of a session, 2⁵². A clock in ms stays below it for 140,000 years, and one more than any rank is still an integer
 * of the encoding. Of sessions of this rank the id alone decides.
 */
export const maxSessionRank = 4_503_599_627_370_496

/** Session starts sealed before the peer's first answer. Each is larger than a message and costs the peer a look-up. */
export const maxUnansweredStarts = 32

/** Devices in one manifest. Every message is sealed for each of them; a sender must be able to afford that. */
export const maxManifestDevices = 50

/** Revocations in one manifest. They are never removed; ten times the devices lasts for years. */
export const maxRevocations = 500

/** Fork proofs a client keeps. One is enough to stop trusting an account; a thief of its key can sign any number. */
export const maxForkProofs = 64

/** Suites a device may list in a bundle. Three exist. */
export const maxSuites = 8

// ---- Prekeys

/** One-time prekeys a device keeps at its relay, of each kind. Enough for fifty first contacts while it is offline. */
export const oneTimePrekeyTarget = 50

/** Below this many one-time prekeys a device publishes more. Local. */
export const oneTimePrekeyLow = 20

/** Age at which the signed prekey and the last-resort KEM prekey are replaced, in ms: 7 days. Bounds what one stolen prekey opens. */
export const signedPrekeyLifetimeMs = 7 * 24 * 60 * 60 * 1000

/** How long a replaced prekey is kept for starts in flight, in ms: 30 days, as long as a relay keeps an envelope. */
export const retiredPrekeyKeepMs = 30 * 24 * 60 * 60 * 1000

// ---- Retries

/** Sent messages kept per peer device to answer a retry request. Bounds storage and what a retry can ask for. */
export const retryLogMessages = 256

/** Age after which a sent message is no longer sent again, in ms: 7 days. */
export const retryLogAgeMs = 7 * 24 * 60 * 60 * 1000

/** Retry requests one device sends to one peer device a minute. Repair must not storm. */
export const retryPerPeerPerMinute = 4

/** Digests in one retry request. */
export const maxRetryDigests = 32

/**
 * Times one message is sent again in answer to retry requests. A message that three fresh seals did not bring across has
 * another fault than the network's.
 */
export const maxRetryAnswers = 3

/** Digests a device remembers having asked for, per peer device: as many as the peer's log can answer. */
export const maxRetryAsked = 256

/** Conversations in one fence resynchronisation. More are spread over several messages. */
export const maxResynchronised = 1024

/** Message ids in one receipt. */
export const maxReceiptIds = 256

// ---- Own devices

/**
 * What other own devices did and the application has not taken; beyond that the oldest is dropped. An application that never looks must
 * not fill its disk. Local.
 */
export const maxSynced = 16_384

/**
 * What waits, unsealed, for one other own device; beyond that the oldest is given up. A device that is gone and was never removed must not
 * fill the disks of the others. Local.
 */
export const maxWaitingCopies = 4096

/**
 * Highest stamp of what own devices share, 2⁵²: as for ranks of sessions, no clock comes near it, and one more than any is still an
 * integer of the encoding.
 */
export const maxStamp = 4_503_599_627_370_496

/**
 * Settings of an account, those that were taken back included. With the longest names and values all of them fit one word
 * ({@link maxBodyBytes}), so that whoever hears one word has everything.
 */
export const maxSettings = 128

/** The name of a setting, ASCII. A path of a few words. */
export const maxSettingNameBytes = 64

/** The value of a setting. A word, a number, a short list; longer ones would not fit {@link maxSettings} into one word. */
export const maxSettingBytes = 256

// ---- Safety numbers

/**
 * Iterations of a fingerprint. A search for other keys with the same digits costs that many hashes an attempt, on top of 2⁹⁹ attempts;
 * a phone makes a number in a few hundredths of a second.
 */
export const safetyIterations = 5200

/** An account print, 16 bytes of a hash: long enough that no other account has the same. */
export const accountPrintBytes = 16

/** Longest code of any version that is looked at. A QR code in byte mode holds no more. */
export const maxSafetyCodeBytes = 2953

// ---- Vault

/**
 * Least memory of Argon2id that is taken from a header, KiB: 8 MiB. Lowered, a planted header could have a passphrase stretched so
 * little that whoever wrote it tries millions a second on a graphics card.
 */
export const vaultMinMemoryKiB = 8_192

/**
 * Most memory of Argon2id that is taken from a header, KiB: 1 GiB. A header is read before anything vouches for it; raised, a changed
 * byte makes a small machine run out of memory.
 */
export const vaultMaxMemoryKiB = 1_048_576

/** Least memory times passes, KiB: 16 MiB. Little memory must be gone through more often. */
export const vaultMinWorkKiB = 16_384

/** Most memory times passes, KiB: 4 GiB, some seconds of native code. Raised, a changed header keeps a device busy for minutes. */
export const vaultMaxWorkKiB = 4_194_304

/** Most lanes of Argon2id. More than common processors have cores serve nobody. */
export const vaultMaxLanes = 16

/** Memory of Argon2id of a vault that is made, KiB: 64 MiB, the second choice that RFC 9106 recommends (local). */
export const vaultMemoryKiB = 65_536

/** Passes of Argon2id of a vault that is made: RFC 9106, second choice (local). */
export const vaultPasses = 3

/** Lanes of Argon2id of a vault that is made: RFC 9106, second choice (local). */
export const vaultLanes = 4

/** Longest passphrase, bytes of UTF-8. A whole paragraph fits; more is a file given by mistake. */
export const maxPassphraseBytes = 1024

/** Longest header of a vault of any version. It is parsed before it is authenticated. */
export const maxVaultHeaderBytes = 512

/**
 * Piece of a value that one sealed record holds. With name, padding and tag it stays below the 1 MiB that a store takes; lowered, large
 * values need more records.
 */
export const vaultPieceBytes = 786_432

/** Pieces of a value: as many as the largest value of a store, 1 MiB, needs. */
export const maxVaultPieces = 2

// ---- Trust

/** Longest text of a trust policy (local). The longest list of approved accounts fits, and rules beside it; it is parsed whole. */
export const maxTrustPolicyBytes = 131_072

/** Rules of a trust policy (local). They are asked one after the other at every event. */
export const maxTrustRules = 256

/** Accounts that a trust policy approves of (local). More are approved by hand, each in its own record. */
export const maxTrustApproved = 1_000

/** Decisions that a client remembers (local). All are read when it opens; raised, a busy directory makes opening slow. */
export const maxTrustLog = 2_048

/** Holds of one contact (local). A contact that changes its devices all the time must not fill a record. */
export const maxTrustHolds = 32

/** Messages of one contact that are kept aside (local). A contact one does not hear must not fill a store. */
export const maxSetAside = 1_024

/** Devices of one contact whose suites and features are remembered: more than a manifest lists. */
export const maxLedgerDevices = 64

// ---- Linking

/** The signed part of an invitation. One of a device takes some 200; it must fit a QR code and a line of text. */
export const maxInvitationBodyBytes = 1024

/** What an invitation says for its purpose. */
export const maxInvitationDetailsBytes = 512

/** An invitation or a link code as text. Whatever is longer is neither, and is not looked at. */
export const maxLinkTextBytes = 2048

/** The address of a relay in an invitation, bytes of UTF-8. */
export const maxRelayAddressBytes = 255

/** How long an invitation to make contact or join a group may serve, in ms: 366 days. */
export const maxInvitationLifetimeMs = 366 * 24 * 60 * 60 * 1000

/** How long the invitation of a device may serve, in ms: 10 minutes. Both devices are at hand; longer only helps a thief. */
export const maxLinkLifetimeMs = 10 * 60 * 1000

/** A frame in a slot. Holds a payload with the largest manifest; a relay keeps a few dozen of them for minutes. */
export const maxLinkFrameBytes = 65_536

/** The payload of a linking: the largest manifest and room for extensions, within {@link maxLinkFrameBytes}. */
export const maxLinkPayloadBytes = 61_440

/** An account's secrets, sealed to be handed over: their record, nonce and tag take some 110. */
export const maxHandoverBytes = 192

/**
 * Attempts at one PIN, at either end. Each is a guess of one in 10⁶ for whoever stands between; raised, guessing gets worth the
 * trouble, lowered, a slip of the finger costs a new invitation.
 */
export const maxPinAttempts = 3

/** Fewest digits of a PIN. */
export const minPinDigits = 6

/** Most digits of a PIN. */
export const maxPinDigits = 8

// ---- History

/** Data of one word about histories. What carries it stays within {@link maxBodyBytes}, with room for its frame. */
export const maxHistoryWordBytes = 61_440

/** Ranges in one word. Sixteen parts of one range and what else differs fit; more go into the next round. */
export const maxHistoryRanges = 64

/** Places in one list of a range. */
export const maxHistoryList = 256

/** Entries of a range up to which their places are listed; with more, parts of it are compared. Lowered, it takes more rounds. */
export const historyListed = 32

/** Places asked for in one word. */
export const maxHistoryAsked = 512

/** Entries given in one word. */
export const maxHistoryEntries = 256

/** Words of one exchange. Millions of entries that differ in a few places need six; the rest is for giving entries. */
export const maxHistoryRounds = 64

/**
 * Plaintext of a chunk of an archive or an attachment: as in age. Lowered, more bytes are spent on tags; raised, more is held before it is
 * authentic.
 */
export const streamChunkBytes = 65_536

/** Longest header of an archive of any version. It is parsed before it is authenticated. */
export const maxArchiveHeaderBytes = 8192

// ---- Attachments

/**
 * Longest file in an attachment, in bytes: 16 GiB. Far above what is sent by messenger, and what stores take by default; it keeps sizes, chunk
 * numbers and paddings small enough to be computed with anywhere.
 */
export const maxAttachmentBytes = 17_179_869_184

/** Name of a file in a reference, in bytes: as long as file systems have them. */
export const maxAttachmentNameBytes = 255

/** The address of the place where a file is kept, in bytes. */
export const maxAttachmentPlaceBytes = 255

/** A preview in a message. A small picture; what is larger is fetched with the file. Leaves half of {@link maxBodyBytes} to the rest. */
export const maxPreviewBytes = 32_768

/** What a sealed file is uploaded and stored in while it is on its way, in bytes (local): four chunks. Raised, a crash costs more to repeat. */
export const uploadPieceBytes = 262_208
