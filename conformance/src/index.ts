/**
 * `@tacit/conformance` as a library: the subject protocol, subjects, the run, its results.
 *
 * Spec: docs/spec/20-subject.md, docs/spec/21-conformance.md.
 */
export * as Hello from "./protocol/Hello.ts"
export * as KnownFailures from "./protocol/KnownFailures.ts"
export * as Message from "./protocol/Message.ts"
export * as ResultEvents from "./protocol/Result.ts"
export type { Members, Stage, Value } from "./protocol/Value.ts"
export { StartFailure, type Source, type Subject } from "./subject/Subject.ts"
