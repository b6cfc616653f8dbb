/**
 * The client: everything an application needs to send and receive end-to-end encrypted messages.
 *
 * Spec: docs/spec/README.md.
 */

// The client
export { Client, type Requirements } from "./client/Client.ts"
export type { Options as ClientOptions } from "./client/Opening.ts"
export { type Credentials, register, type RegisterError } from "./client/Account.ts"
export type {
  Attachment,
  Body,
  ClientApi,
  Contact,
  Conversation,
  Incoming,
  Judged,
  DeviceOutcome,
  DeviceVersion,
  OutboxEvent,
  OutboxState,
  OwnDevice,
  OwnDevices,
  Peer,
  Proof,
  Sender,
  SendOptions,
  Sent,
  Setting,
  SettingsApi,
  Synced,
  Warning
} from "./client/Api.ts"
export type {
  ContactInvitation,
  DryRunDifference,
  Evidence,
  InviteContactError,
  InviteContactOptions,
  LoggedDecision,
  MeetError,
  Met,
  Safety,
  SafetyDevice,
  TrustApi,
  TrustHold,
  Verified
} from "./client/TrustApi.ts"
export type {
  ArchiveProgress,
  ArchiveRange,
  ArchiveUnderWay,
  HistoryApi,
  HistoryConversation,
  HistoryDevice,
  HistoryEntry,
  HistoryOptions,
  HistoryPage,
  HistoryStatus,
  HistorySurvey,
  HistoryWish,
  ImportProgress,
  PageOptions
} from "./client/history/HistoryApi.ts"
export { stored as surveyHistory } from "./client/history/Surveying.ts"
export { ArchiveError, HistoryOff } from "./client/history/HistoryErrors.ts"
export * as TrustPolicy from "./trust/Policy.ts"
export type { Decision, EventName, Facts } from "./trust/Event.ts"
export type { Verdict } from "./trust/Decide.ts"

export {
  type ChallengeName,
  type InviteError,
  type InviteOptions,
  type JoinState,
  type LinkApi,
  type LinkDeviceError,
  type LinkDeviceOptions,
  LinkEnded,
  type LinkedDevice,
  type LinkJoin,
  type LinkOffer,
  type LinkReason,
  LinkRefused,
  LinkUnsupported,
  type OfferState,
  type RoleName
} from "./client/LinkApi.ts"
export { linkDevice, type Requirements as LinkRequirements } from "./client/LinkDevice.ts"

// Files
export type {
  AttachmentApi,
  AttachOptions,
  AttachProgress,
  DownloadOptions,
  DownloadPiece,
  FileSource,
  UploadOptions,
  UploadProgress
} from "./client/attachment/AttachmentApi.ts"
export { AttachmentError } from "./client/attachment/AttachmentErrors.ts"
export type { AttachmentCause } from "./attachment/AttachmentFailure.ts"

// Errors
export {
  type AcceptError,
  AlreadyRegistered,
  CannotRevise,
  type ClientError,
  IdentityChanged,
  InvalidMessage,
  InvalidPolicy,
  InvalidSetting,
  NotAdmin,
  NotRegistered,
  PeerMisbehaved,
  type ReviseError,
  RemovedByRelay,
  Revoked,
  type SafetyError,
  SafetyMismatch,
  type SendError,
  StoredRecordError,
  TrustRefused,
  UnknownDevice,
  UnknownUser,
  type VerifyError
} from "./client/Errors.ts"
export type { Cause, Stage } from "./base/Failure.ts"

// What a client stands on
export { Crypto, Entropy } from "./ports/Crypto.ts"
export type { CryptoProvider } from "./crypto/Provider.ts"
export type { SuiteId } from "./crypto/Suite.ts"
export * as EntropyLive from "./client/EntropyLive.ts"
export * as StoreCustody from "./client/StoreCustody.ts"
export {
  AttachmentStore,
  AttachmentStoreError,
  type UploadStart,
  type UploadState,
  type Wanted
} from "./ports/AttachmentStore.ts"
export { type UploadGrant, UploadGrants } from "./ports/UploadGrants.ts"
export {
  Directory,
  type DirectoryEntry,
  type PrekeyStatus,
  type PublishedKey,
  type PublishedOneTimeKey,
  type Registration
} from "./ports/Directory.ts"
export { type AccountKeys, CustodyError, type DeviceKeys, KeyCustody, type PublicKeys } from "./ports/KeyCustody.ts"
export { type IssuedPassword, type SlotLine, type SlotPlace, type SlotProgress, Slots } from "./ports/Slots.ts"
export { Conflict, LeaseLost, Store, type StoredRecord, StoreError, type Write } from "./ports/Store.ts"
export * as StoreRules from "./ports/StoreRules.ts"
export type { Argon2Cost } from "./crypto/Provider.ts"
export { UnlockError, type UnlockQuestion, UnlockSource } from "./ports/UnlockSource.ts"
export type { Secret } from "./vault/Kdf.ts"
export * as Drill from "./client/vault/Drill.ts"
export * as Unlock from "./client/vault/Unlock.ts"
export * as Vault from "./client/vault/Vault.ts"
export { VaultUnusable } from "./client/vault/VaultUnusable.ts"
export {
  type Delivery,
  type LoginFence,
  Refused,
  Transport,
  TransportError,
  type TransportStatus
} from "./ports/Transport.ts"
