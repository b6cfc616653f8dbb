/**
 * The inbox: delivered messages, kept until the application has taken them.
 *
 * Spec: docs/spec/16-state.md §16.2, rule state.once.1.
 * What the application sees has been committed together with the state that opened it. Opens nothing.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Bytes from "../base/Bytes.ts"
import * as Body from "../envelope/Body.ts"
import * as Content from "../envelope/Content.ts"
import type * as Reference from "../envelope/Reference.ts"
import type * as Api from "./Api.ts"
import { Batch, commit } from "./Commit.ts"
import type { Work } from "./Conversations.ts"
import { type ClientError, StoredRecordError } from "./Errors.ts"
import type { Device, Handle, Opened } from "./Opened.ts"
import * as Noting from "./history/Noting.ts"
import * as Peers from "./Peers.ts"
import * as Records from "./Records.ts"
import * as TrustState from "./TrustState.ts"

/** Messages held in memory; a reader further behind reads from the store. */
const cached = 1024

/** Messages read from the store at a time. */
const pageSize = 128

/** The record of a message for the application. */
export const recordOf = (
  handle: Handle,
  device: Device,
  content: Content.Content,
  receivedAt: number,
  late: boolean
): Records.Inbox => {
  const body = Result.getOrThrow(Body.encode(content.body))
  const { conversation, extensions, messageId, sentAt, sequence } = content
  return {
    version: Records.written,
    account: handle.account,
    device: device.id,
    receivedAt,
    late: late ? 1 : 0,
    content: Content.Frame.encode({
      type: Body.typeOf(content.body),
      conversation: conversation.length === 0 ? handle.direct : conversation,
      sequence,
      messageId,
      sentAt,
      body,
      extensions: {
        ...(extensions.replyTo === undefined ? {} : { replyTo: extensions.replyTo }),
        ...(extensions.fallback === undefined ? {} : { fallback: extensions.fallback }),
        unknown: []
      }
    })
  }
}

/**
 * Puts a message into the inbox of a work that has reserved `order`. Answers what shows it to the application, to be run after the
 * commit.
 */
export const put = (
  opened: Opened,
  work: Work,
  handle: Handle,
  device: Device,
  content: Content.Content,
  receivedAt: number,
  late: boolean,
  order: number
): (() => void) => {
  const record = recordOf(handle, device, content, receivedAt, late)
  work.batch.put(Records.keys.inbox(order), Records.Inbox.encode(record))
  Noting.received(opened, work, handle, device.id, record.content, receivedAt)
  return () => {
    const { cache } = opened.inbox
    cache.set(order, present(opened, order, handle.hex, device.hex, record, content.body, content))
    for (const oldest of cache.keys()) {
      if (cache.size <= cached) return
      cache.delete(oldest)
    }
  }
}

const present = (
  opened: Opened,
  order: number,
  account: string,
  device: string,
  { late, receivedAt }: Records.Inbox,
  body: Body.Body,
  content: Pick<Content.Content, "conversation" | "extensions" | "messageId" | "sentAt" | "sequence">
): Api.Incoming => {
  const { conversation, extensions, messageId, sentAt, sequence } = content
  const { fallback, replyTo } = extensions
  return {
    id: Bytes.toHex(messageId),
    conversation: Bytes.toHex(
      conversation.length === 0
        ? Content.directConversation(opened.crypto, opened.self.account, Bytes.fromHex(account)!)
        : conversation
    ),
    from: Peers.senderOf(opened, account, device),
    verified: TrustState.recordOf(opened.trust, account).verifiedAt > 0,
    body: bodyOf(body, fallback),
    sentAt,
    receivedAt,
    sequence,
    late: late === 1,
    replyTo: replyTo === undefined ? undefined : Bytes.toHex(replyTo),
    order
  }
}

/** A reference as the application sees it. */
export const attachmentOf = ({ id, preview, ...rest }: Reference.Reference): Api.Attachment => {
  const { expiresAt, key, length, mediaType, name, place } = rest
  const shown = preview === undefined ? {} : { preview }
  return { id: Bytes.toHex(id), key, length, mediaType, name, expiresAt, place, ...shown }
}

/** A body as the application sees it. */
export const bodyOf = (body: Body.Body, fallback = ""): Api.Body => {
  switch (body._tag) {
    case "Text":
      return { type: "text", text: body.text }
    case "Attachment":
      return { type: "attachment", ...attachmentOf(body.reference) }
    case "Application":
      return { type: "application", mediaType: body.mediaType, fallback: body.fallback, data: body.data }
    case "Typing":
      return { type: "typing", typing: body.typing }
    case "Opaque":
      return { type: "opaque", number: body.type, fallback, data: body.data }
    default:
      return { type: "opaque", number: Body.typeOf(body), fallback, data: Bytes.empty }
  }
}

