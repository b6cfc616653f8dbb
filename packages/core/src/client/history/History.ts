/**
 * The history of a client: opening it, what own devices say about it, and what an application does with it.
 *
 * Spec: docs/spec/23-history.md.
 * Without the option nothing here runs, and nothing is stored.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Bytes from "../../base/Bytes.ts"
import type * as OwnDevice from "../../envelope/OwnDevice.ts"
import * as Refusal from "../../codec/Refusal.ts"
import * as Handing from "../../history/Handing.ts"
import * as Manifest from "../../identity/Manifest.ts"
import { absent, type Batch } from "../Commit.ts"
import type { ClientError } from "../Errors.ts"
import * as Inbox from "../Inbox.ts"
import * as Background from "../internal/background.ts"
import type { Opened, Ports } from "../Opened.ts"
import * as CoreRecords from "../Records.ts"
import * as Comparing from "./Comparing.ts"
import * as Files from "./Files.ts"
import * as Giving from "./Giving.ts"
import type { HistoryApi, HistoryOptions } from "./HistoryApi.ts"
import { HistoryOff } from "./HistoryErrors.ts"
import * as Records from "./HistoryRecords.ts"
import * as State from "./HistoryState.ts"
import * as Keeping from "./Keeping.ts"
import * as Reading from "./Reading.ts"
import * as Surveying from "./Surveying.ts"
import * as Taking from "./Taking.ts"
import * as Telling from "./Telling.ts"
import * as Wishing from "./Wishing.ts"

// ---- Opening

/** Reads where the history begins, or writes it into a batch at the first opening (rule history.keep.2). */
export const load = Effect.fnUntraced(function* (
  { crypto, store }: Pick<Ports, "crypto" | "store">,
  self: Pick<CoreRecords.Self, "account" | "device" | "manifest">,
  options: HistoryOptions,
  batch: Batch
) {
  const stored = yield* store.get(Records.keys.self)
  if (stored !== undefined) {
    const { beginning } = yield* CoreRecords.read(Records.Self, stored.key, stored.value)
    return State.make(options, beginning, { revision: stored.revision })
  }
  const manifest = Manifest.verify(crypto, self.manifest, self.account)
  const addedIn = Result.isSuccess(manifest) ? Manifest.deviceOf(manifest.success, self.device)?.addedIn : undefined
  const beginning = options.beginning ?? (addedIn === 1 ? 0 : yield* Background.now)
  const slot = absent()
  batch.put(Records.keys.self, Records.Self.encode({ version: Records.written, beginning }), slot)
  return State.make(options, beginning, slot)
})

/** Sets an opened client up to keep its history. */
export const attach = (opened: Opened, state: State.HistoryState): void => {
  opened.history = {
    state,
    commit: (batch, notes) => Keeping.commitWith(opened, state, batch, notes),
    near: (device) => {
      if (Telling.isPartner(opened, Bytes.toHex(device))) Comparing.soon(opened, state, device)
    }
  }
  opened.hearHistory = (device, word) => hear(opened, state, device, word)
}

/** A logged-in device compares, goes on with archives, and forgets what is too old; again every hour. */
export const maintain = (opened: Opened): Effect.Effect<void> => {
  const { history } = opened
  if (history === undefined) return Effect.void
  return Background.persist(
    opened,
    Effect.gen(function* () {
      yield* Keeping.forget(opened, history.state)
      yield* Giving.clean(opened, history.state)
      yield* Wishing.clean(opened)
      yield* Comparing.routine(opened, history.state)
    })
  )
}

/** Goes on with archives that were under way when the client closed. */
export const resume = (opened: Opened): Effect.Effect<void> =>
  opened.history === undefined
    ? Effect.void
    : Background.persist(
        opened,
        Effect.andThen(Taking.resume(opened, opened.history.state), Wishing.resume(opened, opened.history.state))
      )

export const close = ({ history }: Opened): void => {
  history?.state.changes.close()
  history?.state.progress.close()
}

// ---- Own devices

/** Acts on a word of another own device (rule history.trust.1). */
const hear = (
  opened: Opened,
  state: State.HistoryState,
  device: Uint8Array,
  word: OwnDevice.HistoryWord
): Effect.Effect<void> => {
  if (word.own === "history") return Comparing.receive(opened, state, device, word.data)
  const decoded = Refusal.decode(Handing.WordLayout, word.data)
  if (Result.isFailure(decoded) || !Telling.isPartner(opened, Bytes.toHex(device))) return Effect.void
  const said = decoded.success
  const act = (): Effect.Effect<unknown, ClientError> => {
    switch (said.word) {
      case 1:
        return Taking.offered(opened, state, device, said)
      case 2:
        return Giving.want(opened, state, device, said)
      case 3:
        return Taking.half(opened, state, device, said)
      case 4:
        return Effect.andThen(Giving.end(opened, state, device, said), Taking.ended(opened, state, device, said))
      case 5:
        return grant(opened, state, device, said)
    }
  }
  return Effect.asVoid(Background.persist(opened, Effect.suspend(act)))
}

/** A wish for an archive, at most one granted to a device in a while (rule history.hand.5). */
const grant = Effect.fnUntraced(function* (
  opened: Opened,
  state: State.HistoryState,
  device: Uint8Array,
  { range }: Handing.Wish
) {
  const now = yield* Background.now
  const partner = State.partnerOf(state, Bytes.toHex(device))
  if (now - partner.granted < grantedEveryMs) return
  partner.granted = now
  yield* Giving.offerRange(opened, state, device, range)
})

const grantedEveryMs = 10_000

// ---- The application

/** The operations of a client's history. */
export const make = (opened: Opened): HistoryApi => {
  const on = <A, E>(use: (state: State.HistoryState) => Effect.Effect<A, E>) =>
    Inbox.orFailed(
      opened,
      Effect.suspend((): Effect.Effect<A, E | HistoryOff> =>
        opened.history === undefined ? Effect.fail(new HistoryOff()) : use(opened.history.state)
      )
    )
  const streamed = <A, E>(use: (state: State.HistoryState) => Stream.Stream<A, E>) =>
    Stream.suspend((): Stream.Stream<A, E | HistoryOff> =>
      opened.history === undefined ? Stream.fail(new HistoryOff()) : use(opened.history.state)
    )
  const live = <A>(use: (state: State.HistoryState) => Stream.Stream<A>) =>
    Stream.suspend(() => (opened.history === undefined ? Stream.empty : use(opened.history.state)))
  return {
    page: (options) => on(() => Reading.page(opened, options)),
    conversations: on(() => Reading.conversations(opened)),
    find: (id) => on(() => Reading.find(opened, id)),
    digest: (options) => on((state) => Reading.digest(opened, state, options)),
    beginning: Effect.suspend(() =>
      opened.history === undefined ? Effect.fail(new HistoryOff()) : Effect.succeed(opened.history.state.beginning)
    ),
    changes: live((state) => state.changes.stream),
    status: on((state) => Surveying.status(opened, state)),
    compare: on((state) => Comparing.beginAll(opened, state, true)),
    offer: (device, range) => on((state) => Giving.offer(opened, state, Bytes.fromHex(device) ?? Bytes.empty, range)),
    ask: (range, device) => on((state) => Wishing.ask(opened, state, range, device)),
    archives: live((state) => state.progress.streamAfter(() => [...state.told.values()])),
    export: (key, range) => streamed((state) => Files.write(opened, state, key, range)),
    import: (key, bytes) => streamed((state) => Files.read(opened, state, key, bytes))
  }
}
