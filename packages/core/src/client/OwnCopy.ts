/**
 * Content as copies between own devices carry it.
 *
 * Spec: docs/spec/22-own-devices.md §22.3, rule own.copy.2.
 */
import * as Result from "effect/Result"
import { fail, type Failure } from "../base/Failure.ts"
import * as Limits from "../base/Limits.ts"
import * as Refusal from "../codec/Refusal.ts"
import * as Body from "../envelope/Body.ts"
import * as Content from "../envelope/Content.ts"
import type { Opened } from "./Opened.ts"

/** Content without extensions of the moment: reply and fallback stay. */
export const encode = ({
  body,
  conversation,
  extensions,
  messageId,
  sentAt,
  sequence
}: Content.Content): Uint8Array => {
  const { fallback, replyTo } = extensions
  return Content.Frame.encode({
    type: Body.typeOf(body),
    conversation,
    sequence,
    messageId,
    sentAt,
    body: Result.getOrThrow(Body.encode(body)),
    extensions: {
      ...(fallback === undefined ? {} : { fallback }),
      ...(replyTo === undefined ? {} : { replyTo }),
      unknown: []
    }
  })
}

/**
 * Content that a copy carries: a numbered message of the conversation with `peer` (32 bytes), whose number is 0 while it was not given out.
 * Fails with `decode.*`, and with `decode.value` for what no application sends.
 */
export const decode = (
  { crypto, self }: Pick<Opened, "crypto" | "self">,
  peer: Uint8Array,
  bytes: Uint8Array
): Result.Result<Content.Content, Failure> => {
  const frame = Refusal.decode(Content.Frame, bytes)
  if (Result.isFailure(frame)) return Result.fail(frame.failure)
  const { body, conversation, extensions, messageId, sentAt, sequence, type } = frame.success
  if (!Body.isNumbered(type) || type === Body.types.ownDevice) return fail("decode.value")
  if (body.length > Limits.maxBodyBytes || !Body.isConversation(conversation)) return fail("decode.size")
  const direct = Content.directConversation(crypto, self.account, peer)
  const read = Body.decode(type, body, direct)
  if (Result.isFailure(read)) return Result.fail(read.failure)
  return Result.succeed({ conversation, sequence, messageId, sentAt, body: read.success, extensions })
}