/** Wakes whoever waits for messages. */
export const wake = (opened: Opened): void => {
  opened.inbox.wake.openUnsafe()
  opened.inbox.wake.closeUnsafe()
}

/** Removes messages from the inbox for good. */
export const take = (
  opened: Opened,
  messages: ReadonlyArray<Pick<Api.Incoming, "order">>
): Effect.Effect<void, ClientError> =>
  Effect.suspend(() => {
    const batch = new Batch()
    for (const { order } of messages) batch.remove(Records.keys.inbox(order))
    batch.applied(() => {
      for (const { order } of messages) opened.inbox.cache.delete(order)
    })
    return commit(opened.store, batch)
  })

const read = (opened: Opened, key: string, value: Uint8Array): Result.Result<Api.Incoming, StoredRecordError> =>
  Result.flatMap(Records.decode(Records.Inbox, key, value), (record) => {
    const corrupt = Result.fail(new StoredRecordError({ kind: "inbox", reason: "corrupt" }))
    const frame = Content.Frame.decode(record.content)
    if (Result.isFailure(frame)) return corrupt
    const body = Body.decode(frame.success.type, frame.success.body)
    if (Result.isFailure(body)) return corrupt
    const { account, device } = record
    const order = Records.orderOf(key)
    return Result.succeed(
      present(opened, order, Bytes.toHex(account), Bytes.toHex(device), record, body.success, frame.success)
    )
  })

/** Fails as soon as the client has failed. */
export const orFailed = <A, E>(opened: Opened, effect: Effect.Effect<A, E>): Effect.Effect<A, E | ClientError> =>
  Effect.suspend(() => {
    const failed = Deferred.await(opened.failed)
    return Deferred.isDoneUnsafe(opened.failed) ? failed : Effect.raceFirst(effect, failed)
  })

/** A batch of messages, at least one. */
export type Messages = readonly [Api.Incoming, ...Array<Api.Incoming>]

/**
 * Messages not taken yet, oldest first, up to `most` at a time: what is there, without waiting for more. Pulling again takes what was given
 * before, durably, and so does ending the stream; interrupting it does not.
 */
const pull = Effect.fnUntraced(function* (opened: Opened, most: number) {
  const { cache, reader, wake } = opened.inbox
  yield* Effect.acquireRelease(reader.take(1), () => reader.release(1))
  let cursor = 0
  let given: ReadonlyArray<Api.Incoming> = []
  const page: Array<Api.Incoming> = []
  const takeGiven: Effect.Effect<void, ClientError> = Effect.suspend(() => {
    if (given.length === 0) return Effect.void
    const messages = given
    given = []
    return take(opened, messages)
  })
  yield* Effect.addFinalizer((exit) => (Exit.isSuccess(exit) ? Effect.ignore(takeGiven) : Effect.void))
  const next: Effect.Effect<Messages, ClientError> = Effect.suspend(() => {
    const batch = page.splice(0, most)
    while (batch.length < most) {
      const message = cache.get((batch.at(-1)?.order ?? cursor) + 1)
      if (message === undefined) break
      batch.push(message)
    }
    const [first, ...rest] = batch
    if (first === undefined) return refill
    given = batch
    cursor = batch.at(-1)!.order
    return Effect.succeed([first, ...rest])
  })
  const refill: Effect.Effect<Messages, ClientError> = Effect.suspend(() =>
    Effect.flatMap(
      opened.store.scan("inbox/", { after: Records.keys.inbox(cursor), limit: pageSize }),
      (records): Effect.Effect<Messages, ClientError> => {
        for (const { key, value } of records) {
          const message = read(opened, key, value)
          if (Result.isFailure(message)) return Effect.fail(message.failure)
          page.push(message.success)
        }
        // A message may have been committed while the store was asked.
        if (page.length > 0 || cache.has(cursor + 1)) return next
        return Effect.andThen(orFailed(opened, wake.await), Effect.andThen(Effect.yieldNow, next))
      }
    )
  )
  // What is made here is the pull itself, which its stream runs again and again.
  // @effect-diagnostics-next-line returnEffectInGen:off
  return Effect.andThen(takeGiven, next)
})

/** One message at a time. */
export const messages = (opened: Opened): Stream.Stream<Api.Incoming, ClientError> =>
  Stream.unwrap(Effect.map(pull(opened, 1), (next) => Stream.fromPull(Effect.succeed(next))))

/** All that wait at a time, up to {@link pageSize}. */
export const batches = (opened: Opened): Stream.Stream<Messages, ClientError> =>
  Stream.unwrap(
    Effect.map(pull(opened, pageSize), (next) =>
      Stream.fromPull(Effect.succeed(Effect.map(next, (batch): readonly [Messages] => [batch])))
    )
  )
