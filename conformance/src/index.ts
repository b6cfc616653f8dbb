/**
 * `@tacit/conformance` as a library: the command, the subject protocol, subjects, a run, its results.
 *
 * Spec: docs/spec/20-subject.md, docs/spec/21-conformance.md.
 */
export { main as command, type Surroundings } from "./main/Dispatch.ts"
export * as Hello from "./protocol/Hello.ts"
export * as KnownFailures from "./protocol/KnownFailures.ts"
export * as Message from "./protocol/Message.ts"
export * as ResultEvents from "./protocol/Result.ts"
export type { Members, Stage, Value } from "./protocol/Value.ts"
export { ExitCode, meanings as exitCodeMeanings } from "./run/ExitCode.ts"
export { run, type RunEnd, type RunOptions, type Selection } from "./run/Run.ts"
export type { PropertyContext, RunProperties } from "./run/Properties.ts"
export { inProcessSource } from "./subject/InProcess.ts"
export { Keeper } from "./subject/Keeper.ts"
export { processSource } from "./subject/Process.ts"
export { StartFailure, type Source, type Subject } from "./subject/Subject.ts"
export { Timeouts } from "./subject/Timeouts.ts"
export { workerScriptSource, workerSource } from "./subject/WorkerThread.ts"
export type { Case } from "./suite/Case.ts"
export { load as loadSuite, NoSuite, type Suite, Tampered } from "./suite/Suite.ts"
