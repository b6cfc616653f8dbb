/**
 * What other own devices did: kept durably until the application has taken it.
 *
 * Spec: docs/spec/22-own-devices.md §22.3, rule own.synced.1.
 * What the application sees has been committed together with the state that opened it.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Content from "../envelope/Content.ts"
import * as OwnDevice from "../envelope/OwnDevice.ts"
import type * as Api from "./Api.ts"
import type { Burst, OwnSaid } from "./Burst.ts"
import { Batch, commit } from "./Commit.ts"
import { type ClientError, StoredRecordError } from "./Errors.ts"
import * as Inbox from "./Inbox.ts"
import * as Loading from "./Loading.ts"
import type { Opened } from "./Opened.ts"
import * as OwnCopy from "./OwnCopy.ts"
import * as Records from "./Records.ts"
import { senderOf } from "./Senders.ts"

const pageSize = 128

/** Keeps a word for the application, in the commit of a burst. When it takes nothing, the oldest make room. */
export const put = (opened: Opened, work: Burst, { delivery, device, word }: OwnSaid): void => {
  const { synced } = opened
  const body = Result.getOrThrow(OwnDevice.encode(word))
  const { receivedAt } = delivery
  const order = synced.next++
  work.batch.put(
    Records.keys.synced(order),
    Records.Synced.encode({ version: Records.written, device: device.id, receivedAt, word: body })
  )
  work.batch.applied(() => synced.waiting.add(order))
  if (synced.waiting.size >= Limits.maxSynced) {
    const [oldest] = synced.waiting
    work.batch.remove(Records.keys.synced(oldest!))
    synced.waiting.delete(oldest!)
  }
  work.shows.push(() => {
    synced.wake.openUnsafe()
    synced.wake.closeUnsafe()
  })
}

/** Orders of one start of the device: what is taken leaves nothing behind, so each start has a range of its own. */
const ordersAStart = 2 ** 24

/** Reads which words wait. */
export const load = Effect.fnUntraced(function* (opened: Opened) {
  const { synced } = opened
  synced.next = opened.self.fence.generation * ordersAStart
  for (const { key } of yield* Loading.scanAll(opened.store, "synced/")) {
    const order = Records.orderOf(key)
    synced.waiting.add(order)
    synced.next = Math.max(synced.next, order + 1)
  }
})

/** Removes what the application has taken. */
export const take = (opened: Opened, order: number): Effect.Effect<void, ClientError> =>
  Effect.suspend(() => {
    const batch = new Batch()
    batch.remove(Records.keys.synced(order))
    batch.applied(() => opened.synced.waiting.delete(order))
    return commit(opened.store, batch)
  })

const corrupt = new StoredRecordError({ kind: "synced", reason: "corrupt" })

const read = (
  opened: Opened,
  key: string,
  value: Uint8Array
): Result.Result<Api.Synced | undefined, StoredRecordError> =>
  Result.flatMap(Records.decode(Records.Synced, key, value), ({ device, receivedAt, word: bytes }) => {
    const word = OwnDevice.decode(bytes)
    if (Result.isFailure(word)) return Result.fail(corrupt)
    const by = senderOf(opened, opened.hex.account, Bytes.toHex(device))
    return present(opened, word.success, { by, receivedAt, order: Records.orderOf(key) })
  })

const present = (
  opened: Opened,
  word: OwnDevice.Word,
  about: Pick<Api.Synced, "by" | "receivedAt" | "order">
): Result.Result<Api.Synced | undefined, StoredRecordError> => {
  switch (word.own) {
    case "sent": {
      const copied = OwnCopy.decode(opened, word.peer, word.content)
      if (Result.isFailure(copied)) return Result.fail(corrupt)
      const { body, conversation, extensions, messageId, sentAt, sequence } = copied.success
      const { fallback, replyTo } = extensions
      const direct = Content.directConversation(opened.crypto, opened.self.account, word.peer)
      return Result.succeed({
        ...about,
        type: "sent",
        id: Bytes.toHex(messageId),
        conversation: Bytes.toHex(conversation.length === 0 ? direct : conversation),
        to: senderOf(opened, Bytes.toHex(word.peer), ""),
        body: Inbox.bodyOf(body, fallback),
        sentAt,
        sequence,
        replyTo: replyTo === undefined ? undefined : Bytes.toHex(replyTo)
      })
    }
    case "read":
      return Result.succeed({
        ...about,
        type: "read",
        peer: senderOf(opened, Bytes.toHex(word.peer), ""),
        ids: word.messages.map(Bytes.toHex)
      })
    case "contact":
      return Result.succeed({
        ...about,
        type: "contact",
        user: word.user === "" ? undefined : word.user,
        account: Bytes.toHex(word.account),
        state: word.state === 1 ? "pinned" : word.state === 2 ? "accepted" : "other",
        verified: word.verified.length === 0 ? undefined : Bytes.toHex(word.verified)
      })
    case "settings":
      return Result.succeed({
        ...about,
        type: "settings",
        changed: word.settings.map(({ name, value }) => ({ name, value }))
      })
    case "verified":
      return Result.succeed({
        ...about,
        type: "verified",
        peer: senderOf(opened, Bytes.toHex(word.account), ""),
        verified: word.print.length === 0 ? undefined : Bytes.toHex(word.print)
      })
    default:
      return Result.succeed(undefined)
  }
}

/**
 * Words not taken yet, oldest first. Pulling again takes what was given before, durably, and so does ending the stream; interrupting it
 * does not.
 */
const pull = Effect.fnUntraced(function* (opened: Opened) {
  const { reader, wake, waiting } = opened.synced
  yield* Effect.acquireRelease(reader.take(1), () => reader.release(1))
  let cursor = 0
  let given: Api.Synced | undefined
  const page: Array<Api.Synced> = []
  const takeGiven: Effect.Effect<void, ClientError> = Effect.suspend(() => {
    if (given === undefined) return Effect.void
    const { order } = given
    given = undefined
    return take(opened, order)
  })
  yield* Effect.addFinalizer((exit) => (Exit.isSuccess(exit) ? Effect.ignore(takeGiven) : Effect.void))
  const next: Effect.Effect<readonly [Api.Synced], ClientError> = Effect.suspend(() => {
    const first = page.shift()
    if (first === undefined) return refill
    given = first
    return Effect.succeed([first])
  })
  const refill: Effect.Effect<readonly [Api.Synced], ClientError> = Effect.suspend(() =>
    Effect.flatMap(
      opened.store.scan("synced/", { after: Records.keys.synced(cursor), limit: pageSize }),
      (records): Effect.Effect<readonly [Api.Synced], ClientError> => {
        for (const { key, value } of records) {
          const item = read(opened, key, value)
          if (Result.isFailure(item)) return Effect.fail(item.failure)
          cursor = Records.orderOf(key)
          if (item.success !== undefined) page.push(item.success)
        }
        // Something may have been committed while the store was asked.
        if (records.length > 0 || [...waiting].some((order) => order > cursor)) return next
        return Effect.andThen(Inbox.orFailed(opened, wake.await), Effect.andThen(Effect.yieldNow, next))
      }
    )
  )
  // What is made here is the pull itself, which its stream runs again and again.
  // @effect-diagnostics-next-line returnEffectInGen:off
  return Effect.andThen(takeGiven, next)
})

/** One at a time. */
export const items = (opened: Opened): Stream.Stream<Api.Synced, ClientError> =>
  Stream.unwrap(Effect.map(pull(opened), (next) => Stream.fromPull(Effect.succeed(next))))
