/**
 * The client with promises and async iterators, for programs that do not use Effect.
 *
 * Spec: docs/spec/README.md.
 */
export {
  type CallOptions,
  createClient,
  type CreateClientOptions,
  type PromiseClient,
  type PromiseConversation,
  type PromiseSettings
} from "./promise/CreateClient.ts"
export type { PromiseAttachments, PromiseDownloadOptions, PromiseFileSource } from "./promise/PromiseAttachments.ts"
export type { PromiseHistory } from "./promise/PromiseHistory.ts"
export {
  type JoinHooks,
  linkDevice,
  type LinkDeviceOptions,
  linkOffer,
  type PromiseLink,
  type PromiseLinkOffer
} from "./promise/PromiseLink.ts"
