export { Crypto, Entropy } from "./ports/Crypto.ts"
export {
  Directory,
  type DirectoryEntry,
  type PrekeyStatus,
  type PublishedKey,
  type PublishedOneTimeKey,
  type Registration
} from "./ports/Directory.ts"
export { CustodyError, KeyCustody, type PublicKeys } from "./ports/KeyCustody.ts"
export { Conflict, LeaseLost, Store, type StoredRecord, StoreError, type Write } from "./ports/Store.ts"
export * as StoreRules from "./ports/StoreRules.ts"
export {
  type Delivery,
  type LoginFence,
  Refused,
  Transport,
  TransportError,
  type TransportStatus
} from "./ports/Transport.ts"
export * as StoreCustody from "./client/StoreCustody.ts"
