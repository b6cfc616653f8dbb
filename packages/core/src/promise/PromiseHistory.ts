/**
 * The history for programs that do not use Effect.
 *
 * Spec: docs/spec/23-history.md.
 * Members interpret one Effect or stream each and add nothing.
 */
import type * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as Api from "../client/history/HistoryApi.ts"

/** For calls that can be given up. */
interface CallOptions {
  readonly signal?: AbortSignal
}

/** {@link Api.HistoryApi} with promises and async iterators. Rejects with `HistoryOff` when the client was opened without history. */
export interface PromiseHistory {
  page(options: Api.PageOptions, call?: CallOptions): Promise<Api.HistoryPage>
  conversations(call?: CallOptions): Promise<ReadonlyArray<Api.HistoryConversation>>
  find(id: string, call?: CallOptions): Promise<ReadonlyArray<Api.HistoryEntry>>
  digest(options?: { readonly conversation?: string; readonly since?: number }, call?: CallOptions): Promise<string>
  beginning(call?: CallOptions): Promise<number>
  changes(call?: CallOptions): AsyncIterable<Api.HistoryEntry>
  status(call?: CallOptions): Promise<Api.HistoryStatus>
  compare(call?: CallOptions): Promise<void>
  offer(device: string, range?: Api.ArchiveRange, call?: CallOptions): Promise<string>
  ask(range?: Api.ArchiveRange, device?: string, call?: CallOptions): Promise<void>
  archives(call?: CallOptions): AsyncIterable<Api.ArchiveProgress>
  /** Ends after the last chunk; leaving the loop early leaves a file that no import takes as whole. */
  export(key: Uint8Array, range?: Api.ArchiveRange, call?: CallOptions): AsyncIterable<Uint8Array>
  /** What `bytes` throws comes out as it is. */
  import(key: Uint8Array, bytes: AsyncIterable<Uint8Array>, call?: CallOptions): AsyncIterable<Api.ImportProgress>
}

type Run = <A, E>(effect: Effect.Effect<A, E>, call?: CallOptions) => Promise<A>
type Iterate = <A, E>(stream: Stream.Stream<A, E>, call?: CallOptions) => AsyncIterable<A>

/** The operations, run by `run`, and streams by `iterate`. */
export const make = (api: Api.HistoryApi, run: Run, iterate: Iterate): PromiseHistory => ({
  page: (options, call) => run(api.page(options), call),
  conversations: (call) => run(api.conversations, call),
  find: (id, call) => run(api.find(id), call),
  digest: (options, call) => run(api.digest(options), call),
  beginning: (call) => run(api.beginning, call),
  changes: (call) => iterate(api.changes, call),
  status: (call) => run(api.status, call),
  compare: (call) => run(api.compare, call),
  offer: (device, range, call) => run(api.offer(device, range), call),
  ask: (range, device, call) => run(api.ask(range, device), call),
  archives: (call) => iterate(api.archives, call),
  export: (key, range, call) => iterate(api.export(key, range), call),
  import: (key, bytes, call) =>
    iterate(
      api.import(
        key,
        Stream.fromAsyncIterable(bytes, (error) => error)
      ),
      call
    )
})
